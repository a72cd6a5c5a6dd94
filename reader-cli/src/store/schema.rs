//! The tables of the terminal's database, and how it is opened.
//!
//! Source: SQLite: WAL with `synchronous=FULL` makes a committed transaction survive loss of power.
//! Owns: schema version 1. Never: reads or writes a row.

use rusqlite::Connection;

/// Version of the tables; another one is refused, never guessed at.
pub(super) const VERSION: i64 = 1;

/// How long another program may hold the file before we say so.
pub(super) const BUSY_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);

/// Statements kept ready: a purchase uses about a dozen.
const STATEMENTS_KEPT: usize = 32;

const TABLES: &str = "
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE entry (
    number            INTEGER PRIMARY KEY CHECK (number > 0),
    state             TEXT NOT NULL,
    kind              TEXT NOT NULL CHECK (kind IN ('purchase', 'load')),
    terminal          TEXT NOT NULL,
    card_identifier   TEXT NOT NULL,
    card_factor       TEXT NOT NULL,
    business_date     TEXT NOT NULL,
    personal_account  INTEGER NOT NULL,
    self_paid         INTEGER NOT NULL,
    pooled_fund       INTEGER NOT NULL,
    bill_id           TEXT,
    bill_hash         TEXT,
    load_id           TEXT,
    paper             TEXT NOT NULL,
    balance_before    INTEGER,
    card_sequence     INTEGER,
    terminal_sequence INTEGER,
    date_time         TEXT,
    random            TEXT,
    key_version       INTEGER,
    algorithm         INTEGER,
    mac               TEXT,
    balance_after     INTEGER,
    evidence          TEXT,
    tac               TEXT,
    record            INTEGER,
    reason            TEXT,
    reprints          INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX entry_of_card ON entry (card_identifier);
CREATE UNIQUE INDEX entry_of_load ON entry (load_id) WHERE load_id IS NOT NULL;
CREATE UNIQUE INDEX entry_of_record ON entry (record) WHERE record IS NOT NULL;

CREATE TABLE event (
    number     INTEGER PRIMARY KEY,
    at         TEXT NOT NULL,
    entry      INTEGER NOT NULL REFERENCES entry (number),
    event      TEXT NOT NULL,
    from_state TEXT,
    to_state   TEXT NOT NULL,
    actor      TEXT NOT NULL,
    reason     TEXT
) STRICT;
CREATE TRIGGER event_is_not_changed BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER event_is_not_removed BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER entry_is_not_removed BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'entries are kept'); END;

CREATE TABLE letter (
    request_id  TEXT PRIMARY KEY,
    path        TEXT NOT NULL,
    body        TEXT NOT NULL,
    written_at  TEXT NOT NULL,
    entry       INTEGER REFERENCES entry (number),
    answered_at TEXT,
    outcome     TEXT
) STRICT;

CREATE TABLE batch (
    sequence     INTEGER PRIMARY KEY CHECK (sequence > 0),
    first_record INTEGER NOT NULL,
    last_record  INTEGER NOT NULL,
    hash         TEXT NOT NULL,
    request_id   TEXT NOT NULL REFERENCES letter (request_id),
    accepted     INTEGER,
    refused      TEXT
) STRICT;

CREATE TABLE sign_in (
    one                     INTEGER PRIMARY KEY CHECK (one = 1),
    at                      TEXT NOT NULL,
    business_date           TEXT NOT NULL,
    institution_code        TEXT NOT NULL,
    institution_name        TEXT NOT NULL,
    purchase_max_fen        INTEGER NOT NULL,
    card_day_max_fen        INTEGER NOT NULL,
    pending_records_max     INTEGER NOT NULL,
    pending_max_fen         INTEGER NOT NULL,
    blacklist_age_max_hours INTEGER NOT NULL,
    blacklist_sequence      INTEGER NOT NULL
) STRICT;

CREATE TABLE blacklist (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    sequence   INTEGER NOT NULL,
    fetched_at TEXT NOT NULL
) STRICT;
CREATE TABLE blacklisted (card_identifier TEXT PRIMARY KEY) STRICT;

CREATE TABLE tries (
    card_identifier TEXT NOT NULL,
    secret          TEXT NOT NULL,
    tries_left      INTEGER NOT NULL,
    PRIMARY KEY (card_identifier, secret)
) STRICT;
";

/// Settings of every connection.
pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_WITHIN)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A damaged page is noticed when it is read.
    connection.pragma_update(None, "cell_size_check", true)
}

/// Makes the tables of an empty database; `Ok(Some(version))` when the file has another version.
pub(super) fn create(connection: &mut Connection) -> rusqlite::Result<Option<i64>> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match version {
        0 => {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
            transaction.commit()?;
            Ok(None)
        }
        VERSION => Ok(None),
        other => Ok(Some(other)),
    }
}
