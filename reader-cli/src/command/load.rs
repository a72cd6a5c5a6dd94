//! `load`: the account is loaded online.
//!
//! Owns: what comes before a load, and the answer. Never: card commands (`counter::load`), the centre's part (`centre_line::load`).

use settlement::fen::Fen;

use super::{Setting, settle_first};
use crate::arguments::LoadArguments;
use crate::exit::Exit;
use crate::http::Centre;
use crate::page::{Page, Value};
use card_counter::error::TerminalError;
use card_counter::journal::{Entry, Journal as _, Plain};
use card_counter::language::Words;
use card_counter::{check, pin, terminal};
use centre_line::load::Loader;

/// `load`.
pub(super) fn load(setting: &Setting<'_>, arguments: &LoadArguments) -> Result<Exit, TerminalError> {
    let wanted = arguments.amount.as_deref().map(amount).transpose()?;
    let key = terminal::key(&setting.configuration.data)?;
    let (mut desk, ask) = setting.desk_for_money()?;
    let mut tapped = setting.tapped_asking(&mut desk, ask)?;
    let psam = setting.psam(&mut desk, &tapped)?;
    let (mut store, number) = setting.till(&psam)?;
    let centre = Centre::at(setting.centre()?, &key, number);
    let rules = setting.rules(Some(&store))?;
    let open = !store.open_of(&tapped.identifier)?.is_empty();
    let proves = open || arguments.pin.pin.is_some();
    if proves {
        let given = setting.pin(&mut tapped, &arguments.pin)?;
        pin::verify(&mut tapped, &given, arguments.pin.last_try)?;
    }
    let notes = settle_first(setting, &mut tapped, Some(&mut store), proves)?;
    check::all_passed(check::card(&tapped, &rules))?;
    let mut loader = Loader::of(&centre, &setting.configuration.data, &Plain)?;
    let loaded = loader.load((&mut tapped, rules.day), &mut store, number, wanted);
    let (entry, reported) = loaded?;
    setting.output.answer(&page(&entry).joined(notes))?;
    setting.told();
    reported.map(|()| Exit::Ok)
}

fn amount(text: &str) -> Result<Fen, TerminalError> {
    Fen::parse_yuan(text).map_err(|error| TerminalError::Configuration {
        place: "--amount".to_owned(),
        reason: Words::explained(&error),
    })
}

fn page(entry: &Entry) -> Page {
    let card = |fen: Option<u32>| fen.map_or(Value::Absent, |fen| Value::Money(Fen::from_card(fen)));
    let tac = entry.done.and_then(|done| done.evidence.tac());
    Page::new()
        .with("entry", Words::new("日志号", "entry"), Value::text(entry.number.to_string()))
        .with("state", Words::new("状态", "state"), Value::text(entry.state.as_str()))
        .with("card_identifier", Words::new("卡的识别码", "card"), Value::text(entry.draft.card_identifier.to_string()))
        .with("amount_fen", Words::new("划入金额", "loaded"), card(Some(entry.draft.subject.on_card())))
        .with("balance_fen", Words::new("余额", "balance"), card(entry.done.map(|done| done.balance_after)))
        .with("tac", Words::new("TAC", "TAC"), Value::maybe(tac.map(|tac| tac.to_string())))
}
