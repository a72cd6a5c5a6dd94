//! Basic read against published answers of cards and published output strings.
//!
//! Source: EF05 of the 2.0 test card is a real log; the person and the strings are those of the published samples; the other
//! bytes are written from the layout tables; the cryptogram was computed with OpenSSL.

use card_calls::basic::{fields, holder};
use card_calls::{Failure, Settings};
use card_core::identify::{Asked, Question};
use card_core::key::Key16;
use card_core::security::KeyName;
use card_core::security::SecurityModule;
use card_core::security::keyring::KeyRing;
use card_core::transport::replay::Replay;
use card_core::tries::Secret;
use card_core::{Session, StatusWord};
use card_counter::TerminalError;
use card_counter::tap::{Ask, tap};
use card_desk::Met;
use card_profiles::Catalog;
use card_profiles::memory::CardMemory;
use card_profiles::read::Reader;
use card_profiles::ways::Ways;

const SSSE: &str = "7378312E73682EC9E7BBE1B1A3D5CF";

/// EF06 that no one filled.
const BLANK_HOLDER: &str = "0812000000000000000000000000000000000000 091E000000000000000000000000000000000000000000000000000000000000 \
     4E140000000000000000000000000000000000000000 0A0100 0B01FF 0C03FFFFFF 0D04FFFFFFFF";

/// EF06 of the published person.
const HOLDER: &str = "0812313131313131313938313031303131313130 091ED5C5C8FD0000000000000000000000000000000000000000000000000000 \
     4E140000000000000000000000000000000000000000 0A0131 0B0101 0C03111111 0D0419810101";

/// 终端机编号 in these tests, and the last field.
const TERMINAL: [u8; 6] = [0x41, 0x01, 0x00, 0x81, 0x34, 0x75];
const DEVICE: &str = "终端设备号";

fn read(trace: &str, keys: Option<&mut KeyRing>) -> Result<String, Failure> {
    read_remembering(&mut CardMemory::default(), trace, keys).0
}

/// The fields, and the bytes on the contacts of a card that was recognised.
fn read_remembering(
    memory: &mut CardMemory,
    trace: &str,
    keys: Option<&mut KeyRing>,
) -> (Result<String, Failure>, u64) {
    let catalog = Catalog::builtin();
    let session = Session::new(Box::new(Replay::parse(trace).expect("trace")));
    let module = keys.map(|keys| -> &mut dyn SecurityModule { keys });
    let settings = Settings { device: DEVICE.to_owned(), ..Settings::default() };
    match tap(session, &catalog, memory.clone(), Ask::Basic) {
        Err(error) => (Err(error.into()), 0),
        Ok(mut tapped) => {
            let read = holder(&mut tapped, module, false).and_then(|()| fields(&tapped, TERMINAL, &settings));
            let bytes = tapped.session.wire().bytes;
            *memory = std::mem::take(&mut tapped.memory);
            (read, bytes)
        }
    }
}

/// One field of the output.
fn field(text: &str, number: usize) -> &str {
    text.split('|').nth(number).expect("eleven fields")
}

fn issuer(identifier: &str, version: &str, number: &str) -> String {
    format!("0110{identifier} 020131 0304{version} 040C9156000002430200430100D5 050420101001 060420201001 0709{number}")
}

#[test]
fn the_logged_2_0_card_reads_with_the_fewest_bytes() {
    let logged = "0110430299D156000005000000133A05F2E3 020133 0304322E3000 040C9156000002430200430100D5 \
         050432303132 060432303232 0709423030303030313331";
    let trace = format!(
        "= 3B6D000000813147318650430200000013\n> 00A404000F{SSSE}\n< 6118\n> 00B2012D40\n< {logged}9000\n> 00B201355B\n< {BLANK_HOLDER}9000"
    );
    let (basic, bytes) = read_remembering(&mut CardMemory::default(), &trace, None);
    let basic = basic.expect("a 2.0 card needs no proof");
    assert_eq!(
        basic,
        "430299||B00000131|430299D156000005000000133A05F2E3||00813147318650430200000013|2.0|2012|2022|410100813475|终端设备号|"
    );
    assert_eq!(bytes, 194);
}

#[test]
fn a_card_that_was_asked_what_it_is_hears_nothing_twice() {
    let logged = "0110430299D156000005000000133A05F2E3 020133 0304322E3000 040C9156000002430200430100D5 \
         050432303132 060432303232 0709423030303030313331";
    let trace = format!(
        "= 3B6D000000813147318650430200000013\n> 00A404000F{SSSE}\n< 6118\n> 00B2012D40\n< {logged}9000\n\
         > 00B201355B\n< {BLANK_HOLDER}9000"
    );
    let catalog = Catalog::builtin();
    let session = Session::new(Box::new(Replay::parse(&trace).expect("trace")));
    let issuer = Reader::issuer_command(catalog.first(), Ways::default());
    let question =
        Question { ssse: catalog.ssse_name(), psams: catalog.psams(), fci: Some(25), issuer: issuer.as_ref() };
    let Asked { session, ssse, issuer, .. } = question.ask(session).expect("answers");
    let met = Met { session, ssse, fci_asked: true, issuer };
    let mut tapped = tap(met, &catalog, CardMemory::default(), Ask::Algorithm).expect("a card");
    holder(&mut tapped, None, false).expect("a 2.0 card needs no proof");
    assert_eq!((tapped.city.as_str(), tapped.session.wire().bytes), ("430299", 194));
}

#[test]
fn the_published_person_has_the_published_string() {
    let issuer = issuer("639900D15600000500BF7C7A48FB4966", "312E3030", "583030303030303139");
    // The first generation has no extension of the name.
    let holder = HOLDER.replace("4E140000000000000000000000000000000000000000 ", "");
    let trace = format!(
        "= 3B6D000000814E43238697159900BF7C7A\n> 00A404000F{SSSE}\n< 6118\n> 00B2012D40\n< {issuer}9000\n> 00B2013545\n< {holder}9000"
    );
    let basic = read(&trace, None).expect("a 1.0 card needs no proof");
    let sample = "639900|111111198101011110|X00000019|639900D15600000500BF7C7A48FB4966|张三|00814E43238697159900BF7C7A|1.00|20101001|20201001|410100813475|终端设备号|";
    assert_eq!(basic, sample);
}

#[test]
fn a_card_that_knows_no_read_of_all_records_is_read_so_at_once_the_next_time() {
    let (ef05, ef06) = (
        issuer("639900D15600000500BF7C7A48FB4966", "322E3030", "583030303030303139").replace(' ', ""),
        HOLDER.replace(' ', ""),
    );
    let records = |sfi: u8, bytes: &str| -> String {
        let bytes = hex::decode(bytes).expect("hex");
        let items = card_core::tlv::items(&bytes).map(|item| item.expect("whole"));
        let of = |(number, item): (u8, card_core::tlv::Tlv<'_>)| {
            let record = hex::encode_upper(card_core::tlv::encode(item.tag, item.value));
            format!("> 00B2{number:02X}{:02X}{:02X}\n< {record}9000\n", sfi << 3 | 4, record.len() / 2)
        };
        (1..).zip(items).map(of).collect()
    };
    // Of a file that is known to be read so only the items of the eleven fields, by their tags.
    let items = |sfi: u8, bytes: &str, tags: &[u8]| -> String {
        let bytes = hex::decode(bytes).expect("hex");
        let items = card_core::tlv::items(&bytes).map(|item| item.expect("whole"));
        let of = |item: card_core::tlv::Tlv<'_>| {
            let record = hex::encode_upper(card_core::tlv::encode(item.tag, item.value));
            format!("> 00B2{:02X}{:02X}{:02X}\n< {record}9000\n", item.tag, sfi << 3, record.len() / 2)
        };
        items.filter(|item| tags.contains(&item.tag)).map(of).collect()
    };
    let holder = items(6, &ef06, &[0x08, 0x09, 0x4E]);
    let start = format!("= 3B6D000000814E43238697159900BF7C7A\n> 00A404000F{SSSE}\n< 6118\n");
    let mut memory = CardMemory::default();
    let (first, _) =
        read_remembering(&mut memory, &format!("{start}> 00B2012D40\n< 6A86\n{}{holder}", records(5, &ef05)), None);
    assert_eq!(field(&first.expect("read"), 4), "张三");
    // Another card of the same maker and system.
    let other = start.replace("9900BF7C7A", "510100000099");
    let issuer_items = items(5, &ef05, &[0x01, 0x03, 0x05, 0x06, 0x07]);
    let (second, _) = read_remembering(&mut memory, &format!("{other}{issuer_items}{holder}"), None);
    assert_eq!(field(&second.expect("read"), 4), "张三");
}

/// A 3.x card up to its second file; the answer to EXTERNAL AUTHENTICATE is the caller's.
fn third_generation(answer: &str, rest: &str) -> String {
    let issuer = issuer("639900D15600000500BF7C7A48FB4966", "332E3030", "583030303030303139");
    format!(
        "= 3B6D000000814E43238697159900BF7C7A\n> 00A404000F{SSSE}\n< 611E\n> 00C000001E\n\
         < 6F1C840F{SSSE}A50988011E9F0C038601019000\n> 00B2012D40\n< {issuer}9000\n> 0084000008\n< 11223344556677889000\n\
         > 0082000A10E522B4178E761E070102030405060708\n< {answer}\n{rest}"
    )
}

fn national_key() -> KeyRing {
    let mut keys = KeyRing::new();
    let key: u128 = 0x0011_2233_4455_6677_8899_AABB_CCDD_EEFF;
    keys.insert(KeyName::new("RKSSSE"), 1, Key16::new(key.to_be_bytes()));
    keys
}

#[test]
fn a_3_x_card_opens_its_holder_to_the_key_of_its_city_and_chip() {
    let trace = third_generation("9000", &format!("> 00B201355B\n< {HOLDER}9000"));
    let basic = read(&trace, Some(&mut national_key())).expect("proved");
    assert_eq!((field(&basic, 4), field(&basic, 1)), ("张三", "111111198101011110"));
}

#[test]
fn a_3_x_card_without_psam_is_minus_2201_and_a_wrong_key_is_the_cards_answer() {
    let code = |result: Result<String, Failure>| result.expect_err("refused").code().0;
    assert_eq!(code(read(&third_generation("9000", ""), None)), -2201);
    assert_eq!(code(read(&third_generation("63C2", ""), Some(&mut national_key()))), -25_538);
    assert_eq!(code(read(&third_generation("9000", ""), Some(&mut KeyRing::new()))), -2203);
}

#[test]
fn a_key_that_a_card_refused_is_not_tried_again() {
    let mut memory = CardMemory::default();
    let mut read = |trace: &str| read_remembering(&mut memory, trace, Some(&mut national_key()));
    let code = |result: Result<String, Failure>| result.expect_err("refused").code().0;
    let whole = third_generation("63C2", "");
    assert_eq!(code(read(&whole).0), -25_538);
    let before = whole.split("> 0084000008").next().expect("up to the challenge");
    let (again, bytes) = read(before);
    assert_eq!((code(again), bytes), (-25_538, 23 + 38 + 72), "nothing is sent for a try that is not spent");
}

#[test]
fn cards_that_share_their_answer_to_reset_are_told_apart_by_their_identifier() {
    // A chip whose serial was never written: six bytes alike.
    let card = |identifier: &str| {
        let whole = third_generation("9000", "")
            .replace("3B6D000000814E43238697159900BF7C7A", "3B6D000000814E43238697000000000000");
        let before = whole.split("> 0084000008").next().expect("up to the challenge").to_owned();
        before.replace("639900D15600000500BF7C7A48FB4966", identifier)
    };
    let (one, other) = ("639900D15600000500BF7C7A48FB4966", "639900D15600000500BF7C7B48FB4966");
    let mut memory = CardMemory::default();
    // The two halves of the identifier, exclusive or.
    let name = [0x63, 0x26, 0x7C, 0xAB, 0x1E, 0xFB, 0x49, 0x63];
    memory.tries.note(name, &Secret::Key(KeyName::new("RKSSSE")), StatusWord::tries_left(2));
    let mut read = |identifier| read_remembering(&mut memory, &card(identifier), Some(&mut national_key())).0;
    assert!(
        matches!(read(one), Err(Failure::Counter(TerminalError::LastTry { left: 2, .. }))),
        "it refused this key before"
    );
    assert!(
        matches!(read(other), Err(Failure::Counter(TerminalError::Session(_)))),
        "the other is asked for a challenge, which the trace lacks"
    );
}

#[test]
fn an_algorithm_that_is_not_public_closes_what_needs_a_key_and_nothing_else() {
    let trace = third_generation("9000", "").replace("9F0C03860101", "9F0C03860102");
    assert_eq!(read(&trace, Some(&mut national_key())).expect_err("SSF33").code().0, -2202);
    // A 2.x card of Beijing, whose FCI names no algorithm: the holder's file is free.
    let issuer = issuer("110000D15600000500BF7C7A48FB4966", "322E3030", "583030303030303139");
    let trace = format!(
        "= 3B6D000000814E43238697159900BF7C7A\n> 00A404000F{SSSE}\n< 6118\n> 00B2012D40\n< {issuer}9000\n> 00B201355B\n< {HOLDER}9000"
    );
    assert_eq!(field(&read(&trace, None).expect("free"), 0), "110000");
}

#[test]
fn values_that_are_no_identifier_or_version_are_minus_20() {
    for (from, to) in [("D156000005", "D156000006"), ("0304322E3000", "0304342E3030"), ("0304322E3000", "030400000000")]
    {
        let logged = "0110430299D156000005000000133A05F2E3 020133 0304322E3000 040C9156000002430200430100D5 \
             050432303132 060432303232 0709423030303030313331"
            .replace(from, to);
        let trace =
            format!("= 3B6D000000813147318650430200000013\n> 00A404000F{SSSE}\n< 6118\n> 00B2012D40\n< {logged}9000");
        assert_eq!(read(&trace, None).expect_err(to).code().0, -20, "{to}");
    }
}
