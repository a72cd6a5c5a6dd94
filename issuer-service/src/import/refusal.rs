//! Why a file as a whole is no registry table, in words for those who sent it.
//!
//! Owns: codes, messages, remedies. Never: repeats a value of the file; a sheet is named.

use super::column::Column;
use crate::exit::Exit;
use crate::lang::Lang;

/// Sheets that are named.
const SHEETS_MAX: usize = 10;
/// Characters of the name of a sheet: as many as spreadsheet programs take.
const SHEET_CHARACTERS_MAX: usize = 31;

/// What is wrong with a file as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Nothing is in it.
    #[error("the file is empty")]
    Empty,
    /// UTF-16 or UTF-32.
    #[error("the file is UTF-16")]
    Utf16,
    /// The header is UTF-8, the rows are not.
    #[error("the file is in two encodings")]
    TwoEncodings,
    /// The header is neither UTF-8 nor GB 18030.
    #[error("the file is in another encoding")]
    OtherEncoding,
    /// A workbook or another binary file.
    #[error("the file is not text")]
    NotText,
    /// HTML or XML, which some systems save under the name of a workbook.
    #[error("the file is a web page or XML")]
    Markup,
    /// An archive that is no workbook, or a workbook that breaks off or breaks the rules.
    #[error("the workbook is damaged")]
    WorkbookDamaged,
    /// A workbook that unpacks to more than any registry: a bomb.
    #[error("the workbook is too large")]
    WorkbookTooLarge,
    /// A workbook without a sheet of the name that was given.
    #[error("no such sheet")]
    SheetUnknown {
        /// Those that are shown.
        sheets: Vec<String>,
    },
    /// The sheet of a workbook is no table, and there are others.
    #[error("no header line on this sheet")]
    SheetWithoutHeader {
        /// Those that are shown.
        sheets: Vec<String>,
    },
    /// Not one whole JSON object, or one with a key twice.
    #[error("not one JSON object")]
    NotObject,
    /// JSON without any object that can be read.
    #[error("no JSON object can be read")]
    NoObject,
    /// None of the first lines names a known column.
    #[error("no header line")]
    NoHeader,
    /// More columns than any registry.
    #[error("too many columns")]
    TooManyColumns,
    /// Columns that must be there.
    #[error("missing headers")]
    MissingHeaders {
        /// Line of the header.
        line: u64,
        /// Which.
        missing: Vec<Column>,
    },
    /// A column that must be there stands twice under the same header.
    #[error("a header stands twice")]
    RepeatedHeader {
        /// Line of the header.
        line: u64,
        /// Which.
        column: Column,
    },
}

impl TableError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "FILE_EMPTY",
            Self::Utf16 | Self::TwoEncodings | Self::OtherEncoding => "FILE_ENCODING",
            Self::NotText | Self::Markup => "FILE_NOT_TEXT",
            Self::WorkbookDamaged => "WORKBOOK_DAMAGED",
            Self::WorkbookTooLarge => "WORKBOOK_TOO_LARGE",
            Self::NotObject | Self::NoObject => "JSON_INVALID",
            Self::SheetUnknown { .. } => "SHEET_NOT_FOUND",
            Self::NoHeader | Self::SheetWithoutHeader { .. } => "HEADER_MISSING",
            Self::TooManyColumns => "COLUMNS_TOO_MANY",
            Self::MissingHeaders { .. } => "COLUMN_MISSING",
            Self::RepeatedHeader { .. } => "COLUMN_REPEATED",
        }
    }

    /// What happened.
    #[must_use]
    pub fn what(&self, lang: Lang) -> String {
        let (zh, en) = match self {
            Self::Empty => ("文件是空的", "the file is empty"),
            Self::Utf16 => ("文件编码是 UTF-16", "the file is UTF-16"),
            Self::TwoEncodings => (
                "表头是 UTF-8，其下各行不是（像是 GB 18030）",
                "the header is UTF-8, the rows below are not (GB 18030, it seems)",
            ),
            Self::OtherEncoding => (
                "前几行既不是 UTF-8，也不是 GB 18030（像是 Big5 等其他编码）",
                "the first lines are neither UTF-8 nor GB 18030 (Big5 or another encoding, it seems)",
            ),
            Self::NotText => (
                "不是文本文件（像是旧式 .xls 工作簿或压缩包）",
                "not a text file (an old .xls workbook or an archive, it seems)",
            ),
            Self::Markup => ("是网页或 XML，不是 CSV", "a web page or XML, no CSV"),
            Self::WorkbookDamaged => ("不是 .xlsx 工作簿，或已损坏", "no .xlsx workbook, or damaged"),
            Self::WorkbookTooLarge => {
                ("工作簿展开后过大，不像登记表", "the workbook unpacks to more than any registry has")
            }
            Self::SheetUnknown { sheets } => {
                let list = shown(sheets, lang);
                return lang.pick(
                    format!("工作簿没有这张工作表；有 {list}"),
                    format!("the workbook has no such sheet; it has {list}"),
                );
            }
            Self::SheetWithoutHeader { sheets } => {
                let list = shown(sheets, lang);
                return lang.pick(
                    format!("这张工作表的前几行中没有认识的列名；工作簿有 {list}"),
                    format!(
                        "none of the first lines of this sheet has the name of a known column; the workbook has {list}"
                    ),
                );
            }
            Self::NotObject => {
                ("不是一个完整的 JSON 对象，或有重复的键", "not one whole JSON object, or one with a key twice")
            }
            Self::NoObject => (
                "其中没有一个可读的 JSON 对象（不完整、过长、嵌套过深或有重复的键）",
                "none of its JSON objects can be read: not whole, over-long, nested too deep, or with a key twice",
            ),
            Self::NoHeader => ("前几行中没有认识的列名", "none of the first lines has the name of a known column"),
            Self::TooManyColumns => ("列数过多，不像登记表", "more columns than any registry has"),
            Self::MissingHeaders { line, missing } => {
                let list = missing.iter().map(|column| column.header()).collect::<Vec<_>>().join(", ");
                return lang.pick(
                    format!("第 {line} 行（表头）缺少列: {list}"),
                    format!("line {line}, the header, lacks the columns {list}"),
                );
            }
            Self::RepeatedHeader { line, column } => {
                let header = column.header();
                return lang.pick(
                    format!("第 {line} 行（表头）的列 {header} 出现两次"),
                    format!("line {line}, the header, has the column {header} twice"),
                );
            }
        };
        lang.pick(zh, en).to_owned()
    }

    /// What to do next.
    #[must_use]
    pub const fn next(&self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::Empty => ("检查导出步骤", "check how it was exported"),
            Self::TwoEncodings => (
                "从原系统重新导出，不要拼接不同编码的文件；或把整个文件另存为一种编码",
                "export it again from its system, without joining files of two encodings, or save the whole file in one",
            ),
            Self::Utf16 | Self::OtherEncoding => (
                "用表格软件另存为“CSV UTF-8”，或用文本编辑器另存为 UTF-8 或 GB 18030",
                "save it as \"CSV UTF-8\" in a spreadsheet program, or as UTF-8 or GB 18030 in a text editor",
            ),
            Self::NotText | Self::Markup | Self::WorkbookDamaged | Self::WorkbookTooLarge => (
                "用表格软件打开，另存为 .xlsx 或“CSV UTF-8（逗号分隔）”",
                "open it in a spreadsheet program and save it as .xlsx or as \"CSV UTF-8 (comma delimited)\"",
            ),
            Self::NotObject | Self::NoObject => (
                "写成 {\"number\":\"…\",\"name\":\"…\"}，每个键一次",
                "write {\"number\":\"…\",\"name\":\"…\"}, each key once",
            ),
            Self::SheetUnknown { .. } | Self::SheetWithoutHeader { .. } => (
                "用 --sheet 指明工作表；其表头至少要有号码和姓名两列",
                "name the sheet with --sheet; its header needs a number and a name at least",
            ),
            Self::TooManyColumns => ("删去多余的列后重新导出", "export it again without the needless columns"),
            Self::NoHeader | Self::MissingHeaders { .. } => (
                "表头至少要有号码和姓名两列（如 身份证号,姓名 或 AAC002,AAC003）: 文本文件用逗号、制表符或分号分隔，工作簿须在第一张工作表的前几行，JSON 则为每个对象的键；列名见 issuer-service/README.md",
                "at least a number and a name are needed (身份证号,姓名 or AAC002,AAC003 or number,name): in a text file separated by commas, tabs or semicolons, in a workbook among the first lines of the first sheet, in JSON as keys of each object; names of columns are in issuer-service/README.md",
            ),
            Self::RepeatedHeader { .. } => ("删去或改名其中一列", "remove or rename one of them"),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }

    /// How the run ends.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        Exit::Usage
    }
}

/// Names of sheets, the first of them, of bounded length.
fn shown(sheets: &[String], lang: Lang) -> String {
    let plain = |name: &String| -> String {
        let name = name.chars().filter(|c| !c.is_control()).take(SHEET_CHARACTERS_MAX);
        format!("“{}”", name.collect::<String>())
    };
    let more = if sheets.len() > SHEETS_MAX { " …" } else { "" };
    let names: Vec<String> = sheets.iter().take(SHEETS_MAX).map(plain).collect();
    format!("{}{more}", names.join(lang.pick("、", ", ")))
}
