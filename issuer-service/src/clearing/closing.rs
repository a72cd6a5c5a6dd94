//! Closing a day (日终): a barrier, the proof, and every difference explained by another person before it is final.
//!
//! Owns: which window takes a posting, the differences of a window, its hash, the two steps of closing.
//! Never: hides a difference; changes a posting.
//! Units: fen.

use serde::Serialize;
use settlement::code::ErrorCode;
use settlement::date::BusinessDate;
use settlement::fen::{Fen, FenError};
use settlement::id::Digest;

use super::decision::RowAct;
use super::ledger::{Account, PostingKind};
use super::load::Load;
use super::refusal::ClearingError;
use super::upload::{RowKind, RowOutcome, UploadRow};
use super::window::{Equation, Explanation, Window, WindowState, WindowTotals, conservation};
use crate::audit::Act;
use crate::clock;
use crate::lang::{Lang, column};
use crate::output::Show;
use crate::store::Tx;

/// Something that does not agree, or is not finished, on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Number in this list, from 1.
    pub number: usize,
    /// Stable code: `LOAD_OPEN`, `ROW_REFUSED`, `ROW_HELD`, `EQUATION`.
    pub code: &'static str,
    /// What it is about.
    pub reference: String,
    /// Amount.
    pub amount_fen: Fen,
    /// What is known.
    pub evidence: String,
    /// What to do next.
    pub next_action: &'static str,
    /// What was said about it.
    pub explanation: Option<Explanation>,
}

/// A window with its proof.
#[derive(Clone, Debug, Serialize)]
pub struct WindowProof {
    /// The window.
    pub window: Window,
    /// Counts and sums.
    pub totals: WindowTotals,
    /// The conservation equations.
    pub equations: Vec<Equation>,
    /// Whether all of them hold.
    pub holds: bool,
    /// What does not agree or is not finished.
    pub differences: Vec<Difference>,
    /// SHA-256 over the window before, the date, every posting, the totals and each terminal's chain.
    pub content_hash: Digest,
}

/// All windows.
#[derive(Clone, Debug, Serialize)]
pub struct Windows {
    /// In order of date.
    pub windows: Vec<Window>,
}

impl Tx<'_> {
    /// The window that takes what happens now, opened if need be: today, or the day after the last window that closed.
    ///
    /// # Errors
    /// [`ClearingError`].
    pub fn current_window(&self) -> Result<BusinessDate, ClearingError> {
        let today = clock::business_today();
        let date = match self.last_barred_window()? {
            Some(last) if last >= today => clock::day_after(last).ok_or(ClearingError::WindowUnknown { date: last })?,
            Some(_) | None => today,
        };
        self.open_window(date)?;
        Ok(date)
    }

    /// The window of a record: its own day while that is open, else the current one.
    ///
    /// # Errors
    /// [`ClearingError`].
    pub fn window_for(&self, business_date: BusinessDate) -> Result<BusinessDate, ClearingError> {
        match self.window(business_date)? {
            Some(window) if window.state == WindowState::Open => Ok(business_date),
            Some(_) | None => self.current_window(),
        }
    }
}

/// A window with its proof as the ledger shows it now.
///
/// # Errors
/// [`ClearingError::WindowUnknown`]; [`ClearingError::Sum`] when a sum leaves 64 bits.
pub fn prove(tx: &Tx<'_>, date: BusinessDate) -> Result<WindowProof, ClearingError> {
    let window = tx.window(date)?.ok_or(ClearingError::WindowUnknown { date })?;
    let rows = tx.rows_of_window(date)?;
    let rule = window.rule();
    let totals = totals(tx, date, rule, &rows)?;
    let equations = conservation(&totals, rule)?;
    let holds = equations.iter().all(Equation::holds);
    let differences = differences(tx, date, &rows, &equations)?;
    let content_hash = content_hash(tx, date, rule, &totals)?;
    Ok(WindowProof { window, totals, equations, holds, differences, content_hash })
}

/// Closes a day as far as it can be closed: sets the barrier, and makes the day final if nothing is unexplained.
///
/// # Errors
/// [`ClearingError::WindowBefore`] when an earlier day is not closed; [`ClearingError::SameOperator`] when the closer
/// explained a difference.
pub fn close(tx: &Tx<'_>, date: BusinessDate, operator: &str) -> Result<(WindowProof, Act), ClearingError> {
    if let Some(earlier) =
        tx.windows()?.into_iter().find(|window| window.business_date < date && window.state != WindowState::Closed)
    {
        return Err(ClearingError::WindowBefore { earlier: earlier.business_date });
    }
    match tx.window(date)?.ok_or(ClearingError::WindowUnknown { date })?.state {
        WindowState::Open => tx.start_closing(date, operator)?,
        WindowState::Closing => {}
        WindowState::Closed => return Err(ClearingError::WindowState { date, state: WindowState::Closed }),
    }
    let proof = prove(tx, date)?;
    let explained = proof.differences.iter().filter_map(|difference| difference.explanation.as_ref());
    if explained.clone().any(|explanation| explanation.operator == operator) {
        return Err(ClearingError::SameOperator { operator: operator.to_owned() });
    }
    let unexplained = proof.unexplained().count();
    if unexplained == 0 {
        tx.finish_closing(date, operator, &proof.content_hash.to_string())?;
    }
    let proof = prove(tx, date)?;
    let act = Act {
        actor: operator.to_owned(),
        act: "window.close",
        object: format!("window {date}"),
        detail: format!(
            "{}, postings {}, payable {}, unexplained {unexplained}, hash {}",
            proof.window.state.name(),
            proof.totals.postings,
            proof.totals.payable_fen,
            proof.content_hash
        ),
    };
    Ok((proof, act))
}

/// Records why a difference may stand.
///
/// # Errors
/// [`ClearingError::DifferenceUnknown`], [`ClearingError::ReasonMissing`], [`ClearingError::WindowState`].
pub fn explain(
    tx: &Tx<'_>,
    date: BusinessDate,
    number: usize,
    reason: &str,
    operator: &str,
) -> Result<(WindowProof, Act), ClearingError> {
    if reason.trim().is_empty() {
        return Err(ClearingError::ReasonMissing);
    }
    let proof = prove(tx, date)?;
    if proof.window.state == WindowState::Closed {
        return Err(ClearingError::WindowState { date, state: WindowState::Closed });
    }
    let difference = proof
        .differences
        .iter()
        .find(|difference| difference.number == number)
        .ok_or(ClearingError::DifferenceUnknown { date, number })?;
    tx.explain_difference(
        date,
        &Explanation {
            code: difference.code.to_owned(),
            reference: difference.reference.clone(),
            amount_fen: difference.amount_fen,
            reason: reason.trim().to_owned(),
            operator: operator.to_owned(),
        },
    )?;
    let act = Act {
        actor: operator.to_owned(),
        act: "window.explain",
        object: format!("window {date}"),
        detail: format!("{} {}", difference.code, difference.reference),
    };
    Ok((prove(tx, date)?, act))
}

impl WindowProof {
    /// Differences that nobody has explained.
    pub fn unexplained(&self) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(|difference| difference.explanation.is_none())
    }
}

fn totals(tx: &Tx<'_>, date: BusinessDate, rule: i64, rows: &[UploadRow]) -> Result<WindowTotals, ClearingError> {
    let movements = tx.movements(date)?;
    let sum = |kind: PostingKind, of: &dyn Fn(&str) -> bool| -> Result<Fen, FenError> {
        let chosen = movements.iter().filter(|(name, account, _)| name == kind.name() && of(account));
        Fen::sum(chosen.map(|(_, _, amount)| *amount))
    };
    let all = |of: &dyn Fn(&str) -> bool| -> Result<Fen, FenError> {
        Fen::sum(movements.iter().filter(|(_, account, _)| of(account)).map(|(_, _, amount)| *amount))
    };
    let is = |account: Account| {
        let code = account.to_string();
        move |other: &str| other == code
    };
    let card = |account: &str| account.starts_with(Account::CARDS);
    let minus = |amount: Fen| Fen::ZERO.minus(amount);
    let cards_after_fen = Fen::sum(tx.card_balances(date)?.into_iter().map(|(_, balance)| balance))?;
    let cards_moved = Fen::sum(movements.iter().filter(|(_, account, _)| card(account)).map(|(_, _, amount)| *amount))?;
    let purchases = || rows.iter().filter(|row| row.kind == RowKind::Purchase);
    let times = |of: fn(&UploadRow) -> Fen, count: fn(&UploadRow, BusinessDate) -> usize| {
        Fen::sum(purchases().flat_map(|row| std::iter::repeat_n(of(row), count(row, date))))
    };
    let net = |of: fn(&UploadRow) -> Fen| {
        times(of, UploadRow::times_posted_in)?.minus(times(of, UploadRow::times_taken_back_in)?)
    };
    let refunds = tx.refunds_credited(date)?;
    let given = |load: &Load| load.amount_fen.plus(load.refund.as_ref().map_or(Fen::ZERO, |r| r.pooled_fund_fen));
    let refunds_credited_fen = Fen::sum(refunds.iter().map(given).collect::<Result<Vec<_>, _>>()?)?;
    let [recoveries_fen, recoveries_pooled_fen, recoveries_self_paid_fen] = tx.recovered_in(date)?;
    let taken_back = rows.iter().flat_map(|row| row.taken_back_in(date).map(move |act| posted_by(row, act)));
    let taken_back = taken_back.collect::<Result<Vec<_>, _>>()?;
    let payable = |account: &str| account.ends_with(Account::PAYABLE);
    let count = |outcome| rows.iter().filter(|row| row.outcome_in(date) == Some(outcome)).count();
    Ok(WindowTotals {
        postings: tx.posting_references(date)?.len(),
        rows_accepted: count(RowOutcome::Accepted),
        rows_refused: count(RowOutcome::Refused),
        rows_held: count(RowOutcome::Held),
        sum_of_entries_fen: Fen::sum(movements.iter().map(|(_, _, amount)| *amount))?,
        allotted_fen: minus(sum(PostingKind::Allotment, &is(Account::PersonalAccountFund))?)?,
        loaded_fen: sum(PostingKind::LoadCredited, &card)?,
        refunded_fen: sum(PostingKind::Refund, &card)?,
        refunded_pooled_fen: sum(PostingKind::Refund, &is(Account::PooledFund))?,
        yielded_fen: minus(sum(PostingKind::LoadYielded, &card)?)?,
        yielded_refunds_fen: minus(sum(PostingKind::RefundYielded, &card)?)?,
        yielded_pooled_fen: minus(sum(PostingKind::RefundYielded, &is(Account::PooledFund))?)?,
        purchased_fen: minus(sum(PostingKind::Purchase, &card)?)?,
        pooled_fen: minus(sum(PostingKind::Purchase, &is(Account::PooledFund))?)?,
        self_paid_fen: minus(sum(PostingKind::Purchase, &is(Account::SelfPaidContra))?)?,
        corrected_fen: sum(PostingKind::Correction, &card)?.plus(sum(PostingKind::CardCleared, &card)?)?,
        recovered_fen: sum(PostingKind::Correction, &payable)?,
        payable_fen: match rule {
            1 => sum(PostingKind::Purchase, &payable)?.plus(sum(PostingKind::Refund, &payable)?)?,
            _ => all(&payable)?,
        },
        payable_moved_fen: all(&payable)?,
        pool_moved_fen: minus(all(&is(Account::PooledFund))?)?,
        cash_moved_fen: minus(all(&is(Account::SelfPaidContra))?)?,
        refunded_self_paid_fen: sum(PostingKind::Refund, &is(Account::SelfPaidContra))?,
        yielded_self_paid_fen: minus(sum(PostingKind::RefundYielded, &is(Account::SelfPaidContra))?)?,
        cards_before_fen: cards_before(tx, date)?,
        cards_moved_fen: cards_moved,
        cards_after_fen,
        rows_personal_fen: net(|row| row.personal_account_fen)?,
        rows_pooled_fen: net(|row| row.pooled_fund_fen)?,
        loads_credited_fen: tx.loads_credited(date)?,
        refunds_credited_fen,
        yields_fen: tx.yielded_in(date)?,
        recoveries_fen,
        recoveries_pooled_fen,
        recoveries_self_paid_fen,
        taken_back: taken_back.len(),
        taken_back_fen: Fen::sum(taken_back)?,
    })
}

/// What a decision took of card and pool.
fn posted_by(row: &UploadRow, act: RowAct) -> Result<Fen, FenError> {
    match act {
        RowAct::Post => row.personal_account_fen.plus(row.pooled_fund_fen),
        RowAct::Return => Ok(row.personal_account_fen),
        RowAct::Dismiss | RowAct::TakeBack => Ok(Fen::ZERO),
    }
}

/// All card accounts after the window before.
fn cards_before(tx: &Tx<'_>, date: BusinessDate) -> Result<Fen, ClearingError> {
    let before = tx.windows()?.into_iter().map(|window| window.business_date).filter(|other| *other < date).max();
    let Some(before) = before else { return Ok(Fen::ZERO) };
    Ok(Fen::sum(tx.card_balances(before)?.into_iter().map(|(_, balance)| balance))?)
}

fn differences(
    tx: &Tx<'_>,
    date: BusinessDate,
    rows: &[UploadRow],
    equations: &[Equation],
) -> Result<Vec<Difference>, ClearingError> {
    let mut found: Vec<Difference> = Vec::new();
    for equation in equations.iter().filter(|equation| !equation.holds()) {
        found.push(Difference {
            number: 0,
            code: "EQUATION",
            reference: equation.code.to_owned(),
            amount_fen: equation.left_fen.minus(equation.right_fen)?,
            evidence: format!("{}: {} ≠ {}", equation.statement, equation.left_fen, equation.right_fen),
            next_action: "stop; compare postings, rows and loads of this window",
            explanation: None,
        });
    }
    for load in tx.open_loads()? {
        if clock::china_date_time(&load.prepared_at).is_none_or(|at| at.date() <= date) {
            found.push(Difference {
                number: 0,
                code: "LOAD_OPEN",
                reference: load.load_id.to_string(),
                amount_fen: load.amount_fen,
                evidence: load
                    .evidence
                    .clone()
                    .unwrap_or_else(|| format!("prepared at {}, no outcome", load.prepared_at)),
                next_action: "read the card at its terminal; its counter decides",
                explanation: None,
            });
        }
    }
    for row in rows {
        // What people decided on the same day is no difference of it, unless it was taken back on that day and waits again.
        let last = row.decisions().filter(|(decided, _)| decided.posted_on == date).last();
        let is_open = last.is_none_or(|(_, taken_back)| taken_back == Some(date) && row.is_open());
        if !is_open || row.outcome_in(date).is_none_or(|outcome| outcome == RowOutcome::Accepted) {
            continue;
        }
        let later = row.decided.map(|later| format!(", decision {} on {}", later.number, later.posted_on));
        found.push(Difference {
            number: 0,
            code: if row.outcome == RowOutcome::Held { "ROW_HELD" } else { "ROW_REFUSED" },
            reference: format!("{}/{}", row.terminal, row.journal_sequence),
            amount_fen: row.personal_account_fen.plus(row.pooled_fund_fen)?,
            evidence: format!("{}{}", row.code.map_or("", ErrorCode::as_str), later.unwrap_or_default()),
            next_action: match row.outcome {
                RowOutcome::Held => "read the card's log and compare; then `issuer row propose`",
                RowOutcome::Refused | RowOutcome::Accepted => {
                    "ask the institution; compare bill, terminal and card; then `issuer row propose`"
                }
            },
            explanation: None,
        });
    }
    let explanations = tx.explanations(date)?;
    for (number, difference) in (1..).zip(&mut found) {
        difference.number = number;
        difference.explanation = explanations
            .iter()
            .find(|said| {
                said.code == difference.code
                    && said.reference == difference.reference
                    && said.amount_fen == difference.amount_fen
            })
            .cloned();
    }
    Ok(found)
}

fn content_hash(tx: &Tx<'_>, date: BusinessDate, rule: i64, totals: &WindowTotals) -> Result<Digest, ClearingError> {
    let before = tx.window_hash_before(date)?.unwrap_or_else(|| Digest::ZERO.to_string());
    let mut text = format!("clearing-window-1\n{before}\n{date}\n{}\n", totals.line(rule));
    for (id, reference) in tx.posting_references(date)? {
        text.push_str(&format!("{id} {reference}\n"));
    }
    for (terminal, batch, hash) in tx.uploads_of(date)? {
        text.push_str(&format!("{terminal} {batch} {hash}\n"));
    }
    Ok(Digest::of(text.as_bytes()))
}

impl Show for WindowProof {
    fn text(&self, lang: Lang) -> String {
        let totals = &self.totals;
        let mut lines = vec![
            lang.pick(
                format!("业务日 {}  {}", self.window.business_date, self.window.state.word(lang)),
                format!("window {}  {}", self.window.business_date, self.window.state.name()),
            ),
            lang.pick(
                format!(
                    "  分录 {}，入账 {}，拒绝 {}，挂起 {}",
                    totals.postings, totals.rows_accepted, totals.rows_refused, totals.rows_held
                ),
                format!(
                    "  postings {}, rows accepted {}, refused {}, held {}",
                    totals.postings, totals.rows_accepted, totals.rows_refused, totals.rows_held
                ),
            ),
            lang.pick(
                format!(
                    "  划入 {}  圈存 {}  消费 {}  统筹 {}  自付 {}  应付 {}",
                    totals.allotted_fen,
                    totals.loaded_fen,
                    totals.purchased_fen,
                    totals.pooled_fen,
                    totals.self_paid_fen,
                    totals.payable_fen
                ),
                format!(
                    "  allotted {}  loaded {}  purchased {}  pooled {}  self-paid {}  payable {}",
                    totals.allotted_fen,
                    totals.loaded_fen,
                    totals.purchased_fen,
                    totals.pooled_fen,
                    totals.self_paid_fen,
                    totals.payable_fen
                ),
            ),
        ];
        if totals.payable_fen != totals.payable_moved_fen {
            lines.push(lang.pick(
                format!("  按日切时的规则应付 {}，计入全部分录为 {}", totals.payable_fen, totals.payable_moved_fen),
                format!(
                    "  payable by the rule that the day was closed by {}, with every entry {}",
                    totals.payable_fen, totals.payable_moved_fen
                ),
            ));
        }
        if totals.refunds_credited_fen != Fen::ZERO {
            lines.push(lang.pick(
                format!("  退回账户 {}  退统筹 {}", totals.refunded_fen, totals.refunded_pooled_fen),
                format!("  refunded to cards {}  to the pool {}", totals.refunded_fen, totals.refunded_pooled_fen),
            ));
        }
        if totals.taken_back > 0 {
            lines.push(lang.pick(
                format!("  冲回 {} 笔 {}", totals.taken_back, totals.taken_back_fen),
                format!("  decisions taken back {}: {}", totals.taken_back, totals.taken_back_fen),
            ));
        }
        if totals.recovered_fen != Fen::ZERO {
            lines.push(lang.pick(
                format!("  已冲回交易的退费，由持卡人归还 {}", totals.recovered_fen),
                format!("  refunds of what was taken back, owed by holders {}", totals.recovered_fen),
            ));
        }
        if totals.yields_fen != Fen::ZERO {
            lines.push(lang.pick(
                format!("  人工判定到卡、后经卡否定 {}", totals.yields_fen),
                format!("  called credited by people, and given way {}", totals.yields_fen),
            ));
        }
        lines.extend(self.equations.iter().map(|equation| {
            let mark = if equation.holds() { "=" } else { "≠" };
            format!(
                "  {:<14} {} {mark} {}   ({})",
                equation.code, equation.left_fen, equation.right_fen, equation.statement
            )
        }));
        for difference in &self.differences {
            let said = difference.explanation.as_ref().map_or_else(
                || format!("{} {}", lang.pick("未说明；", "unexplained;"), difference.next_action),
                |said| format!("{}: {} ({})", lang.pick("已说明", "explained"), said.reason, said.operator),
            );
            lines.push(format!(
                "  #{} {} {} {}  {}  {said}",
                difference.number, difference.code, difference.reference, difference.amount_fen, difference.evidence
            ));
        }
        lines.push(format!("  {} {}", lang.pick("摘要", "hash"), self.content_hash));
        if self.window.state == WindowState::Closing && self.unexplained().next().is_some() {
            let date = self.window.business_date;
            let next =
                lang.pick("由另一人说明差异后再关闭", "another person explains each difference, then close again");
            lines.push(format!(
                "  {next}: issuer window explain --date {date} --difference N --reason TEXT --operator NAME"
            ));
        }
        lines.join("\n")
    }
}

impl Show for Windows {
    fn text(&self, lang: Lang) -> String {
        let line = |window: &Window| {
            let closed = window.closed_by.as_deref().unwrap_or("–");
            format!(
                "{}  {}  {closed}  {}",
                window.business_date,
                column(window.state.word(lang), 7),
                window.hash.as_deref().unwrap_or("–")
            )
        };
        self.windows.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
