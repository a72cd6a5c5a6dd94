//! What a partner said of each card of a file, for those who mend the cause.
//!
//! A partner's words may say whatever a clerk there typed: a name, a number. They are sealed, shown as stars, and in full only to an
//! operator with a reason, both in the audit log before.
//!
//! Owns: how the answers of a file are shown. Never: takes an answer in.

use serde::Serialize;

use super::failure::ExchangeError;
use super::state::RowState;
use super::{SentFile, SentRow, sent};
use crate::audit::Act;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::person;
use crate::state::word;
use crate::store::{Store, Tx};

/// Between a partner's result, words and bank card number, as sealed.
pub(crate) const PART: char = '\u{1F}';

/// A file with what was said of its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The file.
    pub file: SentFile,
    /// Its rows, in order.
    pub rows: Vec<ToldRow>,
}

/// What a partner said of one card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ToldRow {
    /// Position, from 1.
    pub line: u64,
    /// Job.
    pub job: i64,
    /// Row number of the person.
    pub person: i64,
    /// 卡号.
    pub card_number: String,
    /// State.
    pub state: String,
    /// The partner's result, when it is one that the template lists.
    pub result: String,
    /// AAE165, AAE010: the partner's words; stars unless revealed.
    pub words: String,
    /// 银行卡号, its last four digits unless revealed.
    pub bank_card_number: String,
}

/// The answers of a file, masked.
///
/// # Errors
/// [`ExchangeError::TaskUnknown`], [`ExchangeError::Store`].
pub fn told(tx: &Tx<'_>, task: &str) -> Result<Told, ExchangeError> {
    let Told { file, mut rows } = whole(tx, task)?;
    for row in &mut rows {
        row.words = person::mask(&row.words, 0, 0);
        row.bank_card_number = person::mask(&row.bank_card_number, 0, 4);
    }
    Ok(Told { file, rows })
}

/// The answers of a file in full: who asked and why is on record before.
///
/// # Errors
/// [`ExchangeError`].
pub fn reveal(store: &mut Store, task: &str, reason: &str, operator: Option<&str>) -> Result<Told, ExchangeError> {
    if reason.trim().is_empty() {
        return Err(ExchangeError::ReasonMissing);
    }
    store.act(|tx| {
        let actor = tx.require(operator, Role::Capture)?;
        let told = whole(tx, task)?;
        let (object, detail) = (format!("task {task}"), reason.to_owned());
        Ok((told, Act { actor, act: "exchange.reveal", object, detail }))
    })
}

/// The bank card number in what was sealed of an answer; empty without one.
pub(crate) fn bank_card_of(words: &str) -> &str {
    words.rsplit_once(PART).map_or("", |(_, bank)| bank)
}

fn whole(tx: &Tx<'_>, task: &str) -> Result<Told, ExchangeError> {
    let file = sent(tx, task)?;
    let mut answers = tx.exchange_answers(file.number)?;
    let mut rows = Vec::new();
    for row in tx.exchange_rows(file.number)? {
        let answer = answers.remove(&row.job).unwrap_or_default();
        let mut parts = answer.splitn(3, PART);
        let mut next = || parts.next().unwrap_or_default();
        // Older answers have no result of their own.
        let two = answer.matches(PART).count() < 2;
        let (result, words, bank) = (if two { "" } else { next() }, next(), next());
        let SentRow { line, job, person, card_number, state } = row;
        let (result, words) = (result.to_owned(), words.to_owned());
        // Kept with the card when the file is not any more.
        let kept = if bank.is_empty() { tx.bank_card(job)? } else { None };
        let bank_card_number = kept.unwrap_or_else(|| bank.to_owned());
        rows.push(ToldRow { line, job, person, card_number, state, result, words, bank_card_number });
    }
    Ok(Told { rows, file })
}

impl Show for Told {
    fn text(&self, lang: Lang) -> String {
        let mut lines = vec![self.file.text(lang)];
        lines.extend(self.rows.iter().map(|row| {
            let ToldRow { line, job, person, card_number, state, result, words, bank_card_number } = row;
            let state = word(&RowState::TABLE, state, lang);
            let said =
                [("结果", "result", result), ("说明", "words", words), ("银行卡", "bank card", bank_card_number)];
            let said = said.iter().filter(|(_, _, text)| !text.is_empty());
            let said: String =
                said.map(|(zh, en, text)| lang.pick(format!("，{zh} {text}"), format!(", {en} {text}"))).collect();
            lang.pick(
                format!("  {line}: 任务 {job}，人员 {person}，卡号 {card_number}，{state}{said}"),
                format!("  {line}: job {job}, person {person}, card number {card_number}, {state}{said}"),
            )
        }));
        lines.join("\n")
    }
}
