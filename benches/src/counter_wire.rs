//! What `sscard` says to the card in each ceremony: the counter's own functions, from power-up, on the software card.
//!
//! Source: the order in which the commands of `sscard` call these functions (`reader-cli/src/command`).
//! Owns: a counter with one card and one PSAM, and the ceremonies at it.
//! Never: writes a card command itself; counts the PSAM's contacts: a terminal talks to its PSAM while the card works.

use card_core::Session;
use card_core::identify::{Kind, identify};
use card_core::security::psam::Psam;
use card_core::security::{MacKey, SecurityModule as _};
use card_core::wire::Wire;
use card_profiles::Catalog;
use card_profiles::account::{MacFields, load_seed};
use card_profiles::memory::CardMemory;
use card_sim::Socket;
use reader_cli::counter::load::load;
use reader_cli::counter::pay::{Till, pay};
use reader_cli::counter::read::{self, Keys};
use reader_cli::counter::tap::{Ask, Tapped, tap};
use reader_cli::counter::{account, pin};
use reader_cli::journal::{Draft, Subject};
use reader_cli::secret::Pin;
use reader_cli::store::Store;
use settlement::date::DateTime;
use settlement::id::{LoadId, Mac, RequestId, TerminalNumber};
use settlement::message::{AnswerStatus, LoadAnswer, LoadRequest, Version1};

use crate::purchase::{self, TERMINAL};
use crate::sample::Sample;

/// Time of the invented transactions.
const NOW: &str = "20260105101112";

/// The initial PIN of the software card: this bench pays with it, a terminal would refuse.
const PIN: &str = "123456";

/// How the terminal finds the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Desk {
    /// The reader of the card or of the PSAM is named.
    Named,
    /// None is: every card is first asked whether it is a PSAM.
    Searched,
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
    psam: Psam,
    catalog: Catalog,
}

impl<'a> Counter<'a> {
    /// Personalizes a PSAM with the sample's keys.
    ///
    /// # Panics
    /// When the software PSAM refuses a step.
    #[must_use]
    pub fn new(card: &'a Socket, sample: &mut Sample) -> Self {
        Self { card, psam: purchase::psam(sample), catalog: Catalog::builtin() }
    }

    /// Carries out an act, from the card's power-up to the answer. Answers what went over the card's contacts.
    ///
    /// # Panics
    /// When the card refuses.
    pub fn carry_out(&mut self, act: Act, desk: Desk, sample: &mut Sample) -> Wire {
        let session = self.power_up(desk);
        // A terminal whose PSAM serves 3DES only does not ask a card that pays for its algorithm.
        let ask = if act == Act::Purchase { Ask::Nothing } else { Ask::Algorithm };
        let mut tapped = tap(session, &self.catalog, CardMemory::default(), ask).expect("our card");
        let psam = &mut self.psam;
        match act {
            Act::Basic => basic_read(&mut tapped, psam),
            Act::Full => full_read(&mut tapped, psam),
            Act::Pin => verify(&mut tapped),
            Act::Balance => {
                let rules = tapped.account().expect("an account");
                account::balances(&mut tapped, rules).expect("balances");
            }
            Act::Purchase => purchase_of(&mut tapped, psam),
            Act::Load => load_of(&mut tapped, sample),
        }
        tapped.session.wire()
    }

    /// The card comes up, and is asked what it is where nobody said so.
    fn power_up(&self, desk: Desk) -> Session {
        let mut session = Session::new(Box::new(self.card.connect().expect("the card comes up")));
        if desk == Desk::Searched {
            let kind =
                identify(&mut session, self.catalog.ssse_name(), self.catalog.psams()).expect("the card answers");
            assert_eq!(kind, Kind::User);
        }
        session
    }
}

fn verify(tapped: &mut Tapped<'_>) {
    pin::tries_left(tapped).expect("the card answers");
    pin::verify(tapped, &Pin::parse(PIN).expect("digits"), false).expect("the PIN is right");
}

fn compare(tapped: &mut Tapped<'_>, psam: &mut Psam) {
    assert_eq!(tapped.fits(psam).expect("both answer"), Some(true));
}

fn basic_read(tapped: &mut Tapped<'_>, psam: &mut Psam) {
    let needs_key = tapped.holder_needs_key();
    if needs_key {
        compare(tapped, psam);
    }
    let keys = Keys { psam: needs_key.then_some(psam), consent: false };
    let read = read::files(tapped, &[("SSSE", "EF06")], keys);
    assert!(read.unread.is_empty() && read.lost.is_none(), "{read:?}");
    assert!(tapped.reading().values.len() > 12, "both files are read");
}

fn full_read(tapped: &mut Tapped<'_>, psam: &mut Psam) {
    verify(tapped);
    compare(tapped, psam);
    let wanted = read::all_of(tapped);
    let read = read::files(tapped, &wanted, Keys { psam: Some(psam), consent: false });
    assert!(read.unread.is_empty() && read.lost.is_none(), "{read:?}");
}

fn purchase_of(tapped: &mut Tapped<'_>, psam: &mut Psam) {
    verify(tapped);
    compare(tapped, psam);
    let rules = tapped.account().expect("an account");
    // The bill is split by what the account holds.
    account::personal_account(tapped, rules).expect("a balance");
    let date_time = DateTime::parse(NOW).expect("a date");
    let draft = purchase::draft(tapped.identifier, tapped.card_factor());
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let mut journal = Store::open(folder.path()).expect("a journal");
    pay(tapped, &mut Till { psam, rules, date_time }, &mut journal, &draft).expect("the card pays");
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
