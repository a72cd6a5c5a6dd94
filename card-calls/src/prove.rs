//! Proving a key to the card: with a PSAM at hand, or with what an HSM far away computed.
//!
//! Source: EXTERNAL AUTHENTICATION; HSM flow: the first challenge is 原始信息, the second 过程因子; result and data are sent back.
//! Owns: what the HSM is asked, what its answer becomes. Never: tries a key again unasked that the card refused.

use card_core::StatusWord;
use card_core::script::{Step, TwoChallenges};
use card_core::security::psam::Psam;
use card_core::security::{KeyName, SecurityModule};
use card_core::tries::Secret;
use card_counter::TerminalError;
use card_counter::certificate::with_tries_of;
use card_counter::remote;
use card_counter::tap::Tapped;
use card_profiles::Profile;
use card_profiles::access::{Access, Right};
use card_profiles::profile::KeyRow;

use crate::failure::Failure;
use crate::text::hex_fields;
use crate::visit::Visit;

/// A key that an HSM is asked to prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) key: KeyName,
    pub(crate) challenges: TwoChallenges,
}

/// What a condition asks for: the PIN, and keys. Of an "or" the PIN where `prefers_pin`, else the first key.
pub(crate) fn wanted(access: &Access, prefers_pin: bool) -> Result<(bool, Vec<KeyName>), Failure> {
    let keys = |rights: &[Right]| -> Vec<KeyName> {
        let key = |right: &Right| match right {
            Right::Key(name) => Some(name.clone()),
            Right::Pin => None,
        };
        rights.iter().filter_map(key).collect()
    };
    match access {
        Access::Free => Ok((false, Vec::new())),
        Access::Never | Access::Mac(_) => {
            Err(TerminalError::CardRefused { command: "ACCESS", sw: StatusWord::SECURITY_STATUS }.into())
        }
        Access::All(rights) => Ok((rights.contains(&Right::Pin), keys(rights))),
        Access::Any(rights) => {
            let first = keys(rights).into_iter().next();
            let pin = rights.contains(&Right::Pin) && (prefers_pin || first.is_none());
            Ok((pin, if pin { Vec::new() } else { first.into_iter().collect() }))
        }
    }
}

/// The row of a key of the card's profile.
pub(crate) fn row<'p>(tapped: &Tapped<'p>, name: &KeyName) -> Result<&'p KeyRow, Failure> {
    Ok(remote::row(tapped, name)?)
}

/// Proves a key with the PSAM; its directory is selected.
pub(crate) fn by_psam(visit: &mut Visit<'_>, psam: &mut Psam, name: &KeyName) -> Result<(), Failure> {
    let consent = visit.settings.last_try;
    by_module(&mut visit.tapped, psam, name, consent).map_err(|error| visit.blame(psam, error))
}

fn by_module(
    tapped: &mut Tapped<'static>,
    module: &mut dyn SecurityModule,
    name: &KeyName,
    consent: bool,
) -> Result<(), Failure> {
    let row = row(tapped, name)?;
    let step = Step::Authenticate { key: tapped.key(row), id: row.id };
    with_tries_of(&Secret::Key(name.clone()), tapped, consent, |tapped| {
        let sw = tapped.session.perform(&step, Some(module))?.sw;
        remote::judged(name, sw)
    })?;
    tapped.proved(Right::Key(name.clone()));
    Ok(())
}

/// Two challenges for the HSM; the key's directory is selected, and the next command must be the proof.
pub(crate) fn ask(tapped: &mut Tapped<'static>, name: &KeyName) -> Result<Asked, Failure> {
    Ok(Asked { key: name.clone(), challenges: remote::challenges(tapped, name)? })
}

/// `算法标识|密钥地址|过程因子|原始信息|`.
pub(crate) fn question(tapped: &Tapped<'_>, asked: &Asked) -> Result<String, Failure> {
    let row = row(tapped, &asked.key)?;
    let address = row.hsm.first().map(String::as_str).unwrap_or_default();
    Ok(format!(
        "{}|{address}|{}|{}|",
        algorithm(tapped),
        hex::encode_upper(asked.challenges.factor),
        hex::encode_upper(asked.challenges.plain)
    ))
}

/// 算法标识: `01` DES/3DES, `03` SM4.
pub(crate) fn algorithm(tapped: &Tapped<'_>) -> String {
    algorithm_of(tapped.profile)
}

/// The algorithm of a profile's keys as outputs name it.
pub(crate) fn algorithm_of(profile: &Profile) -> String {
    format!("{:02X}", profile.algorithm.id().0)
}

/// EXTERNAL AUTHENTICATION with `外部认证结果8||数据8` of the HSM.
pub(crate) fn answer(tapped: &mut Tapped<'static>, asked: &Asked, result: &[u8], consent: bool) -> Result<(), Failure> {
    let wrong = Failure::Argument { name: "pKey", expected: "result(16 hex) and data(16 hex)" };
    let blocks = result.split_first_chunk::<8>().and_then(|(auth, rest)| Some((*auth, rest.try_into().ok()?)));
    Ok(remote::prove(tapped, &asked.key, blocks.ok_or(wrong)?, consent)?)
}

/// The one proof of `pKey`.
pub(crate) fn answered(tapped: &mut Tapped<'static>, asked: &Asked, key: &str, consent: bool) -> Result<(), Failure> {
    let result = hex_fields("pKey", key, &[16])?.into_iter().next().unwrap_or_default();
    answer(tapped, asked, &result, consent)
}
