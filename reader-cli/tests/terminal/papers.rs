//! Catalogues, policies and trials, as a pharmacy and its city type them.

use serde_json::{Value, json};

use crate::shop::Shop;

fn write(shop: &Shop, name: &str, text: &str) -> String {
    let path = shop.path(name);
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

#[test]
fn a_trial_with_the_card_is_what_is_then_settled_fen_for_fen() {
    let shop = Shop::ready();
    let catalogue = shop.path("drugs.csv").display().to_string();
    // X1 甲, X2 乙 above its ceiling, X3 丙.
    let bill = shop.bill("B-1", &[("X1", 2, "12.50"), ("X2", 1, "35.01"), ("X3", 1, "99.99")]);
    let before = shop.inside("person.card");
    let trial = shop.run(&["pay", &bill, "--trial", "--card", "--catalogue", &catalogue]);
    assert_eq!(trial.status, 0, "{}", trial.stderr);
    assert_eq!(shop.inside("person.card"), before, "a trial leaves the card as it was");
    let paid = shop.pay(&bill);
    assert_eq!(paid.status, 0, "{}", paid.stderr);
    let (mut tried, settled) = (trial.json(), paid.json()["split"].clone());
    tried.as_object_mut().expect("an object").remove("trial");
    assert_eq!(tried.to_string(), settled.to_string(), "byte for byte");
    assert_eq!(settled["personal_account_fen"], json!(5_500));
    // The same balance by hand comes to the same; enough comes to another split.
    let by_hand = shop.run(&["pay", &bill, "--trial", "--balance", "500.00", "--catalogue", &catalogue]).json();
    assert_eq!(by_hand["bill_hash"], settled["bill_hash"]);
    let short = shop.run(&["pay", &bill, "--trial", "--balance", "10.00", "--catalogue", &catalogue]).json();
    assert_ne!(short["bill_hash"], settled["bill_hash"]);
    assert_eq!((&short["reasons"][0]["number"], &short["reasons"][0]["reason"]), (&json!(10), &json!("short-balance")));
    assert_eq!(short["reasons"][0]["short_fen"], json!(4_500));
    let over = &short["lines"][1]["reasons"];
    assert!(over.as_array().is_some_and(|rows| rows.iter().any(|row| row["ceiling_fen"].is_i64())), "{short}");
    let text = shop.run_text("zh", &["pay", &bill, "--trial", "--catalogue", &catalogue]).stdout;
    assert!(text.contains("4 单价高于限价") && text.contains("3 丙类,全自费"), "{text}");
}

#[test]
fn a_limit_counts_what_the_card_bought_on_earlier_taps() {
    let shop = Shop::ready();
    let list = "药品编码,名称,类别,目录类别,限价,先行自付比例,生效日期,失效日期,处方药,限量,限量天数,用药天数上限\n\
                L1,头孢一号,甲,101,,,2020-01-01,,否,3,30,\nL2,降压二号,甲,101,,,2020-01-01,,否,,,30\n";
    let catalogue = write(&shop, "limited.csv", list);
    let pay = |bill: &str| shop.run(&["pay", bill, "--catalogue", &catalogue, "--pin", "env:PIN"]);
    assert_eq!(pay(&shop.bill("B-1", &[("L1", 2, "1.00")])).status, 0);
    let second = shop.bill("B-2", &[("L1", 2, "1.00")]);
    let trial = shop.run(&["pay", &second, "--trial", "--card", "--catalogue", &catalogue]);
    let refused = pay(&second);
    for ran in [&trial, &refused] {
        assert_eq!((ran.status, ran.code().as_str()), (3, "BILL_REFUSED"), "{}", ran.stderr);
        assert!(ran.stderr.contains("at most 3 in 30 days, 2 were bought before"), "{}", ran.stderr);
    }
    assert_eq!(pay(&shop.bill("B-3", &[("L1", 1, "1.00")])).status, 0, "the refused one counts for nothing");
    let unsaid = pay(&shop.bill("B-4", &[("L2", 1, "1.00")]));
    assert!(unsaid.stderr.contains("days of supply"), "{}", unsaid.stderr);
    let with_days = |id: &str| {
        let bill = json!({"bill_id": id, "items": [{"code": "L2", "quantity": 1, "unit_price": "1.00", "days": 20}]});
        write(&shop, &format!("{id}.json"), &bill.to_string())
    };
    assert_eq!(pay(&with_days("B-5")).status, 0);
    assert!(pay(&with_days("B-6")).stderr.contains("20 days left from before"));
    // A city may let the holder buy it for cash instead.
    let policy = shop.run_text("en", &["policy", "show", "--source"]).stdout;
    let policy =
        write(&shop, "own-pay.toml", &policy.replace("over-quantity = \"refuse\"", "over-quantity = \"own-pay\""));
    let bill = with_days("B-7");
    let ran = shop.run(&["pay", &bill, "--catalogue", &catalogue, "--policy", &policy, "--pin", "env:PIN"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let split = &ran.json()["split"];
    assert_eq!((&split["self_paid_fen"], &split["own_pay_fen"]), (&json!(100), &json!(100)));
    let supply = json!({"number": 8, "reason": "over-supply", "max": 30, "on_hand": 20});
    let mut told = split["lines"][0]["reasons"][0].clone();
    told.as_object_mut().expect("an object").remove("text").expect("a sentence");
    assert_eq!(told, supply);
}

#[test]
fn every_fault_of_a_policy_is_told_with_line_and_column() {
    let shop = Shop::open();
    let source = shop.run_text("en", &["policy", "show", "--source"]).stdout;
    let good = write(&shop, "good.toml", &source);
    let checked = shop.run(&["policy", "check", &good]);
    assert_eq!(checked.status, 0, "{}", checked.stderr);
    assert_eq!(checked.json()["notes"][0]["code"], "POLICY_ASSUMED");
    let bad = source.replace("\"cash\"", "\"credit\"").replace("pool-share = \"0\"", "pool-share = 0.5");
    let bad = write(&shop, "bad.toml", &bad);
    let ran = shop.run(&["policy", "check", &bad]);
    assert_eq!(ran.status, 7);
    let faults: Vec<(i64, i64, String)> = ran.json()["faults"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|fault| {
            let number = |key: &str| fault[key].as_i64().expect("a number");
            (number("line"), number("column"), fault["code"].as_str().expect("a code").to_owned())
        })
        .collect();
    let place = |word: &str| {
        let line = source.lines().position(|line| line.starts_with(word)).expect("a row");
        let line = i64::try_from(line).expect("small");
        (line + 1, i64::try_from(word.len()).expect("small") + 4)
    };
    let ((line_1, column_1), (line_2, column_2)) = (place("shortfall"), place("pool-share"));
    let expected = [(line_1, column_1, "POLICY_WORD".to_owned()), (line_2, column_2, "POLICY_SHARE".to_owned())];
    assert_eq!(faults, expected);
    let told = shop.run_text("zh", &["policy", "check", &bad]);
    assert!(told.stdout.contains("\"credit\" 不在可选值") && told.stderr.contains("docs/policy.md"), "{}", told.stdout);
    let bill = shop.bill("B-1", &[("X1", 1, "1.00")]);
    let catalogue = shop.path("drugs.csv").display().to_string();
    let trial = shop.run(&["pay", &bill, "--trial", "--catalogue", &catalogue, "--policy", &bad]);
    assert_eq!((trial.status, trial.code().as_str()), (1, "POLICY_MALFORMED"));
    let shown = shop.run(&["policy", "show", &good]).json();
    assert_eq!(shown["rules"][0]["confirmed"], Value::Bool(false));
}

#[test]
fn a_catalogue_is_joined_from_list_ceilings_and_ratios_and_kept_whole() {
    let shop = Shop::open();
    let list = write(
        &shop,
        "list.csv",
        "code,name,class,list_type,price_ceiling,first_self_pay,valid_from,valid_until,prescription_only\n\
         B1,x,乙,101,,,2026-01-01,,否\n",
    );
    let ceilings = write(
        &shop,
        "ceilings.csv",
        "药品编码,限价,生效日期,失效日期\nB1,30.00,2026-01-01,2026-06-30\nB1,28.00,2026-07-01,\n",
    );
    let ratios = write(&shop, "ratios.csv", "code,first_self_pay,valid_from,valid_until\nB1,0.1,2026-03-01,\n");
    let out = shop.path("catalogue.csv").display().to_string();
    let import = |ratios: &str| {
        let parts =
            ["--list", &list, "--ceilings", &ceilings, "--ratios", ratios, "--version-name", "2026.7", "--out", &out];
        shop.run(&[&["catalogue", "import"][..], &parts].concat())
    };
    let gap = import(&ratios);
    assert_eq!(gap.status, 7);
    let fault = &gap.json()["faults"][0];
    assert_eq!((&fault["file"], &fault["row"], &fault["column"]), (&json!(list), &json!(2), &json!("first_self_pay")));
    assert!(!shop.path("catalogue.csv").exists(), "nothing is written");
    let ratios = write(&shop, "ratios.csv", "code,first_self_pay,valid_from,valid_until\nB1,0.1,2026-01-01,\n");
    let done = import(&ratios);
    assert_eq!(done.status, 0, "{}", done.stderr);
    assert_eq!((&done.json()["version"], &done.json()["periods"]), (&json!("2026.7"), &json!(2)));
    let again = import(&ratios);
    assert_ne!(again.status, 0, "a file that exists is kept");
    let on = |day: &str| shop.run(&["catalogue", "show", &out, "--code", "B1", "--on", day]);
    assert_eq!(on("2026-06-30").json()["drugs"][0]["price_ceiling_fen"], json!(3_000));
    assert_eq!(on("2026-07-01").json()["drugs"][0]["price_ceiling_fen"], json!(2_800));
    assert_eq!(on("2025-12-31").status, 2);
    let bill = shop.bill("B-1", &[("B1", 1, "29.00")]);
    let trial = shop.run(&["pay", &bill, "--trial", "--catalogue", &out]).json();
    assert_eq!(trial["catalogue"], json!("2026.7"));
}

#[test]
fn a_receipt_goes_to_a_file_or_printer_in_the_form_asked_for_and_nothing_is_overwritten() {
    let shop = Shop::ready();
    let config = write(&shop, "sscard.toml", "paper = 58\nreceipt-check = \"https://check.example\"\n");
    let catalogue = shop.path("drugs.csv").display().to_string();
    let at = |name: &str| shop.path(name).display().to_string();
    let pay = |bill: &str, receipt: &str| {
        shop.run(&[
            "--config",
            &config,
            "pay",
            bill,
            "--catalogue",
            &catalogue,
            "--pin",
            "env:PIN",
            "--receipt",
            receipt,
        ])
    };
    let paid = pay(&shop.bill("B-1", &[("X1", 2, "12.50")]), &at("one.escpos"));
    assert_eq!(paid.status, 0, "{}", paid.stderr);
    let bytes = std::fs::read(at("one.escpos")).expect("written");
    assert!(bytes.starts_with(&[0x1B, b'@']) && bytes.windows(3).any(|window| window == [0x1D, b'V', 66]));
    let address = b"https://check.example/receipt/";
    let place = bytes.windows(address.len()).position(|window| window == address).expect("a QR code");
    let code = String::from_utf8(bytes[place + address.len()..][..152].to_vec()).expect("letters");
    let code = settlement::receipt::ReceiptCode::parse(&code).expect("a code");
    assert!(code.verify(&shop.centre.books().key.expect("enrolled")).is_ok());
    assert_eq!((code.sold().personal_account, code.sold().self_paid), (2_500, 0));
    let entry = paid.json()["entry"].as_str().expect("an id").to_owned();
    for name in ["two.png", "two.pdf", "two.txt"] {
        let reprint =
            shop.run(&["--config", &config, "receipt", "reprint", &entry, "--receipt", &at(name), "--paper", "80"]);
        assert_eq!(reprint.status, 0, "{name}: {}", reprint.stderr);
    }
    assert!(std::fs::read(at("two.png")).expect("written").starts_with(b"\x89PNG"));
    assert!(std::fs::read(at("two.pdf")).expect("written").starts_with(b"%PDF"));
    let text = std::fs::read_to_string(at("two.txt")).expect("written");
    assert!(text.contains("REPRINT 3") && text.lines().all(|line| line.len() <= 60), "{text}");
    // What cannot be written is said before the card is touched.
    let before = shop.balance();
    let second = shop.bill("B-2", &[("X1", 1, "1.00")]);
    for (receipt, status) in [(at("one.escpos"), 2), (at("three.doc"), 1)] {
        let refused = pay(&second, &receipt);
        assert_eq!((refused.status, shop.balance()), (status, before), "{}", refused.stderr);
    }
    // A printer that fails afterwards does not undo the sale, and is told apart from it.
    let failed = pay(&second, &at("missing/three.png"));
    assert_eq!((failed.status, failed.code().as_str()), (10, "RECEIPT_UNWRITTEN"), "{}", failed.stderr);
    assert_eq!((shop.balance(), failed.json()["state"].as_str()), (before - 100, Some("CONFIRMED")));
}

#[test]
fn the_first_print_shows_the_masked_holder_and_nothing_keeps_the_name() {
    let shop = Shop::ready();
    let bill = shop.bill("B-1", &[("X1", 1, "10.00")]);
    let catalogue = shop.path("drugs.csv").display().to_string();
    let paid = shop.run_text("zh", &["pay", &bill, "--catalogue", &catalogue, "--pin", "env:PIN"]);
    assert_eq!(paid.status, 0, "{}", paid.stderr);
    let holder = |text: &str| text.lines().find(|line| line.starts_with("持卡人")).unwrap_or_default().to_owned();
    assert!(holder(&paid.stdout).ends_with("张*"), "{}", paid.stdout);
    // Without the card nobody here knows the name.
    let again = shop.run_text("zh", &["receipt", "reprint", "2"]);
    assert!(holder(&again.stdout).ends_with("首次打印时显示"), "{}", again.stdout);
    for entry in std::fs::read_dir(shop.path("data")).expect("a folder") {
        let path = entry.expect("a file").path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        for kept in ["张三", "张*"] {
            assert!(!bytes.windows(kept.len()).any(|window| window == kept.as_bytes()), "{kept}: {}", path.display());
        }
    }
}
