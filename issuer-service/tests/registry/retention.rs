//! What is past its time goes, and nothing else; money, cards and the audit log stay.

use std::sync::Arc;

use issuer_service::centre::Centre;
use issuer_service::stock::handout::Agent;
use issuer_service::store::{StoreError, Tx};
use issuer_service::vault::data_keys::DataKeys;
use serde_json::Value;

use crate::ask::ask;
use crate::bureau::{Bureau, HEADER, counts, issuer, json, number, row};
use crate::drawn::photo;

const OLD: &str = "2020-01-01T00:00:00.000Z";

/// Four people, three with photos; li captures, wang approves and captures, zhou keeps keys.
fn bureau() -> Bureau {
    let bureau = Bureau::new();
    let rows: Vec<String> = (1..=4).map(|order| row(order, "甲")).collect();
    assert_eq!(counts(&bureau.import(format!("{HEADER}\n{}\n", rows.join("\n")))), [4, 0, 0]);
    for person in ["1", "2", "3"] {
        let file = bureau.file("photo.jpg", photo(1));
        assert_eq!(issuer(&bureau.data(), &["photo", "add", person, &file]).status.code(), Some(0));
    }
    for (name, roles) in [("li", "capture"), ("wang", "approve,capture"), ("zhou", "keys")] {
        let roles = roles.split(',').flat_map(|role| ["--role", role]);
        let words: Vec<&str> = ["operator", "add", name].into_iter().chain(roles).collect();
        assert_eq!(issuer(&bureau.data(), &words).status.code(), Some(0), "{name}");
    }
    bureau
}

fn set(bureau: &Bureau, kind: &str, days: &str) -> (Option<i32>, Value) {
    let words = ["retention", "set", kind, "--days", days, "--reason", "archive rules", "--operator", "wang"];
    let told = bureau.told(&words, "");
    let text = if told.status.success() { &told.stdout } else { &told.stderr };
    (told.status.code(), serde_json::from_slice(text).expect("an object"))
}

/// What a run removes, kind by kind, after a dry run has said the same.
fn run(bureau: &Bureau) -> Vec<(String, u64)> {
    let of = |words: &[&str]| -> Vec<(String, u64)> {
        let told = bureau.told(words, "");
        assert_eq!(told.status.code(), Some(0), "{}", String::from_utf8_lossy(&told.stderr));
        serde_json::from_value(json(&told)["kinds"].clone()).expect("kinds and counts")
    };
    let would = of(&["retention", "run", "--dry-run", "--operator", "li"]);
    let done = of(&["retention", "run", "--operator", "li"]);
    assert_eq!(would, done, "a dry run says what the run will do");
    let again = of(&["retention", "run", "--operator", "li"]);
    assert!(again.iter().all(|(_, count)| *count == 0), "a second run finds nothing: {again:?}");
    done
}

fn sql(bureau: &Bureau, sql: &str) -> Vec<Vec<String>> {
    ask(&bureau.data(), sql).expect(sql)
}

#[test]
fn what_must_stay_cannot_be_set_and_a_period_is_not_run_by_who_set_it() {
    let bureau = bureau();
    for kind in ["cards", "money", "audit", "keys"] {
        let (exit, error) = set(&bureau, kind, "4000");
        assert_eq!((exit, &error["code"]), (Some(3), &"RETENTION_FIXED".into()), "{kind}");
    }
    let (exit, error) = set(&bureau, "photos", "182");
    assert_eq!((exit, &error["code"]), (Some(3), &"RETENTION_TOO_SHORT".into()));
    let unknown = ["retention", "set", "laundry", "--days", "400", "--reason", "x", "--operator", "wang"];
    assert_eq!(bureau.told(&unknown, "").status.code(), Some(1));
    assert_eq!(
        bureau.told(&["retention", "set", "photos", "--reason", "x", "--operator", "wang"], "").status.code(),
        Some(1)
    );
    let words = ["retention", "set", "photos", "--days", "400", "--reason", " ", "--operator", "wang"];
    assert_eq!(bureau.told(&words, "").status.code(), Some(3));
    let by_li = ["retention", "set", "photos", "--days", "400", "--reason", "x", "--operator", "li"];
    assert_eq!(bureau.told(&by_li, "").status.code(), Some(3), "li does not approve");
    assert_eq!(sql(&bureau, "SELECT COUNT(*) FROM retention")[0][0], "0");

    let (exit, shown) = set(&bureau, "photos", "400");
    assert_eq!((exit, &shown["kinds"][0]["setting"]["days"]), (Some(0), &400.into()));
    let own = bureau.told(&["retention", "run", "--operator", "wang"], "");
    let error: Value = serde_json::from_slice(&own.stderr).expect("an object");
    assert_eq!((own.status.code(), &error["code"]), (Some(3), &"RETENTION_OWN_SETTING".into()));
    let back = ["retention", "set", "photos", "--for-good", "--reason", "asked by the archive", "--operator", "wang"];
    let photos = json(&bureau.told(&back, ""))["kinds"][0].clone();
    assert_eq!((&photos["setting"]["days"], &photos["days"]), (&Value::Null, &Value::Null));
    // Files of partners have a period of their own accord, until somebody says otherwise.
    let exchange = || json(&bureau.told(&["retention", "show"], ""))["kinds"][2].clone();
    assert_eq!((&exchange()["setting"], &exchange()["days"]), (&Value::Null, &1_096.into()));
    let good = ["retention", "set", "exchange", "--for-good", "--reason", "the archive's", "--operator", "wang"];
    assert_eq!(bureau.told(&good, "").status.code(), Some(0));
    assert_eq!(exchange()["days"], Value::Null);
    let acts = sql(&bureau, "SELECT act, detail FROM audit WHERE act LIKE 'retention.%' ORDER BY sequence").concat();
    let told = ["400 days: archive rules", "for good: asked by the archive", "for good: the archive's"];
    assert_eq!(acts, told.iter().flat_map(|detail| ["retention.set", detail]).collect::<Vec<_>>());
}

#[test]
fn nothing_is_removed_before_a_site_has_set_a_period() {
    let bureau = bureau();
    sql(&bureau, &format!("UPDATE photo SET taken_in_at = '{OLD}'"));
    assert_eq!(run(&bureau), []);
    assert_eq!(sql(&bureau, "SELECT COUNT(*) FROM photo")[0][0], "3");
}

#[test]
fn files_that_were_refused_go_with_the_exchanged_ones_and_the_record_says_so() {
    let bureau = bureau();
    let place = |name: &str| bureau.data().join("exchange").join(name);
    std::fs::create_dir_all(place("response")).expect("folder");
    let partner = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_500_000_000);
    let write = |name: &str| {
        let path = place("response").join(name);
        std::fs::write(&path, "no file of ours\n").expect("file");
        std::fs::File::options().append(true).open(path).and_then(|file| file.set_modified(partner)).expect("time");
    };
    for name in ["RH_1_x", "RH_2_x"] {
        write(name);
        let taken = bureau.told(&["exchange", "import", "--operator", "li"], "");
        assert_eq!(taken.status.code(), Some(7), "{}", String::from_utf8_lossy(&taken.stderr));
    }
    let bad = || {
        let list = std::fs::read_dir(place("bad")).expect("list").map(|entry| entry.expect("entry").file_name());
        let mut names: Vec<String> = list.map(|name| name.into_string().expect("text")).collect();
        names.sort();
        names
    };
    assert_eq!(bad(), ["RH_1_x", "RH_1_x.report.json", "RH_2_x", "RH_2_x.report.json"]);
    assert_eq!(set(&bureau, "exchange", "200").0, Some(0));
    // Old at the partner, refused today.
    assert_eq!(run(&bureau), [("exchange".to_owned(), 0)]);
    for name in ["RH_1_x", "RH_1_x.report.json"] {
        let file = std::fs::File::options().append(true).open(place("bad").join(name)).expect("file");
        file.set_modified(partner).expect("time");
    }
    let shown = json(&bureau.told(&["retention", "show"], ""));
    assert_eq!(shown["kinds"][2]["due"], 2, "{shown}");
    assert_eq!(run(&bureau), [("exchange".to_owned(), 2)]);
    assert_eq!(bad(), ["RH_2_x", "RH_2_x.report.json"]);
    let details = sql(&bureau, "SELECT detail FROM audit WHERE act = 'retention.run'").concat();
    assert!(details.len() == 1 && details[0].starts_with("2 refused or repeated files"), "{details:?}");
}

#[test]
fn a_photo_goes_when_its_person_has_no_card_and_awaits_none() {
    let bureau = bureau();
    assert_eq!(set(&bureau, "photos", "200").0, Some(0));
    sql(&bureau, &format!("UPDATE photo SET taken_in_at = '{OLD}' WHERE person <> 3"));
    // Person 2 awaits a card, the photo of person 3 is new.
    let create = issuer(&bureau.data(), &["batch", "create", "--persons", "2", "--operator", "li"]);
    assert_eq!(create.status.code(), Some(0));
    assert_eq!(run(&bureau), [("photos".to_owned(), 1)]);
    assert_eq!(sql(&bureau, "SELECT person FROM photo ORDER BY person").concat(), ["2", "3"]);
    // The card was made and cancelled yesterday; then long ago.
    let card = |at: &str| {
        format!(
            "PRAGMA foreign_keys = OFF; DELETE FROM card;
             INSERT INTO card (chip, job, person, card_number, card_identifier, profile, issue_date, valid_until, state, changed_at)
             VALUES ('00', 1, 2, 'A00000001', '513300', 'ssc-3.0', '20200101', '20300101', 'cancelled', '{at}')"
        )
    };
    sql(&bureau, "UPDATE job SET state = 'cancelled'; UPDATE card_request SET state = 'withdrawn'");
    sql(&bureau, &card("9999-01-01T00:00:00.000Z"));
    assert_eq!(run(&bureau), [("photos".to_owned(), 0)]);
    sql(&bureau, &card(OLD));
    assert_eq!(run(&bureau), [("photos".to_owned(), 1)]);
    let acts = sql(&bureau, "SELECT object, detail FROM audit WHERE act = 'retention.run' ORDER BY sequence");
    assert_eq!(acts.len(), 2);
    assert!(acts[0][0] == "retention photos" && acts[0][1].starts_with("1 removed, from before "), "{acts:?}");
    assert_eq!(issuer(&bureau.data(), &["audit", "verify"]).status.code(), Some(0));
}

#[test]
fn the_dead_are_erased_when_no_money_of_theirs_is_left_and_what_the_law_keeps_stays() {
    let bureau = bureau();
    let folder = bureau.data();
    assert_eq!(set(&bureau, "people", "400").0, Some(0));
    let script = format!("{{\"number\":\"{}\",\"name\":\"甲\",\"name_script\":\"བཀྲ་ཤིས\"}}", number("19900101", 3));
    assert_eq!(bureau.say(&["person", "upsert"], &script)["outcome"], "changed");
    assert_eq!(bureau.say(&["person", "show", "3"], "")["name_script"], "བ******");
    let death = ["person", "death", "3", "--on", "20200101", "--reason", "certificate", "--operator", "li"];
    let told = bureau.told(&death, "");
    assert_eq!(told.status.code(), Some(0), "{}", String::from_utf8_lossy(&told.stderr));
    assert_eq!(run(&bureau), [("people".to_owned(), 0)], "the death was recorded today");
    sql(&bureau, &format!("UPDATE person_death SET recorded_at = '{OLD}'"));
    // What was asked about who she is, and why not.
    let words =
        ["person", "renumber", "3", "--because", "wrong", "--reason", "her sister 乙 says so", "--operator", "li"];
    let asked = bureau.told(&words, &format!("{{\"number\":\"{}\"}}", number("19900101", 33)));
    assert_eq!(asked.status.code(), Some(0), "{}", String::from_utf8_lossy(&asked.stderr));
    let no = ["person", "reject", "1", "--reason", "乙 was wrong", "--operator", "wang"];
    assert_eq!(bureau.told(&no, "").status.code(), Some(0));
    sql(
        &bureau,
        "PRAGMA foreign_keys = OFF; INSERT INTO entry (posting, line, account, amount_fen) VALUES (1, 1, 'pending:3', 500)",
    );
    assert_eq!(run(&bureau), [("people".to_owned(), 0)], "five yuan are to be paid out");
    sql(
        &bureau,
        "PRAGMA foreign_keys = OFF; INSERT INTO entry (posting, line, account, amount_fen) VALUES (2, 1, 'pending:3', -500)",
    );
    // Files of partners in which she stands, as they are and in another encoding; one of somebody else.
    let folders =
        ["exchange/archive", "exchange/bad", "sync/archive", "exchange/request"].map(|place| folder.join(place));
    for place in &folders {
        std::fs::create_dir_all(place).expect("a folder");
        let text = format!("T1|{}|甲|0|\n", number("19900101", 3));
        std::fs::write(place.join("hers"), encoding_rs::GB18030.encode(&text).0).expect("a file");
        std::fs::write(place.join("others"), text.replace(&number("19900101", 3), &number("19900101", 4)))
            .expect("a file");
    }
    let before = sql(&bureau, "SELECT COUNT(*) FROM audit")[0][0].parse::<u64>().expect("a count");
    assert_eq!(run(&bureau), [("people".to_owned(), 1)]);

    assert_eq!(bureau.registered(), 3);
    assert_eq!(bureau.say(&["person", "find"], &number("19900101", 3))["people"], Value::Array(Vec::new()));
    assert_eq!(sql(&bureau, "SELECT COUNT(*) FROM photo WHERE person = 3")[0][0], "0");
    let shown = String::from_utf8(issuer(&folder, &["person", "history", "3"]).stdout).expect("text");
    assert!(!shown.contains('甲') && !shown.contains("1990") && !shown.contains('བ'), "{shown}");
    let shown = String::from_utf8(issuer(&folder, &["person", "show", "3"]).stdout).expect("text");
    assert!(!shown.contains('བ'), "{shown}");
    assert_eq!(
        sql(&bureau, "SELECT reason, rejection, maker, checker FROM identity_order")[0],
        ["-", "-", "li", "wang"]
    );
    // The row number, the death, the money and the log stay.
    assert_eq!(sql(&bureau, "SELECT COUNT(*) FROM person")[0][0], "4");
    assert_eq!(sql(&bureau, "SELECT COUNT(*) FROM person_death")[0][0], "1");
    assert_eq!(sql(&bureau, "SELECT COUNT(*) FROM entry")[0][0], "2");
    assert!(sql(&bureau, "SELECT COUNT(*) FROM audit")[0][0].parse::<u64>().expect("a count") > before);
    let erased = sql(&bureau, "SELECT detail FROM audit WHERE act = 'retention.run'").concat();
    assert_eq!(erased, ["erased person 3, and 3 files of partners in which they stood"]);
    // What stands in the folder for partners without being given up is somebody's work.
    let there: Vec<bool> = folders.iter().map(|place| place.join("hers").exists()).collect();
    assert_eq!(there, [false, false, false, true]);
    assert!(folders.iter().all(|place| place.join("others").exists()));
    // Nobody is brought back by a mistake; the same number is a new person.
    let withdraw = ["person", "death", "3", "--withdraw", "--reason", "mistake", "--operator", "li"];
    assert_eq!(bureau.told(&withdraw, "").status.code(), Some(3));
    assert_eq!(counts(&bureau.import(format!("{HEADER}\n{}\n", row(3, "甲")))), [1, 0, 0]);
    assert_eq!(bureau.say(&["person", "find"], &number("19900101", 3))["people"][0]["id"], 5);
    // Empty dossiers are sealed anew like others.
    sql(&bureau, &format!("UPDATE person_death SET recorded_at = '{OLD}'"));
    assert_eq!(bureau.told(&["key", "rotate-data", "--operator", "zhou"], "").status.code(), Some(0));
    assert_eq!(issuer(&folder, &["audit", "verify"]).status.code(), Some(0));
}

#[test]
fn nobody_is_erased_whose_money_is_on_the_card_of_a_row_joined_long_before() {
    let bureau = bureau();
    assert_eq!(set(&bureau, "people", "400").0, Some(0));
    // 1 goes on in 2, and 2 in 3, who dies; fifty yuan are on the card that 1 had.
    for (order, (id, into)) in [("1", "2"), ("2", "3")].into_iter().enumerate() {
        bureau.say(&["person", "join", id, "--into", into, "--reason", "one person", "--operator", "li"], "");
        bureau.say(&["person", "approve", &(order + 1).to_string(), "--operator", "wang"], "");
    }
    let death = ["person", "death", "3", "--on", "20200101", "--reason", "certificate", "--operator", "li"];
    assert_eq!(bureau.told(&death, "").status.code(), Some(0));
    sql(&bureau, &format!("UPDATE person_death SET recorded_at = '{OLD}'"));
    let card = format!(
        "PRAGMA foreign_keys = OFF;
         INSERT INTO card (chip, job, person, card_number, card_identifier, profile, issue_date, valid_until, state, changed_at)
         VALUES ('00', 1, 1, 'A00000001', '513300', 'ssc-3.0', '20200101', '20300101', 'cancelled', '{OLD}');
         INSERT INTO entry (posting, line, account, amount_fen) VALUES (1, 1, 'card:513300', 5000)"
    );
    sql(&bureau, &card);
    assert_eq!(run(&bureau), [("people".to_owned(), 0)], "fifty yuan are on the card");
    let paid = "PRAGMA foreign_keys = OFF;
        INSERT INTO entry (posting, line, account, amount_fen) VALUES (2, 1, 'card:513300', -5000)";
    sql(&bureau, paid);
    assert_eq!(run(&bureau), [("people".to_owned(), 1)]);
    assert_eq!(sql(&bureau, "SELECT person FROM person_erased ORDER BY person").concat(), ["1", "2", "3"]);
}

#[test]
fn agents_and_exchanged_files_are_emptied_and_that_they_were_stays() {
    let bureau = bureau();
    let folder = bureau.data();
    for kind in ["agents", "exchange"] {
        assert_eq!(set(&bureau, kind, "200").0, Some(0));
    }
    for words in [
        ["batch", "create", "--persons", "1,2", "--operator", "li"].as_slice(),
        &["batch", "approve", "1", "--operator", "wang"],
        &["exchange", "export", "bank-fixed", "--batch", "1", "--partner", "B1", "--operator", "li"],
    ] {
        assert_eq!(issuer(&folder, words).status.code(), Some(0), "{words:?}");
    }
    let agent = Agent::parse(format!("01\n{}\n乙\n", number("19900101", 9)).as_bytes()).expect("an agent");
    let passphrase = std::fs::read_to_string(folder.join("rehearsal.passphrase")).expect("kept");
    let keys = DataKeys::open(&folder.join("centre.datakeys"), passphrase.trim()).expect("keys");
    let mut centre = Centre::open(&folder).expect("opened");
    centre.store.unlock(Arc::new(keys)).expect("unlocked");
    let mut add = |number: &str, agent| {
        let receipt = centre.store.journal(|tx| tx.add_stock_receipt(number, 1, "store", "li", agent));
        receipt.expect("a receipt");
    };
    add("A00000001", Some(&agent));
    add("A00000002", Some(&agent));
    add("A00000003", None);
    let name = sql(&bureau, "SELECT name FROM exchange_file")[0][0].clone();
    let sent = folder.join("exchange/request").join(&name);
    let old = format!(
        "UPDATE stock_receipt SET at = '{OLD}' WHERE card_number <> 'A00000002';
         UPDATE exchange_file SET state = 'answered', changed_at = '{OLD}'"
    );
    sql(&bureau, &old);
    // Refused files and answers that came again stand in no row; they hold names and numbers all the same.
    let file = |place: &str, old: bool| {
        let path = folder.join("exchange").join(place);
        std::fs::write(&path, "x").expect("written");
        let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_577_836_800);
        if old {
            std::fs::File::options().write(true).open(&path).expect("opened").set_modified(long_ago).expect("aged");
        }
        path
    };
    let gone = ["bad/a", "bad/a.report.json", "archive/b.2"].map(|place| file(place, true));
    let kept = ["bad/c", "archive/d", "response/e"].map(|place| file(place, place == "response/e"));
    let days = json(&bureau.told(&["retention", "show"], ""))["kinds"][2].clone();
    assert_eq!((&days["kind"], &days["due"]), (&"exchange".into(), &3.into()));
    // Its cards are still to be made.
    assert_eq!(run(&bureau), [("agents".to_owned(), 1), ("exchange".to_owned(), 3)]);
    assert!(sent.exists() && kept.iter().all(|path| path.exists()) && !gone.iter().any(|path| path.exists()));
    sql(&bureau, "UPDATE job SET state = 'cancelled'");
    assert_eq!(run(&bureau), [("agents".to_owned(), 0), ("exchange".to_owned(), 1)]);
    assert!(!sent.exists());
    let look = |tx: &Tx<'_>| -> Result<_, StoreError> {
        let of = |number| -> Result<(bool, bool), StoreError> {
            let receipt = tx.stock_receipt(number)?.expect("a receipt");
            Ok((receipt.by_agent, receipt.agent.is_some()))
        };
        Ok(([of("A00000001")?, of("A00000002")?, of("A00000003")?], tx.exchange_body(1)?))
    };
    let found = centre.store.read(look).expect("all open");
    assert_eq!(found, ([(true, false), (true, true), (false, false)], Vec::new()));
}
