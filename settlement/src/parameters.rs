//! Parameters (参数下发) of a terminal as they leave the centre: its limits, numbered and signed.
//!
//! Source: Ed25519 (RFC 8032); limits of offline terminals (per transaction, per card and day by count and sum, per terminal by
//! count and sum of what waits, age of the blacklist).
//! Owns: what the signature covers, when a terminal may take parameters over. Never: asks a clock, stores, sends.
//! Units: times are China's, `YYYYMMDDHHMMSS`; sequences from 1, 0 for none.

use serde::{Deserialize, Serialize};

use crate::date::DateTime;
use crate::id::{PublicKey, Signature, TerminalNumber};
use crate::message::{TerminalLimits, Version1};
use crate::signing;

/// The limits of one terminal, as its centre signed them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedParameters {
    /// Always 1.
    pub version: Version1,
    /// Who signed.
    pub centre_key: PublicKey,
    /// For whom.
    pub terminal: TerminalNumber,
    /// Grows with every change of the limits.
    pub sequence: u64,
    /// When they were signed.
    pub issued_at: DateTime,
    /// Until when the terminal may sell by them.
    pub valid_until: DateTime,
    /// The limits.
    pub limits: TerminalLimits,
    /// Signature over all of it.
    pub signature: Signature,
}

/// What a terminal holds already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeldParameters {
    /// Their sequence.
    pub sequence: u64,
    /// When they were signed.
    pub issued_at: DateTime,
}

/// Parameters are not taken over; those that are held stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterFault {
    /// Another centre's.
    #[error("the parameters are of the centre with key {key}")]
    Foreign {
        /// Its key.
        key: PublicKey,
    },
    /// Another terminal's.
    #[error("the parameters are for terminal {terminal}")]
    Elsewhere {
        /// Whose.
        terminal: TerminalNumber,
    },
    /// The signature does not fit.
    #[error("the signature of parameters {sequence} does not fit")]
    Unsigned {
        /// Their sequence.
        sequence: u64,
    },
    /// Older than what is held.
    #[error("parameters {offered} are older than parameters {held}")]
    Older {
        /// Their sequence.
        offered: u64,
        /// Sequence of those that are held.
        held: u64,
    },
    /// Past their time.
    #[error("parameters {sequence} were valid until {until}")]
    Expired {
        /// Their sequence.
        sequence: u64,
        /// Their last instant.
        until: DateTime,
    },
    /// Signed later than the terminal's clock says it is.
    #[error("parameters {sequence} were signed at {issued_at}, the clock says {now}")]
    Ahead {
        /// Their sequence.
        sequence: u64,
        /// When.
        issued_at: DateTime,
        /// What the clock says.
        now: DateTime,
    },
}

impl SignedParameters {
    /// Signs limits for a terminal.
    #[must_use]
    pub fn sign(
        terminal: TerminalNumber,
        sequence: u64,
        limits: TerminalLimits,
        (issued_at, valid_until): (DateTime, DateTime),
        centre_key: PublicKey,
        sign: impl FnOnce(&[u8]) -> Signature,
    ) -> Self {
        let unsigned = Self {
            version: Version1,
            centre_key,
            terminal,
            sequence,
            issued_at,
            valid_until,
            limits,
            signature: Signature([0; 64]),
        };
        Self { signature: sign(&unsigned.signed_bytes()), ..unsigned }
    }

    /// From the text of [`Self::to_text`]; `None` for any other.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// As a terminal keeps them: one line of JSON.
    ///
    /// # Panics
    /// Never: every field has a JSON form.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("every field has a JSON form")
    }

    /// Whether they are what this key signed for this terminal, as those are that were taken over.
    #[must_use]
    pub fn is_of(&self, key: &PublicKey, terminal: TerminalNumber) -> bool {
        self.centre_key == *key
            && self.terminal == terminal
            && signing::verify_parameters(key, &self.signed_bytes(), &self.signature).is_ok()
    }

    /// Whether they may be taken over. `latest` is the clock with what it may be behind.
    ///
    /// # Errors
    /// [`ParameterFault`]; what is held stays.
    pub fn open(
        &self,
        key: &PublicKey,
        terminal: TerminalNumber,
        held: Option<HeldParameters>,
        now: DateTime,
        latest: DateTime,
    ) -> Result<HeldParameters, ParameterFault> {
        let sequence = self.sequence;
        if self.centre_key != *key {
            return Err(ParameterFault::Foreign { key: self.centre_key });
        }
        signing::verify_parameters(key, &self.signed_bytes(), &self.signature)
            .map_err(|_| ParameterFault::Unsigned { sequence })?;
        if self.terminal != terminal {
            return Err(ParameterFault::Elsewhere { terminal: self.terminal });
        }
        let ours = HeldParameters { sequence, issued_at: self.issued_at };
        if let Some(held) = held.filter(|held| ours < *held) {
            return Err(ParameterFault::Older { offered: sequence, held: held.sequence });
        }
        if self.valid_until < now {
            return Err(ParameterFault::Expired { sequence, until: self.valid_until });
        }
        if self.issued_at > latest {
            return Err(ParameterFault::Ahead { sequence, issued_at: self.issued_at, now });
        }
        Ok(ours)
    }

    /// What the signature covers. No other signed text of the house begins so.
    fn signed_bytes(&self) -> Vec<u8> {
        let Self { terminal, sequence, issued_at, valid_until, .. } = self;
        let TerminalLimits {
            purchase_max_fen,
            card_day_max_fen,
            card_day_count_max,
            pending_records_max,
            pending_max_fen,
            blacklist_age_max_hours,
            online,
        } = self.limits;
        let sums = [purchase_max_fen, card_day_max_fen, pending_max_fen].map(|sum| sum.get().to_string()).join(" ");
        let body = format!(
            "{terminal}\n{sequence}\n{issued_at}\n{valid_until}\n{sums}\n\
             {card_day_count_max} {pending_records_max} {blacklist_age_max_hours}\n"
        );
        match online.is_offline() {
            true => format!("settlement-parameters-1\n{body}"),
            false => format!("settlement-parameters-2\n{body}{online}\n"),
        }
        .into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fen::Fen;
    use crate::sale::OnlinePolicy;
    use crate::signing::TerminalKey;
    use zeroize::Zeroizing;

    const TERMINAL: TerminalNumber = TerminalNumber([0x99; 6]);

    fn key(seed: u8) -> TerminalKey {
        TerminalKey::from_seed(&Zeroizing::new([seed; 32]))
    }

    fn at(day: u8) -> DateTime {
        DateTime::parse(&format!("202601{day:02}120000")).expect("real")
    }

    fn signed(sequence: u64, issued: u8, until: u8) -> SignedParameters {
        let limits = TerminalLimits {
            purchase_max_fen: Fen::new(1),
            card_day_max_fen: Fen::new(2),
            card_day_count_max: 3,
            pending_records_max: 4,
            pending_max_fen: Fen::new(5),
            blacklist_age_max_hours: 6,
            online: OnlinePolicy::OnlineRequired,
        };
        let key = key(7);
        SignedParameters::sign(TERMINAL, sequence, limits, (at(issued), at(until)), key.public_key(), |bytes| {
            key.sign(bytes)
        })
    }

    fn open(parameters: &SignedParameters, held: Option<HeldParameters>) -> Result<HeldParameters, ParameterFault> {
        parameters.open(&key(7).public_key(), TERMINAL, held, at(10), at(10))
    }

    #[test]
    fn what_was_signed_is_taken_over_and_any_changed_field_is_noticed() {
        let good = signed(2, 9, 16);
        let held = open(&good, None).expect("fits");
        assert_eq!(open(&good, Some(held)), Ok(held), "the same again");
        let value = serde_json::to_value(&good).expect("JSON");
        let mut changed = 0;
        for pointer in [
            "/sequence",
            "/issued_at",
            "/valid_until",
            "/limits/purchase_max_fen",
            "/limits/card_day_max_fen",
            "/limits/card_day_count_max",
            "/limits/pending_records_max",
            "/limits/pending_max_fen",
            "/limits/blacklist_age_max_hours",
            "/limits/online",
            "/terminal",
        ] {
            let mut value = value.clone();
            let field = value.pointer_mut(pointer).expect(pointer);
            *field = match field.as_str() {
                None => serde_json::json!(field.as_i64().expect("a number") + 1),
                Some("online-required") => serde_json::json!("offline-only"),
                Some(text) if text.starts_with("2026") => serde_json::json!("20260112120000"),
                Some(_) => serde_json::json!("AAAAAAAAAAAA"),
            };
            let altered: SignedParameters = serde_json::from_value(value).expect(pointer);
            assert!(matches!(open(&altered, None), Err(ParameterFault::Unsigned { .. })), "{pointer}");
            changed += 1;
        }
        assert_eq!(changed, 11);
    }

    #[test]
    fn another_centres_another_terminals_older_late_and_early_ones_are_refused() {
        let now = signed(2, 9, 16);
        let other = key(8).public_key();
        let of = |terminal, key: &PublicKey| now.open(key, terminal, None, at(10), at(10));
        assert_eq!(of(TERMINAL, &other), Err(ParameterFault::Foreign { key: key(7).public_key() }));
        let elsewhere = of(TerminalNumber([1; 6]), &key(7).public_key());
        assert_eq!(elsewhere, Err(ParameterFault::Elsewhere { terminal: TERMINAL }));
        let held = open(&now, None).ok();
        assert_eq!(open(&signed(1, 10, 16), held), Err(ParameterFault::Older { offered: 1, held: 2 }));
        assert_eq!(open(&signed(2, 8, 16), held), Err(ParameterFault::Older { offered: 2, held: 2 }), "replayed");
        assert!(open(&signed(3, 8, 16), held).is_ok(), "changed limits");
        assert!(matches!(open(&signed(3, 1, 9), held), Err(ParameterFault::Expired { sequence: 3, .. })));
        assert!(matches!(open(&signed(3, 11, 16), held), Err(ParameterFault::Ahead { sequence: 3, .. })));
    }
}
