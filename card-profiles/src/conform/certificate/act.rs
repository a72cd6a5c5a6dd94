//! What a case does to the certificate application where the bytes depend on what the card answered before.
//!
//! Owns: the envelope and the message of the cases, invented and the same for every card. Never: sends.

use std::fmt;
use std::rc::Rc;

use card_core::apdu::Command;
use card_core::command;
use card_core::crypto::{Digest, Sm2PrivateKey, Sm2PublicKey, sm2_encrypt, sm4_encrypt};
use card_core::key::Key16;
use card_core::pin::PinBcd;
use card_core::script::Step;

use crate::certificate::envelope::{Envelope, EnvelopedKey};
use crate::certificate::{CertificatePair, CertificateRules, Role};

/// What a case lets the card sign.
const MESSAGE: &[u8] = b"sscard conform";
/// Private encryption key that a case installs, and one that belongs to no public key of the case: rehearsal bytes.
const ENCRYPTION_KEY: [u8; 32] = *b"REHEARSAL ENCRYPTION KEY OF CASE";
const OTHER_KEY: [u8; 32] = *b"REHEARSAL KEY OF ANOTHER CARD ..";
/// Key of the envelope, and the nonce that seals it: nothing in it is secret.
const ENVELOPE_KEY: [u8; 16] = *b"REHEARSAL ENVELO";
const NONCE: [u8; 32] = *b"REHEARSAL NONCE OF THE ENVELOPE.";

/// One act, with the rows that it is made of. `Debug` shows the rows that its bytes depend on.
#[derive(Clone)]
pub struct CertificateAct {
    /// The rows.
    pub rules: Rc<CertificateRules>,
    /// What is done.
    pub what: CertificateWhat,
}

/// What is done to the certificate application.
#[derive(Clone, Debug)]
pub enum CertificateWhat {
    /// VERIFY of a PIN by its hash.
    Verify {
        /// Whose.
        role: Role,
        /// The digits.
        pin: PinBcd,
        /// Whether the case needs a PIN that was set up before it.
        before: bool,
    },
    /// The PIN is set up.
    SetUp {
        /// Whose.
        role: Role,
        /// The digits.
        pin: PinBcd,
    },
    /// GENERATE KEY PAIR of the pair that signs.
    Generate,
    /// The public key of a pair, asked for and fetched; remembered.
    PublicKey {
        /// Which.
        pair: WhichPair,
        /// Whether the case needs a pair that was there before it.
        before: bool,
    },
    /// The certificate of a pair, its file selected and read.
    Certificate {
        /// Which.
        pair: WhichPair,
    },
    /// SIGN of the case's message, whose digest holds the public key remembered.
    Sign,
    /// Opens the envelope of the case; what it answers is remembered.
    Open {
        /// Sealed for another card.
        foreign: bool,
    },
    /// One of the commands that install the key of the envelope opened.
    Install {
        /// Which of them, from 0.
        nth: usize,
        /// With another private key than the public one's.
        foreign: bool,
    },
}

/// A key pair of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichPair {
    /// The one that signs.
    Signing,
    /// The one that deciphers.
    Encryption,
}

impl WhichPair {
    /// Its word in ids.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Encryption => "encryption",
        }
    }

    /// Its files.
    #[must_use]
    pub fn files(self, rules: &CertificateRules) -> Option<CertificatePair<'_>> {
        match self {
            Self::Signing => rules.signing(),
            Self::Encryption => rules.encryption(),
        }
    }
}

/// What an act of the application is made of, from what the card answered before.
#[derive(Clone, Debug, Default)]
pub struct CertificateMemory {
    /// The public key asked for last.
    pub public: Option<Sm2PublicKey>,
    /// What opening the envelope answered.
    pub opened: [u8; 16],
}

impl CertificateAct {
    /// CLA INS P1 P2, of the first command where there are several.
    #[must_use]
    pub fn header(&self) -> [u8; 4] {
        let commands = &self.rules.commands;
        match &self.what {
            CertificateWhat::Verify { role, .. } => self.rules.pin(*role).verify.header(),
            CertificateWhat::SetUp { role: Role::User, .. } => commands.set_user_pin.header(),
            CertificateWhat::SetUp { role: Role::Administrator, .. } => commands.set_administrator_pin.header(),
            CertificateWhat::Generate => commands.generate_key_pair.header(),
            CertificateWhat::PublicKey { .. } => commands.export_public_key.header(),
            CertificateWhat::Sign => commands.sign.header(),
            CertificateWhat::Certificate { .. } => command::read_binary(0, 0).header(),
            CertificateWhat::Open { .. } => commands.open_envelope.header(),
            CertificateWhat::Install { nth, .. } => {
                let all = [commands.decipher_key, commands.install_public_key, commands.install_private_key];
                let skipped = all.len() - install_steps(&self.rules);
                all.get(nth + skipped).map_or([0; 4], |row| row.header())
            }
        }
    }

    /// The steps, given what was remembered; `None` where the rows or the answers before do not give one.
    #[must_use]
    pub fn steps(&self, memory: &CertificateMemory) -> Option<Vec<Step>> {
        let rules = &self.rules;
        let send = |command: Command| Some(vec![Step::Send(command)]);
        match &self.what {
            CertificateWhat::Verify { role, pin, .. } => Some(vec![rules.verify(*role, pin)]),
            CertificateWhat::SetUp { role, pin } => send(rules.set_up_pin(*role, pin)?),
            CertificateWhat::Generate => send(rules.generate(rules.signing()?)),
            CertificateWhat::PublicKey { pair, .. } => {
                Some(rules.export(pair.files(rules)?).into_iter().map(Step::Send).collect())
            }
            CertificateWhat::Certificate { pair } => {
                let file = pair.files(rules)?.certificate;
                Some(CertificateRules::read_file(file).into_iter().map(Step::Send).collect())
            }
            CertificateWhat::Sign => send(rules.sign(rules.signing()?, &self.digest(memory)?)),
            CertificateWhat::Open { foreign } => {
                let other = private_key(OTHER_KEY)?.public();
                let holder = if *foreign { other } else { memory.public? };
                send(rules.open_envelope(rules.signing()?, &envelope(&holder, ENCRYPTION_KEY)?))
            }
            CertificateWhat::Install { nth, foreign } => {
                let key = if *foreign { OTHER_KEY } else { ENCRYPTION_KEY };
                let mut envelope = envelope(&private_key(OTHER_KEY)?.public(), key)?;
                envelope.public_key = installed()?;
                let commands = rules.install(rules.encryption()?, &envelope, &memory.opened).ok()?;
                send(commands.into_iter().nth(*nth)?)
            }
        }
    }

    /// What the card signs: the digest of the case's message with the public key remembered.
    #[must_use]
    pub fn digest(&self, memory: &CertificateMemory) -> Option<Digest> {
        Some(self.rules.digest(&memory.public?, MESSAGE))
    }
}

impl fmt::Debug for CertificateAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = &self.rules;
        let mut shown = f.debug_struct("CertificateAct");
        shown.field("what", &self.what).field("header", &self.header());
        let files = [WhichPair::Signing, WhichPair::Encryption]
            .map(|pair| pair.files(rules).map(|files| [files.public.fid, files.private.fid, files.public.size]));
        match self.what {
            CertificateWhat::Verify { .. } | CertificateWhat::SetUp { .. } => {}
            CertificateWhat::Generate | CertificateWhat::Open { .. } => {
                shown.field("files", &files);
            }
            CertificateWhat::Certificate { pair } => {
                let file = pair.files(rules).map(|files| [files.certificate.fid, files.certificate.size]);
                shown.field("file", &file);
            }
            CertificateWhat::PublicKey { .. } => {
                shown.field("files", &files).field("fetch", &rules.commands.fetch_public_key);
            }
            CertificateWhat::Sign => drop(shown.field("files", &files).field("user_id", &rules.user_id)),
            CertificateWhat::Install { .. } => {
                shown.field("files", &files).field("private_key", &rules.private_key);
            }
        }
        shown.finish()
    }
}

/// Commands that install the key of an envelope.
pub(super) fn install_steps(rules: &CertificateRules) -> usize {
    match rules.private_key {
        crate::certificate::PrivateKeyForm::Enciphered => 3,
        crate::certificate::PrivateKeyForm::Plain => 2,
    }
}

/// The public key that the cases install.
pub(super) fn installed() -> Option<Sm2PublicKey> {
    Some(private_key(ENCRYPTION_KEY)?.public())
}

fn private_key(bytes: [u8; 32]) -> Option<Sm2PrivateKey> {
    Sm2PrivateKey::parse(bytes)
}

/// An envelope for the holder of `public` with this private key.
fn envelope(public: &Sm2PublicKey, private: [u8; 32]) -> Option<Envelope> {
    let enciphered = sm4_encrypt(&Key16::new(ENVELOPE_KEY), &private);
    Some(Envelope {
        private_key: EnvelopedKey(enciphered.try_into().ok()?),
        public_key: private_key(private)?.public(),
        cipher: sm2_encrypt(public, &ENVELOPE_KEY, &NONCE)?,
    })
}
