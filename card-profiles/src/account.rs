//! The medical account (医疗保险个人账户) of the social security card: its commands, answers and MAC inputs.
//!
//! Source: LD/T 32.7 purchase pair as seen in two programs; balance and load from one article; the rest is PBOC's
//! analogue. Every CLA, INS, P1, P2 and every MAC input is a row of the profile, marked assumed where it is.
//! Owns: building commands and reading answers from those rows. Never: computes a MAC (`SecurityModule`), sends.
//! Units: amounts in fen, unsigned 32 bits big-endian, as the card holds them.
#![warn(clippy::indexing_slicing)]

use card_core::apdu::Command;
use card_core::crypto::{Block, KeyForm};
use card_core::security::KeyName;
use serde::Deserialize;

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
    /// Key index sent with INITIALIZE; also the key version that the card answers.
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
    /// What DEBIT FOR PURCHASE asks of its date, on which the yearly totals depend; `checked` when left out.
    #[serde(default)]
    pub debit_date: DebitDate,
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

/// What DEBIT FOR PURCHASE and CREDIT FOR LOAD ask of their date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DebitDate {
    /// A day of the calendar; of a purchase, of no earlier year than that of the totals.
    #[default]
    Checked,
    /// Nothing: totals start anew with any other year, an earlier one too.
    Any,
}

/// Fields of a MAC input, in order.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MacRows {
    /// MAC1 of a purchase (terminal to card).
    pub purchase_mac1: Vec<Field>,
    /// MAC2 of a purchase (card to terminal).
    pub purchase_mac2: Vec<Field>,
    /// TAC of a purchase.
    pub purchase_tac: Vec<Field>,
    /// MAC1 of a load (card to centre).
    pub load_mac1: Vec<Field>,
    /// MAC2 of a load (centre to card).
    pub load_mac2: Vec<Field>,
    /// TAC of a load.
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

/// Balances of the account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balances {
    /// 个人账户余额 (CIA), fen.
    pub personal_account: u32,
    /// 个人自付累计 (SPIP) of `year`, fen.
    pub self_paid_total: u32,
    /// 统筹累计 (SPFP) of `year`, fen.
    pub pooled_fund_total: u32,
    /// Year of the totals, BCD `2026`; 0 before the first purchase.
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
    const fn new(command: &'static str, expected: usize, data: &'a [u8]) -> Result<Self, AnswerLength> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn psam_purchase_fields_with_two_factors_make_lc_2c() {
        let start = AccountRules::parse_purchase_start(&[0x11; 22]).expect("22 bytes");
        assert_eq!(psam_purchase_fields(&start, Amounts::default(), 0x32, [0; 7]).len() + 16, 0x2C);
    }

    #[test]
    fn seeds_have_the_bytes_of_the_published_formulas() {
        assert_eq!(hex::encode_upper(purchase_seed([0x13, 0x57, 0x9B, 0xDF], 7, 0xA5C3)), "13579BDF0007A5C3");
        assert_eq!(hex::encode_upper(load_seed([0xA1, 0xB2, 0xC3, 0xD4], 3)), "A1B2C3D400038000");
    }

    #[test]
    fn answers_of_the_wrong_length_are_refused() {
        for n in (0..64).filter(|n| *n != 22) {
            let error = AccountRules::parse_purchase_start(&vec![0; n]).expect_err("length");
            assert_eq!((error.expected, error.got), (22, n));
        }
    }

    #[test]
    fn amounts_keep_the_order_of_the_card() {
        let amounts = Amounts { personal_account: 1, self_paid: 2, pooled_fund: 3 };
        assert_eq!(hex::encode_upper(amounts.to_bytes()), "000000010000000200000003");
        assert_eq!(Amounts::from_bytes(amounts.to_bytes()), amounts);
    }
}
