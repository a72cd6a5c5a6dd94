//! What an HSM would answer, made of rehearsal keys: a whole flow of steps without a machine room.
//!
//! Source: HSM flow of the driver interface; vendors do this part with a local PSAM.
//! Owns: the answer to each step for the card that is held. Never: takes a key file that is not marked REHEARSAL; keeps a key.

use card_core::apdu::Protocol;
use card_core::pin::PinBcd;
use card_core::script::TwoChallenges;
use card_core::secure::SecureCommand;
use card_core::security::{KeyName, KeyRef, MacKey, SecurityModule};
use card_counter::TerminalError;
use card_counter::language::Words;
use card_counter::tap::Tapped;
use card_profiles::account::{MacFields, purchase_seed};
use card_profiles::key_file::{GivenKeys, KeyFileError};
use card_profiles::own_keys::OwnKeys;
use card_profiles::profile::KeyClass;
use zeroize::Zeroizing;

use crate::calls::Calls;
use crate::failure::Failure;
use crate::function::Arguments;
use crate::prove::Asked;
use crate::settings::Settings;
use crate::text::fields;
use crate::visit::{Next, Step};

type Outputs = Result<Vec<String>, Failure>;

/// `iReadCardBas_HSM_Step1To2`.
pub(crate) fn basic(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    let held = calls.held.as_ref().ok_or(Failure::NoStep("Step1"))?;
    let Next::Step2(Step::Basic { challenges, asked, .. }) = &held.next else { return Err(Failure::NoStep("Step1")) };
    let shown = hex::encode_upper(challenges.factor);
    is_of_step(given, &shown)?;
    let mut keys = keys(settings, &held.tapped)?;
    let irk = of_class(&held.tapped, KeyClass::Irk)?;
    let mut text = cryptogram(&mut keys, &irk, *challenges)? + "|";
    if let Some(asked) = asked {
        text = text + &answer(&held.tapped, &mut keys, asked)? + "|";
    }
    Ok(vec![text])
}

/// `…_HSM_Step1To2` of the functions that prove one key.
pub(crate) fn proof(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    let held = calls.held.as_ref().ok_or(Failure::NoStep("Step1"))?;
    let asked = match &held.next {
        Next::Step2(Step::Read { asked: Some(asked), .. } | Step::Write { asked: Some(asked), .. }) => asked,
        Next::Step2(Step::Reload { asked } | Step::Unblock { asked }) => asked,
        _ => return Err(Failure::NoStep("Step1")),
    };
    is_of_step(given, &hex::encode_upper(asked.challenges.factor))?;
    let mut keys = keys(settings, &held.tapped)?;
    Ok(vec![answer(&held.tapped, &mut keys, asked)? + "|"])
}

/// `…_HSM_Step2To3`: the whole command for step 3.
pub(crate) fn command(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    let held = calls.held.as_ref().ok_or(Failure::NoStep("Step2"))?;
    let text = given.text("pStepInfo")?;
    let wrong = || Failure::Argument { name: "pStepInfo", expected: "what step 2 answered" };
    let fields = fields(text);
    let [_, _, random, _, digits] = fields.as_slice() else { return Err(wrong()) };
    let random = hex::decode(random).ok().and_then(|bytes| <[u8; 8]>::try_from(bytes).ok()).ok_or_else(wrong)?;
    let stk = of_class(&held.tapped, KeyClass::Stk)?;
    let secure = match &held.next {
        Next::Step3(Step::Reload { .. }) => SecureCommand::reload_pin(stk, PinBcd::parse(digits).ok_or_else(wrong)?),
        Next::Step3(Step::Unblock { .. }) => SecureCommand::unblock_pin(stk),
        _ => return Err(Failure::NoStep("Step2")),
    };
    let command = secure.command(&mut keys(settings, &held.tapped)?, random)?;
    Ok(vec![hex::encode_upper(command.encode(Protocol::T0)) + "|"])
}

/// `iDoDebit_HSM_Step1To2`: `"0000"+seq|日期时间|MAC1|`.
pub(crate) fn debit(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    let held = calls.held.as_ref().ok_or(Failure::NoStep("Step1"))?;
    let (Next::Step2(Step::Debit), Some(begun)) = (&held.next, &held.debit) else {
        return Err(Failure::NoStep("Step1"));
    };
    let offer = begun.offer();
    is_of_step(given, &hex::encode_upper(offer.start.random))?;
    let rules = held.tapped.account()?;
    let wrong = || Failure::Argument { name: "pStepInfo", expected: "what step 1 answered" };
    let terminal = fields(given.text("pStepInfo")?).get(6).and_then(|text| hex::decode(text).ok());
    let terminal = terminal.and_then(|bytes| <[u8; 6]>::try_from(bytes).ok()).ok_or_else(wrong)?;
    // The published page numbers a purchase as the card does: 0000 and its sequence.
    let sequence = u32::from(offer.start.card_sequence);
    let input = MacFields {
        amounts: offer.amounts,
        transaction_type: rules.purchase_type,
        terminal,
        terminal_sequence: sequence,
        card_sequence: offer.start.card_sequence,
        date_time: offer.date_time.to_bcd(),
        ..MacFields::default()
    };
    let message = input.input(&rules.mac.purchase_mac1);
    let seed = purchase_seed(offer.start.random, offer.start.card_sequence, sequence);
    let key = named(&held.tapped, &rules.purchase_key)?;
    let mac = keys(settings, &held.tapped)?.mac(&key, MacKey::Session(seed), [0; 8], &message)?;
    let date_time = offer.date_time;
    Ok(vec![format!("{sequence:08X}|{date_time}|{}|", hex::encode_upper(mac))])
}

/// Whether the text is what the step before answered.
fn is_of_step(given: &Arguments<'_>, shown: &str) -> Result<(), Failure> {
    let text = given.text("pStepInfo")?;
    let wrong = Failure::Argument { name: "pStepInfo", expected: "what the step before answered" };
    if fields(text).contains(&shown) { Ok(()) } else { Err(wrong) }
}

/// The rehearsal keys of this card.
fn keys(settings: &Settings, tapped: &Tapped<'_>) -> Result<OwnKeys, Failure> {
    let path = settings
        .hsm_keys
        .as_deref()
        .ok_or(Failure::Unsupported { why: Words::new("未设置 SSCARD_HSM_KEYS", "SSCARD_HSM_KEYS is not set") })?;
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map(Zeroizing::new);
    let bytes = bytes.map_err(|source| TerminalError::File { path: name.clone(), source })?;
    let wrong = |source: KeyFileError| TerminalError::KeyFile { path: name.clone(), source };
    let given = GivenKeys::parse_bytes(&bytes).map_err(wrong)?;
    Ok(OwnKeys::of(&given, tapped.profile, tapped.card_factor().0).map_err(wrong)?)
}

fn of_class(tapped: &Tapped<'_>, class: KeyClass) -> Result<KeyRef, Failure> {
    let missing = || TerminalError::ApplicationMissing { df: "SSSE".to_owned() };
    Ok(tapped.key(tapped.profile.key_of_class("SSSE", class).ok_or_else(missing)?))
}

fn named(tapped: &Tapped<'_>, name: &KeyName) -> Result<KeyRef, Failure> {
    Ok(tapped.key(crate::prove::row(tapped, name)?))
}

fn answer(tapped: &Tapped<'_>, keys: &mut OwnKeys, asked: &Asked) -> Result<String, Failure> {
    cryptogram(keys, &named(tapped, &asked.key)?, asked.challenges)
}

/// `result8 || data8`.
fn cryptogram(keys: &mut OwnKeys, key: &KeyRef, challenges: TwoChallenges) -> Result<String, Failure> {
    let result = keys.authentication_cryptogram(key, challenges.factor, challenges.plain)?;
    Ok(hex::encode_upper(result) + &hex::encode_upper(challenges.plain))
}
