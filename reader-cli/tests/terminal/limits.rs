//! Limits as the centre signs them: each with its number, taken over only if they are right, and not for ever.

use serde_json::json;
use settlement::fen::Fen;
use settlement::message::TerminalLimits;
use settlement::sale::OnlinePolicy;

use crate::shop::{Ran, Shop};

fn limits() -> TerminalLimits {
    TerminalLimits {
        purchase_max_fen: Fen::new(30_000),
        card_day_max_fen: Fen::new(100_000),
        card_day_count_max: 20,
        pending_records_max: 50,
        pending_max_fen: Fen::new(1_000_000),
        blacklist_age_max_hours: 24,
        online: OnlinePolicy::OfflineOnly,
    }
}

/// The centre changes the limits, and the terminal signs in.
fn told(shop: &Shop, limits: TerminalLimits) -> Ran {
    {
        let mut books = shop.centre.books();
        books.limits = limits;
        books.parameters += 1;
    }
    shop.run(&["sign-in"])
}

fn sell(shop: &Shop, id: &str) -> Ran {
    shop.pay(&shop.bill(id, &[("X1", 1, "10.00")]))
}

#[test]
fn every_limit_refuses_with_its_number_before_the_card_is_debited() {
    let shop = Shop::ready();
    assert_eq!(sell(&shop, "B-0").status, 0);
    let cases: [(u8, &str, TerminalLimits); 5] = [
        (1, "purchase_max_fen", TerminalLimits { purchase_max_fen: Fen::new(999), ..limits() }),
        (2, "card_day_max_fen", TerminalLimits { card_day_max_fen: Fen::new(1_999), ..limits() }),
        (3, "card_day_count_max", TerminalLimits { card_day_count_max: 1, ..limits() }),
        (4, "pending_records_max", TerminalLimits { pending_records_max: 2, ..limits() }),
        (5, "pending_max_fen", TerminalLimits { pending_max_fen: Fen::new(1_999), ..limits() }),
    ];
    for (number, name, changed) in cases {
        let signed = told(&shop, changed);
        assert_eq!(signed.status, 0, "{}", signed.stderr);
        assert_eq!(signed.json()["parameters"], json!(u64::from(number) + 1));
        let refused = sell(&shop, &format!("B-{number}"));
        assert_eq!((refused.status, refused.code().as_str()), (3, "LIMIT_EXCEEDED"), "{name}");
        for (language, said) in [("zh", format!("限额 {number}(")), ("en", format!("limit {number} ("))] {
            let bill = shop.bill(&format!("B-{number}"), &[("X1", 1, "10.00")]);
            let catalogue = shop.path("drugs.csv").display().to_string();
            let text = shop.run_text(language, &["pay", &bill, "--catalogue", &catalogue, "--pin", "env:PIN"]);
            assert!(text.stderr.contains(&said) && text.stderr.contains(name), "{}", text.stderr);
        }
    }
    assert_eq!(shop.balance(), 49_000, "one sale, and nothing since");
    // At the limit itself it sells.
    let just = TerminalLimits {
        purchase_max_fen: Fen::new(1_000),
        card_day_max_fen: Fen::new(2_000),
        card_day_count_max: 2,
        pending_records_max: 3,
        pending_max_fen: Fen::new(2_000),
        ..limits()
    };
    assert_eq!(told(&shop, just).status, 0);
    assert_eq!(sell(&shop, "B-9").status, 0);
}

#[test]
fn altered_older_early_and_another_centres_parameters_change_nothing() {
    let shop = Shop::ready();
    let wide = TerminalLimits { purchase_max_fen: Fen::new(500), ..limits() };
    assert_eq!(told(&shop, wide).json()["parameters"], json!(2));
    shop.centre.books().raised = true;
    let altered = told(&shop, wide);
    assert_eq!((altered.status, altered.code().as_str()), (7, "PARAMETERS_UNSIGNED"));
    shop.centre.books().raised = false;
    shop.centre.books().parameters = 1;
    let older = shop.run(&["sign-in"]);
    assert_eq!((older.status, older.code().as_str()), (3, "PARAMETERS_OLDER"));
    shop.centre.books().parameters = 9;
    shop.centre.books().signed_later_s = 3_600;
    let early = shop.run(&["sign-in"]);
    assert_eq!((early.status, early.code().as_str()), (3, "PARAMETERS_AHEAD"));
    shop.centre.books().signed_later_s = 0;
    shop.centre.books().seed = 8;
    assert_eq!(shop.run(&["sign-in"]).code(), "CENTRE_KEY_DIFFERS");
    assert_eq!(sell(&shop, "B-1").code(), "LIMIT_EXCEEDED", "5.00 as before");
}

#[test]
fn parameters_that_are_past_their_time_are_not_taken_over_and_those_that_are_held_last() {
    let shop = Shop::open();
    // Good for the begin of the day, and then no more.
    shop.centre.books().hold_s = 60;
    shop.begin();
    assert_eq!(sell(&shop, "B-1").status, 0);
    shop.centre.books().hold_s = -60;
    shop.centre.books().parameters = 2;
    let late = shop.run(&["sign-in"]);
    assert_eq!((late.status, late.code().as_str()), (3, "PARAMETERS_EXPIRED"));
    assert_eq!(sell(&shop, "B-2").status, 0, "those that are held still last");
}

#[test]
fn a_clock_ahead_of_the_centres_signs_nobody_in_and_sells_nothing() {
    let shop = Shop::ready();
    assert_eq!(sell(&shop, "B-1").status, 0);
    for fetch in [&["sign-in"][..], &["blacklist", "update"]] {
        {
            let mut books = shop.centre.books();
            (books.signed_later_s, books.parameters) = (-3_600, books.parameters + 1);
            books.sequence += 1;
        }
        let ran = shop.run(fetch);
        assert_eq!((ran.status, ran.code().as_str()), (3, "CLOCK_DIFFERS"), "{fetch:?}: {}", ran.stdout);
        let refused = sell(&shop, "B-2");
        assert_eq!((refused.status, refused.code().as_str()), (3, "CLOCK_DIFFERS"), "{fetch:?}: {}", refused.stderr);
        shop.centre.books().signed_later_s = 0;
        assert_eq!(shop.run(&["sign-in"]).status, 0, "the centre's word is asked for again");
    }
    assert_eq!(sell(&shop, "B-2").status, 0);
}
