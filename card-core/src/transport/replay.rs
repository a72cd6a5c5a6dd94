//! A recorded conversation as a card.
//!
//! Owns: the trace text: `#` comment, `= ATR`, `> command`, `< answer with status word`, upper-case hex.
//! Never: answers a command that the trace does not have next.

use super::{Transport, TransportError};

/// A card that answers as recorded and refuses everything else.
#[derive(Clone, Debug)]
pub struct Replay {
    atr: Vec<u8>,
    exchanges: Vec<Exchange>,
    next: usize,
}

#[derive(Clone, Debug)]
struct Exchange {
    line: usize,
    command: Vec<u8>,
    answer: Vec<u8>,
}

/// A line that is not trace text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("trace line {line}: {problem}")]
pub struct TraceError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: TraceProblem,
}

/// What can be wrong with a line of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceProblem {
    /// The mark is none of `#`, `=`, `>`, `<`.
    #[error("starts with none of # = > <")]
    Mark,
    /// Not hexadecimal.
    #[error("not hexadecimal bytes")]
    Hex,
    /// An answer without a command before it.
    #[error("answer without a command")]
    AnswerAlone,
    /// A command without an answer after it.
    #[error("command without an answer")]
    CommandAlone,
}

impl Replay {
    /// Reads a trace.
    ///
    /// # Errors
    /// [`TraceError`] with the line.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let mut replay = Self { atr: Vec::new(), exchanges: Vec::new(), next: 0 };
        let mut pending: Option<(usize, Vec<u8>)> = None;
        for (line, content) in (1..).zip(text.lines().map(str::trim)) {
            let fault = |problem| TraceError { line, problem };
            let Some(mark) = content.chars().next().filter(|mark| *mark != '#') else { continue };
            let hex: String = content.chars().skip(1).filter(|c| !c.is_whitespace()).collect();
            let bytes = hex::decode(hex).map_err(|_| fault(TraceProblem::Hex));
            match (mark, pending.take()) {
                ('=', None) => replay.atr = bytes?,
                ('>', None) => pending = Some((line, bytes?)),
                ('<', Some((line, command))) => replay.exchanges.push(Exchange { line, command, answer: bytes? }),
                ('<', None) => return Err(fault(TraceProblem::AnswerAlone)),
                ('=' | '>', Some((line, _))) => return Err(TraceError { line, problem: TraceProblem::CommandAlone }),
                _ => return Err(fault(TraceProblem::Mark)),
            }
        }
        match pending {
            Some((line, _)) => Err(TraceError { line, problem: TraceProblem::CommandAlone }),
            None => Ok(replay),
        }
    }

    /// Whether every recorded exchange was used.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.next == self.exchanges.len()
    }
}

impl Transport for Replay {
    fn transmit(&mut self, command: &[u8], answer: &mut Vec<u8>) -> Result<(), TransportError> {
        let last_line = self.exchanges.last().map_or(0, |exchange| exchange.line);
        let exchange = self.exchanges.get(self.next).ok_or(TransportError::TraceEnded { line: last_line })?;
        if exchange.command != command {
            return Err(TransportError::TraceDiffers { line: exchange.line });
        }
        answer.extend_from_slice(&exchange.answer);
        self.next += 1;
        Ok(())
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    fn atr(&self) -> &[u8] {
        &self.atr
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_name_their_line() {
        for (text, line, problem) in [
            ("# note\n? 00", 2, TraceProblem::Mark),
            ("> 00A4 0\n", 1, TraceProblem::Hex),
            ("< 9000", 1, TraceProblem::AnswerAlone),
            ("> 00\n\n> 01", 1, TraceProblem::CommandAlone),
            ("> 00", 1, TraceProblem::CommandAlone),
        ] {
            assert_eq!(Replay::parse(text).expect_err("faulty"), TraceError { line, problem }, "{text}");
        }
    }

    #[test]
    fn another_command_is_refused_with_the_line() {
        let mut replay = Replay::parse("= 3B00\n> 0084000008\n< 9000").expect("trace");
        let error = replay.transmit(&[0, 0xA4], &mut Vec::new()).expect_err("differs");
        assert!(matches!(error, TransportError::TraceDiffers { line: 2 }));
        assert!(!replay.is_finished());
    }
}
