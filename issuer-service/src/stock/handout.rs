//! Handing a card out (领卡): to its holder or to an agent, with a receipt.
//!
//! Owns: who may get a card, what is kept of an agent, the receipt. Never: activates a card (`card::life`); shows an agent unmasked.

use serde::Serialize;
use zeroize::Zeroizing;

use super::failure::StockError;
use super::place::{self, Kind};
use super::{StockMove, StockState, Unit, act, finished};
use crate::audit::Act;
use crate::card::Card;
use crate::card::failure::LifeError;
use crate::card::life;
use crate::card::state::LifeState;
use crate::error::Missing;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::person::number::Number;
use crate::person::{mask, name};
use crate::state::State;
use crate::store::{Store, Tx};

/// Certificate types (AAC058) that an agent may show.
const CERTIFICATES: [&str; 8] = ["01", "02", "03", "04", "05", "06", "07", "08"];

/// Who fetches a card for its holder (代领人: AAC042, AAC043, AAC044).
pub struct Agent {
    certificate: String,
    number: Zeroizing<String>,
    name: Zeroizing<String>,
}

impl Agent {
    /// From three lines: certificate type (AAC058), certificate number, name.
    ///
    /// # Errors
    /// [`StockError::AgentUnfit`].
    pub fn parse(text: &[u8]) -> Result<Self, StockError> {
        let text = std::str::from_utf8(text).map_err(|_| StockError::AgentUnfit)?;
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let [certificate, number, called] = lines.as_slice() else { return Err(StockError::AgentUnfit) };
        let plain = (4..=30).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let holds = if *certificate == "01" { Number::parse(number).is_ok() } else { plain };
        let called = name::normalize(called).map_err(|_| StockError::AgentUnfit)?;
        if !holds || !CERTIFICATES.contains(certificate) {
            return Err(StockError::AgentUnfit);
        }
        Ok(Self {
            certificate: (*certificate).to_owned(),
            number: Zeroizing::new(number.to_ascii_uppercase()),
            name: Zeroizing::new(called),
        })
    }

    /// As it is sealed.
    #[must_use]
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(format!("{}\n{}\n{}", self.certificate, *self.number, *self.name).into_bytes())
    }

    /// As people see it.
    #[must_use]
    pub(crate) fn masked(&self) -> Masked {
        Masked { certificate: self.certificate.clone(), number: mask(&self.number, 2, 2), name: mask(&self.name, 1, 0) }
    }
}

/// An agent as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Masked {
    /// Certificate type.
    pub certificate: String,
    /// Certificate number, masked.
    pub number: String,
    /// Name, masked.
    pub name: String,
}

/// A receipt as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Number, from 1.
    pub number: i64,
    /// 卡号.
    pub card_number: String,
    /// Row number of the holder.
    pub person: i64,
    /// Where.
    pub place: String,
    /// Who handed it out.
    pub operator: String,
    /// UTC instant.
    pub at: String,
    /// Whether an agent came for the holder.
    pub by_agent: bool,
    /// The agent; none when the holder came, or the data keys are closed.
    pub agent: Option<Masked>,
}

/// Hands a card out where it is.
///
/// # Errors
/// [`StockError::NoWay`] when it is not where people fetch cards, [`StockError::CardOutOfUse`], [`StockError::Life`] for a dead holder.
pub fn hand_out(
    store: &mut Store,
    number: &str,
    agent: Option<&Agent>,
    operator: Option<&str>,
) -> Result<Receipt, StockError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Counter)?;
        let unit = Unit::of_card(number);
        let card = tx.card_by_number(number)?.ok_or(LifeError::Missing(Missing::Card))?;
        let held = tx.holdings(&unit)?.pop().ok_or_else(|| StockError::UnitUnknown { unit: unit.clone() })?;
        let by = match StockState::of_name(&held.state) {
            Some(StockState::AtOutlet) => StockMove::HandOut,
            Some(StockState::Unclaimed) => StockMove::HandOutLate,
            Some(StockState::Finished) => StockMove::HandOutHere,
            Some(StockState::Returned) => StockMove::HandOutReturned,
            _ => return Err(StockError::no_way(held)),
        };
        if card.state != LifeState::Sealed.name() {
            return Err(StockError::CardOutOfUse { number: number.to_owned() });
        }
        if tx.death(card.person)?.is_some() {
            return Err(LifeError::HolderDead { person: card.person }.into());
        }
        finished::one(tx, by, &held, &held.place, if agent.is_some() { "to an agent" } else { "" }, &actor)?;
        tx.add_stock_receipt(number, card.person, &held.place, &actor, agent)?;
        let whom = if agent.is_some() { "an agent" } else { "the holder" };
        let record =
            act(tx, actor, "stock.hand-out", format!("card {number}"), &format!("to {whom} at {}", held.place))?;
        Ok((receipt(tx, number)?, record))
    })
}

/// What became of a card that came back from its holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TakenIn {
    /// 卡号.
    pub card_number: String,
    /// State in stock.
    pub state: String,
    /// Where it lies.
    pub place: String,
    /// Number of the receipt that is void; none of a card that is out of use, whose receipt stays.
    pub void_receipt: Option<i64>,
}

/// A card comes back over the counter at `place`. One that is out of use is handed in, to be sent back and destroyed. One that is sealed was
/// never in use: its hand-out was booked for the wrong card and is undone where it was booked, its receipt is void. One that stock does not know and
/// that is out of use is entered.
///
/// # Errors
/// [`StockError::NoWay`] when it was not handed out, or was handed out elsewhere; [`StockError::CardLives`] for one in use.
pub fn take_in(
    store: &mut Store,
    number: &str,
    place: &str,
    reason: &str,
    operator: Option<&str>,
) -> Result<TakenIn, StockError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Counter)?;
        let reason = life::fit(reason, true)?;
        let there = place::found(tx, place)?;
        let unit = Unit::of_card(number);
        let card = tx.card_by_number(number)?.ok_or(LifeError::Missing(Missing::Card))?;
        let Some(held) = tx.holdings(&unit)?.pop() else {
            return strange(tx, &card, &unit, there, (actor, reason));
        };
        if StockState::of_name(&held.state) != Some(StockState::HandedOut) {
            return Err(StockError::no_way(held));
        }
        let (by, void_receipt) = match LifeState::of_name(&card.state) {
            Some(LifeState::Cancelled) if [Kind::Outlet, Kind::Store].contains(&there.kind) => {
                (StockMove::TakeIn, None)
            }
            Some(LifeState::Cancelled) => {
                return Err(StockError::PlaceKind { code: there.code, wanted: Kind::Outlet });
            }
            Some(LifeState::Sealed) if held.place == there.code => {
                let by = match there.kind {
                    Kind::Outlet => StockMove::UndoHandOut,
                    Kind::Store => StockMove::TakeIn,
                    Kind::Station | Kind::Parcel | Kind::Sack => StockMove::UndoHandOutHere,
                };
                let receipt = tx.stock_receipt(number)?.ok_or(StockError::NoReceipt)?;
                tx.void_stock_receipt(&receipt, reason, &actor)?;
                (by, Some(receipt.number))
            }
            Some(LifeState::Sealed) => return Err(StockError::no_way(held)),
            _ => return Err(StockError::CardLives { number: number.to_owned() }),
        };
        finished::one(tx, by, &held, &there.code, reason, &actor)?;
        let taken = TakenIn {
            card_number: number.to_owned(),
            state: by.ends().1.name().to_owned(),
            place: there.code,
            void_receipt,
        };
        let void = void_receipt.map_or_else(String::new, |receipt| format!(", receipt {receipt} is void"));
        let detail = format!("at {}{void}: {reason}", taken.place);
        let record = act(tx, actor, "stock.take-in", format!("card {number}"), &detail)?;
        Ok((taken, record))
    })
}

/// A card that stock never knew, made or handed out before it was begun, comes into it where it is handed in, once it is out of use.
fn strange(
    tx: &Tx<'_>,
    card: &Card,
    unit: &Unit,
    there: place::Place,
    (actor, reason): (String, &str),
) -> Result<(TakenIn, Act), StockError> {
    if card.state != LifeState::Cancelled.name() || !tx.stock_entries(unit)?.is_empty() {
        return Err(StockError::UnitUnknown { unit: unit.clone() });
    }
    if ![Kind::Outlet, Kind::Store].contains(&there.kind) {
        return Err(StockError::PlaceKind { code: there.code, wanted: Kind::Outlet });
    }
    tx.enter_stock(unit, StockState::Returned, &there.code, "-", 1, (&actor, reason))?;
    let taken = TakenIn {
        card_number: card.card_number.clone(),
        state: StockState::Returned.name().to_owned(),
        place: there.code,
        void_receipt: None,
    };
    let detail = format!("at {}, not known to stock before: {reason}", taken.place);
    let record = act(tx, actor, "stock.take-in", format!("card {}", taken.card_number), &detail)?;
    Ok((taken, record))
}

/// The receipt of a card that was handed out.
///
/// # Errors
/// [`StockError::NoReceipt`].
pub fn receipt(tx: &Tx<'_>, number: &str) -> Result<Receipt, StockError> {
    tx.stock_receipt(number)?.ok_or(StockError::NoReceipt)
}

/// Refuses to activate a card that stock knows and has not handed out.
///
/// # Errors
/// [`LifeError::NotHandedOut`].
pub(crate) fn may_be_activated(tx: &Tx<'_>, number: &str) -> Result<(), LifeError> {
    match tx.holdings(&Unit::of_card(number))?.pop() {
        Some(held) if held.state != StockState::HandedOut.name() => {
            Err(LifeError::NotHandedOut { state: held.state, place: held.place })
        }
        _ => Ok(()),
    }
}

impl Show for TakenIn {
    fn text(&self, lang: Lang) -> String {
        let Self { card_number, state, place, void_receipt } = self;
        let state = super::state_word(state, lang);
        let void = void_receipt.map_or_else(String::new, |receipt| {
            lang.pick(format!("，领卡回执 {receipt} 作废"), format!(", receipt {receipt} is void"))
        });
        lang.pick(
            format!("卡 {card_number} 收回: {state}，在 {place}{void}"),
            format!("card {card_number} is taken in: {state} at {place}{void}"),
        )
    }
}

impl Show for Receipt {
    fn text(&self, lang: Lang) -> String {
        let Self { number, card_number, person, place, operator, at, by_agent, agent } = self;
        let whom = match (by_agent, agent) {
            (false, _) => lang.pick("持卡人本人", "the holder").to_owned(),
            (true, None) => lang.pick("代领人", "an agent").to_owned(),
            (true, Some(Masked { certificate, number, name })) => lang.pick(
                format!("代领人 {name}（证件 {certificate} {number}）"),
                format!("agent {name} (certificate {certificate} {number})"),
            ),
        };
        lang.pick(
            format!("领卡回执 {number}: 卡 {card_number}，人员 {person}，领取人: {whom}，{place}，经办 {operator}，{at}"),
            format!("receipt {number}: card {card_number} of person {person}, handed to: {whom}, at {place}, by {operator}, {at}"),
        )
    }
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent").finish_non_exhaustive()
    }
}
