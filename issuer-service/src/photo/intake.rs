//! Taking photos in: each file finds its person by its name, or is said to be somebody's.
//!
//! Owns: the run over the files, stored in small groups with an audit record for each photo; the look at one file alone.
//! Never: shows the name of a file whole; stops at the first fault; holds more than a group of photos in memory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use serde::Serialize;
use zeroize::Zeroizing;

use super::Photo;
use super::failure::PhotoError;
use super::fault::PhotoFault;
use super::files::{self, Files, Kind};
use super::report::{Refused, Report};
use super::rules::Rules;
use super::stored::Stored;
use crate::audit::Act;
use crate::card::update::item::Items;
use crate::card::update::{self, Origin};
use crate::clock;
use crate::import::ImportError;
use crate::import::report_file::ReportFile;
use crate::lang::Lang;
use crate::output::Show;
use crate::person::field::Field;
use crate::person::name;
use crate::person::number::Number;
use crate::progress::Steps;
use crate::registry::RegistryError;
use crate::store::{Store, StoreError};

/// Photos of one transaction.
const GROUP: usize = 32;

/// What to do.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// What a photo must be.
    pub rules: &'a Rules,
    /// Bytes of the chip's photo file; 0 when the card has none.
    pub chip_bytes: usize,
    /// Who acts.
    pub actor: &'a str,
    /// Language of the report.
    pub lang: Lang,
}

/// A checked photo that is not stored yet.
struct Checked {
    person: i64,
    new: bool,
    photo: Stored,
}

/// Takes in a file, a folder or an archive. Run again, it goes on where it was interrupted: what is there is unchanged.
///
/// # Errors
/// [`PhotoError`]; a file that is refused is no error, it is in the report.
pub fn run(
    store: &mut Store,
    order: &Order<'_>,
    path: &Path,
    dry_run: bool,
    report_path: Option<&Path>,
    steps: &dyn Steps,
) -> Result<Report, PhotoError> {
    let mut files = Files::list(path)?;
    let mut report_file = report_path
        .map(|place| {
            let failed = |source| ImportError::Report { path: place.to_owned(), source };
            ReportFile::create(place, None).map_err(failed)
        })
        .transpose()?;
    let mut report = Report::new(dry_run, order.lang);
    let mut seen = BTreeMap::new();
    let mut group = Vec::with_capacity(GROUP);
    let total = files.len();
    for place in 0..total {
        let number = u64::try_from(place + 1).unwrap_or(u64::MAX);
        match one(store, order, &mut files, place, &mut seen) {
            Ok(Some(checked)) => {
                if checked.new {
                    report.created += 1
                } else {
                    report.changed += 1
                }
                group.push(checked);
            }
            Ok(None) => report.unchanged += 1,
            Err(Stopped::Refused(faults)) => report.refuse(number, &files.name(place), faults),
            Err(Stopped::Store(error)) => return Err(error.into()),
        }
        if group.len() == GROUP || place + 1 == total {
            let full = std::mem::take(&mut group);
            if !dry_run {
                store_group(store, order, &full)?;
            }
            steps.at(number, u64::try_from(total).unwrap_or(u64::MAX));
        }
    }
    if let (Some(file), Some(path)) = (report_file.as_mut(), report_path) {
        let failed = |source| ImportError::ReportNotPlaced { path: path.to_owned(), source };
        file.write(&report).map_err(failed)?;
    }
    if let (Some(file), Some(path)) = (report_file, report_path) {
        file.place().map_err(|source| ImportError::ReportNotPlaced { path: path.to_owned(), source })?;
    }
    Ok(report)
}

/// Takes in one person's photo.
///
/// # Errors
/// [`RegistryError::PersonUnknown`], [`StoreError`].
pub fn add(store: &mut Store, order: &Order<'_>, person: i64, bytes: Vec<u8>) -> Result<Report, RegistryError> {
    if store.read(|tx| tx.dossier(person))?.is_none() {
        return Err(RegistryError::PersonUnknown { id: person });
    }
    let mut report = Report::new(false, order.lang);
    match checked(store, order, person, bytes) {
        Ok(Some(checked)) => {
            store_group(store, order, std::slice::from_ref(&checked))?;
            if checked.new { report.created = 1 } else { report.changed = 1 }
        }
        Ok(None) => report.unchanged = 1,
        Err(Stopped::Refused(faults)) => report.refuse(1, "", faults),
        Err(Stopped::Store(error)) => return Err(error.into()),
    }
    Ok(report)
}

enum Stopped {
    Refused(Vec<PhotoFault>),
    Store(StoreError),
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<PhotoFault> for Stopped {
    fn from(fault: PhotoFault) -> Self {
        Self::Refused(vec![fault])
    }
}

fn one(
    store: &mut Store,
    order: &Order<'_>,
    files: &mut Files,
    place: usize,
    seen: &mut BTreeMap<i64, u64>,
) -> Result<Option<Checked>, Stopped> {
    match files.kind(place) {
        Kind::Plain => {}
        Kind::Link => return Err(PhotoFault::Link.into()),
        Kind::Other => return Err(PhotoFault::NotPlain.into()),
    }
    let name = files.name(place);
    let (stem, ending) = name.rsplit_once('.').unwrap_or((&name, ""));
    let jpeg = ["jpg", "jpeg"].iter().any(|known| ending.eq_ignore_ascii_case(known));
    let (number, bearer) = stem.split_once(['+', '_']).map_or((stem, None), |(number, name)| (number, Some(name)));
    let number = Number::read(number).ok().filter(|_| jpeg).ok_or(PhotoFault::FileName)?;
    let found = store.read(|tx| tx.dossier_by_number(number.as_str()))?;
    let (person, dossier) = found.ok_or(PhotoFault::PersonUnknown)?;
    if let Some(bearer) = bearer
        && name::normalize(bearer).as_deref() != Ok(dossier.value(Field::Name))
    {
        return Err(PhotoFault::NameDiffers.into());
    }
    let first = *seen.entry(person).or_insert_with(|| u64::try_from(place + 1).unwrap_or(u64::MAX));
    if usize::try_from(first) != Ok(place + 1) {
        return Err(PhotoFault::Twice { first }.into());
    }
    let bytes = files.read(place, order.rules.bytes_max).map_err(|_| PhotoFault::Unreadable)?;
    checked(store, order, person, bytes)
}

/// Checks a photo and reduces it; none when it is there already.
fn checked(store: &mut Store, order: &Order<'_>, person: i64, bytes: Vec<u8>) -> Result<Option<Checked>, Stopped> {
    let known = store.read(|tx| tx.photo(person))?;
    if known.as_ref().is_some_and(|known| *known.original == bytes) {
        return Ok(None);
    }
    let photo = Photo::check(&bytes, order.rules).map_err(Stopped::Refused)?;
    let chip = match order.chip_bytes {
        0 => Vec::new(),
        most => photo.reduced(most).ok_or(PhotoFault::ChipTooSmall)?,
    };
    let photo = Stored {
        original: Zeroizing::new(bytes),
        chip: Zeroizing::new(chip),
        width: order.rules.width,
        height: order.rules.height,
        taken_in_by: order.actor.to_owned(),
        taken_in_at: clock::now(),
    };
    Ok(Some(Checked { person, new: known.is_none(), photo }))
}

fn store_group(store: &mut Store, order: &Order<'_>, group: &[Checked]) -> Result<(), StoreError> {
    if group.is_empty() {
        return Ok(());
    }
    store.acts(|tx| {
        let mut acts = Vec::with_capacity(group.len());
        for Checked { person, photo, .. } in group {
            tx.put_photo(*person, photo)?;
            update::follow(tx, *person, Items::PHOTO, Origin::Photo)?;
            let detail = format!("{} bytes, {} for the chip", photo.original.len(), photo.chip.len());
            let (actor, object) = (order.actor.to_owned(), format!("person {person}"));
            acts.push(Act { actor, act: "photo.take", object, detail });
        }
        Ok(((), acts))
    })
}

/// Bytes of one file, or of `standard_input` when the path is `-`: all, or one more than `most`.
///
/// # Errors
/// [`ImportError::NotFound`], [`ImportError::Unreadable`].
pub fn read(
    path: &Path,
    most: u64,
    standard_input: impl FnOnce(u64) -> io::Result<Vec<u8>>,
) -> Result<Vec<u8>, PhotoError> {
    let read = || match path.to_str() {
        Some("-") => standard_input(most.saturating_add(1)),
        // A pipe or a device may never end.
        _ if !fs::metadata(path)?.is_file() => Err(io::ErrorKind::NotSeekable.into()),
        _ => files::bounded(File::open(path)?, most),
    };
    read().map_err(|source| files::failed(path, source))
}

/// What a look at a file found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Looked {
    /// Whether it may be taken in.
    pub good: bool,
    /// Bytes, as far as they were read.
    pub bytes: usize,
    /// White pixels of the background, in hundredths; none of a refused file.
    pub white_share: Option<u8>,
    /// Bytes of the likeness for the chip; none of a refused file, and of a card without photo file.
    pub chip_bytes: Option<usize>,
    /// Why it is refused.
    pub faults: Vec<Refused>,
}

/// Looks at a file; nothing is stored.
#[must_use]
pub fn look(order: &Order<'_>, bytes: &[u8]) -> Looked {
    let mut report = Report::new(true, order.lang);
    let mut looked =
        Looked { good: false, bytes: bytes.len(), white_share: None, chip_bytes: None, faults: Vec::new() };
    match Photo::check(bytes, order.rules) {
        Ok(photo) => {
            looked.white_share = Some(photo.white_share(order.rules.white));
            if order.chip_bytes > 0 {
                looked.chip_bytes = photo.reduced(order.chip_bytes).map(|chip| chip.len());
                if looked.chip_bytes.is_none() {
                    report.refuse(1, "", vec![PhotoFault::ChipTooSmall]);
                }
            }
        }
        Err(faults) => report.refuse(1, "", faults),
    }
    looked.faults = report.faults;
    looked.good = looked.faults.is_empty();
    looked
}

impl Show for Looked {
    fn text(&self, lang: Lang) -> String {
        let line = |fault: &Refused| format!("{}: {}. {}", fault.code, fault.message, fault.remedy);
        let mut lines: Vec<String> = self.faults.iter().map(line).collect();
        if let (true, Some(share)) = (self.good, self.white_share) {
            let (bytes, chip) = (self.bytes, self.chip_bytes.unwrap_or_default());
            lines.push(lang.pick(
                format!("合格: {bytes} 字节，背景 {share}% 为白色，芯片用 {chip} 字节"),
                format!("good: {bytes} bytes, {share} % of the background is white, {chip} bytes for the chip"),
            ));
        }
        lines.join("\n")
    }
}
