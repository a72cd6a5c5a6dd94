//! The readers on the counter, and what is in them, for every program that stands there.
//!
//! Source: both kinds are told apart by selection (`card_core::identify`).
//! Owns: what was taken and asked, each card asked once; the order of asking; which of two answers chooses (`cards`, `psams`);
//! whether a PSAM has a card's keys (`proof`). Never: reads what is on a card; knows a program's settings, texts or codes.

mod cards;
mod fault;
mod listed;
pub mod proof;
mod psams;

use std::fmt;
use std::time::{Duration, Instant};

use card_core::fci;
use card_core::identify::{Asked, Heard, Kind, Question, Slot};
use card_core::limits::DAEMON_PAUSE;
use card_core::session::SessionError;
use card_core::transport::Transport;
use card_core::transport::pcsc::{Interface, PcscTransport, ReaderInfo, Readers};
use card_core::{Atr, Command, Response, Session, TransportError};
use card_profiles::psams::PsamMemory;
use card_profiles::ways::CardTypes;
use card_profiles::{Catalog, read};

pub use self::fault::DeskError;
pub use self::listed::Listed;

/// Which readers a program was told to use.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// Reader of the card: index, name or part of it; any when absent.
    pub card: Option<&'a str>,
    /// Reader of the PSAM; any when absent.
    pub psam: Option<&'a str>,
    /// Which kinds of reader may hold the card, in what order.
    pub interface: Interface,
    /// How long a card is waited for.
    pub wait: Duration,
}

/// Whether the card's algorithm is asked of its FCI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Asked, where the FCI is long enough to name one.
    Algorithm,
    /// Asked too, and of the card no more than the eleven basic fields, where its type is read record by record.
    Basic,
    /// Not asked: INITIALIZE answers it, or nothing depends on it.
    Nothing,
}

impl Ask {
    /// Whether the FCI is asked.
    #[must_use]
    pub const fn asks_fci(self) -> bool {
        matches!(self, Self::Algorithm | Self::Basic)
    }
}

/// A card that comes up, perhaps with SSSE selected when it was asked what it is.
#[derive(Debug)]
pub struct Met {
    /// Conversation with it.
    pub session: Session,
    /// Its answer to SELECT of SSSE, where that is selected.
    pub ssse: Option<Response>,
    /// Whether its FCI was asked for then, where it is long enough to name an algorithm.
    pub fci_asked: bool,
    /// What it was asked of its issuer's file, and answered.
    pub issuer: Option<Heard>,
}

impl From<Session> for Met {
    fn from(session: Session) -> Self {
        Self { session, ssse: None, fci_asked: false, issuer: None }
    }
}

/// Names a card in the book of tries by its identifier (卡的识别码), where cards like it share their ATR: their chips have no
/// serial.
///
/// # Errors
/// [`SessionError`] when its ATR is none.
pub fn tell_apart(card: &mut Session, identifier: [u8; 16]) -> Result<(), SessionError> {
    if !card.atr()?.is_unique() {
        let (city, serial) = identifier.split_at(8);
        let mut name = [0; 8];
        name.iter_mut().zip(city.iter().zip(serial)).for_each(|(byte, (city, serial))| *byte = city ^ serial);
        card.know_as(name);
    }
    Ok(())
}

/// How long a card that another command has is waited for, where no longer wait was asked for: most commands are over by then.
const TURN: Duration = Duration::from_secs(1);
/// How often it is looked for meanwhile.
const TURN_LOOK: Duration = Duration::from_millis(50);

/// What records a conversation: makes of a reader's name and its card the card through which is spoken.
type Recorder<'a> = Box<dyn Fn(&str, PcscTransport) -> Box<dyn Transport> + 'a>;

/// The readers on the counter.
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
    recognising: Option<CardTypes>,
    /// What is remembered of PSAMs.
    known: PsamMemory,
    /// Where what is said is recorded.
    recorder: Option<Recorder<'a>>,
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
    /// [`DeskError`] when the daemon does not run.
    pub fn open(setup: Setup<'a>, catalog: &'a Catalog) -> Result<Self, DeskError> {
        let Setup { card, psam, interface, wait } = setup;
        Ok(Self {
            readers: establish(wait)?,
            catalog,
            card,
            psam,
            interface,
            wait,
            taken: Vec::new(),
            asked: Vec::new(),
            ask: Ask::Algorithm,
            recognising: None,
            known: PsamMemory::default(),
            recorder: None,
            psams: None,
            by_memory: false,
            asks_all: false,
        })
    }

    /// With everything said from now on recorded, by what `recorder` puts before each card.
    #[must_use]
    pub fn recorded(mut self, recorder: impl Fn(&str, PcscTransport) -> Box<dyn Transport> + 'a) -> Self {
        self.recorder = Some(Box::new(recorder));
        self
    }

    /// With what is remembered of PSAMs.
    #[must_use]
    pub fn knowing(mut self, known: PsamMemory) -> Self {
        self.known = known;
        self
    }

    /// What is remembered of PSAMs, at the end.
    #[must_use]
    pub fn into_known(self) -> PsamMemory {
        self.known
    }

    /// With the card in this reader in the caller's hands already: it is no PSAM, and its reader is left alone.
    #[must_use]
    pub fn with_card_in(mut self, reader: &str) -> Self {
        self.hold(reader);
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

    /// From now on a card that is asked what it is shows its issuer's file, which its recognition needs; `types` says in what
    /// way.
    pub fn recognise(&mut self, types: CardTypes) {
        self.recognising = Some(types);
    }

    /// Begins with the card in the reader, whose name `begin` is told. A card that was taken for the holder's, is foreign to
    /// `begin`, and turns out a PSAM is passed over.
    ///
    /// # Errors
    /// As [`Desk::card_unasked`], and those of `begin`.
    pub fn meet<T, E: From<DeskError>>(
        &mut self,
        begin: &mut dyn FnMut(&str, Met) -> Result<T, E>,
        is_foreign: fn(&E) -> bool,
    ) -> Result<T, E> {
        loop {
            let Held { reader, session, ssse, issuer, asked } = self.card_unasked()?;
            let met = Met { session, ssse, fci_asked: asked.is_some_and(Ask::asks_fci), issuer };
            match begin(&reader, met) {
                Err(error) if is_foreign(&error) && asked.is_none() && self.turns_out_a_psam(&reader)? => {}
                result => return result,
            }
        }
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
    fn take(&mut self, reader: String) -> Result<Held, DeskError> {
        self.hold(&reader);
        if let Some(at) = self.asked.iter().position(|slot| slot.reader == reader) {
            return held(self.asked.remove(at), self.ask);
        }
        let session = Session::new(wrapped(self.recorder.as_ref(), &reader, self.connected(&reader)?));
        Ok(Held { reader, session, ssse: None, issuer: None, asked: None })
    }

    /// Powers the card; one that another command has is waited for, as a card is, and a moment at least: two desks may share a PSAM.
    fn connected(&self, reader: &str) -> Result<PcscTransport, TransportError> {
        let (start, patience) = (Instant::now(), self.wait.max(TURN));
        let mut in_use = false;
        loop {
            match self.readers.connect(reader) {
                Err(TransportError::InUse { .. }) => in_use = true,
                // A call that still waits for the other command.
                Err(TransportError::ReaderSick { .. }) if in_use => {}
                result => return result,
            }
            if start.elapsed() >= patience {
                return Err(TransportError::InUse { reader: reader.to_owned() });
            }
            std::thread::sleep(TURN_LOOK);
        }
    }

    fn hold(&mut self, reader: &str) {
        if !self.taken.iter().any(|taken| taken == reader) {
            self.taken.push(reader.to_owned());
        }
    }

    /// Asks the card in a reader what it is, once; `None` when it does not answer. What it says of being a PSAM is remembered.
    fn ask(&mut self, reader: &ReaderInfo) -> Option<Kind> {
        if self.asked.iter().all(|slot| slot.reader != reader.name) {
            let fci = self.ask.asks_fci().then(|| self.catalog.ssse_name().len() + fci::WITH_ALGORITHM);
            let issuer = self.issuer_command(reader);
            let (ssse, psams) = (self.catalog.ssse_name(), self.catalog.psams());
            let question = Question { ssse, psams, fci, issuer: issuer.as_ref() };
            let wrap = |reader: &str, transport| wrapped(self.recorder.as_ref(), reader, transport);
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
        let ways = self.recognising.as_ref()?.of(atr.card_type());
        read::Reader::issuer_command(self.catalog.first(), ways)
    }

    /// What a card said that it is.
    fn kind_of(&self, reader: &str) -> Option<Kind> {
        let slot = self.asked.iter().find(|slot| slot.reader == reader)?;
        slot.card.as_ref().ok().map(|asked| asked.kind)
    }
}

impl fmt::Debug for Desk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("taken", &self.taken).field("asked", &self.asked).finish_non_exhaustive()
    }
}

/// The card, with a recorder before it where there is one.
fn wrapped(recorder: Option<&Recorder<'_>>, reader: &str, transport: PcscTransport) -> Box<dyn Transport> {
    match recorder {
        Some(recorder) => recorder(reader, transport),
        None => Box::new(transport),
    }
}

/// The daemon; while a card is waited for, one that is started only then counts too.
fn establish(wait: Duration) -> Result<Readers, DeskError> {
    let start = Instant::now();
    loop {
        match Readers::establish() {
            Err(TransportError::NoService) if start.elapsed() < wait => std::thread::sleep(DAEMON_PAUSE),
            result => return Ok(result?),
        }
    }
}

fn held(slot: Slot, ask: Ask) -> Result<Held, DeskError> {
    let Asked { session, ssse, issuer, .. } = slot.card?;
    Ok(Held { reader: slot.reader, session, ssse, issuer, asked: Some(ask) })
}
