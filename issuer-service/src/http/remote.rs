//! The terminals' question about a card whose keys they do not hold.
//!
//! Owns: which question is which act. Never: decides (`card::remote` does).

use settlement::message::{AnswerStatus, Version1};
use settlement::remote::{RemoteProofAnswer, RemoteProofRequest};

use super::Desk;
use super::terminal::{Endpoint, Kept};
use crate::audit::Act;
use crate::card::remote;
use crate::clearing::institution::Terminal;
use crate::clearing::refusal::ClearingError;
use crate::store::Tx;

impl Endpoint for RemoteProofRequest {
    // What opens a file is given once, and not kept.
    const KEPT: Kept = Kept::Once;

    fn act(self, tx: &Tx<'_>, desk: &Desk, _: &Terminal) -> Result<(RemoteProofAnswer, Act), ClearingError> {
        let (result, record) = remote::prove(tx, &mut desk.keys.clone(), &self)?;
        Ok((RemoteProofAnswer { version: Version1, status: AnswerStatus::Created, result }, record))
    }
}
