//! Many virtual readers at once for minutes: the program `issuer` makes card after card on all of them, another client of the
//! daemon reads each card that is made, and the memory of the program is looked at the whole time.
//!
//! Owns: the readers, the feeder, the figures. Never: counts a card that was not read back by the other client.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use card_core::Session;
use card_core::command::{self, Record};
use card_core::transport::pcsc::Readers;
use card_profiles::builtin_text;
use card_sim::fault::FaultPlan;
use card_sim::image;
use card_sim::reader::Farm;
use serde::Serialize;

use crate::failure::Failure;

/// Readers.
pub const READERS: usize = 16;

/// Times that the other client reads a card.
const READS: u64 = 10;

/// More cards than that many readers make in a second.
const CARDS_PER_SECOND: u64 = 40;

/// Between two looks at the memory.
const LOOK: Duration = Duration::from_millis(500);

/// How long the program may take to end when no more cards come.
const END_LIMIT: Duration = Duration::from_secs(120);

/// 卡号: file, tag, and the record of it.
const NUMBER: (u8, u8, u16) = (5, 7, 11);

/// Name of the environment directory of the card.
const SSSE: &[u8] = b"sx1.sh.\xC9\xE7\xBB\xE1\xB1\xA3\xD5\xCF";

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Readers.
    pub readers: usize,
    /// Seconds.
    pub seconds: u64,
    /// Cards made, as the program told.
    pub made: u64,
    /// Reads of made cards by the other client.
    pub reads: u64,
    /// Made cards of which the other client read another number, or none.
    pub misread: u64,
    /// Events that are neither a card begun nor one made.
    pub troubles: Vec<String>,
    /// Exit code of the program: 10, people still wait.
    pub exit: Option<i32>,
    /// Memory of the program in KiB: at first, at last, at most, and at most in each quarter of the time.
    pub first_kib: u64,
    /// At last.
    pub last_kib: u64,
    /// At most.
    pub most_kib: u64,
    /// At most in each quarter of the time.
    pub quarters_kib: [u64; 4],
}

impl Figures {
    /// Whether every card was made and read, nothing else happened, and memory did not grow with time: the last quarter needs at
    /// most an eighth and 8 MiB more than the second.
    #[must_use]
    pub fn holds(&self) -> bool {
        let [_, second, _, last] = self.quarters_kib;
        let clean = self.troubles.is_empty() && self.misread == 0 && self.exit == Some(10);
        clean && self.made > 0 && self.reads >= self.made * READS && last <= second + second / 8 + 8_192
    }
}

/// The readers and their cards.
struct Shop {
    farm: Farm,
    folder: PathBuf,
    serial: AtomicU64,
    open: AtomicBool,
    reads: AtomicU64,
    numbers: Mutex<BTreeSet<String>>,
    /// What went wrong at the feeder.
    failures: Mutex<Vec<String>>,
}

/// Makes cards for so many seconds in a new folder.
///
/// # Errors
/// [`Failure`].
pub fn run(folder: &Path, seconds: u64, told: impl FnMut(u64, u64)) -> Result<Figures, Failure> {
    run_beside(folder, seconds, told, |_, _| Ok(())).map(|(figures, ())| figures)
}

/// As [`run`], while something else works with the same centre: it is given the program and the folder.
///
/// # Errors
/// [`Failure`], also of what works beside it.
pub fn run_beside<T: Send>(
    folder: &Path,
    seconds: u64,
    told: impl FnMut(u64, u64),
    beside: impl FnOnce(&Path, &Path) -> Result<T, Failure> + Send,
) -> Result<(Figures, T), Failure> {
    std::fs::create_dir_all(folder).map_err(Failure::system(folder))?;
    let folder = folder.canonicalize().map_err(Failure::system(folder))?;
    let shop = Arc::new(Shop::open(&folder)?);
    let issuer = std::env::current_exe().map_err(Failure::system("this program"))?.with_file_name("issuer");
    prepare(&issuer, &folder, seconds * CARDS_PER_SECOND + READERS as u64)?;
    std::thread::scope(|scope| {
        let other = scope.spawn(|| beside(&issuer, &folder));
        let figures = make(&issuer, &shop, seconds, told)?;
        let other = other.join().map_err(|_| Failure::Unlived { what: "end of what ran beside" })??;
        Ok((figures, other))
    })
}

/// Makes cards on all readers, and looks at the memory of the program.
fn make(issuer: &Path, shop: &Arc<Shop>, seconds: u64, mut told: impl FnMut(u64, u64)) -> Result<Figures, Failure> {
    let asking = answer_feeder(shop)?;
    let mut station = station(issuer, shop)?;
    let output = station.stdout.take();
    let events = std::thread::spawn(move || output.map_or_else(Vec::new, |output| lines(BufReader::new(output))));
    let (begun, mut looks) = (Instant::now(), Vec::new());
    let whole = Duration::from_secs(seconds);
    while begun.elapsed() < whole && matches!(station.try_wait(), Ok(None)) {
        std::thread::sleep(LOOK);
        if let Some(kib) = resident_kib(station.id()) {
            looks.push((begun.elapsed(), kib));
            told(begun.elapsed().as_secs(), kib);
        }
    }
    shop.open.store(false, Ordering::Relaxed);
    let ended = ended(&mut station, END_LIMIT);
    let exit = ended.and_then(|status| status.code());
    drop(asking);
    let events = events.join().unwrap_or_default();
    Ok(figures(shop, seconds, exit, &events, &looks))
}

fn figures(shop: &Shop, seconds: u64, exit: Option<i32>, events: &[String], looks: &[(Duration, u64)]) -> Figures {
    let mut figures = Figures { readers: READERS, seconds, exit, ..Figures::default() };
    let read = shop.numbers.lock().unwrap_or_else(PoisonError::into_inner);
    for line in events {
        let event: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        match event["event"].as_str() {
            Some("begun") => {}
            Some("made") => {
                figures.made += 1;
                figures.misread +=
                    u64::from(!event["card_number"].as_str().is_some_and(|number| read.contains(number)));
            }
            // The summary at the end is no event.
            None if event.get("readers").is_some() => {}
            _ => figures.troubles.push(line.clone()),
        }
    }
    figures.troubles.extend(shop.failures.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
    figures.reads = shop.reads.load(Ordering::Relaxed);
    figures.first_kib = looks.first().map_or(0, |(_, kib)| *kib);
    figures.last_kib = looks.last().map_or(0, |(_, kib)| *kib);
    figures.most_kib = looks.iter().map(|(_, kib)| *kib).max().unwrap_or_default();
    for (at, kib) in looks {
        let quarter = usize::try_from(at.as_millis() * 4 / (u128::from(seconds) * 1000 + 1)).unwrap_or(3).min(3);
        figures.quarters_kib[quarter] = figures.quarters_kib[quarter].max(*kib);
    }
    figures
}

impl Shop {
    fn open(folder: &Path) -> Result<Self, Failure> {
        let state = folder.join("pcsc");
        std::fs::create_dir_all(&state).map_err(Failure::system(&state))?;
        let farm = Farm::start(&state, READERS)?;
        let shop = Self {
            farm,
            folder: folder.to_owned(),
            serial: AtomicU64::new(0),
            open: AtomicBool::new(true),
            reads: AtomicU64::new(0),
            numbers: Mutex::default(),
            failures: Mutex::default(),
        };
        (0..READERS).try_for_each(|slot| shop.put(slot))?;
        Ok(shop)
    }

    /// Puts a new blank card in.
    fn put(&self, slot: usize) -> Result<(), Failure> {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed) + 1;
        let [_, _, _, _, a, b, c, d] = serial.to_be_bytes();
        let path = self.folder.join(format!("{serial:08}.card"));
        let text = builtin_text("ssc-3.0").unwrap_or_default();
        image::create(&path, text, [0x51, 0x33, a, b, c, d], &FaultPlan::default())?;
        Ok(self.farm.insert(slot, &path)?)
    }

    /// The feeder of a slot: the card in it is read, taken out, thrown away, and the next one comes; `false` when no more do.
    fn feed(&self, slot: usize) -> Result<bool, Failure> {
        let program = std::env::current_exe().map_err(Failure::system("this program"))?;
        let mut reading = Command::new(&program);
        reading.args(["read", "--reader", &self.farm.reader_name(slot)?, "--times", &READS.to_string()]);
        let read = reading.env("PCSCLITE_CSOCK_NAME", self.farm.csock()).stdin(Stdio::null()).output();
        let read = read.map_err(Failure::system(program))?;
        if read.status.success() {
            let number = String::from_utf8_lossy(&read.stdout).trim().trim_matches('"').to_owned();
            self.numbers.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
            self.reads.fetch_add(READS, Ordering::Relaxed);
        }
        if let Some(path) = self.farm.eject(slot)? {
            std::fs::remove_file(&path).map_err(Failure::system(path))?;
        }
        if !self.open.load(Ordering::Relaxed) {
            return Ok(false);
        }
        self.put(slot)?;
        Ok(true)
    }

    fn ask(&self) -> PathBuf {
        self.folder.join("ask")
    }

    fn answer(&self, slot: usize) -> PathBuf {
        self.folder.join(format!("answer-{slot}"))
    }
}

/// Reads a made card so many times, as another client of the daemon; its number, when it was the same each time.
///
/// # Errors
/// [`Failure::Misread`].
pub fn read(reader: &str, times: u64) -> Result<String, Failure> {
    let misread = |why: String| Failure::Misread { reader: reader.to_owned(), why };
    let transport = Readers::establish().and_then(|readers| readers.connect(reader));
    let mut session = Session::new(Box::new(transport.map_err(|error| misread(error.to_string()))?));
    let mut number = None;
    for _ in 0..times {
        let (file, tag, length) = NUMBER;
        for command in [command::select_by_name(SSSE), command::read_record(file, Record::Tag(tag), length)] {
            let answer = session.send(&command).map_err(|error| misread(error.to_string()))?;
            if !answer.sw.is_ok() {
                return Err(misread(answer.sw.to_string()));
            }
            if let [first, _, value @ ..] = answer.data.as_slice()
                && *first == tag
            {
                let read = String::from_utf8_lossy(value).into_owned();
                if number.get_or_insert_with(|| read.clone()) != &read {
                    return Err(misread("another number than before".to_owned()));
                }
            }
        }
    }
    number.ok_or_else(|| misread("no number".to_owned()))
}

/// A centre with an approved batch of so many people.
fn prepare(issuer: &Path, folder: &Path, people: u64) -> Result<(), Failure> {
    let file = folder.join("people.csv");
    let mut text = String::from("社会保障号码,姓名,性别,民族,出生日期,行政区划代码\n");
    (0..people).for_each(|person| text.push_str(&row(person)));
    std::fs::write(&file, text).map_err(Failure::system(&file))?;
    let (file, people) = (file.to_string_lossy().into_owned(), people.to_string());
    let calls: [&[&str]; 7] = [
        &["init"],
        &["operator", "add", "li", "--role", "capture"],
        &["operator", "add", "wang", "--role", "approve"],
        &["operator", "add", "sun", "--role", "station"],
        &["--operator", "li", "person", "import", &file],
        &["--operator", "li", "batch", "create", "--count", &people],
        &["--operator", "wang", "batch", "approve", "1"],
    ];
    calls.iter().try_for_each(|arguments| call(issuer, folder, arguments).map(drop))
}

/// What the program says to a command that succeeds.
///
/// # Errors
/// [`Failure::Program`].
pub fn call(issuer: &Path, folder: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let output = program(issuer, folder).args(arguments).output().map_err(Failure::system(issuer))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Failure::Program { arguments: arguments.join(" "), said })
}

fn program(issuer: &Path, folder: &Path) -> Command {
    let mut command = Command::new(issuer);
    command.args(["--lang", "en", "--format", "json", "--data"]).arg(folder.join("centre")).stdin(Stdio::null());
    command
}

fn station(issuer: &Path, shop: &Shop) -> Result<Child, Failure> {
    let (ask, folder) = (shop.ask(), &shop.folder);
    let feeder = format!(
        "echo {{slot}} > '{}' && read said < '{}'/answer-{{slot}} && [ \"$said\" = fed ]",
        ask.display(),
        folder.display()
    );
    let mut command = program(issuer, folder);
    command.args(["--operator", "sun", "batch", "run", "1", "--wait", "30", "--feeder", &feeder]);
    for slot in 0..READERS {
        command.arg("--reader").arg(shop.farm.reader_name(slot)?);
    }
    let log = File::create(folder.join("station.log")).map_err(Failure::system(folder))?;
    command.env("PCSCLITE_CSOCK_NAME", shop.farm.csock()).stdout(Stdio::piped()).stderr(log);
    command.spawn().map_err(Failure::system(issuer))
}

/// Serves the feeder: a line with the number of a slot comes, `fed` or `empty` goes back, each slot by a thread of its own. The
/// file that is answered keeps the line open as long as it lives.
fn answer_feeder(shop: &Arc<Shop>) -> Result<File, Failure> {
    for path in std::iter::once(shop.ask()).chain((0..READERS).map(|slot| shop.answer(slot))) {
        let made = Command::new("mkfifo").arg(&path).status().map_err(Failure::system("mkfifo"))?;
        if !made.success() {
            return Err(Failure::Program { arguments: "mkfifo".to_owned(), said: path.display().to_string() });
        }
    }
    let path = shop.ask();
    let asking = OpenOptions::new().read(true).write(true).open(&path).map_err(Failure::system(&path))?;
    let lines = BufReader::new(asking.try_clone().map_err(Failure::system(&path))?);
    let shop = Arc::clone(shop);
    std::thread::spawn(move || {
        for slot in lines.lines().map_while(Result::ok).filter_map(|line| line.trim().parse::<usize>().ok()) {
            let shop = Arc::clone(&shop);
            std::thread::spawn(move || {
                let fed = shop.feed(slot).unwrap_or_else(|failure| {
                    shop.failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure.to_string());
                    false
                });
                let said = if fed { "fed\n" } else { "empty\n" };
                let answered = OpenOptions::new().write(true).open(shop.answer(slot));
                answered.and_then(|mut line| line.write_all(said.as_bytes())).ok()
            });
        }
    });
    Ok(asking)
}

fn lines(output: impl BufRead) -> Vec<String> {
    output.lines().map_while(Result::ok).collect()
}

fn ended(child: &mut Child, limit: Duration) -> Option<std::process::ExitStatus> {
    let begun = Instant::now();
    while begun.elapsed() < limit {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    // It hangs: that is told by the missing exit code.
    let _ = child.kill();
    let _ = child.wait();
    None
}

/// Resident memory of a process.
fn resident_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// An invented person: a number of GB 11643 with its check character by a running remainder.
#[must_use]
pub fn row(person: u64) -> String {
    let (day, order) = (person / 999, person % 999 + 1);
    let birth = format!("{:04}{:02}{:02}", 1930 + day / 336, day / 28 % 12 + 1, day % 28 + 1);
    let body = format!("513301{birth}{order:03}");
    let remainder = body.bytes().fold(0, |sum, byte| (sum + u32::from(byte - b'0')) * 2 % 11);
    let check = match (12 - remainder) % 11 {
        10 => 'X',
        digit => char::from_digit(digit, 10).expect("below ten"),
    };
    format!("{body}{check},扎西·多吉,{},04,{birth},513301\n", if order % 2 == 1 { 1 } else { 2 })
}
