//! Who somebody is: forms of the person's page, and the page of what waits for another person.
//!
//! Owns: the way from a form to the command's function. Never: a rule of its own.

use serde_json::{Map, Value};

use super::looks::{RECORDS, is_full};
use super::{Reply, Route, Turn};
use crate::console::identities;
use crate::error::Error;
use crate::http::api::failure::ApiError;
use crate::registry::identity::{self, Because, By};

pub(super) const ROUTES: &[Route] = &[
    Route::looks("/console/identities", Some("person orders"), orders),
    Route::does(&identities::RENUMBER, renumber),
    Route::does(&identities::JOIN, join),
    Route::does(&identities::APPROVE, approve),
    Route::does(&identities::REJECT, reject),
];

fn orders(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let before = turn.ask.asked("before").parse().unwrap_or(i64::MAX);
    let found = turn.store.read(|tx| identity::shown_before(tx, before, RECORDS))?;
    let older = found.last().map(|(order, _)| order.number).filter(|_| is_full(&found, RECORDS));
    let content = identities::page(&turn.ask.viewer, &found, older);
    Ok(Reply::Page(turn.ask.say("身份变更", "Identities").to_owned(), content))
}

fn renumber(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let (id, because) = (turn.ask.number()?, turn.ask.field("because"));
    let because = Because::ALL.into_iter().find(|one| one.name() == because);
    let because = because.ok_or(ApiError::ParameterUnfit { name: "because" })?;
    let said = ["number", "certificate_type", "nationality", "sex", "birth_date"];
    let said = said.into_iter().filter_map(|name| Some((name.to_owned(), Value::from(turn.ask.filled(name)?))));
    let text = zeroize::Zeroizing::new(Value::from(said.collect::<Map<_, _>>()).to_string());
    let config = &turn.ask.desk.config;
    let site = (config.city, config.people, turn.ask.viewer.lang);
    let by = By { reason: turn.ask.field("reason"), operator: turn.ask.operator() };
    identity::renumber(turn.store, id, text.as_bytes(), because, site, by)?;
    orders_page()
}

fn join(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let (id, into) = (turn.ask.number()?, turn.ask.count("into")?);
    let by = By { reason: turn.ask.field("reason"), operator: turn.ask.operator() };
    identity::join(turn.store, id, into, by)?;
    orders_page()
}

fn approve(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    identity::approve(turn.store, turn.ask.number()?, turn.ask.operator())?;
    orders_page()
}

fn reject(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let by = By { reason: turn.ask.field("reason"), operator: turn.ask.operator() };
    identity::reject(turn.store, turn.ask.number()?, by)?;
    orders_page()
}

fn orders_page() -> Result<Reply, Error> {
    Ok(Reply::To("/console/identities".to_owned()))
}
