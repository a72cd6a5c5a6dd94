//! The kinds of case: one table of name, what it computes, and the functions of the product that it stands for.
//!
//! Owns: the table; reading hex. Never: knows files.

pub mod card;
pub mod crypto;
pub mod issue;

use crate::case::Case;

/// What a case expected and what the product made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Computed {
    /// As in the case, in its normal spelling.
    pub expected: String,
    /// From the product.
    pub got: String,
}

/// Why a case cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KindError {
    /// No such kind.
    #[error("kind {0:?} is not known; known are {known}", known = names())]
    Unknown(String),
    /// A field is not hex.
    #[error("{0} is not hexadecimal bytes")]
    NotHex(&'static str),
    /// A field has a wrong length.
    #[error("{field} has {got} bytes, {expected} needed")]
    Length {
        /// Field.
        field: &'static str,
        /// Bytes there.
        got: usize,
        /// What is needed, in words.
        expected: &'static str,
    },
    /// A field is not what the kind takes.
    #[error("{field} is no {expected}")]
    Field {
        /// Field.
        field: &'static str,
        /// What the kind takes there.
        expected: &'static str,
    },
    /// No such command.
    #[error("command {0:?} is not known")]
    UnknownCommand(String),
    /// A command has other arguments.
    #[error("{command} takes: {usage}")]
    Arguments {
        /// Command.
        command: &'static str,
        /// Its arguments.
        usage: &'static str,
    },
}

/// A kind.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Name in cases.
    pub name: &'static str,
    /// What key, data and out are.
    pub about: &'static str,
    /// Functions of `card-core` and `card-profiles` that a case of this kind runs.
    pub covers: &'static [&'static str],
    compute: fn(&Case) -> Result<Computed, KindError>,
}

/// Every kind.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "tdes",
        about: "ECB with an 8-byte key (DES) or a 16-byte key (3DES), also backwards",
        covers: &["des_encrypt", "tdes_encrypt", "tdes_decrypt"],
        compute: crypto::tdes,
    },
    Kind {
        name: "mac",
        about: "padding 80 always; 8-byte key: CBC-MAC; 16-byte key: ISO/IEC 9797-1 algorithm 3; iv; out 4 to 8 bytes",
        covers: &["mac_des", "mac_retail", "cbc_mac_des", "pad"],
        compute: crypto::mac,
    },
    Kind {
        name: "div",
        about: "diversification: data = 8-byte factors in order of derivation",
        covers: &["diversify"],
        compute: crypto::diversification,
    },
    Kind { name: "fold", about: "left half xor right half, no data", covers: &["fold"], compute: crypto::fold },
    Kind { name: "kcv", about: "key check value, no data", covers: &["check_value"], compute: crypto::check_value },
    Kind {
        name: "session",
        about: "session key: 3DES(key, 8 bytes of seed)",
        covers: &["session_key"],
        compute: crypto::session,
    },
    Kind {
        name: "encipherment",
        about: "length byte, data, padding 80 if needed, then 3DES",
        covers: &["pad_for_encipherment"],
        compute: crypto::encipherment,
    },
    Kind {
        name: "sm4",
        about: "ECB with SM4, also backwards",
        covers: &["sm4_encrypt", "sm4_decrypt"],
        compute: crypto::sm4,
    },
    Kind {
        name: "sm4-mac",
        about: "SM4 CBC-MAC, padding 80 always; iv; out 4 to 16 bytes",
        covers: &["cbc_mac_sm4", "pad"],
        compute: crypto::sm4_mac,
    },
    Kind {
        name: "sm4-mac-folded",
        about: "SM4 CBC-MAC, the four 32-bit words of the last block xored",
        covers: &["mac_sm4"],
        compute: crypto::sm4_mac_folded,
    },
    Kind {
        name: "sm4-div",
        about: "diversification: data = 8-byte factors in order; SM4 over factor and complement",
        covers: &["diversify_sm4"],
        compute: crypto::sm4_diversification,
    },
    Kind {
        name: "sm4-session",
        about: "session key of an authentication: SM4 over 8 bytes of seed and eight zeros",
        covers: &["sm4_session_key"],
        compute: crypto::sm4_session,
    },
    Kind {
        name: "sm3",
        about: "hash of data, no key; out its first 16 bytes or all",
        covers: &["sm3"],
        compute: crypto::sm3,
    },
    Kind {
        name: "sm2-digest",
        about: "key = private key; iv = identity of the signer, else the default; out = SM3 of Z and data",
        covers: &["sm2_digest"],
        compute: crypto::sm2_digest,
    },
    Kind {
        name: "sm2-sign",
        about: "key = private key; iv = nonce; data = digest; out = r, s",
        covers: &["sm2_sign", "sm2_verify"],
        compute: crypto::sm2_signature,
    },
    Kind {
        name: "sm2-cipher",
        about: "key = private key, its public key enciphers; iv = nonce; out = C1 (X, Y), C3, C2",
        covers: &["sm2_encrypt", "sm2_decrypt"],
        compute: crypto::sm2_cipher,
    },
    Kind {
        name: "apdu",
        about: "data = function of card-core's command list and its arguments; out = bytes on T=0",
        covers: &[],
        compute: card::apdu,
    },
    Kind {
        name: "account",
        about: "key = profile; data = account command and its arguments; out = bytes on T=0",
        covers: &[],
        compute: card::account,
    },
    Kind {
        name: "trace",
        about: "trace = conversation; data = commands as a program gives them; out = whole answers with status words",
        covers: &["send"],
        compute: card::trace,
    },
    Kind {
        name: "fci",
        about: "out = name/SFI/algorithm, - where absent",
        covers: &["Fci::parse"],
        compute: card::fci,
    },
    Kind {
        name: "atr",
        about: "out = historical bytes/card factor",
        covers: &["Atr::parse", "card_factor"],
        compute: card::atr,
    },
    Kind { name: "tlv", about: "out = tag:value of each record, spaced", covers: &["items"], compute: card::tlv },
    Kind {
        name: "factors",
        about: "key = city code; data = card factor; out = province, city, card factor",
        covers: &["Factors::of"],
        compute: card::factors,
    },
    Kind {
        name: "element",
        about: "key = profile/DF.EF.item, or a format; data = value; out = bytes; both directions",
        covers: &["encode", "decode"],
        compute: issue::element,
    },
    Kind {
        name: "card-number",
        about: "data = 8 characters; out = with check character",
        covers: &["card_number"],
        compute: issue::card_number,
    },
    Kind {
        name: "gb11643",
        about: "data = social security number; out = region/birth date/sex, or the code of what is wrong",
        covers: &["CitizenNumber::parse"],
        compute: issue::citizen_number,
    },
];

fn names() -> String {
    KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ")
}

/// Computes a case.
///
/// # Errors
/// [`KindError`] when the case is not one of its kind.
pub fn compute(case: &Case) -> Result<Computed, KindError> {
    let kind = KINDS.iter().find(|kind| kind.name == case.kind).ok_or_else(|| KindError::Unknown(case.kind.clone()))?;
    (kind.compute)(case)
}

impl Computed {
    /// Bytes against the hex of `out`.
    pub(crate) fn bytes(case: &Case, got: &[u8]) -> Result<Self, KindError> {
        let expected = bytes("out", &case.out)?;
        Ok(Self { expected: hex::encode_upper(expected), got: hex::encode_upper(got) })
    }

    /// Text against the text of `out`.
    pub(crate) fn text(case: &Case, got: String) -> Self {
        Self { expected: case.out.clone(), got }
    }
}

/// The bytes of a hex field.
pub(crate) fn bytes(field: &'static str, text: &str) -> Result<Vec<u8>, KindError> {
    hex::decode(text).map_err(|_| KindError::NotHex(field))
}

/// The bytes of a hex field of fixed length.
pub(crate) fn exactly<const N: usize>(
    field: &'static str,
    text: &str,
    expected: &'static str,
) -> Result<[u8; N], KindError> {
    let bytes = bytes(field, text)?;
    <[u8; N]>::try_from(bytes.as_slice()).map_err(|_| KindError::Length { field, got: bytes.len(), expected })
}
