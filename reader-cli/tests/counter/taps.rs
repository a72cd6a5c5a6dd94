//! What a card is, and what may be read of it, without spending what cannot be had back.

use card_core::Session;
use card_core::security::psam::Psam;
use card_core::transport::Transport;
use card_core::transport::replay::Replay;
use card_core::{StatusWord, TransportError};
use card_counter::TerminalError;
use card_counter::error::Code;
use card_counter::read::{self, Keys, Read};
use card_counter::secret::Pin;
use card_counter::tap::{Ask, Tapped, approach, tap};
use card_counter::{account, pay, pin};
use card_profiles::Catalog;
use card_profiles::account::Amounts;
use card_profiles::memory::CardMemory;
use card_profiles::psams::{PsamMemory, Served};
use card_profiles::ways::Ways;
use card_sim::Socket;

use crate::{blanks, cards};

fn tapped<'a>(card: &Socket, catalog: &'a Catalog) -> Result<Tapped<'a>, TerminalError> {
    tap(Session::new(Box::new(card.connect()?)), catalog, CardMemory::default(), Ask::Algorithm)
}

fn psam(seed: u8, catalog: &Catalog) -> Psam {
    let session = Session::new(Box::new(blanks::psam_card(seed).connect().expect("powers up")));
    Psam::open(session, catalog.psam_of(catalog.first()), catalog.first().psam_keys()).expect("a PSAM")
}

/// The holder's file, with a PSAM or without.
fn holder(tapped: &mut Tapped<'_>, psam: Option<&mut Psam>) -> Read {
    read::files(tapped, &[("SSSE", "EF06")], Keys { psam, consent: false })
}

fn tries(card: &Socket, key: &str) -> u8 {
    card.card().inspect().keys.get(key).expect("the card has it").tries_left
}

#[test]
fn the_basic_read_of_a_third_generation_card_needs_the_psam_and_gives_the_holder() {
    let catalog = Catalog::builtin();
    let mut tapped = tapped(&blanks::user_card(1, 3), &catalog).expect("a card");
    let mut psam = psam(1, &catalog);
    assert_eq!(tapped.fits(&mut psam, &mut PsamMemory::default()).expect("compares"), Some(true));
    let read = holder(&mut tapped, Some(&mut psam));
    assert_eq!(tapped.reading().values.text("SSSE.EF06.name"), Some("张三"));
    assert_eq!(tapped.reading().values.text("SSSE.EF05.card_number"), Some("A12345674"));
    assert!(read.unread.is_empty() && read.lost.is_none() && tapped.reading().faults.is_empty());
}

#[test]
fn without_psam_only_the_free_file_is_read_and_the_other_is_named() {
    let catalog = Catalog::builtin();
    let mut tapped = tapped(&blanks::user_card(1, 3), &catalog).expect("a card");
    let read = holder(&mut tapped, None);
    assert_eq!(tapped.reading().values.text("SSSE.EF06.name"), None);
    let unread: Vec<(String, Code)> =
        read.unread.iter().map(|file| (file.file.to_string(), file.error.code())).collect();
    assert_eq!(unread, [("SSSE.EF06".to_owned(), Code::PsamMissing)]);
}

#[test]
fn a_psam_of_another_world_is_recognised_before_a_try_is_spent() {
    let catalog = Catalog::builtin();
    let card = blanks::user_card(1, 3);
    let before = tries(&card, "SSSE.RKSSSE");
    let mut tapped = tapped(&card, &catalog).expect("a card");
    assert_eq!(tapped.fits(&mut psam(2, &catalog), &mut PsamMemory::default()).expect("compares"), Some(false));
    assert_eq!(tries(&card, "SSSE.RKSSSE"), before);
}

#[test]
fn a_psam_that_proved_it_is_believed_until_a_card_refuses_its_key() {
    let catalog = Catalog::builtin();
    let (mut psam, mut known) = (psam(1, &catalog), PsamMemory::default());
    let proof = |card: &Socket, psam: &mut Psam, known: &mut PsamMemory| {
        let mut tapped = tapped(card, &catalog).expect("a card");
        let before = tapped.session.wire();
        let fits = tapped.fits(psam, known).expect("compares");
        (fits, (tapped.session.wire() - before).bytes)
    };
    assert_eq!(proof(&blanks::user_card(1, 3), &mut psam, &mut known), (Some(true), 40));
    assert_eq!(proof(&blanks::user_card(1, 4), &mut psam, &mut known), (Some(true), 0), "another card of the city");
    let elsewhere = blanks::card_of_city(1, 5, "430200");
    assert_eq!(proof(&elsewhere, &mut psam, &mut known), (Some(true), 40), "a card of another city");
    // A card of the same city with keys of another world: it refuses a key, and the belief ends.
    let stranger = blanks::user_card(2, 6);
    assert_eq!(proof(&stranger, &mut psam, &mut known), (Some(true), 0));
    let mut held = tapped(&stranger, &catalog).expect("a card");
    let refused = holder(&mut held, Some(&mut psam)).unread.pop().expect("EF06 is closed").error;
    assert_eq!(refused.code(), Code::KeyRefused);
    assert_eq!(held.compare(&mut psam, &mut known).expect("compares"), Some(false));
    let (atr, number) = (psam.session().atr().expect("an ATR"), psam.terminal_number());
    let cards = |city| Served {
        city: card_core::security::CityCode::parse(city).expect("digits"),
        algorithm: card_core::algorithm::Algorithm::Tdes,
        version: 1,
    };
    assert!(!known.book().serves(atr.bytes(), number, cards("513300")));
    assert!(known.book().serves(atr.bytes(), number, cards("430200")), "nothing is said of other cities");
    assert_eq!(proof(&blanks::user_card(1, 3), &mut psam, &mut known), (Some(true), 40), "asked again");
    held.doubt(&psam, &mut known);
    assert!(!known.book().serves(atr.bytes(), number, cards("513300")));
}

#[test]
fn pin_and_balances_need_no_recognition_and_the_guard_holds_without_it() {
    let catalog = Catalog::builtin();
    for profile in ["ssc-1.0", "ssc-2.0", "ssc-3.0", "ssc-3.0-sm4"] {
        let card = blanks::card_of_profile(profile, 1, 3);
        let common = catalog.common().expect("built-in profiles ask alike");
        let near = |memory| approach(Session::new(Box::new(card.connect().expect("powers up"))), common, memory);
        let mut first = near(CardMemory::default()).expect("a card");
        let wrong = Pin::parse("000000").expect("pin");
        for left in [2, 1] {
            let refused = pin::verify(&mut first, &wrong, false);
            assert!(matches!(refused, Err(TerminalError::PinWrong { left: l }) if l == left), "{profile}");
        }
        let remembered = std::mem::take(&mut first.memory);
        let mut second = near(remembered).expect("a card");
        assert!(matches!(pin::verify(&mut second, &wrong, false), Err(TerminalError::LastTry { left: 1, .. })));
        let rules = second.account().expect("an account");
        let balances = account::balances(&mut second, rules).expect("balances");
        assert_eq!((balances.personal_account, second.session.wire().bytes), (0, 73), "{profile}");
        let mut tapped = second.recognise(&catalog, Ask::Algorithm).expect("recognised all the same");
        assert_eq!(tapped.profile.name, profile);
        assert!(matches!(pin::verify(&mut tapped, &wrong, false), Err(TerminalError::LastTry { left: 1, .. })));
        assert!(pin::verify(&mut tapped, &Pin::parse(cards::PIN).expect("pin"), true).is_ok(), "{profile}");
    }
}

#[test]
fn cards_that_share_their_atr_are_told_apart_by_their_identifier() {
    let catalog = Catalog::builtin();
    let ssse = "7378312E73682EC9E7BBE1B1A3D5CF";
    let approached = |serial: &str, answer: &str, memory: CardMemory| {
        let trace = format!(
            "= 3B6D000000813147318650000000000000\n> 00A404000F{ssse}\n< 6118\n> 00B2012C12\n\
             < 0110513300D156000005{serial}0A0B0C0D9000\n> 0020000003000000\n< {answer}"
        );
        let session = Session::new(Box::new(Replay::parse(&trace).expect("trace")));
        let mut card = approach(session, catalog.common().expect("alike"), memory).expect("a card");
        let said = pin::verify(&mut card, &Pin::parse("000000").expect("pin"), false).map_err(|error| error.code());
        (said, std::mem::take(&mut card.memory), card.session.wire().bytes)
    };
    let (said, memory, bytes) = approached("00000001", "63C1", CardMemory::default());
    assert_eq!((said, bytes), (Err(Code::PinWrong), 23 + 26 + 11));
    let (said, memory, _) = approached("00000002", "9000", memory);
    assert_eq!(said, Ok(()), "the other card has tries enough");
    let (said, ..) = approached("00000001", "9000", memory);
    assert_eq!(said, Err(Code::LastTry), "a right PIN of another card brings no tries back to this one");
}

#[test]
fn a_refused_key_says_how_many_tries_are_left_and_is_not_tried_again_unasked() {
    let catalog = Catalog::builtin();
    let card = blanks::user_card(1, 3);
    let before = tries(&card, "SSSE.RKSSSE");
    let mut wrong = psam(2, &catalog);
    let mut first = tapped(&card, &catalog).expect("a card");
    let refused = holder(&mut first, Some(&mut wrong)).unread.pop().expect("EF06 is closed").error;
    let TerminalError::KeyRefused { key, left } = refused else { panic!("{refused}") };
    assert_eq!((key.as_str(), left), ("RKSSSE", before - 1));
    let remembered = std::mem::take(&mut first.memory);
    drop(first);
    let session = Session::new(Box::new(card.connect().expect("powers up")));
    let mut second = tap(session, &catalog, remembered, Ask::Algorithm).expect("a card");
    let read = holder(&mut second, Some(&mut wrong));
    assert!(matches!(&read.unread[0].error, TerminalError::LastTry { left: l, .. } if *l == left), "{:?}", read.unread);
    assert_eq!(tries(&card, "SSSE.RKSSSE"), left);
    let keys = Keys { psam: Some(&mut wrong), consent: true };
    let read = read::files(&mut second, &[("SSSE", "EF06")], keys);
    assert!(matches!(&read.unread[0].error, TerminalError::KeyRefused { left: l, .. } if *l == left - 1));
}

#[test]
fn every_file_of_the_profile_is_read_with_psam_and_pin() {
    let catalog = Catalog::builtin();
    let mut tapped = tapped(&blanks::user_card(1, 3), &catalog).expect("a card");
    let mut psam = psam(1, &catalog);
    let given = Pin::parse(cards::PIN).expect("pin");
    pin::verify(&mut tapped, &given, false).expect("the PIN is right");
    let files = read::all_of(&tapped);
    let read = read::files(&mut tapped, &files, Keys { psam: Some(&mut psam), consent: false });
    let unread: Vec<String> = read.unread.iter().map(|file| format!("{}: {}", file.file, file.error)).collect();
    assert!(unread.is_empty(), "{unread:?}");
}

/// A card with a record behind the last row of the file that every tap reads, and with more bytes for fingerprints than the profile.
const MORE: &str = r#"format = 2
extends = "ssc-3.0"
name = "ssc-3.0-more"

[[df]]
id = "SSSE"

  [[df.ef]]
  id = "EF05"
  size = 70
  records = 8
  elements = [
    { tag = 0x75, id = "site_level", format = "an(4)", value = "ABCD" },
  ]

  [[df.ef]]
  id = "EF07"
  size = 1024
"#;

#[test]
fn a_dump_has_what_is_behind_the_last_row_and_says_so() {
    let catalog = Catalog::builtin();
    let card = blanks::card_of_text(MORE, 1, 3);
    let seen = |whole: bool, ways: Ways| {
        let session = Session::new(Box::new(card.connect().expect("powers up")));
        let mut memory = CardMemory::default();
        let atr = session.atr().expect("powered").clone();
        memory.keep_ways(atr.card_type(), ways).expect("in this process");
        let mut tapped = tap(session, &catalog, memory, Ask::Algorithm).expect("a card");
        let mut psam = psam(1, &catalog);
        let keys = Keys { psam: Some(&mut psam), consent: false };
        let files = read::all_of(&tapped);
        let read = if whole { read::whole(&mut tapped, keys) } else { read::files(&mut tapped, &files, keys) };
        assert!(read.lost.is_none());
        let (values, faults) = (tapped.reading().values.clone(), tapped.reading().faults.clone());
        assert_eq!(values.text("SSSE.EF05.card_number"), Some("A12345674"));
        assert_eq!(values.text("SSSE.EF06.name"), Some("张三"));
        let more = values.text("SSSE.EF05.tag_75").map(str::to_owned);
        let bytes = values.text("SSSE.EF07").map_or(0, |hex| hex.len() / 2);
        (more, bytes, faults.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    // A read is as short as the profile lets it be: what comes with a whole file is seen, and nothing is asked for one record more.
    let one_by_one = Ways { together: false, ..Ways::default() };
    let more = Some("41424344".to_owned());
    let marks = ["SSSE.EF05.tag_75: unknown tag 75", "SSSE.EF07: 1024 bytes instead of 768"].map(str::to_owned);
    assert_eq!(seen(false, Ways::default()), (more.clone(), 768, marks[..1].to_vec()));
    assert_eq!(seen(false, one_by_one), (None, 768, Vec::new()));
    for ways in [Ways::default(), one_by_one] {
        assert_eq!(seen(true, ways), (more.clone(), 1024, marks.to_vec()));
    }
}

#[test]
fn a_card_of_another_city_is_recognised_by_its_identifier() {
    let catalog = Catalog::builtin();
    let ours = card_core::security::CityCode::parse(cards::CITY).expect("digits");
    let tapped = tapped(&blanks::card_of_city(1, 3, "430200"), &catalog).expect("a card");
    assert!(!tapped.is_of(ours));
    assert_eq!(tapped.city.as_str(), "430200");
}

#[test]
fn a_county_of_the_same_prefecture_is_not_another_city() {
    let catalog = Catalog::builtin();
    let county = card_core::security::CityCode::parse("513322").expect("digits");
    assert!(tapped(&blanks::user_card(1, 3), &catalog).expect("a card").is_of(county));
}

#[test]
fn a_factory_card_and_a_psam_in_the_wrong_reader_are_told_apart() {
    let catalog = Catalog::builtin();
    assert!(matches!(tapped(&blanks::blank_card(3), &catalog), Err(TerminalError::CardBlank)));
    assert!(matches!(tapped(&blanks::psam_card(1), &catalog), Err(TerminalError::NotSsc { .. })));
}

/// A card that answers SELECT and READ each with one status word.
struct Worn(StatusWord, StatusWord);

impl Transport for Worn {
    fn transmit(&mut self, command: &[u8], answer: &mut Vec<u8>) -> Result<(), TransportError> {
        let sw = if command[1] == 0xA4 { self.0 } else { self.1 };
        answer.extend(sw.0.to_be_bytes());
        Ok(())
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    fn atr(&self) -> &[u8] {
        &[0x3B, 0x6D, 0, 0, 0, 0x81, 0x31, 0x47, 0x31, 0x86, 0x50, 0x51, 0x33, 0, 0, 0, 1]
    }
}

#[test]
fn a_worn_card_of_ours_is_not_called_foreign() {
    let catalog = Catalog::builtin();
    let both = |select, read| {
        let session = Session::new(Box::new(Worn(StatusWord(select), StatusWord(read))));
        tap(session, &catalog, CardMemory::default(), Ask::Nothing).expect_err("nothing is read")
    };
    let told = |sw| both(0x9000, sw);
    for sw in [0x6581, 0x6400, 0x6281, 0x6F00, 0x6982, 0x6C40] {
        let error = told(sw);
        let place = format!("READ RECORD EF05: {sw:04X}");
        assert_eq!(error.code(), Code::CardRefused, "{error}");
        assert!(error.to_string().contains(&place), "{error}");
    }
    // Without that file it is another card: a PSAM, say.
    assert_eq!(told(0x6A82).code(), Code::NotSsc);
    assert!(told(0x6A82).to_string().contains("READ RECORD EF05 answered 6A82"));
    for sw in [0x6581, 0x6400, 0x6F00, 0x6999, 0x6700, 0x6982] {
        assert_eq!(both(sw, sw).code(), Code::CardRefused, "SELECT {sw:04X}");
    }
    for sw in [0x6A82, 0x6D00, 0x6E00] {
        assert_eq!(both(sw, sw).code(), Code::NotSsc, "SELECT {sw:04X}");
    }
}

#[test]
fn a_wrong_pin_counts_down_to_blocked() {
    let catalog = Catalog::builtin();
    let mut tapped = tapped(&blanks::user_card(1, 3), &catalog).expect("a card");
    let wrong = Pin::parse("000000").expect("pin");
    for left in [2, 1] {
        let error = pin::verify(&mut tapped, &wrong, true).expect_err("wrong");
        assert!(matches!(error, TerminalError::PinWrong { left: l } if l == left), "{error}");
    }
    for _ in 0..2 {
        assert!(matches!(pin::verify(&mut tapped, &wrong, true), Err(TerminalError::PinBlocked)));
    }
}

#[test]
fn the_initial_pin_cannot_pay_and_cannot_be_chosen() {
    let catalog = Catalog::builtin();
    let card = blanks::user_card(1, 3);
    let mut tapped = tapped(&card, &catalog).expect("a card");
    let (initial, present) = (Pin::parse(cards::INITIAL_PIN).expect("pin"), Pin::parse(cards::PIN).expect("pin"));
    let refused = pin::verify_for_transaction(&mut tapped, &initial, false);
    assert!(matches!(refused, Err(TerminalError::PinInitial)));
    let refused = pin::change(&mut tapped, &present, &initial, false);
    assert!(matches!(refused, Err(TerminalError::PinNewInitial)));
    assert_eq!(card.card().inspect().pin.expect("a PIN").tries_left, 3, "nothing was sent");
}

#[test]
fn a_purchase_asks_the_algorithm_of_initialize_and_not_of_the_fci() {
    let ssse = "7378312E73682EC9E7BBE1B1A3D5CF";
    let issuer = "0110513300D156000005000000010A0B0C0D 020131 0304332E3030 040C915600000251330051330000 \
         050420260105 060420360104 0709413132333435363734";
    for (algorithm, refused) in [
        ("00", None),
        ("01", None),
        ("02", Some(Code::AlgorithmNotPublic)),
        ("03", Some(Code::PsamAlgorithm)),
        ("04", Some(Code::PsamAlgorithm)),
    ] {
        let start = format!("{}0007 01{algorithm}A1B2C3D4", "00".repeat(14));
        let trace = format!(
            "= 3B6D000000813147318650513300000001\n> 00A404000F{ssse}\n< 611E\n> 00B2012D40\n< {issuer}9000\n\
             > B02801011301{}513300000001\n< 6116\n> 00C0000016\n< {start}9000",
            "00".repeat(12)
        );
        let catalog = Catalog::builtin();
        let card = Replay::parse(&trace).expect("trace");
        let session = Session::new(Box::new(card));
        let mut tapped = tap(session, &catalog, CardMemory::default(), Ask::Nothing).expect("a card");
        let (terminal, rules) = ([0x51, 0x33, 0, 0, 0, 1], tapped.account().expect("an account"));
        let start = pay::initialize(&mut tapped, rules, Amounts::default(), terminal);
        let code = start.as_ref().err().map(TerminalError::code);
        assert_eq!(code, refused, "algorithm {algorithm}");
    }
}
