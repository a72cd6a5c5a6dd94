//! A file that a person names: read whole, within a bound; as UTF-8 where it is a text.
//!
//! Owns: telling a file that is not there from one that is too long or no text. Never: parses, shows what a file holds.
//! Units: bytes and lines count from 1.

use std::io::Read;
use std::path::Path;

use crate::error::TerminalError;
use crate::language::Words;

/// Most bytes of any file that is read whole; a log of a day's conversations is the longest of them.
pub const BYTES_MAX: u64 = 64 << 20;

/// What a file was expected to be; chooses the code of the refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// 配置.
    Configuration,
    /// 卡片描述.
    Profile,
    /// Dump of a card, or values of persons.
    Dump,
    /// Lines for the shell.
    Script,
    /// A signed blacklist.
    Blacklist,
    /// Recorded calls of a driver.
    Recording,
}

/// The text of a file.
///
/// # Errors
/// As [`bytes`]; [`TerminalError::NotText`] with the first byte that is not UTF-8.
pub fn read(path: &Path, kind: FileKind) -> Result<String, TerminalError> {
    text(bytes(path, BYTES_MAX)?, &path.display().to_string(), kind)
}

/// The bytes of a file; `-` is standard input.
///
/// # Errors
/// [`TerminalError::File`] when the system does not give it or it has more than `max` bytes. No more than these are read.
pub fn bytes(path: &Path, max: u64) -> Result<Vec<u8>, TerminalError> {
    let read = if path == Path::new("-") {
        bounded(&mut std::io::stdin().lock(), max)
    } else {
        std::fs::File::open(path).and_then(|mut file| bounded(&mut file, max))
    };
    read.map_err(|source| TerminalError::File { path: path.display().to_string(), source })
}

/// Everything that a source has, when that is at most `max` bytes. What was read of a longer one is wiped.
fn bounded(source: &mut dyn Read, max: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = source.take(max + 1).read_to_end(&mut bytes);
    match read {
        Ok(_) if bytes.len() as u64 <= max => Ok(bytes),
        other => {
            drop(zeroize::Zeroizing::new(bytes));
            Err(other.err().unwrap_or_else(|| too_large(max)))
        }
    }
}

fn too_large(max: u64) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::FileTooLarge, format!("> {} KiB", max >> 10))
}

/// The text of bytes that came from `place`.
///
/// # Errors
/// [`TerminalError::NotText`] with the first byte that is not UTF-8.
pub fn text(bytes: Vec<u8>, place: &str, kind: FileKind) -> Result<String, TerminalError> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let newlines = error.as_bytes().iter().take(good).filter(|byte| **byte == b'\n').count();
        // Nothing of a file that may hold keys or names stays behind.
        drop(zeroize::Zeroizing::new(error.into_bytes()));
        TerminalError::NotText { path: place.to_owned(), kind, line: 1 + newlines, byte: 1 + good }
    })
}

/// What the system said, in both languages; its own sentence is English.
#[must_use]
pub fn system(source: &std::io::Error) -> Words {
    use std::io::ErrorKind;
    let zh = match source.kind() {
        ErrorKind::NotFound => "文件或文件夹不存在",
        ErrorKind::PermissionDenied => "没有权限",
        ErrorKind::AlreadyExists => "文件已存在",
        ErrorKind::IsADirectory => "这是文件夹,不是文件",
        ErrorKind::NotADirectory => "路径中有一段不是文件夹",
        ErrorKind::StorageFull => "磁盘已满",
        ErrorKind::FileTooLarge => {
            return Words::of(format!("文件太大({source})"), format!("file too large ({source})"));
        }
        ErrorKind::ReadOnlyFilesystem => "文件系统只读",
        _ => {
            let number = source.raw_os_error().map_or(String::new(), |number| format!(" {number}"));
            return Words::of(format!("系统错误{number}"), source.to_string());
        }
    };
    Words::of(zh.to_owned(), source.to_string())
}
