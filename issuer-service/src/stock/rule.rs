//! What a site decides about its stock: `[stock]` of `centre.toml`.
//!
//! ```toml
//! [stock]
//! required = false       # true: stations take blank cards from boxes issued to them, of no other lot
//! unclaimed_days = 90    # days after which a card that nobody fetched is unclaimed
//! ```
//!
//! Owns: the options and their defaults (assumed: no source names them). A lot or card that stock knows is always under its
//! rules; the option is about what stock does not know.

use serde::{Deserialize, Serialize};

/// The options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StockRules {
    /// Whether stations may only use blank cards that stock issued to them.
    pub required: bool,
    /// Days after which a card that nobody fetched is unclaimed.
    pub unclaimed_days: u16,
}

impl Default for StockRules {
    fn default() -> Self {
        Self { required: false, unclaimed_days: 90 }
    }
}
