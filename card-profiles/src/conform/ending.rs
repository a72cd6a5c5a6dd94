//! What a final case ends on the card, and what can be tried after it no more.
//!
//! Owns: the order in which cases are carried out: what ends most goes last. Never: carries out.

use card_core::security::KeyRef;

use super::{Case, Effect, Need, Text};
use crate::certificate::Role;

/// What is over after a final case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// What was stored: records, a key pair, numbers left. Nothing that could not be tried.
    Content,
    /// A key is blocked.
    Key(KeyRef),
    /// A PIN of the certificate application is blocked.
    CertificatePin(Role),
    /// A directory is shut.
    Directory {
        /// Its id.
        id: String,
        /// Whether the others are reached through it.
        first: bool,
    },
    /// The card answers nothing more.
    Card,
}

impl Ending {
    /// Whether a case cannot be tried any more.
    #[must_use]
    pub fn ends(&self, case: &Case) -> bool {
        let needs = |wanted: &dyn Fn(&Need) -> bool| case.needs.iter().any(wanted);
        match self {
            Self::Content => false,
            Self::Key(key) => needs(&|need| matches!(need, Need::Key(needed, _) if needed == key)),
            Self::CertificatePin(role) => needs(&|need| *need == Need::CertificatePin(*role)),
            Self::Directory { id, .. } => needs(&|need| matches!(need, Need::Directory(needed) if needed == id)),
            Self::Card => true,
        }
    }

    /// Why a case is not tried any more.
    #[must_use]
    pub fn reason(&self, by: &str) -> Text {
        let (zh, en) = match self {
            Self::Content => ("数据".to_owned(), "data".to_owned()),
            Self::Key(key) => (format!("密钥 {}", key.name), key.name.to_string()),
            Self::CertificatePin(Role::User) => ("证书应用的用户 PIN".to_owned(), "the user PIN".to_owned()),
            Self::CertificatePin(Role::Administrator) => {
                ("证书应用的管理员 PIN".to_owned(), "the administrator PIN".to_owned())
            }
            Self::Directory { id, .. } => (id.clone(), id.clone()),
            Self::Card => ("卡片".to_owned(), "the card".to_owned()),
        };
        Text::new(format!("检测项 {by} 已使{zh}不可再用"), format!("{by} has blocked {en} for good"))
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Content => 1,
            Self::Key(_) => 2,
            Self::CertificatePin(_) => 3,
            Self::Directory { first: false, .. } => 4,
            Self::Directory { first: true, .. } => 5,
            Self::Card => 6,
        }
    }
}

/// The cases in the order in which they can be carried out on one card: final ones behind all others, what ends most last.
#[must_use]
pub fn in_order(mut cases: Vec<Case>) -> Vec<Case> {
    cases.sort_by_key(|case| match &case.effect {
        Effect::Nothing | Effect::Restored | Effect::Leaves(_) => 0,
        Effect::Final(ending) => ending.rank(),
    });
    cases
}
