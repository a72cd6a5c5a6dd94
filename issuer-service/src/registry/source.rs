//! Sources (数据来源): who sends files about people, and how their files are read.
//!
//! Owns: names, the saved mapping of headers to columns, its one-line-a-header text. Never: reads a file.

use serde::Serialize;

use crate::import::column::{Column, comparable};
use crate::import::encoding::Declared;
use crate::lang::Lang;
use crate::output::Show;

/// Where files come from that name no source.
pub const REGISTRY: &str = "registry";
/// Where statements come from that an operator types.
pub const COUNTER: &str = "counter";
/// What a mapping says of a column that is not to be read.
pub const IGNORE: &str = "ignore";
/// What a mapping says of a word that takes a value back where it stands in a cell.
pub const TAKE_BACK: &str = "take-back";
/// Characters of a name.
const NAME_MAX: usize = 32;
/// Headers of a mapping.
const HEADERS_MAX: usize = 256;
/// Characters of a header in a mapping.
const HEADER_MAX: usize = 100;

/// A header, or the word of a cell, compared without blanks and case, and what it stands for.
pub type Mapped = (String, Meaning);

/// What a header or a word stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A header of this column.
    Column(Column),
    /// A header of a column that is not read.
    Ignored,
    /// No header but the word of a cell: the source takes back what it said there before.
    TakeBack,
}

impl Meaning {
    /// The column, of a header that is read.
    #[must_use]
    pub const fn column(self) -> Option<Column> {
        match self {
            Self::Column(column) => Some(column),
            Self::Ignored | Self::TakeBack => None,
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Column(column) => column.key(),
            Self::Ignored => IGNORE,
            Self::TakeBack => TAKE_BACK,
        }
    }

    fn of_key(key: &str) -> Option<Self> {
        match key {
            IGNORE => Some(Self::Ignored),
            TAKE_BACK => Some(Self::TakeBack),
            _ => Column::ALL.into_iter().find(|known| known.key() == key).map(Self::Column),
        }
    }
}

/// A source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its number; 0 when it is not stored yet.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Encoding of its files; told from each file when none is stated.
    pub encoding: Option<Declared>,
    /// Headers that mean something else than usual.
    pub mapping: Vec<Mapped>,
    /// Who added it, or changed it last.
    pub added_by: String,
    /// When.
    pub added_at: String,
}

/// What is wrong with a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The name.
    #[error("a name has 1 to 32 letters, digits, '-' or '_'")]
    Name,
    /// A mapping that is not `HEADER=COLUMN`, or names a column that there is not.
    #[error("a mapping is HEADER=COLUMN")]
    Mapping,
    /// Two headers of one mapping compare equal.
    #[error("a header stands twice in the mapping")]
    Doubled,
    /// Two headers of one mapping are the number, or the name.
    #[error("the number or the name is mapped twice")]
    ColumnDoubled,
}

impl Malformed {
    /// What happened.
    #[must_use]
    pub fn what(self, lang: Lang) -> String {
        let (zh, en) = match self {
            Self::Name => (
                "来源名称应为 1 至 32 个字母、数字、- 或 _",
                "the name of a source has 1 to 32 letters, digits, - or _",
            ),
            Self::Mapping => ("对应关系应写作 表头=列", "a mapping is written HEADER=COLUMN"),
            Self::Doubled => ("同一表头对应了两次", "a header is mapped twice"),
            Self::ColumnDoubled => (
                "号码或姓名对应了两个表头，一行只能有一个",
                "two headers are mapped to the number or the name; a row has one of each",
            ),
        };
        lang.pick(zh, en).to_owned()
    }

    /// What to do next.
    #[must_use]
    pub fn next(self, lang: Lang) -> &'static str {
        lang.pick(
            "列为 number name sex ethnic_group birth_date region address phone employer certificate_type certificate_date nationality alive name_script、ignore（不读该列）或 take-back（单元格中的撤回用语）",
            "columns are number name sex ethnic_group birth_date region address phone employer certificate_type certificate_date nationality alive name_script, ignore (a column that is not read) or take-back (the word of a cell that takes a value back)",
        )
    }
}

impl Source {
    /// A source to be stored; `mapping` has one `HEADER=COLUMN` each.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn new(name: &str, encoding: Option<Declared>, mapping: &[String]) -> Result<Self, Malformed> {
        let plain = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.chars().count() > NAME_MAX || !name.chars().all(plain) {
            return Err(Malformed::Name);
        }
        let mapping =
            mapping.iter().map(|text| mapped(text).ok_or(Malformed::Mapping)).collect::<Result<Vec<_>, _>>()?;
        if mapping.len() > HEADERS_MAX {
            return Err(Malformed::Mapping);
        }
        let doubled =
            |(place, (header, _)): (usize, &Mapped)| mapping.iter().take(place).any(|(known, _)| known == header);
        if mapping.iter().enumerate().any(doubled) {
            return Err(Malformed::Doubled);
        }
        let times = |column: Column| mapping.iter().filter(|(_, known)| known.column() == Some(column)).count();
        if [Column::Number, Column::Name].into_iter().any(|column| times(column) > 1) {
            return Err(Malformed::ColumnDoubled);
        }
        Ok(Self { id: 0, name: name.to_owned(), encoding, mapping, added_by: String::new(), added_at: String::new() })
    }
}

/// `HEADER=COLUMN`; a header may hold `=`, a column does not.
fn mapped(text: &str) -> Option<Mapped> {
    let (header, column) = text.rsplit_once('=')?;
    let header = comparable(header);
    if header.is_empty() || header.chars().count() > HEADER_MAX {
        return None;
    }
    Meaning::of_key(column).map(|meaning| (header, meaning))
}

/// The text of a mapping in the database.
#[must_use]
pub fn mapping_text(mapping: &[Mapped]) -> String {
    let line = |(header, meaning): &Mapped| format!("{header}={}", meaning.key());
    mapping.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Reads the text of a mapping; lines that a newer program wrote are left out.
#[must_use]
pub fn mapping_of_text(text: &str) -> Vec<Mapped> {
    text.lines().filter_map(mapped).collect()
}

/// A source as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Name.
    pub name: String,
    /// Encoding of its files, or `auto`.
    pub encoding: &'static str,
    /// `HEADER=COLUMN`.
    pub mapping: Vec<String>,
    /// Who added it.
    pub added_by: String,
    /// When.
    pub added_at: String,
}

/// Several sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sources {
    /// In order of id.
    pub sources: Vec<Shown>,
}

impl From<&Source> for Shown {
    fn from(source: &Source) -> Self {
        Self {
            name: source.name.clone(),
            encoding: source.encoding.map_or("auto", Declared::name),
            mapping: mapping_text(&source.mapping).lines().map(str::to_owned).collect(),
            added_by: source.added_by.clone(),
            added_at: source.added_at.clone(),
        }
    }
}

impl Show for Shown {
    fn text(&self, _lang: Lang) -> String {
        let Self { name, encoding, mapping, added_by, added_at } = self;
        let head = format!("{name}  {encoding}  {added_by}  {added_at}");
        std::iter::once(head).chain(mapping.iter().map(|line| format!("  {line}"))).collect::<Vec<_>>().join("\n")
    }
}

impl Show for Sources {
    fn text(&self, lang: Lang) -> String {
        self.sources.iter().map(|source| source.text(lang)).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(mapping: &[&str]) -> Result<Source, Malformed> {
        Source::new("bureau", None, &mapping.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_mapping_reads_back_as_it_was_written() {
        let source = of(&["证照 编号（主）=number", "Full Name=name", "备注=ignore", "a=b=phone", "撤 销=take-back"])
            .expect("good");
        assert_eq!(mapping_of_text(&mapping_text(&source.mapping)), source.mapping);
        assert_eq!(source.mapping[0], ("证照编号(主)".to_owned(), Meaning::Column(Column::Number)));
        assert_eq!(source.mapping[3], ("a=b".to_owned(), Meaning::Column(Column::Phone)));
        assert_eq!(source.mapping[4], ("撤销".to_owned(), Meaning::TakeBack));
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        assert_eq!(of(&["x=nothing"]), Err(Malformed::Mapping));
        assert_eq!(of(&["number"]), Err(Malformed::Mapping));
        assert_eq!(of(&[" =number"]), Err(Malformed::Mapping));
        assert_eq!(of(&["ＩＤ=number", "id=name"]), Err(Malformed::Doubled));
        assert_eq!(of(&["号=number", "名=number"]), Err(Malformed::ColumnDoubled));
        assert!(of(&["宅电=phone", "手机号=phone"]).is_ok(), "who has no mobile has a landline");
        for name in ["", "a b", "x/y", &"x".repeat(33)] {
            assert_eq!(Source::new(name, None, &[]), Err(Malformed::Name));
        }
    }
}
