//! What `sscard` and the C library say to the card in each ceremony: their own functions, from power-up, on the software card.
//!
//! Source: the order in which the commands of `sscard` call these functions (`reader-cli/src/command`), and `iReadCardBas` its
//! own (`sscard-driver/src/basic.rs`).
//! Owns: a counter with one card and one PSAM, and the ceremonies at it.
//! Never: writes a card command itself.

use card_core::fci;
use card_core::identify::{Kind, Question};
use card_core::security::psam::Psam;
use card_core::security::{MacKey, SecurityModule as _};
use card_core::wire::Wire;
use card_core::{Atr, Session};
use card_counter::journal::{Draft, Subject};
use card_counter::load::load;
use card_counter::pay::{Till, pay};
use card_counter::read::{self, Keys};
use card_counter::secret::Pin;
use card_counter::store::Store;
use card_counter::tap::{Approached, Ask, Met, Tapped, approach, tap};
use card_counter::{account, pin};
use card_profiles::Catalog;
use card_profiles::account::{MacFields, load_seed};
use card_profiles::memory::CardMemory;
use card_profiles::psams::PsamMemory;
use card_profiles::read::Reader;
use card_profiles::ways::Ways;
use card_sim::Socket;
use settlement::date::DateTime;
use settlement::id::{LoadId, Mac, RequestId, TerminalNumber};
use settlement::message::{AnswerStatus, LoadAnswer, LoadRequest, Version1};

use crate::purchase::{self, TERMINAL};
use crate::sample::Sample;

/// Time of the invented transactions.
const NOW: &str = "20260105101112";

/// The initial PIN of the software card: this bench pays with it, a terminal would refuse.
const PIN: &str = "123456";

/// What the terminal knows when the card comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Desk {
    /// Which card is the PSAM, by name or from the last time, and that it has the keys of this city's cards.
    Usual,
    /// Which card is the PSAM, not whether it has the keys.
    FirstOfCity,
    /// Nothing: the holder's card is asked first whether it is a PSAM.
    Unknown,
    /// As usual, and that cards of this type know no way but the slowest: SELECT of each file, record by record, Le 00.
    Slow,
}

/// What went over the contacts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Of the holder's card.
    pub card: Wire,
    /// Of the PSAM, where the act needs one.
    pub psam: Wire,
}

/// What is done with the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// `sscard card read`.
    Basic,
    /// `sscard card read --all --pin`.
    Full,
    /// What every command with `--pin` begins with.
    Pin,
    /// `sscard balance`.
    Balance,
    /// `sscard pay`.
    Purchase,
    /// `sscard load`.
    Load,
}

/// One card, one PSAM.
#[derive(Debug)]
pub struct Counter<'a> {
    card: &'a Socket,
    psam: Socket,
    known: PsamMemory,
    catalog: Catalog,
}

impl<'a> Counter<'a> {
    /// Personalizes a PSAM with the sample's keys.
    ///
    /// # Panics
    /// When the software PSAM refuses a step.
    #[must_use]
    pub fn new(card: &'a Socket, sample: &mut Sample) -> Self {
        let (psam, known) = (purchase::psam(sample), PsamMemory::default());
        Self { card, psam, known, catalog: Catalog::builtin() }
    }

    /// Carries out an act, from power-up to the answer. Answers what went over the contacts.
    ///
    /// # Panics
    /// When a card refuses.
    pub fn carry_out(&mut self, act: Act, desk: Desk, sample: &mut Sample) -> Spent {
        if !desk.knows_psam() {
            self.known = PsamMemory::default();
        }
        // What a transaction asks of a PSAM that it meets first, before the card: whether it serves SM4 too.
        let ask = if act.moves_money() || act.is_unrecognised() { Ask::Nothing } else { Ask::Algorithm };
        let met = self.power_up(desk, ask, !act.is_unrecognised());
        if act.is_unrecognised() {
            return self.carry_out_unrecognised(act, met);
        }
        let mut tapped = tap(met, &self.catalog, self.memory(desk), ask).expect("our card");
        let needs_psam = act != Act::Basic || tapped.holder_needs_key();
        let mut psam = needs_psam.then(|| open(&self.psam, &self.catalog, act.moves_money() && !desk.knows_psam()));
        let mut held = psam.as_mut().map(|psam| (psam, &mut self.known));
        match act {
            Act::Basic => basic_read(&mut tapped, held.as_mut()),
            Act::Full => full_read(&mut tapped, held.as_mut().expect("a PSAM")),
            Act::Purchase => purchase_of(&mut tapped, held.as_mut().expect("a PSAM")),
            Act::Load => load_of(&mut tapped, sample),
            Act::Pin | Act::Balance => {}
        }
        Spent { card: tapped.session.wire(), psam: psam.map_or_else(Wire::default, |psam| psam.session().wire()) }
    }

    /// `iReadCardBas`, from power-up to the eleven fields.
    ///
    /// # Panics
    /// When a card refuses.
    pub fn read_by_library(&mut self, desk: Desk) -> Spent {
        if !desk.knows_psam() {
            self.known = PsamMemory::default();
        }
        let met = self.power_up(desk, Ask::Basic, true);
        let mut tapped = tap(met, &self.catalog, self.memory(desk), Ask::Basic).expect("our card");
        let mut psam = open(&self.psam, &self.catalog, false);
        // As the library does: a card whose file is free is not compared.
        if tapped.holder_needs_key() {
            assert_ne!(tapped.fits(&mut psam, &mut self.known).expect("both answer"), Some(false));
        }
        assert!(read::basic_fields(&mut tapped, Some(&mut psam), false).unread.is_empty(), "eleven fields");
        Spent { card: tapped.session.wire(), psam: psam.session().wire() }
    }

    /// What is remembered of cards of this type.
    fn memory(&self, desk: Desk) -> CardMemory {
        let mut memory = CardMemory::default();
        if desk == Desk::Slow {
            let slow = Ways { together: false, by_sfi: false, exact_le: false };
            let atr = Atr::parse(self.card.card().atr()).expect("the factory's ATR");
            memory.keep_ways(atr.card_type(), slow).expect("no folder");
        }
        memory
    }

    fn carry_out_unrecognised(&self, act: Act, met: Met) -> Spent {
        let common = self.catalog.common().expect("the site has no profiles");
        let mut card = approach(met, common, CardMemory::default()).expect("our card");
        match act {
            Act::Balance => {
                let rules = card.account().expect("an account");
                account::balances(&mut card, rules).expect("balances");
            }
            _ => verify(&mut card),
        }
        Spent { card: card.session.wire(), psam: Wire::default() }
    }

    /// The card comes up, and is asked what it is where nobody knows.
    fn power_up(&self, desk: Desk, ask: Ask, is_recognised: bool) -> Met {
        let session = Session::new(Box::new(self.card.connect().expect("the card comes up")));
        if desk != Desk::Unknown {
            return session.into();
        }
        let ssse = self.catalog.ssse_name();
        let fci = ask.asks_fci().then_some(ssse.len() + fci::WITH_ALGORITHM);
        let issuer = is_recognised.then(|| Reader::issuer_command(self.catalog.first(), Ways::default())).flatten();
        let question = Question { ssse, psams: self.catalog.psams(), fci, issuer: issuer.as_ref() };
        let asked = question.ask(session).expect("the card answers");
        assert_eq!(asked.kind, Kind::User);
        Met { session: asked.session, ssse: asked.ssse, fci_asked: fci.is_some(), issuer: asked.issuer }
    }
}

impl Desk {
    const fn knows_psam(self) -> bool {
        matches!(self, Self::Usual | Self::Slow)
    }
}

impl Act {
    const fn moves_money(self) -> bool {
        matches!(self, Self::Purchase | Self::Load)
    }

    /// Whether it needs not be known which card it is.
    const fn is_unrecognised(self) -> bool {
        matches!(self, Self::Pin | Self::Balance)
    }
}

/// The PSAM comes up and is opened as the terminal opens it.
fn open(psam: &Socket, catalog: &Catalog, asks_all: bool) -> Psam {
    let mut session = Session::new(Box::new(psam.connect().expect("the PSAM comes up")));
    let names = catalog.psam_of(catalog.first());
    if asks_all {
        let others = catalog.psams().iter().filter(|other| other.environment != names.environment);
        others.for_each(|other| assert!(!other.are_in(&mut session).expect("the PSAM answers")));
    }
    assert!(names.are_in(&mut session).expect("the PSAM answers"));
    Psam::open_selected(session, names, catalog.first().psam_keys()).expect("a PSAM")
}

fn verify(card: &mut Approached<'_>) {
    pin::tries_left(card).expect("the card answers");
    pin::verify(card, &Pin::parse(PIN).expect("digits"), false).expect("the PIN is right");
}

/// A PSAM, and what is remembered of it.
type Held<'h> = (&'h mut Psam, &'h mut PsamMemory);

fn compare(tapped: &mut Tapped<'_>, (psam, known): &mut Held<'_>) {
    assert_eq!(tapped.fits(psam, known).expect("both answer"), Some(true));
}

fn basic_read(tapped: &mut Tapped<'_>, mut held: Option<&mut Held<'_>>) {
    if let Some(held) = held.as_deref_mut() {
        compare(tapped, held);
    }
    let keys = Keys { psam: held.map(|(psam, _)| &mut **psam), consent: false };
    let read = read::files(tapped, &[("SSSE", "EF06")], keys);
    assert!(read.unread.is_empty() && read.lost.is_none(), "{read:?}");
    assert!(tapped.reading().values.len() > 12, "both files are read");
}

fn full_read(tapped: &mut Tapped<'_>, held: &mut Held<'_>) {
    verify(tapped);
    compare(tapped, held);
    let wanted = read::all_of(tapped);
    let read = read::files(tapped, &wanted, Keys { psam: Some(held.0), consent: false });
    assert!(read.unread.is_empty() && read.lost.is_none(), "{read:?}");
}

fn purchase_of(tapped: &mut Tapped<'_>, held: &mut Held<'_>) {
    verify(tapped);
    compare(tapped, held);
    let rules = tapped.account().expect("an account");
    // The bill is split by what the account holds.
    account::personal_account(tapped, rules).expect("a balance");
    let date_time = DateTime::parse(NOW).expect("a date");
    let draft = purchase::draft(tapped.identifier, tapped.card_factor());
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let mut journal = Store::open(folder.path()).expect("a journal");
    pay(tapped, &mut Till { psam: held.0, rules, date_time }, &mut journal, &draft).expect("the card pays");
}

fn load_of(tapped: &mut Tapped<'_>, sample: &mut Sample) {
    let rules = tapped.account().expect("an account");
    let terminal = TerminalNumber::parse(TERMINAL).expect("hex");
    let card = purchase::draft(tapped.identifier, tapped.card_factor());
    let draft = Draft { subject: Subject::Load { load_id: LoadId([1; 16]), amount: 5_000 }, ..card };
    let date_time = DateTime::parse(NOW).expect("a date");
    let row = tapped.profile.key(&rules.load_key).expect("a key of the profile");
    let key = tapped.profile.key_of_card(row, 1, &tapped.factors);
    let mut centre = |request: &LoadRequest, _| {
        let fields = MacFields {
            amount: 5_000,
            transaction_type: rules.load_type,
            terminal: terminal.0,
            date_time: date_time.to_bcd(),
            ..MacFields::default()
        };
        let seed = MacKey::Session(load_seed(request.random.0, request.card_sequence));
        let mac2 = sample.keys.mac(&key, seed, [0; 8], &fields.input(&rules.mac.load_mac2)).expect("MAC2");
        Ok(LoadAnswer { version: Version1, status: AnswerStatus::Created, date_time, mac2: Mac(mac2) })
    };
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let mut journal = Store::open(folder.path()).expect("a journal");
    load(tapped, rules, &mut journal, &draft, RequestId([2; 16]), &mut centre).expect("the card is loaded");
}
