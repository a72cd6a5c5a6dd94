//! What came back against what was written, down to the item.
//!
//! Owns: the expected content of a file, the first difference, its words. Never: shows a value.

use card_core::tlv;
use card_core::{Response, StatusWord};

use super::{Act, Expected, PlannedStep};
use crate::access::Right;
use crate::codec;
use crate::place::Place;
use crate::profile::{Df, Ef};

/// A step that did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {problem}", subject(.df, .place.as_ref()), .right.as_ref().map_or_else(String::new, |right| format!(" ({right})")))]
pub struct Mismatch {
    /// Directory.
    pub df: String,
    /// File or item, as precise as can be told.
    pub place: Option<Place>,
    /// The key that was loaded or proved, or the PIN.
    pub right: Option<Box<Right>>,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The card refused.
    #[error("the card refused: {0:?}")]
    Refused(StatusWord),
    /// Fewer or more bytes than were written.
    #[error("{got} bytes came back, {expected} were expected")]
    Length {
        /// As planned.
        expected: usize,
        /// As read.
        got: usize,
    },
    /// Another value.
    #[error("record {record} differs from byte {byte} on")]
    Record {
        /// Record number, from 1.
        record: u8,
        /// First differing byte of the record, tag and length included, from 0.
        byte: usize,
    },
    /// Another byte in a transparent file.
    #[error("byte {0} differs")]
    Byte(usize),
}

impl Mismatch {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self.problem {
            Problem::Refused(_) => "CARD_REFUSED",
            Problem::Length { .. } | Problem::Record { .. } | Problem::Byte(_) => "READ_BACK_DIFFERS",
        }
    }

    /// The mismatch in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        let mut place = subject(&self.df, self.place.as_ref());
        if let Some(right) = &self.right {
            place.push_str(&format!("（{right}）"));
        }
        match self.problem {
            Problem::Refused(sw) => {
                let meaning = sw.meaning().map_or("", |(zh, _)| zh);
                format!("{place}：卡片拒绝执行（{:04X} {meaning}）", sw.0)
            }
            Problem::Length { expected, got } => format!("{place}：回读 {got} 字节，应为 {expected} 字节"),
            Problem::Record { record, byte } => format!("{place}：第 {record} 条记录自第 {byte} 字节起与写入不符"),
            Problem::Byte(byte) => format!("{place}：第 {byte} 字节与写入不符"),
        }
    }
}

impl PlannedStep {
    /// The data that the card must answer, in pieces, with what each is; none where the status word says all.
    #[must_use]
    pub fn expects(&self) -> Vec<(Option<&Place>, &[u8])> {
        match &self.expected {
            Expected::Done => Vec::new(),
            Expected::Bytes(bytes) => vec![(self.place.as_ref(), bytes)],
            Expected::Records(records) => {
                records.iter().map(|(place, bytes)| (Some(place), bytes.as_slice())).collect()
            }
        }
    }

    /// Judges the card's answer to this step.
    ///
    /// # Errors
    /// [`Mismatch`], the first difference.
    pub fn judge(&self, answer: &Response) -> Result<(), Mismatch> {
        let mismatch = |place: Option<&Place>, problem| Mismatch {
            df: self.df.clone(),
            place: place.cloned(),
            right: self.right(),
            problem,
        };
        let whole = self.place.as_ref();
        if !answer.sw.is_ok() {
            return Err(mismatch(whole, Problem::Refused(answer.sw)));
        }
        match &self.expected {
            Expected::Done => Ok(()),
            Expected::Bytes(expected) => match difference(expected, &answer.data) {
                None => Ok(()),
                Some(Problem::Byte(byte)) => Err(mismatch(whole, Problem::Byte(byte + self.offset()))),
                Some(problem) => Err(mismatch(whole, problem)),
            },
            Expected::Records(records) => {
                let mut rest = answer.data.as_slice();
                for (number, (place, expected)) in (self.first_record()..).zip(records) {
                    let (got, after) = rest.split_at_checked(expected.len()).unwrap_or((rest, &[]));
                    if let Some(problem) = difference(expected, got) {
                        let problem = match problem {
                            Problem::Byte(byte) => Problem::Record { record: number, byte },
                            other => other,
                        };
                        return Err(mismatch(Some(place), problem));
                    }
                    rest = after;
                }
                if rest.is_empty() {
                    return Ok(());
                }
                let expected: usize = records.iter().map(|(_, bytes)| bytes.len()).sum();
                Err(mismatch(whole, Problem::Length { expected, got: expected + rest.len() }))
            }
        }
    }

    /// The key or PIN that the step is about.
    fn right(&self) -> Option<Box<Right>> {
        match &self.act {
            Act::LoadKey(name) | Act::ReplaceControlKey(name) => Some(Box::new(Right::Key(name.clone()))),
            Act::Prove(right) => Some(Box::new(right.clone())),
            Act::Select | Act::Write | Act::ReadBack => None,
        }
    }

    fn first_record(&self) -> u8 {
        match &self.step {
            card_core::script::Step::Send(command) => command.p1,
            _ => 1,
        }
    }

    fn offset(&self) -> usize {
        match &self.step {
            card_core::script::Step::Send(command) if command.p1 & 0x80 == 0 => {
                usize::from(u16::from_be_bytes([command.p1, command.p2]))
            }
            _ => 0,
        }
    }
}

/// The place as far as it is known, or the directory.
fn subject(df: &str, place: Option<&Place>) -> String {
    place.map_or_else(|| df.to_owned(), ToString::to_string)
}

fn difference(expected: &[u8], got: &[u8]) -> Option<Problem> {
    if let Some(byte) = expected.iter().zip(got).position(|(left, right)| left != right) {
        return Some(Problem::Byte(byte));
    }
    (expected.len() != got.len()).then_some(Problem::Length { expected: expected.len(), got: got.len() })
}

/// Where a record of a TLV file stands, by its number.
pub(super) fn record_place(df: &Df, ef: &Ef, number: u8) -> Place {
    let file = Place::file(&df.id, &ef.id);
    match usize::from(number).checked_sub(1).and_then(|index| ef.elements.get(index)) {
        Some(row) => file.item(&row.id),
        None => file,
    }
}

/// All records of a TLV file, those written as written and the others blank.
pub(super) fn whole_file(df: &Df, ef: &Ef, written: &[(u8, Vec<u8>)]) -> Vec<(Place, Vec<u8>)> {
    let record = |(number, row): (u8, &crate::profile::Element)| {
        let given = written.iter().find(|(other, _)| *other == number).map(|(_, bytes)| bytes.clone());
        let bytes = given.unwrap_or_else(|| tlv::encode(row.tag.unwrap_or_default(), &codec::blank(row)));
        (record_place(df, ef, number), bytes)
    };
    (1..=u8::MAX).zip(&ef.elements).map(record).collect()
}
