//! Rows of uploaded batches and of every record in them.

use settlement::batch::ChainPosition;
use settlement::code::ErrorCode;
use settlement::date::{BusinessDate, DateTime};
use settlement::fen::Fen;
use settlement::id::{CardIdentifier, Digest, InstitutionCode, LoadId, StaffNumber, Tac, TerminalNumber};
use settlement::judgement::{Judgement, Reason};
use settlement::refund::Original;

use super::engine::{self, OptionalExtension, Row, params};
use super::{StoreError, Tx, cell};
use crate::clearing::decision::{Decided, RowAct, Undone};
use crate::clearing::upload::{RowKind, RowOutcome, Upload, UploadRow};
use crate::clock;

impl Tx<'_> {
    /// Writes a batch.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is there.
    pub fn add_upload(&self, upload: &Upload) -> Result<(), StoreError> {
        self.sql.execute(
            "INSERT INTO upload (terminal, batch, request_id, window_date, hash, first_record, last_record, received_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            (
                upload.terminal.to_string(),
                upload.batch,
                upload.request_id.to_string(),
                upload.window_date.to_string(),
                upload.hash.to_string(),
                cell::from_u64(upload.first_record)?,
                cell::from_u64(upload.last_record)?,
                clock::now(),
            ),
        )?;
        Ok(())
    }

    /// Hash of a batch that was received, and where the terminal's chain stood before it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn received_upload(
        &self,
        terminal: TerminalNumber,
        batch: u32,
    ) -> Result<Option<(Digest, ChainPosition)>, StoreError> {
        let mut statement = self.sql.prepare(
            "SELECT hash, first_record, (SELECT hash FROM upload WHERE terminal = $1 AND batch = $2 - 1) FROM upload
             WHERE terminal = $1 AND batch = $2",
        )?;
        let found = statement.query_row((terminal.to_string(), batch), |row| {
            let previous_hash = cell::parsed_option(row, 2, Digest::parse)?.unwrap_or(Digest::ZERO);
            let position = ChainPosition { next_batch: batch, next_record: cell::u64(row, 1)?, previous_hash };
            Ok((cell::parsed(row, 0, Digest::parse)?, position))
        });
        Ok(found.optional()?)
    }

    /// Batches of which a row counts in a window: terminal, sequence, hash.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn uploads_of(&self, window_date: BusinessDate) -> Result<Vec<(String, u32, String)>, StoreError> {
        let mut statement = self.sql.prepare(
            "SELECT DISTINCT upload.terminal, upload.batch, upload.hash FROM upload
             JOIN upload_row ON upload_row.terminal = upload.terminal AND upload_row.batch = upload.batch
             WHERE upload_row.window_date = $1 ORDER BY upload.terminal, upload.batch",
        )?;
        let rows = statement.query_map([window_date.to_string()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Writes what became of a record.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a sequence is used by a row that stands.
    pub fn add_upload_row(&self, row: &UploadRow) -> Result<(), StoreError> {
        self.sql
            .prepare(
                "INSERT INTO upload_row (terminal, record, batch, window_date, business_date, institution, kind, card,
                     card_sequence, terminal_sequence, load_id, date_time, personal_fen, self_paid_fen, pooled_fen,
                     balance_after_fen, tac, hash, outcome, code, received_at, original_terminal, original_sequence,
                     number_unproved)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
                     $22, $23, $24)",
            )?
            .execute(params![
                row.terminal.to_string(),
                cell::from_u64(row.journal_sequence)?,
                row.batch,
                row.window_date.to_string(),
                row.business_date.to_string(),
                row.institution.as_str(),
                row.kind.stored(),
                row.card_identifier.to_string(),
                row.card_sequence,
                row.terminal_sequence,
                row.load_id.map(|id| id.to_string()),
                row.date_time.to_string(),
                row.personal_account_fen.get(),
                row.self_paid_fen.get(),
                row.pooled_fund_fen.get(),
                row.balance_after_fen.get(),
                row.tac.map(|tac| tac.to_string()),
                row.hash.to_string(),
                row.outcome.name(),
                row.code.map(ErrorCode::as_str),
                clock::now(),
                row.original.map(|original| original.terminal.to_string()),
                row.original.map(|original| original.terminal_sequence),
                i64::from(row.number_unproved),
            ])?;
        if let Some(Judgement { done, by, reason }) = &row.judgement {
            self.sql.execute(
                "INSERT INTO row_judgement (judged_terminal, judged_record, said, said_by, said_why)
                 VALUES ($1, $2, $3, $4, $5)",
                (
                    row.terminal.to_string(),
                    cell::from_u64(row.journal_sequence)?,
                    if *done { "done" } else { "not-done" },
                    by.as_str(),
                    reason.as_str(),
                ),
            )?;
        }
        Ok(())
    }

    /// Notes that the card of a record showed its terminal the opposite.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`] when that was noted before.
    pub fn contradict_row(&self, terminal: TerminalNumber, record: u64, is_judged: bool) -> Result<(), StoreError> {
        let statement = match is_judged {
            true => {
                "UPDATE row_judgement SET contradicted_at = $1
                 WHERE judged_terminal = $2 AND judged_record = $3 AND contradicted_at IS NULL"
            }
            false => "INSERT INTO row_judgement (contradicted_at, judged_terminal, judged_record) VALUES ($1, $2, $3)",
        };
        let rows = self.sql.execute(statement, (clock::now(), terminal.to_string(), cell::from_u64(record)?))?;
        Self::moved(rows, || format!("record {terminal}/{record}"), "not contradicted")
    }

    /// Keeps the code that the card of a record told afterwards; `unproved`: with nothing that shows its number.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when one is kept.
    pub fn prove_row(&self, terminal: TerminalNumber, record: u64, tac: Tac, unproved: bool) -> Result<(), StoreError> {
        self.sql.execute(
            "INSERT INTO row_proof (proved_terminal, proved_record, proof, proved_at, proof_unproved, proved_behind)
             VALUES ($1, $2, $3, $4, $5,
                 (SELECT max(number) FROM row_decision WHERE row_terminal = $1 AND row_record = $2 AND state <> 'rejected'))",
            (terminal.to_string(), cell::from_u64(record)?, tac.to_string(), clock::now(), i64::from(unproved)),
        )?;
        Ok(())
    }

    /// Rows of one batch, in order of the record.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn rows_of_batch(&self, terminal: TerminalNumber, batch: u32) -> Result<Vec<UploadRow>, StoreError> {
        let mut statement = self.sql.prepare(&format!("{ROW} WHERE terminal = $1 AND batch = $2 ORDER BY record"))?;
        Ok(statement.query_map((terminal.to_string(), batch), upload_row)?.collect::<Result<_, _>>()?)
    }

    /// What became of one record of a terminal; `None` when it never arrived.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn row_of_record(&self, terminal: TerminalNumber, record: u64) -> Result<Option<UploadRow>, StoreError> {
        // A number beyond the database's range never arrived.
        let Ok(record) = cell::from_u64(record) else { return Ok(None) };
        let mut statement = self.sql.prepare(&format!("{ROW} WHERE terminal = $1 AND record = $2"))?;
        Ok(statement.query_row((terminal.to_string(), record), upload_row).optional()?)
    }

    /// Rows that were not accepted, in order of terminal and record.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn rows_not_posted(&self) -> Result<Vec<UploadRow>, StoreError> {
        let mut statement =
            self.sql.prepare(&format!("{ROW} WHERE outcome <> 'ACCEPTED' ORDER BY terminal, record"))?;
        Ok(statement.query_map((), upload_row)?.collect::<Result<_, _>>()?)
    }

    /// Rows that came into a window, or that people decided in it, in order of terminal and record.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn rows_of_window(&self, date: BusinessDate) -> Result<Vec<UploadRow>, StoreError> {
        let mut statement = self.sql.prepare(&format!(
            "{ROW} WHERE window_date = $1 OR (terminal, record) IN (SELECT row_terminal, row_record FROM row_decision
             WHERE posted_on = $1 UNION SELECT taken_terminal, taken_record FROM row_take_back WHERE taken_on = $1)
             ORDER BY terminal, record"
        ))?;
        Ok(statement.query_map([date.to_string()], upload_row)?.collect::<Result<_, _>>()?)
    }

    /// Rows of every window up to `through`, in order of terminal and record.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn rows_through(&self, through: BusinessDate) -> Result<Vec<UploadRow>, StoreError> {
        let mut statement = self.sql.prepare(&format!("{ROW} WHERE window_date <= $1 ORDER BY terminal, record"))?;
        Ok(statement.query_map([through.to_string()], upload_row)?.collect::<Result<_, _>>()?)
    }

    /// Whether a purchase of this card that stands has this terminal sequence.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn terminal_sequence_used(
        &self,
        terminal: TerminalNumber,
        sequence: u32,
        card: CardIdentifier,
    ) -> Result<bool, StoreError> {
        let mut statement = self.sql.prepare(&format!(
            "SELECT 1 FROM upload_row WHERE terminal = $1 AND terminal_sequence = $2 AND card = $3
             AND kind = 'purchase' AND {STANDS}"
        ))?;
        Ok(statement.exists((terminal.to_string(), sequence, card.to_string()))?)
    }

    /// Whether a record that stands has this card sequence.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn card_sequence_used(&self, card: CardIdentifier, sequence: u16, kind: RowKind) -> Result<bool, StoreError> {
        let mut statement = self.sql.prepare(&format!(
            "SELECT 1 FROM upload_row WHERE card = $1 AND card_sequence = $2 AND kind = $3 AND {STANDS}"
        ))?;
        Ok(statement.exists((card.to_string(), sequence, kind.stored()))?)
    }

    /// Whether a purchase that stands has this number of its card as its own: by the card's codes, or by people's word where there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn card_sequence_owned(&self, card: CardIdentifier, sequence: u16) -> Result<bool, StoreError> {
        let mut statement = self.sql.prepare(&format!(
            "SELECT 1 FROM upload_row WHERE card = $1 AND card_sequence = $2 AND kind = 'purchase' AND {STANDS}
             AND ({NUMBERED} OR NOT {CODED})"
        ))?;
        Ok(statement.exists((card.to_string(), sequence))?)
    }

    /// The purchases of a number of a card: the card gave it once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn purchases_of_number(&self, card: CardIdentifier, sequence: u16) -> Result<Vec<UploadRow>, StoreError> {
        let mut statement =
            self.sql.prepare(&format!("{ROW} WHERE card = $1 AND card_sequence = $2 AND kind = 'purchase'"))?;
        let found = statement.query_map((card.to_string(), sequence), upload_row)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// The purchases of every number under which a record was not posted, in order of terminal and record.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn purchases_beside_not_posted(&self) -> Result<Vec<UploadRow>, StoreError> {
        let mut statement = self.sql.prepare(&format!(
            "{ROW} WHERE kind = 'purchase' AND (card, card_sequence) IN (SELECT card, card_sequence FROM upload_row
             WHERE kind = 'purchase' AND outcome <> 'ACCEPTED') ORDER BY terminal, record"
        ))?;
        Ok(statement.query_map((), upload_row)?.collect::<Result<_, _>>()?)
    }

    /// Whether any purchase of a card came in with a lower number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn has_purchase_below(&self, card: CardIdentifier, sequence: u16) -> Result<bool, StoreError> {
        let mut statement = self
            .sql
            .prepare("SELECT 1 FROM upload_row WHERE card = $1 AND card_sequence < $2 AND kind = 'purchase'")?;
        Ok(statement.exists((card.to_string(), sequence))?)
    }

    /// Posted purchases of a terminal sequence, accepted or posted by a decision: one of each card, where a security module
    /// elsewhere numbers purchases as the card does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn accepted_purchases(&self, original: Original) -> Result<Vec<UploadRow>, StoreError> {
        let mut statement = self.sql.prepare(&format!(
            "{ROW} WHERE terminal = $1 AND terminal_sequence = $2 AND kind = 'purchase' AND (outcome = 'ACCEPTED' OR act = 'post')
             ORDER BY record"
        ))?;
        let found = statement.query_map((original.terminal.to_string(), original.terminal_sequence), upload_row)?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// Whether people decided of every record of this purchase of a card that the card did not pay, or that its holder got the money.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_void(&self, original: Original, card: CardIdentifier) -> Result<bool, StoreError> {
        let mut statement = self.sql.prepare(&format!(
            "{ROW} WHERE terminal = $1 AND terminal_sequence = $2 AND card = $3 AND kind = 'purchase' ORDER BY record"
        ))?;
        let of = (original.terminal.to_string(), original.terminal_sequence, card.to_string());
        let rows = statement.query_map(of, upload_row)?.collect::<Result<Vec<_>, _>>()?;
        Ok(!rows.is_empty() && rows.iter().all(|row| !row.is_open() && !row.is_posted()))
    }

    /// When the last record of a terminal that came in was made; `None` before the first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn last_record_time(&self, terminal: TerminalNumber) -> Result<Option<DateTime>, StoreError> {
        let mut statement =
            self.sql.prepare("SELECT date_time FROM upload_row WHERE terminal = $1 ORDER BY record DESC LIMIT 1")?;
        let found = statement.query_row([terminal.to_string()], |row| cell::parsed(row, 0, DateTime::parse));
        Ok(found.optional()?)
    }

    /// The highest number of a card's purchases that stand, shown by its own codes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn last_proved_number(&self, card: CardIdentifier) -> Result<Option<u16>, StoreError> {
        let mut statement = self.sql.prepare(&format!(
            "SELECT max(card_sequence) FROM upload_row WHERE card = $1 AND kind = 'purchase' AND {STANDS} AND {NUMBERED}"
        ))?;
        Ok(statement.query_row([card.to_string()], |row| row.get(0))?)
    }

    /// How often a card bought at a terminal on a business day, and what it spent, by rows that stand.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn spent_on(
        &self,
        terminal: TerminalNumber,
        card: CardIdentifier,
        business_date: BusinessDate,
    ) -> Result<(u32, Fen), StoreError> {
        let mut statement = self.sql.prepare(&format!(
            "SELECT count(*), coalesce(sum(personal_fen), 0) FROM upload_row WHERE terminal = $1 AND card = $2
             AND business_date = $3 AND kind = 'purchase' AND {STANDS}"
        ))?;
        Ok(statement.query_row((terminal.to_string(), card.to_string(), business_date.to_string()), |row| {
            Ok((row.get(0)?, Fen::new(row.get(1)?)))
        })?)
    }

    /// Of the rows of a card that stand, those that it has not done, in the eyes of one who is told by it that `number` is its next: without
    /// its own code, and with this number or a higher one, or with a number that the card gave to another record, or contradicted by the
    /// card at its own terminal. How many, and their sum; `at` a terminal on a business day, or anywhere.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn words_not_done(
        &self,
        card: CardIdentifier,
        number: u16,
        at: Option<(TerminalNumber, BusinessDate)>,
    ) -> Result<(u32, Fen), StoreError> {
        let mut statement = self.sql.prepare(&format!(
            "SELECT count(*), coalesce(sum(personal_fen), 0) FROM upload_row WHERE card = $1 AND kind = 'purchase' AND {STANDS}
             AND NOT {CODED} AND (card_sequence >= $2 OR card_sequence IN (SELECT card_sequence FROM upload_row WHERE card = $1
             AND kind = 'purchase' AND {NUMBERED}) OR {CONTRADICTED}) AND {AT}"
        ))?;
        let (terminal, date) = place(at);
        Ok(statement
            .query_row((card.to_string(), number, terminal, date), |row| Ok((row.get(0)?, Fen::new(row.get(1)?))))?)
    }

    /// Purchases of a card below a number that have its own code and wait for such a word to be taken back, one of each number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn waiting_for_words(
        &self,
        card: CardIdentifier,
        number: u16,
        at: Option<(TerminalNumber, BusinessDate)>,
    ) -> Result<(u32, Fen), StoreError> {
        let mut statement = self.sql.prepare(&format!(
            "SELECT count(*), coalesce(sum(most), 0) FROM (SELECT max(personal_fen) AS most FROM upload_row WHERE {} AND {AT}
             GROUP BY card_sequence) AS numbers",
            waiting("$1", "$2")
        ))?;
        let (terminal, date) = place(at);
        Ok(statement
            .query_row((card.to_string(), number, terminal, date), |row| Ok((row.get(0)?, Fen::new(row.get(1)?))))?)
    }
}

/// Rows with the card's own code and number, below a number, that do not stand since a word without it has theirs.
pub(super) fn waiting(card: &str, number: &str) -> String {
    format!(
        "card = {card} AND kind = 'purchase' AND card_sequence < {number} AND {NUMBERED} AND NOT {STANDS} AND card_sequence IN
         (SELECT card_sequence FROM upload_row WHERE card = {card} AND kind = 'purchase' AND {STANDS} AND NOT {CODED})"
    )
}

/// At one terminal on one business day, or anywhere.
const AT: &str = "($3 = '' OR (terminal = $3 AND business_date = $4))";

fn place(at: Option<(TerminalNumber, BusinessDate)>) -> (String, String) {
    at.map_or_else(Default::default, |(terminal, date)| (terminal.to_string(), date.to_string()))
}

/// A row whose numbers are in use: it was accepted, or people decided that its card paid. One that is held owns nothing: it is a word
/// without the card's code, and another record may come with it.
const STANDS: &str =
    "(outcome = 'ACCEPTED' OR EXISTS (SELECT 1 FROM row_decision WHERE row_terminal = upload_row.terminal
    AND row_record = upload_row.record AND state = 'approved' AND act <> 'dismiss' AND NOT EXISTS (SELECT 1 FROM row_take_back
    WHERE taken_terminal = row_terminal AND taken_record = row_record AND taken_again = again AND taken_state = 'approved')))";

/// As [`UploadRow::has_cards_code`].
pub(super) const CODED: &str = "((tac IS NOT NULL AND coalesce(code, '') NOT IN ('TAC_WRONG', 'ALGORITHM_UNSUPPORTED', 'CARD_UNKNOWN',
    'RECORD_CONTRADICTORY')) OR EXISTS (SELECT 1 FROM row_proof WHERE proved_terminal = terminal AND proved_record = record))";

/// Where nothing is decided of it: it was taken back for good, as [`UploadRow::is_over`].
pub(super) fn over() -> String {
    format!(
        "(NOT {CODED} AND EXISTS (SELECT 1 FROM row_take_back JOIN row_decision AS undone ON undone.row_terminal = taken_terminal
         AND undone.row_record = taken_record AND undone.again = taken_again AND undone.state = 'approved' AND undone.act <> 'dismiss'
         WHERE taken_terminal = terminal AND taken_record = record AND taken_state = 'approved'))"
    )
}

/// Of a row without the card's own code: as [`UploadRow::is_contradicted`].
const CONTRADICTED: &str =
    "EXISTS (SELECT 1 FROM row_judgement WHERE judged_terminal = terminal AND judged_record = record
    AND contradicted_at IS NOT NULL)";

/// As [`UploadRow::has_cards_number`].
const NUMBERED: &str = "((tac IS NOT NULL AND number_unproved = 0 AND coalesce(code, '') NOT IN ('TAC_WRONG', 'ALGORITHM_UNSUPPORTED',
    'CARD_UNKNOWN', 'RECORD_CONTRADICTORY'))
    OR EXISTS (SELECT 1 FROM row_proof WHERE proved_terminal = terminal AND proved_record = record AND proof_unproved = 0))";

pub(super) const ROW: &str =
    "SELECT terminal, record, batch, window_date, business_date, institution, kind, card, card_sequence,
    terminal_sequence, load_id, date_time, personal_fen, self_paid_fen, pooled_fen, balance_after_fen, tac, hash,
    outcome, code, original_terminal, original_sequence, number, act, posted_on, said, said_by, said_why, contradicted_at,
    (SELECT string_agg(earlier.number || ' ' || earlier.act || ' ' || earlier.posted_on || ' ' || taken_on, ',' ORDER BY earlier.number)
        FROM row_decision AS earlier JOIN row_take_back ON taken_terminal = earlier.row_terminal AND taken_record = earlier.row_record
            AND taken_again = earlier.again AND taken_state = 'approved'
        WHERE earlier.row_terminal = terminal AND earlier.row_record = record AND earlier.state = 'approved'),
    proof, proved_behind, number_unproved, coalesce(proof_unproved, 0)
    FROM upload_row
    LEFT JOIN row_decision ON row_terminal = terminal AND row_record = record AND state = 'approved'
        AND NOT EXISTS (SELECT 1 FROM row_take_back WHERE taken_terminal = terminal AND taken_record = record
            AND taken_again = again AND taken_state = 'approved')
    LEFT JOIN row_judgement ON judged_terminal = terminal AND judged_record = record
    LEFT JOIN row_proof ON proved_terminal = terminal AND proved_record = record";

pub(super) fn upload_row(row: &Row<'_>) -> engine::Result<UploadRow> {
    let code: Option<String> = row.get(19)?;
    let original = match cell::parsed_option(row, 20, TerminalNumber::parse)? {
        Some(terminal) => Some(Original { terminal, terminal_sequence: row.get(21)? }),
        None => None,
    };
    let kind = cell::one_of(row, 6, [RowKind::Purchase, RowKind::Load], RowKind::stored)?;
    let decided = decided(row)?;
    let proved_behind: Option<i64> = row.get(31)?;
    Ok(UploadRow {
        terminal: cell::parsed(row, 0, TerminalNumber::parse)?,
        journal_sequence: cell::u64(row, 1)?,
        batch: row.get(2)?,
        window_date: cell::parsed(row, 3, BusinessDate::parse)?,
        business_date: cell::parsed(row, 4, BusinessDate::parse)?,
        institution: cell::parsed(row, 5, InstitutionCode::parse)?,
        kind: if original.is_some() { RowKind::Refund } else { kind },
        original,
        card_identifier: cell::parsed(row, 7, CardIdentifier::parse)?,
        card_sequence: row.get(8)?,
        terminal_sequence: row.get(9)?,
        load_id: cell::parsed_option(row, 10, LoadId::parse)?,
        date_time: cell::parsed(row, 11, DateTime::parse)?,
        personal_account_fen: Fen::new(row.get(12)?),
        self_paid_fen: Fen::new(row.get(13)?),
        pooled_fund_fen: Fen::new(row.get(14)?),
        balance_after_fen: Fen::new(row.get(15)?),
        tac: cell::parsed_option(row, 16, Tac::parse)?,
        hash: cell::parsed(row, 17, Digest::parse)?,
        outcome: cell::one_of(row, 18, RowOutcome::ALL, RowOutcome::name)?,
        code: code.map(|code| ErrorCode::parse(&code)),
        decided,
        undone: undone(row)?,
        judgement: judgement(row)?,
        contradicted_at: row.get(28)?,
        proof: cell::parsed_option(row, 30, Tac::parse)?,
        is_proved_since: decided.is_some_and(|decided| proved_behind == Some(decided.number)),
        number_unproved: row.get::<i64>(32)? != 0,
        proof_unproved: row.get::<i64>(33)? != 0,
    })
}

/// What a person at the terminal said, when one did.
fn judgement(row: &Row<'_>) -> engine::Result<Option<Judgement>> {
    let said: Option<String> = row.get(25)?;
    let by = cell::parsed_option(row, 26, StaffNumber::parse)?;
    let reason = cell::parsed_option(row, 27, Reason::parse)?;
    Ok(said.zip(by).zip(reason).map(|((said, by), reason)| Judgement { done: said == "done", by, reason }))
}

/// What people decided, when they did.
fn decided(row: &Row<'_>) -> engine::Result<Option<Decided>> {
    let Some(number) = row.get(22)? else { return Ok(None) };
    Ok(Some(Decided {
        number,
        act: cell::one_of(row, 23, RowAct::ALL, RowAct::name)?,
        posted_on: cell::parsed(row, 24, BusinessDate::parse)?,
    }))
}

/// What they decided before and took back: number, act, window, window of the taking back, in one cell.
fn undone(row: &Row<'_>) -> engine::Result<Vec<Undone>> {
    let Some(text): Option<String> = row.get(29)? else { return Ok(Vec::new()) };
    let one = |words: &str| -> Option<Undone> {
        let mut words = words.split(' ');
        let number = words.next()?.parse().ok()?;
        let act = words.next()?;
        let act = RowAct::ALL.into_iter().find(|known| known.name() == act)?;
        let mut date = || BusinessDate::parse(words.next()?).ok();
        Some(Undone { decided: Decided { number, act, posted_on: date()? }, taken_back: date()? })
    };
    text.split(',').map(one).collect::<Option<_>>().ok_or(engine::EngineError::Column { column: 29, source: None })
}
