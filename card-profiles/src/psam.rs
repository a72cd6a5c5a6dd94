//! What the sources leave open about a PSAM.
//!
//! Source: three programs and one firmware on the order of factors; CJ/T 304 on three wrong MACs; a COS manual of
//! the construction ministry on the authentication code.
//! Owns: the rows. Never: derives a key, sends.

use serde::Deserialize;

use crate::profile::hex_bytes;
use crate::purse::FactorOrder;

/// Rows of a PSAM.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PsamRules {
    /// Order of the factors in INIT SAM FOR PURCHASE and in key derivation.
    pub factor_order: FactorOrder,
    /// Levels left in the purchase key, where INIT SAM FOR PURCHASE takes another number of factors than the usage byte of the
    /// key says: the published byte 22 says one, deployed terminals send two.
    #[serde(default)]
    pub purchase_levels: Option<u8>,
    /// Wrong MAC2 in a row before the purchase commands are locked; 0: no limit.
    pub wrong_mac2_max: u8,
    /// Whether a purchase dated after the expiry date of the application is refused.
    pub checks_expiry: bool,
    /// Whether a purchase dated before the start date of the application is refused.
    #[serde(default)]
    pub checks_start: bool,
    /// Security authentication code (安全认证码) that `80 CA 00 00 09` answers: 9 bytes. Empty: the PSAM does not know the
    /// command, which is the construction ministry's.
    #[serde(default, deserialize_with = "hex_bytes")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub authentication_code: Vec<u8>,
    /// Files that are one with those of another environment on the same chip, as `MF.EF16`; each environment has its own of
    /// the others.
    #[serde(default)]
    pub shared_files: Vec<String>,
    /// What is assumed about these rows.
    #[serde(default)]
    pub assumed: Vec<String>,
}

impl Default for PsamRules {
    /// A PSAM whose profile says nothing: the factor of the card first, no limit, no look at the expiry date.
    fn default() -> Self {
        Self {
            factor_order: FactorOrder::CardFirst,
            purchase_levels: None,
            wrong_mac2_max: 0,
            checks_expiry: false,
            checks_start: false,
            authentication_code: Vec::new(),
            shared_files: Vec::new(),
            assumed: Vec::new(),
        }
    }
}
