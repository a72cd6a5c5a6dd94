//! The code on a receipt: what was sold by which terminal, signed, without a word about the holder.
//!
//! Source: Ed25519 (RFC 8032), Base32 (RFC 4648) without padding, which QR codes hold in their alphanumeric mode.
//! Owns: its bytes and its text. Never: a card's number, a name; asks anybody.
//!
//! | bytes | content |
//! |---|---|
//! | 1 | 1: a sale by the card; 2: a settlement at the national centre |
//! | 6 | terminal number |
//! | 8 | number of the record, or of the settlement, in the terminal's journal |
//! | 4 | business date, BCD `YYYYMMDD` |
//! | 12 | personal account, self-paid, pooled fund: fen, 4 bytes each |
//! | 64 | signature over the above |
//!
//! Units: numbers big-endian; text is 152 characters.

use std::fmt;

use crate::date::BusinessDate;
use crate::fen::Fen;
use crate::id::{PublicKey, Signature, TerminalNumber};
use crate::signing::{TerminalKey, WrongSignature, verify_receipt};

/// In whose books a sale is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Book {
    /// The terminal's centre: the card paid.
    Centre,
    /// The national centre; the terminal's own has the signature alone.
    National,
}

/// What a code says was sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sold {
    /// Who has it in the books.
    pub book: Book,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Number of the record in its journal, or of the settlement in its national one.
    pub record: u64,
    /// Day on which it counts.
    pub business_date: BusinessDate,
    /// From the personal account, fen.
    pub personal_account: u32,
    /// In cash, fen.
    pub self_paid: u32,
    /// By the pooled fund, fen.
    pub pooled_fund: u32,
}

/// A signed code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptCode {
    sold: Sold,
    signature: Signature,
}

/// A text that is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Another length, or other characters than A to Z and 2 to 7.
    #[error("a receipt's code has {TEXT_LENGTH} letters A to Z and digits 2 to 7")]
    Form,
    /// A version that is not known here.
    #[error("codes of version {0} are not known here; 1 and 2 are")]
    Version(u8),
    /// A day that no calendar has.
    #[error("the code names a day that does not exist")]
    Date,
}

/// Bytes that are signed.
const BODY_LENGTH: usize = 31;
/// Bytes of a code.
const LENGTH: usize = BODY_LENGTH + 64;
/// Characters of a code: 95 bytes are 152 fives of bits.
const TEXT_LENGTH: usize = LENGTH * 8 / 5;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

impl Book {
    const ALL: [Self; 2] = [Self::Centre, Self::National];

    const fn version(self) -> u8 {
        match self {
            Self::Centre => 1,
            Self::National => 2,
        }
    }
}

impl Sold {
    fn body(&self) -> [u8; BODY_LENGTH] {
        let (year, month, day) = self.business_date.parts();
        let two = |number: u16| u8::try_from(number / 10 * 16 + number % 10).expect("two digits");
        let mut body = Vec::with_capacity(BODY_LENGTH);
        body.push(self.book.version());
        body.extend(self.terminal.0);
        body.extend(self.record.to_be_bytes());
        body.extend([two(year / 100), two(year % 100), two(month.into()), two(day.into())]);
        for amount in [self.personal_account, self.self_paid, self.pooled_fund] {
            body.extend(amount.to_be_bytes());
        }
        body.try_into().expect("1 + 6 + 8 + 4 + 12 bytes")
    }

    fn parse(body: &[u8; BODY_LENGTH]) -> Result<Self, CodeError> {
        let [version, t0, t1, t2, t3, t4, t5, r0, r1, r2, r3, r4, r5, r6, r7, rest @ ..] = *body;
        let book = Book::ALL.into_iter().find(|book| book.version() == version).ok_or(CodeError::Version(version))?;
        let [y0, y1, m, d, p0, p1, p2, p3, s0, s1, s2, s3, f0, f1, f2, f3] = rest;
        let date = hex::encode([y0, y1, m, d]);
        let part = |range: std::ops::Range<usize>| date.get(range).unwrap_or_default();
        let text = format!("{}-{}-{}", part(0..4), part(4..6), part(6..8));
        Ok(Self {
            book,
            terminal: TerminalNumber([t0, t1, t2, t3, t4, t5]),
            record: u64::from_be_bytes([r0, r1, r2, r3, r4, r5, r6, r7]),
            business_date: BusinessDate::parse(&text).map_err(|_| CodeError::Date)?,
            personal_account: u32::from_be_bytes([p0, p1, p2, p3]),
            self_paid: u32::from_be_bytes([s0, s1, s2, s3]),
            pooled_fund: u32::from_be_bytes([f0, f1, f2, f3]),
        })
    }

    /// Whole amount.
    #[must_use]
    pub const fn total(&self) -> Fen {
        // Three times 32 bits fit 63.
        Fen::new(self.personal_account as i64 + self.self_paid as i64 + self.pooled_fund as i64)
    }
}

impl ReceiptCode {
    /// Signs; the same sale has the same code at every print.
    #[must_use]
    pub fn sign(sold: Sold, key: &TerminalKey) -> Self {
        Self { sold, signature: key.sign_receipt(&sold.body()) }
    }

    /// Reads a code; lower case and white space between its characters are passed over. It is not verified yet.
    ///
    /// # Errors
    /// [`CodeError`].
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let mut bytes = Vec::with_capacity(LENGTH);
        let (mut bits, mut held) = (0_u32, 0_u32);
        for character in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
            let upper = character.to_ascii_uppercase();
            let five = ALPHABET.iter().position(|letter| *letter == upper).ok_or(CodeError::Form)?;
            bits = bits << 5 | u32::try_from(five).map_err(|_| CodeError::Form)?;
            held += 5;
            if held >= 8 {
                held -= 8;
                bytes.push(u8::try_from(bits >> held & 0xFF).map_err(|_| CodeError::Form)?);
                bits &= (1 << held) - 1;
            }
            if bytes.len() > LENGTH {
                return Err(CodeError::Form);
            }
        }
        if held != 0 {
            return Err(CodeError::Form);
        }
        let bytes: [u8; LENGTH] = bytes.try_into().map_err(|_| CodeError::Form)?;
        let (body, signature) = bytes.split_first_chunk::<BODY_LENGTH>().ok_or(CodeError::Form)?;
        let signature = Signature(signature.try_into().map_err(|_| CodeError::Form)?);
        Ok(Self { sold: Sold::parse(body)?, signature })
    }

    /// The 152 characters.
    #[must_use]
    pub fn text(&self) -> String {
        let bytes = [&self.sold.body()[..], &self.signature.0].concat();
        let mut text = String::with_capacity(TEXT_LENGTH);
        let (mut bits, mut held) = (0_u32, 0_u32);
        for byte in bytes {
            bits = bits << 8 | u32::from(byte);
            held += 8;
            while held >= 5 {
                held -= 5;
                let five = usize::try_from(bits >> held & 31).expect("five bits");
                text.push(char::from(*ALPHABET.get(five).expect("32 letters")));
            }
            bits &= (1 << held) - 1;
        }
        text
    }

    /// What it says; believe it only after [`ReceiptCode::verify`].
    #[must_use]
    pub const fn sold(&self) -> &Sold {
        &self.sold
    }

    /// Whether this terminal signed it.
    ///
    /// # Errors
    /// [`WrongSignature`].
    pub fn verify(&self, key: &PublicKey) -> Result<(), WrongSignature> {
        verify_receipt(key, &self.sold.body(), &self.signature)
    }
}

impl fmt::Display for ReceiptCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    fn key(seed: u8) -> TerminalKey {
        TerminalKey::from_seed(&Zeroizing::new([seed; 32]))
    }

    fn sold() -> Sold {
        Sold {
            book: Book::Centre,
            terminal: TerminalNumber([0x99, 0, 0x11, 0x22, 0x33, 0x44]),
            record: 118,
            business_date: BusinessDate::new(2026, 1, 31).expect("real"),
            personal_account: 5_000,
            self_paid: 10_833,
            pooled_fund: 0,
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_table() {
        let text = ReceiptCode::sign(sold(), &key(1)).text();
        assert_eq!(text.len(), TEXT_LENGTH);
        // 01 990011223344 0000000000000076 20260131 00001388 00002A51 00000000 in fives of bits, by another program.
        assert_eq!(&text[..49], "AGMQAEJCGNCAAAAAAAAAAADWEATACMIAAAJYQAAAFJIQAAAAA");
        let again = ReceiptCode::parse(&text).expect("reads");
        assert_eq!((again.sold(), again.sold().total()), (&sold(), Fen::new(15_833)));
        assert_eq!(ReceiptCode::sign(sold(), &key(1)).text(), text, "a reprint has the same code");
    }

    #[test]
    fn a_settlement_at_the_national_centre_is_another_code_than_a_sale_of_its_number() {
        let national = Sold { book: Book::National, ..sold() };
        let code = ReceiptCode::sign(national, &key(1));
        let again = ReceiptCode::parse(&code.text()).expect("reads");
        assert_eq!((again.sold(), again.verify(&key(1).public_key()).is_ok()), (&national, true));
        // The version is signed with the rest.
        let changed = code.text().replacen("AK", "AG", 1);
        let changed = ReceiptCode::parse(&changed).expect("reads");
        assert_eq!((changed.sold(), changed.verify(&key(1).public_key()).is_err()), (&sold(), true));
    }

    #[test]
    fn one_changed_character_or_another_terminal_is_noticed() {
        let code = ReceiptCode::sign(sold(), &key(1));
        assert!(code.verify(&key(1).public_key()).is_ok());
        assert!(code.verify(&key(2).public_key()).is_err());
        let text = code.text();
        for place in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[place] = if changed[place] == b'B' { b'C' } else { b'B' };
            let changed = String::from_utf8(changed).expect("ASCII");
            let believed = ReceiptCode::parse(&changed).is_ok_and(|code| code.verify(&key(1).public_key()).is_ok());
            assert!(!believed, "{changed}");
        }
    }

    #[test]
    fn a_code_may_be_typed_in_groups_and_small_letters() {
        let code = ReceiptCode::sign(sold(), &key(1));
        let text = code.text().to_ascii_lowercase();
        let groups: Vec<&str> = (0..TEXT_LENGTH / 8).filter_map(|group| text.get(group * 8..group * 8 + 8)).collect();
        assert_eq!(ReceiptCode::parse(&groups.join(" ")), Ok(code));
    }

    #[test]
    fn what_is_no_code_says_why() {
        let good = ReceiptCode::sign(sold(), &key(1)).text();
        assert_eq!(ReceiptCode::parse(""), Err(CodeError::Form));
        assert_eq!(ReceiptCode::parse(&good[1..]), Err(CodeError::Form));
        assert_eq!(ReceiptCode::parse(&format!("{good}A")), Err(CodeError::Form));
        assert_eq!(ReceiptCode::parse(&good.replacen('A', "1", 1)), Err(CodeError::Form));
        assert_eq!(ReceiptCode::parse(&format!("AO{}", &good[2..])), Err(CodeError::Version(3)));
        // 20260131 → 20261331.
        let no_day = good.replacen("EATACMI", "EATBGMI", 1);
        assert_ne!(no_day, good);
        assert_eq!(ReceiptCode::parse(&no_day), Err(CodeError::Date));
    }

    proptest! {
        #[test]
        fn any_text_is_a_code_or_an_error(text in "\\PC{0,200}", letters in "[A-Z2-7]{152}") {
            let _ = ReceiptCode::parse(&text);
            if let Ok(code) = ReceiptCode::parse(&letters) {
                prop_assert_eq!(code.text(), letters);
            }
        }
    }
}
