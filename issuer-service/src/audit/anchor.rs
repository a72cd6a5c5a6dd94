//! The anchor of the audit log (审计锚): which records there must be, in a file outside the database.
//!
//! ```text
//! start SEQUENCE HASH     the log stood here when the file was begun; no record: 0 and 64 zeros
//! intend SEQUENCE HASH    durable before the record is committed
//! done SEQUENCE           it was committed
//! …  cut                  a line that a full disk or a power loss cut short: nothing
//! ```
//! The next `intend` shows as well that the record before it was committed: it was made from its hash. Only the very last record
//! of a process that died between the two lines may be there or not.
//!
//! Owns: writing the lines, reading them back, what they ask of a log. Never: the database; removes a line.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::Record;

/// Longest line that is read; longer ones are no lines of ours.
const LINE_MAX: u64 = 256;

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
    malformed: Option<u64>,
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

    /// Takes a file away that no longer fits, keeping it beside the new one.
    ///
    /// # Errors
    /// [`io::Error`].
    pub fn set_aside(&self, sequence: i64) -> io::Result<()> {
        match std::fs::rename(&self.path, self.path.with_extension(format!("anchor.until-{sequence}"))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }

    /// Writes down, durably, that a record is about to be committed.
    ///
    /// # Errors
    /// [`io::Error`]; the record must not be committed then.
    pub fn intend(&self, sequence: i64, hash: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().read(true).append(true).open(&self.path)?;
        // A line that a full disk or a power loss cut short is ended, and says so.
        let mut last = [b'\n'];
        if file.seek(SeekFrom::End(-1)).is_ok() {
            file.read_exact(&mut last)?;
        }
        let cut = if last == [b'\n'] { "" } else { " cut\n" };
        // One write: lines of processes never mix.
        file.write_all(format!("{cut}intend {sequence} {hash}\n").as_bytes())?;
        file.sync_data()
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

impl Expected {
    /// Reads the lines of a file.
    ///
    /// # Errors
    /// [`io::Error`].
    pub fn of(mut lines: impl BufRead) -> io::Result<Self> {
        let mut expected = Self::default();
        let (mut number, mut line) = (0, Vec::new());
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
                true
            }
            (["intend", _, hash], Some(sequence)) => {
                self.hashes.insert(sequence, (*hash).to_owned());
                self.head = self.head.max(sequence - 1);
                true
            }
            (["done", _], Some(sequence)) => {
                self.head = self.head.max(sequence);
                true
            }
            _ => false,
        }
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
        anchor.intend(1, "BB").expect("written");
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
}
