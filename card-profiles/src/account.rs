//! The medical account (医疗保险个人账户) of the social security card: its commands, answers and MAC inputs.
//!
//! Source: LD/T 32.7 purchase pair as seen in two programs; balance and load from one article; the rest is PBOC's
//! analogue. Every CLA, INS, P1, P2 and every MAC input is a row of the profile, marked assumed where it is.
//! Owns: the rows; commands built (`commands`), answers read (`answers`, `year`) and MAC inputs made (`mac`) from them. Never: computes a MAC (`SecurityModule`), sends.
//! Units: amounts in fen, unsigned 32 bits big-endian, as the card holds them.
#![warn(clippy::indexing_slicing)]

mod answers;
mod commands;
mod mac;
mod year;

use card_core::apdu::Command;
use card_core::crypto::KeyForm;
use card_core::security::KeyName;
use serde::Deserialize;

pub(crate) use self::answers::take;
pub use self::answers::{AnswerLength, BalanceKind, Balances, LoadStart, PurchaseProof, PurchaseStart};
pub use self::commands::psam_purchase_fields;
pub use self::mac::{Amounts, Field, MacFields, MacRows, load_seed, purchase_seed};
pub use self::year::{TotalsYear, YearCoding};
use crate::access::Access;
use crate::profile::key_name;

/// Account rows of a profile.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AccountRules {
    /// DF that holds the account.
    pub df: String,
    /// Cyclic EF that the purchase and load commands write.
    pub log: String,
    /// Purchase key.
    #[serde(deserialize_with = "key_name")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub purchase_key: KeyName,
    /// Load key.
    #[serde(deserialize_with = "key_name")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub load_key: KeyName,
    /// TAC key.
    #[serde(deserialize_with = "key_name")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub tac_key: KeyName,
    /// Key index sent with INITIALIZE.
    pub key_index: u8,
    /// Transaction type byte of a purchase.
    pub purchase_type: u8,
    /// Transaction type byte of a load.
    pub load_type: u8,
    /// What a terminal must prove before INITIALIZE FOR PURCHASE.
    pub purchase_access: Access,
    /// What a terminal must prove before INITIALIZE FOR LOAD.
    pub load_access: Access,
    /// What a terminal must prove before GET BALANCE.
    pub balance_access: Access,
    /// GET BALANCE.
    pub get_balance: CommandRow,
    /// INITIALIZE FOR LOAD.
    pub init_load: CommandRow,
    /// CREDIT FOR LOAD.
    pub credit_load: CommandRow,
    /// INITIALIZE FOR PURCHASE.
    pub init_purchase: CommandRow,
    /// DEBIT FOR PURCHASE.
    pub debit_purchase: CommandRow,
    /// GET TRANSACTION PROVE, where the card has it.
    #[serde(default)]
    pub prove: Option<CommandRow>,
    /// Number that PROVE and the log use: the one INITIALIZE answered, or that plus one.
    pub sequence_convention: SequenceConvention,
    /// What DEBIT FOR PURCHASE asks of its date, on which the yearly totals depend; `calendar` when left out.
    #[serde(default)]
    pub debit_date: DebitDate,
    /// How the card writes the year of its totals; `bcd` when left out.
    #[serde(default)]
    pub totals_year: YearCoding,
    /// MAC inputs.
    pub mac: MacRows,
    /// What is assumed about these rows.
    #[serde(default)]
    pub assumed: Vec<String>,
    /// How the card holds the account's keys, filled in from the profile's algorithm when the text is read.
    #[serde(skip, default = "tdes")]
    pub key_form: KeyForm,
}

impl AccountRules {
    /// Whether balances are asked as `other` asks for them: in the same directory, by the same command, after the same proof.
    #[must_use]
    pub fn asks_balances_like(&self, other: &Self) -> bool {
        (&self.df, self.get_balance, &self.balance_access) == (&other.df, other.get_balance, &other.balance_access)
    }
}

const fn tdes() -> KeyForm {
    KeyForm::TDES
}

/// CLA INS P1 P2 of an account command. P2 of GET BALANCE is the balance asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CommandRow {
    /// Class.
    pub cla: u8,
    /// Instruction.
    pub ins: u8,
    /// First parameter.
    pub p1: u8,
    /// Second parameter.
    pub p2: u8,
}

/// Whether log and PROVE carry the transaction number before or after the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SequenceConvention {
    /// The number that INITIALIZE answered.
    Before,
    /// That number plus one.
    After,
}

/// What DEBIT FOR PURCHASE and CREDIT FOR LOAD, and the second halves of a purse's transactions, ask of their day and time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DebitDate {
    /// A day of the calendar and a time of day. A purchase dated before the year of the totals is done and leaves them.
    #[default]
    Calendar,
    /// The same; of a purchase from an account with totals, no earlier year than theirs.
    Checked,
    /// Nothing: totals start anew with any other year, an earlier one too.
    Any,
}

impl SequenceConvention {
    /// The number of a transaction whose INITIALIZE answered `card_sequence`.
    #[must_use]
    pub const fn of(self, card_sequence: u16) -> u16 {
        match self {
            Self::Before => card_sequence,
            Self::After => card_sequence.wrapping_add(1),
        }
    }
}

impl CommandRow {
    pub(crate) const fn with_p2(self, p2: u8) -> Self {
        Self { p2, ..self }
    }

    pub(crate) fn command(self, data: Vec<u8>) -> Command {
        Command::new(self.cla, self.ins, self.p1, self.p2).with_data(data)
    }

    /// CLA INS P1 P2.
    #[must_use]
    pub const fn header(self) -> [u8; 4] {
        [self.cla, self.ins, self.p1, self.p2]
    }
}
