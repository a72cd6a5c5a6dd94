//! `pin reset`: an order of the centre for the card's PIN.
//!
//! Owns: the conversation of card and centre, in the order that loses least: the new PIN is there before the order is used up.
//! Never: sends a PIN to the centre; card commands (`counter::order`, `counter::pin`).

use card_core::StatusWord;
use settlement::id::RequestId;
use settlement::message::{Request, Version1};
use settlement::pin::{PinAct, PinCommandRequest, PinOutcome, PinOutcomeRequest, PinProofRequest};

use super::Setting;
use super::office::Office;
use crate::arguments::PinResetArguments;
use crate::exit::Exit;
use crate::http::Centre;
use crate::page::{Page, Value};
use card_counter::error::TerminalError;
use card_counter::language::Words;
use card_counter::letter::Letter;
use card_counter::secret::Pin;
use card_counter::store::Store;
use card_counter::tap::{Ask, Tapped};
use card_counter::terminal;
use card_counter::{order, pin};

/// `pin reset`.
pub(super) fn reset(setting: &Setting<'_>, arguments: &PinResetArguments) -> Result<Exit, TerminalError> {
    let Office { mut store, key, terminal } = setting.office()?;
    let centre = Centre::at(setting.centre()?, &key, terminal);
    let mut desk = setting.desk()?;
    let mut card = setting.tapped_asking(&mut desk, Ask::Algorithm)?;
    let (order, card_identifier) = (arguments.order, card.identifier);
    let asked = PinProofRequest {
        version: Version1,
        request_id: RequestId(terminal::random()?),
        terminal,
        order,
        card_identifier,
        challenge: order::challenge(&mut card)?,
    };
    let proof = send(&mut store, &centre, &asked)?;
    order::prove(&mut card, &proof.command, arguments.last_try)?;
    let new = match proof.act {
        PinAct::Unblock => None,
        PinAct::Reset => Some(new_pin(setting, &card, arguments)?),
    };
    let asked = PinCommandRequest {
        version: Version1,
        request_id: RequestId(terminal::random()?),
        terminal,
        order,
        card_identifier,
        challenge: order::challenge(&mut card)?,
    };
    let given = send(&mut store, &centre, &asked)?;
    let sw = order::obey(&mut card, proof.act, &given.command)?;
    let outcome = if sw.is_ok() { PinOutcome::Done } else { PinOutcome::Refused };
    let word =
        PinOutcomeRequest { version: Version1, request_id: RequestId(terminal::random()?), terminal, order, outcome };
    let told = send(&mut store, &centre, &word);
    refused(sw)?;
    let mut page = Page::new().with("order", Words::new("工单", "order"), number(order)).with(
        "unblocked",
        Words::new("密码可用次数已恢复", "all tries again"),
        Value::Flag(true),
    );
    if let Some(new) = new {
        let initial = Pin::parse(initial(&card))?;
        pin::change(&mut card, &initial, &new, true)?;
        page = page.with("changed", Words::new("密码已修改", "PIN changed"), Value::Flag(true));
    }
    // The card has its PIN; only the centre does not know it yet.
    if told.is_err() {
        let words =
            Words::new("结果未报中心,请柜员在工单上注明", "the centre was not told; the counter notes it on the order");
        page = page.noted("OUTCOME_NOT_TOLD", words);
    }
    setting.output.answer(&page)?;
    Ok(if told.is_ok() { Exit::Ok } else { Exit::Partly })
}

/// The PIN that the holder chooses, refused before anything is spent where the card would refuse it.
fn new_pin(setting: &Setting<'_>, card: &Tapped<'_>, arguments: &PinResetArguments) -> Result<Pin, TerminalError> {
    let new = Pin::read(arguments.new_pin.as_ref(), setting.prompt("新密码: ", "new PIN: "))?;
    if new.is(initial(card)) { Err(TerminalError::PinNewInitial) } else { Ok(new) }
}

fn initial<'t>(card: &'t Tapped<'_>) -> &'t str {
    card.profile.pin.as_ref().map_or("", |row| &row.initial)
}

fn refused(sw: StatusWord) -> Result<(), TerminalError> {
    if sw.is_ok() { Ok(()) } else { Err(TerminalError::CardRefused { command: "PIN CHANGE/UNBLOCK", sw }) }
}

/// Written down before it is sent.
fn send<R: Request>(store: &mut Store, centre: &Centre<'_>, request: &R) -> Result<R::Answer, TerminalError> {
    let letter = Letter::of(request)?;
    store.write_letter(request.request_id(), &letter, None)?;
    let answer = centre.send::<R>(&letter)?;
    store.letter_answered(request.request_id(), "OK")?;
    Ok(answer)
}

fn number(number: u64) -> Value {
    i64::try_from(number).map_or(Value::Absent, Value::Number)
}
