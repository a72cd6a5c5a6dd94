//! `profile …`: what is on a card type, from the one text that says it.
//!
//! Owns: the answers. Never: needs a reader, edits a profile.

use std::collections::BTreeSet;

use card_profiles::assumption::{Assumption, Doubt, assumptions};
use card_profiles::document::document;
use card_profiles::facts::{Comparison, OneSided, compare, differences, facts};
use card_profiles::layout::layout;
use card_profiles::lint::{Position, lint, position};
use card_profiles::profile::CardKind;
use card_profiles::{Profile, builtin, flatten};

use super::Regions;
use crate::arguments::{Form, Places, ProfileCommand};
use crate::exit::Exit;
use crate::output::Output;
use crate::page::{Page, Value};
use card_counter::error::TerminalError;
use card_counter::language::{Language, Words};

/// Runs a command about profiles.
pub(super) fn run(output: &Output, places: &Places, command: &ProfileCommand) -> Result<Exit, TerminalError> {
    match command {
        ProfileCommand::List => list(output, &super::regions(places)?),
        ProfileCommand::Show { profile } => show(output, profile),
        ProfileCommand::Doc { profile } => {
            let text = document(&Source::named(profile)?.profile);
            match output.form {
                Form::Text | Form::Layout => output.paper(&text),
                Form::Json => {
                    output.answer(&Page::new().with("document", Words::new("文档", "document"), Value::Text(text)))
                }
            }?;
            Ok(Exit::Ok)
        }
        ProfileCommand::Schema => {
            // The schema is JSON in every form.
            Output { form: Form::Text, ..*output }.paper(card_profiles::schema::SCHEMA)?;
            Ok(Exit::Ok)
        }
        ProfileCommand::Lint { profile, release } => check(output, places, profile.as_deref(), *release),
        ProfileCommand::Diff { left, right } => diff(output, left, right),
    }
}

/// A profile and where it came from.
pub(super) use card_counter::profile::ProfileText as Source;

fn malformed(source: &Source, error: card_profiles::ProfileError) -> TerminalError {
    TerminalError::Profile { place: source.name.clone(), source: error }
}

fn flat(source: &Source) -> Result<String, TerminalError> {
    flatten(&source.text).map_err(|error| malformed(source, error))
}

/// What is built in, and the texts of the site's regions.
fn list(output: &Output, regions: &Regions) -> Result<Exit, TerminalError> {
    let own = regions.iter().map(|(region, name)| Ok((Some(region.as_str()), Source::named(name)?.profile)));
    let own = own.collect::<Result<Vec<_>, TerminalError>>()?;
    let builtin = card_profiles::builtin::names().filter_map(builtin).map(|profile| (None, profile));
    let rows = builtin.chain(own).map(|(region, profile)| {
        let kind = match profile.kind {
            CardKind::User => Value::Choice("user", Words::new("用户卡", "user card")),
            CardKind::Psam => Value::Choice("psam", Words::new("PSAM", "PSAM")),
        };
        let files = profile.df.iter().map(|df| df.ef.len()).sum();
        Page::new()
            .with("name", Words::new("名称", "name"), Value::text(&profile.name))
            .with("kind", Words::new("类别", "kind"), kind)
            .with("title", Words::new("标题", "title"), Value::text(&profile.title))
            .with("extends", Words::new("基于", "extends"), Value::maybe(profile.base.as_deref()))
            .with("files", Words::new("文件", "files"), number(files))
            .with("keys", Words::new("密钥", "keys"), number(profile.key_count()))
            .with("region", Words::new("地区", "region"), Value::maybe(region))
    });
    output.answer(&Page::new().with("profiles", Words::new("卡片描述", "profiles"), Value::Table(rows.collect())))?;
    Ok(Exit::Ok)
}

fn show(output: &Output, name: &str) -> Result<Exit, TerminalError> {
    let source = Source::named(name)?;
    match output.form {
        Form::Layout => output.file(&layout(&source.profile), None)?,
        Form::Text => output.paper(&flat(&source)?)?,
        Form::Json => {
            let table: toml::Table =
                toml::from_str(&flat(&source)?).map_err(|_| TerminalError::Bug("a flat profile is TOML"))?;
            output.file(&table, None)?;
        }
    }
    Ok(Exit::Ok)
}

/// One text; without a name every text, those of the site's regions too.
fn check(output: &Output, places: &Places, name: Option<&str>, release: bool) -> Result<Exit, TerminalError> {
    let names = match name {
        Some(name) => vec![name.to_owned()],
        None => {
            let own: BTreeSet<String> = super::regions(places)?.into_values().collect();
            let builtin = card_profiles::builtin::names().map(str::to_owned);
            builtin.chain(own.into_iter().filter(|name| card_profiles::builtin_text(name).is_none())).collect()
        }
    };
    let (mut findings, mut doubts) = (Vec::new(), Vec::new());
    for name in names {
        let source = &Source::named(&name)?;
        let others = Profile::with_other_choices(&source.text).map_err(|error| malformed(source, error))?;
        let profile = &source.profile;
        // What a choice of an option spoils is found before anybody makes it.
        let others = others.iter().map(|(choice, profile)| (format!("{} ({choice})", profile.name), profile));
        let own = source.findings();
        for (called, profile) in std::iter::once((profile.name.clone(), profile)).chain(others) {
            // What is wrong whatever is chosen is said once.
            let is_own = called == profile.name;
            let found = if is_own { own.clone() } else { lint(profile) };
            let found = found.into_iter().filter(|finding| is_own || !own.contains(finding));
            findings.extend(found.map(|finding| {
                let words = Words::of(finding.problem.zh(), finding.problem.to_string());
                let at = position(&source.text, &finding.place);
                let number = |of: fn(&Position) -> usize| at.as_ref().map_or(Value::Absent, |at| Value::count(of(at)));
                row(&called, &finding.place)
                    .with("line", Words::new("行", "line"), number(|at| at.line))
                    .with("column", Words::new("列", "column"), number(|at| at.column))
                    .with(
                        "base",
                        Words::new("在其基础", "in its base"),
                        Value::maybe(at.as_ref().and_then(|at| at.base.clone())),
                    )
                    .with("code", Words::new("代码", "code"), Value::text(finding.problem.code()))
                    .with("problem", Words::new("问题", "problem"), Value::Words(words))
            }));
        }
        if release {
            doubts.extend(assumptions(profile).iter().map(|row| doubt(&profile.name, row)));
        }
    }
    let is_clean = findings.is_empty();
    let mut page = Page::new().with("clean", Words::new("无矛盾", "clean"), Value::Flag(is_clean)).with(
        "findings",
        Words::new("矛盾", "findings"),
        Value::Table(findings),
    );
    if release {
        page = page.with("assumptions", Words::new("假设", "assumptions"), Value::Table(doubts));
    }
    if !is_clean {
        page = page.noted(
            "PROFILE_CONTRADICTS",
            Words::new(
                "请按所列位置修改卡片描述文件；各行可写什么见 docs/profile.md",
                "mend the profile text at the places listed; docs/profile.md says what each row may hold",
            ),
        );
    }
    output.answer(&page)?;
    Ok(if is_clean { Exit::Ok } else { Exit::Mismatch })
}

fn row(profile: &str, place: &str) -> Page {
    Page::new().with("profile", Words::new("卡片描述", "profile"), Value::text(profile)).with(
        "place",
        Words::new("位置", "place"),
        Value::text(place),
    )
}

fn doubt(profile: &str, row_of: &Assumption) -> Page {
    let words = match &row_of.doubt {
        Doubt::Assumed(_) => Words::new("假设", "assumed"),
        Doubt::Confidence(_) => Words::new("来源较弱", "weaker source"),
        Doubt::NameUnknown => Words::new("名称未知", "name unknown"),
    };
    // A text that is not built in says it in the language of its author.
    let text = row_of.doubt.text();
    let text = Words::of(row_of.doubt.zh().unwrap_or(text).to_owned(), text.to_owned());
    row(profile, &row_of.place)
        .with("kind", Words::new("类别", "kind"), Value::Choice(row_of.doubt.word(), words))
        .with("text", Words::new("内容", "text"), Value::Words(text))
}

fn diff(output: &Output, left: &str, right: &str) -> Result<Exit, TerminalError> {
    let (left, right) = (Source::named(left)?, Source::named(right)?);
    let read = |source: &Source| facts(&source.text).map_err(|error| malformed(source, error));
    let (facts_left, facts_right) = (read(&left)?, read(&right)?);
    let rows: Vec<Page> = differences(&facts_left, &facts_right)
        .into_iter()
        .map(|difference| {
            Page::new()
                .with("place", Words::new("位置", "place"), Value::Text(difference.path))
                .with("left", Words::new("左", "left"), Value::maybe(difference.left.as_deref()))
                .with("right", Words::new("右", "right"), Value::maybe(difference.right.as_deref()))
        })
        .collect();
    let exit = if rows.is_empty() { Exit::Ok } else { Exit::Mismatch };
    if output.form == Form::Text && !rows.is_empty() {
        let names = [left.profile.name.as_str(), &right.profile.name];
        output.paper(&told(output.language, names, &compare(&facts_left, &facts_right)))?;
        return Ok(exit);
    }
    output.answer(&Page::new().with("same", Words::new("相同", "same"), Value::Flag(rows.is_empty())).with(
        "differences",
        Words::new("不同之处", "differences"),
        Value::Table(rows),
    ))?;
    Ok(exit)
}

/// Values that stand in one line of at most so many characters.
const LINE_MAX: usize = 72;

/// What differs, for a person: how much, then row by row, then what only one side has.
fn told(language: Language, [left, right]: [&str; 2], compared: &Comparison) -> String {
    let facts = |rows: &[OneSided]| rows.iter().map(|row| row.facts).sum::<usize>();
    let (changed, of_left, of_right) = (compared.changed.len(), facts(&compared.left), facts(&compared.right));
    let mut text = match language {
        Language::Zh => format!("{changed} 项不同;只在 {left} 中 {of_left} 项;只在 {right} 中 {of_right} 项\n"),
        Language::En => format!("{changed} differ, {of_left} only in {left}, {of_right} only in {right}\n"),
    };
    let mut current = None;
    for difference in &compared.changed {
        let (row, name) = difference.row();
        if current != Some(row) {
            current = Some(row);
            let whole = Words::new("整体", "the profile itself");
            text += &format!("\n{}\n", if row.is_empty() { whole.text(language) } else { row });
        }
        let [was, is] = [&difference.left, &difference.right].map(|value| value.as_deref().unwrap_or_default());
        if name.chars().count() + was.chars().count() + is.chars().count() <= LINE_MAX {
            text += &format!("  {name}: {was} → {is}\n");
        } else {
            // Of a long list only what one side has.
            let lacks = |other: &str, part: &&str| other.split("; ").all(|known| known != *part);
            text += &format!("  {name}\n");
            was.split("; ").filter(|part| lacks(is, part)).for_each(|part| text += &format!("    - {part}\n"));
            is.split("; ").filter(|part| lacks(was, part)).for_each(|part| text += &format!("    + {part}\n"));
        }
    }
    for (name, rows) in [(left, &compared.left), (right, &compared.right)] {
        if rows.is_empty() {
            continue;
        }
        text += &match language {
            Language::Zh => format!("\n只在 {name} 中\n"),
            Language::En => format!("\nonly in {name}\n"),
        };
        for OneSided { path, facts } in rows {
            text += &match (language, facts) {
                (_, 1) => format!("  {path}\n"),
                (Language::Zh, facts) => format!("  {path}（{facts} 项）\n"),
                (Language::En, facts) => format!("  {path} ({facts} facts)\n"),
            };
        }
    }
    text
}

fn number(count: usize) -> Value {
    i64::try_from(count).map_or(Value::Absent, Value::Number)
}
