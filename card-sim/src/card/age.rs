//! A card that has seen many transactions: its counters stand near their end.
//!
//! Source: PBOC: transaction numbers have 16 bits and do not roll over; the PSAM's has 32.
//! Owns: which counters those are. Never: is reached by a command of a card: only who holds the image ages it.
//! Units: numbers left before the last one that is used.

use super::{Card, account, purse};
use crate::memory::{Changes, MemoryError};

impl Card {
    /// Every transaction number has at most `left` more transactions before its end: one that stands nearer stays, as no number
    /// of a card ever goes back. What power loss left open is decided before.
    ///
    /// # Errors
    /// [`MemoryError`] when the image cannot be written.
    pub fn age(&mut self, left: u16) -> Result<(), MemoryError> {
        let powered = self.memory.is_powered();
        self.memory.power_on()?;
        let number = u16::MAX - left;
        let mut changes = Changes::default();
        for model in self.environments.all() {
            let account = model.account.iter().flat_map(account::numbers);
            for address in account.chain(model.purse.iter().flat_map(purse::numbers)) {
                let older = number.max(u16::from_be_bytes(self.memory.array(address)));
                changes.set(address, &older.to_be_bytes());
            }
            // Of a PSAM the number stored is the one used last.
            if let Some(psam) = &model.psam {
                let older = (u32::MAX - u32::from(left)).max(u32::from_be_bytes(self.memory.array(psam.sequence)));
                changes.set(psam.sequence, &older.to_be_bytes());
            }
        }
        self.memory.commit(&changes)?;
        if !powered {
            self.memory.power_off();
        }
        Ok(())
    }
}
