//! Files as the interface packs them: one text in a ZIP archive.
//!
//! Source: file names of downloads end in `.txt.zip` (two adapters); PKWARE APPNOTE.
//! Owns: packing one file, unpacking one with a bound. Never: looks into it.

use std::io::{Cursor, Read as _, Write as _};

use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

/// Bytes of an unpacked file: a whole national list is some tens of megabytes.
pub const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// An archive that cannot be made or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveFault {
    /// No archive, or a damaged one.
    #[error("no ZIP archive, or a damaged one")]
    Damaged,
    /// Not one file.
    #[error("an archive with one file is needed")]
    NotOne,
    /// More than [`FILE_BYTES_MAX`].
    #[error("more than {FILE_BYTES_MAX} bytes")]
    TooLarge,
}

/// Packs one file.
///
/// # Errors
/// [`ArchiveFault::Damaged`] when it cannot be packed.
pub fn pack(name: &str, bytes: &[u8]) -> Result<Vec<u8>, ArchiveFault> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(name, SimpleFileOptions::default()).map_err(|_| ArchiveFault::Damaged)?;
    writer.write_all(bytes).map_err(|_| ArchiveFault::Damaged)?;
    writer.finish().map(Cursor::into_inner).map_err(|_| ArchiveFault::Damaged)
}

/// The one file of an archive; bytes that are no archive are the file itself.
///
/// # Errors
/// [`ArchiveFault`].
pub fn unpack(bytes: &[u8]) -> Result<Vec<u8>, ArchiveFault> {
    if !bytes.starts_with(b"PK") {
        return Ok(bytes.to_vec());
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| ArchiveFault::Damaged)?;
    if archive.len() != 1 {
        return Err(ArchiveFault::NotOne);
    }
    let file = archive.by_index(0).map_err(|_| ArchiveFault::Damaged)?;
    let mut unpacked = Vec::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut unpacked).map_err(|_| ArchiveFault::Damaged)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > FILE_BYTES_MAX { Err(ArchiveFault::TooLarge) } else { Ok(unpacked) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_file_unpacks_and_a_damaged_one_is_an_error() {
        let packed = pack("a.txt", "一\t二\n".as_bytes()).expect("packed");
        assert_eq!(unpack(&packed).as_deref(), Ok("一\t二\n".as_bytes()));
        assert_eq!(unpack(b"1\t2\n").as_deref(), Ok(&b"1\t2\n"[..]));
        for cut in [2, 10, packed.len() / 2, packed.len() - 1] {
            assert_eq!(unpack(&packed[..cut]), Err(ArchiveFault::Damaged), "{cut}");
        }
    }
}
