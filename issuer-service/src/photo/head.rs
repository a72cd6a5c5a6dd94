//! The head of a JPEG file: what it says of the picture, before anything is decoded.
//!
//! Source: ISO/IEC 10918-1, B.1.1 (markers), B.2.2 (frame header), B.2.3 (scan header); TIFF 6.0 and CIPA DC-008 (Exif) for the
//! orientation. Owns: walking the markers within the file. Never: allocates.

use super::fault::PhotoFault;

/// Rows of a directory of tags that are looked at: cameras write a dozen.
const TAGS_MAX: u16 = 256;
/// Tag of the orientation.
const ORIENTATION: u16 = 0x0112;
/// What follows the length of a segment of Exif data.
const EXIF: &[u8] = b"Exif\0\0";

/// What the head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) width: u16,
    pub(super) height: u16,
    precision: u8,
    components: u8,
    progressive: bool,
    /// 1 for a picture that stands as it is stored.
    orientation: u16,
}

impl Head {
    /// What is wrong with it, sizes aside.
    pub(super) fn faults(&self) -> impl Iterator<Item = PhotoFault> {
        let colour = match (self.components, self.precision) {
            (3, 8) => None,
            (4, _) => Some(PhotoFault::Cmyk),
            _ => Some(PhotoFault::Colour),
        };
        let progressive = self.progressive.then_some(PhotoFault::Progressive);
        let rotated = (self.orientation != 1).then_some(PhotoFault::Rotated);
        [colour, progressive, rotated].into_iter().flatten()
    }
}

/// Reads the segments up to the first scan; behind it, in a file that was read `whole`, the mark of the end must stand, and nothing
/// behind that.
pub(super) fn read(bytes: &[u8], whole: bool) -> Result<Head, PhotoFault> {
    let mut rest = bytes.strip_prefix(b"\xFF\xD8").ok_or(PhotoFault::NotJpeg)?;
    let (mut head, mut orientation) = (None, 1);
    loop {
        let [0xFF, after @ ..] = rest else { return Err(PhotoFault::Damaged) };
        let (marker, after) = after.split_first().ok_or(PhotoFault::Damaged)?;
        rest = match *marker {
            // A byte of padding before a marker.
            0xFF => rest.get(1..).unwrap_or_default(),
            // Lossless, hierarchical, arithmetic.
            0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => return Err(PhotoFault::Coding),
            // An end before any scan; marks without a length.
            0x00..=0x01 | 0xD0..=0xD9 => return Err(PhotoFault::Damaged),
            0xDA => {
                let head: Head = head.ok_or(PhotoFault::Damaged)?;
                if !whole {
                    return Ok(Head { orientation, ..head });
                }
                return match behind_the_end(after).ok_or(PhotoFault::Damaged)? {
                    [] => Ok(Head { orientation, ..head }),
                    more => Err(PhotoFault::Trailing { bytes: u64::try_from(more.len()).unwrap_or(u64::MAX) }),
                };
            }
            marker => {
                let ([high, low], _) = after.split_first_chunk().ok_or(PhotoFault::Damaged)?;
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                let (segment, behind) = after.split_at_checked(length).ok_or(PhotoFault::Damaged)?;
                let body = segment.get(2..).ok_or(PhotoFault::Damaged)?;
                match marker {
                    // Huffman-coded, sequential or progressive. A picture has one frame.
                    0xC0..=0xC2 if head.is_some() => return Err(PhotoFault::Damaged),
                    0xC0..=0xC2 => head = Some(frame(body, marker == 0xC2)?),
                    0xE1 => {
                        orientation =
                            body.strip_prefix(EXIF).map_or(orientation, |tiff| stated(tiff).unwrap_or(orientation));
                    }
                    _ => {}
                }
                behind
            }
        };
    }
}

/// What follows the mark of the end, given what follows the mark of the first scan. In coded bytes FF is always followed by 00 or a
/// restart; between scans stand segments with a length, in which anything may stand.
fn behind_the_end(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let (length, _) = rest.split_first_chunk()?;
        rest = rest.get(usize::from(u16::from_be_bytes(*length)).max(2)..)?;
        loop {
            let at = rest.iter().position(|byte| *byte == 0xFF)?;
            rest = rest.get(at + 1..)?;
            match *rest.first()? {
                0x00 | 0xD0..=0xD7 => rest = rest.get(1..)?,
                0xD9 => return rest.get(1..),
                // Padding: the marker's own byte comes behind it.
                0xFF => {}
                _ => break,
            }
        }
        rest = rest.get(1..)?;
    }
}

fn frame(body: &[u8], progressive: bool) -> Result<Head, PhotoFault> {
    let ([precision, h1, h0, w1, w0, components], _) = body.split_first_chunk().ok_or(PhotoFault::Damaged)?;
    Ok(Head {
        height: u16::from_be_bytes([*h1, *h0]),
        width: u16::from_be_bytes([*w1, *w0]),
        precision: *precision,
        components: *components,
        progressive,
        orientation: 1,
    })
}

/// The orientation that the first directory of a TIFF head states.
fn stated(tiff: &[u8]) -> Option<u16> {
    let big = match tiff.get(..4)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let short = |at: usize| -> Option<u16> {
        let two: [u8; 2] = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) })
    };
    let (first, second) = (short(4)?, short(6)?);
    let (high, low) = if big { (first, second) } else { (second, first) };
    let directory = usize::from(high).checked_shl(16)?.checked_add(usize::from(low))?;
    let count = short(directory)?.min(TAGS_MAX);
    (0..usize::from(count)).find_map(|row| {
        let at = directory.checked_add(2)?.checked_add(row * 12)?;
        // A short value stands at the beginning of its four bytes.
        if short(at)? == ORIENTATION { short(at.checked_add(8)?) } else { None }
    })
}
