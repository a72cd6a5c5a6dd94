//! Dates as bureaus write them.
//!
//! Owns: which spellings of a date are understood. Never: guesses a century, or which of two numbers is the month.

use time::Date;

use crate::clock;

/// Why a text is no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateFault {
    /// Not a date, or no such day.
    Form,
    /// A spreadsheet's count of days since 1900: `29587`.
    Serial,
}

/// `19810101`, `1981-01-01`, `1981/1/1`, `1981.1.1`, `1981年1月1日`, each also with a midnight behind it.
///
/// # Errors
/// [`DateFault`].
pub fn read(text: &str) -> Result<Date, DateFault> {
    if let Some(date) = clock::parse_compact(text) {
        return Ok(date);
    }
    let squeezed: Option<String> = text.contains('年').then(|| text.split_whitespace().collect());
    let day = without_midnight(squeezed.as_deref().unwrap_or(text));
    if (4..=5).contains(&day.len()) && day.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DateFault::Serial);
    }
    clock::parse_compact(day).or_else(|| parts(day)).ok_or(DateFault::Form)
}

fn without_midnight(text: &str) -> &str {
    match text.split_once([' ', 'T']) {
        Some((day, time)) if time.contains(':') && time.chars().all(|c| matches!(c, '0' | ':' | '.' | 'Z')) => day,
        _ => text,
    }
}

fn parts(text: &str) -> Option<Date> {
    let marks = ['-', '/', '.', '年'];
    let separator = text.chars().find(|c| marks.contains(c))?;
    let (year, rest) = text.split_once(separator)?;
    let (month, day) = if separator == '年' {
        let (month, day) = rest.split_once('月')?;
        (month, day.strip_suffix(['日', '号'])?)
    } else {
        rest.split_once(separator)?
    };
    let plain =
        |part: &str, lengths: &[usize]| lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let shaped = plain(year, &[4]) && plain(month, &[1, 2]) && plain(day, &[1, 2]);
    shaped.then(|| clock::parse_compact(&format!("{year}{month:0>2}{day:0>2}")))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_the_same_however_it_is_written() {
        for text in [
            "19810102",
            "1981-01-02",
            "1981/1/2",
            "1981.01.02",
            "1981年1月2日",
            "1981 年 01 月 02 日",
            "1981年1月2号",
            "1981-01-02 00:00:00",
            "1981/1/2 0:00",
            "1981-01-02T00:00:00.000Z",
        ] {
            assert_eq!(read(text).map(clock::compact).as_deref(), Ok("19810102"), "{text}");
        }
    }

    #[test]
    fn what_is_no_day_is_not_guessed() {
        for text in [
            "",
            "198101",
            "81/1/2",
            "1/2/1981",
            "1981-02-30",
            "1981年1月",
            "87年3月",
            "1981-01/02",
            "1981-1-2 08:30:00",
            "一九八一年",
        ] {
            assert_eq!(read(text), Err(DateFault::Form), "{text}");
        }
        assert_eq!(read("29587"), Err(DateFault::Serial));
    }
}
