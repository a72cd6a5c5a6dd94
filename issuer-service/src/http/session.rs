//! Who sends a request of operators: a session's cookie, or the certificate of a machine.
//!
//! For pages: [`Session::of`] says who is logged in, with the roles of this moment. A page puts [`Session::csrf`] into each of its
//! forms and calls [`Session::proves`] with what comes back before it acts. Whatever an operator does or looks at goes through
//! [`OperatorDesk::at`](super::operators::OperatorDesk::at), which asks the duty table. [`cookie`] and [`no_cookie`] are the
//! headers of logging in ([`crate::operator::login::log_in`]) and out.
//!
//! Source: RFC 6265bis (cookies, `__Host-`, SameSite). Owns: the cookie, the header of the token that binds a request to its session.
//! Never: decides what a role may do.

use axum::http::{HeaderMap, HeaderValue, header};
use zeroize::Zeroizing;

use super::operators::OperatorDesk;
use super::single;
use super::tls::Peer;
use crate::clock;
use crate::operator::login::{self, Entered, LoginError};
use crate::operator::{Operator, Role};
use crate::peer;
use crate::query::Channel;
use crate::store::{Store, StoreError};

/// Header of programs that hold a session: what `GET /api/v1/session` told them.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// How long the people that a search found may be looked at again without another search.
const FOUND_SECONDS: u64 = 600;
/// Cookies that are read; a browser sends few.
const COOKIES_MAX: usize = 64;

/// Somebody who is logged in.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    entered: Entered,
    token: Option<Zeroizing<String>>,
    channel: Option<Channel>,
}

impl Session {
    /// Who sends a request. Reads the database: it is blocking work.
    ///
    /// # Errors
    /// [`LoginError::SessionMissing`], [`LoginError::SessionEnded`].
    pub fn of(desk: &OperatorDesk, headers: &HeaderMap, peer: Option<&Peer>) -> Result<Self, LoginError> {
        desk.with_store(|store| Self::within(store, (desk.is_secure(), true), headers, peer))
    }

    /// As [`Session::of`], with the connection in hand; a page that watches by itself is not seen.
    pub(super) fn within(
        store: &mut Store,
        (secure, seen): (bool, bool),
        headers: &HeaderMap,
        peer: Option<&Peer>,
    ) -> Result<Self, LoginError> {
        let Some(token) = token(headers, secure) else { return Self::of_machine(store, peer) };
        let mut entered = login::entered(store, &token, seen)?;
        let channel = Self::program(store, peer)?.and_then(|(_, channel)| channel);
        narrowed(&mut entered.operator, channel);
        Ok(Self { entered, token: Some(token), channel })
    }

    /// A program with a certificate, looked at with every request.
    fn of_machine(store: &mut Store, peer: Option<&Peer>) -> Result<Self, LoginError> {
        let (mut operator, channel) = Self::program(store, peer)?.ok_or(LoginError::SessionMissing)?;
        narrowed(&mut operator, channel);
        Ok(Self { entered: Entered { operator, until: 0 }, token: None, channel })
    }

    fn program(store: &mut Store, peer: Option<&Peer>) -> Result<Option<(Operator, Option<Channel>)>, LoginError> {
        let Some(peer) = peer.filter(|peer| !peer.fingerprint.is_empty()) else { return Ok(None) };
        Ok(store.read(|tx| peer::client(tx, &peer.fingerprint))?)
    }

    /// What is asked about people through it: the program's channel; a session without one is at a counter, a program at none.
    #[must_use]
    pub fn channel(&self) -> Option<Channel> {
        self.channel.or_else(|| self.token.as_ref().map(|_| Channel::Counter))
    }

    /// Whether it is a program with a certificate and nobody who is logged in.
    #[must_use]
    pub const fn is_machine(&self) -> bool {
        self.token.is_none()
    }

    /// Who it is.
    #[must_use]
    pub const fn operator(&self) -> &Operator {
        &self.entered.operator
    }

    /// When it ends, whatever happens in it: seconds since 1970; none for a machine.
    #[must_use]
    pub fn until(&self) -> Option<u64> {
        self.token.as_ref().map(|_| self.entered.until)
    }

    /// What a request that changes something must carry; none for a machine, whose requests [`own_page`] looks at.
    #[must_use]
    pub fn csrf(&self) -> Option<String> {
        self.token.as_ref().map(|token| login::csrf(token))
    }

    /// Whether a request that changes something comes from the operator's own page.
    ///
    /// # Errors
    /// [`LoginError::CsrfWrong`].
    pub fn proves(&self, said: Option<&str>) -> Result<(), LoginError> {
        match &self.token {
            None => Ok(()),
            Some(token) if said.is_some_and(|said| login::is_csrf(token, said)) => Ok(()),
            Some(_) => Err(LoginError::CsrfWrong),
        }
    }

    /// Keeps what a search found for the page that follows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn set_found(&self, store: &mut Store, people: &[i64]) -> Result<(), StoreError> {
        let Some(token) = &self.token else { return Ok(()) };
        store.journal(|tx| tx.set_found(token, people, clock::seconds()))
    }

    /// What the last search found, for [`FOUND_SECONDS`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn found(&self, store: &mut Store) -> Result<Option<Vec<i64>>, StoreError> {
        let Some(token) = &self.token else { return Ok(None) };
        store.read(|tx| tx.found_of(token, clock::seconds().saturating_sub(FOUND_SECONDS)))
    }

    /// The next page about a person shows them unmasked: whoever asked for it is on record.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn set_opened(&self, store: &mut Store, person: i64) -> Result<(), StoreError> {
        let Some(token) = &self.token else { return Ok(()) };
        store.journal(|tx| tx.set_opened(token, person))
    }

    /// Whether this page about a person shows them unmasked: once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn take_opened(&self, store: &mut Store, person: i64) -> Result<bool, StoreError> {
        let Some(token) = &self.token else { return Ok(false) };
        store.journal(|tx| tx.take_opened(token, person))
    }

    /// Ends it.
    ///
    /// # Errors
    /// [`LoginError`].
    pub fn end(&self, store: &mut Store) -> Result<(), LoginError> {
        match &self.token {
            Some(token) => login::log_out(store, token),
            None => Ok(()),
        }
    }
}

/// Through web and voice nobody has more than the role that puts questions, whatever else the operator may do.
fn narrowed(operator: &mut Operator, channel: Option<Channel>) {
    if channel.is_some_and(Channel::proves_itself) {
        operator.roles.retain(|role| role == Role::Query.name());
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("entered", &self.entered).finish_non_exhaustive()
    }
}

/// The cookie of a session that begins.
#[must_use]
pub fn cookie(token: &str, secure: bool) -> HeaderValue {
    set(token, secure)
}

/// The cookie that takes one away.
#[must_use]
pub fn no_cookie(secure: bool) -> HeaderValue {
    set("", secure)
}

fn set(value: &str, secure: bool) -> HeaderValue {
    let (name, end) = (name(secure), if secure { "; Secure" } else { "" });
    // It ends with the browser: the next at a shared counter finds nobody in.
    let age = if value.is_empty() { "; Max-Age=0" } else { "" };
    let text = format!("{name}={value}; Path=/{age}; HttpOnly; SameSite=Strict{end}");
    let mut value = HeaderValue::from_str(&text).expect("hex digits");
    value.set_sensitive(true);
    value
}

/// Over TLS no other host and no plain connection can set it; without TLS there is only this machine.
const fn name(secure: bool) -> &'static str {
    if secure { "__Host-issuer" } else { "issuer" }
}

/// The token, if exactly one cookie of the name is there and has its shape.
pub(super) fn token(headers: &HeaderMap, secure: bool) -> Option<Zeroizing<String>> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut found = cookies
        .flat_map(|line| line.split(';'))
        .take(COOKIES_MAX)
        .filter_map(|cookie| cookie.trim().split_once('='))
        .filter(|(found, _)| *found == name(secure))
        .map(|(_, value)| value);
    let value = found.next()?;
    let shaped = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    (shaped && found.next().is_none()).then(|| Zeroizing::new(value.to_owned()))
}

/// Whether a request that changes something may come from a page of ours or from a program. A browser says of each request which
/// site made it; one that shows a certificate does so for every page.
///
/// # Errors
/// [`LoginError::CsrfWrong`] when another site's page sends it.
pub(super) fn own_page(headers: &HeaderMap) -> Result<(), LoginError> {
    let ours = match single(headers, "sec-fetch-site") {
        Some(site) => matches!(site, "same-origin" | "none"),
        None if headers.contains_key("sec-fetch-site") => false,
        None if !headers.contains_key("origin") => true,
        None => {
            let origin = single(headers, "origin").and_then(|origin| origin.split_once("://"));
            origin.is_some_and(|(_, host)| single(headers, "host") == Some(host))
        }
    };
    if ours { Ok(()) } else { Err(LoginError::CsrfWrong) }
}

/// What a request says to be the session's token for its acts.
pub(super) fn said(headers: &HeaderMap) -> Option<&str> {
    single(headers, CSRF_HEADER)
}
