//! The two languages of every text that a user reads.
//!
//! Owns: choosing the language, columns of its texts. Never: holds texts.

/// Chinese or English.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Lang {
    /// 中文.
    Zh,
    /// English.
    En,
}

impl Lang {
    /// The language of a locale name: `zh_CN.UTF-8` is Chinese, anything else English.
    #[must_use]
    pub fn of_locale(locale: &str) -> Self {
        if locale.starts_with("zh") { Self::Zh } else { Self::En }
    }

    /// The language of the environment: `LC_ALL`, `LC_MESSAGES`, `LANG`, the first that is set.
    #[must_use]
    pub fn of_environment() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self::of_locale(&["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set).unwrap_or_default())
    }

    /// The text of this language.
    #[must_use]
    pub fn pick<T>(self, zh: T, en: T) -> T {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}

/// A text filled up with blanks to so many places; a character of East Asia takes two.
#[must_use]
pub fn column(text: &str, places: usize) -> String {
    let taken: usize = text.chars().map(|c| if c >= '\u{1100}' { 2 } else { 1 }).sum();
    format!("{text}{}", " ".repeat(places.saturating_sub(taken)))
}
