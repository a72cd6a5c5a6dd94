//! The fonts that faces are printed with: Chinese first, then one for each further script.
//!
//! Source: OpenType; packages of Debian. Owns: where fonts lie, which one has a character, runs of one font.
//! Never: ships a font; asks the system which fonts there are: the same machine prints the same face tomorrow.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use resvg::usvg::fontdb::{Database, ID, Source};

/// Where packages put Chinese fonts: `fonts-wqy-microhei`, `fonts-wqy-zenhei`, `fonts-noto-cjk`. The first one that is there.
const CHINESE: [&str; 5] = [
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/wqy-microhei/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
];

/// Fonts of further scripts; all that are there. Tibetan: `fonts-ddc-uchen`, `fonts-tibetan-machine`; rare Han: `fonts-hanazono`;
/// others: `fonts-noto-core`.
const FURTHER: [&str; 10] = [
    "/usr/share/fonts/truetype/tibetan/DDC_Uchen.ttf",
    "/usr/share/fonts/truetype/noto/NotoSerifTibetan-Regular.ttf",
    "/usr/share/fonts/truetype/tibetan-machine/TibetanMachineUni.ttf",
    "/usr/share/fonts/truetype/hanazono/HanaMinA.ttf",
    "/usr/share/fonts/truetype/hanazono/HanaMinB.ttf",
    "/usr/share/fonts/truetype/noto/NotoNaskhArabic-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansArabic-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansYi-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansMongolian-Regular.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
];

/// A font for Chinese has these.
const NEEDED: &str = "中华人民共和国社会保障卡0Xa·";

/// Most bytes of one font file (assumed: the largest of the packages has 30 MB).
const FONT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Script of a character, as far as it says which package has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// 藏文.
    Tibetan,
    /// Han characters beyond GB 2312 and GBK.
    RareHan,
    /// Every other one.
    Other,
}

/// Why there are no fonts to print with.
#[derive(Debug, thiserror::Error)]
pub enum FontsError {
    /// None of the known places has a Chinese one.
    #[error("no Chinese font in {}", CHINESE.join(", "))]
    Missing,
    /// A folder of the site cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// As given.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A font file as it was looked at: its place, bytes, last change (seconds and nanoseconds), number in its file system.
pub type Mark = (PathBuf, u64, (i64, i64), u64);

/// The fonts of this machine and site.
#[derive(Clone)]
pub struct Fonts {
    database: Arc<Database>,
    /// In the order in which they are asked for a character: face and family.
    faces: Vec<(ID, String)>,
}

impl Fonts {
    /// Those of `folder`, if the site has one (OpenType files, in the order of their names, before all others), and those of the system.
    ///
    /// # Errors
    /// [`FontsError`].
    pub fn find(folder: Option<&Path>) -> Result<Self, FontsError> {
        Self::of(Self::places(folder)?)
    }

    /// What tells whether [`Fonts::find`] would find the same files as before, without reading them: place, length, change and number of each.
    ///
    /// # Errors
    /// [`FontsError::Unreadable`].
    pub fn marks(folder: Option<&Path>) -> Result<Vec<Mark>, FontsError> {
        let mark = |path: PathBuf| {
            let file = std::fs::metadata(&path).ok()?;
            Some((path, file.len(), (file.mtime(), file.mtime_nsec()), file.ino()))
        };
        Ok(Self::places(folder)?.into_iter().filter_map(mark).collect())
    }

    /// Where fonts may be, in order.
    fn places(folder: Option<&Path>) -> Result<Vec<PathBuf>, FontsError> {
        let mut paths = Vec::new();
        if let Some(folder) = folder {
            let unreadable = |source| FontsError::Unreadable { path: folder.to_owned(), source };
            for entry in std::fs::read_dir(folder).map_err(unreadable)? {
                let path = entry.map_err(unreadable)?.path();
                let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
                if ["ttf", "ttc", "otf"].contains(&ending.to_ascii_lowercase().as_str()) {
                    paths.push(path);
                }
            }
            paths.sort();
        }
        let chinese = CHINESE.iter().map(PathBuf::from).find(|path| path.is_file());
        let system = chinese.into_iter().chain(FURTHER.iter().map(PathBuf::from));
        paths.extend(system);
        Ok(paths)
    }

    /// Those of these files that are fonts.
    ///
    /// # Errors
    /// [`FontsError::Missing`] when no one has Chinese.
    pub fn of(paths: impl IntoIterator<Item = PathBuf>) -> Result<Self, FontsError> {
        let mut database = Database::new();
        let mut faces = Vec::new();
        for path in paths {
            let small = std::fs::metadata(&path).is_ok_and(|file| file.is_file() && file.len() <= FONT_BYTES_MAX);
            let Some(bytes) = small.then(|| std::fs::read(&path).ok()).flatten() else { continue };
            for id in database.load_font_source(Source::Binary(Arc::new(bytes))) {
                let family = database.face(id).and_then(|face| Some(face.families.first()?.0.clone()));
                faces.extend(family.map(|family| (id, family)));
            }
        }
        let mut fonts = Self { database: Arc::new(database), faces };
        let chinese = fonts.faces.iter().find(|(id, _)| NEEDED.chars().all(|character| fonts.has(*id, character)));
        let Some((first, family)) = chinese.cloned() else { return Err(FontsError::Missing) };
        // What a template calls by a general name is Chinese.
        let database = Arc::make_mut(&mut fonts.database);
        database.set_sans_serif_family(&family);
        database.set_serif_family(&family);
        database.set_monospace_family(&family);
        database.set_cursive_family(&family);
        database.set_fantasy_family(&family);
        // Digits and letters come from the Chinese font; each further one is asked for what it lacks.
        fonts.faces.sort_by_key(|(id, _)| usize::from(*id != first));
        Ok(fonts)
    }

    /// For the drawing of a template.
    pub(crate) fn database(&self) -> Arc<Database> {
        self.database.clone()
    }

    /// Family of the Chinese font.
    pub(crate) fn family(&self) -> &str {
        self.faces.first().map_or("", |(_, family)| family)
    }

    /// A text as runs of one font each, so that no stack or syllable is torn between two.
    ///
    /// # Errors
    /// The script of the first character that no font has.
    pub(crate) fn runs<'a>(&self, text: &'a str) -> Result<Vec<(&str, &'a str)>, Script> {
        let mut runs: Vec<(usize, usize, usize)> = Vec::new();
        for (at, character) in text.char_indices() {
            let end = at + character.len_utf8();
            // A font goes on as long as it can: spaces, dots and marks stay with what they belong to.
            let same = runs.last_mut().filter(|(face, ..)| {
                let ours = self.faces.get(*face).is_some_and(|(id, _)| self.has(*id, character));
                ours && (*face == 0 || script(character) == Some(Script::Tibetan) || !self.first_has(character))
            });
            if let Some((.., until)) = same {
                *until = end;
                continue;
            }
            let face = self.faces.iter().position(|(id, _)| self.has(*id, character));
            runs.push((face.ok_or_else(|| script(character).unwrap_or(Script::Other))?, at, end));
        }
        let named =
            |(face, at, end): (usize, usize, usize)| Some((self.faces.get(face)?.1.as_str(), text.get(at..end)?));
        Ok(runs.into_iter().filter_map(named).collect())
    }

    fn first_has(&self, character: char) -> bool {
        self.faces.first().is_some_and(|(id, _)| self.has(*id, character))
    }

    fn has(&self, id: ID, character: char) -> bool {
        let glyph = self
            .database
            .with_face_data(id, |bytes, index| ttf_parser::Face::parse(bytes, index).ok()?.glyph_index(character));
        glyph.flatten().is_some_and(|glyph| glyph.0 != 0)
    }
}

impl std::fmt::Debug for Fonts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.faces.iter().map(|(_, family)| family)).finish()
    }
}

fn script(character: char) -> Option<Script> {
    match character {
        '\u{F00}'..='\u{FFF}' => Some(Script::Tibetan),
        '\u{2E80}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}' => Some(Script::RareHan),
        _ => None,
    }
}

/// Script of a character of a template's own text.
pub(crate) fn script_of(text: &str) -> Script {
    text.chars().find_map(script).unwrap_or(Script::Other)
}

impl Script {
    pub(crate) const fn zh(self) -> &'static str {
        match self {
            Self::Tibetan => "藏文",
            Self::RareHan => "生僻汉字",
            Self::Other => "其他文字",
        }
    }

    pub(crate) const fn en(self) -> &'static str {
        match self {
            Self::Tibetan => "Tibetan",
            Self::RareHan => "a rare Han character",
            Self::Other => "another script",
        }
    }

    pub(crate) const fn package_zh(self) -> &'static str {
        match self {
            Self::Tibetan => "安装软件包 fonts-ddc-uchen，或把藏文字体放进 数据目录的 templates/fonts",
            Self::RareHan => "安装软件包 fonts-hanazono，或把含该字的字体放进 数据目录的 templates/fonts",
            Self::Other => "安装软件包 fonts-noto-core，或把含该文字的字体放进 数据目录的 templates/fonts",
        }
    }

    pub(crate) const fn package_en(self) -> &'static str {
        match self {
            Self::Tibetan => {
                "install the package fonts-ddc-uchen, or put a Tibetan font into templates/fonts of the data folder"
            }
            Self::RareHan => {
                "install the package fonts-hanazono, or put a font that has it into templates/fonts of the data folder"
            }
            Self::Other => {
                "install the package fonts-noto-core, or put a font that has it into templates/fonts of the data folder"
            }
        }
    }
}
