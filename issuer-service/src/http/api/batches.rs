//! Batches: made by one operator, approved by another, watched while a station works.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::watch::Watches;
use super::{AFTER, Acts, Asks, Call, Endpoint, Json, LIMIT, Looks, Method, Nothing, Reason, Slow};
use crate::batch::{self, BatchState, Selection};
use crate::error::Error;
use crate::state::State;

/// A batch and how far it is.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Batch {
    /// Number.
    number: i64,
    /// `created`, `approved`, `running`, `finished`, `cancelled`: see docs/states.md.
    state: String,
    /// County, when it was made for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    county: Option<String>,
    /// Operator who made it.
    maker: String,
    /// Operator who approved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    checker: Option<String>,
    /// People in it.
    cards: u64,
    /// Jobs not begun.
    waiting: u64,
    /// Jobs with a chip in work.
    writing: u64,
    /// Cards made.
    done: u64,
    /// Cards spoilt.
    spoilt: u64,
    /// Jobs that ended without a card; of one batch, not of a list.
    set_aside: usize,
}

/// Several batches.
#[derive(Serialize, JsonSchema)]
struct Batches {
    /// In order of number.
    batches: Vec<Batch>,
    /// What `after` is for the next of them; none behind the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// Who is to get a card.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, tag = "of", rename_all = "kebab-case")]
enum Wanted {
    /// People without a card, in order of registration.
    WithoutCard {
        /// Of this county.
        #[schemars(length(max = COUNTY_MAX))]
        county: Option<String>,
        /// At most so many.
        #[schemars(range(min = 1, max = COUNT_MAX))]
        count: u32,
    },
    /// Requests that are open, the oldest first.
    OpenRequests {
        /// Of this county.
        #[schemars(length(max = COUNTY_MAX))]
        county: Option<String>,
        /// At most so many.
        #[schemars(range(min = 1, max = COUNT_MAX))]
        count: u32,
    },
    /// These people, by row number.
    People {
        /// Row numbers.
        #[schemars(length(max = COUNT_MAX))]
        people: Vec<i64>,
    },
    /// These requests, by number.
    Requests {
        /// Numbers.
        #[schemars(length(max = COUNT_MAX))]
        requests: Vec<i64>,
    },
}

/// Digits of a county (GB/T 2260).
const COUNTY_MAX: usize = 6;
/// Most cards of a batch that is made here: assumed.
pub(in crate::http) const COUNT_MAX: u32 = 10_000;

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: Method::Get,
        path: "/api/v1/batches",
        asks: Asks::Duty("batch list"),
        id: "findBatches",
        says: "Lists batches, a page at a time.",
        parameters: &[AFTER, LIMIT],
        work: &Looks(list),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/batches",
        asks: Asks::Duty("batch create"),
        id: "createBatch",
        says: "Makes a batch of people without a card, or of requests.",
        parameters: &[],
        work: &Slow(Acts(create)),
    },
    Endpoint {
        method: Method::Get,
        path: "/api/v1/batches/{number}",
        asks: Asks::Duty("batch show"),
        id: "readBatch",
        says: "Shows a batch and how far it is.",
        parameters: &[],
        work: &Looks(show),
    },
    Endpoint {
        method: Method::Get,
        path: "/api/v1/batches/{number}/events",
        asks: Asks::Duty("batch show"),
        id: "watchBatch",
        says: "Shows a batch, and again whenever something has changed, until it is done: server-sent events `progress` and `end`.",
        parameters: &[],
        work: &Watches(watch),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/batches/{number}/approve",
        asks: Asks::Duty("batch approve"),
        id: "approveBatch",
        says: "Approves a batch that another operator made.",
        parameters: &[],
        work: &Slow(Acts(approve)),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/batches/{number}/cancel",
        asks: Asks::Duty("batch cancel"),
        id: "cancelBatch",
        says: "Gives up a batch that nobody approved.",
        parameters: &[],
        work: &Slow(Acts(cancel)),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/batches/{number}/withdraw",
        asks: Asks::Duty("batch withdraw"),
        id: "withdrawBatch",
        says: "Gives up an approved batch that no station has begun.",
        parameters: &[],
        work: &Slow(Acts(withdraw)),
    },
];

impl From<batch::Batch> for Batch {
    fn from(batch: batch::Batch) -> Self {
        let batch::Batch {
            number,
            state,
            county,
            maker,
            checker,
            cards,
            waiting,
            writing,
            done,
            spoilt,
            set_aside,
            ..
        } = batch;
        let set_aside = set_aside.len();
        Self { number, state, county, maker, checker, cards, waiting, writing, done, spoilt, set_aside }
    }
}

/// What is shown, and whether nothing more will come.
fn watch(call: &mut Call<'_>) -> Result<(Batch, bool), Error> {
    let batch = found(call)?;
    let ended = [BatchState::Finished, BatchState::Cancelled].iter().any(|state| state.name() == batch.state);
    Ok((batch, ended))
}

fn found(call: &mut Call<'_>) -> Result<Batch, Error> {
    let number = call.number()?;
    Ok(call.store.read(|tx| batch::found(tx, number))?.into())
}

fn list(call: &mut Call<'_>, _: Nothing) -> Result<Batches, Error> {
    let (after, limit) = call.page();
    let found = call.store.read(|tx| tx.batches_after(after, limit))?;
    let batches: Vec<Batch> = found.into_iter().map(Into::into).collect();
    let next = super::next(&batches, limit, |batch| batch.number);
    Ok(Batches { batches, next })
}

fn create(call: &mut Call<'_>, Json(wanted): Json<Wanted>) -> Result<(), Error> {
    let unfit = |name| super::failure::ApiError::ParameterUnfit { name };
    let over = |count: usize| u32::try_from(count).map_or(true, |count| count > COUNT_MAX);
    let selection = match wanted {
        Wanted::WithoutCard { count, .. } | Wanted::OpenRequests { count, .. } if !(1..=COUNT_MAX).contains(&count) => {
            return Err(unfit("count").into());
        }
        Wanted::People { people: many } | Wanted::Requests { requests: many } if over(many.len()) => {
            return Err(unfit("count").into());
        }
        Wanted::WithoutCard { county, count } => Selection::Next { county, count },
        Wanted::OpenRequests { county, count } => Selection::Open { county, count },
        Wanted::People { people } => Selection::People(people),
        Wanted::Requests { requests } => Selection::Requests(requests),
    };
    if let Selection::Next { county: Some(county), .. } | Selection::Open { county: Some(county), .. } = &selection {
        super::within("county", county, COUNTY_MAX)?;
    }
    let operator = call.operator()?.name.clone();
    batch::create(call.store, &selection, Some(&operator))?;
    Ok(())
}

fn show(call: &mut Call<'_>, _: Nothing) -> Result<Batch, Error> {
    found(call)
}

fn approve(call: &mut Call<'_>, _: Nothing) -> Result<(), Error> {
    let (number, operator) = (call.number()?, call.operator()?.name.clone());
    batch::approve(call.store, number, Some(&operator), call.desk.config.card_number_prefix)?;
    Ok(())
}

fn cancel(call: &mut Call<'_>, _: Nothing) -> Result<(), Error> {
    let (number, operator) = (call.number()?, call.operator()?.name.clone());
    batch::cancel(call.store, number, Some(&operator))?;
    Ok(())
}

fn withdraw(call: &mut Call<'_>, Json(reason): Json<Reason>) -> Result<(), Error> {
    let (number, operator) = (call.number()?, call.operator()?.name.clone());
    batch::withdraw(call.store, number, reason.fit()?, Some(&operator))?;
    Ok(())
}
