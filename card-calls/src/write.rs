//! Writing items of one file (通用写).
//!
//! Source: UPDATE RECORD by number of tagged files, `00 DC 00 03` of cyclic ones, UPDATE BINARY of transparent ones.
//! Owns: that every value fits before the card is touched, the proof, that what was written is read back where it may be.
//! Never: writes two files in a call; repeats a write.

use card_core::command::{self, Record};
use card_core::{Command, Response};
use card_counter::TerminalError;
use card_counter::tap::Tapped;
use card_profiles::place::Place;
use card_profiles::profile::EfKind;

use crate::calls::Calls;
use crate::failure::Failure;
use crate::function::Arguments;
use crate::prove::{self, wanted};
use crate::read::{asked, element, file};
use crate::settings::Settings;
use crate::text::{FileAddress, addresses, values};
use crate::value;
use crate::visit::{Next, Step};

/// Bytes of one UPDATE BINARY.
const PART: usize = 0xFA;

/// One write, and the read that shows it.
struct Write {
    place: Place,
    write: Command,
    back: Option<(Command, Vec<u8>)>,
}

/// `iWriteCard`.
pub(crate) fn write(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Result<Vec<String>, Failure> {
    let address = one(given.text("pFileAddr")?)?;
    let data = given.text("pWriteData")?;
    calls.with_card(settings, given.number("iType")?, |visit| {
        visit.is_meant(given.optional("pCardInfo")?)?;
        let writes = writes(&visit.tapped, &address, data)?;
        let (pin, keys) = wanted(&file(&visit.tapped, &address)?.update, false)?;
        if pin {
            visit.pin()?;
        }
        if !keys.is_empty() {
            let mut psam = visit.psam()?;
            visit.tapped.select(&address.df)?;
            for key in &keys {
                prove::by_psam(visit, &mut psam, key)?;
            }
        }
        visit.tapped.select(&address.df)?;
        carry_out(&mut visit.tapped, &writes)?;
        Ok(vec![String::new()])
    })
}

/// `iWriteCard_HSM_Step1`.
pub(crate) fn step1(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Result<Vec<String>, Failure> {
    let text = given.text("pFileAddr")?.to_owned();
    let address = one(&text)?;
    let mut needless = None;
    let answer = calls.with_card(settings, given.number("iType")?, |visit| {
        visit.is_meant(given.optional("pCardInfo")?)?;
        let (pin, keys) = wanted(&file(&visit.tapped, &address)?.update, false)?;
        let asked = asked(visit, pin, &keys)?;
        let question = asked.as_ref().map(|asked| prove::question(&visit.tapped, asked)).transpose()?;
        if question.is_none() {
            needless = Some(Failure::NoHsmNeeded(text.clone()));
        }
        visit.keep = Some(Next::Step2(Step::Write { address: text, asked }));
        Ok(question.into_iter().collect())
    })?;
    needless.map_or(Ok(answer), Err)
}

/// `iWriteCard_HSM_Step2`.
pub(crate) fn step2(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Result<Vec<String>, Failure> {
    let (mut held, (address, asked)) = calls.next_step(|next| match next {
        Next::Step2(Step::Write { address, asked }) => Some((address.clone(), asked.clone())),
        _ => None,
    })?;
    let answer = (|| {
        let address = one(&address)?;
        let writes = writes(&held.tapped, &address, given.text("pWriteData")?)?;
        if let Some(asked) = &asked {
            prove::answered(&mut held.tapped, asked, given.text("pKey")?, settings.last_try)?;
        }
        held.tapped.select(&address.df)?;
        carry_out(&mut held.tapped, &writes)?;
        Ok(vec![String::new()])
    })();
    calls.learn(held);
    answer
}

/// One file a call.
fn one(text: &str) -> Result<FileAddress, Failure> {
    match <[FileAddress; 1]>::try_from(addresses(text)?) {
        Ok([address]) => Ok(address),
        Err(_) => Err(Failure::Argument { name: "pFileAddr", expected: "one file" }),
    }
}

/// The writes of all values, every one of which fits.
fn writes(tapped: &Tapped<'_>, address: &FileAddress, data: &str) -> Result<Vec<Write>, Failure> {
    let ef = file(tapped, address)?;
    let given = values(data, address)?;
    let place = Place::file(&address.df, &address.ef);
    match (ef.kind, given.as_slice()) {
        (EfKind::Cyclic, [record]) => {
            let bytes = value::record_bytes(&place, ef, record)?;
            let back = command::read_record(ef.sfi(), Record::Number(1), le(&bytes));
            // UPDATE RECORD of the previous one: the oldest becomes the newest.
            let write = Command::new(0x00, 0xDC, 0x00, ef.sfi() << 3 | 3).with_data(bytes.clone());
            Ok(vec![Write { place, write, back: Some((back, bytes)) }])
        }
        (EfKind::Transparent, [text]) => {
            let wrong =
                || Failure::Value { item: place.to_string(), source: card_profiles::codec::EncodeError::NotHex };
            let bytes = hex::decode(text).map_err(|_| wrong())?;
            if bytes.is_empty() || bytes.len() > usize::from(ef.size) {
                return Err(Failure::Count { values: bytes.len(), items: usize::from(ef.size) });
            }
            let parts = (0..=u16::MAX).step_by(PART).zip(bytes.chunks(PART));
            let write = |(offset, part): (u16, &[u8])| {
                let write = match offset {
                    0 => command::update_binary_sfi(ef.sfi(), 0, part),
                    _ => command::update_binary(offset, part),
                };
                Write { place: place.clone(), write, back: None }
            };
            Ok(parts.map(write).collect())
        }
        (EfKind::TlvRecords, texts) => {
            let rows: Vec<_> = match address.items.as_slice() {
                [] => ef.elements.iter().enumerate().collect(),
                items => items.iter().map(|item| element(ef, address, *item)).collect::<Result<_, _>>()?,
            };
            if rows.len() != texts.len() {
                return Err(Failure::Count { values: texts.len(), items: rows.len() });
            }
            rows.into_iter().zip(texts).map(|((at, row), text)| record(&place, ef.sfi(), at, row, text)).collect()
        }
        (EfKind::Cyclic | EfKind::Transparent, texts) => Err(Failure::Count { values: texts.len(), items: 1 }),
    }
}

fn record(
    file: &Place,
    sfi: u8,
    at: usize,
    row: &card_profiles::profile::Element,
    text: &str,
) -> Result<Write, Failure> {
    let place = file.clone().item(&row.id);
    let bytes = value::bytes(&place, row, text)?;
    let record = card_core::tlv::encode(row.tag.unwrap_or_default(), &bytes);
    let number = Record::Number(u8::try_from(at + 1).unwrap_or(u8::MAX));
    let write = command::update_record(sfi, number, &record);
    let back = command::read_record(sfi, number, le(&record));
    Ok(Write { place, write, back: Some((back, record)) })
}

fn le(bytes: &[u8]) -> u16 {
    u16::try_from(bytes.len()).unwrap_or_default()
}

fn carry_out(tapped: &mut Tapped<'static>, writes: &[Write]) -> Result<(), Failure> {
    for Write { place, write, back } in writes {
        let sw = tapped.session.send(write)?.sw;
        if !sw.is_ok() {
            return Err(TerminalError::CardRefused { command: "UPDATE", sw }.into());
        }
        let Some((read, bytes)) = back else { continue };
        // A file that is not open to reading cannot be compared; the card said that it was written.
        let Response { data, sw } = tapped.session.send(read)?;
        if sw.is_ok() && data != *bytes {
            return Err(Failure::NotAsWritten(place.to_string()));
        }
    }
    Ok(())
}
