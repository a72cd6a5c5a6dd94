//! Keys, types, conditions, commands and MAC inputs of the purses.
//!
//! Source: a COS manual of PBOC 1.0/2.0. Owns: the rows. Never: builds a command.

use card_core::security::KeyName;
use serde::Deserialize;

use crate::access::Access;
use crate::account::{CommandRow, Field};
use crate::profile::key_name;

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
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub load_mac1: Vec<Field>,
    /// MAC2 of a load (host to card).
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub load_mac2: Vec<Field>,
    /// TAC of a load.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub load_tac: Vec<Field>,
    /// MAC1 of a purchase (terminal to card).
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub purchase_mac1: Vec<Field>,
    /// MAC2 of a purchase (card to terminal).
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub purchase_mac2: Vec<Field>,
    /// TAC of a purchase.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub purchase_tac: Vec<Field>,
    /// MAC1 of an unload.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub unload_mac1: Vec<Field>,
    /// MAC2 of an unload.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub unload_mac2: Vec<Field>,
    /// MAC3 of an unload.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub unload_mac3: Vec<Field>,
    /// MAC1 of an overdraw limit.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub overdraw_mac1: Vec<Field>,
    /// MAC2 of an overdraw limit.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub overdraw_mac2: Vec<Field>,
    /// TAC of an overdraw limit.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub overdraw_tac: Vec<Field>,
}
