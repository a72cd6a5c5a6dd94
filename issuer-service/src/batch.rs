//! Batches of cards to be made (制卡批次): one operator makes, another approves, a station personalizes.
//!
//! Owns: making, approving, spoiling; the errors. States and their moves are in `state`.
//! Never: lets a maker approve; gives a card number twice; talks to a card (`station`).

pub mod aside;
pub mod pool;
pub mod prefix;
mod state;

use serde::Serialize;

use crate::audit::Act;
use crate::error::Explain;
use crate::exchange::state::FileState;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::{OperatorError, Role};
use crate::output::Show;
use crate::person::no_card::NoCard;
use crate::request::{Kind, Request, RequestError, RequestMove, RequestState};
use crate::state::{State, word};
use crate::stock::{StockError, StockMove, blank};
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

/// Why a batch cannot be made, approved or run.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// Nobody to make a card for.
    #[error("nobody without a card fits the selection")]
    NobodyLeft {
        /// Who fits it, and cannot get a card.
        passed_over: Vec<PassedOver>,
    },
    /// For these people no card can be made.
    #[error("for {} people no card can be made", people.len())]
    PeopleKept {
        /// Who, and why.
        people: Vec<(i64, NoCard)>,
    },
    /// These people cannot be in a batch.
    #[error("{} of the people named cannot get a card", people.len())]
    PeopleRefused {
        /// Unknown, with a live card, or in another batch.
        people: Vec<i64>,
    },
    /// These requests cannot be in a batch.
    #[error("{} of the requests named are not open", requests.len())]
    RequestsRefused {
        /// Unknown, in a batch, done or withdrawn.
        requests: Vec<i64>,
    },
    /// There is no such card number.
    #[error("there is no such card number")]
    NumberUnknown,
    /// The card number is not free.
    #[error("the card number is {state}")]
    NumberTaken {
        /// State it is in.
        state: String,
    },
    /// There is no such batch.
    #[error("there is no batch {number}")]
    NotFound {
        /// Number.
        number: i64,
    },
    /// The batch is not in the state needed.
    #[error("batch {number} is {state}")]
    WrongState {
        /// Number.
        number: i64,
        /// State it is in.
        state: String,
    },
    /// The maker wants to approve.
    #[error("batch {number} was made by {maker}, who cannot approve it")]
    MakerIsChecker {
        /// Number.
        number: i64,
        /// The maker.
        maker: String,
    },
    /// The job named is not being written in this batch.
    #[error("job {job} of batch {number} is not being written")]
    JobNotWriting {
        /// Batch.
        number: i64,
        /// Job.
        job: i64,
    },
    /// The job named does not wait in this batch.
    #[error("job {job} of batch {number} does not wait")]
    JobNotWaiting {
        /// Batch.
        number: i64,
        /// Job.
        job: i64,
    },
    /// A bank or factory was asked about the batch and has not answered.
    #[error("file {task} of batch {number} awaits its answer")]
    PartnerAsked {
        /// Batch.
        number: i64,
        /// 任务号.
        task: String,
    },
    /// All numbers of the prefix are given away.
    #[error("no card number is left with prefix {prefix}")]
    NumbersExhausted {
        /// Prefix of the numbers.
        prefix: char,
    },
    /// Stock.
    #[error(transparent)]
    Stock(#[from] Box<StockError>),
    /// The request.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The operator.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a batch.
///
/// # Errors
/// [`BatchError`].
pub fn create(store: &mut Store, selection: &Selection, operator: Option<&str>) -> Result<Batch, BatchError> {
    store.act(|tx| {
        let maker = tx.require(operator, Role::Capture)?;
        let mut passed_over = Vec::new();
        let (county, requests) = match selection {
            Selection::Next { county, count } => {
                let people = tx.people_without_card(county.as_deref(), *count)?;
                (county.clone(), first_requests(tx, &people, &maker)?)
            }
            Selection::People(people) => (None, first_requests(tx, &chosen(tx, people)?, &maker)?),
            Selection::Open { county, count } => (county.clone(), tx.open_requests(county.as_deref(), *count)?),
            Selection::Requests(requests) => (None, named(tx, requests)?),
            Selection::Refused(batch) => {
                let batch = found(tx, *batch)?;
                let mut requests = named(tx, &tx.requests_refused_in(batch.number)?)?;
                passed_over = keep_makeable(tx, &mut requests)?;
                (batch.county, requests)
            }
        };
        match selection {
            Selection::Next { county, .. } => passed_over = tx.people_passed_over(county.as_deref())?,
            Selection::Open { county, .. } => passed_over = tx.requests_passed_over(county.as_deref())?,
            Selection::People(_) | Selection::Requests(_) | Selection::Refused(_) => {}
        }
        let passed_over: Vec<PassedOver> =
            passed_over.into_iter().map(|(reason, people)| PassedOver { reason, people }).collect();
        if requests.is_empty() {
            return Err(BatchError::NobodyLeft { passed_over });
        }
        none_is_kept(tx, requests.iter().map(|request| request.person))?;
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
    store.act(|tx| {
        let checker = tx.require(operator, Role::Approve)?;
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

impl Explain for BatchError {
    fn code(&self) -> &'static str {
        match self {
            Self::NobodyLeft { .. } => "BATCH_EMPTY",
            Self::PeopleKept { .. } => "BATCH_PEOPLE_KEPT",
            Self::PeopleRefused { .. } => "BATCH_PEOPLE_REFUSED",
            Self::RequestsRefused { .. } => "BATCH_REQUESTS_REFUSED",
            Self::NumberUnknown => "CARD_NUMBER_NOT_FOUND",
            Self::NumberTaken { .. } => "CARD_NUMBER_TAKEN",
            Self::NotFound { .. } => "BATCH_NOT_FOUND",
            Self::WrongState { .. } => "BATCH_STATE",
            Self::MakerIsChecker { .. } => "BATCH_MAKER_IS_CHECKER",
            Self::JobNotWriting { .. } => "JOB_NOT_WRITING",
            Self::JobNotWaiting { .. } => "JOB_NOT_WAITING",
            Self::PartnerAsked { .. } => "BATCH_PARTNER_ASKED",
            Self::NumbersExhausted { .. } => "CARD_NUMBERS_EXHAUSTED",
            Self::Stock(error) => error.code(),
            Self::Request(error) => error.code(),
            Self::Operator(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::NobodyLeft { passed_over } => {
                let text = lang.pick("没有符合条件且尚无卡的人", "nobody without a card fits the selection").to_owned();
                [vec![text], passed_over.iter().map(|over| over.text(lang)).collect()]
                    .concat()
                    .join(lang.pick("；", "; "))
            }
            Self::PeopleKept { people } => {
                let told = |(person, why): &(i64, NoCard)| {
                    let why = why.text(lang);
                    lang.pick(format!("人员 {person} {why}"), format!("person {person}: {why}"))
                };
                let list = people.iter().map(told).collect::<Vec<_>>().join(lang.pick("；", "; "));
                lang.pick(format!("不能制卡: {list}"), format!("no card can be made: {list}"))
            }
            Self::PeopleRefused { people } => {
                let list: Vec<String> = people.iter().map(ToString::to_string).collect();
                lang.pick(
                    format!("这些人员不存在、已故、已有卡或在其他批次中: {}", list.join(", ")),
                    format!("unknown, dead, with a card, or in another batch: {}", list.join(", ")),
                )
            }
            Self::RequestsRefused { requests } => {
                let list: Vec<String> = requests.iter().map(ToString::to_string).collect();
                lang.pick(
                    format!("这些申请不存在、已编批、已办结或已撤回: {}", list.join(", ")),
                    format!("unknown, in a batch, done or withdrawn: {}", list.join(", ")),
                )
            }
            Self::NumberUnknown => lang.pick("没有这个卡号", "there is no such card number").to_owned(),
            Self::NumberTaken { state } => {
                let state = word(&NumberState::TABLE, state, lang);
                lang.pick(format!("这个卡号{state}，不是空闲"), format!("the card number is {state}, not free"))
            }
            Self::NotFound { number } => lang.pick(format!("没有批次 {number}"), format!("there is no batch {number}")),
            Self::WrongState { number, state } => {
                lang.pick(format!("批次 {number} 处于 {state} 状态"), format!("batch {number} is {state}"))
            }
            Self::MakerIsChecker { number, maker } => lang.pick(
                format!("批次 {number} 由 {maker} 制单，不能自己审核"),
                format!("batch {number} was made by {maker}, who cannot approve it"),
            ),
            Self::JobNotWriting { number, job } => lang.pick(
                format!("批次 {number} 的任务 {job} 不在制作中"),
                format!("job {job} of batch {number} is not in work"),
            ),
            Self::JobNotWaiting { number, job } => lang.pick(
                format!("批次 {number} 的任务 {job} 不在待制状态"),
                format!("job {job} of batch {number} does not wait for a card"),
            ),
            Self::PartnerAsked { number, task } => lang.pick(
                format!("批次 {number} 的文件 {task} 尚未回盘"),
                format!("file {task} of batch {number} awaits its answer"),
            ),
            Self::NumbersExhausted { prefix } => {
                lang.pick(format!("前缀 {prefix} 的卡号已用完"), format!("no card number is left with prefix {prefix}"))
            }
            Self::Stock(error) => error.what(lang),
            Self::Request(error) => error.what(lang),
            Self::Operator(error) => error.what(lang),
            Self::Store(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::NobodyLeft { .. } => {
                lang.pick("先导入人员，或换一个县", "import people first, or choose another county")
            }
            Self::PeopleKept { .. } => lang.pick(
                "用 issuer person list --no-card 查看并处理；已编批的先取消批次，再编批时会略过这些人",
                "see them with `issuer person list --no-card` and mend it; a batch that is made already is cancelled and made again, which passes them over",
            ),
            Self::PeopleRefused { .. } => lang.pick("去掉这些人员", "leave these people out"),
            Self::RequestsRefused { .. } => lang.pick("去掉这些申请", "leave these requests out"),
            Self::NumberUnknown | Self::NumberTaken { .. } => {
                lang.pick("用 issuer number list 查看", "look at the pool with `issuer number list`")
            }
            Self::NotFound { .. } => lang.pick("用 issuer batch list 查看", "see the batches with `issuer batch list`"),
            Self::WrongState { .. } => lang.pick("用 issuer batch show 查看", "look at it with `issuer batch show`"),
            Self::MakerIsChecker { .. } => lang.pick("由另一位审核员审核", "let another approver approve it"),
            Self::JobNotWriting { .. } => {
                lang.pick("用 issuer batch show 查看制作中的任务", "see the jobs in work with `issuer batch show`")
            }
            Self::JobNotWaiting { .. } => lang.pick(
                "用 issuer card list --batch 和 issuer batch show 查看；制作中的卡用 issuer batch spoil 申报",
                "look at `issuer card list --batch` and `issuer batch show`; a card in work is declared lost with `issuer batch spoil`",
            ),
            Self::PartnerAsked { .. } => lang.pick(
                "回盘后再办，或用 issuer exchange abandon 放弃该文件",
                "do it after the answer, or give the file up with `issuer exchange abandon`",
            ),
            Self::NumbersExhausted { .. } => lang.pick(
                "用 issuer number prefix propose 申请下一个前缀，由另一位操作员审核",
                "propose another prefix with `issuer number prefix propose`, and let another operator approve it",
            ),
            Self::Stock(error) => error.next(lang),
            Self::Request(error) => error.next(lang),
            Self::Operator(error) => error.next(lang),
            Self::Store(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotFound { .. } | Self::NobodyLeft { .. } | Self::NumberUnknown => Exit::NotFound,
            Self::PeopleRefused { .. }
            | Self::PeopleKept { .. }
            | Self::RequestsRefused { .. }
            | Self::NumberTaken { .. }
            | Self::WrongState { .. }
            | Self::MakerIsChecker { .. }
            | Self::JobNotWriting { .. }
            | Self::JobNotWaiting { .. }
            | Self::PartnerAsked { .. }
            | Self::NumbersExhausted { .. } => Exit::Refused,
            Self::Stock(error) => error.exit(),
            Self::Request(error) => error.exit(),
            Self::Operator(error) => error.exit(),
            Self::Store(error) => error.exit(),
        }
    }
}
