//! Orders to unblock or reset a card's PIN (口令解锁、重置工单): who may, for which card, until when; what the card is told.
//!
//! ```toml
//! [life]
//! pin_order_minutes = 30     # from the making of an order until its command is given
//! pin_order_checked = true   # another operator approves it first
//! ```
//!
//! A reset puts the initial PIN of the card's profile on it, which pays nothing and which the holder changes at the same terminal:
//! what the holder chooses never leaves that terminal. The command's MAC holds for one challenge of one card. An answer may be lost
//! on its way: until its outcome is known, and in its time, the terminal that asked may ask again for the same card, and nobody else.
//!
//! Source: LD/T 32.5 PIN CHANGE/UNBLOCK; maker, checker and times are the site's (assumed).
//! Owns: the order's states, the checks before a command. Never: sees a holder's PIN; makes a cryptogram itself (`card_core`).

use card_core::pin::PinBcd;
use card_core::script::{AUTHENTICATION_PLAIN, TwoChallenges, authentication};
use card_core::secure::SecureCommand;
use card_core::security::{KeyRef, SecurityModule};
use card_profiles::Profile;
use card_profiles::profile::{KeyClass, KeyRow};
use serde::Serialize;
use settlement::code::ErrorCode;
use settlement::id::{CardChallenge, CardIdentifier, TerminalNumber};
use settlement::pin::{CommandBytes, PinAct, PinOutcome};
use settlement::tac::TacError;

use super::Card;
use super::failure::LifeError;
use super::life::fit;
use super::rule::LifeRules;
use super::state::LifeState;
use crate::audit::Act;
use crate::clearing::refusal::ClearingError;
use crate::clock;
use crate::error::Missing;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::state::{State, states, word};
use crate::store::{Store, Tx};
use crate::vault::Vault;

/// Directory of the keys of the PIN.
const SSSE: &str = "SSSE";

states! {
    /// An order for a PIN.
    "pin_order" PinOrderState {
        /// Made by one operator.
        Asked = "asked" "待复核",
        /// A terminal may carry it out, until it lapses.
        Ready = "ready" "待执行",
        /// The command was given to a terminal; what the card said is not known yet.
        Given = "given" "已发出",
        /// The card did so.
        Done = "done" "已完成",
        /// The card refused the command.
        Refused = "refused" "卡已拒绝",
        /// Given up, or lapsed when another was made.
        Withdrawn = "withdrawn" "已撤回",
    }
    /// Moves of an order.
    PinOrderMove {
        /// By another operator; at once where the site wants no second one.
        Approve: Asked => Ready,
        /// By the counter.
        Drop: Asked => Withdrawn,
        /// By the counter.
        Withdraw: Ready => Withdrawn,
        /// With the command that a terminal asks for; that terminal may ask again until its word is there.
        Give: Ready => Given,
        /// With the terminal's word.
        Finish: Given => Done,
        /// With the terminal's word.
        Fail: Given => Refused,
    }
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PinOrder {
    /// Number, which the terminal is told.
    pub number: i64,
    /// Job of the card.
    #[serde(skip)]
    pub job: i64,
    /// 卡号.
    pub card_number: String,
    /// What it does.
    pub act: PinAct,
    /// State.
    pub state: String,
    /// The only terminal that may carry it out, or that got its command.
    pub terminal: Option<TerminalNumber>,
    /// Why, and how the holder was identified.
    pub reason: String,
    /// Who made it.
    pub maker: String,
    /// UTC instant.
    pub made_at: String,
    /// Who approved it.
    pub checker: Option<String>,
    /// UTC instant after which its command is not given.
    pub valid_until: String,
}

/// Several orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PinOrders {
    /// The newest first.
    pub orders: Vec<PinOrder>,
}

/// What a terminal asks with.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Number of the order.
    pub order: u64,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Card in its reader.
    pub card: CardIdentifier,
    /// What that card answered GET CHALLENGE.
    pub challenge: CardChallenge,
}

impl PinOrder {
    /// Whether its time is over before it was used.
    #[must_use]
    pub fn is_lapsed(&self) -> bool {
        let open = [PinOrderState::Asked, PinOrderState::Ready].map(State::name).contains(&self.state.as_str());
        open && self.valid_until < clock::now()
    }
}

/// Makes an order.
///
/// # Errors
/// [`LifeError`]; nothing was changed then.
pub fn make(
    store: &mut Store,
    rules: &LifeRules,
    (number, act): (&str, PinAct),
    terminal: Option<TerminalNumber>,
    reason: &str,
    operator: Option<&str>,
) -> Result<PinOrder, LifeError> {
    store.act(|tx| {
        let maker = tx.require(operator, Role::Counter)?;
        let reason = fit(reason, true)?.to_owned();
        let card = tx.card_by_number(number)?.ok_or(Missing::Card)?;
        may_be_ordered(tx, &card)?;
        if let Some(terminal) = terminal
            && tx.terminal(terminal)?.is_none()
        {
            return Err(LifeError::TerminalUnknown { terminal });
        }
        if let Some(open) = tx.open_pin_order(card.job)? {
            if !open.is_lapsed() {
                return Err(LifeError::PinOrderOpen { number: open.number });
            }
            tx.move_pin_order(open.number, given_up(&open.state))?;
        }
        let order = PinOrder {
            number: 0,
            job: card.job,
            card_number: card.card_number,
            act,
            state: PinOrderState::Asked.name().to_owned(),
            terminal,
            reason,
            maker: maker.clone(),
            made_at: clock::now(),
            checker: None,
            valid_until: clock::instant_in(u32::from(rules.pin_order_minutes) * 60),
        };
        let number = tx.add_pin_order(&order)?;
        if !rules.pin_order_checked {
            tx.move_pin_order(number, PinOrderMove::Approve)?;
        }
        let detail = format!("PIN order {number}, {}: {}", act.name(), order.reason);
        let act = Act { actor: maker, act: "pin.order", object: format!("card {}", order.card_number), detail };
        Ok((known(tx, number)?, act))
    })
}

/// Approves an order of another operator.
///
/// # Errors
/// [`LifeError`].
pub fn approve(store: &mut Store, number: i64, operator: Option<&str>) -> Result<PinOrder, LifeError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Approve)?;
        let order = in_state(tx, number, &[PinOrderState::Asked])?;
        if order.maker == actor {
            return Err(LifeError::SameOperator { operator: actor });
        }
        if order.is_lapsed() {
            return Err(LifeError::PinOrderLapsed { number });
        }
        tx.set_pin_order_checker(number, &actor)?;
        tx.move_pin_order(number, PinOrderMove::Approve)?;
        let (object, detail) = (format!("card {}", order.card_number), format!("PIN order {number}"));
        Ok((known(tx, number)?, Act { actor, act: "pin.approve", object, detail }))
    })
}

/// Gives an order up that is not used.
///
/// # Errors
/// [`LifeError`].
pub fn withdraw(store: &mut Store, number: i64, reason: &str, operator: Option<&str>) -> Result<PinOrder, LifeError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Counter)?;
        let reason = fit(reason, true)?;
        let order = in_state(tx, number, &[PinOrderState::Asked, PinOrderState::Ready])?;
        tx.move_pin_order(number, given_up(&order.state))?;
        let (object, detail) = (format!("card {}", order.card_number), format!("PIN order {number}: {reason}"));
        Ok((known(tx, number)?, Act { actor, act: "pin.withdraw", object, detail }))
    })
}

/// EXTERNAL AUTHENTICATION with PUK for the card of an order. It changes nothing at the card but what it lets follow.
///
/// # Errors
/// [`ClearingError`] with the code for the terminal.
pub fn prove(
    tx: &Tx<'_>,
    keys: &mut dyn SecurityModule,
    asked: &Asked,
) -> Result<(PinAct, CommandBytes, Act), ClearingError> {
    let (order, card) = usable(tx, asked)?;
    let (key, row) = key_of(tx, &card, KeyClass::Puk)?;
    let challenges = TwoChallenges { plain: AUTHENTICATION_PLAIN, factor: asked.challenge.0 };
    let command = authentication(&key, row.id, challenges, keys).map_err(TacError::Security)?;
    Ok((order.act, CommandBytes::of(&command), told(asked, &order, "pin.prove")))
}

/// The command of an order: to one terminal, for one card, until what the card said is known.
///
/// # Errors
/// [`ClearingError`] with the code for the terminal.
pub fn give(tx: &Tx<'_>, keys: &mut dyn SecurityModule, asked: &Asked) -> Result<(CommandBytes, Act), ClearingError> {
    let (order, card) = usable(tx, asked)?;
    let again = order.state == PinOrderState::Given.name();
    let (key, _) = key_of(tx, &card, KeyClass::Stk)?;
    let secure = match order.act {
        PinAct::Unblock => SecureCommand::unblock_pin(key),
        PinAct::Reset => {
            let initial = profile_of(tx, &card)?.pin.and_then(|pin| PinBcd::parse(&pin.initial));
            SecureCommand::reload_pin(key, initial.ok_or(ClearingError::Refused(ErrorCode::KeysUnavailable))?)
        }
    };
    let command = secure.command(keys, asked.challenge.0).map_err(TacError::Security)?;
    if again {
        return Ok((CommandBytes::of(&command), told(asked, &order, "pin.give-again")));
    }
    tx.move_pin_order(order.number, PinOrderMove::Give)?;
    tx.set_pin_order_terminal(order.number, asked.terminal)?;
    Ok((CommandBytes::of(&command), told(asked, &order, "pin.give")))
}

/// What the card said to the command of an order; the same word again changes nothing.
///
/// # Errors
/// [`ClearingError`] with the code for the terminal.
pub fn settle(
    tx: &Tx<'_>,
    order: u64,
    terminal: TerminalNumber,
    outcome: PinOutcome,
) -> Result<(bool, Act), ClearingError> {
    let refused = |code| ClearingError::Refused(code);
    let number = i64::try_from(order).map_err(|_| refused(ErrorCode::PinOrderUnknown))?;
    let order = tx.pin_order(number)?.ok_or_else(|| refused(ErrorCode::PinOrderUnknown))?;
    if order.terminal.is_some_and(|known| known != terminal) {
        return Err(refused(ErrorCode::PinOrderElsewhere));
    }
    let (by, end) = match outcome {
        PinOutcome::Done => (PinOrderMove::Finish, PinOrderState::Done),
        PinOutcome::Refused => (PinOrderMove::Fail, PinOrderState::Refused),
    };
    let is_known = order.state == end.name();
    if !is_known {
        if order.state != PinOrderState::Given.name() {
            return Err(refused(ErrorCode::PinOrderState));
        }
        tx.move_pin_order(number, by)?;
    }
    let object = format!("card {}", order.card_number);
    let detail = format!("PIN order {number}, {}", end.name());
    Ok((is_known, Act { actor: format!("terminal:{terminal}"), act: "pin.settle", object, detail }))
}

/// The order and its card, if this terminal may carry it out on this card now.
fn usable(tx: &Tx<'_>, asked: &Asked) -> Result<(PinOrder, Card), ClearingError> {
    let refused = |code| Err(ClearingError::Refused(code));
    let found = i64::try_from(asked.order).ok().map(|number| tx.pin_order(number)).transpose()?.flatten();
    let Some(order) = found else { return refused(ErrorCode::PinOrderUnknown) };
    let Some(card) = tx.card_by_number(&order.card_number)? else { return refused(ErrorCode::PinOrderUnknown) };
    let elsewhere = order.terminal.is_some_and(|terminal| terminal != asked.terminal);
    if elsewhere || card.card_identifier.to_string() != asked.card.to_string() {
        return refused(ErrorCode::PinOrderElsewhere);
    }
    // Given to this very terminal, which `elsewhere` has made sure of: its answer may have been lost.
    let given = order.state == PinOrderState::Given.name() && order.terminal.is_some();
    if order.state != PinOrderState::Ready.name() && !given {
        return refused(ErrorCode::PinOrderState);
    }
    if order.valid_until < clock::now() {
        return refused(ErrorCode::PinOrderLapsed);
    }
    match may_be_ordered(tx, &card) {
        Ok(()) => Ok((order, card)),
        Err(LifeError::Store(error)) => Err(error.into()),
        Err(_) => refused(ErrorCode::CardNotActive),
    }
}

/// Cards that work, and locked ones: nobody unblocks the PIN of a lost card.
fn may_be_ordered(tx: &Tx<'_>, card: &Card) -> Result<(), LifeError> {
    let state = LifeState::of_name(&card.state).ok_or_else(|| LifeError::NotMade { state: card.state.clone() })?;
    if !matches!(state, LifeState::Normal | LifeState::Locked) {
        return Err(LifeError::PinCardState { state });
    }
    if tx.death(card.person)?.is_some() {
        return Err(LifeError::HolderDead { person: card.person });
    }
    Ok(())
}

fn profile_of(tx: &Tx<'_>, card: &Card) -> Result<Profile, ClearingError> {
    tx.profile_of_cards(&card.profile)?.ok_or(ClearingError::Refused(ErrorCode::KeysUnavailable))
}

/// A key of the card, in the version with which it was made.
fn key_of(tx: &Tx<'_>, card: &Card, class: KeyClass) -> Result<(KeyRef, KeyRow), ClearingError> {
    let unavailable = ClearingError::Refused(ErrorCode::KeysUnavailable);
    let profile = profile_of(tx, card)?;
    let city = card.card_identifier.city();
    let (Some(row), Some(city)) = (profile.key_of_class(SSSE, class), city) else { return Err(unavailable) };
    let version = tx.key_set_of(card.job)?.unwrap_or(Vault::FIRST_VERSION);
    Ok((profile.key_of_card(row, version, &card.chip.factors(city)), row.clone()))
}

fn told(asked: &Asked, order: &PinOrder, act: &'static str) -> Act {
    let detail = format!("PIN order {}, {}", order.number, order.act.name());
    Act { actor: format!("terminal:{}", asked.terminal), act, object: format!("card {}", order.card_number), detail }
}

fn known(tx: &Tx<'_>, number: i64) -> Result<PinOrder, LifeError> {
    tx.pin_order(number)?.ok_or(LifeError::PinOrderUnknown { number })
}

fn in_state(tx: &Tx<'_>, number: i64, wanted: &[PinOrderState]) -> Result<PinOrder, LifeError> {
    let order = known(tx, number)?;
    let fits = wanted.iter().any(|state| state.name() == order.state);
    if fits { Ok(order) } else { Err(LifeError::PinOrderState { number, state: order.state }) }
}

fn given_up(state: &str) -> PinOrderMove {
    if state == PinOrderState::Asked.name() { PinOrderMove::Drop } else { PinOrderMove::Withdraw }
}

impl Show for PinOrder {
    fn text(&self, lang: Lang) -> String {
        let Self { number, card_number, act, maker, valid_until, .. } = self;
        let act = match act {
            PinAct::Unblock => lang.pick("口令解锁", "unblock"),
            PinAct::Reset => lang.pick("口令重置", "reset"),
        };
        let state = word(&PinOrderState::TABLE, &self.state, lang);
        let lapsed = if self.is_lapsed() { lang.pick("，已过期", ", lapsed") } else { "" };
        let at =
            self.terminal.map(|terminal| lang.pick(format!("，终端 {terminal}"), format!(", terminal {terminal}")));
        let checker = self.checker.as_ref().map(|name| lang.pick(format!("、{name}"), format!(", {name}")));
        let (at, checker) = (at.unwrap_or_default(), checker.unwrap_or_default());
        lang.pick(
            format!("密码工单 {number}: {act}，卡 {card_number}，{state}{lapsed}{at}，有效至 {valid_until}（{maker}{checker}）"),
            format!("PIN order {number}: {act}, card {card_number}, {state}{lapsed}{at}, until {valid_until} ({maker}{checker})"),
        )
    }
}

impl Show for PinOrders {
    fn text(&self, lang: Lang) -> String {
        let mut lines: Vec<String> = self.orders.iter().map(|order| order.text(lang)).collect();
        let count = self.orders.len();
        lines.push(lang.pick(format!("共 {count} 张"), format!("{count} orders")));
        lines.join("\n")
    }
}
