//! T=1: the same card, the same data, and neither `61xx` nor `6Cxx` nor GET RESPONSE.

use std::sync::{Arc, Mutex};

use card_core::apdu::Protocol;
use card_core::command::{self, Record};
use card_core::transport::{Transport, TransportError};
use card_core::{Command, Session};
use card_profiles::account::{Amounts, BalanceKind};

use super::account;
use super::rig::{Rig, TERMINAL, keyed};

/// INS of each command and the status word of its answer.
type Seen = Arc<Mutex<Vec<(u8, u16)>>>;

/// A transport that writes down what crosses it.
struct Watched<T>(T, Seen);

impl<T: Transport> Transport for Watched<T> {
    fn transmit(&mut self, command: &[u8], answer: &mut Vec<u8>) -> Result<(), TransportError> {
        self.0.transmit(command, answer)?;
        let sw = u16::from_be_bytes(*answer.last_chunk().expect("a status word"));
        self.1.lock().expect("one thread").push((command[1], sw));
        Ok(())
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.0.reset()
    }

    fn atr(&self) -> &[u8] {
        self.0.atr()
    }

    fn protocol(&self) -> Protocol {
        self.0.protocol()
    }
}

fn session(rig: &Rig, protocol: Protocol) -> (Session, Seen) {
    let seen = Seen::default();
    let transport = rig.socket.connect_with(protocol).expect("power");
    (Session::new(Box::new(Watched(transport, Arc::clone(&seen)))), seen)
}

/// What a terminal sends in a visit: selection, reading in every form, a purchase up to its debit, balance and proof.
fn visit(rig: &Rig) -> Vec<Command> {
    let rules = rig.profile.account.clone().expect("account");
    let df = |id: &str| command::select_by_name(&rig.profile.df(id).expect("a DF").df_name).with_le(0);
    vec![
        df("SSSE"),
        command::read_record(5, Record::Tag(7), 0),
        command::read_record(5, Record::Tag(7), 11),
        command::read_record(5, Record::Number(1), 18),
        command::read_record(5, Record::AllFrom(1), 0),
        command::read_record(5, Record::Tag(0x55), 0),
        command::read_record(8, Record::Tag(7), 0),
        command::internal_authenticate([1; 8], [2; 8]).with_le(8),
        command::verify(&[0x12, 0x34, 0x56]),
        df("DF04"),
        rules.get_balance(BalanceKind::PersonalAccount),
        rules.get_balance(BalanceKind::PooledFundTotal),
        rules.init_purchase(Amounts::default(), TERMINAL),
        rules.debit_purchase(1, [0x20; 7], [0; 4]),
        rules.init_load(100, TERMINAL),
        rules.prove(rules.load_type, 9).expect("a row"),
    ]
}

#[test]
fn a_visit_over_blocks_answers_as_over_characters_without_asking_twice() {
    let run = |protocol| {
        let mut rig = keyed("ssc-3.0");
        rig.script_random(&"13579BDF".repeat(8));
        let (mut session, seen) = session(&rig, protocol);
        let answers: Vec<_> = visit(&rig)
            .iter()
            .map(|command| {
                let answer = session.send(command).expect("answer");
                // What stays in the card is no answer: on T=0 it counts as done.
                (hex::encode_upper(&answer.data), if answer.sw.sw1() == 0x61 { 0x9000 } else { answer.sw.0 })
            })
            .collect();
        let seen = seen.lock().expect("one thread").clone();
        rig.reset();
        (answers, seen)
    };
    let (characters, over_t0) = run(Protocol::T0);
    let (blocks, over_t1) = run(Protocol::T1);
    assert_eq!(characters, blocks);
    assert!(blocks.iter().filter(|(data, _)| !data.is_empty()).count() >= 9, "{blocks:?}");
    let asked =
        |seen: &[(u8, u16)]| seen.iter().filter(|(ins, sw)| *ins == 0xC0 || matches!(sw >> 8, 0x61 | 0x6C)).count();
    assert_eq!(asked(&over_t1), 0, "{over_t1:04X?}");
    assert_eq!(over_t1.len(), blocks.len(), "one exchange a command");
    assert!(asked(&over_t0) >= 8 && over_t0.len() > over_t1.len(), "{over_t0:04X?}");
}

#[test]
fn a_whole_purchase_goes_through_over_blocks() {
    let mut rig = account::card();
    account::load(&mut rig, 1000);
    rig.script_random("13579BDF");
    let amounts = "000000FA0000006400000032";
    let (mut session, seen) = session(&rig, Protocol::T1);
    let df = rig.profile.df("DF04").expect("DF04").df_name.clone();
    session.send(&command::select_by_name(&df)).expect("answer");
    session.send(&command::verify(&[0x12, 0x34, 0x56])).expect("answer");
    let rules = rig.profile.account.clone().expect("account");
    let amount = Amounts { personal_account: 250, self_paid: 100, pooled_fund: 50 };
    let start = session.send(&rules.init_purchase(amount, TERMINAL)).expect("answer");
    let start = hex::encode_upper([&start.data[..], &[0x90, 0x00]].concat());
    let debit = account::debit_command(&mut rig, &start, amounts, "00000001", "20260102030405");
    let bytes = hex::decode(debit).expect("hex");
    let debit = Command::new(bytes[0], bytes[1], bytes[2], bytes[3]).with_data(&bytes[5..]).with_le(8);
    let proof = session.send(&debit).expect("answer");
    assert_eq!((proof.data.len(), proof.sw.0), (8, 0x9000));
    assert_eq!(rig.socket.card().inspect().account.expect("account").personal_account, 750);
    assert!(seen.lock().expect("one thread").iter().all(|(_, sw)| *sw == 0x9000));
}

#[test]
fn le_is_the_most_that_is_wanted() {
    let rig = keyed("ssc-3.0");
    let mut transport = rig.socket.connect_with(Protocol::T1).expect("power");
    let mut raw = |text: &str| {
        let mut answer = Vec::new();
        transport.transmit(&hex::decode(text).expect("hex"), &mut answer).expect("answer");
        hex::encode_upper(answer)
    };
    let fci = raw("00A4000002DDF100");
    assert!(fci.starts_with("6F1C84") && fci.ends_with("9000"), "{fci}");
    for (command, answer) in [
        ("00A4000002DDF1", "9000"),
        ("00A4000002DDF104", "6F1C840F9000"),
        ("00C000001E", "6D00"),
        ("00B2072C0A", "6700"),
        ("00B2072C", "9000"),
        ("00B2082C0C", "6A83"),
        ("00840000", "6700"),
        ("0020000003123456", "9000"),
        ("00200000031234", "6700"),
        ("B026000104", "6985"),
    ] {
        assert_eq!(raw(command), answer, "{command}");
    }
    let whole = raw("00B2072C0B");
    assert_eq!(whole.len(), 2 * 13);
    for le in ["00", "0C", "FF"] {
        assert_eq!(raw(&format!("00B2072C{le}")), whole, "{le}");
    }
}
