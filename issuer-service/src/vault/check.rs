//! Check values (校验值) of keys: the first 3 bytes of E(0), by which people compare keys that they may not see.
//!
//! Owns: the list, its words. Never: holds a key.

use card_core::crypto::Block;
use card_core::security::{CityCode, Factors, KeyName, KeyRef, SecurityError};
use serde::Serialize;

use super::key_store::Wrapped;
use super::name::{form_of, is_transport_key};
use super::{Held, Kind, Vault, VaultError, is_export_key};
use crate::lang::Lang;
use crate::output::Show;

/// Check values (校验值) of the keys of a vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckValues {
    /// What the keys are good for.
    pub kind: Kind,
    /// City of the third level.
    pub city: String,
    /// In order of name.
    pub keys: Vec<CheckValue>,
}

/// Check values of one key: first 3 bytes of E(0), hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckValue {
    /// Key name.
    pub name: String,
    /// Version.
    pub version: u8,
    /// National root key; none when the vault holds a key below it.
    pub national: Option<String>,
    /// Province's key; none for a transport key, or when the vault holds a city's key.
    pub province: Option<String>,
    /// City's key; none for a transport key.
    pub city: Option<String>,
}

/// Check value of a key as a vault holds it, on whatever level that is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldValue {
    /// Name.
    pub name: String,
    /// Version.
    pub version: u8,
    /// 6 hex digits.
    pub check_value: String,
}

/// What came of taking keys out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenOut {
    /// How many are gone.
    pub gone: usize,
    /// Those that a token does not let go.
    pub left: Vec<HeldValue>,
}

impl HeldValue {
    /// Name and version: `UKSSSE v2`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} v{}", self.name, self.version)
    }
}

impl Vault {
    /// Check values of every key, on those of the three levels above the cards of `city` that the vault can tell.
    ///
    /// # Errors
    /// [`VaultError::Security`].
    pub fn check_values(&self, city: CityCode) -> Result<CheckValues, VaultError> {
        let factors = Factors::of(city, [0; 8]);
        let keys = self.keys();
        let mut store = keys.store();
        let mut rows = Vec::new();
        for Held { name, version, above } in store.held()? {
            let mut value = |path: &[Block]| -> Result<Option<String>, SecurityError> {
                if !path.starts_with(&above) {
                    return Ok(None);
                }
                let key = KeyRef { name: name.clone(), version, path: path.to_vec(), form: form_of(&name) };
                Ok(Some(hex::encode_upper(store.check_value(&key)?)))
            };
            let by_city = !is_transport_key(&name) && !is_export_key(&name);
            rows.push(CheckValue {
                national: value(&[])?,
                province: if by_city { value(&[factors.province])? } else { None },
                city: if by_city { value(&[factors.province, factors.city])? } else { None },
                name: name.to_string(),
                version,
            });
        }
        Ok(CheckValues { kind: self.kind(), city: city.to_string(), keys: rows })
    }
}

impl Show for CheckValues {
    fn text(&self, lang: Lang) -> String {
        let title = match self.kind {
            Kind::Rehearsal => lang.pick("演练密钥（不得用于真卡）", "REHEARSAL keys (never for real cards)"),
            Kind::Production => lang.pick("生产密钥", "production keys"),
        };
        let (national, province, city) = lang.pick(("国家", "省", "市"), ("nation", "province", "city"));
        let mut text = format!("{title}\n{:<10} {:>3}  {national:<8} {province:<8} {city} {}", "", "v", self.city);
        for key in &self.keys {
            let level = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
            text.push_str(&format!(
                "\n{:<10} {:>3}  {:<8} {:<8} {}",
                key.name,
                key.version,
                level(&key.national),
                level(&key.province),
                level(&key.city)
            ));
        }
        text
    }
}

impl CheckValue {
    /// Whether it is of this key, which has this check value as it is held.
    fn is_of(&self, held: &Held, value: &str) -> bool {
        let levels = [&self.national, &self.province, &self.city];
        let same_value = levels.into_iter().any(|level| level.as_deref() == Some(value));
        self.name == held.name.as_str() && self.version == held.version && same_value
    }

    /// Whether both are of one key and say the same wherever both say something.
    #[must_use]
    pub fn agrees(&self, other: &Self) -> bool {
        let levels = [(&self.national, &other.national), (&self.province, &other.province), (&self.city, &other.city)];
        let said = || levels.into_iter().filter(|(left, right)| left.is_some() && right.is_some());
        let same_key = self.name == other.name && self.version == other.version;
        same_key && said().count() > 0 && said().all(|(left, right)| left == right)
    }
}

/// The check values recorded when keys were made, against those of the vault now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KeyCheck {
    /// Keys that are as recorded.
    pub agreed: usize,
    /// Keys that differ from the record.
    pub different: Vec<String>,
    /// Keys recorded that the vault does not hold.
    pub missing: Vec<String>,
    /// Keys of the vault that nobody recorded.
    pub unknown: Vec<String>,
    /// Keys of ceremonies that were given up, which the token did not let go.
    pub left: Vec<String>,
    /// Keys that the site's card types need and nobody has made.
    pub needed: Vec<String>,
}

impl KeyCheck {
    /// Compares.
    #[must_use]
    pub fn compare(recorded: Vec<CheckValue>, found: Vec<CheckValue>, left: &[HeldValue]) -> Self {
        let title = |value: &CheckValue| format!("{} v{}", value.name, value.version);
        let same_key = |left: &CheckValue, right: &CheckValue| left.name == right.name && left.version == right.version;
        let mut check = Self::default();
        for value in &recorded {
            match found.iter().find(|other| same_key(other, value)) {
                Some(other) if other.agrees(value) => check.agreed += 1,
                Some(_) => check.different.push(title(value)),
                None => check.missing.push(title(value)),
            }
        }
        let known = |value: &&CheckValue| recorded.iter().any(|other| same_key(other, value));
        for value in found.iter().filter(|value| !known(value)) {
            let levels = [&value.national, &value.province, &value.city];
            let is_left = |key: &HeldValue| {
                key.name == value.name
                    && key.version == value.version
                    && levels.into_iter().any(|level| level.as_ref() == Some(&key.check_value))
            };
            let list = if left.iter().any(is_left) { &mut check.left } else { &mut check.unknown };
            list.push(title(value));
        }
        check
    }

    /// The same with the keys that the site's card types need and nobody has made.
    #[must_use]
    pub fn needing(self, needed: Vec<String>) -> Self {
        Self { needed, ..self }
    }

    /// Whether every key is as recorded and none is missing or unknown.
    #[must_use]
    pub fn agrees(&self) -> bool {
        [&self.different, &self.missing, &self.unknown, &self.needed].into_iter().all(Vec::is_empty)
    }
}

impl Show for KeyCheck {
    fn text(&self, lang: Lang) -> String {
        let agreed = self.agreed;
        let mut text = lang.pick(format!("{agreed} 个密钥与记录一致"), format!("{agreed} keys are as recorded"));
        for (list, zh, en) in [
            (&self.different, "校验值不符", "check value differs"),
            (&self.missing, "密钥库中没有", "not in the vault"),
            (&self.unknown, "没有记录", "not on record"),
            (
                &self.left,
                "放弃的仪式留在令牌中，不作他用",
                "left on the token by a ceremony that was given up, and not used",
            ),
            (
                &self.needed,
                "卡片类型需要而尚未生成，用 issuer ceremony start --missing 补充",
                "needed by the card types and not made yet; `issuer ceremony start --missing` adds them",
            ),
        ] {
            if !list.is_empty() {
                text.push_str(&format!("\n{}:", lang.pick(zh, en)));
                list.iter().for_each(|key| text.push_str(&format!("\n  {key}")));
            }
        }
        text
    }
}

/// A key wrapped for another module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// Key name.
    pub name: String,
    /// Version.
    pub version: u8,
    /// Factors from the root key to it, hex: none, province, or province and city.
    pub above: Vec<String>,
    /// How it is wrapped.
    pub wrapping: String,
    /// Name or label of the key that wraps it.
    pub wrapping_key: String,
    /// The wrapped key, hex.
    pub wrapped: String,
    /// Its check value.
    pub check_value: String,
    /// Check value of the key that wraps it, when its module tells one: the first 3 bytes of a block of zeros under it.
    pub wrapping_check_value: Option<String>,
}

impl Vault {
    /// Wraps a key under the one that another module holds too. Both are `recorded`: what a ceremony that was given up, or that is not
    /// at its end, has brought into a token neither goes out nor wraps.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn export(&self, name: &str, version: u8, recorded: &[CheckValue]) -> Result<Exported, VaultError> {
        let keys = self.keys();
        let mut store = keys.store();
        let (mut key, mut newest) = (None, None::<Held>);
        for held in store.held()? {
            let asked = held.name.as_str() == name && held.version == version;
            if !asked && !is_export_key(&held.name) {
                continue;
            }
            let value = hex::encode_upper(store.check_value(&held.reference())?);
            if !recorded.iter().any(|row| row.is_of(&held, &value)) {
                continue;
            }
            if is_export_key(&held.name) && newest.as_ref().is_none_or(|newest| newest.version < held.version) {
                newest = Some(held.clone());
            }
            key = if asked { Some(held) } else { key };
        }
        let key = key.ok_or_else(|| SecurityError::KeyNotFound { name: KeyName::new(name), version })?;
        let Wrapped { bytes, way, under, under_check_value } = store.export(&key, newest.as_ref())?;
        Ok(Exported {
            name: key.name.to_string(),
            version,
            above: key.above.iter().map(hex::encode_upper).collect(),
            wrapping: way,
            wrapping_key: under,
            wrapped: hex::encode_upper(bytes),
            check_value: hex::encode_upper(store.check_value(&key.reference())?),
            wrapping_check_value: under_check_value.map(hex::encode_upper),
        })
    }
}

impl Show for Exported {
    fn text(&self, lang: Lang) -> String {
        let Self { name, version, wrapping, wrapping_key, wrapped, check_value, wrapping_check_value, .. } = self;
        let under = wrapping_check_value.as_deref().unwrap_or("-");
        lang.pick(
            format!("{name} v{version}  {wrapped}  校验值 {check_value}\n{wrapping}，保护密钥 {wrapping_key} 校验值 {under}"),
            format!(
                "{name} v{version}  {wrapped}  check value {check_value}\n{wrapping}, under {wrapping_key}, check value {under}"
            ),
        )
    }
}
