//! What the centre keeps beside people and cards: stock, stations, the blacklist, operators, the audit log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::failure::ApiError;
use super::{AFTER, AFTER_NAME, Acts, Asks, Call, Endpoint, Json, LIMIT, Looks, Method, Nothing};
use crate::audit::Record;
use crate::card::life::{self, REASON_MAX};
use crate::clearing::blacklist::{self, BlacklistAct};
use crate::error::Error;
use crate::peer;
use crate::stock::blank::CARDS_MAX;
use crate::stock::place::{NAME_MAX, fit};
use crate::stock::{self, blank};

/// What is held, and who answers for it.
#[derive(Serialize, JsonSchema)]
struct Stock {
    /// By place, in order of code.
    places: Vec<Place>,
    /// What `after` is for the next of them; none behind the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What is at one place.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Place {
    /// Code.
    code: String,
    /// `store`, `station`, `outlet`, `parcel`, `sack`.
    kind: &'static str,
    /// What people call it.
    title: String,
    /// Who answers for what is there.
    keeper: String,
    /// Cards in each state.
    held: Vec<Held>,
}

/// Cards of one state at one place.
#[derive(Serialize, JsonSchema)]
struct Held {
    /// State.
    state: String,
    /// Lot of the blank cards.
    lot: String,
    /// Cards.
    cards: u64,
    /// UTC instant since which the oldest of them are there.
    since: String,
}

/// A box of blank cards, as its papers say.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Received {
    /// Name of the box: letters, digits, `-`, `_`, `.`, `/`.
    #[schemars(length(min = 1, max = NAME_MAX))]
    name: String,
    /// Lot of the cards, as the name of a box.
    #[schemars(length(min = 1, max = NAME_MAX))]
    lot: String,
    /// Cards.
    #[schemars(range(min = 1, max = CARDS_MAX))]
    cards: u64,
}

/// Cards of a box for a station.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Issued {
    /// Name of the box.
    #[schemars(length(min = 1, max = NAME_MAX))]
    name: String,
    /// Code of the station.
    #[schemars(length(min = 1, max = NAME_MAX))]
    to: String,
    /// Cards.
    #[schemars(range(min = 1, max = CARDS_MAX))]
    cards: u64,
}

/// Stations elsewhere.
#[derive(Serialize, JsonSchema)]
struct Stations {
    /// Certificates, in order of number.
    stations: Vec<Station>,
    /// What `after` is for the next of them; none behind the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// What is held at stations.
#[derive(Serialize, JsonSchema)]
struct Holds {
    /// Readers and lots that are held, the oldest first.
    holds: Vec<Hold>,
    /// What `after` is for the next of them; none behind the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// A certificate of a station.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Station {
    /// Number of the certificate.
    number: i64,
    /// Name.
    name: String,
    /// `enrolled`, `certified`, `revoked`.
    state: String,
    /// UTC instant of its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<String>,
}

/// A reader or a lot that is held.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Hold {
    /// Number.
    number: i64,
    /// `reader` or `lot`.
    kind: &'static str,
    /// Its name.
    name: String,
    /// Station elsewhere; none for the centre's own.
    station: String,
    /// Why.
    reason: String,
    /// UTC instant.
    held_at: String,
}

/// The blacklist as it stands.
#[derive(Serialize, JsonSchema)]
struct Blacklist {
    /// Sequence of the newest entry.
    sequence: u64,
    /// Cards on the list, in order of sequence.
    entries: Vec<Entry>,
    /// What `after` is for the next of them; none behind the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// A card on the list.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Entry {
    /// Position, from 1.
    sequence: u64,
    /// Card identifier, 32 hex digits.
    card_identifier: String,
    /// Why.
    reason: String,
    /// Who.
    operator: String,
    /// UTC instant.
    effective_at: String,
}

/// A change of the blacklist.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Change {
    /// Card identifier, 32 hex digits.
    #[schemars(length(max = 32), regex(pattern = "^[0-9A-Fa-f]{32}$"))]
    card_identifier: String,
    /// Whether the card may not pay from now on, or may again.
    act: ChangeAct,
    /// Why; no names of people.
    #[schemars(length(min = 1, max = REASON_MAX))]
    reason: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ChangeAct {
    Add,
    Remove,
}

/// Records of the audit log.
#[derive(Serialize, JsonSchema)]
struct Log {
    /// In order.
    records: Vec<LogRecord>,
    /// What `after` is for the next of them; none behind the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// A record of the audit log: see docs/audit.md.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LogRecord {
    /// Position, from 1, without gaps.
    sequence: i64,
    /// UTC instant.
    recorded_at: String,
    /// Who.
    actor: String,
    /// What.
    act: String,
    /// To what.
    object: String,
    /// How.
    detail: String,
    /// Hash of this record, hex.
    hash: String,
}

/// All operators.
#[derive(Serialize, JsonSchema)]
struct Operators {
    /// In order of name.
    operators: Vec<Operator>,
    /// What `after` is for the next of them; none behind the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// An operator.
#[derive(Serialize, JsonSchema)]
struct Operator {
    /// Name.
    name: String,
    /// Roles.
    roles: Vec<String>,
}

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: Method::Get,
        path: "/api/v1/stock",
        asks: Asks::Duty("stock show"),
        id: "readStock",
        says: "Shows what is held at every place, a page at a time.",
        parameters: &[AFTER_NAME, LIMIT],
        work: &Looks(held),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/stock/receive",
        asks: Asks::Duty("stock receive"),
        id: "receiveBox",
        says: "到货: a box of blank cards comes in, as the papers say.",
        parameters: &[],
        work: &Acts(receive),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/stock/issue",
        asks: Asks::Duty("stock issue"),
        id: "issueBlanks",
        says: "领用: blank cards of a box go to a station.",
        parameters: &[],
        work: &Acts(issue),
    },
    Endpoint {
        method: Method::Get,
        path: "/api/v1/stations",
        asks: Asks::Duty("station list"),
        id: "findStations",
        says: "Lists stations elsewhere, a page at a time.",
        parameters: &[AFTER, LIMIT],
        work: &Looks(stations),
    },
    Endpoint {
        method: Method::Get,
        path: "/api/v1/holds",
        asks: Asks::Duty("station list"),
        id: "findHolds",
        says: "Lists readers and lots that are kept from work, a page at a time.",
        parameters: &[AFTER, LIMIT],
        work: &Looks(holds),
    },
    Endpoint {
        method: Method::Get,
        path: "/api/v1/blacklist",
        asks: Asks::Duty("blacklist list"),
        id: "readBlacklist",
        says: "Shows the cards that may not pay, a page at a time.",
        parameters: &[AFTER, LIMIT],
        work: &Looks(listed),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/blacklist",
        asks: Asks::Duty("blacklist add"),
        id: "changeBlacklist",
        says: "Puts a card on the blacklist, or takes it off.",
        parameters: &[],
        work: &Acts(change),
    },
    Endpoint {
        method: Method::Get,
        path: "/api/v1/operators",
        asks: Asks::Duty("operator list"),
        id: "findOperators",
        says: "Lists operators and their roles, a page at a time.",
        parameters: &[AFTER_NAME, LIMIT],
        work: &Looks(operators),
    },
    Endpoint {
        method: Method::Get,
        path: "/api/v1/audit",
        asks: Asks::Duty("audit export"),
        id: "readAudit",
        says: "Shows the audit log, a page at a time.",
        parameters: &[AFTER, LIMIT],
        work: &Looks(log),
    },
];

fn held(call: &mut Call<'_>, _: Nothing) -> Result<Stock, Error> {
    let (after, limit) = call.page_of_names();
    let after = after.to_owned();
    let overview = call.store.read(|tx| stock::page(tx, &after, limit))?;
    let held = |held: stock::Held| Held { state: held.state, lot: held.lot, cards: held.cards, since: held.since };
    let place = |custody: stock::Custody| Place {
        code: custody.place.code,
        kind: custody.place.kind.name(),
        title: custody.place.title,
        keeper: custody.place.keeper,
        held: custody.held.into_iter().map(held).collect(),
    };
    let places: Vec<Place> = overview.places.into_iter().map(place).collect();
    let next = super::next(&places, limit, |place| place.code.clone());
    Ok(Stock { places, next })
}

fn receive(call: &mut Call<'_>, Json(received): Json<Received>) -> Result<(), Error> {
    let operator = call.operator()?.name.clone();
    blank::receive(call.store, &received.name, &received.lot, received.cards, Some(&operator))?;
    Ok(())
}

fn issue(call: &mut Call<'_>, Json(issued): Json<Issued>) -> Result<(), Error> {
    let operator = call.operator()?.name.clone();
    let (name, to) = (fit(&issued.name)?, fit(&issued.to)?);
    blank::issue(call.store, name, to, Some(issued.cards), Some(&operator))?;
    Ok(())
}

fn stations(call: &mut Call<'_>, _: Nothing) -> Result<Stations, Error> {
    let (after, limit) = call.page();
    let found = call.store.read(|tx| tx.certificates_after(peer::STATION, after, limit))?;
    let station = |one: peer::Certificate| Station {
        number: one.number,
        name: one.name,
        state: one.state,
        valid_until: one.valid_until,
    };
    let stations: Vec<Station> = found.into_iter().map(station).collect();
    let next = super::next(&stations, limit, |station| station.number);
    Ok(Stations { stations, next })
}

fn holds(call: &mut Call<'_>, _: Nothing) -> Result<Holds, Error> {
    let (after, limit) = call.page();
    let found = call.store.read(|tx| tx.holds_after(after, limit))?;
    let hold = |(number, hold): (i64, crate::station::care::Hold)| Hold {
        number,
        kind: hold.kind.name(),
        name: hold.name,
        station: hold.station,
        reason: hold.reason,
        held_at: hold.held_at,
    };
    let holds: Vec<Hold> = found.into_iter().map(hold).collect();
    let next = super::next(&holds, limit, |hold| hold.number);
    Ok(Holds { holds, next })
}

fn listed(call: &mut Call<'_>, _: Nothing) -> Result<Blacklist, Error> {
    let (after, limit) = call.page();
    let (sequence, found) = call
        .store
        .read(|tx| -> Result<_, Error> { Ok((tx.blacklist_sequence()?, tx.blacklist_after(after, limit)?)) })?;
    let next = super::next(&found, limit, |entry| i64::try_from(entry.sequence).unwrap_or(i64::MAX));
    let entry = |entry: blacklist::BlacklistEntry| Entry {
        sequence: entry.sequence,
        card_identifier: entry.card_identifier.to_string(),
        reason: entry.reason,
        operator: entry.operator,
        effective_at: entry.effective_at,
    };
    Ok(Blacklist { sequence, entries: found.into_iter().map(entry).collect(), next })
}

fn change(call: &mut Call<'_>, Json(change): Json<Change>) -> Result<(), Error> {
    let operator = call.operator()?.name.clone();
    let unfit = ApiError::ParameterUnfit { name: "cardIdentifier" };
    let card = settlement::id::CardIdentifier::parse(&change.card_identifier).map_err(|_| unfit)?;
    let reason = life::fit(&change.reason, true)?;
    let act = match change.act {
        ChangeAct::Add => BlacklistAct::Add,
        ChangeAct::Remove => BlacklistAct::Remove,
    };
    blacklist::change(call.store, card, act, reason, Some(&operator))?;
    Ok(())
}

fn operators(call: &mut Call<'_>, _: Nothing) -> Result<Operators, Error> {
    let (after, limit) = call.page_of_names();
    let after = after.to_owned();
    let found = call.store.read(|tx| tx.operators_after(&after, limit))?;
    let next = super::next(&found, limit, |operator| operator.name.clone());
    let shown = |one: crate::operator::Operator| Operator { name: one.name, roles: one.roles };
    Ok(Operators { operators: found.into_iter().map(shown).collect(), next })
}

fn log(call: &mut Call<'_>, _: Nothing) -> Result<Log, Error> {
    let (after, limit) = call.page();
    let records = call.store.read(|tx| tx.audit_page(after, limit))?;
    let record = |record: Record| {
        let Record { sequence, recorded_at, actor, act, object, detail, hash, .. } = record;
        LogRecord { sequence, recorded_at, actor, act, object, detail, hash }
    };
    let records: Vec<LogRecord> = records.into_iter().map(record).collect();
    let next = super::next(&records, limit, |record| record.sequence);
    Ok(Log { records, next })
}
