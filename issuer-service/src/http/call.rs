//! The station's end of the line: HTTPS with the station's certificate, one question after another.
//!
//! Owns: sending, reading bounded answers, what a failure of the line means, trying again while the operator is patient.
//! Never: speaks to anybody but the authority's own centre; calls an answer that did not arrive whole an answer.

use std::io::{BufRead, BufReader};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::sign::CertifiedKey;
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use super::problem::{StationRefusal, exit_of, is_success, is_unavailable};
use crate::lang::Lang;
use crate::station::line_failure::LineError;
use crate::station::wire::{ANSWER_BYTES_MAX, ASK_PATH, Ask, JOBS_PATH, JobLine, Message, Prepared, Reply};

/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Pause before the same message is sent again.
const AGAIN_PAUSE: Duration = Duration::from_millis(300);

/// What a station shows and whom it trusts.
pub struct Identity {
    chain: Vec<Certificate<'static>>,
    authority: Certificate<'static>,
    key: PrivateKey<'static>,
}

/// An answer as it came: its status, its lines, and whether it came whole.
#[derive(Debug)]
pub struct Carried {
    /// HTTP status.
    pub status: u16,
    /// Lines of the body.
    pub lines: Vec<String>,
    /// Whether the body ended by itself.
    pub whole: bool,
}

/// Carries a message to the centre and its answer back.
pub trait Carrier: Send + Sync {
    /// Once, without trying again.
    ///
    /// # Errors
    /// [`LineError`] of the line; a refusal by the centre is an answer.
    fn carry(&self, path: &str, body: &str) -> Result<Carried, LineError>;
}

/// A line over HTTPS.
#[derive(Debug)]
pub struct Https {
    agent: Agent,
    base: String,
    lang: Lang,
}

/// Asks over a carrier.
pub struct Caller {
    carrier: Box<dyn Carrier>,
    centre: String,
    patience: Duration,
}

impl Identity {
    /// From the PEM of the certificate with its authority's behind it, and of the key that it is for.
    #[must_use]
    pub fn read(chain: &str, key: &str) -> Option<Self> {
        use rustls::pki_types::{CertificateDer, PrivateKeyDer};
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>().ok()?;
        let [certificate, authority] = certificates.as_slice() else { return None };
        // The TLS client takes it for granted that key and certificate belong together.
        let own_key = PrivateKeyDer::from_pem_slice(key.as_bytes()).ok()?;
        let provider = rustls::crypto::ring::default_provider();
        CertifiedKey::from_der(vec![certificate.clone().into_owned()], own_key, &provider).ok()?;
        let own = |der: &CertificateDer<'_>| Certificate::from_der(der).to_owned();
        let key = PrivateKey::from_pem(key.as_bytes()).ok()?;
        Some(Self { chain: vec![own(certificate)], authority: own(authority), key })
    }
}

impl Https {
    /// A line to `base`: `https://HOST:PORT`.
    ///
    /// # Errors
    /// [`LineError::Address`].
    pub fn new(base: &str, identity: Identity, lang: Lang) -> Result<Self, LineError> {
        if !base.starts_with("https://") {
            return Err(LineError::Address);
        }
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::new_with_certs(&[identity.authority]))
            .client_cert(Some(ClientCert::new_with_certs(&identity.chain, identity.key)))
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .https_only(true)
            .proxy(None)
            .max_redirects(0)
            .timeout_global(Some(ANSWER_WITHIN))
            .http_status_as_error(false)
            .build();
        Ok(Self { agent: agent.into(), base: base.trim_end_matches('/').to_owned(), lang })
    }

    fn failure(&self, error: &ureq::Error) -> LineError {
        let centre = self.base.clone();
        match tls_error(error) {
            Some(rustls::Error::AlertReceived(alert)) => LineError::CertificateRefused { alert: format!("{alert:?}") },
            Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
                LineError::NotTrusted { centre }
            }
            _ => LineError::Unreachable { centre },
        }
    }
}

impl Carrier for Https {
    fn carry(&self, path: &str, body: &str) -> Result<Carried, LineError> {
        let language = self.lang.pick("zh", "en");
        let sent = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("content-type", "application/json")
            .header("accept-language", language)
            .send(body);
        let mut response = sent.map_err(|error| self.failure(&error))?;
        let status = response.status().as_u16();
        let mut reader = BufReader::new(response.body_mut().with_config().limit(ANSWER_BYTES_MAX).reader());
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            match reader.read_line(&mut line) {
                Ok(0) => return Ok(Carried { status, lines, whole: true }),
                // A line without its end may be half of one; an object alone on its line is whole when the body is.
                Ok(_) => lines.push(line),
                Err(_) => return Ok(Carried { status, lines, whole: false }),
            }
        }
    }
}

impl Caller {
    /// Asks over this carrier, and again until an answer comes or patience ends.
    #[must_use]
    pub fn new(carrier: Box<dyn Carrier>, centre: &str, patience: Duration) -> Self {
        Self { carrier, centre: centre.to_owned(), patience }
    }

    /// The text of a message, as it is kept and sent.
    #[must_use]
    pub fn text(message: &Message) -> String {
        serde_json::to_string(message).expect("a message serializes")
    }

    /// A message from its text.
    #[must_use]
    pub fn message(text: &str) -> Option<Message> {
        serde_json::from_str(text).ok()
    }

    /// Asks; the same text is sent again while no answer comes.
    ///
    /// # Errors
    /// [`LineError`].
    pub fn ask(&self, text: &str) -> Result<Reply, LineError> {
        let answered = self.patiently(|| {
            let carried = self.carrier.carry(ASK_PATH, text)?;
            if carried.whole { Ok(carried) } else { Err(self.unreachable()) }
        })?;
        let body: String = answered.lines.concat();
        serde_json::from_str(&body).map_err(|_| LineError::Nonsense)
    }

    /// Takes prepared jobs over; an answer that broke off goes on behind the last whole line.
    ///
    /// # Errors
    /// [`LineError`].
    pub fn jobs(&self, message: &Message) -> Result<Vec<Prepared>, LineError> {
        let (mut taken, mut message) = (Vec::<Prepared>::new(), message.clone());
        self.patiently(|| {
            if let (Ask::Jobs { after, .. }, Some(last)) = (&mut message.ask, taken.last()) {
                *after = last.job;
            }
            let carried = self.carrier.carry(JOBS_PATH, &Self::text(&message))?;
            if !is_success(carried.status) {
                return Ok(carried);
            }
            for line in carried.lines.iter().filter(|line| line.ends_with('\n')) {
                match serde_json::from_str(line).map_err(|_| LineError::Nonsense)? {
                    JobLine::Job(prepared) => taken.push(*prepared),
                    JobLine::End => return Ok(carried),
                }
            }
            Err(self.unreachable())
        })?;
        Ok(taken)
    }

    fn patiently(&self, mut once: impl FnMut() -> Result<Carried, LineError>) -> Result<Carried, LineError> {
        let start = Instant::now();
        loop {
            let error = match once() {
                Ok(carried) if is_success(carried.status) => return Ok(carried),
                Ok(carried) if is_unavailable(carried.status) => self.unreachable(),
                Ok(carried) => return Err(refusal(&carried)),
                Err(error @ LineError::Unreachable { .. }) => error,
                Err(error) => return Err(error),
            };
            if start.elapsed() + AGAIN_PAUSE > self.patience {
                return Err(error);
            }
            std::thread::sleep(AGAIN_PAUSE);
        }
    }

    fn unreachable(&self) -> LineError {
        LineError::Unreachable { centre: self.centre.clone() }
    }
}

fn refusal(carried: &Carried) -> LineError {
    let body: String = carried.lines.concat();
    match serde_json::from_str::<StationRefusal>(&body) {
        Ok(StationRefusal { code, message, remedy }) => {
            LineError::refused(&code, format!("{message} ({code}); {remedy}"), exit_of(carried.status))
        }
        Err(_) => LineError::Nonsense,
    }
}

/// What TLS said, wherever it is wrapped.
fn tls_error(error: &ureq::Error) -> Option<rustls::Error> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(here) = cause {
        if let Some(found) = here.downcast_ref::<rustls::Error>() {
            return Some(found.clone());
        }
        if let Some(io) = here.downcast_ref::<std::io::Error>()
            && let Some(found) = io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>())
        {
            return Some(found.clone());
        }
        cause = match here.downcast_ref::<ureq::Error>() {
            Some(ureq::Error::Rustls(found)) => return Some(found.clone()),
            Some(ureq::Error::Io(io)) => Some(io),
            _ => here.source(),
        };
    }
    None
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(..)")
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").field("centre", &self.centre).finish_non_exhaustive()
    }
}
