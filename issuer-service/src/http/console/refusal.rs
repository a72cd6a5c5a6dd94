//! A form that was refused: the page where it was, with what was typed in it and what was wrong beside it.
//!
//! Owns: which page that is, what stands there when the page has the form no more. Never: carries anything out; keeps what was typed
//! longer than the answer; a file, which no browser lets itself be given back.

use maud::{Markup, html};

use super::way::{back, page_of};
use super::{Ask, Filled, Reply, Route, Turn, Work};
use crate::console::form::{Form, Refused};
use crate::console::{Note, Viewer};
use crate::error::Error;
use crate::http::api::failure::ApiError;
use crate::http::operators;
use crate::import::ImportError;
use crate::store::Store;

/// What is answered to a form that was refused.
pub(super) struct Refusal {
    /// Why.
    pub(super) error: Error,
    /// Title of the page.
    pub(super) title: String,
    /// What is said above it, where no form of it says so.
    pub(super) note: Option<Note>,
    /// The page.
    pub(super) content: Markup,
}

/// The page of a form that was refused; the error where no form came.
pub(super) fn reply(store: &mut Store, ask: &Ask<'_>, route: &Route, error: Error) -> Result<Reply, Error> {
    let Some(form) = route.form else { return Err(error) };
    // The page is a look of its own.
    store.end_request();
    let fault = if let Error::Api(ApiError::ParameterUnfit { name }) = &error { Some(*name) } else { None };
    let lang = ask.viewer.lang;
    let note = match (&error, fault.and_then(|name| form.unfit(name, lang))) {
        (_, Some(note)) => note,
        // What was sent lies in memory and has no name here.
        (Error::Import(ImportError::Table { path, .. } | ImportError::Unreadable { path, .. }), None) => {
            let named = ask.say("上传的文件", "the file that was sent");
            Note::of(error.explain(), lang).without(&path.display().to_string(), named)
        }
        _ => Note::of(error.explain(), lang),
    };
    Ok(Reply::Refused(shown(store, ask, (form, note, fault), error)))
}

fn shown(
    store: &mut Store,
    ask: &Ask<'_>,
    (form, note, fault): (&Form, Note, Option<&'static str>),
    error: Error,
) -> Refusal {
    let fields = ask.form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let refused = Refused::new(ask.viewer.path, fields, fault, note);
    let viewer = Viewer { path: ask.viewer.place, refused: Some(&refused), ..ask.viewer };
    let word = viewer.say("未办理", "Nothing was done");
    let seen = page(store, ask, viewer);
    let mut note = None;
    let (title, content) = match seen {
        Some((title, content)) if refused.is_shown() => (format!("{word} · {title}"), content),
        Some((title, content)) => {
            let alone = viewer.refused_form(form);
            note = (!refused.is_shown()).then(|| refused.note().clone());
            (format!("{word} · {title}"), html! { (alone) (content) })
        }
        None => {
            let alone = viewer.refused_form(form);
            note = (!refused.is_shown()).then(|| refused.note().clone());
            (word.to_owned(), html! { (alone) (back(&viewer)) })
        }
    };
    Refusal { error, title, note, content }
}

/// The page as it is now: none where the operator may not look, and where there is none any more.
fn page(store: &mut Store, ask: &Ask<'_>, viewer: Viewer<'_>) -> Option<(String, Markup)> {
    let (route, place) = page_of(viewer.path)?;
    let Work::Shared(work) = route.work else { return None };
    let empty = Filled::default();
    let asked = Ask { desk: ask.desk, viewer, session: ask.session, place, query: &[], form: &empty };
    let look = |store: &mut Store| work(&mut Turn { store, ask: asked });
    let seen = match route.command {
        Some(command) => operators::at(store, viewer.operator, command, look),
        None => look(store),
    };
    match seen {
        Ok(Reply::Page(title, content) | Reply::Noted(title, _, content)) => Some((title, content)),
        _ => None,
    }
}
