//! The checks of one row: values become a person's details, or every fault at once.
//!
//! Source: GB 11643, GB/T 2260, GB/T 2261.1, GB/T 2659, GB/T 3304; lengths of items 09, 4E, 21, 28, 2E of the card.
//! Owns: which column is checked how, what is compared across columns, what a missing column is made up from.
//! Never: looks into the registry.

use std::borrow::Cow;

use card_core::security::CityCode;
use time::Date;

use super::column::Column;
use super::fault::{Code, Fault, masked};
use super::table::{Layout, Row};
use crate::clock;
use crate::person::certificate::{self, Certificate, CertificateFault, Kind};
use crate::person::code::{self, Counties, RegionFault};
use crate::person::date::{self, DateFault};
use crate::person::field::{Field, Fields};
use crate::person::name::{self, NameFault};
use crate::person::number::{Number, NumberFault};
use crate::person::plain::{is_dash, is_nothing, is_scientific, plain, unwrapped};
use crate::person::rule::PeopleRules;
use crate::person::{Details, phone};

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
    /// Where the cell of each column stands in a row.
    places: [Option<usize>; Column::ALL.len()],
    counties: Counties,
    people: PeopleRules,
    today: Date,
}

/// Who a row is about.
#[derive(Default)]
struct Identity {
    number: Option<Number>,
    /// Of who has no citizen number.
    certificate: Option<Certificate>,
    /// What the row says that was shown.
    kind: Option<Kind>,
}

impl Identity {
    fn is_foreign(&self) -> bool {
        match (&self.certificate, &self.number) {
            (Some(certificate), _) => certificate.is_foreign(),
            (None, Some(_)) => false,
            (None, None) => matches!(self.kind, Some(Kind::Permanent | Kind::Passport)),
        }
    }
}

/// The faults of one row while it is looked at.
struct Faults<'a> {
    checks: &'a Checks,
    row: &'a Row,
    found: Vec<Fault>,
    /// Columns whose cells are no text: reported once, empty from then on. Those that are taken back are empty too.
    broken: Vec<Column>,
}

impl Checks {
    /// For a table of this layout, of people of this prefecture, whom the site registers by these rules.
    #[must_use]
    pub fn new(layout: &Layout, city: CityCode, people: PeopleRules) -> Self {
        Self::of(city, layout.columns.iter().map(|(column, _)| *column).collect(), people)
    }

    fn of(city: CityCode, columns: Vec<Column>, people: PeopleRules) -> Self {
        let places = Column::ALL.map(|column| columns.iter().position(|known| *known == column));
        Self { columns, places, counties: Counties::of(city), people, today: clock::today() }
    }

    /// Checks a row.
    ///
    /// # Errors
    /// All of its faults, at least one.
    pub fn check(&self, row: &Row) -> Result<Details, Vec<Fault>> {
        let mut faults = Faults { checks: self, row, found: Vec::new(), broken: Vec::new() };
        if let Err(fault) = &row.cells {
            let code = Code::from(*fault);
            return Err(vec![Fault { row: row.line, column: None, code, value: "".into() }]);
        }
        faults.look_for_broken_cells();
        let details = faults.details();
        if faults.found.is_empty() { Ok(details) } else { Err(faults.found) }
    }

    /// Fields of which the file says something: those of its columns, and those that the number tells, which the file
    /// could not contradict.
    #[must_use]
    pub fn fields(&self) -> Fields {
        let own = self.columns.iter().filter_map(|column| column.field());
        own.chain([Field::Sex, Field::BirthDate, Field::Certificate]).fold(Fields::NONE, Fields::with)
    }

    /// Fields of which a row takes back what its source said.
    pub fn taken_back(&self, row: &Row) -> Fields {
        let cells = row.cells.as_ref().map_or(&[][..], Vec::as_slice);
        let columns = self.columns.iter().zip(cells).filter(|(_, cell)| **cell == Err(Code::NotTakenBack));
        columns.filter_map(|(column, _)| retractable(*column)).fold(Fields::NONE, Fields::with)
    }

    fn has(&self, column: Column) -> bool {
        self.place(column).is_some()
    }

    fn place(&self, column: Column) -> Option<usize> {
        self.places.get(column as usize).copied().flatten()
    }
}

impl<'a> Faults<'a> {
    fn details(&mut self) -> Details {
        let identity = self.identity();
        let foreign = identity.is_foreign();
        let Identity { number, certificate, .. } = identity;
        let name_raw = self.raw(Column::Name).to_owned();
        let details = Details {
            name: self.name(),
            name_raw,
            sex: self.sex(number.as_ref()),
            ethnic_group: self.ethnic_group(foreign),
            birth_date: self.birth_date(number.as_ref()),
            region: self.region(number.as_ref()),
            address: self.free_text(Column::Address, ADDRESS_BYTES_MAX),
            phone: self.phone(),
            employer: self.free_text(Column::Employer, EMPLOYER_BYTES_MAX),
            number: number.as_ref().map(|number| number.as_str().to_owned()).unwrap_or_default(),
            certificate: certificate.as_ref().map(Certificate::text).unwrap_or_default(),
            alive: self.alive(),
            name_script: self.name_script(),
        };
        self.certificate_date(number.as_ref());
        details
    }

    fn look_for_broken_cells(&mut self) {
        let Ok(cells) = &self.row.cells else { return };
        for (column, cell) in self.checks.columns.iter().zip(cells) {
            let is_stray = |c: char| c.is_control() && !c.is_whitespace();
            let code = match cell {
                Err(Code::NotTakenBack) if retractable(*column).is_some() => {
                    self.broken.push(*column);
                    continue;
                }
                Err(code) => *code,
                Ok(text) if !may_have_control(text) => continue,
                Ok(text) if text.contains(is_stray) => Code::ControlCharacter,
                Ok(_) => continue,
            };
            self.add(*column, code, cell.as_deref().unwrap_or_default());
            self.broken.push(*column);
        }
    }

    /// The cell as written, without what stands around its value; empty when it says "nothing".
    fn raw(&self, column: Column) -> &'a str {
        let (row, place) = (self.row, self.checks.place(column));
        let cells = row.cells.as_ref().map_or(&[][..], Vec::as_slice);
        let cell = place.and_then(|place| cells.get(place)).and_then(|cell| cell.as_deref().ok());
        let text = cell.filter(|_| !self.broken.contains(&column)).map_or("", unwrapped);
        if is_nothing(text) { "" } else { text }
    }

    /// The value of a cell that must be filled; `None` when it is not, which is a fault, or when there is no such column.
    fn required(&mut self, column: Column) -> Option<Cow<'a, str>> {
        let text = plain(self.raw(column));
        if text.is_empty() && self.checks.has(column) {
            self.add(column, Code::ValueMissing, "");
        }
        Some(text).filter(|text| !text.is_empty())
    }

    /// The value of a cell that may be empty.
    fn optional(&self, column: Column) -> Cow<'a, str> {
        let text = plain(self.raw(column));
        if is_dash(&text) { Cow::Borrowed("") } else { text }
    }

    fn add(&mut self, column: Column, code: Code, value: &str) {
        if !self.broken.contains(&column) {
            self.found.push(Fault { row: self.row.line, column: Some(column), code, value: masked(value) });
        }
    }

    /// The number by which a person is registered: the one that the row has, or the one made from a certificate of who has none.
    fn identity(&mut self) -> Identity {
        let kind = self.kind();
        let nationality = self.nationality();
        let nobody = Identity { kind, ..Identity::default() };
        let Some(text) = self.required(Column::Number) else { return nobody };
        // Letters that are another state's than the row says begin a document, not a number made from one.
        let is_own = |number: &Number| {
            let letters = number.made_from().map(|(letters, _)| letters);
            letters.is_none_or(|letters| kind != Some(Kind::Passport) || nationality.is_none_or(|said| said == letters))
        };
        let read = Number::read(&text);
        match (read.and_then(|number| if is_own(&number) { Ok(number) } else { Err(Vec::new()) }), kind) {
            // Whatever was shown: a number that keeps to GB 11643 is a citizen's, and by it a person is registered.
            (Ok(number), _) => self.numbered(number, &text, kind, nationality),
            (Err(_), Some(kind)) if kind != Kind::Citizen => self.certified(kind, &text, nationality),
            (Err(faults), _) => {
                self.number_faults(faults, &text);
                nobody
            }
        }
    }

    fn number_faults(&mut self, faults: Vec<NumberFault>, text: &str) {
        for fault in faults {
            let code = match fault {
                NumberFault::Length if text.len() == 15 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                    Code::NumberOld
                }
                NumberFault::Length => Code::NumberLength,
                NumberFault::Characters => Code::NumberCharacters,
                NumberFault::Province => Code::NumberProvince,
                NumberFault::Date => Code::NumberDate,
                NumberFault::CheckCharacter => Code::NumberCheck,
                NumberFault::Scientific => Code::ScientificNotation,
                NumberFault::Rounded => Code::DigitsRounded,
            };
            self.add(Column::Number, code, text);
        }
    }

    /// Of a number that is one.
    fn numbered(
        &mut self,
        number: Number,
        text: &str,
        kind: Option<Kind>,
        nationality: Option<&'static str>,
    ) -> Identity {
        if number.birth_date.is_some_and(|date| date > self.checks.today) {
            self.add(Column::Number, Code::NumberDateFuture, text);
        }
        if number.birth_date.is_some_and(|date| date.year() < BIRTH_YEAR_MIN) {
            self.add(Column::Number, Code::NumberDateTooEarly, text);
        }
        let certificate = Certificate::of_number(&number, kind);
        if let Some(certificate) = &certificate {
            if !self.checks.people.certificates.has(certificate.kind) {
                self.add(Column::Number, Code::CertificateTypeUnsupported, text);
            }
            if nationality.is_some_and(|said| !certificate.may_be_of(said)) {
                let said = self.optional(Column::Nationality);
                self.add(Column::Nationality, Code::NationalityDiffers, &said);
            }
        }
        Identity { number: Some(number), certificate, kind }
    }

    /// Of the number of a certificate.
    fn certified(&mut self, kind: Kind, text: &str, nationality: Option<&'static str>) -> Identity {
        let nobody = Identity { kind: Some(kind), ..Identity::default() };
        if !self.checks.people.certificates.has(kind) {
            let said = self.optional(Column::CertificateType);
            self.add(Column::CertificateType, Code::CertificateTypeUnsupported, &said);
            return nobody;
        }
        if is_scientific(text) {
            self.add(Column::Number, Code::ScientificNotation, text);
            return nobody;
        }
        match Certificate::read(kind, text, nationality) {
            Ok(certificate) => {
                Identity { number: Some(certificate.social_number()), certificate: Some(certificate), kind: Some(kind) }
            }
            Err(fault) => {
                let said = self.optional(Column::Nationality);
                match fault {
                    CertificateFault::Form => self.add(Column::Number, Code::CertificateNumber(kind), text),
                    // One that is said and not known is told already.
                    CertificateFault::NationalityMissing if !said.is_empty() => {}
                    CertificateFault::NationalityMissing => self.add(Column::Nationality, Code::ValueMissing, ""),
                    CertificateFault::NationalityDiffers => {
                        self.add(Column::Nationality, Code::NationalityDiffers, &said);
                    }
                }
                nobody
            }
        }
    }

    fn kind(&mut self) -> Option<Kind> {
        let text = self.optional(Column::CertificateType);
        let kind = code::certificate_type(&text).and_then(Kind::of_code);
        if kind.is_none() && !text.is_empty() {
            self.add(Column::CertificateType, Code::CertificateTypeUnknown, &text);
        }
        kind
    }

    fn nationality(&mut self) -> Option<&'static str> {
        let text = self.optional(Column::Nationality);
        let found = certificate::nationality(&text);
        if found.is_none() && !text.is_empty() {
            self.add(Column::Nationality, Code::NationalityUnknown, &text);
        }
        found
    }

    fn name(&mut self) -> String {
        let text = self.raw(Column::Name);
        if begins_a_formula(text) {
            self.add(Column::Name, Code::Formula, text);
            return String::new();
        }
        let name = name::normalize(text);
        self.named(Column::Name, name, text)
    }

    fn name_script(&mut self) -> String {
        let text = self.raw(Column::NameScript);
        if text.trim().is_empty() || is_dash(text) {
            return String::new();
        }
        let name = name::in_own_script(text);
        self.named(Column::NameScript, name, text)
    }

    /// A name, or nothing and what is wrong with it.
    fn named(&mut self, column: Column, name: Result<String, Vec<NameFault>>, text: &str) -> String {
        name.unwrap_or_else(|faults| {
            for fault in faults {
                let code = match fault {
                    NameFault::Empty => Code::ValueMissing,
                    NameFault::Control => Code::ControlCharacter,
                    NameFault::Character(character) => Code::NameCharacter(character),
                    NameFault::NotEncodable(character) => Code::NotEncodable(character),
                    NameFault::Separator => Code::NameSeparator,
                    NameFault::TooLong => Code::NameTooLong,
                };
                self.add(column, code, text);
            }
            String::new()
        })
    }

    fn sex(&mut self, number: Option<&Number>) -> String {
        let in_number = number.and_then(Number::sex);
        let Some(text) = self.required(Column::Sex) else {
            self.untold(Column::Sex, number.is_some() && in_number.is_none());
            return in_number.unwrap_or_default().to_owned();
        };
        let sex = code::sex(&text);
        match (sex, in_number) {
            (None, _) => self.add(Column::Sex, Code::SexUnknown, &text),
            (Some(sex), Some(in_number)) if in_number != sex => self.add(Column::Sex, Code::SexDiffers, &text),
            (Some(_), _) => {}
        }
        sex.unwrap_or_default().to_owned()
    }

    /// A fault when a value stands nowhere: there is no such column, and the number does not tell it.
    fn untold(&mut self, column: Column, missing: bool) {
        if missing && !self.checks.has(column) {
            self.add(column, Code::ValueMissing, "");
        }
    }

    /// Foreigners have none, unless the row says so.
    fn ethnic_group(&mut self, foreign: bool) -> String {
        if foreign && self.optional(Column::EthnicGroup).is_empty() {
            return String::new();
        }
        let Some(text) = self.required(Column::EthnicGroup) else { return String::new() };
        code::ethnic_group(&text).unwrap_or_else(|| {
            self.add(Column::EthnicGroup, Code::EthnicGroupUnknown, &text);
            String::new()
        })
    }

    fn birth_date(&mut self, number: Option<&Number>) -> String {
        let in_number = number.and_then(|number| number.birth_date);
        let Some(text) = self.required(Column::BirthDate) else {
            self.untold(Column::BirthDate, number.is_some() && in_number.is_none());
            return in_number.map(clock::compact).unwrap_or_default();
        };
        let date = match date::read(&text) {
            Ok(date) => date,
            Err(fault) => {
                let code = match fault {
                    DateFault::Form => Code::BirthDateInvalid,
                    DateFault::Serial => Code::DateSerial,
                };
                self.add(Column::BirthDate, code, &text);
                return String::new();
            }
        };
        match in_number {
            Some(in_number) if in_number != date => self.add(Column::BirthDate, Code::BirthDateDiffers, &text),
            // A future date that agrees with the number is reported there.
            None if date > self.checks.today => self.add(Column::BirthDate, Code::BirthDateFuture, &text),
            _ => {}
        }
        clock::compact(date)
    }

    /// The county of the column; without the column, that of the number if it is one of this prefecture.
    fn region(&mut self, number: Option<&Number>) -> String {
        let Some(text) = self.required(Column::Region) else {
            let in_number = number.and_then(Number::region);
            return in_number.filter(|code| self.checks.counties.has(code)).unwrap_or_default().to_owned();
        };
        match self.checks.counties.read(&text) {
            Ok(county) => county,
            Err(fault) => {
                let code = match fault {
                    RegionFault::Form => Code::RegionInvalid,
                    RegionFault::Unknown => Code::RegionUnknown,
                };
                self.add(Column::Region, code, &text);
                String::new()
            }
        }
    }

    fn free_text(&mut self, column: Column, bytes_max: usize) -> String {
        let raw = self.raw(column);
        // Line ends and tabs inside a cell are layout of the spreadsheet.
        let text = if may_have_control(raw) {
            let lines = raw.split(|c: char| c.is_control()).map(str::trim).filter(|line| !line.is_empty());
            lines.collect::<Vec<_>>().join(" ")
        } else {
            raw.trim().to_owned()
        };
        if text.is_empty() || is_dash(&text) {
            return String::new();
        }
        if begins_a_formula(&text) {
            self.add(column, Code::Formula, &text);
        }
        if let Some(lost) = text.chars().find(|character| name::is_no_writing(*character)) {
            self.add(column, Code::NotEncodable(lost), &text);
        }
        let bytes = name::gbk_length(&text);
        if bytes > bytes_max {
            self.add(column, Code::ValueTooLong(bytes, bytes_max), &text);
        }
        text
    }

    fn phone(&mut self) -> String {
        let text = self.optional(Column::Phone);
        if text.is_empty() {
            return String::new();
        }
        phone::read(&text).unwrap_or_else(|| {
            let code = if is_scientific(&text) { Code::ScientificNotation } else { Code::PhoneInvalid };
            self.add(Column::Phone, code, &text);
            String::new()
        })
    }

    fn alive(&mut self) -> String {
        let text = self.optional(Column::Alive);
        if text.is_empty() {
            return String::new();
        }
        let code = code::alive(&text);
        if code.is_none() {
            self.add(Column::Alive, Code::AliveUnknown, &text);
        }
        code.unwrap_or_default().to_owned()
    }

    fn certificate_date(&mut self, number: Option<&Number>) {
        let issued = self.optional(Column::CertificateDate);
        if issued.is_empty() {
            return;
        }
        let born_by = |date: Date| number.and_then(|number| number.birth_date).is_none_or(|birth| birth <= date);
        match date::read(&issued) {
            Ok(date) if date <= self.checks.today && born_by(date) => {}
            Err(DateFault::Serial) => self.add(Column::CertificateDate, Code::DateSerial, &issued),
            Ok(_) | Err(DateFault::Form) => self.add(Column::CertificateDate, Code::CertificateDateInvalid, &issued),
        }
    }
}

/// Whether one of its bytes is that of a control character, or begins one and many others besides.
fn may_have_control(text: &str) -> bool {
    text.bytes().any(|byte| byte < b' ' || matches!(byte, 0x7F | 0xC2))
}

/// The field of a column, when a person can be without it.
fn retractable(column: Column) -> Option<Field> {
    column.field().filter(|field| Field::RETRACTABLE.contains(field))
}

/// CSV injection: what Excel and others take for a formula.
fn begins_a_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
#[path = "check/tests.rs"]
mod tests;
