//! Forms that do: each calls the function of its command.

use std::path::PathBuf;

use card_face::Side;
use settlement::blacklist::SignedBlacklist;
use settlement::id::{CardIdentifier, PublicKey};

use super::looks::FOUND_MAX;
use super::{Ask, Reply, Route, Turn};
use crate::audit::Act;
use crate::batch::{self, Selection};
use crate::card::failure::LifeError;
use crate::card::life::{self, Order};
use crate::card::state::{LifeState, Step};
use crate::centre::Centre;
use crate::clearing::blacklist::{self, BlacklistAct};
use crate::clearing::refusal::ClearingError;
use crate::clearing::withheld;
use crate::console::{self, batches, cards, people, works};
use crate::error::{Error, Missing};
use crate::face;
use crate::http::api::batches::COUNT_MAX;
use crate::http::api::failure::ApiError;
use crate::operator::{Role, duty};
use crate::output::Show;
use crate::peer;
use crate::registry::RegistryError;
use crate::registry::search::By;
use crate::request;
use crate::station::care::{self, HoldKind};
use crate::vault::VaultError;

pub(super) const ROUTES: &[Route] = &[
    Route::does(&people::FIND, find).again(),
    Route::does(&people::REVEAL, reveal).again(),
    Route::does(&people::ASK, ask),
    Route::does(&people::WITHDRAW, withdraw),
    Route::does(&batches::CREATE, create),
    Route::does(&batches::APPROVE, approve),
    Route::does(&batches::CANCEL, cancel),
    Route::does(&batches::WITHDRAW, withdraw_batch),
    Route::does(&cards::MOVE, move_card),
    Route::works(&cards::FACE, show_face).again(),
    Route::does(&works::RELEASE, release),
    Route::does(&works::ENROL, enrol),
    Route::does(&works::REVOKE, revoke),
    Route::does(&works::LIST, list),
    Route::does(&works::UNLIST, unlist),
    Route::does(&works::ADOPT, adopt),
    Route::does(&works::PUBLISH, publish),
    Route::works(&works::VERIFY, verify).again(),
];

fn find(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let by = if turn.ask.field("by") == "name" { By::Name } else { By::Number };
    let text = turn.ask.field("text").to_owned();
    let found = turn.ask.desk.search(turn.store, turn.ask.viewer.operator, by, text, (0, FOUND_MAX))?;
    turn.ask.session.set_found(turn.store, &found)?;
    Ok(Reply::To("/console/people/found".to_owned()))
}

fn reveal(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let (id, reason) = (turn.ask.number()?, turn.ask.field("reason").to_owned());
    if reason.is_empty() {
        return Err(RegistryError::ReasonMissing.into());
    }
    let operator = turn.ask.operator();
    turn.store.act(|tx| -> Result<_, Error> {
        let actor = tx.require(operator, Role::Capture)?;
        tx.person(id)?.ok_or(Missing::Person { id })?;
        Ok(((), Act { actor, act: "person.reveal", object: format!("person {id}"), detail: reason }))
    })?;
    // Shown on the page that follows, once.
    turn.ask.session.set_opened(turn.store, id)?;
    Ok(Reply::To(people::address(id)))
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
    if !(1..=COUNT_MAX).contains(&count) {
        return Err(ApiError::ParameterUnfit { name: "count" }.into());
    }
    let selection = match turn.ask.filled("whom").unwrap_or(batches::WITHOUT_CARD) {
        batches::WITHOUT_CARD => Selection::Next { county, count },
        batches::OPEN_REQUESTS => Selection::Open { county, count },
        _ => return Err(ApiError::ParameterUnfit { name: "whom" }.into()),
    };
    let made = batch::create(turn.store, &selection, turn.ask.operator())?;
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
    // Each move is a command of its own, with a duty of its own.
    duty::allowed(turn.ask.viewer.operator, step.command())?;
    let order = Order { step, reason: turn.ask.field("reason"), operator: turn.ask.operator() };
    life::carry_out(turn.store, rules, number, &order)?;
    Ok(Reply::To(cards::address(number)))
}

fn show_face(ask: &Ask<'_>, centre: &mut Centre) -> Result<Reply, Error> {
    let side = Side::ALL.into_iter().find(|side| side.name() == ask.field("side"));
    let side = side.ok_or(ApiError::ParameterUnfit { name: "side" })?;
    let image = face::show(&mut centre.store, &centre.folder, ask.name(), side, ask.operator())?;
    let title = format!("{} {}", ask.say("卡面", "Face of card"), ask.name());
    Ok(Reply::Page(title, cards::face(&ask.viewer, ask.name(), &image)))
}

fn release(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let ask = turn.ask;
    let kind = HoldKind::ALL.into_iter().find(|kind| kind.name() == ask.field("kind"));
    let kind = kind.ok_or(ApiError::ParameterUnfit { name: "kind" })?;
    let which = (ask.field("station"), ask.field("name"));
    care::release(turn.store, kind, which, ask.field("reason"), ask.operator())?;
    stations()
}

fn enrol(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    // A field of a form has line ends of its own.
    let request = turn.ask.field("request").replace('\r', "");
    peer::enrol(turn.store, turn.ask.field("name"), &request, turn.ask.operator())?;
    stations()
}

fn revoke(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    peer::revoke(turn.store, turn.ask.name(), turn.ask.field("reason"), turn.ask.operator())?;
    stations()
}

fn stations() -> Result<Reply, Error> {
    Ok(Reply::To("/console/stations".to_owned()))
}

fn list(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    change_list(turn, turn.ask.field("card"), BlacklistAct::Add)
}

fn unlist(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    change_list(turn, turn.ask.name(), BlacklistAct::Remove)
}

fn change_list(turn: &mut Turn<'_>, card: &str, act: BlacklistAct) -> Result<Reply, Error> {
    let card = CardIdentifier::parse(card).map_err(|_| ApiError::ParameterUnfit { name: "card" })?;
    blacklist::change(turn.store, card, act, turn.ask.field("reason"), turn.ask.operator())?;
    Ok(Reply::To("/console/blacklist".to_owned()))
}

fn adopt(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let ask = turn.ask;
    let path = || PathBuf::from(ask.say("上传的名单", "the list that was sent"));
    let malformed = |line, column| ClearingError::FileMalformed { path: path(), line, column };
    let text = std::str::from_utf8(ask.file("list")?).map_err(|_| malformed(1, 1))?;
    let list = SignedBlacklist::parse(text).map_err(|place| malformed(place.line, place.column))?;
    // Whoever opens the vault is compared with it: it is the centre's own.
    let key = turn.store.read(|tx| tx.fact("public_key"))?;
    let key = key.as_deref().and_then(|key| PublicKey::parse(key).ok()).ok_or(VaultError::Foreign)?;
    let adopted = withheld::adopt(turn.store, &list, &key, ask.operator())?;
    told_of_list(&ask, &adopted)
}

fn publish(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let released = withheld::release(turn.store, turn.ask.field("reason"), turn.ask.operator())?;
    told_of_list(&turn.ask, &released)
}

fn told_of_list(ask: &Ask<'_>, result: &impl Show) -> Result<Reply, Error> {
    let content = console::said(&ask.viewer, result, ("/console/blacklist", "黑名单", "Blacklist"));
    Ok(Reply::Page(ask.say("已办理", "Done").to_owned(), content))
}

fn verify(ask: &Ask<'_>, centre: &mut Centre) -> Result<Reply, Error> {
    let verdict = crate::audit::check::verify(&mut centre.store)?;
    let content = console::said(&ask.viewer, &verdict, ("/console/audit", "审计", "Audit"));
    Ok(Reply::Page(ask.say("核验结果", "Verdict").to_owned(), content))
}
