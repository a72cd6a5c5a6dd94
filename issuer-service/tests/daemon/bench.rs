//! A private daemon with readers, a hopper of blank cards, a feeder, and a centre in a fresh folder.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use card_profiles::builtin_text;
use card_sim::fault::FaultPlan;
use card_sim::image;
use card_sim::memory::Durability;
use card_sim::reader::Farm;

use crate::ask::ask;
use crate::fresh::fresh;

pub(crate) struct Bench {
    folder: tempfile::TempDir,
    farm: Arc<Mutex<Farm>>,
    stop: Arc<AtomicBool>,
    feeder: Option<JoinHandle<()>>,
    settings: Vec<(String, String)>,
}

impl Bench {
    /// `slots` readers, with the first blank cards of the hopper in them, and an initialised centre with operators.
    pub(crate) fn new(slots: usize, cards: &[FaultPlan]) -> Self {
        Self::with(slots, cards, &["init"], Vec::new())
    }

    /// The same, with the centre made by these arguments, and environment variables for every call of the program.
    pub(crate) fn with(slots: usize, cards: &[FaultPlan], init: &[&str], settings: Vec<(String, String)>) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let (hopper, state) = (folder.path().join("cards"), folder.path().join("pcsc"));
        std::fs::create_dir_all(&hopper).and_then(|()| std::fs::create_dir_all(&state)).expect("folders");
        let mut images: Vec<PathBuf> = Vec::new();
        for (faults, number) in cards.iter().zip(1_u8..) {
            let path = hopper.join(format!("{number:03}.card"));
            let text = builtin_text("ssc-3.0").expect("built in");
            image::create(&path, text, [0x51, 0x33, 0, 0, 0, number], faults).expect("image");
            images.push(path);
        }
        images.truncate(slots);
        let mut farm = Farm::start_with(&state, slots, &images, Durability::Process).expect("daemon");
        farm.set_hopper(Some(hopper));
        let farm = Arc::new(Mutex::new(farm));
        let stop = Arc::new(AtomicBool::new(false));
        let feeder = feed(folder.path().to_owned(), slots, Arc::clone(&farm), Arc::clone(&stop));
        let bench = Self { folder, farm, stop, feeder: Some(feeder), settings };
        bench.ok(init);
        for (name, role) in [("li", "capture"), ("wang", "approve"), ("sun", "station"), ("zhou", "keys")] {
            bench.ok(&["operator", "add", name, "--role", role]);
        }
        bench
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn farm(&self) -> MutexGuard<'_, Farm> {
        self.farm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn image(&self, number: u8) -> PathBuf {
        self.folder().join("cards").join(format!("{number:03}.card"))
    }

    /// Imports so many invented people and makes and approves batch 1 of them.
    pub(crate) fn batch(&self, people: u32) {
        let file = self.folder().join("people.csv");
        let rows: Vec<String> = (0..people).map(row).collect();
        let text = format!("社会保障号码,姓名,性别,民族,出生日期,行政区划代码\n{}\n", rows.join("\n"));
        std::fs::write(&file, text).expect("file");
        self.ok(&["--operator", "li", "person", "import", file.to_str().expect("path")]);
        self.ok(&["--operator", "li", "batch", "create", "--count", &people.to_string()]);
        self.ok(&["--operator", "wang", "batch", "approve", "1"]);
    }

    pub(crate) fn issuer(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_issuer"));
        command
            .args(["--lang", "en", "--format", "json", "--data"])
            .arg(self.folder().join("centre"))
            .args(arguments)
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .envs(arguments.contains(&"init").then(fresh).flatten().map(|url| ("ISSUER_DATABASE", url)))
            .env("PCSCLITE_CSOCK_NAME", self.farm().csock())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        self.issuer(arguments).output().expect("the program starts")
    }

    pub(crate) fn ok(&self, arguments: &[&str]) {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Starts the station of batch 1 on these readers.
    pub(crate) fn station(&self, readers: &[usize]) -> Child {
        self.station_command(readers).spawn().expect("the program starts")
    }

    /// Starts the station with more options.
    pub(crate) fn station_with(&self, readers: &[usize], extra: &[&str]) -> Child {
        self.station_command(readers).args(extra).spawn().expect("the program starts")
    }

    /// Runs the station to its end: exit code and the lines of its output.
    pub(crate) fn run(&self, readers: &[usize]) -> (Option<i32>, Vec<serde_json::Value>) {
        let output = self.station_command(readers).output().expect("the program starts");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        (output.status.code(), text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect())
    }

    /// The shell command that asks the bench for the next card.
    pub(crate) fn feeder(&self) -> String {
        let want = self.folder().join("want-{slot}");
        format!("f='{}'; : > $f; while [ -e $f ]; do sleep 0.02; done; [ ! -e $f.empty ]", want.display())
    }

    /// Waits for the feeders that a killed station left at work: one that is late would pull the next run's card out of its reader.
    pub(crate) fn await_feeders(&self) {
        let mark = self.folder().join("want-").to_string_lossy().into_owned();
        while processes_with(&mark) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn station_command(&self, readers: &[usize]) -> Command {
        let feeder = self.feeder();
        let names: Vec<String> = readers.iter().map(|slot| self.farm().reader_name(*slot).expect("slot")).collect();
        let mut arguments = vec!["--operator", "sun", "batch", "run", "1", "--wait", "20", "--feeder", &feeder];
        for name in &names {
            arguments.extend(["--reader", name]);
        }
        self.issuer(&arguments)
    }

    pub(crate) fn count(&self, sql: &str) -> i64 {
        ask(&self.folder().join("centre"), sql).expect(sql)[0][0].parse().expect("a number")
    }

    /// Every person has one sealed card, nothing is open, the audit log holds.
    pub(crate) fn assert_complete(&self, people: i64, spoilt: i64) {
        assert_eq!(self.count("SELECT COUNT(DISTINCT person) FROM card WHERE state = 'sealed'"), people);
        assert_eq!(self.count("SELECT COUNT(*) FROM card"), people + spoilt);
        assert_eq!(self.count("SELECT COUNT(*) FROM card_number WHERE state = 'used'"), people);
        assert_eq!(self.count("SELECT COUNT(*) FROM card_number WHERE state = 'spoilt'"), spoilt);
        assert_eq!(self.count("SELECT COUNT(*) FROM card_number"), people + spoilt);
        assert_eq!(self.count("SELECT COUNT(*) FROM receipt"), people);
        assert_eq!(self.count("SELECT COUNT(*) FROM job WHERE state NOT IN ('done', 'spoilt')"), 0);
        self.ok(&["audit", "verify"]);
    }
}

/// Whether a process has these words in its arguments.
fn processes_with(words: &str) -> bool {
    let processes = std::fs::read_dir("/proc").expect("processes").flatten();
    processes.map(|process| process.path().join("cmdline")).any(|arguments| {
        // A process that ends meanwhile has none.
        let arguments = std::fs::read(arguments).unwrap_or_default();
        String::from_utf8_lossy(&arguments).contains(words)
    })
}

/// Serves the feeder's requests, which come as files.
fn feed(folder: PathBuf, slots: usize, farm: Arc<Mutex<Farm>>, stop: Arc<AtomicBool>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            for slot in 0..slots {
                let want = folder.join(format!("want-{slot}"));
                if want.exists() {
                    // A feeder that fails is a hopper that is empty: the station says so.
                    let fed = farm.lock().unwrap_or_else(PoisonError::into_inner).next(slot).ok().flatten();
                    if fed.is_none() {
                        std::fs::write(folder.join(format!("want-{slot}.empty")), "").expect("mark");
                    }
                    std::fs::remove_file(&want).expect("answered");
                }
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    })
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(feeder) = self.feeder.take() {
            let _ = feeder.join();
        }
    }
}

/// An invented person: a number of GB 11643 with its check character by a running remainder.
pub(crate) fn row(order: u32) -> String {
    let body = format!("51330119900101{order:03}");
    let remainder = body.bytes().fold(0, |sum, byte| (sum + u32::from(byte - b'0')) * 2 % 11);
    let check = match (12 - remainder) % 11 {
        10 => 'X',
        digit => char::from_digit(digit, 10).expect("below ten"),
    };
    let sex = if order % 2 == 1 { 1 } else { 2 };
    format!("{body}{check},扎西·多吉,{sex},04,19900101,513301")
}
