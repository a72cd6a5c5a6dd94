//! `compat`: recorded calls of a driver are made again, and every difference is shown.
//!
//! Source: our own format, `docs/compat.md`: one JSON object a line, a request of the bridge with what was answered.
//! Owns: the order, what counts as a difference. Never: takes a PIN from a recording; goes on after a line that is no call.

use std::path::Path;

use card_calls::{Turn, Value as Argument, function::Kind};
use serde_json::{Map, Value as Json};
use zeroize::Zeroizing;

use super::Setting;
use crate::exit::Exit;
use crate::page::{Page, Value};
use crate::spoken::Spoken;
use card_counter::error::TerminalError;
use card_counter::file;
use card_counter::language::Words;

/// The recorded return value.
const CODE: &str = "code";

/// A field of a recorded answer that may be anything: a random number, a time.
const ANY: &str = "*";

/// In an argument: what the call before answered.
const BEFORE: &str = "{pOutInfo}";

/// How a secret is named: never written down.
const NAMED: &str = "env:";

/// Most bytes of a recording.
const BYTES_MAX: u64 = 16 << 20;

/// The calls are one caller's.
const CALLER: u64 = 0;

/// `compat`.
pub(super) fn run(setting: &Setting<'_>, path: &Path) -> Result<Exit, TerminalError> {
    let name = path.display().to_string();
    let calls = recorded(path, &name)?;
    let settings = super::bridge::settings(setting)?;
    let (turn, mut before, mut rows, made) = (Turn::default(), String::new(), Vec::new(), calls.len());
    for Recorded { line, mut spoken, code, outputs } in calls {
        for value in &mut spoken.values {
            if let Argument::Text(text) = value {
                *text = Zeroizing::new(text.replace(BEFORE, &before));
            }
        }
        let answer = turn.call(CALLER, Ok(settings.clone()), spoken.function, &spoken.values);
        let mut differs = |what: String, recorded: String, now: String| {
            rows.push(
                Page::new()
                    .with("line", Words::new("行", "line"), number(line))
                    .with("function", Words::new("函数", "function"), Value::text(spoken.function.name))
                    .with("what", Words::new("项", "what"), Value::text(what))
                    .with("recorded", Words::new("记录", "recorded"), Value::text(recorded))
                    .with("now", Words::new("现在", "now"), Value::text(now)),
            );
        };
        if answer.code.0 != code {
            differs(CODE.to_owned(), code.to_string(), answer.code.0.to_string());
        }
        // A message is each driver's own words.
        for (at, (name, recorded)) in outputs.iter().enumerate().filter(|_| code == 0 && answer.code.0 == 0) {
            let now = answer.outputs.get(at).map_or("", String::as_str);
            for (field, recorded, now) in differences(recorded, now) {
                differs(format!("{name} {field}"), recorded, now);
            }
        }
        before = answer.outputs.into_iter().next().unwrap_or_default();
    }
    let same = rows.is_empty();
    let page = Page::new().with("calls", Words::new("调用数", "calls"), number(made)).with(
        "differences",
        Words::new("差异", "differences"),
        Value::Table(rows),
    );
    setting.output.answer(&page)?;
    Ok(if same { Exit::Ok } else { Exit::Mismatch })
}

/// A recorded call.
struct Recorded {
    line: usize,
    spoken: Spoken,
    code: i32,
    outputs: Vec<(&'static str, String)>,
}

/// All calls of a recording, every line judged before the first is made.
fn recorded(path: &Path, name: &str) -> Result<Vec<Recorded>, TerminalError> {
    let fail = |source| TerminalError::File { path: name.to_owned(), source };
    let size = std::fs::metadata(path).map_err(fail)?.len();
    let wrong = |line: usize, reason: Words| TerminalError::Recording { path: name.to_owned(), line, reason };
    if size > BYTES_MAX {
        return Err(wrong(1, Words::new("文件超过 16 MiB", "the file is longer than 16 MiB")));
    }
    let text = file::read(path, file::FileKind::Recording)?;
    let mut calls = Vec::new();
    for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty() && !text.starts_with('#')) {
        let object: Map<String, Json> = serde_json::from_str(text).map_err(|error| {
            wrong(
                line,
                Words::of(
                    format!("不是 JSON 对象（第 {} 列）", error.column()),
                    format!("no JSON object (column {})", error.column()),
                ),
            )
        })?;
        let mut spoken = Spoken::of(&object).map_err(|failure| wrong(line, Words::same(failure.to_string())))?;
        let code = object.get(CODE).and_then(Json::as_i64).and_then(|code| i32::try_from(code).ok());
        let code =
            code.ok_or_else(|| wrong(line, Words::new("缺少返回值 code", "the return value code is missing")))?;
        secrets(&mut spoken).map_err(|reason| wrong(line, reason))?;
        let text = |name: &'static str| (name, object.get(name).and_then(Json::as_str).unwrap_or_default().to_owned());
        let outputs = spoken.function.output_names().map(text).collect();
        calls.push(Recorded { line, spoken, code, outputs });
    }
    Ok(calls)
}

/// PINs come from the environment.
fn secrets(spoken: &mut Spoken) -> Result<(), Words> {
    for (input, value) in
        spoken.function.inputs().zip(&mut spoken.values).filter(|(input, _)| input.kind == Kind::Secret)
    {
        let Argument::Text(text) = value else { continue };
        let name = text.strip_prefix(NAMED).unwrap_or_default();
        let found = std::env::var(name).ok().filter(|_| !name.is_empty());
        let reason = || {
            let name = input.name;
            Words::of(
                format!("{name} 写成 env:名称,并设置该变量"),
                format!("{name} is written env:NAME, and the variable is set"),
            )
        };
        *text = Zeroizing::new(found.ok_or_else(reason)?);
    }
    Ok(())
}

/// Fields that differ, by their number from 1; another count of fields is one difference more.
fn differences(recorded: &str, now: &str) -> Vec<(String, String, String)> {
    let (left, right): (Vec<&str>, Vec<&str>) = (recorded.split('|').collect(), now.split('|').collect());
    let mut found: Vec<_> = (1..)
        .zip(left.iter().zip(&right))
        .filter(|(_, (recorded, now))| **recorded != ANY && recorded != now)
        .map(|(field, (recorded, now))| (format!("[{field}]"), (*recorded).to_owned(), (*now).to_owned()))
        .collect();
    if left.len() != right.len() {
        found.push(("[]".to_owned(), left.len().to_string(), right.len().to_string()));
    }
    found
}

fn number(number: usize) -> Value {
    i64::try_from(number).map_or(Value::Absent, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_compared_one_by_one_and_a_star_is_anything() {
        assert!(differences("a|*|c|", "a|b|c|").is_empty());
        assert_eq!(differences("a|b|", "a|c|"), [("[2]".to_owned(), "b".to_owned(), "c".to_owned())]);
        assert_eq!(differences("a|b|", "a|b|c|").len(), 2, "the third field and their number");
    }
}
