//! What a difference is about: the key or PIN that one of two sides holds otherwise.
//!
//! Owns: which key a move proves, and which of two keys an answer betrays. Never: judges an answer, knows a key byte.
#![warn(clippy::indexing_slicing)]

use card_core::StatusWord;
use card_core::script::Step;
use card_core::security::KeyRef;

use super::answer::Reply;
use super::{Act, Move, Start};

/// INS of VERIFY.
const VERIFY: u8 = 0x20;

/// What card and terminal hold otherwise: a key by name, `DPK v2` for a later version, or `PIN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Culprit(pub String);

/// `None` where the answer says nothing of a key or PIN.
pub(super) fn culprit(done: &Move, start: &Start, reply: &Reply) -> Option<Box<Culprit>> {
    match &done.act {
        Act::Do(Step::Send(command)) if command.is_secret() && command.ins == VERIFY => Some("PIN".to_owned()),
        act => key(act, start, reply).map(called),
    }
    .map(|name| Box::new(Culprit(name)))
}

/// A key as people call it.
fn called(key: &KeyRef) -> String {
    if key.version > 1 { format!("{} v{}", key.name, key.version) } else { key.name.to_string() }
}

fn key<'a>(act: &'a Act, start: &Start, reply: &Reply) -> Option<&'a KeyRef> {
    let mac_refused = matches!(reply.sw, StatusWord::MAC_WRONG | StatusWord::SECURE_MESSAGING_WRONG);
    match act {
        Act::Do(
            Step::Authenticate { key, .. }
            | Step::AuthenticateByTwo { key, .. }
            | Step::CheckCard { key, .. }
            | Step::AuthenticateWhole { key, .. },
        )
        | Act::Authenticate { key, .. }
        | Act::Internal { key, .. }
        | Act::Encipher { key, .. }
        | Act::ReloadPin { key, .. } => Some(key),
        Act::Do(Step::Secure(command)) | Act::Secure { command, .. } => Some(&command.key),
        Act::Do(Step::ReplaceHashed(hashed)) => Some(&hashed.key),
        Act::Do(Step::LoadKey(load)) => Some(&load.protecting),
        Act::Write { mac, .. } => mac.as_ref().map(|sealing| &sealing.key),
        Act::Begin(deal) => {
            let pair = start.mac1.zip(reply.computed.first());
            pair.is_some_and(|(mac, computed)| computed.as_slice() != mac).then_some(&deal.key)
        }
        Act::Complete { deal, wrong } => {
            let first = reply.data.first_chunk::<4>().zip(reply.computed.first());
            let tac_differs = deal.tac.is_some() && first.is_some_and(|(mac, computed)| computed.as_slice() != mac);
            match reply.sw.is_ok() {
                true if tac_differs && !wrong => Some(&deal.tac_key),
                done => (done || mac_refused).then_some(&deal.key),
            }
        }
        Act::Exhaust(deal) => mac_refused.then_some(&deal.key),
        Act::Credit { deal, .. } => Some(&deal.key),
        Act::AtPsam(act) => Some(&act.deal.key),
        Act::Reset
        | Act::Challenge(_)
        | Act::Prove { .. }
        | Act::Certificate(_)
        | Act::Lacking(_)
        | Act::Do(Step::Send(_) | Step::Fetch { .. } | Step::VerifyHashed { .. }) => None,
    }
}
