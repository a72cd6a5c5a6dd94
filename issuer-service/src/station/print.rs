//! Printing a made card by the site's command.
//!
//! Owns: what is printed, the act before it, the notes in the journal. Never: puts it into arguments; spoils a card that is not printed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use zeroize::Zeroizing;

use super::content;
use super::faces::Faces;
use super::failure::StationError;
use super::hook::{Hook, HookEnd};
use super::line::Holder;
use crate::audit::Act;
use crate::audit::text::{self, TextFault};
use crate::batch::{self, BatchError, CardState};
use crate::card::Card;
use crate::instant;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::{Show, json_line};
use crate::photo::stored::Stored;
use crate::request::RequestError;
use crate::state::State;
use crate::store::{Store, StoreError, Tx};

/// Note in the journal: the printer gets this card next. It has no end where that was cut off.
pub(super) const TO_PRINT: &str = "to-print";
/// The act of printing, on record before the printer gets anything.
pub(super) const ACT: &str = "card.print";
/// What is recorded of a card that was not printed before.
pub(super) const FIRST: &str = "not printed before";

/// What is printed on a card.
#[derive(Serialize)]
struct Face<'a> {
    card_number: &'a str,
    name: &'a str,
    /// 姓名 in the script of the holder's own people; absent where there is none.
    #[serde(skip_serializing_if = "str::is_empty")]
    name_script: &'a str,
    number: &'a str,
    issue_date: &'a str,
    valid_until: &'a str,
    /// JPEG in Base64 (RFC 4648); absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    photo: Option<&'a str>,
}

/// Hands a made card to the printer, which gets what is printed on its standard input, and as files where its command names them.
pub(super) fn print(printer: &Hook, reader: &str, card: &Card, holder: &Holder, photo: Option<&str>) -> HookEnd {
    let face = Zeroizing::new(json_line(&Face {
        card_number: &card.card_number,
        name: &holder.name,
        name_script: &holder.name_script,
        number: &holder.number,
        issue_date: &card.issue_date,
        valid_until: &card.valid_until,
        photo,
    }));
    let (job, number) = (card.job.to_string(), card.card_number.as_str());
    // They are gone when this returns.
    let Ok(faces) = Faces::drawn(printer, card, holder, photo) else { return HookEnd::Undrawn };
    let mut places = vec![("job", job.as_str()), ("card_number", number)];
    places.extend(faces.places());
    printer.run(reader, &places, face.as_bytes())
}

/// A photo as it is printed: JPEG in Base64.
pub(crate) fn photo(stored: &Stored) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(&*stored.original))
}

/// What the journal says of a printer's end.
pub(super) fn event(end: HookEnd) -> &'static str {
    if end == HookEnd::Done { "printed" } else { "unprinted" }
}

/// Prints the card of a citizen at the counter; a code when it is not printed.
///
/// # Errors
/// [`StationError`].
pub fn again(
    store: &mut Store,
    request: i64,
    printer: &Hook,
    operator: Option<&str>,
) -> Result<Option<&'static str>, StationError> {
    let (actor, card, reader) = store.read(|tx| -> Result<_, BatchError> {
        let actor = tx.require(operator, Role::Station)?;
        let request = tx.request(request)?.ok_or(RequestError::NotFound { number: request })?;
        let card = instant::card(tx, &request)?;
        let card = card.ok_or(RequestError::WrongState { number: request.number, state: request.state })?;
        let reader = tx.reader_of(card.job)?;
        Ok((actor, card, reader))
    })?;
    one_more(store, &card, reader, printer, (&actor, None))
}

/// Cards of a batch that were handed to the printer once more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reprinted {
    /// Batch.
    pub batch: i64,
    /// 卡号 of those that are printed.
    pub printed: Vec<String>,
    /// Those that are not.
    pub unprinted: Vec<Unprinted>,
}

/// A card that is not printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unprinted {
    /// 卡号.
    pub card_number: String,
    /// Why.
    pub reason: &'static str,
}

/// Hands cards of a batch to the printer once more, chips untouched: those whose printing failed or was cut off, or the one that is named;
/// one that was printed for a reason only. The first card that is not printed ends it: the next one would lie in the printer before it.
///
/// # Errors
/// [`StationError`].
pub fn batch_again(
    store: &mut Store,
    batch: i64,
    job: Option<i64>,
    printer: &Hook,
    (operator, reason): (Option<&str>, Option<&str>),
) -> Result<Reprinted, StationError> {
    let (actor, cards) = store.read(|tx| -> Result<_, StationError> {
        let actor = tx.require(operator, Role::Station).map_err(BatchError::from)?;
        batch::found(tx, batch)?;
        let jobs = job.map_or_else(|| tx.jobs_unprinted(batch), |job| Ok(vec![job]))?;
        let mut cards = Vec::with_capacity(jobs.len());
        for job in jobs {
            let card = tx.card_of_job(job)?.filter(|card| card.state == CardState::Sealed.name());
            let ours = tx.batch_of_job(job)? == Some(batch);
            let card = card.filter(|_| ours).ok_or(StationError::NotPrintable { job })?;
            let reader = tx.reader_of(job)?;
            cards.push((card, reader));
        }
        Ok((actor, cards))
    })?;
    let (mut printed, mut unprinted) = (Vec::new(), Vec::new());
    for (card, reader) in cards {
        match one_more(store, &card, reader, printer, (&actor, reason))? {
            None => printed.push(card.card_number),
            Some(reason) => {
                unprinted.push(Unprinted { card_number: card.card_number, reason });
                break;
            }
        }
    }
    Ok(Reprinted { batch, printed, unprinted })
}

/// Hands a made card to the printer once more; a code when it is not printed.
fn one_more(
    store: &mut Store,
    card: &Card,
    reader: Option<(String, String)>,
    printer: &Hook,
    (actor, reason): (&str, Option<&str>),
) -> Result<Option<&'static str>, StationError> {
    let (person, photo) = store.read(|tx| -> Result<_, StationError> {
        let person = tx.person(card.person)?.ok_or(StationError::PersonMissing { job: card.job })?;
        Ok((person, tx.photo(card.person)?.as_ref().map(self::photo)))
    })?;
    let holder = content::holder(&person.details);
    let (station, reader) = reader.unwrap_or_else(|| (String::new(), "-".to_owned()));
    store.act(|tx| {
        let act = act(tx, card.job, &holder.name, (actor, reason))?;
        tx.note(card.job, (&station, &reader), TO_PRINT, "")?;
        Ok::<_, StationError>(((), act))
    })?;
    let end = print(printer, &reader, card, &holder, photo.as_ref().map(|photo| photo.as_str()));
    store.journal(|tx| tx.note(card.job, (&station, &reader), event(end), end.code()))?;
    Ok((end != HookEnd::Done).then_some(end.code()))
}

/// The record of printing a card; why, where it was printed before.
fn act(tx: &Tx<'_>, job: i64, name: &str, (actor, reason): (&str, Option<&str>)) -> Result<Act, StationError> {
    let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
    let detail = match (tx.notes(job, "printed")?.is_empty(), reason) {
        (true, _) => FIRST.to_owned(),
        (false, None) => return Err(StationError::ReprintReason { job }),
        (false, Some(reason)) if text::names(reason, name) => {
            return Err(StoreError::TextUnfit { why: TextFault::Name }.into());
        }
        (false, Some(reason)) => format!("again: {reason}"),
    };
    Ok(Act { actor: actor.to_owned(), act: ACT, object: format!("job {job}"), detail })
}

impl Show for Reprinted {
    fn text(&self, lang: Lang) -> String {
        let Self { batch, printed, unprinted } = self;
        let mut lines: Vec<String> = unprinted
            .iter()
            .map(|Unprinted { card_number, reason }| {
                lang.pick(
                    format!("卡 {card_number} 未印刷 {reason}；查看打印机后再运行"),
                    format!("card {card_number} is not printed {reason}; look at the printer and run it again"),
                )
            })
            .collect();
        let (count, numbers) = (printed.len(), printed.join(", "));
        lines.push(lang.pick(
            format!("批次 {batch}: 补印 {count} 张 {numbers}"),
            format!("batch {batch}: {count} cards printed {numbers}"),
        ));
        lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
    }
}
