//! Good rows, and every fault of others. All people are invented.

use super::*;
use crate::import::table::Cell;
use crate::lang::Lang;

const COLUMNS: [Column; 12] = [
    Column::Number,
    Column::Name,
    Column::Sex,
    Column::EthnicGroup,
    Column::BirthDate,
    Column::Region,
    Column::Address,
    Column::Phone,
    Column::Employer,
    Column::CertificateType,
    Column::CertificateDate,
    Column::Nationality,
];
const GOOD: [&str; 12] = [
    "11010519491231002X",
    "扎西·多吉",
    "2",
    "04",
    "19491231",
    "513301",
    "示范路1号",
    "19900001234",
    "虚构小学",
    "01",
    "20200101",
    "CHN",
];

fn checks_of(columns: &[Column]) -> Checks {
    let city = CityCode::parse("513300").expect("digits");
    Checks::of(city, columns.to_vec(), PeopleRules::default())
}

fn checks() -> Checks {
    checks_of(&COLUMNS)
}

fn row(cells: &[&str]) -> Row {
    Row { line: 7, cells: Ok(cells.iter().map(|cell| Ok((*cell).to_owned())).collect()) }
}

fn codes(changes: &[(usize, &str)]) -> Vec<Code> {
    let mut cells = GOOD;
    for (place, value) in changes {
        cells[*place] = value;
    }
    checks().check(&row(&cells)).err().unwrap_or_default().into_iter().map(|fault| fault.code).collect()
}

#[test]
fn a_good_row_becomes_details() {
    let details = checks().check(&row(&GOOD)).expect("good");
    assert_eq!((details.number.as_str(), details.name.as_str()), ("11010519491231002X", "扎西·多吉"));
    let details = checks().check(&row(&{
        let mut cells = GOOD;
        (cells[1], cells[2], cells[3], cells[4], cells[7]) = ("扎西•多吉", "女", "藏族", "1949-12-31", "0836-2811234");
        cells
    }));
    let details = details.expect("good");
    assert_eq!((details.name.as_str(), details.name_raw.as_str()), ("扎西·多吉", "扎西•多吉"));
    assert_eq!((details.sex.as_str(), details.ethnic_group.as_str()), ("2", "04"));
    assert_eq!((details.birth_date.as_str(), details.phone.as_str()), ("19491231", "08362811234"));
}

#[test]
fn each_kind_of_fault_is_told_alone() {
    let long = "长".repeat(41);
    let cases: &[(usize, &str, Code)] = &[
        (0, "110105194912310021", Code::NumberCheck),
        (0, "11010519491231002", Code::NumberLength),
        (0, "110105491231002", Code::NumberOld),
        (0, "1101O519491231002X", Code::NumberCharacters),
        (0, "", Code::ValueMissing),
        (1, "", Code::ValueMissing),
        (1, "王?明", Code::NameCharacter('?')),
        (1, "王\u{FFFD}", Code::NotEncodable('\u{FFFD}')),
        (1, "扎西··多吉", Code::NameSeparator),
        (1, "=扎西", Code::Formula),
        (1, "丹增丹增丹增丹增丹增丹增丹增丹增丹增丹增丹增丹增丹增", Code::NameTooLong),
        (1, "扎\u{1}西", Code::ControlCharacter),
        (2, "1", Code::SexDiffers),
        (2, "7", Code::SexUnknown),
        (3, "77", Code::EthnicGroupUnknown),
        (4, "19491230", Code::BirthDateDiffers),
        (4, "87年3月", Code::BirthDateInvalid),
        (5, "513399", Code::RegionUnknown),
        (5, "51330", Code::RegionInvalid),
        (6, &long, Code::ValueTooLong(82, 80)),
        (6, "@示范路", Code::Formula),
        (6, "\u{E863}路", Code::NotEncodable('\u{E863}')),
        (7, "1990000123", Code::PhoneInvalid),
        (7, "199-电话", Code::PhoneInvalid),
        (7, "1.99E+10", Code::ScientificNotation),
        (0, "1.10105E+17", Code::ScientificNotation),
        (0, "110105194912310000", Code::DigitsRounded),
        (2, "", Code::ValueMissing),
        (3, "NULL", Code::ValueMissing),
        (4, "18263", Code::DateSerial),
        (5, "朝阳区", Code::RegionUnknown),
        (8, "虚构\0小学", Code::ControlCharacter),
        (9, "99", Code::CertificateTypeUnknown),
        (11, "ZZZ", Code::NationalityUnknown),
        (10, "19491230", Code::CertificateDateInvalid),
        (10, "20990101", Code::CertificateDateInvalid),
    ];
    for (place, value, code) in cases {
        assert_eq!(codes(&[(*place, value)]), [*code], "{value}");
    }
}

#[test]
fn whatever_certificate_was_shown_a_citizens_number_registers() {
    for kind in ["01", "02", "04", "07", "08", "护照"] {
        assert_eq!(codes(&[(9, kind)]), [], "{kind}");
    }
    for (number, code) in [("H12345678", Code::NumberLength), ("110105194912310021", Code::NumberCheck)] {
        assert_eq!(codes(&[(0, number), (9, "01")]), [code], "{number}");
        assert_eq!(codes(&[(0, number), (9, "")]), [code], "{number}");
    }
}

#[test]
fn who_has_no_citizen_number_is_registered_by_a_certificate() {
    let mut cells = GOOD;
    for (number, kind, nationality, made, certificate) in [
        ("E12345678", "08", "GBR", "GBR0E12345678", "08 E12345678 GBR"),
        ("gbr0e12345678", "护照", "英国", "GBR0E12345678", "08 E12345678 GBR"),
        ("GBR0E12345678", "", "", "GBR0E12345678", "08 E12345678 GBR"),
        ("GBR0123456", "08", "USA", "USA0GBR0123456", "08 GBR0123456 USA"),
        ("H1234567801", "港澳居民来往内地通行证", "", "HKG0H12345678", "04 H12345678 CHN"),
        ("M12345678", "05", "澳门", "MAC0M12345678", "05 M12345678 CHN"),
        ("01234567", "台胞证", "CHN", "TWN001234567", "06 01234567 CHN"),
        ("CAN110078102501", "07", "", "CAN0110078102501", "07 CAN110078102501 CAN"),
        ("军字第0012345号", "军官证", "", "CHN0J0012345", "02 J0012345 CHN"),
    ] {
        (cells[0], cells[9], cells[11]) = (number, kind, nationality);
        let details = checks().check(&row(&cells)).expect(number);
        assert_eq!((details.number.as_str(), details.certificate.as_str()), (made, certificate));
        assert_eq!((details.sex.as_str(), details.birth_date.as_str(), details.birthplace()), ("2", "19491231", ""));
    }
    // Ethnic groups are China's.
    (cells[0], cells[3], cells[9], cells[11]) = ("E12345678", "", "08", "GBR");
    assert_eq!(checks().check(&row(&cells)).expect("good").ethnic_group, "");
}

#[test]
fn what_a_certificate_lacks_is_told() {
    for (number, kind, nationality, code) in [
        ("E12345678", "08", "", Code::ValueMissing),
        ("E12345678", "08", "XX", Code::NationalityUnknown),
        ("E12345678", "08", "CHN", Code::NationalityDiffers),
        ("GBR0E12345678", "", "USA", Code::NationalityDiffers),
        ("C12345678", "04", "", Code::CertificateNumber(Kind::HongKongMacao)),
        ("1.23E+10", "06", "", Code::ScientificNotation),
    ] {
        assert_eq!(codes(&[(0, number), (9, kind), (11, nationality)]), [code], "{number} {nationality}");
    }
    assert_eq!(codes(&[(0, "E12345678"), (3, ""), (9, "08"), (11, "")]), [Code::ValueMissing], "of the nationality");
    // Nothing tells sex and birth date of somebody whose number has neither.
    let without = checks_of(&[Column::Number, Column::Name, Column::CertificateType, Column::Nationality]);
    let faults = without.check(&row(&["E12345678", "JOHN SMITH", "08", "GBR"])).expect_err("faulty");
    let told: Vec<_> = faults.iter().map(|fault| (fault.column, fault.code)).collect();
    assert_eq!(told, [(Some(Column::Sex), Code::ValueMissing), (Some(Column::BirthDate), Code::ValueMissing)]);
    // A site may do without.
    let mut some = checks();
    some.people.certificates = vec!["04".to_owned()].try_into().expect("known");
    let mut cells = GOOD;
    (cells[0], cells[9], cells[11]) = ("E12345678", "08", "GBR");
    let refused = some.check(&row(&cells)).expect_err("refused");
    assert_eq!(refused.iter().map(|fault| fault.code).collect::<Vec<_>>(), [Code::CertificateTypeUnsupported]);
    assert!(Code::CertificateTypeUnsupported.remedy(Lang::En).contains("[people] certificates"));
}

#[test]
fn all_faults_of_a_row_come_at_once() {
    let found = codes(&[(0, "110105194902300021"), (1, "李2静"), (2, "x"), (3, "99"), (4, "x"), (5, "x"), (7, "x")]);
    for code in [
        Code::NumberDate,
        Code::NameCharacter('2'),
        Code::SexUnknown,
        Code::EthnicGroupUnknown,
        Code::BirthDateInvalid,
        Code::RegionInvalid,
        Code::PhoneInvalid,
    ] {
        assert!(found.contains(&code), "{code:?}");
    }
}

#[test]
fn a_cell_of_no_text_is_one_fault() {
    let mut cells: Vec<Cell> = GOOD.iter().map(|cell| Ok((*cell).to_owned())).collect();
    cells[1] = Err(Code::Undecodable);
    let faults = checks().check(&Row { line: 3, cells: Ok(cells) }).expect_err("faulty");
    assert_eq!(
        faults.iter().map(|fault| (fault.row, fault.column, fault.code)).collect::<Vec<_>>(),
        [(3, Some(Column::Name), Code::Undecodable)]
    );
}

#[test]
fn a_future_birth_is_told_once() {
    // 110105 2187-02-14, order 002.
    let body = "11010521870214002";
    let number =
        "0123456789X".chars().map(|c| format!("{body}{c}")).find(|n| Number::parse(n).is_ok()).expect("one fits");
    assert_eq!(codes(&[(0, &number), (4, "21870214"), (10, "")]), [Code::NumberDateFuture]);
}

#[test]
fn values_as_bureaus_write_them_become_one_form() {
    let plain = checks().check(&row(&GOOD)).expect("good");
    let written = [
        "'110105 19491231 002x",
        "扎西·多吉",
        "女性",
        "ZA",
        "1949年12月31日",
        "四川省甘孜州康定市",
        "示范路1号",
        "+86 199-0000-1234",
        "虚构小学",
        "居民身份证",
        "2020/1/1 0:00",
        "中国",
    ];
    assert!(checks().check(&row(&written)).expect("good") == plain);
    let full_width = [
        "１１０１０５１９４９１２３１００２Ｘ",
        "扎西·多吉",
        "２",
        "０４",
        "１９４９１２３１",
        "５１３３０１００１",
        "\t示范路1号",
        "=\"19900001234\"",
        "虚构小学",
        "０１",
        "",
        "156",
    ];
    assert!(checks().check(&row(&full_width)).expect("good") == plain);
}

#[test]
fn what_may_be_empty_may_be_empty_in_many_ways() {
    for nothing in ["", "无", "-", "/", "NULL", "#N/A", "  "] {
        let mut cells = GOOD;
        (cells[6], cells[7], cells[8], cells[9], cells[10]) = (nothing, nothing, nothing, nothing, nothing);
        let details = checks().check(&row(&cells)).expect("good");
        assert_eq!((details.address.as_str(), details.phone.as_str(), details.employer.as_str()), ("", "", ""));
    }
}

#[test]
fn a_line_end_inside_an_address_is_a_blank() {
    let mut cells = GOOD;
    cells[6] = "示范路1号\r\n  2单元";
    assert_eq!(checks().check(&row(&cells)).expect("good").address, "示范路1号 2单元");
    assert_eq!(codes(&[(1, "扎\n西")]), [Code::ControlCharacter]);
}

#[test]
fn without_its_column_a_value_comes_from_the_number_or_stays_unknown() {
    let checks = checks_of(&[Column::Name, Column::Number]);
    let stranger = checks.check(&row(&["扎西", "11010519491231002X"])).expect("good");
    assert_eq!((stranger.sex.as_str(), stranger.birth_date.as_str()), ("2", "19491231"));
    assert_eq!((stranger.ethnic_group.as_str(), stranger.region.as_str()), ("", ""));
    let body = "51332219900101001";
    let mut numbers = "0123456789X".chars().map(|c| format!("{body}{c}"));
    let number = numbers.find(|number| Number::parse(number).is_ok()).expect("one fits");
    assert_eq!(checks.check(&row(&["扎西", &number])).expect("good").region, "513322");
}

#[test]
fn a_file_speaks_of_its_columns_and_of_what_the_number_tells() {
    let said: Vec<Field> = checks_of(&[Column::Number, Column::Name, Column::Phone]).fields().iter().collect();
    assert_eq!(said, [Field::Name, Field::Sex, Field::BirthDate, Field::Phone, Field::Certificate]);
    let all_but_two = Field::ALL
        .into_iter()
        .filter(|field| ![Field::Alive, Field::NameScript].contains(field))
        .fold(Fields::NONE, Fields::with);
    assert_eq!(checks().fields(), all_but_two);
}
