//! What lies at each address of a card's memory.
//!
//! Source: the table of the image format in `card-sim/README.md`.
//! Owns: the table, spelt a second time. Never: asks the software card where it keeps what.

use card_profiles::profile::EfKind;

/// What lies at an address of the memory, by the table of the image format in `card-sim/README.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Log and its commit record: without a whole transaction in it, it says nothing.
    Log,
    /// Byte of a key slot: `DF.NAME`.
    Key(String, usize),
    /// Byte of the PIN slot.
    Pin(usize),
    /// Byte of a file.
    File(usize, usize, usize),
    /// Byte of the account.
    Account(usize),
    /// Certificate application: the file or slot, and the byte.
    Certificate(String, usize),
    /// Byte of the blocks.
    Block(usize),
}

pub(crate) fn cells(profile: &card_profiles::Profile) -> Vec<Cell> {
    let mut cells = vec![Cell::Log; 1040];
    for row in &profile.key {
        cells.extend((0..20).map(|byte| Cell::Key(format!("{}.{}", row.df, row.name), byte)));
    }
    let pin = profile.pin.iter().flat_map(|pin| 0..2 + usize::from(pin.bytes_max));
    cells.extend(pin.map(Cell::Pin));
    for (at, df) in profile.df.iter().enumerate() {
        for (file, ef) in df.ef.iter().enumerate() {
            let header = if ef.kind == EfKind::Cyclic { 2 } else { 0 };
            cells.extend((0..header + usize::from(ef.size)).map(|byte| Cell::File(at, file, byte)));
        }
    }
    cells.extend(profile.account.iter().flat_map(|_| 0..40).map(Cell::Account));
    let certificates = profile.certificate.as_ref().filter(|rules| rules.access.is_some());
    if let Some(rules) = certificates {
        cells.extend((0..20).map(|byte| Cell::Key("CERT.MKCERT".to_owned(), byte)));
        for file in &rules.file {
            cells.extend((0..usize::from(file.size)).map(|byte| Cell::Certificate(file.id.clone(), byte)));
        }
        for pin in ["user_pin", "administrator_pin"] {
            cells.extend((0..18).map(|byte| Cell::Certificate(pin.to_owned(), byte)));
        }
    }
    let dfs = profile.df.len() + if certificates.is_some() { 2 } else { 0 };
    cells.extend((0..2 + dfs).map(Cell::Block));
    cells
}
