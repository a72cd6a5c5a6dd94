//! Where the electronic deposit and purse lie in the memory.
//!
//! Owns: their layout, which key and rule serves which command. Never: changes within a layout version.
//! Units: addresses and lengths in bytes.

use card_profiles::profile::Profile;
use card_profiles::purse::PurseRules;

use super::{DfModel, KeyModel, ModelError, PROOF_BYTES, Places, Rule, Structure, df_index, key_index, rule};

/// Bytes of one purse: balance (4), online and offline sequence (4), overdraw limit (3, the ED's alone).
pub(crate) const PURSE_BYTES: usize = 11;
/// Transaction types that leave a proof.
pub(crate) const PROOFS: usize = 8;
/// Bytes of one record of the log: sequence, limit, amount, type, terminal, date and time.
const LOG_RECORD: usize = 23;

#[derive(Debug)]
pub(crate) struct PurseModel {
    pub(crate) rules: PurseRules,
    pub(crate) df: usize,
    pub(crate) log: usize,
    /// Address and length of the public data, which the FCI carries.
    pub(crate) public_data: (usize, usize),
    pub(crate) keys: KeysOfPurse,
    pub(crate) access: AccessToPurse,
    /// ED, EP, then a proof for each transaction type.
    pub(crate) address: usize,
}

/// Places of the keys.
#[derive(Debug)]
pub(crate) struct KeysOfPurse {
    pub(crate) purchase: usize,
    pub(crate) load: usize,
    pub(crate) unload: usize,
    pub(crate) overdraw: usize,
    pub(crate) tac: usize,
    pub(crate) maintenance: usize,
    pub(crate) unblock_pin: usize,
    pub(crate) reload_pin: usize,
}

#[derive(Debug)]
pub(crate) struct AccessToPurse {
    pub(crate) load: Rule,
    pub(crate) ed_purchase: Rule,
    pub(crate) ep_purchase: Rule,
    pub(crate) cash: Rule,
    pub(crate) unload: Rule,
    pub(crate) overdraw: Rule,
    pub(crate) ed_balance: Rule,
    pub(crate) ep_balance: Rule,
}

/// Lays the purses out.
pub(super) fn model(
    profile: &Profile,
    rules: &PurseRules,
    dfs: &[DfModel],
    keys: &[KeyModel],
    place: &mut Places,
) -> Result<PurseModel, ModelError> {
    let df = df_index(profile, &rules.df)?;
    let efs = &dfs[df].efs;
    let find = |id: &String| {
        let missing = || ModelError::NoSuchFile(format!("{}.{id}", rules.df));
        efs.iter().position(|ef| ef.id == *id).ok_or_else(missing)
    };
    let (log, public_data) = (find(&rules.log)?, find(&rules.public_data)?);
    if !matches!(efs[log].structure, Structure::Cyclic { length: LOG_RECORD, .. }) {
        return Err(ModelError::Size(format!("{}.{}", rules.df, rules.log)));
    }
    if !matches!(efs[public_data].structure, Structure::Transparent) {
        return Err(ModelError::Size(format!("{}.{}", rules.df, rules.public_data)));
    }
    let key = |name| key_index(keys, "purse", name);
    let access = |access| rule(keys, "purse", access);
    Ok(PurseModel {
        df,
        log,
        public_data: (efs[public_data].address, efs[public_data].size),
        keys: KeysOfPurse {
            purchase: key(&rules.keys.purchase)?,
            load: key(&rules.keys.load)?,
            unload: key(&rules.keys.unload)?,
            overdraw: key(&rules.keys.overdraw)?,
            tac: key(&rules.keys.tac)?,
            maintenance: key(&rules.keys.maintenance)?,
            unblock_pin: key(&rules.keys.unblock_pin)?,
            reload_pin: key(&rules.keys.reload_pin)?,
        },
        access: AccessToPurse {
            load: access(&rules.access.load)?,
            ed_purchase: access(&rules.access.ed_purchase)?,
            ep_purchase: access(&rules.access.ep_purchase)?,
            cash: access(&rules.access.cash)?,
            unload: access(&rules.access.unload)?,
            overdraw: access(&rules.access.overdraw)?,
            ed_balance: access(&rules.access.ed_balance)?,
            ep_balance: access(&rules.access.ep_balance)?,
        },
        address: place.take(2 * PURSE_BYTES + PROOFS * PROOF_BYTES),
        // What is assumed is for people, and factors are for whoever derives the card's keys; the card does not hold them.
        rules: PurseRules { assumed: Vec::new(), factors: 0, ..rules.clone() },
    })
}
