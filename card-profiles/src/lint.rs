//! Checks a profile for contradictions.
//!
//! Owns: what must agree inside one profile: sizes, identifiers, references, capacity; a room for each kind of row.
//! Never: compares with a card or with another profile, reads text (`load`).

mod account;
mod certificate;
mod commands;
mod files;
mod keys;
mod limits;
mod position;
mod problem;
mod terms;
mod weight;

use std::collections::BTreeSet;

use self::files::lint_df;
use self::keys::lint_keys;
pub use self::position::{Position, position};
pub use self::problem::{Finding, Problem, Term};
use crate::load::{GRAMMAR, GRAMMAR_MIN};
use crate::profile::{CardKind, Df, Ef, EfKind, Profile};

/// Most bytes of a record: one command writes it, one answer reads it.
const RECORD_MAX: usize = 255;

/// Tries that the card can count.
const TRIES: [usize; 15] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Most bytes of a PIN: 12 digits.
const PIN_BYTES_MAX: usize = 6;

/// Most records of a file: one byte counts them, and FF is no record.
const RECORDS_MAX: usize = 254;

/// Historical bytes of a social security card: 7 of the maker, 6 of the serial.
const SERIAL_BYTES: usize = 6;

/// All contradictions of a profile, in the order of its text; empty when there are none.
#[must_use]
pub fn lint(profile: &Profile) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    if !(GRAMMAR_MIN..=GRAMMAR).contains(&profile.format) {
        findings.add("format", Problem::GrammarUnknown(profile.format));
    }
    findings.sum(
        "atr",
        terms::HISTORICAL_BYTES,
        historical_bytes_announced(profile),
        profile.atr.maker.len() + SERIAL_BYTES,
    );
    limits::lint_limits(profile, &mut findings);
    lint_dialect(profile, &mut findings);
    findings.duplicates("df", terms::DIRECTORY_ID, profile.df.iter().map(|df| df.id.clone()));
    findings.duplicates("df", terms::FID, profile.df.iter().map(|df| format!("{:04X}", df.fid)));
    let names = profile.df.iter().filter(|df| !df.df_name.is_empty());
    findings.duplicates("df", terms::DF_NAME, names.map(|df| hex::encode_upper(&df.df_name)));
    if let Some(mf) = &profile.mf {
        let names: Vec<usize> = (0..=16).collect();
        findings.range("mf", terms::NAME_BYTES, mf.df_name.len(), &names, Term::new("0 到 16", "0 to 16"));
        let own = profile.df.iter().map(|df| df.fid).chain([MF_FID]);
        findings.duplicates("mf", terms::FID, own.filter(|fid| *fid == MF_FID).map(|fid| format!("{fid:04X}")));
    }
    profile.df.iter().for_each(|df| lint_df(profile, df, &mut findings));
    lint_keys(profile, &mut findings);
    commands::lint_commands(profile, &mut findings);
    account::lint_account(profile, &mut findings);
    account::lint_purse(profile, &mut findings);
    let code = profile.psam.authentication_code.len();
    findings.range("psam", terms::CODE_BYTES, code, &[0, 9], Term::new("9，或不填", "9, or none"));
    let files = profile.df.iter().flat_map(|df| df.ef.iter().map(|ef| format!("{}.{}", df.id, ef.id)));
    let files: BTreeSet<String> = files.collect();
    for file in profile.psam.shared_files.iter().filter(|file| !files.contains(*file)) {
        findings.add("psam.shared_files", Problem::PlaceMissing(file.clone()));
    }
    certificate::lint_certificate(profile, &mut findings);
    let certificates = profile.certificate.iter().flat_map(|rules| &rules.file).map(|file| file.size);
    let files = profile.df.iter().flat_map(|df| &df.ef).map(|ef| ef.size).chain(certificates);
    let files: usize = files.map(usize::from).sum();
    let keys: usize = profile.key.iter().map(|key| key.length.bytes()).sum();
    let capacity = usize::try_from(profile.capacity).unwrap_or(usize::MAX);
    if files + keys > capacity {
        findings.add("capacity", Problem::Capacity { needed: files + keys, capacity });
    }
    findings.0
}

/// A text that is not built in and has the name of one that is: who reads the name would take one for the other.
#[must_use]
pub fn name_taken(text: &str, profile: &Profile) -> Option<Finding> {
    let taken = crate::builtin::builtin_text(&profile.name).is_some_and(|builtin| builtin != text);
    taken.then(|| Finding { place: "name".to_owned(), problem: Problem::NameTaken(profile.name.clone()) })
}

/// File identifier of the MF.
const MF_FID: u16 = 0x3F00;

struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, place: impl Into<String>, problem: Problem) {
        self.0.push(Finding { place: place.into(), problem });
    }

    fn sum(&mut self, place: &str, what: Term, stated: usize, computed: usize) {
        if stated != computed {
            self.add(place, Problem::Sum { what, stated, computed });
        }
    }

    fn range(&mut self, place: &str, what: Term, value: usize, allowed: &[usize], expected: Term) {
        if !allowed.contains(&value) {
            self.add(place, Problem::OutOfRange { what, value, expected });
        }
    }

    fn tries(&mut self, place: &str, tries: u8) {
        self.range(place, terms::TRIES, tries.into(), &TRIES, Term::new("1 到 15", "1 to 15"));
    }

    fn records(&mut self, place: &str, records: usize) {
        if records == 0 || records > RECORDS_MAX {
            let expected = Term::new("1 到 254", "1 to 254");
            self.add(place, Problem::OutOfRange { what: terms::RECORDS, value: records, expected });
        }
    }

    fn record(&mut self, place: &str, bytes: usize) {
        if bytes == 0 || bytes > RECORD_MAX {
            let expected = Term::new(
                "1 到 255（含标识和长度）：一条命令写完",
                "1 to 255, tag and length included: one command writes it",
            );
            self.add(place, Problem::OutOfRange { what: terms::RECORD_BYTES, value: bytes, expected });
        }
    }

    fn log(&mut self, place: &str, df: &Df, log: &Ef, bytes: usize) {
        self.sum(place, terms::LOG_RECORD_BYTES, bytes, log.record_length());
        if log.kind != EfKind::Cyclic {
            self.add(place, Problem::LogNotCyclic(format!("{}.{}", df.id, log.id)));
        }
    }

    fn duplicates(&mut self, place: &str, what: Term, values: impl Iterator<Item = String>) {
        let mut seen = BTreeSet::new();
        for value in values {
            if !seen.insert(value.clone()) {
                self.add(place, Problem::Duplicate { what, value });
            }
        }
    }
}

fn historical_bytes_announced(profile: &Profile) -> usize {
    profile.atr.prefix.get(1).map_or(0, |t0| usize::from(t0 & 0x0F))
}

fn lint_dialect(profile: &Profile, findings: &mut Findings) {
    findings.range(
        "key_load",
        terms::HEADER_BYTES,
        profile.key_load.command.len(),
        &[4],
        Term::new("CLA INS P1 P2 共 4 字节", "CLA INS P1 P2"),
    );
    findings.range(
        "key_load",
        terms::CHALLENGE_BYTES,
        profile.key_load.challenge.into(),
        &[4, 8],
        Term::new("4 或 8", "4 or 8"),
    );
    if profile.kind == CardKind::Psam && profile.psam_names().is_none() {
        findings.add("df", Problem::PsamIncomplete);
    }
    if let Some(row) = &profile.blocking {
        let commands =
            [&row.application_block, &row.application_block_for_good, &row.application_unblock, &row.card_block];
        commands.into_iter().for_each(|header| {
            findings.range(
                "blocking",
                terms::A_HEADER_BYTES,
                header.len(),
                &[4],
                Term::new("CLA INS P1 P2 共 4 字节", "CLA INS P1 P2"),
            );
        });
        findings.range(
            "blocking",
            terms::CHALLENGE_BYTES,
            row.challenge.into(),
            &[0, 4, 8],
            Term::new("0、4 或 8", "0, 4 or 8"),
        );
    }
    if let Some(pin) = &profile.pin {
        findings.tries("pin", pin.tries);
        let digits: Vec<usize> = (1..=PIN_BYTES_MAX).collect();
        for bytes in [pin.bytes_min, pin.bytes_max] {
            findings.range("pin", terms::PIN_BYTES, bytes.into(), &digits, Term::new("1 到 6", "1 to 6"));
        }
        let bytes = pin.initial.len().div_ceil(2);
        if !pin.initial.bytes().all(|sign| sign.is_ascii_digit()) {
            findings.add("pin", Problem::InitialDigits);
        } else if bytes < pin.bytes_min.into() || bytes > pin.bytes_max.into() {
            let expected = Term::new(
                "位数在 bytes_min 与 bytes_max 之间的数字",
                "digits that fit between bytes_min and bytes_max",
            );
            findings
                .add("pin", Problem::OutOfRange { what: terms::INITIAL_DIGITS, value: pin.initial.len(), expected });
        }
    }
}

#[cfg(test)]
mod tests;
