//! Rows of orders about who somebody is, of former numbers, of rows that are another person's.
//!
//! Source: docs/adr/0097. Owns: their seals; what is found by a former number. Never: decides; writes a number unsealed.

use super::counter::Counter;
use super::engine::{self, OptionalExtension, Row, params};
use super::{StoreError, Tx, cell};
use crate::clock;
use crate::person::dossier::Dossier;
use crate::person::field::Field;
use crate::registry::identity::{Because, Former, Order, OrderAct, OrderMove, OrderState};
use crate::registry::newcomer::Known;
use crate::state::State;
use crate::vault::data_keys::Lookup;

/// Between the number and the certificate in a sealed cell: no text of a person has it.
const PART: char = '\u{1F}';

const ORDER: &str =
    "SELECT number, act, person, other, because, reason, state, maker, made_at, checker, rejection FROM identity_order";

/// What is asked for, before it has a number.
#[derive(Debug)]
pub struct NewOrder<'a> {
    /// Row number of the person.
    pub person: i64,
    /// What is to be done.
    pub act: NewAct<'a>,
    /// Why.
    pub reason: &'a str,
    /// Who asks.
    pub maker: &'a str,
}

/// What is to be done.
pub enum NewAct<'a> {
    /// The person gets this number, made from this certificate or none.
    Renumber {
        /// Why not the one before.
        because: Because,
        /// 社会保障号码.
        number: &'a str,
        /// Text of the certificate, empty for a citizen.
        certificate: &'a str,
        /// Sex and birth date.
        told: (&'a str, &'a str),
    },
    /// The person goes on in this row.
    Join {
        /// Row number.
        into: i64,
    },
}

/// A number that somebody is to get, as it was sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// 社会保障号码.
    pub number: String,
    /// Text of the certificate, empty for a citizen.
    pub certificate: String,
    /// Code of the sex.
    pub sex: String,
    /// `YYYYMMDD`.
    pub birth_date: String,
}

/// The rows that were joined into one, and those that were joined into them before. `{person}` is the one.
pub(super) const GAVE_WAY: &str = "WITH RECURSIVE gave_way (person) AS (
        SELECT person FROM person_joined WHERE into_person = {person}
        UNION SELECT j.person FROM person_joined j JOIN gave_way g ON j.into_person = g.person
    ) SELECT person FROM gave_way";

impl Tx<'_> {
    /// Writes what one person asks for, and gives it its number.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when something is asked about the person already.
    pub fn add_identity_order(&self, new: &NewOrder<'_>) -> Result<i64, StoreError> {
        let number = self.next_of(Counter::IdentityOrder)?;
        let (other, because, sealed) = match &new.act {
            NewAct::Renumber { because, number: to, certificate, told: (sex, birth_date) } => {
                let text = [*to, *certificate, *sex, *birth_date].join(&PART.to_string());
                (None, Some(because.name()), Some(self.seal(&order_place(number), text.as_bytes())?))
            }
            NewAct::Join { into } => (Some(*into), None, None),
        };
        let act = if other.is_some() { OrderAct::Join } else { OrderAct::Renumber };
        let (key, identity) = sealed.map_or((None, None), |(key, cell)| (Some(key), Some(cell)));
        self.sql.execute(
            "INSERT INTO identity_order (number, act, person, other, because, data_key, identity, reason, state, maker, made_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'proposed', $9, $10)",
            params![number, act.name(), new.person, other, because, key, identity, new.reason, new.maker, clock::now()],
        )?;
        Ok(number)
    }

    /// An order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn identity_order(&self, number: i64) -> Result<Option<Order>, StoreError> {
        let mut find = self.sql.prepare(&format!("{ORDER} WHERE number = $1"))?;
        Ok(find.query_row([number], order).optional()?)
    }

    /// Orders behind a number, in order; in one state only.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn identity_orders(&self, state: Option<OrderState>, after: i64, limit: u32) -> Result<Vec<Order>, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "{ORDER} WHERE number > $1 AND (state = $2 OR CAST($2 AS TEXT) IS NULL) ORDER BY number LIMIT $3"
        ))?;
        Ok(find.query_map((after, state.map(State::name), limit), order)?.collect::<Result<_, _>>()?)
    }

    /// Orders before a number, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn identity_orders_before(&self, before: i64, limit: u32) -> Result<Vec<Order>, StoreError> {
        let mut find = self.sql.prepare(&format!("{ORDER} WHERE number < $1 ORDER BY number DESC LIMIT $2"))?;
        Ok(find.query_map((before, limit), order)?.collect::<Result<_, _>>()?)
    }

    /// The order about a person that waits.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn identity_order_of(&self, person: i64) -> Result<Option<Order>, StoreError> {
        let sql = format!("{ORDER} WHERE (person = $1 OR other = $1) AND state = 'proposed' ORDER BY number LIMIT 1");
        let mut find = self.sql.prepare(&sql)?;
        Ok(find.query_row([person], order).optional()?)
    }

    /// The number that an order gives.
    ///
    /// # Errors
    /// [`StoreError::RowSealed`].
    pub fn ordered_identity(&self, number: i64) -> Result<Option<Identity>, StoreError> {
        let mut find = self
            .sql
            .prepare("SELECT data_key, identity FROM identity_order WHERE number = $1 AND identity IS NOT NULL")?;
        let found = find.query_row([number], |row| Ok((row.get::<u8>(0)?, row.get::<Vec<u8>>(1)?))).optional()?;
        let Some((key, sealed)) = found else { return Ok(None) };
        let place = order_place(number);
        let plain = self.open(key, &place, &sealed)?;
        let text = std::str::from_utf8(&plain).ok();
        let parts: Vec<&str> = text.map(|text| text.split(PART).collect()).unwrap_or_default();
        let [number, certificate, sex, birth_date] = parts[..] else {
            return Err(StoreError::RowSealed { place });
        };
        let own = str::to_owned;
        Ok(Some(Identity {
            number: own(number),
            certificate: own(certificate),
            sex: own(sex),
            birth_date: own(birth_date),
        }))
    }

    /// A move of an order by another person than its maker.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn decide_identity(
        &self,
        (number, step): (i64, OrderMove),
        checker: &str,
        rejection: Option<&str>,
    ) -> Result<(), StoreError> {
        let (from, to) = step.ends();
        let rows = self.sql.execute(
            "UPDATE identity_order SET state = $1, checker = $2, checked_at = $3, rejection = $4
             WHERE number = $5 AND state = $6 AND maker <> $2",
            params![to.name(), checker, clock::now(), rejection, number, from.name()],
        )?;
        Self::moved(rows, || format!("order {number}"), from.name())
    }

    /// Keeps a number that somebody was registered by until now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_former_number(
        &self,
        person: i64,
        former: &str,
        because: Because,
        ordered_by: i64,
    ) -> Result<(), StoreError> {
        let number: i64 =
            self.sql.query_row("SELECT COALESCE(MAX(number), 0) + 1 FROM person_former", (), |row| row.get(0))?;
        let (key, sealed) = self.seal(&former_place(number), former.as_bytes())?;
        self.sql.execute(
            "INSERT INTO person_former (number, person, number_hash, because, data_key, former, until, ordered_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            params![
                number,
                person,
                self.lookup(Lookup::Number, former)?,
                because.name(),
                key,
                sealed,
                clock::now(),
                ordered_by
            ],
        )?;
        Ok(())
    }

    /// The numbers that a person had before, the latest first.
    ///
    /// # Errors
    /// [`StoreError::RowSealed`].
    pub fn former_numbers(&self, person: i64) -> Result<Vec<Former>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT number, because, data_key, former, until, ordered_by FROM person_former WHERE person = $1 ORDER BY number DESC",
        )?;
        let rows = find.query_map([person], |row| {
            let because = cell::one_of(row, 1, Because::ALL, Because::name)?;
            Ok((row.get::<i64>(0)?, because, row.get::<u8>(2)?, row.get::<Vec<u8>>(3)?, row.get(4)?, row.get(5)?))
        })?;
        rows.map(|row| {
            let (number, because, key, sealed, until, ordered_by) = row?;
            let place = former_place(number);
            let text = String::from_utf8(self.open(key, &place, &sealed)?.to_vec());
            let number = text.map_err(|_| StoreError::RowSealed { place })?;
            Ok(Former { number, because, until, ordered_by })
        })
        .collect()
    }

    /// Whether anybody had another number before, or another row.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn any_former_number(&self) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM identity_order WHERE state = 'approved'";
        Ok(self.sql.prepare(sql)?.exists(())?)
    }

    /// The row in which a person goes on who was registered in this one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn joined_into(&self, person: i64) -> Result<Option<i64>, StoreError> {
        let mut find = self.sql.prepare("SELECT into_person FROM person_joined WHERE person = $1")?;
        Ok(find.query_row([person], |row| row.get(0)).optional()?)
    }

    /// The row in which a person goes on: this one, or the one that it was joined into.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn goes_on_in(&self, person: i64) -> Result<i64, StoreError> {
        let mut at = person;
        // A row that others were joined into is joined into none that leads back: each is asked for one that goes on in itself.
        while let Some(into) = self.joined_into(at)? {
            at = into;
        }
        Ok(at)
    }

    /// The rows that were joined into one, and those that were joined into them before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn rows_joined_into(&self, person: i64) -> Result<Vec<i64>, StoreError> {
        let mut find = self.sql.prepare(&format!("{} ORDER BY person", GAVE_WAY.replace("{person}", "$1")))?;
        Ok(find.query_map([person], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Whether a row is of somebody who was erased.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_erased(&self, person: i64) -> Result<bool, StoreError> {
        Ok(self.sql.prepare("SELECT 1 FROM person_erased WHERE person = $1")?.exists([person])?)
    }

    /// Whether a person has a card that works or may, one in the making, or asks for one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn has_card_or_wish(&self, person: i64) -> Result<bool, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT 1 FROM person p WHERE p.id = $1
             AND (EXISTS (SELECT 1 FROM card c WHERE c.person = p.id AND c.state NOT IN ('cancelled', 'spoilt'))
                  OR EXISTS (SELECT 1 FROM job j WHERE j.person = p.id AND j.state IN ('requested', 'waiting', 'writing'))
                  OR EXISTS (SELECT 1 FROM card_request r WHERE r.person = p.id AND r.state IN ('open', 'batched')))",
        )?;
        Ok(find.exists([person])?)
    }

    /// The person goes on in another row. Tickets go along, and what benefits the other row has none of.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn join_person(&self, person: i64, into: i64, ordered_by: i64) -> Result<(), StoreError> {
        let sql = "INSERT INTO person_joined (person, into_person, joined_at, ordered_by) VALUES ($1, $2, $3, $4)";
        self.sql.execute(sql, (person, into, clock::now(), ordered_by))?;
        self.sql.execute("UPDATE ticket SET person = $1 WHERE person = $2", (into, person))?;
        for (rows, month) in [("contribution", "month"), ("account_year", "year")] {
            let sql = format!(
                "UPDATE {rows} SET person = $1 WHERE person = $2 AND NOT EXISTS (SELECT 1 FROM {rows} b
                 WHERE b.person = $1 AND b.insurance = {rows}.insurance AND b.{month} = {rows}.{month})"
            );
            self.sql.execute(&sql, (into, person))?;
        }
        Ok(())
    }

    /// The person of a number, now or before: the one who has it, or the one to whom it belonged. A number that was never the person's finds
    /// nobody, unless `also_wrong`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn known_by_any_number(&self, number: &str, also_wrong: bool) -> Result<Option<Known>, StoreError> {
        if let Some(known) = self.known_by_number(number)? {
            return Ok(Some(known));
        }
        let formers = self.former_by_number(number)?;
        let own = |(because, _): &&(Because, i64)| *because == Because::Changed || also_wrong;
        let Some((_, person)) = formers.iter().find(own) else { return Ok(None) };
        self.known_person(self.goes_on_in(*person)?)
    }

    /// The person of whom a statement with this number and name speaks. Under a number that was somebody's by mistake only who bears that
    /// person's name is that person.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn known_by_statement(&self, number: &str, name: &str) -> Result<Option<Known>, StoreError> {
        if let Some(known) = self.known_by_any_number(number, false)? {
            return Ok(Some(known));
        }
        for (_, person) in self.former_by_number(number)? {
            let known = self.known_person(self.goes_on_in(person)?)?;
            if let Some(known) = known.filter(|known| known.dossier.may_be(Field::Name, name)) {
                return Ok(Some(known));
            }
        }
        Ok(None)
    }

    fn former_by_number(&self, number: &str) -> Result<Vec<(Because, i64)>, StoreError> {
        let mut find = self
            .sql
            .prepare("SELECT because, person FROM person_former WHERE number_hash = $1 ORDER BY number DESC")?;
        let mut all = Vec::new();
        for hash in self.data()?.keys.lookups(Lookup::Number, number) {
            let rows =
                find.query_map([hash], |row| Ok((cell::one_of(row, 0, Because::ALL, Because::name)?, row.get(1)?)))?;
            for row in rows {
                all.push(row?);
            }
        }
        Ok(all)
    }

    /// Empties what orders and former numbers say of a person, the words of those who asked and refused among it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn forget_identities(&self, person: i64) -> Result<(), StoreError> {
        self.sql.execute("DELETE FROM person_former WHERE person = $1", [person])?;
        let words =
            "UPDATE identity_order SET reason = '-', rejection = CASE WHEN rejection IS NULL THEN NULL ELSE '-' END
                     WHERE person = $1 OR other = $1";
        self.sql.execute(words, [person])?;
        let mut find =
            self.sql.prepare("SELECT number FROM identity_order WHERE person = $1 AND identity IS NOT NULL")?;
        let numbers = find.query_map([person], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
        for number in numbers {
            let (key, cell) = self.seal(&order_place(number), &[])?;
            let sql = "UPDATE identity_order SET data_key = $1, identity = $2 WHERE number = $3";
            self.sql.execute(sql, (key, cell, number))?;
        }
        Ok(())
    }

    /// A person and the dossier.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn known_person(&self, id: i64) -> Result<Option<Known>, StoreError> {
        let found: Option<Dossier> = self.dossier(id)?;
        let mut import = self.sql.prepare("SELECT import FROM person WHERE id = $1")?;
        let Some(dossier) = found else { return Ok(None) };
        Ok(Some(Known { id, import: import.query_row([id], |row| row.get(0))?, dossier }))
    }
}

pub(super) fn order_place(number: i64) -> String {
    format!("identity order {number}")
}

pub(super) fn former_place(number: i64) -> String {
    format!("former number {number}")
}

fn order(row: &Row<'_>) -> engine::Result<Order> {
    Ok(Order {
        number: row.get(0)?,
        act: cell::one_of(row, 1, OrderAct::ALL, OrderAct::name)?,
        person: row.get(2)?,
        other: row.get(3)?,
        because: cell::one_of_option(row, 4, Because::ALL, Because::name)?,
        reason: row.get(5)?,
        state: cell::one_of(row, 6, OrderState::ALL, State::name)?,
        maker: row.get(7)?,
        made_at: row.get(8)?,
        checker: row.get(9)?,
        rejection: row.get(10)?,
    })
}

impl std::fmt::Debug for NewAct<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewAct(..)")
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(..)")
    }
}
