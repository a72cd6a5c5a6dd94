//! JSON without loss: numbers keep their digits from the wire to the type that takes them.
//!
//! Source: RFC 8259; numbers of peers are written with or without quotes, with or without exponent.
//! Owns: one step down a document at a time; writing one. Never: a float; a recursion whose depth the peer chooses.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A value that was not looked into yet.
#[derive(Clone, Debug)]
pub struct Node(Box<RawValue>);

/// What a value is, one step down.
#[derive(Clone, Debug)]
pub enum Shape {
    /// `null`.
    Null,
    /// A string.
    Text(String),
    /// The digits of a number as they were written.
    Number(String),
    /// `true` or `false`.
    Flag(bool),
    /// A list.
    List(Vec<Node>),
    /// An object.
    Object(Members),
}

/// Members of an object in their order, also those that come twice.
#[derive(Clone, Debug, Default)]
pub struct Members(Vec<(String, Node)>);

/// A text that is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not JSON, line {line}, column {column}")]
pub struct NotJson {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

/// A document to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// A string.
    Text(String),
    /// Digits of a number.
    Number(String),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
}

impl Node {
    /// Reads a document.
    ///
    /// # Errors
    /// [`NotJson`], also when something follows it.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotJson> {
        serde_json::from_slice(bytes).map(Self).map_err(of)
    }

    /// One step down.
    ///
    /// # Errors
    /// [`NotJson`]: a string with half of a pair of surrogates is the one thing that a first reading lets pass.
    pub fn shape(&self) -> Result<Shape, NotJson> {
        let text = self.0.get();
        match text.as_bytes().first() {
            Some(b'n') => Ok(Shape::Null),
            Some(b't') => Ok(Shape::Flag(true)),
            Some(b'f') => Ok(Shape::Flag(false)),
            Some(b'"') => serde_json::from_str(text).map(Shape::Text).map_err(of),
            Some(b'{') => serde_json::from_str(text).map(Shape::Object).map_err(of),
            Some(b'[') => {
                let nodes: Vec<Box<RawValue>> = serde_json::from_str(text).map_err(of)?;
                Ok(Shape::List(nodes.into_iter().map(Self).collect()))
            }
            _ => Ok(Shape::Number(text.to_owned())),
        }
    }

    /// The members of an object; `None` for anything else.
    #[must_use]
    pub fn members(&self) -> Option<Members> {
        match self.shape() {
            Ok(Shape::Object(members)) => Some(members),
            _ => None,
        }
    }

    /// The text of it as it came.
    #[must_use]
    pub fn as_written(&self) -> &str {
        self.0.get()
    }
}

fn of(error: serde_json::Error) -> NotJson {
    NotJson { line: error.line().max(1), column: error.column().max(1) }
}

impl Members {
    /// The last member of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.0.iter().rev().find(|(member, _)| member == name).map(|(_, node)| node)
    }

    /// Names in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The other members, and the last one of this name.
    #[must_use]
    pub(super) fn without(self, name: &str) -> (Self, Option<Node>) {
        let found = self.get(name).cloned();
        (Self(self.0.into_iter().filter(|(member, _)| member != name).collect()), found)
    }

    /// A text or the digits of a number; nothing for anything else.
    #[must_use]
    pub fn word(&self, name: &str) -> Option<String> {
        match self.get(name)?.shape() {
            Ok(Shape::Text(text) | Shape::Number(text)) => Some(text),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    members.push((name, Node(value)));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reads)
    }
}

impl Json {
    /// A string.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// An object with one member.
    #[must_use]
    pub fn of(name: &str, value: Self) -> Self {
        Self::Object(vec![(name.to_owned(), value)])
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => quoted(text, f),
            Self::Number(digits) => f.write_str(digits),
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { "," })?;
                    item.fmt(f)?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (index, (name, value)) in members.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { "," })?;
                    quoted(name, f)?;
                    f.write_str(":")?;
                    value.fmt(f)?;
                }
                f.write_str("}")
            }
        }
    }
}

fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(&serde_json::to_string(text).map_err(|_| fmt::Error)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digits_of_a_number_come_through_as_they_were_written() {
        for digits in ["12.505000000000000001", "1E+2", "-0.10", "9007199254740993"] {
            let node = Node::parse(format!("{{\"a\":{digits}}}").as_bytes()).expect("JSON");
            let Ok(Shape::Number(read)) = node.members().expect("an object").get("a").expect("there").shape() else {
                panic!("{digits} is a number");
            };
            assert_eq!(read, digits);
        }
    }

    #[test]
    fn a_document_that_nests_deep_is_read_without_a_deep_stack() {
        let deep = "[".repeat(200_000) + &"]".repeat(200_000);
        let node = Node::parse(deep.as_bytes()).expect("JSON");
        assert!(matches!(node.shape(), Ok(Shape::List(inner)) if inner.len() == 1));
    }

    #[test]
    fn of_two_members_of_one_name_both_are_seen() {
        let members = Node::parse(br#"{"a":1,"b":2,"a":3}"#).expect("JSON").members().expect("an object");
        assert_eq!(members.names().collect::<Vec<_>>(), ["a", "b", "a"]);
        assert_eq!(members.word("a").as_deref(), Some("3"));
    }

    proptest! {
        #[test]
        fn any_text_reads_back(text in ".{0,40}", name in ".{0,10}") {
            let written = Json::of(&name, Json::text(text.clone())).to_string();
            let members = Node::parse(written.as_bytes()).expect("JSON").members().expect("an object");
            prop_assert_eq!(members.word(&name), Some(text));
        }

        #[test]
        fn any_bytes_are_json_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(node) = Node::parse(&bytes) {
                let _ = node.shape();
            }
        }
    }
}
