//! A SQLite database of a centre, read only.
//!
//! Source: docs/audit.md. Owns: the queries. Never: writes.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::chain::{Checkpoint, Failure, Record, Walk};

/// Walks along the log of a database, in one snapshot.
pub(crate) fn walk(path: &Path, walk: &mut Walk) -> Result<(), Failure> {
    look(path, walk).map_err(|source| Failure::Database { path: path.to_owned(), source: source.into() })
}

fn look(path: &Path, walk: &mut Walk) -> Result<(), rusqlite::Error> {
    let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
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
