//! Directories and files, laid out.
//!
//! Owns: what SELECT answers for a DF, where the bytes and records of an EF lie, who may read and update it.
//! Never: says what a file holds at the factory (`factory`).
//! Units: addresses and lengths in bytes.

use card_core::crypto::KeyLength;
use card_core::fci::Fci;
use card_profiles::profile::{Df, Ef, EfKind, Profile};

use super::{KeyModel, ModelError, Places, Rule, key_index, rule};

#[derive(Debug)]
pub(crate) struct DfModel {
    pub(crate) id: String,
    pub(crate) fid: u16,
    pub(crate) name: Vec<u8>,
    pub(crate) fci: Vec<u8>,
    pub(crate) control_key: usize,
    /// Whether it belongs to the certificate application, beside SSSE.
    pub(crate) certificates: bool,
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
    /// A private key: no inspection shows it.
    pub(crate) secret: bool,
}

impl EfModel {
    /// Bytes that it takes in the memory.
    pub(crate) fn bytes(&self) -> usize {
        match self.structure {
            Structure::Transparent | Structure::Tlv(_) => self.size,
            Structure::Cyclic { length, slots } => cyclic_bytes(length, slots),
        }
    }
}

/// Newest slot, records written, then the slots.
fn cyclic_bytes(length: usize, slots: u8) -> usize {
    2 + length * usize::from(slots)
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

pub(super) fn df_model(
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
    if keys[control_key].df != index || keys[control_key].form.length != KeyLength::Sixteen {
        return Err(ModelError::NoSuchKey { place: df.id.clone(), key: df.control_key.clone() });
    }
    let names_algorithm = index == 0 && profile.version.starts_with('3');
    let fci = Fci {
        df_name: df.df_name.clone(),
        sfi: df.fci_sfi,
        algorithm: names_algorithm.then(|| profile.algorithm.id()),
    };
    let efs = df.ef.iter().map(|ef| ef_model(&df.id, ef, keys, place)).collect::<Result<_, _>>()?;
    Ok(DfModel {
        id: df.id.clone(),
        fid: df.fid,
        name: df.df_name.clone(),
        fci: fci.encode(),
        control_key,
        certificates: false,
        efs,
    })
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
            (Structure::Cyclic { length, slots: ef.records }, cyclic_bytes(length, ef.records))
        }
    };
    Ok(EfModel {
        fid: ef.fid,
        sfi: ef.sfi(),
        structure,
        read: rule(keys, &id, &ef.read)?,
        update: rule(keys, &id, &ef.update)?,
        address: place.of_file(&id, bytes)?,
        size,
        secret: false,
        id: ef.id.clone(),
    })
}
