//! The certificate application (证书应用): PINs by their hash, key pairs, signatures, the envelope of the encryption key.
//!
//! Source: sequences of one or two programs; SM2 and SM3 of the standards; what they leave open is a row of the profile.
//! Owns: its PINs, its master key's messages, its key pairs. A try is stored as spent before anything is compared.
//! Never: lets a private key out, makes a signature with a nonce from elsewhere than the card's own source.

use card_core::StatusWord;
use card_core::crypto::{
    Block, Sm2Cipher, Sm2PrivateKey, Sm2PublicKey, sm2_decrypt, sm2_sign, sm3, sm4_decrypt, sm4_encrypt,
};
use card_core::key::Key16;
use card_profiles::certificate::{NewPin, PinSetUp, PrivateKeyForm};
use zeroize::Zeroizing;

use super::pin::{is_bcd, pin_of_block};
use super::{Answer, Card, Challenge, Stop, expect_le, same};
use crate::door::{CertificateRequest, Message, Who};
use crate::inspection::{CertificateInspection, CertificatePinInspection};
use crate::memory::Changes;
use crate::model::{CertificateModel, CertificatePinModel, KeyModel, Model, PRIVATE_HEADER, PUBLIC_HEADER, Rule};

/// Nonces and keys drawn before the card gives up; one in 2^128 cannot be used.
const DRAWS_MAX: usize = 8;

/// What the application remembers until another selection.
#[derive(Default)]
pub(super) struct CertificateState {
    /// Place of the public key that was asked for.
    exported: Option<usize>,
    /// Whether an envelope was opened.
    opened: bool,
    /// Key of the envelope, given back.
    envelope: Option<Key16>,
}

impl Card {
    pub(super) fn certificate(
        &mut self,
        model: &Model,
        request: CertificateRequest<'_>,
        challenge: Option<Challenge>,
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let application = model.certificate.as_ref().filter(|application| self.state.df == Some(application.df));
        let application = application.ok_or(StatusWord::CONDITIONS_OF_USE)?;
        match request {
            CertificateRequest::Verify { who, cryptogram } => {
                self.verify_hashed(pin_of(application, who), cryptogram, challenge)
            }
            CertificateRequest::Generate { public, private } => self.generate(model, application, [public, private]),
            CertificateRequest::Export { public, private } => {
                let (public, _) = self.pair(model, application, [public, private])?;
                self.public_key(model, application, public)?;
                self.state.certificate.exported = Some(public);
                Ok(Answer::Done)
            }
            CertificateRequest::Fetch { le } => {
                let public = self.state.certificate.exported.ok_or(StatusWord::CONDITIONS_OF_USE)?;
                let key = self.public_key(model, application, public)?;
                out.extend(PUBLIC_HEADER);
                out.extend(key.bytes());
                if le != 256 {
                    expect_le(le, out.len())?;
                }
                Ok(Answer::Now)
            }
            CertificateRequest::SetPin { who, digits } => self.set_hashed_pin(application, who, digits, out),
            CertificateRequest::ChangeAdministratorPin(message) => {
                self.change_administrator_pin(model, application, message, challenge)
            }
            CertificateRequest::OpenEnvelope { private, cipher } => {
                self.open_envelope(model, application, private, cipher, out)
            }
            CertificateRequest::TakeKey(key) => {
                self.allow_rule(application.access.install)?;
                if !self.state.certificate.opened {
                    return Err(StatusWord::CONDITIONS_OF_USE.into());
                }
                self.state.certificate.envelope = Some(Key16::new(key));
                Ok(Answer::Done)
            }
            CertificateRequest::InstallPublic { file, key } => self.install_public(model, application, file, key),
            CertificateRequest::InstallPrivate { file, key } => self.install_private(model, application, file, key),
            CertificateRequest::LoadMasterKey(message) => self.load_master_key(model, application, message, challenge),
            CertificateRequest::Sign { private, digest } => self.sign(model, application, private, digest, out),
        }
    }

    /// EXTERNAL AUTHENTICATION with the master key: `SM4(K, R ‖ 00×8)`, all 16 bytes.
    pub(super) fn authenticate_master_key(
        &mut self,
        model: &Model,
        application: &CertificateModel,
        [left, right]: [Block; 2],
        challenge: Option<Challenge>,
    ) -> Result<Answer, Stop> {
        let row = &model.keys[application.master_key];
        let state = self.key_state(row);
        if !state.present {
            return Err(StatusWord::KEY_NOT_FOUND.into());
        }
        if state.tries == 0 {
            return Err(StatusWord::BLOCKED.into());
        }
        let random = challenge.ok_or(StatusWord::CHALLENGE_INVALID)?.block()?;
        self.state.rights &= !KeyModel::right(application.master_key);
        let left_tries = self.spend_try(row.address + 1)?;
        let key = Key16::new(self.memory.array(row.address + 4));
        if !same(&cryptogram(&key, random), &[left, right].concat()) {
            return Err(StatusWord::tries_left(left_tries).into());
        }
        self.restore_tries(row.address + 1, row.tries)?;
        self.state.rights |= KeyModel::right(application.master_key);
        Ok(Answer::Done)
    }

    /// VERIFY: `SM4(K, R ‖ 00×8)`, K the hash of the PIN.
    fn verify_hashed(
        &mut self,
        pin: &CertificatePinModel,
        given: [u8; 16],
        challenge: Option<Challenge>,
    ) -> Result<Answer, Stop> {
        let [set, tries] = self.memory.array(pin.address);
        if set == 0 {
            return Err(StatusWord::KEY_NOT_FOUND.into());
        }
        if tries == 0 {
            return Err(StatusWord::BLOCKED.into());
        }
        let random = challenge.ok_or(StatusWord::CHALLENGE_INVALID)?.block()?;
        self.state.rights &= !pin.right;
        let left = self.spend_try(pin.address + 1)?;
        let key = Key16::new(self.memory.array(pin.address + 2));
        if !same(&cryptogram(&key, random), &given) {
            return Err(StatusWord::tries_left(left).into());
        }
        self.restore_tries(pin.address + 1, pin.tries)?;
        self.state.rights |= pin.right;
        Ok(Answer::Done)
    }

    /// The first set-up asks for nothing; another one for what the profile says.
    fn set_hashed_pin(
        &mut self,
        application: &CertificateModel,
        who: Who,
        digits: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let hash = Zeroizing::new(sm3(digits));
        if application.rules.set_up == PinSetUp::Hash {
            out.extend(hash.iter());
            return Ok(Answer::Later);
        }
        let pin = pin_of(application, who);
        let [set] = self.memory.array(pin.address);
        if set != 0 {
            self.allow_rule(application.access.set_up_again)?;
        }
        if !is_bcd(digits) {
            return Err(StatusWord::WRONG_DATA.into());
        }
        self.store_pin(pin, hash.first_chunk().expect("a hash has 32 bytes"))
    }

    fn store_pin(&mut self, pin: &CertificatePinModel, key: &[u8; 16]) -> Result<Answer, Stop> {
        let mut slot = Zeroizing::new(vec![1, pin.tries]);
        slot.extend_from_slice(key);
        let mut changes = Changes::default();
        changes.set(pin.address, &slot);
        self.commit(&changes)?;
        self.state.rights &= !pin.right;
        Ok(Answer::Done)
    }

    fn change_administrator_pin(
        &mut self,
        model: &Model,
        application: &CertificateModel,
        message: Message<'_>,
        challenge: Option<Challenge>,
    ) -> Result<Answer, Stop> {
        self.allow_rule(application.access.change_administrator_pin)?;
        let plain = self.open_message(model, application, message, challenge)?;
        let key: Option<Zeroizing<[u8; 16]>> = match application.rules.new_pin {
            NewPin::Hashed => plain.as_slice().try_into().ok().map(Zeroizing::new),
            NewPin::Digits => pin_of_block(&plain)
                .filter(|digits| application.rules.administrator_pin.fits(digits.len()) && is_bcd(digits))
                .and_then(|digits| sm3(digits).first_chunk().copied().map(Zeroizing::new)),
        };
        self.store_pin(&application.administrator_pin, &*key.ok_or(StatusWord::WRONG_DATA)?)
    }

    /// `13 000000`, key, `80 00…`: the new master key under the present one.
    fn load_master_key(
        &mut self,
        model: &Model,
        application: &CertificateModel,
        message: Message<'_>,
        challenge: Option<Challenge>,
    ) -> Result<Answer, Stop> {
        self.allow_rule(application.access.load_master_key)?;
        let plain = self.open_message(model, application, message, challenge)?;
        let row = &model.keys[application.master_key];
        let key = plain.strip_prefix(&[0x13, 0, 0, 0]).and_then(|rest| rest.split_first_chunk::<16>());
        let key = key.filter(|(_, padding)| **padding == padding_of_a_key());
        let (key, _) = key.ok_or(StatusWord::WRONG_DATA)?;
        let mut slot = Zeroizing::new(vec![1, row.tries, 1, 0]);
        slot.extend_from_slice(key);
        let mut changes = Changes::default();
        changes.set(row.address, &slot);
        self.commit(&changes)?;
        self.state.rights &= !KeyModel::right(application.master_key);
        Ok(Answer::Done)
    }

    /// Checks the MAC of a message under the master key; a right one gives the tries back at once. Answers what it carries.
    fn open_message(
        &mut self,
        model: &Model,
        application: &CertificateModel,
        message: Message<'_>,
        challenge: Option<Challenge>,
    ) -> Result<Zeroizing<Vec<u8>>, Stop> {
        let row = &model.keys[application.master_key];
        let state = self.key_state(row);
        if !state.present {
            return Err(StatusWord::KEY_NOT_FOUND.into());
        }
        if state.tries == 0 {
            return Err(StatusWord::BLOCKED.into());
        }
        let challenge = challenge.filter(|challenge| challenge.length == usize::from(application.rules.challenge));
        let random = challenge.and_then(Challenge::initial_value).ok_or(StatusWord::CHALLENGE_INVALID)?;
        self.spend_try(row.address + 1)?;
        let key = self.key(row);
        if !same(&key.mac(random, &[&message.header[..], message.data].concat()), &message.mac) {
            return Err(StatusWord::MAC_WRONG.into());
        }
        self.restore_tries(row.address + 1, row.tries)?;
        Ok(key.decipher(message.data).ok_or(StatusWord::WRONG_LENGTH)?)
    }

    fn generate(&mut self, model: &Model, application: &CertificateModel, files: [u16; 2]) -> Result<Answer, Stop> {
        let (public, private) = self.pair(model, application, files)?;
        self.allow_rule(application.access.generate)?;
        let key = self.draw(Sm2PrivateKey::parse)?;
        let mut changes = Changes::default();
        changes.set(self.address(model, application, private), &Zeroizing::new(with(PRIVATE_HEADER, key.expose())));
        changes.set(self.address(model, application, public), &with(PUBLIC_HEADER, key.public().bytes()));
        self.commit(&changes)?;
        self.state.certificate.exported = Some(public);
        Ok(Answer::Done)
    }

    fn sign(
        &mut self,
        model: &Model,
        application: &CertificateModel,
        private: u16,
        digest: [u8; 32],
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let place = self.private_file(model, application, private)?;
        self.allow_rule(application.access.sign)?;
        let key = self.private_key(model, application, place)?;
        out.extend(self.draw(|nonce| sm2_sign(&key, &digest, &Zeroizing::new(nonce)))?);
        Ok(Answer::Later)
    }

    /// The 16 bytes that an envelope for one of the card's keys carries: X, Y, hash, cipher text.
    fn open_envelope(
        &mut self,
        model: &Model,
        application: &CertificateModel,
        private: u16,
        cipher: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let place = self.private_file(model, application, private)?;
        self.allow_rule(application.access.install)?;
        let key = self.private_key(model, application, place)?;
        let (point, rest) = cipher.split_first_chunk().ok_or(StatusWord::WRONG_DATA)?;
        let (hash, text) = rest.split_first_chunk().ok_or(StatusWord::WRONG_DATA)?;
        let cipher = Sm2Cipher { point: *point, hash: *hash, text: text.to_vec() };
        let content = sm2_decrypt(&key, &cipher).filter(|content| content.len() == 16);
        out.extend(content.ok_or(StatusWord::WRONG_DATA)?.iter());
        self.state.certificate.opened = true;
        Ok(Answer::Later)
    }

    fn install_public(
        &mut self,
        model: &Model,
        application: &CertificateModel,
        file: u16,
        key: [u8; 64],
    ) -> Result<Answer, Stop> {
        let place = self.file(model, application, file)?;
        if !application.pairs.iter().any(|(public, _)| *public == place) {
            return Err(StatusWord::FILE_STRUCTURE.into());
        }
        self.allow_rule(application.access.install)?;
        let key = Sm2PublicKey::parse(key).ok_or(StatusWord::WRONG_DATA)?;
        let mut changes = Changes::default();
        changes.set(self.address(model, application, place), &with(PUBLIC_HEADER, key.bytes()));
        self.commit(&changes)?;
        Ok(Answer::Done)
    }

    /// The key must belong to the public key that was installed before it.
    fn install_private(
        &mut self,
        model: &Model,
        application: &CertificateModel,
        file: u16,
        key: [u8; 32],
    ) -> Result<Answer, Stop> {
        let place = self.private_file(model, application, file)?;
        self.allow_rule(application.access.install)?;
        let key = Zeroizing::new(match application.rules.private_key {
            PrivateKeyForm::Plain => key,
            PrivateKeyForm::Enciphered => {
                let envelope = self.state.certificate.envelope.take().ok_or(StatusWord::CONDITIONS_OF_USE)?;
                let plain = Zeroizing::new(sm4_decrypt(&envelope, &key));
                plain.as_slice().try_into().expect("two blocks in, two blocks out")
            }
        });
        let key = Sm2PrivateKey::parse(*key).ok_or(StatusWord::WRONG_DATA)?;
        let public = application.pairs.iter().find(|(_, private)| *private == place).map(|(public, _)| *public);
        let public = self.public_key(model, application, public.ok_or(StatusWord::FILE_STRUCTURE)?)?;
        if key.public() != public {
            return Err(StatusWord::WRONG_DATA.into());
        }
        let mut changes = Changes::default();
        changes.set(self.address(model, application, place), &Zeroizing::new(with(PRIVATE_HEADER, key.expose())));
        self.commit(&changes)?;
        self.state.certificate.opened = false;
        Ok(Answer::Done)
    }

    pub(crate) fn inspect_certificates(&self, model: &Model) -> Option<CertificateInspection> {
        let application = model.certificate.as_ref()?;
        let pin = |pin: &CertificatePinModel| {
            let [set, tries_left] = self.memory.array(pin.address);
            CertificatePinInspection { set_up: set != 0, tries_left }
        };
        let [signing_key, encryption_key] = application.pairs.map(|(_, private)| {
            let key = self.private_key(model, application, private).ok()?;
            Some(hex::encode_upper(key.public().bytes()))
        });
        Some(CertificateInspection {
            user_pin: pin(&application.user_pin),
            administrator_pin: pin(&application.administrator_pin),
            signing_key,
            encryption_key,
        })
    }

    /// The files of a pair: public and private key that belong together.
    fn pair(
        &self,
        model: &Model,
        application: &CertificateModel,
        [public, private]: [u16; 2],
    ) -> Result<(usize, usize), Stop> {
        let pair = (self.file(model, application, public)?, self.file(model, application, private)?);
        if application.pairs.contains(&pair) { Ok(pair) } else { Err(StatusWord::FILE_STRUCTURE.into()) }
    }

    fn file(&self, model: &Model, application: &CertificateModel, fid: u16) -> Result<usize, Stop> {
        let place = model.dfs[application.df].efs.iter().position(|ef| ef.fid == fid);
        Ok(place.ok_or(StatusWord::FILE_NOT_FOUND)?)
    }

    fn private_file(&self, model: &Model, application: &CertificateModel, fid: u16) -> Result<usize, Stop> {
        let place = self.file(model, application, fid)?;
        let is_private = application.pairs.iter().any(|(_, private)| *private == place);
        if is_private { Ok(place) } else { Err(StatusWord::FILE_STRUCTURE.into()) }
    }

    fn address(&self, model: &Model, application: &CertificateModel, place: usize) -> usize {
        model.dfs[application.df].efs[place].address
    }

    fn private_key(&self, model: &Model, application: &CertificateModel, place: usize) -> Result<Sm2PrivateKey, Stop> {
        let at = self.address(model, application, place);
        let present = self.memory.array(at) == PRIVATE_HEADER;
        let key = present.then(|| Sm2PrivateKey::parse(self.memory.array(at + 2))).flatten();
        Ok(key.ok_or(StatusWord::KEY_NOT_FOUND)?)
    }

    fn public_key(&self, model: &Model, application: &CertificateModel, place: usize) -> Result<Sm2PublicKey, Stop> {
        let at = self.address(model, application, place);
        let present = self.memory.array(at) == PUBLIC_HEADER;
        let key = present.then(|| Sm2PublicKey::parse(self.memory.array(at + 2))).flatten();
        Ok(key.ok_or(StatusWord::KEY_NOT_FOUND)?)
    }

    /// Something made of 32 random bytes; such bytes that cannot be used are drawn again.
    fn draw<T>(&mut self, make: impl Fn([u8; 32]) -> Option<T>) -> Result<T, Stop> {
        for _ in 0..DRAWS_MAX {
            let mut bytes = Zeroizing::new([0; 32]);
            self.challenges.fill(&mut *bytes).ok_or(StatusWord::CONDITIONS_OF_USE)?;
            if let Some(made) = make(*bytes) {
                return Ok(made);
            }
        }
        Err(StatusWord::CONDITIONS_OF_USE.into())
    }

    fn allow_rule(&self, rule: Rule) -> Result<(), Stop> {
        self.allow(rule.allows(self.state.rights))
    }
}

const fn pin_of(application: &CertificateModel, who: Who) -> &CertificatePinModel {
    match who {
        Who::User => &application.user_pin,
        Who::Administrator => &application.administrator_pin,
    }
}

/// `SM4(K, R ‖ 00×8)`.
fn cryptogram(key: &Key16, random: Block) -> Vec<u8> {
    sm4_encrypt(key, &[random, [0; 8]].concat())
}

/// What follows LD, label and a key of 16 bytes in two blocks.
const fn padding_of_a_key() -> [u8; 12] {
    [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

fn with(header: [u8; 2], key: &[u8]) -> Vec<u8> {
    [&header[..], key].concat()
}
