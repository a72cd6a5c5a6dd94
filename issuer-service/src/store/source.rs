//! Rows of sources.

use super::engine::{self, OptionalExtension, Row, params};
use super::{StoreError, Tx};
use crate::clock;
use crate::registry::source::{Source, mapping_of_text, mapping_text};

const COLUMNS: &str = "id, name, encoding, mapping, added_by, added_at";

impl Tx<'_> {
    /// Adds a source, or replaces how its files are read; its id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_source(&self, source: &Source, actor: &str) -> Result<u32, StoreError> {
        let known: Option<u32> =
            self.sql.query_row("SELECT id FROM source WHERE name = $1", [&source.name], |row| row.get(0)).optional()?;
        let mapping = mapping_text(&source.mapping);
        let encoding = source.encoding.map_or("", crate::import::encoding::Declared::name);
        if let Some(id) = known {
            self.sql.execute(
                "UPDATE source SET encoding = $1, mapping = $2, added_by = $3, added_at = $4 WHERE id = $5",
                params![encoding, mapping, actor, clock::now(), id],
            )?;
            return Ok(id);
        }
        let id: u32 = self.sql.query_row("SELECT COALESCE(MAX(id), 0) + 1 FROM source", (), |row| row.get(0))?;
        self.sql.execute(
            "INSERT INTO source (id, name, encoding, mapping, added_by, added_at) VALUES ($1, $2, $3, $4, $5, $6)",
            params![id, source.name, encoding, mapping, actor, clock::now()],
        )?;
        Ok(id)
    }

    /// The source of a name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn source(&self, name: &str) -> Result<Option<Source>, StoreError> {
        let mut find = self.sql.prepare(&format!("SELECT {COLUMNS} FROM source WHERE name = $1"))?;
        Ok(find.query_row([name], source).optional()?)
    }

    /// All sources, in order of id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sources(&self) -> Result<Vec<Source>, StoreError> {
        let mut find = self.sql.prepare(&format!("SELECT {COLUMNS} FROM source ORDER BY id"))?;
        Ok(find.query_map((), source)?.collect::<Result<_, _>>()?)
    }
}

fn source(row: &Row<'_>) -> engine::Result<Source> {
    let encoding: String = row.get(2)?;
    let mapping: String = row.get(3)?;
    Ok(Source {
        id: row.get(0)?,
        name: row.get(1)?,
        encoding: crate::import::encoding::Declared::of_name(&encoding),
        mapping: mapping_of_text(&mapping),
        added_by: row.get(4)?,
        added_at: row.get(5)?,
    })
}
