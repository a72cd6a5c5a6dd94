//! Records that the centre did not post (挂账处理): one person says what became of them, another decides.
//!
//! | act     | the card paid | the sale stands | posted |
//! |---------|---------------|-----------------|--------|
//! | post    | yes           | yes             | as any purchase: card and pool pay, the institution is owed; it can be refunded |
//! | return  | yes           | no              | card → the holder's pending money, who gets it at the next load; nobody is owed |
//! | dismiss | no            | no              | nothing; of a load or refund too, whose money `load settle` decides |
//! | take-back | no          | no              | the mirror of what was posted or returned before its card contradicted it (`take_back`) |
//!
//! The record stays as it was judged, and the day that it came in keeps its proof: the decision counts in the window that is open
//! when it is made.
//!
//! Source: clearing practice of two persons for what is entered by hand. Which codes may be posted is assumed: those whose record
//! does not contradict the card (no TAC, listed, above a limit, an algorithm that cannot be checked, a number that nobody has any
//! more, a sale that was closed).
//! Owns: states, who decides, the posting. Never: changes a record, computes a TAC.
//! Units: fen.

use serde::{Serialize, Serializer};
use settlement::code::ErrorCode;
use settlement::date::BusinessDate;
use settlement::fen::Fen;
use settlement::id::TerminalNumber;
use settlement::judgement::Judgement;

use super::ledger::{self, Account, Posting, PostingKind};
use super::refusal::ClearingError;
use super::upload::{RowKind, RowOutcome, UploadRow};
use super::{neighbours, sale, succession, take_back};
use crate::audit::Act;
use crate::lang::Lang;
use crate::output::Show;
use crate::state::{State, states};
use crate::store::Tx;

states! {
    /// A decision about a record.
    "row_decision" DecisionState {
        /// Waits for another person.
        Proposed = "proposed" "待复核",
        /// Done.
        Approved = "approved" "已复核",
        /// Refused; the record waits again.
        Rejected = "rejected" "已退回",
    }
    /// Moves of a decision, by an operator with role approve who did not propose it.
    DecisionMove {
        /// What was proposed is done, in the open window.
        Approve: Proposed => Approved,
        /// It is not.
        Reject: Proposed => Rejected,
    }
}

impl DecisionState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Proposed, Self::Approved, Self::Rejected];

    pub(super) const fn word(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Proposed, Lang::Zh) => "待复核",
            (Self::Proposed, Lang::En) => "proposed",
            (Self::Approved, Lang::Zh) => "已复核",
            (Self::Approved, Lang::En) => "approved",
            (Self::Rejected, Lang::Zh) => "已退回",
            (Self::Rejected, Lang::En) => "rejected",
        }
    }
}

impl Serialize for DecisionState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowAct {
    /// The purchase stands.
    Post,
    /// The card paid and the holder gets it back.
    Return,
    /// The card did not pay.
    Dismiss,
    /// It was posted or returned, and its card showed since that it did not pay.
    TakeBack,
}

impl RowAct {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Post, Self::Return, Self::Dismiss, Self::TakeBack];

    /// Name in the store, in output and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Return => "return",
            Self::Dismiss => "dismiss",
            Self::TakeBack => "take-back",
        }
    }

    const fn word(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (_, Lang::En) => self.name(),
            (Self::Post, Lang::Zh) => "入账",
            (Self::Return, Lang::Zh) => "退还持卡人",
            (Self::Dismiss, Lang::Zh) => "销账",
            (Self::TakeBack, Lang::Zh) => "冲回",
        }
    }
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Number.
    pub number: i64,
    /// Terminal of the record.
    pub terminal: TerminalNumber,
    /// Number of the record at the terminal.
    pub record: u64,
    /// What becomes of it.
    pub act: RowAct,
    /// Why.
    pub reason: String,
    /// State.
    pub state: DecisionState,
    /// Who asked.
    pub maker: String,
    /// UTC instant.
    pub made_at: String,
    /// Who decided.
    pub checker: Option<String>,
    /// Window that it counts in.
    pub posted_on: Option<BusinessDate>,
}

/// What was decided about a record, as far as its row needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// Number of the decision.
    pub number: i64,
    /// What became of it.
    pub act: RowAct,
    /// Window that it counts in.
    pub posted_on: BusinessDate,
}

/// Asks that something become of a record that was not posted.
///
/// # Errors
/// [`ClearingError::RowUnknown`], [`ClearingError::RowDecided`], [`ClearingError::RowUnpostable`], [`ClearingError::ReasonMissing`].
pub fn propose(
    tx: &Tx<'_>,
    (terminal, record): (TerminalNumber, u64),
    act: RowAct,
    reason: &str,
    maker: &str,
) -> Result<(Decision, Act), ClearingError> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(ClearingError::ReasonMissing);
    }
    let row = open_row(tx, terminal, record)?;
    if let Some(known) = tx.decision_of(terminal, record)?
        && (act != RowAct::TakeBack || known.act == RowAct::TakeBack || known.state != DecisionState::Approved)
    {
        return Err(ClearingError::RowDecided { terminal, record, number: known.number });
    }
    possible(tx, &row, act)?;
    let number = tx.add_decision((terminal, record), act, reason, maker)?;
    let detail = format!("decision {number}: {} {} yuan: {reason}", act.name(), row.personal_account_fen);
    Ok((found(tx, number)?, told(maker, "row.propose", &row, detail)))
}

/// Does what another person asked for, or refuses it.
///
/// # Errors
/// [`ClearingError::DecisionUnknown`], [`ClearingError::SameOperator`], [`ClearingError::RowDecided`], as [`propose`].
pub fn decide(tx: &Tx<'_>, number: i64, step: DecisionMove, checker: &str) -> Result<(Decision, Act), ClearingError> {
    let decision = found(tx, number)?;
    if decision.maker == checker {
        return Err(ClearingError::SameOperator { operator: checker.to_owned() });
    }
    let Decision { terminal, record, act, .. } = decision;
    if decision.state != DecisionState::Proposed {
        return Err(ClearingError::RowDecided { terminal, record, number });
    }
    let row = open_row(tx, terminal, record)?;
    match step {
        DecisionMove::Reject => tx.decide_row((number, act), step.ends(), checker, None)?,
        DecisionMove::Approve => {
            possible(tx, &row, act)?;
            let window = tx.current_window()?;
            for posting in postings(tx, &row, act)? {
                tx.post_once(&posting, window)?;
            }
            succession::follow(tx, row.card_identifier)?;
            // What the card paid takes of its limits as a row, no longer as a sale that was asked about.
            match (row.kind, act) {
                (RowKind::Purchase, RowAct::Dismiss) => sale::dismissed(tx, &row)?,
                (RowKind::Purchase, RowAct::Post | RowAct::Return) => {
                    sale::decided(tx, &row)?;
                    sale::release_others(tx, &row)?;
                }
                // The sale that was asked about stays as it was told: the card did nothing with its number.
                (RowKind::Purchase, RowAct::TakeBack) if row.contradicted_at.is_none() => {
                    tx.contradict_row(row.terminal, row.journal_sequence, row.judgement.is_some())?;
                }
                (RowKind::Purchase, RowAct::TakeBack) | (RowKind::Load | RowKind::Refund, _) => {}
            }
            tx.decide_row((number, act), step.ends(), checker, Some(window))?;
        }
    }
    let done = found(tx, number)?;
    let detail = format!("decision {number}: {} {}", act.name(), done.state.name());
    Ok((done, told(checker, "row.decide", &row, detail)))
}

/// Whether the card paid for all that the record says, and the record's code is not the card's: the holder may get it back.
fn may_be_returned(row: &UploadRow) -> bool {
    may_be_posted(row) || (row.kind == RowKind::Purchase && row.code == Some(ErrorCode::TacWrong))
}

/// Whether a record that was refused so may be posted or returned: nothing in it contradicts the card, or the card told its code
/// afterwards.
#[must_use]
pub fn may_be_posted(row: &UploadRow) -> bool {
    let is_proved = row.proof.is_some() && row.code == Some(ErrorCode::TacWrong);
    row.kind == RowKind::Purchase
        && (is_proved
            || matches!(
                row.code,
                Some(
                    ErrorCode::TacMissing
                        | ErrorCode::RecordJudged
                        | ErrorCode::CardBlacklisted
                        | ErrorCode::LimitExceeded
                        | ErrorCode::AlgorithmUnsupported
                        | ErrorCode::SaleClosed
                        | ErrorCode::DuplicateCardSequence
                        | ErrorCode::DuplicateTerminalSequence
                        | ErrorCode::Mac2Wrong
                        | ErrorCode::NumberUnproved
                )
            ))
}

fn possible(tx: &Tx<'_>, row: &UploadRow, act: RowAct) -> Result<(), ClearingError> {
    let (terminal, record) = (row.terminal, row.journal_sequence);
    match act {
        // The card did pay: the purchase is posted or returned, at once or when the word under its number is taken back.
        RowAct::Dismiss if row.has_cards_code() && (word_stands(tx, row)? || is_free(tx, row, RowAct::Post)?) => {
            return Err(ClearingError::RowProved { terminal, record });
        }
        RowAct::Dismiss => return Ok(()),
        RowAct::TakeBack => return take_back::possible(tx, row),
        RowAct::Post | RowAct::Return => {}
    }
    if is_free(tx, row, act)? { Ok(()) } else { Err(ClearingError::RowUnpostable { terminal, record, code: row.code }) }
}

/// Whether a record may be posted, or returned: nothing contradicts it, and its numbers are its own.
fn is_free(tx: &Tx<'_>, row: &UploadRow, act: RowAct) -> Result<bool, ClearingError> {
    let may_be = match act {
        RowAct::Return => may_be_returned(row),
        RowAct::Post => may_be_posted(row) || neighbours::show(tx, row)?,
        RowAct::Dismiss | RowAct::TakeBack => false,
    };
    Ok(may_be
        && !row.is_contradicted()
        && tx.card_facts(row.card_identifier)?.is_some()
        && !is_taken(tx, row)?
        && !is_disproved(tx, row)?)
}

/// Whether people's word stands against the card's own: the row has no code of the card, and a record to which the card gave the same
/// number has, whatever was decided of that one. A number that nothing shows is no till's to say.
///
/// # Errors
/// [`ClearingError::Store`].
pub(super) fn is_disproved(tx: &Tx<'_>, row: &UploadRow) -> Result<bool, ClearingError> {
    if row.kind != RowKind::Purchase || row.has_cards_code() {
        return Ok(false);
    }
    let same = tx.purchases_of_number(row.card_identifier, row.card_sequence)?;
    Ok(same.iter().any(UploadRow::has_cards_number))
}

/// Whether a record without the card's code was posted or returned under the number of this one.
fn word_stands(tx: &Tx<'_>, row: &UploadRow) -> Result<bool, ClearingError> {
    if row.kind != RowKind::Purchase || !row.has_cards_number() {
        return Ok(false);
    }
    let same = tx.purchases_of_number(row.card_identifier, row.card_sequence)?;
    Ok(same.iter().any(|other| !other.has_cards_code() && other.is_decided_as_paid()))
}

/// Whether the row's numbers are another record's: the card gives each of them once, and that record was posted.
fn is_taken(tx: &Tx<'_>, row: &UploadRow) -> Result<bool, ClearingError> {
    let card = row.card_identifier;
    let by_terminal = match row.terminal_sequence {
        Some(sequence) => tx.terminal_sequence_used(row.terminal, sequence, card)?,
        None => true,
    };
    // What the card paid is posted under whatever number its till said; it takes that number from nobody.
    Ok(by_terminal || (!row.owns_no_number() && tx.card_sequence_owned(card, row.card_sequence)?))
}

/// What a decision posts.
fn postings(tx: &Tx<'_>, row: &UploadRow, act: RowAct) -> Result<Vec<Posting>, ClearingError> {
    let decided = row.decided.map(|decided| decided.act);
    match (act, decided) {
        (RowAct::TakeBack, Some(decided)) => take_back::postings(tx, row, posting(tx, row, decided)?),
        (RowAct::TakeBack, None) | (RowAct::Post | RowAct::Return | RowAct::Dismiss, _) => {
            Ok(posting(tx, row, act)?.into_iter().collect())
        }
    }
}

fn posting(tx: &Tx<'_>, row: &UploadRow, act: RowAct) -> Result<Option<Posting>, ClearingError> {
    let sequence = row.terminal_sequence.unwrap_or_default();
    let reference = tx.purchase_reference(row.terminal, sequence, row.card_identifier, row.journal_sequence)?;
    match act {
        RowAct::Dismiss | RowAct::TakeBack => Ok(None),
        RowAct::Post => Ok(ledger::purchase(
            reference,
            row.card_identifier,
            &row.institution,
            row.personal_account_fen,
            row.self_paid_fen,
            row.pooled_fund_fen,
        )?),
        RowAct::Return if row.personal_account_fen == Fen::ZERO => Ok(None),
        RowAct::Return => {
            let card = row.card_identifier;
            let holder = tx.card_facts(card)?.ok_or(ClearingError::CardUnknown { card })?.holder;
            let (from, to) = (Account::Card(card), Account::Pending(holder));
            Ok(Some(Posting::transfer(reference, PostingKind::Correction, from, to, row.personal_account_fen)?))
        }
    }
}

fn open_row(tx: &Tx<'_>, terminal: TerminalNumber, record: u64) -> Result<UploadRow, ClearingError> {
    tx.row_of_record(terminal, record)?
        .filter(|row| row.outcome != RowOutcome::Accepted)
        .ok_or(ClearingError::RowUnknown { terminal, record })
}

fn found(tx: &Tx<'_>, number: i64) -> Result<Decision, ClearingError> {
    tx.decision(number)?.ok_or(ClearingError::DecisionUnknown { number })
}

fn told(actor: &str, act: &'static str, row: &UploadRow, detail: String) -> Act {
    let object = format!("record {}/{}", row.terminal, row.journal_sequence);
    Act { actor: actor.to_owned(), act, object, detail }
}

impl Show for Decision {
    fn text(&self, lang: Lang) -> String {
        let Self { number, terminal, record, reason, maker, .. } = self;
        let (state, act) = (self.state.word(lang), self.act.word(lang));
        let checker = self.checker.as_deref().unwrap_or("–");
        let head = lang.pick(
            format!("处理单 {number}  {state}  {terminal}/{record}  {act}  经办 {maker}  复核 {checker}  {reason}"),
            format!(
                "decision {number}  {state}  {terminal}/{record}  {act}  by {maker}  checked by {checker}  {reason}"
            ),
        );
        if self.state == DecisionState::Proposed {
            let next = lang.pick("等待另一人复核", "waits for another person");
            format!("{head}\n  {next}: issuer row approve {number} --operator NAME")
        } else {
            head
        }
    }
}

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
    /// Its code is wrong, and the card's records beside it, one of another institution, show that the card did it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_shown: bool,
    /// Another record with the card's own code has the same number, or the card showed its terminal that it did not do this one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_contradicted: bool,
    /// It has the card's own code, and another record without one was posted or returned under its number: that one is taken back first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub waits_for_take_back: bool,
}

/// Records that were not posted.
#[derive(Clone, Debug, Serialize)]
pub struct ListedRows {
    /// In order of terminal and record.
    pub rows: Vec<ListedRow>,
}

/// Records that were not posted; `open`: only those that nobody has decided.
///
/// # Errors
/// [`ClearingError::Store`].
pub fn list(tx: &Tx<'_>, open: bool) -> Result<ListedRows, ClearingError> {
    let mut rows = Vec::new();
    for row in tx.rows_not_posted()? {
        // What was posted and is contradicted since waits for somebody.
        let is_disproved = row.is_contradicted() || is_disproved(tx, &row)?;
        let is_to_take_back = is_disproved && row.is_decided_as_paid();
        if open && row.decided.is_some() && !is_to_take_back {
            continue;
        }
        let proposal = tx.decision_of(row.terminal, row.journal_sequence)?;
        let is_rivalled = row.kind == RowKind::Purchase && row.decided.is_none() && is_taken(tx, &row)?;
        // What has the card's own code contradicts nobody; it waits until the word that was posted under its number is taken back.
        let is_contradicted = is_disproved || (is_rivalled && !row.has_cards_code());
        let waits_for_take_back = row.decided.is_none() && row.has_cards_code() && word_stands(tx, &row)?;
        let is_free = !is_contradicted && !is_rivalled;
        let is_shown = row.proof.is_none() && row.decided.is_none() && is_free && neighbours::show(tx, &row)?;
        let may_be_posted = (may_be_posted(&row) || is_shown) && is_free;
        let may_be_returned = may_be_returned(&row) && is_free && !may_be_posted;
        rows.push(ListedRow {
            row,
            proposal,
            may_be_posted,
            may_be_returned,
            is_shown,
            is_contradicted,
            waits_for_take_back,
        });
    }
    Ok(ListedRows { rows })
}

/// What a supervisor at the terminal said, on a line of its own, and what shows the opposite.
fn judged(said: &Judgement, row: &UploadRow, lang: Lang) -> String {
    let Judgement { done, by, reason } = said;
    let word = match done {
        true => lang.pick("卡已执行", "the card did it"),
        false => lang.pick("卡未执行", "the card did not do it"),
    };
    let shown = match (done, row.has_cards_code()) {
        (true, _) if row.is_contradicted() => lang.pick("；卡内所示相反", "; the card shows the opposite"),
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

impl Show for ListedRows {
    fn text(&self, lang: Lang) -> String {
        if self.rows.is_empty() {
            return lang.pick("没有未入账的记录", "no record waits").to_owned();
        }
        let line = |listed: &ListedRow| {
            let row = &listed.row;
            let place = format!("{}/{}", row.terminal, row.journal_sequence);
            let next = match &listed.proposal {
                Some(Decision { act, .. })
                    if *act != RowAct::TakeBack && listed.is_contradicted && row.is_decided_as_paid() =>
                {
                    format!("→ issuer row propose {place} --take-back --reason …")
                }
                Some(Decision { number, act, state, .. }) => {
                    format!("{} {number} {} {}", lang.pick("处理单", "decision"), act.word(lang), state.word(lang))
                }
                None if listed.waits_for_take_back => lang
                    .pick(
                        "→ 有卡的校验码；先冲回同号的另一条",
                        "→ has the card's own code; first the other one of its number is taken back",
                    )
                    .to_owned(),
                None if listed.is_shown => {
                    let shown = lang.pick("卡的前后记录表明已付款", "the card's records beside it show that it paid");
                    format!("→ {shown}: issuer row propose {place} --post|--return --reason …")
                }
                None if listed.may_be_posted && row.has_cards_code() => {
                    format!("→ issuer row propose {place} --post|--return --reason …")
                }
                None if listed.may_be_posted => {
                    format!("→ issuer row propose {place} --post|--return|--dismiss --reason …")
                }
                None if listed.may_be_returned => {
                    format!("→ issuer row propose {place} --return|--dismiss --reason …")
                }
                None => format!("→ issuer row propose {place} --dismiss --reason …"),
            };
            format!(
                "{place}  {}  {}  {}  {}  {}  {next}",
                row.business_date,
                row.kind.name(),
                row.card_identifier,
                row.personal_account_fen,
                [row.code.map_or("", ErrorCode::as_str), if listed.is_contradicted { "CONTRADICTED" } else { "" }]
                    .join(" ")
                    .trim_end()
            ) + &row.judgement.as_ref().map_or_else(String::new, |said| judged(said, row, lang))
        };
        self.rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
