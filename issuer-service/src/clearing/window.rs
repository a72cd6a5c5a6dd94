//! The day's clearing window (清算日切): its states, who may move it, and the sums that let it close.
//!
//! Source: clearing flow of this project; states as in common settlement-window practice (open, closing, closed).
//! Owns: the table of moves, the conservation equation. Never: reads the store or a clock.
//! Units: fen, signed; counts of postings and rows.

use serde::Serialize;
use settlement::date::BusinessDate;
use settlement::fen::{Fen, FenError};

use crate::lang::Lang;

/// Where a window stands.
///
/// | state   | takes postings | next    | who                             | needs |
/// |---------|----------------|---------|---------------------------------|-------|
/// | OPEN    | yes            | CLOSING | operator, `issuer window close` | –     |
/// | CLOSING | no             | CLOSED  | operator, `issuer window close` | proof holds, every difference explained by another operator |
/// | CLOSED  | no             | –       | –                               | –     |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum WindowState {
    /// Postings of the day go here.
    Open,
    /// The barrier stands: nothing more enters, differences are being explained.
    Closing,
    /// The day is proved and final.
    Closed,
}

impl WindowState {
    /// All states, in order.
    pub const ALL: [Self; 3] = [Self::Open, Self::Closing, Self::Closed];

    /// Name in the store and in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Closing => "CLOSING",
            Self::Closed => "CLOSED",
        }
    }

    /// The word for it; in English its name.
    #[must_use]
    pub const fn word(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (_, Lang::En) => self.name(),
            (Self::Open, Lang::Zh) => "未日切",
            (Self::Closing, Lang::Zh) => "日切中",
            (Self::Closed, Lang::Zh) => "已日切",
        }
    }

    /// From its name; `None` for any other text.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// The only state that may follow.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::Open => Some(Self::Closing),
            Self::Closing => Some(Self::Closed),
            Self::Closed => None,
        }
    }
}

/// Rule of the proofs that are made now.
pub const PROOF_VERSION: i64 = 2;

/// One day's window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// 业务日期.
    pub business_date: BusinessDate,
    /// State.
    pub state: WindowState,
    /// UTC instant.
    pub opened_at: String,
    /// Number of the last posting when closing began.
    pub barrier: Option<i64>,
    /// Who began to close it.
    pub closing_by: Option<String>,
    /// Who closed it.
    pub closed_by: Option<String>,
    /// UTC instant.
    pub closed_at: Option<String>,
    /// Hash of its content and of the window before, hex.
    pub hash: Option<String>,
    /// Rule by which it was proved, of a closed one.
    ///
    /// | rule | payable to institutions                  | hash                                     | equations |
    /// |------|------------------------------------------|------------------------------------------|-----------|
    /// | 1    | what purchases and refunds post          | no sums of what gave way or was recovered | without RECOVERED, POOL, CASH, YIELDS |
    /// | 2    | every entry on the institutions' accounts | with them where there are any            | all       |
    pub proof_version: Option<i64>,
}

impl Window {
    /// Rule of its proof; of a day that is not closed that of now.
    #[must_use]
    pub fn rule(&self) -> i64 {
        self.proof_version.unwrap_or(PROOF_VERSION)
    }
}

/// What a person says about a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Code of the difference.
    pub code: String,
    /// What differs.
    pub reference: String,
    /// By how much when it was explained; a difference that has grown since is unexplained again.
    pub amount_fen: Fen,
    /// Reason.
    pub reason: String,
    /// Who says so.
    pub operator: String,
}

/// Movements of one window, summed from the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WindowTotals {
    /// Postings.
    pub postings: usize,
    /// Accepted rows of uploads.
    pub rows_accepted: usize,
    /// Refused rows of uploads.
    pub rows_refused: usize,
    /// Rows held without a TAC.
    pub rows_held: usize,
    /// Sum of every entry: must be zero.
    pub sum_of_entries_fen: Fen,
    /// 划入: allotted from the personal-account fund.
    pub allotted_fen: Fen,
    /// Credited to cards.
    pub loaded_fen: Fen,
    /// Put back on cards by refunds.
    pub refunded_fen: Fen,
    /// No longer paid by the pooled fund: its part of refunds.
    pub refunded_pooled_fen: Fen,
    /// Taken off cards again: loads that people had called credited, and that gave way.
    pub yielded_fen: Fen,
    /// Taken off cards again: such refunds.
    pub yielded_refunds_fen: Fen,
    /// Paid by the pooled fund again: its part of such refunds.
    pub yielded_pooled_fen: Fen,
    /// Debited from cards by accepted purchases.
    pub purchased_fen: Fen,
    /// Paid by the pooled fund.
    pub pooled_fen: Fen,
    /// Paid in cash by the holder: memorandum only.
    pub self_paid_fen: Fen,
    /// Refunds whose purchase is taken back, by corrections of what is owed to institutions: their holders owe it.
    pub recovered_fen: Fen,
    /// Corrections on card accounts, and what went from cards out of use to their holders.
    pub corrected_fen: Fen,
    /// Owed to institutions by this window, as its rule counts it ([`Window::proof_version`]).
    pub payable_fen: Fen,
    /// Every entry on the institutions' accounts.
    pub payable_moved_fen: Fen,
    /// Paid by the pooled fund in the end: every entry on its account, the other way round.
    pub pool_moved_fen: Fen,
    /// Cash at institutions in the end: every entry on the memorandum, the other way round.
    pub cash_moved_fen: Fen,
    /// Cash given back by refunds.
    pub refunded_self_paid_fen: Fen,
    /// Cash of refunds that gave way.
    pub yielded_self_paid_fen: Fen,
    /// All card accounts before the window.
    pub cards_before_fen: Fen,
    /// Every entry of the window on card accounts.
    pub cards_moved_fen: Fen,
    /// All card accounts after the window.
    pub cards_after_fen: Fen,
    /// Personal-account share of the accepted rows themselves (evidence beside the ledger).
    pub rows_personal_fen: Fen,
    /// Pooled share of the accepted rows themselves.
    pub rows_pooled_fen: Fen,
    /// Sum of credited loads of the window, from the loads themselves.
    pub loads_credited_fen: Fen,
    /// Sum of credited refunds of the window, account and pool, from the refunds themselves.
    pub refunds_credited_fen: Fen,
    /// Sum of loads and refunds, account and pool, that gave way in the window, from the decisions themselves.
    pub yields_fen: Fen,
    /// Sum of refunds, account and pool, whose purchase is taken back, from the refunds themselves.
    pub recoveries_fen: Fen,
    /// Of it, the pool's.
    pub recoveries_pooled_fen: Fen,
    /// Cash of such refunds.
    pub recoveries_self_paid_fen: Fen,
    /// Decisions that were taken back.
    pub taken_back: usize,
    /// What they had posted from cards and pool.
    pub taken_back_fen: Fen,
}

impl WindowTotals {
    /// All counts and sums in their order, for the hash of a window with this rule.
    #[must_use]
    pub fn line(&self, rule: i64) -> String {
        let counts = [self.postings, self.rows_accepted, self.rows_refused, self.rows_held];
        let sums = [
            self.sum_of_entries_fen,
            self.allotted_fen,
            self.loaded_fen,
            self.purchased_fen,
            self.pooled_fen,
            self.self_paid_fen,
            self.corrected_fen,
            self.payable_fen,
            self.cards_before_fen,
            self.cards_moved_fen,
            self.cards_after_fen,
        ];
        let counts = counts.iter().map(ToString::to_string);
        let refunds = [self.refunded_fen, self.refunded_pooled_fen];
        // A window without refunds, what gave way or was recovered has the line, and the hash, that it had before there were any.
        let refunds = if refunds == [Fen::ZERO; 2] { &[][..] } else { &refunds };
        let yielded = [self.yielded_fen, self.yielded_refunds_fen, self.yielded_pooled_fen];
        let yielded = if rule == 1 || yielded == [Fen::ZERO; 3] { &[][..] } else { &yielded };
        let recovered = [self.recovered_fen, self.recoveries_pooled_fen, self.recoveries_self_paid_fen];
        let recovered = if rule == 1 || recovered == [Fen::ZERO; 3] { &[][..] } else { &recovered };
        counts
            .chain(sums.iter().chain(refunds).chain(yielded).chain(recovered).map(|sum| sum.get().to_string()))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// One equation of the proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Equation {
    /// Stable code.
    pub code: &'static str,
    /// What it says.
    pub statement: &'static str,
    /// Left side, fen.
    pub left_fen: Fen,
    /// Right side, fen.
    pub right_fen: Fen,
}

impl Equation {
    /// Whether both sides agree to the fen.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.left_fen == self.right_fen
    }
}

/// The conservation equations of a window.
///
/// # Errors
/// [`FenError::Overflow`] when a sum leaves 64 bits.
pub fn conservation(totals: &WindowTotals, rule: i64) -> Result<Vec<Equation>, FenError> {
    let expected = totals.cards_before_fen.plus(totals.cards_moved_fen)?;
    let brought = totals.loaded_fen.plus(totals.refunded_fen)?;
    let off = Fen::sum([totals.purchased_fen, totals.yielded_fen, totals.yielded_refunds_fen])?;
    let moved = totals.cards_before_fen.plus(brought)?.minus(off)?.plus(totals.corrected_fen)?;
    let owed_again = totals.yielded_refunds_fen.plus(totals.yielded_pooled_fen)?;
    let refunded = totals.refunded_fen.plus(totals.refunded_pooled_fen)?;
    let owed = totals.purchased_fen.plus(totals.pooled_fen)?.minus(refunded)?.plus(owed_again)?;
    let owed = if rule == 1 { owed } else { owed.plus(totals.recovered_fen)? };
    let pool = totals.pooled_fen.minus(totals.refunded_pooled_fen)?.plus(totals.yielded_pooled_fen)?;
    let cash = totals.self_paid_fen.minus(totals.refunded_self_paid_fen)?.plus(totals.yielded_self_paid_fen)?;
    let equation = |code, statement, left, right| Equation { code, statement, left_fen: left, right_fen: right };
    let mut equations = vec![
        equation("ZERO_SUM", "sum of all entries = 0", totals.sum_of_entries_fen, Fen::ZERO),
        equation(
            "CARDS",
            "cards before + loaded + refunded − purchased − given way + corrected = cards after",
            moved,
            totals.cards_after_fen,
        ),
        equation("CARDS_MOVED", "cards before + entries of the window = cards after", expected, totals.cards_after_fen),
        equation(
            "PAYABLE",
            "purchased + pooled − refunded + refunds given way + recovered = payable to institutions",
            owed,
            totals.payable_fen,
        ),
        equation(
            "RECOVERED",
            "refunds whose purchase is taken back = recovered",
            totals.recoveries_fen,
            totals.recovered_fen,
        ),
        equation(
            "POOL",
            "pooled − refunded + given way + recovered = entries on the pooled fund",
            pool.plus(totals.recoveries_pooled_fen)?,
            totals.pool_moved_fen,
        ),
        equation(
            "CASH",
            "self-paid − refunded + given way + recovered = entries on the memorandum",
            cash.plus(totals.recoveries_self_paid_fen)?,
            totals.cash_moved_fen,
        ),
        equation(
            "ROWS_PERSONAL",
            "personal account of accepted rows = purchased",
            totals.rows_personal_fen,
            totals.purchased_fen,
        ),
        equation("ROWS_POOLED", "pooled fund of accepted rows = pooled", totals.rows_pooled_fen, totals.pooled_fen),
        equation("LOADS", "credited loads = loaded", totals.loads_credited_fen, totals.loaded_fen),
        equation("REFUNDS", "credited refunds = refunded, account and pool", totals.refunds_credited_fen, refunded),
        equation(
            "YIELDS",
            "loads and refunds that gave way = taken off cards and pool again",
            totals.yields_fen,
            totals.yielded_fen.plus(owed_again)?,
        ),
    ];
    if rule == 1 {
        equations.retain(|equation| !["RECOVERED", "POOL", "CASH", "YIELDS"].contains(&equation.code));
    }
    Ok(equations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back_and_nothing_leaves_closed() {
        for state in WindowState::ALL {
            assert_eq!(WindowState::parse(state.name()), Some(state));
        }
        assert_eq!(WindowState::Closed.next(), None);
        assert_eq!(WindowState::parse("open"), None);
    }

    #[test]
    fn one_fen_too_much_on_the_cards_breaks_the_proof() {
        let fen = |amount| Fen::new(amount);
        let totals = WindowTotals {
            cards_before_fen: fen(100),
            loaded_fen: fen(50),
            loads_credited_fen: fen(50),
            refunded_fen: fen(4),
            refunded_pooled_fen: fen(1),
            refunds_credited_fen: fen(5),
            purchased_fen: fen(30),
            rows_personal_fen: fen(30),
            pooled_fen: fen(7),
            rows_pooled_fen: fen(7),
            pool_moved_fen: fen(6),
            payable_fen: fen(32),
            cards_after_fen: fen(124),
            cards_moved_fen: fen(24),
            ..WindowTotals::default()
        };
        assert!(conservation(&totals, PROOF_VERSION).expect("small sums").iter().all(Equation::holds));
        let broken = WindowTotals { cards_after_fen: fen(125), ..totals };
        let failed: Vec<_> = conservation(&broken, PROOF_VERSION)
            .expect("small sums")
            .into_iter()
            .filter(|equation| !equation.holds())
            .collect();
        assert_eq!(failed.iter().map(|equation| equation.code).collect::<Vec<_>>(), ["CARDS", "CARDS_MOVED"]);
        // What somebody corrects on an institution's account, the pool's or the memorandum has to be a refund that was taken back.
        let wrong = WindowTotals {
            recovered_fen: fen(1),
            payable_fen: fen(33),
            pool_moved_fen: fen(7),
            cash_moved_fen: fen(-1),
            ..totals
        };
        let failed: Vec<_> = conservation(&wrong, PROOF_VERSION)
            .expect("small sums")
            .into_iter()
            .filter(|equation| !equation.holds())
            .collect();
        assert_eq!(failed.iter().map(|equation| equation.code).collect::<Vec<_>>(), ["RECOVERED", "POOL", "CASH"]);
    }
}
