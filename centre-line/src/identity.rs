//! The terminal's key and certificate for its line to the centre: made here, certified there, taken over whole.
//!
//! ```text
//! request      a fresh key and a certificate request (PKCS#10) lie in line-request.pem; the request alone leaves
//! certificate  the certificate comes back: it replaces line.pem, with its key, in one rename; until then the old one holds
//! ```
//! Source: RFC 2986, RFC 5280; ECDSA P-256, as the centre certifies.
//! Owns: both files (mode 0600), that key and certificate belong together. Never: shows the key; sends anything (`http`).

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PublicKeyData as _};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use settlement::id::{Digest, TerminalNumber};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};
use zeroize::Zeroizing;

use card_counter::error::{LineFault, TerminalError};

/// Key and request that wait for their certificate.
const REQUEST_FILE: &str = "line-request.pem";
/// Key, certificate and the authority's certificate.
const LINE_FILE: &str = "line.pem";
/// Longest file of these.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// What the terminal shows at the centre's edge, and whom it takes for the centre.
pub struct Identity {
    key: Zeroizing<String>,
    certificate: CertificateDer<'static>,
    authority: CertificateDer<'static>,
}

/// A request that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requested {
    /// PKCS#10, PEM: what the centre gets.
    pub pem: String,
    /// SHA-256 of the key in it: what two people read to each other.
    pub key: Digest,
}

/// Makes a key and a request for it; one that waits already is shown again. The certificate that is in force stays so.
///
/// # Errors
/// [`LineFault::File`]; [`TerminalError::Bug`] when the system has no random bytes.
pub fn request(folder: &Path, terminal: TerminalNumber) -> Result<Requested, TerminalError> {
    if let Some(text) = read(folder, REQUEST_FILE)?
        && let Some(waiting) = waiting(&text)
    {
        return Ok(waiting);
    }
    let no_random = |_| TerminalError::Bug("the system gives random bytes");
    let key = KeyPair::generate().map_err(no_random)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, terminal.to_string());
    let pem = params.serialize_request(&key).and_then(|request| request.pem()).map_err(no_random)?;
    let text = Zeroizing::new(format!("{}{pem}", key.serialize_pem()));
    write(folder, REQUEST_FILE, &text)?;
    waiting(&text).ok_or(TerminalError::Bug("a request that was just made reads back"))
}

/// Takes a certificate over that the centre made of the waiting request, or the one that is in force again.
///
/// # Errors
/// [`LineFault::Malformed`], [`LineFault::NotOurs`], [`LineFault::File`]; what is in force stays.
pub fn take_over(folder: &Path, chain: &str, place: &str) -> Result<Identity, TerminalError> {
    let waiting = read(folder, REQUEST_FILE)?;
    let in_force = read(folder, LINE_FILE)?;
    let keys = [waiting, in_force].into_iter().flatten().filter_map(|text| key_of(&text));
    let is_chain = certificates(chain).is_some();
    let taken = keys.into_iter().find_map(|key| Some((Identity::of(&key, chain)?, key)));
    let (identity, key) = match (taken, is_chain) {
        (Some(taken), _) => taken,
        (None, true) => return Err(LineFault::NotOurs { path: place.to_owned() }.into()),
        (None, false) => return Err(LineFault::Malformed { path: place.to_owned() }.into()),
    };
    write(folder, LINE_FILE, &Zeroizing::new(format!("{}{chain}", *key)))?;
    // The request has its certificate. Where it cannot be removed the same certificate is taken over again, or a new request made.
    let _ = std::fs::remove_file(folder.join(REQUEST_FILE));
    Ok(identity)
}

/// The identity in force.
///
/// # Errors
/// [`LineFault::NoCertificate`], [`LineFault::Malformed`], [`LineFault::File`].
pub fn load(folder: &Path) -> Result<Identity, TerminalError> {
    let text = read(folder, LINE_FILE)?.ok_or(LineFault::NoCertificate)?;
    let malformed = || LineFault::Malformed { path: folder.join(LINE_FILE).display().to_string() };
    let key = key_of(&text).ok_or_else(malformed)?;
    Ok(Identity::of(&key, &text).ok_or_else(malformed)?)
}

impl Identity {
    fn of(key: &str, chain: &str) -> Option<Self> {
        let (certificate, authority) = certificates(chain)?;
        let own = PrivateKeyDer::from_pem_slice(key.as_bytes()).ok()?;
        // The TLS client takes it for granted that key and certificate belong together.
        let provider = rustls::crypto::ring::default_provider();
        CertifiedKey::from_der(vec![certificate.clone()], own, &provider).ok()?;
        Some(Self { key: Zeroizing::new(key.to_owned()), certificate, authority })
    }

    /// SHA-256 of the certificate: as the centre lists it.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        Digest::of(&self.certificate)
    }

    /// What a TLS client shows, and whom it believes.
    ///
    /// # Errors
    /// [`TerminalError::Bug`]: the key was read before.
    pub fn tls(&self) -> Result<TlsConfig, TerminalError> {
        let own = |der: &CertificateDer<'_>| Certificate::from_der(der).to_owned();
        let key = PrivateKey::from_pem(self.key.as_bytes()).map_err(|_| TerminalError::Bug("the line's key reads"))?;
        Ok(TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::new_with_certs(&[own(&self.authority)]))
            .client_cert(Some(ClientCert::new_with_certs(&[own(&self.certificate)], key)))
            .build())
    }
}

/// A TLS client that shows nothing and believes who has a certificate of an authority of this PEM file.
///
/// # Errors
/// [`LineFault::Malformed`], [`LineFault::File`].
pub fn trusting(path: &Path) -> Result<TlsConfig, TerminalError> {
    let place = path.display().to_string();
    let fail = |source| LineFault::File { path: place.clone(), source };
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| std::io::Read::read_to_string(&mut std::io::Read::take(file, FILE_BYTES_MAX), &mut text))
        .map_err(fail)?;
    let all: Vec<_> = CertificateDer::pem_slice_iter(text.as_bytes()).filter_map(Result::ok).collect();
    if all.is_empty() {
        return Err(LineFault::Malformed { path: place }.into());
    }
    let all: Vec<_> = all.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    Ok(TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&all))
        .build())
}

/// The certificate and its authority's.
fn certificates(text: &str) -> Option<(CertificateDer<'static>, CertificateDer<'static>)> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<_, _>>().ok()?;
    let [certificate, authority] = <[CertificateDer<'static>; 2]>::try_from(all).ok()?;
    Some((certificate, authority))
}

fn key_of(text: &str) -> Option<Zeroizing<String>> {
    const END: &str = "-----END PRIVATE KEY-----\n";
    let text = text.replace("\r\n", "\n");
    let end = text.find(END)? + END.len();
    let key = Zeroizing::new(text.get(..end)?.to_owned());
    drop(Zeroizing::new(text));
    Some(key)
}

fn waiting(text: &str) -> Option<Requested> {
    let key = key_of(text)?;
    let pem = text.get(key.len()..)?.to_owned();
    let pair = KeyPair::from_pem(&key).ok()?;
    Some(Requested { pem, key: Digest::of(&pair.subject_public_key_info()) })
}

fn read(folder: &Path, name: &str) -> Result<Option<Zeroizing<String>>, LineFault> {
    let path = folder.join(name);
    let fail = |source| LineFault::File { path: path.display().to_string(), source };
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(fail(source)),
        Ok(there) if there.len() > FILE_BYTES_MAX => return Err(fail(ErrorKind::FileTooLarge.into())),
        Ok(_) => {}
    }
    std::fs::read_to_string(&path).map(|text| Some(Zeroizing::new(text))).map_err(fail)
}

/// Written aside and renamed: whole or not there.
fn write(folder: &Path, name: &str, text: &str) -> Result<(), LineFault> {
    let path = folder.join(name);
    let fail = |source| LineFault::File { path: path.display().to_string(), source };
    let aside = folder.join(format!("{name}.new"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside).map_err(fail)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fail)?;
    std::fs::rename(&aside, &path).map_err(fail)?;
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(fail)
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("fingerprint", &self.fingerprint()).finish_non_exhaustive()
    }
}
