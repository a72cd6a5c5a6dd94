//! The transactions of a card, from its account rows or its purse rows.
//!
//! Owns: which row is which half, amounts of the cases: one fen each way, so that a load and a debit leave the balance as it
//! was. Never: computes, sends.

use card_core::algorithm::TacKey;
use card_core::apdu::Command;
use card_core::security::KeyName;

use super::deal::{Deal, LogShape, Shape, Tail};
use super::workshop::Workshop;
use super::{Series, Text};
use crate::access::Access;
use crate::account::{AccountRules, Amounts, CommandRow, DebitDate, Field, MacFields};
use crate::purse::{Purse, PurseRules};

/// Terminal transaction number in the cases.
const TERMINAL_SEQUENCE: u32 = 0x0000_0001;

/// Amounts of a purchase: one fen from the card, and sums for the totals.
pub(super) const ONE: Amounts = Amounts { personal_account: 1, self_paid: 2, pooled_fund: 3 };

/// Load of the account.
pub(super) fn account_load(shop: &Workshop<'_>, rules: &AccountRules, amount: u32) -> Option<Deal> {
    let (key, tac_key) = (named(shop, &rules.load_key)?, named(shop, &rules.tac_key)?);
    let amounts = Amounts { personal_account: amount, ..Amounts::default() };
    Some(Deal {
        word: "load",
        name: Text::new("账户划入", "load"),
        access: rules.load_access.clone(),
        begin: rules.init_load(amount, shop.bench.terminal),
        shape: Shape::Load,
        numbers: Series::AccountOnline,
        key,
        tac_key,
        fields: MacFields { amount, amounts, ..fields(shop, rules.load_type) },
        mac1: Some(rules.mac.load_mac1.clone()),
        sent: rules.mac.load_mac2.clone(),
        complete: rules.credit_load,
        tail: Tail::Dated,
        tac: Some(rules.mac.load_tac.clone()),
        mac2: None,
        change: i64::from(amount),
        log: Some((LogShape::Account, rules.sequence_convention)),
        prove: rules.prove.map(|row| (row.with_p2(rules.load_type), rules.sequence_convention)),
        not_before: None,
    })
}

/// Purchase from the account.
pub(super) fn account_purchase(shop: &Workshop<'_>, rules: &AccountRules, amounts: Amounts) -> Option<Deal> {
    let (key, tac_key) = (named(shop, &rules.purchase_key)?, named(shop, &rules.tac_key)?);
    Some(Deal {
        word: "purchase",
        name: Text::new("消费", "purchase"),
        access: rules.purchase_access.clone(),
        begin: rules.init_purchase(amounts, shop.bench.terminal),
        shape: Shape::Purchase,
        numbers: Series::AccountOffline,
        key,
        tac_key,
        fields: MacFields { amounts, ..fields(shop, rules.purchase_type) },
        mac1: None,
        sent: rules.mac.purchase_mac1.clone(),
        complete: rules.debit_purchase,
        tail: Tail::Numbered,
        tac: Some(rules.mac.purchase_tac.clone()),
        mac2: Some(rules.mac.purchase_mac2.clone()),
        change: -i64::from(amounts.personal_account),
        log: Some((LogShape::Account, rules.sequence_convention)),
        prove: rules.prove.map(|row| (row.with_p2(rules.purchase_type), rules.sequence_convention)),
        not_before: (rules.debit_date == DebitDate::Checked).then_some(rules.totals_year),
    })
}

/// A transaction of a purse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PurseDeal {
    /// Load of a purse.
    Load(Purse),
    /// Purchase from a purse.
    Purchase(Purse),
    /// Cash withdrawal.
    Cash,
    /// Composite purchase.
    Composite,
    /// Unload.
    Unload,
    /// Overdraw limit raised by so much.
    Overdraw,
}

/// All of them.
pub(super) const PURSE_DEALS: [PurseDeal; 8] = [
    PurseDeal::Load(Purse::Deposit),
    PurseDeal::Load(Purse::Purse),
    PurseDeal::Purchase(Purse::Deposit),
    PurseDeal::Purchase(Purse::Purse),
    PurseDeal::Cash,
    PurseDeal::Composite,
    PurseDeal::Unload,
    PurseDeal::Overdraw,
];

impl PurseDeal {
    /// The purse that it moves.
    pub(super) const fn purse(self) -> Purse {
        match self {
            Self::Load(purse) | Self::Purchase(purse) => purse,
            Self::Composite => Purse::Purse,
            Self::Cash | Self::Unload | Self::Overdraw => Purse::Deposit,
        }
    }
}

/// What the rows say of one transaction of a purse.
struct Rows<'r> {
    access: &'r Access,
    begin: Command,
    /// Transaction type.
    kind: u8,
    key: &'r KeyName,
    shape: Shape,
    tail: Tail,
    complete: CommandRow,
    mac1: Option<&'r [Field]>,
    sent: &'r [Field],
    tac: Option<&'r [Field]>,
    mac2: Option<&'r [Field]>,
    /// What happens to the balance, or to the limit.
    change: i64,
}

impl PurseDeal {
    /// Word in ids, and name.
    const fn words(self) -> [&'static str; 3] {
        match self {
            Self::Load(Purse::Deposit) => ["ed-load", "电子存折圈存", "load of the ED"],
            Self::Load(Purse::Purse) => ["ep-load", "电子钱包圈存", "load of the EP"],
            Self::Purchase(Purse::Deposit) => ["ed-purchase", "电子存折消费", "purchase from the ED"],
            Self::Purchase(Purse::Purse) => ["ep-purchase", "电子钱包消费", "purchase from the EP"],
            Self::Cash => ["cash", "取现", "cash withdrawal"],
            Self::Composite => ["composite", "复合应用消费", "composite purchase"],
            Self::Unload => ["unload", "圈提", "unload"],
            Self::Overdraw => ["overdraw", "修改透支限额", "overdraw limit"],
        }
    }

    fn rows(self, rules: &PurseRules, terminal: [u8; 6], amount: i64) -> Rows<'_> {
        let (commands, keys, types, mac, access) =
            (&rules.commands, &rules.keys, &rules.types, &rules.mac, &rules.access);
        let fen = u32::try_from(amount).unwrap_or_default();
        let debit = |access, begin, kind| Rows {
            access,
            begin,
            kind,
            key: &keys.purchase,
            shape: Shape::Debit,
            tail: Tail::Numbered,
            complete: commands.debit,
            mac1: None,
            sent: &mac.purchase_mac1,
            tac: Some(&mac.purchase_tac),
            mac2: Some(&mac.purchase_mac2),
            change: -amount,
        };
        match self {
            Self::Load(purse) => Rows {
                access: &access.load,
                begin: rules.init_load(purse, fen, terminal),
                kind: if purse == Purse::Deposit { types.ed_load } else { types.ep_load },
                key: &keys.load,
                shape: Shape::Load,
                tail: Tail::Dated,
                complete: commands.credit_load,
                mac1: Some(&mac.load_mac1),
                sent: &mac.load_mac2,
                tac: Some(&mac.load_tac),
                mac2: None,
                change: amount,
            },
            Self::Purchase(purse) => {
                let (access, kind) = match purse {
                    Purse::Deposit => (&access.ed_purchase, types.ed_purchase),
                    Purse::Purse => (&access.ep_purchase, types.ep_purchase),
                };
                debit(access, rules.init_purchase(purse, fen, terminal), kind)
            }
            Self::Cash => debit(&access.cash, rules.init_cash(fen, terminal), types.cash),
            Self::Composite => debit(&access.ep_purchase, rules.init_composite(fen, terminal), types.composite),
            Self::Unload => Rows {
                access: &access.unload,
                begin: rules.init_unload(fen, terminal),
                kind: types.unload,
                key: &keys.unload,
                shape: Shape::Load,
                tail: Tail::Dated,
                complete: commands.debit_unload,
                mac1: Some(&mac.unload_mac1),
                sent: &mac.unload_mac2,
                tac: None,
                mac2: Some(&mac.unload_mac3),
                change: -amount,
            },
            Self::Overdraw => Rows {
                access: &access.overdraw,
                begin: rules.init_overdraw(terminal),
                kind: types.overdraw,
                key: &keys.overdraw,
                shape: Shape::Overdraw,
                tail: Tail::Limit,
                complete: commands.update_overdraw,
                mac1: Some(&mac.overdraw_mac1),
                sent: &mac.overdraw_mac2,
                tac: Some(&mac.overdraw_tac),
                mac2: None,
                change: amount,
            },
        }
    }
}

/// The transaction of a purse, of `amount` fen; for the overdraw limit, by how much it is raised.
pub(super) fn purse_deal(shop: &Workshop<'_>, rules: &PurseRules, which: PurseDeal, amount: i64) -> Option<Deal> {
    let [word, zh, en] = which.words();
    let rows = which.rows(rules, shop.bench.terminal, amount);
    let mut tac_key = named(shop, &rules.keys.tac)?;
    let limit = which == PurseDeal::Overdraw;
    if limit && rules.overdraw_tac_key == TacKey::Whole {
        tac_key.form.rules.tac_key = TacKey::Whole;
    }
    let logs = rules.logs_ep_purchase || which != PurseDeal::Purchase(Purse::Purse);
    // An overdraw limit moves no money: its entry has amount 0.
    let fen = if limit { 0 } else { u32::try_from(amount).unwrap_or_default() };
    Some(Deal {
        word,
        name: Text::new(zh, en),
        access: rows.access.clone(),
        begin: rows.begin,
        shape: rows.shape,
        numbers: match (which.purse(), rows.shape) {
            (Purse::Deposit, Shape::Debit) => Series::DepositOffline,
            (Purse::Deposit, _) => Series::DepositOnline,
            (Purse::Purse, Shape::Debit) => Series::PurseOffline,
            (Purse::Purse, _) => Series::PurseOnline,
        },
        key: named(shop, rows.key)?,
        tac_key,
        fields: MacFields { amount: fen, ..fields(shop, rows.kind) },
        mac1: rows.mac1.map(<[Field]>::to_vec),
        sent: rows.sent.to_vec(),
        complete: rows.complete,
        tail: rows.tail,
        tac: rows.tac.map(<[Field]>::to_vec),
        mac2: rows.mac2.map(<[Field]>::to_vec),
        change: rows.change,
        log: logs.then_some((LogShape::Purse, rules.log_sequence)),
        prove: Some((rules.commands.prove.with_p2(rows.kind), rules.prove_sequence)),
        not_before: None,
    })
}

fn fields(shop: &Workshop<'_>, transaction_type: u8) -> MacFields {
    MacFields {
        transaction_type,
        terminal: shop.bench.terminal,
        terminal_sequence: TERMINAL_SEQUENCE,
        date_time: shop.bench.moment,
        ..MacFields::default()
    }
}

fn named(shop: &Workshop<'_>, name: &KeyName) -> Option<card_core::security::KeyRef> {
    shop.profile.key(name).map(|row| shop.key(row))
}
