//! Plans and reads carried out on the software card: a blank becomes a card, whatever happens on the way.
//!
//! The software card shares the profile with what is tested here, so this says nothing about bytes of real cards; the
//! golden commands stand in the unit tests.

use card_core::script::Step;
use card_core::security::keyring::KeyRing;
use card_core::security::{CityCode, Factors, KeyName, SecurityModule};
use card_core::tries::{Guard, TriesBook};
use card_core::{Atr, Response, Session};
use card_profiles::approach::{KeyVersions, Means};
use card_profiles::lint::lint;
use card_profiles::plan::{ControlKeyState, Mismatch, Plan, Target};
use card_profiles::read::{HOLDER, Outcome, Reader};
use card_profiles::rehearsal::{TRANSPORT_KEY, TRANSPORT_KEY_NAME, TRANSPORT_LOT};
use card_profiles::{CardValues, Catalog, Profile, Value, builtin, codec, recognition};
use card_sim::fault::{Fault, FaultPlan, Moment, Trigger};
use card_sim::{Card, Socket};

const SERIAL: [u8; 6] = [0x51, 0x33, 0x00, 0x00, 0x00, 0x01];

fn key16(seed: u8) -> card_core::key::Key16 {
    card_core::key::Key16::new(std::array::from_fn(|index| {
        seed.wrapping_mul(31).wrapping_add(u8::try_from(index).expect("below 16") * 7)
    }))
}

/// A vault with one invented root key for each key row, and the factory's transport key.
fn vault(profiles: &[&Profile]) -> KeyRing {
    let mut ring = KeyRing::new();
    let rows = profiles.iter().flat_map(|profile| &profile.key);
    for row in rows {
        let seed = row.name.as_str().bytes().fold(7_u8, |sum, byte| sum.wrapping_mul(13).wrapping_add(byte));
        ring.insert(row.name.clone(), 1, key16(seed));
    }
    ring.insert(KeyName::new(TRANSPORT_KEY_NAME), TRANSPORT_LOT, card_core::key::Key16::new(TRANSPORT_KEY));
    ring
}

fn blank(profile: &Profile) -> Socket {
    Socket::new(Card::factory(profile, SERIAL, &card_core::key::Key16::new(TRANSPORT_KEY)).expect("a card"))
}

fn target(socket: &Socket) -> Target {
    let factor = Atr::parse(socket.card().atr()).and_then(|atr| atr.card_factor()).expect("an ATR");
    Target::blank(Factors::of(CityCode::parse("513300").expect("six digits"), factor), TRANSPORT_LOT)
}

fn person() -> CardValues {
    let entries: [(&str, Value); 16] = [
        ("SSSE.EF05.card_identifier", "513300D15600000500000001AABBCCDD".into()),
        ("SSSE.EF05.card_class", "1".into()),
        ("SSSE.EF05.spec_version", "3.00".into()),
        ("SSSE.EF05.issue_date", "20260101".into()),
        ("SSSE.EF05.valid_until", "20360101".into()),
        ("SSSE.EF05.card_number", "X00000019".into()),
        ("SSSE.EF06.social_security_number", "111111198101011110".into()),
        ("SSSE.EF06.name", "张三".into()),
        ("SSSE.EF06.sex", "1".into()),
        ("SSSE.EF06.birth_date", "19810101".into()),
        ("SSSE.EF07", Value::bytes(&[0x5A; 768])),
        ("DF01.EF15.degree_2.school_name", "南京大学".into()),
        ("DF02.EF05.worker_qualification_1.qualification_level", "2".into()),
        ("DF03.EF07.months_total", "123".into()),
        ("DF04.EF05.insured_region", "513300".into()),
        ("DF07.EF05.honour", "01".into()),
    ];
    let mut values = CardValues::new();
    entries.into_iter().for_each(|(place, value)| values.set(place, value).expect("a place"));
    values
}

/// Carries out a plan to its end; `None` when the card was lost on the way.
fn carry_out(plan: &Plan, socket: &Socket, vault: &mut KeyRing) -> Option<Vec<Mismatch>> {
    let mut session = Session::new(Box::new(socket.connect().expect("the card comes up")));
    let mut mismatches = Vec::new();
    for step in &plan.steps {
        let answer = session.perform(&step.step, Some(vault)).ok()?;
        mismatches.extend(step.judge(&answer).err());
    }
    Some(mismatches)
}

fn personalized(profile: &Profile, values: &CardValues, vault: &mut KeyRing) -> Socket {
    let socket = blank(profile);
    let plan = Plan::personalize(profile, values, &target(&socket)).expect("plan");
    assert_eq!(carry_out(&plan, &socket, vault), Some(vec![]));
    socket
}

/// What a station does with a card that was interrupted: asks each directory for its control key, then plans anew.
fn recover(profile: &Profile, values: &CardValues, socket: &Socket, vault: &mut KeyRing) -> Vec<Mismatch> {
    let mut target = target(socket);
    for df in &profile.df {
        let probe = Plan::probe(profile, &df.id, &target).expect("probe");
        let mut session = Session::new(Box::new(socket.connect().expect("the card comes up")));
        let answers: Vec<Response> =
            probe.steps.iter().map(|step| session.perform(&step.step, Some(vault)).expect("answer")).collect();
        let state = answers.last().and_then(ControlKeyState::of_probe).expect("a clear answer");
        target.control.set(&df.id, state);
    }
    let plan = Plan::personalize(profile, values, &target).expect("plan");
    carry_out(&plan, socket, vault).expect("no second fault")
}

#[test]
fn a_card_has_as_many_keys_as_are_counted_of_its_profile() {
    for name in card_profiles::builtin::names() {
        let profile = builtin(name).expect("built in");
        let card = Card::factory(&profile, SERIAL, &card_core::key::Key16::new(TRANSPORT_KEY)).expect("fits");
        assert_eq!(card.inspect().keys.len(), profile.key_count(), "{name}");
    }
}

#[test]
fn a_blank_becomes_a_card_that_reads_as_written() {
    let profile = builtin("ssc-3.0").expect("built in");
    let (values, mut vault) = (person(), vault(&[&profile]));
    let socket = personalized(&profile, &values, &mut vault);
    let inspection = socket.card().inspect();
    assert!(inspection.keys.values().all(|key| key.version == Some(1) && key.tries_left == 3), "{:?}", inspection.keys);

    let files: Vec<(&str, &str)> =
        profile.df.iter().flat_map(|df| df.ef.iter().map(|ef| (df.id.as_str(), ef.id.as_str()))).collect();
    let means = Means {
        pin: Some(vec![0x12, 0x34, 0x56]),
        factors: Some(target(&socket).factors),
        versions: KeyVersions::default(),
    };
    let outcome = read(Reader::new(&profile, &files, means), &socket, &mut vault);
    assert_eq!((outcome.refusals, outcome.reading.faults), (vec![], vec![]));
    for (place, value) in values.iter() {
        assert_eq!(outcome.reading.values.at(place), Some(value), "{place}");
    }
}

fn read(mut reader: Reader<'_>, socket: &Socket, vault: &mut KeyRing) -> Outcome {
    let mut session = Session::new(Box::new(socket.connect().expect("the card comes up")));
    play(&mut session, &mut reader, Some(vault));
    reader.finish()
}

fn play(session: &mut Session, reader: &mut Reader<'_>, module: Option<&mut dyn SecurityModule>) {
    let mut book = TriesBook::default();
    session.play(reader, module, &mut Guard { book: &mut book, consent: false }).expect("the card answers");
}

/// The basic read of a card that is not known yet: what it is, and what was read. `factor`: whose keys are tried.
fn basic(
    socket: &Socket,
    factor: [u8; 8],
    module: Option<&mut dyn SecurityModule>,
) -> (recognition::Recognition, Outcome, u64) {
    let catalog = Catalog::builtin();
    let mut session = Session::new(Box::new(socket.connect().expect("the card comes up")));
    let mut reader = Reader::issuer(catalog.first());
    play(&mut session, &mut reader, None);
    let first = reader.finish();
    let card = recognition::recognise(first.fci.as_ref(), &first.reading.values).expect("recognised");
    let means = Means { factors: module.is_some().then(|| Factors::of(card.city, factor)), ..Means::default() };
    let mut reader = Reader::new(catalog.of_card(&card).expect("a profile"), &HOLDER, means).after(first);
    play(&mut session, &mut reader, module);
    (card, reader.finish(), session.wire().bytes)
}

#[test]
fn a_basic_read_recognises_the_card_and_opens_the_holder_with_its_own_keys() {
    let profile = builtin("ssc-3.0").expect("built in");
    let mut vault = vault(&[&profile]);
    let socket = personalized(&profile, &person(), &mut vault);
    let factor = target(&socket).factors.card;
    let (card, outcome, bytes) = basic(&socket, factor, Some(&mut vault));
    assert_eq!((outcome.refusals, bytes), (vec![], 272));
    assert_eq!(outcome.reading.values.text("SSSE.EF06.name"), Some("张三"));
    assert_eq!((card.profile_name(), card.city.as_str()), ("ssc-3.0", "513300"));

    let (_, outcome, _) = basic(&socket, factor, None);
    assert_eq!(outcome.refusals.first().map(|refusal| refusal.reason.code()), Some("KEY_NEEDED"));
    let mut other = factor;
    other[7] ^= 1;
    let (_, outcome, _) = basic(&socket, other, Some(&mut vault));
    assert_eq!(outcome.refusals.first().map(|refusal| refusal.reason.code()), Some("KEY_REFUSED"));
}

/// The sample person on a card of another type: values that its profile lacks are left out.
fn person_of(profile: &Profile, city: &str) -> CardValues {
    let mut values = CardValues::new();
    for (place, value) in person().iter().filter(|(place, _)| place.df() == "SSSE" && place.ef() != "EF07") {
        values.insert(place.clone(), value.clone());
    }
    values.set("SSSE.EF05.card_identifier", format!("{city}D15600000500000001AABBCCDD")).expect("a place");
    values.set("SSSE.EF05.spec_version", profile.version.as_str()).expect("a place");
    values
}

#[test]
fn every_type_of_card_is_recognised_and_read_by_its_own_profile() {
    for (name, city, least) in [
        ("ssc-1.0", "513300", 172),
        ("ssc-1.0-hebei", "130100", 172),
        ("ssc-1.0-zhejiang", "330500", 172),
        ("ssc-2.0", "513300", 194),
        ("ssc-2.0-shandong", "370200", 194),
        ("ssc-3.0", "513300", 272),
        ("ssc-3.0-sm4", "513300", 273),
    ] {
        let profile = builtin(name).expect("built in");
        let (values, mut vault) = (person_of(&profile, city), vault(&[&profile]));
        let socket = blank(&profile);
        let mut target = target(&socket);
        target.factors = Factors::of(CityCode::parse(city).expect("six digits"), target.factors.card);
        let plan = Plan::personalize(&profile, &values, &target).expect("plan");
        assert_eq!(carry_out(&plan, &socket, &mut vault), Some(vec![]), "{name}");
        let (card, outcome, bytes) = basic(&socket, target.factors.card, Some(&mut vault));
        assert_eq!(card.profile_name(), name);
        assert_eq!((outcome.refusals, outcome.reading.faults), (vec![], vec![]), "{name}");
        assert_eq!(outcome.reading.values.text("SSSE.EF06.name"), Some("张三"), "{name}");
        assert_eq!(bytes, least, "{name}");
    }
}

#[test]
fn a_directory_file_that_is_chosen_names_every_application_to_whoever_reads_its_sfi() {
    for (base, applications) in [("ssc-1.0", 4), ("ssc-2.0", 5), ("ssc-3.0", 5)] {
        let choice = "[option.directory_file]\nchoice = \"present\"";
        let text = format!("format = 2\nextends = \"{base}\"\nname = \"{base}-directory\"\n{choice}");
        let profile = Profile::parse(&text).expect("a profile");
        assert_eq!(lint(&profile), []);
        let (values, mut vault) = (person_of(&profile, "513300"), vault(&[&profile]));
        let socket = personalized(&profile, &values, &mut vault);
        let mut session = Session::new(Box::new(socket.connect().expect("the card comes up")));
        let df = &profile.df[0];
        assert!(session.send(&card_core::command::select_by_name(&df.df_name)).expect("answer").sw.is_ok());
        // 00 B2 01 F5: all records of SFI 1E. Each is 61 with the AID (4F) and a label (50) in GBK, filled with zeros.
        let read = card_core::apdu::Command::new(0x00, 0xB2, 0x01, 0xF5).with_le(0);
        let mut rest = session.send(&read).expect("answer").data;
        let label = profile.ef("SSSE", "EF1E").expect("chosen").elements[0].inner[1].format;
        for df in &profile.df[1..] {
            let record: Vec<u8> = rest.drain(..28).collect();
            assert_eq!(
                (&record[..4], &record[4..10]),
                (&[0x61, 0x1A, 0x4F, 0x06][..], &*df.df_name),
                "{base} {}",
                df.id
            );
            assert_eq!(record[10..12], [0x50, 0x10]);
            assert_eq!(
                record[12..],
                codec::encode(label, &Value::from(&*df.name)).expect("it fits"),
                "{base} {}",
                df.id
            );
            for name in [&df.df_name, &profile.df[0].df_name] {
                assert!(session.send(&card_core::command::select_by_name(name)).expect("answer").sw.is_ok(), "{base}");
            }
        }
        assert_eq!((rest.len(), profile.df.len()), (0, applications + 1), "{base}");
        // The built-in card has no such file.
        let profile = builtin(base).expect("built in");
        let socket = personalized(&profile, &person_of(&profile, "513300"), &mut vault);
        let mut session = Session::new(Box::new(socket.connect().expect("the card comes up")));
        session.send(&card_core::command::select_by_name(&profile.df[0].df_name)).expect("answer");
        assert_eq!(session.send(&read).expect("answer").sw, card_core::StatusWord::FILE_NOT_FOUND);
    }
}

#[test]
fn a_card_that_loses_power_at_any_command_is_finished_by_the_next_station() {
    let profile = builtin("ssc-3.0").expect("built in");
    let (values, mut vault) = (person(), vault(&[&profile]));
    let whole = personalized(&profile, &values, &mut vault).card().inspect();
    let plan = Plan::personalize(&profile, &values, &target(&blank(&profile))).expect("plan");
    let inside = |write| Moment::Inside { write, half: true };
    let mut interrupted = 0;
    for nth in 1..=u64::try_from(plan.exchanges()).expect("small") {
        // Before a command is after the one before it.
        for moment in [inside(0), Moment::After] {
            let socket = blank(&profile);
            let fault = Fault::PowerLoss { at: Trigger::command(nth), moment, back_after_ms: None };
            socket.card().set_faults(FaultPlan::new(vec![fault])).expect("kept");
            assert_eq!(carry_out(&plan, &socket, &mut vault), None, "command {nth} is not reached");
            interrupted += 1;
            assert_eq!(recover(&profile, &values, &socket, &mut vault), [], "power lost at command {nth}, {moment:?}");
            assert_eq!(socket.card().inspect(), whole, "power lost at command {nth}, {moment:?}");
        }
    }
    assert!(interrupted > 2 * 2 * profile.key.len(), "{interrupted}");
}

#[test]
fn every_key_that_authenticates_can_be_proved_after_personalization() {
    let profile = builtin("ssc-3.0").expect("built in");
    let mut vault = vault(&[&profile]);
    let socket = personalized(&profile, &person(), &mut vault);
    let factors = target(&socket).factors;
    let mut session = Session::new(Box::new(socket.connect().expect("the card comes up")));
    let mut proved = 0;
    for df in &profile.df {
        let select = card_core::command::select_by_name(&df.df_name);
        assert!(session.send(&select).expect("answer").sw.is_ok());
        let rows = profile.key.iter().filter(|row| row.df == df.id && profile.proves(row));
        // Control keys of inner directories have an id below 80, which means the environment's.
        for row in rows.filter(|row| row.id >= 0x80 || row.df == "SSSE") {
            let step = Step::Authenticate { key: profile.key_of_card(row, 1, &factors), id: row.id };
            assert!(session.perform(&step, Some(&mut vault)).expect("answer").sw.is_ok(), "{}", row.name);
            proved += 1;
        }
    }
    assert_eq!(proved, 42);
}

#[test]
fn a_finished_card_survives_the_whole_plan_again() {
    let profile = builtin("ssc-3.0").expect("built in");
    let (values, mut vault) = (person(), vault(&[&profile]));
    let socket = personalized(&profile, &values, &mut vault);
    let whole = socket.card().inspect();
    assert_eq!(recover(&profile, &values, &socket, &mut vault), []);
    assert_eq!(socket.card().inspect(), whole);
}

#[test]
fn a_lemon_is_noticed_at_the_step_that_it_fails() {
    let profile = builtin("ssc-3.0").expect("built in");
    let mut vault = vault(&[&profile]);
    let socket = blank(&profile);
    socket.card().set_faults(FaultPlan::new(vec![Fault::Lemon { after_writes: 20 }])).expect("kept");
    let plan = Plan::personalize(&profile, &person(), &target(&socket)).expect("plan");
    let mismatches = carry_out(&plan, &socket, &mut vault).expect("it answers");
    assert_eq!(mismatches.first().map(Mismatch::code), Some("CARD_REFUSED"));
}

#[test]
fn a_psam_made_by_its_plan_opens_the_holder_of_a_card_made_by_its_own() {
    let (card, psam) = (builtin("ssc-3.0").expect("built in"), builtin("psam").expect("built in"));
    let mut vault = vault(&[&card, &psam]);
    let mut values = CardValues::new();
    values.set("MF.EF15.serial", "51330000000000000001").expect("a place");
    values.set("MF.EF16.terminal_number", "513300000001").expect("a place");
    values.set("DF01.EF17.purchase_key_index", "01").expect("a place");
    values.set("DF01.EF1C.purchase_key_index", "01").expect("a place");
    let slot = personalized(&psam, &values, &mut vault);
    let session = Session::new(Box::new(slot.connect().expect("the PSAM comes up")));
    let names = psam.psam_names().expect("a PSAM");
    let mut module = card_core::security::psam::Psam::open(session, &names, card.psam_keys()).expect("a PSAM");
    assert_eq!(hex::encode(module.terminal_number()), "513300000001");

    let socket = personalized(&card, &person(), &mut vault);
    let factor = target(&socket).factors.card;
    let (_, outcome, _) = basic(&socket, factor, Some(&mut module));
    assert_eq!(outcome.refusals, []);
    assert_eq!(outcome.reading.values.text("SSSE.EF06.name"), Some("张三"));
}
