//! The only file that prints, and the only one besides `http` that knows JSON.
//!
//! Owns: answers on standard output, notes and errors on standard error, in text or JSON.
//! Never: decides what to say (`page`, `error`).

use std::fmt::Write as _;
use std::fs::{OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use serde_json::{Map, Value as Json, json};

use crate::arguments::Form;
use crate::page::{Page, Value};
use card_counter::error::TerminalError;
use card_counter::language::{Language, Words};

/// Where and how answers go out.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// Form of answers.
    pub form: Form,
    /// Language of texts.
    pub language: Language,
}

impl Output {
    /// Prints an answer: items on standard output, notes on standard error (in JSON: under `notes`).
    ///
    /// # Errors
    /// [`TerminalError::Output`] when standard output cannot be written.
    pub fn answer(&self, page: &Page) -> Result<(), TerminalError> {
        let text = match self.form {
            Form::Json | Form::Layout => format!("{}\n", self.document(page)),
            Form::Text => self.lines(page, 0),
        };
        write_out(&text)?;
        if self.form == Form::Text {
            if cuts(page, false) {
                let words = Words::new(
                    "过长的值以 … 截断;--format json 显示全部",
                    "long values are cut at …; --format json shows them whole",
                );
                let _ = std::io::stderr().write_all(format!("{}\n", words.text(self.language)).as_bytes());
            }
            let notes: String = page.notes.iter().map(|note| format!("{}\n", note.words.text(self.language))).collect();
            // A closed standard error must not turn a finished transaction into a failure.
            let _ = std::io::stderr().write_all(notes.as_bytes());
        }
        Ok(())
    }

    /// Prints ready-made text, such as a receipt, to standard output; in JSON to standard error, to keep the answer whole.
    ///
    /// # Errors
    /// [`TerminalError::Output`].
    pub fn paper(&self, text: &str) -> Result<(), TerminalError> {
        match self.form {
            Form::Text => write_out(text),
            Form::Json | Form::Layout => {
                let _ = std::io::stderr().write_all(text.as_bytes());
                Ok(())
            }
        }
    }

    /// Writes a document that other programs read: to a file, or to standard output.
    ///
    /// # Errors
    /// [`TerminalError::Output`], or the file that cannot be written.
    pub fn file(&self, document: &impl serde::Serialize, path: Option<&Path>) -> Result<(), TerminalError> {
        let text =
            serde_json::to_string_pretty(document).map_err(|_| TerminalError::Bug("a document has a JSON form"))?;
        match path {
            None => write_out(&format!("{text}\n")),
            Some(path) => write_private(path, &format!("{text}\n"))
                .map_err(|source| TerminalError::File { path: path.display().to_string(), source }),
        }
    }

    /// Writes ready-made text to a file.
    ///
    /// # Errors
    /// The file that cannot be written.
    pub fn text_file(&self, text: &str, path: &Path) -> Result<(), TerminalError> {
        std::fs::write(path, text).map_err(|source| TerminalError::File { path: path.display().to_string(), source })
    }

    /// Writes ready-made text to a file that is not there yet.
    ///
    /// # Errors
    /// The file that exists or cannot be written.
    pub fn new_file(&self, text: &str, path: &Path) -> Result<(), TerminalError> {
        let fail = |source| TerminalError::File { path: path.display().to_string(), source };
        let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(fail)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fail)
    }

    /// Writes a receipt to a new file that only its owner reads, or to a printer's device.
    ///
    /// # Errors
    /// What the system says; a file that exists stays as it is.
    pub fn receipt(&self, bytes: &[u8], path: &Path) -> std::io::Result<()> {
        let mut options = OpenOptions::new();
        let is_device = path.exists() && !path.is_file();
        let mut file = if is_device { options.write(true) } else { options.write(true).create_new(true).mode(0o600) }
            .open(path)?;
        file.write_all(bytes)?;
        file.flush()
    }

    /// Says something on standard error before the answer is known.
    pub fn remark(&self, code: &str, words: &Words) {
        let text = words.text(self.language);
        let line = match self.form {
            Form::Json | Form::Layout => format!("{}\n", json!({"code": code, "text": text})),
            Form::Text => format!("{text}\n"),
        };
        let _ = std::io::stderr().write_all(line.as_bytes());
    }

    /// Prints an error to standard error: what, where, what next, and its stable code.
    pub fn error(&self, error: &TerminalError) {
        let (what, place, next) = (error.what(), error.place(), error.next());
        let (what, place, next) = (what.text(self.language), place.text(self.language), next.text(self.language));
        let code = error.code().as_str();
        let text = match (self.form, self.language) {
            (Form::Json | Form::Layout, _) => {
                format!("{}\n", json!({"code": code, "what": what, "where": place, "next": next}))
            }
            // Some errors have no place beyond what happened.
            (Form::Text, Language::Zh) if place == what => format!("错误 {code}:{what}\n  处理:{next}\n"),
            (Form::Text, Language::En) if place == what => format!("error {code}: {what}\n  next: {next}\n"),
            (Form::Text, Language::Zh) => format!("错误 {code}:{what}\n  位置:{place}\n  处理:{next}\n"),
            (Form::Text, Language::En) => format!("error {code}: {what}\n  where: {place}\n  next: {next}\n"),
        };
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    /// The JSON text of a page, also for files that other programs read.
    #[must_use]
    pub fn document(&self, page: &Page) -> String {
        Json::Object(self.object(page)).to_string()
    }

    fn object(&self, page: &Page) -> Map<String, Json> {
        let mut object: Map<String, Json> =
            page.items.iter().map(|item| (item.id.clone(), self.json(&item.value))).collect();
        if !page.notes.is_empty() {
            let notes =
                page.notes.iter().map(|note| json!({"code": note.code, "text": note.words.text(self.language)}));
            object.insert("notes".to_owned(), notes.collect());
        }
        object
    }

    fn json(&self, value: &Value) -> Json {
        match value {
            Value::Text(text) => json!(text),
            Value::Choice(word, _) => json!(word),
            Value::Words(words) => json!(words.text(self.language)),
            Value::Number(number) => json!(number),
            Value::Money(amount) => json!(amount.get()),
            Value::Flag(flag) => json!(flag),
            Value::Absent | Value::Missing => Json::Null,
            Value::Texts(texts) => json!(texts),
            Value::Table(rows) | Value::Told(rows, _) => {
                rows.iter().map(|row| Json::Object(self.object(row))).collect()
            }
            Value::Object(page) => Json::Object(self.object(page)),
        }
    }

    fn lines(&self, page: &Page, depth: usize) -> String {
        let indent = "  ".repeat(depth);
        let mut text = String::new();
        for item in &page.items {
            let label = item.label.text(self.language);
            match &item.value {
                Value::Table(rows) if rows.is_empty() => {}
                Value::Table(rows) => {
                    text.push_str(&format!("{indent}{label}\n{}", self.table(rows, depth + 1)));
                }
                Value::Object(page) => {
                    text.push_str(&format!("{indent}{label}\n{}", self.lines(page, depth + 1)));
                }
                Value::Text(_) => {
                    text.push_str(&format!("{indent}{label}: {}\n", cut(self.word(&item.value), VALUE_MAX)));
                }
                value => text.push_str(&format!("{indent}{label}: {}\n", self.word(value))),
            }
        }
        text
    }

    /// Columns as wide as their widest cell; Chinese characters take two places.
    fn table(&self, rows: &[Page], depth: usize) -> String {
        let Some(first) = rows.first() else { return String::new() };
        let heads: Vec<String> = first.items.iter().map(|item| item.label.text(self.language).to_owned()).collect();
        let cells: Vec<Vec<String>> =
            rows.iter().map(|row| row.items.iter().map(|item| self.cell(&item.value)).collect()).collect();
        let widths: Vec<usize> = heads
            .iter()
            .enumerate()
            .map(|(column, head)| {
                cells.iter().filter_map(|row| row.get(column)).chain([head]).map(|cell| places(cell)).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in std::iter::once(&heads).chain(&cells) {
            let mut line = "  ".repeat(depth);
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.push_str(&" ".repeat(width.saturating_sub(places(cell)) + 2));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// A value in a table: what holds data is cut, what this program says is not.
    fn cell(&self, value: &Value) -> String {
        let word = self.word(value);
        if matches!(value, Value::Text(_)) { cut(word, CELL_MAX) } else { word }
    }

    fn word(&self, value: &Value) -> String {
        match (value, self.language) {
            (Value::Text(text), _) => printable(text),
            (Value::Told(rows, _), _) if rows.is_empty() => "-".to_owned(),
            (Value::Choice(_, words) | Value::Words(words) | Value::Told(_, words), language) => {
                words.text(language).to_owned()
            }
            (Value::Number(number), _) => number.to_string(),
            (Value::Money(amount), _) => amount.to_string(),
            (Value::Flag(true), Language::Zh) => "是".to_owned(),
            (Value::Flag(false), Language::Zh) => "否".to_owned(),
            (Value::Flag(true), Language::En) => "yes".to_owned(),
            (Value::Flag(false), Language::En) => "no".to_owned(),
            (Value::Absent, _) => "-".to_owned(),
            (Value::Missing, Language::Zh) => "（没有）".to_owned(),
            (Value::Missing, Language::En) => "(not there)".to_owned(),
            (Value::Texts(texts), _) => texts.iter().map(|text| printable(text)).collect::<Vec<_>>().join(", "),
            (Value::Table(rows), _) => rows.len().to_string(),
            (Value::Object(page), _) => page.items.len().to_string(),
        }
    }
}

/// Text from a card or a file may hold characters that are not seen and change what is: a terminal must not obey them. Their numbers
/// stand in their place, `<U+202E>`.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_unseen(c) {
            let _ = write!(shown, "<U+{:04X}>", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Whether a character turns the direction of a text, breaks its line or takes no place: with it one name looks like another.
/// Unicode 15, category Cf, without marks of scripts that no card has; Zl and Zp.
const fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{AD}'
            | '\u{61C}'
            | '\u{180E}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E007F}'
    )
}

/// Places on the screen that a value of its own line may take, and one in a table: a photo has thousands.
const VALUE_MAX: usize = 320;
const CELL_MAX: usize = 72;

/// Text of no more places than `most`.
fn cut(text: String, most: usize) -> String {
    if places(&text) <= most {
        return text;
    }
    let mut kept = String::new();
    for c in text.chars() {
        if places(&kept) + 3 > most {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

/// Whether a page has a value that is cut.
fn cuts(page: &Page, is_row: bool) -> bool {
    let most = if is_row { CELL_MAX } else { VALUE_MAX };
    page.items.iter().any(|item| match &item.value {
        Value::Text(text) => places(text) > most,
        Value::Table(rows) => !is_row && rows.iter().any(|row| cuts(row, true)),
        Value::Object(page) => !is_row && cuts(page, false),
        _ => false,
    })
}

fn places(text: &str) -> usize {
    text.chars().map(|c| if (c as u32) >= 0x1100 { 2 } else { 1 }).sum()
}

/// A file that its owner alone can read, also where there was another: documents hold personal data.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())
}

fn write_out(text: &str) -> Result<(), TerminalError> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| TerminalError::Output { closed: error.kind() == std::io::ErrorKind::BrokenPipe })
}

#[cfg(test)]
mod tests {
    use super::*;
    use card_counter::language::Words;
    use settlement::fen::Fen;

    fn page() -> Page {
        Page::new()
            .with("SSSE.EF05.card_number", Words::new("卡号", "card number"), Value::text("A12345674"))
            .with("amount_fen", Words::new("金额", "amount"), Value::Money(Fen::new(1250)))
            .noted("NOTE", Words::new("注意", "mind"))
    }

    #[test]
    fn json_is_flat_with_ids_and_fen() {
        let output = Output { form: Form::Json, language: Language::En };
        let expected =
            r#"{"SSSE.EF05.card_number":"A12345674","amount_fen":1250,"notes":[{"code":"NOTE","text":"mind"}]}"#;
        assert_eq!(output.document(&page()), expected);
    }

    #[test]
    fn text_has_labels_and_yuan() {
        let output = Output { form: Form::Text, language: Language::Zh };
        assert_eq!(output.lines(&page(), 0), "卡号: A12345674\n金额: 12.50\n");
    }

    #[test]
    fn long_values_are_cut_for_people_and_whole_for_programs() {
        let photo = "张".repeat(4_000);
        let row = Page::new().with("photo", Words::new("照片", "photo"), Value::text(&*photo));
        let page = Page::new().with("value", Words::new("值", "value"), Value::text(&*photo)).with(
            "rows",
            Words::new("行", "rows"),
            Value::Table(vec![row]),
        );
        let output = Output { form: Form::Text, language: Language::En };
        let told = output.lines(&page, 0);
        assert!(told.lines().all(|line| places(line) < VALUE_MAX + 20), "{told}");
        assert_eq!(told.matches('…').count(), 2, "{told}");
        assert!(cuts(&page, false));
        assert_eq!(output.document(&page).matches('张').count(), 8_000);
    }

    #[test]
    fn control_characters_of_a_card_do_not_reach_the_terminal() {
        let output = Output { form: Form::Text, language: Language::En };
        assert_eq!(output.word(&Value::text("a\u{1B}[2Jb")), "a<U+001B>[2Jb");
        // Nor do those that show a name reversed, or two names alike.
        for unseen in ['\u{202E}', '\u{2066}', '\u{200B}', '\u{200F}', '\u{FEFF}', '\u{AD}', '\u{2028}', '\u{E0041}'] {
            let shown = Value::Texts(vec![format!("张{unseen}三")]);
            let number = format!("张<U+{:04X}>三", u32::from(unseen));
            assert_eq!(output.word(&Value::text(format!("张{unseen}三"))), number);
            assert_eq!(output.word(&shown), number);
        }
        for seen in ['张', '𠮷', '·', 'é', '\u{E864}', '　'] {
            assert_eq!(printable(&seen.to_string()), seen.to_string());
        }
    }

    #[test]
    fn columns_line_up_under_chinese_heads() {
        let row = |a: &str| {
            Page::new().with("a", Words::new("名称", "name"), Value::text(a)).with(
                "b",
                Words::new("数", "n"),
                Value::Number(1),
            )
        };
        let output = Output { form: Form::Text, language: Language::Zh };
        assert_eq!(output.table(&[row("x"), row("盐水一号")], 0), "名称      数\nx         1\n盐水一号  1\n");
    }
}
