//! A person about whom something is said, as a row of the registry: the one that is there, or the one that would be new.
//!
//! Source: docs/adr/0020, 0048.
//! Owns: making a new row ready where no transaction waits for it: dossier, keyed hashes, whether the chip can hold its texts.
//! Never: the database; the seal, which needs the row number.

use crate::person::Details;
use crate::person::dossier::{Dossier, Statement};
use crate::person::field::Field;
use crate::person::no_card::NoCard;
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
    /// Without a citizen number: whether somebody like this one is there is looked up.
    pub(crate) certified: bool,
    /// Bytes of the dossier, not sealed.
    pub(crate) dossier: Vec<u8>,
}

impl Newcomer {
    /// The person of a statement, if nobody spoke of the person before.
    pub(crate) fn of(statement: &Statement<'_>, keys: Option<&DataKeys>) -> Self {
        let dossier = Dossier::begin(statement);
        Self {
            marks: keys.map(|keys| keys.marks(dossier.number(), dossier.value(Field::Name))),
            region: dossier.value(Field::Region).to_owned(),
            no_card: NoCard::of(&dossier),
            certified: !dossier.value(Field::Certificate).is_empty(),
            dossier: dossier.to_bytes(),
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
