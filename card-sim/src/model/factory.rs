//! The memory of a card as a factory delivers it.
//!
//! Owns: what fills keys, PIN and files before a card has a holder. Never: personalizes (`card_profiles::plan`).
//! Units: addresses and lengths in bytes.

use card_core::crypto::{CardKey, KeyForm, KeyLength};
use card_core::key::Key16;
use card_profiles::format::{Format, FormatKind};
use card_profiles::key_file::{ApplicationSerial, Slot};
use card_profiles::profile::{Df, Ef, EfKind, Element, Profile};

use super::{Model, Structure};

impl Model {
    /// Fills its part of the memory as a factory does: control keys are transport keys, files are there and empty.
    /// `keys` fill slots besides, `serial` the application serial of a purse.
    pub(super) fn fill(
        &self,
        memory: &mut [u8],
        profile: &Profile,
        transport_key: &Key16,
        card_factor: [u8; 8],
        keys: &[Slot],
        serial: Option<ApplicationSerial>,
    ) {
        let mut put = |address: usize, bytes: &[u8]| {
            memory.get_mut(address..address + bytes.len()).expect("the layout has room").copy_from_slice(bytes);
        };
        for df in &self.dfs {
            let key = &self.keys[df.control_key];
            let form = KeyForm { rules: key.form.rules, length: KeyLength::Sixteen };
            let control = CardKey::derived(transport_key, &[card_factor], form);
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
                if let Some((serial, at)) = serial.zip(serial_at(profile, rows, row)) {
                    put(ef.address + at, &serial);
                }
            }
        }
    }
}

/// Where in this file the application serial of a purse stands; `None` in any other file.
fn serial_at(profile: &Profile, df: &Df, ef: &Ef) -> Option<usize> {
    let purse = profile.purse.as_ref().filter(|purse| (&purse.df, &purse.public_data) == (&df.id, &ef.id))?;
    let is_serial =
        |row: &Element| &*row.id == "serial" && usize::from(row.format.length) == size_of::<ApplicationSerial>();
    let index = profile.ef(&purse.df, &ef.id)?.elements.iter().position(is_serial)?;
    Some(ef.elements.iter().take(index).map(|row| usize::from(row.format.length)).sum())
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
