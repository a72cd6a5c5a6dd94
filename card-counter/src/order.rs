//! An order for the PIN, carried out on the card: the commands come from the centre or an HSM, or are made with keys at hand.
//!
//! Source: LD/T 32.5: EXTERNAL AUTHENTICATION with PUK, PIN CHANGE/UNBLOCK with a MAC, each after GET CHALLENGE.
//! Owns: what a command must be before it is sent, what the card's answer means. Never: asks the centre; tries a refused key again
//! unasked.

use card_core::StatusWord;
use card_core::pin::PinBcd;
use card_core::security::SecurityModule;
use card_core::tries::Secret;
use card_profiles::approach::KeyVersions;
use card_profiles::maintenance::CardKeys;
use card_profiles::profile::{KeyClass, KeyRow};
use settlement::id::CardChallenge;
use settlement::pin::{CommandBytes, PinAct};

use crate::certificate::with_tries_of;
use crate::error::TerminalError;
use crate::tap::Tapped;

const SSSE: &str = "SSSE";

/// What the card asks of the centre for its next command.
///
/// # Errors
/// That the card does not answer, or gives none.
pub fn challenge(card: &mut Tapped<'_>) -> Result<CardChallenge, TerminalError> {
    card.select(SSSE)?;
    Ok(CardChallenge(card.session.challenge()?))
}

/// EXTERNAL AUTHENTICATION with PUK, as the centre made it for the last challenge. `consent`: a refused key may be tried again.
///
/// # Errors
/// [`TerminalError::CentreAnswer`] before anything is sent that is no such command, [`TerminalError::LastTry`],
/// [`TerminalError::KeyRefused`], [`TerminalError::KeyBlocked`], or that the card does not answer.
pub fn prove(card: &mut Tapped<'_>, command: &CommandBytes, consent: bool) -> Result<(), TerminalError> {
    let row = puk(card)?;
    let command =
        command.command([0x00, 0x82, 0x00, row.id]).ok_or(TerminalError::CentreAnswer { path: "pin-orders/proof" })?;
    with_tries_of(&Secret::Key(row.name.clone()), card, consent, |card| {
        let sw = card.session.send(&command)?.sw;
        judged(&row, sw)
    })
}

/// The command of an order, as the centre made it for the last challenge; what the card said.
///
/// # Errors
/// [`TerminalError::CentreAnswer`] before anything is sent that is no such command, or that the card does not answer.
pub fn obey(card: &mut Tapped<'_>, act: PinAct, command: &CommandBytes) -> Result<StatusWord, TerminalError> {
    let command = command.command(act.header()).ok_or(TerminalError::CentreAnswer { path: "pin-orders/command" })?;
    let sw = card.session.send(&command)?.sw;
    if sw.is_ok() {
        has_all_tries(card);
    }
    Ok(sw)
}

/// What an order does where the keys are at hand: PUK proved, then the command. `new`: the PIN to put on the card; without one
/// the PIN that it has gets all its tries again.
///
/// # Errors
/// As [`prove`]; [`TerminalError::CardRefused`].
pub fn with_keys(
    card: &mut Tapped<'_>,
    new: Option<PinBcd>,
    module: &mut dyn SecurityModule,
    consent: bool,
) -> Result<(), TerminalError> {
    let row = puk(card)?;
    let versions = KeyVersions::default();
    let keys = CardKeys { factors: card.factors, versions: &versions };
    let steps = match new {
        Some(pin) => card.profile.reload_pin(&keys, pin),
        None => card.profile.unblock_pin(&keys),
    };
    let [proof, change] = steps.map_err(|_| TerminalError::ApplicationMissing { df: SSSE.to_owned() })?;
    card.select(SSSE)?;
    with_tries_of(&Secret::Key(row.name.clone()), card, consent, |card| {
        let sw = card.session.perform(&proof, Some(&mut *module))?.sw;
        judged(&row, sw)
    })?;
    let sw = card.session.perform(&change, Some(module))?.sw;
    if !sw.is_ok() {
        return Err(TerminalError::CardRefused { command: "PIN CHANGE/UNBLOCK", sw });
    }
    has_all_tries(card);
    Ok(())
}

/// The PIN has all its tries again, whatever this terminal remembers of it.
fn has_all_tries(card: &mut Tapped<'_>) {
    let name = card.card();
    card.memory.tries.note(name, &Secret::Pin, StatusWord::OK);
    // Whether this can be written must not hide what the card said.
    let _ = card.memory.keep_tries(name);
}

/// What the card's answer to the proof of PUK means.
fn judged(row: &KeyRow, sw: StatusWord) -> Result<(), TerminalError> {
    let key = row.name.to_string();
    match (sw, sw.tries()) {
        (sw, _) if sw.is_ok() => Ok(()),
        (_, Some(0)) | (StatusWord::BLOCKED, _) => Err(TerminalError::KeyBlocked { key }),
        (_, Some(left)) => Err(TerminalError::KeyRefused { key, left }),
        (sw, None) => Err(TerminalError::CardRefused { command: "EXTERNAL AUTHENTICATE", sw }),
    }
}

fn puk(card: &Tapped<'_>) -> Result<KeyRow, TerminalError> {
    let row = card.profile.key_of_class(SSSE, KeyClass::Puk);
    row.cloned().ok_or_else(|| TerminalError::ApplicationMissing { df: SSSE.to_owned() })
}
