//! `issuer face …`.

use std::path::PathBuf;

use card_face::Side;
use clap::{Subcommand, ValueEnum};

use super::Common;
use crate::error::Error;
use crate::exit::Exit;
use crate::face::{self, Order, Text};
use crate::output::Output;

/// What to do with faces.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Templates of both sides: built in, or a site's own in DIR/templates/face.
    #[command(subcommand)]
    Template(TemplateVerb),
    /// Write one side of a card for the printer: an image or a document; its photo is opened for this alone.
    ///
    /// The name of the file tells nothing about the holder. The act goes into the audit log before the file is there.
    Print {
        /// 卡号.
        card_number: String,
        /// Which side.
        #[arg(long)]
        side: SideName,
        /// A new file, its name ending in .png or .pdf.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Dots an inch of an image, 72 to 1200.
        #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(72..=1200))]
        dpi: u32,
        /// With the artwork beyond the card's edges, as far as the template says.
        #[arg(long)]
        bleed: bool,
    },
}

/// What to do with templates.
#[derive(Debug, Subcommand)]
pub enum TemplateVerb {
    /// List both, with their fields and the start of their SHA-256.
    List,
    /// Show a template as SVG: a start for one of your own.
    Show {
        /// Which side.
        side: SideName,
    },
    /// Check a template: its rules, and how invented holders with short, long and Tibetan names look by it.
    Check {
        /// Which side.
        side: SideName,
        /// A file to be checked before it goes into DIR/templates/face; without it the one in use.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

/// A side on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SideName {
    /// 正面.
    Front,
    /// 背面.
    Back,
}

impl From<SideName> for Side {
    fn from(name: SideName) -> Self {
        match name {
            SideName::Front => Self::Front,
            SideName::Back => Self::Back,
        }
    }
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    match verb {
        Verb::Template(verb) => run_template(common, verb, output),
        Verb::Print { card_number, side, out, dpi, bleed } => {
            let mut centre = common.registry(output)?;
            let order = Order {
                card_number: &card_number,
                side: side.into(),
                dpi,
                bleed,
                out: &out,
                operator: common.operator.as_deref(),
            };
            output.show(&face::print(&mut centre.store, &centre.folder, &order)?);
            Ok(Exit::Ok)
        }
    }
}

fn run_template(common: &Common, verb: TemplateVerb, output: &Output) -> Result<Exit, Error> {
    let folder = common.folder()?;
    match verb {
        TemplateVerb::List => output.show(&face::list(folder)?),
        TemplateVerb::Show { side } => {
            let side = Side::from(side);
            output.show(&Text { side: side.name(), svg: face::text(folder, side)?.0 });
        }
        TemplateVerb::Check { side, file } => {
            let text = match file {
                Some(file) => face::read(&file)?,
                None => face::text(folder, side.into())?.0,
            };
            let checked = face::check(&text, side.into(), &face::fonts(folder)?, output.lang());
            output.show(&checked);
            return Ok(if checked.good { Exit::Ok } else { Exit::Refused });
        }
    }
    Ok(Exit::Ok)
}
