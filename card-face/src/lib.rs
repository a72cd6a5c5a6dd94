//! The face of a card: a template that a city draws, filled with what is printed on one card, as an image or a document.
//!
//! Source: ISO/IEC 7810 (ID-1: 85.60 × 53.98 mm); SVG 1.1 as `usvg` reads it; PNG; PDF (ISO 32000).
//! Owns: what a template may hold, which fields there are, text that fits or is refused, glyphs of every script, both forms.
//! Never: knows a database, a card's chip or who may print; reads a file or an address that a template names; writes a name, a number
//! or a photo into an error.
//! Units: millimetres in templates, dots an inch for images.

mod fault;
mod fill;
mod fonts;
mod page;
mod picture;
mod review;
mod sheet;
mod template;
mod time;

pub use fault::Fault;
pub use fill::{Holder, PHOTO_BYTES_MAX};
pub use fonts::{Fonts, FontsError, Mark};
pub use page::Page;
pub use review::{NAMES, Review, review, sample};
pub use sheet::sheet;
pub use template::{Field, Side, Template};
pub use time::in_time;

/// Width of a card: ISO/IEC 7810, ID-1.
pub const WIDTH_MM: f32 = 85.60;
/// Height of a card: ISO/IEC 7810, ID-1.
pub const HEIGHT_MM: f32 = 53.98;
/// The most that artwork goes on beyond the card (assumed: printers that trim ask for 2 or 3 mm).
pub const BLEED_MAX_MM: f32 = 5.0;
/// Resolutions of an image, dots an inch: a preview, and what printers ask for.
pub const DPI: std::ops::RangeInclusive<u32> = 72..=1200;
