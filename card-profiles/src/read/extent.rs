//! Where a file ends: a card may have more records than its profile has rows, and more bytes than its size.
//!
//! Source: items that only some issuers put on their cards stand between others (item 60 of DF03 EF05); deployed programs read to
//! the end of the records.
//! Owns: when a file is read on, record by record or part by part, until the card has no more. Never: costs a card that is as its
//! profile says an exchange, unless it is read to the end of its files; asks without an end.
//! Units: records as indices from 0 here, from 1 in commands; offsets in bytes.

use card_core::command::Record;
use card_core::script::Step;
use card_core::{Response, StatusWord, tlv};

use super::{Reader, Reason, Wanted};
use crate::address;
use crate::limits::READ_CHUNK;
use crate::profile::{Ef, EfKind};
use crate::ways::Ways;

/// Records more than a file has rows, at most: an issuer adds an item or two, a hostile card any number.
const FURTHER_MAX: usize = 8;

/// Records of a file, at most, that is read to its end: the numbers of READ RECORD (ISO/IEC 7816-4 7.3.2) end there.
pub(super) const RECORDS_MAX: u8 = 0xFE;

/// Offsets end here: P1 of READ BINARY has 15 bits for them with P2.
const OFFSET_END: u16 = 0x8000;

/// Bytes that stand where nothing was ever written: no tag.
const UNWRITTEN: [u8; 2] = [0x00, 0xFF];

/// How far the records of a file are known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    /// Whether a record came that the profile has elsewhere, or not at all.
    deviates: bool,
    /// The record after those that were asked for.
    next: usize,
    /// Whether the card has no more.
    pub(super) is_whole: bool,
}

impl Extent {
    /// An entry of a cyclic file is there.
    pub(super) fn held(&mut self, number: u8) {
        self.next = self.next.max(number.into());
    }

    /// Entries that a cyclic file was found to have.
    pub(super) fn count(self) -> Option<usize> {
        Some(self.next).filter(|held| *held > 0)
    }

    /// Takes the tag of the record at this place.
    pub(super) fn see(&mut self, ef: &Ef, index: usize, tag: Option<u8>) {
        let expected = ef.elements.get(index).and_then(|row| row.tag);
        self.deviates |= tag.is_some_and(|tag| !UNWRITTEN.contains(&tag)) && tag != expected;
        self.next = self.next.max(index + 1);
    }

    /// The card has no record before this place.
    pub(super) fn miss(&mut self, ef: &Ef, end: usize) {
        self.is_whole |= end >= ef.elements.len();
        self.next = self.next.max(end);
    }
}

impl Reader<'_> {
    /// Asks for what is behind the last row, where what came was not as the profile says or all is wanted, and the card may have more.
    pub(super) fn read_on(&mut self) {
        let way = self.way();
        let all = self.to_the_end;
        let Some(file) = self.current.as_ref().filter(|_| self.queue.is_empty()) else { return };
        let Extent { deviates, next, is_whole } = file.extent;
        if file.ef.kind == EfKind::Transparent && all && !is_whole {
            return self.read_behind();
        }
        let is_read = all && file.parts.iter().any(|part| !part.is_empty());
        let is_open = file.ef.kind == EfKind::TlvRecords && !file.basic && (deviates || is_read) && !is_whole;
        let most = if all { RECORDS_MAX.into() } else { file.ef.elements.len() + FURTHER_MAX };
        let is_open = is_open && next < most;
        let Some(number) = u8::try_from(next + 1).ok().filter(|_| is_open) else {
            return;
        };
        // Nobody knows its length.
        let way = Ways { exact_le: false, ..way };
        let command = address::read_record(file.ef, way, Record::Number(number), 0);
        self.queue.push_back((Step::Send(command), Wanted::Further(number)));
    }

    /// Asks for the bytes behind what was read of a transparent file.
    fn read_behind(&mut self) {
        let way = self.way();
        let Some(file) = self.current.as_ref() else { return };
        let read: usize = file.parts.iter().map(Vec::len).sum();
        let offset = u16::try_from(read).ok().filter(|offset| (1..OFFSET_END).contains(offset));
        let Some(offset) = offset else { return };
        // Nobody knows how many there are.
        let command = address::read_binary(file.ef, Ways { exact_le: false, ..way }, offset, READ_CHUNK);
        self.queue.push_back((Step::Send(command), Wanted::Behind));
    }

    /// Takes what is behind the size of a transparent file: fewer bytes than were asked for are the last, and so is whatever the card
    /// refuses.
    pub(super) fn take_behind(&mut self, answer: &Response) {
        let Some(file) = self.current.as_mut() else { return };
        file.extent.is_whole = !answer.sw.is_ok() || answer.data.len() < READ_CHUNK;
        if answer.sw.is_ok() || answer.sw == StatusWord::END_OF_FILE {
            file.parts.push(answer.data.clone());
        }
    }

    pub(super) fn take_further(&mut self, number: u8, answer: &Response) {
        let Some(file) = self.current.as_mut() else { return };
        match answer.sw {
            sw if sw.is_ok() => {
                let is_record = tlv::items(&answer.data).next().is_some_and(|item| is_written(item.ok()));
                file.extent.next = number.into();
                file.extent.is_whole = !is_record;
                file.parts.extend(is_record.then(|| answer.data.clone()));
            }
            StatusWord::RECORD_NOT_FOUND => file.extent.is_whole = true,
            sw => {
                file.extent.is_whole = true;
                // What is missing is perhaps behind this record.
                if !has_all(file.ef, &file.parts) {
                    self.refuse(Reason::Refused(sw));
                }
            }
        }
    }
}

fn is_written(item: Option<tlv::Tlv<'_>>) -> bool {
    item.is_some_and(|item| !UNWRITTEN.contains(&item.tag))
}

/// Whether there is a record for every row.
fn has_all(ef: &Ef, parts: &[Vec<u8>]) -> bool {
    let items = parts.iter().flat_map(|part| tlv::items(part)).map_while(Result::ok);
    let mut tags: Vec<u8> = items.map(|item| item.tag).collect();
    ef.elements.iter().filter_map(|row| row.tag).all(|tag| {
        let found = tags.iter().position(|other| *other == tag);
        found.map(|index| tags.swap_remove(index)).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approach::Means;
    use crate::builtin;
    use crate::profile::Profile;

    /// A card with these records in a file; beyond them it answers `end`. What it was asked, and what was read.
    fn read(profile: &Profile, ways: Ways, records: &[String], end: u16) -> (Vec<String>, crate::read::Outcome) {
        answered(Reader::new(profile, &[("SSSE", "EF06")], means()).by(ways), records, end)
    }

    fn answered(mut reader: Reader<'_>, records: &[String], end: u16) -> (Vec<String>, crate::read::Outcome) {
        let mut asked = Vec::new();
        while let Some(step) = reader.next_step() {
            let answer = match &step {
                Step::Send(command) if command.ins == 0xB2 => {
                    asked.push(format!("{:02X}{:02X} {}", command.p1, command.p2, command.le().unwrap_or_default()));
                    let record = usize::from(command.p1).checked_sub(1).and_then(|index| records.get(index));
                    match record.filter(|_| command.p2 & 7 == 4) {
                        Some(record) => Response { data: hex::decode(record).expect("hex"), sw: StatusWord::OK },
                        None if command.p2 & 7 == 5 => {
                            let all = hex::decode(records.concat()).expect("hex");
                            let most = command.le().map_or(all.len(), usize::from).min(all.len());
                            Response { data: all[..most].to_vec(), sw: StatusWord::OK }
                        }
                        None => Response { data: Vec::new(), sw: StatusWord(end) },
                    }
                }
                _ => Response { data: Vec::new(), sw: StatusWord::OK },
            };
            reader.answer(&answer);
        }
        (asked, reader.finish())
    }

    fn means() -> Means {
        let city = card_core::security::CityCode::parse("639900").expect("six digits");
        let card = [0x97, 0x15, 0x99, 0x00, 0x00, 0xBF, 0x7C, 0x7A];
        Means { factors: Some(card_core::security::Factors::of(city, card)), ..Means::default() }
    }

    /// The records of EF06 as its rows have them, digits in each; with item 74 of one region at a place.
    fn records(profile: &Profile, stray: Option<usize>) -> Vec<String> {
        let rows = &profile.ef("SSSE", "EF06").expect("EF06").elements;
        let record = |tag: u8, length: usize| format!("{tag:02X}{length:02X}{}", "31".repeat(length));
        let mut records: Vec<String> =
            rows.iter().map(|row| record(row.tag.expect("a tag"), row.format.length.into())).collect();
        stray.into_iter().for_each(|at| records.insert(at, record(0x74, 4)));
        records
    }

    fn one_by_one() -> Ways {
        Ways { together: false, ..Ways::default() }
    }

    #[test]
    fn a_card_with_a_record_more_is_read_to_its_end() {
        let profile = builtin("ssc-3.0").expect("built in");
        let rows = records(&profile, None).len();
        for at in 0..rows {
            let stored = records(&profile, Some(at));
            let (asked, outcome) = read(&profile, one_by_one(), &stored, 0x6A83);
            // Every record, and once more: there is none.
            assert_eq!(asked.len(), stored.len() + 1, "{at}: {asked:?}");
            assert_eq!(asked.last().map(String::as_str), Some(format!("{:02X}34 256", stored.len() + 1).as_str()));
            let faults: Vec<String> = outcome.reading.faults.iter().map(ToString::to_string).collect();
            assert!(!faults.iter().any(|fault| fault.contains("missing")), "{at}: {faults:?}");
            assert_eq!(outcome.reading.values.len(), stored.len(), "{at}");
            assert_eq!(outcome.refusals, []);
        }
        // A card that gives no more bytes at once than it was asked for.
        let stored = records(&profile, Some(3));
        let (_, outcome) = read(&profile, Ways::default(), &stored, 0x6A83);
        assert_eq!(outcome.reading.values.len(), stored.len());
        // A card that never ends is asked no further than an issuer may have gone.
        let endless: Vec<String> = (0..300).map(|_| "740431313131".to_owned()).collect();
        let (asked, _) = read(&profile, one_by_one(), &endless, 0x6A83);
        assert_eq!(asked.len(), rows + FURTHER_MAX);
        // Nor is what is no record: a card that answers one byte to whatever it is asked.
        let (asked, _) = read(&profile, one_by_one(), &vec!["31".to_owned(); 300], 0x6A83);
        assert_eq!(asked.len(), rows + 1);
    }

    #[test]
    fn a_card_that_is_as_its_profile_says_is_asked_nothing_more() {
        let profile = builtin("ssc-3.0").expect("built in");
        let stored = records(&profile, None);
        let (asked, outcome) = read(&profile, one_by_one(), &stored, 0x6A83);
        assert_eq!((asked.len(), outcome.reading.values.len()), (stored.len(), stored.len()));
        // Nor one whose records were never written, nor one that lacks the last.
        let blank: Vec<String> = stored.iter().map(|record| "FF".repeat(record.len() / 2)).collect();
        assert_eq!(read(&profile, one_by_one(), &blank, 0x6A83).0.len(), stored.len());
        let (asked, _) = read(&profile, one_by_one(), stored.split_last().expect("records").1, 0x6A83);
        assert_eq!(asked.len(), stored.len());
        // All at once: a card that gave more than it was asked for gave all that it has.
        let (asked, _) =
            read(&profile, Ways { exact_le: false, ..Ways::default() }, &records(&profile, Some(3)), 0x6A83);
        assert_eq!(asked.len(), 1, "{asked:?}");
    }

    #[test]
    fn a_file_whose_end_was_refused_says_so_where_an_item_is_missing() {
        let profile = builtin("ssc-3.0").expect("built in");
        let stored = records(&profile, Some(2));
        let (last, read_before) = stored.split_last().expect("records");
        assert!(last.starts_with("0D"), "{last}");
        let (_, outcome) = read(&profile, one_by_one(), read_before, 0x6986);
        let codes: Vec<&str> = outcome.refusals.iter().map(|refusal| refusal.reason.code()).collect();
        assert_eq!(codes, ["FILE_REFUSED"]);
        // All that the profile has is there: how the card says that there is no more is its own affair.
        let (_, outcome) = read(&profile, one_by_one(), &stored, 0x6986);
        assert_eq!(outcome.refusals, []);
    }

    #[test]
    fn a_record_behind_the_last_row_is_found_where_all_is_wanted() {
        let profile = builtin("ssc-3.0").expect("built in");
        let rows = records(&profile, None).len();
        let stored = records(&profile, Some(rows));
        let whole = |ways: Ways, stored: &[String]| {
            answered(Reader::new(&profile, &[("SSSE", "EF06")], means()).by(ways).to_the_end(), stored, 0x6A83)
        };
        for ways in [one_by_one(), Ways::default()] {
            // Nothing deviates in what has a row.
            assert_eq!(read(&profile, ways, &stored, 0x6A83).1.reading.values.len(), rows);
            let (_, outcome) = whole(ways, &stored);
            assert_eq!(outcome.reading.values.len(), rows + 1, "{ways:?}");
            assert!(outcome.reading.values.get("SSSE.EF06.tag_74").is_some());
            let faults: Vec<String> = outcome.reading.faults.iter().map(ToString::to_string).collect();
            assert!(faults.iter().any(|fault| fault == "SSSE.EF06.tag_74: unknown tag 74"), "{faults:?}");
            assert_eq!(outcome.refusals, []);
        }
        // A card as its profile says it costs one exchange, and one that never ends as many as there are numbers.
        let (asked, outcome) = whole(one_by_one(), &stored[..rows]);
        assert_eq!((asked.len(), outcome.reading.values.len()), (rows + 1, rows));
        let endless: Vec<String> = (0..300).map(|_| "740431313131".to_owned()).collect();
        assert_eq!(whole(one_by_one(), &endless).0.len(), usize::from(RECORDS_MAX));
        // A file that the card does not give is not asked for its end.
        let (asked, outcome) = whole(one_by_one(), &[]);
        assert!(asked.len() <= rows, "{asked:?}");
        assert_eq!(outcome.reading.values.len(), 0);
    }

    #[test]
    fn entries_behind_the_last_of_a_cyclic_file_are_found_where_all_is_wanted() {
        let profile = builtin("ssc-3.0").expect("built in");
        let length = profile.ef("DF02", "EF07").expect("EF07").record_length();
        let held = |to_the_end: bool, count: usize| {
            let reader = Reader::new(&profile, &[("DF02", "EF07")], means());
            let reader = if to_the_end { reader.to_the_end() } else { reader };
            let (asked, outcome) = answered(reader, &vec!["31".repeat(length); count], 0x6A83);
            let is_surplus = |fault: &str| fault == format!("DF02.EF07: {} bytes instead of 340", count * length);
            let is_said = outcome.reading.faults.iter().any(|fault| is_surplus(&fault.to_string()));
            assert_eq!(outcome.refusals, []);
            (asked.len(), outcome.records.len(), is_said)
        };
        assert_eq!(held(false, 6), (4, 4, false));
        assert_eq!(held(true, 6), (7, 6, true));
        assert_eq!(held(true, 4), (5, 4, false));
        // No further than there are numbers.
        assert_eq!(held(true, 300).1, usize::from(RECORDS_MAX));
    }

    /// What is read of a transparent file of the first directory that holds so many bytes on the card; behind them it answers `end`, with
    /// `warns` the rest with that word. How many exchanges it took.
    fn behind(ef: &str, held: usize, (end, warns): (u16, bool), to_the_end: bool) -> (usize, crate::read::Outcome) {
        let profile = builtin("ssc-3.0").expect("built in");
        let files = [("SSSE", ef)];
        let reader = Reader::new(&profile, &files, means());
        let mut reader = if to_the_end { reader.to_the_end() } else { reader };
        let mut asked = 0;
        while let Some(step) = reader.next_step() {
            let answer = match &step {
                Step::Send(command) if command.ins == 0xB0 => {
                    asked += 1;
                    let high = if command.p1 & 0x80 == 0 { command.p1 } else { 0 };
                    let offset = usize::from(u16::from_be_bytes([high, command.p2]));
                    let asked = command.le().map_or(256, usize::from);
                    let part = held.saturating_sub(offset).min(asked);
                    let sw = match part {
                        0 => StatusWord(end),
                        part if part < asked && warns => StatusWord(end),
                        _ => StatusWord::OK,
                    };
                    Response { data: vec![0x5A; part], sw }
                }
                _ => Response { data: Vec::new(), sw: StatusWord::OK },
            };
            reader.answer(&answer);
        }
        (asked, reader.finish())
    }

    #[test]
    fn bytes_behind_the_size_of_a_file_are_found_where_all_is_wanted() {
        // 0x300 by the profile, 0x400 by one program.
        let found = |held, end, to_the_end| {
            let (asked, outcome) = behind("EF07", held, end, to_the_end);
            let value = outcome.reading.values.text("SSSE.EF07").map_or(0, |hex| hex.len() / 2);
            let faults: Vec<String> = outcome.reading.faults.iter().map(ToString::to_string).collect();
            assert_eq!(outcome.refusals, []);
            (asked, value, faults.concat())
        };
        let none = String::new;
        let overlong = |got: usize| format!("SSSE.EF07: {got} bytes instead of 768");
        let beyond = (0x6B00, false);
        assert_eq!(found(0x400, beyond, false), (3, 768, none()));
        assert_eq!(found(0x400, beyond, true), (5, 1024, overlong(1024)));
        assert_eq!(found(0x400, (0x6A82, false), true), (5, 1024, overlong(1024)));
        assert_eq!(found(0x380, (0x6282, true), true), (4, 896, overlong(896)));
        assert_eq!(found(0x380, beyond, true), (4, 896, overlong(896)));
        // As the profile says, and less.
        assert_eq!(found(0x300, beyond, true), (4, 768, none()));
        assert_eq!(found(0x280, (0x6282, true), true), (3, 640, none()));
        // A card that never ends has no more bytes than offsets.
        let (asked, value, _) = found(1 << 20, beyond, true);
        assert_eq!((asked, value), (128, usize::from(OFFSET_END)));
    }
}
