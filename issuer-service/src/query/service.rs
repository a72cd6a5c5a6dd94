//! 自助办理: what a holder does with the card and a PIN of their own, without a clerk.
//!
//! Source: city notices: self-service loss only with a PIN that is no longer the initial one.
//! Owns: that a PIN is needed, which steps there are. Never: the moves (`card::state`), what the site allows (`card::rule`).

use settlement::code::ErrorCode;
use settlement::message::{AnswerStatus, Version1};
use settlement::query::{LossAct, LossAnswer, LossRequest, Pin, SelfService};

use super::{Asker, card};
use crate::audit::Act;
use crate::card::failure::LifeError;
use crate::card::life;
use crate::card::rule::LifeRules;
use crate::card::state::{self, LifeState, Step};
use crate::clearing::refusal::ClearingError;
use crate::store::Tx;

/// Why a holder did it, as the card's history keeps it.
const REASON: &str = "by the holder, PIN verified";

/// What the holder of a card in this state may do, with a PIN.
#[must_use]
pub fn may(rules: &LifeRules, state: LifeState) -> Vec<SelfService> {
    let allowed = |act: LossAct| {
        let step = step(act);
        state::find(step, state).is_some_and(|row| rules.allows(row) && rules.lets_holders(step))
    };
    let mut found = Vec::new();
    if allowed(LossAct::Report) {
        found.push(SelfService::ReportLoss);
    }
    if allowed(LossAct::Release) {
        found.push(SelfService::Release);
    }
    found
}

/// Reports a temporary loss, or takes it back.
///
/// # Errors
/// [`ClearingError`] with the code for the terminal.
pub fn loss(
    tx: &Tx<'_>,
    rules: &LifeRules,
    asker: &Asker,
    request: &LossRequest,
) -> Result<(LossAnswer, Act), ClearingError> {
    if request.pin != Pin::Verified {
        return Err(ClearingError::Refused(ErrorCode::PinNotVerified));
    }
    let unknown = || ClearingError::Refused(ErrorCode::CardUnknown);
    let (made, _) = card::made(tx, request.card_identifier)?.ok_or_else(unknown)?;
    let step = step(request.act);
    let done = life::by_holder(tx, rules, &made, step, REASON, &asker.actor).map_err(refused)?;
    let (made, state) = card::made(tx, request.card_identifier)?.ok_or_else(unknown)?;
    let answer = LossAnswer {
        version: Version1,
        status: AnswerStatus::Created,
        card: card::view(tx, &made, state).map_err(refused)?,
        may: may(rules, state),
    };
    let object = format!("card {}", made.card_number);
    let detail = format!("channel={}, {done}", asker.channel.name());
    Ok((answer, Act { actor: asker.actor.clone(), act: life::act_name(step), object, detail }))
}

const fn step(act: LossAct) -> Step {
    match act {
        LossAct::Report => Step::ReportTemporary,
        LossAct::Release => Step::Release,
    }
}

/// What a terminal is told when a card is not moved.
pub(super) fn refused(error: LifeError) -> ClearingError {
    match error {
        LifeError::Store(error) => error.into(),
        _ => ClearingError::Refused(ErrorCode::SelfServiceRefused),
    }
}
