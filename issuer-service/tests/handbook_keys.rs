//! The handbook page on keys: every command of it, in order, in both languages the same.

#[path = "database/fresh.rs"]
mod fresh;

use std::path::Path;
use std::process::Command;

/// Commands of a page; a text that stands in one goes on to its mark.
fn commands(page: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/handbook").join(page);
    let text = std::fs::read_to_string(path).expect("the page");
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().expect("a block"));
    let mut commands: Vec<String> = Vec::new();
    for line in blocks.flat_map(str::lines) {
        match commands.last_mut().filter(|last| last.contains("<<'END'") && !last.ends_with("\nEND")) {
            Some(open) => open.push_str(&format!("\n{line}")),
            None => commands.push(line.to_owned()),
        }
    }
    commands
}

/// A command without the remarks of the text that stands in it.
fn bare(command: &str) -> String {
    command.lines().map(|line| line.split("  #").next().unwrap_or_default().trim_end()).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_command_of_the_page_on_keys_works_as_written() {
    let commands = commands("keys.en.md");
    let both =
        [commands.clone(), self::commands("keys.zh.md")].map(|page| page.iter().map(|c| bare(c)).collect::<Vec<_>>());
    assert_eq!(both[0], both[1]);
    assert!(commands.len() >= 40, "{} commands", commands.len());
    let folder = tempfile::tempdir().expect("folder");
    let programs = Path::new(env!("CARGO_BIN_EXE_issuer")).parent().expect("folder").to_owned();
    let path = std::env::join_paths(
        [programs].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").expect("PATH"))),
    );
    let mut exports = String::new();
    let mut computed = 0;
    for command in &commands {
        if command.starts_with("export ") {
            exports += &format!("{command}\n");
            continue;
        }
        let output = Command::new("sh")
            .args(["-c", &format!("{exports}{command}")])
            .current_dir(folder.path())
            .env("PATH", path.as_ref().expect("a path"))
            .envs(command.contains(" init").then(fresh::fresh).flatten().map(|url| ("ISSUER_DATABASE", url)))
            .output()
            .expect("a shell");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        if command.contains("openssl") {
            // What the page computes is what it writes on the mother card.
            let value = String::from_utf8_lossy(&output.stdout).replace(' ', "").trim().to_uppercase();
            let card = commands.iter().find(|command| command.contains("mother-zhou.toml <<")).expect("a card");
            assert!(card.contains(&format!("check_value = \"{value}\"")), "{value}");
            computed += 1;
        }
    }
    assert_eq!(computed, 1);
    let page = std::fs::read_to_string(folder.path().join("protocol.html")).expect("protocol");
    assert!(page.contains("zhou") && page.contains("TRANSPORT") && !page.contains("REHEARSAL"), "{page}");
}
