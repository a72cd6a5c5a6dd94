//! Writing in the shell: an item of a tagged record, an inner item of a composite one, a whole record of a cyclic file.
//!
//! Source: UPDATE RECORD by number of tagged files, `00 DC 00 03` of cyclic ones. Owns: that the value fits before the card is touched,
//! and the read-back. Never: proves anything by itself; repeats a write.
//! Units: amounts are whole fen.

use card_core::command::{self, Record};
use card_core::{Command, StatusWord, tlv};
use card_profiles::access::{Access, Right};
use card_profiles::format::FormatKind;
use card_profiles::profile::{EfKind, Element};
use card_profiles::{Ef, Place, codec};

use super::Shell;
use card_counter::error::{ShellError, TerminalError};
use card_counter::language::Words;

impl Shell {
    /// Writes one item, and reads it back. What its condition asks for must have been proved. Of a composite the inner item alone is
    /// changed: the others are read first.
    ///
    /// # Errors
    /// [`ShellError`] for a place or value that does not fit; the card's refusal.
    pub fn update(&mut self, place: &str, text: &str) -> Result<(), TerminalError> {
        let missing = || ShellError::NoSuchPlace(place.to_owned());
        let parsed: Place = place.parse().map_err(|_| missing())?;
        let (df, ef) = self.file(&format!("{}.{}", parsed.df(), parsed.ef()))?;
        let (ef, df) = (ef.clone(), df.id.clone());
        match ef.kind {
            EfKind::TlvRecords if parsed.item_id().is_some() => self.update_item((&df, &ef), parsed, text),
            EfKind::Cyclic if parsed.item_id().is_none() && parsed.record.is_none() => {
                self.append((&df, &ef), parsed, text)
            }
            EfKind::TlvRecords => {
                Err(usage("写明数据项：update DF03.EF05.名称 值", "name the item: update DF03.EF05.NAME VALUE"))
            }
            EfKind::Cyclic => Err(usage(
                "循环文件只能整条追加，不能改写某一条：update DF04.EF08 该记录全部字节的十六进制；最旧的一条成为最新的一条",
                "a cyclic file takes whole new records, none of its own is changed: update DF04.EF08 HEX, all bytes of a record; the oldest becomes the newest",
            )),
            EfKind::Transparent => Err(usage(
                "此文件没有记录；用 apdu 发送 UPDATE BINARY (00D6)",
                "this file has no records: send UPDATE BINARY (00D6) with apdu",
            )),
        }
    }

    fn update_item(&mut self, (df, ef): (&str, &Ef), place: Place, text: &str) -> Result<(), TerminalError> {
        let missing = || ShellError::NoSuchPlace(place.to_string());
        let index = ef.elements.iter().position(|row| Some(&*row.id) == place.item_id());
        let (index, row) = index.and_then(|index| Some((index, ef.elements.get(index)?))).ok_or_else(missing)?;
        let (Some(tag), Ok(number)) = (row.tag, u8::try_from(index + 1)) else { return Err(missing().into()) };
        let inner = match (place.inner_id(), row.inner.as_slice()) {
            (None, []) => None,
            (Some(wanted), inner) => Some(inner.iter().find(|item| *wanted == *item.id).ok_or_else(missing)?),
            (None, inner) => {
                let names = inner.iter().map(|item| &*item.id).collect::<Vec<_>>().join(", ");
                return Err(ShellError::Usage(Words::of(
                    format!("组合数据逐项写入：update {place}.内部项 值；内部项有 {names}"),
                    format!("a composite is written item by item: update {place}.INNER VALUE, of {names}"),
                ))
                .into());
            }
        };
        let bytes = encoded(inner.unwrap_or(row), &place, text)?;
        self.go_to(df)?;
        let number = Record::Number(number);
        let value = match inner {
            None => bytes,
            Some(inner) => {
                let blank = codec::blank(row);
                let answer = self.session.send(&command::read_record(ef.sfi(), number, le(2 + blank.len())))?;
                if answer.sw == StatusWord::SECURITY_STATUS {
                    let rule = format!("{}, read {}", ef.update, ef.read);
                    let acts = acts(&ef.read).chain(acts(&ef.update)).collect();
                    return Err(ShellError::Unproved { place, rule, acts }.into());
                }
                if !answer.sw.is_ok() {
                    return Err(TerminalError::CardRefused { command: "READ RECORD", sw: answer.sw });
                }
                let held = tlv::items(&answer.data).find_map(|item| item.ok().filter(|item| item.tag == tag));
                let held = held.map_or(&[][..], |item| item.value);
                spliced(row, held, inner, &bytes).ok_or_else(|| {
                    usage(
                        "卡上该组合数据的结构与卡片描述不同，未作改动；用 cat --hex 查看",
                        "the composite on the card has another shape than the profile says; nothing was written, see it with cat --hex",
                    )
                })?
            }
        };
        let record = tlv::encode(tag, &value);
        let read = command::read_record(ef.sfi(), number, le(record.len()));
        self.write(place, ef, &command::update_record(ef.sfi(), number, &record), (&read, &record))
    }

    /// A new record of a cyclic file, as its bytes.
    fn append(&mut self, (df, ef): (&str, &Ef), place: Place, text: &str) -> Result<(), TerminalError> {
        let wrong = |source| ShellError::Value { place: place.clone(), source };
        let bytes = hex::decode(text.replace(' ', "")).map_err(|_| wrong(codec::EncodeError::NotHex))?;
        let length = ef.record_length();
        if bytes.len() != length {
            return Err(ShellError::Usage(Words::of(
                format!("{place} 的记录有 {length} 字节，给出了 {} 字节", bytes.len()),
                format!("a record of {place} has {length} bytes, {} were given", bytes.len()),
            ))
            .into());
        }
        self.go_to(df)?;
        let read = command::read_record(ef.sfi(), Record::Number(1), le(length));
        let write = Command::new(0x00, 0xDC, 0x00, ef.sfi() << 3 | 3).with_data(bytes.clone());
        self.write(place, ef, &write, (&read, &bytes))
    }

    /// Selects the directory of a file, unless it is; what was proved there stays.
    fn go_to(&mut self, df: &str) -> Result<(), TerminalError> {
        let index = self.profile.df.iter().position(|other| other.id == df);
        if let Some(index) = index.filter(|index| self.directory != Some(*index) || self.strayed) {
            self.select(index)?;
            self.directory = Some(index);
        }
        Ok(())
    }

    fn write(
        &mut self,
        place: Place,
        ef: &Ef,
        write: &Command,
        (read, bytes): (&Command, &[u8]),
    ) -> Result<(), TerminalError> {
        let (rule, acts): (_, Vec<String>) = (ef.update.to_string(), acts(&ef.update).collect());
        let sw = self.session.send(write)?.sw;
        if sw == StatusWord::SECURITY_STATUS && !acts.is_empty() {
            return Err(ShellError::Unproved { place, rule, acts }.into());
        }
        if !sw.is_ok() {
            return Err(TerminalError::CardRefused { command: "UPDATE RECORD", sw });
        }
        let back = self.session.send(read)?;
        match back.sw {
            sw if sw.is_ok() && back.data != bytes => Err(ShellError::ReadBack(place).into()),
            // A file that is not open to reading cannot be compared; the card said that it was written.
            _ => Ok(()),
        }
    }
}

/// Commands of the shell that prove what a condition names.
fn acts(access: &Access) -> impl Iterator<Item = String> {
    access.rights().iter().map(|right| match right {
        Right::Pin => "verify".to_owned(),
        Right::Key(key) => format!("auth {key}"),
    })
}

fn encoded(row: &Element, place: &Place, text: &str) -> Result<Vec<u8>, TerminalError> {
    let value = match row.format.kind {
        FormatKind::CnAmount | FormatKind::BAmount => codec::Value::Number(text.parse().map_err(|_| {
            usage("金额以分为单位，写成整数：12.34 元写 1234", "an amount is a whole number of fen: 12.34 yuan is 1234")
        })?),
        FormatKind::BSequence => text.parse().map_or_else(|_| text.into(), codec::Value::Number),
        _ => text.into(),
    };
    let place = place.clone();
    codec::encode_item(row, &value).map_err(|source| ShellError::Value { place, source }.into())
}

/// A composite value with one inner item replaced; one that was never filled begins with empty items. `None`: the card's has another
/// shape.
fn spliced(row: &Element, held: &[u8], inner: &Element, bytes: &[u8]) -> Option<Vec<u8>> {
    let blank = codec::blank(row);
    let held = if held.iter().all(|byte| matches!(byte, 0x00 | 0xFF)) { &blank } else { held };
    let items = tlv::items(held).collect::<Result<Vec<_>, _>>().ok()?;
    let is_of_row = items.len() == row.inner.len()
        && items
            .iter()
            .zip(&row.inner)
            .all(|(item, row)| Some(item.tag) == row.tag && item.value.len() == usize::from(row.format.length));
    let value = |row: &Element, held| if row.id == inner.id { bytes } else { held };
    let items = items.iter().zip(&row.inner);
    is_of_row.then(|| items.flat_map(|(item, row)| tlv::encode(item.tag, value(row, item.value))).collect())
}

fn le(length: usize) -> u16 {
    u16::try_from(length).unwrap_or_default()
}

fn usage(zh: &'static str, en: &'static str) -> TerminalError {
    ShellError::Usage(Words::new(zh, en)).into()
}
