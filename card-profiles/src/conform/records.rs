//! Record presence (记录存在性): every record of a row is there with its tag and length, and there are no others.

use card_core::StatusWord;
use card_core::command::{self, Record};

use super::workshop::{Draft, Workshop, sw};
use super::{Area, Expect, Text};
use crate::profile::{Df, Ef, EfKind};

const AREA: Area = Area::Records;
/// Most bytes of one answer.
const ANSWER_MAX: usize = 256;

pub(super) fn cases(shop: &mut Workshop<'_>) {
    for df in &shop.profile.df {
        for ef in &df.ef {
            match ef.kind {
                EfKind::TlvRecords => tagged(shop, df, ef),
                EfKind::Cyclic => cyclic(shop, df, ef),
                EfKind::Transparent => transparent(shop, df, ef),
            }
        }
    }
}

/// A case that reads a file; `None` where nothing opens it.
fn reading(shop: &Workshop<'_>, df: &Df, ef: &Ef, what: &str, zh: &str, en: &str) -> Option<Draft> {
    let way = shop.way(&ef.read)?;
    let place = format!("{}.{}", df.id, ef.id);
    let title = Text::new(format!("{} {place}：{zh}", ef.name), format!("{place}: {en}"));
    Some(shop.draft(AREA, &place, what, title).with(shop.fresh(df)).with(shop.proofs(&way)))
}

fn tagged(shop: &mut Workshop<'_>, df: &Df, ef: &Ef) {
    let lengths: Vec<usize> = ef.elements.iter().map(|row| usize::from(row.format.length) + 2).collect();
    let zh = format!("{} 条记录按记录号读出，标识与长度正确", ef.elements.len());
    let en = format!("{} records are there by number, with their tags and lengths", ef.elements.len());
    if let Some(mut draft) = reading(shop, df, ef, "by-number", &zh, &en) {
        for (number, row) in (1..=u8::MAX).zip(&ef.elements) {
            let command = command::read_record(ef.sfi(), Record::Number(number), u16::from(row.format.length) + 2);
            draft = draft.send(command, [Expect::Record(row.tag.unwrap_or_default(), row.format.length)]);
        }
        shop.add(draft);
    }
    if let Some(mut draft) =
        reading(shop, df, ef, "by-tag", "每个标识读出其首条记录", "each tag reads its first record")
    {
        for (index, row) in ef.elements.iter().enumerate() {
            let Some(tag) = row.tag.filter(|tag| ef.elements.iter().take(index).all(|other| other.tag != Some(*tag)))
            else {
                continue;
            };
            let command = command::read_record(ef.sfi(), Record::Tag(tag), u16::from(row.format.length) + 2);
            draft = draft.send(command, [Expect::Record(tag, row.format.length)]);
        }
        shop.add(draft);
    }
    let whole: usize = lengths.iter().sum();
    if whole <= ANSWER_MAX
        && let Some(draft) =
            reading(shop, df, ef, "together", "一条命令读出全部记录", "one command reads all records together")
    {
        let le = u16::try_from(whole).unwrap_or_default();
        shop.add(draft.send(command::read_record(ef.sfi(), Record::AllFrom(1), le), [Expect::Length(whole)]));
    }
    let past = u8::try_from(ef.elements.len() + 1).unwrap_or(u8::MAX);
    end(shop, df, ef, past);
}

fn cyclic(shop: &mut Workshop<'_>, df: &Df, ef: &Ef) {
    let length = ef.record_length();
    let zh = format!("循环文件的记录为 {length} 字节，或尚无记录");
    let en = format!("a record of the cyclic file has {length} bytes, or there is none yet");
    if let Some(draft) = reading(shop, df, ef, "by-number", &zh, &en) {
        let le = u16::try_from(length).unwrap_or(u16::MAX);
        let command = command::read_record(ef.sfi(), Record::Number(1), le);
        shop.add(draft.send(command, [Expect::RecordOrNone(length)]));
    }
    end(shop, df, ef, ef.records.saturating_add(1));
}

fn end(shop: &mut Workshop<'_>, df: &Df, ef: &Ef, past: u8) {
    let (zh, en) = (format!("不存在第 {past} 条记录"), format!("there is no record {past}"));
    if let Some(draft) = reading(shop, df, ef, "end", &zh, &en) {
        let command = command::read_record(ef.sfi(), Record::Number(past), 0);
        shop.add(draft.send(command, [sw(&[StatusWord::RECORD_NOT_FOUND])]));
    }
}

fn transparent(shop: &mut Workshop<'_>, df: &Df, ef: &Ef) {
    let (zh, en) = (format!("文件恰为 {} 字节", ef.size), format!("the file has {} bytes and no more", ef.size));
    if let Some(draft) = reading(shop, df, ef, "size", &zh, &en) {
        // A file of 32 KiB or more has no offset for its end.
        let (last, past) = (ef.size.saturating_sub(1).min(0x7FFF), ef.size.min(0x7FFF));
        let draft = draft
            .send(command::read_binary_sfi(ef.sfi(), 0, 1), [Expect::Length(1)])
            .send(command::read_binary(last, 1), [Expect::Length(1)]);
        let beyond = [StatusWord::WRONG_OFFSET, StatusWord::WRONG_P1P2];
        shop.add(draft.send(command::read_binary(past, 1), [sw(&beyond)]));
    }
}
