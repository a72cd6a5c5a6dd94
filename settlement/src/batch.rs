//! The upload batch: finished records of one terminal, counted, chained and signed.
//!
//! Owns: sealing and verification; what is missing is named. Never: checks a TAC (`tac`), finds duplicates (the ledger).
//! Units: batch and record sequences from 1, without gaps, for each terminal.

use serde::{Deserialize, Serialize};

use crate::canonical::Writer;
use crate::fen::{Fen, FenError};
use crate::id::{Digest, PublicKey, Signature, TerminalNumber};
use crate::limits::BATCH_RECORDS_MAX;
use crate::record::{Transaction, TransactionRecord};
use crate::signing::{self, TerminalKey, WrongSignature};

/// A batch as it travels; nothing in it is believed before [`SignedBatch::verify`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedBatch {
    /// Terminal that made it.
    pub terminal: TerminalNumber,
    /// Number of the batch.
    pub sequence: u32,
    /// Journal sequence of the first record.
    pub first_record: u64,
    /// Journal sequence of the last record.
    pub last_record: u64,
    /// Records in order.
    pub records: Vec<TransactionRecord>,
    /// Sums.
    pub totals: Totals,
    /// Hash of the batch before; zeros before the first.
    pub previous_hash: Digest,
    /// Hash of this one.
    pub hash: Digest,
    /// Signature over the hash.
    pub signature: Signature,
}

/// Counts and sums of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Purchases.
    pub purchases: u32,
    /// Paid from personal accounts.
    pub personal_account_fen: Fen,
    /// Paid in cash.
    pub self_paid_fen: Fen,
    /// Paid by the pool.
    pub pooled_fund_fen: Fen,
    /// Loads.
    pub loads: u32,
    /// Loaded.
    pub loaded_fen: Fen,
    /// What went back; left out of batches without it, as terminals wrote them before there were refunds.
    #[serde(default, skip_serializing_if = "Refunds::is_none")]
    pub refunds: Refunds,
}

/// Count and sums of the refunds in a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refunds {
    /// Refunds and cancels.
    pub count: u32,
    /// Credited to cards.
    pub personal_account_fen: Fen,
    /// Given back in cash.
    pub self_paid_fen: Fen,
    /// No longer paid by the pool.
    pub pooled_fund_fen: Fen,
}

/// Where a terminal's chain stands: what the next batch must continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainPosition {
    /// Sequence of the next batch.
    pub next_batch: u32,
    /// Journal sequence of the next record.
    pub next_record: u64,
    /// Hash of the last batch.
    pub previous_hash: Digest,
}

/// A batch whose signature, hash, chain and sums were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedBatch(SignedBatch);

/// Why a batch is not accepted. Nothing of it is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Another terminal's.
    #[error("the batch says terminal {found}, the request was signed by terminal {expected}")]
    OtherTerminal {
        /// Signed by.
        expected: TerminalNumber,
        /// Said in the batch, or in one of its records.
        found: TerminalNumber,
    },
    /// Signature wrong.
    #[error("batch {sequence}: {source}")]
    Signature {
        /// Batch.
        sequence: u32,
        /// Why.
        source: WrongSignature,
    },
    /// The hash does not fit the content.
    #[error("batch {sequence}: its hash does not fit its content")]
    Hash {
        /// Batch.
        sequence: u32,
    },
    /// No records, or too many.
    #[error("a batch has 1 to {BATCH_RECORDS_MAX} records, this one has {0}")]
    Size(usize),
    /// Already here.
    #[error("batch {sequence} of terminal {terminal} was received before; batch {expected} comes next")]
    AlreadyReceived {
        /// Terminal.
        terminal: TerminalNumber,
        /// Its sequence.
        sequence: u32,
        /// Expected sequence.
        expected: u32,
    },
    /// Batches between are missing.
    #[error("{} of terminal {terminal} never arrived", span("batch", "batches", u64::from(*first), u64::from(*last)))]
    BatchesMissing {
        /// Terminal.
        terminal: TerminalNumber,
        /// First missing batch.
        first: u32,
        /// Last missing batch.
        last: u32,
    },
    /// It does not continue the batch before.
    #[error("batch {sequence} of terminal {terminal} does not continue the batch that was received before it")]
    Chain {
        /// Terminal.
        terminal: TerminalNumber,
        /// Batch.
        sequence: u32,
    },
    /// Records are missing.
    #[error("{} of terminal {terminal} never arrived", span("record", "records", *first, *last))]
    RecordsMissing {
        /// Terminal.
        terminal: TerminalNumber,
        /// First missing record.
        first: u64,
        /// Last missing record.
        last: u64,
    },
    /// A record came before, or stands out of order.
    #[error("record {found} of terminal {terminal} stands where record {expected} belongs")]
    RecordRepeated {
        /// Terminal.
        terminal: TerminalNumber,
        /// Expected.
        expected: u64,
        /// Found.
        found: u64,
    },
    /// First and last record do not frame the records.
    #[error("batch {sequence} announces records {first} to {last} and holds others")]
    Frame {
        /// Batch.
        sequence: u32,
        /// Announced.
        first: u64,
        /// Announced.
        last: u64,
    },
    /// Sums differ.
    #[error("batch {sequence}: its totals are not the sums of its records")]
    Totals {
        /// Batch.
        sequence: u32,
    },
    /// A sum does not fit.
    #[error("batch totals: {0}")]
    Sum(#[from] FenError),
    /// The terminal has used up its numbers.
    #[error("terminal {0} has no batch or record numbers left")]
    NumbersUsedUp(TerminalNumber),
}

fn span(one: &str, many: &str, first: u64, last: u64) -> String {
    if first == last { format!("{one} {first}") } else { format!("{many} {first}–{last}") }
}

impl Totals {
    /// Sums of `records`.
    ///
    /// # Errors
    /// [`FenError::Overflow`].
    pub fn of(records: &[TransactionRecord]) -> Result<Self, FenError> {
        let mut totals = Self::default();
        for record in records {
            match &record.transaction {
                Transaction::Purchase { personal_account_fen, self_paid_fen, pooled_fund_fen, .. } => {
                    totals.purchases = totals.purchases.checked_add(1).ok_or(FenError::Overflow)?;
                    totals.personal_account_fen = totals.personal_account_fen.plus(*personal_account_fen)?;
                    totals.self_paid_fen = totals.self_paid_fen.plus(*self_paid_fen)?;
                    totals.pooled_fund_fen = totals.pooled_fund_fen.plus(*pooled_fund_fen)?;
                }
                Transaction::Load { amount_fen, .. } => {
                    totals.loads = totals.loads.checked_add(1).ok_or(FenError::Overflow)?;
                    totals.loaded_fen = totals.loaded_fen.plus(*amount_fen)?;
                }
                Transaction::Refund { personal_account_fen, self_paid_fen, pooled_fund_fen, .. } => {
                    let refunds = &mut totals.refunds;
                    refunds.count = refunds.count.checked_add(1).ok_or(FenError::Overflow)?;
                    refunds.personal_account_fen = refunds.personal_account_fen.plus(*personal_account_fen)?;
                    refunds.self_paid_fen = refunds.self_paid_fen.plus(*self_paid_fen)?;
                    refunds.pooled_fund_fen = refunds.pooled_fund_fen.plus(*pooled_fund_fen)?;
                }
            }
        }
        Ok(totals)
    }
}

impl Refunds {
    /// Nothing went back.
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl ChainPosition {
    /// Before the first batch.
    pub const START: Self = Self { next_batch: 1, next_record: 1, previous_hash: Digest::ZERO };
}

impl SignedBatch {
    /// Makes the next batch of `terminal` from `records`.
    ///
    /// # Errors
    /// [`BatchError`] when the records do not continue the chain without a gap.
    pub fn seal(
        key: &TerminalKey,
        terminal: TerminalNumber,
        position: &ChainPosition,
        records: Vec<TransactionRecord>,
    ) -> Result<Self, BatchError> {
        let size = BatchError::Size(records.len());
        let (first, last) = records.first().zip(records.last()).ok_or(size)?;
        let mut batch = Self {
            terminal,
            sequence: position.next_batch,
            first_record: first.journal_sequence,
            last_record: last.journal_sequence,
            totals: Totals::of(&records)?,
            previous_hash: position.previous_hash,
            hash: Digest::ZERO,
            signature: Signature([0; 64]),
            records,
        };
        batch.check_content(position)?;
        batch.hash = batch.content_hash();
        batch.signature = key.sign_batch(batch.hash);
        Ok(batch)
    }

    /// Checks everything that the batch alone and the terminal's chain can show.
    ///
    /// # Errors
    /// [`BatchError`]: the first thing that does not fit.
    pub fn verify(
        self,
        key: &PublicKey,
        terminal: TerminalNumber,
        position: &ChainPosition,
    ) -> Result<VerifiedBatch, BatchError> {
        if self.terminal != terminal {
            return Err(BatchError::OtherTerminal { expected: terminal, found: self.terminal });
        }
        if self.content_hash() != self.hash {
            return Err(BatchError::Hash { sequence: self.sequence });
        }
        signing::verify_batch(key, self.hash, &self.signature)
            .map_err(|source| BatchError::Signature { sequence: self.sequence, source })?;
        self.check_content(position)?;
        Ok(VerifiedBatch(self))
    }

    fn check_content(&self, position: &ChainPosition) -> Result<(), BatchError> {
        let (terminal, sequence) = (self.terminal, self.sequence);
        if self.records.is_empty() || self.records.len() > BATCH_RECORDS_MAX {
            return Err(BatchError::Size(self.records.len()));
        }
        if sequence < position.next_batch {
            return Err(BatchError::AlreadyReceived { terminal, sequence, expected: position.next_batch });
        }
        if sequence > position.next_batch {
            return Err(BatchError::BatchesMissing { terminal, first: position.next_batch, last: sequence - 1 });
        }
        if self.previous_hash != position.previous_hash {
            return Err(BatchError::Chain { terminal, sequence });
        }
        let mut expected = position.next_record;
        for record in &self.records {
            let found = record.journal_sequence;
            if record.terminal != terminal {
                return Err(BatchError::OtherTerminal { expected: terminal, found: record.terminal });
            }
            if found < expected {
                return Err(BatchError::RecordRepeated { terminal, expected, found });
            }
            if found > expected {
                return Err(BatchError::RecordsMissing { terminal, first: expected, last: found - 1 });
            }
            expected = expected.checked_add(1).ok_or(BatchError::NumbersUsedUp(terminal))?;
        }
        sequence.checked_add(1).ok_or(BatchError::NumbersUsedUp(terminal))?;
        if self.first_record != position.next_record || self.last_record != expected - 1 {
            return Err(BatchError::Frame { sequence, first: self.first_record, last: self.last_record });
        }
        if Totals::of(&self.records)? != self.totals {
            return Err(BatchError::Totals { sequence });
        }
        Ok(())
    }

    fn content_hash(&self) -> Digest {
        let totals = self.totals;
        let count = u64::try_from(self.records.len()).expect("a vector's length fits 64 bits");
        let refunds = totals.refunds;
        let writer = match refunds.is_none() {
            true => Writer::new("settlement-batch-1"),
            false => Writer::new("settlement-batch-2")
                .u32(refunds.count)
                .fen(refunds.personal_account_fen)
                .fen(refunds.self_paid_fen)
                .fen(refunds.pooled_fund_fen),
        };
        let writer = writer
            .fixed(&self.terminal.0)
            .u32(self.sequence)
            .u64(self.first_record)
            .u64(self.last_record)
            .u32(totals.purchases)
            .fen(totals.personal_account_fen)
            .fen(totals.self_paid_fen)
            .fen(totals.pooled_fund_fen)
            .u32(totals.loads)
            .fen(totals.loaded_fen)
            .fixed(&self.previous_hash.0)
            .u64(count);
        self.records.iter().fold(writer, |writer, record| writer.fixed(&record.hash().0)).digest()
    }
}

impl VerifiedBatch {
    /// The batch.
    #[must_use]
    pub const fn batch(&self) -> &SignedBatch {
        &self.0
    }

    /// The batch itself, for storing.
    #[must_use]
    pub fn into_batch(self) -> SignedBatch {
        self.0
    }

    /// Where the chain stands after this batch.
    #[must_use]
    pub const fn next_position(&self) -> ChainPosition {
        // Neither can overflow: verification refuses the last number of either kind.
        ChainPosition {
            next_batch: self.0.sequence + 1,
            next_record: self.0.last_record + 1,
            previous_hash: self.0.hash,
        }
    }
}

impl SignedBatch {
    /// Where the terminal's own chain stands after this batch.
    #[must_use]
    pub const fn next_position(&self) -> ChainPosition {
        ChainPosition {
            next_batch: self.sequence.saturating_add(1),
            next_record: self.last_record.saturating_add(1),
            previous_hash: self.hash,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::{load, purchase};
    use zeroize::Zeroizing;

    const TERMINAL: TerminalNumber = TerminalNumber([0x99, 0, 0x11, 0x22, 0x33, 0x44]);

    fn key() -> TerminalKey {
        TerminalKey::from_seed(&Zeroizing::new([3; 32]))
    }

    fn sealed() -> SignedBatch {
        SignedBatch::seal(&key(), TERMINAL, &ChainPosition::START, vec![purchase(1), load(2), purchase(3)])
            .expect("a whole chain")
    }

    fn verify(batch: SignedBatch, position: &ChainPosition) -> Result<VerifiedBatch, BatchError> {
        batch.verify(&key().public_key(), TERMINAL, position)
    }

    #[test]
    fn a_sealed_batch_verifies_after_its_journey_as_json() {
        let batch = sealed();
        let text = serde_json::to_string(&batch).expect("serializes");
        let back: SignedBatch = serde_json::from_str(&text).expect("reads back");
        let verified = verify(back, &ChainPosition::START).expect("verifies");
        assert_eq!(verified.batch().totals.personal_account_fen, Fen::new(500));
        assert_eq!(verified.batch().totals.loaded_fen, Fen::new(500));
        let next = verified.next_position();
        assert_eq!((next.next_batch, next.next_record), (2, 4));
        assert_eq!(next, batch.next_position());
        let second = SignedBatch::seal(&key(), TERMINAL, &next, vec![purchase(4)]).expect("continues");
        verify(second, &next).expect("continues");
    }

    #[test]
    fn any_changed_field_is_noticed() {
        let good = sealed();
        let hash = BatchError::Hash { sequence: 1 };
        type Change = (&'static str, fn(&mut SignedBatch));
        let changes: [Change; 8] = [
            ("a record's balance", |b| b.records[0].balance_after_fen = Fen::new(751)),
            ("a record dropped", |b| drop(b.records.pop())),
            ("records swapped", |b| b.records.swap(0, 2)),
            ("totals", |b| b.totals.purchases += 1),
            ("first", |b| b.first_record += 1),
            ("last", |b| b.last_record += 1),
            ("previous", |b| b.previous_hash = Digest([1; 32])),
            ("hash", |b| b.hash = Digest([1; 32])),
        ];
        for (what, change) in changes {
            let mut batch = good.clone();
            change(&mut batch);
            assert_eq!(verify(batch, &ChainPosition::START), Err(hash), "{what}");
        }
        let mut forged = good.clone();
        forged.signature.0[0] ^= 1;
        assert_eq!(
            verify(forged, &ChainPosition::START),
            Err(BatchError::Signature { sequence: 1, source: WrongSignature })
        );
        let other = TerminalNumber([1; 6]);
        assert_eq!(
            good.verify(&key().public_key(), other, &ChainPosition::START),
            Err(BatchError::OtherTerminal { expected: other, found: TERMINAL })
        );
    }

    #[test]
    fn what_never_arrived_is_named() {
        let position = ChainPosition { next_batch: 7, next_record: 118, previous_hash: Digest([9; 32]) };
        let late = ChainPosition { next_record: 121, ..position };
        let batch = SignedBatch::seal(&key(), TERMINAL, &late, vec![purchase(121)]).expect("whole");
        let error = verify(batch.clone(), &position).expect_err("three records missing");
        assert_eq!(error.to_string(), "records 118–120 of terminal 990011223344 never arrived");
        let error = verify(batch.clone(), &ChainPosition { next_record: 120, ..position }).expect_err("one missing");
        assert_eq!(error.to_string(), "record 120 of terminal 990011223344 never arrived");
        let error = verify(batch.clone(), &ChainPosition { next_batch: 5, ..late }).expect_err("batches missing");
        assert_eq!(error.to_string(), "batches 5–6 of terminal 990011223344 never arrived");
        let error = verify(batch.clone(), &ChainPosition { next_batch: 8, ..late }).expect_err("again");
        assert!(matches!(error, BatchError::AlreadyReceived { sequence: 7, expected: 8, .. }));
        let error = verify(batch.clone(), &ChainPosition { next_record: 122, ..late }).expect_err("again");
        assert!(matches!(error, BatchError::RecordRepeated { expected: 122, found: 121, .. }));
        let error = verify(batch, &ChainPosition { previous_hash: Digest::ZERO, ..late }).expect_err("another chain");
        assert!(matches!(error, BatchError::Chain { sequence: 7, .. }));
    }

    #[test]
    fn a_terminal_that_signs_wrong_sums_or_frames_is_refused() {
        let resealed = |change: fn(&mut SignedBatch)| {
            let mut batch = sealed();
            change(&mut batch);
            batch.hash = batch.content_hash();
            batch.signature = key().sign_batch(batch.hash);
            verify(batch, &ChainPosition::START)
        };
        assert!(resealed(|_| ()).is_ok());
        assert_eq!(resealed(|b| b.totals.pooled_fund_fen = Fen::new(1)), Err(BatchError::Totals { sequence: 1 }));
        let frame = resealed(|b| b.last_record = 4);
        assert_eq!(frame, Err(BatchError::Frame { sequence: 1, first: 1, last: 4 }));
        assert!(matches!(resealed(|b| b.first_record = 2), Err(BatchError::Frame { first: 2, .. })));
        assert!(matches!(
            resealed(|b| b.records.swap(0, 1)),
            Err(BatchError::RecordsMissing { first: 1, last: 1, .. })
        ));
    }

    #[test]
    fn a_gap_inside_cannot_be_sealed() {
        let seal = |records| SignedBatch::seal(&key(), TERMINAL, &ChainPosition::START, records);
        let gap = seal(vec![purchase(1), purchase(4)]).expect_err("gap");
        assert_eq!(gap, BatchError::RecordsMissing { terminal: TERMINAL, first: 2, last: 3 });
        assert_eq!(seal(vec![]), Err(BatchError::Size(0)));
        assert_eq!(seal((1..=1001).map(purchase).collect()), Err(BatchError::Size(1001)));
        let foreign = TransactionRecord { terminal: TerminalNumber([1; 6]), ..purchase(1) };
        assert!(matches!(seal(vec![foreign]), Err(BatchError::OtherTerminal { .. })));
    }

    #[test]
    fn numbers_at_their_end_are_an_error() {
        let end = ChainPosition { next_record: u64::MAX, ..ChainPosition::START };
        let sealed = SignedBatch::seal(&key(), TERMINAL, &end, vec![purchase(u64::MAX)]);
        assert_eq!(sealed, Err(BatchError::NumbersUsedUp(TERMINAL)));
        let end = ChainPosition { next_batch: u32::MAX, ..ChainPosition::START };
        let sealed = SignedBatch::seal(&key(), TERMINAL, &end, vec![purchase(1)]);
        assert_eq!(sealed, Err(BatchError::NumbersUsedUp(TERMINAL)));
    }
}
