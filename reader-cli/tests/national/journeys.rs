//! A day at a till that works: each command as a person types it, what it says, what the centre has then.

use crate::till::{BALANCE, CITIZEN, NAME, PERSON, Till};

#[test]
fn a_day_from_sign_in_to_day_end_is_even_to_the_fen() {
    let till = Till::open();
    assert_eq!(till.run(&["person", "--id", &till.citizen()]).code(), "NATIONAL_NOT_SIGNED_IN");
    till.ok(&["sign-in"]);
    let person = till.ok(&["person", "--id", &till.citizen()]);
    assert_eq!(person["insured"][0]["balance_fen"], BALANCE);
    assert_eq!(till.ok(&["benefit", "--id", &till.citizen()])["checks"][0]["enjoys"], true);
    // 2 × 12.50 of class 甲, 1.5 × 12.50 of class 乙 with a tenth of first self-pay, 1 × 30.00 of class 丙.
    let bill = till.bill("B-1", &[("X1", "2", "12.50"), ("X2", "1.5", "12.50"), ("X3", "1", "30.00")]);
    let drugs = till.path("drugs.csv").display().to_string();
    let trial = till.ok(&["trial", &bill, "--id", &till.citizen(), "--catalogue", &drugs]);
    assert_eq!((trial["total_fen"].as_i64(), trial["own_pay_fen"].as_i64()), (Some(7_375), Some(3_000)), "{trial}");
    assert_eq!((trial["first_self_pay_fen"].as_i64(), trial["in_scope_fen"].as_i64()), (Some(188), Some(4_187)));
    assert_eq!((trial["compared"].as_bool(), trial["differences"].as_array().map(Vec::len)), (Some(true), Some(0)));
    assert_eq!(till.balance().get(), BALANCE, "a trial moves nothing");
    let settled = till.ok(&["settle", &bill, "--id", &till.citizen(), "--catalogue", &drugs]);
    for amount in
        ["total_fen", "own_pay_fen", "over_limit_fen", "first_self_pay_fen", "in_scope_fen", "account_fen", "cash_fen"]
    {
        assert_eq!(settled[amount], trial[amount], "{amount}: the trial is the settlement");
    }
    let account = settled["account_fen"].as_i64().expect("an amount");
    assert_eq!(till.balance().get(), BALANCE - account);
    let again = till.settle(&bill);
    assert_eq!((again.status, again.code().as_str()), (3, "NATIONAL_BILL_SETTLED"));
    assert_eq!(till.arrived(2102), 1, "a settled bill is not sent again");
    assert_eq!(till.ok(&["show", "B-1"])["even"], true);
    assert_eq!(till.ok(&["lines", "B-1"])["lines"].as_array().map(Vec::len), Some(3));
    let second = till.bill("B-2", &[("X1", "1", "12.50")]);
    assert_eq!(till.settle(&second).status, 0);
    let cancelled = till.ok(&["cancel", "B-1"]);
    assert_eq!(cancelled["cash_back_fen"], settled["cash_fen"]);
    assert_eq!(till.run(&["cancel", "B-1"]).code(), "NATIONAL_UNKNOWN");
    till.assert_conserved();
    let end = till.ok(&["day-end"]);
    // Summed over days: midnight may have passed meanwhile.
    let sum =
        |name: &str| end["totals"].as_array().expect("rows").iter().filter_map(|row| row[name].as_i64()).sum::<i64>();
    assert_eq!(end["even"], true, "{end}");
    assert_eq!((sum("count"), sum("total_fen")), (3, 1_250), "a sale, its refund, and another sale: {end}");
    till.ok(&["sign-out"]);
    assert_eq!(till.run(&["day-end"]).code(), "NATIONAL_NOT_SIGNED_IN");
    // A cancelled bill may be settled anew.
    till.ok(&["sign-in"]);
    assert_eq!(till.settle(&bill).status, 0);
    till.assert_conserved();
}

#[test]
fn our_split_is_told_where_it_differs_and_the_centres_counts() {
    let till = Till::signed_in();
    let other = std::fs::read_to_string(till.path("drugs.csv")).expect("text").replace("30.00,0.1,", "30.00,0.2,");
    std::fs::write(till.path("other.csv"), other).expect("written");
    let bill = till.bill("B-1", &[("X2", "1", "10.00")]);
    let drugs = till.path("other.csv").display().to_string();
    let settled = till.ok(&["settle", &bill, "--id", &till.citizen(), "--catalogue", &drugs]);
    assert_eq!(settled["first_self_pay_fen"], 100);
    let differences = settled["differences"].as_array().expect("a table");
    let of = |field: &str| differences.iter().find(|row| row["field"] == field).unwrap_or_else(|| panic!("{settled}"));
    assert_eq!(
        (of("preselfpay_amt")["ours_fen"].as_i64(), of("preselfpay_amt")["centre_fen"].as_i64()),
        (Some(200), Some(100))
    );
    assert_eq!(
        (of("inscp_scp_amt")["ours_fen"].as_i64(), of("inscp_scp_amt")["centre_fen"].as_i64()),
        (Some(800), Some(900))
    );
    assert_eq!(settled["notes"][0]["code"], "NATIONAL_SPLIT_DIFFERS");
    let without = till.bill("B-2", &[("X2", "1", "10.00")]);
    assert_eq!(till.settle(&without).json()["notes"][0]["code"], "NATIONAL_NOT_COMPARED");
    // Without the account everything is cash.
    let cash = till.bill("B-3", &[("X1", "1", "10.00")]);
    let paid = till.ok(&["settle", &cash, "--id", &till.citizen(), "--without-account"]);
    assert_eq!((paid["account_fen"].as_i64(), paid["cash_fen"].as_i64()), (Some(0), Some(1_000)));
}

#[test]
fn lists_come_as_files_and_as_pages_and_nothing_is_written_over() {
    let till = Till::signed_in();
    let out = |name: &str| till.path(name).display().to_string();
    let drugs = till.ok(&["catalogue", "1301", "--out", &out("1301.txt")]);
    assert_eq!(drugs["rows"], 3);
    let text = std::fs::read_to_string(till.path("1301.txt")).expect("text");
    assert_eq!(text.lines().next(), Some("X1\t阿莫西林胶囊\t2020-01-01\t"));
    let ceilings = till.ok(&["catalogue", "1318", "--out", &out("1318.csv")]);
    assert_eq!(ceilings["rows"], 2);
    let text = std::fs::read_to_string(till.path("1318.csv")).expect("text");
    assert_eq!(text.lines().nth(1), Some("X1,1,20.00,2020-01-01,"));
    let again = till.run(&["catalogue", "1318", "--out", &out("1318.csv")]);
    assert_eq!((again.status, again.code().as_str()), (2, "FILE_MISSING"));
    assert_eq!(till.run(&["catalogue", "1320", "--out", &out("x")]).status, 1);
    let unknown = till.run(&["catalogue", "1310", "--out", &out("1310.txt")]);
    assert_eq!((unknown.status, unknown.code().as_str()), (3, "NATIONAL_REFUSED"));
    assert!(!till.path("1310.txt").exists());
}

#[test]
fn what_does_not_fit_a_field_is_told_before_anything_is_begun() {
    let till = Till::signed_in();
    let bill = till.bill("B-1", &[("X1", "1", "12.50")]);
    let good = std::fs::read_to_string(till.path("sscard.toml")).expect("text");
    let wide = good.replace("桥头药房", "泸定县磨西镇桥头惠民大药房连锁有限责任公司一店");
    std::fs::write(till.path("sscard.toml"), &wide).expect("written");
    for (language, word) in [("zh", "要发送的内容不符合字段规定"), ("en", "does not fit its field")] {
        let ran = till.run_as(language, "text", &["settle", &bill, "--id", &till.citizen()]);
        assert_eq!(ran.status, 1, "{}", ran.stderr);
        assert!(ran.stderr.contains("NATIONAL_FIELD") && ran.stderr.contains(word), "{}", ran.stderr);
        assert!(ran.stderr.contains("fixmedins_name: 23 long, at most 20"), "{}", ran.stderr);
    }
    std::fs::write(till.path("sscard.toml"), good.replace("institution = \"P5", "institution = \"p5"))
        .expect("written");
    assert_eq!(till.run(&["finish"]).code(), "CONFIGURATION_INVALID");
    std::fs::write(till.path("sscard.toml"), "").expect("written");
    assert_eq!(till.run(&["finish"]).code(), "CONFIGURATION_INVALID");
    std::fs::write(till.path("sscard.toml"), good).expect("written");
    assert_eq!(till.state("B-1"), "", "nothing was begun");
    let other = till.run(&["settle", &bill, "--id", &till.citizen(), "--insurance", "390"]);
    assert_eq!((other.status, other.code().as_str()), (2, "NATIONAL_NOT_INSURED"));
    std::fs::write(till.path("citizen"), "513399199901010000").expect("written");
    let nobody = till.run(&["settle", &bill, "--id", &till.citizen()]);
    assert_eq!((nobody.status, nobody.code().as_str()), (3, "NATIONAL_REFUSED"));
    for arguments in [&["settle", bill.as_str()][..], &["person", "--id", CITIZEN], &["person", "--id", "env:NOWHERE"]]
    {
        assert_eq!(till.run(arguments).status, 1, "{arguments:?}");
    }
}

#[test]
fn nobody_is_named_on_the_screen_or_on_the_disk() {
    let till = Till::open();
    let bill = till.bill("B-1", &[("X1", "1", "12.50")]);
    let citizen = till.citizen();
    let mut said = String::new();
    till.faults(&["2102:2=lose", "2601:1=drop"]);
    for language in ["zh", "en"] {
        for arguments in [
            &["sign-in"][..],
            &["person", "--id", &citizen],
            &["benefit", "--id", &citizen],
            &["trial", &bill, "--id", &citizen],
            &["settle", &bill, "--id", &citizen],
            &["settle", &bill, "--id", &citizen],
            &["show", "B-1"],
            &["lines", "B-1"],
            &["list"],
            &["cancel", "B-1"],
            &["reconcile"],
            &["day-end"],
            &["finish"],
            &["sign-out"],
            &["person", "--id", CITIZEN],
        ] {
            let ran = till.run_as(language, "text", arguments);
            said += &(ran.stdout + &ran.stderr);
        }
    }
    std::fs::remove_file(till.path("citizen")).expect("ours");
    let mut files = vec![said.into_bytes()];
    for entry in std::fs::read_dir(till.folder.path()).expect("a folder") {
        files.push(std::fs::read(entry.expect("an entry").path()).expect("a file"));
    }
    assert!(files.len() > 4, "the journal, its key, its lock, the bill: {}", files.len());
    for planted in [PERSON, CITIZEN, NAME] {
        for found in &files {
            assert!(!found.windows(planted.len()).any(|window| window == planted.as_bytes()), "{planted}");
        }
    }
}
