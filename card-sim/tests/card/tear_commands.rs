//! Power lost before, inside and after every other command that writes: the memory is as before, as after, or, where a
//! secret is tried, as before with one try spent.

use card_core::crypto::{Block, KeyForm};
use card_core::security::{KeyName, KeyRef, SecurityModule};
use card_sim::Silence;
use card_sim::fault::{Fault, FaultPlan, Moment, Trigger};

use super::rig::{Rig, blank, keyed};

/// Bytes of the memory that the redo log takes; what stands there is no state.
const LOG: usize = 1040;
const RANDOM: &str = "1122334455667788";
const RANDOM_BLOCK: Block = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];

/// A card one command before the one that is torn, and that command.
pub(crate) type Prepared = (Rig, String);

fn state(rig: &Rig) -> Vec<u8> {
    rig.socket.card().memory().bytes()[LOG..].to_vec()
}

/// The state after the command, and how many writes it took.
fn carried_out((mut rig, command): Prepared) -> (Vec<u8>, u64) {
    let before = rig.socket.card().memory().writes();
    let sw = rig.sw(&command);
    assert!(sw == "9000" || sw.starts_with("61"), "{command}: {sw}");
    let writes = rig.socket.card().memory().writes() - before;
    (state(&rig), writes)
}

/// The state after the same command with its last digit changed, which the card must refuse with `sw`.
pub(crate) fn spent((mut rig, mut command): Prepared, sw: &str) -> Vec<u8> {
    let last = if command.ends_with('0') { "1" } else { "0" };
    command.replace_range(command.len() - 1.., last);
    assert_eq!(rig.sw(&command), sw);
    state(&rig)
}

/// Tears the command at every place; besides old and new only `between` may be found.
pub(crate) fn tear_everywhere(prepare: impl Fn() -> Prepared, between: Option<&[u8]>) {
    let old = state(&prepare().0);
    let (new, writes) = carried_out(prepare());
    assert!(writes >= 4 && between != Some(&old) && between != Some(&new), "{writes} writes");
    let (mut seen_old, mut seen_new, mut seen_between) = (0, 0, 0);
    let inside = (0..writes).flat_map(|write| [false, true].map(|half| Moment::Inside { write, half }));
    for moment in inside.chain([Moment::Before, Moment::After]) {
        let (mut rig, command) = prepare();
        let loss = Fault::PowerLoss { at: Trigger::command(1), moment, back_after_ms: None };
        rig.socket.card().set_faults(FaultPlan::new(vec![loss])).expect("no image");
        let silence = rig.socket.card().transmit(&hex::decode(&command).expect("hex"), &mut Vec::new());
        assert!(matches!(silence, Err(Silence::PowerLost { .. })), "{moment:?}");
        rig.reset();
        let now = state(&rig);
        let known = now == old || now == new || between == Some(now.as_slice());
        assert!(known && (moment != Moment::After || now == new), "third state at {moment:?}");
        seen_old += u32::from(now == old);
        seen_new += u32::from(now == new);
        seen_between += u32::from(between == Some(now.as_slice()));
    }
    assert!(seen_old >= 3 && seen_new >= 2, "{seen_old} old, {seen_new} new");
    assert_eq!(seen_between > 2, between.is_some());
}

/// DF selected and one key proved.
fn opened(df: &str, key: &str) -> Rig {
    let mut rig = keyed("ssc-3.0");
    rig.select(df);
    assert!(rig.authenticate(key).sw.is_ok());
    rig
}

/// The next challenge is [`RANDOM`], or as many of its bytes as asked for.
pub(crate) fn challenged(mut rig: Rig, bytes: usize) -> Rig {
    rig.script_random(&RANDOM[..2 * bytes]);
    assert!(rig.raw(&format!("00840000{bytes:02X}")).ends_with("9000"));
    rig
}

#[test]
fn a_record_is_the_old_one_or_the_new_one() {
    tear_everywhere(|| (opened("SSSE", "UKSSSE"), "00DC052806050420260101".to_owned()), None);
}

#[test]
fn a_part_of_a_transparent_file_is_the_old_one_or_the_new_one() {
    tear_everywhere(|| (opened("SSSE", "UKSSSE"), format!("00D68810FF{}", "5A".repeat(255))), None);
}

#[test]
fn a_full_cyclic_file_keeps_its_oldest_record_or_takes_the_newest() {
    for command in ["00E2003855", "00DC003B55"] {
        let record = |fill: &str| format!("{command}{}", fill.repeat(85));
        let full = || {
            let mut rig = opened("DF02", "UK3DF02");
            for fill in ["31", "32", "33", "34"] {
                assert_eq!(rig.raw(&record(fill)), "9000");
            }
            (rig, record("35"))
        };
        tear_everywhere(full, None);
    }
}

#[test]
fn a_pin_is_the_old_one_or_the_new_one() {
    let change = |old: &str| {
        let mut rig = keyed("ssc-3.0");
        rig.select("SSSE");
        (rig, format!("805E010007{old}FF654321"))
    };
    let (mut rig, wrong) = change("123457");
    assert_eq!(rig.sw(&wrong), "63C2");
    tear_everywhere(|| change("123456"), Some(&state(&rig)));
}

#[test]
fn the_tries_of_a_key_are_spent_or_restored() {
    let prepare = || {
        let mut rig = keyed("ssc-3.0");
        rig.select("SSSE");
        let mut rig = challenged(rig, 8);
        assert_eq!(rig.raw("0082000A1000000000000000000102030405060708"), "63C2");
        let mut rig = challenged(rig, 8);
        let key = rig.known(&KeyName::new("RKSSSE"));
        let auth = rig.ring.authentication_cryptogram(&key, RANDOM_BLOCK, [7; 8]).expect("a key of the ring");
        (rig, format!("0082000A10{}{}", hex::encode_upper(auth), "07".repeat(8)))
    };
    tear_everywhere(prepare, Some(&spent(prepare(), "63C1")));
}

/// A blocked PIN, and one of the commands that bring it back: see `keys_and_pin` for where their bytes are from.
fn blocked_pin(command: &str) -> Prepared {
    let mut rig = blank("ssc-3.0");
    rig.load_value("STKSSSE", "01020304050607080102030405060708");
    rig.load_value("PUK", "33333333333333334444444444444444");
    rig.select("SSSE");
    for _ in 0..3 {
        rig.raw("0020000003999999");
    }
    let key = KeyRef { name: KeyName::new("PUK"), version: 1, path: Vec::new(), form: KeyForm::TDES };
    let step = card_core::script::Step::Authenticate { key, id: 6 };
    assert!(rig.session.perform(&step, Some(&mut rig.ring)).expect("answer").sw.is_ok());
    (challenged(rig, 8), command.to_owned())
}

#[test]
fn a_blocked_pin_comes_back_whole_or_not_at_all() {
    for command in ["8424000004DA1674C6", "842400010CF1ACD2CC81993D9211CDCD81"] {
        let prepare = || blocked_pin(command);
        tear_everywhere(prepare, Some(&spent(prepare(), "9302")));
    }
}

#[test]
fn a_key_slot_is_the_old_one_or_the_new_one_the_control_key_s_too() {
    for (name, label) in [("UKSSSE", [0x0E, 0x04, 1]), ("MKSSSE", [0x00, 0x00, 1])] {
        let prepare = || {
            let mut rig = blank("ssc-3.0");
            rig.select("SSSE");
            let key = rig.known(&KeyName::new(name));
            let protecting =
                KeyRef { name: KeyName::new("TRANSPORT"), version: 1, path: vec![rig.factor()], form: KeyForm::TDES };
            let mut rig = challenged(rig, 4);
            let [a, b, c, d, ..] = RANDOM_BLOCK;
            let header = [0x84, 0xD4, 0x00, 0x00, 0x1C];
            let wrapped = rig.ring.wrap(&key, &protecting, header, label, [a, b, c, d, 0, 0, 0, 0]).expect("wrapped");
            let command = [&header[..], &wrapped.enciphered, &wrapped.mac].concat();
            (rig, hex::encode_upper(command))
        };
        tear_everywhere(prepare, Some(&spent(prepare(), "9302")));
    }
}

#[test]
fn a_terminal_transaction_number_is_used_or_not() {
    let start = format!("807001002C{}01{}", "00".repeat(26), "00".repeat(17));
    tear_everywhere(
        || {
            let mut rig = keyed("psam");
            rig.select("DF01");
            (rig, start.clone())
        },
        None,
    );
}
