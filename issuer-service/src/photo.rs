//! Photos of holders (照片): checked as the card's rules ask, reduced for the chip.
//!
//! Source: 358 x 441 px at 350 dpi, 24-bit colour, white background, no frame (notices of several cities); sizes of files
//! differ by city and are configuration; how white is white is assumed.
//! Owns: the check, the reduction that keeps the aspect. Never: decodes what its head does not allow; judges a face.
//! Units: bytes of files, pixels of pictures.

pub mod failure;
pub mod fault;
mod files;
mod head;
pub mod intake;
pub mod report;
pub mod rules;
mod scan;
pub mod stored;

use jpeg_decoder::{Decoder, PixelFormat};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use fault::PhotoFault;
use rules::Rules;

/// Bytes of one pixel.
const PIXEL: usize = 3;
/// Qualities tried for the chip, from the best; below the last one a face is no longer a likeness (assumed).
const QUALITIES: [u8; 5] = [85, 75, 65, 55, 45];
/// Heights tried for the chip, as hundredths of the full height.
const HEIGHTS: [usize; 9] = [100, 80, 65, 55, 50, 45, 40, 33, 25];
/// A photo that keeps to the rules.
#[derive(Clone, PartialEq, Eq)]
pub struct Photo {
    width: usize,
    height: usize,
    /// Red, green, blue.
    pixels: Vec<u8>,
}

impl Photo {
    /// Checks a file. Its head is judged before anything is decoded, so that a hostile one costs nothing.
    ///
    /// # Errors
    /// Every fault that can be told.
    pub fn check(bytes: &[u8], rules: &Rules) -> Result<Self, Vec<PhotoFault>> {
        let mut faults: Vec<PhotoFault> = rules.bytes(bytes.len()).err().into_iter().collect();
        let cut = rules.is_too_long(bytes.len());
        let head = match head::read(bytes, !cut) {
            Ok(head) => head,
            // Of a file that is too long only a part was read: that its end is not there is no fault of it.
            Err(PhotoFault::Damaged) if cut => return Err(faults),
            Err(fault) => {
                faults.push(fault);
                return Err(faults);
            }
        };
        if (head.width, head.height) != (rules.width, rules.height) {
            let (width, height) = (head.width, head.height);
            faults.push(PhotoFault::Size { width, height, expected: (rules.width, rules.height) });
        }
        faults.extend(head.faults());
        if !faults.is_empty() {
            return Err(faults);
        }
        // The decoder paints over what it cannot read.
        let whole = scan::is_whole(bytes).then(|| Self::decode(bytes, rules.width, rules.height)).flatten();
        let photo = whole.ok_or_else(|| vec![PhotoFault::Damaged])?;
        let share = photo.white_share(rules.white);
        if share < rules.white_share {
            return Err(vec![PhotoFault::Background { share, least: rules.white_share }]);
        }
        Ok(photo)
    }

    /// A JPEG of the same aspect that has at most so many bytes: the largest of [`HEIGHTS`] that fits in any of
    /// [`QUALITIES`], in the best of them; none when even the smallest does not fit.
    #[must_use]
    pub fn reduced(&self, bytes_max: usize) -> Option<Vec<u8>> {
        for percent in HEIGHTS {
            let height = (self.height * percent / 100).max(1);
            let width = ((self.width * height + self.height / 2) / self.height).max(1);
            let pixels = self.scaled(width, height);
            // A quality that is far too large says that the next ones are, too.
            for quality in QUALITIES {
                let jpeg = encode(&pixels, width, height, quality)?;
                if jpeg.len() <= bytes_max {
                    return Some(jpeg);
                }
                if jpeg.len() > bytes_max * 4 {
                    break;
                }
            }
        }
        None
    }

    fn decode(bytes: &[u8], width: u16, height: u16) -> Option<Self> {
        let (width, height) = (usize::from(width), usize::from(height));
        let mut decoder = Decoder::new(bytes);
        decoder.set_max_decoding_buffer_size(width * height * PIXEL);
        let pixels = decoder.decode().ok()?;
        decoder.info().filter(|info| info.pixel_format == PixelFormat::RGB24)?;
        (pixels.len() == width * height * PIXEL).then_some(Self { width, height, pixels })
    }

    /// Share, in hundredths, of white pixels where there is background only: the upper thirtieth, and a twelfth at both sides
    /// of the upper half (assumed). A frame is not white and shows here, too.
    pub(crate) fn white_share(&self, white: u8) -> u8 {
        let (side, top) = (self.width / 12, self.height / 30);
        let is_background = |x: usize, y: usize| y < top || y < self.height / 2 && (x < side || x >= self.width - side);
        let (mut all, mut good) = (0_usize, 0_usize);
        for (index, pixel) in self.pixels.chunks_exact(PIXEL).enumerate() {
            if is_background(index % self.width, index / self.width) {
                all += 1;
                good += usize::from(pixel.iter().all(|part| *part >= white));
            }
        }
        u8::try_from(good * 100 / all.max(1)).unwrap_or(100)
    }

    /// The mean of the pixels that fall onto each smaller one.
    fn scaled(&self, width: usize, height: usize) -> Vec<u8> {
        if (width, height) == (self.width, self.height) {
            return self.pixels.clone();
        }
        let span = |at: usize, of: usize, from: usize| (at * from / of, ((at + 1) * from).div_ceil(of));
        let mut scaled = Vec::with_capacity(width * height * PIXEL);
        for y in 0..height {
            let (top, bottom) = span(y, height, self.height);
            for x in 0..width {
                let (left, right) = span(x, width, self.width);
                let mut sums = [0_usize; PIXEL];
                for row in top..bottom {
                    let start = (row * self.width + left) * PIXEL;
                    let end = (row * self.width + right) * PIXEL;
                    for pixel in self.pixels.get(start..end).unwrap_or_default().chunks_exact(PIXEL) {
                        for (sum, part) in sums.iter_mut().zip(pixel) {
                            *sum += usize::from(*part);
                        }
                    }
                }
                let count = ((bottom - top) * (right - left)).max(1);
                scaled.extend(sums.map(|sum| u8::try_from(sum / count).unwrap_or(u8::MAX)));
            }
        }
        scaled
    }
}

fn encode(pixels: &[u8], width: usize, height: usize, quality: u8) -> Option<Vec<u8>> {
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, quality);
    encoder.set_optimized_huffman_tables(true);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.encode(pixels, u16::try_from(width).ok()?, u16::try_from(height).ok()?, ColorType::Rgb).ok()?;
    Some(jpeg)
}

impl std::fmt::Debug for Photo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Photo({} x {})", self.width, self.height)
    }
}

#[cfg(test)]
#[path = "../tests/photo/drawn.rs"]
mod drawn;
#[cfg(test)]
mod tests;
