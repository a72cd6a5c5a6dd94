//! Rows of allotment requests, and of the blacklist.

use std::collections::BTreeSet;

use settlement::fen::Fen;
use settlement::id::CardIdentifier;

use super::counter::Counter;
use super::engine::{self, OptionalExtension, Row};
use super::{StoreError, Tx, cell};
use crate::clearing::allotment::{AllotmentLine, AllotmentRequest, AllotmentState};
use crate::clearing::blacklist::{BlacklistAct, BlacklistEntry};
use crate::clock;

impl Tx<'_> {
    /// Writes a request and gives it its number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_allotment(&self, maker: &str, lines: &[AllotmentLine]) -> Result<i64, StoreError> {
        let id: i64 =
            self.sql.query_row("SELECT coalesce(max(id), 0) + 1 FROM allotment_request", (), |row| row.get(0))?;
        self.sql.execute(
            "INSERT INTO allotment_request (id, state, maker, made_at) VALUES ($1, 'REQUESTED', $2, $3)",
            (id, maker, clock::now()),
        )?;
        let mut insert = self
            .sql
            .prepare("INSERT INTO allotment (request, line, holder, card, amount_fen) VALUES ($1, $2, $3, $4, $5)")?;
        for (number, line) in (1_i64..).zip(lines) {
            insert.execute((id, number, line.holder, line.card_identifier.to_string(), line.amount_fen.get()))?;
        }
        Ok(id)
    }

    /// A request with its lines.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn allotment(&self, id: i64) -> Result<Option<AllotmentRequest>, StoreError> {
        let mut statement = self.sql.prepare(&format!("{REQUEST} WHERE id = $1"))?;
        let found = statement.query_row([id], request).optional()?;
        found.map(|request| self.with_lines(request)).transpose()
    }

    /// All requests, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn allotments(&self) -> Result<Vec<AllotmentRequest>, StoreError> {
        let mut statement = self.sql.prepare(&format!("{REQUEST} ORDER BY id"))?;
        let requests: Vec<_> = statement.query_map((), request)?.collect::<Result<_, _>>()?;
        requests.into_iter().map(|request| self.with_lines(request)).collect()
    }

    /// REQUESTED → APPROVED or REJECTED.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn decide_allotment(&self, id: i64, state: AllotmentState, checker: &str) -> Result<(), StoreError> {
        let rows = self.sql.execute(
            "UPDATE allotment_request SET state = $1, checker = $2, checked_at = $3
             WHERE id = $4 AND state = 'REQUESTED' AND maker <> $2",
            (state.name(), checker, clock::now(), id),
        )?;
        Self::moved(rows, || format!("allotment {id}"), "REQUESTED")
    }

    /// Adds an entry to the blacklist and gives it its sequence.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_blacklist_entry(
        &self,
        card: CardIdentifier,
        act: BlacklistAct,
        reason: &str,
        operator: &str,
    ) -> Result<u64, StoreError> {
        let sequence = self.blacklist_sequence()?.saturating_add(1);
        self.sql.execute(
            "INSERT INTO blacklist (sequence, card, act, reason, operator, effective_at) VALUES ($1, $2, $3, $4, $5, $6)",
            (cell::from_u64(sequence)?, card.to_string(), act.name(), reason, operator, clock::now()),
        )?;
        Ok(sequence)
    }

    /// Sequence of the newest entry; 0 for none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn blacklist_sequence(&self) -> Result<u64, StoreError> {
        Ok(u64::try_from(self.last_given(Counter::Blacklist)?).unwrap_or_default())
    }

    /// The newest entry of each card that stands on the list, in order of sequence.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn blacklist(&self) -> Result<Vec<BlacklistEntry>, StoreError> {
        let mut statement = self.sql.prepare(
            "SELECT sequence, card, act, reason, operator, effective_at FROM blacklist AS entry
             WHERE act = 'add' AND sequence = (SELECT max(sequence) FROM blacklist WHERE card = entry.card)
             ORDER BY sequence",
        )?;
        Ok(statement.query_map((), entry)?.collect::<Result<_, _>>()?)
    }

    /// As [`Tx::blacklist`], behind a sequence, at most so many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn blacklist_after(&self, after: i64, limit: u32) -> Result<Vec<BlacklistEntry>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT sequence, card, act, reason, operator, effective_at FROM blacklist AS entry
             WHERE act = 'add' AND sequence > $1 AND sequence = (SELECT max(sequence) FROM blacklist WHERE card = entry.card)
             ORDER BY sequence LIMIT $2",
        )?;
        Ok(find.query_map((after, limit), entry)?.collect::<Result<_, _>>()?)
    }

    /// As [`Tx::blacklist`], the newest first, before a sequence, at most so many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn blacklist_before(&self, before: i64, limit: u32) -> Result<Vec<BlacklistEntry>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT sequence, card, act, reason, operator, effective_at FROM blacklist AS entry
             WHERE act = 'add' AND sequence < $1 AND sequence = (SELECT max(sequence) FROM blacklist WHERE card = entry.card)
             ORDER BY sequence DESC LIMIT $2",
        )?;
        Ok(find.query_map((before, limit), entry)?.collect::<Result<_, _>>()?)
    }

    /// The cards on the list as it stood at a sequence.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn blacklist_at(&self, sequence: u64) -> Result<BTreeSet<CardIdentifier>, StoreError> {
        let mut statement = self.sql.prepare(
            "SELECT card FROM blacklist AS entry WHERE act = 'add'
               AND sequence = (SELECT max(sequence) FROM blacklist WHERE card = entry.card AND sequence <= $1)",
        )?;
        let cards =
            statement.query_map([cell::from_u64(sequence)?], |row| cell::parsed(row, 0, CardIdentifier::parse))?;
        Ok(cards.collect::<Result<_, _>>()?)
    }

    /// Every entry about a card, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn blacklist_history(&self, card: CardIdentifier) -> Result<Vec<BlacklistEntry>, StoreError> {
        let mut statement = self.sql.prepare(
            "SELECT sequence, card, act, reason, operator, effective_at FROM blacklist WHERE card = $1 ORDER BY sequence",
        )?;
        Ok(statement.query_map([card.to_string()], entry)?.collect::<Result<_, _>>()?)
    }

    fn with_lines(&self, request: AllotmentRequest) -> Result<AllotmentRequest, StoreError> {
        let mut statement =
            self.sql.prepare("SELECT holder, card, amount_fen FROM allotment WHERE request = $1 ORDER BY line")?;
        let lines = statement.query_map([request.request], |row| {
            Ok(AllotmentLine {
                holder: row.get(0)?,
                card_identifier: cell::parsed(row, 1, CardIdentifier::parse)?,
                amount_fen: Fen::new(row.get(2)?),
            })
        })?;
        Ok(AllotmentRequest { lines: lines.collect::<Result<_, _>>()?, ..request })
    }
}

const REQUEST: &str = "SELECT id, state, maker, made_at, checker, rejected_why FROM allotment_request
    LEFT JOIN rejection ON rejected_kind = 'allotment' AND rejected_number = id";

fn request(row: &Row<'_>) -> engine::Result<AllotmentRequest> {
    Ok(AllotmentRequest {
        request: row.get(0)?,
        state: cell::one_of(row, 1, AllotmentState::ALL, AllotmentState::name)?,
        maker: row.get(2)?,
        made_at: row.get(3)?,
        checker: row.get(4)?,
        rejection: row.get(5)?,
        covers_fen: Fen::ZERO,
        lines: Vec::new(),
    })
}

fn entry(row: &Row<'_>) -> engine::Result<BlacklistEntry> {
    Ok(BlacklistEntry {
        sequence: cell::u64(row, 0)?,
        card_identifier: cell::parsed(row, 1, CardIdentifier::parse)?,
        act: cell::one_of(row, 2, [BlacklistAct::Add, BlacklistAct::Remove], BlacklistAct::name)?,
        reason: row.get(3)?,
        operator: row.get(4)?,
        effective_at: row.get(5)?,
    })
}
