//! A centre with people and keys in a folder of its own, for the measurements of its import and its stations.
//!
//! Owns: the folder, in the working folder: one for temporary files may be memory, where durable costs nothing.
//! Never: opens a sealed file of keys: the cost of a passphrase is no cost of a row or of a card.

use std::path::PathBuf;
use std::sync::Arc;

use card_core::security::CityCode;
use issuer_service::batch::{self, Selection};
use issuer_service::centre::Centre;
use issuer_service::import::{self, Order, Quiet};
use issuer_service::lang::Lang;
use issuer_service::operator::Role;
use issuer_service::registry::source::REGISTRY;
use issuer_service::store::StoreError;
use issuer_service::vault::data_keys::DataKeys;
use issuer_service::vault::{Kind, Vault};

/// City of the people.
const CITY: &str = "513300";

/// A centre.
#[derive(Debug)]
pub struct Place {
    folder: tempfile::TempDir,
    /// The centre.
    pub centre: Centre,
    /// What people's data are sealed with.
    pub data_keys: Arc<DataKeys>,
}

impl Place {
    /// An empty centre with operators.
    ///
    /// # Panics
    /// When the working folder cannot be written.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::tempdir_in(".").expect("this folder can be written");
        let city = CityCode::parse(CITY).expect("six digits");
        let mut centre =
            Centre::create(&folder.path().join("centre"), city, "915600000251330051010000", None).expect("a centre");
        let data_keys = Arc::new(DataKeys::random().expect("random numbers"));
        centre.store.unlock(Arc::clone(&data_keys)).expect("a new database takes any keys");
        centre
            .store
            .journal(|tx| -> Result<(), StoreError> {
                tx.add_operator("li", &[Role::Capture])?;
                tx.add_operator("wang", &[Role::Approve])?;
                tx.add_operator("sun", &[Role::Station])
            })
            .expect("operators");
        Self { folder, centre, data_keys }
    }

    /// A path in the folder of the centre.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Imports a file of which every row is a new person.
    ///
    /// # Panics
    /// When a row is refused: then nothing is worth measuring.
    pub fn import(&mut self, file: &std::path::Path, rows: u32) {
        let order = Order {
            file,
            source: REGISTRY,
            encoding: None,
            sheet: None,
            city: CityCode::parse(CITY).expect("six digits"),
            people: issuer_service::person::rule::PeopleRules::default(),
            dry_run: false,
            report: None,
            actor: "li",
            lang: Lang::En,
            watcher: &Quiet,
        };
        let counts = import::run(&mut self.centre.store, &order).expect("an import").counts();
        assert_eq!((counts.created, counts.refused), (u64::from(rows), 0), "every row is a new person");
    }

    /// A vault of random keys, with its rows in the database.
    ///
    /// # Panics
    /// When there are no random numbers.
    pub fn vault(&mut self) -> Vault {
        let vault = Vault::rehearsal(&[Centre::card_profile(), Centre::psam_profile()]).expect("random numbers");
        let values = vault.check_values(self.centre.config.city).expect("keys that are there").keys;
        self.centre
            .store
            .journal(|tx| -> Result<(), StoreError> {
                tx.set_fact("public_key", &hex::encode_upper(vault.public_key()))?;
                tx.add_key_set(1, Kind::Rehearsal, "li", &values)
            })
            .expect("keys of a new centre");
        vault
    }

    /// An approved batch of the next people; its number.
    ///
    /// # Panics
    /// When there are not so many people.
    pub fn batch(&mut self, people: u32) -> i64 {
        let selection = Selection::Next { county: None, count: people };
        let made = batch::create(&mut self.centre.store, &selection, Some("li")).expect("a batch");
        assert_eq!(made.cards, u64::from(people), "people enough");
        batch::approve(&mut self.centre.store, made.number, Some("wang"), 'A').expect("approved");
        made.number
    }
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}
