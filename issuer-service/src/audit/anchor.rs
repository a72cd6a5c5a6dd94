//! The anchor of the audit log (审计锚): which records there must be, in a file outside the database.
//!
//! ```text
//! start SEQUENCE HASH     the log stood here when the file was begun; no record: 0 and 64 zeros
//! intend SEQUENCE HASH    durable before the record is committed
//! with SEQUENCE HASH      another record of the same commit
//! done SEQUENCE           it was committed
//! …  cut                  a line that a full disk or a power loss cut short: nothing
//! ```
//! The next `intend` shows as well that the record before it was committed: it was made from its hash. Only the very last commit
//! of a process that died between the two lines may be there or not. An `intend` of a record that was committed before says that
//! the log was cut off and went on.
//!
//! Owns: writing the lines, reading them back, what they ask of a log. Never: the database; removes a line.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::Record;

/// Longest line that is read; longer ones are no lines of ours.
const LINE_MAX: u64 = 256;

/// Bytes from the end that an act reads first: some twenty acts.
const TAIL_BYTES: u64 = 4_096;

/// The file beside a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    path: PathBuf,
}

/// What a file asks of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    hashes: BTreeMap<i64, String>,
    /// Last record that must be there.
    head: i64,
    /// First record that the file knows.
    start: i64,
    /// First and last record of the last commit that was written down.
    last: Option<(i64, i64)>,
    /// Records that were written down again after they had been committed.
    replaced: BTreeSet<i64>,
    malformed: Option<u64>,
}

/// Why an act may not begin, or its record not be committed.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] io::Error),
    /// The log does not end where the file says.
    #[error("the log ends at record {log}, the anchor at {anchor}")]
    Differs {
        /// Last record of the log.
        log: i64,
        /// Last record of the file.
        anchor: i64,
    },
    /// A line of its end is none of ours, or says that the log was cut off before.
    #[error("the anchor is damaged")]
    Damaged,
}

/// What is wrong with a log beside its anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The record has another hash than was written down before it was committed.
    Differs(i64),
    /// The record was committed and is not there.
    Missing(i64),
    /// The record was never written down here.
    Unanchored(i64),
    /// The record was committed before with another content: the log was cut off and went on.
    Replaced(i64),
    /// A line of the file is none of ours.
    Malformed(u64),
}

impl Anchor {
    /// Name of the file beside the database.
    pub const NAME: &'static str = "audit.anchor";

    /// The anchor in a folder.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self { path: folder.join(Self::NAME) }
    }

    /// The anchor at another path; a relative one begins in the folder of this one.
    #[must_use]
    pub fn elsewhere(&self, path: &Path) -> Self {
        Self { path: self.path.parent().unwrap_or(Path::new(".")).join(path) }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a file at the present head of the log. It may not exist.
    ///
    /// # Errors
    /// [`io::Error`].
    pub fn begin(&self, head: Option<&(i64, String)>) -> io::Result<()> {
        let (sequence, hash) = head.map_or((0, Record::GENESIS), |(sequence, hash)| (*sequence, hash.as_str()));
        let mut file = OpenOptions::new().create_new(true).append(true).mode(0o600).open(&self.path)?;
        file.write_all(format!("start {sequence} {hash}\n").as_bytes())?;
        file.sync_all()?;
        // The name must be as durable as what it names.
        self.path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }

    /// Another file in the place of this one, not yet in use.
    #[must_use]
    pub fn successor(&self) -> Self {
        Self { path: self.path.with_extension("anchor.new") }
    }

    /// Begins a file, in place of what a run that was killed has left.
    ///
    /// # Errors
    /// [`io::Error`].
    pub fn begin_again(&self, head: Option<&(i64, String)>) -> io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.begin(head)
    }

    /// The successor takes this place; this file is kept beside it.
    ///
    /// # Errors
    /// [`io::Error`].
    pub fn give_way(&self, successor: &Self, sequence: i64) -> io::Result<()> {
        self.set_aside(sequence)?;
        std::fs::rename(&successor.path, &self.path)?;
        self.path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }

    /// Takes a file away that no longer fits, keeping it beside the new one; no file kept before is overwritten.
    ///
    /// # Errors
    /// [`io::Error`].
    fn set_aside(&self, sequence: i64) -> io::Result<()> {
        let name = |again: u32| match again {
            0 => self.path.with_extension(format!("anchor.until-{sequence}")),
            again => self.path.with_extension(format!("anchor.until-{sequence}.{again}")),
        };
        let free = (0..).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(u32::MAX));
        match std::fs::rename(&self.path, free) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }

    /// Whether a log whose last record is `head` ends where the file says; only the end of the file is read.
    ///
    /// # Errors
    /// [`AnchorError`].
    pub fn compare(&self, head: Option<&(i64, String)>) -> Result<(), AnchorError> {
        compare(&mut File::open(&self.path)?, head)
    }

    /// Writes down, durably, that these records are about to be committed together, behind `head`.
    ///
    /// # Errors
    /// [`AnchorError`]; the records must not be committed then.
    pub fn intend(&self, head: Option<&(i64, String)>, records: &[(i64, String)]) -> Result<(), AnchorError> {
        let mut file = OpenOptions::new().read(true).append(true).open(&self.path)?;
        // Looked at and written alone: a writer that lost its database meanwhile must not write behind its successor.
        match file.lock() {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => return Err(error.into()),
            _ => {}
        }
        compare(&mut file, head)?;
        // A line that a full disk or a power loss cut short is ended, and says so.
        let mut last = [b'\n'];
        if file.seek(SeekFrom::End(-1)).is_ok() {
            file.read_exact(&mut last)?;
        }
        let mut lines = String::from(if last == [b'\n'] { "" } else { " cut\n" });
        for (place, (sequence, hash)) in records.iter().enumerate() {
            let word = if place == 0 { "intend" } else { "with" };
            lines += &format!("{word} {sequence} {hash}\n");
        }
        // One write: lines of processes never mix.
        file.write_all(lines.as_bytes())?;
        Ok(file.sync_data()?)
    }

    /// Writes down that a record was committed. Not waited for: the next `intend` says the same.
    pub fn done(&self, sequence: i64) {
        // The act is done; a disk that filled up in this moment must not undo that.
        let _ = OpenOptions::new()
            .append(true)
            .open(&self.path)
            .and_then(|mut file| file.write_all(format!("done {sequence}\n").as_bytes()));
    }

    /// What the file asks of the log.
    ///
    /// # Errors
    /// [`io::Error`].
    pub fn read(&self) -> io::Result<Expected> {
        Expected::of(BufReader::new(File::open(&self.path)?))
    }
}

/// Reads as much of the end as it takes to know.
fn compare(file: &mut File, head: Option<&(i64, String)>) -> Result<(), AnchorError> {
    let (log, hash) = head.map_or((0, Record::GENESIS), |(sequence, hash)| (*sequence, hash.as_str()));
    let length = file.seek(SeekFrom::End(0))?;
    let mut window = TAIL_BYTES;
    loop {
        let from = length.saturating_sub(window);
        file.seek(SeekFrom::Start(from))?;
        let mut lines = BufReader::new(Read::take(&mut *file, length - from));
        if from > 0 {
            // The rest of a line.
            lines.skip_until(b'\n')?;
        }
        let end = Expected::after(&mut lines, u64::from(from > 0))?;
        if end.malformed.is_some() || !end.replaced.is_empty() {
            return Err(AnchorError::Damaged);
        }
        match end.ends_at(log, hash) {
            Some(true) => return Ok(()),
            None if from > 0 => window = window.saturating_mul(4),
            None if end.last.is_none() => return Err(AnchorError::Damaged),
            Some(false) | None => {
                return Err(AnchorError::Differs { log, anchor: end.last.map_or(0, |(_, last)| last) });
            }
        }
    }
}

impl Expected {
    /// Reads the lines of a file.
    ///
    /// # Errors
    /// [`io::Error`].
    pub fn of(lines: impl BufRead) -> io::Result<Self> {
        Self::after(lines, 0)
    }

    /// Reads the lines that come behind the first `number`.
    fn after(mut lines: impl BufRead, mut number: u64) -> io::Result<Self> {
        let mut expected = Self::default();
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = Read::take(&mut lines, LINE_MAX).read_until(b'\n', &mut line)?;
            if length == 0 {
                return Ok(expected);
            }
            number += 1;
            let text = std::str::from_utf8(&line).unwrap_or_default();
            // The last line of a process that lost power may be cut short: it was not committed.
            if !text.ends_with('\n') && lines.fill_buf()?.is_empty() {
                return Ok(expected);
            }
            if !expected.take(text.trim_end_matches('\n'), number) && expected.malformed.is_none() {
                expected.malformed = Some(number);
            }
        }
    }

    fn take(&mut self, line: &str, number: u64) -> bool {
        let words: Vec<&str> = line.split(' ').collect();
        if line.ends_with(" cut") {
            return true;
        }
        let sequence = words.get(1).and_then(|word| word.parse::<i64>().ok()).filter(|sequence| *sequence >= 0);
        match (words.as_slice(), sequence) {
            (["start", _, hash], Some(sequence)) if number == 1 => {
                self.hashes.insert(sequence, (*hash).to_owned());
                (self.start, self.head) = (sequence, sequence);
                self.last = Some((sequence, sequence));
                true
            }
            (["intend", _, hash], Some(sequence)) => {
                if sequence <= self.head {
                    self.replaced.insert(sequence);
                }
                self.hashes.insert(sequence, (*hash).to_owned());
                self.head = self.head.max(sequence - 1);
                self.last = Some((sequence, sequence));
                true
            }
            (["with", _, hash], Some(sequence)) => {
                if sequence <= self.head {
                    self.replaced.insert(sequence);
                }
                self.hashes.insert(sequence, (*hash).to_owned());
                // At the head of a window its `intend` is out of sight.
                let first = self.last.filter(|(_, last)| last + 1 == sequence).map(|(first, _)| first);
                self.last = first.map(|first| (first, sequence));
                true
            }
            (["done", _], Some(sequence)) => {
                self.head = self.head.max(sequence);
                true
            }
            _ => false,
        }
    }

    /// Whether a log with this last record ends where the lines do; `None` when they do not reach back far enough.
    fn ends_at(&self, log: i64, hash: &str) -> Option<bool> {
        let (first, last) = self.last?;
        if log == last {
            return Some(self.hashes.get(&last).is_some_and(|known| known == hash));
        }
        // A process died between the line and the commit.
        if log + 1 == first && self.head < first {
            return self.hashes.get(&log).map(|known| known == hash);
        }
        Some(false)
    }

    /// The same lines, asking only for the records that an earlier reading asked for: others came in between.
    #[must_use]
    pub fn asking_as(self, earlier: &Self) -> Self {
        Self { head: earlier.head, ..self }
    }

    /// Takes a record of the log.
    #[must_use]
    pub fn check(&self, sequence: i64, hash: &str) -> Option<Finding> {
        if sequence < self.start {
            return None;
        }
        if self.replaced.contains(&sequence) {
            return Some(Finding::Replaced(sequence));
        }
        match self.hashes.get(&sequence) {
            Some(expected) if expected == hash => None,
            Some(_) => Some(Finding::Differs(sequence)),
            None => Some(Finding::Unanchored(sequence)),
        }
    }

    /// After the last record of the log.
    #[must_use]
    pub fn finish(&self, last: i64) -> Option<Finding> {
        match self.malformed {
            Some(line) => Some(Finding::Malformed(line)),
            None if self.replaced.last().is_some_and(|replaced| *replaced > last) => Some(Finding::Replaced(last + 1)),
            None if last < self.head => Some(Finding::Missing(last + 1)),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(text: &str) -> Expected {
        Expected::of(text.as_bytes()).expect("read")
    }

    #[test]
    fn a_record_written_down_and_done_must_be_there_one_only_intended_may() {
        let open = expected("start 0 0\nintend 1 AA\ndone 1\nintend 2 BB\n");
        assert_eq!((open.finish(0), open.finish(1), open.finish(2)), (Some(Finding::Missing(1)), None, None));
        let shown_by_the_next = expected("start 0 0\nintend 1 AA\nintend 2 BB\nintend 3 CC\n");
        assert_eq!(shown_by_the_next.finish(1), Some(Finding::Missing(2)));
        assert_eq!(shown_by_the_next.check(2, "BB"), None);
        assert_eq!(shown_by_the_next.check(2, "XX"), Some(Finding::Differs(2)));
        assert_eq!(shown_by_the_next.check(4, "DD"), Some(Finding::Unanchored(4)));
    }

    #[test]
    fn of_two_tries_of_one_record_the_later_counts() {
        let again = expected("start 0 0\nintend 1 AA\nintend 1 BB\ndone 1\n");
        assert_eq!((again.check(1, "BB"), again.check(1, "AA")), (None, Some(Finding::Differs(1))));
    }

    #[test]
    fn records_before_the_start_are_not_its_business_and_a_line_cut_by_a_power_loss_is_no_line() {
        let late = expected("start 5 EE\nintend 6 FF\ndone 6\nintend 7 G");
        assert_eq!((late.check(4, "?"), late.check(5, "EE"), late.finish(6)), (None, None, None));
        assert_eq!(late.check(5, "XX"), Some(Finding::Differs(5)));
    }

    #[test]
    fn a_line_cut_short_is_ended_by_the_next_act_and_means_nothing() {
        let folder = tempfile::tempdir().expect("folder");
        let anchor = Anchor::in_folder(folder.path());
        anchor.begin(None).expect("begun");
        let text = std::fs::read_to_string(anchor.path()).expect("read");
        std::fs::write(anchor.path(), format!("{text}intend 1 A")).expect("cut");
        anchor.intend(None, &[(1, "BB".to_owned())]).expect("written");
        anchor.done(1);
        let read = anchor.read().expect("read");
        assert_eq!((read.check(1, "BB"), read.finish(1), read.finish(0)), (None, None, Some(Finding::Missing(1))));
    }

    #[test]
    fn lines_that_are_none_of_ours_are_named() {
        for wrong in ["intend x AA\n", "done\n", "start 0 0 0\n", "\n", &format!("{}\n", "9".repeat(600))] {
            let text = format!("start 0 0\n{wrong}intend 1 AA\n");
            assert_eq!(expected(&text).finish(1), Some(Finding::Malformed(2)), "{wrong:?}");
        }
    }
    #[test]
    fn a_record_written_down_again_after_its_commit_is_damage_for_good() {
        for text in [
            "start 0 0\nintend 1 AA\ndone 1\nintend 1 BB\ndone 1\n",
            // That the second was made shows that the first was committed.
            "start 0 0\nintend 1 AA\nintend 2 CC\nintend 1 BB\ndone 1\n",
            "start 0 0\nintend 1 AA\ndone 1\nintend 1 AA\ndone 1\n",
            "start 1 AA\nintend 1 BB\ndone 1\n",
            "start 0 0\nintend 1 AA\nwith 2 BB\ndone 2\nintend 1 CC\nwith 2 DD\ndone 2\n",
        ] {
            let again = expected(text);
            assert_eq!(again.check(1, "BB"), Some(Finding::Replaced(1)), "{text}");
            assert_eq!(again.finish(0), Some(Finding::Replaced(1)), "{text}");
        }
    }

    #[test]
    fn records_of_one_commit_are_there_together_or_not_at_all() {
        let open = expected("start 0 0\nintend 1 AA\ndone 1\nintend 2 BB\nwith 3 CC\nwith 4 DD\n");
        assert_eq!((open.finish(1), open.check(3, "CC")), (None, None));
        assert_eq!((open.ends_at(1, "AA"), open.ends_at(4, "DD")), (Some(true), Some(true)));
        for (log, hash) in [(2, "BB"), (3, "CC"), (4, "XX"), (1, "XX"), (0, "0"), (5, "EE")] {
            assert_eq!(open.ends_at(log, hash), Some(false), "{log} {hash}");
        }
        let again = expected("start 0 0\nintend 1 AA\nwith 2 BB\nwith 3 CC\nintend 1 DD\ndone 1\n");
        assert_eq!((again.finish(1), again.check(1, "DD"), again.ends_at(1, "DD")), (None, None, Some(true)));
    }

    #[test]
    fn an_act_reads_the_end_of_the_file_and_further_back_only_when_it_must() {
        let folder = tempfile::tempdir().expect("folder");
        let anchor = Anchor::in_folder(folder.path());
        let hash = |sequence: i64| format!("{sequence:064}");
        let mut text = format!("start 0 {}\n", hash(0));
        for sequence in 1..=500 {
            text += &format!("intend {sequence} {}\ndone {sequence}\n", hash(sequence));
        }
        let write = |more: &str| std::fs::write(anchor.path(), format!("{text}{more}")).expect("written");
        let compare = |sequence: i64| anchor.compare(Some(&(sequence, hash(sequence))));
        write("");
        assert!(compare(500).is_ok());
        for cut in [0, 1, 499, 501] {
            assert!(matches!(compare(cut), Err(AnchorError::Differs { anchor: 500, .. })), "{cut}");
        }
        assert!(matches!(anchor.compare(None), Err(AnchorError::Differs { log: 0, anchor: 500 })));
        // Many tries of one record lie between it and the one before.
        write(&format!("intend 501 {}\n", hash(7)).repeat(300));
        assert!(compare(500).is_ok() && compare(501).is_err() && compare(499).is_err());
        // A commit larger than what is read first.
        let group: String = (502..900).map(|sequence| format!("with {sequence} {}\n", hash(sequence))).collect();
        write(&format!("intend 501 {}\n{group}", hash(501)));
        assert!(compare(500).is_ok() && compare(899).is_ok() && compare(501).is_err());
        write(&format!("intend 501 {}\n{group}done 899\n", hash(501)));
        assert!(compare(899).is_ok() && compare(500).is_err());
        for damage in ["garbage\n", "intend 3 AA\n"] {
            write(damage);
            assert!(matches!(compare(500), Err(AnchorError::Damaged)), "{damage:?}");
        }
        // A line cut short is none.
        write("inte");
        assert!(compare(500).is_ok());
        std::fs::write(anchor.path(), "").expect("emptied");
        assert!(matches!(anchor.compare(None), Err(AnchorError::Damaged)));
    }

    #[test]
    fn nothing_is_written_behind_a_log_that_went_another_way() {
        let folder = tempfile::tempdir().expect("folder");
        let anchor = Anchor::in_folder(folder.path());
        anchor.begin(None).expect("begun");
        anchor.intend(None, &[(1, "AA".to_owned())]).expect("written");
        anchor.done(1);
        let before = std::fs::read(anchor.path()).expect("read");
        let late = anchor.intend(None, &[(1, "BB".to_owned())]);
        assert!(matches!(late, Err(AnchorError::Differs { log: 0, anchor: 1 })), "{late:?}");
        assert_eq!(std::fs::read(anchor.path()).expect("read"), before);
    }

    #[test]
    fn a_file_set_aside_does_not_overwrite_one_set_aside_before() {
        let folder = tempfile::tempdir().expect("folder");
        let anchor = Anchor::in_folder(folder.path());
        for _ in 0..3 {
            anchor.begin(None).expect("begun");
            anchor.set_aside(0).expect("aside");
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("list").count(), 3);
    }
}
