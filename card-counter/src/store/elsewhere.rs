//! Refunds at other tills of what was sold here, as the centre told of them.
//!
//! Owns: rows of `given_elsewhere`, through which day of the centre they were told; which purchase each is of.
//! Never: asks the centre (`centre_line`), adds up (`given_back`, `refunds`).

use rusqlite::params;
use settlement::BusinessDate;
use settlement::fen::Fen;
use settlement::refund::{Elsewhere, Parts, RefundAct, Standing};

use super::entries::write;
use super::{Store, StoreError};
use crate::journal::GivenElsewhere;

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
              AND coalesce(given.card_sequence, entry.card_sequence) = entry.card_sequence)"
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

    /// Keeps what the centre told, each refund once by its id: what does not count any more goes away. `through` with the last page.
    ///
    /// # Errors
    /// [`StoreError`]: nothing of it was kept.
    pub fn keep_elsewhere(&mut self, told: &[Elsewhere], through: Option<BusinessDate>) -> Result<(), StoreError> {
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
            if let Some(through) = through {
                connection.execute(
                    "INSERT OR REPLACE INTO fact (name, value) VALUES (?1, ?2)",
                    [THROUGH, &through.to_string()],
                )?;
            }
            Ok(())
        })
    }
}
