//! What a person can do wrong, and what can be wrong with a card: each told apart, nothing spent, nothing half-done.

use serde_json::json;
use settlement::blacklist::SignedBlacklist;
use settlement::fen::Fen;
use settlement::id::CardIdentifier;

use crate::cards;
use crate::shop::{CARD, PSAM, Shop, blank_image, image_of, user_image};

#[test]
fn readers_are_listed_with_what_is_in_them() {
    let shop = Shop::open();
    let readers = shop.run(&["readers"]).json();
    let kinds: Vec<_> = readers["readers"].as_array().expect("a list").iter().map(|row| row["kind"].clone()).collect();
    assert_eq!(kinds, [json!("user"), json!("psam"), json!(null), json!(null)]);
    assert_eq!(readers["readers"][0]["index"], json!(0));
    assert_eq!(readers["readers"][2]["card_present"], json!(false));
    let text = shop.run_text("zh", &["readers"]).stdout;
    assert!(text.contains("社会保障卡") && text.contains("PSAM"), "{text}");
}

#[test]
fn a_basic_read_finds_card_and_psam_by_what_they_are() {
    let shop = Shop::open();
    let read = shop.run(&["card", "read"]);
    assert_eq!(read.status, 0, "{}", read.stderr);
    let values = read.json();
    assert_eq!(values["SSSE.EF05.card_number"], "A12345674");
    assert_eq!(values["SSSE.EF06.name"], "张三");
    assert_eq!(values["SSSE.EF06.social_security_number"], "111111198101011110");
    assert_eq!(values["faults"], json!([]));
    let all = shop.run(&["card", "read", "--all", "--pin", "env:PIN"]);
    assert_eq!(all.status, 0, "{}{}", all.stdout, all.stderr);
    let one = shop.run(&["card", "read", "--file", "DF04.EF05", "--pin", "env:PIN"]);
    assert_eq!(one.status, 0, "{}{}", one.stdout, one.stderr);
}

#[test]
fn a_dump_holds_the_whole_card_and_is_compared() {
    let shop = Shop::open();
    let dump = shop.run(&["card", "dump", "--pin", "env:PIN"]);
    assert_eq!(dump.status, 0, "{}{}", dump.stdout, dump.stderr);
    let card = dump.json();
    assert_eq!((&card["profile"], &card["values"]["SSSE.EF06.name"]), (&json!("ssc-3.0"), &json!("张三")));
    assert_eq!(card["unread"], json!([]));
    let folder = tempfile::tempdir().expect("folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    };
    let whole = file("whole.json", &dump.stdout);
    let person = file("person.json", r#"{"SSSE.EF06.name": "张三"}"#);
    let other = file("other.json", r#"{"SSSE.EF06.name": "李四"}"#);
    assert_eq!(shop.run(&["card", "diff", &whole, &whole]).status, 0);
    let against = |person: &str| shop.run(&["card", "diff", &whole, "--against", "ssc-3.0", "--person", person]);
    let same = against(&person);
    assert_eq!(same.status, 0, "{}", same.stdout);
    let differs = against(&other);
    assert_eq!((differs.status, &differs.json()["differences"][0]["place"]), (7, &json!("SSSE.EF06.name")));
    // It holds personal data: its owner's alone, also where a file lay open before.
    let out = file("out.json", "");
    let mode = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(&out, mode(0o644)).expect("ours");
    let kept = shop.run(&["card", "dump", "--pin", "env:PIN", "--out", &out]);
    assert_eq!((kept.status, std::fs::read_to_string(&out).expect("text").as_str()), (2, ""), "{}", kept.stderr);
    for _ in 0..2 {
        let written = shop.run(&["card", "dump", "--pin", "env:PIN", "--out", &out, "--force"]);
        assert_eq!((written.status, written.stdout.as_str()), (0, ""), "{}", written.stderr);
        let kept = std::fs::metadata(&out).expect("there").permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&kept) & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(&out).expect("text"), dump.stdout);
        std::fs::remove_file(&out).expect("ours");
    }
    // The same card in its reader, and a table of persons.
    let live = shop.run(&["card", "diff", "reader:", &whole, "--pin", "env:PIN"]);
    assert_eq!(live.status, 0, "{}{}", live.stdout, live.stderr);
    let number = card["values"]["SSSE.EF06.social_security_number"].as_str().expect("a number");
    let table = file("table.csv", &format!("社会保障号码,姓名,性别\n1,王五,女\n{number},张三,男\n"));
    let same = against(&table);
    assert_eq!(same.status, 0, "{}{}", same.stdout, same.stderr);
    let female = against(&file("female.csv", &format!("社会保障号码,性别\n{number},女\n")));
    let row = &female.json()["differences"][0];
    assert_eq!(
        (&row["place"], &row["record"], &row["left"], &row["right"]),
        (&json!("SSSE.EF06.sex"), &json!(4), &json!("1"), &json!("2"))
    );
    let refused = |text: &str| {
        let refused = against(&file("refused.csv", text));
        assert!(!refused.stderr.contains("张三"), "no value is repeated");
        (refused.status, refused.code())
    };
    assert_eq!(refused("社会保障号码,姓名\n1,张三\n"), (2, "PERSON_MISSING".to_owned()));
    assert_eq!(refused("社会保障号码,鞋号\n1,42\n"), (1, "DUMP_MALFORMED".to_owned()));
    assert_eq!(refused(&format!("社会保障号码,民族\n{number},火星\n")), (1, "DUMP_MALFORMED".to_owned()));
    let closed = shop.run(&["card", "dump"]);
    assert_eq!(closed.status, 10, "{}", closed.stderr);
    assert!(closed.stderr.contains("PARTLY_READ") && closed.stderr.contains("DF04.EF05"), "{}", closed.stderr);
    let closed = file("closed.json", &closed.stdout);
    let otherwise = file("otherwise.json", &dump.stdout.replace("\"ssc-3.0\"", "\"ssc-3.0-sm4\""));
    let kinds = shop.run(&["card", "diff", &whole, &otherwise]);
    let places: Vec<String> =
        kinds.json()["differences"].as_array().expect("rows").iter().map(|row| row["place"].to_string()).collect();
    assert_eq!(
        (kinds.status, places),
        (7, vec!["\"profile\"".to_owned(), "\"algorithm\"".to_owned()]),
        "{}",
        kinds.stdout
    );
    assert_eq!(shop.run(&["card", "diff", &whole, &closed]).status, 7);
    // A value that is not there is something else than an empty one.
    let mut lacking = card;
    lacking["values"].as_object_mut().expect("values").remove("SSSE.EF06.name_extension").expect("an empty one");
    let lacking = file("lacking.json", &lacking.to_string());
    for (language, words) in [("en", ["(empty)", "(not there)"]), ("zh", ["（空）", "（没有）"])] {
        let text = shop.run_text(language, &["card", "diff", &whole, &lacking]).stdout;
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
    let row = &shop.run(&["card", "diff", &whole, &lacking]).json()["differences"][0];
    assert_eq!((&row["left"], &row["right"]), (&json!(""), &json!(null)));
}

#[test]
fn a_refused_key_ends_the_tries_of_its_psam_for_this_dump() {
    let shop = Shop::with_other_reading_keys();
    let tries = || shop.inside("person.card").keys.values().map(|key| u32::from(key.tries_left)).sum::<u32>();
    let before = tries();
    for (reads, command) in [["card", "dump"], ["card", "read"]].iter().enumerate() {
        let ran = match command[1] {
            "read" => shop.run(&["card", "read", "--all"]),
            _ => shop.run(command),
        };
        assert!(ran.stdout.contains("A12345674"), "what is free is read: {}", ran.stdout);
        assert!(ran.stdout.contains("KEY_NOT_TRIED"), "{}", ran.stdout);
        // The next run leaves the key that was refused alone, and ends with the first of the others.
        assert_eq!(tries() + 1 + u32::try_from(reads).expect("small"), before, "{}", ran.stdout);
    }
    let said = shop.run_text("en", &["card", "read"]);
    assert!(
        said.stderr.contains("the card refused it before") && said.stderr.contains("2 tries left"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_pin_that_the_card_no_longer_takes_leaves_what_needs_none() {
    let shop = Shop::open();
    for _ in 0..8 {
        shop.run(&["card", "read", "--pin", "env:WRONG", "--last-try"]);
    }
    for command in ["read", "dump"] {
        let ran = shop.run(&["card", command, "--pin", "env:PIN", "--last-try"]);
        assert_eq!((ran.status, ran.code().as_str()), (6, "PIN_BLOCKED"), "{}", ran.stderr);
        assert!(ran.stdout.contains("A12345674") && ran.stdout.contains("张三"), "{}", ran.stdout);
    }
}

#[test]
fn without_psam_the_free_data_are_read_and_paying_is_refused() {
    let shop = Shop::ready();
    shop.farm.eject(PSAM).expect("ejected");
    let read = shop.run(&["card", "read"]);
    assert_eq!(read.status, 10, "{}", read.stderr);
    let values = read.json();
    assert_eq!(values["SSSE.EF05.card_number"], "A12345674");
    assert_eq!((&values["SSSE.EF06.name"], &values["notes"][0]["code"]), (&json!(null), &json!("PSAM_MISSING")));
    let paid = shop.pay(&shop.bill("B-1", &[("X1", 1, "10.00")]));
    assert_eq!((paid.status, paid.code().as_str()), (5, "PSAM_MISSING"));
    assert_eq!(shop.balance(), 50_000);
}

#[test]
fn a_psam_of_another_issuer_is_refused_before_a_try_is_spent() {
    let shop = Shop::with(2);
    let before = shop.inside("person.card").keys;
    let read = shop.run(&["card", "read"]);
    assert_eq!((read.status, read.code().as_str()), (6, "PSAM_WRONG"));
    assert_eq!(read.json()["faults"][0]["code"], "PSAM_WRONG", "it is there: nobody is sent to insert it");
    assert_eq!(read.json()["SSSE.EF05.card_number"], "A12345674");
    // A dump holds what needs no key, and says of the rest why not.
    let dump = shop.run(&["card", "dump"]);
    assert_eq!((dump.status, dump.code().as_str()), (6, "PSAM_WRONG"), "{}", dump.stderr);
    assert_eq!(dump.json()["values"]["SSSE.EF05.card_number"], "A12345674");
    let unread = dump.json()["unread"].as_array().expect("files").clone();
    assert!(unread.contains(&json!({ "place": "SSSE.EF06", "code": "PSAM_WRONG" })), "{unread:?}");
    assert_eq!(shop.inside("person.card").keys, before);
}

#[test]
fn an_empty_reader_a_pulled_card_and_an_unknown_reader_are_told_apart() {
    let shop = Shop::ready();
    let name = shop.farm.reader_name(CARD).expect("a slot");
    shop.farm.eject(CARD).expect("ejected");
    let gone = shop.run(&["balance"]);
    assert_eq!((gone.status, gone.code().as_str()), (4, "NO_CARD"));
    let named = shop.run(&["--reader", &name, "balance"]);
    assert_eq!((named.status, named.code().as_str()), (4, "NO_CARD"));
    let unknown = shop.run(&["--reader", "nowhere", "balance"]);
    assert_eq!((unknown.status, unknown.code().as_str()), (5, "READER_NOT_FOUND"));
}

#[test]
fn a_card_that_is_waited_for_is_found_when_it_comes_and_missed_when_it_does_not() {
    let shop = Shop::open();
    let name = shop.farm.reader_name(CARD).expect("a slot");
    shop.faults(
        CARD,
        vec![card_sim::fault::Fault::PowerLoss {
            at: card_sim::fault::Trigger::command(1),
            moment: card_sim::fault::Moment::Before,
            back_after_ms: Some(crate::shop::AWAY_MS),
        }],
    );
    assert_eq!(shop.run(&["--reader", &name, "balance"]).status, 4);
    let found = shop.run(&["--reader", &name, "--wait", "20", "balance"]);
    assert_eq!(found.status, 0, "{}", found.stderr);
    shop.farm.eject(CARD).expect("ejected");
    let missed = shop.run(&["--reader", &name, "--wait", "1", "balance"]);
    assert_eq!((missed.status, missed.code().as_str()), (4, "NO_CARD"));
}

#[test]
fn two_cards_are_refused_with_their_readers() {
    let shop = Shop::open();
    user_image(&shop.path("other.card"), 2, cards::CITY);
    let path = shop.path("other.card");
    shop.farm.insert(2, &path).expect("inserted");
    let two = shop.run(&["balance"]);
    assert_eq!((two.status, two.code().as_str()), (5, "READER_AMBIGUOUS"));
    assert!(two.stderr.contains(&shop.farm.reader_name(2).expect("a slot")), "{}", two.stderr);
    let named = shop.run(&["--reader", &shop.farm.reader_name(2).expect("a slot"), "balance"]);
    assert_eq!(named.status, 0, "{}", named.stderr);
}

#[test]
fn blank_foreign_and_other_cards_are_told_apart() {
    let shop = Shop::ready();
    shop.farm.eject(CARD).expect("ejected");
    drop(blank_image(&shop.path("blank.card"), "ssc-3.0", cards::serial_of(4)));
    shop.farm.insert(CARD, &shop.path("blank.card")).expect("inserted");
    let blank = shop.run(&["card", "read"]);
    assert_eq!((blank.status, blank.code().as_str()), (4, "CARD_BLANK"));
    // What is there is dumped all the same, with the fault; by another profile where one is named.
    let dumped = shop.run(&["card", "dump"]);
    let dump = dumped.json();
    assert_eq!((dumped.status, &dump["profile"]), (10, &"ssc-3.0".into()), "{}", dumped.stderr);
    let named = serde_json::json!({ "place": "SSSE.EF05.card_identifier", "code": "CARD_BLANK" });
    assert_eq!(dump["faults"][0], named, "{dump}");
    let unread = dump["unread"].as_array().expect("a list");
    assert!(unread.iter().any(|file| file["place"] == "SSSE.EF06" && file["code"] == "CARD_BLANK"), "{dump}");
    assert!(dumped.stderr.contains("CARD_BLANK"), "{}", dumped.stderr);
    let dump = shop.run(&["card", "dump", "--profile", "ssc-2.0"]).json();
    assert_eq!((&dump["profile"], &dump["faults"][0]), (&"ssc-2.0".into(), &named), "{dump}");
    let differing = shop.run(&["card", "diff", "reader:", "--against", "ssc-3.0", "--profile", "ssc-3.0"]);
    assert!([0, 7].contains(&differing.status), "{}", differing.stderr);
    shop.farm.eject(CARD).expect("ejected");
    user_image(&shop.path("foreign.card"), 5, "430200");
    shop.farm.insert(CARD, &shop.path("foreign.card")).expect("inserted");
    let foreign = shop.run(&["card", "read"]).json();
    assert_eq!(foreign["notes"][0]["code"], "FOREIGN_CITY");
    let check = shop.run(&["card", "check"]);
    assert_eq!((check.status, check.code().as_str()), (3, "FOREIGN_CITY"));
    assert_eq!(check.json()["route"], "ministry", "another province");
    let paid = shop.pay(&shop.bill("B-1", &[("X1", 1, "10.00")]));
    assert_eq!((paid.status, paid.code().as_str()), (3, "FOREIGN_CITY"));
    let psam = shop.farm.reader_name(PSAM).expect("a slot");
    for command in [&["balance"][..], &["card", "read"]] {
        let other = shop.run(&[&["--reader", &psam][..], command].concat());
        assert_eq!((other.status, other.code().as_str()), (4, "CARD_IS_PSAM"), "{command:?}");
    }
}

#[test]
fn a_purse_is_no_social_security_card_and_the_way_to_it_is_named() {
    let shop = Shop::open();
    shop.farm.eject(CARD).expect("ejected");
    let purse = card_profiles::builtin_text("pboc-purse").expect("built in");
    drop(image_of(&shop.path("purse.card"), purse, [0x51, 0x33, 0, 0, 0, 9]));
    shop.farm.insert(CARD, &shop.path("purse.card")).expect("inserted");
    for language in ["zh", "en"] {
        let read = shop.run_text(language, &["card", "read"]);
        assert_eq!(read.status, 4, "{}", read.stderr);
        for word in ["NOT_SSC", "sscard shell --profile", "conform --profile"] {
            assert!(read.stderr.contains(word), "{}", read.stderr);
        }
    }
    let typed = shop.run_typing("ls\n", &["shell", "--profile", "pboc-purse"]);
    assert_eq!(typed.status, 0, "{}", typed.stderr);
}

#[test]
fn malformed_papers_are_refused_with_their_place_before_the_card_is_touched() {
    let shop = Shop::ready();
    let before = shop.inside("person.card");
    let entries = shop.journal().len();
    for (text, expected) in [
        ("", "BILL_MALFORMED"),
        ("{}", "BILL_MALFORMED"),
        (r#"{"bill_id":"B 1","items":[]}"#, "BILL_MALFORMED"),
        (r#"{"bill_id":"B-1","items":[]}"#, "BILL_MALFORMED"),
        (r#"{"bill_id":"B-1","items":[{"code":"X1","quantity":-1,"unit_price":"1.00"}]}"#, "BILL_MALFORMED"),
        (r#"{"bill_id":"B-1","items":[{"code":"X1","quantity":1,"unit_price":1.0}]}"#, "BILL_MALFORMED"),
    ] {
        let path = shop.path("bad.json");
        std::fs::write(&path, text).expect("written");
        let ran = shop.pay(&path.display().to_string());
        assert_eq!((ran.status, ran.code().as_str()), (1, expected), "{text}");
    }
    let unknown = shop.pay(&shop.bill("B-1", &[("X9", 1, "10.00")]));
    assert_eq!((unknown.status, unknown.code().as_str()), (3, "BILL_REFUSED"));
    let missing = shop.pay("nowhere.json");
    assert_eq!((missing.status, missing.code().as_str()), (2, "FILE_MISSING"));
    std::fs::write(shop.path("bad.csv"), "药品编码,名称\nX1\n").expect("written");
    let catalogue = shop.path("bad.csv").display().to_string();
    let bill = shop.bill("B-1", &[("X1", 1, "10.00")]);
    let ran = shop.run(&["pay", &bill, "--catalogue", &catalogue, "--pin", "env:PIN"]);
    assert_eq!((ran.status, ran.code().as_str()), (1, "CATALOGUE_MALFORMED"));
    assert_eq!(shop.inside("person.card"), before, "the card is as it was");
    assert_eq!(shop.journal().len(), entries + 1, "only the refused bill is recorded");
}

#[test]
fn a_trial_prices_without_card_and_journal() {
    let shop = Shop::open();
    shop.farm.eject(CARD).expect("ejected");
    let catalogue = shop.path("drugs.csv").display().to_string();
    let bill = shop.bill("B-1", &[("X1", 2, "12.50")]);
    let trial = shop.run(&["pay", &bill, "--trial", "--catalogue", &catalogue]);
    assert_eq!(trial.status, 0, "{}", trial.stderr);
    assert_eq!(trial.json()["total_fen"], json!(2_500));
    assert!(!shop.path("data").exists(), "nothing is written");
}

#[test]
fn a_full_disk_stops_the_purchase_before_the_card() {
    let shop = Shop::ready();
    let before = shop.balance();
    let bill = shop.bill("B-1", &[("X1", 1, "10.00")]);
    let catalogue = shop.path("drugs.csv").display().to_string();
    let arguments = ["pay", bill.as_str(), "--catalogue", catalogue.as_str(), "--pin", "env:PIN"];
    // No file may grow: a write beyond the limit fails as on a full disk.
    let full = shop.run_under("trap '' XFSZ; ulimit -f 0", &arguments);
    assert_eq!(full.status, 9, "{}", full.stderr);
    assert_eq!(shop.balance(), before);
    assert_eq!(shop.inside("person.card").account.expect("an account").offline_sequence, 0);
    let paid = shop.pay(&bill);
    assert_eq!(paid.status, 0, "{}", paid.stderr);
}

#[test]
fn a_wrong_pin_shows_the_tries_left_and_the_last_one_is_not_spent_unasked() {
    let shop = Shop::ready();
    let wrong = |more: &[&str]| shop.run(&[&["log", "--pin", "env:WRONG"], more].concat());
    for left in ["2 tries left", "1 try left"] {
        let ran = wrong(&[]);
        assert_eq!((ran.status, ran.code().as_str()), (6, "PIN_WRONG"));
        assert!(ran.stderr.contains(left), "{}", ran.stderr);
    }
    assert_eq!(wrong(&[]).code(), "LAST_TRY");
    assert_eq!(shop.inside("person.card").pin.expect("a PIN").tries_left, 1);
    let right = shop.run(&["log", "--pin", "env:PIN", "--last-try"]);
    assert_eq!(right.status, 0, "{}", right.stderr);
    assert_eq!(shop.run(&["log", "--pin", "env:PIN"]).status, 0, "a right PIN ends the caution");
    for _ in 0..3 {
        wrong(&["--last-try"]);
    }
    assert_eq!(wrong(&["--last-try"]).code(), "PIN_BLOCKED");
    assert_eq!(wrong(&[]).code(), "PIN_BLOCKED", "no last try is promised that the card no longer has");
}

#[test]
fn a_pin_on_the_command_line_is_refused_and_not_repeated() {
    let shop = Shop::open();
    let ran = shop.run(&["log", "--pin", cards::PIN]);
    assert_eq!((ran.status, ran.code().as_str()), (1, "SECRET_FORM"));
    assert!(!ran.stderr.contains(cards::PIN));
    assert_eq!(shop.run(&["log"]).code(), "PIN_NEEDED");
    assert_eq!(shop.run(&["log", "--pin", "env:PIN", "--pin", "env:PIN"]).status, 1);
}

#[test]
fn a_blacklisted_card_is_refused_recorded_and_keeps_its_money() {
    let shop = Shop::ready();
    let identifier = shop.identifier();
    shop.centre.books().blacklist.push(identifier);
    assert_eq!(shop.run(&["blacklist", "update"]).json()["cards"], json!(1));
    let paid = shop.pay(&shop.bill("B-1", &[("X1", 1, "10.00")]));
    assert_eq!((paid.status, paid.code().as_str()), (3, "CARD_BLACKLISTED"));
    let last = shop.journal().pop().expect("an entry");
    assert_eq!((&last["state"], &last["reason"]), (&json!("REFUSED"), &json!("CARD_BLACKLISTED")));
    assert_eq!(shop.balance(), 50_000);
    assert_eq!(shop.run(&["card", "check"]).json()["accepted"], json!(false));
}

#[test]
fn only_what_changed_is_fetched_and_the_whole_list_when_that_does_not_fit() {
    let shop = Shop::ready();
    let others = [0x51_u8, 0x52].map(|byte| CardIdentifier([byte; 16]));
    {
        let mut books = shop.centre.books();
        books.blacklist.extend(others);
        books.sequence = 3;
    }
    let shown = shop.run(&["blacklist", "update"]).json();
    assert_eq!((&shown["sequence"], &shown["cards"]), (&json!(3), &json!(2)));
    shop.centre.books().requests.clear();
    {
        let mut books = shop.centre.books();
        books.blacklist.remove(0);
        books.sequence = 4;
        assert_eq!((books.list(3).added.len(), books.list(3).removed.len()), (0, 1));
    }
    assert_eq!(shop.run(&["blacklist", "update"]).json()["cards"], json!(1));
    assert_eq!(shop.centre.books().requests.len(), 1, "the change was enough");
    // A centre that was brought back from a backup knows another list 4.
    {
        let mut books = shop.centre.books();
        books.earlier.insert(4, Vec::new());
        books.blacklist.clear();
        books.sequence = 20;
    }
    let shown = shop.run(&["blacklist", "update"]).json();
    assert_eq!((&shown["sequence"], &shown["cards"]), (&json!(20), &json!(0)));
    assert_eq!(shop.centre.books().requests.len(), 3, "asked again for the whole list");
}

/// What is done to a list on its way.
type Falsify = fn(&mut SignedBlacklist);

#[test]
fn a_falsified_older_expired_or_foreign_list_is_refused_and_the_one_held_stays() {
    let shop = Shop::ready();
    let identifier = shop.identifier();
    {
        let mut books = shop.centre.books();
        books.blacklist.push(identifier);
        books.sequence = 9;
    }
    let old = shop.path("old.json");
    std::fs::write(&old, shop.centre.books().list(0).to_text()).expect("written");
    shop.centre.books().sequence = 10;
    assert_eq!(shop.run(&["blacklist", "update"]).json()["sequence"], json!(10));
    let falsehoods: [(Falsify, &str, u8); 4] = [
        (|list| list.removed.push(list.added.pop().unwrap_or(CardIdentifier([0; 16]))), "BLACKLIST_GAP", 3),
        (|list| list.sequence += 1, "BLACKLIST_UNSIGNED", 7),
        (|list| list.valid_until = list.issued_at, "BLACKLIST_UNSIGNED", 7),
        (|list| list.centre_key.0[0] ^= 1, "BLACKLIST_FOREIGN", 3),
    ];
    for (falsify, code, exit) in falsehoods {
        {
            let mut books = shop.centre.books();
            books.falsify = Some(falsify);
            books.blacklist.clear();
            books.blacklist.extend([identifier, CardIdentifier([0x51; 16])]);
        }
        let refused = shop.run(&["blacklist", "update"]);
        assert_eq!((refused.status, refused.code().as_str()), (i32::from(exit), code));
        assert_eq!(shop.run(&["blacklist", "show"]).json()["cards"], json!(1), "{code}");
    }
    shop.centre.books().falsify = None;
    let import = |path: &std::path::Path| shop.run(&["blacklist", "import", &path.display().to_string()]);
    let older = import(&old);
    assert_eq!((older.status, older.code().as_str()), (3, "BLACKLIST_OLDER"));
    // A list that was good for a second, long ago.
    let expired = shop.path("expired.json");
    let text = shop.centre.books().list_of_the_past(30).to_text();
    std::fs::write(&expired, text).expect("written");
    assert_eq!(import(&expired).code(), "BLACKLIST_EXPIRED");
    for text in ["", "{}", "\u{0}", "[1]"] {
        std::fs::write(&old, text).expect("written");
        let refused = import(&old);
        assert_eq!((refused.status, refused.code().as_str()), (1, "BLACKLIST_MALFORMED"), "{text:?}");
    }
    std::fs::write(&old, [0xFF, 0xFE]).expect("written");
    assert_eq!(import(&old).code(), "BLACKLIST_MALFORMED");
    assert_eq!(import(&shop.path("nowhere.json")).status, 2);
    let good = shop.path("good.json");
    std::fs::write(&good, shop.centre.books().list(0).to_text()).expect("written");
    assert_eq!(import(&good).json()["cards"], json!(2));
}

#[test]
fn a_centre_with_another_key_is_not_signed_in_to_until_a_person_trusts_it() {
    let shop = Shop::ready();
    let trusted = shop.run(&["terminal", "show"]).json()["centre_key"].clone();
    assert_eq!(trusted.as_str().map(str::len), Some(64));
    shop.centre.books().seed = 8;
    let refused = shop.run(&["sign-in"]);
    assert_eq!((refused.status, refused.code().as_str()), (3, "CENTRE_KEY_DIFFERS"));
    let key = shop.centre.books().list(0).centre_key.to_string();
    assert_eq!(shop.run(&["terminal", "trust", &key]).code(), "CENTRE_KEY_DIFFERS");
    assert_eq!(shop.run(&["terminal", "trust", "xyz"]).status, 1);
    assert_eq!(shop.run(&["terminal", "trust", &key, "--replace"]).json()["centre_key"], json!(key));
    assert_eq!(shop.run(&["sign-in"]).status, 0);
}

#[test]
fn limits_of_the_centre_hold() {
    let shop = Shop::ready();
    let paid = shop.pay(&shop.bill("B-1", &[("X1", 20, "20.00")]));
    assert_eq!((paid.status, paid.code().as_str()), (3, "LIMIT_EXCEEDED"));
    assert!(paid.stderr.contains("purchase_max_fen"), "{}", paid.stderr);
}

#[test]
fn without_blacklist_or_enrolment_nothing_is_sold() {
    let shop = Shop::open();
    let bill = shop.bill("B-1", &[("X1", 1, "10.00")]);
    assert_eq!(shop.pay(&bill).code(), "NOT_ENROLLED");
    assert_eq!(shop.run(&["upload"]).code(), "NOT_ENROLLED");
    assert_eq!(shop.run(&["terminal", "enroll"]).status, 0);
    assert_eq!(shop.pay(&bill).code(), "BLACKLIST_MISSING");
    let stranger = shop.run(&["sign-in"]);
    assert_eq!((stranger.status, stranger.code().as_str()), (3, "CENTRE_REFUSED"));
    assert!(stranger.stderr.contains("TERMINAL_UNKNOWN"), "{}", stranger.stderr);
}

#[test]
fn an_initial_pin_cannot_pay_and_nothing_to_load_is_said() {
    let shop = Shop::ready();
    let catalogue = shop.path("drugs.csv").display().to_string();
    let bill = shop.bill("B-1", &[("X1", 1, "10.00")]);
    let initial = shop.run(&["pay", &bill, "--catalogue", &catalogue, "--pin", "env:INITIAL"]);
    assert_eq!((initial.status, initial.code().as_str()), (6, "PIN_INITIAL"));
    let nothing = shop.run(&["load"]);
    assert_eq!((nothing.status, nothing.code().as_str()), (2, "NOTHING_TO_LOAD"));
    let identifier = shop.identifier();
    shop.centre.books().pending.insert(identifier, Fen::new(100));
    let differs = shop.run(&["load", "--amount", "2.00"]);
    assert_eq!((differs.status, differs.code().as_str()), (3, "CENTRE_REFUSED"));
}

#[test]
fn errors_speak_both_languages() {
    let shop = Shop::open();
    let zh = shop.run_text("zh", &["--reader", "nowhere", "balance"]);
    assert!(zh.stderr.contains("错误 READER_NOT_FOUND") && zh.stderr.contains("处理"), "{}", zh.stderr);
    let en = shop.run_text("en", &["--reader", "nowhere", "balance"]);
    assert!(en.stderr.contains("error READER_NOT_FOUND") && en.stderr.contains("next:"), "{}", en.stderr);
}

#[test]
fn a_terminal_without_the_rehearsal_program_says_what_is_missing() {
    let folder = tempfile::tempdir().expect("folder");
    let alone = folder.path().join("sscard");
    std::fs::copy(env!("CARGO_BIN_EXE_sscard"), &alone).expect("copied");
    for (language, what, next) in [("zh", "演练程序未安装", "旁边"), ("en", "not installed", "beside sscard")]
    {
        let ran =
            std::process::Command::new(&alone).args(["--lang", language, "tear", "all"]).output().expect("starts");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(2), "{said}");
        assert!(said.contains("REHEARSAL_MISSING") && said.contains(what) && said.contains(next), "{said}");
    }
}

#[test]
fn the_rehearsal_program_gets_what_was_typed_and_its_exit_code_comes_back() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("folder");
    let [alone, other] = ["sscard", "sscard-tear"].map(|name| folder.path().join(name));
    std::fs::copy(env!("CARGO_BIN_EXE_sscard"), &alone).expect("copied");
    for (code, expected) in [(0, 0), (7, 7), (9, 9), (1, 64)] {
        std::fs::write(&other, format!("#!/bin/sh\necho \"$@\"\nexit {code}\n")).expect("written");
        std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o755)).expect("executable");
        let typed = ["--lang", "zh", "--format", "json", "tear", "load", "--points"];
        let ran = std::process::Command::new(&alone).args(typed).output().expect("starts");
        assert_eq!(ran.status.code(), Some(expected), "{ran:?}");
        assert_eq!(String::from_utf8_lossy(&ran.stdout), "--lang zh --format json load --points\n");
    }
}
