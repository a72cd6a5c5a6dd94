//! Which command a header is.
//!
//! Source: LD/T 32.5, PBOC and PSAM command lists as published; the account, purse and certificate rows of the profiles.
//! Owns: names of commands, and the tables of fields that belong to them. Never: reads data bytes.

use super::fields;
use super::part::{Field, Label};
use crate::profile::Profile;

/// A command by its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Select,
    GetResponse,
    ReadRecord,
    UpdateRecord,
    AppendRecord,
    ReadBinary,
    UpdateBinary,
    GetChallenge,
    InternalAuthenticate,
    ExternalAuthenticate,
    Verify,
    ChangePin,
    ReloadPinPlain,
    PinMaintenance,
    KeyLoad,
    Blocking(&'static str, &'static str),
    PsamDerive,
    PsamDeliver,
    PsamCipher,
    PsamPurchase,
    PsamPurchasePboc,
    PsamCredit,
    UpdateCache,
    Certificate(&'static str, &'static str),
    /// Account and purse commands: names, fields of the command, fields of the answer.
    Money(&'static str, &'static str, &'static [Field], &'static [Field]),
    Unknown,
}

impl Kind {
    /// The command with this header, on a card of `current` or, failing that, of any profile of `catalogue`.
    pub(super) fn of(header: [u8; 4], current: &Profile, catalogue: &[Profile]) -> Self {
        let [cla, ins, p1, p2] = header;
        let is_certificate = |profile: &Profile| certificate(header, profile);
        match (cla, ins, p1) {
            (0x00 | 0x80 | 0x84, 0xA4, _) => Self::Select,
            (0x00 | 0x80, 0xC0, _) => Self::GetResponse,
            (0x00 | 0x04, 0xB2, _) => Self::ReadRecord,
            (0x00 | 0x04, 0xDC, _) => Self::UpdateRecord,
            (0x00 | 0x04, 0xE2, _) => Self::AppendRecord,
            (0x00 | 0x04, 0xB0, _) => Self::ReadBinary,
            (0x00 | 0x04, 0xD6 | 0xD0, _) => Self::UpdateBinary,
            (0x00, 0x84, _) => Self::GetChallenge,
            (0x00, 0x88, _) => Self::InternalAuthenticate,
            (0x00, 0x82, _) => Self::ExternalAuthenticate,
            (0x00, 0x20, _) => Self::Verify,
            (0x80, 0x5E, 0x00) => Self::ReloadPinPlain,
            (0x80, 0x5E, _) => Self::ChangePin,
            (0x84, 0x24 | 0x5E, _) => Self::PinMaintenance,
            (0x80 | 0x84, 0xD4, _) => Self::KeyLoad,
            (0x84, 0x1E, _) => Self::Blocking("应用锁定", "APPLICATION BLOCK"),
            (0x84, 0x18, _) => Self::Blocking("应用解锁", "APPLICATION UNBLOCK"),
            (0x84, 0x16, _) => Self::Blocking("卡片锁定", "CARD BLOCK"),
            (0xBF, 0xDE, _) => Self::PsamDerive,
            (0x80, 0x1A, _) => Self::PsamDeliver,
            (0x80, 0xFA, _) => Self::PsamCipher,
            (0x80, 0x70, 0x01) => Self::PsamPurchase,
            (0x80, 0x70, _) => Self::PsamPurchasePboc,
            (0x80, 0x72, _) => Self::PsamCredit,
            (0x80, 0xDC, _) => Self::UpdateCache,
            _ => std::iter::once(current)
                .chain(catalogue)
                .find_map(|profile| {
                    account(cla, ins, p1, profile)
                        .or_else(|| purse([cla, ins, p1, p2], profile))
                        .or_else(|| is_certificate(profile))
                })
                .unwrap_or(Self::Unknown),
        }
    }

    /// Whether only a PSAM knows it.
    pub(super) const fn is_of_psam(self) -> bool {
        matches!(
            self,
            Self::PsamDerive
                | Self::PsamDeliver
                | Self::PsamCipher
                | Self::PsamPurchase
                | Self::PsamPurchasePboc
                | Self::PsamCredit
        )
    }

    /// Whether the command may carry data to the card, so that a header alone is not all of it.
    pub(super) const fn brings_data(self) -> bool {
        !matches!(
            self,
            Self::GetResponse | Self::ReadRecord | Self::ReadBinary | Self::GetChallenge | Self::Money(_, _, &[], _)
        )
    }

    /// Its names.
    pub(super) const fn label(self) -> Label {
        let (zh, en) = match self {
            Self::Select => ("选择文件", "SELECT"),
            Self::GetResponse => ("取响应数据", "GET RESPONSE"),
            Self::ReadRecord => ("读记录", "READ RECORD"),
            Self::UpdateRecord => ("修改记录", "UPDATE RECORD"),
            Self::AppendRecord => ("追加记录", "APPEND RECORD"),
            Self::ReadBinary => ("读二进制", "READ BINARY"),
            Self::UpdateBinary => ("修改二进制", "UPDATE BINARY"),
            Self::GetChallenge => ("取随机数", "GET CHALLENGE"),
            Self::InternalAuthenticate => ("内部认证", "INTERNAL AUTHENTICATION"),
            Self::ExternalAuthenticate => ("外部认证", "EXTERNAL AUTHENTICATION"),
            Self::Verify => ("校验口令", "VERIFY"),
            Self::ChangePin => ("修改口令", "CHANGE PIN"),
            Self::ReloadPinPlain => ("重装口令", "RELOAD PIN"),
            Self::PinMaintenance => ("口令解锁或重装", "PIN CHANGE/UNBLOCK"),
            Self::KeyLoad => ("装载密钥", "KEY LOAD"),
            Self::PsamDerive => ("PSAM 分散密钥", "PSAM DERIVE KEY"),
            Self::PsamDeliver => ("PSAM 通用密钥初始化", "PSAM DELIVERY KEY"),
            Self::PsamCipher => ("PSAM 加密或计算 MAC", "PSAM CIPHER DATA"),
            Self::PsamPurchase | Self::PsamPurchasePboc => ("PSAM 消费初始化", "PSAM INIT FOR PURCHASE"),
            Self::PsamCredit => ("PSAM 校验 MAC2", "PSAM CREDIT FOR PURCHASE"),
            Self::UpdateCache => ("更新复合应用数据缓存", "UPDATE CAPP DATA CACHE"),
            Self::Blocking(zh, en) | Self::Certificate(zh, en) | Self::Money(zh, en, _, _) => (zh, en),
            Self::Unknown => ("未知命令", "unknown command"),
        };
        Label::new(zh, en)
    }
}

fn account(cla: u8, ins: u8, p1: u8, profile: &Profile) -> Option<Kind> {
    let rules = profile.account.as_ref()?;
    let rows = [
        (Some(rules.get_balance), "读余额", "GET BALANCE", &[][..], fields::ACCOUNT_BALANCE),
        (Some(rules.init_load), "划入初始化", "INITIALIZE FOR LOAD", fields::INIT_LOAD, fields::LOAD_START),
        (Some(rules.credit_load), "划入", "CREDIT FOR LOAD", fields::CREDIT_LOAD, fields::ONLY_TAC),
        (
            Some(rules.init_purchase),
            "消费初始化",
            "INITIALIZE FOR PURCHASE",
            fields::INIT_PURCHASE,
            fields::PURCHASE_START,
        ),
        (Some(rules.debit_purchase), "消费", "DEBIT FOR PURCHASE", fields::DEBIT, fields::TAC_MAC2),
        (rules.prove, "取交易认证", "GET TRANSACTION PROVE", fields::PROVE, fields::MAC2_TAC),
    ];
    rows.into_iter()
        .find(|(row, ..)| row.is_some_and(|row| (row.cla, row.ins, row.p1) == (cla, ins, p1)))
        .map(|(_, zh, en, command, answer)| Kind::Money(zh, en, command, answer))
}

fn purse([cla, ins, p1, _]: [u8; 4], profile: &Profile) -> Option<Kind> {
    let rows = &profile.purse.as_ref()?.commands;
    let rows = [
        (rows.init_load, "圈存初始化", "INITIALIZE FOR LOAD", fields::INIT_LOAD, fields::LOAD_START),
        (rows.credit_load, "圈存", "CREDIT FOR LOAD", fields::CREDIT_LOAD, fields::ONLY_TAC),
        (rows.init_purchase, "消费初始化", "INITIALIZE FOR PURCHASE", fields::INIT_LOAD, fields::DEBIT_START),
        (rows.init_cash, "取现初始化", "INITIALIZE FOR CASH WITHDRAW", fields::INIT_LOAD, fields::DEBIT_START),
        (rows.init_composite, "复合消费初始化", "INITIALIZE FOR CAPP PURCHASE", fields::INIT_LOAD, fields::DEBIT_START),
        (rows.debit, "消费或取现", "DEBIT", fields::DEBIT, fields::TAC_MAC2),
        (rows.init_unload, "圈提初始化", "INITIALIZE FOR UNLOAD", fields::INIT_LOAD, fields::LOAD_START),
        (rows.debit_unload, "圈提", "DEBIT FOR UNLOAD", fields::CREDIT_LOAD, fields::MAC3),
        (
            rows.init_overdraw,
            "修改透支限额初始化",
            "INITIALIZE FOR UPDATE",
            fields::INIT_OVERDRAW,
            fields::OVERDRAW_START,
        ),
        (rows.update_overdraw, "修改透支限额", "UPDATE OVERDRAW LIMIT", fields::UPDATE_OVERDRAW, fields::ONLY_TAC),
        (rows.get_balance, "读余额", "GET BALANCE", &[][..], fields::ONLY_BALANCE),
        (rows.prove, "取交易认证", "GET TRANSACTION PROVE", fields::PROVE, fields::MAC2_TAC),
    ];
    rows.into_iter()
        .find(|(row, ..)| (row.cla, row.ins, row.p1) == (cla, ins, p1))
        .map(|(_, zh, en, command, answer)| Kind::Money(zh, en, command, answer))
}

fn certificate(header: [u8; 4], profile: &Profile) -> Option<Kind> {
    let rows = &profile.certificate.as_ref()?.commands;
    let rows = [
        (rows.generate_key_pair, "生成密钥对", "GENERATE KEY PAIR"),
        (rows.export_public_key, "导出公钥", "EXPORT PUBLIC KEY"),
        (rows.fetch_public_key, "取公钥", "FETCH PUBLIC KEY"),
        (rows.set_user_pin, "设置用户口令", "SET USER PIN"),
        (rows.set_administrator_pin, "设置管理员口令", "SET ADMINISTRATOR PIN"),
        (rows.open_envelope, "打开数字信封", "OPEN ENVELOPE"),
        (rows.decipher_key, "解密密钥", "DECIPHER KEY"),
        (rows.install_public_key, "安装公钥", "INSTALL PUBLIC KEY"),
        (rows.install_private_key, "安装私钥", "INSTALL PRIVATE KEY"),
        (rows.sign, "签名", "SIGN"),
    ];
    let [cla, ins, ..] = header;
    rows.into_iter()
        .find(|(row, ..)| row.header() == header)
        .or_else(|| rows.into_iter().find(|(row, ..)| (row.cla, row.ins) == (cla, ins)))
        .map(|(_, zh, en)| Kind::Certificate(zh, en))
}
