//! By which identifier the journal first met each chip.
//!
//! Source: docs/adr/0092. Owns: rows of `chip`, which the database itself writes with a chip's first entry. Never: judges a card.

use rusqlite::OptionalExtension as _;
use settlement::id::{CardFactor, CardIdentifier};

use super::{Store, StoreError};
use crate::journal::EntryNumber;

impl Store {
    /// The entry in which the chip with this factor was first written down, where it had another identifier there than `card`: somebody
    /// rewrote the card since.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn other_name_of(&self, factor: CardFactor, card: &CardIdentifier) -> Result<Option<EntryNumber>, StoreError> {
        let fail = |source| self.failure(source);
        let mut find = self
            .connection
            .prepare_cached("SELECT entry FROM chip WHERE card_factor = ?1 AND card_identifier <> ?2")
            .map_err(fail)?;
        let entry = find.query_row([factor.to_string(), card.to_string()], |row| row.get::<_, i64>(0)).optional();
        Ok(entry.map_err(fail)?.map(|number| EntryNumber(number.unsigned_abs())))
    }
}

#[cfg(test)]
mod tests {
    use card_profiles::account::Amounts;
    use settlement::BusinessDate;
    use settlement::id::{BillId, Digest, TerminalNumber};

    use super::*;
    use crate::journal::{Draft, Journal as _, Subject};

    #[test]
    fn a_chip_is_known_by_the_identifier_of_its_first_entry() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let [one, other] = ["00000013", "00000099"]
            .map(|serial| CardIdentifier::parse(&format!("513300D156000005{serial}3A05F2E3")).expect("hex"));
        let factor = CardFactor([7; 8]);
        let mut met = |card_identifier| {
            let draft = Draft {
                terminal: TerminalNumber::parse("513300000001").expect("hex"),
                card_identifier,
                card_factor: factor,
                business_date: BusinessDate::parse("2026-01-05").expect("a date"),
                subject: Subject::Purchase {
                    amounts: Amounts { personal_account: 100, self_paid: 0, pooled_fund: 0 },
                    bill_id: BillId::parse("B-1").expect("a word"),
                    bill_hash: Digest([7; 32]),
                    sale_id: None,
                },
                paper: String::new(),
            };
            store.prepare(&draft).expect("written").number
        };
        let number = met(one);
        // What is written down of it under another name later changes nothing.
        assert_ne!(met(other), number);
        let other_name = |factor, card| store.other_name_of(factor, card).expect("readable");
        assert_eq!((other_name(factor, &one), other_name(factor, &other)), (None, Some(number)));
        assert_eq!(other_name(CardFactor([9; 8]), &other), None, "a chip that was never here");
    }
}
