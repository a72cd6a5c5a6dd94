use std::collections::BTreeSet;

use card_core::apdu::Protocol;
use card_core::security::CityCode;

use super::*;
use crate::builtin;
use crate::codec::Value;

const CARD: [u8; 8] = *b"\x86\x60\x51\x33\x00\x00\x00\x01";

fn target() -> Target {
    Target::blank(Factors::of(CityCode::parse("513300").expect("six digits"), CARD), 1)
}

fn person() -> CardValues {
    let entries: [(&str, Value); 14] = [
        ("SSSE.EF05.card_identifier", "513300D15600000500000001AABBCCDD".into()),
        ("SSSE.EF05.card_class", "1".into()),
        ("SSSE.EF05.spec_version", "3.00".into()),
        ("SSSE.EF05.initializing_institution", "9156000002510000513300FF".into()),
        ("SSSE.EF05.issue_date", "20101001".into()),
        ("SSSE.EF05.valid_until", "20201001".into()),
        ("SSSE.EF05.card_number", "X00000019".into()),
        ("SSSE.EF06.social_security_number", "111111198101011110".into()),
        ("SSSE.EF06.name", "张三".into()),
        ("SSSE.EF06.sex", "1".into()),
        ("SSSE.EF06.ethnic_group", "01".into()),
        ("SSSE.EF06.birthplace", "513301".into()),
        ("SSSE.EF06.birth_date", "19810101".into()),
        ("DF04.EF05.insured_region", "513300".into()),
    ];
    let mut values = CardValues::new();
    entries.into_iter().for_each(|(place, value)| values.set(place, value).expect("a place"));
    values
}

fn plan(values: &CardValues) -> Plan {
    Plan::personalize(&builtin("ssc-3.0").expect("built in"), values, &target()).expect("plan")
}

fn sent(plan: &Plan) -> Vec<String> {
    let bytes = |step: &PlannedStep| match &step.step {
        Step::Send(command) => hex::encode_upper(command.encode(Protocol::T0)),
        Step::Authenticate { key, id } => format!("authenticate {} {id:02X}", key.name),
        Step::LoadKey(load) => format!("load {} under {}", load.key.name, load.protecting.name),
        other => format!("{other:?}"),
    };
    plan.steps.iter().map(bytes).collect()
}

fn right_answers(plan: &Plan) -> Vec<Response> {
    let data = |step: &PlannedStep| match &step.expected {
        Expected::Done => Vec::new(),
        Expected::Bytes(bytes) => bytes.clone(),
        Expected::Records(records) => records.iter().flat_map(|(_, bytes)| bytes).copied().collect(),
    };
    plan.steps.iter().map(|step| Response { data: data(step), sw: StatusWord::OK }).collect()
}

#[test]
fn a_change_writes_the_named_parts_of_the_named_items_and_loads_no_key() {
    let profile = crate::builtin("ssc-3.0").expect("built in");
    let factors = target().factors;
    let means = Means { factors: Some(factors), ..Means::default() };
    let mut values = CardValues::new();
    for (place, value) in [("SSSE.EF06.name", "样例"), ("SSSE.EF06.sex", "1"), ("DF01.EF06.phone", "")] {
        values.set(place, value).expect("a place");
    }
    let acts = |plan: &Plan| plan.steps.iter().map(|step| step.act.clone()).collect::<Vec<_>>();
    let look = Plan::compare(&profile, &values, &means).expect("a plan");
    assert_eq!(acts(&look).iter().filter(|act| **act == Act::ReadBack).count(), 3);
    assert!(!acts(&look).contains(&Act::Write));
    let change = Plan::change(&profile, &values, &means, &[2].into()).expect("a plan");
    let written: Vec<_> = change.steps.iter().filter(|step| step.act == Act::Write).collect();
    assert_eq!(written.len(), 1);
    assert_eq!(written[0].place.as_ref().map(ToString::to_string).as_deref(), Some("DF01.EF06.phone"));
    assert!(acts(&change).iter().all(|act| !matches!(act, Act::LoadKey(_) | Act::ReplaceControlKey(_))));
    // A later piece of a transparent file is written behind the first, which makes the file the current one.
    let mut photo = CardValues::new();
    photo.set("SSSE.EF08", "FFD8").expect("a place");
    let pieces = Plan::compare(&profile, &photo, &means).expect("a plan");
    assert_eq!(acts(&pieces).iter().filter(|act| **act == Act::ReadBack).count(), 17);
    let last = Plan::change(&profile, &photo, &means, &[16].into()).expect("a plan");
    assert_eq!(acts(&last).iter().filter(|act| **act == Act::Write).count(), 2);
    // Nothing is begun that could not be read back: the PIN is missing.
    values.set("DF04.EF05.insured_region", "513301").expect("a place");
    let closed = Plan::compare(&profile, &values, &means).expect_err("closed");
    assert!(matches!(closed, PlanError::Closed { right: Some(Right::Pin), .. }), "{closed}");
}

#[test]
fn the_environment_is_written_with_the_commands_of_the_published_tool() {
    let expected = [
        "00A404000F7378312E73682EC9E7BBE1B1A3D5CF",
        "load IRK under TRANSPORT",
        "load PUK under TRANSPORT",
        "load STKSSSE under TRANSPORT",
        "load LKSSSE under TRANSPORT",
        "load RKSSSE under TRANSPORT",
        "load UKSSSE under TRANSPORT",
        "load BK under TRANSPORT",
        "load MKSSSE under TRANSPORT",
        "authenticate UKSSSE 04",
        "00DC0128120110513300D15600000500000001AABBCCDD",
        "00DC022803020131",
        "00DC0328060304332E3030",
        "00DC04280E040C9156000002510000513300FF",
        "00DC052806050420101001",
        "00DC062806060420201001",
        "00DC07280B0709583030303030303139",
        "00B2012D40",
        "00DC0830140812313131313131313938313031303131313130",
        "00DC093020091ED5C5C8FD0000000000000000000000000000000000000000000000000000",
        "00DC0A30030A0131",
        "00DC0B30030B0101",
        "00DC0C30050C03513301",
        "00DC0D30060D0419810101",
        "authenticate RKSSSE 0A",
        "00B201355B",
        "00A4000002DF01",
        "load STKDF01 under TRANSPORT",
    ];
    let mut commands = sent(&plan(&person()));
    commands.truncate(expected.len());
    assert_eq!(commands, expected);
}

#[test]
fn a_plan_needs_the_least_exchanges() {
    let profile = builtin("ssc-3.0").expect("built in");
    let plan = plan(&person());
    let directories = profile.df.len();
    let keys = 2 * profile.key.len();
    let (update_keys, read_keys, pin) = (2 * 2, 2 * 2, 1);
    let (written, read_back) = (person().len(), 3);
    assert_eq!(plan.exchanges(), directories + keys + update_keys + read_keys + pin + written + read_back);
    let selected: BTreeSet<&str> =
        plan.steps.iter().filter(|step| step.act == Act::Select).map(|step| step.df.as_str()).collect();
    assert_eq!(selected.len(), directories);
}

#[test]
fn every_key_is_loaded_once_and_the_control_key_last_in_its_directory() {
    let profile = builtin("ssc-3.0").expect("built in");
    let plan = plan(&person());
    let mut loaded = BTreeSet::new();
    for df in &profile.df {
        let acts: Vec<&Act> = plan.steps.iter().filter(|step| step.df == df.id).map(|step| &step.act).collect();
        let replaced = acts.iter().position(|act| **act == Act::ReplaceControlKey(df.control_key.clone()));
        for (index, act) in acts.iter().enumerate() {
            match act {
                Act::LoadKey(name) => assert!(loaded.insert(name.clone()) && Some(index) < replaced, "{name}"),
                Act::ReplaceControlKey(name) => assert!(loaded.insert(name.clone())),
                Act::Select => assert_eq!(index, 0),
                Act::Prove(_) | Act::Write | Act::ReadBack => assert!(Some(index) > replaced),
            }
        }
    }
    assert_eq!(loaded.len(), profile.key.len());
}

#[test]
fn loads_carry_usage_id_version_and_the_path_of_the_card() {
    let plan = plan(&person());
    let load = |name: &str| {
        plan.steps
            .iter()
            .find_map(|step| match &step.step {
                Step::LoadKey(load) if load.key.name.as_str() == name => Some(load.clone()),
                _ => None,
            })
            .expect(name)
    };
    let (stk, dpk) = (load("STKSSSE"), load("DPK"));
    assert_eq!(
        (stk.label, stk.key.form.length.bytes(), stk.header, stk.challenge),
        ([0x05, 0x02, 1], 8, [0x84, 0xD4, 0, 0], 4)
    );
    assert_eq!((dpk.label, dpk.key.form.length.bytes()), ([0x02, 0x00, 1], 16));
    assert_eq!(dpk.key.path, target().factors.path());
    assert_eq!((dpk.protecting.version, dpk.protecting.path), (1, vec![CARD]));
}

#[test]
fn a_directory_with_its_production_control_key_gets_no_keys_again() {
    let profile = builtin("ssc-3.0").expect("built in");
    let mut target = target();
    target.control.set("SSSE", ControlKeyState::Production);
    let plan = Plan::personalize(&profile, &person(), &target).expect("plan");
    let loads =
        |df: &str| plan.steps.iter().filter(|step| step.df == df && matches!(step.step, Step::LoadKey(_))).count();
    assert_eq!((loads("SSSE"), loads("DF07")), (0, 9));
    let writes = plan.steps.iter().filter(|step| step.act == Act::Write).count();
    assert_eq!(writes, person().len());
}

#[test]
fn the_probe_loads_the_production_control_key_over_itself() {
    let profile = builtin("ssc-3.0").expect("built in");
    let probe = Plan::probe(&profile, "DF04", &target()).expect("probe");
    assert_eq!(
        sent(&probe),
        ["00A404000F7378312E73682EC9E7BBE1B1A3D5CF", "00A4000002DF04", "load MKDF04 under MKDF04"]
    );
    let answer = |sw: u16| ControlKeyState::of_probe(&Response { data: Vec::new(), sw: StatusWord(sw) });
    assert_eq!(answer(0x9000), Some(ControlKeyState::Production));
    assert_eq!(answer(0x9302), Some(ControlKeyState::Transport));
    assert_eq!(answer(0x6988), Some(ControlKeyState::Transport));
    assert_eq!((answer(0x6983), answer(0x6581)), (None, None));
}

#[test]
fn right_answers_are_accepted_and_every_changed_byte_is_named() {
    let plan = plan(&person());
    let answers = right_answers(&plan);
    assert_eq!(plan.judge(&answers), []);
    let mut named = BTreeSet::new();
    for (step, right) in plan.steps.iter().zip(&answers) {
        for byte in 0..right.data.len() {
            let mut wrong = Response { data: right.data.clone(), sw: right.sw };
            wrong.data[byte] ^= 0x01;
            let mismatch = step.judge(&wrong).expect_err("changed");
            assert_eq!(mismatch.code(), "READ_BACK_DIFFERS");
            named.insert(mismatch.place.expect("a place").to_string());
        }
        let refused = Response { data: Vec::new(), sw: StatusWord::SECURITY_STATUS };
        assert_eq!(step.judge(&refused).expect_err("refused").problem, Problem::Refused(StatusWord::SECURITY_STATUS));
    }
    // 7 + 7 + 16 items of the three files that have values; those without value must be blank.
    assert_eq!(named.len(), 30);
    assert!(named.contains("SSSE.EF06.name_extension") && named.contains("DF04.EF05.tag_8f"));
}

#[test]
fn short_and_long_read_backs_are_noticed() {
    let plan = plan(&person());
    let (step, right) =
        plan.steps.iter().zip(right_answers(&plan)).find(|(step, _)| step.act == Act::ReadBack).expect("one");
    for n in 0..right.data.len() {
        assert!(step.judge(&Response { data: right.data[..n].to_vec(), sw: right.sw }).is_err(), "{n}");
    }
    let long = Response { data: [&right.data[..], &[0]].concat(), sw: right.sw };
    assert_eq!(step.judge(&long).expect_err("long").problem, Problem::Length { expected: 64, got: 65 });
    assert_eq!(plan.judge(&[]).len(), plan.steps.len());
}

#[test]
fn a_picture_goes_in_the_fewest_commands_and_names_its_wrong_byte() {
    let mut values = CardValues::new();
    values.set("SSSE.EF08", Value::bytes(&[0xA5; 4096])).expect("a place");
    let plan = plan(&values);
    let of = |act: &Act| plan.steps.iter().filter(|step| step.act == *act).count();
    assert_eq!((of(&Act::Write), of(&Act::ReadBack)), (17, 16));
    let mut answers = right_answers(&plan);
    let last = plan.steps.iter().rposition(|step| step.act == Act::ReadBack).expect("one");
    answers[last].data[255] = 0;
    assert_eq!(plan.judge(&answers).iter().map(|mismatch| mismatch.problem).collect::<Vec<_>>(), [Problem::Byte(4095)]);
    let commands = sent(&plan);
    assert!(
        commands.iter().any(|line| line.starts_with("00D68800FA"))
            && commands.iter().any(|line| line.starts_with("00D600FAFA"))
    );
    assert!(commands.contains(&"00B0880000".to_owned()) && commands.contains(&"00B00F0000".to_owned()));
}

#[test]
fn files_longer_than_an_answer_are_read_back_in_the_fewest_reads() {
    let mut values = CardValues::new();
    values.set("DF03.EF06.tag_45", "1").expect("a place");
    values.set("DF03.EF06.confirmed_matter_2.matter_code", "02").expect("a place");
    let commands = sent(&plan(&values));
    // 401 bytes: records 1 to 8 one by one, 9 and 10 together; the second instance of 4A by its number.
    let reads: Vec<&String> = commands.iter().filter(|line| line.starts_with("00B2")).collect();
    assert_eq!((reads.len(), reads[0].as_str(), reads[8].as_str()), (9, "00B2013416", "00B20935C6"));
    assert!(commands.iter().any(|line| line.starts_with("00DC0934634A61")));
}

#[test]
fn what_cannot_be_personalized_is_refused_before_the_first_step() {
    let profile = builtin("ssc-3.0").expect("built in");
    let refused = |place: &str, value: Value| {
        let mut values = CardValues::new();
        values.set(place, value).expect("a place");
        Plan::personalize(&profile, &values, &target()).expect_err(place).code()
    };
    assert_eq!(refused("SSSE.EF06.name", "㐂".into()), "PLAN_VALUES");
    assert_eq!(refused("SSSE.EF06.nickname", "x".into()), "PLAN_VALUES");
    assert_eq!(refused("DF02.EF07[1].occupation", "1".into()), "PLAN_CYCLIC_FILE");
}

#[test]
fn a_psam_gets_keys_of_the_level_that_its_usage_byte_leaves() {
    let profile = builtin("psam").expect("built in");
    let mut values = CardValues::new();
    values.set("MF.EF16.terminal_number", "513300000001").expect("a place");
    values.set("DF01.EF1C.purchase_key_index", "01").expect("a place");
    let plan = Plan::personalize(&profile, &values, &target()).expect("plan");
    let Factors { province, city, card } = target().factors;
    let path = |name: &str| {
        plan.steps.iter().find_map(|step| match &step.step {
            Step::LoadKey(load) if load.key.name.as_str() == name => Some(load.key.path.clone()),
            _ => None,
        })
    };
    assert_eq!(path("RKSSSE"), Some(vec![]));
    assert_eq!(path("UKSSSE"), Some(vec![province]));
    assert_eq!(path("DPK"), Some(vec![province]));
    assert_eq!(path("MKMF"), Some(vec![province, city, card]));
    let commands = sent(&plan);
    let others = commands.iter().filter(|line| !line.starts_with("load")).collect::<Vec<_>>();
    assert_eq!(
        others,
        [
            "00A404000F7378312E73682EC9E7BBE1B1A3D5CF",
            "authenticate MKMF 00",
            "00D6960006513300000001",
            "00B0960006",
            "00A4000002DF01",
            "00D69C000101",
            "00B09C0001",
        ]
    );
    assert_eq!(commands[1], "load MKMF under TRANSPORT");
    let purchase_keys = |version| {
        let versions = KeyVersions::default().with(KeyName::new("DPK"), version);
        let plan = Plan::personalize(&profile, &values, &Target { versions, ..target() }).expect("plan");
        let loads = plan.steps.iter().filter_map(|step| match &step.step {
            Step::LoadKey(load) if load.key.name.as_str() == "DPK" => Some((load.key.version, load.label)),
            _ => None,
        });
        loads.collect::<Vec<_>>()
    };
    assert_eq!(purchase_keys(1), [(1, [0x22, 1, 1])]);
    assert_eq!(purchase_keys(2), [(1, [0x22, 1, 1]), (2, [0x22, 2, 2])]);
    assert_eq!(purchase_keys(9).len(), 3);
}

#[test]
fn a_plan_shows_no_value_in_debug() {
    let text = format!("{:?}", plan(&person()));
    for secret in ["111111198101011110", "313131313131313938", "D5C5C8FD", "张三", "X00000019"] {
        assert!(!text.contains(secret), "{secret}");
    }
}
