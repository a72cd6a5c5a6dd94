//! What a host meets when a card misbehaves: each fault has its own error, every exchange ends, and the same seed gives the
//! same faults.

use card_core::command::{self, Record};
use card_core::crypto::KeyForm;
use card_core::limits::{CallLimits, GET_RESPONSE_MAX};
use card_core::security::{KeyName, KeyRef, MacKey, SecurityModule};
use card_core::transport::{ReaderCall, TransportError};
use card_core::{Response, Session, SessionError};
use card_profiles::account::{AccountRules, Amounts, purchase_seed};
use card_sim::fault::{Fault, FaultPlan, Moment, Trigger};
use card_sim::noise::Noise;

use super::account::{card, load};
use super::rig::{NOW, Rig, TERMINAL, blank, keyed};

const SSSE: &[u8] = b"sx1.sh.\xC9\xE7\xBB\xE1\xB1\xA3\xD5\xCF";
const VERSION: Record = Record::Tag(3);

/// A session with a card whose second command, READ RECORD, meets `fault`; what the host got of it.
fn meets(fault: Fault) -> (Session, Result<Response, SessionError>) {
    let rig = keyed("ssc-3.0");
    rig.socket.card().set_faults(FaultPlan::new(vec![fault])).expect("no image");
    let mut session = Session::new(Box::new(rig.socket.connect().expect("power")));
    session.send(&command::select_by_name(SSSE)).expect("not yet");
    let got = session.send(&command::read_record(5, VERSION, 6));
    (session, got)
}

fn transport(got: Result<Response, SessionError>) -> TransportError {
    match got.expect_err("fails") {
        SessionError::Transport(error) => error,
        other => panic!("{other:?}"),
    }
}

fn read() -> Trigger {
    Trigger::instruction(0xB2, 1)
}

#[test]
fn a_mute_card_is_mute_and_a_pulled_card_is_removed() {
    let (mut session, got) = meets(Fault::Mute { at: read() });
    assert!(matches!(transport(got), TransportError::CardMute { .. }));
    assert!(matches!(transport(session.send(&command::get_challenge(8))), TransportError::CardMute { .. }));
    let (mut session, got) = meets(Fault::PowerLoss { at: read(), moment: Moment::Before, back_after_ms: None });
    assert!(matches!(transport(got), TransportError::CardRemoved { .. }));
    assert!(matches!(transport(session.send(&command::get_challenge(8))), TransportError::CardRemoved { .. }));
}

#[test]
fn a_slow_card_is_waited_for_up_to_the_limit_and_no_longer() {
    let limit = u64::try_from(CallLimits::USUAL.transmit.as_millis()).expect("seconds");
    let (_, got) = meets(Fault::Slow { at: read(), ms: limit });
    assert_eq!(got.expect("in time").data.len(), 6);
    let (mut session, got) = meets(Fault::Slow { at: read(), ms: limit + 1 });
    assert!(matches!(transport(got), TransportError::Timeout { call: ReaderCall::Transmit, .. }));
    let again = transport(session.send(&command::get_challenge(8)));
    assert!(matches!(again, TransportError::ReaderSick { .. }), "{again:?}");
}

#[test]
fn an_endless_answer_is_given_up_within_its_bound() {
    let rig = keyed("ssc-3.0");
    rig.socket.card().set_faults(FaultPlan::new(vec![Fault::Endless { at: read() }])).expect("no image");
    let mut session = Session::new(Box::new(rig.socket.connect().expect("power")));
    session.send(&command::select_by_name(SSSE)).expect("not yet");
    let before = session.wire().exchanges;
    let error = session.send(&command::read_record(5, VERSION, 6)).expect_err("bounded");
    assert!(matches!(error, SessionError::EndlessAnswer(..)), "{error:?}");
    let exchanges = usize::try_from(session.wire().exchanges - before).expect("few");
    assert!((2..=GET_RESPONSE_MAX + 1).contains(&exchanges), "{exchanges}");
    assert_eq!(session.send(&command::read_record(5, VERSION, 6)).expect("over").data.len(), 6, "the card goes on");
}

#[test]
fn an_answer_that_breaks_off_has_no_status_or_is_a_wrong_one() {
    for keep in 0..8 {
        let (_, got) = meets(Fault::Truncated { at: read(), keep });
        match (keep, got) {
            (0 | 1, Err(SessionError::NoStatusWord(length, header))) => {
                assert_eq!((u64::try_from(length).expect("short"), header.0), (keep, [0x00, 0xB2, 0x03, 0x28]));
            }
            // The end of what is left is taken for a status word; it is not 9000, so the data count for nothing.
            (2..8, Ok(response)) => assert!(!response.sw.is_ok(), "{keep}: {:?}", response.sw),
            (keep, got) => panic!("{keep}: {got:?}"),
        }
    }
    let (_, got) = meets(Fault::WrongProcedure { at: read() });
    assert!(matches!(got, Err(SessionError::NoStatusWord(1, _))), "{got:?}");
}

#[test]
fn wrong_bits_come_from_the_seed_and_last_until_cleared() {
    let transcript = |seed: Option<u64>| {
        let mut rig = keyed("ssc-3.0");
        let faults =
            seed.map(|seed| Fault::BitErrors { at: Trigger::command(3), per_million: 20_000, seed: Noise::new(seed) });
        rig.socket.card().set_faults(FaultPlan::new(faults.into_iter().collect())).expect("no image");
        rig.raw("00A4000002DDF1");
        (0..40).map(|_| rig.raw("00B2012C12")).collect::<Vec<_>>()
    };
    let (sound, noisy) = (transcript(None), transcript(Some(1)));
    assert_eq!(noisy, transcript(Some(1)), "the same seed, the same bits");
    assert_ne!(noisy, transcript(Some(2)));
    assert_eq!(noisy[0], sound[0], "not before the third command");
    let wrong = noisy.iter().zip(&sound).filter(|(noisy, sound)| noisy != sound).count();
    assert!(wrong > 30 && noisy.iter().all(|answer| answer.len() == 40), "{wrong} of 40; lengths stay");
}

/// One purchase of one fen as a terminal makes it; every failure is the caller's to see.
fn purchase(rig: &mut Rig, rules: &AccountRules, tsn: u32) -> Result<Option<Response>, SessionError> {
    let Ok(transport) = rig.socket.connect() else { return Ok(None) };
    let mut session = Session::new(Box::new(transport));
    let df = rig.profile.df("DF04").expect("DF04").df_name.clone();
    session.send(&command::select_by_name(&df))?;
    session.send(&command::verify(&[0x12, 0x34, 0x56]))?;
    let amounts = Amounts { personal_account: 1, self_paid: 0, pooled_fund: 0 };
    let start = session.send(&rules.init_purchase(amounts, TERMINAL))?;
    let Ok(start) = AccountRules::parse_purchase_start(&start.data) else { return Ok(None) };
    let key = KeyRef { name: KeyName::new("DPK"), version: 1, path: Vec::new(), form: KeyForm::TDES };
    let session_key = MacKey::Session(purchase_seed(start.random, start.card_sequence, tsn));
    let message = [&amounts.to_bytes()[..], &[rules.purchase_type], &TERMINAL, &NOW].concat();
    let mac1 = rig.ring.mac(&key, session_key, [0; 8], &message).expect("a key of the ring");
    session.send(&rules.debit_purchase(tsn, NOW, mac1)).map(Some)
}

/// Purchases in a storm; what the host saw of each.
fn storm(seed: u64) -> (Rig, Vec<String>) {
    let mut rig = card();
    load(&mut rig, 1000);
    let rules = rig.profile.account.clone().expect("account");
    // The card's own random numbers are written down too: a session differs in nothing but its faults.
    rig.script_random(&"13579BDF".repeat(400));
    let storm = Fault::Storm { per_mille: 120, seed: Noise::new(seed) };
    rig.socket.card().set_faults(FaultPlan::new(vec![storm])).expect("no image");
    let seen = (1..=60)
        .map(|tsn| match purchase(&mut rig, &rules, tsn) {
            Ok(None) => "not begun".to_owned(),
            Ok(Some(response)) => response.sw.to_string(),
            Err(error) => error.to_string(),
        })
        .collect();
    rig.socket.card().set_faults(FaultPlan::default()).expect("no image");
    rig.socket.card().power_on().expect("recovers");
    (rig, seen)
}

#[test]
fn in_a_storm_every_purchase_ends_and_the_card_stays_consistent() {
    let mut causes = std::collections::BTreeSet::new();
    for seed in 0..24 {
        let (rig, seen) = storm(seed);
        let inspection = rig.socket.card().inspect();
        let account = inspection.account.expect("account");
        let done = u32::from(account.offline_sequence);
        assert_eq!(account.personal_account, 1000 - done, "seed {seed}: one fen a purchase");
        // The log has thirty records; the first was the load.
        let records = &inspection.files["DF04.EF08"];
        assert_eq!(records.len(), 30.min(usize::try_from(done).expect("few") + 1), "seed {seed}");
        assert_eq!(records[0][..6], format!("{:04X}32", done - 1), "seed {seed}: the newest is the last purchase");
        let sure = seen.iter().filter(|word| *word == "9000").count();
        assert!(sure > 5 && sure <= usize::try_from(done).expect("few"), "seed {seed}: {sure} of {done}");
        causes.extend(seen);
    }
    for cause in ["card removed", "does not answer", "a status word needs 2", "6985", "9000"] {
        assert!(causes.iter().any(|seen| seen.contains(cause)), "{cause}: {causes:?}");
    }
}

#[test]
fn a_storm_of_the_same_seed_does_the_same_to_the_same_purchases() {
    let (first, seen) = storm(77);
    let (second, again) = storm(77);
    assert_eq!(seen, again);
    assert_eq!(first.socket.card().inspect(), second.socket.card().inspect());
    assert_ne!(seen, storm(78).1);
}

#[test]
fn a_fault_in_an_image_is_used_up_there_and_the_seed_moves_on() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.card");
    let text = card_profiles::builtin_text("ssc-3.0").expect("built in");
    let faults = FaultPlan::new(vec![
        Fault::Truncated { at: Trigger::command(1), keep: 1 },
        Fault::BitErrors { at: Trigger::command(2), per_million: 500_000, seed: Noise::new(9) },
    ]);
    card_sim::image::create(&path, text, super::rig::SERIAL, &faults).expect("made");
    let mut answers = Vec::new();
    for _ in 0..4 {
        // Another process each time: what is left of the plan is in the image.
        let mut card = card_sim::image::open(&path, card_sim::memory::Durability::Process).expect("free");
        card.power_on().expect("power");
        let mut answer = Vec::new();
        card.transmit(&[0x00, 0xA4, 0x00, 0x00, 0x02, 0xDD, 0xF1], &mut answer).expect("answer");
        answers.push(answer);
    }
    assert_eq!(answers[0], [0x61]);
    let noisy: std::collections::BTreeSet<_> = answers[1..].iter().collect();
    assert_eq!(noisy.len(), 3, "each answer has bits of its own: {answers:02X?}");
}

#[test]
fn a_factory_card_in_a_storm_never_panics() {
    for profile in ["ssc-1.0", "psam", "pboc-purse"] {
        let rig = blank(profile);
        let storm = Fault::Storm { per_mille: 700, seed: Noise::new(4) };
        rig.socket.card().set_faults(FaultPlan::new(vec![storm])).expect("no image");
        let mut answered = 0;
        for _ in 0..300 {
            let Ok(transport) = rig.socket.connect() else { continue };
            let mut session = Session::new(Box::new(transport));
            for read in [command::get_challenge(8), command::read_record(5, Record::Number(1), 0)] {
                answered += u32::from(session.send(&read).is_ok());
            }
        }
        assert!(answered > 50, "{profile}: {answered}");
    }
}
