//! Photos for tests: a drawn bust, nobody's.

use jpeg_encoder::{ColorType, Encoder};

/// Pixels of a drawn bust before a background of this colour; `tint` makes one differ from another.
pub(crate) fn pixels(width: u16, height: u16, background: [u8; 3], tint: u8) -> Vec<u8> {
    let (w, h) = (u32::from(width), u32::from(height));
    let mut pixels = Vec::new();
    for y in 0..h {
        for x in 0..w {
            let (dx, dy) = (x.abs_diff(w / 2) * 100 / w, y.abs_diff(h * 4 / 10) * 100 / h);
            let inside = dx * dx + dy * dy / 2 < 500 || y > h * 3 / 4 && dx < 40;
            let texture = u8::try_from((x * 7 + y * 13) % 40).expect("small");
            pixels.extend(if inside { [150 + texture, 110 + texture, 80 + tint % 60 + texture] } else { background });
        }
    }
    pixels
}

/// Pixels as a baseline JPEG.
pub(crate) fn encoded(pixels: &[u8], width: u16, height: u16, colour: ColorType, progressive: bool) -> Vec<u8> {
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, 90);
    encoder.set_progressive(progressive);
    encoder.encode(pixels, width, height, colour).expect("encoded");
    jpeg
}

/// A photo as the site asks for it; `tint` makes one differ from another.
pub(crate) fn photo(tint: u8) -> Vec<u8> {
    encoded(&pixels(358, 441, [255; 3], tint), 358, 441, ColorType::Rgb, false)
}
