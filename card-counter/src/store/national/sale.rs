//! A settlement as the journal has it.
//!
//! Owns: its shape, what is compared of it, which message of it is unanswered. Never: shows whose it is.

use settlement::BusinessDate;
use settlement::fen::Fen;
use settlement::national::Infno;
use settlement::national::state::State;
use settlement::national::statement::{OurRow, Sums};

/// A settlement as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredSale {
    /// Number in this journal.
    pub number: i64,
    /// Where it stands.
    pub state: State,
    /// Bill.
    pub bill_id: String,
    /// Message of 2102.
    pub settle_msgid: String,
    /// Message of the last 2103.
    pub cancel_msgid: Option<String>,
    /// 人员编号.
    pub psn_no: String,
    /// 险种.
    pub insutype: String,
    /// 参保地.
    pub region: Option<String>,
    /// Day in the centre's books, or when it was sent.
    pub day: BusinessDate,
    /// Sum of the lines.
    pub total: Fen,
    /// 结算ID and 就诊ID, once the centre said them.
    pub ids: Option<(String, String)>,
    /// Funds, account, cash.
    pub paid: Option<[Fen; 3]>,
    /// 清算经办机构 and 清算类别.
    pub clearing: (Option<String>, Option<String>),
    /// 结算ID of the refund, and its day.
    pub refund: Option<(String, BusinessDate)>,
    /// Events in their order: when, what, to which state.
    pub history: Vec<(String, String, String)>,
}

/// Without the person's number.
impl std::fmt::Debug for StoredSale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredSale")
            .field("number", &self.number)
            .field("state", &self.state)
            .field("bill_id", &self.bill_id)
            .finish_non_exhaustive()
    }
}

impl StoredSale {
    /// The sums that are compared.
    #[must_use]
    pub fn sums(&self) -> Sums {
        let [funds, account, _] = self.paid.unwrap_or_default();
        Sums { total: self.total, funds, account }
    }

    /// Its rows in the books of these days: the sale, and its refund.
    ///
    /// # Errors
    /// [`settlement::fen::FenError`] when an amount has no opposite.
    pub fn rows(&self, from: BusinessDate, until: BusinessDate) -> Result<Vec<OurRow>, settlement::fen::FenError> {
        let Some((setl_id, mdtrt_id)) = self.ids.clone() else { return Ok(Vec::new()) };
        let in_days = |day: BusinessDate| from <= day && day <= until;
        let (psn_no, msgid) = (self.psn_no.clone(), self.settle_msgid.clone());
        let sale = OurRow { setl_id, mdtrt_id, psn_no, sums: self.sums(), is_refund: false, msgid };
        let mut rows = Vec::new();
        let stands = match self.state {
            State::Settled | State::Cancelling | State::CancelUncertain | State::Cancelled => true,
            State::Sent | State::Refused | State::Uncertain | State::Reversed => false,
        };
        if stands && in_days(self.day) {
            rows.push(sale.clone());
        }
        if let (State::Cancelled, Some((setl_id, day))) = (self.state, &self.refund)
            && in_days(*day)
        {
            let msgid = self.cancel_msgid.clone().unwrap_or_default();
            rows.push(OurRow {
                setl_id: setl_id.clone(),
                sums: self.sums().opposite()?,
                is_refund: true,
                msgid,
                ..sale
            });
        }
        Ok(rows)
    }

    /// Why a person judged its last message, where one did.
    #[must_use]
    pub fn judged(&self) -> Option<&str> {
        let (_, what, _) = self.history.iter().rfind(|(_, what, _)| what.starts_with("Judged"))?;
        what.split_once(": ").map(|(_, reason)| reason)
    }

    /// The message whose outcome is unknown, by number and id.
    #[must_use]
    pub fn unanswered(&self) -> Option<(Infno, &str)> {
        let infno = self.state.undoes()?;
        let msgid = if infno == Infno::CANCEL { self.cancel_msgid.as_deref()? } else { &self.settle_msgid };
        Some((infno, msgid))
    }
}
