//! The end of a ceremony: its keys go into the vault, or are taken out again.
//!
//! A finish is two acts. The first says which keys will come and what the vault has of them now; it is refused, and nothing is
//! written anywhere, when anything speaks against one of them. Then shares, backup and keys are written, and the second act puts
//! the key set on record. Cut short in between, the ceremony is `finishing`: the same command goes on, and a cancel takes out
//! what the first act names.
//!
//! Owns: that order, how keys are made or restored, what may stand in their way. Never: takes a key out that was there before.

use std::path::{Path, PathBuf};

use card_core::key::Key16;
use card_core::security::KeyName;
use card_profiles::rehearsal::TRANSPORT_KEY;

use super::envelope::{self, Lock, Opener};
use super::secrets::{self, Secrets};
use super::shamir::{Secret, Share};
use super::state::{CeremonyMove, CeremonyState};
use super::{AboutBackup, AboutCustodian, AboutShare, Ceremony, CeremonyError, Room, SUPPLEMENT, act, component, sign};
use crate::audit::Act;
use crate::operator::Role;
use crate::state::State;
use crate::store::Tx;
use crate::vault::{
    CheckValue, Held, HeldValue, Kind, NewKey, Place, VaultError, key_names, name, root_key, transport_key_names,
};

/// What a ceremony comes to.
struct Made {
    /// Of the shared secret.
    check_value: String,
    keys: Vec<NewKey>,
    /// Of a generation: the secret and its shares.
    shared: Option<(Secret, Vec<(Share, Lock)>)>,
}

impl Room<'_> {
    /// Makes or restores the keys, puts them into the vault, writes backup and shares.
    ///
    /// # Errors
    /// [`CeremonyError`]: nothing was done; [`CeremonyError::CutShort`]: run it again, the same state gives the same keys and
    /// shares, or cancel it.
    pub fn finish(&mut self, shares: Option<&Path>) -> Result<(Ceremony, Vec<PathBuf>), CeremonyError> {
        let (ceremony, _lock, secrets) = self.open()?;
        let operator = self.centre.store.read(|tx| tx.require(self.operator, Role::Keys))?;
        let have = ceremony.custodians.iter().filter(|of| of.contributed_at.is_some()).count();
        let restores = ceremony.purpose == "restore";
        let need = if restores { usize::from(ceremony.threshold) } else { ceremony.custodians.len() };
        if have < need {
            return Err(CeremonyError::TooFew { have, need });
        }
        if !restores && shares.is_none() {
            return Err(CeremonyError::SharesNowhere);
        }
        let made = match ceremony.purpose.as_str() {
            "restore" => self.restored(&ceremony, &secrets)?,
            SUPPLEMENT => {
                let named = self.named(&ceremony)?;
                let taken_over = self.left_behind(&named)?;
                let of_set = named.into_iter().filter(|(name, _)| !name::is_transport_key(name));
                self.generated(&ceremony, &secrets, of_set.map(|(name, _)| name).collect(), taken_over)?
            }
            _ => self.generated(&ceremony, &secrets, key_names(&self.centre.config.profiles()), Vec::new())?,
        };
        let to_come = self.missing(&made.keys)?;
        if ceremony.state == CeremonyState::Open.name() {
            self.begin(&ceremony, &operator, &made, &to_come)?;
        }
        let number = ceremony.number;
        let written = self
            .carry_out(&ceremony, &operator, &made, shares)
            .map_err(|source| CeremonyError::CutShort { number, source: Box::new(source) })?;
        self.forget(number);
        self.forget_left()?;
        self.centre.sign_checkpoint(self.vault, &operator)?;
        Ok((self.found(number)?, written))
    }

    /// Gives the open ceremony up; keys of a finish that was cut short are taken out of the vault, its backup goes. Gives those keys
    /// with it that a token does not let go: they stay on record as its keys.
    ///
    /// # Errors
    /// [`CeremonyError`].
    pub fn cancel(&mut self) -> Result<(Ceremony, Vec<HeldValue>), CeremonyError> {
        let (ceremony, _lock) = self.alone()?;
        let number = ceremony.number;
        let (vault, path, passphrase) = (self.vault, self.centre.vault_path(), self.passphrase);
        let operator = self.operator;
        let left = self.centre.store.act(|tx| -> Result<_, CeremonyError> {
            let operator = tx.require(operator, Role::Keys)?;
            let mut left = Vec::new();
            let (by, step) = if ceremony.state == CeremonyState::Finishing.name() {
                // Inside the act: without a record nothing is taken out, and cut short it is done again.
                let out = vault.take_out(&tx.brought_keys(number)?)?;
                if out.gone > 0 && vault.place() == Place::File {
                    vault.reseal(&path, passphrase)?;
                }
                out.left.iter().try_for_each(|key| tx.leave_key(number, key))?;
                let step = format!("cancel, {} keys taken out{}", out.gone, told(&out.left));
                left = out.left;
                (CeremonyMove::TakeOut, step)
            } else {
                (CeremonyMove::Cancel, "cancel".to_owned())
            };
            tx.end_ceremony(number, by, None)?;
            sign(tx, vault, &ceremony, &step, &operator, "")?;
            let detail = step.strip_prefix("cancel, ").unwrap_or_default().to_owned();
            Ok((left, act(operator, "ceremony.cancel", number, detail)))
        })?;
        // What a token keeps of a supplement the next one takes over.
        if left.is_empty() || ceremony.purpose != SUPPLEMENT {
            self.forget(number);
        }
        // It opens nothing that is in use; where it cannot be removed it stays sealed.
        let _ = std::fs::remove_file(self.path(number, "backup"));
        Ok((self.found(number)?, left))
    }

    /// Takes the keys out of the vault that are on no record: what ceremonies of older programs left when they were given up. Gives
    /// the names and versions of those that are gone, and of those that a token does not let go.
    ///
    /// # Errors
    /// [`CeremonyError::OpenAlready`] while a ceremony is open: its keys are its own. [`CeremonyError::Unrecorded`] at a centre that
    /// has made cards without any record of keys.
    pub fn discard(&mut self) -> Result<(Vec<String>, Vec<String>), CeremonyError> {
        let _lock = self.centre.lock("ceremony-start")?;
        let (vault, path, passphrase) = (self.vault, self.centre.vault_path(), self.passphrase);
        let operator = self.operator;
        self.centre.store.act(|tx| -> Result<_, CeremonyError> {
            let operator = tx.require(operator, Role::Keys)?;
            if tx.open_ceremony()?.is_some() {
                return Err(CeremonyError::OpenAlready);
            }
            if tx.current_key_set()?.is_none() && tx.has_jobs()? {
                return Err(CeremonyError::Unrecorded);
            }
            let recorded = tx.recorded_check_values()?;
            let mut unknown = vault.held_values()?;
            unknown.retain(|held| !recorded.iter().any(|of| of.name == held.name && of.version == held.version));
            let out = vault.take_out(&unknown)?;
            if out.gone > 0 && vault.place() == Place::File {
                vault.reseal(&path, passphrase)?;
            }
            unknown.retain(|key| !out.left.contains(key));
            let names = |keys: &[HeldValue]| keys.iter().map(HeldValue::title).collect();
            let detail = format!("{} keys on no record{}", out.gone, told(&out.left));
            Ok((
                (names(&unknown), names(&out.left)),
                Act { actor: operator, act: "key.discard", object: "vault".to_owned(), detail },
            ))
        })
    }

    /// Keys of a generation, those of these names that nobody brought among them, and the shares of its secret.
    fn generated(
        &self,
        ceremony: &Ceremony,
        secrets: &Secrets,
        names: Vec<KeyName>,
        taken_over: Vec<NewKey>,
    ) -> Result<Made, CeremonyError> {
        let malformed = || CeremonyError::FileMalformed { path: self.path(ceremony.number, "sealed") };
        let secret = secrets.secret().ok_or_else(malformed)?;
        let mut keys = self.keys_of(ceremony, secrets, &secret, names, taken_over)?;
        self.transport_key(&mut keys)?;
        let shares = secrets.shares(&secret, ceremony.threshold).ok_or_else(malformed)?;
        if shares.len() != ceremony.custodians.len() {
            return Err(malformed());
        }
        Ok(Made { check_value: secrets::check_value("secret", &*secret), keys, shared: Some((secret, shares)) })
    }

    /// Keys that were brought or taken over, and those of these names made of the secret that neither are.
    pub(super) fn keys_of(
        &self,
        ceremony: &Ceremony,
        secrets: &Secrets,
        secret: &Secret,
        names: Vec<KeyName>,
        taken_over: Vec<NewKey>,
    ) -> Result<Vec<NewKey>, CeremonyError> {
        let mut keys = component::join(&secrets.component, ceremony.key_set, self.centre.config.city)?;
        let made = names
            .into_iter()
            .map(|name| root_key(name.clone(), ceremony.key_set, secrets::key(secret, &name, ceremony.key_set)));
        for key in taken_over.into_iter().chain(made) {
            if !keys.iter().any(|of| of.held.name == key.held.name && of.held.version == key.held.version) {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    /// A rehearsal has the transport keys of software cards; for real cards somebody brings the factory's.
    fn transport_key(&self, keys: &mut Vec<NewKey>) -> Result<(), CeremonyError> {
        let lot = self.centre.config.transport_lot;
        let held = self.vault.keys().store().held().map_err(VaultError::from)?;
        for name in transport_key_names(&self.centre.config.profiles()) {
            let is_it = |held: &Held| held.name == name && held.version == lot;
            if keys.iter().any(|key| is_it(&key.held)) || held.iter().any(is_it) {
                continue;
            }
            match self.vault.kind() {
                Kind::Rehearsal => keys.push(root_key(name, lot, Key16::new(TRANSPORT_KEY))),
                Kind::Production => return Err(CeremonyError::TransportMissing { name, lot }),
            }
        }
        Ok(())
    }

    fn restored(&self, ceremony: &Ceremony, secrets: &Secrets) -> Result<Made, CeremonyError> {
        let path = self.path(ceremony.number, "restore");
        let secret = secrets.joined().ok_or_else(|| CeremonyError::FileMalformed { path: path.clone() })?;
        let check_value = secrets::check_value("secret", &*secret);
        let about: AboutBackup = envelope::about(&path, "backup")?;
        if about.check_value != check_value {
            return Err(CeremonyError::SecretWrong);
        }
        let opener = Opener::Key(secrets::backup_key(&secret));
        let (_, body) = envelope::open::<AboutBackup>(&path, "backup", &opener)?;
        let keys = secrets::unpack(&body).ok_or(CeremonyError::FileMalformed { path })?;
        Ok(Made { check_value, keys, shared: None })
    }

    /// The keys that the vault does not hold yet. One that it holds, or that is on record, must be the same key.
    fn missing(&mut self, keys: &[NewKey]) -> Result<Vec<HeldValue>, CeremonyError> {
        let recorded = self.centre.store.read(|tx| tx.recorded_check_values())?;
        let mut to_come = Vec::new();
        for key in keys {
            self.vault.refuse_test_key(key)?;
            let NewKey { held, key } = self.as_held(key);
            let check_value = hex::encode_upper(name::check_value(&held.name, &key));
            let on_record = recorded.iter().find(|of| of.name == held.name.as_str() && of.version == held.version);
            let known = on_record.and_then(|of| match held.above.len() {
                0 => of.national.as_ref(),
                1 => of.province.as_ref(),
                _ => of.city.as_ref(),
            });
            let there = self.vault.check_value_of(&held)?;
            let differs = |value: &String| *value != check_value;
            if known.is_some_and(differs) || there.as_ref().is_some_and(differs) {
                let (name, version) = (held.name, held.version);
                return Err(CeremonyError::KeyInTheWay { name, version, on_record: on_record.is_some() });
            }
            if there.is_none() {
                to_come.push(HeldValue { name: held.name.to_string(), version: held.version, check_value });
            }
        }
        Ok(to_come)
    }

    fn begin(
        &mut self,
        ceremony: &Ceremony,
        operator: &str,
        made: &Made,
        to_come: &[HeldValue],
    ) -> Result<(), CeremonyError> {
        self.centre.store.act(|tx| -> Result<_, CeremonyError> {
            tx.require(Some(operator), Role::Keys)?;
            tx.begin_finish(ceremony.number, to_come)?;
            let (key_set, count, value) = (ceremony.key_set, to_come.len(), &made.check_value);
            let detail = format!("key set {key_set}, {count} keys to come, check value {value}");
            Ok(((), act(operator.to_owned(), "ceremony.keys", ceremony.number, detail)))
        })
    }

    fn carry_out(
        &mut self,
        ceremony: &Ceremony,
        operator: &str,
        made: &Made,
        shares: Option<&Path>,
    ) -> Result<Vec<PathBuf>, CeremonyError> {
        let (written, share_values) = match (&made.shared, shares) {
            (Some((secret, shared)), Some(folder)) => self.write_shares(ceremony, made, secret, shared, folder)?,
            _ => (Vec::new(), Vec::new()),
        };
        let values = self.put_in(&made.keys)?;
        let (vault, check_value) = (self.vault, &made.check_value);
        self.centre.store.act(|tx| -> Result<_, CeremonyError> {
            tx.require(Some(operator), Role::Keys)?;
            tx.end_ceremony(ceremony.number, CeremonyMove::Finish, Some(check_value))?;
            for (place, value) in &share_values {
                tx.set_share_check_value(ceremony.number, *place, value)?;
            }
            record(tx, ceremony, vault.kind(), operator, &values)?;
            sign(tx, vault, ceremony, "finish", operator, check_value)?;
            let detail = format!("key set {}, {} keys, check value {check_value}", ceremony.key_set, values.len());
            Ok((written, act(operator.to_owned(), "ceremony.finish", ceremony.number, detail)))
        })
    }

    /// Writes the shares and the backup; the files, and the check value of each share.
    #[expect(clippy::type_complexity, reason = "two lists of one step, taken apart where it is called")]
    fn write_shares(
        &self,
        ceremony: &Ceremony,
        made: &Made,
        secret: &Secret,
        shared: &[(Share, Lock)],
        folder: &Path,
    ) -> Result<(Vec<PathBuf>, Vec<(u8, String)>), CeremonyError> {
        let kind = self.vault.kind();
        let (mut written, mut values, mut custodians) = (Vec::new(), Vec::new(), Vec::new());
        for ((share, lock), custodian) in shared.iter().zip(&ceremony.custodians) {
            let value = secrets::share_check_value(share);
            let about = AboutShare {
                ceremony: ceremony.number,
                kind,
                custodian: custodian.name.clone(),
                place: share.place,
                threshold: ceremony.threshold,
                of: ceremony.custodians.len(),
                check_value: value.clone(),
            };
            let path = folder.join(format!("share-{}-{}.toml", ceremony.number, custodian.name));
            envelope::place(&path, &envelope::seal("share", &about, lock, &share.bytes)?)?;
            written.push(path);
            let (name, place, check_value) = (custodian.name.clone(), share.place, value.clone());
            custodians.push(AboutCustodian { name, place, check_value });
            values.push((share.place, value));
        }
        let about = AboutBackup {
            ceremony: ceremony.number,
            kind,
            key_set: ceremony.key_set,
            threshold: ceremony.threshold,
            check_value: made.check_value.clone(),
            custodian: custodians,
        };
        let lock = Lock::bare(secrets::backup_key(secret));
        let path = self.path(ceremony.number, "backup");
        envelope::place(&path, &envelope::seal("backup", &about, &lock, secrets::pack(&made.keys).as_bytes())?)?;
        written.push(path);
        Ok((written, values))
    }

    /// Puts keys into the vault; those that are there were there before, or were put there by an earlier try.
    fn put_in(&self, keys: &[NewKey]) -> Result<Vec<CheckValue>, CeremonyError> {
        for key in keys {
            let key = self.as_held(key);
            if self.vault.check_value_of(&key.held)?.is_none() {
                self.vault.add(key)?;
            }
        }
        if self.vault.place() == Place::File {
            self.vault.reseal(&self.centre.vault_path(), self.passphrase)?;
        }
        let ours = |value: &CheckValue| {
            keys.iter().any(|key| key.held.name.as_str() == value.name && key.held.version == value.version)
        };
        Ok(self.vault.check_values(self.centre.config.city)?.keys.into_iter().filter(ours).collect())
    }

    /// A key as the vault holds it: a token has the city's.
    fn as_held(&self, key: &NewKey) -> NewKey {
        match self.vault.place() {
            Place::Pkcs11 => key.clone().lowered(self.centre.config.city),
            Place::File => key.clone(),
        }
    }
}

/// The keys that a token did not let go, for a record.
fn told(left: &[HeldValue]) -> String {
    if left.is_empty() {
        return String::new();
    }
    let names: Vec<String> = left.iter().map(HeldValue::title).collect();
    format!(", left on the token: {}", names.join(", "))
}

/// Records the key set with those of its keys that are on no record: a transport key may be brought again, and a key set may be
/// restored where it is known. What is on record must say the same.
fn record(tx: &Tx<'_>, ceremony: &Ceremony, kind: Kind, by: &str, values: &[CheckValue]) -> Result<(), CeremonyError> {
    let recorded = tx.recorded_check_values()?;
    let same_key = |left: &CheckValue, right: &CheckValue| left.name == right.name && left.version == right.version;
    let (known, new): (Vec<_>, Vec<_>) =
        values.iter().cloned().partition(|value| recorded.iter().any(|other| same_key(other, value)));
    if let Some(value) = known.iter().find(|value| !recorded.iter().any(|other| other.agrees(value))) {
        let (name, version) = (KeyName::new(&value.name), value.version);
        return Err(CeremonyError::KeyInTheWay { name, version, on_record: true });
    }
    if tx.has_key_set(ceremony.key_set)? {
        return Ok(tx.add_to_key_set(ceremony.key_set, &new)?);
    }
    Ok(tx.add_key_set(ceremony.key_set, kind, by, &new)?)
}
