//! The electronic deposit and purse: published numbers, the state machine, what they refuse.

use card_core::crypto::{CardKey, KeyForm};
use card_core::key::Key16;
use card_profiles::account::{load_seed, purchase_seed};
use card_sim::{Card, PurseInspection};

use super::rig::{Rig, SERIAL, TRANSPORT, in_socket};

pub(crate) const TERMINAL: &str = "990011223344";
pub(crate) const THEN: &str = "20250102030405";
pub(crate) const PIN: &str = "0020000003123456";
/// Factor and master keys of the published synthetic set; keys without a published value follow the same pattern.
const FACTOR: &str = "1101000000123456";
const MASTERS: [(&str, &str); 8] = [
    ("DPK", "A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"),
    ("DLK", "B0B1B2B3B4B5B6B7B8B9BABBBCBDBEBF"),
    ("DTK", "C0C1C2C3C4C5C6C7C8C9CACBCCCDCECF"),
    ("DAMK", "303132333435363738393A3B3C3D3E3F"),
    ("DULK", "505152535455565758595A5B5C5D5E5F"),
    ("DUK", "606162636465666768696A6B6C6D6E6F"),
    ("DPUK", "707172737475767778797A7B7C7D7E7F"),
    ("DRPK", "808182838485868788898A8B8C8D8E8F"),
];

pub(crate) fn made(keys: &str, profile: &dyn Fn(String) -> String) -> Rig {
    let text =
        profile(card_profiles::flatten(card_profiles::builtin_text("pboc-purse").expect("built in")).expect("flat"));
    let profile = card_profiles::Profile::parse(&text).expect("a profile");
    let keys = card_sim::keys::GivenKeys::parse(keys).expect("a key file");
    let card = Card::with_keys(&profile, SERIAL, &Key16::new(TRANSPORT), &keys).expect("a card");
    let mut rig = in_socket("pboc-purse", card);
    assert_eq!(rig.sw("00A4040009A00000000386980701")[..2], *"61");
    rig
}

fn key_file() -> String {
    let rows = MASTERS
        .map(|(name, master)| format!("[[key]]\nname = \"{name}\"\nmaster = \"{master}\"\nfactors = [\"{FACTOR}\"]\n"));
    format!("mark = \"REHEARSAL\"\n{}", rows.concat())
}

/// A card with the published synthetic keys, its application selected.
pub(crate) fn card() -> Rig {
    made(&key_file(), &|text| text)
}

pub(crate) fn card_with(from: &'static str, to: &'static str) -> Rig {
    made(&key_file(), &|text| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    })
}

pub(crate) fn card_of(profile: impl Fn(String) -> String) -> Rig {
    made(&key_file(), &|text| {
        let changed = profile(text.clone());
        assert_ne!(changed, text);
        changed
    })
}

pub(crate) fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).expect("hex")
}

pub(crate) fn key(name: &str) -> CardKey {
    let (_, master) = MASTERS.iter().find(|(known, _)| *known == name).expect("a key of the set");
    let master = Key16::new(bytes(master).try_into().expect("16 bytes"));
    let factor = bytes(FACTOR).try_into().expect("8 bytes");
    CardKey::derived(&master, &[factor], KeyForm::TDES)
}

fn random_of(start: &str, at: usize) -> [u8; 4] {
    bytes(&start[2 * at..2 * at + 8]).try_into().expect("4 bytes")
}

fn sequence_of(start: &str) -> u16 {
    u16::from_str_radix(&start[8..12], 16).expect("hex")
}

pub(crate) fn online_mac(name: &str, start: &str, random_at: usize, message: &str) -> String {
    let seed = load_seed(random_of(start, random_at), sequence_of(start));
    hex::encode_upper(key(name).transaction_session(seed).mac([0; 8], &bytes(message)))
}

fn offline_mac(start: &str, sequence: u32, message: &str) -> String {
    let seed = purchase_seed(random_of(start, 11), sequence_of(start), sequence);
    hex::encode_upper(key("DPK").transaction_session(seed).mac([0; 8], &bytes(message)))
}

/// Loads `fen` into the purse `p2`; the answer of CREDIT.
pub(crate) fn load(rig: &mut Rig, p2: u8, fen: u32) -> String {
    assert_eq!(rig.raw(PIN), "9000");
    let start = rig.fetch(&format!("805000{p2:02X}0B01{fen:08X}{TERMINAL}"));
    assert!(start.ends_with("9000") && start.len() == 36, "{start}");
    let mac2 = online_mac("DLK", &start, 8, &format!("{fen:08X}{p2:02X}{TERMINAL}{THEN}"));
    rig.fetch(&format!("805200000B{THEN}{mac2}"))
}

/// The DEBIT that completes an INITIALIZE answered with `start`.
pub(crate) fn debit_command(start: &str, kind: u8, fen: u32, tsn: u32) -> String {
    debit_command_at(start, kind, fen, tsn, THEN)
}

pub(crate) fn debit_command_at(start: &str, kind: u8, fen: u32, tsn: u32, moment: &str) -> String {
    let mac1 = offline_mac(start, tsn, &format!("{fen:08X}{kind:02X}{TERMINAL}{moment}"));
    format!("805401000F{tsn:08X}{moment}{mac1}")
}

pub(crate) fn purchase(rig: &mut Rig, init: &str, kind: u8, fen: u32) -> String {
    let start = rig.fetch(&format!("{init}0B01{fen:08X}{TERMINAL}"));
    assert!(start.ends_with("9000") && start.len() == 34, "{start}");
    rig.fetch(&debit_command(&start, kind, fen, 1))
}

fn state(rig: &Rig) -> PurseInspection {
    rig.socket.card().inspect().purse.expect("a purse")
}

#[test]
fn keys_by_the_serial_fit_a_host_that_derives_them_from_file_0015() {
    let (_, dpk) = MASTERS[0];
    for stated in ["serial = \"00991122334455667788\"\n", ""] {
        let keys = format!(
            "mark = \"REHEARSAL\"\n{stated}[[key]]\nname = \"DPK\"\nmaster = \"{dpk}\"\nfactors = [\"serial\"]\n\
            [[key]]\nname = \"DTK\"\nvalue = \"{dpk}\"\n"
        );
        let mut rig = made(&keys, &|text| text);
        // purse.md 1.4: the serial stands at byte 10 of file 0015, its last 8 bytes are the factor.
        let public = rig.raw("00B095001E");
        let factor: [u8; 8] = bytes(&public[24..40]).try_into().expect("8 bytes");
        assert!(stated.is_empty() || public[20..40] == *"00991122334455667788", "{public}");
        assert_ne!(factor, [0; 8]);
        let master = Key16::new(bytes(dpk).try_into().expect("16 bytes"));
        let key = CardKey::derived(&master, &[factor], KeyForm::TDES);
        let start = rig.fetch(&format!("805001020B0100000000{TERMINAL}"));
        assert!(start.ends_with("9000"), "{start}");
        let seed = purchase_seed(random_of(&start, 11), sequence_of(&start), 1);
        let mac1 = key.transaction_session(seed).mac([0; 8], &bytes(&format!("0000000006{TERMINAL}{THEN}")));
        let answer = rig.fetch(&format!("805401000F00000001{THEN}{}", hex::encode_upper(mac1)));
        assert!(answer.ends_with("9000"), "{answer}");
    }
}

#[test]
fn a_load_has_the_macs_of_a_real_card_log() {
    // Example A of the published logs: the answer of INIT, MAC2, TAC and the record of the log.
    let keys = "mark = \"REHEARSAL\"\n[[key]]\nname = \"DLK\"\nvalue = \"3F3F3F3F3F3F3F3F1122334455667788\"\n\
        [[key]]\nname = \"DTK\"\nvalue = \"34343434343434341122334455667788\"\n";
    let mut rig = made(keys, &|text| text.replacen("log_sequence = \"before\"", "log_sequence = \"after\"", 1));
    assert_eq!(rig.raw(PIN), "9000");
    rig.script_random("4E066548");
    assert_eq!(rig.fetch("805000020B0100000010666666666666"), "00000000000001004E0665480D39ADBB9000");
    assert_eq!(rig.fetch("805200000B20240411212121097E98FE"), "A802863E9000");
    assert_eq!(rig.raw("805C000204"), "000000109000");
    assert_eq!(rig.raw("00B201C417"), "0001000000000000100266666666666620240411212121 9000".replace(' ', ""));
    assert_eq!(rig.fetch("805A0002020000"), "00000000A802863E9000");
}

#[test]
fn loads_and_purchases_have_the_macs_of_the_published_example() {
    // Example G: one key for load and purchase.
    let keys = "mark = \"REHEARSAL\"\n[[key]]\nname = \"DLK\"\nvalue = \"11223344556677888877665544332211\"\n\
        [[key]]\nname = \"DPK\"\nvalue = \"11223344556677888877665544332211\"\n\
        [[key]]\nname = \"DTK\"\nvalue = \"11223344556677888877665544332211\"\n";
    let mut rig = made(keys, &|text| text);
    assert_eq!(rig.raw(PIN), "9000");
    rig.script_random("11223344");
    let start = rig.fetch("805000010B0100001000001122334455");
    assert_eq!(start, "00000000000001001122334429 88AE5A9000".replace(' ', ""));
    assert!(rig.fetch("805200000B201112212148223A845BF0").ends_with("9000"));
    rig.script_random("11223344");
    let keys = MASTERS.len();
    assert!(keys == 8 && load_second_purse(&mut rig).ends_with("9000"));
    rig.script_random("11223344");
    let start = rig.fetch("805001020B0100001000001122334455");
    assert_eq!(start, "000010000000000000010011223344 9000".replace(' ', ""));
    assert!(rig.fetch("805401000F0000000120120229135100F15CAB75").ends_with("9000"));
    assert_eq!(rig.raw("805C000204"), "000000009000");
}

/// The load of example G into the EP: type 02, so its MAC2 is computed.
fn load_second_purse(rig: &mut Rig) -> String {
    let start = rig.fetch("805000020B0100001000001122334455");
    let key = Key16::new(bytes("11223344556677888877665544332211").try_into().expect("16"));
    let seed = load_seed(random_of(&start, 8), sequence_of(&start));
    let message = bytes("00001000 02 001122334455 20111221214822");
    let mac2 = CardKey::new(key, KeyForm::TDES).transaction_session(seed).mac([0; 8], &message);
    rig.fetch(&format!("805200000B20111221214822{}", hex::encode_upper(mac2)))
}

#[test]
fn a_load_of_the_deposit_has_the_macs_of_the_synthetic_set() {
    let mut rig = card();
    for fen in [1000, 0, 0] {
        assert!(load(&mut rig, 1, fen).ends_with("9000"));
    }
    rig.script_random("A1B2C3D4");
    let start = rig.fetch(&format!("805000010B01000001F4{TERMINAL}"));
    assert_eq!(start, "000003E8 0003 01 00 A1B2C3D4 768B28BC 9000".replace(' ', ""));
    assert_eq!(rig.fetch(&format!("805200000B{THEN}44D89158")), "E736C56D9000");
    assert_eq!(rig.raw("805C000104"), "000005DC9000");
    assert_eq!(rig.fetch("805A0001020003"), "00000000E736C56D9000");
}

#[test]
fn every_kind_of_debit_has_the_macs_of_the_synthetic_set() {
    for (init, kind, mac1, tac) in [
        ("80500201", 0x04, "22AAC397", "D6193296"),
        ("80500101", 0x05, "8F0E797C", "AC5F0884"),
        ("80500102", 0x06, "E4D6B4B7", "FC6554C7"),
        ("80500302", 0x09, "1BD68D87", "4477368D"),
    ] {
        let mut rig = card();
        let deposit = kind < 6;
        load(&mut rig, if deposit { 1 } else { 2 }, 1000);
        for _ in 0..7 {
            assert!(purchase(&mut rig, init, kind, 0).ends_with("9000"), "a purchase of nothing is legal");
        }
        rig.script_random("13579BDF");
        let start = rig.fetch(&format!("{init}0B01000000FA{TERMINAL}"));
        assert_eq!(start, "000003E8 0007 000000 01 00 13579BDF 9000".replace(' ', ""));
        assert_eq!(rig.fetch(&format!("805401000F0000A5C3{THEN}{mac1}")), format!("{tac}67113FAA9000"));
        assert_eq!(rig.fetch(&format!("805A00{kind:02X}020007")), format!("67113FAA{tac}9000"), "MAC2 first");
        assert_eq!(rig.raw("00B201C417"), format!("0007000000000000FA{kind:02X}{TERMINAL}{THEN}9000"));
        let now = state(&rig);
        let (changed, other) = if deposit { (now.deposit, now.purse) } else { (now.purse, now.deposit) };
        assert_eq!((changed, other), (750, 0));
        rig.reset();
        rig.sw("00A4040009A00000000386980701");
        assert_eq!(rig.fetch(&format!("805A00{kind:02X}020007")), format!("67113FAA{tac}9000"), "also after a reset");
    }
}

#[test]
fn secure_messaging_has_the_macs_of_the_synthetic_set() {
    let public: String = (0..0x1E).map(|byte| format!("{byte:02X}")).collect();
    let mut rig = card();
    let challenge = |rig: &mut Rig| {
        rig.script_random("11223344");
        assert_eq!(rig.raw("0084000004"), "112233449000");
    };
    challenge(&mut rig);
    assert_eq!(rig.raw(&format!("04D6950022{public}1AB466B4")), "9000");
    assert_eq!(rig.raw("00B095001E"), format!("{public}9000"));
    let fci = rig.fetch("00A4040009A00000000386980701");
    assert_eq!(fci, format!("6F2E8409A00000000386980701A5219F0C1E{public}9000"));

    challenge(&mut rig);
    assert_eq!(rig.raw("841E00000491907340"), "9000");
    assert_eq!(rig.raw("805C000204"), "6A81", "blocked");
    assert_eq!(rig.raw("00A4040009A00000000386980701"), "6283");
    assert_eq!(rig.raw("00C000002E"), "6C30");
    assert_eq!(rig.raw("00C0000030"), fci);
    challenge(&mut rig);
    assert_eq!(rig.raw("84180000046565922D"), "9000");
    assert_eq!(rig.raw("805C000204"), "000000009000");

    challenge(&mut rig);
    assert_eq!(rig.raw("841E000104ADF7F1F2"), "9000");
    assert_eq!(rig.raw("805C000204"), "9303");
    challenge(&mut rig);
    assert_eq!(rig.raw("84180000046565922D"), "9303", "for good");

    let mut rig = card();
    challenge(&mut rig);
    assert_eq!(rig.raw("84160000049253E4B2"), "9000");
    rig.reset();
    for command in ["00A4040009A00000000386980701", "0084000004", "805C000204", "00C0000001", "FF00000000"] {
        assert_eq!(rig.raw(command), "6A81", "{command}");
    }
    assert_eq!(rig.socket.card().inspect().blocked["card"], "for good");
}

#[test]
fn three_wrong_macs_lock_the_application_for_good() {
    let mut rig = card();
    for wrong in 1..=3 {
        rig.raw("0084000004");
        assert_eq!(rig.raw("04D695000501 00000000"), "9302", "{wrong}");
    }
    rig.script_random("11223344");
    rig.raw("0084000004");
    assert_eq!(rig.raw("841E00000491907340"), "9303");
    for command in [PIN, "805C000204", "00B0950001", "805000020B0100000010666666666666"] {
        assert_eq!(rig.raw(command), "9303", "{command}");
    }
    assert_eq!(rig.socket.card().inspect().blocked["ADF1"], "for good");

    let mut rig = card();
    for _ in 0..2 {
        rig.raw("0084000004");
        assert_eq!(rig.raw("04D695000501 00000000"), "9302");
    }
    rig.script_random("11223344");
    rig.raw("0084000004");
    assert_eq!(rig.raw("841E00000491907340"), "9000", "a right MAC gives the tries back");
    assert_eq!(rig.socket.card().inspect().keys["ADF1.DAMK"].tries_left, 3);
}

#[test]
fn an_update_needs_its_mac_its_challenge_and_its_file() {
    let mut rig = card();
    assert_eq!(rig.raw("00D6950001 01"), "6987");
    assert_eq!(rig.raw("04D6950005 01 00000000"), "6984", "no challenge");
    rig.raw("0084000010");
    assert_eq!(rig.raw("04D6950005 01 00000000"), "6984", "a challenge of 16 bytes");
    rig.raw("0084000004");
    assert_eq!(rig.raw("04D6980005 01 00000000"), "6981", "the log is no such file");
    rig.raw("0084000004");
    assert_eq!(rig.raw("04D6950004 00000000"), "6700");
    rig.raw("0084000004");
    assert_eq!(rig.raw("04D6951E05 01 00000000"), "6B00");
    rig.raw("0084000004");
    assert_eq!(rig.raw("04D6951D06 0102 00000000"), "6A84");
    assert_eq!(rig.socket.card().inspect().keys["ADF1.DAMK"].tries_left, 3, "no try was spent");
}

#[test]
fn an_unload_takes_money_back_and_answers_mac3() {
    let mut rig = card();
    load(&mut rig, 1, 1000);
    let start = rig.fetch(&format!("805005010B0100000190{TERMINAL}"));
    assert_eq!(start[..12], *"000003E80001");
    let mac1 = online_mac("DULK", &start, 8, &format!("000003E8 00000190 03{TERMINAL}"));
    assert_eq!(start[24..32], mac1);
    let mac2 = online_mac("DULK", &start, 8, &format!("0000019003{TERMINAL}{THEN}"));
    let mac3 = online_mac("DULK", &start, 8, &format!("00000258 0001 00000190 03{TERMINAL}{THEN}"));
    assert_eq!(rig.fetch(&format!("805403000B{THEN}{mac2}")), format!("{mac3}9000"));
    assert_eq!(state(&rig).deposit, 600);
    assert_eq!(state(&rig).deposit_sequences, (2, 0), "the online number");
    assert_eq!(rig.raw("00B201C417"), format!("000100000000000190 03{TERMINAL}{THEN}9000").replace(' ', ""));
    assert_eq!(rig.fetch("805A0003020001"), format!("{mac3}000000009000"));
    assert_eq!(rig.sw(&format!("805005010B0100000259{TERMINAL}")), "9401");
}

#[test]
fn an_overdraw_limit_is_part_of_the_balance() {
    let mut rig = card();
    load(&mut rig, 1, 100);
    let update = |rig: &mut Rig, limit: &str, after: &str| {
        let start = rig.fetch(&format!("805004010701{TERMINAL}"));
        assert!(start.len() == 42 && start.ends_with("9000"), "{start}");
        let (balance, old) = (&start[..8], &start[12..18]);
        assert_eq!(start[30..38], online_mac("DUK", &start, 11, &format!("{balance}{old}07{TERMINAL}")));
        let mac2 = online_mac("DUK", &start, 11, &format!("{limit}07{TERMINAL}{THEN}"));
        let tac = key("DTK").tac(&bytes(&format!("{after}{}{limit}07{TERMINAL}{THEN}", &start[8..12])));
        (rig.fetch(&format!("805800000E{limit}{THEN}{mac2}")), format!("{}9000", hex::encode_upper(tac)))
    };
    let (got, expected) = update(&mut rig, "0001F4", "00000258");
    assert_eq!(got, expected);
    assert_eq!((state(&rig).deposit, state(&rig).overdraw_limit), (600, 500));
    assert_eq!(rig.raw("00B201C417"), format!("00000001F40000000007{TERMINAL}{THEN}9000"), "offline number, new limit");
    let start = rig.fetch(&format!("805001010B0100000000{TERMINAL}"));
    assert_eq!(start[12..18], *"0001F4");
    assert!(purchase(&mut rig, "80500101", 0x05, 600).ends_with("9000"), "down to the limit");
    let (got, _) = update(&mut rig, "0001F3", "");
    assert_eq!(got, "9401", "the limit in use cannot be taken away");
    let (got, expected) = update(&mut rig, "000258", "00000064");
    assert_eq!(got, expected);
    assert_eq!(rig.fetch("805A0007020002"), format!("00000000{expected}"));
}

#[test]
fn a_composite_purchase_writes_its_records_with_the_debit_and_not_before() {
    let mut rig = card();
    load(&mut rig, 2, 1000);
    let record = |fill: &str| format!("AA29{}", fill.repeat(41));
    let cache = |fill: &str| format!("80DCAAC82B{}", record(fill));
    assert_eq!(rig.raw(&cache("11")), "6901", "no composite purchase");
    let begin = format!("805003020B01000000FA{TERMINAL}");
    let start = rig.fetch(&begin);
    assert_eq!(rig.raw(&cache("11")), "9000");
    assert_eq!(rig.raw(&cache("22")), "9000", "once more");
    assert_eq!(rig.raw("80DC01CC2B").len(), 4);
    let empty = rig.raw("00B2AAC82B");
    assert!(empty.starts_with("AA2900"), "{empty}");
    assert!(rig.fetch(&debit_command(&start, 9, 250, 1)).ends_with("9000"));
    assert_eq!(rig.raw("00B2AAC82B"), format!("{}9000", record("22")));
    assert_eq!(rig.raw(&cache("33")), "6901", "it is over");

    let start = rig.fetch(&begin);
    for (command, sw) in [
        ("80DCABC82B".to_owned() + &record("11"), "6A83"),
        ("80DCAAC82A".to_owned() + &record("11")[..84], "6700"),
        (cache("11").replacen("AA29", "AB29", 2).replacen("80DCAB29", "80DCAA29", 1), "6A80"),
        ("80DCAAC92B".to_owned() + &record("11"), "6A86"),
        ("80DC01C40117".to_owned(), "6981"),
    ] {
        assert_eq!(rig.raw(&command), sw, "{command}");
    }
    assert_eq!(rig.raw(&cache("44")), "9000");
    let wrong = debit_command(&start, 9, 251, 1);
    assert_eq!(rig.raw(&wrong), "9302");
    assert_eq!(rig.raw("00B2AAC82B"), format!("{}9000", record("22")), "nothing reached the file");
    let mut full = card();
    load(&mut full, 2, 1000);
    full.fetch(&begin);
    for _ in 0..11 {
        assert_eq!(full.raw(&cache("11")), "9000");
    }
    assert_eq!(full.raw(&cache("11")), "6A84");
}

#[test]
fn what_a_transaction_needs_is_asked_for() {
    let mut rig = card();
    let amount = format!("0B0100000001{TERMINAL}");
    for command in ["80500001", "80500002", "80500101", "80500201", "80500501"] {
        assert_eq!(rig.sw(&format!("{command}{amount}")), "6982", "{command}: PIN");
    }
    assert_eq!(rig.sw(&format!("805004010701{TERMINAL}")), "6982");
    assert_eq!((rig.sw("805C000104"), rig.sw("805C000204")), ("6982".to_owned(), "9000".to_owned()));
    assert_eq!(rig.sw("00B201C417"), "6982", "the log");
    assert_eq!(rig.sw(&format!("80500102{amount}")), "9401");
    rig.raw(PIN);
    for (command, sw) in [
        (format!("805000010B02{}{TERMINAL}", "00000001"), "9403"),
        (format!("80500101{amount}"), "9401"),
        (format!("80500003{amount}"), "6A86"),
        (format!("80500401{amount}"), "6700"),
        (format!("80500202{amount}"), "6A86"),
        ("805000010A01000000019900112233".to_owned(), "6700"),
        ("805C000304".to_owned(), "6A86"),
        ("805C000105".to_owned(), "6C04"),
        ("805A0008020000".to_owned(), "6A86"),
        ("805A0006020000".to_owned(), "9406"),
        (format!("805401000F00000001{THEN}00000000"), "6901"),
        (format!("805200000B{THEN}00000000"), "6901"),
        (format!("805403000B{THEN}00000000"), "6901"),
        (format!("805800000E000000{THEN}00000000"), "6901"),
        ("0020000103123456".to_owned(), "6A86"),
    ] {
        assert_eq!(rig.sw(&command), sw, "{command}");
    }
    rig.sw("00A40400 0E 315041592E5359532E4444463031");
    assert_eq!(rig.sw("805C000204"), "6985", "the purse is in ADF1");
    let stranger = "mark = \"REHEARSAL\"\n[[key]]\nname = \"DPUK\"\nvalue = \"707172737475767778797A7B7C7D7E7F\"\n";
    let mut bare = made(stranger, &|text| text);
    bare.raw(PIN);
    assert_eq!(bare.sw(&format!("80500001{amount}")), "9403", "no key");
}

#[test]
fn another_financial_command_a_selection_or_a_reset_drops_the_transaction() {
    for between in ["805C000204", "805A0006020000", "00A4040009A00000000386980701", "reset"] {
        let mut rig = card();
        load(&mut rig, 2, 1000);
        let start = rig.fetch(&format!("805001020B0100000001{TERMINAL}"));
        let debit = debit_command(&start, 6, 1, 1);
        if between == "reset" {
            rig.reset();
            rig.raw("00A4040009A00000000386980701");
        } else {
            rig.raw(between);
        }
        assert_eq!(rig.raw(&debit), "6901", "after {between}");
        let again = rig.fetch(&format!("805001020B0100000001{TERMINAL}"));
        assert_eq!(again[8..12], start[8..12], "INITIALIZE changes nothing");
        rig.raw("0084000004");
        assert!(rig.fetch(&debit_command(&again, 6, 1, 1)).ends_with("9000"), "a challenge is no financial command");
        assert_eq!(rig.raw(&debit), "6901", "once");
    }
}

#[test]
fn the_two_purses_count_for_themselves() {
    let mut rig = card();
    load(&mut rig, 1, 10);
    load(&mut rig, 1, 10);
    load(&mut rig, 2, 10);
    purchase(&mut rig, "80500101", 5, 1);
    purchase(&mut rig, "80500102", 6, 1);
    purchase(&mut rig, "80500102", 6, 1);
    let now = state(&rig);
    assert_eq!((now.deposit_sequences, now.purse_sequences), ((2, 1), (1, 2)));
    assert_eq!((now.deposit, now.purse), (19, 8));
}

#[test]
fn the_pin_commands_have_the_forms_of_the_manual() {
    let mut rig = card();
    assert_eq!(rig.raw("805E010007123456FF654321"), "9000");
    assert_eq!(rig.raw("0020000003123456"), "63C2");
    assert_eq!(rig.raw("0020000003654321"), "9000");
    let mac = hex::encode_upper(key("DRPK").tac(&bytes("112233")));
    assert_eq!(rig.raw(&format!("805E000007112233{mac}")), "9000", "RELOAD: the PIN in clear, MAC by the folded DRPK");
    assert_eq!(rig.raw("0020000003112233"), "9000");
    for _ in 0..3 {
        rig.raw("0020000003999999");
    }
    assert_eq!(rig.raw("0020000003112233"), "6983");
    rig.script_random("11223344");
    rig.raw("0084000004");
    let data = hex::encode_upper(key("DPUK").encipher(&bytes("445566")));
    let mac = key("DPUK").mac([0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0], &bytes(&format!("842400010C{data}")));
    assert_eq!(rig.raw(&format!("842400010C{data}{}", hex::encode_upper(mac))), "9000");
    assert_eq!(rig.raw("0020000003445566"), "9000");
    for wrong in ["9302", "9302", "9302", "9303"] {
        assert_eq!(rig.raw("805E00000711223300000000"), wrong);
    }
    assert_eq!(rig.raw("0020000003445566"), "9000", "the PIN is as it was");
}

#[test]
fn what_the_sources_do_not_agree_on_is_a_row() {
    let mut rig = card().tap(|rig| load(rig, 1, 10));
    assert_eq!(rig.sw("805C000104"), "9000", "the PIN stays verified");
    let mut rig = card_with("drops_pin = false", "drops_pin = true").tap(|rig| load(rig, 1, 10));
    assert_eq!(rig.sw("805C000104"), "6982", "the PIN is needed again");

    let mut rig = card_with("prove_sequence = \"before\"", "prove_sequence = \"after\"").tap(|rig| load(rig, 1, 10));
    assert_eq!((rig.sw("805A0001020000"), rig.sw("805A0001020001")), ("9406".to_owned(), "6108".to_owned()));

    let mut rig = card_with("logs_ep_purchase = true", "logs_ep_purchase = false").tap(|rig| load(rig, 2, 10));
    purchase(&mut rig, "80500102", 6, 1);
    purchase(&mut rig, "80500302", 9, 1);
    assert_eq!(rig.raw("00B201C417")[18..20], *"09");
    assert_eq!(rig.raw("00B202C417")[18..20], *"02", "no record of the EP purchase");

    let mut rig = card_with("blocked_select = \"fci\"", "blocked_select = \"refused\"");
    rig.script_random("11223344");
    rig.raw("0084000004");
    assert_eq!(rig.raw("841E00000491907340"), "9000");
    assert_eq!(rig.raw("00A4040009A00000000386980701"), "6A81");
    rig.script_random("11223344");
    rig.raw("0084000004");
    assert_eq!(rig.raw("84180000046565922D"), "9000");

    let mut rig = card_with("overdraw_tac_key = \"folded\"", "overdraw_tac_key = \"whole\"").tap(|rig| load(rig, 1, 0));
    let start = rig.fetch(&format!("805004010701{TERMINAL}"));
    let mac2 = online_mac("DUK", &start, 11, &format!("00000107{TERMINAL}{THEN}"));
    let tac = card_core::crypto::mac_retail(
        &Key16::new(key("DTK").expose().try_into().expect("16")),
        [0; 8],
        &bytes(&format!("00000001000100000107{TERMINAL}{THEN}")),
    );
    assert_eq!(rig.fetch(&format!("805800000E000001{THEN}{mac2}")), format!("{}9000", hex::encode_upper(tac)));
}

trait Tap: Sized {
    fn tap<T>(self, step: impl FnOnce(&mut Self) -> T) -> Self;
}

impl Tap for Rig {
    fn tap<T>(mut self, step: impl FnOnce(&mut Self) -> T) -> Self {
        step(&mut self);
        self
    }
}
