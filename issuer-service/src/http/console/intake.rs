//! What comes in as a file: people of a bureau, photos.
//!
//! Owns: the way from a form to the command's function. Never: puts data of people into a file of the disk.

use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use rustix::fs::{MemfdFlags, memfd_create};

use super::{Ask, Reply, Route, Turn};
use crate::audit::Act;
use crate::card::update::item::Items;
use crate::card::update::{self, Origin};
use crate::centre::Centre;
use crate::console::{files, people};
use crate::error::Error;
use crate::import::{self, ImportError, Quiet};
use crate::operator::Role;
use crate::photo::failure::PhotoError;
use crate::photo::intake::{self, Order};
use crate::registry::RegistryError;
use crate::station::content;

pub(super) const ROUTES: &[Route] = &[
    Route::looks("/console/import", Some("person import"), shown),
    Route::works(&files::IMPORT, import_people),
    Route::does(&people::PHOTO_ADD, add_photo),
    Route::does(&people::PHOTO_SHOW, show_photo).again(),
    Route::does(&people::PHOTO_REMOVE, remove_photo),
];

fn shown(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let sources = turn.store.read(|tx| tx.sources())?;
    let content = files::page(&turn.ask.viewer, &sources);
    Ok(Reply::Page(turn.ask.say("导入人员", "Import people").to_owned(), content))
}

/// Bytes as a file that lies in memory alone, and goes with its handle.
fn in_memory(bytes: &[u8]) -> Result<(std::fs::File, PathBuf), ImportError> {
    let failed = |source| ImportError::Unreadable { path: PathBuf::from("/proc/self/fd"), source };
    let mut file =
        std::fs::File::from(memfd_create("import", MemfdFlags::CLOEXEC).map_err(|error| failed(error.into()))?);
    file.write_all(bytes).map_err(failed)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    Ok((file, path))
}

fn import_people(ask: &Ask<'_>, centre: &mut Centre) -> Result<Reply, Error> {
    let (_file, path) = in_memory(ask.file("file")?)?;
    let order = import::Order {
        file: &path,
        source: ask.field("source"),
        encoding: None,
        sheet: None,
        city: centre.config.city,
        people: centre.config.people,
        dry_run: ask.is_ticked("dry_run"),
        report: None,
        actor: &ask.viewer.operator.name,
        lang: ask.viewer.lang,
        watcher: &Quiet,
    };
    let title = ask.say("导入人员", "Import people").to_owned();
    // Two imports at once would each think that the other one was killed.
    let _lock = centre.lock("import")?;
    let report = import::run(&mut centre.store, &order)?;
    Ok(Reply::Page(title, files::report(&ask.viewer, &report)))
}

fn add_photo(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let (id, rules) = (turn.ask.number()?, turn.ask.desk.config.photo);
    let order = Order {
        rules: &rules,
        chip_bytes: content::photo_bytes(&turn.ask.desk.config.made()),
        actor: &turn.ask.viewer.operator.name,
        lang: turn.ask.viewer.lang,
    };
    let report = intake::add(turn.store, &order, id, turn.ask.file("photo")?.to_vec())?;
    let file = super::looks::file(turn)?;
    let title = super::looks::person_title(turn, &file);
    if report.refused > 0 {
        return Ok(Reply::Page(title, files::photo_refused(&turn.ask.viewer, id, &report)));
    }
    Ok(Reply::To(people::address(id)))
}

fn show_photo(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let (id, operator, reason) = (turn.ask.number()?, turn.ask.operator(), reason(turn)?);
    // On record before it is shown.
    let photo = turn.store.act(|tx| -> Result<_, Error> {
        let actor = tx.require(operator, Role::Capture)?;
        let photo = tx.photo(id)?.ok_or(PhotoError::Missing { person: id })?;
        Ok((photo, Act { actor, act: "photo.reveal", object: format!("person {id}"), detail: reason }))
    })?;
    let file = people::File { likeness: Some(photo.original), ..super::looks::file(turn)? };
    Ok(Reply::Page(super::looks::person_title(turn, &file), people::page(&turn.ask.viewer, &file)))
}

fn remove_photo(turn: &mut Turn<'_>) -> Result<Reply, Error> {
    let (id, operator, detail) = (turn.ask.number()?, turn.ask.operator(), reason(turn)?);
    turn.store.act(|tx| -> Result<_, Error> {
        let actor = tx.require(operator, Role::Capture)?;
        if !tx.remove_photo(id)? {
            return Err(PhotoError::Missing { person: id }.into());
        }
        update::follow(tx, id, Items::PHOTO, Origin::Photo)?;
        Ok(((), Act { actor, act: "photo.remove", object: format!("person {id}"), detail }))
    })?;
    Ok(Reply::To(people::address(id)))
}

fn reason(turn: &Turn<'_>) -> Result<String, RegistryError> {
    turn.ask.filled("reason").map(str::to_owned).ok_or(RegistryError::ReasonMissing)
}
