//! The commands of a PSAM.
//!
//! Source: published driver sequences; COS manual for `80 1A` and the chained forms of `80 FA`.
//! Owns: their P1-P2 and lengths. Never: looks at the state of the card.

use card_core::StatusWord;

use super::{Header, Request};
use crate::card::Cipher;

pub(super) const DERIVE: u8 = 0xDE;
pub(super) const DELIVER: u8 = 0x1A;
pub(super) const CIPHER: u8 = 0xFA;
pub(super) const INIT_PURCHASE: u8 = 0x70;
pub(super) const CREDIT_PURCHASE: u8 = 0x72;
/// Only where the profile has a code.
pub(super) const CODE: u8 = 0xCA;

pub(super) fn request<'a>(ins: u8, header: Header<'a>) -> Result<Request<'a>, StatusWord> {
    Ok(match ins {
        DERIVE => {
            let data = header.data()?;
            if !data.len().is_multiple_of(8) {
                return Err(StatusWord::WRONG_LENGTH);
            }
            Request::PsamDerive { usage: header.p1, id: header.p2, data }
        }
        DELIVER => {
            let data = header.body.unwrap_or_default();
            if !data.len().is_multiple_of(8) || data.len() != usize::from(header.p3) {
                return Err(StatusWord::WRONG_LENGTH);
            }
            Request::PsamDeliver { usage: header.p1, id: header.p2, data }
        }
        CIPHER => {
            let cipher = match (header.p1, header.p2) {
                (0 | 2, 0) => Cipher::Encipher,
                (1, 0) => Cipher::MacLast,
                (3, 0) => Cipher::MacMiddle,
                (5, 0) => Cipher::MacSingle,
                (7, 0) => Cipher::MacFirst,
                _ => return Err(StatusWord::WRONG_P1P2),
            };
            let data = header.data()?;
            if !data.len().is_multiple_of(8)
                || (matches!(cipher, Cipher::MacSingle | Cipher::MacFirst) && data.len() < 16)
            {
                return Err(StatusWord::WRONG_LENGTH);
            }
            Request::PsamCipher { cipher, data }
        }
        INIT_PURCHASE => {
            // P1 00: one amount (PBOC, Lc 14 + 8N); P1 01: three (social security card, Lc 1C + 8N).
            let (three_amounts, fixed) = match (header.p1, header.p2) {
                (0, 0) => (false, 0x14),
                (1, 0) => (true, 0x1C),
                _ => return Err(StatusWord::WRONG_P1P2),
            };
            let data = header.data()?;
            let factors = data.len().checked_sub(fixed).filter(|rest| rest.is_multiple_of(8) && *rest <= 24);
            factors.ok_or(StatusWord::WRONG_LENGTH)?;
            Request::PsamInitPurchase { three_amounts, data }
        }
        CREDIT_PURCHASE => {
            header.parameters(0, 0)?;
            Request::PsamCreditPurchase { mac2: header.fields(4)?.take() }
        }
        CODE => {
            header.parameters(0, 0)?;
            Request::PsamCode { le: header.le()? }
        }
        _ => return Err(StatusWord::INS_UNKNOWN),
    })
}
