//! What is done with cards as things: each form calls the function of its command.

use super::counter::named;
use super::{Ask, Reply, Route, Turn};
use crate::console::{cards, said, stock as forms};
use crate::error::Error;
use crate::http::api::failure::ApiError;
use crate::output::Show;
use crate::stock::count::{self, Tally};
use crate::stock::finished::Opening;
use crate::stock::handout::{self, Agent};
use crate::stock::loss::{self, Which};
use crate::stock::place::{self, Kind};
use crate::stock::state::StockState;
use crate::stock::{self, blank, finished};

pub(super) const ROUTES: &[Route] = &[
    Route::looks("/console/stock", Some("stock show"), shown),
    Route::does(&forms::PLACE, add_place),
    Route::does(&forms::RECEIVE, receive),
    Route::does(&forms::COUNT, count_box),
    Route::does(&forms::INVENTORY, inventory),
    Route::does(&forms::ISSUE, issue),
    Route::does(&forms::TAKE_BACK, take_back),
    Route::does(&forms::DAMAGE, damage),
    Route::does(&forms::ADOPT, adopt),
    Route::does(&forms::PACK, pack),
    Route::does(&forms::UNPACK, unpack),
    Route::does(&forms::DISPATCH, dispatch),
    Route::does(&forms::ACCEPT, accept),
    Route::does(&forms::SEND_BACK, send_back),
    Route::does(&forms::LOSE, lose),
    Route::does(&forms::FIND, find),
    Route::does(&forms::CONDEMN, condemn),
    Route::does(&forms::DESTROY, destroy),
    Route::does(&cards::HAND_OUT, hand_out),
    Route::does(&cards::TAKE_IN, take_in),
];

fn shown(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let (overview, places) =
        turn.store.read(|tx| -> Result<_, Error> { Ok((stock::overview(tx, None)?, tx.stock_places()?)) })?;
    let content = forms::page(&turn.ask.viewer, &overview, &places);
    Ok(Reply::Page(turn.ask.say("库存", "Stock").to_owned(), content))
}

/// What the command says of it. Doing it again is refused, or changes nothing: the state of each card is asked first.
fn told(ask: &Ask<'_>, result: &impl Show) -> Result<Reply, Error> {
    let content = said(&ask.viewer, result, ("/console/stock", "库存", "Stock"));
    Ok(Reply::Page(ask.say("已办理", "Done").to_owned(), content))
}

fn back<T>(_: T) -> Result<Reply, Error> {
    Ok(Reply::To("/console/stock".to_owned()))
}

/// Card numbers, one a line.
fn numbers(ask: &Ask<'_>) -> Vec<String> {
    let lines = ask.field("numbers").lines().map(|line| line.trim().to_ascii_uppercase());
    lines.filter(|line| !line.is_empty()).collect()
}

/// A number that may be left out.
fn perhaps<T: std::str::FromStr>(ask: &Ask<'_>, name: &'static str) -> Result<Option<T>, ApiError> {
    ask.filled(name).map(|_| ask.count(name)).transpose()
}

/// So many cards of a box, or cards by number.
fn which(ask: &Ask<'_>) -> Result<Which, ApiError> {
    match (ask.filled("box"), numbers(ask)) {
        (Some(name), numbers) if numbers.is_empty() => {
            Ok(Which::Blanks { name: name.to_owned(), cards: ask.count("cards")? })
        }
        (None, numbers) if !numbers.is_empty() => Ok(Which::Cards(numbers)),
        _ => Err(ApiError::ParameterUnfit { name: "box, numbers" }),
    }
}

fn add_place(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let ask = turn.ask;
    let kind = [Kind::Store, Kind::Station, Kind::Outlet].into_iter().find(|kind| kind.name() == ask.field("kind"));
    let kind = kind.ok_or(ApiError::ParameterUnfit { name: "kind" })?;
    let about = (ask.field("title"), ask.field("keeper"), ask.is_ticked("change"));
    back(place::keep(turn.store, ask.field("code"), kind, about, ask.operator())?)
}

fn receive(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let ask = turn.ask;
    back(blank::receive(turn.store, ask.field("box"), ask.field("lot"), ask.count("cards")?, ask.operator())?)
}

fn count_box(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let ask = turn.ask;
    let (name, at, cards, reason) = (ask.field("box"), ask.field("place"), ask.count("cards")?, ask.field("reason"));
    told(&ask, &count::count(turn.store, &Tally { name, at, cards, reason }, ask.operator())?)
}

fn inventory(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let ask = turn.ask;
    let found = count::inventory(turn.store, ask.field("place"), &numbers(&ask), ask.filled("reason"), ask.operator())?;
    told(&ask, &found)
}

fn issue(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let ask = turn.ask;
    back(blank::issue(turn.store, ask.field("box"), ask.field("place"), perhaps(&ask, "cards")?, ask.operator())?)
}

fn take_back(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let ask = turn.ask;
    back(blank::take_back(turn.store, ask.field("box"), ask.field("place"), ask.count("cards")?, ask.operator())?)
}

fn damage(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let ask = turn.ask;
    let (name, at, cards) = (ask.field("box"), ask.field("place"), ask.count("cards")?);
    back(blank::damage(turn.store, name, at, cards, ask.field("reason"), ask.operator())?)
}

fn adopt(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let ask = turn.ask;
    told(&ask, &finished::adopt(turn.store, ask.count("batch")?, ask.operator())?)
}

fn pack(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let (ask, numbers) = (turn.ask, numbers(&turn.ask));
    let which = match perhaps(&ask, "batch")? {
        Some(batch) if numbers.is_empty() => finished::Which::Batch(batch),
        None if !numbers.is_empty() => finished::Which::Cards(numbers),
        _ => return Err(ApiError::ParameterUnfit { name: "batch, numbers" }.into()),
    };
    told(&ask, &finished::pack(turn.store, &which, ask.field("place"), ask.operator())?)
}

fn unpack(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    back(finished::unpack(turn.store, turn.ask.field("parcel"), turn.ask.operator())?)
}

fn dispatch(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let ask = turn.ask;
    back(finished::dispatch(turn.store, ask.field("parcel"), ask.field("carrier"), ask.operator())?)
}

fn accept(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let (ask, numbers) = (turn.ask, numbers(&turn.ask));
    let seen = (!numbers.is_empty()).then_some(numbers.as_slice());
    let opening = if ask.is_ticked("undelivered") { Opening::Undelivered } else { Opening::ThereBound };
    told(&ask, &finished::open(turn.store, ask.field("parcel"), opening, seen, ask.operator())?)
}

fn send_back(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let (ask, numbers) = (turn.ask, numbers(&turn.ask));
    told(&ask, &finished::send_back(turn.store, ask.field("place"), &numbers, ask.field("carrier"), ask.operator())?)
}

fn lose(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let ask = turn.ask;
    let state = named(&ask, "state", StockState::of_name)?;
    back(loss::lose(turn.store, &which(&ask)?, (ask.field("place"), state), ask.field("reason"), ask.operator())?)
}

fn find(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let ask = turn.ask;
    back(loss::find(turn.store, &which(&ask)?, ask.field("reason"), ask.operator())?)
}

fn condemn(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let ask = turn.ask;
    told(&ask, &loss::condemn(turn.store, &which(&ask)?, ask.field("reason"), ask.operator())?)
}

fn destroy(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    told(&turn.ask, &loss::destroy(turn.store, turn.ask.field("sack"), turn.ask.operator())?)
}

fn hand_out(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let ask = turn.ask;
    let agent = ask.filled("agent").map(|text| Agent::parse(text.as_bytes())).transpose()?;
    handout::hand_out(turn.store, ask.name(), agent.as_ref(), ask.operator())?;
    Ok(Reply::To(cards::address(ask.name())))
}

fn take_in(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let ask = turn.ask;
    let taken = handout::take_in(turn.store, ask.name(), ask.field("place"), ask.field("reason"), ask.operator())?;
    let to = cards::address(ask.name());
    let content = said(&ask.viewer, &taken, (&to, "卡", "The card"));
    Ok(Reply::Page(ask.say("已办理", "Done").to_owned(), content))
}
