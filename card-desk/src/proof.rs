//! Whether a PSAM holds the keys of a card, found out before a try of one of them is spent.
//!
//! Source: LD/T 32.5 INTERNAL AUTHENTICATION: the card proves its IRK, which has no counter of tries.
//! Owns: the comparison, and what is remembered of its outcome. Never: spends a try.

use card_core::Session;
use card_core::script::{Nonces, Step, StepError};
use card_core::security::psam::Psam;
use card_core::security::{KeyRef, SecurityError};
use card_core::session::SessionError;
use card_profiles::psams::{PsamMemory, Served};

/// Whether this PSAM proved it before, with a card of the same city, algorithm and key version.
///
/// # Errors
/// [`SessionError`] when the PSAM has no ATR.
pub fn is_believed(psam: &Psam, known: &PsamMemory, cards: Served) -> Result<bool, SessionError> {
    Ok(known.book().serves(psam.session().atr()?.bytes(), psam.terminal_number(), cards))
}

/// Compares them: the card, whose environment is selected, proves its IRK. `None` when the PSAM or the card has no such key to
/// compare. What the PSAM proved is remembered.
///
/// # Errors
/// [`StepError`] when the card or the PSAM does not answer.
pub fn compare(
    card: &mut Session,
    irk: Option<KeyRef>,
    psam: &mut Psam,
    known: &mut PsamMemory,
    cards: Served,
) -> Result<Option<bool>, StepError> {
    let (atr, number) = (psam.session().atr()?, psam.terminal_number());
    let fits = match irk {
        Some(irk) => proves(card, irk, psam)?,
        None => None,
    };
    // A hint: what cannot be written down is asked again.
    let _ = known.change(|book| match fits {
        Some(true) => book.note_served(atr.bytes(), number, cards),
        Some(false) | None => book.doubt(atr.bytes(), cards),
    });
    Ok(fits)
}

/// Forgets that a PSAM proved to hold the keys of these cards: one of them refused a key.
pub fn doubt(psam: &Psam, known: &mut PsamMemory, cards: Served) {
    let Ok(atr) = psam.session().atr() else { return };
    // A hint: what cannot be written down is refused once more.
    let _ = known.change(|book| book.doubt(atr.bytes(), cards));
}

fn proves(card: &mut Session, key: KeyRef, psam: &mut Psam) -> Result<Option<bool>, StepError> {
    match card.perform(&Step::CheckCard { key, from: Nonces::Terminal }, Some(psam)) {
        Ok(answer) => Ok(answer.sw.is_ok().then_some(true)),
        Err(StepError::NotGenuine(_)) => Ok(Some(false)),
        Err(StepError::Security(
            SecurityError::KeyNotFound { .. } | SecurityError::LevelTooLow { .. } | SecurityError::Refused { .. },
        )) => Ok(None),
        Err(error) => Err(error),
    }
}
