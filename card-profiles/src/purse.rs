//! The electronic deposit (电子存折 ED) and electronic purse (电子钱包 EP) of PBOC: their commands, answers and MAC inputs.
//!
//! Source: a COS manual of PBOC 1.0/2.0, real card logs, host and POS programs. Where they disagree, the choice is a row.
//! Owns: the rows (`rows`); commands built (`commands`) and answers read (`answers`) from them. Never: computes a MAC, sends.
//! Units: amounts in fen, unsigned 32 bits big-endian; limits 3 bytes.
#![warn(clippy::indexing_slicing)]

mod answers;
mod commands;
mod rows;

use card_core::algorithm::TacKey;
use serde::Deserialize;

pub use self::answers::{DebitStart, OverdrawStart};
pub use self::rows::{PurseAccess, PurseCommands, PurseKeys, PurseMacRows, PurseTypes};
use crate::account::{DebitDate, SequenceConvention};
use crate::profile::named;

/// Purse rows of a profile.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PurseRules {
    /// DF that holds both purses.
    pub df: String,
    /// EF with the application's public data (0015); its serial number gives the diversification factor.
    pub public_data: String,
    /// Cyclic EF that transactions write (0018).
    pub log: String,
    /// Whether purchases from the EP are logged; a glossary leaves it to the issuer.
    pub logs_ep_purchase: bool,
    /// Keys.
    pub keys: PurseKeys,
    /// Key index sent with INITIALIZE; also the key version that the card answers.
    pub key_index: u8,
    /// Id of the PIN in VERIFY, CHANGE, RELOAD.
    pub pin_id: u8,
    /// Transaction types (TTI).
    pub types: PurseTypes,
    /// What a terminal must prove before each transaction.
    pub access: PurseAccess,
    /// Commands.
    pub commands: PurseCommands,
    /// Number in the log: the one INITIALIZE answered, or that plus one.
    pub log_sequence: SequenceConvention,
    /// Number in GET TRANSACTION PROVE: the one INITIALIZE answered, or that plus one.
    pub prove_sequence: SequenceConvention,
    /// Key of the TAC of UPDATE OVERDRAW LIMIT.
    #[serde(deserialize_with = "named")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub overdraw_tac_key: TacKey,
    /// Whether the PIN must be verified again after each completed transaction, as the manual's COS wants it.
    #[serde(default)]
    pub drops_pin: bool,
    /// Whether UPDATE CAPP DATA CACHE for a file under MAC brings its record enciphered besides: length byte, record and
    /// padding, with the file's key. The manual has both forms "per file" and shows no bytes of either.
    #[serde(default)]
    pub enciphers_cache: bool,
    /// What the second half of a transaction asks of its day and time; `checked` when left out.
    #[serde(default)]
    pub debit_date: DebitDate,
    /// What SELECT answers for a blocked application.
    #[serde(default)]
    pub blocked_select: BlockedSelect,
    /// How many factors lead from the root keys to the card's, that of the card the last. In which order a PSAM takes them is a
    /// row of the PSAM.
    pub factors: u8,
    /// MAC inputs.
    pub mac: PurseMacRows,
    /// What is assumed about these rows.
    #[serde(default)]
    pub assumed: Vec<String>,
}

/// What SELECT answers for a blocked application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum BlockedSelect {
    /// `6283`; GET RESPONSE then fetches the FCI (PBOC).
    #[default]
    Fci,
    /// `6A81` (the manual's COS); the application is selected nevertheless, so that it can be unblocked.
    Refused,
}

/// Order of the factors on the wire to the PSAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FactorOrder {
    /// The card's serial first, then area or issuer.
    CardFirst,
    /// Area or issuer first.
    CardLast,
}

/// The purses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purse {
    /// 电子存折.
    Deposit,
    /// 电子钱包.
    Purse,
}

impl Purse {
    /// P2 of its commands.
    #[must_use]
    pub const fn p2(self) -> u8 {
        match self {
            Self::Deposit => 0x01,
            Self::Purse => 0x02,
        }
    }
}
