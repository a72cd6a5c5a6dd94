//! Photos that a site asks for before a card is made: who lacks one, and a queue without them.
//!
//! Owns: passing over such people when a batch takes who comes next, refusing them when they are named. Never: looks at a photo.

use super::rule::MakingRules;
use super::{BatchError, Request};
use crate::clock;
use crate::person::field::Field;
use crate::person::no_card::NoCard;
use crate::store::{StoreError, Tx};

/// People and requests are looked through in pages of so many.
const PAGE: u32 = 1000;

/// Whether the site's rule keeps a person from a card for want of a photo.
///
/// # Errors
/// [`StoreError`].
pub fn lacks_photo(tx: &Tx<'_>, rules: Option<MakingRules>, person: i64) -> Result<bool, StoreError> {
    let Some(rules) = rules.filter(|rules| rules.photo_from_age.is_some()) else { return Ok(false) };
    if tx.has_photo(person)? {
        return Ok(false);
    }
    let born = tx.dossier(person)?.map(|dossier| dossier.value(Field::BirthDate).to_owned()).unwrap_or_default();
    Ok(rules.needs_photo(&born, clock::today()))
}

/// Up to `count` of what `page` gives behind a number, without people who lack a photo; how many of these were passed over on the way.
pub(super) fn with_photo<T>(
    tx: &Tx<'_>,
    rules: Option<MakingRules>,
    count: u32,
    of: impl Fn(&T) -> (i64, i64),
    page: impl Fn(i64, u32) -> Result<Vec<T>, StoreError>,
) -> Result<(Vec<T>, u64), StoreError> {
    let (mut found, mut without, mut after) = (Vec::new(), 0, 0);
    let asked = rules.is_some_and(|rules| rules.photo_from_age.is_some());
    loop {
        let left = count.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
        let limit = if asked { left.min(PAGE) } else { left };
        let items = if limit == 0 { Vec::new() } else { page(after, limit)? };
        let Some((number, _)) = items.last().map(&of) else { return Ok((found, without)) };
        after = number;
        for item in items {
            if lacks_photo(tx, rules, of(&item).1)? {
                without += 1;
            } else {
                found.push(item);
            }
        }
    }
}

/// Takes requests of people who lack a photo out; how many.
pub(super) fn keep_with_photo(
    tx: &Tx<'_>,
    rules: Option<MakingRules>,
    requests: &mut Vec<Request>,
) -> Result<u64, StoreError> {
    let mut without = 0;
    let mut kept = Vec::with_capacity(requests.len());
    for request in requests.drain(..) {
        if lacks_photo(tx, rules, request.person)? {
            without += 1;
        } else {
            kept.push(request);
        }
    }
    *requests = kept;
    Ok(without)
}

/// # Errors
/// [`BatchError::PhotosMissing`] with everybody whom the site's rule asks for a photo and who has none.
pub(crate) fn everybody_has_one(
    tx: &Tx<'_>,
    rules: Option<MakingRules>,
    people: impl Iterator<Item = i64>,
) -> Result<(), BatchError> {
    let mut missing = Vec::new();
    for person in people {
        if lacks_photo(tx, rules, person)? {
            missing.push(person);
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(BatchError::PhotosMissing { people: missing }) }
}

/// People for whom no card can be made, behind a row number, in order: each with the reason. Who lacks a photo is among them when a
/// first card would be made otherwise.
///
/// # Errors
/// [`StoreError`].
pub fn kept_from_card(
    tx: &Tx<'_>,
    rules: Option<MakingRules>,
    after: i64,
    limit: u32,
) -> Result<Vec<(i64, NoCard)>, StoreError> {
    let asked = rules.is_some_and(|rules| rules.photo_from_age.is_some());
    let (mut found, mut after, wanted) = (Vec::new(), after, usize::try_from(limit).unwrap_or(usize::MAX));
    loop {
        let people = tx.people_kept_from_card(after, asked, PAGE)?;
        let Some((last, _)) = people.last() else { return Ok(found) };
        after = *last;
        for (person, why) in people {
            if found.len() == wanted {
                return Ok(found);
            }
            match why {
                Some(why) => found.push((person, why)),
                None if lacks_photo(tx, rules, person)? => found.push((person, NoCard::Photo)),
                None => {}
            }
        }
    }
}
