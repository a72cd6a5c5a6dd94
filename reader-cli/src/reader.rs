//! Which reader holds the card and which the PSAM.
//!
//! Source: both kinds are told apart by selection (`card_core::identify`).
//! Owns: the choice by name, or by what is in the readers when exactly one fits, asking no card whose answer the others'
//! give; waiting. Never: chooses between two that fit.

use std::time::{Duration, Instant};

use card_core::fci;
use card_core::identify::{Asked, Heard, Kind, Question, Slot};
use card_core::limits::DAEMON_PAUSE;
use card_core::security::SecurityError;
use card_core::security::psam::{Psam, PsamNames};
use card_core::transport::Transport;
use card_core::transport::pcsc::{ChooseError, Interface, PcscTransport, ReaderInfo, Readers};
use card_core::{Atr, Command, Response, Session, StatusWord, TransportError, command};
use card_profiles::memory::CardMemory;
use card_profiles::psams::PsamMemory;
use card_profiles::read;
use card_profiles::{Catalog, Profile};

use crate::configuration::Configuration;
use crate::counter::tap::{Ask, Met};
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
    /// What those of the others hold that were asked.
    asked: Vec<Slot>,
    /// Whether a card that is asked what it is shall say its algorithm too.
    ask: Ask,
    /// In what ways cards are read, where the holder's is to be recognised: asked what it is, it is read at once.
    recognising: Option<CardMemory>,
    /// What is remembered of PSAMs.
    known: PsamMemory,
    /// Where what is said is recorded.
    trace: Option<Trace>,
    /// The PSAMs, once looked for.
    psams: Option<Vec<Held>>,
    /// Whether they are PSAMs by memory only.
    by_memory: bool,
    /// Whether memory was found wrong: every card is asked.
    asks_all: bool,
}

/// A card in the hands of the terminal.
#[derive(Debug)]
pub struct Held {
    /// Reader that holds it.
    pub reader: String,
    /// Conversation with it.
    pub session: Session,
    /// Its answer to SELECT of SSSE, where it was asked what it is and that is still selected.
    ssse: Option<Response>,
    /// What it was asked of its issuer's file, and answered.
    issuer: Option<Heard>,
    /// How it was asked what it is, if it was.
    asked: Option<Ask>,
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
            asked: Vec::new(),
            ask: Ask::Algorithm,
            recognising: None,
            known: PsamMemory::recall(&configuration.data),
            trace: None,
            psams: None,
            by_memory: false,
            asks_all: false,
        })
    }

    /// With everything said from now on recorded.
    #[must_use]
    pub fn recorded(mut self, trace: Option<Trace>) -> Self {
        self.trace = trace;
        self
    }

    /// As [`Desk::open`], with cards asked for their algorithm or not.
    #[must_use]
    pub fn asking(mut self, ask: Ask) -> Self {
        if self.ask != ask {
            // Those that were asked otherwise are asked again.
            self.asked.clear();
        }
        self.ask = ask;
        self
    }

    /// From now on a card that is asked what it is shows its issuer's file, which its recognition needs.
    pub fn recognise(&mut self, memory: CardMemory) {
        self.recognising = Some(memory);
    }

    /// What is remembered of PSAMs.
    pub const fn known(&mut self) -> &mut PsamMemory {
        &mut self.known
    }

    /// Every reader, and what is in it.
    ///
    /// # Errors
    /// [`TerminalError`] when the daemon fails.
    pub fn list(&mut self) -> Result<Vec<Listed>, TerminalError> {
        let infos = self.readers.list()?;
        for info in infos.iter().filter(|info| info.atr.is_some()) {
            let _ = self.ask(info);
        }
        let mut slots = std::mem::take(&mut self.asked);
        Ok(infos
            .into_iter()
            .map(|info| {
                let slot = slots.iter().position(|slot| slot.reader == info.name).map(|at| slots.remove(at));
                match slot.map(|slot| slot.card) {
                    Some(Ok(asked)) => Listed { info, kind: Some(asked.kind), error: None },
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
        self.card_in_time(false)
    }

    /// As [`Desk::card`], for a caller that finds out what the card is: where only one can be the card it is not asked. Named
    /// no PSAM's, it may be one all the same ([`Desk::turns_out_a_psam`]).
    ///
    /// # Errors
    /// As [`Desk::card`].
    pub fn card_unasked(&mut self) -> Result<Held, TerminalError> {
        self.card_in_time(true)
    }

    /// Whether a card that was taken unasked is a PSAM; it is then remembered as one, and not taken again.
    ///
    /// # Errors
    /// [`TerminalError`] when the daemon fails.
    pub fn turns_out_a_psam(&mut self, held: &str) -> Result<bool, TerminalError> {
        if self.card.is_some() {
            return Ok(false);
        }
        self.taken.retain(|taken| taken != held);
        let found = self.readers.list()?.into_iter().find(|reader| reader.name == held && reader.atr.is_some());
        let is_psam = found.and_then(|reader| self.ask(&reader)) == Some(Kind::Psam);
        if is_psam && self.by_memory {
            // Then what is taken for the PSAM is perhaps the card.
            self.ask_instead()?;
        }
        Ok(is_psam)
    }

    fn card_in_time(&mut self, unasked: bool) -> Result<Held, TerminalError> {
        let start = Instant::now();
        // What is in a reader now is no card that may be taken: it was looked at.
        let mut others: Option<Vec<String>> = None;
        loop {
            let error = match self.card_now(unasked) {
                Err(error) if error.code() == Code::NoCard => error,
                result => return result,
            };
            let left = self.wait.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(error);
            }
            self.asked.clear();
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

    fn card_now(&mut self, unasked: bool) -> Result<Held, TerminalError> {
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
        let holding: Vec<ReaderInfo> = attached
            .iter()
            .filter(|reader| reader.atr.is_some() && is_free(&reader.name) && self.interface.turn(reader).is_some())
            .cloned()
            .collect();
        let psam_known = psam.is_some() || !self.taken.is_empty();
        match holding.as_slice() {
            // One of those that were taken for PSAMs by memory is perhaps the card.
            [] if self.by_memory => {
                self.ask_instead()?;
                self.card_now(unasked)
            }
            [] => {
                let readers = attached.into_iter().map(|reader| reader.name).filter(is_free).collect();
                Err(TerminalError::NoUserCard { readers })
            }
            [one] if psam_known => self.take(one.name.clone()),
            _ => match unasked.then(|| self.only_one_left(&holding)).flatten() {
                Some(reader) => self.take(reader),
                None => self.only_user_card(psam.as_deref(), &holding),
            },
        }
    }

    /// The reader of the only card that can be the holder's, if it was not asked yet: the others are PSAMs, by memory or by
    /// their own answer. The likeliest PSAMs are asked first.
    fn only_one_left(&mut self, holding: &[ReaderInfo]) -> Option<String> {
        let is_known = |reader: &&ReaderInfo| reader.atr.as_deref().is_some_and(|atr| self.known.book().knows(atr));
        let mut left: Vec<&ReaderInfo> = holding.iter().filter(|reader| !is_known(reader)).collect();
        let order = self.likeliest_psams_first(left.clone());
        for reader in order {
            if let [one] = left.as_slice() {
                return self.kind_of(&one.name).is_none().then(|| one.name.clone());
            }
            if self.ask(reader) == Some(Kind::Psam) {
                left.retain(|other| other.name != reader.name);
            }
        }
        None
    }

    /// Remembered PSAMs, slots that say so in their name, cards that offer another speed in their ATR, as the published PSAMs
    /// do and the published user cards do not; then the others. Only an order of asking.
    fn likeliest_psams_first<'r>(&self, mut readers: Vec<&'r ReaderInfo>) -> Vec<&'r ReaderInfo> {
        readers.sort_by_key(|reader| {
            let atr = reader.atr.as_deref().unwrap_or_default();
            let offers_speed = atr.get(1).is_some_and(|t0| t0 & 0x10 != 0);
            (!self.known.book().knows(atr), !reader.name.to_ascii_uppercase().contains("SAM"), !offers_speed)
        });
        readers
    }

    /// The PSAM that serves cards of this profile: in the reader that was named, or the only one that has the environment of
    /// the profile's algorithm; `None` when there is no PSAM at all.
    ///
    /// # Errors
    /// [`TerminalError`]: no such reader, no PSAM in it, none with this environment, or several with their names.
    pub fn psam(&mut self, profile: &Profile) -> Result<Option<Psam>, TerminalError> {
        let wanted = self.catalog.psam_of(profile).clone();
        self.opened(&[wanted], profile)
    }

    /// The only PSAM, whatever its environments: for its terminal number.
    ///
    /// # Errors
    /// As [`Desk::psam`].
    pub fn any_psam(&mut self) -> Result<Option<Psam>, TerminalError> {
        self.opened(self.catalog.psams(), self.catalog.first())
    }

    fn opened(&mut self, wanted: &[PsamNames], profile: &Profile) -> Result<Option<Psam>, TerminalError> {
        let by_memory = self.by_memory;
        let found = self.psam_with(wanted).and_then(|found| {
            let open = |(names, held): (PsamNames, Held)| {
                let atr = held.session.atr()?;
                Ok((atr, Psam::open_selected(held.session, &names, profile.psam_keys())?))
            };
            found.map(open).transpose()
        });
        match found {
            Ok(Some((atr, psam))) => {
                // A hint: what cannot be written down is asked again.
                let _ = self.known.change(|book| book.note(atr.bytes()));
                Ok(Some(psam))
            }
            Ok(None) => Ok(None),
            // What was a PSAM once is perhaps none now: every card is asked.
            Err(_) if by_memory && self.by_memory => {
                self.ask_instead()?;
                self.opened(wanted, profile)
            }
            Err(error) => Err(error),
        }
    }

    /// Lets go of what was taken for PSAMs by memory: each card is asked, and what it says is remembered.
    fn ask_instead(&mut self) -> Result<(), TerminalError> {
        (self.by_memory, self.asks_all, self.psams) = (false, true, None);
        for reader in self.readers.list()? {
            if reader.atr.is_some_and(|atr| self.known.book().knows(&atr)) {
                self.taken.retain(|taken| *taken != reader.name);
            }
        }
        Ok(())
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
        self.look_for_psams()?;
        let mut psams = self.psams.take().unwrap_or_default();
        let several = psams.iter_mut().map(|held| self.has_one_of(held, &others)).find(|has| !matches!(has, Ok(false)));
        let any = !psams.is_empty();
        self.psams = Some(psams);
        match several {
            Some(has) => has.map(Some),
            None => Ok(any.then_some(false)),
        }
    }

    /// Whether a PSAM has one of the unusual environments. That it has none is remembered, and not asked again until a card
    /// of such an algorithm comes.
    fn has_one_of(&mut self, held: &mut Held, others: &[PsamNames]) -> Result<bool, TerminalError> {
        let atr = held.session.atr()?;
        if self.known.book().serves_usual_only(atr.bytes()) {
            return Ok(false);
        }
        for names in others {
            if names.are_in(&mut held.session)? {
                return Ok(true);
            }
        }
        // A hint: what cannot be written down is asked again.
        let _ = self.known.change(|book| book.note_usual_only(atr.bytes()));
        Ok(false)
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
                None => self.psams_found()?,
            };
            self.psams = Some(found);
        }
        self.psams.as_mut().ok_or(TerminalError::Bug("they were looked for"))
    }

    /// Those that are remembered; else every card that says that it is one.
    fn psams_found(&mut self) -> Result<Vec<Held>, TerminalError> {
        // A reader that was named for the card is not asked whether it holds a PSAM.
        if let Some(wanted) = self.card {
            let reader = self.readers.choose(wanted)?.name;
            self.hold(&reader);
        }
        let others = self.readers.list()?;
        let others: Vec<&ReaderInfo> =
            others.iter().filter(|reader| reader.atr.is_some() && !self.taken.contains(&reader.name)).collect();
        let is_known = |reader: &&ReaderInfo| reader.atr.as_deref().is_some_and(|atr| self.known.book().knows(atr));
        let known: Vec<String> = others.iter().copied().filter(is_known).map(|reader| reader.name.clone()).collect();
        if !known.is_empty() && !self.asks_all {
            self.by_memory = true;
            return known.into_iter().map(|reader| self.take(reader)).collect();
        }
        let card_is_here = self.taken.is_empty();
        let mut found: Vec<String> = Vec::new();
        let order = self.likeliest_psams_first(others.clone());
        for (asked, reader) in order.into_iter().enumerate() {
            // All but one are PSAMs: that one is the card.
            if card_is_here && asked > 0 && asked == found.len() && asked + 1 == others.len() {
                break;
            }
            if self.ask(reader) == Some(Kind::Psam) {
                found.push(reader.name.clone());
            }
        }
        found.into_iter().map(|reader| self.take(reader)).collect()
    }

    /// The only social security card of the first turn of the interface; else the only other card, which is then told what it
    /// is not.
    fn only_user_card(&mut self, psam: Option<&str>, holding: &[ReaderInfo]) -> Result<Held, TerminalError> {
        for reader in holding {
            let _ = self.ask(reader);
        }
        let names_of = |readers: &[ReaderInfo]| readers.iter().map(|reader| reader.name.clone()).collect::<Vec<_>>();
        let mut slots = std::mem::take(&mut self.asked);
        let mut chosen = Err(TerminalError::NoUserCard { readers: names_of(holding) });
        for wanted in [Some(Kind::User), Some(Kind::Other), None] {
            let found: Vec<usize> =
                of_kind(&slots, wanted, psam).into_iter().filter(|at| is_named(&slots, *at, holding)).collect();
            match first_turn(self.interface, &slots, found).as_slice() {
                [] => continue,
                [one] => chosen = held(slots.remove(*one), self.ask),
                several => chosen = Err(TerminalError::SeveralUserCards { readers: names(&slots, several) }),
            }
            break;
        }
        if let Ok(held) = &chosen {
            self.hold(&held.reader);
        }
        self.asked = slots;
        chosen
    }

    /// The session of a reader that was asked, or a new one.
    fn take(&mut self, reader: String) -> Result<Held, TerminalError> {
        self.hold(&reader);
        if let Some(at) = self.asked.iter().position(|slot| slot.reader == reader) {
            return held(self.asked.remove(at), self.ask);
        }
        let session = Session::new(wrapped(self.trace.as_ref(), &reader, self.readers.connect(&reader)?));
        Ok(Held { reader, session, ssse: None, issuer: None, asked: None })
    }

    fn hold(&mut self, reader: &str) {
        if !self.taken.iter().any(|taken| taken == reader) {
            self.taken.push(reader.to_owned());
        }
    }

    /// Asks the card in a reader what it is, once; `None` when it does not answer. What it says of being a PSAM is remembered.
    fn ask(&mut self, reader: &ReaderInfo) -> Option<Kind> {
        if self.asked.iter().all(|slot| slot.reader != reader.name) {
            let fci = (self.ask == Ask::Algorithm).then(|| self.catalog.ssse_name().len() + fci::WITH_ALGORITHM);
            let issuer = self.issuer_command(reader);
            let (ssse, psams) = (self.catalog.ssse_name(), self.catalog.psams());
            let question = Question { ssse, psams, fci, issuer: issuer.as_ref() };
            let wrap = |reader: &str, transport| wrapped(self.trace.as_ref(), reader, transport);
            let slot = self.readers.ask_one(question, &reader.name, &wrap);
            if let (Ok(asked), Some(atr)) = (&slot.card, &reader.atr) {
                let is_psam = asked.kind == Kind::Psam;
                // A hint: what cannot be written down is asked again.
                let _ = self.known.change(|book| if is_psam { book.note(atr) } else { book.forget(atr) });
            }
            self.asked.push(slot);
        }
        self.kind_of(&reader.name)
    }

    /// How the issuer's file of a card is read, where it is to be recognised.
    fn issuer_command(&self, reader: &ReaderInfo) -> Option<Command> {
        let atr = Atr::parse(reader.atr.as_deref()?).ok()?;
        let ways = self.recognising.as_ref()?.ways(atr.card_type());
        read::Reader::issuer_command(self.catalog.first(), ways)
    }

    /// What a card said that it is.
    fn kind_of(&self, reader: &str) -> Option<Kind> {
        let slot = self.asked.iter().find(|slot| slot.reader == reader)?;
        slot.card.as_ref().ok().map(|asked| asked.kind)
    }
}

impl Held {
    /// The card, as it is met.
    #[must_use]
    pub fn met(self) -> Met {
        let fci_asked = self.asked == Some(Ask::Algorithm);
        Met { session: self.session, ssse: self.ssse, fci_asked, issuer: self.issuer }
    }

    /// Whether it was asked what it is.
    #[must_use]
    pub const fn was_asked(&self) -> bool {
        self.asked.is_some()
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

fn is_named(slots: &[Slot], at: usize, readers: &[ReaderInfo]) -> bool {
    slots.get(at).is_some_and(|slot| readers.iter().any(|reader| reader.name == slot.reader))
}

/// Of these slots, those in the readers that the interface tries first.
fn first_turn(interface: Interface, slots: &[Slot], places: Vec<usize>) -> Vec<usize> {
    let turn = |at: &usize| {
        let slot = slots.get(*at)?;
        let atr = slot.card.as_ref().ok().and_then(|asked| asked.session.atr().ok()).map(|atr| atr.bytes().to_vec());
        interface.turn(&ReaderInfo { name: slot.reader.clone(), atr })
    };
    let first = places.iter().filter_map(turn).min();
    places.into_iter().filter(|at| turn(at).is_some() && turn(at) == first).collect()
}

/// Places of the slots with this kind of card; `None`: cards that could not be asked.
fn of_kind(slots: &[Slot], wanted: Option<Kind>, except: Option<&str>) -> Vec<usize> {
    let is = |slot: &Slot| slot.card.as_ref().ok().map(|asked| asked.kind) == wanted;
    let fits = |(_, slot): &(usize, &Slot)| Some(slot.reader.as_str()) != except && is(slot);
    slots.iter().enumerate().filter(fits).map(|(at, _)| at).collect()
}

fn names(slots: &[Slot], places: &[usize]) -> Vec<String> {
    places.iter().filter_map(|at| slots.get(*at)).map(|slot| slot.reader.clone()).collect()
}

fn held(slot: Slot, ask: Ask) -> Result<Held, TerminalError> {
    let Asked { session, ssse, issuer, .. } = slot.card?;
    Ok(Held { reader: slot.reader, session, ssse, issuer, asked: Some(ask) })
}
