//! House rules that a compiler does not check: arrows between crates, rooms, file sizes, words that must not appear.
//!
//! Source: ARCHITECTURE.md and CONTRIBUTING.md. Owns: the tables of what each crate may use and who may print.
//! Never: formats or fixes; it names the file and the rule.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Crates of this workspace that each crate may use in its programs and libraries.
const ARROWS: &[(&str, &[&str])] = &[
    ("card-core", &[]),
    ("card-profiles", &["card-core"]),
    ("card-desk", &["card-core", "card-profiles"]),
    // Pictures of cards: nothing of chips or people's data but what is printed.
    ("card-face", &[]),
    // Sentences about arguments; programs alone use it.
    ("command-line", &[]),
    ("card-sim", &["card-core", "card-profiles", "command-line"]),
    ("settlement", &["card-core", "card-profiles"]),
    ("issuer-service", &["card-core", "card-face", "card-profiles", "command-line", "settlement"]),
    // Tests and rehearsals alone use it.
    ("national-rehearsal", &["command-line", "settlement"]),
    // Tests alone use it: a page is opened in a real browser.
    ("browser-driver", &[]),
    // On purpose nothing of the centre: it checks what the centre wrote.
    ("audit-verifier", &[]),
    ("card-counter", &["card-core", "card-profiles", "card-desk", "settlement"]),
    ("centre-line", &["card-core", "card-profiles", "card-counter", "settlement"]),
    ("card-calls", &["card-core", "card-profiles", "card-desk", "card-counter", "centre-line", "settlement"]),
    (
        "reader-cli",
        &[
            "card-core",
            "card-profiles",
            "card-desk",
            "card-counter",
            "centre-line",
            "card-calls",
            "command-line",
            "settlement",
        ],
    ),
    ("sscard-driver", &["card-profiles", "card-calls"]),
    ("test-vectors", &["card-core", "card-profiles", "settlement"]),
    ("demo", &["card-core", "card-profiles", "card-sim", "settlement"]),
    (
        "benches",
        &[
            "card-core",
            "card-profiles",
            "card-counter",
            "card-calls",
            "card-sim",
            "settlement",
            "issuer-service",
            "reader-cli",
        ],
    ),
    // Pages made from the arguments of the programs.
    ("packaging", &["issuer-service", "reader-cli"]),
    ("soak", &["card-core", "card-profiles", "card-sim", "card-counter", "settlement", "issuer-service", "tear"]),
    // The whole house in one process, so that nothing of it has to be in a program that works.
    (
        "tear",
        &[
            "card-core",
            "card-profiles",
            "card-counter",
            "centre-line",
            "card-sim",
            "settlement",
            "issuer-service",
            "command-line",
        ],
    ),
];

/// What the tests of any crate may use besides: the software card, the vectors and the libraries below.
const TEST_ARROWS: &[&str] = &[
    "card-sim",
    "national-rehearsal",
    "browser-driver",
    "test-vectors",
    "card-core",
    "card-profiles",
    "card-counter",
    "settlement",
];

/// What a crate must not use at all: format, database, network or clock in the wrong room.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("card-core", &["serde", "serde_json", "toml", "rusqlite", "tokio", "axum", "ureq", "clap", "time"]),
    ("card-profiles", &["rusqlite", "tokio", "axum", "ureq", "clap", "pcsc"]),
    ("card-desk", &["rusqlite", "tokio", "axum", "ureq", "clap", "serde", "serde_json"]),
    ("card-counter", &["tokio", "axum", "ureq", "clap", "pcsc"]),
    ("centre-line", &["rusqlite", "tokio", "axum", "clap", "pcsc"]),
    ("card-calls", &["rusqlite", "tokio", "axum", "ureq", "clap", "pcsc", "serde_json"]),
    ("card-face", &["rusqlite", "tokio", "axum", "ureq", "clap", "pcsc", "serde", "serde_json"]),
    ("command-line", &["rusqlite", "tokio", "axum", "ureq", "serde", "serde_json"]),
    ("card-sim", &["rusqlite", "tokio", "axum", "ureq"]),
    ("national-rehearsal", &["rusqlite", "axum", "ureq", "pcsc"]),
    ("settlement", &["rusqlite", "tokio", "axum", "ureq", "clap", "pcsc"]),
    ("sscard-driver", &["rusqlite", "tokio", "axum", "ureq", "clap"]),
];

/// Most lines of a file of code: past 500 it is usually two ideas, past this it is refused.
const LINES_MAX: usize = 700;

/// `main.rs` parses, runs and maps the outcome to an exit code.
const MAIN_LINES_MAX: usize = 60;

/// Names that say nothing about what is in a file.
const EMPTY_NAMES: &[&str] = &["utils", "common", "helpers", "types", "misc", "manager", "mod"];

#[test]
fn crates_use_only_what_lies_below_them() {
    let members: BTreeSet<String> = ARROWS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let workspace = manifest(&root().join("Cargo.toml"));
    let listed: BTreeSet<String> = workspace["workspace"]["members"]
        .as_array()
        .expect("members is a list")
        .iter()
        .map(|member| member.as_str().expect("a folder name").to_owned())
        .collect();
    assert_eq!(listed, members, "the table of arrows lists exactly the members of the workspace");
    let mut wrong = Vec::new();
    for (name, allowed) in ARROWS {
        let manifest = manifest(&root().join(name).join("Cargo.toml"));
        let forbidden = FORBIDDEN.iter().find(|(crate_name, _)| crate_name == name).map_or(&[][..], |(_, list)| list);
        for used in used(&manifest, &["dependencies", "build-dependencies"]) {
            if members.contains(&used) && !allowed.contains(&used.as_str()) || forbidden.contains(&used.as_str()) {
                wrong.push(format!("{name} uses {used}"));
            }
        }
        for used in used(&manifest, &["dev-dependencies"]) {
            if members.contains(&used) && !allowed.contains(&used.as_str()) && !TEST_ARROWS.contains(&used.as_str()) {
                wrong.push(format!("tests of {name} use {used}"));
            }
        }
    }
    none(&wrong);
}

#[test]
fn only_output_prints() {
    let printing =
        ["println!", "print!(", "eprintln!", "eprint!(", " stdout()", "::stdout()", " stderr()", "::stderr()", "dbg!("];
    let wrong = each_source(|path, text| {
        if ends_with(path, "output.rs") || path.components().any(|part| part.as_os_str() == "output") {
            return Vec::new();
        }
        lines_with(text, &printing)
    });
    none(&wrong);
}

#[test]
fn only_the_store_knows_sql() {
    let sql = ["rusqlite::", "INSERT INTO ", "DELETE FROM ", "CREATE TABLE ", " SET state", "SELECT * ", "PRAGMA "];
    let wrong = each_source(|path, text| {
        let in_store = ends_with(path, "store.rs") || path.components().any(|part| part.as_os_str() == "store");
        // The bare insert that the journal is measured against is SQL by its purpose.
        if in_store || path.starts_with("benches") { Vec::new() } else { lines_with(text, &sql) }
    });
    none(&wrong);
}

#[test]
fn main_is_short_and_no_file_is_two_ideas() {
    let mut wrong = Vec::new();
    for path in rust_files() {
        let lines = read(&path).lines().count();
        let limit = if ends_with(&path, "main.rs") { MAIN_LINES_MAX } else { LINES_MAX };
        if lines > limit {
            wrong.push(format!("{}: {lines} lines, at most {limit}", path.display()));
        }
    }
    none(&wrong);
}

#[test]
fn files_are_named_after_what_they_hold() {
    let wrong: Vec<String> = rust_files()
        .into_iter()
        .filter(|path| path.file_stem().is_some_and(|stem| EMPTY_NAMES.iter().any(|name| stem == *name)))
        .map(|path| path.display().to_string())
        .collect();
    none(&wrong);
}

#[test]
fn lints_are_expected_with_a_reason_and_never_allowed() {
    let mut wrong = Vec::new();
    for path in rust_files() {
        let text = read(&path);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (index, line) in lines.iter().enumerate() {
            let attribute = line.strip_prefix("#[").or_else(|| line.strip_prefix("#![")).unwrap_or_default();
            let whole: String = lines.iter().skip(index).take(6).copied().collect();
            let reasoned = whole.split(")]").next().unwrap_or_default().contains("reason =");
            if attribute.starts_with("allow") || attribute == "ignore]" || attribute.starts_with("expect(") && !reasoned
            {
                wrong.push(format!("{}:{}: {line}", path.display(), index + 1));
            }
        }
    }
    none(&wrong);
}

#[test]
fn no_file_names_a_folder_of_somebodys_machine() {
    // Spelt in parts, so that this table does not find itself.
    let folders = [["/ho", "me/"], ["/ro", "ot/"], ["/wo", "rk/"], ["/tmp", "/wt"], ["C:\\", "Users"]]
        .map(|parts| parts.concat());
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    let wrong: Vec<String> =
        text_files().into_iter().flat_map(|path| located(&path, lines_with(&read(&path), &folders))).collect();
    none(&wrong);
}

#[test]
fn every_module_says_what_it_is() {
    let wrong: Vec<String> = rust_files()
        .into_iter()
        .filter(|path| path.components().any(|part| part.as_os_str() == "src"))
        .filter(|path| !ends_with(path, "tests.rs") && !read(path).trim_start().starts_with("//!"))
        .map(|path| format!("{} starts without //!", path.display()))
        .collect();
    none(&wrong);
}

/// `make test` runs no examples of doc comments: what is worth showing is a test.
#[test]
fn no_doc_comment_holds_code_that_nobody_runs() {
    let code = |text: &str| {
        let fences = text.lines().enumerate().filter_map(|(number, line)| {
            let comment = line.trim_start().strip_prefix("//!").or_else(|| line.trim_start().strip_prefix("///"))?;
            Some((number, comment.trim_start().strip_prefix("```")?.to_owned()))
        });
        let opened = fences.step_by(2).filter(|(_, language)| matches!(language.as_str(), "" | "rust" | "no_run"));
        opened.map(|(number, _)| format!("line {}", number + 1)).collect()
    };
    none(&each_source(|_, text| code(text)));
}

#[test]
fn every_crate_has_a_readme() {
    let wrong: Vec<&str> =
        ARROWS.iter().map(|(name, _)| *name).filter(|name| !root().join(name).join("README.md").is_file()).collect();
    assert!(wrong.is_empty(), "without README.md: {wrong:?}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a member lies in the workspace").to_owned()
}

fn manifest(path: &Path) -> toml::Table {
    toml::from_str(&fs::read_to_string(path).expect("a manifest can be read")).expect("a manifest is TOML")
}

fn used(manifest: &toml::Table, sections: &[&str]) -> Vec<String> {
    let platform = manifest.get("target").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values);
    platform
        .filter_map(toml::Value::as_table)
        .chain([manifest])
        .flat_map(|table| sections.iter().filter_map(|section| table.get(*section)?.as_table()))
        .flat_map(toml::Table::keys)
        .cloned()
        .collect()
}

/// Files of code and of text in the workspace, relative to its root, without what is built.
fn text_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder can be listed") {
            let path = entry.expect("an entry can be read").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["target", ".git", "corpus", "artifacts", "node_modules"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if is_text(&name) {
                found.push(path.strip_prefix(root()).expect("found below the root").to_owned());
            }
        }
    }
    found.sort();
    assert!(found.len() > 50, "only {} files found: the walk lost its way", found.len());
    found
}

fn is_text(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    ["rs", "toml", "md", "json", "h", "c", "py", "sh", ""].contains(&extension)
}

fn rust_files() -> Vec<PathBuf> {
    text_files().into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(root().join(path)).expect("a listed file can be read")).into_owned()
}

fn ends_with(path: &Path, name: &str) -> bool {
    path.file_name().is_some_and(|file| file == name)
}

/// Runs a rule over the code of programs and libraries: everything in `src/` before its unit tests.
fn each_source(rule: impl Fn(&Path, &str) -> Vec<String>) -> Vec<String> {
    rust_files()
        .into_iter()
        .filter(|path| path.components().any(|part| part.as_os_str() == "src") && !ends_with(path, "tests.rs"))
        .flat_map(|path| {
            let text = read(&path);
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            located(&path, rule(&path, code))
        })
        .collect()
}

fn lines_with(text: &str, words: &[&str]) -> Vec<String> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//") && words.iter().any(|word| line.contains(word)))
        .map(|(index, line)| format!("{}: {}", index + 1, line.trim()))
        .collect()
}

fn located(path: &Path, lines: Vec<String>) -> Vec<String> {
    lines.into_iter().map(|line| format!("{}:{line}", path.display())).collect()
}

fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} places:\n{}", wrong.len(), wrong.join("\n"));
}
