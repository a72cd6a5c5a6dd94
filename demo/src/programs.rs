//! The programs of the toolkit, run as processes.
//!
//! Owns: finding them, running them with a time limit, reading their answers, keeping a log of every command.
//! Never: knows what a command means.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::failure::Failure;

/// No command of the demo takes longer, even on a slow machine.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// A command ends within milliseconds; asking more often costs processor time that it needs.
const POLL: Duration = Duration::from_millis(2);

/// Where the programs are, and what all of them get.
#[derive(Debug)]
pub struct Programs {
    folder: PathBuf,
    log: Arc<Log>,
    environment: Mutex<Vec<(String, String)>>,
}

/// How the settings of our programs begin.
const OURS: [&str; 2] = ["SSCARD_", "ISSUER_"];

impl Programs {
    /// The programs beside this one; every command is written to `log`.
    ///
    /// # Errors
    /// [`Failure::ProgramMissing`] before the workspace is built; [`Failure::File`] when the log cannot be made.
    pub fn beside_this(folder: PathBuf, log: &Path) -> Result<Self, Failure> {
        for name in ["issuer", "sscard", "card-sim"] {
            if !folder.join(name).is_file() {
                return Err(Failure::ProgramMissing { name, folder });
            }
        }
        let log = File::create(log).map_err(|source| Failure::File { path: log.to_owned(), source })?;
        Ok(Self { folder, log: Arc::new(Log(Mutex::new(log))), environment: Mutex::new(Vec::new()) })
    }

    /// Every later command gets this variable.
    pub fn set(&self, name: &str, value: &str) {
        self.environment.lock().expect("no holder panics").push((name.to_owned(), value.to_owned()));
    }

    /// Where a program is.
    #[must_use]
    pub fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }

    /// A command line to be filled.
    pub fn call(&self, program: &'static str) -> Call<'_> {
        let mut command = Command::new(self.path(program));
        // The demo reads English and JSON; its user reads the demo.
        // The journey says all that its programs are to know: what a terminal or handbook page exported is for another centre.
        for (name, _) in std::env::vars_os() {
            if OURS.iter().any(|ours| name.as_encoded_bytes().starts_with(ours.as_bytes())) {
                command.env_remove(&name);
            }
        }
        command.env("LC_ALL", "C.UTF-8");
        for (name, value) in self.environment.lock().expect("no holder panics").iter() {
            command.env(name, value);
        }
        Call { programs: self, command, shown: program.to_owned() }
    }
}

/// A command line in the making.
#[derive(Debug)]
pub struct Call<'a> {
    programs: &'a Programs,
    command: Command,
    shown: String,
}

/// What a command answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The command line, for messages.
    pub command: String,
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// Its stdout.
    pub stdout: String,
    /// Its stderr.
    pub stderr: String,
}

impl Call<'_> {
    /// Adds words of the command line.
    #[must_use]
    pub fn words(mut self, line: &str) -> Self {
        for word in line.split_whitespace() {
            self = self.arg(word);
        }
        self
    }

    /// Adds one argument, which may hold spaces.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        let argument = argument.into();
        self.shown.push(' ');
        self.shown.push_str(&argument.to_string_lossy());
        self.command.arg(argument);
        self
    }

    /// Adds a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it to its end, whatever that is.
    ///
    /// # Errors
    /// [`Failure::Run`], [`Failure::Slow`].
    pub fn run(self) -> Result<Answer, Failure> {
        self.start()?.wait(PATIENCE)
    }

    /// Runs it and wants exit code 0.
    ///
    /// # Errors
    /// As [`Call::run`], and [`Failure::Ended`].
    pub fn ok(self) -> Result<Answer, Failure> {
        self.run()?.with_code(0)
    }

    /// Starts it and leaves it running.
    ///
    /// # Errors
    /// [`Failure::Run`].
    pub fn start(mut self) -> Result<Running, Failure> {
        let failed = |command: &str, source| Failure::Run { command: command.to_owned(), source };
        let started = Instant::now();
        self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().map_err(|source| failed(&self.shown, source))?;
        let stdout = Gathering::of(child.stdout.take());
        let stderr = Gathering::of(child.stderr.take());
        let log = Arc::clone(&self.programs.log);
        Ok(Running { child, stdout, stderr, command: self.shown, started, log })
    }
}

/// A command that runs.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: Gathering,
    stderr: Gathering,
    command: String,
    started: Instant,
    log: Arc<Log>,
}

impl Running {
    /// Process number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to stdout so far.
    #[must_use]
    pub fn said(&self) -> String {
        self.stdout.text()
    }

    /// What it wrote to stderr so far.
    #[must_use]
    pub fn complained(&self) -> String {
        self.stderr.text()
    }

    /// Whether it has ended.
    #[must_use]
    pub fn ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end; a command that takes longer than `patience` is killed.
    ///
    /// # Errors
    /// [`Failure::Run`], [`Failure::Slow`].
    pub fn wait(mut self, patience: Duration) -> Result<Answer, Failure> {
        let deadline = Instant::now() + patience;
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() >= deadline => {
                    let _ = self.child.kill();
                    let _ = self.child.wait();
                    return Err(Failure::Slow {
                        command: self.command.clone(),
                        seconds: patience.as_secs(),
                        said: last_lines(&self.stderr.text()),
                    });
                }
                Ok(None) => std::thread::sleep(POLL),
                Err(source) => return Err(Failure::Run { command: self.command.clone(), source }),
            }
        };
        Ok(self.answer(status))
    }

    /// Ends it: politely, and after two seconds by force.
    ///
    /// # Errors
    /// [`Failure::Run`] when its end cannot be seen.
    pub fn stop(mut self) -> Result<Answer, Failure> {
        terminate(self.child.id());
        let deadline = Instant::now() + Duration::from_secs(2);
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Ok(self.answer(status));
            }
            std::thread::sleep(POLL);
        }
        let failed = |source| Failure::Run { command: String::from("kill"), source };
        self.child.kill().map_err(failed)?;
        let status = self.child.wait().map_err(failed)?;
        Ok(self.answer(status))
    }

    /// Ends it at once, as a power cut would (kill -9).
    ///
    /// # Errors
    /// [`Failure::Run`] when its end cannot be seen.
    pub fn kill(mut self) -> Result<Answer, Failure> {
        let failed = |source| Failure::Run { command: String::from("kill -9"), source };
        self.child.kill().map_err(failed)?;
        let status = self.child.wait().map_err(failed)?;
        Ok(self.answer(status))
    }

    fn answer(&mut self, status: ExitStatus) -> Answer {
        let answer = Answer {
            command: self.command.clone(),
            code: status.code().unwrap_or(-1),
            stdout: self.stdout.rest(),
            stderr: self.stderr.rest(),
        };
        let time = self.started.elapsed().as_millis();
        self.log.note(&format!("$ {}\n  = {} after {time} ms", answer.command, answer.code));
        if !answer.stderr.trim().is_empty() {
            self.log.note(answer.stderr.trim_end());
        }
        answer
    }
}

impl Drop for Running {
    /// Whatever stopped the demo, nothing that it started goes on.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            terminate(self.child.id());
            let _ = self.child.wait();
        }
    }
}

/// The log of all commands.
#[derive(Debug)]
struct Log(Mutex<File>);

impl Log {
    fn note(&self, text: &str) {
        let mut file = self.0.lock().expect("no holder panics");
        // The log is a help for the reader of a failure, no record: its loss stops nothing.
        let _ = writeln!(file, "{text}");
    }
}

/// Asks a process to end (SIGTERM).
pub fn terminate(process: u32) {
    // A process that is gone already is what was wanted.
    let _ = Command::new("kill").arg(process.to_string()).stderr(Stdio::null()).status();
}

impl Answer {
    /// Wants this exit code.
    ///
    /// # Errors
    /// [`Failure::Ended`].
    pub fn with_code(self, expected: i32) -> Result<Self, Failure> {
        if self.code == expected {
            return Ok(self);
        }
        let said = last_lines(if self.stderr.trim().is_empty() { &self.stdout } else { &self.stderr });
        Err(Failure::Ended { command: self.command, expected, found: self.code, said })
    }

    /// Stdout as one JSON value.
    ///
    /// # Errors
    /// [`Failure::Answer`].
    pub fn json(&self) -> Result<Value, Failure> {
        serde_json::from_str(&self.stdout).map_err(|_| self.lacks("JSON"))
    }

    /// Stdout as JSON Lines.
    ///
    /// # Errors
    /// [`Failure::Answer`].
    pub fn json_lines(&self) -> Result<Vec<Value>, Failure> {
        let lines = self.stdout.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| serde_json::from_str(line).map_err(|_| self.lacks("JSON lines"))).collect()
    }

    /// A whole number of the JSON answer, by pointer (`/counts/created`).
    ///
    /// # Errors
    /// [`Failure::Answer`].
    pub fn number(&self, pointer: &str) -> Result<i64, Failure> {
        self.json()?.pointer(pointer).and_then(Value::as_i64).ok_or_else(|| self.lacks(pointer))
    }

    /// A text of the JSON answer, by pointer.
    ///
    /// # Errors
    /// [`Failure::Answer`].
    pub fn text(&self, pointer: &str) -> Result<String, Failure> {
        let json = self.json()?;
        json.pointer(pointer).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| self.lacks(pointer))
    }

    /// The failure that says that the answer lacks `wanted`.
    #[must_use]
    pub fn lacks(&self, wanted: &str) -> Failure {
        let answer = self.stdout.chars().take(400).collect();
        Failure::Answer { command: self.command.clone(), wanted: wanted.to_owned(), answer }
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

/// A pipe that is read by a thread of its own, so that a chatty program never waits for us.
#[derive(Debug)]
struct Gathering {
    bytes: Arc<Mutex<Vec<u8>>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Gathering {
    fn of(pipe: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let thread = pipe.map(|mut pipe| {
            let bytes = Arc::clone(&bytes);
            std::thread::spawn(move || {
                let mut part = [0u8; 8192];
                while let Ok(count) = pipe.read(&mut part) {
                    if count == 0 {
                        break;
                    }
                    bytes.lock().expect("no holder panics").extend_from_slice(&part[..count]);
                }
            })
        });
        Self { bytes, thread }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().expect("no holder panics")).into_owned()
    }

    /// Everything, once the program has ended. A daemon that it left behind may still hold the pipe: it is not waited for long.
    fn rest(&mut self) -> String {
        if let Some(thread) = self.thread.take() {
            let deadline = Instant::now() + Duration::from_millis(300);
            while !thread.is_finished() && Instant::now() < deadline {
                std::thread::sleep(POLL);
            }
        }
        self.text()
    }
}
