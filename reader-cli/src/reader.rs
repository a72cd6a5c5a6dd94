//! Which reader holds the card and which the PSAM.
//!
//! Source: both kinds are told apart by selection (`card_core::identify`).
//! Owns: the choice by name, or by what is in the readers when exactly one fits. Never: chooses between two that fit.

use std::time::Duration;

use card_core::Session;
use card_core::identify::{Kind, Slot};
use card_core::security::psam::Psam;
use card_core::transport::Transport;
use card_core::transport::pcsc::{ChooseError, PcscTransport, ReaderInfo, Readers};
use card_profiles::Profile;

use crate::configuration::Configuration;
use crate::error::{Code, TerminalError};
use crate::profiles::Profiles;
use crate::trace::Trace;

/// The readers on the counter.
#[derive(Debug)]
pub struct Desk<'a> {
    readers: Readers,
    profiles: &'a Profiles,
    card: Option<&'a str>,
    psam: Option<&'a str>,
    wait: Duration,
    /// Readers in our hands.
    taken: Vec<String>,
    /// What the others hold, once asked.
    surveyed: Option<Vec<Slot>>,
    /// Where what is said is recorded.
    trace: Option<Trace>,
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
            wait: configuration.wait,
            taken: Vec::new(),
            surveyed: None,
            trace: None,
        })
    }

    /// With everything said from now on recorded.
    #[must_use]
    pub fn recorded(mut self, trace: Option<Trace>) -> Self {
        self.trace = trace;
        self
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

    /// Names of all readers, for errors.
    ///
    /// # Errors
    /// [`TerminalError`] when the daemon fails.
    pub fn names(&self) -> Result<Vec<String>, TerminalError> {
        Ok(self.readers.list()?.into_iter().map(|reader| reader.name).collect())
    }

    /// The card: in the reader that was named, or the only one that is no PSAM. Waits for it where that is configured and
    /// only one reader can be meant.
    ///
    /// # Errors
    /// [`TerminalError`]: no such reader, no card, or several with their names.
    pub fn card(&mut self) -> Result<Held, TerminalError> {
        let error = match self.card_now() {
            Err(error) if error.code() == Code::NoCard && !self.wait.is_zero() => error,
            result => return result,
        };
        let empty: Vec<String> = match self.card {
            Some(wanted) => vec![self.readers.choose(wanted)?.name],
            None => self.readers.list()?.into_iter().filter(|reader| reader.atr.is_none()).map(|r| r.name).collect(),
        };
        let [reader] = empty.as_slice() else { return Err(error) };
        self.surveyed = None;
        if self.readers.wait(reader, true, self.wait)? { self.card_now() } else { Err(error) }
    }

    fn card_now(&mut self) -> Result<Held, TerminalError> {
        if let Some(wanted) = self.card {
            let reader = self.readers.choose(wanted)?.name;
            return self.take(reader);
        }
        let psam = self.psam.map(|wanted| self.readers.choose(wanted)).transpose()?.map(|reader| reader.name);
        let attached = self.readers.list()?;
        if attached.is_empty() {
            return Err(ChooseError::NoReader.into());
        }
        let is_free = |name: &String| psam.as_ref() != Some(name) && !self.taken.contains(name);
        let holding: Vec<String> = attached
            .iter()
            .filter(|reader| reader.atr.is_some() && is_free(&reader.name))
            .map(|reader| reader.name.clone())
            .collect();
        let psam_known = psam.is_some() || !self.taken.is_empty();
        match holding.as_slice() {
            [] => {
                let readers = attached.into_iter().map(|reader| reader.name).filter(is_free).collect();
                Err(TerminalError::NoUserCard { readers })
            }
            [one] if psam_known => self.take(one.clone()),
            _ => self.only_user_card(psam.as_deref(), &holding),
        }
    }

    /// The PSAM: in the reader that was named, or the only one that is a PSAM; `None` when there is none.
    ///
    /// # Errors
    /// [`TerminalError`]: no such reader, no PSAM in it, or several with their names.
    pub fn psam(&mut self, profile: &Profile) -> Result<Option<Psam>, TerminalError> {
        let held = match self.psam {
            Some(wanted) => {
                let reader = self.readers.choose(wanted)?;
                if reader.atr.is_none() {
                    return Err(TerminalError::PsamMissing { readers: vec![reader.name] });
                }
                self.take(reader.name)?
            }
            None => match self.only_psam()? {
                Some(held) => held,
                None => return Ok(None),
            },
        };
        Ok(Some(Psam::open(held.session, &self.profiles.psam_names(), profile.psam_keys())?))
    }

    fn only_psam(&mut self) -> Result<Option<Held>, TerminalError> {
        // A reader that was named for the card is not asked whether it holds the PSAM.
        if let Some(wanted) = self.card {
            let reader = self.readers.choose(wanted)?.name;
            self.hold(&reader);
        }
        let mut slots = self.survey()?;
        let found = of_kind(&slots, Some(Kind::Psam), None);
        let held = match found.as_slice() {
            [] => Ok(None),
            [one] => held(slots.remove(*one)).map(Some),
            several => Err(TerminalError::SeveralPsams { readers: names(&slots, several) }),
        };
        if let Ok(Some(held)) = &held {
            self.hold(&held.reader);
        }
        self.surveyed = Some(slots);
        held
    }

    /// The only social security card; else the only other card, which is then told what it is not.
    fn only_user_card(&mut self, psam: Option<&str>, holding: &[String]) -> Result<Held, TerminalError> {
        let mut slots = self.survey()?;
        let mut chosen = Err(TerminalError::NoUserCard { readers: holding.to_vec() });
        for wanted in [Some(Kind::User), Some(Kind::Other), None] {
            match of_kind(&slots, wanted, psam).as_slice() {
                [] => continue,
                [one] => chosen = held(slots.remove(*one)),
                several => chosen = Err(TerminalError::SeveralUserCards { readers: names(&slots, several) }),
            }
            break;
        }
        if let Ok(held) = &chosen {
            self.hold(&held.reader);
        }
        self.surveyed = Some(slots);
        chosen
    }

    /// The session of a reader that was surveyed, or a new one.
    fn take(&mut self, reader: String) -> Result<Held, TerminalError> {
        self.hold(&reader);
        if let Some(slots) = &mut self.surveyed
            && let Some(at) = slots.iter().position(|slot| slot.reader == reader)
        {
            return held(slots.remove(at));
        }
        let session = Session::new(wrapped(self.trace.as_ref(), &reader, self.readers.connect(&reader)?));
        Ok(Held { reader, session })
    }

    fn hold(&mut self, reader: &str) {
        if !self.taken.iter().any(|taken| taken == reader) {
            self.taken.push(reader.to_owned());
        }
    }

    fn survey(&mut self) -> Result<Vec<Slot>, TerminalError> {
        match self.surveyed.take() {
            Some(slots) => Ok(slots),
            None => {
                let taken: Vec<&str> = self.taken.iter().map(String::as_str).collect();
                let wrap = |reader: &str, transport| wrapped(self.trace.as_ref(), reader, transport);
                let psam = self.profiles.psam_names();
                Ok(self.readers.survey_through(self.profiles.ssse_name(), &psam, &taken, &wrap)?)
            }
        }
    }
}

/// The card, with a recorder before it where there is a trace.
fn wrapped(trace: Option<&Trace>, reader: &str, transport: PcscTransport) -> Box<dyn Transport> {
    match trace {
        Some(trace) => Box::new(trace.recorder(reader, Box::new(transport))),
        None => Box::new(transport),
    }
}

/// Places of the slots with this kind of card; `None`: cards that could not be asked.
fn of_kind(slots: &[Slot], wanted: Option<Kind>, except: Option<&str>) -> Vec<usize> {
    let is = |slot: &Slot| slot.card.as_ref().ok().map(|(kind, _)| *kind) == wanted;
    let fits = |(_, slot): &(usize, &Slot)| Some(slot.reader.as_str()) != except && is(slot);
    slots.iter().enumerate().filter(fits).map(|(at, _)| at).collect()
}

fn names(slots: &[Slot], places: &[usize]) -> Vec<String> {
    places.iter().filter_map(|at| slots.get(*at)).map(|slot| slot.reader.clone()).collect()
}

fn held(slot: Slot) -> Result<Held, TerminalError> {
    let (_, session) = slot.card?;
    Ok(Held { reader: slot.reader, session })
}
