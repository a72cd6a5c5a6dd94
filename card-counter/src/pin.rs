//! The holder's PIN: tries left, verify and change.
//!
//! Source: LD/T 32.5 VERIFY, CHANGE PIN; driver rule: the initial PIN cannot pay and cannot be chosen.
//! Owns: what the card's answer means; that the last try is spent only with consent. Never: keeps or shows a PIN; tries twice.

use card_core::tries::{Guard, Secret, TriesLeft};
use card_core::{Command, Session, StatusWord, command};
use card_profiles::access::Right;

use crate::error::TerminalError;
use crate::secret::Pin;
use crate::tap::Approached;

/// How many tries the PIN has left, before one is spent: remembered from the card's last refusal, or asked where cards of this
/// profile answer that.
///
/// # Errors
/// [`TerminalError`] when the card does not answer.
pub fn tries_left(card: &mut Approached<'_>) -> Result<TriesLeft, TerminalError> {
    if card.profile.pin.as_ref().is_some_and(|pin| pin.answers_tries)
        && let left @ TriesLeft::Known(tries) = card.session.ask_pin_tries()?
    {
        let name = card.card();
        card.memory.tries.note(name, &Secret::Pin, StatusWord::tries_left(tries));
        return Ok(left);
    }
    Ok(card.memory.tries.left(card.card(), &Secret::Pin))
}

/// VERIFY. `consent`: the last try may be spent.
///
/// # Errors
/// [`TerminalError::PinWrong`] with the tries left, [`TerminalError::PinBlocked`], [`TerminalError::LastTry`] before anything
/// is sent, or that the card does not answer.
pub fn verify(card: &mut Approached<'_>, pin: &Pin, consent: bool) -> Result<(), TerminalError> {
    let sw = guarded(card, &command::verify(&pin.to_bcd()), consent)?;
    outcome(sw, "VERIFY")?;
    card.state().hold(Right::Pin);
    Ok(())
}

/// VERIFY by a caller that guards the tries itself.
///
/// # Errors
/// [`TerminalError::PinWrong`] with the tries left, [`TerminalError::PinBlocked`], or that the card does not answer.
pub fn verify_unguarded(session: &mut Session, pin: &Pin) -> Result<(), TerminalError> {
    outcome(session.send(&command::verify(&pin.to_bcd()))?.sw, "VERIFY")
}

/// VERIFY for a transaction: the initial PIN is refused before it is sent.
///
/// # Errors
/// As [`verify`], and [`TerminalError::PinInitial`].
pub fn verify_for_transaction(card: &mut Approached<'_>, pin: &Pin, consent: bool) -> Result<(), TerminalError> {
    of_transaction(card, pin)?;
    verify(card, pin, consent)
}

/// Whether a transaction may be made with this PIN, which is not sent.
///
/// # Errors
/// [`TerminalError::PinInitial`].
pub fn of_transaction(card: &Approached<'_>, pin: &Pin) -> Result<(), TerminalError> {
    if pin.is(initial(card)) { Err(TerminalError::PinInitial) } else { Ok(()) }
}

/// CHANGE PIN, which spends a try of the present one.
///
/// # Errors
/// [`TerminalError::PinNewInitial`] before anything is sent; as [`verify`] for the present PIN.
pub fn change(card: &mut Approached<'_>, old: &Pin, new: &Pin, consent: bool) -> Result<(), TerminalError> {
    if new.is(initial(card)) {
        return Err(TerminalError::PinNewInitial);
    }
    let sw = guarded(card, &command::change_pin(&old.to_bcd(), &new.to_bcd()), consent)?;
    outcome(sw, "CHANGE PIN")
}

/// Digits at delivery.
fn initial<'t>(card: &'t Approached<'_>) -> &'t str {
    card.profile.pin.as_ref().map_or("", |row| &row.initial)
}

/// Sends what spends a try, unless it is the last one and nobody agreed; remembers what the card said.
fn guarded(card: &mut Approached<'_>, command: &Command, consent: bool) -> Result<StatusWord, TerminalError> {
    let name = card.card();
    let guard = Guard { book: &mut card.memory.tries, consent };
    guard
        .before_try(name, &Secret::Pin)
        .map_err(|refused| TerminalError::LastTry { secret: refused.secret.to_string(), left: refused.left })?;
    let sw = card.session.send(command)?.sw;
    card.memory.tries.note(name, &Secret::Pin, sw);
    // Whether this can be written must not hide what the card said.
    let _ = card.memory.keep_tries(name);
    Ok(sw)
}

/// What the card's answer to a PIN means.
pub(super) fn outcome(sw: StatusWord, command: &'static str) -> Result<(), TerminalError> {
    match (sw, sw.tries()) {
        (sw, _) if sw.is_ok() => Ok(()),
        (_, Some(0)) | (StatusWord::BLOCKED, _) => Err(TerminalError::PinBlocked),
        (_, Some(left)) => Err(TerminalError::PinWrong { left }),
        (sw, None) => Err(TerminalError::CardRefused { command, sw }),
    }
}
