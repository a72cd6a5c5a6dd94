//! What a counter does for the person in front of it, and what a bank or factory answers: each form calls the function of its command.

use settlement::date::BusinessDate;
use settlement::id::{InstitutionCode, TerminalNumber};
use settlement::pin::PinAct;
use settlement::query::{TicketKind, TicketText};
use settlement::refund::Original;

use super::{Ask, Reply, Route, Turn};
use crate::card::pin;
use crate::centre::Centre;
use crate::console::{counter, exchange as files, said};
use crate::error::Error;
use crate::exchange::failure::ExchangeError;
use crate::exchange::template::{Direction, Partner, Template};
use crate::exchange::{self, Order, intake, template};
use crate::http::api::failure::ApiError;
use crate::output::Show;
use crate::query::person::{self, Part, Question, Whom};
use crate::query::ticket::{self, New, TicketError, TicketState};
use crate::query::{Asker, Channel};

/// Rows of a page.
const ROWS: u32 = 200;

pub(super) const ROUTES: &[Route] = &[
    Route::looks("/console/query", Some("query person"), query_shown),
    Route::does(&counter::QUERY, query).again(),
    Route::looks("/console/pins", Some("pin list"), pins),
    Route::does(&counter::PIN, order_pin),
    Route::does(&counter::PIN_APPROVE, approve_pin),
    Route::does(&counter::PIN_WITHDRAW, withdraw_pin),
    Route::looks("/console/tickets", Some("ticket list"), tickets),
    Route::does(&counter::TICKET_ADD, add_ticket),
    Route::does(&counter::TICKET_SHOW, show_ticket).again(),
    Route::does(&counter::TICKET_ANSWER, answer_ticket),
    Route::does(&counter::TICKET_CLOSE, close_ticket),
    Route::looks("/console/exchange", Some("exchange list"), sent),
    Route::works(&files::EXPORT, export),
    Route::works(&files::IMPORT, take_in),
    Route::works(&files::RESEND, resend),
    Route::works(&files::ABANDON, abandon),
];

fn query_shown(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    Ok(Reply::Page(turn.ask.say("查询", "Questions").to_owned(), counter::query(&turn.ask.viewer, None)))
}

fn query(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let ask = turn.ask;
    let number = ask.field("text").to_ascii_uppercase();
    let whom = match ask.field("by") {
        "card" => Whom::Card(&number),
        "person" => Whom::Person(ask.count("text")?),
        _ => Whom::Number(&number),
    };
    // By number and card anybody could be tried; a row number is on a page that was found.
    if !matches!(whom, Whom::Person(_)) {
        ask.desk.may_search(ask.viewer.operator)?;
    }
    let part = match ask.field("part") {
        "account" => Part::Account { from: day(&ask, "from")?, to: day(&ask, "to")? },
        "insurance" => Part::Insurance,
        "progress" => Part::Progress,
        _ => Part::Person,
    };
    let channel = if ask.field("channel") == "agent" { Channel::Agent } else { Channel::Counter };
    let asker = Asker::new(channel, ask.viewer.operator.name.clone());
    let reveal = ask.is_ticked("reveal").then(|| ask.field("reason"));
    let question = Question { whom, part, reveal, operator: ask.operator() };
    let answer = person::ask(turn.store, ask.desk.config.benefits, &asker, &question)?;
    let text = answer.text(ask.viewer.lang);
    Ok(Reply::Page(ask.say("查询", "Questions").to_owned(), counter::query(&ask.viewer, Some(&text))))
}

fn pins(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let orders = turn.store.read(|tx| tx.pin_orders(false, ROWS))?;
    Ok(Reply::Page(turn.ask.say("口令工单", "PIN orders").to_owned(), counter::pins(&turn.ask.viewer, &orders)))
}

fn order_pin(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let ask = turn.ask;
    let act = match ask.field("act") {
        "reset" => PinAct::Reset,
        "unblock" => PinAct::Unblock,
        _ => return Err(ApiError::ParameterUnfit { name: "act" }.into()),
    };
    let unfit = |_| ApiError::ParameterUnfit { name: "terminal" };
    let terminal = ask.filled("terminal").map(TerminalNumber::parse).transpose().map_err(unfit)?;
    let rules = &ask.desk.config.life;
    pin::make(turn.store, rules, (ask.name(), act), terminal, ask.field("reason"), ask.operator())?;
    pins_page()
}

fn approve_pin(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    pin::approve(turn.store, turn.ask.number()?, turn.ask.operator())?;
    pins_page()
}

fn withdraw_pin(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    pin::withdraw(turn.store, turn.ask.number()?, turn.ask.field("reason"), turn.ask.operator())?;
    pins_page()
}

fn pins_page() -> Result<Reply, Error> {
    Ok(Reply::To("/console/pins".to_owned()))
}

fn tickets(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let tickets = turn.store.read(|tx| -> Result<_, Error> {
        let answered = tx.tickets(Some(TicketState::Answered), 0, ROWS)?;
        Ok([answered, tx.tickets(Some(TicketState::Open), 0, ROWS)?].concat())
    })?;
    Ok(Reply::Page(turn.ask.say("工单", "Tickets").to_owned(), counter::tickets(&turn.ask.viewer, &tickets)))
}

/// A text of somebody; none when there is none.
fn text(ask: &Ask<'_>) -> Result<Option<TicketText>, TicketError> {
    ask.filled("text").map(|text| TicketText::parse(text).map_err(|_| TicketError::TextUnfit)).transpose()
}

/// What a field names, in its own form; none where it is empty.
pub(super) fn named<T>(ask: &Ask<'_>, name: &'static str, read: fn(&str) -> Option<T>) -> Result<Option<T>, ApiError> {
    ask.filled(name).map(|text| read(text).ok_or(ApiError::ParameterUnfit { name })).transpose()
}

/// A day, as the account is asked for; none where it is empty.
fn day(ask: &Ask<'_>, name: &'static str) -> Result<Option<BusinessDate>, ApiError> {
    named(ask, name, |text| BusinessDate::parse(text).ok())
}

fn add_ticket(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let ask = turn.ask;
    let kind = TicketKind::ALL.into_iter().find(|kind| kind.name() == ask.field("kind"));
    let text = text(&ask)?;
    let new = New {
        kind: kind.ok_or(ApiError::ParameterUnfit { name: "kind" })?,
        subject: ticket::subject(ask.field("subject")).map_err(|_| ApiError::ParameterUnfit { name: "subject" })?,
        person: ask.filled("person").map(|_| ask.count("person")).transpose()?,
        institution: named(&ask, "institution", |text| InstitutionCode::parse(text).ok())?,
        about: named(&ask, "purchase", Original::parse)?,
        text: text.as_ref(),
        request: None,
    };
    ticket::add(turn.store, Channel::Counter, &new, ask.operator())?;
    Ok(Reply::To("/console/tickets".to_owned()))
}

fn show_ticket(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let number = turn.ask.number()?;
    let told = ticket::show(turn.store, number, turn.ask.operator())?;
    let title = format!("{} {number}", turn.ask.say("工单", "Ticket"));
    Ok(Reply::Page(title, counter::ticket(&turn.ask.viewer, &told)))
}

fn answer_ticket(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    settle(turn, false)
}

fn close_ticket(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    settle(turn, true)
}

fn settle(turn: &mut Turn<'_>, closes: bool) -> Result<Reply, Error> {
    let text = text(&turn.ask)?;
    ticket::settle(turn.store, turn.ask.number()?, closes, text.as_ref(), turn.ask.operator())?;
    Ok(Reply::To("/console/tickets".to_owned()))
}

fn sent(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let files = turn.store.read(|tx| tx.exchange_files(None))?;
    let all = template::all(turn.ask.desk.folder()).map_err(ExchangeError::from)?.into_values().map(|(one, _)| one);
    // Those that a batch is sent by.
    let goes = |one: &Template| one.direction == Direction::Export && Partner::ALL.contains(&one.partner);
    let templates: Vec<Template> = all.filter(goes).collect();
    let content = files::page(&turn.ask.viewer, &files, &templates);
    Ok(Reply::Page(turn.ask.say("文件交换", "Exchange").to_owned(), content))
}

fn told(ask: &Ask<'_>, result: &impl Show) -> Result<Reply, Error> {
    let content = said(&ask.viewer, result, ("/console/exchange", "文件交换", "Exchange"));
    Ok(Reply::Page(ask.say("已办理", "Done").to_owned(), content))
}

fn export(ask: &Ask<'_>, centre: &mut Centre) -> Result<Reply, Error> {
    let _lock = centre.lock("exchange")?;
    let (template, partner_code) = (ask.field("template"), ask.field("partner"));
    let order = Order { template, batch: ask.count("batch")?, partner_code, operator: ask.operator() };
    told(ask, &exchange::export(centre, &order)?)
}

fn take_in(ask: &Ask<'_>, centre: &mut Centre) -> Result<Reply, Error> {
    let _lock = centre.lock("exchange")?;
    told(ask, &intake::take_all(centre, None, ask.operator())?)
}

fn resend(ask: &Ask<'_>, centre: &mut Centre) -> Result<Reply, Error> {
    let _lock = centre.lock("exchange")?;
    told(ask, &exchange::resend(centre, ask.name(), ask.operator())?)
}

fn abandon(ask: &Ask<'_>, centre: &mut Centre) -> Result<Reply, Error> {
    let _lock = centre.lock("exchange")?;
    told(ask, &exchange::abandon(centre, ask.name(), ask.field("reason"), ask.operator())?)
}
