//! Pages that show: each reads what its command reads.

use super::{Ask, Reply, Route, Turn};
use card_face::{NAMES, Side};

use crate::audit::Sought;
use crate::batch::{self, BatchState};
use crate::card::life;
use crate::clearing::withheld;
use crate::console::people::More;
use crate::console::{self, batches, cards, clearing, figures, people, today, works};
use crate::error::{Error, Missing};
use crate::face;
use crate::http::api::failure::ApiError;
use crate::operator::duty;
use crate::peer;
use crate::person::Masked;
use crate::registry::search;
use crate::request::RequestState;
use crate::stock::Unit;
use crate::stock::place::{Kind as PlaceKind, Place};
use crate::store::proposal::{Kind, Page};

/// Records of the audit log, batches, cards of the blacklist on a page.
pub(super) const RECORDS: u32 = 50;
/// People whom a search found, on a page.
const PEOPLE: usize = 50;
/// So many of them are kept for the pages that follow.
pub(super) const FOUND_MAX: u32 = 10_000;
/// Batches of a kind that are counted and shown as today's work.
const BATCHES_MAX: u32 = 200;
/// Requests that are counted.
const REQUESTS_MAX: u32 = 500;
/// Days of settlement on the chart.
const DAYS: u32 = 14;

pub(super) const ROUTES: &[Route] = &[
    Route::looks("/console/today", Some("batch list"), today),
    Route::looks("/console/people", Some("person find"), people_search),
    Route::looks("/console/people/found", Some("person find"), people_found),
    Route::looks("/console/people/{number}", Some("person show"), person),
    Route::looks("/console/batches", Some("batch list"), batch_list),
    Route::looks("/console/batches/{number}", Some("batch show"), one_batch),
    Route::looks("/console/cards", Some("card show"), card_search),
    Route::looks("/console/cards/{name}", Some("card show"), card),
    Route::looks("/console/stations", Some("station list"), stations),
    Route::looks("/console/clearing", Some("row list"), clearing_list),
    Route::looks("/console/requests", Some("request list"), requests),
    Route::looks("/console/keys", Some("key check"), keys),
    Route::looks("/console/faces", Some("face template list"), faces),
    Route::draws("/console/faces/{name}", "face template show", one_face),
    Route::looks("/console/blacklist", Some("blacklist list"), blacklist),
    Route::looks("/console/audit", Some("audit export"), audit),
    Route::looks("/console/figures", Some("station yield"), figures_shown),
];

fn today(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let work = turn.store.read(|tx| -> Result<_, Error> {
        let proposed = tx.batches_in([BatchState::Created; 2], BATCHES_MAX)?;
        let making = tx.batches_in([BatchState::Approved, BatchState::Running], BATCHES_MAX)?;
        let requests = tx.requests(Some(RequestState::Open), None, 0, REQUESTS_MAX)?.len();
        let more_requests = u32::try_from(requests).is_ok_and(|requests| requests == REQUESTS_MAX);
        let more_batches = [&proposed, &making].map(|found| is_full(found, BATCHES_MAX));
        Ok(today::Work { proposed, making, more_batches, requests, more_requests, holds: tx.holds()? })
    })?;
    Ok(Reply::Page(turn.ask.viewer.say("今日工作", "Today").to_owned(), today::page(&turn.ask.viewer, &work)))
}

fn people_search(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    Ok(Reply::Page(turn.ask.viewer.say("人员", "People").to_owned(), people::search(&turn.ask.viewer, None)))
}

/// Whom the last search of this session found.
fn people_found(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let title = turn.ask.viewer.say("人员", "People").to_owned();
    let Some(rows) = turn.ask.session.found(turn.store)? else { return Ok(Reply::To("/console/people".to_owned())) };
    let after = turn.ask.asked("after").parse().unwrap_or(0);
    let page: Vec<i64> = rows.iter().copied().filter(|id| *id > after).take(PEOPLE).collect();
    let next = page.last().copied().filter(|last| rows.last() > Some(last));
    let more = if is_full(&rows, FOUND_MAX) { More::Unkept } else { More::None };
    let more = next.map_or(more, More::Behind);
    let found = turn.store.read(|tx| search::masked(tx, &page))?;
    Ok(Reply::Page(title, people::search(&turn.ask.viewer, Some((&found, more)))))
}

fn person(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let mut file = file(turn)?;
    if turn.ask.session.take_opened(turn.store, file.person.id)? {
        let id = file.person.id;
        // Whoever asked for it had the role then; who lost it since does not see it.
        duty::allowed(turn.ask.viewer.operator, people::REVEAL.command)?;
        file.whole = turn.store.read(|tx| tx.person(id))?.map(|person| person.details);
    }
    Ok(Reply::Page(person_title(turn, &file), people::page(&turn.ask.viewer, &file)))
}

pub(super) fn person_title(turn: &Turn<'_>, file: &people::File) -> String {
    format!("{} {}", turn.ask.viewer.say("人员", "Person"), file.person.id)
}

/// What is known of the person in the address, masked.
pub(super) fn file(turn: &mut Turn<'_>) -> Result<people::File, Error> {
    let id = turn.ask.number()?;
    turn.store.read(|tx| -> Result<_, Error> {
        let person = tx.person(id)?.ok_or(Missing::Person { id })?;
        Ok(people::File {
            person: Masked::from(&person),
            goes_on_as: tx.joined_into(id)?,
            cards: tx.cards_of_person(id)?,
            requests: tx.requests(None, Some(id), 0, REQUESTS_MAX)?,
            photo: tx.photo(id)?.map(|photo| (photo.width, photo.height)),
            whole: None,
            likeness: None,
        })
    })
}

fn batch_list(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let before = turn.ask.asked("before").parse().unwrap_or(i64::MAX);
    let found = turn.store.read(|tx| tx.batches_before(before, RECORDS))?;
    let older = found.last().map(|batch| batch.number).filter(|_| is_full(&found, RECORDS));
    Ok(Reply::Page(turn.ask.viewer.say("批次", "Batches").to_owned(), batches::list(&turn.ask.viewer, &found, older)))
}

fn one_batch(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let number = turn.ask.number()?;
    let (found, reasons) = turn
        .store
        .read(|tx| -> Result<_, Error> { Ok((batch::found(tx, number)?, tx.spoilt_reasons(Some(number))?)) })?;
    let title = format!("{} {number}", turn.ask.viewer.say("批次", "Batch"));
    Ok(Reply::Page(title, batches::page(&turn.ask.viewer, &found, &reasons)))
}

fn card_search(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let number = turn.ask.asked("number").trim().to_ascii_uppercase();
    let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if plain && turn.store.read(|tx| tx.card_by_number(&number))?.is_some() {
        return Ok(Reply::To(format!("/console/cards/{number}")));
    }
    let title = turn.ask.viewer.say("卡", "Cards").to_owned();
    let content = cards::search(&turn.ask.viewer, &number);
    if number.is_empty() {
        return Ok(Reply::Page(title, content));
    }
    Ok(Reply::Noted(title, console::Note::of(&Missing::Card, turn.ask.viewer.lang), content))
}

fn card(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let number = turn.ask.place.unwrap_or_default().to_owned();
    let (file, moves, custody) = turn.store.read(|tx| -> Result<_, Error> {
        let file = life::file(tx, &number)?;
        let moves = tx.card_moves(file.card.job)?;
        let held = tx.holdings(&Unit::of_card(&file.card.card_number))?.pop();
        let taken_in = |place: &Place| [PlaceKind::Outlet, PlaceKind::Store, PlaceKind::Station].contains(&place.kind);
        let places = tx.stock_places()?.into_iter().filter(taken_in).collect();
        Ok((file, moves, cards::Custody { held, places }))
    })?;
    let title = format!("{} {}", turn.ask.viewer.say("卡", "Card"), file.card.card_number);
    Ok(Reply::Page(title, cards::page(&turn.ask.viewer, &file, &moves, &custody)))
}

fn stations(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let (certificates, holds, readers, lots, batches) = turn.store.read(|tx| -> Result<_, Error> {
        let running = tx.batches_in([BatchState::Running; 2], BATCHES_MAX)?;
        Ok((tx.certificates(peer::STATION)?, tx.holds()?, tx.reader_yield(None)?, tx.lot_yield(None)?, running))
    })?;
    let content = works::stations(&turn.ask.viewer, &certificates, &holds, (&readers, &lots), &batches);
    Ok(Reply::Page(turn.ask.viewer.say("制卡站", "Stations").to_owned(), content))
}

fn clearing_list(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == turn.ask.asked("of")).unwrap_or(Kind::Record);
    let before = turn.ask.asked("before").parse().unwrap_or(i64::MAX);
    let found = turn.store.read(|tx| tx.proposals(kind, Page::Before(before), RECORDS))?;
    let older = found.last().map(|one| one.number).filter(|_| is_full(&found, RECORDS));
    let content = clearing::page(&turn.ask.viewer, kind, &found, older);
    Ok(Reply::Page(turn.ask.viewer.say("清算复核", "Clearing").to_owned(), content))
}

/// Whether a page is as long as a page may be: there may be more.
pub(super) fn is_full<T>(found: &[T], most: u32) -> bool {
    u32::try_from(found.len()).is_ok_and(|found| found >= most)
}

fn requests(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let after = turn.ask.asked("after").parse().unwrap_or(0);
    let open = turn.store.read(|tx| tx.requests(Some(RequestState::Open), None, after, RECORDS))?;
    let newer = open.last().map(|request| request.number).filter(|_| is_full(&open, RECORDS));
    let content = people::requests_page(&turn.ask.viewer, &open, newer);
    Ok(Reply::Page(turn.ask.viewer.say("申请", "Requests").to_owned(), content))
}

fn keys(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let (values, ceremonies) =
        turn.store.read(|tx| -> Result<_, Error> { Ok((tx.recorded_check_values()?, tx.ceremonies()?)) })?;
    Ok(Reply::Page(turn.ask.viewer.say("密钥", "Keys").to_owned(), works::keys(&turn.ask.viewer, &values, &ceremonies)))
}

fn faces(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let known = face::list(turn.ask.desk.folder())?;
    Ok(Reply::Page(
        turn.ask.viewer.say("卡面", "Card faces").to_owned(),
        works::faces(&turn.ask.viewer, &known.templates, sample_name(&turn.ask)),
    ))
}

/// Which of the invented names a face is looked at with; the usual one when none is asked for.
fn sample_name(ask: &Ask<'_>) -> usize {
    ask.asked("name").parse().ok().filter(|number| *number < NAMES.len()).unwrap_or(1)
}

fn one_face(ask: &Ask<'_>) -> Result<Reply, Error> {
    let side = Side::ALL.into_iter().find(|side| Some(side.name()) == ask.place);
    let side = side.ok_or(ApiError::PathUnknown)?;
    Ok(Reply::Image(ask.desk.previews.of(ask.desk.folder(), side, NAMES[sample_name(ask)])?))
}

fn blacklist(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let before = turn.ask.asked("before").parse().unwrap_or(i64::MAX);
    let (found, withheld) = turn
        .store
        .read(|tx| -> Result<_, Error> { Ok((tx.blacklist_before(before, RECORDS)?, withheld::withheld(tx)?)) })?;
    let older = found.last().map(|entry| entry.sequence).filter(|_| is_full(&found, RECORDS));
    let content = works::blacklist(&turn.ask.viewer, &found, older, withheld);
    Ok(Reply::Page(turn.ask.viewer.say("黑名单", "Blacklist").to_owned(), content))
}

fn audit(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let before = turn.ask.asked("before").parse().unwrap_or(i64::MAX);
    let [actor, act, object] = ["actor", "act", "object"].map(|name| turn.ask.asked(name).trim().to_owned());
    let sought = Sought { actor, act, object };
    let records = turn.store.read(|tx| tx.audit_before(before, &sought, RECORDS))?;
    let older = records.last().map(|record| record.sequence).filter(|_| is_full(&records, RECORDS));
    let content = works::audit(&turn.ask.viewer, &sought, &records, older);
    Ok(Reply::Page(turn.ask.viewer.say("审计", "Audit").to_owned(), content))
}

fn figures_shown(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let figures = turn.store.read(|tx| -> Result<_, Error> {
        let day = |(date, accepted, refused, purchased)| figures::Day { date, accepted, refused, purchased };
        let days = tx.days_settled(DAYS)?.into_iter().map(day).collect();
        Ok(figures::Figures { counties: tx.jobs_by_county()?, reasons: tx.spoilt_reasons(None)?, days })
    })?;
    Ok(Reply::Page(turn.ask.viewer.say("统计", "Figures").to_owned(), figures::page(&turn.ask.viewer, &figures)))
}
