use proptest::prelude::*;

use super::*;

fn format(text: &str) -> Format {
    Format::parse(text).expect("format")
}

fn hex_of(notation: &str, value: impl Into<Value>) -> String {
    hex::encode_upper(encode(format(notation), &value.into()).expect("encodes"))
}

fn read(notation: &str, bytes: &str) -> (Value, Vec<Fault>) {
    decode(format(notation), &hex::decode(bytes).expect("hex"))
}

/// Test values of published file strings and raw records.
const PUBLISHED: [(&str, &str, &str); 13] = [
    ("cn(4)", "20130630", "20130630"),
    ("an(5)", "12345", "3132333435"),
    ("cn(3)", "010203", "010203"),
    ("an(6)", "000102", "303030313032"),
    ("cn(3)", "123123", "123123"),
    ("an(16)", "20130630", "32303133303633300000000000000000"),
    ("an(3)", "123", "313233"),
    ("cn(3)", "112233", "112233"),
    ("an(8)", "南京大学", "C4CFBEA9B4F3D1A7"),
    ("an(16)", "1234567890", "31323334353637383930000000000000"),
    ("an(18)", "111111198101011110", "313131313131313938313031303131313130"),
    ("an(30)", "张三", "D5C5C8FD0000000000000000000000000000000000000000000000000000"),
    ("an(9)", "X00000019", "583030303030303139"),
];

#[test]
fn published_values_have_their_published_bytes() {
    for (notation, value, bytes) in PUBLISHED {
        assert_eq!(hex_of(notation, value), bytes, "{value}");
        let (read, faults) = read(notation, bytes);
        assert_eq!((read.as_text(), faults), (Some(value), vec![]), "{value}");
    }
}

#[test]
fn the_occupation_of_the_published_record_reads_as_gbk() {
    // 3A 07 C7E5BDE0B9A400 of the published whole-file sample.
    assert_eq!(read("an(7)", "C7E5BDE0B9A400").0.as_text(), Some("清洁工"));
    assert_eq!(hex_of("an(7)", "清洁工"), "C7E5BDE0B9A400");
}

#[test]
fn amounts_are_fen() {
    assert_eq!(hex_of("cn-amt(4)", 1212), "1212FFFF");
    assert_eq!(hex_of("cn-amt(4)", 21250), "021250FF");
    assert_eq!(hex_of("cn-amt(4)", 0), "00FFFFFF");
    assert_eq!(hex_of("cn-amt(4)", 99_999_999), "99999999");
    assert_eq!(
        encode(format("cn-amt(4)"), &Value::Number(100_000_000)),
        Err(EncodeError::TooLarge { max: 99_999_999 })
    );
    assert_eq!(hex_of("b-amt(4)", 50_000), "0000C350");
    assert_eq!(hex_of("b-seq(2)", 1), "0001");
    assert_eq!(encode(format("b-seq(2)"), &Value::Number(65_536)), Err(EncodeError::TooLarge { max: 65_535 }));
    assert_eq!(read("cn-amt(4)", "00000001"), (Value::Number(1), vec![Fault::Unusual]));
}

#[test]
fn odd_digits_and_short_values_are_padded_with_f() {
    assert_eq!(hex_of("cn(3)", "086"), "086FFF");
    assert_eq!(hex_of("cn(1)", "1"), "1F");
    assert_eq!(hex_of("cn(3)", ""), "FFFFFF");
    assert_eq!(read("cn(3)", "086FFF"), ("086".into(), vec![]));
    assert_eq!(read("cn(3)", "FFFFFF"), (Value::BLANK, vec![]));
}

#[test]
fn every_pair_of_bytes_reads_as_digits_exactly_when_it_is_digits_and_padding() {
    for pair in 0..=u16::MAX {
        let text = format!("{pair:04X}");
        let digits = text.trim_end_matches('F');
        let expected = if digits.parse::<u16>().is_ok() || digits.is_empty() {
            (digits, vec![])
        } else {
            (&text[..], vec![Fault::BadDigits])
        };
        let (value, faults) = decode(format("cn(2)"), &pair.to_be_bytes());
        assert_eq!((value.as_text(), faults), (Some(expected.0), expected.1), "{text}");
    }
}

#[test]
fn deviations_of_field_cards_come_back_beside_the_value() {
    let cases = [
        // The test card of 2012: years as text.
        ("cn(4)", "32303132", "2012", vec![Fault::AsciiYear]),
        ("cn(4)", "32303232", "2022", vec![Fault::AsciiYear]),
        // 姓名扩展 padded with FF.
        ("an(4)", "FFFFFFFF", "", vec![Fault::FfPadding]),
        ("an(4)", "D5C5FFFF", "张", vec![Fault::FfPadding]),
        ("an(4)", "D5C500FF", "张", vec![Fault::FfPadding]),
        ("an(4)", "31003200", "1", vec![Fault::AfterEnd]),
        ("an(4)", "D5210000", "\u{FFFD}!", vec![Fault::BadGbk]),
        ("an(2)", "FE9F", "䶮", vec![Fault::Unusual]),
        ("cn(2)", "1A23", "1A23", vec![Fault::BadDigits]),
        ("cn(2)", "1F23", "1F23", vec![Fault::BadDigits]),
        ("cn(2)", "12", "12", vec![Fault::Short { expected: 2, got: 1 }]),
        ("cn(1)", "1234", "1234", vec![Fault::Overlong { expected: 1, got: 2 }]),
        ("b(2)", "00", "00", vec![Fault::Short { expected: 2, got: 1 }]),
    ];
    for (notation, bytes, text, faults) in cases {
        let (value, found) = read(notation, bytes);
        assert_eq!((value.as_text(), found), (Some(text), faults), "{notation} {bytes}");
    }
}

#[test]
fn nothing_is_cut_replaced_or_guessed_when_writing() {
    let refused = |notation: &str, value: Value| encode(format(notation), &value).expect_err(notation).code();
    assert_eq!(refused("an(3)", "张三".into()), "VALUE_TOO_LONG");
    assert_eq!(refused("an(3)", "a\u{0}".into()), "VALUE_CONTROL_CHARACTER");
    assert_eq!(refused("an(30)", "㐂".into()), "VALUE_NOT_IN_GBK");
    assert_eq!(refused("cn(4)", "2013063".repeat(2).as_str().into()), "VALUE_TOO_LONG");
    let birth_date = r#"{"tag":13,"id":"birth_date","name":"出生日期","format":"cn(4)"}"#;
    let born: Element = serde_json::from_str(birth_date).expect("an item");
    for no_day in ["20259999", "19999999", "20250229", "20251301", "2025", "202506", "00000001"] {
        assert_eq!(encode_item(&born, &no_day.into()).expect_err(no_day).code(), "VALUE_NOT_DATE");
        let bytes = encode(format("cn(4)"), &no_day.into()).expect("digits, whatever they mean");
        assert_eq!(decode_item(&born, &bytes), (Value::from(no_day), vec![Fault::NotDate]));
    }
    for day in ["20240229", "00000000", "", "19000101"] {
        let bytes = encode_item(&born, &day.into()).expect(day);
        assert_eq!(decode_item(&born, &bytes), (day.into(), vec![]));
    }
    let birthplace = r#"{"tag":12,"id":"birthplace","name":"出生地","format":"cn(3)"}"#;
    let region: Element = serde_json::from_str(birthplace).expect("an item");
    for part in ["9", "51", "51332", "5133222"] {
        assert!(
            ["VALUE_DIGITS", "VALUE_TOO_LONG"].contains(&encode_item(&region, &part.into()).expect_err(part).code())
        );
    }
    assert!(["513322", "000000", ""].iter().all(|whole| encode_item(&region, &(*whole).into()).is_ok()));
    let unknown = Element { name: None, ..born };
    assert!(encode_item(&unknown, &"12345".into()).is_ok(), "what it means is not known");
    assert_eq!(refused("cn(4)", "2013-6".into()), "VALUE_NOT_DIGITS");
    assert_eq!(refused("cn(4)", "１２".into()), "VALUE_NOT_DIGITS");
    assert_eq!(refused("b(2)", "0".into()), "VALUE_NOT_HEX");
    assert_eq!(refused("b(2)", "00".into()), "VALUE_LENGTH");
    assert_eq!(refused("b-amt(4)", "12".into()), "VALUE_KIND");
    assert_eq!(refused("an(4)", 12.into()), "VALUE_KIND");
    assert_eq!(refused("b-tlv(52)", "00".into()), "VALUE_COMPOSITE");
}

#[test]
fn values_show_nothing_of_themselves_in_debug() {
    assert_eq!(format!("{:?}", Value::from("111111198101011110")), "Text(18 characters)");
    assert_eq!(format!("{:?}", Value::Number(50_000)), "Number(..)");
}

fn any_format() -> impl Strategy<Value = Format> {
    let names = prop::sample::select(vec!["b", "cn", "an", "cn-amt", "b-amt", "b-seq", "b-tlv"]);
    (names, 1_u8..=255).prop_map(|(name, length)| format(&format!("{name}({length})")))
}

proptest! {
    #[test]
    fn text_reads_back(value in "[ -~·一-龥]{0,15}") {
        let bytes = encode(format("an(30)"), &value.as_str().into()).expect("30 bytes");
        prop_assert_eq!(decode(format("an(30)"), &bytes), (value.into(), vec![]));
    }

    #[test]
    fn digits_read_back(value in "[0-9]{0,14}") {
        let bytes = encode(format("cn(7)"), &value.as_str().into()).expect("7 bytes");
        prop_assert_eq!(decode(format("cn(7)"), &bytes), (value.into(), vec![]));
    }

    #[test]
    fn numbers_read_back(fen in 0_u64..100_000_000, number in any::<u32>(), sequence in any::<u16>()) {
        for (notation, number) in [("cn-amt(4)", fen), ("b-amt(4)", u64::from(number)), ("b-seq(2)", u64::from(sequence))] {
            let bytes = encode(format(notation), &Value::Number(number)).expect("fits");
            prop_assert_eq!(decode(format(notation), &bytes), (Value::Number(number), vec![]));
        }
    }

    #[test]
    fn bytes_without_fault_are_written_back_as_they_were(format in any_format(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let (value, faults) = decode(format, &bytes);
        if faults.is_empty() && format.kind != FormatKind::BTlv {
            prop_assert_eq!(encode(format, &value), Ok(bytes));
        }
    }

    #[test]
    fn values_go_through_json(text in "\\PC{0,20}", number in any::<u64>()) {
        for value in [Value::from(text), Value::Number(number)] {
            let json = serde_json::to_string(&value).expect("JSON");
            prop_assert_eq!(serde_json::from_str::<Value>(&json).expect("value"), value);
        }
    }
}

#[test]
fn an_amount_whose_bytes_look_like_a_year_is_an_amount() {
    for fen in [35_373_130, 31_393_938, 32_303_132] {
        let bytes = encode(format("cn-amt(4)"), &Value::Number(fen)).expect("fits");
        assert!(bytes.iter().all(u8::is_ascii_digit));
        assert_eq!(decode(format("cn-amt(4)"), &bytes), (Value::Number(fen), vec![]));
    }
    assert_eq!(decode(format("cn(4)"), b"2012"), (Value::from("2012"), vec![Fault::AsciiYear]));
    assert_eq!(decode(format("cn(4)"), b"5710"), (Value::from("35373130"), vec![]), "no year of a living card");
}
