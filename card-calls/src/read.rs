//! Items of files (通用读).
//!
//! Source: file addresses and output of the driver interface; conditions and places are rows of the profile.
//! Owns: which proofs a call makes, the order of the values. Never: half an answer: a file that cannot be read fails the call.

use card_core::StatusWord;
use card_core::security::KeyName;
use card_counter::TerminalError;
use card_counter::read::{self as files, Keys};
use card_counter::tap::Tapped;
use card_profiles::place::Place;
use card_profiles::profile::{Ef, EfKind, Element};

use crate::calls::Calls;
use crate::failure::Failure;
use crate::function::Arguments;
use crate::output;
use crate::prove::{self, wanted};
use crate::settings::Settings;
use crate::text::{FileAddress, addresses};
use crate::value;
use crate::visit::{Next, Step, Visit};

/// `iAuthType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proofs {
    /// None.
    None,
    /// The PIN.
    Pin,
    /// Keys, and the PIN where a file wants both.
    Keys,
}

impl Proofs {
    /// Of the conventional number.
    pub(crate) fn of(number: i32) -> Result<Self, Failure> {
        match number {
            0 => Ok(Self::None),
            1 => Ok(Self::Pin),
            2 => Ok(Self::Keys),
            _ => Err(Failure::Argument { name: "iAuthType", expected: "0, 1 or 2" }),
        }
    }
}

/// `iReadCard`.
pub(crate) fn read(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Result<Vec<String>, Failure> {
    let proofs = Proofs::of(given.number("iAuthType")?)?;
    let addresses = addresses(given.text("pFileAddr")?)?;
    calls.with_card(settings, given.number("iType")?, |visit| {
        visit.is_meant(given.optional("pCardInfo")?)?;
        Ok(vec![proved(visit, &addresses, proofs, settings.out_bytes)?])
    })
}

/// The items, with what the caller wants proved.
pub(crate) fn proved(
    visit: &mut Visit<'_>,
    addresses: &[FileAddress],
    proofs: Proofs,
    room: usize,
) -> Result<String, Failure> {
    let (pin, keys) = needed(&visit.tapped, addresses, proofs != Proofs::Keys)?;
    if pin && proofs != Proofs::None {
        visit.pin()?;
    }
    // What the caller does not want proved the card would not give out.
    if !keys.is_empty() && proofs != Proofs::Keys {
        let sw = StatusWord::SECURITY_STATUS;
        return Err(TerminalError::CardRefused { command: "READ RECORD", sw }.into());
    }
    if keys.is_empty() {
        return contents(&mut visit.tapped, addresses, Keys::default(), room);
    }
    let mut psam = visit.psam()?;
    let means = Keys { psam: Some(&mut psam), consent: visit.settings.last_try };
    let answer = contents(&mut visit.tapped, addresses, means, room);
    answer.map_err(|error| visit.blame(&mut psam, error))
}

/// `iReadCard_HSM_Step1`.
pub(crate) fn step1(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Result<Vec<String>, Failure> {
    let address = given.text("pFileAddr")?.to_owned();
    let files = addresses(&address)?;
    let mut needless = None;
    let answer = calls.with_card(settings, given.number("iType")?, |visit| {
        visit.is_meant(given.optional("pCardInfo")?)?;
        let (pin, keys) = needed(&visit.tapped, &files, false)?;
        let asked = asked(visit, pin, &keys)?;
        let question = asked.as_ref().map(|asked| prove::question(&visit.tapped, asked)).transpose()?;
        if question.is_none() {
            needless = Some(Failure::NoHsmNeeded(address.clone()));
        }
        visit.keep = Some(Next::Step2(Step::Read { address, asked }));
        Ok(question.into_iter().collect())
    })?;
    // The card is kept all the same: the second step may be called at once.
    needless.map_or(Ok(answer), Err)
}

/// `iReadCard_HSM_Step2`.
pub(crate) fn step2(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Result<Vec<String>, Failure> {
    let (mut held, (address, asked)) = calls.next_step(|next| match next {
        Next::Step2(Step::Read { address, asked }) => Some((address.clone(), asked.clone())),
        _ => None,
    })?;
    let answer = (|| {
        if let Some(asked) = &asked {
            prove::answered(&mut held.tapped, asked, given.text("pKey")?, settings.last_try)?;
        }
        Ok(vec![contents(&mut held.tapped, &addresses(&address)?, Keys::default(), settings.out_bytes)?])
    })();
    calls.learn(held);
    answer
}

/// The PIN first, since the proof must follow its challenges; then what the HSM is asked.
pub(crate) fn asked(visit: &mut Visit<'_>, pin: bool, keys: &[KeyName]) -> Result<Option<prove::Asked>, Failure> {
    if pin {
        visit.pin()?;
    }
    match keys {
        [] => Ok(None),
        [key] => Ok(Some(prove::ask(&mut visit.tapped, key)?)),
        _ => Err(Failure::Argument { name: "pFileAddr", expected: "files that one key opens" }),
    }
}

/// Whether the PIN is needed, and which keys.
fn needed(tapped: &Tapped<'_>, addresses: &[FileAddress], prefers_pin: bool) -> Result<(bool, Vec<KeyName>), Failure> {
    let (mut pin, mut keys) = (false, Vec::new());
    for address in addresses {
        let ef = file(tapped, address)?;
        let (of_file, of_keys) = wanted(&ef.read, prefers_pin)?;
        pin |= of_file;
        for key in of_keys {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    Ok((pin, keys))
}

/// The row of a file; its items must be there too.
pub(crate) fn file<'p>(tapped: &Tapped<'p>, address: &FileAddress) -> Result<&'p Ef, Failure> {
    let FileAddress { df, ef, items, .. } = address;
    let row = tapped.profile.ef(df, ef).ok_or_else(|| Failure::NoSuchItem(format!("{df}{ef}")))?;
    for item in items {
        element(row, address, *item)?;
    }
    Ok(row)
}

/// The row of an item, and its place among the rows.
pub(crate) fn element<'p>(
    ef: &'p Ef,
    address: &FileAddress,
    item: crate::text::ItemAddress,
) -> Result<(usize, &'p Element), Failure> {
    let rows = ef.elements.iter().enumerate().filter(|(_, row)| row.tag == Some(item.tag));
    let found = rows.clone().nth(usize::from(item.instance) - 1);
    found.ok_or_else(|| {
        Failure::NoSuchItem(format!("{}{} {:02X}:{:02}", address.df, address.ef, item.tag, item.instance))
    })
}

/// `value|value|$value|…$`; of cyclic files that are read whole, the newest records that fit into `room`.
fn contents(
    tapped: &mut Tapped<'static>,
    addresses: &[FileAddress],
    keys: Keys<'_>,
    room: usize,
) -> Result<String, Failure> {
    let mut names: Vec<(&str, &str)> = Vec::new();
    for address in addresses {
        let name = (address.df.as_str(), address.ef.as_str());
        // What every tap reads is there.
        if name != ("SSSE", "EF05") && !names.contains(&name) {
            names.push(name);
        }
    }
    let read = files::files(tapped, &names, keys);
    if let Some(error) = read.lost.or_else(|| read.unread.into_iter().next().map(|file| file.error)) {
        return Err(error.into());
    }
    let mut files = addresses
        .iter()
        .map(|address| Ok((of_file(tapped, address)?, file(tapped, address)?.kind == EfKind::Cyclic)))
        .collect::<Result<Vec<(Vec<String>, bool)>, Failure>>()?;
    let written = |files: &[(Vec<String>, bool)]| -> String {
        files.iter().map(|(values, _)| output::fields(values.iter().map(String::as_str)) + "$").collect()
    };
    let mut text = written(&files);
    while output::gbk(&text).len() + 1 > room {
        // The oldest record of the file that has most; where there is none to leave out, the caller is told that it does not fit.
        let longest = files.iter_mut().filter(|(values, is_cyclic)| *is_cyclic && values.len() > 1);
        match longest.max_by_key(|(values, _)| values.len()) {
            Some((values, _)) => drop(values.pop()),
            None => break,
        }
        text = written(&files);
    }
    Ok(text)
}

/// The values of a file, in the order asked for; records the newest first.
fn of_file(tapped: &Tapped<'_>, address: &FileAddress) -> Result<Vec<String>, Failure> {
    let ef = file(tapped, address)?;
    let values = &tapped.reading().values;
    let place = Place::file(&address.df, &address.ef);
    Ok(match ef.kind {
        EfKind::Cyclic => {
            let there = |number: &u8| values.iter().any(|(at, _)| is_record(at, &place, *number));
            let numbers: Vec<u8> = match address.record {
                Some(number) if there(&number) => vec![number],
                Some(number) => return Err(Failure::NoSuchItem(format!("{}{}:{number:02}", address.df, address.ef))),
                None => (1..=ef.records).filter(there).collect(),
            };
            numbers.into_iter().map(|number| value::record(values, &place.clone().record(number), ef)).collect()
        }
        EfKind::Transparent if ef.elements.is_empty() => {
            vec![values.at(&place).and_then(|value| value.as_text()).unwrap_or_default().to_owned()]
        }
        _ if address.items.is_empty() => {
            ef.elements.iter().map(|row| value::shown(values, &place.clone().item(&row.id), row)).collect()
        }
        _ => {
            let shown = |item: &crate::text::ItemAddress| {
                let (_, row) = element(ef, address, *item)?;
                Ok(value::shown(values, &place.clone().item(&row.id), row))
            };
            address.items.iter().map(shown).collect::<Result<_, Failure>>()?
        }
    })
}

fn is_record(at: &Place, file: &Place, number: u8) -> bool {
    at.df() == file.df() && at.ef() == file.ef() && at.record == Some(number)
}
