//! A receipt's code, checked: who signed it, and what became of the sale here.
//!
//! Source: `settlement::receipt::ReceiptCode`; the terminal's registered key; the records that arrived, and what went back of them.
//! Owns: the verdict. Never: a word about the holder or the card; changes anything.
//! Units: fen.

use serde::Serialize;
use settlement::code::ErrorCode;
use settlement::date::BusinessDate;
use settlement::fen::Fen;
use settlement::id::{InstitutionCode, TerminalNumber};
use settlement::receipt::{Book, CodeError, ReceiptCode};
use settlement::refund::{Parts, RefundAct, left_of};

use super::load::{Load, LoadState};
use super::refusal::ClearingError;
use super::upload::{RowKind, UploadRow};
use crate::lang::Lang;
use crate::output::Show;
use crate::store::Tx;

/// What a code turned out to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// A terminal of this centre signed it.
    Genuine(Genuine),
    /// Not the form of a code.
    Malformed {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No terminal of this centre signed it as it is.
    Forged,
}

/// A sale as the receipt says it, and as the centre knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Genuine {
    /// Pharmacy or hospital.
    pub institution: InstitutionCode,
    /// Its name.
    pub institution_name: String,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Number of the record in its journal.
    pub record: u64,
    /// Day.
    pub business_date: BusinessDate,
    /// Whole amount.
    pub total_fen: Fen,
    /// 个人账户.
    pub personal_account_fen: Fen,
    /// 现金.
    pub self_paid_fen: Fen,
    /// 统筹基金.
    pub pooled_fund_fen: Fen,
    /// What became of it.
    pub sale: Sale,
    /// What went back of it since, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub given_back: Vec<GivenBack>,
    /// What is left of it, where something went back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining: Option<Remaining>,
}

/// A refund or cancel of a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GivenBack {
    /// How it was undone.
    pub act: RefundAct,
    /// Day on which it counts; none while the card is not known to have it.
    pub date: Option<BusinessDate>,
    /// Back to the 个人账户.
    pub personal_account_fen: Fen,
    /// Back in 现金.
    pub self_paid_fen: Fen,
    /// Back to the 统筹基金.
    pub pooled_fund_fen: Fen,
}

/// What is left of a purchase. What is under way is not taken off: the card may not have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Remaining {
    /// Whole amount.
    pub total_fen: Fen,
    /// 个人账户.
    pub personal_account_fen: Fen,
    /// 现金.
    pub self_paid_fen: Fen,
    /// 统筹基金.
    pub pooled_fund_fen: Fen,
}

/// What became of a sale at the centre.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sale {
    /// The terminal has not sent it yet.
    NotArrived,
    /// It arrived and counts.
    Posted,
    /// It counts, and a part of it went back since.
    PartlyRefunded,
    /// All of it went back since.
    Refunded,
    /// It was cancelled since.
    Cancelled,
    /// It arrived and does not count until someone has looked into it.
    NotPosted,
    /// It arrived, was looked into, and does not count.
    Void,
    /// What arrived under this number is another sale.
    Differs,
    /// It is in the national centre's books, and here is its terminal's signature alone.
    National,
}

/// Checks a code.
///
/// # Errors
/// [`ClearingError`] of the database; a code that is none is a verdict.
pub fn check(tx: &Tx<'_>, text: &str) -> Result<Verdict, ClearingError> {
    let code = match ReceiptCode::parse(text) {
        Ok(code) => code,
        Err(CodeError::Form) => return Ok(Verdict::Malformed { reason: "form" }),
        Err(CodeError::Version(_)) => return Ok(Verdict::Malformed { reason: "version" }),
        Err(CodeError::Date) => return Ok(Verdict::Malformed { reason: "date" }),
    };
    let sold = *code.sold();
    // A terminal that is not ours and one that did not sign it are told alike: nobody learns which numbers are in use.
    let Some(terminal) = tx.terminal(sold.terminal)? else { return Ok(Verdict::Forged) };
    if code.verify(&terminal.public_key).is_err() {
        return Ok(Verdict::Forged);
    }
    let institution = tx.institution(&terminal.institution)?;
    let [personal_account_fen, self_paid_fen, pooled_fund_fen] =
        [sold.personal_account, sold.self_paid, sold.pooled_fund].map(Fen::from_card);
    let (mut given_back, mut remaining) = (Vec::new(), None);
    let row = match sold.book {
        Book::Centre => Some(tx.row_of_record(sold.terminal, sold.record)?),
        Book::National => None,
    };
    let sale = match row {
        None => Sale::National,
        Some(None) => Sale::NotArrived,
        Some(Some(row)) => {
            let is_same = row.kind == RowKind::Purchase
                && row.business_date == sold.business_date
                && row.personal_account_fen == personal_account_fen
                && row.self_paid_fen == self_paid_fen
                && row.pooled_fund_fen == pooled_fund_fen;
            match (is_same, row.is_posted(), row.is_open()) {
                (false, ..) => Sale::Differs,
                (true, true, _) => {
                    let refunds = refunds_of(tx, &row)?;
                    let (sale, left) = after(&row, &refunds)?;
                    given_back = refunds.iter().filter_map(GivenBack::of).collect();
                    remaining = if given_back.is_empty() { None } else { Some(left) };
                    sale
                }
                (true, false, true) => Sale::NotPosted,
                (true, false, false) => Sale::Void,
            }
        }
    };
    Ok(Verdict::Genuine(Genuine {
        institution: terminal.institution,
        institution_name: institution.map(|institution| institution.name).unwrap_or_default(),
        terminal: sold.terminal,
        record: sold.record,
        business_date: sold.business_date,
        total_fen: sold.total(),
        personal_account_fen,
        self_paid_fen,
        pooled_fund_fen,
        sale,
        given_back,
        remaining,
    }))
}

/// The refunds of a posted purchase that reached its card or may have.
fn refunds_of(tx: &Tx<'_>, row: &UploadRow) -> Result<Vec<Load>, ClearingError> {
    Ok(tx.refunds_of(&tx.purchase_reference(row)?)?)
}

/// How a posted purchase stands after its refunds, and what is left of it.
fn after(row: &UploadRow, refunds: &[Load]) -> Result<(Sale, Remaining), ClearingError> {
    let paid = Parts {
        personal_account: row.personal_account_fen,
        self_paid: row.self_paid_fen,
        pooled_fund: row.pooled_fund_fen,
    };
    let done = || refunds.iter().filter(|load| load.state == LoadState::Credited);
    let parts = done().filter_map(GivenBack::of).map(|back| back.parts());
    let left = left_of(paid, parts).map_err(|_| ClearingError::Refused(ErrorCode::RefundTooMuch))?;
    let is_cancel = |load: &Load| load.refund.as_ref().is_some_and(|refund| refund.act == RefundAct::Cancel);
    let total_fen = left.total()?;
    let sale = match (done().count(), total_fen) {
        (0, _) => Sale::Posted,
        (_, Fen::ZERO) if done().any(is_cancel) => Sale::Cancelled,
        (_, Fen::ZERO) => Sale::Refunded,
        _ => Sale::PartlyRefunded,
    };
    let remaining = Remaining {
        total_fen,
        personal_account_fen: left.personal_account,
        self_paid_fen: left.self_paid,
        pooled_fund_fen: left.pooled_fund,
    };
    Ok((sale, remaining))
}

impl GivenBack {
    /// A load that is a refund.
    fn of(load: &Load) -> Option<Self> {
        let refund = load.refund.as_ref()?;
        Some(Self {
            act: refund.act,
            date: load.settled_on,
            personal_account_fen: load.amount_fen,
            self_paid_fen: refund.self_paid_fen,
            pooled_fund_fen: refund.pooled_fund_fen,
        })
    }

    const fn parts(&self) -> Parts {
        Parts {
            personal_account: self.personal_account_fen,
            self_paid: self.self_paid_fen,
            pooled_fund: self.pooled_fund_fen,
        }
    }

    fn text(&self, lang: Lang) -> String {
        let act = match self.act {
            RefundAct::Refund => lang.pick("退费", "refunded"),
            RefundAct::Cancel => lang.pick("撤销", "cancelled"),
        };
        let when = match self.date {
            Some(date) => date.to_string(),
            None => lang.pick("办理中", "under way").to_owned(),
        };
        let (account, cash, pool) = (self.personal_account_fen, self.self_paid_fen, self.pooled_fund_fen);
        lang.pick(
            format!("{act} {when}:个人账户 {account},现金 {cash},统筹基金 {pool}"),
            format!("{act} {when}: account {account}, cash {cash}, pool {pool}"),
        )
    }
}

impl Verdict {
    /// Whether the receipt is one of a terminal of this centre and nothing speaks against it: a purchase of which all went back
    /// is no proof of a payment any more.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        let Self::Genuine(Genuine { sale, .. }) = self else { return false };
        match sale {
            Sale::NotArrived | Sale::Posted | Sale::PartlyRefunded | Sale::NotPosted | Sale::National => true,
            Sale::Refunded | Sale::Cancelled | Sale::Void | Sale::Differs => false,
        }
    }

    /// The verdict as a heading.
    #[must_use]
    pub fn heading(&self, lang: Lang) -> &'static str {
        match self {
            Self::Genuine(Genuine { sale: Sale::Differs, .. }) => {
                lang.pick("与中心记录不符", "contradicts what the centre has on record")
            }
            Self::Genuine(Genuine { sale: Sale::Void, .. }) => {
                lang.pick("终端签发,但这笔交易不成立", "signed by a terminal, but the sale does not stand")
            }
            Self::Genuine(Genuine { sale: Sale::Cancelled, .. }) => {
                lang.pick("凭证属实,但这笔交易已撤销", "genuine receipt, but the sale was cancelled since")
            }
            Self::Genuine(Genuine { sale: Sale::Refunded, .. }) => {
                lang.pick("凭证属实,但已全部退费", "genuine receipt, but all of it was refunded since")
            }
            Self::Genuine(Genuine { sale: Sale::PartlyRefunded, .. }) => {
                lang.pick("凭证属实,已部分退费", "genuine receipt, a part of it was refunded since")
            }
            Self::Genuine(Genuine { sale: Sale::National, .. }) => lang.pick(
                "凭证由本中心终端签发;是否仍有效由国家医保中心核查",
                "signed by a terminal of this centre; whether it still stands the national centre knows",
            ),
            Self::Genuine(_) => lang.pick("凭证属实", "genuine receipt"),
            Self::Malformed { .. } => lang.pick("不是凭证验证码", "not the code of a receipt"),
            Self::Forged => lang
                .pick("凭证不实:非本中心终端签发,或已被改动", "not genuine: altered, or of no terminal of this centre"),
        }
    }

    /// What it says, line by line: label and value.
    #[must_use]
    pub fn lines(&self, lang: Lang) -> Vec<(&'static str, String)> {
        match self {
            Self::Genuine(genuine) => genuine.lines(lang),
            Self::Malformed { .. } => vec![(
                lang.pick("处理", "next"),
                lang.pick(
                    "请核对 152 个字母和数字(A–Z、2–7),或重新扫码",
                    "compare the 152 letters and digits (A–Z, 2–7), or scan again",
                )
                .to_owned(),
            )],
            Self::Forged => vec![(
                lang.pick("处理", "next"),
                lang.pick("请保留凭证并向经办机构反映", "keep the receipt and report it to the insurance agency")
                    .to_owned(),
            )],
        }
    }
}

impl Genuine {
    fn lines(&self, lang: Lang) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            (lang.pick("机构", "institution"), format!("{} {}", self.institution_name, self.institution)),
            (lang.pick("终端/记录号", "terminal/record"), format!("{}/{}", self.terminal, self.record)),
            (lang.pick("业务日", "day"), self.business_date.to_string()),
            (lang.pick("合计", "total"), self.total_fen.to_string()),
            (lang.pick("个人账户", "personal account"), self.personal_account_fen.to_string()),
            (lang.pick("现金", "cash"), self.self_paid_fen.to_string()),
            (lang.pick("统筹基金", "pooled fund"), self.pooled_fund_fen.to_string()),
            (lang.pick("中心记录", "at the centre"), self.sale.text(lang).to_owned()),
        ];
        lines.extend(self.given_back.iter().map(|back| (lang.pick("已退", "given back"), back.text(lang))));
        if let Some(Remaining { total_fen, personal_account_fen, self_paid_fen, pooled_fund_fen }) = self.remaining {
            let left = lang.pick(
                format!("{total_fen}(个人账户 {personal_account_fen},现金 {self_paid_fen},统筹基金 {pooled_fund_fen})"),
                format!("{total_fen} (account {personal_account_fen}, cash {self_paid_fen}, pool {pooled_fund_fen})"),
            );
            lines.push((lang.pick("尚余", "remains"), left));
        }
        lines
    }
}

impl Sale {
    fn text(self, lang: Lang) -> &'static str {
        match self {
            Self::NotArrived => lang.pick("终端尚未上传", "not sent by the terminal yet"),
            Self::Posted => lang.pick("已入账", "posted"),
            Self::PartlyRefunded => lang.pick("已入账,部分已退", "posted, a part went back"),
            Self::Refunded => lang.pick("已全部退回", "all of it went back"),
            Self::Cancelled => lang.pick("已撤销", "cancelled"),
            Self::NotPosted => lang.pick("已收到,待核查", "arrived, under review"),
            Self::Void => lang.pick("经核查不予入账", "looked into, and not posted"),
            Self::Differs => lang.pick("同一记录号为另一笔交易", "this record number is another sale"),
            Self::National => lang.pick(
                "在国家医保中心结算,按凭证上的结算ID查询",
                "settled at the national centre: ask there by its settlement ID",
            ),
        }
    }
}

impl Show for Verdict {
    fn text(&self, lang: Lang) -> String {
        let separator = lang.pick(":", ": ");
        let lines = self.lines(lang).into_iter().map(|(label, value)| format!("{label}{separator}{value}"));
        std::iter::once(self.heading(lang).to_owned()).chain(lines).collect::<Vec<_>>().join("\n")
    }
}
