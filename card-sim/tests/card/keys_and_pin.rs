//! PIN, keys, challenges, rights, secure messaging, key load.

use card_core::command;
use card_core::crypto::{KeyForm, KeyLength};
use card_core::script::{KeyLoad, Step};
use card_core::security::{KeyName, KeyRef};
use card_sim::fault::{Fault, FaultPlan, Moment, Trigger};

use super::rig::{blank, keyed};

const WRONG_PIN: &str = "0020000003999999";
const RIGHT_PIN: &str = "0020000003123456";

#[test]
fn wrong_pin_counts_down_to_blocked_and_right_pin_restores_the_tries() {
    let mut rig = keyed("ssc-3.0");
    rig.select("SSSE");
    for answer in ["63C2", "63C1"] {
        assert_eq!(rig.raw(WRONG_PIN), answer);
    }
    assert_eq!(rig.raw(RIGHT_PIN), "9000");
    for answer in ["63C2", "63C1", "63C0", "6983"] {
        assert_eq!(rig.raw(WRONG_PIN), answer);
    }
    rig.reset();
    rig.select("DF04");
    assert_eq!(rig.raw(RIGHT_PIN), "6983", "blocked for good, in every DF");
    assert_eq!(rig.raw("805E010007123456FF654321"), "6983");
}

#[test]
fn what_is_no_digit_spends_a_try_unless_the_profile_has_it_refused() {
    let others = ["002000000312345A", "0020000003A23456", "00200000031F3456", "0020000002FFFF"];
    let mut rig = keyed("ssc-3.0");
    rig.select("SSSE");
    assert_eq!(others[..2].iter().map(|other| rig.raw(other)).collect::<Vec<_>>(), ["63C2", "63C1"]);
    let text = card_profiles::builtin_text("ssc-3.0").expect("built in");
    let text = text.replacen("bytes_max = 6\n", "bytes_max = 6\nother_digits = \"refused\"\n", 1);
    let profile = card_profiles::Profile::parse(&text).expect("a profile");
    let transport = card_core::key::Key16::new(super::rig::TRANSPORT);
    let card = card_sim::Card::factory(&profile, super::rig::SERIAL, &transport).expect("a card");
    let mut rig = super::rig::in_socket("ssc-3.0", card);
    rig.select("SSSE");
    for other in others {
        assert_eq!(rig.raw(other), "6A80", "{other}");
    }
    assert_eq!(rig.raw(WRONG_PIN), "63C2", "no try was spent");
    assert_eq!(rig.raw("0020000004123456FF"), "9000", "a tail of FF is no other digit");
}

#[test]
fn a_try_is_spent_before_the_comparison_whenever_power_fails() {
    for command in [WRONG_PIN, RIGHT_PIN] {
        let mut rig = keyed("ssc-3.0");
        rig.select("SSSE");
        let before = rig.socket.card().memory().writes();
        rig.raw(WRONG_PIN);
        let spending = rig.socket.card().memory().writes() - before;
        rig.raw(RIGHT_PIN);
        for write in spending..spending + 3 {
            let moment = Moment::Inside { write, half: false };
            let loss = Fault::PowerLoss { at: Trigger::command(1), moment, back_after_ms: None };
            rig.socket.card().set_faults(FaultPlan::new(vec![loss])).expect("no image");
            let bytes = hex::decode(command).expect("hex");
            rig.socket.card().transmit(&bytes, &mut Vec::new()).expect_err("power is lost");
            rig.reset();
            rig.select("SSSE");
            let tries = rig.socket.card().inspect().pin.expect("PIN").tries_left;
            let committed_again = command == RIGHT_PIN && write >= spending + 2;
            assert_eq!(tries, if committed_again { 3 } else { 2 }, "{command} at write {write}");
            assert_eq!(rig.raw(RIGHT_PIN), "9000");
        }
    }
}

#[test]
fn a_changed_pin_replaces_the_old_one_and_is_no_verification() {
    let mut rig = keyed("ssc-3.0");
    rig.select("DF04");
    assert_eq!(rig.raw("805E010007123456FF654321"), "9000");
    assert_eq!(rig.sw("00B201441C"), "6982", "changing is not verifying");
    assert_eq!(rig.raw(RIGHT_PIN), "63C2");
    assert_eq!(rig.raw("0020000003654321"), "9000");
    assert_eq!(rig.raw("805E0100041234FF12"), "6700");
    assert_eq!(rig.raw("805E010006654321FF1234"), "9000", "two bytes are enough");
    assert_eq!(rig.raw("00200000021234"), "9000");
    for bad in ["805E0100051234FF12FA", "805E0100051234FFA234", "805E01000612341234FF56"] {
        assert_eq!(rig.raw(bad), "6A80", "{bad}");
    }
    assert_eq!(rig.socket.card().inspect().pin.map(|pin| pin.tries_left), Some(3), "bad data costs no try");
}

#[test]
fn a_challenge_is_good_for_the_very_next_command_only() {
    let mut rig = keyed("ssc-3.0");
    rig.select("SSSE");
    let key = rig.known(&KeyName::new("RKSSSE"));
    let attempt = "008200 0A 10 00000000000000000102030405060708".replace(' ', "");
    assert_eq!(rig.raw(&attempt), "6984", "no challenge");
    rig.raw("0084000004");
    assert_eq!(rig.raw(&attempt), "6984", "four bytes are not a block");
    rig.raw("0084000008");
    rig.raw("00B2012C12");
    assert_eq!(rig.raw(&attempt), "6984", "another command came between");
    rig.raw("0084000008");
    rig.raw("FFFF");
    assert_eq!(rig.raw(&attempt), "6984", "even a malformed one");
    assert_eq!(rig.socket.card().inspect().keys["SSSE.RKSSSE"].tries_left, 3, "none of this costs a try");
    let challenge = rig.session.challenge().expect("challenge");
    let auth = card_core::security::SecurityModule::authentication_cryptogram(&mut rig.ring, &key, challenge, [7; 8]);
    let command = command::external_authenticate(0x0A, auth.expect("cryptogram"), [7; 8]);
    assert!(rig.send(&command).sw.is_ok());
    assert_eq!(rig.send(&command).sw.0, 0x6984, "a challenge serves once");
    rig.raw("0084000008");
    rig.reset();
    rig.select("SSSE");
    assert_eq!(rig.raw(&attempt), "6984");
}

#[test]
fn wrong_cryptograms_block_a_key_and_no_other() {
    let mut rig = keyed("ssc-3.0");
    rig.select("SSSE");
    let wrong = "0082000A1000000000000000000102030405060708";
    for answer in ["63C2", "63C1", "63C0", "6983"] {
        rig.raw("0084000008");
        assert_eq!(rig.raw(wrong), answer);
    }
    rig.reset();
    rig.select("SSSE");
    assert_eq!(rig.authenticate("RKSSSE").sw.0, 0x6983);
    assert!(rig.authenticate("UKSSSE").sw.is_ok());
    rig.raw("0084000008");
    assert_eq!(rig.raw("0082007710 00000000000000000102030405060708"), "6A88");
    rig.raw("0084000008");
    assert_eq!(rig.raw("0082000210 00000000000000000102030405060708"), "6A88", "STK authenticates nobody");
}

#[test]
fn a_failed_authentication_takes_the_right_away() {
    let mut rig = keyed("ssc-3.0");
    rig.select("SSSE");
    assert!(rig.authenticate("RKSSSE").sw.is_ok());
    assert_eq!(rig.sw("00B2013414"), "9000");
    rig.raw("0084000008");
    rig.raw("0082000A1000000000000000000102030405060708");
    assert_eq!(rig.sw("00B2013414"), "6982");
}

#[test]
fn rights_of_the_first_df_last_until_reset_those_of_a_df_until_the_next_selection() {
    let mut rig = keyed("ssc-3.0");
    rig.select("SSSE");
    assert!(rig.authenticate("RKSSSE").sw.is_ok());
    rig.select("DF01");
    assert!(rig.authenticate("RK1DF01").sw.is_ok());
    assert_eq!(rig.sw("00B2012C04"), "9000");
    rig.select("SSSE");
    assert_eq!(rig.sw("00B2013414"), "9000", "RKSSSE is still proved");
    rig.select("DF01");
    assert_eq!(rig.sw("00B2012C04"), "6982", "RK1DF01 is not");
    assert!(rig.authenticate("RK1DF01").sw.is_ok());
    rig.select("DF01");
    assert_eq!(rig.sw("00B2012C04"), "6982", "selecting the same DF again ends it too");
    rig.verify_pin();
    rig.select("DF03");
    rig.select("DF01");
    assert_eq!(rig.sw("00B2012C04"), "9000", "the PIN lasts");
    rig.reset();
    rig.select("DF01");
    assert_eq!(rig.sw("00B2012C04"), "6982");
    rig.select("SSSE");
    assert_eq!(rig.sw("00B2013414"), "6982");
}

#[test]
fn internal_authentication_is_what_the_published_flow_expects() {
    // SK = 3DES(IRK, factor), answer DES(SK, data); values computed with OpenSSL for IRK = 11…11 22…22.
    let mut rig = blank("ssc-3.0");
    rig.select("SSSE");
    assert_eq!(rig.raw("0088000010 01020304050607080102030405060708"), "6A88", "a factory card has no IRK");
    rig.load_value("IRK", "11111111111111112222222222222222");
    assert_eq!(rig.fetch("0088000010 01020304050607080102030405060708"), format!("{INTERNAL}9000"));
}

/// See the test above.
const INTERNAL: &str = "6B97791900CD8EEE";

#[test]
fn reload_and_unblock_take_the_macs_of_the_published_flow() {
    // STK 0102030405060708, R 1122334455667788; enciphered block and MACs computed with OpenSSL.
    let mut rig = blank("ssc-3.0");
    rig.load_value("STKSSSE", "01020304050607080102030405060708");
    rig.load_value("PUK", "33333333333333334444444444444444");
    rig.select("SSSE");
    for _ in 0..3 {
        rig.raw(WRONG_PIN);
    }
    rig.script_random("1122334455667788");
    rig.raw("0084000008");
    assert_eq!(rig.raw("8424000004DA1674C6"), "6982", "PUK first");
    assert!(authenticate_puk(&mut rig));
    assert_eq!(rig.raw("8424000004DA1674C6"), "6984", "then a challenge");
    rig.script_random("1122334455667788");
    rig.raw("0084000008");
    assert_eq!(rig.raw("8424000004DA1674C6"), "9000");
    assert_eq!(rig.raw(RIGHT_PIN), "9000", "the PIN stayed");
    rig.script_random("1122334455667788");
    rig.raw("0084000008");
    assert_eq!(rig.raw("842400010CF1ACD2CC81993D9211CDCD81"), "9000");
    assert_eq!(rig.raw("0020000003654321"), "9000", "the reloaded PIN");
}

/// The PIN verified, then a command of secure messaging (STK and R of the test above): what the log of DF04 answers, which
/// only the PIN opens and which is empty.
fn log_after(message: Option<&str>) -> String {
    let mut rig = blank("ssc-3.0");
    rig.load_value("STKSSSE", "01020304050607080102030405060708");
    rig.load_value("PUK", "33333333333333334444444444444444");
    rig.select("SSSE");
    assert!(authenticate_puk(&mut rig));
    rig.verify_pin();
    if let Some(message) = message {
        rig.script_random("1122334455667788");
        rig.raw("0084000008");
        assert_eq!(rig.raw(message), "9000", "{message}");
    }
    rig.select("DF04");
    rig.raw("00B201441C")
}

#[test]
fn unblocking_takes_the_right_of_a_verified_pin_away() {
    assert_eq!(log_after(None), "6A83", "a verified PIN lasts");
    assert_eq!(log_after(Some("8424000004DA1674C6")), "6982");
}

#[test]
fn reloading_takes_the_right_of_a_verified_pin_away() {
    assert_eq!(log_after(None), "6A83", "a verified PIN lasts");
    assert_eq!(log_after(Some("842400010CF1ACD2CC81993D9211CDCD81")), "6982");
}

fn authenticate_puk(rig: &mut super::rig::Rig) -> bool {
    let key = KeyRef { name: KeyName::new("PUK"), version: 1, path: Vec::new(), form: KeyForm::TDES };
    rig.session.perform(&Step::Authenticate { key, id: 6 }, Some(&mut rig.ring)).expect("answer").sw.is_ok()
}

#[test]
fn three_wrong_macs_of_secure_messaging_lock_the_application() {
    let mut rig = keyed("ssc-3.0");
    rig.select("SSSE");
    assert!(rig.authenticate("PUK").sw.is_ok());
    for answer in ["9302", "9302", "9302", "9303"] {
        rig.raw("0084000008");
        assert_eq!(rig.raw("842400000400000000"), answer);
    }
}

fn load(name: &str, label: [u8; 3], length: KeyLength, protecting: KeyRef) -> Step {
    let key =
        KeyRef { name: KeyName::new(name), version: 1, path: Vec::new(), form: KeyForm { length, ..KeyForm::TDES } };
    Step::LoadKey(KeyLoad { key, protecting, header: [0x84, 0xD4, 0, 0], label, challenge: 4 })
}

#[test]
fn a_key_goes_only_to_a_place_of_the_current_df_under_its_control_key() {
    let mut rig = blank("ssc-3.0");
    rig.known(&KeyName::new("UKSSSE"));
    let transport =
        KeyRef { name: KeyName::new("TRANSPORT"), version: 1, path: vec![rig.factor()], form: KeyForm::TDES };
    let undiversified = KeyRef { path: Vec::new(), ..transport.clone() };
    for (df, label, length, protecting, sw) in [
        ("SSSE", [0x0E, 0x04, 1], KeyLength::Sixteen, &transport, 0x9000),
        ("SSSE", [0x0E, 0x77, 1], KeyLength::Sixteen, &transport, 0x6A88),
        ("SSSE", [0x0E, 0x04, 1], KeyLength::Eight, &transport, 0x6A80),
        ("DF01", [0x0E, 0x04, 1], KeyLength::Sixteen, &transport, 0x6A88),
        ("DF01", [0x0E, 0x83, 1], KeyLength::Sixteen, &transport, 0x9000),
        ("DF01", [0x0E, 0x83, 1], KeyLength::Sixteen, &undiversified, 0x9302),
    ] {
        rig.select(df);
        let step = load("UKSSSE", label, length, protecting.clone());
        let response = rig.session.perform(&step, Some(&mut rig.ring)).expect("answer");
        assert_eq!(response.sw.0, sw, "{df} {label:02X?} {length:?}");
    }
    rig.select("SSSE");
    assert_eq!(rig.raw(&format!("84D400001C{}", "00".repeat(28))), "6984", "without a challenge");
}

#[test]
fn three_wrong_macs_block_the_control_key_of_that_df_only() {
    let mut rig = blank("ssc-3.0");
    let wrong = format!("84D400001C{}", "00".repeat(28));
    rig.select("DF01");
    for answer in ["9302", "9302", "9302", "6983"] {
        rig.raw("0084000004");
        assert_eq!(rig.raw(&wrong), answer);
    }
    rig.load_value("UKSSSE", "000102030405060708090A0B0C0D0E0F");
}

#[test]
fn a_key_load_takes_a_challenge_of_the_length_of_its_dialect_only() {
    let mut rig = blank("ssc-3.0");
    rig.select("SSSE");
    let load = format!("84D400001C{}", "00".repeat(28));
    for (length, sw) in [(8, "6984"), (16, "6984"), (4, "9302")] {
        rig.raw(&format!("00840000{length:02X}"));
        assert_eq!(rig.raw(&load), sw, "{length} bytes");
    }
}

#[test]
fn a_replaced_key_has_to_be_proved_anew() {
    let mut rig = blank("ssc-3.0");
    rig.load_value("UKSSSE", "000102030405060708090A0B0C0D0E0F");
    let key = KeyRef { name: KeyName::new("UKSSSE"), version: 1, path: Vec::new(), form: KeyForm::TDES };
    let prove = Step::Authenticate { key, id: 0x04 };
    assert!(rig.session.perform(&prove, Some(&mut rig.ring)).expect("answer").sw.is_ok());
    assert_eq!(rig.raw("00DC052806050420260101"), "9000");
    rig.load_value("UKSSSE", "F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF");
    assert_eq!(rig.raw("00DC052806050420260101"), "6982");
}
