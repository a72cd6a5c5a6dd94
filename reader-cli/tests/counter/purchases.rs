//! A purchase, torn at every command and every memory write of the card, of the PSAM, and at every write of the journal.

use card_counter::TerminalError;
use card_counter::error::Code;
use card_counter::journal::Entry;
use card_profiles::account::Amounts;
use card_sim::fault::{Fault, Moment, Trigger};
use settlement::journal::State;

use crate::dying::{Death, Dying};
use crate::stand::{OPENING, PRICE, Stand};

/// More commands than any flow between PIN and receipt has.
const COMMANDS_MAX: u64 = 40;
/// More memory writes than one command has.
const WRITES_MAX: u64 = 60;

fn loss(nth: u64, moment: Moment) -> Vec<Fault> {
    vec![Fault::PowerLoss { at: Trigger::command(nth), moment, back_after_ms: None }]
}

/// Pays with a fault, lets the card come back, then pays again without one.
fn torn_and_settled(what: &str, fault: impl FnOnce(&Stand)) -> (Result<State, TerminalError>, Stand) {
    let mut stand = Stand::new();
    let mut store = stand.store();
    let outcome = stand.purchase(&mut store, fault).map(|entry| entry.state);
    drop(store);
    stand.next_tap();
    stand.assert_agreement(what);
    assert!(stand.next_tap().is_empty(), "settled once only, {what}");
    let mut store = stand.store();
    let again = stand.purchase(&mut store, |_| {}).expect("the next purchase goes through");
    assert_eq!(again.state, State::Confirmed);
    drop(store);
    stand.assert_agreement(what);
    (outcome, stand)
}

#[test]
fn a_purchase_without_fault_takes_its_price_once() {
    let (outcome, stand) = torn_and_settled("no fault", |_| {});
    assert_eq!(outcome.expect("paid"), State::Confirmed);
    let account = stand.card.card().inspect().account.expect("an account");
    assert_eq!(account.personal_account, OPENING - 2 * PRICE);
    assert_eq!(account.offline_sequence, 2);
}

#[test]
fn power_lost_before_or_after_any_command_of_the_card_loses_and_doubles_nothing() {
    let (mut uncertain, mut torn) = (0, 0);
    for moment in [Moment::Before, Moment::After] {
        for nth in 1..COMMANDS_MAX {
            let what = format!("{moment:?} command {nth}");
            let (outcome, _) = torn_and_settled(&what, |stand| Stand::faults(&stand.card, loss(nth, moment)));
            match outcome {
                Ok(state) => {
                    assert_eq!(state, State::Confirmed);
                    assert!(nth > 4, "the flow has more commands than {nth}");
                    break;
                }
                Err(TerminalError::Uncertain { .. }) => uncertain += 1,
                Err(_) => torn += 1,
            }
        }
    }
    assert!(uncertain >= 4, "DEBIT and its GET RESPONSE, before and after: {uncertain}");
    assert!(torn >= 4, "SELECT, INITIALIZE and its GET RESPONSE: {torn}");
}

#[test]
fn power_lost_at_any_memory_write_of_debit_loses_and_doubles_nothing() {
    let mut torn = 0;
    for half in [false, true] {
        for write in 0..WRITES_MAX {
            let at = Trigger::instruction(0x2C, 1);
            let moment = Moment::Inside { write, half };
            let what = format!("write {write} of DEBIT, half-written: {half}");
            let (outcome, _) = torn_and_settled(&what, |stand| {
                Stand::faults(&stand.card, vec![Fault::PowerLoss { at, moment, back_after_ms: None }]);
            });
            assert!(matches!(outcome, Err(TerminalError::Uncertain { .. })), "{what}");
            torn += 1;
        }
    }
    assert_eq!(torn, 2 * WRITES_MAX);
}

#[test]
fn power_lost_at_any_command_of_the_psam_loses_and_doubles_nothing() {
    let mut torn = 0;
    for moment in [Moment::Before, Moment::After] {
        for nth in 1..COMMANDS_MAX {
            let what = format!("PSAM, {moment:?} command {nth}");
            let (outcome, _) = torn_and_settled(&what, |stand| Stand::faults(&stand.psam, loss(nth, moment)));
            if outcome.is_ok() {
                break;
            }
            torn += 1;
        }
    }
    assert!(torn >= 6, "80 70, its GET RESPONSE, 80 72, before and after: {torn}");
}

#[test]
fn a_mute_card_and_a_failing_memory_are_settled_like_a_pulled_card() {
    for nth in 1..8 {
        let what = format!("mute from command {nth}");
        let (outcome, _) = torn_and_settled(&what, |stand| {
            Stand::faults(&stand.card, vec![Fault::Mute { at: Trigger::command(nth) }]);
        });
        assert!(nth > 5 || outcome.is_err(), "{what}");
    }
    for writes in 0..4 {
        let what = format!("memory fails after {writes} writes");
        let (outcome, _) = torn_and_settled(&what, |stand| {
            Stand::faults(&stand.card, vec![Fault::Lemon { after_writes: writes }]);
        });
        assert!(matches!(outcome, Err(TerminalError::Uncertain { .. })), "{what}");
    }
}

#[test]
fn a_program_killed_at_any_write_of_the_journal_leaves_what_the_next_tap_settles() {
    let mut killed = 0;
    for write in 1..10 {
        for death in [Death::Before(write), Death::After(write)] {
            let what = format!("{death:?}");
            let mut stand = Stand::new();
            let mut journal = Dying::new(stand.store(), Some(death));
            let before = stand.card.card().inspect().account.expect("an account");
            let outcome = stand.purchase(&mut journal, |_| {});
            let lived = journal.lived();
            drop(journal);
            if death == Death::Before(1) {
                let account = stand.card.card().inspect().account.expect("an account");
                assert_eq!(account, before, "the card is not touched when the journal cannot be written");
            }
            stand.next_tap();
            stand.assert_agreement(&what);
            assert!(stand.next_tap().is_empty(), "{what}");
            if lived {
                assert_eq!(outcome.expect("paid").state, State::Confirmed);
                break;
            }
            killed += 1;
        }
    }
    assert!(killed >= 6, "PREPARED, SENT, CONFIRMED, each before and after: {killed}");
}

#[test]
fn a_program_killed_while_settling_settles_at_the_tap_after() {
    for write in 1..6 {
        for death in [Death::Before(write), Death::After(write)] {
            let what = format!("{death:?} of settling");
            let mut stand = Stand::new();
            let mut store = stand.store();
            let torn = stand.purchase(&mut store, |stand| {
                let at = Trigger::instruction(0x2C, 1);
                let moment = Moment::After;
                Stand::faults(&stand.card, vec![Fault::PowerLoss { at, moment, back_after_ms: None }]);
            });
            assert!(matches!(torn, Err(TerminalError::Uncertain { .. })), "{what}");
            drop(store);
            let mut journal = Dying::new(stand.store(), Some(death));
            let second = stand.purchase(&mut journal, |_| {});
            let lived = journal.lived();
            drop(journal);
            stand.next_tap();
            stand.assert_agreement(&what);
            if lived {
                assert_eq!(second.expect("paid").state, State::Confirmed, "{what}");
                let account = stand.card.card().inspect().account.expect("an account");
                assert_eq!(account.personal_account, OPENING - 2 * PRICE, "{what}");
                break;
            }
        }
    }
}

#[test]
fn a_tear_during_the_settling_tap_is_settled_by_the_tap_after() {
    for nth in 1..COMMANDS_MAX {
        let what = format!("settling torn at command {nth}");
        let mut stand = Stand::new();
        let mut store = stand.store();
        let torn = stand.purchase(&mut store, |stand| {
            Stand::faults(&stand.card, vec![Fault::Mute { at: Trigger::instruction(0x2C, 1) }]);
        });
        assert!(matches!(torn, Err(TerminalError::Uncertain { .. })), "{what}");
        Stand::faults(&stand.card, loss(nth, Moment::After));
        let second = stand.purchase(&mut store, |_| {}).map(|entry| entry.state);
        drop(store);
        stand.next_tap();
        stand.assert_agreement(&what);
        if second.is_ok() {
            break;
        }
    }
}

#[test]
fn an_open_entry_without_pin_stays_open_and_says_so() {
    let mut stand = Stand::new();
    let mut store = stand.store();
    let torn = stand.purchase(&mut store, |stand| {
        Stand::faults(&stand.card, vec![Fault::Mute { at: Trigger::instruction(0x2C, 1) }]);
    });
    assert!(matches!(torn, Err(TerminalError::Uncertain { .. })));
    Stand::faults(&stand.card, Vec::new());
    let mut tapped = stand.tapped().expect("taps");
    let error = card_counter::settle::settle(&mut tapped, stand.account(), &mut store, false);
    assert!(matches!(error, Err(TerminalError::StillOpen { .. })));
    drop((store, tapped));
    assert_eq!(stand.next_tap().first().map(|entry| entry.state), Some(State::Reversed));
}

#[test]
fn too_little_money_is_refused_without_moving_any() {
    let mut stand = Stand::new();
    let mut store = stand.store();
    let times = OPENING / PRICE;
    for _ in 0..times {
        stand.purchase(&mut store, |_| {}).expect("paid");
    }
    let error = stand.purchase(&mut store, |_| {}).expect_err("empty");
    assert!(matches!(error, TerminalError::BalanceInsufficient), "{error}");
    let last = store.entries().expect("reads").pop().expect("an entry");
    assert_eq!((last.state, last.reason.as_deref()), (State::Refused, Some("BALANCE_INSUFFICIENT")));
    drop(store);
    stand.assert_agreement("empty account");
}

#[test]
fn what_the_card_would_refuse_at_debit_spends_no_number_of_the_psam() {
    let mut stand = Stand::new();
    let mut store = stand.store();
    let of = |self_paid, pooled_fund| Amounts { personal_account: 1, self_paid, pooled_fund };
    let paid = stand.purchase_of(&mut store, of(u32::MAX - 100, u32::MAX), "2026", |_| {}).expect("paid");
    assert_eq!(paid.state, State::Confirmed);
    for (amounts, year, code) in [
        (of(101, 0), "2026", Code::YearTotalFull),
        (of(0, 1), "2026", Code::YearTotalFull),
        (of(u32::MAX, 1), "2025", Code::ClockBehindCard),
        (Amounts { personal_account: OPENING, ..Amounts::default() }, "2026", Code::BalanceInsufficient),
    ] {
        let refused = stand.purchase_of(&mut store, amounts, year, |_| {}).expect_err("refused");
        assert_eq!(refused.code(), code);
        let last = store.entries().expect("reads").pop().expect("an entry");
        assert_eq!((last.state, last.reason.as_deref(), last.sent), (State::Refused, Some(code.as_str()), None));
    }
    let next = stand.purchase_of(&mut store, of(100, 0), "2026", |_| {}).expect("just fits");
    let number = |entry: &Entry| entry.sent.expect("sent").terminal_sequence;
    assert_eq!(number(&next), number(&paid) + 1, "the PSAM gave no number in between");
    let later = stand.purchase_of(&mut store, of(u32::MAX, u32::MAX), "2027", |_| {}).expect("totals begin anew");
    assert_eq!(number(&later), number(&next) + 1);
    drop(store);
    stand.assert_agreement("full totals");
}
