//! A receipt's code, checked: who signed it, and what became of the sale here.
//!
//! Source: `settlement::receipt::ReceiptCode`; the terminal's registered key; the records that arrived.
//! Owns: the verdict. Never: a word about the holder or the card; changes anything.
//! Units: fen.

use serde::Serialize;
use settlement::date::BusinessDate;
use settlement::fen::Fen;
use settlement::id::{InstitutionCode, TerminalNumber};
use settlement::receipt::{CodeError, ReceiptCode};

use super::refusal::ClearingError;
use super::upload::RowKind;
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
}

/// What became of a sale at the centre.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sale {
    /// The terminal has not sent it yet.
    NotArrived,
    /// It arrived and counts.
    Posted,
    /// It arrived and does not count until someone has looked into it.
    NotPosted,
    /// It arrived, was looked into, and does not count.
    Void,
    /// What arrived under this number is another sale.
    Differs,
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
    let sale = match tx.row_of_record(sold.terminal, sold.record)? {
        None => Sale::NotArrived,
        Some(row) => {
            let is_same = row.kind == RowKind::Purchase
                && row.business_date == sold.business_date
                && row.personal_account_fen == personal_account_fen
                && row.self_paid_fen == self_paid_fen
                && row.pooled_fund_fen == pooled_fund_fen;
            match (is_same, row.is_posted(), row.decided) {
                (false, ..) => Sale::Differs,
                (true, true, _) => Sale::Posted,
                (true, false, None) => Sale::NotPosted,
                (true, false, Some(_)) => Sale::Void,
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
    }))
}

impl Verdict {
    /// Whether the receipt is one of a terminal of this centre and nothing speaks against it.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        matches!(self, Self::Genuine(Genuine { sale: Sale::NotArrived | Sale::Posted | Sale::NotPosted, .. }))
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
            Self::Genuine(genuine) => vec![
                (lang.pick("机构", "institution"), format!("{} {}", genuine.institution_name, genuine.institution)),
                (lang.pick("终端/记录号", "terminal/record"), format!("{}/{}", genuine.terminal, genuine.record)),
                (lang.pick("业务日", "day"), genuine.business_date.to_string()),
                (lang.pick("合计", "total"), genuine.total_fen.to_string()),
                (lang.pick("个人账户", "personal account"), genuine.personal_account_fen.to_string()),
                (lang.pick("现金", "cash"), genuine.self_paid_fen.to_string()),
                (lang.pick("统筹基金", "pooled fund"), genuine.pooled_fund_fen.to_string()),
                (lang.pick("中心记录", "at the centre"), genuine.sale.text(lang).to_owned()),
            ],
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

impl Sale {
    fn text(self, lang: Lang) -> &'static str {
        match self {
            Self::NotArrived => lang.pick("终端尚未上传", "not sent by the terminal yet"),
            Self::Posted => lang.pick("已入账", "posted"),
            Self::NotPosted => lang.pick("已收到,待核查", "arrived, under review"),
            Self::Void => lang.pick("经核查不予入账", "looked into, and not posted"),
            Self::Differs => lang.pick("同一记录号为另一笔交易", "this record number is another sale"),
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
