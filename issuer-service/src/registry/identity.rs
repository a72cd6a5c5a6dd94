//! Who somebody is (人员身份): another number for a person, two rows that are one person. One operator asks, another decides.
//!
//! ```text
//! renumber  the row stays, and with it cards, requests, money and tickets; the number before is kept, and finds the person
//! join      the row that has no working card points to the other one, in which the person goes on; its money goes along
//! ```
//! A number before that was the person's stays the person's: whoever is told of under it is this person. One that never was (`wrong`) is
//! this person's only under the person's name; under another name it is somebody else's.
//!
//! Source: docs/adr/0097. Owns: who decides, what is refused, what becomes of rows. Never: a card, which keeps its number until a new one is
//! asked for; a choice between two values (`worklist`).

use card_core::security::CityCode;
use serde::{Serialize, Serializer};

use super::identity_failure::{Hindrance, IdentityError};
use crate::audit::Act;
use crate::card::update::{self, Origin};
use crate::clearing::succession;
use crate::clock;
use crate::error::Missing;
use crate::import::column::Column;
use crate::import::single::Told;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::person::dossier::Dossier;
use crate::person::rule::PeopleRules;
use crate::person::{Details, masked_number};
use crate::state::{State, states};
use crate::store::identity::{Identity, NewAct, NewOrder};
use crate::store::{Store, StoreError, Tx};

states! {
    /// An order about who somebody is.
    "identity_order" OrderState {
        /// Waits for another person.
        Proposed = "proposed" "待复核",
        /// Done.
        Approved = "approved" "已复核",
        /// Refused.
        Rejected = "rejected" "已退回",
    }
    /// Moves of an order, by an operator with role approve who did not propose it.
    OrderMove {
        /// What was proposed is done.
        Approve: Proposed => Approved,
        /// It is not.
        Reject: Proposed => Rejected,
    }
}

impl OrderState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Proposed, Self::Approved, Self::Rejected];
}

impl Serialize for OrderState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderAct {
    /// 更正号码: another number.
    Renumber,
    /// 并档: the person goes on in another row.
    Join,
}

impl OrderAct {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Renumber, Self::Join];

    /// Name in the store and in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Renumber => "renumber",
            Self::Join => "join",
        }
    }
}

/// Why a person gets another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Because {
    /// 登记有误: the number before never was the person's.
    Wrong,
    /// 号码变更: it was, until it changed.
    Changed,
}

impl Because {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Wrong, Self::Changed];

    /// Name as typed and stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Changed => "changed",
        }
    }

    /// In words.
    #[must_use]
    pub const fn text(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (_, Lang::En) => self.name(),
            (Self::Wrong, Lang::Zh) => "登记有误",
            (Self::Changed, Lang::Zh) => "号码变更",
        }
    }
}

/// What is asked or decided about a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Order {
    /// Number.
    pub number: i64,
    /// What is to be done.
    pub act: OrderAct,
    /// Row number of the person.
    pub person: i64,
    /// Row in which the person goes on, of a joining.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<i64>,
    /// Why the number is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<Because>,
    /// What shows it.
    pub reason: String,
    /// State.
    pub state: OrderState,
    /// Who asked.
    pub maker: String,
    /// UTC instant.
    pub made_at: String,
    /// Who decided.
    pub checker: Option<String>,
    /// Why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejection: Option<String>,
}

/// Several orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Orders {
    /// In order of number.
    pub orders: Vec<Order>,
}

/// A number that somebody had before.
#[derive(Clone, PartialEq, Eq)]
pub struct Former {
    /// 社会保障号码.
    pub number: String,
    /// Why it is the former one.
    pub because: Because,
    /// UTC instant.
    pub until: String,
    /// Order that ended it.
    pub ordered_by: i64,
}

impl std::fmt::Debug for Former {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Former({})", self.ordered_by)
    }
}

/// A former number as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FormerShown {
    /// Number, masked unless the history is revealed.
    pub number: String,
    /// Why it is the former one.
    pub because: Because,
    /// UTC instant.
    pub until: String,
}

impl FormerShown {
    /// As an operator sees it.
    #[must_use]
    pub fn of(former: &Former, revealed: bool) -> Self {
        let number = if revealed { former.number.clone() } else { masked_number(&former.number) };
        Self { number, because: former.because, until: former.until.clone() }
    }

    /// A line of a history.
    #[must_use]
    pub fn line(&self, lang: Lang) -> String {
        let Self { number, because, until } = self;
        let label = lang.pick("曾用号码", "former number");
        format!("  {label}  {number}  {}  – {until}", because.text(lang))
    }
}

/// Who asks for what, or decides.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// Why.
    pub reason: &'a str,
    /// The operator.
    pub operator: Option<&'a str>,
}

/// Asks for another number of a person, told by one JSON object: `number`; of who has no citizen number `certificate_type` and
/// `nationality` besides, and sex and birth date where they differ from what is held.
///
/// # Errors
/// [`IdentityError`]; [`IdentityError::Faults`] with what is wrong with the number.
pub fn renumber(
    store: &mut Store,
    person: i64,
    text: &[u8],
    because: Because,
    (city, people, lang): (CityCode, PeopleRules, Lang),
    by: By<'_>,
) -> Result<Order, IdentityError> {
    store.act(|tx| {
        let maker = tx.require(by.operator, Role::Capture)?;
        let reason = fit(by.reason)?;
        let dossier = open(tx, person)?;
        let held = dossier.details();
        let held = |column: Column| match column {
            Column::Name => Some(held.name.as_str()),
            Column::Sex => Some(held.sex.as_str()),
            Column::BirthDate => Some(held.birth_date.as_str()),
            _ => None,
        };
        let details = match crate::import::single::identity(text, &held, (city, people), lang)? {
            Told::Details(details) => details,
            Told::Faults(faults) => return Err(IdentityError::Faults { faults }),
        };
        if details.number == dossier.number() {
            return Err(IdentityError::NumberSame { person });
        }
        free(tx, person, &details.number)?;
        let act = NewAct::Renumber {
            because,
            number: &details.number,
            certificate: &details.certificate,
            told: (&details.sex, &details.birth_date),
        };
        let number = tx.add_identity_order(&NewOrder { person, act, reason, maker: &maker })?;
        let detail = format!("order {number}, the number before was {}: {reason}", because.name());
        Ok((found(tx, number)?, told(maker, "person.renumber", person, detail)))
    })
}

/// Asks that a person go on in another row.
///
/// # Errors
/// [`IdentityError`].
pub fn join(store: &mut Store, person: i64, into: i64, by: By<'_>) -> Result<Order, IdentityError> {
    store.act(|tx| {
        let maker = tx.require(by.operator, Role::Capture)?;
        let reason = fit(by.reason)?;
        may_join(tx, person, into)?;
        let act = NewAct::Join { into };
        let number = tx.add_identity_order(&NewOrder { person, act, reason, maker: &maker })?;
        let detail = format!("order {number}, into person {into}: {reason}");
        Ok((found(tx, number)?, told(maker, "person.join", person, detail)))
    })
}

/// Does what another person asked for.
///
/// # Errors
/// [`IdentityError`]; nothing was changed then, and the order waits as before.
pub fn approve(store: &mut Store, number: i64, operator: Option<&str>) -> Result<Order, IdentityError> {
    store.act(|tx| {
        let (checker, order) = decide(tx, number, operator, (OrderMove::Approve, None))?;
        match (order.act, order.other) {
            (OrderAct::Join, Some(into)) => {
                may_join_but(tx, order.person, into, number)?;
                let mut dossier = open(tx, into)?;
                let before = dossier.clone();
                dossier
                    .absorb(&tx.dossier(order.person)?.ok_or(Missing::Person { id: order.person })?, clock::seconds());
                succession::join(tx, order.person, into, number)?;
                tx.join_person(order.person, into, number)?;
                super::worklist::put(tx, into, &before, &dossier)?;
            }
            _ => give(tx, &order)?,
        }
        let detail = format!("order {number} of {}: {}", order.maker, order.act.name());
        Ok((found(tx, number)?, told(checker, "person.approve", order.person, detail)))
    })
}

/// What an order would give, as whoever decides sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gives {
    /// The number, masked: it is compared with the paper.
    pub number: String,
    /// What becomes another besides, in Chinese and in English.
    pub changes: Vec<(&'static str, &'static str)>,
}

impl Gives {
    fn of(identity: &Identity, held: &Details) -> Self {
        let changes = [
            (identity.certificate != held.certificate, ("证件", "certificate")),
            (identity.sex != held.sex, ("性别", "sex")),
            (identity.birth_date != held.birth_date, ("出生日期", "birth date")),
        ];
        let changes = changes.into_iter().filter_map(|(differs, words)| differs.then_some(words)).collect();
        Self { number: masked_number(&identity.number), changes }
    }
}

/// Orders before a number, the newest first, each with what it would give while it waits.
///
/// # Errors
/// [`StoreError`].
pub fn shown_before(tx: &Tx<'_>, before: i64, limit: u32) -> Result<Vec<(Order, Option<Gives>)>, StoreError> {
    let with_gives = |order: Order| {
        let waits = order.state == OrderState::Proposed && !tx.is_erased(order.person)?;
        let identity = if waits { tx.ordered_identity(order.number)? } else { None };
        let held = if identity.is_some() { tx.dossier(order.person)? } else { None };
        let gives = identity.zip(held).map(|(identity, held)| Gives::of(&identity, &held.details()));
        Ok((order, gives))
    };
    tx.identity_orders_before(before, limit)?.into_iter().map(with_gives).collect()
}

/// Refuses what another person asked for, and keeps why.
///
/// # Errors
/// [`IdentityError`].
pub fn reject(store: &mut Store, number: i64, by: By<'_>) -> Result<Order, IdentityError> {
    store.act(|tx| {
        let reason = fit(by.reason)?;
        let (checker, order) = decide(tx, number, by.operator, (OrderMove::Reject, Some(reason)))?;
        let detail = format!("order {number} of {}: {reason}", order.maker);
        Ok((found(tx, number)?, told(checker, "person.reject", order.person, detail)))
    })
}

fn decide(
    tx: &Tx<'_>,
    number: i64,
    operator: Option<&str>,
    (step, rejection): (OrderMove, Option<&str>),
) -> Result<(String, Order), IdentityError> {
    let checker = tx.require(operator, Role::Approve)?;
    let order = found(tx, number)?;
    if order.state != OrderState::Proposed {
        return Err(IdentityError::Decided { number });
    }
    if order.maker == checker {
        return Err(IdentityError::SameOperator { operator: checker });
    }
    tx.decide_identity((number, step), &checker, rejection)?;
    Ok((checker, order))
}

/// The person gets the number of an order.
fn give(tx: &Tx<'_>, order: &Order) -> Result<(), IdentityError> {
    let Order { number, person, .. } = *order;
    let because = order.because.unwrap_or(Because::Changed);
    let mut dossier = open(tx, person)?;
    let identity = tx.ordered_identity(number)?.ok_or(IdentityError::Unknown { number })?;
    free(tx, person, &identity.number)?;
    tx.add_former_number(person, dossier.number(), because, number)?;
    let twin = twin(tx, person, &identity.number)?;
    let details = Details {
        number: identity.number,
        certificate: identity.certificate,
        sex: identity.sex,
        birth_date: identity.birth_date,
        ..dossier.details()
    };
    let changed = dossier.renumber(&details, clock::seconds());
    // The row that gave way has it no more: no two rows ever have the same. Nor has it the one that is given up, which may be somebody else's.
    if let Some((row, mut other)) = twin {
        other.take_number(format!("joined {row}"));
        tx.put_dossier(row, &other)?;
    }
    tx.put_dossier(person, &dossier)?;
    update::renumbered(tx, person, changed.into(), Origin::Registry)?;
    Ok(())
}

/// The row that was joined into a person's and has this number.
fn twin(tx: &Tx<'_>, person: i64, number: &str) -> Result<Option<(i64, Dossier)>, IdentityError> {
    for row in tx.rows_joined_into(person)? {
        match tx.dossier(row)? {
            Some(dossier) if dossier.number() == number => return Ok(Some((row, dossier))),
            _ => {}
        }
    }
    Ok(None)
}

/// A person who goes on in this row.
fn open(tx: &Tx<'_>, person: i64) -> Result<Dossier, IdentityError> {
    let dossier = tx.dossier(person)?.ok_or(Missing::Person { id: person })?;
    if tx.is_erased(person)? {
        return Err(Missing::Person { id: person }.into());
    }
    match tx.joined_into(person)? {
        Some(into) => Err(IdentityError::Joined { person, into }),
        None => Ok(dossier),
    }
}

/// Nobody else has the number, nor had it.
fn free(tx: &Tx<'_>, person: i64, number: &str) -> Result<(), IdentityError> {
    match tx.known_by_any_number(number, false)? {
        Some(known) if known.id != person => Err(IdentityError::NumberTaken { person: known.id }),
        _ => Ok(()),
    }
}

fn may_join(tx: &Tx<'_>, person: i64, into: i64) -> Result<(), IdentityError> {
    may_join_but(tx, person, into, 0)
}

/// Whether a row may give way to another one; an order about them other than this one is in the way.
fn may_join_but(tx: &Tx<'_>, person: i64, into: i64, order: i64) -> Result<(), IdentityError> {
    let not = |why| Err(IdentityError::NotJoined { person, into, why });
    if person == into {
        return not(Hindrance::Same);
    }
    open(tx, person)?;
    open(tx, into)?;
    for row in [person, into] {
        if let Some(waits) = tx.identity_order_of(row)?.filter(|waits| waits.number != order) {
            return Err(IdentityError::Waits { person: row, number: waits.number });
        }
    }
    if tx.has_card_or_wish(person)? {
        return not(Hindrance::Card);
    }
    if tx.death(person)?.is_some() != tx.death(into)?.is_some() {
        return not(Hindrance::Death);
    }
    Ok(())
}

fn found(tx: &Tx<'_>, number: i64) -> Result<Order, IdentityError> {
    tx.identity_order(number)?.ok_or(IdentityError::Unknown { number })
}

fn fit(reason: &str) -> Result<&str, IdentityError> {
    let reason = reason.trim();
    if reason.is_empty() { Err(IdentityError::ReasonMissing) } else { Ok(reason) }
}

fn told(actor: String, act: &'static str, person: i64, detail: String) -> Act {
    Act { actor, act, object: format!("person {person}"), detail }
}

impl Show for Order {
    fn text(&self, lang: Lang) -> String {
        let Self { number, person, reason, maker, .. } = self;
        let state = crate::state::word(&OrderState::TABLE, self.state.name(), lang);
        let what = match (self.other, self.because) {
            (Some(into), _) => {
                lang.pick(format!("人员 {person} 并入人员 {into}"), format!("person {person} goes on as person {into}"))
            }
            (None, because) => {
                let because = because.map_or("", |because| because.text(lang));
                lang.pick(
                    format!("人员 {person} 更正号码（{because}）"),
                    format!("another number for person {person} ({because})"),
                )
            }
        };
        let checker = self.checker.as_deref().unwrap_or("–");
        let head = lang.pick(
            format!("单 {number}  {state}  {what}  经办 {maker}  复核 {checker}  {reason}"),
            format!("order {number}  {state}  {what}  by {maker}  checked by {checker}  {reason}"),
        );
        match (&self.state, &self.rejection) {
            (OrderState::Proposed, _) => {
                let next = lang.pick("等待另一人复核", "waits for another person");
                format!("{head}\n  {next}: issuer person approve {number} --operator NAME")
            }
            (OrderState::Approved, _) if self.act == OrderAct::Renumber => {
                let next = lang.pick(
                    "已制的卡仍是原号码；换卡用 issuer request new --kind data-change",
                    "a card already made keeps the number before; for a new one: issuer request new --kind data-change",
                );
                format!("{head}\n  {next}")
            }
            (_, Some(why)) => format!("{head}\n  {why}"),
            _ => head,
        }
    }
}

impl Show for Orders {
    fn text(&self, lang: Lang) -> String {
        let mut lines: Vec<String> = self.orders.iter().map(|order| order.text(lang)).collect();
        let count = self.orders.len();
        lines.push(lang.pick(format!("共 {count} 件"), format!("{count} orders")));
        lines.join("\n")
    }
}
