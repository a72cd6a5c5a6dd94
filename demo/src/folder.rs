//! The folder of the demo and the names in it.
//!
//! Owns: one name a thing, so that the printed commands and the steps cannot differ; making the folder fresh.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// The demo's folder.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

/// A file that only the demo writes into its folder: what has no such file is not ours to delete.
const MARK: &str = ".made-by-demo";

/// How long what a killed demo started may go on writing into its folder.
const EMPTY_LIMIT: Duration = Duration::from_secs(10);

impl Folder {
    /// The folder at `root`, emptied if an earlier demo made it.
    ///
    /// # Errors
    /// [`Failure::File`] when it cannot be made, or holds something that no demo made.
    pub fn fresh(root: &Path) -> Result<Self, Failure> {
        let folder = Self { root: root.to_owned() };
        if root.exists() {
            let strange = |source| Failure::File { path: root.to_owned(), source };
            let empty = fs::read_dir(root).map_err(strange)?.next().is_none();
            if !empty && !folder.path(MARK).exists() {
                return Err(strange(std::io::Error::new(
                    std::io::ErrorKind::AlreadyExists,
                    "holds files that no demo made; choose another folder with --folder",
                )));
            }
            empty_it(root).map_err(strange)?;
        }
        for part in ["", "cards", "pharmacy", "secrets", "reports", "terminal"] {
            let path = folder.path(part);
            fs::create_dir_all(&path).map_err(|source| Failure::File { path, source })?;
        }
        folder.write(MARK, b"")?;
        Ok(folder)
    }

    /// The path of something in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.root.clone() } else { self.root.join(name) }
    }

    /// The same as text, for command lines.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    /// Writes a file.
    ///
    /// # Errors
    /// [`Failure::File`].
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, Failure> {
        let path = self.path(name);
        fs::write(&path, bytes).map_err(|source| Failure::File { path: path.clone(), source })?;
        Ok(path)
    }

    /// Writes a file that only its owner may read.
    ///
    /// # Errors
    /// [`Failure::File`].
    pub fn write_secret(&self, name: &str, text: &str) -> Result<PathBuf, Failure> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let path = self.path(name);
        let failed = |source| Failure::File { path: path.clone(), source };
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        Ok(path)
    }

    /// Renames a file.
    ///
    /// # Errors
    /// [`Failure::File`].
    pub fn rename(&self, from: &Path, to: &str) -> Result<(), Failure> {
        fs::rename(from, self.path(to)).map_err(|source| Failure::File { path: from.to_owned(), source })
    }
}

/// Removes it with all that is in it, also while a command that nobody waits for any more ends there.
fn empty_it(root: &Path) -> std::io::Result<()> {
    let deadline = Instant::now() + EMPTY_LIMIT;
    loop {
        match fs::remove_dir_all(root) {
            Err(error) if error.kind() == std::io::ErrorKind::DirectoryNotEmpty && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            done => return done,
        }
    }
}
