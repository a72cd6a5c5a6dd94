//! What a supervisor at a terminal said of a record (人工判定), and that its card shows the opposite.
//!
//! A record that a person made is held until two people decide. They see who said so and why. When its card comes back to that
//! terminal and contradicts it, the terminal tells: the record stays as it was signed, and can only be dismissed from then on. One
//! that was posted or returned before stays in the list until two people take it back (`take_back`).
//!
//! Source: docs/adr/0068. Owns: taking that word. Never: posts; reads a card.

use settlement::code::ErrorCode;
use settlement::judgement::{Believed, ContradictionRequest};

use super::decision::RowAct;
use super::refusal::ClearingError;
use crate::audit::Act;
use crate::store::Tx;

/// Notes that a card contradicts a record without TAC. `true`: that was known. What two people had made of the record is told.
///
/// # Errors
/// RECORD_UNKNOWN; RECORD_CONTRADICTORY where the record has the card's own code: nobody's word weighs more.
pub fn contradict(tx: &Tx<'_>, request: &ContradictionRequest) -> Result<(bool, Option<Believed>, Act), ClearingError> {
    let (terminal, record) = (request.terminal, request.journal_sequence);
    let row = tx
        .row_of_record(terminal, record)?
        .filter(|row| row.hash == request.hash)
        .ok_or(ClearingError::Refused(ErrorCode::RecordUnknown))?;
    if row.has_cards_code() {
        return Err(ClearingError::Refused(ErrorCode::RecordContradictory));
    }
    let known = row.contradicted_at.is_some();
    if !known {
        tx.contradict_row(terminal, record, row.judgement.is_some())?;
    }
    let detail = if known { "told again" } else { "the card shows that it did not do it" };
    let act = Act {
        actor: format!("terminal:{terminal}"),
        act: "record.contradict",
        object: format!("record {terminal}/{record}"),
        detail: detail.to_owned(),
    };
    let believed = match row.decided.map(|decided| decided.act) {
        Some(RowAct::Post) => Some(Believed::Posted),
        Some(RowAct::Return) => Some(Believed::Returned),
        Some(RowAct::Dismiss | RowAct::TakeBack) | None => None,
    };
    Ok((known, believed, act))
}
