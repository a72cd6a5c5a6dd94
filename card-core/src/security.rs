//! Where keys live. A caller names a key and gets a cryptogram; key bytes never leave a [`SecurityModule`].
//!
//! Source: LD/T 32.4 key hierarchy as published (国家 → 省 → 市 → 卡); PBOC cryptography.
//! Owns: key references, the operations a module offers, their errors.
//! Never: hands out key bytes; decides whether an operation is allowed by business rule.

pub mod keyring;
pub mod psam;

use std::fmt;

pub use self::psam::PurchaseStart;
use crate::crypto::{Block, Block16, KeyForm};
use crate::session::{ChallengeError, SessionError};
use crate::status::StatusWord;

/// Name of a key as the standard prints it: `RKSSSE`, `UK1DF04`, `DPK`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(Box<str>);

impl KeyName {
    /// Takes a name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The diversification factors of one card, from the top of the hierarchy down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factors {
    /// Province: 2 ASCII digits, `0000`, `sh`.
    pub province: Block,
    /// City: 6 ASCII digits, `sx`.
    pub city: Block,
    /// Card: the last 8 historical bytes of its ATR.
    pub card: Block,
}

impl Factors {
    /// Factors of a card issued by the city with this GB/T 2260 code.
    ///
    /// Source: published driver sequences: `3433303030307368` and `3433303230307378` for 430200.
    #[must_use]
    pub const fn of(city_code: CityCode, card: Block) -> Self {
        let [a, b, c, d, e, f] = city_code.0;
        Self { province: [a, b, b'0', b'0', b'0', b'0', b's', b'h'], city: [a, b, c, d, e, f, b's', b'x'], card }
    }

    /// Province, city, card: the way from the national root key down to a card's key.
    #[must_use]
    pub const fn path(&self) -> [Block; 3] {
        [self.province, self.city, self.card]
    }
}

/// 应用城市代码: 6 ASCII digits of GB/T 2260, the first 3 BCD bytes of the card identifier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CityCode([u8; 6]);

impl CityCode {
    /// From 6 digits of text; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; 6] = text.as_bytes().try_into().ok()?;
        digits.iter().all(u8::is_ascii_digit).then_some(Self(digits))
    }

    /// From the first 3 bytes of a card identifier, BCD; `None` when a nibble is not a digit.
    #[must_use]
    pub fn from_bcd(bcd: [u8; 3]) -> Option<Self> {
        let mut digits = [0; 6];
        for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(bcd) {
            *pair = [b'0' + (byte >> 4), b'0' + (byte & 0x0F)];
        }
        digits.iter().all(u8::is_ascii_digit).then_some(Self(digits))
    }

    /// As 3 BCD bytes.
    #[must_use]
    pub fn to_bcd(self) -> [u8; 3] {
        let mut bcd = [0; 3];
        for (byte, [high, low]) in bcd.iter_mut().zip(self.0.as_chunks::<2>().0) {
            *byte = (high - b'0') << 4 | (low - b'0');
        }
        bcd
    }

    /// As text.
    ///
    /// # Panics
    /// Never: the type holds ASCII digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("ASCII digits")
    }
}

impl fmt::Debug for CityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for CityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A key by name, version and the factors that lead from the module's copy to the key meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRef {
    /// Name.
    pub name: KeyName,
    /// Version, from 1.
    pub version: u8,
    /// Diversification factors in order of derivation; empty for the stored key itself.
    pub path: Vec<Block>,
    /// How the card at the end of the path holds it.
    pub form: KeyForm,
}

impl KeyRef {
    /// The key of one card.
    #[must_use]
    pub fn of_card(name: &KeyName, version: u8, factors: &Factors, form: KeyForm) -> Self {
        Self { name: name.clone(), version, path: factors.path().to_vec(), form }
    }

    /// The factors that are left when the module's copy lies below the root key: `above` led to that copy.
    ///
    /// # Errors
    /// [`SecurityError::LevelTooLow`] when the path does not go through that copy: another city, or a level above it.
    pub fn below(&self, above: &[Block]) -> Result<&[Block], SecurityError> {
        let too_low = || SecurityError::LevelTooLow { name: self.name.clone(), levels: self.path.len() };
        self.path.strip_prefix(above).ok_or_else(too_low)
    }
}

/// What is made of the key before it computes a MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MacKey {
    /// The key itself (key load, blocking, card identifier).
    Whole,
    /// The session key of PIN commands, from the card's challenge.
    Message(Block),
    /// The session key of an account command, from its seed (MAC1, MAC2).
    Session(Block),
    /// The key of a TAC, as the rules say: folded (3DES) or whole (SM4).
    Tac,
}

/// A key wrapped for the card's key-load command: enciphered bytes and MAC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// LD, header, key and padding under the protecting key.
    pub enciphered: Vec<u8>,
    /// MAC of the protecting key over the command header and the enciphered bytes, initial value = challenge.
    pub mac: [u8; 4],
}

/// A vault, an HSM, a PSAM or a remote module.
pub trait SecurityModule: Send {
    /// The cryptogram of external and internal authentication: `E(SK, data)` with `SK = E(key, factor)`, or `E(key, data)`, made
    /// 8 bytes by the rules of the key's algorithm.
    ///
    /// # Errors
    /// [`SecurityError`].
    fn authentication_cryptogram(&mut self, key: &KeyRef, factor: Block, data: Block) -> Result<Block, SecurityError>;

    /// A MAC over `message`, padding `80 00…`; SM4 completes `iv` with zeros. A TAC starts from zeros whatever `iv` is.
    ///
    /// # Errors
    /// [`SecurityError`].
    fn mac(&mut self, key: &KeyRef, kind: MacKey, iv: Block, message: &[u8]) -> Result<[u8; 4], SecurityError>;

    /// Encipherment of a PIN block with the session key of `factor`; `blocks` in whole blocks of the key's cipher.
    ///
    /// # Errors
    /// [`SecurityError`].
    fn encipher(&mut self, key: &KeyRef, factor: Block, blocks: &[u8]) -> Result<Vec<u8>, SecurityError>;

    /// Wraps `key` under `protecting` for a key-load command.
    ///
    /// `command` is CLA INS P1 P2 Lc; `header` precedes the key bytes (usage, id, version), as many as the key's form says.
    ///
    /// # Errors
    /// [`SecurityError`].
    fn wrap(
        &mut self,
        key: &KeyRef,
        protecting: &KeyRef,
        command: [u8; 5],
        header: [u8; 3],
        iv: Block,
    ) -> Result<WrappedKey, SecurityError>;

    /// One block of 16 bytes enciphered with the key itself (certificate application). Modules that only serve SSSE cannot.
    ///
    /// # Errors
    /// [`SecurityError`].
    fn encipher_block(&mut self, _key: &KeyRef, _block: Block16) -> Result<Block16, SecurityError> {
        Err(SecurityError::Unsupported { operation: "encipher a block with the key itself" })
    }

    /// `LD ‖ data`, filled to whole blocks, enciphered with the key itself (PIN UNBLOCK of a purse). Modules that only serve SSSE
    /// cannot.
    ///
    /// # Errors
    /// [`SecurityError`].
    fn encipher_message(&mut self, _key: &KeyRef, _data: &[u8]) -> Result<Vec<u8>, SecurityError> {
        Err(SecurityError::Unsupported { operation: "encipher a message with the key itself" })
    }

    /// 终端机编号, where the module numbers purchases and computes their MACs; modules that only hold keys have none.
    fn terminal_number(&self) -> Option<[u8; 6]> {
        None
    }

    /// MAC1 and the next terminal transaction number of a purchase ([`psam::Psam::init_purchase`]).
    ///
    /// # Errors
    /// [`SecurityError`].
    fn start_purchase(
        &mut self,
        _key: &KeyName,
        _fields: &[u8],
        _factors: [Block; 2],
    ) -> Result<PurchaseStart, SecurityError> {
        Err(SecurityError::Unsupported { operation: "number a purchase" })
    }

    /// Whether MAC2 of a card is right; only directly after [`SecurityModule::start_purchase`].
    ///
    /// # Errors
    /// [`SecurityError`].
    fn check_purchase(&mut self, _key: &KeyName, _mac2: [u8; 4]) -> Result<bool, SecurityError> {
        Err(SecurityError::Unsupported { operation: "check the MAC2 of a purchase" })
    }

    /// Key check value: first 3 bytes of E(0).
    ///
    /// # Errors
    /// [`SecurityError`].
    fn check_value(&mut self, key: &KeyRef) -> Result<[u8; 3], SecurityError>;
}

/// Why a module gave no cryptogram.
#[derive(Debug, thiserror::Error)]
pub enum SecurityError {
    /// The module does not hold the key.
    #[error("the security module holds no key {name} version {version}")]
    KeyNotFound {
        /// Key name.
        name: KeyName,
        /// Key version.
        version: u8,
    },
    /// The module holds the key at a lower level than asked (driver code -24).
    #[error("the security module holds {name} at another level: {levels} factors do not fit")]
    LevelTooLow {
        /// Key name.
        name: KeyName,
        /// Factors given.
        levels: usize,
    },
    /// The module does not do this operation.
    #[error("this security module cannot {operation}")]
    Unsupported {
        /// Operation, as a verb.
        operation: &'static str,
    },
    /// The PSAM or HSM refused.
    #[error("the security module refused {name}: {sw:?}")]
    Refused {
        /// Key name.
        name: KeyName,
        /// Its status word.
        sw: StatusWord,
    },
    /// The key may be used inside the module only, and this operation would let it out.
    #[error("the security module keeps {name} inside")]
    StaysInside {
        /// Key name.
        name: KeyName,
    },
    /// The module is not there any more, or its session ended; what was asked may be asked again when it is back.
    #[error("the security module does not answer: {0}")]
    Gone(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Not a PSAM of this scheme.
    #[error("the card in the PSAM slot is not a social security PSAM: {0:?}")]
    NotPsam(StatusWord),
    /// The PSAM did not answer.
    #[error("the security module did not answer: {0}")]
    Session(#[from] SessionError),
    /// The card gave no challenge.
    #[error(transparent)]
    Challenge(#[from] ChallengeError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_of_the_published_example() {
        let city = CityCode::parse("430200").expect("six digits");
        let factors = Factors::of(city, *b"\x86\x50\x43\x02\x00\x00\x00\x13");
        let path: Vec<String> = factors.path().iter().map(hex::encode_upper).collect();
        assert_eq!(path, ["3433303030307368", "3433303230307378", "8650430200000013"]);
    }

    #[test]
    fn city_codes_go_through_bcd() {
        for code in ["430200", "513300", "000000", "999999"] {
            let city = CityCode::parse(code).expect("six digits");
            assert_eq!(CityCode::from_bcd(city.to_bcd()), Some(city));
        }
        assert_eq!(CityCode::from_bcd([0x43, 0x0A, 0x00]), None);
        assert!(CityCode::parse("43020").is_none() && CityCode::parse("43020x").is_none());
    }
}
