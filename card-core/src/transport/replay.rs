//! A recorded conversation as a card.
//!
//! Source: `docs/trace.md`.
//! Owns: the trace text, strictly: `#` comment, `@ reader`, `= ATR`, `> command`, `< answer with status word`, `! no answer`,
//! upper-case hex. What other programs write is read by `trace`.
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
    /// `None`: the card did not answer.
    answer: Option<Vec<u8>>,
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
    /// The mark is none of `#`, `@`, `=`, `>`, `<`, `!`.
    #[error("starts with none of # @ = > < !")]
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
    /// Reads a trace with one card. Of a trace with several readers it is the one named first.
    ///
    /// # Errors
    /// [`TraceError`] with the line.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        Self::parse_reader(text, None)
    }

    /// Reads what was said with the card in one reader: `wanted` is the text after `@`; `None` is the first.
    ///
    /// # Errors
    /// [`TraceError`] with the line, also of a line of another reader.
    pub fn parse_reader(text: &str, wanted: Option<&str>) -> Result<Self, TraceError> {
        let mut replay = Self { atr: Vec::new(), exchanges: Vec::new(), next: 0 };
        let mut wanted = wanted.map(str::to_owned);
        let mut is_ours = true;
        let mut pending: Option<(usize, Vec<u8>)> = None;
        for (line, content) in (1..).zip(text.lines().map(str::trim)) {
            let fault = |problem| TraceError { line, problem };
            let Some(mark) = content.chars().next().filter(|mark| *mark != '#') else { continue };
            let rest = content.strip_prefix(mark).unwrap_or_default();
            if matches!(mark, '=' | '>' | '@')
                && let Some((line, _)) = pending
            {
                return Err(TraceError { line, problem: TraceProblem::CommandAlone });
            }
            let hex: String = rest.chars().filter(|c| !c.is_whitespace()).collect();
            let bytes = || hex::decode(&hex).map_err(|_| fault(TraceProblem::Hex));
            match (mark, pending.take()) {
                ('@', _) => {
                    let name = rest.trim();
                    is_ours = wanted.get_or_insert_with(|| name.to_owned()) == name;
                }
                ('=', _) => {
                    let atr = bytes()?;
                    if is_ours {
                        replay.atr = atr;
                    }
                }
                ('>', _) => pending = Some((line, bytes()?)),
                ('<' | '!', Some((line, command))) => {
                    let answer = if mark == '<' { Some(bytes()?) } else { None };
                    if is_ours {
                        replay.exchanges.push(Exchange { line, command, answer });
                    }
                }
                ('<' | '!', None) => return Err(fault(TraceProblem::AnswerAlone)),
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
        self.next += 1;
        match &exchange.answer {
            Some(bytes) => {
                answer.extend_from_slice(bytes);
                Ok(())
            }
            None => Err(TransportError::CardMute { reader: "trace".to_owned() }),
        }
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

    #[test]
    fn of_several_readers_one_is_replayed() {
        let trace = "@ 1 card\n= 3B01\n> 0084000008\n! CARD_MUTE\n@ 2 psam\n= 3B02\n> 00B0960006\n< 6A82\n@ 1 card\n> 00\n< 6700";
        let mut first = Replay::parse(trace).expect("trace");
        assert_eq!(first.atr(), [0x3B, 1]);
        let mute = first.transmit(&[0, 0x84, 0, 0, 8], &mut Vec::new()).expect_err("no answer");
        assert!(matches!(mute, TransportError::CardMute { .. }));
        first.transmit(&[0], &mut Vec::new()).expect("the card's second exchange");
        assert!(first.is_finished());
        let mut second = Replay::parse_reader(trace, Some("2 psam")).expect("trace");
        second.transmit(&[0, 0xB0, 0x96, 0, 6], &mut Vec::new()).expect("the PSAM's exchange");
        assert!(second.is_finished() && second.atr() == [0x3B, 2]);
        let alone = Replay::parse("> 00\n@ 2 psam").expect_err("no answer");
        assert_eq!(alone, TraceError { line: 1, problem: TraceProblem::CommandAlone });
    }
}
