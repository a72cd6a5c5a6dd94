//! Numbers that leave the centre: each is given out once, also by a centre that was brought back from a backup.
//!
//! Source: docs/adr/0027. Owns: the next number of each kind, the floor below which a restored centre gives out none.
//! Never: takes a number back.

use super::{StoreError, Tx};

/// A kind of number that others know the centre's things by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counter {
    /// 卡号 before its check character.
    CardNumber,
    /// Batches, on receipts and in files.
    Batch,
    /// Jobs, on receipts.
    Job,
    /// Requests, on slips at the counter.
    Request,
    /// Files to banks and factories, in their task numbers.
    ExchangeFile,
    /// Entries of the blacklist: terminals take only a newer one.
    Blacklist,
    /// Receipts of cards handed out.
    HandOut,
    /// Parcels and sacks, on their labels.
    Parcel,
    /// Certificates of stations elsewhere.
    Certificate,
    /// Orders for PINs, on slips at the counter.
    PinOrder,
    /// Updates of cards, on slips at the counter.
    CardUpdate,
    /// Entries for the holder registry.
    Sync,
    /// Files to it, in their task numbers.
    SyncFile,
    /// Certificates of participation, on their prints.
    Participation,
    /// Tickets, told to those who opened them.
    Ticket,
    /// Row numbers of people, on slips and in lists.
    Person,
    /// Orders about who somebody is, told to whoever decides.
    IdentityOrder,
}

impl Counter {
    pub(crate) const ALL: [Self; 17] = [
        Self::CardNumber,
        Self::Batch,
        Self::Job,
        Self::Request,
        Self::ExchangeFile,
        Self::Blacklist,
        Self::HandOut,
        Self::Parcel,
        Self::Certificate,
        Self::PinOrder,
        Self::CardUpdate,
        Self::Sync,
        Self::SyncFile,
        Self::Participation,
        Self::Ticket,
        Self::Person,
        Self::IdentityOrder,
    ];

    /// The table, and the last number that it shows.
    const fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::CardNumber => ("card_number", "COALESCE(MAX(serial), 0) FROM card_number"),
            Self::Batch => ("batch", "COALESCE(MAX(number), 0) FROM batch"),
            Self::Job => ("job", "COALESCE(MAX(number), 0) FROM job"),
            Self::Request => ("card_request", "COALESCE(MAX(number), 0) FROM card_request"),
            Self::ExchangeFile => ("exchange_file", "COALESCE(MAX(number), 0) FROM exchange_file"),
            Self::Blacklist => ("blacklist", "COALESCE(MAX(sequence), 0) FROM blacklist"),
            Self::HandOut => (
                "stock_receipt",
                "COALESCE(MAX(number), 0) FROM (SELECT number FROM stock_receipt UNION ALL SELECT number FROM stock_receipt_void) r",
            ),
            // Their codes are texts that a site may use for a place of its own: see `given`.
            Self::Parcel => ("stock_place", "COUNT(*) FROM stock_place WHERE kind IN ('parcel', 'sack')"),
            Self::Certificate => ("certificate", "COALESCE(MAX(number), 0) FROM certificate"),
            Self::PinOrder => ("pin_order", "COALESCE(MAX(number), 0) FROM pin_order"),
            Self::CardUpdate => ("card_update", "COALESCE(MAX(number), 0) FROM card_update"),
            Self::Sync => ("registry_sync", "COALESCE(MAX(sequence), 0) FROM registry_sync"),
            Self::SyncFile => ("sync_file", "COALESCE(MAX(number), 0) FROM sync_file"),
            Self::Participation => {
                ("participation_certificate", "COALESCE(MAX(number), 0) FROM participation_certificate")
            }
            Self::Ticket => ("ticket", "COALESCE(MAX(number), 0) FROM ticket"),
            Self::Person => ("person", "COALESCE(MAX(id), 0) FROM person"),
            Self::IdentityOrder => ("identity_order", "COALESCE(MAX(number), 0) FROM identity_order"),
        }
    }

    fn fact(self) -> String {
        format!("floor.{}", self.place().0)
    }
}

impl Tx<'_> {
    /// The last number given out, or that may have been.
    pub(crate) fn last_given(&self, counter: Counter) -> Result<i64, StoreError> {
        let last: i64 = self.sql.query_row(&format!("SELECT {}", counter.place().1), (), |row| row.get(0))?;
        let floor = self.fact(&counter.fact())?.and_then(|text| text.parse().ok()).unwrap_or(0);
        Ok(last.max(floor))
    }

    /// The next number to give out.
    pub(crate) fn next_of(&self, counter: Counter) -> Result<i64, StoreError> {
        Ok(self.last_given(counter)? + 1)
    }

    /// A number was given out that its table does not show as such.
    pub(crate) fn given(&self, counter: Counter, number: i64) -> Result<(), StoreError> {
        self.set_fact(&counter.fact(), &number.to_string())
    }

    /// From now on no number up to `gap` behind the last one is given out.
    pub(crate) fn raise_floor(&self, counter: Counter, gap: u32) -> Result<(), StoreError> {
        let floor = self.last_given(counter)?.saturating_add(gap.into());
        self.set_fact(&counter.fact(), &floor.to_string())
    }
}
