//! Contradictions of the medical account and of the purses.
//!
//! Source: LD/T 32.7 and a COS manual for the bytes of a log record; PBOC for what a MAC is over. Owns: keys, types, commands,
//! conditions, MAC inputs, logs of both.

use super::files::lint_access;
use super::keys::lint_key_of;
use super::{Findings, Problem, Term, terms};
use crate::account::Field;
use crate::profile::{KeyClass, Profile};

/// Bytes of a record of the transaction log that the account commands write.
const LOG_RECORD: usize = 28;

/// Bytes of a record of the log of a purse.
const PURSE_LOG_RECORD: usize = 23;

pub(super) fn lint_account(profile: &Profile, findings: &mut Findings) {
    let Some(rules) = &profile.account else { return };
    let used =
        [(&rules.purchase_key, KeyClass::Dpk), (&rules.load_key, KeyClass::Dlk), (&rules.tac_key, KeyClass::Dtk)];
    used.into_iter().for_each(|(name, class)| lint_key_of(profile, "account", &rules.df, name, class, findings));
    findings.duplicates(
        "account",
        terms::TRANSACTION_TYPE,
        [rules.purchase_type, rules.load_type].into_iter().map(|kind| format!("{kind:02X}")),
    );
    let Some((df, log)) = profile.df(&rules.df).zip(profile.ef(&rules.df, &rules.log)) else {
        return findings.add("account", Problem::PlaceMissing(format!("{}.{}", rules.df, rules.log)));
    };
    let mac = &rules.mac;
    for (name, fields, amount) in [
        ("purchase_mac1", &mac.purchase_mac1, Field::Amounts),
        ("purchase_mac2", &mac.purchase_mac2, Field::Amounts),
        ("purchase_tac", &mac.purchase_tac, Field::Amounts),
        ("load_mac1", &mac.load_mac1, Field::Amount),
        ("load_mac2", &mac.load_mac2, Field::Amount),
        ("load_tac", &mac.load_tac, Field::Amount),
    ] {
        lint_mac(&format!("account.mac.{name}"), fields, amount, findings);
    }
    for access in [&rules.purchase_access, &rules.load_access, &rules.balance_access] {
        lint_access(profile, df, "account", access, findings);
    }
    findings.log("account", df, log, LOG_RECORD);
}

/// What moves money is held to how much it moves.
fn lint_mac(place: &str, fields: &[Field], amount: Field, findings: &mut Findings) {
    if !fields.contains(&amount) {
        findings.add(place, Problem::MacWithoutAmount(amount.word()));
    }
}

pub(super) fn lint_purse(profile: &Profile, findings: &mut Findings) {
    let Some(rules) = &profile.purse else { return };
    let keys = &rules.keys;
    let used = [
        (&keys.purchase, KeyClass::Dpk),
        (&keys.load, KeyClass::Dlk),
        (&keys.unload, KeyClass::Dulk),
        (&keys.overdraw, KeyClass::Duk),
        (&keys.tac, KeyClass::Dtk),
        (&keys.maintenance, KeyClass::Stk),
        (&keys.unblock_pin, KeyClass::Puk),
        (&keys.reload_pin, KeyClass::Drpk),
    ];
    used.into_iter().for_each(|(name, class)| lint_key_of(profile, "purse", &rules.df, name, class, findings));
    for name in [&keys.purchase, &keys.load, &keys.unload, &keys.overdraw] {
        let ids: Vec<usize> = profile.key(name).iter().map(|key| key.id.into()).collect();
        findings.range(
            "purse",
            terms::KEY_INDEX,
            rules.key_index.into(),
            &ids,
            Term::new("其密钥的标识", "the id of its keys"),
        );
    }
    let types = &rules.types;
    let types = [
        types.ed_load,
        types.ep_load,
        types.unload,
        types.cash,
        types.ed_purchase,
        types.ep_purchase,
        types.overdraw,
        types.composite,
    ];
    let mac = &rules.mac;
    for (name, fields, amount) in [
        ("load_mac1", &mac.load_mac1, Field::Amount),
        ("load_mac2", &mac.load_mac2, Field::Amount),
        ("load_tac", &mac.load_tac, Field::Amount),
        ("purchase_mac1", &mac.purchase_mac1, Field::Amount),
        ("purchase_mac2", &mac.purchase_mac2, Field::Amount),
        ("purchase_tac", &mac.purchase_tac, Field::Amount),
        ("unload_mac1", &mac.unload_mac1, Field::Amount),
        ("unload_mac2", &mac.unload_mac2, Field::Amount),
        ("unload_mac3", &mac.unload_mac3, Field::Amount),
        ("overdraw_mac1", &mac.overdraw_mac1, Field::OldLimit),
        ("overdraw_mac2", &mac.overdraw_mac2, Field::NewLimit),
        ("overdraw_tac", &mac.overdraw_tac, Field::NewLimit),
    ] {
        lint_mac(&format!("purse.mac.{name}"), fields, amount, findings);
    }
    findings.duplicates("purse", terms::TRANSACTION_TYPE, types.into_iter().map(|kind| format!("{kind:02X}")));
    if profile.ef(&rules.df, &rules.public_data).is_none() {
        findings.add("purse", Problem::PlaceMissing(format!("{}.{}", rules.df, rules.public_data)));
    }
    let Some((df, log)) = profile.df(&rules.df).zip(profile.ef(&rules.df, &rules.log)) else {
        return findings.add("purse", Problem::PlaceMissing(format!("{}.{}", rules.df, rules.log)));
    };
    let access = &rules.access;
    let conditions = [
        &access.load,
        &access.ed_purchase,
        &access.ep_purchase,
        &access.cash,
        &access.unload,
        &access.overdraw,
        &access.ed_balance,
        &access.ep_balance,
    ];
    conditions.into_iter().for_each(|condition| lint_access(profile, df, "purse", condition, findings));
    findings.log("purse", df, log, PURSE_LOG_RECORD);
    findings.range("purse", terms::FACTORS, rules.factors.into(), &[1, 2, 3], Term::new("1 到 3", "1 to 3"));
}
