//! What photos must be: `[photo]` of `centre.toml`.
//!
//! Source: 358 x 441 px, notices of several cities; files of 9-20 KB, up to 100 KB, or 5-50 KB, by city.
//! Owns: the rows, their bounds, the length of a file. Never: looks at a picture.

use serde::{Deserialize, Serialize};

use super::fault::PhotoFault;

/// Most pixels that a site may ask for, across and down.
const SIDE_MAX: u16 = 4_096;
/// Most bytes that a site may take.
const BYTES_MAX: u64 = 8 << 20;

/// What a photo must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, try_from = "Rows")]
pub struct Rules {
    /// Pixels across.
    pub width: u16,
    /// Pixels down.
    pub height: u16,
    /// Fewest bytes of a file.
    pub bytes_min: u64,
    /// Most bytes of a file.
    pub bytes_max: u64,
    /// Least of red, green and blue of a white pixel.
    pub white: u8,
    /// Least share of white pixels in the background, in hundredths.
    pub white_share: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Rows {
    width: u16,
    height: u16,
    bytes_min: u64,
    bytes_max: u64,
    white: u8,
    white_share: u8,
}

impl Default for Rows {
    fn default() -> Self {
        let Rules { width, height, bytes_min, bytes_max, white, white_share } = Rules::default();
        Self { width, height, bytes_min, bytes_max, white, white_share }
    }
}

impl TryFrom<Rows> for Rules {
    type Error = &'static str;

    fn try_from(rows: Rows) -> Result<Self, Self::Error> {
        let Rows { width, height, bytes_min, bytes_max, white, white_share } = rows;
        if !(16..=SIDE_MAX).contains(&width) || !(16..=SIDE_MAX).contains(&height) {
            return Err("width and height are from 16 to 4096 pixels");
        }
        if bytes_min > bytes_max || bytes_max > BYTES_MAX {
            return Err("bytes_min is not above bytes_max, and bytes_max not above 8388608");
        }
        if white_share > 100 {
            return Err("white_share is in hundredths, 100 at most");
        }
        Ok(Self { width, height, bytes_min, bytes_max, white, white_share })
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self { width: 358, height: 441, bytes_min: 5 << 10, bytes_max: 100 << 10, white: 225, white_share: 90 }
    }
}

impl Rules {
    /// Whether a file is longer than the site takes.
    #[must_use]
    pub fn is_too_long(&self, found: usize) -> bool {
        u64::try_from(found).unwrap_or(u64::MAX) > self.bytes_max
    }

    /// Judges the length of a file.
    ///
    /// # Errors
    /// [`PhotoFault::Bytes`].
    pub fn bytes(&self, found: usize) -> Result<(), PhotoFault> {
        let (found, least, most) = (u64::try_from(found).unwrap_or(u64::MAX), self.bytes_min, self.bytes_max);
        if (least..=most).contains(&found) { Ok(()) } else { Err(PhotoFault::Bytes { found, least, most }) }
    }
}

#[cfg(test)]
mod tests {
    use super::Rules;

    #[test]
    fn rows_that_ask_for_the_impossible_are_refused() {
        let read = |text: &str| toml::from_str::<Rules>(text);
        assert_eq!(read("").expect("defaults"), Rules::default());
        assert_eq!(read("width = 236\nheight = 295").expect("older size").width, 236);
        for text in [
            "width = 0",
            "height = 5000",
            "bytes_min = 200000",
            "bytes_max = 9000000000",
            "white_share = 101",
            "wdth = 1",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
