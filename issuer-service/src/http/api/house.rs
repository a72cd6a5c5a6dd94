//! What the centre keeps beside people and cards: stock, stations, the blacklist, operators, the audit log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::failure::ApiError;
use super::{AFTER, Acts, Asks, Call, Endpoint, Json, LIMIT, Looks, Method, Nothing};
use crate::audit::Record;
use crate::clearing::blacklist::{self, BlacklistAct};
use crate::error::Error;
use crate::peer;
use crate::stock::{self, blank};

/// What is held, and who answers for it.
#[derive(Serialize, JsonSchema)]
struct Stock {
    /// By place, in order of code.
    places: Vec<Place>,
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
    /// Name of the box.
    name: String,
    /// Lot of the cards.
    lot: String,
    /// Cards.
    cards: u64,
}

/// Cards of a box for a station.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Issued {
    /// Name of the box.
    name: String,
    /// Code of the station.
    to: String,
    /// Cards.
    cards: u64,
}

/// Stations elsewhere, and what is held at stations.
#[derive(Serialize, JsonSchema)]
struct Stations {
    /// Certificates, in order of number.
    stations: Vec<Station>,
    /// Readers and lots that are held.
    holds: Vec<Hold>,
}

/// A certificate of a station.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Station {
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
    /// Cards on the list.
    entries: Vec<Entry>,
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
    card_identifier: String,
    /// Whether the card may not pay from now on, or may again.
    act: ChangeAct,
    /// Why; no names of people.
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
        says: "Shows what is held at every place.",
        parameters: &[],
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
        says: "Lists stations elsewhere, and readers and lots that are held.",
        parameters: &[],
        work: &Looks(stations),
    },
    Endpoint {
        method: Method::Get,
        path: "/api/v1/blacklist",
        asks: Asks::Duty("blacklist list"),
        id: "readBlacklist",
        says: "Shows the cards that may not pay.",
        parameters: &[],
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
        says: "Lists operators and their roles.",
        parameters: &[],
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
    let overview = call.store.read(|tx| stock::overview(tx, None))?;
    let held = |held: stock::Held| Held { state: held.state, lot: held.lot, cards: held.cards, since: held.since };
    let place = |custody: stock::Custody| Place {
        code: custody.place.code,
        kind: custody.place.kind.name(),
        title: custody.place.title,
        keeper: custody.place.keeper,
        held: custody.held.into_iter().map(held).collect(),
    };
    Ok(Stock { places: overview.places.into_iter().map(place).collect() })
}

fn receive(call: &mut Call<'_>, Json(received): Json<Received>) -> Result<(), Error> {
    let operator = call.operator()?.name.clone();
    blank::receive(call.store, &received.name, &received.lot, received.cards, Some(&operator))?;
    Ok(())
}

fn issue(call: &mut Call<'_>, Json(issued): Json<Issued>) -> Result<(), Error> {
    let operator = call.operator()?.name.clone();
    blank::issue(call.store, &issued.name, &issued.to, Some(issued.cards), Some(&operator))?;
    Ok(())
}

fn stations(call: &mut Call<'_>, _: Nothing) -> Result<Stations, Error> {
    let (certificates, holds) =
        call.store.read(|tx| -> Result<_, Error> { Ok((tx.certificates(peer::STATION)?, tx.holds()?)) })?;
    let station = |one: peer::Certificate| Station { name: one.name, state: one.state, valid_until: one.valid_until };
    let hold = |hold: crate::station::care::Hold| Hold {
        kind: hold.kind.name(),
        name: hold.name,
        station: hold.station,
        reason: hold.reason,
        held_at: hold.held_at,
    };
    Ok(Stations {
        stations: certificates.into_iter().map(station).collect(),
        holds: holds.into_iter().map(hold).collect(),
    })
}

fn listed(call: &mut Call<'_>, _: Nothing) -> Result<Blacklist, Error> {
    let (sequence, entries) =
        call.store.read(|tx| -> Result<_, Error> { Ok((tx.blacklist_sequence()?, tx.blacklist()?)) })?;
    let entry = |entry: blacklist::BlacklistEntry| Entry {
        sequence: entry.sequence,
        card_identifier: entry.card_identifier.to_string(),
        reason: entry.reason,
        operator: entry.operator,
        effective_at: entry.effective_at,
    };
    Ok(Blacklist { sequence, entries: entries.into_iter().map(entry).collect() })
}

fn change(call: &mut Call<'_>, Json(change): Json<Change>) -> Result<(), Error> {
    let operator = call.operator()?.name.clone();
    let unfit = ApiError::ParameterUnfit { name: "cardIdentifier" };
    let card = settlement::id::CardIdentifier::parse(&change.card_identifier).map_err(|_| unfit)?;
    let act = match change.act {
        ChangeAct::Add => BlacklistAct::Add,
        ChangeAct::Remove => BlacklistAct::Remove,
    };
    blacklist::change(call.store, card, act, &change.reason, Some(&operator))?;
    Ok(())
}

fn operators(call: &mut Call<'_>, _: Nothing) -> Result<Operators, Error> {
    let operators = call.store.read(|tx| tx.operators())?;
    let shown = |one: crate::operator::Operator| Operator { name: one.name, roles: one.roles };
    Ok(Operators { operators: operators.into_iter().map(shown).collect() })
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
