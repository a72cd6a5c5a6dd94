//! A person's photo as the centre keeps it.
//!
//! Owns: which bytes go on a chip of this size; what operators see of a photo. Never: shows the picture.

use serde::Serialize;
use zeroize::Zeroizing;

use super::Photo;
use crate::lang::Lang;
use crate::output::Show;

/// A person's photo, opened.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// The file that came.
    pub original: Zeroizing<Vec<u8>>,
    /// The one for the chip; empty when the card had no file for it.
    pub chip: Zeroizing<Vec<u8>>,
    /// Pixels of the original across.
    pub width: u16,
    /// Pixels of the original down.
    pub height: u16,
    /// Who took it in.
    pub taken_in_by: String,
    /// When: an instant in UTC.
    pub taken_in_at: String,
}

impl Stored {
    /// The bytes for a chip whose photo file has so many bytes; made anew when the file is smaller than the one that the photo
    /// was reduced for. None when even the smallest likeness does not fit.
    #[must_use]
    pub fn for_chip(&self, capacity: usize) -> Option<Zeroizing<Vec<u8>>> {
        if (1..=capacity).contains(&self.chip.len()) {
            return Some(self.chip.clone());
        }
        let photo = Photo::decode(&self.original, self.width, self.height)?;
        photo.reduced(capacity).map(Zeroizing::new)
    }
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Stored({} and {} bytes)", self.original.len(), self.chip.len())
    }
}

/// What operators see of a photo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Row number of the person.
    pub person: i64,
    /// Pixels across.
    pub width: u16,
    /// Pixels down.
    pub height: u16,
    /// Bytes of the file that came.
    pub bytes: usize,
    /// Bytes of the one for the chip; 0 when the card had no file for it.
    pub chip_bytes: usize,
    /// Who took it in.
    pub taken_in_by: String,
    /// When: an instant in UTC.
    pub taken_in_at: String,
}

impl Shown {
    /// Of this person's photo.
    #[must_use]
    pub fn new(person: i64, photo: &Stored) -> Self {
        Self {
            person,
            width: photo.width,
            height: photo.height,
            bytes: photo.original.len(),
            chip_bytes: photo.chip.len(),
            taken_in_by: photo.taken_in_by.clone(),
            taken_in_at: photo.taken_in_at.clone(),
        }
    }
}

impl Show for Shown {
    fn text(&self, lang: Lang) -> String {
        let Self { person, width, height, bytes, chip_bytes, taken_in_by, taken_in_at } = self;
        lang.pick(
            format!("人员 {person} 的照片: {width} x {height}，{bytes} 字节，芯片用 {chip_bytes} 字节，{taken_in_by} 于 {taken_in_at} 收"),
            format!(
                "photo of person {person}: {width} x {height}, {bytes} bytes, {chip_bytes} for the chip; \
                 taken in by {taken_in_by} at {taken_in_at}"
            ),
        )
    }
}
