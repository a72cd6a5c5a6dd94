//! The electronic deposit and purse with SM4 keys: the synthetic set under the SM4 rules, every value computed with another
//! program (OpenSSL); and host against card with any numbers, 3DES and SM4.

use card_core::algorithm::TacKey;
use card_core::crypto::{CardKey, KeyForm};
use card_core::key::Key16;
use card_core::security::keyring::KeyRing;
use card_core::security::{KeyName, KeyRef, MacKey, SecurityModule};
use card_core::{Command, Response};
use card_profiles::account::{Field, MacFields, load_seed, purchase_seed};
use card_profiles::purse::{Purse, PurseRules};
use card_sim::Card;
use card_sim::keys::GivenKeys;
use proptest::prelude::*;

use super::rig::{Rig, SERIAL, TRANSPORT, in_socket};
use super::tear_commands::{Case, Prepared, challenged, tries, writes};

const TERMINAL: &str = "990011223344";
const THEN: &str = "20250102030405";
const PIN: &str = "0020000003123456";
const AID: &str = "00A4040009A00000000386980701";
/// Keys of the card with factor 1101000000123456, from the master keys of the synthetic set: OpenSSL, `sm4-ecb`.
const KEYS: [(&str, &str); 12] = [
    ("DPK", "3F55419BBCD284D0A54347198CC889AA"),
    ("DLK", "7944FB6913F7948E12055B61BBD0B622"),
    ("DTK", "B32F68211CF45B01F704387ACC8D2FE6"),
    ("DAMK", "E71D74C97A8C91AEED5B898EB0B299BE"),
    ("DULK", "B970A5BAC9AF5270B3E6352D1E48E4C2"),
    ("DUK", "4AE6AE5656381E683D898D80AE949C7A"),
    ("DPUK", "C63B64EDD2CAB994AED2005B4D741527"),
    ("DRPK", "46A95F589D009CDABB9FC198FC424724"),
    // Of no master key: the example of GB/T 32907, and any others.
    ("DEAK", "0123456789ABCDEFFEDCBA9876543210"),
    ("DIEK", "0123456789ABCDEFFEDCBA9876543210"),
    ("DIDK", "0123456789ABCDEFFEDCBA9876543210"),
    ("DIMK", "0123456789ABCDEFFEDCBA9876543210"),
];

pub(crate) fn made(profile: &str) -> Rig {
    let rows = card_profiles::builtin(profile).expect("built in");
    let keys = KEYS.map(|(name, value)| format!("[[key]]\nname = \"{name}\"\nvalue = \"{value}\"\n")).concat();
    let keys = GivenKeys::parse(&format!("mark = \"REHEARSAL\"\n{keys}")).expect("a key file");
    let card = Card::with_keys(&rows, SERIAL, &Key16::new(TRANSPORT), &keys).expect("a card");
    let mut rig = in_socket(profile, card);
    assert_eq!(rig.sw(AID)[..2], *"61");
    rig
}

fn card() -> Rig {
    made("pboc-purse-sm4")
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).expect("hex")
}

/// A key of the set; the TAC key of SM4 is whole.
fn key(name: &str) -> CardKey {
    let (_, value) = KEYS.iter().find(|(known, _)| *known == name).expect("a key of the set");
    assert_eq!(KeyForm::SM4.rules.tac_key, TacKey::Whole);
    CardKey::new(Key16::new(bytes(value).try_into().expect("16 bytes")), KeyForm::SM4)
}

fn online(name: &str, start: &str, random_at: usize, message: &str) -> String {
    let random = bytes(&start[2 * random_at..2 * random_at + 8]).try_into().expect("4 bytes");
    let seed = load_seed(random, u16::from_str_radix(&start[8..12], 16).expect("hex"));
    hex::encode_upper(key(name).transaction_session(seed).mac([0; 8], &bytes(message)))
}

fn load(rig: &mut Rig, purse: u8, fen: u32) {
    assert_eq!(rig.raw(PIN), "9000");
    let start = rig.fetch(&format!("805000{purse:02X}0B41{fen:08X}{TERMINAL}"));
    let mac2 = online("DLK", &start, 8, &format!("{fen:08X}{purse:02X}{TERMINAL}{THEN}"));
    assert!(rig.fetch(&format!("805200000B{THEN}{mac2}")).ends_with("9000"));
}

/// A card whose ED took part in three loads, the last of which left 10.00 on it.
fn three_loads() -> Rig {
    let mut rig = card();
    for fen in [0, 0, 1000] {
        load(&mut rig, 1, fen);
    }
    rig.script_random("A1B2C3D4");
    rig
}

#[test]
fn the_diversified_keys_are_those_of_the_other_program() {
    let factor = bytes("1101000000123456").try_into().expect("8 bytes");
    for (name, first) in [("DPK", 0xA0_u8), ("DLK", 0xB0), ("DTK", 0xC0), ("DAMK", 0x30)] {
        let master = Key16::new(std::array::from_fn(|at| first + u8::try_from(at).expect("16")));
        assert_eq!(CardKey::derived(&master, &[factor], KeyForm::SM4).expose(), key(name).expose(), "{name}");
    }
}

#[test]
fn a_load_an_unload_and_a_limit_have_the_macs_of_the_other_program() {
    let mut rig = three_loads();
    let start = rig.fetch(&format!("805000010B41000001F4{TERMINAL}"));
    assert_eq!(start, "000003E8 0003 01 04 A1B2C3D4 53B85E39 9000".replace(' ', ""), "algorithm 04");
    assert_eq!(rig.fetch(&format!("805200000B{THEN}EEA0627F")), "045B663C9000");
    let mut rig = three_loads();
    assert!(rig.fetch(&format!("805005010B4100000190{TERMINAL}")).ends_with("1DC0B28E9000"));
    assert_eq!(rig.fetch(&format!("805403000B{THEN}E1EA279A")), "803D12729000");
    let mut rig = three_loads();
    assert!(rig.fetch(&format!("805004010741{TERMINAL}")).ends_with("F22C43369000"));
    assert_eq!(rig.fetch(&format!("805800000E0001F4{THEN}4764D678")), "DC6AF03C9000", "the TAC key is not folded");
}

#[test]
fn every_kind_of_debit_has_the_macs_of_the_other_program() {
    for (init, kind, mac1, tac) in [
        ("80500201", 0x04, "26A9D392", "7D3A3A74"),
        ("80500101", 0x05, "12F92EE6", "33BD657F"),
        ("80500102", 0x06, "FA5E85D8", "64F8E17C"),
        ("80500302", 0x09, "F8D36577", "D02B97FB"),
    ] {
        let mut rig = card();
        load(&mut rig, if kind < 6 { 1 } else { 2 }, 1000);
        for tsn in 1..=7 {
            let start = rig.fetch(&format!("{init}0B4100000000{TERMINAL}"));
            let random = bytes(&start[22..30]).try_into().expect("4 bytes");
            let seed = purchase_seed(random, u16::from_str_radix(&start[8..12], 16).expect("hex"), tsn);
            let message = bytes(&format!("00000000{kind:02X}{TERMINAL}{THEN}"));
            let mac1 = hex::encode_upper(key("DPK").transaction_session(seed).mac([0; 8], &message));
            assert!(rig.fetch(&format!("805401000F{tsn:08X}{THEN}{mac1}")).ends_with("9000"));
        }
        rig.script_random("13579BDF");
        let start = rig.fetch(&format!("{init}0B41000000FA{TERMINAL}"));
        assert_eq!(start, "000003E8 0007 000000 01 04 13579BDF 9000".replace(' ', ""));
        assert_eq!(rig.fetch(&format!("805401000F0000A5C3{THEN}{mac1}")), format!("{tac}5D40CEE39000"), "{kind}");
        assert_eq!(rig.fetch(&format!("805A00{kind:02X}020007")), format!("5D40CEE3{tac}9000"));
    }
}

/// Messages under DAMK, DPUK and DRPK; their challenge is 11223344.
fn messages() -> [String; 6] {
    let public: String = (0..0x1E).map(|byte| format!("{byte:02X}")).collect();
    [
        format!("04D6950022{public}4D754385"),
        "841E00000404DC3ADE".to_owned(),
        "841E00010440FDF8C9".to_owned(),
        "8416000004EB4AA537".to_owned(),
        "8424000114583B654DC67C57CB6B1113C95FD49DEF396E5EBA".to_owned(),
        "805E000007112233CFD08EED".to_owned(),
    ]
}

#[test]
fn secure_messaging_has_the_macs_of_the_other_program() {
    for command in messages() {
        let (mut rig, command) = message(&command);
        assert_eq!(rig.raw(&command), "9000", "{command}");
        match &command[..4] {
            "8424" => assert_eq!(rig.raw("0020000003445566"), "9000"),
            "805E" => assert_eq!(rig.raw("0020000003112233"), "9000"),
            _ => {}
        }
    }
    let (mut rig, block) = message("841E00000404DC3ADE");
    assert_eq!(rig.raw(&block), "9000");
    let mut rig = challenged(rig, 4);
    assert_eq!(rig.raw("84180000042E0ABAAA"), "9000");
    let (mut rig, _) = message("");
    assert_eq!(rig.raw("842400010C000000000000000000000000"), "6700", "the length of a DES card");
}

fn message(command: &str) -> Prepared {
    (challenged(card(), 4), command.to_owned())
}

fn cases() -> Vec<Case> {
    let [update, block, for_good, card_block, unblock, reload] = messages();
    let debit = |purse: u8, init: &'static str, mac1: &'static str| {
        move || {
            let mut rig = card();
            load(&mut rig, purse, 1000);
            for tsn in 1..=7 {
                // Numbers of the card that are written down, so that each preparation leaves the same bytes.
                rig.script_random("01020304");
                let start = rig.fetch(&format!("{init}0B4100000000{TERMINAL}"));
                assert!(start.ends_with("9000"), "{tsn}");
                let kind = if purse == 1 { 5 } else { 6 };
                let random = bytes(&start[22..30]).try_into().expect("4 bytes");
                let seed = purchase_seed(random, u16::from_str_radix(&start[8..12], 16).expect("hex"), tsn);
                let input = bytes(&format!("00000000{kind:02X}{TERMINAL}{THEN}"));
                let mac = hex::encode_upper(key("DPK").transaction_session(seed).mac([0; 8], &input));
                assert!(rig.fetch(&format!("805401000F{tsn:08X}{THEN}{mac}")).ends_with("9000"));
            }
            rig.script_random("13579BDF");
            rig.fetch(&format!("{init}0B41000000FA{TERMINAL}"));
            (rig, format!("805401000F0000A5C3{THEN}{mac1}"))
        }
    };
    vec![
        writes("SM4 CREDIT FOR LOAD", || {
            let mut rig = three_loads();
            rig.fetch(&format!("805000010B41000001F4{TERMINAL}"));
            (rig, format!("805200000B{THEN}EEA0627F"))
        }),
        writes("SM4 DEBIT FOR UNLOAD", || {
            let mut rig = three_loads();
            rig.fetch(&format!("805005010B4100000190{TERMINAL}"));
            (rig, format!("805403000B{THEN}E1EA279A"))
        }),
        writes("SM4 UPDATE OVERDRAW LIMIT", || {
            let mut rig = three_loads();
            rig.fetch(&format!("805004010741{TERMINAL}"));
            (rig, format!("805800000E0001F4{THEN}4764D678"))
        }),
        writes("SM4 DEBIT, ED", debit(1, "80500101", "12F92EE6")),
        writes("SM4 DEBIT, EP", debit(2, "80500102", "FA5E85D8")),
        tries("SM4 UPDATE BINARY under MAC", "9302", move || message(&update)),
        tries("SM4 APPLICATION BLOCK", "9302", move || message(&block)),
        tries("SM4 APPLICATION BLOCK for good", "9302", move || message(&for_good)),
        tries("SM4 CARD BLOCK", "9302", move || message(&card_block)),
        tries("SM4 PIN UNBLOCK", "9302", move || message(&unblock)),
        tries("SM4 RELOAD PIN", "9302", move || message(&reload)),
    ]
}

#[test]
fn power_lost_in_any_command_of_an_sm4_purse_leaves_old_or_new() {
    cases().iter().for_each(Case::tear);
}

/// A host that holds the keys of the card.
struct Host {
    rig: Rig,
    rules: PurseRules,
    ring: KeyRing,
    form: KeyForm,
}

impl Host {
    fn new(profile: &str) -> Self {
        let mut rig = made(profile);
        assert_eq!(rig.raw(PIN), "9000");
        let mut ring = KeyRing::new();
        for (name, value) in KEYS {
            ring.insert(KeyName::new(name), 1, Key16::new(bytes(value).try_into().expect("16 bytes")));
        }
        let rows = card_profiles::builtin(profile).expect("built in");
        let form = KeyForm { rules: rows.rules(), ..KeyForm::SM4 };
        Self { rig, rules: rows.purse.expect("a purse"), ring, form }
    }

    fn mac(&mut self, name: &KeyName, kind: MacKey, fields: &MacFields, rows: &[Field]) -> [u8; 4] {
        let key = KeyRef { name: name.clone(), version: 1, path: Vec::new(), form: self.form };
        self.ring.mac(&key, kind, [0; 8], &fields.input(rows)).expect("a key of the ring")
    }

    fn done(&mut self, command: &Command) -> Vec<u8> {
        let Response { data, sw } = self.rig.send(command);
        assert!(sw.is_ok(), "{:02X?}: {sw:?}", command.header());
        data
    }

    /// Loads and checks MAC1 and TAC of the card.
    fn load(&mut self, purse: Purse, amount: u32, terminal: [u8; 6], date_time: [u8; 7]) {
        let rules = self.rules.clone();
        let start =
            PurseRules::parse_load_start(&self.done(&rules.init_load(purse, amount, terminal))).expect("16 bytes");
        let fields = MacFields {
            balance_before: start.balance,
            balance_after: start.balance + amount,
            card_sequence: start.card_sequence,
            amount,
            transaction_type: rules.load_type(purse),
            terminal,
            date_time,
            ..MacFields::default()
        };
        let session = MacKey::Session(load_seed(start.random, start.card_sequence));
        assert_eq!(self.mac(&rules.keys.load, session, &fields, &rules.mac.load_mac1), start.mac1);
        let mac2 = self.mac(&rules.keys.load, session, &fields, &rules.mac.load_mac2);
        let tac = self.done(&rules.credit_load(date_time, mac2));
        assert_eq!(tac, self.mac(&rules.keys.tac, MacKey::Tac, &fields, &rules.mac.load_tac));
    }

    /// Takes money and checks MAC2 and TAC of the card.
    fn purchase(&mut self, purse: Purse, amount: u32, terminal: [u8; 6], date_time: [u8; 7], tsn: u32) {
        let rules = self.rules.clone();
        let start = self.done(&rules.init_purchase(purse, amount, terminal));
        let start = PurseRules::parse_debit_start(&start).expect("15 bytes");
        let fields = MacFields {
            amount,
            transaction_type: rules.purchase_type(purse),
            terminal,
            date_time,
            terminal_sequence: tsn,
            ..MacFields::default()
        };
        let session = MacKey::Session(purchase_seed(start.random, start.card_sequence, tsn));
        let mac1 = self.mac(&rules.keys.purchase, session, &fields, &rules.mac.purchase_mac1);
        let answer = self.done(&rules.debit(tsn, date_time, mac1));
        let tac = self.mac(&rules.keys.tac, MacKey::Tac, &fields, &rules.mac.purchase_tac);
        let mac2 = self.mac(&rules.keys.purchase, session, &fields, &rules.mac.purchase_mac2);
        assert_eq!(answer, [tac, mac2].concat());
    }
}

/// Any day that every month has, any time of day, in BCD.
fn moments() -> impl Strategy<Value = [u8; 7]> {
    let bcd = |number: u8| ((number / 10) << 4) | (number % 10);
    let day = (0_u8..100, 0_u8..100, 1_u8..13, 1_u8..29);
    (day, 0_u8..24, 0_u8..60, 0_u8..60).prop_map(move |((century, year, month, day), hour, minute, second)| {
        [century, year, month, day, hour, minute, second].map(bcd)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn host_and_card_agree_on_every_mac_whatever_the_numbers(
        sm4 in any::<bool>(), loads in proptest::collection::vec(0_u32..1_000_000, 1..4), deposit in any::<bool>(),
        parts in proptest::collection::vec((0_u32..=100, any::<u32>()), 1..4),
        terminal in any::<[u8; 6]>(), date_time in moments(),
    ) {
        let mut host = Host::new(if sm4 { "pboc-purse-sm4" } else { "pboc-purse" });
        let purse = if deposit { Purse::Deposit } else { Purse::Purse };
        let mut balance = 0;
        for amount in loads {
            host.load(purse, amount, terminal, date_time);
            balance += amount;
        }
        for (percent, tsn) in parts {
            let amount = u32::try_from(u64::from(balance) * u64::from(percent) / 100).expect("smaller");
            host.purchase(purse, amount, terminal, date_time, tsn);
            balance -= amount;
        }
        let state = host.rig.socket.card().inspect().purse.expect("a purse");
        prop_assert_eq!(if deposit { state.deposit } else { state.purse }, balance);
    }
}
