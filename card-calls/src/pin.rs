//! The holder's PIN: verified, changed, put anew, unblocked.
//!
//! Source: PIN functions of the driver interface; steps of the HSM flow: the proof of PUK, then one command under a MAC of STK.
//! Owns: which PIN is asked for when, what each step answers. Never: shows a PIN, but in step 2 of iReloadPIN, whose output has it.

use card_core::pin::PinBcd;
use card_core::{Command, StatusWord};
use card_counter::TerminalError;
use card_counter::secret::Pin;
use card_counter::{order, pin};
use card_profiles::profile::KeyClass;
use settlement::pin::{CommandBytes, PinAct};

use crate::calls::Calls;
use crate::code::Code;
use crate::entry::{Prompt, ask, ask_new};
use crate::failure::Failure;
use crate::function::Arguments;
use crate::prove::{self, Asked};
use crate::public::ANY;
use crate::refused::Giver;
use crate::settings::Settings;
use crate::text::fields;
use crate::visit::{HOLDER, Next, Step};

const SSSE: &str = "SSSE";

type Outputs = Result<Vec<String>, Failure>;

/// `iVerifyPIN`.
pub(crate) fn verify(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    verify_with(calls, settings, given, Giver::Holder, || ask(settings, Prompt::Verify))
}

/// `iPKBVerifyPIN`.
pub(crate) fn verify_given(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    verify_with(calls, settings, given, Giver::Program, || Ok(Pin::parse(given.text("pPin")?)?))
}

/// `SD_VerifyPin`: return value, status word.
pub(crate) fn sd_verify(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    given.number("ReaderHandle")?;
    let pin = Pin::parse(given.text("PIN")?)?;
    let done = calls.with_card(settings, ANY, |visit| {
        visit.verify(Giver::Program, &pin)?;
        visit.keep = Some(Next::Any);
        Ok(())
    });
    let sw = match &done {
        Ok(()) => StatusWord::OK,
        Err(Failure::Counter(TerminalError::PinWrong { left }) | Failure::PinAsBefore { left }) => {
            StatusWord::tries_left(*left)
        }
        Err(Failure::Counter(TerminalError::PinBlocked)) => StatusWord::BLOCKED,
        Err(_) => return done.map(|()| Vec::new()),
    };
    let code = done.map_or_else(|failure| failure.code(), |()| Code::OK);
    Ok(vec![code.0.to_string(), sw.0.to_string()])
}

fn verify_with(
    calls: &mut Calls,
    settings: &Settings,
    given: &Arguments<'_>,
    giver: Giver,
    digits: impl FnOnce() -> Result<Pin, Failure>,
) -> Outputs {
    calls.with_card(settings, given.number("iType")?, |visit| {
        visit.verify(giver, &digits()?)?;
        visit.keep = Some(Next::Any);
        Ok(vec![String::new()])
    })
}

/// `iChangePIN`.
pub(crate) fn change(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    change_with(calls, settings, given, Giver::Holder, || Ok((ask(settings, Prompt::Old)?, ask_new(settings)?)))
}

/// `iPKBChangePIN`.
pub(crate) fn change_given(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    change_with(calls, settings, given, Giver::Program, || {
        Ok((Pin::parse(given.text("pOldPin")?)?, Pin::parse(given.text("pNewPin")?)?))
    })
}

fn change_with(
    calls: &mut Calls,
    settings: &Settings,
    given: &Arguments<'_>,
    giver: Giver,
    digits: impl FnOnce() -> Result<(Pin, Pin), Failure>,
) -> Outputs {
    calls.with_card(settings, given.number("iType")?, |visit| {
        let (old, new) = digits()?;
        visit.keep = None;
        visit.with_pin(HOLDER, (giver, &old), |visit, consent| pin::change(&mut visit.tapped, &old, &new, consent))?;
        Ok(vec![String::new()])
    })
}

/// `iReloadPIN`.
pub(crate) fn reload(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    with_psam(calls, settings, given, || ask_new(settings).map(|new| Some(new.as_bcd())))
}

/// `iUnblockPIN`.
pub(crate) fn unblock(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    with_psam(calls, settings, given, || Ok(None))
}

fn with_psam(
    calls: &mut Calls,
    settings: &Settings,
    given: &Arguments<'_>,
    new: impl FnOnce() -> Result<Option<PinBcd>, Failure>,
) -> Outputs {
    calls.with_card(settings, given.number("iType")?, |visit| {
        visit.is_meant(given.optional("pCardInfo")?)?;
        visit.keep = None;
        let mut psam = visit.psam()?;
        let done = order::with_keys(&mut visit.tapped, new()?, &mut psam, settings.last_try);
        done.map_err(|error| visit.blame(&mut psam, error.into()))?;
        Ok(vec![String::new()])
    })
}

/// `iReloadPIN_HSM_Step1`.
pub(crate) fn reload_step1(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    step1(calls, settings, given, |asked| Step::Reload { asked })
}

/// `iUnblockPIN_HSM_Step1`.
pub(crate) fn unblock_step1(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    step1(calls, settings, given, |asked| Step::Unblock { asked })
}

fn step1(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>, step: fn(Asked) -> Step) -> Outputs {
    calls.with_card(settings, given.number("iType")?, |visit| {
        visit.is_meant(given.optional("pCardInfo")?)?;
        let missing = || TerminalError::ApplicationMissing { df: SSSE.to_owned() };
        let puk = visit.tapped.profile.key_of_class(SSSE, KeyClass::Puk).ok_or_else(missing)?.name.clone();
        let asked = prove::ask(&mut visit.tapped, &puk)?;
        let question = prove::question(&visit.tapped, &asked)?;
        visit.keep = Some(Next::Step2(step(asked)));
        Ok(vec![question])
    })
}

/// `iReloadPIN_HSM_Step2`.
pub(crate) fn reload_step2(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    step2(calls, settings, given, PinAct::Reset)
}

/// `iUnblockPIN_HSM_Step2`.
pub(crate) fn unblock_step2(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    step2(calls, settings, given, PinAct::Unblock)
}

/// `算法标识|0173|card random|APDU header|PIN|`.
fn step2(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>, act: PinAct) -> Outputs {
    let (mut held, step) = calls.next_step(|next| match (next, act) {
        (Next::Step2(step @ Step::Reload { .. }), PinAct::Reset) => Some(step.clone()),
        (Next::Step2(step @ Step::Unblock { .. }), PinAct::Unblock) => Some(step.clone()),
        _ => None,
    })?;
    let (Step::Reload { asked } | Step::Unblock { asked }) = &step else { return Err(Failure::NoStep("Step1")) };
    let answer = (|| {
        // Typed before the challenges are used up.
        let digits = match act {
            PinAct::Reset => ask_new(settings)?.digits(),
            PinAct::Unblock => String::new().into(),
        };
        prove::answered(&mut held.tapped, asked, given.text("pKey")?, settings.last_try)?;
        let missing = || TerminalError::ApplicationMissing { df: SSSE.to_owned() };
        let stk = held.tapped.profile.key_of_class(SSSE, KeyClass::Stk).ok_or_else(missing)?;
        let address = stk.hsm.first().map(String::as_str).unwrap_or_default();
        let header = match act {
            PinAct::Reset => hex::encode_upper(act.header()),
            PinAct::Unblock => format!("{}04", hex::encode_upper(act.header())),
        };
        let random = hex::encode_upper(held.tapped.session.challenge()?);
        let digits: &str = &digits;
        Ok(vec![format!("{}|{address}|{random}|{header}|{digits}|", prove::algorithm(&held.tapped))])
    })();
    match answer.is_ok() {
        true => calls.keep(settings, held, Next::Step3(step)),
        false => calls.learn(held),
    }
    answer
}

/// `iReloadPIN_HSM_Step3`.
pub(crate) fn reload_step3(calls: &mut Calls, _settings: &Settings, given: &Arguments<'_>) -> Outputs {
    step3(calls, given, PinAct::Reset)
}

/// `iUnblockPIN_HSM_Step3`.
pub(crate) fn unblock_step3(calls: &mut Calls, _settings: &Settings, given: &Arguments<'_>) -> Outputs {
    step3(calls, given, PinAct::Unblock)
}

fn step3(calls: &mut Calls, given: &Arguments<'_>, act: PinAct) -> Outputs {
    let (mut held, ()) = calls.next_step(|next| match (next, act) {
        (Next::Step3(Step::Reload { .. }), PinAct::Reset) | (Next::Step3(Step::Unblock { .. }), PinAct::Unblock) => {
            Some(())
        }
        _ => None,
    })?;
    let answer = (|| {
        let command = whole_command(given.text("pKey")?, act)?;
        let sw = order::obey(&mut held.tapped, act, &CommandBytes::of(&command))?;
        match sw.is_ok() {
            true => Ok(vec![String::new()]),
            false => Err(TerminalError::CardRefused { command: "PIN CHANGE/UNBLOCK", sw }.into()),
        }
    })();
    calls.learn(held);
    answer
}

/// The command that the HSM made: the header of its act, its length right.
fn whole_command(text: &str, act: PinAct) -> Result<Command, Failure> {
    let wrong = || Failure::Argument { name: "pKey", expected: "the whole command in hex" };
    let field = fields(text).first().copied().unwrap_or_default();
    let bytes = hex::decode(field).map_err(|_| wrong())?;
    let (head, rest) = bytes.split_first_chunk::<4>().ok_or_else(wrong)?;
    let (length, data) = rest.split_first().ok_or_else(wrong)?;
    if *head != act.header() || usize::from(*length) != data.len() || data.is_empty() {
        return Err(wrong());
    }
    let [cla, ins, p1, p2] = *head;
    Ok(Command::new(cla, ins, p1, p2).with_data(data).secret())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_command_of_its_act_is_sent() {
        let reload = "842400010CF1ACD2CC81993D9211CDCD81";
        assert!(whole_command(reload, PinAct::Reset).is_ok());
        assert!(whole_command(&format!("{reload}|"), PinAct::Reset).is_ok());
        for wrong in ["", "84240001", "842400010CF1ACD2CC81993D9211CDCD", "00B0000004AABBCCDD", "842400010"] {
            assert!(whole_command(wrong, PinAct::Reset).is_err(), "{wrong}");
        }
        assert!(whole_command(reload, PinAct::Unblock).is_err());
    }
}
