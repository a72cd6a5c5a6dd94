//! Why a demo stops: the only file that knows its exit codes.
//!
//! Owns: what went wrong, where, and what the user can do next.

use std::path::PathBuf;
use std::process::ExitCode;

/// The demo did not reach its end.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A program of the toolkit is not where this one is.
    #[error("program `{name}` is not in {folder}; build the workspace first: cargo build --workspace --bins", folder = folder.display())]
    ProgramMissing {
        /// Its name.
        name: &'static str,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A program could not be started, or waited for.
    #[error("`{command}` could not be run: {source}")]
    Run {
        /// The command line.
        command: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A program ended with another code than it owes.
    #[error("`{command}` ended with {found} instead of {expected}\n{said}")]
    Ended {
        /// The command line.
        command: String,
        /// What it owes.
        expected: i32,
        /// What it gave; -1 when a signal ended it.
        found: i32,
        /// The end of what it wrote to stderr.
        said: String,
    },
    /// A program did not end.
    #[error("`{command}` did not end within {seconds} s\n{said}")]
    Slow {
        /// The command line.
        command: String,
        /// How long was waited.
        seconds: u64,
        /// What it wrote to stderr so far.
        said: String,
    },
    /// A program's answer lacks something, or has another shape.
    #[error("the answer of `{command}` has no {wanted}: {answer}")]
    Answer {
        /// The command line.
        command: String,
        /// What was looked for.
        wanted: String,
        /// The beginning of the answer.
        answer: String,
    },
    /// A value is not the one that it must be.
    #[error("{what}: expected {expected}, found {found}")]
    Mismatch {
        /// The value.
        what: String,
        /// What it must be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A file of the demo's folder could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Failure {
    /// The exit code, in the toolkit's common meaning.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::ProgramMissing { .. } => 2,
            Self::Answer { .. } | Self::Mismatch { .. } | Self::Ended { .. } | Self::Slow { .. } => 7,
            Self::Run { .. } | Self::File { .. } => 9,
        })
    }
}

/// Refuses unless `found` is `expected`.
///
/// # Errors
/// [`Failure::Mismatch`].
pub fn must_be<T: PartialEq + std::fmt::Debug>(
    what: impl Into<String>,
    found: &T,
    expected: &T,
) -> Result<(), Failure> {
    if found == expected {
        return Ok(());
    }
    Err(Failure::Mismatch { what: what.into(), expected: format!("{expected:?}"), found: format!("{found:?}") })
}
