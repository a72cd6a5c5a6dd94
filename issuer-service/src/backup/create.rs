//! Taking a backup while the centre works.
//!
//! Owns: the order in which files and the database are read, so that what is brought back agrees; the file, there whole or not at
//! all. Never: keeps a writer waiting: the database is read in one snapshot.
//!
//! Exchanged files are read first: one that came in meanwhile is known to the snapshot and taken once when it comes again. Keys are
//! read behind the beginning of the snapshot, so that every row of it opens. Of the audit anchor those
//! lines are kept that speak of records of the snapshot.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::archive::{Frame, Reader, Writer};
use super::failure::BackupError;
use super::{Contents, EPOCH, Hindrance, LeftOut, PASSPHRASE_CHARACTERS_MIN, Snapshot, stays_out};
use crate::audit::anchor::Anchor;
use crate::audit::{Act, Record};
use crate::centre::Centre;
use crate::clock;
use crate::exchange::folder::Folder;
use crate::exchange::inbox::Source;
use crate::progress::Steps;
use crate::rotation;
use crate::store::Tx;
use crate::vault::Vault;

/// Exclusive work: two backups at once would take each other's unfinished file for one that a kill left.
const WORK: &str = "backup";
/// Bytes of a file in one frame.
const PIECE: usize = 1 << 18;
/// Folders below one another.
const DEPTH_MAX: u32 = 6;

/// Takes a backup into a new file and reads it back.
///
/// # Errors
/// [`BackupError`]; then no file of this name is there.
pub fn create(
    centre: &mut Centre,
    file: &Path,
    passphrase: &str,
    actor: &str,
    steps: &dyn Steps,
) -> Result<Contents, BackupError> {
    if fs::symlink_metadata(file).is_ok() {
        return Err(BackupError::Exists { path: file.to_owned() });
    }
    let short = passphrase.chars().count() < PASSPHRASE_CHARACTERS_MIN;
    if short && !Vault::says_rehearsal(&centre.vault_path())? {
        return Err(BackupError::PassphraseShort);
    }
    let _lock = centre.lock(WORK)?;
    let part = Part::create(file)?;
    // On record before it is out, and so in the backup itself.
    centre.store.act(|_| -> Result<_, BackupError> {
        let (actor, object) = (actor.to_owned(), "centre".to_owned());
        Ok(((), Act { actor, act: "backup.create", object, detail: String::new() }))
    })?;
    let (out, left_out) = write(centre, BufWriter::new(&part.file), passphrase, steps)?;
    out.into_inner().map_err(|error| BackupError::Write(error.into_error()))?;
    part.file.sync_all().map_err(BackupError::Write)?;
    let contents = Reader::open(&part.path, passphrase)?.verify()?;
    part.place(file)?;
    Ok(Contents { left_out, ..contents })
}

/// Writes a backup to anything; with what of the folder is not in it. Others put files there: one that cannot be taken is left out
/// and told, so that it keeps nobody from having a backup.
///
/// # Errors
/// [`BackupError`].
pub fn write<W: Write>(
    centre: &mut Centre,
    out: W,
    passphrase: &str,
    steps: &dyn Steps,
) -> Result<(W, Vec<LeftOut>), BackupError> {
    let mut writer = Writer::begin(out, passphrase)?;
    let folder = centre.folder.clone();
    let keys = [centre.vault_path(), centre.data_keys_path()];
    let mut found = Found { root: &folder, files: Vec::new(), left_out: Vec::new() };
    found.walk(&folder, DEPTH_MAX)?;
    for path in std::mem::take(&mut found.files).iter().filter(|path| !keys.contains(path)) {
        match Folder::open(path) {
            Err(error) if Folder::is_not_plain(&error) => found.leave(path, Hindrance::NotPlain),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && found.is_shared(path) => {
                found.leave(path, Hindrance::Unreadable);
            }
            file => put_file(&mut writer, &folder, path, file)?,
        }
    }
    let left_out = found.left_out;
    let city = centre.config.city.to_string();
    // No data key is destroyed between the beginning of the snapshot and the reading of their file.
    let mut keys_stay = Some(centre.lock_waiting(rotation::FILE)?);
    centre.store.read(|tx| -> Result<(), BackupError> {
        let head = tx.audit_head()?;
        let tables = tx.tables()?;
        let snapshot = Snapshot {
            taken_at: clock::now(),
            city,
            epoch: tx.fact(EPOCH)?.and_then(|text| text.parse().ok()).unwrap_or(0),
            schemas: tx.schemas()?,
            audit_head: head.as_ref().map_or(0, |(sequence, _)| *sequence),
            tables: tables.clone(),
        };
        writer.put(&Frame::Snapshot(Box::new(snapshot)))?;
        for path in &keys {
            put_file(&mut writer, &folder, path, File::open(path))?;
        }
        keys_stay.take();
        if tx.is_anchored()? {
            put_anchor(&mut writer, tx, head.as_ref())?;
        }
        let total = u64::try_from(tables.len()).unwrap_or(u64::MAX);
        for (done, table) in (0..).zip(&tables) {
            steps.at(done, total);
            writer.put(&Frame::Table(table.clone()))?;
            tx.rows_out(table, |rows, bytes| writer.put(&Frame::Rows(rows, bytes.to_vec())))?;
        }
        steps.at(total, total);
        Ok(())
    })?;
    Ok((writer.finish()?, left_out))
}

/// What stands in the folder.
struct Found<'a> {
    root: &'a Path,
    files: Vec<PathBuf>,
    left_out: Vec<LeftOut>,
}

impl Found<'_> {
    fn walk(&mut self, folder: &Path, depth: u32) -> Result<(), BackupError> {
        let failed = |source| BackupError::File { path: folder.to_owned(), source };
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && self.is_shared(folder) => {
                self.leave(folder, Hindrance::Unreadable);
                return Ok(());
            }
            entries => entries.map_err(failed)?,
        };
        let mut entries = entries.collect::<io::Result<Vec<_>>>().map_err(failed)?;
        entries.sort_by_key(fs::DirEntry::path);
        for entry in entries {
            let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
            let inner = path.strip_prefix(self.root).unwrap_or(&path);
            if stays_out(inner) {
                continue;
            }
            if inner.to_str().is_none() {
                self.leave(folder, Hindrance::NameUnfit);
            } else if kind.is_dir() && depth > 0 {
                self.walk(&path, depth - 1)?;
            } else if kind.is_file() {
                self.files.push(path);
            } else {
                self.leave(&path, if kind.is_dir() { Hindrance::TooDeep } else { Hindrance::NotPlain });
            }
        }
        Ok(())
    }

    /// Whether others put files there.
    fn is_shared(&self, path: &Path) -> bool {
        let inner = path.strip_prefix(self.root).unwrap_or(path);
        [Source::Partners, Source::Registry].iter().any(|source| inner.starts_with(source.folder()))
    }

    fn leave(&mut self, path: &Path, why: Hindrance) {
        let inner = path.strip_prefix(self.root).unwrap_or(path);
        let told = inner.to_str().filter(|inner| inner.split('/').all(Folder::keeps));
        let told = told.or_else(|| inner.parent()?.to_str()).unwrap_or_default();
        self.left_out.push(LeftOut { path: told.to_owned(), why });
    }
}

fn put_file<W: Write>(
    writer: &mut Writer<W>,
    folder: &Path,
    path: &Path,
    opened: io::Result<File>,
) -> Result<(), BackupError> {
    let failed = |source| BackupError::File { path: path.to_owned(), source };
    let mut file = match opened {
        Ok(file) => file,
        // A file that a partner took away meanwhile, or a centre that has none.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    let name = path.strip_prefix(folder).unwrap_or(path).to_str();
    let name = name.ok_or_else(|| failed(io::ErrorKind::InvalidFilename.into()))?;
    writer.put(&Frame::File(name.to_owned()))?;
    loop {
        let mut piece = Vec::new();
        let most = u64::try_from(PIECE).unwrap_or(u64::MAX);
        Read::by_ref(&mut file).take(most).read_to_end(&mut piece).map_err(failed)?;
        if piece.is_empty() {
            return Ok(());
        }
        writer.put(&Frame::Data(piece))?;
    }
}

/// Lines of the anchor that speak of records of the snapshot.
fn put_anchor<W: Write>(writer: &mut Writer<W>, tx: &Tx<'_>, head: Option<&(i64, String)>) -> Result<(), BackupError> {
    let path = tx.anchor().path();
    let failed = |source| BackupError::File { path: path.to_owned(), source };
    let (last, hash) = head.map_or((0, Record::GENESIS), |(sequence, hash)| (*sequence, hash.as_str()));
    writer.put(&Frame::File(Anchor::NAME.to_owned()))?;
    let mut lines = BufReader::new(File::open(path).map_err(failed)?);
    let (mut piece, mut line, mut first) = (Vec::new(), Vec::new(), true);
    loop {
        line.clear();
        let read = lines.read_until(b'\n', &mut line).map_err(failed)?;
        let text = std::str::from_utf8(&line).unwrap_or_default();
        let number = text.split_whitespace().nth(1).and_then(|word| word.parse::<i64>().ok());
        let kept = number.is_some_and(|number| number <= last) && text.ends_with('\n') && !text.ends_with(" cut\n");
        if std::mem::take(&mut first) && !(kept && text.starts_with("start ")) {
            // Begun anew behind the snapshot.
            piece.extend_from_slice(format!("start {last} {hash}\n").as_bytes());
        }
        if kept {
            piece.extend_from_slice(&line);
        }
        if read == 0 || piece.len() > PIECE {
            writer.put(&Frame::Data(std::mem::take(&mut piece)))?;
        }
        if read == 0 {
            return Ok(());
        }
    }
}

/// A file under way; when it is dropped unplaced, nothing of it remains.
struct Part {
    file: File,
    path: PathBuf,
    placed: bool,
}

impl Part {
    fn create(file: &Path) -> Result<Self, BackupError> {
        let mut name = file.file_name().map(std::ffi::OsStr::to_owned).unwrap_or_default();
        name.push(".part");
        let path = file.with_file_name(name);
        // One that a killed run left is no backup.
        let _ = fs::remove_file(&path);
        let opened = File::options().write(true).create_new(true).mode(0o600).open(&path);
        Ok(Self { file: opened.map_err(BackupError::Write)?, path, placed: false })
    }

    fn place(mut self, file: &Path) -> Result<(), BackupError> {
        fs::rename(&self.path, file).map_err(BackupError::Write)?;
        self.placed = true;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(BackupError::Write)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.placed {
            let _ = fs::remove_file(&self.path);
        }
    }
}
