//! The glyphs that images and documents are drawn with.
//!
//! Source: an outline font of the system or the site; its licence must allow embedding (the WenQuanYi and Noto fonts do).
//! Owns: finding it, which glyph a character has, how wide it is. Never: ships a font.
//! Units: parts of an em.

use std::path::Path;

use ab_glyph::{Font as _, FontVec, GlyphId};
use card_counter::error::FontError;

/// Characters that a font for receipts must have.
const NEEDED: &str = "医保个人账户甲乙丙0Aa*×";

/// A font that a receipt can be drawn with.
pub struct Font {
    bytes: Vec<u8>,
    face: FontVec,
}

impl Font {
    /// The font named, or the first that the system has.
    ///
    /// # Errors
    /// [`FontError`].
    pub fn find(named: Option<&Path>) -> Result<Self, FontError> {
        if let Some(path) = named {
            let read = std::fs::read(path);
            let bytes = read.map_err(|source| FontError::Unreadable { path: path.to_owned(), source })?;
            return Self::of(bytes).ok_or_else(|| FontError::Unusable { path: path.to_owned() });
        }
        let found = FontError::PLACES.iter().filter_map(|place| std::fs::read(place).ok()).find_map(Self::of);
        found.ok_or(FontError::Missing)
    }

    fn of(bytes: Vec<u8>) -> Option<Self> {
        let face = FontVec::try_from_vec_and_index(bytes.clone(), 0).ok()?;
        let has_all = NEEDED.chars().all(|character| face.glyph_id(character) != GlyphId(0));
        (has_all && face.units_per_em().is_some()).then_some(Self { bytes, face })
    }

    /// The whole file; its first face is the one that is used.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) const fn face(&self) -> &FontVec {
        &self.face
    }

    /// Glyph of a character; 0 is the box of a missing one.
    pub(super) fn glyph(&self, character: char) -> GlyphId {
        self.face.glyph_id(character)
    }

    fn units(&self) -> f32 {
        self.face.units_per_em().unwrap_or(1000.0)
    }

    pub(super) fn advance(&self, glyph: GlyphId) -> f32 {
        self.face.h_advance_unscaled(glyph) / self.units()
    }

    pub(super) fn ascent(&self) -> f32 {
        self.face.ascent_unscaled() / self.units()
    }

    pub(super) fn descent(&self) -> f32 {
        self.face.descent_unscaled() / self.units()
    }

    /// Height of the face in ems, by which the rasterizer scales.
    pub(super) fn height(&self) -> f32 {
        self.face.height_unscaled() / self.units()
    }
}

impl std::fmt::Debug for Font {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Font").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}
