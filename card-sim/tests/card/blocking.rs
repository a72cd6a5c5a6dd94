//! Blocking on the social security card (应用锁定, 卡锁定) with LK and BK; what a PSAM answers to selection.

use card_core::StatusWord;

use super::rig::{Rig, keyed};
use super::tear_commands::blocking;

const BLOCK: [u8; 4] = [0x84, 0x1E, 0, 0];
const FOR_GOOD: [u8; 4] = [0x84, 0x1E, 0, 1];
const UNBLOCK: [u8; 4] = [0x84, 0x18, 0, 0];
const BLOCK_CARD: [u8; 4] = [0x84, 0x16, 0, 0];

/// A card on which the command was carried out.
fn after(before: Option<[u8; 4]>, command: [u8; 4], df: &str, key: &str) -> Rig {
    let (mut rig, bytes) = blocking(before, command, df, key);
    assert_eq!(rig.raw(&bytes), "9000", "{df} {key}");
    rig
}

/// Commands that an open DF03 or DF04 takes.
const ORDINARY: [&str; 2] = ["0020000003123456", "00B2012C00"];

#[test]
fn a_locked_application_is_shut_and_the_others_are_not() {
    for (df, key) in [("DF03", "LKDF03"), ("DF04", "LKDF04")] {
        let mut rig = after(None, BLOCK, df, key);
        assert_eq!(rig.socket.card().inspect().blocked, [(df.to_owned(), "temporarily")].into());
        for _ in 0..2 {
            for command in ORDINARY {
                assert_eq!(rig.raw(command), "6A81", "{df} {command}");
            }
            assert!(rig.raw("0084000008").ends_with("9000"), "a challenge for the unblocking command");
            // It stays locked over a reset.
            rig.reset();
            rig.sw("00A4000002DDF1");
            assert_eq!(
                StatusWord(u16::from_str_radix(&rig.raw(&format!("00A4000002{df}")), 16).expect("hex")),
                StatusWord::SELECTED_INVALID
            );
        }
        let other = if df == "DF03" { "DF04" } else { "DF03" };
        rig.select(other);
        assert_eq!(rig.raw("0020000003123456"), "9000", "{other} is open");
        rig.select("SSSE");
        assert!(rig.raw("00B2012C00").ends_with("9000"));
    }
}

#[test]
fn a_locked_application_is_unlocked_by_its_own_key_only() {
    let mut rig = after(Some(BLOCK), UNBLOCK, "DF04", "LKDF04");
    assert!(rig.socket.card().inspect().blocked.is_empty());
    assert_eq!(rig.raw("0020000003123456"), "9000");
    let (mut rig, bytes) = blocking(Some(BLOCK), UNBLOCK, "DF04", "LKDF04");
    let forged = format!("{}{}", &bytes[..10], "00000000");
    assert_eq!(rig.raw(&forged), "9302");
    assert_eq!(rig.socket.card().inspect().keys["DF04.LKDF04"].tries_left, 2);
    // The key of another application, whose MAC is right for itself.
    let (mut rig, _) = blocking(None, BLOCK, "DF04", "LKDF04");
    let (_, of_df03) = blocking(None, BLOCK, "DF03", "LKDF03");
    assert_eq!(rig.raw(&of_df03), "9302");
    let (mut rig, bytes) = blocking(None, UNBLOCK, "DF04", "LKDF04");
    assert_eq!(rig.raw(&bytes), "6985", "it is not blocked");
}

#[test]
fn an_application_locked_for_good_stays_locked() {
    let mut rig = after(None, FOR_GOOD, "DF04", "LKDF04");
    for command in ORDINARY {
        assert_eq!(rig.raw(command), "9303", "{command}");
    }
    for command in [BLOCK, FOR_GOOD, UNBLOCK] {
        rig.raw("0084000004");
        assert_eq!(rig.raw(&format!("{}0400000000", hex::encode_upper(command))), "9303");
    }
    assert_eq!(rig.socket.card().inspect().keys["DF04.LKDF04"].tries_left, 3, "no try is spent on it");
    assert_eq!(rig.socket.card().inspect().blocked, [("DF04".to_owned(), "for good")].into());
}

#[test]
fn a_locked_card_answers_nothing_any_more() {
    let mut rig = after(None, BLOCK_CARD, "SSSE", "BK");
    for _ in 0..2 {
        for command in ORDINARY.into_iter().chain(["00A4000002DDF1", "0084000004", "00C0000001", "FFFF"]) {
            assert_eq!(rig.raw(command), "6A81", "{command}");
        }
        rig.reset();
    }
    assert_eq!(rig.socket.card().inspect().blocked, [("card".to_owned(), "for good")].into());
    let (mut rig, bytes) = blocking(None, BLOCK_CARD, "SSSE", "BK");
    rig.select("DF04");
    assert_eq!(rig.raw(&bytes), "6984", "selection took the challenge");
}

#[test]
fn three_wrong_macs_spend_the_locking_key_and_shut_nothing() {
    let mut rig = keyed("ssc-3.0");
    rig.select("DF03");
    for answer in ["9302", "9302", "9302", "9303"] {
        rig.raw("0084000004");
        assert_eq!(rig.raw("841E00000400000000"), answer);
    }
    assert_eq!(rig.raw("0020000003123456"), "9000", "the application itself is open");
    let counters = rig.socket.card().inspect().keys;
    assert_eq!((counters["DF03.LKDF03"].tries_left, counters["DF04.LKDF04"].tries_left), (0, 3));
}

#[test]
fn a_psam_names_its_environment_and_application_and_knows_no_other() {
    let mut rig = keyed("psam");
    // 6F { 84 name }: no source says more of a PSAM.
    assert_eq!(rig.fetch("00A404000F7378312E73682EC9E7BBE1B1A3D5CF"), "6F11840F7378312E73682EC9E7BBE1B1A3D5CF9000");
    assert_eq!(rig.fetch("00A4040006D15600000590"), "6F088406D156000005909000");
    assert_eq!(rig.fetch("00A4000002DF01"), "6F088406D156000005909000");
    for (environment, name) in [("SSF33", "7378322E73682EC9E7BBE1B1A3D5CF"), ("SM4", "7378332E73682EC9E7BBE1B1A3D5CF")]
    {
        assert_eq!(rig.raw(&format!("00A404000F{name}")), "6A82", "{environment}");
    }
    let mut sm4 = keyed("psam-sx3");
    assert_eq!(sm4.fetch("00A404000F7378332E73682EC9E7BBE1B1A3D5CF")[..38], *"6F11840F7378332E73682EC9E7BBE1B1A3D5CF");
    for name in ["7378312E73682EC9E7BBE1B1A3D5CF", "7378322E73682EC9E7BBE1B1A3D5CF"] {
        assert_eq!(sm4.raw(&format!("00A404000F{name}")), "6A82");
    }
}
