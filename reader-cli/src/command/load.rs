//! `load`: the account is loaded online.
//!
//! Owns: the centre's part of a load, and the answer. Never: card commands (`counter::load`).

use settlement::fen::Fen;
use settlement::id::{LoadId, RequestId};
use settlement::message::{LoadRequest, QuoteRequest, Version1};

use super::{Setting, settle_first};
use crate::arguments::LoadArguments;
use crate::exit::Exit;
use crate::http::Centre;
use crate::page::{Page, Value};
use crate::upload;
use card_counter::error::TerminalError;
use card_counter::journal::{Draft, Entry, EntryNumber, Journal as _, Subject};
use card_counter::language::Words;
use card_counter::letter::Letter;
use card_counter::load::load as load_card;
use card_counter::store::Store;
use card_counter::tap::Tapped;
use card_counter::terminal;
use card_counter::{check, pin};

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
    if open || arguments.pin.pin.is_some() {
        let given = setting.pin(&mut tapped, &arguments.pin)?;
        pin::verify(&mut tapped, &given, arguments.pin.last_try)?;
    }
    let notes = settle_first(setting, &mut tapped, Some(&mut store), open)?;
    check::all_passed(check::card(&tapped, &rules))?;
    upload::report_outcomes(&mut store, &centre)?;
    let quote = QuoteRequest {
        version: Version1,
        request_id: RequestId(terminal::random()?),
        terminal: number,
        card_identifier: tapped.identifier,
    };
    let quote = send(&mut store, &centre, &quote)?;
    let quoted = quote.amount_fen;
    if quoted == Fen::ZERO {
        if !notes.notes.is_empty() {
            setting.output.answer(&notes)?;
        }
        return Err(TerminalError::NothingToLoad);
    }
    if wanted.is_some_and(|wanted| wanted != quoted) {
        let code = settlement::ErrorCode::LoadAmountDiffers;
        return Err(TerminalError::CentreRefused { path: "loads/quote", code });
    }
    let amount = quoted.to_card().map_err(|_| TerminalError::CentreAnswer { path: "loads/quote" })?;
    let draft = Draft {
        terminal: number,
        card_identifier: tapped.identifier,
        card_factor: tapped.card_factor(),
        business_date: rules.day,
        subject: Subject::Load { load_id: LoadId(terminal::random()?), amount },
        paper: String::new(),
    };
    let loaded = bring(setting, &mut tapped, &mut store, &centre, &draft, quote.open_load);
    // However it ended, the centre is told; what it does not hear now it hears at the next upload.
    let reported = upload::report_outcomes(&mut store, &centre);
    let entry = loaded?;
    setting.output.answer(&page(&entry).joined(notes))?;
    reported.map(|_| Exit::Ok)
}

/// The load of this card that has no outcome at the centre: asked before the card begins another one.
///
/// # Errors
/// That the centre does not answer, or refuses the card.
pub(super) fn open_load(
    store: &mut Store,
    centre: &Centre<'_>,
    terminal: settlement::id::TerminalNumber,
    card_identifier: settlement::id::CardIdentifier,
) -> Result<Option<LoadId>, TerminalError> {
    let request_id = RequestId(card_counter::terminal::random()?);
    let quote = QuoteRequest { version: Version1, request_id, terminal, card_identifier };
    Ok(send(store, centre, &quote)?.open_load)
}

/// Brings onto the card what the draft says, with the centre's consent: a load, or a refund. `after` is what [`open_load`] answered.
pub(super) fn bring(
    setting: &Setting<'_>,
    tapped: &mut Tapped<'_>,
    store: &mut Store,
    centre: &Centre<'_>,
    draft: &Draft,
    after: Option<LoadId>,
) -> Result<Entry, TerminalError> {
    let mut letters = Store::open(&setting.configuration.data)?;
    let mut authorize = |request: &LoadRequest, entry: EntryNumber| {
        let letter = Letter::of(&LoadRequest { after, ..request.clone() })?;
        letters.write_letter(request.request_id, &letter, Some(entry))?;
        let answer = centre.send::<LoadRequest>(&letter).or_else(|error| match error {
            // The same request again: the centre answers the same, whether or not the first one arrived.
            TerminalError::CentreUnreachable { .. } => centre.send::<LoadRequest>(&letter),
            other => Err(other),
        })?;
        letters.letter_answered(request.request_id, "OK")?;
        Ok(answer)
    };
    let account = tapped.account()?;
    load_card(tapped, account, store, draft, RequestId(terminal::random()?), &mut authorize)
}

/// Writes a request down, sends it, notes the answer.
fn send<R: settlement::message::Request>(
    store: &mut Store,
    centre: &Centre<'_>,
    request: &R,
) -> Result<R::Answer, TerminalError> {
    let letter = Letter::of(request)?;
    store.write_letter(request.request_id(), &letter, None)?;
    let answer = centre.send::<R>(&letter)?;
    store.letter_answered(request.request_id(), "OK")?;
    Ok(answer)
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
