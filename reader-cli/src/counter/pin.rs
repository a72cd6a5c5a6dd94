//! The holder's PIN: verify and change.
//!
//! Source: LD/T 32.5 VERIFY, CHANGE PIN; driver rule: the initial PIN cannot pay and cannot be chosen.
//! Owns: what the card's answer means. Never: keeps or shows a PIN; tries twice.

use card_core::{Session, StatusWord, command};

use crate::error::TerminalError;
use crate::secret::Pin;

/// Name under which tries of the PIN are remembered.
pub const SECRET: &str = "PIN";

/// VERIFY.
///
/// # Errors
/// [`TerminalError::PinWrong`] with the tries left, [`TerminalError::PinBlocked`], or that the card does not answer.
pub fn verify(session: &mut Session, pin: &Pin) -> Result<(), TerminalError> {
    let sw = session.send(&command::verify(&pin.to_bcd()))?.sw;
    outcome(sw, "VERIFY")
}

/// VERIFY for a transaction: the initial PIN is refused before it is sent.
///
/// # Errors
/// As [`verify`], and [`TerminalError::PinInitial`].
pub fn verify_for_transaction(session: &mut Session, pin: &Pin, initial: &str) -> Result<(), TerminalError> {
    if pin.is(initial) {
        return Err(TerminalError::PinInitial);
    }
    verify(session, pin)
}

/// CHANGE PIN.
///
/// # Errors
/// [`TerminalError::PinNewInitial`] before anything is sent; as [`verify`] for the present PIN.
pub fn change(session: &mut Session, old: &Pin, new: &Pin, initial: &str) -> Result<(), TerminalError> {
    if new.is(initial) {
        return Err(TerminalError::PinNewInitial);
    }
    let sw = session.send(&command::change_pin(&old.to_bcd(), &new.to_bcd()))?.sw;
    outcome(sw, "CHANGE PIN")
}

fn outcome(sw: StatusWord, command: &'static str) -> Result<(), TerminalError> {
    match (sw, sw.tries()) {
        (sw, _) if sw.is_ok() => Ok(()),
        (_, Some(0)) | (StatusWord::BLOCKED, _) => Err(TerminalError::PinBlocked),
        (_, Some(left)) => Err(TerminalError::PinWrong { left }),
        (sw, None) => Err(TerminalError::CardRefused { command, sw }),
    }
}
