//! What a backup file holds, as a row of frames inside the sealed stream.
//!
//! ```text
//! length(4, big-endian) ‖ frame      File, Data …, Snapshot, File, Data …, Table, Rows …, End
//! ```
//! Owns: frames, the hash of every file and table, that the list at the end agrees with what came before it.
//! Never: holds more than one frame in memory.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use postcard::{from_bytes, to_allocvec};
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use super::failure::{BackupError, Part};
use super::{Contents, Entry, Snapshot};
use crate::store::copy::Table;
use crate::vault::stream::{Opener, Sealer, broken};

/// Kind of the sealed stream.
const KIND: &str = "backup";
/// Longest frame: rows with the largest photo, many times.
const FRAME_MAX: u32 = 128 << 20;

/// A frame.
#[derive(Debug, Serialize, Deserialize)]
pub enum Frame {
    /// A file begins: its path in the folder.
    File(String),
    /// Bytes of the file.
    Data(Vec<u8>),
    /// What follows is of one snapshot.
    Snapshot(Box<Snapshot>),
    /// A table begins.
    Table(Table),
    /// Rows of the table: how many, and themselves.
    Rows(u64, Vec<u8>),
    /// Everything that came: files and tables.
    End(Vec<Entry>, Vec<Entry>),
}

/// What has gone by.
#[derive(Default)]
struct Tally {
    files: Vec<Entry>,
    tables: Vec<Entry>,
    /// Entry under way, and whether it is a table.
    open: Option<(Entry, Context, bool)>,
}

impl Tally {
    fn begin(&mut self, name: &str, table: bool) {
        self.close();
        let entry = Entry { name: name.to_owned(), count: 0, sha256: String::new() };
        self.open = Some((entry, Context::new(&SHA256), table));
    }

    /// `false` when nothing of this kind is under way.
    fn add(&mut self, count: u64, bytes: &[u8], of_table: bool) -> bool {
        let Some((entry, hash, table)) = &mut self.open else { return false };
        entry.count += count;
        hash.update(bytes);
        *table == of_table
    }

    fn close(&mut self) {
        if let Some((entry, hash, table)) = self.open.take() {
            let entry = Entry { sha256: hex::encode_upper(hash.finish()), ..entry };
            if table { self.tables.push(entry) } else { self.files.push(entry) }
        }
    }

    /// Where reading is.
    fn part(&self) -> Part {
        match (&self.open, self.files.is_empty() && self.tables.is_empty()) {
            (Some((entry, _, true)), _) => Part::Table(entry.name.clone()),
            (Some((entry, _, false)), _) => Part::file(&entry.name),
            (None, true) => Part::Beginning,
            (None, false) => Part::End,
        }
    }

    /// Takes what a frame says of an entry; `false` when it stands where it cannot.
    fn take(&mut self, frame: &Frame) -> bool {
        match frame {
            Frame::File(name) => self.begin(name, false),
            Frame::Table(table) => self.begin(&table.name, true),
            Frame::Data(bytes) => return self.add(u64::try_from(bytes.len()).unwrap_or(u64::MAX), bytes, false),
            Frame::Rows(rows, bytes) => return self.add(*rows, bytes, true),
            Frame::Snapshot(_) => self.close(),
            Frame::End(files, tables) => {
                self.close();
                return (&self.files, &self.tables) == (files, tables);
            }
        }
        true
    }
}

/// Writes frames.
pub struct Writer<W> {
    out: Sealer<W>,
    tally: Tally,
}

impl<W: Write> Writer<W> {
    /// Begins.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn begin(out: W, passphrase: &str) -> Result<Self, BackupError> {
        let out = Sealer::begin(out, KIND, passphrase)?.map_err(BackupError::Write)?;
        Ok(Self { out, tally: Tally::default() })
    }

    /// Writes a frame.
    ///
    /// # Errors
    /// [`BackupError::Write`].
    pub fn put(&mut self, frame: &Frame) -> Result<(), BackupError> {
        self.tally.take(frame);
        let body = to_allocvec(frame).expect("frames are texts, numbers and bytes");
        let length = u32::try_from(body.len()).ok().filter(|length| *length <= FRAME_MAX);
        let length = length.ok_or_else(|| BackupError::Write(io::ErrorKind::FileTooLarge.into()))?;
        let written = self.out.write_all(&length.to_be_bytes()).and_then(|()| self.out.write_all(&body));
        written.map_err(BackupError::Write)
    }

    /// Writes the list of everything and ends.
    ///
    /// # Errors
    /// [`BackupError::Write`].
    pub fn finish(mut self) -> Result<W, BackupError> {
        self.tally.close();
        let end = Frame::End(self.tally.files.clone(), self.tally.tables.clone());
        self.put(&end)?;
        self.out.finish().map_err(BackupError::Write)
    }
}

/// Reads frames, each authenticated, and compares the list at the end.
pub struct Reader<R> {
    input: Opener<R>,
    tally: Tally,
    snapshot: Option<Snapshot>,
}

impl Reader<BufReader<File>> {
    /// Opens a backup file.
    ///
    /// # Errors
    /// [`BackupError::NotFound`], [`BackupError::NoBackup`], [`BackupError::NotOpened`], [`BackupError::Read`].
    pub fn open(path: &Path, passphrase: &str) -> Result<Self, BackupError> {
        let file = File::open(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => BackupError::NotFound { path: path.to_owned() },
            _ => BackupError::Read(source),
        })?;
        Self::of(BufReader::new(file), passphrase)
    }
}

impl<R: Read> Reader<R> {
    /// Reads from anything.
    ///
    /// # Errors
    /// See [`Reader::open`].
    pub fn of(input: R, passphrase: &str) -> Result<Self, BackupError> {
        let opened = Opener::begin(input, KIND, passphrase).map_err(BackupError::Read)?;
        let input = opened.ok_or(BackupError::NoBackup)?.map_err(|_| BackupError::NotOpened)?;
        Ok(Self { input, tally: Tally::default(), snapshot: None })
    }

    /// The backup is damaged where reading is.
    #[must_use]
    pub fn damaged(&self) -> BackupError {
        BackupError::Damaged { part: self.tally.part() }
    }

    /// The next frame; the last one is [`Frame::End`], behind which nothing may stand.
    ///
    /// # Errors
    /// [`BackupError::Damaged`] with the part, [`BackupError::Read`].
    pub fn frame(&mut self) -> Result<Frame, BackupError> {
        let part = self.tally.part();
        let failed = |error: io::Error| match (error.kind(), broken(&error)) {
            (io::ErrorKind::UnexpectedEof, _) | (_, Some(_)) => BackupError::Damaged { part: part.clone() },
            _ => BackupError::Read(error),
        };
        let mut length = [0; 4];
        self.input.read_exact(&mut length).map_err(failed)?;
        let length = u32::from_be_bytes(length);
        let mut body = Vec::new();
        Read::by_ref(&mut self.input).take(length.into()).read_to_end(&mut body).map_err(failed)?;
        let whole = length <= FRAME_MAX && u64::try_from(body.len()) == Ok(length.into());
        let frame: Frame = from_bytes(&body).ok().filter(|_| whole).ok_or_else(|| self.damaged())?;
        if !self.tally.take(&frame) {
            return Err(self.damaged());
        }
        match &frame {
            Frame::Snapshot(snapshot) => self.snapshot = Some((**snapshot).clone()),
            Frame::End(..) if self.input.read(&mut [0]).map_err(failed)? != 0 => return Err(self.damaged()),
            _ => {}
        }
        Ok(frame)
    }

    /// Reads to the end and says what there is.
    ///
    /// # Errors
    /// See [`Reader::frame`].
    pub fn verify(mut self) -> Result<Contents, BackupError> {
        loop {
            if let Frame::End(files, tables) = self.frame()? {
                let damaged = self.damaged();
                let Snapshot { taken_at, city, epoch, audit_head, .. } = self.snapshot.ok_or(damaged)?;
                return Ok(Contents { taken_at, city, epoch, audit_head, files, tables, left_out: Vec::new() });
            }
        }
    }
}

impl<W> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer(..)")
    }
}

impl<R> std::fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader(..)")
    }
}
