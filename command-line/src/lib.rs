//! What is wrong with a command line, in Chinese and English.
//!
//! Source: `clap` names the kind of mistake and the words concerned; the sentences are ours.
//! Owns: these sentences; what a line asks for by its options though it cannot be read. Never: prints, knows a program.

use std::ffi::OsString;
use std::num::{IntErrorKind, ParseIntError};

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Stable code.
pub const CODE: &str = "USAGE";

/// A text in Chinese and in English.
pub type Words = (String, String);

/// The last value of an option of a line that cannot be read, as `--lang zh` or `--lang=zh`.
#[must_use]
pub fn value_of(arguments: &[OsString], option: &str) -> Option<String> {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    let joined = |at: usize| words.get(at)?.strip_prefix(option)?.strip_prefix('=').map(str::to_owned);
    let apart =
        |at: usize| words.get(at).filter(|word| **word == option).and(words.get(at + 1)).map(|word| (*word).to_owned());
    (0..words.len()).rev().find_map(|at| joined(at).or_else(|| apart(at)))
}

/// What is wrong with a line of `program`.
#[must_use]
pub fn what(error: &Error) -> Words {
    sentences(error)
}

/// What to do next.
#[must_use]
pub fn next(program: &str, error: &Error) -> Words {
    let command = command(program, error);
    (format!("{command} --help 列出可用的命令和参数"), format!("{command} --help lists what can be typed"))
}

/// A value that is wrong and is not repeated, since it may be a secret; `expected` are the shapes that it may have.
#[must_use]
pub fn hidden(argument: &str, expected: &[&str]) -> Error {
    let mut error = Error::new(ErrorKind::ValueValidation);
    error.insert(ContextKind::InvalidArg, ContextValue::String(argument.to_owned()));
    let expected = expected.iter().map(|shape| (*shape).to_owned()).collect();
    error.insert(ContextKind::ValidValue, ContextValue::Strings(expected));
    error
}

fn sentences(error: &Error) -> (String, String) {
    let of = |kind| words(error, kind);
    let (argument, value) = (of(ContextKind::InvalidArg), of(ContextKind::InvalidValue));
    match error.kind() {
        ErrorKind::UnknownArgument => {
            (format!("不认识 {argument}{}", meant_zh(error)), format!("{argument} is not known{}", meant_en(error)))
        }
        ErrorKind::InvalidSubcommand => {
            let word = of(ContextKind::InvalidSubcommand);
            (format!("没有命令 {word}{}", meant_zh(error)), format!("there is no command {word}{}", meant_en(error)))
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            ("缺少命令".to_owned(), "a command is missing".to_owned())
        }
        ErrorKind::MissingRequiredArgument => (format!("缺少 {argument}"), format!("{argument} is missing")),
        ErrorKind::InvalidValue if value.is_empty() => (
            format!("{argument} 缺少值{}", valid(error, "可用")),
            format!("{argument} needs a value{}", valid(error, "one of")),
        ),
        ErrorKind::InvalidValue => (
            format!("{argument} 的值 {value} 无效{}", valid(error, "可用")),
            format!("{value} is no value of {argument}{}", valid(error, "one of")),
        ),
        ErrorKind::ValueValidation if value.is_empty() => (
            format!("{argument} 的值无效{}", valid(error, "可用")),
            format!("the value of {argument} is wrong{}", valid(error, "one of")),
        ),
        ErrorKind::ValueValidation => {
            let (zh, en) = cause(error);
            (format!("{argument} 的值 {value} 无效{zh}"), format!("{value} is no value of {argument}{en}"))
        }
        ErrorKind::ArgumentConflict => {
            let prior = of(ContextKind::PriorArg);
            match argument == prior || prior.is_empty() {
                true => (format!("{argument} 只能写一次"), format!("{argument} is given more than once")),
                false => (format!("{argument} 不能与 {prior} 同用"), format!("{argument} does not go with {prior}")),
            }
        }
        ErrorKind::TooManyValues => {
            (format!("{value} 多余：{argument} 没有这么多值"), format!("{value} is one value too many for {argument}"))
        }
        ErrorKind::InvalidUtf8 => ("参数不是 UTF-8".to_owned(), "an argument is not UTF-8".to_owned()),
        _ => (format!("{argument} 写法不对"), format!("{argument} is not written so")),
    }
}

/// Between both languages in what a program's own reader of values says.
const BETWEEN: &str = " | ";

/// Why a value is wrong, behind a colon: in both languages where the reader of the value knows them, or is one of the libraries'.
fn cause(error: &Error) -> Words {
    let Some(source) = std::error::Error::source(error) else { return Words::default() };
    let said = source.to_string();
    let (zh, en) = match (said.split_once(BETWEEN), source.downcast_ref::<ParseIntError>(), said.split_once(NOT_IN)) {
        (Some((zh, en)), ..) => (zh.to_owned(), en.to_owned()),
        (_, Some(number), _) => (no_number(number.kind()).to_owned(), said),
        (.., Some((_, range))) => (format!("应在 {range} 之内"), said),
        _ => (said.clone(), said),
    };
    (format!("：{zh}"), format!(": {en}"))
}

/// As `clap` says it of a number outside of its range.
const NOT_IN: &str = " is not in ";

const fn no_number(kind: &IntErrorKind) -> &'static str {
    match kind {
        IntErrorKind::Empty => "没有写数字",
        IntErrorKind::PosOverflow => "数字过大",
        IntErrorKind::NegOverflow => "数字过小",
        _ => "应为整数",
    }
}

/// What may have been meant.
fn meant(error: &Error) -> String {
    [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand].map(|kind| words(error, kind)).concat()
}

fn meant_zh(error: &Error) -> String {
    let meant = meant(error);
    if meant.is_empty() { meant } else { format!("（是否为 {meant}）") }
}

fn meant_en(error: &Error) -> String {
    let meant = meant(error);
    if meant.is_empty() { meant } else { format!(" (meant {meant}?)") }
}

fn valid(error: &Error, word: &str) -> String {
    let values = words(error, ContextKind::ValidValue);
    if values.is_empty() { values } else { format!(" ({word}: {values})") }
}

/// The words that `clap` names of a kind.
fn words(error: &Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(word)) => word.clone(),
        Some(ContextValue::Strings(words)) => words.join(", "),
        Some(ContextValue::StyledStr(words)) => words.to_string(),
        Some(ContextValue::StyledStrs(words)) => words.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        _ => String::new(),
    }
}

/// The command that was being typed: the words of the usage line before its arguments.
fn command(program: &str, error: &Error) -> String {
    let usage = words(error, ContextKind::Usage);
    let line = usage.lines().next().unwrap_or_default();
    let line = line.split_once(program).map_or("", |(_, rest)| rest);
    let part = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
    std::iter::once(program).chain(line.split_whitespace().take_while(part)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction, Command, value_parser};

    use super::*;

    fn program() -> Command {
        let age = Arg::new("left").long("left").value_name("N").value_parser(value_parser!(u32));
        let day = |text: &str| {
            if text.len() == 8 { Ok(text.to_owned()) } else { Err("应为 8 位日期 | a day has 8 digits") }
        };
        let day = Arg::new("day").long("day").value_name("DAY").value_parser(day);
        let format = Arg::new("format").long("format").value_name("FORMAT").value_parser(["text", "json"]).global(true);
        let quick = Arg::new("quick").long("quick").action(ArgAction::SetTrue).conflicts_with("left");
        Command::new("tool")
            .subcommand_required(true)
            .arg(format)
            .subcommand(Command::new("show").arg(Arg::new("image").value_name("IMAGE").required(true)))
            .subcommand(Command::new("age").arg(age).arg(quick).arg(day))
            .subcommand(Command::new("reader").subcommand_required(true).subcommand(Command::new("eject")))
    }

    #[test]
    fn every_mistake_is_told_in_both_languages_with_the_words_concerned() {
        for (line, zh, en, command) in [
            ("", "缺少命令", "a command is missing", "tool"),
            ("shwo a.card", "没有命令 shwo（是否为 show）", "there is no command shwo (meant show?)", "tool"),
            ("show", "缺少 <IMAGE>", "<IMAGE> is missing", "tool show"),
            ("show a.card --colour", "不认识 --colour", "--colour is not known", "tool show"),
            (
                "show a.card --format",
                "--format <FORMAT> 缺少值 (可用: text, json)",
                "needs a value (one of: text, json)",
                "tool",
            ),
            (
                "show a.card --format xml",
                "的值 xml 无效 (可用: text, json)",
                "xml is no value of --format <FORMAT>",
                "tool",
            ),
            (
                "age --left many",
                "--left <N> 的值 many 无效：应为整数",
                "many is no value of --left <N>: invalid digit",
                "tool",
            ),
            ("age --left 4294967296", "无效：应在 0..=4294967295 之内", "is not in 0..=4294967295", "tool"),
            ("age --left 99999999999999999999", "无效：数字过大", "number too large", "tool"),
            (
                "age --day 1",
                "--day <DAY> 的值 1 无效：应为 8 位日期",
                "1 is no value of --day <DAY>: a day has 8",
                "tool",
            ),
            ("age --left 1 --left 2", "--left <N> 只能写一次", "--left <N> is given more than once", "tool age"),
            ("age --left 1 --quick", "不能与 --quick 同用", "does not go with --quick", "tool age"),
            ("reader", "缺少命令", "a command is missing", "tool"),
        ] {
            let typed = std::iter::once("tool").chain(line.split_whitespace());
            let error = program().try_get_matches_from(typed).expect_err(line);
            let ((what_zh, what_en), (next_zh, next_en)) = (what(&error), next("tool", &error));
            assert!(what_zh.contains(zh), "{line}: {what_zh}");
            assert!(what_en.contains(en), "{line}: {what_en}");
            assert!(next_zh.starts_with(command) && next_en.contains("--help"), "{line}: {next_zh} / {next_en}");
        }
    }

    #[test]
    fn a_value_that_may_be_a_secret_is_not_repeated_and_its_shapes_are_told() {
        let (zh, en) = what(&hidden("--passphrase", &["env:NAME", "file:PATH"]));
        assert_eq!(zh, "--passphrase 的值无效 (可用: env:NAME, file:PATH)");
        assert_eq!(en, "the value of --passphrase is wrong (one of: env:NAME, file:PATH)");
    }

    #[test]
    fn options_are_read_from_a_line_that_cannot_be_read() {
        let typed = |line: &str| line.split_whitespace().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(value_of(&typed("tool --lang zh shwo"), "--lang").as_deref(), Some("zh"));
        assert_eq!(value_of(&typed("tool --lang=en --lang fr"), "--lang").as_deref(), Some("fr"));
        assert_eq!(value_of(&typed("tool shwo --lang"), "--lang"), None);
        assert_eq!(value_of(&typed("tool --format=json shwo"), "--format").as_deref(), Some("json"));
    }
}
