//! In the evening of a day: what every card, every terminal and the centre say, side by side.
//!
//! Owns: the comparison, card by card and bill by bill. Never: asks one of the three what another said.
//! Units: fen.

use std::collections::{BTreeMap, BTreeSet};

use card_counter::journal::Subject;
use card_counter::store::Store as Journal;
use issuer_service::centre::Centre;
use issuer_service::clearing::closing;
use issuer_service::clearing::decision::{self, DecisionMove, RowAct};
use issuer_service::clearing::refusal::ClearingError;
use issuer_service::clearing::sale::SaleState;
use issuer_service::clearing::upload::{RowKind, RowOutcome, UploadRow};
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
    /// Records that the centre held, of sales that the day's own table says were cut: two people posted them, as `issuer row` does.
    /// Their card paid elsewhere meanwhile, and proves only its last payment. A held record of any other sale is a finding.
    pub held: u64,
    /// What they took from cards.
    pub held_fen: i64,
    /// Records that the centre neither posted nor has a decision of: they agree with nothing.
    pub unposted: u64,
    /// What they took from cards.
    pub unposted_fen: i64,
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
        let Self { apart_fen, unposted, paid_twice, unpaid_receipts, open, findings, .. } = self;
        [*unposted, *paid_twice, *unpaid_receipts, *open] == [0; 4] && *apart_fen == 0 && findings.is_empty()
    }
}

/// Compares. `receipts` are the bills for which a receipt was seen, `cut` those of which something struck a try.
///
/// # Errors
/// [`Failure`].
pub fn agreement(town: &Town, receipts: &BTreeSet<String>, cut: &BTreeSet<String>) -> Result<Agreement, Failure> {
    let mut said = Agreement::default();
    let mut records: BTreeMap<(String, u64), String> = BTreeMap::new();
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
                let place = (entry.draft.terminal.to_string(), entry.record.unwrap_or_default());
                records.insert(place, bill_id.to_string());
                *bills.entry(bill_id.to_string()).or_default() += 1;
            }
        }
    }
    said.paid_twice = bills.values().filter(|times| **times > 1).count() as u64;
    said.unpaid_receipts = receipts.iter().filter(|bill| !bills.contains_key(*bill)).count() as u64;
    said.found_paid = bills.keys().filter(|bill| !receipts.contains(*bill)).count() as u64;
    decide(town, &mut said, |row| {
        let bill = records.get(&(row.terminal.to_string(), row.journal_sequence));
        bill.is_some_and(|bill| cut.contains(bill))
    })?;
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

/// Two people at the centre post what it held of sales that are known to have been cut; of all others nobody knows why.
fn decide(town: &Town, said: &mut Agreement, is_cut: impl Fn(&UploadRow) -> bool) -> Result<(), Failure> {
    let mut centre = Centre::open(&town.centre_folder())?;
    let rows = centre.store.read(|tx| -> Result<_, ClearingError> { Ok(tx.rows_not_posted()?) })?;
    let held = rows.iter().filter(|row| row.outcome == RowOutcome::Held && row.kind == RowKind::Purchase);
    for row in held.filter(|row| is_cut(row)) {
        let place = (row.terminal, row.journal_sequence);
        let reason = "the till's answer was cut";
        let proposed = centre.store.act(|tx| decision::propose(tx, place, RowAct::Post, reason, "maker"))?;
        centre.store.act(|tx| decision::decide(tx, proposed.number, DecisionMove::Approve, "checker"))?;
        said.held += 1;
        said.held_fen += row.personal_account_fen.get();
    }
    Ok(())
}

/// Fen on each card by the centre's ledger, and what in the centre's own books is not as it should be.
fn centre(town: &Town, said: &mut Agreement) -> Result<BTreeMap<String, i64>, Failure> {
    let mut centre = Centre::open_to_look(&town.centre_folder())?;
    let (balances, loads, sales, rows, proofs) = centre.store.read(|tx| -> Result<_, ClearingError> {
        let windows = tx.windows()?;
        let last = windows.last().map(|window| window.business_date);
        let rows = last.map_or_else(|| Ok(Vec::new()), |date| tx.rows_through(date))?;
        let proofs = windows.iter().map(|window| closing::prove(tx, window.business_date));
        let proofs: Result<Vec<_>, _> = proofs.collect();
        Ok((tx.all_balances()?, tx.open_loads()?, tx.sales(false)?, rows, proofs?))
    })?;
    said.open += loads.len() as u64;
    said.open += sales.iter().filter(|sale| sale.state == SaleState::Authorised).count() as u64;
    let cards = balances.iter().filter_map(|(account, fen)| Some((account.strip_prefix("card:")?, fen.get())));
    let ledger: BTreeMap<String, i64> = cards.map(|(card, fen)| (card.to_owned(), fen)).collect();
    let waiting: Vec<_> = rows.iter().filter(|row| row.is_open()).collect();
    said.unposted = waiting.len() as u64;
    said.unposted_fen = waiting.iter().map(|row| row.personal_account_fen.get()).sum();
    said.findings
        .extend(waiting.iter().map(|row| format!("{} {}: {:?}", row.terminal, row.journal_sequence, row.code)));
    let decided: BTreeSet<String> = rows
        .iter()
        .filter(|row| row.decided.is_some())
        .map(|row| format!("{}/{}", row.terminal, row.journal_sequence))
        .collect();
    for proof in &proofs {
        let broken = proof.equations.iter().filter(|equation| !equation.holds());
        said.findings.extend(broken.map(|equation| equation.code.to_owned()));
        said.findings.extend(
            proof
                .differences
                .iter()
                // Of a day that ended between its record and the decision.
                .filter(|found| !decided.contains(&found.reference))
                .map(|found| format!("{} {}", found.code, found.reference)),
        );
    }
    let sum: i64 = balances.iter().map(|(_, fen)| fen.get()).sum();
    if sum != 0 {
        said.findings.push(format!("the ledger's accounts come to {sum} fen"));
    }
    Ok(ledger)
}
