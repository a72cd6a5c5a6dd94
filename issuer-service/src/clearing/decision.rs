//! Records that the centre did not post (挂账处理): one person says what became of them, another decides.
//!
//! | act     | the card paid | the sale stands | posted |
//! |---------|---------------|-----------------|--------|
//! | post    | yes           | yes             | as any purchase: card and pool pay, the institution is owed; it can be refunded |
//! | return  | yes           | no              | card → the holder's pending money, who gets it at the next load; nobody is owed |
//! | dismiss | no            | no              | nothing; of a load or refund too, whose money `load propose` decides |
//! | take-back | no          | no              | the mirror of what was decided before its card showed something else (`take_back`) |
//!
//! What was taken back leaves a record that has the card's own code open: it is decided anew.
//!
//! The record stays as it was judged, and the day that it came in keeps its proof: the decision counts in the window that is open
//! when it is made.
//!
//! Source: clearing practice of two persons for what is entered by hand. Which codes may be posted is assumed: those whose record
//! does not contradict the card (no TAC, listed, above a limit, an algorithm that cannot be checked, a number that nobody has any
//! more, a sale that was closed, a time ahead of the centre's clock).
//! Owns: states, who decides, the posting. Never: changes a record, computes a TAC.
//! Units: fen.

use serde::{Serialize, Serializer};
use settlement::code::ErrorCode;
use settlement::date::BusinessDate;
use settlement::fen::Fen;
use settlement::id::TerminalNumber;

use super::ledger::{self, Account, Posting, PostingKind};
use super::number::Number;
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
    /// It was posted or returned, and its card showed since that it did not pay; or it was returned or dismissed, and its card told its code
    /// since.
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

    pub(super) const fn word(self, lang: Lang) -> &'static str {
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

/// What was decided about a record and taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// The decision.
    #[serde(flatten)]
    pub decided: Decided,
    /// Window in which it was taken back.
    pub taken_back: BusinessDate,
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
        && !may_follow(&row, &known, act)
    {
        return Err(ClearingError::RowDecided { terminal, record, number: known.number });
    }
    possible(tx, &row, act)?;
    let number = tx.add_decision((terminal, record, row.undone.len()), act, reason, maker)?;
    let detail = format!("decision {number}: {} {} yuan: {reason}", act.name(), row.personal_account_fen);
    Ok((found(tx, number)?, told(maker, "row.propose", &row, detail)))
}

/// Whether something may be asked of a record after what was decided last: what was decided is taken back, what was taken back and is open
/// is decided anew.
fn may_follow(row: &UploadRow, known: &Decision, act: RowAct) -> bool {
    known.state == DecisionState::Approved
        && match (known.act, act) {
            (RowAct::TakeBack, RowAct::TakeBack) => false,
            (RowAct::TakeBack, RowAct::Post | RowAct::Return | RowAct::Dismiss) => row.is_open(),
            (RowAct::Post | RowAct::Return | RowAct::Dismiss, act) => act == RowAct::TakeBack,
        }
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
                // The sale that was asked about stays as it was told: the card did nothing with its number. Nor is the record contradicted:
                // its terminal counts it until the card is there again.
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
pub(super) fn may_be_returned(row: &UploadRow) -> bool {
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
                        | ErrorCode::RecordAhead
                        | ErrorCode::PsamNotInUse
                        | ErrorCode::DuplicateCardSequence
                        | ErrorCode::DuplicateTerminalSequence
                        | ErrorCode::Mac2Wrong
                )
            ))
}

fn possible(tx: &Tx<'_>, row: &UploadRow, act: RowAct) -> Result<(), ClearingError> {
    let (terminal, record) = (row.terminal, row.journal_sequence);
    let number = Number::of(tx, row)?;
    match act {
        // The card did pay: the purchase is posted or returned, at once or when the word under its number is taken back.
        RowAct::Dismiss
            if (row.has_cards_code() || neighbours::show(tx, row)?)
                && (number.has_word_against(row) || is_free(tx, row, &number, RowAct::Post)?) =>
        {
            Err(ClearingError::RowProved { terminal, record })
        }
        RowAct::Dismiss => Ok(()),
        RowAct::TakeBack if take_back::is_wrong(tx, row, &number)? => Ok(()),
        RowAct::TakeBack => Err(ClearingError::RowNotTakenBack { terminal, record }),
        RowAct::Post | RowAct::Return if is_free(tx, row, &number, act)? => Ok(()),
        RowAct::Post | RowAct::Return => Err(ClearingError::RowUnpostable { terminal, record, code: row.code }),
    }
}

/// Whether a record may be posted, or returned: nothing contradicts it, and its numbers are its own.
fn is_free(tx: &Tx<'_>, row: &UploadRow, number: &Number, act: RowAct) -> Result<bool, ClearingError> {
    let may_be = match act {
        RowAct::Return => may_be_returned(row),
        RowAct::Post => may_be_posted(row) || neighbours::show(tx, row)?,
        RowAct::Dismiss | RowAct::TakeBack => false,
    };
    Ok(may_be
        && !row.is_contradicted()
        && tx.card_facts(row.card_identifier)?.is_some()
        && !is_taken(tx, row, number)?
        && !number.disproves(row))
}

/// Whether the row's numbers are another record's: the card gives each of them once, and that record was posted.
pub(super) fn is_taken(tx: &Tx<'_>, row: &UploadRow, number: &Number) -> Result<bool, ClearingError> {
    let by_terminal = match row.terminal_sequence {
        Some(sequence) => {
            let on_card = row.has_cards_number().then_some(row.card_sequence);
            tx.terminal_sequence_used((row.terminal, sequence), row.card_identifier, on_card)?
        }
        None => true,
    };
    // What the card paid is posted under whatever number its till said, and takes it from nobody; but where people's word stands there,
    // the card may have paid once: the word is taken back first.
    let by_card = if row.owns_no_number() { number.has_word_against(row) } else { number.is_owned() };
    Ok(by_terminal || by_card)
}

/// What a decision posts.
fn postings(tx: &Tx<'_>, row: &UploadRow, act: RowAct) -> Result<Vec<Posting>, ClearingError> {
    let decided = row.decided.map(|decided| decided.act);
    match (act, decided) {
        (RowAct::TakeBack, Some(decided)) => {
            take_back::postings(tx, row, posting(tx, row, decided, tx.purchase_reference(row)?)?)
        }
        (RowAct::TakeBack, None) | (RowAct::Post | RowAct::Return | RowAct::Dismiss, _) => {
            Ok(posting(tx, row, act, tx.new_purchase_reference(row)?)?.into_iter().collect())
        }
    }
}

fn posting(tx: &Tx<'_>, row: &UploadRow, act: RowAct, reference: String) -> Result<Option<Posting>, ClearingError> {
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
