//! The database, whichever it is: a SQLite file or a PostgreSQL server.
//!
//! Owns: where it is, a connection, a transaction, a statement, a row, and what the engine says when it fails.
//! Never: knows a table of the centre.
//!
//! A statement is written once for both: see the head of `store.rs`. A transaction that writes is alone: SQLite locks
//! the file (BEGIN IMMEDIATE), PostgreSQL an advisory lock that every writer takes first (docs/adr/0024).

mod address;
mod catalog;
mod dialect;
mod file;
mod server;
mod value;

use std::path::PathBuf;

use super::StoreError;

pub(super) use self::value::{Given, Params, Taken, Value};

pub use self::address::{AddressError, Server};

/// Where a database is.
#[derive(Clone, Debug)]
pub enum Place {
    /// A SQLite file.
    File(PathBuf),
    /// A database of a PostgreSQL server.
    Server(Box<Server>),
}

/// One connection.
#[derive(Debug)]
pub(super) enum Connection {
    File(rusqlite::Connection),
    Server(Box<server::Session>),
}

/// A transaction under way; rolled back when dropped.
#[derive(Debug)]
pub(super) enum Transaction<'a> {
    File(file::Transaction<'a>),
    Server(server::Transaction<'a>),
}

/// A statement made ready; kept by the connection for the next time.
pub(super) enum Statement<'a> {
    File(rusqlite::CachedStatement<'a>),
    Server(server::Statement<'a>),
}

/// One row of an answer.
#[derive(Clone, Copy)]
pub(super) enum Row<'a> {
    File(&'a rusqlite::Row<'a>),
    Server(&'a postgres::Row),
}

/// What a statement gives, or why not.
pub(super) type Result<T> = std::result::Result<T, EngineError>;

/// Rows of an answer, each already read.
pub(super) type Rows<T> = std::vec::IntoIter<Result<T>>;

/// What the engine reports. Texts of a server are its message only: its details repeat values of the row.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The answer has no row.
    #[error("no such row")]
    NoRow,
    /// A cell holds what was not expected.
    #[error("column {column} cannot be read")]
    Column {
        /// Its place in the row.
        column: usize,
        /// Why.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// A number that the database cannot hold.
    #[error("{number} is too large for the database")]
    TooLarge {
        /// The number.
        number: u64,
    },
    /// SQLite.
    #[error(transparent)]
    File(rusqlite::Error),
    /// PostgreSQL.
    #[error(transparent)]
    Server(server::Refusal),
    /// A statement failed before and the caller went on: nothing can be kept.
    #[error("a statement of the transaction failed before")]
    Failed,
}

impl EngineError {
    /// What it means to the centre.
    pub(super) fn meaning(self) -> StoreError {
        match self {
            Self::File(error) => file::meaning(error),
            Self::Server(refusal) => server::meaning(refusal),
            error => StoreError::Engine(error),
        }
    }

    /// What it is, for a log that repeats no value: SQLite's message names tables and columns, a server's may repeat what was sent, so of
    /// that its SQLSTATE alone.
    #[must_use]
    pub fn mark(&self) -> String {
        match self {
            Self::File(rusqlite::Error::SqliteFailure(failure, message)) => {
                format!("sqlite {} {}", failure.extended_code, message.as_deref().unwrap_or_default())
            }
            Self::File(_) => "sqlite: the program's own mistake".to_owned(),
            Self::Server(refusal) => format!("sqlstate {}", refusal.state()),
            Self::Column { column, .. } => format!("column {column} cannot be read"),
            Self::NoRow | Self::TooLarge { .. } | Self::Failed => self.to_string(),
        }
    }
}

/// Values of different types, for a statement with more of them than a tuple takes.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$(&$value as &dyn $crate::store::engine::Given),*][..]
    };
}
pub(super) use params;

/// An answer that may have no row.
pub(super) trait OptionalExtension<T> {
    /// `None` for an answer without a row.
    fn optional(self) -> Result<Option<T>>;
}

impl<T> OptionalExtension<T> for Result<T> {
    fn optional(self) -> Result<Option<T>> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(EngineError::NoRow) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Connection {
    /// Connects. A file is made when `new` says so; a server's database is made by its keeper.
    pub(super) fn open(place: &Place, new: bool) -> std::result::Result<Self, StoreError> {
        Ok(match place {
            Place::File(path) => Self::File(file::open(path, new)?),
            Place::Server(server) => Self::Server(Box::new(server::Session::open(server)?)),
        })
    }

    /// Connects to look: a file is not written, nor is anything made beside it.
    pub(super) fn open_to_look(place: &Place) -> std::result::Result<Self, StoreError> {
        Ok(match place {
            Place::File(path) => Self::File(file::open_to_look(path)?),
            Place::Server(server) => Self::Server(Box::new(server::Session::open(server)?)),
        })
    }

    /// Begins a transaction that writes: from here to its end it is alone.
    pub(super) fn begin_alone(&mut self) -> std::result::Result<Transaction<'_>, StoreError> {
        Ok(match self {
            Self::File(connection) => Transaction::File(file::begin(connection, true)?),
            Self::Server(session) => Transaction::Server(session.begin(true)?),
        })
    }

    /// Begins a transaction that reads one snapshot.
    pub(super) fn begin_reading(&mut self) -> std::result::Result<Transaction<'_>, StoreError> {
        Ok(match self {
            Self::File(connection) => Transaction::File(file::begin(connection, false)?),
            Self::Server(session) => Transaction::Server(session.begin(false)?),
        })
    }

    /// Begins a transaction that several acts share, each a part of it: from here to its end they are alone.
    pub(super) fn begin_shared(&mut self) -> std::result::Result<(), StoreError> {
        match self {
            Self::File(connection) => Ok(file::begin_shared(connection)?),
            Self::Server(session) => session.begin_shared(),
        }
    }

    /// Begins an act in the shared transaction: it is kept, or not, without the others.
    pub(super) fn begin_part(&mut self) -> std::result::Result<Transaction<'_>, StoreError> {
        Ok(match self {
            Self::File(connection) => Transaction::File(file::begin_part(connection)?),
            Self::Server(session) => Transaction::Server(session.begin_part()?),
        })
    }

    /// Keeps the shared transaction, durably when it returns, or nothing of it.
    pub(super) fn end_shared(&mut self, keep: bool) -> Result<()> {
        match self {
            Self::File(connection) => file::end_shared(connection, keep),
            Self::Server(session) => session.end_shared(keep),
        }
    }

    /// SQLite: references are not checked while tables are rebuilt; see [`Transaction::references_hold`].
    pub(super) fn check_references(&self, on: bool) -> Result<()> {
        match self {
            Self::File(connection) => connection.pragma_update(None, "foreign_keys", on).map_err(EngineError::File),
            Self::Server(_) => Ok(()),
        }
    }

    /// Makes the connection ready for very many rows: more memory, fewer writes of the same page. As durable as before.
    pub(super) fn widen(&self) -> Result<()> {
        match self {
            Self::File(connection) => file::widen(connection).map_err(EngineError::File),
            Self::Server(_) => Ok(()),
        }
    }

    /// Takes the log into the file, so that nothing of earlier rows is left in it; `false` when another connection keeps it from that.
    pub(super) fn empty_log(&mut self) -> Result<bool> {
        match self {
            Self::File(connection) => file::empty_log(connection).map_err(EngineError::File),
            Self::Server(_) => Ok(true),
        }
    }

    /// Removes what deleted rows have left in the file; `false` when another connection keeps it from that.
    pub(super) fn scrub(&mut self) -> Result<bool> {
        match self {
            Self::File(connection) => file::scrub(connection).map_err(EngineError::File),
            // The server reuses the space; its own files are its keeper's care.
            Self::Server(_) => Ok(true),
        }
    }
}

impl Transaction<'_> {
    /// Runs a statement; how many rows it changed.
    pub(super) fn execute(&self, sql: &str, params: impl Params) -> Result<usize> {
        self.prepare(sql)?.execute(params)
    }

    /// Runs statements without values, separated by `;`.
    pub(super) fn execute_batch(&self, sql: &str) -> Result<()> {
        match self {
            Self::File(tx) => tx.execute_batch(sql).map_err(EngineError::File),
            Self::Server(tx) => tx.execute_batch(&dialect::of_server(sql)),
        }
    }

    /// Whether a table is there.
    pub(super) fn table_exists(&self, name: &str) -> Result<bool> {
        match self {
            Self::File(tx) => tx.table_exists(None, name).map_err(EngineError::File),
            Self::Server(_) => self.query_row("SELECT to_regclass($1) IS NOT NULL", [name], |row| row.get(0)),
        }
    }

    /// The first row of an answer.
    pub(super) fn query_row<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        self.prepare(sql)?.query_row(params, read)
    }

    /// Makes a statement ready, or takes the one that is.
    pub(super) fn prepare(&self, sql: &str) -> Result<Statement<'_>> {
        Ok(match self {
            Self::File(tx) => Statement::File(tx.prepare_cached(sql).map_err(EngineError::File)?),
            Self::Server(tx) => Statement::Server(tx.prepare(sql)?),
        })
    }

    /// Hands rows to `take`, one at a time, until it answers `false`. Memory does not grow with their number.
    pub(super) fn each<E: From<EngineError>>(
        &self,
        sql: &str,
        mut take: impl FnMut(&Row<'_>) -> std::result::Result<bool, E>,
    ) -> std::result::Result<(), E> {
        match self {
            Self::File(tx) => {
                let mut statement = tx.prepare_cached(sql).map_err(EngineError::File)?;
                let mut rows = statement.query(()).map_err(EngineError::File)?;
                while let Some(row) = rows.next().map_err(EngineError::File)? {
                    if !take(&Row::File(row))? {
                        break;
                    }
                }
                Ok(())
            }
            Self::Server(tx) => tx.each(sql, |row| take(&Row::Server(row))),
        }
    }

    /// What is wrong with the pages of the file; a server looks after its own.
    pub(super) fn complaint(&self) -> Result<Option<String>> {
        let Self::File(tx) = self else { return Ok(None) };
        let said: String = tx.query_row("PRAGMA quick_check(1)", (), |row| row.get(0)).map_err(EngineError::File)?;
        Ok(Some(said).filter(|said| said != "ok"))
    }

    /// Whether every reference has its row; a server has checked each statement.
    pub(super) fn references_hold(&self) -> Result<bool> {
        match self {
            Self::File(tx) => {
                let mut broken = tx.prepare("PRAGMA foreign_key_check").map_err(EngineError::File)?;
                Ok(!broken.exists(()).map_err(EngineError::File)?)
            }
            Self::Server(_) => Ok(true),
        }
    }

    /// Keeps everything; durable when it returns.
    pub(super) fn commit(self) -> Result<()> {
        match self {
            Self::File(tx) => tx.commit(),
            Self::Server(tx) => tx.commit(),
        }
    }
}

impl Statement<'_> {
    /// Runs it; how many rows it changed.
    pub(super) fn execute(&mut self, params: impl Params) -> Result<usize> {
        match self {
            Self::File(statement) => {
                statement.execute(rusqlite::params_from_iter(params.values())).map_err(EngineError::File)
            }
            Self::Server(statement) => statement.execute(&params.values()),
        }
    }

    /// The first row of its answer.
    pub(super) fn query_row<T>(&mut self, params: impl Params, read: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<T> {
        match self {
            Self::File(statement) => {
                let values = rusqlite::params_from_iter(params.values());
                let mut rows = statement.query(values).map_err(EngineError::File)?;
                let row = rows.next().map_err(EngineError::File)?.ok_or(EngineError::NoRow)?;
                read(&Row::File(row))
            }
            Self::Server(statement) => {
                let rows = statement.query(&params.values())?;
                read(&Row::Server(rows.first().ok_or(EngineError::NoRow)?))
            }
        }
    }

    /// The rows of its answer, each read by `read`. For answers without a bound see [`Transaction::each`].
    pub(super) fn query_map<T>(
        &mut self,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Rows<T>> {
        let read: Vec<Result<T>> = match self {
            Self::File(statement) => {
                let values = rusqlite::params_from_iter(params.values());
                let mut rows = statement.query(values).map_err(EngineError::File)?;
                let mut all = Vec::new();
                while let Some(row) = rows.next().map_err(EngineError::File)? {
                    all.push(read(&Row::File(row)));
                }
                all
            }
            Self::Server(statement) => {
                statement.query(&params.values())?.iter().map(|row| read(&Row::Server(row))).collect()
            }
        };
        Ok(read.into_iter())
    }

    /// Whether its answer has a row.
    pub(super) fn exists(&mut self, params: impl Params) -> Result<bool> {
        Ok(self.query_row(params, |_| Ok(())).optional()?.is_some())
    }
}

impl<'a> Row<'a> {
    /// A cell, 0-based.
    pub(super) fn get<T: Taken>(&self, column: usize) -> Result<T> {
        T::take(self.value(column)?).ok_or(EngineError::Column { column, source: None })
    }

    /// A cell as it is, 0-based.
    pub(super) fn value(&self, column: usize) -> Result<Value<'a>> {
        match self {
            Self::File(row) => file::value(row, column),
            Self::Server(row) => row.try_get(column).map_err(|_| EngineError::Column { column, source: None }),
        }
    }
}
