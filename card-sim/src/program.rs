//! The program `card-sim`: what a person types, and what happens then.
//!
//! Owns: the way from arguments to an exit code. Never: prints (`output`), words an error (`text`).

mod arguments;
mod exit;
mod fault_arguments;
mod new;
mod output;
mod readers;
mod show;
mod text;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::image::{self, ImageError};
use crate::memory::Durability;
use crate::reader::ReaderError;
use arguments::{Arguments, What};
use output::Output;

/// Why a command of the program did not do its work.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// No such profile, built in or as a file.
    #[error("no profile {0}")]
    NoProfile(String),
    /// The hopper has no more images.
    #[error("the hopper is empty")]
    HopperEmpty,
    /// An image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A reader.
    #[error(transparent)]
    Reader(#[from] ReaderError),
    /// The card server ended before it was ready; it left its report.
    #[error("the card server ended: {report}")]
    ServerEnded {
        /// Exit code of the server.
        code: i32,
        /// What it wrote.
        report: String,
    },
    /// A key file.
    #[error("{}: {source}", path.display())]
    KeyFile {
        /// Where.
        path: PathBuf,
        /// Line, key and what is wrong.
        source: card_profiles::key_file::KeyFileError,
    },
    /// A folder or file of ours.
    #[error("{}: {source}", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Runs the program.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let typed: Vec<OsString> = arguments.into_iter().collect();
    let arguments = match Arguments::try_parse_from(&typed) {
        Ok(arguments) => arguments,
        Err(error) => return output::usage(&error, &typed),
    };
    let output = Output::new(arguments.format, arguments.lang.unwrap_or_else(text::Lang::of_locale));
    match carry_out(arguments.what, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            exit::code(&failure)
        }
    }
}

fn carry_out(what: What, output: &Output) -> Result<(), Failure> {
    match what {
        What::New(new) => new::make(&new, output),
        What::Show { image } => {
            let (identity, inspection) = image::inspect(&image)?;
            output.inspection(&identity, &inspection);
            Ok(())
        }
        What::Age { image, left } => {
            let unwritten = |error| Failure::File { path: image.clone(), source: std::io::Error::other(error) };
            image::open(&image, Durability::Disk)?.age(left).map_err(unwritten)?;
            output.done(Some(&image));
            Ok(())
        }
        What::Fault { image, faults } => {
            let mut card = image::open(&image, Durability::Disk)?;
            let mut plan = card.faults().clone();
            if faults.clear {
                plan = crate::fault::FaultPlan::default();
            }
            if let Some(fault) = faults.fault() {
                plan.add(fault);
            }
            card.set_faults(plan).map_err(|source| Failure::File { path: image, source })?;
            output.faults(card.faults());
            Ok(())
        }
        What::Reader { state, reader } => readers::carry_out(&state, reader, output),
    }
}
