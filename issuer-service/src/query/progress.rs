//! 制卡进度: how far the new card of a person is, from what its steps left behind.
//!
//! Owns: which stage that is. Never: keeps a stage of its own.

use settlement::query::{NewCard, NewCardStage};

use crate::batch::{BatchState, JobState};
use crate::card::Card;
use crate::card::state::LifeState;
use crate::clock;
use crate::request::Request;
use crate::state::State;
use crate::stock::{StockState, Unit};
use crate::store::{StoreError, Tx};

/// The card that is under way for a person; `None` when there is none, or it is in their hands.
///
/// # Errors
/// [`StoreError`].
pub fn of_person(tx: &Tx<'_>, person: i64) -> Result<Option<NewCard>, StoreError> {
    let request = tx.open_request_of(person)?;
    if let Some(job) = tx.open_job_of(person)? {
        let approved = tx.batch_of_job(job)?.map(|batch| tx.batch_state(batch)).transpose()?.flatten();
        let begun = tx.job_state(job)?.as_deref() == Some(JobState::Writing.name());
        let stage = match approved.as_deref() {
            _ if begun => NewCardStage::Making,
            Some(state) if state == BatchState::Created.name() => NewCardStage::InBatch,
            _ if tx.task_that_asks(job)?.is_some() => NewCardStage::Making,
            _ => NewCardStage::Approved,
        };
        return Ok(Some(told(stage, request.as_ref(), None)));
    }
    if request.is_some() {
        return Ok(Some(told(NewCardStage::Requested, request.as_ref(), None)));
    }
    let sealed = |card: &Card| card.state == LifeState::Sealed.name();
    let Some(card) = tx.cards_of_person(person)?.into_iter().rev().find(sealed) else { return Ok(None) };
    let request = tx.request_of_job(card.job)?;
    Ok(whereabouts(tx, &card)?.map(|(stage, place)| told(stage, request.as_ref(), place)))
}

/// Where a card is that was made and nobody has: its stage, and the place where it is fetched.
fn whereabouts(tx: &Tx<'_>, card: &Card) -> Result<Option<(NewCardStage, Option<String>)>, StoreError> {
    // A site that keeps no stock knows only that the card is made.
    let Some(holding) = tx.holdings(&Unit::of_card(&card.card_number))?.into_iter().next() else {
        return Ok(Some((NewCardStage::Made, None)));
    };
    Ok(match StockState::of_name(&holding.state) {
        Some(StockState::Packed | StockState::InTransit) => Some((NewCardStage::OnTheWay, None)),
        Some(StockState::AtOutlet) => {
            let title = tx.stock_place(&holding.place)?.map(|place| place.title);
            Some((NewCardStage::ReadyToCollect, title.or(Some(holding.place))))
        }
        Some(StockState::Unclaimed | StockState::Returned) => Some((NewCardStage::Returned, None)),
        Some(StockState::HandedOut) => None,
        _ => Some((NewCardStage::Made, None)),
    })
}

fn told(stage: NewCardStage, request: Option<&Request>, collect_at: Option<String>) -> NewCard {
    let made_at = request.and_then(|request| clock::china_date_time(&request.made_at));
    NewCard {
        stage,
        request: request.map(|request| request.number),
        requested_on: made_at.map(|at| at.date()),
        collect_at,
    }
}
