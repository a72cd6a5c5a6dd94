//! A small text file in which programs of one machine keep together what they learnt of cards.
//!
//! Owns: reading it whole; changing it under a lock, so that two programs at once lose no line; replacing it whole, so that
//! a program that is killed leaves the old text. Never: knows what stands in it; grows beyond a bound.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::limits::NOTEBOOK_BYTES_MAX;

/// A notebook by its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notebook {
    path: PathBuf,
}

impl Notebook {
    /// The notebook of this name in a folder. Nothing is touched yet.
    #[must_use]
    pub fn in_folder(folder: &Path, name: &str) -> Self {
        Self { path: folder.join(name) }
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What stands in it; nothing when it was never written.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::InvalidData`] when it is too large or no text.
    pub fn read(&self) -> io::Result<String> {
        let mut text = String::new();
        match File::open(&self.path) {
            Ok(file) => file.take(NOTEBOOK_BYTES_MAX + 1).read_to_string(&mut text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        if text.len() as u64 > NOTEBOOK_BYTES_MAX {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        Ok(text)
    }

    /// Reads, changes and replaces the text while no other program does. A text that stays the same is not written, and
    /// a folder is made only when there is something to write.
    ///
    /// # Errors
    /// What the system says: then the old text stands.
    pub fn change(&self, change: impl Fn(&str) -> String) -> io::Result<()> {
        if let Some(folder) = self.path.parent().filter(|folder| !folder.exists()) {
            if change("").is_empty() {
                return Ok(());
            }
            make_folder(folder)?;
        }
        let lock = open_own(&self.beside("lock"), false)?;
        lock.lock()?;
        let old = self.read().or_else(|error| match error.kind() {
            // What cannot be read as ours is replaced: it holds hints, and the card knows better.
            io::ErrorKind::InvalidData => Ok(String::new()),
            _ => Err(error),
        })?;
        let new = change(&old);
        if new == old {
            return Ok(());
        }
        let aside = self.beside("new");
        let mut file = open_own(&aside, true)?;
        file.write_all(new.as_bytes())?;
        file.sync_data()?;
        std::fs::rename(&aside, &self.path)
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".");
        name.push(ending);
        self.path.with_file_name(name)
    }
}

/// A file that only its owner reads: it names cards by their serials.
fn open_own(path: &Path, empty: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(empty);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("notebook-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn a_notebook_is_made_when_there_is_something_to_write_and_not_before() {
        let folder = folder("made");
        let book = Notebook::in_folder(&folder, "tries");
        assert_eq!(book.read().expect("nothing"), "");
        book.change(|old| old.to_owned()).expect("nothing to write");
        assert!(!folder.exists());
        book.change(|old| format!("{old}a\n")).expect("written");
        book.change(|old| format!("{old}b\n")).expect("written");
        assert_eq!(book.read().expect("read"), "a\nb\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(book.path()).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn writers_at_once_lose_no_line() {
        let folder = folder("at-once");
        let write = |name: usize| {
            let book = Notebook::in_folder(&folder, "tries");
            (0..20).for_each(|line| book.change(|old| format!("{old}{name} {line}\n")).expect("written"));
        };
        std::thread::scope(|scope| (0..4).for_each(|name| drop(scope.spawn(move || write(name)))));
        let text = Notebook::in_folder(&folder, "tries").read().expect("read");
        assert_eq!(text.lines().count(), 80);
        std::fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_file_that_is_none_of_ours_is_refused_and_then_replaced() {
        let folder = folder("foreign");
        std::fs::create_dir_all(&folder).expect("made");
        let book = Notebook::in_folder(&folder, "tries");
        for foreign in [vec![0xFF, 0xFE], vec![b'a'; usize::try_from(NOTEBOOK_BYTES_MAX).expect("small") + 1]] {
            std::fs::write(book.path(), foreign).expect("written");
            assert_eq!(book.read().expect_err("no notebook").kind(), io::ErrorKind::InvalidData);
            book.change(|old| format!("{old}a\n")).expect("replaced");
            assert_eq!(book.read().expect("read"), "a\n");
        }
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
