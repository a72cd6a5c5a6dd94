//! What contradicts what, in words.
//!
//! Owns: the kinds of contradiction and their texts. Never: looks for one.

use std::fmt;

use card_core::security::KeyName;

use crate::codec::EncodeError;
use crate::profile::KeyClass;

/// A word of a finding in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// 中文.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

impl Term {
    pub(super) const fn new(zh: &'static str, en: &'static str) -> Self {
        Self { zh, en }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.en)
    }
}

/// One contradiction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where: `DF04.EF05.tag_81`, `key UK1DF04`, `pin`.
    pub place: String,
    /// What.
    pub problem: Problem,
}

/// What contradicts what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Grammar version that this program does not read.
    #[error("grammar version {0} is not known")]
    GrammarUnknown(u32),
    /// The name of a profile that is built in.
    #[error("{0} is the name of a built-in profile")]
    NameTaken(String),
    /// Stated size or count differs from the sum of the rows.
    #[error("{what} is stated as {stated}, the rows give {computed}")]
    Sum {
        /// Size, records, length.
        what: Term,
        /// As written.
        stated: usize,
        /// As computed.
        computed: usize,
    },
    /// Two rows share an identifier.
    #[error("{what} {value} is used twice")]
    Duplicate {
        /// Which identifier.
        what: Term,
        /// Its value.
        value: String,
    },
    /// A row has the header of a command that every card has.
    #[error("command {header} is {name}, which every card has")]
    CommandTaken {
        /// CLA INS P1 P2.
        header: String,
        /// Its name in the standard.
        name: &'static str,
    },
    /// An initial PIN with something else than digits.
    #[error("digits of the initial PIN: another sign is among them")]
    InitialDigits,
    /// A row names a key that is not there, or not in this DF nor in the first one.
    #[error("key {0} is not among the keys of this directory or of the first")]
    KeyMissing(KeyName),
    /// A condition names a key that cannot be proved by EXTERNAL AUTHENTICATION.
    #[error("key {0} does not serve external authentication")]
    KeyCannotAuthenticate(KeyName),
    /// A row needs a key of another class.
    #[error("key {key} has the class {found:?}, this row needs {needed:?}")]
    KeyClassWrong {
        /// Key.
        key: KeyName,
        /// Its class.
        found: KeyClass,
        /// What the row needs.
        needed: KeyClass,
    },
    /// A file of another structure than its use needs.
    #[error("{0} is no cyclic file, and transactions are logged there")]
    LogNotCyclic(String),
    /// A version of the specification that does not exist.
    #[error("{0:?} is no generation of the card: 1, 2 or 3 comes first")]
    VersionUnknown(String),
    /// HSM address of another form.
    #[error("HSM address {0:?} is not four hex digits")]
    HsmAddress(String),
    /// Two places for one version of a key.
    #[error("version {0} stands there twice")]
    KeyVersionTwice(u8),
    /// A PSAM without what a terminal looks for in it.
    #[error("a PSAM has an environment with the file of terminal_number, and an application")]
    PsamIncomplete,
    /// A condition names the PIN of a card that has none.
    #[error("the card has no PIN")]
    PinMissing,
    /// A row names a directory or file that is not there.
    #[error("{0} does not exist")]
    PlaceMissing(String),
    /// A certificate application with fewer than two files of one kind, one for each key pair.
    #[error("certificate.{content} of the pair that {} does not exist", if *signs { "signs" } else { "deciphers" })]
    PairIncomplete {
        /// What the file would hold, as the text has it.
        content: &'static str,
        /// Whether the pair that signs lacks it, or else the one that deciphers.
        signs: bool,
    },
    /// One command sets up both PINs, and the length of its data does not say which.
    #[error("command is used twice as set-up of both PINs, whose lengths do not tell them apart")]
    PinsAlike,
    /// A private key whose file says that it can be read.
    #[error("a private key that can be read")]
    PrivateReadable,
    /// Commands without access conditions.
    #[error("no row says what must be proved before its commands")]
    AccessMissing,
    /// A MAC or TAC over nothing that says how much.
    #[error("{0} is not among the fields: whatever the amount, the MAC would fit")]
    MacWithoutAmount(&'static str),
    /// A tag where none may be, or none where one must be.
    #[error("a record of TLV files has a tag, a field of other files has none")]
    Tag,
    /// A number outside what the card can hold.
    #[error("{what} is {value}, expected {expected}")]
    OutOfRange {
        /// What.
        what: Term,
        /// As written.
        value: usize,
        /// What is possible.
        expected: Term,
    },
    /// A value that the profile itself fixes does not fit its item.
    #[error("{value:?} does not fit: {error}")]
    Unencodable {
        /// The value.
        value: String,
        /// Why.
        error: EncodeError,
    },
    /// Files and keys need more memory than the chip has.
    #[error("files and keys need {needed} bytes, the chip has {capacity}")]
    Capacity {
        /// Sum.
        needed: usize,
        /// Of the chip.
        capacity: usize,
    },
}

impl Problem {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::GrammarUnknown(_) => "LINT_GRAMMAR",
            Self::NameTaken(_) => "LINT_NAME_TAKEN",
            Self::Sum { .. } => "LINT_SUM",
            Self::Duplicate { .. } => "LINT_DUPLICATE",
            Self::CommandTaken { .. } => "LINT_COMMAND_TAKEN",
            Self::InitialDigits => "LINT_INITIAL_DIGITS",
            Self::KeyMissing(_) => "LINT_KEY_MISSING",
            Self::KeyCannotAuthenticate(_) => "LINT_KEY_CANNOT_AUTHENTICATE",
            Self::KeyClassWrong { .. } => "LINT_KEY_CLASS",
            Self::LogNotCyclic(_) => "LINT_LOG_NOT_CYCLIC",
            Self::VersionUnknown(_) => "LINT_VERSION",
            Self::HsmAddress(_) => "LINT_HSM_ADDRESS",
            Self::KeyVersionTwice(_) => "LINT_KEY_VERSION_TWICE",
            Self::PsamIncomplete => "LINT_PSAM_INCOMPLETE",
            Self::PinMissing => "LINT_PIN_MISSING",
            Self::PlaceMissing(_) => "LINT_PLACE_MISSING",
            Self::PairIncomplete { .. } => "LINT_PAIR_INCOMPLETE",
            Self::PinsAlike => "LINT_PINS_ALIKE",
            Self::PrivateReadable => "LINT_PRIVATE_READABLE",
            Self::AccessMissing => "LINT_ACCESS_MISSING",
            Self::MacWithoutAmount(_) => "LINT_MAC_WITHOUT_AMOUNT",
            Self::Tag => "LINT_TAG",
            Self::OutOfRange { .. } => "LINT_OUT_OF_RANGE",
            Self::Unencodable { .. } => "LINT_UNENCODABLE",
            Self::Capacity { .. } => "LINT_CAPACITY",
        }
    }

    /// The contradiction in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::GrammarUnknown(version) => format!("不认识第 {version} 版描述语法"),
            Self::NameTaken(name) => format!("{name} 是内置描述的名称"),
            Self::Sum { what, stated, computed } => format!("{}写为 {stated}，按各行计算为 {computed}", what.zh),
            Self::Duplicate { what, value } => format!("{} {value} 重复", what.zh),
            Self::CommandTaken { header, name } => format!("命令 {header} 就是每张卡都有的 {name}"),
            Self::InitialDigits => "初始口令中有数字以外的字符".to_owned(),
            Self::KeyMissing(name) => format!("本目录和第一个目录都没有密钥 {name}"),
            Self::KeyCannotAuthenticate(name) => format!("密钥 {name} 不能用于外部认证"),
            Self::KeyClassWrong { key, found, needed } => {
                format!("密钥 {key} 的类别是 {found:?}，此处需要 {needed:?}")
            }
            Self::LogNotCyclic(file) => format!("{file} 不是循环文件，不能记录交易明细"),
            Self::VersionUnknown(version) => format!("{version:?} 不是已有的规范版本：首位应为 1、2 或 3"),
            Self::HsmAddress(address) => format!("加密机地址 {address:?} 不是四位十六进制"),
            Self::KeyVersionTwice(version) => format!("版本 {version} 写了两次"),
            Self::PsamIncomplete => "PSAM 须有环境目录（含 terminal_number 的文件）和应用目录".to_owned(),
            Self::PinMissing => "该卡没有个人口令".to_owned(),
            Self::PlaceMissing(place) => format!("{place} 不存在"),
            Self::PairIncomplete { content, signs } => {
                format!("缺少{}密钥对的 certificate.{content}", if *signs { "签名" } else { "加密" })
            }
            Self::PinsAlike => "两个口令由同一条命令设置，而长度分不出是哪一个".to_owned(),
            Self::PrivateReadable => "私钥文件不应可读".to_owned(),
            Self::AccessMissing => "没有写明执行其命令之前须通过什么认证".to_owned(),
            Self::MacWithoutAmount(field) => format!("各字段中没有 {field}：无论金额多少，MAC 都会相符"),
            Self::Tag => "记录文件的每条记录须有标识，其他文件的数据项不得有标识".to_owned(),
            Self::OutOfRange { what, value, expected } => format!("{}为 {value}，应为{}", what.zh, expected.zh),
            Self::Unencodable { value, error } => format!("{value:?} 写不进去：{}", error.zh()),
            Self::Capacity { needed, capacity } => format!("文件和密钥共需 {needed} 字节，芯片只有 {capacity} 字节"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}
