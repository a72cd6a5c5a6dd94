//! A purchase with the terminal's own flow, on a software card and a software PSAM of this process.
//!
//! Owns: the card, the PSAM and the till that the wire table and the journal share.
//! Never: counts the PSAM's contacts: a terminal talks to its PSAM while the card works.

use card_core::security::psam::Psam;
use card_core::security::{CityCode, Factors};
use card_core::wire::Wire;
use card_core::{Atr, Session};
use card_profiles::Catalog;
use card_profiles::account::Amounts;
use card_profiles::image::CardValues;
use card_profiles::memory::CardMemory;
use card_profiles::plan::{Plan, Target};
use card_profiles::rehearsal::{TRANSPORT_KEY, TRANSPORT_LOT};
use card_sim::{Card, Socket};
use reader_cli::counter::account;
use reader_cli::counter::pay::{Till, pay};
use reader_cli::counter::pin;
use reader_cli::counter::tap::{Ask, tap};
use reader_cli::journal::{Draft, Journal, Subject};
use reader_cli::secret::Pin;
use settlement::date::{BusinessDate, DateTime};
use settlement::id::{BillId, CardFactor, CardIdentifier, Digest, TerminalNumber};

use crate::sample::Sample;

/// Terminal number of the invented PSAM.
pub const TERMINAL: &str = "513300000001";

/// The initial PIN of the software card: this bench pays with it, a terminal would refuse.
const PIN: &str = "123456";

/// A counter: a personal card and a PSAM.
#[derive(Debug)]
pub struct Counter {
    card: Socket,
    psam: Psam,
    catalog: Catalog,
}

impl Counter {
    /// Personalizes both.
    ///
    /// # Panics
    /// When the software card or PSAM refuses a step.
    #[must_use]
    pub fn new(sample: &mut Sample) -> Self {
        let card = Socket::new(sample.blank(1));
        sample.personalize_in(&card);
        Self { card, psam: psam(sample), catalog: Catalog::builtin() }
    }

    /// Pays one bill: from the card's power-up to the receipt. Answers what went over the card's contacts.
    ///
    /// # Panics
    /// When the card refuses.
    pub fn pay(&mut self, journal: &mut dyn Journal) -> Wire {
        let session = Session::new(Box::new(self.card.connect().expect("the card comes up")));
        let mut tapped = tap(session, &self.catalog, CardMemory::default(), Ask::Nothing).expect("our card");
        pin::verify(&mut tapped, &Pin::parse(PIN).expect("digits"), false).expect("the PIN is right");
        let rules = tapped.account().expect("an account");
        // The bill is split by what the account holds.
        account::personal_account(&mut tapped, rules).expect("a balance");
        let date_time = DateTime::parse("20260105101112").expect("a date");
        let draft = draft(tapped.identifier, tapped.card_factor());
        let mut till = Till { psam: &mut self.psam, rules, date_time };
        pay(&mut tapped, &mut till, journal, &draft).expect("the card pays");
        tapped.session.wire()
    }
}

/// An invented bill that the card need not have money for: the holder pays in cash.
///
/// # Panics
/// Never: constants.
#[must_use]
pub fn draft(card_identifier: CardIdentifier, card_factor: CardFactor) -> Draft {
    Draft {
        terminal: TerminalNumber::parse(TERMINAL).expect("hex"),
        card_identifier,
        card_factor,
        business_date: BusinessDate::parse("2026-01-05").expect("a date"),
        subject: Subject::Purchase {
            amounts: Amounts { personal_account: 0, self_paid: 1_250, pooled_fund: 0 },
            bill_id: BillId::parse("B-20260105-0001").expect("a word"),
            bill_hash: Digest([7; 32]),
        },
        paper: "XA01 2 x 12.50".to_owned(),
    }
}

fn psam(sample: &mut Sample) -> Psam {
    let profile = card_profiles::builtin("psam").expect("built in");
    let names = profile.psam_names().expect("a PSAM has names");
    let blank = Card::factory(&profile, [0x51, 0x33, 0, 0, 0, 9], &card_core::key::Key16::new(TRANSPORT_KEY));
    let blank = blank.expect("a built-in profile makes a card");
    let factor = Atr::parse(blank.atr()).and_then(|atr| atr.card_factor()).expect("the factory's ATR");
    let factors = Factors::of(CityCode::parse("513300").expect("six digits"), factor);
    let mut values = CardValues::new();
    values.set("MF.EF16.terminal_number", TERMINAL).expect("a place");
    values.set("DF01.EF1C.purchase_key_index", "01").expect("a place");
    let plan = Plan::personalize(&profile, &values, &Target::blank(factors, TRANSPORT_LOT)).expect("values that fit");
    sample.keys_of(&profile);
    let socket = Socket::new(blank);
    sample.carry_out(&plan, Session::new(Box::new(socket.connect().expect("the PSAM comes up"))));
    let session = Session::new(Box::new(socket.connect().expect("the PSAM comes up")));
    Psam::open(session, &names, sample.profile.psam_keys()).expect("a PSAM")
}
