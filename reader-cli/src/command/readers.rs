//! `readers`: which readers there are, and what is in them.
//!
//! Owns: the list's look. Never: chooses.

use card_core::identify::Kind;
use card_desk::Listed;

use super::Setting;
use crate::exit::Exit;
use crate::page::{Page, Value};
use card_counter::error::TerminalError;
use card_counter::language::Words;

/// Lists the readers.
pub(super) fn list(setting: &Setting<'_>) -> Result<Exit, TerminalError> {
    let mut desk = setting.desk()?;
    let listed = desk.list()?;
    let mut page = Page::new();
    if listed.is_empty() {
        page = page.noted("NO_READER", Words::new("没有连接读卡器", "no reader is attached"));
    }
    let rows = listed.into_iter().enumerate().map(|(index, listed)| row(index, listed)).collect();
    setting.output.answer(&page.with("readers", Words::new("读卡器", "readers"), Value::Table(rows)))?;
    Ok(Exit::Ok)
}

fn row(index: usize, Listed { info, kind, error }: Listed) -> Page {
    let kind = match (kind, error.map(TerminalError::from)) {
        (Some(Kind::User), _) => Value::Choice("user", Words::new("社会保障卡", "social security card")),
        (Some(Kind::Psam), _) => Value::Choice("psam", Words::new("PSAM", "PSAM")),
        (Some(Kind::Other), _) => Value::Choice("other", Words::new("其他卡", "another card")),
        (None, Some(error)) => Value::Choice(error.code().as_str(), error.what()),
        (None, None) => Value::Absent,
    };
    Page::new()
        .with("index", Words::new("序号", "index"), Value::count(index))
        .with("name", Words::new("名称", "name"), Value::text(&info.name))
        .with("card_present", Words::new("有卡", "card"), Value::Flag(info.atr.is_some()))
        .with("atr", Words::new("复位应答", "ATR"), Value::maybe(info.atr.as_ref().map(hex::encode_upper)))
        .with("kind", Words::new("卡", "kind"), kind)
}
