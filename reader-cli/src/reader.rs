//! The readers on the counter, and what is in them.
//!
//! Source: both kinds are told apart by selection (`card_core::identify`).
//! Owns: what was taken and asked, each card asked once; the order of asking. Never: chooses (`reader::cards`, `reader::psams`).

mod cards;
mod listed;
mod psams;

use std::time::{Duration, Instant};

use card_core::fci;
use card_core::identify::{Asked, Heard, Kind, Question, Slot};
use card_core::limits::DAEMON_PAUSE;
use card_core::transport::Transport;
use card_core::transport::pcsc::{Interface, PcscTransport, ReaderInfo, Readers};
use card_core::{Atr, Command, Response, Session, TransportError};
use card_profiles::memory::CardMemory;
use card_profiles::psams::PsamMemory;
use card_profiles::{Catalog, read};

pub use self::listed::Listed;
use crate::configuration::Configuration;
use crate::counter::tap::{Ask, Met};
use crate::error::TerminalError;
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

fn held(slot: Slot, ask: Ask) -> Result<Held, TerminalError> {
    let Asked { session, ssse, issuer, .. } = slot.card?;
    Ok(Held { reader: slot.reader, session, ssse, issuer, asked: Some(ask) })
}
