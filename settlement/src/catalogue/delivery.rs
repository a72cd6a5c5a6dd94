//! A drug catalogue as it leaves the centre (目录下发): numbered, dated, signed, in parts.
//!
//! ```text
//! CatalogueRequest      → what is in effect and what comes next: number, version, first day, size, digest; signed anew
//! CataloguePartRequest  → a part of the text of one of them, from a byte on
//! ```
//! The signature covers the digest of the text, so that a part needs none; the text is believed whole or not at all.
//!
//! Source: Ed25519 (RFC 8032); national catalogues change with days' notice and have some hundred thousand rows.
//! Owns: what the signature covers, when a terminal may take a catalogue over. Never: asks a clock, stores, sends.
//! Units: times are China's, `YYYYMMDDHHMMSS`; sizes and offsets are bytes of the UTF-8 text; sequences from 1.

use serde::{Deserialize, Serialize};

use crate::canonical::Writer;
use crate::date::{BusinessDate, DateTime};
use crate::id::{CatalogueVersion, Digest, PublicKey, RequestId, Signature, TerminalNumber};
use crate::limits::CATALOGUE_BYTES_MAX;
use crate::message::{AnswerStatus, Request, Version1, request};
use crate::signing;

/// A catalogue, without its text, as its centre signed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedCatalogue {
    /// Always 1.
    pub version: Version1,
    /// Who signed.
    pub centre_key: PublicKey,
    /// Grows with every catalogue that is published.
    pub sequence: u64,
    /// Its version, as its publisher names it.
    pub name: CatalogueVersion,
    /// First day on which it is sold by, until one with a higher sequence begins.
    pub valid_from: BusinessDate,
    /// Bytes of its text.
    pub bytes: u64,
    /// SHA-256 of its text.
    pub digest: Digest,
    /// When this was signed.
    pub issued_at: DateTime,
    /// Until when a terminal may sell by it without asking again.
    pub valid_until: DateTime,
    /// Signature over all of it.
    pub signature: Signature,
}

/// Asks which catalogues there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Terminal.
    pub terminal: TerminalNumber,
}

/// The one in effect and those that come next, by sequence; none where the centre publishes none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
    /// Signed, without their texts.
    pub catalogues: Vec<SignedCatalogue>,
}

/// Asks for a part of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CataloguePartRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Which catalogue.
    pub sequence: u64,
    /// First byte.
    pub offset: u64,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CataloguePartAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
    /// From the byte that was asked for; empty at the end.
    pub part: String,
}

request!(CatalogueRequest, CatalogueAnswer, "/terminal/v1/catalogue", terminal);
request!(CataloguePartRequest, CataloguePartAnswer, "/terminal/v1/catalogue/part", terminal);

/// A catalogue is not taken over, or not sold by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryFault {
    /// Another centre's.
    #[error("the catalogue is of the centre with key {key}")]
    Foreign {
        /// Its key.
        key: PublicKey,
    },
    /// The signature does not fit.
    #[error("the signature of catalogue {sequence} does not fit")]
    Unsigned {
        /// Its sequence.
        sequence: u64,
    },
    /// The text is not the one that was signed.
    #[error("the text of catalogue {sequence} is not the one that was signed")]
    Altered {
        /// Its sequence.
        sequence: u64,
    },
    /// Older than what is held.
    #[error("catalogue {offered} is older than catalogue {held}")]
    Older {
        /// The newest that is offered; 0 for none.
        offered: u64,
        /// The newest that is held.
        held: u64,
    },
    /// Past its time.
    #[error("catalogue {sequence} was to be asked for again by {until}")]
    Expired {
        /// Its sequence.
        sequence: u64,
        /// Its last instant.
        until: DateTime,
    },
    /// Signed later than the terminal's clock says it is.
    #[error("catalogue {sequence} was signed at {issued_at}, the clock says {now}")]
    Ahead {
        /// Its sequence.
        sequence: u64,
        /// When.
        issued_at: DateTime,
        /// What the clock says.
        now: DateTime,
    },
    /// A text beyond all bounds.
    #[error("catalogue {sequence} has {bytes} bytes, {CATALOGUE_BYTES_MAX} are allowed")]
    TooLong {
        /// Its sequence.
        sequence: u64,
        /// Its size.
        bytes: u64,
    },
}

/// What is said of a text when it is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Sequence.
    pub sequence: u64,
    /// Version.
    pub name: CatalogueVersion,
    /// First day.
    pub valid_from: BusinessDate,
    /// Bytes of the text.
    pub bytes: u64,
    /// SHA-256 of the text.
    pub digest: Digest,
}

impl SignedCatalogue {
    /// Signs what is said of a text.
    #[must_use]
    pub fn sign(
        published: Published,
        (issued_at, valid_until): (DateTime, DateTime),
        centre_key: PublicKey,
        sign: impl FnOnce(&[u8]) -> Signature,
    ) -> Self {
        let Published { sequence, name, valid_from, bytes, digest } = published;
        let unsigned = Self {
            version: Version1,
            centre_key,
            sequence,
            name,
            valid_from,
            bytes,
            digest,
            issued_at,
            valid_until,
            signature: Signature([0; 64]),
        };
        Self { signature: sign(&unsigned.signed_bytes()), ..unsigned }
    }

    /// From the text of [`Self::to_text`]; `None` for any other.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// As a terminal keeps it: one line of JSON.
    ///
    /// # Panics
    /// Never: every field has a JSON form.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("every field has a JSON form")
    }

    /// Whether this key signed it, as it did those that were taken over.
    #[must_use]
    pub fn is_of(&self, key: &PublicKey) -> bool {
        self.centre_key == *key && signing::verify_catalogue(key, &self.signed_bytes(), &self.signature).is_ok()
    }

    /// Whether this is its text.
    ///
    /// # Errors
    /// [`DeliveryFault::Altered`].
    pub fn fits(&self, text: &str) -> Result<(), DeliveryFault> {
        let fits = text.len() as u64 == self.bytes && Digest::of(text.as_bytes()) == self.digest;
        if fits { Ok(()) } else { Err(DeliveryFault::Altered { sequence: self.sequence }) }
    }

    /// Whether it may still be sold by at this instant.
    ///
    /// # Errors
    /// [`DeliveryFault::Expired`].
    pub fn lasts(&self, now: DateTime) -> Result<(), DeliveryFault> {
        let (sequence, until) = (self.sequence, self.valid_until);
        if until < now { Err(DeliveryFault::Expired { sequence, until }) } else { Ok(()) }
    }

    /// Whether it may be taken over. `latest` is the clock with what it may be behind.
    ///
    /// # Errors
    /// [`DeliveryFault`]; what is held stays.
    pub fn open(&self, key: &PublicKey, now: DateTime, latest: DateTime) -> Result<(), DeliveryFault> {
        let sequence = self.sequence;
        if self.centre_key != *key {
            return Err(DeliveryFault::Foreign { key: self.centre_key });
        }
        if !self.is_of(key) {
            return Err(DeliveryFault::Unsigned { sequence });
        }
        if self.issued_at > latest {
            return Err(DeliveryFault::Ahead { sequence, issued_at: self.issued_at, now });
        }
        if self.bytes > CATALOGUE_BYTES_MAX {
            return Err(DeliveryFault::TooLong { sequence, bytes: self.bytes });
        }
        self.lasts(now)
    }

    /// What the signature covers. No other signed text of the house begins so.
    fn signed_bytes(&self) -> Vec<u8> {
        let Self { centre_key, sequence, name, valid_from, bytes, digest, issued_at, valid_until, .. } = self;
        let (year, month, day) = valid_from.parts();
        Writer::new("settlement-catalogue-1")
            .fixed(&centre_key.0)
            .u64(*sequence)
            .text(name.as_str())
            .u16(year)
            .byte(month)
            .byte(day)
            .u64(*bytes)
            .fixed(&digest.0)
            .fixed(&issued_at.to_bcd())
            .fixed(&valid_until.to_bcd())
            .finish()
    }
}

/// Whether what is offered is as new as what is held: a centre that lost its newest catalogue is not followed.
///
/// # Errors
/// [`DeliveryFault::Older`].
pub fn no_older(offered: &[SignedCatalogue], held: Option<&SignedCatalogue>) -> Result<(), DeliveryFault> {
    let newest = offered.iter().map(|one| one.sequence).max().unwrap_or(0);
    let Some(held) = held else { return Ok(()) };
    // The same number with another text is another catalogue: somebody gave a number twice.
    let is_twice = offered.iter().any(|one| one.sequence == held.sequence && one.digest != held.digest);
    if newest < held.sequence || is_twice {
        return Err(DeliveryFault::Older { offered: newest, held: held.sequence });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::TerminalKey;
    use zeroize::Zeroizing;

    const TEXT: &str = "# version:2026-1\ncode,name\n";

    fn signer(seed: u8) -> TerminalKey {
        TerminalKey::from_seed(&Zeroizing::new([seed; 32]))
    }

    fn time(text: &str) -> DateTime {
        DateTime::parse(text).expect("real")
    }

    fn signed(sequence: u64) -> SignedCatalogue {
        let published = Published {
            sequence,
            name: CatalogueVersion::parse("2026-1").expect("a word"),
            valid_from: BusinessDate::parse("2026-03-01").expect("real"),
            bytes: TEXT.len() as u64,
            digest: Digest::of(TEXT.as_bytes()),
        };
        let key = signer(7);
        let period = (time("20260301080000"), time("20260401080000"));
        SignedCatalogue::sign(published, period, key.public_key(), |bytes| key.sign(bytes))
    }

    #[test]
    fn every_field_is_signed_and_the_text_is_the_one_that_was() {
        let (key, now) = (signer(7).public_key(), time("20260302080000"));
        let good = signed(3);
        assert_eq!((good.open(&key, now, now), good.fits(TEXT)), (Ok(()), Ok(())));
        assert_eq!(SignedCatalogue::parse(&good.to_text()), Some(good.clone()));
        let changes: [fn(&mut SignedCatalogue); 7] = [
            |one| one.sequence = 4,
            |one| one.name = CatalogueVersion::parse("2026-2").expect("a word"),
            |one| one.valid_from = BusinessDate::parse("2026-02-28").expect("real"),
            |one| one.bytes += 1,
            |one| one.digest = Digest([1; 32]),
            |one| one.issued_at = DateTime::parse("20260301080001").expect("real"),
            |one| one.valid_until = DateTime::parse("20270401080000").expect("real"),
        ];
        for change in changes {
            let mut altered = good.clone();
            change(&mut altered);
            let sequence = altered.sequence;
            assert_eq!(altered.open(&key, now, now), Err(DeliveryFault::Unsigned { sequence }));
        }
        for text in ["", "x", &TEXT.replace("name", "eman")] {
            assert_eq!(good.fits(text), Err(DeliveryFault::Altered { sequence: 3 }));
        }
        let other = signer(8).public_key();
        assert!(matches!(good.open(&other, now, now), Err(DeliveryFault::Foreign { .. })));
        let early = time("20260301075959");
        assert!(matches!(good.open(&key, early, early), Err(DeliveryFault::Ahead { .. })));
        let late = time("20260401080001");
        assert!(matches!(good.open(&key, late, late), Err(DeliveryFault::Expired { .. })));
    }

    #[test]
    fn a_centre_that_lost_its_newest_catalogue_is_not_followed() {
        let held = signed(3);
        assert_eq!(no_older(&[signed(2), signed(3)], Some(&held)), Ok(()));
        assert_eq!(no_older(&[signed(4)], Some(&held)), Ok(()));
        assert_eq!(no_older(&[], None), Ok(()));
        let older = Err(DeliveryFault::Older { offered: 2, held: 3 });
        assert_eq!(no_older(&[signed(2)], Some(&held)), older);
        assert_eq!(no_older(&[], Some(&held)), Err(DeliveryFault::Older { offered: 0, held: 3 }));
        let twice = SignedCatalogue { digest: Digest([9; 32]), ..signed(3) };
        assert!(no_older(&[twice], Some(&held)).is_err(), "one number, one text");
    }
}
