//! The personalization station (个人化): N readers make the cards of one batch, side by side.
//!
//! For each card: identify the chip → bind job, person, number and chip in the journal → write by plan → read back and
//! compare → receipt and outcome in the journal. The journal is durable before the act; after a lost answer the card's
//! state is read before anything is decided. A station killed at any moment goes on where the journal and the card are.
//!
//! Where the centre is, the station does not know: it asks a [`line::Centre`].
//!
//! Owns: the run over a batch, its readers, its end. Never: knows bytes of a card (`card_profiles::plan`), holds keys.

pub mod allowance;
pub mod asked;
pub mod book;
pub mod care;
pub mod content;
pub mod event;
mod faces;
pub mod failure;
pub mod gather;
pub mod hook;
pub mod line;
pub mod line_failure;
pub mod local;
pub mod outbox;
pub mod print;
pub mod read_back;
mod reader;
pub mod receipt;
pub mod remote;
pub mod slot;
pub mod wire;
mod work;
pub(crate) mod writer;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use card_profiles::Profile;
use serde::Serialize;

use crate::batch::{JobState, SetAside, aside};
use crate::lang::Lang;
use crate::output::Show;
use crate::store::Store;

use event::Watcher;
use failure::StationError;
use hook::Hook;
use line::Centre;
use slot::Slot;

/// A station and what it works with.
pub struct Station<'a> {
    /// Where its work comes from.
    pub centre: &'a dyn Centre,
    /// Card type.
    pub profile: &'a Profile,
    /// Batch to make.
    pub batch: i64,
    /// How long to wait for a card to be put in, or back.
    pub wait: Duration,
    /// Failed cards in a row that stop a reader.
    pub failures_max: u32,
    /// Failed cards in a row, on all readers together, that stop the station.
    pub row_max: u32,
    /// Prints a card that is made.
    pub printer: Option<&'a Hook>,
    /// Who is told what happens.
    pub watcher: &'a dyn Watcher,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Batch.
    pub batch: i64,
    /// Cards made in this run.
    pub made: u64,
    /// Cards spoilt in this run.
    pub spoilt: u64,
    /// People of the batch who still wait for a card.
    pub left: u64,
    /// Times that a card went away while it was written and came back: no failure of a card.
    pub retries: u64,
    /// Cards made and not printed.
    pub unprinted: u64,
    /// Jobs whose chip was not seen again.
    pub unfinished: Vec<i64>,
    /// Jobs of the batch for which no card can be made any more.
    pub set_aside: Vec<SetAside>,
    /// How each reader ended.
    pub readers: Vec<ReaderEnd>,
}

/// How a reader ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReaderEnd {
    /// Reader.
    pub reader: String,
    /// Cards made.
    pub made: u64,
    /// Cards spoilt.
    pub spoilt: u64,
    /// Times that a card went away while it was written and came back.
    pub retries: u64,
    /// Cards made and not printed.
    pub unprinted: u64,
    /// Why it ended.
    pub ended: Ended,
}

/// Why a reader ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// No job waits.
    NothingLeft,
    /// No more cards came.
    NoCards,
    /// Too many cards failed one after the other.
    TooManyFailures,
    /// Too many cards failed one after the other on all readers together.
    StationStopped,
    /// Too many cards of the lot failed.
    LotBad,
    /// The feeder hung or could not be run.
    FeederFailed,
    /// The reader failed.
    ReaderFailed,
    /// Stock has no more blank cards of the lot for this station.
    NoBlanks,
    /// What is left of the batch is on lease to other stations.
    OnLease,
    /// Another reader met an error that concerns all, or somebody asked to stop.
    Stopped,
}

/// What one reader counts.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    made: u64,
    spoilt: u64,
    retries: u64,
    unprinted: u64,
}

/// What the readers of a run share: whether to stop, and failed cards in a row on all of them.
#[derive(Debug, Default)]
struct Stop {
    now: AtomicBool,
    row: AtomicU32,
}

impl Stop {
    fn now(&self) {
        self.now.store(true, Ordering::Relaxed);
    }

    fn is_due(&self) -> bool {
        self.now.load(Ordering::Relaxed) || asked::is_due()
    }

    fn made(&self) {
        self.row.store(0, Ordering::Relaxed);
    }

    /// Failed cards in a row with this one.
    fn failed(&self) -> u32 {
        self.row.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }
}

impl Station<'_> {
    /// Makes the cards of the batch until nothing is left to do or nothing to do it with.
    ///
    /// # Errors
    /// [`StationError`]; the batch can be run again.
    pub fn run(&self, slots: Vec<Box<dyn Slot>>) -> Result<Summary, StationError> {
        self.centre.begin(&slots.iter().map(|slot| slot.name()).collect::<Vec<_>>())?;
        if self.printer.is_some() {
            faces::clear();
        }
        let (stop, failed) = (Stop::default(), Mutex::new(None));
        let readers: Vec<ReaderEnd> = std::thread::scope(|scope| {
            let threads: Vec<_> = slots
                .into_iter()
                .map(|slot| {
                    let (stop, failed) = (&stop, &failed);
                    scope.spawn(move || {
                        let name = slot.name().to_owned();
                        let mut reader = reader::Reader::new(self, slot, stop);
                        let ended = reader.run().unwrap_or_else(|error| {
                            stop.now();
                            failed.lock().map(|mut first| first.get_or_insert(error).code_for_log()).ok();
                            Ended::Stopped
                        });
                        let Counts { made, spoilt, retries, unprinted } = reader.counts();
                        ReaderEnd { reader: name, made, spoilt, retries, unprinted, ended }
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("a reader thread does not panic")).collect()
        });
        if let Some(error) = failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            return Err(error);
        }
        let line::Rest { left, unfinished, set_aside } = self.centre.end()?;
        let made = readers.iter().map(|reader| reader.made).sum();
        let spoilt = readers.iter().map(|reader| reader.spoilt).sum();
        let retries = readers.iter().map(|reader| reader.retries).sum();
        let unprinted = readers.iter().map(|reader| reader.unprinted).sum();
        Ok(Summary { batch: self.batch, made, spoilt, left, retries, unprinted, unfinished, set_aside, readers })
    }
}

/// Writes the receipts of a batch as files, those that are there already included: their content cannot differ.
///
/// # Errors
/// [`StationError::Receipt`], [`StationError::Store`].
pub fn export_receipts(store: &mut Store, batch: i64, folder: &Path) -> Result<(), StationError> {
    let jobs = store.read(|tx| tx.jobs(batch, JobState::Done))?;
    for job in jobs {
        if let Some((body, signature)) = store.read(|tx| tx.receipt(job))? {
            receipt::write(folder, job, &body, &signature)
                .map_err(|source| StationError::Receipt { folder: folder.to_owned(), source })?;
        }
    }
    Ok(())
}

impl std::fmt::Debug for Station<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Station").field("batch", &self.batch).finish_non_exhaustive()
    }
}

impl Ended {
    const fn text(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::NothingLeft => ("已无待制", "nothing left to do"),
            Self::NoCards => ("没有卡了", "no more cards"),
            Self::TooManyFailures => ("连续失败过多，已停用", "held after too many failures"),
            Self::StationStopped => ("全站连续失败过多，已停止", "all stopped after too many failures in a row"),
            Self::LotBad => ("该批号废卡过多，批号已停用", "its lot is held: too many cards of it failed"),
            Self::FeederFailed => ("送卡命令失败", "its feeder failed"),
            Self::ReaderFailed => ("读写器故障", "the reader failed"),
            Self::NoBlanks => ("领用的空白卡已用完", "no more blank cards are issued to it"),
            Self::OnLease => (
                "其余任务已由其他站领取，租期过后可再运行",
                "the rest is on lease to other stations; run it again when the leases have ended",
            ),
            Self::Stopped => ("已停止", "stopped"),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

impl Show for Summary {
    fn text(&self, lang: Lang) -> String {
        let Self { batch, made, spoilt, left, retries, unprinted, unfinished, set_aside, readers } = self;
        let mut lines: Vec<String> = readers
            .iter()
            .map(|end| {
                let (reader, made, spoilt, why) = (&end.reader, end.made, end.spoilt, end.ended.text(lang));
                lang.pick(
                    format!("{reader}: 制成 {made}，作废 {spoilt}，{why}"),
                    format!("{reader}: {made} made, {spoilt} spoilt, {why}"),
                )
            })
            .collect();
        if !unfinished.is_empty() {
            let jobs: Vec<String> = unfinished.iter().map(ToString::to_string).collect();
            lines.push(lang.pick(
                format!("写到一半的卡未再出现，任务 {}: 放回卡片再运行，或用 batch spoil 申报遗失", jobs.join(", ")),
                format!(
                    "half-written cards not seen again, jobs {}: put them back and run again, or declare them lost with `batch spoil`",
                    jobs.join(", ")
                ),
            ));
        }
        lines.extend(set_aside.iter().map(|one| one.text(lang)));
        lines.extend(aside::remake(set_aside, *batch, lang));
        if *retries > 0 {
            lines.push(lang.pick(
                format!("同一张卡放回续写 {retries} 次"),
                format!("{retries} times a card came back and went on"),
            ));
        }
        if *unprinted > 0 {
            lines.push(lang.pick(
                format!("{unprinted} 张卡已制成而未印刷"),
                format!("{unprinted} cards are made and not printed"),
            ));
        }
        lines.push(lang.pick(
            format!("批次 {batch}: 制成 {made}，作废 {spoilt}，余 {left}"),
            format!("batch {batch}: {made} made, {spoilt} spoilt, {left} left"),
        ));
        lines.join("\n")
    }
}
