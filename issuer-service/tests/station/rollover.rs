//! A new key set: cards made after it use it, cards begun or made before it keep theirs and still work.

use card_sim::fault::{Fault, FaultPlan, Moment, Trigger};
use card_sim::{Inspection, Socket};
use issuer_service::ceremony::{Room, Start};
use zeroize::Zeroizing;

use crate::money::Counter;
use crate::rig::{Rig, blank};

const CUSTODIANS: [&str; 3] = ["zhou", "qian", "wu"];

/// A whole ceremony of three custodians; the version that came of it.
fn ceremony(rig: &mut Rig) -> u8 {
    let passphrase = Zeroizing::new("the passphrase of the vault".to_owned());
    let folder = rig.centre.folder.join("shares");
    let (vault, centre) = (&rig.vault, &mut rig.centre);
    let custodians = CUSTODIANS.map(str::to_owned);
    let mut room = Room { centre, vault, passphrase: &passphrase, operator: Some("zhou") };
    room.start(&Start { custodians: &custodians, threshold: 2, missing: false, restore: None }).expect("started");
    for custodian in CUSTODIANS {
        room.operator = Some(custodian);
        room.contribute(&format!("the secret of {custodian}"), "", None).expect("contributed");
    }
    room.finish(Some(&folder)).expect("finished").0.key_set
}

fn versions(card: &Socket) -> Vec<Option<u8>> {
    let inspection: Inspection = card.card().inspect();
    // The certificate application comes from the factory as it is; its key is none of the centre's.
    let ours = inspection.keys.iter().filter(|(name, _)| !name.starts_with("CERT."));
    let mut versions: Vec<Option<u8>> = ours.map(|(_, key)| key.version).collect();
    versions.dedup();
    versions
}

#[test]
fn cards_before_and_after_a_rollover_both_load_with_their_own_keys() {
    let mut rig = Rig::new(2);
    let (old, new) = (blank(1), blank(2));
    rig.run(vec![vec![old.clone()]]).expect("made");
    assert_eq!(ceremony(&mut rig), 2);
    let summary = rig.run(vec![vec![new.clone()]]).expect("made");
    assert_eq!((summary.made, summary.left), (1, 0));
    rig.assert_complete(2, 0);
    assert_eq!((versions(&old), versions(&new)), (vec![Some(1)], vec![Some(2)]));
    let receipt = |rig: &mut Rig, job| rig.centre.store.read(|tx| tx.receipt(job)).expect("store").expect("receipt").0;
    assert!(receipt(&mut rig, 1).contains("\"key_version\":1") && receipt(&mut rig, 2).contains("\"key_version\":2"));

    let mut counter = Counter::of(rig, old, 0);
    counter.load(1, 50_000);
    assert_eq!(counter.on_chip(), 50_000, "the old card is loaded with a MAC of version 1");
}

#[test]
fn a_card_of_the_new_set_is_loaded_with_keys_of_the_new_set() {
    let mut rig = Rig::new(2);
    let (old, new) = (blank(1), blank(2));
    rig.run(vec![vec![old]]).expect("made");
    ceremony(&mut rig);
    rig.run(vec![vec![new.clone()]]).expect("made");
    let mut counter = Counter::of(rig, new, 1);
    counter.load(1, 50_000);
    assert_eq!(counter.on_chip(), 50_000);
}

#[test]
fn a_card_begun_before_a_rollover_is_finished_with_the_keys_that_it_was_begun_with() {
    let mut rig = Rig::new(1);
    let card = blank(1);
    let loss = Fault::PowerLoss { at: Trigger::command(60), moment: Moment::After, back_after_ms: Some(0) };
    card.card().set_faults(FaultPlan::new(vec![loss, Fault::Mute { at: Trigger::command(60) }])).expect("faults");
    let summary = rig.run(vec![vec![card.clone()]]).expect("run");
    assert_eq!((summary.made, summary.left), (0, 1));
    ceremony(&mut rig);
    card.card().set_faults(FaultPlan::default()).expect("healed");
    let summary = rig.run(vec![vec![card.clone()]]).expect("run");
    assert_eq!((summary.made, summary.left), (1, 0));
    assert_eq!(versions(&card), [Some(1)]);
    rig.assert_complete(1, 0);
}

#[test]
fn a_made_card_refuses_the_factorys_key_and_proves_its_own_in_every_directory() {
    use card_core::crypto::KeyForm;
    use card_core::script::{KeyLoad, Step};
    use card_core::security::KeyRef;
    use card_core::{Session, StatusWord};
    use card_profiles::approach::KeyVersions;
    use card_profiles::plan::{ControlKeyState, Plan, Target};
    use issuer_service::centre::Centre;

    let rig = Rig::new(1);
    let card = blank(1);
    rig.run(vec![vec![card.clone()]]).expect("made");
    let profile = Centre::card_profile();
    let mut keys = rig.vault.keys();
    let chip = {
        let session = Session::new(Box::new(card.connect().expect("card")));
        session.atr().and_then(|atr| Ok(atr.card_factor()?)).expect("factor")
    };
    let factors = card_core::security::Factors::of(rig.centre.config.city, chip);
    let target = Target { versions: KeyVersions::all(1), ..Target::blank(factors, 1) };
    for df in &profile.df {
        let mut session = Session::new(Box::new(card.connect().expect("card")));
        let probe = Plan::probe(&profile, &df.id, &target).expect("plan");
        let mut answer = None;
        let mut load: Option<KeyLoad> = None;
        for step in &probe.steps {
            answer = Some(session.perform(&step.step, Some(&mut keys)).expect("answer"));
            if let Step::LoadKey(of) = &step.step {
                load = Some(of.clone());
            }
        }
        assert_eq!(
            ControlKeyState::of_probe(&answer.expect("an answer")),
            Some(ControlKeyState::Production),
            "{}",
            df.id
        );
        // The same load under the factory's key.
        let name = card_core::security::KeyName::new(card_profiles::rehearsal::TRANSPORT_KEY_NAME);
        let transport = KeyRef { name, version: 1, path: vec![factors.card], form: KeyForm::TDES };
        let load = KeyLoad { protecting: transport, ..load.expect("a load") };
        let refused = session.perform(&Step::LoadKey(load), Some(&mut keys)).expect("answer").sw;
        assert!(
            [StatusWord::MAC_WRONG, StatusWord::SECURE_MESSAGING_WRONG].contains(&refused),
            "{}: {refused:?}",
            df.id
        );
    }
}
