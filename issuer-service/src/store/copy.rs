//! All rows of a centre, out of one snapshot and into an empty database, whichever the two are.
//!
//! Owns: cells as bytes, groups of rows, the schema that rows belong to, rules that hold again behind the last row.
//! Never: opens a sealed cell; knows what a table means.

use std::path::Path;

use postcard::{from_bytes, to_allocvec};
use serde::{Deserialize, Serialize};

use super::engine::{Given, Place, Value};
use super::{MIGRATIONS, Store, StoreError, Tx};

/// Bytes of cells in one group, after which it is handed over.
const GROUP_BYTES: usize = 1 << 18;

/// A table: its name and its columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Name.
    pub name: String,
    /// Names of its columns, in the order of the cells of a row.
    pub columns: Vec<String>,
}

#[derive(Serialize, Deserialize)]
enum Cell {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Cell {
    fn of(value: Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Integer(number) => Self::Integer(number),
            Value::Text(text) => Self::Text(text.to_owned()),
            Value::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
        }
    }

    const fn bytes(&self) -> usize {
        match self {
            Self::Null => 1,
            Self::Integer(_) => 8,
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

impl Given for Cell {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Integer(number) => Value::Integer(*number),
            Self::Text(text) => Value::Text(text),
            Self::Bytes(bytes) => Value::Bytes(bytes),
        }
    }
}

impl Tx<'_> {
    /// Numbers of the schemas that the database has.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn schemas(&self) -> Result<Vec<i64>, StoreError> {
        self.applied()
    }

    /// The tables, in order of name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn tables(&self) -> Result<Vec<Table>, StoreError> {
        let named = |name: String| Ok(Table { columns: self.sql.columns(&name)?, name });
        self.sql.tables()?.into_iter().map(named).collect()
    }

    /// Hands the rows of a table over in groups: how many, and their bytes.
    ///
    /// # Errors
    /// [`StoreError`], or what `take` gives.
    pub fn rows_out<E: From<StoreError>>(
        &self,
        table: &Table,
        mut take: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut group, mut bytes, mut given) = (Vec::new(), 0, Ok(()));
        let sql = format!("SELECT {} FROM {}", quoted(&table.columns), quoted(std::slice::from_ref(&table.name)));
        self.sql.each(&sql, |row| -> Result<bool, StoreError> {
            let cells = (0..table.columns.len()).map(|column| row.value(column).map(Cell::of));
            let cells = cells.collect::<Result<Vec<Cell>, _>>()?;
            bytes += cells.iter().map(Cell::bytes).sum::<usize>();
            group.push(cells);
            if bytes >= GROUP_BYTES {
                given = hand_over(&mut group, &mut take);
                bytes = 0;
            }
            Ok(given.is_ok())
        })?;
        given.and_then(|()| hand_over(&mut group, &mut take))
    }

    /// Takes a group of rows in; how many.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the bytes are no group of this table.
    pub fn rows_in(&self, table: &Table, bytes: &[u8]) -> Result<u64, StoreError> {
        let rows: Vec<Vec<Cell>> = from_bytes(bytes).map_err(|_| StoreError::Damaged)?;
        let places: Vec<String> = (1..=table.columns.len()).map(|place| format!("${place}")).collect();
        let (name, columns) = (quoted(std::slice::from_ref(&table.name)), quoted(&table.columns));
        let mut insert = self.sql.prepare(&format!("INSERT INTO {name} ({columns}) VALUES ({})", places.join(", ")))?;
        for cells in &rows {
            if cells.len() != table.columns.len() {
                return Err(StoreError::Damaged);
            }
            let cells: Vec<&dyn Given> = cells.iter().map(|cell| cell as &dyn Given).collect();
            insert.execute(&cells[..])?;
        }
        Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX))
    }
}

/// The database that a backup came from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// Numbers of its schemas.
    pub schemas: &'a [i64],
    /// Its tables.
    pub tables: &'a [Table],
}

impl Store {
    /// A database that was filled, and what it says of a fact. It is asked as a writer: whoever was killed over it is gone by then, whether
    /// what they kept is there or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn filled(place: &Place, folder: &Path, fact: &str) -> Result<Option<(Self, String)>, StoreError> {
        let mut store = Self::connect_with(place, folder, true, &[])?;
        let found = store.journal(|tx| if tx.sql.table_exists("centre")? { tx.fact(fact) } else { Ok(None) })?;
        Ok(found.map(|found| (store, found)))
    }

    /// Makes an empty database with exactly the schemas of `origin`, fills it by `load`, brings it to this program's schema and lets `check` say
    /// whether that is a centre, all in one transaction. Before and behind it is an empty database, or the whole centre.
    ///
    /// # Errors
    /// [`StoreError::Inhabited`]; [`StoreError::SchemaNewer`]; [`StoreError::Damaged`] when a table is not of these schemas or a
    /// reference has no row; or what `load` and `check` give.
    pub fn refill<T, E: From<StoreError>>(
        place: &Place,
        folder: &Path,
        origin: Origin<'_>,
        load: impl FnOnce(&Tx<'_>) -> Result<(), E>,
        check: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let known = |number: &i64| MIGRATIONS.iter().any(|(known, _)| known == number);
        if let Some(found) = origin.schemas.iter().copied().find(|number| !known(number)) {
            let known = MIGRATIONS.iter().map(|(number, _)| *number).max().unwrap_or(0);
            return Err(StoreError::SchemaNewer { found, known }.into());
        }
        let mut store = Self::connect_with(place, folder, true, &[])?;
        // For the whole of the transaction: in the middle of one it cannot be said.
        store.connection.check_references(false).map_err(StoreError::from)?;
        let checked = store.together_or_none(|store| {
            store.migrate_to(origin.schemas)?;
            if store.read(|tx| tx.fact("public_key"))?.is_some() {
                return Err(StoreError::Inhabited.into());
            }
            store.journal(|tx| fill(tx, origin.tables, load))?;
            store.migrate()?;
            check(store)
        });
        store.connection.check_references(true).map_err(StoreError::from)?;
        checked
    }
}

fn fill<E: From<StoreError>>(
    tx: &Tx<'_>,
    tables: &[Table],
    load: impl FnOnce(&Tx<'_>) -> Result<(), E>,
) -> Result<(), E> {
    if tx.tables()? != tables {
        return Err(StoreError::Damaged.into());
    }
    let rules = tx.sql.put_rules_aside().map_err(StoreError::from)?;
    for table in tables {
        // What the schemas themselves brought with them comes back as it was.
        let sql = format!("DELETE FROM {}", quoted(std::slice::from_ref(&table.name)));
        tx.sql.execute_batch(&sql).map_err(StoreError::from)?;
    }
    load(tx)?;
    tx.sql.put_rules_back(rules).map_err(StoreError::from)?;
    let hold = tx.sql.references_hold().map_err(StoreError::from)?;
    if hold { Ok(()) } else { Err(StoreError::Damaged.into()) }
}

fn hand_over<E>(group: &mut Vec<Vec<Cell>>, take: &mut impl FnMut(u64, &[u8]) -> Result<(), E>) -> Result<(), E> {
    if group.is_empty() {
        return Ok(());
    }
    let rows = u64::try_from(group.len()).unwrap_or(u64::MAX);
    let bytes = to_allocvec(&*group).expect("cells are numbers, texts and bytes");
    group.clear();
    take(rows, &bytes)
}

fn quoted(names: &[String]) -> String {
    let each: Vec<String> = names.iter().map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect();
    each.join(", ")
}
