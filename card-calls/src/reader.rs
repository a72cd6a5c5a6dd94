//! What cards and readers are, and what another application on the card says.
//!
//! Source: vendor functions seen in single drivers; bank account: `00A4040008A000000333010101`, `00B2011400` (`00B2011C00`), tag 5A.
//! Assumed: the parameters of those whose lists are not published.
//! Owns: these calls. Never: proves anything.

use std::time::Duration;

use card_core::command;
use card_core::transport::pcsc::Interface;
use card_counter::TerminalError;
use card_counter::language::Words;
use card_desk::{Desk, Setup};

use crate::calls::Calls;
use crate::failure::Failure;
use crate::function::Arguments;
use crate::output;
use crate::profiles;
use crate::prove::algorithm;
use crate::public::ANY;
use crate::settings::Settings;
use crate::visit::Visit;

/// What a social security card is called.
const SOCIAL_SECURITY: &str = "3";

/// The bank application, and the places of its account.
const BANK: [u8; 8] = [0xA0, 0x00, 0x00, 0x03, 0x33, 0x01, 0x01, 0x01];
const BANK_SFI: [u8; 2] = [2, 3];

/// Tag of the account number.
const ACCOUNT: u8 = 0x5A;

type Outputs = Result<Vec<String>, Failure>;

/// `iGetCardType`: `规范版本|算法标识|卡的类别|`.
pub(crate) fn card_type(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    calls.with_card(settings, given.number("iType")?, |visit| {
        let tapped = &visit.tapped;
        Ok(vec![output::fields([tapped.version.as_str(), &algorithm(tapped), tapped.issuer_item("card_class")])])
    })
}

/// `iCheckCard`.
pub(crate) fn check(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    calls.with_card(settings, given.number("iType")?, |_| Ok(vec![output::fields([SOCIAL_SECURITY])]))
}

/// `iGetReaderInfo`: 终端设备号, 终端机编号.
pub(crate) fn reader_info(calls: &mut Calls, settings: &Settings, _given: &Arguments<'_>) -> Outputs {
    calls.drop_held();
    let (card, psam) = (settings.reader.as_deref(), settings.psam.as_deref());
    let setup = Setup { card, psam, interface: Interface::default(), wait: Duration::ZERO };
    let number =
        Desk::open(setup, profiles::of_site(&settings.regions)?)?.any_psam()?.map(|psam| psam.terminal_number());
    let number = number.ok_or(TerminalError::PsamMissing { readers: Vec::new() })?;
    Ok(vec![settings.device.clone(), hex::encode_upper(number)])
}

/// `iReadICCardNum`.
pub(crate) fn bank_number(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    calls.with_card(settings, given.number("iType")?, |visit| Ok(vec![output::fields([account_of(visit)?.as_str()])]))
}

/// `ReadICCardNum`: ICType 1 contact, 2 contactless, anything else either.
pub(crate) fn bank_card(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    let interface = Some(given.number("ICType")?).filter(|number| matches!(number, 1 | 2)).unwrap_or(ANY);
    calls.with_card(settings, interface, |visit| Ok(vec![account_of(visit)?, String::new()]))
}

/// `iReadPBOCAccount`.
pub(crate) fn bank_account(calls: &mut Calls, settings: &Settings, _: &Arguments<'_>) -> Outputs {
    calls.with_card(settings, ANY, |visit| Ok(vec![account_of(visit)?, String::new()]))
}

/// `iReadUid`.
pub(crate) fn uid(_: &mut Calls, settings: &Settings, _: &Arguments<'_>) -> Outputs {
    match settings.device.as_str() {
        "" => Err(Failure::Unsupported { why: Words::new("未设置 SSCARD_DEVICE", "SSCARD_DEVICE is not set") }),
        device => Ok(vec![device.to_owned(), String::new()]),
    }
}

/// The account number of the bank application.
pub(crate) fn account_of(visit: &mut Visit<'_>) -> Result<String, Failure> {
    // Another application is selected: nothing that was proved is left.
    visit.keep = None;
    let session = &mut visit.tapped.session;
    let refused = |command, sw| Failure::from(TerminalError::CardRefused { command, sw });
    let sw = session.send(&command::select_by_name(&BANK))?.sw;
    if !sw.is_ok() {
        return Err(refused("SELECT", sw));
    }
    let mut last = sw;
    for sfi in BANK_SFI {
        let answer = session.send(&command::read_record(sfi, command::Record::Number(1), 0))?;
        last = answer.sw;
        if let Some(number) = account(&answer.data) {
            return Ok(number);
        }
    }
    Err(if last.is_ok() {
        TerminalError::CardAnswer { command: "READ RECORD" }.into()
    } else {
        refused("READ RECORD", last)
    })
}

/// The account number of a record template: BCD, padded with F.
fn account(record: &[u8]) -> Option<String> {
    let body = match record {
        [0x70, length, body @ ..] if usize::from(*length) == body.len() => body,
        [0x70, 0x81, length, body @ ..] if usize::from(*length) == body.len() => body,
        _ => return None,
    };
    let found = body.windows(2).position(|window| window.first() == Some(&ACCOUNT))?;
    let length = usize::from(*body.get(found + 1)?);
    let digits = hex::encode(body.get(found + 2..found + 2 + length)?);
    let digits = digits.trim_end_matches('f');
    (!digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())).then(|| digits.to_owned())
}

/// What needs a device that no reader here is.
pub(crate) fn unsupported(_calls: &mut Calls, _settings: &Settings, _given: &Arguments<'_>) -> Outputs {
    Err(Failure::Unsupported {
        why: Words::new("没有身份证阅读机具", "there is no reader for identity cards")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_number_is_found_in_its_record() {
        let record = hex::decode("70105A0A6217000000000000019F5F24032912").expect("hex");
        assert_eq!(account(&record), None, "the template says another length");
        let record = hex::decode("70125A0A6217000000000000019F5F2403291231").expect("hex");
        assert_eq!(account(&record).as_deref(), Some("6217000000000000019"));
        assert_eq!(account(&[]), None);
    }
}
