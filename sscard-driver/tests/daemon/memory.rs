//! What one call learns of cards and PSAMs, the next one knows.
//!
//! Source: `docs/wire.md` for the bytes: 272 of a 3.x card, 40 more where the card is compared with the PSAM first.

use crate::counter::{Counter, PERSON, PSAM, Witness, text, third_generation};

/// Calls until the daemon noticed a card.
const CALLS_MAX: u32 = 1_000;

fn code(counter: &Counter, variables: &[(&str, &str)]) -> i64 {
    let [(code, _)] = counter.c(&["3"], variables).try_into().expect("one call");
    code
}

/// Waits for the card with calls that find none.
fn first_code(counter: &Counter, variables: &[(&str, &str)]) -> i64 {
    let mut codes = (0..CALLS_MAX).map(|_| code(counter, variables));
    codes.find(|code| *code != -2).expect("the daemon notices the card")
}

#[test]
fn a_card_is_compared_with_a_psam_once_a_city_and_never_asked_whether_it_is_one() {
    let mut counter = Counter::open(2);
    let card = counter.card("person.card", text("ssc-3.0"), &third_generation());
    let psam = counter.card("psam.card", text("psam"), &PSAM);
    counter.insert(0, &psam);
    let data = counter.folder.path().join("data");
    let folder = [("SSCARD_DATA", data.to_str().expect("UTF-8"))];
    let witness = Witness::in_slot(&counter, 1, &card);
    assert_eq!((first_code(&counter, &folder), witness.bytes()), (0, 272 + 40));
    assert_eq!((code(&counter, &folder), witness.bytes()), (0, 272), "the PSAM is remembered");
    let book = std::fs::read_to_string(data.join("psams.txt")).expect("a book of PSAMs");
    assert!(book.contains(" 513300000001 513300:3des:1"), "{book}");
    std::fs::remove_file(data.join("psams.txt")).expect("a book of PSAMs");
    assert_eq!((code(&counter, &folder), witness.bytes()), (0, 272 + 40), "nothing is remembered");
    // Without a folder the process remembers: two threads of one process are two calls.
    assert_eq!(counter.c(&["3", "2"], &[]).len(), 2);
    assert_eq!(witness.bytes(), 272 + 40 + 272);
}

#[test]
fn a_psam_with_other_keys_spends_no_try_and_sends_the_caller_to_the_hsm() {
    let mut counter = Counter::open(2);
    let card = counter.card("person.card", text("ssc-3.0"), &third_generation());
    let other = counter.card_with("other.card", text("psam"), &PSAM, 0x33);
    counter.insert(0, &card);
    counter.insert(1, &other);
    for _ in 0..12 {
        assert_eq!(code(&counter, &[]), -2203);
    }
    counter.farm.eject(1).expect("pulled");
    let ours = counter.card("psam.card", text("psam"), &PSAM);
    counter.insert(1, &ours);
    assert_eq!(code(&counter, &[]), 0, "every try of RKSSSE is left");
}

#[test]
fn a_psam_that_was_believed_and_has_other_keys_by_now_is_found_out_by_the_first_refusal() {
    let mut counter = Counter::open(2);
    let card = counter.card("person.card", text("ssc-3.0"), &third_generation());
    let ours = counter.card("psam.card", text("psam"), &PSAM);
    // The factory gives every PSAM the same answer to reset here, and both have one terminal number.
    let other = counter.card_with("other.card", text("psam"), &PSAM, 0x33);
    let data = counter.folder.path().join("data");
    let folder = [("SSCARD_DATA", data.to_str().expect("UTF-8"))];
    counter.insert(0, &card);
    counter.insert(1, &ours);
    assert_eq!(code(&counter, &folder), 0);
    counter.farm.eject(1).expect("pulled");
    counter.insert(1, &other);
    assert_eq!(code(&counter, &folder), -2203, "the card refused, and its proof says whose keys are wrong");
    assert_eq!(code(&counter, &folder), -2203, "and the next call compares first");
    let book = std::fs::read_to_string(data.join("psams.txt")).expect("a book of PSAMs");
    assert!(!book.contains("513300:3des:1"), "{book}");
}

#[test]
fn of_two_psams_the_one_that_serves_the_card_is_taken_wherever_it_is() {
    for (three_des, sm4) in [(0, 1), (1, 0)] {
        let mut counter = Counter::open(4);
        let psams = [(three_des, "psam"), (sm4, "psam-sx3")];
        for (slot, name) in psams {
            let psam = counter.card(name, text(name), &PSAM);
            counter.insert(slot, &psam);
        }
        for profile in ["ssc-3.0", "ssc-3.0-sm4"] {
            let card = counter.card(profile, text(profile), &third_generation());
            counter.insert(2, &card);
            assert_eq!(code(&counter, &[]), 0, "{profile}, PSAM of 3DES in {three_des}");
            counter.farm.eject(2).expect("pulled");
        }
    }
}

#[test]
fn two_psams_that_both_serve_the_card_are_not_chosen_between() {
    let mut counter = Counter::open(4);
    for (slot, name) in [(0, "one"), (1, "other")] {
        let psam = counter.card(name, text("psam"), &PSAM);
        counter.insert(slot, &psam);
    }
    let card = counter.card("person.card", text("ssc-3.0"), &third_generation());
    counter.insert(2, &card);
    assert_eq!(code(&counter, &[]), -11);
    assert_eq!(code(&counter, &[("SSCARD_PSAM", "1")]), 0);
    // A card that needs no key is read all the same, without a terminal number.
    counter.farm.eject(2).expect("pulled");
    let values: Vec<_> = PERSON.into_iter().chain([("SSSE.EF05.spec_version", "2.00")]).collect();
    let card = counter.card("second.card", text("ssc-2.0"), &values);
    counter.insert(2, &card);
    let [(code, line)] = counter.c(&["3"], &[]).try_into().expect("one call");
    assert_eq!(code, 0);
    assert!(line.ends_with("|000000000000||"), "{line}");
}
