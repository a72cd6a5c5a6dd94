//! The account: published numbers, the state machine, what it refuses.

use card_core::crypto::KeyForm;
use card_core::key::Key16;
use card_core::security::{KeyName, KeyRef, MacKey, SecurityModule};
use card_profiles::account::{DebitDate, YearCoding, load_seed};
use card_profiles::builtin;
use card_sim::Card;

use super::rig::{Rig, SERIAL, TRANSPORT, blank, in_socket};

const DPK: &str = "FDDDBACD60892A46777871F41C45BC9A";
const DLK: &str = "D5A47FA405B2D0792639DF377A2BA1C2";
const DTK: &str = "843289534376A8FA2CD1B08472153683";
pub(crate) const TERMINAL: &str = "990011223344";
const THEN: &str = "20250102030405";

/// A card with the published synthetic keys, DF04 selected.
pub(crate) fn card() -> Rig {
    account_of(blank("ssc-3.0"))
}

fn account_of(mut rig: Rig) -> Rig {
    for (name, value) in [("DPK", DPK), ("DLK", DLK), ("DTK", DTK)] {
        rig.load_value(name, value);
    }
    rig.select("DF04");
    rig
}

pub(crate) fn mac(rig: &mut Rig, key: &str, seed: [u8; 8], message: &str) -> String {
    let key = KeyRef { name: KeyName::new(key), version: 1, path: Vec::new(), form: KeyForm::TDES };
    let message = hex::decode(message).expect("hex");
    hex::encode_upper(rig.ring.mac(&key, MacKey::Session(seed), [0; 8], &message).expect("a key of the ring"))
}

/// Loads `fen` as a centre would; answers the status word and the TAC.
pub(crate) fn load(rig: &mut Rig, fen: u32) -> String {
    load_dated(rig, fen, THEN)
}

fn load_dated(rig: &mut Rig, fen: u32, then: &str) -> String {
    let start = rig.fetch(&format!("B02800010B01{fen:08X}{TERMINAL}"));
    assert!(start.ends_with("9000") && start.len() == 36, "{start}");
    let random = *hex::decode(&start[16..24]).expect("hex").first_chunk().expect("4 bytes");
    let sequence = u16::from_str_radix(&start[8..12], 16).expect("hex");
    let mac2 = mac(rig, "DLK", load_seed(random, sequence), &format!("{fen:08X}01{TERMINAL}{then}"));
    rig.fetch(&format!("B02A00000B{then}{mac2}"))
}

/// DEBIT for an INITIALIZE that was answered with `start`.
pub(crate) fn debit_command(rig: &mut Rig, start: &str, amounts: &str, tsn: &str, then: &str) -> String {
    let seed = format!("{}{}{}", &start[36..44], &start[28..32], &tsn[4..]);
    let seed = *hex::decode(seed).expect("hex").first_chunk().expect("8 bytes");
    let mac1 = mac(rig, "DPK", seed, &format!("{amounts}32{TERMINAL}{then}"));
    format!("B02C01000F{tsn}{then}{mac1}")
}

pub(crate) fn init(rig: &mut Rig, amounts: &str) -> String {
    rig.fetch(&format!("B02801011301{amounts}{TERMINAL}"))
}

fn purchase(rig: &mut Rig, amounts: &str, tsn: &str, then: &str) -> String {
    let start = init(rig, amounts);
    assert!(start.ends_with("9000"), "{start}");
    let debit = debit_command(rig, &start, amounts, tsn, then);
    rig.fetch(&debit)
}

fn personal_account(rig: &Rig) -> u32 {
    rig.socket.card().inspect().account.expect("account").personal_account
}

#[test]
fn a_load_has_the_macs_of_the_published_set() {
    let mut rig = card();
    for fen in [1000, 0, 0] {
        load(&mut rig, fen);
    }
    rig.script_random("A1B2C3D4");
    let start = rig.fetch(&format!("B02800010B01000001F4{TERMINAL}"));
    assert_eq!(start, "000003E8 0003 01 00 A1B2C3D4 768B28BC 9000".replace(' ', ""));
    assert_eq!(rig.fetch(&format!("B02A00000B{THEN}44D89158")), "E736C56D9000");
    assert_eq!(rig.raw("B026000104"), "000005DC9000");
    assert_eq!(rig.fetch("B0320001020003"), "00000000E736C56D9000", "PROVE of a load: no MAC2");
}

#[test]
fn a_purchase_has_the_session_key_of_the_published_set() {
    // SESPK 0F5FEFDA353AF64D and folded DTK A8E339D731639E79 are published for these numbers; the three MACs over the
    // social security card's fields were computed from them with OpenSSL.
    let mut rig = card();
    load(&mut rig, 1000);
    rig.verify_pin();
    for tsn in 1..=7_u32 {
        assert!(purchase(&mut rig, &"00".repeat(12), &format!("{tsn:08X}"), THEN).ends_with("9000"));
    }
    rig.script_random("13579BDF");
    let amounts = "000000FA0000006400000032";
    let start = init(&mut rig, amounts);
    assert_eq!(start, "000003E8 00000000 00000000 2025 0007 01 00 13579BDF 9000".replace(' ', ""));
    assert_eq!(rig.fetch(&format!("B02C01000F0000A5C3{THEN}35667B10")), "BA208F0B329E58FD9000");
    assert_eq!(rig.fetch("B0320032020007"), "329E58FDBA208F0B9000", "PROVE answers MAC2 first");
    assert_eq!(rig.raw("00B201441C"), format!("000732{TERMINAL}{THEN}{amounts}9000"), "the newest record of EF08");
    assert_eq!(rig.raw("B026000104"), "000002EE9000");
    assert_eq!(rig.raw("B026000206"), "0000006420259000");
    assert_eq!(rig.raw("B026000306"), "0000003220259000");
}

#[test]
fn totals_start_anew_with_the_first_purchase_of_another_year() {
    let mut rig = card();
    load(&mut rig, 1000);
    rig.verify_pin();
    let amounts = "000000010000000A00000014";
    for (then, self_paid, pooled, year) in
        [("20251231235959", 10, 20, 0x2025), ("20251231235959", 20, 40, 0x2025), ("20260101000000", 10, 20, 0x2026)]
    {
        assert!(purchase(&mut rig, amounts, "00000001", then).ends_with("9000"));
        let account = rig.socket.card().inspect().account.expect("account");
        assert_eq!((account.self_paid_total, account.pooled_fund_total, account.year), (self_paid, pooled, year));
    }
    assert_eq!(personal_account(&rig), 997);
}

/// Everything that the account keeps, its log and its counters.
fn kept(rig: &mut Rig) -> Vec<String> {
    let commands = ["B026000104", "B026000206", "B026000306", "00B201441C", "00B203441C"];
    let mut kept: Vec<String> = commands.iter().map(|command| rig.raw(command)).collect();
    kept.push(format!("{:?}", rig.socket.card().inspect().account));
    kept
}

#[test]
fn a_purchase_of_an_earlier_year_than_the_totals_is_done_and_leaves_them() {
    let mut rig = card();
    load(&mut rig, 1000);
    rig.verify_pin();
    let amounts = "000000010000000A00000014";
    assert!(purchase(&mut rig, amounts, "00000001", THEN).ends_with("9000"));
    let totals = [rig.raw("B026000206"), rig.raw("B026000306")];
    assert!(purchase(&mut rig, amounts, "00000002", "20241231030405").ends_with("9000"));
    assert_eq!([rig.raw("B026000206"), rig.raw("B026000306")], totals);
    assert_eq!(personal_account(&rig), 998);
    assert_eq!(purchase(&mut rig, amounts, "00000003", "20241232030405"), "6A80");
}

#[test]
fn a_card_answers_the_key_version_and_the_algorithm_byte_that_it_was_made_with() {
    let key = |name: &str| format!("[[key]]\nname = \"{name}\"\nversion = 0\nvalue = \"{}\"\n", "3F".repeat(16));
    let text = format!("mark = \"REHEARSAL\"\n{}{}{}", key("DLK"), key("DPK"), key("DTK"));
    let keys = card_profiles::key_file::GivenKeys::parse(&text).expect("a key file");
    for (byte, seen) in [(None, "0000"), (Some(0x01), "0001")] {
        let mut rows = builtin("ssc-3.0").expect("built in");
        rows.algorithm_rules.algorithm_byte = byte;
        let card = Card::with_keys(&rows, SERIAL, &Key16::new(TRANSPORT), &keys).expect("a card");
        let mut rig = in_socket("ssc-3.0", card);
        rig.select("DF04");
        rig.verify_pin();
        let start = rig.fetch(&format!("B02800010B0100000001{TERMINAL}"));
        assert_eq!(start.get(12..16), Some(seen), "load: {start}");
        let start = rig.fetch(&format!("B02801011301{}{TERMINAL}", "00".repeat(12)));
        assert_eq!(start.get(32..36), Some(seen), "purchase: {start}");
    }
}

#[test]
fn a_purchase_dated_in_an_earlier_year_or_on_no_day_changes_nothing() {
    let mut rows = builtin("ssc-3.0").expect("built in");
    rows.account.as_mut().expect("an account").debit_date = DebitDate::Checked;
    let card = Card::factory(&rows, SERIAL, &Key16::new(TRANSPORT)).expect("a card");
    let mut rig = account_of(in_socket("ssc-3.0", card));
    load(&mut rig, 1000);
    rig.verify_pin();
    let amounts = "000000010000000A00000014";
    assert!(purchase(&mut rig, amounts, "00000001", THEN).ends_with("9000"));
    let before = kept(&mut rig);
    for (day, sw) in [
        ("20241231", "6985"),
        ("00010101", "6985"),
        ("00000000", "6A80"),
        ("FFFFFFFF", "6A80"),
        ("20261399", "6A80"),
        ("20250229", "6A80"),
        ("2A250101", "6A80"),
    ] {
        assert_eq!(purchase(&mut rig, amounts, "00000002", &format!("{day}030405")), sw, "{day}");
        assert_eq!(kept(&mut rig), before, "{day}");
    }
    for (day, total) in [("20250101", "0000001420259000"), ("20280229", "0000000A20289000")] {
        assert!(purchase(&mut rig, amounts, "00000003", &format!("{day}030405")).ends_with("9000"), "{day}");
        assert_eq!(rig.raw("B026000206"), total, "{day}");
    }
}

#[test]
fn a_load_dated_on_no_day_changes_nothing_and_an_earlier_year_is_no_matter() {
    let mut rig = card();
    load(&mut rig, 1000);
    rig.verify_pin();
    assert!(purchase(&mut rig, "000000010000000A00000014", "00000001", THEN).ends_with("9000"));
    let before = kept(&mut rig);
    for day in ["00000000", "FFFFFFFF", "20261399", "20250229", "2A250101"] {
        assert_eq!(load_dated(&mut rig, 5, &format!("{day}030405")), "6A80", "{day}");
        assert_eq!(kept(&mut rig), before, "{day}");
    }
    assert!(load_dated(&mut rig, 5, "20241231030405").ends_with("9000"));
    assert_eq!(personal_account(&rig), 1004);
}

#[test]
fn a_card_whose_profile_says_any_takes_every_date() {
    let mut rows = builtin("ssc-3.0").expect("built in");
    rows.account.as_mut().expect("an account").debit_date = DebitDate::Any;
    let card = Card::factory(&rows, SERIAL, &Key16::new(TRANSPORT)).expect("a card");
    let mut rig = account_of(in_socket("ssc-3.0", card));
    rig.verify_pin();
    for (then, total) in [(THEN, "0000000A20259000"), ("20241231030405", "0000000A20249000")] {
        assert!(purchase(&mut rig, "000000000000000A00000014", "00000001", then).ends_with("9000"));
        assert_eq!(rig.raw("B026000206"), total, "{then}");
    }
    assert!(load_dated(&mut rig, 5, "20261399030405").ends_with("9000"));
}

#[test]
fn a_card_whose_profile_says_binary_answers_the_year_of_its_totals_so() {
    let mut rows = builtin("ssc-3.0").expect("built in");
    rows.account.as_mut().expect("an account").totals_year = YearCoding::Binary;
    let card = Card::factory(&rows, SERIAL, &Key16::new(TRANSPORT)).expect("a card");
    let mut rig = account_of(in_socket("ssc-3.0", card));
    assert_eq!(rig.raw("B026000206"), "0000000000009000", "no totals yet");
    rig.verify_pin();
    assert!(purchase(&mut rig, "000000000000000A00000014", "00000001", THEN).ends_with("9000"));
    assert_eq!(rig.raw("B026000206"), "0000000A07E99000", "2025");
    assert_eq!(init(&mut rig, "000000000000000000000000")[24..28], *"07E9");
    // A later year starts anew, an earlier one leaves the totals, as with digits.
    assert!(purchase(&mut rig, "000000000000000100000000", "00000002", "20240101030405").ends_with("9000"));
    assert_eq!(rig.raw("B026000206"), "0000000A07E99000");
    assert!(purchase(&mut rig, "000000000000000100000000", "00000003", "20260101030405").ends_with("9000"));
    assert_eq!(rig.raw("B026000206"), "0000000107EA9000");
}

#[test]
fn a_wrong_mac1_ends_the_transaction_and_leaves_the_balance() {
    let mut rig = card();
    load(&mut rig, 1000);
    rig.verify_pin();
    let amounts = "000000FA0000000000000000";
    let start = init(&mut rig, amounts);
    let right = debit_command(&mut rig, &start, amounts, "00000001", THEN);
    let mut wrong = right.clone();
    let last = if right.ends_with('0') { "1" } else { "0" };
    wrong.replace_range(right.len() - 1.., last);
    assert_eq!(rig.raw(&wrong), "9302");
    assert_eq!(rig.raw(&right), "6901", "the right MAC comes too late");
    assert_eq!(personal_account(&rig), 1000);
    assert_eq!(init(&mut rig, amounts)[28..32], start[28..32], "the number was not used");
}

#[test]
fn any_other_financial_command_a_selection_or_a_reset_drops_the_transaction() {
    let amounts = "000000010000000000000000";
    for between in ["B026000104", "B0320032020000", "B02800010B0100000001990011223344", "00A4000002DF04", "reset"] {
        let mut rig = card();
        load(&mut rig, 1000);
        rig.verify_pin();
        let start = init(&mut rig, amounts);
        let debit = debit_command(&mut rig, &start, amounts, "00000001", THEN);
        if between == "reset" {
            rig.reset();
            rig.select("DF04");
            rig.verify_pin();
        } else {
            rig.raw(between);
        }
        assert_eq!(rig.raw(&debit), "6901", "after {between}");
        assert_eq!(personal_account(&rig), 1000);
    }
    let mut rig = card();
    load(&mut rig, 1000);
    rig.verify_pin();
    let start = init(&mut rig, amounts);
    let debit = debit_command(&mut rig, &start, amounts, "00000001", THEN);
    rig.raw("0084000008");
    rig.raw("00B201441C");
    assert!(rig.fetch(&debit).ends_with("9000"), "reading in between is no financial command");
}

#[test]
fn a_step_out_of_order_is_not_accepted() {
    let mut rig = card();
    load(&mut rig, 1000);
    rig.verify_pin();
    let debit = format!("B02C01000F00000001{THEN}00000000");
    let credit = format!("B02A00000B{THEN}00000000");
    assert_eq!((rig.sw(&debit), rig.sw(&credit)), ("6901".to_owned(), "6901".to_owned()));
    init(&mut rig, &"00".repeat(12));
    assert_eq!(rig.sw(&credit), "6901", "CREDIT does not end a purchase");
    rig.fetch(&format!("B02800010B0100000001{TERMINAL}"));
    assert_eq!(rig.sw(&debit), "6901", "DEBIT does not end a load");
}

#[test]
fn what_a_purchase_needs_is_asked_for() {
    let mut rig = card();
    load(&mut rig, 1000);
    let command = |amount: u32, index: u8| format!("B028010113{index:02X}{amount:08X}0000000000000000{TERMINAL}");
    assert_eq!(rig.sw(&command(1, 1)), "6982", "PIN");
    rig.verify_pin();
    assert_eq!(rig.sw(&command(1, 2)), "9403", "key index");
    assert_eq!(rig.sw(&command(1001, 1)), "9401", "balance");
    assert_eq!(rig.sw(&command(1000, 1)), "6116");
    assert_eq!(rig.sw(&format!("B02800010B01FFFFFFFF{TERMINAL}")), "6985", "the balance would overflow");
    assert_eq!(rig.sw("B026000404"), "6A86");
    assert_eq!(rig.sw("B026000105"), "6C04");
    assert_eq!(rig.sw("B026000204"), "6C06");
    assert_eq!(rig.sw("B0320032020009"), "9406");
    rig.select("DF03");
    assert_eq!(rig.sw(&command(1, 1)), "6985", "the account is in DF04");
    let mut fresh = blank("ssc-3.0");
    fresh.select("DF04");
    assert_eq!(fresh.sw(&format!("B02800010B0100000001{TERMINAL}")), "9403", "a factory card has no DLK");
}

#[test]
fn the_log_keeps_thirty_records_newest_first() {
    let mut rig = card();
    for fen in 1..=33 {
        load(&mut rig, fen);
    }
    assert_eq!(rig.sw("00B201441C"), "6982", "the log needs the PIN");
    rig.verify_pin();
    for number in 1..=30_u8 {
        let record = rig.raw(&format!("00B2{number:02X}441C"));
        let (sequence, fen) = (33 - u32::from(number), 34 - u32::from(number));
        assert_eq!(record, format!("{sequence:04X}01{TERMINAL}{THEN}{fen:08X}00000000000000009000"));
    }
    assert_eq!(rig.sw("00B21F441C"), "6A83");
    assert_eq!(rig.sw("00B200441C"), "6A83");
    assert_eq!(rig.sw("00E20040 1C".replace(' ', "").as_str()), "6700");
    assert_eq!(rig.sw(&format!("00E200401C{}", "00".repeat(28))), "6982", "only the card itself writes its log");
}
