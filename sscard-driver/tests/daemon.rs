//! Programs in C and in Python call the library, which reads cards in virtual readers of the system's own PC/SC daemon.
//!
//! Source: the published output string for its shape; the published error table for the codes.
//! Owns: the callers of `tests/callers`, the cards that they read. Never: loads the library into this process.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use card_core::key::Key16;
use card_core::security::keyring::KeyRing;
use card_core::security::{CityCode, Factors, KeyName};
use card_core::{Atr, Session};
use card_profiles::Profile;
use card_profiles::image::CardValues;
use card_profiles::plan::{Plan, Target};
use card_profiles::rehearsal::{TRANSPORT_KEY, TRANSPORT_KEY_NAME, TRANSPORT_LOT};
use card_profiles::text::decode_text;
use card_sim::InProcess;
use card_sim::fault::FaultPlan;
use card_sim::memory::Durability;
use card_sim::reader::Farm;

/// What is on the invented person's card.
const PERSON: [(&str, &str); 8] = [
    ("SSSE.EF05.card_identifier", "513300D156000005000000010A0B0C0D"),
    ("SSSE.EF05.card_class", "1"),
    ("SSSE.EF05.issue_date", "20260105"),
    ("SSSE.EF05.valid_until", "20360104"),
    ("SSSE.EF05.card_number", "A12345674"),
    ("SSSE.EF06.social_security_number", "111111198101011110"),
    ("SSSE.EF06.name", "扎西·次仁旺姆格桑德吉"),
    ("SSSE.EF06.name_extension", "多吉卓玛"),
];

const PSAM: [(&str, &str); 1] = [("MF.EF16.terminal_number", "513300000001")];

/// The counter: a folder, and the daemon that the callers see.
struct Counter {
    folder: tempfile::TempDir,
    farm: Farm,
}

impl Counter {
    fn open(slots: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let farm = Farm::start(&folder.path().join("daemon"), slots).expect("a private daemon");
        Self { folder, farm }
    }

    fn insert(&mut self, slot: usize, image: &Path) {
        self.farm.insert(slot, image).expect("the reader sees the card");
    }

    /// Makes a card as the factory delivers it and, with values, personalizes it.
    fn card(&self, name: &str, text: &str, values: &[(&str, &str)]) -> PathBuf {
        let path = self.folder.path().join(name);
        card_sim::image::create(&path, text, [0x51, 0x33, 0, 0, 0, 1], &FaultPlan::default()).expect("an image");
        if values.is_empty() {
            return path;
        }
        let profile = Profile::parse(text).expect("a profile");
        let card = card_sim::image::open(&path, Durability::Process).expect("the image opens");
        let factor = Atr::parse(card.atr()).and_then(|atr| atr.card_factor()).expect("the factory's ATR");
        let factors = Factors::of(CityCode::parse("513300").expect("six digits"), factor);
        let mut wanted = CardValues::new();
        for (place, value) in values {
            wanted.set(place, *value).expect("a place");
        }
        let plan = Plan::personalize(&profile, &wanted, &Target::blank(factors, TRANSPORT_LOT)).expect("values fit");
        let mut keys = keys(&profile);
        let mut session = Session::new(Box::new(InProcess::new(card).expect("the card comes up")));
        for step in &plan.steps {
            let answer = session.perform(&step.step, Some(&mut keys)).expect("the card answers");
            step.judge(&answer).expect("as planned");
        }
        path
    }

    /// Runs the caller written in C: exit status, then "code text" of each thread.
    fn c(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Vec<(i64, String)> {
        let folder = library_folder();
        let program = self.folder.path().join("basic");
        if !program.exists() {
            let source = manifest_folder().join("tests/callers/basic.c");
            let built = Command::new("cc")
                .args(["-Wall", "-Wextra", "-Werror", "-pthread", "-I"])
                .arg(manifest_folder().join("include"))
                .args([&source, Path::new("-L"), &folder, Path::new("-lsscarddriver"), Path::new("-o"), &program])
                .output()
                .expect("a C compiler");
            assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        }
        self.run(Command::new(program).env("LD_LIBRARY_PATH", folder).args(arguments), variables)
    }

    fn python(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Vec<(i64, String)> {
        let script = manifest_folder().join("tests/callers/basic.py");
        let library = library_folder().join("libsscarddriver.so");
        self.run(Command::new("python3").arg(script).arg(library).args(arguments), variables)
    }

    fn run(&self, command: &mut Command, variables: &[(&str, &str)]) -> Vec<(i64, String)> {
        for name in ["SSCARD_READER", "SSCARD_PSAM", "SSCARD_DEVICE", "SSCARD_OUT_BYTES", "SSCARD_DRIVER_CONFIG"] {
            command.env_remove(name);
        }
        command.env("PCSCLITE_CSOCK_NAME", self.farm.csock()).envs(variables.iter().copied());
        let Output { status, stdout, stderr } = command.output().expect("the caller runs");
        assert!(status.success(), "{status}: {}", String::from_utf8_lossy(&stderr));
        let (text, malformed) = decode_text(&stdout);
        assert!(!malformed, "the output is GBK");
        text.lines()
            .map(|line| {
                let (code, text) = line.split_once(' ').expect("code and text");
                (code.parse().expect("a number"), text.to_owned())
            })
            .collect()
    }
}

/// Invented national keys; a user card and a PSAM of the same name hold keys of the same root.
fn keys(profile: &Profile) -> KeyRing {
    let mut keys = KeyRing::new();
    for row in &profile.key {
        let mut bytes = [0x5A; 16];
        bytes.iter_mut().zip(row.name.as_str().bytes()).for_each(|(slot, byte)| *slot = byte);
        keys.insert(row.name.clone(), 1, Key16::new(bytes));
    }
    keys.insert(KeyName::new(TRANSPORT_KEY_NAME), TRANSPORT_LOT, Key16::new(TRANSPORT_KEY));
    keys
}

fn manifest_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Cargo puts the library beside the tests that depend on it.
fn library_folder() -> PathBuf {
    let program = std::env::current_exe().expect("this program has a path");
    program.parent().expect("in a folder").to_owned()
}

fn text(profile: &str) -> &'static str {
    card_profiles::builtin_text(profile).expect("built in")
}

fn third_generation() -> Vec<(&'static str, &'static str)> {
    PERSON.into_iter().chain([("SSSE.EF05.spec_version", "3.00")]).collect()
}

#[test]
fn callers_in_c_and_python_get_the_eleven_fields_of_a_3_x_card() {
    let mut counter = Counter::open(2);
    let card = counter.card("person.card", text("ssc-3.0"), &third_generation());
    let psam = counter.card("psam.card", text("psam"), &PSAM);
    counter.insert(0, &psam);
    counter.insert(1, &card);
    let historical = historical(&card);
    let expected = format!(
        "513300|111111198101011110|A12345674|513300D156000005000000010A0B0C0D|扎西·次仁旺姆格桑德吉多吉卓玛|{historical}|3.00|20260105|20360104|513300000001|D-01|"
    );
    let device = [("SSCARD_DEVICE", "D-01")];
    assert_eq!(counter.c(&["3"], &device), [(0, expected.clone())]);
    assert_eq!(counter.python(&["1"], &device), [(0, expected.clone())]);
    let all = counter.c(&["3", "8"], &device);
    assert_eq!(all, vec![(0, expected.clone()); 8], "threads wait for each other");
    let named = [("SSCARD_DEVICE", "D-01"), ("SSCARD_READER", "1"), ("SSCARD_PSAM", "0")];
    assert_eq!(counter.c(&["1"], &named), [(0, expected)]);
}

#[test]
fn every_type_of_card_is_read_by_its_own_profile_and_its_own_psam() {
    for (profile, version, psam, is_long) in [
        ("ssc-1.0", "1.00", None, false),
        ("ssc-2.0", "2.00", None, true),
        ("ssc-3.0", "3.00", Some("psam"), true),
        ("ssc-3.0-sm4", "3.00", Some("psam-sx3"), true),
    ] {
        let mut counter = Counter::open(2);
        let mut values: Vec<_> = PERSON.into_iter().chain([("SSSE.EF05.spec_version", version)]).collect();
        values.retain(|(place, _)| is_long || !place.ends_with("name_extension"));
        let card = counter.card("person.card", text(profile), &values);
        counter.insert(0, &card);
        if let Some(psam) = psam {
            let psam = counter.card("psam.card", text(psam), &PSAM);
            counter.insert(1, &psam);
        }
        let [(code, text)] = counter.c(&["3"], &[]).try_into().expect("one call");
        assert_eq!(code, 0, "{profile}: {text}");
        let terminal = if psam.is_some() { "513300000001" } else { "000000000000" };
        let name =
            if is_long { "扎西·次仁旺姆格桑德吉多吉卓玛" } else { "扎西·次仁旺姆格桑德吉" };
        assert!(text.contains(&format!("|{name}|")), "{profile}: {text}");
        assert!(text.ends_with(&format!("|{version}|20260105|20360104|{terminal}||")), "{profile}: {text}");
    }
}

#[test]
fn an_sm4_card_with_a_3des_psam_sends_the_caller_to_the_hsm() {
    let mut counter = Counter::open(2);
    let card = counter.card("person.card", text("ssc-3.0-sm4"), &third_generation());
    let psam = counter.card("psam.card", text("psam"), &PSAM);
    counter.insert(0, &card);
    counter.insert(1, &psam);
    assert_eq!(counter.c(&["3"], &[]).first().map(|(code, _)| *code), Some(-2202));
}

#[test]
fn what_is_missing_has_its_published_code_and_a_message() {
    let mut counter = Counter::open(2);
    let code = |counter: &Counter, kind: &str, variables: &[(&str, &str)]| {
        let [(code, text)] = counter.c(&[kind], variables).try_into().expect("one call");
        assert!(!text.is_empty(), "{code} without a message");
        code
    };
    let nowhere = counter.folder.path().join("nowhere").display().to_string();
    assert_eq!(code(&counter, "3", &[("PCSCLITE_CSOCK_NAME", &nowhere)]), -12, "no daemon");
    assert_eq!(code(&counter, "3", &[]), -2, "no card");
    assert_eq!(code(&counter, "5", &[]), -14, "no such iType");
    assert_eq!(code(&counter, "3", &[("SSCARD_READER", "no such reader")]), -11);
    assert_eq!(code(&counter, "3", &[("SSCARD_OUT_BYTES", "0")]), -14);

    let card = counter.card("person.card", text("ssc-3.0"), &third_generation());
    counter.insert(0, &card);
    assert_eq!(code(&counter, "3", &[]), -2201, "no PSAM");
    assert_eq!(code(&counter, "2", &[]), -2, "no contactless reader");

    let blank = counter.card("blank-psam.card", text("psam"), &[]);
    counter.insert(1, &blank);
    assert_eq!(code(&counter, "3", &[]), -2203, "a PSAM without keys");
    assert_eq!(code(&counter, "3", &[("SSCARD_READER", "1")]), -1, "a PSAM is no user card");

    counter.farm.eject(1).expect("pulled");
    let second = counter.card("second.card", text("ssc-3.0"), &third_generation());
    counter.insert(1, &second);
    assert_eq!(code(&counter, "3", &[]), -11, "two cards and none named");

    counter.farm.eject(1).expect("pulled");
    let other = text("ssc-3.0").replacen("7378312E73682EC9E7BBE1B1A3D5CF", "315041592E5359532E4444463031", 1);
    let other = counter.card("bank.card", &other, &[]);
    counter.insert(1, &other);
    assert_eq!(code(&counter, "3", &[("SSCARD_READER", "1")]), -1, "another application's card");
}

fn historical(image: &Path) -> String {
    let (identity, _) = card_sim::image::inspect(image).expect("an image");
    // TS, T0 and two interface bytes come before the historical bytes.
    identity.atr.chars().skip(8).collect()
}
