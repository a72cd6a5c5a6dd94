//! Logs of conversations with cards, whoever wrote them.
//!
//! Source: `docs/trace.md` for our own; pcsc-lite's `--apdu` log; the marks of common card tools; published transcripts
//! (`00A4… -> 6118`); plain hexadecimal lines.
//! Owns: which line is a command, an answer, an ATR, a reader; pairing commands with answers.
//! Never: knows what a command means, fails on a line: what it cannot use is junk with its line number and nothing of its text.
//! Units: lines from 1; microseconds.
#![warn(clippy::indexing_slicing)]

use crate::limits::TRACE_LINE_MAX;

/// A log, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// What happened, in order.
    pub entries: Vec<Entry>,
    /// Lines that are no part of a conversation, in order. Comments and empty lines are not among them.
    pub junk: Vec<Junk>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Line where it starts.
    pub line: usize,
    /// What.
    pub event: Event,
}

/// What can happen.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// What follows is said with the card in this reader.
    Reader(String),
    /// A card was powered or reset: its ATR.
    Reset(Vec<u8>),
    /// A command and its answer.
    Exchange(Exchange),
}

/// A command and its answer.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Exchange {
    /// Bytes given to the reader.
    pub command: Vec<u8>,
    /// Data and status word; `None` when the log has none.
    pub answer: Option<Vec<u8>>,
    /// How long it took, where the log says so.
    pub micros: Option<u64>,
}

/// A line that could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Junk {
    /// Line.
    pub line: usize,
    /// Why.
    pub reason: JunkReason,
}

/// Why a line could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JunkReason {
    /// It has no mark and is not hexadecimal.
    NoTrace,
    /// It has a mark, and what follows is not hexadecimal bytes.
    NotHex,
    /// An answer without a command before it.
    AnswerAlone,
    /// Longer than any exchange.
    TooLong,
}

/// What is said is personal: `Debug` shows lengths.
impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Reader(name) => write!(f, "Reader({name:?})"),
            Self::Reset(atr) => write!(f, "Reset({} bytes)", atr.len()),
            Self::Exchange(exchange) => exchange.fmt(f),
        }
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Exchange({} bytes, {:?} bytes)", self.command.len(), self.answer.as_ref().map(Vec::len))
    }
}

/// What a line says by itself.
enum Line {
    Nothing,
    Took(u64),
    Lost,
    Reader(String),
    Reset(Vec<u8>),
    Command(Vec<u8>),
    Answer(Vec<u8>),
    /// `Received (SW1=0x90, SW2=0x00):`, its data in the lines that follow.
    Status([u8; 2]),
    Both(Vec<u8>, Vec<u8>),
    Bare(Vec<u8>),
    Junk(JunkReason),
}

/// Marks that other programs write somewhere in a line, those that contain others first.
const MARKS: [(&str, Mark); 16] = [
    ("Card ATR:", Mark::Reset),
    ("ATR:", Mark::Reset),
    ("R-APDU:", Mark::Answer),
    ("RAPDU:", Mark::Answer),
    ("C-APDU:", Mark::Command),
    ("CAPDU:", Mark::Command),
    ("APDU:", Mark::Command),
    ("SW:", Mark::Answer),
    ("A>>", Mark::Command),
    ("A<<", Mark::Answer),
    ("Sending:", Mark::Command),
    ("Received:", Mark::Answer),
    ("Command:", Mark::Command),
    ("Response:", Mark::Answer),
    ("command:", Mark::Command),
    ("response:", Mark::Answer),
];

/// Marks that a line begins with.
const LEADING: [(&str, Mark); 8] = [
    ("=>", Mark::Command),
    ("->", Mark::Command),
    (">>", Mark::Command),
    (">", Mark::Command),
    ("<=", Mark::Answer),
    ("<-", Mark::Answer),
    ("<<", Mark::Answer),
    ("<", Mark::Answer),
];

#[derive(Clone, Copy)]
enum Mark {
    Command,
    Answer,
    Reset,
}

impl Mark {
    fn line(self, text: &str) -> Line {
        match (bytes(text), self) {
            (Some(bytes), Self::Command) => Line::Command(bytes),
            (Some(bytes), Self::Answer) => Line::Answer(bytes),
            (Some(bytes), Self::Reset) => Line::Reset(bytes),
            (None, _) => Line::Junk(JunkReason::NotHex),
        }
    }
}

impl Log {
    /// Reads any text. Never fails: what cannot be used is in [`Log::junk`].
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut reading = Reading::default();
        for (line, content) in (1..).zip(text.lines()) {
            reading.take(line, content);
        }
        reading.log
    }
}

#[derive(Default)]
struct Reading {
    log: Log,
    /// The last exchange waits for its answer.
    waiting: bool,
    /// Indentation of a line with `->`, whose answer may go on in lines indented further.
    folded: Option<usize>,
    /// The last answer was given by its status word, and its data follow as a dump with its text beside it.
    dumped: bool,
}

impl Reading {
    fn take(&mut self, line: usize, content: &str) {
        let indentation = content.len() - content.trim_start().len();
        let folded = self.folded.take();
        if std::mem::take(&mut self.dumped)
            && let Some(more) = dump_line(content)
            && let Some(answer) = self.last().and_then(|exchange| exchange.answer.as_mut())
        {
            let before_status = answer.len().saturating_sub(2);
            answer.splice(before_status..before_status, more);
            self.dumped = true;
            return;
        }
        match classify(content) {
            Line::Nothing => self.folded = folded,
            Line::Took(micros) => {
                if let Some(exchange) = self.last() {
                    exchange.micros = Some(micros);
                }
            }
            Line::Lost => self.waiting = false,
            Line::Reader(name) => self.push(line, Event::Reader(name)),
            Line::Reset(atr) => self.push(line, Event::Reset(atr)),
            Line::Command(command) => self.command(line, command),
            Line::Answer(answer) => self.answer(line, answer),
            Line::Status(status) => {
                self.dumped = self.waiting;
                self.answer(line, status.to_vec());
            }
            Line::Both(command, answer) => {
                self.command(line, command);
                self.answer(line, answer);
                self.folded = Some(indentation);
            }
            Line::Bare(more) if folded.is_some_and(|first| indentation > first) => {
                if let Some(answer) = self.last().and_then(|exchange| exchange.answer.as_mut()) {
                    answer.extend(more);
                }
                self.folded = folded;
            }
            Line::Bare(bytes) if self.waiting && is_answer(&bytes) => self.answer(line, bytes),
            Line::Bare(bytes) if is_atr(&bytes) => self.push(line, Event::Reset(bytes)),
            Line::Bare(bytes) if is_command(&bytes) => self.command(line, bytes),
            Line::Bare(_) => self.junk(line, JunkReason::NoTrace),
            Line::Junk(reason) => self.junk(line, reason),
        }
    }

    fn push(&mut self, line: usize, event: Event) {
        self.waiting = false;
        self.log.entries.push(Entry { line, event });
    }

    fn junk(&mut self, line: usize, reason: JunkReason) {
        self.log.junk.push(Junk { line, reason });
    }

    fn command(&mut self, line: usize, command: Vec<u8>) {
        self.push(line, Event::Exchange(Exchange { command, answer: None, micros: None }));
        self.waiting = true;
    }

    fn answer(&mut self, line: usize, answer: Vec<u8>) {
        let waiting = std::mem::take(&mut self.waiting);
        match self.last().filter(|_| waiting) {
            Some(exchange) => exchange.answer = Some(answer),
            None => self.junk(line, JunkReason::AnswerAlone),
        }
    }

    fn last(&mut self) -> Option<&mut Exchange> {
        match &mut self.log.entries.last_mut()?.event {
            Event::Exchange(exchange) => Some(exchange),
            Event::Reader(_) | Event::Reset(_) => None,
        }
    }
}

fn classify(content: &str) -> Line {
    if content.len() > TRACE_LINE_MAX {
        return Line::Junk(JunkReason::TooLong);
    }
    let plain = without_colours(content);
    let text = plain.trim();
    if text.is_empty() {
        return Line::Nothing;
    }
    if let Some(comment) = text.strip_prefix('#') {
        return took(comment).map_or(Line::Nothing, Line::Took);
    }
    if text.starts_with('!') {
        return Line::Lost;
    }
    if let Some(name) = text.strip_prefix("@ ") {
        return Line::Reader(name.trim().to_owned());
    }
    if let Some(status) = text.strip_prefix("Received (SW1=") {
        return received(status).map_or(Line::Junk(JunkReason::NotHex), Line::Status);
    }
    let text = without_time(text);
    if let Some((mark, rest)) = LEADING.iter().find_map(|(mark, kind)| Some((kind, text.strip_prefix(mark)?))) {
        return mark.line(rest);
    }
    if let Some(atr) = text.strip_prefix('=') {
        return Mark::Reset.line(atr);
    }
    if let Some((mark, rest)) = MARKS.iter().find_map(|(mark, kind)| Some((kind, text.split_once(mark)?.1))) {
        return mark.line(rest);
    }
    for separator in ["->", "=>"] {
        if let Some((command, answer)) = text.split_once(separator) {
            return match (bytes(command), bytes(answer)) {
                (Some(command), Some(answer)) => Line::Both(command, answer),
                (Some(command), None) if answer.trim().is_empty() => Line::Command(command),
                _ => Line::Junk(JunkReason::NotHex),
            };
        }
    }
    if let Some((command, answer)) = text.split_once('\t')
        && let (Some(command), Some(answer)) = (bytes(command), bytes(answer))
        && is_command(&command)
        && is_answer(&answer)
    {
        return Line::Both(command, answer);
    }
    bytes(text).map_or(Line::Junk(JunkReason::NoTrace), Line::Bare)
}

/// Without a time in front of a mark: `[12:00:01.250] > 00A4…`, `2024-05-01 12:00:01 < 9000`.
fn without_time(text: &str) -> &str {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit() || " []:.,-TZ+".contains(c)).trim_start();
    let time = text.get(..text.len() - rest.len()).unwrap_or_default().trim_end_matches(['-', ' ']);
    let is_command = bytes(time).is_some_and(|bytes| bytes.len() >= 4);
    let is_time = !is_command && time.contains(':') || (time.starts_with('[') && time.ends_with(']') && !is_command);
    // The hyphen of an arrow is no part of the time.
    let rest = text.get(time.len()..).unwrap_or(rest).trim_start();
    if is_time && LEADING.iter().any(|(mark, _)| rest.starts_with(mark)) { rest } else { text }
}

/// `0x90, SW2=0x00):` after `Received (SW1=`.
fn received(text: &str) -> Option<[u8; 2]> {
    let (sw1, rest) = text.split_once(", SW2=")?;
    let (sw2, _) = rest.split_once(')')?;
    let byte = |text: &str| u8::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok();
    Some([byte(sw1)?, byte(sw2)?])
}

/// A line of a dump: up to sixteen bytes in 48 columns, their text after them.
fn dump_line(content: &str) -> Option<Vec<u8>> {
    let columns = content.get(..content.len().min(48))?;
    let is_pair = |token: &str| token.len() == 2 && token.bytes().all(|c| c.is_ascii_hexdigit());
    let tokens: Vec<&str> = columns.split_whitespace().collect();
    let all = !tokens.is_empty() && tokens.iter().all(|token| is_pair(token));
    tokens.into_iter().map(|token| u8::from_str_radix(token, 16).ok().filter(|_| all)).collect()
}

/// `at 15230 us, took 1204 us` of our own comments.
fn took(comment: &str) -> Option<u64> {
    comment.split_once("took ")?.1.strip_suffix(" us")?.parse().ok()
}

/// Without the escape sequences by which a daemon colours its lines.
fn without_colours(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains('\u{1B}') {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    for (index, part) in text.split('\u{1B}').enumerate() {
        let rest = part.strip_prefix('[').filter(|_| index > 0).and_then(|part| part.split_once('m'));
        plain.push_str(rest.map_or(part, |(_, rest)| rest));
    }
    plain.into()
}

/// The bytes that a text spells: hexadecimal, with or without spaces, `0x`, commas, colons, brackets; what stands in round
/// brackets, after ` : `, `#` or `;` is passed over. `None` for anything else, and for nothing.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let text = text.split(['#', ';']).next().unwrap_or_default();
    let text = text.split(" : ").next().unwrap_or_default();
    let mut spelt = String::with_capacity(text.len());
    let mut depth = 0_usize;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            ',' | ':' | '[' | ']' => spelt.push(' '),
            c => spelt.push(c),
        }
    }
    let tokens: Vec<&str> = spelt
        .split_whitespace()
        .filter(|token| !token.starts_with("T="))
        .map(|token| token.strip_prefix("0x").unwrap_or(token))
        .collect();
    let is_byte_a_token = tokens.iter().all(|token| token.len() <= 2);
    let mut bytes = Vec::with_capacity(spelt.len() / 2);
    for token in tokens {
        if is_byte_a_token {
            bytes.push(u8::from_str_radix(token, 16).ok().filter(|_| token.bytes().all(|c| c.is_ascii_hexdigit()))?);
        } else {
            bytes.extend(hex::decode(token).ok()?);
        }
    }
    (!bytes.is_empty()).then_some(bytes)
}

/// Whether bytes end with what can be a status word.
fn is_answer(bytes: &[u8]) -> bool {
    matches!(bytes, [.., 0x61..=0x6F, _] | [.., 0x90..=0x95, _])
}

/// Whether bytes have the shape of a short command: header, then nothing, Le, or Lc and as many bytes, with or without Le.
fn is_command(bytes: &[u8]) -> bool {
    match bytes {
        [0xFF, ..] => false,
        [_, _, _, _] | [_, _, _, _, _] => true,
        [_, _, _, _, lc, rest @ ..] => matches!(rest.len().checked_sub(usize::from(*lc)), Some(0 | 1)),
        _ => false,
    }
}

fn is_atr(bytes: &[u8]) -> bool {
    matches!(bytes, [0x3B | 0x3F, _, _, ..])
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test that looks past the end fails, as it should")]
mod tests;
