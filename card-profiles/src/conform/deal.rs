//! One transaction of the account or of a purse as rows: its two commands, the fields of its MACs, what it leaves.
//!
//! Source: account and purse rows of the profile.
//! Owns: reading the answer of INITIALIZE, the second command, the log entry. Never: computes a MAC, sends.
//! Units: amounts in fen.
#![warn(clippy::indexing_slicing)]

use card_core::apdu::Command;
use card_core::crypto::Block;
use card_core::security::KeyRef;

use super::{Series, Text};
use crate::access::Access;
use crate::account::{
    AccountRules, Balances, CommandRow, Field, MacFields, PurchaseStart, SequenceConvention, TotalsYear, YearCoding,
    load_seed, psam_purchase_fields, purchase_seed,
};
use crate::purse::PurseRules;

/// A transaction.
#[derive(Clone, Debug)]
pub struct Deal {
    /// Word in ids: `load`, `ed-purchase`.
    pub word: &'static str,
    /// Name.
    pub name: Text,
    /// What must be proved before.
    pub access: Access,
    /// INITIALIZE.
    pub begin: Command,
    /// Shape of its answer.
    pub shape: Shape,
    /// The counter whose numbers it takes.
    pub numbers: Series,
    /// Key of the session.
    pub key: KeyRef,
    /// Key of the TAC.
    pub tac_key: KeyRef,
    /// Fixed fields of the MAC inputs.
    pub fields: MacFields,
    /// MAC1 of the card, in the answer of INITIALIZE.
    pub mac1: Option<Vec<Field>>,
    /// MAC that the terminal or host sends.
    pub sent: Vec<Field>,
    /// Second command.
    pub complete: CommandRow,
    /// Shape of its data.
    pub tail: Tail,
    /// TAC that it answers.
    pub tac: Option<Vec<Field>>,
    /// MAC2 or MAC3 that it answers, after the TAC.
    pub mac2: Option<Vec<Field>>,
    /// What happens to the balance.
    pub change: i64,
    /// The log entry; `None` where none is written or its number cannot be known.
    pub log: Option<(LogShape, SequenceConvention)>,
    /// GET TRANSACTION PROVE of this type, and the number that it takes.
    pub prove: Option<(CommandRow, SequenceConvention)>,
    /// Where a card refuses a year before that of its totals: how it writes that year. The transaction is of it where the clock is not
    /// so far.
    pub not_before: Option<YearCoding>,
}

/// Shape of the answer of INITIALIZE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Balance, online number, key version, algorithm, random, MAC1: load and unload.
    Load,
    /// Account: balances (14), offline number, key version, algorithm, random.
    Purchase,
    /// Purse: balance, offline number, limit, key version, algorithm, random.
    Debit,
    /// Purse: balance, online number, limit, key version, algorithm, random, MAC1.
    Overdraw,
    /// PSAM: terminal number of the transaction, MAC1.
    Terminal,
}

/// Card random and card number in the purchases that a PSAM is asked for.
pub(super) const CARD: ([u8; 4], u16) = ([0xC1, 0xC2, 0xC3, 0xC4], 0x0007);

/// Shape of the second command's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Date and time, MAC.
    Dated,
    /// Terminal number of the transaction, date and time, MAC.
    Numbered,
    /// New limit, date and time, MAC.
    Limit,
}

/// Shape of a log entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogShape {
    /// Number, type, terminal, date and time, three amounts.
    Account,
    /// Number, limit, amount, type, terminal, date and time.
    Purse,
}

/// What INITIALIZE answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// Balance, fen.
    pub balance: u32,
    /// Number of the transaction.
    pub sequence: u16,
    /// Overdraw limit, fen.
    pub limit: u32,
    /// Balances and yearly totals (account).
    pub balances: Balances,
    /// Version of the key.
    pub key_version: u8,
    /// Algorithm byte.
    pub algorithm: u8,
    /// Random.
    pub random: [u8; 4],
    /// MAC1.
    pub mac1: Option<[u8; 4]>,
}

impl Deal {
    /// Reads the answer of INITIALIZE; `None` when it has another length.
    #[must_use]
    pub fn start(&self, data: &[u8]) -> Option<Start> {
        Some(match self.shape {
            Shape::Load => {
                let start = AccountRules::parse_load_start(data).ok()?;
                Start {
                    balance: start.balance,
                    sequence: start.card_sequence,
                    key_version: start.key_version,
                    algorithm: start.algorithm,
                    random: start.random,
                    mac1: Some(start.mac1),
                    ..Start::default()
                }
            }
            Shape::Purchase => {
                let start = AccountRules::parse_purchase_start(data).ok()?;
                Start {
                    balance: start.balances.personal_account,
                    balances: start.balances,
                    sequence: start.card_sequence,
                    key_version: start.key_version,
                    algorithm: start.algorithm,
                    random: start.random,
                    ..Start::default()
                }
            }
            Shape::Debit => {
                let start = PurseRules::parse_debit_start(data).ok()?;
                Start {
                    balance: start.balance,
                    sequence: start.card_sequence,
                    limit: start.overdraw_limit,
                    key_version: start.key_version,
                    algorithm: start.algorithm,
                    random: start.random,
                    ..Start::default()
                }
            }
            Shape::Overdraw => {
                let start = PurseRules::parse_overdraw_start(data).ok()?;
                Start {
                    balance: start.balance,
                    sequence: start.card_sequence,
                    limit: start.limit,
                    key_version: start.key_version,
                    algorithm: start.algorithm,
                    random: start.random,
                    mac1: Some(start.mac1),
                    ..Start::default()
                }
            }
            Shape::Terminal => {
                let (number, mac1) = data.split_first_chunk::<4>()?;
                let (random, sequence) = CARD;
                Start {
                    balance: u32::from_be_bytes(*number),
                    mac1: Some(mac1.try_into().ok()?),
                    key_version: self.key.version,
                    random,
                    sequence,
                    ..Start::default()
                }
            }
        })
    }

    /// Transactions that are left after a start until its number is the last.
    #[must_use]
    pub const fn numbers_left(&self, start: &Start) -> u32 {
        match self.shape {
            Shape::Terminal => u32::MAX - start.balance,
            Shape::Load | Shape::Purchase | Shape::Debit | Shape::Overdraw => (u16::MAX - start.sequence) as u32,
        }
    }

    /// The same with all amounts zero, which no balance refuses.
    #[must_use]
    pub fn of_nothing(&self) -> Self {
        let mut data = self.begin.data().to_vec();
        // Key index first, terminal last; what is between are amounts.
        let amounts = 1..data.len().saturating_sub(6).max(1);
        data.get_mut(amounts).unwrap_or_default().fill(0);
        Self { begin: self.begin.clone().with_data(data), ..self.clone() }
    }

    /// Whether INITIALIZE alone takes a number, so that none need be completed.
    #[must_use]
    pub const fn is_numbered_at_once(&self) -> bool {
        matches!(self.shape, Shape::Terminal)
    }

    /// Bytes of the answer of INITIALIZE.
    #[must_use]
    pub const fn start_length(&self) -> usize {
        match self.shape {
            Shape::Load => 16,
            Shape::Purchase => 22,
            Shape::Debit => 15,
            Shape::Overdraw => 19,
            Shape::Terminal => 8,
        }
    }

    /// Bytes that the second command answers.
    #[must_use]
    pub const fn answer_length(&self) -> u16 {
        match (&self.tac, &self.mac2) {
            (Some(_), Some(_)) => 8,
            (Some(_), None) | (None, Some(_)) => 4,
            (None, None) => 0,
        }
    }

    /// The fields of the MAC inputs for a start.
    #[must_use]
    pub fn fields(&self, start: &Start) -> MacFields {
        let after = i64::from(start.balance) + self.change;
        let limit = match self.tail {
            Tail::Limit => i64::from(start.limit) + self.change,
            Tail::Dated | Tail::Numbered => 0,
        };
        MacFields {
            balance_before: start.balance,
            balance_after: u32::try_from(after).unwrap_or_default(),
            card_sequence: start.sequence,
            old_limit: start.limit,
            new_limit: u32::try_from(limit).unwrap_or_default(),
            date_time: self.date_time(start),
            ..self.fields
        }
    }

    /// When the transaction is, in BCD: in the year of the card's totals where they are ahead of the clock and the card asks for no
    /// earlier one.
    fn date_time(&self, start: &Start) -> [u8; 7] {
        let [century, year, month, day, hour, minute, second] = self.fields.date_time;
        match self.not_before.map(|coding| coding.read(start.balances.year)) {
            Some(TotalsYear::Of(held)) if held > u16::from_be_bytes([century, year]) => {
                let [century, year] = held.to_be_bytes();
                // Not every year has a 29th of February.
                let day = if (month, day) == (0x02, 0x29) { 0x28 } else { day };
                [century, year, month, day, hour, minute, second]
            }
            _ => self.fields.date_time,
        }
    }

    /// Seed of the session key.
    #[must_use]
    pub const fn seed(&self, start: &Start) -> Block {
        match self.shape {
            Shape::Load | Shape::Overdraw => load_seed(start.random, start.sequence),
            Shape::Purchase | Shape::Debit => {
                purchase_seed(start.random, start.sequence, self.fields.terminal_sequence)
            }
            Shape::Terminal => purchase_seed(start.random, start.sequence, start.balance),
        }
    }

    /// The second command with its MAC.
    #[must_use]
    pub fn completion(&self, start: &Start, mac: [u8; 4]) -> Command {
        let fields = self.fields(start);
        let mut data = match self.tail {
            Tail::Dated => Vec::new(),
            Tail::Numbered => fields.terminal_sequence.to_be_bytes().to_vec(),
            Tail::Limit => fields.input(&[Field::NewLimit]),
        };
        data.extend(fields.date_time);
        data.extend(mac);
        self.complete.command(data).with_le(self.answer_length())
    }

    /// What a PSAM is asked for MAC1 with: everything before the factors, and the factors, the card's first.
    #[must_use]
    pub fn for_psam(&self, start: &Start) -> (Vec<u8>, [Block; 2]) {
        let fields = self.fields(start);
        let start = PurchaseStart {
            balances: start.balances,
            card_sequence: start.sequence,
            key_version: start.key_version,
            algorithm: start.algorithm,
            random: start.random,
        };
        let above = |steps: usize| self.key.path.iter().rev().nth(steps).copied().unwrap_or_default();
        let data = psam_purchase_fields(&start, fields.amounts, fields.transaction_type, fields.date_time);
        (data, [above(0), above(1)])
    }

    /// The same transaction at another moment, whatever the year of the card's totals.
    #[must_use]
    pub fn dated(&self, date_time: [u8; 7]) -> Self {
        Self { fields: MacFields { date_time, ..self.fields }, not_before: None, ..self.clone() }
    }

    /// The same transaction with a terminal number that a PSAM gave.
    #[must_use]
    pub fn numbered(&self, terminal_sequence: u32) -> Self {
        Self { fields: MacFields { terminal_sequence, ..self.fields }, ..self.clone() }
    }

    /// GET TRANSACTION PROVE of a number before `start`'s by `ahead`.
    #[must_use]
    pub fn proof(&self, start: &Start, ahead: u16) -> Option<Command> {
        let (row, convention) = self.prove?;
        let number = convention.of(start.sequence.wrapping_add(ahead));
        Some(row.command(number.to_be_bytes().to_vec()).with_le(8))
    }

    /// The entry that the card must have written; a byte that INITIALIZE does not tell is `None`.
    #[must_use]
    pub fn entry(&self, start: &Start) -> Option<Vec<Option<u8>>> {
        let (shape, convention) = self.log?;
        let fields = self.fields(start);
        let known = |bytes: Vec<u8>| bytes.into_iter().map(Some).collect::<Vec<_>>();
        let mut entry = match self.shape {
            // The entry of a limit has the offline number, INITIALIZE FOR UPDATE answers the online number.
            Shape::Overdraw => vec![None; 2],
            Shape::Load | Shape::Purchase | Shape::Debit | Shape::Terminal => {
                known(convention.of(start.sequence).to_be_bytes().to_vec())
            }
        };
        match shape {
            LogShape::Account => {
                entry.extend(known(fields.input(&[Field::Type, Field::Terminal, Field::DateTime, Field::Amounts])));
            }
            LogShape::Purse => {
                entry.extend(match self.shape {
                    Shape::Load => vec![None; 3],
                    Shape::Overdraw => known(fields.input(&[Field::NewLimit])),
                    Shape::Purchase | Shape::Debit | Shape::Terminal => known(fields.input(&[Field::OldLimit])),
                });
                entry.extend(known(fields.input(&[Field::Amount, Field::Type, Field::Terminal, Field::DateTime])));
            }
        }
        Some(entry)
    }
}
