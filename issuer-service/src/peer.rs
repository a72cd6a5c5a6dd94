//! Who may speak with the centre over TLS: stations, and later terminals and institutions. One operator enrols, another certifies.
//!
//! Owns: the table of states, enrolling a request, certifying, revoking; who a certificate belongs to.
//! Never: makes or sees the private key of a peer; trusts a certificate that the database does not know.

mod failure;

use serde::Serialize;

pub use failure::PeerError;

use crate::audit::Act;
use crate::clock;
use crate::lang::Lang;
use crate::operator::{Role, is_name};
use crate::output::Show;
use crate::state::{State, states, word};
use crate::store::{Store, Tx};
use crate::vault::VaultError;
use crate::vault::authority::{self, Asked, Authority};

states! {
    /// A certificate.
    "certificate" CertificateState {
        /// The request is here; nobody has certified it.
        Enrolled = "enrolled" "已登记",
        /// Its holder is served until it expires.
        Certified = "certified" "已签发",
        /// Its holder is refused.
        Revoked = "revoked" "已吊销",
    }
    /// Moves of a certificate.
    CertificateMove {
        /// By an operator with role keys who did not enrol it.
        Certify: Enrolled => Certified,
        /// By an operator with role station or keys.
        Revoke: Certified => Revoked,
        /// The same, of a request that is not to be certified.
        Refuse: Enrolled => Revoked,
    }
}

/// A certificate as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// Number.
    pub number: i64,
    /// What its holder is: `station`.
    pub role: String,
    /// Its holder's name.
    pub name: String,
    /// State.
    pub state: String,
    /// SHA-256 of its key, hex.
    pub public_key: String,
    /// Who enrolled it.
    pub maker: String,
    /// Who certified it.
    pub checker: Option<String>,
    /// UTC instant of its end.
    pub valid_until: Option<String>,
}

/// Several certificates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Certificates {
    /// In order of number.
    pub certificates: Vec<Certificate>,
}

/// What a peer's certificate is good for: [`Certificate::role`] of stations.
pub const STATION: &str = "station";

/// Takes a certificate request down.
///
/// # Errors
/// [`PeerError`].
pub fn enrol(store: &mut Store, name: &str, pem: &str, operator: Option<&str>) -> Result<Certificate, PeerError> {
    if !is_name(name) {
        return Err(PeerError::NameInvalid { name: name.to_owned() });
    }
    let asked = Asked::read(pem).ok_or(PeerError::RequestMalformed)?;
    if !asked.is_p256() {
        return Err(PeerError::KeyKind);
    }
    let public_key = asked.public_key();
    store.act(|tx| {
        let maker = tx.require(operator, Role::Station)?;
        if tx.certificate_of_key(&public_key)?.is_some() {
            return Err(PeerError::KeyKnown);
        }
        let number = tx.add_certificate(STATION, name, pem, &public_key, &maker)?;
        let act = Act {
            actor: maker,
            act: "station.enrol",
            object: format!("station {name}"),
            detail: format!("certificate {number}, key {public_key}"),
        };
        Ok((found(tx, number)?, act))
    })
}

/// What an operator wants to certify.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Name of the station.
    pub name: &'a str,
    /// SHA-256 of its key, hex, as two people have compared it: blanks and colons do not matter.
    pub key: &'a str,
    /// Days that the certificate is good for.
    pub days: u32,
}

/// Refuses what [`certify`] would, before anything is made for it.
///
/// # Errors
/// [`PeerError`].
pub fn may_certify(store: &mut Store, wanted: &Wanted<'_>, operator: Option<&str>) -> Result<(), PeerError> {
    store.read(|tx| {
        let checker = tx.require(operator, Role::Keys)?;
        asked(tx, wanted, &checker).map(drop)
    })
}

/// Records the centre's certificate authority, which `seal` writes down.
///
/// # Errors
/// [`PeerError`].
pub fn create_authority(
    store: &mut Store,
    authority: &Authority,
    operator: Option<&str>,
    seal: impl FnOnce() -> Result<(), VaultError>,
) -> Result<(), PeerError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Keys)?;
        seal()?;
        let detail = format!("certificate {}", authority::fingerprint(authority.certificate()));
        Ok(((), Act { actor, act: "authority.create", object: "certificate authority".to_owned(), detail }))
    })
}

/// Certifies the request of a station that another operator enrolled: the certificate and the authority's, PEM.
///
/// # Errors
/// [`PeerError`].
pub fn certify(
    store: &mut Store,
    authority: &Authority,
    wanted: &Wanted<'_>,
    operator: Option<&str>,
) -> Result<(Certificate, String), PeerError> {
    let Wanted { name, days, .. } = *wanted;
    store.act(|tx| {
        let checker = tx.require(operator, Role::Keys)?;
        let (certificate, asked) = asked(tx, wanted, &checker)?;
        let certified = authority.certify(asked, STATION, name, i64::from(days))?;
        let until = clock::instant(clock::seconds() + u64::from(days) * 86_400);
        tx.certify(certificate.number, &checker, &certified, &until)?;
        let detail = format!("certificate {}, key {}, until {until}", certificate.number, certificate.public_key);
        let act = Act { actor: checker, act: "station.certify", object: format!("station {name}"), detail };
        Ok(((found(tx, certificate.number)?, certified.chain), act))
    })
}

/// The request that waits under a name with the key that was compared.
fn asked(tx: &Tx<'_>, wanted: &Wanted<'_>, checker: &str) -> Result<(Certificate, Asked), PeerError> {
    let name = || wanted.name.to_owned();
    let waiting = tx.certificates_of(STATION, wanted.name)?;
    let waiting: Vec<_> = waiting.into_iter().filter(|one| one.state == CertificateState::Enrolled.name()).collect();
    if waiting.is_empty() {
        return Err(PeerError::NotEnrolled { name: name() });
    }
    let key: String = wanted.key.chars().filter(char::is_ascii_hexdigit).collect();
    let same = |one: &Certificate| one.public_key.eq_ignore_ascii_case(&key);
    let found = waiting.into_iter().find(same).ok_or_else(|| PeerError::KeyDiffers { name: name() })?;
    if found.maker == checker {
        return Err(PeerError::MakerIsChecker { name: name() });
    }
    let pem = tx.certificate_request(found.number)?;
    let asked = Asked::read(&pem).ok_or(PeerError::RequestMalformed)?;
    if asked.is_p256() { Ok((found, asked)) } else { Err(PeerError::KeyKind) }
}

/// The newest certificate of a station that is not revoked, and the authority's, PEM: no secret, and lost easily.
///
/// # Errors
/// [`PeerError::NoCertificate`].
pub fn chain(store: &mut Store, name: &str) -> Result<(Certificate, String), PeerError> {
    store.read(|tx| {
        let certified = tx.certificates_of(STATION, name)?;
        let newest = certified.into_iter().rfind(|one| one.state == CertificateState::Certified.name());
        let chain = newest.as_ref().map(|one| tx.certificate_chain(one.number)).transpose()?.flatten();
        newest.zip(chain).ok_or_else(|| PeerError::NoCertificate { name: name.to_owned() })
    })
}

/// Revokes every certificate of a station. What was on lease to it is free; cards that it has begun go on at the centre.
///
/// # Errors
/// [`PeerError`].
pub fn revoke(
    store: &mut Store,
    name: &str,
    reason: &str,
    operator: Option<&str>,
) -> Result<Vec<Certificate>, PeerError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Station).or_else(|_| tx.require(operator, Role::Keys))?;
        let open = tx.certificates_of(STATION, name)?;
        let open: Vec<_> = open.into_iter().filter(|one| one.state != CertificateState::Revoked.name()).collect();
        if open.is_empty() {
            return Err(PeerError::NotFound { name: name.to_owned() });
        }
        for one in &open {
            let certified = one.state == CertificateState::Certified.name();
            tx.move_certificate(one.number, if certified { CertificateMove::Revoke } else { CertificateMove::Refuse })?;
        }
        let freed = tx.free_leases(name)?;
        tx.end_station_runs(name)?;
        let detail = format!("{} certificates, {freed} jobs free again: {reason}", open.len());
        let act = Act { actor, act: "station.revoke", object: format!("station {name}"), detail };
        Ok((tx.certificates_of(STATION, name)?, act))
    })
}

fn found(tx: &Tx<'_>, number: i64) -> Result<Certificate, PeerError> {
    tx.certificate(number)?.ok_or(PeerError::NotFound { name: number.to_string() })
}

impl Show for Certificate {
    fn text(&self, lang: Lang) -> String {
        let Self { number, name, state, public_key, maker, checker, valid_until, .. } = self;
        let state = word(&CertificateState::TABLE, state, lang);
        let (checker, until) = (checker.as_deref().unwrap_or("-"), valid_until.as_deref().unwrap_or("-"));
        lang.pick(
            format!("证书 {number}: 工位 {name}，{state}，登记 {maker}，签发 {checker}，有效至 {until}\n  密钥 {public_key}"),
            format!(
                "certificate {number}: station {name}, {state}, enrolled by {maker}, certified by {checker}, valid until {until}\n  key {public_key}"
            ),
        )
    }
}

impl Show for Certificates {
    fn text(&self, lang: Lang) -> String {
        if self.certificates.is_empty() {
            return lang.pick("没有登记的工位", "no station is enrolled").to_owned();
        }
        self.certificates.iter().map(|one| one.text(lang)).collect::<Vec<_>>().join("\n")
    }
}
