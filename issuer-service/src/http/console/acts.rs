//! Forms that do: each calls the function of its command.

use super::{Kind, Reply, Route, Turn};
use crate::audit::Act;
use crate::batch::{self, Selection};
use crate::card::failure::LifeError;
use crate::card::life::{self, Order};
use crate::card::state::{LifeState, Step};
use crate::console::people;
use crate::error::{Error, Missing};
use crate::http::api::failure::ApiError;
use crate::operator::Role;
use crate::registry::RegistryError;
use crate::registry::search::{self, By};
use crate::request;

const fn does(path: &'static str, command: &'static str, work: fn(&mut Turn<'_>) -> Result<Reply, Error>) -> Route {
    Route { kind: Kind::Acts, path, command: Some(command), work }
}

pub(super) const ROUTES: &[Route] = &[
    does("/console/people", "person find", find),
    does("/console/people/{number}/reveal", "person show --reveal", reveal),
    does("/console/people/{number}/request", "request new", ask),
    does("/console/batches", "batch create", create),
    does("/console/batches/{number}/approve", "batch approve", approve),
    does("/console/batches/{number}/cancel", "batch cancel", cancel),
    does("/console/cards/{name}/move", "card report-loss", move_card),
];

fn find(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let by = if turn.field("by") == "name" { By::Name } else { By::Number };
    let text = turn.field("text").to_owned();
    let found = turn.store.read(|tx| {
        let ids = search::find(tx, by, std::iter::once(text))?;
        search::masked(tx, &ids)
    })?;
    Ok(Reply::Page(turn.viewer.say("人员", "People").to_owned(), people::search(&turn.viewer, Some(&found))))
}

fn reveal(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let (id, reason) = (turn.number()?, turn.field("reason").trim().to_owned());
    if reason.is_empty() {
        return Err(RegistryError::ReasonMissing.into());
    }
    let operator = turn.viewer.operator.name.clone();
    let whole = turn.store.act(|tx| -> Result<_, Error> {
        let actor = tx.require(Some(&operator), Role::Capture)?;
        let person = tx.person(id)?.ok_or(Missing::Person { id })?;
        let act = Act { actor, act: "person.reveal", object: format!("person {id}"), detail: reason };
        Ok((person.details, act))
    })?;
    let file = people::File { whole: Some(whole), ..super::looks::file(turn)? };
    Ok(Reply::Page(super::looks::person_title(turn, &file), people::page(&turn.viewer, &file)))
}

fn ask(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let id = turn.number()?;
    let kind = request::Kind::ALL.into_iter().find(|kind| kind.name() == turn.field("kind"));
    let kind = kind.ok_or(ApiError::ParameterUnfit { name: "kind" })?;
    let operator = turn.viewer.operator.name.clone();
    request::make(turn.store, id, kind, false, Some(&operator))?;
    Ok(Reply::To(format!("/console/people/{id}")))
}

fn create(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let count = turn.field("count").trim().parse().map_err(|_| ApiError::ParameterUnfit { name: "count" })?;
    let county = Some(turn.field("county").trim().to_owned()).filter(|county| !county.is_empty());
    let operator = turn.viewer.operator.name.clone();
    let made = batch::create(turn.store, &Selection::Next { county, count }, Some(&operator))?;
    Ok(Reply::To(format!("/console/batches/{}", made.number)))
}

fn approve(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let (number, operator) = (turn.number()?, turn.viewer.operator.name.clone());
    batch::approve(turn.store, number, Some(&operator), turn.desk.config.card_number_prefix)?;
    Ok(Reply::To(format!("/console/batches/{number}")))
}

fn cancel(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let (number, operator) = (turn.number()?, turn.viewer.operator.name.clone());
    batch::cancel(turn.store, number, Some(&operator))?;
    Ok(Reply::To(format!("/console/batches/{number}")))
}

fn move_card(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let number = turn.place.unwrap_or_default().to_owned();
    let reason = turn.field("reason").to_owned();
    let card = turn.store.read(|tx| tx.card_by_number(&number))?.ok_or(Missing::Card)?;
    let step = match turn.field("step") {
        "activate" if turn.desk.config.life.activate_with_card => return Err(LifeError::CardNotSeen.into()),
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
    let operator = turn.viewer.operator.name.clone();
    let order = Order { step, reason: &reason, operator: Some(&operator) };
    life::carry_out(turn.store, &turn.desk.config.life, &number, &order)?;
    Ok(Reply::To(format!("/console/cards/{number}")))
}
