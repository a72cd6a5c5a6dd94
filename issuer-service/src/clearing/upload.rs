//! Upload (上传): what a terminal has sold comes in, every record is judged, nothing is lost.
//!
//! A batch enters whole or not at all: signature, chain and sums first (`settlement::batch`). Then each record alone:
//!
//! | judgement | when                                                                                  | posted | kept |
//! |-----------|---------------------------------------------------------------------------------------|--------|------|
//! | ACCEPTED  | the TAC is the card's own, sequences are new, card and limits allow it                 | yes    | yes  |
//! | HELD      | no TAC: only the card's counter and log say so, or a person; a sale that was closed; a clock ahead (`latest`); sold behind the loss of its PSAM (`psam::custody`) | no | yes |
//! | REFUSED   | anything else, with its code                                                           | no     | yes  |
//!
//! A sale that the centre authorised before the card was debited is not judged by blacklist and limits again (`sale`).
//!
//! Duplicates are found by (terminal, terminal sequence, card) and (card, card sequence), never by content: two equal
//! purchases are two purchases. Two of the first kind whose codes show two numbers of the card are two as well (ADR 94). Only what was
//! posted has its numbers: a word without TAC takes none from the card's own proof.
//!
//! A TAC covers the money, not the card's number: MAC2 does (ADR 87). A purchase with a right TAC whose number nothing shows is posted where
//! no other record stands under that number, and keeps none from it.
//!
//! Owns: the judgement, the postings, the answer. Never: computes a TAC (`settlement::tac`), knows HTTP.

mod judge;

use card_core::security::SecurityModule;
use serde::Serialize;
use settlement::Accounts;
use settlement::batch::SignedBatch;
use settlement::code::ErrorCode;
use settlement::date::{BusinessDate, DateTime};
use settlement::fen::Fen;
use settlement::id::{CardIdentifier, Digest, InstitutionCode, LoadId, RequestId, Tac, TerminalNumber};
use settlement::judgement::{Judgement, ProofRequest};
use settlement::message::RefusedRecord;
use settlement::record::{Transaction, TransactionRecord};
use settlement::refund::Original;
use settlement::tac::{self, NumberVerdict, TacVerdict};

use super::decision::{Decided, RowAct, Undone};
use super::institution::Terminal;
use super::latest::Latest;
use super::ledger;
use super::load::{LoadState, keep_code, may_be_proved, prove, settle};
use super::refusal::ClearingError;
use super::{sale, succession};
use crate::audit::Act;
use crate::psam::custody;
use crate::store::Tx;
use judge::{Judged, is_signed_since, judge, judge_load};

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// 消费.
    Purchase,
    /// 划入.
    Load,
    /// 退费, 撤销: a load that names its original.
    Refund,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RowOutcome {
    /// Posted, or for a load: agrees with the load.
    Accepted,
    /// Not posted until people decide (`decision`).
    Refused,
    /// Not posted until people decide: there is no TAC.
    Held,
}

impl RowKind {
    /// Name in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Load => "load",
            Self::Refund => "refund",
        }
    }

    /// Name as stored: a refund is a load to the card's online number, and to the row that names no original otherwise.
    #[must_use]
    pub const fn stored(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Load | Self::Refund => "load",
        }
    }
}

impl RowOutcome {
    /// All outcomes.
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Refused, Self::Held];

    /// Name as stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::Refused => "REFUSED",
            Self::Held => "HELD",
        }
    }
}

/// A batch that was taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Sequence.
    pub batch: u32,
    /// Request that brought it; its body is kept as it was signed.
    pub request_id: RequestId,
    /// Window that it came into.
    pub window_date: BusinessDate,
    /// Hash.
    pub hash: Digest,
    /// First record.
    pub first_record: u64,
    /// Last record.
    pub last_record: u64,
}

/// A record and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UploadRow {
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Number at the terminal.
    pub journal_sequence: u64,
    /// Batch.
    pub batch: u32,
    /// Window that it counts in.
    pub window_date: BusinessDate,
    /// Day that the terminal counts it on.
    pub business_date: BusinessDate,
    /// Institution of the terminal.
    pub institution: InstitutionCode,
    /// Purchase or load.
    pub kind: RowKind,
    /// Card.
    pub card_identifier: CardIdentifier,
    /// Number at the card.
    pub card_sequence: u16,
    /// Number at the PSAM; of a purchase.
    pub terminal_sequence: Option<u32>,
    /// Of a load or refund.
    pub load_id: Option<LoadId>,
    /// Of a refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original: Option<Original>,
    /// Date and time in the MACs.
    pub date_time: DateTime,
    /// 个人账户; for a load the amount loaded.
    pub personal_account_fen: Fen,
    /// 个人自付.
    pub self_paid_fen: Fen,
    /// 统筹基金.
    pub pooled_fund_fen: Fen,
    /// Balance that the card showed.
    pub balance_after_fen: Fen,
    /// TAC.
    pub tac: Option<Tac>,
    /// Hash of the record.
    pub hash: Digest,
    /// What became of it.
    pub outcome: RowOutcome,
    /// Why not accepted.
    pub code: Option<ErrorCode>,
    /// What people decided of a row that was not accepted, and did not take back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<Decided>,
    /// What they decided before and took back, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub undone: Vec<Undone>,
    /// What a supervisor at the terminal said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judgement: Option<Judgement>,
    /// When its terminal told that the card shows the opposite; UTC instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contradicted_at: Option<String>,
    /// What code its card told of it afterwards, checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Tac>,
    /// Whether that came after what is decided was asked for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_proved_since: bool,
    /// Of a purchase with a code: it came with nothing that shows the card's number, or with a MAC2 that does not fit.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub number_unproved: bool,
    /// The code that its card told afterwards came with nothing that shows the card's number.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub proof_unproved: bool,
}

impl UploadRow {
    /// `terminal/record`, as everything names it.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}/{}", self.terminal, self.journal_sequence)
    }

    /// As what the row counts in a window; `None` when it does not count there. A day that has its proof keeps it: what is
    /// decided later counts later.
    #[must_use]
    pub fn outcome_in(&self, date: BusinessDate) -> Option<RowOutcome> {
        match self.times_posted_in(date) {
            0 => (self.window_date == date).then_some(self.outcome),
            _ => Some(RowOutcome::Accepted),
        }
    }

    /// All that people decided of it and when it was taken back, in order.
    pub fn decisions(&self) -> impl Iterator<Item = (Decided, Option<BusinessDate>)> {
        let undone = self.undone.iter().map(|undone| (undone.decided, Some(undone.taken_back)));
        undone.chain(self.decided.map(|decided| (decided, None)))
    }

    /// How often it was posted in a window: accepted, or by decisions.
    #[must_use]
    pub fn times_posted_in(&self, date: BusinessDate) -> usize {
        let accepted = self.outcome == RowOutcome::Accepted && self.window_date == date;
        let posted = self.decisions().filter(|(decided, _)| decided.act == RowAct::Post && decided.posted_on == date);
        usize::from(accepted) + posted.count()
    }

    /// How often a decision that posted it was taken back in a window.
    #[must_use]
    pub fn times_taken_back_in(&self, date: BusinessDate) -> usize {
        let taken = |(decided, on): &(Decided, Option<BusinessDate>)| decided.act == RowAct::Post && *on == Some(date);
        self.decisions().filter(taken).count()
    }

    /// What had been decided of it and was taken back in a window.
    pub fn taken_back_in(&self, date: BusinessDate) -> impl Iterator<Item = RowAct> {
        self.decisions().filter(move |(_, on)| *on == Some(date)).map(|(decided, _)| decided.act)
    }

    /// What was decided and not taken back at the end of a window.
    #[must_use]
    pub fn decided_through(&self, through: BusinessDate) -> Option<Decided> {
        let stood = |(decided, on): &(Decided, Option<BusinessDate>)| {
            decided.posted_on <= through && on.is_none_or(|on| on > through)
        };
        self.decisions().filter(stood).last().map(|(decided, _)| decided)
    }

    /// Whether somebody has to decide it: it was not accepted, and nothing is decided; what was taken back is over, unless its card has told
    /// its code.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.outcome != RowOutcome::Accepted && self.decided.is_none() && !self.is_over()
    }

    /// Whether it was taken back for good: its card was said to have paid, nothing has come of it since, and the card has told no code.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.undone.last().is_some_and(|undone| undone.decided.act != RowAct::Dismiss)
            && self.decided.is_none()
            && !self.has_cards_code()
    }

    /// Whether the record has the card's own code: the TAC fits (it is looked at before all else but what makes it worthless), or the card
    /// told its code afterwards.
    #[must_use]
    pub fn has_cards_code(&self) -> bool {
        self.proof.is_some() || self.came_with_code()
    }

    /// Whether the card's own codes show the number, too: nobody else's record has it.
    #[must_use]
    pub fn has_cards_number(&self) -> bool {
        (self.proof.is_some() && !self.proof_unproved) || (self.came_with_code() && !self.number_unproved)
    }

    /// Whether the card did it, and its number is its till's word alone: it keeps no other record from that number.
    #[must_use]
    pub fn owns_no_number(&self) -> bool {
        self.has_cards_code() && !self.has_cards_number()
    }

    fn came_with_code(&self) -> bool {
        let is_worthless = matches!(
            self.code,
            Some(
                ErrorCode::TacWrong
                    | ErrorCode::AlgorithmUnsupported
                    | ErrorCode::CardUnknown
                    | ErrorCode::RecordContradictory
            )
        );
        self.tac.is_some() && !is_worthless
    }

    /// Whether its card showed its terminal that it did not do this; nobody's word weighs more than the card's own code.
    #[must_use]
    pub fn is_contradicted(&self) -> bool {
        self.contradicted_at.is_some() && !self.has_cards_code()
    }

    /// Whether the purchase stands: accepted, or posted by a decision that was not taken back.
    #[must_use]
    pub fn is_posted(&self) -> bool {
        self.outcome == RowOutcome::Accepted || self.decided.is_some_and(|decided| decided.act == RowAct::Post)
    }

    /// Whether two people decided that the card paid, and nobody took that back.
    #[must_use]
    pub fn is_decided_as_paid(&self) -> bool {
        self.decided.is_some_and(|decided| matches!(decided.act, RowAct::Post | RowAct::Return))
    }
}

/// The answer to an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whether the batch was known.
    pub known: bool,
    /// Rows accepted.
    pub accepted: u32,
    /// Rows refused or held, with their codes.
    pub refused: Vec<RefusedRecord>,
    /// Sequence of the next batch.
    pub next_batch: u32,
}

/// Takes a batch in.
///
/// # Errors
/// [`ClearingError`] when the batch does not verify as a whole; nothing was kept then.
pub fn take(
    tx: &Tx<'_>,
    module: &mut dyn SecurityModule,
    accounts: &Accounts,
    terminal: &Terminal,
    (request_id, batch): (RequestId, SignedBatch),
    latest: &Latest,
) -> Result<(Taken, Act), ClearingError> {
    let (number, sequence) = (terminal.number, batch.sequence);
    if let Some((hash, before)) = tx.received_upload(number, sequence)? {
        // What came before is the same only if it still verifies; a copied hash over other records does not.
        let again = batch.verify(&terminal.public_key, number, &before)?.into_batch();
        if again.hash != hash {
            return Err(ClearingError::Refused(ErrorCode::BatchGap));
        }
        let taken = answer(&tx.rows_of_batch(number, sequence)?, true, terminal.chain.next_batch)?;
        return Ok((taken, act(number, sequence, "known", 0, 0)));
    }
    let verified = batch.verify(&terminal.public_key, number, &terminal.chain)?;
    let next = verified.next_position();
    let batch = verified.into_batch();
    let window_date = tx.current_window()?;
    tx.add_upload(&Upload {
        terminal: number,
        batch: sequence,
        request_id,
        window_date,
        hash: batch.hash,
        first_record: batch.first_record,
        last_record: batch.last_record,
    })?;
    let not_in_use_since = custody::not_in_use_since(tx, number, &terminal.institution)?;
    let mut rows = Vec::with_capacity(batch.records.len());
    for record in &batch.records {
        let (refused, number) = judge(tx, module, accounts, terminal, record)?;
        let refused = match refused {
            None if is_signed_since(tx, record, not_in_use_since)? => Some(ErrorCode::PsamNotInUse),
            refused => refused.or_else(|| latest.code(record)),
        };
        let judged = (refused, number);
        let row = row(terminal, sequence, tx.window_for(record.business_date)?, record, judged);
        tx.add_upload_row(&row)?;
        if row.outcome != RowOutcome::Refused
            && let Some(asked) = sale::of_record(tx, record)?
        {
            sale::recorded(tx, &asked, &row)?;
        }
        if row.outcome == RowOutcome::Accepted {
            if row.kind == RowKind::Purchase {
                sale::release_others(tx, &row)?;
            }
            post(tx, &row, record)?;
        }
        rows.push(row);
    }
    tx.advance_chain(number, &terminal.chain, &next)?;
    let taken = answer(&rows, false, next.next_batch)?;
    let act = act(number, sequence, "taken", rows.len(), taken.refused.len());
    Ok((taken, act))
}

/// Takes the code that a card told of a record afterwards. A purchase is then posted by two people; a load or refund that is open, or
/// that people alone called credited, is proved by it. `true`: it was known, or the record stands without it.
///
/// # Errors
/// RECORD_UNKNOWN; TAC_WRONG where this code does not fit either, MAC2_WRONG where the card gave another number.
pub fn take_proof(
    tx: &Tx<'_>,
    module: &mut dyn SecurityModule,
    accounts: &Accounts,
    request: ProofRequest,
) -> Result<(bool, Act), ClearingError> {
    let code = request.code();
    let ProofRequest { terminal, record, tac, .. } = request;
    let number = record.journal_sequence;
    let row = tx
        .row_of_record(terminal, number)?
        .filter(|row| row.hash == record.hash())
        .ok_or(ClearingError::Refused(ErrorCode::RecordUnknown))?;
    let told = |detail: &str| Act {
        actor: format!("terminal:{terminal}"),
        act: "record.prove",
        object: format!("record {terminal}/{number}"),
        detail: detail.to_owned(),
    };
    let load = row.load_id.map(|id| tx.load(id)).transpose()?.flatten();
    let is_accepted = row.outcome == RowOutcome::Accepted;
    // A record without a code may have been accepted by what people said of its load: that is no proof.
    let lacks_its_code = row.tac.is_none() && load.as_ref().is_some_and(|load| load.tac.is_none());
    if row.proof.is_some() || (is_accepted && !lacks_its_code) {
        return Ok((true, told("told again, or accepted before")));
    }
    let proved = TransactionRecord { evidence: code.proved(), ..record };
    let card = tx.card_facts(proved.card_identifier)?.filter(|card| card.factor == proved.card_factor);
    let verdict = accounts.of(proved.algorithm).and_then(|rules| tac::check(module, rules, &proved));
    if card.is_none() || !matches!(verdict, Ok(TacVerdict::Right)) {
        return Err(ClearingError::Refused(ErrorCode::TacWrong));
    }
    let shown = tac::check_number(module, accounts.of(proved.algorithm)?, &proved)?;
    if shown == NumberVerdict::Wrong {
        return Err(ClearingError::Refused(ErrorCode::Mac2Wrong));
    }
    tx.prove_row(terminal, number, tac, shown == NumberVerdict::Unproved)?;
    if let Some(load) = load {
        let counts = match is_accepted {
            true => load.state != LoadState::NotCredited || may_be_proved(tx, &load)?,
            false => judge_load(tx, &proved, &load)?.is_none(),
        };
        if counts {
            post(tx, &UploadRow { tac: Some(tac), ..row }, &proved)?;
        }
    }
    Ok((false, told("the card told its code")))
}

/// Posts an accepted row: a purchase to the ledger, a load or refund to its open load.
fn post(tx: &Tx<'_>, row: &UploadRow, record: &TransactionRecord) -> Result<(), ClearingError> {
    match &record.transaction {
        Transaction::Purchase { .. } => {
            let posting = ledger::purchase(
                tx.new_purchase_reference(row)?,
                row.card_identifier,
                &row.institution,
                row.personal_account_fen,
                row.self_paid_fen,
                row.pooled_fund_fen,
            )?;
            if let Some(posting) = posting {
                tx.post_once(&posting, row.window_date)?;
                succession::follow(tx, row.card_identifier)?;
            }
        }
        Transaction::Load { load_id, .. } | Transaction::Refund { load_id, .. } => {
            let load = tx.load(*load_id)?.ok_or(ClearingError::LoadUnknown { load: *load_id })?;
            match (load.state, row.tac) {
                (LoadState::Prepared, tac) => {
                    settle(tx, &load, LoadState::Credited, tac, "TAC of the uploaded record")?;
                }
                (LoadState::NotCredited, Some(tac)) => prove(tx, &load, tac)?,
                // People had called it credited; now the card's own code does.
                (LoadState::Credited, Some(tac)) if load.tac.is_none() => keep_code(tx, &load, tac)?,
                (LoadState::NotCredited, None) | (LoadState::Credited, _) => {}
            }
        }
    }
    Ok(())
}

fn row(
    terminal: &Terminal,
    batch: u32,
    window_date: BusinessDate,
    record: &TransactionRecord,
    (code, number): Judged,
) -> UploadRow {
    let (kind, terminal_sequence, load_id, amounts) = match &record.transaction {
        Transaction::Purchase { terminal_sequence, personal_account_fen, self_paid_fen, pooled_fund_fen, .. } => (
            RowKind::Purchase,
            Some(*terminal_sequence),
            None,
            (*personal_account_fen, *self_paid_fen, *pooled_fund_fen),
        ),
        Transaction::Load { load_id, amount_fen } => {
            (RowKind::Load, None, Some(*load_id), (*amount_fen, Fen::ZERO, Fen::ZERO))
        }
        Transaction::Refund { load_id, personal_account_fen, self_paid_fen, pooled_fund_fen, .. } => {
            (RowKind::Refund, None, Some(*load_id), (*personal_account_fen, *self_paid_fen, *pooled_fund_fen))
        }
    };
    let original = match &record.transaction {
        Transaction::Refund { original, .. } => Some(*original),
        Transaction::Purchase { .. } | Transaction::Load { .. } => None,
    };
    UploadRow {
        terminal: terminal.number,
        journal_sequence: record.journal_sequence,
        batch,
        window_date,
        business_date: record.business_date,
        institution: terminal.institution.clone(),
        kind,
        card_identifier: record.card_identifier,
        card_sequence: record.card_sequence,
        terminal_sequence,
        load_id,
        original,
        date_time: record.date_time,
        personal_account_fen: amounts.0,
        self_paid_fen: amounts.1,
        pooled_fund_fen: amounts.2,
        balance_after_fen: record.balance_after_fen,
        tac: record.evidence.tac(),
        hash: record.hash(),
        outcome: match code {
            None => RowOutcome::Accepted,
            Some(
                ErrorCode::TacMissing
                | ErrorCode::RecordJudged
                | ErrorCode::SaleClosed
                | ErrorCode::RecordAhead
                | ErrorCode::PsamNotInUse,
            ) => RowOutcome::Held,
            Some(_) => RowOutcome::Refused,
        },
        code,
        decided: None,
        undone: Vec::new(),
        judgement: record.judgement.clone(),
        contradicted_at: None,
        proof: None,
        is_proved_since: false,
        number_unproved: kind == RowKind::Purchase
            && record.evidence.tac().is_some()
            && number != NumberVerdict::Proved,
        proof_unproved: false,
    }
}

fn answer(rows: &[UploadRow], known: bool, next_batch: u32) -> Result<Taken, ClearingError> {
    let accepted = rows.iter().filter(|row| row.outcome == RowOutcome::Accepted).count();
    let refused = rows
        .iter()
        .filter_map(|row| row.code.map(|code| RefusedRecord { journal_sequence: row.journal_sequence, code }));
    let accepted = u32::try_from(accepted).map_err(|_| ClearingError::Refused(ErrorCode::MessageTooLarge))?;
    Ok(Taken { known, accepted, refused: refused.collect(), next_batch })
}

fn act(terminal: TerminalNumber, batch: u32, what: &str, rows: usize, refused: usize) -> Act {
    Act {
        actor: format!("terminal:{terminal}"),
        act: "batch.upload",
        object: format!("batch {terminal}/{batch}"),
        detail: format!("{what}, rows {rows}, not posted {refused}"),
    }
}
