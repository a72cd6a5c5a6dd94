//! Power lost before, inside and after every command of the purse that writes: old or new, or one try spent.

use card_sim::fault::Moment;

use super::purse::{PIN, TERMINAL, THEN, bytes, card, card_of, card_with, debit_command, key, load, online_mac};
use super::rig::Rig;
use super::tear_commands::{Case, Prepared, challenged, lose_power, tries, writes};

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

fn credit() -> Prepared {
    let mut rig = rich();
    let start = rig.fetch(&format!("805000010B01000001F4{TERMINAL}"));
    let mac2 = online_mac("DLK", &start, 8, &format!("000001F401{TERMINAL}{THEN}"));
    (rig, format!("805200000B{THEN}{mac2}"))
}

fn debit(init: &str, kind: u8) -> Prepared {
    let mut rig = rich();
    let start = rig.fetch(&format!("{init}0B01000000FA{TERMINAL}"));
    (rig, debit_command(&start, kind, 250, 1))
}

fn composite() -> Prepared {
    let mut rig = rich();
    let start = rig.fetch(&format!("805003020B01000000FA{TERMINAL}"));
    assert_eq!(rig.raw(&format!("80DCAAC82BAA29{}", "5A".repeat(41))), "9000");
    (rig, debit_command(&start, 9, 250, 1))
}

fn unload() -> Prepared {
    let mut rig = rich();
    let start = rig.fetch(&format!("805005010B0100000190{TERMINAL}"));
    let mac2 = online_mac("DULK", &start, 8, &format!("0000019003{TERMINAL}{THEN}"));
    (rig, format!("805403000B{THEN}{mac2}"))
}

fn overdraw() -> Prepared {
    let mut rig = rich();
    let start = rig.fetch(&format!("805004010701{TERMINAL}"));
    let mac2 = online_mac("DUK", &start, 11, &format!("0001F407{TERMINAL}{THEN}"));
    (rig, format!("805800000E0001F4{THEN}{mac2}"))
}

/// A message of the published set; its challenge is 11223344.
fn message(command: &str) -> Prepared {
    (challenged(card(), 4), command.to_owned())
}

/// A message whose MAC is made here, by `key`.
pub(crate) fn signed(name: &str, command: &str) -> String {
    let mac = key(name).mac([0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0], &bytes(command));
    format!("{command}{}", hex::encode_upper(mac))
}

/// A card whose composite file takes records under MAC only.
pub(crate) fn composite_under_mac() -> Rig {
    let rule = |rule: &str| format!("update = \"{rule}\"\n  assumed = \"one record");
    // One leaked text a process: the rig takes what lives as long as the test.
    card_with(rule("never").leak(), rule("MAC DAMK").leak())
}

fn record_under_mac() -> Prepared {
    (challenged(composite_under_mac(), 4), signed("DAMK", &format!("04DC01CC2FAA29{}", "5A".repeat(41))))
}

/// A cached record under MAC: nothing stays of it but a try, if it was wrong.
fn cache_under_mac() -> Prepared {
    let mut rig = composite_under_mac();
    assert_eq!(rig.raw(PIN), "9000");
    rig.script_random(RANDOM);
    rig.fetch(&format!("805003020B0100000000{TERMINAL}"));
    (challenged(rig, 4), signed("DAMK", &format!("80DCAAC82FAA29{}", "5A".repeat(41))))
}

/// A card whose composite file takes cached records under MAC and enciphered.
pub(crate) fn composite_enciphered() -> Rig {
    card_of(|text| {
        let text = text.replacen(
            "update = \"never\"\n  assumed = \"one record",
            "update = \"MAC DAMK\"\n  assumed = \"one record",
            1,
        );
        text.replacen("drops_pin = false\n", "drops_pin = false\nenciphers_cache = true\n", 1)
    })
}

/// UPDATE CAPP DATA CACHE of a record, enciphered and signed.
pub(crate) fn enciphered_cache(record: &str) -> String {
    let data = hex::encode_upper(key("DAMK").encipher(&bytes(record)));
    signed("DAMK", &format!("80DCAAC8{:02X}{data}", data.len() / 2 + 4))
}

fn cache_enciphered() -> Prepared {
    let mut rig = composite_enciphered();
    assert_eq!(rig.raw(PIN), "9000");
    rig.script_random(RANDOM);
    rig.fetch(&format!("805003020B0100000000{TERMINAL}"));
    (challenged(rig, 4), enciphered_cache(&format!("AA29{}", "5A".repeat(41))))
}

/// One try is spent already, so that a try given back shows.
fn external_authentication() -> Prepared {
    let mut rig = super::purse_authentication::card();
    rig = challenged(rig, 8);
    assert_eq!(rig.raw("00820001080000000000000000"), "63C2");
    (challenged(rig, 8), "00820001086C5E94DCADD39F1D".to_owned())
}

/// Every command of the purse that writes.
pub(crate) fn cases() -> Vec<Case> {
    let public: String = (0..0x1E).map(|byte| format!("{byte:02X}")).collect();
    let pin = hex::encode_upper(key("DPUK").encipher(&bytes("445566")));
    let public = format!("04D6950022{public}1AB466B4");
    let unblock = signed("DPUK", &format!("842400010C{pin}"));
    let reload = format!("805E000007112233{}", hex::encode_upper(key("DRPK").tac(&bytes("112233"))));
    vec![
        writes("CREDIT FOR LOAD", credit),
        writes("DEBIT, cash", || debit("80500201", 4)),
        writes("DEBIT, ED", || debit("80500101", 5)),
        writes("DEBIT, EP", || debit("80500102", 6)),
        writes("DEBIT, composite", composite),
        writes("DEBIT FOR UNLOAD", unload),
        writes("UPDATE OVERDRAW LIMIT", overdraw),
        tries("UPDATE BINARY under MAC", "9302", move || message(&public)),
        tries("UPDATE RECORD under MAC", "9302", record_under_mac),
        tries("UPDATE CAPP DATA CACHE under MAC", "9302", cache_under_mac),
        tries("UPDATE CAPP DATA CACHE enciphered", "9302", cache_enciphered),
        tries("APPLICATION BLOCK", "9302", || message("841E00000491907340")),
        tries("APPLICATION BLOCK for good", "9302", || message("841E000104ADF7F1F2")),
        tries("EXTERNAL AUTHENTICATION", "63C1", external_authentication),
        tries("CARD BLOCK", "9302", || message("84160000049253E4B2")),
        tries("PIN UNBLOCK", "9302", move || message(&unblock)),
        tries("RELOAD PIN", "9302", move || message(&reload)),
        tries("APPLICATION UNBLOCK", "9302", || {
            let mut rig = message("").0;
            assert_eq!(rig.raw("841E00000491907340"), "9000");
            (challenged(rig, 4), "84180000046565922D".to_owned())
        }),
    ]
}

#[test]
fn every_command_of_the_purse_happened_whole_or_not_at_all_or_cost_a_try() {
    for case in cases() {
        case.tear();
    }
}

#[test]
fn power_lost_again_and_again_while_a_right_message_is_stored_costs_no_try() {
    let public: String = (0..0x1E).map(|byte| format!("{byte:02X}")).collect();
    let command = format!("04D6950022{public}1AB466B4");
    let prepared = || message(&command);
    let (mut rig, _) = prepared();
    let before = rig.socket.card().memory().writes();
    assert_eq!(rig.raw(&command), "9000");
    let writes = rig.socket.card().memory().writes() - before;
    let tries = |rig: &Rig| rig.socket.card().inspect().keys["ADF1.DAMK"].tries_left;
    let (mut rig, _) = prepared();
    let all = tries(&rig);
    for loss in 0..4 {
        lose_power(&rig, &command, Moment::Inside { write: writes - 1 - loss, half: false });
        rig.reset();
        assert_eq!(tries(&rig), all, "loss {loss}");
        rig.select("ADF1");
        rig = challenged(rig, 4);
    }
    assert_eq!(rig.raw(&command), "9000");
}
