//! The place of a soak: a centre with one approved batch, its keys, and blank cards as files in the hoppers of readers.
//!
//! ```text
//! PLACE/centre        the centre's folder
//! PLACE/people.keys   the data keys, sealed
//! PLACE/hopper-N/     cards of reader N: the first is in it
//! PLACE/out/          cards that were taken out
//! ```
//! Owns: the layout, the invented people and keys. Never: a key or a person of anybody's.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use card_core::key::Key16;
use card_core::security::CityCode;
use card_core::security::keyring::KeyRing;
use card_profiles::builtin_text;
use card_profiles::rehearsal::{TRANSPORT_KEY, TRANSPORT_KEY_NAME, TRANSPORT_LOT};
use card_sim::fault::FaultPlan;
use card_sim::image;
use issuer_service::batch::{self, Selection};
use issuer_service::centre::Centre;
use issuer_service::operator::Role;
use issuer_service::person::Details;
use issuer_service::person::dossier::Statement;
use issuer_service::person::field::Fields;
use issuer_service::registry;
use issuer_service::store::StoreError;
use issuer_service::vault::data_keys::DataKeys;
use issuer_service::vault::{Kind, Vault, key_names, root_key};

use crate::failure::Failure;

/// City of the people.
const CITY: &str = "513300";

/// Passphrase of the data keys: what they seal is invented.
const PASSPHRASE: &str = "rehearsal";

/// The batch.
pub const BATCH: i64 = 1;

/// Who approved nothing and may run a station.
pub const OPERATOR: &str = "sun";

/// Blank cards beyond the people of the batch, for each reader.
const SPARE: u32 = 3;

/// A place.
#[derive(Clone, Debug)]
pub struct Place(PathBuf);

impl Place {
    /// The place in a folder.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The centre's folder.
    #[must_use]
    pub fn centre(&self) -> PathBuf {
        self.0.join("centre")
    }

    /// The hopper of a reader; with another number too many there is none.
    #[must_use]
    pub fn hopper(&self, reader: usize) -> PathBuf {
        self.0.join(format!("hopper-{reader}"))
    }

    /// Where cards go.
    #[must_use]
    pub fn out(&self) -> PathBuf {
        self.0.join("out")
    }

    /// Makes it, with a batch of so many people and blank cards for so many readers.
    ///
    /// # Errors
    /// [`Failure::Inhabited`] when there is something already.
    pub fn make(&self, people: u32, readers: u32) -> Result<(), Failure> {
        let folder = || self.0.clone();
        if fs::read_dir(&self.0).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(Failure::Inhabited { folder: folder() });
        }
        fs::create_dir_all(self.out()).map_err(Failure::system(folder()))?;
        self.make_centre(people)?;
        let text = builtin_text("ssc-3.0").unwrap_or_default();
        let mut serial = 0_u32;
        for reader in 0..readers {
            let hopper = self.hopper(reader as usize);
            fs::create_dir(&hopper).map_err(Failure::system(&hopper))?;
            for _ in 0..people.div_ceil(readers) + SPARE {
                serial += 1;
                let [_, b, c, d] = serial.to_be_bytes();
                let path = hopper.join(format!("{serial:06}.card"));
                image::create(&path, text, [0x51, 0x33, 0, b, c, d], &FaultPlan::default())?;
            }
        }
        Ok(())
    }

    fn make_centre(&self, people: u32) -> Result<(), Failure> {
        let city = CityCode::parse(CITY).expect("six digits");
        let mut centre = Centre::create(&self.centre(), city, "915600000251330051010000", None)?;
        let data_keys = DataKeys::random()?;
        data_keys.seal_file(&self.0.join("people.keys"), PASSPHRASE)?;
        centre.store.unlock(Arc::new(data_keys))?;
        let values = Self::vault()?.check_values(city)?.keys;
        centre.store.journal(|tx| -> Result<(), StoreError> {
            tx.add_operator("li", &[Role::Capture])?;
            tx.add_operator("wang", &[Role::Approve])?;
            tx.add_operator(OPERATOR, &[Role::Station])?;
            tx.add_key_set(1, Kind::Rehearsal, "li", &values)?;
            (1..=people).try_for_each(|n| {
                let (details, row) = (person(n), u64::from(n));
                let said = Statement {
                    source: 1,
                    at: 1,
                    import: 1,
                    row,
                    details: &details,
                    fields: Fields::ALL,
                    taken_back: Fields::NONE,
                };
                registry::upsert(tx, &said).map(drop)
            })
        })?;
        let selection = Selection::Next { county: None, count: people };
        batch::create(&mut centre.store, &selection, Some("li"))?;
        batch::approve(&mut centre.store, BATCH, Some("wang"), 'A')?;
        Ok(())
    }

    /// The data keys.
    ///
    /// # Errors
    /// [`Failure::Vault`].
    pub fn data_keys(&self) -> Result<Arc<DataKeys>, Failure> {
        Ok(Arc::new(DataKeys::open(&self.0.join("people.keys"), PASSPHRASE)?))
    }

    /// A vault whose root keys are made of their names, the same in every life; its signing key is a new one.
    ///
    /// # Errors
    /// [`Failure::Vault`].
    pub fn vault() -> Result<Vault, Failure> {
        let vault = Vault::empty(Kind::Rehearsal, Box::new(KeyRing::new()))?;
        for name in key_names(&[Centre::card_profile()]) {
            let mut bytes = [0x5A; 16];
            bytes.iter_mut().zip(name.as_str().bytes()).for_each(|(slot, byte)| *slot = byte);
            vault.add(root_key(name, Vault::FIRST_VERSION, Key16::new(bytes)))?;
        }
        let transport = card_core::security::KeyName::new(TRANSPORT_KEY_NAME);
        vault.add(root_key(transport, TRANSPORT_LOT, Key16::new(TRANSPORT_KEY)))?;
        Ok(vault)
    }
}

fn person(n: u32) -> Details {
    let name = if n.is_multiple_of(2) { "扎西·多吉" } else { "样例" };
    Details {
        number: format!("513301{:04}0101{:03}0", 1900 + n / 1000, n % 1000),
        name: name.to_owned(),
        name_raw: name.to_owned(),
        sex: "1".to_owned(),
        ethnic_group: "04".to_owned(),
        birth_date: format!("{:04}0101", 1900 + n / 1000),
        region: "513301".to_owned(),
        address: "示范路1号".to_owned(),
        phone: "19900001234".to_owned(),
        employer: String::new(),
        certificate: String::new(),
        alive: String::new(),
        name_script: String::new(),
    }
}
