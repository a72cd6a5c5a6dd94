//! Power lost before, inside and after every command of the purse that writes: old or new, or one try spent.

use super::purse::{PIN, TERMINAL, THEN, bytes, card, debit_command, key, load, online_mac};
use super::rig::Rig;
use super::tear_commands::{Prepared, challenged, spent, tear_everywhere};

const RANDOM: &str = "13579BDF";

/// A card with money in both purses, the PIN verified, the next random number written down.
fn rich() -> Rig {
    let mut rig = card();
    load(&mut rig, 1, 1000);
    load(&mut rig, 2, 1000);
    assert_eq!(rig.raw(PIN), "9000");
    rig.script_random(RANDOM);
    rig
}

#[test]
fn a_load_happened_whole_or_not_at_all() {
    let prepare = || {
        let mut rig = rich();
        let start = rig.fetch(&format!("805000010B01000001F4{TERMINAL}"));
        let mac2 = online_mac("DLK", &start, 8, &format!("000001F401{TERMINAL}{THEN}"));
        (rig, format!("805200000B{THEN}{mac2}"))
    };
    tear_everywhere(prepare, None);
}

#[test]
fn a_debit_of_every_kind_happened_whole_or_not_at_all() {
    for (init, kind) in [("80500201", 4), ("80500101", 5), ("80500102", 6)] {
        tear_everywhere(
            || {
                let mut rig = rich();
                let start = rig.fetch(&format!("{init}0B01000000FA{TERMINAL}"));
                (rig, debit_command(&start, kind, 250, 1))
            },
            None,
        );
    }
}

#[test]
fn a_composite_purchase_takes_its_records_along() {
    let prepare = || {
        let mut rig = rich();
        let start = rig.fetch(&format!("805003020B01000000FA{TERMINAL}"));
        assert_eq!(rig.raw(&format!("80DCAAC82BAA29{}", "5A".repeat(41))), "9000");
        (rig, debit_command(&start, 9, 250, 1))
    };
    tear_everywhere(prepare, None);
}

#[test]
fn an_unload_and_a_limit_happened_whole_or_not_at_all() {
    let unload = || {
        let mut rig = rich();
        let start = rig.fetch(&format!("805005010B0100000190{TERMINAL}"));
        let mac2 = online_mac("DULK", &start, 8, &format!("0000019003{TERMINAL}{THEN}"));
        (rig, format!("805403000B{THEN}{mac2}"))
    };
    tear_everywhere(unload, None);
    let overdraw = || {
        let mut rig = rich();
        let start = rig.fetch(&format!("805004010701{TERMINAL}"));
        let mac2 = online_mac("DUK", &start, 11, &format!("0001F407{TERMINAL}{THEN}"));
        (rig, format!("805800000E0001F4{THEN}{mac2}"))
    };
    tear_everywhere(overdraw, None);
}

/// A message of the published set; its challenge is 11223344.
fn message(command: &str) -> Prepared {
    (challenged(card(), 4), command.to_owned())
}

#[test]
fn a_message_was_carried_out_or_cost_a_try() {
    let public: String = (0..0x1E).map(|byte| format!("{byte:02X}")).collect();
    let data = hex::encode_upper(key("DPUK").encipher(&bytes("445566")));
    let mac = key("DPUK").mac([0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0], &bytes(&format!("842400010C{data}")));
    let commands = [
        format!("04D6950022{public}1AB466B4"),
        "841E00000491907340".to_owned(),
        "841E000104ADF7F1F2".to_owned(),
        "84160000049253E4B2".to_owned(),
        format!("842400010C{data}{}", hex::encode_upper(mac)),
        format!("805E000007112233{}", hex::encode_upper(key("DRPK").tac(&bytes("112233")))),
    ];
    for command in commands {
        let prepare = || message(&command);
        tear_everywhere(prepare, Some(&spent(prepare(), "9302")));
    }
    let unblock = || {
        let mut rig = message("").0;
        assert_eq!(rig.raw("841E00000491907340"), "9000");
        (challenged(rig, 4), "84180000046565922D".to_owned())
    };
    tear_everywhere(unblock, Some(&spent(unblock(), "9302")));
}
