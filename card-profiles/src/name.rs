//! A holder's name on the card: 姓名 (30 bytes) and 姓名扩展 (20 bytes).
//!
//! Source: LD/T 32 items 09 and 4E; two reader programs join them with padding stripped from each.
//! Owns: splitting at the border of a character, joining. Never: abbreviates, replaces or cuts a character.

use crate::text::{NotInGbk, encode_characters};

/// Bytes of 姓名.
pub const NAME_BYTES: usize = 30;
/// Bytes of 姓名扩展.
pub const EXTENSION_BYTES: usize = 20;

/// A name as the card holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct SplitName {
    /// 姓名.
    pub name: String,
    /// 姓名扩展; empty for most.
    pub extension: String,
}

/// Why a name does not go onto the card. Mended by the registry, by a rule of the authority; never by cutting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No name.
    #[error("the name is empty")]
    Empty,
    /// A control character, which the card's padding could not be told from.
    #[error("character {position} of the name is a control character")]
    Control {
        /// Its place, from 1.
        position: usize,
    },
    /// A character that GBK does not hold.
    #[error("in the name, {0}")]
    NotInGbk(#[from] NotInGbk),
    /// Longer than both items together, counting whole characters.
    #[error("the name needs {bytes} bytes in GBK; the card holds 30 and 20 of whole characters")]
    TooLong {
        /// Bytes of the whole name in GBK.
        bytes: usize,
    },
}

impl NameError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "NAME_EMPTY",
            Self::Control { .. } => "NAME_CONTROL_CHARACTER",
            Self::NotInGbk(_) => "NAME_NOT_IN_GBK",
            Self::TooLong { .. } => "NAME_TOO_LONG",
        }
    }

    /// The error in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::Empty => "姓名为空".to_owned(),
            Self::Control { position } => format!("姓名第 {position} 个字符是控制字符"),
            Self::NotInGbk(error) => format!("姓名第 {} 个字符不在 GBK 字符集内，卡片无法写入", error.position),
            Self::TooLong { bytes } => format!("姓名共 {bytes} 字节（GBK），卡片按整字最多容纳 30+20 字节"),
        }
    }
}

impl SplitName {
    /// Splits a full name: as many whole characters as fit into 30 bytes, the rest into the extension.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn of(full: &str) -> Result<Self, NameError> {
        if full.is_empty() {
            return Err(NameError::Empty);
        }
        if let Some(index) = full.chars().position(char::is_control) {
            return Err(NameError::Control { position: index + 1 });
        }
        let lengths: Vec<usize> = encode_characters(full)?.iter().map(Vec::len).collect();
        let mut used = 0;
        let fits = lengths.iter().take_while(|length| {
            used += **length;
            used <= NAME_BYTES
        });
        let (name, extension): (String, String) = {
            let border = fits.count();
            (full.chars().take(border).collect(), full.chars().skip(border).collect())
        };
        let rest: usize = lengths.iter().skip(name.chars().count()).sum();
        if rest > EXTENSION_BYTES {
            return Err(NameError::TooLong { bytes: lengths.iter().sum() });
        }
        Ok(Self { name, extension })
    }

    /// The full name: both items, padding already stripped from each.
    #[must_use]
    pub fn full(&self) -> String {
        [self.name.as_str(), &self.extension].concat()
    }
}

impl std::fmt::Debug for SplitName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SplitName({} + {} characters)", self.name.chars().count(), self.extension.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::encode_text;
    use proptest::prelude::*;

    fn split(full: &str) -> (String, String) {
        let split = SplitName::of(full).expect("fits");
        (split.name, split.extension)
    }

    #[test]
    fn a_short_name_has_no_extension() {
        assert_eq!(split("张三"), ("张三".to_owned(), String::new()));
        let fifteen = "扎西多吉顿珠才让旺堆嘉措平措罗布卓玛".chars().take(15).collect::<String>();
        assert_eq!(split(&fifteen), (fifteen, String::new()));
    }

    #[test]
    fn a_long_name_is_split_between_characters() {
        assert_eq!(
            split("一二三四五六七八九十一二三四五六"),
            ("一二三四五六七八九十一二三四五".to_owned(), "六".to_owned())
        );
        // 29 bytes fit before a character of two bytes.
        assert_eq!(
            split("A一二三四五六七八九十一二三四五"),
            ("A一二三四五六七八九十一二三四".to_owned(), "五".to_owned())
        );
    }

    #[test]
    fn fifty_bytes_fit_and_fifty_one_do_not() {
        let fifty = "藏".repeat(25);
        assert_eq!(SplitName::of(&fifty).expect("fits").full(), fifty);
        assert_eq!(SplitName::of(&"藏".repeat(26)), Err(NameError::TooLong { bytes: 52 }));
        // 29 + 21: 50 bytes, yet not of whole characters.
        assert_eq!(SplitName::of(&format!("A{}B", "藏".repeat(24))), Err(NameError::TooLong { bytes: 50 }));
    }

    #[test]
    fn what_cannot_be_written_is_refused_with_its_place() {
        assert_eq!(SplitName::of(""), Err(NameError::Empty));
        assert_eq!(SplitName::of("张\u{0}三"), Err(NameError::Control { position: 2 }));
        assert_eq!(SplitName::of("王䶮"), Err(NameError::NotInGbk(NotInGbk { character: '䶮', position: 2 })));
    }

    proptest! {
        #[test]
        fn every_name_is_refused_or_joins_back(full in "[ -~·一-龥]{0,40}") {
            if let Ok(parts) = SplitName::of(&full) {
                prop_assert!(encode_text(&parts.name).expect("checked").len() <= NAME_BYTES);
                prop_assert!(encode_text(&parts.extension).expect("checked").len() <= EXTENSION_BYTES);
                prop_assert_eq!(parts.full(), full);
            }
        }
    }
}
