//! Forms: what is asked for so that a command is carried out, and how that looks.
//!
//! A form names its command: it is offered to those whom the table of duties lets carry that out, and the gate asks the same table.
//!
//! Source: HTML 5, forms. Owns: kinds of fields, their widths, the looks of a form. Never: a rule of a command; what is typed here is
//! looked at there.

use maud::{Markup, html};

use super::Viewer;
use crate::operator::duty;

/// What an operator fills in.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// Where it goes, with `{number}` or `{name}`.
    pub path: &'static str,
    /// The command that it carries out.
    pub command: &'static str,
    /// What it is called, and what stands on its button: Chinese, English.
    pub title: (&'static str, &'static str),
    /// What is asked for.
    pub fields: &'static [Field],
}

/// One thing that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Name in the form.
    pub name: &'static str,
    /// Chinese, English.
    pub label: (&'static str, &'static str),
    /// How it is filled in.
    pub entry: Entry,
}

/// How a field is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A line of so many characters.
    Line(u16),
    /// The same, which may stay empty.
    Maybe(u16),
    /// A number.
    Count,
    /// A day.
    Day,
    /// Several lines, at most so many characters.
    Lines(u16),
    /// Several lines that may stay empty.
    MaybeLines(u16),
    /// A file with one of these endings.
    File(&'static str),
    /// One of these: value, Chinese, English.
    Choice(&'static [(&'static str, &'static str, &'static str)]),
    /// One of those that the page knows.
    Pick,
    /// Yes or no.
    Tick,
}

/// Why, in one's own words: they go on record.
pub const REASON: Field =
    Field { name: "reason", label: ("理由（记入审计）", "Reason (goes on record)"), entry: Entry::Line(200) };

/// What a page knows of a field: what stands in it, or what may be picked.
#[derive(Clone, Copy, Debug)]
pub enum Known<'a> {
    /// This.
    Value(&'a str),
    /// One of these: value, words.
    Among(&'a [(String, String)]),
}

impl Form {
    /// Its address for something.
    #[must_use]
    pub fn at(&self, place: &str) -> String {
        self.path.replace("{number}", place).replace("{name}", place)
    }

    /// Whether a file comes with it.
    #[must_use]
    pub const fn has_file(&self) -> bool {
        let mut rest = self.fields;
        while let [field, others @ ..] = rest {
            if matches!(field.entry, Entry::File(_)) {
                return true;
            }
            rest = others;
        }
        false
    }
}

impl Viewer<'_> {
    /// Whether the gate would let the operator carry out a command.
    #[must_use]
    pub fn may(&self, command: &str) -> bool {
        duty::allowed(self.operator, command).is_ok()
    }

    /// A form that opens at a touch; nothing for whom it is not.
    #[must_use]
    pub fn form(&self, form: &Form, place: &str, known: &[(&str, Known<'_>)]) -> Markup {
        if !self.may(form.command) {
            return html! {};
        }
        html! {
            details.act {
                summary { (self.say(form.title.0, form.title.1)) }
                (self.open_form(form, place, known))
            }
        }
    }

    /// A form that is open; nothing for whom it is not.
    #[must_use]
    pub fn open_form(&self, form: &Form, place: &str, known: &[(&str, Known<'_>)]) -> Markup {
        if !self.may(form.command) {
            return html! {};
        }
        html! {
            form.row method="post" action=(form.at(place)) enctype=[form.has_file().then_some("multipart/form-data")] {
                (self.token())
                @for field in form.fields { (self.field(field, known)) }
                button type="submit" { (self.say(form.title.0, form.title.1)) }
            }
        }
    }

    fn field(&self, field: &Field, known: &[(&str, Known<'_>)]) -> Markup {
        let Field { name, label, entry } = *field;
        let known = known.iter().find(|(known, _)| *known == name).map(|(_, known)| *known);
        let value = match known {
            Some(Known::Value(value)) => value,
            _ => "",
        };
        let (optional, must) =
            (self.say("，可空", ", may be empty"), !matches!(entry, Entry::Maybe(_) | Entry::MaybeLines(_)));
        let words = html! { (self.say(label.0, label.1)) @if !must { (optional) } };
        html! {
            @match entry {
                Entry::Line(most) | Entry::Maybe(most) => label { (words)
                    input name=(name) value=(value) required[must] maxlength=(most) autocomplete="off";
                },
                Entry::Count => label { (words)
                    input name=(name) value=(value) required maxlength="9" pattern="[0-9]+" inputmode="numeric" autocomplete="off";
                },
                Entry::Day => label { (words)
                    input name=(name) value=(value) required maxlength="10" pattern="[0-9]{4}-[0-9]{2}-[0-9]{2}" placeholder="YYYY-MM-DD" autocomplete="off";
                },
                Entry::Lines(most) | Entry::MaybeLines(most) => label.whole { (words)
                    textarea name=(name) rows="3" required[must] maxlength=(most) { (value) }
                },
                Entry::File(accept) => label { (words)
                    input type="file" name=(name) required accept=(accept);
                },
                Entry::Choice(options) => label { (words)
                    select name=(name) {
                        @for (option, zh, en) in options { option value=(option) selected[*option == value] { (self.say(zh, en)) } }
                    }
                },
                Entry::Pick => label { (words)
                    select name=(name) {
                        @if let Some(Known::Among(options)) = known {
                            @for (option, words) in options { option value=(option) { (words) } }
                        }
                    }
                },
                Entry::Tick => label.tick { input type="checkbox" name=(name) value="yes"; " " (words) },
            }
        }
    }
}
