//! `card diff`: two cards, or a card against its profile and person.
//!
//! Owns: reading the files and the answer. Never: card commands (`card`).

use std::cell::RefCell;
use std::path::Path;

use card_profiles::{Profile, builtin};

use super::profile::Source;
use super::{Setting, card};
use crate::arguments::DiffArguments;
use crate::dump::{Difference, Dump};
use crate::exit::Exit;
use crate::output::Output;
use crate::page::{Page, Value};
use crate::person;
use card_counter::error::TerminalError;
use card_counter::file::{self, FileKind};
use card_counter::language::Words;

/// What a card in a reader is called among the operands.
const READER: &str = "reader:";

/// Whether `card diff` needs a reader.
pub(super) fn reads_cards(arguments: &DiffArguments) -> bool {
    arguments.cards.iter().any(|card| card.starts_with(READER))
}

/// `card diff` of files only: no reader, no configuration.
pub(super) fn diff(output: &Output, arguments: &DiffArguments) -> Result<Exit, TerminalError> {
    compare(output, arguments, builtin, |card| read(Path::new(card)))
}

/// `card diff` with cards in readers.
pub(super) fn diff_at_counter(setting: &Setting<'_>, arguments: &DiffArguments) -> Result<Exit, TerminalError> {
    let output = setting.output;
    let of_site = |name: &str| setting.catalog.site().find(|profile| profile.name == name).cloned();
    let known = |name: &str| builtin(name).or_else(|| of_site(name));
    compare(output, arguments, known, |card| match card.strip_prefix(READER) {
        None => read(Path::new(card)),
        Some(name) => {
            let mut configuration = setting.configuration.clone();
            configuration.reader = Some(name.to_owned()).filter(|name| !name.is_empty()).or(configuration.reader);
            let (catalog, trace) = (super::catalog(&configuration)?, setting.trace.clone());
            let mut there =
                Setting { configuration, catalog, output, now: setting.now, trace, owed: RefCell::default() };
            card::whole(&mut there, arguments.profile.as_deref(), &arguments.pin).map(|(dump, _)| dump)
        }
    })
}

fn compare(
    output: &Output,
    arguments: &DiffArguments,
    profile_named: impl Fn(&str) -> Option<Profile>,
    mut card: impl FnMut(&str) -> Result<Dump, TerminalError>,
) -> Result<Exit, TerminalError> {
    let differences = match (arguments.cards.as_slice(), &arguments.against) {
        ([left, right], None) => {
            let left = card(left)?;
            left.differences(&card(right)?, profile_named(&left.profile).as_ref())
        }
        ([one], Some(profile)) => {
            let profile = Source::named(profile)?.profile;
            let dump = card(one)?;
            let person = arguments.person.as_deref().map(|path| person::read(path, &profile, &dump)).transpose()?;
            dump.differences_from(&profile, person.as_ref(), arguments.whole)
        }
        _ => {
            let reason = Words::new(
                "写两张卡，或一张卡加 --against 卡片描述",
                "write two cards, or one card and --against PROFILE",
            );
            return Err(TerminalError::Configuration { place: "card diff".to_owned(), reason });
        }
    };
    let exit = if differences.is_empty() { Exit::Ok } else { Exit::Mismatch };
    let rows: Vec<Page> = differences.into_iter().map(row).collect();
    output.answer(&Page::new().with("same", Words::new("相同", "same"), Value::Flag(rows.is_empty())).with(
        "differences",
        Words::new("不同之处", "differences"),
        Value::Table(rows),
    ))?;
    Ok(exit)
}

fn row(difference: Difference) -> Page {
    let number =
        |number: Option<usize>| number.and_then(|n| i64::try_from(n).ok()).map_or(Value::Absent, Value::Number);
    Page::new()
        .with("place", Words::new("位置", "place"), Value::Text(difference.place))
        .with("record", Words::new("记录", "record"), number(difference.record.map(usize::from)))
        .with("byte", Words::new("字节", "byte"), number(difference.byte))
        .with("left", Words::new("左", "left"), side(difference.left))
        .with("right", Words::new("右", "right"), side(difference.right))
}

/// What one side has: `null` in JSON where it has nothing, an empty text where it is there without a value.
fn side(value: Option<String>) -> Value {
    match value {
        None => Value::Missing,
        Some(value) if value.is_empty() => Value::Choice("", Words::new("（空）", "(empty)")),
        Some(value) => Value::Text(value),
    }
}

fn read(path: &Path) -> Result<Dump, TerminalError> {
    Dump::parse(&file::read(path, FileKind::Dump)?, &path.display().to_string())
}
