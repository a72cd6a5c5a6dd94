//! Records that the centre did not post (挂账), as people see them: what is decided, what may be done, what has the same number.
//!
//! Owns: the list, its advice. Never: decides (`decision`), posts.
//! Units: fen.

use serde::Serialize;
use settlement::code::ErrorCode;
use settlement::judgement::Judgement;

use super::decision::{self, Decision, DecisionState, RowAct};
use super::load::LoadState;
use super::number::Numbers;
use super::refusal::ClearingError;
use super::upload::{RowKind, UploadRow};
use super::{neighbours, take_back};
use crate::lang::Lang;
use crate::output::Show;
use crate::store::Tx;

/// Other records of one number that a line names: a terminal may send any number of them.
const SAME_MAX: usize = 4;

/// A record that was not posted, with what is asked or decided.
#[derive(Clone, Debug, Serialize)]
pub struct ListedRow {
    /// The record.
    #[serde(flatten)]
    pub row: UploadRow,
    /// What is asked or decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Decision>,
    /// Whether it may be posted or returned; else it is dismissed.
    pub may_be_posted: bool,
    /// Whether it may be returned alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub may_be_returned: bool,
    /// Whether what was decided may be taken back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub may_be_taken_back: bool,
    /// Its code is wrong, and the card's records beside it, one of another institution, show that the card did it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_shown: bool,
    /// Another record with the card's own code has the same number, or the card showed its terminal that it did not do this one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_contradicted: bool,
    /// It has the card's own code, and another record without one was posted or returned under its number: that one is taken back first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub waits_for_take_back: bool,
    /// Other purchases with the same number of the same card, which gives it once; the first few.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub same_number: Vec<SameNumber>,
    /// `terminal/record` that stands with its terminal sequence and card, while their codes do not show two purchases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_terminal_sequence: Option<String>,
}

/// Another record of the same number of the same card.
#[derive(Clone, Debug, Serialize)]
pub struct SameNumber {
    /// `terminal/record`.
    pub record: String,
    /// Whether it has the card's own code.
    pub has_cards_code: bool,
    /// Whether it is posted.
    pub is_posted: bool,
}

/// Records that were not posted.
#[derive(Clone, Debug, Serialize)]
pub struct ListedRows {
    /// In order of terminal and record.
    pub rows: Vec<ListedRow>,
}

/// Records that were not posted; `open`: only those that somebody has to decide.
///
/// # Errors
/// [`ClearingError::Store`].
pub fn list(tx: &Tx<'_>, open: bool) -> Result<ListedRows, ClearingError> {
    let mut rows = Vec::new();
    let numbers = Numbers::of_not_posted(tx)?;
    for row in tx.rows_not_posted()? {
        let number = numbers.of(&row);
        let may_be_taken_back = take_back::is_wrong(tx, &row, number)?;
        let is_open = row.is_open();
        if open && !may_be_taken_back && (!is_open || is_settled(tx, &row)?) {
            continue;
        }
        let proposal = tx.decision_of(row.terminal, row.journal_sequence)?;
        // What was taken back is over, and the record waits anew.
        let proposal = proposal.filter(|known| !is_open || known.state == DecisionState::Proposed);
        let is_rivalled = row.kind == RowKind::Purchase && is_open && decision::is_taken(tx, &row, number)?;
        // What has the card's own code contradicts nobody; it waits until the word that was posted under its number is taken back.
        let is_rival = is_rivalled && !row.has_cards_code();
        let is_contradicted = row.is_contradicted() || row.is_over() || number.disproves(&row) || is_rival;
        let waits_for_take_back = is_open && number.has_word_against(&row);
        let is_free = !is_contradicted && !is_rivalled;
        let is_shown = row.proof.is_none() && is_open && is_free && neighbours::show(tx, &row)?;
        let may_be_posted = (decision::may_be_posted(&row) || is_shown) && is_free;
        let may_be_returned = decision::may_be_returned(&row) && is_free && !may_be_posted;
        let same_number = number.others(&row).take(SAME_MAX).map(SameNumber::of).collect();
        let is_duplicate = is_rivalled && row.code == Some(ErrorCode::DuplicateTerminalSequence);
        let same_sequence = if is_duplicate { tx.same_terminal_sequence(&row)? } else { None };
        rows.push(ListedRow {
            same_terminal_sequence: same_sequence.map(|other| other.place()),
            row,
            proposal,
            may_be_posted,
            may_be_returned,
            may_be_taken_back,
            is_shown,
            is_contradicted,
            waits_for_take_back,
            same_number,
        });
    }
    Ok(ListedRows { rows })
}

/// Whether the card's code, told afterwards, credited the load or refund that a record is about: nothing is left to decide.
fn is_settled(tx: &Tx<'_>, row: &UploadRow) -> Result<bool, ClearingError> {
    let (Some(id), true) = (row.load_id, row.proof.is_some()) else { return Ok(false) };
    Ok(tx.load(id)?.is_some_and(|load| load.state == LoadState::Credited))
}

impl SameNumber {
    fn of(row: &UploadRow) -> Self {
        Self {
            record: format!("{}/{}", row.terminal, row.journal_sequence),
            has_cards_code: row.has_cards_code(),
            is_posted: row.is_posted(),
        }
    }

    fn text(&self, lang: Lang) -> String {
        let code = match self.has_cards_code {
            true => lang.pick("有卡的校验码", "has the card's own code"),
            false => lang.pick("没有卡的校验码", "has no code of the card"),
        };
        let posted = if self.is_posted { lang.pick("，已入账", ", posted") } else { "" };
        format!("\n  {} {}: {code}{posted}", lang.pick("同一卡内序号", "same number as"), self.record)
    }
}

/// What a supervisor at the terminal said, on a line of its own, and what shows the opposite.
fn judged(said: &Judgement, row: &UploadRow, lang: Lang) -> String {
    let Judgement { done, by, reason } = said;
    let word = match done {
        true => lang.pick("卡已执行", "the card did it"),
        false => lang.pick("卡未执行", "the card did not do it"),
    };
    let shown = match (done, row.has_cards_code()) {
        (true, _) if row.is_contradicted() || row.is_over() => {
            lang.pick("；卡内所示相反", "; the card shows the opposite")
        }
        (true, _) => "",
        // There is a record because the card came back and had done it.
        (false, true) => lang.pick("；卡内所示相反(卡的校验码)", "; the card shows the opposite (its own code)"),
        (false, false) => lang.pick(
            "；卡内所示相反(卡内序号、余额或明细)",
            "; the card shows the opposite (its counter, balance or log)",
        ),
    };
    format!("\n  {} {by}: {word}, {reason}{shown}", lang.pick("终端判定", "judged at the terminal by"))
}

impl ListedRow {
    /// What is asked or decided, or what may be done.
    fn next(&self, place: &str, lang: Lang) -> String {
        match &self.proposal {
            Some(Decision { state: DecisionState::Approved, act, .. }) if self.may_be_taken_back => {
                let since = match (self.row.is_proved_since, *act) {
                    (true, _) => lang.pick("卡后来给出了校验码: ", "the card told its code since: "),
                    (false, RowAct::Dismiss) => {
                        lang.pick("卡的前后记录表明已付款: ", "the card's records beside it show that it paid: ")
                    }
                    (false, RowAct::Post | RowAct::Return | RowAct::TakeBack) => "",
                };
                format!("→ {since}issuer row propose {place} --take-back --reason …")
            }
            Some(Decision { number, act, state, .. }) => {
                format!("{} {number} {} {}", lang.pick("处理单", "decision"), act.word(lang), state.word(lang))
            }
            None if self.waits_for_take_back => lang
                .pick(
                    "→ 有卡的校验码；先冲回同号的另一条",
                    "→ has the card's own code; first the other one of its number is taken back",
                )
                .to_owned(),
            None if self.is_shown => {
                let shown = lang.pick("卡的前后记录表明已付款", "the card's records beside it show that it paid");
                format!("→ {shown}: issuer row propose {place} --post|--return --reason …")
            }
            None if self.may_be_posted && self.row.has_cards_code() => {
                format!("→ issuer row propose {place} --post|--return --reason …")
            }
            None if self.may_be_posted => format!("→ issuer row propose {place} --post|--return|--dismiss --reason …"),
            None if self.may_be_returned => format!("→ issuer row propose {place} --return|--dismiss --reason …"),
            None => format!("→ issuer row propose {place} --dismiss --reason …"),
        }
    }

    fn line(&self, lang: Lang) -> String {
        let row = &self.row;
        let place = format!("{}/{}", row.terminal, row.journal_sequence);
        let code = [row.code.map_or("", ErrorCode::as_str), if self.is_contradicted { "CONTRADICTED" } else { "" }];
        let said = row.judgement.as_ref().map_or_else(String::new, |said| judged(said, row, lang));
        let twin = self.same_terminal_sequence.as_ref().map_or_else(String::new, |other| {
            let same = lang.pick("同终端序号、同卡的已入账记录", "posted with its terminal sequence and card:");
            let unshown = lang.pick("校验码未表明是两笔", "the codes do not show two purchases");
            format!("\n  {same} {other}; {unshown}")
        });
        let same: String = self.same_number.iter().map(|same| same.text(lang)).collect();
        format!(
            "{place}  {}  {}  {}  {}  {}  {}{said}{same}{twin}",
            row.business_date,
            row.kind.name(),
            row.card_identifier,
            row.personal_account_fen,
            code.join(" ").trim_end(),
            self.next(&place, lang)
        )
    }
}

impl Show for ListedRows {
    fn text(&self, lang: Lang) -> String {
        if self.rows.is_empty() {
            return lang.pick("没有未入账的记录", "no record waits").to_owned();
        }
        self.rows.iter().map(|listed| listed.line(lang)).collect::<Vec<_>>().join("\n")
    }
}
