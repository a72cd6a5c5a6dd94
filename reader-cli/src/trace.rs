//! Recording what is said with cards, safe to send.
//!
//! Source: `docs/trace.md`, the grammar.
//! Owns: the file, created new and for its owner alone; the recorder between session and reader.
//! Owns besides: what another program wrote, written anew the same way.
//! Never: writes a value that `card_profiles::trace::redact` did not see first; stops a command because the disk is full: what
//! could not be written is told at the end.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use card_core::apdu::Protocol;
use card_core::trace::Event;
use card_core::transport::{Transport, TransportError};
use card_profiles::trace::Decoder;
use card_profiles::trace::redact::Redactor;

use card_counter::clock::{Now, Stopwatch};
use card_counter::error::{TerminalError, of_transport};

/// Version of the grammar.
const VERSION: u32 = 1;

/// A trace that several recorders write.
#[derive(Clone, Debug)]
pub struct Trace(Arc<Mutex<Writing>>);

#[derive(Debug)]
struct Writing {
    path: String,
    file: File,
    failure: Option<std::io::Error>,
    redactor: Redactor,
    /// Names of readers in the order of their first word; the number stands in the file.
    readers: Vec<String>,
    /// Reader that spoke last.
    current: Option<usize>,
    start: Stopwatch,
}

/// A card whose every exchange is recorded.
pub struct Recorder {
    inner: Box<dyn Transport>,
    reader: String,
    trace: Trace,
}

impl Trace {
    /// Makes the file, mode 0600, with its head; the conversation is read by this decoder.
    ///
    /// # Errors
    /// [`TerminalError::Trace`]: it exists, or cannot be written. Nothing else was done yet.
    pub fn create_by(path: &Path, now: Now, decoder: Decoder) -> Result<Self, TerminalError> {
        let shown = path.display().to_string();
        let failed = |source| TerminalError::Trace { path: shown.clone(), source };
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        let head = format!("# sscard trace {VERSION}\n# sscard {}, {}\n", env!("CARGO_PKG_VERSION"), now.utc());
        file.write_all(head.as_bytes()).map_err(failed)?;
        Ok(Self(Arc::new(Mutex::new(Writing {
            path: shown,
            file,
            failure: None,
            redactor: Redactor::new(decoder),
            readers: Vec::new(),
            current: None,
            start: Stopwatch::start(),
        }))))
    }

    /// Puts a recorder before a card that was just powered.
    #[must_use]
    pub fn recorder(&self, reader: &str, inner: Box<dyn Transport>) -> Recorder {
        let recorder = Recorder { inner, reader: reader.to_owned(), trace: self.clone() };
        recorder.write_reset();
        recorder
    }

    /// Writes what a log has of a reader. `card` is the card of that reader which speaks, 0 where there is one.
    pub fn rewrite(&self, reader: &str, card: usize, event: &Event) {
        let hexadecimal = hex::encode_upper::<Vec<u8>>;
        self.lock().write(reader, |redactor, text| {
            redactor.card(card);
            let _ = match event {
                Event::Reader(_) => Ok(()),
                Event::Reset(atr) => writeln!(text, "= {}", hexadecimal(redactor.reset(atr))),
                Event::Exchange(exchange) => {
                    let (command, answer, _) = redactor.exchange(&exchange.command, exchange.answer.as_deref());
                    let answer =
                        answer.map_or_else(|| "! NOT_IN_LOG".to_owned(), |said| format!("< {}", hexadecimal(said)));
                    let took = exchange.micros.map_or_else(String::new, |micros| format!("# took {micros} us\n"));
                    write!(text, "> {}\n{answer}\n{took}", hexadecimal(command))
                }
            };
        });
    }

    /// Why the trace is not whole, if it is not.
    #[must_use]
    pub fn failure(&self) -> Option<TerminalError> {
        let mut writing = self.lock();
        let source = writing.failure.take()?;
        Some(TerminalError::Trace { path: writing.path.clone(), source })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Writing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writing {
    /// Lines about a reader; before them its name, when another one spoke last.
    fn write(&mut self, reader: &str, lines: impl FnOnce(&mut Redactor, &mut String)) {
        let index = self.readers.iter().position(|name| name == reader).unwrap_or_else(|| {
            self.readers.push(reader.to_owned());
            self.readers.len() - 1
        });
        let mut text = String::new();
        if self.current.replace(index) != Some(index) {
            let name: String = reader.chars().filter(|c| !c.is_control()).collect();
            let _ = writeln!(text, "@ {} {name}", index + 1);
        }
        self.redactor.reader(reader);
        lines(&mut self.redactor, &mut text);
        if self.failure.is_none() {
            self.failure = self.file.write_all(text.as_bytes()).err();
        }
    }
}

impl Recorder {
    fn write_reset(&self) {
        let protocol = match self.inner.protocol() {
            Protocol::T0 => 0,
            Protocol::T1 => 1,
        };
        self.trace.lock().write(&self.reader, |redactor, text| {
            let atr = hex::encode_upper(redactor.reset(self.inner.atr()));
            let _ = writeln!(text, "= {atr}\n# T={protocol}");
        });
    }
}

impl Transport for Recorder {
    fn transmit(&mut self, command: &[u8], answer: &mut Vec<u8>) -> Result<(), TransportError> {
        let before = answer.len();
        let start = self.trace.lock().start;
        let at = start.micros();
        let result = self.inner.transmit(command, answer);
        let took = start.micros().saturating_sub(at);
        let said = result.as_ref().ok().map(|()| answer.get(before..).unwrap_or_default());
        self.trace.lock().write(&self.reader, |redactor, text| {
            let (command, said, _) = redactor.exchange(command, said);
            let _ = writeln!(text, "> {}", hex::encode_upper(command));
            let _ = match (&result, said) {
                (Err(error), _) => writeln!(text, "! {}", of_transport(error).as_str()),
                (Ok(()), said) => writeln!(text, "< {}", hex::encode_upper(said.unwrap_or_default())),
            };
            let _ = writeln!(text, "# at {at} us, took {took} us");
        });
        result
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        let result = self.inner.reset();
        if result.is_ok() {
            self.write_reset();
        }
        result
    }

    fn atr(&self) -> &[u8] {
        self.inner.atr()
    }

    fn protocol(&self) -> Protocol {
        self.inner.protocol()
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("reader", &self.reader).finish_non_exhaustive()
    }
}
