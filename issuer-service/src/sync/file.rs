//! Files to the holder registry and its answers: lines of cells with a `|` behind each, GB 18030, LF.
//!
//! ```text
//! CK_513300_2026112200000001.txt           CKR_513300_2026112200000001.txt
//! CK|1|513300|2026112200000001|2|SHA-256|  CKR|1|513300|2026112200000001|2|SHA-256|
//! 7|state|12|…|20261122093000|             7|0||
//! 9|data|3|…|20261122093105|               9|A03|姓名与公安不一致|
//! ```
//!
//! Source: assumed: no layout is published; header count and digest as versioned exchange files have them; national item codes
//! in [`COLUMNS`]. The digest is over the bytes of all rows. Result `0` means accepted; any other is a refusal.
//! Owns: both layouts, reading an answer strictly. Never: the database; a row without its line end.

use std::collections::BTreeMap;

use super::Entry;
use crate::card::Card;
use crate::card::state::LifeState;
use crate::clock;
use crate::exchange::charset::Charset;
use crate::exchange::fault::{Code, Faults};
use crate::exchange::sha256;
use crate::person::Details;

/// What a row says, in order.
pub const COLUMNS: [&str; 19] = [
    "sequence",
    "event",
    "AAC001",
    "AAC002",
    "AAC003",
    "AAC004",
    "AAC005",
    "AAC006",
    "AAB301",
    "AAE006",
    "AAE005",
    "AAZ500",
    "AAZ501",
    "AAZ502",
    "issue_date",
    "valid_until",
    "old_AAZ500",
    "blacklisted",
    "at",
];

const CHARSET: Charset = Charset::Gb18030;
const LAYOUT: &str = "1";
/// Bytes of an answer for each row sent, and for its head.
const ROW_BYTES_MAX: u64 = 1_024;
/// Characters of the registry's words.
const WORDS_MAX: usize = 200;

/// Who tells whom, in which task.
#[derive(Clone, Copy, Debug)]
pub struct Heading<'a> {
    /// City code.
    pub city: &'a str,
    /// 任务号.
    pub task: &'a str,
}

/// What the registry says of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Sequence of the entry.
    pub sequence: i64,
    /// `0`, or the code of a refusal.
    pub result: String,
    /// Its words.
    pub words: String,
}

impl Answer {
    /// Whether the registry has taken it.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.result == "0"
    }
}

impl Heading<'_> {
    /// Name of the file to the registry.
    #[must_use]
    pub fn name(&self) -> String {
        format!("CK_{}_{}.txt", self.city, self.task)
    }

    /// The whole file.
    #[must_use]
    pub fn file(&self, rows: &[Vec<u8>]) -> Vec<u8> {
        [self.head("CK", rows.len(), &rows.concat()).into_bytes(), rows.concat()].concat()
    }

    fn head(&self, kind: &str, count: usize, rows: &[u8]) -> String {
        format!("{kind}|{LAYOUT}|{}|{}|{count}|{}|\n", self.city, self.task, sha256(rows))
    }
}

/// The row of an entry; none when a cell holds what cannot stand in it, with the title of that column.
///
/// # Errors
/// The title.
pub fn row(entry: &Entry, card: &Card, person: &Details) -> Result<Vec<u8>, &'static str> {
    let state = LifeState::of_name(&entry.card_state).map(|state| state.code().to_string()).unwrap_or_default();
    let at = clock::china_date_time(&entry.at).map(|at| at.to_string()).unwrap_or_default();
    let cells: [&str; 19] = [
        &entry.sequence.to_string(),
        entry.event.name(),
        &card.person.to_string(),
        &person.number,
        &person.name,
        &person.sex,
        &person.ethnic_group,
        &person.birth_date,
        &person.region,
        &person.address,
        &person.phone,
        &card.card_number,
        &card.card_identifier.to_string(),
        &state,
        &card.issue_date,
        &card.valid_until,
        entry.old_card.as_deref().unwrap_or_default(),
        if entry.listed { "1" } else { "0" },
        &at,
    ];
    let mut row = Vec::new();
    for (cell, title) in cells.into_iter().zip(COLUMNS) {
        if cell.contains('|') {
            return Err(title);
        }
        row.extend(CHARSET.encode(cell).map_err(|_| title)?);
        row.push(b'|');
    }
    row.push(b'\n');
    Ok(row)
}

/// The task that the name of an answer says; none when it is no such name.
#[must_use]
pub fn task_of<'a>(name: &'a str, city: &str) -> Option<&'a str> {
    let task = name.strip_prefix("CKR_")?.strip_prefix(city)?.strip_prefix('_')?.strip_suffix(".txt")?;
    (task.len() == 16 && task.bytes().all(|byte| byte.is_ascii_digit())).then_some(task)
}

/// The most bytes of an answer to so many rows.
#[must_use]
pub const fn bytes_max(rows: u64) -> u64 {
    rows.saturating_add(1).saturating_mul(ROW_BYTES_MAX)
}

/// Reads an answer to a file with these entries, which it must answer each once, in their order.
///
/// # Errors
/// All [`Faults`].
pub fn read(heading: Heading<'_>, sent: &[i64], bytes: &[u8]) -> Result<Vec<Answer>, Faults> {
    let whole = |code| Err(Faults::of_file(code));
    if bytes.is_empty() {
        return whole(Code::Empty);
    }
    if bytes.last() != Some(&b'\n') {
        return whole(Code::CutOff);
    }
    if bytes.contains(&b'\r') {
        return whole(Code::LineEnds);
    }
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let head = lines.next().unwrap_or_default();
    let rows: Vec<&[u8]> = lines.collect();
    let mut faults = Faults::default();
    if head != heading.head("CKR", rows.len(), &rows.concat()).as_bytes() {
        faults.add(1, None, Code::Head);
    }
    if rows.len() != sent.len() {
        faults.add(1, None, Code::Count);
    }
    let place: BTreeMap<i64, usize> = sent.iter().copied().zip(0..).collect();
    let mut answers: BTreeMap<usize, Answer> = BTreeMap::new();
    for (row, line) in rows.iter().zip(2..) {
        match answer(row) {
            Err(code) => faults.add(line, None, code),
            Ok(answer) => match place.get(&answer.sequence) {
                None => faults.add(line, Some("sequence"), Code::RowForeign),
                Some(place) if answers.contains_key(place) => faults.add(line, Some("sequence"), Code::RowTwice),
                Some(place) => drop(answers.insert(*place, answer)),
            },
        }
    }
    if faults.is_empty() && answers.len() != sent.len() {
        faults.add(0, None, Code::RowMissing);
    }
    if faults.is_empty() { Ok(answers.into_values().collect()) } else { Err(faults) }
}

fn answer(row: &[u8]) -> Result<Answer, Code> {
    let text = row.strip_suffix(b"\n").and_then(|row| CHARSET.decode(row)).ok_or(Code::Encoding)?;
    let cells: Vec<&str> = text.split('|').collect();
    let [sequence, result, words, ""] = cells.as_slice() else { return Err(Code::Shape) };
    let is_code = (1..=8).contains(&result.len()) && result.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_code || words.chars().count() > WORDS_MAX {
        return Err(Code::Result);
    }
    let number = sequence.parse().ok().filter(|number: &i64| number.to_string() == *sequence);
    let sequence = number.ok_or(Code::RowForeign)?;
    Ok(Answer { sequence, result: (*result).to_owned(), words: (*words).to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: Heading<'_> = Heading { city: "513300", task: "2026112200000001" };

    fn file(rows: &str) -> Vec<u8> {
        let rows = CHARSET.codec_for_tests(rows);
        let count = rows.split_inclusive(|byte| *byte == b'\n').count();
        [HEADING.head("CKR", count, &rows).into_bytes(), rows].concat()
    }

    impl Charset {
        fn codec_for_tests(self, text: &str) -> Vec<u8> {
            text.split_inclusive('\n')
                .flat_map(|line| {
                    let mut bytes = self.encode(line.trim_end_matches('\n')).expect("encodable");
                    bytes.extend(line.ends_with('\n').then_some(b'\n'));
                    bytes
                })
                .collect()
        }
    }

    #[test]
    fn an_answer_is_taken_whole_in_the_order_sent() {
        let answers = read(HEADING, &[7, 9], &file("9|A03|姓名不一致|\n7|0||\n")).expect("taken");
        assert_eq!(answers.iter().map(|answer| answer.sequence).collect::<Vec<_>>(), [7, 9]);
        assert!(answers[0].accepted() && !answers[1].accepted());
        assert_eq!(answers[1].words, "姓名不一致");
    }

    #[test]
    fn whatever_is_not_as_sent_refuses_the_file() {
        let good = file("7|0||\n9|0||\n");
        let code = |bytes: &[u8]| read(HEADING, &[7, 9], bytes).expect_err("refused").listed[0].code;
        assert_eq!(code(b""), Code::Empty);
        assert_eq!(code(&good[..good.len() - 1]), Code::CutOff);
        assert_eq!(code(&String::from_utf8_lossy(&good).replace('\n', "\r\n").into_bytes()), Code::LineEnds);
        for cut in 0..good.len() {
            assert!(read(HEADING, &[7, 9], &good[..cut]).is_err(), "{cut}");
        }
        for place in 0..good.len() {
            let mut other = good.clone();
            other[place] ^= 1;
            assert!(read(HEADING, &[7, 9], &other).is_err(), "byte {place}");
        }
        for (rows, expected) in [
            ("7|0||\n", Code::Count),
            ("7|0||\n9|0||\n9|0||\n", Code::Count),
            ("7|0||\n7|0||\n", Code::RowTwice),
            ("7|0||\n8|0||\n", Code::RowForeign),
            ("7|0||\n09|0||\n", Code::RowForeign),
            ("7|0||\n9|0|\n", Code::Shape),
            ("7|0||\n9|0|||\n", Code::Shape),
            ("7|0||\n9|||\n", Code::Result),
            ("7|0||\n9|too long1||\n", Code::Result),
        ] {
            assert_eq!(code(&file(rows)), expected, "{rows:?}");
        }
        let elsewhere = Heading { city: "513400", ..HEADING };
        assert_eq!(read(elsewhere, &[7, 9], &good).expect_err("another city").listed[0].code, Code::Head);
    }

    #[test]
    fn the_name_of_an_answer_says_its_task() {
        assert_eq!(task_of("CKR_513300_2026112200000001.txt", "513300"), Some("2026112200000001"));
        for name in ["CK_513300_2026112200000001.txt", "CKR_513400_2026112200000001.txt", "CKR_513300_1.txt", "x"] {
            assert_eq!(task_of(name, "513300"), None, "{name}");
        }
        assert_eq!(HEADING.name(), "CK_513300_2026112200000001.txt");
    }
}
