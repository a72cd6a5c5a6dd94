//! The folder shared with a partner: a file is there whole or not at all, and in one place only.
//!
//! ```text
//! DIR/exchange/request/   files to partners
//! DIR/exchange/response/  files from partners, as they come in
//! DIR/exchange/run/       the file that is being taken in; after a kill it is taken up from here
//! DIR/exchange/archive/   files taken in
//! DIR/exchange/bad/       files refused, each with a report beside it
//! ```
//!
//! A file lies in `archive` and `bad` with the time at which it came to rest there.
//!
//! Owns: writing whole (temporary name, sync, rename, sync of the folder), moving, which names can be kept. Never: reads what is
//! in a file.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::audit::text::holds_number;

/// Bytes of a name that can be kept: with what is put before and behind it, it stays below the 255 of file systems.
const NAME_BYTES_MAX: usize = 200;

/// A place of the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Files to partners.
    Request,
    /// Files from partners.
    Response,
    /// The file that is being taken in.
    Run,
    /// Files taken in.
    Archive,
    /// Files refused.
    Bad,
}

/// The folder.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// What the system said, and of which file.
#[derive(Debug)]
pub struct FileFault {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl Place {
    const ALL: [Self; 5] = [Self::Request, Self::Response, Self::Run, Self::Archive, Self::Bad];

    const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
            Self::Run => "run",
            Self::Archive => "archive",
            Self::Bad => "bad",
        }
    }
}

impl Folder {
    /// The folder in a centre's folder; made when it is not there.
    ///
    /// # Errors
    /// [`FileFault`].
    pub fn of(centre: &Path) -> Result<Self, FileFault> {
        Self::named(centre, "exchange")
    }

    /// A folder with the same places under another name.
    ///
    /// # Errors
    /// [`FileFault`].
    pub fn named(centre: &Path, name: &str) -> Result<Self, FileFault> {
        let folder = Self(centre.join(name));
        for place in Place::ALL {
            let path = folder.0.join(place.name());
            DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(|source| FileFault { path, source })?;
        }
        Ok(folder)
    }

    /// Removes a file; one that is not there is removed already.
    ///
    /// # Errors
    /// [`FileFault`].
    pub fn remove(&self, place: Place, name: &str) -> Result<(), FileFault> {
        Self::remove_file(&self.path(place, name))
    }

    /// See [`Folder::remove`].
    ///
    /// # Errors
    /// [`FileFault`].
    pub fn remove_file(path: &Path) -> Result<(), FileFault> {
        match fs::remove_file(path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(FileFault { path: path.to_owned(), source }),
            _ => Ok(()),
        }
    }

    /// Path of a file in a place.
    #[must_use]
    pub fn path(&self, place: Place, name: &str) -> PathBuf {
        self.0.join(place.name()).join(name)
    }

    /// Whether a name can stand in lists, reports and the database: text, not over-long, without control characters and citizen
    /// number.
    #[must_use]
    pub fn keeps(name: &str) -> bool {
        name.len() <= NAME_BYTES_MAX && !name.chars().any(char::is_control) && !holds_number(name)
    }

    /// The name under which a file comes to lie in a place: where another file has it, a number is added.
    #[must_use]
    pub fn free_name(&self, place: Place, name: &str) -> String {
        let taken = |name: &str| self.path(place, name).symlink_metadata().is_ok();
        std::iter::once(name.to_owned())
            .chain((2_u32..).map(|number| format!("{name}.{number}")))
            .find(|name| !taken(name))
            .unwrap_or_else(|| name.to_owned())
    }

    /// Puts a file there, whole: what stood there under its name is replaced.
    ///
    /// # Errors
    /// [`FileFault`].
    pub fn put(&self, place: Place, name: &str, bytes: &[u8]) -> Result<PathBuf, FileFault> {
        let path = self.path(place, name);
        let draft = self.path(place, &format!(".{name}.part"));
        let written = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&draft, &path))
            .and_then(|()| self.sync(place));
        written.map(|()| path.clone()).map_err(|source| FileFault { path, source })
    }

    /// Moves a file from one place to another. Where another file has its name, a number is added to it.
    ///
    /// # Errors
    /// [`FileFault`].
    pub fn shift(&self, name: &str, from: Place, to: Place) -> Result<PathBuf, FileFault> {
        self.bring(&self.path(from, name), from, to, name)
    }

    /// Moves a file of whatever name from one place to another, where it gets this one. Where another file has it, a number is
    /// added.
    ///
    /// # Errors
    /// [`FileFault`].
    pub fn bring(&self, old: &Path, from: Place, to: Place, name: &str) -> Result<PathBuf, FileFault> {
        let new = self.path(to, &self.free_name(to, name));
        let moved = fs::rename(old, &new).and_then(|()| self.sync(to)).and_then(|()| self.sync(from));
        moved.map_err(|source| FileFault { path: old.to_owned(), source })?;
        // How long it is kept counts from now. One that cannot be opened keeps the partner's time.
        if let (Place::Archive | Place::Bad, Ok(file)) = (to, Self::open(&new)) {
            let _ = file.set_modified(SystemTime::now());
        }
        Ok(new)
    }

    /// Names of the files in a place, in order, as far as they can be kept. What is still being written (a name that begins with a
    /// dot) is left alone; for what is no plain file see [`Folder::strange`].
    ///
    /// # Errors
    /// [`FileFault`].
    pub fn names(&self, place: Place) -> Result<Vec<String>, FileFault> {
        let files = self.files(place)?;
        let name = |path: &PathBuf| path.file_name()?.to_str().filter(|name| Self::keeps(name)).map(str::to_owned);
        Ok(files.iter().filter_map(name).collect())
    }

    /// Files in a place whose names cannot be kept, in order.
    ///
    /// # Errors
    /// [`FileFault`].
    pub fn unfit(&self, place: Place) -> Result<Vec<PathBuf>, FileFault> {
        let mut files = self.files(place)?;
        files.retain(|path| !path.file_name().and_then(|name| name.to_str()).is_some_and(Self::keeps));
        Ok(files)
    }

    /// All plain files of a place, in order.
    ///
    /// # Errors
    /// [`FileFault`].
    pub fn all(&self, place: Place) -> Result<Vec<PathBuf>, FileFault> {
        self.files(place)
    }

    /// Files that came to rest in a place before an instant, in order.
    ///
    /// # Errors
    /// [`FileFault`].
    pub fn older(&self, place: Place, before: SystemTime) -> Result<Vec<PathBuf>, FileFault> {
        let mut old = Vec::new();
        for path in self.files(place)? {
            let at = path.symlink_metadata().and_then(|data| data.modified());
            if at.map_err(|source| FileFault { path: path.clone(), source })? < before {
                old.push(path);
            }
        }
        Ok(old)
    }

    /// What is no plain file in a place, in order: its name, where that can be kept.
    ///
    /// # Errors
    /// [`FileFault`].
    pub fn strange(&self, place: Place) -> Result<Vec<Option<String>>, FileFault> {
        let name = |path: &PathBuf| path.file_name()?.to_str().filter(|name| Self::keeps(name)).map(str::to_owned);
        Ok(self.entries(place, false)?.iter().map(name).collect())
    }

    fn files(&self, place: Place) -> Result<Vec<PathBuf>, FileFault> {
        self.entries(place, true)
    }

    /// Plain files of a place, or what is none, in order. Names that begin with a dot are left out.
    fn entries(&self, place: Place, plain: bool) -> Result<Vec<PathBuf>, FileFault> {
        let path = self.0.join(place.name());
        let failed = |source| FileFault { path: path.clone(), source };
        let mut entries = Vec::new();
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let is_file = entry.file_type().map_err(failed)?.is_file();
            if is_file == plain && !entry.file_name().as_encoded_bytes().starts_with(b".") {
                entries.push(entry.path());
            }
        }
        entries.sort();
        Ok(entries)
    }

    /// Opens a file of others: no link is followed, and no pipe is waited for.
    ///
    /// # Errors
    /// What the system says; see [`Folder::is_not_plain`].
    pub fn open(path: &Path) -> io::Result<File> {
        let flags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits().cast_signed();
        let file = File::options().read(true).custom_flags(flags).open(path)?;
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }

    /// Whether [`Folder::open`] found something else than a file.
    #[must_use]
    pub fn is_not_plain(error: &io::Error) -> bool {
        // A link; a socket; a folder.
        let strange = [Errno::LOOP, Errno::NXIO, Errno::ISDIR];
        error.kind() == io::ErrorKind::InvalidInput
            || strange.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
    }

    /// Reads a file of at most `limit` bytes; `None` when it is longer.
    ///
    /// # Errors
    /// [`FileFault`].
    pub fn read(&self, place: Place, name: &str, limit: u64) -> Result<Option<Vec<u8>>, FileFault> {
        use std::io::Read;
        let path = self.path(place, name);
        let mut bytes = Vec::new();
        let read = Self::open(&path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes));
        let length = read.map_err(|source| FileFault { path, source })?;
        Ok((u64::try_from(length).unwrap_or(u64::MAX) <= limit).then_some(bytes))
    }

    fn sync(&self, place: Place) -> io::Result<()> {
        File::open(self.0.join(place.name())).and_then(|folder| folder.sync_all())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_in_one_place_and_never_takes_another_ones_name() {
        let centre = tempfile::tempdir().expect("folder");
        let folder = Folder::of(centre.path()).expect("made");
        for text in ["one", "two"] {
            folder.put(Place::Response, "x", text.as_bytes()).expect("written");
            folder.shift("x", Place::Response, Place::Archive).expect("moved");
        }
        assert_eq!(folder.names(Place::Archive).expect("names"), ["x", "x.2"]);
        assert_eq!(folder.read(Place::Archive, "x", 3).expect("read").as_deref(), Some(&b"one"[..]));
        assert_eq!(folder.read(Place::Archive, "x.2", 2).expect("read"), None);
        assert!(folder.names(Place::Response).expect("names").is_empty());
    }

    #[test]
    fn drafts_links_and_folders_are_left_alone() {
        let centre = tempfile::tempdir().expect("folder");
        let folder = Folder::of(centre.path()).expect("made");
        fs::write(folder.path(Place::Response, ".x.part"), "half").expect("draft");
        fs::create_dir(folder.path(Place::Response, "d")).expect("folder");
        std::os::unix::fs::symlink("/etc/hostname", folder.path(Place::Response, "l")).expect("link");
        assert!(folder.names(Place::Response).expect("names").is_empty());
        let strange = folder.strange(Place::Response).expect("names");
        assert_eq!(strange, [Some("d".to_owned()), Some("l".to_owned())]);
        for name in ["d", "l"] {
            let read = folder.read(Place::Response, name, 9).expect_err("no file");
            assert!(Folder::is_not_plain(&read.source), "{name}: {read:?}");
        }
    }
}
