//! Files to the holder registry and its answers, as their templates lay them out (`issuer-service/templates/registry*.toml`).
//!
//! ```text
//! CK_513300_2026112200000001.txt           CKR_513300_2026112200000001.txt
//! CK|1|513300|2026112200000001|2|SHA-256|  CKR|1|513300|2026112200000001|2|SHA-256|
//! 7|state|12|…|20261122093000|             7|0||
//! 9|data|3|…|20261122093105|               9|A03|姓名与公安不一致|
//! ```
//!
//! Source: assumed: no layout is published; header count and digest as versioned exchange files have them. The digest is over the
//! bytes of all rows. A result that the template does not accept is a refusal.
//! Owns: what stands in each cell, reading an answer strictly. Never: the database; a row without its line end.

use std::collections::BTreeMap;
use std::path::Path;

use super::Entry;
use crate::card::Card;
use crate::card::state::LifeState;
use crate::clock;
use crate::exchange::cell;
use crate::exchange::fault::{Code, Faults};
use crate::exchange::sha256;
use crate::exchange::template::{self, BadTemplate, Column, REGISTRY, Template, Value};
use crate::person::Details;

/// Bytes of an answer for each row sent, and for each line before the rows.
const ROW_BYTES_MAX: usize = 1_024;
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

/// How files look to the registry and back.
#[derive(Clone, Debug)]
pub struct Layout {
    to: Template,
    back: Template,
}

/// What the registry says of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Sequence of the entry.
    pub sequence: i64,
    /// The code of its result.
    pub result: String,
    /// Its words.
    pub words: String,
    /// Whether the registry has taken it.
    pub accepted: bool,
}

impl Layout {
    /// The layout of a centre: its own templates in `DIR/templates/`, else those of the program.
    ///
    /// # Errors
    /// [`BadTemplate`].
    ///
    /// # Panics
    /// Never: the program has both templates.
    pub fn of(folder: &Path) -> Result<Self, BadTemplate> {
        let mut all = template::all(folder)?;
        let [to, back] = REGISTRY.map(|name| all.remove(name).expect("a built-in template").0);
        Ok(Self { to, back })
    }

    /// Name of the file to the registry.
    #[must_use]
    pub fn name(&self, heading: Heading<'_>) -> String {
        self.to.name_of_task(heading.city, heading.task)
    }

    /// The whole file; when a cell before the rows does not hold what goes there, the title of that column.
    ///
    /// # Errors
    /// The title.
    pub fn file(&self, heading: Heading<'_>, rows: &[Vec<u8>]) -> Result<Vec<u8>, String> {
        let rows_bytes = rows.concat();
        let mut file = Vec::new();
        for (columns, texts) in before(&self.to, heading, rows.len(), &rows_bytes) {
            let cells = columns
                .iter()
                .zip(&texts)
                .map(|(column, text)| cell::encode(&self.to, column, text).map_err(|_| column.title.clone()));
            file.extend(cell::join(&self.to, cells.collect::<Result<_, _>>()?));
        }
        Ok([file, rows_bytes].concat())
    }

    /// The row of an entry, the first being `line` 1; when a cell holds what cannot stand in it, the title of that column.
    ///
    /// # Errors
    /// The title.
    pub fn row(
        &self,
        heading: Heading<'_>,
        line: usize,
        (entry, card, person): (&Entry, &Card, &Details),
    ) -> Result<Vec<u8>, String> {
        let text = |value: &Value| match value {
            Value::Text(text) => text.clone(),
            Value::City => heading.city.to_owned(),
            Value::Task => heading.task.to_owned(),
            Value::Line => line.to_string(),
            Value::Sequence => entry.sequence.to_string(),
            Value::Event => entry.event.name().to_owned(),
            Value::Person => card.person.to_string(),
            Value::Number => person.number.clone(),
            Value::Name => person.name.clone(),
            Value::Sex => person.sex.clone(),
            Value::EthnicGroup => person.ethnic_group.clone(),
            Value::BirthDate => person.birth_date.clone(),
            Value::Region => person.region.clone(),
            Value::Address => person.address.clone(),
            Value::Phone => person.phone.clone(),
            Value::CardNumber => card.card_number.clone(),
            Value::Identifier => card.card_identifier.to_string(),
            Value::CardState => {
                LifeState::of_name(&entry.card_state).map(|state| state.code().to_string()).unwrap_or_default()
            }
            Value::IssueDate => card.issue_date.clone(),
            Value::ValidUntil => card.valid_until.clone(),
            Value::OldCardNumber => entry.old_card.clone().unwrap_or_default(),
            Value::Blacklisted => (if entry.listed { "1" } else { "0" }).to_owned(),
            Value::At => clock::china_date_time(&entry.at).map(|at| at.to_string()).unwrap_or_default(),
            // Not of a row, or of nobody's file to the registry: the check of a template refuses them.
            _ => String::new(),
        };
        let encode =
            |column: &Column| cell::encode(&self.to, column, &text(&column.value)).map_err(|_| column.title.clone());
        let cells = self.to.columns.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
        Ok(cell::join(&self.to, cells))
    }

    /// The task that the name of an answer says; none when it is no such name.
    #[must_use]
    pub fn task_of<'n>(&self, name: &'n str, city: &str) -> Option<&'n str> {
        self.back.task_in(name, city)
    }

    /// The most bytes of an answer to so many rows.
    #[must_use]
    pub fn bytes_max(&self, rows: u64) -> u64 {
        let before = self.back.head.len() + usize::from(self.back.titles);
        let row = self.back.record_bytes.map_or(ROW_BYTES_MAX, |bytes| ROW_BYTES_MAX.max(bytes + 1));
        rows.saturating_add(before as u64).saturating_mul(row as u64)
    }

    /// Reads an answer to a file with these entries, which it must answer each once.
    ///
    /// # Errors
    /// All [`Faults`].
    pub fn read(&self, heading: Heading<'_>, sent: &[i64], bytes: &[u8]) -> Result<Vec<Answer>, Faults> {
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
        let before = self.back.head.len() + usize::from(self.back.titles);
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let (head, rows) = lines.split_at(before.min(lines.len()));
        let mut faults = Faults::default();
        self.heads(heading, head, rows, &mut faults);
        if rows.len() != sent.len() {
            faults.add(1, None, Code::Count);
        }
        let place: BTreeMap<i64, usize> = sent.iter().copied().zip(0..).collect();
        let mut answers: BTreeMap<usize, Answer> = BTreeMap::new();
        for (row, line) in rows.iter().zip(before + 1..) {
            match self.answer(row) {
                Err((column, code)) => faults.add(line, column, code),
                Ok(answer) => match place.get(&answer.sequence) {
                    None => faults.add(line, Some("sequence"), Code::RowForeign),
                    Some(place) if answers.contains_key(place) => {
                        faults.add(line, Some("sequence"), Code::RowTwice);
                    }
                    Some(place) => drop(answers.insert(*place, answer)),
                },
            }
        }
        if faults.is_empty() && answers.len() != sent.len() {
            faults.add(0, None, Code::RowMissing);
        }
        if faults.is_empty() { Ok(answers.into_values().collect()) } else { Err(faults) }
    }

    /// The lines before the rows, cell by cell.
    fn heads(&self, heading: Heading<'_>, lines: &[&[u8]], rows: &[&[u8]], faults: &mut Faults) {
        let before = before(&self.back, heading, rows.len(), &rows.concat());
        for ((columns, texts), number) in before.into_iter().zip(1..) {
            let line = lines.get(number - 1).map(|line| line.strip_suffix(b"\n").unwrap_or(line));
            let Some(cells) = line.and_then(|line| cell::split(&self.back, columns, line)) else {
                faults.add(number, None, Code::Head);
                continue;
            };
            for ((column, text), cell) in columns.iter().zip(&texts).zip(cells) {
                if cell::encode(&self.back, column, text).as_deref() != Ok(cell) {
                    let code = if column.value == Value::Count { Code::Count } else { Code::Head };
                    faults.add(number, Some(&column.title), code);
                }
            }
        }
    }

    /// What a row says, by the same rules as a row of a bank; column and code of what is wrong.
    fn answer(&self, row: &[u8]) -> Result<Answer, (Option<&str>, Code)> {
        let row = row.strip_suffix(b"\n").unwrap_or(row);
        self.back.encoding.decode(row).ok_or((None, Code::Encoding))?;
        let cells = cell::split(&self.back, &self.back.columns, row).ok_or((None, Code::Shape))?;
        let mut texts = BTreeMap::new();
        for (column, bytes) in self.back.columns.iter().zip(cells) {
            let text = cell::decode(&self.back, column, bytes).ok_or((Some(&*column.title), Code::Encoding))?;
            texts.insert(&column.value, text);
        }
        let fault = |value: &Value, code| {
            let column = self.back.columns.iter().find(|column| column.value == *value);
            (column.map(|column| &*column.title), code)
        };
        let text = |value: &Value| texts.get(value).map(String::as_str).unwrap_or_default();
        let (result, words) = (text(&Value::Result), text(&Value::Reason));
        let is_code = (1..=8).contains(&result.len()) && result.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let accepted = self.back.accepted.iter().any(|yes| yes == result);
        let foreign = !accepted && !self.back.refused.iter().any(|no| no == result);
        if result.is_empty() {
            return Err(fault(&Value::Result, Code::Result));
        }
        if !is_code || foreign && words.trim().is_empty() {
            return Err(fault(&Value::Result, Code::ResultUnknown));
        }
        if words.chars().count() > WORDS_MAX {
            return Err(fault(&Value::Reason, Code::ReasonTooLong));
        }
        let sequence = text(&Value::Sequence);
        let number = sequence.parse().ok().filter(|number: &i64| number.to_string() == sequence);
        let sequence = number.ok_or_else(|| fault(&Value::Sequence, Code::RowForeign))?;
        Ok(Answer { sequence, result: result.to_owned(), words: words.to_owned(), accepted })
    }
}

/// The lines before the rows: their columns, and what stands in each.
fn before<'t>(
    template: &'t Template,
    heading: Heading<'_>,
    count: usize,
    rows: &[u8],
) -> Vec<(&'t [Column], Vec<String>)> {
    let text = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        Value::City => heading.city.to_owned(),
        Value::Task => heading.task.to_owned(),
        Value::Count => count.to_string(),
        Value::Digest => sha256(rows),
        Value::RecordBytes => template.record_bytes.unwrap_or(0).to_string(),
        _ => String::new(),
    };
    let heads = template.head.iter().map(|columns| {
        let texts = columns.iter().map(|column| text(&column.value)).collect();
        (columns.as_slice(), texts)
    });
    let titles = template.titles.then(|| {
        let texts = template.columns.iter().map(|column| column.title.clone()).collect();
        (template.columns.as_slice(), texts)
    });
    heads.chain(titles).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::charset::Charset;

    const HEADING: Heading<'_> = Heading { city: "513300", task: "2026112200000001" };

    fn file(rows: &str) -> Vec<u8> {
        let rows = Charset::Gb18030.codec_for_tests(rows);
        let count = rows.split_inclusive(|byte| *byte == b'\n').count();
        let layout = layout();
        let mut file = Vec::new();
        for (columns, texts) in before(&layout.back, HEADING, count, &rows) {
            let cells = columns.iter().zip(&texts).map(|(column, text)| cell::encode(&layout.back, column, text));
            file.extend(cell::join(&layout.back, cells.collect::<Result<_, _>>().expect("fit")));
        }
        [file, rows].concat()
    }

    fn layout() -> Layout {
        Layout::of(Path::new("nowhere")).expect("built in")
    }

    fn read(heading: Heading<'_>, sent: &[i64], bytes: &[u8]) -> Result<Vec<Answer>, Faults> {
        layout().read(heading, sent, bytes)
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
        assert!(answers[0].accepted && !answers[1].accepted);
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
            ("7|0||\n9|too long1|x|\n", Code::ResultUnknown),
            ("7|0||\n9|X1||\n", Code::ResultUnknown),
            (&format!("7|0||\n9|X1|{}|\n", "长".repeat(201)), Code::ReasonTooLong),
        ] {
            assert_eq!(code(&file(rows)), expected, "{rows:?}");
        }
        let column = |bytes: &[u8]| {
            let fault = read(HEADING, &[7, 9], bytes).expect_err("refused").listed.remove(0);
            (fault.line, fault.column, fault.code)
        };
        let small = String::from_utf8(good.clone()).expect("ASCII").replacen(
            &sha256(b"7|0||\n9|0||\n"),
            &sha256(b"7|0||\n9|0||\n").to_lowercase(),
            1,
        );
        assert_eq!(column(small.as_bytes()), (1, Some("sha256".to_owned()), Code::Head));
        assert_eq!(column(&file("7|0||\n9|||\n")), (3, Some("result".to_owned()), Code::Result));
        let elsewhere = Heading { city: "513400", ..HEADING };
        assert_eq!(read(elsewhere, &[7, 9], &good).expect_err("another city").listed[0].code, Code::Head);
    }

    #[test]
    fn the_name_of_an_answer_says_its_task() {
        assert_eq!(layout().task_of("CKR_513300_2026112200000001.txt", "513300"), Some("2026112200000001"));
        for name in ["CK_513300_2026112200000001.txt", "CKR_513400_2026112200000001.txt", "CKR_513300_1.txt", "x"] {
            assert_eq!(layout().task_of(name, "513300"), None, "{name}");
        }
        assert_eq!(layout().name(HEADING), "CK_513300_2026112200000001.txt");
    }

    /// What files of the program looked like before there was a template of them: partners read it.
    #[test]
    fn the_layout_of_the_program_is_the_published_one() {
        let row = "7|issue||\n".as_bytes().to_vec();
        let digest = sha256(&row);
        let file = layout().file(HEADING, &[row]).expect("fits");
        let text = format!("CK|1|513300|2026112200000001|1|{digest}|\n7|issue||\n");
        assert_eq!(String::from_utf8(file).expect("text"), text);
        let titles: Vec<&str> = COLUMNS.to_vec();
        assert_eq!(layout().to.columns.iter().map(|column| column.title.as_str()).collect::<Vec<_>>(), titles);
    }

    #[test]
    fn a_province_with_widths_and_codes_of_its_own_has_a_template() {
        let folder = tempfile::tempdir().expect("folder");
        let templates = folder.path().join("templates");
        std::fs::create_dir(&templates).expect("folder");
        let text = "name = \"registry-return\"\ntitle = \"省回盘\"\npartner = \"registry\"\ndirection = \"import\"\nform = \"fixed\"
            encoding = \"gbk\"\nrecord_bytes = 30\nfile_name = \"{any}_{task}.dat\"\naccepted = [\"00\", \"01\"]
            columns = [{ title = \"结果\", value = \"result\", bytes = 2 }, { title = \"序号\", value = \"sequence\", bytes = 8, pad = \"0\", align = \"right\" },
                       { title = \"原因\", value = \"reason\", bytes = 20 }]";
        std::fs::write(templates.join("registry-return.toml"), text).expect("a template");
        let layout = Layout::of(folder.path()).expect("fit");
        assert_eq!(layout.task_of("P513300_2026112200000001.dat", "513300"), Some("2026112200000001"));
        let row = |text: &str| {
            let mut row = Charset::Gbk.encode(text).expect("encodable");
            row.resize(30, b' ');
            row.push(b'\n');
            row
        };
        let answers =
            layout.read(HEADING, &[7, 9], &[row("0100000009"), row("A300000007姓名不一致")].concat()).expect("taken");
        let told: Vec<_> =
            answers.iter().map(|answer| (answer.sequence, answer.accepted, answer.words.as_str())).collect();
        assert_eq!(told, [(7, false, "姓名不一致"), (9, true, "")]);
        assert!(layout.read(HEADING, &[7], &row("00 0000007")).is_err(), "a blank is no digit");
        for (from, to) in
            [("\"sequence\"", "\"line\""), ("{task}", "{batch}"), ("\"00\", \"01\"", ""), ("省回盘\"", "x\"\nx = 1")]
        {
            std::fs::write(templates.join("registry-return.toml"), text.replacen(from, to, 1)).expect("a template");
            assert!(Layout::of(folder.path()).is_err(), "{to}");
        }
    }

    const COLUMNS: [&str; 19] = [
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
}
