//! Which reader holds the card and which the PSAM.
//!
//! Source: both kinds are told apart by selection (`card_core::identify`).
//! Owns: the choice by name, or by what is in the readers when exactly one fits. Never: chooses between two that fit.

use card_core::Session;
use card_core::identify::{Kind, Slot};
use card_core::security::psam::Psam;
use card_core::transport::pcsc::{ReaderInfo, Readers};
use card_profiles::Profile;

use crate::configuration::Configuration;
use crate::error::TerminalError;
use crate::profiles::Profiles;

/// The readers on the counter.
#[derive(Debug)]
pub struct Desk<'a> {
    readers: Readers,
    profiles: &'a Profiles,
    card: Option<&'a str>,
    psam: Option<&'a str>,
    surveyed: Option<Vec<Slot>>,
}

/// A card in the hands of the terminal.
#[derive(Debug)]
pub struct Held {
    /// Reader that holds it.
    pub reader: String,
    /// Conversation with it.
    pub session: Session,
}

/// A reader as `readers` lists it.
#[derive(Debug)]
pub struct Listed {
    /// Name and ATR.
    pub info: ReaderInfo,
    /// What the card is; `None` without card, or when it could not be asked.
    pub kind: Option<Kind>,
    /// Why it could not be asked.
    pub error: Option<TerminalError>,
}

impl<'a> Desk<'a> {
    /// Connects to the daemon.
    ///
    /// # Errors
    /// [`TerminalError`] when the daemon does not run.
    pub fn open(configuration: &'a Configuration, profiles: &'a Profiles) -> Result<Self, TerminalError> {
        Ok(Self {
            readers: Readers::establish()?,
            profiles,
            card: configuration.reader.as_deref(),
            psam: configuration.psam.as_deref(),
            surveyed: None,
        })
    }

    /// Every reader, and what is in it.
    ///
    /// # Errors
    /// [`TerminalError`] when the daemon fails.
    pub fn list(&mut self) -> Result<Vec<Listed>, TerminalError> {
        let infos = self.readers.list()?;
        let mut slots = self.survey()?;
        Ok(infos
            .into_iter()
            .map(|info| {
                let slot = slots.iter().position(|slot| slot.reader == info.name).map(|at| slots.remove(at));
                match slot.map(|slot| slot.card) {
                    Some(Ok((kind, _))) => Listed { info, kind: Some(kind), error: None },
                    Some(Err(error)) => Listed { info, kind: None, error: Some(error.into()) },
                    None => Listed { info, kind: None, error: None },
                }
            })
            .collect())
    }

    /// The card: in the reader that was named, or the only one that is no PSAM.
    ///
    /// # Errors
    /// [`TerminalError`]: no such reader, no card, or several with their names.
    pub fn card(&mut self) -> Result<Held, TerminalError> {
        if let Some(wanted) = self.card {
            let reader = self.readers.choose(wanted)?.name;
            return self.take(reader);
        }
        let psam = self.psam.map(|wanted| self.readers.choose(wanted)).transpose()?;
        let attached = self.readers.list()?;
        if attached.is_empty() {
            return Err(card_core::transport::pcsc::ChooseError::NoReader.into());
        }
        let others: Vec<String> = attached
            .into_iter()
            .map(|reader| (reader.name, reader.atr.is_some()))
            .filter(|(name, _)| psam.as_ref().is_none_or(|psam| psam.name != *name))
            .map(|(name, present)| if present { name } else { format!("{name} (-)") })
            .collect();
        let holding: Vec<&String> = others.iter().filter(|name| !name.ends_with(" (-)")).collect();
        match (holding.as_slice(), &psam) {
            ([], _) => Err(TerminalError::NoUserCard { readers: others }),
            ([one], Some(_)) => self.take((*one).clone()),
            _ => self.only_user_card(psam.map(|psam| psam.name).as_deref(), &others),
        }
    }

    /// The PSAM: in the reader that was named, or the only one that is a PSAM; `None` when there is none.
    ///
    /// # Errors
    /// [`TerminalError`]: no such reader, no PSAM in it, or several with their names.
    pub fn psam(&mut self, profile: &Profile) -> Result<Option<Psam>, TerminalError> {
        let held = if let Some(wanted) = self.psam {
            let reader = self.readers.choose(wanted)?;
            if reader.atr.is_none() {
                return Err(TerminalError::PsamMissing { readers: vec![reader.name] });
            }
            self.take(reader.name)?
        } else {
            let mut slots = self.survey()?;
            let found: Vec<usize> = (0..slots.len()).filter(|at| kind(slots.get(*at)) == Some(Kind::Psam)).collect();
            match found.as_slice() {
                [] => {
                    self.surveyed = Some(slots);
                    return Ok(None);
                }
                [one] => {
                    let slot = slots.remove(*one);
                    self.surveyed = Some(slots);
                    held(slot)?
                }
                _ => {
                    let readers = slots.into_iter().filter(|slot| kind(Some(slot)) == Some(Kind::Psam));
                    return Err(TerminalError::SeveralPsams { readers: readers.map(|slot| slot.reader).collect() });
                }
            }
        };
        let names = self.profiles.psam_names();
        Ok(Some(Psam::open(held.session, &names, profile.psam_keys())?))
    }

    fn only_user_card(&mut self, psam: Option<&str>, looked_at: &[String]) -> Result<Held, TerminalError> {
        let mut slots = self.survey()?;
        let of = |wanted: Option<Kind>, slots: &[Slot]| -> Vec<usize> {
            (0..slots.len())
                .filter(|at| slots.get(*at).is_some_and(|slot| Some(slot.reader.as_str()) != psam))
                .filter(|at| kind(slots.get(*at)) == wanted)
                .collect()
        };
        for wanted in [Some(Kind::User), Some(Kind::Other), None] {
            match of(wanted, &slots).as_slice() {
                [] => {}
                [one] => {
                    let slot = slots.remove(*one);
                    self.surveyed = Some(slots);
                    return held(slot);
                }
                several => {
                    let readers = several.iter().filter_map(|at| slots.get(*at)).map(|slot| slot.reader.clone());
                    return Err(TerminalError::SeveralUserCards { readers: readers.collect() });
                }
            }
        }
        self.surveyed = Some(slots);
        Err(TerminalError::NoUserCard { readers: looked_at.to_vec() })
    }

    /// The session of a reader that was surveyed, or a new one.
    fn take(&mut self, reader: String) -> Result<Held, TerminalError> {
        if let Some(slots) = &mut self.surveyed
            && let Some(at) = slots.iter().position(|slot| slot.reader == reader)
        {
            return held(slots.remove(at));
        }
        let session = Session::new(Box::new(self.readers.connect(&reader)?));
        Ok(Held { reader, session })
    }

    fn survey(&mut self) -> Result<Vec<Slot>, TerminalError> {
        match self.surveyed.take() {
            Some(slots) => Ok(slots),
            None => Ok(self.readers.survey(self.profiles.ssse_name(), &self.profiles.psam_names())?),
        }
    }
}

fn kind(slot: Option<&Slot>) -> Option<Kind> {
    slot.and_then(|slot| slot.card.as_ref().ok()).map(|(kind, _)| *kind)
}

fn held(slot: Slot) -> Result<Held, TerminalError> {
    let (_, session) = slot.card?;
    Ok(Held { reader: slot.reader, session })
}
