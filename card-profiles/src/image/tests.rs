use card_core::tlv;
use proptest::prelude::*;

use super::encode::has_place;
use super::*;
use crate::builtin;
use crate::codec::{self, Fault};
use crate::profile::{Df, Ef, EfKind, Element, Profile};

fn profile() -> Profile {
    builtin("ssc-3.0").expect("built in")
}

fn values(entries: &[(&str, Value)]) -> CardValues {
    let mut values = CardValues::new();
    for (place, value) in entries {
        values.set(place, value.clone()).expect("a place");
    }
    values
}

fn file<'a>(profile: &'a Profile, df: &str, ef: &str) -> (&'a Df, &'a Ef) {
    (profile.df(df).expect(df), profile.ef(df, ef).expect(ef))
}

fn encoded(profile: &Profile, df: &str, ef: &str, entries: &[(&str, Value)]) -> String {
    let (df, ef) = file(profile, df, ef);
    let records = encode_file(df, ef, &values(entries)).expect("fits");
    hex::encode_upper(records.into_iter().flat_map(|(_, bytes)| bytes).collect::<Vec<u8>>())
}

fn decoded(profile: &Profile, df: &str, ef: &str, bytes: &str) -> Reading {
    let (df, ef) = file(profile, df, ef);
    decode_file(df, ef, &hex::decode(bytes.replace(' ', "")).expect("hex"))
}

#[test]
fn the_published_whole_file_of_df02_reads_and_writes_back() {
    let bytes = PUBLISHED_FILE;
    let reading = decoded(&profile(), "DF02", "EF06", bytes);
    assert_eq!(reading.faults, []);
    let text = |item: &str| reading.values.text(&format!("DF02.EF06.{item}")).map(str::to_owned);
    assert_eq!(text("tag_4b").as_deref(), Some("12345"));
    assert_eq!(text("occupation").as_deref(), Some("清洁工"));
    assert_eq!(reading.values.len(), 7);
    let profile = profile();
    let (df, ef) = file(&profile, "DF02", "EF06");
    let back: Vec<u8> =
        encode_file(df, ef, &reading.values).expect("fits").into_iter().flat_map(|(_, record)| record).collect();
    assert_eq!(hex::encode_upper(back), bytes.replace(' ', ""));
}

#[test]
fn the_published_degree_has_its_published_bytes() {
    let entries = [
        ("DF01.EF15.degree_1.degree_code", "123".into()),
        ("DF01.EF15.degree_1.field_of_study", "112233".into()),
        ("DF01.EF15.degree_1.school_name", "南京大学".into()),
    ];
    let expected = format!("4034{}{}{}{}", "5703313233", "5803112233", "5928C4CFBEA9B4F3D1A7", "00".repeat(32));
    assert_eq!(encoded(&profile(), "DF01", "EF15", &entries), expected);
}

/// Published test strings of file values, fields in record order, and the bytes that the format rules give.
const STRINGS: [(&str, &str, &str, &str); 5] = [
    ("DF01", "EF0A", "086|11|20130629|", "3703303836 38023131 390420130629"),
    (
        "DF03",
        "EF05",
        "112233|20121129|20121129|015|015|086|086|",
        "6103112233 980420121129 620420121129 6303303135 6403303135 6503303836 6603303836",
    ),
    (
        "DF03",
        "EF07",
        "123|201211|20121129|20121129|20121129|20121129|",
        "7003313233 7103201211 6E0420121129 6C0420121129 6F0420121129 730420121129",
    ),
    ("DF02", "EF06", "20130630|12345|010203|20130630|000102|123123|清洁工|", PUBLISHED_FILE),
    ("DF04", "EF06", "1||12|", "900131 9204FFFFFFFF 93023132"),
];

const PUBLISHED_FILE: &str =
    "4C0420130630 4B053132333435 4D03010203 600420130630 4F06303030313032 5003123123 3A07C7E5BDE0B9A400";

#[test]
fn published_test_strings_become_the_bytes_of_their_formats_and_read_back() {
    let profile = profile();
    for (df, ef, fields, bytes) in STRINGS {
        let (df, ef) = file(&profile, df, ef);
        let mut values = CardValues::new();
        for (row, field) in ef.elements.iter().zip(fields.split('|')) {
            values.insert(Place::file(&df.id, &ef.id).item(&row.id), field);
        }
        let written: Vec<u8> =
            encode_file(df, ef, &values).expect("fits").into_iter().flat_map(|(_, record)| record).collect();
        assert_eq!(hex::encode_upper(&written), bytes.replace(' ', ""), "{}.{}", df.id, ef.id);
        assert_eq!(decode_file(df, ef, &written), Reading { values, ..Reading::default() });
    }
}

#[test]
fn the_published_certificate_has_its_amount_in_fen() {
    let item = |name: &str| format!("DF03.EF19.pension_certificate.{name}");
    let entries = [
        ("insurance_type", "123".into()),
        ("insured_region", "112233".into()),
        ("insured_from", "20120312".into()),
        ("insured_until", "20120312".into()),
        ("personal_contribution", Value::Number(21_250)),
        ("contribution_months", "123".into()),
        ("certificate_date", "20120312".into()),
    ];
    let mut values = CardValues::new();
    entries.into_iter().for_each(|(name, value)| values.set(&item(name), value).expect("a place"));
    let profile = profile();
    let (df, ef) = file(&profile, "DF03", "EF19");
    let records = encode_file(df, ef, &values).expect("fits");
    let expected = "7927 1803313233 1903112233 1A0420120312 1B0420120312 1C04021250FF 1D03313233 1E0420120312";
    assert_eq!(
        records.iter().map(|(number, bytes)| (*number, hex::encode_upper(bytes))).collect::<Vec<_>>(),
        [(1, expected.replace(' ', ""))]
    );
}

#[test]
fn an_incomplete_composite_has_blank_items() {
    let entries = [("DF03.EF19.unemployment_certificate.personal_contribution", Value::Number(21_250))];
    let expected = "7927 1803000000 1903FFFFFF 1A04FFFFFFFF 1B04FFFFFFFF 1C04021250FF 1D03000000 1E04FFFFFFFF";
    assert_eq!(encoded(&profile(), "DF03", "EF19", &entries), expected.replace(' ', ""));
}

#[test]
fn the_records_of_the_published_log_read_with_their_faults() {
    let log = "0110430299D156000005000000133A05F2E3 020133 0304322E3000 040C9156000002430200430100D5 050432303132 060432303232 0709423030303030313331";
    let reading = decoded(&profile(), "SSSE", "EF05", log);
    assert_eq!(reading.values.text("SSSE.EF05.card_number"), Some("B00000131"));
    assert_eq!(reading.values.text("SSSE.EF05.spec_version"), Some("2.0"));
    assert_eq!(reading.values.text("SSSE.EF05.issue_date"), Some("2012"));
    let faults: Vec<String> =
        reading.faults.iter().map(|fault| format!("{} {}", fault.place, fault.fault.code())).collect();
    assert_eq!(faults, ["SSSE.EF05.issue_date ITEM_ASCII_YEAR", "SSSE.EF05.valid_until ITEM_ASCII_YEAR"]);
}

#[test]
fn missing_unknown_and_cut_records_are_named() {
    let reading = decoded(&profile(), "DF01", "EF0A", "3703303836 990101 3804");
    let faults: Vec<String> = reading.faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "DF01.EF0A.tag_99: unknown tag 99",
            "DF01.EF0A: the file ends inside a record",
            "DF01.EF0A.political_affiliation: the record is missing",
            "DF01.EF0A.party_joining_date: the record is missing",
        ]
    );
    assert_eq!(reading.values.text("DF01.EF0A.nationality"), Some("086"));
}

#[test]
fn a_log_record_reads_by_number() {
    let record = "0001 32 410100813475 20260101123456 000003E8 00000064 00000000";
    let reading = decoded(&profile(), "DF04", "EF08", &format!("{record}{}", record.replace("0001", "0000")));
    assert_eq!(reading.values.number("DF04.EF08[1].sequence"), Some(1));
    assert_eq!(reading.values.number("DF04.EF08[2].sequence"), Some(0));
    assert_eq!(reading.values.text("DF04.EF08[1].terminal"), Some("410100813475"));
    assert_eq!(reading.values.text("DF04.EF08[1].date_time"), Some("20260101123456"));
    assert_eq!(reading.values.number("DF04.EF08[1].personal_account"), Some(1000));
    assert_eq!(reading.faults, []);
}

#[test]
fn all_faulty_values_are_reported_at_once() {
    let values = values(&[
        ("SSSE.EF05.card_number", "X00000019X".into()),
        ("SSSE.EF06.name", "王䶮".into()),
        ("SSSE.EF06.nickname", "x".into()),
        ("SSSE.EF08", "00".repeat(4097).into()),
        ("DF01.EF15.degree_1", "00".into()),
        ("DF04.EF08.sequence", Value::Number(1)),
        ("DF04.EF08[31].sequence", Value::Number(1)),
    ]);
    let faults: Vec<String> = check(&profile(), &values).iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "DF01.EF15.degree_1: the profile has no such place",
            "DF04.EF08.sequence: the profile has no such place",
            "DF04.EF08[31].sequence: the profile has no such place",
            "SSSE.EF06.nickname: the profile has no such place",
            "SSSE.EF05.card_number: 10 bytes, the item holds 9",
            "SSSE.EF06.name: character 2 ('䶮', U+4DAE) is not in GBK",
            "SSSE.EF08: 4097 bytes, the item holds 4096",
            "DF01.EF15.degree_1: a composite value is written item by item",
        ]
    );
}

#[test]
fn values_are_one_json_object_by_place() {
    let values = values(&[("SSSE.EF06.name", "张三".into()), ("DF04.EF08[1].personal_account", Value::Number(1000))]);
    let json = serde_json::to_string(&values).expect("JSON");
    assert_eq!(json, r#"{"DF04.EF08[1].personal_account":1000,"SSSE.EF06.name":"张三"}"#);
    assert_eq!(serde_json::from_str::<CardValues>(&json).expect("values"), values);
    assert!(serde_json::from_str::<CardValues>(r#"{"name":"张三"}"#).is_err());
}

#[test]
fn a_blank_file_reads_as_items_not_filled_without_fault() {
    let profile = profile();
    for (df, ef) in profile.df.iter().flat_map(|df| df.ef.iter().map(move |ef| (df, ef))) {
        if ef.kind != EfKind::TlvRecords {
            continue;
        }
        let bytes: Vec<u8> =
            ef.elements.iter().flat_map(|row| tlv::encode(row.tag.expect("tagged"), &codec::blank(row))).collect();
        assert_eq!(bytes.len(), usize::from(ef.size), "{}.{}", df.id, ef.id);
        let reading = decode_file(df, ef, &bytes);
        assert_eq!(reading.faults, [], "{}.{}", df.id, ef.id);
        assert!(reading.values.iter().all(|(_, value)| match value {
            Value::Text(text) => text.bytes().all(|zero| zero == b'0'),
            Value::Number(number) => *number == 0,
        }));
    }
}

#[test]
fn an_unknown_record_never_takes_the_place_of_a_known_item() {
    let profile = profile();
    let mut df = profile.df("SSSE").expect("a directory").clone();
    let rows = df.ef.iter_mut().find(|ef| ef.id == "EF06").map(|ef| &mut ef.elements);
    let named = rows.and_then(|rows| rows.get_mut(1)).expect("a second row");
    (named.id, named.tag) = ("tag_77".into(), Some(0x77));
    df.name_places();
    let ef = df.ef.iter().find(|ef| ef.id == "EF06").expect("a file");
    let bytes = hex::decode("7701AA7703313233").expect("hex");
    let reading = decode_file(&df, ef, &bytes);
    assert_eq!(reading.values.len(), 1, "{:?}", reading.values);
    assert_eq!(reading.values.text("SSSE.EF06.tag_77"), Some("123"));
    assert_eq!(reading.faults.first().map(|found| found.fault), Some(Fault::Repeated { tag: 0x77 }));
}

#[test]
fn records_in_another_order_are_read_and_said() {
    let profile = profile();
    let (df, ef) = file(&profile, "SSSE", "EF06");
    let record = |row: &Element| tlv::encode(row.tag.expect("tagged"), &codec::blank(row));
    let of = |rows: &mut dyn Iterator<Item = &Element>| rows.flat_map(record).collect::<Vec<u8>>();
    let faults = |bytes: &[u8]| -> Vec<(String, Fault)> {
        let reading = decode_file(df, ef, bytes);
        assert_eq!(reading.values.len(), ef.elements.len());
        reading.faults.iter().map(|found| (found.place.to_string(), found.fault)).collect()
    };
    assert_eq!(faults(&of(&mut ef.elements.iter())), []);
    assert_eq!(faults(&of(&mut ef.elements.iter().rev())), [("SSSE.EF06".to_owned(), Fault::OutOfOrder)]);
}

/// A file of an EF06 in which name and extension are these bytes, padded.
fn holder_named(name: &[u8], extension: &[u8]) -> Reading {
    let profile = profile();
    let (df, ef) = file(&profile, "SSSE", "EF06");
    let record = |row: &Element| {
        let mut value = codec::blank(row);
        let given = match &*row.id {
            "name" => name,
            "name_extension" => extension,
            _ => &[],
        };
        value.get_mut(..given.len()).expect("it fits").copy_from_slice(given);
        tlv::encode(row.tag.expect("tagged"), &value)
    };
    decode_file(df, ef, &ef.elements.iter().flat_map(record).collect::<Vec<u8>>())
}

#[test]
fn a_name_split_inside_a_character_is_joined_by_its_bytes() {
    // 29 bytes and the first of 张; its second and 三.
    let name = [&b"A"[..], &[0xD5, 0xC5].repeat(14), &[0xD5]].concat();
    let reading = holder_named(&name, &[0xC5, 0xC8, 0xFD]);
    let text = |item: &str| reading.values.text(&format!("SSSE.EF06.{item}")).unwrap_or_default().to_owned();
    assert_eq!((text("name"), text("name_extension")), (format!("A{}", "张".repeat(14)), "张三".to_owned()));
    let faults: Vec<(String, Fault)> =
        reading.faults.iter().map(|found| (found.place.to_string(), found.fault)).collect();
    assert_eq!(faults, [("SSSE.EF06.name".to_owned(), Fault::SplitCharacter)]);
    assert_eq!(reading.bytes.text("SSSE.EF06.name"), Some(&*hex::encode_upper(&name)));
    assert_eq!(reading.bytes.len(), 2);

    // A half character that nothing follows, or no second byte, stays what it is.
    for (extension, shown) in [(&[][..], ""), (b"1", "1")] {
        let reading = holder_named(&name, extension);
        assert_eq!(reading.values.text("SSSE.EF06.name_extension").unwrap_or_default(), shown);
        assert_eq!(reading.faults.iter().map(|found| found.fault).collect::<Vec<_>>(), [Fault::BadGbk]);
    }
    // 𠮷, four bytes in GB 18030, with one, two or three of them in the name: the other bytes of the name are two and one each.
    let code = [0x95, 0x34, 0xB2, 0x35];
    for begun in 1..4 {
        let before = if begun == 2 {
            [0xD5, 0xC5].repeat(14)
        } else {
            [&b"A"[..], &[0xD5, 0xC5].repeat(14 - begun / 2)].concat()
        };
        let (left, right) = code.split_at(begun);
        let reading = holder_named(&[&before, left].concat(), &[right, &[0xC8, 0xFD]].concat());
        assert_eq!(before.len() + begun, 30);
        let text = |item: &str| reading.values.text(&format!("SSSE.EF06.{item}")).unwrap_or_default().to_owned();
        assert_eq!(text("name_extension"), "𠮷三", "{begun}");
        assert!(text("name").ends_with('张') && !text("name").contains('\u{FFFD}'), "{begun}");
        let faults: Vec<Fault> = reading.faults.iter().map(|found| found.fault).collect();
        assert_eq!(faults, [Fault::SplitCharacter, Fault::Unusual], "{begun}");
    }
    // A half character that something else follows than the rest of it is none of four bytes.
    let name = [&[0xD5, 0xC5].repeat(14)[..], &code[..2]].concat();
    let reading = holder_named(&name, &[0xC8, 0xFD]);
    assert_eq!(reading.values.text("SSSE.EF06.name_extension"), Some("三"));
    // Whole characters are not moved.
    let whole = holder_named(&[0xD5, 0xC5].repeat(15), &[0xC8, 0xFD]);
    assert_eq!((whole.values.text("SSSE.EF06.name_extension"), whole.faults.len()), (Some("三"), 0));
}

/// What was stored, from what was read alone.
fn stored(df: &Df, ef: &Ef, reading: &Reading) -> Vec<u8> {
    let file = Place::file(&df.id, &ef.id);
    let raw = |place: &Place| reading.bytes.at(place).map(|hex| hex::decode(hex.as_text().expect("hex")).expect("hex"));
    if let Some(bytes) = raw(&file) {
        return bytes;
    }
    fn item(row: &Element, place: &Place, reading: &Reading, raw: &dyn Fn(&Place) -> Option<Vec<u8>>) -> Vec<u8> {
        raw(place).unwrap_or_else(|| match (row.format.kind, reading.values.at(place)) {
            (crate::format::FormatKind::BTlv, _) => row
                .inner
                .iter()
                .flat_map(|inner| {
                    tlv::encode(inner.tag.expect("tagged"), &item(inner, &place.clone().inner(&inner.id), reading, raw))
                })
                .collect(),
            (crate::format::FormatKind::B, Some(Value::Text(text))) => hex::decode(text).expect("hex"),
            (_, value) => codec::encode(row.format, value.expect("a value")).expect("as it was read"),
        })
    }
    let fields = |record: Place| match raw(&record) {
        Some(bytes) => bytes,
        None => ef.elements.iter().flat_map(|row| item(row, &record.clone().item(&row.id), reading, &raw)).collect(),
    };
    match ef.kind {
        EfKind::TlvRecords => {
            let of = |row: &Element| {
                tlv::encode(row.tag.expect("tagged"), &item(row, &file.clone().item(&row.id), reading, &raw))
            };
            ef.elements.iter().flat_map(of).collect()
        }
        EfKind::Cyclic => {
            let records = (1..=u8::MAX).map(|number| file.clone().record(number));
            let held = |record: &Place| {
                ef.elements.first().is_some_and(|row| reading.values.at(&record.clone().item(&row.id)).is_some())
            };
            records.take_while(held).flat_map(fields).collect()
        }
        EfKind::Transparent if ef.elements.is_empty() => {
            hex::decode(reading.values.at(&file).and_then(Value::as_text).expect("a value")).expect("hex")
        }
        EfKind::Transparent => fields(file),
    }
}

fn any_place() -> impl Strategy<Value = Place> {
    "(SSSE|DF0[12])[.]EF0[5-8](\\[[12]\\])?([.][ab]([.][cd])?)?".prop_map(|text| text.parse().expect("a place"))
}

proptest! {
    #[test]
    fn values_are_kept_as_an_ordered_map_keeps_them(
        parts in prop::collection::vec(prop::collection::vec((any_place(), any::<u64>()), 0..12), 1..6)
    ) {
        let mut model = BTreeMap::new();
        let mut ours = CardValues::new();
        for part in parts {
            let mut other = CardValues::new();
            for (place, number) in part {
                model.insert(place.clone(), Value::Number(number));
                match number % 3 {
                    0 => ours.insert(place.clone(), number),
                    // What is added as a whole wins.
                    _ => other.insert(place.clone(), number),
                }
                if number % 3 == 0 {
                    other.0.retain(|(row, _)| *row != place);
                }
            }
            ours.extend(other);
        }
        prop_assert_eq!(ours.iter().collect::<Vec<_>>(), model.iter().collect::<Vec<_>>());
        for (place, value) in &model {
            prop_assert_eq!(ours.at(place), Some(value));
        }
        let text = serde_json::to_string(&ours).expect("JSON");
        prop_assert_eq!(&text, &serde_json::to_string(&model).expect("JSON"));
        prop_assert_eq!(serde_json::from_str::<CardValues>(&text).expect("JSON"), ours);
    }

    #[test]
    fn files_read_in_any_order_and_twice_give_the_same_values(
        order in Just((0..8).collect::<Vec<usize>>()).prop_shuffle(),
        noise in prop::collection::vec(any::<u8>(), 900),
    ) {
        let profile = profile();
        let files: Vec<(&Df, &Ef)> = profile.df.iter().flat_map(|df| df.ef.iter().map(move |ef| (df, ef))).step_by(5).collect();
        let read = |order: &[usize]| {
            let mut reading = Reading::default();
            for (df, ef) in order.iter().filter_map(|index| files.get(*index)) {
                reading.add_file(df, ef, &noise);
            }
            reading.values
        };
        let values = read(&order);
        prop_assert!(values.iter().zip(values.iter().skip(1)).all(|((left, _), (right, _))| left < right));
        prop_assert_eq!(&values, &read(&(0..8).collect::<Vec<usize>>()));
        prop_assert_eq!(&values, &read(&order.iter().chain(order.iter().take(3)).copied().collect::<Vec<_>>()));
    }
}

fn any_file() -> impl Strategy<Value = (Df, Ef)> {
    let files = profile().df.into_iter().flat_map(|df| df.ef.clone().into_iter().map(move |ef| (df.clone(), ef)));
    prop::sample::select(files.collect::<Vec<_>>())
}

/// Bytes near those of a real file: records and items of the profile's tags in or out of order, padded or not.
fn near(ef: &Ef, noise: &[u8]) -> Vec<u8> {
    let mut noise = noise.iter().copied();
    let mut byte = move || noise.next().unwrap_or_default();
    let mut value = |row: &Element| -> Vec<u8> {
        let length = usize::from(row.format.length);
        let mut whole = match (row.format.kind, byte() % 8) {
            (crate::format::FormatKind::BTlv, 1..) => row
                .inner
                .iter()
                .flat_map(|inner| tlv::encode(inner.tag.expect("tagged"), &codec::blank(inner)))
                .collect(),
            (_, 0) => vec![0xFF; length],
            (_, 1) => vec![0x00; length],
            (_, 2) => (0..length + 1).map(|_| byte()).collect(),
            (_, 3) => (0..length / 2).map(|_| byte()).collect(),
            _ => [0xD5, 0xC5].into_iter().cycle().take(length).collect::<Vec<u8>>(),
        };
        let at = usize::from(byte());
        if let (1, Some(slot)) = (byte() % 3, whole.get_mut(at)) {
            *slot = byte();
        }
        whole
    };
    let mut parts: Vec<Vec<u8>> = match ef.kind {
        EfKind::TlvRecords => {
            ef.elements.iter().map(|row| tlv::encode(row.tag.expect("tagged"), &value(row))).collect()
        }
        EfKind::Cyclic | EfKind::Transparent => ef.elements.iter().map(value).collect(),
    };
    let count = parts.len();
    match byte() % 4 {
        0 if count > 1 => parts.swap(0, count - 1),
        1 => drop(parts.pop()),
        _ => {}
    }
    parts.concat()
}

proptest! {
    #[test]
    fn whatever_a_file_holds_comes_back_from_what_was_read((df, ef) in any_file(), noise in prop::collection::vec(any::<u8>(), 0..600)) {
        for bytes in [noise.clone(), near(&ef, &noise)] {
            let reading = decode_file(&df, &ef, &bytes);
            prop_assert_eq!(hex::encode(stored(&df, &ef, &reading)), hex::encode(&bytes));
        }
    }

    #[test]
    fn any_bytes_of_any_file_read_to_places_that_the_file_has((df, ef) in any_file(), bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        let reading = decode_file(&df, &ef, &bytes);
        let beyond_the_last_record = |place: &Place| place.record.is_some_and(|record| record > ef.records);
        for (place, _) in reading.values.iter() {
            // What the profile does not know is kept under its tag, and is a fault.
            let is_unknown = |fault: &CardFault| fault.place == *place && matches!(fault.fault, Fault::UnknownTag { .. } | Fault::Repeated { .. });
            prop_assert!(
                has_place(&ef, place) || beyond_the_last_record(place) || reading.faults.iter().any(is_unknown),
                "{}",
                place
            );
        }
    }

    #[test]
    fn what_reads_without_fault_is_written_back_byte_for_byte((df, ef) in any_file(), noise in prop::collection::vec(any::<u8>(), 5000)) {
        let mut noise = noise.into_iter();
        let mut fill = |row: &Element| -> Vec<u8> { noise.by_ref().take(row.format.length.into()).collect() };
        let bytes: Vec<u8> = match ef.kind {
            EfKind::TlvRecords => ef.elements.iter().flat_map(|row| tlv::encode(row.tag.expect("tagged"), &fill(row))).collect(),
            EfKind::Cyclic => ef.elements.iter().flat_map(&mut fill).collect(),
            EfKind::Transparent => noise.take(ef.size.into()).collect(),
        };
        let reading = decode_file(&df, &ef, &bytes);
        if reading.faults.is_empty() {
            let back: Vec<u8> = encode_file(&df, &ef, &reading.values).expect("no fault").into_iter().flat_map(|(_, record)| record).collect();
            prop_assert_eq!(back, bytes);
        }
    }
}
