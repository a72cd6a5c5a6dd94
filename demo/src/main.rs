//! `demo`: runs the whole journey in `target/demo/`. Parses, runs, maps the outcome to an exit code.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use demo::journey::{self, Options};
use demo::output::{Language, Output};

/// The main job of the toolkit with the real programs: issue, read, load, pay, clear.
#[derive(Debug, Parser)]
#[command(name = "demo", version)]
struct Arguments {
    /// Folder to work in; emptied first if an earlier demo made it. Default: `demo` beside the programs' folder.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Seed of the invented registry.
    #[arg(long, default_value_t = 513_300)]
    seed: u64,
    /// Language of the demo's words; from the locale when absent.
    #[arg(long, value_enum)]
    lang: Option<Language>,
    /// Keep what the demo prints: a terminal recording (asciicast) and pictures of its steps go into this folder.
    #[arg(long, value_name = "FOLDER")]
    record: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut output = Output::new(arguments.lang.unwrap_or_else(Language::of_locale));
    let options = Options { folder: arguments.folder, seed: arguments.seed };
    if arguments.record.is_some() {
        output.record();
    }
    let done = journey::run(&options, &mut output);
    match done.and_then(|_| arguments.record.as_deref().map_or(Ok(()), |folder| output.write_recording(folder))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            failure.exit_code()
        }
    }
}
