//! Forms: what is asked for so that a command is carried out, and how that looks.
//!
//! A form names its command: it is offered to those whom the table of duties lets carry that out, and the gate asks the same table.
//! One that was refused comes back with what was typed, open, and what was wrong beside it ([`Refused`]).
//!
//! Source: HTML 5, forms; WCAG 2.2, 3.3.1 and 3.3.7. Owns: kinds of fields, their widths, the looks of a form. Never: a rule of a
//! command; what is typed here is looked at there; a password: no form of a row asks for one, so none comes back.

use std::cell::Cell;

use maud::{Markup, html};

use super::{Note, Viewer};
use crate::lang::Lang;
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
    /// What the page itself says, which nobody fills in: it tells the forms of one address apart.
    Fixed,
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

/// A form that came and was refused: what was typed, and what was wrong.
///
/// The first form of a page with its address and the same fixed fields is filled in with it.
pub struct Refused<'a> {
    path: &'a str,
    fields: Vec<(&'a str, &'a str)>,
    fault: Option<&'static str>,
    note: Note,
    shown: Cell<bool>,
}

impl<'a> Refused<'a> {
    /// What came to an address. `fault`: the field that is to be mended, where one is known.
    #[must_use]
    pub const fn new(path: &'a str, fields: Vec<(&'a str, &'a str)>, fault: Option<&'static str>, note: Note) -> Self {
        Self { path, fields, fault, note, shown: Cell::new(false) }
    }

    /// What was wrong.
    #[must_use]
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// Whether a form of the page has it.
    #[must_use]
    pub const fn is_shown(&self) -> bool {
        self.shown.get()
    }

    fn typed(&self, name: &str) -> &'a str {
        self.fields.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value)
    }

    fn is_at_fault(&self, name: &str) -> bool {
        self.fault.is_some_and(|fault| fault.split(", ").any(|one| one == name))
    }
}

impl std::fmt::Debug for Refused<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refused").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Form {
    /// What is said of a field that cannot be read, in the words that stand beside it; none of a field that it has not.
    #[must_use]
    pub fn unfit(&self, name: &str, lang: Lang) -> Option<Note> {
        let label = |one: &str| self.fields.iter().find(|field| field.name == one);
        let labels: Option<Vec<&str>> =
            name.split(", ").map(|one| Some(lang.pick(label(one)?.label.0, label(one)?.label.1))).collect();
        let (zh, en) = (labels.as_ref()?.join("”和“"), labels?.join("” and “"));
        let what = lang.pick(format!("“{zh}”填写不合要求"), format!("what stands in “{en}” cannot be used"));
        let next = lang.pick("改正后再办理", "correct it and send the form again");
        Some(Note::Problem { code: "PARAMETER_UNFIT", what, next })
    }

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

    /// A form that opens at a touch; nothing for whom it is not. One that was refused is open.
    #[must_use]
    pub fn form(&self, form: &Form, place: &str, known: &[(&str, Known<'_>)]) -> Markup {
        if !self.may(form.command) {
            return html! {};
        }
        let (action, came) = (form.at(place), self.came_back(form, place, known));
        html! {
            details.act open[came.is_some()] {
                summary { (self.say(form.title.0, form.title.1)) }
                (self.filled(form, &action, known, came))
            }
        }
    }

    /// A form that is open; nothing for whom it is not.
    #[must_use]
    pub fn open_form(&self, form: &Form, place: &str, known: &[(&str, Known<'_>)]) -> Markup {
        if !self.may(form.command) {
            return html! {};
        }
        self.filled(form, &form.at(place), known, self.came_back(form, place, known))
    }

    /// The form that was refused, for a page that has it no more; nothing for whom it is not, and where nothing was to be typed.
    #[must_use]
    pub fn refused_form(&self, form: &Form) -> Markup {
        let Some(refused) = self.refused.filter(|_| self.may(form.command) && !form.fields.is_empty()) else {
            return html! {};
        };
        let picked: Vec<(&str, [(String, String); 1])> = form
            .fields
            .iter()
            .filter(|field| field.entry == Entry::Pick)
            .map(|field| (field.name, [(refused.typed(field.name).to_owned(), refused.typed(field.name).to_owned())]))
            .collect();
        let known: Vec<(&str, Known<'_>)> =
            picked.iter().map(|(name, options)| (*name, Known::Among(options.as_slice()))).collect();
        refused.shown.set(true);
        self.filled(form, refused.path, &known, Some(refused))
    }

    /// Whether it is this form that was refused.
    fn came_back(&self, form: &Form, place: &str, known: &[(&str, Known<'_>)]) -> Option<&Refused<'_>> {
        let refused = self.refused.filter(|refused| !refused.is_shown() && refused.path == form.at(place))?;
        let mut fixed = form.fields.iter().filter(|field| field.entry == Entry::Fixed);
        if !fixed.all(|field| refused.typed(field.name) == known_value(field.name, known)) {
            return None;
        }
        refused.shown.set(true);
        Some(refused)
    }

    fn filled(&self, form: &Form, action: &str, known: &[(&str, Known<'_>)], came: Option<&Refused<'_>>) -> Markup {
        // Who has no mouse goes on where the form is to be mended.
        let first = form.fields.iter().find(|field| field.entry != Entry::Fixed).map(|field| field.name);
        let at_fault = |name: &str| came.is_some_and(|came| came.is_at_fault(name));
        let fault = form.fields.iter().map(|field| field.name).find(|name| at_fault(name));
        let focus = came.and(fault.or(first));
        html! {
            form.row method="post" action=(action) enctype=[form.has_file().then_some("multipart/form-data")] {
                (self.token())
                @if let Some(came) = came { (came.note.shown(self.lang)) }
                @for field in form.fields { (self.field(field, known, came, focus == Some(field.name))) }
                button type="submit" autofocus[came.is_some() && focus.is_none()] { (self.say(form.title.0, form.title.1)) }
            }
        }
    }

    fn field(&self, field: &Field, known: &[(&str, Known<'_>)], came: Option<&Refused<'_>>, focus: bool) -> Markup {
        let Field { name, label, entry } = *field;
        let value = came.map_or_else(|| known_value(name, known), |came| came.typed(name));
        let wrong = came.filter(|came| came.is_at_fault(name)).map(|_| "true");
        let (optional, must) =
            (self.say("，可空", ", may be empty"), !matches!(entry, Entry::Maybe(_) | Entry::MaybeLines(_)));
        // Browsers send a file once and never have it filled in.
        let again = if came.is_some() && matches!(entry, Entry::File(_)) {
            self.say("，请重新选择", ", choose it again")
        } else {
            ""
        };
        let words = html! { (self.say(label.0, label.1)) @if !must { (optional) } (again) };
        html! {
            @match entry {
                Entry::Line(most) | Entry::Maybe(most) => label { (words)
                    input name=(name) value=(value) required[must] maxlength=(most) autocomplete="off" aria-invalid=[wrong] autofocus[focus];
                },
                Entry::Count => label { (words)
                    input name=(name) value=(value) required maxlength="9" pattern="[0-9]+" inputmode="numeric" autocomplete="off" aria-invalid=[wrong] autofocus[focus];
                },
                Entry::Day => label { (words)
                    input name=(name) value=(value) required maxlength="10" pattern="[0-9]{4}-[0-9]{2}-[0-9]{2}" placeholder="YYYY-MM-DD" autocomplete="off" aria-invalid=[wrong] autofocus[focus];
                },
                Entry::Lines(most) | Entry::MaybeLines(most) => label.whole { (words)
                    textarea name=(name) rows="3" required[must] maxlength=(most) aria-invalid=[wrong] autofocus[focus] { (value) }
                },
                Entry::File(accept) => label { (words)
                    input type="file" name=(name) required accept=(accept) aria-invalid=[wrong] autofocus[focus];
                },
                Entry::Choice(options) => label { (words)
                    select name=(name) aria-invalid=[wrong] autofocus[focus] {
                        @for (option, zh, en) in options { option value=(option) selected[*option == value] { (self.say(zh, en)) } }
                    }
                },
                Entry::Pick => label { (words)
                    select name=(name) aria-invalid=[wrong] autofocus[focus] {
                        @if let Some(options) = known_options(name, known) {
                            @for (option, words) in options { option value=(option) selected[came.is_some() && option == value] { (words) } }
                        }
                    }
                },
                Entry::Tick => label.tick {
                    input type="checkbox" name=(name) value="yes" checked[!value.is_empty()] aria-invalid=[wrong] autofocus[focus];
                    " " (words)
                },
                Entry::Fixed => input type="hidden" name=(name) value=(value);,
            }
        }
    }
}

/// What a page knows to stand in a field.
fn known_value<'k>(name: &str, known: &[(&str, Known<'k>)]) -> &'k str {
    let value = known.iter().find_map(|(field, known)| match known {
        Known::Value(value) if *field == name => Some(*value),
        _ => None,
    });
    value.unwrap_or_default()
}

/// What a page knows that may be picked.
fn known_options<'k>(name: &str, known: &[(&str, Known<'k>)]) -> Option<&'k [(String, String)]> {
    known.iter().find_map(|(field, known)| match known {
        Known::Among(options) if *field == name => Some(*options),
        _ => None,
    })
}
