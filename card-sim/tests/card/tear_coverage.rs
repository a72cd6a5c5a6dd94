//! No command escapes: each that the card takes is torn where it writes, or is shown to write nothing.

use std::collections::BTreeSet;

use card_profiles::account::load_seed;
use card_sim::fault::Moment;

use super::account::{self, TERMINAL, debit_command, init, load, mac};
use super::purse;
use super::rig::{blank, keyed};
use super::tear_certificate;
use super::tear_commands::{self, Case, Prepared, lose_power, state, writes};
use super::tear_purse;

const THEN: &str = "20260102030405";

/// The two commands of the account that write; `tear` looks at what they leave, here it is every byte.
fn account_cases() -> Vec<Case> {
    let amounts = "000000FA0000006400000032";
    vec![
        writes("CREDIT FOR LOAD", || {
            let mut rig = account::card();
            rig.script_random("13579BDF");
            rig.fetch(&format!("B02800010B01000001F4{TERMINAL}"));
            let seed = load_seed([0x13, 0x57, 0x9B, 0xDF], 0);
            let mac2 = mac(&mut rig, "DLK", seed, &format!("000001F401{TERMINAL}{THEN}"));
            (rig, format!("B02A00000B{THEN}{mac2}"))
        }),
        writes("DEBIT FOR PURCHASE", move || {
            let mut rig = account::card();
            rig.script_random("A1B2C3D4");
            load(&mut rig, 1000);
            rig.verify_pin();
            rig.script_random("13579BDF");
            let start = init(&mut rig, amounts);
            let debit = debit_command(&mut rig, &start, amounts, "00000001", THEN);
            (rig, debit)
        }),
    ]
}

fn selected(profile: &str, df: &str) -> impl Fn(&str) -> Prepared {
    let (profile, df) = (profile.to_owned(), df.to_owned());
    move |command| {
        let mut rig = keyed(&profile);
        rig.select(&df);
        (rig, command.replace(' ', ""))
    }
}

/// Commands that write nothing, each where it is carried out.
fn reading() -> Vec<Prepared> {
    let user = selected("ssc-3.0", "SSSE");
    let psam = selected("psam", "DF01");
    let factors = "1122334455667788".repeat(2);
    let mut all = vec![
        user("00A4000002EF05"),
        user("00B2012C12"),
        user("0084000008"),
        user("0088000010 01020304050607080102030405060708"),
        selected("psam", "MF")("00B0960006"),
        psam(&format!("BFDE481218{factors}A1A2A3A4A5A6A7A8")),
        psam(&format!("801A481210{factors}")),
    ];
    let mut fetching = user("00C000001E");
    assert_eq!(fetching.0.raw("00A404000F7378312E73682EC9E7BBE1B1A3D5CF"), "611E");
    all.push(fetching);
    let mut derived = psam("80FA0000080102030405060708");
    assert_eq!(derived.0.raw(&format!("801A481210{factors}")), "9000");
    all.push(derived);
    let amounts = "00".repeat(12);
    for command in [
        "B026000104".to_owned(),
        format!("B02800010B01000001F4{TERMINAL}"),
        format!("B02801011301{amounts}{TERMINAL}"),
        "B0320001020000".to_owned(),
    ] {
        let mut rig = account::card();
        load(&mut rig, 1000);
        rig.verify_pin();
        all.push((rig, command));
    }
    let ten = |p1p2: &str| format!("8050{p1p2}0B010000000A{TERMINAL}");
    for command in ["0001", "0002", "0101", "0102", "0201", "0302", "0501"].map(ten).into_iter().chain([
        format!("805004010701{TERMINAL}"),
        "805C000104".to_owned(),
        "805A0001020000".to_owned(),
    ]) {
        let mut rig = purse::card();
        purse::load(&mut rig, 1, 100);
        purse::load(&mut rig, 2, 100);
        assert_eq!(rig.raw(purse::PIN), "9000");
        all.push((rig, command));
    }
    let mut composite = purse::card();
    purse::load(&mut composite, 2, 100);
    composite.raw(&ten("0302"));
    all.push((composite, format!("80DCAAC82BAA29{}", "5A".repeat(41))));
    for command in ["0088000108 0102030405060708", "0088020103 010203"] {
        all.push((super::purse_authentication::card(), command.replace(' ', "")));
    }
    all.extend(tear_certificate::reading());
    all
}

#[test]
fn a_command_that_reads_or_begins_writes_nothing_however_power_fails() {
    for (mut rig, command) in reading() {
        let (old, before) = (state(&rig), rig.socket.card().memory().writes());
        let sw = rig.sw(&command);
        assert!(sw == "9000" || sw.starts_with("61"), "{command}: {sw}");
        assert!(state(&rig) == old && rig.socket.card().memory().writes() == before, "{command} writes");
    }
    for moment in [Moment::Before, Moment::Inside { write: 0, half: true }, Moment::After] {
        for (mut rig, command) in reading() {
            let old = state(&rig);
            lose_power(&rig, &command, moment);
            rig.reset();
            assert!(state(&rig) == old, "{command}: {moment:?}");
            assert_eq!(rig.raw("00C0000008"), "6985", "{command}: no answer is kept");
        }
    }
}

#[test]
fn the_account_s_commands_leave_old_or_new_in_every_byte() {
    for case in account_cases() {
        case.tear();
    }
}

/// CLA and INS of every command that a card of this profile takes.
fn taken(profile: &str) -> BTreeSet<String> {
    let mut rig = blank(profile);
    let heads = (0..=u16::MAX).map(|head| format!("{head:04X}"));
    heads.filter(|head| !["6D00", "6E00"].contains(&rig.sw(&format!("{head}FFFF00")).as_str())).collect()
}

/// Commands that are one and the same on every card, whatever its profile: shown once is enough.
const SHARED: [&str; 12] =
    ["00A4", "00B0", "00B2", "00C0", "0020", "0082", "0084", "0088", "00D6", "00DC", "00E2", "84D4"];

#[test]
fn every_command_of_every_card_is_torn_or_shown_to_write_nothing() {
    let cases = [tear_commands::cases(), tear_certificate::cases(), tear_purse::cases(), account_cases()];
    let torn = cases.iter().flatten().map(|case| (case.prepare)()).chain([tear_commands::change_pin("123456")]);
    let shown: BTreeSet<(String, String)> =
        torn.chain(reading()).map(|(rig, command)| (rig.profile.name.clone(), command[..4].to_owned())).collect();
    for profile in ["ssc-3.0", "ssc-3.0-sm4", "pboc-purse", "pboc-purse-sm4", "psam", "psam-sx3"] {
        // The SM4 cards have the commands of their 3DES cards; what differs is a rule of the algorithm.
        let base = match profile {
            "ssc-3.0-sm4" => "ssc-3.0",
            "psam-sx3" => "psam",
            // Its own cases are those of `purse_sm4`; the rest it shares.
            "pboc-purse-sm4" => "pboc-purse",
            own => own,
        };
        let taken = taken(profile);
        assert!(taken.len() >= 16, "{profile}: {taken:?}");
        for head in taken {
            let somewhere = shown.iter().any(|(_, known)| *known == head);
            let here = shown.contains(&(base.to_owned(), head.clone()));
            let enough = here || (somewhere && SHARED.contains(&head.as_str()));
            assert!(enough, "{profile}: no power is lost in {head}; add a case");
        }
    }
}
