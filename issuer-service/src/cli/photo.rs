//! `issuer photo …`.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::Common;
use crate::audit::Act;
use crate::card::update::item::Items;
use crate::card::update::{self, Origin};
use crate::error::Error;
use crate::exit::Exit;
use crate::operator::Role;
use crate::output::{Output, StepsBar};
use crate::photo::failure::PhotoError;
use crate::photo::intake::{self, Order};
use crate::photo::stored::{Shown, Stored};
use crate::registry::RegistryError;
use crate::station::content;

/// What to do with photos.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Take in photos named NUMBER.jpg or NUMBER+NAME.jpg: a file, a folder with those below it, or a ZIP archive.
    ///
    /// A photo is a baseline colour JPEG of 358 x 441 pixels before a white background, of 5 to 100 KiB; `[photo]` of
    /// centre.toml says otherwise. It is stored sealed, and reduced for the chip's photo file. Every fault of every file is
    /// told, its name masked; "file" is its place in order of name. Refused files: exit code 10. Run again after a kill, it
    /// goes on where it stopped.
    Import {
        /// Where they are.
        path: PathBuf,
        /// Check everything, change nothing.
        #[arg(long)]
        dry_run: bool,
        /// Write the report here too: JSON, or CSV (UTF-8 with a mark, for spreadsheet programs) when the name ends in .csv.
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
    },
    /// Take in one person's photo.
    Add {
        /// Row number of the person.
        id: i64,
        /// The file; - for the standard input.
        file: PathBuf,
    },
    /// Look at a photo and say whether it may be taken in; nothing is stored.
    Check {
        /// The file; - for the standard input.
        file: PathBuf,
    },
    /// Show what is known of a person's photo; with --out, the photo itself.
    Show {
        /// Row number of the person.
        id: i64,
        /// Write the photo to this new file; needs an operator who may capture data, and goes into the audit log.
        #[arg(long, value_name = "FILE", requires = "reason")]
        out: Option<PathBuf>,
        /// Write the one for the chip.
        #[arg(long, requires = "out")]
        chip: bool,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Take a person's photo away.
    Remove {
        /// Row number of the person.
        id: i64,
        /// Why; no names of people.
        #[arg(long)]
        reason: String,
    },
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let mut centre = match verb {
        Verb::Check { .. } => common.centre()?,
        _ => common.registry(output)?,
    };
    let (actor, rules) = (common.actor(), centre.config.photo);
    let chip_bytes = content::photo_bytes(&centre.config.made());
    let order = Order { rules: &rules, chip_bytes, actor: &actor, lang: output.lang() };
    let store = &mut centre.store;
    match verb {
        Verb::Import { path, dry_run, report } => {
            let bar = StepsBar::new(output);
            let told = intake::run(store, &order, &path, dry_run, report.as_deref(), &bar);
            bar.finish();
            let told = told?;
            output.show(&told);
            return Ok(if told.refused == 0 { Exit::Ok } else { Exit::Partly });
        }
        Verb::Add { id, file } => {
            let told = intake::add(store, &order, id, read(&file, rules.bytes_max)?)?;
            output.show(&told);
            return Ok(if told.refused == 0 { Exit::Ok } else { Exit::Partly });
        }
        Verb::Check { file } => {
            let looked = intake::look(&order, &read(&file, rules.bytes_max)?);
            output.show(&looked);
            return Ok(if looked.good { Exit::Ok } else { Exit::Partly });
        }
        Verb::Show { id, out: None, .. } => {
            let photo = store.read(|tx| tx.photo(id))?.ok_or(PhotoError::Missing { person: id })?;
            output.show(&Shown::new(id, &photo));
        }
        Verb::Show { id, out: Some(path), chip, reason } => {
            let detail = stated(reason)?;
            common.prove(store)?;
            // On record before it is out.
            let photo = store.act(|tx| -> Result<_, Error> {
                let actor = tx.require(common.operator.as_deref(), Role::Capture)?;
                let photo = tx.photo(id)?.ok_or(PhotoError::Missing { person: id })?;
                Ok((photo, Act { actor, act: "photo.reveal", object: format!("person {id}"), detail }))
            })?;
            write(&path, &photo, chip)?;
            output.show(&Shown::new(id, &photo));
        }
        Verb::Remove { id, reason } => {
            let detail = stated(Some(reason))?;
            store.act(|tx| -> Result<_, Error> {
                let actor = tx.require(common.operator.as_deref(), Role::Capture)?;
                if !tx.remove_photo(id)? {
                    return Err(PhotoError::Missing { person: id }.into());
                }
                update::follow(tx, id, Items::PHOTO, Origin::Photo)?;
                Ok(((), Act { actor, act: "photo.remove", object: format!("person {id}"), detail }))
            })?;
            output.notice(&format!("人员 {id} 的照片已删除"), &format!("the photo of person {id} is removed"));
        }
    }
    Ok(Exit::Ok)
}

fn stated(reason: Option<String>) -> Result<String, RegistryError> {
    reason.filter(|text| !text.trim().is_empty()).ok_or(RegistryError::ReasonMissing)
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, PhotoError> {
    intake::read(path, most, |most| {
        let mut bytes = Vec::new();
        std::io::stdin().take(most).read_to_end(&mut bytes).map(|_| bytes)
    })
}

fn write(path: &Path, photo: &Stored, chip: bool) -> Result<(), PhotoError> {
    let bytes = if chip { &photo.chip } else { &photo.original };
    let failed = |source| PhotoError::NotWritten { path: path.to_owned(), source };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|source| {
        // Half a photo is none.
        let _ = fs::remove_file(path);
        failed(source)
    })
}
