//! A receipt on paper: text, bytes for a receipt printer, an image, a document.
//!
//! Source: rows of `settlement::receipt`; ESC/POS, PNG, PDF, QR (ISO/IEC 18004) in the files below.
//! Owns: which form is made, what a QR code holds. Never: decides what stands on a receipt; touches a card.

mod certificate;
mod escpos;
mod font;
mod image;
mod pdf;
mod qr;

use std::ffi::OsStr;
use std::path::Path;

use settlement::receipt::{Paper, ReceiptCode, Row};

use card_counter::error::FontError;

pub use certificate::certificate;
pub use font::Font;
pub(crate) use qr::modules;

/// Form of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// Plain text in UTF-8.
    Text,
    /// Bytes for a receipt printer (ESC/POS, GBK).
    Escpos,
    /// An image, 203 dots an inch.
    Png,
    /// A document with the glyphs that it uses.
    Pdf,
}

/// What a receipt is made with.
#[derive(Debug)]
pub struct Press {
    /// Paper.
    pub paper: Paper,
    /// Form.
    pub form: Form,
    /// Glyphs, where the form draws them.
    font: Option<Font>,
    /// What stands before the code in its QR.
    check: Option<String>,
}

impl Form {
    /// By a file's ending.
    #[must_use]
    pub fn of_file(path: &Path) -> Option<Self> {
        match path.extension().and_then(OsStr::to_str) {
            Some("txt") => Some(Self::Text),
            Some("escpos" | "prn" | "bin") => Some(Self::Escpos),
            Some("png") => Some(Self::Png),
            Some("pdf") => Some(Self::Pdf),
            _ => None,
        }
    }

    const fn draws(self) -> bool {
        matches!(self, Self::Png | Self::Pdf)
    }
}

impl Press {
    /// Makes ready; a font is looked for only where glyphs are drawn.
    ///
    /// # Errors
    /// [`FontError`].
    pub fn new(paper: Paper, form: Form, font: Option<&Path>, check: Option<&str>) -> Result<Self, FontError> {
        let font = if form.draws() { Some(Font::find(font)?) } else { None };
        Ok(Self { paper, form, font, check: check.map(str::to_owned) })
    }

    /// The bytes of a receipt.
    #[must_use]
    pub fn print(&self, rows: &[Row], text: &str) -> Vec<u8> {
        match (self.form, &self.font) {
            (Form::Text, _) => text.as_bytes().to_vec(),
            (Form::Escpos, _) => escpos::bytes(rows, |code| self.qr_text(code)),
            (Form::Png, Some(font)) => image::png(rows, self.paper, font, |code| self.qr_text(code)),
            (Form::Pdf, Some(font)) => pdf::document(rows, self.paper, font, |code| self.qr_text(code)),
            (Form::Png | Form::Pdf, None) => unreachable!("a press that draws has its font"),
        }
    }

    /// An address that a phone opens, where the site has one; else the code alone.
    fn qr_text(&self, code: &ReceiptCode) -> String {
        let code = code.text();
        match &self.check {
            Some(check) => format!("{}/receipt/{code}", check.trim_end_matches('/')),
            None => code,
        }
    }
}

#[cfg(test)]
mod tests;
