//! What may change about a person whose card is made (可更新数据项), and what the card's own rules say of it.
//!
//! Source: access conditions of the card's profile. Owns: items, sets of them, whether a card of a type takes one after issue.
//! Never: a list of what may be changed: the profile's rows decide; a value.

use std::collections::BTreeMap;
use std::sync::Mutex;

use card_core::security::{CityCode, Factors};
use card_profiles::access::Right;
use card_profiles::approach::{KeyVersions, Means};
use card_profiles::plan::{Plan, PlanError};
use card_profiles::{CardValues, Profile};
use serde::{Serialize, Serializer};

use crate::lang::Lang;
use crate::output::Show;
use crate::person::field::{Field, Fields};
use crate::station::content;

/// Something about a person that stands on a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// A field of the registry.
    Field(Field),
    /// The photo.
    Photo,
}

/// Some of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Items {
    fields: Fields,
    photo: bool,
}

/// What a card of a type says to the change of an item after issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The centre's keys open its files for writing and reading back.
    Keys,
    /// Reading back needs the holder's PIN besides.
    HolderPin,
    /// Nothing that a centre has opens its files: it needs a new card.
    Fixed,
    /// A card of this type does not hold it.
    NotOnCard,
}

impl Item {
    /// How many there are.
    pub const COUNT: usize = Field::COUNT + 1;

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Field::ALL.into_iter().map(Self::Field).chain([Self::Photo])
    }

    /// Name on the command line and in the database.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Field(field) => field.key(),
            Self::Photo => "photo",
        }
    }

    /// The item of a name.
    ///
    /// # Errors
    /// What the names are.
    pub fn parse(key: &str) -> Result<Self, String> {
        let names = || Self::all().map(Self::key).collect::<Vec<_>>().join(", ");
        Self::all().find(|item| item.key() == key).ok_or_else(|| {
            format!(
                "one of {}; the numbers of person and card are made with the card: another one needs a new card",
                names()
            )
        })
    }

    /// Name for people.
    #[must_use]
    pub const fn label(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Field(field), _) => field.label(lang),
            (Self::Photo, Lang::Zh) => "照片",
            (Self::Photo, Lang::En) => "photo",
        }
    }

    /// Whether it is printed on the card too, where no reader reaches it.
    #[must_use]
    pub const fn is_printed(self) -> bool {
        matches!(self, Self::Photo | Self::Field(Field::Name | Field::NameScript))
    }

    /// What a card of this profile says to its change.
    #[must_use]
    pub fn standing(self, profile: &Profile) -> Standing {
        static KNOWN: Mutex<BTreeMap<(String, Item), Standing>> = Mutex::new(BTreeMap::new());
        let entry = (profile.name.clone(), self);
        let known = KNOWN.lock().ok().and_then(|known| known.get(&entry).copied());
        known.unwrap_or_else(|| {
            let found = self.judge(profile);
            if let Ok(mut known) = KNOWN.lock() {
                known.insert(entry, found);
            }
            found
        })
    }

    fn judge(self, profile: &Profile) -> Standing {
        let mut values = CardValues::new();
        for place in content::places(profile, self) {
            if values.set(place, "").is_err() {
                return Standing::Fixed;
            }
        }
        if values.is_empty() {
            return Standing::NotOnCard;
        }
        // Which city and which card does not matter to what the rules ask.
        let factors = CityCode::parse("000000").map(|city| Factors::of(city, [0; 8]));
        let means = Means { pin: None, factors, versions: KeyVersions::default() };
        let with_pin = Means { pin: Some(Vec::new()), ..means.clone() };
        let opens = |means: &Means| -> Result<(), PlanError> {
            Plan::compare(profile, &values, means)?;
            Plan::change(profile, &values, means, &std::collections::BTreeSet::new()).map(drop)
        };
        match opens(&means) {
            Ok(()) => Standing::Keys,
            Err(PlanError::Closed { right: Some(Right::Pin), .. }) if opens(&with_pin).is_ok() => Standing::HolderPin,
            Err(_) => Standing::Fixed,
        }
    }
}

impl Items {
    /// None.
    pub const NONE: Self = Self { fields: Fields::NONE, photo: false };
    /// The photo.
    pub const PHOTO: Self = Self { fields: Fields::NONE, photo: true };

    /// All of them.
    #[must_use]
    pub const fn all() -> Self {
        Self { fields: Fields::ALL, photo: true }
    }

    /// With one more.
    #[must_use]
    pub const fn with(self, item: Item) -> Self {
        match item {
            Item::Field(field) => Self { fields: self.fields.with(field), ..self },
            Item::Photo => Self { photo: true, ..self },
        }
    }

    /// Those of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        other.iter().fold(self, Self::with)
    }

    /// Whether an item is among them.
    #[must_use]
    pub const fn has(self, item: Item) -> bool {
        match item {
            Item::Field(field) => self.fields.has(field),
            Item::Photo => self.photo,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.fields.is_empty() && !self.photo
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = Item> {
        Item::all().filter(move |item| self.has(*item))
    }

    /// As the database keeps them.
    #[must_use]
    pub fn to_text(self) -> String {
        self.iter().map(Item::key).collect::<Vec<_>>().join(",")
    }

    /// As the database keeps them.
    ///
    /// # Errors
    /// What the names are.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.split(',')
            .filter(|key| !key.is_empty())
            .try_fold(Self::NONE, |items, key| Ok(items.with(Item::parse(key)?)))
    }

    /// As a list for people.
    #[must_use]
    pub fn text(self, lang: Lang) -> String {
        self.iter().map(|item| item.label(lang)).collect::<Vec<_>>().join(lang.pick("、", ", "))
    }
}

impl From<Fields> for Items {
    fn from(fields: Fields) -> Self {
        Self { fields, photo: false }
    }
}

impl Serialize for Items {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Item::key))
    }
}

/// What cards of a type take after issue, worked out from its profile.
#[derive(Clone, Debug, Serialize)]
pub struct Standings {
    /// Card type.
    pub profile: String,
    /// In the order of the registry.
    pub items: Vec<Row>,
}

/// An item of it.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Name.
    pub item: &'static str,
    /// What the card says.
    pub standing: Standing,
    /// Where it stands on the card.
    pub places: Vec<&'static str>,
    /// Whether it is printed on the card too.
    pub printed: bool,
    #[serde(skip)]
    kind: Item,
}

impl Standings {
    /// Of a card type.
    #[must_use]
    pub fn of(profile: &Profile) -> Self {
        let row = |item: Item| Row {
            item: item.key(),
            standing: item.standing(profile),
            places: content::places(profile, item),
            printed: item.is_printed(),
            kind: item,
        };
        Self { profile: profile.name.clone(), items: Item::all().map(row).collect() }
    }
}

impl Show for Standings {
    fn text(&self, lang: Lang) -> String {
        let mut lines = vec![self.profile.clone()];
        for Row { standing, places, printed, kind, .. } in &self.items {
            let says = match standing {
                Standing::Keys => lang.pick("可更新", "is updated with the centre's keys"),
                Standing::HolderPin => {
                    lang.pick("可更新，须持卡人输入口令", "is updated with the holder's PIN besides")
                }
                Standing::Fixed => lang.pick("不可更新，须换卡", "cannot be updated: it needs a new card"),
                Standing::NotOnCard => lang.pick("卡内没有", "is not on the card"),
            };
            let face = if *printed { lang.pick("；卡面也印有", "; printed on the card too") } else { "" };
            let label = kind.label(lang);
            lines.push(format!("  {label}  {says}{face}  {}", places.join(" ")).trim_end().to_owned());
        }
        lines.push(
            lang.pick(
                "  社会保障号码、卡号、卡识别码和日期随卡制成，变更须换卡",
                "  the numbers of person and card, the identifier and the dates are made with the card: another one needs a new card",
            )
            .to_owned(),
        );
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::centre::Centre;

    #[test]
    fn the_profile_says_what_may_change_and_with_what() {
        let profile = Centre::card_profile();
        let standing = |key: &str| Item::parse(key).expect("an item").standing(&profile);
        for key in ["name", "sex", "ethnic_group", "birth_date", "address", "phone", "employer", "photo"] {
            assert_eq!(standing(key), Standing::Keys, "{key}");
        }
        assert_eq!(standing("region"), Standing::HolderPin);
        assert!(Item::parse("number").expect_err("no item").contains("new card"));
    }

    #[test]
    fn a_file_that_nobody_may_write_is_fixed_and_one_that_is_not_there_is_not_on_the_card() {
        let mut profile = Centre::card_profile();
        profile.name = "closed".to_owned();
        for file in profile.df.iter_mut().flat_map(|df| &mut df.ef) {
            if file.id == "EF06" {
                file.update = card_profiles::Access::Never;
            }
        }
        let standing = |key: &str| Item::parse(key).expect("an item").judge(&profile);
        assert_eq!(
            (standing("name"), standing("phone"), standing("photo")),
            (Standing::Fixed, Standing::Fixed, Standing::Keys)
        );
        let mut small = Centre::card_profile();
        small.df.retain(|df| df.id == "SSSE");
        assert_eq!(Item::parse("phone").expect("an item").judge(&small), Standing::NotOnCard);
        assert_eq!(Item::parse("name").expect("an item").judge(&small), Standing::Keys);
    }

    #[test]
    fn sets_go_through_their_text() {
        for items in
            [Items::NONE, Items::PHOTO, Items::all(), Items::from(Fields::NONE.with(Field::Phone)).and(Items::PHOTO)]
        {
            assert_eq!(Items::parse(&items.to_text()), Ok(items));
        }
        assert!(Items::parse("phone,number").is_err());
    }
}
