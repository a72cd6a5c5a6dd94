//! Sealing rows anew under the generation of data keys that the database seals under, a few at a time.
//!
//! Source: docs/adr/0033. Owns: which cells are sealed and where they open, what is still under other generations.
//! Never: the file of keys; makes or destroys a key.

use super::engine::{self, Row, params};
use super::exchange::{answer_place, body_place};
use super::login::totp_place;
use super::person::place as dossier_place;
use super::photo::{chip, original};
use super::stock::receipt_place;
use super::{StoreError, Tx};
use crate::person::dossier::Dossier;
use crate::person::field::Field;
use crate::vault::data_keys::{DataKeys, Lookup};

/// Column of every table with sealed cells: the generation that they are sealed under.
const COLUMN: &str = "data_key";

/// A table with sealed cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sealed {
    Dossiers,
    Photos,
    ExchangeFiles,
    ExchangeAnswers,
    Receipts,
    SyncFiles,
    SyncAnswers,
    SecondFactors,
    Participations,
    TicketEntries,
    Custodians,
    IdentityOrders,
    FormerNumbers,
    BankCards,
}

/// The last row that was looked at: its key, of one column or two.
pub(crate) type After = (i64, i64);

/// What became of some rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resealed {
    /// How many were sealed anew.
    pub(crate) rows: u64,
    /// Where those stand that do not open.
    pub(crate) shut: Vec<String>,
    /// The last of them.
    pub(crate) last: After,
}

/// Rows that a generation seals.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Under {
    /// Table.
    pub table: String,
    /// Generation.
    pub generation: u8,
    /// Rows.
    pub rows: u64,
}

struct Found {
    at: After,
    /// What the place of the cell is named by, beside the key of the row.
    word: String,
    generation: u8,
    first: Vec<u8>,
    second: Option<Vec<u8>>,
}

impl Sealed {
    pub(crate) const ALL: [Self; 14] = [
        Self::Dossiers,
        Self::Photos,
        Self::ExchangeFiles,
        Self::ExchangeAnswers,
        Self::Receipts,
        Self::SyncFiles,
        Self::SyncAnswers,
        Self::SecondFactors,
        Self::Participations,
        Self::TicketEntries,
        Self::Custodians,
        Self::IdentityOrders,
        Self::FormerNumbers,
        Self::BankCards,
    ];

    /// Rows of one transaction: a photo is a hundred times as long as a dossier.
    pub(crate) const fn share(self, rows: u32) -> u32 {
        match self {
            Self::Photos | Self::ExchangeFiles | Self::SyncFiles => rows.div_ceil(20),
            Self::Dossiers
            | Self::ExchangeAnswers
            | Self::Receipts
            | Self::SyncAnswers
            | Self::Participations
            | Self::TicketEntries
            | Self::Custodians
            | Self::IdentityOrders
            | Self::FormerNumbers
            | Self::BankCards
            | Self::SecondFactors => rows,
        }
    }

    /// Rows under another generation behind a row: key (two columns), a word, generation, and one or two sealed cells.
    const fn find(self) -> &'static str {
        match self {
            Self::Dossiers => {
                "SELECT id, CAST(0 AS BIGINT), '', data_key, dossier, CAST(NULL AS BYTEA) FROM person
                 WHERE data_key <> $1 AND id > $2 AND CAST($3 AS BIGINT) IS NOT NULL ORDER BY id LIMIT $4"
            }
            Self::Photos => {
                "SELECT person, CAST(0 AS BIGINT), '', data_key, original, chip FROM photo
                 WHERE data_key <> $1 AND person > $2 AND CAST($3 AS BIGINT) IS NOT NULL ORDER BY person LIMIT $4"
            }
            Self::ExchangeFiles => {
                "SELECT number, CAST(0 AS BIGINT), '', data_key, body, CAST(NULL AS BYTEA) FROM exchange_file
                 WHERE data_key <> $1 AND number > $2 AND CAST($3 AS BIGINT) IS NOT NULL ORDER BY number LIMIT $4"
            }
            Self::ExchangeAnswers => {
                "SELECT file, line, CAST(job AS TEXT), data_key, answer, CAST(NULL AS BYTEA) FROM exchange_row
                 WHERE data_key <> $1 AND (file > $2 OR file = $2 AND line > $3) ORDER BY file, line LIMIT $4"
            }
            Self::Receipts => {
                "SELECT number, CAST(0 AS BIGINT), card_number, data_key, agent, CAST(NULL AS BYTEA) FROM stock_receipt
                 WHERE data_key <> $1 AND number > $2 AND CAST($3 AS BIGINT) IS NOT NULL ORDER BY number LIMIT $4"
            }
            Self::SyncFiles => {
                "SELECT number, CAST(0 AS BIGINT), '', data_key, body, CAST(NULL AS BYTEA) FROM sync_file
                 WHERE data_key <> $1 AND number > $2 AND CAST($3 AS BIGINT) IS NOT NULL ORDER BY number LIMIT $4"
            }
            Self::SyncAnswers => {
                "SELECT sequence, CAST(0 AS BIGINT), '', data_key, answer, CAST(NULL AS BYTEA) FROM registry_sync
                 WHERE data_key <> $1 AND sequence > $2 AND CAST($3 AS BIGINT) IS NOT NULL ORDER BY sequence LIMIT $4"
            }
            Self::SecondFactors => {
                "SELECT number, CAST(0 AS BIGINT), operator, data_key, secret, CAST(NULL AS BYTEA) FROM operator_totp
                 WHERE data_key <> $1 AND number > $2 AND CAST($3 AS BIGINT) IS NOT NULL ORDER BY number LIMIT $4"
            }
            Self::Participations => {
                "SELECT number, CAST(0 AS BIGINT), '', data_key, content, CAST(NULL AS BYTEA) FROM participation_certificate
                 WHERE data_key <> $1 AND number > $2 AND CAST($3 AS BIGINT) IS NOT NULL ORDER BY number LIMIT $4"
            }
            Self::Custodians => {
                "SELECT number, CAST(0 AS BIGINT), '', data_key, name, CAST(NULL AS BYTEA) FROM psam_custodian
                 WHERE data_key <> $1 AND number > $2 AND CAST($3 AS BIGINT) IS NOT NULL ORDER BY number LIMIT $4"
            }
            Self::IdentityOrders => {
                "SELECT number, CAST(0 AS BIGINT), '', data_key, identity, CAST(NULL AS BYTEA) FROM identity_order
                 WHERE data_key <> $1 AND number > $2 AND CAST($3 AS BIGINT) IS NOT NULL ORDER BY number LIMIT $4"
            }
            Self::FormerNumbers => {
                "SELECT number, CAST(0 AS BIGINT), '', data_key, former, CAST(NULL AS BYTEA) FROM person_former
                 WHERE data_key <> $1 AND number > $2 AND CAST($3 AS BIGINT) IS NOT NULL ORDER BY number LIMIT $4"
            }
            Self::BankCards => {
                "SELECT job, CAST(0 AS BIGINT), '', data_key, bank_number, CAST(NULL AS BYTEA) FROM bank_card
                 WHERE data_key <> $1 AND job > $2 AND CAST($3 AS BIGINT) IS NOT NULL ORDER BY job LIMIT $4"
            }
            Self::TicketEntries => {
                "SELECT ticket, line, '', data_key, text, CAST(NULL AS BYTEA) FROM ticket_entry
                 WHERE data_key <> $1 AND (ticket > $2 OR ticket = $2 AND line > $3) ORDER BY ticket, line LIMIT $4"
            }
        }
    }

    /// Where the first cell of a row opens.
    fn place(self, row: &Found) -> String {
        let number = row.at.0;
        match self {
            Self::Dossiers => dossier_place(number),
            Self::Photos => original(number),
            Self::ExchangeFiles => body_place(number),
            Self::ExchangeAnswers => answer_place(number, &row.word),
            Self::Receipts => receipt_place(&row.word),
            Self::SyncFiles => super::sync::body_place(number),
            Self::SyncAnswers => super::sync::answer_place(number),
            Self::SecondFactors => totp_place(&row.word),
            Self::Participations => super::participation::content_place(number),
            Self::Custodians => super::psam::custodian_place(number),
            Self::IdentityOrders => super::identity::order_place(number),
            Self::FormerNumbers => super::identity::former_place(number),
            Self::BankCards => super::bank_card::bank_card_place(number),
            Self::TicketEntries => super::ticket::entry_place(number, row.at.1),
        }
    }
}

impl Tx<'_> {
    /// From now on every process seals under the newest generation of `keys`.
    pub(crate) fn seal_under_newest(&self, keys: &DataKeys) -> Result<(), StoreError> {
        self.seal_under(keys, keys.newest())
    }

    /// What is sealed under which generation: every table with such a column, known here or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sealed_under(&self) -> Result<Vec<Under>, StoreError> {
        let mut all = Vec::new();
        for table in self.tables()?.into_iter().filter(|table| table.columns.iter().any(|column| column == COLUMN)) {
            let sql = format!(
                "SELECT {COLUMN}, COUNT(*) FROM {} WHERE {COLUMN} IS NOT NULL GROUP BY {COLUMN} ORDER BY {COLUMN}",
                table.name
            );
            let rows = self.sql.prepare(&sql)?.query_map((), |row| Ok((row.get(0)?, super::cell::u64(row, 1)?)))?;
            for row in rows {
                let (generation, rows) = row?;
                all.push(Under { table: table.name.clone(), generation, rows });
            }
        }
        Ok(all)
    }

    /// Rows that are sealed under another generation than the one that seals.
    pub(crate) fn rows_to_reseal(&self) -> Result<u64, StoreError> {
        let seals = self.data()?.seals;
        Ok(self.sealed_under()?.iter().filter(|under| under.generation != seals).map(|under| under.rows).sum())
    }

    /// Seals up to `limit` rows behind `after` anew; `None` when there is none.
    pub(crate) fn reseal(&self, sealed: Sealed, after: After, limit: u32) -> Result<Option<Resealed>, StoreError> {
        let seals = self.data()?.seals;
        let rows: Vec<Found> = self
            .sql
            .prepare(sealed.find())?
            .query_map((seals, after.0, after.1, limit), found)?
            .collect::<Result<_, _>>()?;
        let mut done = Resealed::default();
        for row in &rows {
            match self.reseal_row(sealed, row) {
                Ok(()) => done.rows += 1,
                Err(StoreError::RowSealed { place }) => done.shut.push(place),
                Err(error) => return Err(error),
            }
            done.last = row.at;
        }
        Ok(if rows.is_empty() { None } else { Some(done) })
    }

    fn reseal_row(&self, sealed: Sealed, row: &Found) -> Result<(), StoreError> {
        let (number, place) = (row.at.0, sealed.place(row));
        let plain = self.open(row.generation, &place, &row.first)?;
        let (key, first) = self.seal(&place, &plain)?;
        let rows = match sealed {
            Sealed::Dossiers => {
                let dossier = Dossier::from_bytes(&plain).ok_or(StoreError::RowSealed { place })?;
                let hashes = (
                    self.lookup(Lookup::Number, dossier.number())?,
                    self.lookup(Lookup::Name, dossier.value(Field::Name))?,
                );
                let sql =
                    "UPDATE person SET data_key = $1, dossier = $2, number_hash = $3, name_hash = $4 WHERE id = $5";
                self.sql.prepare(sql)?.execute(params![key, first, hashes.0, hashes.1, number])?
            }
            Sealed::Photos => {
                let place = chip(number);
                let second = self.open(row.generation, &place, row.second.as_deref().unwrap_or_default())?;
                let (_, second) = self.seal(&place, &second)?;
                let sql = "UPDATE photo SET data_key = $1, original = $2, chip = $3 WHERE person = $4";
                self.sql.prepare(sql)?.execute((key, first, second, number))?
            }
            Sealed::ExchangeFiles => {
                let sql = "UPDATE exchange_file SET data_key = $1, body = $2 WHERE number = $3";
                self.sql.prepare(sql)?.execute((key, first, number))?
            }
            Sealed::ExchangeAnswers => {
                let sql = "UPDATE exchange_row SET data_key = $1, answer = $2 WHERE file = $3 AND line = $4";
                self.sql.prepare(sql)?.execute((key, first, number, row.at.1))?
            }
            Sealed::Receipts => {
                let sql = "UPDATE stock_receipt SET data_key = $1, agent = $2 WHERE number = $3";
                self.sql.prepare(sql)?.execute((key, first, number))?
            }
            Sealed::SyncFiles => {
                let sql = "UPDATE sync_file SET data_key = $1, body = $2 WHERE number = $3";
                self.sql.prepare(sql)?.execute((key, first, number))?
            }
            Sealed::SyncAnswers => {
                let sql = "UPDATE registry_sync SET data_key = $1, answer = $2 WHERE sequence = $3";
                self.sql.prepare(sql)?.execute((key, first, number))?
            }
            Sealed::SecondFactors => {
                let sql = "UPDATE operator_totp SET data_key = $1, secret = $2 WHERE number = $3";
                self.sql.prepare(sql)?.execute((key, first, number))?
            }
            Sealed::Participations => {
                let sql = "UPDATE participation_certificate SET data_key = $1, content = $2 WHERE number = $3";
                self.sql.prepare(sql)?.execute((key, first, number))?
            }
            Sealed::Custodians => {
                let sql = "UPDATE psam_custodian SET data_key = $1, name = $2 WHERE number = $3";
                self.sql.prepare(sql)?.execute((key, first, number))?
            }
            Sealed::IdentityOrders => {
                let sql = "UPDATE identity_order SET data_key = $1, identity = $2 WHERE number = $3";
                self.sql.prepare(sql)?.execute((key, first, number))?
            }
            Sealed::FormerNumbers => {
                let former = std::str::from_utf8(&plain).map_err(|_| StoreError::RowSealed { place })?;
                let hash = self.lookup(Lookup::Number, former)?;
                let sql = "UPDATE person_former SET data_key = $1, former = $2, number_hash = $3 WHERE number = $4";
                self.sql.prepare(sql)?.execute(params![key, first, hash, number])?
            }
            Sealed::BankCards => {
                let bank = std::str::from_utf8(&plain).map_err(|_| StoreError::RowSealed { place })?;
                let hash = self.lookup(Lookup::BankCard, bank)?;
                let sql = "UPDATE bank_card SET data_key = $1, bank_number = $2, number_hash = $3 WHERE job = $4";
                self.sql.prepare(sql)?.execute(params![key, first, hash, number])?
            }
            Sealed::TicketEntries => {
                let sql = "UPDATE ticket_entry SET data_key = $1, text = $2 WHERE ticket = $3 AND line = $4";
                self.sql.prepare(sql)?.execute((key, first, number, row.at.1))?
            }
        };
        Self::moved(rows, || sealed.place(row), "sealed")
    }
}

fn found(row: &Row<'_>) -> engine::Result<Found> {
    Ok(Found {
        at: (row.get(0)?, row.get(1)?),
        word: row.get(2)?,
        generation: row.get(3)?,
        first: row.get(4)?,
        second: row.get(5)?,
    })
}
