//! Each fault of a card, met by the program: a stable code, an exit status, and nothing partial called whole.

use card_sim::fault::{Fault, Moment, Trigger};
use card_sim::noise::Noise;
use serde_json::{Value, json};

use crate::actor::Actor;
use crate::shop::{AWAY_MS, CARD, PSAM, Shop};

/// READ RECORD: the first reads EF05, the second EF06.
const fn read(nth: u64) -> Trigger {
    Trigger::instruction(0xB2, nth)
}

/// The code of an error and the exit status, and what was answered beside it.
fn met(shop: &Shop, fault: Fault, arguments: &[&str]) -> (i32, String, Option<Value>) {
    shop.faults(CARD, vec![fault]);
    let ran = shop.run(arguments);
    let answer = serde_json::from_str(&ran.stdout).ok();
    let code = if ran.stderr.contains("\"code\"") { ran.code() } else { String::new() };
    (ran.status, code, answer)
}

#[test]
fn a_fault_while_the_issuer_file_is_read_gives_no_answer_at_all() {
    for (fault, status, code) in [
        (Fault::PowerLoss { at: read(1), moment: Moment::After, back_after_ms: Some(AWAY_MS) }, 4, "CARD_REMOVED"),
        (Fault::PowerLoss { at: read(1), moment: Moment::Before, back_after_ms: None }, 4, "CARD_REMOVED"),
        (Fault::Mute { at: read(1) }, 4, "CARD_MUTE"),
        (Fault::Endless { at: read(1) }, 4, "CARD_ANSWER"),
        (Fault::Truncated { at: read(1), keep: 1 }, 4, "CARD_MUTE"),
        (Fault::WrongProcedure { at: read(1) }, 4, "CARD_MUTE"),
    ] {
        let shop = Shop::open();
        let (status_seen, code_seen, answer) = met(&shop, fault, &["card", "read"]);
        assert_eq!((status_seen, code_seen.as_str()), (status, code), "{fault:?}");
        assert_eq!(answer, None, "{fault:?}: nothing is known of a card without its issuer's file");
    }
}

#[test]
fn a_fault_while_the_holder_file_is_read_leaves_what_came_before_and_says_what_is_missing() {
    for (fault, code) in [
        (Fault::PowerLoss { at: read(2), moment: Moment::After, back_after_ms: Some(AWAY_MS) }, "CARD_REMOVED"),
        (Fault::Mute { at: read(2) }, "CARD_MUTE"),
        (Fault::Endless { at: read(2) }, "CARD_ANSWER"),
        (Fault::Truncated { at: read(2), keep: 1 }, "CARD_MUTE"),
        (Fault::WrongProcedure { at: read(2) }, "CARD_MUTE"),
    ] {
        let shop = Shop::open();
        let (status, code_seen, answer) = met(&shop, fault, &["card", "read"]);
        assert_eq!((status, code_seen.as_str()), (4, code), "{fault:?}");
        let answer = answer.expect("what was read");
        assert_eq!(answer["SSSE.EF05.card_number"], "A12345674", "{fault:?}");
        assert_eq!(answer["SSSE.EF06.name"], Value::Null, "{fault:?}");
        let missing = &answer["faults"][0];
        assert_eq!((&missing["place"], &missing["code"]), (&json!("SSSE.EF06"), &json!("NOT_REACHED")), "{fault:?}");
    }
}

#[test]
fn a_file_that_breaks_off_is_no_whole_file() {
    // The reader takes the last two bytes that came for a status word: the file is refused, not read as far as it goes.
    let shop = Shop::open();
    let (status, _, answer) = met(&shop, Fault::Truncated { at: read(2), keep: 40 }, &["card", "read"]);
    let answer = answer.expect("what was read");
    assert_eq!((status, &answer["faults"][0]["place"]), (10, &json!("SSSE.EF06")));
    assert!(["birth_date", "name"].iter().all(|item| answer[format!("SSSE.EF06.{item}")] == Value::Null), "{answer}");
}

#[test]
fn a_slow_card_is_waited_for_and_its_answer_is_whole() {
    let shop = Shop::open();
    let (status, _, answer) = met(&shop, Fault::Slow { at: read(2), ms: 1_500 }, &["card", "read"]);
    assert_eq!((status, answer.expect("an answer")["SSSE.EF06.name"].as_str()), (0, Some("张三")));
}

#[test]
fn wrong_bits_end_in_a_stable_code_or_an_answer_of_the_right_form() {
    let known = [
        "CARD_ANSWER",
        "CARD_REFUSED",
        "NOT_SSC",
        "CARD_BLANK",
        "CARD_IDENTIFIER_MALFORMED",
        "CARD_VERSION",
        "CARD_BLOCKED",
        "CARD_MUTE",
    ];
    let mut refused = 0;
    for seed in 1..=6 {
        let shop = Shop::open();
        let (at, seed) = (Trigger::command(1), Noise::new(seed));
        let noise = Fault::BitErrors { at, per_million: 20_000, seed };
        let (status, code, answer) = met(&shop, noise, &["balance"]);
        if status == 0 {
            let answer = answer.expect("an answer");
            let is_year = |year: &str| year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
            assert!(answer["balance_fen"].is_u64(), "{seed:?}: {answer}");
            assert!(answer["year"].as_str().is_none_or(is_year), "{seed:?}: {answer}");
        } else {
            assert!(status == 4 && known.contains(&code.as_str()) && answer.is_none(), "{seed:?}: {status} {code}");
            refused += 1;
        }
    }
    assert!(refused > 0, "some bits fell where a form is known");
}

#[test]
fn a_storm_of_faults_ends_every_time_in_a_stable_code_or_a_whole_answer_and_the_card_lives() {
    let known = [
        ("CARD_ANSWER", 4),
        ("CARD_REFUSED", 4),
        ("NOT_SSC", 4),
        ("CARD_BLANK", 4),
        ("CARD_IDENTIFIER_MALFORMED", 4),
        ("CARD_VERSION", 4),
        ("CARD_BLOCKED", 4),
        ("CARD_MUTE", 4),
        ("CARD_REMOVED", 4),
        ("CARD_RESET", 4),
        ("EXCHANGE_BROKEN", 4),
        ("NO_CARD", 4),
    ];
    let mut refused = 0;
    for seed in 1..=4 {
        let shop = Shop::open();
        let storm = Fault::Storm { per_mille: 200, seed: Noise::new(seed) };
        let (status, code, answer) = met(&shop, storm, &["balance"]);
        match status {
            0 => assert!(answer.expect("an answer")["balance_fen"].is_u64(), "{seed}"),
            _ => {
                assert!(known.contains(&(code.as_str(), status)) && answer.is_none(), "{seed}: {status} {code}");
                refused += 1;
            }
        }
        shop.farm.eject(CARD).expect("ejected");
        shop.farm.insert(CARD, &shop.path("person.card")).expect("inserted");
        shop.faults(CARD, Vec::new());
        assert_eq!(shop.run(&["balance"]).status, 0, "{seed}: the storm is over");
    }
    assert!(refused > 0, "one of these storms reached the card");
}

#[test]
fn a_fault_of_the_psam_is_told_as_one_and_never_as_the_cards() {
    // The key is derived (DE), then used (FA).
    for (fault, code) in [
        (Fault::Mute { at: Trigger::instruction(0xDE, 1) }, "PSAM_SILENT"),
        (
            Fault::PowerLoss { at: Trigger::instruction(0xDE, 1), moment: Moment::Before, back_after_ms: None },
            "PSAM_SILENT",
        ),
        (Fault::Endless { at: Trigger::instruction(0xFA, 1) }, "PSAM_ANSWER"),
    ] {
        for language in ["zh", "en"] {
            let shop = Shop::open();
            shop.faults(PSAM, vec![fault]);
            let ran = shop.run_text(language, &["card", "read"]);
            assert!(ran.stderr.contains(code) && ran.stderr.contains("PSAM"), "{fault:?}: {}", ran.stderr);
            for of_the_card in ["the card does not answer", "insert the same card", "卡片没有应答", "重新插入同一张卡"]
            {
                assert!(!ran.stderr.contains(of_the_card), "{fault:?}: {}", ran.stderr);
            }
        }
    }
}

#[test]
fn totals_of_two_years_are_no_answer() {
    let shop = Shop::open();
    shop.farm.eject(CARD).expect("ejected");
    // A year that is none says nothing: the balance is shown with it as it stands on the card.
    for (year, code) in [("2025", "CARD_ANSWER"), ("20A6", ""), ("2026", "")] {
        let totals = move |command: &[u8]| match command {
            [0xB0, 0x26, _, 2, ..] => Some([&[0, 0, 1, 0][..], &[0x20, 0x26], &[0x90, 0]].concat()),
            [0xB0, 0x26, _, 3, ..] => {
                let year = hex::decode(year).expect("hex");
                Some([&[0, 0, 2, 0][..], &year, &[0x90, 0]].concat())
            }
            _ => None,
        };
        let actor = Actor::in_slot(&shop, 2, &shop.path("person.card"), totals);
        let ran = shop.run(&["balance"]);
        let seen = if ran.status == 0 { String::new() } else { ran.code() };
        assert_eq!(seen, code, "{year}");
        actor.leave(&shop, 2);
    }
}

#[test]
fn records_of_the_log_that_no_terminal_writes_are_told_and_shown_in_hex() {
    let shop = Shop::open();
    shop.farm.eject(CARD).expect("ejected");
    // Number, type, terminal, date and time, three amounts.
    let sound = "0001329900112233442026010203040500000064".to_owned() + &"00".repeat(8);
    for (record, odd) in [(sound, false), ("EE".repeat(28), true)] {
        let answer = hex::decode(record + "9000").expect("hex");
        let log = move |command: &[u8]| match command {
            [0x00, 0xB2, 0x01, 0x44 | 0x45, ..] => Some(answer.clone()),
            [0x00, 0xB2, _, 0x44 | 0x45, ..] => Some(vec![0x6A, 0x83]),
            _ => None,
        };
        let actor = Actor::in_slot(&shop, 2, &shop.path("person.card"), log);
        let ran = shop.run(&["log", "--pin", "env:PIN"]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        let notes = ran.json()["notes"].to_string();
        assert_eq!(notes.contains("LOG_RECORDS_ODD"), odd, "{notes}");
        let record = &ran.json()["records"][0];
        let shown = if odd { "EEEEEEEEEEEEEE" } else { "20260102030405" };
        assert_eq!(record["date_time"], shown, "{record}");
        actor.leave(&shop, 2);
    }
}

#[test]
fn a_pin_that_a_card_neither_takes_nor_counts_is_sent_once() {
    let shop = Shop::open();
    shop.farm.eject(CARD).expect("ejected");
    let change = ["pin", "change", "--pin", "env:PIN", "--new-pin", "env:WRONG"];
    for (ins, arguments) in [(0x20, &["balance", "--pin", "env:PIN"][..]), (0x5E, &change)] {
        let failing = move |command: &[u8]| (command.get(1) == Some(&ins)).then(|| vec![0x65, 0x81]);
        let actor = Actor::in_slot(&shop, 2, &shop.path("person.card"), failing);
        let ran = shop.run(arguments);
        assert_eq!((ran.status, ran.code().as_str()), (4, "CARD_REFUSED"), "{}", ran.stderr);
        assert_eq!(actor.leave(&shop, 2).1, 1, "a failing memory may have counted the try: {arguments:?}");
    }
}
