//! Where something stands on a card, as people write it: `SSSE.EF05.card_number`, `DF04.EF08[1].sequence`,
//! `DF01.EF15.degree_1.degree_code`, `SSSE.EF08`.
//!
//! Owns: the notation and its order. Never: knows whether a profile has such a place.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A file, a record, an item or an item of a composite. The words are shared: a place is copied for each value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    words: Arc<Words>,
    /// Record of a cyclic file, from 1, the newest first.
    pub record: Option<u8>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Words {
    /// `DF04.EF08`: one word, shared by the places of a file.
    file: Arc<str>,
    /// `sequence`; `None` for the whole file or record.
    item: Option<Arc<str>>,
    /// Item of a composite.
    inner: Option<Arc<str>>,
}

/// A text that names no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a place is written DF.EF.item, DF.EF[record].item or DF.EF.item.inner")]
pub struct PlaceError;

impl Place {
    /// A whole file.
    #[must_use]
    pub fn file(df: &str, ef: &str) -> Self {
        Self { words: Words { file: [df, ".", ef].concat().into(), item: None, inner: None }.into(), record: None }
    }

    /// `DF04`.
    #[must_use]
    pub fn df(&self) -> &str {
        self.words.file.split_once('.').map_or(&*self.words.file, |(df, _)| df)
    }

    /// `EF08`.
    #[must_use]
    pub fn ef(&self) -> &str {
        self.words.file.split_once('.').map_or("", |(_, ef)| ef)
    }

    /// `sequence`; `None` for the whole file or record.
    #[must_use]
    pub fn item_id(&self) -> Option<&str> {
        self.words.item.as_deref()
    }

    /// Item of a composite.
    #[must_use]
    pub fn inner_id(&self) -> Option<&str> {
        self.words.inner.as_deref()
    }

    /// A record of the same file.
    #[must_use]
    pub fn record(mut self, record: u8) -> Self {
        self.record = Some(record);
        self
    }

    /// An item of the same file or record.
    #[must_use]
    pub fn item(mut self, item: &str) -> Self {
        Arc::make_mut(&mut self.words).item = Some(item.into());
        self
    }

    /// An item of the same composite.
    #[must_use]
    pub fn inner(mut self, inner: &str) -> Self {
        Arc::make_mut(&mut self.words).inner = Some(inner.into());
        self
    }

    /// An item of the same file, by a word that is shared.
    pub(crate) fn item_of(&self, item: &Arc<str>) -> Self {
        let words = Words { item: Some(Arc::clone(item)), ..(*self.words).clone() };
        Self { words: words.into(), record: self.record }
    }

    /// An item of the same composite, by a word that is shared.
    pub(crate) fn inner_of(&self, inner: &Arc<str>) -> Self {
        let words = Words { inner: Some(Arc::clone(inner)), ..(*self.words).clone() };
        Self { words: words.into(), record: self.record }
    }

    /// The same item in another record, or in none.
    pub(crate) fn within(&self, record: Option<u8>) -> Self {
        Self { words: Arc::clone(&self.words), record }
    }

    /// The order of places of one file or record.
    pub(crate) fn cmp_in_record(&self, other: &Self) -> Ordering {
        let (left, right) = (&*self.words, &*other.words);
        part(left.item.as_ref(), right.item.as_ref()).then_with(|| part(left.inner.as_ref(), right.inner.as_ref()))
    }
}

/// Directory, file, record, item, inner item; a whole before its parts. The dot comes before every sign of a word.
impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        word(&self.words.file, &other.words.file)
            .then_with(|| self.record.cmp(&other.record))
            .then_with(|| self.cmp_in_record(other))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Places of one file share its words: most comparisons end here.
fn word(left: &Arc<str>, right: &Arc<str>) -> Ordering {
    if Arc::ptr_eq(left, right) { Ordering::Equal } else { left.cmp(right) }
}

fn part(left: Option<&Arc<str>>, right: Option<&Arc<str>>) -> Ordering {
    match (left, right) {
        (Some(left), Some(right)) => word(left, right),
        _ => left.is_some().cmp(&right.is_some()),
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let mut parts = text.split('.');
        let mut part = || parts.next().map(|part| if is_word(part) { Ok(part) } else { Err(PlaceError) }).transpose();
        let df = part()?.ok_or(PlaceError)?;
        let ef = part()?.ok_or(PlaceError)?;
        let (ef, record) = match ef.split_once('[') {
            Some((ef, rest)) => {
                let number = rest.strip_suffix(']').and_then(|number| number.parse().ok()).filter(|number| *number > 0);
                (ef, Some(number.ok_or(PlaceError)?))
            }
            None => (ef, None),
        };
        let (item, inner) = (part()?, part()?);
        let is_plain = |text: &str| !text.is_empty() && !text.contains(['[', ']']);
        let plain = [Some(df), Some(ef), item, inner].into_iter().flatten().all(is_plain);
        if part()?.is_some() || !plain {
            return Err(PlaceError);
        }
        let words =
            Words { file: [df, ".", ef].concat().into(), item: item.map(Into::into), inner: inner.map(Into::into) };
        Ok(Self { words: words.into(), record })
    }
}

fn is_word(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'[' | b']'))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words.file)?;
        if let Some(record) = self.record {
            write!(f, "[{record}]")?;
        }
        [self.item_id(), self.inner_id()].into_iter().flatten().try_for_each(|part| write!(f, ".{part}"))
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn places_read_back_as_printed() {
        for text in [
            "SSSE.EF05.card_number",
            "DF04.EF08[1].sequence",
            "DF01.EF15.degree_1.degree_code",
            "SSSE.EF08",
            "DF04.EF08[30]",
        ] {
            assert_eq!(text.parse::<Place>().expect(text).to_string(), text);
        }
        for text in [
            "",
            "SSSE",
            "SSSE.",
            ".EF05",
            "SSSE.EF05.",
            "SSSE.EF05.a.b.c",
            "DF04.EF08[0].x",
            "DF04.EF08[256]",
            "DF04.EF08[1",
            "S[1].EF05",
            "SSSE.EF05.a[1]",
            "SSSE.EF05. a",
        ] {
            assert_eq!(text.parse::<Place>(), Err(PlaceError), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn places_stand_in_the_order_of_their_words(
            texts in prop::collection::vec("(SSSE|DF0[12])[.]EF0[56](\\[[12]\\])?([.][ab]([.][cd])?)?", 2..12)
        ) {
            let mut places: Vec<Place> = texts.iter().map(|text| text.parse().expect("a place")).collect();
            places.sort();
            let words = |place: &Place| {
                let text = |part: Option<&str>| part.map(str::to_owned);
                let [df, ef] = [place.df(), place.ef()].map(str::to_owned);
                (df, ef, place.record, text(place.item_id()), text(place.inner_id()))
            };
            prop_assert!(places.is_sorted_by_key(words));
        }

        #[test]
        fn what_parses_prints_as_it_was_but_for_zeros(text in "[A-Za-z0-9_.\\[\\]]{0,16}") {
            if let Ok(place) = text.parse::<Place>() {
                prop_assert_eq!(place.to_string().parse::<Place>(), Ok(place));
            }
        }
    }
}
