//! Where photos come from: one file, a folder with those below it, or a ZIP archive.
//!
//! Source: files are named NUMBER.jpg or NUMBER+NAME.jpg, in folders by unit (notices of several cities); names in archives
//! packed on Chinese systems are GB 18030.
//! Owns: which files there are, in order of name, and their bytes, as far as asked. Never: follows a link; believes a size
//! that an archive states; unpacks to the disk.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use encoding_rs::GB18030;
use zip::ZipArchive;

use super::failure::PhotoError;
use crate::import::ImportError;

/// Files of one run.
const FILES_MAX: usize = 200_000;
/// Folders below one another.
const DEPTH_MAX: u32 = 4;

/// The files of a run.
pub(super) enum Files {
    Folder(Vec<Found>),
    Archive(Box<ZipArchive<File>>, Vec<(String, usize)>),
}

/// A file of a folder, or what stands there instead.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    path: PathBuf,
    kind: Kind,
}

/// What stands under a name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A file.
    Plain,
    /// A link, which is told and not followed.
    Link,
    /// A pipe, a socket, a device: told and not opened.
    Other,
}

impl Files {
    /// Lists them.
    pub(super) fn list(path: &Path) -> Result<Self, PhotoError> {
        let failed = |source| failed(path, source);
        let there = fs::metadata(path).map_err(failed)?;
        if there.is_dir() {
            let mut files = Vec::new();
            walk(path, DEPTH_MAX, &mut files)?;
            files.sort();
            return Ok(Self::Folder(files));
        }
        if !there.is_file() {
            return Err(failed(io::ErrorKind::NotSeekable.into()));
        }
        let mut file = File::open(path).map_err(failed)?;
        let mut magic = Vec::new();
        Read::by_ref(&mut file).take(2).read_to_end(&mut magic).map_err(failed)?;
        if magic != b"PK" {
            return Ok(Self::Folder(vec![Found { path: path.to_owned(), kind: Kind::Plain }]));
        }
        let damaged = || PhotoError::Archive { path: path.to_owned() };
        let mut archive = Box::new(ZipArchive::new(file).map_err(|_| damaged())?);
        if archive.len() > FILES_MAX {
            return Err(PhotoError::TooMany { found: archive.len(), most: FILES_MAX });
        }
        let mut names = Vec::with_capacity(archive.len());
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index).map_err(|_| damaged())?;
            let name = decoded(entry.name_raw());
            if !entry.is_dir() && !hidden(&name) {
                names.push((name, index));
            }
        }
        names.sort();
        Ok(Self::Archive(archive, names))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Folder(files) => files.len(),
            Self::Archive(_, names) => names.len(),
        }
    }

    /// Name of a file, from 0, without its folders.
    pub(super) fn name(&self, place: usize) -> String {
        match self {
            Self::Folder(files) => {
                let name = files.get(place).and_then(|found| found.path.file_name()).unwrap_or_default();
                decoded(name.as_encoded_bytes())
            }
            Self::Archive(_, names) => names.get(place).map(|(name, _)| last(name).to_owned()).unwrap_or_default(),
        }
    }

    /// What it is.
    pub(super) fn kind(&self, place: usize) -> Kind {
        match self {
            Self::Folder(files) => files.get(place).map_or(Kind::Plain, |found| found.kind),
            Self::Archive(..) => Kind::Plain,
        }
    }

    /// Bytes of a file, from 0: all, or one more than `most`.
    pub(super) fn read(&mut self, place: usize, most: u64) -> io::Result<Vec<u8>> {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        match self {
            Self::Folder(files) => bounded(File::open(&files.get(place).ok_or_else(missing)?.path)?, most),
            Self::Archive(archive, names) => {
                let (_, index) = names.get(place).ok_or_else(missing)?;
                bounded(archive.by_index(*index).map_err(io::Error::other)?, most)
            }
        }
    }
}

/// All bytes, or one more than `most`.
pub(super) fn bounded(from: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What the system says of a file or folder that was named.
pub(super) fn failed(path: &Path, source: io::Error) -> PhotoError {
    let path = path.to_owned();
    PhotoError::Import(match source.kind() {
        io::ErrorKind::NotFound => ImportError::NotFound { path },
        _ => ImportError::Unreadable { path, source },
    })
}

fn walk(folder: &Path, depth: u32, into: &mut Vec<Found>) -> Result<(), PhotoError> {
    let failed = |source| failed(folder, source);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // A link could name any file of the machine; a pipe never ends.
        let kind = entry.file_type().map_err(failed)?;
        if hidden(&entry.file_name().to_string_lossy()) {
            continue;
        }
        if kind.is_dir() && depth > 0 {
            walk(&entry.path(), depth - 1, into)?;
        } else if !kind.is_dir() {
            let kind = match (kind.is_file(), kind.is_symlink()) {
                (true, _) => Kind::Plain,
                (_, true) => Kind::Link,
                _ => Kind::Other,
            };
            into.push(Found { path: entry.path(), kind });
        }
        if into.len() > FILES_MAX {
            return Err(PhotoError::TooMany { found: into.len(), most: FILES_MAX });
        }
    }
    Ok(())
}

fn last(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// What file systems and archivers put beside the files of people.
fn hidden(name: &str) -> bool {
    last(name).starts_with('.') || name.starts_with("__MACOSX/") || last(name).eq_ignore_ascii_case("thumbs.db")
}

fn decoded(name: &[u8]) -> String {
    std::str::from_utf8(name).map_or_else(|_| GB18030.decode_without_bom_handling(name).0.into_owned(), str::to_owned)
}
