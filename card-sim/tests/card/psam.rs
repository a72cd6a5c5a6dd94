//! The PSAM: the sequences that drivers send, levels, types, and its transaction number.

use card_core::crypto::KeyForm;
use card_core::pin::PinBcd;
use card_core::script::{Nonces, Step, StepError};
use card_core::secure::SecureCommand;
use card_core::security::psam::Psam;
use card_core::security::{CityCode, Factors, KeyName, KeyRef, SecurityModule};
use card_core::{Session, command};
use card_profiles::account::{AccountRules, Amounts, BalanceKind, psam_purchase_fields};
use card_profiles::builtin;
use card_profiles::profile::KeyClass;
use card_sim::fault::{Fault, FaultPlan, Moment, Trigger};

use super::rig::{NOW, Rig, TERMINAL, blank, keyed};

/// A PSAM with keys, a terminal number, and a purchase key index.
fn psam() -> Rig {
    psam_of("psam")
}

fn psam_of(profile: &str) -> Rig {
    let mut rig = keyed(profile);
    rig.select("MF");
    assert!(rig.authenticate("MKMF").sw.is_ok());
    assert_eq!(rig.raw("00D6960006990011223344"), "9000");
    rig.select("DF01");
    assert_eq!(rig.raw("00D69C000101"), "9000");
    rig.reset();
    rig
}

fn open(rig: &Rig) -> Psam {
    open_for(rig, "ssc-3.0")
}

fn open_for(rig: &Rig, card: &str) -> Psam {
    let names = rig.profile.psam_names().expect("a PSAM");
    let keys = builtin(card).expect("built in").psam_keys();
    Psam::open(Session::new(Box::new(rig.socket.connect().expect("power"))), &names, keys).expect("a PSAM")
}

fn factors(card: &Rig) -> Factors {
    Factors::of(CityCode::parse("513322").expect("six digits"), card.factor())
}

/// A card whose keys come down from those of the PSAM, by as many levels as each has left there.
fn card_of(psam: &mut Rig) -> Rig {
    card_of_profile(psam, "ssc-3.0")
}

fn card_of_profile(psam: &mut Rig, profile: &str) -> Rig {
    let mut card = blank(profile);
    let path = factors(&card).path();
    for df in card.profile.df.clone() {
        // Directories of regions have no name: by identifier, from inside SSSE.
        card.select("SSSE");
        assert!(card.send(&command::select_by_fid(df.fid)).sw.is_ok(), "{}", df.id);
        for row in card.profile.key.clone().into_iter().filter(|row| row.df == df.id && row.class != KeyClass::Mk) {
            let known = psam.profile.key(&row.name).map(|there| psam.profile.levels_left(there));
            let Some(levels) = known else { continue };
            let place = psam.profile.key.iter().position(|there| there.name == row.name).expect("just found");
            let start = u8::try_from(place).expect("fewer than 128").wrapping_mul(10);
            let bytes = std::array::from_fn(|i| start.wrapping_add(u8::try_from(i).expect("16")));
            card.ring.insert(row.name.clone(), 1, card_core::key::Key16::new(bytes));
            let key =
                KeyRef { name: row.name.clone(), version: 1, path: path[3 - levels..].to_vec(), form: KeyForm::TDES };
            let response = card.load_key(&row.name, &key, row.length, [row.usage, row.id, 1]);
            assert!(response.sw.is_ok(), "{}: {:?}", row.name, response.sw);
        }
    }
    for name in ["DLK", "DTK"] {
        card.load_value(name, "000102030405060708090A0B0C0D0E0F");
    }
    card.reset();
    card
}

#[test]
fn the_sequences_of_deployed_terminals_are_answered() {
    let mut rig = psam();
    assert_eq!(rig.raw("00B0960006"), "9900112233449000", "the MF is current after reset");
    assert_eq!(rig.sw("00A404000F7378312E73682EC9E7BBE1B1A3D5CF")[..2], *"61");
    assert_eq!(rig.raw("00A40200020016"), "9000");
    assert_eq!(rig.raw("00B0000006"), "9900112233449000");
    assert_eq!(rig.sw("00A4040006D15600000590")[..2], *"61");
    assert_eq!(rig.raw("00B09C0001"), "019000");
    assert_eq!(rig.raw("BFDE481218 00112233445566771122334455667788A1A2A3A4A5A6A7A8"), "9000");
    assert_eq!(rig.raw("80FA000008 A1A2A3A4A5A6A7A8"), "6108");
    assert_eq!(rig.sw("00C0000008"), "9000");
    assert_eq!(rig.sw("00A404000F7378332E73682EC9E7BBE1B1A3D5CF"), "6A82", "no SM4 environment");
}

#[test]
fn external_authentication_through_the_psam_opens_a_card() {
    let mut rig = psam();
    let mut card = card_of(&mut rig);
    let path = factors(&card).path().to_vec();
    let mut module = open(&rig);
    for name in ["RKSSSE", "UKSSSE"] {
        card.select("SSSE");
        let key = KeyRef { name: KeyName::new(name), version: 1, path: path.clone(), form: KeyForm::TDES };
        let id = card.profile.key(&key.name).expect("a key").id;
        let random = card.session.challenge().expect("challenge");
        let auth = module.authentication_cryptogram(&key, random, [9; 8]).expect("cryptogram");
        assert!(card.send(&command::external_authenticate(id, auth, [9; 8])).sw.is_ok(), "{name}");
    }
    assert_eq!(card.sw("00B2013414"), "9000");
}

#[test]
fn the_psam_of_a_region_proves_what_the_files_of_its_overlay_ask_for() {
    for (card, psam, read, keys) in [
        ("ssc-1.0-hebei", "psam-hebei", "RK1DF0A", ["RK1DF02", "UK6DF02", "UK1DDF1"]),
        ("ssc-2.0-health-relief", "psam-health-relief", "RK1DF06", ["UK1DF05", "UK1DF06", "UK2DF06"]),
        ("ssc-2.0-shandong", "psam-shandong", "RKMFEF0C", ["RKMFEF0C", "UKSSSE", "UK1DF01"]),
        ("ssc-2.0-ef0d", "psam-ef0d", "RK1DF04", ["UK1EF0D", "UK2DF01", "RK1DF01"]),
    ] {
        let mut rig = psam_of(psam);
        let mut module = open_for(&rig, card);
        let mut card = card_of_profile(&mut rig, card);
        let path = factors(&card).path();
        for name in keys.into_iter().chain([read]) {
            let row = card.profile.key(&KeyName::new(name)).expect("a key of the card").clone();
            card.select("SSSE");
            let df = card.profile.df(&row.df).expect("a DF").fid;
            assert!(row.df == "SSSE" || card.send(&command::select_by_fid(df)).sw.is_ok(), "{psam} {name}");
            let key = KeyRef { name: row.name.clone(), version: 1, path: path.to_vec(), form: KeyForm::TDES };
            let random = card.session.challenge().expect("challenge");
            let auth = module.authentication_cryptogram(&key, random, [9; 8]).expect("cryptogram");
            assert!(card.send(&command::external_authenticate(row.id, auth, [9; 8])).sw.is_ok(), "{psam} {name}");
        }
        // The file that the last key reads; what Hebei's files hold is not published, nor are its files under keys.
        let rule = |ef: &&card_profiles::profile::Ef| ef.read.to_string() == read;
        let file = card.profile.df.iter().flat_map(|df| &df.ef).find(rule).map(card_profiles::profile::Ef::sfi);
        let sw = file.map(|sfi| card.sw(&format!("00B201{:02X}01", sfi << 3 | 4))[..2].to_owned());
        assert_eq!(
            sw.as_deref(),
            ["RK1DF06", "RKMFEF0C"].contains(&read).then_some("6C"),
            "{psam} {read}: only Le is wrong"
        );
    }
}

#[test]
fn the_psam_reloads_a_pin_with_the_short_maintenance_key() {
    let mut rig = psam();
    let mut card = card_of(&mut rig);
    let path = factors(&card).path().to_vec();
    let mut module = open(&rig);
    let key = |name| KeyRef { name: KeyName::new(name), version: 1, path: path.clone(), form: KeyForm::TDES };
    card.select("SSSE");
    let random = card.session.challenge().expect("challenge");
    let auth = module.authentication_cryptogram(&key("PUK"), random, [9; 8]).expect("cryptogram");
    assert!(card.send(&command::external_authenticate(6, auth, [9; 8])).sw.is_ok());
    let random = card.session.challenge().expect("challenge");
    let block = module.encipher(&key("STKSSSE"), random, &[0x03, 0x65, 0x43, 0x21, 0x80, 0, 0, 0]).expect("block");
    let message = [&[0x84, 0x24, 0x00, 0x01, 0x0C][..], &block].concat();
    let mac = module.mac(&key("STKSSSE"), card_core::security::MacKey::Session(random), [0; 8], &message);
    assert!(card.send(&command::reload_pin(&block, mac.expect("MAC"))).sw.is_ok());
    assert_eq!(card.raw("0020000003654321"), "9000");
}

#[test]
fn vault_and_psam_each_reload_and_unblock_the_pin_of_one_card() {
    let mut rig = psam();
    let mut card = card_of(&mut rig);
    let mut module = open(&rig);
    let path = factors(&card).path();
    let keys: Vec<(KeyRef, u8)> = ["PUK", "STKSSSE"]
        .into_iter()
        .map(|name| {
            let row = card.profile.key(&KeyName::new(name)).expect("a key");
            let levels = usize::from(rig.profile.key(&row.name).expect("a key of the PSAM").usage >> 5);
            // The ring of the rig holds what the PSAM holds, so the way down from it is the same.
            let path = path[3 - levels..].to_vec();
            (KeyRef { name: row.name.clone(), version: 1, path, form: card.profile.form(row) }, row.id)
        })
        .collect();
    let [(puk, id), (stk, _)] = keys.try_into().expect("two keys");
    card.select("SSSE");
    for (through_psam, pin, bcd) in [(false, "654321", "654321"), (true, "24681", "24681F"), (false, "1357", "1357")] {
        let reload = SecureCommand::reload_pin(stk.clone(), PinBcd::parse(pin).expect("digits"));
        let unblock = SecureCommand::unblock_pin(stk.clone());
        for (step, expected) in [
            (Step::Authenticate { key: puk.clone(), id }, "9000"),
            (Step::Secure(reload), "9000"),
            (Step::AuthenticateByTwo { key: puk.clone(), id }, "9000"),
            (Step::Secure(unblock), "9000"),
        ] {
            let holder: &mut dyn SecurityModule = if through_psam { &mut module } else { &mut card.ring };
            let answer = card.session.perform(&step, Some(holder)).expect("answer");
            assert_eq!(answer.sw.to_string(), expected, "{pin} {step:?}");
        }
        assert_eq!(card.raw(&format!("00200000{:02X}{bcd}", bcd.len() / 2)), "9000");
    }
}

#[test]
fn a_card_of_other_keys_is_not_genuine() {
    let mut rig = psam();
    let mut card = card_of(&mut rig);
    let mut module = open(&rig);
    let irk = card.profile.key(&KeyName::new("IRK")).expect("a key").clone();
    let right = card.profile.key_of_card(&irk, 1, &factors(&card));
    let mut wrong = right.clone();
    wrong.path[2] = [0; 8];
    card.select("SSSE");
    for from in [Nonces::Terminal, Nonces::Card] {
        let check = |key: &KeyRef| Step::CheckCard { key: key.clone(), from };
        assert!(card.session.perform(&check(&right), Some(&mut module)).expect("genuine").sw.is_ok());
        let error = card.session.perform(&check(&wrong), Some(&mut module)).expect_err("false");
        assert!(matches!(error, StepError::NotGenuine(name) if name.as_str() == "IRK"));
    }
}

#[test]
fn a_purchase_goes_through_and_its_mac2_is_right() {
    let mut rig = psam();
    let mut card = card_of(&mut rig);
    let factors = factors(&card);
    let rules = card.profile.account.clone().expect("account");
    let mut module = open(&rig);
    assert_eq!(module.terminal_number(), TERMINAL);
    card.select("DF04");
    card.verify_pin();
    for expected in 1..=3 {
        let amounts = Amounts { personal_account: 0, self_paid: 300, pooled_fund: 700 };
        let start = card.send(&rules.init_purchase(amounts, TERMINAL));
        let start = AccountRules::parse_purchase_start(&start.data).expect("22 bytes");
        let fields = psam_purchase_fields(&start, amounts, rules.purchase_type, NOW);
        let dpk = KeyName::new("DPK");
        let sam = module.init_purchase(&dpk, &fields, [factors.card, factors.city]).expect("MAC1");
        assert_eq!(sam.terminal_sequence, expected);
        let debit = card.send(&rules.debit_purchase(sam.terminal_sequence, NOW, sam.mac1));
        let proof = AccountRules::parse_purchase_proof(&debit.data).expect("8 bytes");
        assert!(module.credit_purchase(&dpk, proof.mac2).expect("answer"));
        let error = module.credit_purchase(&dpk, proof.mac2).expect_err("once");
        assert!(error.to_string().contains("6901"), "{error}");
    }
    let answer = card.send(&rules.get_balance(BalanceKind::PooledFundTotal));
    assert_eq!(hex::encode_upper(answer.data), "000008342026");
}

/// A purchase for two factors, and its form for one.
fn init_purchase(version: u8, factors: usize) -> String {
    let fields = format!("13579BDF0007{}32{}{version:02X}00", "00".repeat(12), hex::encode(NOW));
    format!("80700100{:02X}{fields}{}", 28 + 8 * factors, "1122334455667788".repeat(factors))
}

#[test]
fn mac2_is_checked_directly_after_the_purchase_only() {
    let mut rig = psam();
    rig.select("DF01");
    assert_eq!(rig.raw("807200000400000000"), "6901");
    assert_eq!(rig.raw(&init_purchase(1, 2)), "6108");
    rig.raw("00C0000008");
    assert_eq!(rig.raw("807200000400000000"), "9302");
    assert_eq!(rig.raw("807200000400000000"), "6901", "a wrong MAC2 ends it");
    assert_eq!(rig.raw(&init_purchase(1, 2)), "6108");
    rig.raw("0084000008");
    assert_eq!(rig.raw("807200000400000000"), "6901");
}

#[test]
fn levels_and_types_of_keys_are_kept() {
    let mut rig = psam();
    rig.select("DF01");
    let derive = |usage: u8, id: u8, blocks: usize| {
        format!("BFDE{usage:02X}{id:02X}{:02X}{}", 8 * blocks, "0102030405060708".repeat(blocks))
    };
    for (command, sw) in [
        (derive(0x67, 0x0A, 4), "9000"),
        (derive(0x67, 0x0A, 3), "6700"),
        (derive(0x48, 0x12, 3), "9000"),
        (derive(0x48, 0x12, 4), "6700"),
        (derive(0x67, 0x12, 4), "6A88"),
        (derive(0x22, 0x01, 2), "6985"),
        (init_purchase(1, 1), "6700"),
        (init_purchase(4, 2), "9403"),
        ("80FA000007 01020304050607".to_owned(), "6700"),
    ] {
        assert_eq!(rig.sw(&command), sw, "{command}");
    }
    assert_eq!(rig.raw("80FA0000080102030405060708"), "6985", "no session key after a refusal");
    rig.raw(&derive(0x67, 0x0A, 4));
    assert_eq!(rig.raw(&format!("80FA050010{}", "00".repeat(16))), "6985", "type 7 enciphers only");
    rig.raw(&derive(0x48, 0x12, 3));
    assert_eq!(rig.raw(&format!("80FA050010{}", "00".repeat(16))), "6108", "type 8 does both");
    rig.select("DF01");
    assert_eq!(rig.raw("80FA0000080102030405060708"), "6985", "selection ends the session");
    rig.select("MF");
    assert_eq!(rig.sw(&init_purchase(1, 2)), "6985", "the purchase key is in DF01");
}

#[test]
fn a_terminal_transaction_number_is_never_given_twice_however_power_fails() {
    let mut rig = psam();
    rig.select("DF01");
    let command = init_purchase(1, 2);
    let mut last = 0;
    for write in 0..6 {
        for half in [false, true] {
            let loss = Fault::PowerLoss {
                at: Trigger::command(1),
                moment: Moment::Inside { write, half },
                back_after_ms: None,
            };
            rig.socket.card().set_faults(FaultPlan::new(vec![loss])).expect("no image");
            let bytes = hex::decode(&command).expect("hex");
            rig.socket.card().transmit(&bytes, &mut Vec::new()).expect_err("power is lost");
            rig.reset();
            rig.select("DF01");
            let answer = rig.fetch(&command);
            let number = u32::from_str_radix(&answer[..8], 16).expect("hex");
            assert!(number == last + 1 || number == last + 2, "{last} then {number}: a gap is normal, a repeat is not");
            last = number;
        }
    }
    assert_eq!(rig.socket.card().inspect().terminal_sequence, Some(last));
}

/// A purchase with one amount, as PBOC terminals send it.
fn init_one_amount(kind: u8, then: &str, factors: &str) -> String {
    let length = 0x14 + factors.len() / 2;
    format!("80700000{length:02X}13579BDF0007000000FA{kind:02X}{then}0100{factors}")
}

const THEN: &str = "20250102030405";
/// Factor of the published set, and an area's above it.
const CARD: &str = "1101000000123456";
const AREA: &str = "3531333330307378";

/// A PSAM whose DPK leads to that of the published set in one level, and whose next terminal sequence is A5C3.
fn psam_of_the_published_set(levels: &str, order: &str) -> Rig {
    let text = card_profiles::builtin_text("psam").expect("built in");
    let row = "purchase_levels = 2\n";
    assert!(text.contains(row) && text.contains("factor_order = \"card-first\""));
    let text = text.replacen(row, levels, 1);
    psam_of_text(&text.replacen("factor_order = \"card-first\"", &format!("factor_order = \"{order}\""), 1))
}

fn psam_of_text(text: &str) -> Rig {
    let profile = card_profiles::Profile::parse(text).expect("a profile");
    let keys = "mark = \"REHEARSAL\"\n[[key]]\nname = \"DPK\"\nvalue = \"A0A1A2A3A4A5A6A7A8A9AAABACADAEAF\"\n\
        [[key]]\nname = \"MKMF\"\nvalue = \"00112233445566778899AABBCCDDEEFF\"\n\
        [[key]]\nname = \"UKSSSE\"\nvalue = \"101112131415161718191A1B1C1D1E1F\"\n";
    let keys = card_sim::keys::GivenKeys::parse(keys).expect("a key file");
    let transport = card_core::key::Key16::new(super::rig::TRANSPORT);
    let card = card_sim::Card::with_keys(&profile, super::rig::SERIAL, &transport, &keys).expect("a PSAM");
    let mut rig = super::rig::in_socket("psam", card);
    write_as_issuer(&mut rig, "00D6960006990011223344");
    rig.select("DF01");
    rig
}

/// A write after external authentication with MKMF of [`psam_of_the_published_set`].
fn write_as_issuer(rig: &mut Rig, command: &str) {
    let name = KeyName::new("MKMF");
    let value = hex::decode("00112233445566778899AABBCCDDEEFF").expect("hex").try_into().expect("16");
    rig.ring.insert(name.clone(), 1, card_core::key::Key16::new(value));
    let key = KeyRef { name, version: 1, path: Vec::new(), form: KeyForm::TDES };
    let step = card_core::script::Step::Authenticate { key, id: 0 };
    assert!(rig.session.perform(&step, Some(&mut rig.ring)).expect("answer").sw.is_ok());
    assert_eq!(rig.raw(command), "9000");
}

#[test]
fn a_purchase_with_one_amount_has_the_macs_of_the_published_set() {
    for (kind, mac1) in [(0x04, "22AAC397"), (0x05, "8F0E797C"), (0x06, "E4D6B4B7"), (0x09, "1BD68D87")] {
        let mut rig = psam_of_the_published_set("", "card-first");
        for expected in 1..=0xA5C2_u32 {
            // The published terminal sequence is A5C3; the counter is stepped there.
            if expected < 3 {
                let answer = rig.fetch(&init_one_amount(kind, THEN, CARD));
                assert_eq!(answer[..8], format!("{expected:08X}"));
            }
        }
        step_counter(&mut rig, 0xA5C2);
        assert_eq!(rig.fetch(&init_one_amount(kind, THEN, CARD)), format!("0000A5C3{mac1}9000"));
        assert_eq!(rig.raw("807200000467113FAA"), "9000", "MAC2 of the published set");
        assert_eq!(rig.raw("807200000467113FAA"), "6901");
    }
}

/// Sends purchases until the counter stands at `value`.
fn step_counter(rig: &mut Rig, value: u32) {
    let command = hex::decode(init_one_amount(6, THEN, CARD)).expect("hex");
    while rig.socket.card().inspect().terminal_sequence != Some(value) {
        rig.socket.card().transmit(&command, &mut Vec::new()).expect("answer");
    }
}

#[test]
fn each_version_of_the_purchase_key_has_its_id_and_a_missing_one_is_no_key_index() {
    let profile = builtin("psam").expect("built in");
    let keys =
        |rows: &str| card_sim::keys::GivenKeys::parse(&format!("mark = \"REHEARSAL\"\n{rows}")).expect("a key file");
    let row = |version: u8| {
        format!("[[key]]\nname = \"DPK\"\nversion = {version}\nvalue = \"{}\"\n", format!("{version}0").repeat(16))
    };
    let transport = card_core::key::Key16::new(super::rig::TRANSPORT);
    let psam = |rows: &str| {
        let card = card_sim::Card::with_keys(&profile, super::rig::SERIAL, &transport, &keys(rows)).expect("a PSAM");
        let mut rig = super::rig::in_socket("psam", card);
        rig.select("DF01");
        rig
    };
    let mut both = psam(&(row(1) + &row(3)));
    let answers: Vec<String> = [1, 2, 3].map(|version| both.fetch(&init_purchase(version, 2))).into();
    assert!(answers[0].ends_with("9000") && answers[2].ends_with("9000"), "{answers:?}");
    assert_eq!(answers[1], "9403", "version 2 was not given");
    let mut third = psam(&row(3));
    assert_eq!(third.fetch(&init_purchase(1, 2)), "9403");
    let alone = third.fetch(&init_purchase(3, 2));
    assert_ne!(alone[8..16], answers[0][8..16], "another key, another MAC1");
    let none = keys(&row(4)).slots(&profile, [0; 8]).map(|slots| slots.len()).expect_err("no such row");
    assert!(none.to_string().contains("no row for this version"), "{none}");
}

#[test]
fn keys_that_cards_keys_are_derived_from_let_no_terminal_in() {
    let mut rig = keyed("psam");
    rig.select("DF01");
    for row in rig.profile.key.clone() {
        let right = if row.class == KeyClass::Mk { "9000" } else { "6A88" };
        // Ids below 80 are asked of the MF, where MKMF has 00 too.
        if row.id == 0 && row.df != "MF" {
            continue;
        }
        rig.select(if row.class == KeyClass::Mk { &row.df } else { "DF01" });
        let key = rig.known(&row.name);
        let step = Step::Authenticate { key, id: row.id };
        let sw = rig.session.perform(&step, Some(&mut rig.ring)).expect("answer").sw;
        assert_eq!(format!("{:04X}", sw.0), right, "{}", row.name);
    }
}

#[test]
fn the_order_of_factors_is_a_row() {
    let mut first = psam_of_the_published_set("purchase_levels = 2\n", "card-first");
    let mut last = psam_of_the_published_set("purchase_levels = 2\n", "card-last");
    let there = first.fetch(&init_one_amount(6, THEN, &format!("{CARD}{AREA}")));
    let back = last.fetch(&init_one_amount(6, THEN, &format!("{AREA}{CARD}")));
    assert!(there.ends_with("9000") && there == back, "{there} {back}");
    let swapped = last.fetch(&init_one_amount(6, THEN, &format!("{CARD}{AREA}")));
    assert_ne!(swapped[8..16], there[8..16]);
    for factors in ["", CARD] {
        assert_eq!(first.sw(&init_one_amount(6, THEN, factors)), "6700", "two levels are left");
    }
    assert_eq!(first.sw(&init_one_amount(6, THEN, &CARD.repeat(4))), "6700");
}

#[test]
fn three_wrong_mac2_in_a_row_lock_the_purchase_and_a_right_one_in_between_forgives() {
    let mut rig = psam();
    rig.select("DF01");
    let wrong = |rig: &mut Rig| {
        rig.fetch(&init_purchase(1, 2));
        rig.raw("807200000400000000")
    };
    assert_eq!((wrong(&mut rig), wrong(&mut rig)), ("9302".to_owned(), "9302".to_owned()));
    rig.reset();
    rig.select("DF01");
    assert_eq!(wrong(&mut rig), "9302", "counted across a reset");
    assert_eq!((rig.raw(&init_purchase(1, 2)), rig.raw("807200000400000000")), ("9303".to_owned(), "9303".to_owned()));
    assert_eq!(rig.socket.card().inspect().blocked, [("purchases".to_owned(), "for good")].into());
    assert_eq!(rig.sw("00B0990004"), "9000", "its files can still be read");

    let mut rig = psam_of_the_published_set("", "card-first");
    step_counter(&mut rig, 0xA5C0);
    for _ in 0..2 {
        rig.fetch(&init_one_amount(6, THEN, CARD));
        assert_eq!(rig.raw("807200000400000000"), "9302");
    }
    rig.fetch(&init_one_amount(6, THEN, CARD));
    assert_eq!(rig.raw("807200000467113FAA"), "9000");
    for _ in 0..2 {
        rig.fetch(&init_one_amount(6, THEN, CARD));
        assert_eq!(rig.raw("807200000400000000"), "9302");
    }
    assert!(rig.fetch(&init_one_amount(6, THEN, CARD)).ends_with("9000"), "not yet locked");
}

#[test]
fn a_psam_that_has_expired_makes_no_purchase() {
    let mut rig = psam_of_the_published_set("", "card-first");
    let on = |day: &str| init_one_amount(6, &format!("{day}120000"), CARD);
    assert_eq!(rig.sw(&on("19990101")), "6108", "no date on a new PSAM");
    rig.select("MF");
    let dates = "2025010120301231";
    let name = KeyName::new("MKMF");
    let key = KeyRef { name, version: 1, path: Vec::new(), form: KeyForm::TDES };
    let step = card_core::script::Step::Authenticate { key, id: 0 };
    assert!(rig.session.perform(&step, Some(&mut rig.ring)).expect("answer").sw.is_ok());
    rig.select("DF01");
    assert_eq!(rig.raw(&format!("00D6971108{dates}")), "9000");
    for (day, sw) in [("20241231", "6108"), ("20301231", "6108"), ("20310101", "6985")] {
        assert_eq!(rig.sw(&on(day)), sw, "{day}");
    }
    let before = rig.socket.card().inspect().terminal_sequence;
    rig.sw(&on("20310101"));
    assert_eq!(rig.socket.card().inspect().terminal_sequence, before, "no number is used up");
}

#[test]
fn a_psam_whose_profile_says_so_makes_no_purchase_before_its_start() {
    let text = card_profiles::builtin_text("psam").expect("built in").replacen("purchase_levels = 2\n", "", 1);
    let mut rig = psam_of_text(&text.replacen("checks_start = false", "checks_start = true", 1));
    let on = |day: &str| init_one_amount(6, &format!("{day}120000"), CARD);
    assert_eq!(rig.sw(&on("19990101")), "6108", "no date on a new PSAM");
    rig.select("MF");
    write_as_issuer(&mut rig, "00D6960006990011223344");
    rig.select("DF01");
    assert_eq!(rig.raw("00D69711082025010120301231"), "9000");
    for (day, sw) in [("20241231", "6985"), ("20250101", "6108"), ("20301231", "6108"), ("20310101", "6985")] {
        assert_eq!(rig.sw(&on(day)), sw, "{day}");
    }
}

#[test]
fn a_delivered_key_enciphers_and_makes_macs_whole_or_in_parts() {
    let mut rig = psam_of_the_published_set("", "card-first");
    assert_eq!(rig.raw(&format!("801A481210{CARD}{AREA}")), "9000");
    let root = card_core::key::Key16::new(std::array::from_fn(|i| 0x10 + u8::try_from(i).expect("16")));
    let block = |text: &str| hex::decode(text).expect("hex").try_into().expect("8 bytes");
    let key = card_core::crypto::CardKey::derived(&root, &[block(AREA), block(CARD)], KeyForm::TDES);
    let whole = card_core::key::Key16::new(key.expose().try_into().expect("16 bytes"));
    let data = "0102030405060708";
    let enciphered = hex::encode_upper(card_core::crypto::tdes_encrypt(&whole, &hex::decode(data).expect("hex")));
    for p1 in ["00", "02"] {
        assert_eq!(rig.fetch(&format!("80FA{p1}0008{data}")), format!("{enciphered}9000"));
    }
    let message: String = (1..=20).map(|byte| format!("{byte:02X}")).collect();
    let mac = hex::encode_upper(key.mac(block("1122334400000000"), &hex::decode(&message).expect("hex")));
    let padded = format!("{message}80000000");
    let single = rig.fetch(&format!("80FA050020 1122334400000000 {padded}"));
    assert_eq!(single[..8], mac);
    assert_eq!(rig.raw(&format!("80FA070010 1122334400000000 {}", &padded[..16])), "9000");
    assert_eq!(rig.raw(&format!("80FA030008 {}", &padded[16..32])), "9000");
    assert_eq!(rig.fetch(&format!("80FA010008 {}", &padded[32..])), single);
    assert_eq!(rig.raw(&format!("80FA010008 {data}")), "6901", "no part before it");
    assert_eq!(rig.raw(&format!("801A481208{CARD}")), "6700", "two levels are left");
    assert_eq!(rig.raw(&format!("801A220108{CARD}")), "6985", "a purchase key is not delivered");
    assert_eq!(rig.raw(&format!("80FA000008{data}")), "6985");
}

#[test]
fn a_psam_with_an_authentication_code_answers_it_and_others_do_not_know_the_command() {
    assert_eq!(blank("psam").raw("80CA000009"), "6D00");
    let text = card_profiles::builtin_text("psam").expect("built in");
    let text = text.replacen("[psam]", "[psam]\nauthentication_code = \"010203040506070809\"", 1);
    let profile = card_profiles::Profile::parse(&text).expect("a profile");
    let card =
        card_sim::Card::factory(&profile, super::rig::SERIAL, &card_core::key::Key16::new(super::rig::TRANSPORT))
            .expect("a PSAM");
    let mut rig = super::rig::in_socket("psam", card);
    for (command, answer) in [
        ("80CA000009", "0102030405060708099000"),
        ("80CA000000", "0102030405060708099000"),
        ("80CA000008", "6C09"),
        ("80CA000109", "6A86"),
        ("80CA00000900", "6700"),
    ] {
        assert_eq!(rig.raw(command), answer, "{command}");
    }
}
