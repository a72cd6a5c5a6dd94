//! The electronic deposit (电子存折 ED) and electronic purse (电子钱包 EP) of PBOC: their commands, answers and MAC inputs.
//!
//! Source: a COS manual of PBOC 1.0/2.0, real card logs, host and POS programs. Where they disagree, the choice is a row.
//! Owns: building commands and reading answers from the rows of a profile. Never: computes a MAC, sends.
//! Units: amounts in fen, unsigned 32 bits big-endian; limits 3 bytes.
#![warn(clippy::indexing_slicing)]

use card_core::algorithm::TacKey;
use card_core::apdu::Command;
use card_core::security::KeyName;
use serde::Deserialize;

use crate::access::Access;
use crate::account::{AnswerLength, CommandRow, Field, LoadStart, SequenceConvention, take};
use crate::profile::{key_name, named};

/// Purse rows of a profile.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PurseRules {
    /// DF that holds both purses.
    pub df: String,
    /// EF with the application's public data (0015); its serial number gives the diversification factor.
    pub public_data: String,
    /// EF with the holder's data (0016).
    pub holder_data: String,
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
    /// What SELECT answers for a blocked application.
    #[serde(default)]
    pub blocked_select: BlockedSelect,
    /// Order of the factors in INIT SAM FOR PURCHASE.
    pub factor_order: FactorOrder,
    /// How many factors lead from the PSAM's key to the card's.
    pub factors: u8,
    /// MAC inputs.
    pub mac: PurseMacRows,
    /// What is assumed about these rows.
    #[serde(default)]
    pub assumed: Vec<String>,
}

/// Keys of the purses.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PurseKeys {
    /// DPK 消费密钥: purchase, cash, composite purchase.
    #[serde(deserialize_with = "key_name")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub purchase: KeyName,
    /// DLK 圈存密钥.
    #[serde(deserialize_with = "key_name")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub load: KeyName,
    /// DULK 圈提密钥.
    #[serde(deserialize_with = "key_name")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub unload: KeyName,
    /// DUK 修改透支限额密钥.
    #[serde(deserialize_with = "key_name")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub overdraw: KeyName,
    /// DTK: TAC.
    #[serde(deserialize_with = "key_name")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub tac: KeyName,
    /// DAMK 应用维护密钥: updates under MAC, blocking.
    #[serde(deserialize_with = "key_name")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub maintenance: KeyName,
    /// DPUK PIN 解锁密钥.
    #[serde(deserialize_with = "key_name")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub unblock_pin: KeyName,
    /// DRPK PIN 重装密钥.
    #[serde(deserialize_with = "key_name")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub reload_pin: KeyName,
}

/// Transaction types (交易类型标识).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PurseTypes {
    /// ED load.
    pub ed_load: u8,
    /// EP load.
    pub ep_load: u8,
    /// ED unload.
    pub unload: u8,
    /// ED cash withdrawal.
    pub cash: u8,
    /// ED purchase.
    pub ed_purchase: u8,
    /// EP purchase.
    pub ep_purchase: u8,
    /// ED overdraw limit.
    pub overdraw: u8,
    /// Composite purchase (复合应用消费).
    pub composite: u8,
}

/// What a terminal must prove before each transaction.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PurseAccess {
    /// INITIALIZE FOR LOAD.
    pub load: Access,
    /// INITIALIZE FOR PURCHASE from the ED.
    pub ed_purchase: Access,
    /// INITIALIZE FOR PURCHASE from the EP.
    pub ep_purchase: Access,
    /// INITIALIZE FOR CASH WITHDRAW.
    pub cash: Access,
    /// INITIALIZE FOR UNLOAD.
    pub unload: Access,
    /// INITIALIZE FOR UPDATE.
    pub overdraw: Access,
    /// GET BALANCE of the ED.
    pub ed_balance: Access,
    /// GET BALANCE of the EP.
    pub ep_balance: Access,
}

/// Commands. Where P2 is the purse or the type, or P2 the id of the PIN, the row's own byte is the default of the ED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PurseCommands {
    /// INITIALIZE FOR LOAD; P2 is the purse.
    pub init_load: CommandRow,
    /// CREDIT FOR LOAD.
    pub credit_load: CommandRow,
    /// INITIALIZE FOR PURCHASE; P2 is the purse.
    pub init_purchase: CommandRow,
    /// DEBIT FOR PURCHASE, CASH WITHDRAW, CAPP PURCHASE.
    pub debit: CommandRow,
    /// INITIALIZE FOR CASH WITHDRAW.
    pub init_cash: CommandRow,
    /// INITIALIZE FOR CAPP PURCHASE.
    pub init_composite: CommandRow,
    /// UPDATE CAPP DATA CACHE; P1 and P2 name the record.
    pub update_cache: CommandRow,
    /// INITIALIZE FOR UNLOAD.
    pub init_unload: CommandRow,
    /// DEBIT FOR UNLOAD.
    pub debit_unload: CommandRow,
    /// INITIALIZE FOR UPDATE.
    pub init_overdraw: CommandRow,
    /// UPDATE OVERDRAW LIMIT.
    pub update_overdraw: CommandRow,
    /// GET BALANCE; P2 is the purse.
    pub get_balance: CommandRow,
    /// GET TRANSACTION PROVE; P2 is the transaction type.
    pub prove: CommandRow,
    /// CHANGE PIN.
    pub change_pin: CommandRow,
    /// RELOAD PIN.
    pub reload_pin: CommandRow,
    /// PIN UNBLOCK; its P1 and P2 differ from COS to COS.
    pub unblock_pin: CommandRow,
    /// APPLICATION BLOCK.
    pub block: CommandRow,
    /// APPLICATION UNBLOCK.
    pub unblock: CommandRow,
    /// CARD BLOCK.
    pub block_card: CommandRow,
}

/// Fields of the MAC inputs, in order.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PurseMacRows {
    /// MAC1 of a load (card to host).
    pub load_mac1: Vec<Field>,
    /// MAC2 of a load (host to card).
    pub load_mac2: Vec<Field>,
    /// TAC of a load.
    pub load_tac: Vec<Field>,
    /// MAC1 of a purchase (terminal to card).
    pub purchase_mac1: Vec<Field>,
    /// MAC2 of a purchase (card to terminal).
    pub purchase_mac2: Vec<Field>,
    /// TAC of a purchase.
    pub purchase_tac: Vec<Field>,
    /// MAC1 of an unload.
    pub unload_mac1: Vec<Field>,
    /// MAC2 of an unload.
    pub unload_mac2: Vec<Field>,
    /// MAC3 of an unload.
    pub unload_mac3: Vec<Field>,
    /// MAC1 of an overdraw limit.
    pub overdraw_mac1: Vec<Field>,
    /// MAC2 of an overdraw limit.
    pub overdraw_mac2: Vec<Field>,
    /// TAC of an overdraw limit.
    pub overdraw_tac: Vec<Field>,
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
    /// GET BALANCE: 4 bytes.
    #[must_use]
    pub const fn get_balance(&self, purse: Purse) -> Command {
        let row = self.commands.get_balance;
        Command::new(row.cla, row.ins, row.p1, purse.p2()).with_le(4)
    }

    /// INITIALIZE FOR LOAD: key index (1), amount (4), terminal (6); answers 16 bytes as the account's does.
    #[must_use]
    pub fn init_load(&self, purse: Purse, amount: u32, terminal: [u8; 6]) -> Command {
        self.initialize(self.commands.init_load.with_p2(purse.p2()), amount, terminal).with_le(16)
    }

    /// CREDIT FOR LOAD: date and time (7), MAC2 (4); answers TAC (4).
    #[must_use]
    pub fn credit_load(&self, date_time: [u8; 7], mac2: [u8; 4]) -> Command {
        self.commands.credit_load.command([&date_time[..], &mac2].concat()).with_le(4)
    }

    /// INITIALIZE FOR PURCHASE; answers 15 bytes.
    #[must_use]
    pub fn init_purchase(&self, purse: Purse, amount: u32, terminal: [u8; 6]) -> Command {
        self.initialize(self.commands.init_purchase.with_p2(purse.p2()), amount, terminal).with_le(15)
    }

    /// INITIALIZE FOR CASH WITHDRAW; answers 15 bytes.
    #[must_use]
    pub fn init_cash(&self, amount: u32, terminal: [u8; 6]) -> Command {
        self.initialize(self.commands.init_cash, amount, terminal).with_le(15)
    }

    /// INITIALIZE FOR CAPP PURCHASE; answers 15 bytes.
    #[must_use]
    pub fn init_composite(&self, amount: u32, terminal: [u8; 6]) -> Command {
        self.initialize(self.commands.init_composite, amount, terminal).with_le(15)
    }

    /// INITIALIZE FOR UNLOAD; answers 16 bytes.
    #[must_use]
    pub fn init_unload(&self, amount: u32, terminal: [u8; 6]) -> Command {
        self.initialize(self.commands.init_unload, amount, terminal).with_le(16)
    }

    /// DEBIT: terminal sequence (4), date and time (7), MAC1 (4); answers TAC (4), MAC2 (4).
    #[must_use]
    pub fn debit(&self, terminal_sequence: u32, date_time: [u8; 7], mac1: [u8; 4]) -> Command {
        let data = [&terminal_sequence.to_be_bytes()[..], &date_time, &mac1].concat();
        self.commands.debit.command(data).with_le(8)
    }

    /// DEBIT FOR UNLOAD: date and time (7), MAC2 (4); answers MAC3 (4).
    #[must_use]
    pub fn debit_unload(&self, date_time: [u8; 7], mac2: [u8; 4]) -> Command {
        self.commands.debit_unload.command([&date_time[..], &mac2].concat()).with_le(4)
    }

    /// INITIALIZE FOR UPDATE: key index (1), terminal (6); answers 19 bytes.
    #[must_use]
    pub fn init_overdraw(&self, terminal: [u8; 6]) -> Command {
        self.commands.init_overdraw.command([&[self.key_index][..], &terminal].concat()).with_le(19)
    }

    /// UPDATE OVERDRAW LIMIT: limit (3), date and time (7), MAC2 (4); answers TAC (4). The limit's lower 24 bits are sent.
    #[must_use]
    pub fn update_overdraw(&self, limit: u32, date_time: [u8; 7], mac2: [u8; 4]) -> Command {
        let [_, limit @ ..] = limit.to_be_bytes();
        self.commands.update_overdraw.command([&limit[..], &date_time, &mac2].concat()).with_le(4)
    }

    /// GET TRANSACTION PROVE: P2 = transaction type, card sequence (2); answers MAC2 (4), TAC (4).
    #[must_use]
    pub fn prove(&self, transaction_type: u8, card_sequence: u16) -> Command {
        let number = self.prove_sequence.of(card_sequence);
        self.commands.prove.with_p2(transaction_type).command(number.to_be_bytes().to_vec()).with_le(8)
    }

    /// Every transaction type that leaves a proof.
    #[must_use]
    pub const fn transaction_types(&self) -> [u8; 8] {
        let PurseTypes { ed_load, ep_load, unload, cash, ed_purchase, ep_purchase, overdraw, composite } = self.types;
        [ed_load, ep_load, unload, cash, ed_purchase, ep_purchase, overdraw, composite]
    }

    /// The transaction type of a load or purchase.
    #[must_use]
    pub const fn load_type(&self, purse: Purse) -> u8 {
        match purse {
            Purse::Deposit => self.types.ed_load,
            Purse::Purse => self.types.ep_load,
        }
    }

    /// The transaction type of a purchase.
    #[must_use]
    pub const fn purchase_type(&self, purse: Purse) -> u8 {
        match purse {
            Purse::Deposit => self.types.ed_purchase,
            Purse::Purse => self.types.ep_purchase,
        }
    }

    /// Reads the answer of INITIALIZE FOR LOAD or UNLOAD.
    ///
    /// # Errors
    /// [`AnswerLength`].
    pub fn parse_load_start(data: &[u8]) -> Result<LoadStart, AnswerLength> {
        crate::account::AccountRules::parse_load_start(data)
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

    fn initialize(&self, row: CommandRow, amount: u32, terminal: [u8; 6]) -> Command {
        row.command([&[self.key_index][..], &amount.to_be_bytes(), &terminal].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::MacFields;
    use crate::builtin;

    fn rules() -> PurseRules {
        builtin("pboc-purse").and_then(|profile| profile.purse).expect("has a purse")
    }

    fn hex_of(command: &Command) -> String {
        hex::encode_upper(command.encode(card_core::apdu::Protocol::T0))
    }

    #[test]
    fn commands_are_those_of_the_manual() {
        let (rules, terminal) = (rules(), [0x66; 6]);
        assert_eq!(hex_of(&rules.init_load(Purse::Purse, 0x10, terminal)), "805000020B0100000010666666666666");
        assert_eq!(hex_of(&rules.init_purchase(Purse::Deposit, 1, terminal)), "805001010B0100000001666666666666");
        assert_eq!(hex_of(&rules.init_cash(1, terminal)), "805002010B0100000001666666666666");
        assert_eq!(hex_of(&rules.init_composite(0, terminal)), "805003020B0100000000666666666666");
        assert_eq!(hex_of(&rules.init_unload(1, terminal)), "805005010B0100000001666666666666");
        assert_eq!(hex_of(&rules.init_overdraw(terminal)), "805004010701666666666666");
        assert_eq!(hex_of(&rules.prove(9, 0x28)), "805A0009020028");
        assert_eq!(hex_of(&rules.get_balance(Purse::Purse)), "805C000204");
        let update = rules.update_overdraw(0x0001_0203, [0x20; 7], [0xAA; 4]);
        assert_eq!(hex_of(&update), "805800000E01020320202020202020AAAAAAAA");
    }

    #[test]
    fn mac_inputs_have_the_fields_of_the_formulas() {
        let fields = MacFields {
            amount: 0x10,
            transaction_type: 2,
            terminal: [0x66; 6],
            date_time: [0x20, 0x24, 0x04, 0x11, 0x21, 0x21, 0x21],
            old_limit: 0x01,
            new_limit: 0x0203,
            ..MacFields::default()
        };
        let mac = rules().mac;
        let of = |rows: &[Field]| hex::encode_upper(fields.input(rows));
        assert_eq!(of(&mac.load_mac1), "000000000000001002666666666666");
        assert_eq!(of(&mac.load_mac2), "000000100266666666666620240411212121");
        assert_eq!(of(&mac.overdraw_mac1), "0000000000000102666666666666");
        assert_eq!(of(&mac.overdraw_mac2), "0002030266666666666620240411212121");
        assert_eq!(of(&mac.purchase_tac), "00000010026666666666660000000020240411212121");
    }

    #[test]
    fn answers_of_the_wrong_length_are_refused() {
        assert!(PurseRules::parse_debit_start(&[0; 14]).is_err());
        let start = PurseRules::parse_debit_start(&[1, 0, 0, 0, 0, 7, 0, 0, 9, 1, 0, 1, 2, 3, 4]).expect("15 bytes");
        assert_eq!((start.card_sequence, start.overdraw_limit, start.random), (7, 9, [1, 2, 3, 4]));
        assert_eq!(PurseRules::parse_overdraw_start(&[0; 18]).expect_err("length").expected, 19);
    }
}
