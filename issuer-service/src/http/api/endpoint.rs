//! What an endpoint is: a row with its path, who may, its parameters and its work.
//!
//! Owns: methods, parameters, bodies, the two kinds of work. Never: an endpoint of its own (`people.rs`, `batches.rs`, …), who sends a
//! request.

use axum::body::Bytes;
use axum::routing::MethodFilter;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Call;
use super::failure::ApiError;
use crate::error::Error;

/// Longest body of JSON.
const JSON_BYTES_MAX: usize = 256 * 1024;
/// The character zero in JSON: PostgreSQL keeps it in no text, and nobody has it in a name.
const ZERO: &[u8] = b"\\u0000";

/// Method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Looks.
    Get,
    /// Acts.
    Post,
    /// Puts in place of what was there.
    Put,
    /// Takes away.
    Delete,
}

impl Method {
    /// As it stands in a request.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    pub(super) const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Delete => MethodFilter::DELETE,
        }
    }
}

/// What an endpoint asks of who sends the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Nothing: it lets people in, or tells what everybody may know.
    Nothing,
    /// To be let in.
    Session,
    /// What this command of the duty table asks.
    Duty(&'static str),
}

/// A parameter behind the question mark.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What it is for.
    pub says: &'static str,
}

/// What a parameter holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number from 0 up to a bound.
    Number(i64),
    /// How many: from 1 up to a bound.
    Count(i64),
    /// A text of at most so many characters.
    Text(usize),
    /// One of these words.
    Word(&'static [&'static str]),
}

/// An endpoint.
pub struct Endpoint {
    /// Method.
    pub method: Method,
    /// Path, with `{number}` for a number and `{card}` or `{name}` for a text.
    pub path: &'static str,
    /// What it asks.
    pub asks: Asks,
    /// Its name for programs that make clients.
    pub id: &'static str,
    /// One sentence.
    pub says: &'static str,
    /// Parameters.
    pub parameters: &'static [Parameter],
    pub(super) work: &'static dyn Work,
}

/// What the body of a request is.
pub trait Body: Sized + 'static {
    /// Media type; none when there is no body.
    const TYPE: Option<&'static str>;
    /// Longest.
    const BYTES_MAX: usize;
    /// Reads it.
    ///
    /// # Errors
    /// [`ApiError`].
    fn read(bytes: &Bytes) -> Result<Self, ApiError>;
    /// Its description.
    fn schema(generator: &mut SchemaGenerator) -> Option<Schema>;
}

/// No body.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Body for Nothing {
    const TYPE: Option<&'static str> = None;
    const BYTES_MAX: usize = 0;

    fn read(bytes: &Bytes) -> Result<Self, ApiError> {
        if bytes.is_empty() { Ok(Self) } else { Err(ApiError::BodyTooLarge) }
    }

    fn schema(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }
}

/// A body of JSON without unknown fields.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + JsonSchema + 'static> Body for Json<T> {
    const TYPE: Option<&'static str> = Some("application/json");
    const BYTES_MAX: usize = JSON_BYTES_MAX;

    fn read(bytes: &Bytes) -> Result<Self, ApiError> {
        // Behind another backslash it is that one's letter, and no escape.
        let is_free = |at: usize| bytes.iter().take(at).rev().take_while(|byte| **byte == b'\\').count() % 2 == 0;
        let found = bytes.windows(ZERO.len()).enumerate().find(|(at, six)| *six == ZERO && is_free(*at));
        if let Some((at, _)) = found {
            let before = &bytes[..at];
            let line = before.split(|byte| *byte == b'\n');
            let column = line.clone().next_back().map_or(0, <[u8]>::len) + 1;
            return Err(ApiError::BodyMalformed { line: line.count(), column });
        }
        let malformed =
            |error: serde_json::Error| ApiError::BodyMalformed { line: error.line(), column: error.column() };
        serde_json::from_slice(bytes).map(Self).map_err(malformed)
    }

    fn schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(generator.subschema_for::<T>())
    }
}

/// What an act was done to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Done {
    /// `created` by this request; `exists` since an earlier one with the same key, or because there was nothing to do.
    pub status: Outcome,
    /// What it was done to, as the audit log names it: `batch 7`.
    pub object: String,
    /// Where it is asked for, if it has an address of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// Whether this request did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// This one.
    Created,
    /// It was done before.
    Exists,
}

/// What an endpoint does: it looks, or it acts.
pub trait Work: Sync {
    /// Media type of the body and its longest length.
    fn takes(&self) -> (Option<&'static str>, usize);
    /// Whether it is an act, whose answer is [`Done`] and which a key may name.
    fn acts(&self) -> bool;
    /// Whether the answer goes on: as events, until there is nothing more to come.
    fn goes_on(&self) -> bool {
        false
    }
    /// Whether it shares its commit with other acts of that moment: it is short, and nothing outside of the database follows from it.
    fn joins(&self) -> bool {
        false
    }
    /// Whether it may look at a query password, which takes its time: one at once, and nobody who acts waits for it.
    fn proves(&self) -> bool {
        false
    }
    /// Description of the body.
    fn body(&self, generator: &mut SchemaGenerator) -> Option<Schema>;
    /// Description of the answer.
    fn answer(&self, generator: &mut SchemaGenerator) -> Schema;
    /// Does it: the answer as JSON; none of an act, whose answer is what the audit log names.
    ///
    /// # Errors
    /// [`Error`].
    fn done(&self, call: &mut Call<'_>) -> Result<Option<String>, Error>;
}

/// Answers with a value.
pub(super) struct Looks<B: 'static, A: 'static>(pub(super) fn(&mut Call<'_>, B) -> Result<A, Error>);

/// An act that takes its time: nobody's answer waits for it but its own.
pub(super) struct Slow<W>(pub(super) W);

/// Looks at a query password before it does anything.
pub(super) struct Proves<W>(pub(super) W);

impl<W: Work> Work for Proves<W> {
    fn takes(&self) -> (Option<&'static str>, usize) {
        self.0.takes()
    }

    fn acts(&self) -> bool {
        self.0.acts()
    }

    fn proves(&self) -> bool {
        true
    }

    fn body(&self, generator: &mut SchemaGenerator) -> Option<Schema> {
        self.0.body(generator)
    }

    fn answer(&self, generator: &mut SchemaGenerator) -> Schema {
        self.0.answer(generator)
    }

    fn done(&self, call: &mut Call<'_>) -> Result<Option<String>, Error> {
        self.0.done(call)
    }
}

impl<W: Work> Work for Slow<W> {
    fn takes(&self) -> (Option<&'static str>, usize) {
        self.0.takes()
    }

    fn acts(&self) -> bool {
        self.0.acts()
    }

    fn body(&self, generator: &mut SchemaGenerator) -> Option<Schema> {
        self.0.body(generator)
    }

    fn answer(&self, generator: &mut SchemaGenerator) -> Schema {
        self.0.answer(generator)
    }

    fn done(&self, call: &mut Call<'_>) -> Result<Option<String>, Error> {
        self.0.done(call)
    }
}

/// Acts, recorded in the audit log.
pub(super) struct Acts<B: 'static>(pub(super) fn(&mut Call<'_>, B) -> Result<(), Error>);

impl<B: Body, A: Serialize + JsonSchema + 'static> Work for Looks<B, A> {
    fn takes(&self) -> (Option<&'static str>, usize) {
        (B::TYPE, B::BYTES_MAX)
    }

    fn acts(&self) -> bool {
        false
    }

    fn body(&self, generator: &mut SchemaGenerator) -> Option<Schema> {
        B::schema(generator)
    }

    fn answer(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<A>()
    }

    fn done(&self, call: &mut Call<'_>) -> Result<Option<String>, Error> {
        let body = B::read(call.body)?;
        let answer = (self.0)(call, body)?;
        Ok(Some(serde_json::to_string(&answer).expect("our own types serialize")))
    }
}

impl<B: Body> Work for Acts<B> {
    fn takes(&self) -> (Option<&'static str>, usize) {
        (B::TYPE, B::BYTES_MAX)
    }

    fn acts(&self) -> bool {
        true
    }

    fn joins(&self) -> bool {
        true
    }

    fn body(&self, generator: &mut SchemaGenerator) -> Option<Schema> {
        B::schema(generator)
    }

    fn answer(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Done>()
    }

    fn done(&self, call: &mut Call<'_>) -> Result<Option<String>, Error> {
        let body = B::read(call.body)?;
        (self.0)(call, body)?;
        Ok(None)
    }
}

impl Endpoint {
    /// What it does.
    #[must_use]
    pub fn work(&self) -> &'static dyn Work {
        self.work
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("method", &self.method).field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_character_zero_is_refused_where_it_stands_and_a_backslash_before_those_letters_is_not_it() {
        let read = |text: &'static str| Json::<Vec<String>>::read(&Bytes::from_static(text.as_bytes()));
        let texts = |text| read(text).map(|Json(texts)| texts).expect("no zero in it");
        assert_eq!(texts(r#"["\\u0000"]"#), [r"\u0000"]);
        assert_eq!(texts(r#"["\\\\u0000", "\u0001"]"#), [r"\\u0000", "\u{1}"]);
        for text in [r#"["\u0000"]"#, r#"["\\\u0000"]"#, r#"["\\u0000", "a\u0000"]"#] {
            assert!(matches!(read(text), Err(ApiError::BodyMalformed { line: 1, .. })), "{text}");
        }
    }
}
