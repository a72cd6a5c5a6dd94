//! The profile: one card type as data.
//!
//! Source: each profile text names its own.
//! Owns: the rows (DF, EF, element, key, PIN, key load, account) and finding them.
//! Never: holds values of a card (`image`), knows bytes of a command beyond what a row says.
//! Units: sizes and lengths in bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use card_core::algorithm::{Algorithm, AlgorithmRules, Cryptogram, Filling, MacBytes, Named, Ssf33, TacKey};
use card_core::crypto::{KeyForm, KeyLength};
use card_core::security::psam::{PsamKey, PsamNames};
use card_core::security::{Factors, KeyName, KeyRef};
use serde::Deserialize;
use serde::de::{self, Deserializer};

use crate::access::Access;
use crate::account::AccountRules;
use crate::certificate::CertificateRules;
use crate::format::Format;
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
    #[cfg_attr(test, schemars(with = "String"))]
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

/// A directory (DF, 目录).
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Df {
    /// `SSSE`, `DF01`, for a PSAM `MF`.
    pub id: String,
    /// Name in Chinese.
    pub name: String,
    /// File identifier.
    #[serde(deserialize_with = "hex_u16")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub fid: u16,
    /// DF name or AID by which SELECT P1=04 finds it.
    #[serde(default, deserialize_with = "hex_bytes")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub df_name: Vec<u8>,
    /// `88` of the FCI.
    #[serde(default)]
    pub fci_sfi: Option<u8>,
    /// Key that protects key loads in this DF (主控密钥); delivered as transport key.
    #[serde(deserialize_with = "key_name")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub control_key: KeyName,
    /// Data files.
    #[serde(default)]
    pub ef: Vec<Ef>,
    /// What is assumed about this row.
    #[serde(default)]
    pub assumed: Option<String>,
}

/// A data file (EF).
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Ef {
    /// `EF05`.
    pub id: String,
    /// Name in Chinese.
    pub name: String,
    /// File identifier.
    #[serde(deserialize_with = "hex_u16")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub fid: u16,
    /// Structure.
    pub kind: EfKind,
    /// Bytes; the linter compares with the sum of the elements.
    pub size: u16,
    /// Bytes as the published table lists them, where that is not the sum of its own items.
    #[serde(default)]
    pub size_listed: Option<u16>,
    /// Records of a cyclic file; 1 for a transparent one; number of elements for TLV records.
    pub records: u8,
    /// Read condition.
    pub read: Access,
    /// Update condition.
    pub update: Access,
    /// Read condition of the same file on a card of the second generation, where that differs; for documents and the layout.
    #[serde(default)]
    pub read_v2: Option<Access>,
    /// The same for the third generation.
    #[serde(default)]
    pub read_v3: Option<Access>,
    /// Items: one a record in a TLV file; fields of one record in a cyclic file; fields from offset 0 in a transparent
    /// file, none when it is one picture or template.
    #[serde(default)]
    pub elements: Vec<Element>,
    /// `M` or `L` where the sources are weaker.
    #[serde(default)]
    pub confidence: Option<String>,
    /// What is assumed about this row.
    #[serde(default)]
    pub assumed: Option<String>,
}

/// Structure of an EF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum EfKind {
    /// One Tag-Len-Value item a record.
    TlvRecords,
    /// Records of fixed fields, newest first.
    Cyclic,
    /// Bytes.
    Transparent,
}

/// A data element (数据项).
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Element {
    /// Record identifier; absent in cyclic files.
    #[serde(default)]
    pub tag: Option<u8>,
    /// English identifier, unique in its file: `card_number`; `tag_8c` where the name is unknown. Shared with the places of
    /// its values.
    #[serde(deserialize_with = "shared")]
    pub id: Arc<str>,
    /// Name in Chinese, where known.
    #[serde(default)]
    pub name: Option<String>,
    /// Format and length.
    pub format: Format,
    /// Format as the published table lists it, where cards hold something else.
    #[serde(default)]
    pub format_listed: Option<Format>,
    /// Name of the composite whose items a `b-tlv` value has.
    #[serde(default)]
    pub composite: Option<String>,
    /// Items of a `b-tlv` value, filled in from its composite when the text is read.
    #[serde(skip)]
    pub inner: Vec<Element>,
    /// `M` or `L` where the sources are weaker.
    #[serde(default)]
    pub confidence: Option<String>,
    /// What is assumed about this row.
    #[serde(default)]
    pub assumed: Option<String>,
}

/// A key of the card.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KeyRow {
    /// `UK1DF04`.
    #[serde(deserialize_with = "key_name")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub name: KeyName,
    /// DF that holds it.
    pub df: String,
    /// Purpose in Chinese.
    #[serde(default)]
    pub purpose: String,
    /// What it may do.
    pub class: KeyClass,
    /// Key id on this card: P2 of EXTERNAL AUTHENTICATION, or key index of account commands.
    pub id: u8,
    /// The one version that this row holds, where a PSAM has a row for each; absent: whichever was loaded last.
    #[serde(default)]
    pub version: Option<u8>,
    /// Usage byte in the header of the key load.
    pub usage: u8,
    /// Bytes: 8 or 16.
    #[serde(deserialize_with = "key_length")]
    #[cfg_attr(test, schemars(with = "u8"))]
    pub length: KeyLength,
    /// Tries before it blocks.
    pub tries: u8,
    /// Place in the PSAM.
    #[serde(default)]
    pub psam: Option<PsamPlace>,
    /// Id in the PSAM where the sources have no usage byte beside it: nothing that a command could address.
    #[serde(default)]
    pub psam_id: Option<u8>,
    /// Addresses in the HSM (加密机), sub-index 1 to 3.
    #[serde(default)]
    pub hsm: Vec<String>,
    /// `M` or `L` where the sources are weaker.
    #[serde(default)]
    pub confidence: Option<String>,
    /// What is assumed about this row.
    #[serde(default)]
    pub assumed: Option<String>,
}

/// Usage byte and id in the PSAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PsamPlace {
    /// High 3 bits levels left, low 5 bits type.
    pub usage: u8,
    /// Key id.
    pub id: u8,
}

impl From<PsamPlace> for PsamKey {
    fn from(place: PsamPlace) -> Self {
        Self { usage: place.usage, id: place.id }
    }
}

/// Key classes (密钥类别).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum KeyClass {
    /// 主控密钥: protects key loads of its DF.
    Mk,
    /// 内部认证.
    Irk,
    /// 口令解锁.
    Puk,
    /// 应用维护.
    Stk,
    /// 应用锁定.
    Lk,
    /// 卡锁定.
    Bk,
    /// 读.
    Rk,
    /// 更新.
    Uk,
    /// 消费.
    Dpk,
    /// 圈存 (账户划入).
    Dlk,
    /// TAC.
    Dtk,
    /// 年度起始.
    Dsk,
    /// 圈提.
    Dulk,
    /// 修改透支限额.
    Duk,
    /// PIN 重装.
    Drpk,
}

impl KeyClass {
    /// Whether EXTERNAL AUTHENTICATION accepts a key of this class.
    #[must_use]
    pub const fn authenticates_externally(self) -> bool {
        match self {
            Self::Mk | Self::Puk | Self::Rk | Self::Uk => true,
            Self::Irk
            | Self::Stk
            | Self::Lk
            | Self::Bk
            | Self::Dpk
            | Self::Dlk
            | Self::Dtk
            | Self::Dsk
            | Self::Dulk
            | Self::Duk
            | Self::Drpk => false,
        }
    }
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
        AlgorithmRules {
            algorithm: self.algorithm,
            key_version_byte: match row.key_version_byte {
                Some(0) => None,
                Some(version) => Some(version),
                None => default.key_version_byte,
            },
            authentication_filling: row.authentication_filling.unwrap_or(default.authentication_filling),
            transaction_filling: row.transaction_filling.unwrap_or(default.transaction_filling),
            cryptogram: row.cryptogram.unwrap_or(default.cryptogram),
            message_mac: row.message_mac.unwrap_or(default.message_mac),
            transaction_mac: row.transaction_mac.unwrap_or(default.transaction_mac),
            tac_key: row.tac_key.unwrap_or(default.tac_key),
        }
    }

    /// How the card holds the key of this row.
    #[must_use]
    pub fn form(&self, key: &KeyRow) -> KeyForm {
        KeyForm { rules: self.rules(), length: key.length }
    }

    /// The key of this row on one card, as the security module must derive it: in `version`, unless the row has its own.
    #[must_use]
    pub fn key_of_card(&self, key: &KeyRow, version: u8, factors: &Factors) -> KeyRef {
        KeyRef::of_card(&key.name, key.version.unwrap_or(version), factors, self.form(key))
    }

    /// Levels of diversification that a PSAM leaves to whoever asks for its key: the high bits of the usage byte, or for the
    /// purchase key what the profile says.
    #[must_use]
    pub fn levels_left(&self, key: &KeyRow) -> usize {
        let stated = self.psam.purchase_levels.filter(|_| key.class == KeyClass::Dpk);
        stated.unwrap_or(key.usage >> 5).into()
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

impl KeyRow {
    /// Whether what this key proves lasts until reset: its id is below 80, so it belongs to the environment and not to
    /// one directory.
    #[must_use]
    pub const fn lasts_until_reset(&self) -> bool {
        self.id < 0x80
    }
}

impl Ef {
    /// Short file identifier: the low five bits of the FID.
    #[must_use]
    pub const fn sfi(&self) -> u8 {
        self.fid.to_be_bytes()[1] & 0x1F
    }

    /// Bytes of one cyclic record.
    #[must_use]
    pub fn record_length(&self) -> usize {
        self.elements.iter().map(|element| usize::from(element.format.length)).sum()
    }
}

pub(crate) fn hex_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    hex::decode(&text).map_err(|_| de::Error::custom(format!("{text:?} is not hexadecimal bytes")))
}

pub(crate) fn hex_u16<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let text = String::deserialize(deserializer)?;
    u16::from_str_radix(&text, 16)
        .ok()
        .filter(|_| text.len() == 4)
        .ok_or_else(|| de::Error::custom(format!("{text:?} is not a file identifier of four hex digits")))
}

/// A word that its places share.
fn shared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    Ok(String::deserialize(deserializer)?.into())
}

pub(crate) fn key_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<KeyName, D::Error> {
    Ok(KeyName::new(&String::deserialize(deserializer)?))
}

fn key_length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<KeyLength, D::Error> {
    let bytes = usize::deserialize(deserializer)?;
    KeyLength::of(bytes).ok_or_else(|| de::Error::custom(format!("a key has 8 or 16 bytes, not {bytes}")))
}

fn algorithm<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Algorithm, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "3des" => Ok(Algorithm::Tdes),
        "sm4" => Ok(Algorithm::Sm4),
        "ssf33" => Err(de::Error::custom(Ssf33)),
        other => Err(de::Error::custom(format!("{other:?} is neither \"3des\" nor \"sm4\""))),
    }
}

/// A choice by its name.
pub(crate) fn named<'de, D: Deserializer<'de>, T: Named>(deserializer: D) -> Result<T, D::Error> {
    let name = String::deserialize(deserializer)?;
    let names = || T::NAMES.iter().map(|(name, _)| format!("{name:?}")).collect::<Vec<_>>().join(" or ");
    T::named(&name).ok_or_else(|| de::Error::custom(format!("{name:?} where {} is expected", names())))
}

fn choice<'de, D: Deserializer<'de>, T: Named>(deserializer: D) -> Result<Option<T>, D::Error> {
    named(deserializer).map(Some)
}
