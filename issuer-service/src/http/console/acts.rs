//! Forms that do: each calls the function of its command.

use super::{Reply, Route, Turn};
use crate::audit::Act;
use crate::batch::{self, Selection};
use crate::card::failure::LifeError;
use crate::card::life::{self, Order};
use crate::card::state::{LifeState, Step};
use crate::console::{batches, cards, people};
use crate::error::{Error, Missing};
use crate::http::api::failure::ApiError;
use crate::operator::Role;
use crate::registry::RegistryError;
use crate::registry::search::{self, By};
use crate::request;

pub(super) const ROUTES: &[Route] = &[
    Route::does(&people::FIND, find),
    Route::does(&people::REVEAL, reveal),
    Route::does(&people::ASK, ask),
    Route::does(&people::WITHDRAW, withdraw),
    Route::does(&batches::CREATE, create),
    Route::does(&batches::APPROVE, approve),
    Route::does(&batches::CANCEL, cancel),
    Route::does(&batches::WITHDRAW, withdraw_batch),
    Route::does(&cards::MOVE, move_card),
];

fn find(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let by = if turn.ask.field("by") == "name" { By::Name } else { By::Number };
    let text = turn.ask.field("text").to_owned();
    let found = turn.store.read(|tx| {
        let ids = search::find(tx, by, std::iter::once(text))?;
        search::masked(tx, &ids)
    })?;
    Ok(Reply::Page(turn.ask.say("人员", "People").to_owned(), people::search(&turn.ask.viewer, Some(&found))))
}

fn reveal(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let (id, reason) = (turn.ask.number()?, turn.ask.field("reason").to_owned());
    if reason.is_empty() {
        return Err(RegistryError::ReasonMissing.into());
    }
    let operator = turn.ask.operator();
    let whole = turn.store.act(|tx| -> Result<_, Error> {
        let actor = tx.require(operator, Role::Capture)?;
        let person = tx.person(id)?.ok_or(Missing::Person { id })?;
        let act = Act { actor, act: "person.reveal", object: format!("person {id}"), detail: reason };
        Ok((person.details, act))
    })?;
    let file = people::File { whole: Some(whole), ..super::looks::file(turn)? };
    Ok(Reply::Page(super::looks::person_title(turn, &file), people::page(&turn.ask.viewer, &file)))
}

fn ask(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let id = turn.ask.number()?;
    let kind = request::Kind::ALL.into_iter().find(|kind| kind.name() == turn.ask.field("kind"));
    let kind = kind.ok_or(ApiError::ParameterUnfit { name: "kind" })?;
    request::make(turn.store, id, kind, false, turn.ask.operator())?;
    Ok(Reply::To(format!("/console/people/{id}")))
}

fn withdraw(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    request::withdraw(turn.store, turn.ask.number()?, turn.ask.field("reason"), turn.ask.operator())?;
    Ok(Reply::To("/console/requests".to_owned()))
}

fn create(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let (count, county) = (turn.ask.count("count")?, turn.ask.filled("county").map(str::to_owned));
    let made = batch::create(turn.store, &Selection::Next { county, count }, turn.ask.operator())?;
    Ok(Reply::To(batches::address(made.number)))
}

fn approve(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let number = turn.ask.number()?;
    batch::approve(turn.store, number, turn.ask.operator(), turn.ask.desk.config.card_number_prefix)?;
    Ok(Reply::To(batches::address(number)))
}

fn cancel(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let number = turn.ask.number()?;
    batch::cancel(turn.store, number, turn.ask.operator())?;
    Ok(Reply::To(batches::address(number)))
}

fn withdraw_batch(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let number = turn.ask.number()?;
    batch::withdraw(turn.store, number, turn.ask.field("reason"), turn.ask.operator())?;
    Ok(Reply::To(batches::address(number)))
}

fn move_card(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let (number, rules) = (turn.ask.name(), &turn.ask.desk.config.life);
    let card = turn.store.read(|tx| tx.card_by_number(number))?.ok_or(Missing::Card)?;
    let step = match turn.ask.field("step") {
        "activate" if rules.activate_with_card => return Err(LifeError::CardNotSeen.into()),
        "activate" => Step::Activate,
        "temporary-loss" => Step::ReportTemporary,
        "formal-loss" => Step::ReportFormal,
        "release" if card.state == LifeState::FormalLoss.name() => Step::Revoke,
        "release" => Step::Release,
        "lock" => Step::Lock,
        "unlock" => Step::Unlock,
        "cancel" => Step::Cancel,
        _ => return Err(ApiError::ParameterUnfit { name: "step" }.into()),
    };
    let order = Order { step, reason: turn.ask.field("reason"), operator: turn.ask.operator() };
    life::carry_out(turn.store, rules, number, &order)?;
    Ok(Reply::To(cards::address(number)))
}
