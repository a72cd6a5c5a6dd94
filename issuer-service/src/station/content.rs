//! What is written to a person's card.
//!
//! Source: items of SSSE EF05, EF06 and EF08, DF01 EF05, EF06 and EF09, DF04 EF05 of the layout.
//! Owns: which detail goes to which item. Never: writes an item for which nothing is known.

use std::collections::BTreeMap;

use card_profiles::name::SplitName;
use card_profiles::{CardValues, Profile};

use super::failure::StationError;
use super::line::Holder;
use crate::card::Card;
use crate::centre::Config;
use crate::person::Details;
use crate::photo::stored::Stored;

/// 卡的类别: `1` is seen on cards; the list of codes is not published (assumed).
const CARD_CLASS: &str = "1";

/// What is known before a chip is, by place: everything of the person.
///
/// # Errors
/// [`StationError::Content`] when the name does not fit; the import has checked it.
pub fn of_person(
    profile: &Profile,
    config: &Config,
    job: i64,
    card_number: &str,
    person: &Details,
    photo: Option<&Stored>,
) -> Result<BTreeMap<String, String>, StationError> {
    let name = SplitName::of(&person.name).map_err(|_| StationError::Content { job })?;
    let birthplace = person.number.get(..6).unwrap_or_default();
    let values = [
        ("SSSE.EF05.card_class", CARD_CLASS),
        ("SSSE.EF05.spec_version", &profile.version),
        ("SSSE.EF05.initializing_institution", &config.institution),
        ("SSSE.EF05.card_number", card_number),
        ("SSSE.EF06.social_security_number", &person.number),
        ("SSSE.EF06.name", &name.name),
        ("SSSE.EF06.name_extension", &name.extension),
        ("SSSE.EF06.sex", &person.sex),
        ("SSSE.EF06.ethnic_group", &person.ethnic_group),
        ("SSSE.EF06.birthplace", birthplace),
        ("SSSE.EF06.birth_date", &person.birth_date),
        ("DF01.EF05.household_address", &person.address),
        ("DF01.EF05.household_region", &person.region),
        ("DF01.EF06.phone", &person.phone),
        ("DF01.EF09.employer_name", &person.employer),
        ("DF04.EF05.insured_region", &person.region),
    ];
    let known = values.into_iter().filter(|(_, value)| !value.is_empty());
    let mut values: BTreeMap<_, _> = known.map(|(place, value)| (place.to_owned(), value.to_owned())).collect();
    let capacity = photo_bytes(profile);
    if let Some(photo) = photo.filter(|_| capacity > 0) {
        let bytes = photo.for_chip(capacity).ok_or(StationError::Content { job })?;
        values.insert(PHOTO.to_owned(), hex::encode_upper(&*bytes));
    }
    Ok(values)
}

/// Who a card is for, as it is printed on it.
#[must_use]
pub fn holder(person: &Details) -> Holder {
    Holder { name: person.name.clone(), number: person.number.clone() }
}

/// EF08 of the social security environment: 照片.
const PHOTO: &str = "SSSE.EF08";

/// Bytes of the chip's photo file; 0 when the card has none.
#[must_use]
pub fn photo_bytes(profile: &Profile) -> usize {
    let (df, ef) = PHOTO.split_once('.').expect("written above");
    let file = profile.df.iter().find(|row| row.id == df).and_then(|row| row.ef.iter().find(|file| file.id == ef));
    file.map_or(0, |file| usize::from(file.size))
}

/// What is known once a chip is bound.
pub fn add_card(values: &mut CardValues, card: &Card) {
    let identifier = card.card_identifier.to_string();
    for (place, value) in [
        ("SSSE.EF05.card_identifier", identifier.as_str()),
        ("SSSE.EF05.issue_date", &card.issue_date),
        ("SSSE.EF05.valid_until", &card.valid_until),
    ] {
        values.set(place, value).expect("places are written above");
    }
}
