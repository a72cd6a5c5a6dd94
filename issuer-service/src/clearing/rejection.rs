//! Why somebody rejected what another person had proposed: of records, of loads, of sales, of allotments.
//!
//! Owns: that there is a reason, where it goes. Never: decides (`decision`, `closure`, `allotment`); the rule of what a reason may say
//! (`audit::text`, with the act).

use serde::Serialize;

use super::decision::{self, Decision, DecisionMove};
use super::not_posted::{self, ListedRows};
use super::refusal::ClearingError;
use crate::audit::Act;
use crate::lang::Lang;
use crate::output::Show;
use crate::store::Tx;

/// What was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// A decision about a record.
    Row,
    /// A closure of a sale.
    Sale,
    /// A decision about a load.
    Load,
    /// A request for an allotment.
    Allotment,
}

impl Rejected {
    /// Name in the store.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Row => "row",
            Self::Sale => "sale",
            Self::Load => "load",
            Self::Allotment => "allotment",
        }
    }
}

/// A rejection and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Rejection {
    /// Number of what was rejected.
    pub(crate) number: i64,
    /// Why.
    pub(crate) reason: String,
}

/// Keeps why, and says it in the act that is recorded.
///
/// # Errors
/// [`ClearingError::ReasonMissing`].
pub(crate) fn keep(tx: &Tx<'_>, (kind, number): (Rejected, i64), reason: &str, act: Act) -> Result<Act, ClearingError> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(ClearingError::ReasonMissing);
    }
    tx.add_rejection(kind, number, reason)?;
    Ok(Act { detail: format!("{}: {reason}", act.detail), ..act })
}

/// A decision about a record that was rejected.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RejectedRow {
    /// Why.
    rejection: String,
    /// What was proposed.
    #[serde(flatten)]
    decision: Decision,
}

/// Records that were not posted, and what was rejected about them.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RowsAndRejections {
    #[serde(flatten)]
    rows: ListedRows,
    /// In order of number.
    rejections: Vec<RejectedRow>,
}

/// Refuses what another person proposed about a record, and keeps why.
///
/// # Errors
/// As [`decision::decide`]; [`ClearingError::ReasonMissing`].
pub(crate) fn reject_row(
    tx: &Tx<'_>,
    number: i64,
    reason: &str,
    checker: &str,
) -> Result<(RejectedRow, Act), ClearingError> {
    let (decision, act) = decision::decide(tx, number, DecisionMove::Reject, checker)?;
    let act = keep(tx, (Rejected::Row, number), reason, act)?;
    Ok((RejectedRow { rejection: reason.trim().to_owned(), decision }, act))
}

/// As [`not_posted::list`], with what was rejected; `open`: about records that nobody has decided.
///
/// # Errors
/// As [`not_posted::list`].
pub(crate) fn rows(tx: &Tx<'_>, open: bool) -> Result<RowsAndRejections, ClearingError> {
    let rows = not_posted::list(tx, open)?;
    let mut rejections = Vec::new();
    for Rejection { number, reason: rejection } in tx.rejections(Rejected::Row)? {
        let decision = tx.decision(number)?.ok_or(ClearingError::DecisionUnknown { number })?;
        let place = (decision.terminal, decision.record);
        let is_listed = rows.rows.iter().any(|listed| (listed.row.terminal, listed.row.journal_sequence) == place);
        if is_listed || !open {
            rejections.push(RejectedRow { rejection, decision });
        }
    }
    Ok(RowsAndRejections { rows, rejections })
}

impl Show for RejectedRow {
    fn text(&self, lang: Lang) -> String {
        self.decision.text(lang) + &line(Some(&self.rejection), lang)
    }
}

impl Show for RowsAndRejections {
    fn text(&self, lang: Lang) -> String {
        let rejected = self.rejections.iter().map(|rejected| rejected.text(lang));
        std::iter::once(self.rows.text(lang)).chain(rejected).collect::<Vec<_>>().join("\n")
    }
}

/// A line that says why, behind what was rejected.
pub(crate) fn line(reason: Option<&str>, lang: Lang) -> String {
    let say = |reason| lang.pick(format!("\n  退回原因: {reason}"), format!("\n  rejected because: {reason}"));
    reason.map(say).unwrap_or_default()
}
