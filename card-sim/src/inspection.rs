//! A look inside a software card: what no real card would show, for rehearsal and tests.
//!
//! Owns: balances, counters, tries, files as bytes. Never: shows a key or a PIN.

use std::collections::BTreeMap;

use card_profiles::purse::Purse;
use serde::Serialize;

use crate::card::{Block, Card};
use crate::model::{KeyModel, Model, Structure};

/// Everything on a card but its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// Answer to reset.
    pub atr: String,
    /// PIN, where the card has one.
    pub pin: Option<PinInspection>,
    /// Account, where the card has one.
    pub account: Option<AccountInspection>,
    /// Electronic deposit and purse, where the card has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purse: Option<PurseInspection>,
    /// Certificate application, where the card has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificates: Option<CertificateInspection>,
    /// What is blocked: `card`, DFs, or `purchases` of a PSAM, each `temporarily` or `for good`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub blocked: BTreeMap<String, &'static str>,
    /// Terminal transaction number last used, on a PSAM.
    pub terminal_sequence: Option<u32>,
    /// Keys by DF and name: `SSSE.UKSSSE`.
    pub keys: BTreeMap<String, KeyInspection>,
    /// Files by DF and id: `SSSE.EF05`; records newest first; no private key.
    pub files: BTreeMap<String, Vec<String>>,
    /// DF name of the environment in hex, on a PSAM that has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Its other environments, in the order in which the card was made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<Self>,
}

/// State of the PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PinInspection {
    /// Tries left; 0 is blocked.
    pub tries_left: u8,
    /// Whether it is still the one of delivery.
    pub initial: bool,
}

/// State of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AccountInspection {
    /// 个人账户余额, fen.
    pub personal_account: u32,
    /// 个人自付累计, fen.
    pub self_paid_total: u32,
    /// 统筹累计, fen.
    pub pooled_fund_total: u32,
    /// Year of the totals, BCD.
    pub year: u16,
    /// Transaction number of the next load.
    pub online_sequence: u16,
    /// Transaction number of the next purchase.
    pub offline_sequence: u16,
}

/// State of the electronic deposit (ED) and purse (EP).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PurseInspection {
    /// ED, overdraw limit included, fen.
    pub deposit: u32,
    /// Overdraw limit of the ED, fen.
    pub overdraw_limit: u32,
    /// Online and offline transaction numbers of the ED.
    pub deposit_sequences: (u16, u16),
    /// EP, fen.
    pub purse: u32,
    /// Online and offline transaction numbers of the EP.
    pub purse_sequences: (u16, u16),
}

/// State of the certificate application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertificateInspection {
    /// PIN of the holder.
    pub user_pin: CertificatePinInspection,
    /// PIN of the administrator.
    pub administrator_pin: CertificatePinInspection,
    /// Public half of the private key that signs, hex, when there is one.
    pub signing_key: Option<String>,
    /// Public half of the private key that deciphers, hex, when there is one.
    pub encryption_key: Option<String>,
}

/// State of a PIN of the certificate application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CertificatePinInspection {
    /// Whether it was set up.
    pub set_up: bool,
    /// Tries left; 0 is blocked once it was set up.
    pub tries_left: u8,
}

/// State of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct KeyInspection {
    /// Version, if the key was loaded.
    pub version: Option<u8>,
    /// Tries left; 0 is blocked.
    pub tries_left: u8,
}

impl Card {
    /// What the card was made to be, for comparing cards of two profiles: where files and keys lie and how they are
    /// named, what each command asks for. No key; no value but the PIN of delivery, which the profile states.
    #[must_use]
    pub fn structure(&self) -> String {
        self.environments().all().iter().map(|model| format!("{model:?}")).collect()
    }

    /// Looks inside. An interrupted transaction shows after the card had power once more.
    #[must_use]
    pub fn inspect(&self) -> Inspection {
        let environments = self.environments();
        let [first, others @ ..] = environments.all() else { return self.inspect_one(environments.first()) };
        if others.is_empty() {
            return self.inspect_one(first);
        }
        let named = |model: &Model| Inspection {
            environment: model.dfs.first().map(|df| hex::encode_upper(&df.name)),
            ..self.inspect_one(model)
        };
        Inspection { beside: others.iter().map(|model| named(model)).collect(), ..named(first) }
    }

    /// Looks into one environment.
    fn inspect_one(&self, model: &Model) -> Inspection {
        let key = |key| {
            let state = self.key_state(key);
            KeyInspection { version: state.present.then_some(state.version), tries_left: state.tries }
        };
        let mut files = BTreeMap::new();
        for df in &model.dfs {
            for ef in df.efs.iter().filter(|ef| !ef.secret) {
                let pieces = match &ef.structure {
                    Structure::Transparent => vec![(ef.address, ef.size)],
                    Structure::Tlv(records) => {
                        records.iter().map(|row| (ef.address + row.offset, 2 + usize::from(row.length))).collect()
                    }
                    Structure::Cyclic { .. } => self.cyclic_records(ef),
                };
                let bytes = pieces.into_iter().map(|(at, length)| hex::encode_upper(self.bytes(at, length)));
                files.insert(format!("{}.{}", df.id, ef.id), bytes.collect());
            }
        }
        Inspection {
            atr: hex::encode_upper(self.atr()),
            pin: self.inspect_pin(model),
            account: model.account.as_ref().map(|account| {
                let (balances, (online_sequence, offline_sequence)) = (self.balances(account), self.sequences(account));
                AccountInspection {
                    personal_account: balances.personal_account,
                    self_paid_total: balances.self_paid_total,
                    pooled_fund_total: balances.pooled_fund_total,
                    year: balances.year,
                    online_sequence,
                    offline_sequence,
                }
            }),
            purse: model.purse.as_ref().map(|applet| PurseInspection {
                deposit: self.purse_balance(applet, Purse::Deposit),
                overdraw_limit: self.purse_limit(applet, Purse::Deposit),
                deposit_sequences: self.purse_sequences(applet, Purse::Deposit),
                purse: self.purse_balance(applet, Purse::Purse),
                purse_sequences: self.purse_sequences(applet, Purse::Purse),
            }),
            certificates: self.inspect_certificates(model),
            blocked: self.inspect_blocks(model),
            terminal_sequence: self.terminal_sequence(model),
            keys: model.keys.iter().map(|row| (slot(&model.dfs[row.df].id, row), key(row))).collect(),
            files,
            environment: None,
            beside: Vec::new(),
        }
    }

    fn inspect_blocks(&self, model: &Model) -> BTreeMap<String, &'static str> {
        let state = |block| match block {
            Block::Open => None,
            Block::Temporary => Some("temporarily"),
            Block::ForGood => Some("for good"),
        };
        let dfs = model.dfs.iter().enumerate();
        let dfs = dfs.filter_map(|(index, df)| Some((df.id.clone(), state(self.block_of(model, index))?)));
        let card = self.is_card_blocked(model).then(|| ("card".to_owned(), "for good"));
        let locked = model.psam.as_ref().is_some_and(|psam| self.is_psam_locked(model, psam));
        let purchases = locked.then(|| ("purchases".to_owned(), "for good"));
        dfs.chain(card).chain(purchases).collect()
    }
}

/// `DF01.UKSSSE`; with its version where the profile has a row for each: `DF01.DPK v2`.
fn slot(df: &str, row: &KeyModel) -> String {
    match row.version {
        Some(version) => format!("{df}.{} v{version}", row.name),
        None => format!("{df}.{}", row.name),
    }
}
