//! `journal list`, `journal export`, `receipt reprint`: looking back.
//!
//! Owns: their answers; the export is `settlement::agreement`. Never: changes an entry.

use std::collections::BTreeMap;
use std::path::Path;

use settlement::agreement::{JournalCard, JournalExport};
use settlement::fen::Fen;
use settlement::id::CardIdentifier;
use settlement::journal::State;
use settlement::receipt::Copy;
use settlement::refund::RefundAct;

use super::{Setting, pay};
use crate::arguments::{Form, JournalCommand, ReceiptCommand};
use crate::exit::Exit;
use crate::page::{Page, Value};
use card_counter::error::TerminalError;
use card_counter::journal::{Entry, EntryNumber, Subject};
use card_counter::language::Words;
use card_counter::store::Store;

/// `journal …`.
pub(super) fn run(setting: &Setting<'_>, command: &JournalCommand) -> Result<Exit, TerminalError> {
    let store = Store::open_if_there(&setting.configuration.data)?.ok_or(TerminalError::NotEnrolled)?;
    match command {
        JournalCommand::List => list(setting, &store),
        JournalCommand::Export { out } => export(setting, &store, out.as_deref()),
    }
}

fn list(setting: &Setting<'_>, store: &Store) -> Result<Exit, TerminalError> {
    let rows = store.entries()?.iter().map(row).collect();
    setting.output.answer(&Page::new().with("entries", Words::new("日志", "journal"), Value::Table(rows)))?;
    Ok(Exit::Ok)
}

fn row(entry: &Entry) -> Page {
    let kind = match entry.draft.subject {
        Subject::Purchase { .. } => Value::Choice("purchase", Words::new("消费", "purchase")),
        Subject::Load { .. } => Value::Choice("load", Words::new("划入", "load")),
        Subject::Refund { act: RefundAct::Refund, .. } => Value::Choice("refund", Words::new("退费", "refund")),
        Subject::Refund { act: RefundAct::Cancel, .. } => Value::Choice("cancel", Words::new("撤销", "cancel")),
    };
    let record = entry.record.and_then(|record| i64::try_from(record).ok());
    pay::page(entry)
        .with("kind", Words::new("类型", "kind"), kind)
        .with("business_date", Words::new("业务日", "day"), Value::text(entry.draft.business_date.to_string()))
        .with("record", Words::new("记录号", "record"), record.map_or(Value::Absent, Value::Number))
        .with("reason", Words::new("原因", "reason"), Value::maybe(entry.reason.clone()))
}

fn export(setting: &Setting<'_>, store: &Store, out: Option<&Path>) -> Result<Exit, TerminalError> {
    let terminal = store.terminal()?.ok_or(TerminalError::NotEnrolled)?;
    let export = JournalExport { terminal, cards: totals(&store.entries()?)? };
    setting.output.file(&export, out)?;
    Ok(Exit::Ok)
}

/// What the journal says of every card.
fn totals(entries: &[Entry]) -> Result<Vec<JournalCard>, TerminalError> {
    let mut cards: BTreeMap<CardIdentifier, JournalCard> = BTreeMap::new();
    for entry in entries {
        let card_identifier = entry.draft.card_identifier;
        let card = cards.entry(card_identifier).or_insert(JournalCard {
            card_identifier,
            purchases: 0,
            purchased_fen: Fen::ZERO,
            loads: 0,
            loaded_fen: Fen::ZERO,
            refunds: 0,
            refunded_fen: Fen::ZERO,
            uncertain: 0,
        });
        let amount = Fen::from_card(entry.draft.subject.on_card());
        let add = |sum: Fen| sum.plus(amount).map_err(|_| TerminalError::Bug("sums of a journal fit 64 bits"));
        match (entry.state, &entry.draft.subject) {
            (State::Confirmed, Subject::Purchase { .. }) => {
                card.purchases += 1;
                card.purchased_fen = add(card.purchased_fen)?;
            }
            (State::Confirmed, Subject::Load { .. }) => {
                card.loads += 1;
                card.loaded_fen = add(card.loaded_fen)?;
            }
            (State::Confirmed, Subject::Refund { .. }) => {
                card.refunds += 1;
                card.refunded_fen = add(card.refunded_fen)?;
            }
            (State::Sent | State::Uncertain, _) => card.uncertain += 1,
            (State::Prepared | State::Refused | State::Reversed, _) => {}
        }
    }
    Ok(cards.into_values().collect())
}

/// `receipt …`.
pub(super) fn receipt(setting: &Setting<'_>, command: &ReceiptCommand) -> Result<Exit, TerminalError> {
    let ReceiptCommand::Reprint { id, receipt } = command;
    let mut store = Store::open_if_there(&setting.configuration.data)?.ok_or(TerminalError::NotEnrolled)?;
    let unknown = || TerminalError::ReceiptUnknown { id: id.clone() };
    let number = id.parse().map(EntryNumber).map_err(|_| unknown())?;
    let entry = store.find_entry(number)?.ok_or_else(unknown)?;
    let handout = setting.handout(receipt)?;
    setting.printout(&entry, Copy::Original, &handout).ok_or_else(unknown)?;
    // Counted before it is printed: a copy that looks like the first reprint is never the second.
    let copy = Copy::Reprint(store.count_reprint(number)?);
    setting.hand_out(&entry, copy, &handout)?;
    if setting.output.form == Form::Json {
        let text = setting.printout(&entry, copy, &handout).ok_or_else(unknown)?.text;
        let words = Words::new("小票", "receipt");
        setting.output.answer(&pay::page(&entry).with("receipt", words, Value::text(text)))?;
    }
    Ok(Exit::Ok)
}
