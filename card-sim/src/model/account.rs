//! Where the medical account lies in the memory.
//!
//! Owns: its layout, which key and rule serves which command. Never: changes within a layout version.
//! Units: addresses and lengths in bytes.

use card_profiles::account::AccountRules;
use card_profiles::profile::Profile;

use super::{DfModel, KeyModel, ModelError, PROOF_BYTES, Places, Rule, Structure, df_index, key_index, rule};

/// Bytes of the account: three amounts (12), year (2), online and offline sequence (4), two proofs.
const ACCOUNT_BYTES: usize = 18 + 2 * PROOF_BYTES;
/// Bytes of one record of the account log: sequence, type, terminal, date and time, three amounts.
const LOG_RECORD: usize = 28;

#[derive(Debug)]
pub(crate) struct AccountModel {
    pub(crate) rules: AccountRules,
    pub(crate) df: usize,
    pub(crate) log: usize,
    pub(crate) purchase_key: usize,
    pub(crate) load_key: usize,
    pub(crate) tac_key: usize,
    pub(crate) purchase_access: Rule,
    pub(crate) load_access: Rule,
    pub(crate) balance_access: Rule,
    pub(crate) address: usize,
}

/// Lays the account out.
pub(super) fn model(
    profile: &Profile,
    rules: &AccountRules,
    dfs: &[DfModel],
    keys: &[KeyModel],
    place: &mut Places,
) -> Result<AccountModel, ModelError> {
    let df = df_index(profile, &rules.df)?;
    let log_id = || format!("{}.{}", rules.df, rules.log);
    let log = dfs[df].efs.iter().position(|ef| ef.id == rules.log).ok_or_else(|| ModelError::NoSuchFile(log_id()))?;
    if !matches!(dfs[df].efs[log].structure, Structure::Cyclic { length: LOG_RECORD, .. }) {
        return Err(ModelError::Size(log_id()));
    }
    Ok(AccountModel {
        df,
        log,
        purchase_key: key_index(keys, "account", &rules.purchase_key)?,
        load_key: key_index(keys, "account", &rules.load_key)?,
        tac_key: key_index(keys, "account", &rules.tac_key)?,
        purchase_access: rule(keys, "account", &rules.purchase_access)?,
        load_access: rule(keys, "account", &rules.load_access)?,
        balance_access: rule(keys, "account", &rules.balance_access)?,
        address: place.take(ACCOUNT_BYTES),
        // What is assumed is for people; the card does not hold it.
        rules: AccountRules { assumed: Vec::new(), ..rules.clone() },
    })
}
