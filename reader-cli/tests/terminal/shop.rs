//! A shop for tests: a private daemon with software cards, a data folder, a centre, and the built program.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use card_profiles::{CardValues, builtin_text};
use card_sim::fault::FaultPlan;
use card_sim::keys::GivenKeys;
use card_sim::memory::Durability;
use card_sim::reader::Farm;
use card_sim::{Inspection, Socket, image};
use serde_json::Value;
use settlement::fen::Fen;
use settlement::id::{CardIdentifier, PublicKey};

use crate::cards;
use crate::centre::Centre;

/// A drug catalogue of three classes.
const CATALOGUE: &str = "药品编码,名称,类别,目录类别,限价,先行自付比例,生效日期,失效日期,处方药
X1,阿莫西林胶囊,甲,101,20.00,0,2020-01-01,,否
X2,复方丹参滴丸,乙,101,30.00,0.1,2020-01-01,,否
X3,维生素口服液,丙,101,,1,2020-01-01,,否
";

/// Slots of the daemon.
pub(crate) const CARD: usize = 0;
pub(crate) const PSAM: usize = 1;

/// Looks at the readers until the daemon has noticed a change: each takes some 10 ms.
const LOOKS_MAX: u32 = 1_000;

/// How long a torn card stays away: longer than the daemon's look.
pub(crate) const AWAY_MS: u64 = 1_000;

/// The shop.
pub(crate) struct Shop {
    pub(crate) farm: Farm,
    pub(crate) centre: Centre,
    pub(crate) folder: tempfile::TempDir,
    pin: String,
}

/// What a run of the program left.
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }

    pub(crate) fn code(&self) -> String {
        let line = self.stderr.lines().last().unwrap_or_default();
        let error: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no error: {}", self.stderr));
        error["code"].as_str().expect("a code").to_owned()
    }
}

impl Ran {
    /// Rows of a table of the answer.
    pub(crate) fn json_rows(&self, table: &str) -> Vec<Value> {
        self.json()[table].as_array().expect("a table").clone()
    }
}

impl Shop {
    /// A card, a PSAM of the same issuer, two empty readers.
    pub(crate) fn open() -> Self {
        Self::with(1)
    }

    /// As [`Self::open`], with a PSAM of the world `psam_seed`.
    pub(crate) fn with(psam_seed: u8) -> Self {
        Self::made(("psam", psam_seed), cards::PIN, |path| user_image(path, 1, cards::CITY))
    }

    /// As [`Self::open`], with a card and a PSAM of these profiles.
    pub(crate) fn of_profiles(card: &str, psam: &str, city: &str) -> Self {
        Self::made((psam, 1), cards::PIN, |path| {
            cards::make_user(&blank_image(path, card, cards::serial_of(1)), card, 1, city, 1);
        })
    }

    /// As [`Self::open`], with a card of this person and this PIN.
    pub(crate) fn of_person(values: &CardValues, pin: &str) -> Self {
        Self::made(("psam", 1), pin, |path| {
            let card = blank_image(path, "ssc-3.0", cards::serial_of(1));
            let profile = card_profiles::builtin("ssc-3.0").expect("built in");
            cards::make_person(&card, &profile, 1, cards::CITY, values, pin);
        })
    }

    /// As [`Self::open`], with a PSAM to which the card proves its IRK, and whose reading keys the card refuses.
    pub(crate) fn with_other_reading_keys() -> Self {
        let shop = Self::open();
        shop.farm.eject(PSAM).expect("a slot");
        let psam = blank_image(&shop.path("other-psam.card"), "psam", cards::PSAM_SERIAL);
        // The card proves its IRK to it and refuses its reading keys, which are another city's.
        let roots = cards::roots_of(|name| if name.starts_with("RK") { 2 } else { 1 });
        cards::make_psam_of(&psam, "psam", roots);
        drop(psam);
        shop.farm.insert(PSAM, &shop.path("other-psam.card")).expect("inserted");
        shop
    }

    fn made((psam_profile, psam_seed): (&str, u8), pin: &str, person: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let at = |name: &str| folder.path().join(name);
        person(&at("person.card"));
        let psam = blank_image(&at("psam.card"), psam_profile, cards::PSAM_SERIAL);
        cards::make_psam(&psam, psam_profile, psam_seed);
        drop(psam);
        std::fs::write(at("drugs.csv"), CATALOGUE).expect("written");
        let images = [at("person.card"), at("psam.card")];
        let farm = Farm::start_with(&at("farm"), 4, &images, Durability::Process).expect("a daemon");
        Self { farm, centre: Centre::start(), folder, pin: pin.to_owned() }
    }

    /// As a terminal that works: enrolled, signed in, blacklist there, 500.00 yuan on the card.
    pub(crate) fn ready() -> Self {
        let shop = Self::open();
        shop.begin();
        shop
    }

    /// Enrols, signs in, fetches the blacklist and loads 500.00 yuan.
    pub(crate) fn begin(&self) {
        let shop = self;
        let enrolled = shop.run(&["terminal", "enroll"]).json();
        let key = PublicKey::parse(enrolled["public_key"].as_str().expect("a key")).expect("hex");
        shop.centre.books().key = Some(key);
        shop.centre.books().pending.insert(shop.identifier(), Fen::new(50_000));
        for arguments in [&["sign-in"][..], &["blacklist", "update"], &["load"]] {
            let ran = shop.run(arguments);
            assert_eq!(ran.status, 0, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        }
        shop.centre.books().pending.clear();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a bill: code, quantity, price.
    pub(crate) fn bill(&self, id: &str, items: &[(&str, u32, &str)]) -> String {
        let items: Vec<Value> = items
            .iter()
            .map(|(code, quantity, price)| serde_json::json!({"code": code, "quantity": quantity, "unit_price": price}))
            .collect();
        let path = self.path(&format!("{id}.json"));
        std::fs::write(&path, serde_json::json!({"bill_id": id, "items": items}).to_string()).expect("written");
        path.display().to_string()
    }

    /// Runs the program with `--format json`.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command(env!("CARGO_BIN_EXE_sscard"));
        command.args(["--format", "json"]).args(arguments);
        ran(command.output().expect("runs"))
    }

    /// The program, to be started by the caller.
    pub(crate) fn sscard(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_sscard"));
        command.args(arguments);
        command
    }

    /// Runs it for people.
    pub(crate) fn run_text(&self, language: &str, arguments: &[&str]) -> Ran {
        let mut command = self.command(env!("CARGO_BIN_EXE_sscard"));
        command.args(["--lang", language]).args(arguments);
        ran(command.output().expect("runs"))
    }

    /// Runs it in a shell that sets limits first.
    pub(crate) fn run_under(&self, limits: &str, arguments: &[&str]) -> Ran {
        let mut command = self.command("sh");
        command.arg("-c").arg(format!("{limits}; exec \"$@\"")).arg("sh").arg(env!("CARGO_BIN_EXE_sscard"));
        command.args(["--format", "json"]).args(arguments);
        ran(command.output().expect("runs"))
    }

    /// Runs the program with these lines on standard input.
    pub(crate) fn run_typing(&self, lines: &str, arguments: &[&str]) -> Ran {
        let path = self.path("typed");
        std::fs::write(&path, lines).expect("written");
        let mut command = self.command(env!("CARGO_BIN_EXE_sscard"));
        command.args(["--format", "json"]).args(arguments).stdin(std::fs::File::open(path).expect("opens"));
        ran(command.output().expect("runs"))
    }

    /// Runs the shell at a terminal, typing each line when the shell asks for it.
    pub(crate) fn run_at_terminal(&self, lines: &str, arguments: &str) -> Ran {
        let mut command = self.command("script");
        command.args(["-qec", &format!("{} {arguments}", env!("CARGO_BIN_EXE_sscard")), "/dev/null"]);
        command.env("TERM", "xterm").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("runs");
        let mut keyboard = child.stdin.take().expect("piped");
        let mut screen = child.stdout.take().expect("piped");
        let (mut seen, mut typed_at) = (Vec::new(), 0);
        let mut lines = lines.lines();
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = screen.read(&mut buffer) {
            seen.extend_from_slice(&buffer[..count]);
            let text = String::from_utf8_lossy(&seen[typed_at..]).into_owned();
            let (before, last) = text.rsplit_once('\n').unwrap_or(("", &text));
            let is_asked = !before.is_empty() && last.contains("sscard:/") && last.contains("> ");
            if let (true, Some(line)) = (is_asked, lines.clone().next()) {
                lines.next();
                typed_at = seen.len();
                keyboard.write_all(format!("{line}\r").as_bytes()).expect("typed");
            }
        }
        let status = child.wait().expect("ends").code().unwrap_or(-1);
        Ran { status, stdout: String::from_utf8_lossy(&seen).into_owned(), stderr: String::new() }
    }

    /// Starts it and lets it run.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(env!("CARGO_BIN_EXE_sscard"));
        command.args(["--format", "json"]).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("runs")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("PCSCLITE_CSOCK_NAME", self.farm.csock())
            .env("SSCARD_DATA", self.path("data"))
            .env("SSCARD_CENTRE", &self.centre.address)
            .env("SSCARD_CITY", cards::CITY)
            .env("PIN", &self.pin)
            .env("INITIAL", cards::INITIAL_PIN)
            .env("WRONG", "000000")
            .env("LC_ALL", "C.UTF-8");
        command
    }

    pub(crate) fn pay(&self, bill: &str) -> Ran {
        let catalogue = self.path("drugs.csv").display().to_string();
        self.run(&["pay", bill, "--catalogue", &catalogue, "--pin", "env:PIN"])
    }

    /// A look inside the card, also while it is in the reader.
    pub(crate) fn inside(&self, name: &str) -> Inspection {
        image::inspect(&self.path(name)).expect("an image").1
    }

    pub(crate) fn balance(&self) -> u32 {
        self.inside("person.card").account.expect("an account").personal_account
    }

    /// Identifier of the card in the shop.
    pub(crate) fn identifier(&self) -> CardIdentifier {
        let read = self.run(&["card", "check"]).json();
        CardIdentifier::parse(read["card_identifier"].as_str().expect("text")).expect("hex")
    }

    pub(crate) fn journal(&self) -> Vec<Value> {
        self.run(&["journal", "list"]).json()["entries"].as_array().expect("a list").clone()
    }

    /// Waits until the daemon has seen the card leave and come back: it looks every 400 ms.
    pub(crate) fn tap_again(&self) {
        for present in [false, true] {
            let noticed = (0..LOOKS_MAX).any(|_| {
                let readers = self.run(&["readers"]).json();
                readers["readers"][CARD]["card_present"] == Value::Bool(present)
            });
            assert!(noticed, "the daemon never noticed that the card was there: {present}");
        }
    }

    pub(crate) fn faults(&self, slot: usize, faults: Vec<card_sim::fault::Fault>) {
        self.farm.set_faults(slot, FaultPlan::new(faults)).expect("a card is there");
    }
}

pub(crate) fn ran(output: Output) -> Ran {
    Ran {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// Makes the image of a personalized card.
pub(crate) fn user_image(path: &Path, serial: u8, city: &str) {
    let card = blank_image(path, "ssc-3.0", cards::serial_of(serial));
    cards::make_user(&card, "ssc-3.0", 1, city, serial);
}

/// Makes the image of a factory card, and opens it.
pub(crate) fn blank_image(path: &Path, profile: &str, serial: [u8; 6]) -> Socket {
    let text = builtin_text(profile).expect("built in");
    image_of(path, text, serial)
}

/// A PSAM of both environments, blank.
pub(crate) fn blank_psam_of_both(path: &Path, serial: [u8; 6]) -> Socket {
    let texts = ["psam", "psam-sx3"].map(|name| builtin_text(name).expect("built in"));
    let none = GivenKeys::default();
    image::create_of_environments(path, &texts.map(|text| (text, &none)), serial, &FaultPlan::default()).expect("made");
    Socket::new(image::open(path, Durability::Process).expect("opens"))
}

/// As [`blank_image`], of a profile text.
pub(crate) fn image_of(path: &Path, text: &str, serial: [u8; 6]) -> Socket {
    image::create(path, text, serial, &FaultPlan::default()).expect("made");
    Socket::new(image::open(path, Durability::Process).expect("opens"))
}
