//! The statement of an institution for a day (对账单): what it sold, what is owed to it, what was not posted and why.
//!
//! Owns: the sums and their check against the ledger. Never: changes anything.
//! Units: fen.

use std::collections::BTreeSet;

use serde::Serialize;
use settlement::date::BusinessDate;
use settlement::fen::Fen;
use settlement::id::{InstitutionCode, TerminalNumber};

use super::decision::{Decided, Decision, RowAct};
use super::institution::Institution;
use super::ledger::{Account, PostingKind};
use super::load::Load;
use super::refusal::ClearingError;
use super::upload::{RowKind, RowOutcome, UploadRow};
use super::window::WindowState;
use crate::lang::Lang;
use crate::output::Show;
use crate::store::Tx;

/// A statement.
#[derive(Clone, Debug, Serialize)]
pub struct Statement {
    /// For whom.
    pub institution: Institution,
    /// Day.
    pub business_date: BusinessDate,
    /// Whether the day is final.
    pub state: WindowState,
    /// Purchases posted.
    pub purchases: usize,
    /// 个人账户.
    pub personal_account_fen: Fen,
    /// 统筹基金.
    pub pooled_fund_fen: Fen,
    /// 个人自付, taken in cash at the counter.
    pub self_paid_fen: Fen,
    /// Refunds that their cards have.
    pub refunds: usize,
    /// Given back to personal accounts.
    pub refunded_account_fen: Fen,
    /// Given back to the pooled fund.
    pub refunded_pooled_fund_fen: Fen,
    /// Given back in cash.
    pub refunded_self_paid_fen: Fen,
    /// Of refunds whose purchase was taken back: their holders owe it, the institution does not.
    pub recovered_fen: Fen,
    /// Of refunds that people had called credited, and that their cards do not have: owed to the institution again.
    pub yielded_fen: Fen,
    /// 应付: personal account and pooled fund, less what was refunded and is the institution's to give.
    pub payable_fen: Fen,
    /// What the ledger owes for this day.
    pub ledger_payable_fen: Fen,
    /// Whether the two are equal.
    pub in_agreement: bool,
    /// Purchases posted, in order of terminal and record.
    pub rows: Vec<UploadRow>,
    /// Purchases of earlier decisions that were taken back: they are taken off the sums.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taken_back: Vec<UploadRow>,
    /// Refunds, oldest first.
    pub refund_rows: Vec<Load>,
    /// Records not posted, with their codes.
    pub not_posted: Vec<UploadRow>,
    /// Records of earlier days of which people decided on this one that they are not posted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decided: Vec<UploadRow>,
    /// What people decided of the records above that are taken back or not posted, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Told>,
}

/// A decision as the institution is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Terminal of the record.
    pub terminal: TerminalNumber,
    /// Number of the record at the terminal.
    pub record: u64,
    /// Number of the decision.
    pub number: i64,
    /// What became of the record.
    pub act: RowAct,
    /// Why.
    pub reason: String,
    /// Window that it counts in.
    pub on: Option<BusinessDate>,
}

/// The statement of an institution for a day.
///
/// # Errors
/// [`ClearingError::InstitutionUnknown`], [`ClearingError::WindowUnknown`].
pub fn statement(tx: &Tx<'_>, code: &InstitutionCode, date: BusinessDate) -> Result<Statement, ClearingError> {
    let institution = tx.institution(code)?.ok_or_else(|| ClearingError::InstitutionUnknown { code: code.clone() })?;
    let window = tx.window(date)?.ok_or(ClearingError::WindowUnknown { date })?;
    let of_window: Vec<UploadRow> =
        tx.rows_of_window(date)?.into_iter().filter(|row| row.institution == *code).collect();
    let times = |row: &UploadRow, count: usize| std::iter::repeat_n(row.clone(), count);
    let taken_back: Vec<UploadRow> =
        of_window.iter().flat_map(|row| times(row, row.times_taken_back_in(date))).collect();
    let back = |of: fn(&UploadRow) -> Fen| Fen::sum(taken_back.iter().map(of));
    let is_refusal = |decided: &Decided| matches!(decided.act, RowAct::Return | RowAct::Dismiss);
    let is_decided =
        |row: &&UploadRow| row.decided.is_some_and(|decided| decided.posted_on == date && is_refusal(&decided));
    let is_earlier = |row: &&UploadRow| row.window_date != date && row.kind == RowKind::Purchase;
    let decided: Vec<UploadRow> = of_window.iter().filter(is_earlier).filter(is_decided).cloned().collect();
    let (posted, not_posted): (Vec<_>, Vec<_>) = of_window
        .into_iter()
        .filter(|row| row.outcome_in(date).is_some())
        .partition(|row| row.outcome_in(date) == Some(RowOutcome::Accepted));
    let purchases = posted.iter().filter(|row| row.kind == RowKind::Purchase);
    let rows: Vec<UploadRow> = purchases.flat_map(|row| times(row, row.times_posted_in(date))).collect();
    let sum = |of: fn(&UploadRow) -> Fen| Fen::sum(rows.iter().map(of));
    let mut decisions = Vec::new();
    let about: BTreeSet<_> = taken_back.iter().chain(&not_posted).chain(&decided).map(place).collect();
    for (terminal, record) in about {
        let done = tx.decisions_done(terminal, record)?.into_iter();
        decisions.extend(done.map(|one| {
            let Decision { number, act, reason, posted_on: on, .. } = one;
            Told { terminal, record, number, act, reason, on }
        }));
    }
    let personal_account_fen = sum(|row| row.personal_account_fen)?.minus(back(|row| row.personal_account_fen)?)?;
    let pooled_fund_fen = sum(|row| row.pooled_fund_fen)?.minus(back(|row| row.pooled_fund_fen)?)?;
    let self_paid_fen = sum(|row| row.self_paid_fen)?.minus(back(|row| row.self_paid_fen)?)?;
    let refund_rows: Vec<Load> = tx
        .refunds_credited(date)?
        .into_iter()
        .filter(|load| load.refund.as_ref().is_some_and(|refund| refund.institution == *code))
        .collect();
    let refunded = |part: fn(&Load) -> Fen| Fen::sum(refund_rows.iter().map(part));
    let refunded_account_fen = refunded(|load| load.amount_fen)?;
    let refunded_pooled_fund_fen = refunded(|load| load.refund.as_ref().map_or(Fen::ZERO, |r| r.pooled_fund_fen))?;
    let refunded_self_paid_fen = refunded(|load| load.refund.as_ref().map_or(Fen::ZERO, |r| r.self_paid_fen))?;
    let account = Account::Payable(code.clone()).to_string();
    let movements = tx.movements(date)?;
    let owed = |kinds: &[PostingKind]| {
        let of_account = movements.iter().filter(|(_, other, _)| *other == account);
        let chosen = of_account.filter(|(kind, ..)| kinds.iter().any(|one| one.name() == kind));
        Fen::sum(chosen.map(|(_, _, amount)| *amount))
    };
    let recovered_fen = owed(&[PostingKind::Correction])?;
    let refunded_fen = refunded_account_fen.plus(refunded_pooled_fund_fen)?;
    let yielded_fen = tx.refunds_yielded(date, code)?;
    let payable_fen =
        personal_account_fen.plus(pooled_fund_fen)?.minus(refunded_fen)?.plus(recovered_fen)?.plus(yielded_fen)?;
    let ledger_payable_fen =
        owed(&[PostingKind::Purchase, PostingKind::Refund, PostingKind::RefundYielded, PostingKind::Correction])?;
    Ok(Statement {
        institution,
        business_date: date,
        state: window.state,
        purchases: rows.len(),
        personal_account_fen,
        pooled_fund_fen,
        self_paid_fen,
        refunds: refund_rows.len(),
        refunded_account_fen,
        refunded_pooled_fund_fen,
        refunded_self_paid_fen,
        recovered_fen,
        yielded_fen,
        payable_fen,
        ledger_payable_fen,
        in_agreement: payable_fen == ledger_payable_fen,
        rows,
        taken_back,
        refund_rows,
        not_posted,
        decided,
        decisions,
    })
}

impl Show for Statement {
    fn text(&self, lang: Lang) -> String {
        let (code, name, date) = (&self.institution.code, &self.institution.name, self.business_date);
        let mut lines = vec![
            lang.pick(format!("对账单  {code} {name}  {date}"), format!("statement  {code} {name}  {date}")),
            match self.state {
                WindowState::Closed => lang.pick("  已日终", "  day closed").to_owned(),
                WindowState::Open | WindowState::Closing => {
                    lang.pick("  未日终，数字可能变化", "  day not closed: the figures may change").to_owned()
                }
            },
        ];
        for row in &self.rows {
            lines.push(format!(
                "  {}  {}/{:<6} {}  {:>10} {:>10} {:>10}",
                row.date_time,
                row.terminal,
                row.journal_sequence,
                row.card_identifier,
                row.personal_account_fen,
                row.pooled_fund_fen,
                row.self_paid_fen
            ));
        }
        for row in &self.taken_back {
            let (place, pool) = (row.place(), row.pooled_fund_fen);
            let (account, decision) = (row.personal_account_fen, self.said(row, Some(self.business_date), lang));
            lines.push(lang.pick(
                format!("  冲回 {place}  {}  -{account} -{pool}{decision}", row.card_identifier),
                format!("  taken back {place}  {}  -{account} -{pool}{decision}", row.card_identifier),
            ));
        }
        let less = match self.taken_back.len() {
            0 => String::new(),
            taken => lang.pick(format!("，冲回 {taken} 笔"), format!(" less {taken} taken back")),
        };
        lines.push(lang.pick(
            format!(
                "  {} 笔{less}  个人账户 {}  统筹 {}  自付 {}",
                self.purchases, self.personal_account_fen, self.pooled_fund_fen, self.self_paid_fen
            ),
            format!(
                "  {} purchases{less}  personal account {}  pooled fund {}  self-paid {}",
                self.purchases, self.personal_account_fen, self.pooled_fund_fen, self.self_paid_fen
            ),
        ));
        for load in &self.refund_rows {
            let original = load.refund.as_ref().map(|refund| refund.original.reference()).unwrap_or_default();
            let word = lang.pick("退费", "refund of");
            lines.push(format!(
                "  {}  {word} {original}  {}  -{}",
                load.date_time, load.card_identifier, load.amount_fen
            ));
        }
        if self.refunds > 0 {
            lines.push(lang.pick(
                format!(
                    "  退费 {} 笔  退回账户 {}  退统筹 {}  退现金 {}",
                    self.refunds, self.refunded_account_fen, self.refunded_pooled_fund_fen, self.refunded_self_paid_fen
                ),
                format!(
                    "  {} refunds  to accounts {}  to the pool {}  in cash {}",
                    self.refunds, self.refunded_account_fen, self.refunded_pooled_fund_fen, self.refunded_self_paid_fen
                ),
            ));
        }
        if self.recovered_fen != Fen::ZERO {
            let amount = self.recovered_fen;
            lines.push(lang.pick(
                format!("  已冲回交易的退费 {amount}，由持卡人归还，不由机构承担"),
                format!("  refunds of what was taken back {amount}: their holders owe it, not the institution"),
            ));
        }
        if self.yielded_fen != Fen::ZERO {
            let amount = self.yielded_fen;
            lines.push(lang.pick(
                format!("  人工判定已退、卡上没有的退费 {amount}，重新应付"),
                format!("  refunds called credited that their cards do not have {amount}: owed again"),
            ));
        }
        lines.push(lang.pick(
            format!("  应付 {}  总账 {}", self.payable_fen, self.ledger_payable_fen),
            format!("  payable {}  ledger {}", self.payable_fen, self.ledger_payable_fen),
        ));
        for row in self.not_posted.iter().chain(&self.decided) {
            let code = row.code.map_or("", settlement::code::ErrorCode::as_str);
            let day =
                if row.window_date == self.business_date { String::new() } else { format!("  {}", row.window_date) };
            lines.push(format!(
                "  {} {}{day}  {}  {}  {code}{}",
                lang.pick("未入账", "not posted"),
                row.place(),
                row.card_identifier,
                row.personal_account_fen,
                self.said(row, None, lang)
            ));
        }
        lines.join("\n")
    }
}

fn place(row: &UploadRow) -> (TerminalNumber, u64) {
    (row.terminal, row.journal_sequence)
}

impl Statement {
    /// What was decided of a record last: on a day, or at all. Of what was taken back, also when it had been posted.
    fn said(&self, row: &UploadRow, on: Option<BusinessDate>, lang: Lang) -> String {
        let of_row = || self.decisions.iter().filter(|told| (told.terminal, told.record) == place(row));
        let is_last = |told: &&Told| match on {
            Some(day) => told.act == RowAct::TakeBack && told.on == Some(day),
            None => true,
        };
        let Some(Told { number, act, reason, on, .. }) = of_row().rfind(is_last) else { return String::new() };
        let what = match act {
            RowAct::Post => lang.pick("已入账", "posted"),
            RowAct::Return => lang.pick("已退还持卡人", "returned to the holder"),
            RowAct::Dismiss => lang.pick("卡未付款", "the card did not pay"),
            RowAct::TakeBack => lang.pick("已冲回", "taken back"),
        };
        let posted = of_row().rfind(|told| told.act != RowAct::TakeBack && told.number < *number);
        let before = match posted.and_then(|told| told.on).filter(|_| *act == RowAct::TakeBack) {
            Some(day) => lang.pick(format!("，原入账日 {day}"), format!(", posted on {day}")),
            None => String::new(),
        };
        let day = on.map(|day| format!(" {day}")).unwrap_or_default();
        lang.pick(
            format!("  → {what}{day}{before}（处理单 {number}：{reason}）"),
            format!("  → {what}{day}{before} (decision {number}: {reason})"),
        )
    }
}
