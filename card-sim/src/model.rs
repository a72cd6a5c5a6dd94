//! A profile made ready for a card: where each file, key and counter lies in the memory, and who may touch it.
//!
//! Owns: the layout of the memory (version [`LAYOUT`]), rules as bit sets; a room for each part of it.
//! Never: changes after a card is made; a change of layout is a new version of the image format.
//! Units: addresses and lengths in bytes.

mod account;
mod blocking;
mod certificate;
mod environments;
mod factory;
mod files;
mod psam;
mod purse;

use std::collections::BTreeMap;

use card_core::algorithm::AlgorithmRules;
use card_core::crypto::KeyForm;
use card_core::fci::Fci;
use card_core::security::KeyName;
use card_profiles::access::{Access, Right};
use card_profiles::profile::{CardKind, KeyClass, MfEnvironment, MfRow, OtherDigits, Profile};

pub(crate) use account::AccountModel;
pub(crate) use blocking::{Blocking, MacStart};
pub(crate) use certificate::{CertificateModel, CertificatePinModel, NO_FID, PRIVATE_HEADER, PUBLIC_HEADER};
pub(crate) use environments::Environments;
use files::df_model;
pub(crate) use files::{DfModel, EfModel, Structure};
pub(crate) use psam::PsamModel;
pub(crate) use purse::{PURSE_BYTES, PurseModel};

use crate::memory::DATA_START;

/// Version of the layout, written into every image.
pub const LAYOUT: u32 = 2;

/// File identifier of the MF.
pub(crate) const MF: u16 = 0x3F00;

/// Bytes of a key slot: present (1), tries left (1), version (1), spare (1), key (16).
const KEY_SLOT: usize = 20;
/// Bytes of a stored proof: present (1), sequence (2), MAC2 (4), TAC (4).
pub(crate) const PROOF_BYTES: usize = 11;
/// The bit of the PIN in a set of rights; those of the certificate application and of keys lie below.
pub(crate) const PIN_RIGHT: u128 = 1 << 127;
/// Keys of a card, that of the certificate application included.
const KEYS_MAX: usize = 124;

/// A profile that no card can be made of. Mended by the author of the profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// A rule or row names a key that the profile lacks.
    #[error("{place} names the key {key}, which the profile lacks")]
    NoSuchKey {
        /// DF or row.
        place: String,
        /// Key.
        key: KeyName,
    },
    /// A row names a DF or EF that the profile lacks.
    #[error("the profile has no {0}")]
    NoSuchFile(String),
    /// More keys than the card has room for.
    #[error("{0} keys; the card has room for {KEYS_MAX}")]
    TooManyKeys(usize),
    /// A DF name is longer than 16 bytes.
    #[error("the DF name of {0} is longer than 16 bytes")]
    NameTooLong(String),
    /// A record, file or PIN whose sizes do not agree.
    #[error("sizes of {0} do not agree")]
    Size(String),
    /// Files and keys need more memory than the chip has.
    #[error("files and keys need {needed} bytes, the chip has {capacity}")]
    Capacity {
        /// Bytes needed.
        needed: usize,
        /// Bytes of the chip.
        capacity: u32,
    },
    /// A card of several environments that is no PSAM.
    #[error("{0} is no PSAM: a user card has one environment")]
    NotBeside(String),
    /// Two environments that no SELECT tells apart.
    #[error("two environments of a card are both named {0}")]
    SameEnvironment(String),
    /// The ATR is not one of ISO/IEC 7816-3 with a card factor.
    #[error("prefix, maker and serial do not make an ATR: {0}")]
    Atr(#[from] card_core::atr::AtrError),
}

/// Access condition as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Free,
    Never,
    All(u128),
    Any(u128),
    /// Each command carries a MAC by the key at this place.
    Mac(usize),
}

impl Rule {
    pub(crate) const fn allows(self, rights: u128) -> bool {
        match self {
            Self::Free => true,
            Self::Never | Self::Mac(_) => false,
            Self::All(mask) => rights & mask == mask,
            Self::Any(mask) => rights & mask != 0,
        }
    }
}

/// A card type, laid out.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) kind: CardKind,
    pub(crate) dfs: Vec<DfModel>,
    pub(crate) mf: Option<MfModel>,
    pub(crate) keys: Vec<KeyModel>,
    pub(crate) pin: Option<PinModel>,
    pub(crate) account: Option<AccountModel>,
    pub(crate) psam: Option<PsamModel>,
    pub(crate) purse: Option<PurseModel>,
    pub(crate) certificate: Option<CertificateModel>,
    /// Blocks of the whole card (1), failures of the PSAM (1), block of each DF (1 each); all 0 on a new card.
    pub(crate) blocks: usize,
    pub(crate) rules: AlgorithmRules,
    /// Byte by which INITIALIZE names the algorithm.
    pub(crate) algorithm_byte: u8,
    pub(crate) has_files_under_mac: bool,
    pub(crate) blocking: Option<Blocking>,
    pub(crate) key_load: [u8; 4],
    pub(crate) key_load_challenge: usize,
    /// Keys whose rights last until reset: those of the first DF.
    pub(crate) lasting_rights: u128,
    /// Where its memory ends.
    pub(crate) size: usize,
}

/// What SELECT of `3F00` finds on a card whose first DF has another identifier.
#[derive(Debug)]
pub(crate) enum MfModel {
    /// An MF without files of ours: nothing of `dfs` is current in it.
    Own {
        /// Its DF name.
        name: Vec<u8>,
        /// Its FCI.
        fci: Vec<u8>,
    },
    /// The first DF.
    Environment,
}

impl MfModel {
    fn of(row: &MfRow) -> Result<Self, ModelError> {
        if row.df_name.len() > 16 {
            return Err(ModelError::NameTooLong("MF".to_owned()));
        }
        let fci = Fci { df_name: row.df_name.clone(), ..Fci::default() }.encode();
        Ok(match row.environment {
            MfEnvironment::Below => Self::Own { name: row.df_name.clone(), fci },
            MfEnvironment::Itself => Self::Environment,
        })
    }
}

#[derive(Debug)]
pub(crate) struct KeyModel {
    pub(crate) name: KeyName,
    pub(crate) df: usize,
    pub(crate) class: KeyClass,
    /// The one version that the row is for, if it is.
    pub(crate) version: Option<u8>,
    pub(crate) id: u8,
    pub(crate) usage: u8,
    pub(crate) form: KeyForm,
    pub(crate) tries: u8,
    pub(crate) address: usize,
}

/// PIN slot: tries left (1), length (1), digits in BCD.
#[derive(Debug)]
pub(crate) struct PinModel {
    pub(crate) tries: u8,
    pub(crate) bytes_min: usize,
    pub(crate) bytes_max: usize,
    pub(crate) other_digits: OtherDigits,
    pub(crate) address: usize,
    /// STK of the first DF: enciphers and authenticates UNBLOCK and RELOAD.
    pub(crate) maintenance_key: Option<usize>,
    /// Right needed for them.
    pub(crate) unblock: Option<u128>,
    pub(crate) initial: Vec<u8>,
}

impl KeyModel {
    pub(crate) const fn right(index: usize) -> u128 {
        1 << index
    }
}

impl Model {
    /// Lays a profile out that is alone on its card.
    #[cfg(test)]
    pub(crate) fn of(profile: &Profile) -> Result<Self, ModelError> {
        Self::placed(profile, Places { next: DATA_START, shared: Shared::new() })
    }

    /// Lays a profile out in the places given.
    fn placed(profile: &Profile, mut place: Places) -> Result<Self, ModelError> {
        if profile.key.len() >= KEYS_MAX {
            return Err(ModelError::TooManyKeys(profile.key.len()));
        }
        let mut keys = Vec::with_capacity(profile.key.len());
        for row in &profile.key {
            let df = df_index(profile, &row.df)?;
            keys.push(KeyModel {
                name: row.name.clone(),
                df,
                class: row.class,
                version: row.version,
                id: row.id,
                usage: row.usage,
                form: profile.form(row),
                tries: row.tries,
                address: place.take(KEY_SLOT),
            });
        }
        let pin = profile.pin.as_ref().map(|row| pin_model(row, &keys, &mut place)).transpose()?;
        let mut dfs = Vec::with_capacity(profile.df.len());
        for (index, df) in profile.df.iter().enumerate() {
            dfs.push(df_model(profile, index, df, &keys, &mut place)?);
        }
        let account = match &profile.account {
            Some(rules) => Some(account::model(profile, rules, &dfs, &keys, &mut place)?),
            None => None,
        };
        let psam = match profile.kind {
            CardKind::Psam => Some(psam::model(profile, &dfs)?),
            CardKind::User => None,
        };
        let purse = match &profile.purse {
            Some(rules) => Some(purse::model(profile, rules, &dfs, &keys, &mut place)?),
            None => None,
        };
        let certificate = match &profile.certificate {
            Some(rules) => certificate::model(rules, &mut dfs, &mut keys, &mut place)?,
            None => None,
        };
        // What layout 1 had, an image of it has; everything behind starts as zeros.
        let blocks = place.take(2 + dfs.len());
        let needed = place.next - DATA_START;
        if u32::try_from(needed).map_or(true, |needed| needed > profile.capacity) {
            return Err(ModelError::Capacity { needed, capacity: profile.capacity });
        }
        let lasting = keys.iter().enumerate().filter(|(_, key)| key.df == 0);
        Ok(Self {
            kind: profile.kind,
            pin,
            account,
            psam,
            purse,
            certificate,
            blocks,
            rules: profile.rules(),
            algorithm_byte: profile.algorithm_byte(),
            blocking: Blocking::of(profile)?,
            has_files_under_mac: dfs.iter().flat_map(|df| &df.efs).any(|ef| matches!(ef.update, Rule::Mac(_))),
            key_load: *profile.key_load.command.first_chunk().ok_or_else(|| ModelError::Size("key_load".to_owned()))?,
            key_load_challenge: usize::from(profile.key_load.challenge),
            lasting_rights: lasting.fold(PIN_RIGHT, |mask, (index, _)| mask | KeyModel::right(index)),
            size: place.next,
            mf: profile.mf.as_ref().map(MfModel::of).transpose()?,
            dfs,
            keys,
        })
    }

    /// Whether SELECT by this name finds something of it.
    pub(crate) fn has_name(&self, name: &[u8]) -> bool {
        let own = matches!(&self.mf, Some(MfModel::Own { name: own, .. }) if own == name);
        own || self.dfs.iter().any(|df| df.name == name)
    }

    /// The MF where it is one of the DFs; `None`: an MF without files, or nothing.
    pub(crate) fn df_after_reset(&self) -> Option<usize> {
        match self.mf {
            Some(MfModel::Environment) => Some(0),
            Some(MfModel::Own { .. }) | None => self.dfs.iter().position(|df| df.fid == MF),
        }
    }

    pub(crate) fn key_of(&self, df: usize, class: KeyClass) -> Option<usize> {
        self.keys.iter().position(|key| key.df == df && key.class == class)
    }
}

/// Files of an environment laid out before, by DF and id: address and length.
type Shared = BTreeMap<String, (usize, usize)>;

struct Places {
    next: usize,
    shared: Shared,
}

impl Places {
    /// Where a file lies: with that of another environment, or at the next place.
    fn of_file(&mut self, id: &str, length: usize) -> Result<usize, ModelError> {
        match self.shared.get(id) {
            Some((address, there)) if *there == length => Ok(*address),
            Some(_) => Err(ModelError::Size(id.to_owned())),
            None => Ok(self.take(length)),
        }
    }

    const fn take(&mut self, length: usize) -> usize {
        let address = self.next;
        self.next += length;
        address
    }
}

fn df_index(profile: &Profile, id: &str) -> Result<usize, ModelError> {
    profile.df.iter().position(|df| df.id == id).ok_or_else(|| ModelError::NoSuchFile(id.to_owned()))
}

fn key_index(keys: &[KeyModel], place: &str, name: &KeyName) -> Result<usize, ModelError> {
    let missing = || ModelError::NoSuchKey { place: place.to_owned(), key: name.clone() };
    keys.iter().position(|key| key.name == *name).ok_or_else(missing)
}

fn rule(keys: &[KeyModel], place: &str, access: &Access) -> Result<Rule, ModelError> {
    let mut mask = 0;
    for right in access.rights() {
        mask |= match right {
            Right::Pin => PIN_RIGHT,
            Right::Key(name) => KeyModel::right(key_index(keys, place, name)?),
        };
    }
    Ok(match access {
        Access::Free => Rule::Free,
        Access::Never => Rule::Never,
        Access::Mac(name) => Rule::Mac(key_index(keys, place, name)?),
        Access::All(_) => Rule::All(mask),
        Access::Any(_) => Rule::Any(mask),
    })
}

fn pin_model(
    row: &card_profiles::profile::PinRow,
    keys: &[KeyModel],
    place: &mut Places,
) -> Result<PinModel, ModelError> {
    let initial = hex::decode(&row.initial).map_err(|_| ModelError::Size("pin.initial".to_owned()))?;
    let (bytes_min, bytes_max) = (usize::from(row.bytes_min), usize::from(row.bytes_max));
    if !(bytes_min..=bytes_max).contains(&initial.len()) || bytes_max > 6 {
        return Err(ModelError::Size("pin".to_owned()));
    }
    let first = |class| keys.iter().position(|key| key.df == 0 && key.class == class);
    Ok(PinModel {
        tries: row.tries,
        bytes_min,
        bytes_max,
        other_digits: row.other_digits,
        address: place.take(2 + bytes_max),
        maintenance_key: first(KeyClass::Stk),
        unblock: first(KeyClass::Puk).map(KeyModel::right),
        initial,
    })
}
