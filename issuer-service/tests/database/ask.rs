//! Another client of a centre's database: what stands there, whatever the program says.

use std::path::Path;

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::types::ValueRef;

/// Runs statements on the database of the centre in `folder`; the rows of the last one that has rows, as texts.
pub(crate) fn ask(folder: &Path, sql: &str) -> Result<Vec<Vec<String>>, String> {
    let config = std::fs::read_to_string(folder.join("centre.toml")).unwrap_or_default();
    match config.lines().find_map(|line| line.strip_prefix("url = \"")?.strip_suffix('"')) {
        Some(url) => of_server(url, sql),
        None => of_file(&folder.join("centre.db"), sql),
    }
}

fn of_file(path: &Path, sql: &str) -> Result<Vec<Vec<String>>, String> {
    let run = || -> rusqlite::Result<Vec<Vec<String>>> {
        let connection = rusqlite::Connection::open(path)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        let mut statements = rusqlite::Batch::new(&connection, sql);
        let mut last = Vec::new();
        while let Some(mut statement) = statements.next()? {
            let columns = statement.column_count();
            let text = |row: &rusqlite::Row<'_>, column| {
                Ok(match row.get_ref(column)? {
                    ValueRef::Null => String::new(),
                    ValueRef::Integer(number) => number.to_string(),
                    ValueRef::Real(number) => number.to_string(),
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                })
            };
            let rows = statement.query_map((), |row| (0..columns).map(|column| text(row, column)).collect())?;
            let rows = rows.collect::<rusqlite::Result<Vec<Vec<String>>>>()?;
            if columns > 0 {
                last = rows;
            }
        }
        Ok(last)
    };
    run().map_err(|error| error.to_string())
}

fn of_server(url: &str, sql: &str) -> Result<Vec<Vec<String>>, String> {
    let sql = sql.replace("X'", "'\\x").replace("PRAGMA foreign_keys = OFF", "SET session_replication_role = replica");
    let run = || -> Result<Vec<Vec<String>>, postgres::Error> {
        let mut client = postgres::Client::connect(url, postgres::NoTls)?;
        let (mut last, mut fresh) = (Vec::new(), true);
        for message in client.simple_query(&sql)? {
            match message {
                postgres::SimpleQueryMessage::RowDescription(_) => (last, fresh) = (Vec::new(), false),
                postgres::SimpleQueryMessage::Row(row) => {
                    if fresh {
                        (last, fresh) = (Vec::new(), false);
                    }
                    last.push((0..row.len()).map(|column| row.get(column).unwrap_or_default().to_owned()).collect());
                }
                _ => fresh = true,
            }
        }
        Ok(last)
    };
    run().map_err(|error| error.to_string())
}
