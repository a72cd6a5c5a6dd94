//! Batches of cards to be made (制卡批次): one operator makes, another approves, a station personalizes.
//!
//! Owns: making, approving, spoiling; the errors. States and their moves are in `state`.
//! Never: lets a maker approve; gives a card number twice; talks to a card (`station`).

pub mod aside;
mod failure;
pub mod photo;
pub mod pool;
pub mod prefix;
pub mod rule;
mod state;

use serde::Serialize;

pub use self::failure::BatchError;
use crate::audit::Act;
use crate::exchange::state::FileState;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::person::no_card::NoCard;
use crate::request::{Kind, Request, RequestError, RequestMove, RequestState};
use crate::state::{State, word};
use crate::stock::{StockMove, blank};
use crate::store::{Store, StoreError, Tx};

pub use aside::SetAside;
pub use state::{BatchMove, BatchState, CardMove, CardState, JobMove, JobState, NumberMove, NumberState};

/// A batch and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Batch {
    /// Number.
    pub number: i64,
    /// State.
    pub state: String,
    /// County, when it was made for one.
    pub county: Option<String>,
    /// Operator who made it.
    pub maker: String,
    /// Operator who approved it.
    pub checker: Option<String>,
    /// People in it.
    pub cards: u64,
    /// Jobs not begun.
    pub waiting: u64,
    /// Jobs with a chip in work.
    pub writing: u64,
    /// Cards made.
    pub done: u64,
    /// Cards spoilt.
    pub spoilt: u64,
    /// Jobs that ended without a card, because none can be made for their people any more; of one batch, not of a list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set_aside: Vec<SetAside>,
    /// Of a batch that is made now: people who fit the selection and are not in it, for each reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<PassedOver>,
}

/// People for whom no card can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PassedOver {
    /// Why.
    pub reason: NoCard,
    /// How many.
    pub people: u64,
}

/// Several batches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Batches {
    /// In order of number.
    pub batches: Vec<Batch>,
}

/// Who is to get a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// People without a card, in order of registration: of a county or of all, at most so many.
    Next {
        /// County.
        county: Option<String>,
        /// Most cards.
        count: u32,
    },
    /// These people.
    People(Vec<i64>),
    /// Open requests that are not made at the counter, the oldest first: of a county or of all, at most so many.
    Open {
        /// County.
        county: Option<String>,
        /// Most cards.
        count: u32,
    },
    /// These requests.
    Requests(Vec<i64>),
    /// People of this batch whom a bank or factory refused: new jobs with new numbers.
    Refused(i64),
}

/// Makes a batch.
///
/// # Errors
/// [`BatchError`].
pub fn create(store: &mut Store, selection: &Selection, operator: Option<&str>) -> Result<Batch, BatchError> {
    let (rules, keys) = (store.making_rules(), store.card_keys());
    store.act(|tx| {
        let maker = tx.require(operator, Role::Capture)?;
        keys.as_ref().map_or(Ok(()), |keys| keys.require::<BatchError>(tx))?;
        let (mut passed_over, mut without_photo) = (Vec::new(), 0);
        let (county, requests) = match selection {
            Selection::Next { county, count } => {
                let page = |after, limit| tx.people_without_card(county.as_deref(), after, limit);
                let (people, without) = photo::with_photo(tx, rules, *count, |person| (*person, *person), page)?;
                passed_over = tx.people_passed_over(county.as_deref())?;
                without_photo = without;
                (county.clone(), first_requests(tx, &people, &maker)?)
            }
            Selection::People(people) => (None, first_requests(tx, &chosen(tx, people)?, &maker)?),
            Selection::Open { county, count } => {
                let page = |after, limit| tx.open_requests(county.as_deref(), after, limit);
                let of = |request: &Request| (request.number, request.person);
                let (requests, without) = photo::with_photo(tx, rules, *count, of, page)?;
                passed_over = tx.requests_passed_over(county.as_deref())?;
                without_photo = without;
                (county.clone(), requests)
            }
            Selection::Requests(requests) => (None, named(tx, requests)?),
            Selection::Refused(batch) => {
                let batch = found(tx, *batch)?;
                let mut requests = named(tx, &tx.requests_refused_in(batch.number)?)?;
                passed_over = keep_makeable(tx, &mut requests)?;
                without_photo = photo::keep_with_photo(tx, rules, &mut requests)?;
                (batch.county, requests)
            }
        };
        passed_over.extend(Some((NoCard::Photo, without_photo)).filter(|(_, people)| *people > 0));
        let passed_over: Vec<PassedOver> =
            passed_over.into_iter().map(|(reason, people)| PassedOver { reason, people }).collect();
        if requests.is_empty() {
            return Err(BatchError::NobodyLeft { passed_over });
        }
        none_is_kept(tx, requests.iter().map(|request| request.person))?;
        photo::everybody_has_one(tx, rules, requests.iter().map(|request| request.person))?;
        let number = tx.add_batch(county.as_deref(), &maker)?;
        for request in &requests {
            let job = tx.add_job(number, request.person, JobState::Requested)?;
            tx.move_request(request.number, RequestMove::Batch)?;
            tx.set_request_job(request.number, Some(job))?;
        }
        let act = Act {
            actor: maker,
            act: "batch.create",
            object: format!("batch {number}"),
            detail: format!("{} cards", requests.len()),
        };
        Ok((Batch { passed_over, ..found(tx, number)? }, act))
    })
}

/// Approves a batch and gives every job its card number.
///
/// # Errors
/// [`BatchError`].
pub fn approve(store: &mut Store, number: i64, operator: Option<&str>, prefix: char) -> Result<Batch, BatchError> {
    let keys = store.card_keys();
    store.act(|tx| {
        let checker = tx.require(operator, Role::Approve)?;
        keys.as_ref().map_or(Ok(()), |keys| keys.require::<BatchError>(tx))?;
        let batch = found(tx, number)?;
        if batch.maker == checker {
            return Err(BatchError::MakerIsChecker { number, maker: checker });
        }
        if batch.state != BatchState::Created.name() {
            return Err(BatchError::WrongState { number, state: batch.state });
        }
        // What was said of a person since the batch was made counts too.
        let jobs = tx.jobs(number, JobState::Requested)?;
        let people = jobs.iter().map(|job| tx.job_person(*job)).collect::<Result<Vec<i64>, _>>()?;
        none_is_kept(tx, people.into_iter())?;
        tx.approve_batch(number, &checker)?;
        for job in jobs {
            pool::give(tx, job, prefix)?;
            tx.move_job(job, JobMove::Approve)?;
        }
        let act = Act {
            actor: checker,
            act: "batch.approve",
            object: format!("batch {number}"),
            detail: format!("{} cards, made by {}", batch.cards, batch.maker),
        };
        Ok((found(tx, number)?, act))
    })
}

/// Gives up a batch that nobody approved.
///
/// # Errors
/// [`BatchError`].
pub fn cancel(store: &mut Store, number: i64, operator: Option<&str>) -> Result<Batch, BatchError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Capture).or_else(|_| tx.require(operator, Role::Approve))?;
        let batch = found(tx, number)?;
        if batch.state != BatchState::Created.name() {
            return Err(BatchError::WrongState { number, state: batch.state });
        }
        for job in tx.jobs(number, JobState::Requested)? {
            tx.move_job(job, JobMove::Cancel)?;
            if let Some(request) = tx.request_of_job(job)? {
                tx.move_request(request.number, RequestMove::Return)?;
                tx.set_request_job(request.number, None)?;
            }
        }
        tx.move_batch(number, BatchMove::Cancel)?;
        let act = Act { actor, act: "batch.cancel", object: format!("batch {number}"), detail: String::new() };
        Ok((found(tx, number)?, act))
    })
}

/// Gives up an approved batch that no station has begun and about which no partner is asked. Its people can be batched again;
/// its card numbers may stand in files and are never used.
///
/// # Errors
/// [`BatchError`].
pub fn withdraw(store: &mut Store, number: i64, reason: &str, operator: Option<&str>) -> Result<Batch, BatchError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Approve)?;
        let batch = found(tx, number)?;
        if batch.state != BatchState::Approved.name() {
            return Err(BatchError::WrongState { number, state: batch.state });
        }
        let awaited = [FileState::Prepared, FileState::Sent].map(State::name);
        let files = tx.exchange_files(Some(number))?;
        if let Some(file) = files.into_iter().find(|file| awaited.contains(&file.state.as_str())) {
            return Err(BatchError::PartnerAsked { number, task: file.task });
        }
        let waiting = tx.jobs(number, JobState::Waiting)?;
        for job in &waiting {
            tx.move_job(*job, JobMove::Withdraw)?;
            tx.move_number_of(*job, NumberMove::Spoil)?;
            if let Some(request) = tx.request_of_job(*job)? {
                tx.move_request(request.number, RequestMove::Return)?;
                tx.set_request_job(request.number, None)?;
            }
        }
        tx.move_batch(number, BatchMove::Withdraw)?;
        let detail = format!("{} cards: {}", waiting.len(), reason.trim());
        Ok((found(tx, number)?, Act { actor, act: "batch.withdraw", object: format!("batch {number}"), detail }))
    })
}

/// Declares a card in work lost: it is spoilt, its person gets another job.
///
/// # Errors
/// [`BatchError`].
pub fn declare_lost(
    store: &mut Store,
    number: i64,
    job: i64,
    operator: Option<&str>,
    prefix: char,
) -> Result<Batch, BatchError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Station)?;
        found(tx, number)?;
        if !tx.jobs(number, JobState::Writing)?.contains(&job) {
            return Err(BatchError::JobNotWriting { number, job });
        }
        let next = spoil(tx, number, job, prefix)?;
        tx.note(job, ("", "-"), "spoilt", "declared lost")?;
        let card = tx.job_card_number(job)?;
        blank::end(tx, StockMove::LoseInWork, &card, "declared lost", &actor).map_err(Box::new)?;
        let detail = format!("declared lost, followed by job {next}");
        let act = Act { actor, act: "card.spoil", object: format!("job {job}"), detail };
        Ok((found(tx, number)?, act))
    })
}

/// Marks job, card and card number of a failed card, and queues its person again with a new number.
///
/// # Errors
/// [`BatchError`].
pub(crate) fn spoil(tx: &Tx<'_>, batch: i64, job: i64, prefix: char) -> Result<i64, BatchError> {
    let person = tx.job_person(job)?;
    tx.move_job(job, JobMove::Spoil)?;
    tx.move_card(job, CardMove::Spoil)?;
    tx.move_number_of(job, NumberMove::Spoil)?;
    let next = tx.add_job(batch, person, JobState::Requested)?;
    pool::give(tx, next, prefix)?;
    tx.move_job(next, JobMove::Approve)?;
    if let Some(request) = tx.request_of_job(job)? {
        tx.set_request_job(request.number, Some(next))?;
    }
    Ok(next)
}

/// Gives up what is not begun for a person who died: jobs, their numbers, the request. What a partner is asked about ends with its
/// answer, and no station makes it; a card in work is finished and stays sealed.
///
/// # Errors
/// [`StoreError`].
pub(crate) fn give_up(tx: &Tx<'_>, person: i64) -> Result<u64, StoreError> {
    let mut dropped = 0;
    for (state, by) in [(JobState::Requested, JobMove::Cancel), (JobState::Waiting, JobMove::Refuse)] {
        for job in tx.jobs_not_begun(person, state)? {
            tx.move_job(job, by)?;
            if state == JobState::Waiting {
                tx.move_number_of(job, NumberMove::Spoil)?;
            }
            if let Some(request) = tx.request_of_job(job)? {
                tx.move_request(request.number, RequestMove::Return)?;
                tx.set_request_job(request.number, None)?;
            }
            dropped += 1;
        }
    }
    if let Some(request) = tx.open_request_of(person)?.filter(|request| request.state == RequestState::Open.name()) {
        tx.move_request(request.number, RequestMove::Withdraw)?;
    }
    Ok(dropped)
}

/// The requests of people who get their first card: the open one, or one that is made now.
fn first_requests(tx: &Tx<'_>, people: &[i64], maker: &str) -> Result<Vec<Request>, BatchError> {
    let mut requests = Vec::with_capacity(people.len());
    for person in people {
        let request = match tx.open_request_of(*person)? {
            Some(request) => request,
            None => {
                let number = tx.add_card_request(*person, Kind::First, false, None, maker)?;
                tx.request(number)?.ok_or(RequestError::NotFound { number })?
            }
        };
        requests.push(request);
    }
    Ok(requests)
}

/// Takes those out for whose people no card can be made; how many, for each reason.
fn keep_makeable(tx: &Tx<'_>, requests: &mut Vec<Request>) -> Result<Vec<(NoCard, u64)>, StoreError> {
    let mut kept: Vec<(NoCard, u64)> = NoCard::ALL.map(|why| (why, 0)).to_vec();
    let mut makeable = Vec::with_capacity(requests.len());
    for request in requests.drain(..) {
        match tx.why_no_card(request.person)? {
            None => makeable.push(request),
            Some(why) => kept.iter_mut().filter(|(known, _)| *known == why).for_each(|(_, people)| *people += 1),
        }
    }
    *requests = makeable;
    kept.retain(|(_, people)| *people > 0);
    Ok(kept)
}

/// # Errors
/// [`BatchError::PeopleKept`] with everybody for whom no card can be made.
fn none_is_kept(tx: &Tx<'_>, people: impl Iterator<Item = i64>) -> Result<(), BatchError> {
    let mut kept = Vec::new();
    for person in people {
        kept.extend(tx.why_no_card(person)?.map(|why| (person, why)));
    }
    if kept.is_empty() { Ok(()) } else { Err(BatchError::PeopleKept { people: kept }) }
}

/// Open requests by number.
fn named(tx: &Tx<'_>, numbers: &[i64]) -> Result<Vec<Request>, BatchError> {
    let (mut chosen, mut requests, mut refused) = (numbers.to_vec(), Vec::new(), Vec::new());
    chosen.sort_unstable();
    chosen.dedup();
    for number in chosen {
        match tx.request(number)? {
            Some(request) if request.state == RequestState::Open.name() => requests.push(request),
            _ => refused.push(number),
        }
    }
    if refused.is_empty() { Ok(requests) } else { Err(BatchError::RequestsRefused { requests: refused }) }
}

fn chosen(tx: &Tx<'_>, people: &[i64]) -> Result<Vec<i64>, BatchError> {
    let mut chosen = people.to_vec();
    chosen.sort_unstable();
    chosen.dedup();
    let mut refused = Vec::new();
    for person in &chosen {
        if !tx.person_lacks_card(*person)? {
            refused.push(*person);
        }
    }
    if refused.is_empty() { Ok(chosen) } else { Err(BatchError::PeopleRefused { people: refused }) }
}

/// The batch with this number.
///
/// # Errors
/// [`BatchError::NotFound`].
pub fn found(tx: &Tx<'_>, number: i64) -> Result<Batch, BatchError> {
    let batch = tx.batch(number)?.ok_or(BatchError::NotFound { number })?;
    Ok(Batch { set_aside: tx.jobs_set_aside(number)?, ..batch })
}

impl Show for Batch {
    fn text(&self, lang: Lang) -> String {
        let Self { number, state, county, maker, checker, cards, waiting, writing, done, spoilt, .. } = self;
        let state = word(&BatchState::TABLE, state, lang);
        let (county, checker) = (county.as_deref().unwrap_or("-"), checker.as_deref().unwrap_or("-"));
        let text = lang.pick(
            format!(
                "批次 {number}: {state}，县 {county}，制单 {maker}，审核 {checker}，{cards} 人: \
                 待制 {waiting}，制作中 {writing}，完成 {done}，作废 {spoilt}"
            ),
            format!(
                "batch {number}: {state}, county {county}, made by {maker}, approved by {checker}, {cards} people: \
                 {waiting} waiting, {writing} in work, {done} done, {spoilt} spoilt"
            ),
        );
        let aside = self.set_aside.iter().map(|one| one.text(lang));
        let remake = aside::remake(&self.set_aside, *number, lang);
        let over = self.passed_over.iter().map(|over| over.text(lang));
        std::iter::once(text).chain(aside).chain(remake).chain(over).collect::<Vec<_>>().join("\n")
    }
}

impl Show for PassedOver {
    fn text(&self, lang: Lang) -> String {
        let (people, why, list) = (self.people, self.reason.text(lang), "issuer person list --no-card");
        lang.pick(format!("略过 {people} 人: {why}（{list}）"), format!("{people} people passed over: {why} ({list})"))
    }
}

impl Show for Batches {
    fn text(&self, lang: Lang) -> String {
        self.batches.iter().map(|batch| batch.text(lang)).collect::<Vec<_>>().join("\n")
    }
}
