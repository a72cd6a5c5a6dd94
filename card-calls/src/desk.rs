//! The reader interface of SSSE32 over the desk's own readers: power, status, commands of the caller.
//!
//! Source: header of SSSE32 as several vendors ship it: a handle, slots 0x01 (card) and 0x11 (first PSAM), lengths as return values.
//! Owns: the sessions between power and close. Never: sends a command unless the site allows raw ones; shares a card with a function of
//! this library: that one lets it go.

use std::collections::BTreeMap;
use std::time::Duration;

use card_core::transport::pcsc::{Interface, Readers};
use card_core::{Command, Session};
use card_desk::{Desk, Setup};

use crate::calls::Calls;
use crate::failure::Failure;
use crate::function::Arguments;
use crate::output;
use crate::profiles;
use crate::settings::Settings;

/// The one handle.
const OPEN: i32 = 1;

/// Slot of the user card.
const CARD: i32 = 0x01;
/// Slot of the first PSAM.
const PSAM: i32 = 0x11;

/// What a handle stands for.
#[derive(Debug, Default)]
pub(crate) struct Powered(BTreeMap<i32, (String, Session)>);

impl Powered {
    /// Lets all cards go.
    pub(crate) fn let_go(&mut self) {
        self.0.clear();
    }
}

type Outputs = Result<Vec<String>, Failure>;

/// `ICC_Reader_Open`.
pub(crate) fn open(calls: &mut Calls, _: &Settings, given: &Arguments<'_>) -> Outputs {
    let name = given.text("dev_Name")?.to_ascii_uppercase();
    let is_port = |kind: &str| {
        name.strip_prefix(kind).is_some_and(|n| n.len() == 1 && n != "0" && n.bytes().all(|b| b.is_ascii_digit()))
    };
    if name != "AUTO" && !is_port("USB") && !is_port("COM") {
        return Err(Failure::Argument { name: "dev_Name", expected: "AUTO, USB1 to USB9 or COM1 to COM9" });
    }
    calls.drop_held();
    Readers::establish()?;
    Ok(vec![OPEN.to_string()])
}

/// `ICC_Reader_Close`.
pub(crate) fn close(calls: &mut Calls, _: &Settings, given: &Arguments<'_>) -> Outputs {
    handle(given)?;
    calls.drop_held();
    Ok(Vec::new())
}

/// `ICC_Reader_pre_PowerOn`: length, answer to reset.
pub(crate) fn power_on(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    handle(given)?;
    let slot = slot(given)?;
    calls.release();
    calls.powered.0.remove(&slot);
    let session = powered(calls, settings, slot, Interface::default())?;
    let atr = session.atr()?;
    Ok(vec![atr.bytes().len().to_string(), hex::encode_upper(atr.bytes())])
}

/// `ICC_Reader_GetStatus`.
pub(crate) fn status(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    handle(given)?;
    let slot = slot(given)?;
    if let Some((name, _)) = calls.powered.0.get(&slot) {
        let is_there = |reader: &card_core::transport::pcsc::ReaderInfo| reader.name == *name && reader.atr.is_some();
        if Readers::establish()?.list()?.iter().any(is_there) {
            return Ok(Vec::new());
        }
        calls.powered.0.remove(&slot);
    }
    let _ = met(settings, slot, Interface::default())?;
    Err(Failure::NoPower)
}

/// `ICC_Reader_Application`: length, answer with its status word.
pub(crate) fn apply(calls: &mut Calls, _: &Settings, given: &Arguments<'_>) -> Outputs {
    handle(given)?;
    let slot = slot(given)?;
    let command = command("Command_APDU", &given.bytes("Command_APDU")?)?;
    let (_, session) = calls.powered.0.get_mut(&slot).ok_or(Failure::NoPower)?;
    let answer = sent(session, &command)?;
    Ok(vec![(answer.len() / 2).to_string(), answer])
}

/// `iSendCpuApdu`: the card keeps its power until another function is called.
pub(crate) fn send(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    let number = given.number("iType")?;
    let interface = Interface::of_type(number).ok_or(Failure::CardInterface(number))?;
    let command = command("pApdu", &given.bytes("pApdu")?)?;
    calls.release();
    let session = match calls.powered.0.contains_key(&CARD) {
        true => &mut calls.powered.0.get_mut(&CARD).ok_or(Failure::NoPower)?.1,
        false => powered(calls, settings, CARD, interface)?,
    };
    let sent = sent(session, &command);
    if sent.is_err() {
        calls.powered.0.remove(&CARD);
    }
    Ok(vec![output::fields([sent?.as_str()])])
}

fn powered<'c>(
    calls: &'c mut Calls,
    settings: &Settings,
    slot: i32,
    interface: Interface,
) -> Result<&'c mut Session, Failure> {
    let (reader, mut session) = met(settings, slot, interface)?;
    // It was perhaps asked what it is.
    session.reset()?;
    calls.powered.0.remove(&slot);
    Ok(&mut calls.powered.0.entry(slot).or_insert((reader, session)).1)
}

fn met(settings: &Settings, slot: i32, interface: Interface) -> Result<(String, Session), Failure> {
    let (card, psam) = (settings.reader.as_deref(), settings.psam.as_deref());
    let card = if slot == PSAM { psam } else { card };
    let catalog = profiles::of_site(&settings.regions)?;
    let mut desk = Desk::open(Setup { card, psam, interface, wait: Duration::ZERO }, catalog)?;
    let held = if slot == PSAM { desk.psam_as_card()? } else { desk.card()? };
    Ok((held.reader, held.session))
}

/// Answer and status word in hex. What a caller sends may be a PIN.
fn sent(session: &mut Session, command: &Command) -> Result<String, Failure> {
    let answer = session.send(command)?;
    Ok(hex::encode_upper([&answer.data[..], &answer.sw.0.to_be_bytes()].concat()))
}

fn handle(given: &Arguments<'_>) -> Result<(), Failure> {
    match given.number("ReaderHandle")? {
        OPEN => Ok(()),
        _ => Err(Failure::Argument { name: "ReaderHandle", expected: "what ICC_Reader_Open answered" }),
    }
}

fn slot(given: &Arguments<'_>) -> Result<i32, Failure> {
    match given.number("ICC_Slot_No")? {
        slot @ (CARD | PSAM) => Ok(slot),
        _ => Err(Failure::Argument { name: "ICC_Slot_No", expected: "0x01 or 0x11" }),
    }
}

/// A short command: header, then nothing, Le, Lc and data, or both.
fn command(name: &'static str, bytes: &[u8]) -> Result<Command, Failure> {
    let wrong = || Failure::Argument { name, expected: "a short command of 4 to 261 bytes" };
    let (header, rest) = bytes.split_first_chunk::<4>().ok_or_else(wrong)?;
    let bare = || Command::carrying(*header, &[]).ok_or_else(wrong);
    let command = match rest {
        [] => bare()?,
        [le] => bare()?.with_le(u16::from(*le)),
        [lc, rest @ ..] if usize::from(*lc) == rest.len() => Command::carrying(*header, rest).ok_or_else(wrong)?,
        [lc, rest @ .., le] if usize::from(*lc) == rest.len() && *lc > 0 => {
            Command::carrying(*header, rest).ok_or_else(wrong)?.with_le(u16::from(*le))
        }
        _ => return Err(wrong()),
    };
    Ok(command.secret())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_commands_of_all_four_cases_are_taken_and_nothing_else() {
        for (text, data, le) in [
            ("00840000", 0, None),
            ("0084000008", 0, Some(8)),
            ("00A40000023F00", 2, None),
            ("00A40000023F0000", 2, Some(256)),
        ] {
            let bytes = hex::decode(text).expect("hex");
            let command = command("Command_APDU", &bytes).expect(text);
            assert_eq!((command.data().len(), command.le(), command.is_secret()), (data, le, true), "{text}");
        }
        for text in ["", "008400", "00A40000033F00", "00A40000013F0000", "00A4000000023F00"] {
            assert!(command("Command_APDU", &hex::decode(text).expect("hex")).is_err(), "{text}");
        }
    }
}
