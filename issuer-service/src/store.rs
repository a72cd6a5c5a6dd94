//! The database: SQLite, durable at every commit. The only place, with its folder, that knows SQL.
//!
//! Owns: connections, transactions, forward migrations, the errors of the engine.
//! Never: decides a business rule beyond what a constraint or a guarded update states.
//!
//! Statements keep to what PostgreSQL also accepts: `$n` parameters numbered in order of first appearance, TEXT and
//! BIGINT columns, bytes as upper-case hex, row numbers given by the caller, `ON CONFLICT … DO NOTHING`.

mod allotment;
mod audit;
mod batch;
mod card;
mod cell;
mod ceremony;
mod clearing_card;
pub(crate) mod exchange;
mod import;
pub mod institution;
mod key;
mod ledger;
mod life;
mod load;
mod operator;
mod person;
mod psam;
mod request;
mod sealed;
mod source;
mod station;
mod upload;
mod window;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::audit::Act;
use crate::clock;
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::vault::data_keys::DataKeys;

/// Forward migrations in order. Each area adds its own file; a published file never changes.
const MIGRATIONS: &[(i64, &str)] = &[
    (1, include_str!("store/schema_001_centre.sql")),
    (2, include_str!("store/schema_002_person.sql")),
    (3, include_str!("store/schema_003_batch.sql")),
    (4, include_str!("store/schema_004_registry.sql")),
    (10, include_str!("store/schema_010_clearing.sql")),
    (11, include_str!("store/schema_011_load_algorithm.sql")),
    (30, include_str!("store/schema_030_key.sql")),
    (31, include_str!("store/schema_031_ceremony.sql")),
    (32, include_str!("store/schema_032_psam_custody.sql")),
    (40, include_str!("store/schema_040_request.sql")),
    (41, include_str!("store/schema_041_exchange.sql")),
    (42, include_str!("store/schema_042_station.sql")),
    (45, include_str!("store/schema_045_card_life.sql")),
];

/// How long a writer waits for another one.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// One connection.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    data: Option<Arc<DataKeys>>,
}

/// A transaction under way. Areas add their statements as methods, each in its own file of `store/`.
#[derive(Debug)]
pub struct Tx<'a> {
    sql: rusqlite::Transaction<'a>,
    data: Option<&'a DataKeys>,
}

/// Why the database did not do what was asked. Nothing of the transaction remains.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the database.
    #[error("the database is locked by another process")]
    Locked,
    /// The disk is full.
    #[error("the disk is full")]
    DiskFull,
    /// The file is no database, or damaged.
    #[error("the database file is damaged")]
    Damaged,
    /// A newer program made this database.
    #[error("the database has schema {found}, this program knows {known}")]
    SchemaNewer {
        /// Schema of the file.
        found: i64,
        /// Newest schema known here.
        known: i64,
    },
    /// A row was not in the state that the move starts from: someone else was faster.
    #[error("{object} is no longer in state {expected}")]
    StateMoved {
        /// What was to move: `batch 3`.
        object: String,
        /// State expected.
        expected: &'static str,
    },
    /// A unique constraint refused the row.
    #[error("such a row exists already ({constraint})")]
    Conflict {
        /// Table and columns.
        constraint: String,
    },
    /// People's data were asked for without the data keys.
    #[error("the data keys are not open")]
    DataKeysClosed,
    /// A row does not open under the data keys.
    #[error("{place} does not open")]
    RowSealed {
        /// Which: `person 3`.
        place: String,
    },
    /// The data keys are those of another database.
    #[error("the data keys belong to another database")]
    DataKeysForeign,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandom,
    /// Anything else that the engine reports.
    #[error("database: {0}")]
    Engine(#[source] rusqlite::Error),
}

impl Store {
    /// Makes a new database file.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)
    }

    /// Opens a database file and applies the migrations that it lacks.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Self, StoreError> {
        let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY_WAIT)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        let mut store = Self { connection, data: None };
        store.migrate()?;
        Ok(store)
    }

    /// Reads, in one snapshot.
    ///
    /// # Errors
    /// What the closure gives, or [`StoreError`].
    pub fn read<T, E: From<StoreError>>(&mut self, look: impl FnOnce(&Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        let sql = self.connection.transaction_with_behavior(TransactionBehavior::Deferred).map_err(StoreError::from)?;
        look(&Tx { sql, data: self.data.as_deref() })
    }

    /// Acts: everything that the closure writes, and the audit record of the [`Act`] that it returns, or nothing.
    ///
    /// # Errors
    /// What the closure gives, or [`StoreError`].
    pub fn act<T, E: From<StoreError>>(&mut self, act: impl FnOnce(&Tx<'_>) -> Result<(T, Act), E>) -> Result<T, E> {
        self.journal(|tx| {
            let (outcome, act) = act(tx)?;
            tx.append_audit(&act)?;
            Ok(outcome)
        })
    }

    /// Writes what is no act of a person: journal entries, states that a machine passes through.
    ///
    /// # Errors
    /// What the closure gives, or [`StoreError`].
    pub fn journal<T, E: From<StoreError>>(&mut self, write: impl FnOnce(&Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        let sql =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StoreError::from)?;
        let tx = Tx { sql, data: self.data.as_deref() };
        let outcome = write(&tx)?;
        tx.sql.commit().map_err(StoreError::from)?;
        Ok(outcome)
    }

    /// Does everything and keeps nothing: a dry run on the real path.
    ///
    /// # Errors
    /// What the closure gives, or [`StoreError`].
    pub fn rehearse<T, E: From<StoreError>>(&mut self, act: impl FnOnce(&Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        let sql =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StoreError::from)?;
        act(&Tx { sql, data: self.data.as_deref() })
    }

    fn migrate(&mut self) -> Result<(), StoreError> {
        let known = MIGRATIONS.iter().map(|(number, _)| *number).max().unwrap_or(0);
        let found = applied(&self.connection)?;
        if let Some(newer) = found.iter().copied().find(|number| *number > known) {
            return Err(StoreError::SchemaNewer { found: newer, known });
        }
        if MIGRATIONS.iter().all(|(number, _)| found.contains(number)) {
            return Ok(());
        }
        // A table that is rebuilt is dropped and renamed, which references to it must not notice; they are checked behind.
        self.connection.pragma_update(None, "foreign_keys", "OFF")?;
        let migrated = self.apply();
        self.connection.pragma_update(None, "foreign_keys", "ON")?;
        migrated
    }

    fn apply(&mut self) -> Result<(), StoreError> {
        self.journal(|tx| {
            tx.sql.execute_batch(
                "CREATE TABLE IF NOT EXISTS migration (number BIGINT PRIMARY KEY, applied_at TEXT NOT NULL)",
            )?;
            let found = applied(&tx.sql)?;
            for (number, sql) in MIGRATIONS.iter().filter(|(number, _)| !found.contains(number)) {
                tx.sql.execute_batch(sql)?;
                tx.sql.execute("INSERT INTO migration (number, applied_at) VALUES ($1, $2)", (number, clock::now()))?;
            }
            let broken = tx.sql.prepare("PRAGMA foreign_key_check")?.exists(())?;
            if broken { Err(StoreError::Damaged) } else { Ok(()) }
        })
    }
}

fn applied(connection: &Connection) -> Result<Vec<i64>, StoreError> {
    let exists = connection.table_exists(None, "migration")?;
    if !exists {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare("SELECT number FROM migration ORDER BY number")?;
    let numbers = statement.query_map((), |row| row.get(0))?.collect::<Result<Vec<_>, _>>()?;
    Ok(numbers)
}

impl Tx<'_> {
    /// A guarded move: exactly one row must have been in the expected state.
    fn moved(rows: usize, object: impl FnOnce() -> String, expected: &'static str) -> Result<(), StoreError> {
        if rows == 1 { Ok(()) } else { Err(StoreError::StateMoved { object: object(), expected }) }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(failure, message) = &error else {
            return Self::Engine(error);
        };
        match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Locked,
            ErrorCode::DiskFull => Self::DiskFull,
            ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => Self::Damaged,
            ErrorCode::ConstraintViolation
                if matches!(
                    failure.extended_code,
                    rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                ) =>
            {
                Self::Conflict { constraint: message.clone().unwrap_or_default() }
            }
            _ => Self::Engine(error),
        }
    }
}

impl Explain for StoreError {
    fn code(&self) -> &'static str {
        match self {
            Self::Locked => "DATABASE_LOCKED",
            Self::DiskFull => "DISK_FULL",
            Self::Damaged => "DATABASE_DAMAGED",
            Self::SchemaNewer { .. } => "DATABASE_NEWER",
            Self::StateMoved { .. } => "STATE_MOVED",
            Self::Conflict { .. } => "ROW_EXISTS",
            Self::DataKeysClosed => "DATA_KEYS_CLOSED",
            Self::RowSealed { .. } => "ROW_DOES_NOT_OPEN",
            Self::DataKeysForeign => "DATA_KEYS_FOREIGN",
            Self::NoRandom => "NO_RANDOM",
            Self::Engine(_) => "DATABASE_FAILED",
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::Locked => lang
                .pick("数据库被另一进程占用，未作改动", "another process holds the database; nothing was done")
                .to_owned(),
            Self::DiskFull => lang.pick("磁盘已满，未作改动", "the disk is full; nothing was done").to_owned(),
            Self::Damaged => lang.pick("数据库文件已损坏", "the database file is damaged").to_owned(),
            Self::SchemaNewer { found, known } => lang.pick(
                format!("数据库结构为第 {found} 版，本程序只认识到第 {known} 版"),
                format!("the database has schema {found}, this program knows up to {known}"),
            ),
            Self::StateMoved { object, expected } => lang.pick(
                format!("{object} 已不在 {expected} 状态，未作改动"),
                format!("{object} is no longer {expected}; nothing was done"),
            ),
            Self::Conflict { constraint } => {
                lang.pick(format!("记录已存在 ({constraint})"), format!("such a row exists already ({constraint})"))
            }
            Self::DataKeysClosed => lang
                .pick("人员数据已加密，数据密钥没有打开", "people's data are sealed, the data keys are not open")
                .to_owned(),
            Self::RowSealed { place } => lang.pick(
                format!("{place} 的数据解不开（被改动、被移动，或密钥已停用）"),
                format!("{place} does not open: altered, moved, or sealed under a key that is gone"),
            ),
            Self::DataKeysForeign => {
                lang.pick("数据密钥不是这个数据库的", "the data keys are those of another database").to_owned()
            }
            Self::NoRandom => lang.pick("系统不提供随机数", "the system gives no random numbers").to_owned(),
            Self::Engine(error) => lang.pick(format!("数据库出错: {error}"), format!("the database failed: {error}")),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::Locked => lang.pick("等另一进程结束后重试", "wait until the other process ends, then try again"),
            Self::DiskFull => lang.pick("腾出空间后重试", "free some space, then try again"),
            Self::Damaged => lang.pick("从备份恢复", "restore it from a backup"),
            Self::SchemaNewer { .. } => lang.pick("改用新版程序", "use the newer program"),
            Self::StateMoved { .. } => lang.pick("查看当前状态后再决定", "look at its present state, then decide"),
            Self::Conflict { .. } => lang.pick("查看已有的记录", "look at the row that is there"),
            Self::DataKeysClosed => lang.pick("用 --passphrase 给出口令", "give the passphrase with --passphrase"),
            Self::RowSealed { .. } => lang.pick("从备份恢复这一行", "restore the row from a backup"),
            Self::DataKeysForeign => lang.pick(
                "把数据库和它的 centre.datakeys 放在一起",
                "put the database and its own centre.datakeys together",
            ),
            Self::NoRandom => lang.pick("检查操作系统", "check the operating system"),
            Self::Engine(_) => {
                lang.pick("检查数据目录的权限和磁盘，再重试", "check the data folder and the disk, then try again")
            }
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::StateMoved { .. } | Self::Conflict { .. } => Exit::Refused,
            Self::DataKeysClosed => Exit::Authentication,
            Self::Locked
            | Self::DiskFull
            | Self::Damaged
            | Self::SchemaNewer { .. }
            | Self::RowSealed { .. }
            | Self::DataKeysForeign
            | Self::NoRandom
            | Self::Engine(_) => Exit::Storage,
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Locked | Self::DiskFull => true,
            Self::Damaged
            | Self::SchemaNewer { .. }
            | Self::StateMoved { .. }
            | Self::Conflict { .. }
            | Self::DataKeysClosed
            | Self::RowSealed { .. }
            | Self::DataKeysForeign
            | Self::NoRandom
            | Self::Engine(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_opens_twice_and_migrates_once() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("x.db");
        drop(Store::create(&path).expect("created"));
        let store = Store::open(&path).expect("opened");
        assert_eq!(applied(&store.connection).expect("list").len(), MIGRATIONS.len());
    }

    #[test]
    fn a_database_of_a_newer_program_is_refused() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("x.db");
        let store = Store::create(&path).expect("created");
        store.connection.execute("INSERT INTO migration (number, applied_at) VALUES (9999, '')", ()).expect("row");
        assert!(matches!(Store::open(&path), Err(StoreError::SchemaNewer { found: 9999, .. })));
    }

    #[test]
    fn a_file_that_is_no_database_is_called_damaged() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("x.db");
        std::fs::write(&path, "not a database, but long enough to look like a file of one".repeat(40)).expect("file");
        assert!(matches!(Store::open(&path), Err(StoreError::Damaged)));
    }
}
