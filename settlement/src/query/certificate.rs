//! 参保证明: what is printed, and the code by which anybody checks a print.
//!
//! Source: deployed kiosks print it with a QR code, at most three times a month for one person; the code's form is ours.
//! Owns: the bodies, how a check code is written and read. Never: draws a page.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Insurance, Pin, Standing};
use crate::date::{BusinessDate, DateTime, Month};
use crate::id::{CardIdentifier, RequestId, TerminalNumber};
use crate::message::{AnswerStatus, Request, Version1, request};

/// Where a check code is looked up: this, then the code.
pub const CERTIFICATE_PATH: &str = "/certificate/";

/// Characters of a check code: 16 of 32 letters and digits are 80 bits, which nobody guesses.
pub const CERTIFICATE_CODE_CHARACTERS: usize = 16;

/// Letters and digits that nobody takes for one another (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Asks for a certificate. The same id gives the same certificate again, and counts once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Card in the reader.
    pub card_identifier: CardIdentifier,
    /// What the card said about the PIN: one that the holder chose is needed.
    pub pin: Pin,
}

/// Everything that is printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
    /// Number of the certificate, from 1.
    pub number: u64,
    /// Check code.
    pub code: CertificateCode,
    /// China time of its making.
    pub issued_at: DateTime,
    /// City of the centre, GB/T 2260.
    pub city: String,
    /// AAC003 姓名.
    pub name: String,
    /// AAC002 社会保障号码.
    pub citizen_number: String,
    /// 单位名称, may be empty.
    pub employer: String,
    /// Those that the centre has data of, at least one, in the order of [`Insurance::ALL`].
    pub insurances: Vec<CertifiedInsurance>,
    /// How many more the holder may have this month; none where the site sets no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_this_month: Option<u32>,
}

/// Nobody's name stands in a log.
impl fmt::Debug for CertificateAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateAnswer({})", self.number)
    }
}

/// One insurance on a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertifiedInsurance {
    /// Which.
    pub insurance: Insurance,
    /// How.
    pub standing: Standing,
    /// First month with a contribution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Month>,
    /// Last month with a contribution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Month>,
    /// Months with a contribution in all.
    pub months: u32,
    /// Day of the data that say so.
    pub as_of: BusinessDate,
}

/// Check code of a certificate: 80 random bits, shown as `XXXX-XXXX-XXXX-XXXX`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CertificateCode([u8; CERTIFICATE_CODE_CHARACTERS]);

/// A text that is no check code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a check code has 16 letters and digits")]
pub struct NotCode;

impl CertificateCode {
    /// From random bytes.
    #[must_use]
    pub fn of(random: [u8; 10]) -> Self {
        let bits = random.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        let mut characters = [b'0'; CERTIFICATE_CODE_CHARACTERS];
        for (place, character) in (0_u32..).zip(characters.iter_mut().rev()) {
            let five = usize::try_from(bits >> (5 * place) & 31).unwrap_or_default();
            *character = ALPHABET.get(five).copied().unwrap_or(b'0');
        }
        Self(characters)
    }

    /// Reads what somebody typed: dashes, blanks and small letters are no matter; `O` is 0, `I` and `L` are 1.
    ///
    /// # Errors
    /// [`NotCode`].
    pub fn parse(text: &str) -> Result<Self, NotCode> {
        let mut found = [b'0'; CERTIFICATE_CODE_CHARACTERS];
        let mut count = 0;
        for character in text.bytes().filter(|byte| !matches!(byte, b'-' | b' ')) {
            let character = match character.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other => other,
            };
            if !ALPHABET.contains(&character) {
                return Err(NotCode);
            }
            *found.get_mut(count).ok_or(NotCode)? = character;
            count += 1;
        }
        if count == CERTIFICATE_CODE_CHARACTERS { Ok(Self(found)) } else { Err(NotCode) }
    }
}

impl fmt::Display for CertificateCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(CERTIFICATE_CODE_CHARACTERS + 3);
        for (place, character) in self.0.iter().enumerate() {
            if place > 0 && place % 4 == 0 {
                text.push('-');
            }
            text.push(char::from(*character));
        }
        f.pad(&text)
    }
}

impl fmt::Debug for CertificateCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for CertificateCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CertificateCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Tells what became of a certificate at the kiosk's printer. What was not printed does not count towards the month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificatePrintRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Terminal; the certificate was made for it.
    pub terminal: TerminalNumber,
    /// Number of the certificate.
    pub number: u64,
    /// Whether the printer took it.
    pub printed: bool,
}

/// The centre knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificatePrintAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
}

request!(CertificateRequest, CertificateAnswer, "/terminal/v1/holder/certificate", terminal);
request!(CertificatePrintRequest, CertificatePrintAnswer, "/terminal/v1/holder/certificate/print", terminal);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_shows_every_bit_and_reads_back_however_it_is_typed() {
        assert_eq!(CertificateCode::of([0; 10]).to_string(), "0000-0000-0000-0000");
        assert_eq!(CertificateCode::of([0xFF; 10]).to_string(), "ZZZZ-ZZZZ-ZZZZ-ZZZZ");
        let one = CertificateCode::of([0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(one.to_string(), "0000-0000-0000-0001");
        for typed in ["0000000000000001", "0000 0000 0000 000l", "oooo-OOOO-0000-000I"] {
            assert_eq!(CertificateCode::parse(typed), Ok(one), "{typed}");
        }
        for wrong in ["", "0000-0000-0000-000", "0000-0000-0000-00011", "0000-0000-0000-000U", "０000-0000-0000-0001"]
        {
            assert_eq!(CertificateCode::parse(wrong), Err(NotCode), "{wrong}");
        }
        for place in 0..80_usize {
            let mut random = [0; 10];
            random[9 - place / 8] = 1 << (place % 8);
            let code = CertificateCode::of(random);
            assert_ne!(code, CertificateCode::of([0; 10]), "bit {place}");
            assert_eq!(CertificateCode::parse(&code.to_string()), Ok(code));
        }
    }
}
