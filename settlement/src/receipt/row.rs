//! Rows of a receipt: text already broken to the paper's columns, and the code that printers draw.
//!
//! Source: receipt printers print GBK: one byte is one column, so what is not ASCII takes two.
//! Owns: breaking, centring, pairs. Never: knows what a receipt says.
//! Units: columns.

use super::{Paper, ReceiptCode};

/// One row of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// Text.
    Line {
        /// No wider than the paper, without control characters.
        text: String,
        /// How it looks.
        style: Style,
    },
    /// The code, drawn as QR.
    Code(Box<ReceiptCode>),
}

/// How a line looks, where the printer can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// As the rest.
    Plain,
    /// Heading: larger.
    Title,
    /// Emphasized.
    Strong,
}

/// Columns that `text` takes on a receipt printer.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

fn columns_of(character: char) -> usize {
    if character.is_ascii() { 1 } else { 2 }
}

impl Row {
    /// Its text; `None` for the code.
    #[must_use]
    pub fn line(&self) -> Option<&str> {
        match self {
            Self::Line { text, .. } => Some(text),
            Self::Code(_) => None,
        }
    }
}

pub(super) struct Page {
    columns: usize,
    rows: Vec<Row>,
}

impl Page {
    pub(super) const fn new(paper: Paper) -> Self {
        Self { columns: paper.columns(), rows: Vec::new() }
    }

    pub(super) fn into_rows(self) -> Vec<Row> {
        self.rows
    }

    pub(super) fn rule(&mut self) {
        self.push("-".repeat(self.columns), Style::Plain);
    }

    pub(super) fn code(&mut self, code: &ReceiptCode) {
        self.rows.push(Row::Code(Box::new(code.clone())));
    }

    pub(super) fn centre(&mut self, text: &str, style: Style) {
        let indent = self.columns.saturating_sub(width(text)) / 2;
        self.left(&format!("{}{text}", " ".repeat(indent)), style);
    }

    /// Left and right on one row, or the right part below when both do not fit.
    pub(super) fn pair(&mut self, left: &str, right: &str) {
        self.both(left, right, Style::Plain);
    }

    /// As [`Page::pair`], emphasized.
    pub(super) fn strong(&mut self, left: &str, right: &str) {
        self.both(left, right, Style::Strong);
    }

    fn both(&mut self, left: &str, right: &str, style: Style) {
        let (left, right) = (printable(left), printable(right));
        let used = width(&left) + width(&right);
        if used < self.columns {
            let gap = " ".repeat(self.columns - used);
            self.push(format!("{left}{gap}{right}"), style);
        } else {
            if !left.is_empty() {
                self.left(&left, style);
            }
            self.left(&right, style);
        }
    }

    /// Text from the left, broken where the paper ends.
    pub(super) fn left(&mut self, text: &str, style: Style) {
        let (mut line, mut used) = (String::new(), 0);
        for character in printable(text).chars() {
            let columns = columns_of(character);
            if used + columns > self.columns {
                self.push(std::mem::take(&mut line), style);
                used = 0;
            }
            line.push(character);
            used += columns;
        }
        self.push(line, style);
    }

    fn push(&mut self, text: String, style: Style) {
        self.rows.push(Row::Line { text, style });
    }
}

/// Control characters would steer the printer: they become `?`.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '?' } else { character }).collect()
}
