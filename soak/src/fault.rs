//! A fault from outside: laid under a program by the dynamic linker, so that the program itself knows of none.
//!
//! Owns: compiling `fault.c`, the variables that choose a fault. Never: is linked into a program under test.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;

/// What the machine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// kill -9 before a write.
    Before,
    /// kill -9 when half of a write is done.
    Half,
    /// kill -9 when all is written and not flushed.
    Unflushed,
    /// kill -9 when it is flushed and the program does not know yet.
    Flushed,
    /// From that write on there is no space.
    Full,
    /// From that write on the disk fails.
    Spoilt,
    /// From that write on the clock is so many seconds ahead, or behind.
    Clock(i64),
}

impl Moment {
    /// Before the program does anything; for [`Act::Clock`] only.
    pub const START: Self = Self { commits: 0, at: 0 };
}

/// When it does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Commits of the database that pass unharmed before anything is counted.
    pub commits: u64,
    /// Which write (or flush, where the act is about one) behind them is struck, from 1.
    pub at: u64,
}

/// The fault, ready to be laid under programs.
#[derive(Clone, Debug)]
pub struct Faults {
    library: PathBuf,
}

impl Act {
    /// The four places of a kill around one commit, in order of time.
    pub const KILLS: [Self; 4] = [Self::Before, Self::Half, Self::Unflushed, Self::Flushed];

    /// What `fault.c` calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Half => "half",
            Self::Unflushed => "unflushed",
            Self::Flushed => "flushed",
            Self::Full => "full",
            Self::Spoilt => "spoilt",
            Self::Clock(_) => "clock",
        }
    }
}

impl Faults {
    /// Compiles the fault into a folder.
    ///
    /// # Errors
    /// [`Failure::Compiler`].
    pub fn build(folder: &Path) -> Result<Self, Failure> {
        let (text, library) = (folder.join("fault.c"), folder.join("fault.so"));
        std::fs::write(&text, include_str!("fault.c")).map_err(Failure::system(&text))?;
        let built = Command::new("cc").args(["-O2", "-shared", "-fPIC", "-o"]).arg(&library).arg(&text).output();
        let built = built.map_err(|error| Failure::Compiler { said: error.to_string() })?;
        if built.status.success() {
            Ok(Self { library })
        } else {
            Err(Failure::Compiler { said: String::from_utf8_lossy(&built.stderr).into_owned() })
        }
    }

    /// Lays a fault under a program. Only files below `folder` count whose path ends with `files`.
    pub fn under(&self, program: &mut Command, folder: &Path, files: &str, act: Act, moment: Moment) {
        self.count(program, folder, files);
        program
            .env("SOAK_ACT", act.name())
            .env("SOAK_SKIP", moment.commits.to_string())
            .env("SOAK_AT", moment.at.to_string());
        if let Act::Clock(seconds) = act {
            program.env("SOAK_SECONDS", seconds.to_string());
        }
    }

    /// Lays only the counting under a program; with `SOAK_COUNT` it tells how many writes and flushes there were.
    pub fn count(&self, program: &mut Command, folder: &Path, files: &str) {
        program.env("LD_PRELOAD", &self.library).env("SOAK_FOLDER", folder).env("SOAK_FILES", files);
    }
}
