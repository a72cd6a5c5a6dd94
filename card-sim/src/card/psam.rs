//! The PSAM's own commands: derive, encipher, MAC, and the purchase pair.
//!
//! Source: published driver sequences (`BF DE`, `80 FA`, `80 70 01 00`, `80 72`); usage byte of the key table.
//! Owns: levels and types of keys, the derived session key, the terminal transaction number.
//! Never: gives a terminal transaction number twice: it is stored as used before it is answered.

use card_core::StatusWord;
use card_core::algorithm::Algorithm;
use card_core::crypto::{Block, CardKey, KeyForm, KeyLength, SessionKey};
use card_core::key::Key16;
use card_profiles::account::{Amounts, Field, MacFields, purchase_seed};
use card_profiles::profile::KeyClass;

use super::{Answer, Card, Stop, same};
use crate::memory::Changes;
use crate::model::{KeyModel, Model};

/// MAC1 of a purchase: three amounts, type, terminal, date and time.
const MAC1: [Field; 4] = [Field::Amounts, Field::Type, Field::Terminal, Field::DateTime];
/// MAC2 of a purchase: the three amounts (assumed, as in the profile of the user card).
const MAC2: [Field; 1] = [Field::Amounts];

/// Session key in the PSAM until the next derivation, selection or reset.
pub(super) struct Derived {
    key: SessionKey,
    may_encipher: bool,
    may_mac: bool,
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
        // Types of the usage byte: 6 MAC, 7 encipher, 8 both; the others derive no session key.
        let (may_mac, may_encipher) = match usage & 0x1F {
            6 => (true, false),
            7 => (false, true),
            8 => (true, true),
            _ => return Err(StatusWord::CONDITIONS_OF_USE.into()),
        };
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
        let key = self.derive(row, factors, form).authentication_session(random);
        self.state.derived = Some(Derived { key, may_encipher, may_mac });
        Ok(Answer::Done)
    }

    pub(super) fn psam_encipher(&self, data: &[u8], out: &mut Vec<u8>) -> Result<Answer, Stop> {
        let derived = self.state.derived.as_ref().filter(|derived| derived.may_encipher);
        let derived = derived.ok_or(StatusWord::CONDITIONS_OF_USE)?;
        if !data.len().is_multiple_of(derived.key.block()) {
            return Err(StatusWord::WRONG_LENGTH.into());
        }
        out.extend(derived.key.encipher(data));
        Ok(Answer::Later)
    }

    /// A block of initial value, then data padded by the terminal; the last block.
    pub(super) fn psam_mac(&self, data: &[u8], out: &mut Vec<u8>) -> Result<Answer, Stop> {
        let derived = self.state.derived.as_ref().filter(|derived| derived.may_mac);
        let derived = derived.ok_or(StatusWord::CONDITIONS_OF_USE)?;
        let (iv, padded) = data.split_at_checked(derived.key.block()).ok_or(StatusWord::WRONG_LENGTH)?;
        if padded.is_empty() {
            return Err(StatusWord::WRONG_LENGTH.into());
        }
        out.extend(derived.key.cbc_mac(iv, padded).ok_or(StatusWord::WRONG_LENGTH)?);
        Ok(Answer::Later)
    }

    /// `80 70 01 00`: random (4), card sequence (2), amounts (12), type (1), date and time (7), key version (1),
    /// algorithm (1), factors; answers the terminal sequence and MAC1.
    pub(super) fn psam_init_purchase(&mut self, model: &Model, data: &[u8], out: &mut Vec<u8>) -> Result<Answer, Stop> {
        let psam = model.psam.as_ref().ok_or(StatusWord::INS_UNKNOWN)?;
        if self.state.df != Some(psam.df) {
            return Err(StatusWord::CONDITIONS_OF_USE.into());
        }
        let start = Start::read(data).ok_or(StatusWord::WRONG_LENGTH)?;
        let fits = |key: &&KeyModel| key.df == psam.df && key.class == KeyClass::Dpk && key.id == start.key_version;
        let row = model.keys.iter().find(fits).filter(|row| self.key_state(row).present);
        let row = row.ok_or(StatusWord::KEY_INDEX)?;
        if start.factors.len() != levels(row.usage) {
            return Err(StatusWord::WRONG_LENGTH.into());
        }
        let used = u32::from_be_bytes(self.memory.array(psam.sequence));
        let sequence = used.checked_add(1).ok_or(StatusWord::COUNTER_MAX)?;
        let mut changes = Changes::default();
        changes.set(psam.sequence, &sequence.to_be_bytes());
        self.commit(&changes)?;
        let key = self.derive(row, start.factors, row.form);
        let session = key.transaction_session(purchase_seed(start.random, start.card_sequence, sequence));
        let fields = MacFields { terminal: self.memory.array(psam.terminal), ..start.fields };
        let mac = |rows: &[Field]| session.mac([0; 8], &fields.input(rows));
        out.extend(sequence.to_be_bytes());
        out.extend(mac(&MAC1));
        self.state.purchase = Some(Purchase { mac2: mac(&MAC2) });
        Ok(Answer::Later)
    }

    /// On the wire the card's factor comes first; derivation runs from the top, so the other way.
    fn derive(&self, row: &KeyModel, factors: &[Block], form: KeyForm) -> CardKey {
        let path: Vec<Block> = factors.iter().rev().copied().collect();
        CardKey::derived(&Key16::new(self.memory.array(row.address + 4)), &path, form)
    }

    /// The number last used.
    pub(crate) fn terminal_sequence(&self) -> Option<u32> {
        self.model.psam.as_ref().map(|psam| u32::from_be_bytes(self.memory.array(psam.sequence)))
    }

    /// `80 72 00 00 04`: only directly after the purchase was initialized.
    pub(super) fn psam_credit_purchase(purchase: Option<Purchase>, mac2: [u8; 4]) -> Result<Answer, Stop> {
        let purchase = purchase.ok_or(StatusWord::NOT_ACCEPTED)?;
        if same(&purchase.mac2, &mac2) { Ok(Answer::Done) } else { Err(StatusWord::MAC_WRONG.into()) }
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
    fn read(data: &'a [u8]) -> Option<Self> {
        let (random, rest) = data.split_first_chunk::<4>()?;
        let (card_sequence, rest) = rest.split_first_chunk::<2>()?;
        let (amounts, rest) = rest.split_first_chunk::<12>()?;
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
                amounts: Amounts::from_bytes(*amounts),
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
