//! QR codes (ISO/IEC 18004).
//!
//! Owns: level M, the address as bytes and the code as letters, which take five and a half bits each. Never: draws.

use qrcodegen::{QrCode, QrCodeEcc, QrSegment};

/// Modules of a code, row by row; true is dark.
#[derive(Debug)]
pub(crate) struct Modules {
    pub(crate) size: usize,
    dark: Vec<bool>,
}

/// The QR code of a text.
pub(crate) fn modules(text: &str) -> Modules {
    // What stands before the last stroke is an address as a site writes it, what follows is the code in capitals.
    let at = text.rfind('/').map_or(0, |at| at + 1);
    let (address, code) = text.split_at(at);
    let mut segments = Vec::new();
    if !address.is_empty() {
        segments.push(QrSegment::make_bytes(address.as_bytes()));
    }
    segments.push(QrSegment::make_alphanumeric(code));
    let qr = QrCode::encode_segments(&segments, QrCodeEcc::Medium)
        .expect("a code of 152 letters and an address of at most 200 bytes fit");
    let size = qr.size();
    let dark = (0..size).flat_map(|y| (0..size).map(move |x| (x, y))).map(|(x, y)| qr.get_module(x, y)).collect();
    Modules { size: usize::try_from(size).expect("a size is 21 to 177"), dark }
}

impl Modules {
    pub(crate) fn is_dark(&self, x: usize, y: usize) -> bool {
        x < self.size && self.dark.get(y * self.size + x).copied().unwrap_or(false)
    }
}
