//! From a command line to a running rehearsal. Owns: exit codes, what is wrong with the command line. Never: prints (`output`).

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser as _, ValueEnum as _};
use settlement::Language;

use crate::arguments::{Arguments, Form, language};
use crate::centre::Centre;
use crate::fault::FaultPlan;
use crate::output::Output;
use crate::server::Running;

/// The command line or the data is wrong.
const USAGE: u8 = 1;
/// The address cannot be listened on.
const STORAGE: u8 = 9;

/// Runs until Ctrl-C.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let typed: Vec<OsString> = arguments.into_iter().collect();
    let arguments = match Arguments::try_parse_from(&typed) {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error, &typed),
    };
    let output = Output { form: arguments.format, language: arguments.lang.unwrap_or_else(of_locale) };
    let unit = arguments.width_unit.into();
    let centre = match &arguments.data {
        Some(folder) => Centre::of_folder(folder, unit),
        None => Centre::built_in(unit),
    };
    let centre = match centre {
        Ok(centre) => centre,
        Err(fault) => {
            let next =
                ("改正该文件,或去掉 --data 使用内置的数据", "mend the file, or leave --data out for the built-in data");
            output.error(
                "DATA_MALFORMED",
                ("演练数据有误", "the data of the rehearsal is wrong"),
                &fault.to_string(),
                next,
            );
            return USAGE.into();
        }
    };
    let plan = FaultPlan::scripted(arguments.fault);
    let plan = match (arguments.seed, arguments.percent) {
        (Some(seed), Some(percent)) => plan.with_seed(seed, percent),
        _ => plan,
    };
    let running = Running::start(arguments.listen, centre, plan, move |told| output.told(&told));
    match running {
        Ok(running) => {
            output.listening(&running.address());
            // The thread that answers ends with the process; a signal ends both.
            loop {
                std::thread::park();
            }
        }
        Err(error) => {
            let next = ("换一个 --listen 地址,端口 0 取空闲端口", "give another --listen; port 0 takes a free one");
            let what = ("地址无法监听", "the address cannot be listened on");
            output.error("LISTEN_FAILED", what, &format!("{}: {error}", arguments.listen), next);
            STORAGE.into()
        }
    }
}

fn usage(error: &clap::Error, typed: &[OsString]) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // Help that cannot be printed helps nobody; there is nothing to undo.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let of = |option| command_line::value_of(typed, option);
    let form = of("--format").and_then(|word| Form::from_str(&word, false).ok()).unwrap_or(Form::Text);
    let language = of("--lang").and_then(|word| language(&word).ok()).unwrap_or_else(of_locale);
    let ((zh, en), (next_zh, next_en)) = (command_line::what(error), command_line::next("national-rehearsal", error));
    let what = ("命令写法不对", "the command line is wrong");
    let place = if language == Language::Zh { zh } else { en };
    Output { form, language }.error(command_line::CODE, what, &place, (&next_zh, &next_en));
    USAGE.into()
}

fn of_locale() -> Language {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set);
    if locale.is_some_and(|value| value.starts_with("zh")) { Language::Zh } else { Language::En }
}
