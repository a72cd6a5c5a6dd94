//! Who puts a question about people over HTTP, through which channel, and about whom.
//!
//! The channel is a property of the certificate of a program (`peer`), never of what is sent: a web site cannot say that it is a counter.
//! A session without such a certificate is a clerk's, at a counter.
//!
//! Owns: the channel, the operator whose role counts, the rate. Never: answers (`query`).

use schemars::JsonSchema;
use serde::Deserialize;

use super::failure::ApiError;
use super::{Call, rate};
use crate::audit::Act;
use crate::error::{Error, Explain};
use crate::http::session::Session;
use crate::operator::{OperatorError, is_name};
use crate::query::failure::QueryError;
use crate::query::person::Whom;
use crate::query::{Asker, Channel, Clerk, door};
use crate::store::Store;

/// Header with the operator for whom a program of a counter or of agents asks.
pub(super) const BEHALF_HEADER: &str = "on-behalf-of";
/// Characters of a number of a person or a card, as they are typed.
const NUMBER_MAX: usize = 40;
/// Endpoints that ask for the operator behind a program of a counter or of agents.
pub(super) const FOR_OPERATORS: &[&str] =
    &["askAboutPerson", "setQueryPassword", "findTickets", "openTicket", "readTicket", "answerTicket", "closeTicket"];
/// Digits of a query password, and some more that are wrong.
pub(super) const PASSWORD_MAX: usize = 32;

/// Whom a question is about. In the body: addresses are kept by others.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "QueryAbout")]
pub(super) enum About {
    /// 社会保障号码.
    Number(#[schemars(length(max = NUMBER_MAX))] String),
    /// 卡号 of a card of the person.
    Card(#[schemars(length(max = NUMBER_MAX))] String),
    /// Row number of the person: for clerks and agents.
    Person(i64),
}

impl About {
    /// As it is looked for.
    pub(super) fn fit(mut self) -> Result<Self, ApiError> {
        match &mut self {
            Self::Number(text) | Self::Card(text) => {
                super::within("about", text, NUMBER_MAX)?;
                *text = text.trim().to_ascii_uppercase();
            }
            Self::Person(_) => {}
        }
        Ok(self)
    }

    /// For the model.
    pub(super) fn whom(&self) -> Whom<'_> {
        match self {
            Self::Number(text) => Whom::Number(text),
            Self::Card(text) => Whom::Card(text),
            Self::Person(row) => Whom::Person(*row),
        }
    }
}

/// Who asks.
pub(super) struct Asking {
    /// As it stands on record.
    pub(super) asker: Asker,
    /// The operator whose role counts.
    pub(super) operator: String,
}

impl Asking {
    /// Who asks, at the pace of whoever it is.
    ///
    /// # Errors
    /// [`QueryError::ChannelUnfit`], [`QueryError::OperatorNeeded`], [`ApiError::TooMany`], [`ApiError::ParameterUnfit`].
    pub(super) fn of(call: &mut Call<'_>, act: &'static str, about: Option<&About>) -> Result<Self, Error> {
        let session = call.session()?.clone();
        let (own, behalf) = (session.operator().name.clone(), call.behalf.map(str::to_owned));
        let Some(channel) = session.channel() else {
            let detail = format!("refused: {}", QueryError::ChannelUnfit.code());
            let refused = Act { actor: own, act, object: "people".to_owned(), detail };
            call.store.aside(|store| store.act(|_| Ok::<_, QueryError>(((), refused))))?;
            return Err(QueryError::ChannelUnfit.into());
        };
        let asker = Asker::new(channel, own.clone());
        let asking = match behalf {
            _ if behalf.is_some() && (channel.proves_itself() || !session.is_machine()) => {
                return Err(ApiError::ParameterUnfit { name: BEHALF_HEADER }.into());
            }
            Some(name) if !is_name(&name) => return Err(ApiError::ParameterUnfit { name: BEHALF_HEADER }.into()),
            Some(name) if name != own => Self { asker: Asker { behalf: Some(name.clone()), ..asker }, operator: name },
            _ if channel.proves_itself() || !session.is_machine() => Self { asker, operator: own },
            _ => {
                let refused = |store: &mut Store| door::refused(store, &asker, act, QueryError::OperatorNeeded);
                return Err(call.store.aside(refused).into());
            }
        };
        let rates = &call.desk.rates;
        match about {
            // Also what nobody known tells.
            _ if channel.proves_itself() => {
                rates.take(&format!("question {}", asking.asker.actor), rate::QUESTION)?;
            }
            // By number and card anybody could be tried.
            Some(About::Number(_) | About::Card(_)) => {
                rates.take(&format!("search {}", asking.operator), rate::SEARCH)?;
            }
            Some(About::Person(_)) | None => {}
        }
        Ok(asking)
    }

    /// As [`Asking::of`], for what a clerk or an agent does.
    ///
    /// # Errors
    /// Those of [`Asking::of`]; [`QueryError::ChannelUnfit`] where people prove themselves.
    pub(super) fn of_clerk(call: &mut Call<'_>, act: &'static str) -> Result<Self, Error> {
        let asking = Self::of(call, act, None)?;
        if asking.asker.channel.proves_itself() {
            return Err(asking.refused(call, act, QueryError::ChannelUnfit));
        }
        Ok(asking)
    }

    /// As [`Asking::of_clerk`], for who is in front of the person.
    ///
    /// # Errors
    /// Those of [`Asking::of`]; [`QueryError::ChannelUnfit`] anywhere else.
    pub(super) fn at_a_counter(call: &mut Call<'_>, act: &'static str) -> Result<Self, Error> {
        let asking = Self::of(call, act, None)?;
        if asking.asker.channel != Channel::Counter {
            return Err(asking.refused(call, act, QueryError::ChannelUnfit));
        }
        Ok(asking)
    }

    /// As [`Asking::of`], for what people do who prove themselves.
    ///
    /// # Errors
    /// Those of [`Asking::of`]; [`QueryError::ChannelUnfit`] where a clerk sees them.
    pub(super) fn of_the_person(call: &mut Call<'_>, act: &'static str, about: &About) -> Result<Self, Error> {
        let asking = Self::of(call, act, Some(about))?;
        if !asking.asker.channel.proves_itself() {
            return Err(asking.refused(call, act, QueryError::ChannelUnfit));
        }
        Ok(asking)
    }

    /// The row number of the person who has just proved to be the one; what is recorded of it is no part of the act that follows.
    ///
    /// # Errors
    /// Those of [`door::proved`].
    pub(super) fn person(
        &self,
        call: &mut Call<'_>,
        act: &'static str,
        about: &About,
        password: Option<&str>,
    ) -> Result<i64, Error> {
        let proved = call.store.aside(|store| door::proved(store, &self.asker, about.whom(), password, act))?;
        match proved {
            Whom::Proved(person) | Whom::Person(person) => Ok(person),
            Whom::Number(_) | Whom::Card(_) => Err(ApiError::ParameterUnfit { name: "about" }.into()),
        }
    }

    /// Who acts on what people said.
    pub(super) fn clerk(&self) -> Clerk<'_> {
        let program = self.asker.behalf.as_ref().map(|_| self.asker.actor.as_str());
        Clerk { operator: Some(&self.operator), program }
    }

    fn refused(&self, call: &mut Call<'_>, act: &'static str, error: QueryError) -> Error {
        call.store.aside(|store| door::refused(store, &self.asker, act, error)).into()
    }
}

/// Puts on record that somebody asked who has no role for it.
pub(super) fn kept_out(store: &mut Store, session: &Session, id: &str, error: OperatorError) -> Error {
    let act = match id {
        "askAboutPerson" => "query.person",
        "changeQueryPassword" | "setQueryPassword" => "query.password",
        "openTicket" => "ticket.open",
        "readOwnTicket" => "ticket.show",
        _ => return error.into(),
    };
    let through = session.channel().map_or_else(String::new, |channel| format!("channel={}, ", channel.name()));
    let detail = format!("{through}refused: {}", error.code());
    let refused = Act { actor: session.operator().name.clone(), act, object: "people".to_owned(), detail };
    store.act(|_| Ok::<_, QueryError>(((), refused))).err().map_or_else(|| error.into(), Error::from)
}
