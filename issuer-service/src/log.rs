//! What a running centre writes down for those who run it: `[log]` of `centre.toml`.
//!
//! ```toml
//! [log]
//! level = "info"   # off, error, info: every request, debug: those of monitoring too
//! form = "json"    # or text
//! ```
//!
//! Owns: the options; how many requests this process had, and lines it could not write. Never: what is written (`http/log.rs`), where (`output.rs`).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// Lines that were lost since this process began: a full disk behind stderr, a pipe that nobody reads any more.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Requests since this process began: the door, what became of them, how many.
static REQUESTS: Mutex<Vec<(&'static str, &'static str, u64)>> = Mutex::new(Vec::new());

/// Counts a request that has ended, by words of the program's own.
pub(crate) fn count(edge: &'static str, outcome: &'static str) {
    let mut counts = REQUESTS.lock().unwrap_or_else(PoisonError::into_inner);
    match counts.iter_mut().find(|(door, word, _)| (*door, *word) == (edge, outcome)) {
        Some((.., count)) => *count += 1,
        None => counts.push((edge, outcome, 1)),
    }
}

/// Requests since this process began: the door, what became of them, how many.
#[must_use]
pub fn requests() -> Vec<(&'static str, &'static str, u64)> {
    REQUESTS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Counts a line that could not be written.
pub(crate) fn line_lost() {
    LOST.fetch_add(1, Ordering::Relaxed);
}

/// How many lines this process could not write.
#[must_use]
pub fn lines_lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// The options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogRules {
    /// What is worth a line.
    pub level: Level,
    /// How a line is written.
    pub form: Form,
}

/// What is worth a line; each level has those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing.
    Off,
    /// What the centre could not answer.
    Error,
    /// Every request.
    #[default]
    Info,
    /// Those of monitoring too.
    Debug,
}

/// How a line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// One JSON object.
    #[default]
    Json,
    /// Words for people.
    Text,
}
