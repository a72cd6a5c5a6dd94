//! `sscard`: the terminal of the social security card.
//!
//! Owns: parse, run, exit code. Never: anything else.

use std::process::ExitCode;

use card_counter::language;
use clap::Parser as _;
use reader_cli::arguments::Arguments;
use reader_cli::exit::Exit;
use reader_cli::{command, output::Output, usage};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            if let Some(mistake) = usage::mistake(&error) {
                usage::output(&std::env::args_os().collect::<Vec<_>>()).error(&mistake);
                return Exit::Usage.into();
            }
            // Help that cannot be printed helps nobody; there is nothing to undo.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Ok }.into();
        }
    };
    let language = arguments.lang.unwrap_or_else(|| language::of_locale(|name| std::env::var(name).ok()));
    let output = Output { form: arguments.format, language };
    match command::run(&arguments, &output) {
        Ok(exit) => exit.into(),
        Err(error) => {
            output.error(&error);
            Exit::of(error.code()).into()
        }
    }
}
