//! What a terminal is told when the centre does not do as asked: status, stable code, two sentences.
//!
//! Owns: the only map from codes to HTTP status codes. Never: shows an inner error.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use settlement::code::ErrorCode;
use settlement::message::ErrorBody;

use crate::clearing::refusal::{ClearingError, language};
use crate::lang::Lang;

/// A refusal.
#[derive(Debug)]
pub struct Problem {
    body: ErrorBody,
}

impl Problem {
    /// A refusal with the texts of its code.
    #[must_use]
    pub fn of(code: ErrorCode, lang: Lang) -> Self {
        let (message, remedy) = code.texts(language(lang));
        Self { body: ErrorBody { code, message: message.to_owned(), remedy: remedy.to_owned() } }
    }

    /// A refusal for an error of clearing: a batch says which records are missing, the rest only what its code says.
    #[must_use]
    pub fn from_error(error: &ClearingError, lang: Lang) -> Self {
        let mut problem = Self::of(error.terminal_code(), lang);
        if let ClearingError::Batch(detail) = error {
            problem.body.message = format!("{}: {detail}", problem.body.message);
        }
        problem
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
        ErrorCode::PathUnknown | ErrorCode::CardUnknown | ErrorCode::LoadUnknown => StatusCode::NOT_FOUND,
        ErrorCode::SignatureWrong | ErrorCode::TerminalUnknown => StatusCode::UNAUTHORIZED,
        ErrorCode::TerminalStopped | ErrorCode::CardNotActive | ErrorCode::CardBlacklisted => StatusCode::FORBIDDEN,
        ErrorCode::RequestIdReused
        | ErrorCode::LoadUnresolved
        | ErrorCode::LoadAlreadyDecided
        | ErrorCode::BatchGap
        | ErrorCode::WindowClosed => StatusCode::CONFLICT,
        ErrorCode::LoadNothingPending
        | ErrorCode::LoadAmountDiffers
        | ErrorCode::Mac1Wrong
        | ErrorCode::TacWrong
        | ErrorCode::TacMissing
        | ErrorCode::AlgorithmUnsupported
        | ErrorCode::DuplicateTerminalSequence
        | ErrorCode::DuplicateCardSequence
        | ErrorCode::RecordContradictory
        | ErrorCode::LimitExceeded
        | ErrorCode::BatchAltered => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::StoreUnavailable | ErrorCode::KeysUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Unknown => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let text = serde_json::to_string(&self.body).expect("an error body serializes");
        super::json(self.status(), text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_an_error_and_only_retryable_ones_are_the_servers() {
        for code in ErrorCode::ALL {
            let problem = Problem::of(*code, Lang::En);
            let status = problem.status();
            assert!(status.is_client_error() || status.is_server_error(), "{code}");
            assert_eq!(status == StatusCode::SERVICE_UNAVAILABLE, code.retryable(), "{code}");
        }
    }
}
