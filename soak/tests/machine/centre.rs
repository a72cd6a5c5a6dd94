//! A centre in a fresh folder, worked with the program beside this one; a reader with one blank card, when it is wanted.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use card_sim::fault::FaultPlan;
use card_sim::image;
use card_sim::memory::Durability;
use card_sim::reader::Farm;
use serde_json::Value;
use soak::fault::Faults;
use soak::store::Books;

/// People in the file.
pub(crate) const PEOPLE: u32 = 300;

pub(crate) struct Centre {
    folder: tempfile::TempDir,
    pub(crate) faults: Faults,
    farm: Option<Farm>,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) exit: Option<i32>,
    pub(crate) code: String,
}

impl Centre {
    /// A centre with operators and, in a file, people.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let faults = Faults::build(folder.path()).expect("a C compiler");
        let centre = Self { folder, faults, farm: None };
        centre.ok(&["init"]);
        for (name, role) in [("li", "capture"), ("wang", "approve"), ("sun", "station")] {
            centre.ok(&["operator", "add", name, "--role", role]);
        }
        let rows: Vec<String> = (0..PEOPLE).map(row).collect();
        let text = format!("社会保障号码,姓名,性别,民族,出生日期,行政区划代码\n{}\n", rows.join("\n"));
        std::fs::write(centre.people(), text).expect("a file");
        centre
    }

    /// A centre with an approved batch of one person, and a reader with a blank card.
    pub(crate) fn with_card() -> Self {
        let mut centre = Self::new();
        centre.ok(&["--operator", "li", "person", "import", centre.people().to_str().expect("a path")]);
        centre.ok(&["--operator", "li", "batch", "create", "--count", "1"]);
        centre.ok(&["--operator", "wang", "batch", "approve", "1"]);
        let text = card_profiles::builtin_text("ssc-3.0").expect("built in");
        image::create(&centre.card(), text, [0x51, 0x33, 0, 0, 0, 1], &FaultPlan::default()).expect("an image");
        centre.plug();
        centre
    }

    /// Readers are there, the card in the first of them.
    pub(crate) fn plug(&mut self) {
        let state = tempfile::tempdir_in(self.folder.path()).expect("a folder").keep();
        self.farm = Some(Farm::start_with(&state, 1, &[self.card()], Durability::Process).expect("a daemon"));
    }

    /// Readers and their daemon are gone.
    pub(crate) fn unplug(&mut self) {
        self.farm = None;
    }

    pub(crate) fn people(&self) -> PathBuf {
        self.folder.path().join("people.csv")
    }

    fn card(&self) -> PathBuf {
        self.folder.path().join("one.card")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().canonicalize().expect("a path").join("centre")
    }

    /// Keeps the centre as it is now, to begin again from here.
    pub(crate) fn keep(&self) -> PathBuf {
        let kept = tempfile::tempdir_in(self.folder.path()).expect("a folder").keep();
        copy(&self.data(), &kept);
        if self.card().exists() {
            std::fs::copy(self.card(), kept.join("card.kept")).expect("copied");
        }
        kept
    }

    /// Begins again from what was kept.
    pub(crate) fn begin_again(&mut self, kept: &Path) {
        let plugged = self.farm.is_some();
        self.unplug();
        std::fs::remove_dir_all(self.data()).expect("removed");
        std::fs::create_dir(self.data()).expect("made");
        copy(kept, &self.data());
        let card = self.data().join("card.kept");
        if card.exists() {
            std::fs::rename(card, self.card()).expect("put back");
        }
        if plugged {
            self.plug();
        }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_soak")).with_file_name("issuer");
        assert!(program.is_file(), "the program is built: cargo build -p issuer-service");
        let mut command = Command::new(program);
        command
            .args(["--lang", "en", "--format", "json", "--data"])
            .arg(self.data())
            .args(arguments)
            .stdin(Stdio::null());
        if let Some(farm) = &self.farm {
            command.env("PCSCLITE_CSOCK_NAME", farm.csock());
        }
        command
    }

    /// The station of batch 1 on the first reader.
    pub(crate) fn station(&self) -> Command {
        self.command(&["--operator", "sun", "batch", "run", "1", "--reader", "0", "--wait", "5"])
    }

    pub(crate) fn ok(&self, arguments: &[&str]) {
        let told = told(&self.command(arguments).output().expect("the program starts"));
        assert_eq!(told.exit, Some(0), "{arguments:?}: {told:?}");
    }

    pub(crate) fn count(&self, sql: &str) -> i64 {
        let connection = rusqlite::Connection::open(self.data().join("centre.db")).expect("a database");
        connection.query_row(sql, (), |row| row.get(0)).expect(sql)
    }

    /// One card is made, and the books and the audit log hold.
    pub(crate) fn assert_made(&self) {
        assert_eq!(self.count("SELECT COUNT(*) FROM card WHERE state = 'sealed'"), 1);
        assert_eq!(self.count("SELECT COUNT(*) FROM batch WHERE state = 'finished'"), 1);
        assert!(Books::open(&self.data()).and_then(|books| books.findings()).expect("books").none());
        self.ok(&["audit", "verify"]);
    }
}

/// Exit code, and the code and both texts of the error.
pub(crate) fn told(output: &Output) -> Told {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = text.lines().rev().find_map(|line| serde_json::from_str::<Value>(line).ok()).unwrap_or_default();
    let code = last["code"].as_str().unwrap_or_default().to_owned();
    if !code.is_empty() {
        assert!(!text.contains("panicked"), "{text}");
        for part in ["what", "next"] {
            assert!(last[part].as_str().is_some_and(|words| words.len() > 10), "{part} of {text}");
        }
    }
    Told { exit: output.status.code(), code }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            std::fs::create_dir_all(&target).expect("a folder");
            copy(&path, &target);
        } else {
            std::fs::copy(&path, target).expect("copied");
        }
    }
}

/// An invented person: a number of GB 11643 with its check character by a running remainder.
fn row(order: u32) -> String {
    let body = format!("51330119900101{order:03}");
    let remainder = body.bytes().fold(0, |sum, byte| (sum + u32::from(byte - b'0')) * 2 % 11);
    let check = match (12 - remainder) % 11 {
        10 => 'X',
        digit => char::from_digit(digit, 10).expect("below ten"),
    };
    let sex = if order % 2 == 1 { 1 } else { 2 };
    format!("{body}{check},扎西·多吉,{sex},04,19900101,513301")
}
