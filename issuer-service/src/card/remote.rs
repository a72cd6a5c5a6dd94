//! The module of the centre for cards whose keys a terminal's PSAM does not hold (远程认证): a card of another city, or no PSAM at hand.
//!
//! A card that proves its IRK is genuine, and only for such a one the centre makes what opens the holder's file, for the challenge that
//! this card gave. Which cities' keys there are is the vault's matter. A card of this centre that may not be used is not opened.
//!
//! Source: INTERNAL and EXTERNAL AUTHENTICATION; factors of the card and its city. What is answered and to whom is assumed.
//! Owns: the order of the checks. Never: answers with the card's own proof, or with another key than one that reads.

use card_core::security::{KeyName, KeyRef, SecurityError, SecurityModule};
use card_profiles::profile::{KeyClass, KeyRow};
use settlement::code::ErrorCode;
use settlement::id::{CardChallenge, TerminalNumber};
use settlement::remote::{Challenges, NAME_MAX, RemoteProofRequest};
use settlement::tac::TacError;
use subtle::ConstantTimeEq as _;

use crate::audit::Act;
use crate::clearing::refusal::ClearingError;
use crate::store::Tx;
use crate::vault::Vault;

/// The environment, with the holder's file.
const SSSE: &str = "SSSE";

/// Whether the card is genuine, and what opens its holder's file where that was asked for.
///
/// # Errors
/// [`ErrorCode::CardNotGenuine`]; [`ErrorCode::KeysUnavailable`]: no keys of the card's city or type here; that the card is known and may
/// not be used.
pub fn prove(
    tx: &Tx<'_>,
    keys: &mut dyn SecurityModule,
    asked: &RemoteProofRequest,
) -> Result<(Option<CardChallenge>, Act), ClearingError> {
    let unavailable = || ClearingError::Refused(ErrorCode::KeysUnavailable);
    let profile = tx.profile_of_cards(&asked.profile)?.ok_or_else(unavailable)?;
    let factors = asked.card_identifier.factors(asked.card_factor).ok_or_else(unavailable)?;
    match tx.payable_card(asked.card_identifier) {
        // A card of another city.
        Err(ClearingError::Refused(ErrorCode::CardUnknown)) => {}
        Ok(card) if card.factor != asked.card_factor => return Err(ClearingError::Refused(ErrorCode::CardNotGenuine)),
        known => drop(known?),
    }
    let of_card = |row: &KeyRow| profile.key_of_card(row, Vault::FIRST_VERSION, &factors);
    let irk = profile.key_of_class(SSSE, KeyClass::Irk).ok_or_else(unavailable)?;
    let own = cryptogram(keys, &of_card(irk), asked.own)?;
    if !bool::from(own.ct_eq(&asked.proof.0)) {
        return Err(ClearingError::Refused(ErrorCode::CardNotGenuine));
    }
    let result = match &asked.asked {
        None => None,
        Some(wanted) => {
            let name = Some(&wanted.name).filter(|name| name.len() <= NAME_MAX).map(|name| KeyName::new(name));
            let row = name.and_then(|name| profile.key(&name));
            let row = row.filter(|row| row.df == SSSE && row.class == KeyClass::Rk).ok_or_else(unavailable)?;
            Some(CardChallenge(cryptogram(keys, &of_card(row), wanted.challenges)?))
        }
    };
    let opened = asked.asked.as_ref().map_or("genuine", |_| "genuine, opened");
    let city = asked.card_identifier.city().map_or_else(String::new, |city| city.to_string());
    Ok((result, told(asked.terminal, &format!("card of {city}"), opened)))
}

fn cryptogram(keys: &mut dyn SecurityModule, key: &KeyRef, challenges: Challenges) -> Result<[u8; 8], ClearingError> {
    keys.authentication_cryptogram(key, challenges.factor.0, challenges.plain.0).map_err(|error| match error {
        SecurityError::KeyNotFound { .. } | SecurityError::LevelTooLow { .. } | SecurityError::Unsupported { .. } => {
            ClearingError::Refused(ErrorCode::KeysUnavailable)
        }
        error => TacError::Security(error).into(),
    })
}

fn told(terminal: TerminalNumber, object: &str, detail: &str) -> Act {
    Act {
        actor: format!("terminal:{terminal}"),
        act: "card.remote_proof",
        object: object.to_owned(),
        detail: detail.to_owned(),
    }
}
