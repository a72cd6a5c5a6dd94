//! What can be wrong with a row of a registry, in words for those who must mend it.
//!
//! Owns: codes, messages, remedies, masking. Never: holds a whole value.

use super::column::Column;
use super::record::RowFault;
use crate::lang::Lang;
use crate::person::certificate::Kind;
use crate::person::mask;

/// One fault of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line in the file where the row starts, the header of an ordinary file being 1.
    pub row: u64,
    /// The column; none when the whole row is meant.
    pub column: Option<Column>,
    /// What is wrong.
    pub code: Code,
    /// The value, masked.
    pub value: Box<str>,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Cells found, cells of the header.
    CellCount(usize, usize),
    /// A quotation mark stays open.
    QuoteOpen,
    /// Longer than any registry row.
    RowTooLong,
    /// A line in another encoding than the file.
    EncodingMixed,
    /// No JSON object.
    NotObject,
    /// A JSON object has a key twice.
    KeyTwice,
    /// A JSON value that is neither text nor number.
    NotValue,
    /// A value that everybody has cannot be taken back.
    NotTakenBack,
    /// A workbook cell that is computed.
    FormulaCell,
    /// Bytes that are no character in the file's encoding.
    Undecodable,
    /// A cell that must be filled is empty.
    ValueMissing,
    /// Bytes found in GBK, bytes of the item on the card.
    ValueTooLong(usize, usize),
    /// A spreadsheet would run it as a formula.
    Formula,
    /// A control character.
    ControlCharacter,
    /// No character of writing: a replacement, or one of private use.
    NotEncodable(char),
    /// Not 18 characters.
    NumberLength,
    /// A number of 15 digits, of the first generation of identity cards.
    NumberOld,
    /// Not 17 digits and a digit or X.
    NumberCharacters,
    /// No province begins so.
    NumberProvince,
    /// Its date does not exist.
    NumberDate,
    /// Its date lies in the future.
    NumberDateFuture,
    /// Its date is before any living person's.
    NumberDateTooEarly,
    /// Check character wrong.
    NumberCheck,
    /// The same person stands in this file already, at this line.
    DuplicateInFile(u64),
    /// The number stands in this file already with another name, at this line.
    NumberTakenInFile(u64),
    /// A character that names do not have.
    NameCharacter(char),
    /// A separator at an end, or two in a row.
    NameSeparator,
    /// More than 30 + 20 bytes.
    NameTooLong,
    /// Neither 1 nor 2.
    SexUnknown,
    /// AAC060 is none of the list.
    AliveUnknown,
    /// Not the sex of the number.
    SexDiffers,
    /// Not in GB/T 3304.
    EthnicGroupUnknown,
    /// Not a date.
    BirthDateInvalid,
    /// In the future.
    BirthDateFuture,
    /// Not the date of the number.
    BirthDateDiffers,
    /// Not 6 digits.
    RegionInvalid,
    /// No county of the prefecture.
    RegionUnknown,
    /// Neither a mobile nor a landline number.
    PhoneInvalid,
    /// Not in the list of types.
    CertificateTypeUnknown,
    /// Known, but the site registers nobody by it.
    CertificateTypeUnsupported,
    /// The number is none of certificates of this kind.
    CertificateNumber(Kind),
    /// Not in GB/T 2659.
    NationalityUnknown,
    /// No holder of this certificate has it.
    NationalityDiffers,
    /// Not a date, in the future, or before birth.
    CertificateDateInvalid,
    /// A spreadsheet wrote digits as `5.13301E+17`.
    ScientificNotation,
    /// A spreadsheet kept 15 digits.
    DigitsRounded,
    /// A spreadsheet wrote a date as a count of days.
    DateSerial,
}

impl From<RowFault> for Code {
    fn from(fault: RowFault) -> Self {
        match fault {
            RowFault::Cells(found, expected) => Self::CellCount(found, expected),
            RowFault::Quote => Self::QuoteOpen,
            RowFault::TooLong => Self::RowTooLong,
            RowFault::Mixed => Self::EncodingMixed,
            RowFault::NotObject => Self::NotObject,
            RowFault::KeyTwice => Self::KeyTwice,
        }
    }
}

impl Code {
    /// Stable code.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CellCount(..) => "CELL_COUNT",
            Self::QuoteOpen => "QUOTE_OPEN",
            Self::RowTooLong => "ROW_TOO_LONG",
            Self::EncodingMixed => "ENCODING_MIXED",
            Self::NotObject => "NOT_OBJECT",
            Self::KeyTwice => "KEY_TWICE",
            Self::NotValue => "NOT_VALUE",
            Self::NotTakenBack => "NOT_TAKEN_BACK",
            Self::FormulaCell => "FORMULA_CELL",
            Self::Undecodable => "UNDECODABLE",
            Self::ValueMissing => "VALUE_MISSING",
            Self::ValueTooLong(..) => "VALUE_TOO_LONG",
            Self::Formula => "FORMULA",
            Self::ControlCharacter => "CONTROL_CHARACTER",
            Self::NotEncodable(_) => "NOT_ENCODABLE",
            Self::NumberLength | Self::NumberOld => "NUMBER_LENGTH",
            Self::NumberCharacters => "NUMBER_CHARACTERS",
            Self::NumberProvince => "NUMBER_PROVINCE",
            Self::NumberDate => "NUMBER_DATE",
            Self::NumberDateFuture => "NUMBER_DATE_FUTURE",
            Self::NumberDateTooEarly => "NUMBER_DATE_TOO_EARLY",
            Self::NumberCheck => "NUMBER_CHECK",
            Self::DuplicateInFile(_) => "DUPLICATE_IN_FILE",
            Self::NumberTakenInFile(_) => "NUMBER_TAKEN_IN_FILE",
            Self::NameCharacter(_) => "NAME_CHARACTER",
            Self::NameSeparator => "NAME_SEPARATOR",
            Self::NameTooLong => "NAME_TOO_LONG",
            Self::SexUnknown => "SEX_UNKNOWN",
            Self::AliveUnknown => "ALIVE_UNKNOWN",
            Self::SexDiffers => "SEX_DIFFERS",
            Self::EthnicGroupUnknown => "ETHNIC_GROUP_UNKNOWN",
            Self::BirthDateInvalid => "BIRTH_DATE_INVALID",
            Self::BirthDateFuture => "BIRTH_DATE_FUTURE",
            Self::BirthDateDiffers => "BIRTH_DATE_DIFFERS",
            Self::RegionInvalid => "REGION_INVALID",
            Self::RegionUnknown => "REGION_UNKNOWN",
            Self::PhoneInvalid => "PHONE_INVALID",
            Self::CertificateTypeUnknown => "CERTIFICATE_TYPE_UNKNOWN",
            Self::CertificateTypeUnsupported => "CERTIFICATE_TYPE_UNSUPPORTED",
            Self::CertificateNumber(_) => "CERTIFICATE_NUMBER",
            Self::NationalityUnknown => "NATIONALITY_UNKNOWN",
            Self::NationalityDiffers => "NATIONALITY_DIFFERS",
            Self::CertificateDateInvalid => "CERTIFICATE_DATE_INVALID",
            Self::ScientificNotation => "SCIENTIFIC_NOTATION",
            Self::DigitsRounded => "DIGITS_ROUNDED",
            Self::DateSerial => "DATE_SERIAL",
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn message(self, lang: Lang) -> String {
        let (zh, en) = match self {
            Self::CellCount(found, expected) => (
                format!("本行有 {found} 列，表头有 {expected} 列"),
                format!("{found} cells, the header has {expected}"),
            ),
            Self::ValueTooLong(found, most) => {
                (format!("占 {found} 字节，卡上最多 {most} 字节"), format!("{found} bytes, the card holds {most}"))
            }
            Self::NotEncodable(c) => (
                format!("U+{:04X} 是替换符或自造字，不是汉字的统一编码", u32::from(c)),
                format!("U+{:04X} is a replacement or private character, no writing", u32::from(c)),
            ),
            Self::NameCharacter(c) => (
                format!("姓名中不应有“{c}” (U+{:04X})", u32::from(c)),
                format!("names do not have {c:?} (U+{:04X})", u32::from(c)),
            ),
            Self::DuplicateInFile(row) => {
                (format!("与第 {row} 行是同一人"), format!("the same person as on line {row}"))
            }
            Self::NumberTakenInFile(row) => {
                (format!("第 {row} 行已用此号码，姓名不同"), format!("line {row} has this number with another name"))
            }
            Self::CertificateNumber(kind) => (
                format!("不是此类证件（{}）的号码: {}", kind.code(), kind.form(Lang::Zh)),
                format!("no number of such a certificate ({}): {}", kind.code(), kind.form(Lang::En)),
            ),
            plain => {
                let (zh, en) = plain.plain_message();
                (zh.to_owned(), en.to_owned())
            }
        };
        lang.pick(zh, en)
    }

    const fn plain_message(self) -> (&'static str, &'static str) {
        match self {
            Self::QuoteOpen => ("引号没有闭合", "a quotation mark is not closed"),
            Self::RowTooLong => ("本行过长，不像登记数据", "the line is longer than any registry row"),
            Self::EncodingMixed => (
                "本行的编码与读取本文件所用的编码不同（一个是 UTF-8，另一个是 GB 18030）",
                "the line is in another encoding than the file is read in (one is UTF-8, the other GB 18030)",
            ),
            Self::NotObject => ("不是完整的 JSON 对象", "not one whole JSON object"),
            Self::KeyTwice => ("JSON 对象中有重复的键", "the JSON object has a key twice"),
            Self::NotValue => ("值不是文本或数字", "the value is neither text nor number"),
            Self::NotTakenBack => ("此项人人都有，不能撤回", "everybody has it: it cannot be taken back"),
            Self::FormulaCell => ("单元格是公式，不是数据", "the cell is a formula, not data"),
            Self::Undecodable => ("有不成字符的字节", "bytes that are no character in this encoding"),
            Self::ValueMissing => ("必填项为空", "must not be empty"),
            Self::Formula => ("以公式符号开头", "begins like a spreadsheet formula"),
            Self::ControlCharacter => ("含控制字符", "holds a control character"),
            Self::NumberLength => ("号码不是 18 位", "the number has not 18 characters"),
            Self::NumberOld => {
                ("是第一代身份证的 15 位号码", "a number of 15 digits, of the first generation of identity cards")
            }
            Self::NumberCharacters => {
                ("号码应为 17 位数字加一位数字或 X", "the number is not 17 digits and a digit or X")
            }
            Self::NumberProvince => ("号码前两位不是省级代码", "the number begins with no province"),
            Self::NumberDate => ("号码中的出生日期不存在", "the date in the number does not exist"),
            Self::NumberDateFuture => ("号码中的出生日期在未来", "the date in the number lies in the future"),
            Self::NumberDateTooEarly => {
                ("号码中的出生日期过早", "the date in the number is before any living person's birth")
            }
            Self::NumberCheck => ("校验码不符", "the check character does not fit"),
            Self::NameSeparator => ("间隔号在首尾或连续出现", "a separator at an end, or two in a row"),
            Self::NameTooLong => ("姓名超过卡上的 30 + 20 字节", "the name needs more than the card's 30 + 20 bytes"),
            Self::SexUnknown => ("性别代码不是 1 或 2", "the sex is neither 1 nor 2"),
            Self::AliveUnknown => ("生存状态不是 1 至 5", "whether the person is alive is none of 1 to 5"),
            Self::SexDiffers => ("性别与号码第 17 位不符", "the sex differs from digit 17 of the number"),
            Self::EthnicGroupUnknown => ("民族代码不在 GB/T 3304 中", "the ethnic group is not in GB/T 3304"),
            Self::BirthDateInvalid => ("出生日期不是日期", "the birth date is no date"),
            Self::BirthDateFuture => ("出生日期在未来", "the birth date lies in the future"),
            Self::BirthDateDiffers => ("出生日期与号码不符", "the birth date differs from the number"),
            Self::RegionInvalid => ("不是行政区划代码或县名", "neither the code of a region nor the name of a county"),
            Self::RegionUnknown => ("不是本市（州）的县级区划", "the region is no county of this prefecture"),
            Self::PhoneInvalid => ("不是手机或固定电话号码", "neither a mobile nor a landline number"),
            Self::CertificateTypeUnknown => ("证件类型代码未知", "the certificate type is unknown"),
            Self::CertificateTypeUnsupported => {
                ("本中心不凭此类证件登记", "this centre registers nobody by such a certificate")
            }
            Self::NationalityUnknown => ("国籍不在 GB/T 2659 中", "the nationality is not in GB/T 2659"),
            Self::NationalityDiffers => ("国籍与证件不符", "no holder of such a certificate has this nationality"),
            Self::CertificateDateInvalid => {
                ("签发日期不存在、在未来或早于出生", "no date, in the future, or before birth")
            }
            Self::ScientificNotation => (
                "表格软件把号码变成了科学计数法，后面的数字已丢失",
                "a spreadsheet program turned the digits into scientific notation and lost the last ones",
            ),
            Self::DigitsRounded => (
                "表格软件只保留了前 15 位，后几位已变成 0",
                "a spreadsheet program kept 15 digits and wrote zeros for the rest",
            ),
            Self::DateSerial => {
                ("日期变成了表格软件的天数序号", "the date became a spreadsheet program's count of days")
            }
            Self::CellCount(..)
            | Self::ValueTooLong(..)
            | Self::NotEncodable(_)
            | Self::DuplicateInFile(_)
            | Self::NumberTakenInFile(_)
            | Self::CertificateNumber(_)
            | Self::NameCharacter(_) => ("", ""),
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::CellCount(..) | Self::QuoteOpen | Self::RowTooLong => {
                ("检查本行的分隔符和引号", "check delimiters and quotation marks of the line")
            }
            Self::EncodingMixed => (
                "像是把两个导出文件拼在了一起: 分别导入，或全部按同一编码重新导出；声明了 --encoding 的，检查是否声明错了",
                "two exports were put together, it seems: import each by itself, or export all of it again in one encoding; a declared --encoding may be the wrong one",
            ),
            Self::NotObject | Self::KeyTwice => {
                ("检查这一条的括号、引号和键", "check brackets, quotation marks and keys of the object")
            }
            Self::NotValue => ("改为文本", "write it as text"),
            Self::NotTakenBack => (
                "填正确的值；号码有误用 issuer person renumber；可撤回的有民族、行政区划、地址、电话、单位、生存状态、本民族文字姓名",
                "tell the right value; a wrong number is mended with `issuer person renumber`; ethnic group, region, address, phone, employer, alive and name_script can be taken back",
            ),
            Self::FormulaCell => {
                ("选中该列，复制后“选择性粘贴-数值”", "select the column, copy it, and paste it as values")
            }
            Self::Undecodable => ("重新按 GB 18030 或 UTF-8 导出", "export it again in GB 18030 or UTF-8"),
            Self::ValueMissing => ("补填", "fill it in"),
            Self::ValueTooLong(..) => ("按规范缩写", "abbreviate it by your rules"),
            Self::Formula => ("删去开头的 = + - @", "remove the leading = + - @"),
            Self::ControlCharacter => ("删去不可见字符", "remove the invisible character"),
            Self::NotEncodable(_) => (
                "按证件改为该字的 GB 18030 统一编码，或重新导出",
                "write the character by its code in GB 18030, or export the file again",
            ),
            Self::NumberOld => (
                "向本人索取现行身份证上的 18 位号码；不能由 15 位推算",
                "ask the person for the 18 characters on the present identity card; they are not computed from these",
            ),
            Self::NumberLength
            | Self::NumberCharacters
            | Self::NumberProvince
            | Self::NumberDate
            | Self::NumberDateFuture
            | Self::NumberDateTooEarly
            | Self::NumberCheck => ("与身份证核对号码", "compare the number with the identity card"),
            Self::DuplicateInFile(_) => ("删去重复的行", "remove the line that repeats"),
            Self::NumberTakenInFile(_) => {
                ("核实是谁的号码，改正另一人", "find out whose number it is, correct the other")
            }
            Self::NameCharacter(_) | Self::NameSeparator => {
                ("按证件改正姓名，间隔号只用“·”", "correct the name as on the certificate; the only separator is ·")
            }
            Self::NameTooLong => {
                ("按缩写规则与本人确定卡面姓名", "agree with the person on an abbreviation by your rules")
            }
            Self::SexUnknown => ("填 1（男）或 2（女）", "write 1 or 男 (male), 2 or 女 (female)"),
            Self::AliveUnknown => (
                "填 1 正常、2 死亡、3 判刑、4 失踪、5 不详（AAC060），不知道就留空",
                "write 1 normal, 2 dead, 3 sentenced, 4 missing or 5 unknown (AAC060); leave it empty when not known",
            ),
            Self::SexDiffers | Self::BirthDateDiffers => {
                ("与身份证核对，改正有误的一项", "compare with the identity card, correct the wrong one")
            }
            Self::EthnicGroupUnknown => {
                ("填民族名称或代码 01 至 56、97、98", "write the name of the group, or 01 to 56, 97 or 98")
            }
            Self::BirthDateInvalid | Self::BirthDateFuture => {
                ("按 YYYYMMDD 填写", "write it as YYYYMMDD or YYYY-MM-DD")
            }
            Self::RegionInvalid | Self::RegionUnknown => (
                "填本市（州）县级代码（GB/T 2260）或县名",
                "write the code (GB/T 2260) or the name of a county of this prefecture",
            ),
            Self::PhoneInvalid => {
                ("填 11 位手机号或带区号的固定电话", "write 11 digits, or a landline with its area code")
            }
            Self::CertificateTypeUnknown => ("填 01 至 08 或证件名称", "write 01 to 08 or the name of the certificate"),
            Self::CertificateTypeUnsupported => (
                "有公民身份号码的人，填公民身份号码；没有的人由本中心在 centre.toml 的 [people] certificates 中允许此类证件后再登记",
                "write the citizen number of somebody who has one; for others let the centre allow such certificates ([people] certificates of centre.toml)",
            ),
            Self::CertificateNumber(_) => ("与证件核对号码和证件类型", "compare number and kind with the certificate"),
            Self::NationalityUnknown => (
                "填三个字母（GBR）、三位数字（826）或中文简称",
                "write three letters (GBR), three digits (826) or the Chinese short name",
            ),
            Self::NationalityDiffers => {
                ("与证件核对，改正有误的一项", "compare with the certificate, correct the wrong one")
            }
            Self::CertificateDateInvalid => ("与证件核对", "compare with the certificate"),
            Self::ScientificNotation | Self::DigitsRounded => (
                "从原系统重新导出；用表格软件打开前先把该列设为“文本”",
                "export it again from the original system; set the column to \"text\" before a spreadsheet program opens it",
            ),
            Self::DateSerial => (
                "把该列设为日期格式 YYYY-MM-DD 后重新另存",
                "give the column a date format, YYYY-MM-DD, and save the file again",
            ),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

/// A value as a report may show it: codes of at most two characters as they stand, the ends of longer ones.
#[must_use]
pub fn masked(value: &str) -> Box<str> {
    let plain: String = value.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).take(64).collect();
    let count = plain.chars().count();
    let ascii = plain.is_ascii();
    let shown = match count {
        0..=2 if ascii => plain,
        0..=6 => mask(&plain, 1, 0),
        _ if ascii => mask(&plain, 2, 2),
        _ => mask(&plain, 1, 1),
    };
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_value_does_not_hold_what_it_masks() {
        assert_eq!(&*masked("513301199001011234"), "51**************34");
        assert_eq!(&*masked("王?明"), "王**");
        assert_eq!(&*masked("77"), "77");
        assert_eq!(&*masked("513399"), "5*****");
        assert_eq!(&*masked("李"), "*");
    }
}
