//! What a contradiction costs whoever reads cards by the text.
//!
//! Owns: which findings spoil reading. Never: looks for one.

use super::{Finding, Problem};
use crate::profile::Profile;

impl Finding {
    /// Whether a card would be read wrong by this row: it is about the shape of directories, files and items. What is about keys, PINs,
    /// money and memory concerns whoever makes cards or works with their keys; there a card refuses by itself.
    #[must_use]
    pub fn spoils_reading(&self, profile: &Profile) -> bool {
        let first = self.place.split('.').next().unwrap_or_default();
        let is_of_files =
            matches!(first, "format" | "df" | "mf" | "version") || profile.df.iter().any(|df| df.id == first);
        let is_shape = matches!(
            self.problem,
            Problem::GrammarUnknown(_)
                | Problem::VersionUnknown(_)
                | Problem::Sum { .. }
                | Problem::Duplicate { .. }
                | Problem::Tag
                | Problem::OutOfRange { .. }
                | Problem::PlaceMissing(_)
        );
        is_of_files && is_shape
    }
}
