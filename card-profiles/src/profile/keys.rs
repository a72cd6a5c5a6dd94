//! Keys of a card, and their places in the PSAM and the HSM.
//!
//! Source: key tables of the deployed programs. Owns: the rows, and what a class may do. Never: holds a key.

use card_core::algorithm::Authentication;
use card_core::command::Internal;
use card_core::crypto::KeyLength;
use card_core::security::KeyName;
use card_core::security::psam::PsamKey;
use serde::Deserialize;

use super::words::{key_length, key_name};

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
    #[cfg_attr(test, schemars(with = "u8", extend("enum" = [8, 16])))]
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
    /// Other places of later versions; a version that is not here has those of the row.
    #[serde(default)]
    pub versions: Vec<KeyVersionRow>,
    /// `M` or `L` where the sources are weaker.
    #[serde(default)]
    pub confidence: Option<String>,
    /// What is assumed about this row.
    #[serde(default)]
    pub assumed: Option<String>,
}

/// Where one version of a key lies, where the row's places are those of another.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KeyVersionRow {
    /// The version, as the card answers it.
    pub version: u8,
    /// Place in the PSAM.
    #[serde(default)]
    pub psam: Option<PsamPlace>,
    /// Addresses in the HSM (加密机), sub-index 1 to 3.
    #[serde(default)]
    pub hsm: Vec<String>,
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
    /// 外部认证 of a purse: the key itself enciphers the challenge.
    Eak,
    /// 内部认证, 加密.
    Iek,
    /// 内部认证, 解密.
    Idk,
    /// 内部认证, MAC.
    Imk,
}

impl KeyClass {
    /// Whether EXTERNAL AUTHENTICATION accepts a key of this class. Control keys of a purse only load keys (the manual has a type
    /// of its own for external authentication).
    #[must_use]
    pub const fn authenticates_externally(self, made_with: Authentication) -> bool {
        match self {
            Self::Mk | Self::Puk | Self::Rk | Self::Uk => matches!(made_with, Authentication::Session),
            Self::Eak => matches!(made_with, Authentication::Whole),
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
            | Self::Drpk
            | Self::Iek
            | Self::Idk
            | Self::Imk => false,
        }
    }

    /// The use of INTERNAL AUTHENTICATION of a purse that a key of this class serves.
    #[must_use]
    pub fn serves_internally(self) -> Option<Internal> {
        match self {
            Self::Iek => Some(Internal::Encipher),
            Self::Idk => Some(Internal::Decipher),
            Self::Imk => Some(Internal::Mac),
            _ => None,
        }
    }
}

impl KeyRow {
    /// Addresses of one version in the HSM (加密机), sub-index 1 to 3.
    #[must_use]
    pub fn hsm_of(&self, version: u8) -> &[String] {
        self.versions.iter().find(|row| row.version == version).map_or(&self.hsm, |row| &row.hsm)
    }

    /// Place of one version in the PSAM.
    #[must_use]
    pub fn psam_of(&self, version: u8) -> Option<PsamPlace> {
        self.versions.iter().find(|row| row.version == version).map_or(self.psam, |row| row.psam)
    }

    /// Whether what this key proves lasts until reset: its id is below 80, so it belongs to the environment and not to
    /// one directory.
    #[must_use]
    pub const fn lasts_until_reset(&self) -> bool {
        self.id < 0x80
    }
}
