//! What `card check` calls accepted is what `pay` accepts: every refusal before the card is touched is told by both, with one code.

use card_counter::clock::Now;
use card_counter::store::Store;
use card_sim::fault::{Fault, Moment, Trigger};
use serde_json::json;
use settlement::blacklist::{Held, Period};
use settlement::id::PublicKey;
use settlement::message::TerminalLimits;
use settlement::sale::OnlinePolicy;

use crate::shop::{AWAY_MS, CARD, PSAM, Ran, Shop, ran};

/// `pay` and `card check` with the same options refuse with this code, and no money moves.
fn both_refuse(shop: &Shop, code: &str, options: &[&str], pin: &str) {
    let balance = shop.balance();
    let bill = shop.bill("B-REFUSED", &[("X1", 1, "10.00")]);
    let catalogue = shop.path("drugs.csv").display().to_string();
    let pay = [options, &["pay", &bill, "--catalogue", &catalogue, "--pin", pin]].concat();
    let paid = shop.run(&pay);
    assert_eq!(paid.code(), code, "pay: {}", paid.stderr);
    let checked = shop.run(&[options, &["card", "check", "--pin", pin]].concat());
    assert_told(&checked, code);
    assert_eq!((shop.balance(), paid.status), (balance, checked.status), "{code}");
}

fn assert_told(checked: &Ran, code: &str) {
    assert_eq!(checked.code(), code, "check: {}", checked.stdout);
    assert_eq!(checked.json()["accepted"], json!(false), "{code}");
    let rows = checked.json_rows("checks");
    assert!(rows.iter().any(|row| row["code"] == json!(code) && row["passed"] == json!(false)), "{code}: {rows:?}");
}

/// The centre changes what the terminal may do, and it signs in.
fn told(shop: &Shop, change: impl FnOnce(&mut TerminalLimits)) {
    {
        let mut books = shop.centre.books();
        change(&mut books.limits);
        books.parameters += 1;
    }
    assert_eq!(shop.run(&["sign-in"]).status, 0);
}

/// A list that the centre signed so many seconds from now: that instant is known to have been.
fn known_to_have_been(shop: &Shop, seconds: i64) {
    let mut store = Store::open(&shop.path("data")).expect("a journal");
    let at = Now::of_system().later(seconds);
    let period = Period { issued_at: at.date_time(), valid_until: at.later(86_400).date_time() };
    let held = Held { sequence: 9, issued_at: Some(period.issued_at), ..Held::default() };
    store.set_blacklist(&held, period).expect("written");
}

#[test]
fn a_till_that_has_not_begun_its_day_is_refused_by_both() {
    let shop = Shop::open();
    both_refuse(&shop, "NOT_ENROLLED", &[], "env:PIN");
    let enrolled = shop.run(&["terminal", "enroll"]).json();
    shop.centre.books().key = PublicKey::parse(enrolled["public_key"].as_str().expect("a key")).ok();
    assert_eq!(shop.run(&["sign-in"]).status, 0);
    both_refuse(&shop, "BLACKLIST_MISSING", &[], "env:PIN");
    shop.farm.eject(PSAM).expect("ejected");
    both_refuse(&shop, "PSAM_MISSING", &[], "env:PIN");
}

#[test]
fn whatever_refuses_a_sale_before_the_card_is_touched_is_told_by_the_check() {
    let shop = Shop::ready();
    let identifier = shop.identifier();
    let checked = shop.run(&["card", "check", "--pin", "env:PIN"]).json();
    assert_eq!(checked["accepted"], json!(true), "{checked}");
    let ids: Vec<&str> =
        checked["checks"].as_array().expect("rows").iter().filter_map(|row| row["check"].as_str()).collect();
    for id in
        ["class", "version", "issuer_city", "application", "open", "signed_in", "parameters", "limits", "pin", "psam"]
    {
        assert!(ids.contains(&id), "{id}: {ids:?}");
    }
    both_refuse(&shop, "FOREIGN_CITY", &["--city", "110000"], "env:PIN");
    both_refuse(&shop, "PIN_INITIAL", &[], "env:INITIAL");
    told(&shop, |limits| limits.card_day_count_max = 0);
    both_refuse(&shop, "LIMIT_EXCEEDED", &[], "env:PIN");
    told(&shop, |limits| (limits.card_day_count_max, limits.pending_records_max) = (20, 0));
    both_refuse(&shop, "LIMIT_EXCEEDED", &[], "env:PIN");

    // A terminal that may not sell without its centre, and has no way to it.
    told(&shop, |limits| (limits.online, limits.pending_records_max) = (OnlinePolicy::OnlineRequired, 50));
    let bill = shop.bill("B-1", &[("X1", 1, "10.00")]);
    let catalogue = shop.path("drugs.csv").display().to_string();
    let pay = ["--format", "json", "pay", &bill, "--catalogue", &catalogue, "--pin", "env:PIN"];
    let alone = |arguments: &[&str]| ran(shop.sscard(arguments).env_remove("SSCARD_CENTRE").output().expect("runs"));
    assert_eq!(alone(&pay).code(), "CONFIGURATION_INVALID");
    assert_told(&alone(&["--format", "json", "card", "check"]), "CONFIGURATION_INVALID");
    told(&shop, |limits| limits.online = OnlinePolicy::OfflineOnly);

    shop.centre.books().blacklist.push(identifier);
    assert_eq!(shop.run(&["blacklist", "update"]).status, 0);
    both_refuse(&shop, "CARD_BLACKLISTED", &[], "env:PIN");
    shop.centre.books().blacklist.clear();
    shop.centre.books().sequence += 1;
    assert_eq!(shop.run(&["blacklist", "update"]).status, 0);

    assert_eq!(shop.run(&["sign-out"]).status, 0);
    both_refuse(&shop, "SIGNED_OUT", &[], "env:PIN");
    // Parameters that end in a minute, and two minutes that are known to have passed.
    shop.centre.books().hold_s = 60;
    told(&shop, |_| ());
    shop.centre.books().hold_s = 7 * 24 * 3600;
    known_to_have_been(&shop, 120);
    both_refuse(&shop, "PARAMETERS_EXPIRED", &[], "env:PIN");
    told(&shop, |_| ());
    known_to_have_been(&shop, 86_400);
    both_refuse(&shop, "CLOCK_BACK", &[], "env:PIN");
}

#[test]
fn a_card_with_an_open_transaction_is_not_accepted_until_its_pin_settles_it() {
    let shop = Shop::ready();
    let at = Trigger::instruction(0x2C, 1);
    shop.faults(CARD, vec![Fault::PowerLoss { at, moment: Moment::Before, back_after_ms: Some(AWAY_MS) }]);
    assert_eq!(shop.pay(&shop.bill("B-1", &[("X1", 1, "10.00")])).code(), "UNCERTAIN");
    shop.tap_again();
    assert_told(&shop.run(&["card", "check"]), "STILL_OPEN");
    let settled = shop.run(&["card", "check", "--pin", "env:PIN"]);
    assert_eq!((settled.status, &settled.json()["accepted"]), (0, &json!(true)), "{}", settled.stderr);
    assert_eq!(shop.pay(&shop.bill("B-1", &[("X1", 1, "10.00")])).status, 0);
}
