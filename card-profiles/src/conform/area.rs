//! Areas of the suite, and texts in two languages.
//!
//! Source: LD/T 6001.3 names record presence, access safety, key versions, certificate check and account transactions;
//! the other areas are ours. Owns: their names. Never: decides which cases are in an area.

/// A text in Chinese and in English.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// 中文.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Text {
    /// Both languages.
    #[must_use]
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }
}

/// An area of the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// 应用选择.
    Selection,
    /// 记录存在性.
    Records,
    /// 存取安全.
    Access,
    /// 密钥版本.
    Keys,
    /// 个人口令.
    Pin,
    /// 安全报文.
    Messaging,
    /// 证书.
    Certificate,
    /// 账户交易.
    Account,
    /// 锁定状态.
    Blocking,
    /// PSAM.
    Psam,
    /// 协议差错.
    Protocol,
}

impl Area {
    /// All, in the order in which they are carried out.
    pub const ALL: [Self; 11] = [
        Self::Selection,
        Self::Records,
        Self::Access,
        Self::Keys,
        Self::Pin,
        Self::Messaging,
        Self::Certificate,
        Self::Account,
        Self::Blocking,
        Self::Psam,
        Self::Protocol,
    ];

    /// Its word in ids and on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Selection => "selection",
            Self::Records => "records",
            Self::Access => "access",
            Self::Keys => "keys",
            Self::Pin => "pin",
            Self::Messaging => "messaging",
            Self::Certificate => "certificate",
            Self::Account => "account",
            Self::Blocking => "blocking",
            Self::Psam => "psam",
            Self::Protocol => "protocol",
        }
    }

    /// The area with this word, or with this name as reports have it.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        let is_it = |area: &Self| area.word() == word || area.name().zh == word || area.name().en == word;
        Self::ALL.into_iter().find(is_it)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> Text {
        let (zh, en) = match self {
            Self::Selection => ("应用选择", "selection"),
            Self::Records => ("记录存在性", "record presence"),
            Self::Access => ("存取安全", "access safety"),
            Self::Keys => ("密钥版本", "key versions"),
            Self::Pin => ("个人口令", "PIN"),
            Self::Messaging => ("安全报文", "secure messaging"),
            Self::Certificate => ("证书", "certificate check"),
            Self::Account => ("账户交易", "account transactions"),
            Self::Blocking => ("锁定状态", "blocked states"),
            Self::Psam => ("PSAM", "PSAM"),
            Self::Protocol => ("协议差错", "protocol errors"),
        };
        Text::new(zh, en)
    }
}
