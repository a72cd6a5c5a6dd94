//! The station's own journal: what it has begun, and outcomes that the centre has not confirmed yet.
//!
//! ```text
//! begun JOB CHIP READER     a chip was bound; it may be half-written from now on
//! send ID MESSAGE           an outcome, before it is sent
//! done ID                   the centre has it, or refused it for good
//! ended JOB                 nothing of the job is open here
//! ```
//!
//! Owns: the file, that a line is durable before what it says may happen, starting anew when nothing is open.
//! Never: holds a person's data or a key; trusts a last line that has no end.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::line_failure::LineError;

/// Name of the file.
const NAME: &str = "station.journal";

/// An open journal; the folder is this process's alone.
pub struct Outbox {
    path: PathBuf,
    inner: Mutex<Inner>,
    _lock: File,
}

struct Inner {
    lines: Lines<File>,
    begun: BTreeMap<i64, InDoubt>,
    unsent: Vec<(String, String)>,
}

/// A card that was begun and whose outcome the centre has not confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InDoubt {
    /// Chip.
    pub chip: String,
    /// Reader that it was in.
    pub reader: String,
}

impl Outbox {
    /// Opens the journal in a folder; lines about what has ended are dropped.
    ///
    /// # Errors
    /// [`LineError::File`], [`LineError::Busy`].
    pub fn open(folder: &Path) -> Result<Self, LineError> {
        let lock = folder.join("station.lock");
        let failed = |path: &Path, source| LineError::File { path: path.to_owned(), source };
        let locked = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&lock);
        let locked = locked.map_err(|source| failed(&lock, source))?;
        match locked.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LineError::Busy { folder: folder.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(failed(&lock, source)),
        }
        let path = folder.join(NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(failed(&path, source)),
        };
        let (begun, unsent) = read(&text).ok_or_else(|| LineError::FileMalformed { path: path.clone() })?;
        let lines = anew(folder, &path, &begun, &unsent).map_err(|source| failed(&path, source))?;
        Ok(Self { path, inner: Mutex::new(Inner { lines, begun, unsent }), _lock: locked })
    }

    /// Notes that a chip was bound to a job, before it is written to.
    ///
    /// # Errors
    /// [`LineError::File`].
    pub fn begun(&self, job: i64, chip: &str, reader: &str) -> Result<(), LineError> {
        let mut inner = self.inner();
        let card = InDoubt { chip: chip.to_owned(), reader: reader.to_owned() };
        if inner.begun.get(&job) != Some(&card) {
            self.append(&mut inner, &format!("begun {job} {chip} {reader}"))?;
            inner.begun.insert(job, card);
        }
        Ok(())
    }

    /// Keeps a message before it is sent.
    ///
    /// # Errors
    /// [`LineError::File`].
    pub fn keep(&self, id: &str, text: &str) -> Result<(), LineError> {
        let mut inner = self.inner();
        self.append(&mut inner, &format!("send {id} {text}"))?;
        inner.unsent.push((id.to_owned(), text.to_owned()));
        Ok(())
    }

    /// Notes that the centre has a message.
    ///
    /// # Errors
    /// [`LineError::File`].
    pub fn done(&self, id: &str) -> Result<(), LineError> {
        let mut inner = self.inner();
        self.append(&mut inner, &format!("done {id}"))?;
        inner.unsent.retain(|(known, _)| known != id);
        Ok(())
    }

    /// Notes that nothing of a job is open here.
    ///
    /// # Errors
    /// [`LineError::File`].
    pub fn ended(&self, job: i64) -> Result<(), LineError> {
        let mut inner = self.inner();
        if inner.begun.contains_key(&job) {
            self.append(&mut inner, &format!("ended {job}"))?;
            inner.begun.remove(&job);
        }
        Ok(())
    }

    /// Messages that the centre has not confirmed, in order: id and text.
    #[must_use]
    pub fn unsent(&self) -> Vec<(String, String)> {
        self.inner().unsent.clone()
    }

    /// Cards in doubt, by job.
    #[must_use]
    pub fn in_doubt(&self) -> BTreeMap<i64, InDoubt> {
        self.inner().begun.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves at most a line more in the file than here: it is read again at the next start.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, inner: &mut Inner, line: &str) -> Result<(), LineError> {
        inner.lines.append(line).map_err(|source| LineError::File { path: self.path.clone(), source })
    }
}

/// A file that grows by whole lines.
struct Lines<F> {
    file: F,
    /// Bytes of the lines that are durable.
    length: u64,
    /// Something may stand behind them.
    torn: bool,
}

/// What lines are written to.
trait Durable: Write {
    fn sync(&mut self) -> io::Result<()>;
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

impl Durable for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

impl<F: Durable> Lines<F> {
    /// Adds a line, durably. Of one that fails nothing stays: the next would go on where it broke off.
    fn append(&mut self, line: &str) -> io::Result<()> {
        if self.torn {
            self.file.cut(self.length)?;
            self.torn = false;
        }
        let bytes = format!("{line}\n");
        if let Err(error) = self.file.write_all(bytes.as_bytes()).and_then(|()| self.file.sync()) {
            self.torn = self.file.cut(self.length).is_err();
            return Err(error);
        }
        self.length += bytes.len() as u64;
        Ok(())
    }
}

type Open = (BTreeMap<i64, InDoubt>, Vec<(String, String)>);

/// What is open; `None` for a text that no station wrote.
fn read(text: &str) -> Option<Open> {
    let (mut begun, mut unsent) = (BTreeMap::new(), Vec::new());
    // What follows the last end of a line was not durable when the process died.
    let whole = text.rfind('\n').map_or("", |end| text.get(..end).unwrap_or_default());
    for line in whole.lines() {
        let (word, rest) = line.split_once(' ')?;
        match word {
            "begun" => {
                let (job, rest) = rest.split_once(' ')?;
                let (chip, reader) = rest.split_once(' ')?;
                begun.insert(job.parse().ok()?, InDoubt { chip: chip.to_owned(), reader: reader.to_owned() });
            }
            "send" => {
                let (id, message) = rest.split_once(' ')?;
                unsent.push((id.to_owned(), message.to_owned()));
            }
            "done" => unsent.retain(|(id, _): &(String, String)| id != rest),
            "ended" => {
                begun.remove(&rest.parse().ok()?);
            }
            _ => return None,
        }
    }
    Some((begun, unsent))
}

/// Writes the journal anew with what is open, whole or not at all, and opens it to append.
fn anew(
    folder: &Path,
    path: &Path,
    begun: &BTreeMap<i64, InDoubt>,
    unsent: &[(String, String)],
) -> io::Result<Lines<File>> {
    let mut text: String =
        begun.iter().map(|(job, card)| format!("begun {job} {} {}\n", card.chip, card.reader)).collect();
    text.extend(unsent.iter().map(|(id, message)| format!("send {id} {message}\n")));
    let draft = path.with_extension("journal.new");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(folder)?.sync_all()?;
    let file = OpenOptions::new().append(true).open(path)?;
    Ok(Lines { file, length: text.len() as u64, torn: false })
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_found_again_whatever_line_was_the_last() {
        let text =
            "begun 7 3B01 Reader 1\nsend aa {\"x\":1}\nbegun 8 3B02 Reader 2\ndone aa\nended 7\nsend bb {\"y\":2}\n";
        for end in 0..=text.len() {
            let (begun, unsent) = read(text.get(..end).expect("ASCII")).expect("a journal");
            let lines = text.get(..end).expect("ASCII").matches('\n').count();
            assert_eq!(begun.contains_key(&7), (1..5).contains(&lines), "{end}");
            assert_eq!(begun.contains_key(&8), lines >= 3, "{end}");
            assert_eq!(
                unsent.iter().filter(|(id, _)| id == "aa").count(),
                usize::from((2..4).contains(&lines)),
                "{end}"
            );
            assert_eq!(unsent.iter().filter(|(id, _)| id == "bb").count(), usize::from(lines == 6), "{end}");
        }
        for rubbish in ["x\n", "begun seven 3B Reader\n", "begun 7\n", "\u{0}\n"] {
            assert!(read(rubbish).is_none(), "{rubbish:?}");
        }
    }

    /// A disk with so much room, whose file may not be cut either.
    struct Full {
        text: Vec<u8>,
        room: usize,
        cuts: bool,
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let fits = bytes.len().min(self.room - self.text.len());
            self.text.extend_from_slice(&bytes[..fits]);
            if fits == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(fits) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Durable for Full {
        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn cut(&mut self, length: u64) -> io::Result<()> {
            if !self.cuts {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            self.text.truncate(usize::try_from(length).expect("small"));
            Ok(())
        }
    }

    #[test]
    fn a_line_that_did_not_fit_leaves_nothing_that_the_next_one_goes_on_behind() {
        for room in 0..40 {
            for cuts in [true, false] {
                let file = Full { text: Vec::new(), room, cuts };
                let mut lines = Lines { file, length: 0, torn: false };
                let first = lines.append("begun 7 3B01 Reader 1").is_ok();
                assert_eq!(first, room >= 22);
                let second = lines.append("send aa {\"x\":1,\"y\":22}").is_ok();
                // Room again, and a disk that works.
                (lines.file.room, lines.file.cuts) = (1_000, true);
                lines.append("done bb").expect("room");
                let text = String::from_utf8(lines.file.text).expect("text");
                let (begun, unsent) = read(&text).expect("a journal");
                assert_eq!((begun.len(), unsent.len()), (usize::from(first), usize::from(second)), "{room} {text:?}");
                assert!(text.ends_with("done bb\n"), "{room} {text:?}");
            }
        }
    }

    #[test]
    fn a_folder_is_one_process_s_and_starts_anew_with_what_is_open() {
        let folder = tempfile::tempdir().expect("folder");
        let outbox = Outbox::open(folder.path()).expect("opened");
        assert!(matches!(Outbox::open(folder.path()), Err(LineError::Busy { .. })));
        outbox.begun(7, "3B01", "Reader 1").expect("noted");
        outbox.keep("aa", "{}").expect("kept");
        outbox.begun(8, "3B02", "Reader 1").expect("noted");
        outbox.ended(8).expect("noted");
        drop(outbox);
        let outbox = Outbox::open(folder.path()).expect("opened");
        assert_eq!(outbox.in_doubt().keys().copied().collect::<Vec<_>>(), [7]);
        assert_eq!(outbox.unsent(), [("aa".to_owned(), "{}".to_owned())]);
        let text = fs::read_to_string(folder.path().join(NAME)).expect("text");
        assert_eq!(text, "begun 7 3B01 Reader 1\nsend aa {}\n");
    }
}
