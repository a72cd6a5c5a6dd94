//! What the user sees: the only file that prints, and with `http/` the only one that knows JSON.
//!
//! Owns: text or JSON on stdout, diagnostics on stderr, questions on the terminal.
//! Never: decides anything; shows a secret.

use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tracing::level_filters::LevelFilter;

use crate::error::Error;
use crate::exit::Exit;
use crate::import::{self, report::Counts};
use crate::lang::Lang;
use crate::log::{self, Form, Level, LogRules};
use crate::progress::Steps;
use crate::station::event::{Event, Watcher, What};

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object; streams are JSON Lines.
    Json,
}

/// A result that can be shown.
pub trait Show: Serialize {
    /// The text for people, without a final newline.
    fn text(&self, lang: Lang) -> String;
}

/// A page of text as it stands.
#[derive(Debug, Serialize)]
pub struct Page(pub String);

impl Show for Page {
    fn text(&self, _lang: Lang) -> String {
        self.0.trim_end().to_owned()
    }
}

/// The standard streams of a run.
#[derive(Debug)]
pub struct Output {
    format: Format,
    lang: Lang,
    turn: Mutex<()>,
    /// Whether something of the result was not taken by stdout, though somebody still reads it.
    unwritten: AtomicBool,
}

impl Output {
    /// Prints in this format and language.
    #[must_use]
    pub const fn new(format: Format, lang: Lang) -> Self {
        Self { format, lang, turn: Mutex::new(()), unwritten: AtomicBool::new(false) }
    }

    /// Format of this run.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Language of this run.
    #[must_use]
    pub const fn lang(&self) -> Lang {
        self.lang
    }

    /// Whether a person looks at stderr and wants to see progress.
    #[must_use]
    pub fn shows_progress(&self) -> bool {
        self.format == Format::Text && std::io::stderr().is_terminal()
    }

    /// Prints a result, or one event of a stream, on stdout. Usable from several threads.
    pub fn show(&self, result: &impl Show) {
        let line = match self.format {
            Format::Text => result.text(self.lang),
            Format::Json => json_line(result),
        };
        if !self.line(&mut std::io::stdout().lock(), &line) {
            self.unwritten.store(true, Ordering::Relaxed);
        }
    }

    /// How a run ends that was to end so: what it printed may be cut off, which nobody sees in a file.
    #[must_use]
    pub fn end(&self, exit: Exit) -> Exit {
        LogStream::drain();
        if !self.unwritten.load(Ordering::Relaxed) {
            return exit;
        }
        let (what, next) = self.lang.pick(
            ("结果没有全部写出：标准输出写不进去（磁盘已满？）", "腾出空间后再运行；命令本身已做的事都在"),
            (
                "the result was not written whole: standard output takes no more (is the disk full?)",
                "free some space and run it again; what the command itself has done is kept",
            ),
        );
        self.failure("OUTPUT_NOT_WRITTEN", what, next);
        Exit::Storage
    }

    /// Prints a notice for people on stderr.
    pub fn notice(&self, zh: &str, en: &str) {
        self.line(&mut std::io::stderr().lock(), self.lang.pick(zh, en));
    }

    /// From here on what a server does is written on stderr, a line each, by a thread of its own: who reads the lines may be slow, or
    /// hang, and no answer waits for that.
    pub fn log(&self, rules: LogRules) {
        let level = match rules.level {
            Level::Off => LevelFilter::OFF,
            Level::Error => LevelFilter::ERROR,
            Level::Info => LevelFilter::INFO,
            Level::Debug => LevelFilter::DEBUG,
        };
        let lines = tracing_subscriber::fmt().with_max_level(level).with_target(false);
        // What cannot be written is counted by the stream: a complaint about it would go to the same stream, and panic there.
        let lines = lines.log_internal_errors(false).with_writer(LogStream::new);
        // A second server in one process keeps the first one's.
        let _ = match rules.form {
            Form::Json => lines.json().flatten_event(true).try_init(),
            Form::Text => lines.with_ansi(false).try_init(),
        };
    }

    /// Prints why a run failed: what, and what to do next, with the stable code.
    pub fn error(&self, error: &Error) {
        let explained = error.explain();
        self.failure(explained.code(), &explained.what(self.lang), explained.next(self.lang));
    }

    fn failure(&self, code: &str, what: &str, next: &str) {
        let line = match self.format {
            Format::Text => {
                let (error, remedy) = self.lang.pick(("错误", "处理办法"), ("error", "next"));
                format!("{error} {code}: {what}\n{remedy}: {next}")
            }
            Format::Json => json_line(&ErrorObject { code, what, next }),
        };
        self.line(&mut std::io::stderr().lock(), &line);
    }

    /// Prints what is wrong with a command line, in the language and shape that it asks for as far as that can be read from it; help
    /// and version are no mistakes.
    #[must_use]
    pub fn usage(error: &clap::Error, arguments: &[OsString]) -> Exit {
        if !error.use_stderr() {
            // A closed stream cannot be told about.
            let _ = error.print();
            return Exit::Ok;
        }
        let asked = |option| command_line::value_of(arguments, option).unwrap_or_default();
        let lang = Lang::from_str(&asked("--lang"), false).unwrap_or_else(|_| Lang::of_environment());
        let format = Format::from_str(&asked("--format"), false).unwrap_or(Format::Text);
        let pick = |(zh, en): command_line::Words| lang.pick(zh, en);
        let (what, next) = (pick(command_line::what(error)), pick(command_line::next("issuer", error)));
        Self::new(format, lang).failure(command_line::CODE, &what, &next);
        Exit::Usage
    }

    /// Whether somebody can be asked.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal()
    }

    /// Asks for a secret on the terminal, Chinese or English; `None` when there is no terminal.
    #[must_use]
    pub fn ask(&self, (zh, en): (&str, &str)) -> Option<zeroize::Zeroizing<String>> {
        if !self.can_ask() {
            return None;
        }
        rpassword::prompt_password(self.lang.pick(zh, en)).ok().map(zeroize::Zeroizing::new)
    }

    /// The lines of the standard input, without blank ones.
    pub fn input_lines() -> impl Iterator<Item = String> {
        std::io::stdin().lines().map_while(Result::ok).filter(|line| !line.trim().is_empty())
    }

    /// `false` when the stream does not take it. A reader that went away (`| head`) is no failure of the work.
    fn line(&self, stream: &mut dyn Write, line: &str) -> bool {
        let _turn = self.turn.lock();
        let written = writeln!(stream, "{line}").and_then(|()| stream.flush());
        written.map_or_else(|error| error.kind() == ErrorKind::BrokenPipe, |()| true)
    }
}

/// Lines that may wait for whoever reads them.
const LINES_WAITING: usize = 4_096;

/// How long the end of a program waits for its last lines.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Where a server's lines go: stderr. A line that it does not take, and one for which there is no room in the queue, is counted, and
/// nothing else: the answer that the line tells of is due all the same.
struct LogStream;

/// Lines on their way, and how many.
static LINES: OnceLock<SyncSender<Vec<u8>>> = OnceLock::new();
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

impl LogStream {
    fn new() -> Self {
        LINES.get_or_init(|| {
            let (sender, lines) = sync_channel::<Vec<u8>>(LINES_WAITING);
            std::thread::spawn(move || {
                for line in lines {
                    if std::io::stderr().lock().write_all(&line).is_err() {
                        log::line_lost();
                    }
                    UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
                }
            });
            sender
        });
        Self
    }

    /// Waits for the lines on their way, if they go at all.
    fn drain() {
        let began = Instant::now();
        while UNDER_WAY.load(Ordering::Relaxed) > 0 && began.elapsed() < LAST_LINES {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Write for LogStream {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        UNDER_WAY.fetch_add(1, Ordering::Relaxed);
        if LINES.get().is_none_or(|lines| lines.try_send(line.to_owned()).is_err()) {
            UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
            log::line_lost();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Progress of a station: a bar for people at a terminal, lines otherwise.
#[derive(Debug)]
pub struct Progress<'a> {
    output: &'a Output,
    bar: Option<ProgressBar>,
}

impl<'a> Progress<'a> {
    /// Of `total` cards, of which `done` are made.
    #[must_use]
    pub fn new(output: &'a Output, total: u64, done: u64) -> Self {
        let bar = output.shows_progress().then(|| {
            let bar = ProgressBar::new(total).with_position(done);
            bar.set_style(ProgressStyle::with_template(BAR).expect("a fixed template"));
            bar
        });
        Self { output, bar }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

const BAR: &str = "{bar:40} {pos}/{len} {elapsed} {wide_msg}";

impl Watcher for Progress<'_> {
    fn event(&self, event: &Event<'_>) {
        let Some(bar) = &self.bar else {
            return self.output.show(event);
        };
        let text = event.text(self.output.lang);
        match event.what {
            What::Made { .. } => {
                bar.inc(1);
                bar.set_message(text);
            }
            What::Begun => bar.set_message(text),
            // What someone may have to act on stays on the screen.
            _ => bar.println(text),
        }
    }

    fn step(&self, _reader: &str, _done: usize, _total: usize) {
        if let Some(bar) = &self.bar {
            bar.tick();
        }
    }
}

/// Progress of an import: a bar for people at a terminal; for programs a line of JSON on stderr now and then, since stdout
/// holds the report alone.
#[derive(Debug)]
pub struct ImportProgress<'a> {
    output: &'a Output,
    bar: Option<ProgressBar>,
    /// Rows at which the next line is due.
    due: std::sync::atomic::AtomicU64,
}

/// Rows between two lines of progress.
const LINE_ROWS: u64 = 100_000;
const IMPORT_BAR: &str = "{bar:40} {percent:>3}% {elapsed} {eta} {wide_msg}";

impl<'a> ImportProgress<'a> {
    /// Of an import that begins.
    #[must_use]
    pub fn new(output: &'a Output) -> Self {
        let bar = output.shows_progress().then(|| {
            let bar = ProgressBar::new(1);
            bar.set_style(ProgressStyle::with_template(IMPORT_BAR).expect("a fixed template"));
            bar
        });
        Self { output, bar, due: LINE_ROWS.into() }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl import::Watcher for ImportProgress<'_> {
    fn stored(&self, read: u64, length: u64, counts: Counts) {
        if let Some(bar) = &self.bar {
            bar.set_length(length);
            bar.set_position(read);
            bar.set_message(counts.rows().to_string());
            return;
        }
        let due = self.due.load(std::sync::atomic::Ordering::Relaxed);
        if self.output.format == Format::Json && counts.rows() >= due {
            self.due.store(counts.rows() + LINE_ROWS, std::sync::atomic::Ordering::Relaxed);
            let line = json_line(&ImportLine { rows: counts.rows(), bytes_read: read, bytes: length });
            self.output.line(&mut std::io::stderr().lock(), &line);
        }
    }
}

/// Progress of a work whose steps are counted: a bar for people at a terminal, nothing otherwise.
#[derive(Debug)]
pub struct StepsBar(Option<ProgressBar>);

impl StepsBar {
    /// Of a work that begins.
    #[must_use]
    pub fn new(output: &Output) -> Self {
        Self(output.shows_progress().then(|| {
            let bar = ProgressBar::new(1);
            bar.set_style(ProgressStyle::with_template(STEPS_BAR).expect("a fixed template"));
            bar
        }))
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

const STEPS_BAR: &str = "{bar:40} {pos}/{len} {elapsed} {eta}";

impl Steps for StepsBar {
    fn at(&self, done: u64, total: u64) {
        if let Some(bar) = &self.0 {
            bar.set_length(total);
            bar.set_position(done);
        }
    }
}

#[derive(Serialize)]
struct ImportLine {
    rows: u64,
    bytes_read: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct ErrorObject<'a> {
    code: &'a str,
    what: &'a str,
    next: &'a str,
}

/// A value as one line of JSON.
///
/// # Panics
/// When a value has a map key that is no string: our own types have none.
#[must_use]
pub fn json_line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our own types serialize")
}

/// Reads JSON of a file that a person gave; an error is its line and column.
///
/// # Errors
/// Line and column, from 1.
pub fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, (usize, usize)> {
    serde_json::from_str(text).map_err(|error| (error.line(), error.column()))
}

/// A JSON object as its keys and values in their order, a key that stands twice included.
#[derive(Debug)]
pub struct Entries(pub Vec<(String, Scalar)>);

/// A JSON value, as far as one cell can hold it.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// A string.
    Text(String),
    /// A whole number.
    Whole(i128),
    /// A number that JSON writes with a point or an exponent, or that is longer than any whole number here.
    Real(f64),
    /// `null`.
    Nothing,
    /// `true`, `false`, an array, an object.
    Other,
}

impl<'de> serde::Deserialize<'de> for Entries {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Entries;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

impl<'de> serde::Deserialize<'de> for Scalar {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Scalar;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a value")
            }
            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(text.to_owned()))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar::Whole(number.into()))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
                Ok(Scalar::Whole(number.into()))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
                Ok(Scalar::Real(number))
            }
            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar::Nothing)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Scalar, E> {
                Ok(Scalar::Other)
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
                while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
                while map.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
