//! What one person asked for in clearing and another decides: about records that were not posted, sales that never ended, money for
//! accounts, loads whose outcome nobody told. What was rejected says why.

use schemars::JsonSchema;
use serde::Serialize;

use super::{AFTER, Asks, Call, Endpoint, LIMIT, Looks, Method, Nothing};
use crate::error::Error;
use crate::store::proposal::{Kind, Page};

/// Several of them.
#[derive(Serialize, JsonSchema)]
struct Proposals {
    /// In order of number.
    proposals: Vec<Proposal>,
    /// What `after` is for the next of them; none behind the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// What was asked for, and what came of it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Proposal {
    /// Number, among those of its kind.
    number: i64,
    /// The record (`TERMINAL/NUMBER`), the sale, the load; none of an allotment.
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
    /// `post`, `return`, `dismiss`, `take-back`, `close`, `allot`, `credited`, `not-credited`.
    act: String,
    /// Holders who get money; of an allotment only.
    #[serde(skip_serializing_if = "Option::is_none")]
    holders: Option<i64>,
    /// All of their money, or what the load was to bring, fen; of an allotment or a load.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_fen: Option<i64>,
    /// Why it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// `proposed`, `approved`, `rejected`.
    state: String,
    /// Who asked.
    maker: String,
    /// UTC instant.
    made_at: String,
    /// Who decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    checker: Option<String>,
    /// Why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    rejection: Option<String>,
}

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: Method::Get,
        path: "/api/v1/clearing/records",
        asks: Asks::Duty("row list"),
        id: "findRecordDecisions",
        says: "Lists what was asked and decided about records that were not posted, a page at a time.",
        parameters: &[AFTER, LIMIT],
        work: &Looks(records),
    },
    Endpoint {
        method: Method::Get,
        path: "/api/v1/clearing/sales",
        asks: Asks::Duty("sale list"),
        id: "findSaleClosures",
        says: "Lists what was asked and decided about sales whose terminal never came back, a page at a time.",
        parameters: &[AFTER, LIMIT],
        work: &Looks(sales),
    },
    Endpoint {
        method: Method::Get,
        path: "/api/v1/clearing/allotments",
        asks: Asks::Duty("account requests"),
        id: "findAllotments",
        says: "Lists what was asked and decided about money for accounts, a page at a time.",
        parameters: &[AFTER, LIMIT],
        work: &Looks(allotments),
    },
    Endpoint {
        method: Method::Get,
        path: "/api/v1/clearing/loads",
        asks: Asks::Duty("load list"),
        id: "findLoadDecisions",
        says: "Lists what was asked and decided about loads whose outcome nobody told, a page at a time.",
        parameters: &[AFTER, LIMIT],
        work: &Looks(loads),
    },
];

fn records(call: &mut Call<'_>, _: Nothing) -> Result<Proposals, Error> {
    listed(call, Kind::Record)
}

fn sales(call: &mut Call<'_>, _: Nothing) -> Result<Proposals, Error> {
    listed(call, Kind::Sale)
}

fn allotments(call: &mut Call<'_>, _: Nothing) -> Result<Proposals, Error> {
    listed(call, Kind::Allotment)
}

fn loads(call: &mut Call<'_>, _: Nothing) -> Result<Proposals, Error> {
    listed(call, Kind::Load)
}

fn listed(call: &mut Call<'_>, kind: Kind) -> Result<Proposals, Error> {
    let (after, limit) = call.page();
    let found = call.store.read(|tx| tx.proposals(kind, Page::After(after), limit))?;
    let next = super::next(&found, limit, |one| one.number);
    let proposal = |one: crate::store::proposal::Proposal| {
        let crate::store::proposal::Proposal {
            number,
            about,
            act,
            holders,
            total_fen,
            reason,
            state,
            maker,
            made_at,
            checker,
            rejection,
        } = one;
        Proposal { number, about, act, holders, total_fen, reason, state, maker, made_at, checker, rejection }
    };
    Ok(Proposals { proposals: found.into_iter().map(proposal).collect(), next })
}
