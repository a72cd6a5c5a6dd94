//! Acts on the certificate application.
//!
//! Owns: their order on the wire, what is missing on a card that was never taken into use. Never: judges an answer.

use card_core::StatusWord;
use card_core::apdu::Response;
use card_core::security::SecurityError;
use card_profiles::certificate::Role;
use card_profiles::conform::{CertificateAct, CertificateWhat, Memory, Text, WhichPair};

use super::{Runner, Stop};

impl Runner<'_> {
    pub(super) fn certificate(
        &mut self,
        act: &CertificateAct,
        memory: &Memory,
        computed: &mut Vec<Vec<u8>>,
    ) -> Result<Response, Stop> {
        let steps = act.steps(&memory.certificate);
        let steps = steps.ok_or(SecurityError::Unsupported { operation: "go on without an answer before" })?;
        let place = hex::encode_upper(act.header());
        let mut last = Response { data: Vec::new(), sw: StatusWord::OK };
        let mut read = Vec::new();
        for step in &steps {
            last = self.step(&place, step)?;
            if !last.sw.is_ok() {
                break;
            }
            read.extend_from_slice(&last.data);
        }
        if let (StatusWord::KEY_NOT_FOUND, Some(absent)) = (last.sw, absent(&act.what)) {
            return Err(Stop::Absent(absent));
        }
        if let (CertificateWhat::Certificate { .. }, true) = (&act.what, last.sw.is_ok()) {
            if read.iter().all(|byte| *byte == 0) || read.iter().all(|byte| *byte == 0xFF) {
                return Err(Stop::Absent(Text::new("卡片尚无证书", "the card has no certificate yet")));
            }
            last.data = read;
        }
        if let CertificateWhat::Sign = act.what {
            computed.extend(act.digest(&memory.certificate).map(|digest| digest.to_vec()));
        }
        Ok(last)
    }
}

/// What the case builds on, where the card has not got it.
fn absent(what: &CertificateWhat) -> Option<Text> {
    match what {
        CertificateWhat::Verify { role: Role::User, before: true, .. } => {
            Some(Text::new("用户 PIN 尚未设置", "the user PIN of the application is not set up"))
        }
        CertificateWhat::Verify { role: Role::Administrator, before: true, .. } => {
            Some(Text::new("管理员 PIN 尚未设置", "the administrator PIN of the application is not set up"))
        }
        CertificateWhat::PublicKey { pair: WhichPair::Signing, before: true } => {
            Some(Text::new("卡片尚无签名密钥对", "the card has no key pair that signs yet"))
        }
        CertificateWhat::PublicKey { pair: WhichPair::Encryption, before: true } => {
            Some(Text::new("卡片尚无加密密钥对", "the card has no key pair that deciphers yet"))
        }
        CertificateWhat::Verify { .. }
        | CertificateWhat::SetUp { .. }
        | CertificateWhat::Generate
        | CertificateWhat::PublicKey { .. }
        | CertificateWhat::Sign
        | CertificateWhat::Certificate { .. }
        | CertificateWhat::Open { .. }
        | CertificateWhat::Install { .. } => None,
    }
}
