//! Refunds at other tills of what was sold here, as the centre told of them.
//!
//! Owns: rows of `given_elsewhere`, through which day of the centre they were told; which purchase each is of; which of them the centre
//! lost, and what a person decided of those (docs/adr/0080).
//! Never: asks the centre (`centre_line`), adds up (`given_back`, `refunds`).

use std::collections::BTreeSet;

use rusqlite::{Row, params};
use settlement::BusinessDate;
use settlement::fen::Fen;
use settlement::id::{CardIdentifier, LoadId, TerminalNumber};
use settlement::refund::{Elsewhere, Original, Parts, RefundAct, Standing};

use super::entries::write;
use super::{Store, StoreError};
use crate::clock::Now;
use crate::journal::GivenElsewhere;

/// Where an asking stands with a page.
#[derive(Clone, Copy, Debug)]
pub enum Asking<'a> {
    /// Another page follows.
    GoesOn,
    /// It was the last one.
    Ends {
        /// Day of the centre through which it told.
        through: BusinessDate,
        /// Ids of all that the centre has, where it was asked for all.
        all: Option<&'a BTreeSet<String>>,
    },
}

/// A refund that the centre told of and has in its books no more: it was brought back to a time before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostElsewhere {
    /// Its one id.
    pub load_id: LoadId,
    /// Purchase.
    pub original: Original,
    /// Card that paid.
    pub card_identifier: CardIdentifier,
    /// What was told of it.
    pub given: GivenElsewhere,
    /// Why a person dropped it, where one did: it counts no more.
    pub dropped_why: Option<String>,
    /// Who did.
    pub dropped_by: Option<String>,
}

/// What became of the wish to drop a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropping {
    /// It counts no more.
    Done,
    /// No such refund is lost, or it was dropped before.
    Unknown,
    /// The centre told that its card has it: it goes on counting.
    Credited,
}

/// Name of the fact: the day of the centre through which it told.
const THROUGH: &str = "elsewhere.through";

/// Of the rows of a purchase, where two tables have a name the rows' own.
macro_rules! of_entry {
    ($value:literal) => {
        concat!(
            "(SELECT ",
            $value,
            " FROM given_elsewhere AS given WHERE given.card_identifier = entry.card_identifier
              AND given.terminal_sequence = entry.terminal_sequence AND given.terminal = entry.terminal AND entry.kind = 'purchase'
              AND coalesce(given.card_sequence, entry.card_sequence) = entry.card_sequence AND given.dropped_at IS NULL)"
        )
    };
}

/// What other tills gave back of an entry, as a list of JSON arrays; empty for what is no purchase.
pub(super) const GIVEN: &str =
    of_entry!("json_group_array(json_array(act, personal_account, self_paid, pooled_fund, credited))");

/// What the card has of it, to its account.
pub(super) const ACCOUNT: &str = of_entry!("coalesce(sum(personal_account) FILTER (WHERE credited = 1), 0)");

/// What the card has of it, of all payers.
pub(super) const WHOLE: &str =
    of_entry!("coalesce(sum(personal_account + self_paid + pooled_fund) FILTER (WHERE credited = 1), 0)");

/// What [`GIVEN`] found; `None` where a value has a wrong form.
pub(super) fn given(text: String) -> Option<Vec<GivenElsewhere>> {
    if text == "[]" {
        return Some(Vec::new());
    }
    let rows: Vec<(String, i64, i64, i64, i64)> = serde_json::from_str(&text).ok()?;
    let read = |(act, account, cash, pool, credited): (String, _, _, _, _)| {
        let parts =
            Parts { personal_account: Fen::new(account), self_paid: Fen::new(cash), pooled_fund: Fen::new(pool) };
        Some(GivenElsewhere { act: RefundAct::parse(&act)?, parts, is_credited: credited == 1 })
    };
    rows.into_iter().map(read).collect()
}

impl Store {
    /// Through which day the centre told; `None` before it told anything.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn elsewhere_through(&self) -> Result<Option<BusinessDate>, StoreError> {
        Ok(self.fact(THROUGH)?.and_then(|text| BusinessDate::parse(&text).ok()))
    }

    /// Keeps what the centre told, each refund once by its id: what does not count any more goes away, what the centre lost stays and is
    /// marked, until it is told of again.
    ///
    /// # Errors
    /// [`StoreError`]: nothing of it was kept.
    pub fn keep_elsewhere(&mut self, told: &[Elsewhere], asking: Asking<'_>) -> Result<(), StoreError> {
        let place = self.place.clone();
        write(&mut self.connection, &place, |connection| {
            let mut keep = connection.prepare_cached(
                "INSERT OR REPLACE INTO given_elsewhere (load_id, terminal, terminal_sequence, card_sequence, card_identifier, act,
                     personal_account, self_paid, pooled_fund, credited) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?;
            let mut remove = connection.prepare_cached("DELETE FROM given_elsewhere WHERE load_id = ?1")?;
            for one in told {
                let id = one.load_id.to_string();
                if one.standing == Standing::NotCredited {
                    remove.execute([id])?;
                    continue;
                }
                keep.execute(params![
                    id,
                    one.original.terminal.to_string(),
                    one.original.terminal_sequence,
                    one.original.card_sequence,
                    one.card_identifier.to_string(),
                    one.act.as_str(),
                    one.parts.personal_account.get(),
                    one.parts.self_paid.get(),
                    one.parts.pooled_fund.get(),
                    one.standing == Standing::Credited,
                ])?;
            }
            let Asking::Ends { through, all } = asking else { return Ok(()) };
            connection.execute(
                "INSERT OR REPLACE INTO fact (name, value) VALUES (?1, ?2)",
                [THROUGH, &through.to_string()],
            )?;
            all.map_or(Ok(()), |all| mark_lost(connection, all))
        })
    }

    /// What the centre told of and lost since, by their ids.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn lost_elsewhere(&self) -> Result<Vec<LostElsewhere>, StoreError> {
        let fail = |source| self.failure(source);
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT load_id, terminal, terminal_sequence, card_sequence, card_identifier, act, personal_account, self_paid,
                     pooled_fund, credited, dropped_why, dropped_by FROM given_elsewhere WHERE lost_at IS NOT NULL ORDER BY load_id",
            )
            .map_err(fail)?;
        let rows = statement.query_map([], lost).map_err(fail)?;
        rows.map(|row| row.map_err(fail)?.ok_or_else(|| self.corrupt("a refund elsewhere has a value of a wrong form")))
            .collect()
    }

    /// A person knows that a refund which the centre lost did not reach its card: it counts no more. One of which the centre told that its
    /// card has it is not dropped.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn drop_elsewhere(&mut self, id: LoadId, why: &str, by: &str) -> Result<Dropping, StoreError> {
        let place = self.place.clone();
        let id = id.to_string();
        write(&mut self.connection, &place, |connection| {
            let changed = connection.execute(
                "UPDATE given_elsewhere SET dropped_at = ?2, dropped_why = ?3, dropped_by = ?4
                 WHERE load_id = ?1 AND lost_at IS NOT NULL AND dropped_at IS NULL AND credited = 0",
                params![id, Now::of_system().utc(), why, by],
            )?;
            if changed == 1 {
                return Ok(Dropping::Done);
            }
            let is_credited: bool = connection.query_row(
                "SELECT EXISTS (SELECT 1 FROM given_elsewhere
                 WHERE load_id = ?1 AND lost_at IS NOT NULL AND dropped_at IS NULL AND credited = 1)",
                params![id],
                |row| row.get(0),
            )?;
            Ok(if is_credited { Dropping::Credited } else { Dropping::Unknown })
        })
    }
}

/// Marks what is held and not in the centre's books.
fn mark_lost(connection: &rusqlite::Connection, all: &BTreeSet<String>) -> rusqlite::Result<()> {
    let mut held = connection.prepare_cached("SELECT load_id FROM given_elsewhere WHERE lost_at IS NULL")?;
    let held = held.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    let mut mark = connection.prepare_cached("UPDATE given_elsewhere SET lost_at = ?2 WHERE load_id = ?1")?;
    for id in held.iter().filter(|id| !all.contains(*id)) {
        mark.execute([id, &Now::of_system().utc()])?;
    }
    Ok(())
}

fn lost(row: &Row<'_>) -> rusqlite::Result<Option<LostElsewhere>> {
    let text = |column: usize| row.get::<_, String>(column);
    let (id, terminal, card, act) = (text(0)?, text(1)?, text(4)?, text(5)?);
    let (Ok(load_id), Ok(terminal), Ok(card_identifier), Some(act)) =
        (LoadId::parse(&id), TerminalNumber::parse(&terminal), CardIdentifier::parse(&card), RefundAct::parse(&act))
    else {
        return Ok(None);
    };
    let fen = |column: usize| row.get(column).map(Fen::new);
    let parts = Parts { personal_account: fen(6)?, self_paid: fen(7)?, pooled_fund: fen(8)? };
    Ok(Some(LostElsewhere {
        load_id,
        original: Original { terminal, terminal_sequence: row.get(2)?, card_sequence: row.get(3)? },
        card_identifier,
        given: GivenElsewhere { act, parts, is_credited: row.get(9)? },
        dropped_why: row.get(10)?,
        dropped_by: row.get(11)?,
    }))
}
