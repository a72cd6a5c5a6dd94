//! Rows of contributions and account years, and of the files that brought them.

use std::collections::BTreeSet;

use settlement::date::{BusinessDate, Month};
use settlement::fen::Fen;
use settlement::query::Insurance;

use super::engine::{self, OptionalExtension, Row, params};
use super::{StoreError, Tx, cell};
use crate::benefit::column::Kind;
use crate::benefit::intake::Import;
use crate::benefit::{AccountYear, Contribution};
use crate::clock;

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is new.
    Created,
    /// It stands so already.
    Unchanged,
    /// It stands with other amounts; written there now when that was asked for.
    Differs,
    /// This import brought it before, in this line.
    Twice(u64),
}

/// An account year that does not open with what the year before closed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Line of the file that brought one of the two.
    pub line: u64,
    /// What the year before closed with.
    pub closing: Fen,
}

/// Where a row comes from, and whether it may take the place of another.
#[derive(Clone, Copy, Debug)]
pub struct From {
    /// Import.
    pub import: i64,
    /// Line of the file.
    pub line: u64,
    /// Whether other amounts are replaced.
    pub replaces: bool,
}

impl Tx<'_> {
    /// Notes an import; its number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn begin_benefit_import(
        &self,
        kind: Kind,
        sha256: &str,
        as_of: BusinessDate,
        operator: &str,
    ) -> Result<i64, StoreError> {
        let number: i64 =
            self.sql.query_row("SELECT COALESCE(MAX(number), 0) + 1 FROM benefit_import", (), |row| row.get(0))?;
        self.sql.execute(
            "INSERT INTO benefit_import (number, kind, sha256, as_of, rows, operator, imported_at)
             VALUES ($1, $2, $3, $4, 0, $5, $6)",
            (number, kind.name(), sha256, as_of.to_string(), operator, clock::now()),
        )?;
        Ok(number)
    }

    /// Notes how many rows an import had.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn end_benefit_import(&self, number: i64, rows: u64) -> Result<(), StoreError> {
        let sql = "UPDATE benefit_import SET rows = $1 WHERE number = $2";
        let changed = self.sql.execute(sql, (cell::from_u64(rows)?, number))?;
        Self::moved(changed, || format!("benefit import {number}"), "begun")
    }

    /// Imports, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn benefit_imports(&self, limit: u32) -> Result<Vec<Import>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT number, kind, as_of, rows, operator, imported_at, taken_back_at FROM benefit_import ORDER BY number DESC
             LIMIT $1",
        )?;
        let rows = find.query_map([limit], |row| {
            Ok(Import {
                number: row.get(0)?,
                kind: cell::one_of(row, 1, Kind::ALL, Kind::name)?,
                as_of: cell::parsed(row, 2, BusinessDate::parse)?,
                rows: cell::u64(row, 3)?,
                operator: row.get(4)?,
                imported_at: row.get(5)?,
                taken_back_at: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// For each insurance the newest day of data that cover a person: of an import with rows of the person's county, or of the person.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn contribution_days_of(&self, person: i64) -> Result<Vec<(Insurance, BusinessDate)>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT insurance, MAX(as_of) FROM (
                 SELECT d.insurance AS insurance, i.as_of AS as_of FROM benefit_day d JOIN benefit_import i ON i.number = d.import
                 WHERE i.kind = 'contributions' AND i.taken_back_at IS NULL
                   AND d.region = (SELECT region FROM person WHERE id = $1)
                 UNION ALL
                 SELECT c.insurance, i.as_of FROM contribution c JOIN benefit_import i ON i.number = c.import
                 WHERE c.person = $1
             ) known GROUP BY insurance",
        )?;
        let rows = find.query_map([person], |row| {
            Ok((cell::one_of(row, 0, Insurance::ALL, Insurance::code)?, cell::parsed(row, 1, BusinessDate::parse)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes of which insurances and counties an import had rows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_benefit_days(&self, import: i64, covered: &BTreeSet<(&str, String)>) -> Result<(), StoreError> {
        let mut insert = self.sql.prepare("INSERT INTO benefit_day (import, insurance, region) VALUES ($1, $2, $3)")?;
        for (insurance, region) in covered {
            insert.execute((import, *insurance, region.as_str()))?;
        }
        Ok(())
    }

    /// Takes an import back: its rows go, what they took the place of stands again. How many rows went, and how many stand again.
    ///
    /// # Errors
    /// [`StoreError`], also when it was taken back before.
    pub fn take_benefits_back(&self, import: &Import) -> Result<(u64, u64), StoreError> {
        let (rows, copied) = match import.kind {
            Kind::Contributions => ("contribution", "person, insurance, month, base_fen, unit_fen, own_fen, import, line"),
            Kind::Accounts => (
                "account_year",
                "person, insurance, year, opening_fen, own_fen, unit_fen, other_fen, interest_fen, spend_fen, closing_fen, import,
                 line",
            ),
        };
        let number = import.number;
        let went = self.sql.execute(&format!("DELETE FROM {rows} WHERE import = $1"), [number])?;
        let again = self.sql.execute(
            &format!("INSERT INTO {rows} ({copied}) SELECT {copied} FROM {rows}_before WHERE replaced_by = $1"),
            [number],
        )?;
        self.sql.execute(&format!("DELETE FROM {rows}_before WHERE replaced_by = $1"), [number])?;
        let sql = "UPDATE benefit_import SET taken_back_at = $1 WHERE number = $2 AND taken_back_at IS NULL";
        let changed = self.sql.execute(sql, (clock::now(), number))?;
        Self::moved(changed, || format!("benefit import {number}"), "in force")?;
        let count = |rows| u64::try_from(rows).map_err(|_| StoreError::Damaged);
        Ok((count(went)?, count(again)?))
    }

    /// County of a person.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn region_of(&self, person: i64) -> Result<String, StoreError> {
        Ok(self.sql.query_row("SELECT region FROM person WHERE id = $1", [person], |row| row.get(0))?)
    }

    /// Row number of the person with a number, now or before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn person_by_number(&self, number: &str) -> Result<Option<i64>, StoreError> {
        for hash in self.data()?.keys.lookups(crate::vault::data_keys::Lookup::Number, number) {
            let mut find = self.sql.prepare("SELECT id FROM person WHERE number_hash = $1")?;
            if let Some(id) = find.query_row([hash], |row| row.get(0)).optional()? {
                return self.goes_on_in(id).map(Some);
            }
        }
        Ok(self.known_by_any_number(number, false)?.map(|known| known.id))
    }

    /// Keeps a month of contributions.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_contribution(&self, person: i64, said: &Contribution, from: From) -> Result<Kept, StoreError> {
        let (code, month) = (said.insurance.code(), said.month.to_string());
        let (base, unit, own) = (said.base_fen.get(), said.unit_fen.get(), said.own_fen.get());
        let line = cell::from_u64(from.line)?;
        let added = self
            .sql
            .prepare(
                "INSERT INTO contribution (person, insurance, month, base_fen, unit_fen, own_fen, import, line)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            )?
            .execute((person, code, &month, base, unit, own, from.import, line))?;
        if added == 1 {
            return Ok(Kept::Created);
        }
        let mut find = self.sql.prepare(
            "SELECT base_fen, unit_fen, own_fen, import, line FROM contribution
             WHERE person = $1 AND insurance = $2 AND month = $3",
        )?;
        let (known, import, before): ([i64; 3], i64, u64) = find.query_row((person, code, &month), |row| {
            Ok(([row.get(0)?, row.get(1)?, row.get(2)?], row.get(3)?, cell::u64(row, 4)?))
        })?;
        if import == from.import {
            return Ok(Kept::Twice(before));
        }
        if known == [base, unit, own] {
            return Ok(Kept::Unchanged);
        }
        if from.replaces {
            self.sql.execute(
                "INSERT INTO contribution_before (replaced_by, person, insurance, month, base_fen, unit_fen, own_fen, import, line)
                 SELECT $1, person, insurance, month, base_fen, unit_fen, own_fen, import, line FROM contribution
                 WHERE person = $2 AND insurance = $3 AND month = $4",
                (from.import, person, code, &month),
            )?;
            self.sql.execute(
                "UPDATE contribution SET base_fen = $1, unit_fen = $2, own_fen = $3, import = $4, line = $5
                 WHERE person = $6 AND insurance = $7 AND month = $8",
                (base, unit, own, from.import, line, person, code, &month),
            )?;
        }
        Ok(Kept::Differs)
    }

    /// Keeps a year of an account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_account_year(&self, person: i64, said: &AccountYear, from: From) -> Result<Kept, StoreError> {
        let (code, year) = (said.insurance.code(), i64::from(said.year));
        let line = cell::from_u64(from.line)?;
        let amounts = amounts(said);
        let [opening, own, unit, other, interest, spend, closing] = amounts;
        let added = self
            .sql
            .prepare(
                "INSERT INTO account_year (person, insurance, year, opening_fen, own_fen, unit_fen, other_fen, interest_fen,
                     spend_fen, closing_fen, import, line)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                person, code, year, opening, own, unit, other, interest, spend, closing, from.import, line
            ])?;
        if added == 1 {
            return Ok(Kept::Created);
        }
        let mut find = self.sql.prepare(
            "SELECT insurance, year, opening_fen, own_fen, unit_fen, other_fen, interest_fen, spend_fen, closing_fen, import, line
             FROM account_year WHERE person = $1 AND insurance = $2 AND year = $3",
        )?;
        let (known, import, before): (AccountYear, i64, u64) =
            find.query_row((person, code, year), |row| Ok((account_year(row)?, row.get(9)?, cell::u64(row, 10)?)))?;
        if import == from.import {
            return Ok(Kept::Twice(before));
        }
        if known == *said {
            return Ok(Kept::Unchanged);
        }
        if from.replaces {
            self.sql.execute(
                "INSERT INTO account_year_before (replaced_by, person, insurance, year, opening_fen, own_fen, unit_fen, other_fen,
                     interest_fen, spend_fen, closing_fen, import, line)
                 SELECT $1, person, insurance, year, opening_fen, own_fen, unit_fen, other_fen, interest_fen, spend_fen, closing_fen,
                     import, line
                 FROM account_year WHERE person = $2 AND insurance = $3 AND year = $4",
                (from.import, person, code, year),
            )?;
            self.sql.execute(
                "UPDATE account_year SET opening_fen = $1, own_fen = $2, unit_fen = $3, other_fen = $4, interest_fen = $5,
                     spend_fen = $6, closing_fen = $7, import = $8, line = $9
                 WHERE person = $10 AND insurance = $11 AND year = $12",
                params![
                    opening, own, unit, other, interest, spend, closing, from.import, line, person, code, year
                ],
            )?;
        }
        Ok(Kept::Differs)
    }

    /// Years of an import, or behind one of its years, that do not open with what the year before closed with.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn broken_account_years(&self, import: i64) -> Result<Vec<Broken>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT CASE WHEN later.import = $1 THEN later.line ELSE earlier.line END, earlier.closing_fen
             FROM account_year later JOIN account_year earlier
               ON earlier.person = later.person AND earlier.insurance = later.insurance AND earlier.year = later.year - 1
             WHERE (later.import = $1 OR earlier.import = $1) AND later.opening_fen <> earlier.closing_fen
             ORDER BY 1, 2",
        )?;
        let rows =
            find.query_map([import], |row| Ok(Broken { line: cell::u64(row, 0)?, closing: Fen::new(row.get(1)?) }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Contributions of a person, the newest month first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn contributions_of(&self, person: i64) -> Result<Vec<Contribution>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT insurance, month, base_fen, unit_fen, own_fen FROM contribution WHERE person = $1
             ORDER BY month DESC, insurance",
        )?;
        let rows = find.query_map([person], |row| {
            Ok(Contribution {
                insurance: cell::one_of(row, 0, Insurance::ALL, Insurance::code)?,
                month: cell::parsed(row, 1, Month::parse)?,
                base_fen: Fen::new(row.get(2)?),
                unit_fen: Fen::new(row.get(3)?),
                own_fen: Fen::new(row.get(4)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Account years of a person, by insurance, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn account_years_of(&self, person: i64) -> Result<Vec<AccountYear>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT insurance, year, opening_fen, own_fen, unit_fen, other_fen, interest_fen, spend_fen, closing_fen
             FROM account_year WHERE person = $1 ORDER BY insurance, year",
        )?;
        Ok(find.query_map([person], account_year)?.collect::<Result<_, _>>()?)
    }

    /// Forgets what is known of a person's insurances.
    pub(super) fn forget_benefits(&self, person: i64) -> Result<(), StoreError> {
        for rows in ["contribution", "contribution_before", "account_year", "account_year_before"] {
            self.sql.execute(&format!("DELETE FROM {rows} WHERE person = $1"), [person])?;
        }
        Ok(())
    }
}

const fn amounts(year: &AccountYear) -> [i64; 7] {
    [
        year.opening_fen.get(),
        year.own_fen.get(),
        year.unit_fen.get(),
        year.other_fen.get(),
        year.interest_fen.get(),
        year.spend_fen.get(),
        year.closing_fen.get(),
    ]
}

fn account_year(row: &Row<'_>) -> engine::Result<AccountYear> {
    Ok(AccountYear {
        insurance: cell::one_of(row, 0, Insurance::ALL, Insurance::code)?,
        year: row.get(1)?,
        opening_fen: Fen::new(row.get(2)?),
        own_fen: Fen::new(row.get(3)?),
        unit_fen: Fen::new(row.get(4)?),
        other_fen: Fen::new(row.get(5)?),
        interest_fen: Fen::new(row.get(6)?),
        spend_fen: Fen::new(row.get(7)?),
        closing_fen: Fen::new(row.get(8)?),
    })
}
