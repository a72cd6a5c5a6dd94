//! The checks of one row: values become a person's details, or every fault at once.
//!
//! Source: GB 11643, GB/T 2260, GB/T 2261.1, GB/T 3304; lengths of items 09, 4E, 21, 28, 2E of the card.
//! Owns: which column is checked how, and what is compared across columns. Never: looks into the registry.

use card_core::security::CityCode;
use card_profiles::text::encode_text;
use time::Date;

use super::fault::{Code, Fault, masked};
use super::header::Column;
use super::table::{Row, RowFault};
use crate::clock;
use crate::person::name::{self, NameFault};
use crate::person::number::{Number, NumberFault};
use crate::person::{Details, code};

/// Bytes of item 21 常住户口所在地地址.
const ADDRESS_BYTES_MAX: usize = 80;
/// Bytes of item 2E 单位名称.
const EMPLOYER_BYTES_MAX: usize = 70;
/// Nobody born before this year is alive.
const BIRTH_YEAR_MIN: i32 = 1900;

/// The checks for a file with these columns.
#[derive(Debug)]
pub struct Checks {
    columns: Vec<Column>,
    city: CityCode,
    today: Date,
}

/// The faults of one row while it is looked at.
struct Faults<'a> {
    checks: &'a Checks,
    row: u64,
    found: Vec<Fault>,
}

impl Checks {
    /// For a table with these columns, of people of this prefecture.
    #[must_use]
    pub fn new(columns: &[Column], city: CityCode) -> Self {
        Self { columns: columns.to_vec(), city, today: clock::today() }
    }

    /// Checks a row.
    ///
    /// # Errors
    /// All of its faults, at least one.
    pub fn check(&self, row: &Row) -> Result<Details, Vec<Fault>> {
        let mut faults = Faults { checks: self, row: row.line, found: Vec::new() };
        let cells = match &row.cells {
            Ok(cells) => cells,
            Err(fault) => {
                let code = match *fault {
                    RowFault::Cells(found, expected) => Code::CellCount(found, expected),
                    RowFault::Quote => Code::QuoteOpen,
                    RowFault::TooLong => Code::RowTooLong,
                };
                faults.found.push(Fault { row: row.line, column: None, code, value: "".into() });
                return Err(faults.found);
            }
        };
        // A cell whose bytes are no text is reported once and counts as empty from then on.
        for (column, _) in self.columns.iter().zip(cells).filter(|(_, cell)| cell.is_none()) {
            faults.add(*column, Code::Undecodable, "");
        }
        let text = |column: Column| {
            let place = self.columns.iter().position(|known| *known == column);
            place.and_then(|place| cells.get(place)).and_then(Option::as_deref).unwrap_or_default().trim()
        };
        let details = faults.details(&text);
        if faults.found.is_empty() { Ok(details) } else { Err(faults.found) }
    }

    /// A fault of the number of a row that is otherwise right.
    #[must_use]
    pub fn number_fault(&self, row: u64, code: Code, number: &str) -> Fault {
        Fault { row, column: self.place(Column::Number), code, value: masked(number) }
    }

    fn place(&self, column: Column) -> Option<usize> {
        self.columns.iter().position(|known| *known == column)
    }
}

impl Faults<'_> {
    fn details<'t>(&mut self, text: &impl Fn(Column) -> &'t str) -> Details {
        let number = self.number(text(Column::Number));
        let name_raw = text(Column::Name);
        Details {
            name: self.name(name_raw),
            name_raw: name_raw.to_owned(),
            sex: self.sex(text(Column::Sex), number.as_ref()),
            ethnic_group: self.ethnic_group(text(Column::EthnicGroup)),
            birth_date: self.birth_date(text(Column::BirthDate), number.as_ref()),
            region: self.region(text(Column::Region)),
            address: self.free_text(Column::Address, text(Column::Address), ADDRESS_BYTES_MAX),
            phone: self.phone(text(Column::Phone)),
            employer: self.free_text(Column::Employer, text(Column::Employer), EMPLOYER_BYTES_MAX),
            number: {
                self.certificate(text, number.as_ref());
                number.map(|number| number.as_str().to_owned()).unwrap_or_default()
            },
        }
    }

    fn add(&mut self, column: Column, code: Code, value: &str) {
        let column = self.checks.place(column);
        let undecodable = |fault: &Fault| fault.column == column && fault.code == Code::Undecodable;
        if !self.found.iter().any(undecodable) {
            self.found.push(Fault { row: self.row, column, code, value: masked(value) });
        }
    }

    /// Whether a required cell is filled.
    fn filled(&mut self, column: Column, text: &str) -> bool {
        if text.is_empty() {
            self.add(column, Code::ValueMissing, text);
        }
        !text.is_empty()
    }

    fn number(&mut self, text: &str) -> Option<Number> {
        if !self.filled(Column::Number, text) {
            return None;
        }
        let number = match Number::parse(text) {
            Ok(number) => number,
            Err(faults) => {
                for fault in faults {
                    let code = match fault {
                        NumberFault::Length => Code::NumberLength,
                        NumberFault::Characters => Code::NumberCharacters,
                        NumberFault::Province => Code::NumberProvince,
                        NumberFault::Date => Code::NumberDate,
                        NumberFault::CheckCharacter => Code::NumberCheck,
                    };
                    self.add(Column::Number, code, text);
                }
                return None;
            }
        };
        if number.birth_date > self.checks.today {
            self.add(Column::Number, Code::NumberDateFuture, text);
        }
        if number.birth_date.year() < BIRTH_YEAR_MIN {
            self.add(Column::Number, Code::NumberDateTooEarly, text);
        }
        Some(number)
    }

    fn name(&mut self, text: &str) -> String {
        if begins_a_formula(text) {
            self.add(Column::Name, Code::Formula, text);
            return String::new();
        }
        match name::normalize(text) {
            Ok(name) => name,
            Err(faults) => {
                for fault in faults {
                    let code = match fault {
                        NameFault::Empty => Code::ValueMissing,
                        NameFault::Control => Code::ControlCharacter,
                        NameFault::Character(character) => Code::NameCharacter(character),
                        NameFault::NotEncodable(character) => Code::NotEncodable(character),
                        NameFault::Separator => Code::NameSeparator,
                        NameFault::TooLong => Code::NameTooLong,
                    };
                    self.add(Column::Name, code, text);
                }
                String::new()
            }
        }
    }

    fn sex(&mut self, text: &str, number: Option<&Number>) -> String {
        if !self.filled(Column::Sex, text) {
            return String::new();
        }
        let sex = code::sex(text);
        match (sex, number) {
            (None, _) => self.add(Column::Sex, Code::SexUnknown, text),
            (Some(sex), Some(number)) if number.sex() != sex => self.add(Column::Sex, Code::SexDiffers, text),
            (Some(_), _) => {}
        }
        sex.unwrap_or_default().to_owned()
    }

    fn ethnic_group(&mut self, text: &str) -> String {
        if !self.filled(Column::EthnicGroup, text) {
            return String::new();
        }
        code::ethnic_group(text).unwrap_or_else(|| {
            self.add(Column::EthnicGroup, Code::EthnicGroupUnknown, text);
            String::new()
        })
    }

    fn birth_date(&mut self, text: &str, number: Option<&Number>) -> String {
        if !self.filled(Column::BirthDate, text) {
            return String::new();
        }
        let Some(date) = date(text) else {
            self.add(Column::BirthDate, Code::BirthDateInvalid, text);
            return String::new();
        };
        match number {
            Some(number) if number.birth_date != date => self.add(Column::BirthDate, Code::BirthDateDiffers, text),
            // A future date that agrees with the number is reported there.
            None if date > self.checks.today => self.add(Column::BirthDate, Code::BirthDateFuture, text),
            _ => {}
        }
        clock::compact(date)
    }

    fn region(&mut self, text: &str) -> String {
        if !self.filled(Column::Region, text) {
            return String::new();
        }
        if text.len() != 6 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            self.add(Column::Region, Code::RegionInvalid, text);
        } else if !code::is_county(self.checks.city, text) {
            self.add(Column::Region, Code::RegionUnknown, text);
        }
        text.to_owned()
    }

    fn free_text(&mut self, column: Column, text: &str, bytes_max: usize) -> String {
        if begins_a_formula(text) {
            self.add(column, Code::Formula, text);
        }
        if text.chars().any(char::is_control) {
            self.add(column, Code::ControlCharacter, text);
        }
        match encode_text(text).map(|bytes| bytes.len()) {
            Err(lost) => self.add(column, Code::NotEncodable(lost.character), text),
            Ok(bytes) if bytes > bytes_max => self.add(column, Code::ValueTooLong(bytes, bytes_max), text),
            Ok(_) => {}
        }
        text.to_owned()
    }

    fn phone(&mut self, text: &str) -> String {
        let plain: String = text.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
        let digits = plain.bytes().all(|byte| byte.is_ascii_digit());
        let (mobile, landline) = match plain.as_bytes() {
            [b'1', b'3'..=b'9', ..] => (plain.len() == 11, false),
            [b'0', b'1'..=b'9', ..] => (false, (10..=12).contains(&plain.len())),
            _ => (false, false),
        };
        if !text.is_empty() && !(digits && (mobile || landline)) {
            self.add(Column::Phone, Code::PhoneInvalid, text);
        }
        plain
    }

    fn certificate<'t>(&mut self, text: &impl Fn(Column) -> &'t str, number: Option<&Number>) {
        let kind = text(Column::CertificateType);
        if !kind.is_empty() && kind != "01" {
            let known = code::certificate_type_known(kind);
            let code = if known { Code::CertificateTypeUnsupported } else { Code::CertificateTypeUnknown };
            self.add(Column::CertificateType, code, kind);
        }
        let issued = text(Column::CertificateDate);
        let in_order = date(issued).is_some_and(|issued| {
            issued <= self.checks.today && number.is_none_or(|number| number.birth_date <= issued)
        });
        if !issued.is_empty() && !in_order {
            self.add(Column::CertificateDate, Code::CertificateDateInvalid, issued);
        }
    }
}

/// `20260301`, `2026-03-01`, `2026/3/1`, `2026.3.1`.
fn date(text: &str) -> Option<Date> {
    if let Some(date) = clock::parse_compact(text) {
        return Some(date);
    }
    let separator = text.chars().find(|c| matches!(c, '-' | '/' | '.'))?;
    let parts: Vec<&str> = text.split(separator).collect();
    let [year, month, day] = parts.as_slice() else { return None };
    let plain =
        |part: &str, lengths: &[usize]| lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let shaped = plain(year, &[4]) && plain(month, &[1, 2]) && plain(day, &[1, 2]);
    shaped.then(|| clock::parse_compact(&format!("{year}{month:0>2}{day:0>2}")))?
}

/// CSV injection: what Excel and others take for a formula.
fn begins_a_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 11] = [
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
    ];
    const GOOD: [&str; 11] = [
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
    ];

    fn checks() -> Checks {
        Checks::new(&COLUMNS, CityCode::parse("513300").expect("digits"))
    }

    fn row(cells: &[&str]) -> Row {
        Row { line: 7, cells: Ok(cells.iter().map(|cell| Some((*cell).to_owned())).collect()) }
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
            (cells[1], cells[2], cells[3], cells[4], cells[7]) =
                ("扎西•多吉", "女", "藏族", "1949-12-31", "0836-2811234");
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
            (0, "1101O519491231002X", Code::NumberCharacters),
            (0, "", Code::ValueMissing),
            (1, "", Code::ValueMissing),
            (1, "王?明", Code::NameCharacter('?')),
            (1, "王䶮", Code::NotEncodable('䶮')),
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
            (6, "㐂路", Code::NotEncodable('㐂')),
            (7, "1990000123", Code::PhoneInvalid),
            (7, "199-电话", Code::PhoneInvalid),
            (9, "99", Code::CertificateTypeUnknown),
            (9, "04", Code::CertificateTypeUnsupported),
            (10, "19491230", Code::CertificateDateInvalid),
            (10, "20990101", Code::CertificateDateInvalid),
        ];
        for (place, value, code) in cases {
            assert_eq!(codes(&[(*place, value)]), [*code], "{value}");
        }
    }

    #[test]
    fn all_faults_of_a_row_come_at_once() {
        let found =
            codes(&[(0, "110105194902300021"), (1, "李2静"), (2, "x"), (3, "99"), (4, "x"), (5, "x"), (7, "x")]);
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
        let mut cells: Vec<Option<String>> = GOOD.iter().map(|cell| Some((*cell).to_owned())).collect();
        cells[1] = None;
        let faults = checks().check(&Row { line: 3, cells: Ok(cells) }).expect_err("faulty");
        assert_eq!(
            faults.iter().map(|fault| (fault.row, fault.column, fault.code)).collect::<Vec<_>>(),
            [(3, Some(1), Code::Undecodable)]
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
}
