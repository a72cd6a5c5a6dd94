//! Which reader holds the card and which the PSAM.
//!
//! Source: both kinds are told apart by selection (`card_core::identify`).
//! Owns: the choice by name, or by what is in the readers when exactly one fits; waiting. Never: chooses between two that fit.

use std::time::{Duration, Instant};

use card_core::identify::{Kind, Slot};
use card_core::limits::DAEMON_PAUSE;
use card_core::security::SecurityError;
use card_core::security::psam::{Psam, PsamNames};
use card_core::transport::Transport;
use card_core::transport::pcsc::{ChooseError, Interface, PcscTransport, ReaderInfo, Readers};
use card_core::{Session, StatusWord, TransportError, command};
use card_profiles::{Catalog, Profile};

use crate::configuration::Configuration;
use crate::error::{Code, TerminalError};
use crate::trace::Trace;

/// The readers on the counter.
#[derive(Debug)]
pub struct Desk<'a> {
    readers: Readers,
    catalog: &'a Catalog,
    card: Option<&'a str>,
    psam: Option<&'a str>,
    interface: Interface,
    wait: Duration,
    /// Readers in our hands.
    taken: Vec<String>,
    /// What the others hold, once asked.
    surveyed: Option<Vec<Slot>>,
    /// Where what is said is recorded.
    trace: Option<Trace>,
    /// The PSAMs, once looked for.
    psams: Option<Vec<Held>>,
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
    pub fn open(configuration: &'a Configuration, catalog: &'a Catalog) -> Result<Self, TerminalError> {
        Ok(Self {
            readers: establish(configuration.wait)?,
            catalog,
            card: configuration.reader.as_deref(),
            psam: configuration.psam.as_deref(),
            interface: configuration.interface,
            wait: configuration.wait,
            taken: Vec::new(),
            surveyed: None,
            trace: None,
            psams: None,
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

    /// The card: in the reader that was named, or the only one that is no PSAM. Where that is configured, waits for it, in
    /// whichever reader it comes.
    ///
    /// # Errors
    /// [`TerminalError`]: no such reader, no card, or several with their names.
    pub fn card(&mut self) -> Result<Held, TerminalError> {
        let start = Instant::now();
        // What is in a reader now is no card that may be taken: it was looked at.
        let mut others: Option<Vec<String>> = None;
        loop {
            let error = match self.card_now() {
                Err(error) if error.code() == Code::NoCard => error,
                result => return result,
            };
            let left = self.wait.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(error);
            }
            self.surveyed = None;
            if let Some(wanted) = self.card {
                let reader = self.readers.choose(wanted)?.name;
                if !self.readers.wait(&reader, true, left)? {
                    return Err(error);
                }
                continue;
            }
            let others = match &mut others {
                Some(others) => others,
                none => none.insert(self.holding()?),
            };
            match self.readers.wait_for_any(self.interface, others, left)? {
                Some(found) => others.push(found.name),
                None => return Err(error),
            }
        }
    }

    /// Readers that hold something.
    fn holding(&self) -> Result<Vec<String>, TerminalError> {
        let readers = self.readers.list()?.into_iter();
        Ok(readers.filter(|reader| reader.atr.is_some()).map(|reader| reader.name).collect())
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
            .filter(|reader| reader.atr.is_some() && is_free(&reader.name) && self.interface.turn(reader).is_some())
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

    /// The PSAM that serves cards of this profile: in the reader that was named, or the only one that has the environment of
    /// the profile's algorithm; `None` when there is no PSAM at all.
    ///
    /// # Errors
    /// [`TerminalError`]: no such reader, no PSAM in it, none with this environment, or several with their names.
    pub fn psam(&mut self, profile: &Profile) -> Result<Option<Psam>, TerminalError> {
        let wanted = self.catalog.psam_of(profile).clone();
        let Some((names, held)) = self.psam_with(&[wanted])? else { return Ok(None) };
        Ok(Some(Psam::open(held.session, &names, profile.psam_keys())?))
    }

    /// The only PSAM, whatever its environments: for its terminal number.
    ///
    /// # Errors
    /// As [`Desk::psam`].
    pub fn any_psam(&mut self) -> Result<Option<Psam>, TerminalError> {
        let Some((names, held)) = self.psam_with(self.catalog.psams())? else { return Ok(None) };
        Ok(Some(Psam::open(held.session, &names, self.catalog.first().psam_keys())?))
    }

    /// Whether a PSAM at hand serves more than the cards that every terminal expects: then a card is asked for its algorithm.
    /// `None` when there is no PSAM.
    ///
    /// # Errors
    /// As [`Desk::psam`].
    pub fn serves_several_algorithms(&mut self) -> Result<Option<bool>, TerminalError> {
        let usual = self.catalog.psam_of(self.catalog.first()).environment.clone();
        let others: Vec<PsamNames> =
            self.catalog.psams().iter().filter(|names| names.environment != usual).cloned().collect();
        let psams = self.look_for_psams()?;
        for names in &others {
            for held in psams.iter_mut() {
                if names.are_in(&mut held.session)? {
                    return Ok(Some(true));
                }
            }
        }
        Ok((!psams.is_empty()).then_some(false))
    }

    /// The only PSAM with one of these environments.
    fn psam_with(&mut self, wanted: &[PsamNames]) -> Result<Option<(PsamNames, Held)>, TerminalError> {
        let psams = self.look_for_psams()?;
        let mut fitting = Vec::new();
        for (place, held) in psams.iter_mut().enumerate() {
            for names in wanted {
                if names.are_in(&mut held.session)? {
                    fitting.push((place, names.clone()));
                    break;
                }
            }
        }
        let readers = |psams: &[Held]| psams.iter().map(|held| held.reader.clone()).collect::<Vec<String>>();
        match fitting.as_slice() {
            [] if psams.is_empty() => Ok(None),
            [] => {
                let readers = readers(psams);
                // What was named is perhaps no PSAM at all.
                if self.psam.is_some() && !self.is_any_psam()? {
                    return Err(SecurityError::NotPsam(StatusWord::FILE_NOT_FOUND).into());
                }
                Err(TerminalError::PsamAlgorithm { readers })
            }
            [(place, names)] => Ok(Some((names.clone(), psams.remove(*place)))),
            several => {
                let fits = |place: &usize| several.iter().any(|(fitting, _)| fitting == place);
                let fitting = readers(psams).into_iter().enumerate().filter(|(place, _)| fits(place));
                Err(TerminalError::SeveralPsams { readers: fitting.map(|(_, reader)| reader).collect() })
            }
        }
    }

    fn is_any_psam(&mut self) -> Result<bool, TerminalError> {
        let all = self.catalog.psams();
        for held in self.look_for_psams()? {
            for names in all {
                let application = command::select_by_name(&names.application);
                if names.are_in(&mut held.session)? && held.session.send(&application)?.sw.is_ok() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The PSAMs: what is in the reader that was named, or every card that is one.
    fn look_for_psams(&mut self) -> Result<&mut Vec<Held>, TerminalError> {
        if self.psams.is_none() {
            let found = match self.psam {
                Some(wanted) => {
                    let reader = self.readers.choose(wanted)?;
                    if reader.atr.is_none() {
                        return Err(TerminalError::PsamMissing { readers: vec![reader.name] });
                    }
                    vec![self.take(reader.name)?]
                }
                None => self.surveyed_psams()?,
            };
            self.psams = Some(found);
        }
        self.psams.as_mut().ok_or(TerminalError::Bug("they were looked for"))
    }

    fn surveyed_psams(&mut self) -> Result<Vec<Held>, TerminalError> {
        // A reader that was named for the card is not asked whether it holds a PSAM.
        if let Some(wanted) = self.card {
            let reader = self.readers.choose(wanted)?.name;
            self.hold(&reader);
        }
        let (psams, rest): (Vec<Slot>, Vec<Slot>) =
            self.survey()?.into_iter().partition(|slot| matches!(slot.card, Ok((Kind::Psam, _))));
        self.surveyed = Some(rest);
        let psams: Vec<Held> = psams.into_iter().map(held).collect::<Result<_, _>>()?;
        psams.iter().for_each(|psam| self.hold(&psam.reader));
        Ok(psams)
    }

    /// The only social security card of the first turn of the interface; else the only other card, which is then told what it
    /// is not.
    fn only_user_card(&mut self, psam: Option<&str>, holding: &[String]) -> Result<Held, TerminalError> {
        let mut slots = self.survey()?;
        let mut chosen = Err(TerminalError::NoUserCard { readers: holding.to_vec() });
        for wanted in [Some(Kind::User), Some(Kind::Other), None] {
            let found: Vec<usize> =
                of_kind(&slots, wanted, psam).into_iter().filter(|at| is_named(&slots, *at, holding)).collect();
            match first_turn(self.interface, &slots, found).as_slice() {
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
                Ok(self.readers.survey_through(self.catalog.ssse_name(), self.catalog.psams(), &taken, &wrap)?)
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

/// The daemon; while a card is waited for, one that is started only then counts too.
fn establish(wait: Duration) -> Result<Readers, TerminalError> {
    let start = Instant::now();
    loop {
        match Readers::establish() {
            Err(TransportError::NoService) if start.elapsed() < wait => std::thread::sleep(DAEMON_PAUSE),
            result => return Ok(result?),
        }
    }
}

fn is_named(slots: &[Slot], at: usize, readers: &[String]) -> bool {
    slots.get(at).is_some_and(|slot| readers.contains(&slot.reader))
}

/// Of these slots, those in the readers that the interface tries first.
fn first_turn(interface: Interface, slots: &[Slot], places: Vec<usize>) -> Vec<usize> {
    let turn = |at: &usize| {
        let slot = slots.get(*at)?;
        let atr = slot.card.as_ref().ok().and_then(|(_, session)| session.atr().ok()).map(|atr| atr.bytes().to_vec());
        interface.turn(&ReaderInfo { name: slot.reader.clone(), atr })
    };
    let first = places.iter().filter_map(turn).min();
    places.into_iter().filter(|at| turn(at).is_some() && turn(at) == first).collect()
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
