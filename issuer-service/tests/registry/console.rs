//! Pages of the handbook run as a reader would: every command, and it says what the page says.
//!
//! In a block `console` a line that begins with `$ ` is a command and goes on in lines that begin with `> `; what follows is
//! its output, where `…` stands for anything, and `# exit N` its exit code when that is not 0.

use std::path::Path;
use std::process::Command;

pub(crate) struct Step {
    pub(crate) command: String,
    output: Vec<String>,
    exit: i32,
}

pub(crate) fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if inside && let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.to_owned(), output: Vec::new(), exit: 0 });
        } else if inside && let Some(step) = steps.last_mut() {
            if let Some(more) = line.strip_prefix("> ") {
                step.command = format!("{}\n{more}", step.command);
            } else if let Some(code) = line.strip_prefix("# exit ") {
                step.exit = code.parse().expect("a number");
            } else {
                step.output.push(line.to_owned());
            }
        }
    }
    steps
}

pub(crate) fn agrees(expected: &str, found: &str) -> bool {
    let mut rest = found;
    let mut parts = expected.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(after) = rest.strip_prefix(first) else { return false };
    rest = after;
    let mut open = false;
    for part in parts {
        open = true;
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        if part.is_empty() {
            rest = "";
        }
    }
    rest.is_empty() || (open && expected.ends_with('…'))
}

/// Runs a page in an empty folder that `prepare` may fill; how many commands it has.
pub(crate) fn run(page: &str, lang: &str, prepare: impl FnOnce(&Path)) -> usize {
    let folder = tempfile::tempdir().expect("folder");
    prepare(folder.path());
    let program = Path::new(env!("CARGO_BIN_EXE_issuer")).parent().expect("a folder");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").expect("a path"));
    let steps = steps(page);
    for Step { command, output, exit } in &steps {
        let ended = Command::new("sh")
            .args(["-c", command])
            .current_dir(folder.path())
            .env("PATH", &path)
            .env("LC_ALL", lang)
            .env("ISSUER_DATA", "centre")
            .env_remove("ISSUER_OPERATOR")
            .envs(
                command.contains("issuer init").then(crate::fresh::fresh).flatten().map(|url| ("ISSUER_DATABASE", url)),
            )
            .stdin(std::process::Stdio::null())
            .output()
            .expect("a shell");
        let text = [ended.stdout, ended.stderr].concat();
        let text = String::from_utf8(text).expect("text");
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        let same = lines.len() == output.len()
            && output.iter().zip(&lines).all(|(expected, found)| agrees(expected.trim_end(), found));
        let whole = output.len() == 1 && output[0] == "…";
        assert!(same || whole, "{command}\nsays\n{text}\nnot\n{}", output.join("\n"));
        assert_eq!(ended.status.code(), Some(*exit), "{command}\n{text}");
    }
    steps.len()
}
