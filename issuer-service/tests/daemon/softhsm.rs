//! A PKCS#11 token in software, in a folder of its own, and another client of it.

use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
pub(crate) const PIN: &str = "478215-Marked-PIN";

/// A token in a folder of its own.
pub(crate) struct Token {
    folder: tempfile::TempDir,
}

impl Token {
    pub(crate) fn new() -> Self {
        let token = Self { folder: tempfile::tempdir().expect("folder") };
        std::fs::create_dir(token.tokens()).expect("folder");
        let text = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            token.tokens().display()
        );
        std::fs::write(token.config(), text).expect("configuration");
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", "centre", "--so-pin", "20061122", "--pin", PIN])
            .env("SOFTHSM2_CONF", token.config())
            .output()
            .expect("softhsm2-util runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        token
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn tokens(&self) -> PathBuf {
        self.folder.path().join("tokens")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("softhsm2.conf")
    }

    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        let config = self.config().to_str().expect("path").to_owned();
        vec![("SOFTHSM2_CONF".to_owned(), config), ("TOKEN_PIN".to_owned(), PIN.to_owned())]
    }

    /// What another PKCS#11 client says.
    pub(crate) fn other_client(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new("pkcs11-tool")
            .args(["--module", MODULE, "--token-label", "centre", "--login", "--pin", PIN])
            .args(arguments)
            .env("SOFTHSM2_CONF", self.config())
            .output()
            .expect("pkcs11-tool runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }
}
