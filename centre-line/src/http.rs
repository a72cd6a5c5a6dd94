//! The centre, and the national one, over HTTP: the only file of a terminal that knows HTTP status codes.
//!
//! Source: `settlement::message`; every request is signed (`settlement::signing`), and goes over TLS 1.3 (RFC 8446) with a
//! certificate of the terminal's own (`identity`). Plain HTTP is spoken with this machine only.
//! Owns: one request, one answer, both bounded in size and time. Never: retries, stores (`store`), decides.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use settlement::id::{Signature, TerminalNumber};
use settlement::limits::MESSAGE_BYTES_MAX;
use settlement::message::{ErrorBody, Request};
use settlement::signing::{SIGNATURE_HEADER, TERMINAL_HEADER, TerminalKey};

use card_counter::error::{LineFault, TerminalError};
use card_counter::language::Language;
use card_counter::letter::Letter;
use serde::Deserialize;
use ureq::tls::TlsConfig;

use crate::identity;

/// How long the centre may take: a clerk and a card holder are waiting.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// The way to the centre.
#[derive(Clone, Debug)]
pub struct Way {
    address: String,
    tls: Option<TlsConfig>,
}

impl Way {
    /// To `address`: `https://HOST:PORT` with the certificate in the data folder, or `http://HOST:PORT` of this machine.
    ///
    /// # Errors
    /// [`TerminalError::Address`], [`LineFault::Plain`], and those of [`identity::load`].
    pub fn to(address: &str, folder: &Path) -> Result<Self, TerminalError> {
        let own = || address.trim_end_matches('/').to_owned();
        if address.strip_prefix("https://").is_some_and(is_host) {
            return Ok(Self { address: own(), tls: Some(identity::load(folder)?.tls()?) });
        }
        check(address)?;
        if !is_this_machine(address.trim_start_matches("http://")) {
            return Err(LineFault::Plain { address: address.to_owned() }.into());
        }
        Ok(Self { address: own(), tls: None })
    }
}

/// What the centre answers to `GET /public/pages`; more may stand there.
#[derive(Deserialize)]
struct PublicPages {
    pages: Vec<PublicPage>,
}

/// A text of the centre for everybody.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PublicPage {
    /// Where it belongs: the name of a section of the kiosk; a later centre may have more.
    pub section: String,
    /// Its file.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its text, by lines.
    pub text: String,
}

/// Bytes of the public texts of a language.
const PUBLIC_BYTES_MAX: u64 = 4 * 1024 * 1024;

impl Way {
    /// The public texts of the centre in a language; `None` when it does not answer, or something else.
    #[must_use]
    pub fn public_texts(&self, language: Language) -> Option<Vec<PublicPage>> {
        let accepted = match language {
            Language::Zh => "zh",
            Language::En => "en",
        };
        let ask = agent(ANSWER_WITHIN, self.tls.clone()).get(format!("{}/public/pages", self.address));
        let mut response = ask.header("accept-language", accepted).call().ok()?;
        if response.status().as_u16() != 200 {
            return None;
        }
        let body = response.body_mut().with_config().limit(PUBLIC_BYTES_MAX).read_to_string().ok()?;
        Some(serde_json::from_str::<PublicPages>(&body).ok()?.pages)
    }
}

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
    /// [`TerminalError::CentreUnreachable`]: whether the letter arrived is not known, but when it says that nothing was sent.
    fn carry(&self, signed: &Signed<'_>) -> Result<(u16, String), TerminalError>;
}

/// The line over HTTP.
struct Http {
    address: String,
    agent: ureq::Agent,
}

impl<'a> Centre<'a> {
    /// The centre at the end of a way. Nothing is sent yet.
    #[must_use]
    pub fn at(way: Way, key: &'a TerminalKey, terminal: TerminalNumber) -> Self {
        Self::at_within(way, key, terminal, ANSWER_WITHIN)
    }

    /// As [`Self::at`], with less patience.
    #[must_use]
    pub fn at_within(way: Way, key: &'a TerminalKey, terminal: TerminalNumber, within: Duration) -> Self {
        let http = Http { address: way.address, agent: agent(within, way.tls) };
        Self::over(Box::new(http), key, terminal)
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

    /// The key that signs for the terminal.
    #[must_use]
    pub const fn key(&self) -> &'a TerminalKey {
        self.key
    }

    fn exchange(&self, letter: &Letter) -> Result<(u16, String), TerminalError> {
        let signature = self.key.sign_request("POST", letter.path, letter.body.as_bytes());
        self.line.carry(&Signed { letter, terminal: self.terminal, signature })
    }
}

impl Line for Http {
    fn carry(&self, signed: &Signed<'_>) -> Result<(u16, String), TerminalError> {
        let unreachable = |error| failure(&error, &self.address);
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
    /// The peer at `address`: `https://HOST:PORT/PATH` whose certificate an authority of this PEM file made, or `http://…` of this
    /// machine, as of a front machine's own program. Nothing is sent yet.
    ///
    /// # Errors
    /// [`TerminalError::Address`], [`LineFault::Plain`]: names and numbers of people would be readable on the way;
    /// [`LineFault::NoAuthority`], [`LineFault::Malformed`], [`LineFault::File`].
    pub fn at(address: &str, within: Duration, authority: Option<&Path>) -> Result<Self, TerminalError> {
        let tls = if address.strip_prefix("https://").is_some_and(is_host) {
            Some(identity::trusting(authority.ok_or(LineFault::NoAuthority)?)?)
        } else {
            check(address)?;
            if !is_this_machine(address.trim_start_matches("http://")) {
                return Err(LineFault::Plain { address: address.to_owned() }.into());
            }
            None
        };
        Ok(Self { address: address.to_owned(), agent: agent(within, tls) })
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
    if address.strip_prefix("http://").is_some_and(is_host) {
        return Ok(());
    }
    Err(TerminalError::Address { address: address.to_owned() })
}

fn is_host(host: &str) -> bool {
    !host.is_empty() && !host.contains(char::is_whitespace)
}

/// Whether what follows `http://` never leaves this machine. A name before `@` is no host.
fn is_this_machine(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((inner, _)) => inner,
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn agent(within: Duration, tls: Option<TlsConfig>) -> ureq::Agent {
    // What a terminal says goes to the centre itself: neither to a proxy nor to another address that an answer names.
    let config = ureq::Agent::config_builder().proxy(None).max_redirects(0);
    // Who is not reached in most of that time is told from who does not answer: nothing was sent then.
    let config = config.timeout_global(Some(within)).timeout_connect(Some(within * 3 / 4)).http_status_as_error(false);
    match tls {
        Some(tls) => config.tls_config(tls).https_only(true).build().into(),
        None => config.build().into(),
    }
}

/// Why no answer came.
fn failure(error: &ureq::Error, address: &str) -> TerminalError {
    let address = address.to_owned();
    match tls_error(error) {
        Some(rustls::Error::AlertReceived(rustls::AlertDescription::CertificateExpired)) => LineFault::Expired.into(),
        Some(rustls::Error::AlertReceived(alert)) => LineFault::Refused { alert: format!("{alert:?}") }.into(),
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            LineFault::NotTrusted { address }.into()
        }
        _ => TerminalError::CentreUnreachable { address, sent: may_be_sent(error) },
    }
}

/// Whether something may have arrived: not before there is a connection.
fn may_be_sent(error: &ureq::Error) -> bool {
    use std::io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable};
    match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => false,
        ureq::Error::Io(io) => {
            let is_unreached =
                [AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable].contains(&io.kind());
            // A name that nobody resolves has no kind of its own.
            !is_unreached && !io.to_string().starts_with("failed to lookup address")
        }
        _ => true,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_leads_to_this_machine_only() {
        for here in ["127.0.0.1:7301", "127.8.9.1", "localhost:1/x", "[::1]:7301", "localhost"] {
            assert!(is_this_machine(here), "{here}");
        }
        for there in [
            "10.0.0.1:1",
            "localhost.example:1",
            "127.0.0.1.example",
            "127.0.0.1@10.0.0.1",
            "[::2]:1",
            "",
            "h?127.0.0.1",
        ] {
            assert!(!is_this_machine(there), "{there}");
        }
        let folder = tempfile::tempdir().expect("folder");
        let to = |address| Way::to(address, folder.path()).map(|_| ());
        assert!(matches!(to("http://10.0.0.1:7301"), Err(TerminalError::Line(LineFault::Plain { .. }))));
        assert!(matches!(to("https://10.0.0.1:7301"), Err(TerminalError::Line(LineFault::NoCertificate))));
        assert!(matches!(to("ftp://127.0.0.1"), Err(TerminalError::Address { .. })));
        assert!(to("http://127.0.0.1:7301").is_ok());
        let peer = |address| Peer::at(address, ANSWER_WITHIN, None).map(|_| ());
        assert!(matches!(peer("http://10.0.0.1:1/x"), Err(TerminalError::Line(LineFault::Plain { .. }))));
        assert!(matches!(peer("https://10.0.0.1:1/x"), Err(TerminalError::Line(LineFault::NoAuthority))));
        assert!(peer("http://127.0.0.1:1/x").is_ok());
    }

    #[test]
    fn who_is_not_there_was_sent_nothing_and_who_hangs_up_may_have_been() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let ask = |address: &str| {
            let sent = agent(Duration::from_secs(5), None).post(address).send("{}");
            failure(&sent.expect_err("no answer"), address)
        };
        let hangs_up = std::thread::spawn(move || listener.accept().map(drop));
        assert!(matches!(ask(&address), TerminalError::CentreUnreachable { sent: true, .. }));
        hangs_up.join().expect("no panic").expect("somebody came");
        assert!(matches!(ask(&address), TerminalError::CentreUnreachable { sent: false, .. }), "nobody listens");
        assert!(matches!(ask("http://nobody.invalid:1"), TerminalError::CentreUnreachable { sent: false, .. }));
    }

    /// Answers one request over TLS with this certificate; `None` when the handshake fails.
    fn serve(certificate: &rcgen::Certificate, key: &rcgen::KeyPair) -> String {
        use std::io::{Read as _, Write as _};
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("they fit");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("https://{}/x", listener.local_addr().expect("bound"));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let connection =
                    rustls::ServerConnection::new(std::sync::Arc::new(config.clone())).expect("a connection");
                let mut tls = rustls::StreamOwned::new(connection, stream);
                let mut bytes = [0; 4096];
                if tls.read(&mut bytes).is_ok() {
                    let _ = tls.write_all(b"HTTP/1.1 200 X\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
                    let _ = tls.flush();
                }
            }
        });
        address
    }

    #[test]
    fn the_national_centre_is_believed_by_its_authoritys_certificate_alone() {
        let folder = tempfile::tempdir().expect("folder");
        let made = |name: &str| {
            let key = rcgen::KeyPair::generate().expect("random");
            let params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("an address");
            let certificate = params.self_signed(&key).expect("signed");
            let path = folder.path().join(name);
            std::fs::write(&path, certificate.pem()).expect("written");
            (certificate, key, path)
        };
        let (certificate, key, ours) = made("ours.pem");
        let (_, _, other) = made("other.pem");
        let address = serve(&certificate, &key);
        let ask = |authority: &Path| Peer::at(&address, ANSWER_WITHIN, Some(authority)).expect("an address").post("{}");
        assert_eq!(ask(&ours).as_deref(), Some(&b"ok"[..]));
        assert_eq!(ask(&other), None, "another authority");
        std::fs::write(&other, "no certificate").expect("written");
        let broken = Peer::at(&address, ANSWER_WITHIN, Some(&other)).map(|_| ());
        assert!(matches!(broken, Err(TerminalError::Line(LineFault::Malformed { .. }))));
    }
}
