//! A SQLite database of a centre, read only, on a medium that may be.
//!
//! Source: docs/audit.md; SQLite "Write-Ahead Logging", "Uniform Resource Identifiers" (immutable).
//! Owns: the queries, how a file is opened that nobody may write. Never: writes, or lets SQLite make a file.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

use crate::chain::{Checkpoint, Failure, Record, Walk};

/// Walks along the log of a database, in one snapshot.
pub(crate) fn walk(path: &Path, walk: &mut Walk) -> Result<(), Failure> {
    let failed = |source: rusqlite::Error| Failure::Database { path: path.to_owned(), source: source.into() };
    let log = log(path);
    let in_log = std::fs::metadata(&log).map(|file| file.len()).ok();
    if in_log.is_some() {
        match open(path, OpenFlags::empty()) {
            Ok(connection) => return look(connection, walk).map_err(failed),
            // It would write beside the file, and may not.
            Err(rusqlite::Error::SqliteFailure(error, _))
                if matches!(error.code, ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::SystemIoFailure) =>
            {
                if in_log.is_some_and(|bytes| bytes > 0) {
                    return Err(Failure::LogUnread { path: log });
                }
            }
            Err(error) => return Err(failed(error)),
        }
    }
    // Without a log the file is all there is, as long as nobody begins to write it.
    let before = state(path);
    let connection = open(Path::new(&as_it_is(path)), OpenFlags::SQLITE_OPEN_URI).map_err(failed)?;
    let looked = look(connection, walk);
    if in_log.is_none() && (log.exists() || state(path) != before) {
        return Err(Failure::Overtaken { path: path.to_owned() });
    }
    looked.map_err(failed)
}

/// Where SQLite keeps what it has not yet taken into the file.
fn log(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

fn state(path: &Path) -> Option<(u64, SystemTime)> {
    let file = std::fs::metadata(path).ok()?;
    Some((file.len(), file.modified().ok()?))
}

fn open(path: &Path, more: OpenFlags) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | more)?;
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

fn look(mut connection: Connection, walk: &mut Walk) -> Result<(), rusqlite::Error> {
    let snapshot = connection.transaction()?;
    let key: Option<String> =
        snapshot.query_row("SELECT value FROM centre WHERE name = 'public_key'", (), |row| row.get(0)).optional()?;
    walk.key(&key.unwrap_or_default());
    let mut find = snapshot.prepare("SELECT sequence, hash, signed_at, signature FROM audit_checkpoint")?;
    let mut rows = find.query(())?;
    while let Some(row) = rows.next()? {
        walk.checkpoint(Checkpoint {
            sequence: row.get(0)?,
            hash: row.get(1)?,
            signed_at: row.get(2)?,
            signature: row.get(3)?,
        });
    }
    let mut find = snapshot.prepare(
        "SELECT sequence, recorded_at, actor, act, object, detail, previous, hash FROM audit ORDER BY sequence",
    )?;
    let mut rows = find.query(())?;
    while let Some(row) = rows.next()? {
        let record = Record {
            sequence: row.get(0)?,
            recorded_at: row.get(1)?,
            actor: row.get(2)?,
            act: row.get(3)?,
            object: row.get(4)?,
            detail: row.get(5)?,
            previous: row.get(6)?,
            hash: row.get(7)?,
        };
        if !walk.record(&record) {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &str = "PRAGMA journal_mode = WAL;
        CREATE TABLE centre (name TEXT, value TEXT);
        CREATE TABLE audit_checkpoint (sequence BIGINT, hash TEXT, signed_at TEXT, signature TEXT);
        CREATE TABLE audit (sequence BIGINT, recorded_at TEXT, actor TEXT, act TEXT, object TEXT, detail TEXT, previous TEXT, hash TEXT);";

    fn files(folder: &Path) -> usize {
        std::fs::read_dir(folder).expect("list").count()
    }

    #[test]
    fn nothing_is_made_beside_a_database_that_nobody_has_open() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a centre?%.db");
        Connection::open(&path).and_then(|database| database.execute_batch(TABLES)).expect("made");
        assert_eq!(files(folder.path()), 1);
        let before = std::fs::read(&path).expect("bytes");
        let mut log = Walk::new(None, None);
        walk(&path, &mut log).expect("read");
        assert!(log.end(0).first_bad.is_none());
        assert_eq!((files(folder.path()), std::fs::read(&path).expect("bytes")), (1, before));
    }

    #[test]
    fn a_log_that_cannot_be_read_is_named_and_one_with_nothing_in_it_is_not_needed() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("centre.db");
        let database = Connection::open(&path).expect("opened");
        database.execute_batch(TABLES).expect("made");
        // Copied while somebody has it open; its index cannot be made.
        let copy = folder.path().join("copy");
        std::fs::create_dir(&copy).expect("folder");
        std::os::unix::fs::symlink(copy.join("nowhere/index"), copy.join("centre.db-shm"))
            .expect("no file can be made there");
        for name in ["centre.db", "centre.db-wal"] {
            std::fs::copy(folder.path().join(name), copy.join(name)).expect("copied");
        }
        let found = walk(&copy.join("centre.db"), &mut Walk::new(None, None));
        let unread = matches!(&found, Err(Failure::LogUnread { path }) if path.ends_with("centre.db-wal"));
        assert!(unread, "{found:?}");
        database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("taken in");
        for name in ["centre.db", "centre.db-wal"] {
            std::fs::copy(folder.path().join(name), copy.join(name)).expect("copied");
        }
        walk(&copy.join("centre.db"), &mut Walk::new(None, None)).expect("read");
    }
}
