//! Values to bytes and back, strict when writing, lenient when reading.
//!
//! Source: LD/T 32 value formats as published; field cards for what readers must put up with.
//! Owns: one value of one format. Composite values are joined by `image`, which knows their items.
//! Never: panics on any bytes, drops a deviation silently: it comes back beside the value.
//! Units: amounts in fen; positions from 1.
#![warn(clippy::indexing_slicing)]

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::codes;
use crate::format::{Format, FormatKind};
use crate::identity::{is_bcd_date, is_date};
use crate::profile::Element;
use crate::text::{self, NotInGbk, encode_text, is_plain};

/// A value as people and JSON have it. `b` as upper-case hex, `cn` as digits, `an` as text, amounts (fen) and sequence
/// numbers as numbers; the empty text is an item that is not filled.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// `cn-amt`, `b-amt`, `b-seq`.
    Number(u64),
    /// `b`, `cn`, `an`, and not filled. Most are short, and held in the value itself.
    Text(SmolStr),
}

impl Value {
    /// An item that is not filled.
    pub const BLANK: Self = Self::Text(SmolStr::new_static(""));

    /// Bytes as hex.
    #[must_use]
    pub fn bytes(bytes: &[u8]) -> Self {
        with_hex(bytes, |digits| Self::Text(ascii(digits)))
    }

    /// The text; `None` for a number.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) => None,
        }
    }

    /// The number; `None` for text.
    #[must_use]
    pub const fn as_number(&self) -> Option<u64> {
        match self {
            Self::Text(_) => None,
            Self::Number(number) => Some(*number),
        }
    }
}

/// Values are personal: `Debug` shows their kind and size only.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} characters)", text.chars().count()),
            Self::Number(_) => f.write_str("Number(..)"),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

/// Why a value cannot be written. Mended by whoever prepared the value; it is not repeated here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A number where text is expected, or the other way round.
    #[error("{expected} expected")]
    Kind {
        /// What the format holds.
        expected: &'static str,
    },
    /// Longer than the item.
    #[error("{bytes} bytes, the item holds {max}")]
    TooLong {
        /// Bytes of the value.
        bytes: usize,
        /// Bytes of the item.
        max: usize,
    },
    /// `b` of another length.
    #[error("{bytes} bytes, the item has exactly {expected}")]
    Length {
        /// Bytes of the value.
        bytes: usize,
        /// Bytes of the item.
        expected: usize,
    },
    /// `cn` with something else than digits.
    #[error("character {position} is not a digit")]
    NotDigit {
        /// Its place.
        position: usize,
    },
    /// `b` that is no hex.
    #[error("not hexadecimal bytes")]
    NotHex,
    /// A character without GBK code.
    #[error(transparent)]
    NotInGbk(#[from] NotInGbk),
    /// A control character, which padding could not be told from.
    #[error("character {position} is a control character")]
    Control {
        /// Its place.
        position: usize,
    },
    /// Digits that are no day of the calendar where a date belongs.
    #[error("no date: a day is written YYYYMMDD")]
    NotDate,
    /// A code with fewer digits than its list has.
    #[error("{digits} digits, the code has {expected}")]
    Digits {
        /// Digits of the value.
        digits: usize,
        /// Digits of the code.
        expected: usize,
    },
    /// A number larger than the item holds.
    #[error("larger than {max}, the most that the item holds")]
    TooLarge {
        /// The most.
        max: u64,
    },
    /// A composite value as a whole.
    #[error("a composite value is written item by item")]
    Composite,
}

impl EncodeError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Kind { .. } => "VALUE_KIND",
            Self::TooLong { .. } => "VALUE_TOO_LONG",
            Self::Length { .. } => "VALUE_LENGTH",
            Self::NotDigit { .. } => "VALUE_NOT_DIGITS",
            Self::NotHex => "VALUE_NOT_HEX",
            Self::NotInGbk(_) => "VALUE_NOT_IN_GBK",
            Self::Control { .. } => "VALUE_CONTROL_CHARACTER",
            Self::NotDate => "VALUE_NOT_DATE",
            Self::Digits { .. } => "VALUE_DIGITS",
            Self::TooLarge { .. } => "VALUE_TOO_LARGE",
            Self::Composite => "VALUE_COMPOSITE",
        }
    }

    /// The error in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::Kind { expected } => {
                format!("值的类型不对，应为{}", if *expected == NUMBER { "数字" } else { "文本" })
            }
            Self::TooLong { bytes, max } => format!("共 {bytes} 字节，该数据项最多 {max} 字节"),
            Self::Length { bytes, expected } => format!("共 {bytes} 字节，该数据项应为 {expected} 字节"),
            Self::NotDigit { position } => format!("第 {position} 个字符不是数字"),
            Self::NotHex => "不是十六进制".to_owned(),
            Self::NotInGbk(error) => format!("第 {} 个字符不在 GBK 字符集内", error.position),
            Self::Control { position } => format!("第 {position} 个字符是控制字符"),
            Self::NotDate => "不是日历上的日期，应写成 YYYYMMDD".to_owned(),
            Self::Digits { digits, expected } => format!("共 {digits} 位数字，该代码应为 {expected} 位"),
            Self::TooLarge { max } => format!("超过该数据项的最大值 {max}"),
            Self::Composite => "复合数据项须逐项写入".to_owned(),
        }
    }
}

/// How bytes on a card deviate from their format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Fewer bytes than the profile says.
    #[error("{got} bytes instead of {expected}")]
    Short {
        /// By the profile.
        expected: usize,
        /// On the card.
        got: usize,
    },
    /// More bytes than the profile says.
    #[error("{got} bytes instead of {expected}")]
    Overlong {
        /// By the profile.
        expected: usize,
        /// On the card.
        got: usize,
    },
    /// Text padded with FF (seen on 姓名扩展).
    #[error("text padded with FF")]
    FfPadding,
    /// Text padded with blanks to the end of its item; they are shown, since nothing says where the text ends.
    #[error("text padded with blanks")]
    BlankPadding,
    /// Something after the end of the text.
    #[error("bytes after the end of the text")]
    AfterEnd,
    /// A character that begins in this item and ends in its extension (姓名, 姓名扩展); it is shown there.
    #[error("a character is split between this item and its extension")]
    SplitCharacter,
    /// Bytes that are no GBK, shown as U+FFFD.
    #[error("bytes that are no GBK")]
    BadGbk,
    /// Nibbles that are no digits, shown as hex.
    #[error("digits expected, other nibbles found")]
    BadDigits,
    /// Digits that are no day of the calendar where a date belongs.
    #[error("no day of the calendar")]
    NotDate,
    /// A year as ASCII text where a BCD date belongs (a test card of 2012).
    #[error("a year as text instead of a date")]
    AsciiYear,
    /// Readable, yet not as this program would write it.
    #[error("readable, but written in an unusual way")]
    Unusual,
    /// The record of this item is not there.
    #[error("the record is missing")]
    Missing,
    /// A record or inner item that the profile does not know.
    #[error("unknown tag {tag:02X}")]
    UnknownTag {
        /// Its tag.
        tag: u8,
    },
    /// A record or inner item once more than the profile has it: the one before counts.
    #[error("tag {tag:02X} once more")]
    Repeated {
        /// Its tag.
        tag: u8,
    },
    /// Records that the profile knows, in another order than it has them.
    #[error("records in another order")]
    OutOfOrder,
    /// The last record ends before its announced length.
    #[error("the file ends inside a record")]
    Truncated,
}

impl Fault {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Short { .. } => "ITEM_SHORT",
            Self::Overlong { .. } => "ITEM_OVERLONG",
            Self::FfPadding => "ITEM_FF_PADDING",
            Self::BlankPadding => "ITEM_BLANK_PADDING",
            Self::AfterEnd => "ITEM_AFTER_END",
            Self::SplitCharacter => "ITEM_SPLIT_CHARACTER",
            Self::BadGbk => "ITEM_BAD_GBK",
            Self::BadDigits => "ITEM_BAD_DIGITS",
            Self::NotDate => "ITEM_NOT_DATE",
            Self::AsciiYear => "ITEM_ASCII_YEAR",
            Self::Unusual => "ITEM_UNUSUAL",
            Self::Missing => "ITEM_MISSING",
            Self::UnknownTag { .. } => "ITEM_UNKNOWN_TAG",
            Self::Repeated { .. } => "ITEM_REPEATED",
            Self::OutOfOrder => "RECORDS_OUT_OF_ORDER",
            Self::Truncated => "ITEM_TRUNCATED",
        }
    }

    /// The fault in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::Short { expected, got } | Self::Overlong { expected, got } => {
                format!("长度为 {got} 字节，应为 {expected} 字节")
            }
            Self::FfPadding => "文本以 FF 填充".to_owned(),
            Self::BlankPadding => "文本以空格填充".to_owned(),
            Self::AfterEnd => "文本结束符之后还有数据".to_owned(),
            Self::SplitCharacter => "一个汉字被拆在本项与扩展项之间".to_owned(),
            Self::BadGbk => "不是有效的 GBK 文本".to_owned(),
            Self::BadDigits => "不是有效的 BCD 数字".to_owned(),
            Self::NotDate => "不是日历上的日期".to_owned(),
            Self::AsciiYear => "日期写成了 ASCII 年份".to_owned(),
            Self::Unusual => "可以读出，但编码方式不规范".to_owned(),
            Self::Missing => "缺少该记录".to_owned(),
            Self::UnknownTag { tag } => format!("未知的记录标识 {tag:02X}"),
            Self::Repeated { tag } => format!("记录标识 {tag:02X} 重复"),
            Self::OutOfOrder => "记录的次序与卡片描述不同".to_owned(),
            Self::Truncated => "文件在记录中间结束".to_owned(),
        }
    }
}

const NUMBER: &str = "a number";
const TEXT: &str = "text";

/// The bytes of a value, exactly as long as its format says.
///
/// # Errors
/// [`EncodeError`]; nothing is cut, replaced or rounded.
pub fn encode(format: Format, value: &Value) -> Result<Vec<u8>, EncodeError> {
    let length = usize::from(format.length);
    match (format.kind, value) {
        (FormatKind::BTlv, _) => Err(EncodeError::Composite),
        (kind, Value::Text(text)) if text.is_empty() => Ok(vec![padding(kind); length]),
        (FormatKind::B, Value::Text(text)) => {
            let bytes = hex::decode(text).map_err(|_| EncodeError::NotHex)?;
            if bytes.len() == length {
                Ok(bytes)
            } else {
                Err(EncodeError::Length { bytes: bytes.len(), expected: length })
            }
        }
        (FormatKind::An, Value::Text(text)) => {
            if let Some(index) = text.chars().position(char::is_control) {
                return Err(EncodeError::Control { position: index + 1 });
            }
            padded(encode_text(text)?, length, 0x00)
        }
        (FormatKind::Cn, Value::Text(text)) => digits(text, length),
        (FormatKind::CnAmount, Value::Number(fen)) => {
            let text = fen.to_string();
            let even = if text.len() % 2 == 1 { format!("0{text}") } else { text };
            let max = 10_u64.checked_pow(u32::from(format.length) * 2).map_or(u64::MAX, |limit| limit - 1);
            if *fen > max { Err(EncodeError::TooLarge { max }) } else { digits(&even, length) }
        }
        (FormatKind::BAmount | FormatKind::BSequence, Value::Number(number)) => big_endian(*number, length),
        (FormatKind::B | FormatKind::An | FormatKind::Cn, Value::Number(_)) => {
            Err(EncodeError::Kind { expected: TEXT })
        }
        (FormatKind::CnAmount | FormatKind::BAmount | FormatKind::BSequence, Value::Text(_)) => {
            Err(EncodeError::Kind { expected: NUMBER })
        }
    }
}

/// The bytes of an item's value: a day where it holds one, a whole code where it holds one of a list whose codes fill it.
///
/// # Errors
/// [`EncodeError`].
pub fn encode_item(item: &Element, value: &Value) -> Result<Vec<u8>, EncodeError> {
    let bytes = encode(item.format, value)?;
    let text = value.as_text().unwrap_or_default();
    let expected = 2 * usize::from(item.format.length);
    let fills = item.format.kind == FormatKind::Cn && codes::fills_its_item(&item.id);
    if fills && !text.is_empty() && text.len() != expected {
        return Err(EncodeError::Digits { digits: text.len(), expected });
    }
    let is_day = !item.is_date() || value.as_text().is_some_and(is_day_or_blank);
    if is_day { Ok(bytes) } else { Err(EncodeError::NotDate) }
}

/// What an item holds before it is filled: `an`, `b` and binary numbers 00, `cn` FF, composites their empty items.
#[must_use]
pub fn blank(element: &Element) -> Vec<u8> {
    match (element.format.kind, element.inner.as_slice()) {
        (FormatKind::BTlv, inner) => {
            inner.iter().flat_map(|item| card_core::tlv::encode(item.tag.unwrap_or_default(), &blank(item))).collect()
        }
        (kind, _) => vec![padding(kind); usize::from(element.format.length)],
    }
}

/// The value of bytes from a card, and how they deviate. Any bytes have a value.
#[must_use]
pub fn decode(format: Format, bytes: &[u8]) -> (Value, Vec<Fault>) {
    let mut faults = Vec::new();
    let (expected, got) = (usize::from(format.length), bytes.len());
    if got < expected {
        faults.push(Fault::Short { expected, got });
    } else if got > expected {
        faults.push(Fault::Overlong { expected, got });
    }
    let value = match format.kind {
        FormatKind::B | FormatKind::BTlv => Value::bytes(bytes),
        FormatKind::An => decode_an(bytes, &mut faults),
        FormatKind::Cn => decode_cn(bytes, &mut faults),
        FormatKind::CnAmount => match decode_digits(bytes, &mut faults) {
            Value::Text(text) if !text.is_empty() => text.parse().map_or(Value::Text(text), Value::Number),
            blank => blank,
        },
        FormatKind::BAmount | FormatKind::BSequence => decode_big_endian(bytes, &mut faults),
    };
    // Only text and decimal amounts have several spellings; the others come back as the same bytes whenever nothing is amiss.
    let has_spellings = match format.kind {
        FormatKind::An => value.as_text().is_none_or(|text| !is_plain(bytes, text)),
        FormatKind::CnAmount => true,
        FormatKind::B | FormatKind::Cn | FormatKind::BAmount | FormatKind::BSequence | FormatKind::BTlv => false,
    };
    if faults.is_empty() && has_spellings && encode(format, &value).ok().as_deref() != Some(bytes) {
        faults.push(Fault::Unusual);
    }
    (value, faults)
}

/// As [`decode`], for an item, which may hold a day.
#[must_use]
pub fn decode_item(item: &Element, bytes: &[u8]) -> (Value, Vec<Fault>) {
    let (value, mut faults) = decode(item.format, bytes);
    if faults.is_empty() && item.is_date() && !is_bcd_day_or_blank(bytes) {
        faults.push(Fault::NotDate);
    }
    (value, faults)
}

const fn padding(kind: FormatKind) -> u8 {
    match kind {
        FormatKind::Cn | FormatKind::CnAmount => 0xFF,
        FormatKind::An | FormatKind::B | FormatKind::BAmount | FormatKind::BSequence | FormatKind::BTlv => 0x00,
    }
}

fn padded(mut bytes: Vec<u8>, length: usize, padding: u8) -> Result<Vec<u8>, EncodeError> {
    if bytes.len() > length {
        return Err(EncodeError::TooLong { bytes: bytes.len(), max: length });
    }
    bytes.resize(length, padding);
    Ok(bytes)
}

fn digits(text: &str, length: usize) -> Result<Vec<u8>, EncodeError> {
    if let Some(index) = text.chars().position(|c| !c.is_ascii_digit()) {
        return Err(EncodeError::NotDigit { position: index + 1 });
    }
    let nibble = |pair: &[u8], index: usize| pair.get(index).map_or(0x0F, |digit| digit & 0x0F);
    let bytes = text.as_bytes().chunks(2).map(|pair| nibble(pair, 0) << 4 | nibble(pair, 1)).collect();
    padded(bytes, length, 0xFF)
}

fn big_endian(number: u64, length: usize) -> Result<Vec<u8>, EncodeError> {
    let bytes = number.to_be_bytes();
    let (head, tail) = bytes.split_at_checked(bytes.len().saturating_sub(length)).unwrap_or((&[], &bytes));
    if head.iter().any(|byte| *byte != 0) {
        let bits = u32::try_from(length * 8).unwrap_or(u32::MAX);
        return Err(EncodeError::TooLarge { max: 1_u64.checked_shl(bits).map_or(u64::MAX, |limit| limit - 1) });
    }
    let mut whole = vec![0; length.saturating_sub(tail.len())];
    whole.extend(tail);
    Ok(whole)
}

fn decode_an(bytes: &[u8], faults: &mut Vec<Fault>) -> Value {
    let end = bytes.iter().position(|byte| *byte == 0x00).unwrap_or(bytes.len());
    let (content, after) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
    if after.iter().any(|byte| *byte != 0x00) {
        faults.push(if after.iter().all(|byte| matches!(byte, 0x00 | 0xFF)) {
            Fault::FfPadding
        } else {
            Fault::AfterEnd
        });
    }
    let kept = content.iter().rposition(|byte| *byte != 0xFF).map_or(0, |last| last + 1);
    if kept < content.len() {
        faults.push(Fault::FfPadding);
    }
    let (text, malformed) = text::decode(content.get(..kept).unwrap_or(content));
    if malformed {
        faults.push(Fault::BadGbk);
    }
    // A blank before 00 is the text's own.
    if after.is_empty() && kept == content.len() && text.ends_with([' ', '\u{3000}']) {
        faults.push(Fault::BlankPadding);
    }
    Value::Text(text.into())
}

/// The same for the bytes of an item.
fn is_bcd_day_or_blank(bytes: &[u8]) -> bool {
    <[u8; 4]>::try_from(bytes).is_ok_and(|date| is_bcd_date(date) || date == [0x00; 4] || date == [0xFF; 4])
}

/// Whether digits are a day, or those of an item that was filled with 00.
fn is_day_or_blank(text: &str) -> bool {
    is_date(text) || text.bytes().all(|digit| digit == b'0') && matches!(text.len(), 0 | 8)
}

/// Digits, or where a date belongs a year of this or the last century as text.
fn decode_cn(bytes: &[u8], faults: &mut Vec<Fault>) -> Value {
    let is_year = bytes.len() == 4 && (bytes.starts_with(b"19") || bytes.starts_with(b"20"));
    if is_year && bytes.iter().all(u8::is_ascii_digit) && !is_date(&hex::encode_upper(bytes)) {
        faults.push(Fault::AsciiYear);
        return Value::Text(ascii(bytes));
    }
    decode_digits(bytes, faults)
}

fn decode_digits(bytes: &[u8], faults: &mut Vec<Fault>) -> Value {
    with_hex(bytes, |digits| {
        let padding = digits.iter().rev().take_while(|digit| **digit == b'F').count();
        let kept = digits.get(..digits.len() - padding).unwrap_or_default();
        if kept.iter().all(u8::is_ascii_digit) {
            return Value::Text(ascii(kept));
        }
        faults.push(Fault::BadDigits);
        Value::Text(ascii(digits))
    })
}

/// Most bytes of an item whose digits need no memory of their own: nearly all.
const SHORT_BYTES: usize = 32;

/// Does something with the digits of bytes in hexadecimal, upper case.
fn with_hex<T>(bytes: &[u8], work: impl FnOnce(&[u8]) -> T) -> T {
    // Two digits a byte, without a branch: a photo has thousands.
    let digit = |nibble: u8| nibble + b'0' + 7 * u8::from(nibble > 9);
    let write = |digits: &mut [u8]| {
        let pairs = digits.as_chunks_mut::<2>().0.iter_mut();
        pairs.zip(bytes).for_each(|(pair, byte)| *pair = [digit(byte >> 4), digit(byte & 0x0F)]);
    };
    let (mut short, mut long) = ([0; 2 * SHORT_BYTES], Vec::new());
    let digits = match short.get_mut(..2 * bytes.len()) {
        Some(digits) => digits,
        None => {
            long.resize(2 * bytes.len(), 0);
            &mut long
        }
    };
    write(digits);
    work(digits)
}

fn ascii(digits: &[u8]) -> SmolStr {
    std::str::from_utf8(digits).expect("digits are ASCII").into()
}

fn decode_big_endian(bytes: &[u8], faults: &mut Vec<Fault>) -> Value {
    match bytes.iter().try_fold(0_u64, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(*byte))) {
        Some(number) => Value::Number(number),
        None => {
            faults.push(Fault::BadDigits);
            Value::bytes(bytes)
        }
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test that looks past the end fails, as it should")]
mod domain;
#[cfg(test)]
mod tests;
