//! Sales with the centre's consent: asked first, told at once; and every answer that can be lost.

use card_counter::clock::Now;
use card_counter::store::Store;
use serde_json::{Value, json};
use settlement::blacklist::{Held, Period};
use settlement::fen::Fen;
use settlement::message::{BatchRequest, Request as _, TerminalLimits};
use settlement::record::Transaction;
use settlement::sale::{OnlinePolicy, SaleOutcomeRequest, SaleRequest};

use crate::bridge::Bridge;
use crate::cards;
use crate::centre::Silence;
use crate::shop::{Ran, Shop};

/// A terminal that was told this policy, and that so many records may wait.
fn told(shop: &Shop, online: OnlinePolicy, pending_records_max: u32) {
    {
        let mut books = shop.centre.books();
        books.limits = TerminalLimits { online, pending_records_max, ..books.limits };
        books.parameters += 1;
    }
    let signed = shop.run(&["sign-in"]);
    assert_eq!((signed.status, &signed.json()["online"]), (0, &json!(online.as_str())), "{}", signed.stderr);
}

fn sell(shop: &Shop, id: &str) -> Ran {
    shop.pay(&shop.bill(id, &[("X1", 1, "10.00")]))
}

fn silent(shop: &Shop, path: Option<&'static str>) {
    shop.centre.books().silence = path.map_or(Silence::None, Silence::AfterDoing);
}

/// How the last entry stands: towards the card, towards the centre.
fn last(shop: &Shop) -> (Value, Value) {
    let entry = shop.journal().pop().expect("an entry");
    (entry["state"].clone(), entry["centre"].clone())
}

fn notes(ran: &Ran) -> Value {
    ran.json()["notes"].as_array().into_iter().flatten().map(|note| note["code"].clone()).collect()
}

/// Ids of sales in the records that the centre took over.
fn cleared(shop: &Shop) -> Vec<String> {
    let books = shop.centre.books();
    let records = books.batches.iter().flat_map(|batch| &batch.records);
    let id = |transaction: &Transaction| match transaction {
        Transaction::Purchase { sale_id, .. } => *sale_id,
        _ => None,
    };
    records.filter_map(|record| id(&record.transaction)).map(|id| id.to_string()).collect()
}

fn asked(shop: &Shop) -> Vec<String> {
    shop.centre.books().sales.iter().map(|sale| sale.sale_id.to_string()).collect()
}

#[test]
fn the_centre_is_asked_before_the_debit_and_told_at_once_and_its_no_is_final() {
    let shop = Shop::ready();
    assert_eq!(last(&shop), (json!("CONFIRMED"), json!(null)), "a load");
    // No record may wait here: offline nothing is sold.
    told(&shop, OnlinePolicy::OnlinePreferred, 0);
    let before = shop.centre.books().requests.len();
    let sold = sell(&shop, "B-1");
    assert_eq!((sold.status, &sold.json()["centre"]), (0, &json!("cleared")), "{}", sold.stderr);
    let paths: Vec<&str> = shop.centre.books().requests[before..].to_vec();
    assert_eq!(paths, [SaleRequest::PATH, BatchRequest::PATH]);
    assert_eq!((last(&shop), shop.balance()), ((json!("CONFIRMED"), json!("CLEARED")), 49_000));
    assert_eq!(cleared(&shop), asked(&shop));
    let sale = shop.centre.books().sales[0].clone();
    assert_eq!((sale.balance_fen, sale.personal_account_fen), (Fen::new(50_000), Fen::new(1_000)));

    silent(&shop, Some(SaleRequest::PATH));
    let refused = sell(&shop, "B-2");
    assert_eq!((refused.status, refused.code().as_str()), (3, "LIMIT_EXCEEDED"), "offline limits hold offline");
    assert_eq!(last(&shop), (json!("REFUSED"), json!("UNCERTAIN")));
    silent(&shop, None);
    assert_eq!(shop.run(&["upload"]).json()["sales_not_done"], json!(1));
    assert_eq!(last(&shop), (json!("REFUSED"), json!("RELEASED")));
    let released = shop.centre.books().released.clone();
    assert_eq!(released, [shop.centre.books().sales[1].sale_id]);
    assert_eq!(shop.run(&["upload"]).json()["sales_not_done"], json!(0), "once");

    shop.centre.books().declines = Some("CARD_BLACKLISTED");
    let declined = sell(&shop, "B-2");
    assert_eq!((declined.status, declined.code().as_str()), (3, "CENTRE_REFUSED"));
    assert_eq!((last(&shop), shop.balance()), ((json!("REFUSED"), json!("DECLINED")), 49_000));
    shop.centre.books().declines = None;
    assert_eq!(shop.run(&["upload"]).json()["sales_not_done"], json!(0), "the centre knows that it said no");
    assert_eq!(sell(&shop, "B-2").status, 0, "the same bill again");
    assert_eq!(shop.balance(), 48_000);
}

#[test]
fn a_centre_that_refuses_the_terminal_is_owed_its_words_until_it_takes_them() {
    let shop = Shop::ready();
    told(&shop, OnlinePolicy::OnlineRequired, 50);
    silent(&shop, Some(SaleRequest::PATH));
    assert_eq!(sell(&shop, "B-1").code(), "ONLINE_REQUIRED");
    silent(&shop, None);
    // Not registered for a while, as one that is stopped: nothing that it says is about the sale.
    let key = shop.centre.books().key.take();
    let refused = shop.run(&["upload"]);
    assert_eq!((refused.status, refused.code().as_str()), (3, "CENTRE_REFUSED"));
    assert_eq!(last(&shop), (json!("REFUSED"), json!("UNCERTAIN")), "still owed");
    assert!(shop.centre.books().released.is_empty());
    shop.centre.books().key = key;
    assert_eq!(shop.run(&["upload"]).json()["sales_not_done"], json!(1));
    assert_eq!(last(&shop), (json!("REFUSED"), json!("RELEASED")));
}

#[test]
fn a_clock_that_is_not_the_centres_sells_nothing_whichever_is_ahead() {
    let shop = Shop::ready();
    told(&shop, OnlinePolicy::OnlineRequired, 50);
    for (told, apart) in [-2 * 86_400, -660, 660].into_iter().enumerate() {
        shop.centre.books().consents_later_s = apart;
        let refused = sell(&shop, "B-1");
        assert_eq!((refused.status, refused.code().as_str()), (3, "CLOCK_DIFFERS"), "{apart}: {}", refused.stderr);
        assert_eq!(last(&shop), (json!("REFUSED"), json!("RELEASED")), "{apart}");
        assert_eq!(shop.centre.books().released.len(), told + 1, "the centre hears of it at once");
    }
    shop.centre.books().consents_later_s = 540;
    assert_eq!(sell(&shop, "B-1").json()["centre"], "cleared");
    assert_eq!(
        (shop.balance(), shop.centre.books().released.len()),
        (49_000, 3),
        "the centre heard of those that were not made"
    );
}

#[test]
fn a_clock_that_is_behind_sells_nothing_with_the_centres_consent_either() {
    let shop = Shop::ready();
    told(&shop, OnlinePolicy::OnlineRequired, 50);
    assert_eq!(sell(&shop, "B-1").json()["centre"], "cleared");
    {
        // What the centre signed tomorrow is known to have been.
        let mut store = Store::open(&shop.path("data")).expect("a journal");
        let now = Now::of_system();
        let period =
            Period { issued_at: now.later(86_400).date_time(), valid_until: now.later(2 * 86_400).date_time() };
        let held = Held { sequence: 9, issued_at: Some(period.issued_at), ..Held::default() };
        store.set_blacklist(&held, period).expect("written");
    }
    let asked_before = asked(&shop).len();
    let refused = sell(&shop, "B-2");
    assert_eq!((refused.status, refused.code().as_str()), (3, "CLOCK_BACK"));
    assert_eq!((asked(&shop).len(), shop.balance()), (asked_before, 49_000), "before anybody is asked");
}

#[test]
fn an_answer_that_is_lost_costs_nobody_a_fen_and_ends_by_itself() {
    let shop = Shop::ready();
    told(&shop, OnlinePolicy::OnlinePreferred, 50);
    silent(&shop, Some(SaleRequest::PATH));
    let offline = sell(&shop, "B-1");
    assert_eq!((offline.status, &offline.json()["centre"]), (0, &json!("offline")), "{}", offline.stderr);
    assert_eq!(notes(&offline), json!(["SOLD_OFFLINE"]));
    assert_eq!((last(&shop), cleared(&shop).len()), ((json!("CONFIRMED"), json!("UNCERTAIN")), 0));

    // The next sale is agreed to, and the answer to its batch is lost.
    silent(&shop, Some(BatchRequest::PATH));
    let waiting = sell(&shop, "B-2");
    assert_eq!((waiting.status, &waiting.json()["centre"]), (0, &json!("waiting")), "{}", waiting.stderr);
    assert_eq!(notes(&waiting), json!(["CENTRE_NOT_TOLD"]));
    assert_eq!(last(&shop), (json!("CONFIRMED"), json!("UNCERTAIN")));
    silent(&shop, None);
    assert_eq!(shop.run(&["upload"]).status, 0);
    assert_eq!(last(&shop), (json!("CONFIRMED"), json!("CLEARED")));
    assert_eq!((cleared(&shop), shop.balance()), (asked(&shop), 48_000));

    told(&shop, OnlinePolicy::OnlineRequired, 50);
    silent(&shop, Some(SaleRequest::PATH));
    let refused = sell(&shop, "B-3");
    assert_eq!((refused.status, refused.code().as_str()), (3, "ONLINE_REQUIRED"));
    assert_eq!((last(&shop), shop.balance()), ((json!("REFUSED"), json!("UNCERTAIN")), 48_000));
    // What is owed is told before the next question, and that is sold.
    silent(&shop, None);
    let before = shop.centre.books().requests.len();
    assert_eq!(sell(&shop, "B-3").json()["centre"], "cleared");
    let paths: Vec<&str> = shop.centre.books().requests[before..].to_vec();
    assert_eq!(paths, [SaleOutcomeRequest::PATH, SaleRequest::PATH, BatchRequest::PATH]);
    assert_eq!((cleared(&shop).len(), shop.balance()), (3, 47_000));
}

#[test]
fn pages_and_programs_ask_through_the_bridge_as_pay_does() {
    let shop = Shop::ready();
    told(&shop, OnlinePolicy::OnlineRequired, 50);
    let bridge = Bridge::start(&shop, &[]);
    let mut caller = bridge.program();
    let time = Now::of_system().date_time();
    let verify = json!({"function": "iPKBVerifyPIN", "iType": 3, "pPin": cards::PIN});
    let pay = |amount: &str| {
        let info = format!("{amount}|0|0|{time}|");
        json!({"function": "iDoDebit", "iType": 3, "pPayInfo": info})
    };
    assert_eq!(caller.success(&verify), "1");
    let before = shop.centre.books().requests.len();
    assert_eq!(caller.success(&pay("10.00")), "1");
    let paths: Vec<&str> = shop.centre.books().requests[before..].to_vec();
    assert_eq!(paths, [SaleRequest::PATH, BatchRequest::PATH]);
    assert_eq!((last(&shop), shop.balance()), ((json!("CONFIRMED"), json!("CLEARED")), 49_000));
    shop.centre.books().declines = Some("CARD_BLACKLISTED");
    assert_eq!(caller.success(&verify), "1");
    assert_eq!(caller.success(&pay("11.00")), "-3002");
    assert_eq!((last(&shop), shop.balance()), ((json!("REFUSED"), json!("DECLINED")), 49_000));
    shop.centre.books().declines = None;
    shop.centre.books().consents_later_s = 660;
    assert_eq!(caller.success(&verify), "1");
    assert_eq!(caller.success(&pay("12.00")), "-3009", "the clock is not the centre's");
    assert_eq!((last(&shop), shop.balance()), ((json!("REFUSED"), json!("RELEASED")), 49_000));
}

#[test]
fn a_sale_waits_for_its_own_record_alone_and_one_unreadable_answer_keeps_no_sale_back() {
    let shop = Shop::ready();
    told(&shop, OnlinePolicy::OnlineRequired, 50);
    // A word that is owed and that the centre answers with something unreadable.
    silent(&shop, Some(SaleRequest::PATH));
    assert_eq!(sell(&shop, "B-1").code(), "ONLINE_REQUIRED");
    silent(&shop, None);
    shop.centre.books().garbled = Some(SaleOutcomeRequest::PATH);
    let before = shop.centre.books().requests.len();
    let sold = sell(&shop, "B-2");
    assert_eq!((sold.status, &sold.json()["centre"]), (0, &json!("cleared")), "{}", sold.stderr);
    let paths: Vec<&str> = shop.centre.books().requests[before..].to_vec();
    assert_eq!(paths, [SaleOutcomeRequest::PATH, SaleRequest::PATH, BatchRequest::PATH], "and once");
    let refused = shop.run(&["upload"]);
    assert_eq!((refused.status, refused.code().as_str()), (8, "CENTRE_ANSWER"), "it is still owed, and said");
    shop.centre.books().garbled = None;
    assert_eq!(shop.run(&["upload"]).json()["sales_not_done"], json!(1));
}

#[test]
fn a_yes_that_the_centre_did_not_sign_is_no_answer() {
    let shop = Shop::ready();
    told(&shop, OnlinePolicy::OnlineRequired, 50);
    shop.centre.books().forged_consent = true;
    assert_eq!(sell(&shop, "B-1").code(), "ONLINE_REQUIRED");
    assert_eq!((last(&shop), shop.balance()), ((json!("REFUSED"), json!("UNCERTAIN")), 50_000));
    told(&shop, OnlinePolicy::OnlinePreferred, 50);
    assert_eq!(notes(&sell(&shop, "B-1")), json!(["SOLD_OFFLINE"]), "within the offline limits");
    shop.centre.books().forged_consent = false;
    assert_eq!(sell(&shop, "B-2").json()["centre"], "cleared");
    assert_eq!(shop.run(&["journal", "verify"]).status, 0);
}

#[test]
fn a_terminal_that_signed_out_sells_nothing_before_it_signs_in_again() {
    let shop = Shop::ready();
    assert_eq!(sell(&shop, "B-1").status, 0);
    let out = shop.run(&["sign-out"]);
    assert_eq!((out.status, &out.json()["batches"]), (0, &json!(1)), "{}", out.stderr);
    assert_eq!(shop.centre.books().signed_out, [(0, 0)], "what waited was uploaded first");
    let refused = sell(&shop, "B-2");
    assert_eq!((refused.status, refused.code().as_str(), shop.balance()), (3, "SIGNED_OUT", 49_000));
    let check = shop.run(&["card", "check"]);
    assert_eq!((check.status, check.code().as_str()), (3, "SIGNED_OUT"), "{}", check.stdout);
    // What goes back counts on a day, too.
    for back in [&["refund", "give", "1"][..], &["cancel", "--pin", "env:PIN"]] {
        let refused = shop.run(back);
        assert_eq!((refused.status, refused.code().as_str(), shop.balance()), (3, "SIGNED_OUT", 49_000), "{back:?}");
    }
    assert_eq!(shop.run(&["refund", "list", "--all"]).json()["refunds"], json!([]), "nothing was agreed");
    assert_eq!(shop.run(&["sign-in"]).status, 0);
    assert_eq!((sell(&shop, "B-2").status, shop.balance()), (0, 48_000));

    // A centre that is away keeps no till open: the day ends here, and the next sign-out tells it.
    silent(&shop, Some("/terminal/v1/sign-out"));
    assert_eq!(shop.run(&["sign-out"]).code(), "CENTRE_UNREACHABLE");
    assert_eq!(sell(&shop, "B-3").code(), "SIGNED_OUT");
    silent(&shop, None);
    assert_eq!(shop.run(&["sign-out"]).status, 0);
}
