//! A card profile as a person names it, and the profiles of a site: `[regions]` of a configuration file.
//!
//! Owns: reading a text by built-in name or path; which texts of a site are refused, and which are only remarked on.
//! Never: edits a profile; chooses one for a card (`card_profiles::Catalog`).

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::Path;

use card_profiles::lint::{Finding, Position, lint, name_taken, position};
use card_profiles::{Catalog, Chain, Profile, builtin_text};

use crate::error::TerminalError;
use crate::file::{self, FileKind};
use crate::language::Words;

/// A profile and the text that it was read from.
#[derive(Clone, Debug)]
pub struct ProfileText {
    /// Built-in name or path, as given.
    pub name: String,
    /// Its text, with the files that it extends.
    pub text: Chain,
    /// What it says.
    pub profile: Profile,
}

/// A text of the site, with what contradicts what in it.
#[derive(Clone, Debug)]
pub struct SiteText {
    /// First digits of the city code.
    pub region: String,
    /// The text.
    pub source: ProfileText,
    findings: Vec<Finding>,
}

/// The first contradiction of a text, and how many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradictions {
    /// Built-in name or path.
    pub name: String,
    /// Where the first stands in the text, or in its base.
    pub at: Option<Position>,
    /// The first.
    pub first: Finding,
    /// All of them.
    pub count: usize,
}

/// The text of a built-in profile, or of a file with those of its folder that it extends.
///
/// # Errors
/// [`TerminalError::ProfileUnknown`] for neither; [`TerminalError::File`], [`TerminalError::NotText`].
pub fn text_of(name: &str) -> Result<Chain, TerminalError> {
    if let Some(text) = builtin_text(name) {
        return Ok(text.to_owned().into());
    }
    let path = Path::new(name);
    let read = file::read(path, FileKind::Profile).map_err(|error| match error {
        TerminalError::File { source, .. } if source.kind() == ErrorKind::NotFound && !is_path(name) => {
            TerminalError::ProfileUnknown { name: name.to_owned() }
        }
        other => other,
    });
    Ok(Chain::read(read?, |base| beside(path, base)))
}

/// The text of a file in the folder of another.
fn beside(path: &Path, name: &str) -> io::Result<String> {
    file::read(&path.with_file_name(name), FileKind::Profile).map_err(|error| match error {
        TerminalError::File { source, .. } => source,
        _ => io::ErrorKind::InvalidData.into(),
    })
}

/// Whether a file is meant, not a built-in name.
fn is_path(name: &str) -> bool {
    let path = Path::new(name);
    path.components().count() > 1 || path.extension().is_some_and(|extension| extension == "toml")
}

impl ProfileText {
    /// A built-in profile, or a file.
    ///
    /// # Errors
    /// As [`text_of`]; [`TerminalError::Profile`] with line and column.
    pub fn named(name: &str) -> Result<Self, TerminalError> {
        Self::of(name, text_of(name)?)
    }

    /// A text that was read.
    ///
    /// # Errors
    /// [`TerminalError::Profile`] with line and column.
    pub fn of(name: &str, text: Chain) -> Result<Self, TerminalError> {
        let malformed = |source| TerminalError::Profile { place: name.to_owned(), source };
        let profile = Profile::parse(&text).map_err(malformed)?;
        Ok(Self { name: name.to_owned(), text, profile })
    }

    /// Every contradiction of the text.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        name_taken(self.text.text(), &self.profile).into_iter().chain(lint(&self.profile)).collect()
    }

    fn contradictions(&self, findings: &[Finding], is_counted: impl Fn(&&Finding) -> bool) -> Option<Contradictions> {
        let first = findings.iter().find(&is_counted)?.clone();
        let (at, count) = (position(&self.text, &first.place), findings.iter().filter(is_counted).count());
        Some(Contradictions { name: self.name.clone(), at, first, count })
    }
}

impl SiteText {
    /// A text that was read, of a region.
    ///
    /// # Errors
    /// [`TerminalError::Profile`] with line and column; [`TerminalError::ProfileContradicts`] where a card would be read wrong by it.
    pub fn of(region: &str, name: &str, text: Chain) -> Result<Self, TerminalError> {
        let source = ProfileText::of(name, text)?;
        let findings = source.findings();
        let profile = &source.profile;
        if let Some(found) = source.contradictions(&findings, |finding| finding.spoils_reading(profile)) {
            return Err(TerminalError::ProfileContradicts(Box::new(found)));
        }
        Ok(Self { region: region.to_owned(), source, findings })
    }

    /// What is told of a text with contradictions by which cards are read all the same.
    #[must_use]
    pub fn contradictions(&self) -> Option<Contradictions> {
        self.source.contradictions(&self.findings, |_| true)
    }
}

/// The texts of a site, by region.
///
/// # Errors
/// As [`text_of`] and [`SiteText::of`].
pub fn of_site(regions: &BTreeMap<String, String>) -> Result<Vec<SiteText>, TerminalError> {
    regions.iter().map(|(region, name)| SiteText::of(region, name, text_of(name)?)).collect()
}

/// The profiles that come with the product, and those of the site.
#[must_use]
pub fn catalog(site: &[SiteText]) -> Catalog {
    let mut catalog = Catalog::builtin();
    for SiteText { region, source, .. } in site {
        catalog.add(region, source.profile.clone());
    }
    catalog
}

/// Whether a key of `[regions]` is one: the first one to six digits of a city code of GB/T 2260.
#[must_use]
pub fn is_region(text: &str) -> bool {
    (1..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The value of a row of `[regions]` in a file of the folder `here`: a built-in name as it is, a path as seen from there.
#[must_use]
pub fn region_name(here: &Path, name: String) -> String {
    if builtin_text(&name).is_some() { name } else { here.join(name).display().to_string() }
}

impl Contradictions {
    /// Where, what, and how many more.
    #[must_use]
    pub fn words(&self) -> Words {
        let Self { name, at, first, count } = self;
        let (zh, en) = match at {
            Some(Position { base: Some(base), line, .. }) => {
                (format!("{name}(其基础 {base} 第 {line} 行)"), format!("{name} (line {line} of its base {base})"))
            }
            Some(Position { line, column, .. }) => {
                (format!("{name} 第 {line} 行第 {column} 列"), format!("{name}, line {line} column {column}"))
            }
            None => (name.clone(), name.clone()),
        };
        let (more_zh, more_en) = match count {
            0 | 1 => (String::new(), String::new()),
            count => (format!(";共 {count} 处矛盾"), format!("; {count} contradictions in all")),
        };
        let Finding { place, problem } = first;
        Words::of(format!("{zh}:{place}:{}{more_zh}", problem.zh()), format!("{en}: {place}: {problem}{more_en}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn town(changes: &[(&str, &str)]) -> String {
        let town = "format = 2\nextends = \"ssc-2.0\"\nname = \"ssc-2.0-town\"\n\n[[df]]\nid = \"SSSE\"\n\n  [[df.ef]]\n  id = \"EF07\"\n  size = 1024\n";
        changes.iter().fold(town.to_owned(), |text, (from, to)| text.replace(from, to))
    }

    #[test]
    fn a_text_that_spoils_reading_is_refused_with_its_line() {
        let read = |changes| SiteText::of("5133", "town.toml", town(changes).into());
        assert!(read(&[]).expect("a text").contradictions().is_none());
        let refused = read(&[("id = \"EF07\"\n  size = 1024", "id = \"EF05\"\n  size = 7")]);
        let Err(TerminalError::ProfileContradicts(found)) = refused else { panic!("{refused:?}") };
        assert!(found.words().en.contains("town.toml, line 8"), "{}", found.words().en);
        assert_eq!(found.first.place, "SSSE.EF05");
    }

    #[test]
    fn a_citys_text_is_read_with_its_provinces_from_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let [province, city] = ["province.toml", "city.toml"].map(|name| folder.path().join(name));
        let name = city.display().to_string();
        std::fs::write(&city, "format = 2\nextends = \"province.toml\"\nname = \"ssc-2.0-city\"\n").expect("written");
        let Err(TerminalError::Profile { source, .. }) = ProfileText::named(&name) else { panic!("no province") };
        assert_eq!((source.line, source.column), (2, 11), "{source}");
        std::fs::write(&province, town(&[])).expect("written");
        let site = of_site(&BTreeMap::from([("5133".to_owned(), name)])).expect("a site");
        let size = |catalog: Catalog| catalog.site().find_map(|profile| profile.ef("SSSE", "EF07").map(|ef| ef.size));
        assert_eq!(size(catalog(&site)), Some(1024));
        // A contradiction of the province is told with the province's line.
        std::fs::write(&province, town(&[("id = \"EF07\"\n  size = 1024", "id = \"EF05\"\n  size = 7")]))
            .expect("written");
        let Err(TerminalError::ProfileContradicts(found)) =
            of_site(&BTreeMap::from([("51".to_owned(), city.display().to_string())]))
        else {
            panic!("refused")
        };
        assert!(found.words().en.contains("line 8 of its base province.toml"), "{}", found.words().en);
    }

    #[test]
    fn a_contradiction_among_keys_is_only_remarked_on() {
        let more = "\n[pin]\ntries = 99\n";
        let text =
            SiteText::of("5133", "town.toml", town(&[("size = 1024\n", &format!("size = 1024\n{more}"))]).into());
        let found = text.expect("read all the same").contradictions().expect("a remark");
        assert_eq!((found.count, found.first.place.as_str()), (1, "pin"));
        assert!(found.words().zh.contains("pin"), "{}", found.words().zh);
    }
}
