//! Why keys cannot be used, and what to do about it.
//!
//! Owns: the errors of vaults and modules, the words of [`SecurityError`] for every area.

use card_core::security::{KeyName, SecurityError};

use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;

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
    /// The same, of a file that is named.
    #[error("the passphrase does not open {path}")]
    FileNotOpened {
        /// The file.
        path: std::path::PathBuf,
    },
    /// The vault is that of another centre.
    #[error("the vault is not that of this centre")]
    Foreign,
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
    /// A key of this name and version is there already; a key is never replaced.
    #[error("key {name} version {version} is there already")]
    KeyExists {
        /// Name.
        name: KeyName,
        /// Version.
        version: u8,
    },
    /// The keys are in a token, and the configuration names none.
    #[error("the configuration names no PKCS#11 module and token")]
    TokenNotConfigured,
    /// The PKCS#11 module cannot be loaded.
    #[error("PKCS#11 module {path}: {source}")]
    ModuleNotLoaded {
        /// The library.
        path: std::path::PathBuf,
        /// What the loader or the module said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No token has this label.
    #[error("no token is labelled {token}")]
    TokenNotFound {
        /// The label.
        token: String,
    },
    /// The token holds keys of a centre already.
    #[error("token {token} holds keys of a centre already")]
    TokenNotEmpty {
        /// The label.
        token: String,
    },
    /// The token refused its PIN.
    #[error("the token refused its PIN")]
    PinRefused,
    /// The token is locked after too many wrong PINs.
    #[error("the PIN of the token is locked")]
    PinLocked,
    /// No PIN was given and nobody can be asked.
    #[error("no PIN for the token")]
    PinMissing,
    /// No way of the configuration that the token has fits the key under which others go out.
    #[error("the token wraps in none of the ways that are configured: {wanted}")]
    NoWayToWrap {
        /// Name of the wrapping key.
        under: String,
        /// Ways of the configuration.
        wanted: String,
        /// Mechanisms with which the token says that it wraps.
        reported: String,
    },
    /// The label of the wrapping key is that of no key, or of several.
    #[error("{found} keys of the token are labelled {label}")]
    ExportKey {
        /// The label.
        label: String,
        /// How many there are.
        found: usize,
    },
    /// Keys of SM4 cards in a token: PKCS #11 numbers no mechanism for SM4.
    #[error("a PKCS#11 token computes no SM4 here")]
    TokenWithoutSm4,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandom,
    /// A key check value cannot be computed.
    #[error(transparent)]
    Security(#[from] SecurityError),
}

impl Explain for VaultError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "VAULT_NOT_FOUND",
            Self::File { .. } => "VAULT_FILE_FAILED",
            Self::Malformed { .. } => "VAULT_MALFORMED",
            Self::NotOpened | Self::FileNotOpened { .. } => "VAULT_NOT_OPENED",
            Self::Foreign => "VAULT_FOREIGN",
            Self::PassphraseMissing => "PASSPHRASE_MISSING",
            Self::PassphraseUnreadable { .. } => "PASSPHRASE_UNREADABLE",
            Self::SelfTest { .. } => "SELF_TEST_FAILED",
            Self::TestKey { .. } => "KEY_TEST_REFUSED",
            Self::NoRandom => "NO_RANDOM",
            Self::KeyExists { .. } => "KEY_EXISTS",
            Self::TokenNotConfigured => "MODULE_NOT_CONFIGURED",
            Self::ModuleNotLoaded { .. } => "MODULE_NOT_LOADED",
            Self::TokenNotFound { .. } => "MODULE_TOKEN_NOT_FOUND",
            Self::TokenNotEmpty { .. } => "MODULE_TOKEN_NOT_EMPTY",
            Self::NoWayToWrap { .. } => "KEY_NO_WAY_TO_WRAP",
            Self::ExportKey { .. } => "EXPORT_KEY_NOT_FOUND",
            Self::PinRefused => "MODULE_PIN_REFUSED",
            Self::PinLocked => "MODULE_PIN_LOCKED",
            Self::PinMissing => "MODULE_PIN_MISSING",
            Self::TokenWithoutSm4 => "MODULE_WITHOUT_SM4",
            Self::Security(error) => module_code(error),
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
            Self::FileNotOpened { path } => lang.pick(
                format!("口令打不开 {}（口令错误，或文件被改动）", path.display()),
                format!("the passphrase does not open {} (wrong, or the file was altered)", path.display()),
            ),
            Self::Foreign => lang
                .pick(
                    "密钥库不属于这个发卡中心",
                    "the vault is that of another centre: its signing key is not known here",
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
            Self::KeyExists { name, version } => lang.pick(
                format!("密钥 {name} 第 {version} 版已存在，未作改动"),
                format!("key {name} version {version} is there already; nothing was changed"),
            ),
            Self::TokenNotConfigured => lang
                .pick(
                    "密钥在加密机中，而 centre.toml 没有 [pkcs11]",
                    "the keys are in a token, and centre.toml has no [pkcs11]",
                )
                .to_owned(),
            Self::ModuleNotLoaded { path, source } => lang.pick(
                format!("PKCS#11 模块 {} 无法加载: {source}", path.display()),
                format!("PKCS#11 module {} cannot be loaded: {source}", path.display()),
            ),
            Self::TokenNotFound { token } => {
                lang.pick(format!("没有标签为 {token} 的加密机令牌"), format!("no token is labelled {token}"))
            }
            Self::TokenNotEmpty { token } => lang.pick(
                format!("令牌 {token} 中已有发卡中心的密钥，未作改动"),
                format!("token {token} holds keys of a centre already; nothing was changed"),
            ),
            Self::NoWayToWrap { under, wanted, reported } => lang.pick(
                format!("加密机不能按配置的方式用 {under} 包裹密钥；配置: {wanted}；加密机报告可包裹: {reported}"),
                format!("the token cannot wrap under {under} in any way of the configuration ({wanted}); it says that it wraps with: {reported}"),
            ),
            Self::ExportKey { label, found } => lang.pick(
                format!("加密机中标签为 {label} 的密钥有 {found} 个，应有 1 个"),
                format!("{found} keys of the token are labelled {label}; there must be one"),
            ),
            Self::PinRefused => lang.pick("加密机拒绝了 PIN", "the token refused its PIN").to_owned(),
            Self::PinLocked => lang.pick("加密机 PIN 已锁定", "the PIN of the token is locked").to_owned(),
            Self::PinMissing => lang.pick("没有加密机 PIN", "no PIN for the token").to_owned(),
            Self::TokenWithoutSm4 => lang
                .pick(
                    "PKCS#11 令牌在此不计算 SM4（PKCS #11 没有为它编号），不能存放 SM4 卡的密钥",
                    "a PKCS#11 token computes no SM4 here (PKCS #11 numbers no mechanism for it), so that it holds no keys of SM4 cards",
                )
                .to_owned(),
            Self::Security(error) => module_what(error, lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::NotFound { .. } => lang.pick(
                "检查数据目录；文件确已丢失时，用备份恢复中心",
                "check the data folder; if the file is lost, bring the centre back from a backup",
            ),
            Self::File { .. } => lang.pick("检查权限和磁盘空间", "check permissions and disk space"),
            Self::Malformed { .. } => lang.pick("从备份恢复密钥库", "restore the vault from its backup"),
            Self::Foreign => lang
                .pick("把数据库和它自己的 centre.vault 放在一起", "put the database and its own centre.vault together"),
            Self::NotOpened | Self::PassphraseMissing => lang.pick(
                "用 --passphrase env:变量 或 file:文件 给出口令",
                "give the passphrase with --passphrase env:NAME or file:PATH",
            ),
            Self::PassphraseUnreadable { .. } => {
                lang.pick("检查环境变量或文件", "check the environment variable or the file")
            }
            Self::FileNotOpened { .. } => lang.pick(
                "用 --passphrase env:变量 或 file:文件 给出口令；口令无误时从备份恢复这个文件",
                "give the passphrase with --passphrase env:NAME or file:PATH; if it is the right one, bring that file back from a backup",
            ),
            Self::SelfTest { .. } | Self::NoRandom => {
                lang.pick("停用这台机器，报告问题", "do not use this machine; report the problem")
            }
            Self::TestKey { .. } => lang.pick("换上密钥仪式产生的密钥", "replace it with a key from the key ceremony"),
            Self::KeyExists { .. } => lang.pick("换一个版本号", "choose another version"),
            Self::TokenNotConfigured | Self::ModuleNotLoaded { .. } => {
                lang.pick("检查 centre.toml 的 [pkcs11]", "check [pkcs11] of centre.toml")
            }
            Self::TokenNotFound { .. } => lang
                .pick("接好加密机，核对令牌标签后重试", "connect the module, check the token's label, then try again"),
            Self::NoWayToWrap { .. } => lang.pick(
                "在 centre.toml 的 [pkcs11] 中用 wrap 写出加密机支持的方式，用 export_key 指定与之相配的密钥",
                "name a way that the token has with `wrap`, and a key that fits it with `export_key`, in [pkcs11] of centre.toml",
            ),
            Self::ExportKey { .. } => {
                lang.pick("核对 centre.toml 中 [pkcs11] 的 export_key", "check export_key in [pkcs11] of centre.toml")
            }
            Self::TokenNotEmpty { .. } => lang.pick("换一个空令牌", "choose an empty token"),
            Self::PinRefused | Self::PinMissing => lang.pick(
                "用 --pin env:变量 或 file:文件 给出 PIN；多次错误会锁定",
                "give the PIN with --pin env:NAME or file:PATH; too many wrong ones lock the token",
            ),
            Self::TokenWithoutSm4 => lang.pick(
                "有 SM4 卡的中心用密封文件存放密钥：issuer init --vault software --cards …；只用令牌时 --cards 和 centre.toml 的 cards 只写 ssc-3.0",
                "keep the keys of a centre with SM4 cards in the sealed file: `issuer init --vault software --cards …`; with a token, name ssc-3.0 alone in --cards and in `cards` of centre.toml",
            ),
            Self::PinLocked => lang.pick("由加密机安全员解锁", "let the security officer of the module unlock it"),
            Self::Security(error) => module_next(error, lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotFound { .. } => Exit::NotFound,
            Self::File { .. } | Self::Malformed { .. } | Self::Foreign => Exit::Storage,
            Self::NotOpened | Self::FileNotOpened { .. } | Self::PinRefused | Self::PinLocked => Exit::Authentication,
            Self::TokenNotFound { .. } => Exit::Peer,
            Self::TokenNotConfigured | Self::ModuleNotLoaded { .. } | Self::PinMissing => Exit::Usage,
            Self::PassphraseMissing | Self::PassphraseUnreadable { .. } | Self::TokenWithoutSm4 => Exit::Usage,
            Self::SelfTest { .. } | Self::NoRandom => Exit::Bug,
            Self::TestKey { .. } | Self::KeyExists { .. } | Self::TokenNotEmpty { .. } | Self::NoWayToWrap { .. } => {
                Exit::Refused
            }
            Self::ExportKey { .. } => Exit::NotFound,
            Self::Security(error) => module_exit(error),
        }
    }
}

/// Stable code of a module's error.
pub(crate) const fn module_code(error: &SecurityError) -> &'static str {
    match error {
        SecurityError::Gone(_) => "MODULE_GONE",
        SecurityError::StaysInside { .. } => "KEY_STAYS_INSIDE",
        SecurityError::KeyNotFound { .. } => "KEY_NOT_FOUND",
        SecurityError::LevelTooLow { .. }
        | SecurityError::Unsupported { .. }
        | SecurityError::Refused { .. }
        | SecurityError::NotPsam(_)
        | SecurityError::Session(_)
        | SecurityError::Challenge(_) => "KEY_NOT_USABLE",
    }
}

/// What a module's error means.
pub(crate) fn module_what(error: &SecurityError, lang: Lang) -> String {
    match error {
        SecurityError::Gone(source) => {
            // The words of the standard go on for lines; the first sentence names the call and the fault.
            let source = source.to_string();
            let source = source.split(". ").next().unwrap_or_default();
            lang.pick(format!("加密机没有应答: {source}"), format!("the security module does not answer: {source}"))
        }
        SecurityError::StaysInside { name } => {
            lang.pick(format!("密钥 {name} 不得离开加密机"), format!("key {name} may not leave the security module"))
        }
        SecurityError::KeyNotFound { name, version } => lang.pick(
            format!("密钥库中没有密钥 {name} 第 {version} 版"),
            format!("the vault holds no key {name} version {version}"),
        ),
        error => lang.pick(format!("密钥无法使用: {error}"), format!("a key cannot be used: {error}")),
    }
}

/// What to do about a module's error.
pub(crate) const fn module_next(error: &SecurityError, lang: Lang) -> &'static str {
    let (zh, en) = match error {
        SecurityError::Gone(_) => {
            ("恢复加密机后重新运行同一命令", "bring the security module back, then run the same command again")
        }
        SecurityError::StaysInside { .. } => (
            "只有以 extractable = true 放入的密钥可以导出，以 psam_keys = true 放入的可以写进 PSAM；否则 PSAM 由上级密钥管理机构发放",
            "only keys that were brought in with extractable = true are exported, and only those with psam_keys = true go into a PSAM; otherwise get the PSAM from the authority above",
        ),
        SecurityError::KeyNotFound { .. } => (
            "用 issuer key list 查看现有密钥；生产密钥由 issuer ceremony 产生",
            "see which keys there are with `issuer key list`; production keys come from `issuer ceremony`",
        ),
        _ => ("用 issuer key list 查看现有密钥", "see which keys there are with `issuer key list`"),
    };
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

/// How a run ends after a module's error.
pub(crate) const fn module_exit(error: &SecurityError) -> Exit {
    match error {
        SecurityError::Gone(_) => Exit::Peer,
        _ => Exit::Refused,
    }
}
