//! A day at the counter with each generation of card, recognised and served by its own profile.

use serde_json::json;

use crate::cards;
use crate::centre::assert_right;
use crate::shop::Shop;

/// Everything that a terminal does with a card of this type, with the PSAM that fits it.
fn a_day_with(card: &str, psam: &str, city: &str, version: &str) {
    let shop = Shop::of_profiles(card, psam, city);
    shop.begin();
    let read = shop.run(&["card", "read"]);
    assert_eq!(read.status, 0, "{}{}", read.stdout, read.stderr);
    for value in ["\u{5f20}\u{4e09}", "A12345674", version] {
        assert!(read.stdout.contains(value), "{value}: {}", read.stdout);
    }
    let whole = shop.run(&["card", "read", "--all", "--pin", "env:PIN"]);
    assert_eq!(whole.status, 0, "{}{}", whole.stdout, whole.stderr);
    let check = shop.run(&["card", "check"]).json();
    assert_eq!(check["accepted"], json!(true), "{check}");

    let changed = shop.run(&["pin", "change", "--pin", "env:PIN", "--new-pin", "env:WRONG"]);
    assert_eq!(changed.status, 0, "{}", changed.stderr);
    let refused = shop.run(&["log", "--pin", "env:PIN"]);
    assert_eq!((refused.status, refused.code().as_str()), (6, "PIN_WRONG"));
    let back = shop.run(&["pin", "change", "--pin", "env:WRONG", "--new-pin", "env:PIN"]);
    assert_eq!(back.status, 0, "{}", back.stderr);

    let paid = shop.pay(&shop.bill("B-1", &[("X1", 2, "12.50")]));
    assert_eq!(paid.status, 0, "{}", paid.stderr);
    assert_eq!((&paid.json()["state"], &paid.json()["personal_account_fen"]), (&json!("CONFIRMED"), &json!(2_500)));
    let balance = shop.run(&["balance", "--pin", "env:PIN"]).json();
    assert_eq!((&balance["balance_fen"], &balance["card_sequence"]), (&json!(47_500), &json!(1)));
    let log = shop.run(&["log", "--pin", "env:PIN"]).json();
    assert_eq!((&log["records"][0]["kind"], &log["records"][1]["kind"]), (&json!("purchase"), &json!("load")));
    let dump = shop.path("used.json").display().to_string();
    assert_eq!(shop.run(&["card", "dump", "--pin", "env:PIN", "--out", &dump]).status, 0);
    let against = shop.run(&["card", "diff", &dump, "--against", card]);
    assert_eq!(against.status, 0, "a card in use is one of its profile: {}", against.stdout);
    let day_end = shop.run(&["day-end"]).json();
    assert_eq!((&day_end["accepted"], &day_end["open"]), (&json!(2), &json!(0)));
    let books = shop.centre.books();
    let [batch] = books.batches.as_slice() else { panic!("one batch") };
    assert_eq!(batch.records.len(), 2);
    batch.records.iter().for_each(assert_right);
}

#[test]
fn a_first_generation_card_is_read_loaded_and_paid_with() {
    a_day_with("ssc-1.0", "psam", cards::CITY, "1.00");
}

#[test]
fn a_second_generation_card_is_read_loaded_and_paid_with() {
    a_day_with("ssc-2.0", "psam", cards::CITY, "2.00");
}

#[test]
fn a_third_generation_card_with_sm4_keys_is_read_loaded_and_paid_with() {
    a_day_with("ssc-3.0-sm4", "psam-sx3", cards::CITY, "3.00");
}
