//! What is written to a person's card.
//!
//! Source: items of SSSE EF05, EF06 and EF08, DF01 EF05, EF06 and EF09, DF04 EF05 of the layout.
//! Owns: which detail goes to which item. Never: writes an item for which nothing is known.

use std::collections::BTreeMap;

use card_profiles::image::ValueFault;
use card_profiles::name::SplitName;
use card_profiles::{CardValues, Profile, image};

use super::failure::StationError;
use super::line::Holder;
use crate::card::Card;
use crate::card::update::item::{Item, Items};
use crate::centre::Config;
use crate::person::Details;
use crate::person::field::Field;
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
    let fixed = [
        ("SSSE.EF05.card_class", CARD_CLASS),
        ("SSSE.EF05.spec_version", &profile.version),
        ("SSSE.EF05.initializing_institution", &config.institution),
        ("SSSE.EF05.card_number", card_number),
        ("SSSE.EF06.social_security_number", &person.number),
        ("SSSE.EF06.birthplace", person.birthplace()),
    ];
    let changing = HOLDER.map(|row| (row.0, value(row, person, &name)));
    let known = fixed.into_iter().chain(changing).filter(|(_, value)| !value.is_empty());
    let mut values: BTreeMap<_, _> = known.map(|(place, value)| (place.to_owned(), value.to_owned())).collect();
    let capacity = photo_bytes(profile);
    if let Some(photo) = photo.filter(|_| capacity > 0) {
        let bytes = photo.for_chip(capacity).ok_or(StationError::Content { job })?;
        values.insert(PHOTO.to_owned(), hex::encode_upper(&*bytes));
    }
    Ok(values)
}

/// What of a person may change while the card is in use: where it stands, and which field it is.
const HOLDER: [(&str, Field); 10] = [
    ("SSSE.EF06.name", Field::Name),
    (NAME_EXTENSION, Field::Name),
    ("SSSE.EF06.sex", Field::Sex),
    ("SSSE.EF06.ethnic_group", Field::EthnicGroup),
    ("SSSE.EF06.birth_date", Field::BirthDate),
    ("DF01.EF05.household_address", Field::Address),
    ("DF01.EF05.household_region", Field::Region),
    ("DF01.EF06.phone", Field::Phone),
    ("DF01.EF09.employer_name", Field::Employer),
    ("DF04.EF05.insured_region", Field::Region),
];
const NAME_EXTENSION: &str = "SSSE.EF06.name_extension";

/// The value of a row of [`HOLDER`].
fn value<'a>((place, field): (&str, Field), person: &'a Details, name: &'a SplitName) -> &'a str {
    match field {
        Field::Name if place == NAME_EXTENSION => &name.extension,
        Field::Name => &name.name,
        other => other.of(person),
    }
}

/// What every card gets, of an invented person: a type of cards that has no place for it cannot be made.
#[must_use]
pub fn sample(profile: &Profile) -> CardValues {
    let own = [
        ("SSSE.EF05.card_identifier", "000000D1560000050000000000000000"),
        ("SSSE.EF05.issue_date", "20260101"),
        ("SSSE.EF05.valid_until", "20360101"),
        ("SSSE.EF05.card_class", CARD_CLASS),
        ("SSSE.EF05.spec_version", &profile.version),
        ("SSSE.EF05.initializing_institution", "915600000251330051010000"),
        ("SSSE.EF05.card_number", "A00000011"),
        ("SSSE.EF06.social_security_number", "110101199003070011"),
        ("SSSE.EF06.birthplace", "110101"),
    ];
    let holder = HOLDER.map(|(place, field)| {
        let text = match field {
            Field::Name => "样",
            Field::Sex => "1",
            Field::EthnicGroup => "01",
            Field::BirthDate => "19900307",
            Field::Region => "110101",
            _ => "1",
        };
        (place, text)
    });
    let mut values = CardValues::new();
    for (place, text) in own.into_iter().chain(holder) {
        values.set(place, text).expect("places are written above");
    }
    values
}

/// Where an item stands on cards of a profile; nowhere when they do not hold it.
#[must_use]
pub fn places(profile: &Profile, item: Item) -> Vec<&'static str> {
    let has = |place: &&'static str| {
        let mut values = CardValues::new();
        values.set(place, "").is_ok() && image::check(profile, &values).is_empty()
    };
    match item {
        Item::Photo => [PHOTO].into_iter().filter(has).collect(),
        Item::Field(wanted) => {
            HOLDER.into_iter().filter(|(_, field)| *field == wanted).map(|(place, _)| place).filter(has).collect()
        }
    }
}

/// What these items come to on a card in use; what is not known any more is blank.
///
/// # Errors
/// [`StationError::Content`] when the name or the photo does not fit.
pub fn of_items(
    profile: &Profile,
    items: Items,
    job: i64,
    person: &Details,
    photo: Option<&Stored>,
) -> Result<CardValues, StationError> {
    let failed = || StationError::Content { job };
    let name = SplitName::of(&person.name).map_err(|_| failed())?;
    let mut values = CardValues::new();
    for item in items.iter() {
        for place in places(profile, item) {
            let text = match item {
                Item::Photo => photo
                    .map(|photo| photo.for_chip(photo_bytes(profile)).ok_or_else(failed))
                    .transpose()?
                    .map_or_else(String::new, |bytes| hex::encode_upper(&*bytes)),
                Item::Field(field) => value((place, field), person, &name).to_owned(),
            };
            values.set(place, text).map_err(|_| failed())?;
        }
    }
    Ok(values)
}

/// Where the centre's own values stand; everywhere else stands what is known of the person.
const CENTRES: &str = "SSSE.EF05.";

/// Whether one of the values that do not fit is the person's.
#[must_use]
pub fn is_of_person(faults: &[ValueFault]) -> bool {
    faults.iter().any(|fault| !fault.place.to_string().starts_with(CENTRES))
}

/// Who a card is for, as it is printed on it.
#[must_use]
pub fn holder(person: &Details) -> Holder {
    Holder { name: person.name.clone(), name_script: person.name_script.clone(), number: person.number.clone() }
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
