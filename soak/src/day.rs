//! A day of many terminals and cards under one seed: letters are lost, clocks jump, programs are killed, cards are pulled. In the
//! evening everybody is left in peace, and card, terminal and centre must agree.
//!
//! The terminals work one after another, so that a seed makes the same day again; what befalls one of them it does not know of the
//! others. A holder whose payment broke off mostly puts the card in again; some walk away and come back before their card made
//! [`STEPS_AWAY`] other steps: after thirty the card's log no longer tells, and a person has to decide.
//!
//! Source: docs/adr/0046. Owns: the order of the day, what befalls it. Never: settles by itself what a terminal must settle.
//! Units: fen, seconds.

use std::collections::{BTreeMap, BTreeSet};

use card_counter::TerminalError;
use card_counter::clock::Now;
use card_counter::error::Code;
use card_counter::journal::RefundState;
use card_counter::refund::Asked;
use card_counter::store::Store;
use card_profiles::account::Amounts;
use card_sim::noise::Noise;
use issuer_service::http::Desk;
use settlement::DateTime;
use settlement::fen::Fen;
use settlement::id::BillId;
use settlement::message::TerminalLimits;
use settlement::refund::RefundAct;
use settlement::sale::OnlinePolicy;
use tear::books;
use tear::clerk::{GivenBack, Habit, Life, Sale, WIDE};
use tear::course::{Course, Weather};
use tear::town::Town;

use crate::evening::{self, Agreement};
use crate::failure::Failure;

/// What every holder has at the centre in the morning, fen.
pub const OPENING: u32 = 400_000;
/// What is allotted when a card is empty, fen.
const MORE: u32 = 100_000;
/// 2026-07-01 08:00 in China: no jump leaves its year.
const MORNING: i64 = 1_782_864_000;
/// Prices, few enough that the same card pays the same price at the same terminal again.
const PRICES: [u32; 4] = [990, 1_250, 2_600, 7_705];
/// Steps that a card makes elsewhere before its holder comes back to where something is open.
const STEPS_AWAY: u32 = 20;
/// Times that a holder puts the card in again before walking away.
const AGAIN_MAX: u32 = 4;

/// Which day.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// Decides everything.
    pub seed: u64,
    /// Sales of each terminal.
    pub sales: u32,
    /// Of a thousand commands, commits and letters, so many are struck.
    pub per_mille: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Sales that were begun.
    pub sales: u64,
    /// Of them, those that ended with a receipt.
    pub paid: u64,
    /// Of them, those that their card refused.
    pub refused: u64,
    /// Of them, those that a limit of the terminal refused.
    pub limited: u64,
    /// Of them, those whose holder walked away.
    pub left: u64,
    /// Refunds that were begun, whole, in part, or as a cancel.
    pub refunds: u64,
    /// Of them, those that were refused to the holder: by the centre, or because the purchase was not the card's latest.
    pub refunds_refused: u64,
    /// Loads that were begun.
    pub loads: u64,
    /// Lives of terminals.
    pub lives: u64,
    /// Faults that struck.
    pub faults: u64,
    /// Jumps of clocks.
    pub jumps: u64,
    /// What the three said in the evening.
    pub evening: Agreement,
}

impl Report {
    /// Whether the three agree and nothing was left over.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.paid > 0 && self.evening.holds()
    }
}

/// The day while it goes on.
struct Day<'a> {
    town: &'a Town,
    habit: &'a dyn Habit,
    desk: Desk,
    noise: Noise,
    per_mille: u64,
    clocks: Vec<i64>,
    /// By card: where something of it may be open, and its steps elsewhere since.
    open: BTreeMap<usize, BTreeMap<usize, u32>>,
    receipts: BTreeSet<String>,
    /// Bills of which something struck a try: the day's own table of what may be held at the centre.
    cut: BTreeSet<String>,
    report: Report,
}

/// Lives a day in a town whose terminals have this habit.
///
/// # Errors
/// [`Failure`].
pub fn live(town: &Town, order: &Order, habit: &dyn Habit, mut told: impl FnMut(u64)) -> Result<Report, Failure> {
    let terminals = town.psams.len();
    let mut day = Day {
        town,
        habit,
        desk: town.desk()?,
        noise: Noise::new(order.seed),
        per_mille: order.per_mille,
        clocks: vec![MORNING; terminals],
        open: BTreeMap::new(),
        receipts: BTreeSet::new(),
        cut: BTreeSet::new(),
        report: Report { seed: order.seed, ..Report::default() },
    };
    let mut left = vec![order.sales; terminals];
    loop {
        let waiting: Vec<usize> = (0..terminals).filter(|terminal| left[*terminal] > 0).collect();
        let Some(terminal) = day.one_of(&waiting) else { break };
        left[terminal] -= 1;
        let card = day.below(town.cards.len());
        day.move_clock(terminal);
        day.come_back(card)?;
        day.sell(terminal, card)?;
        if day.below(25) == 0 {
            day.load(terminal, card)?;
        }
        if day.below(30) == 0 {
            let course = day.course();
            let _ = day.life(terminal, card, &course)?.upload();
            day.count(&course);
        }
        told(day.report.sales);
    }
    day.rest()?;
    let Day { desk, receipts, cut, mut report, .. } = day;
    drop(desk);
    report.evening = evening::agreement(town, &receipts, &cut)?;
    Ok(report)
}

impl Day<'_> {
    /// One sale, until it is paid, refused, or its holder walks away.
    fn sell(&mut self, terminal: usize, card: usize) -> Result<(), Failure> {
        self.report.sales += 1;
        let bill = format!("D{}-{terminal}-{}", self.report.seed, self.report.sales);
        let price = PRICES[self.below(PRICES.len())];
        let amounts = Amounts { personal_account: price, self_paid: 300, pooled_fund: 450 };
        let bill_id = BillId::parse(&bill).map_err(|_| Failure::Unlived { what: "a bill" })?;
        let sale = Sale { bill: bill_id, amounts };
        for _ in 0..=AGAIN_MAX {
            let course = self.course();
            let sold = self.life(terminal, card, &course)?.sell(&sale);
            let (was_killed, was_struck) = (course.is_dead(), course.struck() > 0);
            self.count(&course);
            self.steps(card, terminal);
            if was_struck {
                self.cut.insert(bill.clone());
            }
            match sold {
                // What a killed program would have printed nobody saw: it is asked again.
                Ok(()) if !was_killed => {
                    self.report.paid += 1;
                    self.receipts.insert(bill);
                    self.closed(card, terminal);
                    return if self.below(10) == 0 { self.give_back(terminal, card, &sale) } else { Ok(()) };
                }
                Err(error) if !was_struck => {
                    self.report.refused += 1;
                    return self.refused(&error, terminal, card);
                }
                Ok(()) | Err(_) => {}
            }
            if self.below(8) == 0 {
                break;
            }
        }
        self.report.left += 1;
        Ok(())
    }

    /// Part of a sale goes back, or all of it, or it is cancelled; some want the rest of a part too.
    fn give_back(&mut self, terminal: usize, card: usize, sale: &Sale) -> Result<(), Failure> {
        let part = Fen::from_card(100 + sale.amounts.personal_account / 3);
        let (parts, act) = match self.below(4) {
            0 => (vec![Asked::Rest], RefundAct::Refund),
            1 => (vec![Asked::Total(part)], RefundAct::Refund),
            2 => (vec![Asked::Total(part), Asked::Rest], RefundAct::Refund),
            _ => (vec![Asked::Rest], RefundAct::Cancel),
        };
        for (before, asked) in parts.into_iter().enumerate() {
            self.report.refunds += 1;
            for _ in 0..=AGAIN_MAX {
                let course = self.course();
                let given = GivenBack { bill: Some(&sale.bill), before, asked, act };
                let done = self.life(terminal, card, &course)?.give_back(&given);
                let (was_killed, was_struck) = (course.is_dead(), course.struck() > 0);
                self.count(&course);
                self.steps(card, terminal);
                match done {
                    Ok(()) if !was_killed => {
                        self.closed(card, terminal);
                        break;
                    }
                    Err(error) if !was_struck => return self.not_given(&error, terminal, card),
                    Ok(()) | Err(_) => {}
                }
                // What is open is finished in the evening.
                if self.below(8) == 0 {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// A refund that nothing disturbed was refused: the centre says why, or another purchase of the card came between.
    fn not_given(&mut self, error: &TerminalError, terminal: usize, card: usize) -> Result<(), Failure> {
        self.report.refunds_refused += 1;
        match error.code() {
            Code::CancelTooLate => {}
            Code::CentreRefused => self.finish_refunds(terminal, card)?,
            code => return Err(Failure::Undisturbed { seed: self.report.seed, code: code.as_str() }),
        }
        self.closed(card, terminal);
        Ok(())
    }

    /// Every refund of the card that is open here comes to its end, in peace.
    fn finish_refunds(&mut self, terminal: usize, card: usize) -> Result<(), Failure> {
        let course = Course::with(&[]);
        let finished = self.life(terminal, card, &course)?.finish_refunds();
        self.count(&course);
        self.closed(card, terminal);
        finished.map(drop).map_err(|error| Failure::Undisturbed { seed: self.report.seed, code: error.code().as_str() })
    }

    /// A sale that nothing disturbed was refused: an empty card gets more, anything else is a finding.
    fn refused(&mut self, error: &TerminalError, terminal: usize, card: usize) -> Result<(), Failure> {
        if error.code() == Code::LimitExceeded {
            self.report.refused -= 1;
            self.report.limited += 1;
            self.closed(card, terminal);
            return Ok(());
        }
        if error.code() != Code::BalanceInsufficient {
            return Err(Failure::Undisturbed { seed: self.report.seed, code: error.code().as_str() });
        }
        self.closed(card, terminal);
        self.load(terminal, card)
    }

    /// The fund allots more, and the card is loaded with it.
    fn load(&mut self, terminal: usize, card: usize) -> Result<(), Failure> {
        self.report.loads += 1;
        let identifier = books::identifier(self.town, card)?;
        self.town.allot(identifier, Fen::from_card(MORE))?;
        let course = self.course();
        let loaded = self.life(terminal, card, &course)?.load();
        self.count(&course);
        self.steps(card, terminal);
        if loaded.is_ok() && !course.is_dead() {
            self.closed(card, terminal);
        }
        Ok(())
    }

    /// A holder who walked away comes back before the card's log forgets.
    fn come_back(&mut self, card: usize) -> Result<(), Failure> {
        let due: Vec<usize> = self.open.get(&card).map_or_else(Vec::new, |places| {
            places.iter().filter(|(_, steps)| **steps >= STEPS_AWAY).map(|(terminal, _)| *terminal).collect()
        });
        due.into_iter().try_for_each(|terminal| self.settle(terminal, card))
    }

    /// The card is put in once more, in peace.
    fn settle(&mut self, terminal: usize, card: usize) -> Result<(), Failure> {
        let course = Course::with(&[]);
        let settled = self.life(terminal, card, &course)?.settle();
        self.count(&course);
        self.closed(card, terminal);
        settled.map_err(|error| Failure::Undisturbed { seed: self.report.seed, code: error.code().as_str() })
    }

    /// The evening: every card goes once more to where something of it may be open, every terminal sends what waits.
    fn rest(&mut self) -> Result<(), Failure> {
        let open: Vec<(usize, usize)> =
            self.open.iter().flat_map(|(card, places)| places.keys().map(move |terminal| (*terminal, *card))).collect();
        open.into_iter().try_for_each(|(terminal, card)| self.settle(terminal, card))?;
        self.town.post.arrive(&self.desk);
        for (terminal, card) in self.open_refunds()? {
            self.finish_refunds(terminal, card)?;
        }
        for terminal in 0..self.town.psams.len() {
            let course = Course::with(&[]);
            let sent = self.life(terminal, 0, &course)?.upload();
            self.count(&course);
            sent.map_err(|error| Failure::Undisturbed { seed: self.report.seed, code: error.code().as_str() })?;
        }
        Ok(())
    }

    /// Terminals with a refund that is open, and its card.
    fn open_refunds(&self) -> Result<BTreeSet<(usize, usize)>, Failure> {
        let cards = (0..self.town.cards.len()).map(|card| Ok((books::identifier(self.town, card)?.to_string(), card)));
        let cards: BTreeMap<String, usize> = cards.collect::<Result<_, Failure>>()?;
        let mut open = BTreeSet::new();
        for terminal in 0..self.town.psams.len() {
            let orders = Store::open(&self.town.terminal_folder(terminal))?.refunds()?;
            let orders = orders.iter().filter(|order| order.state == RefundState::Open);
            open.extend(orders.filter_map(|order| Some((terminal, *cards.get(&order.card_identifier.to_string())?))));
        }
        Ok(open)
    }

    /// Time goes on; now and then a clock jumps, and some fall back to the first second of their day.
    fn move_clock(&mut self, terminal: usize) {
        self.clocks[terminal] += 1 + self.number(240);
        if self.below(40) == 0 {
            self.report.jumps += 1;
            let jump = self.number(48 * 3_600);
            self.clocks[terminal] = match self.below(3) {
                0 => self.clocks[terminal] - jump,
                1 => self.clocks[terminal] + jump,
                _ => MORNING,
            };
        }
    }

    fn life<'l>(
        &'l self,
        terminal: usize,
        card: usize,
        course: &'l std::sync::Arc<Course>,
    ) -> Result<Life<'l>, Failure> {
        let date_time = self.date_time(terminal)?;
        Ok(Life {
            town: self.town,
            desk: &self.desk,
            terminal,
            card,
            course,
            habit: self.habit,
            date_time,
            again: true,
            limits: limits(terminal),
        })
    }

    fn date_time(&self, terminal: usize) -> Result<DateTime, Failure> {
        Now::at(self.clocks[terminal]).map(Now::date_time).ok_or(Failure::Unlived { what: "an instant" })
    }

    fn course(&mut self) -> std::sync::Arc<Course> {
        Course::under(Weather { per_mille: self.per_mille, noise: self.noise.branch() })
    }

    fn count(&mut self, course: &Course) {
        self.report.lives += 1;
        self.report.faults += course.struck();
    }

    /// The card did something, perhaps: something of it may be open here, and elsewhere it made a step.
    fn steps(&mut self, card: usize, terminal: usize) {
        let places = self.open.entry(card).or_default();
        places.iter_mut().filter(|(place, _)| **place != terminal).for_each(|(_, steps)| *steps += 1);
        places.entry(terminal).or_default();
    }

    /// Nothing of the card is open here any more.
    fn closed(&mut self, card: usize, terminal: usize) {
        if let Some(places) = self.open.get_mut(&card) {
            places.remove(&terminal);
        }
    }

    fn one_of(&mut self, places: &[usize]) -> Option<usize> {
        let at = self.below(places.len());
        places.get(at).copied()
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.noise.below(bound as u64)).unwrap_or_default()
    }

    fn number(&mut self, bound: u64) -> i64 {
        i64::try_from(self.noise.below(bound)).unwrap_or_default()
    }
}

/// A quarter of the terminals asks its centre and sells without an answer, a quarter sells with its consent only; a fifth has limits
/// that a day reaches.
fn limits(terminal: usize) -> TerminalLimits {
    let online = match terminal % 4 {
        1 => OnlinePolicy::OnlinePreferred,
        2 => OnlinePolicy::OnlineRequired,
        _ => OnlinePolicy::OfflineOnly,
    };
    match terminal % 5 {
        0 => TerminalLimits { purchase_max_fen: Fen::new(5_000), card_day_count_max: 12, online, ..WIDE },
        _ => TerminalLimits { online, ..WIDE },
    }
}
