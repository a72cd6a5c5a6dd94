//! `journal list`, `verify`, `states`, `export`, `judge`, `receipt reprint`: looking back.
//!
//! Owns: their answers, and a supervisor's judgement; the export is `settlement::agreement`. Never: changes an entry otherwise.

use std::collections::BTreeMap;
use std::path::Path;

use settlement::agreement::{JournalCard, JournalExport};
use settlement::fen::Fen;
use settlement::id::CardIdentifier;
use settlement::journal::State;
use settlement::judgement::Judgement;
use settlement::message::Request as _;
use settlement::receipt::Copy;
use settlement::refund::RefundAct;
use settlement::sale::{SaleOutcomeRequest, SaleRequest};

use super::{Setting, pay, states};
use crate::arguments::{Form, JournalCommand, ReceiptCommand};
use crate::exit::Exit;
use crate::page::{Page, Value};
use crate::receipt::Beside;
use card_counter::error::TerminalError;
use card_counter::given_back::GivenBack;
use card_counter::journal::{Entry, EntryNumber, Shown, Subject, TowardsCentre};
use card_counter::language::Words;
use card_counter::store::Store;
use card_counter::terminal as identity;
use card_counter::verify::{self, FaultKind};

/// `journal …`.
pub(super) fn run(setting: &Setting<'_>, command: &JournalCommand) -> Result<Exit, TerminalError> {
    if matches!(command, JournalCommand::States) {
        setting.output.paper(&states::markdown())?;
        return Ok(Exit::Ok);
    }
    let mut store = Store::open_if_there(&setting.configuration.data)?.ok_or(TerminalError::NotEnrolled)?;
    match command {
        JournalCommand::Judge { entry, done, not_done: _, by, reason } => {
            judge(setting, &mut store, entry, Judgement { done: *done, by: by.clone(), reason: reason.clone() })
        }
        JournalCommand::Verify => prove(setting, &store),
        JournalCommand::List => list(setting, &store),
        JournalCommand::Export { out } => export(setting, &store, out.as_deref()),
        JournalCommand::States => Err(TerminalError::Bug("the tables were shown before the journal was opened")),
    }
}

fn prove(setting: &Setting<'_>, store: &Store) -> Result<Exit, TerminalError> {
    let terminal = store.terminal()?.ok_or(TerminalError::NotEnrolled)?;
    let key = identity::key(&setting.configuration.data)?.public_key();
    let verdict = verify::verify(store, terminal, &key)?;
    let count = |count: u64| i64::try_from(count).map_or(Value::Absent, Value::Number);
    let faults = verdict.faults.iter().map(|fault| {
        let words = match fault.kind {
            FaultKind::Pages => Words::new("数据库文件已损坏", "the file is damaged"),
            FaultKind::EntryGap => Words::new("其前缺日志", "entries before it are missing"),
            FaultKind::History => {
                Words::new("状态变化与公布的表不符", "its events are not the published moves to its state")
            }
            FaultKind::RecordGap => Words::new("记录缺失或重复", "a record is missing or repeated"),
            FaultKind::RecordState => Words::new("记录与状态不符", "its record does not fit its state"),
            FaultKind::RecordContradictory => {
                Words::new("记录金额自相矛盾", "the amounts of the record contradict each other")
            }
            FaultKind::BatchMalformed => Words::new("批次无法解读", "the batch cannot be read"),
            FaultKind::BatchAltered => {
                Words::new("批次签名或衔接不符", "signature, chain or sums of the batch do not verify")
            }
            FaultKind::RecordDiffers => Words::new("与已签名上传的不同", "it is not what was signed and sent"),
            FaultKind::RefundSum => Words::new("退费超过原消费", "more was given back than was paid"),
            FaultKind::NumberTwice => Words::new(
                "同一张卡的序号用了两次",
                "two of one card with the same number: what a person judged is compared",
            ),
            FaultKind::ConsentAltered => {
                Words::new("不是中心对这笔消费的签名同意", "it is not the centre's signed word for this sale")
            }
        };
        Page::new()
            .with("code", Words::new("代码", "code"), Value::text(fault.kind.code()))
            .with("place", Words::new("位置", "place"), Value::text(&fault.place))
            .with("what", Words::new("说明", "what"), Value::Words(words))
    });
    let page = Page::new()
        .with("entries", Words::new("日志", "entries"), count(verdict.entries))
        .with("events", Words::new("事件", "events"), count(verdict.events))
        .with("records", Words::new("记录", "records"), count(verdict.records))
        .with("batches", Words::new("批次", "batches"), count(verdict.batches))
        .with("whole", Words::new("完整", "whole"), Value::Flag(verdict.faults.is_empty()))
        .with("faults", Words::new("问题", "faults"), Value::Table(faults.collect()));
    let page = match verdict.faults.is_empty() {
        true => page,
        false => page.noted(
            "JOURNAL_NOT_WHOLE",
            Words::new(
                "停止收款,备份数据目录并联系中心;不要改动任何文件",
                "stop selling, copy the data folder and ask the centre; change no file",
            ),
        ),
    };
    setting.output.answer(&page)?;
    Ok(if verdict.faults.is_empty() { Exit::Ok } else { Exit::Mismatch })
}

/// A person says what the card cannot tell any more. The turn at the counter is taken: nobody is at work with the entry.
fn judge(setting: &Setting<'_>, store: &mut Store, id: &str, judgement: Judgement) -> Result<Exit, TerminalError> {
    store.take_turn()?;
    let open = || TerminalError::NotUndecided { id: id.to_owned() };
    let number = id.parse().map(EntryNumber).map_err(|_| open())?;
    let entry = store.find_entry(number)?.filter(is_for_a_person).ok_or_else(open)?;
    let sent = entry.sent.ok_or(TerminalError::Bug("an entry that is uncertain was sent"))?;
    let after = entry.draft.subject.balance_after(sent.balance_before);
    let after = after.ok_or(TerminalError::Bug("the balance after was checked before the entry was sent"))?;
    let judged = store.judge(number, after, &judgement)?;
    let next = Words::new("执行 sscard upload,向中心报告", "run sscard upload: the centre is told");
    setting.output.answer(&row(&judged, None).with("next", Words::new("下一步", "next"), Value::Words(next)))?;
    Ok(Exit::Ok)
}

/// Whether a person may say how it ended: nobody knows, or what the card showed against a person's word was never settled.
fn is_for_a_person(entry: &Entry) -> bool {
    matches!(entry.state, State::Uncertain | State::Contradicted)
}

fn list(setting: &Setting<'_>, store: &Store) -> Result<Exit, TerminalError> {
    let standing = store.towards_centre(SaleRequest::PATH, SaleOutcomeRequest::PATH)?;
    let rows = store.entries()?.iter().map(|entry| row(entry, standing.get(&entry.number).copied())).collect();
    setting.output.answer(&Page::new().with("entries", Words::new("日志", "journal"), Value::Table(rows)))?;
    Ok(Exit::Ok)
}

fn row(entry: &Entry, standing: Option<TowardsCentre>) -> Page {
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
        .with("judged", Words::new("判定", "judged"), entry.judged.as_ref().map_or(Value::Absent, said))
        .with("card_shows", Words::new("卡所示", "card shows"), entry.shown.map_or(Value::Absent, shown))
        .with("centre", Words::new("中心", "centre"), Value::maybe(standing.map(TowardsCentre::as_str)))
}

/// What a person said, by whom and why.
fn said(judgement: &Judgement) -> Value {
    let word = if judgement.done { "done" } else { "not-done" };
    Value::text(format!("{word} {}: {}", judgement.by, judgement.reason))
}

fn shown(shown: Shown) -> Value {
    Value::Choice(
        shown.as_str(),
        match shown {
            Shown::Agrees => Words::new("与判定一致", "the same"),
            Shown::Silent => Words::new("无法证实", "nothing that decides"),
            Shown::Contradicts => Words::new("与判定相反", "the opposite"),
        },
    )
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
            (State::Sent | State::Uncertain | State::Contradicted, _) => card.uncertain += 1,
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
    let given_back = GivenBack::of(&entry, &store.entries_of(&entry.draft.card_identifier)?);
    let beside = Beside { given_back, ..Beside::default() };
    setting.printout((&entry, Copy::Original), &store, &handout, beside)?.ok_or_else(unknown)?;
    // Counted before it is printed: a copy that looks like the first reprint is never the second.
    let copy = Copy::Reprint(store.count_reprint(number)?);
    let printout = setting.printout((&entry, copy), &store, &handout, beside)?.ok_or_else(unknown)?;
    setting.hand(&printout, &handout, &entry.number.to_string())?;
    if setting.output.form == Form::Json {
        let words = Words::new("小票", "receipt");
        let given = given_back.map_or(Value::Absent, |given| Value::Money(given.total));
        let page = pay::page(&entry).with("given_back_fen", Words::new("已退", "given back"), given);
        setting.output.answer(&page.with("receipt", words, Value::text(printout.text)))?;
    }
    Ok(Exit::Ok)
}
