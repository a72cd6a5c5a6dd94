//! Requests for cards and cards, under the names of OSIA.
//!
//! Source: OSIA CMS 1.0: `createCredentialRequest` … `unsuspendCredential`, `credentialId`, `issuedDate`, `suspended`, `cancelled`. Its
//! credentials know three states; `state` is ours, with all of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AFTER, Acts, Asks, Call, Endpoint, Json, Kind, LIMIT, Looks, Method, Nothing, Parameter, Reason};
use crate::card::life::{self, CardFile, Order, REASON_MAX};
use crate::card::state::{LifeState, Step};
use crate::error::{Error, Missing};
use crate::request::{self, RequestError, RequestState};

/// A request for a card.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CredentialRequest {
    /// Number.
    credential_request_id: i64,
    /// Row number of the person.
    person_id: i64,
    /// What is asked for.
    kind: &'static str,
    /// Whether the person waits at the counter.
    instant: bool,
    /// `open`, `batched`, `done`, `withdrawn`.
    state: String,
    /// 卡号 of the card that the new one takes the place of.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_credential_id: Option<String>,
    /// Operator who made it.
    maker: String,
    /// UTC instant.
    made_at: String,
}

/// Several requests.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CredentialRequests {
    /// In order of number.
    credential_requests: Vec<CredentialRequest>,
    /// What `after` is for the next of them; none behind the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// What a person asks for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Asked {
    /// Row number of the person.
    person_id: i64,
    /// What is asked for.
    kind: AskedKind,
    /// The person waits at the counter: the card is made on its own.
    #[serde(default)]
    instant: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum AskedKind {
    First,
    Lost,
    Damaged,
    Warranty,
    Renewal,
    DataChange,
}

/// A card.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Credential {
    /// 卡号.
    credential_id: String,
    /// Row number of the person.
    person_id: i64,
    /// Name of the card type.
    credential_profile_id: String,
    /// 发卡日期, `YYYYMMDD`.
    issued_date: String,
    /// 卡有效期, `YYYYMMDD`.
    expiry_date: String,
    /// Whether it may not work for now: lost or locked.
    suspended: bool,
    /// Whether it is out of use for ever.
    cancelled: bool,
    /// `writing`, `sealed`, `normal`, `temporary_loss`, …: see docs/card-states.md.
    state: String,
    /// AAZ502; none while it is made, or when it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    aaz502: Option<char>,
    /// Day on which a temporary loss ends by itself, `YYYYMMDD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    release_on: Option<String>,
    /// Whether it stands on the blacklist.
    blacklisted: bool,
    /// 卡号 of the card that came in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced_by: Option<String>,
}

/// Several cards.
#[derive(Serialize, JsonSchema)]
struct Credentials {
    /// In order of making.
    credentials: Vec<Credential>,
    /// What `after` is for the next of them; none behind the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// How a card is suspended.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Suspend {
    /// 临时挂失 `temporary-loss` or 正式挂失 `formal-loss`.
    kind: Loss,
    /// Why; no names of people.
    #[schemars(length(max = REASON_MAX))]
    reason: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Loss {
    TemporaryLoss,
    FormalLoss,
}

const STATES: &[&str] = &["open", "batched", "done", "withdrawn"];
const STATE: Parameter = Parameter { name: "state", kind: Kind::Word(STATES), says: "In this state only." };
const PERSON: Parameter = Parameter { name: "person", kind: Kind::Number(i64::MAX), says: "Of this person only." };
const OF: Parameter = Parameter { name: "person", kind: Kind::Number(i64::MAX), says: "Of this person; needed." };

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: Method::Get,
        path: "/api/v1/credential-requests",
        asks: Asks::Duty("request list"),
        id: "findCredentialRequests",
        says: "Lists requests for cards, a page at a time.",
        parameters: &[AFTER, LIMIT, STATE, PERSON],
        work: &Looks(requests),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/credential-requests",
        asks: Asks::Duty("request new"),
        id: "createCredentialRequest",
        says: "Takes down what a person asks for: a first card, or another in place of the present one.",
        parameters: &[],
        work: &Acts(ask),
    },
    Endpoint {
        method: Method::Get,
        path: "/api/v1/credential-requests/{number}",
        asks: Asks::Duty("request show"),
        id: "readCredentialRequest",
        says: "Shows a request.",
        parameters: &[],
        work: &Looks(asked),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/credential-requests/{number}/cancel",
        asks: Asks::Duty("request withdraw"),
        id: "cancelCredentialRequest",
        says: "Withdraws a request that is in no batch.",
        parameters: &[],
        work: &Acts(withdraw),
    },
    Endpoint {
        method: Method::Get,
        path: "/api/v1/credentials",
        asks: Asks::Duty("card list"),
        id: "findCredentials",
        says: "Lists the cards of a person.",
        parameters: &[AFTER, LIMIT, OF],
        work: &Looks(cards),
    },
    Endpoint {
        method: Method::Get,
        path: "/api/v1/credentials/{card}",
        asks: Asks::Duty("card show"),
        id: "readCredential",
        says: "Shows a card: its state, the blacklist, what came in its place.",
        parameters: &[],
        work: &Looks(card),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/credentials/{card}/activate",
        asks: Asks::Duty("card activate"),
        id: "activateCredential",
        says: "启用: hands a card out, where the site does not ask that it be read.",
        parameters: &[],
        work: &Acts(activate),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/credentials/{card}/suspend",
        asks: Asks::Duty("card report-loss"),
        id: "suspendCredential",
        says: "挂失: a card is lost.",
        parameters: &[],
        work: &Acts(suspend),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/credentials/{card}/unsuspend",
        asks: Asks::Duty("card release"),
        id: "unsuspendCredential",
        says: "解挂: a lost card was found.",
        parameters: &[],
        work: &Acts(unsuspend),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/credentials/{card}/lock",
        asks: Asks::Duty("card lock"),
        id: "lockCredential",
        says: "锁定: a card may not work for now.",
        parameters: &[],
        work: &Acts(lock),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/credentials/{card}/unlock",
        asks: Asks::Duty("card unlock"),
        id: "unlockCredential",
        says: "解锁: a locked card may work again.",
        parameters: &[],
        work: &Acts(unlock),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/credentials/{card}/cancel",
        asks: Asks::Duty("card cancel"),
        id: "cancelCredential",
        says: "注销: a card goes out of use for ever.",
        parameters: &[],
        work: &Acts(cancel),
    },
];

impl From<request::Request> for CredentialRequest {
    fn from(request: request::Request) -> Self {
        let request::Request { number, person, kind, instant, state, old_card, maker, made_at, .. } = request;
        Self {
            credential_request_id: number,
            person_id: person,
            kind: kind.name(),
            instant,
            state,
            old_credential_id: old_card,
            maker,
            made_at,
        }
    }
}

impl From<CardFile> for Credential {
    fn from(file: CardFile) -> Self {
        let CardFile { card, aaz502, release_on, blacklisted, replaced_by, .. } = file;
        let state = LifeState::of_name(&card.state);
        let held = [LifeState::TemporaryLoss, LifeState::FormalLoss, LifeState::Locked];
        Self {
            credential_id: card.card_number,
            person_id: card.person,
            credential_profile_id: card.profile,
            issued_date: card.issue_date,
            expiry_date: card.valid_until,
            suspended: state.is_some_and(|state| held.contains(&state)),
            cancelled: state == Some(LifeState::Cancelled),
            state: card.state,
            aaz502,
            release_on,
            blacklisted,
            replaced_by,
        }
    }
}

fn requests(call: &mut Call<'_>, _: Nothing) -> Result<CredentialRequests, Error> {
    let (after, limit) = call.page();
    let state = call.parameter("state").and_then(RequestState::of_name);
    let person = call.count("person");
    let found = call.store.read(|tx| tx.requests(state, person, after, limit))?;
    let requests: Vec<CredentialRequest> = found.into_iter().map(Into::into).collect();
    let next = super::next(&requests, limit, |request| request.credential_request_id);
    Ok(CredentialRequests { credential_requests: requests, next })
}

fn asked(call: &mut Call<'_>, _: Nothing) -> Result<CredentialRequest, Error> {
    let number = call.number()?;
    Ok(call.store.read(|tx| tx.request(number))?.ok_or(RequestError::NotFound { number })?.into())
}

fn ask(call: &mut Call<'_>, Json(asked): Json<Asked>) -> Result<(), Error> {
    let kind = match asked.kind {
        AskedKind::First => request::Kind::First,
        AskedKind::Lost => request::Kind::Lost,
        AskedKind::Damaged => request::Kind::Damaged,
        AskedKind::Warranty => request::Kind::Warranty,
        AskedKind::Renewal => request::Kind::Renewal,
        AskedKind::DataChange => request::Kind::DataChange,
    };
    let operator = call.operator()?.name.clone();
    request::make(call.store, asked.person_id, kind, asked.instant, Some(&operator))?;
    Ok(())
}

fn withdraw(call: &mut Call<'_>, Json(reason): Json<Reason>) -> Result<(), Error> {
    let (number, operator) = (call.number()?, call.operator()?.name.clone());
    request::withdraw(call.store, number, reason.fit()?, Some(&operator))?;
    Ok(())
}

fn cards(call: &mut Call<'_>, _: Nothing) -> Result<Credentials, Error> {
    let id = call.count("person").ok_or(super::failure::ApiError::ParameterUnfit { name: "person" })?;
    let (after, limit) = call.page();
    call.store.read(|tx| -> Result<_, Error> {
        if !tx.person_exists(id)? {
            return Err(Missing::Person { id }.into());
        }
        // A card in work has a number too, once it has one.
        let mut cards = tx.cards_of_person(id)?;
        cards.retain(|card| card.job > after);
        cards.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = super::next(&cards, limit, |card| card.job);
        let files = cards.iter().map(|card| Ok(life::file(tx, &card.card_number)?.into()));
        Ok(Credentials { credentials: files.collect::<Result<_, Error>>()?, next })
    })
}

fn card(call: &mut Call<'_>, _: Nothing) -> Result<Credential, Error> {
    let number = call.card();
    Ok(call.store.read(|tx| life::file(tx, &number))?.into())
}

fn activate(call: &mut Call<'_>, Json(Reason { reason }): Json<Reason>) -> Result<(), Error> {
    if call.desk.config.life.activate_with_card {
        return Err(crate::card::failure::LifeError::CardNotSeen.into());
    }
    moved(call, Step::Activate, &reason)
}

fn suspend(call: &mut Call<'_>, Json(suspend): Json<Suspend>) -> Result<(), Error> {
    let step = match suspend.kind {
        Loss::TemporaryLoss => Step::ReportTemporary,
        Loss::FormalLoss => Step::ReportFormal,
    };
    moved(call, step, &suspend.reason)
}

fn unsuspend(call: &mut Call<'_>, Json(Reason { reason }): Json<Reason>) -> Result<(), Error> {
    let number = call.card();
    let card = call.store.read(|tx| tx.card_by_number(&number))?.ok_or(Missing::Card)?;
    let formal = card.state == LifeState::FormalLoss.name();
    moved(call, if formal { Step::Revoke } else { Step::Release }, &reason)
}

fn lock(call: &mut Call<'_>, Json(Reason { reason }): Json<Reason>) -> Result<(), Error> {
    moved(call, Step::Lock, &reason)
}

fn unlock(call: &mut Call<'_>, Json(Reason { reason }): Json<Reason>) -> Result<(), Error> {
    moved(call, Step::Unlock, &reason)
}

fn cancel(call: &mut Call<'_>, Json(Reason { reason }): Json<Reason>) -> Result<(), Error> {
    moved(call, Step::Cancel, &reason)
}

fn moved(call: &mut Call<'_>, step: Step, reason: &str) -> Result<(), Error> {
    let (number, operator) = (call.card(), call.operator()?.name.clone());
    let reason = life::fit(reason, false)?;
    let order = Order { step, reason, operator: Some(&operator) };
    life::carry_out(call.store, &call.desk.config.life, &number, &order)?;
    Ok(())
}
