//! Ways in which a key leaves a token for another module, in the order in which a site wants them tried.
//!
//! Source: PKCS #11 v2.40 (C_WrapKey; CKM_AES_KEY_WRAP, CKM_AES_CBC, CKM_DES3_CBC, CKM_DES3_ECB); RFC 3394; mechanisms of makers have
//! numbers from 0x80000000.
//! Owns: their names, the keys that each fits, what a token must say to be asked for one. Never: holds a key, asks a module.
//! Units: lengths in bytes.

use std::ffi::c_ulong;
use std::fmt;

use cryptoki::mechanism::vendor_defined::VendorDefinedMechanism;
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::KeyType;
use serde::{Deserialize, Serialize};

/// First number of mechanisms that a maker numbers himself.
const MAKERS_FIRST: c_ulong = 0x8000_0000;

/// Initial values of a maker's mechanism: zeros.
const ZEROS_8: [u8; 8] = [0; 8];
const ZEROS_16: [u8; 16] = [0; 16];

/// A way to wrap a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Way {
    /// One that PKCS #11 numbers.
    Standard(Standard),
    /// One that the maker numbers, SM4 as a rule.
    Maker(MakersWay),
}

/// A way that PKCS #11 numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standard {
    /// RFC 3394, under an AES key: what was altered does not come out.
    #[serde(rename = "aes-key-wrap")]
    AesKeyWrap,
    /// AES in CBC mode from zeros.
    #[serde(rename = "aes-cbc")]
    AesCbc,
    /// 3DES in CBC mode from zeros.
    #[serde(rename = "3des-cbc")]
    TdesCbc,
    /// 3DES block by block.
    #[serde(rename = "3des-ecb")]
    TdesEcb,
}

/// A way that the maker numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "MakersRow", into = "MakersRow")]
pub struct MakersWay {
    name: String,
    mechanism: MechanismType,
    initial: Initial,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Initial {
    None,
    Eight,
    Sixteen,
}

/// `{ name = "SM4-CBC", mechanism = 0x80000105, iv_bytes = 16 }`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MakersRow {
    name: String,
    mechanism: c_ulong,
    #[serde(default)]
    iv_bytes: u8,
}

impl From<MakersWay> for MakersRow {
    fn from(MakersWay { name, mechanism, initial }: MakersWay) -> Self {
        let iv_bytes = match initial {
            Initial::None => 0,
            Initial::Eight => 8,
            Initial::Sixteen => 16,
        };
        Self { name, mechanism: *mechanism, iv_bytes }
    }
}

impl TryFrom<MakersRow> for MakersWay {
    type Error = &'static str;

    fn try_from(row: MakersRow) -> Result<Self, Self::Error> {
        let initial = match row.iv_bytes {
            0 => Initial::None,
            8 => Initial::Eight,
            16 => Initial::Sixteen,
            _ => return Err("iv_bytes is 0, 8 or 16"),
        };
        let number = Some(row.mechanism).filter(|number| *number >= MAKERS_FIRST);
        let mechanism = number.and_then(|number| MechanismType::new_vendor_defined(number).ok());
        let mechanism = mechanism.ok_or("mechanism is a number of the maker's, from 0x80000000")?;
        Ok(Self { name: row.name, mechanism, initial })
    }
}

impl Way {
    /// Those that are tried when the site names none.
    #[must_use]
    pub fn usual() -> Vec<Self> {
        [Standard::AesKeyWrap, Standard::TdesCbc].map(Self::Standard).to_vec()
    }

    /// Whether it can be asked for: the wrapping key is of its kind, and the token says that it wraps so. Of a maker's own way the
    /// token judges itself.
    pub(super) fn may_serve(&self, under: KeyType, reported: &[MechanismType]) -> bool {
        match self {
            Self::Standard(way) => way.keys().contains(&under) && reported.contains(&self.mechanism().mechanism_type()),
            Self::Maker(_) => true,
        }
    }

    /// As the module is asked.
    pub(super) fn mechanism(&self) -> Mechanism<'static> {
        match self {
            Self::Standard(Standard::AesKeyWrap) => Mechanism::AesKeyWrap,
            Self::Standard(Standard::AesCbc) => Mechanism::AesCbc(ZEROS_16),
            Self::Standard(Standard::TdesCbc) => Mechanism::Des3Cbc(ZEROS_8),
            Self::Standard(Standard::TdesEcb) => Mechanism::Des3Ecb,
            Self::Maker(MakersWay { mechanism, initial, .. }) => Mechanism::VendorDefined(match initial {
                Initial::None => VendorDefinedMechanism::new::<u8>(*mechanism, None),
                Initial::Eight => VendorDefinedMechanism::new(*mechanism, Some(&ZEROS_8)),
                Initial::Sixteen => VendorDefinedMechanism::new(*mechanism, Some(&ZEROS_16)),
            }),
        }
    }
}

impl Standard {
    const fn keys(self) -> &'static [KeyType] {
        match self {
            Self::AesKeyWrap | Self::AesCbc => &[KeyType::AES],
            Self::TdesCbc | Self::TdesEcb => &[KeyType::DES2, KeyType::DES3],
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard(Standard::AesKeyWrap) => f.write_str("AES key wrap (RFC 3394)"),
            Self::Standard(Standard::AesCbc) => f.write_str("AES-CBC, IV 0"),
            Self::Standard(Standard::TdesCbc) => f.write_str("3DES-CBC, IV 0"),
            Self::Standard(Standard::TdesEcb) => f.write_str("3DES-ECB"),
            Self::Maker(MakersWay { name, initial: Initial::None, .. }) => f.write_str(name),
            Self::Maker(MakersWay { name, .. }) => write!(f, "{name}, IV 0"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Rows {
        wrap: Vec<Way>,
    }

    fn ways(text: &str) -> Result<Vec<Way>, String> {
        toml::from_str::<Rows>(text).map(|rows| rows.wrap).map_err(|error| error.to_string())
    }

    #[test]
    fn a_configuration_names_ways_of_the_standard_and_of_a_maker() {
        let text = r#"wrap = ["3des-ecb", { name = "SM4-CBC", mechanism = 0x80000105, iv_bytes = 16 }, "aes-cbc"]"#;
        let ways = ways(text).expect("ways");
        let names: Vec<String> = ways.iter().map(Way::to_string).collect();
        assert_eq!(names, ["3DES-ECB", "SM4-CBC, IV 0", "AES-CBC, IV 0"]);
        let numbers: Vec<MechanismType> = ways.iter().map(|way| way.mechanism().mechanism_type()).collect();
        let makers = MechanismType::new_vendor_defined(0x8000_0105).expect("a maker's");
        assert_eq!(numbers, [MechanismType::DES3_ECB, makers, MechanismType::AES_CBC]);
    }

    #[test]
    fn what_is_no_way_is_refused() {
        for text in [
            r#"wrap = ["rot13"]"#,
            r#"wrap = [{ name = "x", mechanism = 0x132 }]"#,
            r#"wrap = [{ name = "x", mechanism = 0x80000001, iv_bytes = 12 }]"#,
            r#"wrap = [{ name = "x", mechanism = 0x80000001, iv = 8 }]"#,
            r#"wrap = [{ mechanism = 0x80000001 }]"#,
        ] {
            assert!(ways(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_way_of_the_standard_needs_a_key_of_its_kind_and_a_token_that_has_it() {
        let reported = [MechanismType::AES_KEY_WRAP, MechanismType::DES3_CBC];
        let [aes, tdes] = [Standard::AesKeyWrap, Standard::TdesCbc].map(Way::Standard);
        assert!(aes.may_serve(KeyType::AES, &reported) && tdes.may_serve(KeyType::DES2, &reported));
        assert!(!aes.may_serve(KeyType::DES2, &reported) && !tdes.may_serve(KeyType::AES, &reported));
        assert!(!aes.may_serve(KeyType::AES, &reported[1..]), "the token does not say so");
    }
}
