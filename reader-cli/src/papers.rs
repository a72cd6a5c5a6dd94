//! The papers of a sale: bill, catalogue, policy.
//!
//! Source: `settlement` reads each of them and knows their faults.
//! Owns: finding their files, one refusal for all faults of a file. Never: prices a bill, touches a card.

use std::path::Path;

use settlement::bill::Bill;
use settlement::catalogue::{Catalogue, CatalogueFault};
use settlement::explain::Explain;
use settlement::id::Digest;
use settlement::policy::Policy;

use crate::arguments::PayArguments;
use crate::configuration::Configuration;
use card_counter::error::{Paper, TerminalError};
use card_counter::file;
use card_counter::language::{Language, Words};

/// What a bill is priced with.
#[derive(Debug)]
pub struct Papers {
    /// What is sold.
    pub bill: Bill,
    /// SHA-256 of the bill's file.
    pub digest: Digest,
    /// Drugs.
    pub catalogue: Catalogue,
    /// The city's rules.
    pub policy: Policy,
}

/// Faults of a file named in one error; the rest is a count.
const FAULTS_SHOWN: usize = 3;

impl Papers {
    /// Reads the papers that the arguments or the configuration name, beside a catalogue.
    ///
    /// # Errors
    /// [`TerminalError::File`], [`TerminalError::Paper`].
    pub fn read(
        configuration: &Configuration,
        arguments: &PayArguments,
        catalogue: Catalogue,
    ) -> Result<Self, TerminalError> {
        let bytes = file::bytes(&arguments.bill, file::BYTES_MAX)?;
        let bill = bill_of(&bytes, &arguments.bill)?;
        let policy = match arguments.policy.as_ref().or(configuration.policy.as_ref()) {
            Some(path) => policy(path)?,
            None => Policy::default(),
        };
        Ok(Self { bill, digest: Digest::of(&bytes), catalogue, policy })
    }
}

/// A bill file.
///
/// # Errors
/// [`TerminalError::File`] or [`TerminalError::Paper`].
pub fn bill(path: &Path) -> Result<Bill, TerminalError> {
    bill_of(&file::bytes(path, file::BYTES_MAX)?, path)
}

fn bill_of(bytes: &[u8], path: &Path) -> Result<Bill, TerminalError> {
    Bill::parse(bytes).map_err(|error| malformed(Paper::Bill, path, Words::explained(&error)))
}

/// A catalogue file.
///
/// # Errors
/// [`TerminalError::File`] or [`TerminalError::Paper`].
pub fn catalogue(path: &Path) -> Result<Catalogue, TerminalError> {
    let text = text(Paper::Catalogue, path)?;
    Catalogue::parse(&text).map_err(|faults| faulty(path, &faults))
}

/// The refusal of a catalogue with these faults.
pub fn faulty(place: &Path, faults: &[CatalogueFault]) -> TerminalError {
    malformed(Paper::Catalogue, place, first_of(faults))
}

/// A policy file.
///
/// # Errors
/// [`TerminalError::File`] or [`TerminalError::Paper`].
pub fn policy(path: &Path) -> Result<Policy, TerminalError> {
    let text = text(Paper::Policy, path)?;
    Policy::parse(&text).map_err(|faults| malformed(Paper::Policy, path, first_of(&faults)))
}

/// The text of a paper.
///
/// # Errors
/// [`TerminalError::File`], or [`TerminalError::Paper`] when it is not UTF-8.
pub fn text(kind: Paper, path: &Path) -> Result<String, TerminalError> {
    String::from_utf8(file::bytes(path, file::BYTES_MAX)?).map_err(|error| {
        let byte = error.utf8_error().valid_up_to() + 1;
        let words = Words::of(
            format!("须为 UTF-8 文本,第 {byte} 字节不是"),
            format!("UTF-8 text is needed; byte {byte} is none"),
        );
        malformed(kind, path, words)
    })
}

/// The first faults of a file, and how many there are.
fn first_of(faults: &[impl Explain]) -> Words {
    let shown = |language| {
        let texts: Vec<String> = faults.iter().take(FAULTS_SHOWN).map(|fault| fault.message(language)).collect();
        texts.join("; ")
    };
    Words::of(
        format!("{}(共 {} 处)", shown(Language::Zh), faults.len()),
        format!("{} ({} faults)", shown(Language::En), faults.len()),
    )
}

fn malformed(kind: Paper, path: &Path, reason: Words) -> TerminalError {
    TerminalError::Paper { kind, path: path.display().to_string(), reason }
}
