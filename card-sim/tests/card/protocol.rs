//! T=0 answers, the door's status words, and published transcripts.

use super::rig::{blank, keyed};

const SSSE: &str = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF";

#[test]
fn the_basic_read_has_the_shape_of_the_published_log() {
    let mut rig = keyed("ssc-3.0");
    assert_eq!(rig.raw(SSSE), "611E");
    let fci = rig.raw("00C000001E");
    assert_eq!(fci, "6F1C840F7378312E73682EC9E7BBE1B1A3D5CFA50988011E9F0C038601019000");
    assert_eq!(rig.raw("0020000003123456"), "9000");
    assert_eq!(rig.raw("00A4000002EF05"), "9000");
    let records = rig.raw("00B20105FF");
    assert_eq!(records.len(), 2 * (64 + 2));
    assert!(records.starts_with("0110") && records.contains("04 0C".replace(' ', "").as_str()));
    assert_eq!(rig.raw("00B2072C0B").len(), 2 * (11 + 2), "record 7 by number and SFI");
    assert_eq!(rig.raw("00B207280B")[..4], *"0709", "record 7 by tag and SFI");
}

#[test]
fn the_published_personalization_commands_write_and_read_back() {
    let mut rig = keyed("ssc-3.0");
    rig.select("SSSE");
    assert!(rig.authenticate("UKSSSE").sw.is_ok());
    for (write, read) in [
        ("00DC0528 06 050420260101", "00B2052806"),
        ("00DC0728 0B 0709413132333435363734", "00B207280B"),
        ("00DC0A30 03 0A0131", "00B20A3003"),
        ("00DC0C30 05 0C03513322", "00B20C3005"),
    ] {
        assert_eq!(rig.raw(write), "9000");
        if read.starts_with("00B20A") || read.starts_with("00B20C") {
            rig.reset();
            rig.select("SSSE");
            assert_eq!(rig.raw(read), "6982", "EF06 of a 3.0 card needs RKSSSE");
            assert!(rig.authenticate("RKSSSE").sw.is_ok());
            assert!(rig.authenticate("UKSSSE").sw.is_ok());
        }
        assert_eq!(rig.raw(read), format!("{}9000", &write.replace(' ', "")[10..]));
    }
}

#[test]
fn an_update_keeps_tag_and_length_of_the_record() {
    let mut rig = keyed("ssc-3.0");
    rig.select("SSSE");
    assert!(rig.authenticate("UKSSSE").sw.is_ok());
    for (command, sw) in [
        ("00DC0528 06 060420260101", "6A80"),
        ("00DC0528 06 050320260101", "6A80"),
        ("00DC052C 06 060420260101", "6A80"),
        ("00DC0528 05 0503202601", "6700"),
        ("00DC0528 07 05052026010100", "6700"),
        ("00DC2028 06 200420260101", "6A83"),
        ("00DC0828 06 050420260101", "6A83"),
        ("00DC0829 06 050420260101", "6A86"),
    ] {
        assert_eq!(rig.sw(command), sw, "{command}");
    }
    assert_eq!(rig.raw("00B2052806"), "0504FFFFFFFF9000", "nothing of this was written");
}

#[test]
fn a_binary_command_stays_inside_its_file() {
    let mut rig = keyed("ssc-3.0");
    rig.select("SSSE");
    assert!(rig.authenticate("UKSSSE").sw.is_ok() && rig.authenticate("RKSSSE").sw.is_ok());
    assert_eq!(rig.raw("00A4000002EF08"), "9000");
    for (command, sw) in [
        ("00D60FFF 01 5A", "9000"),
        ("00D60FFF 02 5A5A", "6A84"),
        ("00D61000 01 5A", "6B00"),
        ("00D67FFF 01 5A", "6B00"),
        ("00B00FFF 01", "9000"),
        ("00B00FFF 02", "6C01"),
        ("00B00FFF 00", "6C01"),
        ("00B01000 01", "6B00"),
        ("00B09F00 01", "6A86"),
        ("00B08000 01", "6A86"),
    ] {
        assert_eq!(rig.sw(command), sw, "{command}");
    }
}

#[test]
fn get_response_works_only_directly_after_and_only_with_the_announced_length() {
    let mut rig = blank("ssc-3.0");
    assert_eq!(rig.raw("00C0000010"), "6985");
    assert_eq!(rig.raw(SSSE), "611E");
    assert_eq!(rig.raw("00C0000010"), "6C1E");
    assert_eq!(rig.raw("00C000001E").len(), 2 * (0x1E + 2));
    assert_eq!(rig.raw("00C000001E"), "6985");
    assert_eq!(rig.raw(SSSE), "611E");
    assert_eq!(rig.raw("0084000008").len(), 2 * (8 + 2));
    assert_eq!(rig.raw("00C000001E"), "6985");
}

#[test]
fn a_wrong_le_is_corrected_except_for_all_records() {
    let mut rig = blank("ssc-3.0");
    rig.select("SSSE");
    for le in (1..=255).filter(|le| *le != 11) {
        assert_eq!(rig.raw(&format!("00B20728{le:02X}")), "6C0B");
    }
    assert_eq!(rig.raw("00B2072800"), rig.raw("00B207280B"), "Le 00 asks for the whole record");
    assert_eq!(rig.raw("00B2072C00"), rig.raw("00B2072C0B"));
    assert_eq!(rig.raw("00B2010400"), rig.raw("00B2010412"), "in the current file");
    assert_eq!(rig.raw("00B2012D3F"), "6C40");
    assert_eq!(rig.raw("00B2012D40").len(), rig.raw("00B2012D00").len());
}

#[test]
fn each_fault_of_the_header_has_its_status_word() {
    let mut rig = blank("ssc-3.0");
    rig.select("SSSE");
    for (command, sw) in [
        ("B0", "6700"),
        ("00B2", "6700"),
        ("10B2012C0B", "6E00"),
        ("80B2012C0B", "6E00"),
        ("0070000000", "6D00"),
        ("80FA000008 0000000000000000", "6D00"),
        ("00A40300021234", "6A86"),
        ("00A4000103123456", "6A86"),
        ("00A4000001EF", "6700"),
        ("00B2012E0B", "6A86"),
        ("00B201FC0B", "6A86"),
        ("0084010008", "6A86"),
        ("0084000007", "6700"),
        ("0082000410 00112233445566778899AABBCCDDEE", "6700"),
        ("0020000001 12", "6700"),
        ("0020000107 12345612345612", "6A86"),
        // P1 and P2 come before what they say of the data.
        ("00200100", "6A86"),
        ("0020010001 12", "6A86"),
        ("0020010000", "6A86"),
        ("0082010410 00112233", "6A86"),
        ("0088010003 123456", "6A86"),
        ("805E020103 123456", "6A86"),
        ("8424000302 1234", "6A86"),
        ("84D4FFFF02 1234", "6A86"),
        ("841E000502 1234", "6A86"),
        ("B02CFF0002 1234", "6A86"),
        // Of the certificate application, which is not current.
        ("0020010003 123456", "6A86"),
        ("0020018110 00112233445566778899AABBCCDDEEFF", "6A86"),
        ("00200000031234", "6700"),
        ("0020000003123456FFFF", "6700"),
        ("00B2012C01 00", "6700"),
        ("00A4000002EF99", "6A82"),
        ("00A4040006D15600000599", "6A82"),
        ("00B0850004", "6981"),
        ("00B2012C0B", "6C12"),
        ("00B2082C0B", "6A83"),
        ("00B200280B", "6A83"),
        ("00B2013C0B", "6981"),
        ("00B2013414", "6982"),
        ("00B201E40B", "6A82"),
        ("00B2010404", "6986"),
    ] {
        assert_eq!(rig.sw(command), sw, "{command}");
    }
}

/// CLA and INS of every command that each kind of card has, as the command tables print them.
const KNOWN: [(&str, &[u16]); 3] = [
    (
        "ssc-3.0",
        &[
            0x805E, 0x8424, 0x841E, 0x8418, 0x8416, 0x84D4, 0xB026, 0xB028, 0xB02A, 0xB02C, 0xB032, 0x8040, 0x804A,
            0x804C, 0x804E, 0x80C2, 0x80C4, 0x80C9, 0x845E,
        ],
    ),
    (
        "pboc-purse",
        &[
            0x805E, 0x8424, 0x841E, 0x8418, 0x8416, 0x84D4, 0x8050, 0x8052, 0x8054, 0x8058, 0x805A, 0x805C, 0x80DC,
            0x04D6, 0x04DC,
        ],
    ),
    ("psam", &[0x84D4, 0xBFDE, 0x801A, 0x80FA, 0x8070, 0x8072]),
];
const OF_EVERY_CARD: [u16; 11] =
    [0x00A4, 0x00B2, 0x00DC, 0x00E2, 0x00B0, 0x00D6, 0x00C0, 0x0084, 0x0082, 0x0088, 0x0020];

#[test]
fn every_class_and_instruction_byte_is_answered_and_only_the_card_s_own_are_taken() {
    for (profile, own) in KNOWN {
        let mut rig = blank(profile);
        let known: Vec<u16> = OF_EVERY_CARD.iter().chain(own).copied().collect();
        for head in 0..=u16::MAX {
            let sw = rig.sw(&format!("{head:04X}FFFF00"));
            let class_known = known.iter().any(|one| one >> 8 == head >> 8);
            let instruction_known = known.iter().any(|one| one & 0xFF == head & 0xFF);
            if known.contains(&head) {
                assert!(sw != "6E00" && sw != "6D00", "{profile} {head:04X}");
            } else if class_known && !instruction_known {
                assert_eq!(sw, "6D00", "{profile} {head:04X}");
            } else {
                assert_eq!(sw, "6E00", "{profile} {head:04X}");
            }
        }
    }
}

#[test]
fn a_chained_command_is_refused() {
    // ISO/IEC 7816-4 5.3.3: bit 5 of CLA says that more follows. No command of these cards is chained.
    for (profile, own) in KNOWN {
        let mut rig = blank(profile);
        for head in OF_EVERY_CARD.iter().chain(own).filter(|head| **head & 0x1000 == 0) {
            assert_eq!(rig.sw(&format!("{:04X}000000", head | 0x1000)), "6E00", "{profile} {head:04X}");
        }
    }
}

#[test]
fn an_le_after_the_data_belongs_to_the_reader() {
    let mut rig = blank("ssc-3.0");
    assert_eq!(rig.raw(&format!("{SSSE}00")), "611E");
}

#[test]
fn without_a_selected_application_nothing_is_open() {
    let mut rig = blank("ssc-3.0");
    for (command, sw) in [
        ("00B2012C0B", "6A82"),
        ("00B201040B", "6986"),
        ("00A4000002EF05", "6A82"),
        ("00A4000002DF01", "6A82"),
        ("0020000003123456", "6A88"),
        ("B026000104", "6985"),
    ] {
        assert_eq!(rig.sw(command), sw, "{command}");
    }
    assert_eq!(rig.sw("00A4000002DDF1"), "611E");
    assert_eq!(rig.sw("00A4000002DF01").get(..2), Some("61"));
    assert_eq!(rig.sw("00A4020002DF04"), "6A82", "P1=02 finds EFs only");
    assert_eq!(rig.sw("00A4010002EF05"), "6A82", "P1=01 finds DFs only");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 64, ..Default::default() })]

    #[test]
    fn no_bytes_make_the_card_panic_or_stay_silent(
        commands in proptest::collection::vec(proptest::collection::vec(proptest::num::u8::ANY, 0..40), 1..40),
        shaped in proptest::collection::vec((0..26_usize, proptest::num::u8::ANY, proptest::num::u8::ANY, proptest::collection::vec(proptest::num::u8::ANY, 0..30)), 1..60),
    ) {
        for (profile, own) in KNOWN {
        let mut rig = keyed(profile);
        let last = rig.profile.df.last().expect("a DF").id.clone();
        rig.select(&last);
        let heads: Vec<u16> = OF_EVERY_CARD.iter().chain(own).copied().collect();
        let (commands, mut shaped) = (commands.clone(), shaped.clone());
        let mut all: Vec<Vec<u8>> = commands;
        for (head, p1, p2, data) in shaped.drain(..) {
            let mut bytes = heads[head % heads.len()].to_be_bytes().to_vec();
            bytes.extend([p1, p2, u8::try_from(data.len()).expect("short")]);
            bytes.extend(data);
            all.push(bytes);
        }
        for bytes in all {
            let mut answer = Vec::new();
            rig.socket.card().transmit(&bytes, &mut answer).expect("a powered card answers");
            proptest::prop_assert!(answer.len() >= 2 && answer.len() <= 258);
        }
        }
    }
}
