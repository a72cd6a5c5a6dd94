//! A partner's answer, read strictly: everything fits what was sent, or the file is refused with all its faults.
//!
//! Owns: reading header and rows against what was sent. Never: changes anything; looks into the database.

use std::collections::{BTreeMap, BTreeSet};

use card_core::security::CityCode;
use card_profiles::identity::CardIdentifier;

use super::cell;
use super::fault::{Code, Faults, SentRow};
use super::template::{Column, Direction, Form, Template, Value};
use super::values::{Heading, Subject};

/// Digits of a result that the template does not list: too few for a telephone.
const CODE_DIGITS_MAX: usize = 4;
/// Characters of a partner's reason: the widest cell of a known layout has 200 bytes.
const REASON_MAX: usize = 200;

/// Digits of a bank card number: a primary account number of ISO/IEC 7812-1, twelve at least.
const BANK_CARD_DIGITS: std::ops::RangeInclusive<usize> = 12..=19;

/// A file that was sent and awaits its answer.
#[derive(Debug)]
pub struct Sent {
    /// What is the same for all rows.
    pub heading: Heading,
    /// Its template and bytes: what was really told.
    pub template: Template,
    /// See [`Sent::template`].
    pub body: Vec<u8>,
    /// Whom its rows are about, in order of job.
    pub subjects: Vec<Subject>,
}

/// What a partner says of one card.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// Line of the answer.
    pub line: usize,
    /// Job.
    pub job: i64,
    /// Row number of the person.
    pub person: i64,
    /// Whether it worked.
    pub accepted: bool,
    /// The partner's result, when it is one of those that the template lists, or a few digits; other ones are words.
    pub result: String,
    /// The partner's words.
    pub reason: String,
    /// 银行卡号, when there is one.
    pub bank_card_number: String,
    /// 卡的识别码 as the factory wrote it, first 24 hex digits.
    pub identifier: Option<String>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer(job {}, {})", self.job, self.accepted)
    }
}

/// Reads an answer to one of the files sent; which one, and what it says of each card, in order of the file sent.
///
/// # Errors
/// All [`Faults`].
pub fn read(template: &Template, sent: &[Sent], city: CityCode, bytes: &[u8]) -> Result<(usize, Vec<Answer>), Faults> {
    debug_assert_eq!(template.direction, Direction::Import);
    if bytes.is_empty() {
        return Err(Faults::of_file(Code::Empty));
    }
    if bytes.last() != Some(&b'\n') {
        return Err(Faults::of_file(Code::CutOff));
    }
    if bytes.split_inclusive(|byte| *byte == b'\n').all(|line| line.ends_with(b"\r\n")) {
        return Err(Faults::of_file(Code::LineEnds));
    }
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let lines = lines.split_last().map_or(&[][..], |(_, lines)| lines);
    let head_lines = template.head.len() + usize::from(template.titles);
    let Some((head, rows)) = lines.split_at_checked(head_lines) else {
        return Err(Faults::of_file(Code::CutOff));
    };
    let which = which(template, sent, rows.first().copied());
    let sent = sent.get(which.as_ref().copied().unwrap_or(0)).ok_or_else(|| Faults::of_file(Code::NothingSent))?;
    let mut faults = Faults::default();
    heads(template, &sent.heading, head, rows.len(), &mut faults);
    let which = match which {
        Ok(which) => which,
        Err((line, column, code)) => {
            faults.add(line, column, code);
            return Err(faults);
        }
    };
    let told = told(sent);
    let (answers, identifiers, bank_cards) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
    let mut reader = Reader { template, sent, told: &told, city, answers, identifiers, bank_cards, faults };
    for (row, line) in rows.iter().zip(head_lines + 1..) {
        reader.row(line, row);
    }
    reader.end().map(|answers| (which, answers))
}

/// Line, column and code of a fault.
type Place<'a> = (usize, Option<&'a str>, Code);

/// The file sent that a row's task names; without such a column there must be one only.
fn which<'a>(template: &'a Template, sent: &[Sent], row: Option<&[u8]>) -> Result<usize, Place<'a>> {
    let place = template.columns.iter().position(|column| column.value == Value::Task);
    let Some((place, column)) = place.and_then(|place| Some((place, template.columns.get(place)?))) else {
        return if sent.len() == 1 { Ok(0) } else { Err((0, None, Code::NothingSent)) };
    };
    let line = template.head.len() + usize::from(template.titles) + 1;
    let cells = row.and_then(|row| cell::split(template, &template.columns, row)).ok_or((line, None, Code::Shape))?;
    let task = cells.get(place).and_then(|cell| cell::decode(template, column, cell));
    task.and_then(|task| sent.iter().position(|sent| sent.heading.task == task)).ok_or((
        line,
        Some(&column.title),
        Code::Task,
    ))
}

/// The lines before the rows, byte for byte; the count is that of the rows.
fn heads(template: &Template, heading: &Heading, lines: &[&[u8]], rows: usize, faults: &mut Faults) {
    let heading = Heading { record_bytes: template.record_bytes.unwrap_or(0), ..heading.clone() };
    for ((columns, line), number) in template.head.iter().zip(lines).zip(1..) {
        let Some(cells) = cell::split(template, columns, line) else {
            faults.add(number, None, Code::Head);
            continue;
        };
        for (column, cell) in columns.iter().zip(cells) {
            if column.value == Value::Ignored {
                if cell::decode(template, column, cell).is_none() {
                    faults.add(number, Some(&column.title), Code::Encoding);
                }
                continue;
            }
            let counts = column.value == Value::Count;
            let expected = if counts { rows.to_string() } else { heading.text(&column.value) };
            if cell::encode(template, column, &expected).as_deref() != Ok(cell) {
                faults.add(number, Some(&column.title), if counts { Code::Count } else { Code::Head });
            }
        }
    }
    if template.titles {
        let titles: Vec<Vec<u8>> =
            template.columns.iter().map(|column| template.title(column).unwrap_or_default()).collect();
        let expected = cell::join(template, titles);
        if lines.last().copied() != expected.strip_suffix(b"\n") {
            faults.add(template.head.len() + 1, None, Code::Head);
        }
    }
}

/// What each row of the file sent really said: what a person's details are today may be something else.
fn told(sent: &Sent) -> Vec<BTreeMap<&Value, String>> {
    let template = &sent.template;
    let skip = template.head.len() + usize::from(template.titles);
    let lines = sent.body.split(|byte| *byte == b'\n').skip(skip);
    let rows = lines.take(sent.subjects.len()).map(|line| {
        let cells = cell::split(template, &template.columns, line).unwrap_or_default();
        let texts = template.columns.iter().zip(cells);
        texts.map(|(column, cell)| (&column.value, cell::decode(template, column, cell).unwrap_or_default())).collect()
    });
    rows.collect()
}

struct Reader<'a> {
    template: &'a Template,
    sent: &'a Sent,
    told: &'a [BTreeMap<&'a Value, String>],
    city: CityCode,
    /// By position in the file sent.
    answers: BTreeMap<usize, Answer>,
    identifiers: BTreeSet<String>,
    bank_cards: BTreeSet<String>,
    faults: Faults,
}

impl Reader<'_> {
    fn row(&mut self, line: usize, row: &[u8]) {
        let template = self.template;
        let Some(cells) = cell::split(template, &template.columns, row) else {
            return self.faults.add(line, None, Code::Shape);
        };
        let cells: Vec<(&Column, &[u8])> = template.columns.iter().zip(cells).collect();
        let mut texts: BTreeMap<&Value, String> = BTreeMap::new();
        let mut readable = true;
        for (column, cell) in &cells {
            match cell::decode(template, column, cell) {
                Some(text) => {
                    texts.insert(&column.value, text);
                }
                None => {
                    readable = false;
                    self.faults.add(line, Some(&column.title), Code::Encoding);
                }
            }
        }
        if !readable {
            return;
        }
        let Some(place) = self.place(&texts) else {
            let key = cells.iter().find(|(column, _)| matches!(column.value, Value::Detail | Value::Line));
            return self.faults.add(line, key.map(|(column, _)| column.title.as_str()), Code::RowForeign);
        };
        if self.answers.contains_key(&place) {
            return self.faults.add(line, None, Code::RowTwice);
        }
        self.compare(line, place, &cells);
        let answer = self.answer(line, place, &texts);
        self.answers.extend(answer.map(|answer| (place, answer)));
    }

    /// The position in the file sent that a row is about.
    fn place(&self, texts: &BTreeMap<&Value, String>) -> Option<usize> {
        let number = |text: &String| {
            let plain = !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| text.parse::<i64>().ok()).flatten()
        };
        if let Some(text) = texts.get(&Value::Line) {
            let line = usize::try_from(number(text)?).ok()?;
            return line.checked_sub(1).filter(|place| *place < self.sent.subjects.len());
        }
        let job = number(texts.get(&Value::Detail)?)?;
        self.sent.subjects.binary_search_by_key(&job, |subject| subject.job).ok()
    }

    /// Every cell that was sent comes back as it was sent.
    fn compare(&mut self, line: usize, place: usize, cells: &[(&Column, &[u8])]) {
        let Some(subject) = self.sent.subjects.get(place) else { return };
        for (column, cell) in cells {
            if column.value.is_partners() {
                continue;
            }
            let told = self.told.get(place).and_then(|texts| texts.get(&column.value).cloned());
            let own = matches!(column.value, Value::Text(_));
            let expected = match told {
                Some(text) if !own => text,
                _ => subject.text(&self.sent.heading, place + 1, &column.value),
            };
            if cell::encode(self.template, column, &expected).as_deref() != Ok(cell) {
                let code = if column.value == Value::Task { Code::Task } else { Code::Differs };
                self.faults.add(line, Some(&column.title), code);
            }
        }
    }

    fn answer(&mut self, line: usize, place: usize, texts: &BTreeMap<&Value, String>) -> Option<Answer> {
        let subject = self.sent.subjects.get(place)?;
        let text = |value: Value| texts.get(&value).cloned().unwrap_or_default();
        let title = |value: Value| self.template.columns.iter().find(|c| c.value == value).map(|c| c.title.as_str());
        let (result, identifier) = (text(Value::Result), text(Value::CardIdentifier));
        let decides = self.template.has(&Value::Result);
        if decides && result.is_empty() {
            self.faults.add(line, title(Value::Result), Code::Result);
        }
        let known = self.template.accepted.contains(&result) || self.template.refused.contains(&result);
        if decides && !result.is_empty() && !known && text(Value::Reason).trim().is_empty() {
            self.faults.add(line, title(Value::Result), Code::ResultUnknown);
        }
        if text(Value::Reason).chars().count() > REASON_MAX {
            self.faults.add(line, title(Value::Reason), Code::ReasonTooLong);
        }
        let accepted = if decides { self.template.accepted.contains(&result) } else { !identifier.is_empty() };
        let identifier = match (identifier.is_empty(), self.identifier(&identifier)) {
            (true, _) => None,
            (false, Some(short)) => {
                if !self.identifiers.insert(short.clone()) {
                    self.faults.add(line, title(Value::CardIdentifier), Code::IdentifierTaken);
                }
                Some(short)
            }
            (false, None) => {
                self.faults.add(line, title(Value::CardIdentifier), Code::Identifier);
                None
            }
        };
        let is_code = (1..=CODE_DIGITS_MAX).contains(&result.len()) && result.bytes().all(|byte| byte.is_ascii_digit());
        let (result, word) = if known || is_code { (result, String::new()) } else { (String::new(), result) };
        let reason = [word, text(Value::Reason)].join(" ").trim().to_owned();
        let bank_card_number = text(Value::BankCardNumber);
        if !bank_card_number.is_empty() {
            let code = self.bank_card(&bank_card_number);
            if let Some(code) = code {
                self.faults.add(line, title(Value::BankCardNumber), code);
            }
        }
        let (job, person) = (subject.job, subject.person);
        Some(Answer { line, job, person, accepted, result, reason, bank_card_number, identifier })
    }

    /// What is wrong with a bank card number.
    fn bank_card(&mut self, text: &str) -> Option<Code> {
        if !BANK_CARD_DIGITS.contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Code::BankCard);
        }
        if self.template.bank_card_check && !luhn(text) {
            return Some(Code::BankCardCheck);
        }
        let first = self.bank_cards.insert(text.to_owned());
        (!first).then_some(Code::BankCardTwice)
    }

    /// City, RID and serial: the check value is the centre's and comes with its keys. Letters are capitals, as they were sent.
    fn identifier(&self, text: &str) -> Option<String> {
        if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
            return None;
        }
        let identifier = CardIdentifier::parse(text)?;
        let ours = identifier.city() == Some(self.city) && identifier.has_rid();
        ours.then(|| identifier.to_string().chars().take(24).collect())
    }

    fn end(mut self) -> Result<Vec<Answer>, Faults> {
        if self.faults.is_empty() {
            let head = self.sent.template.head.len() + usize::from(self.sent.template.titles);
            for (place, subject) in self.sent.subjects.iter().enumerate() {
                if !self.answers.contains_key(&place) {
                    let line = u64::try_from(head + place + 1).unwrap_or(u64::MAX);
                    self.faults.add_missing(SentRow { line, job: subject.job });
                }
            }
        }
        if self.faults.is_empty() { Ok(self.answers.into_values().collect()) } else { Err(self.faults) }
    }
}

/// Whether the last digit is the check digit of those before it (ISO/IEC 7812-1 annex B).
fn luhn(digits: &str) -> bool {
    let weighed = |(place, digit): (usize, u8)| {
        let digit = u32::from(digit - b'0') << (place % 2);
        digit / 10 + digit % 10
    };
    digits.bytes().rev().enumerate().map(weighed).sum::<u32>() % 10 == 0
}

/// Bytes that an answer may have at most: what bounds the reading of a file.
#[must_use]
pub fn bytes_max(template: &Template, rows: u64) -> u64 {
    let row = u64::try_from(template.row_bytes_max()).unwrap_or(u64::MAX);
    let head = if template.form == Form::Fixed { 4 } else { 16 };
    rows.saturating_add(head).saturating_mul(row)
}
