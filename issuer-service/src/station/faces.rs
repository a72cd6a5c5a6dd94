//! Faces of a card as files for the printer's command: drawn for that card, gone when the command has ended.
//!
//! `{front.png}`, `{back.png}`, `{front.pdf}` and `{back.pdf}` in a command are such files, of the site's templates.
//!
//! Owns: the folder of the files (mode 0700, in memory where the system has such a place, wherever else temporary files go), removing it
//! and what a killed process left: when a run with a printer begins, and with each face. On a disk they are overwritten first.
//! Never: puts a name or a number into a file's name; leaves a file behind for the next card.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use card_face::{Fonts, Holder as Printed, Page, Side, Template};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::hook::Hook;
use super::line::Holder;
use crate::card::Card;
use crate::face::{self, Form};

/// Dots an inch of an image: what printers of cards have.
const DPI: u32 = 300;
/// What the folders are called, before the numbers of the space of processes and of the process.
const NAME: &str = "issuer-face-";
/// Where the system keeps files in memory.
const MEMORY: &str = "/dev/shm";

/// Files that a command may name.
const FILES: [(&str, Side, Form); 4] = [
    ("front.png", Side::Front, Form::Png),
    ("back.png", Side::Back, Form::Png),
    ("front.pdf", Side::Front, Form::Pdf),
    ("back.pdf", Side::Back, Form::Pdf),
];

/// The files of one card; removed when it is dropped.
#[derive(Debug)]
pub(super) struct Faces {
    folder: Option<PathBuf>,
    files: Vec<(&'static str, String)>,
}

/// Why there is no face; the reasons are told by `issuer face`.
pub(super) struct Undrawn;

impl Faces {
    /// Draws what a command names.
    pub(super) fn drawn(hook: &Hook, card: &Card, holder: &Holder, photo: Option<&str>) -> Result<Self, Undrawn> {
        let named = |(name, ..): &&(&str, Side, Form)| hook.template.contains(&format!("{{{name}}}"));
        let wanted: Vec<_> = FILES.iter().filter(named).collect();
        let mut faces = Self { folder: None, files: Vec::new() };
        if wanted.is_empty() {
            return Ok(faces);
        }
        let photo = photo.map(|text| STANDARD.decode(text).map(Zeroizing::new)).transpose().map_err(|_| Undrawn)?;
        let printed = Printed {
            name: &holder.name,
            name_script: &holder.name_script,
            number: &holder.number,
            card_number: &card.card_number,
            issue_date: &card.issue_date,
            valid_until: &card.valid_until,
            photo: photo.as_ref().map(|photo| photo.as_slice()),
        };
        let site = hook.folder.as_deref();
        let fonts =
            site.map_or_else(|| Fonts::find(None).map_err(|_| Undrawn), |site| face::fonts(site).map_err(|_| Undrawn))?;
        let folder = private_folder().map_err(|_| Undrawn)?;
        faces.folder = Some(folder.clone());
        for (name, side, form) in wanted {
            let template = match site {
                Some(site) => Template::read(&face::text(site, *side).map_err(|_| Undrawn)?.0).map_err(|_| Undrawn)?,
                None => Template::built_in(*side),
            };
            let page = Page::lay(&template, &fonts, &printed, false).map_err(|_| Undrawn)?;
            let bytes = Zeroizing::new(form.of(page, DPI).map_err(|_| Undrawn)?);
            let path = folder.join(name);
            face::write(&path, &bytes).map_err(|_| Undrawn)?;
            faces.files.push((name, path.display().to_string()));
        }
        Ok(faces)
    }

    /// Places of the command and what stands there.
    pub(super) fn places(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(name, path)| (*name, path.as_str()))
    }
}

impl Drop for Faces {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            wiped(folder);
        }
    }
}

/// Removes what processes left that were killed over it.
pub(super) fn clear() {
    // A place that cannot be read is no place for faces either: drawing one says so.
    let _ = cleared(&room());
}

/// A new folder for this process alone; those of processes that died over theirs go.
fn private_folder() -> io::Result<PathBuf> {
    let room = room();
    cleared(&room)?;
    let mut random = [0; 8];
    SystemRandom::new().fill(&mut random).map_err(|_| io::Error::other("no random bytes"))?;
    let folder = room.join(format!("{NAME}{}-{}-{}", space(), std::process::id(), hex::encode(random)));
    DirBuilder::new().mode(0o700).create(&folder)?;
    Ok(folder)
}

/// Where faces lie: in memory, whatever the environment says of temporary files; on a disk where there is no such place.
fn room() -> PathBuf {
    let memory = Path::new(MEMORY);
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// The space of process numbers that this process lives in: another container's processes are not seen here.
fn space() -> String {
    let link = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    link.to_string_lossy().chars().filter(char::is_ascii_digit).collect()
}

fn cleared(room: &Path) -> io::Result<()> {
    let own = space();
    for entry in fs::read_dir(room)?.filter_map(Result::ok) {
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(NAME)) else { continue };
        let mut parts = rest.split('-');
        if parts.next() == Some(own.as_str())
            && parts.next().is_some_and(|process| !Path::new("/proc").join(process).exists())
        {
            wiped(&entry.path());
        }
    }
    Ok(())
}

/// Removes a folder of faces; what lay on a disk is overwritten first.
fn wiped(folder: &Path) {
    if !folder.starts_with(MEMORY) {
        for file in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
            let length = file.metadata().map_or(0, |about| about.len());
            let zeros = vec![0; usize::try_from(length).unwrap_or_default()];
            let over = fs::OpenOptions::new().write(true).open(file.path());
            let _ = over.and_then(|mut over| io::Write::write_all(&mut over, &zeros).and_then(|()| over.sync_all()));
        }
    }
    let _ = fs::remove_dir_all(folder);
}
