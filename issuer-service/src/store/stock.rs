//! Rows of stock: places, what is held, the journal of moves.

use super::counter::Counter;
use super::engine::{self, EngineError, OptionalExtension, Row, params};
use super::{StoreError, Tx, cell};
use crate::clock;
use crate::state::State;
use crate::stock::check::Difference;
use crate::stock::handout::{Agent, Receipt};
use crate::stock::place::{Kind, Place};
use crate::stock::{ENTER, Entry, Held, Holding, Shift, StockState, Unit};

const HOLDING: &str = "unit, state, place, lot, cards, since FROM stock";
const PLACE: &str = "code, kind, title, keeper, bound_for, made_by, made_at, closed_by FROM stock_place";
const ENTRY: &str =
    "sequence, at, move, lot, cards, from_unit, from_state, from_place, to_unit, to_state, to_place, operator, reason
    FROM stock_journal";

impl Tx<'_> {
    /// A place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stock_place(&self, code: &str) -> Result<Option<Place>, StoreError> {
        let mut find = self.sql.prepare(&format!("SELECT {PLACE} WHERE code = $1"))?;
        Ok(find.query_row([code], place).optional()?)
    }

    /// All places, in order of code.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stock_places(&self) -> Result<Vec<Place>, StoreError> {
        let mut find = self.sql.prepare(&format!("SELECT {PLACE} ORDER BY code"))?;
        Ok(find.query_map((), place)?.collect::<Result<_, _>>()?)
    }

    /// Places in order of code, behind one: parcels and sacks that are done with are named, not listed, unless something is missing of what was
    /// in them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stock_places_in_use(&self, after: &str, limit: u32) -> Result<Vec<Place>, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "SELECT {PLACE} WHERE code > $1
                AND (closed_by IS NULL OR EXISTS (SELECT 1 FROM stock WHERE place = code AND state = $2)) ORDER BY code LIMIT $3"
        ))?;
        Ok(find.query_map((after, StockState::Missing.name(), limit), place)?.collect::<Result<_, _>>()?)
    }

    /// Adds a place.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the code is taken.
    pub fn add_stock_place(&self, place: &Place) -> Result<(), StoreError> {
        let Place { code, kind, title, keeper, bound_for, made_by, made_at, .. } = place;
        self.sql.execute(
            "INSERT INTO stock_place (code, kind, title, keeper, bound_for, made_by, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            (code, kind.name(), title, keeper, bound_for, made_by, made_at),
        )?;
        Ok(())
    }

    /// Tells another title and keeper of a place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_stock_place(&self, code: &str, title: &str, keeper: &str) -> Result<(), StoreError> {
        self.sql.execute("UPDATE stock_place SET title = $1, keeper = $2 WHERE code = $3", (title, keeper, code))?;
        Ok(())
    }

    /// Closes a parcel or sack.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`] when it is closed.
    pub fn close_stock_place(&self, code: &str, operator: &str) -> Result<(), StoreError> {
        let rows = self.sql.execute(
            "UPDATE stock_place SET closed_by = $1, closed_at = $2 WHERE code = $3 AND closed_by IS NULL",
            (operator, clock::now(), code),
        )?;
        Self::moved(rows, || code.to_owned(), "open")
    }

    /// The next code of parcels or sacks: a prefix and a number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn next_stock_code(&self, prefix: &str) -> Result<String, StoreError> {
        let mut number = self.next_of(Counter::Parcel)?;
        // A site may have named a place so.
        while self.stock_place(&format!("{prefix}{number}"))?.is_some() {
            number += 1;
        }
        self.given(Counter::Parcel, number)?;
        Ok(format!("{prefix}{number}"))
    }

    /// What is held of a unit in a state at a place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn holding(&self, unit: &Unit, state: StockState, place: &str) -> Result<Option<Holding>, StoreError> {
        let sql = format!("SELECT {HOLDING} WHERE unit = $1 AND state = $2 AND place = $3");
        Ok(self.sql.prepare(&sql)?.query_row((unit.to_string(), state.name(), place), holding).optional()?)
    }

    /// All that is held of a unit.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn holdings(&self, unit: &Unit) -> Result<Vec<Holding>, StoreError> {
        let mut find = self.sql.prepare(&format!("SELECT {HOLDING} WHERE unit = $1 ORDER BY state, place"))?;
        Ok(find.query_map([unit.to_string()], holding)?.collect::<Result<_, _>>()?)
    }

    /// All that is held at a place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn holdings_at(&self, place: &str) -> Result<Vec<Holding>, StoreError> {
        let mut find = self.sql.prepare(&format!("SELECT {HOLDING} WHERE place = $1 ORDER BY unit, state"))?;
        Ok(find.query_map([place], holding)?.collect::<Result<_, _>>()?)
    }

    /// Cards by place, state and lot, in this order, at the places between these codes, both of them included.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stock_counts(&self, first: &str, last: &str) -> Result<Vec<(String, Held)>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT place, state, lot, CAST(SUM(cards) AS BIGINT), MIN(since) FROM stock WHERE place BETWEEN $1 AND $2
             GROUP BY place, state, lot ORDER BY place, state, lot",
        )?;
        let rows = find.query_map((first, last), |row| {
            let (state, lot, since) = (row.get(1)?, row.get(2)?, row.get(4)?);
            Ok((row.get(0)?, Held { state, lot, cards: cell::u64(row, 3)?, since }))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether a box of a lot ever came in.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stock_knows_lot(&self, lot: &str) -> Result<bool, StoreError> {
        Ok(self.sql.prepare("SELECT 1 FROM stock WHERE lot = $1 LIMIT 1")?.exists([lot])?)
    }

    /// Stations that hold blank cards of a lot, in order of code.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stations_with(&self, lot: &str) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT DISTINCT place FROM stock WHERE lot = $1 AND state = 'issued' ORDER BY place";
        Ok(self.sql.prepare(sql)?.query_map([lot], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// The box of a lot that a station takes its next blank card from: the one issued first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn issued_box(&self, lot: &str, station: &str) -> Result<Option<Unit>, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "SELECT {HOLDING} WHERE place = $1 AND state = 'issued' AND lot = $2 ORDER BY since, unit LIMIT 1"
        ))?;
        Ok(find.query_row((station, lot), holding).optional()?.map(|held| held.unit))
    }

    /// What has been in a state since before an instant, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stock_waiting_since(&self, state: StockState, before: &str) -> Result<Vec<Holding>, StoreError> {
        let mut find =
            self.sql.prepare(&format!("SELECT {HOLDING} WHERE state = $1 AND since < $2 ORDER BY since, unit"))?;
        Ok(find.query_map((state.name(), before), holding)?.collect::<Result<_, _>>()?)
    }

    /// Keeps the receipt of a card that is handed out.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it has one.
    pub fn add_stock_receipt(
        &self,
        card_number: &str,
        person: i64,
        place: &str,
        operator: &str,
        agent: Option<&Agent>,
    ) -> Result<(), StoreError> {
        let number = self.next_of(Counter::HandOut)?;
        let sealed = agent.map(|agent| self.seal(&receipt_place(card_number), &agent.to_bytes())).transpose()?;
        let (key, agent) = sealed.map_or((None, None), |(key, bytes)| (Some(key), Some(bytes)));
        self.sql.execute(
            "INSERT INTO stock_receipt (number, card_number, person, place, operator, at, data_key, agent)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            (number, card_number, person, place, operator, clock::now(), key, agent),
        )?;
        Ok(())
    }

    /// The receipt of a card; with the agent, masked, when the data keys are open.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stock_receipt(&self, card_number: &str) -> Result<Option<Receipt>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT number, card_number, person, place, operator, at, data_key, agent FROM stock_receipt WHERE card_number = $1",
        )?;
        let found = find.query_row([card_number], |row| {
            let sealed: Option<Vec<u8>> = row.get(7)?;
            let receipt = Receipt {
                number: row.get(0)?,
                card_number: row.get(1)?,
                person: row.get(2)?,
                place: row.get(3)?,
                operator: row.get(4)?,
                at: row.get(5)?,
                by_agent: sealed.is_some(),
                agent: None,
            };
            Ok((receipt, row.get::<Option<u8>>(6)?, sealed))
        });
        let Some((mut receipt, key, sealed)) = found.optional()? else { return Ok(None) };
        if let (Some(key), Some(sealed), true) = (key, sealed, self.has_data_keys()) {
            let place = receipt_place(card_number);
            let plain = self.open(key, &place, &sealed)?;
            // Past the period of keeping it is empty.
            if !plain.is_empty() {
                let agent = Agent::parse(&plain).map_err(|_| StoreError::RowSealed { place })?;
                receipt.agent = Some(agent.masked());
            }
        }
        Ok(Some(receipt))
    }

    /// Makes a receipt void: its hand-out is undone.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`] when it is void.
    pub fn void_stock_receipt(&self, receipt: &Receipt, reason: &str, operator: &str) -> Result<(), StoreError> {
        let Receipt { number, card_number, place, operator: handed_out_by, at, .. } = receipt;
        let rows = self.sql.execute("DELETE FROM stock_receipt WHERE number = $1", [number])?;
        Self::moved(rows, || format!("receipt {number}"), "handed_out")?;
        self.sql.execute(
            "INSERT INTO stock_receipt_void (number, card_number, place, operator, at, voided_by, voided_at, reason)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            (number, card_number, place, handed_out_by, at, operator, clock::now(), reason),
        )?;
        Ok(())
    }

    /// Cards come in.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn enter_stock(
        &self,
        unit: &Unit,
        state: StockState,
        place: &str,
        lot: &str,
        cards: u64,
        (operator, reason): (&str, &str),
    ) -> Result<(), StoreError> {
        let to = (unit.to_string(), state.name(), place);
        self.put(&to, lot, cards)?;
        self.enter_in_journal(ENTER, lot, cards, None, &to, operator, reason)
    }

    /// Moves cards out of what is held, and enters it in the journal.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`] when there are fewer.
    pub fn shift_stock(&self, shift: &Shift<'_>, held: &Holding, operator: &str) -> Result<(), StoreError> {
        let (before, after) = shift.by.ends();
        let from = (shift.from.0.to_string(), before.name(), shift.from.1);
        let to = (shift.to.0.to_string(), after.name(), shift.to.1);
        let cards = cell::from_u64(shift.cards)?;
        let mut rows = self
            .sql
            .prepare(
                "UPDATE stock SET cards = cards - $1 WHERE unit = $2 AND state = $3 AND place = $4 AND cards > $1",
            )?
            .execute((cards, &from.0, from.1, from.2))?;
        if rows == 0 {
            rows = self
                .sql
                .prepare("DELETE FROM stock WHERE unit = $1 AND state = $2 AND place = $3 AND cards = $4")?
                .execute((&from.0, from.1, from.2, cards))?;
        }
        Self::moved(rows, || from.0.clone(), before.name())?;
        self.put(&to, &held.lot, shift.cards)?;
        self.enter_in_journal(shift.by.name(), &held.lot, shift.cards, Some(&from), &to, operator, shift.reason)
    }

    fn put(&self, (unit, state, place): &(String, &str, &str), lot: &str, cards: u64) -> Result<(), StoreError> {
        let cards = cell::from_u64(cards)?;
        let rows = self
            .sql
            .prepare("UPDATE stock SET cards = cards + $1 WHERE unit = $2 AND state = $3 AND place = $4")?
            .execute((cards, unit, state, place))?;
        if rows == 0 {
            self.sql
                .prepare("INSERT INTO stock (unit, state, place, lot, cards, since) VALUES ($1, $2, $3, $4, $5, $6)")?
                .execute((unit, state, place, lot, cards, clock::now()))?;
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "the columns of one row")]
    fn enter_in_journal(
        &self,
        name: &str,
        lot: &str,
        cards: u64,
        from: Option<&(String, &str, &str)>,
        to: &(String, &str, &str),
        operator: &str,
        reason: &str,
    ) -> Result<(), StoreError> {
        let sequence = self.stock_journal_end()? + 1;
        let (from_unit, from_state, from_place) =
            from.map_or((None, None, None), |(unit, state, place)| (Some(unit), Some(*state), Some(*place)));
        self.sql
            .prepare(
                "INSERT INTO stock_journal (sequence, at, move, lot, cards, from_unit, from_state, from_place, to_unit, to_state,
                                            to_place, operator, reason)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            )?
            .execute(params![
                sequence,
                clock::now(),
                name,
                lot,
                cell::from_u64(cards)?,
                from_unit.map(String::as_str),
                from_state,
                from_place,
                to.0,
                to.1,
                to.2,
                operator,
                reason
            ])?;
        Ok(())
    }

    /// Position of the last entry of the journal; 0 of an empty one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stock_journal_end(&self) -> Result<i64, StoreError> {
        let mut find = self.sql.prepare("SELECT COALESCE(MAX(sequence), 0) FROM stock_journal")?;
        Ok(find.query_row((), |row| row.get(0))?)
    }

    /// Entries about a unit, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stock_entries(&self, unit: &Unit) -> Result<Vec<Entry>, StoreError> {
        let mut find =
            self.sql.prepare(&format!("SELECT {ENTRY} WHERE from_unit = $1 OR to_unit = $1 ORDER BY sequence"))?;
        Ok(find.query_map([unit.to_string()], entry)?.collect::<Result<_, _>>()?)
    }

    /// Reads the whole journal in order, while the reader wants more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn each_stock_entry(&self, mut take: impl FnMut(Entry) -> bool) -> Result<(), StoreError> {
        Ok(self.sql.each::<EngineError>(&format!("SELECT {ENTRY} ORDER BY sequence"), |row| Ok(take(entry(row)?)))?)
    }

    /// Where journal and holdings differ.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stock_differences(&self) -> Result<Vec<Difference>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT unit, state, place, CAST(SUM(entered) AS BIGINT), CAST(SUM(held) AS BIGINT) FROM (
                 SELECT to_unit AS unit, to_state AS state, to_place AS place, cards AS entered, 0 AS held FROM stock_journal
                 UNION ALL SELECT from_unit, from_state, from_place, -cards, 0 FROM stock_journal WHERE from_unit IS NOT NULL
                 UNION ALL SELECT unit, state, place, 0, cards FROM stock) moves
             GROUP BY unit, state, place HAVING SUM(entered) <> SUM(held) ORDER BY unit, state, place",
        )?;
        let rows = find.query_map((), |row| {
            let (unit, state, place) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Difference::Held { unit, state, place, journal: row.get(3)?, held: row.get(4)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Lots of which other counts are held than came in.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn lots_that_differ(&self) -> Result<Vec<Difference>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT lot, CAST(SUM(entered) AS BIGINT), CAST(SUM(held) AS BIGINT) FROM (
                 SELECT lot, cards AS entered, 0 AS held FROM stock_journal WHERE from_unit IS NULL
                 UNION ALL SELECT lot, 0, cards FROM stock) lots
             GROUP BY lot HAVING SUM(entered) <> SUM(held) ORDER BY lot",
        )?;
        let rows = find
            .query_map((), |row| Ok(Difference::Lot { lot: row.get(0)?, entered: row.get(1)?, held: row.get(2)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Cards whose state as things does not go with their state as cards.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stock_against_cards(&self) -> Result<Vec<Difference>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT SUBSTR(s.unit, 6), s.state, COALESCE(c.state, '-') FROM stock s
             LEFT JOIN card c ON c.card_number = SUBSTR(s.unit, 6)
             WHERE s.unit LIKE 'card:%' AND (c.state IS NULL
                OR (c.state = 'writing') <> (s.state = 'in_work')
                OR (c.state = 'spoilt' AND s.state NOT IN ('spoilt', 'condemned', 'missing', 'destroyed'))
                OR (c.state <> 'spoilt' AND s.state = 'spoilt')
                OR (c.state NOT IN ('spoilt', 'cancelled') AND s.state IN ('condemned', 'destroyed'))
                OR (c.state IN ('normal', 'locked', 'temporary_loss', 'formal_loss') AND s.state <> 'handed_out'))
             ORDER BY s.unit",
        )?;
        let rows = find.query_map((), |row| {
            Ok(Difference::Card { card_number: row.get(0)?, stock: row.get(1)?, card: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Detail of the newest audit record about stock.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn last_stock_act(&self) -> Result<Option<String>, StoreError> {
        let sql = "SELECT detail FROM audit WHERE act LIKE 'stock.%' ORDER BY sequence DESC LIMIT 1";
        Ok(self.sql.prepare(sql)?.query_row((), |row| row.get(0)).optional()?)
    }

    /// How many cards are held, in any state.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stock_total(&self) -> Result<u64, StoreError> {
        let mut find = self.sql.prepare("SELECT CAST(COALESCE(SUM(cards), 0) AS BIGINT) FROM stock")?;
        Ok(find.query_row((), |row| cell::u64(row, 0))?)
    }
}

/// Where an agent belongs: it opens in its own receipt only.
pub(super) fn receipt_place(card_number: &str) -> String {
    format!("receipt of card {card_number}")
}

fn holding(row: &Row<'_>) -> engine::Result<Holding> {
    let unit: String = row.get(0)?;
    Ok(Holding {
        unit: Unit::parse(&unit).ok_or(EngineError::Column { column: 0, source: None })?,
        state: row.get(1)?,
        place: row.get(2)?,
        lot: row.get(3)?,
        cards: cell::u64(row, 4)?,
        since: row.get(5)?,
    })
}

fn place(row: &Row<'_>) -> engine::Result<Place> {
    Ok(Place {
        code: row.get(0)?,
        kind: cell::one_of(row, 1, Kind::ALL, Kind::name)?,
        title: row.get(2)?,
        keeper: row.get(3)?,
        bound_for: row.get(4)?,
        made_by: row.get(5)?,
        made_at: row.get(6)?,
        closed_by: row.get(7)?,
    })
}

fn entry(row: &Row<'_>) -> engine::Result<Entry> {
    let from: (Option<String>, Option<String>, Option<String>) = (row.get(5)?, row.get(6)?, row.get(7)?);
    Ok(Entry {
        sequence: row.get(0)?,
        at: row.get(1)?,
        name: row.get(2)?,
        lot: row.get(3)?,
        cards: cell::u64(row, 4)?,
        from: if let (Some(unit), Some(state), Some(place)) = from { Some((unit, state, place)) } else { None },
        to: (row.get(8)?, row.get(9)?, row.get(10)?),
        operator: row.get(11)?,
        reason: row.get(12)?,
    })
}
