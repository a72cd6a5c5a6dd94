//! Days of terminals under ten seeds, each smaller than the one of `make soak`; that a seed makes the same day again, and that a day
//! finds out a terminal that does not ask the card.

use card_counter::TerminalError;
use card_counter::journal::{Entry, Journal};
use card_counter::tap::Tapped;
use settlement::fen::Fen;
use settlement::journal::Event;
use soak::day::{self, OPENING, Order, Report};
use tear::clerk::{Habit, Ours};
use tear::town::Town;

const TERMINALS: u8 = 20;
const CARDS: u8 = 12;
const SALES: u32 = 6;
const SEEDS: u64 = 10;

fn town() -> Town {
    Town::found(CARDS, TERMINALS, Fen::from_card(OPENING)).expect("a town")
}

fn lived(town: &Town, seed: u64, habit: &dyn Habit) -> Report {
    let order = Order { seed, sales: SALES, per_mille: 12 };
    day::live(&town.twin().expect("a copy"), &order, habit, |_| {}).expect("a day")
}

#[test]
fn ten_days_of_twenty_terminals_end_in_agreement() {
    let town = town();
    let (mut faults, mut left, mut jumps) = (0, 0, 0);
    let (mut refunds, mut refused, mut limited) = (0, 0, 0);
    for seed in 1..=SEEDS {
        let report = lived(&town, seed, &Ours);
        assert!(report.holds(), "day {seed}: {report:#?}");
        assert_eq!((report.sales, report.evening.cards), (u64::from(TERMINALS) * u64::from(SALES), u64::from(CARDS)));
        assert_eq!(report.sales, report.paid + report.refused + report.limited + report.left, "day {seed}");
        faults += report.faults;
        left += report.left;
        jumps += report.jumps;
        refunds += report.refunds;
        refused += report.refunds_refused;
        limited += report.limited;
    }
    assert!(faults > 200 && left > 20 && jumps > 15, "a rough time: {faults} faults, {left} left, {jumps} jumps");
    assert!(
        refunds > 60 && refused < refunds / 4 && limited > 10,
        "{refunds} refunds, {refused} refused, {limited} limited"
    );
}

#[test]
fn a_seed_makes_the_same_day_again_and_another_seed_another_day() {
    let town = town();
    let first = lived(&town, 4, &Ours);
    assert_eq!(first, lived(&town, 4, &Ours));
    assert_ne!(first.faults, lived(&town, 5, &Ours).faults);
}

/// Closes what is open as not done, whatever the card did.
struct Blind;

impl Habit for Blind {
    fn settle(&self, tapped: &mut Tapped<'_>, journal: &mut dyn Journal) -> Result<Vec<Entry>, TerminalError> {
        let open = journal.open_of(&tapped.identifier)?;
        let settled = open.into_iter().map(|entry| journal.close(entry.number, Event::ShownNotDone, "NOT_DONE"));
        Ok(settled.collect::<Result<_, _>>()?)
    }
}

#[test]
fn a_day_of_terminals_that_do_not_ask_the_card_does_not_hold() {
    let town = town();
    let apart: i64 = (1..=4).map(|seed| lived(&town, seed, &Blind).evening.apart_fen).sum();
    assert!(apart > 0, "cards paid what no journal has");
}
