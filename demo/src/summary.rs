//! The closing table and `summary.json`.
//!
//! Owns: the facts of a run, as the programs gave them.
//! Units: money in fen.

use serde::Serialize;

use crate::output::{Words, words};

/// What a run came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// Rows of the registry that went in.
    pub persons_accepted: i64,
    /// Rows that were refused with their reasons.
    pub persons_rejected: i64,
    /// Cards that were written, read back and found right.
    pub cards_issued: i64,
    /// Blanks that failed; their card numbers are not used again.
    pub cards_spoilt: i64,
    /// Cards whose account was loaded online.
    pub cards_loaded: i64,
    /// Sum of the loads.
    pub loaded_fen: i64,
    /// Purchases with the card's TAC, at the terminal.
    pub purchases_confirmed: i64,
    /// Purchases refused for balance or blacklist.
    pub purchases_refused: i64,
    /// Purchases whose answer was lost and that the next tap settled.
    pub purchases_recovered: i64,
    /// Taken from the cards and posted in the ledger: loaded less this is what the cards hold.
    pub cleared_fen: i64,
    /// What the pooled fund pays besides.
    pub pooled_fund_fen: i64,
    /// What the centre owes the pharmacy: both together.
    pub payable_fen: i64,
    /// Balances read back from all cards that were loaded.
    pub card_balance_total_fen: i64,
    /// The ledger's balances of the same cards.
    pub ledger_balance_total_fen: i64,
    /// The terminal's journal: loads less debits.
    pub journal_total_fen: i64,
    /// Cards, journal and ledger agree to the fen.
    pub in_agreement: bool,
    /// The whole run.
    pub seconds: f64,
}

/// Fen as yuan: `12345` is `123.45`.
#[must_use]
pub fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let fen = fen.unsigned_abs();
    format!("{sign}{}.{:02}", fen / 100, fen % 100)
}

impl Summary {
    /// The rows of the table: what, value.
    #[must_use]
    pub fn rows(&self) -> Vec<(Words, String)> {
        let agreement = if self.in_agreement { "✓" } else { "✗" };
        vec![
            (words("persons accepted", "入库人员"), self.persons_accepted.to_string()),
            (words("registry rows refused", "退回记录"), self.persons_rejected.to_string()),
            (words("cards issued", "制成卡"), self.cards_issued.to_string()),
            (words("cards spoilt", "废卡"), self.cards_spoilt.to_string()),
            (words("cards loaded", "圈存卡数"), self.cards_loaded.to_string()),
            (words("loaded, yuan", "圈存金额(元)"), yuan(self.loaded_fen)),
            (words("purchases confirmed", "成功消费"), self.purchases_confirmed.to_string()),
            (words("  of these settled at the next tap", "  其中再次插卡时确认"), self.purchases_recovered.to_string()),
            (words("purchases refused", "拒绝消费"), self.purchases_refused.to_string()),
            (words("debited on cards and cleared, yuan", "个人账户清算(元)"), yuan(self.cleared_fen)),
            (words("from the pooled fund, yuan", "统筹基金(元)"), yuan(self.pooled_fund_fen)),
            (words("owed to the pharmacy, yuan", "应付药店(元)"), yuan(self.payable_fen)),
            (words("on the cards, yuan", "卡内余额合计(元)"), yuan(self.card_balance_total_fen)),
            (words("in the ledger, yuan", "账务余额合计(元)"), yuan(self.ledger_balance_total_fen)),
            (words("in the terminal's journal, yuan", "终端流水余额合计(元)"), yuan(self.journal_total_fen)),
            (words("three-way agreement", "三方相符"), agreement.to_owned()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_keeps_two_places_and_the_sign() {
        assert_eq!(yuan(12_345), "123.45");
        assert_eq!(yuan(5), "0.05");
        assert_eq!(yuan(-101), "-1.01");
    }
}
