//! The commands of a PSAM.
//!
//! Source: published driver sequences; COS manual for `80 1A` and the chained forms of `80 FA`.
//! Owns: their P1-P2 and lengths. Never: looks at the state of the card.

use card_core::StatusWord;

use super::{Header, Request};

pub(super) const DERIVE: u8 = 0xDE;
pub(super) const CIPHER: u8 = 0xFA;
pub(super) const INIT_PURCHASE: u8 = 0x70;
pub(super) const CREDIT_PURCHASE: u8 = 0x72;

pub(super) fn request<'a>(ins: u8, header: Header<'a>) -> Result<Request<'a>, StatusWord> {
    Ok(match ins {
        DERIVE => {
            let data = header.data()?;
            if data.len() % 8 != 0 {
                return Err(StatusWord::WRONG_LENGTH);
            }
            Request::PsamDerive { usage: header.p1, id: header.p2, data }
        }
        CIPHER => {
            let cipher = match (header.p1, header.p2) {
                (0, 0) => Request::PsamEncipher,
                (5, 0) => Request::PsamMac,
                _ => return Err(StatusWord::WRONG_P1P2),
            };
            let data = header.data()?;
            if data.len() % 8 != 0 || (header.p1 == 5 && data.len() < 16) {
                return Err(StatusWord::WRONG_LENGTH);
            }
            cipher(data)
        }
        INIT_PURCHASE => {
            header.parameters(1, 0)?;
            let data = header.data()?;
            if !matches!(data.len(), 0x1C | 0x24 | 0x2C | 0x34) {
                return Err(StatusWord::WRONG_LENGTH);
            }
            Request::PsamInitPurchase(data)
        }
        CREDIT_PURCHASE => {
            header.parameters(0, 0)?;
            Request::PsamCreditPurchase { mac2: header.fields(4)?.take() }
        }
        _ => return Err(StatusWord::INS_UNKNOWN),
    })
}
