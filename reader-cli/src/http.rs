//! The centre, and the national one, over HTTP: the only file that knows HTTP status codes, and the only one besides `output` that
//! knows JSON.
//!
//! Source: `settlement::message`; every request is signed (`settlement::signing`).
//! Owns: one request, one answer, both bounded in size and time. Never: retries, stores (`store`), decides.

use std::time::Duration;

use settlement::id::{Signature, TerminalNumber};
use settlement::limits::MESSAGE_BYTES_MAX;
use settlement::message::{ErrorBody, Request};
use settlement::signing::{SIGNATURE_HEADER, TERMINAL_HEADER, TerminalKey};

use card_counter::error::TerminalError;
use card_counter::letter::Letter;

/// How long the centre may take: a clerk and a card holder are waiting.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// The centre as this terminal reaches it.
pub struct Centre<'a> {
    line: Box<dyn Line + 'a>,
    key: &'a TerminalKey,
    terminal: TerminalNumber,
}

/// What goes to the centre: a letter, and who signed it.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The letter.
    pub letter: &'a Letter,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Its signature over method, path and body.
    pub signature: Signature,
}

/// Carries one signed letter to the centre, and its answer back: status and body.
pub trait Line {
    /// Once, without trying again.
    ///
    /// # Errors
    /// [`TerminalError::CentreUnreachable`]: whether the letter arrived is not known.
    fn carry(&self, signed: &Signed<'_>) -> Result<(u16, String), TerminalError>;
}

/// The line over HTTP.
struct Http<'a> {
    address: &'a str,
    agent: ureq::Agent,
}

impl<'a> Centre<'a> {
    /// The centre at `address` (`http://HOST:PORT`). Nothing is sent yet.
    ///
    /// # Errors
    /// [`TerminalError::Address`] for anything but `http://`.
    pub fn at(address: &'a str, key: &'a TerminalKey, terminal: TerminalNumber) -> Result<Self, TerminalError> {
        Self::at_within(address, key, terminal, ANSWER_WITHIN)
    }

    /// As [`Self::at`], with less patience.
    ///
    /// # Errors
    /// As [`Self::at`].
    pub fn at_within(
        address: &'a str,
        key: &'a TerminalKey,
        terminal: TerminalNumber,
        within: Duration,
    ) -> Result<Self, TerminalError> {
        check(address)?;
        let http = Http { address: address.trim_end_matches('/'), agent: agent(within) };
        Ok(Self::over(Box::new(http), key, terminal))
    }

    /// The centre at the end of another line.
    #[must_use]
    pub fn over(line: Box<dyn Line + 'a>, key: &'a TerminalKey, terminal: TerminalNumber) -> Self {
        Self { line, key, terminal }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn ask<R: Request>(&self, request: &R) -> Result<R::Answer, TerminalError> {
        self.send::<R>(&Letter::of(request)?)
    }

    /// Sends a stored letter and reads the answer.
    ///
    /// # Errors
    /// [`TerminalError::CentreUnreachable`] without answer, [`TerminalError::CentreRefused`] with the centre's code,
    /// [`TerminalError::CentreAnswer`] when the answer is no message of this version.
    pub fn send<R: Request>(&self, letter: &Letter) -> Result<R::Answer, TerminalError> {
        let (status, body) = self.exchange(letter)?;
        let malformed = || TerminalError::CentreAnswer { path: letter.path };
        if (200..300).contains(&status) {
            return serde_json::from_str(&body).map_err(|_| malformed());
        }
        let refusal: ErrorBody = serde_json::from_str(&body).map_err(|_| malformed())?;
        Err(TerminalError::CentreRefused { path: letter.path, code: refusal.code })
    }

    fn exchange(&self, letter: &Letter) -> Result<(u16, String), TerminalError> {
        let signature = self.key.sign_request("POST", letter.path, letter.body.as_bytes());
        self.line.carry(&Signed { letter, terminal: self.terminal, signature })
    }
}

impl Line for Http<'_> {
    fn carry(&self, signed: &Signed<'_>) -> Result<(u16, String), TerminalError> {
        let unreachable = |_| TerminalError::CentreUnreachable { address: self.address.to_owned() };
        let mut response = self
            .agent
            .post(format!("{}{}", self.address, signed.letter.path))
            .header("content-type", "application/json")
            .header(TERMINAL_HEADER, signed.terminal.to_string())
            .header(SIGNATURE_HEADER, signed.signature.to_string())
            .send(signed.letter.body.as_bytes())
            .map_err(unreachable)?;
        let status = response.status().as_u16();
        let limit = u64::try_from(MESSAGE_BYTES_MAX).unwrap_or(u64::MAX);
        let body = response.body_mut().with_config().limit(limit).read_to_string().map_err(unreachable)?;
        Ok((status, body))
    }
}

impl std::fmt::Debug for Centre<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Centre").field("terminal", &self.terminal).finish_non_exhaustive()
    }
}

/// The national centre: one address, one message a request.
#[derive(Debug)]
pub struct Peer {
    address: String,
    agent: ureq::Agent,
}

/// Bytes of an answer: a whole national list, packed.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

impl Peer {
    /// The peer at `address` (`http://HOST:PORT/PATH`). Nothing is sent yet.
    ///
    /// # Errors
    /// [`TerminalError::Address`] for anything but `http://`.
    pub fn at(address: &str, within: Duration) -> Result<Self, TerminalError> {
        check(address)?;
        Ok(Self { address: address.to_owned(), agent: agent(within) })
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sends a message; `None` when no answer came, or one of a gateway that knows nothing of the message.
    #[must_use]
    pub fn post(&self, body: &str) -> Option<Vec<u8>> {
        let sent = self.agent.post(&self.address).header("content-type", "application/json; charset=utf-8");
        let mut response = sent.send(body.as_bytes()).ok()?;
        if !response.status().is_success() {
            return None;
        }
        response.body_mut().with_config().limit(FILE_BYTES_MAX).read_to_vec().ok()
    }
}

fn check(address: &str) -> Result<(), TerminalError> {
    let host = address.strip_prefix("http://").unwrap_or_default();
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err(TerminalError::Address { address: address.to_owned() });
    }
    Ok(())
}

fn agent(within: Duration) -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(within)).http_status_as_error(false).build().into()
}
