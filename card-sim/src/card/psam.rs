//! The PSAM's own commands: derive, encipher, MAC, and the purchase pair.
//!
//! Source: published driver sequences (`BF DE`, `80 FA`, `80 70 01 00`, `80 72`); usage byte of the key table; COS manual for
//! `80 70 00 00`, `80 1A` and the chained forms of `80 FA`.
//! Owns: levels and types of keys, the derived session key, the terminal transaction number.
//! Never: gives a terminal transaction number twice: it is stored as used before it is answered.

use card_core::StatusWord;
use card_core::algorithm::Algorithm;
use card_core::crypto::{self, Block, CardKey, KeyForm, KeyLength, SessionKey};
use card_core::key::Key16;
use card_profiles::account::{Amounts, Field, MacFields, purchase_seed};
use card_profiles::profile::KeyClass;
use card_profiles::purse::FactorOrder;

use super::maintenance::PSAM_FAILURES;
use super::{Answer, Card, Stop, same};
use crate::memory::Changes;
use crate::model::{KeyModel, Model, PsamModel};

/// MAC1 of a purchase: three amounts, type, terminal, date and time.
const MAC1: [Field; 4] = [Field::Amounts, Field::Type, Field::Terminal, Field::DateTime];
/// MAC2 of a purchase: the three amounts (assumed, as in the profile of the user card).
const MAC2: [Field; 1] = [Field::Amounts];

/// MAC1 and MAC2 of a purchase with one amount (PBOC).
const PBOC_MAC1: [Field; 4] = [Field::Amount, Field::Type, Field::Terminal, Field::DateTime];
const PBOC_MAC2: [Field; 1] = [Field::Amount];

/// Key in the PSAM until the next derivation, selection or reset.
pub(super) struct Derived {
    key: WorkingKey,
    may_encipher: bool,
    may_mac: bool,
    /// State of a MAC whose last block is still to come.
    chain: Option<Vec<u8>>,
}

/// What `80 FA` works with.
enum WorkingKey {
    /// Of `BF DE`, or of a key of 8 bytes.
    Session(SessionKey),
    /// Of `80 1A`: the derived key itself.
    Whole(CardKey),
}

/// Which part of a message a cipher command brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cipher {
    Encipher,
    MacSingle,
    MacFirst,
    MacMiddle,
    MacLast,
}

/// What CREDIT SAM FOR PURCHASE compares with, directly after the purchase.
pub(super) struct Purchase {
    mac2: [u8; 4],
}

impl Card {
    /// `BF DE usage id`: factors from the card's upwards, then the random.
    pub(super) fn psam_derive(&mut self, model: &Model, usage: u8, id: u8, data: &[u8]) -> Result<Answer, Stop> {
        self.state.derived = None;
        let df = self.state.df.ok_or(StatusWord::KEY_NOT_FOUND)?;
        let fits = |key: &KeyModel| key.df == df && key.usage == usage && key.id == id && key.class != KeyClass::Mk;
        let row = model.keys.iter().find(|key| fits(key)).ok_or(StatusWord::KEY_NOT_FOUND)?;
        if !self.key_state(row).present {
            return Err(StatusWord::KEY_NOT_FOUND.into());
        }
        let (may_mac, may_encipher) = uses(usage)?;
        let (blocks, _) = data.as_chunks::<8>();
        let (factors, random) = blocks.split_at_checked(levels(usage)).ok_or(StatusWord::WRONG_LENGTH)?;
        let random = match (model.rules.algorithm, random) {
            (Algorithm::Tdes, [random]) => *random,
            // With SM4 the random comes as a block, filled as the rules say.
            (Algorithm::Sm4, [random, filling]) => {
                if model.rules.authentication_block(*random).get(8..) != Some(filling) {
                    return Err(StatusWord::WRONG_DATA.into());
                }
                *random
            }
            _ => return Err(StatusWord::WRONG_LENGTH.into()),
        };
        // STK of a DES card has 8 bytes: the left half of what the levels give.
        let short = row.class == KeyClass::Stk && model.rules.algorithm == Algorithm::Tdes;
        let form = KeyForm { length: if short { KeyLength::Eight } else { KeyLength::Sixteen }, ..row.form };
        let key = self.derive(model, row, factors, form).authentication_session(random);
        self.state.derived = Some(Derived { key: WorkingKey::Session(key), may_encipher, may_mac, chain: None });
        Ok(Answer::Done)
    }

    /// `80 1A usage id`: factors alone; the key derived is the working key of `80 FA`.
    pub(super) fn psam_deliver(&mut self, model: &Model, usage: u8, id: u8, data: &[u8]) -> Result<Answer, Stop> {
        self.state.derived = None;
        let df = self.state.df.ok_or(StatusWord::KEY_NOT_FOUND)?;
        let fits = |key: &&KeyModel| key.df == df && key.usage == usage && key.id == id && key.class != KeyClass::Mk;
        let row = model.keys.iter().find(fits).filter(|row| self.key_state(row).present);
        let row = row.ok_or(StatusWord::KEY_NOT_FOUND)?;
        let (may_mac, may_encipher) = uses(usage)?;
        let (factors, _) = data.as_chunks::<8>();
        if factors.len() != levels(usage) {
            return Err(StatusWord::WRONG_LENGTH.into());
        }
        let key = WorkingKey::Whole(self.derive(model, row, factors, row.form));
        self.state.derived = Some(Derived { key, may_encipher, may_mac, chain: None });
        Ok(Answer::Done)
    }

    /// `80 FA`: blocks enciphered, or a MAC over data padded by the terminal, whole or in parts. The first part starts with
    /// a block of initial value; the last one answers the last block.
    pub(super) fn psam_cipher(
        &mut self,
        model: &Model,
        cipher: Cipher,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let block = model.rules.algorithm.block();
        let derived = self.state.derived.as_mut().ok_or(StatusWord::CONDITIONS_OF_USE)?;
        let allowed = if cipher == Cipher::Encipher { derived.may_encipher } else { derived.may_mac };
        if !allowed {
            return Err(StatusWord::CONDITIONS_OF_USE.into());
        }
        if !data.len().is_multiple_of(block) {
            return Err(StatusWord::WRONG_LENGTH.into());
        }
        let chain = derived.chain.take();
        let (iv, data) = match cipher {
            Cipher::Encipher => {
                out.extend(derived.key.encipher(data));
                return Ok(Answer::Later);
            }
            Cipher::MacSingle | Cipher::MacFirst => {
                let (iv, data) = data.split_at_checked(block).ok_or(StatusWord::WRONG_LENGTH)?;
                (iv.to_vec(), data)
            }
            Cipher::MacMiddle | Cipher::MacLast => (chain.ok_or(StatusWord::NOT_ACCEPTED)?, data),
        };
        if data.is_empty() {
            return Err(StatusWord::WRONG_LENGTH.into());
        }
        match cipher {
            Cipher::MacFirst | Cipher::MacMiddle => {
                derived.chain = Some(derived.key.chain(&iv, data).ok_or(StatusWord::WRONG_LENGTH)?);
                Ok(Answer::Done)
            }
            Cipher::Encipher | Cipher::MacSingle | Cipher::MacLast => {
                out.extend(derived.key.last(&iv, data).ok_or(StatusWord::WRONG_LENGTH)?);
                Ok(Answer::Later)
            }
        }
    }

    /// `80 70`: random (4), card sequence (2), amount (4) or with P1 01 three amounts (12), type (1), date and time (7), key
    /// version (1), algorithm (1), factors; answers the terminal sequence and MAC1.
    pub(super) fn psam_init_purchase(
        &mut self,
        model: &Model,
        three_amounts: bool,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let psam = model.psam.as_ref().ok_or(StatusWord::INS_UNKNOWN)?;
        if self.state.df != Some(psam.df) {
            return Err(StatusWord::CONDITIONS_OF_USE.into());
        }
        self.psam_unlocked(model, psam)?;
        let start = Start::read(data, three_amounts).ok_or(StatusWord::WRONG_LENGTH)?;
        let fits = |key: &&KeyModel| key.df == psam.df && key.class == KeyClass::Dpk && key.id == start.key_version;
        let row = model.keys.iter().find(fits).filter(|row| self.key_state(row).present);
        let row = row.ok_or(StatusWord::KEY_INDEX)?;
        if start.factors.len() != psam.rules.purchase_levels.map_or(levels(row.usage), usize::from) {
            return Err(StatusWord::WRONG_LENGTH.into());
        }
        self.psam_serves(psam, start.fields.date_time)?;
        let used = u32::from_be_bytes(self.memory.array(psam.sequence));
        let sequence = used.checked_add(1).ok_or(StatusWord::COUNTER_MAX)?;
        let mut changes = Changes::default();
        changes.set(psam.sequence, &sequence.to_be_bytes());
        self.commit(&changes)?;
        let key = self.derive(model, row, start.factors, row.form);
        let session = key.transaction_session(purchase_seed(start.random, start.card_sequence, sequence));
        let fields = MacFields { terminal: self.memory.array(psam.terminal), ..start.fields };
        let mac = |rows: &[Field]| session.mac([0; 8], &fields.input(rows));
        let (mac1, mac2) = if three_amounts { (mac(&MAC1), mac(&MAC2)) } else { (mac(&PBOC_MAC1), mac(&PBOC_MAC2)) };
        out.extend(sequence.to_be_bytes());
        out.extend(mac1);
        self.state.purchase = Some(Purchase { mac2 });
        Ok(Answer::Later)
    }

    /// `80 72 00 00 04`: only directly after the purchase was initialized. A failure is stored before the comparison.
    pub(super) fn psam_credit_purchase(
        &mut self,
        model: &Model,
        purchase: Option<Purchase>,
        mac2: [u8; 4],
    ) -> Result<Answer, Stop> {
        let psam = model.psam.as_ref().ok_or(StatusWord::INS_UNKNOWN)?;
        self.psam_unlocked(model, psam)?;
        let purchase = purchase.ok_or(StatusWord::NOT_ACCEPTED)?;
        let failures = self.psam_failures(model);
        let limited = psam.rules.wrong_mac2_max > 0;
        if limited {
            self.restore_tries(model.blocks + PSAM_FAILURES, failures.saturating_add(1))?;
        }
        if !same(&purchase.mac2, &mac2) {
            return Err(StatusWord::MAC_WRONG.into());
        }
        if limited {
            self.restore_tries(model.blocks + PSAM_FAILURES, 0)?;
        }
        Ok(Answer::Done)
    }

    /// `80 CA 00 00 09`: the code of the profile, readable by anyone.
    pub(super) fn psam_code(&self, model: &Model, le: usize, out: &mut Vec<u8>) -> Result<Answer, Stop> {
        let psam = model.psam.as_ref().ok_or(StatusWord::INS_UNKNOWN)?;
        let code = &psam.rules.authentication_code;
        if le != 256 {
            super::expect_le(le, code.len())?;
        }
        out.extend(code);
        Ok(Answer::Now)
    }

    /// Wrong MAC2 in a row.
    fn psam_failures(&self, model: &Model) -> u8 {
        let [failures] = self.memory.array(model.blocks + PSAM_FAILURES);
        failures
    }

    /// Whether wrong MAC2 have ended its purchases.
    pub(crate) fn is_psam_locked(&self, model: &Model, psam: &PsamModel) -> bool {
        let max = psam.rules.wrong_mac2_max;
        max > 0 && self.psam_failures(model) >= max
    }

    fn psam_unlocked(&self, model: &Model, psam: &PsamModel) -> Result<(), Stop> {
        if self.is_psam_locked(model, psam) { Err(StatusWord::APPLICATION_LOCKED.into()) } else { Ok(()) }
    }

    /// Whether the application still serves on the day of a purchase; a date that is none, as on a new card, is no bound.
    fn psam_serves(&self, psam: &PsamModel, [a, b, c, d, ..]: [u8; 7]) -> Result<(), Stop> {
        let is_date = |date: &[u8; 4]| *date != [0; 4] && date.iter().all(|byte| byte >> 4 <= 9 && byte & 0x0F <= 9);
        let bound =
            |address: Option<usize>, counts: bool| Some(self.memory.array(address.filter(|_| counts)?)).filter(is_date);
        let day = [a, b, c, d];
        let is_early = bound(psam.start, psam.rules.checks_start).is_some_and(|start| day < start);
        let is_late = bound(psam.expiry, psam.rules.checks_expiry).is_some_and(|expiry| day > expiry);
        if is_early || is_late { Err(StatusWord::CONDITIONS_OF_USE.into()) } else { Ok(()) }
    }

    /// Derivation runs from the top; where the card's factor comes first on the wire, that is the other way.
    fn derive(&self, model: &Model, row: &KeyModel, factors: &[Block], form: KeyForm) -> CardKey {
        let order = model.psam.as_ref().map_or(FactorOrder::CardFirst, |psam| psam.rules.factor_order);
        let path: Vec<Block> = match order {
            FactorOrder::CardFirst => factors.iter().rev().copied().collect(),
            FactorOrder::CardLast => factors.to_vec(),
        };
        CardKey::derived(&Key16::new(self.memory.array(row.address + 4)), &path, form)
    }

    /// The number last used.
    pub(crate) fn terminal_sequence(&self, model: &Model) -> Option<u32> {
        model.psam.as_ref().map(|psam| u32::from_be_bytes(self.memory.array(psam.sequence)))
    }
}

impl WorkingKey {
    fn encipher(&self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Session(key) => key.encipher(data),
            Self::Whole(key) => match (key.form().rules.algorithm, whole(key)) {
                (Algorithm::Tdes, key) => crypto::tdes_encrypt(&key, data),
                (Algorithm::Sm4, key) => crypto::sm4_encrypt(&key, data),
            },
        }
    }

    /// The state of a CBC-MAC after `data`; `None` when lengths are not whole blocks.
    fn chain(&self, iv: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Session(key) => key.cbc_mac(iv, data),
            Self::Whole(key) => match (key.form().rules.algorithm, whole(key)) {
                (Algorithm::Tdes, key) => Some(crypto::cbc_mac_des(&key.left(), iv.try_into().ok()?, data).to_vec()),
                (Algorithm::Sm4, key) => Some(crypto::cbc_mac_sm4(&key, iv.try_into().ok()?, data).to_vec()),
            },
        }
    }

    /// The last block of a MAC: with a key of 16 bytes and 3DES that of ISO/IEC 9797-1 algorithm 3.
    fn last(&self, iv: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let Self::Whole(key) = self else { return self.chain(iv, data) };
        if key.form().rules.algorithm == Algorithm::Sm4 {
            return self.chain(iv, data);
        }
        // CBC with K_L up to the last block, which all three steps of 3DES encipher.
        let (rest, last) = data.split_last_chunk::<8>()?;
        let state = if rest.is_empty() { iv.to_vec() } else { self.chain(iv, rest)? };
        let mixed: Vec<u8> = state.iter().zip(last).map(|(state, byte)| state ^ byte).collect();
        Some(crypto::tdes_encrypt(&whole(key), &mixed))
    }
}

fn whole(key: &CardKey) -> Key16 {
    let bytes = key.expose();
    Key16::new(bytes.try_into().unwrap_or_else(|_| {
        let mut twice = [0; 16];
        twice.iter_mut().zip(bytes.iter().cycle()).for_each(|(slot, byte)| *slot = *byte);
        twice
    }))
}

/// Whether a key of this usage makes MACs and enciphers: types 6 MAC, 7 encipher, 8 both; the others do neither.
fn uses(usage: u8) -> Result<(bool, bool), Stop> {
    match usage & 0x1F {
        6 => Ok((true, false)),
        7 => Ok((false, true)),
        8 => Ok((true, true)),
        _ => Err(StatusWord::CONDITIONS_OF_USE.into()),
    }
}

/// The data field of INIT SAM FOR PURCHASE.
struct Start<'a> {
    random: [u8; 4],
    card_sequence: u16,
    key_version: u8,
    fields: MacFields,
    factors: &'a [[u8; 8]],
}

impl<'a> Start<'a> {
    fn read(data: &'a [u8], three_amounts: bool) -> Option<Self> {
        let (random, rest) = data.split_first_chunk::<4>()?;
        let (card_sequence, rest) = rest.split_first_chunk::<2>()?;
        let (amounts, amount, rest) = if three_amounts {
            let (amounts, rest) = rest.split_first_chunk::<12>()?;
            (Amounts::from_bytes(*amounts), 0, rest)
        } else {
            let (amount, rest) = rest.split_first_chunk::<4>()?;
            (Amounts::default(), u32::from_be_bytes(*amount), rest)
        };
        let (transaction_type, rest) = rest.split_first()?;
        let (date_time, rest) = rest.split_first_chunk::<7>()?;
        let (key_version, rest) = rest.split_first()?;
        let (_algorithm, rest) = rest.split_first()?;
        let (factors, []) = rest.as_chunks::<8>() else { return None };
        Some(Self {
            random: *random,
            card_sequence: u16::from_be_bytes(*card_sequence),
            key_version: *key_version,
            fields: MacFields {
                amounts,
                amount,
                transaction_type: *transaction_type,
                date_time: *date_time,
                ..MacFields::default()
            },
            factors,
        })
    }
}

/// Levels left: the high three bits.
const fn levels(usage: u8) -> usize {
    (usage >> 5) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use card_profiles::builtin;

    #[test]
    fn a_terminal_transaction_number_at_its_maximum_is_the_last() {
        let profile = builtin("psam").expect("built in");
        let mut card = Card::factory(&profile, [0; 6], &Key16::new([0x11; 16])).expect("a PSAM");
        card.power_on().expect("power");
        let model = std::sync::Arc::clone(&card.model);
        let psam = model.psam.as_ref().expect("a PSAM");
        let mut changes = Changes::default();
        changes.set(psam.sequence, &(u32::MAX - 1).to_be_bytes());
        for key in model.keys.iter().filter(|key| key.class == KeyClass::Dpk) {
            changes.set(key.address, &[1, 3, 1, 0]);
        }
        card.commit(&changes).expect("power");
        card.state.df = Some(psam.df);
        let command = [&[0x80, 0x70, 0x01, 0x00, 0x2C][..], &[0; 26], &[1], &[0; 17]].concat();
        for expected in [0x6108, 0x9402, 0x9402] {
            let mut answer = Vec::new();
            card.transmit(&command, &mut answer).expect("answer");
            assert_eq!(answer, u16::to_be_bytes(expected));
        }
        assert_eq!(card.terminal_sequence(&model), Some(u32::MAX));
    }
}
