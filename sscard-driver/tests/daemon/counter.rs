//! A counter with virtual readers, the cards in them, and the callers of `tests/callers`.
//!
//! Owns: the folder, the daemon, one card whose contacts are counted. Never: asserts what a call answers.

use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use card_core::key::Key16;
use card_core::security::keyring::KeyRing;
use card_core::security::{CityCode, Factors, KeyName};
use card_core::wire::Wire;
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
use card_sim::reader::vpcd::{self, Message};

/// What is on the invented person's card.
pub(crate) const PERSON: [(&str, &str); 8] = [
    ("SSSE.EF05.card_identifier", "513300D156000005000000010A0B0C0D"),
    ("SSSE.EF05.card_class", "1"),
    ("SSSE.EF05.issue_date", "20260105"),
    ("SSSE.EF05.valid_until", "20360104"),
    ("SSSE.EF05.card_number", "A12345674"),
    ("SSSE.EF06.social_security_number", "111111198101011110"),
    ("SSSE.EF06.name", "扎西·次仁旺姆格桑德吉"),
    ("SSSE.EF06.name_extension", "多吉卓玛"),
];

pub(crate) const PSAM: [(&str, &str); 1] = [("MF.EF16.terminal_number", "513300000001")];

/// First byte of the invented national keys, and what fills their ends.
pub(crate) const ROOT: u8 = 0x5A;

/// The counter: a folder, and the daemon that the callers see.
pub(crate) struct Counter {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) farm: Farm,
}

impl Counter {
    pub(crate) fn open(slots: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let farm = Farm::start(&folder.path().join("daemon"), slots).expect("a private daemon");
        Self { folder, farm }
    }

    pub(crate) fn insert(&mut self, slot: usize, image: &Path) {
        self.farm.insert(slot, image).expect("the reader sees the card");
    }

    /// Makes a card as the factory delivers it and, with values, personalizes it.
    pub(crate) fn card(&self, name: &str, text: &str, values: &[(&str, &str)]) -> PathBuf {
        self.card_with(name, text, values, ROOT)
    }

    /// As [`Counter::card`], with keys of another root.
    pub(crate) fn card_with(&self, name: &str, text: &str, values: &[(&str, &str)], root: u8) -> PathBuf {
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
        let mut keys = keys(&profile, root);
        let mut session = Session::new(Box::new(InProcess::new(card).expect("the card comes up")));
        for step in &plan.steps {
            let answer = session.perform(&step.step, Some(&mut keys)).expect("the card answers");
            step.judge(&answer).expect("as planned");
        }
        path
    }

    /// Runs the caller of threads in C: "code text" of each.
    pub(crate) fn c(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Vec<(i64, String)> {
        self.compiled("basic", arguments, variables)
    }

    /// Runs a caller written in C: "code text" of each call.
    pub(crate) fn compiled(&self, name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Vec<(i64, String)> {
        let folder = library_folder();
        let program = self.folder.path().join(name);
        if !program.exists() {
            let source = manifest_folder().join(format!("tests/callers/{name}.c"));
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

    pub(crate) fn python(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Vec<(i64, String)> {
        let script = manifest_folder().join("tests/callers/basic.py");
        let library = library_folder().join("libsscarddriver.so");
        self.run(Command::new("python3").arg(script).arg(library).args(arguments), variables)
    }

    /// Runs the caller that goes on with one library: lines of a function and its arguments, parted by tabs.
    pub(crate) fn session(&self, calls: &[&str], variables: &[(&str, &str)]) -> Vec<(i64, String)> {
        self.session_of(&library(), calls, variables)
    }

    /// As [`Self::session`], with another library.
    pub(crate) fn session_of(&self, library: &Path, calls: &[&str], variables: &[(&str, &str)]) -> Vec<(i64, String)> {
        let lines = self.folder.path().join("calls.txt");
        std::fs::write(&lines, calls.join("\n")).expect("written");
        let script = manifest_folder().join("tests/callers/session.py");
        let input = std::fs::File::open(lines).expect("just written");
        self.run(Command::new("python3").arg(script).arg(library).stdin(input), variables)
    }

    /// Runs the caller in Python that reads cards by the reader interface.
    pub(crate) fn reader_in_python(&self, variables: &[(&str, &str)]) -> Vec<(i64, String)> {
        let script = manifest_folder().join("tests/callers/reader.py");
        self.run(Command::new("python3").arg(script).arg(library()), variables)
    }

    /// A program that types the same PIN whatever it is asked, or by what it is asked.
    pub(crate) fn pin_entry(&self, script: &str) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.folder.path().join("pin-entry");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).expect("may be run");
        path.display().to_string()
    }

    /// A key file of the national keys, marked REHEARSAL: what a machine room has.
    pub(crate) fn hsm_keys(&self, text: &str) -> String {
        let profile = Profile::parse(text).expect("a profile");
        let mut file = String::from("mark = \"REHEARSAL\"\n");
        for row in profile.key.iter().filter(|row| row.df != "CERT") {
            let master = hex::encode_upper(bytes_of(row.name.as_str(), ROOT));
            let (name, factors) = (row.name.as_str(), "[\"3531303030307368\", \"3531333330307378\", \"card\"]");
            file += &format!("[[key]]\nname = \"{name}\"\nmaster = \"{master}\"\nfactors = {factors}\n");
        }
        let path = self.folder.path().join("hsm.toml");
        std::fs::write(&path, file).expect("written");
        path.display().to_string()
    }

    pub(crate) fn run(&self, command: &mut Command, variables: &[(&str, &str)]) -> Vec<(i64, String)> {
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SSCARD_")) {
            command.env_remove(name);
        }
        // The site of these tests allows what a site must allow; who wants to see it refused says so.
        command
            .env("SSCARD_WRITES", "true")
            .env("PCSCLITE_CSOCK_NAME", self.farm.csock())
            .envs(variables.iter().copied());
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
pub(crate) fn keys(profile: &Profile, root: u8) -> KeyRing {
    let mut keys = KeyRing::new();
    for row in &profile.key {
        keys.insert(row.name.clone(), 1, Key16::new(bytes_of(row.name.as_str(), root)));
    }
    keys.insert(KeyName::new(TRANSPORT_KEY_NAME), TRANSPORT_LOT, Key16::new(TRANSPORT_KEY));
    keys
}

fn bytes_of(name: &str, root: u8) -> [u8; 16] {
    let mut bytes = [root; 16];
    bytes.iter_mut().zip(name.bytes()).for_each(|(slot, byte)| *slot = byte);
    bytes
}

fn manifest_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The library.
pub(crate) fn library() -> PathBuf {
    library_folder().join("libsscarddriver.so")
}

/// Cargo puts the library beside the tests that depend on it.
fn library_folder() -> PathBuf {
    let program = std::env::current_exe().expect("this program has a path");
    program.parent().expect("in a folder").to_owned()
}

pub(crate) fn text(profile: &str) -> &'static str {
    card_profiles::builtin_text(profile).expect("built in")
}

/// When a card is pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Torn {
    /// Before it has the command.
    Before,
    /// When it has done it, and its answer is lost.
    After,
}

/// A software card in a reader, whose contacts are counted.
pub(crate) struct Witness {
    stream: TcpStream,
    wire: Arc<Mutex<Wire>>,
}

impl Witness {
    /// Puts the card of an image into an empty slot; the daemon notices it in its own time.
    pub(crate) fn in_slot(counter: &Counter, slot: usize, image: &Path) -> Self {
        Self::torn_at(counter, slot, image, None)
    }

    /// As [`Witness::in_slot`], pulled at the first command that begins like this: before the card has it, or before its answer.
    pub(crate) fn torn_at(counter: &Counter, slot: usize, image: &Path, torn: Option<(&[u8], Torn)>) -> Self {
        let torn = torn.map(|(head, when)| (head.to_vec(), when));
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port(counter, slot))).expect("the driver listens");
        let mut theirs = stream.try_clone().expect("a second handle");
        let mut card = card_sim::image::open(image, Durability::Process).expect("an image");
        let wire = Arc::new(Mutex::new(Wire::default()));
        let counted = Arc::clone(&wire);
        std::thread::spawn(move || {
            while let Ok(Some(message)) = vpcd::receive(&mut theirs) {
                let answer = match message {
                    Message::PowerOn | Message::Reset => {
                        card.power_on().expect("the card comes up");
                        continue;
                    }
                    Message::PowerOff => {
                        card.power_off();
                        continue;
                    }
                    Message::AskAtr => card.atr().to_vec(),
                    Message::Apdu(command) => {
                        let pulled = torn.as_ref().filter(|(head, _)| command.starts_with(head)).map(|(_, when)| *when);
                        if pulled == Some(Torn::Before) {
                            break;
                        }
                        let mut answer = Vec::new();
                        card.transmit(&command, &mut answer).expect("the card answers");
                        if pulled == Some(Torn::After) {
                            break;
                        }
                        counted.lock().expect("no panic").add(&command, &answer);
                        answer
                    }
                };
                if vpcd::send(&mut theirs, &answer).is_err() {
                    break;
                }
            }
            card.power_off();
            drop(card);
            // The daemon sees that the card is gone.
            let _ = theirs.shutdown(std::net::Shutdown::Both);
        });
        Self { stream, wire }
    }

    /// Bytes on the contacts since this was asked last.
    pub(crate) fn bytes(&self) -> u64 {
        std::mem::take(&mut *self.wire.lock().expect("no panic")).bytes
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

/// The port on which the driver of a slot listens: the daemon's configuration has that of each pair.
fn port(counter: &Counter, slot: usize) -> u16 {
    let path = counter.folder.path().join("daemon/pcscd/reader.conf");
    let text = std::fs::read_to_string(path).expect("a configuration");
    let mut pairs = text.split("0x").skip(1).filter_map(|part| u16::from_str_radix(part.get(..4)?, 16).ok());
    pairs.nth(slot / 2).expect("a port for each pair of slots") + u16::try_from(slot % 2).expect("0 or 1")
}

pub(crate) fn third_generation() -> Vec<(&'static str, &'static str)> {
    PERSON.into_iter().chain([("SSSE.EF05.spec_version", "3.00")]).collect()
}
