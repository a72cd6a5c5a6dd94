//! Drug catalogues that the centre published, as it signed them, with their texts.
//!
//! Owns: rows of `catalogue`. Never: fetches one; reads a text (`settlement::catalogue`).

use rusqlite::{OptionalExtension as _, params};
use settlement::BusinessDate;
use settlement::DateTime;
use settlement::catalogue::delivery::{DeliveryFault, SignedCatalogue};

use super::entries::write;
use super::{Store, StoreError};

/// The catalogue of a day.
#[derive(Clone, Debug)]
pub struct OfDay {
    /// As it was signed.
    pub signed: SignedCatalogue,
    /// Its text.
    pub text: String,
    /// A newer one that begins no later and that somebody altered here: it is passed over.
    pub instead_of: Option<u64>,
}

impl Store {
    /// What is held, the newest first; what its centre did not sign is left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn catalogues(&self) -> Result<Vec<SignedCatalogue>, StoreError> {
        let Some(key) = self.centre_key()? else { return Ok(Vec::new()) };
        let letters = self.letters()?;
        let signed = letters.into_iter().filter_map(|(_, letter)| SignedCatalogue::parse(&letter));
        Ok(signed.filter(|one| one.is_of(&key)).collect())
    }

    /// The catalogue that a day is sold by: the newest that has begun and is as its centre signed it. `Ok(None)`: none is held.
    ///
    /// # Errors
    /// `Ok(Err(…))` when it is past its time, or all that are held were altered; [`StoreError`].
    pub fn catalogue_of(
        &self,
        day: BusinessDate,
        now: DateTime,
    ) -> Result<Option<Result<OfDay, DeliveryFault>>, StoreError> {
        let key = self.centre_key()?;
        let mut instead_of = None;
        for (sequence, letter) in self.letters()? {
            let signed = SignedCatalogue::parse(&letter).filter(|one| key.is_some_and(|key| one.is_of(&key)));
            let text = match &signed {
                Some(one) if one.valid_from > day => continue,
                Some(one) => self.catalogue_text(one.sequence)?.filter(|text| one.fits(text).is_ok()),
                None => None,
            };
            let (Some(signed), Some(text)) = (signed, text) else {
                instead_of.get_or_insert(sequence);
                continue;
            };
            return Ok(Some(signed.lasts(now).map(|()| OfDay { signed, text, instead_of })));
        }
        Ok(instead_of.map(|sequence| Err(DeliveryFault::Altered { sequence })))
    }

    /// The text of a catalogue that is held, whatever it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn catalogue_text(&self, sequence: u64) -> Result<Option<String>, StoreError> {
        self.connection
            .query_row("SELECT text FROM catalogue WHERE sequence = ?1", [key(sequence)], |row| row.get(0))
            .optional()
            .map_err(|source| self.failure(source))
    }

    /// Keeps these in the place of what is held, all or none; one that came before them stays, should one of them be damaged here.
    ///
    /// # Errors
    /// [`StoreError`]: what was held stays.
    pub fn set_catalogues(&mut self, taken: &[(SignedCatalogue, String)]) -> Result<(), StoreError> {
        let place = self.place.clone();
        write(&mut self.connection, &place, |connection| {
            for (signed, text) in taken {
                connection.execute(
                    "INSERT OR REPLACE INTO catalogue (sequence, letter, text) VALUES (?1, ?2, ?3)",
                    params![key(signed.sequence), signed.to_text(), text],
                )?;
            }
            let first = taken.iter().map(|(signed, _)| key(signed.sequence)).min().unwrap_or(0);
            connection.execute(
                "DELETE FROM catalogue WHERE sequence < (SELECT max(sequence) FROM catalogue WHERE sequence < ?1)",
                [first],
            )?;
            Ok(())
        })
    }

    /// Sequences with what was signed, the newest first.
    fn letters(&self) -> Result<Vec<(u64, String)>, StoreError> {
        let fail = |source| self.failure(source);
        let mut find =
            self.connection.prepare("SELECT sequence, letter FROM catalogue ORDER BY sequence DESC").map_err(fail)?;
        let rows = find.query_map([], |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?))).map_err(fail)?;
        rows.collect::<Result<_, _>>().map_err(fail)
    }
}

/// SQLite numbers with signed 64 bits.
fn key(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{Ed25519KeyPair, KeyPair as _};
    use settlement::catalogue::delivery::Published;
    use settlement::id::{CatalogueVersion, Digest, PublicKey, Signature};

    fn day(text: &str) -> BusinessDate {
        BusinessDate::parse(text).expect("a day")
    }

    fn now() -> DateTime {
        DateTime::parse("20260301120000").expect("real")
    }

    fn signed(sequence: u64, from: &str, text: &str) -> (SignedCatalogue, String) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed");
        let key = PublicKey(pair.public_key().as_ref().try_into().expect("32 bytes"));
        let published = Published {
            sequence,
            name: CatalogueVersion::parse(&format!("v{sequence}")).expect("a word"),
            valid_from: day(from),
            bytes: text.len() as u64,
            digest: Digest::of(text.as_bytes()),
        };
        let until = DateTime::parse("20260401000000").expect("real");
        let sign = |bytes: &[u8]| Signature(pair.sign(bytes).as_ref().try_into().expect("64 bytes"));
        (SignedCatalogue::sign(published, (now(), until), key, sign), text.to_owned())
    }

    fn held(taken: &[(SignedCatalogue, String)]) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        store.set_centre_key(&taken[0].0.centre_key).expect("written");
        store.set_catalogues(taken).expect("written");
        (folder, store)
    }

    fn found(store: &Store, on: &str) -> Option<Result<(u64, Option<u64>), DeliveryFault>> {
        let found = store.catalogue_of(day(on), now()).expect("readable");
        found.map(|found| found.map(|one| (one.signed.sequence, one.instead_of)))
    }

    #[test]
    fn a_day_is_sold_by_the_newest_that_has_begun() {
        let (_folder, mut store) = held(&[signed(1, "2026-01-01", "one"), signed(2, "2026-03-05", "two")]);
        assert_eq!(found(&store, "2025-12-31"), None);
        assert_eq!(found(&store, "2026-03-04"), Some(Ok((1, None))));
        assert_eq!(found(&store, "2026-03-05"), Some(Ok((2, None))));
        let late = DateTime::parse("20260401000001").expect("real");
        let expired = store.catalogue_of(day("2026-03-04"), late).expect("readable").expect("held");
        assert!(matches!(expired, Err(DeliveryFault::Expired { sequence: 1, .. })));
        store.set_catalogues(&[signed(4, "2026-03-01", "four")]).expect("written");
        let sequences: Vec<u64> = store.catalogues().expect("readable").iter().map(|one| one.sequence).collect();
        assert_eq!(sequences, [4, 2], "the one before stays");
    }

    #[test]
    fn what_somebody_altered_here_is_passed_over_and_said() {
        for change in [
            "UPDATE catalogue SET text = 'free' WHERE sequence = 2",
            "UPDATE catalogue SET letter = replace(letter, '2026-02-01', '2026-01-15') WHERE sequence = 2",
            "UPDATE catalogue SET letter = '' WHERE sequence = 2",
        ] {
            let (_folder, store) = held(&[signed(1, "2026-01-01", "one"), signed(2, "2026-02-01", "two")]);
            store.connection.execute(change, []).expect("changed");
            assert_eq!(found(&store, "2026-03-01"), Some(Ok((1, Some(2)))), "{change}");
            store.connection.execute("UPDATE catalogue SET text = 'free'", []).expect("changed");
            assert_eq!(found(&store, "2026-03-01"), Some(Err(DeliveryFault::Altered { sequence: 2 })), "{change}");
        }
    }
}
