//! Reading the card's files as far as their conditions can be met.
//!
//! Source: access conditions and file structures are rows of the profile.
//! Owns: which rights to prove for which file, in which order; values and faults side by side.
//! Never: spends a try of a key that the card refused before, unless told to.

use std::collections::BTreeSet;

use card_core::StatusWord;
use card_core::command::{self, Record};
use card_core::limits::RECORDS_MAX;
use card_core::reading;
use card_core::script::Step;
use card_core::security::KeyName;
use card_core::security::psam::Psam;
use card_profiles::access::{Access, Right};
use card_profiles::image::{Reading, decode_file};
use card_profiles::profile::EfKind;
use card_profiles::{Df, Ef};

use super::pin;
use super::tap::Tapped;
use crate::error::TerminalError;
use crate::secret::Pin;

/// Most bytes that one READ of a short APDU answers, with room for the status word in old readers.
const CHUNK: u16 = 0xF0;

/// A reader of one card: keeps which rights were proved.
#[derive(Debug)]
pub struct FileReader<'t, 'a, 'k> {
    tapped: &'t mut Tapped<'a>,
    keys: Keys<'k>,
    rights: BTreeSet<Right>,
    /// What was read, and what was found.
    pub reading: Reading,
    /// Files that could not be read, with the reason.
    pub unread: Vec<Unread>,
}

/// What can prove rights.
#[derive(Debug, Default)]
pub struct Keys<'k> {
    /// PSAM.
    pub psam: Option<&'k mut Psam>,
    /// PIN of the holder.
    pub pin: Option<&'k Pin>,
    /// Keys that this card refused before, with the tries left: they are not tried again.
    pub refused_before: Vec<(String, u8)>,
}

/// A file that could not be read.
#[derive(Debug)]
pub struct Unread {
    /// `SSSE.EF06`.
    pub file: String,
    /// Why.
    pub error: TerminalError,
}

impl<'t, 'a, 'k> FileReader<'t, 'a, 'k> {
    /// A reader without rights. EF05 is already read.
    #[must_use]
    pub fn new(tapped: &'t mut Tapped<'a>, keys: Keys<'k>) -> Self {
        let reading = tapped.issuer_data.clone();
        Self { tapped, keys, rights: BTreeSet::new(), reading, unread: Vec::new() }
    }

    /// The basic data: EF05 and EF06 of SSSE.
    ///
    /// # Errors
    /// [`TerminalError`] when the card is gone.
    pub fn basic(&mut self) -> Result<(), TerminalError> {
        self.file("SSSE", "EF06")
    }

    /// Every file of the profile.
    ///
    /// # Errors
    /// [`TerminalError`] when the card is gone.
    pub fn all(&mut self) -> Result<(), TerminalError> {
        let profile = self.tapped.profile;
        for df in &profile.df {
            for ef in df.ef.iter().filter(|ef| (df.id.as_str(), ef.id.as_str()) != ("SSSE", "EF05")) {
                self.file(&df.id, &ef.id)?;
            }
        }
        Ok(())
    }

    /// One file. What cannot be read is noted with its reason.
    ///
    /// # Errors
    /// [`TerminalError`] when the card is gone.
    pub fn file(&mut self, df: &str, ef: &str) -> Result<(), TerminalError> {
        let profile = self.tapped.profile;
        let (Some(df), Some(ef)) = (profile.df(df), profile.ef(df, ef)) else {
            self.unread.push(Unread {
                file: format!("{df}.{ef}"),
                error: TerminalError::ApplicationMissing { df: format!("{df}.{ef}") },
            });
            return Ok(());
        };
        match self.try_file(df, ef) {
            Ok(bytes) => {
                let reading = decode_file(df, ef, &bytes);
                self.reading.values.extend(reading.values);
                self.reading.faults.extend(reading.faults);
                Ok(())
            }
            Err(error) if error.answer_lost() && !matches!(error, TerminalError::CardAnswer { .. }) => Err(error),
            Err(error) => {
                self.unread.push(Unread { file: format!("{}.{}", df.id, ef.id), error });
                Ok(())
            }
        }
    }

    fn try_file(&mut self, df: &Df, ef: &Ef) -> Result<Vec<u8>, TerminalError> {
        if self.tapped.select(&df.id)? {
            // Rights by keys of a DF end with its selection; those of SSSE and the PIN stay.
            let profile = self.tapped.profile;
            self.rights.retain(|right| match right {
                Right::Pin => true,
                Right::Key(name) => profile.key(name).is_some_and(|row| row.id & 0x80 == 0),
            });
        }
        let free = df.id == "SSSE" && ef.id == "EF06" && !self.tapped.is_third_generation();
        if !free {
            self.meet(&ef.read)?;
        }
        match ef.kind {
            EfKind::TlvRecords => self.records(ef),
            EfKind::Cyclic => self.cyclic(ef),
            EfKind::Transparent => self.binary(ef),
        }
    }

    /// Proves what a condition asks for: with `or`, the first that can be proved.
    fn meet(&mut self, access: &Access) -> Result<(), TerminalError> {
        match access {
            Access::Free => Ok(()),
            Access::Never | Access::Mac(_) => {
                Err(TerminalError::CardRefused { command: "READ", sw: StatusWord::SECURITY_STATUS })
            }
            Access::All(rights) => rights.iter().try_for_each(|right| self.prove(right)),
            Access::Any(rights) => {
                if rights.iter().any(|right| self.rights.contains(right)) {
                    return Ok(());
                }
                let mut first = None;
                for right in rights {
                    match self.prove(right) {
                        Ok(()) => return Ok(()),
                        Err(error) if error.answer_lost() => return Err(error),
                        Err(error) => first = first.or(Some(error)),
                    }
                }
                Err(first.unwrap_or(TerminalError::Bug("a condition names at least one right")))
            }
        }
    }

    fn prove(&mut self, right: &Right) -> Result<(), TerminalError> {
        if self.rights.contains(right) {
            return Ok(());
        }
        match right {
            Right::Pin => {
                let pin = self.keys.pin.ok_or(TerminalError::PinNeeded)?;
                pin::verify(&mut self.tapped.session, pin)?;
            }
            Right::Key(name) => self.authenticate(name)?,
        }
        self.rights.insert(right.clone());
        Ok(())
    }

    fn authenticate(&mut self, name: &KeyName) -> Result<(), TerminalError> {
        let row = self.tapped.profile.key(name).ok_or(TerminalError::Bug("a condition names a key of the profile"))?;
        if let Some((_, left)) = self.keys.refused_before.iter().find(|(refused, _)| refused == name.as_str()) {
            return Err(TerminalError::LastTry { secret: name.to_string(), left: *left });
        }
        let Some(psam) = self.keys.psam.as_deref_mut() else {
            return Err(TerminalError::PsamMissing { readers: Vec::new() });
        };
        let step = Step::Authenticate { key: self.tapped.key(row), id: row.id };
        let sw = self.tapped.session.perform(&step, Some(psam))?.sw;
        match (sw, sw.tries()) {
            (sw, _) if sw.is_ok() => Ok(()),
            (_, Some(0)) | (StatusWord::BLOCKED, _) => Err(TerminalError::KeyBlocked { key: name.to_string() }),
            (_, Some(left)) => Err(TerminalError::KeyRefused { key: name.to_string(), left }),
            (sw, None) => Err(TerminalError::CardRefused { command: "EXTERNAL AUTHENTICATION", sw }),
        }
    }

    fn records(&mut self, ef: &Ef) -> Result<Vec<u8>, TerminalError> {
        let lengths: Vec<u16> = ef.elements.iter().map(|element| u16::from(element.format.length) + 2).collect();
        let answer = reading::tagged_records(&mut self.tapped.session, ef.sfi(), &lengths)?;
        answer.map_err(|sw| TerminalError::CardRefused { command: "READ RECORD", sw })
    }

    fn cyclic(&mut self, ef: &Ef) -> Result<Vec<u8>, TerminalError> {
        cyclic_records(self.tapped, ef).map(|records| records.concat())
    }

    fn binary(&mut self, ef: &Ef) -> Result<Vec<u8>, TerminalError> {
        let selected = self.tapped.session.send(&command::select_by_fid(ef.fid))?;
        selected.ok().map_err(|sw| TerminalError::CardRefused { command: "SELECT", sw })?;
        let mut bytes = Vec::with_capacity(ef.size.into());
        for offset in (0..ef.size).step_by(CHUNK.into()) {
            let wanted = CHUNK.min(ef.size - offset);
            let answer = self.tapped.session.send(&command::read_binary(offset, wanted))?;
            match answer.sw {
                sw if sw.is_ok() && !answer.data.is_empty() => bytes.extend(answer.data),
                sw if sw.is_ok() => break,
                StatusWord::WRONG_OFFSET => break,
                sw => return Err(TerminalError::CardRefused { command: "READ BINARY", sw }),
            }
        }
        Ok(bytes)
    }
}

/// The records of a cyclic file, newest first, each of its full length. Rights are proved before.
///
/// # Errors
/// [`TerminalError`] when the card refuses or a record is short.
pub fn cyclic_records(tapped: &mut Tapped<'_>, ef: &Ef) -> Result<Vec<Vec<u8>>, TerminalError> {
    let length = u16::try_from(ef.record_length()).map_err(|_| TerminalError::Bug("records are short"))?;
    let mut records = Vec::new();
    for number in 1..=ef.records.min(RECORDS_MAX) {
        let answer = tapped.session.send(&command::read_record(ef.sfi(), Record::Number(number), length))?;
        match answer.sw {
            sw if sw.is_ok() && answer.data.len() == ef.record_length() => records.push(answer.data),
            sw if sw.is_ok() => return Err(TerminalError::CardAnswer { command: "READ RECORD" }),
            StatusWord::RECORD_NOT_FOUND => break,
            sw => return Err(TerminalError::CardRefused { command: "READ RECORD", sw }),
        }
    }
    Ok(records)
}
