//! A SQLite file: one writer, durable at every commit.
//!
//! Owns: how it is opened, and what its failures mean. Never: a table of the centre.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Row, Savepoint, TransactionBehavior};

use super::value::{Value, of_file};
use super::{EngineError, Result};
use crate::store::StoreError;

/// How long a reader of the file waits for a writer who brings it up to date.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// A writer looks again so soon at first: another one is through in about a millisecond, and the waits that SQLite would take grow to
/// a hundred of them.
const SHORT_WAIT: Duration = Duration::from_micros(100);
/// So often; half a card is written meanwhile.
const SHORT_WAITS: i32 = 100;
/// Then it looks every millisecond, for five seconds.
const LONG_WAIT: Duration = Duration::from_millis(1);
const LONG_WAITS: i32 = 5_000;

/// Waits for another writer; `false` when it was long enough.
fn wait(again: i32) -> bool {
    let waits = again < SHORT_WAITS + LONG_WAITS;
    if waits {
        std::thread::sleep(if again < SHORT_WAITS { SHORT_WAIT } else { LONG_WAIT });
    }
    waits
}

/// Statements that a connection keeps ready.
const STATEMENTS_MAX: usize = 128;

pub(super) fn open(path: &Path, new: bool) -> Result<Connection> {
    let create = if new { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
    let opened = Connection::open_with_flags(path, flags).and_then(|mut connection| {
        connection.busy_handler(Some(wait))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        // What is removed or replaced is overwritten: it may be sealed under a key that is to be destroyed.
        connection.pragma_update(None, "secure_delete", "ON")?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        Ok(connection)
    });
    opened.map_err(EngineError::File)
}

/// Opens a file that nobody need be allowed to write. Without a log beside it, it is read as it is: SQLite would make a log, and
/// leave it. A log that has something in it is read when the folder allows it.
pub(super) fn open_to_look(path: &Path) -> std::result::Result<Connection, StoreError> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let in_log = std::fs::metadata(&log).map(|file| file.len());
    if in_log.is_ok() {
        match look(path, OpenFlags::empty()) {
            Err(rusqlite::Error::SqliteFailure(failure, _))
                if matches!(
                    failure.code,
                    ErrorCode::CannotOpen
                        | ErrorCode::ReadOnly
                        | ErrorCode::SystemIoFailure
                        | ErrorCode::PermissionDenied
                ) =>
            {
                if in_log.is_ok_and(|bytes| bytes > 0) {
                    return Err(StoreError::LogUnread { path: log.into() });
                }
            }
            outcome => return outcome.map_err(meaning),
        }
    }
    look(Path::new(&as_it_is(path)), OpenFlags::SQLITE_OPEN_URI).map_err(meaning)
}

fn look(path: &Path, more: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // The first reading opens the log.
    connection.query_row("SELECT COUNT(*) FROM sqlite_master", (), |_| Ok(()))?;
    Ok(connection)
}

/// The file without regard to a log or to locks.
fn as_it_is(path: &Path) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-._".contains(byte);
    let bytes = path.as_os_str().as_encoded_bytes().iter();
    let text: String =
        bytes.map(|byte| if plain(byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") }).collect();
    format!("file:{text}?immutable=1")
}

/// A transaction under way, or a part of one that several acts share; rolled back when dropped.
#[derive(Debug)]
pub(in crate::store) enum Transaction<'a> {
    Whole(rusqlite::Transaction<'a>),
    Part(Savepoint<'a>),
}

impl std::ops::Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match self {
            Self::Whole(tx) => tx,
            Self::Part(part) => part,
        }
    }
}

impl Transaction<'_> {
    pub(super) fn commit(self) -> Result<()> {
        match self {
            Self::Whole(tx) => tx.commit(),
            Self::Part(part) => part.commit(),
        }
        .map_err(EngineError::File)
    }
}

pub(super) fn begin(connection: &mut Connection, writing: bool) -> Result<Transaction<'_>> {
    let behaviour = if writing { TransactionBehavior::Immediate } else { TransactionBehavior::Deferred };
    connection.transaction_with_behavior(behaviour).map(Transaction::Whole).map_err(EngineError::File)
}

/// Begins what several acts share.
pub(super) fn begin_shared(connection: &Connection) -> Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE").map_err(EngineError::File)
}

/// Begins an act in it. A full disk, for one, ends the whole of it, and nothing more may be done then.
pub(super) fn begin_part(connection: &mut Connection) -> Result<Transaction<'_>> {
    if connection.is_autocommit() {
        return Err(EngineError::Failed);
    }
    connection.savepoint().map(Transaction::Part).map_err(EngineError::File)
}

/// Ends what several acts share.
pub(super) fn end_shared(connection: &Connection, keep: bool) -> Result<()> {
    if connection.is_autocommit() {
        return if keep { Err(EngineError::Failed) } else { Ok(()) };
    }
    connection.execute_batch(if keep { "COMMIT" } else { "ROLLBACK" }).map_err(EngineError::File)
}

pub(super) fn value<'a>(row: &'a Row<'_>, column: usize) -> Result<Value<'a>> {
    let cell = row.get_ref(column).map_err(EngineError::File)?;
    of_file(cell).ok_or(EngineError::Column { column, source: None })
}

/// Pages that a connection keeps at hand for the work of many rows, in KiB: keyed hashes fall all over their indexes.
const WIDE_KIB: i64 = 65_536;

/// Pages of the log before they are brought into the file: a page that many rows fall on is brought there once.
const WIDE_LOG_PAGES: i64 = 8_192;

pub(super) fn widen(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", -WIDE_KIB)?;
    connection.pragma_update(None, "wal_autocheckpoint", WIDE_LOG_PAGES)
}

/// Writes the file anew and empties the log; `false` when another connection reads the log.
pub(super) fn scrub(connection: &Connection) -> rusqlite::Result<bool> {
    connection.execute_batch("VACUUM")?;
    empty_log(connection)
}

/// Brings the log into the file and empties it; `false` when another connection reads it.
pub(super) fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0))?;
    Ok(busy == 0)
}

/// What a failure means to the centre.
pub(super) fn meaning(error: rusqlite::Error) -> StoreError {
    let rusqlite::Error::SqliteFailure(failure, message) = &error else {
        return StoreError::Engine(EngineError::File(error));
    };
    match failure.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Locked,
        ErrorCode::DiskFull => StoreError::DiskFull,
        ErrorCode::ReadOnly => StoreError::ReadOnly,
        // The first things that a full disk refuses are the index of the log and room in it.
        ErrorCode::SystemIoFailure
            if matches!(
                failure.extended_code,
                rusqlite::ffi::SQLITE_IOERR_SHMOPEN | rusqlite::ffi::SQLITE_IOERR_SHMSIZE
            ) =>
        {
            StoreError::DiskFull
        }
        ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => StoreError::Damaged,
        ErrorCode::ConstraintViolation
            if matches!(
                failure.extended_code,
                rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            ) =>
        {
            StoreError::Conflict { constraint: message.clone().unwrap_or_default() }
        }
        _ => StoreError::Engine(EngineError::File(error)),
    }
}
