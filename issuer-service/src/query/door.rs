//! A question as it is put through any channel: what it must come with there, and everything that it asks for in one answer.
//!
//! Owns: that people who are not seen prove themselves, that what is refused is on record. Never: knows HTTP; answers by itself (`person`).

use super::failure::QueryError;
use super::person::{self, Answer, Part, Question, Whom};
use super::{Asker, Channel, password};
use crate::benefit::rule::BenefitRules;
use crate::error::Explain;
use crate::store::Store;

/// Several questions about one person.
#[derive(Clone, Copy)]
pub struct Put<'a> {
    /// About whom.
    pub whom: Whom<'a>,
    /// The query password, where people prove themselves.
    pub password: Option<&'a str>,
    /// What; cards and progress when nothing is said.
    pub parts: &'a [Part],
    /// Unmasked, and why.
    pub reveal: Option<&'a str>,
    /// The operator whose role counts.
    pub operator: Option<&'a str>,
}

impl std::fmt::Debug for Put<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Put").field("parts", &self.parts).finish_non_exhaustive()
    }
}

/// Puts questions, each on record for itself, and gives one answer.
///
/// # Errors
/// Those of [`proved`] and of [`person::ask`]; [`QueryError::ReasonMissing`] where people prove themselves and more is asked for than
/// they are shown.
pub fn put(store: &mut Store, rules: BenefitRules, asker: &Asker, put: &Put<'_>) -> Result<Answer, QueryError> {
    let Put { whom, password, parts, reveal, operator } = *put;
    let (first, others) = parts.split_first().unwrap_or((&Part::Person, &[]));
    let act = first.act();
    let unmasked = reveal.is_some() && asker.channel.proves_itself();
    if unmasked || reveal.is_some_and(|reason| reason.trim().is_empty()) {
        return Err(refused(store, asker, act, QueryError::ReasonMissing));
    }
    let whom = proved(store, asker, whom, password, act)?;
    let mut ask = |part| person::ask(store, rules, asker, &Question { whom, part, reveal, operator });
    let mut answer = ask(*first)?;
    for part in others {
        answer = answer.and(ask(*part)?);
    }
    answer.is_short = asker.channel == Channel::Voice;
    Ok(answer)
}

/// Whom a question is about, once the person has proved it where people prove themselves.
///
/// # Errors
/// [`QueryError::PasswordNeeded`], [`QueryError::PasswordWrong`], [`QueryError::ClientLocked`].
pub fn proved<'a>(
    store: &mut Store,
    asker: &Asker,
    whom: Whom<'a>,
    password: Option<&str>,
    act: &'static str,
) -> Result<Whom<'a>, QueryError> {
    match (whom, password) {
        _ if !asker.channel.proves_itself() => Ok(whom),
        (Whom::Number(_) | Whom::Card(_), Some(password)) => {
            Ok(Whom::Proved(password::verify(store, asker, whom, password)?))
        }
        _ => Err(refused(store, asker, act, QueryError::PasswordNeeded)),
    }
}

/// Puts on record that a question was refused, and why.
pub fn refused(store: &mut Store, asker: &Asker, act: &'static str, error: QueryError) -> QueryError {
    let detail = format!("refused: {}", error.code());
    match store.act(|_| Ok::<_, QueryError>(((), asker.act_on_nobody(act, &detail)))) {
        Ok(()) => error,
        Err(other) => other,
    }
}
