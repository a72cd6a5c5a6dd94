//! The terminals' questions about orders for PINs.
//!
//! Owns: which question is which act. Never: decides (`card::pin` does).

use settlement::message::{AnswerStatus, Version1};
use settlement::pin::{
    PinCommandAnswer, PinCommandRequest, PinOutcomeAnswer, PinOutcomeRequest, PinProofAnswer, PinProofRequest,
};

use super::Desk;
use super::terminal::Endpoint;
use crate::audit::Act;
use crate::card::pin::{self, Asked};
use crate::clearing::institution::Terminal;
use crate::clearing::refusal::ClearingError;
use crate::store::Tx;

impl Endpoint for PinProofRequest {
    fn act(self, tx: &Tx<'_>, desk: &Desk, terminal: &Terminal) -> Result<(PinProofAnswer, Act), ClearingError> {
        let asked = Asked {
            order: self.order,
            terminal: terminal.number,
            card: self.card_identifier,
            challenge: self.challenge,
        };
        let (act, command, record) = pin::prove(tx, &mut desk.keys.clone(), &asked)?;
        Ok((PinProofAnswer { version: Version1, status: AnswerStatus::Created, act, command }, record))
    }
}

impl Endpoint for PinCommandRequest {
    fn act(self, tx: &Tx<'_>, desk: &Desk, terminal: &Terminal) -> Result<(PinCommandAnswer, Act), ClearingError> {
        let asked = Asked {
            order: self.order,
            terminal: terminal.number,
            card: self.card_identifier,
            challenge: self.challenge,
        };
        let (command, record) = pin::give(tx, &mut desk.keys.clone(), &asked)?;
        Ok((PinCommandAnswer { version: Version1, status: AnswerStatus::Created, command }, record))
    }
}

impl Endpoint for PinOutcomeRequest {
    const ONLY_TELLS: bool = true;

    fn act(self, tx: &Tx<'_>, _desk: &Desk, terminal: &Terminal) -> Result<(PinOutcomeAnswer, Act), ClearingError> {
        let (is_known, record) = pin::settle(tx, self.order, terminal.number, self.outcome)?;
        let status = if is_known { AnswerStatus::Exists } else { AnswerStatus::Created };
        Ok((PinOutcomeAnswer { version: Version1, status }, record))
    }
}
