//! A database of a PostgreSQL server.
//!
//! Source: PostgreSQL documentation, "Transaction Isolation", "Explicit Locking", "Reliability".
//! Owns: sessions, the settings without which a server is no place for a ledger, transactions, what its refusals mean.
//! Never: repeats the details of a refusal, which hold values of the row.
//!
//! A writing transaction takes one advisory lock first, before its first snapshot (READ COMMITTED: every statement sees
//! what is committed), so that it is alone as with SQLite. A reading one has one snapshot (REPEATABLE READ).

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use postgres::Client;
use postgres::error::SqlState;
use postgres::types::ToSql;

use super::address::Server;
use super::value::Value;
use super::{EngineError, Result};
use crate::store::StoreError;

/// The lock that every writer holds: "issuer" in ASCII, and the name of the schema. Other databases have other locks.
const WRITER: i64 = 0x6973_7375_6572;

/// What a session keeps to: a writer waits for another one as long as with SQLite.
const SETTINGS: &str = "SET lock_timeout = '5s'; SET standard_conforming_strings = on;
    SET idle_in_transaction_session_timeout = 0; SET client_min_messages = warning";

/// Statements that a session keeps ready; past it all are made anew.
const STATEMENTS_MAX: usize = 512;

/// Rows that a cursor brings at once.
const FETCH: &str = "FETCH 500 FROM centre_rows";

/// What a server says when it refuses. Its details are left out: they repeat values of the row.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{state} {message}")]
pub struct Refusal {
    /// SQLSTATE; empty when the line broke or the mistake is on our side.
    state: String,
    message: String,
    constraint: Option<String>,
    line: Line,
}

impl Refusal {
    /// SQLSTATE; empty when the line broke or the mistake is on our side.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }
}

/// What became of the line to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// The server answered; its SQLSTATE says what.
    Answered,
    /// Nobody answers, or the line broke.
    Gone,
    /// The certificate is not vouched for, or is another machine's.
    Untrusted,
    /// The server speaks no TLS.
    Open,
    /// The server asks for a password and there is none.
    NoPassword,
    /// The server takes nothing in: a standby, or set so.
    ReadOnly,
}

/// The oldest server whose words are enough: `hashtextextended`, the name of the writers' lock, came with it.
const VERSION_MIN: u32 = 11;

/// What a failure means to the centre.
pub(super) fn meaning(refusal: Refusal) -> StoreError {
    let state = SqlState::from_code(&refusal.state);
    match (state, refusal.state.get(..2).unwrap_or_default()) {
        _ if refusal.line != Line::Answered => match refusal.line {
            Line::Answered | Line::Gone => StoreError::Gone,
            Line::Untrusted => StoreError::Untrusted,
            Line::Open => StoreError::WithoutTls,
            Line::NoPassword => StoreError::AccessRefused,
            Line::ReadOnly => StoreError::ReadOnly,
        },
        (SqlState::UNIQUE_VIOLATION, _) => StoreError::Conflict { constraint: refusal.constraint.unwrap_or_default() },
        (SqlState::LOCK_NOT_AVAILABLE, _) | (_, "40") => StoreError::Locked,
        (SqlState::DISK_FULL, _) => StoreError::DiskFull,
        (SqlState::INVALID_CATALOG_NAME, _) => StoreError::NoDatabase,
        (SqlState::INSUFFICIENT_PRIVILEGE, _) | (_, "28") => StoreError::AccessRefused,
        (SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED, _) => StoreError::Damaged,
        // A standby, or a server on its way up or down: it is there, and does not work.
        (SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE | SqlState::READ_ONLY_SQL_TRANSACTION, _) => StoreError::Gone,
        (_, "08" | "57" | "53") => StoreError::Gone,
        _ => StoreError::Engine(EngineError::Server(refusal)),
    }
}

fn refusal(error: &postgres::Error) -> EngineError {
    let said = error.as_db_error();
    let constraint = said.map(|said| {
        let of = |part: Option<&str>| part.unwrap_or_default().to_owned();
        format!("{} {}", of(said.table()), of(said.constraint()))
    });
    EngineError::Server(Refusal {
        state: said.map_or_else(String::new, |said| said.code().code().to_owned()),
        message: said.map_or_else(|| error.to_string(), |said| said.message().to_owned()),
        constraint,
        line: if said.is_some() { Line::Answered } else { line(error) },
    })
}

/// Without an answer of the server the line is broken, was never there, or was not taken up.
fn line(error: &postgres::Error) -> Line {
    let (text, cause) = (error.to_string(), std::error::Error::source(error));
    let io = cause.and_then(|cause| cause.downcast_ref::<std::io::Error>());
    let of_tls = io.and_then(std::io::Error::get_ref).and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let says = |words: &str| cause.is_some_and(|cause| cause.to_string().contains(words));
    match (text.as_str(), of_tls) {
        (_, Some(_)) => Line::Untrusted,
        ("error performing TLS handshake", None) if says("does not support TLS") => Line::Open,
        ("invalid configuration", None) if says("password") => Line::NoPassword,
        ("error connecting to server", None) if says("does not allow writes") => Line::ReadOnly,
        (text, None) if error.is_closed() || io.is_some() || text.starts_with("error connecting") => Line::Gone,
        ("timeout waiting for server", None) => Line::Gone,
        _ => Line::Answered,
    }
}

/// A connection to the server.
pub(in crate::store) struct Session {
    server: Server,
    client: RefCell<Held>,
    prepared: RefCell<HashMap<String, postgres::Statement>>,
    /// A statement of the transaction under way failed: the server keeps nothing of it.
    failed: Cell<bool>,
    /// The session holds something that another one would lack: a temporary table.
    bound: Cell<bool>,
}

/// A client, which says farewell on a thread of its own: it blocks, and a server's threads that drop it must not.
struct Held(Option<Client>);

impl Held {
    fn client(&mut self) -> &mut Client {
        self.0.as_mut().expect("there until it is dropped")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            let _ = std::thread::spawn(move || drop(client)).join();
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("server", &self.server).finish_non_exhaustive()
    }
}

/// A transaction under way; rolled back when dropped.
#[derive(Debug)]
pub(in crate::store) struct Transaction<'a> {
    session: &'a Session,
    open: bool,
    /// An act in a transaction that several share.
    part: bool,
}

/// A statement that the server has parsed.
pub(in crate::store) struct Statement<'a> {
    session: &'a Session,
    statement: postgres::Statement,
}

impl Session {
    /// Connects, and looks whether the server keeps what it is given.
    pub(super) fn open(server: &Server) -> std::result::Result<Self, StoreError> {
        let client = connect(server)?;
        Ok(Self {
            server: server.clone(),
            client: RefCell::new(Held(Some(client))),
            prepared: RefCell::default(),
            failed: Cell::new(false),
            bound: Cell::new(false),
        })
    }

    /// Begins. A line that broke since the last transaction is made anew: nothing was under way on it.
    pub(super) fn begin(&mut self, alone: bool) -> std::result::Result<Transaction<'_>, StoreError> {
        self.begin_anew(alone)?;
        Ok(Transaction { session: self, open: true, part: false })
    }

    fn begin_anew(&mut self, alone: bool) -> std::result::Result<(), StoreError> {
        let begun = self.start(alone);
        let gone = matches!(&begun, Err(EngineError::Server(refusal)) if meaning(refusal.clone()).is_gone());
        if gone && !self.bound.get() {
            *self.client.get_mut() = Held(Some(connect(&self.server)?));
            self.prepared.get_mut().clear();
            self.start(alone)?;
        } else {
            begun?;
        }
        self.failed.set(false);
        Ok(())
    }

    /// Begins what several acts share.
    pub(super) fn begin_shared(&mut self) -> std::result::Result<(), StoreError> {
        self.begin_anew(true)
    }

    /// Begins an act in it; none after one that the server could not undo.
    pub(super) fn begin_part(&mut self) -> Result<Transaction<'_>> {
        if self.failed.get() {
            return Err(EngineError::Failed);
        }
        self.call(|client| client.batch_execute("SAVEPOINT part"))?;
        Ok(Transaction { session: self, open: true, part: true })
    }

    /// Ends what several acts share.
    pub(super) fn end_shared(&mut self, keep: bool) -> Result<()> {
        // The server answers COMMIT of a transaction that failed without an error, and keeps nothing.
        let sound = !self.failed.get();
        self.call(|client| client.batch_execute(if keep && sound { "COMMIT" } else { "ROLLBACK" }))?;
        if keep && !sound { Err(EngineError::Failed) } else { Ok(()) }
    }

    fn start(&mut self, alone: bool) -> Result<()> {
        let client = self.client.get_mut().client();
        let begun = if alone {
            client.batch_execute(&format!(
                "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock(hashtextextended(current_schema(), {WRITER}))"
            ))
        } else {
            client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        };
        begun.map_err(|error| {
            // The lock was not to be had, and the transaction is begun: it ends here.
            let _ = client.batch_execute("ROLLBACK");
            refusal(&error)
        })
    }

    /// One call of the server; after a failure the transaction keeps nothing.
    fn call<T>(&self, work: impl FnOnce(&mut Client) -> std::result::Result<T, postgres::Error>) -> Result<T> {
        work(self.client.borrow_mut().client()).map_err(|error| {
            self.failed.set(true);
            refusal(&error)
        })
    }
}

fn connect(server: &Server) -> std::result::Result<Client, StoreError> {
    let refused = |error: postgres::Error| StoreError::from(refusal(&error));
    let mut client = server.connect().map_err(refused)?;
    client.batch_execute(SETTINGS).map_err(refused)?;
    fit(&mut client)?;
    Ok(client)
}

/// Settings without which the server loses or reorders what it was given.
fn fit(client: &mut Client) -> std::result::Result<(), StoreError> {
    let ask = "SELECT current_setting('fsync'), current_setting('full_page_writes'),
        current_setting('synchronous_commit'), current_setting('server_encoding'), datcollate,
        current_setting('server_version_num')
        FROM pg_database WHERE datname = current_database()";
    let row = client.query_one(ask, &[]).map_err(|error| StoreError::from(refusal(&error)))?;
    let setting = |column: usize| row.try_get::<_, &str>(column).unwrap_or_default();
    let version = setting(5).parse::<u32>().unwrap_or(0) / 10_000;
    if version < VERSION_MIN {
        return Err(StoreError::TooOld { found: version, needed: VERSION_MIN });
    }
    for (column, name) in [(0, "fsync"), (1, "full_page_writes")] {
        if setting(column) != "on" {
            return Err(StoreError::NotDurable { setting: name });
        }
    }
    // The one of the three that is a session's own to mend.
    if setting(2) == "off" {
        client.batch_execute("SET synchronous_commit = on").map_err(|error| StoreError::from(refusal(&error)))?;
    }
    if setting(3) != "UTF8" {
        return Err(StoreError::Unfit { wanted: "ENCODING UTF8" });
    }
    let in_order = ["C", "POSIX", "C.UTF-8", "C.utf8"].contains(&setting(4));
    if in_order { Ok(()) } else { Err(StoreError::Unfit { wanted: "LOCALE C.UTF-8" }) }
}

impl<'a> Transaction<'a> {
    pub(super) fn prepare(&self, sql: &str) -> Result<Statement<'a>> {
        let known = self.session.prepared.borrow().get(sql).cloned();
        let statement = match known {
            Some(statement) => statement,
            None => {
                let made = self.session.call(|client| client.prepare(sql))?;
                let mut prepared = self.session.prepared.borrow_mut();
                if prepared.len() >= STATEMENTS_MAX {
                    prepared.clear();
                }
                prepared.insert(sql.to_owned(), made.clone());
                made
            }
        };
        Ok(Statement { session: self.session, statement })
    }

    pub(super) fn execute_batch(&self, sql: &str) -> Result<()> {
        if sql.contains("CREATE TEMPORARY TABLE") {
            self.session.bound.set(true);
        }
        self.session.call(|client| client.batch_execute(sql))
    }

    /// Rows of a cursor, some hundreds at a time; `take` may ask the database itself meanwhile.
    pub(super) fn each<E: From<EngineError>>(
        &self,
        sql: &str,
        mut take: impl FnMut(&postgres::Row) -> std::result::Result<bool, E>,
    ) -> std::result::Result<(), E> {
        self.session.call(|client| client.batch_execute(&format!("DECLARE centre_rows NO SCROLL CURSOR FOR {sql}")))?;
        'all: loop {
            let rows = self.session.call(|client| client.query(FETCH, &[]))?;
            for row in &rows {
                if !take(row)? {
                    break 'all;
                }
            }
            if rows.is_empty() {
                break;
            }
        }
        Ok(self.session.call(|client| client.batch_execute("CLOSE centre_rows"))?)
    }

    pub(super) fn commit(mut self) -> Result<()> {
        if self.session.failed.get() {
            return Err(EngineError::Failed);
        }
        self.open = false;
        self.session.call(|client| client.batch_execute(if self.part { "RELEASE SAVEPOINT part" } else { "COMMIT" }))
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.open {
            // A line that is broken has rolled it back already.
            let words = if self.part { "ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part" } else { "ROLLBACK" };
            let undone = self.session.call(|client| client.batch_execute(words)).is_ok();
            if self.part && undone {
                self.session.failed.set(false);
            }
        }
    }
}

impl Statement<'_> {
    pub(super) fn execute(&self, values: &[Value<'_>]) -> Result<usize> {
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let rows = self.session.call(|client| client.execute(&self.statement, &values))?;
        Ok(usize::try_from(rows).unwrap_or(usize::MAX))
    }

    pub(super) fn query(&self, values: &[Value<'_>]) -> Result<Vec<postgres::Row>> {
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        self.session.call(|client| client.query(&self.statement, &values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Explain;
    use crate::exit::Exit;

    #[test]
    fn a_server_that_ends_starts_or_stands_by_is_gone_and_what_it_forbids_is_not() {
        let code = |state: &str, gone| {
            let (state, message, constraint) = (state.to_owned(), String::new(), None);
            meaning(Refusal { state, message, constraint, line: if gone { Line::Gone } else { Line::Answered } })
        };
        for state in ["57P01", "57P02", "57P03", "08006", "08003", "08001", "53300", "55000", "25006"] {
            let error = code(state, false);
            assert_eq!(
                (error.code(), error.exit(), error.retryable()),
                ("DATABASE_GONE", Exit::Storage, true),
                "{state}"
            );
        }
        assert_eq!(code("", true).code(), "DATABASE_GONE", "a line that broke without a word");
        let others = [
            ("55P03", "DATABASE_LOCKED"),
            ("40001", "DATABASE_LOCKED"),
            ("40P01", "DATABASE_LOCKED"),
            ("53100", "DISK_FULL"),
            ("3D000", "DATABASE_NOT_FOUND"),
            ("28P01", "DATABASE_ACCESS_REFUSED"),
            ("28000", "DATABASE_ACCESS_REFUSED"),
            ("42501", "DATABASE_ACCESS_REFUSED"),
            ("23505", "ROW_EXISTS"),
            ("XX001", "DATABASE_DAMAGED"),
            ("42601", "DATABASE_FAILED"),
            ("23514", "DATABASE_FAILED"),
        ];
        for (state, expected) in others {
            assert_eq!(code(state, false).code(), expected, "{state}");
        }
    }
}
