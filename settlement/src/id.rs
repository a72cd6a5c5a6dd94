//! Numbers that name things: terminals, cards, requests, bills; and the short byte strings of the protocol.
//!
//! Source: terminal number `term` (6 bytes) and 卡的识别码 (16 bytes) of LD/T 32; the rest is ours.
//! Owns: their one spelling in text: upper-case hex, or a short plain word. Never: makes one (the caller has the random bytes).

use std::fmt;

use card_core::security::{CityCode, Factors};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A text that is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Hex of another length, or not hex.
    #[error("{what} needs {digits} hex digits")]
    NotHex {
        /// What was read.
        what: &'static str,
        /// Hex digits expected.
        digits: usize,
    },
    /// Empty, too long, or with other characters than letters, digits, `.`, `_`, `-`.
    #[error("{what} needs 1 to {length_max} letters, digits, dots, dashes or underscores")]
    NotWord {
        /// What was read.
        what: &'static str,
        /// Characters allowed.
        length_max: usize,
    },
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $length:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $length]);

        impl $name {
            /// Reads hex of exactly this length.
            ///
            /// # Errors
            /// [`IdError::NotHex`].
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let mut bytes = [0; $length];
                hex::decode_to_slice(text, &mut bytes)
                    .map_err(|_| IdError::NotHex { what: $what, digits: 2 * $length })?;
                Ok(Self(bytes))
            }
        }

        /// Upper-case hex.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&hex::encode_upper(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }
    };
}

macro_rules! word_id {
    ($(#[$doc:meta])* $name:ident, $length_max:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// Reads a word of letters, digits, `.`, `_`, `-`.
            ///
            /// # Errors
            /// [`IdError::NotWord`].
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
                if text.is_empty() || text.len() > $length_max || !text.bytes().all(plain) {
                    return Err(IdError::NotWord { what: $what, length_max: $length_max });
                }
                Ok(Self(text.into()))
            }

            /// The word.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }
    };
}

hex_id! {
    /// 终端机编号: the terminal's (PSAM's) number.
    TerminalNumber, 6, "terminal number"
}
hex_id! {
    /// 卡的识别码 as EF05 holds it; its first 3 bytes are the city code in BCD.
    CardIdentifier, 16, "card identifier"
}
hex_id! {
    /// 8 bytes that the card answered GET CHALLENGE.
    CardChallenge, 8, "challenge"
}
hex_id! {
    /// 卡分散因子: the last 8 historical bytes of the ATR.
    CardFactor, 8, "card factor"
}
hex_id! {
    /// Made and stored by the sender before the first send; the same id never carries another body.
    RequestId, 16, "request id"
}
hex_id! {
    /// One load, from its authorization to its outcome.
    LoadId, 16, "load id"
}
hex_id! {
    /// One sale that the centre was asked about, from the question to its record or its end.
    SaleId, 16, "sale id"
}
hex_id! {
    /// Transaction authentication code (TAC).
    Tac, 4, "TAC"
}
hex_id! {
    /// A 4-byte message authentication code: MAC1 or MAC2.
    Mac, 4, "MAC"
}
hex_id! {
    /// The card's random of one INITIALIZE.
    CardRandom, 4, "card random"
}
hex_id! {
    /// SHA-256.
    Digest, 32, "SHA-256 hash"
}
hex_id! {
    /// Ed25519 signature (RFC 8032).
    Signature, 64, "Ed25519 signature"
}
hex_id! {
    /// Ed25519 public key (RFC 8032): how the centre knows a terminal.
    PublicKey, 32, "Ed25519 public key"
}
word_id! {
    /// The pharmacy's number of a bill.
    BillId, 64, "bill id"
}
word_id! {
    /// Number of a person at a terminal; no name.
    StaffNumber, 20, "staff number"
}
word_id! {
    /// 定点医药机构编号 (fixmedins_code).
    InstitutionCode, 32, "institution code"
}
word_id! {
    /// Version of a catalogue, as its publisher names it.
    CatalogueVersion, 32, "catalogue version"
}
word_id! {
    /// Drug code of the catalogue (med_list_codg).
    DrugCode, 32, "drug code"
}

impl CardIdentifier {
    /// 应用城市代码; `None` when the first 3 bytes are no BCD digits.
    #[must_use]
    pub fn city(&self) -> Option<CityCode> {
        self.0.first_chunk().and_then(|bcd| CityCode::from_bcd(*bcd))
    }

    /// The diversification factors of the card with this identifier and this factor.
    #[must_use]
    pub fn factors(&self, card: CardFactor) -> Option<Factors> {
        self.city().map(|city| Factors::of(city, card.0))
    }
}

impl Digest {
    /// Before the first batch of a terminal.
    pub const ZERO: Self = Self([0; 32]);

    /// SHA-256 of `bytes`.
    ///
    /// # Panics
    /// Never: SHA-256 has 32 bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
        Self(digest.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_ids_have_one_spelling() {
        let terminal = TerminalNumber::parse("99001122aabb").expect("12 digits");
        assert_eq!(terminal.to_string(), "99001122AABB");
        for text in ["", "99001122AAB", "99001122AABBCC", "99001122AABX", "99 01122AABB"] {
            assert!(TerminalNumber::parse(text).is_err(), "{text:?}");
        }
        let error = TerminalNumber::parse("1").expect_err("short");
        assert_eq!(error.to_string(), "terminal number needs 12 hex digits");
    }

    #[test]
    fn words_hold_nothing_that_a_shell_or_a_page_could_misread() {
        assert_eq!(BillId::parse("B-2026.001_a").expect("plain").as_str(), "B-2026.001_a");
        for text in ["", "a b", "a/b", "单1", "a\n", &"x".repeat(65)] {
            assert!(BillId::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_city_is_in_the_identifier() {
        let identifier = CardIdentifier::parse("513300D156000005000000133A05F2E3").expect("32 digits");
        assert_eq!(identifier.city().expect("digits").as_str(), "513300");
        assert!(CardIdentifier([0xFF; 16]).factors(CardFactor([0; 8])).is_none());
    }

    #[test]
    fn the_digest_is_sha_256() {
        let abc = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";
        assert_eq!(Digest::of(b"abc").to_string(), abc);
    }
}
