//! What the commands of a purse answer.
//!
//! Source: a COS manual of PBOC 1.0/2.0. Owns: their fields, taken from checked lengths.
//! Units: amounts in fen, unsigned 32 bits big-endian; limits 3 bytes.

use super::PurseRules;
use crate::account::{AccountRules, AnswerLength, LoadStart, take};

/// Answer of INITIALIZE FOR PURCHASE, CASH WITHDRAW, CAPP PURCHASE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DebitStart {
    /// Balance before, overdraw limit included, fen.
    pub balance: u32,
    /// Offline transaction number.
    pub card_sequence: u16,
    /// Overdraw limit, fen.
    pub overdraw_limit: u32,
    /// Version of the purchase key.
    pub key_version: u8,
    /// Algorithm byte; never choose a cipher from it alone.
    pub algorithm: u8,
    /// Card random.
    pub random: [u8; 4],
}

/// Answer of INITIALIZE FOR UPDATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverdrawStart {
    /// Balance before, fen.
    pub balance: u32,
    /// Online transaction number.
    pub card_sequence: u16,
    /// Limit before, fen.
    pub limit: u32,
    /// Version of the key.
    pub key_version: u8,
    /// Algorithm byte.
    pub algorithm: u8,
    /// Card random.
    pub random: [u8; 4],
    /// MAC1.
    pub mac1: [u8; 4],
}

impl PurseRules {
    /// Reads the answer of INITIALIZE FOR LOAD or UNLOAD.
    ///
    /// # Errors
    /// [`AnswerLength`].
    pub fn parse_load_start(data: &[u8]) -> Result<LoadStart, AnswerLength> {
        AccountRules::parse_load_start(data)
    }

    /// Reads the answer of INITIALIZE FOR PURCHASE, CASH WITHDRAW or CAPP PURCHASE.
    ///
    /// # Errors
    /// [`AnswerLength`].
    pub fn parse_debit_start(data: &[u8]) -> Result<DebitStart, AnswerLength> {
        let mut fields = take("INITIALIZE FOR PURCHASE", 15, data)?;
        Ok(DebitStart {
            balance: fields.u32(),
            card_sequence: fields.u16(),
            overdraw_limit: fields.u24(),
            key_version: fields.u8(),
            algorithm: fields.u8(),
            random: fields.take(),
        })
    }

    /// Reads the answer of INITIALIZE FOR UPDATE.
    ///
    /// # Errors
    /// [`AnswerLength`].
    pub fn parse_overdraw_start(data: &[u8]) -> Result<OverdrawStart, AnswerLength> {
        let mut fields = take("INITIALIZE FOR UPDATE", 19, data)?;
        Ok(OverdrawStart {
            balance: fields.u32(),
            card_sequence: fields.u16(),
            limit: fields.u24(),
            key_version: fields.u8(),
            algorithm: fields.u8(),
            random: fields.take(),
            mac1: fields.take(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_the_wrong_length_are_refused() {
        assert!(PurseRules::parse_debit_start(&[0; 14]).is_err());
        let start = PurseRules::parse_debit_start(&[1, 0, 0, 0, 0, 7, 0, 0, 9, 1, 0, 1, 2, 3, 4]).expect("15 bytes");
        assert_eq!((start.card_sequence, start.overdraw_limit, start.random), (7, 9, [1, 2, 3, 4]));
        assert_eq!(PurseRules::parse_overdraw_start(&[0; 18]).expect_err("length").expected, 19);
    }
}
