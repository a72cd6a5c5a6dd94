//! Fields of the national interface: one table row each, from which the type, the check and the document come.
//!
//! Source: types and widths of the interface: character fields by width, numbers by digits and places, dates as text.
//! Owns: writing with every width checked; reading as we must (lenient) and as a peer should (strict).
//! Never: a value in an error.
//! Units: widths of text in the [`Unit`] of the peer.

use std::collections::BTreeSet;

use super::json::{Json, Members, Node, NotJson, Shape};
use super::number::{Decimal, NumberFault};
use crate::date::{BusinessDate, DateTime};

/// What a width of text counts. The interface says "characters"; gateways are known to count what their database counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Characters (assumed).
    #[default]
    Characters,
    /// Bytes of UTF-8.
    Utf8,
    /// Bytes of GB 18030.
    Gb18030,
}

/// How a message is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// As a terminal reads answers: what is longer, unknown, or a number in quotes is taken.
    Lenient,
    /// As a centre reads requests: names, types and widths as the tables have them.
    Strict(Unit),
}

/// Type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text of at most so many [`Unit`]s.
    Text(usize),
    /// A number of so many digits, so many of them behind the point.
    Number(u32, u32),
    /// Bytes of a file, as a list of their values.
    Bytes,
    /// `yyyy-MM-dd`.
    Day,
    /// `yyyy-MM-dd HH:mm:ss`.
    Moment,
}

/// How sure a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Working code of two adapters, or a primary document.
    H,
    /// One working adapter.
    M,
    /// General knowledge, to be checked with the peer.
    G,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Name on the wire.
    pub name: &'static str,
    /// 中文名.
    pub label: &'static str,
    /// Type.
    pub kind: Kind,
    /// Whether it must be there.
    pub needed: bool,
    /// How sure its name is.
    pub named: Mark,
    /// How sure its type and width are.
    pub sized: Mark,
}

/// A group of fields: one object of a message.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Name of the type.
    pub title: &'static str,
    /// Its rows.
    pub fields: &'static [Field],
}

/// What does not fit a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It must be there.
    #[error("missing")]
    Missing,
    /// Not text.
    #[error("text is needed")]
    NotText,
    /// Not a number.
    #[error("a number is needed")]
    NotNumber,
    /// Not the object or list that the table has.
    #[error("an object or a list of objects is needed")]
    NotObject,
    /// More than the width.
    #[error("{length} long, at most {width}")]
    TooLong {
        /// In the unit of the peer.
        length: usize,
        /// In the unit of the peer.
        width: usize,
    },
    /// A number that the type cannot hold.
    #[error("number: {0}")]
    Number(NumberFault),
    /// No real day or moment.
    #[error("a real date is needed")]
    NotDate,
    /// No row has this name.
    #[error("no field has this name")]
    Unknown,
    /// The name comes twice.
    #[error("comes twice")]
    Twice,
    /// No JSON.
    #[error(transparent)]
    Json(NotJson),
}

/// A fault and where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {fault}")]
pub struct FieldFault {
    /// `druginfo.psn_no`; names of a peer are cut.
    pub place: String,
    /// What.
    pub fault: Fault,
}

impl FieldFault {
    pub(super) fn at(place: &str, fault: Fault) -> Self {
        Self { place: place.chars().filter(char::is_ascii_graphic).take(80).collect(), fault }
    }

    /// The same, seen from the object that holds it.
    #[must_use]
    pub(super) fn below(self, node: &str) -> Self {
        Self { place: format!("{node}.{}", self.place), ..self }
    }
}

impl Unit {
    /// How long a text is.
    #[must_use]
    pub fn length(self, text: &str) -> usize {
        match self {
            Self::Characters => text.chars().count(),
            Self::Utf8 => text.len(),
            // Four bytes for what the two-byte part lacks.
            Self::Gb18030 => text.chars().map(gb18030).sum(),
        }
    }
}

fn gb18030(character: char) -> usize {
    if character.is_ascii() {
        return 1;
    }
    let mut text = [0; 4];
    card_profiles::text::encode_text(character.encode_utf8(&mut text)).map_or(4, |bytes| bytes.len())
}

/// Text of at most `WIDTH` units. What a peer sent may be longer; it is refused when it is to be sent.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const WIDTH: usize>(String);

impl<const WIDTH: usize> Text<WIDTH> {
    /// Text, not yet measured.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Only its length: most texts of these messages are about a person.
impl<const WIDTH: usize> std::fmt::Debug for Text<WIDTH> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Text({})", self.0.chars().count())
    }
}

/// A type that a row may have.
pub trait Item: Sized {
    /// Its row's type.
    const KIND: Kind;
    /// Whether it must be there.
    const NEEDED: bool = true;

    /// As JSON; `None` for what is not there.
    ///
    /// # Errors
    /// [`Fault`]: what the width refuses.
    fn write(&self, unit: Unit) -> Result<Option<Json>, Fault>;

    /// From JSON.
    ///
    /// # Errors
    /// [`Fault`].
    fn read(shape: Shape, how: Reading) -> Result<Self, Fault>;
}

impl<const WIDTH: usize> Item for Text<WIDTH> {
    const KIND: Kind = Kind::Text(WIDTH);

    fn write(&self, unit: Unit) -> Result<Option<Json>, Fault> {
        let length = unit.length(&self.0);
        match length {
            0 => Err(Fault::Missing),
            _ if length > WIDTH => Err(Fault::TooLong { length, width: WIDTH }),
            _ => Ok(Some(Json::text(&*self.0))),
        }
    }

    fn read(shape: Shape, how: Reading) -> Result<Self, Fault> {
        let text = match (shape, how) {
            (Shape::Text(text), _) | (Shape::Number(text), Reading::Lenient) => text,
            (Shape::Flag(flag), Reading::Lenient) => flag.to_string(),
            _ => return Err(Fault::NotText),
        };
        match how {
            Reading::Strict(unit) if unit.length(&text) > WIDTH => {
                Err(Fault::TooLong { length: unit.length(&text), width: WIDTH })
            }
            _ => Ok(Self(text)),
        }
    }
}

impl<const DIGITS: u32, const PLACES: u32> Item for Decimal<DIGITS, PLACES> {
    const KIND: Kind = Kind::Number(DIGITS, PLACES);

    fn write(&self, _: Unit) -> Result<Option<Json>, Fault> {
        Ok(Some(Json::Number(self.to_string())))
    }

    fn read(shape: Shape, how: Reading) -> Result<Self, Fault> {
        match (shape, how) {
            (Shape::Number(text), _) => Self::parse(&text).map_err(Fault::Number),
            (Shape::Text(text), Reading::Lenient) => Self::parse(text.trim()).map_err(Fault::Number),
            _ => Err(Fault::NotNumber),
        }
    }
}

impl Item for BusinessDate {
    const KIND: Kind = Kind::Day;

    fn write(&self, _: Unit) -> Result<Option<Json>, Fault> {
        Ok(Some(Json::text(self.to_string())))
    }

    fn read(shape: Shape, how: Reading) -> Result<Self, Fault> {
        let Shape::Text(text) = shape else { return Err(Fault::NotText) };
        let day = match how {
            Reading::Strict(_) => Some(&*text),
            // Peers send a day with the midnight that it begins with.
            Reading::Lenient => text.get(..10),
        };
        Self::parse(day.unwrap_or_default()).map_err(|_| Fault::NotDate)
    }
}

impl Item for DateTime {
    const KIND: Kind = Kind::Moment;

    fn write(&self, _: Unit) -> Result<Option<Json>, Fault> {
        Ok(Some(Json::text(moment(*self))))
    }

    fn read(shape: Shape, how: Reading) -> Result<Self, Fault> {
        let Shape::Text(text) = shape else { return Err(Fault::NotText) };
        let read = match how {
            Reading::Strict(_) => of_moment(&text),
            Reading::Lenient => of_moment(&text.replacen('T', " ", 1).chars().take(19).collect::<String>())
                .or_else(|| Self::parse(&text).ok()),
        };
        read.ok_or(Fault::NotDate)
    }
}

/// `yyyy-MM-dd HH:mm:ss`.
#[must_use]
pub fn moment(at: DateTime) -> String {
    let digits = at.to_string();
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default().to_owned();
    format!("{} {}:{}:{}", at.date(), part(8..10), part(10..12), part(12..14))
}

fn of_moment(text: &str) -> Option<DateTime> {
    let marks = [(4, "-"), (7, "-"), (10, " "), (13, ":"), (16, ":")];
    let is_spelt = text.len() == 19 && marks.iter().all(|(at, mark)| text.get(*at..at + 1) == Some(*mark));
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if is_spelt { DateTime::parse(&digits).ok() } else { None }
}

impl<T: Item> Item for Option<T> {
    const KIND: Kind = T::KIND;
    const NEEDED: bool = false;

    fn write(&self, unit: Unit) -> Result<Option<Json>, Fault> {
        self.as_ref().map_or(Ok(None), |item| item.write(unit))
    }

    fn read(shape: Shape, how: Reading) -> Result<Self, Fault> {
        match (&shape, how) {
            (Shape::Null, _) => Ok(None),
            (Shape::Text(text), _) if text.is_empty() => Ok(None),
            _ => T::read(shape, how).map(Some),
        }
    }
}

/// One object of a message.
pub trait Record: Sized {
    /// Its rows.
    const TABLE: Table;

    /// As JSON.
    ///
    /// # Errors
    /// [`FieldFault`] of the first row that does not fit.
    fn write(&self, unit: Unit) -> Result<Json, FieldFault>;

    /// From JSON.
    ///
    /// # Errors
    /// [`FieldFault`] of the first row that does not fit.
    fn read(members: &Members, how: Reading) -> Result<Self, FieldFault>;
}

/// Reads one row.
pub(super) fn take<T: Item>(members: &Members, name: &'static str, how: Reading) -> Result<T, FieldFault> {
    let fail = |fault| FieldFault::at(name, fault);
    let shape = match members.get(name) {
        None => Shape::Null,
        Some(node) => node.shape().map_err(|error| fail(Fault::Json(error)))?,
    };
    let is_empty = matches!(&shape, Shape::Null) || matches!(&shape, Shape::Text(text) if text.is_empty());
    if T::NEEDED && is_empty {
        return Err(fail(Fault::Missing));
    }
    T::read(shape, how).map_err(fail)
}

/// In a strict reading every name has its row, and comes once.
pub(super) fn check_names(members: &Members, rows: &[&str], how: Reading) -> Result<(), FieldFault> {
    if how == Reading::Lenient {
        return Ok(());
    }
    let mut seen = BTreeSet::new();
    for name in members.names() {
        if !rows.contains(&name) {
            return Err(FieldFault::at(name, Fault::Unknown));
        }
        if !seen.insert(name) {
            return Err(FieldFault::at(name, Fault::Twice));
        }
    }
    Ok(())
}

/// The value of a node of a body: one record, or a list of them.
pub trait Part: Sized {
    /// Rows of the record.
    const TABLE: Table;
    /// Whether it is a list.
    const IS_LIST: bool;

    /// As JSON.
    ///
    /// # Errors
    /// [`FieldFault`].
    fn write(&self, unit: Unit) -> Result<Json, FieldFault>;

    /// From JSON; `None` when the node is not there.
    ///
    /// # Errors
    /// [`FieldFault`].
    fn read(node: Option<&Node>, how: Reading) -> Result<Self, FieldFault>;
}

fn shape(node: Option<&Node>) -> Result<Shape, FieldFault> {
    node.map_or(Ok(Shape::Null), |node| node.shape().map_err(|error| FieldFault::at("", Fault::Json(error))))
}

impl<R: Record> Part for R {
    const TABLE: Table = R::TABLE;
    const IS_LIST: bool = false;

    fn write(&self, unit: Unit) -> Result<Json, FieldFault> {
        Record::write(self, unit)
    }

    fn read(node: Option<&Node>, how: Reading) -> Result<Self, FieldFault> {
        match shape(node)? {
            Shape::Object(members) => <R as Record>::read(&members, how),
            Shape::Null => Err(FieldFault::at("", Fault::Missing)),
            _ => Err(FieldFault::at("", Fault::NotObject)),
        }
    }
}

impl<R: Record> Part for Vec<R> {
    const TABLE: Table = R::TABLE;
    const IS_LIST: bool = true;

    fn write(&self, unit: Unit) -> Result<Json, FieldFault> {
        let write = |(index, record): (usize, &R)| record.write(unit).map_err(|fault| fault.below(&index.to_string()));
        self.iter().enumerate().map(write).collect::<Result<_, _>>().map(Json::List)
    }

    fn read(node: Option<&Node>, how: Reading) -> Result<Self, FieldFault> {
        let one = |index: usize, node: &Node| {
            let at = |fault: FieldFault| fault.below(&index.to_string());
            match node.shape() {
                Ok(Shape::Object(members)) => <R as Record>::read(&members, how).map_err(at),
                Ok(_) => Err(at(FieldFault::at("", Fault::NotObject))),
                Err(error) => Err(at(FieldFault::at("", Fault::Json(error)))),
            }
        };
        match (shape(node)?, how) {
            (Shape::List(nodes), _) => nodes.iter().enumerate().map(|(index, node)| one(index, node)).collect(),
            (Shape::Null, Reading::Lenient) => Ok(Vec::new()),
            (Shape::Object(members), Reading::Lenient) => <R as Record>::read(&members, how).map(|record| vec![record]),
            (Shape::Null, Reading::Strict(_)) => Err(FieldFault::at("", Fault::Missing)),
            _ => Err(FieldFault::at("", Fault::NotObject)),
        }
    }
}

/// A record: its rows are its fields, in the order of the wire.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty, $named:ident $sized:ident, $label:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name { $(#[doc = $label] pub $field: $kind,)* }

        impl $crate::national::field::Record for $name {
            const TABLE: $crate::national::field::Table = $crate::national::field::Table {
                title: stringify!($name),
                fields: &[$($crate::national::field::Field {
                    name: stringify!($field),
                    label: $label,
                    kind: <$kind as $crate::national::field::Item>::KIND,
                    needed: <$kind as $crate::national::field::Item>::NEEDED,
                    named: $crate::national::field::Mark::$named,
                    sized: $crate::national::field::Mark::$sized,
                },)*],
            };

            fn write(
                &self,
                unit: $crate::national::field::Unit,
            ) -> Result<$crate::national::json::Json, $crate::national::field::FieldFault> {
                use $crate::national::field::{FieldFault, Item};
                let mut members = Vec::new();
                $(
                    let written = Item::write(&self.$field, unit);
                    if let Some(value) = written.map_err(|fault| FieldFault::at(stringify!($field), fault))? {
                        members.push((stringify!($field).to_owned(), value));
                    }
                )*
                Ok($crate::national::json::Json::Object(members))
            }

            fn read(
                members: &$crate::national::json::Members,
                how: $crate::national::field::Reading,
            ) -> Result<Self, $crate::national::field::FieldFault> {
                $crate::national::field::check_names(members, &[$(stringify!($field)),*], how)?;
                Ok(Self { $($field: $crate::national::field::take(members, stringify!($field), how)?,)* })
            }
        }
    };
}

/// A body: `input` of a request or `output` of an answer, by its nodes.
macro_rules! body {
    ($(#[$doc:meta])* $name:ident { $($node:ident = $wire:literal: $part:ty, $mark:ident, $label:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name { $(#[doc = $label] pub $node: $part,)* }

        impl $crate::national::message::Body for $name {
            const NODES: &'static [$crate::national::message::NodeRow] = &[$($crate::national::message::NodeRow {
                name: $wire,
                label: $label,
                named: $crate::national::field::Mark::$mark,
                table: <$part as $crate::national::field::Part>::TABLE,
                is_list: <$part as $crate::national::field::Part>::IS_LIST,
            },)*];

            fn write(
                &self,
                unit: $crate::national::field::Unit,
            ) -> Result<$crate::national::json::Json, $crate::national::field::FieldFault> {
                use $crate::national::field::Part;
                Ok($crate::national::json::Json::Object(vec![$((
                    $wire.to_owned(),
                    Part::write(&self.$node, unit).map_err(|fault| fault.below($wire))?,
                ),)*]))
            }

            fn read(
                members: &$crate::national::json::Members,
                how: $crate::national::field::Reading,
            ) -> Result<Self, $crate::national::field::FieldFault> {
                $crate::national::field::check_names(members, &[$($wire),*], how)?;
                Ok(Self { $($node: $crate::national::field::Part::read(members.get($wire), how)
                    .map_err(|fault| fault.below($wire))?,)* })
            }
        }
    };
}

pub(super) use {body, record};
