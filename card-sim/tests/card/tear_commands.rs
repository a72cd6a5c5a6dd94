//! Power lost before, inside and after every other command that writes: the memory is as before, as after, or, where a
//! secret is tried, as before with one try spent.

use card_core::apdu::Protocol;
use card_core::crypto::{Block, KeyForm};
use card_core::script::Step;
use card_core::secure::{Messaging, SecureCommand};
use card_core::security::{KeyName, KeyRef, MacKey, SecurityModule};
use card_sim::Silence;
use card_sim::fault::{Fault, FaultPlan, Moment, Trigger};

use super::rig::{Rig, blank, keyed, keyed_beside};

/// Bytes of the memory that the redo log takes; what stands there is no state.
const LOG: usize = 1040;
const RANDOM: &str = "1122334455667788";
const RANDOM_BLOCK: Block = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];

/// A card one command before the one that is torn, and that command.
pub(crate) type Prepared = (Rig, String);

/// A command that writes.
pub(crate) struct Case {
    pub(crate) what: &'static str,
    pub(crate) prepare: Box<dyn Fn() -> Prepared>,
    /// Status word of the command with its last digit changed, where that costs a try.
    refused: Option<&'static str>,
}

/// A command of which nothing but old or new is left.
pub(crate) fn writes(what: &'static str, prepare: impl Fn() -> Prepared + 'static) -> Case {
    Case { what, prepare: Box::new(prepare), refused: None }
}

/// A command that tries a secret.
pub(crate) fn tries(what: &'static str, refused: &'static str, prepare: impl Fn() -> Prepared + 'static) -> Case {
    Case { what, prepare: Box::new(prepare), refused: Some(refused) }
}

impl Case {
    /// Tears the command everywhere, and where it tries a secret, the wrong one too: a wrong try is spent or not.
    pub(crate) fn tear(&self) {
        let Some(sw) = self.refused else {
            tear_everywhere(self.what, &self.prepare, "9000", None);
            return;
        };
        let (spent, spending) = carried_out(wrong((self.prepare)()), sw);
        // From the commit that spends the try to that which gives it back: as many writes as one of them takes, each torn twice.
        let spent_at = tear_everywhere(self.what, &self.prepare, "9000", Some(&spent));
        assert!(spent_at <= 2 * spending, "{}: a right secret costs a try at {spent_at} places", self.what);
        tear_everywhere(self.what, &|| wrong((self.prepare)()), sw, None);
    }
}

/// The same with the last digit of the command changed.
fn wrong((rig, mut command): Prepared) -> Prepared {
    let last = if command.ends_with('0') { "1" } else { "0" };
    command.replace_range(command.len() - 1.., last);
    (rig, command)
}

pub(crate) fn state(rig: &Rig) -> Vec<u8> {
    rig.socket.card().memory().bytes()[LOG..].to_vec()
}

/// The state after the command, and how many writes it took.
fn carried_out((mut rig, command): Prepared, sw: &str) -> (Vec<u8>, u64) {
    let before = rig.socket.card().memory().writes();
    let seen = rig.sw(&command);
    assert!(seen == sw || (sw == "9000" && seen.starts_with("61")), "{command}: {seen}");
    let writes = rig.socket.card().memory().writes() - before;
    (state(&rig), writes)
}

/// Tears the command at every place; besides old and new only `between` may be found: answers at how many places.
fn tear_everywhere(what: &str, prepare: &dyn Fn() -> Prepared, sw: &str, between: Option<&[u8]>) -> u64 {
    let old = state(&prepare().0);
    let (new, writes) = carried_out(prepare(), sw);
    assert!(writes >= 4 && between != Some(&old) && between != Some(&new), "{what}: {writes} writes");
    let (mut seen_old, mut seen_new, mut seen_between) = (0, 0, 0_u64);
    let inside = (0..writes).flat_map(|write| [false, true].map(|half| Moment::Inside { write, half }));
    for moment in inside.chain([Moment::Before, Moment::After]) {
        let (mut rig, command) = prepare();
        lose_power(&rig, &command, moment);
        rig.reset();
        let now = state(&rig);
        let known = now == old || now == new || between == Some(now.as_slice());
        assert!(known && (moment != Moment::After || now == new), "{what}: third state at {moment:?}");
        seen_old += u32::from(now == old);
        seen_new += u32::from(now == new);
        seen_between += u64::from(between == Some(now.as_slice()));
    }
    assert!(seen_old >= 3 && seen_new >= 2, "{what}: {seen_old} old, {seen_new} new");
    assert_eq!(seen_between > 2, between.is_some(), "{what}");
    seen_between
}

/// Sends a command in which power is lost.
pub(crate) fn lose_power(rig: &Rig, command: &str, moment: Moment) {
    let loss = Fault::PowerLoss { at: Trigger::command(1), moment, back_after_ms: None };
    rig.socket.card().set_faults(FaultPlan::new(vec![loss])).expect("no image");
    let silence = rig.socket.card().transmit(&hex::decode(command).expect("hex"), &mut Vec::new());
    assert!(matches!(silence, Err(Silence::PowerLost { .. })), "{command}: {moment:?}");
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

/// PIN tries: one spent already, so that a try given back shows.
fn one_pin_try_spent() -> Rig {
    let mut rig = keyed("ssc-3.0");
    rig.select("SSSE");
    assert_eq!(rig.raw("0020000003999999"), "63C2");
    rig
}

fn external_authentication() -> Prepared {
    let mut rig = keyed("ssc-3.0");
    rig.select("SSSE");
    let mut rig = challenged(rig, 8);
    assert_eq!(rig.raw("0082000A1000000000000000000102030405060708"), "63C2");
    let mut rig = challenged(rig, 8);
    let key = rig.known(&KeyName::new("RKSSSE"));
    let auth = rig.ring.authentication_cryptogram(&key, RANDOM_BLOCK, [7; 8]).expect("a key of the ring");
    (rig, format!("0082000A10{}{}", hex::encode_upper(auth), "07".repeat(8)))
}

/// A full cyclic file and one record more.
fn full_cyclic_file(command: &str) -> Prepared {
    let record = |fill: &str| format!("{command}{}", fill.repeat(85));
    let mut rig = opened("DF02", "UK3DF02");
    for fill in ["31", "32", "33", "34"] {
        assert_eq!(rig.raw(&record(fill)), "9000");
    }
    (rig, record("35"))
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
    let step = Step::Authenticate { key, id: 6 };
    assert!(rig.session.perform(&step, Some(&mut rig.ring)).expect("answer").sw.is_ok());
    (challenged(rig, 8), command.to_owned())
}

fn key_load(name: &str, label: [u8; 3]) -> Prepared {
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
}

/// A blocking command of the social security card, its MAC made; `before` was carried out.
pub(crate) fn blocking(before: Option<[u8; 4]>, header: [u8; 4], df: &str, key: &str) -> Prepared {
    let mut rig = keyed("ssc-3.0");
    rig.select(df);
    let key = rig.known(&KeyName::new(key));
    let secure = |header| SecureCommand::bare(header, key.clone(), Messaging::Whole { challenge: 4 });
    if let Some(before) = before {
        let answer = rig.session.perform(&Step::Secure(secure(before)), Some(&mut rig.ring)).expect("answer");
        assert!(answer.sw.is_ok(), "{:?}", answer.sw);
    }
    let mut rig = challenged(rig, 4);
    let [a, b, c, d, ..] = RANDOM_BLOCK;
    let command = secure(header).command(&mut rig.ring, [a, b, c, d, 0, 0, 0, 0]).expect("a key of the ring");
    (rig, hex::encode_upper(command.encode(Protocol::T0)))
}

/// A PSAM with one wrong MAC2 behind it, a purchase begun, and the right MAC2.
fn mac2_of_a_purchase(mut rig: Rig) -> Prepared {
    const FACTOR: Block = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];
    rig.select("DF01");
    let start = format!(
        "807001002C13579BDF0007{}32{}0100{}",
        "00".repeat(12),
        "20".repeat(7),
        hex::encode([FACTOR; 2].as_flattened())
    );
    rig.fetch(&start);
    assert_eq!(rig.raw("807200000400000000"), "9302");
    let tsn = u32::from_str_radix(&rig.fetch(&start)[..8], 16).expect("hex");
    let key = KeyRef { path: vec![FACTOR; 2], ..rig.known(&KeyName::new("DPK")) };
    let seed = card_profiles::account::purchase_seed([0x13, 0x57, 0x9B, 0xDF], 7, tsn);
    let mac2 = rig.ring.mac(&key, MacKey::Session(seed), [0; 8], &[0; 12]).expect("a key of the ring");
    (rig, format!("8072000004{}", hex::encode_upper(mac2)))
}

/// Every command that writes on a social security card, a DES card with known keys, and on a PSAM.
pub(crate) fn cases() -> Vec<Case> {
    let start = format!("807001002C{}01{}", "00".repeat(26), "00".repeat(17));
    vec![
        writes("a record", || (opened("SSSE", "UKSSSE"), "00DC052806050420260101".to_owned())),
        writes("part of a file", || (opened("SSSE", "UKSSSE"), format!("00D68810FF{}", "5A".repeat(255)))),
        writes("a cyclic record by APPEND", || full_cyclic_file("00E2003855")),
        writes("a cyclic record by UPDATE", || full_cyclic_file("00DC003B55")),
        tries("VERIFY", "63C1", || (one_pin_try_spent(), "0020000003123456".to_owned())),
        tries("EXTERNAL AUTHENTICATE", "63C1", external_authentication),
        tries("UNBLOCK PIN", "9302", || blocked_pin("8424000004DA1674C6")),
        tries("RELOAD PIN", "9302", || blocked_pin("842400010CF1ACD2CC81993D9211CDCD81")),
        tries("a key", "9302", || key_load("UKSSSE", [0x0E, 0x04, 1])),
        tries("a control key", "9302", || key_load("MKSSSE", [0x00, 0x00, 1])),
        tries("APPLICATION BLOCK", "9302", || blocking(None, [0x84, 0x1E, 0, 0], "DF04", "LKDF04")),
        tries("APPLICATION BLOCK for good", "9302", || blocking(None, [0x84, 0x1E, 0, 1], "DF03", "LKDF03")),
        tries("APPLICATION UNBLOCK", "9302", || {
            blocking(Some([0x84, 0x1E, 0, 0]), [0x84, 0x18, 0, 0], "DF04", "LKDF04")
        }),
        tries("CARD BLOCK", "9302", || blocking(None, [0x84, 0x16, 0, 0], "SSSE", "BK")),
        writes("a terminal transaction number", {
            let start = start.clone();
            move || {
                let mut rig = keyed("psam");
                rig.select("DF01");
                (rig, start.clone())
            }
        }),
        tries("MAC2 of a purchase", "9302", || mac2_of_a_purchase(keyed("psam"))),
        writes("a terminal transaction number of the second environment", move || {
            let mut rig = keyed_beside("psam-sx3");
            rig.select("DF01");
            (rig, start.clone())
        }),
        tries("MAC2 of a purchase in the second environment", "9302", || mac2_of_a_purchase(keyed_beside("psam-sx3"))),
        writes("a file that two environments share", || {
            let mut rig = keyed_beside("psam-sx3");
            assert!(rig.authenticate("MKMF").sw.is_ok());
            (rig, "00D6960006990011223344".to_owned())
        }),
    ]
}

#[test]
fn every_command_that_writes_leaves_old_or_new_or_one_try_spent() {
    for case in cases() {
        case.tear();
    }
}

pub(crate) fn change_pin(old: &str) -> Prepared {
    // All tries are left: the right old PIN gives them back before the new one is stored.
    let mut rig = keyed("ssc-3.0");
    rig.select("SSSE");
    (rig, format!("805E010007{old}FF654321"))
}

#[test]
fn a_pin_is_the_old_one_or_the_new_one() {
    // The digit that is changed is one of the new PIN; what a wrong old one costs is torn by itself.
    let spent = carried_out(change_pin("123457"), "63C2").0;
    tear_everywhere("CHANGE PIN", &|| change_pin("123456"), "9000", Some(&spent));
    tear_everywhere("CHANGE PIN, wrong", &|| change_pin("123457"), "63C2", None);
}
