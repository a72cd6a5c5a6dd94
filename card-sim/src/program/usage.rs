//! What is wrong with a command line, in Chinese and English.
//!
//! Source: `clap` names the kind of mistake and the words concerned; the sentences are ours.
//! Owns: these sentences; language and shape that a line asks for though it cannot be read. Never: prints (`output`).

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Error, ValueEnum as _};

use super::arguments::Format;
use super::text::Lang;

/// Stable code.
pub(crate) const CODE: &str = "USAGE";

/// The language that `--lang` names.
pub(crate) fn lang(arguments: &[OsString]) -> Option<Lang> {
    Lang::from_str(&value_of(arguments, "--lang")?, false).ok()
}

/// The shape that `--format` names.
pub(crate) fn format(arguments: &[OsString]) -> Format {
    value_of(arguments, "--format").and_then(|word| Format::from_str(&word, false).ok()).unwrap_or(Format::Text)
}

/// The last value of an option, as `--lang zh` or `--lang=zh`.
fn value_of(arguments: &[OsString], option: &str) -> Option<String> {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    let joined = |at: usize| words.get(at)?.strip_prefix(option)?.strip_prefix('=').map(str::to_owned);
    let apart =
        |at: usize| words.get(at).filter(|word| **word == option).and(words.get(at + 1)).map(|word| (*word).to_owned());
    (0..words.len()).rev().find_map(|at| joined(at).or_else(|| apart(at)))
}

/// What is wrong, and what to do next.
pub(crate) fn told(lang: Lang, error: &Error) -> [String; 2] {
    let (zh, en) = sentences(error);
    let what = match lang {
        Lang::Zh => zh,
        Lang::En => en,
    };
    let command = command(error);
    let next = match lang {
        Lang::Zh => format!("{command} --help 列出可用的命令和参数"),
        Lang::En => format!("{command} --help lists what can be typed"),
    };
    [what, next]
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
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map_or_else(String::new, |why| format!(": {why}"));
            (format!("{argument} 的值 {value} 无效"), format!("{value} is no value of {argument}{why}"))
        }
        ErrorKind::ArgumentConflict => {
            let prior = of(ContextKind::PriorArg);
            match argument == prior || prior.is_empty() {
                true => (format!("{argument} 只能写一次"), format!("{argument} is given more than once")),
                false => (format!("{argument} 不能与 {prior} 同用"), format!("{argument} does not go with {prior}")),
            }
        }
        ErrorKind::InvalidUtf8 => ("参数不是 UTF-8".to_owned(), "an argument is not UTF-8".to_owned()),
        _ => (format!("{argument} 写法不对"), format!("{argument} is not written so")),
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
fn command(error: &Error) -> String {
    let usage = words(error, ContextKind::Usage);
    let line = usage.lines().next().unwrap_or_default();
    let line = line.split_once("card-sim").map_or("", |(_, rest)| rest);
    let part = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
    std::iter::once("card-sim").chain(line.split_whitespace().take_while(part)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::arguments::Arguments;
    use super::*;

    #[test]
    fn every_mistake_is_told_in_both_languages_with_the_words_concerned() {
        for (line, zh, en, command) in [
            ("", "缺少命令", "a command is missing", "card-sim"),
            ("shwo a.card", "没有命令 shwo（是否为 show）", "there is no command shwo (meant show?)", "card-sim"),
            ("show", "缺少 <IMAGE>", "<IMAGE> is missing", "card-sim show"),
            ("show a.card --colour", "不认识 --colour", "--colour is not known", "card-sim show"),
            (
                "show a.card --format",
                "--format <FORMAT> 缺少值 (可用: text, json)",
                "needs a value (one of: text, json)",
                "card-sim",
            ),
            (
                "show a.card --lang fr",
                "的值 fr 无效 (可用: zh, en)",
                "fr is no value of --lang <LANG> (one of: zh, en)",
                "card-sim",
            ),
            (
                "age a.card --left many",
                "--left <N> 的值 many 无效",
                "many is no value of --left <N>: invalid digit",
                "card-sim",
            ),
            (
                "age a.card --left 1 --left 2",
                "--left <N> 只能写一次",
                "--left <N> is given more than once",
                "card-sim age",
            ),
            ("reader", "缺少命令", "a command is missing", "card-sim"),
        ] {
            let typed = std::iter::once("card-sim").chain(line.split_whitespace());
            let error = Arguments::try_parse_from(typed).expect_err(line);
            let [told_zh, next_zh] = told(Lang::Zh, &error);
            let [told_en, next_en] = told(Lang::En, &error);
            assert!(told_zh.contains(zh), "{line}: {told_zh}");
            assert!(told_en.contains(en), "{line}: {told_en}");
            assert!(next_zh.starts_with(command) && next_en.contains("--help"), "{line}: {next_zh} / {next_en}");
        }
    }

    #[test]
    fn language_and_shape_are_read_from_a_line_that_cannot_be_read() {
        let typed = |line: &str| line.split_whitespace().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(lang(&typed("card-sim --lang zh shwo")), Some(Lang::Zh));
        assert_eq!(lang(&typed("card-sim --lang=en --lang fr")), None);
        assert_eq!(lang(&typed("card-sim shwo --lang")), None);
        assert_eq!(format(&typed("card-sim --format=json shwo")), Format::Json);
        assert_eq!(format(&typed("card-sim shwo")), Format::Text);
    }
}
