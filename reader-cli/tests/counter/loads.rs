//! A load, torn at every command, every memory write, every write of the journal, and with lost answers of the centre.

use card_counter::TerminalError;
use card_sim::fault::{Fault, Moment, Trigger};
use settlement::journal::State;

use crate::dying::{Death, Dying};
use crate::stand::{OPENING, Stand, TOP_UP, fen};

const COMMANDS_MAX: u64 = 30;
const WRITES_MAX: u64 = 50;

fn torn_and_settled(what: &str, ready: impl FnOnce(&Stand)) -> Result<State, TerminalError> {
    let mut stand = Stand::new();
    let mut store = stand.store();
    let outcome = stand.load_when(&mut store, TOP_UP, ready, |_, answer| Ok(answer)).map(|entry| entry.state);
    drop(store);
    stand.next_tap();
    stand.assert_agreement(what);
    assert!(stand.next_tap().is_empty(), "settled once only, {what}");
    outcome
}

#[test]
fn power_lost_at_any_command_of_the_card_loses_and_doubles_nothing() {
    let mut uncertain = 0;
    for moment in [Moment::Before, Moment::After] {
        for nth in 1..COMMANDS_MAX {
            let outcome = torn_and_settled(&format!("{moment:?} command {nth}"), |stand| {
                let at = Trigger::command(nth);
                Stand::faults(&stand.card, vec![Fault::PowerLoss { at, moment, back_after_ms: None }]);
            });
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
            let outcome = torn_and_settled(&what, |stand| {
                let at = Trigger::instruction(0x2A, 1);
                let moment = Moment::Inside { write, half };
                Stand::faults(&stand.card, vec![Fault::PowerLoss { at, moment, back_after_ms: None }]);
            });
            assert!(matches!(outcome, Err(TerminalError::Uncertain { .. })), "{what}");
        }
    }
}

#[test]
fn a_lost_answer_of_the_centre_leaves_the_card_as_it_was() {
    let mut stand = Stand::new();
    let mut store = stand.store();
    let error = stand
        .load(&mut store, TOP_UP, |_, _| {
            Err(TerminalError::CentreUnreachable { address: "http://test".to_owned(), sent: true })
        })
        .expect_err("no answer");
    assert!(matches!(error, TerminalError::CentreUnreachable { .. }));
    let last = store.entries().expect("reads").pop().expect("an entry");
    assert_eq!((last.state, last.reason.as_deref()), (State::Refused, Some("CENTRE_UNREACHABLE")));
    drop(store);
    stand.assert_agreement("no answer of the centre");
    assert_eq!(stand.card.card().inspect().account.expect("an account").personal_account, OPENING);
}

#[test]
fn a_wrong_mac2_is_refused_by_the_card_and_recorded() {
    let mut stand = Stand::new();
    let mut store = stand.store();
    let error = stand
        .load(&mut store, TOP_UP, |_, mut answer| {
            answer.mac2.0[0] ^= 1;
            Ok(answer)
        })
        .expect_err("refused");
    assert!(matches!(error, TerminalError::CardRefused { .. }), "{error}");
    drop(store);
    stand.assert_agreement("wrong MAC2");
}

#[test]
fn a_program_killed_at_any_write_of_the_journal_leaves_what_the_next_tap_settles() {
    let mut killed = 0;
    for write in 1..10 {
        for death in [Death::Before(write), Death::After(write)] {
            let what = format!("load, {death:?}");
            let mut stand = Stand::new();
            let mut journal = Dying::new(stand.store(), Some(death));
            let outcome = stand.load(&mut journal, TOP_UP, |_, answer| Ok(answer));
            let lived = journal.lived();
            drop(journal);
            stand.next_tap();
            stand.assert_agreement(&what);
            if lived {
                let entry = outcome.expect("loaded");
                assert_eq!(fen(entry.done.expect("done").balance_after), fen(OPENING + TOP_UP));
                break;
            }
            killed += 1;
        }
    }
    assert!(killed >= 6, "{killed}");
}
