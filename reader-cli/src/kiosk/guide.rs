//! Public texts: what anyone may read without a card.
//!
//! Those of the site lie in a folder, as `GET /public/pages` of the centre has them:
//! ```text
//! DIR/guides/lost-card.zh.txt      first line the title, then the text; empty lines between paragraphs
//! DIR/guides/lost-card.en.txt
//! DIR/vacancies/20260301-cook.zh.txt
//! ```
//! A text without the other language is shown as it is.
//!
//! Owns: those that come with the product, the folder's format, how much of a text a screen has room for. Never: asks for a card.
//! Units: half the width of a Chinese character.

use std::io::Read as _;
use std::path::Path;

use card_counter::language::{Language, Words};
use centre_line::http::PublicPage;

/// A public text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guide {
    /// Title.
    pub title: Words,
    /// Paragraphs.
    pub text: Vec<Words>,
}

/// What public texts are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// 办事指南.
    Guides,
    /// 招聘信息.
    Vacancies,
}

impl Section {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Guides, Self::Vacancies];

    /// Name of its folder, and of the centre's section.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Guides => "guides",
            Self::Vacancies => "vacancies",
        }
    }

    /// As the page calls it.
    #[must_use]
    pub const fn title(self) -> (&'static str, &'static str) {
        match self {
            Self::Guides => ("办事指南", "Guides"),
            Self::Vacancies => ("招聘信息", "Vacancies"),
        }
    }
}

/// A text in one language, as it lies in a folder or comes from the centre.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// Section.
    pub section: Section,
    /// Name without language: the same for both.
    pub name: String,
    /// Title.
    pub title: String,
    /// Text, paragraphs apart.
    pub text: String,
}

/// The public texts of a site and its centre.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    guides: Vec<Guide>,
    vacancies: Vec<Guide>,
}

/// Most texts of a section: what people scroll through.
const TEXTS_MAX: usize = 60;
/// Most characters of a title.
const TITLE_MAX: usize = 60;
/// Most bytes of a file.
const BYTES_MAX: u64 = 64 * 1024;
/// Half widths of a line and lines of a screen; of large text.
const ROOM: [(usize, usize); 2] = [(56, 9), (46, 6)];

impl Texts {
    /// Joins the languages: the Chinese ones in their order, then those that are English alone.
    #[must_use]
    pub fn of(zh: Vec<Sheet>, en: Vec<Sheet>) -> Self {
        let mut texts = Self::default();
        let same = |one: &Sheet, other: &Sheet| (one.section, &one.name) == (other.section, &other.name);
        let alone = en.iter().filter(|sheet| !zh.iter().any(|other| same(sheet, other)));
        let is_vacancy = |sheet: &&Sheet| sheet.section == Section::Vacancies;
        let (mut vacancies, guides): (Vec<&Sheet>, Vec<&Sheet>) = zh.iter().chain(alone).partition(is_vacancy);
        // Named by their day: the newest comes first, of the site or of its centre, and the oldest are what there is no room for.
        vacancies.sort_by(|one, other| other.name.cmp(&one.name));
        for sheet in guides.into_iter().chain(vacancies) {
            let other = en.iter().find(|other| same(sheet, other)).unwrap_or(sheet);
            let title = |sheet: &Sheet| sheet.title.chars().take(TITLE_MAX).collect::<String>();
            let lines = |sheet: &Sheet| -> Vec<String> {
                sheet.text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
            };
            let (zh, en) = (lines(sheet), lines(other));
            let line = |lines: &[String], at: usize| lines.get(at).cloned().unwrap_or_default();
            let text = (0..zh.len().max(en.len())).map(|at| Words::of(line(&zh, at), line(&en, at))).collect();
            let section = match sheet.section {
                Section::Guides => &mut texts.guides,
                Section::Vacancies => &mut texts.vacancies,
            };
            section.push(Guide { title: Words::of(title(sheet), title(other)), text });
        }
        texts.guides.truncate(TEXTS_MAX);
        texts.vacancies.truncate(TEXTS_MAX);
        texts
    }

    /// Those of a section.
    #[must_use]
    pub fn of_section(&self, section: Section) -> &[Guide] {
        match section {
            Section::Guides => &self.guides,
            Section::Vacancies => &self.vacancies,
        }
    }
}

/// The texts that the centre told, without those of sections that this page does not have.
#[must_use]
pub fn told(pages: Vec<PublicPage>) -> Vec<Sheet> {
    let sheet = |page: PublicPage| {
        let section = Section::ALL.into_iter().find(|section| section.name() == page.section)?;
        Some(Sheet { section, name: page.name, title: page.title, text: page.text })
    };
    pages.into_iter().filter_map(sheet).collect()
}

/// The texts of a folder in a language. What is no text is left out, and so is a folder that is not there.
#[must_use]
pub fn sheets(folder: &Path, language: Language) -> Vec<Sheet> {
    let ending = match language {
        Language::Zh => ".zh.txt",
        Language::En => ".en.txt",
    };
    let mut found = Vec::new();
    for section in Section::ALL {
        let Ok(entries) = std::fs::read_dir(folder.join(section.name())) else { continue };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter_map(|name| name.strip_suffix(ending).map(str::to_owned)).collect();
        names.sort_unstable();
        if section == Section::Vacancies {
            names.reverse();
        }
        names.truncate(TEXTS_MAX);
        for name in names {
            let path = folder.join(section.name()).join(format!("{name}{ending}"));
            let Some((title, text)) = read(&path) else { continue };
            found.push(Sheet { section, name, title, text });
        }
    }
    found
}

/// Title and text of an ordinary file.
fn read(path: &Path) -> Option<(String, String)> {
    if !std::fs::symlink_metadata(path).ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    let count = std::fs::File::open(path).ok()?.take(BYTES_MAX + 1).read_to_string(&mut text).ok()?;
    let (title, rest) = text.trim_start_matches('\u{FEFF}').split_once('\n').unwrap_or((&text, ""));
    let is_text = u64::try_from(count).is_ok_and(|count| count <= BYTES_MAX) && !title.trim().is_empty();
    is_text.then(|| (title.trim().to_owned(), rest.trim().to_owned()))
}

/// A text cut into screens: each a list of paragraphs that fits.
#[must_use]
pub fn parts(guide: &Guide, language: Language, is_large: bool) -> Vec<Vec<String>> {
    let (width, lines) = ROOM[usize::from(is_large)];
    let mut parts: Vec<Vec<String>> = vec![Vec::new()];
    let mut left = lines;
    for paragraph in &guide.text {
        for piece in pieces(paragraph.text(language), width * lines) {
            let needs = measure(&piece).div_ceil(width) + 1;
            if needs > left && parts.last().is_some_and(|part| !part.is_empty()) {
                parts.push(Vec::new());
                left = lines;
            }
            left = left.saturating_sub(needs);
            if let Some(part) = parts.last_mut() {
                part.push(piece);
            }
        }
    }
    parts
}

/// Half widths of a text: a character of ours takes two.
fn measure(text: &str) -> usize {
    text.chars().map(|character| if u32::from(character) < 0x1100 { 1 } else { 2 }).sum()
}

/// A paragraph cut where it is longer than a screen.
fn pieces(text: &str, most: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut width = 0;
    for character in text.chars().filter(|character| !character.is_control()) {
        width += measure(character.encode_utf8(&mut [0; 4]));
        if width > most {
            pieces.push(std::mem::take(&mut piece));
            width = measure(character.encode_utf8(&mut [0; 4]));
        }
        piece.push(character);
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

/// The texts that every kiosk has.
#[must_use]
pub fn built_in() -> Vec<Guide> {
    vec![
        Guide {
            title: Words::new("自助机能办什么", "What this machine does"),
            text: vec![
                Words::new(
                    "插卡并输入密码后，可查询卡内余额、交易明细和卡内个人信息，可修改密码。",
                    "With your card and PIN you see the balance and the transactions on the card and what it says of you, and change the PIN.",
                ),
                Words::new(
                    "用完后请取走卡片。取卡后，屏幕上的内容立即清除。",
                    "Take your card when you are done. What stood on the screen is gone at once.",
                ),
            ],
        },
        Guide {
            title: Words::new("密码与解锁", "PIN and unblocking"),
            text: vec![
                Words::new(
                    "新卡带有初始密码，初始密码不能付款，请先修改。初始密码见领卡时的说明。",
                    "A new card has an initial PIN, told when you got the card. It cannot pay: change it first.",
                ),
                Words::new(
                    "连续输错会锁定密码。忘记密码或密码被锁，请持本人身份证到服务窗口办理重置。",
                    "Wrong PINs in a row block it. If you forgot it, or it is blocked, bring your identity card to a service counter.",
                ),
            ],
        },
        Guide {
            title: Words::new("卡片丢失怎么办", "If you lose your card"),
            text: vec![
                Words::new(
                    "请立即拨打 12333 或到服务窗口办理临时挂失；找到后可解除，找不到请办理正式挂失和补卡。",
                    "Call 12333 or go to a service counter at once for a temporary loss report. It is released when you find the card; \
                     else report it lost for good and ask for another.",
                ),
                Words::new(
                    "挂失后，中心和联网的终端立即拒收此卡；没有联网的终端收到新名单后才拒收，一般在一天之内，此前他人仍可能用此卡付款。",
                    "After the report the centre and connected tills refuse the card at once. A till without a line refuses it with its next \
                     list, within a day as a rule; until then somebody may still pay there.",
                ),
            ],
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_a_folder_are_joined_by_name_and_cut_into_screens() {
        let folder = tempfile::tempdir().expect("folder");
        for section in Section::ALL {
            std::fs::create_dir(folder.path().join(section.name())).expect("folder");
        }
        let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
        file("vacancies/2-cook.zh.txt", &format!("招厨师\r\n\r\n第一段。\r\n{}", "长".repeat(2_000)));
        file("vacancies/2-cook.en.txt", "A cook\nOne paragraph.");
        file("vacancies/1-nurse.en.txt", "A nurse\nEnglish alone.");
        file("vacancies/no-title.zh.txt", "\ntext");
        file("vacancies/note.md", "x\n");
        std::os::unix::fs::symlink("/etc/hostname", folder.path().join("vacancies/link.zh.txt")).expect("link");
        let texts = Texts::of(sheets(folder.path(), Language::Zh), sheets(folder.path(), Language::En));
        assert!(texts.of_section(Section::Guides).is_empty());
        let [cook, nurse] = texts.of_section(Section::Vacancies) else { panic!("{texts:?}") };
        assert_eq!((cook.title.zh.as_ref(), cook.title.en.as_ref()), ("招厨师", "A cook"));
        assert_eq!((nurse.title.zh.as_ref(), nurse.title.en.as_ref()), ("A nurse", "A nurse"));
        for is_large in [false, true] {
            let parts = parts(cook, Language::Zh, is_large);
            let (width, lines) = ROOM[usize::from(is_large)];
            assert!(
                parts.len() > 5
                    && parts.iter().all(|part| part.iter().map(|one| measure(one)).sum::<usize>() <= width * lines)
            );
            assert_eq!(parts.concat().concat().matches('长').count(), 2_000, "nothing is lost");
        }
        assert_eq!(parts(nurse, Language::Zh, false), [["English alone."]]);
        assert_eq!(sheets(Path::new("/nowhere"), Language::Zh), []);
    }

    #[test]
    fn the_oldest_vacancies_are_what_there_is_no_room_for() {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::create_dir(folder.path().join("vacancies")).expect("folder");
        for day in 1..=65 {
            let path = folder.path().join(format!("vacancies/2026{day:04}.zh.txt"));
            std::fs::write(path, format!("{day}\n")).expect("written");
        }
        let own = sheets(folder.path(), Language::Zh);
        let told = |name: &str| Sheet {
            section: Section::Vacancies,
            name: name.to_owned(),
            title: name.to_owned(),
            text: String::new(),
        };
        let all = own.into_iter().chain([told("20261231"), told("20260000")]).collect();
        let texts = Texts::of(all, Vec::new());
        let titles: Vec<_> = texts.of_section(Section::Vacancies).iter().map(|one| one.title.zh.to_string()).collect();
        assert_eq!(titles.len(), TEXTS_MAX);
        assert_eq!(titles[..3], ["20261231", "65", "64"]);
    }
}
