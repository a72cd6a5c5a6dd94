//! A centre in a fresh folder, and files as bureaus send them. All people are invented.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::fresh::fresh;

pub(crate) const HEADER: &str = "社会保障号码,姓名,性别,民族,出生日期,行政区划代码,联系电话";

/// Who acts when the test names nobody.
pub(crate) const CLERK: &str = "clerk";

/// A number of GB 11643 for an invented person: check character as ISO 7064 MOD 11-2, by a running remainder.
pub(crate) fn number(birth: &str, order: u32) -> String {
    let body = format!("513301{birth}{order:03}");
    let remainder = body.bytes().fold(0, |sum, byte| (sum + u32::from(byte - b'0')) * 2 % 11);
    let check = match (12 - remainder) % 11 {
        10 => 'X',
        digit => char::from_digit(digit, 10).expect("below ten"),
    };
    format!("{body}{check}")
}

/// A good row below [`HEADER`].
pub(crate) fn row(order: u32, name: &str) -> String {
    let sex = if order % 2 == 1 { 1 } else { 2 };
    format!("{},{name},{sex},04,19900101,513301,19900001234", number("19900101", order))
}

pub(crate) fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_issuer"));
    command.args(["--lang", "en", "--data"]).arg(data).args(arguments).stdin(Stdio::null());
    command.env("ISSUER_OPERATOR", CLERK);
    command.envs(arguments.contains(&"init").then(fresh).flatten().map(|url| ("ISSUER_DATABASE", url)));
    command
}

/// The same without a name.
pub(crate) fn unnamed(data: &Path, arguments: &[&str]) -> Output {
    command(data, arguments).env_remove("ISSUER_OPERATOR").output().expect("the program starts")
}

pub(crate) fn issuer(data: &Path, arguments: &[&str]) -> Output {
    command(data, arguments).output().expect("the program starts")
}

pub(crate) fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("one JSON object, not: {text}"))
}

/// A centre and a folder for files.
pub(crate) struct Bureau {
    folder: tempfile::TempDir,
}

impl Bureau {
    /// Its database is a file, whatever the other tests use.
    pub(crate) fn on_file() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let init = command(&folder.path().join("c"), &["init"]).env_remove("ISSUER_DATABASE").output();
        assert_eq!(init.expect("the program starts").status.code(), Some(0));
        Self::manned(folder)
    }

    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        assert_eq!(issuer(&folder.path().join("c"), &["init"]).status.code(), Some(0));
        Self::manned(folder)
    }

    fn manned(folder: tempfile::TempDir) -> Self {
        let add = ["operator", "add", CLERK, "--role", "capture", "--role", "keys"];
        assert_eq!(issuer(&folder.path().join("c"), &add).status.code(), Some(0));
        Self { folder }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("c")
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("path").to_owned()
    }

    /// Writes a file; its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), content).expect("file");
        self.path(name)
    }

    pub(crate) fn run(&self, file: &str, options: &[&str]) -> Output {
        issuer(&self.data(), &[&["person", "import", file, "--format", "json"], options].concat())
    }

    /// What an import says that ends well or partly.
    pub(crate) fn import(&self, content: impl AsRef<[u8]>) -> Value {
        json(&self.run(&self.file("r.csv", content), &[]))
    }

    /// Exit code and error code of an import that ends badly.
    pub(crate) fn refusal(&self, file: &str, options: &[&str]) -> (Option<i32>, String) {
        let output = self.run(file, options);
        assert!(output.stdout.is_empty(), "a refused file gives no report");
        let error: Value = serde_json::from_slice(&output.stderr).expect("an error object");
        assert!(error["what"].is_string() && error["next"].is_string());
        (output.status.code(), error["code"].as_str().expect("code").to_owned())
    }

    /// What the program says to a command that ends well, its standard input being `input`.
    pub(crate) fn say(&self, arguments: &[&str], input: &str) -> Value {
        json(&self.told(arguments, input))
    }

    /// What becomes of a command with this standard input.
    pub(crate) fn told(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = command(&self.data(), arguments);
        command.args(["--format", "json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        // A program that refuses its arguments does not read its input.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        child.wait_with_output().expect("ended")
    }

    /// Imports a text as the file of a source.
    pub(crate) fn import_from(&self, source: &str, content: impl AsRef<[u8]>) -> Value {
        json(&self.run(&self.file("r.csv", content), &["--source", source]))
    }

    pub(crate) fn registered(&self) -> u64 {
        json(&issuer(&self.data(), &["person", "list", "--format", "json"]))["total"].as_u64().expect("total")
    }
}

/// Created, refused, unchanged; nobody changed.
pub(crate) fn counts(report: &Value) -> [u64; 3] {
    assert_eq!(report["changed"], 0);
    ["created", "refused", "unchanged"].map(|name| report[name].as_u64().expect("count"))
}

/// Row, column, code of every fault.
pub(crate) fn faults(report: &Value) -> Vec<(u64, String, String)> {
    let text = |fault: &Value, name: &str| fault[name].as_str().expect("text").to_owned();
    let each = |fault: &Value| {
        assert!(!text(fault, "message").is_empty() && !text(fault, "remedy").is_empty());
        (fault["row"].as_u64().expect("row"), text(fault, "column"), text(fault, "code"))
    };
    report["faults"].as_array().expect("faults").iter().map(each).collect()
}

/// Codes of the notes.
pub(crate) fn notes(report: &Value) -> Vec<String> {
    let notes = report["notes"].as_array().expect("notes");
    notes.iter().map(|note| note["code"].as_str().expect("code").to_owned()).collect()
}
