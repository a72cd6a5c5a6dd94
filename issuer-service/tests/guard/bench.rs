//! A centre and its program.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::ask::ask;
use crate::fresh::fresh;

/// A centre in a folder of its own.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    /// A folder without a centre.
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().expect("folder") }
    }

    /// A new centre.
    pub(crate) fn new() -> Self {
        let bench = Self::empty();
        bench.done(&bench.init());
        bench
    }

    /// The words that make the centre.
    pub(crate) fn init(&self) -> Vec<String> {
        let database = fresh().map(|url| ["--database".to_owned(), url]);
        ["init".to_owned()].into_iter().chain(database.into_iter().flatten()).collect()
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("centre")
    }

    /// The folder around it.
    pub(crate) fn place(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// A command line.
    pub(crate) fn command(&self, words: &[impl AsRef<str>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_issuer"));
        command.args(["--lang", "en", "--format", "json", "--data"]).arg(self.data());
        command.args(words.iter().map(AsRef::as_ref)).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Runs it.
    pub(crate) fn run(&self, words: &[impl AsRef<str>]) -> Output {
        self.command(words).output().expect("the program starts")
    }

    /// Runs it; what it says, when it succeeds.
    pub(crate) fn done(&self, words: &[impl AsRef<str>]) -> String {
        let output = self.run(words);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{told}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs it in both languages: it must refuse with this code.
    pub(crate) fn refused(&self, words: &[impl AsRef<str>], code: &str, exit: i32) {
        for lang in ["zh", "en"] {
            let mut command = self.command(words);
            let output = command.args(["--lang", lang]).output().expect("the program starts");
            let told = String::from_utf8_lossy(&output.stderr);
            let json: serde_json::Value = serde_json::from_str(told.lines().last().unwrap_or_default())
                .unwrap_or_else(|_| panic!("{told}{}", String::from_utf8_lossy(&output.stdout)));
            let text = json.to_string();
            assert!(text.contains(&format!("\"{code}\"")), "{text}");
            assert_eq!(output.status.code(), Some(exit), "{text}");
            assert_eq!(text.chars().any(|c| ('\u{4E00}'..='\u{9FFF}').contains(&c)), lang == "zh", "{text}");
        }
    }

    /// Asks the database behind the program's back.
    pub(crate) fn ask(&self, sql: &str) -> Vec<Vec<String>> {
        ask(&self.data(), sql).expect("asked")
    }
}
