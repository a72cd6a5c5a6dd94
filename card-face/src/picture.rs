//! Images inside a face: how large one says it is, a JPEG as pixels.
//!
//! Source: PNG (W3C), ISO/IEC 10918-1, RFC 4648. Owns: the bound before anything is decoded.
//! Never: decodes what is larger than the bound.

use std::io::Cursor;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jpeg_decoder::{Decoder, PixelFormat};

use crate::template::IMAGE_SIDE_MAX;

/// Bytes of Base64, blanks between them left out.
pub(crate) fn unpacked(text: &str) -> Option<Vec<u8>> {
    let dense: String = text.chars().filter(|character| !character.is_ascii_whitespace()).collect();
    STANDARD.decode(dense).ok()
}

/// Whether these bytes are a PNG or JPEG of a size that is drawn.
pub(crate) fn is_bounded(bytes: &[u8]) -> bool {
    size(bytes).is_some_and(|(width, height)| {
        let side = 1..=IMAGE_SIDE_MAX;
        side.contains(&width) && side.contains(&height)
    })
}

fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        let reader = png::Decoder::new(Cursor::new(bytes)).read_info().ok()?;
        return Some(reader.info().size());
    }
    let mut decoder = Decoder::new(bytes);
    decoder.read_info().ok()?;
    let info = decoder.info()?;
    Some((u32::from(info.width), u32::from(info.height)))
}

/// A JPEG as a PNG of the same pixels: one decoder for all of them, the one that photos are checked with.
pub(crate) fn as_png(jpeg: &[u8]) -> Option<Arc<Vec<u8>>> {
    is_bounded(jpeg).then_some(())?;
    let mut decoder = Decoder::new(jpeg);
    let pixels = decoder.decode().ok()?;
    let info = decoder.info()?;
    let colour = match info.pixel_format {
        PixelFormat::RGB24 => png::ColorType::Rgb,
        PixelFormat::L8 => png::ColorType::Grayscale,
        PixelFormat::L16 | PixelFormat::CMYK32 => return None,
    };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, u32::from(info.width), u32::from(info.height));
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    // It is taken apart again at once.
    encoder.set_compression(png::Compression::Fastest);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&pixels).ok()?;
    writer.finish().ok()?;
    Some(Arc::new(bytes))
}
