//! A command line that cannot be read: what is wrong with it, as every other error is told.
//!
//! Source: `command_line` has the sentences of all programs.
//! Owns: what differs at a terminal, where a value may be a PIN and is never repeated. Never: prints.

use std::ffi::OsString;

use card_counter::error::TerminalError;
use card_counter::language::{self, Words};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Error, ValueEnum as _};
use command_line::value_of;

use crate::arguments::Form;
use crate::output::Output;

/// How to answer somebody who typed these words.
#[must_use]
pub fn output(typed: &[OsString]) -> Output {
    let form = value_of(typed, "--format").and_then(|word| Form::from_str(&word, false).ok()).unwrap_or(Form::Text);
    let named = value_of(typed, "--lang").and_then(|word| language::parse(&word).ok());
    Output { form, language: named.unwrap_or_else(|| language::of_locale(|name| std::env::var(name).ok())) }
}

/// The mistake; `None` where `clap` has help to show instead.
#[must_use]
pub fn mistake(error: &Error) -> Option<TerminalError> {
    let of = |kind| words(error, kind);
    let argument = of(ContextKind::InvalidArg);
    let said = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            return None;
        }
        // What is no option may be a PIN that was typed where none belongs.
        ErrorKind::UnknownArgument if !argument.starts_with('-') => {
            Words::new("参数过多", "there is one argument too many")
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let (valid, typed) = (of(ContextKind::ValidValue), of(ContextKind::InvalidValue));
            let why = std::error::Error::source(error).map(ToString::to_string);
            let valid = why.filter(|why| typed.is_empty() || !why.contains(&typed)).unwrap_or(valid);
            let (zh, en) = match valid.as_str() {
                "" => (String::new(), String::new()),
                valid => (format!("：{valid}"), format!(": {valid}")),
            };
            Words::of(format!("{argument} 的值无效{zh}"), format!("the value of {argument} is none{en}"))
        }
        _ => {
            let (zh, en) = command_line::what(error);
            Words::of(zh, en)
        }
    };
    Some(TerminalError::Usage { said })
}

/// The words that `clap` names of a kind.
fn words(error: &Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(word)) => word.clone(),
        Some(ContextValue::Strings(words)) => words.join(", "),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::arguments::Arguments;
    use card_counter::language::Language;

    #[test]
    fn a_mistake_is_told_in_both_languages_and_repeats_no_value() {
        for (line, zh, en) in [
            ("nosuch", "没有命令 nosuch", "there is no command nosuch"),
            ("card read --colour", "不认识 --colour", "--colour is not known"),
            ("card read 123456", "参数过多", "one argument too many"),
            ("card diff --against", "--against", "--against"),
            ("readers --format 123456", "的值无效：text, json", "none: text, json"),
        ] {
            let typed = std::iter::once("sscard").chain(line.split_whitespace());
            let error = Arguments::try_parse_from(typed).expect_err(line);
            let Some(TerminalError::Usage { said }) = mistake(&error) else { panic!("{line}: {error}") };
            assert!(said.zh.contains(zh) && said.en.contains(en), "{line}: {} / {}", said.zh, said.en);
            assert!(!said.zh.contains("123456") && !said.en.contains("123456"), "{line}");
        }
        assert!(mistake(&Arguments::try_parse_from(["sscard", "--help"]).expect_err("help")).is_none());
    }

    #[test]
    fn language_and_form_are_read_from_a_line_that_cannot_be() {
        let typed = |line: &str| output(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>());
        let zh = typed("sscard --lang zh --format=json nosuch");
        assert_eq!((zh.language, zh.form), (Language::Zh, Form::Json));
        let en = typed("sscard --lang=en nosuch --format");
        assert_eq!((en.language, en.form), (Language::En, Form::Text));
    }
}
