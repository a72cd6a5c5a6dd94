//! Whether a journal is whole: what can be proved of it from the file and the terminal's own signatures.
//!
//! ```text
//! pages → entries 1, 2, 3 … → each history by the published moves → records 1, 2, 3 … → batches: signed, chained, and
//! holding the very records of the journal
//! ```
//! Source: the table of moves (`settlement::journal`), the chain of batches (`settlement::batch`).
//! Owns: the list of faults. Never: mends one; sees what was cut off the end before it was uploaded, which nothing in the file
//! could show: the centre's chain and the card's log do.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use settlement::batch::ChainPosition;
use settlement::id::{CardIdentifier, Digest, PublicKey, TerminalNumber};
use settlement::journal::{Actor, Event, MOVES, State};
use settlement::message::{BatchRequest, Request as _};
use settlement::refund::{Parts, left_of};
use settlement::sale::{Consent, SaleRequest};

use crate::error::TerminalError;
use crate::journal::{Entry, Purchased, RefundState, Subject};
use crate::store::{Store, Told};

/// What a journal was found to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Entries looked at.
    pub entries: u64,
    /// Events looked at.
    pub events: u64,
    /// Records for the centre.
    pub records: u64,
    /// Batches that were signed.
    pub batches: u64,
    /// What does not fit, in the order in which it was found.
    pub faults: Vec<Fault>,
}

/// Something that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// Where: an entry, a record, a batch, a refund.
    pub place: String,
}

/// What does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// The file itself is damaged.
    Pages,
    /// Entries are missing.
    EntryGap,
    /// An entry's events are not moves of the table, or do not lead to its state.
    History,
    /// Records are missing or repeated.
    RecordGap,
    /// A record of what was not confirmed, or none of what was.
    RecordState,
    /// A record whose amounts contradict each other.
    RecordContradictory,
    /// A batch that is no message of this version.
    BatchMalformed,
    /// A batch whose signature, chain or sums do not verify.
    BatchAltered,
    /// The journal says something else than what was signed and sent.
    RecordDiffers,
    /// More was given back than was paid.
    RefundSum,
    /// The centre's word that is kept for a sale is not its word for that sale.
    ConsentAltered,
    /// Two confirmed transactions of a kind have the same number of the same card, which gives each of them once.
    NumberTwice,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Pages,
        Self::EntryGap,
        Self::History,
        Self::RecordGap,
        Self::RecordState,
        Self::RecordContradictory,
        Self::BatchMalformed,
        Self::BatchAltered,
        Self::RecordDiffers,
        Self::RefundSum,
        Self::ConsentAltered,
        Self::NumberTwice,
    ];

    /// Its stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Pages => "PAGES_DAMAGED",
            Self::EntryGap => "ENTRY_GAP",
            Self::History => "HISTORY_BROKEN",
            Self::RecordGap => "RECORD_GAP",
            Self::RecordState => "RECORD_STATE",
            Self::RecordContradictory => "RECORD_CONTRADICTORY",
            Self::BatchMalformed => "BATCH_MALFORMED",
            Self::BatchAltered => "BATCH_ALTERED",
            Self::RecordDiffers => "RECORD_DIFFERS",
            Self::RefundSum => "REFUND_SUM",
            Self::ConsentAltered => "CONSENT_ALTERED",
            Self::NumberTwice => "NUMBER_TWICE",
        }
    }
}

/// Looks at everything.
///
/// # Errors
/// [`TerminalError::Store`] when the file cannot be read at all.
pub fn verify(store: &Store, terminal: TerminalNumber, key: &PublicKey) -> Result<Verdict, TerminalError> {
    let mut verdict = Verdict::default();
    for place in store.page_faults()? {
        verdict.find(FaultKind::Pages, place);
    }
    let entries = store.entries()?;
    histories(store, &entries, &mut verdict)?;
    let records = records(&entries, &mut verdict);
    numbers(&entries, &mut verdict);
    batches(store, terminal, key, &records, &mut verdict)?;
    refunds(store, &entries, &mut verdict)?;
    consents(store, &mut verdict)?;
    Ok(verdict)
}

impl Verdict {
    fn find(&mut self, kind: FaultKind, place: impl fmt::Display) {
        self.faults.push(Fault { kind, place: place.to_string() });
    }
}

fn histories(store: &Store, entries: &[Entry], verdict: &mut Verdict) -> Result<(), TerminalError> {
    let told = store.told()?;
    let mut before = 0;
    for entry in entries {
        verdict.entries += 1;
        if entry.number.0 != before + 1 {
            verdict.find(FaultKind::EntryGap, entry.number);
        }
        before = entry.number.0;
        let events = told.get(&entry.number).map(Vec::as_slice).unwrap_or_default();
        verdict.events += u64::try_from(events.len()).unwrap_or(u64::MAX);
        if ends_in(events) != Some(entry.state) {
            verdict.find(FaultKind::History, entry.number);
        }
    }
    Ok(())
}

/// The state to which these events lead, every one of them a move of the table by who may make it.
fn ends_in(events: &[Told]) -> Option<State> {
    let (first, later) = events.split_first()?;
    let is_begun = first.event == "Prepared" && first.from.is_none() && first.to == State::Prepared.as_str();
    let mut state = is_begun.then_some(State::Prepared)?;
    let mut was_judged = false;
    for told in later {
        let event = Event::ALL.into_iter().find(|event| format!("{event:?}") == told.event)?;
        let row = MOVES.iter().find(|row| row.from == state && row.event == event)?;
        let fits = told.from.as_deref() == Some(row.from.as_str())
            && told.to == row.to.as_str()
            && told.actor == format!("{:?}", row.actor)
            && (told.has_reason || !row.reason_needed)
            // The card contradicts a person, never itself.
            && (event != Event::Contradicts || was_judged);
        was_judged |= row.actor == Actor::Supervisor;
        state = fits.then_some(row.to)?;
    }
    Some(state)
}

/// The hash of every record, by its number.
fn records(entries: &[Entry], verdict: &mut Verdict) -> BTreeMap<u64, Digest> {
    let mut hashes = BTreeMap::new();
    for entry in entries {
        // A record that a person made stays where the card contradicts it.
        let has_record = entry.state == State::Confirmed
            || (entry.is_contradicted() && entry.judged.as_ref().is_some_and(|said| said.done));
        if has_record != entry.record.is_some() {
            verdict.find(FaultKind::RecordState, entry.number);
        }
        let Some(number) = entry.record else { continue };
        verdict.records += 1;
        match entry.to_record() {
            Some(record) => {
                if record.check().is_err() {
                    verdict.find(FaultKind::RecordContradictory, number);
                }
                if hashes.insert(number, record.hash()).is_some() {
                    verdict.find(FaultKind::RecordGap, number);
                }
            }
            None => verdict.find(FaultKind::RecordState, entry.number),
        }
    }
    for (expected, number) in (1..).zip(hashes.keys()) {
        if *number != expected {
            verdict.find(FaultKind::RecordGap, expected);
            break;
        }
    }
    hashes
}

/// A card gives each number of purchases once, and each number of loads.
fn numbers(entries: &[Entry], verdict: &mut Verdict) {
    let mut known = BTreeSet::new();
    for entry in entries.iter().filter(|entry| entry.state == State::Confirmed) {
        let Some(sent) = entry.sent else { continue };
        let is_purchase = matches!(entry.draft.subject, Subject::Purchase { .. });
        if !known.insert((entry.draft.card_identifier, is_purchase, sent.card_sequence)) {
            verdict.find(FaultKind::NumberTwice, entry.number);
        }
    }
}

fn batches(
    store: &Store,
    terminal: TerminalNumber,
    key: &PublicKey,
    records: &BTreeMap<u64, Digest>,
    verdict: &mut Verdict,
) -> Result<(), TerminalError> {
    let mut position = ChainPosition::START;
    for batch in store.batches()? {
        verdict.batches += 1;
        let Ok(request) = serde_json::from_str::<BatchRequest>(&batch.letter.body) else {
            verdict.find(FaultKind::BatchMalformed, batch.sequence);
            return Ok(());
        };
        let Ok(verified) = request.batch.verify(key, terminal, &position) else {
            verdict.find(FaultKind::BatchAltered, batch.sequence);
            return Ok(());
        };
        for record in &verified.batch().records {
            if records.get(&record.journal_sequence) != Some(&record.hash()) {
                verdict.find(FaultKind::RecordDiffers, record.journal_sequence);
            }
        }
        position = verified.next_position();
    }
    Ok(())
}

fn refunds(store: &Store, entries: &[Entry], verdict: &mut Verdict) -> Result<(), TerminalError> {
    let orders: Vec<_> = store.refunds()?.into_iter().filter(|order| order.state != RefundState::Withdrawn).collect();
    let mut given: BTreeMap<(String, CardIdentifier), (Purchased, Vec<Parts>)> = BTreeMap::new();
    for order in &orders {
        let of = given.entry((order.original.name(), order.card_identifier));
        of.or_insert_with(|| (order.original, Vec::new())).1.push(order.parts);
    }
    for ((name, _), (bought, parts)) in given {
        let paid = match bought {
            Purchased::Here(number) => {
                let purchase = entries.iter().find(|entry| entry.number == number);
                purchase.map(|entry| Parts::of_card(entry.draft.subject.amounts()))
            }
            Purchased::Elsewhere { paid, .. } => Some(paid),
        };
        if paid.is_none_or(|paid| left_of(paid, parts).is_err()) {
            verdict.find(FaultKind::RefundSum, name);
        }
    }
    Ok(())
}

/// The centre's words are looked at with the key that is trusted now; one that was replaced since makes older words unprovable here.
fn consents(store: &Store, verdict: &mut Verdict) -> Result<(), TerminalError> {
    let Some(key) = store.centre_key()? else { return Ok(()) };
    for (entry, letter, consent) in store.consents(SaleRequest::PATH)? {
        let Some(consent) = consent else { continue };
        let asked = letter.request::<SaleRequest>().ok();
        let word = Consent::parse(&consent);
        if asked.zip(word).is_none_or(|(asked, word)| word.verify(&key, &asked.sale).is_err()) {
            verdict.find(FaultKind::ConsentAltered, entry);
        }
    }
    Ok(())
}
