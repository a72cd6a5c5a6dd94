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

mod database;

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::num::NonZeroU16;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

pub use self::database::DatabaseConfig;

use card_core::security::CityCode;
use card_profiles::Profile;
use card_profiles::rehearsal::TRANSPORT_LOT;
use serde::{Deserialize, Deserializer};

use crate::audit::Checkpoint;
use crate::card::rule::LifeRules;
use crate::clearing::blacklist::BlacklistRules;
use crate::clock;
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::photo::rules::Rules;
use crate::stock::rule::StockRules;
use crate::store::{AddressError, Place, Store, StoreError};
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
}

/// `centre.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// City that issues, GB/T 2260: the first 3 bytes of every card identifier and a diversification factor.
    #[serde(deserialize_with = "city_code")]
    pub city: CityCode,
    /// 初始化机构编号: 12 bytes as 24 hex digits.
    pub institution: String,
    /// First letter of the card numbers made here (assumed: the standard leaves it to the issuer).
    #[serde(default = "Config::prefix", deserialize_with = "prefix")]
    pub card_number_prefix: char,
    /// What photos must be.
    #[serde(default)]
    pub photo: Rules,
    /// Years a card is valid.
    #[serde(default = "Config::valid_years")]
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
    /// What the site decides about its stock of cards.
    #[serde(default)]
    pub stock: StockRules,
    /// What the site decides about its blacklist.
    #[serde(default)]
    pub blacklist: BlacklistRules,
    /// How stations elsewhere are served.
    #[serde(default)]
    pub stations: StationRules,
    /// The server that holds the database, when it is not in the folder.
    #[serde(default)]
    pub database: Option<DatabaseConfig>,
}

/// `[stations]` of `centre.toml`.
#[derive(Clone, Copy, Debug, Deserialize)]
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

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CentreError {
    /// `--data` is missing.
    #[error("no data folder was named")]
    FolderNotNamed,
    /// There is no centre.
    #[error("{folder} holds no centre")]
    NotFound {
        /// The folder.
        folder: PathBuf,
    },
    /// There is a centre already.
    #[error("{folder} holds a centre already")]
    Exists {
        /// The folder.
        folder: PathBuf,
    },
    /// The configuration cannot be understood.
    #[error("{path}: {source}")]
    Config {
        /// The file.
        path: PathBuf,
        /// Line, column and reason.
        source: Box<toml::de::Error>,
    },
    /// A file of the folder cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process does the same work.
    #[error("{work} is under way in another process")]
    Busy {
        /// The work: `batch-3`.
        work: String,
    },
    /// The address of the database.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The password of the database is not where the configuration says.
    #[error("the password of the database cannot be read")]
    DatabasePassword,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
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
    /// [`CentreError::Exists`] before anything is touched; [`CentreError::File`], [`CentreError::Store`].
    pub fn create(
        folder: &Path,
        city: CityCode,
        institution: &str,
        database: Option<&DatabaseConfig>,
    ) -> Result<Self, CentreError> {
        if [Self::CONFIG, Self::DATABASE, Self::VAULT, Self::DATA_KEYS].iter().any(|name| folder.join(name).exists()) {
            return Err(CentreError::Exists { folder: folder.to_owned() });
        }
        let failed = |path: &Path, source| CentreError::File { path: path.to_owned(), source };
        let make =
            || DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|source| failed(folder, source));
        let store = if let Some(server) = database {
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
        let text = format!(
            "# Configuration of the issuance centre.\n\
             city = \"{city}\"\n\
             # 初始化机构编号, 12 bytes\n\
             institution = \"{institution}\"\n\
             # 卡有效期\n\
             valid_years = {}\n{}",
            Config::valid_years(),
            database.map(DatabaseConfig::rows).unwrap_or_default(),
        );
        let path = folder.join(Self::CONFIG);
        fs::write(&path, text).map_err(|source| failed(&path, source))?;
        Ok(Self { folder: folder.to_owned(), config: Config::read(folder)?, store })
    }

    /// Opens an existing centre and brings its database to this program's schema.
    ///
    /// # Errors
    /// [`CentreError::NotFound`] when the folder holds none.
    pub fn open(folder: &Path) -> Result<Self, CentreError> {
        if !folder.join(Self::CONFIG).is_file() {
            return Err(CentreError::NotFound { folder: folder.to_owned() });
        }
        let config = Config::read(folder)?;
        let place = config.place(folder)?;
        if matches!(&place, Place::File(path) if !path.is_file()) {
            return Err(CentreError::NotFound { folder: folder.to_owned() });
        }
        Ok(Self { folder: folder.to_owned(), config, store: Store::open(&place, folder)? })
    }

    /// Another connection to the same database, for another thread.
    ///
    /// # Errors
    /// [`CentreError`].
    pub fn connect(&self) -> Result<Store, CentreError> {
        Ok(Store::open(&self.place()?, &self.folder)?)
    }

    /// Writes which token holds the upper keys into the configuration, and keeps it.
    ///
    /// # Errors
    /// [`CentreError::File`].
    pub fn set_token(&mut self, token: &TokenConfig) -> Result<(), CentreError> {
        let path = self.folder.join(Self::CONFIG);
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let (module, label) = (quoted(&token.module.to_string_lossy()), quoted(&token.token));
        let rows = format!("\n[pkcs11]\nmodule = {module}\ntoken = {label}\nextractable = {}\n", token.extractable);
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
    pub fn sign_checkpoint(&mut self, vault: &Vault) -> Result<(), StoreError> {
        self.store.journal(|tx| {
            let Some((sequence, hash)) = tx.audit_head()? else { return Ok(()) };
            let signed_at = clock::now();
            let signature = hex::encode_upper(vault.sign(&Checkpoint::message(sequence, &hash, &signed_at)));
            tx.add_audit_checkpoint(&Checkpoint { sequence, hash, signed_at, signature })
        })
    }

    /// The card type that this centre issues.
    ///
    /// # Panics
    /// Never: the profile is built in.
    #[must_use]
    pub fn card_profile() -> Profile {
        card_profiles::builtin::builtin("ssc-3.0").expect("built in")
    }

    /// The PSAM type that this centre makes.
    ///
    /// # Panics
    /// Never: the profile is built in.
    #[must_use]
    pub fn psam_profile() -> Profile {
        card_profiles::builtin::builtin("psam").expect("built in")
    }

    /// Path of the data keys.
    #[must_use]
    pub fn data_keys_path(&self) -> PathBuf {
        self.folder.join(Self::DATA_KEYS)
    }

    /// Path of the certificate authority.
    #[must_use]
    pub fn authority_path(&self) -> PathBuf {
        self.folder.join("centre.authority")
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
    const VAULT: &'static str = "centre.vault";
    const DATA_KEYS: &'static str = "centre.datakeys";
}

impl Config {
    fn read(folder: &Path) -> Result<Self, CentreError> {
        let path = folder.join(Centre::CONFIG);
        let text = fs::read_to_string(&path).map_err(|source| CentreError::File { path: path.clone(), source })?;
        toml::from_str(&text).map_err(|source| CentreError::Config { path, source: Box::new(source) })
    }

    fn place(&self, folder: &Path) -> Result<Place, CentreError> {
        self.database.as_ref().map_or_else(|| Ok(Place::File(folder.join(Centre::DATABASE))), DatabaseConfig::place)
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

fn prefix<'de, D: Deserializer<'de>>(deserializer: D) -> Result<char, D::Error> {
    let letter = char::deserialize(deserializer)?;
    let fits = letter.is_ascii_uppercase();
    if fits { Ok(letter) } else { Err(serde::de::Error::custom("a card number begins with a letter from A to Z")) }
}

fn city_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CityCode, D::Error> {
    let text = String::deserialize(deserializer)?;
    CityCode::parse(&text).ok_or_else(|| serde::de::Error::custom("a city code has 6 digits (GB/T 2260)"))
}

impl Explain for CentreError {
    fn code(&self) -> &'static str {
        match self {
            Self::FolderNotNamed => "DATA_FOLDER_NOT_NAMED",
            Self::NotFound { .. } => "CENTRE_NOT_FOUND",
            Self::Exists { .. } => "CENTRE_EXISTS",
            Self::Config { .. } => "CONFIG_INVALID",
            Self::File { .. } => "CENTRE_FILE_FAILED",
            Self::Busy { .. } => "WORK_BUSY",
            Self::Address(error) => error.code(),
            Self::DatabasePassword => "DATABASE_PASSWORD_UNREADABLE",
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::FolderNotNamed => lang.pick("没有指定数据目录", "no data folder was named").to_owned(),
            Self::NotFound { folder } => {
                let folder = folder.display();
                lang.pick(format!("{folder} 中没有发卡中心"), format!("{folder} holds no centre"))
            }
            Self::Exists { folder } => {
                let folder = folder.display();
                lang.pick(
                    format!("{folder} 中已有发卡中心，未作任何改动"),
                    format!("{folder} holds a centre already; nothing was changed"),
                )
            }
            Self::Config { path, source } => {
                let path = path.display();
                lang.pick(format!("配置文件 {path} 有误: {source}"), format!("{path} cannot be understood: {source}"))
            }
            Self::File { path, source } => {
                let path = path.display();
                lang.pick(format!("{path} 无法读写: {source}"), format!("{path} cannot be read or written: {source}"))
            }
            Self::Busy { work } => {
                lang.pick(format!("另一进程正在进行 {work}"), format!("{work} is under way in another process"))
            }
            Self::Address(error) => error.what(lang),
            Self::DatabasePassword => {
                lang.pick("读不到数据库的口令", "the password of the database cannot be read").to_owned()
            }
            Self::Store(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::FolderNotNamed => {
                lang.pick("加上 --data 目录，或设置 ISSUER_DATA", "add --data DIR or set ISSUER_DATA")
            }
            Self::NotFound { .. } => {
                lang.pick("检查目录，或用 issuer init 新建", "check the folder, or make a centre with `issuer init`")
            }
            Self::Exists { .. } => lang.pick("换一个空目录", "choose an empty folder"),
            Self::Config { .. } => lang.pick("改正所示的行", "correct the line named"),
            Self::File { .. } => {
                lang.pick("检查磁盘空间和权限后重试", "check space and permissions of the disk, then try again")
            }
            Self::Busy { .. } => lang.pick("等它结束后重试", "wait until it ends, then try again"),
            Self::Address(error) => error.next(lang),
            Self::DatabasePassword => lang.pick(
                "检查 [database] 的 password 所指的环境变量或文件",
                "check the variable or file that `password` of [database] names",
            ),
            Self::Store(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::FolderNotNamed | Self::Config { .. } => Exit::Usage,
            Self::NotFound { .. } => Exit::NotFound,
            Self::Exists { .. } => Exit::Refused,
            Self::File { .. } | Self::Busy { .. } => Exit::Storage,
            Self::Address(error) => error.exit(),
            Self::DatabasePassword => Exit::Authentication,
            Self::Store(error) => error.exit(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Busy { .. } => true,
            Self::Store(error) => error.retryable(),
            Self::FolderNotNamed
            | Self::NotFound { .. }
            | Self::Exists { .. }
            | Self::Config { .. }
            | Self::File { .. }
            | Self::Address(_)
            | Self::DatabasePassword => false,
        }
    }
}
