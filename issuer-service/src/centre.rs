//! The data folder of a centre: where its database, vault and configuration are, and who works in it.
//!
//! ```text
//! DIR/centre.toml            configuration, edited by people
//! DIR/centre.db              database, unless the configuration names a server
//! DIR/centre.vault           keys, sealed (see `vault`)
//! DIR/centre.authority       certificate authority of stations, sealed (see `vault::authority`)
//! DIR/rehearsal.passphrase   passphrase of a rehearsal vault made without one
//! DIR/locks/                 one lock file for each kind of exclusive work
//! ```
//!
//! Owns: opening the folder, its configuration, exclusive work.
//! Never: knows SQL, keys or what the work is.

pub mod card_keys;
pub mod card_type;
pub mod cards;
mod database;
pub mod doors;
mod failure;
pub mod identity;
pub(crate) mod owner;
pub mod setting;

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::num::NonZeroU16;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

pub use self::card_keys::{CardKeys, CardKeysMissing};
pub use self::card_type::CardType;
pub use self::cards::Cards;
pub use self::database::DatabaseConfig;
use self::doors::Doors;
pub use self::failure::CentreError;
use self::identity::Identity;

use card_core::security::CityCode;
use card_profiles::Profile;
use card_profiles::rehearsal::TRANSPORT_LOT;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::audit::anchor::Anchor;
use crate::audit::{Act, CHECKPOINT_ACT, Checkpoint};
use crate::batch::rule::MakingRules;
use crate::benefit::rule::BenefitRules;
use crate::card::rule::LifeRules;
use crate::clearing::blacklist::BlacklistRules;
use crate::clock;
use crate::log::LogRules;
use crate::person::rule::PeopleRules;
use crate::photo::rules::Rules;
use crate::stock::rule::StockRules;
use crate::store::{ClockRules, Place, Store, StoreError};
use crate::vault::Vault;
use crate::vault::pkcs11::TokenConfig;

/// An open centre.
#[derive(Debug)]
pub struct Centre {
    /// Its folder.
    pub folder: PathBuf,
    /// Its configuration.
    pub config: Config,
    /// Its database.
    pub store: Store,
    /// Public key of its vault, hex, once it has one.
    pub public_key: Option<String>,
}

/// `centre.toml`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Which centre this is: 32 hex digits, the same as in its database. Absent in a centre made before there was one.
    #[serde(default)]
    pub id: Option<String>,
    /// City that issues, GB/T 2260: the first 3 bytes of every card identifier and a diversification factor.
    #[serde(deserialize_with = "city_code", serialize_with = "code_text")]
    pub city: CityCode,
    /// 初始化机构编号: 12 bytes as 24 hex digits.
    pub institution: String,
    /// First letter of the card numbers made here (assumed: the standard leaves it to the issuer).
    #[serde(default = "Config::prefix", deserialize_with = "prefix")]
    pub card_number_prefix: char,
    /// Minutes by which the clock may stand before the last act (assumed: clocks of one site differ by less).
    #[serde(default = "Config::clock_tolerance_minutes")]
    pub clock_tolerance_minutes: u32,
    /// Days by which it may stand beyond the last act, 1 to 31 (assumed: a weekend passes without one).
    #[serde(default = "Config::clock_ahead_days", deserialize_with = "clock_ahead_days")]
    pub clock_ahead_days: u8,
    /// Minutes by which a record's time may be ahead of this clock when it comes in (assumed: as far as a terminal that asks its centre
    /// may be off); what is dated later is held.
    #[serde(default = "Config::record_ahead_minutes")]
    pub record_ahead_minutes: u16,
    /// Types of the site's cards, which have keys here and are served by its PSAMs; the first is made from now on. Built-in names, or
    /// files as seen from this one.
    #[serde(default = "Config::cards", deserialize_with = "cards")]
    pub cards: Vec<String>,
    /// Types of the PSAMs that serve them, where they are not the built-in one of the algorithm.
    #[serde(default)]
    pub psams: Vec<String>,
    /// What the two rows name, in the order of `cards`.
    #[serde(skip)]
    pub types: Vec<CardType>,
    /// What photos must be.
    #[serde(default)]
    pub photo: Rules,
    /// Years a card is valid, 1 to 20.
    #[serde(default = "Config::valid_years", deserialize_with = "valid_years")]
    pub valid_years: u8,
    /// Lot of the factory's blank cards: the version of their transport key.
    #[serde(default = "Config::transport_lot")]
    pub transport_lot: u8,
    /// The token that holds the upper keys, when they are not in the sealed file.
    #[serde(default)]
    pub pkcs11: Option<TokenConfig>,
    /// What the site decides about the life of its cards.
    #[serde(default)]
    pub life: LifeRules,
    /// What the site asks for before a card is made.
    #[serde(default)]
    pub requests: MakingRules,
    /// Whom the site registers.
    #[serde(default)]
    pub people: PeopleRules,
    /// What the city decides about contributions.
    #[serde(default)]
    pub benefits: BenefitRules,
    /// What the site decides about its stock of cards.
    #[serde(default)]
    pub stock: StockRules,
    /// What the site decides about its blacklist.
    #[serde(default)]
    pub blacklist: BlacklistRules,
    /// How stations elsewhere are served.
    #[serde(default)]
    pub stations: StationRules,
    /// What a running server writes down.
    #[serde(default)]
    pub log: LogRules,
    /// Where a running server listens.
    #[serde(default)]
    pub serve: Doors,
    /// Where the anchor of the audit log lies.
    #[serde(default)]
    pub audit: AuditRules,
    /// The server that holds the database, when it is not in the folder.
    #[serde(default)]
    pub database: Option<DatabaseConfig>,
}

/// Whose cards a new centre makes.
#[derive(Clone, Copy, Debug)]
pub struct Issuer<'a> {
    /// City that issues.
    pub city: CityCode,
    /// 初始化机构编号: 24 hex digits.
    pub institution: &'a str,
    /// First letter of the card numbers.
    pub card_number_prefix: char,
    /// Types of its cards; the first is made from now on.
    pub cards: &'a [String],
    /// Types of its PSAMs, where they are not the built-in ones.
    pub psams: &'a [String],
    /// Texts among these that are not built in: each is copied into the folder.
    pub texts: &'a [PathBuf],
}

/// `[stations]` of `centre.toml`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StationRules {
    /// Minutes for which a job is kept for a station that has taken it over (assumed: a box of cards takes less).
    #[serde(default = "StationRules::lease_minutes")]
    pub lease_minutes: NonZeroU16,
}

impl StationRules {
    const fn lease_minutes() -> NonZeroU16 {
        NonZeroU16::new(30).expect("more than none")
    }

    /// Seconds of a lease.
    pub(crate) fn lease_seconds(self) -> u32 {
        u32::from(self.lease_minutes.get()) * 60
    }
}

impl Default for StationRules {
    fn default() -> Self {
        Self { lease_minutes: Self::lease_minutes() }
    }
}

/// `[audit]` of `centre.toml`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditRules {
    /// File of the anchor (docs/adr/0023), on another disk best; a relative path begins in the centre's folder, which also is
    /// where it lies when this is absent.
    #[serde(default)]
    pub anchor: Option<PathBuf>,
}

/// Exclusive work; ends when dropped, also when the process is killed.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Centre {
    /// Makes the folder, its configuration and an empty database in it, or takes an empty one of a server. The folder
    /// may exist, a centre in it may not.
    ///
    /// # Errors
    /// [`CentreError::Exists`], [`CentreError::OfAnother`] before anything is touched; [`CentreError::File`], [`CentreError::Store`].
    pub fn create(
        folder: &Path,
        city: CityCode,
        institution: &str,
        database: Option<&DatabaseConfig>,
    ) -> Result<Self, CentreError> {
        Self::create_for(
            folder,
            &Issuer {
                city,
                institution,
                card_number_prefix: Config::prefix(),
                cards: &Config::cards(),
                psams: &[],
                texts: &[],
            },
            database,
        )
    }

    /// The same with card numbers of another prefix.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_for(
        folder: &Path,
        issuer: &Issuer<'_>,
        database: Option<&DatabaseConfig>,
    ) -> Result<Self, CentreError> {
        let Issuer { city, institution, card_number_prefix, cards, psams, texts } = issuer;
        owner::check(folder)?;
        let known = [Self::CONFIG, Self::DATABASE, Self::VAULT, Self::DATA_KEYS, Self::AUTHORITY, Anchor::NAME];
        if known.iter().any(|name| folder.join(name).exists()) {
            return Err(CentreError::Exists { folder: folder.to_owned() });
        }
        let failed = |path: &Path, source| CentreError::File { path: path.to_owned(), source };
        // In the folder a name stands for one text, also where two texts extend files of one name.
        for (place, from) in texts.iter().enumerate() {
            let there = folder.join(from.file_name().unwrap_or_default());
            let mut others = texts.iter().take(place).filter(|other| other.file_name() == from.file_name());
            let is_other = |path: &Path| fs::read(path).is_ok_and(|text| fs::read(from).is_ok_and(|own| own != text));
            if is_other(&there) || others.any(|other| is_other(other)) {
                return Err(failed(from, std::io::ErrorKind::AlreadyExists.into()));
            }
        }
        let make =
            || DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|source| failed(folder, source));
        let mut store = if let Some(server) = database {
            // A server that refuses leaves no folder behind.
            let store = Store::create(&server.place()?, folder)?;
            make()?;
            store
        } else {
            make()?;
            // Made before the engine opens it, so that people's data is never readable by others; its WAL inherits the mode.
            let path = folder.join(Self::DATABASE);
            let made = File::options().write(true).create_new(true).mode(0o600).open(&path);
            made.map_err(|source| failed(&path, source))?;
            Store::create(&Place::File(path), folder)?
        };
        let id = identity::new_id()?;
        let text = format!(
            "# Configuration of the issuance centre. id, city, institution, card_number_prefix never change.\n\
             id = \"{id}\"\n\
             city = \"{city}\"\n\
             # 初始化机构编号, 12 bytes\n\
             institution = \"{institution}\"\n\
             card_number_prefix = \"{card_number_prefix}\"\n\
             # 卡有效期\n\
             valid_years = {}\n{}{}{}",
            Config::valid_years(),
            if **cards == Config::cards() { String::new() } else { format!("cards = {}\n", names(cards)) },
            if psams.is_empty() { String::new() } else { format!("psams = {}\n", names(psams)) },
            database.map(DatabaseConfig::rows).unwrap_or_default(),
        );
        for from in *texts {
            let to = folder.join(from.file_name().unwrap_or_default());
            if !to.exists() {
                fs::copy(from, &to).map_err(|source| failed(&to, source))?;
            }
        }
        let path = folder.join(Self::CONFIG);
        fs::write(&path, text).map_err(|source| failed(&path, source))?;
        let config = Config::read(folder)?;
        store.journal(|tx| tx.set_identity(&Identity::of(&config, id)))?;
        Ok(Self { folder: folder.to_owned(), config, store, public_key: None })
    }

    /// Opens an existing centre and brings its database to this program's schema.
    ///
    /// # Errors
    /// [`CentreError::NotFound`] when the folder holds none; [`CentreError::OfAnother`] for root in a user's.
    pub fn open(folder: &Path) -> Result<Self, CentreError> {
        if !folder.join(Self::CONFIG).is_file() {
            return Err(CentreError::NotFound { folder: folder.to_owned() });
        }
        owner::check(folder)?;
        let config = Config::read(folder)?;
        let place = config.place(folder)?;
        if matches!(&place, Place::File(path) if !path.is_file()) {
            // Only `create` makes one: an empty database would give every number out again.
            return Err(StoreError::NoCentre.into());
        }
        let mut store = Store::open(&place, folder)?.anchored_at(config.audit.anchor.as_deref());
        store.set_clock_rules(config.clock_rules());
        store.set_making_rules(config.requests);
        store.set_card_keys(config.card_keys());
        let (stored, public_key) = store.read(|tx| Ok::<_, StoreError>((tx.identity()?, tx.fact("public_key")?)))?;
        let mut centre = Self { folder: folder.to_owned(), config, store, public_key };
        match stored {
            Some(stored) => stored.compare(&centre.config)?,
            None => centre.adopt()?,
        }
        // A centre that works is no half of one, whatever its restoration left. Where it stays, it is removed another time.
        let _ = fs::remove_file(folder.join(Self::UNFINISHED));
        Ok(centre)
    }

    /// Opens a centre to look at it: nothing of it is written. Its folder may be a copy on a medium that cannot be.
    ///
    /// # Errors
    /// [`CentreError::NotFound`] when the folder holds none; [`CentreError`].
    pub fn open_to_look(folder: &Path) -> Result<Self, CentreError> {
        if !folder.join(Self::CONFIG).is_file() {
            return Err(CentreError::NotFound { folder: folder.to_owned() });
        }
        let config = Config::read(folder)?;
        let place = config.place(folder)?;
        if matches!(&place, Place::File(path) if !fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0))
        {
            return Err(StoreError::NoCentre.into());
        }
        let mut store = Store::open_to_look(&place, folder)?.anchored_at(config.audit.anchor.as_deref());
        let (stored, public_key) = store.read(|tx| Ok::<_, StoreError>((tx.identity()?, tx.fact("public_key")?)))?;
        if let Some(stored) = stored {
            stored.compare(&config)?;
        }
        Ok(Self { folder: folder.to_owned(), config, store, public_key })
    }

    /// Whether anything can be written in the folder of a centre.
    #[must_use]
    pub fn is_writable(folder: &Path) -> bool {
        let may = |path: &Path| rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok();
        let database = folder.join(Self::DATABASE);
        may(folder) && (!database.exists() || may(&database))
    }

    /// State of a database file that is read without a lock; none when it has a log, which keeps readers and writers apart.
    #[must_use]
    pub fn file_state(&self) -> Option<(u64, std::time::SystemTime)> {
        let Ok(Place::File(path)) = self.place() else { return None };
        let mut log = path.clone().into_os_string();
        log.push("-wal");
        let file = fs::metadata(&path).ok().filter(|_| !Path::new(&log).exists())?;
        Some((file.len(), file.modified().ok()?))
    }

    /// A centre made before its identity was stored: what its configuration says now is stored, on record.
    fn adopt(&mut self) -> Result<(), CentreError> {
        let id = match &self.config.id {
            Some(id) => id.clone(),
            None => identity::new_id()?,
        };
        if self.config.id.is_none() {
            // Before the tables of the file, and before the database knows it: a kill in between is taken up.
            let path = self.folder.join(Self::CONFIG);
            let failed = |source| CentreError::File { path: path.clone(), source };
            let text = fs::read_to_string(&path).map_err(failed)?;
            let part = path.with_extension("toml.part");
            let written = fs::write(&part, format!("id = \"{id}\"\n{text}"))
                .and_then(|()| File::open(&part)?.sync_all())
                .and_then(|()| fs::rename(&part, &path));
            written.map_err(failed)?;
            self.config = Config::read(&self.folder)?;
        }
        let identity = Identity::of(&self.config, id);
        // The machine's own: who answers for the clock opens the centre first.
        self.store.act_under_way(|tx| -> Result<_, StoreError> {
            tx.set_identity(&identity)?;
            let detail = identity.to_string();
            Ok(((), Act { actor: "issuer".to_owned(), act: "centre.identity", object: "centre".to_owned(), detail }))
        })?;
        Ok(())
    }

    /// Another connection to the same database, for another thread.
    ///
    /// # Errors
    /// [`CentreError`].
    pub fn connect(&self) -> Result<Store, CentreError> {
        let mut store = Store::open(&self.place()?, &self.folder)?.anchored_at(self.config.audit.anchor.as_deref());
        store.set_clock_rules(self.config.clock_rules());
        store.set_making_rules(self.config.requests);
        store.set_card_keys(self.config.card_keys());
        Ok(store)
    }

    /// Writes which token holds the upper keys into the configuration, and keeps it.
    ///
    /// # Errors
    /// [`CentreError::File`].
    pub fn set_token(&mut self, token: &TokenConfig) -> Result<(), CentreError> {
        let path = self.folder.join(Self::CONFIG);
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let (module, label) = (quoted(&token.module.to_string_lossy()), quoted(&token.token));
        let TokenConfig { extractable, psam_keys, .. } = token;
        let rows = format!(
            "\n[pkcs11]\nmodule = {module}\ntoken = {label}\nextractable = {extractable}\npsam_keys = {psam_keys}\n"
        );
        File::options()
            .append(true)
            .open(&path)
            .and_then(|mut file| io::Write::write_all(&mut file, rows.as_bytes()).and_then(|()| file.sync_all()))
            .map_err(|source| CentreError::File { path, source })?;
        self.config = Config::read(&self.folder)?;
        Ok(())
    }

    /// Where the database is.
    ///
    /// # Errors
    /// [`CentreError::Address`], [`CentreError::DatabasePassword`].
    pub fn place(&self) -> Result<Place, CentreError> {
        self.config.place(&self.folder)
    }

    /// Takes the right to do `work` alone, without waiting.
    ///
    /// # Errors
    /// [`CentreError::Busy`] when another process has it.
    pub fn lock(&self, work: &str) -> Result<Lock, CentreError> {
        let (file, path) = self.lock_file(work)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(CentreError::Busy { work: work.to_owned() }),
            Err(TryLockError::Error(source)) => Err(CentreError::File { path, source }),
        }
    }

    /// Takes the right to do `work` alone, and waits for whoever has it: for work of milliseconds.
    ///
    /// # Errors
    /// [`CentreError::File`].
    pub fn lock_waiting(&self, work: &str) -> Result<Lock, CentreError> {
        let (file, path) = self.lock_file(work)?;
        file.lock().map_err(|source| CentreError::File { path, source })?;
        Ok(Lock { _file: file })
    }

    fn lock_file(&self, work: &str) -> Result<(File, PathBuf), CentreError> {
        let folder = self.folder.join("locks");
        let path = folder.join(format!("{work}.lock"));
        let file = fs::create_dir_all(&folder)
            .and_then(|()| File::options().create(true).truncate(false).write(true).open(&path))
            .map_err(|source| CentreError::File { path: path.clone(), source })?;
        Ok((file, path))
    }

    /// Signs the head of the audit log, if it has grown since the last checkpoint.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sign_checkpoint(&mut self, vault: &Vault, actor: &str) -> Result<(), StoreError> {
        sign_head(&mut self.store, vault, actor)
    }

    /// The card type of a centre whose configuration says nothing else; what its files hold is that of any kind of cards here.
    ///
    /// # Panics
    /// Never: the profile is built in.
    #[must_use]
    pub fn card_profile() -> Profile {
        Cards::Tdes.card_profile()
    }

    /// The environment of PSAMs that serves them.
    ///
    /// # Panics
    /// Never: the profile is built in.
    #[must_use]
    pub fn psam_profile() -> Profile {
        Cards::Tdes.psam_profile()
    }

    /// Path of the data keys.
    #[must_use]
    pub fn data_keys_path(&self) -> PathBuf {
        self.folder.join(Self::DATA_KEYS)
    }

    /// Path of the certificate authority.
    #[must_use]
    pub fn authority_path(&self) -> PathBuf {
        self.folder.join(Self::AUTHORITY)
    }

    /// Path of the vault.
    #[must_use]
    pub fn vault_path(&self) -> PathBuf {
        self.folder.join(Self::VAULT)
    }

    /// Name of the configuration.
    pub(crate) const CONFIG: &'static str = "centre.toml";
    /// Name of the database's file.
    pub(crate) const DATABASE: &'static str = "centre.db";
    /// Name of the mark of a restoration that did not say that it ended.
    pub(crate) const UNFINISHED: &'static str = "restore.unfinished";
    /// Name of the card type that is issued.
    pub(crate) const PROFILE: &'static str = "ssc-3.0";
    const VAULT: &'static str = "centre.vault";
    const AUTHORITY: &'static str = "centre.authority";
    const DATA_KEYS: &'static str = "centre.datakeys";
}

/// Signs the head of the audit log, if it has grown since the last checkpoint: with a record of its own, which is the head that is signed,
/// so that a checkpoint taken away is missed. A log that was cut off is not signed, nor one on a clock that jumped: its record would
/// bear that clock's time, and work that goes on signs again.
///
/// # Errors
/// [`StoreError`].
pub fn sign_head(store: &mut Store, vault: &Vault, actor: &str) -> Result<(), StoreError> {
    store.journal(|tx| {
        tx.log_is_whole()?;
        match tx.clock_holds() {
            Err(StoreError::ClockAhead { .. } | StoreError::ClockBehind { .. } | StoreError::ClockMoved { .. }) => {
                return Ok(());
            }
            other => other?,
        }
        match tx.audit_head()? {
            Some((head, _)) if !tx.is_checkpoint(head)? => {}
            _ => return Ok(()),
        }
        let detail = format!("{} before it", tx.audit_checkpoint_count()?);
        let object = "audit log".to_owned();
        tx.append_audit(&Act { actor: actor.to_owned(), act: CHECKPOINT_ACT, object, detail })?;
        let Some((sequence, hash)) = tx.audit_head()? else { return Ok(()) };
        let signed_at = clock::now();
        let signature = hex::encode_upper(vault.sign(&Checkpoint::message(sequence, &hash, &signed_at)));
        tx.add_audit_checkpoint(&Checkpoint { sequence, hash, signed_at, signature })
    })
}

impl Config {
    fn read(folder: &Path) -> Result<Self, CentreError> {
        let path = folder.join(Centre::CONFIG);
        let text = fs::read_to_string(&path).map_err(|source| CentreError::File { path: path.clone(), source })?;
        let wrong = |source| CentreError::Config { path: path.clone(), source: Box::new(source) };
        let config: Self = toml::from_str(&text).map_err(wrong)?;
        let types = CardType::read_all(folder, &config.cards, &config.psams)?;
        if config.pkcs11.is_some() && types.iter().any(|found| found.kind == Cards::Sm4) {
            return Err(wrong(serde::de::Error::custom(
                "cards: a PKCS#11 token computes no SM4 here, so that a centre with [pkcs11] has cards of ssc-3.0 alone; one with SM4 cards keeps its keys in the sealed file (init --vault software)",
            )));
        }
        Ok(Self { types, ..config })
    }

    /// The card type that is made from now on.
    #[must_use]
    pub fn made(&self) -> Profile {
        self.made_type().profile.clone()
    }

    /// The same with its text.
    ///
    /// # Panics
    /// Never: a configuration without one is not read.
    #[must_use]
    pub fn made_type(&self) -> &CardType {
        self.types.first().expect("a configuration names a type of cards")
    }

    /// The type of the site's cards of a kind; `None` when there are none.
    #[must_use]
    pub fn type_of(&self, kind: Cards) -> Option<&CardType> {
        self.types.iter().find(|found| found.kind == kind)
    }

    /// The environment of a PSAM that serves cards of a kind, whether or not the site has such cards.
    #[must_use]
    pub fn psam_of(&self, kind: Cards) -> Profile {
        self.type_of(kind).map_or_else(|| kind.psam_profile(), |found| found.psam.clone())
    }

    /// Profiles of all that has keys of the site's cards: one after the other.
    #[must_use]
    pub fn profiles(&self) -> Vec<Profile> {
        self.types.iter().flat_map(|found| [found.profile.clone(), found.psam.clone()]).collect()
    }

    fn cards() -> Vec<String> {
        vec![Cards::Tdes.name().to_owned()]
    }

    fn place(&self, folder: &Path) -> Result<Place, CentreError> {
        self.database.as_ref().map_or_else(|| Ok(Place::File(folder.join(Centre::DATABASE))), DatabaseConfig::place)
    }

    /// How far the clock may stand from the log.
    #[must_use]
    pub fn clock_rules(&self) -> ClockRules {
        ClockRules::of(self.clock_tolerance_minutes, self.clock_ahead_days)
    }

    const fn clock_tolerance_minutes() -> u32 {
        5
    }

    const fn clock_ahead_days() -> u8 {
        3
    }

    const fn record_ahead_minutes() -> u16 {
        10
    }

    const fn prefix() -> char {
        'A'
    }

    const fn transport_lot() -> u8 {
        TRANSPORT_LOT
    }

    const fn valid_years() -> u8 {
        10
    }
}

fn valid_years<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let years = u8::deserialize(deserializer)?;
    if (1..=20).contains(&years) {
        Ok(years)
    } else {
        Err(serde::de::Error::custom("a card is valid for 1 to 20 years"))
    }
}

fn cards<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let cards = Vec::<String>::deserialize(deserializer)?;
    let twice = cards.iter().enumerate().any(|(place, kind)| cards.iter().take(place).any(|other| other == kind));
    if cards.is_empty() || twice {
        return Err(serde::de::Error::custom("cards: one kind at least, and each once"));
    }
    Ok(cards)
}

/// As a row of the configuration has them.
fn names(cards: &[String]) -> String {
    toml::Value::from(cards.to_vec()).to_string()
}

fn clock_ahead_days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let days = u8::deserialize(deserializer)?;
    let fits = (1..=31).contains(&days);
    if fits { Ok(days) } else { Err(serde::de::Error::custom("the clock may stand 1 to 31 days beyond the last act")) }
}

fn prefix<'de, D: Deserializer<'de>>(deserializer: D) -> Result<char, D::Error> {
    let letter = char::deserialize(deserializer)?;
    let fits = letter.is_ascii_uppercase();
    if fits { Ok(letter) } else { Err(serde::de::Error::custom("a card number begins with a letter from A to Z")) }
}

fn code_text<S: Serializer>(code: &CityCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(code)
}

fn city_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CityCode, D::Error> {
    let text = String::deserialize(deserializer)?;
    CityCode::parse(&text).ok_or_else(|| serde::de::Error::custom("a city code has 6 digits (GB/T 2260)"))
}
