//! Cards that a personalization station makes in a second with 1, 2 and 4 readers: journal, keys, read-back and receipts included.
//!
//! Source: ISO/IEC 7816-3 10 for the time of bytes on the contacts (`card_core::wire`).
//! Owns: readers whose cards are in this process, at full speed or with the line's own time for every exchange; the bare sides.
//! *Cryptography*: what module and card must compute for the cards (`personalization`), on as many cores as there are readers.
//! *Durable*: the same cryptography, and for each card what cannot be done without the disk: one commit of SQLite before it is
//! written, a line of a file and another commit behind it (docs/adr/0064); what is left below it is ours.
//! *Wire*: the bytes of the same cards at the line's rate, side by side on all readers, and nothing else.
//! Never: counts the making of blank cards, of people or of the batch.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use card_core::transport::{Transport, TransportError};
use card_core::wire::{Line, Wire};
use card_profiles::Profile;
use card_profiles::plan::Plan;
use card_sim::{InProcess, Socket};
use issuer_service::centre::Centre;
use issuer_service::station::Station;
use issuer_service::station::book::Book;
use issuer_service::station::care::Care;
use issuer_service::station::event::{Event, Watcher};
use issuer_service::station::gather::Gather;
use issuer_service::station::local::Local;
use issuer_service::station::slot::Slot;
use issuer_service::vault::Vault;
use rusqlite::Connection;

use crate::centre::Place;
use crate::measure::{Aim, Row, alternate, timed};
use crate::people;
use crate::personalization;
use crate::sample::Sample;

/// Readers of a station.
const READERS: [u32; 3] = [1, 2, 4];

/// Cards of a reader in a block: a batch has more, and a run begins and ends once.
const CARDS: u32 = 100;

/// Blocks at full speed.
const BLOCKS: usize = 5;

/// The bound: half as much again as the bare work.
const AIM: Aim = Aim::AtLeast(0.67);

/// The rows.
///
/// # Panics
/// When a card is not made: then nothing is worth measuring.
#[must_use]
pub fn measure() -> Vec<Row> {
    let mut bench = Bench::new();
    let mut rows: Vec<Row> = READERS.into_iter().flat_map(|readers| bench.full_speed(readers)).collect();
    for (line, baud, cards) in [(Line::FAST, "115200", 6), (Line::RESET, "9600", 2)] {
        rows.extend(READERS.into_iter().map(|readers| bench.paced(readers, line, baud, cards)));
    }
    rows
}

struct Bench {
    place: Place,
    vault: Vault,
    profile: Profile,
    sample: Sample,
    plan: Plan,
    cores: u32,
    serial: u32,
}

impl Bench {
    fn new() -> Self {
        let mut place = Place::new();
        let per_block: u32 = READERS.into_iter().map(|readers| readers * CARDS).sum();
        let blocks = u32::try_from(BLOCKS + 1).expect("few blocks");
        let count = per_block * blocks + per_block;
        let file = place.path("people.csv");
        std::fs::write(&file, people::csv(0, count)).expect("written");
        place.import(&file, count);
        let vault = place.vault();
        let sample = Sample::new();
        let plan = sample.plan(sample.blank(0).atr());
        let cores = std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
        Self { place, vault, profile: Centre::card_profile(), sample, plan, cores, serial: 0 }
    }

    /// Against the cryptography, and against that with its durable writes.
    fn full_speed(&mut self, readers: u32) -> [Row; 2] {
        let busy = readers.min(self.cores);
        let plan = self.plan.clone();
        let disk = Disk::new(&self.place);
        let mut durable = Vec::with_capacity(BLOCKS + 1);
        let (ours, bare) = alternate(
            BLOCKS,
            readers * CARDS,
            |cards| self.run(readers, cards / readers, None).0,
            |cards| {
                durable.push(each_on_its_core(cards, readers, |cards| {
                    for _ in 0..cards {
                        disk.commit();
                        personalization::bare(&plan);
                        disk.line();
                        disk.commit();
                    }
                }));
                each_on_its_core(cards, busy, |cards| (0..cards).for_each(|_| personalization::bare(&plan)))
            },
        );
        durable.remove(0);
        durable.sort();
        let durable = durable[durable.len() / 2].as_secs_f64() / f64::from(readers * CARDS);
        let what = format!("cards made, {readers} readers");
        let note =
            format!("bare: cryptography of module and card for the same cards on {busy} of {} cores", self.cores);
        let floor = "bare: the same with two commits and one line of a file a card, each durable, on the same disk";
        [
            Row::new(&what, "1/s", 1.0 / ours, 1.0 / bare, AIM, &note),
            Row::new(&format!("{what}, to the disk"), "1/s", 1.0 / ours, 1.0 / durable, Aim::None, floor),
        ]
    }

    fn paced(&mut self, readers: u32, line: Line, baud: &str, cards: u32) -> Row {
        let (time, wire) = self.run(readers, cards, Some(line));
        let made = f64::from(readers * cards);
        // On all readers at once.
        let bare = Duration::from_micros(wire.micros(line) / u64::from(readers));
        let note = format!("bare: {} bytes a card on the line", wire.bytes / u64::from(readers * cards));
        let what = format!("cards made, {readers} readers at {baud}");
        Row::new(&what, "1/s", made / time.as_secs_f64(), made / bare.as_secs_f64(), AIM, &note)
    }

    /// Makes so many cards on each reader: the time, and what went over the contacts.
    fn run(&mut self, readers: u32, cards: u32, line: Option<Line>) -> (Duration, Wire) {
        let batch = self.place.batch(readers * cards);
        let (bytes, exchanges) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let slots: Vec<Box<dyn Slot>> = (0..readers)
            .map(|number| {
                let mut hopper = VecDeque::new();
                for _ in 0..cards {
                    self.serial += 1;
                    hopper.push_back(Socket::new(self.sample.blank(self.serial)));
                }
                let current = hopper.pop_front();
                let (bytes, exchanges) = (Arc::clone(&bytes), Arc::clone(&exchanges));
                Box::new(Desk { name: format!("desk {number}"), current, hopper, line, bytes, exchanges })
                    as Box<dyn Slot>
            })
            .collect();
        let (database, config) = (self.place.centre.place().expect("a file"), &self.place.centre.config);
        let centre = Local {
            database: &database,
            folder: &self.place.centre.folder,
            data_keys: &self.place.data_keys,
            book: Book { vault: &self.vault, config, profile: &self.profile },
            batch,
            operator: Some("sun"),
            care: Care::default(),
            writes: Gather::default(),
        };
        let station = Station {
            centre: &centre,
            profile: &self.profile,
            batch,
            wait: Duration::from_secs(5),
            failures_max: 1,
            row_max: 1,
            printer: None,
            watcher: &Nobody,
        };
        let start = Instant::now();
        let summary = station.run(slots).expect("a run");
        let time = start.elapsed();
        assert_eq!((summary.made, summary.left), (u64::from(readers * cards), 0), "every card is made");
        (time, Wire { exchanges: exchanges.load(Ordering::Relaxed), bytes: bytes.load(Ordering::Relaxed) })
    }
}

/// So many cards, shared out among threads.
fn each_on_its_core(cards: u32, threads: u32, work: impl Fn(u32) + Sync) -> Duration {
    timed(|| {
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let (share, work) = (cards / threads + u32::from(thread < cards % threads), &work);
                scope.spawn(move || work(share));
            }
        });
    })
}

/// What must be durable for a card, and nothing else.
struct Disk {
    database: Mutex<Connection>,
    file: Mutex<File>,
}

impl Disk {
    fn new(place: &Place) -> Self {
        let database = Connection::open(place.path("bare.sqlite")).expect("a database");
        database.pragma_update(None, "journal_mode", "WAL").expect("a setting");
        database.pragma_update(None, "synchronous", "FULL").expect("a setting");
        database.execute("CREATE TABLE IF NOT EXISTS card (id INTEGER PRIMARY KEY, state TEXT)", ()).expect("a table");
        let file = OpenOptions::new().create(true).append(true).open(place.path("bare.anchor")).expect("a file");
        Self { database: Mutex::new(database), file: Mutex::new(file) }
    }

    fn commit(&self) {
        let database = self.database.lock().expect("alone");
        let mut add = database.prepare_cached("INSERT INTO card (state) VALUES ('writing')").expect("a statement");
        add.execute(()).expect("durable");
    }

    fn line(&self) {
        let mut file = self.file.lock().expect("alone");
        file.write_all(&[b'0'; 80]).expect("written");
        file.sync_data().expect("durable");
    }
}

/// Nobody is told.
struct Nobody;

impl Watcher for Nobody {
    fn event(&self, _: &Event<'_>) {}
    fn step(&self, _: &str, _: usize, _: usize) {}
}

/// A reader of this process with a hopper.
struct Desk {
    name: String,
    current: Option<Socket>,
    hopper: VecDeque<Socket>,
    line: Option<Line>,
    bytes: Arc<AtomicU64>,
    exchanges: Arc<AtomicU64>,
}

impl Slot for Desk {
    fn name(&self) -> &str {
        &self.name
    }

    fn card(&mut self, _: Duration) -> Result<Option<Box<dyn Transport>>, TransportError> {
        let Some(card) = self.current.as_ref().map(Socket::connect).transpose()? else { return Ok(None) };
        let (bytes, exchanges) = (Arc::clone(&self.bytes), Arc::clone(&self.exchanges));
        Ok(Some(Box::new(Contacts { card, line: self.line, late: Duration::ZERO, bytes, exchanges })))
    }

    fn emptied(&mut self, _: Duration) -> Result<bool, TransportError> {
        self.current = None;
        Ok(true)
    }

    fn next(&mut self, _: Duration) -> Result<bool, TransportError> {
        self.current = self.hopper.pop_front();
        Ok(self.current.is_some())
    }

    fn feeds(&self) -> bool {
        true
    }
}

/// Contacts on which every exchange takes the line's time.
struct Contacts {
    card: InProcess,
    line: Option<Line>,
    /// How much longer than the line this process slept so far: the system's clock wakes it late, which no reader would.
    late: Duration,
    bytes: Arc<AtomicU64>,
    exchanges: Arc<AtomicU64>,
}

/// Sleeps as long as the line takes, less what was slept too long before; what is too long now.
fn slept(line: Duration, late: Duration) -> Duration {
    let start = Instant::now();
    std::thread::sleep(line.saturating_sub(late));
    (start.elapsed() + late).saturating_sub(line)
}

impl Transport for Contacts {
    fn transmit(&mut self, command: &[u8], answer: &mut Vec<u8>) -> Result<(), TransportError> {
        let before = answer.len();
        self.card.transmit(command, answer)?;
        let mut wire = Wire::default();
        wire.add(command, answer.get(before..).unwrap_or_default());
        self.bytes.fetch_add(wire.bytes, Ordering::Relaxed);
        self.exchanges.fetch_add(wire.exchanges, Ordering::Relaxed);
        if let Some(line) = self.line {
            self.late = slept(Duration::from_micros(wire.micros(line)), self.late);
        }
        Ok(())
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.card.reset()
    }

    fn atr(&self) -> &[u8] {
        self.card.atr()
    }
}
