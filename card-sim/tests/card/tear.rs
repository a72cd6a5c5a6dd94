//! Power lost before, inside and after every command of a purchase and of a load: old or new, never a third state.

use card_sim::fault::{Fault, FaultPlan, Moment, Trigger};
use card_sim::{Inspection, Silence};

use super::account::{TERMINAL, card, debit_command, init, load};
use super::rig::Rig;

const THEN: &str = "20260102030405";
const AMOUNTS: &str = "000000FA0000006400000032";
const RANDOM: &str = "13579BDF";

/// Sends commands until power is lost; whether it was.
fn send_all(rig: &mut Rig, commands: &[String]) -> bool {
    for command in commands {
        let bytes = hex::decode(command).expect("hex");
        match rig.socket.card().transmit(&bytes, &mut Vec::new()) {
            Ok(()) => {}
            Err(Silence::PowerLost { .. }) => return true,
            Err(silence) => panic!("{silence}"),
        }
    }
    false
}

/// A card with money and one purchase behind it.
fn used_card() -> Rig {
    let mut rig = card();
    load(&mut rig, 1000);
    rig.verify_pin();
    let start = init(&mut rig, AMOUNTS);
    let debit = debit_command(&mut rig, &start, AMOUNTS, "00000001", THEN);
    assert!(rig.fetch(&debit).ends_with("9000"));
    rig.reset();
    rig.select("DF04");
    rig
}

/// A whole purchase as its terminal sends it, with the card's random written down.
fn purchase_commands() -> Vec<String> {
    let mut rig = used_card();
    rig.verify_pin();
    rig.script_random(RANDOM);
    let start = init(&mut rig, AMOUNTS);
    let debit = debit_command(&mut rig, &start, AMOUNTS, "00000002", THEN);
    let init = format!("B02801011301{AMOUNTS}{TERMINAL}");
    ["0020000003123456", &init, "00C0000016", &debit, "00C0000008"].map(str::to_owned).to_vec()
}

fn load_commands() -> Vec<String> {
    let mut rig = used_card();
    rig.script_random(RANDOM);
    let start = rig.fetch(&format!("B02800010B01000001F4{TERMINAL}"));
    assert!(start.ends_with("9000"));
    let seed = card_profiles::account::load_seed([0x13, 0x57, 0x9B, 0xDF], 1);
    let message = hex::decode(format!("000001F401{TERMINAL}{THEN}")).expect("hex");
    let mac2 = {
        use card_core::crypto::KeyForm;
        use card_core::security::{KeyName, KeyRef, MacKey, SecurityModule};
        let key = KeyRef { name: KeyName::new("DLK"), version: 1, path: Vec::new(), form: KeyForm::TDES };
        rig.ring.mac(&key, MacKey::Session(seed), [0; 8], &message).expect("a key of the ring")
    };
    let credit = format!("B02A00000B{THEN}{}", hex::encode_upper(mac2));
    let init = format!("B02800010B01000001F4{TERMINAL}");
    [&init, "00C0000010", &credit, "00C0000004"].map(str::to_owned).to_vec()
}

/// Everything about the money: what must be old or new as one.
fn money(inspection: Inspection) -> impl PartialEq + std::fmt::Debug {
    (inspection.account, inspection.files["DF04.EF08"].clone())
}

/// Tears `commands` at every place; `prove` asks for the proof of the new transaction.
fn tear_everywhere(commands: &[String], prove: &str, proof: &str) {
    let mut rig = used_card();
    let old = money(rig.socket.card().inspect());
    rig.script_random(RANDOM);
    let mut writes = Vec::new();
    for command in commands {
        let before = rig.socket.card().memory().writes();
        assert!(!send_all(&mut rig, std::slice::from_ref(command)));
        writes.push(rig.socket.card().memory().writes() - before);
    }
    let new = money(rig.socket.card().inspect());
    assert!(writes.iter().sum::<u64>() > 10 && old != new, "{writes:?}");

    let (mut seen_old, mut seen_new) = (0, 0);
    for (nth, writes) in (1..).zip(writes) {
        let inside = (0..writes).flat_map(|write| [false, true].map(|half| Moment::Inside { write, half }));
        for moment in inside.chain([Moment::Before, Moment::After]) {
            let place = format!("command {nth}, {moment:?}");
            let mut rig = used_card();
            rig.script_random(RANDOM);
            let loss = Fault::PowerLoss { at: Trigger::command(nth), moment, back_after_ms: None };
            rig.socket.card().set_faults(FaultPlan::new(vec![loss])).expect("no image");
            assert!(send_all(&mut rig, commands), "{place}");
            rig.reset();
            let inspection = rig.socket.card().inspect();
            let tries = inspection.pin.expect("PIN").tries_left;
            assert!(
                tries == 3 || (tries == 2 && commands[0].starts_with("0020") && nth == 1),
                "{place}: {tries} tries"
            );
            let now = money(inspection);
            rig.select("DF04");
            let proved = rig.fetch(prove);
            if now == new {
                assert_eq!(proved, proof, "{place}");
                seen_new += 1;
            } else {
                assert!(now == old, "third state at {place}: {now:?}");
                assert_eq!(proved, "9406", "{place}");
                seen_old += 1;
            }
            rig.verify_pin();
            assert!(load(&mut rig, 1).ends_with("9000"), "the card works after {place}");
        }
    }
    assert!(seen_old > 10 && seen_new > 10, "{seen_old} old, {seen_new} new");
}

#[test]
fn a_purchase_torn_anywhere_happened_or_did_not_and_prove_tells() {
    let commands = purchase_commands();
    let mut rig = used_card();
    rig.script_random(RANDOM);
    assert!(!send_all(&mut rig, &commands));
    let proof = rig.fetch("B0320032020001");
    assert!(proof.ends_with("9000"), "{proof}");
    tear_everywhere(&commands, "B0320032020001", &proof);
}

#[test]
fn a_load_torn_anywhere_happened_or_did_not_and_prove_tells() {
    let commands = load_commands();
    let mut rig = used_card();
    rig.script_random(RANDOM);
    assert!(!send_all(&mut rig, &commands));
    let proof = rig.fetch("B0320001020001");
    assert!(proof.ends_with("9000"), "{proof}");
    tear_everywhere(&commands, "B0320001020001", &proof);
}

#[test]
fn a_worn_memory_answers_6581_and_keeps_the_old_state_or_nothing_at_all() {
    let commands = purchase_commands();
    for after_writes in 0..30 {
        let mut rig = used_card();
        let old = money(rig.socket.card().inspect());
        rig.script_random(RANDOM);
        rig.socket.card().set_faults(FaultPlan::new(vec![Fault::Lemon { after_writes }])).expect("no image");
        let answers: Vec<String> = commands.iter().map(|command| rig.raw(command)).collect();
        if !answers.contains(&"6581".to_owned()) {
            assert!(after_writes > 20, "{after_writes}: {answers:?}");
            continue;
        }
        let broken = rig.socket.card().memory().is_broken();
        assert!(broken || money(rig.socket.card().inspect()) == old, "{after_writes}");
        if broken {
            assert_eq!(rig.raw("00A4000002DF04"), "6581", "a half-applied change is never shown");
        }
    }
}
