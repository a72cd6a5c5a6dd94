//! Journal entries: every move is one guarded update that appends its event: one statement, one durable transaction.
//!
//! Owns: rows of `entry`, each with its events. Never: allows a move that `settlement::journal` does not have.

use std::collections::BTreeSet;

use card_profiles::account::Amounts;
use rusqlite::{Connection, Row, ToSql, Transaction, TransactionBehavior, params, params_from_iter};
use settlement::id::{
    BillId, CardFactor, CardIdentifier, CardRandom, Digest, LoadId, Mac, SaleId, StaffNumber, Tac, TerminalNumber,
};
use settlement::journal::{self, Event, State};
use settlement::judgement::{Judgement, Reason};
use settlement::record::{CardsCode, Evidence, NumberProof};
use settlement::refund::{Original, RefundAct};
use settlement::{BusinessDate, DateTime};

use super::elsewhere::{self, GIVEN};
use super::{Store, StoreError, failure};
use crate::clock::Now;
use crate::journal::{Done, Draft, Entry, EntryNumber, Journal, RefundNumber, Sent, Shown, Subject};
use crate::settle::NOT_DONE;

/// A new entry in PREPARED, with its first event. One statement, so one durable transaction.
const PREPARE: &str = "
INSERT INTO entry (number, state, kind, terminal, card_identifier, card_factor, business_date, personal_account, self_paid,
    pooled_fund, bill_id, bill_hash, load_id, paper, history, refund, refund_act, original_sequence,
    sale_id, original_terminal, original_card_sequence)
VALUES ((SELECT coalesce(max(number), 0) + 1 FROM entry), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,
    json_array(?14, 'Prepared', NULL, ?1, 'Terminal', NULL), ?15, ?16, ?17, ?18, ?19, ?20)";

/// Columns of an entry, in the order in which they are read.
const COLUMNS: [&str; 37] = [
    "number",
    "state",
    "terminal",
    "card_identifier",
    "card_factor",
    "business_date",
    "personal_account",
    "self_paid",
    "pooled_fund",
    "bill_id",
    "bill_hash",
    "load_id",
    "paper",
    "balance_before",
    "card_sequence",
    "terminal_sequence",
    "date_time",
    "random",
    "key_version",
    "algorithm",
    "mac",
    "balance_after",
    "evidence",
    "tac",
    "mac2",
    "record",
    "reason",
    "refund",
    "refund_act",
    "original_sequence",
    "original_terminal",
    "sale_id",
    "judged",
    "judged_by",
    "judged_why",
    "shown",
    "original_card_sequence",
];

/// The same as SQL: a name that is looked up in SQLite costs more than the value.
macro_rules! columns {
    () => {
        "number, state, terminal, card_identifier, card_factor, business_date, personal_account, self_paid, pooled_fund, \
         bill_id, bill_hash, load_id, paper, balance_before, card_sequence, terminal_sequence, date_time, random, \
         key_version, algorithm, mac, balance_after, evidence, tac, mac2, record, reason, refund, refund_act, \
         original_sequence, original_terminal, sale_id, judged, judged_by, judged_why, shown, original_card_sequence"
    };
}

/// What every move of an entry has in common: state and event in one statement, which is one durable transaction. The
/// state from which it starts is in its condition.
macro_rules! moved {
    ($columns:literal) => {
        concat!(
            "UPDATE entry SET state = ?3, history = history || ',' || json_array(?4, ?5, ?2, ?3, ?6, ?7), ",
            $columns,
            " WHERE number = ?1 AND state = ?2"
        )
    };
}

/// To SENT: what the card answered and what it is about to be sent.
const SEND: &str = moved!(
    "balance_before = ?8, card_sequence = ?9, terminal_sequence = ?10, date_time = ?11, random = ?12, key_version = ?13,
     algorithm = ?14, mac = ?15"
);

/// To CONFIRMED: how it ended, and the number of its record. A record that was made stays as it is.
const CONFIRM: &str = moved!(
    "balance_after = coalesce(balance_after, ?8), tac = CASE WHEN evidence IS NULL THEN ?10 ELSE tac END,
     mac2 = CASE WHEN evidence IS NULL THEN ?11 ELSE mac2 END, evidence = coalesce(evidence, ?9),
     record = coalesce(record, (SELECT coalesce(max(record), 0) + 1 FROM entry WHERE record IS NOT NULL))"
);

/// To CONFIRMED by a person, with what was said. A record that was made stays as it is, and whose word it tells; the card is asked at
/// its next tap, also where it said something before.
const JUDGE_DONE: &str = moved!(
    "balance_after = coalesce(balance_after, ?8), evidence = coalesce(evidence, 'judged'),
     judged = CASE WHEN record IS NULL THEN 'done' ELSE judged END,
     judged_by = CASE WHEN record IS NULL THEN ?9 ELSE judged_by END,
     judged_why = CASE WHEN record IS NULL THEN ?10 ELSE judged_why END,
     shown = NULL,
     record = coalesce(record, (SELECT coalesce(max(record), 0) + 1 FROM entry WHERE record IS NOT NULL))"
);

/// To REVERSED by a person, with what was said.
const JUDGE_NOT_DONE: &str = moved!(
    "reason = ?8, judged = CASE WHEN record IS NULL THEN 'not-done' ELSE judged END,
     judged_by = CASE WHEN record IS NULL THEN ?9 ELSE judged_by END,
     judged_why = CASE WHEN record IS NULL THEN ?10 ELSE judged_why END,
     shown = CASE WHEN record IS NULL THEN NULL ELSE shown END"
);

/// To CONTRADICTED: of what a person judged alone, and once.
const CONTRADICT: &str =
    concat!(moved!("reason = ?8, shown = 'CONTRADICTS'"), " AND judged IS NOT NULL AND shown IS NULL");

/// What a person judged and nobody asked the card about since. A try of a refund that another try has taken the place of tells
/// nothing any more.
const AWAITS_ITS_CARD: &str = "judged IS NOT NULL AND shown IS NULL AND NOT EXISTS (SELECT 1 FROM entry AS try
    WHERE try.refund = entry.refund AND try.number <> entry.number AND try.state IN ('SENT', 'UNCERTAIN', 'CONFIRMED'))";

/// To any other state.
const CLOSE: &str = moved!("reason = ?8");

impl Journal for Store {
    fn prepare(&mut self, draft: &Draft) -> Result<Entry, StoreError> {
        let number = self.insert(draft).map_err(|source| self.failure(source))?;
        let number = EntryNumber(number.unsigned_abs());
        let draft = draft.clone();
        Ok(Entry {
            number,
            state: State::Prepared,
            draft,
            sent: None,
            done: None,
            record: None,
            reason: None,
            judged: None,
            shown: None,
            elsewhere: Vec::new(),
        })
    }

    fn send(&mut self, number: EntryNumber, sent: &Sent) -> Result<(), StoreError> {
        let values = params![
            sent.balance_before,
            sent.card_sequence,
            sent.terminal_sequence,
            sent.date_time.to_string(),
            sent.random.to_string(),
            sent.key_version,
            sent.algorithm,
            sent.mac.to_string(),
        ];
        self.advance(number, Event::Sending, None, SEND, values)
    }

    fn confirm(&mut self, number: EntryNumber, event: Event, done: &Done) -> Result<Entry, StoreError> {
        let (evidence, tac, mac2) = written(done.evidence);
        let values = params![done.balance_after, evidence, tac, mac2];
        let transaction = self.begin()?;
        self.advance(number, event, None, CONFIRM, values)?;
        if event == Event::ShownDone {
            self.owe_a_word(number)?;
        } else {
            self.owe_its_caller(number)?;
        }
        transaction.commit().map_err(|source| self.failure(source))?;
        self.entry(number)
    }

    fn close(&mut self, number: EntryNumber, event: Event, reason: &str) -> Result<Entry, StoreError> {
        let statement = if event == Event::Contradicts { CONTRADICT } else { CLOSE };
        self.advance(number, event, Some(reason), statement, params![reason])?;
        self.entry(number)
    }

    fn contradict(&mut self, number: EntryNumber, against: &str, done: Option<&Done>) -> Result<Entry, StoreError> {
        let transaction = self.begin()?;
        self.advance(number, Event::Contradicts, Some(against), CONTRADICT, params![against])?;
        match done {
            Some(done) => {
                let (evidence, tac, mac2) = written(done.evidence);
                let values = params![done.balance_after, evidence, tac, mac2];
                self.advance(number, Event::ShownDone, None, CONFIRM, values)?;
            }
            None => self.advance(number, Event::ShownNotDone, Some(NOT_DONE), CLOSE, params![NOT_DONE])?,
        }
        self.owe_a_word(number)?;
        transaction.commit().map_err(|source| self.failure(source))?;
        self.entry(number)
    }

    fn note_shown(&mut self, number: EntryNumber, shown: Shown) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        let noted = self
            .connection
            .prepare_cached("UPDATE entry SET shown = ?2 WHERE number = ?1 AND judged IS NOT NULL AND shown IS NULL")
            .and_then(|mut statement| statement.execute(params![key(number), shown.as_str()]))
            .map_err(|source| self.failure(source))?;
        if noted != 1 {
            return Err(StoreError::Moved { id: number.to_string(), expected: "judged, and not looked at since" });
        }
        self.owe_its_caller(number)?;
        transaction.commit().map_err(|source| self.failure(source))
    }

    fn doubted_of(&mut self, card: &CardIdentifier) -> Result<Vec<Entry>, StoreError> {
        self.without_their_code(card)
    }

    fn note_proof(&mut self, number: EntryNumber, code: CardsCode) -> Result<(), StoreError> {
        self.keep_code(number, code)
    }

    fn open_of(&mut self, card: &CardIdentifier) -> Result<Vec<Entry>, StoreError> {
        self.open_where("card_identifier = ?1", &card.to_string())
    }
}

impl Store {
    /// Every entry of a card, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn entries_of(&self, card: &CardIdentifier) -> Result<Vec<Entry>, StoreError> {
        self.entries_where("card_identifier = ?1", &card.to_string())
    }

    /// One entry.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is not there or cannot be read.
    pub fn entry(&self, number: EntryNumber) -> Result<Entry, StoreError> {
        self.find_entry(number)?.ok_or_else(|| self.corrupt("an entry that was just written is not there"))
    }

    /// One entry, if it is there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn find_entry(&self, number: EntryNumber) -> Result<Option<Entry>, StoreError> {
        Ok(self.entries_where("number = ?1", &key(number).to_string())?.pop())
    }

    /// Whether something is open for a card with this factor, or nobody at the counter was told how it ended: asked before the card is
    /// recognised.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn has_open_with(&self, factor: CardFactor) -> Result<bool, StoreError> {
        let is_ours = |entry: &Entry| entry.draft.card_factor == factor && !entry.is_owed_to_a_caller();
        let is_untold = self.untold()?.iter().any(is_ours);
        Ok(is_untold || !self.open_where("card_factor = ?1", &factor.to_string())?.is_empty())
    }

    /// What blocks its card, and what its card was not asked about since a person judged it.
    fn open_where(&self, condition: &'static str, value: &str) -> Result<Vec<Entry>, StoreError> {
        let all = self.entries_where(condition, value)?;
        let judged = all.iter().any(Entry::awaits_its_card);
        let waiting = if judged { self.awaiting_their_cards()? } else { BTreeSet::new() };
        Ok(all.into_iter().filter(|entry| entry.state.blocks_card() || waiting.contains(&entry.number)).collect())
    }

    fn awaiting_their_cards(&self) -> Result<BTreeSet<EntryNumber>, StoreError> {
        let fail = |source| self.failure(source);
        let mut statement =
            self.connection.prepare(&format!("SELECT number FROM entry WHERE {AWAITS_ITS_CARD}")).map_err(fail)?;
        let numbers = statement.query_map([], |row| row.get::<_, i64>(0)).map_err(fail)?;
        numbers.map(|number| number.map(|number| EntryNumber(number.unsigned_abs())).map_err(fail)).collect()
    }

    /// All entries, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn entries(&self) -> Result<Vec<Entry>, StoreError> {
        self.entries_where("?1 = ?1", "")
    }

    /// Finished entries whose records come after `record`, in the order of their records.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn finished_after(&self, record: u64) -> Result<Vec<Entry>, StoreError> {
        let mut entries = self.entries_where("record > CAST(?1 AS INTEGER)", &record.to_string())?;
        entries.sort_by_key(|entry| entry.record);
        Ok(entries)
    }

    /// What a supervisor judged of an UNCERTAIN or CONTRADICTED entry: `balance_after` is what the card has if it did it.
    ///
    /// # Errors
    /// [`StoreError::Moved`] when the entry is neither.
    pub fn judge(
        &mut self,
        number: EntryNumber,
        balance_after: u32,
        judgement: &Judgement,
    ) -> Result<Entry, StoreError> {
        let (by, why) = (judgement.by.as_str(), judgement.reason.as_str());
        let told = format!("{by}: {why}");
        if judgement.done {
            self.advance(number, Event::JudgedDone, Some(&told), JUDGE_DONE, params![balance_after, by, why])?;
        } else {
            self.advance(number, Event::JudgedNotDone, Some(&told), JUDGE_NOT_DONE, params![told, by, why])?;
        }
        self.entry(number)
    }

    /// Counts one more reprint of an entry's receipt.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn count_reprint(&mut self, number: EntryNumber) -> Result<u32, StoreError> {
        let place = self.place.clone();
        write(&mut self.connection, &place, |connection| one_more_reprint(connection, number))
    }

    /// Brings what an earlier program left between states to where a restart puts it.
    pub(super) fn restart(&mut self) -> Result<(), StoreError> {
        let between: Vec<(EntryNumber, Event)> = self
            .entries()?
            .into_iter()
            .filter_map(|entry| entry.state.event_at_restart().map(|event| (entry.number, event)))
            .collect();
        for (number, event) in between {
            self.close(number, event, "RESTART")?;
        }
        Ok(())
    }

    fn insert(&self, draft: &Draft) -> rusqlite::Result<i64> {
        let (kind, bill_id, bill_hash, load_id) = match &draft.subject {
            Subject::Purchase { bill_id, bill_hash, .. } => {
                ("purchase", Some(bill_id.as_str().to_owned()), Some(bill_hash.to_string()), None)
            }
            Subject::Load { load_id, .. } | Subject::Refund { load_id, .. } => {
                ("load", None, None, Some(load_id.to_string()))
            }
        };
        let (refund, act, original) = match &draft.subject {
            Subject::Refund { refund, act, original, .. } => {
                (Some(super::refunds::key(*refund)), Some(act.as_str()), Some(original))
            }
            Subject::Purchase { .. } | Subject::Load { .. } => (None, None, None),
        };
        let amounts = draft.subject.amounts();
        self.connection.prepare_cached(PREPARE)?.execute(params![
            State::Prepared.as_str(),
            kind,
            draft.terminal.to_string(),
            draft.card_identifier.to_string(),
            draft.card_factor.to_string(),
            draft.business_date.to_string(),
            amounts.personal_account,
            amounts.self_paid,
            amounts.pooled_fund,
            bill_id,
            bill_hash,
            load_id,
            draft.paper,
            Now::of_system().utc(),
            refund,
            act,
            original.map(|original| original.terminal_sequence),
            draft.subject.sale_id().map(|id| id.to_string()),
            // Its own purchases a terminal names by their sequence alone.
            original
                .filter(|original| original.terminal != draft.terminal)
                .map(|original| original.terminal.to_string()),
            original.and_then(|original| original.card_sequence),
        ])?;
        Ok(self.connection.last_insert_rowid())
    }

    /// The guarded move and its event, with `values` for the columns of `statement` from `?8` on. Of the moves that the
    /// event has, at most one starts from the entry's state; the others find no row and write nothing.
    fn advance(
        &self,
        number: EntryNumber,
        event: Event,
        reason: Option<&str>,
        statement: &'static str,
        values: &[&dyn ToSql],
    ) -> Result<(), StoreError> {
        let fail = |source| self.failure(source);
        let mut statement = self.connection.prepare_cached(statement).map_err(fail)?;
        let at = Now::of_system().utc();
        let possible = journal::MOVES.iter().filter(|row| row.event == event);
        for row in possible.filter(|row| reason.is_some() || !row.reason_needed) {
            let (event, actor) = (format!("{event:?}"), format!("{:?}", row.actor));
            let common = params![key(number), row.from.as_str(), row.to.as_str(), at, event, actor, reason];
            if statement.execute(params_from_iter(common.iter().chain(values))).map_err(fail)? == 1 {
                return Ok(());
            }
        }
        Err(StoreError::Moved { id: number.to_string(), expected: "a state that takes this event" })
    }

    /// A durable write of more than one statement: what is not committed was not.
    fn begin(&self) -> Result<Transaction<'_>, StoreError> {
        Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)
            .map_err(|source| self.failure(source))
    }

    fn entries_where(&self, condition: &'static str, value: &str) -> Result<Vec<Entry>, StoreError> {
        let fail = |source| self.failure(source);
        let mut statement = self
            .connection
            .prepare_cached(&format!("SELECT {}, {GIVEN} FROM entry WHERE {condition} ORDER BY number", columns!()))
            .map_err(fail)?;
        let mut rows = statement.query([value]).map_err(fail)?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next().map_err(fail)? {
            entries.push(read(row).map_err(fail)?.ok_or_else(|| self.corrupt("an entry has a value of a wrong form"))?);
        }
        Ok(entries)
    }
}

/// How evidence stands in its columns, with TAC and MAC2; the random stands there since SENT.
fn written(evidence: Evidence) -> (&'static str, Option<String>, Option<String>) {
    let word = match evidence {
        Evidence::Answered { .. } => "answered",
        Evidence::Proved { .. } => "proved",
        Evidence::LogOnly => "log-only",
        Evidence::Judged => "judged",
    };
    let code = evidence.code();
    let mac2 = code.and_then(|code| code.number).map(|number| number.mac2.to_string());
    (word, code.map(|code| code.tac.to_string()), mac2)
}

/// Runs `work` in one durable transaction: all of it or nothing.
pub(super) fn write<T>(
    connection: &mut Connection,
    place: &str,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, StoreError> {
    let fail = |source| failure(place, source);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
    let result = work(&transaction).map_err(fail)?;
    transaction.commit().map_err(fail)?;
    Ok(result)
}

/// Counts one more reprint, in the transaction that is open.
pub(super) fn one_more_reprint(connection: &Connection, number: EntryNumber) -> rusqlite::Result<u32> {
    connection.prepare_cached("UPDATE entry SET reprints = reprints + 1 WHERE number = ?1")?.execute([key(number)])?;
    connection
        .prepare_cached("SELECT reprints FROM entry WHERE number = ?1")?
        .query_row([key(number)], |row| row.get(0))
}

/// SQLite numbers rows with signed 64 bits; entry numbers come from it and go back unchanged.
fn key(number: EntryNumber) -> i64 {
    i64::try_from(number.0).unwrap_or(i64::MAX)
}

/// Where a column stands among those read.
fn column(name: &str) -> usize {
    COLUMNS.iter().position(|column| *column == name).unwrap_or(COLUMNS.len())
}

/// `Ok(None)`: a value of a wrong form, so the file is damaged.
fn read(row: &Row<'_>) -> rusqlite::Result<Option<Entry>> {
    let text = |name: &str| row.get::<_, Option<String>>(column(name));
    let number: i64 = row.get(column("number"))?;
    let amounts = Amounts {
        personal_account: row.get(column("personal_account"))?,
        self_paid: row.get(column("self_paid"))?,
        pooled_fund: row.get(column("pooled_fund"))?,
    };
    let subject = match (text("bill_id")?, text("bill_hash")?, text("load_id")?) {
        (Some(id), Some(hash), None) => {
            let sale_id = text("sale_id")?.map(|id| SaleId::parse(&id)).transpose();
            match (BillId::parse(&id), Digest::parse(&hash), sale_id) {
                (Ok(bill_id), Ok(bill_hash), Ok(sale_id)) => Subject::Purchase { amounts, bill_id, bill_hash, sale_id },
                _ => return Ok(None),
            }
        }
        (None, None, Some(id)) => match LoadId::parse(&id) {
            Ok(load_id) => match loaded(row, load_id, amounts)? {
                Some(subject) => subject,
                None => return Ok(None),
            },
            Err(_) => return Ok(None),
        },
        _ => return Ok(None),
    };
    let state: String = row.get(column("state"))?;
    let (Some(state), Some(draft)) = (State::parse(&state), draft(row, subject)?) else { return Ok(None) };
    let Some(elsewhere) = elsewhere::given(row.get(COLUMNS.len())?) else { return Ok(None) };
    Ok(Some(Entry {
        number: EntryNumber(number.unsigned_abs()),
        state,
        draft,
        sent: sent(row)?,
        // A record that a person made is kept where the card contradicts it; that it was done is not.
        done: done(row)?.filter(|_| state == State::Confirmed),
        judged: judged(row)?,
        shown: text("shown")?.as_deref().and_then(Shown::parse),
        record: row.get::<_, Option<i64>>(column("record"))?.map(i64::unsigned_abs),
        reason: text("reason")?,
        elsewhere,
    }))
}

/// A load, or a try of a refund.
fn loaded(row: &Row<'_>, load_id: LoadId, amounts: Amounts) -> rusqlite::Result<Option<Subject>> {
    let refund: Option<i64> = row.get(column("refund"))?;
    let Some(refund) = refund else { return Ok(Some(Subject::Load { load_id, amount: amounts.personal_account })) };
    let act: Option<String> = row.get(column("refund_act"))?;
    let sequence: Option<u32> = row.get(column("original_sequence"))?;
    let elsewhere: Option<String> = row.get(column("original_terminal"))?;
    let sold_at = match elsewhere {
        Some(text) => TerminalNumber::parse(&text),
        None => TerminalNumber::parse(&row.get::<_, String>(column("terminal"))?),
    };
    let card_sequence = row.get(column("original_card_sequence"))?;
    let original = sequence.zip(sold_at.ok());
    let original =
        original.map(|(terminal_sequence, terminal)| Original { terminal, terminal_sequence, card_sequence });
    let refund = RefundNumber(refund.unsigned_abs());
    Ok(act.as_deref().and_then(RefundAct::parse).zip(original).map(|(act, original)| Subject::Refund {
        load_id,
        refund,
        act,
        original,
        amounts,
    }))
}

fn draft(row: &Row<'_>, subject: Subject) -> rusqlite::Result<Option<Draft>> {
    let text = |name: &str| row.get::<_, String>(column(name));
    let terminal = TerminalNumber::parse(&text("terminal")?).ok();
    let identifier = CardIdentifier::parse(&text("card_identifier")?).ok();
    let factor = CardFactor::parse(&text("card_factor")?).ok();
    let date = BusinessDate::parse(&text("business_date")?).ok();
    let paper = text("paper")?;
    Ok(match (terminal, identifier, factor, date) {
        (Some(terminal), Some(card_identifier), Some(card_factor), Some(business_date)) => {
            Some(Draft { terminal, card_identifier, card_factor, business_date, subject, paper })
        }
        _ => None,
    })
}

fn sent(row: &Row<'_>) -> rusqlite::Result<Option<Sent>> {
    let text = |name: &str| row.get::<_, Option<String>>(column(name));
    let (Some(date_time), Some(random), Some(mac)) = (text("date_time")?, text("random")?, text("mac")?) else {
        return Ok(None);
    };
    Ok(match (DateTime::parse(&date_time), CardRandom::parse(&random), Mac::parse(&mac)) {
        (Ok(date_time), Ok(random), Ok(mac)) => Some(Sent {
            balance_before: row.get(column("balance_before"))?,
            card_sequence: row.get(column("card_sequence"))?,
            terminal_sequence: row.get(column("terminal_sequence"))?,
            date_time,
            random,
            key_version: row.get(column("key_version"))?,
            algorithm: row.get(column("algorithm"))?,
            mac,
        }),
        _ => None,
    })
}

/// What a person said.
fn judged(row: &Row<'_>) -> rusqlite::Result<Option<Judgement>> {
    let text = |name: &str| row.get::<_, Option<String>>(column(name));
    let (Some(word), Some(by), Some(why)) = (text("judged")?, text("judged_by")?, text("judged_why")?) else {
        return Ok(None);
    };
    Ok(match (StaffNumber::parse(&by), Reason::parse(&why)) {
        (Ok(by), Ok(reason)) => Some(Judgement { done: word == "done", by, reason }),
        _ => None,
    })
}

fn done(row: &Row<'_>) -> rusqlite::Result<Option<Done>> {
    let (Some(evidence), Some(balance_after)) =
        (row.get::<_, Option<String>>(column("evidence"))?, row.get::<_, Option<u32>>(column("balance_after"))?)
    else {
        return Ok(None);
    };
    let text = |name: &str| row.get::<_, Option<String>>(column(name));
    let tac = text("tac")?.and_then(|tac| Tac::parse(&tac).ok());
    let random = text("random")?.and_then(|random| CardRandom::parse(&random).ok());
    let mac2 = text("mac2")?.and_then(|mac2| Mac::parse(&mac2).ok());
    let number = random.zip(mac2).map(|(random, mac2)| NumberProof { random, mac2 });
    Ok(match (evidence.as_str(), tac) {
        ("answered", Some(tac)) => Some(Done { balance_after, evidence: Evidence::Answered { tac, number } }),
        ("proved", Some(tac)) => Some(Done { balance_after, evidence: Evidence::Proved { tac, number } }),
        ("log-only", None) => Some(Done { balance_after, evidence: Evidence::LogOnly }),
        ("judged", None) => Some(Done { balance_after, evidence: Evidence::Judged }),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(paper: &str) -> Draft {
        Draft {
            terminal: TerminalNumber::parse("513300000001").expect("hex"),
            card_identifier: CardIdentifier::parse("513300D156000005000000133A05F2E3").expect("hex"),
            card_factor: CardFactor::parse("8650430200000013").expect("hex"),
            business_date: BusinessDate::parse("2026-01-05").expect("a date"),
            subject: Subject::Purchase {
                amounts: Amounts { personal_account: 100, self_paid: 0, pooled_fund: 0 },
                bill_id: BillId::parse("B-20260105-0001").expect("a word"),
                bill_hash: Digest([7; 32]),
                sale_id: Some(SaleId([5; 16])),
            },
            paper: paper.to_owned(),
        }
    }

    #[test]
    fn columns_are_read_in_the_order_in_which_they_are_asked_for() {
        assert_eq!(COLUMNS.join(", "), columns!());
    }

    #[test]
    fn what_prepare_answers_is_what_is_stored() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let answered = store.prepare(&draft("lines")).expect("written");
        assert_eq!(store.entry(answered.number).expect("there"), answered);
    }

    #[test]
    fn a_full_disk_is_told_and_nothing_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let pages: i64 = store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).expect("pages");
        store.connection.pragma_update(None, "max_page_count", pages).expect("a bound");
        let refused = store.prepare(&draft(&"x".repeat(50_000))).expect_err("no room");
        assert_eq!(refused.code(), crate::error::Code::StoreFull);
        assert_eq!(store.entries().expect("readable"), []);
        store.prepare(&draft("short")).expect("there is room for this one");
    }

    #[test]
    fn a_move_from_another_state_is_refused_and_leaves_no_event() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let number = store.prepare(&draft("")).expect("written").number;
        let done = Done { balance_after: 0, evidence: Evidence::LogOnly };
        assert!(matches!(store.confirm(number, Event::CardAnswered, &done), Err(StoreError::Moved { .. })));
        let events: i64 =
            store.connection.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).expect("a count");
        assert_eq!(events, 1);
    }
}
