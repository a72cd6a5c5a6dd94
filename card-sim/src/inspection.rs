//! A look inside a software card: what no real card would show, for rehearsal and tests.
//!
//! Owns: balances, counters, tries, files as bytes. Never: shows a key or a PIN.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::card::Card;
use crate::model::Structure;

/// Everything on a card but its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// Answer to reset.
    pub atr: String,
    /// PIN, where the card has one.
    pub pin: Option<PinInspection>,
    /// Account, where the card has one.
    pub account: Option<AccountInspection>,
    /// Terminal transaction number last used, on a PSAM.
    pub terminal_sequence: Option<u32>,
    /// Keys by DF and name: `SSSE.UKSSSE`.
    pub keys: BTreeMap<String, KeyInspection>,
    /// Files by DF and id: `SSSE.EF05`; records newest first.
    pub files: BTreeMap<String, Vec<String>>,
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

/// State of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct KeyInspection {
    /// Version, if the key was loaded.
    pub version: Option<u8>,
    /// Tries left; 0 is blocked.
    pub tries_left: u8,
}

impl Card {
    /// Looks inside. An interrupted transaction shows after the card had power once more.
    #[must_use]
    pub fn inspect(&self) -> Inspection {
        let model = self.model();
        let key = |key| {
            let state = self.key_state(key);
            KeyInspection { version: state.present.then_some(state.version), tries_left: state.tries }
        };
        let mut files = BTreeMap::new();
        for df in &model.dfs {
            for ef in &df.efs {
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
            pin: self.inspect_pin(),
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
            terminal_sequence: self.terminal_sequence(),
            keys: model.keys.iter().map(|row| (format!("{}.{}", model.dfs[row.df].id, row.name), key(row))).collect(),
            files,
        }
    }
}
