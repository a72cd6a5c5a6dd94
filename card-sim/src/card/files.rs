//! Records and bytes of files (读写记录、读写二进制).
//!
//! Source: LD/T 32.5; ISO/IEC 7816-4 7.2 and 7.3.
//! Owns: access check, addressing, exact lengths. Never: knows what an item means.

use card_core::StatusWord;

use super::{Answer, Card, Stop, expect_le};
use crate::door::{FileRef, Which};
use crate::memory::Changes;
use crate::model::{EfModel, Model, Rule, Structure};

impl Card {
    pub(super) fn read_record(
        &mut self,
        model: &Model,
        file: FileRef,
        which: Which,
        le: usize,
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let (index, ef) = self.find(model, file)?;
        // Records of a cyclic file have numbers and no tags.
        if matches!((&ef.structure, which), (Structure::Transparent, _) | (Structure::Cyclic { .. }, Which::Tag(_))) {
            return Err(StatusWord::FILE_STRUCTURE.into());
        }
        self.allow(ef.read.allows(self.state.rights))?;
        match which {
            Which::AllFrom(first) => {
                let mut number = first;
                while let Some((address, length)) = self.record(ef, Which::Number(number))? {
                    out.extend_from_slice(self.memory.read(address, length));
                    let Some(next) = number.checked_add(1) else { break };
                    number = next;
                }
                if out.is_empty() {
                    return Err(StatusWord::RECORD_NOT_FOUND.into());
                }
                // A larger Le answers what is there (published log); a smaller one is corrected; past 256 nothing fits.
                if out.len() > 256 {
                    return Err(StatusWord::WRONG_LENGTH.into());
                }
                if le < out.len() {
                    expect_le(le, out.len())?;
                }
            }
            Which::Tag(_) | Which::Number(_) | Which::Previous => {
                let (address, length) = self.record(ef, which)?.ok_or(StatusWord::RECORD_NOT_FOUND)?;
                // Le is the record's length or 00, "all of it"; deployed programs send both.
                if le != 256 {
                    expect_le(le, length)?;
                }
                out.extend_from_slice(self.memory.read(address, length));
            }
        }
        self.state.ef = Some(index);
        Ok(Answer::Now)
    }

    pub(super) fn update_record(
        &mut self,
        model: &Model,
        file: FileRef,
        which: Which,
        data: &[u8],
    ) -> Result<Answer, Stop> {
        let (index, ef) = self.find(model, file)?;
        match (&ef.structure, which) {
            (Structure::Tlv(_), Which::Tag(_) | Which::Number(_)) | (Structure::Cyclic { .. }, Which::Previous) => {}
            _ => return Err(StatusWord::FILE_STRUCTURE.into()),
        }
        self.allow_update(ef)?;
        let mut changes = Changes::default();
        if which == Which::Previous {
            self.append(ef, data, &mut changes)?;
        } else {
            let (address, length) = self.record(ef, which)?.ok_or(StatusWord::RECORD_NOT_FOUND)?;
            if data.len() != length {
                return Err(StatusWord::WRONG_LENGTH.into());
            }
            if self.memory.read(address, 2) != &data[..2] {
                return Err(StatusWord::WRONG_DATA.into());
            }
            changes.set(address, data);
        }
        self.commit(&changes)?;
        self.state.ef = Some(index);
        Ok(Answer::Done)
    }

    pub(super) fn append_record(&mut self, model: &Model, file: FileRef, data: &[u8]) -> Result<Answer, Stop> {
        let (index, ef) = self.find(model, file)?;
        if !matches!(ef.structure, Structure::Cyclic { .. }) {
            return Err(StatusWord::FILE_STRUCTURE.into());
        }
        self.allow_update(ef)?;
        let mut changes = Changes::default();
        self.append(ef, data, &mut changes)?;
        self.commit(&changes)?;
        self.state.ef = Some(index);
        Ok(Answer::Done)
    }

    pub(super) fn read_binary(
        &mut self,
        model: &Model,
        file: FileRef,
        offset: usize,
        le: usize,
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let (index, ef) = self.find(model, file)?;
        if !matches!(ef.structure, Structure::Transparent) {
            return Err(StatusWord::FILE_STRUCTURE.into());
        }
        self.allow(ef.read.allows(self.state.rights))?;
        let rest = ef.size.checked_sub(offset).filter(|rest| *rest > 0).ok_or(StatusWord::WRONG_OFFSET)?;
        if le > rest {
            expect_le(le, rest)?;
        }
        out.extend_from_slice(self.memory.read(ef.address + offset, le));
        self.state.ef = Some(index);
        Ok(Answer::Now)
    }

    pub(super) fn update_binary(
        &mut self,
        model: &Model,
        file: FileRef,
        offset: usize,
        data: &[u8],
    ) -> Result<Answer, Stop> {
        let (index, ef) = self.find(model, file)?;
        if !matches!(ef.structure, Structure::Transparent) {
            return Err(StatusWord::FILE_STRUCTURE.into());
        }
        self.allow_update(ef)?;
        let rest = ef.size.checked_sub(offset).filter(|rest| *rest > 0).ok_or(StatusWord::WRONG_OFFSET)?;
        if data.len() > rest {
            return Err(StatusWord::NO_SPACE.into());
        }
        let mut changes = Changes::default();
        changes.set(ef.address + offset, data);
        self.commit(&changes)?;
        self.state.ef = Some(index);
        Ok(Answer::Done)
    }

    /// Puts a record in front of a cyclic file: the oldest slot, then the head.
    pub(super) fn append(&self, ef: &EfModel, data: &[u8], changes: &mut Changes) -> Result<(), Stop> {
        let Structure::Cyclic { length, slots } = ef.structure else { return Err(StatusWord::FILE_STRUCTURE.into()) };
        if data.len() != length {
            return Err(StatusWord::WRONG_LENGTH.into());
        }
        let [newest, count] = self.memory.array(ef.address);
        let slot = if count == 0 { 0 } else { (newest % slots + 1) % slots };
        changes.set(ef.address + 2 + usize::from(slot) * length, data);
        changes.set(ef.address, &[slot, count.saturating_add(1).min(slots)]);
        Ok(())
    }

    /// Places of the records of a cyclic file, newest first.
    pub(crate) fn cyclic_records(&self, ef: &EfModel) -> Vec<(usize, usize)> {
        let place = |number| self.record(ef, Which::Number(number)).ok().flatten();
        (1..=u8::MAX).map_while(place).collect()
    }

    /// Address and length of a record, tag and length bytes included; `None` when there is none.
    pub(super) fn record(&self, ef: &EfModel, which: Which) -> Result<Option<(usize, usize)>, Stop> {
        match (&ef.structure, which) {
            (Structure::Tlv(records), Which::Tag(_) | Which::Number(_)) => {
                let found = match which {
                    Which::Number(number) => usize::from(number).checked_sub(1).and_then(|index| records.get(index)),
                    Which::Tag(tag) => records.iter().find(|record| record.tag == tag),
                    Which::AllFrom(_) | Which::Previous => None,
                };
                Ok(found.map(|record| (ef.address + record.offset, 2 + usize::from(record.length))))
            }
            (Structure::Cyclic { length, slots }, Which::Number(number)) => {
                let [newest, count] = self.memory.array(ef.address);
                if !(1..=count.min(*slots)).contains(&number) {
                    return Ok(None);
                }
                let slot = (u16::from(newest % slots) + u16::from(*slots) - u16::from(number - 1)) % u16::from(*slots);
                Ok(Some((ef.address + 2 + usize::from(slot) * length, *length)))
            }
            _ => Err(StatusWord::FILE_STRUCTURE.into()),
        }
    }

    /// A file under MAC takes no update without one.
    fn allow_update(&self, ef: &EfModel) -> Result<(), Stop> {
        if matches!(ef.update, Rule::Mac(_)) {
            return Err(StatusWord::SECURE_MESSAGING_MISSING.into());
        }
        self.allow(ef.update.allows(self.state.rights))
    }

    pub(super) const fn allow(&self, allowed: bool) -> Result<(), Stop> {
        if allowed { Ok(()) } else { Err(Stop::Refused(StatusWord::SECURITY_STATUS)) }
    }
}
