//! Money of cards that are out of use for good: it goes to the holder, who gets it on the next card.
//!
//! ```toml
//! [life]
//! balance_move_days = 30   # days from a card's cancellation, for what terminals still have to upload
//! ```
//!
//! What the ledger says of such a card moves to `pending:<holder>` once its days are over. A purchase or load that is uploaded
//! later is posted to the card as ever, and the difference follows at once in the same transaction: the card's account is zero
//! again, and the holder's is right, below zero until the next allotment where the money was given out already.
//!
//! A holder who goes on in another row of the registry (docs/adr/0097) takes along what waits; whatever comes later goes there at once.
//!
//! Source: the rule and its days are the site's (assumed). Owns: which cards, when, under which reference. Never: moves money of the
//! dead, whose heirs a person settles with; believes a chip.
//! Units: fen.

use serde::Serialize;
use settlement::fen::Fen;
use settlement::id::CardIdentifier;

use super::ledger::{Account, Posting, PostingKind};
use super::refusal::ClearingError;
use crate::audit::Act;
use crate::clock;
use crate::lang::Lang;
use crate::output::Show;
use crate::store::Tx;

/// Money that followed its holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Followed {
    /// Card that had it.
    pub card_identifier: CardIdentifier,
    /// Holder, by the row number of the registry.
    pub holder: i64,
    /// Amount; below zero where the card spent what had moved already.
    pub amount_fen: Fen,
}

/// Several of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moves {
    /// In order of their cards.
    pub moved: Vec<Followed>,
    /// Their sum.
    pub sum_fen: Fen,
}

/// Moves what stands on cards whose days are over.
///
/// # Errors
/// [`ClearingError`]; nothing was moved then.
pub fn move_due(tx: &Tx<'_>, days: u16, actor: &str) -> Result<(Moves, Act), ClearingError> {
    let mut moved = Vec::new();
    for (card, holder) in tx.cards_to_clear(&clock::days_ago(days))? {
        moved.extend(clear(tx, card, holder)?);
    }
    let sum_fen = Fen::sum(moved.iter().map(|one: &Followed| one.amount_fen))?;
    let detail = format!("{} cards, {sum_fen} yuan", moved.len());
    let act = Act { actor: actor.to_owned(), act: "account.move-balances", object: "cards".to_owned(), detail };
    Ok((Moves { moved, sum_fen }, act))
}

/// After a posting on a card's account: what was booked late follows what has moved.
///
/// # Errors
/// [`ClearingError`].
pub(super) fn follow(tx: &Tx<'_>, card: CardIdentifier) -> Result<(), ClearingError> {
    if tx.times_cleared(card)? == 0 {
        return Ok(());
    }
    let Some(facts) = tx.card_facts(card)? else { return Ok(()) };
    clear(tx, card, facts.holder).map(drop)
}

/// What waits for a person, or is owed, goes along when the person goes on in another row.
///
/// # Errors
/// [`ClearingError`].
pub(crate) fn join(tx: &Tx<'_>, person: i64, into: i64, order: i64) -> Result<(), ClearingError> {
    let (from, to) = (Account::Pending(person), Account::Pending(into));
    let waits = tx.balance(&from)?;
    if waits == Fen::ZERO {
        return Ok(());
    }
    let posting = Posting::transfer(format!("joined:{order}"), PostingKind::Correction, from, to, waits)?;
    tx.post_once(&posting, tx.current_window()?)
}

fn clear(tx: &Tx<'_>, card: CardIdentifier, holder: i64) -> Result<Option<Followed>, ClearingError> {
    let holder = tx.goes_on_in(holder)?;
    let amount_fen = tx.balance(&Account::Card(card))?;
    if amount_fen == Fen::ZERO || tx.death(holder)?.is_some() {
        return Ok(None);
    }
    let reference = format!("card-cleared:{card}:{}", tx.clear_card(card)?);
    let (from, to) = (Account::Card(card), Account::Pending(holder));
    let posting = if amount_fen > Fen::ZERO {
        Posting::transfer(reference, PostingKind::CardCleared, from, to, amount_fen)?
    } else {
        Posting::transfer(reference, PostingKind::CardCleared, to, from, Fen::ZERO.minus(amount_fen)?)?
    };
    tx.post_once(&posting, tx.current_window()?)?;
    Ok(Some(Followed { card_identifier: card, holder, amount_fen }))
}

impl Show for Moves {
    fn text(&self, lang: Lang) -> String {
        let lines = self.moved.iter().map(|Followed { card_identifier, holder, amount_fen }| {
            lang.pick(
                format!("{card_identifier}  {amount_fen} 元 → 人员 {holder}"),
                format!("{card_identifier}  {amount_fen} yuan → person {holder}"),
            )
        });
        let count = self.moved.len();
        let sum =
            lang.pick(format!("{count} 张卡，共 {} 元", self.sum_fen), format!("{count} cards, {} yuan", self.sum_fen));
        lines.chain([sum]).collect::<Vec<_>>().join("\n")
    }
}
