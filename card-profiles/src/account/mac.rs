//! MAC inputs and session key seeds of account commands.
//!
//! Source: PBOC's formulas; which fields a formula has is a row of the profile. Owns: fields and their bytes.
//! Never: computes a MAC (`SecurityModule`). Units: amounts in fen, unsigned 32 bits big-endian.

use card_core::crypto::Block;
use serde::Deserialize;

/// Fields of a MAC input, in order.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MacRows {
    /// MAC1 of a purchase (terminal to card).
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub purchase_mac1: Vec<Field>,
    /// MAC2 of a purchase (card to terminal).
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub purchase_mac2: Vec<Field>,
    /// TAC of a purchase.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub purchase_tac: Vec<Field>,
    /// MAC1 of a load (card to centre).
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub load_mac1: Vec<Field>,
    /// MAC2 of a load (centre to card).
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub load_mac2: Vec<Field>,
    /// TAC of a load.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub load_tac: Vec<Field>,
}

/// One field of a MAC input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// Personal account, self-paid, pooled fund: 12 bytes.
    Amounts,
    /// Load amount: 4 bytes.
    Amount,
    /// Balance before: 4 bytes.
    BalanceBefore,
    /// Balance after: 4 bytes.
    BalanceAfter,
    /// Transaction type: 1 byte.
    Type,
    /// Terminal number: 6 bytes.
    Terminal,
    /// Terminal transaction number: 4 bytes.
    TerminalSequence,
    /// Card transaction number that INITIALIZE answered: 2 bytes.
    CardSequence,
    /// Date and time: 7 bytes BCD.
    DateTime,
    /// Overdraw limit before: 3 bytes.
    OldLimit,
    /// Overdraw limit after: 3 bytes.
    NewLimit,
}

impl Field {
    /// Its word in a profile.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Amounts => "amounts",
            Self::Amount => "amount",
            Self::BalanceBefore => "balance-before",
            Self::BalanceAfter => "balance-after",
            Self::Type => "type",
            Self::Terminal => "terminal",
            Self::TerminalSequence => "terminal-sequence",
            Self::CardSequence => "card-sequence",
            Self::DateTime => "date-time",
            Self::OldLimit => "old-limit",
            Self::NewLimit => "new-limit",
        }
    }
}

/// The three amounts of a purchase in the card's order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// 个人账户: debited from the card, fen.
    pub personal_account: u32,
    /// 个人自付: paid in cash, fen.
    pub self_paid: u32,
    /// 统筹基金: paid by the pool, fen.
    pub pooled_fund: u32,
}

impl Amounts {
    /// 12 bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        let parts = [self.personal_account, self.self_paid, self.pooled_fund];
        bytes.as_chunks_mut::<4>().0.iter_mut().zip(parts).for_each(|(slot, part)| *slot = part.to_be_bytes());
        bytes
    }

    /// From 12 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 12]) -> Self {
        let mut parts = bytes.as_chunks::<4>().0.iter().map(|chunk| u32::from_be_bytes(*chunk));
        let mut next = || parts.next().expect("12 bytes are three amounts");
        Self { personal_account: next(), self_paid: next(), pooled_fund: next() }
    }
}

/// Everything that a MAC input may name. Fields that a formula does not use stay at zero.
#[derive(Clone, Copy, Debug, Default)]
pub struct MacFields {
    /// Three amounts.
    pub amounts: Amounts,
    /// Load amount, fen.
    pub amount: u32,
    /// Balance before, fen.
    pub balance_before: u32,
    /// Balance after, fen.
    pub balance_after: u32,
    /// Transaction type.
    pub transaction_type: u8,
    /// Terminal number.
    pub terminal: [u8; 6],
    /// Terminal transaction number.
    pub terminal_sequence: u32,
    /// Card transaction number as INITIALIZE answered it.
    pub card_sequence: u16,
    /// YYYYMMDDHHMMSS in BCD.
    pub date_time: [u8; 7],
    /// Overdraw limit before, fen; the lower 24 bits.
    pub old_limit: u32,
    /// Overdraw limit after, fen; the lower 24 bits.
    pub new_limit: u32,
}

impl MacFields {
    /// The bytes of `fields`, in their order.
    #[must_use]
    pub fn input(&self, fields: &[Field]) -> Vec<u8> {
        let mut input = Vec::with_capacity(48);
        for field in fields {
            match field {
                Field::Amounts => input.extend(self.amounts.to_bytes()),
                Field::Amount => input.extend(self.amount.to_be_bytes()),
                Field::BalanceBefore => input.extend(self.balance_before.to_be_bytes()),
                Field::BalanceAfter => input.extend(self.balance_after.to_be_bytes()),
                Field::Type => input.push(self.transaction_type),
                Field::Terminal => input.extend(self.terminal),
                Field::TerminalSequence => input.extend(self.terminal_sequence.to_be_bytes()),
                Field::CardSequence => input.extend(self.card_sequence.to_be_bytes()),
                Field::DateTime => input.extend(self.date_time),
                Field::OldLimit => input.extend(self.old_limit.to_be_bytes().into_iter().skip(1)),
                Field::NewLimit => input.extend(self.new_limit.to_be_bytes().into_iter().skip(1)),
            }
        }
        input
    }
}

/// Seed of the purchase session key: card random, card sequence, last two bytes of the terminal sequence.
#[must_use]
pub const fn purchase_seed(random: [u8; 4], card_sequence: u16, terminal_sequence: u32) -> Block {
    let ([a, b, c, d], [e, f], [_, _, g, h]) = (random, card_sequence.to_be_bytes(), terminal_sequence.to_be_bytes());
    [a, b, c, d, e, f, g, h]
}

/// Seed of the load session key: card random, card sequence, `8000`.
#[must_use]
pub const fn load_seed(random: [u8; 4], card_sequence: u16) -> Block {
    let ([a, b, c, d], [e, f]) = (random, card_sequence.to_be_bytes());
    [a, b, c, d, e, f, 0x80, 0x00]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_have_the_bytes_of_the_published_formulas() {
        assert_eq!(hex::encode_upper(purchase_seed([0x13, 0x57, 0x9B, 0xDF], 7, 0xA5C3)), "13579BDF0007A5C3");
        assert_eq!(hex::encode_upper(load_seed([0xA1, 0xB2, 0xC3, 0xD4], 3)), "A1B2C3D400038000");
    }

    #[test]
    fn amounts_keep_the_order_of_the_card() {
        let amounts = Amounts { personal_account: 1, self_paid: 2, pooled_fund: 3 };
        assert_eq!(hex::encode_upper(amounts.to_bytes()), "000000010000000200000003");
        assert_eq!(Amounts::from_bytes(amounts.to_bytes()), amounts);
    }
}
