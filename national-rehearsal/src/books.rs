//! What the rehearsal has settled: sales, refunds, what 2601 undid.
//!
//! Owns: one row a sale, balances beside it. Never: prices (`centre`).
//! Units: fen.

use std::collections::BTreeSet;

use settlement::BusinessDate;
use settlement::fen::{Fen, FenError};
use settlement::national::message::{LineInfo, SettlementInfo};
use settlement::national::statement::{OurRow, Sums};

/// One settled sale.
#[derive(Clone, Debug)]
pub struct Sale {
    /// 结算ID.
    pub setl_id: String,
    /// 就诊ID.
    pub mdtrt_id: String,
    /// The message that made it.
    pub msgid: String,
    /// 人员编号.
    pub psn_no: String,
    /// 险种.
    pub insutype: String,
    /// Day in the books.
    pub day: BusinessDate,
    /// Amounts.
    pub sums: Sums,
    /// Undone by 2601.
    pub is_undone: bool,
    /// Cancelled by 2103: the refund's 结算ID, its message, its day.
    pub refund: Option<(String, String, BusinessDate)>,
    pub(crate) info: SettlementInfo,
    pub(crate) lines: Vec<LineInfo>,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// Sales in their order.
    pub sales: Vec<Sale>,
    /// Messages that 2601 undid before or after they came: one that comes later is refused.
    pub(crate) undone: BTreeSet<String>,
}

impl Sale {
    /// Whether it stands: neither undone nor cancelled.
    #[must_use]
    pub const fn stands(&self) -> bool {
        !self.is_undone && self.refund.is_none()
    }
}

impl Books {
    /// What the account of a person paid, over all sales that stand.
    ///
    /// # Errors
    /// [`FenError::Overflow`].
    pub fn paid_by_account(&self, psn_no: &str) -> Result<Fen, FenError> {
        let of_person = self.sales.iter().filter(|sale| sale.psn_no == psn_no && sale.stands());
        Fen::sum(of_person.map(|sale| sale.sums.account))
    }

    /// Rows of these days, refunds as rows of their own.
    pub(crate) fn rows(
        &self,
        from: BusinessDate,
        until: BusinessDate,
        belongs: impl Fn(&Sale) -> bool,
    ) -> Result<Vec<OurRow>, FenError> {
        let in_days = |day: BusinessDate| from <= day && day <= until;
        let mut rows = Vec::new();
        for sale in self.sales.iter().filter(|sale| !sale.is_undone && belongs(sale)) {
            let row = OurRow {
                setl_id: sale.setl_id.clone(),
                mdtrt_id: sale.mdtrt_id.clone(),
                psn_no: sale.psn_no.clone(),
                sums: sale.sums,
                is_refund: false,
                msgid: sale.msgid.clone(),
            };
            if let Some((setl_id, msgid, _)) = sale.refund.as_ref().filter(|(_, _, day)| in_days(*day)) {
                let (setl_id, msgid) = (setl_id.clone(), msgid.clone());
                rows.push(OurRow { setl_id, msgid, sums: sale.sums.opposite()?, is_refund: true, ..row.clone() });
            }
            if in_days(sale.day) {
                rows.push(row);
            }
        }
        Ok(rows)
    }
}
