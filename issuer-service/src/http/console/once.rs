//! Forms that are carried out once (docs/adr/0071).
//!
//! Owns: the word that each page's forms carry, what was carried out already, what was cut off and goes on. Never: knows a form.

use super::way::back;
use super::{Ask, Kind, Note, Reply, Route, Work};
use crate::error::Error;
use crate::store::{REQUEST_BEGUN, Store, StoreError};

/// Bytes of what binds a form to its page.
const ONCE_BYTES: usize = 16;

/// Binds a form to its page: what was carried out already is said, and not done again. What is done in many acts is bound when it
/// ends; one that was cut off goes on.
pub(super) fn begun(store: &mut Store, ask: &Ask<'_>, route: &Route) -> Result<Option<Reply>, Error> {
    let Some((operator, key)) = form_key(ask, route) else { return Ok(None) };
    if store.read(|tx| tx.request_key(operator, &key))?.is_none() {
        store.begin_request(operator, &key, if matches!(route.work, Work::Alone(_)) { REQUEST_BEGUN } else { "" });
        return Ok(None);
    }
    already(store, ask, route)
}

/// A form that was begun as one of many acts has come to its end.
pub(super) fn ended(store: &mut Store, ask: &Ask<'_>, route: &Route) -> Result<(), Error> {
    let Some((operator, key)) = form_key(ask, route) else { return Ok(()) };
    Ok(store.journal(|tx| tx.end_request_key(operator, &key))?)
}

/// A form that was refused, with an act on record about it, was not carried out.
pub(super) fn freed(store: &mut Store, ask: &Ask<'_>, route: &Route) -> Result<(), Error> {
    let Some((operator, key)) = form_key(ask, route) else { return Ok(()) };
    Ok(store.journal(|tx| tx.free_request_key(operator, &key))?)
}

/// Who sends a form, and what it is known by: each form of a page is one; what stood in it is nobody's here. None for one that may come as
/// often as somebody likes.
fn form_key<'a>(ask: &Ask<'a>, route: &Route) -> Option<(&'a str, String)> {
    let once = ask.field("once");
    let shaped = once.len() == ONCE_BYTES * 2 && once.bytes().all(|byte| byte.is_ascii_hexdigit());
    let key = || (ask.viewer.operator.name.as_str(), format!("page {once} {}", ask.viewer.path));
    (route.kind == Kind::Acts && !route.repeats && shaped).then(key)
}

/// What is said of a form that was carried out to its end.
pub(super) fn already(store: &mut Store, ask: &Ask<'_>, route: &Route) -> Result<Option<Reply>, Error> {
    let Some((operator, key)) = form_key(ask, route) else { return Ok(None) };
    match store.read(|tx| tx.request_key(operator, &key))? {
        None => return Ok(None),
        Some((digest, _)) if digest == REQUEST_BEGUN => return Ok(None),
        Some(_) => {}
    }
    let title = ask.say("已办理", "Done").to_owned();
    let words = ask.say("此表单已经办理，没有重复办理。", "This form was carried out already; nothing was done twice.");
    Ok(Some(Reply::Noted(title, Note::Done(words.to_owned()), back(&ask.viewer))))
}

/// What each page's forms carry.
pub(super) fn fresh() -> Result<String, Error> {
    use ring::rand::SecureRandom;
    let mut bytes = [0; ONCE_BYTES];
    ring::rand::SystemRandom::new().fill(&mut bytes).map_err(|_| StoreError::NoRandom)?;
    Ok(hex::encode(bytes))
}
