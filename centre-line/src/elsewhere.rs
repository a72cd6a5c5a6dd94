//! What other tills of the institution gave back of this till's purchases: asked at sign-in and with every upload.
//!
//! Source: `settlement::refund`, docs/adr/0101. Until the centre is asked the till cannot know of it.
//! Owns: the order of the pages. Never: decides what follows from a refund (`card_counter::given_back`).

use settlement::ErrorCode;
use settlement::id::{LoadId, RequestId, TerminalNumber};
use settlement::message::{Request as _, Version1};
use settlement::refund::ElsewhereRequest;

use crate::http::Centre;
use card_counter::error::TerminalError;
use card_counter::store::Store;
use card_counter::terminal;

/// Pages of one asking: more refunds than a till sells in years.
const PAGES_MAX: usize = 1_000;

/// Asks, and keeps page by page: killed in between, the next asking begins where the last whole one ended. A centre of before knows no such
/// question: then nothing is known, as before.
///
/// # Errors
/// [`TerminalError::CentreUnreachable`], [`TerminalError::CentreRefused`], [`TerminalError::CentreAnswer`] for refunds that are not of this
/// terminal's purchases or in no order, [`TerminalError::Store`].
pub fn ask(store: &mut Store, centre: &Centre<'_>, ours: TerminalNumber) -> Result<(), TerminalError> {
    let (since, mut after): (_, Option<LoadId>) = (store.elsewhere_through()?, None);
    let mut first = None;
    for _ in 0..PAGES_MAX {
        let request_id = RequestId(terminal::random()?);
        let request = ElsewhereRequest { version: Version1, request_id, terminal: ours, since, after };
        let answer = match centre.ask(&request) {
            Err(TerminalError::CentreRefused { code: ErrorCode::PathUnknown, .. }) => return Ok(()),
            answer => answer?,
        };
        let malformed = || TerminalError::CentreAnswer { path: ElsewhereRequest::PATH };
        for refund in &answer.refunds {
            if refund.original.terminal != ours || after.is_some_and(|after| refund.load_id.0 <= after.0) {
                return Err(malformed());
            }
            after = Some(refund.load_id);
        }
        // Of the first page's day more may come while the others are asked for.
        let through = *first.get_or_insert(answer.through);
        store.keep_elsewhere(&answer.refunds, (!answer.more).then_some(through))?;
        match answer.more {
            false => return Ok(()),
            true if answer.refunds.is_empty() => return Err(malformed()),
            true => {}
        }
    }
    Err(TerminalError::CentreAnswer { path: ElsewhereRequest::PATH })
}
