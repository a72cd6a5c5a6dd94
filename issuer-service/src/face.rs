//! The face of a card: the site's templates, and one side of one card on record.
//!
//! Owns: which template and fonts a centre prints with, who may have a face printed, what the audit log says of it.
//! Never: draws (`card-face`); puts a name or a number into a file's name; decrypts a photo for anyone but who prints.

pub mod failure;

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use card_face::{Fault, Fonts, Holder, Mark, Page, Review, Side, Template};
use ring::digest::{SHA256, digest};
use serde::Serialize;
use zeroize::Zeroizing;

use self::failure::FaceError;
use crate::audit::Act;
use crate::batch::CardState;
use crate::card::Card;
use crate::card::state::LifeState;
use crate::error::{Explain, Missing};
use crate::lang::{Lang, column};
use crate::operator::Role;
use crate::output::Show;
use crate::person::Person;
use crate::photo::stored::Stored;
use crate::state::State;
use crate::store::Store;

/// Most bytes of a template file that is read.
const FILE_BYTES_MAX: u64 = 8 << 20;

/// Dots an inch of a preview: 320 points of a screen, twice.
const PREVIEW_DPI: u32 = 190;

/// Form of a printed face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An image.
    Png,
    /// A document.
    Pdf,
}

impl Form {
    /// By the ending of a file.
    #[must_use]
    pub fn of_file(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "png" => Some(Self::Png),
            "pdf" => Some(Self::Pdf),
            _ => None,
        }
    }

    /// A page in this form, drawn in time.
    pub(crate) fn of(self, page: Page, dpi: u32) -> Result<Vec<u8>, Fault> {
        card_face::in_time(move || match self {
            Self::Png => page.png(dpi),
            Self::Pdf => page.pdf(),
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Pdf => "pdf",
        }
    }
}

/// A template as a site has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Known {
    /// `front`, `back`.
    pub side: &'static str,
    /// File of the site; absent for the one built in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// SHA-256 of its text: what an approval of the artwork can name.
    pub sha256: String,
    /// Fields, in the order in which they stand in it; empty when it cannot be read.
    pub fields: Vec<&'static str>,
    /// Whether it can be read.
    pub good: bool,
}

/// The text of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Text {
    /// `front`, `back`.
    pub side: &'static str,
    /// SVG.
    pub svg: String,
}

/// Both templates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Templates {
    /// Front, then back.
    pub templates: Vec<Known>,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// `front`, `back`.
    pub side: &'static str,
    /// SHA-256 of its text.
    pub sha256: String,
    /// Whether it may be printed by.
    pub good: bool,
    /// Invented holders that it was drawn with.
    pub drawn: usize,
    /// What is wrong.
    pub faults: Vec<Told>,
}

/// A fault, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Stable code.
    pub code: &'static str,
    /// What is wrong.
    pub what: String,
    /// What to do next.
    pub next: &'static str,
}

/// A face that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Printed {
    /// Job that made the card.
    pub job: i64,
    /// `front`, `back`.
    pub side: &'static str,
    /// `png`, `pdf`.
    pub form: &'static str,
    /// Bytes.
    pub bytes: usize,
    /// SHA-256 of the template's text.
    pub template: String,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// 卡号.
    pub card_number: &'a str,
    /// Side.
    pub side: Side,
    /// Dots an inch of an image.
    pub dpi: u32,
    /// Whether the artwork goes on beyond the card.
    pub bleed: bool,
    /// Where it is written; its ending says the form.
    pub out: &'a Path,
    /// Who asks.
    pub operator: Option<&'a str>,
}

/// The text of a side's template, and the file it came from.
///
/// # Errors
/// [`FaceError::Unreadable`].
pub fn text(folder: &Path, side: Side) -> Result<(String, Option<PathBuf>), FaceError> {
    let path = folder.join("templates").join("face").join(format!("{}.svg", side.name()));
    if path.exists() { Ok((read(&path)?, Some(path))) } else { Ok((side.built_in().to_owned(), None)) }
}

/// Reads a template's file.
///
/// # Errors
/// [`FaceError::Unreadable`].
pub fn read(path: &Path) -> Result<String, FaceError> {
    let failed = |source| FaceError::Unreadable { path: path.to_owned(), source };
    let length = fs::metadata(path).map_err(failed)?.len();
    if length > FILE_BYTES_MAX {
        return Err(FaceError::Large { path: path.to_owned(), most: FILE_BYTES_MAX });
    }
    fs::read_to_string(path).map_err(failed)
}

/// The fonts of a site: its own in `DIR/templates/fonts`, then those of the system.
///
/// # Errors
/// [`FaceError::Fonts`].
pub fn fonts(folder: &Path) -> Result<Fonts, FaceError> {
    Ok(Fonts::find(own_fonts(folder).as_deref())?)
}

fn own_fonts(folder: &Path) -> Option<PathBuf> {
    Some(folder.join("templates").join("fonts")).filter(|own| own.is_dir())
}

/// Both templates of a site.
///
/// # Errors
/// [`FaceError::Unreadable`].
pub fn list(folder: &Path) -> Result<Templates, FaceError> {
    let known = |side| {
        let (text, file) = text(folder, side)?;
        let template = Template::read(&text);
        let fields = template.as_ref().map(|template| template.fields().map(card_face::Field::name).collect());
        Ok(Known {
            side: side.name(),
            file,
            sha256: hash(&text),
            good: template.is_ok(),
            fields: fields.unwrap_or_default(),
        })
    };
    Ok(Templates { templates: Side::ALL.into_iter().map(known).collect::<Result<_, FaceError>>()? })
}

/// Looks at a template with invented holders.
#[must_use]
pub fn check(text: &str, side: Side, fonts: &Fonts, lang: Lang) -> Checked {
    let (faults, drawn) = match Template::read(text) {
        Ok(template) => {
            let Review { faults, drawn } = card_face::review(&template, side, fonts);
            (faults, drawn)
        }
        Err(faults) => (faults, 0),
    };
    let told = |fault: &card_face::Fault| Told {
        code: fault.code(),
        what: lang.pick(fault.zh(), fault.en()),
        next: lang.pick(fault.next_zh(), fault.next_en()),
    };
    Checked {
        side: side.name(),
        sha256: hash(text),
        good: faults.is_empty(),
        drawn,
        faults: faults.iter().map(told).collect(),
    }
}

/// One side as a site's template draws it, with an invented holder of this name: an image for a screen.
///
/// # Errors
/// [`FaceError`].
pub fn preview(folder: &Path, side: Side, name: &str) -> Result<Vec<u8>, FaceError> {
    let template = Template::read(&text(folder, side)?.0).map_err(FaceError::Template)?;
    let page = card_face::sample(&template, &fonts(folder)?, name).map_err(FaceError::of)?;
    card_face::in_time(move || page.png(PREVIEW_DPI)).map_err(|fault| FaceError::of(vec![fault]))
}

/// Previews that were drawn, by template, fonts and name: drawn once, and one at a time; none of a template that took too long.
#[derive(Debug, Default)]
pub struct Previews(Mutex<HashMap<Of, Drawn>>);

/// Hash of the template, the font files, side and name.
type Of = (String, Vec<Mark>, String);

/// An image; none of a template that took too long.
type Drawn = Option<Vec<u8>>;

/// Most previews that are kept: some templates of both sides with every invented name.
const PREVIEWS_MAX: usize = 64;

impl Previews {
    /// As [`preview`], drawn when the template was not drawn before with these fonts.
    ///
    /// # Errors
    /// [`FaceError`].
    pub fn of(&self, folder: &Path, side: Side, name: &str) -> Result<Vec<u8>, FaceError> {
        let marks = Fonts::marks(own_fonts(folder).as_deref())?;
        let key = (hash(&text(folder, side)?.0), marks, format!("{} {name}", side.name()));
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slow = || FaceError::of(vec![Fault::Slow]);
        if let Some(image) = kept.get(&key) {
            return image.clone().ok_or_else(slow);
        }
        let image = match preview(folder, side, name) {
            Ok(image) => Some(image),
            Err(error) if error.code() == Fault::Slow.code() => None,
            Err(error) => return Err(error),
        };
        if kept.len() >= PREVIEWS_MAX {
            kept.clear();
        }
        kept.insert(key, image.clone());
        image.ok_or_else(slow)
    }
}

/// Writes one side of one card into a new file, on record before the file is there.
///
/// # Errors
/// [`FaceError`]; nothing is written then.
pub fn print(store: &mut Store, folder: &Path, order: &Order<'_>) -> Result<Printed, FaceError> {
    let Order { card_number, side, dpi, bleed, out, operator } = *order;
    let form = Form::of_file(out).ok_or(FaceError::Ending)?;
    let whose = whose(store, folder, (card_number, side), operator)?;
    if tells(out, {
        let details = &whose.person.details;
        [&details.name, &details.name_script, &details.number, &whose.card.card_number]
    }) {
        return Err(FaceError::Tells);
    }
    let page = whose.laid(folder, bleed)?;
    let bytes = form.of(page, dpi);
    let bytes = Zeroizing::new(bytes.map_err(|fault| FaceError::of(vec![fault]))?);
    // On record before it is out.
    let (card, hash) = (&whose.card, hash(&whose.template));
    record(store, "face.print", card, operator, format!("{} {}, template {}", side.name(), form.name(), short(&hash)))?;
    write(out, &bytes)?;
    Ok(Printed { job: card.job, side: side.name(), form: form.name(), bytes: bytes.len(), template: hash })
}

/// One side of one card for a screen (PNG), on record before it is shown.
///
/// # Errors
/// [`FaceError`].
pub fn show(
    store: &mut Store,
    folder: &Path,
    card_number: &str,
    side: Side,
    operator: Option<&str>,
) -> Result<Zeroizing<Vec<u8>>, FaceError> {
    let whose = whose(store, folder, (card_number, side), operator)?;
    let image = Form::Png.of(whose.laid(folder, false)?, PREVIEW_DPI).map_err(|fault| FaceError::of(vec![fault]))?;
    let detail = format!("{}, template {}", side.name(), short(&hash(&whose.template)));
    record(store, "face.show", &whose.card, operator, detail)?;
    Ok(Zeroizing::new(image))
}

/// A card with what is printed on one of its sides.
struct Whose {
    card: Card,
    person: Person,
    photo: Option<Stored>,
    /// Text of the template.
    template: String,
}

impl Whose {
    fn laid(&self, folder: &Path, bleed: bool) -> Result<Page, FaceError> {
        let template = Template::read(&self.template).map_err(FaceError::Template)?;
        let holder = Holder {
            name: &self.person.details.name,
            name_script: &self.person.details.name_script,
            number: &self.person.details.number,
            card_number: &self.card.card_number,
            issue_date: &self.card.issue_date,
            valid_until: &self.card.valid_until,
            photo: self.photo.as_ref().map(|photo| photo.original.as_slice()),
        };
        Page::lay(&template, &fonts(folder)?, &holder, bleed).map_err(FaceError::of)
    }
}

/// Who may, and a card that may be printed.
fn whose(
    store: &mut Store,
    folder: &Path,
    (card_number, side): (&str, Side),
    operator: Option<&str>,
) -> Result<Whose, FaceError> {
    let (text, _) = text(folder, side)?;
    let template = Template::read(&text).map_err(FaceError::Template)?;
    let needs_photo = template.fields().any(|field| field == card_face::Field::Photo);
    store.read(|tx| -> Result<_, FaceError> {
        tx.require(operator, Role::Station)?;
        let card = tx.card_by_number(card_number)?.ok_or(Missing::Card)?;
        let printable = [CardState::Sealed.name(), LifeState::Normal.name()];
        if !printable.contains(&card.state.as_str()) {
            return Err(FaceError::State { state: card.state });
        }
        let person = tx.person(card.person)?.ok_or(Missing::Person { id: card.person })?;
        let photo = if needs_photo { tx.photo(card.person)? } else { None };
        Ok(Whose { card, person, photo, template: text })
    })
}

fn record(
    store: &mut Store,
    name: &'static str,
    card: &Card,
    operator: Option<&str>,
    detail: String,
) -> Result<(), FaceError> {
    store.act(|tx| -> Result<_, FaceError> {
        let actor = tx.require(operator, Role::Station)?;
        Ok(((), Act { actor, act: name, object: format!("card {}", card.card_number), detail }))
    })
}

fn short(hash: &str) -> &str {
    hash.get(..16).unwrap_or_default()
}

/// Whether the name of a file tells whose card it is.
pub(crate) fn tells(path: &Path, words: [&str; 4]) -> bool {
    let name = path.to_string_lossy();
    words.iter().any(|word| !word.is_empty() && name.contains(word))
}

/// Writes a new file that only its owner reads.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), FaceError> {
    Place::new(path)?.fill(bytes)
}

/// A new file that only its owner reads, begun before what goes into it is on record; gone unless it is filled.
pub(crate) struct Place<'a> {
    path: &'a Path,
    file: File,
    filled: bool,
}

impl<'a> Place<'a> {
    pub(crate) fn new(path: &'a Path) -> Result<Self, FaceError> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|source| FaceError::NotWritten { path: path.to_owned(), source })?;
        Ok(Self { path, file, filled: false })
    }

    pub(crate) fn fill(mut self, bytes: &[u8]) -> Result<(), FaceError> {
        let written = self.file.write_all(bytes).and_then(|()| self.file.sync_all());
        self.filled = written.is_ok();
        written.map_err(|source| FaceError::NotWritten { path: self.path.to_owned(), source })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        // Half a face is none.
        if !self.filled {
            let _ = fs::remove_file(self.path);
        }
    }
}

fn hash(text: &str) -> String {
    hex::encode(digest(&SHA256, text.as_bytes()))
}

impl Show for Text {
    fn text(&self, _lang: Lang) -> String {
        self.svg.trim_end().to_owned()
    }
}

impl Show for Templates {
    fn text(&self, lang: Lang) -> String {
        let line = |known: &Known| {
            let place = known
                .file
                .as_ref()
                .map_or_else(|| lang.pick("自带", "built in").to_owned(), |file| file.display().to_string());
            let fields =
                if known.good { known.fields.join(" ") } else { lang.pick("不可用", "cannot be used").to_owned() };
            let hash = known.sha256.get(..16).unwrap_or_default();
            format!("{}  {hash}  {place}  {fields}", column(known.side, 6)).trim_end().to_owned()
        };
        self.templates.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl Show for Checked {
    fn text(&self, lang: Lang) -> String {
        let Self { side, sha256, good, drawn, faults } = self;
        let mut lines: Vec<String> =
            faults.iter().map(|Told { code, what, next }| format!("{code}: {what} → {next}")).collect();
        lines.push(if *good {
            lang.pick(
                format!("{side}: 可用，以 {drawn} 位虚构持卡人试印，sha256 {sha256}"),
                format!("{side}: good, drawn with {drawn} invented holders, sha256 {sha256}"),
            )
        } else {
            let count = faults.len();
            lang.pick(format!("{side}: {count} 处需要修改"), format!("{side}: {count} places to mend"))
        });
        lines.join("\n")
    }
}

impl Show for Printed {
    fn text(&self, lang: Lang) -> String {
        let Self { job, side, form, bytes, .. } = self;
        lang.pick(
            format!("任务 {job}: 卡面 {side} 已写成 {form}，{bytes} 字节"),
            format!("job {job}: {side} written as {form}, {bytes} bytes"),
        )
    }
}
