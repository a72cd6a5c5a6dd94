use card_core::trace::{Event, Log};
use proptest::prelude::*;

use super::*;
use crate::codec::Value;

/// Transcripts as published, with the fewest exchanges that each must have.
pub(super) const TRANSCRIPTS: [(&str, &str, usize); 7] = [
    ("v2-basic", include_str!("../../tests/traces/v2-basic.log"), 5),
    ("cobranded", include_str!("../../tests/traces/cobranded.log"), 3),
    ("read-by-sfi", include_str!("../../tests/traces/read-by-sfi.log"), 21),
    ("personalize", include_str!("../../tests/traces/personalize.log"), 10),
    ("authentication", include_str!("../../tests/traces/authentication.log"), 26),
    ("purchase", include_str!("../../tests/traces/purchase.log"), 13),
    ("bank", include_str!("../../tests/traces/bank.log"), 3),
];

/// An exchange with its bytes.
type Seen = (Vec<u8>, Vec<u8>, Explained);

fn explained(mut decoder: Decoder, text: &str) -> Vec<Seen> {
    let log = Log::parse(text);
    assert_eq!(log.junk, []);
    let mut seen = Vec::new();
    for entry in log.entries {
        match entry.event {
            Event::Reader(name) => decoder.reader(&name),
            Event::Reset(atr) => drop(decoder.reset(&atr)),
            Event::Exchange(exchange) => {
                let explained = decoder.exchange(&exchange.command, exchange.answer.as_deref());
                seen.push((exchange.command, exchange.answer.unwrap_or_default(), explained));
            }
        }
    }
    seen
}

/// Values by place, or by name where there is no place; secrets as `hidden`.
fn values((command, answer, explained): &Seen) -> Vec<(String, String)> {
    let shown = |part: &Part| {
        let bytes = if part.side == Side::Command { command } else { answer };
        let value = match part.value(bytes) {
            Some((Value::Text(text), _)) => text.into(),
            Some((Value::Number(number), _)) => number.to_string(),
            None => "hidden".to_owned(),
        };
        (part.place.as_ref().map_or_else(|| part.label.en.to_string(), ToString::to_string), value)
    };
    explained.parts.iter().filter(|part| !part.label.en.is_empty()).map(shown).collect()
}

fn value(seen: &Seen, name: &str) -> String {
    let all = values(seen);
    all.iter()
        .find(|(place, _)| place == name)
        .map(|(_, value)| value.clone())
        .unwrap_or_else(|| panic!("{name} in {all:?}"))
}

#[test]
fn the_record_of_a_composite_purchase_is_the_one_of_its_file() {
    let record = "5A".repeat(41);
    let log = format!(
        "00A4040009A00000000386980701 -> 9000\n80DCAAC82BAA29{record} -> 9000\n80DC01CC2BAA29{record} -> 9000\n"
    );
    let seen = explained(Decoder::with_profile(crate::builtin("pboc-purse").expect("built in")), &log);
    let [_, by_tag, by_number] = seen.as_slice() else { panic!("{}", seen.len()) };
    for exchange in [by_tag, by_number] {
        assert_eq!(value(exchange, "ADF1.EF19.composite_record"), record);
        assert!(exchange.2.parts.iter().all(|part| part.guard != Guard::Unknown));
    }
}

#[test]
fn a_card_of_a_province_is_read_by_the_text_of_its_province_or_the_sites() {
    let select =
        format!("00A404000F{} -> 9000\n", hex::encode(&crate::builtin("ssc-1.0").expect("built in").df[0].df_name));
    let of_city = |decoder: Decoder, city: &str, version: char| {
        let version = hex::encode(format!("{version}.00"));
        let records = format!("0110{city}D15600000500BF7C7A48FB4966 020131 0304{version}").replace(' ', "");
        let log = format!("{select}00B2012D00 -> {records}9000\n00A4020002EF05 -> 9000\n");
        explained(decoder, &log).last().map(|(_, _, last)| last.profile.clone()).expect("exchanges")
    };
    for (city, version, profile) in [
        ("130100", '1', "ssc-1.0-hebei"),
        ("330100", '1', "ssc-1.0-zhejiang"),
        ("370100", '2', "ssc-2.0-shandong"),
        ("130100", '2', "ssc-2.0"),
        ("639900", '1', "ssc-1.0"),
    ] {
        assert_eq!(of_city(Decoder::new(), city, version), profile, "{city}");
    }
    // A site's own text counts first, whatever is built in for a part of its region.
    let text = "format = 2\nextends = \"ssc-1.0\"\nname = \"ssc-1.0-north\"\n";
    let mut site = crate::Catalog::builtin();
    site.add("1", Profile::parse(text).expect("a text"));
    assert_eq!(of_city(Decoder::knowing(&site), "130100", '1'), "ssc-1.0-north");
    assert_eq!(of_city(Decoder::knowing(&site), "330100", '1'), "ssc-1.0-zhejiang");
}

#[test]
fn every_byte_of_the_published_transcripts_has_a_meaning() {
    for (name, text, exchanges) in TRANSCRIPTS {
        let seen = explained(Decoder::new(), text);
        assert_eq!(seen.len(), exchanges, "{name}");
        for (command, answer, explained) in &seen {
            let header = hex::encode_upper(&command[..4]);
            assert!(explained.known, "{name} {header}");
            let unknown: Vec<&Part> = explained.parts.iter().filter(|part| part.guard == Guard::Unknown).collect();
            // The personal number of a co-branded card stands in a file of the bank.
            assert!(unknown.is_empty() || name == "cobranded", "{name} {header}: {unknown:?}");
            let covered: usize = explained.parts.iter().map(|part| part.range.len()).sum();
            let head = if command.len() <= 5 { command.len() } else { 5 };
            assert_eq!(covered, command.len() - head + answer.len() - 2, "{name} {header}");
            assert!(explained.status.is_some_and(|sw| sw.sw1() == 0x61 || sw.meaning().is_some()), "{name} {header}");
        }
    }
}

#[test]
fn the_first_transcript_reads_as_a_2_0_card() {
    let seen = explained(Decoder::new(), TRANSCRIPTS[0].1);
    let names: Vec<&str> = seen.iter().map(|(_, _, explained)| &*explained.name.en).collect();
    assert_eq!(names, ["SELECT", "GET RESPONSE", "VERIFY", "SELECT", "READ RECORD"]);
    assert_eq!(value(&seen[1], "SFI"), "1E");
    assert_eq!(values(&seen[2]), [("PIN".to_owned(), "hidden".to_owned())]);
    assert_eq!(seen[3].2.notes[0].zh, "选中 EF05 发卡机构数据");
    let record = &seen[4];
    assert_eq!(record.2.profile, "ssc-2.0");
    assert_eq!(record.2.file, Some(("EF05".to_owned(), "发卡机构数据".to_owned())));
    assert_eq!(value(record, "SSSE.EF05.card_identifier"), "430299D156000005000000133A05F2E3");
    assert_eq!(value(record, "SSSE.EF05.spec_version"), "2.0");
    assert_eq!(value(record, "SSSE.EF05.issue_date"), "2012");
    assert_eq!(value(record, "SSSE.EF05.card_number"), "B00000131");
    assert_eq!((record.2.wire.bytes, record.2.wire.exchanges), (5 + 1 + 64 + 2, 1));
}

#[test]
fn items_are_found_by_sfi_by_tag_and_in_the_current_file() {
    let seen = explained(Decoder::new(), TRANSCRIPTS[2].1);
    for (exchange, place, text) in [
        (1, "SSSE.EF05.card_number", "X00000019"),
        (3, "SSSE.EF06.social_security_number", "111111198101011110"),
        (4, "SSSE.EF06.name", "张三"),
        (9, "SSSE.EF06.social_security_number", "111111198101011110"),
        (11, "SSSE.EF05.issue_date", "20101001"),
        (15, "SSSE.EF06.name_extension", ""),
        (18, "SSSE.EF06.birth_date", "19810101"),
    ] {
        assert_eq!(value(&seen[exchange], place), text, "{exchange}");
    }
    let written = explained(Decoder::new(), TRANSCRIPTS[3].1);
    assert_eq!(value(&written[4], "SSSE.EF06.name"), "张三");
}

#[test]
fn keys_tries_and_secrets_are_told() {
    let seen = explained(Decoder::new(), TRANSCRIPTS[4].1);
    let noted =
        |words: &str| seen.iter().filter(|(_, _, one)| one.notes.iter().any(|note| note.en.contains(words))).count();
    assert_eq!((noted("key UKSSSE"), noted("2 tries left")), (4, 2));
    let hidden: usize = seen.iter().map(|one| values(one).iter().filter(|(_, value)| value == "hidden").count()).sum();
    assert_eq!(hidden, 7, "VERIFY, both PINs of CHANGE PIN, the enciphered PIN, what a PSAM makes a MAC over");
    assert_eq!(value(&seen[2], "MF.EF16.terminal_number"), "410100813475");
    assert_eq!(seen[11].2.profile, "psam-sx3");
    assert_eq!(seen[15].2.profile, "ssc-3.0");
    assert_eq!(value(&seen[4], "card factor"), "8650430200000013");
    assert_eq!(value(&seen[4], "city factor"), "430200sx");
}

/// One stream of a card and the PSAM that proves a key to it, in the order of a published basic read.
const TWO_VOICES: &str = "\
00A404000F7378312E73682EC9E7BBE1B1A3D5CF -> 9000
00A4000002EF05 -> 9000
00B2030006 -> 0303322E3030 9000
0084000008 -> 1122334455667788 9000
00A404000F7378312E73682EC9E7BBE1B1A3D5CF -> 6113
00A4040006D15600000590 -> 610A
BFDE670A208650430200000013363339393030737836333030303073681122334455667788 -> 9000
80FA0000081122334455667788 -> 6108
00C0000008 -> 99AABBCCDDEEFF00 9000
0082000A1099AABBCCDDEEFF001122334455667788 -> 9000
00A4020002EF06 -> 9000
00B2090020 -> 091ED5C5C8FD0000000000000000000000000000000000000000000000000000 9000
00B2080014 -> 0812313131313131313938313031303131313130 9000
";

#[test]
fn a_card_is_not_lost_when_a_psam_talks_in_the_same_log() {
    let seen = explained(Decoder::new(), TWO_VOICES);
    assert_eq!(value(&seen[11], "SSSE.EF06.name"), "张三");
    assert_eq!(value(&seen[12], "SSSE.EF06.social_security_number"), "111111198101011110");
    assert_eq!(seen[10].2.notes[0].zh, "选中 EF06 持卡人基本信息");
    let directory = |at: usize| seen[at].2.directory.as_ref().map(|(id, _)| (id.as_str(), seen[at].2.profile.as_str()));
    assert_eq!(directory(9), Some(("SSSE", "ssc-2.0")));
    assert_eq!((directory(6), directory(8)), (Some(("DF01", "psam")), Some(("DF01", "psam"))));
    // A profile that was named stays the card's.
    let named = explained(Decoder::with_profile(builtin("ssc-3.0").expect("built in")), TWO_VOICES);
    assert_eq!((value(&named[11], "SSSE.EF06.name").as_str(), named[11].2.profile.as_str()), ("张三", "ssc-3.0"));
}

#[test]
fn a_card_comes_back_to_the_directory_it_was_in_before_a_psam_was_selected() {
    // The environment by a name, the application by an identifier that the card has too.
    let log = "\
00A404000F7378312E73682EC9E7BBE1B1A3D5CF -> 9000
00A4000002DF03 -> 9000
0084000008 -> 1122334455667788 9000
00A404000F7378312E73682EC9E7BBE1B1A3D5CF -> 9000
00B0960006 -> 410100813475 9000
00A4000002DF01 -> 9000
BFDE481218865043020000001336333939303073781122334455667788 -> 9000
80FA0000081122334455667788 -> 0011223344556677 9000
008200041000112233445566771122334455667788 -> 9000
00B2012D05 -> 6103313233 9000
00A4000002DF01 -> 9000
00B2015505 -> 6A82
80FA0000081122334455667788 -> 0011223344556677 9000
00A4020002EF05 -> 9000
";
    let seen = explained(Decoder::new(), log);
    let told: Vec<_> =
        seen.iter().map(|(_, _, one)| one.directory.as_ref().map_or("", |(id, _)| id.as_str())).collect();
    assert_eq!(told[9], "DF03", "{told:?}");
    assert_eq!(value(&seen[4], "MF.EF16.terminal_number"), "410100813475");
    assert!(seen[9].2.profile.starts_with("ssc-3.0") && seen[9].2.file.as_ref().is_some_and(|(id, _)| id == "EF05"));
    // Where the PSAM is in its application already, it is the card's directory that is selected.
    assert_eq!((told[10], seen[10].2.profile.starts_with("ssc")), ("DF01", true));
    assert_eq!(seen[12].2.profile, "psam");
}

/// Commands that carry a PIN or key where nobody looks for one: what is secret stands in the second place.
pub(super) const MISSHAPEN: [(&str, &str); 20] = [
    ("> 00200000041A2B3C", "1A2B3C"),
    ("> 805E0100081A2B3CFF1A2B3D", "1A2B3"),
    ("> 80D40000041A2B3C4D5E6F", "1A2B3C"),
    ("> 80200000031A2B3C\n< 6E00", "1A2B3C"),
    ("> 00240000061A2B3C1A2B3D\n< 6D00", "1A2B3"),
    ("> 002C0000061A2B3C1A2B3D\n< 9000", "1A2B3"),
    ("> 002C010106\n> 1A2B3C1A2B3D\n< 9000", "1A2B3"),
    ("> 0020000003\n> 1A2B3C", "1A2B3C"),
    ("> 0020000003\n< 20\n> 1A2B3C\n< 9000", "1A2B3C"),
    ("> 0020000004\n> 001A2B3C\n< 9000", "1A2B3C"),
    ("0020000003\n1A6190", "1A61"),
    ("> 1A2B3C4D\n< 6E00", "1A2B3C"),
    ("> 1A2B3C\n< 6E00", "1A2B3C"),
    ("> 80F0010003 1A2B3C\n< 9000", "1A2B3C"),
    ("> 00D81A0003 1A2B3C\n< 1A2B3C9000", "1A2B3C"),
    ("> 84DC000C0B 021A2B3C4D5E6F01020304\n< 9000", "1A2B3C"),
    ("> 00DC01FC05 991A2B3C4D\n< 6A82", "1A2B3C"),
    ("> 80FA000010 130000001A2B3C4D5E6F708192A3B4C5\n< 6110", "1A2B3C"),
    ("> 80FA050010 00000000000000001A2B3C8000000000\n< 6104", "1A2B3C"),
    ("> 1A20000003 1A2B3C\n< 6E00", "1A2B3C"),
];

#[test]
fn what_may_be_a_secret_is_hidden_whatever_carries_it() {
    for (text, secret) in MISSHAPEN {
        for (command, answer, explained) in explained(Decoder::new(), text) {
            let shown: Vec<&[u8]> = explained
                .parts
                .iter()
                .filter(|part| part.guard != Guard::Secret)
                .map(|part| {
                    if part.side == Side::Command { &command[part.range.clone()] } else { &answer[part.range.clone()] }
                })
                .chain([&command[..explained.open]])
                .collect();
            let shown = hex::encode_upper(shown.concat());
            assert!(!shown.contains(secret), "{text}: {shown} {explained:?}");
            let status = explained.status.map_or_else(String::new, |sw| sw.to_string());
            assert_ne!(status, "6190", "{text}: the end of a PIN is no status");
        }
    }
    // A header that stands alone, and what is known to be harmless, are told as before.
    let seen = explained(Decoder::new(), "00A40000023F00 -> 6A82\n00F2000000 -> 6D00\n00200000 -> 63C2");
    assert_eq!(seen.iter().map(|(_, _, one)| one.open).collect::<Vec<_>>(), [5, 5, 4]);
    assert_eq!(value(&seen[0], "file identifier"), "3F00");
}

#[test]
fn a_purchase_is_told_with_its_amounts() {
    let seen = explained(Decoder::new(), TRANSCRIPTS[5].1);
    assert_eq!(value(&seen[2], "balance"), "50000");
    assert_eq!(value(&seen[3], "personal account"), "1234");
    assert_eq!(value(&seen[4], "card sequence"), "7");
    assert_eq!(value(&seen[11], "DF04.EF08[1].personal_account"), "1234");
    assert_eq!(seen[11].2.directory.as_ref().map(|(id, _)| id.as_str()), Some("DF04"));
}

#[test]
fn a_given_profile_is_not_replaced_by_what_the_card_says() {
    let profile = builtin("ssc-1.0").expect("built in");
    let seen = explained(Decoder::with_profile(profile), TRANSCRIPTS[0].1);
    assert_eq!(seen[4].2.profile, "ssc-1.0");
}

#[test]
fn keys_of_a_given_profile_are_named_where_the_log_begins_after_the_selection() {
    let note = |decoder: Decoder, command: &str| {
        let mut decoder = decoder;
        let explained = decoder.exchange(&hex::decode(command).expect("hex"), Some(&[0x90, 0x00]));
        explained.notes.iter().map(|note| note.en.to_string()).collect::<Vec<_>>()
    };
    let purse = || Decoder::with_profile(builtin("pboc-purse").expect("built in"));
    let (external, internal) = ("00820001081122334455667788", "00880001081122334455667788");
    assert_eq!(note(purse(), external), ["key DEAK (外部认证密钥)"]);
    assert_eq!(note(purse(), internal), ["key DIEK (内部认证加密密钥)"]);
    assert_eq!(note(purse(), "00820007081122334455667788"), [""; 0], "the purse has no such key");
    assert_eq!(note(Decoder::new(), external), [""; 0], "nobody said what card it is");
    // Directories of a social security card number their keys alike: each that may be meant is named.
    let card = || Decoder::with_profile(builtin("ssc-3.0").expect("built in"));
    let named = note(card(), &format!("00820088{}", "10".repeat(17)));
    let [keys] = named.as_slice() else { panic!("{named:?}") };
    assert!(keys.starts_with("key ") && keys.contains(" or ") && keys.contains("(DF01)"), "{keys}");
    let global = note(card(), &format!("0082000A{}", "10".repeat(17)));
    assert!(global.iter().any(|note| note.starts_with("key RKSSSE (")), "{global:?}");
}

#[test]
fn a_refused_selection_changes_nothing_and_a_reset_everything() {
    let mut decoder = Decoder::new();
    let ssse = hex::decode("00A404000F7378312E73682EC9E7BBE1B1A3D5CF").expect("hex");
    let directory = |explained: Explained| explained.directory.map(|(id, _)| id);
    assert_eq!(directory(decoder.exchange(&ssse, Some(&[0x6A, 0x82]))), None);
    assert_eq!(directory(decoder.exchange(&ssse, Some(&[0x61, 0x18]))), Some("SSSE".to_owned()));
    let df04 = [0x00, 0xA4, 0x00, 0x00, 0x02, 0xDF, 0x04];
    assert_eq!(directory(decoder.exchange(&df04, Some(&[0x6A, 0x82]))), Some("SSSE".to_owned()));
    assert_eq!(directory(decoder.exchange(&df04, Some(&[0x90, 0x00]))), Some("DF04".to_owned()));
    decoder.reset(&[0x3B, 0x00]);
    assert_eq!(directory(decoder.exchange(&[0x00, 0x84, 0x00, 0x00, 0x08], Some(&[0x67, 0x00]))), None);
}

proptest! {
    #[test]
    fn any_bytes_are_covered_once_from_left_to_right(
        exchanges in prop::collection::vec((0_usize..12, prop::collection::vec(any::<u8>(), 0..60), prop::collection::vec(any::<u8>(), 0..80)), 1..12)
    ) {
        let heads: [&[u8]; 12] = [
            &[], &[0, 0xA4, 4, 0], &[0, 0xA4, 0, 0, 2], &[0, 0xB2, 1, 0x2D], &[0, 0xB2, 1, 4], &[0, 0xC0, 0, 0], &[0, 0xB0, 0x96, 0],
            &[0, 0xDC, 1, 4], &[0xB0, 0x28, 1, 1], &[0xBF, 0xDE, 0x48, 0x12], &[0x80, 0x70, 1, 0], &[4, 0xD6, 0x95, 0],
        ];
        let mut decoder = Decoder::new();
        decoder.exchange(&hex::decode("00A404000F7378312E73682EC9E7BBE1B1A3D5CF").expect("hex"), Some(&[0x90, 0]));
        for (head, tail, answer) in exchanges {
            let mut command = heads[head].to_vec();
            if !tail.is_empty() && command.len() == 4 {
                command.push(u8::try_from(tail.len()).expect("short"));
            }
            command.extend(&tail);
            let explained = decoder.exchange(&command, Some(&answer));
            for side in [Side::Command, Side::Answer] {
                let bytes = if side == Side::Command { &command } else { &answer };
                let mut at = None;
                for part in explained.parts.iter().filter(|part| part.side == side) {
                    prop_assert!(at.is_none_or(|at| at == part.range.start), "{explained:?}");
                    prop_assert!(!part.range.is_empty() && part.range.end <= bytes.len(), "{explained:?}");
                    let _ = part.value(bytes);
                    at = Some(part.range.end);
                }
                // Data in the place of an answer has no status word.
                let has_status = side == Side::Answer && explained.status.is_some();
                let end = if has_status { answer.len() - 2 } else { bytes.len() };
                prop_assert!(at.is_none_or(|at| at == end || (side == Side::Command && at + 1 == end)), "{explained:?}");
            }
        }
    }
}

#[test]
fn the_certificate_application_has_its_own_names_and_no_file_of_the_card_is_taken_for_its() {
    let log = "\
00A404000C504B492EC9E7BBE1B1A3D5CF -> 9000
00A4000002DF01 -> 9000
00A40000020018 -> 9000
00B0000004 -> 30820102 9000
00A40400 0F 7378312E73682EC9E7BBE1B1A3D5CF -> 9000
00A4000002DF01 -> 9000
";
    let seen = explained(Decoder::with_profile(crate::builtin("ssc-3.0").expect("built in")), log);
    let said = |at: usize| seen[at].2.notes.iter().map(|note| note.en.to_string()).collect::<Vec<_>>().join(" ");
    assert!(said(0).contains("certificate application"), "{}", said(0));
    assert!(said(1).contains("certificate application") && seen[1].2.directory.is_none(), "{}", said(1));
    assert!(said(2).contains("EF18 签名证书"), "{}", said(2));
    assert!(seen[3].2.file.is_none(), "no file of a directory");
    assert_eq!(seen[5].2.directory.as_ref().map(|(id, _)| id.as_str()), Some("DF01"), "{}", said(5));
}
