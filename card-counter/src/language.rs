//! Two languages for everything that a person reads.
//!
//! Owns: the pair of texts and the choice by locale. Never: prints (`output`).

use std::borrow::Cow;
use std::fmt;

pub use settlement::Language;
use settlement::explain::Explain;

/// From the locale variables in the order of POSIX: `LC_ALL`, `LC_MESSAGES`, `LANG`; Chinese when one starts with `zh`.
#[must_use]
pub fn of_locale(variable: impl Fn(&str) -> Option<String>) -> Language {
    let locale =
        ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    match locale {
        Some(value) if value.starts_with("zh") => Language::Zh,
        Some(_) | None => Language::En,
    }
}

/// `zh` or `en`.
///
/// # Errors
/// What was expected.
pub fn parse(text: &str) -> Result<Language, &'static str> {
    match text {
        "zh" => Ok(Language::Zh),
        "en" => Ok(Language::En),
        _ => Err("write zh or en"),
    }
}

/// The same text in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// 中文.
    pub zh: Cow<'static, str>,
    /// English.
    pub en: Cow<'static, str>,
}

impl Words {
    /// Fixed texts.
    #[must_use]
    pub const fn new(zh: &'static str, en: &'static str) -> Self {
        Self { zh: Cow::Borrowed(zh), en: Cow::Borrowed(en) }
    }

    /// Texts made at run time.
    #[must_use]
    pub const fn of(zh: String, en: String) -> Self {
        Self { zh: Cow::Owned(zh), en: Cow::Owned(en) }
    }

    /// The same text for both languages: a path, a status word, what the system said.
    #[must_use]
    pub fn same(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::of(text.clone(), text)
    }

    /// What `settlement` says of its own error.
    #[must_use]
    pub fn explained(error: &impl Explain) -> Self {
        Self::of(error.message(Language::Zh), error.message(Language::En))
    }

    /// The text in one language.
    #[must_use]
    pub fn text(&self, language: Language) -> &str {
        match language {
            Language::Zh => &self.zh,
            Language::En => &self.en,
        }
    }
}

/// English, for technical sentences and logs.
impl fmt::Display for Words {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.en)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_locale_variable_that_is_set_decides() {
        let with = |all: &'static str, lang: &'static str| {
            of_locale(|name| match name {
                "LC_ALL" => Some(all.to_owned()),
                "LANG" => Some(lang.to_owned()),
                _ => None,
            })
        };
        assert_eq!(with("", "zh_CN.UTF-8"), Language::Zh);
        assert_eq!(with("C.UTF-8", "zh_CN.UTF-8"), Language::En);
        assert_eq!(with("", ""), Language::En);
    }
}
