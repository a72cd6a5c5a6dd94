//! `card diff`: two dumps, or a dump against its profile and person.
//!
//! Owns: reading the files and the answer. Never: needs a reader.

use std::path::Path;

use card_profiles::CardValues;
use serde::de::DeserializeOwned;

use super::profile::Source;
use crate::arguments::DiffArguments;
use crate::dump::{Difference, Dump};
use crate::error::TerminalError;
use crate::exit::Exit;
use crate::language::Words;
use crate::output::Output;
use crate::page::{Page, Value};

/// `card diff`.
pub(super) fn diff(output: &Output, arguments: &DiffArguments) -> Result<Exit, TerminalError> {
    let differences = match (arguments.dumps.as_slice(), &arguments.against) {
        ([left, right], None) => read::<Dump>(left)?.differences(&read(right)?),
        ([card], Some(profile)) => {
            let profile = Source::named(profile)?.profile;
            let person = arguments.person.as_deref().map(read::<CardValues>).transpose()?;
            read::<Dump>(card)?.differences_from(&profile, person.as_ref())
        }
        _ => {
            let reason = "write two dumps, or one dump and --against PROFILE".to_owned();
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
    Page::new()
        .with("place", Words::new("位置", "place"), Value::Text(difference.place))
        .with("left", Words::new("左", "left"), Value::maybe(difference.left.as_deref()))
        .with("right", Words::new("右", "right"), Value::maybe(difference.right.as_deref()))
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, TerminalError> {
    let place = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| TerminalError::File { path: place.clone(), source })?;
    // The parser's own sentence may repeat a value of the card: line and column say enough.
    serde_json::from_str(&text).map_err(|error| TerminalError::Dump {
        path: place,
        line: error.line(),
        column: error.column(),
    })
}
