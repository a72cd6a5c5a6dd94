//! Who may speak with the centre over TLS: stations, terminals, and programs that ask for an operator. One operator enrols, another certifies.
//!
//! Owns: the table of states, enrolling a request, certifying, revoking; who a certificate belongs to.
//! Never: makes or sees the private key of a peer; trusts a certificate that the database does not know.

mod failure;

use serde::Serialize;
use settlement::id::TerminalNumber;

pub use failure::PeerError;

use crate::audit::Act;
use crate::clock;
use crate::lang::Lang;
use crate::operator::{Operator, OperatorError, Role, is_name};
use crate::output::Show;
use crate::query::Channel;
use crate::state::{State, states, word};
use crate::store::{Store, StoreError, Tx};
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
    /// What its holder is: `station`, `client`, `terminal`.
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
    /// What a program asks about people through; none for one that asks nothing about them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
}

/// Several certificates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Certificates {
    /// In order of number.
    pub certificates: Vec<Certificate>,
}

/// What a peer's certificate is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A station elsewhere.
    Station,
    /// A program that asks for the operator whose name it has.
    Client,
    /// A terminal, whose name is its number.
    Terminal,
}

impl Kind {
    /// [`Certificate::role`].
    #[must_use]
    pub const fn role(self) -> &'static str {
        match self {
            Self::Station => STATION,
            Self::Client => CLIENT,
            Self::Terminal => TERMINAL,
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn word(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Station, Lang::Zh) => "工位",
            (Self::Client, Lang::Zh) => "客户端",
            (Self::Terminal, Lang::Zh) => "终端",
            (kind, Lang::En) => kind.role(),
        }
    }

    /// Who may enrol and revoke one.
    const fn keeper(self) -> Role {
        match self {
            Self::Station => Role::Station,
            Self::Client => Role::Manage,
            Self::Terminal => Role::Clearing,
        }
    }

    const fn acts(self) -> [&'static str; 3] {
        match self {
            Self::Station => ["station.enrol", "station.certify", "station.revoke"],
            Self::Client => ["client.enrol", "client.certify", "client.revoke"],
            Self::Terminal => ["terminal.enrol", "terminal.certify", "terminal.revoke"],
        }
    }
}

/// [`Certificate::role`] of stations.
pub const STATION: &str = "station";
/// [`Certificate::role`] of programs.
pub const CLIENT: &str = "client";

/// [`Certificate::role`] of terminals.
pub const TERMINAL: &str = "terminal";

/// Takes a certificate request down.
///
/// # Errors
/// [`PeerError`].
pub fn enrol(store: &mut Store, name: &str, pem: &str, operator: Option<&str>) -> Result<Certificate, PeerError> {
    enrol_as(store, (Kind::Station, name), pem, operator)
}

/// As [`enrol`], for a station, for a program, whose name is that of a registered operator, or for a registered terminal.
///
/// # Errors
/// [`PeerError`].
pub fn enrol_as(
    store: &mut Store,
    (kind, name): (Kind, &str),
    pem: &str,
    operator: Option<&str>,
) -> Result<Certificate, PeerError> {
    enrol_for(store, (kind, name), None, pem, operator)
}

/// As [`enrol_as`], for a program that asks about people through a channel: it is a property of its certificate.
///
/// # Errors
/// [`PeerError`].
pub fn enrol_for(
    store: &mut Store,
    (kind, name): (Kind, &str),
    channel: Option<Channel>,
    pem: &str,
    operator: Option<&str>,
) -> Result<Certificate, PeerError> {
    if !is_name(name) {
        return Err(PeerError::NameInvalid { kind, name: name.to_owned() });
    }
    let asked = Asked::read(pem).ok_or(PeerError::RequestMalformed)?;
    if !asked.is_p256() {
        return Err(PeerError::KeyKind);
    }
    let public_key = asked.public_key();
    store.act(|tx| {
        let maker = tx.require(operator, kind.keeper())?;
        if kind == Kind::Client && tx.operator(name)?.is_none() {
            return Err(OperatorError::Unknown { name: name.to_owned() }.into());
        }
        if kind == Kind::Terminal && terminal(tx, name)?.is_none() {
            return Err(PeerError::TerminalUnknown { name: name.to_owned() });
        }
        if tx.certificate_of_key(&public_key)?.is_some() {
            return Err(PeerError::KeyKnown);
        }
        let number = tx.add_certificate(kind.role(), name, pem, &public_key, &maker)?;
        if let Some(channel) = channel {
            tx.set_channel(number, channel)?;
        }
        let through = channel.map_or_else(String::new, |channel| format!(", channel {}", channel.name()));
        let act = Act {
            actor: maker,
            act: kind.acts()[0],
            object: format!("{} {name}", kind.role()),
            detail: format!("certificate {number}, key {public_key}{through}"),
        };
        Ok((found(tx, number)?, act))
    })
}

/// What an operator wants to certify.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// What its holder is.
    pub kind: Kind,
    /// Its name.
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

/// What tells this centre from others: the certificate of its authority, which leaves the house in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuthorityShown {
    /// SHA-256 of the certificate, hex.
    pub fingerprint: String,
}

impl Show for AuthorityShown {
    fn text(&self, lang: Lang) -> String {
        let print = &self.fingerprint;
        lang.pick(
            format!("本中心证书机构的证书，指纹 {print}"),
            format!("certificate of this centre's authority, {print}"),
        )
    }
}

/// Records that the authority's certificate is given out; its fingerprint.
///
/// # Errors
/// [`PeerError`].
pub fn show_authority(
    store: &mut Store,
    authority: &Authority,
    operator: Option<&str>,
) -> Result<AuthorityShown, PeerError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Keys)?;
        let fingerprint = authority::fingerprint(authority.certificate());
        let detail = format!("certificate {fingerprint}");
        let act = Act { actor, act: "authority.show", object: "certificate authority".to_owned(), detail };
        Ok((AuthorityShown { fingerprint }, act))
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
    let Wanted { kind, name, days, .. } = *wanted;
    store.act(|tx| {
        let checker = tx.require(operator, Role::Keys)?;
        let (certificate, asked) = asked(tx, wanted, &checker)?;
        let certified = authority.certify(asked, kind.role(), name, i64::from(days))?;
        let until = clock::instant(clock::seconds() + u64::from(days) * 86_400);
        tx.certify(certificate.number, &checker, &certified, &until)?;
        let detail = format!("certificate {}, key {}, until {until}", certificate.number, certificate.public_key);
        let object = format!("{} {name}", kind.role());
        let act = Act { actor: checker, act: kind.acts()[1], object, detail };
        Ok(((found(tx, certificate.number)?, certified.chain), act))
    })
}

/// The request that waits under a name with the key that was compared.
fn asked(tx: &Tx<'_>, wanted: &Wanted<'_>, checker: &str) -> Result<(Certificate, Asked), PeerError> {
    let (kind, name) = (wanted.kind, || wanted.name.to_owned());
    let waiting = tx.certificates_of(kind.role(), wanted.name)?;
    let waiting: Vec<_> = waiting.into_iter().filter(|one| one.state == CertificateState::Enrolled.name()).collect();
    if waiting.is_empty() {
        return Err(PeerError::NotEnrolled { kind, name: name() });
    }
    let key: String = wanted.key.chars().filter(char::is_ascii_hexdigit).collect();
    let same = |one: &Certificate| one.public_key.eq_ignore_ascii_case(&key);
    let found = waiting.into_iter().find(same).ok_or_else(|| PeerError::KeyDiffers { kind, name: name() })?;
    if found.maker == checker {
        return Err(PeerError::MakerIsChecker { kind, name: name() });
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
    revoke_as(store, (Kind::Station, name), reason, operator)
}

/// As [`revoke`], for a station, a program or a terminal.
///
/// # Errors
/// [`PeerError`].
pub fn revoke_as(
    store: &mut Store,
    (kind, name): (Kind, &str),
    reason: &str,
    operator: Option<&str>,
) -> Result<Vec<Certificate>, PeerError> {
    store.act(|tx| {
        let actor = tx.require_one(operator, &[kind.keeper(), Role::Keys])?;
        let open = tx.certificates_of(kind.role(), name)?;
        let open: Vec<_> = open.into_iter().filter(|one| one.state != CertificateState::Revoked.name()).collect();
        if open.is_empty() {
            return Err(PeerError::NotFound { kind, name: name.to_owned() });
        }
        for one in &open {
            let certified = one.state == CertificateState::Certified.name();
            tx.move_certificate(one.number, if certified { CertificateMove::Revoke } else { CertificateMove::Refuse })?;
        }
        let mut detail = format!("{} certificates", open.len());
        if kind == Kind::Station {
            let freed = tx.free_leases(name)?;
            tx.end_station_runs(name)?;
            detail += &format!(", {freed} jobs free again");
        }
        let act = Act {
            actor,
            act: kind.acts()[2],
            object: format!("{} {name}", kind.role()),
            detail: format!("{detail}: {reason}"),
        };
        Ok((tx.certificates_of(kind.role(), name)?, act))
    })
}

/// A registered terminal of this name: its number as it is written everywhere.
fn terminal(tx: &Tx<'_>, name: &str) -> Result<Option<TerminalNumber>, StoreError> {
    let Some(number) = TerminalNumber::parse(name).ok().filter(|number| number.to_string() == name) else {
        return Ok(None);
    };
    Ok(tx.terminal(number)?.map(|known| known.number))
}

/// Why the holder of a certificate is no terminal of this centre.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTerminal {
    /// The certificate is not known, or was made for something else.
    Unknown,
    /// It was revoked.
    Revoked,
    /// It is past its end.
    Expired,
}

/// The terminal whose certificate this is, while it is certified and not at its end.
///
/// # Errors
/// [`StoreError`]; what is wrong with the certificate is an answer.
pub fn terminal_of(tx: &Tx<'_>, fingerprint: &str) -> Result<Result<TerminalNumber, NoTerminal>, StoreError> {
    let Some(known) = tx.certificate_of(fingerprint)?.filter(|one| one.role == TERMINAL) else {
        return Ok(Err(NoTerminal::Unknown));
    };
    if known.state != CertificateState::Certified.name() {
        return Ok(Err(NoTerminal::Revoked));
    }
    // TLS has looked at it when the connection began; that may be long ago.
    if known.valid_until.is_none_or(|until| until < clock::now()) {
        return Ok(Err(NoTerminal::Expired));
    }
    Ok(TerminalNumber::parse(&known.name).map_err(|_| NoTerminal::Unknown))
}

/// The operator for whom the holder of a certificate asks, and its channel, while it is certified and not at its end.
///
/// # Errors
/// [`StoreError`].
pub fn client(tx: &Tx<'_>, fingerprint: &str) -> Result<Option<(Operator, Option<Channel>)>, StoreError> {
    let known = tx.certificate_of(fingerprint)?.filter(|one| one.role == CLIENT);
    // TLS has looked at it when the connection began; that may be long ago.
    let now = clock::now();
    let good = known.filter(|one| {
        one.state == CertificateState::Certified.name() && one.valid_until.as_ref().is_some_and(|until| *until >= now)
    });
    match good {
        Some(certificate) => Ok(tx.operator(&certificate.name)?.map(|operator| (operator, certificate.channel))),
        None => Ok(None),
    }
}

fn found(tx: &Tx<'_>, number: i64) -> Result<Certificate, PeerError> {
    tx.certificate(number)?.ok_or(PeerError::NotFound { kind: Kind::Station, name: number.to_string() })
}

impl Show for Certificate {
    fn text(&self, lang: Lang) -> String {
        let Self { number, role, name, state, public_key, maker, checker, valid_until, channel } = self;
        let through = channel.map_or_else(String::new, |channel| {
            lang.pick(format!("，渠道 {}", channel.name()), format!(", channel {}", channel.name()))
        });
        let holder = match role.as_str() {
            CLIENT => Kind::Client,
            TERMINAL => Kind::Terminal,
            _ => Kind::Station,
        }
        .word(lang);
        let state = word(&CertificateState::TABLE, state, lang);
        let (checker, until) = (checker.as_deref().unwrap_or("-"), valid_until.as_deref().unwrap_or("-"));
        lang.pick(
            format!("证书 {number}: {holder} {name}{through}，{state}，登记 {maker}，签发 {checker}，有效至 {until}\n  密钥 {public_key}"),
            format!(
                "certificate {number}: {holder} {name}{through}, {state}, enrolled by {maker}, certified by {checker}, valid until {until}\n  key {public_key}"
            ),
        )
    }
}

impl Show for Certificates {
    fn text(&self, lang: Lang) -> String {
        if self.certificates.is_empty() {
            return lang.pick("没有登记的证书", "no certificate is enrolled").to_owned();
        }
        self.certificates.iter().map(|one| one.text(lang)).collect::<Vec<_>>().join("\n")
    }
}
