//! The next tap: what did the card do, when its answer was lost?
//!
//! Source: COS manual: balance, counter, log record and proof change in one atomic step; the offline counter advances on
//! DEBIT only, the online counter on CREDIT only. PROVE names a transaction by type and number alone.
//! Owns: the decision, from facts read off the card. Never: reads the card; guesses: what the facts do not decide is a
//! [`Decision::Contradiction`] for a person.
//!
//! Between the lost answer and this tap the card may have paid at other terminals or been loaded. So a moved counter alone
//! proves nothing: our number may have been used elsewhere, for the same amount. Only the log record with our number, or a
//! proof whose MAC2 was verified with our own session key, names the transaction as ours.

use card_profiles::account::{Amounts, SequenceConvention};

use crate::date::DateTime;
use crate::fen::{Fen, FenError};
use crate::id::{Mac, Tac, TerminalNumber};

/// The journal entry that has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// Purchase or load.
    pub kind: Kind,
    /// Type byte of the profile for this kind.
    pub transaction_type: u8,
    /// Whether log and PROVE carry the number before or after the step.
    pub convention: SequenceConvention,
    /// Personal account that INITIALIZE answered.
    pub balance_before: Fen,
    /// Number that INITIALIZE answered: offline for a purchase, online for a load.
    pub card_sequence: u16,
    /// Amounts of the purchase; of a load, its amount as the personal account's.
    pub amounts: Amounts,
    /// Terminal in the command.
    pub terminal: TerminalNumber,
    /// Date and time in the command.
    pub date_time: DateTime,
}

/// Which counter and which direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// DEBIT FOR PURCHASE: offline counter, balance falls.
    Purchase,
    /// CREDIT FOR LOAD: online counter, balance rises.
    Load,
}

/// What the card shows now. The caller has checked that it is the same card.
#[derive(Clone, Copy, Debug)]
pub struct CardNow<'a> {
    /// The counter of this kind, as a new INITIALIZE answers it.
    pub sequence: u16,
    /// Personal account.
    pub balance: Fen,
    /// The log, newest first, whole; `None` when it could not be read.
    pub log: Option<&'a [LogRecord]>,
    /// What PROVE answered for our number; `None` when it answered none.
    pub proof: Option<Proof>,
}

/// A record of the card's transaction log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// Number, by the profile's convention.
    pub sequence: u16,
    /// Type.
    pub transaction_type: u8,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Date and time, as the bytes are.
    pub date_time: [u8; 7],
    /// Amounts.
    pub amounts: Amounts,
}

/// An answer of GET TRANSACTION PROVE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// TAC.
    pub tac: Tac,
    /// MAC2, whoever can check it.
    pub mac2: Mac,
    /// MAC2 was verified with the session key of *our* random, number and terminal sequence: nobody else's fits.
    pub mac2_verified: bool,
}

/// What the card did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// It did it, and here is the TAC.
    Done {
        /// TAC.
        tac: Tac,
        /// MAC2 beside it.
        mac2: Mac,
    },
    /// It did it; there is no TAC.
    DoneWithoutTac,
    /// It did not do it.
    NotDone,
    /// The facts contradict each other, or do not suffice. The entry stays UNCERTAIN; a person decides.
    Contradiction {
        /// Why.
        why: Contradiction,
    },
}

/// Why the facts do not decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Contradiction {
    /// The counter is lower than at the lost transaction: another card, or one put back to an older state.
    #[error("the card's counter went backwards")]
    CounterBackwards,
    /// The counter did not move, yet the balance did in this transaction's direction.
    #[error("the balance moved, but the card's counter did not")]
    BalanceWithoutCounter,
    /// The counter did not move, yet the log or a verified proof shows the transaction.
    #[error("log or proof show the transaction, but the card's counter did not move")]
    ShownWithoutCounter,
    /// The log names another transaction under our number, the verified proof names ours.
    #[error("the card's log and its proof name different transactions")]
    LogAgainstProof,
    /// The counter moved and nothing tells whose transaction took the number.
    #[error("the counter moved, and neither log nor verified proof tell for which transaction")]
    NoEvidence,
    /// The log shows every step since, and the balance is not what they give.
    #[error("the balance does not fit the transactions in the card's log")]
    BalanceAgainstLog,
    /// The transaction stands in the log under another number: the profile's convention is not this card's.
    #[error("the card's log numbers transactions otherwise than its profile says")]
    NumberedOtherwise,
    /// Amounts that no card holds.
    #[error("amounts do not fit a card")]
    Amounts,
}

/// What the log says about our number.
enum InLog {
    Ours,
    OursElsewhere,
    Another,
    Nothing,
}

/// Decides from the facts.
pub fn decide(entry: &Unanswered, now: &CardNow<'_>) -> Decision {
    let Some(steps) = now.sequence.checked_sub(entry.card_sequence) else {
        return Decision::Contradiction { why: Contradiction::CounterBackwards };
    };
    let verified = now.proof.is_some_and(|proof| proof.mac2_verified);
    match (steps, in_log(entry, now.log), verified) {
        (0, InLog::Ours, _) | (0, _, true) => contradiction(Contradiction::ShownWithoutCounter),
        // Also where the log has one like it under another number: two equal sales in one second.
        (0, InLog::Another | InLog::Nothing | InLog::OursElsewhere, false) => {
            let moved = match entry.kind {
                Kind::Purchase => now.balance < entry.balance_before,
                Kind::Load => now.balance > entry.balance_before,
            };
            if moved { contradiction(Contradiction::BalanceWithoutCounter) } else { Decision::NotDone }
        }
        (_, InLog::OursElsewhere, _) => contradiction(Contradiction::NumberedOtherwise),
        (_, InLog::Another, true) => contradiction(Contradiction::LogAgainstProof),
        (_, InLog::Another, false) => checked(entry, now, steps, Decision::NotDone),
        (_, InLog::Ours, _) | (_, InLog::Nothing, true) => {
            let done =
                now.proof.map_or(Decision::DoneWithoutTac, |proof| Decision::Done { tac: proof.tac, mac2: proof.mac2 });
            checked(entry, now, steps, done)
        }
        (_, InLog::Nothing, false) => contradiction(Contradiction::NoEvidence),
    }
}

const fn contradiction(why: Contradiction) -> Decision {
    Decision::Contradiction { why }
}

/// Number under which log and PROVE know the entry.
const fn number(entry: &Unanswered) -> u16 {
    match entry.convention {
        SequenceConvention::Before => entry.card_sequence,
        SequenceConvention::After => entry.card_sequence.wrapping_add(1),
    }
}

fn in_log(entry: &Unanswered, log: Option<&[LogRecord]>) -> InLog {
    let same_kind = |record: &&LogRecord| record.transaction_type == entry.transaction_type;
    let ours = |record: &LogRecord| {
        record.terminal == entry.terminal
            && record.date_time == entry.date_time.to_bcd()
            && record.amounts == entry.amounts
    };
    let records = || log.unwrap_or_default().iter().filter(same_kind);
    match records().find(|record| record.sequence == number(entry)) {
        Some(record) if ours(record) => InLog::Ours,
        _ if records().any(ours) => InLog::OursElsewhere,
        Some(_) => InLog::Another,
        None => InLog::Nothing,
    }
}

/// `decision`, unless the log holds every step of our kind since then and the balance is beyond what they explain.
/// Steps of the other kind are not counted by our counter; they only move the balance the other way.
fn checked(entry: &Unanswered, now: &CardNow<'_>, steps: u16, decision: Decision) -> Decision {
    let first = number(entry);
    let since: Vec<Fen> = now
        .log
        .unwrap_or_default()
        .iter()
        .filter(|r| r.transaction_type == entry.transaction_type)
        .filter(|r| r.sequence.checked_sub(first).is_some_and(|step| step < steps))
        .map(|r| Fen::from_card(r.amounts.personal_account))
        .collect();
    if since.len() != usize::from(steps) {
        return decision;
    }
    let fits = || -> Result<bool, FenError> {
        let moved = Fen::sum(since)?;
        Ok(match entry.kind {
            Kind::Purchase => now.balance >= entry.balance_before.minus(moved)?,
            Kind::Load => now.balance <= entry.balance_before.plus(moved)?,
        })
    };
    match fits() {
        Ok(true) => decision,
        Ok(false) => contradiction(Contradiction::BalanceAgainstLog),
        Err(_) => contradiction(Contradiction::Amounts),
    }
}

#[cfg(test)]
mod tests;
