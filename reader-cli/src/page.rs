//! What a command answers, before anyone decides how it looks.
//!
//! Owns: items with a stable id, a label in two languages and a value. Never: prints, knows JSON (`output`).

use settlement::fen::Fen;

use card_counter::language::Words;

/// An answer: items in order, and notes to the person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Items, in the order in which they are shown.
    pub items: Vec<Item>,
    /// Notes; they go to standard error in text, and under `notes` in JSON.
    pub notes: Vec<Note>,
}

/// One item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Stable id: the key in JSON.
    pub id: String,
    /// Label in text.
    pub label: Words,
    /// Value.
    pub value: Value,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// Text in the reader's language; in JSON the first is used as a stable word.
    Choice(&'static str, Words),
    /// Text in the reader's language, also in JSON.
    Words(Words),
    /// A number.
    Number(i64),
    /// An amount: yuan in text, fen in JSON.
    Money(Fen),
    /// Yes or no.
    Flag(bool),
    /// Nothing there.
    Absent,
    /// Nothing there, where a text that is empty is something else: said in words.
    Missing,
    /// Several texts.
    Texts(Vec<String>),
    /// Several objects of the same shape: a table in text.
    Table(Vec<Page>),
    /// Several objects; one cell of words in text.
    Told(Vec<Page>, Words),
    /// One object.
    Object(Page),
}

/// A note to the person: what was noticed and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Stable code.
    pub code: &'static str,
    /// Text.
    pub words: Words,
}

impl Page {
    /// An empty page.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more item.
    #[must_use]
    pub fn with(mut self, id: impl Into<String>, label: Words, value: Value) -> Self {
        self.items.push(Item { id: id.into(), label, value });
        self
    }

    /// With one more note.
    #[must_use]
    pub fn noted(mut self, code: &'static str, words: Words) -> Self {
        self.notes.push(Note { code, words });
        self
    }

    /// Adds the items and notes of another page.
    #[must_use]
    pub fn joined(mut self, other: Self) -> Self {
        self.items.extend(other.items);
        self.notes.extend(other.notes);
        self
    }

    /// The value of an item.
    #[must_use]
    pub fn value(&self, id: &str) -> Option<&Value> {
        self.items.iter().find(|item| item.id == id).map(|item| &item.value)
    }
}

impl Value {
    /// Text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A value that may not be there.
    #[must_use]
    pub fn maybe(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::Absent, |text| Self::Text(text.into()))
    }

    /// A count.
    #[must_use]
    pub fn count(count: usize) -> Self {
        Self::Number(i64::try_from(count).unwrap_or(i64::MAX))
    }
}
