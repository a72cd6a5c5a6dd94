//! Sales with the centre's consent: the question before the card is debited, and the word about those that were not done.
//!
//! Source: `settlement::sale`. What was done goes with the next batch (`upload`), which is sent until it is answered.
//! Owns: what counts as no answer, what is still to be told. Never: a card; decides whether to sell without an answer (`pay`).

use settlement::id::RequestId;
use settlement::limits::CLOCK_DIFFERENCE_MAX_S;
use settlement::message::{Request, Version1};
use settlement::sale::{Sale, SaleOutcome, SaleOutcomeRequest, SaleRequest};

use crate::http::Centre;
use card_counter::clock::Now;
use card_counter::error::TerminalError;
use card_counter::journal::EntryNumber;
use card_counter::letter::Letter;
use card_counter::store::Store;
use card_counter::terminal;

/// What came of the question. A refusal is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The centre agrees.
    Agreed,
    /// Nobody knows whether it does.
    Unanswered,
}

/// Asks the centre about a sale, once; the question is written down first. Its yes counts with its signature, which is kept. What is owed from before is told first, so that it takes
/// nothing of the limits any more.
///
/// # Errors
/// [`TerminalError::CentreRefused`], [`TerminalError::ClockDiffers`]: the sale is not made. [`TerminalError::Store`].
pub fn ask(store: &mut Store, centre: &Centre<'_>, sale: Sale, entry: EntryNumber) -> Result<Asked, TerminalError> {
    match report(store, centre) {
        // What is owed stays owed; whether the centre agrees to this sale it says itself.
        Ok(_) | Err(TerminalError::CentreRefused { .. } | TerminalError::CentreAnswer { .. }) => {}
        Err(error) if is_no_answer(&error) => return Ok(Asked::Unanswered),
        Err(error) => return Err(error),
    }
    let request = SaleRequest { version: Version1, request_id: RequestId(terminal::random()?), sale };
    let letter = Letter::of(&request)?;
    store.write_letter(request.request_id, &letter, Some(entry))?;
    match centre.send::<SaleRequest>(&letter) {
        Ok(answer) => {
            let key = store.centre_key()?;
            if key.is_none_or(|key| answer.consent.verify(&key, &request.sale).is_err()) {
                // Somebody said yes who is not the centre: that is no answer of its.
                return Ok(Asked::Unanswered);
            }
            store.letter_agreed(request.request_id, &answer.consent)?;
            // The card keeps the date for good, and the centre judges by it.
            let centre = answer.consent.at;
            let apart = Now::of_china(centre).map(|at| at.seconds().abs_diff(Now::of_system().seconds()));
            if apart.is_none_or(|apart| apart > CLOCK_DIFFERENCE_MAX_S.unsigned_abs()) {
                return Err(TerminalError::ClockDiffers { centre });
            }
            Ok(Asked::Agreed)
        }
        Err(error) if is_no_answer(&error) => Ok(Asked::Unanswered),
        Err(error) => {
            if let TerminalError::CentreRefused { code, .. } = &error {
                store.letter_answered(request.request_id, code.as_str())?;
            }
            Err(error)
        }
    }
}

/// Tells the centre of sales that it was asked about and that were not done, once each; how many it has noted.
///
/// # Errors
/// [`TerminalError::CentreUnreachable`], or the first refusal that is not about the sale itself; what was not noted is kept, and told
/// again.
pub fn report(store: &mut Store, centre: &Centre<'_>) -> Result<u32, TerminalError> {
    for (entry, asked) in store.owed_sales(SaleRequest::PATH, SaleOutcomeRequest::PATH)? {
        let asked: SaleRequest = asked.request()?;
        let request_id = RequestId(terminal::random()?);
        let outcome = SaleOutcome::NotDone;
        let request = SaleOutcomeRequest { version: Version1, request_id, sale: asked.sale, outcome };
        store.write_letter(request_id, &Letter::of(&request)?, Some(entry))?;
    }
    deliver::<SaleOutcomeRequest>(store, centre)
}

/// Sends every letter of a kind that has no answer: one that is refused keeps none of the others waiting; how many were taken.
///
/// # Errors
/// [`TerminalError::CentreUnreachable`] at once; after the others the first refusal that did not end a letter.
pub(crate) fn deliver<R: Request>(store: &mut Store, centre: &Centre<'_>) -> Result<u32, TerminalError> {
    let (mut taken, mut refused) = (0, None);
    for (id, letter) in store.unanswered(R::PATH)? {
        match centre.send::<R>(&letter) {
            Ok(_) => {
                store.letter_answered(id, "OK")?;
                taken += 1;
            }
            // The centre's last word is an answer too: it looks into it, sending it again changes nothing.
            Err(TerminalError::CentreRefused { code, .. }) if code.ends_a_word() => {
                store.letter_answered(id, code.as_str())?;
            }
            Err(error @ (TerminalError::CentreRefused { .. } | TerminalError::CentreAnswer { .. })) => {
                refused.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    refused.map_or(Ok(taken), Err)
}

/// Whether the question may still have been taken over, or not have arrived at all.
#[must_use]
pub const fn is_no_answer(error: &TerminalError) -> bool {
    match error {
        TerminalError::CentreUnreachable { .. } | TerminalError::CentreAnswer { .. } => true,
        // TLS was not set up: no word of it was heard.
        TerminalError::Line(_) => true,
        TerminalError::CentreRefused { code, .. } => code.is_no_word(),
        _ => false,
    }
}
