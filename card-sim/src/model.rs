//! A profile made ready for a card: where each file, key and counter lies in the memory, and who may touch it.
//!
//! Owns: the layout of the memory (version [`LAYOUT`]), rules as bit sets, the FCI of each DF, the factory's filling.
//! Never: changes after a card is made; a change of layout is a new version of the image format.
//! Units: addresses and lengths in bytes.

use card_core::crypto;
use card_core::fci::Fci;
use card_core::key::Key16;
use card_core::security::KeyName;
use card_profiles::access::{Access, Right};
use card_profiles::account::AccountRules;
use card_profiles::format::{Format, FormatKind};
use card_profiles::profile::{CardKind, Df, Ef, EfKind, Element, KeyClass, Profile};

use crate::keys::Slot;
use crate::memory::DATA_START;

/// Version of the layout, written into every image.
pub const LAYOUT: u32 = 1;

/// Bytes of a key slot: present (1), tries left (1), version (1), spare (1), key (16).
const KEY_SLOT: usize = 20;
/// Bytes of the account: three amounts (12), year (2), online and offline sequence (4), two proofs.
const ACCOUNT_BYTES: usize = 18 + 2 * PROOF_BYTES;
/// Bytes of a stored proof: present (1), sequence (2), MAC2 (4), TAC (4).
pub(crate) const PROOF_BYTES: usize = 11;
/// Bytes of one record of the account log: sequence, type, terminal, date and time, three amounts.
const LOG_RECORD: usize = 28;
/// The bit of the PIN in a set of rights; keys have the bits below.
pub(crate) const PIN_RIGHT: u128 = 1 << 127;

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
    #[error("{0} keys; the card has room for 127")]
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
}

impl Rule {
    pub(crate) const fn allows(self, rights: u128) -> bool {
        match self {
            Self::Free => true,
            Self::Never => false,
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
    pub(crate) keys: Vec<KeyModel>,
    pub(crate) pin: Option<PinModel>,
    pub(crate) account: Option<AccountModel>,
    pub(crate) psam: Option<PsamModel>,
    pub(crate) key_load: [u8; 4],
    pub(crate) key_load_challenge: usize,
    /// Keys whose rights last until reset: those of the first DF.
    pub(crate) lasting_rights: u128,
    pub(crate) size: usize,
}

#[derive(Debug)]
pub(crate) struct DfModel {
    pub(crate) id: String,
    pub(crate) fid: u16,
    pub(crate) name: Vec<u8>,
    pub(crate) fci: Vec<u8>,
    pub(crate) control_key: usize,
    pub(crate) efs: Vec<EfModel>,
}

#[derive(Debug)]
pub(crate) struct EfModel {
    pub(crate) id: String,
    pub(crate) fid: u16,
    pub(crate) sfi: u8,
    pub(crate) structure: Structure,
    pub(crate) read: Rule,
    pub(crate) update: Rule,
    pub(crate) address: usize,
    pub(crate) size: usize,
}

#[derive(Debug)]
pub(crate) enum Structure {
    Transparent,
    /// Tag and value length of each record, with its offset in the file.
    Tlv(Vec<RecordModel>),
    /// Newest slot (1) and records written (1), then `slots` of `length` bytes.
    Cyclic {
        length: usize,
        slots: u8,
    },
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordModel {
    pub(crate) tag: u8,
    pub(crate) length: u8,
    pub(crate) offset: usize,
}

#[derive(Debug)]
pub(crate) struct KeyModel {
    pub(crate) name: KeyName,
    pub(crate) df: usize,
    pub(crate) class: KeyClass,
    pub(crate) id: u8,
    pub(crate) usage: u8,
    pub(crate) length: usize,
    pub(crate) tries: u8,
    pub(crate) address: usize,
}

/// PIN slot: tries left (1), length (1), digits in BCD.
#[derive(Debug)]
pub(crate) struct PinModel {
    pub(crate) tries: u8,
    pub(crate) bytes_min: usize,
    pub(crate) bytes_max: usize,
    pub(crate) address: usize,
    /// STK of the first DF: enciphers and authenticates UNBLOCK and RELOAD.
    pub(crate) maintenance_key: Option<usize>,
    /// Right needed for them.
    pub(crate) unblock: Option<u128>,
    pub(crate) initial: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct AccountModel {
    pub(crate) rules: AccountRules,
    pub(crate) df: usize,
    pub(crate) log: usize,
    pub(crate) purchase_key: usize,
    pub(crate) load_key: usize,
    pub(crate) tac_key: usize,
    pub(crate) purchase_access: Rule,
    pub(crate) load_access: Rule,
    pub(crate) balance_access: Rule,
    pub(crate) address: usize,
}

#[derive(Debug)]
pub(crate) struct PsamModel {
    /// Address of the terminal number.
    pub(crate) terminal: usize,
    /// Address of the terminal sequence, and the DF that holds it.
    pub(crate) sequence: usize,
    pub(crate) df: usize,
}

impl KeyModel {
    pub(crate) const fn right(index: usize) -> u128 {
        1 << index
    }
}

impl Model {
    /// Lays a profile out.
    pub(crate) fn of(profile: &Profile) -> Result<Self, ModelError> {
        if profile.key.len() > 127 {
            return Err(ModelError::TooManyKeys(profile.key.len()));
        }
        let mut place = Places { next: DATA_START };
        let mut keys = Vec::with_capacity(profile.key.len());
        for row in &profile.key {
            let df = df_index(profile, &row.df)?;
            keys.push(KeyModel {
                name: row.name.clone(),
                df,
                class: row.class,
                id: row.id,
                usage: row.usage,
                length: row.length.bytes(),
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
            Some(rules) => Some(account_model(profile, rules, &dfs, &keys, &mut place)?),
            None => None,
        };
        let psam = match profile.kind {
            CardKind::Psam => Some(psam_model(profile, &dfs)?),
            CardKind::User => None,
        };
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
            key_load: *profile.key_load.command.first_chunk().ok_or_else(|| ModelError::Size("key_load".to_owned()))?,
            key_load_challenge: usize::from(profile.key_load.challenge),
            lasting_rights: lasting.fold(PIN_RIGHT, |mask, (index, _)| mask | KeyModel::right(index)),
            size: place.next,
            dfs,
            keys,
        })
    }

    /// The memory of a card as a factory delivers it: control keys are transport keys, files are there and empty.
    /// `keys` fill slots besides.
    pub(crate) fn factory(
        &self,
        profile: &Profile,
        transport_key: &Key16,
        card_factor: [u8; 8],
        keys: &[Slot],
    ) -> Vec<u8> {
        let mut memory = vec![0; self.size];
        let mut put = |address: usize, bytes: &[u8]| {
            memory.get_mut(address..address + bytes.len()).expect("the layout has room").copy_from_slice(bytes);
        };
        let control = crypto::diversify(transport_key, card_factor);
        for df in &self.dfs {
            let key = &self.keys[df.control_key];
            put(key.address, &[1, key.tries, 1, 0]);
            put(key.address + 4, control.expose());
        }
        for slot in keys {
            let key = &self.keys[slot.index];
            put(key.address, &[1, key.tries, slot.version, 0]);
            put(key.address + 4, &slot.bytes);
        }
        if let Some(pin) = &self.pin {
            put(pin.address, &[pin.tries, u8::try_from(pin.initial.len()).expect("checked at layout")]);
            put(pin.address + 2, &pin.initial);
        }
        for (df, rows) in self.dfs.iter().zip(&profile.df) {
            for (ef, row) in df.efs.iter().zip(&rows.ef) {
                match &ef.structure {
                    Structure::Transparent | Structure::Tlv(_) => put(ef.address, &empty_file(row)),
                    Structure::Cyclic { .. } => put(ef.address, &[0, 0]),
                }
            }
        }
        memory
    }

    pub(crate) fn key_of(&self, df: usize, class: KeyClass) -> Option<usize> {
        self.keys.iter().position(|key| key.df == df && key.class == class)
    }
}

struct Places {
    next: usize,
}

impl Places {
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
        // Updates under MAC are commands of the purse; without them nothing opens the file.
        Access::Never | Access::Mac(_) => Rule::Never,
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
        address: place.take(2 + bytes_max),
        maintenance_key: first(KeyClass::Stk),
        unblock: first(KeyClass::Puk).map(KeyModel::right),
        initial,
    })
}

fn df_model(
    profile: &Profile,
    index: usize,
    df: &Df,
    keys: &[KeyModel],
    place: &mut Places,
) -> Result<DfModel, ModelError> {
    if df.df_name.len() > 16 {
        return Err(ModelError::NameTooLong(df.id.clone()));
    }
    let control_key = key_index(keys, &df.id, &df.control_key)?;
    if keys[control_key].df != index || keys[control_key].length != 16 {
        return Err(ModelError::NoSuchKey { place: df.id.clone(), key: df.control_key.clone() });
    }
    let names_algorithm = index == 0 && profile.version.starts_with('3');
    let fci = Fci {
        df_name: df.df_name.clone(),
        sfi: df.fci_sfi,
        algorithm: names_algorithm.then(|| profile.algorithm.id()),
    };
    let efs = df.ef.iter().map(|ef| ef_model(&df.id, ef, keys, place)).collect::<Result<_, _>>()?;
    Ok(DfModel { id: df.id.clone(), fid: df.fid, name: df.df_name.clone(), fci: fci.encode(), control_key, efs })
}

fn ef_model(df: &str, ef: &Ef, keys: &[KeyModel], place: &mut Places) -> Result<EfModel, ModelError> {
    let id = format!("{df}.{}", ef.id);
    let size = usize::from(ef.size);
    let (structure, bytes) = match ef.kind {
        EfKind::Transparent => (Structure::Transparent, size),
        EfKind::TlvRecords => {
            let mut offset = 0;
            let mut records = Vec::with_capacity(ef.elements.len());
            for element in &ef.elements {
                let tag = element.tag.ok_or_else(|| ModelError::Size(format!("{id}.{}", element.id)))?;
                records.push(RecordModel { tag, length: element.format.length, offset });
                offset += 2 + usize::from(element.format.length);
            }
            if records.is_empty() || records.len() > 254 || offset != size {
                return Err(ModelError::Size(id));
            }
            (Structure::Tlv(records), size)
        }
        EfKind::Cyclic => {
            let length = ef.record_length();
            if length == 0 || length > 255 || ef.records == 0 || ef.records == 255 {
                return Err(ModelError::Size(id));
            }
            (Structure::Cyclic { length, slots: ef.records }, 2 + length * usize::from(ef.records))
        }
    };
    Ok(EfModel {
        fid: ef.fid,
        sfi: ef.sfi(),
        structure,
        read: rule(keys, &id, &ef.read)?,
        update: rule(keys, &id, &ef.update)?,
        address: place.take(bytes),
        size,
        id: ef.id.clone(),
    })
}

fn account_model(
    profile: &Profile,
    rules: &AccountRules,
    dfs: &[DfModel],
    keys: &[KeyModel],
    place: &mut Places,
) -> Result<AccountModel, ModelError> {
    let df = df_index(profile, &rules.df)?;
    let log_id = || format!("{}.{}", rules.df, rules.log);
    let log = dfs[df].efs.iter().position(|ef| ef.id == rules.log).ok_or_else(|| ModelError::NoSuchFile(log_id()))?;
    if !matches!(dfs[df].efs[log].structure, Structure::Cyclic { length: LOG_RECORD, .. }) {
        return Err(ModelError::Size(log_id()));
    }
    Ok(AccountModel {
        df,
        log,
        purchase_key: key_index(keys, "account", &rules.purchase_key)?,
        load_key: key_index(keys, "account", &rules.load_key)?,
        tac_key: key_index(keys, "account", &rules.tac_key)?,
        purchase_access: rule(keys, "account", &rules.purchase_access)?,
        load_access: rule(keys, "account", &rules.load_access)?,
        balance_access: rule(keys, "account", &rules.balance_access)?,
        address: place.take(ACCOUNT_BYTES),
        rules: rules.clone(),
    })
}

fn psam_model(profile: &Profile, dfs: &[DfModel]) -> Result<PsamModel, ModelError> {
    let find = |element: &str, length: u8| {
        for (df, row) in dfs.iter().zip(&profile.df).map(|(df, row)| (df, &row.ef)) {
            for (ef, row) in df.efs.iter().zip(row) {
                let mut offset = 0;
                for item in &row.elements {
                    if item.id == element && item.format.length == length {
                        // A transparent file may be stated smaller than its items.
                        let fits =
                            matches!(ef.structure, Structure::Transparent) && offset + usize::from(length) <= ef.size;
                        return if fits { Ok(ef.address + offset) } else { Err(ModelError::Size(element.to_owned())) };
                    }
                    offset += usize::from(item.format.length);
                }
            }
        }
        Err(ModelError::NoSuchFile(element.to_owned()))
    };
    let (terminal, sequence) = (find("terminal_number", 6)?, find("terminal_sequence", 4)?);
    let holds = |df: &DfModel| df.efs.iter().any(|ef| (ef.address..ef.address + ef.size).contains(&sequence));
    let df = dfs.iter().position(holds).ok_or_else(|| ModelError::NoSuchFile("terminal_sequence".to_owned()))?;
    Ok(PsamModel { terminal, sequence, df })
}

/// A file whose tags and lengths are there and whose values are empty: cn and cn-amt F, everything else 00.
fn empty_file(ef: &Ef) -> Vec<u8> {
    match ef.kind {
        EfKind::TlvRecords => ef.elements.iter().flat_map(empty_record).collect(),
        EfKind::Transparent | EfKind::Cyclic => {
            let mut bytes: Vec<u8> =
                ef.elements.iter().flat_map(|row| vec![filler(row.format); usize::from(row.format.length)]).collect();
            bytes.resize(usize::from(ef.size), 0);
            bytes
        }
    }
}

fn empty_record(element: &Element) -> Vec<u8> {
    let mut bytes = vec![element.tag.unwrap_or_default(), element.format.length];
    bytes.extend(element.inner.iter().flat_map(empty_record));
    bytes.resize(2 + usize::from(element.format.length), filler(element.format));
    bytes
}

const fn filler(format: Format) -> u8 {
    match format.kind {
        FormatKind::Cn | FormatKind::CnAmount => 0xFF,
        FormatKind::B | FormatKind::An | FormatKind::BAmount | FormatKind::BSequence | FormatKind::BTlv => 0x00,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use card_profiles::builtin_text;

    #[test]
    fn a_psam_whose_counter_lies_outside_its_file_is_not_made() {
        let text = builtin_text("psam").expect("built in");
        for (from, to) in [("size = 6\n", "size = 5\n"), ("size = 4\n", "size = 3\n")] {
            assert!(text.contains(from), "{from:?}");
            let profile = Profile::parse(&text.replacen(from, to, 1)).expect("follows the grammar");
            assert!(matches!(Model::of(&profile), Err(ModelError::Size(_))), "{to:?}");
        }
    }
}
