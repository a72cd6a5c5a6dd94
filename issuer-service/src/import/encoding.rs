//! What kind of file a bureau sent: text in UTF-8 or GB 18030, or something that is no table of text at all.
//!
//! Source: the first bytes of common formats; GB 18030 text is hardly ever valid UTF-8.
//! Owns: telling them apart. Never: holds more than a block of the file.

use std::fs::File;
use std::io::{Read, Seek};

use encoding_rs::{Encoding, GB18030, UTF_8};

use super::refusal::TableError;
use super::table::OpenError;

/// Bytes of a block.
const BLOCK: usize = 1 << 16;

/// First bytes of formats that are no text: workbooks and archives, old workbooks, PDF, gzip, RAR, 7z.
const BINARIES: [&[u8]; 6] = [b"PK\x03\x04", b"\xD0\xCF\x11\xE0", b"%PDF", b"\x1F\x8B", b"Rar!", b"7z\xBC\xAF"];

/// UTF-8 by its mark or because nearly all of its longer sequences are UTF-8; GB 18030 otherwise. One damaged byte must
/// not turn a UTF-8 file into another language.
///
/// # Errors
/// [`OpenError`] when it is no text, or UTF-16.
pub(super) fn detect(file: &mut File) -> Result<&'static Encoding, OpenError> {
    let (mut good, mut bad, mut first) = (0_u64, 0_u64, true);
    let mut buffer = vec![0; BLOCK];
    let mut kept = 0;
    loop {
        let read = file.read(buffer.get_mut(kept..).unwrap_or_default()).map_err(OpenError::Read)?;
        let mut rest = buffer.get(..kept + read).unwrap_or_default();
        if first {
            if let Some(error) = no_text(rest) {
                return Err(OpenError::Table(error));
            }
            if rest.starts_with(b"\xEF\xBB\xBF") {
                good += 1 << 32;
            }
            first = false;
        }
        let end = read == 0;
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
    Ok(if bad * 10 <= good { UTF_8 } else { GB18030 })
}

/// Sequences of three or more bytes, which Chinese text in UTF-8 is made of.
fn sequences(valid: &[u8]) -> u64 {
    u64::try_from(valid.iter().filter(|byte| **byte >= 0xE0).count()).unwrap_or(u64::MAX)
}

fn no_text(head: &[u8]) -> Option<TableError> {
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
        return Some(TableError::Utf16);
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

    fn of(bytes: &[u8]) -> Result<&'static Encoding, TableError> {
        let mut file = tempfile::tempfile().expect("file");
        file.write_all(bytes).and_then(|()| file.rewind()).expect("written");
        detect(&mut file).map_err(|error| match error {
            OpenError::Table(error) => error,
            OpenError::Read(error) => panic!("{error}"),
        })
    }

    #[test]
    fn text_is_told_from_text() {
        assert_eq!(of("姓名,性别\n扎西,1\n".as_bytes()), Ok(UTF_8));
        assert_eq!(of(&GB18030.encode("姓名,性别\n扎西,1\n").0), Ok(GB18030));
        assert_eq!(of(b"name,sex\n"), Ok(UTF_8));
        // A character lies across the end of a block.
        assert_eq!(of("姓".repeat(BLOCK).as_bytes()), Ok(UTF_8));
        assert_eq!(of(&GB18030.encode(&"姓".repeat(BLOCK)).0), Ok(GB18030));
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
