//! The centre's own certificate authority: who speaks with the centre over TLS has a certificate from here.
//!
//! Source: X.509 (RFC 5280), ECDSA P-256 (FIPS 186-5), certificate requests (RFC 2986).
//! Owns: the authority's key, sealed under the vault's passphrase; what stands in a certificate.
//! Never: makes a key for somebody else: a station's key stays where it was made.

use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SerialNumber,
};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use super::{VaultError, seal};

/// Kind that the head of the file states.
const KIND: &str = "authority";
/// Days that the authority's own certificate is good for: longer than any card.
const AUTHORITY_DAYS: i64 = 20 * 365;
/// Days that the certificate of a serving centre is good for; it is made anew at each start.
const SERVER_DAYS: i64 = 730;
/// Clocks of stations may be behind by so much: set to another day, or to another zone.
const CLOCK_SLACK: Duration = Duration::hours(48);
/// How the public key of P-256 begins, uncompressed (RFC 5480): what the curve's name says of itself, a request may say of any key.
const P256: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE,
    0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];
/// Longest certificate request that is read, bytes.
pub const REQUEST_BYTES_MAX: usize = 8_192;

/// An open authority.
pub struct Authority {
    key: KeyPair,
    certificate: CertificateDer<'static>,
    pem: String,
}

/// A certificate for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certified {
    /// The certificate and that of the authority, PEM.
    pub chain: String,
    /// SHA-256 of the certificate, hex.
    pub fingerprint: String,
}

/// A certificate request that was read.
pub struct Asked {
    params: CertificateSigningRequestParams,
}

impl Authority {
    /// A new authority.
    ///
    /// # Errors
    /// [`VaultError::NoRandom`].
    pub fn random(centre: &str) -> Result<Self, VaultError> {
        let key = KeyPair::generate().map_err(|_| VaultError::NoRandom)?;
        let mut params = params(&format!("issuance centre {centre}"), AUTHORITY_DAYS)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(|_| VaultError::NoRandom)?;
        Ok(Self { certificate: certificate.der().clone(), pem: certificate.pem(), key })
    }

    /// Opens the file of the authority.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn open(path: &Path, passphrase: &str) -> Result<Self, VaultError> {
        let (kind, body) = seal::open_body(path, passphrase)?;
        let authority = if kind == KIND { Self::unpack(&body) } else { None };
        authority.ok_or_else(|| VaultError::Malformed { path: path.to_owned() })
    }

    /// Writes a new file, readable by its owner alone.
    ///
    /// # Errors
    /// [`VaultError::File`], also when the file exists.
    pub fn seal_file(&self, path: &Path, passphrase: &str) -> Result<(), VaultError> {
        let key = Zeroizing::new(self.key.serialize_der());
        let length = u32::try_from(self.pem.len()).unwrap_or(u32::MAX);
        let body = [&length.to_be_bytes()[..], self.pem.as_bytes(), &key].concat();
        seal::write_body(path, passphrase, KIND, Zeroizing::new(body))
    }

    /// A certificate for the key of a request: for connecting to the centre and nothing else.
    ///
    /// # Errors
    /// [`VaultError::NoRandom`].
    pub fn certify(&self, asked: Asked, role: &str, name: &str, days: i64) -> Result<Certified, VaultError> {
        let mut request = asked.params;
        // Nothing of what the request wants to be is taken over: only its key.
        request.params = params(name, days)?;
        request.params.distinguished_name.push(DnType::OrganizationalUnitName, role);
        request.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        request.params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let signed = request.signed_by(&self.issuer()?).map_err(|_| VaultError::NoRandom)?;
        let chain = format!("{}{}", signed.pem(), self.pem);
        Ok(Certified { chain, fingerprint: fingerprint(signed.der()) })
    }

    /// A fresh key and certificate for a centre that serves under these names, and the authority's certificate.
    ///
    /// # Errors
    /// [`VaultError::NoRandom`], also for a name that is none.
    pub fn server(
        &self,
        names: &[String],
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), VaultError> {
        let key = KeyPair::generate().map_err(|_| VaultError::NoRandom)?;
        let mut params = params("issuer serve", SERVER_DAYS)?;
        let named = CertificateParams::new(names.to_vec()).map_err(|_| VaultError::NoRandom)?;
        params.subject_alt_names = named.subject_alt_names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let signed = params.signed_by(&key, &self.issuer()?).map_err(|_| VaultError::NoRandom)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok((vec![signed.der().clone(), self.certificate.clone()], key))
    }

    /// The authority's certificate.
    #[must_use]
    pub const fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The same, PEM: what browsers and programs are to trust.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    fn issuer(&self) -> Result<Issuer<'_, &KeyPair>, VaultError> {
        Issuer::from_ca_cert_der(&self.certificate, &self.key).map_err(|_| VaultError::NoRandom)
    }

    fn unpack(body: &[u8]) -> Option<Self> {
        let (length, rest) = body.split_first_chunk::<4>()?;
        let (pem, key) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        let certificate = CertificateDer::from_pem_slice(pem).ok()?;
        Some(Self { key: KeyPair::try_from(key).ok()?, certificate, pem: String::from_utf8(pem.to_vec()).ok()? })
    }
}

impl Asked {
    /// Reads a request, PEM; `None` when it is none, or not signed by the key in it.
    #[must_use]
    pub fn read(pem: &str) -> Option<Self> {
        let params = (pem.len() <= REQUEST_BYTES_MAX).then(|| CertificateSigningRequestParams::from_pem(pem).ok());
        Some(Self { params: params.flatten()? })
    }

    /// Whether its key is of the one kind that is certified.
    #[must_use]
    pub fn is_p256(&self) -> bool {
        self.params.public_key.subject_public_key_info().starts_with(&P256)
    }

    /// SHA-256 of its key, hex: what two people read to each other.
    #[must_use]
    pub fn public_key(&self) -> String {
        hex::encode_upper(digest(&SHA256, &self.params.public_key.subject_public_key_info()))
    }
}

/// A fresh key and a request for a certificate of it, PEM. The key is not kept here.
///
/// # Errors
/// [`VaultError::NoRandom`].
pub fn request(name: &str) -> Result<(Zeroizing<String>, String), VaultError> {
    let key = KeyPair::generate().map_err(|_| VaultError::NoRandom)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let request = params.serialize_request(&key).and_then(|request| request.pem());
    Ok((Zeroizing::new(key.serialize_pem()), request.map_err(|_| VaultError::NoRandom)?))
}

/// SHA-256 of a certificate, hex.
#[must_use]
pub fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    hex::encode_upper(digest(&SHA256, certificate))
}

fn params(name: &str, days: i64) -> Result<CertificateParams, VaultError> {
    let mut serial = [0; 16];
    SystemRandom::new().fill(&mut serial).map_err(|_| VaultError::NoRandom)?;
    // Positive, and of one length.
    serial[0] = serial[0] & 0x7F | 0x40;
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = OffsetDateTime::now_utc() - CLOCK_SLACK;
    params.not_after = OffsetDateTime::now_utc() + Duration::days(days);
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority(..)")
    }
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Asked(..)")
    }
}
