//! What a terminal is told when the centre does not do as asked: status, stable code, two sentences.
//!
//! Owns: the only map from codes to HTTP status codes. Never: shows an inner error.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use settlement::code::ErrorCode;
use settlement::message::ErrorBody;

use super::api::failure::{ApiError, Fault};
use super::api::remedy;
use super::log::{Cause, Code};
use crate::clearing::refusal::{ClearingError, language};
use crate::error::{Error, Explain};
use crate::exit::Exit;
use crate::lang::Lang;
use crate::store::StoreError;
use crate::store::engine::EngineError;

/// Seconds after which it is worth asking again where nothing better is known: assumed.
const RETRY_SECONDS: u64 = 5;

/// Says after how many seconds to come back: with every 429 and 503 (RFC 9110, 10.2.3).
pub(super) fn set_retry_after(response: &mut Response, seconds: Option<u64>) {
    if [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&response.status()) {
        let seconds = HeaderValue::from(seconds.unwrap_or(RETRY_SECONDS));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
}

/// A refusal.
#[derive(Debug)]
pub struct Problem {
    body: ErrorBody,
    /// What is behind it, for the log alone.
    cause: Option<String>,
}

impl Problem {
    /// A refusal with the texts of its code.
    #[must_use]
    pub fn of(code: ErrorCode, lang: Lang) -> Self {
        let (message, remedy) = code.texts(language(lang));
        Self { body: ErrorBody { code, message: message.to_owned(), remedy: remedy.to_owned() }, cause: None }
    }

    /// The work ended in a panic: its transaction is rolled back, the terminal keeps its record.
    #[must_use]
    pub fn broken_off(lang: Lang) -> Self {
        Self { cause: Some("PANIC".to_owned()), ..Self::of(ErrorCode::CentreDefect, lang) }
    }

    /// The centre is not ready, whatever the database lacks: 503, as whoever watches it expects.
    #[must_use]
    pub fn not_ready(error: StoreError, lang: Lang) -> Self {
        let cause = Some(ClearingError::from(error).cause());
        Self { cause, ..Self::of(ErrorCode::StoreUnavailable, lang) }
    }

    /// A refusal for an error of clearing: a batch says which records are missing, the rest only what its code says.
    #[must_use]
    pub fn from_error(error: &ClearingError, lang: Lang) -> Self {
        let mut problem = Self::of(error.terminal_code(), lang);
        if let ClearingError::Batch(detail) = error {
            problem.body.message = format!("{}: {detail}", problem.body.message);
        }
        problem.cause = problem.status().is_server_error().then(|| error.cause());
        problem
    }

    /// Its body.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(&self.body).expect("an error body serializes")
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        status(self.body.code)
    }
}

const fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::MessageMalformed => StatusCode::BAD_REQUEST,
        ErrorCode::MessageTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::PathUnknown
        | ErrorCode::CardUnknown
        | ErrorCode::LoadUnknown
        | ErrorCode::RefundOriginalUnknown
        | ErrorCode::RefundOriginalVoid
        | ErrorCode::PinOrderUnknown
        | ErrorCode::BenefitsUnknown
        | ErrorCode::TransactionUnknown
        | ErrorCode::RecordUnknown
        | ErrorCode::CatalogueUnknown
        | ErrorCode::InstitutionUnknown => StatusCode::NOT_FOUND,
        ErrorCode::SignatureWrong
        | ErrorCode::TerminalUnknown
        | ErrorCode::LineCertificateUnknown
        | ErrorCode::LineCertificateRevoked
        | ErrorCode::LineCertificateExpired
        | ErrorCode::LineCertificateElsewhere => StatusCode::UNAUTHORIZED,
        ErrorCode::TerminalStopped
        | ErrorCode::PsamNotInUse
        | ErrorCode::CardNotActive
        | ErrorCode::CardBlacklisted
        | ErrorCode::RefundOtherCard
        | ErrorCode::RefundElsewhere
        | ErrorCode::RefundOriginalAmbiguous
        | ErrorCode::PinOrderElsewhere
        | ErrorCode::TerminalNotKiosk
        | ErrorCode::PinNotVerified => StatusCode::FORBIDDEN,
        ErrorCode::RequestIdReused
        | ErrorCode::LoadUnresolved
        | ErrorCode::LoadOutdated
        | ErrorCode::LoadAlreadyDecided
        | ErrorCode::SaleAlreadyDecided
        | ErrorCode::RefundTooMuch
        | ErrorCode::CancelTooLate
        | ErrorCode::BatchGap
        | ErrorCode::PinOrderState
        | ErrorCode::PinOrderLapsed
        | ErrorCode::SelfServiceRefused
        | ErrorCode::CertificateLimit
        | ErrorCode::WindowClosed => StatusCode::CONFLICT,
        ErrorCode::LoadNothingPending
        | ErrorCode::LoadOwed
        | ErrorCode::LoadAmountDiffers
        | ErrorCode::Mac1Wrong
        | ErrorCode::TacWrong
        | ErrorCode::Mac2Wrong
        | ErrorCode::TacMissing
        | ErrorCode::RecordJudged
        | ErrorCode::SaleClosed
        | ErrorCode::RecordAhead
        | ErrorCode::AlgorithmUnsupported
        | ErrorCode::DuplicateTerminalSequence
        | ErrorCode::DuplicateCardSequence
        | ErrorCode::RecordContradictory
        | ErrorCode::CardNotGenuine
        | ErrorCode::LimitExceeded
        | ErrorCode::BalanceBeyondLedger
        | ErrorCode::BatchAltered => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::StoreUnavailable | ErrorCode::KeysUnavailable | ErrorCode::BlacklistWithheld => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        ErrorCode::CentreDefect | ErrorCode::Unknown => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A refusal as a station hears it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StationRefusal {
    /// Stable code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

/// A refusal for a station.
#[derive(Debug)]
pub struct StationProblem {
    status: StatusCode,
    body: StationRefusal,
    /// What is behind it, for the log alone.
    cause: Option<String>,
}

impl StationProblem {
    /// A refusal with the texts of its error.
    #[must_use]
    pub fn of<E: Explain + std::error::Error + 'static>(error: &E, lang: Lang) -> Self {
        let status = match error.exit() {
            Exit::Usage if error.code() == "STATION_MESSAGE_TOO_LARGE" => StatusCode::PAYLOAD_TOO_LARGE,
            Exit::Usage => StatusCode::BAD_REQUEST,
            Exit::NotFound => StatusCode::NOT_FOUND,
            Exit::Authentication => StatusCode::UNAUTHORIZED,
            Exit::Mismatch => StatusCode::UNPROCESSABLE_ENTITY,
            // What another has done before: asking again changes nothing.
            Exit::Refused if ["STATE_MOVED", "ROW_EXISTS"].contains(&error.code()) => StatusCode::CONFLICT,
            Exit::Storage | Exit::Peer | Exit::Reader => StatusCode::SERVICE_UNAVAILABLE,
            Exit::Refused | Exit::Card | Exit::Partly => StatusCode::FORBIDDEN,
            Exit::Ok | Exit::Bug => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let body = StationRefusal {
            code: error.code().to_owned(),
            message: error.what(lang),
            remedy: error.next(lang).to_owned(),
        };
        let cause = status.is_server_error().then(|| behind(error.code(), error));
        Self { status, body, cause }
    }

    /// The work ended in a panic: its transaction is rolled back, the station keeps its record.
    #[must_use]
    pub fn broken_off(lang: Lang) -> Self {
        let locked = Self::of(&StoreError::Locked, lang);
        Self { status: StatusCode::SERVICE_UNAVAILABLE, cause: Some("PANIC".to_owned()), ..locked }
    }
}

/// What is behind an error, for the log: its stable code, and of the database's what it is; no value of anybody.
fn behind(code: &str, error: &(dyn std::error::Error + 'static)) -> String {
    let mut one = Some(error);
    while let Some(error) = one {
        if let Some(engine) = error.downcast_ref::<EngineError>() {
            return format!("{code} {}", engine.mark());
        }
        one = error.source();
    }
    code.to_owned()
}

impl IntoResponse for StationProblem {
    fn into_response(self) -> Response {
        let mut response =
            super::json(self.status, serde_json::to_string(&self.body).expect("an error body serializes"));
        response.extensions_mut().insert(Code(self.body.code));
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(Cause(cause));
        }
        set_retry_after(&mut response, None);
        // Who is not served keeps no connection either.
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// A refusal as pages and programs of operators hear it.
///
/// Source: RFC 9457; `code` and `remedy` are ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ApiProblemBody {
    /// `urn:issuer:problem:CODE`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code in words of the protocol: what the status says.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened.
    pub detail: String,
    /// Stable code.
    pub code: String,
    /// What to do.
    pub remedy: String,
    /// What is wrong with what was sent, one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

/// A refusal for operators.
#[derive(Debug)]
pub struct ApiProblem {
    status: StatusCode,
    body: ApiProblemBody,
    wait: Option<u64>,
    /// What is behind it, for the log alone.
    cause: Option<String>,
}

impl ApiProblem {
    /// A refusal with the texts of its error.
    #[must_use]
    pub fn of(error: &dyn Explain, lang: Lang) -> Self {
        let status = api_status(error);
        let code = error.code().to_owned();
        let body = ApiProblemBody {
            kind: format!("urn:issuer:problem:{code}"),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail: error.what(lang),
            remedy: remedy::next(error, lang).to_owned(),
            faults: Vec::new(),
            code,
        };
        let cause = status.is_server_error().then(|| error.code().to_owned());
        Self { status, body, wait: error.wait_seconds(), cause }
    }

    /// As [`ApiProblem::of`], with the faults of what was sent.
    #[must_use]
    pub fn of_error(error: &Error, lang: Lang) -> Self {
        let mut problem = Self::of(error.explain(), lang);
        problem.cause = problem.cause.map(|code| behind(&code, error));
        if let Error::Api(ApiError::Faults(faults)) = error {
            problem.body.faults.clone_from(faults);
        }
        problem
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Its body.
    #[must_use]
    pub const fn body(&self) -> &ApiProblemBody {
        &self.body
    }
}

/// The status of an error at the door of operators.
fn api_status(error: &dyn Explain) -> StatusCode {
    match (error.code(), error.exit()) {
        ("BODY_TOO_LARGE", _) => StatusCode::PAYLOAD_TOO_LARGE,
        ("BODY_TYPE", _) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ("METHOD_UNKNOWN", _) => StatusCode::METHOD_NOT_ALLOWED,
        ("LOGIN_LOCKED" | "TOO_MANY_REQUESTS" | "QUERY_CLIENT_LOCKED", _) => StatusCode::TOO_MANY_REQUESTS,
        ("STATE_MOVED" | "ROW_EXISTS", _) => StatusCode::CONFLICT,
        ("IDEMPOTENCY_KEY_REUSED", _) | (_, Exit::Mismatch | Exit::Partly) => StatusCode::UNPROCESSABLE_ENTITY,
        (_, Exit::Usage) => StatusCode::BAD_REQUEST,
        (_, Exit::NotFound) => StatusCode::NOT_FOUND,
        (_, Exit::Authentication) => StatusCode::UNAUTHORIZED,
        (_, Exit::Refused | Exit::Card) => StatusCode::FORBIDDEN,
        (_, Exit::Storage | Exit::Peer | Exit::Reader) => StatusCode::SERVICE_UNAVAILABLE,
        (_, Exit::Ok | Exit::Bug) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for ApiProblem {
    fn into_response(self) -> Response {
        let text = serde_json::to_string(&self.body).expect("a problem serializes");
        let mut response = super::json(self.status, text);
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        set_retry_after(&mut response, self.wait);
        response.extensions_mut().insert(Code(self.body.code));
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(Cause(cause));
        }
        response
    }
}

/// How a station's run ends after an answer of this status.
#[must_use]
pub fn exit_of(status: u16) -> Exit {
    match StatusCode::from_u16(status) {
        Ok(StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE) => Exit::Usage,
        Ok(StatusCode::NOT_FOUND) => Exit::NotFound,
        Ok(StatusCode::UNAUTHORIZED) => Exit::Authentication,
        Ok(StatusCode::FORBIDDEN | StatusCode::CONFLICT) => Exit::Refused,
        Ok(StatusCode::SERVICE_UNAVAILABLE) => Exit::Peer,
        _ => Exit::Mismatch,
    }
}

/// Whether the centre could not do it now and may later.
#[must_use]
pub fn is_unavailable(status: u16) -> bool {
    status == StatusCode::SERVICE_UNAVAILABLE.as_u16()
}

/// Whether it did it.
#[must_use]
pub fn is_success(status: u16) -> bool {
    status == StatusCode::OK.as_u16()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = super::json(self.status(), self.text());
        response.extensions_mut().insert(Code(self.body.code.to_string()));
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(Cause(cause));
        }
        set_retry_after(&mut response, None);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_behind_a_failure_of_the_centre_is_for_the_log_at_every_door() {
        let cause = |response: Response| response.extensions().get::<Cause>().map(|Cause(cause)| cause.clone());
        let (failed, locked) = (|| StoreError::Engine(EngineError::NoRow), || StoreError::Locked);
        let (engine, busy) = (Some("DATABASE_FAILED no such row".to_owned()), Some("DATABASE_LOCKED".to_owned()));
        let station = |error: StoreError| cause(StationProblem::of(&error, Lang::En).into_response());
        assert_eq!((station(failed()), station(locked())), (engine.clone(), busy.clone()));
        assert_eq!(cause(StationProblem::broken_off(Lang::En).into_response()), Some("PANIC".to_owned()));
        let api = |error: StoreError| cause(ApiProblem::of_error(&Error::Store(error), Lang::En).into_response());
        assert_eq!((api(failed()), api(locked())), (engine, busy));
        // A caller's own mistake has none.
        let missing = crate::error::Missing::Person { id: 1 };
        assert_eq!(cause(StationProblem::of(&missing, Lang::En).into_response()), None);
    }

    #[test]
    fn every_code_is_an_error_and_only_retryable_ones_are_the_servers() {
        for code in ErrorCode::ALL {
            let problem = Problem::of(*code, Lang::En);
            let status = problem.status();
            assert!(status.is_client_error() || status.is_server_error(), "{code}");
            assert_eq!(status == StatusCode::SERVICE_UNAVAILABLE, code.retryable(), "{code}");
            let told = problem.into_response();
            assert_eq!(told.headers().contains_key(header::RETRY_AFTER), code.retryable(), "{code}");
        }
    }
}
