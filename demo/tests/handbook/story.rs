//! Every page of the handbook in order, and what its languages have in common.
//!
//! The order of the pages is that of the table on the first one. Programs are those beside this one, as in the other tests here.
//! Beside a PostgreSQL server (`scripts/with-postgres`) the centres of the pages live on it until one is brought back as a file.

use std::path::{Path, PathBuf};

use crate::page::{Step, agrees, steps};
use crate::shell::Shell;

/// Fewer than this, and pages or commands were lost.
const COMMANDS_MIN: usize = 520;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Names of the pages of a language in the order of the first one's table, which has all that there are.
fn pages(language: &str) -> Vec<String> {
    let folder = root().join("docs/handbook");
    let first = format!("start.{language}.md");
    let ending = format!(".{language}.md)");
    let table = read(&folder.join(&first));
    let linked = table.lines().filter(|line| line.starts_with("| [")).map(|line| {
        let name = line.split("](").nth(1).and_then(|rest| rest.split(&ending).next());
        format!("{}.{language}.md", name.expect("a link to a page"))
    });
    let pages: Vec<String> = std::iter::once(first).chain(linked).collect();
    let files = std::fs::read_dir(&folder).expect("the handbook").map(|entry| entry.expect("an entry").file_name());
    let mut there: Vec<String> = files.map(|name| name.to_string_lossy().into_owned()).collect();
    there.retain(|name| name.ends_with(&format!(".{language}.md")));
    there.sort();
    let mut listed = pages.clone();
    listed.sort();
    assert_eq!(listed, there, "the table of the first page names every page");
    pages
}

/// Types all pages; every command says what its page says and ends as it says.
fn typed(language: &str, locale: &str) {
    let place = tempfile::tempdir().expect("a folder");
    let mut shell = Shell::open(place.path(), &root(), locale);
    let mut count = 0;
    let mut others = Vec::new();
    for name in pages(language) {
        for Step { line, command, output, exit } in steps(&read(&root().join("docs/handbook").join(&name))) {
            let (text, code) = shell.run(&command);
            let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
            let same = lines.len() == output.len()
                && output.iter().zip(&lines).all(|(expected, found)| agrees(expected.trim_end(), found));
            let whole = output == ["…"] && !lines.is_empty();
            if code != exit || !(same || whole) {
                others
                    .push(format!("{name}:{line}: {command}\nexit {code}, says\n{text}\nnot\n{}\n", output.join("\n")));
            }
            count += 1;
        }
    }
    assert!(others.is_empty(), "{} commands do something else:\n{}", others.len(), others.concat());
    assert!(count > COMMANDS_MIN, "{count} commands");
}

#[test]
fn every_command_of_the_english_handbook_does_what_its_page_says() {
    typed("en", "C.UTF-8");
}

#[test]
fn every_command_of_the_chinese_handbook_does_what_its_page_says() {
    typed("zh", "zh_CN.UTF-8");
}

#[test]
fn both_handbooks_have_the_same_commands() {
    // But for remarks in the files that they write.
    let bare = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.split("  #").next().unwrap_or_default().trim_end().to_owned()).collect()
    };
    for (en, zh) in pages("en").iter().zip(&pages("zh")) {
        let commands = |name: &str| -> Vec<Vec<String>> {
            let page = read(&root().join("docs/handbook").join(name));
            steps(&page).into_iter().map(|step| bare(&step.command)).collect()
        };
        assert_eq!(commands(en), commands(zh), "{en}, {zh}");
    }
}

#[test]
fn the_check_value_that_the_page_on_keys_computes_stands_on_its_mother_card() {
    let page = steps(&read(&root().join("docs/handbook/keys.en.md")));
    let computed = page.iter().find(|step| step.command.contains("openssl enc")).expect("a computation");
    let value = computed.output.concat().replace(' ', "").to_uppercase();
    let card = page.iter().find(|step| step.command.contains("mother-zhou.toml <<")).expect("a card");
    assert!(value.len() == 6 && card.command.contains(&format!("check_value = \"{value}\"")), "{value}");
}
