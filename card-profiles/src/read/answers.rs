//! What the card's answers to READ RECORD and READ BINARY mean for the rest of the file.
//!
//! Source: as `read`. Owns: what is kept of an answer, and when another way of reading is tried. Never: believes a length.

use card_core::command::Record;
use card_core::{Response, StatusWord, tlv};

use super::{CyclicRecord, Reader, Reason, entry};
use crate::address::RecordRead;
use crate::image;
use crate::place::Place;
use crate::ways::Ways;

impl Reader<'_> {
    pub(super) fn take_records(&mut self, read: &RecordRead, answer: &Response) {
        let is_together = matches!(read.record, Record::AllFrom(_));
        if let Some(file) = self.current.as_mut() {
            file.asked_together |= is_together;
        }
        match answer.sw {
            sw if sw.is_ok() && is_together => self.take_together(read, &answer.data),
            sw if sw.is_ok() => {
                self.confirm();
                let is_learnt = !self.is_by_chance();
                let Some(file) = self.current.as_mut() else { return };
                // A record by itself, after all at once did not bring it: this card does not know the latter.
                self.ways.together &= !(is_learnt && file.asked_together) || self.sure.together;
                file.cut.clear();
                file.extent.see(file.ef, read.records.start, answer.data.first().copied());
                file.parts.push(answer.data.clone());
            }
            // The record is not there, or from here on none: reading the file says so beside the values.
            StatusWord::RECORD_NOT_FOUND if !self.asks_basic() && (!is_together || self.sure.together) => {
                self.current.iter_mut().for_each(|file| file.extent.miss(file.ef, read.records.end));
            }
            sw => self.try_otherwise(sw, read.records.start),
        }
    }

    pub(super) fn take_together(&mut self, read: &RecordRead, data: &[u8]) {
        self.confirm();
        let is_exact = self.way().exact_le;
        let Some(file) = self.current.as_mut() else { return };
        let whole = tlv::items(data).map_while(Result::ok);
        let (count, bytes) = whole.fold((0, 0), |(count, bytes), item| {
            file.extent.see(file.ef, read.records.start + count, Some(item.tag));
            (count + 1, bytes + 2 + item.value.len())
        });
        let (records, cut) = data.split_at_checked(bytes).unwrap_or((data, &[]));
        // A card gives no more than it was asked for; one that gave another number of bytes gave all that it has.
        file.extent.is_whole = !is_exact || data.len() != read.length;
        file.parts.push(records.to_vec());
        file.cut = cut.to_vec();
        if count > 1 {
            // More than one record in one answer: what is missing is not on the card.
            self.sure.together = true;
            self.ways.together = true;
        }
        let missing = read.records.start + count..read.records.end;
        if !missing.is_empty() && (!self.sure.together || !cut.is_empty()) {
            file.extent.is_whole = false;
            let way = Ways { together: false, ..self.way() };
            self.ask_records(way, missing);
        }
    }

    pub(super) fn take_entry(&mut self, number: u8, answer: &Response) {
        let way = self.way();
        match answer.sw {
            StatusWord::RECORD_NOT_FOUND => {}
            // Behind the last row any refusal is the end.
            sw if !sw.is_ok() && self.current.as_ref().is_some_and(|file| number > file.ef.records) => {}
            sw if !sw.is_ok() => self.try_otherwise(sw, number.into()),
            _ => {
                self.confirm();
                let Some(file) = self.current.as_ref() else { return };
                self.outcome.reading.extend(image::decode_record(file.df, file.ef, number, &answer.data));
                let place = Place::file(&file.df.id, &file.ef.id).record(number);
                self.outcome.records.push(CyclicRecord { place, bytes: answer.data.clone() });
                if number < file.records_max {
                    self.queue.push_back(entry(file.ef, way, number + 1));
                }
                self.current.iter_mut().for_each(|file| file.extent.held(number));
            }
        }
    }

    pub(super) fn take_part(&mut self, offset: u16, asked: usize, answer: &Response) {
        let is_end = matches!(answer.sw, StatusWord::WRONG_OFFSET | StatusWord::WRONG_P1P2) && offset > 0;
        // What comes with the warning that the file ended is the rest of it.
        let is_rest = answer.sw == StatusWord::END_OF_FILE && !answer.data.is_empty();
        if !answer.sw.is_ok() && !is_end && !is_rest {
            return match offset {
                0 => self.try_otherwise(answer.sw, 0),
                _ => self.refuse(Reason::Refused(answer.sw)),
            };
        }
        self.confirm();
        if let Some(file) = self.current.as_mut() {
            file.parts.push(answer.data.clone());
        }
        if is_end || is_rest || answer.data.len() < asked {
            self.queue.clear();
            self.current.iter_mut().for_each(|file| file.extent.is_whole = true);
        }
    }
}
