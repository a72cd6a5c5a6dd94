//! Key ceremonies (密钥仪式): several custodians make the keys of the centre, and together can bring them back.
//!
//! A generation mixes random numbers of this machine with a contribution of every custodian into one secret. Keys that
//! nobody brings are made of it, keys from above are joined from parts; all of them go into the vault as the next key set.
//! The secret is shared: any `threshold` of the custodians open the sealed backup in a restoration. A supplement makes, or takes in, only
//! the keys that card types need and the present key set lacks (ADR 98); its signed start names them, and no others are made.
//!
//! ```text
//! DIR/ceremonies/N.sealed    state of an open ceremony, sealed under the passphrase of the vault (`kept.rs`); also of a supplement that was
//!                            given up as long as a token keeps keys of it (`left.rs`)
//! DIR/ceremonies/N.backup    keys of a finished one, sealed under a key made of the shared secret
//! SHARES/share-N-NAME.toml   the share of a custodian, sealed under that custodian's own secret
//! ```
//!
//! Owns: the order of steps, who may take them, what is signed and recorded. Never: shows or stores a secret unsealed.

mod component;
mod envelope;
mod failure;
mod finish;
mod kept;
mod left;
mod protocol;
mod secrets;
mod shamir;
pub mod state;

use std::path::Path;

use card_core::security::KeyName;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::audit::Act;
use crate::centre::Centre;
use crate::clock;
use crate::operator::Role;
use crate::output::json_line;
use crate::state::State;
use crate::store::{StoreError, Tx};
use crate::vault::{EXPORT_KEY_NAME, Kind, Vault, key_names, transport_key_names};
use envelope::{Lock, Opener};
use secrets::Secrets;

pub use failure::{CeremonyError, PartsFault};
pub use protocol::Protocol;
pub use state::{CeremonyMove, CeremonyState};

/// Purpose of a ceremony that adds keys to the present key set; the table says of it what it says of a generation, and its first receipt
/// the rest.
pub(crate) const SUPPLEMENT: &str = "supplement";

/// A ceremony as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ceremony {
    /// Number.
    pub number: i64,
    /// `generate`, `supplement` or `restore`.
    pub purpose: String,
    /// `rehearsal` or `production`.
    pub kind: String,
    /// Key set that comes of it: the version of its keys.
    pub key_set: u8,
    /// How many custodians can restore.
    pub threshold: u8,
    /// State.
    pub state: String,
    /// Operator who started it.
    pub started_by: String,
    /// UTC instant.
    pub started_at: String,
    /// UTC instant.
    pub ended_at: Option<String>,
    /// Check value of the shared secret.
    pub check_value: Option<String>,
    /// In order of place.
    pub custodians: Vec<Custodian>,
}

/// A custodian (保管人) of a ceremony.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Custodian {
    /// Place of the share, from 1.
    pub place: u8,
    /// Operator.
    pub name: String,
    /// UTC instant of the contribution.
    pub contributed_at: Option<String>,
    /// Check value of the contribution; of the share once the ceremony is finished.
    pub check_value: Option<String>,
}

/// Several ceremonies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ceremonies {
    /// In order of number.
    pub ceremonies: Vec<Ceremony>,
}

/// How to start one.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// Custodians, in order of their places. Of a restoration the backup names them.
    pub custodians: &'a [String],
    /// How many of them can restore.
    pub threshold: u8,
    /// Only the keys that the card types need and the present key set lacks.
    pub missing: bool,
    /// Backup to restore.
    pub restore: Option<&'a Path>,
}

/// Head of a share file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AboutShare {
    ceremony: i64,
    kind: Kind,
    custodian: String,
    place: u8,
    threshold: u8,
    of: usize,
    check_value: String,
}

/// Head of a backup.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AboutBackup {
    ceremony: i64,
    kind: Kind,
    key_set: u8,
    threshold: u8,
    check_value: String,
    custodian: Vec<AboutCustodian>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AboutCustodian {
    name: String,
    place: u8,
    check_value: String,
}

/// What a start goes by.
struct Before {
    number: i64,
    current: Option<u8>,
    /// The highest key set of which a token kept keys.
    left: u8,
    lacking: Vec<(KeyName, u8)>,
}

/// What the first receipt of a supplement says.
#[derive(Default, Deserialize)]
struct Started {
    #[serde(default)]
    keys: Vec<String>,
}

#[derive(Serialize)]
struct Receipt<'a> {
    format: u32,
    ceremony: i64,
    kind: &'a str,
    step: &'a str,
    /// Of the start of a supplement: the keys that come of it.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    keys: &'a [String],
    by: &'a str,
    check_value: &'a str,
    at: String,
}

/// A ceremony at work: the centre, its signing key, the passphrase under which the state is sealed.
#[derive(Debug)]
pub struct Room<'a> {
    /// The centre.
    pub centre: &'a mut Centre,
    /// The vault; only [`Room::finish`], and [`Room::cancel`] behind one that was cut short, need its keys.
    pub vault: &'a Vault,
    /// Passphrase of the vault.
    pub passphrase: &'a Zeroizing<String>,
    /// Who acts.
    pub operator: Option<&'a str>,
}

impl Room<'_> {
    /// Starts a ceremony.
    ///
    /// # Errors
    /// [`CeremonyError`].
    pub fn start(&mut self, start: &Start<'_>) -> Result<Ceremony, CeremonyError> {
        let kind = self.vault.kind();
        // Nobody starts another one meanwhile, and as long as none is open the key set stays as it is.
        let _lock = self.centre.lock("ceremony-start")?;
        let Before { number, current, left, lacking } = self.before(start.missing)?;
        let (purpose, key_set, threshold, names) = match start.restore {
            None if start.missing => match current.filter(|_| !lacking.is_empty()) {
                Some(current) => (SUPPLEMENT, current, start.threshold, start.custodians.to_vec()),
                None => return Err(CeremonyError::NothingMissing { key_set: current }),
            },
            None => {
                // Other keys of that version are on the token for good.
                let next = current.unwrap_or(0).max(left).checked_add(1).ok_or(CeremonyError::VersionsExhausted)?;
                ("generate", next, start.threshold, start.custodians.to_vec())
            }
            Some(backup) => {
                let about: AboutBackup = envelope::about(backup, "backup")?;
                if about.kind != kind {
                    return Err(kind_differs(about.kind, kind));
                }
                let mut named = about.custodian;
                named.sort_by_key(|custodian| custodian.place);
                ("restore", about.key_set, about.threshold, named.into_iter().map(|of| of.name).collect())
            }
        };
        let repeated =
            names.iter().enumerate().any(|(index, name)| names.iter().take(index).any(|other| other == name));
        if threshold < 2 || names.len() > 255 || usize::from(threshold) > names.len() || repeated {
            return Err(CeremonyError::Numbers { threshold, count: names.len() });
        }
        let secrets = Secrets::new()?;
        let (vault, operator) = (self.vault, self.operator);
        if let Some(backup) = start.restore {
            let text = std::fs::read_to_string(backup)
                .map_err(|source| CeremonyError::File { path: backup.to_owned(), source })?;
            envelope::place(&self.path(number, "restore"), &text)?;
        }
        let ceremony = self.step(number, &secrets, |tx| {
            let operator = tx.require(operator, Role::Keys)?;
            for name in &names {
                tx.require(Some(name), Role::Keys)?;
            }
            let ceremony = Ceremony {
                number,
                purpose: purpose.to_owned(),
                kind: kind.to_string(),
                key_set,
                threshold,
                state: CeremonyState::Open.name().to_owned(),
                started_by: operator.clone(),
                started_at: clock::now(),
                ended_at: None,
                check_value: None,
                custodians: (1..).zip(&names).map(|(place, name)| Custodian::new(place, name)).collect(),
            };
            tx.add_ceremony(&ceremony).map_err(|error| match error {
                StoreError::Conflict { .. } => CeremonyError::OpenAlready,
                error => error.into(),
            })?;
            let keys = titles(&lacking);
            sign_naming(tx, vault, &ceremony, (purpose, &keys), &operator, "")?;
            let keys = if keys.is_empty() { String::new() } else { format!(": {}", keys.join(", ")) };
            let detail = format!("{purpose} {kind} key set {key_set}, {threshold} of {}{keys}", names.len());
            Ok((ceremony, act(operator, "ceremony.start", number, detail)))
        })?;
        self.centre.sign_checkpoint(self.vault, &ceremony.started_by)?;
        Ok(ceremony)
    }

    /// Takes the contribution of the custodian who acts; `secret` will protect the custodian's share, `typed` adds to the
    /// random numbers. In a restoration `share` is the share, which `secret` opens.
    ///
    /// # Errors
    /// [`CeremonyError`].
    pub fn contribute(&mut self, secret: &str, typed: &str, share: Option<&Path>) -> Result<Ceremony, CeremonyError> {
        let (ceremony, _lock, mut secrets) = self.open_to_bring()?;
        let custodian = self.custodian(&ceremony)?;
        if custodian.contributed_at.is_some() {
            return Err(CeremonyError::Contributed { name: custodian.name });
        }
        if secret.chars().count() < SECRET_CHARACTERS_MIN {
            return Err(CeremonyError::SecretShort);
        }
        let check_value = match (ceremony.purpose.as_str(), share) {
            ("restore", Some(path)) => self.take_share(&ceremony, &custodian, &mut secrets, secret, path)?,
            ("restore", None) => return Err(CeremonyError::WrongInput { share: true }),
            (_, Some(_)) => return Err(CeremonyError::WrongInput { share: false }),
            (_, None) => secrets.contribute(custodian.place, &custodian.name, typed, &Lock::new(secret)?)?,
        };
        let vault = self.vault;
        self.step(ceremony.number, &secrets, |tx| {
            tx.require(Some(&custodian.name), Role::Keys)?;
            tx.contribute(ceremony.number, custodian.place, &check_value)?;
            sign(tx, vault, &ceremony, "contribute", &custodian.name, &check_value)?;
            let detail = format!("check value {check_value}");
            Ok(((), act(custodian.name.clone(), "ceremony.contribute", ceremony.number, detail)))
        })?;
        self.found(ceremony.number)
    }

    fn take_share(
        &self,
        ceremony: &Ceremony,
        custodian: &Custodian,
        secrets: &mut Secrets,
        secret: &str,
        path: &Path,
    ) -> Result<String, CeremonyError> {
        let backup: AboutBackup = envelope::about(&self.path(ceremony.number, "restore"), "backup")?;
        let (about, body) = envelope::open::<AboutShare>(path, "share", &Opener::Passphrase(secret))?;
        let bytes: [u8; 32] =
            body.as_slice().try_into().map_err(|_| CeremonyError::FileMalformed { path: path.to_owned() })?;
        let share = shamir::Share { place: about.place, bytes };
        let found = secrets::share_check_value(&share);
        let expected = backup.custodian.into_iter().find(|of| of.place == custodian.place).map(|of| of.check_value);
        let expected = expected.unwrap_or_default();
        if about.place != custodian.place || found != expected {
            return Err(CeremonyError::ShareWrong { name: custodian.name.clone(), found, expected });
        }
        secrets.put(custodian.place, &custodian.name, &share.bytes, &Lock::bare(Zeroizing::new([0; 32])));
        Ok(found)
    }

    /// Takes the parts of keys from above that the custodian who acts brings; how many.
    ///
    /// # Errors
    /// [`CeremonyError`].
    pub fn import(&mut self, path: &Path) -> Result<usize, CeremonyError> {
        let (ceremony, _lock, mut secrets) = self.open_to_bring()?;
        let custodian = self.custodian(&ceremony)?.name;
        if ceremony.purpose == "restore" {
            return Err(CeremonyError::WrongInput { share: true });
        }
        let profiles = self.centre.config.profiles();
        let mut names = key_names(&profiles);
        names.extend(transport_key_names(&profiles));
        names.push(KeyName::new(EXPORT_KEY_NAME));
        let brought = component::read(path, &names)?;
        if ceremony.purpose == SUPPLEMENT {
            let lacking = self.named(&ceremony)?;
            let is_lacking = |(name, version): &(KeyName, u8), part: &component::Component| {
                name.as_str() == part.key && part.version.is_none_or(|of| of == *version)
            };
            if let Some(part) = brought.iter().find(|part| !lacking.iter().any(|key| is_lacking(key, part))) {
                return Err(CeremonyError::NotLacking { name: KeyName::new(&part.key) });
            }
        }
        let count = brought.len();
        let listed: Vec<String> =
            brought.iter().map(|part| format!("{} {}/{}", part.key, part.part, part.of)).collect();
        component::add(&mut secrets.component, brought, &custodian)?;
        let vault = self.vault;
        self.step(ceremony.number, &secrets, |tx| {
            tx.require(Some(&custodian), Role::Keys)?;
            sign(tx, vault, &ceremony, &format!("import {}", listed.join(", ")), &custodian, "")?;
            let detail = format!("{count} parts: {}", listed.join(", "));
            Ok(((), act(custodian.clone(), "ceremony.import", ceremony.number, detail)))
        })?;
        Ok(count)
    }

    /// Takes the parts of a key back that the custodian who acts brought; how many.
    ///
    /// # Errors
    /// [`CeremonyError`].
    pub fn take_back(&mut self, key: &str, version: Option<u8>) -> Result<usize, CeremonyError> {
        let (ceremony, _lock, mut secrets) = self.open_to_bring()?;
        let custodian = self.custodian(&ceremony)?.name;
        let gone = component::take_back(&mut secrets.component, key, version, &custodian)?;
        let vault = self.vault;
        self.step(ceremony.number, &secrets, |tx| {
            tx.require(Some(&custodian), Role::Keys)?;
            let detail = format!("take back {}", gone.join(", "));
            sign(tx, vault, &ceremony, &detail, &custodian, "")?;
            Ok(((), act(custodian.clone(), "ceremony.import", ceremony.number, detail)))
        })?;
        Ok(gone.len())
    }

    fn custodian(&self, ceremony: &Ceremony) -> Result<Custodian, CeremonyError> {
        let name = self.operator.ok_or(crate::operator::OperatorError::NotNamed)?;
        let found = ceremony.custodians.iter().find(|of| of.name == name).cloned();
        found.ok_or_else(|| CeremonyError::NotCustodian { name: name.to_owned() })
    }

    /// What a start goes by, in one look.
    fn before(&mut self, missing: bool) -> Result<Before, CeremonyError> {
        let keys = self.centre.config.site_keys();
        self.centre.store.read(|tx| -> Result<_, CeremonyError> {
            if tx.open_ceremony()?.is_some() {
                return Err(CeremonyError::OpenAlready);
            }
            Ok(Before {
                number: tx.next_ceremony()?,
                current: tx.current_key_set()?,
                left: tx.key_set_left()?,
                lacking: if missing { keys.lacking(tx)? } else { Vec::new() },
            })
        })
    }

    /// The keys that the signed start of a supplement names, which are those that the site's card types need and that are on no record.
    ///
    /// # Errors
    /// [`CeremonyError::KeysChanged`] when they are others by now.
    fn named(&mut self, ceremony: &Ceremony) -> Result<Vec<(KeyName, u8)>, CeremonyError> {
        let keys = self.centre.config.site_keys();
        let (receipts, lacking) = self
            .centre
            .store
            .read(|tx| -> Result<_, StoreError> { Ok((tx.ceremony_receipts(ceremony.number)?, keys.lacking(tx)?)) })?;
        let started = receipts.first().and_then(|(body, signature)| self.vault.attested(body, signature));
        let started = started.and_then(|body| serde_json::from_str::<Started>(body).ok()).unwrap_or_default().keys;
        let needed = titles(&lacking);
        if started == needed {
            return Ok(lacking);
        }
        Err(CeremonyError::KeysChanged { started: started.join(", "), needed: needed.join(", ") })
    }

    fn found(&mut self, number: i64) -> Result<Ceremony, CeremonyError> {
        self.centre.store.read(|tx| tx.ceremony(number))?.ok_or(CeremonyError::NotFound)
    }
}

/// Least length of what protects a share.
const SECRET_CHARACTERS_MIN: usize = 12;

impl Custodian {
    fn new(place: u8, name: &str) -> Self {
        Self { place, name: name.to_owned(), contributed_at: None, check_value: None }
    }
}

fn sign(
    tx: &Tx<'_>,
    vault: &Vault,
    ceremony: &Ceremony,
    step: &str,
    by: &str,
    check_value: &str,
) -> Result<(), CeremonyError> {
    sign_naming(tx, vault, ceremony, (step, &[]), by, check_value)
}

/// The same for a step that names the keys which are to come of it.
fn sign_naming(
    tx: &Tx<'_>,
    vault: &Vault,
    ceremony: &Ceremony,
    (step, keys): (&str, &[String]),
    by: &str,
    check_value: &str,
) -> Result<(), CeremonyError> {
    let body = json_line(&Receipt {
        format: 1,
        ceremony: ceremony.number,
        kind: &ceremony.kind,
        step,
        keys,
        by,
        check_value,
        at: clock::now(),
    });
    let signature = hex::encode_upper(vault.sign(body.as_bytes()));
    Ok(tx.add_ceremony_receipt(ceremony.number, &body, &signature)?)
}

fn titles(keys: &[(KeyName, u8)]) -> Vec<String> {
    keys.iter().map(|(name, version)| format!("{name} v{version}")).collect()
}

fn act(actor: String, act: &'static str, number: i64, detail: String) -> Act {
    Act { actor, act, object: format!("ceremony {number}"), detail }
}

fn kind_differs(file: Kind, vault: Kind) -> CeremonyError {
    CeremonyError::KindDiffers { file: file.to_string(), vault: vault.to_string() }
}
