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
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut output = Output::new(arguments.lang.unwrap_or_else(Language::of_locale));
    let options = Options { folder: arguments.folder, seed: arguments.seed };
    match journey::run(&options, &mut output) {
        Ok(_) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            failure.exit_code()
        }
    }
}
