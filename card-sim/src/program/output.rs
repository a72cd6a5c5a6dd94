//! The only place of the program that prints. Results go to standard output, everything else to standard error.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use card_profiles::lint::Finding;
use clap::ValueEnum as _;
use serde_json::json;

use super::Failure;
use super::arguments::Format;
use super::exit;
use super::show;
use super::text::{self, Lang};
use crate::fault::FaultPlan;
use crate::image::Identity;
use crate::inspection::Inspection;
use crate::reader::control::Status;

/// Shape and language of what is printed.
pub(crate) struct Output {
    format: Format,
    lang: Lang,
}

/// Answers a wrong command line in the language and shape that it asks for, as far as that can be read from it, or a request
/// for help.
pub(crate) fn usage(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    if !error.use_stderr() {
        // Help that cannot be printed helps nobody.
        drop(error.print());
        return ExitCode::SUCCESS;
    }
    let asked = |option| command_line::value_of(arguments, option).unwrap_or_default();
    let lang = Lang::from_str(&asked("--lang"), false).unwrap_or_else(|_| Lang::of_locale());
    let pick = |(zh, en): command_line::Words| match lang {
        Lang::Zh => zh,
        Lang::En => en,
    };
    let (what, next) = (pick(command_line::what(error)), pick(command_line::next("card-sim", error)));
    let line = match Format::from_str(&asked("--format"), false).unwrap_or(Format::Text) {
        Format::Text => text::in_two_lines(lang, command_line::CODE, &what, &next),
        Format::Json => json!({ "code": command_line::CODE, "what": what, "next": next }).to_string(),
    };
    drop(writeln!(io::stderr().lock(), "{line}"));
    ExitCode::from(exit::USAGE)
}

impl Output {
    pub(crate) const fn new(format: Format, lang: Lang) -> Self {
        Self { format, lang }
    }

    /// What contradicts what in the profile of a card that is made all the same.
    pub(crate) fn contradictions(&self, findings: &[Finding]) {
        for Finding { place, problem } in findings {
            let what = match self.lang {
                Lang::Zh => format!("卡片描述有矛盾: {}", problem.zh()),
                Lang::En => format!("the profile contradicts itself: {problem}"),
            };
            let next = self.lang.pick("用 sscard profile lint 查看", "see sscard profile lint");
            let line = match self.format {
                Format::Text => format!("PROFILE_CONTRADICTS {place}: {what}\n  {next}"),
                Format::Json => {
                    json!({ "code": "PROFILE_CONTRADICTS", "what": what, "where": place, "next": next }).to_string()
                }
            };
            // A closed standard error must not keep a card from being made.
            drop(writeln!(io::stderr().lock(), "{line}"));
        }
    }

    pub(crate) fn made(&self, images: &[(PathBuf, String)]) {
        let rows = images.iter().map(|(path, serial)| json!({ "image": path, "serial": serial }));
        self.result(&json!({ "made": images.len(), "images": rows.collect::<Vec<_>>() }), || {
            images.iter().map(|(path, serial)| format!("{serial}  {}\n", path.display())).collect()
        });
    }

    pub(crate) fn inspection(&self, identity: &Identity, card: &Inspection) {
        let mut value =
            json!({ "mark": identity.mark, "lot": identity.lot, "given_keys": identity.given_keys, "card": card });
        if !identity.beside.is_empty() {
            value["beside_keys"] = identity.beside.iter().map(|part| part.given_keys.clone()).collect();
        }
        self.result(&value, || show::inspection(self.lang, identity, card));
    }

    pub(crate) fn faults(&self, plan: &FaultPlan) {
        self.result(&json!({ "faults": plan }), || text::faults(self.lang, plan));
    }

    /// In text, one line for `eval`, and nothing else.
    pub(crate) fn started(&self, status: &Status) {
        self.result(&json!(status), || format!("export PCSCLITE_CSOCK_NAME={}\n", quoted(&status.csock)));
    }

    pub(crate) fn stopped(&self, found: bool) {
        self.result(&json!({ "stopped": found }), String::new);
    }

    pub(crate) fn done(&self, image: Option<&Path>) {
        self.result(&json!({ "image": image }), || {
            image.map_or_else(String::new, |path| format!("{}\n", path.display()))
        });
    }

    pub(crate) fn status(&self, status: &Status) {
        self.result(&json!(status), || text::status(self.lang, status));
    }

    pub(crate) fn failure(&self, failure: &Failure) {
        let line = match self.format {
            Format::Text => text::failure(self.lang, failure),
            Format::Json => {
                let [what, next] = text::told(self.lang, failure);
                json!({ "code": text::code(failure), "what": what, "next": next }).to_string()
            }
        };
        // Nowhere is left to complain when standard error is closed.
        drop(writeln!(io::stderr().lock(), "{}", line.trim_end()));
    }

    fn result(&self, value: &serde_json::Value, text: impl FnOnce() -> String) {
        let bytes = match self.format {
            Format::Text => text(),
            Format::Json => format!("{value}\n"),
        };
        // A closed pipe is the reader's choice.
        drop(io::stdout().lock().write_all(bytes.as_bytes()));
    }
}

/// A path as one word of the shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
