//! Keys that the site's card types need, and which of them are on no record here: a running centre has named another text in `cards`.
//!
//! Source: ours (docs/adr/0098). Owns: that comparison, its error. Never: makes a key (`ceremony`), asks a vault.

use card_core::security::KeyName;
use card_profiles::Profile;

use super::Config;
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::store::{StoreError, Tx};
use crate::vault::{key_names, transport_key_names};

/// Names of the keys that cards and PSAMs of some types need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardKeys {
    /// Name of the card type for which they are asked.
    card: String,
    /// Keys of the present version.
    names: Vec<KeyName>,
    /// Transport keys, whose version is the factory's lot.
    transport: Vec<KeyName>,
    lot: u8,
}

/// Keys without which no card of a type can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the centre lacks {}, which cards of {card} need", keys.join(", "))]
pub struct CardKeysMissing {
    /// Name of the card type.
    pub card: String,
    /// Names and versions: `UKCITY v1`.
    pub keys: Vec<String>,
}

impl Config {
    /// Keys that the cards need which are made from now on.
    #[must_use]
    pub fn card_keys(&self) -> CardKeys {
        self.keys_of(&[self.made()])
    }

    /// Keys that all cards and PSAMs of the site need.
    #[must_use]
    pub fn site_keys(&self) -> CardKeys {
        self.keys_of(&self.profiles())
    }

    fn keys_of(&self, profiles: &[Profile]) -> CardKeys {
        CardKeys {
            card: self.made_type().profile.name.clone(),
            names: key_names(profiles),
            transport: transport_key_names(profiles),
            lot: self.transport_lot,
        }
    }
}

impl CardKeys {
    /// Those that are on no record, with the version that is needed: the present one, of a transport key the lot. None where no key
    /// set is on record: a production centre before its ceremony has no version to which one could be added.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn lacking(&self, tx: &Tx<'_>) -> Result<Vec<(KeyName, u8)>, StoreError> {
        let Some(present) = tx.current_key_set()? else { return Ok(Vec::new()) };
        let recorded = tx.recorded_check_values()?;
        let wanted =
            self.names.iter().map(|name| (name, present)).chain(self.transport.iter().map(|name| (name, self.lot)));
        let is_there =
            |name: &KeyName, version| recorded.iter().any(|of| of.name == name.as_str() && of.version == version);
        let lacking = wanted.filter(|(name, version)| !is_there(name, *version));
        Ok(lacking.map(|(name, version)| (name.clone(), version)).collect())
    }

    /// The same as titles, `UKCITY v1`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn lacking_titles(&self, tx: &Tx<'_>) -> Result<Vec<String>, StoreError> {
        Ok(self.lacking(tx)?.iter().map(|(name, version)| format!("{name} v{version}")).collect())
    }

    /// Refuses work for which keys are missing, before a card or number is taken.
    ///
    /// # Errors
    /// [`CardKeysMissing`]; the database.
    pub fn require<E: From<StoreError> + From<Box<CardKeysMissing>>>(&self, tx: &Tx<'_>) -> Result<(), E> {
        match self.lacking_titles(tx)? {
            keys if keys.is_empty() => Ok(()),
            keys => Err(Box::new(CardKeysMissing { card: self.card.clone(), keys }).into()),
        }
    }
}

impl Explain for CardKeysMissing {
    fn code(&self) -> &'static str {
        "CARD_TYPE_KEYS_MISSING"
    }

    fn what(&self, lang: Lang) -> String {
        let Self { card, keys } = self;
        lang.pick(
            format!("{card} 的卡需要中心没有的密钥 {}，未取用任何卡片和卡号", keys.join("、")),
            format!("{self}; no card and no number was taken"),
        )
    }

    fn next(&self, lang: Lang) -> &'static str {
        lang.pick(
            "由密钥保管人补充，现有密钥不变：issuer ceremony start --missing；或改回 centre.toml 的 cards",
            "let the custodians add them, which changes no other key: `issuer ceremony start --missing`; or put `cards` of centre.toml back",
        )
    }

    fn exit(&self) -> Exit {
        Exit::Refused
    }
}
