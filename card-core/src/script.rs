//! Steps on a card, made by whoever knows the card type and carried out here.
//!
//! Owns: the kinds of step and how each becomes commands: challenge, cryptogram from the security module, command.
//! Never: decides which step comes next, retries a step, stops a caller from looking at a refusal.

use ring::rand::{SecureRandom as _, SystemRandom};

use crate::algorithm::Authentication;
use crate::apdu::{Command, Response};
use crate::command;
use crate::crypto::{Block, Block16, sm4_encrypt};
use crate::pin::PinBcd;
use crate::secure::SecureCommand;
use crate::security::{KeyRef, MacKey, SecurityError, SecurityModule};
use crate::session::{ChallengeError, Session, SessionError};

/// One step on a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// One command as it stands: SELECT, READ, UPDATE, VERIFY.
    Send(Command),
    /// A command whose answer is wanted only from a certain length on: on T=0 a shorter one stays in the card.
    Fetch {
        /// The command, without Le.
        command: Command,
        /// Bytes that the card must announce (`61xx`), 1 to 256.
        least: usize,
    },
    /// GET CHALLENGE, cryptogram, EXTERNAL AUTHENTICATION: the terminal proves that it holds `key`.
    Authenticate {
        /// The key of this card.
        key: KeyRef,
        /// Its id on the card (P2).
        id: u8,
    },
    /// As [`Step::Authenticate`] with two challenges, as an HSM flow does it: the first is the plain, the second makes the
    /// session key.
    AuthenticateByTwo {
        /// The key of this card.
        key: KeyRef,
        /// Its id on the card (P2).
        id: u8,
    },
    /// INTERNAL AUTHENTICATION: the card proves that it holds `key`. A false card ends in [`StepError::NotGenuine`].
    CheckCard {
        /// The key of this card (IRK).
        key: KeyRef,
        /// Where factor and data come from.
        from: Nonces,
    },
    /// GET CHALLENGE and a command with its MAC: PIN unblock and reload, blocking.
    Secure(SecureCommand),
    /// GET CHALLENGE, wrapped key, key-load command: puts `key` on the card.
    LoadKey(KeyLoad),
    /// GET CHALLENGE and VERIFY of a PIN by its hash: `SM4(K, R ‖ 00×8)`, K the first 16 bytes of SM3 of the digits in BCD.
    VerifyHashed {
        /// CLA INS P1 P2.
        header: [u8; 4],
        /// The PIN.
        pin: PinBcd,
    },
    /// GET CHALLENGE and EXTERNAL AUTHENTICATION with a whole block: `SM4(key, R ‖ 00×8)`.
    AuthenticateWhole {
        /// CLA INS P1 P2.
        header: [u8; 4],
        /// The key of this card.
        key: KeyRef,
    },
    /// GET CHALLENGE and a command that puts a PIN on the card by its hash, enciphered and authenticated by a key.
    ReplaceHashed(HashedPin),
}

/// Where the 16 bytes of an internal authentication come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nonces {
    /// From this terminal: the card cannot choose them.
    Terminal,
    /// Two challenges of the card, as an HSM flow does it: the first is the data, the second the factor.
    Card,
}

/// Two challenges of the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TwoChallenges {
    /// 原始信息: the first, used as plain.
    pub plain: Block,
    /// 过程因子: the second, from which the session key is made.
    pub factor: Block,
}

/// A PIN for a card that keeps hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashedPin {
    /// CLA INS P1 P2.
    pub header: [u8; 4],
    /// Key that enciphers it and makes the MAC.
    pub key: KeyRef,
    /// The PIN.
    pub pin: PinBcd,
    /// Whether its hash goes to the card (16 bytes), or a PIN block of its digits.
    pub hashed: bool,
    /// Bytes of challenge that start the MAC: 4 or 8, completed with zeros.
    pub challenge: u8,
}

/// A key-load step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLoad {
    /// The key to put on the card.
    pub key: KeyRef,
    /// The control key that protects the load: transport key, or production key once replaced.
    pub protecting: KeyRef,
    /// CLA INS P1 P2 of the dialect.
    pub header: [u8; 4],
    /// Usage, id, version as the dialect wants them before the key bytes.
    pub label: [u8; 3],
    /// Bytes of challenge that start the MAC: 4 (completed with zeros) or 8.
    pub challenge: u8,
}

/// Why a step could not be tried, or why its answer was lost. A refusal by the card is an `Ok` response.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The card did not answer: its state is unknown.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The card gave no challenge.
    #[error("no challenge: {0}")]
    Challenge(crate::status::StatusWord),
    /// The security module gave no cryptogram; the card was not touched by the command itself.
    #[error(transparent)]
    Security(#[from] SecurityError),
    /// The card's answer is not the one that its key would give: not a card of this scheme, or of other keys.
    #[error("the card does not hold {0}: it is not genuine, or its keys are others")]
    NotGenuine(crate::security::KeyName),
    /// The step needs a key and no security module is at hand.
    #[error("{0} is needed and there is no security module")]
    NoModule(crate::security::KeyName),
}

impl From<ChallengeError> for StepError {
    fn from(error: ChallengeError) -> Self {
        match error {
            ChallengeError::Session(error) => Self::Session(error),
            ChallengeError::Refused(sw) => Self::Challenge(sw),
        }
    }
}

/// Plain bytes of an external authentication: any 8 bytes; deployed drivers send these.
pub const AUTHENTICATION_PLAIN: Block = [1, 2, 3, 4, 5, 6, 7, 8];

/// EXTERNAL AUTHENTICATION for challenges that were taken: for whoever has the keys and not the card.
///
/// # Errors
/// [`SecurityError`].
pub fn authentication(
    key: &KeyRef,
    id: u8,
    challenges: TwoChallenges,
    module: &mut dyn SecurityModule,
) -> Result<Command, SecurityError> {
    if key.form.rules.authentication == Authentication::Whole {
        let auth = module.authentication_cryptogram(key, challenges.factor, challenges.factor)?;
        return Ok(command::external_authenticate_whole(id, auth));
    }
    let auth = module.authentication_cryptogram(key, challenges.factor, challenges.plain)?;
    Ok(versioned(command::external_authenticate(id, auth, challenges.plain), key))
}

impl Session {
    /// Carries out one step.
    ///
    /// # Errors
    /// [`StepError`]; after [`StepError::Session`] read the card's state before deciding anything.
    pub fn perform(&mut self, step: &Step, module: Option<&mut dyn SecurityModule>) -> Result<Response, StepError> {
        match step {
            Step::Send(command) => Ok(self.send(command)?),
            Step::Fetch { command, least } => Ok(self.send_and_fetch(command, *least)?),
            Step::Authenticate { key, id } => {
                let module = module.ok_or_else(|| StepError::NoModule(key.name.clone()))?;
                let random = self.challenge()?;
                self.authenticate(key, *id, TwoChallenges { plain: AUTHENTICATION_PLAIN, factor: random }, module)
            }
            Step::AuthenticateByTwo { key, id } => {
                let module = module.ok_or_else(|| StepError::NoModule(key.name.clone()))?;
                let challenges = self.two_challenges()?;
                self.authenticate(key, *id, challenges, module)
            }
            Step::CheckCard { key, from } => {
                let module = module.ok_or_else(|| StepError::NoModule(key.name.clone()))?;
                let nonces = match from {
                    Nonces::Terminal => own_nonces()?,
                    Nonces::Card => self.two_challenges()?,
                };
                let expected = module.authentication_cryptogram(key, nonces.factor, nonces.plain)?;
                let command = command::internal_authenticate(nonces.factor, nonces.plain);
                let answer = self.send(&versioned(command, key))?;
                if answer.sw.is_ok() && answer.data != expected {
                    return Err(StepError::NotGenuine(key.name.clone()));
                }
                Ok(answer)
            }
            Step::Secure(secure) => {
                let module = module.ok_or_else(|| StepError::NoModule(secure.key.name.clone()))?;
                let challenge = self.challenge_of(secure.challenge())?;
                Ok(self.send(&secure.command(module, challenge)?)?)
            }
            Step::LoadKey(load) => {
                let module = module.ok_or_else(|| StepError::NoModule(load.key.name.clone()))?;
                let random = self.challenge_of(load.challenge)?;
                Ok(self.send(&load.command(module, random)?)?)
            }
            Step::VerifyHashed { header, pin } => {
                let cryptogram = sm4_encrypt(&pin.hashed(), &extended(self.challenge()?));
                Ok(self.send(&of_header(*header, cryptogram))?)
            }
            Step::AuthenticateWhole { header, key } => {
                let module = module.ok_or_else(|| StepError::NoModule(key.name.clone()))?;
                let random = self.challenge()?;
                let cryptogram = module.encipher_block(key, extended(random))?;
                Ok(self.send(&of_header(*header, cryptogram))?)
            }
            Step::ReplaceHashed(hashed) => {
                let module = module.ok_or_else(|| StepError::NoModule(hashed.key.name.clone()))?;
                let random = self.challenge_of(hashed.challenge)?;
                Ok(self.send(&hashed.command(module, random)?)?)
            }
        }
    }

    /// Two challenges, one after the other; the second is good for the next command.
    ///
    /// # Errors
    /// [`ChallengeError`].
    pub fn two_challenges(&mut self) -> Result<TwoChallenges, ChallengeError> {
        let plain = self.challenge()?;
        Ok(TwoChallenges { plain, factor: self.challenge()? })
    }

    fn authenticate(
        &mut self,
        key: &KeyRef,
        id: u8,
        challenges: TwoChallenges,
        module: &mut dyn SecurityModule,
    ) -> Result<Response, StepError> {
        Ok(self.send(&authentication(key, id, challenges, module)?)?)
    }

    /// A challenge of 4 or 8 bytes, completed with zeros to a block.
    fn challenge_of(&mut self, length: u8) -> Result<Block, StepError> {
        let command = command::get_challenge(u16::from(length));
        let data = self.send(&command)?.ok().map_err(StepError::Challenge)?;
        let mut block = [0; 8];
        if data.len() != usize::from(length) || data.len() > block.len() {
            return Err(SessionError::wrong_form(&data, &command).into());
        }
        block.iter_mut().zip(data).for_each(|(slot, byte)| *slot = byte);
        Ok(block)
    }
}

/// With the key version byte, where the rules of the key's algorithm want one.
fn versioned(command: Command, key: &KeyRef) -> Command {
    match key.form.rules.key_version_byte {
        Some(version) => command::with_key_version(command, version),
        None => command,
    }
}

fn own_nonces() -> Result<TwoChallenges, StepError> {
    let (mut plain, mut factor) = ([0; 8], [0; 8]);
    let random = SystemRandom::new();
    random
        .fill(&mut plain)
        .and_then(|()| random.fill(&mut factor))
        .map_err(|_| SecurityError::Unsupported { operation: "draw random bytes" })?;
    Ok(TwoChallenges { plain, factor })
}

/// `R ‖ 00×8`.
fn extended(random: Block) -> Block16 {
    let mut block = [0; 16];
    block.iter_mut().zip(random).for_each(|(slot, byte)| *slot = byte);
    block
}

fn of_header([cla, ins, p1, p2]: [u8; 4], data: impl Into<Vec<u8>>) -> Command {
    Command::new(cla, ins, p1, p2).with_data(data)
}

impl HashedPin {
    fn command(&self, module: &mut dyn SecurityModule, iv: Block) -> Result<Command, SecurityError> {
        let block = if self.hashed {
            *self.pin.hashed().expose()
        } else {
            let block = self.key.form.rules.pin_block(self.pin.expose());
            let block = block.and_then(|block| block.as_slice().try_into().ok());
            block.ok_or(SecurityError::Unsupported { operation: "put this PIN into one block of 16 bytes" })?
        };
        let enciphered = module.encipher_block(&self.key, block)?;
        let [cla, ins, p1, p2] = self.header;
        let message = [&[cla, ins, p1, p2, 20][..], &enciphered].concat();
        let mac = module.mac(&self.key, MacKey::Whole, iv, &message)?;
        Ok(of_header(self.header, [&enciphered[..], &mac].concat()).secret())
    }
}

impl KeyLoad {
    /// CLA INS P1 P2 Lc of the command, over which its MAC is made.
    ///
    /// # Panics
    /// Never: a key has 8 or 16 bytes.
    #[must_use]
    pub fn command_header(&self) -> [u8; 5] {
        let plain = 1 + self.label.len() + self.key.form.length.bytes();
        let block = self.protecting.form.rules.algorithm.block();
        let lc = u8::try_from(plain.next_multiple_of(block) + 4).expect("a key of 8 or 16 bytes fits");
        let [cla, ins, p1, p2] = self.header;
        [cla, ins, p1, p2, lc]
    }

    fn command(&self, module: &mut dyn SecurityModule, iv: Block) -> Result<Command, SecurityError> {
        let [cla, ins, p1, p2] = self.header;
        let wrapped = module.wrap(&self.key, &self.protecting, self.command_header(), self.label, iv)?;
        Ok(Command::new(cla, ins, p1, p2).with_data([&wrapped.enciphered[..], &wrapped.mac].concat()).secret())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::KeyForm;
    use crate::key::Key16;
    use crate::security::KeyName;
    use crate::security::keyring::KeyRing;
    use crate::transport::replay::Replay;

    fn ring(name: &str, key: &str) -> (KeyRing, KeyRef) {
        let mut ring = KeyRing::new();
        let key = Key16::new(hex::decode(key).expect("hex").try_into().expect("16 bytes"));
        ring.insert(KeyName::new(name), 1, key);
        (ring, KeyRef { name: KeyName::new(name), version: 1, path: Vec::new(), form: KeyForm::TDES })
    }

    #[test]
    fn a_key_load_has_the_bytes_of_the_published_example() {
        let (mut module, protecting) = ring("MK", "00112233445566778899AABBCCDDEEFF");
        let load = KeyLoad {
            key: protecting.clone(),
            protecting,
            header: [0x84, 0xD4, 0, 0],
            label: [0x22, 0, 0],
            challenge: 4,
        };
        let card = Replay::parse(
            "> 0084000004\n< 5D72B3FD9000\n> 84D400001CDCC0BB5793ABFCA2CA8C1624822F6E01A86A0B5CBED191DD8A9D4ADB\n< 9000",
        );
        let mut session = Session::new(Box::new(card.expect("trace")));
        let response = session.perform(&Step::LoadKey(load), Some(&mut module)).expect("answer");
        assert!(response.sw.is_ok());
    }

    const SSSE: &str = "7378312E73682EC9E7BBE1B1A3D5CF";

    fn fetch(trace: &str) -> (usize, crate::StatusWord, u64) {
        let mut session = Session::new(Box::new(Replay::parse(trace).expect("trace")));
        let command = command::select_by_name(&hex::decode(SSSE).expect("hex"));
        let answer = session.perform(&Step::Fetch { command, least: 27 }, None).expect("answers");
        (answer.data.len(), answer.sw, session.wire().exchanges)
    }

    #[test]
    fn an_answer_that_is_too_short_to_be_wanted_stays_in_the_card() {
        let short = format!("> 00A404000F{SSSE}\n< 6118");
        assert_eq!(fetch(&short), (0, crate::StatusWord(0x6118), 1));
        let long = format!("> 00A404000F{SSSE}\n< 611E\n> 00C000001E\n< 6F1C840F{SSSE}A50988011E9F0C038601039000");
        assert_eq!(fetch(&long), (30, crate::StatusWord::OK, 2));
        let refused = format!("> 00A404000F{SSSE}\n< 6A82");
        assert_eq!(fetch(&refused), (0, crate::StatusWord::FILE_NOT_FOUND, 1));
        let kept = format!("> 00A404000F{SSSE}\n< 611E\n> 00C000001E\n< 6F00");
        assert_eq!(fetch(&kept), (0, crate::StatusWord(0x611E), 2), "it is selected, whatever became of its answer");
    }

    #[test]
    fn a_key_step_without_module_is_refused_before_the_card_is_touched() {
        let (_, key) = ring("RKSSSE", "00112233445566778899AABBCCDDEEFF");
        let mut session = Session::new(Box::new(Replay::parse("").expect("empty trace")));
        let error = session.perform(&Step::Authenticate { key, id: 0x0A }, None).expect_err("no module");
        assert!(matches!(error, StepError::NoModule(_)));
        assert_eq!(session.wire().exchanges, 0);
    }
}
