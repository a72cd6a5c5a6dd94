//! What tables a database has, whichever it is, and its rules put aside while rows of a whole centre are brought back.
//!
//! Source: SQLite "The Schema Table"; PostgreSQL "System Catalogs".
//! Owns: names of tables and columns, taking triggers and references away and putting them back, all in one transaction.
//! Never: knows a table of the centre.

use super::{Result, Transaction};

/// Tables of the centre, in order of name.
const TABLES_OF_FILE: &str =
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
const TABLES_OF_SERVER: &str =
    "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename::text COLLATE \"C\"";
const COLUMNS_OF_FILE: &str = "SELECT name FROM pragma_table_info($1) ORDER BY cid";
/// By the table's own number: the views of the standard read the catalogue of every schema there is.
const COLUMNS_OF_SERVER: &str = "SELECT attname::text FROM pg_attribute
    WHERE attrelid = to_regclass(quote_ident(current_schema()) || '.' || quote_ident($1::text))
        AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
const TRIGGERS_OF_FILE: &str = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name";
const REFERENCES_OF_SERVER: &str =
    "SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype = 'f' AND connamespace = current_schema()::regnamespace ORDER BY conname";

/// Rules that were taken away: what puts them back.
#[must_use]
#[derive(Debug)]
pub(in crate::store) struct Rules(Vec<String>);

impl Transaction<'_> {
    /// Names of the tables.
    pub(in crate::store) fn tables(&self) -> Result<Vec<String>> {
        let sql = match self {
            Self::File(_) => TABLES_OF_FILE,
            Self::Server(_) => TABLES_OF_SERVER,
        };
        self.prepare(sql)?.query_map((), |row| row.get(0))?.collect()
    }

    /// Names of a table's columns.
    pub(in crate::store) fn columns(&self, table: &str) -> Result<Vec<String>> {
        let sql = match self {
            Self::File(_) => COLUMNS_OF_FILE,
            Self::Server(_) => COLUMNS_OF_SERVER,
        };
        self.prepare(sql)?.query_map([table], |row| row.get(0))?.collect()
    }

    /// Takes triggers away, and a server's references; a file's are off for the connection.
    pub(in crate::store) fn put_rules_aside(&self) -> Result<Rules> {
        let mut back = Vec::new();
        match self {
            Self::File(_) => {
                let rows = self.prepare(TRIGGERS_OF_FILE)?.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
                for row in rows.collect::<Result<Vec<(String, String)>>>()? {
                    self.execute_batch(&format!("DROP TRIGGER \"{}\"", row.0))?;
                    back.push(row.1);
                }
            }
            Self::Server(_) => {
                for table in self.tables()? {
                    self.execute_batch(&format!("ALTER TABLE \"{table}\" DISABLE TRIGGER USER"))?;
                    back.push(format!("ALTER TABLE \"{table}\" ENABLE TRIGGER USER"));
                }
                let rows = self
                    .prepare(REFERENCES_OF_SERVER)?
                    .query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
                for (table, name, rule) in rows.collect::<Result<Vec<(String, String, String)>>>()? {
                    self.execute_batch(&format!("ALTER TABLE {table} DROP CONSTRAINT \"{name}\""))?;
                    back.push(format!("ALTER TABLE {table} ADD CONSTRAINT \"{name}\" {rule}"));
                }
            }
        }
        Ok(Rules(back))
    }

    /// Puts the rules back; a server checks every row against its references.
    pub(in crate::store) fn put_rules_back(&self, rules: Rules) -> Result<()> {
        match self {
            Self::File(tx) => {
                rules.0.iter().try_for_each(|sql| tx.execute_batch(sql).map_err(super::EngineError::File))
            }
            Self::Server(tx) => rules.0.iter().try_for_each(|sql| tx.execute_batch(sql)),
        }
    }
}
