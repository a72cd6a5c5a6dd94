//! In the evening of a day: what every card, every terminal and the centre say, side by side.
//!
//! Owns: the comparison, card by card and bill by bill. Never: asks one of the three what another said.
//! Units: fen.

use std::collections::{BTreeMap, BTreeSet};

use card_counter::journal::Subject;
use card_counter::store::Store as Journal;
use issuer_service::centre::Centre;
use issuer_service::clearing::closing;
use issuer_service::clearing::refusal::ClearingError;
use issuer_service::clearing::upload::RowOutcome;
use settlement::journal::State;
use tear::books;
use tear::town::Town;

use crate::failure::Failure;

/// What the three say.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Agreement {
    /// Cards of which the three hold the same.
    pub cards: u64,
    /// Fen on all cards.
    pub on_cards_fen: i64,
    /// Fen by which journals and ledger are apart from the cards, over all of them.
    pub apart_fen: i64,
    /// Records that the centre has and does not post before a person has looked: their card paid elsewhere meanwhile, and proves
    /// only its last payment.
    pub held: u64,
    /// What they took from cards: known to all three, and counted with the ledger here.
    pub held_fen: i64,
    /// Bills that were paid twice.
    pub paid_twice: u64,
    /// Receipts without a payment in the journal.
    pub unpaid_receipts: u64,
    /// Payments whose holder had walked away.
    pub found_paid: u64,
    /// Entries, loads and records that are not at their end.
    pub open: u64,
    /// What the centre says does not fit.
    pub findings: Vec<String>,
}

impl Agreement {
    /// Whether they agree to the fen and nothing is left over.
    #[must_use]
    pub fn holds(&self) -> bool {
        let Self { apart_fen, paid_twice, unpaid_receipts, open, findings, .. } = self;
        (*apart_fen, *paid_twice, *unpaid_receipts, *open) == (0, 0, 0, 0) && findings.is_empty()
    }
}

/// Compares. `receipts` are the bills for which a receipt was seen.
///
/// # Errors
/// [`Failure`].
pub fn agreement(town: &Town, receipts: &BTreeSet<String>) -> Result<Agreement, Failure> {
    let mut said = Agreement::default();
    let mut journals: BTreeMap<String, i64> = BTreeMap::new();
    let mut bills: BTreeMap<String, u64> = BTreeMap::new();
    for terminal in 0..town.psams.len() {
        for entry in Journal::open(&town.terminal_folder(terminal))?.entries()? {
            said.open += u64::from(!entry.state.is_final());
            if entry.state != State::Confirmed {
                continue;
            }
            *journals.entry(entry.draft.card_identifier.to_string()).or_default() += books::moved(&entry.draft.subject);
            if let Subject::Purchase { bill_id, .. } = &entry.draft.subject {
                *bills.entry(bill_id.to_string()).or_default() += 1;
            }
        }
    }
    said.paid_twice = bills.values().filter(|times| **times > 1).count() as u64;
    said.unpaid_receipts = receipts.iter().filter(|bill| !bills.contains_key(*bill)).count() as u64;
    said.found_paid = bills.keys().filter(|bill| !receipts.contains(*bill)).count() as u64;
    let ledger = centre(town, &mut said)?;
    for card in 0..town.cards.len() {
        let identifier = books::identifier(town, card)?.to_string();
        let on_card = books::balance(town, card)?;
        said.on_cards_fen += on_card;
        let others = [&journals, &ledger].map(|book| book.get(&identifier).copied().unwrap_or_default());
        said.cards += u64::from(others == [on_card; 2]);
        said.apart_fen += others.iter().map(|held| (held - on_card).abs()).sum::<i64>();
    }
    Ok(said)
}

/// Fen on each card by the centre's ledger, and what in the centre's own books is not as it should be.
fn centre(town: &Town, said: &mut Agreement) -> Result<BTreeMap<String, i64>, Failure> {
    let mut centre = Centre::open_to_look(&town.centre_folder())?;
    let (balances, loads, rows, proofs) = centre.store.read(|tx| -> Result<_, ClearingError> {
        let windows = tx.windows()?;
        let last = windows.last().map(|window| window.business_date);
        let rows = last.map_or_else(|| Ok(Vec::new()), |date| tx.rows_through(date))?;
        let proofs = windows.iter().map(|window| closing::prove(tx, window.business_date));
        let proofs: Result<Vec<_>, _> = proofs.collect();
        Ok((tx.all_balances()?, tx.open_loads()?, rows, proofs?))
    })?;
    said.open += loads.len() as u64;
    let cards = balances.iter().filter_map(|(account, fen)| Some((account.strip_prefix("card:")?, fen.get())));
    let mut ledger: BTreeMap<String, i64> = cards.map(|(card, fen)| (card.to_owned(), fen)).collect();
    for row in &rows {
        match row.outcome {
            RowOutcome::Accepted => {}
            RowOutcome::Held => {
                let taken = row.personal_account_fen.get();
                said.held += 1;
                said.held_fen += taken;
                *ledger.entry(row.card_identifier.to_string()).or_default() -= taken;
            }
            RowOutcome::Refused => {
                said.findings.push(format!("{} {}: {:?}", row.terminal, row.journal_sequence, row.code))
            }
        }
    }
    for proof in &proofs {
        let broken = proof.equations.iter().filter(|equation| !equation.holds());
        said.findings.extend(broken.map(|equation| equation.code.to_owned()));
        said.findings.extend(
            proof
                .differences
                .iter()
                .filter(|found| found.code != "ROW_HELD")
                .map(|found| format!("{} {}", found.code, found.reference)),
        );
    }
    let sum: i64 = balances.iter().map(|(_, fen)| fen.get()).sum();
    if sum != 0 {
        said.findings.push(format!("the ledger's accounts come to {sum} fen"));
    }
    Ok(ledger)
}
