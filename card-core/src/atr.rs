//! The answer to reset (复位应答) and what the card's maker says in it.
//!
//! Source: ISO/IEC 7816-3 8.2; historical bytes T1–T13 from field cards.
//! Owns: finding the historical bytes; the card diversification factor. Never: fails on an unknown maker.
#![warn(clippy::indexing_slicing)]

use crate::limits::HISTORICAL_BYTES_MAX;

/// T8 to T13: city and serial of one card.
const SERIAL_BYTES: usize = 6;

/// An answer to reset, as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Atr {
    bytes: Vec<u8>,
    historical: Vec<u8>,
    /// Protocols that the TDs name; none means T=0.
    protocols: Vec<u8>,
}

/// Why an ATR cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AtrError {
    /// It ends before the bytes that it announces.
    #[error("ATR ends after {0} bytes, before the bytes that it announces")]
    Truncated(usize),
    /// Fewer than 8 historical bytes: there is no card diversification factor.
    #[error("ATR has {0} historical bytes; a social security card has 13")]
    HistoricalTooShort(usize),
}

impl Atr {
    /// Finds the historical bytes: TS, T0, interface bytes as T0 and the TDs announce, then K historical bytes.
    ///
    /// # Errors
    /// [`AtrError::Truncated`] when announced bytes are missing.
    pub fn parse(bytes: &[u8]) -> Result<Self, AtrError> {
        let truncated = AtrError::Truncated(bytes.len());
        let t0 = *bytes.get(1).ok_or(truncated)?;
        let mut at = 2;
        let mut announced = t0 >> 4;
        let mut protocols = Vec::new();
        // TA to TD repeat while a TD announces more; each round consumes at least TD, so the ATR's length bounds it.
        loop {
            at += (announced & 0x7).count_ones() as usize;
            if announced & 0x8 == 0 {
                break;
            }
            let td = *bytes.get(at).ok_or(truncated)?;
            protocols.push(td & 0x0F);
            announced = td >> 4;
            at += 1;
        }
        let count = usize::from(t0 & 0x0F).min(HISTORICAL_BYTES_MAX);
        let historical = bytes.get(at..at + count).ok_or(truncated)?.to_vec();
        Ok(Self { bytes: bytes.to_vec(), historical, protocols })
    }

    /// All bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the card offers the block protocol (T=1); readers prefer it to T=0.
    #[must_use]
    pub fn offers_block_protocol(&self) -> bool {
        self.protocols.contains(&1)
    }

    /// TCK, the byte that follows the historical bytes where a protocol other than T=0 is offered: it makes the exclusive or of
    /// all bytes after TS zero (ISO/IEC 7816-3 8.2.5). `None` where there is none.
    #[must_use]
    pub fn check_byte(&self) -> Option<u8> {
        let (_, summed) = self.bytes.split_first()?;
        self.protocols.iter().any(|protocol| *protocol != 0).then(|| summed.iter().fold(0, |sum, byte| sum ^ byte))
    }

    /// 卡复位信息: the historical bytes, 13 on a social security card.
    #[must_use]
    pub fn historical(&self) -> &[u8] {
        &self.historical
    }

    /// What cards of one type share: the historical bytes without the serial, vendor and system and maker (T1 to T7).
    /// `None` when there are no bytes besides a serial.
    #[must_use]
    pub fn card_type(&self) -> Option<&[u8]> {
        let (maker, _serial) = self.historical.split_last_chunk::<SERIAL_BYTES>()?;
        (!maker.is_empty()).then_some(maker)
    }

    /// Whether the serial tells this card from others of its type: it is there and not one byte repeated, as in a chip whose
    /// serial was never written.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        let serial = self.historical.last_chunk::<SERIAL_BYTES>();
        serial.is_some_and(|serial| serial.iter().any(|byte| Some(byte) != serial.first()))
    }

    /// The card diversification factor (卡分散因子): the last 8 historical bytes.
    ///
    /// # Errors
    /// [`AtrError::HistoricalTooShort`] when there are fewer.
    pub fn card_factor(&self) -> Result<[u8; 8], AtrError> {
        self.historical.last_chunk::<8>().copied().ok_or(AtrError::HistoricalTooShort(self.historical.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_of_the_test_card_is_its_last_eight_historical_bytes() {
        let atr = Atr::parse(&hex::decode("3B6D000000813147318650430200000013").expect("hex")).expect("atr");
        assert_eq!(hex::encode_upper(atr.historical()), "00813147318650430200000013");
        assert_eq!(hex::encode_upper(atr.card_factor().expect("factor")), "8650430200000013");
    }

    #[test]
    fn cards_of_one_type_share_what_stands_before_the_serial() {
        let of =
            |atr: &str| Atr::parse(&hex::decode(atr).expect("hex")).expect("atr").card_type().map(hex::encode_upper);
        assert_eq!(of("3B6D000000813147318650430200000013").as_deref(), Some("00813147318650"));
        assert_eq!(of("3B6D000000813147318650510100000099").as_deref(), Some("00813147318650"));
        assert_eq!(of("3B66000001020304 0506".replace(' ', "").as_str()), None, "a serial alone is one card");
        assert_eq!(of("3B620000 0102".replace(' ', "").as_str()), None);
    }

    #[test]
    fn a_serial_that_was_never_written_tells_no_card_from_another() {
        let of = |serial: &str| {
            Atr::parse(&hex::decode(format!("3B6D000000813147318650{serial}")).expect("hex")).expect("atr").is_unique()
        };
        assert!(of("430200000013"));
        assert!(!of("000000000000") && !of("FFFFFFFFFFFF"));
        assert!(!Atr::parse(&hex::decode("3B6300000102 03".replace(' ', "")).expect("hex")).expect("atr").is_unique());
    }

    #[test]
    fn a_psam_atr_with_three_interface_bytes_parses() {
        let atr = Atr::parse(&hex::decode("3B7D96000000814D326086439F20908A3736").expect("hex")).expect("atr");
        assert_eq!(hex::encode_upper(atr.historical()), "00814D326086439F20908A3736");
    }

    #[test]
    fn a_card_that_offers_another_protocol_has_a_check_byte() {
        let of = |atr: &str| Atr::parse(&hex::decode(atr).expect("hex")).expect("atr");
        let plain = of("3B6D000000813147318650430200000013");
        assert_eq!((plain.offers_block_protocol(), plain.check_byte()), (false, None));
        let explicit = of("3B8D0000813147318650430200000013");
        assert_eq!((explicit.offers_block_protocol(), explicit.check_byte()), (false, None));
        // The ATR that readers make up for a common memory card (PC/SC part 3): its TCK is 6A.
        let contactless = of("3B8F8001804F0CA000000306030001000000006A");
        assert_eq!((contactless.offers_block_protocol(), contactless.check_byte()), (true, Some(0)));
        assert_eq!(of("3B8F8001804F0CA00000030603000100000000").check_byte(), Some(0x6A));
    }

    #[test]
    fn every_prefix_of_an_atr_is_refused_without_panic() {
        let whole = hex::decode("3B6D000000813147318650430200000013").expect("hex");
        for n in 0..whole.len() {
            let prefix = whole.get(..n).expect("a prefix");
            assert_eq!(Atr::parse(prefix), Err(AtrError::Truncated(n)));
        }
    }
}
