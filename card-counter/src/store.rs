//! What the terminal keeps: the only room that knows SQL.
//!
//! Source: one SQLite file a terminal, WAL, `synchronous=FULL`.
//! Owns: opening, the turn at the counter (one program at a time moves money), errors of storage.
//! Never: decides what a state means (`settlement::journal`), talks to a card or to the centre.

mod batches;
pub mod catalogues;
mod chips;
mod codes;
mod desk;
mod elsewhere;
mod entries;
mod national;
mod proof;
mod refunds;
mod sales;
mod schema;
mod sealed;
mod spent;
mod untold;

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode as Sqlite, OptionalExtension as _};

use settlement::id::{PublicKey, TerminalNumber};

use crate::error::{Code, TerminalError};

pub use batches::{BatchAnswered, StoredBatch};
pub use desk::{Blacklist, SignedIn};
pub use elsewhere::{Asking, Dropping, LostElsewhere};
pub use national::{NationalStore, Numbering, SaleDraft, Session, Settled, StoredSale};
pub use proof::Told;
pub use refunds::NewRefund;

/// Name of the database in the data folder.
const DATABASE: &str = "terminal.db";

/// Name of the file whose lock is the turn at the counter.
const TURN: &str = "turn.lock";

/// Looks on at every commit of a [`Store`], whatever wrote it: how a proof knows every moment at which a terminal can die.
pub trait Commits: Send + Sync {
    /// Before a commit; it is rolled back when this says `false`.
    fn begins(&self) -> bool;
    /// It is durable.
    fn is_done(&self);
}

/// The terminal's database.
pub struct Store {
    connection: Connection,
    place: String,
    folder: std::path::PathBuf,
    turn: Option<Connection>,
    /// Signed limits that were found right, with the key that signed them.
    checked: RefCell<Option<(String, PublicKey)>>,
}

/// The journal or the data folder failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full.
    #[error("{place}: disk full")]
    Full {
        /// File.
        place: String,
    },
    /// Another program holds it.
    #[error("{place}: in use by another program")]
    Busy {
        /// File.
        place: String,
    },
    /// Damaged, or written by something else.
    #[error("{place}: damaged: {reason}")]
    Corrupt {
        /// File.
        place: String,
        /// What does not fit.
        reason: String,
    },
    /// The database failed.
    #[error("{place}: {source}")]
    Database {
        /// File.
        place: String,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A file or folder failed.
    #[error("{place}: {source}")]
    Folder {
        /// Path.
        place: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The limits are not those that the centre signed.
    #[error("{place}: the limits are not those that the centre signed")]
    Altered {
        /// File.
        place: String,
    },
    /// An entry is not in the state that the move starts from.
    #[error("journal entry {id} is not in state {expected}")]
    Moved {
        /// Entry.
        id: String,
        /// State expected.
        expected: &'static str,
    },
}

impl StoreError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Full { .. } => Code::StoreFull,
            Self::Busy { .. } => Code::StoreBusy,
            Self::Corrupt { .. } => Code::StoreCorrupt,
            Self::Altered { .. } => Code::ParametersAltered,
            Self::Database { .. } | Self::Folder { .. } | Self::Moved { .. } => Code::StoreFailed,
        }
    }
}

impl Store {
    /// Opens the database of a data folder, and makes both if they are not there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        make_folder(folder)?;
        let path = folder.join(DATABASE);
        let place = path.display().to_string();
        let fail = |source| failure(&place, source);
        let mut connection = Connection::open(&path).map_err(fail)?;
        owner_only(&path)?;
        schema::configure(&connection).map_err(fail)?;
        if let Some(version) = schema::create(&mut connection).map_err(fail)? {
            let reason = format!("tables of version {version}, this program knows {}", schema::VERSION);
            return Err(StoreError::Corrupt { place, reason });
        }
        Ok(Self { connection, place, folder: folder.to_owned(), turn: None, checked: RefCell::default() })
    }

    /// Opens the database of a data folder if it is there: commands that only look make none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_if_there(folder: &Path) -> Result<Option<Self>, StoreError> {
        if folder.join(DATABASE).is_file() { Self::open(folder).map(Some) } else { Ok(None) }
    }

    /// Takes the turn at the counter: until this store is dropped no other program moves money with this folder.
    /// Entries that an earlier program left between states are brought to where a restart puts them.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when another program has it.
    pub fn take_turn(&mut self) -> Result<(), StoreError> {
        if self.turn.is_some() {
            return Ok(());
        }
        self.turn = Some(turn(&self.folder, TURN)?);
        self.restart()
    }

    /// Has somebody look on at every commit from now on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn watch(&mut self, commits: &Arc<dyn Commits>) -> Result<(), StoreError> {
        let (before, after) = (Arc::clone(commits), Arc::clone(commits));
        // SQLite calls the second one when the commit stands in its log, and takes no checkpoint by itself while it does.
        let watched = self.connection.commit_hook(Some(move || !before.begins())).and_then(|()| {
            let told = move |_: &mut rusqlite::hooks::Wal, _| {
                after.is_done();
                Ok(())
            };
            self.connection.wal_hook(Some(told))
        });
        watched.map_err(|source| self.failure(source))
    }

    /// The journal of the terminal with this number, with the turn at the counter.
    ///
    /// # Errors
    /// [`TerminalError::NotEnrolled`], [`TerminalError::PsamDiffers`], [`TerminalError::Store`].
    pub fn open_for_money(folder: &Path, psam: [u8; 6]) -> Result<(Self, TerminalNumber), TerminalError> {
        let (mut store, ours) = Self::open_enrolled(folder)?;
        if ours.0 != psam {
            let psam = TerminalNumber(psam).to_string();
            return Err(TerminalError::PsamDiffers { journal: ours.to_string(), psam });
        }
        store.take_turn()?;
        Ok((store, ours))
    }

    /// The journal of an enrolled terminal, and its number.
    ///
    /// # Errors
    /// [`TerminalError::NotEnrolled`], [`TerminalError::Store`].
    pub fn open_enrolled(folder: &Path) -> Result<(Self, TerminalNumber), TerminalError> {
        let store = Self::open(folder)?;
        let ours = store.terminal()?.ok_or(TerminalError::NotEnrolled)?;
        Ok((store, ours))
    }

    /// A fact of the terminal.
    fn fact(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.connection
            .query_row("SELECT value FROM fact WHERE name = ?1", [name], |row| row.get(0))
            .optional()
            .map_err(|source| self.failure(source))
    }

    fn failure(&self, source: rusqlite::Error) -> StoreError {
        failure(&self.place, source)
    }

    fn corrupt(&self, reason: &str) -> StoreError {
        StoreError::Corrupt { place: self.place.clone(), reason: reason.to_owned() }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("place", &self.place).field("turn", &self.turn.is_some()).finish_non_exhaustive()
    }
}

/// The turn at what a lock file stands for; it ends when it is dropped, and with the process, however that ends.
fn turn(folder: &Path, name: &str) -> Result<Connection, StoreError> {
    let path = folder.join(name);
    let place = path.display().to_string();
    let fail = |source| failure(&place, source);
    let lock = Connection::open(&path).map_err(fail)?;
    lock.busy_timeout(schema::BUSY_WITHIN).map_err(fail)?;
    lock.execute_batch("BEGIN EXCLUSIVE").map_err(fail)?;
    Ok(lock)
}

fn failure(place: &str, source: rusqlite::Error) -> StoreError {
    let place = place.to_owned();
    match source.sqlite_error_code() {
        Some(Sqlite::DiskFull) => StoreError::Full { place },
        Some(Sqlite::DatabaseBusy | Sqlite::DatabaseLocked) => StoreError::Busy { place },
        Some(Sqlite::DatabaseCorrupt | Sqlite::NotADatabase) => {
            StoreError::Corrupt { place, reason: "not a database, or damaged pages".to_owned() }
        }
        _ => StoreError::Database { place, source },
    }
}

fn make_folder(folder: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| StoreError::Folder { place: folder.display().to_string(), source })
}

/// The journal holds card identifiers: only its owner reads it.
fn owner_only(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(|source| StoreError::Folder { place: path.display().to_string(), source })
}
