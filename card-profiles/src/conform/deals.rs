//! The transactions of a card, from its account rows or its purse rows.
//!
//! Owns: which row is which half, amounts of the cases: one fen each way, so that a load and a debit leave the balance as it
//! was. Never: computes, sends.

use card_core::algorithm::TacKey;
use card_core::security::KeyName;

use super::Text;
use super::deal::{Deal, LogShape, Shape, Tail};
use super::workshop::Workshop;
use crate::account::{AccountRules, Amounts, MacFields};
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

/// The transaction of a purse, of `amount` fen; for the overdraw limit, by how much it is raised.
pub(super) fn purse_deal(shop: &Workshop<'_>, rules: &PurseRules, which: PurseDeal, amount: i64) -> Option<Deal> {
    let (commands, keys, types, mac, access) = (&rules.commands, &rules.keys, &rules.types, &rules.mac, &rules.access);
    let fen = u32::try_from(amount).unwrap_or_default();
    let terminal = shop.bench.terminal;
    let (word, zh, en, rule, begin, kind, key) = match which {
        PurseDeal::Load(purse @ Purse::Deposit) => (
            "ed-load",
            "电子存折圈存",
            "load of the ED",
            &access.load,
            rules.init_load(purse, fen, terminal),
            types.ed_load,
            &keys.load,
        ),
        PurseDeal::Load(purse @ Purse::Purse) => (
            "ep-load",
            "电子钱包圈存",
            "load of the EP",
            &access.load,
            rules.init_load(purse, fen, terminal),
            types.ep_load,
            &keys.load,
        ),
        PurseDeal::Purchase(purse @ Purse::Deposit) => (
            "ed-purchase",
            "电子存折消费",
            "purchase from the ED",
            &access.ed_purchase,
            rules.init_purchase(purse, fen, terminal),
            types.ed_purchase,
            &keys.purchase,
        ),
        PurseDeal::Purchase(purse @ Purse::Purse) => (
            "ep-purchase",
            "电子钱包消费",
            "purchase from the EP",
            &access.ep_purchase,
            rules.init_purchase(purse, fen, terminal),
            types.ep_purchase,
            &keys.purchase,
        ),
        PurseDeal::Cash => (
            "cash",
            "取现",
            "cash withdrawal",
            &access.cash,
            rules.init_cash(fen, terminal),
            types.cash,
            &keys.purchase,
        ),
        PurseDeal::Composite => (
            "composite",
            "复合应用消费",
            "composite purchase",
            &access.ep_purchase,
            rules.init_composite(fen, terminal),
            types.composite,
            &keys.purchase,
        ),
        PurseDeal::Unload => {
            ("unload", "圈提", "unload", &access.unload, rules.init_unload(fen, terminal), types.unload, &keys.unload)
        }
        PurseDeal::Overdraw => (
            "overdraw",
            "修改透支限额",
            "overdraw limit",
            &access.overdraw,
            rules.init_overdraw(terminal),
            types.overdraw,
            &keys.overdraw,
        ),
    };
    let mut tac_key = named(shop, &keys.tac)?;
    let (shape, tail, complete, change) = match which {
        PurseDeal::Load(_) => (Shape::Load, Tail::Dated, commands.credit_load, amount),
        PurseDeal::Unload => (Shape::Load, Tail::Dated, commands.debit_unload, -amount),
        PurseDeal::Overdraw => {
            if rules.overdraw_tac_key == TacKey::Whole {
                tac_key.form.rules.tac_key = TacKey::Whole;
            }
            (Shape::Overdraw, Tail::Limit, commands.update_overdraw, amount)
        }
        PurseDeal::Purchase(_) | PurseDeal::Cash | PurseDeal::Composite => {
            (Shape::Debit, Tail::Numbered, commands.debit, -amount)
        }
    };
    let (mac1, sent, tac, mac2) = match which {
        PurseDeal::Load(_) => (Some(&mac.load_mac1), &mac.load_mac2, Some(&mac.load_tac), None),
        PurseDeal::Unload => (Some(&mac.unload_mac1), &mac.unload_mac2, None, Some(&mac.unload_mac3)),
        PurseDeal::Overdraw => (Some(&mac.overdraw_mac1), &mac.overdraw_mac2, Some(&mac.overdraw_tac), None),
        PurseDeal::Purchase(_) | PurseDeal::Cash | PurseDeal::Composite => {
            (None, &mac.purchase_mac1, Some(&mac.purchase_tac), Some(&mac.purchase_mac2))
        }
    };
    let logs = rules.logs_ep_purchase || which != PurseDeal::Purchase(Purse::Purse);
    // An overdraw limit moves no money: its entry has amount 0.
    let fen = if which == PurseDeal::Overdraw { 0 } else { fen };
    Some(Deal {
        word,
        name: Text::new(zh, en),
        access: rule.clone(),
        begin,
        shape,
        key: named(shop, key)?,
        tac_key,
        fields: MacFields { amount: fen, ..fields(shop, kind) },
        mac1: mac1.cloned(),
        sent: sent.clone(),
        complete,
        tail,
        tac: tac.cloned(),
        mac2: mac2.cloned(),
        change,
        log: logs.then_some((LogShape::Purse, rules.log_sequence)),
        prove: Some((commands.prove.with_p2(kind), rules.prove_sequence)),
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
