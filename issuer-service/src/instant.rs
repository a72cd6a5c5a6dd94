//! Instant issuance (即时制卡): one citizen at the counter, one card, each step with its own mark, resumed at the first undone.
//!
//! The marks are what the steps themselves leave: request, batch, receipt, journal, state of the card. Nothing is marked done
//! that is not, whatever was killed in between.
//!
//! Owns: the steps and their order, beginning. Never: writes a card (`station`), lets a maker approve (`batch`).

use serde::Serialize;

use crate::batch::{self, BatchError, BatchState, Selection, photo};
use crate::card::state::LifeState;
use crate::card::{self, Card};
use crate::lang::Lang;
use crate::output::Show;
use crate::request::{self, Kind, Request, RequestError, RequestState};
use crate::state::State;
use crate::store::{Store, Tx};

/// A step at the counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// 申请: the request is taken down.
    Applied,
    /// 编批: the request is a batch of its own.
    Batched,
    /// 审核: another operator has approved.
    Approved,
    /// 写卡: the chip is written and read back, the receipt signed.
    Written,
    /// 印刷: the card is printed.
    Printed,
    /// 领卡: the card is activated in the hands of its person.
    HandedOut,
}

impl Step {
    /// All steps in order.
    pub const ALL: [Self; 6] =
        [Self::Applied, Self::Batched, Self::Approved, Self::Written, Self::Printed, Self::HandedOut];

    const fn text(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::Applied => ("申请", "applied"),
            Self::Batched => ("编批", "batched"),
            Self::Approved => ("审核", "approved"),
            Self::Written => ("写卡", "written"),
            Self::Printed => ("印刷", "printed"),
            Self::HandedOut => ("领卡", "handed out"),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }

    /// What is to be done when this is the first undone step.
    const fn next(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::Applied | Self::Batched => ("issuer instant new", "issuer instant new"),
            Self::Approved => ("由另一人 issuer instant approve", "another operator: issuer instant approve"),
            Self::Written => ("issuer instant run", "issuer instant run"),
            Self::Printed => ("issuer instant run --printer", "issuer instant run --printer"),
            Self::HandedOut => ("issuer card activate", "issuer card activate"),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

/// How far a citizen at the counter is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counter {
    /// Request.
    pub request: i64,
    /// Row number of the person.
    pub person: i64,
    /// Batch of the card, once there is one.
    pub batch: Option<i64>,
    /// 卡号, once it is made.
    pub card_number: Option<String>,
    /// Steps done, in order.
    pub done: Vec<Step>,
    /// The first step that is not; none when the card is in its person's hands, printed here or not, or will never be.
    pub next: Option<Step>,
    /// The card was made and put out of use before anybody got it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
}

/// Everybody at the counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// The newest first.
    pub counters: Vec<Counter>,
}

/// Begins, or goes on where it was interrupted: request and batch of its own.
///
/// # Errors
/// [`BatchError`].
pub fn begin(store: &mut Store, person: i64, kind: Kind, operator: Option<&str>) -> Result<Counter, BatchError> {
    // A request that no batch takes for want of a photo would be in the person's way.
    let rules = store.making_rules();
    store.read(|tx| photo::everybody_has_one(tx, rules, std::iter::once(person)))?;
    let open = store.read(|tx| tx.open_request_of(person))?;
    let request = match open {
        Some(request) if request.instant && request.state == RequestState::Open.name() => request,
        _ => request::make(store, person, kind, true, operator)?,
    };
    batch::create(store, &Selection::Requests(vec![request.number]), operator)?;
    store.read(|tx| look(tx, request.number))
}

/// Approves the batch of a citizen at the counter; its maker cannot.
///
/// # Errors
/// [`BatchError`].
pub fn approve(store: &mut Store, request: i64, operator: Option<&str>, prefix: char) -> Result<Counter, BatchError> {
    let batch = store.read(|tx| look(tx, request))?.batch.ok_or(RequestError::NotBatched { number: request })?;
    batch::approve(store, batch, operator, prefix)?;
    store.read(|tx| look(tx, request))
}

/// How far a citizen at the counter is.
///
/// # Errors
/// [`RequestError::NotFound`], [`RequestError::NotInstant`].
pub fn look(tx: &Tx<'_>, number: i64) -> Result<Counter, BatchError> {
    let request = tx.request(number)?.ok_or(RequestError::NotFound { number })?;
    if !request.instant {
        return Err(RequestError::NotInstant { number }.into());
    }
    Ok(counter(tx, &request)?)
}

/// Everybody whose card is not handed out yet, those among them whose card was put out of use before and who have asked for no
/// other one.
///
/// # Errors
/// [`BatchError`].
pub fn waiting(tx: &Tx<'_>) -> Result<Counters, BatchError> {
    let requests = tx.instant_requests_waiting()?;
    let counters = requests.iter().map(|request| counter(tx, request)).collect::<Result<_, _>>()?;
    Ok(Counters { counters })
}

/// The card of a citizen at the counter, once it is made.
///
/// # Errors
/// [`crate::store::StoreError`].
pub fn card(tx: &Tx<'_>, request: &Request) -> Result<Option<Card>, crate::store::StoreError> {
    match request.job {
        Some(job) if request.state == RequestState::Done.name() => tx.card_of_job(job),
        _ => Ok(None),
    }
}

fn counter(tx: &Tx<'_>, request: &Request) -> Result<Counter, crate::store::StoreError> {
    let batch = match request.job {
        Some(job) => tx.batch_of_job(job)?,
        None => None,
    };
    let state = batch.map(|number| tx.batch(number)).transpose()?.flatten().map(|batch| batch.state);
    let card = card(tx, request)?;
    let printed = match request.job {
        Some(job) => !tx.notes(job, "printed")?.is_empty(),
        None => false,
    };
    let state_of_card = card.as_ref().and_then(|card| LifeState::of_name(&card.state));
    let was_activated = match &card {
        Some(card) => tx.card_moves(card.job)?.iter().any(|moved| moved.step == card::state::Step::Activate.name()),
        None => false,
    };
    let handed_out = match state_of_card {
        None | Some(LifeState::Sealed) => false,
        Some(LifeState::Cancelled) => was_activated,
        Some(_) => true,
    };
    let cancelled = state_of_card == Some(LifeState::Cancelled) && !was_activated;
    let is_done = |step: Step| match step {
        Step::Applied => request.state != RequestState::Withdrawn.name(),
        Step::Batched => batch.is_some() && request.state != RequestState::Open.name(),
        Step::Approved => state.as_deref().is_some_and(|state| state != BatchState::Created.name()),
        Step::Written => card.is_some(),
        Step::Printed => printed,
        Step::HandedOut => handed_out,
    };
    Ok(Counter {
        request: request.number,
        person: request.person,
        batch,
        card_number: card.as_ref().map(|card| card.card_number.clone()),
        done: Step::ALL.into_iter().filter(|step| is_done(*step)).collect(),
        next: Step::ALL.into_iter().find(|step| !is_done(*step)).filter(|_| !handed_out && !cancelled),
        cancelled,
    })
}

impl Show for Counter {
    fn text(&self, lang: Lang) -> String {
        let Self { request, person, batch, card_number, done, next, cancelled } = self;
        let marks: Vec<String> = Step::ALL
            .iter()
            .map(|step| format!("[{}] {}", if done.contains(step) { 'x' } else { ' ' }, step.text(lang)))
            .collect();
        let dash = || "-".to_owned();
        let batch = batch.map_or_else(dash, |batch| batch.to_string());
        let card = card_number.clone().unwrap_or_else(dash);
        let next = match next {
            Some(step) => lang.pick(format!("  下一步: {}", step.next(lang)), format!("  next: {}", step.next(lang))),
            None if *cancelled => lang.pick(
                format!("  卡在领取前已注销；下一步: issuer instant new --person {person}"),
                format!(
                    "  the card was cancelled before it was handed out; next: issuer instant new --person {person}"
                ),
            ),
            None => lang.pick("  已办结", "  all done").to_owned(),
        };
        let marks = marks.join(" ");
        lang.pick(
            format!("申请 {request}，人员 {person}，批次 {batch}，卡号 {card}: {marks}{next}"),
            format!("request {request}, person {person}, batch {batch}, card {card}: {marks}{next}"),
        )
    }
}

impl Show for Counters {
    fn text(&self, lang: Lang) -> String {
        if self.counters.is_empty() {
            return lang.pick("柜台没有未办完的人", "nobody waits at the counter").to_owned();
        }
        self.counters.iter().map(|counter| counter.text(lang)).collect::<Vec<_>>().join("\n")
    }
}
