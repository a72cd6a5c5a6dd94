//! A card of this centre: one chip, one person, one number.
//!
//! Owns: what is recorded of a card. Never: holds keys; changes a state (`batch` does while it is made, `life` afterwards).

pub mod failure;
pub mod life;
pub mod pin;
pub mod remote;
pub mod rule;
pub mod seen;
pub mod state;
pub mod update;

use card_core::security::{CityCode, Factors};
use card_profiles::identity::CardIdentifier;
use serde::{Deserialize, Serialize};

use crate::lang::{Lang, column};
use crate::output::Show;
use crate::state::word;

/// The chip of a card: historical bytes of its ATR, upper-case hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Chip(String);

impl From<Chip> for String {
    fn from(chip: Chip) -> Self {
        chip.0
    }
}

impl TryFrom<String> for Chip {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a chip is at least 8 bytes of hex")
    }
}

impl Chip {
    /// From historical bytes; `None` when there are fewer than the 8 of the diversification factor.
    #[must_use]
    pub fn of(historical: &[u8]) -> Option<Self> {
        (historical.len() >= 8).then(|| Self(hex::encode_upper(historical)))
    }

    /// From a text in the database.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::of(&hex::decode(text).ok()?)
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// 卡分散因子: the last 8 bytes.
    ///
    /// # Panics
    /// Never: the type holds at least 8 bytes of hex.
    #[must_use]
    pub fn factor(&self) -> [u8; 8] {
        *hex::decode(&self.0).expect("hex by construction").last_chunk().expect("8 bytes by construction")
    }

    /// Card serial for the card identifier: the last 4 bytes.
    ///
    /// # Panics
    /// Never: as [`Chip::factor`].
    #[must_use]
    pub fn serial(&self) -> [u8; 4] {
        *self.factor().last_chunk().expect("8 bytes end with 4")
    }

    /// The factors of this card in a city.
    #[must_use]
    pub fn factors(&self, city: CityCode) -> Factors {
        Factors::of(city, self.factor())
    }
}

/// A card as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Chip.
    pub chip: Chip,
    /// Job that makes or made it.
    pub job: i64,
    /// Row number of its person.
    pub person: i64,
    /// 卡号.
    pub card_number: String,
    /// 卡的识别码, hex.
    #[serde(serialize_with = "display", deserialize_with = "parse")]
    pub card_identifier: CardIdentifier,
    /// Card type: `ssc-3.0`.
    pub profile: String,
    /// 发卡日期, `YYYYMMDD`.
    pub issue_date: String,
    /// 卡有效期, `YYYYMMDD`.
    pub valid_until: String,
    /// State.
    pub state: String,
}

fn display<S: serde::Serializer>(identifier: &CardIdentifier, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(identifier)
}

fn parse<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<CardIdentifier, D::Error> {
    let text = String::deserialize(deserializer)?;
    CardIdentifier::parse(&text).ok_or_else(|| serde::de::Error::custom("a card identifier is 32 hex digits"))
}

/// Several cards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cards {
    /// In order of job.
    pub cards: Vec<Card>,
}

impl Show for Card {
    fn text(&self, lang: Lang) -> String {
        let Self { chip, person, card_number, card_identifier, valid_until, state, .. } = self;
        let state = column(&word(&state::TABLE, state, lang), 8);
        format!("{card_number}  {card_identifier}  {state}  {valid_until}  {person:>6}  {}", chip.as_str())
    }
}

impl Show for Cards {
    fn text(&self, lang: Lang) -> String {
        self.cards.iter().map(|card| card.text(lang)).collect::<Vec<_>>().join("\n")
    }
}
