//! What the user of the demo sees: the only file that prints.
//!
//! Owns: the steps with their times, the closing table, the language.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use clap::ValueEnum;

use crate::failure::Failure;
use crate::recording::Recording;

/// Language of the demo's own words; the programs have theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// 中文.
    Zh,
    /// English.
    En,
}

impl Language {
    /// Chinese where the locale is Chinese.
    #[must_use]
    pub fn of_locale() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        match ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set) {
            Some(locale) if locale.starts_with("zh") => Self::Zh,
            _ => Self::En,
        }
    }
}

/// A text in both languages.
#[derive(Debug, Clone)]
pub struct Words {
    en: String,
    zh: String,
}

/// Puts the two languages of a text together.
pub fn words(en: impl Into<String>, zh: impl Into<String>) -> Words {
    Words { en: en.into(), zh: zh.into() }
}

/// The screen.
#[derive(Debug)]
pub struct Output {
    language: Language,
    began: Instant,
    step: u32,
    recording: Option<(Mutex<Recording>, PathBuf)>,
}

impl Output {
    /// Starts the clock.
    #[must_use]
    pub fn new(language: Language) -> Self {
        Self { language, began: Instant::now(), step: 0, recording: None }
    }

    /// Keeps what is printed from here on.
    pub fn record(&mut self) {
        let here = std::env::current_dir().unwrap_or_default();
        self.recording = Some((Mutex::default(), here));
    }

    /// Writes what was kept.
    ///
    /// # Errors
    /// [`Failure::File`].
    pub fn write_recording(&self, folder: &Path) -> Result<(), Failure> {
        let Some((recording, _)) = &self.recording else { return Ok(()) };
        let written = recording.lock().expect("no holder panics").write(folder, self.language_name());
        written.map_err(|source| Failure::File { path: folder.to_owned(), source })
    }

    /// The text of the chosen language.
    #[must_use]
    pub fn pick<'a>(&self, words: &'a Words) -> &'a str {
        match self.language {
            Language::En => &words.en,
            Language::Zh => &words.zh,
        }
    }

    /// Seconds since the start.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// Begins the next step.
    pub fn step(&mut self, title: &Words) {
        self.step += 1;
        self.line(&format!("\n[{}] {}  ({:.1} s)", self.step, self.pick(title), self.seconds()));
    }

    /// Says what came of a part of the step, with the time that it took.
    pub fn done(&self, since: Instant, what: &Words) {
        self.line(&format!("    ✓ {:>6.2} s  {}", since.elapsed().as_secs_f64(), self.pick(what)));
    }

    /// Shows a program's own words, set in.
    pub fn quote(&self, text: &str) {
        for line in text.lines() {
            self.line(&format!("             │ {line}"));
        }
    }

    /// Moves the progress bar, where a person looks on.
    pub fn progress(&self, done: usize, total: usize) {
        if std::io::stdout().is_terminal() {
            let bar: String = (0..total).map(|place| if place < done { '█' } else { '░' }).collect();
            let mut stdout = std::io::stdout().lock();
            let _ = write!(stdout, "\r    {bar} {done}/{total}").and_then(|()| stdout.flush());
        }
    }

    /// Takes the progress bar away.
    pub fn progress_over(&self) {
        if std::io::stdout().is_terminal() {
            let _ = write!(std::io::stdout().lock(), "\r\x1b[2K");
        }
    }

    /// The language as the programs' `--lang` wants it.
    #[must_use]
    pub const fn language_name(&self) -> &'static str {
        match self.language {
            Language::En => "en",
            Language::Zh => "zh",
        }
    }

    /// A line as it is.
    pub fn line(&self, text: &str) {
        if let Some((recording, here)) = &self.recording {
            recording.lock().expect("no holder panics").line(self.seconds(), text, here);
        }
        let mut stdout = std::io::stdout().lock();
        // A reader that went away (`| head`) is no failure of the work.
        let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    }

    /// Why the demo stopped.
    pub fn failure(&self, failure: &Failure) {
        let stopped = words("The demo stopped", "演示中断");
        let _ = writeln!(std::io::stderr().lock(), "\n✗ {}: {failure}", self.pick(&stopped));
    }
}
