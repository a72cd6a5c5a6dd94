//! The report as a file: its place is proved before anybody is registered, it appears whole or not at all.
//!
//! Owns: where it is written. Never: knows what a report says.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A report that can be written.
pub(crate) trait Written {
    /// As one line of JSON.
    fn write_json(&self, out: &mut impl Write) -> io::Result<()>;
    /// As CSV.
    fn write_csv(&self, out: &mut impl Write) -> io::Result<()>;
}

/// A report under way. When it is dropped unplaced, nothing of it remains.
#[derive(Debug)]
pub(crate) struct ReportFile {
    file: File,
    /// Where it is written, and where it goes; none for what is no ordinary file (a pipe, `/dev/stdout`).
    places: Option<(PathBuf, PathBuf)>,
    csv: bool,
}

impl ReportFile {
    /// Opens a place beside `path`.
    ///
    /// # Errors
    /// What the system says; `InvalidInput` when it is the very file of the registry, `input`.
    pub(crate) fn create(path: &Path, input: Option<&File>) -> io::Result<Self> {
        let csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        let there = match fs::metadata(path) {
            Ok(there) => Some(there),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let registry = input.map(File::metadata).transpose()?;
        let same = |there: &fs::Metadata, registry: &fs::Metadata| {
            (there.dev(), there.ino()) == (registry.dev(), registry.ino())
        };
        if there.as_ref().zip(registry.as_ref()).is_some_and(|(there, registry)| same(there, registry)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if there.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if there.as_ref().is_some_and(|there| !there.is_file()) {
            return Ok(Self { file: File::options().write(true).open(path)?, places: None, csv });
        }
        // A link keeps pointing at the report.
        let path = if there.is_some() { fs::canonicalize(path)? } else { path.to_owned() };
        if there.is_some() {
            File::options().append(true).open(&path)?;
        }
        let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        name.push(".part");
        let part = path.with_file_name(name);
        Ok(Self { file: File::create(&part)?, places: Some((part, path)), csv })
    }

    /// Writes it, durably.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn write(&mut self, report: &impl Written) -> io::Result<()> {
        let mut out = BufWriter::new(&mut self.file);
        if self.csv { report.write_csv(&mut out) } else { report.write_json(&mut out) }?;
        out.flush()?;
        drop(out);
        if self.places.is_some() { self.file.sync_all() } else { Ok(()) }
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn place(mut self) -> io::Result<()> {
        match &self.places {
            None => Ok(()),
            Some((part, path)) => {
                fs::rename(part, path)?;
                self.places = None;
                Ok(())
            }
        }
    }
}

impl Drop for ReportFile {
    fn drop(&mut self) {
        if let Some((part, _)) = &self.places {
            // What cannot be removed is named as what it is: a part.
            let _ = fs::remove_file(part);
        }
    }
}
