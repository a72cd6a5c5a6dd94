//! One shell that stays open from the first page to the last, as its reader's does.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A shell in an empty folder, and what it is told through.
pub(crate) struct Shell {
    child: Child,
    typed: ChildStdin,
    said: BufReader<ChildStdout>,
    folder: PathBuf,
    /// Files of ours, which the pages do not see.
    side: tempfile::TempDir,
    centres: u32,
}

impl Shell {
    /// A shell that works in `folder`, with the programs beside this one and the toolkit at `root`.
    pub(crate) fn open(folder: &Path, root: &Path, locale: &str) -> Self {
        let programs = Path::new(env!("CARGO_BIN_EXE_demo")).parent().expect("a folder");
        for name in ["issuer", "sscard", "card-sim"] {
            assert!(programs.join(name).is_file(), "{name} is not built: cargo build --bins");
        }
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").expect("a path"));
        let mut command = Command::new("sh");
        command.current_dir(folder).env("PATH", path).env("LC_ALL", locale).env("TOOLKIT", root).process_group(0);
        let strange = |name: &str| ["ISSUER_", "SSCARD_", "PCSCLITE_", "SOFTHSM2_"].iter().any(|p| name.starts_with(p));
        for (name, _) in std::env::vars().filter(|(name, _)| strange(name)) {
            command.env_remove(name);
        }
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = pipes.spawn().expect("a shell");
        let (typed, said) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let side = tempfile::tempdir().expect("a folder");
        Self { child, typed, said: BufReader::new(said), folder: folder.to_owned(), side, centres: 0 }
    }

    /// Types a command: what it printed, and how it ended.
    pub(crate) fn run(&mut self, command: &str) -> (String, i32) {
        let (step, out) = (self.side.path().join("step"), self.side.path().join("out"));
        let text = match self.database_for(command) {
            Some(url) => {
                format!("export ISSUER_DATABASE='{url}'\n{command}\nset -- $?; unset ISSUER_DATABASE; (exit $1)\n")
            }
            None => format!("{command}\n"),
        };
        std::fs::write(&step, text).expect("a file");
        writeln!(self.typed, ". {} > {} 2>&1 < /dev/null; echo $?", step.display(), out.display()).expect("a shell");
        let mut line = String::new();
        self.said.read_line(&mut line).expect("a shell");
        let printed = String::from_utf8_lossy(&std::fs::read(&out).expect("a file")).into_owned();
        let Ok(code) = line.trim().parse() else { panic!("{command}: the shell ended\n{printed}") };
        (printed, code)
    }

    /// Where a centre that is made now lives, when the tests have a server: a schema of its own.
    fn database_for(&mut self, command: &str) -> Option<String> {
        let server = std::env::var("ISSUER_TEST_POSTGRES").ok().filter(|_| command.contains(" init"))?;
        self.centres += 1;
        let schema = format!("handbook_{}_{}", std::process::id(), self.centres);
        let made = format!("CREATE SCHEMA {schema}");
        let ended = Command::new("psql").args(["-q", "-d", &server, "-c", &made]).status().expect("psql");
        assert!(ended.success(), "a schema on the server of the tests");
        Some(format!("{server}&options=-csearch_path%3D{schema}"))
    }
}

impl Drop for Shell {
    /// A page that failed half-way leaves readers and a service behind: both end here.
    fn drop(&mut self) {
        let programs = Path::new(env!("CARGO_BIN_EXE_demo")).with_file_name("card-sim");
        for state in ["readers", "city-readers"] {
            let mut stop = Command::new(&programs);
            let stop = stop.args(["reader", "stop", "--state"]).arg(self.folder.join(state));
            // Nothing is left to do when they had not been started.
            let _ = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}
