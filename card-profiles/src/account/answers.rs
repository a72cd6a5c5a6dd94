//! What account commands answer: balances, transaction starts, proofs.
//!
//! Source: LD/T 32.7 as seen in two programs; the rest is PBOC's analogue. Owns: their fields, taken from checked lengths.
//! Units: amounts in fen, unsigned 32 bits big-endian.
#![warn(clippy::indexing_slicing)]

/// Balances of the account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balances {
    /// 个人账户余额 (CIA), fen.
    pub personal_account: u32,
    /// 个人自付累计 (SPIP) of `year`, fen.
    pub self_paid_total: u32,
    /// 统筹累计 (SPFP) of `year`, fen.
    pub pooled_fund_total: u32,
    /// Year of the totals as the card writes it: the profile's row `totals_year` says how.
    pub year: u16,
}

/// Which balance GET BALANCE asks for: its P2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BalanceKind {
    /// 个人账户余额: 4 bytes.
    PersonalAccount,
    /// 个人自付累计: 4 bytes and the year.
    SelfPaidTotal,
    /// 统筹累计: 4 bytes and the year.
    PooledFundTotal,
}

impl BalanceKind {
    /// P2.
    #[must_use]
    pub const fn p2(self) -> u8 {
        match self {
            Self::PersonalAccount => 1,
            Self::SelfPaidTotal => 2,
            Self::PooledFundTotal => 3,
        }
    }

    /// Bytes of the answer.
    #[must_use]
    pub const fn answer_length(self) -> u16 {
        match self {
            Self::PersonalAccount => 4,
            Self::SelfPaidTotal | Self::PooledFundTotal => 6,
        }
    }
}

/// Answer of INITIALIZE FOR LOAD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadStart {
    /// Balance before, fen.
    pub balance: u32,
    /// Online transaction number.
    pub card_sequence: u16,
    /// Version of the load key.
    pub key_version: u8,
    /// Algorithm byte; never choose a cipher from it alone.
    pub algorithm: u8,
    /// Card random.
    pub random: [u8; 4],
    /// MAC1.
    pub mac1: [u8; 4],
}

/// Answer of INITIALIZE FOR PURCHASE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurchaseStart {
    /// Balances before.
    pub balances: Balances,
    /// Offline transaction number.
    pub card_sequence: u16,
    /// Version of the purchase key.
    pub key_version: u8,
    /// Algorithm byte.
    pub algorithm: u8,
    /// Card random.
    pub random: [u8; 4],
}

/// TAC and MAC2, as DEBIT answers them; PROVE answers them in the other order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurchaseProof {
    /// TAC.
    pub tac: [u8; 4],
    /// MAC2.
    pub mac2: [u8; 4],
}

/// An answer of the wrong length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{command} answered {got} bytes, {expected} expected")]
pub struct AnswerLength {
    /// Command.
    pub command: &'static str,
    /// Bytes expected.
    pub expected: usize,
    /// Bytes received.
    pub got: usize,
}

/// Fixed fields of an answer of `expected` bytes.
pub(crate) const fn take<'a>(
    command: &'static str,
    expected: usize,
    data: &'a [u8],
) -> Result<Reader<'a>, AnswerLength> {
    Reader::new(command, expected, data)
}

/// Takes fixed fields from an answer whose length was checked once.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(command: &'static str, expected: usize, data: &'a [u8]) -> Result<Self, AnswerLength> {
        if data.len() == expected {
            Ok(Self { rest: data })
        } else {
            Err(AnswerLength { command, expected, got: data.len() })
        }
    }

    pub(crate) fn take<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self.rest.split_first_chunk().expect("the fields add up to the checked length");
        self.rest = rest;
        *field
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.take())
    }

    pub(crate) fn u24(&mut self) -> u32 {
        let [a, b, c] = self.take();
        u32::from_be_bytes([0, a, b, c])
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.take())
    }

    pub(crate) fn u8(&mut self) -> u8 {
        let [byte] = self.take();
        byte
    }
}
