//! The certificate application of a card: PINs, key pairs, signatures, installation.
//!
//! Source: rows of the profile; what each answer means.
//! Owns: the order of the commands and the errors of their answers. Never: keeps a PIN, tries twice, takes an unverified signature.

use card_core::crypto::{Digest, Sm2PublicKey, sm3};
use card_core::security::{KeyName, KeyRef, SecurityModule};
use card_core::tries::{Guard, Secret};
use card_core::{Command, Session, StatusWord};
use card_profiles::certificate::envelope::Envelope;
use card_profiles::certificate::{CertificateFile, CertificatePair, CertificateRules, Role, certificate_in, certifies};

use crate::error::{CertificateError, TerminalError};
use crate::secret::Pin;
use crate::tap::Tapped;

/// The application, selected.
#[derive(Debug)]
pub struct Certificates<'t> {
    session: &'t mut Session,
    rules: &'t CertificateRules,
}

/// A signature that was verified with the card's public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// What was signed: SM3 of identity, key and message.
    pub digest: Digest,
    /// Who signed.
    pub public: Sm2PublicKey,
    /// r and s.
    pub signature: [u8; 64],
}

impl<'t> Certificates<'t> {
    /// Selects the application.
    ///
    /// # Errors
    /// [`CertificateError::CertificatesMissing`], or that the card does not answer.
    pub fn select(session: &'t mut Session, rules: &'t CertificateRules) -> Result<Self, TerminalError> {
        for command in rules.select() {
            match session.send(&command)?.sw {
                sw if sw.is_ok() => {}
                StatusWord::FILE_NOT_FOUND => return Err(CertificateError::CertificatesMissing.into()),
                sw @ (StatusWord::SELECTED_INVALID | StatusWord::NOT_SUPPORTED) => {
                    return Err(TerminalError::CardBlocked { sw });
                }
                sw => return Err(TerminalError::CardRefused { command: "SELECT", sw }),
            }
        }
        Ok(Self { session, rules })
    }

    /// The application, selected before and with what a PIN opened.
    #[must_use]
    pub const fn selected(session: &'t mut Session, rules: &'t CertificateRules) -> Self {
        Self { session, rules }
    }

    /// The rows of the application.
    #[must_use]
    pub const fn rules(&self) -> &'t CertificateRules {
        self.rules
    }

    /// The pair that signs.
    ///
    /// # Errors
    /// [`TerminalError::Bug`]: the linter refuses a profile without it.
    pub fn signing(&self) -> Result<CertificatePair<'t>, TerminalError> {
        self.rules.signing().ok_or(TerminalError::Bug("the linter refuses a profile without a signing pair"))
    }

    /// The pair that deciphers.
    ///
    /// # Errors
    /// As [`Certificates::signing`].
    pub fn encryption(&self) -> Result<CertificatePair<'t>, TerminalError> {
        self.rules.encryption().ok_or(TerminalError::Bug("the linter refuses a profile without an encryption pair"))
    }

    /// VERIFY of a PIN by its hash.
    ///
    /// # Errors
    /// [`TerminalError::PinWrong`], [`TerminalError::PinBlocked`], [`CertificateError::CardSecretMissing`] before set-up.
    pub fn verify(&mut self, role: Role, pin: &Pin) -> Result<(), TerminalError> {
        let sw = self.session.perform(&self.rules.verify(role, &pin.as_bcd()), None)?.sw;
        match (sw, sw.tries()) {
            (sw, _) if sw.is_ok() => Ok(()),
            (_, Some(0)) | (StatusWord::BLOCKED, _) => Err(TerminalError::PinBlocked),
            (_, Some(left)) => Err(TerminalError::PinWrong { left }),
            (StatusWord::KEY_NOT_FOUND, None) => Err(CertificateError::CardSecretMissing { what: "PIN" }.into()),
            (sw, None) => Err(TerminalError::CardRefused { command: "VERIFY", sw }),
        }
    }

    /// Sets up a PIN.
    ///
    /// # Errors
    /// [`CertificateError::CertificatePinLength`]; [`TerminalError::CardRefused`] with `6982` when it was set up before.
    pub fn set_up(&mut self, role: Role, pin: &Pin) -> Result<(), TerminalError> {
        let bytes = self.rules.pin(role).bytes;
        let command = self.rules.set_up_pin(role, &pin.as_bcd());
        self.done("SET PIN", &command.ok_or(CertificateError::CertificatePinLength { role, bytes })?).map(drop)
    }

    /// Proves the master key.
    ///
    /// # Errors
    /// [`TerminalError::KeyRefused`], [`TerminalError::KeyBlocked`].
    pub fn authenticate(&mut self, key: &KeyRef, module: &mut dyn SecurityModule) -> Result<(), TerminalError> {
        let sw = self.session.perform(&self.rules.authenticate(key.clone()), Some(module))?.sw;
        match (sw, sw.tries()) {
            (sw, _) if sw.is_ok() => Ok(()),
            (_, Some(0)) | (StatusWord::BLOCKED, _) => Err(TerminalError::KeyBlocked { key: key.name.to_string() }),
            (_, Some(left)) => Err(TerminalError::KeyRefused { key: key.name.to_string(), left }),
            (StatusWord::KEY_NOT_FOUND, None) => Err(CertificateError::CardSecretMissing { what: "master key" }.into()),
            (sw, None) => Err(TerminalError::CardRefused { command: "EXTERNAL AUTHENTICATION", sw }),
        }
    }

    /// Changes the administrator's PIN, which was verified, under the master key, which was proved.
    ///
    /// # Errors
    /// [`CertificateError::CertificatePinLength`]; that the card refuses, or keeps another PIN.
    pub fn change_administrator_pin(
        &mut self,
        new: &Pin,
        key: &KeyRef,
        module: &mut dyn SecurityModule,
    ) -> Result<(), TerminalError> {
        let row = &self.rules.administrator_pin;
        let bcd = new.as_bcd();
        if !row.fits(bcd.expose().len()) {
            return Err(CertificateError::CertificatePinLength { role: Role::Administrator, bytes: row.bytes }.into());
        }
        let step = self.rules.change_administrator_pin(key.clone(), bcd);
        match self.session.perform(&step, Some(module))?.sw {
            sw if sw.is_ok() => self.verify(Role::Administrator, new),
            sw => Err(TerminalError::CardRefused { command: "CHANGE ADMINISTRATOR PIN", sw }),
        }
    }

    /// Puts `new` in the place of the master key, which was proved, and proves it.
    ///
    /// # Errors
    /// That the card refuses, or keeps another key.
    pub fn load_master_key(
        &mut self,
        present: &KeyRef,
        new: &KeyRef,
        module: &mut dyn SecurityModule,
    ) -> Result<(), TerminalError> {
        let step = self.rules.load_master_key(present.clone(), new.clone());
        match self.session.perform(&step, Some(&mut *module))?.sw {
            sw if sw.is_ok() => self.authenticate(new, module),
            sw => Err(TerminalError::CardRefused { command: "LOAD MASTER KEY", sw }),
        }
    }

    /// The public key of a pair; `None` where there is none yet.
    ///
    /// # Errors
    /// That the card refuses, or answers something that is no key.
    pub fn public_key(&mut self, pair: CertificatePair<'_>) -> Result<Option<Sm2PublicKey>, TerminalError> {
        let [export, fetch] = self.rules.export(pair);
        match self.session.send(&export)?.sw {
            sw if sw.is_ok() => {}
            StatusWord::KEY_NOT_FOUND => return Ok(None),
            sw => return Err(TerminalError::CardRefused { command: "EXPORT PUBLIC KEY", sw }),
        }
        let answer = self.done("FETCH PUBLIC KEY", &fetch)?;
        Ok(Some(CertificateRules::public_key(&answer).map_err(|_| answer_of("FETCH PUBLIC KEY"))?))
    }

    /// As [`Certificates::public_key`], where nothing goes on without it.
    ///
    /// # Errors
    /// [`CertificateError::CardSecretMissing`].
    pub fn own_key(&mut self, pair: CertificatePair<'_>) -> Result<Sm2PublicKey, TerminalError> {
        self.public_key(pair)?.ok_or_else(|| CertificateError::CardSecretMissing { what: "key pair" }.into())
    }

    /// Makes the pair that signs and answers its public key.
    ///
    /// # Errors
    /// [`CertificateError::KeyPairThere`] unless `replace`; that the card refuses.
    pub fn generate(&mut self, replace: bool) -> Result<Sm2PublicKey, TerminalError> {
        let pair = self.signing()?;
        if !replace && self.public_key(pair)?.is_some() {
            return Err(CertificateError::KeyPairThere.into());
        }
        self.done("GENERATE KEY PAIR", &self.rules.generate(pair))?;
        self.own_key(pair)
    }

    /// Lets the card sign a message and verifies the signature with the card's own public key.
    ///
    /// # Errors
    /// [`CertificateError::SignatureWrong`]; [`CertificateError::CardSecretMissing`].
    pub fn sign(&mut self, message: &[u8]) -> Result<Signed, TerminalError> {
        let pair = self.signing()?;
        let public = self.own_key(pair)?;
        let digest = self.rules.digest(&public, message);
        let answer = self.done("SIGN", &self.rules.sign(pair, &digest))?;
        let signature = CertificateRules::signature(&public, &digest, &answer);
        Ok(Signed { digest, public, signature: signature.map_err(|_| CertificateError::SignatureWrong)? })
    }

    /// Installs the encryption key of an envelope.
    ///
    /// # Errors
    /// [`CertificateError::EnvelopeForeign`] when it is not for this card's key; that the card refuses.
    pub fn install_envelope(&mut self, envelope: &Envelope) -> Result<(), TerminalError> {
        let (signing, encryption) = (self.signing()?, self.encryption()?);
        self.own_key(signing)?;
        let opened = self.session.send(&self.rules.open_envelope(signing, envelope))?;
        let opened = match opened.sw {
            sw if sw.is_ok() => opened.data,
            StatusWord::WRONG_DATA => return Err(CertificateError::EnvelopeForeign.into()),
            sw => return Err(TerminalError::CardRefused { command: "OPEN ENVELOPE", sw }),
        };
        let commands = self.rules.install(encryption, envelope, &opened).map_err(|_| answer_of("OPEN ENVELOPE"))?;
        for command in commands {
            self.done("INSTALL ENCRYPTION KEY", &command)?;
        }
        match self.own_key(encryption)? == envelope.public_key {
            true => Ok(()),
            false => Err(answer_of("INSTALL ENCRYPTION KEY")),
        }
    }

    /// Writes a certificate and reads it back.
    ///
    /// # Errors
    /// [`CertificateError::CertificateForeign`] when the public key in it is not that of the pair.
    pub fn install_certificate(&mut self, pair: CertificatePair<'_>, certificate: &[u8]) -> Result<(), TerminalError> {
        let key = self.own_key(pair)?;
        if !certifies(certificate, &key) {
            return Err(CertificateError::CertificateForeign.into());
        }
        let commands = CertificateRules::write_certificate(pair.certificate, certificate)
            .map_err(|error| CertificateError::CertificateTooLong { bytes: error.bytes, room: error.room })?;
        for command in commands {
            self.done("UPDATE BINARY", &command)?;
        }
        match self.certificate(pair.certificate)?.as_deref() == Some(certificate) {
            true => Ok(()),
            false => Err(answer_of("READ BINARY")),
        }
    }

    /// The certificate in a file; `None` where there is none.
    ///
    /// # Errors
    /// That the card refuses.
    pub fn certificate(&mut self, file: &CertificateFile) -> Result<Option<Vec<u8>>, TerminalError> {
        let mut bytes = Vec::with_capacity(file.size.into());
        for command in CertificateRules::read_file(file) {
            bytes.extend(self.done("READ BINARY", &command)?);
        }
        Ok(certificate_in(&bytes).map(<[u8]>::to_vec))
    }

    fn done(&mut self, name: &'static str, command: &Command) -> Result<Vec<u8>, TerminalError> {
        let answer = self.session.send(command)?;
        match answer.sw {
            sw if sw.is_ok() => Ok(answer.data),
            StatusWord::KEY_NOT_FOUND => Err(CertificateError::CardSecretMissing { what: "key pair" }.into()),
            sw => Err(TerminalError::CardRefused { command: name, sw }),
        }
    }
}

/// Names under which tries are remembered.
const USER_SECRET: &str = "CERT-PIN";
const ADMINISTRATOR_SECRET: &str = "CERT-ADMINISTRATOR-PIN";

/// A PIN of the application in the book of tries.
#[must_use]
pub fn secret_of(role: Role) -> Secret {
    Secret::OtherPin(KeyName::new(match role {
        Role::User => USER_SECRET,
        Role::Administrator => ADMINISTRATOR_SECRET,
    }))
}

/// The application's rows in the card's profile.
///
/// # Errors
/// [`CertificateError::CertificatesMissing`].
pub fn rules<'p>(tapped: &Tapped<'p>) -> Result<&'p CertificateRules, TerminalError> {
    tapped.profile.certificate.as_ref().ok_or_else(|| CertificateError::CertificatesMissing.into())
}

/// Selects the application and verifies a PIN of it, as [`with_tries_of`] does; the application stays selected.
///
/// # Errors
/// [`TerminalError::LastTry`] before anything is sent; as [`Certificates::verify`].
pub fn verify(tapped: &mut Tapped<'_>, role: Role, pin: &Pin, consent: bool) -> Result<(), TerminalError> {
    with_tries_of(&secret_of(role), tapped, consent, |tapped| {
        let rules = rules(tapped)?;
        Certificates::select(&mut tapped.session, rules)?.verify(role, pin)
    })
}

/// Proves the master key, as [`with_tries_of`] does.
///
/// # Errors
/// [`TerminalError::LastTry`] before anything is sent; as [`Certificates::authenticate`].
pub fn prove_master_key(
    tapped: &mut Tapped<'_>,
    rules: &CertificateRules,
    key: &KeyRef,
    module: &mut dyn SecurityModule,
    consent: bool,
) -> Result<(), TerminalError> {
    let prove = |tapped: &mut Tapped<'_>| Certificates::selected(&mut tapped.session, rules).authenticate(key, module);
    with_tries_of(&Secret::Key(key.name.clone()), tapped, consent, prove)
}

/// What spends a try of a PIN or key of the application: not the last try of a PIN, nor any of a key that the card refused
/// before, unless somebody agreed. What the card says is remembered.
///
/// # Errors
/// [`TerminalError::LastTry`] before anything is sent; as `act`.
pub fn with_tries_of(
    secret: &Secret,
    tapped: &mut Tapped<'_>,
    consent: bool,
    act: impl FnOnce(&mut Tapped<'_>) -> Result<(), TerminalError>,
) -> Result<(), TerminalError> {
    let card = tapped.card();
    let guard = Guard { book: &mut tapped.memory.tries, consent };
    guard
        .before_try(card, secret)
        .map_err(|refused| TerminalError::LastTry { secret: refused.secret.to_string(), left: refused.left })?;
    let done = act(tapped);
    let said = match &done {
        Ok(()) => StatusWord::OK,
        Err(TerminalError::PinWrong { left } | TerminalError::KeyRefused { left, .. }) => StatusWord::tries_left(*left),
        Err(TerminalError::PinBlocked | TerminalError::KeyBlocked { .. }) => StatusWord::BLOCKED,
        Err(_) => return done,
    };
    tapped.memory.tries.note(card, secret, said);
    // Whether this can be written must not hide what the card said.
    let _ = tapped.memory.keep_tries(card);
    done
}

/// A certificate file as it was named: one DER sequence and nothing else. `None` for anything else, PEM too.
#[must_use]
pub fn is_certificate(bytes: &[u8]) -> bool {
    certificate_in(bytes).is_some_and(|certificate| certificate.len() == bytes.len())
}

/// SM3 of a certificate, by which people compare them.
#[must_use]
pub fn fingerprint(certificate: &[u8]) -> Digest {
    sm3(certificate)
}

const fn answer_of(command: &'static str) -> TerminalError {
    TerminalError::CardAnswer { command }
}
