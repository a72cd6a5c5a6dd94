//! `tear`: hands over to the program beside this one that has a card and a centre in it, as no terminal should.
//!
//! Source: docs/adr/0046. Owns: finding it, its exit code. Never: knows what it does.

use std::process::Command;

use clap::ValueEnum as _;

use crate::arguments::{Form, TearArguments};
use crate::exit::Exit;
use crate::output::Output;
use card_counter::error::TerminalError;
use card_counter::language::Language;

/// Its name.
const PROGRAM: &str = "sscard-tear";

/// `tear`.
pub(super) fn run(output: &Output, arguments: TearArguments) -> Result<Exit, TerminalError> {
    let missing = |program: &str| {
        let program = program.to_owned();
        move |source| TerminalError::RehearsalMissing { program, source }
    };
    let program = std::env::current_exe().map_err(missing(PROGRAM))?.with_file_name(PROGRAM);
    let language = match output.language {
        Language::Zh => "zh",
        Language::En => "en",
    };
    let form = if output.form == Form::Json { "json" } else { "text" };
    let what = arguments.what.to_possible_value().ok_or(TerminalError::Bug("every word has a spelling"))?;
    let ended = Command::new(&program)
        .args(["--lang", language, "--format", form, what.get_name()])
        .args(arguments.points.then_some("--points"))
        .status()
        .map_err(missing(&program.display().to_string()))?;
    Ok(match ended.code() {
        Some(0) => Exit::Ok,
        Some(7) => Exit::Mismatch,
        Some(9) => Exit::Storage,
        // It was killed, or is not the program that it should be.
        Some(_) | None => Exit::Bug,
    })
}
