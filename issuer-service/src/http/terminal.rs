//! The endpoints of a terminal: signature, one answer for one request id, then the act.
//!
//! Order of the checks: over TLS the certificate, which must be the terminal's own → terminal known → signature → body → same
//! terminal → request id → the act. Only the signature's owner learns anything. An answer leaves after its transaction is durable.
//!
//! Owns: the order of the checks, the JSON of requests and answers. Never: decides about money.

use axum::http::HeaderMap;
use settlement::catalogue::delivery::{CatalogueAnswer, CataloguePartAnswer, CataloguePartRequest, CatalogueRequest};
use settlement::code::ErrorCode;
use settlement::id::{Signature, TerminalNumber};
use settlement::judgement::{ContradictionAnswer, ContradictionRequest, ProofAnswer, ProofRequest};
use settlement::limits::ELSEWHERE_PAGE;
use settlement::message::{
    AnswerStatus, BatchAnswer, BatchRequest, BlacklistAnswer, BlacklistRequest, Institution, LoadAnswer,
    LoadOutcomeAnswer, LoadOutcomeRequest, LoadRequest, QuoteAnswer, QuoteRequest, Request, SignInAnswer,
    SignInRequest, SignOutAnswer, SignOutRequest, Version1,
};
use settlement::parameters::SignedParameters;
use settlement::refund::{Elsewhere, ElsewhereAnswer, ElsewhereRequest, OriginalAnswer, OriginalRequest};
use settlement::sale::{Consent, SaleAnswer, SaleOutcomeAnswer, SaleOutcomeRequest, SaleRequest};
use settlement::signing::{SIGNATURE_HEADER, TERMINAL_HEADER, verify_request};

use super::problem::Problem;
use super::{Desk, single};
use crate::audit::Act;
use crate::clearing::institution::{PARAMETERS_VALID_S, Terminal, TerminalState};
use crate::clearing::latest::Latest;
use crate::clearing::refusal::ClearingError;
use crate::clearing::{blacklist, catalogue, withheld};
use crate::clearing::{judgement, load, refund, sale, upload};
use crate::clock;
use crate::peer::{self, NoTerminal};
use crate::psam::custody;
use crate::store::Tx;
use crate::store::institution::{KnownRequest, ReceivedRequest};

/// What is kept of a request that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Body and answer: the same request is answered the same.
    Whole,
    /// Its id and the hash of its body: the answer is about a person, and the same id is answered once.
    Once,
    /// Its id and the hash of its body; the act itself knows what the same id did before.
    ByAct,
}

/// A request that the centre answers.
pub trait Endpoint: Request + Send {
    /// What is kept of it.
    const KEPT: Kept = Kept::Whole;
    /// Whether it tells what was done before, or asks nothing that leads to more: heard also where the PSAM is not in use any more.
    const ONLY_TELLS: bool = false;
    /// Whether only a kiosk may ask it.
    const FOR_KIOSKS: bool = false;

    /// Does it, inside the transaction that also keeps the request and its answer.
    ///
    /// # Errors
    /// [`ClearingError`]; nothing was kept then.
    fn act(self, tx: &Tx<'_>, desk: &Desk, terminal: &Terminal) -> Result<(Self::Answer, Act), ClearingError>;
}

/// Answers a request: the text of the answer, or why not.
///
/// # Errors
/// [`Problem`].
pub fn answer<E: Endpoint>(desk: &Desk, headers: &HeaderMap, body: &[u8]) -> Result<String, Problem> {
    let refuse = |code| Problem::of(code, desk.lang);
    let fail = |error: ClearingError| Problem::from_error(&error, desk.lang);
    let number = single(headers, TERMINAL_HEADER).and_then(|text| TerminalNumber::parse(text).ok());
    let number = number.ok_or_else(|| refuse(ErrorCode::TerminalUnknown))?;
    let signature = single(headers, SIGNATURE_HEADER).and_then(|text| Signature::parse(text).ok());
    let signature = signature.ok_or_else(|| refuse(ErrorCode::SignatureWrong))?;
    let terminal = desk
        .with_store(|store| store.read(|tx| tx.terminal(number)))
        .map_err(|error| fail(error.into()))?
        .ok_or_else(|| refuse(ErrorCode::TerminalUnknown))?;
    verify_request(&terminal.public_key, "POST", E::PATH, body, &signature)
        .map_err(|_| refuse(ErrorCode::SignatureWrong))?;
    if terminal.state == TerminalState::Stopped {
        return Err(refuse(ErrorCode::TerminalStopped));
    }
    if E::FOR_KIOSKS && !terminal.kiosk {
        return Err(refuse(ErrorCode::TerminalNotKiosk));
    }
    let text = std::str::from_utf8(body).map_err(|_| refuse(ErrorCode::MessageMalformed))?;
    let request: E = serde_json::from_str(text).map_err(|_| refuse(ErrorCode::MessageMalformed))?;
    if request.terminal() != number {
        return Err(refuse(ErrorCode::SignatureWrong));
    }
    let signature = signature.to_string();
    let received = ReceivedRequest {
        id: request.request_id(),
        terminal: number,
        path: E::PATH,
        body: text,
        signature: &signature,
    };
    desk.with_store(|store| {
        let known = store.read(|tx| known(tx, &received, E::KEPT))?;
        if let Known::Answer(answer) = known {
            return Ok(answer);
        }
        store.act(|tx| {
            let terminal = tx.terminal(number)?.ok_or(ClearingError::Refused(ErrorCode::TerminalUnknown))?;
            if !E::ONLY_TELLS && custody::not_in_use_since(tx, number, &terminal.institution)?.is_some() {
                return Err(ClearingError::Refused(ErrorCode::PsamNotInUse));
            }
            let (answer, act) = request.act(tx, desk, &terminal)?;
            let answer = serde_json::to_string(&answer).expect("an answer serializes");
            match (E::KEPT, &known) {
                (Kept::Whole, _) => tx.add_request(&received, Some(text), &answer)?,
                (Kept::Once | Kept::ByAct, Known::New) => tx.add_request(&received, None, "")?,
                (Kept::Once | Kept::ByAct, _) => {}
            }
            Ok((answer, act))
        })
    })
    .map_err(fail)
}

/// Whether the certificate of a connection is that of the terminal that speaks over it, and good at this moment.
///
/// # Errors
/// [`Problem`].
pub fn certified(desk: &Desk, headers: &HeaderMap, fingerprint: &str) -> Result<(), Problem> {
    let refuse = |code| Problem::of(code, desk.lang);
    let holder = desk.with_store(|store| store.read(|tx| peer::terminal_of(tx, fingerprint)));
    let holder = holder.map_err(|error| Problem::from_error(&error.into(), desk.lang))?;
    let holder = holder.map_err(|why| {
        refuse(match why {
            NoTerminal::Unknown => ErrorCode::LineCertificateUnknown,
            NoTerminal::Revoked => ErrorCode::LineCertificateRevoked,
            NoTerminal::Expired => ErrorCode::LineCertificateExpired,
        })
    })?;
    // The signature proves that this number speaks: of what it says nobody else may be the carrier.
    match single(headers, TERMINAL_HEADER).and_then(|text| TerminalNumber::parse(text).ok()) {
        Some(number) if number == holder => Ok(()),
        _ => Err(refuse(ErrorCode::LineCertificateElsewhere)),
    }
}

/// What is known of a request before it is answered.
enum Known {
    /// Nothing.
    New,
    /// It was answered, and its act knows how.
    Again,
    /// The answer that it got, marked as known.
    Answer(String),
}

fn known(tx: &Tx<'_>, request: &ReceivedRequest<'_>, kept: Kept) -> Result<Known, ClearingError> {
    match tx.known_request(request)? {
        KnownRequest::New => Ok(Known::New),
        KnownRequest::Same(_) if kept == Kept::ByAct => Ok(Known::Again),
        KnownRequest::Same(_) if kept == Kept::Once => Err(ClearingError::Refused(ErrorCode::RequestIdReused)),
        KnownRequest::Other => Err(ClearingError::Refused(ErrorCode::RequestIdReused)),
        KnownRequest::Same(answer) => {
            let mut answer: serde_json::Value =
                serde_json::from_str(&answer).map_err(|_| ClearingError::Refused(ErrorCode::CentreDefect))?;
            answer["status"] = "exists".into();
            Ok(Known::Answer(answer.to_string()))
        }
    }
}

const fn status(known: bool) -> AnswerStatus {
    if known { AnswerStatus::Exists } else { AnswerStatus::Created }
}

fn asked(terminal: &Terminal, act: &'static str, detail: String) -> Act {
    let actor = format!("terminal:{}", terminal.number);
    Act { object: format!("terminal {}", terminal.number), actor, act, detail }
}

impl Endpoint for SignInRequest {
    fn act(self, tx: &Tx<'_>, desk: &Desk, terminal: &Terminal) -> Result<(SignInAnswer, Act), ClearingError> {
        tx.note_sign_in(terminal.number)?;
        let code = &terminal.institution;
        let institution =
            tx.institution(code)?.ok_or_else(|| ClearingError::InstitutionUnknown { code: code.clone() })?;
        let answer = SignInAnswer {
            version: Version1,
            status: AnswerStatus::Created,
            business_date: tx.current_window()?,
            institution: Institution { code: institution.code, name: institution.name },
            next_batch_sequence: terminal.chain.next_batch,
            chain: terminal.chain,
            parameters: parameters(desk, terminal),
            // While nothing is published, what the terminal holds is the newest.
            blacklist_sequence: if withheld::withheld(tx)?.is_some() { 0 } else { tx.blacklist_sequence()? },
            catalogue_sequence: catalogue::newest(tx)?,
            centre_key: desk.signer.public_key(),
        };
        let detail = format!(
            "business date {}, next batch {}, parameters {}",
            answer.business_date, answer.next_batch_sequence, answer.parameters.sequence
        );
        Ok((answer, asked(terminal, "terminal.sign-in", detail)))
    }
}

impl Endpoint for SignOutRequest {
    const ONLY_TELLS: bool = true;

    fn act(self, tx: &Tx<'_>, _desk: &Desk, terminal: &Terminal) -> Result<(SignOutAnswer, Act), ClearingError> {
        tx.note_sign_out(terminal.number)?;
        let business_date = tx.current_window()?;
        let answer = SignOutAnswer { version: Version1, status: AnswerStatus::Created, business_date };
        let detail = format!("business date {business_date}, records waiting {}, open {}", self.waiting, self.open);
        Ok((answer, asked(terminal, "terminal.sign-out", detail)))
    }
}

/// The limits of a terminal, signed for a while from now.
fn parameters(desk: &Desk, terminal: &Terminal) -> SignedParameters {
    let period = (clock::china_now(), clock::china_in(PARAMETERS_VALID_S));
    let key = desk.signer.public_key();
    SignedParameters::sign(terminal.number, terminal.parameters, terminal.limits, period, key, |bytes| {
        desk.signer.sign(bytes)
    })
}

impl Endpoint for BlacklistRequest {
    fn act(self, tx: &Tx<'_>, desk: &Desk, terminal: &Terminal) -> Result<(BlacklistAnswer, Act), ClearingError> {
        let list = blacklist::sign(tx, &desk.signer, desk.blacklist, self.known_sequence)?;
        let detail = format!("sequence {} since {}", list.sequence, list.since);
        let answer = BlacklistAnswer { version: Version1, status: AnswerStatus::Created, list };
        Ok((answer, asked(terminal, "terminal.blacklist", detail)))
    }
}

impl Endpoint for CatalogueRequest {
    // Signed anew each time: nothing is kept but that it was asked.
    const KEPT: Kept = Kept::ByAct;

    fn act(self, tx: &Tx<'_>, desk: &Desk, terminal: &Terminal) -> Result<(CatalogueAnswer, Act), ClearingError> {
        let catalogues = catalogue::sign(tx, &desk.signer)?;
        let detail = format!("{} on offer", catalogues.len());
        let answer = CatalogueAnswer { version: Version1, status: AnswerStatus::Created, catalogues };
        Ok((answer, asked(terminal, "terminal.catalogue", detail)))
    }
}

impl Endpoint for CataloguePartRequest {
    // Published texts are final: the same question has the same answer.
    const KEPT: Kept = Kept::ByAct;

    fn act(self, tx: &Tx<'_>, _desk: &Desk, terminal: &Terminal) -> Result<(CataloguePartAnswer, Act), ClearingError> {
        let part = catalogue::part(tx, self.sequence, self.offset)?;
        let detail = format!("catalogue {} from byte {}", self.sequence, self.offset);
        let answer = CataloguePartAnswer { version: Version1, status: AnswerStatus::Created, part };
        Ok((answer, asked(terminal, "terminal.catalogue", detail)))
    }
}

impl Endpoint for QuoteRequest {
    fn act(self, tx: &Tx<'_>, _desk: &Desk, terminal: &Terminal) -> Result<(QuoteAnswer, Act), ClearingError> {
        let load::Quote { amount, open_load, owed } = load::quote(tx, self.card_identifier, self.to_load)?;
        let (version, status) = (Version1, AnswerStatus::Created);
        let answer = QuoteAnswer { version, status, amount_fen: amount, open_load, owed_fen: owed };
        Ok((answer, asked(terminal, "load.quote", format!("card {}", self.card_identifier))))
    }
}

impl Endpoint for LoadRequest {
    fn act(self, tx: &Tx<'_>, desk: &Desk, _terminal: &Terminal) -> Result<(LoadAnswer, Act), ClearingError> {
        let (prepared, act) = load::prepare(tx, &mut desk.keys.clone(), &desk.accounts, &self)?;
        let answer = LoadAnswer {
            version: Version1,
            status: status(prepared.known),
            date_time: prepared.date_time,
            mac2: prepared.mac2,
        };
        Ok((answer, act))
    }
}

impl Endpoint for LoadOutcomeRequest {
    const ONLY_TELLS: bool = true;

    fn act(self, tx: &Tx<'_>, desk: &Desk, _terminal: &Terminal) -> Result<(LoadOutcomeAnswer, Act), ClearingError> {
        let (known, act) = load::outcome(tx, &mut desk.keys.clone(), &desk.accounts, &self)?;
        Ok((LoadOutcomeAnswer { version: Version1, status: status(known) }, act))
    }
}

impl Endpoint for OriginalRequest {
    // What is left changes: the same question is answered anew.
    const KEPT: Kept = Kept::ByAct;

    fn act(self, tx: &Tx<'_>, _desk: &Desk, terminal: &Terminal) -> Result<(OriginalAnswer, Act), ClearingError> {
        let (paid, left) = refund::original(tx, terminal, self.original, self.card_identifier)?;
        let answer = OriginalAnswer { version: Version1, status: AnswerStatus::Created, paid, left };
        let detail = format!("purchase {}, card {}", self.original.reference(), self.card_identifier);
        Ok((answer, asked(terminal, "refund.original", detail)))
    }
}

impl Endpoint for ElsewhereRequest {
    const ONLY_TELLS: bool = true;
    // What stands changes: the same question is answered anew.
    const KEPT: Kept = Kept::ByAct;

    fn act(self, tx: &Tx<'_>, _desk: &Desk, terminal: &Terminal) -> Result<(ElsewhereAnswer, Act), ClearingError> {
        let through = tx.current_window()?;
        // A centre that was brought back may have an earlier day than it told: then all is told again.
        let since = self.since.filter(|since| *since <= through);
        let mut loads = tx.refunds_elsewhere(terminal.number, since, self.after, ELSEWHERE_PAGE + 1)?;
        let more = loads.len() > ELSEWHERE_PAGE;
        loads.truncate(ELSEWHERE_PAGE);
        let refunds = loads.iter().filter_map(|load| refund::elsewhere(tx, load).transpose());
        let refunds = refunds.collect::<Result<Vec<Elsewhere>, _>>()?;
        let detail = format!("{} refunds at other tills", refunds.len());
        let answer = ElsewhereAnswer { version: Version1, status: AnswerStatus::Created, through, refunds, more };
        Ok((answer, asked(terminal, "refund.elsewhere", detail)))
    }
}

impl Endpoint for SaleRequest {
    fn act(self, tx: &Tx<'_>, desk: &Desk, terminal: &Terminal) -> Result<(SaleAnswer, Act), ClearingError> {
        let (known, act) = sale::authorise(tx, terminal, &self)?;
        let consent = Consent::sign(&self.sale, clock::china_now(), |bytes| desk.signer.sign(bytes));
        Ok((SaleAnswer { version: Version1, status: status(known), consent }, act))
    }
}

impl Endpoint for SaleOutcomeRequest {
    const ONLY_TELLS: bool = true;

    fn act(self, tx: &Tx<'_>, _desk: &Desk, _terminal: &Terminal) -> Result<(SaleOutcomeAnswer, Act), ClearingError> {
        let (known, act) = sale::outcome(tx, &self)?;
        Ok((SaleOutcomeAnswer { version: Version1, status: status(known) }, act))
    }
}

impl Endpoint for ContradictionRequest {
    const ONLY_TELLS: bool = true;

    fn act(self, tx: &Tx<'_>, _desk: &Desk, _terminal: &Terminal) -> Result<(ContradictionAnswer, Act), ClearingError> {
        let (known, believed, act) = judgement::contradict(tx, &self)?;
        Ok((ContradictionAnswer { version: Version1, status: status(known), believed }, act))
    }
}

impl Endpoint for ProofRequest {
    const ONLY_TELLS: bool = true;

    fn act(self, tx: &Tx<'_>, desk: &Desk, _terminal: &Terminal) -> Result<(ProofAnswer, Act), ClearingError> {
        let (known, act) = upload::take_proof(tx, &mut desk.keys.clone(), &desk.accounts, self)?;
        Ok((ProofAnswer { version: Version1, status: status(known) }, act))
    }
}

impl Endpoint for BatchRequest {
    const ONLY_TELLS: bool = true;

    fn act(self, tx: &Tx<'_>, desk: &Desk, terminal: &Terminal) -> Result<(BatchAnswer, Act), ClearingError> {
        let latest = Latest::now(tx, desk.record_ahead_minutes)?;
        let letter = (self.request_id, self.batch);
        let (taken, act) = upload::take(tx, &mut desk.keys.clone(), &desk.accounts, terminal, letter, &latest)?;
        let answer = BatchAnswer {
            version: Version1,
            status: status(taken.known),
            accepted: taken.accepted,
            refused: taken.refused,
            next_batch_sequence: taken.next_batch,
        };
        Ok((answer, act))
    }
}
