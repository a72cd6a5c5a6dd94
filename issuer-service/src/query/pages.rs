//! 公开信息: guides and vacancies that anybody may read, kept as texts in a folder.
//!
//! ```text
//! DIR/public/guides/lost-card.zh.txt      first line the title, then the text
//! DIR/public/guides/lost-card.en.txt
//! DIR/public/vacancies/20260301-cook.zh.txt
//! ```
//!
//! Owns: which files are pages, their bounds. Never: reads elsewhere, follows a link; says anything about anybody.

use std::fs;
use std::io::Read;
use std::path::Path;

use serde::Serialize;

/// Folder of the pages in a centre's folder.
pub const FOLDER: &str = "public";
/// Sections, in the order in which they are shown.
const SECTIONS: [&str; 2] = ["guides", "vacancies"];
/// The section whose names begin with a day.
const NEWEST_FIRST: &str = "vacancies";
/// Pages of a section: what people scroll through.
const PAGES_MAX: usize = 200;
/// Bytes of a page.
const BYTES_MAX: u64 = 64 * 1024;

/// All pages of a language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pages {
    /// By section and name.
    pub pages: Vec<Page>,
    /// Files that are no pages: no UTF-8 text, too long, too many, or without a title.
    pub left_out: u32,
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page {
    /// `guides` or `vacancies`.
    pub section: &'static str,
    /// Name of the file without language and ending.
    pub name: String,
    /// First line.
    pub title: String,
    /// The rest: plain text, empty lines between paragraphs.
    pub text: String,
}

/// Pages of a language: `zh` or `en`. A folder that is not there has none.
#[must_use]
pub fn read(folder: &Path, language: &str) -> Pages {
    let mut found = Pages::default();
    for section in SECTIONS {
        let Ok(entries) = fs::read_dir(folder.join(section)) else { continue };
        let ending = format!(".{language}.txt");
        let mut names: Vec<String> = entries
            .filter_map(Result::ok)
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name.ends_with(&ending))
            .collect();
        names.sort_unstable();
        // Vacancies are named by their day: the newest comes first, and the oldest are what there is no room for.
        if section == NEWEST_FIRST {
            names.reverse();
        }
        for (place, file) in names.iter().enumerate() {
            let name = file.strip_suffix(&ending).unwrap_or(file);
            match page(&folder.join(section).join(file)).filter(|_| place < PAGES_MAX) {
                Some((title, text)) => found.pages.push(Page { section, name: name.to_owned(), title, text }),
                None => found.left_out += 1,
            }
        }
    }
    found
}

/// Title and text of an ordinary file.
fn page(path: &Path) -> Option<(String, String)> {
    if !fs::symlink_metadata(path).ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    let read = fs::File::open(path).ok()?.take(BYTES_MAX + 1).read_to_string(&mut text).ok()?;
    let plain = |character: char| character == '\n' || character == '\r' || !character.is_control();
    if u64::try_from(read).ok()? > BYTES_MAX || !text.chars().all(plain) {
        return None;
    }
    let (title, rest) = text.trim_start_matches('\u{FEFF}').split_once('\n').unwrap_or((&text, ""));
    let title = title.trim();
    (!title.is_empty()).then(|| (title.to_owned(), rest.replace('\r', "").trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_texts_of_one_language_in_order_and_nothing_else_is_one() {
        let folder = tempfile::tempdir().expect("folder");
        let file = |name: &str, content: &[u8]| fs::write(folder.path().join(name), content).expect("written");
        assert_eq!(read(folder.path(), "zh"), Pages::default(), "there is no folder yet");
        for section in SECTIONS {
            fs::create_dir(folder.path().join(section)).expect("folder");
        }
        file("guides/b.zh.txt", "怎样挂失\r\n\r\n第一步。\r\n".as_bytes());
        file("guides/a.zh.txt", "\u{FEFF}怎样申领\n带身份证。".as_bytes());
        file("guides/a.en.txt", b"How to apply\nBring it.");
        file("vacancies/1.zh.txt", "厨师".as_bytes());
        file("guides/no-title.zh.txt", b"\n text");
        file("guides/binary.zh.txt", b"a\x00b\n");
        file("guides/latin.zh.txt", b"caf\xE9\n");
        file("guides/long.zh.txt", "长".repeat(30_000).as_bytes());
        std::os::unix::fs::symlink("/etc/hostname", folder.path().join("guides/link.zh.txt")).expect("link");
        file("guides/other.md", b"x\n");
        let found = read(folder.path(), "zh");
        let told: Vec<_> =
            found.pages.iter().map(|page| (page.section, page.name.as_str(), page.title.as_str())).collect();
        assert_eq!(told, [("guides", "a", "怎样申领"), ("guides", "b", "怎样挂失"), ("vacancies", "1", "厨师")]);
        assert_eq!((found.pages[1].text.as_str(), found.left_out), ("第一步。", 5));
        assert_eq!(read(folder.path(), "en").pages.len(), 1);
        assert_eq!(read(folder.path(), "../zh").pages.len(), 0);
        for day in 0..PAGES_MAX {
            file(&format!("vacancies/{:04}.zh.txt", 2_000 + day), b"cook");
        }
        let found = read(folder.path(), "zh");
        let vacancies: Vec<_> = found.pages.iter().filter(|page| page.section == "vacancies").collect();
        assert_eq!((vacancies[0].name.as_str(), vacancies[1].name.as_str()), ("2199", "2198"), "the newest first");
        assert!(
            vacancies.len() == PAGES_MAX && vacancies.iter().all(|page| page.name != "1"),
            "the oldest has no room"
        );
    }
}
