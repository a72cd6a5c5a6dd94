//! Authorised sales whose terminal never comes back (联机消费关闭): one person asks that a sale be closed, another decides.
//!
//! A sale that is closed takes nothing of its card's limits any more. Nothing is posted: whether the card paid nobody knows. What the
//! terminal tells after all is not lost: its record is held (`SALE_CLOSED`) until two people say what becomes of it (`decision`), its
//! word that the sale was not done makes it so.
//!
//! Source: docs/adr/0049, 0062: what is decided by hand is decided by two.
//! Owns: who decides, and about which sales. Never: posts; the states of a sale (`sale`).

use serde::Serialize;
use settlement::id::SaleId;

use super::decision::{DecisionMove, DecisionState};
use super::refusal::ClearingError;
use super::rejection::{self, Rejected};
use super::sale::{SaleMove, SaleState};
use crate::audit::Act;
use crate::lang::Lang;
use crate::output::Show;
use crate::state::State;
use crate::store::Tx;

/// What is asked or decided about a sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Closure {
    /// Number.
    pub number: i64,
    /// Sale.
    pub sale_id: SaleId,
    /// Why.
    pub reason: String,
    /// State.
    pub state: DecisionState,
    /// Who asked.
    pub maker: String,
    /// UTC instant.
    pub made_at: String,
    /// Who decided.
    pub checker: Option<String>,
    /// Why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejection: Option<String>,
}

/// All of them.
#[derive(Clone, Debug, Serialize)]
pub struct Closures {
    /// In order of number.
    pub closures: Vec<Closure>,
}

/// Asks that an authorised sale be closed.
///
/// # Errors
/// [`ClearingError::SaleNotOpen`], [`ClearingError::SaleDecided`], [`ClearingError::ReasonMissing`].
pub fn propose(tx: &Tx<'_>, sale: SaleId, reason: &str, maker: &str) -> Result<(Closure, Act), ClearingError> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(ClearingError::ReasonMissing);
    }
    open(tx, sale)?;
    if let Some(known) = tx.closure_of(sale)? {
        return Err(ClearingError::SaleDecided { sale, number: known.number });
    }
    let number = tx.add_closure(sale, reason, maker)?;
    Ok((found(tx, number)?, told(maker, "sale.propose", sale, format!("closure {number}: {reason}"))))
}

/// Refuses what another person asked for, and keeps why.
///
/// # Errors
/// As [`decide`]; [`ClearingError::ReasonMissing`].
pub fn reject(tx: &Tx<'_>, number: i64, reason: &str, checker: &str) -> Result<(Closure, Act), ClearingError> {
    let (_, act) = decide(tx, number, DecisionMove::Reject, checker)?;
    let act = rejection::keep(tx, (Rejected::Sale, number), reason, act)?;
    Ok((found(tx, number)?, act))
}

/// Closes what another person asked for, or refuses it.
///
/// # Errors
/// [`ClearingError::ClosureUnknown`], [`ClearingError::SameOperator`], [`ClearingError::SaleDecided`], [`ClearingError::SaleNotOpen`].
pub fn decide(tx: &Tx<'_>, number: i64, step: DecisionMove, checker: &str) -> Result<(Closure, Act), ClearingError> {
    let Closure { sale_id: sale, state, maker, .. } = found(tx, number)?;
    if maker == checker {
        return Err(ClearingError::SameOperator { operator: checker.to_owned() });
    }
    if state != DecisionState::Proposed {
        return Err(ClearingError::SaleDecided { sale, number });
    }
    if step == DecisionMove::Approve {
        open(tx, sale)?;
        tx.move_sale(sale, SaleMove::Close, None)?;
    }
    tx.decide_closure(number, step.ends(), checker)?;
    let done = found(tx, number)?;
    let detail = format!("closure {number}: {}", done.state.name());
    Ok((done, told(checker, "sale.decide", sale, detail)))
}

/// The sale is authorised, and its terminal has told nothing.
fn open(tx: &Tx<'_>, sale: SaleId) -> Result<(), ClearingError> {
    match tx.sale(sale)? {
        Some(asked) if asked.state == SaleState::Authorised => Ok(()),
        _ => Err(ClearingError::SaleNotOpen { sale }),
    }
}

fn found(tx: &Tx<'_>, number: i64) -> Result<Closure, ClearingError> {
    tx.closure(number)?.ok_or(ClearingError::ClosureUnknown { number })
}

fn told(actor: &str, act: &'static str, sale: SaleId, detail: String) -> Act {
    Act { actor: actor.to_owned(), act, object: format!("sale {sale}"), detail }
}

impl Show for Closure {
    fn text(&self, lang: Lang) -> String {
        let Self { number, sale_id, reason, state, maker, checker, .. } = self;
        let (word, checker) = (state.word(lang), checker.as_deref().unwrap_or("–"));
        let head = lang.pick(
            format!("关闭单 {number}  {word}  消费 {sale_id}  经办 {maker}  复核 {checker}  {reason}"),
            format!("closure {number}  {word}  sale {sale_id}  by {maker}  checked by {checker}  {reason}"),
        );
        if *state != DecisionState::Proposed {
            return head + &rejection::line(self.rejection.as_deref(), lang);
        }
        let next = lang.pick("等待另一人复核", "waits for another person");
        format!("{head}\n  {next}: issuer sale approve {number} --operator NAME")
    }
}

impl Show for Closures {
    fn text(&self, lang: Lang) -> String {
        if self.closures.is_empty() {
            return lang.pick("没有关闭单", "no sale was closed by hand").to_owned();
        }
        self.closures.iter().map(|closure| closure.text(lang)).collect::<Vec<_>>().join("\n")
    }
}
