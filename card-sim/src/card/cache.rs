//! UPDATE CAPP DATA CACHE (更新复合消费缓存): records that a composite purchase brings with it.
//!
//! Source: COS manual of PBOC 1.0/2.0 ("plain, or with MAC, or enciphered, per file"; nothing reaches the file before DEBIT).
//! Owns: what a cached record must look like, under which protection. Never: writes a file: DEBIT does, with all the rest.
//! Units: lengths in bytes, tag and length of the record included.

use card_core::StatusWord;
use card_core::crypto::CardKey;
use zeroize::Zeroizing;

use super::transaction::Step;
use super::{Answer, Card, Challenge, Stop};
use crate::door::{FileRef, Message, Which};
use crate::model::{MacStart, Model, Rule, Structure};

/// Most bytes that the cache of a composite purchase takes: the log of the memory must hold them with the rest.
const CACHE_MAX: usize = 512;

impl Card {
    /// Kept in volatile memory until DEBIT; may be repeated. For a file under MAC the record carries one, over header and
    /// record, from a challenge (assumed: as UPDATE RECORD), and where the profile says so it is enciphered as well; a wrong
    /// MAC ends the transaction.
    pub(super) fn purse_cache(
        &mut self,
        model: &Model,
        (file, which): (FileRef, Which),
        (header, data): ([u8; 5], &[u8]),
        challenge: Option<Challenge>,
    ) -> Result<Answer, Stop> {
        let open = self.state.transaction.as_ref().filter(|open| open.step == Step::Composite);
        let cached: usize = open.ok_or(StatusWord::NOT_ACCEPTED)?.cache.iter().map(|(_, bytes)| bytes.len()).sum();
        let (index, ef) = self.find(model, file)?;
        if !matches!(ef.structure, Structure::Tlv(_)) {
            return Err(StatusWord::FILE_STRUCTURE.into());
        }
        let (address, length) = self.record(ef, which)?.ok_or(StatusWord::RECORD_NOT_FOUND)?;
        let record = match ef.update {
            // No command from outside but those of the transaction, which its MAC1 authorizes.
            Rule::Free | Rule::Never => Zeroizing::new(data.to_vec()),
            Rule::All(_) | Rule::Any(_) => {
                self.allow(ef.update.allows(self.state.rights))?;
                Zeroizing::new(data.to_vec())
            }
            Rule::Mac(_) if data.len() == length => return Err(StatusWord::SECURE_MESSAGING_MISSING.into()),
            Rule::Mac(key) => {
                let enciphered = model.purse.as_ref().is_some_and(|purse| purse.rules.enciphers_cache);
                let (data, mac) = data.split_last_chunk::<4>().ok_or(StatusWord::WRONG_LENGTH)?;
                let expected =
                    if enciphered { enciphered_length(length, model.rules.algorithm.block()) } else { length };
                if data.len() != expected {
                    return Err(StatusWord::WRONG_LENGTH.into());
                }
                let key = &model.keys[key];
                let message = Message { header, data, mac: *mac };
                let checked = self.check_message(key, MacStart::Challenge, message, challenge);
                if matches!(checked, Err(Stop::Refused(StatusWord::MAC_WRONG))) {
                    self.state.transaction = None;
                }
                checked?;
                if enciphered { deciphered(&self.key(key), data, length)? } else { Zeroizing::new(data.to_vec()) }
            }
        };
        if record.len() != length {
            return Err(StatusWord::WRONG_LENGTH.into());
        }
        if self.memory.read(address, 2) != &record[..2] {
            return Err(StatusWord::WRONG_DATA.into());
        }
        if cached + length > CACHE_MAX {
            return Err(StatusWord::NO_SPACE.into());
        }
        self.state.ef = Some(index);
        if let Some(open) = &mut self.state.transaction {
            open.cache.push((address, record.to_vec()));
        }
        Ok(Answer::Done)
    }
}

/// Length byte and record, padded only where they do not fill a block.
const fn enciphered_length(length: usize, block: usize) -> usize {
    (1 + length).next_multiple_of(block)
}

/// The record, when length byte and padding are what they must be.
fn deciphered(key: &CardKey, data: &[u8], length: usize) -> Result<Zeroizing<Vec<u8>>, Stop> {
    let plain = key.decipher(data).ok_or(StatusWord::WRONG_LENGTH)?;
    let (stated, rest) = plain.split_first().ok_or(StatusWord::WRONG_LENGTH)?;
    let (record, padding) = rest.split_at_checked(length).ok_or(StatusWord::WRONG_LENGTH)?;
    let is_padding =
        padding.split_first().is_none_or(|(mark, zeros)| *mark == 0x80 && zeros.iter().all(|byte| *byte == 0));
    if usize::from(*stated) == length && is_padding {
        Ok(Zeroizing::new(record.to_vec()))
    } else {
        Err(StatusWord::SECURE_MESSAGING_WRONG.into())
    }
}
