//! Which algorithm a card uses (算法标识), and the choices that go with it.
//!
//! Source: FCI object `9F0C 03 86 01 xx` and its fallback as three programs read it; SM4 rules from one to three programs
//! each. No official text of the SM4 rules is public, so each choice is a field with a default, and a profile may set it.
//! Owns: the choices and their names in a profile. Never: computes (`crypto`).

use crate::fci::AlgorithmId;
use crate::security::CityCode;

/// A symmetric algorithm that is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// DES and 3DES with two keys: blocks of 8 bytes.
    Tdes,
    /// SM4 (GB/T 32907): blocks of 16 bytes.
    Sm4,
}

/// The card works with SSF33. Its algorithm is not public: only a PSAM or HSM that has it in its chip can compute it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the card uses SSF33, an algorithm that is not public; only free files can be read")]
pub struct Ssf33;

impl Algorithm {
    /// The algorithm with this byte. Bytes that no source knows mean DES, as in drivers.
    ///
    /// # Errors
    /// [`Ssf33`].
    pub const fn public(id: AlgorithmId) -> Result<Self, Ssf33> {
        match id {
            AlgorithmId::SM4 => Ok(Self::Sm4),
            AlgorithmId::SSF33 => Err(Ssf33),
            AlgorithmId(_) => Ok(Self::Tdes),
        }
    }

    /// The algorithm of an account, by the byte that INITIALIZE answers (算法标识). Its table is not that of the FCI: a highway
    /// card answers 00 for 3DES and 04 for SM4; that 02 and 03 mean there what they mean in the FCI is assumed.
    ///
    /// # Errors
    /// [`Ssf33`].
    pub const fn of_account(byte: u8) -> Result<Self, Ssf33> {
        match byte {
            0x02 => Err(Ssf33),
            0x03 | 0x04 => Ok(Self::Sm4),
            _ => Ok(Self::Tdes),
        }
    }

    /// Its byte in the FCI.
    #[must_use]
    pub const fn id(self) -> AlgorithmId {
        match self {
            Self::Tdes => AlgorithmId::TDES,
            Self::Sm4 => AlgorithmId::SM4,
        }
    }

    /// Bytes of a block.
    #[must_use]
    pub const fn block(self) -> usize {
        match self {
            Self::Tdes => 8,
            Self::Sm4 => 16,
        }
    }
}

impl AlgorithmId {
    /// The algorithm of a card from its FCI, or where that names neither SSF33 nor SM4 from its city: cards of Beijing use
    /// SSF33, all others DES.
    #[must_use]
    pub fn of_card(named: Option<Self>, city: CityCode) -> Self {
        /// Province digits of Beijing.
        const BEIJING: &str = "11";
        match named {
            Some(named @ (Self::SM4 | Self::SSF33)) => named,
            Some(Self(_)) | None if city.as_str().starts_with(BEIJING) => Self::SSF33,
            Some(Self(_)) | None => Self::TDES,
        }
    }
}

/// A choice that a profile names in words.
pub trait Named: Copy + 'static {
    /// Every choice with its name.
    const NAMES: &'static [(&'static str, Self)];

    /// The choice with this name.
    #[must_use]
    fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, choice)| *choice)
    }
}

/// How 8 bytes fill a block of SM4. A block of DES has 8 bytes: nothing to fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filling {
    /// Eight zero bytes.
    Zeros,
    /// The complement of the 8 bytes.
    Complement,
}

/// Which 8 bytes of a block of SM4 are the cryptogram of an authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cryptogram {
    /// Left half xor right half.
    Folded,
    /// The left half.
    Left,
}

/// Which 4 bytes of the last block of an SM4 CBC-MAC are the MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MacBytes {
    /// The leftmost.
    Leftmost,
    /// The xor of the four 32-bit words.
    Folded,
}

/// The key of a TAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TacKey {
    /// Left half xor right half (3DES).
    Folded,
    /// The key itself.
    Whole,
}

/// What EXTERNAL and INTERNAL AUTHENTICATION are made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// A session key of 8 bytes of factor; the data say what it enciphers (LD/T 32).
    Session,
    /// The key itself, over the challenge (PBOC).
    Whole,
}

impl Named for Authentication {
    const NAMES: &'static [(&'static str, Self)] = &[("session", Self::Session), ("whole", Self::Whole)];
}

impl Named for Filling {
    const NAMES: &'static [(&'static str, Self)] = &[("zeros", Self::Zeros), ("complement", Self::Complement)];
}

impl Named for Cryptogram {
    const NAMES: &'static [(&'static str, Self)] = &[("folded", Self::Folded), ("left", Self::Left)];
}

impl Named for MacBytes {
    const NAMES: &'static [(&'static str, Self)] = &[("leftmost", Self::Leftmost), ("folded", Self::Folded)];
}

impl Named for TacKey {
    const NAMES: &'static [(&'static str, Self)] = &[("folded", Self::Folded), ("whole", Self::Whole)];
}

/// An algorithm with every choice that the sources leave open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlgorithmRules {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// What EXTERNAL and INTERNAL AUTHENTICATION are made with.
    pub authentication: Authentication,
    /// Key version byte after the data of EXTERNAL and INTERNAL AUTHENTICATION: `None` for Lc 10, else Lc 11.
    pub key_version_byte: Option<u8>,
    /// Session key and data of authentication and PIN commands.
    pub authentication_filling: Filling,
    /// Seed of the session key of account commands.
    pub transaction_filling: Filling,
    /// Cryptogram of EXTERNAL and INTERNAL AUTHENTICATION.
    pub cryptogram: Cryptogram,
    /// MAC of secure messaging: PIN commands, key load, blocking.
    pub message_mac: MacBytes,
    /// MAC1, MAC2 and TAC.
    pub transaction_mac: MacBytes,
    /// Key of the TAC.
    pub tac_key: TacKey,
}

impl AlgorithmRules {
    /// 3DES: blocks have 8 bytes, so that only the TAC key is a choice.
    pub const TDES: Self = Self {
        algorithm: Algorithm::Tdes,
        authentication: Authentication::Session,
        key_version_byte: None,
        authentication_filling: Filling::Zeros,
        transaction_filling: Filling::Complement,
        cryptogram: Cryptogram::Folded,
        message_mac: MacBytes::Leftmost,
        transaction_mac: MacBytes::Leftmost,
        tac_key: TacKey::Folded,
    };

    /// SM4. Zeros: two programs. Folded cryptogram and version byte: one program. Complement, leftmost MAC, TAC key used
    /// whole: one program for highway cards. Whether the MAC of SSSE folds as that of the certificate application does
    /// is not known.
    pub const SM4: Self =
        Self { algorithm: Algorithm::Sm4, key_version_byte: Some(0x01), tac_key: TacKey::Whole, ..Self::TDES };

    /// The rules of an algorithm, every choice at its default.
    #[must_use]
    pub const fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Tdes => Self::TDES,
            Algorithm::Sm4 => Self::SM4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_byte_is_recognized_as_drivers_do() {
        let [beijing, other] = ["110100", "430200"].map(|code| CityCode::parse(code).expect("six digits"));
        for id in (0..=u8::MAX).map(Some).chain([None]) {
            for city in [beijing, other] {
                let used = AlgorithmId::of_card(id.map(AlgorithmId), city);
                let expected = match id {
                    Some(2) => Err(Ssf33),
                    Some(3) => Ok(Algorithm::Sm4),
                    _ if city == beijing => Err(Ssf33),
                    _ => Ok(Algorithm::Tdes),
                };
                assert_eq!(Algorithm::public(used), expected, "{id:02X?}");
            }
        }
    }

    #[test]
    fn choices_are_found_by_their_names_only() {
        assert_eq!(Filling::named("complement"), Some(Filling::Complement));
        assert_eq!(MacBytes::named("folded"), Some(MacBytes::Folded));
        assert_eq!(TacKey::named("Folded"), None);
        assert_eq!(Cryptogram::NAMES.len(), 2);
    }
}
