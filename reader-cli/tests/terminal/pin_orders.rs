//! Orders of the centre for the PIN, carried out on a software card behind the daemon.

use serde_json::json;
use settlement::message::Request as _;
use settlement::pin::{PinAct, PinCommandRequest, PinOutcome, PinOutcomeRequest};

use crate::centre::Silence;
use crate::shop::Shop;

/// A terminal that works, and a card whose PIN is blocked.
fn blocked() -> Shop {
    let shop = Shop::ready();
    while shop.run(&["log", "--pin", "env:WRONG", "--last-try"]).code() != "PIN_BLOCKED" {}
    assert_eq!(shop.run(&["log", "--pin", "env:PIN", "--last-try"]).code(), "PIN_BLOCKED");
    shop
}

fn new_pin(shop: &Shop) -> String {
    std::fs::write(shop.path("new.pin"), "975310\n").expect("written");
    format!("file:{}", shop.path("new.pin").display())
}

#[test]
fn an_unblocked_pin_is_the_old_one_with_all_its_tries() {
    let shop = blocked();
    shop.centre.books().order = Some(PinAct::Unblock);
    let done = shop.run(&["pin", "reset", "--order", "7"]);
    assert_eq!((done.status, &done.json()["unblocked"]), (0, &json!(true)), "{}", done.stderr);
    assert_eq!(done.json()["changed"], json!(null));
    assert_eq!(shop.centre.books().pin_outcomes, [PinOutcome::Done]);
    assert_eq!(shop.run(&["log", "--pin", "env:PIN"]).status, 0, "no try is kept back: the book knows");
    let again = shop.run(&["pin", "reset", "--order", "7"]);
    assert_eq!((again.status, again.code().as_str()), (3, "CENTRE_REFUSED"));
    assert!(again.stderr.contains("PIN_ORDER_STATE"), "{}", again.stderr);
}

#[test]
fn a_reset_pin_is_the_one_that_the_holder_chose_and_the_centre_never_saw_it() {
    let shop = blocked();
    let chosen = new_pin(&shop);
    shop.centre.books().order = Some(PinAct::Reset);
    for (arguments, code) in [
        (&["pin", "reset", "--order", "7"][..], "PIN_NEEDED"),
        (&["pin", "reset", "--order", "7", "--new-pin", "env:INITIAL"], "PIN_NEW_INITIAL"),
    ] {
        let early = shop.run(arguments);
        assert_eq!((early.status, early.code().as_str()), (6, code));
    }
    assert!(shop.centre.books().order.is_some(), "nothing was used up");
    let done = shop.run(&["pin", "reset", "--order", "7", "--new-pin", &chosen]);
    assert_eq!((done.status, &done.json()["changed"]), (0, &json!(true)), "{}", done.stderr);
    assert_eq!(shop.run(&["log", "--pin", &chosen]).status, 0);
    for old in ["env:PIN", "env:INITIAL"] {
        assert_eq!(shop.run(&["log", "--pin", old, "--last-try"]).code(), "PIN_WRONG", "{old}");
    }
}

#[test]
fn a_centre_with_other_keys_costs_one_try_of_the_puk_and_the_last_is_kept() {
    let shop = blocked();
    {
        let mut books = shop.centre.books();
        books.order = Some(PinAct::Unblock);
        books.world = 2;
    }
    let refused = shop.run(&["pin", "reset", "--order", "7"]);
    assert_eq!((refused.status, refused.code().as_str()), (6, "KEY_REFUSED"));
    let kept = shop.run(&["pin", "reset", "--order", "7"]);
    assert_eq!((kept.status, kept.code().as_str()), (6, "LAST_TRY"));
    assert!(shop.centre.books().order.is_some(), "the order is not used up");
    shop.centre.books().world = 1;
    assert_eq!(shop.run(&["pin", "reset", "--order", "7", "--last-try"]).status, 0);
    assert_eq!(shop.run(&["log", "--pin", "env:PIN"]).status, 0);
}

#[test]
fn what_the_centre_is_not_told_is_said_and_a_lost_command_is_asked_for_again() {
    let shop = blocked();
    shop.centre.books().order = Some(PinAct::Unblock);
    shop.centre.books().silence = Silence::AfterDoing(PinCommandRequest::PATH);
    let lost = shop.run(&["pin", "reset", "--order", "7"]);
    assert_eq!((lost.status, lost.code().as_str()), (8, "CENTRE_UNREACHABLE"));
    assert_eq!(shop.run(&["log", "--pin", "env:PIN", "--last-try"]).code(), "PIN_BLOCKED", "the card was not told");
    shop.centre.books().silence = Silence::AfterDoing(PinOutcomeRequest::PATH);
    let done = shop.run(&["pin", "reset", "--order", "7"]);
    assert_eq!(done.status, 10, "{}", done.stderr);
    assert!(done.stdout.contains("OUTCOME_NOT_TOLD"), "{}", done.stdout);
    assert_eq!(shop.run(&["log", "--pin", "env:PIN"]).status, 0);
}
