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
    pub(crate) fn command(&self, ef: &Ef) -> Command {
        command::read_record(ef.sfi(), self.record, le(self.length))
    }
}

/// All records of a file, whose lengths are given, by the fewest reads: one at a time until the rest fits into one answer.
pub(crate) fn record_reads(lengths: &[usize]) -> Vec<RecordRead> {
    let mut reads = Vec::new();
    for ((number, length), start) in (1..=u8::MAX).zip(lengths).zip(0..) {
        let rest = lengths.get(start..).unwrap_or_default();
        let together: usize = rest.iter().sum();
        if rest.len() > 1 && together <= READ_CHUNK {
            let records = start..start + rest.len();
            reads.push(RecordRead { record: Record::AllFrom(number), records, length: together });
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
pub(crate) fn read_binary(ef: &Ef, offset: u16, bytes: usize) -> Command {
    match offset {
        0 => command::read_binary_sfi(ef.sfi(), 0, le(bytes)),
        _ => command::read_binary(offset, le(bytes)),
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
            let reads = record_reads(&lengths);
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
        let numbers = |lengths: &[usize]| record_reads(lengths).into_iter().map(|read| read.record).collect::<Vec<_>>();
        assert_eq!(numbers(&[128, 128]), [Record::AllFrom(1)]);
        assert_eq!(numbers(&[128, 129]), [Record::Number(1), Record::Number(2)]);
        assert_eq!(numbers(&[200, 128, 128]), [Record::Number(1), Record::AllFrom(2)]);
    }

    #[test]
    fn a_file_that_fits_is_one_read() {
        assert_eq!(record_reads(&[18, 3, 6]), [RecordRead { record: Record::AllFrom(1), records: 0..3, length: 27 }]);
        assert_eq!(record_reads(&[3]), [RecordRead { record: Record::Number(1), records: 0..1, length: 3 }]);
        assert_eq!(record_reads(&[]), []);
    }
}
