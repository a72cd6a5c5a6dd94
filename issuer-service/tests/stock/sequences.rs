//! Random sequences of moves, several processes at once, processes killed in between: no card comes or goes unnoticed.

use std::process::{Command, Stdio};

use issuer_service::stock::count::{self, Tally};
use issuer_service::stock::loss::{self, Which};
use issuer_service::stock::{StockError, blank, check};
use issuer_service::store::Store;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use crate::ask::ask;
use crate::boxes::{KEEPER, OTHER, stocked};
use crate::desk::Desk;

/// One thing that somebody does; `cards` may be more than there are.
#[derive(Clone, Debug)]
enum Deed {
    Receive(u64),
    Count(u8, bool, u64),
    Issue(u8, u64),
    TakeBack(u8, u64),
    Damage(u8, bool, u64),
    Lose(u8, bool, u64),
    Find(u8, u64),
    Condemn(u8, u64),
    Destroy(u8),
}

fn deed() -> impl Strategy<Value = Deed> {
    let cards = 0u64..25;
    prop_oneof![
        (1u64..25).prop_map(Deed::Receive),
        (0u8..4, any::<bool>(), cards.clone()).prop_map(|(b, s, n)| Deed::Count(b, s, n)),
        (0u8..4, cards.clone()).prop_map(|(b, n)| Deed::Issue(b, n)),
        (0u8..4, cards.clone()).prop_map(|(b, n)| Deed::TakeBack(b, n)),
        (0u8..4, any::<bool>(), cards.clone()).prop_map(|(b, s, n)| Deed::Damage(b, s, n)),
        (0u8..4, any::<bool>(), cards.clone()).prop_map(|(b, s, n)| Deed::Lose(b, s, n)),
        (0u8..4, cards.clone()).prop_map(|(b, n)| Deed::Find(b, n)),
        (0u8..4, cards).prop_map(|(b, n)| Deed::Condemn(b, n)),
        (1u8..6).prop_map(Deed::Destroy),
    ]
}

/// Does it; how many cards came in by it, when the rules let it be done.
fn carry_out(store: &mut Store, deed: &Deed, place: &str) -> Result<i64, StockError> {
    let name = |number: &u8| format!("N{number}");
    let at = |station: &bool| if *station { "S1" } else { "store" };
    let which = |number: &u8, cards: &u64| Which::Blanks { name: name(number), cards: *cards };
    let before = total(store);
    match deed {
        Deed::Receive(cards) => drop(blank::receive(store, place, "LN", *cards, Some(KEEPER))?),
        Deed::Count(number, station, cards) => {
            let tally = Tally { name: &name(number), at: at(station), cards: *cards, reason: "x" };
            drop(count::count(store, &tally, Some(KEEPER))?);
        }
        Deed::Issue(number, cards) => drop(blank::issue(store, &name(number), "S1", Some(*cards), Some(KEEPER))?),
        Deed::TakeBack(number, cards) => drop(blank::take_back(store, &name(number), "S1", *cards, Some(KEEPER))?),
        Deed::Damage(number, station, cards) => {
            drop(blank::damage(store, &name(number), at(station), *cards, "x", Some(KEEPER))?);
        }
        Deed::Lose(number, station, cards) => {
            drop(loss::lose(store, &which(number, cards), (at(station), None), "x", Some(KEEPER))?);
        }
        Deed::Find(number, cards) => drop(loss::find(store, &which(number, cards), "x", Some(KEEPER))?),
        Deed::Condemn(number, cards) => drop(loss::condemn(store, &which(number, cards), "x", Some(KEEPER))?),
        Deed::Destroy(number) => drop(loss::destroy(store, &format!("D-{number}"), Some(OTHER))?),
    }
    Ok(total(store) - before)
}

fn total(store: &mut Store) -> i64 {
    i64::try_from(store.read(|tx| tx.stock_total()).expect("read")).expect("few")
}

#[test]
fn random_sequences_of_moves_conserve_every_card() {
    let mut desk = stocked(1);
    let runner_config = ProptestConfig { cases: 12, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(runner_config);
    let (mut boxes, mut done, mut refused) = (0, 0, 0);
    let store = &mut desk.centre().store;
    let deeds = proptest::collection::vec(deed(), 60);
    for _ in 0..12 {
        let sequence = deeds.new_tree(&mut runner).expect("a sequence").current();
        for deed in sequence {
            let before = total(store);
            match carry_out(store, &deed, &format!("N{boxes}")) {
                Ok(entered) => {
                    done += 1;
                    match deed {
                        Deed::Receive(cards) => {
                            boxes += 1;
                            assert_eq!(entered, i64::try_from(cards).expect("few"));
                        }
                        // More than the papers said.
                        Deed::Count(..) => assert!(entered >= 0),
                        _ => assert_eq!(entered, 0, "{deed:?}"),
                    }
                }
                Err(StockError::Store(error)) => panic!("{deed:?}: {error}"),
                Err(_) => {
                    refused += 1;
                    assert_eq!(total(store), before, "{deed:?} was refused and did something");
                }
            }
        }
        let found = store.read(check::check).expect("checked");
        assert!(found.differences.is_empty(), "{:?}", found.differences);
    }
    assert!(done > 100 && refused > 100, "{done} done, {refused} refused");
}

fn start(desk: &Desk, arguments: &[&str]) -> std::process::Child {
    Command::new(env!("CARGO_BIN_EXE_issuer"))
        .arg("--data")
        .arg(desk.data())
        .args(["--operator", KEEPER])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts")
}

#[test]
fn processes_that_take_from_one_box_at_once_get_what_is_there_and_no_more() {
    let desk = stocked(1);
    let takers: Vec<_> =
        (0..8).map(|_| start(&desk, &["stock", "issue", "B1", "--to", "S1", "--cards", "30"])).collect();
    let given = takers.into_iter().filter_map(|taker| taker.wait_with_output().ok()).filter(|end| end.status.success());
    assert_eq!(given.count(), 3);
    let held = ask(&desk.data(), "SELECT state, cards FROM stock ORDER BY state").expect("rows");
    assert_eq!(held, [["blank", "10"], ["issued", "90"]]);
    desk.ok(KEEPER, &["stock", "check"]);
}

#[test]
fn a_process_killed_at_any_moment_leaves_a_move_done_or_not_done() {
    let desk = stocked(1);
    let (mut killed, mut round) = (0, 0);
    while killed < 12 && round < 200 {
        round += 1;
        let mut child = start(&desk, &["stock", "issue", "B1", "--to", "S1", "--cards", "1"]);
        // From before it has opened the database until after it is done.
        for _ in 0..(round % 25) * 40 {
            std::hint::spin_loop();
            if child.try_wait().expect("asked").is_some() {
                break;
            }
        }
        child.kill().expect("killed");
        killed += u32::from(!child.wait().expect("ended").success());
        if killed >= 12 || ask(&desk.data(), "SELECT 1 FROM stock WHERE state = 'blank'").expect("rows").is_empty() {
            break;
        }
    }
    assert!(killed > 0, "no process was killed in {round} rounds");
    let moved = ask(&desk.data(), "SELECT COALESCE(SUM(cards), 0) FROM stock WHERE state = 'issued'").expect("rows");
    let entries = ask(&desk.data(), "SELECT COUNT(*) FROM stock_journal WHERE move = 'Issue'").expect("rows");
    let audited = ask(&desk.data(), "SELECT COUNT(*) FROM audit WHERE act = 'stock.issue'").expect("rows");
    assert_eq!((&moved, &entries), (&entries, &audited));
    desk.ok(KEEPER, &["stock", "check"]);
}
