//! Bringing the centre what the journal holds: signed gap-free batches, outcomes of loads.
//!
//! Source: `settlement::batch`; store and forward: everything is written down before it is sent, and sent again unchanged.
//! Owns: what is still to be sent, in which order. Never: makes a record (`journal`), speaks HTTP itself (`http`).

use settlement::DateTime;
use settlement::batch::{ChainPosition, SignedBatch};
use settlement::fen::Fen;
use settlement::id::{PublicKey, RequestId, TerminalNumber};
use settlement::journal::State;
use settlement::judgement::{ContradictionRequest, ProofRequest};
use settlement::limits::{BATCH_RECORDS_MAX, CLOCK_DIFFERENCE_MAX_S};
use settlement::message::{
    BatchRequest, LoadOutcome, LoadOutcomeRequest, LoadRequest, Request as _, SignInAnswer, SignInRequest,
    SignOutAnswer, SignOutRequest, Version1,
};
use settlement::record::CardsCode;
use settlement::signing::TerminalKey;

use crate::elsewhere::{self, Extent, Told};
use crate::http::Centre;
use crate::online;
use card_counter::clock::{Now, Running};
use card_counter::error::{BlacklistError, TerminalError};
use card_counter::journal::{Entry, EntryNumber};
use card_counter::letter::Letter;
use card_counter::store::{BatchAnswered, Store, StoreError};
use card_counter::terminal;

/// What an upload did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uploaded {
    /// Batches answered.
    pub batches: u32,
    /// Records posted.
    pub accepted: u64,
    /// Records not posted, with the centre's code.
    pub refused: Vec<(u64, String)>,
    /// Outcomes of loads reported.
    pub outcomes: u32,
    /// Sales reported that the centre was asked about and that were not done.
    pub sales: u32,
    /// Records of which the centre was told that their card contradicts them.
    pub contradicted: u32,
    /// Records of which the centre was told what code their card told afterwards.
    pub proved: u32,
    /// What is known of refunds at other tills after it; of [`tell`] nothing, which does not ask.
    pub elsewhere: Option<Told>,
}

/// Sends everything that waits: first outcomes of loads and of sales that were not done, then batches, then which records a
/// card contradicts; and asks what other tills gave back: that this stays unanswered takes nothing from what was taken.
///
/// # Errors
/// [`TerminalError::CentreUnreachable`] when the centre stops answering, or what it refused after all that it took: what was not
/// answered is kept and sent next time.
pub fn upload(store: &mut Store, centre: &Centre<'_>, key: &TerminalKey) -> Result<Uploaded, TerminalError> {
    // A word that the centre does not take keeps no record back.
    let (outcomes, first) = later(report_outcomes(store, centre))?;
    let (sales, second) = later(online::report(store, centre))?;
    let mut uploaded = Uploaded { outcomes, sales, ..Uploaded::default() };
    // Each round sends one stored batch; the journal bounds how many there are.
    while one_batch(store, centre, key, &mut uploaded)? {}
    let (contradicted, third) = later(report_contradictions(store, centre))?;
    uploaded.contradicted = contradicted;
    let (proved, fourth) = later(report_codes(store, centre))?;
    uploaded.proved = proved;
    let ours = store.terminal()?.ok_or(TerminalError::NotEnrolled)?;
    uploaded.elsewhere = Some(elsewhere::ask(store, centre, ours, Extent::SinceLast)?);
    first.or(second).or(third).or(fourth).map_or(Ok(uploaded), Err)
}

/// Batches that a sale may wait for: one that was sent before and not answered, and its own.
const BATCHES_OF_A_SALE: usize = 2;

/// Brings the centre one record, with what has to go before it in the chain, and nothing else: a holder is waiting. What else waits
/// goes with the next upload.
///
/// # Errors
/// As [`upload`].
pub fn tell(store: &mut Store, centre: &Centre<'_>, key: &TerminalKey, record: u64) -> Result<Uploaded, TerminalError> {
    let mut uploaded = Uploaded::default();
    for _ in 0..BATCHES_OF_A_SALE {
        if store.is_answered(record)? || !one_batch(store, centre, key, &mut uploaded)? {
            break;
        }
    }
    Ok(uploaded)
}

/// Brings the centre a record and all before it in the chain, however many: what comes next is about that record. What else waits,
/// and what the centre does not take, is no matter of it.
///
/// # Errors
/// As [`upload`].
pub fn up_to(store: &mut Store, centre: &Centre<'_>, key: &TerminalKey, record: u64) -> Result<(), TerminalError> {
    let mut uploaded = Uploaded::default();
    while !store.is_answered(record)? && one_batch(store, centre, key, &mut uploaded)? {}
    Ok(())
}

/// Reports how loads ended; what the centre does not take keeps nobody else's waiting.
///
/// # Errors
/// [`TerminalError::CentreUnreachable`], [`TerminalError::Store`].
pub fn offer_outcomes(store: &mut Store, centre: &Centre<'_>) -> Result<(), TerminalError> {
    later(report_outcomes(store, centre)).map(drop)
}

/// As [`offer_outcomes`], and whether the centre took what was said of this load.
///
/// # Errors
/// As [`offer_outcomes`]; what the centre said to this load.
pub fn report_outcome(store: &mut Store, centre: &Centre<'_>, entry: EntryNumber) -> Result<(), TerminalError> {
    let (_, refused) = later(report_outcomes(store, centre))?;
    match store.centre_said(entry, LoadOutcomeRequest::PATH)?.as_deref() {
        Some(TAKEN) => Ok(()),
        Some(code) => {
            let code = settlement::ErrorCode::parse(code);
            Err(TerminalError::CentreRefused { path: LoadOutcomeRequest::PATH, code })
        }
        None => refused.map_or(Ok(()), Err),
    }
}

/// How a letter stands that the centre took.
const TAKEN: &str = "OK";

/// Sends the next batch; whether there was one.
fn one_batch(
    store: &mut Store,
    centre: &Centre<'_>,
    key: &TerminalKey,
    uploaded: &mut Uploaded,
) -> Result<bool, TerminalError> {
    let Some(batch) = next_batch(store, key)? else { return Ok(false) };
    let answer = centre.send::<BatchRequest>(&batch.letter)?;
    let refused: Vec<(u64, String)> =
        answer.refused.iter().map(|record| (record.journal_sequence, record.code.to_string())).collect();
    store.batch_answered(&BatchAnswered {
        sequence: batch.sequence,
        accepted: answer.accepted,
        refused: refused.clone(),
    })?;
    uploaded.batches += 1;
    uploaded.accepted += u64::from(answer.accepted);
    uploaded.refused.extend(refused);
    Ok(true)
}

/// How many words were taken, and what is to be said of the others when everything else is done.
fn later(reported: Result<u32, TerminalError>) -> Result<(u32, Option<TerminalError>), TerminalError> {
    match reported {
        Ok(taken) => Ok((taken, None)),
        Err(error @ (TerminalError::CentreRefused { .. } | TerminalError::CentreAnswer { .. })) => Ok((0, Some(error))),
        Err(error) => Err(error),
    }
}

/// The oldest batch that was not answered, or a new one of the records that are in none.
fn next_batch(store: &mut Store, key: &TerminalKey) -> Result<Option<card_counter::store::StoredBatch>, TerminalError> {
    if let Some(waiting) = store.waiting_batch(BatchRequest::PATH)? {
        return Ok(Some(waiting));
    }
    let position = store.chain()?;
    let entries = store.finished_after(position.next_record - 1)?;
    let records: Vec<_> = entries.iter().take(BATCH_RECORDS_MAX).filter_map(Entry::to_record).collect();
    let Some(terminal) = records.first().map(|record| record.terminal) else { return Ok(None) };
    let batch = SignedBatch::seal(key, terminal, &position, records)
        .map_err(|_| TerminalError::Bug("records of the journal follow each other without a gap"))?;
    let request_id = RequestId(terminal::random()?);
    let request = BatchRequest { version: Version1, request_id, batch };
    store.write_batch(&request.batch, request_id, &Letter::of(&request)?)?;
    Ok(store.waiting_batch(BatchRequest::PATH)?)
}

/// Reports how loads ended that the centre was asked for, once each; how many it has noted.
///
/// # Errors
/// [`TerminalError::CentreUnreachable`], or the first refusal that is not about the load itself; what was not noted is kept, and told
/// again.
pub fn report_outcomes(store: &mut Store, centre: &Centre<'_>) -> Result<u32, TerminalError> {
    for entry in store.unreported_loads(LoadRequest::PATH, LoadOutcomeRequest::PATH)? {
        if let Some(request) = outcome(store, &entry)? {
            store.write_letter(request.request_id, &Letter::of(&request)?, Some(entry.number))?;
        }
    }
    online::deliver::<LoadOutcomeRequest>(store, centre)
}

/// Tells the centre of records that a person made and the card contradicts, once each; how many it has noted.
fn report_contradictions(store: &mut Store, centre: &Centre<'_>) -> Result<u32, TerminalError> {
    for entry in store.unreported_contradictions(ContradictionRequest::PATH)? {
        let record = entry.to_record().ok_or(TerminalError::Bug("what was judged done has a record"))?;
        let request = ContradictionRequest {
            version: Version1,
            request_id: RequestId(terminal::random()?),
            terminal: record.terminal,
            journal_sequence: record.journal_sequence,
            hash: record.hash(),
        };
        store.write_letter(request.request_id, &Letter::of(&request)?, Some(entry.number))?;
    }
    online::deliver::<ContradictionRequest>(store, centre)
}

/// Tells the centre what cards told afterwards of records that it could not post, once each; how many it has noted.
fn report_codes(store: &mut Store, centre: &Centre<'_>) -> Result<u32, TerminalError> {
    for (entry, code) in store.unreported_codes(ProofRequest::PATH)? {
        let record = entry.to_record().ok_or(TerminalError::Bug("what a card was asked about has a record"))?;
        let request_id = RequestId(terminal::random()?);
        let CardsCode { tac, number } = code;
        let request = ProofRequest { version: Version1, request_id, terminal: record.terminal, record, tac, number };
        store.write_letter(request_id, &Letter::of(&request)?, Some(entry.number))?;
    }
    online::deliver::<ProofRequest>(store, centre)
}

/// The outcome of a finished load or refund; `None` while it is open.
fn outcome(store: &Store, entry: &Entry) -> Result<Option<LoadOutcomeRequest>, TerminalError> {
    let Some(load_id) = entry.draft.subject.load_id() else { return Ok(None) };
    let outcome = match entry.state {
        State::Confirmed => LoadOutcome::Credited,
        State::Reversed | State::Refused => LoadOutcome::NotCredited,
        State::Prepared | State::Sent | State::Uncertain | State::Contradicted => return Ok(None),
    };
    let balance_after_fen = match (entry.done, entry.sent) {
        (Some(done), _) => Fen::from_card(done.balance_after),
        (None, Some(sent)) => Fen::from_card(sent.balance_before),
        (None, None) => store.asked_balance(entry.number, LoadRequest::PATH)?.unwrap_or(Fen::ZERO),
    };
    Ok(Some(LoadOutcomeRequest {
        version: Version1,
        request_id: RequestId(terminal::random()?),
        terminal: entry.draft.terminal,
        load_id,
        outcome,
        tac: entry.done.and_then(|done| done.evidence.tac()),
        balance_after_fen,
    }))
}

/// Trusts a key as the centre's: the first one that is named, and another only when a person says so.
///
/// # Errors
/// [`BlacklistError::KeyDiffers`].
pub fn trust(store: &mut Store, key: &PublicKey, replace: bool) -> Result<(), TerminalError> {
    match store.centre_key()? {
        Some(trusted) if trusted == *key => Ok(()),
        Some(trusted) if !replace => Err(BlacklistError::KeyDiffers { offered: *key, trusted }.into()),
        _ => Ok(store.set_centre_key(key)?),
    }
}

/// Signs in: business date, limits. A centre that holds another chain than this terminal is not worked with.
///
/// # Errors
/// [`TerminalError::ChainDiffers`], [`TerminalError::Parameters`], [`TerminalError::ClockDiffers`], or that the centre does not answer.
pub fn sign_in(
    store: &mut Store,
    centre: &Centre<'_>,
    request: &SignInRequest,
    now: Now,
) -> Result<SignInAnswer, TerminalError> {
    let letter = Letter::of(request)?;
    store.write_letter(request.request_id, &letter, None)?;
    let answer = centre.send::<SignInRequest>(&letter)?;
    store.letter_answered(request.request_id, "OK")?;
    let known = store.positions()?;
    if !known.contains(&answer.chain) {
        let ours = known.last().map_or(1, |position: &ChainPosition| position.next_batch);
        return Err(TerminalError::ChainDiffers { theirs: answer.chain.next_batch, ours });
    }
    trust(store, &answer.centre_key, false)?;
    let held = match store.sign_in() {
        // What somebody altered is no measure for what comes; it is replaced.
        Err(StoreError::Altered { .. }) => None,
        signed_in => signed_in?.map(|signed_in| signed_in.parameters),
    };
    let latest = now.later(CLOCK_DIFFERENCE_MAX_S).date_time();
    answer.parameters.open(&answer.centre_key, request.terminal, held, now.date_time(), latest)?;
    compare_clock(store, answer.parameters.issued_at, now)?;
    store.set_sign_in(&answer)?;
    Ok(answer)
}

/// Keeps the time that the centre has just signed, and compares the clock with it: one that is ahead dates sales in a time that has not
/// been. While the machine runs on, no sale is made by such a clock (`card_counter::check`).
///
/// # Errors
/// [`TerminalError::ClockDiffers`] where the clock is ahead, [`TerminalError::Store`].
pub fn compare_clock(store: &mut Store, issued_at: DateTime, now: Now) -> Result<(), TerminalError> {
    let Some(centre) = Now::of_china(issued_at) else { return Ok(()) };
    if let Some(running) = Running::of_system() {
        store.note_clock(centre, &running)?;
    }
    match now.seconds() > centre.later(CLOCK_DIFFERENCE_MAX_S).seconds() {
        true => Err(TerminalError::ClockDiffers { centre: issued_at }),
        false => Ok(()),
    }
}

/// Signs out (签退): nothing is sold from now on until the next sign-in, whether or not the centre hears of it; it is told where the
/// journal stands. What waits was uploaded before. Signing out twice tells the centre twice, and changes nothing else.
///
/// # Errors
/// [`TerminalError::CentreUnreachable`], [`TerminalError::CentreRefused`], [`TerminalError::Store`].
pub fn sign_out(
    store: &mut Store,
    centre: &Centre<'_>,
    number: TerminalNumber,
    now: Now,
) -> Result<SignOutAnswer, TerminalError> {
    if store.signed_out()?.is_none() {
        store.set_signed_out(now.date_time())?;
    }
    let (waiting, _) = store.pending()?;
    let open = store.entries()?.iter().filter(|entry| entry.state.blocks_card()).count();
    let open = u64::try_from(open).unwrap_or(u64::MAX);
    let request_id = RequestId(terminal::random()?);
    let request = SignOutRequest { version: Version1, request_id, terminal: number, waiting, open };
    let letter = Letter::of(&request)?;
    store.write_letter(request_id, &letter, None)?;
    let answer = centre.send::<SignOutRequest>(&letter)?;
    store.letter_answered(request_id, "OK")?;
    Ok(answer)
}
