//! Reads a profile text, with the texts that it extends.
//!
//! Source: `docs/profile.md`, grammar version 2.
//! Owns: text to rows, composite names to their items, errors with line and column in the text where they stand.
//! Never: judges the rows (`lint`), reads a file: a base is a built-in profile, or came with the text (`chain`).
//! Units: lines and columns from 1; a column is a character, not a byte.

use std::fmt;

use card_core::crypto::{KeyForm, KeyLength};
use serde::Deserialize as _;
use toml::Spanned;
use toml::de::DeTable;

use crate::builtin::builtin_text;
use crate::chain::{Base, CHAIN_MAX, Texts, is_file_beside};
use crate::format::FormatKind;
use crate::hexadecimal;
use crate::number::{self, Said};
use crate::overlay::{self, Misfit};
use crate::profile::{Df, Element, Profile};
use crate::said;

/// Version of the grammar that this program reads.
pub const GRAMMAR: u32 = 2;

/// Oldest version that it still reads: a text of version 1 is one of version 2.
pub const GRAMMAR_MIN: u32 = 1;

/// Why a text is no profile. Mended by the author of the profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileError {
    /// Name of the base that holds the place; `None`: the text itself.
    pub base: Option<String>,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What is there and what was expected.
    pub message: String,
    /// The same in Chinese, where it is said by this program and not by the reader of TOML.
    pub chinese: Option<String>,
}

impl ProfileError {
    /// Stable code.
    pub const CODE: &'static str = "PROFILE_MALFORMED";

    pub(crate) fn at(base: Option<&str>, text: &str, offset: usize, message: String) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).map_or(0, |part| part.chars().count());
        Self {
            base: base.map(str::to_owned),
            line: 1 + before.matches('\n').count(),
            column: 1 + column,
            message,
            chinese: None,
        }
    }

    fn in_chinese(self, chinese: impl Into<String>) -> Self {
        Self { chinese: Some(chinese.into()), ..self }
    }

    /// The error in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        let base = self.base.as_deref().map_or_else(String::new, |base| format!("（其基础 {base}）"));
        let message = self.chinese.clone().unwrap_or_else(|| said::chinese(&self.message));
        let (line, column) = (self.line, self.column);
        format!("卡片描述文件{base}第 {line} 行第 {column} 列有误：{message}。请按 docs/profile.md 修改")
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.base {
            None => f.write_str("profile")?,
            Some(base) => write!(f, "profile {base}, which this one extends")?,
        }
        write!(f, ", line {} column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ProfileError {}

/// The texts of a chain, the first base first; their offsets follow each other.
struct Layers<'i>(Vec<Layer<'i>>);

struct Layer<'i> {
    /// Name of a base; `None` for the text itself.
    name: Option<String>,
    text: &'i str,
    start: usize,
}

impl<'i> Layers<'i> {
    /// A place in the chain, as its author sees it.
    fn error(&self, offset: usize, message: String) -> ProfileError {
        let layer = self.0.iter().rev().find(|layer| layer.start <= offset).or(self.0.first());
        layer.map_or_else(
            || ProfileError::at(None, "", 0, message.clone()),
            |layer| ProfileError::at(layer.name.as_deref(), layer.text, offset - layer.start, message.clone()),
        )
    }

    /// Where a word stands, for errors found after the text was read: the newest text that has it.
    fn offset_of(&self, word: &str) -> usize {
        self.0.iter().rev().find_map(|layer| Some(layer.start + layer.text.find(word)?)).unwrap_or(0)
    }

    /// The text with all that it extends, at most so many texts together, merged; with another choice of one option, where it
    /// is asked for.
    fn read(
        texts: Texts<'i>,
        chain_max: usize,
        other: Option<(&str, &str)>,
    ) -> Result<(Self, DeTable<'i>), ProfileError> {
        let mut chain: Vec<(Option<String>, &'i str, DeTable<'i>)> = Vec::new();
        let mut next: Option<(Option<String>, &'i str)> = Some((None, texts.text));
        let mut files = texts.bases.iter();
        while let Some((name, text)) = next.take() {
            let error = |offset: usize, message: String| ProfileError::at(name.as_deref(), text, offset, message);
            let table = DeTable::parse(text)
                .map_err(|problem| error(problem.span().map_or(0, |span| span.start), problem.message().to_owned()))?;
            let mut table = table.into_inner();
            overlay::retire(&mut table);
            let base = overlay::take_text(&mut table, "extends")
                .map_err(|misfit| error(misfit.offset, misfit.said.en).in_chinese(misfit.said.zh))?;
            if let Some(base) = base {
                let (offset, base) = (base.span().start, base.into_inner());
                if !table.contains_key("name") {
                    return Err(error(offset, "a profile that extends another has a name of its own".to_owned())
                        .in_chinese("扩展其他描述的文件须有自己的 name"));
                }
                let base_text = match builtin_text(&base) {
                    Some(text) => text,
                    None => file(&base, files.next()).map_err(|said| error(offset, said.en).in_chinese(said.zh))?,
                };
                if base_text == text || chain.iter().any(|(_, other, _)| *other == base_text) {
                    let message = format!("{base:?} extends this text in its turn: extends goes in a circle");
                    let chinese = format!("{base:?} 又扩展本文件：extends 形成循环");
                    return Err(error(offset, message).in_chinese(chinese));
                }
                // This text, those before it, and the one that it asks for.
                if chain.len() + 2 > chain_max {
                    let message =
                        format!("{base:?} would be one text too many: a chain of extends has at most {chain_max}");
                    let chinese = format!("extends 一层接一层最多 {chain_max} 个描述，{base:?} 已超出");
                    return Err(error(offset, message).in_chinese(chinese));
                }
                next = Some((Some(base), base_text));
            }
            chain.push((name, text, table));
        }
        let mut layers = Self(Vec::new());
        let mut merged = DeTable::new();
        let mut start = 0;
        for (name, text, table) in chain.into_iter().rev() {
            layers.0.push(Layer { name, text, start });
            let table = overlay::shifted(table, start);
            if start == 0 {
                merged = table;
            } else {
                overlay::merge(&mut merged, table, false).map_err(|misfit| layers.misfit(misfit))?;
            }
            start += text.len().max(1);
        }
        overlay::choose(&mut merged, other).map_err(|misfit| layers.misfit(misfit))?;
        Ok((layers, merged))
    }

    /// The key whose value stands at this place.
    fn key_before(&self, offset: usize) -> Option<&'i str> {
        let layer = self.0.iter().rev().find(|layer| layer.start <= offset)?;
        let (before, _) = layer.text.split_at_checked(offset - layer.start)?;
        let key = before.trim_end().strip_suffix('=')?.trim_end();
        key.rsplit(|character: char| !character.is_alphanumeric() && character != '_').next()
    }

    fn misfit(&self, misfit: Misfit) -> ProfileError {
        self.error(misfit.offset, misfit.said.en).in_chinese(misfit.said.zh)
    }

    /// What the reader of TOML says of a value, in words of the profile.
    fn value_misfit(&self, offset: usize, message: &str) -> ProfileError {
        match self.key_before(offset).and_then(|key| number::said(message, key)) {
            Some(said) => self.error(offset, said.en).in_chinese(said.zh),
            None => self.error(offset, message.to_owned()),
        }
    }

    fn end(&self) -> usize {
        self.0.last().map_or(0, |layer| layer.start)
    }
}

/// The text of the file that `extends` names, which came with the text.
fn file<'i>(name: &str, found: Option<&'i Base>) -> Result<&'i str, Said> {
    match found.filter(|found| found.name == name).map(|found| found.text.as_deref()) {
        Some(Ok(text)) => Ok(text),
        Some(Err(why)) => Err(Said {
            en: format!(
                "there is no built-in profile {name:?} to extend, and of the file beside this text: {}",
                why.en
            ),
            zh: format!("没有名为 {name:?} 的内置描述可供扩展，同目录下的该文件：{}", why.zh),
        }),
        None if is_file_beside(name) => Err(Said {
            en: format!("there is no built-in profile {name:?} to extend, and beside this text lies no file"),
            zh: format!("没有名为 {name:?} 的内置描述可供扩展，本文件所在之处也没有其他文件"),
        }),
        None => Err(Said {
            en: format!(
                "there is no built-in profile {name:?} to extend; a file is named without its folder, as \"NAME.toml\""
            ),
            zh: format!("没有名为 {name:?} 的内置描述可供扩展；扩展同目录下的文件应写作 \"文件名.toml\"，不含目录"),
        }),
    }
}

impl Profile {
    /// Reads a profile text with what it extends: built-in profiles, and files that came with it.
    ///
    /// # Errors
    /// [`ProfileError`] at the first place where the text does not follow the grammar.
    pub fn parse<'t>(text: impl Into<Texts<'t>>) -> Result<Self, ProfileError> {
        Self::parse_with(text.into(), None)
    }

    /// The profiles that a text is with another choice of one of its options, each with `option = choice`.
    ///
    /// # Errors
    /// [`ProfileError`] at the first place where the text, or the rows of a choice, do not follow the grammar.
    pub fn with_other_choices<'t>(text: impl Into<Texts<'t>>) -> Result<Vec<(String, Self)>, ProfileError> {
        let (text, mut others) = (text.into(), Vec::new());
        for (name, option) in Self::parse(text)?.option {
            for choice in option.choices.keys().filter(|choice| **choice != option.choice) {
                others.push((format!("{name} = {choice}"), Self::parse_with(text, Some((&name, choice)))?));
            }
        }
        Ok(others)
    }

    fn parse_with(text: Texts<'_>, other: Option<(&str, &str)>) -> Result<Self, ProfileError> {
        let (layers, table) = Layers::read(text, CHAIN_MAX, other)?;
        let root = Spanned::new(layers.end()..layers.end(), table);
        let mut profile = Self::deserialize(toml::Deserializer::from(root)).map_err(|error| {
            layers.value_misfit(error.span().map_or(layers.end(), |span| span.start), error.message())
        })?;
        if !(GRAMMAR_MIN..=GRAMMAR).contains(&profile.format) {
            let message = format!(
                "grammar version {} is not known; this program reads versions {GRAMMAR_MIN} to {GRAMMAR}",
                profile.format
            );
            let chinese =
                format!("不认识第 {} 版描述语法；本程序支持第 {GRAMMAR_MIN} 到第 {GRAMMAR} 版", profile.format);
            return Err(layers.error(layers.offset_of("format"), message).in_chinese(chinese));
        }
        profile.base = layers.0.iter().rev().nth(1).and_then(|layer| layer.name.clone());
        let composites = std::mem::take(&mut profile.composite);
        for element in profile.df.iter_mut().flat_map(|df| &mut df.ef).flat_map(|ef| &mut ef.elements) {
            element.inner = resolve(element, &composites).map_err(|said| {
                layers.misfit(Misfit { offset: layers.offset_of(&format!("{:?}", element.id)), said })
            })?;
        }
        profile.composite = composites;
        profile.df.iter_mut().for_each(Df::name_places);
        let rules = profile.rules();
        if let Some(account) = &mut profile.account {
            account.key_form = KeyForm { rules, length: KeyLength::Sixteen };
        }
        Ok(profile)
    }
}

/// A profile text that extends nothing: the text itself, or what it says together with its bases. Whatever keeps a profile
/// for years, such as a card image, keeps this.
///
/// # Errors
/// [`ProfileError`] when the text is no profile.
pub fn flatten<'t>(text: impl Into<Texts<'t>>) -> Result<String, ProfileError> {
    let text = text.into();
    if Profile::parse(text)?.base.is_none() {
        return Ok(text.text.to_owned());
    }
    let (layers, table) = Layers::read(text, CHAIN_MAX, None)?;
    let root = toml::Deserializer::from(Spanned::new(0..0, table));
    let failed = |message: String| layers.error(layers.end(), message);
    let plain = toml::Table::deserialize(root).map_err(|error| failed(error.message().to_owned()))?;
    toml::to_string(&plain).map(|text| hexadecimal::written(&text)).map_err(|error| failed(error.to_string()))
}

fn resolve(
    element: &Element,
    composites: &std::collections::BTreeMap<String, Vec<Element>>,
) -> Result<Vec<Element>, Said> {
    let (id, format) = (&element.id, element.format);
    match (format.kind, &element.composite) {
        (FormatKind::BTlv, Some(name)) => composites.get(name).cloned().ok_or_else(|| Said {
            en: format!("there is no composite {name:?}"),
            zh: format!("没有名为 {name:?} 的复合数据项"),
        }),
        (FormatKind::BTlv, None) => Err(Said {
            en: format!("{id} is b-tlv: name its composite"),
            zh: format!("{id} 的格式是 b-tlv：须写明 composite"),
        }),
        (_, Some(_)) => Err(Said {
            en: format!("{id} is {format}: only b-tlv has a composite"),
            zh: format!("{id} 的格式是 {format}：只有 b-tlv 才有 composite"),
        }),
        (_, None) => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

        for name in ["", "a b", "../../x", "\u{202E}x", ".x", &"a".repeat(65)] {
            let error =
                parse_changed("name = \"ssc-3.0\"", &format!("name = {name:?}").replace("\\u{202e}", "\u{202E}"));
            assert_eq!(error.line, line_of("name = \"ssc-3.0\""), "{name:?}");
            assert!(error.message.contains("no name of a profile") && error.zh().contains("名称"), "{error}");
        }

        assert!(parse_changed("format = 2", "format = 3").to_string().contains("line 2 column 1: grammar version 3"));
        assert!(parse_changed("composite = \"degree\"", "composite = \"grade\"").message.contains("grade"));
        assert!(error.zh().contains("docs/profile.md"));
    }

    #[test]
    fn a_file_without_read_condition_does_not_load() {
        assert!(parse_changed("\n  read = \"free\"", "").message.contains("read"));
        assert!(parse_changed("\n  update = \"UKSSSE\"", "").message.contains("update"));
    }

    const OVERLAY: &str = r#"format = 2
extends = "ssc-2.0"
name = "town"

[pin]
tries = 5

[[df]]
id = "DF07"
remove = true

[[df]]
id = "SSSE"

  [[df.ef]]
  id = "EF0C"
  before = "EF08"
  name = "town"
  fid = "EF0C"
  kind = "tlv-records"
  size = 6
  records = 1
  read = "free"
  update = "UKSSSE"
  elements = [
    { tag = 0xEA, id = "town", format = "an(4)" },
  ]
"#;

    #[test]
    fn an_overlay_adds_replaces_and_removes_rows_of_its_base() {
        let profile = Profile::parse(OVERLAY).expect("overlay");
        assert_eq!((profile.name.as_str(), profile.base.as_deref()), ("town", Some("ssc-2.0")));
        assert_eq!(profile.pin.as_ref().map(|pin| (pin.tries, pin.bytes_max)), Some((5, 6)));
        assert!(profile.df("DF07").is_none());
        let files: Vec<&str> = profile.df[0].ef.iter().map(|ef| ef.id.as_str()).collect();
        assert_eq!(files, ["EF05", "EF06", "EF07", "EF0C", "EF08"]);
    }

    #[test]
    fn errors_of_an_overlay_point_into_its_own_text() {
        let error = |from: &str, to: &str| {
            assert!(OVERLAY.contains(from), "{from}");
            let error = Profile::parse(&OVERLAY.replacen(from, to, 1)).expect_err(to);
            assert_eq!(error.base, None, "{error}");
            (error.line, error.column, error.message)
        };
        let at = |(line, column, _): (usize, usize, String)| (line, column);
        let many = error("tries = 5", "tries = 500");
        assert_eq!(many, (6, 9, "tries is 500; a number from 0 to 255 tries is expected".to_owned()));
        let (line, column, message) = error("tag = 0xEA", "tag = 0x1EA");
        assert_eq!((line, column, message.as_str()), (26, 13, "tag is 490; a byte from 0x00 to 0xFF is expected"));
        assert_eq!(at(error("read = \"free\"", "read = \"often\"")), (23, 10));
        assert_eq!(at(error("an(4)", "an[4]")), (26, 41));
        let (line, column, message) = error("fid = \"EF0C\"", "fid = \"EFG0\"");
        assert_eq!((line, column, message.contains("four hex digits")), (19, 9, true), "{message}");
        let (line, column, message) = error("size = 6", "size = \"six\"");
        assert_eq!((line, column, message.contains("a number from 0 to 65535 bytes")), (21, 10, true), "{message}");
        let (line, column, message) = error("\"tlv-records\"", "\"linear\"");
        assert_eq!((line, column, message.contains("expected one of")), (20, 10, true), "{message}");
        assert_eq!(at(error("records = 1", "records = ")), (22, 13));
        let (line, column, message) = error("  update = \"UKSSSE\"\n", "");
        assert_eq!((line, column, message.contains("update")), (15, 3, true), "{message}");
        assert_eq!(at(error("id = \"DF07\"", "id = \"DF17\"")), (8, 1));
        assert_eq!(at(error("before = \"EF08\"", "before = \"EF18\"")), (17, 12));
        assert_eq!(at(error("extends = \"ssc-2.0\"", "extends = \"ssc-2.9\"")), (2, 11));
        assert_eq!(at(error("name = \"town\"\n\n", "\n")), (2, 11));
        assert!(error("remove = true", "remove = false").2.contains("remove = true"));
        assert!(error("[pin]", "[pin]\nunset = [\"last\"]").2.contains("nothing to unset"));
        assert!(error("tries = 5", "trials = 5").2.contains("trials"));
    }

    #[test]
    fn a_row_that_one_text_states_twice_is_refused_at_its_second_place() {
        let key =
            "{ name = \"TOWN1\", df = \"SSSE\", class = \"UK\", id = 0x0B, usage = 0x60, length = 16, tries = 3 }";
        let file = OVERLAY.get(OVERLAY.find("  [[df.ef]]").expect("a file")..).expect("the rest");
        let forgotten = file.replacen("fid = \"EF0C\"", "fid = \"EF0F\"", 1);
        let df = "\n[[df]]\nid = \"SSSE\"\nname = \"other\"\n";
        let keys = OVERLAY.replacen("[pin]", &format!("key = [\n  {key},\n  {key},\n]\n[pin]"), 1);
        let element = "    { tag = 0xEA, id = \"town\", format = \"an(4)\" },\n";
        let cases = [
            (format!("{OVERLAY}\n{forgotten}"), 30, 8, "EF0C"),
            (format!("{OVERLAY}{df}"), 30, 6, "SSSE"),
            (keys, 7, 12, "TOWN1"),
            (
                format!("{OVERLAY}\n  [[df.ef]]\n  id = \"EF05\"\n  elements = [\n{element}{element}  ]\n"),
                33,
                24,
                "town",
            ),
        ];
        for (text, line, column, id) in cases {
            let error = Profile::parse(&text).expect_err(id);
            assert_eq!((error.base.as_deref(), error.line, error.column), (None, line, column), "{error}");
            assert!(error.message.contains(&format!("{id:?} already")) && error.zh().contains("已写过一次"), "{error}");
        }
        // Taken out and stated anew is one row.
        let anew = OVERLAY.replacen("  [[df.ef]]", "  [[df.ef]]\n  id = \"EF08\"\n  remove = true\n\n  [[df.ef]]", 1);
        let anew = anew.replacen("  before = \"EF08\"\n", "", 1).replace("EF0C", "EF08");
        assert_eq!(Profile::parse(&anew).expect("one row").df[0].ef.len(), 4);
    }

    #[test]
    fn errors_in_chinese_hold_no_english_sentence() {
        for (from, to) in [
            ("[pin]", "[pin]\nunset = [\"last\"]"),
            ("[pin]", "[pin]\nunset = \"last\""),
            ("id = \"DF07\"", "id = \"DF17\""),
            ("id = \"DF07\"\n", ""),
            ("remove = true", "remove = false"),
            ("before = \"EF08\"", "before = \"EF18\""),
            ("before = \"EF08\"", "before = 8"),
            ("read = \"free\"", "read = \"PIN and RK or UK1\""),
            ("read = \"free\"", "read = \"PIN and RK1 or UK1\""),
            ("read = \"free\"", "read = \"MAC PIN\""),
            ("read = \"free\"", "read = \"PIN with RK1\""),
            ("read = \"free\"", "read = \"sometimes\""),
            ("read = \"free\"", "read = \"PIN and\""),
            ("read = \"free\"", "read = free"),
            ("tries = 5", "tries ="),
            ("tries = 5", "tries = 5 6"),
            ("tries = 5", "tries 5"),
            ("[pin]", "[pin"),
            ("name = \"town\"\n  fid", "name = \"town\n  fid"),
            ("an(4)", "an[4]"),
            ("an(4)", "b-tlv(4)"),
            ("format = \"an(4)\"", "format = \"an(4)\", composite = \"degree\""),
            ("fid = \"EF0C\"", "fid = \"EF0\""),
            ("name = \"town\"\n\n", "name = \"town\"\nalgorithm = \"ssf33\"\n\n"),
            ("name = \"town\"\n\n", "name = \"town\"\nalgorithm = \"aes\"\n\n"),
            ("name = \"town\"\n\n", "name = \"town\"\n[option.item_60]\nchoice = \"perhaps\"\n"),
            ("[pin]", "key = [ { name = \"UKSSSE\", length = 24 } ]\n[atr]\nprefix = \"3\"\n[pin]"),
            ("[pin]", "[atr]\nprefix = \"3\"\n[pin]"),
        ] {
            assert!(OVERLAY.contains(from), "{from}");
            let error = Profile::parse(&OVERLAY.replacen(from, to, 1)).expect_err(to);
            let zh = error.zh();
            assert!(!zh.contains("此处写法不对"), "{to}: {zh}");
            // Names and values of the text may stand in it, and no words between them.
            let english = |words: &str| {
                words.split(' ').filter(|word| word.bytes().all(|b| b.is_ascii_lowercase()) && word.len() > 1).count()
            };
            let outside: String = zh.split(['"', '`']).step_by(2).collect::<Vec<_>>().join(" ");
            assert!(english(&outside) < 6, "{to}: {zh}");
        }
    }

    #[test]
    fn every_choice_of_every_option_is_a_profile_of_its_own_that_lints_clean() {
        let mut others = 0;
        for name in crate::builtin::names() {
            let base = Profile::parse(builtin_text(name).expect("built in")).expect("a profile");
            for (option, row) in &base.option {
                assert!(row.choices.len() > 1, "{name} {option}: nothing to choose");
                for choice in row.choices.keys() {
                    let text = format!(
                        "format = 2\nextends = \"{name}\"\nname = \"site\"\n[option.{option}]\nchoice = \"{choice}\"\n"
                    );
                    let chosen = Profile::parse(&text).unwrap_or_else(|error| panic!("{name} {option}: {error}"));
                    assert_eq!(crate::lint::lint(&chosen), [], "{name} {option} {choice}");
                    let flat = Profile::parse(&flatten(&text).expect("flat")).expect("a profile");
                    let rows = |profile: &Profile| format!("{:?}", profile.df);
                    assert_eq!(rows(&flat), rows(&chosen), "{name} {option} {choice}: a flat text keeps the choice");
                    let differs = rows(&chosen) != rows(&base);
                    assert_eq!(differs, *choice != row.choice, "{name} {option} {choice}");
                    others += usize::from(differs);
                }
            }
        }
        assert!(others >= 4, "{others}");
    }

    #[test]
    fn an_unknown_choice_is_refused_where_it_stands() {
        let text = format!("{OVERLAY}\n[option.item_60]\nchoice = \"perhaps\"\n");
        let error = Profile::parse(&text).expect_err("no such choice");
        let line = 2 + OVERLAY.lines().count() + 1;
        assert_eq!((error.base.as_deref(), error.line, error.column), (None, line, 10), "{error}");
        assert!(error.message.contains("absent, present"), "{error}");
    }

    #[test]
    fn a_chain_that_is_too_long_says_so_and_is_not_taken_for_a_missing_base() {
        // This text, ssc-2.0, and ssc-3.0 below that.
        assert!(Layers::read(OVERLAY.into(), 3, None).is_ok());
        let error = Layers::read(OVERLAY.into(), 2, None).err().expect("three texts");
        assert_eq!(error.base.as_deref(), Some("ssc-2.0"), "{error}");
        let error = Layers::read(OVERLAY.into(), 1, None).err().expect("one text alone");
        assert_eq!((error.line, error.column), (2, 11));
        assert!(error.message.contains("at most 1") && !error.message.contains("no built-in"), "{error}");
        assert!(error.zh().contains("最多 1 个描述"), "{}", error.zh());
    }

    #[test]
    fn an_old_text_that_says_what_no_longer_counts_still_loads() {
        let text = builtin_text("pboc-purse").expect("built in");
        let old = text.replacen("[purse]\n", "[purse]\nholder_data = \"EF16\"\nfactor_order = \"card-last\"\n", 1);
        let [old, new] = [&old, text].map(|text| format!("{:?}", Profile::parse(text).expect("a profile")));
        assert_eq!(old, new);
        let unknown = text.replacen("[purse]\n", "[purse]\nholder = \"EF16\"\n", 1);
        assert!(Profile::parse(&unknown).expect_err("unknown").message.contains("holder"));
    }

    #[test]
    fn a_flat_text_says_the_same_and_extends_nothing() {
        for name in crate::builtin::names() {
            let text = builtin_text(name).expect("built in");
            let flat = Profile::parse(&flatten(text).expect("flat")).expect("a profile");
            let mut whole = Profile::parse(text).expect("a profile");
            assert_eq!(flat.base, None);
            whole.base = None;
            assert_eq!(format!("{whole:?}"), format!("{flat:?}"), "{name}");
        }
    }

    #[test]
    fn no_prefix_of_an_overlay_panics() {
        for end in (0..OVERLAY.len()).filter(|end| OVERLAY.is_char_boundary(*end)) {
            let _ = Profile::parse(&OVERLAY[..end]);
        }
    }

    #[test]
    fn no_prefix_of_a_profile_panics() {
        let text = builtin_text("psam").expect("built in");
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)).step_by(7) {
            let _ = Profile::parse(&text[..end]);
        }
    }
}
