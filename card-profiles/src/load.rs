//! Reads a profile text.
//!
//! Source: `docs/profile.md`, grammar version 1.
//! Owns: text to rows, composite names to their items, errors with line and column. Never: judges the rows (`lint`).
//! Units: lines and columns from 1; a column is a character, not a byte.

use std::fmt;

use card_core::crypto::{KeyForm, KeyLength};

use crate::format::FormatKind;
use crate::profile::{Element, Profile};

/// Version of the grammar that this program reads.
pub const GRAMMAR: u32 = 1;

/// Why a text is no profile. Mended by the author of the profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileError {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What is there and what was expected.
    pub message: String,
}

impl ProfileError {
    /// Stable code.
    pub const CODE: &'static str = "PROFILE_MALFORMED";

    fn at(text: &str, offset: usize, message: String) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).map_or(0, |part| part.chars().count());
        Self { line: 1 + before.matches('\n').count(), column: 1 + column, message }
    }

    /// The error in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        format!("卡片描述文件第 {} 行第 {} 列有误：{}。请按 docs/profile.md 修改", self.line, self.column, self.message)
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "profile, line {} column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ProfileError {}

impl Profile {
    /// Reads a profile text.
    ///
    /// # Errors
    /// [`ProfileError`] at the first place where the text does not follow the grammar.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let mut profile: Self = toml::from_str(text).map_err(|error| {
            ProfileError::at(text, error.span().map_or(0, |span| span.start), error.message().to_owned())
        })?;
        if profile.format != GRAMMAR {
            let message =
                format!("grammar version {} is not known; this program reads version {GRAMMAR}", profile.format);
            return Err(ProfileError::at(text, offset_of(text, "format"), message));
        }
        let composites = std::mem::take(&mut profile.composite);
        for element in profile.df.iter_mut().flat_map(|df| &mut df.ef).flat_map(|ef| &mut ef.elements) {
            element.inner = resolve(element, &composites)
                .map_err(|message| ProfileError::at(text, offset_of(text, &format!("{:?}", element.id)), message))?;
        }
        profile.composite = composites;
        let rules = profile.rules();
        if let Some(account) = &mut profile.account {
            account.key_form = KeyForm { rules, length: KeyLength::Sixteen };
        }
        Ok(profile)
    }
}

fn resolve(
    element: &Element,
    composites: &std::collections::BTreeMap<String, Vec<Element>>,
) -> Result<Vec<Element>, String> {
    match (element.format.kind, &element.composite) {
        (FormatKind::BTlv, Some(name)) => {
            composites.get(name).cloned().ok_or_else(|| format!("there is no composite {name:?}"))
        }
        (FormatKind::BTlv, None) => Err(format!("{} is b-tlv: name its composite", element.id)),
        (_, Some(_)) => Err(format!("{} is {}: only b-tlv has a composite", element.id, element.format)),
        (_, None) => Ok(Vec::new()),
    }
}

/// Where a word first stands, for errors found after the text was read.
fn offset_of(text: &str, word: &str) -> usize {
    text.find(word).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::builtin_text;

    fn parse_changed(from: &str, to: &str) -> ProfileError {
        let text = builtin_text("ssc-3.0").expect("built in");
        assert!(text.contains(from), "{from:?}");
        Profile::parse(&text.replacen(from, to, 1)).expect_err("changed")
    }

    #[test]
    fn errors_name_line_and_column_and_what_was_expected() {
        let text = builtin_text("ssc-3.0").expect("built in");
        let line_of = |word: &str| 1 + text.lines().position(|line| line.contains(word)).expect("line");

        let error = parse_changed("format = \"an(9)\"", "format = \"an[9]\"");
        assert_eq!(error.line, line_of("card_number"));
        assert!(error.column > 60, "{}", error.column);
        assert!(error.message.contains("write b(n), cn(n)"), "{error}");

        let error = parse_changed("read = \"RKSSSE\"", "read = \"sometimes\"");
        assert_eq!((error.line, error.column), (line_of("read = \"RKSSSE\""), 10));

        let error = parse_changed("update = \"UKSSSE\"", "updates = \"UKSSSE\"");
        assert!(error.message.contains("updates"), "{error}");

        assert!(parse_changed("format = 1", "format = 2").to_string().contains("line 2 column 1: grammar version 2"));
        assert!(parse_changed("composite = \"degree\"", "composite = \"grade\"").message.contains("grade"));
        assert!(error.zh().contains("docs/profile.md"));
    }

    #[test]
    fn a_file_without_read_condition_does_not_load() {
        assert!(parse_changed("\n  read = \"free\"", "").message.contains("read"));
        assert!(parse_changed("\n  update = \"UKSSSE\"", "").message.contains("update"));
    }

    #[test]
    fn no_prefix_of_a_profile_panics() {
        let text = builtin_text("psam").expect("built in");
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)).step_by(7) {
            let _ = Profile::parse(&text[..end]);
        }
    }
}
