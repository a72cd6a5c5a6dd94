//! Commands of the account, built from the rows of a profile, and the reading of their answers.
//!
//! Source: LD/T 32.7 purchase pair as seen in two programs; balance and load from one article.
//! Owns: data fields and lengths. Never: a CLA, INS, P1 or P2 of its own.

use card_core::apdu::Command;

use super::answers::Reader;
use super::{AccountRules, Amounts, AnswerLength, BalanceKind, Balances, LoadStart, PurchaseProof, PurchaseStart};

impl AccountRules {
    /// GET BALANCE: `B0 26 00 P2`, Le 4 or 6.
    #[must_use]
    pub const fn get_balance(&self, kind: BalanceKind) -> Command {
        let row = self.get_balance;
        Command::new(row.cla, row.ins, row.p1, kind.p2()).with_le(kind.answer_length())
    }

    /// The amount in an answer of GET BALANCE, and the year of a total.
    ///
    /// # Errors
    /// [`AnswerLength`].
    pub fn parse_balance(kind: BalanceKind, data: &[u8]) -> Result<(u32, Option<u16>), AnswerLength> {
        let mut reader = Reader::new("GET BALANCE", usize::from(kind.answer_length()), data)?;
        let amount = reader.u32();
        Ok((amount, (kind.answer_length() == 6).then(|| reader.u16())))
    }

    /// INITIALIZE FOR LOAD: key index (1), amount (4), terminal (6); answers 16 bytes.
    #[must_use]
    pub fn init_load(&self, amount: u32, terminal: [u8; 6]) -> Command {
        let data = [&[self.key_index][..], &amount.to_be_bytes(), &terminal].concat();
        self.init_load.command(data).with_le(16)
    }

    /// Reads the answer of INITIALIZE FOR LOAD.
    ///
    /// # Errors
    /// [`AnswerLength`].
    pub fn parse_load_start(data: &[u8]) -> Result<LoadStart, AnswerLength> {
        let mut reader = Reader::new("INITIALIZE FOR LOAD", 16, data)?;
        Ok(LoadStart {
            balance: reader.u32(),
            card_sequence: reader.u16(),
            key_version: reader.u8(),
            algorithm: reader.u8(),
            random: reader.take(),
            mac1: reader.take(),
        })
    }

    /// CREDIT FOR LOAD: date and time (7), MAC2 (4); answers TAC (4). PBOC's `80 52` analogue.
    #[must_use]
    pub fn credit_load(&self, date_time: [u8; 7], mac2: [u8; 4]) -> Command {
        self.credit_load.command([&date_time[..], &mac2].concat()).with_le(4)
    }

    /// Reads the TAC of CREDIT FOR LOAD.
    ///
    /// # Errors
    /// [`AnswerLength`].
    pub fn parse_load_tac(data: &[u8]) -> Result<[u8; 4], AnswerLength> {
        Ok(Reader::new("CREDIT FOR LOAD", 4, data)?.take())
    }

    /// INITIALIZE FOR PURCHASE: key index (1), three amounts (12), terminal (6); answers 22 bytes.
    #[must_use]
    pub fn init_purchase(&self, amounts: Amounts, terminal: [u8; 6]) -> Command {
        let data = [&[self.key_index][..], &amounts.to_bytes(), &terminal].concat();
        self.init_purchase.command(data).with_le(22)
    }

    /// Reads the answer of INITIALIZE FOR PURCHASE. The split of its first 14 bytes is assumed:
    /// personal account (4), self-paid total (4), pooled-fund total (4), year (2).
    ///
    /// # Errors
    /// [`AnswerLength`].
    pub fn parse_purchase_start(data: &[u8]) -> Result<PurchaseStart, AnswerLength> {
        let mut reader = Reader::new("INITIALIZE FOR PURCHASE", 22, data)?;
        Ok(PurchaseStart {
            balances: Balances {
                personal_account: reader.u32(),
                self_paid_total: reader.u32(),
                pooled_fund_total: reader.u32(),
                year: reader.u16(),
            },
            card_sequence: reader.u16(),
            key_version: reader.u8(),
            algorithm: reader.u8(),
            random: reader.take(),
        })
    }

    /// DEBIT FOR PURCHASE: terminal sequence (4), date and time (7), MAC1 (4); answers TAC (4), MAC2 (4).
    #[must_use]
    pub fn debit_purchase(&self, terminal_sequence: u32, date_time: [u8; 7], mac1: [u8; 4]) -> Command {
        let data = [&terminal_sequence.to_be_bytes()[..], &date_time, &mac1].concat();
        self.debit_purchase.command(data).with_le(8)
    }

    /// Reads TAC and MAC2 of DEBIT FOR PURCHASE.
    ///
    /// # Errors
    /// [`AnswerLength`].
    pub fn parse_purchase_proof(data: &[u8]) -> Result<PurchaseProof, AnswerLength> {
        let mut reader = Reader::new("DEBIT FOR PURCHASE", 8, data)?;
        Ok(PurchaseProof { tac: reader.take(), mac2: reader.take() })
    }

    /// GET TRANSACTION PROVE: P2 = transaction type, card sequence (2); answers MAC2 (4), TAC (4). `None`: not on this card.
    #[must_use]
    pub fn prove(&self, transaction_type: u8, card_sequence: u16) -> Option<Command> {
        let row = self.prove?;
        let command = Command::new(row.cla, row.ins, row.p1, transaction_type);
        Some(command.with_data(self.numbered(card_sequence).to_be_bytes()).with_le(8))
    }

    /// Reads the answer of GET TRANSACTION PROVE.
    ///
    /// # Errors
    /// [`AnswerLength`].
    pub fn parse_prove(data: &[u8]) -> Result<PurchaseProof, AnswerLength> {
        let mut reader = Reader::new("GET TRANSACTION PROVE", 8, data)?;
        let mac2 = reader.take();
        Ok(PurchaseProof { tac: reader.take(), mac2 })
    }

    /// The number that log and PROVE carry for a transaction whose INITIALIZE answered `card_sequence`.
    #[must_use]
    pub const fn numbered(&self, card_sequence: u16) -> u16 {
        self.sequence_convention.of(card_sequence)
    }
}

/// The fields before the factors of INIT SAM FOR PURCHASE: random, sequence, amounts, type, date and time, version, algorithm.
#[must_use]
pub fn psam_purchase_fields(
    start: &PurchaseStart,
    amounts: Amounts,
    transaction_type: u8,
    date_time: [u8; 7],
) -> Vec<u8> {
    let mut fields = Vec::with_capacity(28);
    fields.extend(start.random);
    fields.extend(start.card_sequence.to_be_bytes());
    fields.extend(amounts.to_bytes());
    fields.push(transaction_type);
    fields.extend(date_time);
    fields.push(start.key_version);
    fields.push(start.algorithm);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn psam_purchase_fields_with_two_factors_make_lc_2c() {
        let start = AccountRules::parse_purchase_start(&[0x11; 22]).expect("22 bytes");
        assert_eq!(psam_purchase_fields(&start, Amounts::default(), 0x32, [0; 7]).len() + 16, 0x2C);
    }

    #[test]
    fn answers_of_the_wrong_length_are_refused() {
        for n in (0..64).filter(|n| *n != 22) {
            let error = AccountRules::parse_purchase_start(&vec![0; n]).expect_err("length");
            assert_eq!((error.expected, error.got), (22, n));
        }
    }
}
