//! The profile: one card type as data.
//!
//! Source: each profile text names its own.
//! Owns: the rows that a card has once, and finding the others: directories and files (`files`), keys (`keys`).
//! Never: holds values of a card (`image`), knows bytes of a command beyond what a row says.
//! Units: sizes and lengths in bytes.

mod files;
mod keys;
mod options;
mod words;

use std::collections::BTreeMap;

use card_core::algorithm::{Algorithm, AlgorithmRules, Authentication, Cryptogram, Filling, MacBytes, TacKey};
use card_core::crypto::KeyForm;
use card_core::security::psam::{PsamKey, PsamNames};
use card_core::security::{Factors, KeyName, KeyRef};
use serde::Deserialize;

pub use self::files::{Df, Ef, EfKind, Element};
pub use self::keys::{KeyClass, KeyRow, PsamPlace};
pub use self::options::OptionRow;
use self::words::{algorithm, choice, profile_name};
pub(crate) use self::words::{hex_bytes, hex_u16, id, key_name, named};
use crate::account::AccountRules;
use crate::certificate::CertificateRules;
use crate::maintenance::BlockingRow;
use crate::psam::PsamRules;
use crate::purse::PurseRules;

/// A card type.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Version of the grammar.
    pub format: u32,
    /// Name: `ssc-3.0`.
    #[serde(deserialize_with = "profile_name")]
    #[cfg_attr(test, schemars(with = "String", extend("pattern" = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")))]
    pub name: String,
    /// Title in Chinese.
    pub title: String,
    /// Where the facts come from.
    pub source: String,
    /// User card or PSAM.
    pub kind: CardKind,
    /// 规范版本 as written into item 03: `3.00`; empty for a PSAM.
    #[serde(default)]
    pub version: String,
    /// Symmetric algorithm.
    #[serde(deserialize_with = "algorithm")]
    #[cfg_attr(test, schemars(with = "String", extend("enum" = ["3des", "sm4"])))]
    pub algorithm: Algorithm,
    /// Its open choices.
    #[serde(default)]
    pub algorithm_rules: AlgorithmRow,
    /// Bytes of memory for files and keys; the linter sums against it.
    pub capacity: u32,
    /// Answer to reset.
    pub atr: AtrRow,
    /// Card PIN.
    #[serde(default)]
    pub pin: Option<PinRow>,
    /// How a production key is loaded over a transport key.
    pub key_load: KeyLoadRow,
    /// Blocking commands.
    #[serde(default)]
    pub blocking: Option<BlockingRow>,
    /// Social security account applet.
    #[serde(default)]
    pub account: Option<AccountRules>,
    /// ED and EP of PBOC.
    #[serde(default)]
    pub purse: Option<PurseRules>,
    /// What the sources leave open about a PSAM.
    #[serde(default)]
    pub psam: PsamRules,
    /// Certificate application.
    #[serde(default)]
    pub certificate: Option<CertificateRules>,
    /// The MF (`3F00`) of a card whose first directory is not it.
    #[serde(default)]
    pub mf: Option<MfRow>,
    /// Questions that the sources answer in more than one way, by name.
    #[serde(default)]
    pub option: BTreeMap<String, OptionRow>,
    /// Directories, SSSE (or the MF) first.
    pub df: Vec<Df>,
    /// Keys.
    pub key: Vec<KeyRow>,
    /// Inner items of composite values, by the name that elements refer to.
    #[serde(default)]
    pub composite: BTreeMap<String, Vec<Element>>,
    /// Rows that stand on an assumption, beyond those marked where they stand.
    #[serde(default)]
    pub assumed: Vec<String>,
    /// The profile that this one extends.
    #[serde(skip)]
    pub base: Option<String>,
}

/// The MF (主文件 `3F00`), current after a reset.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MfRow {
    /// Where the environment, the first directory, lies.
    pub environment: MfEnvironment,
    /// DF name in the FCI of an MF of its own; empty: none.
    #[serde(default, deserialize_with = "hex_bytes")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub df_name: Vec<u8>,
    /// What is assumed about this row.
    #[serde(default)]
    pub assumed: Option<String>,
}

/// Where the environment of a card lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum MfEnvironment {
    /// Below an MF that belongs to another (a bank): `3F00` selects that one, which has no files of ours.
    Below,
    /// It is the MF itself: `3F00` selects it, and it is current after a reset.
    Itself,
}

/// What a card is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CardKind {
    /// 用户卡.
    User,
    /// PSAM.
    Psam,
}

/// Choices of the card's algorithm that the sources leave open; a field that is absent has the algorithm's default.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AlgorithmRow {
    /// What EXTERNAL and INTERNAL AUTHENTICATION are made with: a `session` key, or the key itself (`whole`), as in a purse.
    #[serde(default, deserialize_with = "choice")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub authentication: Option<Authentication>,
    /// Key version byte after the data of EXTERNAL and INTERNAL AUTHENTICATION (Lc 11); 0 for none (Lc 10).
    #[serde(default)]
    pub key_version_byte: Option<u8>,
    /// What fills the block of a factor or plain of 8 bytes in authentication and PIN commands: `zeros`, `complement`.
    #[serde(default, deserialize_with = "choice")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub authentication_filling: Option<Filling>,
    /// What fills the seed of an account command's session key.
    #[serde(default, deserialize_with = "choice")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub transaction_filling: Option<Filling>,
    /// Cryptogram of an authentication: `folded` or `left`.
    #[serde(default, deserialize_with = "choice")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub cryptogram: Option<Cryptogram>,
    /// MAC of secure messaging: `leftmost` or `folded`.
    #[serde(default, deserialize_with = "choice")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub message_mac: Option<MacBytes>,
    /// MAC1, MAC2 and TAC: `leftmost` or `folded`.
    #[serde(default, deserialize_with = "choice")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub transaction_mac: Option<MacBytes>,
    /// Key of the TAC: `folded` or `whole`.
    #[serde(default, deserialize_with = "choice")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub tac_key: Option<TacKey>,
    /// The byte by which INITIALIZE of a transaction names the algorithm; 00 for 3DES and 04 for SM4 where it is left out.
    #[serde(default)]
    pub algorithm_byte: Option<u8>,
    /// What is assumed about these choices.
    #[serde(default)]
    pub assumed: Vec<String>,
}

/// How the ATR is made: `prefix`, then `maker` (T1 to T7), then a serial of 6 bytes.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AtrRow {
    /// TS, T0, interface bytes.
    #[serde(deserialize_with = "hex_bytes")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub prefix: Vec<u8>,
    /// Historical bytes before the serial.
    #[serde(deserialize_with = "hex_bytes")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub maker: Vec<u8>,
}

/// The card's PIN.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PinRow {
    /// Digits at delivery; refused for transactions by the terminal.
    pub initial: String,
    /// Tries before it blocks.
    pub tries: u8,
    /// Least BCD bytes.
    pub bytes_min: u8,
    /// Most BCD bytes.
    pub bytes_max: u8,
    /// Whether a VERIFY without data answers the tries left (ISO/IEC 7816-4); no source says so for this card.
    #[serde(default)]
    pub answers_tries: bool,
    /// What VERIFY does with bytes that are no BCD digits.
    #[serde(default)]
    pub other_digits: OtherDigits,
    /// What is assumed about this row.
    #[serde(default)]
    pub assumed: Option<String>,
}

/// What VERIFY does with bytes that are no BCD digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OtherDigits {
    /// Compared like any PIN: a wrong one that spends a try (the COS manual lists no status for wrong data).
    #[default]
    Compared,
    /// Refused as wrong data before a try is spent.
    Refused,
}

/// Key load: `command`, Lc, `3DES(LD ‖ usage id version ‖ key ‖ padding) ‖ MAC`.
///
/// Source: published example (`84 D4 00 00 1C`, header `22 00 00`); the meaning of the header bytes is assumed.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KeyLoadRow {
    /// CLA INS P1 P2.
    #[serde(deserialize_with = "hex_bytes")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub command: Vec<u8>,
    /// Bytes of the challenge that starts the MAC (4, completed with zeros; or 8).
    pub challenge: u8,
    /// What is assumed about this row.
    #[serde(default)]
    pub assumed: Option<String>,
}

impl Profile {
    /// The directory with this id.
    #[must_use]
    pub fn df(&self, id: &str) -> Option<&Df> {
        self.df.iter().find(|df| df.id == id)
    }

    /// The file at `DF04`, `EF08`.
    #[must_use]
    pub fn ef(&self, df: &str, ef: &str) -> Option<&Ef> {
        self.df(df)?.ef.iter().find(|row| row.id == ef)
    }

    /// The key with this name.
    #[must_use]
    pub fn key(&self, name: &KeyName) -> Option<&KeyRow> {
        self.key.iter().find(|row| row.name == *name)
    }

    /// The algorithm with all its choices.
    #[must_use]
    pub fn rules(&self) -> AlgorithmRules {
        let (row, default) = (&self.algorithm_rules, AlgorithmRules::of(self.algorithm));
        let authentication = row.authentication.unwrap_or(default.authentication);
        AlgorithmRules {
            algorithm: self.algorithm,
            authentication,
            key_version_byte: match (row.key_version_byte, authentication) {
                (_, Authentication::Whole) | (Some(0), _) => None,
                (Some(version), _) => Some(version),
                (None, Authentication::Session) => default.key_version_byte,
            },
            authentication_filling: row.authentication_filling.unwrap_or(default.authentication_filling),
            transaction_filling: row.transaction_filling.unwrap_or(default.transaction_filling),
            cryptogram: row.cryptogram.unwrap_or(default.cryptogram),
            message_mac: row.message_mac.unwrap_or(default.message_mac),
            transaction_mac: row.transaction_mac.unwrap_or(default.transaction_mac),
            tac_key: row.tac_key.unwrap_or(default.tac_key),
        }
    }

    /// The byte by which INITIALIZE of a transaction names the algorithm.
    #[must_use]
    pub fn algorithm_byte(&self) -> u8 {
        self.algorithm_rules.algorithm_byte.unwrap_or(match self.algorithm {
            Algorithm::Tdes => 0x00,
            Algorithm::Sm4 => 0x04,
        })
    }

    /// How the card holds the key of this row.
    #[must_use]
    pub fn form(&self, key: &KeyRow) -> KeyForm {
        KeyForm { rules: self.rules(), length: key.length }
    }

    /// The key of this row on one card, as the security module must derive it: in `version`, unless the row has its own; from
    /// the root down through all factors, for a purse through as many as its profile says.
    #[must_use]
    pub fn key_of_card(&self, key: &KeyRow, version: u8, factors: &Factors) -> KeyRef {
        let mut key = KeyRef::of_card(&key.name, key.version.unwrap_or(version), factors, self.form(key));
        if let Some(purse) = &self.purse {
            let levels_above = key.path.len().saturating_sub(purse.factors.into());
            key.path.drain(..levels_above);
        }
        key
    }

    /// Levels of diversification that a PSAM leaves to whoever asks for its key: the high bits of the usage byte, or for the
    /// purchase key what the profile says.
    #[must_use]
    pub fn levels_left(&self, key: &KeyRow) -> usize {
        let stated = self.psam.purchase_levels.filter(|_| key.class == KeyClass::Dpk);
        stated.unwrap_or(key.usage >> 5).into()
    }

    /// Keys that the card holds: one a row, and the master key of a certificate application that has commands.
    #[must_use]
    pub fn key_count(&self) -> usize {
        let master = self.certificate.as_ref().is_some_and(|rules| rules.access.is_some());
        self.key.len() + usize::from(master)
    }

    /// Whether a terminal can prove this key by EXTERNAL AUTHENTICATION.
    #[must_use]
    pub fn proves(&self, key: &KeyRow) -> bool {
        key.class.authenticates_externally(self.rules().authentication)
    }

    /// Whether P2 of EXTERNAL AUTHENTICATION names this key wherever the card stands: ids below 80 are those of the environment.
    /// A purse has its keys in the directory that is selected, whatever their ids.
    #[must_use]
    pub fn lasts_until_reset(&self, key: &KeyRow) -> bool {
        key.lasts_until_reset() && self.rules().authentication == Authentication::Session
    }

    /// The first key of a class in a DF.
    #[must_use]
    pub fn key_of_class(&self, df: &str, class: KeyClass) -> Option<&KeyRow> {
        self.key.iter().find(|row| row.df == df && row.class == class)
    }

    /// How a terminal selects this PSAM: environment, application, terminal number file; `None` for a user card.
    #[must_use]
    pub fn psam_names(&self) -> Option<PsamNames> {
        let [environment, application] = self.df.as_slice() else { return None };
        let terminal = environment.ef.iter().find(|ef| ef.elements.iter().any(|row| &*row.id == "terminal_number"))?;
        Some(PsamNames {
            environment: environment.df_name.clone(),
            application: application.df_name.clone(),
            terminal_number_sfi: terminal.sfi(),
        })
    }

    /// Where the PSAM holds the keys of this card.
    #[must_use]
    pub fn psam_keys(&self) -> BTreeMap<KeyName, PsamKey> {
        self.key.iter().filter_map(|row| Some((row.name.clone(), row.psam?.into()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use card_core::security::CityCode;

    use super::*;
    use crate::builtin;

    #[test]
    fn the_keys_of_a_purse_are_derived_through_as_many_factors_as_its_profile_says() {
        let factors = Factors::of(CityCode::parse("110100").expect("six digits"), [0x11, 1, 0, 0, 0, 0x12, 0x34, 0x56]);
        let mut profile = builtin("pboc-purse").expect("built in");
        let row = profile.key.iter().find(|row| row.class == KeyClass::Dpk).expect("a purchase key").clone();
        assert_eq!(profile.key_of_card(&row, 1, &factors).path, [factors.card]);
        for (count, path) in [(2, vec![factors.city, factors.card]), (3, factors.path().to_vec())] {
            profile.purse.as_mut().expect("a purse").factors = count;
            assert_eq!(profile.key_of_card(&row, 1, &factors).path, path);
        }
        let card = builtin("ssc-3.0").expect("built in");
        assert_eq!(card.key_of_card(&row, 1, &factors).path, factors.path());
    }
}
