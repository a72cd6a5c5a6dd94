//! A profile text with the files that it extends: a city's text, its province's, at last a built-in one.
//!
//! Source: `docs/profile.md`, `extends`; docs/adr/0098.
//! Owns: which file each text of a chain asks for, and their order. Never: opens a file: whoever has the text gives what lies beside it.

use std::io;

use toml::de::DeTable;

use crate::builtin::builtin_text;
use crate::number::Said;

/// Most texts in a chain of `extends`.
pub(crate) const CHAIN_MAX: usize = 8;

/// How names of files that a text may extend end.
const ENDING: &str = ".toml";

/// A text with the texts of the files that it extends, the nearest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    text: String,
    bases: Vec<Base>,
}

/// A file that the text before it extends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) name: String,
    /// Its text, or why there is none.
    pub(crate) text: Result<String, Said>,
}

/// A text with what it extends, where they are: a built-in text or one that stands for itself has no files.
#[derive(Clone, Copy, Debug)]
pub struct Texts<'t> {
    pub(crate) text: &'t str,
    pub(crate) bases: &'t [Base],
}

impl Chain {
    /// Takes a text; `beside` gives each file of its folder that the chain asks for, by name.
    #[must_use]
    pub fn read(text: String, mut beside: impl FnMut(&str) -> io::Result<String>) -> Self {
        let mut bases: Vec<Base> = Vec::new();
        let mut next = wanted(&text);
        while let Some(name) = next.take().filter(|_| bases.len() < CHAIN_MAX) {
            let text = beside(&name).map_err(|error| unread(&error));
            next = text.as_deref().ok().and_then(wanted);
            bases.push(Base { name, text });
        }
        Self { text, bases }
    }

    /// The text itself.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Names of the files that it extends.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.bases.iter().map(|base| base.name.as_str())
    }
}

impl From<String> for Chain {
    fn from(text: String) -> Self {
        Self { text, bases: Vec::new() }
    }
}

impl<'t> From<&'t Chain> for Texts<'t> {
    fn from(chain: &'t Chain) -> Self {
        Self { text: &chain.text, bases: &chain.bases }
    }
}

impl<'t> From<&'t str> for Texts<'t> {
    fn from(text: &'t str) -> Self {
        Self { text, bases: &[] }
    }
}

impl<'t> From<&'t String> for Texts<'t> {
    fn from(text: &'t String) -> Self {
        text.as_str().into()
    }
}

/// Whether `extends` may name this file: one of the text's own folder, so that reading a text opens nothing elsewhere.
pub(crate) fn is_file_beside(name: &str) -> bool {
    let stem = name.strip_suffix(ENDING).unwrap_or_default();
    !stem.is_empty() && !stem.starts_with('.') && !name.contains(['/', '\\', ':', '\0'])
}

/// The file that a text extends; `None` where it is a built-in text, or none at all.
fn wanted(text: &str) -> Option<String> {
    let table = DeTable::parse(text).ok()?.into_inner();
    let name = table.get("extends")?.get_ref().as_str()?;
    (builtin_text(name).is_none() && is_file_beside(name)).then(|| name.to_owned())
}

fn unread(error: &io::Error) -> Said {
    match error.kind() {
        io::ErrorKind::NotFound => Said { en: "it is not there".to_owned(), zh: "没有该文件".to_owned() },
        io::ErrorKind::PermissionDenied => {
            Said { en: "this user may not read it".to_owned(), zh: "无权读取".to_owned() }
        }
        io::ErrorKind::InvalidData => {
            Said { en: "it is no text in UTF-8".to_owned(), zh: "不是 UTF-8 文本".to_owned() }
        }
        _ => Said { en: error.to_string(), zh: format!("读取出错（{error}）") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::facts;
    use crate::lint::{lint, position};
    use crate::load::{ProfileError, flatten};
    use crate::profile::Profile;

    const PROVINCE: &str = "format = 2\nextends = \"ssc-2.0\"\nname = \"ssc-2.0-province\"\n\n[pin]\ntries = 5\n\n[[df]]\nid = \"SSSE\"\n\n  \
                            [[df.ef]]\n  id = \"EF0E\"\n  name = \"省\"\n  fid = \"EF0E\"\n  kind = \"tlv-records\"\n  size = 4\n  records = 1\n  \
                            read = \"free\"\n  update = \"UKSSSE\"\n  elements = [\n    { tag = 0xE1, id = \"level\", format = \"an(2)\" },\n  ]\n";
    const CITY: &str = "format = 2\nextends = \"province.toml\"\nname = \"ssc-2.0-city\"\n\n[[df]]\nid = \"SSSE\"\n\n  \
                        [[df.ef]]\n  id = \"EF0E\"\n  size = 6\n  elements = [\n    { id = \"level\", format = \"an(4)\" },\n  ]\n";

    /// The chain of a text in a folder of these files.
    fn chain(text: &str, folder: &[(&str, &str)]) -> Chain {
        Chain::read(text.to_owned(), |name| {
            let found = folder.iter().find(|(file, _)| *file == name);
            found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| io::ErrorKind::NotFound.into())
        })
    }

    fn refused(text: &str, folder: &[(&str, &str)]) -> ProfileError {
        let error = Profile::parse(&chain(text, folder)).expect_err("refused");
        assert!(!error.zh().contains("extends goes") && !error.zh().contains("此处写法不对"), "{}", error.zh());
        error
    }

    #[test]
    fn a_city_extends_its_province_and_the_province_what_is_built_in() {
        let chain = chain(CITY, &[("province.toml", PROVINCE)]);
        assert_eq!(chain.files().collect::<Vec<_>>(), ["province.toml"]);
        let profile = Profile::parse(&chain).expect("a profile");
        assert_eq!((profile.name.as_str(), profile.base.as_deref()), ("ssc-2.0-city", Some("province.toml")));
        let ef = profile.ef("SSSE", "EF0E").expect("the province's file");
        assert_eq!((ef.size, ef.elements[0].format.length, ef.elements[0].tag), (6, 4, Some(0xE1)));
        assert_eq!(profile.pin.as_ref().map(|pin| pin.tries), Some(5), "the province's PIN");
        assert!(profile.df("DF04").is_some() && lint(&profile).is_empty(), "{:?}", lint(&profile));
        // Kept whole it needs no file.
        let flat = flatten(&chain).expect("flat");
        let alone = Profile::parse(&flat).expect("whole");
        assert_eq!((alone.base.as_ref(), alone.ef("SSSE", "EF0E").map(|ef| ef.size)), (None, Some(6)));
        assert_eq!(facts(&chain).expect("facts").get("SSSE.EF0E.size").map(String::as_str), Some("6"));
        // A row is found in the text that has it.
        let at = |place| position(&chain, place).map(|at| (at.base, at.line));
        assert_eq!(at("SSSE.EF0E.level"), Some((None, 12)));
        assert_eq!(at("pin"), Some((Some("province.toml".to_owned()), 5)));
        assert!(at("DF04").and_then(|(base, _)| base).is_some_and(|base| base.starts_with("ssc-")));
        let others = Profile::with_other_choices(&chain).expect("other choices");
        assert!(others.iter().all(|(_, other)| other.ef("SSSE", "EF0E").is_some()) && !others.is_empty());
    }

    #[test]
    fn a_mistake_is_told_in_the_text_that_has_it() {
        let wrong = PROVINCE.replace("an(2)", "an[2]");
        let error =
            refused(&CITY.replace("    { id = \"level\", format = \"an(4)\" },\n", ""), &[("province.toml", &wrong)]);
        assert_eq!((error.base.as_deref(), error.line), (Some("province.toml"), 21), "{error}");
        let error = refused(&CITY.replace("size = 6", "size = \"six\""), &[("province.toml", PROVINCE)]);
        assert_eq!((error.base.as_deref(), error.line, error.column), (None, 10, 10), "{error}");
        let error = refused(CITY, &[("province.toml", "extends = ")]);
        assert_eq!((error.base.as_deref(), error.line), (Some("province.toml"), 1), "{error}");
    }

    #[test]
    fn a_chain_that_has_no_end_or_no_file_is_refused_at_its_place() {
        // No such file, beside the city or beside the province.
        let error = refused(CITY, &[]);
        assert_eq!((error.base.as_deref(), error.line, error.column), (None, 2, 11), "{error}");
        assert!(error.message.contains("\"province.toml\"") && error.zh().contains("没有该文件"), "{error}");
        let error = refused(CITY, &[("province.toml", &PROVINCE.replace("\"ssc-2.0\"", "\"land.toml\""))]);
        assert_eq!((error.base.as_deref(), error.line, error.column), (Some("province.toml"), 2, 11), "{error}");
        // A circle, of one, of two.
        let circle = PROVINCE.replace("\"ssc-2.0\"", "\"city.toml\"");
        let error = refused(CITY, &[("province.toml", &circle), ("city.toml", CITY)]);
        assert_eq!((error.base.as_deref(), error.line, error.column), (Some("province.toml"), 2, 11), "{error}");
        assert!(error.message.contains("circle"), "{error}");
        let own = CITY.replace("province.toml", "city.toml");
        assert!(refused(&own, &[("city.toml", &own)]).message.contains("circle"));
        // One file too many: seven and what is built in are a chain, eight are not.
        let text = |number: usize, base: &str| format!("format = 2\nextends = \"{base}\"\nname = \"t{number}\"\n");
        let ladder = |most: usize| {
            let base = |number| if number == most { "ssc-3.0".to_owned() } else { format!("t{}.toml", number + 1) };
            let texts: Vec<(String, String)> =
                (1..=most).map(|number| (format!("t{number}.toml"), text(number, &base(number)))).collect();
            let folder: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (&**name, &**text)).collect();
            Profile::parse(&chain(&text(0, "t1.toml"), &folder)).map(|profile| profile.name)
        };
        assert_eq!(ladder(CHAIN_MAX - 2).as_deref(), Ok("t0"));
        let error = ladder(CHAIN_MAX - 1).expect_err("one too many");
        assert_eq!((error.base.as_deref(), error.line, error.column), (Some("t7.toml"), 2, 11), "{error}");
        assert!(ladder(40).expect_err("far too many").message.contains("at most 8"));
    }

    #[test]
    fn a_text_asks_for_files_of_its_own_folder_only() {
        for name in [
            "/etc/passwd",
            "../land.toml",
            "a/land.toml",
            "a\\land.toml",
            "C:land.toml",
            ".toml",
            "..toml",
            "-",
            "land",
        ] {
            let text = CITY.replace("province.toml", &name.replace('\\', "\\\\"));
            let mut asked = false;
            let chain = Chain::read(text, |_| {
                asked = true;
                Ok(PROVINCE.to_owned())
            });
            let error = Profile::parse(&chain).expect_err(name);
            assert_eq!((asked, error.line, error.column), (false, 2, 11), "{name}: {error}");
        }
        // A text that nobody read from a folder has none beside it.
        assert!(Profile::parse(CITY).expect_err("alone").message.contains("province.toml"));
    }
}
