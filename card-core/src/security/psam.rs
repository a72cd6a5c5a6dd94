//! A PSAM (安全存取模块) in a reader slot as security module.
//!
//! Source: published driver sequences: environment by name, `BF DE`, `80 FA`, `80 70`, `80 72`.
//! Owns: selecting the PSAM, its terminal number, deriving and using session keys in it.
//! Never: decides which usage byte and id belong to a key name (data of the profile).

use std::collections::BTreeMap;

use super::{KeyName, KeyRef, MacKey, SecurityError, SecurityModule, WrappedKey};
use crate::algorithm::{Algorithm, Authentication};
use crate::apdu::Command;
use crate::command;
use crate::crypto::{self, Block};
use crate::session::{Session, SessionError};
use crate::status::StatusWord;

/// Where INIT SAM FOR PURCHASE names the key version: after random, sequence, amounts, type, date and time.
const KEY_VERSION: usize = 4 + 2 + 12 + 1 + 7;

/// Where a key sits in the PSAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PsamKey {
    /// Usage byte: high 3 bits levels left, low 5 bits type.
    pub usage: u8,
    /// Key id.
    pub id: u8,
}

impl PsamKey {
    /// Diversification levels left in this PSAM.
    #[must_use]
    pub const fn levels(self) -> usize {
        (self.usage >> 5) as usize
    }

    /// The key at its level, then with fewer levels left, down to none.
    fn lower(self) -> impl Iterator<Item = Self> {
        (0..=self.usage >> 5).rev().map(move |levels| Self { usage: levels << 5 | self.usage & 0x1F, id: self.id })
    }
}

/// Names that select the PSAM, as profile data.
#[derive(Clone, Debug)]
pub struct PsamNames {
    /// Environment DF name (sx1, sx2, sx3).
    pub environment: Vec<u8>,
    /// Application AID or DF name below it.
    pub application: Vec<u8>,
    /// SFI of the terminal number file in the MF (6 bytes).
    pub terminal_number_sfi: u8,
}

impl PsamNames {
    /// Whether the card in `session` has this environment; it is then selected.
    ///
    /// # Errors
    /// [`SessionError`] when the card does not answer.
    pub fn are_in(&self, session: &mut Session) -> Result<bool, SessionError> {
        Ok(session.send(&command::select_by_name(&self.environment))?.sw.is_ok())
    }
}

/// A PSAM ready to work.
#[derive(Debug)]
pub struct Psam {
    session: Session,
    keys: BTreeMap<KeyName, PsamKey>,
    terminal_number: [u8; 6],
}

/// What the PSAM returned for a purchase: the terminal must use exactly these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurchaseStart {
    /// Terminal transaction number; the PSAM counts it and never gives it twice.
    pub terminal_sequence: u32,
    /// MAC1 for DEBIT FOR PURCHASE.
    pub mac1: [u8; 4],
}

impl Psam {
    /// Selects the environment, reads the terminal number, selects the application.
    ///
    /// # Errors
    /// [`SecurityError::NotPsam`] when the card knows no such environment or has no terminal number.
    pub fn open(
        mut session: Session,
        names: &PsamNames,
        keys: BTreeMap<KeyName, PsamKey>,
    ) -> Result<Self, SecurityError> {
        expect_ok(&mut session, &command::select_by_name(&names.environment))?;
        Self::open_selected(session, names, keys)
    }

    /// As [`Psam::open`], where the environment was just selected ([`PsamNames::are_in`]).
    ///
    /// # Errors
    /// As [`Psam::open`].
    pub fn open_selected(
        mut session: Session,
        names: &PsamNames,
        keys: BTreeMap<KeyName, PsamKey>,
    ) -> Result<Self, SecurityError> {
        let read = command::read_binary_sfi(names.terminal_number_sfi, 0, 6);
        let number = expect_ok(&mut session, &read)?;
        let terminal_number = number.as_slice().try_into().map_err(|_| SessionError::wrong_form(&number, &read))?;
        expect_ok(&mut session, &command::select_by_name(&names.application))?;
        Ok(Self { session, keys, terminal_number })
    }

    /// 终端机编号: 6 bytes.
    #[must_use]
    pub const fn terminal_number(&self) -> [u8; 6] {
        self.terminal_number
    }

    /// The session, for wire counts.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// MAC1 and the terminal transaction number for a purchase (INIT SAM FOR PURCHASE).
    ///
    /// `fields` is everything before the factors; `factors` is card, then city. What a PSAM refuses is asked again as
    /// deployed terminals do: with the card's factor alone (it holds the purchase key one level lower), then with key
    /// version 01.
    ///
    /// # Errors
    /// [`SecurityError::Refused`] with the PSAM's first status word.
    pub fn init_purchase(
        &mut self,
        key: &KeyName,
        fields: &[u8],
        factors: [Block; 2],
    ) -> Result<PurchaseStart, SecurityError> {
        let refused = |sw| SecurityError::Refused { name: key.clone(), sw };
        let first_version = with_first_version(fields);
        let [card, _] = factors;
        let command = command::psam_init_purchase(fields, &factors);
        let whole = self.session.send(&command)?;
        let refusal = whole.sw;
        let mut answer = whole.ok();
        let again = [(fields, &[card][..]), (&first_version, &factors), (&first_version, &[card])];
        let is_first_version = first_version == fields;
        for (fields, factors) in again.into_iter().take(if is_first_version { 1 } else { 3 }) {
            if answer.is_err() {
                answer = self.session.send(&command::psam_init_purchase(fields, factors))?.ok();
            }
        }
        let data = answer.map_err(|_| refused(refusal))?;
        let whole: [u8; 8] = data.as_slice().try_into().map_err(|_| SessionError::wrong_form(&data, &command))?;
        let [s0, s1, s2, s3, mac1 @ ..] = whole;
        Ok(PurchaseStart { terminal_sequence: u32::from_be_bytes([s0, s1, s2, s3]), mac1 })
    }

    /// Whether MAC2 of the card is right (CREDIT SAM FOR PURCHASE); only directly after [`Psam::init_purchase`].
    ///
    /// # Errors
    /// [`SecurityError::Refused`] for any answer but right and wrong.
    pub fn credit_purchase(&mut self, key: &KeyName, mac2: [u8; 4]) -> Result<bool, SecurityError> {
        match self.session.send(&command::psam_credit_purchase(mac2))?.sw {
            StatusWord::OK => Ok(true),
            StatusWord::MAC_WRONG => Ok(false),
            sw => Err(SecurityError::Refused { name: key.clone(), sw }),
        }
    }

    /// `BF DE`: derives the session key from the last `levels` factors of the path, card first, and the random. A PSAM that lacks the key at
    /// its level is asked for it one level lower and lower, as deployed terminals do; where it was found it is asked for from then on.
    fn derive(&mut self, key: &KeyRef, random: Block) -> Result<(), SecurityError> {
        let place = *self
            .keys
            .get(&key.name)
            .ok_or_else(|| SecurityError::KeyNotFound { name: key.name.clone(), version: key.version })?;
        if place.levels() > key.path.len() {
            return Err(SecurityError::LevelTooLow { name: key.name.clone(), levels: key.path.len() });
        }
        for place in place.lower() {
            let mut data: Vec<u8> = key.path.iter().rev().take(place.levels()).flatten().copied().collect();
            data.extend(key.form.rules.authentication_block(random));
            let response = self.session.send(&command::psam_derive(place.usage, place.id, &data))?;
            match response.sw {
                sw if sw.is_ok() => {
                    self.keys.insert(key.name.clone(), place);
                    return Ok(());
                }
                StatusWord::KEY_NOT_FOUND | StatusWord::KEY_INDEX => {}
                sw => return Err(SecurityError::Refused { name: key.name.clone(), sw }),
            }
        }
        Err(SecurityError::KeyNotFound { name: key.name.clone(), version: key.version })
    }
}

impl SecurityModule for Psam {
    fn authentication_cryptogram(&mut self, key: &KeyRef, factor: Block, data: Block) -> Result<Block, SecurityError> {
        if key.form.rules.authentication == Authentication::Whole {
            return Err(SecurityError::Unsupported { operation: "authenticate with a key itself" });
        }
        let block = key.form.rules.authentication_block(data);
        let out = self.encipher(key, factor, &block)?;
        let wrong_form = || SessionError::wrong_form(&out, &command::psam_encipher(&block)).into();
        key.form.rules.cryptogram_of(&out).ok_or_else(wrong_form)
    }

    fn mac(&mut self, key: &KeyRef, kind: MacKey, iv: Block, message: &[u8]) -> Result<[u8; 4], SecurityError> {
        let rules = key.form.rules;
        // `BF DE` derives the session key of an authentication. With 3DES that of a transaction is the same.
        let seed = match (kind, rules.algorithm) {
            (MacKey::Message(factor), _) => factor,
            (MacKey::Session(seed), Algorithm::Tdes) => seed,
            (MacKey::Session(_), Algorithm::Sm4) => {
                return Err(SecurityError::Unsupported { operation: "derive the session key of a transaction" });
            }
            (MacKey::Whole | MacKey::Tac, _) => {
                return Err(SecurityError::Unsupported { operation: "compute a MAC with an undiversified key" });
            }
        };
        self.derive(key, seed)?;
        let refused = |sw| SecurityError::Refused { name: key.name.clone(), sw };
        let padded = crypto::pad(message, rules.algorithm.block());
        let command = command::psam_mac(&rules.initial_value(iv), &padded);
        let data = self.session.send(&command)?.ok().map_err(refused)?;
        rules.message_mac_of(&data).ok_or_else(|| SessionError::wrong_form(&data, &command).into())
    }

    fn encipher(&mut self, key: &KeyRef, factor: Block, blocks: &[u8]) -> Result<Vec<u8>, SecurityError> {
        self.derive(key, factor)?;
        let refused = |sw| SecurityError::Refused { name: key.name.clone(), sw };
        self.session.send(&command::psam_encipher(blocks))?.ok().map_err(refused)
    }

    fn wrap(
        &mut self,
        _key: &KeyRef,
        _protecting: &KeyRef,
        _command: [u8; 5],
        _header: [u8; 3],
        _iv: Block,
    ) -> Result<WrappedKey, SecurityError> {
        Err(SecurityError::Unsupported { operation: "wrap a key for another card" })
    }

    fn terminal_number(&self) -> Option<[u8; 6]> {
        Some(self.terminal_number)
    }

    fn start_purchase(
        &mut self,
        key: &KeyName,
        fields: &[u8],
        factors: [Block; 2],
    ) -> Result<PurchaseStart, SecurityError> {
        self.init_purchase(key, fields, factors)
    }

    fn check_purchase(&mut self, key: &KeyName, mac2: [u8; 4]) -> Result<bool, SecurityError> {
        self.credit_purchase(key, mac2)
    }

    fn check_value(&mut self, _key: &KeyRef) -> Result<[u8; 3], SecurityError> {
        Err(SecurityError::Unsupported { operation: "show a key check value" })
    }
}

/// The same fields, naming key version 01.
fn with_first_version(fields: &[u8]) -> Vec<u8> {
    let mut fields = fields.to_vec();
    if let Some(version) = fields.get_mut(KEY_VERSION) {
        *version = 1;
    }
    fields
}

fn expect_ok(session: &mut Session, command: &Command) -> Result<Vec<u8>, SecurityError> {
    session.send(command)?.ok().map_err(SecurityError::NotPsam)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::replay::Replay;

    const FIELDS: [u8; 28] = [0x11; 28];

    fn init(trace: &str) -> Result<PurchaseStart, SecurityError> {
        let session = Session::new(Box::new(Replay::parse(trace).expect("trace")));
        let mut psam = Psam { session, keys: BTreeMap::new(), terminal_number: [0; 6] };
        psam.init_purchase(&KeyName::new("DPK"), &FIELDS, [[0xAA; 8], [0xBB; 8]])
    }

    #[test]
    fn a_key_that_the_psam_holds_at_a_lower_level_is_found_there_and_asked_for_there_from_then_on() {
        let (province, city, card) = ([0xCC; 8], [0xBB; 8], [0xAA; 8]);
        let (of_card, of_city, random) = ("AA".repeat(8), "BB".repeat(8), "0102030405060708");
        let found = format!("> BFDE270810{of_card}{random}\n< 9000");
        let trace = format!("> BFDE470818{of_card}{of_city}{random}\n< 6A88\n{found}\n{found}");
        let session = Session::new(Box::new(Replay::parse(&trace).expect("trace")));
        let (name, place) = (KeyName::new("RKSSSE"), PsamKey { usage: 0x47, id: 0x08 });
        let mut psam = Psam { session, keys: BTreeMap::from([(name.clone(), place)]), terminal_number: [0; 6] };
        let path = vec![province, city, card];
        let key = KeyRef { name: name.clone(), version: 1, path, form: crate::security::KeyForm::TDES };
        let random = [1, 2, 3, 4, 5, 6, 7, 8];
        psam.derive(&key, random).expect("found");
        psam.derive(&key, random).expect("found at once");

        let none =
            ["470818", "270810", "070808"].into_iter().zip([&of_card[..], &of_card, ""]).zip([&of_city[..], "", ""]);
        let trace: Vec<String> = none
            .map(|((command, card), city)| format!("> BFDE{command}{card}{city}0102030405060708\n< 6A88"))
            .collect();
        let session = Session::new(Box::new(Replay::parse(&trace.join("\n")).expect("trace")));
        let mut psam = Psam { session, keys: BTreeMap::from([(name, place)]), terminal_number: [0; 6] };
        assert!(matches!(psam.derive(&key, random), Err(SecurityError::KeyNotFound { .. })));
    }

    /// `80 70` with these key version and factors.
    fn command(version: &str, factors: &str) -> String {
        let length = 28 + factors.len() / 2;
        format!("> 80700100{length:02X}{}{version}11{factors}", "11".repeat(26))
    }

    #[test]
    fn an_answer_of_another_length_is_a_wrong_form_and_no_refusal() {
        let both = format!("{}{}", "AA".repeat(8), "BB".repeat(8));
        let error =
            init(&format!("{}\n< 6104\n> 00C0000004\n< 000000079000", command("11", &both))).expect_err("short");
        assert!(matches!(error, SecurityError::Session(SessionError::WrongForm(4, _))), "{error:?}");
        let names = PsamNames { environment: vec![1; 5], application: vec![2; 5], terminal_number_sfi: 0x16 };
        let trace = "> 00A40400050101010101\n< 9000\n> 00B0960006\n< 01029000";
        let session = Session::new(Box::new(Replay::parse(trace).expect("trace")));
        let error = Psam::open(session, &names, BTreeMap::new()).expect_err("no number");
        assert!(matches!(error, SecurityError::Session(SessionError::WrongForm(2, _))), "{error:?}");
    }

    #[test]
    fn a_refused_purchase_is_asked_again_in_the_order_of_deployed_terminals() {
        let (card, both) = ("AA".repeat(8), format!("{}{}", "AA".repeat(8), "BB".repeat(8)));
        let asked = [command("11", &both), command("11", &card), command("01", &both), command("01", &card)];
        let granted = "< 6108\n> 00C0000008\n< 00000007DEADBEEF9000";
        for refusals in 0..asked.len() {
            let mut trace: Vec<String> = asked.iter().take(refusals).map(|line| format!("{line}\n< 9403")).collect();
            trace.push(format!("{}\n{granted}", asked[refusals]));
            let start = init(&trace.join("\n")).expect("granted");
            assert_eq!((start.terminal_sequence, start.mac1), (7, [0xDE, 0xAD, 0xBE, 0xEF]));
        }
        let refusals = asked.iter().zip(["9403", "6700", "6A88", "6985"]).map(|(line, sw)| format!("{line}\n< {sw}"));
        let error = init(&refusals.collect::<Vec<_>>().join("\n")).expect_err("refused");
        assert!(matches!(error, SecurityError::Refused { sw: StatusWord::KEY_INDEX, .. }), "the first refusal counts");
    }
}
