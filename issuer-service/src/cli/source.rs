//! `issuer source …`.

use clap::Subcommand;

use super::Common;
use crate::audit::Act;
use crate::error::Error;
use crate::exit::Exit;
use crate::import::encoding::Declared;
use crate::output::Output;
use crate::registry::RegistryError;
use crate::registry::source::{Shown, Source, Sources};

/// What to do with sources.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Add a source, or say anew how its files are read.
    Add {
        /// Its name: letters, digits, - and _.
        name: String,
        /// Encoding of its files; told from each file when absent.
        #[arg(long, value_enum)]
        encoding: Option<Declared>,
        /// What a header of its files stands for; may be given several times.
        #[arg(long = "map", value_name = "HEADER=COLUMN")]
        mapping: Vec<String>,
    },
    /// List sources.
    List,
    /// Show a source.
    Show {
        /// Its name.
        name: String,
    },
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let store = &mut common.centre()?.store;
    match verb {
        Verb::Add { name, encoding, mapping } => {
            let source =
                Source::new(&name, encoding, &mapping).map_err(|reason| RegistryError::SourceMalformed { reason })?;
            let actor = common.actor();
            let stored = store.act(|tx| -> Result<_, RegistryError> {
                tx.put_source(&source, &actor)?;
                let detail = format!("{} headers", source.mapping.len());
                let object = format!("source {name}");
                Ok((tx.source(&name)?, Act { actor, act: "source.add", object, detail }))
            })?;
            output.show(&Shown::from(&stored.ok_or(RegistryError::SourceUnknown)?));
        }
        Verb::List => {
            let sources = store.read(|tx| tx.sources())?;
            output.show(&Sources { sources: sources.iter().map(Shown::from).collect() });
        }
        Verb::Show { name } => {
            let source = store.read(|tx| tx.source(&name))?;
            output.show(&Shown::from(&source.ok_or(RegistryError::SourceUnknown)?));
        }
    }
    Ok(Exit::Ok)
}
