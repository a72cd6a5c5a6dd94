//! An invented bill, and the software PSAM of this process.
//!
//! Owns: what the wire tables and the journal share. Never: touches a card that pays.

use card_core::security::{CityCode, Factors};
use card_core::{Atr, Session};
use card_counter::journal::{Draft, Subject};
use card_profiles::account::Amounts;
use card_profiles::image::CardValues;
use card_profiles::plan::{Plan, Target};
use card_profiles::rehearsal::{TRANSPORT_KEY, TRANSPORT_LOT};
use card_sim::{Card, Socket};
use settlement::date::BusinessDate;
use settlement::id::{BillId, CardFactor, CardIdentifier, Digest, TerminalNumber};

use crate::sample::Sample;

/// Terminal number of the invented PSAM.
pub const TERMINAL: &str = "513300000001";

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
            sale_id: None,
        },
        paper: "XA01 2 x 12.50".to_owned(),
    }
}

/// A PSAM with the sample's keys, not powered.
pub(crate) fn psam(sample: &mut Sample) -> Socket {
    let profile = card_profiles::builtin("psam").expect("built in");
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
    socket
}
