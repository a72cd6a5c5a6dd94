//! The latest time that a record may have when it comes in: what is dated later comes from a clock that is ahead.
//!
//! A purchase has its terminal's time, in its TAC for good. One that is dated ahead of the centre's clock by more than
//! `record_ahead_minutes` of `centre.toml`, or counted on a business day that has not begun, is held (`RECORD_AHEAD`) until two people
//! decide it: limits, blacklist and day would be asked about a moment that has not been. A load or refund has the centre's own time.
//!
//! Source: docs/adr/0089. Owns: that bound. Never: looks at what else is wrong with a record (`upload`).

use settlement::code::ErrorCode;
use settlement::date::{BusinessDate, DateTime};
use settlement::record::{Transaction, TransactionRecord};

use super::refusal::ClearingError;
use crate::clock;
use crate::store::Tx;

/// The bound at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Latest {
    at: DateTime,
    day: BusinessDate,
}

impl Latest {
    /// Now, with so many minutes by which a terminal's clock may be ahead.
    ///
    /// # Errors
    /// [`ClearingError`].
    pub fn now(tx: &Tx<'_>, ahead_minutes: u16) -> Result<Self, ClearingError> {
        let at = clock::china_in(u32::from(ahead_minutes) * 60);
        // After a day was closed early its terminals count on the next one.
        Ok(Self { at, day: at.date().max(tx.current_window()?) })
    }

    /// The code that holds a record; `None` when its time may be.
    #[must_use]
    pub fn code(&self, record: &TransactionRecord) -> Option<ErrorCode> {
        let is_terminals = matches!(record.transaction, Transaction::Purchase { .. });
        let is_ahead = record.date_time > self.at || record.business_date > self.day;
        (is_terminals && is_ahead).then_some(ErrorCode::RecordAhead)
    }
}
