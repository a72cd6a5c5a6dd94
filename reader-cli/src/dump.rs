//! The whole content of a card as a document that another program, or this one, reads again.
//!
//! Owns: its shape and version, and what differs between two of them. Never: reads a card, decides what may be shown.

use std::collections::{BTreeMap, BTreeSet};

use card_profiles::image::{CardValues, Reading};
use card_profiles::profile::EfKind;
use card_profiles::{Element, Place, Profile, Value, builtin, codec};
use serde::{Deserialize, Serialize};

use crate::person;
use card_counter::error::TerminalError;

/// Version of the shape. 1 had no `bytes`; it is read too.
pub const FORMAT: u32 = 2;

/// A card's content. It holds personal data: whoever writes it to a file answers for the file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dump {
    /// Version of this shape.
    pub format: u32,
    /// Profile by which the card was read.
    pub profile: String,
    /// 规范版本 as the card states it.
    pub version: String,
    /// ATR, hex.
    pub atr: String,
    /// Values by place.
    pub values: CardValues,
    /// Deviations, in the order of the files: place and code.
    pub faults: Vec<DumpFault>,
    /// Files that could not be read: place and code.
    pub unread: Vec<DumpFault>,
    /// Stored bytes, hex, of items, records and files that their values do not give back when they are written.
    #[serde(default, skip_serializing_if = "CardValues::is_empty")]
    pub bytes: CardValues,
}

/// A place and what is the matter with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DumpFault {
    /// Where.
    pub place: String,
    /// Stable code.
    pub code: String,
}

/// One difference. Values are shown as JSON shows them.
#[derive(Clone, PartialEq, Eq)]
pub struct Difference {
    /// Place of the value, or of the fault.
    pub place: String,
    /// Number of the record that holds it, from 1, where the profile says.
    pub record: Option<u8>,
    /// First differing byte, from 0, of a file that is one value, or of stored bytes of which the values are the same.
    pub byte: Option<usize>,
    /// Left; `None`: not there.
    pub left: Option<String>,
    /// Right.
    pub right: Option<String>,
}

/// Values are personal: `Debug` says how many there are.
impl std::fmt::Debug for Dump {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (profile, values) = (&self.profile, self.values.len());
        f.debug_struct("Dump").field("profile", profile).field("values", &values).finish_non_exhaustive()
    }
}

/// Values are personal: `Debug` says where only.
impl std::fmt::Debug for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Difference").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Dump {
    /// What was read.
    #[must_use]
    pub fn of(profile: &Profile, version: &str, atr: &[u8], reading: Reading, unread: Vec<DumpFault>) -> Self {
        let faults = reading
            .faults
            .iter()
            .map(|fault| DumpFault { place: fault.place.to_string(), code: fault.fault.code().to_owned() });
        Self {
            format: FORMAT,
            profile: profile.name.clone(),
            version: version.to_owned(),
            atr: hex::encode_upper(atr),
            faults: faults.collect(),
            values: reading.values,
            unread,
            bytes: reading.bytes,
        }
    }

    /// A dump from its JSON, of this version or an earlier one.
    ///
    /// # Errors
    /// [`TerminalError::DumpVersion`]; [`TerminalError::Dump`] with line and column.
    pub fn parse(text: &str, path: &str) -> Result<Self, TerminalError> {
        #[derive(Deserialize)]
        struct Versioned {
            format: u32,
        }
        // A later version may have anything beside its number.
        match serde_json::from_str(text) {
            Ok(Versioned { format }) if !(1..=FORMAT).contains(&format) => {
                Err(TerminalError::DumpVersion { path: path.to_owned(), format, known: FORMAT })
            }
            Ok(_) | Err(_) => person::json(text, path),
        }
    }

    /// What differs from another card: values, faults and files that were read on one side only. Of a file that one side could
    /// not read that is said, and not each value that it lacks. The profile, where it is known, says in which record they stand.
    #[must_use]
    pub fn differences(&self, other: &Self, profile: Option<&Profile>) -> Vec<Difference> {
        let mut found = self.kinds(&other.profile, &other.version);
        if self.atr != other.atr {
            found.push(Difference::new("atr", Some(self.atr.clone()), Some(other.atr.clone())));
        }
        let is_told = |row: &Difference| {
            let is_lacking = |side: Option<&String>, dump: &Self| side.is_none() && dump.could_not_read(&row.place);
            !is_lacking(row.left.as_ref(), self) && !is_lacking(row.right.as_ref(), other)
        };
        found.extend(compare(&shown(&self.values), &shown(&other.values)).into_iter().filter(is_told));
        found.extend(compare(&listed(&self.faults), &listed(&other.faults)).into_iter().filter(is_told));
        found.extend(compare(&listed(&self.unread), &listed(&other.unread)));
        // Dumps of version 1 do not say what they do not give back.
        if self.format.min(other.format) > 1 {
            add_bytes(&mut found, &self.bytes, &other.bytes, is_told);
        }
        if let Some(profile) = profile {
            locate(&mut found, profile);
        }
        found
    }

    /// Whether a place lies in a file that could not be read, or not whole.
    fn could_not_read(&self, place: &str) -> bool {
        self.unread.iter().any(|file| is_within(place, &file.place))
    }

    /// What differs in the kind of card, whatever it holds: the profile, the version that it states, the algorithm.
    fn kinds(&self, profile: &str, version: &str) -> Vec<Difference> {
        if self.profile == profile && self.version == version {
            return Vec::new();
        }
        let algorithm = |name: &str| builtin(name).map(|profile| format!("{:?}", profile.algorithm).to_uppercase());
        let sides = [
            ("profile", Some(self.profile.clone()), Some(profile.to_owned())),
            ("version", Some(self.version.clone()), Some(version.to_owned())),
            ("algorithm", algorithm(&self.profile), algorithm(profile)),
        ];
        let differ = sides.into_iter().filter(|(_, left, right)| left.is_some() && right.is_some() && left != right);
        differ.map(|(place, left, right)| Difference::new(place, left, right)).collect()
    }

    /// What differs from a profile and from the values of a person: places that the profile lacks or the card does not hold,
    /// faults, files that could not be read, and values that are not the person's. `is_whole`: the person's values are all
    /// that was written, so that every other item is blank.
    #[must_use]
    pub fn differences_from(&self, profile: &Profile, person: Option<&CardValues>, is_whole: bool) -> Vec<Difference> {
        let expected: BTreeMap<String, String> =
            blanks(profile).filter(|(place, _)| !self.could_not_read(place)).collect();
        // Records of cyclic files come and go with the card's life: neither missing nor surplus.
        let is_record = |place: &str| place.contains('[');
        let held: BTreeMap<String, String> = shown(&self.values);
        let mut found = self.kinds(&profile.name, &self.version);
        let places = expected
            .keys()
            .filter(|place| !held.contains_key(*place))
            .map(|place| Difference::new(place, None, Some("in the profile".to_owned())))
            .chain(
                held.iter()
                    .filter(|(place, _)| !is_record(place) && !expected.contains_key(*place))
                    .map(|(place, value)| Difference::new(place, Some(value.clone()), None)),
            );
        found.extend(places);
        if let Some(person) = person {
            let mut wanted = shown(person);
            // A file may be longer than its value: the rest is zero.
            for (file, value) in wanted.iter_mut().filter(|(place, _)| is_file(place)) {
                let rest = expected.get(file).and_then(|blank| blank.get(value.len()..));
                value.push_str(rest.unwrap_or_default());
            }
            if is_whole {
                let named = std::mem::replace(&mut wanted, expected);
                wanted.extend(named);
            }
            let there = held.into_iter().filter(|(place, _)| wanted.contains_key(place)).collect();
            found.extend(compare(&there, &wanted));
        }
        found.extend(compare(&listed(&self.faults), &BTreeMap::new()));
        found.extend(compare(&listed(&self.unread), &BTreeMap::new()));
        add_bytes(&mut found, &self.bytes, &CardValues::new(), |_| true);
        locate(&mut found, profile);
        found
    }
}

/// Adds stored bytes that differ where nothing else was found: what is read of them is the same.
fn add_bytes(
    found: &mut Vec<Difference>,
    left: &CardValues,
    right: &CardValues,
    is_told: impl Fn(&Difference) -> bool,
) {
    // Items come before the files that they are in.
    for row in compare(&shown(left), &shown(right)).into_iter().rev().filter(|row| is_told(row)) {
        if !found.iter().any(|other| is_within(&other.place, &row.place)) {
            let byte = first_difference(row.left.as_deref(), row.right.as_deref());
            found.push(Difference { byte, ..row });
        }
    }
}

/// The first byte in which two hexadecimal texts differ.
fn first_difference(left: Option<&str>, right: Option<&str>) -> Option<usize> {
    let (left, right) = (hex::decode(left?).ok()?, hex::decode(right?).ok()?);
    Some(left.iter().zip(&right).position(|(a, b)| a != b).unwrap_or(left.len().min(right.len())))
}

impl Difference {
    fn new(place: &str, left: Option<String>, right: Option<String>) -> Self {
        let byte = first_difference(left.as_deref(), right.as_deref()).filter(|_| is_file(place));
        Self { place: place.to_owned(), record: None, byte, left, right }
    }
}

/// Whether a place is a file, record or item, or lies in it.
fn is_within(place: &str, whole: &str) -> bool {
    place.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// A place of two words is a whole file, and its value the file's bytes.
fn is_file(place: &str) -> bool {
    place.split('.').count() == 2 && !place.contains('[')
}

/// Adds the numbers of the records.
fn locate(differences: &mut [Difference], profile: &Profile) {
    for difference in differences {
        let Ok(place) = difference.place.parse::<Place>() else { continue };
        let ef = profile.ef(place.df(), place.ef()).filter(|ef| ef.kind == EfKind::TlvRecords);
        let row = ef.and_then(|ef| ef.elements.iter().position(|row| Some(&*row.id) == place.item_id()));
        difference.record = row.and_then(|row| u8::try_from(row + 1).ok()).or(place.record);
    }
}

/// Every place of a profile but the records of cyclic files, with what it shows that nobody filled.
fn blanks(profile: &Profile) -> impl Iterator<Item = (String, String)> {
    let files = profile.df.iter().flat_map(|df| df.ef.iter().map(move |ef| (df, ef)));
    files.filter(|(_, ef)| ef.kind != EfKind::Cyclic).flat_map(|(df, ef)| {
        let file = format!("{}.{}", df.id, ef.id);
        if ef.elements.is_empty() {
            return vec![(file, "00".repeat(ef.size.into()))];
        }
        let blank = |row: &Element| shown_value(&codec::decode(row.format, &codec::blank(row)).0);
        let of_element = |row: &Element| {
            let item = format!("{file}.{}", row.id);
            match row.inner.as_slice() {
                [] => vec![(item, blank(row))],
                inner => inner.iter().map(|inner| (format!("{item}.{}", inner.id), blank(inner))).collect(),
            }
        };
        ef.elements.iter().flat_map(of_element).collect()
    })
}

fn shown(values: &CardValues) -> BTreeMap<String, String> {
    values.iter().map(|(place, value)| (place.to_string(), shown_value(value))).collect()
}

fn shown_value(value: &Value) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        Value::Number(number) => number.to_string(),
    }
}

fn listed(faults: &[DumpFault]) -> BTreeMap<String, String> {
    let mut by_place = BTreeMap::<String, String>::new();
    for fault in faults {
        by_place
            .entry(fault.place.clone())
            .and_modify(|codes| *codes = format!("{codes} {}", fault.code))
            .or_insert_with(|| fault.code.clone());
    }
    by_place
}

fn compare(left: &BTreeMap<String, String>, right: &BTreeMap<String, String>) -> Vec<Difference> {
    let places: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let mut places: Vec<&String> = places.into_iter().collect();
    // Record 10 comes after record 9.
    places.sort_by_cached_key(|place| place.parse::<Place>().ok());
    let differing = places.into_iter().filter(|place| left.get(*place) != right.get(*place));
    differing.map(|place| Difference::new(place, left.get(place).cloned(), right.get(place).cloned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use card_profiles::builtin;

    fn dump(values: &[(&str, &str)]) -> Dump {
        let mut reading = Reading::default();
        for (place, value) in values {
            reading.values.set(place, *value).expect("a place");
        }
        Dump::of(&builtin("ssc-3.0").expect("built in"), "3.00", &[0x3B, 0x6D], reading, Vec::new())
    }

    fn seen(differences: &[Difference]) -> Vec<(&str, Option<&str>, Option<&str>)> {
        differences.iter().map(|row| (row.place.as_str(), row.left.as_deref(), row.right.as_deref())).collect()
    }

    #[test]
    fn a_dump_reads_back_as_it_was_written() {
        let mut card = dump(&[("SSSE.EF05.card_number", "A12345674")]);
        card.faults.push(DumpFault { place: "SSSE.EF06".to_owned(), code: "TRUNCATED".to_owned() });
        let again: Dump = serde_json::from_str(&serde_json::to_string(&card).expect("JSON")).expect("a dump");
        assert!(again == card);
        assert_eq!(seen(&card.differences(&again, None)), []);
    }

    /// A card of which the holder's name is stored as these bytes.
    fn named(name: &str) -> Dump {
        let profile = builtin("ssc-3.0").expect("built in");
        let (df, ef) = (profile.df("SSSE").expect("a row"), profile.ef("SSSE", "EF06").expect("a row"));
        let record = |row: &Element| {
            let mut value = codec::blank(row);
            if &*row.id == "name" {
                let bytes = hex::decode(name).expect("hex");
                value[..bytes.len()].copy_from_slice(&bytes);
            }
            card_core::tlv::encode(row.tag.expect("tagged"), &value)
        };
        let bytes: Vec<u8> = ef.elements.iter().flat_map(record).collect();
        Dump::of(&profile, "3.00", &[0x3B], card_profiles::image::decode_file(df, ef, &bytes), Vec::new())
    }

    #[test]
    fn bytes_that_read_the_same_differ_all_the_same_and_survive_json() {
        let pairs = [("D5C50058", "D5C50059", 3), ("FF01", "FE01", 0), ("D539", "D538", 1), ("FFFF", "0000", 0)];
        for (left, right, byte) in pairs {
            let again =
                |name| Dump::parse(&serde_json::to_string(&named(name)).expect("JSON"), "a.json").expect("a dump");
            let (left, right) = (again(left), again(right));
            assert_eq!(left.differences(&left, None), []);
            let found = left.differences(&right, Some(&builtin("ssc-3.0").expect("built in")));
            assert!(found.iter().all(|row| row.place == "SSSE.EF06.name"), "{found:?}");
            assert!(found.iter().any(|row| row.byte == Some(byte) || row.left != row.right), "{found:?}");
        }
        let found = named("D5C50058").differences(&named("D5C50059"), None);
        assert_eq!(found.iter().map(|row| row.byte).collect::<Vec<_>>(), [Some(3)]);
    }

    #[test]
    fn two_cards_differ_in_their_reset_information() {
        let (left, mut right) = (dump(&[]), dump(&[]));
        right.atr = "3B6E".to_owned();
        assert_eq!(seen(&left.differences(&right, None)), [("atr", Some("3B6D"), Some("3B6E"))]);
    }

    #[test]
    fn dumps_of_the_version_before_are_read_and_later_ones_refused() {
        let old = |format: u32| {
            let mut json = serde_json::to_value(dump(&[("SSSE.EF05.card_number", "A")])).expect("JSON");
            json["format"] = format.into();
            if format > FORMAT {
                json["photograph"] = "…".into();
            }
            Dump::parse(&json.to_string(), "a.json")
        };
        assert!(old(1).is_ok() && old(FORMAT).is_ok());
        for format in [0, FORMAT + 1, 9] {
            assert!(
                matches!(old(format), Err(TerminalError::DumpVersion { format: told, known: FORMAT, .. }) if told == format)
            );
        }
    }

    #[test]
    fn two_cards_differ_in_values_and_in_faults() {
        let (left, mut right) = (dump(&[("SSSE.EF05.card_number", "A")]), dump(&[("SSSE.EF05.card_class", "1")]));
        right.unread.push(DumpFault { place: "DF04.EF05".to_owned(), code: "PIN_NEEDED".to_owned() });
        let differences = left.differences(&right, None);
        let expected = [
            ("SSSE.EF05.card_class", None, Some("1")),
            ("SSSE.EF05.card_number", Some("A"), None),
            ("DF04.EF05", None, Some("PIN_NEEDED")),
        ];
        assert_eq!(seen(&differences), expected);
    }

    #[test]
    fn of_a_file_that_one_side_could_not_read_only_that_is_told() {
        let whole = dump(&[("DF04.EF05.tag_81", "A"), ("DF04.EF06.tag_86", "B"), ("DF04.EF08[2].sequence", "1")]);
        let mut without_pin = dump(&[("DF04.EF06.tag_86", "C"), ("DF04.EF06.tag_88", "D")]);
        for file in ["DF04.EF05", "DF04.EF06", "DF04.EF08"] {
            without_pin.unread.push(DumpFault { place: file.to_owned(), code: "PIN_NEEDED".to_owned() });
        }
        // What both sides have differs; what the side that read everything lacks is a difference too.
        let expected = [
            ("DF04.EF06.tag_86", Some("B"), Some("C")),
            ("DF04.EF06.tag_88", None, Some("D")),
            ("DF04.EF05", None, Some("PIN_NEEDED")),
            ("DF04.EF06", None, Some("PIN_NEEDED")),
            ("DF04.EF08", None, Some("PIN_NEEDED")),
        ];
        assert_eq!(seen(&whole.differences(&without_pin, None)), expected);
        assert_eq!(without_pin.differences(&whole, None).len(), expected.len());
    }

    #[test]
    fn records_come_in_the_order_of_their_numbers() {
        let places: Vec<String> = (1..=12).map(|number| format!("DF04.EF08[{number}].sequence")).collect();
        let values: Vec<(&str, &str)> = places.iter().map(|place| (place.as_str(), "1")).collect();
        let found = dump(&[]).differences(&dump(&values), None);
        assert_eq!(found.iter().map(|row| &row.place).collect::<Vec<_>>(), places.iter().collect::<Vec<_>>());
    }

    #[test]
    fn against_a_profile_what_is_missing_surplus_or_another_persons_shows() {
        let profile = builtin("ssc-3.0").expect("built in");
        let all: Vec<String> = blanks(&profile).map(|(place, _)| place).collect();
        let values: Vec<(&str, &str)> = all.iter().map(|place| (place.as_str(), "")).collect();
        let whole = dump(&values);
        assert_eq!(seen(&whole.differences_from(&profile, None, false)), []);
        assert!(all.contains(&"DF01.EF15.degree_1.school_name".to_owned()) && all.contains(&"SSSE.EF08".to_owned()));

        let lacking = dump(&values[1..]);
        assert_eq!(
            seen(&lacking.differences_from(&profile, None, false)),
            [(values[0].0, None, Some("in the profile"))]
        );
        let two = builtin("ssc-1.0").expect("built in");
        assert!(whole.differences_from(&two, None, false).iter().any(|row| row.place == "SSSE.EF06.name_extension"));
        let mut person = CardValues::new();
        person.set("SSSE.EF06.name", "张三").expect("a place");
        assert_eq!(
            seen(&whole.differences_from(&profile, Some(&person), false)),
            [("SSSE.EF06.name", Some(""), Some("张三"))]
        );
    }
}
