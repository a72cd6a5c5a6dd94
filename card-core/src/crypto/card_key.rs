//! A key as a card uses it: cipher, length and rules in one, so that vault, PSAM and card cannot differ.
//!
//! Source: as `crypto/des`, `crypto/sm4`; key lengths of the published key table (STK: 8 bytes, left half assumed).
//! Owns: which formula serves which purpose. Never: a name, a store, a comparison.
//! Units: factors, challenges and seeds of 8 bytes; an initial value of 8 bytes is completed with zeros for SM4.

use zeroize::Zeroizing;

use super::sm4::filled;
use super::{Block, Block16, des, pad_for_encipherment, sm4};
use crate::algorithm::{Algorithm, AlgorithmRules, Authentication, Cryptogram, Filling, MacBytes, TacKey};
use crate::key::Key16;

/// Bytes of a key on the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyLength {
    /// 8 bytes (STK of a DES card): the left half of what diversification gives.
    Eight,
    /// 16 bytes.
    Sixteen,
}

impl KeyLength {
    /// From a count of bytes; `None` for anything but 8 and 16.
    #[must_use]
    pub const fn of(bytes: usize) -> Option<Self> {
        match bytes {
            8 => Some(Self::Eight),
            16 => Some(Self::Sixteen),
            _ => None,
        }
    }

    /// As a count of bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Eight => 8,
            Self::Sixteen => 16,
        }
    }
}

/// How a card holds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyForm {
    /// Its algorithm, with the choices that go with it.
    pub rules: AlgorithmRules,
    /// Its length.
    pub length: KeyLength,
}

impl KeyForm {
    /// A 3DES key of 16 bytes.
    pub const TDES: Self = Self { rules: AlgorithmRules::TDES, length: KeyLength::Sixteen };
    /// A DES key of 8 bytes.
    pub const DES: Self = Self { rules: AlgorithmRules::TDES, length: KeyLength::Eight };
    /// An SM4 key.
    pub const SM4: Self = Self { rules: AlgorithmRules::SM4, length: KeyLength::Sixteen };
}

/// A key of one card.
#[derive(Clone, Debug)]
pub struct CardKey {
    key: Key16,
    form: KeyForm,
}

/// A key made for one exchange.
#[derive(Clone, Debug)]
pub struct SessionKey {
    cipher: SessionCipher,
    mac: MacBytes,
    cryptogram: Cryptogram,
    filling: Filling,
}

#[derive(Clone, Debug)]
enum SessionCipher {
    Des(des::Schedule),
    Sm4(sm4::Schedule),
}

impl CardKey {
    /// The key with these 16 bytes; of a key of 8 bytes the left half counts.
    #[must_use]
    pub fn new(key: Key16, form: KeyForm) -> Self {
        let key = match form.length {
            KeyLength::Eight => Key16::from_half(&key.left()),
            KeyLength::Sixteen => key,
        };
        Self { key, form }
    }

    /// The key that `path` leads to from `root`, province first.
    #[must_use]
    pub fn derived(root: &Key16, path: &[Block], form: KeyForm) -> Self {
        let step = |key: Key16, factor: &Block| match form.rules.algorithm {
            Algorithm::Tdes => des::diversify(&key, *factor),
            Algorithm::Sm4 => sm4::diversify_sm4(&key, *factor),
        };
        Self::new(path.iter().fold(root.clone(), step), form)
    }

    /// The key bytes that the card stores: 8 or 16.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        let bytes = self.key.expose();
        bytes.get(..self.form.length.bytes()).unwrap_or(bytes)
    }

    /// Session key of EXTERNAL and INTERNAL AUTHENTICATION and of the PIN commands.
    #[must_use]
    pub fn authentication_session(&self, factor: Block) -> SessionKey {
        let rules = self.form.rules;
        self.session(factor, rules.authentication_filling, rules.message_mac)
    }

    /// The 8 bytes of EXTERNAL and INTERNAL AUTHENTICATION over `data`: with the session key of `factor`, or with the key itself,
    /// as the rules say.
    #[must_use]
    pub fn authentication_cryptogram(&self, factor: Block, data: Block) -> Block {
        let rules = self.form.rules;
        match (rules.authentication, rules.algorithm) {
            (Authentication::Session, _) => self.authentication_session(factor).cryptogram(data),
            (Authentication::Whole, Algorithm::Tdes) => {
                *des::tdes_encrypt(&self.key, &data).first_chunk().expect("one block of 8 bytes")
            }
            (Authentication::Whole, Algorithm::Sm4) => {
                let block = sm4::sm4_encrypt(&self.key, &filled(data, rules.authentication_filling));
                half_of(*block.first_chunk().expect("one block of 16 bytes"), rules.cryptogram)
            }
        }
    }

    /// Session key of the account commands.
    #[must_use]
    pub fn transaction_session(&self, seed: Block) -> SessionKey {
        let rules = self.form.rules;
        self.session(seed, rules.transaction_filling, rules.transaction_mac)
    }

    fn session(&self, seed: Block, filling: Filling, mac: MacBytes) -> SessionKey {
        let rules = self.form.rules;
        let cipher = match rules.algorithm {
            Algorithm::Tdes => SessionCipher::Des(des::Schedule::new(&des::session_key(&self.key, seed))),
            Algorithm::Sm4 => SessionCipher::Sm4(sm4::Schedule::new(&sm4::sm4_session_key(&self.key, seed, filling))),
        };
        SessionKey { cipher, mac, cryptogram: rules.cryptogram, filling: rules.authentication_filling }
    }

    /// MAC with the key itself (key load, blocking, card identifier): ISO/IEC 9797-1 algorithm 3 with 3DES, CBC-MAC with
    /// SM4.
    #[must_use]
    pub fn mac(&self, iv: Block, message: &[u8]) -> [u8; 4] {
        match self.form.rules.algorithm {
            Algorithm::Tdes => des::mac_retail(&self.key, iv, message),
            Algorithm::Sm4 => sm4::mac_sm4(&self.key, filled(iv, Filling::Zeros), message, self.form.rules.message_mac),
        }
    }

    /// TAC over a transaction: initial value zero.
    #[must_use]
    pub fn tac(&self, message: &[u8]) -> [u8; 4] {
        let AlgorithmRules { algorithm, tac_key, transaction_mac, .. } = self.form.rules;
        match (algorithm, tac_key) {
            (Algorithm::Tdes, TacKey::Folded) => des::mac_des(&self.key.fold(), [0; 8], message),
            (Algorithm::Tdes, TacKey::Whole) => des::mac_retail(&self.key, [0; 8], message),
            (Algorithm::Sm4, TacKey::Whole) => sm4::mac_sm4(&self.key, [0; 16], message, transaction_mac),
            (Algorithm::Sm4, TacKey::Folded) => {
                // The fold of a 16-byte key has 8 bytes; SM4 takes it twice.
                let folded = Key16::from_half(&self.key.fold());
                sm4::mac_sm4(&folded, [0; 16], message, transaction_mac)
            }
        }
    }

    /// Enciphers what a key load carries: `LD ‖ data`, padded only where it does not fill a block.
    ///
    /// # Panics
    /// When `data` is longer than 255 bytes.
    #[must_use]
    pub fn encipher(&self, data: &[u8]) -> Vec<u8> {
        let plain = Zeroizing::new(pad_for_encipherment(data, self.form.rules.algorithm.block()));
        match self.form.rules.algorithm {
            Algorithm::Tdes => des::tdes_encrypt(&self.key, &plain),
            Algorithm::Sm4 => sm4::sm4_encrypt(&self.key, &plain),
        }
    }

    /// The inverse of [`CardKey::encipher`], length byte and padding still there; `None` when `data` is not whole blocks.
    #[must_use]
    pub fn decipher(&self, data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let algorithm = self.form.rules.algorithm;
        data.len().is_multiple_of(algorithm.block()).then(|| {
            Zeroizing::new(match algorithm {
                Algorithm::Tdes => des::tdes_decrypt(&self.key, data),
                Algorithm::Sm4 => sm4::sm4_decrypt(&self.key, data),
            })
        })
    }

    /// Whole blocks enciphered with the key itself, nothing added; `None` when they are not whole.
    #[must_use]
    pub fn encipher_blocks(&self, blocks: &[u8]) -> Option<Vec<u8>> {
        let algorithm = self.form.rules.algorithm;
        blocks.len().is_multiple_of(algorithm.block()).then(|| match algorithm {
            Algorithm::Tdes => des::tdes_encrypt(&self.key, blocks),
            Algorithm::Sm4 => sm4::sm4_encrypt(&self.key, blocks),
        })
    }

    /// One block enciphered with the key itself; `None` when its cipher has another block.
    #[must_use]
    pub fn encipher_block(&self, block: Block16) -> Option<Block16> {
        match self.form.rules.algorithm {
            Algorithm::Tdes => None,
            Algorithm::Sm4 => sm4::sm4_encrypt(&self.key, &block).try_into().ok(),
        }
    }

    /// Key check value (校验值): the first 3 bytes of E(0).
    #[must_use]
    pub fn check_value(&self) -> [u8; 3] {
        match self.form.rules.algorithm {
            Algorithm::Tdes => des::check_value(&self.key),
            Algorithm::Sm4 => {
                *sm4::sm4_encrypt(&self.key, &[0; 16]).first_chunk().expect("one block has 3 bytes on the left")
            }
        }
    }

    /// How the card holds it.
    #[must_use]
    pub const fn form(&self) -> KeyForm {
        self.form
    }
}

impl SessionKey {
    /// Bytes of a block.
    #[must_use]
    pub const fn block(&self) -> usize {
        match self.cipher {
            SessionCipher::Des(_) => 8,
            SessionCipher::Sm4(_) => 16,
        }
    }

    /// 8 bytes of authentication cryptogram over 8 bytes.
    #[must_use]
    pub fn cryptogram(&self, plain: Block) -> Block {
        match &self.cipher {
            SessionCipher::Des(key) => key.encrypt_block(plain),
            SessionCipher::Sm4(key) => half_of(key.encrypt_block(filled(plain, self.filling)), self.cryptogram),
        }
    }

    /// Enciphers whole blocks (PIN block).
    ///
    /// # Panics
    /// When `blocks` is not a multiple of [`SessionKey::block`].
    #[must_use]
    pub fn encipher(&self, blocks: &[u8]) -> Vec<u8> {
        match &self.cipher {
            SessionCipher::Des(key) => key.encrypt(blocks),
            SessionCipher::Sm4(key) => key.encrypt(blocks),
        }
    }

    /// The inverse of [`SessionKey::encipher`]; `None` when `blocks` is not whole blocks.
    #[must_use]
    pub fn decipher(&self, blocks: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        blocks.len().is_multiple_of(self.block()).then(|| {
            Zeroizing::new(match &self.cipher {
                SessionCipher::Des(key) => key.decrypt(blocks),
                SessionCipher::Sm4(key) => key.decrypt(blocks),
            })
        })
    }

    /// MAC, padding 80 00… always.
    #[must_use]
    pub fn mac(&self, iv: Block, message: &[u8]) -> [u8; 4] {
        match &self.cipher {
            SessionCipher::Des(key) => key.mac(iv, message),
            SessionCipher::Sm4(key) => key.mac(filled(iv, Filling::Zeros), message, self.mac),
        }
    }

    /// Whole last block of a CBC-MAC over data that the caller has padded; `iv` and `padded` in whole blocks, else `None`.
    #[must_use]
    pub fn cbc_mac(&self, iv: &[u8], padded: &[u8]) -> Option<Vec<u8>> {
        if iv.len() != self.block() || !padded.len().is_multiple_of(self.block()) {
            return None;
        }
        Some(match &self.cipher {
            SessionCipher::Des(key) => key.cbc_mac(iv.try_into().ok()?, padded).to_vec(),
            SessionCipher::Sm4(key) => key.cbc_mac(iv.try_into().ok()?, padded).to_vec(),
        })
    }
}

impl AlgorithmRules {
    /// The 8 bytes of a whole cipher block that an authentication sends (a PSAM answers the block).
    ///
    /// `None` when `block` has not the cipher's length.
    #[must_use]
    pub fn cryptogram_of(&self, block: &[u8]) -> Option<Block> {
        match self.algorithm {
            Algorithm::Tdes => block.try_into().ok(),
            Algorithm::Sm4 => Some(half_of(block.try_into().ok()?, self.cryptogram)),
        }
    }

    /// The 4 bytes of a whole last block that a message MAC sends (a PSAM answers the block, or only its left 4 or 8 bytes).
    ///
    /// `None` when there are too few bytes.
    #[must_use]
    pub fn message_mac_of(&self, block: &[u8]) -> Option<[u8; 4]> {
        match (self.algorithm, self.message_mac) {
            (Algorithm::Tdes, _) | (Algorithm::Sm4, MacBytes::Leftmost) => block.first_chunk().copied(),
            (Algorithm::Sm4, MacBytes::Folded) => {
                let block: &[u8; 16] = block.try_into().ok()?;
                Some(sm4::folded(*block))
            }
        }
    }

    /// 8 bytes as the cipher takes them in an authentication: a block.
    #[must_use]
    pub fn authentication_block(&self, half: Block) -> Vec<u8> {
        match self.algorithm {
            Algorithm::Tdes => half.to_vec(),
            Algorithm::Sm4 => filled(half, self.authentication_filling).to_vec(),
        }
    }

    /// An initial value of 8 bytes as the cipher takes it.
    #[must_use]
    pub fn initial_value(&self, iv: Block) -> Vec<u8> {
        match self.algorithm {
            Algorithm::Tdes => iv.to_vec(),
            Algorithm::Sm4 => filled(iv, Filling::Zeros).to_vec(),
        }
    }

    /// PIN block of RELOAD: count of BCD bytes, BCD, `80 00…` to one block.
    ///
    /// `None` when the PIN does not fit.
    #[must_use]
    pub fn pin_block(&self, pin_bcd: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let block = self.algorithm.block();
        let mut plain = Zeroizing::new(Vec::with_capacity(block));
        plain.push(u8::try_from(pin_bcd.len()).ok()?);
        plain.extend_from_slice(pin_bcd);
        plain.push(0x80);
        (plain.len() <= block).then(|| {
            plain.resize(block, 0);
            plain
        })
    }
}

fn half_of(block: [u8; 16], choice: Cryptogram) -> Block {
    let key = Key16::new(block);
    *match choice {
        Cryptogram::Folded => key.fold(),
        Cryptogram::Left => key.left(),
    }
    .expose()
}
