//! The line that a person types: editing, completion, history.
//!
//! Owns: the editor and the history file, mode 0600 in the data folder. Never: keeps a line that the caller did not release.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use card_profiles::Profile;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Context, Editor, Helper};

use super::completion::complete;

/// Name of the history in the data folder.
const HISTORY: &str = "shell_history";

/// Lines that it keeps.
const HISTORY_MAX: usize = 500;

/// A person's keyboard.
pub struct Keyboard {
    editor: Editor<Words, FileHistory>,
    history: PathBuf,
}

/// What completion goes by.
struct Words {
    profile: Profile,
    directory: Option<usize>,
}

impl Keyboard {
    /// Opens the terminal and the history, which is made when it is not there. A history that cannot be read is none.
    #[must_use]
    pub fn open(data: &Path, profile: Profile) -> Option<Self> {
        let config = Config::builder().max_history_size(HISTORY_MAX).ok()?.auto_add_history(false).build();
        let mut editor =
            Editor::<Words, FileHistory>::with_history(config.clone(), FileHistory::with_config(&config)).ok()?;
        editor.set_helper(Some(Words { profile, directory: None }));
        let history = data.join(HISTORY);
        let _ = DirBuilder::new().recursive(true).mode(0o700).create(data);
        let _ = OpenOptions::new().append(true).create(true).mode(0o600).open(&history);
        let _ = editor.load_history(&history);
        Some(Self { editor, history })
    }

    /// The next line; `None` at the end of input or when the person breaks off.
    pub fn line(&mut self, prompt: &str, directory: Option<usize>) -> Option<String> {
        if let Some(words) = self.editor.helper_mut() {
            words.directory = directory;
        }
        match self.editor.readline(prompt) {
            Ok(line) => Some(line),
            Err(ReadlineError::Interrupted) => Some(String::new()),
            Err(_) => None,
        }
    }

    /// Keeps a line, and writes the history: a shell that is killed loses nothing.
    pub fn keep(&mut self, line: &str) {
        if self.editor.add_history_entry(line).unwrap_or(false) {
            // A history that cannot be written must not end the work at the card.
            let _ = self.editor.append_history(&self.history);
        }
    }
}

impl Completer for Words {
    type Candidate = String;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(complete(&self.profile, self.directory, line.get(..position).unwrap_or(line)))
    }
}

impl Hinter for Words {
    type Hint = String;
}

impl Highlighter for Words {}
impl Validator for Words {}
impl Helper for Words {}

impl std::fmt::Debug for Keyboard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyboard").field("history", &self.history).finish_non_exhaustive()
    }
}
