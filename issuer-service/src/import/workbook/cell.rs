//! One cell of a sheet: its column, its kind, the text that its value stands for.
//!
//! Source: ECMA-376 part 1, 18.3.1.4 (c), 18.18.11 (ST_CellType), 18.8.30 (numFmt), 18.17.4 (dates), 22.9.2.19 (ST_Xstring).
//! Owns: numbers written out, days counted from 1900 or 1904 as dates. Never: guesses that a number is a date.

use std::collections::BTreeSet;

use time::{Date, Duration, Month};

use crate::import::fault::Code;
use crate::import::table::Cell;

/// Digits that a spreadsheet keeps of a number: a longer one has lost some, and is shown as the power that it is.
const EXACT_MAX: f64 = 1e15;

/// What kind of value a cell has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Shared,
    Inline,
    /// Text that a formula gave, an error, a date in ISO 8601, a truth value.
    Text,
    Boolean,
}

impl Kind {
    /// Of the attribute `t`.
    pub(super) fn of(attribute: Option<&str>) -> Option<Self> {
        match attribute {
            None | Some("n") => Some(Self::Number),
            Some("s") => Some(Self::Shared),
            Some("inlineStr") => Some(Self::Inline),
            Some("str" | "e" | "d") => Some(Self::Text),
            Some("b") => Some(Self::Boolean),
            Some(_) => None,
        }
    }
}

/// From which day a style counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateSystem {
    From1900,
    From1904,
}

/// Which styles of cells show dates.
#[derive(Debug)]
pub(super) struct Styles {
    system: DateSystem,
    formats: BTreeSet<u32>,
    dates: Vec<bool>,
}

impl Styles {
    pub(super) const fn new(from_1904: bool) -> Self {
        let system = if from_1904 { DateSystem::From1904 } else { DateSystem::From1900 };
        Self { system, formats: BTreeSet::new(), dates: Vec::new() }
    }

    /// A format of the workbook's own.
    pub(super) fn add_format(&mut self, id: u32, code: &str) {
        if shows_a_date(code) {
            self.formats.insert(id);
        }
    }

    /// The next style, which uses a format.
    pub(super) fn add_style(&mut self, format: u32) {
        let built_in = matches!(format, 14..=17 | 22 | 27..=36 | 50..=58);
        self.dates.push(built_in || self.formats.contains(&format));
    }

    /// How a style counts days, if it shows dates.
    pub(super) fn date_system(&self, style: usize) -> Option<DateSystem> {
        self.dates.get(style).copied().unwrap_or(false).then_some(self.system)
    }
}

/// Whether a format shows day or year, outside of quoted text, brackets and escapes.
fn shows_a_date(code: &str) -> bool {
    let (mut quoted, mut bracket, mut characters) = (false, false, code.chars());
    while let Some(character) = characters.next() {
        match character {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '[' => bracket = true,
            ']' => bracket = false,
            _ if bracket => {}
            '\\' | '_' | '*' => {
                characters.next();
            }
            'y' | 'Y' | 'd' | 'D' => return true,
            _ => {}
        }
    }
    false
}

/// Place of a cell like `AB12`, from 0; `None` when it is none.
pub(super) fn column_of(place: &str) -> Option<usize> {
    let letters = place.trim_end_matches(|c: char| c.is_ascii_digit());
    if letters.is_empty() || letters.len() > 3 || letters.len() == place.len() {
        return None;
    }
    let mut column = 0;
    for letter in letters.bytes() {
        if !letter.is_ascii_uppercase() {
            return None;
        }
        column = column * 26 + usize::from(letter - b'A') + 1;
    }
    Some(column - 1)
}

/// The text of an ST_Xstring: `_x4E00_` stands for the UTF-16 unit of this number, `_x005F_` for the line before such letters. What is
/// no writing, a line end above all, is a blank.
pub(super) fn written_out(text: &str) -> String {
    let (mut units, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some(first) = rest.chars().next() {
        if let Some((unit, after)) = escape(rest) {
            let control = char::from_u32(u32::from(unit)).is_some_and(char::is_control);
            units.push(if control { u16::from(b' ') } else { unit });
            rest = after;
            continue;
        }
        units.extend_from_slice(first.encode_utf16(&mut [0; 2]));
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
    }
    String::from_utf16_lossy(&units)
}

/// The UTF-16 unit that a text begins with as an escape, and what follows.
fn escape(text: &str) -> Option<(u16, &str)> {
    let (digits, after) = text.strip_prefix("_x")?.split_at_checked(4)?;
    let unit = digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?;
    Some((unit?, after.strip_prefix('_')?))
}

/// The text of a value.
pub(super) fn value(kind: Kind, text: String, dates: Option<DateSystem>) -> Cell {
    if text.is_empty() {
        return Ok(text);
    }
    if kind == Kind::Text {
        return Ok(written_out(&text));
    }
    if kind != Kind::Number {
        return Err(Code::NotValue);
    }
    let number: f64 = text.trim().parse().map_err(|_| Code::Undecodable)?;
    if let Some(date) = dates.and_then(|system| date(number, system)) {
        return Ok(date);
    }
    if number.fract() == 0.0 && number.abs() < EXACT_MAX {
        return Ok(format!("{number:.0}"));
    }
    // Fractions as written; powers as powers, whatever the writer made of them.
    if number.abs() >= EXACT_MAX { Ok(format!("{number:E}")) } else { Ok(text) }
}

/// A count of days as `YYYY-MM-DD`; the system of 1900 has a 29 February 1900, number 60, that never was.
fn date(number: f64, system: DateSystem) -> Option<String> {
    if !(0.0..3_000_000.0).contains(&number) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "below three million, see above")]
    let days = number.trunc() as i64;
    let start = |year, month, day| Date::from_calendar_date(year, month, day).ok();
    let (start, days) = match (system, days) {
        (DateSystem::From1904, _) => (start(1904, Month::January, 1)?, days),
        (DateSystem::From1900, 60) => return None,
        (DateSystem::From1900, 0..60) => (start(1899, Month::December, 31)?, days),
        (DateSystem::From1900, _) => (start(1899, Month::December, 30)?, days),
    };
    let date = start.checked_add(Duration::days(days))?;
    Some(format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_in_letters() {
        for (place, column) in [("A1", Some(0)), ("Z9", Some(25)), ("AA10", Some(26)), ("XFD1048576", Some(16_383))] {
            assert_eq!(column_of(place), column, "{place}");
        }
        for place in ["", "1", "A", "a1", "ABCD1", "A1B"] {
            assert_eq!(column_of(place), None, "{place}");
        }
    }

    #[test]
    fn days_become_dates_in_both_systems() {
        // ECMA-376 18.17.4.1: serial 1 is 1 January 1900; 60 is the day that never was.
        for (number, date_1900, date_1904) in [
            (1.0, Some("1900-01-01"), Some("1904-01-02")),
            (59.0, Some("1900-02-28"), Some("1904-02-29")),
            (60.0, None, Some("1904-03-01")),
            (61.0, Some("1900-03-01"), Some("1904-03-02")),
            (32_874.75, Some("1990-01-01"), Some("1994-01-02")),
            (-1.0, None, None),
            (f64::NAN, None, None),
        ] {
            assert_eq!(date(number, DateSystem::From1900).as_deref(), date_1900, "{number}");
            assert_eq!(date(number, DateSystem::From1904).as_deref(), date_1904, "{number}");
        }
    }

    #[test]
    fn a_number_that_lost_digits_says_so() {
        let number = |text: &str| value(Kind::Number, text.to_owned(), None);
        assert_eq!(number("1"), Ok("1".to_owned()));
        assert_eq!(number("1.9900001234E10"), Ok("19900001234".to_owned()));
        assert_eq!(number("513301199001010000"), Ok("5.1330119900101E17".to_owned()));
        assert_eq!(number("1.5"), Ok("1.5".to_owned()));
        assert_eq!(number("x"), Err(Code::Undecodable));
        assert_eq!(value(Kind::Boolean, "1".to_owned(), None), Err(Code::NotValue));
    }

    #[test]
    fn formats_with_day_or_year_are_dates() {
        for code in ["yyyy-mm-dd", "yyyy\"年\"m\"月\"d\"日\"", "[$-804]yyyy/m/d", "dd.mm.yy"] {
            assert!(shows_a_date(code), "{code}");
        }
        for code in ["0", "General", "0.00\"day\"", "[Red]0", "@", "\\d0", "h:mm"] {
            assert!(!shows_a_date(code), "{code}");
        }
    }

    #[test]
    fn escapes_of_a_workbook_are_written_out() {
        for (text, written) in [
            ("康定市_x000D_炉城镇1号", "康定市 炉城镇1号"),
            ("_x4E00__xD842__xDFB7_", "一\u{20BB7}"),
            ("a_x005F_x000D_b", "a_x000D_b"),
            ("_x00_x000_ _xGGGG_ _x000D", "_x00_x000_ _xGGGG_ _x000D"),
            ("_xD842_", "\u{FFFD}"),
            ("扎西_", "扎西_"),
        ] {
            assert_eq!(written_out(text), written, "{text}");
        }
    }
}
