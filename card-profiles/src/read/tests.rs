use card_core::apdu::Protocol;
use card_core::crypto::Block;
use card_core::security::{CityCode, Factors, KeyName, SecurityError};
use card_core::tlv;
use card_core::tries::TryRefused;
use proptest::prelude::*;

use super::*;
use crate::approach::KeyVersions;
use crate::builtin;
use crate::recognition::recognise;
use crate::ways::CardTypes;

/// Published bytes of SSSE EF05 of the sample person, as a 3.x card of the same structure would hold them.
const EF05: &str = "0110639900D15600000500BF7C7A48FB4966 020131 0304332E3030 040C9156000002430200430100D5 050420101001 060420201001 0709583030303030303139";
const EF06: &str = "0812313131313131313938313031303131313130 091ED5C5C8FD0000000000000000000000000000000000000000000000000000 4E14FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF 0A0131 0B0101 0C03FFFFFF 0D0419810101";
const CARD: Block = [0x97, 0x15, 0x99, 0x00, 0x00, 0xBF, 0x7C, 0x7A];

fn profile() -> Profile {
    builtin("ssc-3.0").expect("built in")
}

fn nothing() -> Means {
    Means::default()
}

fn keys() -> Means {
    let city = CityCode::parse("639900").expect("six digits");
    Means { factors: Some(Factors::of(city, CARD)), ..nothing() }
}

fn response(hex: &str, sw: u16) -> Response {
    Response { data: hex::decode(hex.replace(' ', "")).expect("hex"), sw: StatusWord(sw) }
}

fn text(step: &Step) -> String {
    match step {
        Step::Send(command) => hex::encode_upper(command.encode(Protocol::T0)),
        Step::Fetch { command, least } => format!("{} fetch {least}", hex::encode_upper(command.encode(Protocol::T0))),
        Step::Authenticate { key, id } => format!(
            "authenticate {} {id:02X} {}",
            key.name,
            key.path.iter().map(hex::encode_upper).collect::<Vec<_>>().join(" ")
        ),
        Step::LoadKey(_) => "load".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Plays a script of expected steps and their answers.
fn play(mut reader: Reader<'_>, script: &[(&str, Response)]) -> Outcome {
    for (expected, answer) in script {
        let step = reader.next_step().expect(expected);
        assert_eq!(text(&step), *expected);
        reader.answer(answer);
    }
    assert!(reader.next_step().is_none(), "more steps than expected");
    reader.finish()
}

/// SELECT of SSSE, asking for an FCI that may name an algorithm.
const FIRST: &str = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF fetch 27";

/// What the first read of the sample card brings.
fn issuer(profile: &Profile) -> Outcome {
    play(Reader::issuer(profile), &[(FIRST, response("", 0x6118)), ("00B2012D40", response(EF05, 0x9000))])
}

#[test]
fn what_a_card_said_when_it_was_asked_what_it_is_counts_where_it_is_what_comes_next() {
    let profile = profile();
    let command = Reader::issuer_command(&profile, Ways::default()).expect("one READ RECORD");
    let said = (command, response(EF05, 0x9000));
    let selected = || Outcome::selected(&profile, &response("", 0x6118));
    let read = play(Reader::issuer(&profile).after(selected()).heard(Some(&said)), &[]);
    assert_eq!(read.reading.values, issuer(&profile).reading.values);
    // Nothing is selected yet, or nothing was said: all is asked.
    let script = [(FIRST, response("", 0x6118)), ("00B2012D40", response(EF05, 0x9000))];
    assert_eq!(play(Reader::issuer(&profile).heard(Some(&said)), &script).refusals, []);
    assert_eq!(play(Reader::issuer(&profile).after(selected()).heard(None), &script[1..]).refusals, []);
    // A refusal is none of the card's last word: another way is tried at once.
    let refused = (said.0, response("", 0x6A86));
    let mut reader = Reader::issuer(&profile).after(selected()).heard(Some(&refused));
    assert_eq!(reader.next_step().map(|step| text(&step)).as_deref(), Some("00B2012C12"));
    let by_name = Ways { by_sfi: false, ..Ways::default() };
    assert_eq!(Reader::issuer_command(&profile, by_name), None, "a PSAM is not told to select a file");
}

#[test]
fn a_basic_read_goes_on_with_the_keys_of_the_city_that_it_read() {
    let profile = profile();
    let first = issuer(&profile);
    assert_eq!((first.fci.clone(), first.ways), (None, Ways::default()));
    let card = recognise(first.fci.as_ref(), &first.reading.values).expect("recognised");
    let means = Means { factors: Some(Factors::of(card.city, CARD)), ..nothing() };
    let outcome = play(
        Reader::new(&profile, &HOLDER, means).after(first),
        &[
            ("authenticate RKSSSE 0A 3633303030307368 3633393930307378 9715990000BF7C7A", response("", 0x9000)),
            ("00B201355B", response(EF06, 0x9000)),
        ],
    );
    let values = &outcome.reading.values;
    assert_eq!(values.text("SSSE.EF06.name"), Some("张三"));
    assert_eq!(values.text("SSSE.EF06.social_security_number"), Some("111111198101011110"));
    assert_eq!(values.text("SSSE.EF05.card_number"), Some("X00000019"));
    assert_eq!(outcome.refusals, []);
    // The extension is padded with FF, as some issuers do.
    assert_eq!(outcome.reading.faults.len(), 1);
}

#[test]
fn an_fci_that_was_fetched_names_the_algorithm() {
    let profile = profile();
    let fci = response("6F1C840F7378312E73682EC9E7BBE1B1A3D5CFA50988011E9F0C03860103", 0x9000);
    let outcome = play(Reader::issuer(&profile), &[(FIRST, fci), ("00B2012D40", response(EF05, 0x9000))]);
    assert_eq!(outcome.fci.and_then(|fci| fci.algorithm), Some(card_core::fci::AlgorithmId::SM4));
}

#[test]
fn without_psam_the_holder_stays_unread_and_the_rest_is_there() {
    let profile = profile();
    let outcome = play(Reader::new(&profile, &HOLDER, nothing()).after(issuer(&profile)), &[]);
    assert_eq!(outcome.reading.values.len(), 7);
    let codes: Vec<&str> = outcome.refusals.iter().map(|refusal| refusal.reason.code()).collect();
    assert_eq!(codes, ["KEY_NEEDED"]);
}

#[test]
fn a_refused_proof_passes_over_its_file_only() {
    let profile = profile();
    let files = [("SSSE", "EF06"), ("SSSE", "EF05")];
    let means = keys();
    let outcome = play(
        Reader::new(&profile, &files, means.clone()),
        &[
            ("00A404000F7378312E73682EC9E7BBE1B1A3D5CF", response("", 0x6118)),
            ("authenticate RKSSSE 0A 3633303030307368 3633393930307378 9715990000BF7C7A", response("", 0x63C2)),
            ("00B2012D40", response(EF05, 0x9000)),
        ],
    );
    let right = || Right::Key(card_core::security::KeyName::new("RKSSSE"));
    assert_eq!(
        outcome.refusals.first().map(|refusal| refusal.reason.clone()),
        Some(Reason::ProofRefused { right: right(), sw: StatusWord(0x63C2) })
    );
    assert_eq!(outcome.reading.values.len(), 7);

    let no_key = SecurityError::KeyNotFound { name: KeyName::new("RKSSSE"), version: 1 };
    let withheld = TryRefused { secret: Secret::Key(KeyName::new("RKSSSE")), left: 2 };
    for (why, code) in [
        (Skipped::NoModule(KeyName::new("RKSSSE")), "KEY_NEEDED"),
        (Skipped::Module(no_key), "MODULE_REFUSED"),
        (Skipped::Withheld(withheld), "LAST_TRY"),
        (Skipped::NoChallenge(StatusWord(0x6D00)), "KEY_REFUSED"),
    ] {
        let mut reader = Reader::new(&profile, &files, means.clone());
        let _ = reader.next_step();
        reader.answer(&response("", 0x9000));
        let _ = reader.next_step();
        assert_eq!(reader.secret(), Some(Secret::Key(KeyName::new("RKSSSE"))));
        reader.skip(why);
        assert_eq!(text(&reader.next_step().expect("the other file")), "00B2012D40");
        assert_eq!(reader.secret(), None);
        assert_eq!(reader.finish().refusals.first().map(|refusal| refusal.reason.code()), Some(code));
    }
}

#[test]
fn a_card_that_knows_no_read_of_all_records_is_read_one_by_one() {
    let profile = profile();
    let select = ("00A404000F7378312E73682EC9E7BBE1B1A3D5CF", response("", 0x9000));
    let files = [("SSSE", "EF05")];
    let one_by_one = [
        ("00B2012C12", response(&EF05[..36], 0x9000)),
        ("00B2022C03", response("020131", 0x9000)),
        ("00B2032C06", response("0304332E3030", 0x9000)),
        ("00B2042C0E", response("040C9156000002430200430100D5", 0x9000)),
        ("00B2052C06", response("050420101001", 0x9000)),
        ("00B2062C06", response("", 0x6A83)),
        ("00B2072C0B", response("0709583030303030303139", 0x9000)),
    ];
    for refusal in [0x6A81, 0x6A86, 0x6A83] {
        let script = [&[select.clone(), ("00B2012D40", response("", refusal))][..], &one_by_one].concat();
        let outcome = play(Reader::new(&profile, &files, nothing()), &script);
        assert_eq!(outcome.reading.values.len(), 6);
        assert_eq!(
            outcome.reading.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["SSSE.EF05.valid_until: the record is missing"]
        );
    }
    // What is of its memory or of this moment leads to the same values, and says nothing of the next card.
    for chance in [0x6581, 0x6F00, 0x6281, 0x6282, 0x6400] {
        let script = [&[select.clone(), ("00B2012D40", response(&EF05[..36], chance))][..], &one_by_one].concat();
        let outcome = play(Reader::new(&profile, &files, nothing()), &script);
        assert_eq!((outcome.reading.values.len(), outcome.ways), (6, Ways::default()), "{chance:04X}");
    }
    // A card that answers the first record only.
    let script = [&[select.clone(), ("00B2012D40", response(&EF05[..36], 0x9000))][..], &one_by_one[1..]].concat();
    let outcome = play(Reader::new(&profile, &files, nothing()), &script);
    assert_eq!((outcome.reading.values.len(), outcome.ways.to_string().as_str()), (6, "record-by-record"));
    // Asking again would not help here.
    let outcome = play(Reader::new(&profile, &files, nothing()), &[select, ("00B2012D40", response("", 0x6982))]);
    assert_eq!((outcome.refusals.len(), outcome.ways), (1, Ways::default()));
}

/// The records of the sample's EF05, as a READ of each answers it.
fn records() -> Vec<String> {
    let ef05 = hex::decode(EF05.replace(' ', "")).expect("hex");
    tlv::items(&ef05)
        .map(|item| hex::encode(tlv::encode(item.expect("whole").tag, item.expect("whole").value)))
        .collect()
}

/// A card that knows only some ways: answers EF05 of the sample, refuses what it does not know with `refusal`.
fn answer_of(step: &Step, knows: Ways, selected: &mut bool, refusal: u16) -> Response {
    let Step::Send(command) = step else { return response("", 0x9000) };
    let (sfi, mode) = (command.p2 >> 3, command.p2 & 7);
    let is_exact = command.le() != Some(256);
    match command.ins {
        0xA4 => {
            *selected = command.data() == [0xEF, 0x05];
            response("", 0x9000)
        }
        0xB2 if (sfi == 5) != knows.by_sfi || sfi == 0 && !*selected || sfi != 0 && sfi != 5 => response("", refusal),
        0xB2 if is_exact != knows.exact_le => response("", 0x6700),
        0xB2 if mode == 5 && knows.together => response(EF05, 0x9000),
        0xB2 if mode == 4 && command.p1 >= 1 => {
            let record = records().get(usize::from(command.p1) - 1).cloned();
            record.map_or(response("", 0x6A83), |record| response(&record, 0x9000))
        }
        _ => response("", refusal),
    }
}

#[test]
fn every_way_is_found_once_and_costs_nothing_the_next_time() {
    let profile = profile();
    let read = |knows: Ways, refusal: u16, begin: Ways| {
        let mut reader = Reader::new(&profile, &ISSUER, nothing()).by(begin);
        let (mut steps, mut selected) = (0, false);
        while let Some(step) = reader.next_step() {
            reader.answer(&answer_of(&step, knows, &mut selected, refusal));
            steps += 1;
        }
        (steps, reader.finish())
    };
    for together in [true, false] {
        for by_sfi in [true, false] {
            for exact_le in [true, false] {
                let knows = Ways { together, by_sfi, exact_le };
                for refusal in [0x6A86, 0x6A82, 0x6A81, 0x6B00, 0x6D00, 0x6700] {
                    // A card that finds no file by SFI may say so; one that has the file does not.
                    if refusal == 0x6A82 && by_sfi {
                        continue;
                    }
                    let (first, outcome) = read(knows, refusal, Ways::default());
                    assert_eq!(outcome.reading.values.len(), 7, "{knows:?} {refusal:04X} {:?}", outcome.refusals);
                    assert_eq!(
                        (outcome.refusals, outcome.reading.faults.len()),
                        (vec![], 0),
                        "{knows:?} {refusal:04X}"
                    );
                    assert_eq!(outcome.ways, knows, "{refusal:04X}");
                    let (second, again) = read(knows, refusal, outcome.ways);
                    // SELECT, SELECT of the file where needed, the reads: nothing is tried in vain.
                    let least = 1 + usize::from(!by_sfi) + if together { 1 } else { 7 };
                    assert_eq!(second, least, "{knows:?} {refusal:04X}");
                    assert!(first <= least + 10, "{knows:?} {refusal:04X}: {first}");
                    assert_eq!(again.reading, outcome.reading);
                }
            }
        }
    }
}

#[test]
fn record_by_record_the_basic_fields_alone_are_asked_for_and_all_records_where_tags_are_unknown() {
    let profile = profile();
    let slow = Ways { together: false, by_sfi: false, exact_le: false };
    let read = |tags: &[u8], refusal: u16| {
        let mut reader = Reader::issuer(&profile).basic().by(slow);
        let (mut asked, mut selected) = (Vec::new(), false);
        while let Some(step) = reader.next_step() {
            asked.extend(text(&step).strip_prefix("00B2").map(str::to_owned));
            let by_tag = match &step {
                Step::Send(command) if command.ins == 0xB2 && command.p2 & 7 == 0 => {
                    let known = tags
                        .contains(&command.p1)
                        .then(|| records().into_iter().find(|record| record.starts_with(&hex::encode([command.p1]))));
                    Some(known.flatten().map_or(response("", refusal), |record| response(&record, 0x9000)))
                }
                _ => None,
            };
            reader.answer(&by_tag.unwrap_or_else(|| answer_of(&step, slow, &mut selected, 0x6A86)));
        }
        (asked, reader.finish())
    };
    let (asked, outcome) = read(&[1, 2, 3, 4, 5, 6, 7], 0x6A83);
    assert_eq!(asked, ["010000", "030000", "050000", "060000", "070000"]);
    assert_eq!((outcome.reading.values.len(), outcome.reading.faults.len(), outcome.ways), (5, 0, slow));
    assert_eq!(outcome.reading.values.text("SSSE.EF05.card_number"), Some("X00000019"));
    let all = |values: &crate::CardValues| values.len() == 7;
    for (known, refusal) in [(&[][..], 0x6A86), (&[], 0x6A81), (&[], 0x6A83), (&[], 0x6D00), (&[1, 3, 5], 0x6A83)] {
        let (asked, outcome) = read(known, refusal);
        assert!(all(&outcome.reading.values) && outcome.reading.faults.is_empty(), "{asked:?}");
        assert_eq!((asked.len(), outcome.ways), (known.len() + 1 + 7, slow), "{refusal:04X}: {asked:?}");
    }
    // A card that gives its files whole is not asked for less.
    let whole = [(FIRST, response("", 0x6118)), ("00B2012D40", response(EF05, 0x9000))];
    assert!(all(&play(Reader::issuer(&profile).basic(), &whole).reading.values));
}

#[test]
fn what_was_learnt_of_one_card_serves_the_next_of_its_type_through_the_book() {
    let mut book = CardTypes::default();
    let card_type = [0x00, 0x81, 0x31, 0x47, 0x31, 0x86, 0x50];
    book.note(Some(&card_type), Ways { together: false, by_sfi: false, exact_le: true });
    let book = CardTypes::parse(&book.to_text()).expect("its own text");
    let profile = profile();
    let mut reader = Reader::issuer(&profile).by(book.of(Some(&card_type)));
    let mut steps = Vec::new();
    let mut selected = false;
    let knows = book.of(Some(&card_type));
    while let Some(step) = reader.next_step() {
        steps.push(text(&step));
        reader.answer(&answer_of(&step, knows, &mut selected, 0x6A86));
    }
    assert_eq!(steps[..3], [FIRST, "00A4000002EF05", "00B2010412"]);
    assert_eq!(steps.len(), 9);
}

#[test]
fn an_answer_that_is_cut_costs_its_last_record_only() {
    let profile = profile();
    let whole = hex::decode(EF05.replace(' ', "")).expect("hex");
    for length in 2..whole.len() {
        let cut = hex::encode(&whole[..length]);
        let mut reader = Reader::new(&profile, &ISSUER, nothing());
        while let Some(step) = reader.next_step() {
            let answer = match text(&step).as_str() {
                "00B2012D40" => response(&cut, 0x9000),
                step if step.starts_with("00B2") => response("", 0x6A83),
                _ => response("", 0x9000),
            };
            reader.answer(&answer);
        }
        let outcome = reader.finish();
        let (whole_records, _) =
            tlv::items(&whole[..length]).fold((0, 0), |(n, b), item| (n + usize::from(item.is_ok()), b));
        let values = outcome.reading.values.len();
        assert_eq!(values, whole_records, "{length}");
        assert!(!outcome.reading.faults.is_empty(), "{length}: what is missing is said");
    }
}

#[test]
fn a_record_of_wrong_tag_or_length_spoils_no_other() {
    let profile = profile();
    let mut records = records();
    records[2] = "0309332E30".to_owned();
    records[4] = "550420101001".to_owned();
    let mut reader = Reader::new(&profile, &ISSUER, nothing()).by(Ways { together: false, ..Ways::default() });
    let mut at = 0;
    while let Some(step) = reader.next_step() {
        let is_read = text(&step).starts_with("00B2");
        let record = if is_read { records.get(at).map(String::as_str) } else { Some("") };
        reader.answer(&record.map_or_else(|| response("", 0x6A83), |record| response(record, 0x9000)));
        at += usize::from(is_read);
    }
    let outcome = reader.finish();
    let faults: Vec<String> = outcome.reading.faults.iter().map(ToString::to_string).collect();
    assert_eq!(outcome.reading.values.text("SSSE.EF05.card_number"), Some("X00000019"));
    assert_eq!(outcome.reading.values.len(), 6, "the unknown record under its tag");
    assert_eq!(faults.len(), 4, "{faults:?}");
    assert_eq!(at, 8, "whether there is more was asked once");
}

#[test]
fn a_card_that_stops_answering_leaves_what_was_read_and_what_was_not() {
    let profile = profile();
    let mut reader = Reader::new(&profile, &[("SSSE", "EF05"), ("SSSE", "EF06"), ("DF01", "EF05")], keys());
    for answer in [response("", 0x9000), response(EF05, 0x9000)] {
        let _ = reader.next_step();
        reader.answer(&answer);
    }
    let _ = reader.next_step();
    let outcome = reader.finish();
    assert_eq!(outcome.reading.values.len(), 7);
    let lost: Vec<String> = outcome.refusals.iter().map(ToString::to_string).collect();
    assert_eq!(lost, ["SSSE.EF06: the card stopped answering", "DF01.EF05: the card stopped answering"]);
}

#[test]
fn the_log_is_read_newest_first_until_it_ends() {
    let profile = profile();
    let means = Means { pin: Some(vec![0x12, 0x34, 0x56]), ..nothing() };
    let record = |n: u8| format!("{n:04X} 32 410100813475 20260101123456 000003E8 00000064 00000000");
    let mut script = vec![
        ("00A4000002DF04", response("", 0x9000)),
        ("0020000003123456", response("", 0x9000)),
        ("00B201441C", response(&record(2), 0x9000)),
        ("00B202441C", response(&record(1), 0x9000)),
        ("00B203441C", response("", 0x6A83)),
    ];
    let log = [("DF04", "EF08")];
    let outcome = play(Reader::new(&profile, &log, means.clone()), &script);
    assert_eq!(outcome.reading.values.number("DF04.EF08[1].sequence"), Some(2));
    assert_eq!((outcome.reading.values.len(), outcome.reading.faults.len()), (14, 0));
    script.truncate(3);
    let outcome = play(Reader::new(&profile, &log, means).newest(1), &script);
    assert_eq!(outcome.reading.values.len(), 7);
}

#[test]
fn a_wrong_pin_is_sent_once_and_a_missing_one_never() {
    let profile = profile();
    let means = Means { pin: Some(vec![0x65, 0x43, 0x21]), ..nothing() };
    let files = [("DF01", "EF05"), ("DF01", "EF06")];
    let mut reader = Reader::new(&profile, &files, means);
    let mut verified = 0;
    while let Some(step) = reader.next_step() {
        let is_verify = text(&step).starts_with("0020");
        verified += usize::from(is_verify);
        reader.answer(&response("", if is_verify { 0x63C2 } else { 0x9000 }));
        if verified > 1 {
            break;
        }
    }
    assert_eq!(verified, 1, "a second try would cost the holder another one");
    let outcome = play(Reader::new(&profile, &files, nothing()), &[]);
    assert!(outcome.refusals.iter().all(|refusal| refusal.reason.code() == "PIN_NEEDED"));
}

#[test]
fn a_read_in_progress_shows_neither_pin_nor_holder_in_debug() {
    let profile = profile();
    let means = Means { pin: Some(vec![0x12, 0x34, 0x56]), factors: None, versions: KeyVersions::default() };
    let mut reader = Reader::new(&profile, &[("SSSE", "EF05"), ("DF01", "EF05")], means.clone());
    let mut seen = format!("{means:?}");
    for answer in [response("", 0x9000), response(EF05, 0x9000), response("", 0x9000), response("", 0x9000)] {
        let step = reader.next_step();
        seen += &format!("{step:?} {reader:?}");
        reader.answer(&answer);
    }
    seen += &format!("{reader:?} {:?}", reader.outcome);
    for secret in ["123456", "[18, 52, 86]", "583030303030303139", "X00000019", "88, 48, 48"] {
        assert!(!seen.contains(secret), "{secret}: {seen}");
    }
}

#[test]
fn a_photo_is_read_in_the_fewest_parts_and_may_be_shorter() {
    let profile = profile();
    let means = keys;
    let read = |answers: &dyn Fn(usize) -> Response| {
        let mut reader = Reader::new(&profile, &[("SSSE", "EF08")], means());
        let mut parts = 0;
        while let Some(step) = reader.next_step() {
            let is_part = text(&step).starts_with("00B0");
            reader.answer(&if is_part { answers(parts) } else { response("", 0x9000) });
            parts += usize::from(is_part);
        }
        (parts, reader.finish())
    };
    let (parts, outcome) = read(&|_| response(&"A5".repeat(256), 0x9000));
    assert_eq!((parts, outcome.reading.values.text("SSSE.EF08").map(str::len)), (16, Some(8192)));
    let (parts, outcome) =
        read(&|part| if part < 2 { response(&"A5".repeat(256), 0x9000) } else { response("", 0x6B00) });
    assert_eq!((parts, outcome.reading.values.text("SSSE.EF08").map(str::len)), (3, Some(1024)));
    let (parts, outcome) = read(&|_| response("", 0x6982));
    assert_eq!((parts, outcome.refusals.len()), (1, 1));
}

static PROFILE: std::sync::LazyLock<Profile> = std::sync::LazyLock::new(profile);

fn all_files(profile: &Profile) -> Vec<(&str, &str)> {
    profile.df.iter().flat_map(|df| df.ef.iter().map(|ef| (df.id.as_str(), ef.id.as_str()))).collect()
}

fn any_answer() -> impl Strategy<Value = Response> {
    let sw = prop_oneof![4 => Just(0x9000_u16), 1 => any::<u16>(), 1 => prop::sample::select(vec![0x6A83, 0x6A81, 0x6982, 0x6B00, 0x6118])];
    (prop::collection::vec(any::<u8>(), 0..300), sw).prop_map(|(data, sw)| Response { data, sw: StatusWord(sw) })
}

proptest! {
    #[test]
    fn whatever_a_card_answers_a_read_of_all_files_ends(answers in prop::collection::vec(any_answer(), 1..200), pin in any::<bool>(), keys in any::<bool>()) {
        let profile = &*PROFILE;
        let city = CityCode::parse("639900").expect("six digits");
        let means = Means { pin: pin.then(|| vec![0x12, 0x34, 0x56]), factors: keys.then(|| Factors::of(city, CARD)), ..nothing() };
        let mut reader = Reader::new(profile, &all_files(profile), means);
        let mut steps = 0;
        for answer in answers.iter().cycle() {
            if reader.next_step().is_none() {
                break;
            }
            reader.answer(answer);
            steps += 1;
            prop_assert!(steps < 1_000);
        }
        let _ = reader.finish();
    }
}
