//! A refund, torn at every command, every memory write, every write of the journal, and with lost answers of the centre: what
//! was agreed goes back once, and never more than was paid.

use card_counter::TerminalError;
use card_counter::error::RefundFault;
use card_counter::journal::{Entry, Purchased, RefundOrder, RefundState};
use card_counter::refund::{self, Asked};
use card_profiles::account::Amounts;
use card_sim::fault::{Fault, Moment, Trigger};
use settlement::fen::Fen;
use settlement::journal::State;
use settlement::record::Transaction;
use settlement::refund::Parts;

use crate::dying::{Death, Dying};
use crate::stand::{OPENING, PRICE, Stand};

const COMMANDS_MAX: u64 = 30;
const WRITES_MAX: u64 = 50;
/// What goes back to the card in these tests.
const BACK: u32 = 500;

/// A card that bought for PRICE from the account, 3.00 in cash and 2.00 of the pool, and a refund of part of it.
fn sold() -> (Stand, Entry) {
    let mut stand = Stand::new();
    let mut store = stand.store();
    let amounts = Amounts { personal_account: PRICE, self_paid: 300, pooled_fund: 200 };
    let paid = stand.purchase_of(&mut store, amounts, "2026", |_| {}).expect("paid");
    (stand, paid)
}

fn agreed() -> (Stand, RefundOrder) {
    let (stand, paid) = sold();
    let parts = Parts { personal_account: Fen::from_card(BACK), self_paid: Fen::new(100), pooled_fund: Fen::new(50) };
    let order = stand.agree(&mut stand.store(), &paid, Asked::Parts(parts)).expect("agreed");
    (stand, order)
}

fn on_card(stand: &Stand) -> u32 {
    stand.card.card().inspect().account.expect("an account").personal_account
}

/// The same refund tried again until it is done; the card has its money once.
fn finished(mut stand: Stand, order: &RefundOrder, what: &str) {
    stand.next_tap();
    let mut store = stand.store();
    let now = store.refund(order.number).expect("reads").expect("kept");
    let expected = match now.state {
        RefundState::Done => OPENING - PRICE + BACK,
        RefundState::Open => OPENING - PRICE,
        RefundState::Withdrawn => panic!("nobody withdrew it, {what}"),
    };
    assert_eq!(on_card(&stand), expected, "{what}: {:?}", now.state);
    if now.state == RefundState::Open {
        let entry = stand.refund(&mut store, &now, |_| {}, |_, answer| Ok(answer)).expect("tried again");
        assert_eq!(entry.state, State::Confirmed);
    }
    drop(store);
    assert_eq!(on_card(&stand), OPENING - PRICE + BACK, "once, {what}");
    stand.assert_agreement(what);
    let store = stand.store();
    assert_eq!(store.refund(order.number).expect("reads").expect("kept").state, RefundState::Done, "{what}");
}

#[test]
fn a_refund_names_its_purchase_and_what_each_payer_gets_back() {
    let (mut stand, order) = agreed();
    let mut store = stand.store();
    let entry = stand.refund(&mut store, &order, |_| {}, |_, answer| Ok(answer)).expect("given back");
    let Purchased::Here(number) = order.original else { panic!("{order:?}") };
    let purchase = store.entry(number).expect("there");
    let record = entry.to_record().expect("a record");
    let Transaction::Refund { original, personal_account_fen, self_paid_fen, pooled_fund_fen, .. } = record.transaction
    else {
        panic!("{record:?}")
    };
    assert_eq!(original.terminal_sequence, purchase.sent.expect("sent").terminal_sequence);
    assert_eq!([personal_account_fen, self_paid_fen, pooled_fund_fen].map(Fen::get), [500, 100, 50]);
    assert_eq!(entry.draft.business_date.to_string(), "2026-01-03", "on another day");
    drop(store);
    finished(stand, &order, "untorn");
}

#[test]
fn never_more_goes_back_than_was_paid_however_it_is_asked() {
    let (mut stand, paid) = sold();
    let mut store = stand.store();
    let refused = |error: TerminalError| matches!(error, TerminalError::Refund(RefundFault::Sum(_)));
    for total in [0, i64::from(PRICE) + 501] {
        assert!(refused(stand.agree(&mut store, &paid, Asked::Total(Fen::new(total))).expect_err("too much")));
    }
    assert!(store.refunds().expect("reads").is_empty(), "nothing was agreed");
    let first = stand.agree(&mut store, &paid, Asked::Total(Fen::new(700))).expect("agreed");
    let rest = stand.agree(&mut store, &paid, Asked::Rest).expect("agreed");
    let total = first.parts.total().expect("small").plus(rest.parts.total().expect("small"));
    assert_eq!(total, Ok(Fen::new(i64::from(PRICE) + 500)), "both together are the whole");
    assert!(refused(stand.agree(&mut store, &paid, Asked::Total(Fen::new(1))).expect_err("nothing is left")));
    // What is withdrawn may be asked again; what is done may not be withdrawn.
    refund::withdraw(&mut store, &first, "wrong amount").expect("nothing reached the card");
    stand.refund(&mut store, &rest, |_| {}, |_, answer| Ok(answer)).expect("given back");
    let done = refund::open(&store, &rest.number.to_string()).expect_err("over");
    assert!(matches!(done, TerminalError::Refund(RefundFault::Closed { state: RefundState::Done, .. })), "{done}");
    assert!(refused(stand.agree(&mut store, &paid, Asked::Total(Fen::new(701))).expect_err("700 are left")));
    let last = stand.agree(&mut store, &paid, Asked::Total(Fen::new(700))).expect("agreed");
    stand.refund(&mut store, &last, |_| {}, |_, answer| Ok(answer)).expect("given back");
    drop(store);
    assert_eq!(on_card(&stand), OPENING, "all of it, in two refunds");
    stand.assert_agreement("two refunds");
}

#[test]
fn a_purchase_that_took_nothing_from_the_account_goes_back_with_the_cards_proof_too() {
    let mut stand = Stand::new();
    let mut store = stand.store();
    let amounts = Amounts { personal_account: 0, self_paid: 300, pooled_fund: 200 };
    let paid = stand.purchase_of(&mut store, amounts, "2026", |_| {}).expect("paid");
    let order = stand.agree(&mut store, &paid, Asked::Rest).expect("agreed");
    let entry = stand.refund(&mut store, &order, |_| {}, |_, answer| Ok(answer)).expect("given back");
    assert!(entry.done.expect("done").evidence.tac().is_some());
    drop(store);
    assert_eq!(on_card(&stand), OPENING);
    stand.assert_agreement("nothing of the account");
}

#[test]
fn power_lost_at_any_command_of_the_card_loses_and_doubles_nothing() {
    let mut uncertain = 0;
    for moment in [Moment::Before, Moment::After] {
        for nth in 1..COMMANDS_MAX {
            let (mut stand, order) = agreed();
            let mut store = stand.store();
            let ready = |stand: &Stand| {
                let at = Trigger::command(nth);
                Stand::faults(&stand.card, vec![Fault::PowerLoss { at, moment, back_after_ms: None }]);
            };
            let outcome = stand.refund(&mut store, &order, ready, |_, answer| Ok(answer));
            drop(store);
            finished(stand, &order, &format!("{moment:?} command {nth}"));
            match outcome {
                Ok(_) => break,
                Err(TerminalError::Uncertain { .. }) => uncertain += 1,
                Err(_) => {}
            }
        }
    }
    assert!(uncertain >= 4, "CREDIT and its GET RESPONSE, before and after: {uncertain}");
}

#[test]
fn power_lost_at_any_memory_write_of_credit_loses_and_doubles_nothing() {
    for half in [false, true] {
        for write in 0..WRITES_MAX {
            let what = format!("write {write} of CREDIT, half-written: {half}");
            let (mut stand, order) = agreed();
            let mut store = stand.store();
            let ready = |stand: &Stand| {
                let at = Trigger::instruction(0x2A, 1);
                let moment = Moment::Inside { write, half };
                Stand::faults(&stand.card, vec![Fault::PowerLoss { at, moment, back_after_ms: None }]);
            };
            let outcome = stand.refund(&mut store, &order, ready, |_, answer| Ok(answer));
            assert!(matches!(outcome, Err(TerminalError::Uncertain { .. })), "{what}");
            let open = store.refund(order.number).expect("reads").expect("kept");
            let refused = refund::withdraw(&mut store, &open, "impatient").expect_err("it may be on the card");
            assert!(matches!(refused, TerminalError::Refund(RefundFault::Undecided { .. })), "{refused}");
            drop(store);
            finished(stand, &order, &what);
        }
    }
}

#[test]
fn a_program_killed_at_any_write_of_the_journal_leaves_a_refund_that_is_finished_later() {
    let mut killed = 0;
    for write in 1..10 {
        for death in [Death::Before(write), Death::After(write)] {
            let (mut stand, order) = agreed();
            let mut journal = Dying::new(stand.store(), Some(death));
            let outcome = stand.refund(&mut journal, &order, |_| {}, |_, answer| Ok(answer));
            let lived = journal.lived();
            drop(journal);
            assert_eq!(outcome.is_ok(), lived, "{death:?}");
            finished(stand, &order, &format!("refund, {death:?}"));
            if lived {
                break;
            }
            killed += 1;
        }
    }
    assert!(killed >= 6, "{killed}");
}

#[test]
fn a_lost_answer_of_the_centre_leaves_the_refund_open_and_the_card_as_it_was() {
    let (mut stand, order) = agreed();
    let mut store = stand.store();
    let lost = |_: &Stand, _| Err(TerminalError::CentreUnreachable { address: "http://test".to_owned(), sent: true });
    let error = stand.refund(&mut store, &order, |_| {}, lost).expect_err("no answer");
    assert!(matches!(error, TerminalError::CentreUnreachable { .. }));
    drop(store);
    assert_eq!(on_card(&stand), OPENING - PRICE);
    finished(stand, &order, "no answer of the centre");
}
