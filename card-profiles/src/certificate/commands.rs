//! What a terminal sends to the certificate application, and what it makes of the answers.
//!
//! Source: sequences of one or two programs; header bytes are rows of the profile.
//! Owns: the data fields of the commands, the forms of the answers. Never: sends, decides which PIN is asked for.
//! Units: a certificate is written in parts of at most 250 bytes, as the tool does.

use card_core::apdu::Command;
use card_core::command;
use card_core::crypto::{Digest, Sm2PublicKey, sm2_digest, sm2_verify, sm4_decrypt};
use card_core::key::Key16;
use card_core::pin::PinBcd;
use card_core::script::{HashedPin, KeyLoad, Step};
use card_core::security::KeyRef;

use super::envelope::Envelope;
use super::{CertificateFile, CertificatePair, CertificatePin, CertificateRules, NewPin, PrivateKeyForm};

/// Bytes of one part of a certificate.
const PART: usize = 0xFA;

/// Whose PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The holder.
    User,
    /// The administrator.
    Administrator,
}

/// An answer of the certificate application that has another form than its rows say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer to {command} is not {expected}")]
pub struct CertificateAnswer {
    /// Command.
    pub command: &'static str,
    /// What was expected.
    pub expected: &'static str,
}

/// Bytes that do not fit the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the certificate has {bytes} bytes, {file} has room for {room}")]
pub struct CertificateTooLong {
    /// Bytes given.
    pub bytes: usize,
    /// File.
    pub file: u16,
    /// Its size.
    pub room: u16,
}

impl CertificateRules {
    /// SELECT of the upper directory by name, of the application by its identifier.
    #[must_use]
    pub fn select(&self) -> [Command; 2] {
        [command::select_by_name(&self.df_name), command::select_by_fid(self.application_fid)]
    }

    /// The rows of a PIN.
    #[must_use]
    pub const fn pin(&self, role: Role) -> &CertificatePin {
        match role {
            Role::User => &self.user_pin,
            Role::Administrator => &self.administrator_pin,
        }
    }

    /// VERIFY of a PIN by its hash.
    #[must_use]
    pub fn verify(&self, role: Role, pin: &PinBcd) -> Step {
        Step::VerifyHashed { header: self.pin(role).verify.header(), pin: pin.clone() }
    }

    /// Set-up of a PIN: `C1`, length, digits in BCD. `None` when it has not as many digits as the card takes.
    #[must_use]
    pub fn set_up_pin(&self, role: Role, pin: &PinBcd) -> Option<Command> {
        let row = match role {
            Role::User => self.commands.set_user_pin,
            Role::Administrator => self.commands.set_administrator_pin,
        };
        let fits = self.pin(role).fits(pin.expose().len());
        fits.then(|| row.command(field(0xC1, pin.expose())).secret())
    }

    /// Change of the administrator's PIN under the master key.
    #[must_use]
    pub fn change_administrator_pin(&self, master: KeyRef, pin: PinBcd) -> Step {
        Step::ReplaceHashed(HashedPin {
            header: self.commands.change_administrator_pin.header(),
            key: KeyRef { form: self.key_form(), ..master },
            pin,
            hashed: self.new_pin == NewPin::Hashed,
            challenge: self.challenge,
        })
    }

    /// EXTERNAL AUTHENTICATION with the master key.
    #[must_use]
    pub fn authenticate(&self, master: KeyRef) -> Step {
        let key = KeyRef { form: self.key_form(), ..master };
        Step::AuthenticateWhole { header: self.commands.authenticate.header(), key }
    }

    /// Load of another master key under the present one; after [`CertificateRules::authenticate`].
    #[must_use]
    pub fn load_master_key(&self, present: KeyRef, new: KeyRef) -> Step {
        let form = self.key_form();
        Step::LoadKey(KeyLoad {
            key: KeyRef { form, ..new },
            protecting: KeyRef { form, ..present },
            header: self.commands.load_master_key.header(),
            label: [0; 3],
            challenge: self.challenge,
        })
    }

    /// GENERATE KEY PAIR.
    #[must_use]
    pub fn generate(&self, pair: CertificatePair<'_>) -> Command {
        self.commands.generate_key_pair.command(files(pair))
    }

    /// The public key of a pair: asked for, then fetched.
    #[must_use]
    pub fn export(&self, pair: CertificatePair<'_>) -> [Command; 2] {
        let row = self.commands.fetch_public_key;
        let fetch = Command::new(row.cla, row.ins, row.p1, row.p2).with_le(pair.public.size);
        [self.commands.export_public_key.command(files(pair)), fetch]
    }

    /// Reads what a card answers to the second of [`CertificateRules::export`]: tag, length, X and Y.
    ///
    /// # Errors
    /// [`CertificateAnswer`].
    pub fn public_key(answer: &[u8]) -> Result<Sm2PublicKey, CertificateAnswer> {
        let key = answer.strip_prefix(&[0xCA, 0x40]).and_then(|key| Sm2PublicKey::parse(key.try_into().ok()?));
        key.ok_or(CertificateAnswer { command: "FETCH PUBLIC KEY", expected: "CA 40 and a point of the curve" })
    }

    /// What the card signs for a message: its hash with the identity and the public key.
    ///
    /// # Panics
    /// When the profile's identity is longer than 8191 bytes; the linter refuses such a profile.
    #[must_use]
    pub fn digest(&self, public: &Sm2PublicKey, message: &[u8]) -> Digest {
        sm2_digest(public, self.user_id.as_bytes(), message)
    }

    /// SIGN with the private key of a pair.
    #[must_use]
    pub fn sign(&self, pair: CertificatePair<'_>, digest: &Digest) -> Command {
        let data = [field(0xC2, &pair.private.fid.to_be_bytes()), field(0xC1, digest)].concat();
        self.commands.sign.command(data).with_le(64)
    }

    /// The signature in an answer to [`CertificateRules::sign`], verified.
    ///
    /// # Errors
    /// [`CertificateAnswer`] when it is none by the holder of `public`.
    pub fn signature(public: &Sm2PublicKey, digest: &Digest, answer: &[u8]) -> Result<[u8; 64], CertificateAnswer> {
        let signature = answer.try_into().ok().filter(|signature| sm2_verify(public, digest, signature));
        signature.ok_or(CertificateAnswer { command: "SIGN", expected: "a signature by the card's key" })
    }

    /// Opens an envelope with the key of the signing pair; answers the 16 bytes that [`CertificateRules::install`] takes.
    #[must_use]
    pub fn open_envelope(&self, signing: CertificatePair<'_>, envelope: &Envelope) -> Command {
        let cipher = [&envelope.cipher.point[..], &envelope.cipher.hash, &envelope.cipher.text].concat();
        let data = [field(0xC2, &signing.private.fid.to_be_bytes()), wide_field(0xC1, &cipher)].concat();
        self.commands.open_envelope.command(data).with_le(16)
    }

    /// The commands that put the key of an envelope into the encryption pair, given what opening it answered.
    ///
    /// # Errors
    /// [`CertificateAnswer`] when that was not a key of 16 bytes.
    pub fn install(
        &self,
        encryption: CertificatePair<'_>,
        envelope: &Envelope,
        opened: &[u8],
    ) -> Result<Vec<Command>, CertificateAnswer> {
        let key: [u8; 16] = opened
            .try_into()
            .map_err(|_| CertificateAnswer { command: "OPEN ENVELOPE", expected: "a key of 16 bytes" })?;
        let private = &envelope.private_key.0;
        let (first, private) = match self.private_key {
            PrivateKeyForm::Enciphered => {
                (Some(self.commands.decipher_key.command(field(0xC1, &key)).secret()), private.to_vec())
            }
            PrivateKeyForm::Plain => (None, sm4_decrypt(&Key16::new(key), private)),
        };
        let file = |tag, file: &CertificateFile| field(tag, &file.fid.to_be_bytes());
        let public = [file(0xC0, encryption.public), field(0xCA, envelope.public_key.bytes())].concat();
        let private = [file(0xC2, encryption.private), field(0xCB, &private)].concat();
        let last = [
            self.commands.install_public_key.command(public),
            self.commands.install_private_key.command(private).secret(),
        ];
        Ok(first.into_iter().chain(last).collect())
    }

    /// SELECT of the file and UPDATE BINARY in parts, the rest of the file padded with 00.
    ///
    /// # Errors
    /// [`CertificateTooLong`].
    pub fn write_certificate(file: &CertificateFile, certificate: &[u8]) -> Result<Vec<Command>, CertificateTooLong> {
        let room = usize::from(file.size);
        if certificate.len() > room {
            return Err(CertificateTooLong { bytes: certificate.len(), file: file.fid, room: file.size });
        }
        let mut bytes = certificate.to_vec();
        bytes.resize(room, 0);
        let parts = (0_u16..).step_by(PART).zip(bytes.chunks(PART));
        let parts = parts.map(|(offset, part)| command::update_binary(offset, part));
        Ok(std::iter::once(command::select_by_fid(file.fid)).chain(parts).collect())
    }

    /// SELECT of a file of the application and READ BINARY in parts.
    #[must_use]
    pub fn read_file(file: &CertificateFile) -> Vec<Command> {
        let parts = (0..file.size).step_by(PART).map(|offset| {
            let part = (file.size - offset).min(u16::try_from(PART).expect("one byte"));
            command::read_binary(offset, part)
        });
        std::iter::once(command::select_by_fid(file.fid)).chain(parts).collect()
    }
}

/// A certificate in the bytes of its file: the DER sequence that stands at the start, by its own length; `None` when the
/// file holds none.
#[must_use]
pub fn certificate_in(file: &[u8]) -> Option<&[u8]> {
    let (header, length) = match file {
        [0x30, length @ 0..=0x7F, ..] => (2, usize::from(*length)),
        [0x30, 0x81, length, ..] => (3, usize::from(*length)),
        [0x30, 0x82, high, low, ..] => (4, usize::from(u16::from_be_bytes([*high, *low]))),
        _ => return None,
    };
    file.get(..header + length)
}

/// Whether a certificate is of this public key: it holds it as X.509 does, a BIT STRING with the uncompressed point.
#[must_use]
pub fn certifies(certificate: &[u8], key: &Sm2PublicKey) -> bool {
    let point = [&[0x03, 0x42, 0x00, 0x04][..], key.bytes()].concat();
    certificate.windows(point.len()).any(|part| part == point)
}

fn files(pair: CertificatePair<'_>) -> Vec<u8> {
    [field(0xC0, &pair.public.fid.to_be_bytes()), field(0xC2, &pair.private.fid.to_be_bytes())].concat()
}

fn field(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u8::try_from(value.len()).expect("keys and files are shorter than 128 bytes");
    [&[tag, length][..], value].concat()
}

/// With a length of two bytes, as the tool writes the cipher text of an envelope.
fn wide_field(tag: u8, value: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(value.len()).expect("one command").to_be_bytes();
    [&[tag, 0x82, high, low][..], value].concat()
}
