//! What a card is, and what may be read of it, without spending what cannot be had back.

use card_core::Session;
use card_core::security::psam::Psam;
use card_core::transport::replay::Replay;
use card_profiles::account::Amounts;
use card_sim::Socket;
use reader_cli::TerminalError;
use reader_cli::counter::read::{FileReader, Keys};
use reader_cli::counter::tap::{Tapped, tap, tap_to_pay};
use reader_cli::counter::{pay, pin};
use reader_cli::error::Code;
use reader_cli::profiles::Profiles;
use reader_cli::secret::Pin;

use crate::{blanks, cards};

fn tapped<'a>(card: &Socket, profiles: &'a Profiles) -> Result<Tapped<'a>, TerminalError> {
    tap(Session::new(Box::new(card.connect()?)), profiles)
}

fn psam(seed: u8, profiles: &Profiles) -> Psam {
    let session = Session::new(Box::new(blanks::psam_card(seed).connect().expect("powers up")));
    Psam::open(session, &profiles.psam_names(), profiles.first().psam_keys()).expect("a PSAM")
}

fn tries(card: &Socket, key: &str) -> u8 {
    card.card().inspect().keys.get(key).expect("the card has it").tries_left
}

#[test]
fn the_basic_read_of_a_third_generation_card_needs_the_psam_and_gives_the_holder() {
    let profiles = Profiles::builtin();
    let mut tapped = tapped(&blanks::user_card(1, 3), &profiles).expect("a card");
    let mut psam = psam(1, &profiles);
    assert_eq!(tapped.fits(&mut psam).expect("compares"), Some(true));
    let mut reader = FileReader::new(&mut tapped, Keys { psam: Some(&mut psam), ..Keys::default() });
    reader.basic().expect("reads");
    assert_eq!(reader.reading.values.text("SSSE.EF06.name"), Some("张三"));
    assert_eq!(reader.reading.values.text("SSSE.EF05.card_number"), Some("A12345674"));
    assert!(reader.unread.is_empty() && reader.reading.faults.is_empty());
}

#[test]
fn without_psam_only_the_free_file_is_read_and_the_other_is_named() {
    let profiles = Profiles::builtin();
    let mut tapped = tapped(&blanks::user_card(1, 3), &profiles).expect("a card");
    let mut reader = FileReader::new(&mut tapped, Keys::default());
    reader.basic().expect("reads");
    assert_eq!(reader.reading.values.text("SSSE.EF06.name"), None);
    let unread: Vec<(&str, Code)> = reader.unread.iter().map(|file| (file.file.as_str(), file.error.code())).collect();
    assert_eq!(unread, [("SSSE.EF06", Code::PsamMissing)]);
}

#[test]
fn a_psam_of_another_world_is_recognised_before_a_try_is_spent() {
    let profiles = Profiles::builtin();
    let card = blanks::user_card(1, 3);
    let before = tries(&card, "SSSE.RKSSSE");
    let mut tapped = tapped(&card, &profiles).expect("a card");
    assert_eq!(tapped.fits(&mut psam(2, &profiles)).expect("compares"), Some(false));
    assert_eq!(tries(&card, "SSSE.RKSSSE"), before);
}

#[test]
fn a_refused_key_says_how_many_tries_are_left_and_is_not_tried_again_unasked() {
    let profiles = Profiles::builtin();
    let card = blanks::user_card(1, 3);
    let before = tries(&card, "SSSE.RKSSSE");
    let mut wrong = psam(2, &profiles);
    let mut first = tapped(&card, &profiles).expect("a card");
    let mut reader = FileReader::new(&mut first, Keys { psam: Some(&mut wrong), ..Keys::default() });
    reader.basic().expect("the card answers");
    let refused = reader.unread.pop().expect("EF06 is closed").error;
    let TerminalError::KeyRefused { key, left } = refused else { panic!("{refused}") };
    assert_eq!((key.as_str(), left), ("RKSSSE", before - 1));
    let mut second = tapped(&card, &profiles).expect("a card");
    let keys = Keys { psam: Some(&mut wrong), pin: None, refused_before: vec![(key, left)] };
    let mut reader = FileReader::new(&mut second, keys);
    reader.basic().expect("the card answers");
    assert!(
        matches!(reader.unread.pop().expect("EF06 is closed").error, TerminalError::LastTry { left: l, .. } if l == left)
    );
    assert_eq!(tries(&card, "SSSE.RKSSSE"), left);
}

#[test]
fn every_file_of_the_profile_is_read_with_psam_and_pin() {
    let profiles = Profiles::builtin();
    let mut tapped = tapped(&blanks::user_card(1, 3), &profiles).expect("a card");
    let mut psam = psam(1, &profiles);
    let given = Pin::parse(cards::PIN).expect("pin");
    let keys = Keys { psam: Some(&mut psam), pin: Some(&given), ..Keys::default() };
    let mut reader = FileReader::new(&mut tapped, keys);
    reader.all().expect("reads");
    let unread: Vec<String> = reader.unread.iter().map(|file| format!("{}: {}", file.file, file.error)).collect();
    assert!(unread.is_empty(), "{unread:?}");
}

#[test]
fn a_card_of_another_city_is_recognised_by_its_identifier() {
    let profiles = Profiles::builtin();
    let ours = card_core::security::CityCode::parse(cards::CITY).expect("digits");
    let tapped = tapped(&blanks::card_of_city(1, 3, "430200"), &profiles).expect("a card");
    assert!(!tapped.is_of(ours));
    assert_eq!(tapped.city.as_str(), "430200");
}

#[test]
fn a_county_of_the_same_prefecture_is_not_another_city() {
    let profiles = Profiles::builtin();
    let county = card_core::security::CityCode::parse("513322").expect("digits");
    assert!(tapped(&blanks::user_card(1, 3), &profiles).expect("a card").is_of(county));
}

#[test]
fn a_factory_card_and_a_psam_in_the_wrong_reader_are_told_apart() {
    let profiles = Profiles::builtin();
    assert!(matches!(tapped(&blanks::blank_card(3), &profiles), Err(TerminalError::CardBlank)));
    assert!(matches!(tapped(&blanks::psam_card(1), &profiles), Err(TerminalError::NotSsc { .. })));
}

#[test]
fn a_wrong_pin_counts_down_to_blocked() {
    let profiles = Profiles::builtin();
    let mut tapped = tapped(&blanks::user_card(1, 3), &profiles).expect("a card");
    let wrong = Pin::parse("000000").expect("pin");
    for left in [2, 1] {
        let error = pin::verify(&mut tapped.session, &wrong).expect_err("wrong");
        assert!(matches!(error, TerminalError::PinWrong { left: l } if l == left), "{error}");
    }
    for _ in 0..2 {
        assert!(matches!(pin::verify(&mut tapped.session, &wrong), Err(TerminalError::PinBlocked)));
    }
}

#[test]
fn the_initial_pin_cannot_pay_and_cannot_be_chosen() {
    let profiles = Profiles::builtin();
    let card = blanks::user_card(1, 3);
    let mut tapped = tapped(&card, &profiles).expect("a card");
    let (initial, present) = (Pin::parse(cards::INITIAL_PIN).expect("pin"), Pin::parse(cards::PIN).expect("pin"));
    let refused = pin::verify_for_transaction(&mut tapped.session, &initial, cards::INITIAL_PIN);
    assert!(matches!(refused, Err(TerminalError::PinInitial)));
    let refused = pin::change(&mut tapped.session, &present, &initial, cards::INITIAL_PIN);
    assert!(matches!(refused, Err(TerminalError::PinNewInitial)));
    assert_eq!(card.card().inspect().pin.expect("a PIN").tries_left, 3, "nothing was sent");
}

#[test]
fn a_purchase_asks_the_algorithm_of_initialize_and_not_of_the_fci() {
    let ssse = "7378312E73682EC9E7BBE1B1A3D5CF";
    let issuer = "0110513300D156000005000000010A0B0C0D 020131 0304332E3030 040C915600000251330051330000 \
         050420260105 060420360104 0709413132333435363734";
    for (algorithm, refused) in [("00", false), ("01", false), ("02", true), ("03", true)] {
        let start = format!("{}0007 01{algorithm}A1B2C3D4", "00".repeat(14));
        let trace = format!(
            "= 3B6D000000813147318650513300000001\n> 00A404000F{ssse}\n< 611E\n> 00B2012D40\n< {issuer}9000\n\
             > B02801011301{}513300000001\n< 6116\n> 00C0000016\n< {start}9000",
            "00".repeat(12)
        );
        let profiles = Profiles::builtin();
        let card = Replay::parse(&trace).expect("trace");
        let mut tapped = tap_to_pay(Session::new(Box::new(card)), &profiles).expect("a card");
        let terminal = [0x51, 0x33, 0, 0, 0, 1];
        let start = pay::initialize(&mut tapped, profiles.account(), Amounts::default(), terminal);
        let code = start.as_ref().err().map(TerminalError::code);
        assert_eq!(code, refused.then_some(Code::CardVersion), "algorithm {algorithm}");
    }
}
