//! The eleven basic fields of a card (读基本信息).
//!
//! Source: output string that three driver programs share; SSSE EF05 is free to read, EF06 needs RKSSSE on a 3.x card. Step 1 has
//! nine fields; the card's own proof is kept and compared with the HSM's in step 2.
//! Owns: the order of the fields and where each comes from. Never: refuses what an issuer may choose (serial, check character of 卡号).

use card_core::script::TwoChallenges;
use card_core::security::SecurityModule;
use card_counter::read::basic_fields;
use card_counter::remote;
use card_counter::tap::{Ask, Tapped};

use crate::calls::Calls;
use crate::failure::Failure;
use crate::function::Arguments;
use crate::output;
use crate::prove::{self, Asked};
use crate::settings::Settings;
use crate::text::hex_fields;
use crate::visit::{Held, Next, Step, card_number};

/// 终端机编号 without a PSAM.
const NO_TERMINAL: [u8; 6] = [0; 6];

/// `iReadCardBas`.
pub(crate) fn read(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Result<Vec<String>, Failure> {
    calls.with_card_asking(Ask::Basic, settings, given.number("iType")?, |visit| {
        let terminal = if visit.tapped.holder_needs_key() {
            let mut psam = visit.psam()?;
            let read = holder(&mut visit.tapped, Some(&mut psam), settings.last_try);
            read.map_err(|error| visit.blame(&mut psam, error))?;
            psam.terminal_number()
        } else {
            // A card that needs no proof is read without PSAM: a fault of the PSAM is no matter of this card.
            let terminal = visit.terminal_number();
            holder(&mut visit.tapped, None, false)?;
            terminal.unwrap_or(NO_TERMINAL)
        };
        Ok(vec![fields(&visit.tapped, terminal, settings)?])
    })
}

/// `iReadCardBas_HSM_Step1`.
pub(crate) fn step1(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Result<Vec<String>, Failure> {
    calls.with_card(settings, given.number("iType")?, |visit| {
        let terminal = visit.terminal_number().unwrap_or(NO_TERMINAL);
        let (challenges, own) = remote::own_proof(&mut visit.tapped)?;
        let asked = remote::holder_key(&visit.tapped).map(|key| prove::ask(&mut visit.tapped, &key)).transpose()?;
        let pair = |pair: Option<TwoChallenges>| {
            pair.map_or_else(Default::default, |two| (hex::encode_upper(two.factor), hex::encode_upper(two.plain)))
        };
        let (internal, external) = (pair(Some(challenges)), pair(asked.as_ref().map(|asked| asked.challenges)));
        let tapped = &visit.tapped;
        let identifier = tapped.identifier.to_string();
        let answer = output::fields([
            tapped.city.as_str(),
            &tapped.reset_information()?,
            &prove::algorithm(tapped),
            &identifier,
            &internal.0,
            &internal.1,
            &external.0,
            &external.1,
            &hex::encode_upper(terminal),
        ]);
        visit.keep = Some(Next::Step2(Step::Basic { own, challenges, asked, terminal }));
        Ok(vec![answer])
    })
}

/// `iReadCardBas_HSM_Step2`.
pub(crate) fn step2(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Result<Vec<String>, Failure> {
    let (mut held, (own, asked, terminal)) = calls.next_step(|next| match next {
        Next::Step2(Step::Basic { own, asked, terminal, .. }) => Some((*own, asked.clone(), *terminal)),
        _ => None,
    })?;
    let key = given.text("pKey")?;
    let answer = finish(&mut held, own, asked.as_ref(), key, terminal, settings);
    calls.learn(held);
    answer
}

fn finish(
    held: &mut Held,
    own: [u8; 8],
    asked: Option<&Asked>,
    key: &str,
    terminal: [u8; 6],
    settings: &Settings,
) -> Result<Vec<String>, Failure> {
    let parts = hex_fields("pKey", key, if asked.is_some() { &[16, 16] } else { &[16] })?;
    if parts.first().and_then(|part| part.first_chunk::<8>()) != Some(&own) {
        return Err(Failure::NotGenuine);
    }
    if let (Some(asked), Some(result)) = (asked, parts.get(1)) {
        prove::answer(&mut held.tapped, asked, result, settings.last_try)?;
    }
    holder(&mut held.tapped, None, false)?;
    Ok(vec![fields(&held.tapped, terminal, settings)?])
}

/// Reads the holder's file. `consent`: a key that the card refused before may be tried.
///
/// # Errors
/// Why it is closed, or that the card does not answer.
pub fn holder(tapped: &mut Tapped<'_>, module: Option<&mut dyn SecurityModule>, consent: bool) -> Result<(), Failure> {
    let read = basic_fields(tapped, module, consent);
    match read.lost.or_else(|| read.unread.into_iter().next().map(|file| file.error)) {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

/// The fields, in their order.
///
/// # Errors
/// That the card's answer to reset has a wrong form.
pub fn fields(tapped: &Tapped<'_>, terminal: [u8; 6], settings: &Settings) -> Result<String, Failure> {
    let values = &tapped.reading().values;
    let text = |place: &str| values.text(place).unwrap_or_default().to_owned();
    Ok(output::fields([
        tapped.city.as_str(),
        &text("SSSE.EF06.social_security_number"),
        &card_number(tapped),
        &tapped.identifier.to_string(),
        &(text("SSSE.EF06.name") + &text("SSSE.EF06.name_extension")),
        &tapped.reset_information()?,
        &tapped.version,
        &text("SSSE.EF05.issue_date"),
        &text("SSSE.EF05.valid_until"),
        &hex::encode_upper(terminal),
        &settings.device,
    ]))
}
