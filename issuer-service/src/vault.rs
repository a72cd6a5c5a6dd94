//! The software vault (密钥库): the centre's national keys, sealed in a file under a passphrase.
//!
//! Source: Argon2id (RFC 9106), AES-256-GCM (NIST SP 800-38D), Ed25519 (RFC 8032).
//! Owns: what a vault holds; making rehearsal keys; the self-test; the module that it gives to stations and servers.
//! Never: hands out, prints or logs a key; opens when the self-test fails; holds a well-known test key outside rehearsal.

pub mod passphrase;
mod seal;
mod well_known;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use card_core::crypto::{self, Block, KeyForm};
use card_core::key::Key16;
use card_core::security::keyring::KeyRing;
use card_core::security::{CityCode, Factors, KeyName, KeyRef, MacKey, SecurityError, SecurityModule, WrappedKey};
use card_profiles::Profile;
use card_profiles::rehearsal::{TRANSPORT_KEY, TRANSPORT_KEY_NAME, TRANSPORT_LOT};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::output::Show;

/// What the keys of a vault are good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Random keys and factory constants of software cards. Real cards refuse them.
    Rehearsal,
    /// Keys of a key ceremony.
    Production,
}

/// An open vault.
pub struct Vault {
    kind: Kind,
    keys: VaultKeys,
    signer: Ed25519KeyPair,
    signer_pkcs8: Zeroizing<Vec<u8>>,
}

/// The keys of an open vault as a security module; clones share the keys.
#[derive(Clone)]
pub struct VaultKeys(Arc<Mutex<KeyRing>>);

/// Why a vault cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is no vault file.
    #[error("{path} is not there")]
    NotFound {
        /// The file.
        path: std::path::PathBuf,
    },
    /// The vault file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The vault file is not of the format known here.
    #[error("{path} is no vault of format 1")]
    Malformed {
        /// The file.
        path: std::path::PathBuf,
    },
    /// The passphrase is wrong, or the file was altered: the two cannot be told apart.
    #[error("the passphrase does not open the vault")]
    NotOpened,
    /// No passphrase was given and nobody can be asked.
    #[error("no passphrase for the vault")]
    PassphraseMissing,
    /// The source of the passphrase cannot be read.
    #[error("the passphrase cannot be read from {source_name}")]
    PassphraseUnreadable {
        /// `env:NAME` or `file:PATH` as given.
        source_name: String,
    },
    /// A known answer came out wrong: the program or the machine is broken.
    #[error("the self-test of {test} failed")]
    SelfTest {
        /// Which computation.
        test: &'static str,
    },
    /// A well-known test key outside rehearsal.
    #[error("key {name} version {version} is a well-known test key")]
    TestKey {
        /// Name.
        name: KeyName,
        /// Version.
        version: u8,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandom,
    /// A key check value cannot be computed.
    #[error(transparent)]
    Security(#[from] SecurityError),
}

impl Vault {
    /// Makes a vault for rehearsal: a random national root key for each key row of the profiles, the transport key of
    /// software cards, and the centre's signing key.
    ///
    /// # Errors
    /// [`VaultError::NoRandom`].
    pub fn rehearsal(profiles: &[Profile]) -> Result<Self, VaultError> {
        let random = SystemRandom::new();
        let mut ring = KeyRing::new();
        for row in profiles.iter().flat_map(|profile| &profile.key) {
            if ring.names().any(|(name, _)| *name == row.name) {
                continue;
            }
            let mut bytes = Zeroizing::new([0; 16]);
            random.fill(&mut *bytes).map_err(|_| VaultError::NoRandom)?;
            ring.insert(row.name.clone(), Self::FIRST_VERSION, Key16::new(*bytes));
        }
        ring.insert(KeyName::new(TRANSPORT_KEY_NAME), TRANSPORT_LOT, Key16::new(TRANSPORT_KEY));
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&random).map_err(|_| VaultError::NoRandom)?;
        Self::assemble(Kind::Rehearsal, ring, Zeroizing::new(pkcs8.as_ref().to_vec())).ok_or(VaultError::NoRandom)?
    }

    /// Opens the vault in `path` and tests it.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn open(path: &Path, passphrase: &str) -> Result<Self, VaultError> {
        let (kind, ring, signer) = seal::open(path, passphrase)?;
        Self::assemble(kind, ring, signer).ok_or_else(|| VaultError::Malformed { path: path.to_owned() })?
    }

    /// Writes the vault to a new file, readable by its owner alone.
    ///
    /// # Errors
    /// [`VaultError::File`], also when the file exists.
    pub fn seal(&self, path: &Path, passphrase: &str) -> Result<(), VaultError> {
        seal::write(path, passphrase, self.kind, &self.keys.ring(), &self.signer_pkcs8)
    }

    /// What its keys are good for.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The keys as a security module.
    #[must_use]
    pub fn keys(&self) -> VaultKeys {
        self.keys.clone()
    }

    /// Signs with the centre's Ed25519 key: 64 bytes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.signer.sign(message).as_ref().to_vec()
    }

    /// The centre's Ed25519 public key: 32 bytes.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        self.signer.public_key().as_ref()
    }

    /// Check values of every key on the three levels above the cards of `city`.
    ///
    /// # Errors
    /// [`VaultError::Security`].
    pub fn check_values(&self, city: CityCode) -> Result<CheckValues, VaultError> {
        let factors = Factors::of(city, [0; 8]);
        let mut keys = self.keys();
        let names: Vec<(KeyName, u8)> = keys.ring().names().map(|(name, version)| (name.clone(), version)).collect();
        let mut rows = Vec::with_capacity(names.len());
        for (name, version) in names {
            let mut value = |path: &[Block]| -> Result<String, SecurityError> {
                let key = KeyRef { name: name.clone(), version, path: path.to_vec(), form: KeyForm::TDES };
                Ok(hex::encode_upper(keys.check_value(&key)?))
            };
            let by_city = name.as_str() != TRANSPORT_KEY_NAME;
            rows.push(CheckValue {
                national: value(&[])?,
                province: by_city.then(|| value(&[factors.province])).transpose()?,
                city: by_city.then(|| value(&[factors.province, factors.city])).transpose()?,
                name: name.to_string(),
                version,
            });
        }
        Ok(CheckValues { kind: self.kind, city: city.to_string(), keys: rows })
    }

    /// Version of keys made here.
    pub const FIRST_VERSION: u8 = 1;

    fn assemble(kind: Kind, ring: KeyRing, signer_pkcs8: Zeroizing<Vec<u8>>) -> Option<Result<Self, VaultError>> {
        let signer = Ed25519KeyPair::from_pkcs8(&signer_pkcs8).ok()?;
        let tested = self_test().and_then(|()| refuse_test_keys(kind, &ring));
        Some(tested.map(|()| Self { kind, keys: VaultKeys(Arc::new(Mutex::new(ring))), signer, signer_pkcs8 }))
    }
}

/// Known answers before any key is used.
fn self_test() -> Result<(), VaultError> {
    let key = Key16::new(*b"\x01\x23\x45\x67\x89\xAB\xCD\xEF\xFE\xDC\xBA\x98\x76\x54\x32\x10");
    let published = Key16::new(*b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF");
    let derived = crypto::diversify(&published, *b"\x11\x22\x33\x44\x55\x66\x77\x88");
    let expected = *b"\x49\x6B\xD7\xA3\x51\x36\x44\x53\x31\x00\xB5\x4E\x71\x19\x65\x28";
    let tests = [
        ("check value", crypto::check_value(&key) == *b"\x08\xD7\xB4"),
        ("MAC", crypto::mac_retail(&key, [0; 8], b"Now is the time for all ") == *b"\xE9\x08\x62\x30"),
        ("diversification", *derived.expose() == expected),
    ];
    match tests.into_iter().find(|(_, passed)| !passed) {
        None => Ok(()),
        Some((test, _)) => Err(VaultError::SelfTest { test }),
    }
}

fn refuse_test_keys(kind: Kind, ring: &KeyRing) -> Result<(), VaultError> {
    match kind {
        Kind::Rehearsal => Ok(()),
        Kind::Production => match ring.keys().find(|(_, _, key)| well_known::is_well_known(key)) {
            None => Ok(()),
            Some((name, version, _)) => Err(VaultError::TestKey { name: name.clone(), version }),
        },
    }
}

impl VaultKeys {
    fn ring(&self) -> std::sync::MutexGuard<'_, KeyRing> {
        // A panic elsewhere cannot leave the ring half changed: it is never changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SecurityModule for VaultKeys {
    fn authentication_cryptogram(&mut self, key: &KeyRef, factor: Block, data: Block) -> Result<Block, SecurityError> {
        self.ring().authentication_cryptogram(key, factor, data)
    }

    fn mac(&mut self, key: &KeyRef, kind: MacKey, iv: Block, message: &[u8]) -> Result<[u8; 4], SecurityError> {
        self.ring().mac(key, kind, iv, message)
    }

    fn encipher(&mut self, key: &KeyRef, factor: Block, blocks: &[u8]) -> Result<Vec<u8>, SecurityError> {
        self.ring().encipher(key, factor, blocks)
    }

    fn wrap(
        &mut self,
        key: &KeyRef,
        protecting: &KeyRef,
        command: [u8; 5],
        header: [u8; 3],
        iv: Block,
    ) -> Result<WrappedKey, SecurityError> {
        self.ring().wrap(key, protecting, command, header, iv)
    }

    fn check_value(&mut self, key: &KeyRef) -> Result<[u8; 3], SecurityError> {
        self.ring().check_value(key)
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for VaultKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VaultKeys(..)")
    }
}

/// Check values (校验值) of the keys of a vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckValues {
    /// What the keys are good for.
    pub kind: Kind,
    /// City of the third level.
    pub city: String,
    /// In order of name.
    pub keys: Vec<CheckValue>,
}

/// Check values of one key: first 3 bytes of E(0), hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckValue {
    /// Key name.
    pub name: String,
    /// Version.
    pub version: u8,
    /// National root key.
    pub national: String,
    /// Province's key; none for a transport key.
    pub province: Option<String>,
    /// City's key; none for a transport key.
    pub city: Option<String>,
}

impl Show for CheckValues {
    fn text(&self, lang: Lang) -> String {
        let title = match self.kind {
            Kind::Rehearsal => lang.pick("演练密钥（不得用于真卡）", "REHEARSAL keys (never for real cards)"),
            Kind::Production => lang.pick("生产密钥", "production keys"),
        };
        let (national, province, city) = lang.pick(("国家", "省", "市"), ("nation", "province", "city"));
        let mut text = format!("{title}\n{:<10} {:>3}  {national:<8} {province:<8} {city} {}", "", "v", self.city);
        for key in &self.keys {
            let level = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
            text.push_str(&format!(
                "\n{:<10} {:>3}  {:<8} {:<8} {}",
                key.name,
                key.version,
                key.national,
                level(&key.province),
                level(&key.city)
            ));
        }
        text
    }
}

impl Explain for VaultError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "VAULT_NOT_FOUND",
            Self::File { .. } => "VAULT_FILE_FAILED",
            Self::Malformed { .. } => "VAULT_MALFORMED",
            Self::NotOpened => "VAULT_NOT_OPENED",
            Self::PassphraseMissing => "PASSPHRASE_MISSING",
            Self::PassphraseUnreadable { .. } => "PASSPHRASE_UNREADABLE",
            Self::SelfTest { .. } => "SELF_TEST_FAILED",
            Self::TestKey { .. } => "KEY_TEST_REFUSED",
            Self::NoRandom => "NO_RANDOM",
            Self::Security(_) => "KEY_NOT_USABLE",
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::NotFound { path } => {
                lang.pick(format!("没有密钥库 {}", path.display()), format!("there is no vault {}", path.display()))
            }
            Self::File { path, source } => lang.pick(
                format!("密钥库 {} 无法读写: {source}", path.display()),
                format!("vault {} cannot be read or written: {source}", path.display()),
            ),
            Self::Malformed { path } => lang.pick(
                format!("{} 不是密钥库，或已损坏", path.display()),
                format!("{} is no vault, or damaged", path.display()),
            ),
            Self::NotOpened => lang
                .pick(
                    "口令打不开密钥库（口令错误，或文件被改动）",
                    "the passphrase does not open the vault (wrong, or the file was altered)",
                )
                .to_owned(),
            Self::PassphraseMissing => lang.pick("没有密钥库口令", "no passphrase for the vault").to_owned(),
            Self::PassphraseUnreadable { source_name } => lang.pick(
                format!("读不到口令: {source_name}"),
                format!("the passphrase cannot be read from {source_name}"),
            ),
            Self::SelfTest { test } => {
                lang.pick(format!("密码运算自检失败: {test}"), format!("the self-test of {test} failed"))
            }
            Self::TestKey { name, version } => lang.pick(
                format!("密钥 {name} 第 {version} 版是公开的测试密钥"),
                format!("key {name} version {version} is a well-known test key"),
            ),
            Self::NoRandom => lang.pick("系统不提供随机数", "the system gives no random numbers").to_owned(),
            Self::Security(error) => {
                lang.pick(format!("密钥无法使用: {error}"), format!("a key cannot be used: {error}"))
            }
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::NotFound { .. } => lang.pick("检查数据目录", "check the data folder"),
            Self::File { .. } => lang.pick("检查权限和磁盘空间", "check permissions and disk space"),
            Self::Malformed { .. } => lang.pick("从备份恢复密钥库", "restore the vault from its backup"),
            Self::NotOpened | Self::PassphraseMissing => lang.pick(
                "用 --passphrase env:变量 或 file:文件 给出口令",
                "give the passphrase with --passphrase env:NAME or file:PATH",
            ),
            Self::PassphraseUnreadable { .. } => {
                lang.pick("检查环境变量或文件", "check the environment variable or the file")
            }
            Self::SelfTest { .. } | Self::NoRandom => {
                lang.pick("停用这台机器，报告问题", "do not use this machine; report the problem")
            }
            Self::TestKey { .. } => lang.pick("换上密钥仪式产生的密钥", "replace it with a key from the key ceremony"),
            Self::Security(_) => {
                lang.pick("用 issuer key list 查看现有密钥", "see which keys there are with `issuer key list`")
            }
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotFound { .. } => Exit::NotFound,
            Self::File { .. } | Self::Malformed { .. } => Exit::Storage,
            Self::NotOpened => Exit::Authentication,
            Self::PassphraseMissing | Self::PassphraseUnreadable { .. } => Exit::Usage,
            Self::SelfTest { .. } | Self::NoRandom => Exit::Bug,
            Self::TestKey { .. } | Self::Security(_) => Exit::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rehearsal() -> Vault {
        Vault::rehearsal(&[card_profiles::builtin::builtin("ssc-3.0").expect("built in")]).expect("vault")
    }

    #[test]
    fn a_sealed_vault_opens_with_its_passphrase_and_keeps_every_key() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("centre.vault");
        let vault = rehearsal();
        vault.seal(&path, "correct horse").expect("sealed");
        let opened = Vault::open(&path, "correct horse").expect("opened");
        let city = CityCode::parse("513300").expect("digits");
        assert_eq!(vault.check_values(city).expect("values"), opened.check_values(city).expect("values"));
        assert!(vault.check_values(city).expect("values").keys.len() > 50);
        assert_eq!(vault.public_key(), opened.public_key());
        assert!(matches!(Vault::open(&path, "correct hors"), Err(VaultError::NotOpened)));
        assert!(matches!(vault.seal(&path, "again"), Err(VaultError::File { .. })));
    }

    #[test]
    fn an_altered_vault_does_not_open() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("centre.vault");
        rehearsal().seal(&path, "p").expect("sealed");
        let text = std::fs::read_to_string(&path).expect("text");
        for (from, to) in [("\"rehearsal\"", "\"production\""), ("passes = 2", "passes = 3")] {
            assert!(text.contains(from));
            std::fs::write(&path, text.replace(from, to)).expect("written");
            assert!(matches!(Vault::open(&path, "p"), Err(VaultError::NotOpened)), "{from}");
        }
        for garbage in ["", "format = 1", "\u{0}\u{1}"] {
            std::fs::write(&path, garbage).expect("written");
            assert!(matches!(Vault::open(&path, "p"), Err(VaultError::Malformed { .. })));
        }
        let huge = text.replace("memory_kib = 19456", "memory_kib = 4194304000");
        std::fs::write(&path, huge).expect("written");
        assert!(matches!(Vault::open(&path, "p"), Err(VaultError::Malformed { .. })));
    }

    #[test]
    fn well_known_test_keys_are_refused_outside_rehearsal() {
        let mut ring = KeyRing::new();
        ring.insert(KeyName::new(TRANSPORT_KEY_NAME), 1, Key16::new(TRANSPORT_KEY));
        assert!(refuse_test_keys(Kind::Rehearsal, &ring).is_ok());
        assert!(matches!(refuse_test_keys(Kind::Production, &ring), Err(VaultError::TestKey { .. })));
    }

    #[test]
    fn no_key_byte_is_in_debug_or_in_the_file() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("centre.vault");
        let vault = rehearsal();
        vault.seal(&path, "p").expect("sealed");
        let file = std::fs::read(&path).expect("file");
        let shown = format!("{vault:?} {:?}", vault.keys());
        for (_, _, key) in vault.keys.ring().keys() {
            let text = hex::encode_upper(key.expose());
            assert!(!shown.contains(&text));
            assert!(!file.windows(16).any(|window| window == key.expose()));
            assert!(!String::from_utf8_lossy(&file).contains(&text));
        }
    }
}
