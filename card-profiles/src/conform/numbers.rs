//! Transaction numbers that a case takes, so that none begins that a card near its end cannot finish.
//!
//! Source: PBOC: numbers of 16 bits do not roll over, `9402` after the last; the number of a PSAM has 32 bits.
//! Owns: which numbers a transaction takes, how many a case needs, the moves that tell how many are left. Never: carries out.
//! Units: transactions left before the last number that is used.

use std::rc::Rc;

use card_core::StatusWord;
use card_core::command;
use card_core::script::Step;

use super::with_psam::{PsamAct, PsamWhat};
use super::workshop::{Workshop, directory};
use super::{Act, Case, Deal, Expect, Move, Text};

/// A counter of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Series {
    /// Loads of the account.
    AccountOnline,
    /// Purchases of the account.
    AccountOffline,
    /// Loads, unloads and limits of the ED.
    DepositOnline,
    /// Purchases and cash of the ED.
    DepositOffline,
    /// Loads of the EP.
    PurseOnline,
    /// Purchases of the EP.
    PurseOffline,
    /// Purchases that a PSAM numbers.
    Terminal,
}

impl Series {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::AccountOnline => ("账户联机交易序号", "online numbers of the account"),
            Self::AccountOffline => ("账户脱机交易序号", "offline numbers of the account"),
            Self::DepositOnline => ("电子存折联机交易序号", "online numbers of the ED"),
            Self::DepositOffline => ("电子存折脱机交易序号", "offline numbers of the ED"),
            Self::PurseOnline => ("电子钱包联机交易序号", "online numbers of the EP"),
            Self::PurseOffline => ("电子钱包脱机交易序号", "offline numbers of the EP"),
            Self::Terminal => ("终端交易序号", "numbers of the PSAM"),
        }
    }
}

/// What a case needs of one counter.
#[derive(Clone, Debug)]
pub struct Demand {
    /// The counter.
    pub series: Series,
    /// Numbers that must be left.
    pub count: u32,
    /// Moves after which the last answer tells how many are left; they change nothing.
    pub look: Vec<Move>,
    deal: Rc<Deal>,
}

impl Demand {
    /// How many numbers are left by the answer to the last move of the look; `None`: it does not say.
    #[must_use]
    pub fn left(&self, sw: StatusWord, data: &[u8]) -> Option<u32> {
        match self.series {
            _ if sw == StatusWord::COUNTER_MAX => Some(0),
            _ if !sw.is_ok() => None,
            // Its file holds the number used last.
            Series::Terminal => Some(u32::MAX - u32::from_be_bytes(data.try_into().ok()?)),
            _ => Some(self.deal.numbers_left(&self.deal.start(data)?)),
        }
    }

    /// Why the case is not run.
    #[must_use]
    pub fn reason(&self, left: u32) -> Text {
        let ((zh, en), count) = (self.series.name(), self.count);
        Text::new(format!("{zh}还剩 {left} 个，本项需要 {count} 个"), format!("{left} {en} left, it needs {count}"))
    }
}

/// What a case needs of each counter, in the order in which it comes to them.
pub(super) fn demands(shop: &Workshop<'_>, case: &Case) -> Vec<Demand> {
    let mut found: Vec<(Series, Rc<Deal>, u32, u32)> = Vec::new();
    let mut home = None;
    for done in case.moves.iter().chain(&case.restore) {
        if let Act::Do(Step::Send(command)) = &done.act {
            home = directory(shop.profile, case.area, command).or(home);
        }
        let Some((deal, takes, only_if_left)) = taken(done) else { continue };
        let at = found.iter().position(|(series, ..)| *series == deal.numbers).unwrap_or_else(|| {
            found.push((deal.numbers, Rc::clone(deal), 0, 0));
            found.len() - 1
        });
        if let Some((.., used, needed)) = found.get_mut(at) {
            *used += u32::from(takes);
            *needed = (*needed).max(*used + u32::from(only_if_left && !takes));
        }
    }
    let df = home.and_then(|id| shop.profile.df.iter().find(|df| df.id == id));
    let demand = |(series, deal, _, count): (Series, Rc<Deal>, u32, u32)| {
        let mut look = shop.fresh(df?);
        if series == Series::Terminal {
            let number = df?.ef.iter().find(|ef| ef.elements.iter().any(|row| &*row.id == "terminal_sequence"))?;
            let read = command::read_binary_sfi(number.sfi(), 0, number.size);
            look.push(Move { act: Act::Do(Step::Send(read)), expect: Vec::new(), keep: false });
        } else {
            look.extend(shop.proofs(&shop.way(&deal.access)?));
            look.push(Move { act: Act::Begin(Rc::new(deal.of_nothing())), expect: Vec::new(), keep: false });
        }
        Some(Demand { series, count, look, deal })
    };
    found.into_iter().filter(|(.., count)| *count > 0).filter_map(demand).collect()
}

/// The transaction of a move, whether it takes a number, and whether it needs one that is left though it takes none.
fn taken(done: &Move) -> Option<(&Rc<Deal>, bool, bool)> {
    let refused = done.expect.iter().any(|expect| matches!(expect, Expect::Status(_) | Expect::Refused));
    let used_up = |expect: &Expect| matches!(expect, Expect::Status(words) if words.contains(&StatusWord::COUNTER_MAX));
    match &done.act {
        // A card may look at its number before it refuses for another reason.
        Act::Begin(deal) => Some((deal, deal.is_numbered_at_once() && !refused, !done.expect.iter().any(used_up))),
        Act::Complete { deal, wrong: false }
        | Act::AtPsam(PsamAct { deal, what: PsamWhat::Debit { wrong: false } }) => Some((deal, !refused, false)),
        _ => None,
    }
}
