//! Steps that mend or end a card: unblock and reload the PIN, block and unblock applications, block the card.
//!
//! Source: PIN commands of LD/T 32.5 (PUK proves, STK of SSSE makes the MAC); blocking: INS and MAC of PBOC with the keys
//! LK and BK of the key table, which no source confirms together, so that every value is a row of the profile.
//! Owns: which keys such a step needs. Never: carries it out, decides who may.

use card_core::pin::PinBcd;
use card_core::script::Step;
use card_core::secure::{Messaging, SecureCommand};
use card_core::security::Factors;
use serde::Deserialize;

use crate::approach::KeyVersions;
use crate::profile::{Df, KeyClass, KeyRow, Profile, hex_bytes};

/// Blocking commands of a card type.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BlockingRow {
    /// CLA INS P1 P2 of APPLICATION BLOCK, until unblocked.
    #[serde(deserialize_with = "hex_bytes")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub application_block: Vec<u8>,
    /// The same for good.
    #[serde(deserialize_with = "hex_bytes")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub application_block_for_good: Vec<u8>,
    /// APPLICATION UNBLOCK.
    #[serde(deserialize_with = "hex_bytes")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub application_unblock: Vec<u8>,
    /// CARD BLOCK, for good.
    #[serde(deserialize_with = "hex_bytes")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub card_block: Vec<u8>,
    /// Bytes of the challenge from which the MAC starts (4, completed with zeros; or 8); 0: as the PIN commands, with a
    /// session key.
    pub challenge: u8,
    /// What is assumed about these rows.
    #[serde(default)]
    pub assumed: Option<String>,
}

/// What is blocked or unblocked.
#[derive(Clone, Copy, Debug)]
pub enum Blocking<'a> {
    /// One application, until it is unblocked.
    Application(&'a Df),
    /// One application, for good.
    ApplicationForGood(&'a Df),
    /// One application again.
    Unblock(&'a Df),
    /// The whole card, for good.
    Card,
}

/// Why a card type has no such step. Mended by the author of the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaintenanceError {
    /// The profile lacks a key of this class in the directory.
    #[error("the profile has no {0} where this step needs one")]
    NoKey(&'static str),
    /// The profile has no blocking commands, or their bytes are no command header.
    #[error("the profile has no blocking commands of four bytes")]
    NoBlocking,
}

/// Keys of one card, for the steps here.
#[derive(Clone, Debug)]
pub struct CardKeys<'a> {
    /// The card's factors.
    pub factors: Factors,
    /// Versions of its keys.
    pub versions: &'a KeyVersions,
}

impl Profile {
    /// UNBLOCK PIN: proof of PUK, then the command. SSSE must be selected.
    ///
    /// # Errors
    /// [`MaintenanceError::NoKey`].
    pub fn unblock_pin(&self, keys: &CardKeys<'_>) -> Result<[Step; 2], MaintenanceError> {
        let (proof, maintenance) = self.pin_maintenance(keys)?;
        Ok([proof, Step::Secure(SecureCommand::unblock_pin(keys.of(self, maintenance)))])
    }

    /// RELOAD PIN: proof of PUK, then the command with the new PIN. SSSE must be selected.
    ///
    /// # Errors
    /// [`MaintenanceError::NoKey`].
    pub fn reload_pin(&self, keys: &CardKeys<'_>, pin: PinBcd) -> Result<[Step; 2], MaintenanceError> {
        let (proof, maintenance) = self.pin_maintenance(keys)?;
        Ok([proof, Step::Secure(SecureCommand::reload_pin(keys.of(self, maintenance), pin))])
    }

    fn pin_maintenance(&self, keys: &CardKeys<'_>) -> Result<(Step, &KeyRow), MaintenanceError> {
        let environment = self.df.first().map(|df| df.id.as_str()).unwrap_or_default();
        let puk = self.key_of_class(environment, KeyClass::Puk).ok_or(MaintenanceError::NoKey("PUK"))?;
        let stk = self.key_of_class(environment, KeyClass::Stk).ok_or(MaintenanceError::NoKey("STK"))?;
        Ok((Step::Authenticate { key: keys.of(self, puk), id: puk.id }, stk))
    }

    /// A blocking step. The directory concerned must be selected, SSSE for the card.
    ///
    /// # Errors
    /// [`MaintenanceError`].
    pub fn blocking_step(&self, what: Blocking<'_>, keys: &CardKeys<'_>) -> Result<Step, MaintenanceError> {
        let rows = self.blocking.as_ref().ok_or(MaintenanceError::NoBlocking)?;
        let (header, df, class, name) = match what {
            Blocking::Application(df) => (&rows.application_block, Some(df), KeyClass::Lk, "LK"),
            Blocking::ApplicationForGood(df) => (&rows.application_block_for_good, Some(df), KeyClass::Lk, "LK"),
            Blocking::Unblock(df) => (&rows.application_unblock, Some(df), KeyClass::Lk, "LK"),
            Blocking::Card => (&rows.card_block, self.df.first(), KeyClass::Bk, "BK"),
        };
        let header = header.as_slice().try_into().map_err(|_| MaintenanceError::NoBlocking)?;
        let key = df.and_then(|df| self.key_of_class(&df.id, class)).ok_or(MaintenanceError::NoKey(name))?;
        let messaging = match rows.challenge {
            0 => Messaging::Session,
            challenge => Messaging::Whole { challenge },
        };
        Ok(Step::Secure(SecureCommand::bare(header, keys.of(self, key), messaging)))
    }
}

impl CardKeys<'_> {
    fn of(&self, profile: &Profile, row: &KeyRow) -> card_core::security::KeyRef {
        profile.key_of_card(row, self.versions.of(&row.name), &self.factors)
    }
}

#[cfg(test)]
mod tests {
    use card_core::crypto::KeyLength;
    use card_core::security::CityCode;

    use super::*;
    use crate::builtin::builtin;

    fn keys(versions: &KeyVersions) -> CardKeys<'_> {
        let factors = Factors::of(CityCode::parse("513300").expect("six digits"), [1; 8]);
        CardKeys { factors, versions }
    }

    #[test]
    fn a_pin_is_reloaded_with_puk_and_the_short_maintenance_key() {
        let (profile, versions) = (builtin("ssc-3.0").expect("built in"), KeyVersions::default());
        let [proof, reload] =
            profile.reload_pin(&keys(&versions), PinBcd::parse("654321").expect("digits")).expect("steps");
        assert!(matches!(proof, Step::Authenticate { key, id: 0x06 } if key.name.as_str() == "PUK"));
        let Step::Secure(reload) = reload else { panic!("{reload:?}") };
        assert_eq!((reload.key.name.as_str(), reload.key.form.length), ("STKSSSE", KeyLength::Eight));
        assert_eq!(reload.header, [0x84, 0x24, 0x00, 0x01]);
    }

    #[test]
    fn every_blocking_command_has_the_header_and_key_of_its_row() {
        let (profile, versions) = (builtin("ssc-3.0").expect("built in"), KeyVersions::default());
        let medical = profile.df("DF04").expect("DF04");
        for (what, header, key) in [
            (Blocking::Application(medical), "841E0000", "LKDF04"),
            (Blocking::ApplicationForGood(medical), "841E0001", "LKDF04"),
            (Blocking::Unblock(medical), "84180000", "LKDF04"),
            (Blocking::Card, "84160000", "BK"),
        ] {
            let Step::Secure(step) = profile.blocking_step(what, &keys(&versions)).expect("a step") else {
                panic!("{what:?}")
            };
            assert_eq!((hex::encode_upper(step.header).as_str(), step.key.name.as_str()), (header, key));
            assert_eq!(step.messaging, Messaging::Whole { challenge: 4 });
        }
    }

    #[test]
    fn a_psam_has_no_pin_to_reload_and_nothing_to_block() {
        let (profile, versions) = (builtin("psam").expect("built in"), KeyVersions::default());
        assert_eq!(profile.unblock_pin(&keys(&versions)), Err(MaintenanceError::NoKey("PUK")));
        assert_eq!(profile.blocking_step(Blocking::Card, &keys(&versions)), Err(MaintenanceError::NoBlocking));
    }
}
