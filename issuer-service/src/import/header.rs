//! The header of a registry file: which column is where, in three vocabularies, and what is wrong with a file as a whole.
//!
//! Source: data items AAC002 to AAC006, AAB301, AAE005, AAE006, AAC058 as two vendors name them; headers seen at bureaus.
//! Owns: the names of columns, which are required. Never: reads a file.

use crate::exit::Exit;
use crate::lang::Lang;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// AAC002 社会保障号码.
    Number,
    /// AAC003 姓名.
    Name,
    /// AAC004 性别.
    Sex,
    /// AAC005 民族.
    EthnicGroup,
    /// AAC006 出生日期.
    BirthDate,
    /// AAB301 行政区划代码.
    Region,
    /// AAE006 地址.
    Address,
    /// AAE005 联系电话.
    Phone,
    /// 单位名称.
    Employer,
    /// AAC058 证件类型.
    CertificateType,
    /// 证件签发日期.
    CertificateDate,
}

/// Headers as bureaus write them, the first of each row its plain name; compared without blanks and case.
const HEADERS: [(Column, &[&str]); 11] = [
    (
        Column::Number,
        &[
            "社会保障号码",
            "AAC002",
            "number",
            "social_security_number",
            "身份证号",
            "身份证号码",
            "公民身份号码",
            "证件号码",
            "社会保障号",
            "id_number",
        ],
    ),
    (Column::Name, &["姓名", "AAC003", "name"]),
    (Column::Sex, &["性别", "AAC004", "sex", "gender"]),
    (Column::EthnicGroup, &["民族", "AAC005", "ethnic_group", "nation", "ethnicity"]),
    (Column::BirthDate, &["出生日期", "AAC006", "birth_date", "date_of_birth", "birthday"]),
    (Column::Region, &["行政区划代码", "AAB301", "region", "region_code", "行政区划", "区划代码"]),
    (
        Column::Address,
        &["常住户口所在地地址", "AAE006", "address", "地址", "户籍地址", "通讯地址", "居住地址", "AAC010"],
    ),
    (Column::Phone, &["联系电话", "AAE005", "phone", "telephone", "电话", "手机号码", "mobile"]),
    (Column::Employer, &["单位名称", "AAB004", "employer", "工作单位"]),
    (Column::CertificateType, &["证件类型", "AAC058", "certificate_type"]),
    (Column::CertificateDate, &["证件签发日期", "签发日期", "certificate_date", "date_of_issue"]),
];

/// Columns without which nobody can be registered.
pub(super) const REQUIRED: [Column; 6] =
    [Column::Number, Column::Name, Column::Sex, Column::EthnicGroup, Column::BirthDate, Column::Region];

impl Column {
    /// Its plain Chinese header.
    #[must_use]
    pub fn header(self) -> &'static str {
        HEADERS.iter().find(|(column, _)| *column == self).map_or("", |(_, names)| names.first().copied().unwrap_or(""))
    }

    fn of_header(header: &str) -> Option<Self> {
        let plain: String = header.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
        HEADERS
            .iter()
            .find(|(_, names)| names.iter().any(|name| name.to_lowercase() == plain))
            .map(|(column, _)| *column)
    }
}

/// What is wrong with a file as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Nothing is in it.
    #[error("the file is empty")]
    Empty,
    /// UTF-16 or UTF-32.
    #[error("the file is UTF-16")]
    Utf16,
    /// A workbook or another binary file.
    #[error("the file is not text")]
    NotText,
    /// The header line is too long or has too many columns.
    #[error("the first line is no header")]
    NoHeader,
    /// Headers that are not known.
    #[error("unknown headers")]
    UnknownHeaders {
        /// As written, with their column from 1.
        unknown: Vec<(usize, String)>,
    },
    /// Columns that must be there.
    #[error("missing headers")]
    MissingHeaders {
        /// Which.
        missing: Vec<Column>,
    },
    /// The same column twice.
    #[error("a header stands twice")]
    RepeatedHeader {
        /// Which.
        column: Column,
    },
}

/// What the columns of a header hold.
pub(super) fn columns(headers: &[String]) -> Result<Vec<Column>, TableError> {
    let found: Vec<Option<Column>> = headers.iter().map(|header| Column::of_header(header)).collect();
    let unknown: Vec<(usize, String)> = (1..)
        .zip(headers.iter().zip(&found))
        .filter(|(_, (_, column))| column.is_none())
        .map(|(place, (header, _))| (place, shortened(header)))
        .collect();
    let columns: Vec<Column> = found.into_iter().flatten().collect();
    let missing: Vec<Column> = REQUIRED.into_iter().filter(|column| !columns.contains(column)).collect();
    if columns.is_empty() {
        return Err(TableError::NoHeader);
    }
    if !unknown.is_empty() {
        return Err(TableError::UnknownHeaders { unknown });
    }
    if !missing.is_empty() {
        return Err(TableError::MissingHeaders { missing });
    }
    match columns.iter().enumerate().find(|(place, column)| columns.iter().take(*place).any(|c| c == *column)) {
        Some((_, column)) => Err(TableError::RepeatedHeader { column: *column }),
        None => Ok(columns),
    }
}

/// A header for a message: a broken file may have anything there.
fn shortened(header: &str) -> String {
    header.chars().filter(|c| !c.is_control()).take(24).collect()
}

impl TableError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "FILE_EMPTY",
            Self::Utf16 => "FILE_ENCODING",
            Self::NotText => "FILE_NOT_TEXT",
            Self::NoHeader => "HEADER_MISSING",
            Self::UnknownHeaders { .. } => "COLUMN_UNKNOWN",
            Self::MissingHeaders { .. } => "COLUMN_MISSING",
            Self::RepeatedHeader { .. } => "COLUMN_REPEATED",
        }
    }

    /// What happened.
    #[must_use]
    pub fn what(&self, lang: Lang) -> String {
        match self {
            Self::Empty => lang.pick("文件是空的", "the file is empty").to_owned(),
            Self::Utf16 => lang.pick("文件编码是 UTF-16", "the file is UTF-16").to_owned(),
            Self::NotText => {
                lang.pick("不是文本文件（像是工作簿）", "not a text file (a workbook, it seems)").to_owned()
            }
            Self::NoHeader => lang.pick("第 1 行不是表头", "line 1 is no header").to_owned(),
            Self::UnknownHeaders { unknown } => {
                let list: Vec<String> = unknown.iter().map(|(place, header)| format!("{place}: {header:?}")).collect();
                lang.pick(
                    format!("第 1 行有不认识的列: {}", list.join(", ")),
                    format!("line 1 has unknown columns: {}", list.join(", ")),
                )
            }
            Self::MissingHeaders { missing } => {
                let list: Vec<&str> = missing.iter().map(|column| column.header()).collect();
                lang.pick(
                    format!("第 1 行缺少列: {}", list.join(", ")),
                    format!("line 1 lacks the columns {}", list.join(", ")),
                )
            }
            Self::RepeatedHeader { column } => lang.pick(
                format!("第 1 行的列 {} 出现两次", column.header()),
                format!("line 1 has the column {} twice", column.header()),
            ),
        }
    }

    /// What to do next.
    #[must_use]
    pub fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::Empty => lang.pick("检查导出步骤", "check how it was exported"),
            Self::Utf16 | Self::NotText => {
                lang.pick("另存为 GB 18030 或 UTF-8 编码的 CSV", "save it as CSV in GB 18030 or UTF-8")
            }
            Self::NoHeader | Self::UnknownHeaders { .. } | Self::MissingHeaders { .. } | Self::RepeatedHeader { .. } => {
                lang.pick(
                    "表头用中文列名、国家代码（AAC002 等）或英文名，逗号分隔；见 issuer-service/README.md",
                    "name the columns in Chinese, by national code (AAC002 …) or in English, separated by commas; see issuer-service/README.md",
                )
            }
        }
    }

    /// How the run ends.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        Exit::Usage
    }
}
