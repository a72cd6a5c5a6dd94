//! What other tills of the institution gave back of this till's purchases: asked at sign-in and with every upload.
//!
//! Source: `settlement::refund`, docs/adr/0101. Until the centre is asked the till cannot know of it.
//! Owns: the order of the pages, what an asking that comes to nothing means. Never: decides what follows from a refund
//! (`card_counter::given_back`).

use std::collections::BTreeSet;

use settlement::ErrorCode;
use settlement::id::{LoadId, RequestId, TerminalNumber};
use settlement::message::{Request as _, Version1};
use settlement::refund::ElsewhereRequest;

use crate::http::Centre;
use card_counter::error::TerminalError;
use card_counter::store::{Asking, Store};
use card_counter::terminal;

/// Pages of one asking: more refunds than a till sells in years.
const PAGES_MAX: usize = 1_000;

/// How much is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// What has no outcome, or got one since the last time.
    SinceLast,
    /// All there is: what the till holds beyond it, the centre lost with its database (docs/adr/0080).
    Whole,
}

/// What came of an asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// All that was asked.
    All,
    /// Nothing, or not all: the till knows what it knew, and asks again next time.
    NotAll,
}

/// Asks, and keeps page by page: killed in between, the next asking begins where the last whole one ended. A centre of before knows no such
/// question: then nothing is known, as before.
///
/// # Errors
/// [`TerminalError::Store`]. A centre that does not answer, refuses, or tells what is not of this terminal's purchases or in no order is
/// asked again next time: nothing else waits for it.
pub fn ask(
    store: &mut Store,
    centre: &Centre<'_>,
    ours: TerminalNumber,
    extent: Extent,
) -> Result<Told, TerminalError> {
    match pages(store, centre, ours, extent) {
        Ok(()) | Err(TerminalError::CentreRefused { code: ErrorCode::PathUnknown, .. }) => Ok(Told::All),
        Err(error @ TerminalError::Store(_)) => Err(error),
        Err(_) => Ok(Told::NotAll),
    }
}

fn pages(store: &mut Store, centre: &Centre<'_>, ours: TerminalNumber, extent: Extent) -> Result<(), TerminalError> {
    let since = match extent {
        Extent::SinceLast => store.elsewhere_through()?,
        Extent::Whole => None,
    };
    let (mut after, mut first) = (None::<LoadId>, None);
    let mut told = BTreeSet::new();
    for _ in 0..PAGES_MAX {
        let request_id = RequestId(terminal::random()?);
        let request = ElsewhereRequest { version: Version1, request_id, terminal: ours, since, after };
        let answer = centre.ask(&request)?;
        let malformed = || TerminalError::CentreAnswer { path: ElsewhereRequest::PATH };
        for refund in &answer.refunds {
            if refund.original.terminal != ours || after.is_some_and(|after| refund.load_id.0 <= after.0) {
                return Err(malformed());
            }
            after = Some(refund.load_id);
            told.insert(refund.load_id.to_string());
        }
        // Of the first page's day more may come while the others are asked for.
        let through = *first.get_or_insert(answer.through);
        let asking = match (answer.more, since) {
            (true, _) => Asking::GoesOn,
            (false, Some(_)) => Asking::Ends { through, all: None },
            (false, None) => Asking::Ends { through, all: Some(&told) },
        };
        store.keep_elsewhere(&answer.refunds, asking)?;
        match answer.more {
            false => return Ok(()),
            true if answer.refunds.is_empty() => return Err(malformed()),
            true => {}
        }
    }
    Err(TerminalError::CentreAnswer { path: ElsewhereRequest::PATH })
}
