//! What kind of file a bureau sent: text in UTF-8 or GB 18030, JSON, a workbook, or something that is no table at all.
//!
//! Source: the first bytes of common formats; GB 18030 text is hardly ever valid UTF-8.
//! Owns: telling them apart, the digest of the whole file. Never: holds more than a block of the file.

use std::fs::File;
use std::io::{self, Read, Seek};

use encoding_rs::{BIG5, Encoding, GB18030, UTF_8};
use ring::digest::{Context, SHA256};

use super::column::Column;
use super::refusal::TableError;
use super::table::{HEADER_RECORDS_MAX, OpenError};

/// Bytes of a block.
const BLOCK: usize = 1 << 16;

/// Most bytes of the lines among which a header is looked for.
const HEAD_BYTES_MAX: u64 = 64 * 1024;

/// First bytes of archives: a workbook is one.
const ARCHIVE: &[u8] = b"PK\x03\x04";
/// First bytes of formats that are no text and no workbook of today: old workbooks, PDF, gzip, RAR, 7z.
const BINARIES: [&[u8]; 5] = [b"\xD0\xCF\x11\xE0", b"%PDF", b"\x1F\x8B", b"Rar!", b"7z\xBC\xAF"];

/// An encoding that a source or an operator states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Declared {
    /// GB 18030, and so GBK and GB 2312.
    #[value(name = "gb18030", alias = "gbk", alias = "gb2312")]
    Gb18030,
    /// UTF-8, with or without mark.
    #[value(name = "utf-8", alias = "utf8")]
    Utf8,
}

impl Declared {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gb18030 => "gb18030",
            Self::Utf8 => "utf-8",
        }
    }

    /// The encoding of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Gb18030, Self::Utf8].into_iter().find(|known| known.name() == name)
    }
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Lines of cells in this encoding.
    Text(&'static Encoding),
    /// JSON: an array of objects, or objects one after the other, in this encoding.
    Json(&'static Encoding),
    /// An archive, which a workbook is.
    Workbook,
}

/// What one pass over a file tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scan {
    pub(super) kind: Kind,
    /// SHA-256 of all bytes, hex.
    pub(super) digest: String,
    /// Bytes.
    pub(super) length: u64,
}

/// UTF-8 by its mark or because nearly all of its longer sequences are UTF-8; GB 18030 otherwise. One damaged byte must
/// not turn a UTF-8 file into another language.
///
/// # Errors
/// [`OpenError`] when it is no text, UTF-16, or in two encodings.
pub(super) fn scan(file: &mut File, declared: Option<Declared>) -> Result<Scan, OpenError> {
    let (mut good, mut bad, mut first) = (0_u64, 0_u64, true);
    let mut utf8_header = false;
    let (mut digest, mut length, mut kind) = (Context::new(&SHA256), 0_u64, None);
    let mut buffer = vec![0; BLOCK];
    let mut kept = 0;
    loop {
        let read = file.read(buffer.get_mut(kept..).unwrap_or_default()).map_err(OpenError::Read)?;
        digest.update(buffer.get(kept..kept + read).unwrap_or_default());
        length += u64::try_from(read).unwrap_or_default();
        let mut rest = buffer.get(..kept + read).unwrap_or_default();
        if first {
            kind = first_bytes(rest).map_err(OpenError::Table)?;
            if rest.starts_with(b"\xEF\xBB\xBF") {
                good += 1 << 32;
            }
            utf8_header = is_chinese_utf8(rest.split(|byte| *byte == b'\n').next().unwrap_or_default());
            first = false;
        }
        let end = read == 0;
        if kind == Some(Kind::Workbook) {
            kept = 0;
            if end {
                break;
            }
            continue;
        }
        while let Err(error) = std::str::from_utf8(rest) {
            let (valid, after) = rest.split_at(error.valid_up_to());
            good += sequences(valid);
            let Some(length) = error.error_len() else {
                rest = after;
                break;
            };
            bad += 1;
            rest = after.get(length..).unwrap_or_default();
        }
        if let Ok(valid) = std::str::from_utf8(rest) {
            good += sequences(valid.as_bytes());
            rest = &[];
        }
        if end {
            break;
        }
        let tail = rest.to_vec();
        kept = tail.len();
        buffer.get_mut(..kept).unwrap_or_default().copy_from_slice(&tail);
    }
    file.rewind().map_err(OpenError::Read)?;
    let is_json = matches!(kind, Some(Kind::Json(_)));
    let encoding = match declared {
        // JSON is UTF-8 by its standard: another encoding is believed when the bytes are no UTF-8.
        Some(Declared::Gb18030) if !is_json || bad * 10 > good => GB18030,
        Some(Declared::Utf8) => UTF_8,
        _ if bad * 10 <= good => UTF_8,
        // A header that another program put over the rows: either half would be nonsense in the encoding of the other.
        None if utf8_header && !is_json => return Err(OpenError::Table(TableError::TwoEncodings)),
        _ => GB18030,
    };
    let digest = hex::encode_upper(digest.finish());
    let kind = match kind {
        Some(Kind::Workbook) => Kind::Workbook,
        Some(Kind::Json(_)) => Kind::Json(encoding),
        Some(Kind::Text(_)) | None => Kind::Text(encoding),
    };
    Ok(Scan { kind, digest, length })
}

/// What to say of a file whose first lines are no header in the encoding that was found for it.
pub(super) fn headless(
    file: &mut File,
    found: &'static Encoding,
    declared: Option<Declared>,
) -> io::Result<TableError> {
    if found != GB18030 || declared.is_some() {
        return Ok(TableError::NoHeader);
    }
    let mut head = Vec::new();
    file.rewind()?;
    file.by_ref().take(HEAD_BYTES_MAX).read_to_end(&mut head)?;
    file.rewind()?;
    let mut lines = head.split(|byte| *byte == b'\n').take(HEADER_RECORDS_MAX);
    Ok(if lines.any(is_no_gb18030) { TableError::OtherEncoding } else { TableError::NoHeader })
}

/// Whether a line is hardly GB 18030: its bytes are not, or make characters that nobody writes into a header, most of them outside of
/// GB 2312; or it says in Big5 what a header says.
fn is_no_gb18030(line: &[u8]) -> bool {
    let big5 = BIG5.decode_without_bom_handling_and_without_replacement(line);
    let cells = |text: &str| text.split([',', '\t', ';']).any(|cell| Column::of_header(cell.trim()).is_some());
    if !line.is_ascii() && big5.is_some_and(|text| cells(&text)) {
        return true;
    }
    let (mut common, mut rare) = (0_usize, 0_usize);
    let mut rest = line;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if first.is_ascii() {
            continue;
        }
        let Some((second, after)) = after.split_first() else { return true };
        rest = after;
        if *first >= 0xA1 && *second >= 0xA1 { common += 1 } else { rare += 1 }
    }
    rare > common
}

/// Sequences of three or more bytes, which Chinese text in UTF-8 is made of.
fn sequences(valid: &[u8]) -> u64 {
    u64::try_from(valid.iter().filter(|byte| **byte >= 0xE0).count()).unwrap_or(u64::MAX)
}

/// Whether a line is UTF-8 of Chinese writing. GB 18030 of two Chinese words never is.
fn is_chinese_utf8(line: &[u8]) -> bool {
    std::str::from_utf8(line).is_ok() && sequences(line) >= 4
}

/// Whether the cells of a row are UTF-8 of Chinese writing beyond doubt. A few bytes of GB 18030 may make UTF-8 by chance, of
/// two-byte characters above all: of those none but the dot of names is taken for writing.
pub(super) fn is_utf8_alone(row: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(row) else { return false };
    text.chars().all(|c| c.is_ascii() || c == '\u{B7}' || c >= '\u{800}') && text.chars().any(is_ideograph)
}

/// Whether the cells of a row that is no UTF-8 are GB 18030: it makes characters throughout, and UTF-8 not one that is Chinese.
pub(super) fn is_gb18030_alone(row: &[u8]) -> bool {
    GB18030.decode_without_bom_handling_and_without_replacement(row).is_some()
        && !String::from_utf8_lossy(row).chars().any(is_ideograph)
}

/// A character of the block that nearly all names are written in.
fn is_ideograph(c: char) -> bool {
    ('\u{4E00}'..='\u{9FFF}').contains(&c)
}

/// What the first bytes tell; none when it is text whose encoding is to be found.
fn first_bytes(head: &[u8]) -> Result<Option<Kind>, TableError> {
    if let Some(error) = no_text(head) {
        return Err(error);
    }
    if head.starts_with(ARCHIVE) {
        return Ok(Some(Kind::Workbook));
    }
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    Ok((text.starts_with(b"{") || begins_an_array(text)).then_some(Kind::Json(UTF_8)))
}

/// `[` and an object, or `[` and nothing: `[序号],姓名` is a header.
fn begins_an_array(text: &[u8]) -> bool {
    text.strip_prefix(b"[").is_some_and(|rest| matches!(rest.trim_ascii_start().first(), Some(b'{' | b']') | None))
}

fn no_text(head: &[u8]) -> Option<TableError> {
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
        return Some(TableError::Utf16);
    }
    if head.starts_with(ARCHIVE) {
        return None;
    }
    if BINARIES.iter().any(|magic| head.starts_with(magic)) {
        return Some(TableError::NotText);
    }
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    if text.starts_with(b"<") {
        return Some(TableError::Markup);
    }
    // UTF-16 without its mark has a zero beside every ASCII character; other text has none in its first line.
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.contains(&0) {
        let beside = |pair: &[u8]| {
            matches!(
                pair,
                [0, b',' | b'\t' | b';' | b'\r' | b'A'..=b'z'] | [b',' | b'\t' | b';' | b'\r' | b'A'..=b'z', 0]
            )
        };
        return Some(if line.windows(2).any(beside) { TableError::Utf16 } else { TableError::NotText });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn of(bytes: &[u8]) -> Result<Kind, TableError> {
        let mut file = tempfile::tempfile().expect("file");
        file.write_all(bytes).and_then(|()| file.rewind()).expect("written");
        scan(&mut file, None).map(|scan| scan.kind).map_err(|error| match error {
            OpenError::Table(error) => error,
            OpenError::Read(error) => panic!("{error}"),
        })
    }

    #[test]
    fn text_is_told_from_text() {
        assert_eq!(of("姓名,性别\n扎西,1\n".as_bytes()), Ok(Kind::Text(UTF_8)));
        assert_eq!(of(&GB18030.encode("姓名,性别\n扎西,1\n").0), Ok(Kind::Text(GB18030)));
        assert_eq!(of(b"name,sex\n"), Ok(Kind::Text(UTF_8)));
        // A character lies across the end of a block.
        assert_eq!(of("姓".repeat(BLOCK).as_bytes()), Ok(Kind::Text(UTF_8)));
        assert_eq!(of(&GB18030.encode(&"姓".repeat(BLOCK)).0), Ok(Kind::Text(GB18030)));
    }

    #[test]
    fn json_and_workbooks_are_told_by_their_first_bytes() {
        for text in ["{\"a\":1}", " \n[ {", "[]", "\u{FEFF}[\r\n{}]"] {
            assert_eq!(of(text.as_bytes()), Ok(Kind::Json(UTF_8)), "{text}");
        }
        assert_eq!(of(&GB18030.encode("{\"姓名\":\"扎西\"}").0), Ok(Kind::Json(GB18030)));
        assert_eq!(of("[序号],姓名\n".as_bytes()), Ok(Kind::Text(UTF_8)));
        assert_eq!(of(b"PK\x03\x04\0\0"), Ok(Kind::Workbook));
    }

    #[test]
    fn a_declared_encoding_is_believed_and_the_digest_is_of_all_bytes() {
        let mut file = tempfile::tempfile().expect("file");
        let bytes = "姓名\n".repeat(BLOCK);
        file.write_all(bytes.as_bytes()).and_then(|()| file.rewind()).expect("written");
        let scan = scan(&mut file, Some(Declared::Gb18030)).expect("text");
        let digest = hex::encode_upper(ring::digest::digest(&SHA256, bytes.as_bytes()));
        assert_eq!((scan.kind, scan.digest, scan.length), (Kind::Text(GB18030), digest, 7 * 65_536));
    }

    #[test]
    fn a_header_in_one_encoding_over_rows_in_another_is_told() {
        let rows = GB18030.encode("扎西,男\n").0.repeat(20);
        assert_eq!(of(&["姓名,性别\n".as_bytes(), &rows].concat()), Err(TableError::TwoEncodings));
        assert_eq!(of(&[b"name,sex\n", &rows[..]].concat()), Ok(Kind::Text(GB18030)));
    }

    /// Surnames and characters of given names that are most common; pairs of them are 6,600 names, each as two and as three characters.
    const SURNAMES: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦秦";
    const GIVEN: &str = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建国文志海燕梅婷雪飞鹏峰浩宇欣怡子涵梓轩晨阳雨佳琪思颖博俊凯琳萍慧莉波斌辉龙云春林东成永新宏亮家安康乐天福生贵荣德祥光庆胜凤珍琴玲香翠淑诗睿翰楠妮";

    #[test]
    fn a_row_in_another_encoding_is_told_and_no_common_name_is_taken_for_one() {
        let (surnames, given): (Vec<char>, Vec<char>) = (SURNAMES.chars().collect(), GIVEN.chars().collect());
        let pairs = || surnames.iter().flat_map(|name| given.iter().map(move |first| (name, first)));
        assert_eq!(pairs().count(), 6_600);
        let (mut wrong, mut missed, mut unseen) = (0, 0, 0);
        for (surname, first) in pairs() {
            let third = given.iter().map(|second| format!("{surname}{first}{second}"));
            for name in third.chain([format!("{surname}{first}")]) {
                let row = format!("513301199001010013{name}");
                let gb = GB18030.encode(&row).0;
                wrong += usize::from(is_utf8_alone(&gb));
                missed += usize::from(!is_utf8_alone(row.as_bytes()));
                unseen += usize::from(!is_gb18030_alone(&gb));
            }
        }
        assert_eq!((wrong, missed), (0, 0), "of 666,600 names");
        // Of the others a row is refused as one that cannot be decoded, without its encoding.
        assert!(unseen < 10_000, "{unseen} of 666,600 names");
        // Two bytes of GB 18030 that are UTF-8 by chance.
        assert!(!is_utf8_alone(b"513301199001010013\xC5\xAE\xC0\xAE") && !is_utf8_alone(b"513301199001010013,1"));
    }

    #[test]
    fn what_is_no_header_in_the_encoding_found_may_be_in_another() {
        let of = |bytes: &[u8], declared| {
            let mut file = tempfile::tempfile().expect("file");
            file.write_all(bytes).and_then(|()| file.rewind()).expect("written");
            headless(&mut file, GB18030, declared).expect("read")
        };
        let big5 = |text: &str| encoding_rs::BIG5.encode(text).0.into_owned();
        let gb = |text: &str| GB18030.encode(text).0.into_owned();
        let known = big5("身分證號,姓名\r\n513301199001010013,扎西\r\n");
        assert_eq!(of(&known, None), TableError::OtherEncoding);
        assert_eq!(of(&big5("員工編號,備註\r\n1,無\r\n"), None), TableError::OtherEncoding);
        assert_eq!(of(&encoding_rs::SHIFT_JIS.encode("番号,なまえ\r\n").0, None), TableError::OtherEncoding);
        assert_eq!(of(b"num\xE9ro,nom\r\n", None), TableError::OtherEncoding);
        assert_eq!(of(&gb("编号,备注\r\n1,无\r\n"), None), TableError::NoHeader, "other columns, and GB 18030");
        assert_eq!(of(&known, Some(Declared::Gb18030)), TableError::NoHeader, "who says which it is is believed");
    }

    #[test]
    fn what_is_no_text_is_named() {
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        assert_eq!(of(&utf16("\u{FEFF}姓名,性别\r\n")), Err(TableError::Utf16));
        assert_eq!(of(&utf16("姓名,性别\r\n")), Err(TableError::Utf16));
        assert_eq!(
            of(&utf16("姓名\t性别\r\n").chunks(2).flat_map(|p| [p[1], p[0]]).collect::<Vec<u8>>()),
            Err(TableError::Utf16)
        );
        for magic in BINARIES {
            assert_eq!(of(magic), Err(TableError::NotText));
        }
        assert_eq!(of(&[0; 4096]), Err(TableError::NotText));
        assert_eq!(of(b"\xEF\xBB\xBF \r\n<html><table>"), Err(TableError::Markup));
    }
}
