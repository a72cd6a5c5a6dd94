//! Reaching records and parts of files in the fewest exchanges.
//!
//! Source: ISO/IEC 7816-4 7.2, 7.3 (SFI, record identifier, record number, all records from a number on).
//! Owns: which form of READ and UPDATE is taken. Never: knows access conditions.
//! Units: bytes; record numbers from 1.

use std::ops::Range;

use card_core::Command;
use card_core::command::{self, Record};

use crate::limits::READ_CHUNK;
use crate::profile::Ef;
use crate::ways::Ways;

/// SFI of the file that is selected.
const CURRENT: u8 = 0;

/// One READ RECORD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordRead {
    /// Which record, or from which on.
    pub(crate) record: Record,
    /// The same as indices from 0.
    pub(crate) records: Range<usize>,
    /// Bytes that it answers.
    pub(crate) length: usize,
}

impl RecordRead {
    pub(crate) fn command(&self, ef: &Ef, ways: Ways) -> Command {
        read_record(ef, ways, self.record, self.length)
    }

    /// The same read, of records so many places further on.
    pub(crate) fn shifted(self, places: usize) -> Self {
        let further = |number: u8| u8::try_from(places).unwrap_or(u8::MAX).saturating_add(number);
        let record = match self.record {
            Record::AllFrom(number) => Record::AllFrom(further(number)),
            Record::Number(number) => Record::Number(further(number)),
            tag @ Record::Tag(_) => tag,
        };
        Self { record, records: self.records.start + places..self.records.end + places, ..self }
    }
}

/// READ RECORD of so many bytes: by SFI, or of the file that was selected before.
pub(crate) fn read_record(ef: &Ef, ways: Ways, record: Record, length: usize) -> Command {
    let sfi = if ways.by_sfi { ef.sfi() } else { CURRENT };
    command::read_record(sfi, record, if ways.exact_le { le(length) } else { 0 })
}

/// All records of a file, whose lengths are given, by the fewest reads: one at a time until the rest fits into one answer.
pub(crate) fn record_reads(lengths: &[usize], together: bool) -> Vec<RecordRead> {
    let mut reads = Vec::new();
    for ((number, length), start) in (1..=u8::MAX).zip(lengths).zip(0..) {
        let rest = lengths.get(start..).unwrap_or_default();
        let all: usize = rest.iter().sum();
        if together && rest.len() > 1 && all <= READ_CHUNK {
            let records = start..start + rest.len();
            reads.push(RecordRead { record: Record::AllFrom(number), records, length: all });
            break;
        }
        reads.push(RecordRead { record: Record::Number(number), records: start..start + 1, length: *length });
    }
    reads
}

/// Update by tag where the tag says which record is meant, else by number.
pub(crate) fn of_record(ef: &Ef, number: u8) -> Record {
    let row = usize::from(number).checked_sub(1).and_then(|index| ef.elements.get(index));
    match row.and_then(|row| row.tag) {
        Some(tag) if ef.elements.iter().filter(|other| other.tag == Some(tag)).count() == 1 => Record::Tag(tag),
        _ => Record::Number(number),
    }
}

/// Parts of a transparent file with their offsets.
pub(crate) fn chunks(bytes: &[u8], size: usize) -> impl Iterator<Item = (u16, &[u8])> {
    offsets(size).zip(bytes.chunks(size))
}

/// Offsets of parts of `size` bytes.
pub(crate) fn offsets(size: usize) -> impl Iterator<Item = u16> {
    (0..=u16::MAX).step_by(size)
}

/// UPDATE BINARY: the first part by SFI, which makes the file current, the others by offset.
pub(crate) fn update_binary(ef: &Ef, offset: u16, part: &[u8]) -> Command {
    match offset {
        0 => command::update_binary_sfi(ef.sfi(), 0, part),
        _ => command::update_binary(offset, part),
    }
}

/// READ BINARY: the first part by SFI, which makes the file current, the others by offset.
pub(crate) fn read_binary(ef: &Ef, ways: Ways, offset: u16, bytes: usize) -> Command {
    let le = if ways.exact_le { le(bytes) } else { 0 };
    match offset {
        0 if ways.by_sfi => command::read_binary_sfi(ef.sfi(), 0, le),
        _ => command::read_binary(offset, le),
    }
}

fn le(bytes: usize) -> u16 {
    u16::try_from(bytes.min(READ_CHUNK)).expect("at most 256")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn reads_cover_every_record_once_and_fit_into_an_answer(lengths in prop::collection::vec(3_usize..=256, 0..30)) {
            let reads = record_reads(&lengths, true);
            let covered: Vec<usize> = reads.iter().flat_map(|read| read.records.clone()).collect();
            prop_assert_eq!(covered, (0..lengths.len()).collect::<Vec<_>>());
            for read in &reads {
                let length: usize = lengths[read.records.clone()].iter().sum();
                prop_assert_eq!(read.length, length);
                prop_assert!(length <= READ_CHUNK);
            }
        }
    }

    #[test]
    fn records_are_read_together_up_to_a_whole_answer_and_not_beyond() {
        let numbers =
            |lengths: &[usize]| record_reads(lengths, true).into_iter().map(|read| read.record).collect::<Vec<_>>();
        assert_eq!(numbers(&[128, 128]), [Record::AllFrom(1)]);
        assert_eq!(numbers(&[128, 129]), [Record::Number(1), Record::Number(2)]);
        assert_eq!(numbers(&[200, 128, 128]), [Record::Number(1), Record::AllFrom(2)]);
    }

    #[test]
    fn records_one_by_one_are_never_read_together() {
        let reads = record_reads(&[18, 3, 6], false);
        assert!(reads.iter().all(|read| matches!(read.record, Record::Number(_)) && read.records.len() == 1));
        assert_eq!(reads.len(), 3);
    }

    #[test]
    fn a_file_that_fits_is_one_read() {
        assert_eq!(
            record_reads(&[18, 3, 6], true),
            [RecordRead { record: Record::AllFrom(1), records: 0..3, length: 27 }]
        );
        assert_eq!(record_reads(&[3], true), [RecordRead { record: Record::Number(1), records: 0..1, length: 3 }]);
        assert_eq!(record_reads(&[], true), []);
    }
}
