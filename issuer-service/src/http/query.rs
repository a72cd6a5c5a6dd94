//! The kiosks' questions.
//!
//! Owns: which question is which act, what is kept of it. Never: decides (`query` does).

use settlement::message::{AnswerStatus, Version1};
use settlement::query::{
    CertificateAnswer, CertificatePrintAnswer, CertificatePrintRequest, CertificateRequest, LossAnswer, LossRequest,
    OverviewAnswer, OverviewRequest, TicketAnswer, TicketRequest,
};

use super::Desk;
use super::terminal::{Endpoint, Kept};
use crate::audit::Act;
use crate::clearing::institution::Terminal;
use crate::clearing::refusal::ClearingError;
use crate::query::{Asker, Channel, certificate, holder, service, ticket};
use crate::store::Tx;

impl Endpoint for OverviewRequest {
    const KEPT: Kept = Kept::Once;
    const FOR_KIOSKS: bool = true;

    fn act(self, tx: &Tx<'_>, desk: &Desk, terminal: &Terminal) -> Result<(OverviewAnswer, Act), ClearingError> {
        holder::overview(tx, (&desk.life, desk.benefits), &asker(terminal), &self)
    }
}

impl Endpoint for LossRequest {
    const FOR_KIOSKS: bool = true;

    fn act(self, tx: &Tx<'_>, desk: &Desk, terminal: &Terminal) -> Result<(LossAnswer, Act), ClearingError> {
        service::loss(tx, &desk.life, &asker(terminal), &self)
    }
}

impl Endpoint for CertificateRequest {
    const KEPT: Kept = Kept::ByAct;
    const FOR_KIOSKS: bool = true;

    fn act(self, tx: &Tx<'_>, desk: &Desk, terminal: &Terminal) -> Result<(CertificateAnswer, Act), ClearingError> {
        certificate::issue(tx, desk.benefits, &desk.city, &asker(terminal), &self)
    }
}

impl Endpoint for CertificatePrintRequest {
    const ONLY_TELLS: bool = true;
    const FOR_KIOSKS: bool = true;

    fn act(
        self,
        tx: &Tx<'_>,
        _desk: &Desk,
        terminal: &Terminal,
    ) -> Result<(CertificatePrintAnswer, Act), ClearingError> {
        let act = certificate::printed(tx, &asker(terminal), &self)?;
        Ok((CertificatePrintAnswer { version: Version1, status: AnswerStatus::Created }, act))
    }
}

impl Endpoint for TicketRequest {
    const KEPT: Kept = Kept::ByAct;
    const FOR_KIOSKS: bool = true;

    fn act(self, tx: &Tx<'_>, _desk: &Desk, terminal: &Terminal) -> Result<(TicketAnswer, Act), ClearingError> {
        ticket::take(tx, &asker(terminal), &self)
    }
}

fn asker(terminal: &Terminal) -> Asker {
    Asker::new(Channel::Kiosk, format!("terminal:{}", terminal.number))
}
