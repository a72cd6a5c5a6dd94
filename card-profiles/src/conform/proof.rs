//! What a move asks the card to believe: a PIN, or a key by a cryptogram or a MAC. A card that refuses counts, and blocks in
//! the end: what it refused once though it should be right is not tried again.
//!
//! Owns: which moves prove what, which answers refuse a proof. Never: judges a case, sends.

use card_core::StatusWord;
use card_core::script::Step;
use card_core::security::KeyRef;

use super::{Act, Bench, CertificateWhat, Expect, Move, Need, PsamWhat, Use};

/// INS of VERIFY.
const VERIFY: u8 = 0x20;

/// What a move proves, where it is made to be right; `None` where it is wrong on purpose, or proves nothing.
#[must_use]
pub fn proof(done: &Move, bench: &Bench) -> Option<Need> {
    if done.expect.iter().any(|expect| matches!(expect, Expect::Status(_) | Expect::Refused)) {
        return None;
    }
    let key = |key: &KeyRef, usage| Some(Need::Key(key.clone(), usage));
    match &done.act {
        Act::Do(Step::Send(command)) => {
            let own = bench.means.pin.as_deref() == Some(command.data());
            (command.is_secret() && command.ins == VERIFY && own).then_some(Need::Pin)
        }
        Act::Certificate(act) => match &act.what {
            CertificateWhat::Verify { role, pin, .. } => {
                let own = bench.certificate_pins.of(*role).is_some_and(|own| own.expose() == pin.expose());
                own.then_some(Need::CertificatePin(*role))
            }
            CertificateWhat::SetUp { .. }
            | CertificateWhat::Generate
            | CertificateWhat::PublicKey { .. }
            | CertificateWhat::Sign
            | CertificateWhat::Certificate { .. }
            | CertificateWhat::Open { .. }
            | CertificateWhat::Install { .. } => None,
        },
        Act::Do(Step::Authenticate { key: used, .. } | Step::AuthenticateByTwo { key: used, .. })
        | Act::Authenticate { key: used, wrong: false, other_version: false, .. } => key(used, Use::Authenticate),
        Act::Do(Step::AuthenticateWhole { key: used, .. }) => key(used, Use::Block),
        Act::Do(Step::Secure(command)) | Act::Secure { command, wrong: false } => key(&command.key, Use::MessageMac),
        Act::Do(Step::ReplaceHashed(hashed)) => key(&hashed.key, Use::WholeMac),
        Act::Do(Step::LoadKey(load)) => key(&load.protecting, Use::WholeMac),
        Act::ReloadPin { key: used, wrong: false, .. } => key(used, Use::Tac),
        Act::Write { mac: Some(sealing), .. } if !sealing.wrong => key(&sealing.key, Use::WholeMac),
        Act::Complete { deal, wrong: false } | Act::Credit { deal, wrong: false } | Act::Exhaust(deal) => {
            key(&deal.key, Use::TransactionMac)
        }
        Act::AtPsam(act) => match act.what {
            PsamWhat::Debit { wrong: false } | PsamWhat::Check => key(&act.deal.key, Use::Purchase),
            PsamWhat::Start | PsamWhat::Debit { wrong: true } => None,
        },
        Act::Lacking(_)
        | Act::Authenticate { .. }
        | Act::Secure { wrong: true, .. }
        | Act::ReloadPin { wrong: true, .. }
        | Act::Write { .. }
        | Act::Complete { wrong: true, .. }
        | Act::Credit { wrong: true, .. }
        | Act::Reset
        | Act::Challenge(_)
        | Act::Internal { .. }
        | Act::Begin(_)
        | Act::Prove { .. }
        | Act::Encipher { .. }
        | Act::Do(Step::Fetch { .. } | Step::CheckCard { .. } | Step::VerifyHashed { .. }) => None,
    }
}

/// Whether an answer refuses a proof: a try may be spent.
#[must_use]
pub fn refuses(sw: StatusWord) -> bool {
    let known = [
        StatusWord::BLOCKED,
        StatusWord::MAC_WRONG,
        StatusWord::SECURE_MESSAGING_WRONG,
        StatusWord::APPLICATION_LOCKED,
    ];
    sw.tries().is_some() || known.contains(&sw)
}

impl Need {
    /// Whether both are the same secret, whatever it is used for.
    #[must_use]
    pub fn is_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Key(key, _), Self::Key(other, _)) => key == other,
            (one, other) => one == other,
        }
    }
}
