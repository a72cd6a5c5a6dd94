//! A person about whom something is said, as a row of the registry: the one that is there, or the one that would be new.
//!
//! Source: docs/adr/0020, 0048.
//! Owns: making a new row ready where no transaction waits for it: dossier, keyed hashes, whether the chip can hold its texts.
//! Never: the database; knows the row number, which is guessed for the seal.

use crate::person::Details;
use crate::person::dossier::{Dossier, Statement};
use crate::person::field::Fields;
use crate::person::no_card::NoCard;
use crate::store::place_of_person as place;
use crate::vault::data_keys::{DataKeys, Marks};

/// A person who is registered.
pub(crate) struct Known {
    /// Row number.
    pub(crate) id: i64,
    /// Number of the import that registered the person, 0 for none.
    pub(crate) import: u32,
    /// What is known.
    pub(crate) dossier: Dossier,
}

/// A person who may not be registered yet, ready to be.
pub(crate) struct Newcomer {
    /// What the person is found by; none without data keys.
    pub(crate) marks: Option<Marks>,
    pub(crate) region: String,
    pub(crate) no_card: Option<NoCard>,
    /// What the source takes back, of somebody who is registered.
    pub(crate) taken_back: Fields,
    /// Bytes of the dossier, not sealed.
    pub(crate) dossier: Vec<u8>,
    /// The same, sealed for the row number that it will get, it seems.
    pub(crate) sealed: Option<Sealed>,
}

/// A dossier that is sealed before its turn, under the generation of its marks.
pub(crate) struct Sealed {
    /// Row number that it opens in.
    pub(crate) id: i64,
    pub(crate) bytes: Vec<u8>,
}

impl Newcomer {
    /// The person of a statement, if nobody spoke of the person before; `id` is the row number that a new one gets, it seems.
    pub(crate) fn of(statement: &Statement<'_>, keys: Option<&DataKeys>, id: Option<i64>) -> Self {
        let details = statement.details;
        let dossier = Dossier::first_bytes(statement);
        let seal = |(keys, id): (&DataKeys, i64)| {
            // What fails here fails again when the row has its turn, and is told there.
            let bytes = keys.seal(keys.newest(), &place(id), &dossier).ok()?;
            Some(Sealed { id, bytes })
        };
        Self {
            sealed: keys.zip(id).and_then(seal),
            marks: keys.map(|keys| keys.marks(&details.number, &details.name)),
            region: details.region.clone(),
            no_card: NoCard::of_first(details),
            taken_back: statement.taken_back,
            dossier,
        }
    }

    /// What the statement said.
    ///
    /// # Panics
    /// Never: the bytes are those of a dossier.
    pub(crate) fn details(&self) -> Details {
        Dossier::from_bytes(&self.dossier).expect("the bytes of a dossier").details()
    }
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Known({})", self.id)
    }
}

impl std::fmt::Debug for Newcomer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Newcomer(..)")
    }
}
