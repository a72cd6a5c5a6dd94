//! Life after life of a station, each killed at the next durable write of its journal, until the batch is finished.
//!
//! *Commits*: each commit of the database is hit once, in turn before its first write, inside a write, before its flush, behind
//! its flush; what was not committed is committed by the next life before that one is killed. With four different turns each commit
//! is hit in all four places. *Writes*: every single write and flush of every file of the centre is hit once.
//! *Together*: flushes take so long that readers wait for each other and write together; the commit behind a life's first one is hit
//! at one write after the other.
//!
//! Owns: which moment is next, what kind of entry was hit, the table. Never: looks at the books itself: each life does, first.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Serialize;

use crate::cards;
use crate::failure::Failure;
use crate::fault::{Act, Faults, Moment};
use crate::life::{Begin, End};
use crate::place::Place;
use crate::store::{Books, Findings};

/// Every so many lives the commit that begins a run is the one that is hit.
const FIRST_EVERY: u64 = 13;

/// Lives after which a batch of so many cards must be finished.
const LIVES_PER_CARD: u64 = 1_000;

/// About how many writes and flushes there are in what readers write together.
const GATHERED: u64 = 24;

/// kill -9.
const SIGKILL: i32 = 9;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Commits, each hit once; which of the four places comes first.
    Commits(usize),
    /// Every write and every flush, each hit once.
    Writes,
    /// The commit of readers that waited for each other, at one of its writes after the other. A flush takes so many milliseconds, in
    /// which they gather.
    Together(u32),
}

/// Kills of one kind of entry, and the worst that was found after any of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Kills before it, inside it, before its flush, behind its flush.
    pub kills: [u64; 4],
    /// Found by the next life.
    pub found: Findings,
}

/// What came of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Table {
    /// People of the batch.
    pub people: u32,
    /// Lives of the station, the last one included.
    pub lives: u64,
    /// By kind of entry.
    pub lines: BTreeMap<String, Line>,
    /// Cards spoilt.
    pub spoilt: u64,
    /// People without a card at the end.
    pub left: u64,
    /// In the books at the end.
    pub books: Findings,
    /// On the cards at the end.
    pub cards: Findings,
}

impl Table {
    /// Kills in all.
    #[must_use]
    pub fn kills(&self) -> u64 {
        self.lines.values().flat_map(|line| line.kills).sum()
    }

    /// Whether nothing was doubled, orphaned, lost, spoilt or left.
    #[must_use]
    pub fn holds(&self) -> bool {
        let clean = self.lines.values().all(|line| line.found.none());
        self.lives > 1 && clean && self.books.none() && self.cards.none() && self.spoilt == 0 && self.left == 0
    }
}

/// A kill, and what the next life found.
struct Kill {
    /// The entry that was hit, from 1; none for the commit that begins a run. Its kind is known when it stands in the journal.
    entry: Option<usize>,
    act: Act,
    found: Findings,
}

/// A soak of one batch.
#[derive(Debug)]
pub struct Soak<'a> {
    /// This program, which lives with `station`.
    pub program: &'a Path,
    /// The fault.
    pub faults: &'a Faults,
    /// Where.
    pub place: &'a Place,
    /// People of the batch.
    pub people: u32,
}

/// How a life ended.
enum Ended {
    Killed,
    ByItself(End),
}

/// Which moment is next.
trait Aim {
    /// The files that count, and the fault.
    fn next(&mut self, life: u64) -> (&'static str, Act, Moment);

    /// A life began with so many entries: which one is hit.
    fn began(&mut self, entries: usize) -> Option<usize>;

    /// A life was killed.
    fn killed(&mut self, place: &Place) -> Result<(), Failure>;
}

impl Soak<'_> {
    /// Lives and kills until the batch is finished. `told` learns the number of lives and of journal entries.
    ///
    /// # Errors
    /// [`Failure::Life`] when a life ends otherwise than killed or finished.
    pub fn run(&self, unit: Unit, mut told: impl FnMut(u64, usize)) -> Result<Table, Failure> {
        let (mut entries, mut kills, mut lives) = (Vec::<String>::new(), Vec::<Kill>::new(), 0);
        let mut aim: Box<dyn Aim> = match unit {
            Unit::Commits(turn) => Box::new(Commits { turn, ..Commits::default() }),
            Unit::Writes => Box::new(Writes::new()?),
            Unit::Together(_) => Box::new(Together),
        };
        let slow_ms = if let Unit::Together(ms) = unit { ms } else { 0 };
        let end = loop {
            lives += 1;
            if lives > LIVES_PER_CARD * u64::from(self.people) {
                return Err(Failure::Endless { lives });
            }
            let (files, act, moment) = aim.next(lives);
            let (begin, ended) = self.life(lives, entries.len(), Some((files, act, moment)), slow_ms)?;
            if let Some(begin) = begin {
                if let Some(last) = kills.last_mut() {
                    last.found = begin.findings;
                }
                entries.extend(begin.entries);
            }
            told(lives, entries.len());
            let entry = aim.began(entries.len());
            match ended {
                Ended::ByItself(end) => break end,
                Ended::Killed => {
                    aim.killed(self.place)?;
                    kills.push(Kill { entry, act, found: Findings::default() });
                }
            }
        };
        let last = match self.life(lives, entries.len(), None, 0)? {
            (Some(last), Ended::ByItself(_)) => last,
            _ => return Err(Failure::Endless { lives }),
        };
        entries.extend(last.entries);
        let cards = cards::findings(self.place)?;
        let lines = lines(&kills, &entries);
        Ok(Table { people: self.people, lives, lines, spoilt: end.spoilt, left: end.left, books: last.findings, cards })
    }

    /// One life: what it found, unless it was killed while it opened the database, and how it ended.
    fn life(
        &self,
        life: u64,
        known: usize,
        fault: Option<(&str, Act, Moment)>,
        slow_ms: u32,
    ) -> Result<(Option<Begin>, Ended), Failure> {
        let mut program = Command::new(self.program);
        program.args(["station", "--known", &known.to_string(), "--place"]).arg(self.place.folder());
        if let Some((files, act, moment)) = fault {
            self.faults.under(&mut program, &self.place.centre(), files, act, moment);
            program.env("SOAK_SLOW", slow_ms.to_string());
        }
        let output = program.stdin(Stdio::null()).output().map_err(Failure::system(self.program))?;
        let failed = |ended: String| Failure::Life {
            life,
            ended,
            said: [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy).concat(),
        };
        let mut lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let begin: Option<Begin> = lines.next().and_then(|line| serde_json::from_slice(line).ok());
        match (output.status.signal(), output.status.success()) {
            (Some(SIGKILL), _) => Ok((begin, Ended::Killed)),
            (None, true) => {
                let end = lines.next().and_then(|line| serde_json::from_slice(line).ok());
                Ok((begin, Ended::ByItself(end.ok_or_else(|| failed("no word".to_owned()))?)))
            }
            _ => Err(failed(output.status.to_string())),
        }
    }
}

/// The table, now that every entry has its kind.
fn lines(kills: &[Kill], entries: &[String]) -> BTreeMap<String, Line> {
    let mut lines = BTreeMap::<String, Line>::new();
    for kill in kills {
        let kind = match kill.entry {
            None => "run begins",
            Some(entry) => entries.get(entry - 1).map_or("batch finished", String::as_str),
        };
        let line = lines.entry(kind.to_owned()).or_default();
        line.found = line.found.worst(kill.found);
        for (count, act) in line.kills.iter_mut().zip(Act::KILLS) {
            *count += u64::from(act == kill.act);
        }
    }
    lines
}

/// Each commit once. What a life will find is foretold from the act, because the moment is chosen before it looks.
#[derive(Debug, Default)]
struct Commits {
    /// Entries that the next life will find.
    expected: usize,
    /// The entry hit last.
    hit: usize,
    act: Option<Act>,
    first: bool,
    turn: usize,
}

/// Every so many commits the places are shifted, so that no kind of commit always meets the same one.
const SHIFT_EVERY: usize = 101;

impl Commits {
    /// Whether the entry hit last must be written again before the next one is hit.
    fn undone(&self) -> usize {
        usize::from(self.hit > self.expected)
    }
}

impl Aim for Commits {
    fn next(&mut self, life: u64) -> (&'static str, Act, Moment) {
        self.first = life.is_multiple_of(FIRST_EVERY);
        let entry = self.expected + self.undone() + 1;
        let number = if self.first { usize::try_from(life / FIRST_EVERY).unwrap_or_default() } else { entry };
        let act = Act::KILLS[(number + number / SHIFT_EVERY + self.turn) % Act::KILLS.len()];
        self.act = Some(act);
        let commits = if self.first { 0 } else { 1 + self.undone() as u64 };
        // A page is written behind the head of its frame.
        ("-wal", act, Moment { commits, at: if act == Act::Half { 2 } else { 1 } })
    }

    fn began(&mut self, entries: usize) -> Option<usize> {
        let undone = self.undone();
        self.expected = entries;
        if self.first {
            return None;
        }
        self.hit = entries + undone + 1;
        let committed = matches!(self.act, Some(Act::Unflushed | Act::Flushed));
        self.expected += undone + usize::from(committed);
        Some(self.hit)
    }

    fn killed(&mut self, _: &Place) -> Result<(), Failure> {
        Ok(())
    }
}

/// The second commit of a life: the first is that of the reader that came first, and whoever comes during its flush waits.
#[derive(Debug)]
struct Together;

impl Aim for Together {
    fn next(&mut self, life: u64) -> (&'static str, Act, Moment) {
        ("", Act::Half, Moment { commits: 2, at: life % GATHERED + 1 })
    }

    fn began(&mut self, entries: usize) -> Option<usize> {
        Some(entries + 2)
    }

    fn killed(&mut self, _: &Place) -> Result<(), Failure> {
        Ok(())
    }
}

/// Every write and flush once. What a kill has left is looked up in a copy: a look at the database itself would mend it.
#[derive(Debug)]
struct Writes {
    copy: tempfile::TempDir,
    /// Which write behind so many commits is next.
    moment: Moment,
    /// Entries and audit records after the last kill.
    entries: usize,
    audited: Option<u64>,
}

impl Writes {
    fn new() -> Result<Self, Failure> {
        let copy = tempfile::tempdir().map_err(Failure::system("a folder for a copy"))?;
        Ok(Self { copy, moment: Moment { commits: 0, at: 1 }, entries: 0, audited: None })
    }

    fn look(&self, place: &Place) -> Result<Books, Failure> {
        for name in ["centre.db", "centre.db-wal"] {
            let (from, to) = (place.centre().join(name), self.copy.path().join(name));
            // A log that was not begun is an empty one.
            let copied = if from.exists() { std::fs::copy(&from, to).map(drop) } else { std::fs::write(to, []) };
            copied.map_err(Failure::system(from))?;
        }
        Books::open(self.copy.path())
    }
}

impl Aim for Writes {
    fn next(&mut self, _: u64) -> (&'static str, Act, Moment) {
        ("", Act::Half, self.moment)
    }

    fn began(&mut self, entries: usize) -> Option<usize> {
        self.entries = entries;
        (self.moment.commits > 0).then_some(entries + 1)
    }

    fn killed(&mut self, place: &Place) -> Result<(), Failure> {
        let books = self.look(place)?;
        let (entries, audited) = (books.entries(0)?.len(), books.audited()?);
        let begun = self.moment.commits == 0 && self.audited.is_some_and(|before| before != audited);
        self.audited = Some(audited);
        if begun {
            // The commit that begins a run is behind us; from here on each life makes it unharmed.
            self.moment = Moment { commits: 1, at: 1 };
        } else if entries > self.entries {
            self.moment.at = 1;
        } else {
            self.moment.at += 1;
        }
        Ok(())
    }
}
