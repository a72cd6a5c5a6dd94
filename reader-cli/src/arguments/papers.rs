//! What a person types about bills, catalogues and policies.
//!
//! Owns: their part of the command line. Never: reads a file.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use settlement::BusinessDate;
use settlement::receipt::Paper;

use super::PinArguments;
use crate::paper::Form;

/// `pay`.
#[derive(Args, Debug)]
pub struct PayArguments {
    /// Bill file (JSON).
    pub bill: PathBuf,
    /// Drug catalogue; default from the configuration, else the one of the day that the centre published (`catalogue update`).
    #[arg(long, value_name = "FILE")]
    pub catalogue: Option<PathBuf>,
    /// Payment policy; default from the configuration, else the built-in one.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Price and split only: nothing is written, and no card is asked unless --card is given.
    #[arg(long)]
    pub trial: bool,
    /// Trial as if the account held this much; without it, enough.
    #[arg(long, value_name = "YUAN", requires = "trial")]
    pub balance: Option<String>,
    /// Trial with the balance and the earlier purchases of the card in the reader: what `pay` would settle now, fen for fen.
    #[arg(long, requires = "trial", conflicts_with = "balance")]
    pub card: bool,
    /// Where the receipt goes.
    #[command(flatten)]
    pub receipt: ReceiptArguments,
    /// PIN of the card.
    #[command(flatten)]
    pub pin: PinArguments,
}

/// Where a receipt goes besides standard output.
#[derive(Args, Clone, Debug, Default)]
pub struct ReceiptArguments {
    /// Write the receipt to this new file, or to a printer's device; .txt, .escpos, .png or .pdf.
    #[arg(long, value_name = "FILE")]
    pub receipt: Option<PathBuf>,
    /// Its form, where the ending does not say it.
    #[arg(long, value_enum, requires = "receipt")]
    pub receipt_form: Option<Form>,
    /// Width of the paper in millimetres: 58 or 80; default from the configuration, else 80.
    #[arg(long, value_name = "58|80", value_parser = paper)]
    pub paper: Option<Paper>,
}

/// `policy …`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// The rules in words, and which of them nobody has confirmed.
    Show {
        /// Policy file; without it, the built-in one.
        file: Option<PathBuf>,
        /// The text itself: a beginning for a city's own.
        #[arg(long)]
        source: bool,
    },
    /// Every fault of a policy with line and column. Exit 7 when there are any.
    Check {
        /// Policy file.
        file: PathBuf,
    },
    /// The numbered reasons of bill lines, in Chinese and English (Markdown).
    Reasons,
}

/// `catalogue …`.
#[derive(Debug, Subcommand)]
pub enum CatalogueCommand {
    /// Join a list with its ceilings and ratios, each with periods of its own, into one catalogue. Exit 7 on any fault.
    Import(CatalogueImport),
    /// Fetch the catalogue in effect and those that come next from the centre, signed. What is held stays where anything is wrong.
    Update,
    /// What was fetched, and which of it today is sold by. Exit 2 when none.
    Held,
    /// Every fault of a catalogue with row and column. Exit 7 when there are any.
    Check {
        /// Catalogue file.
        file: PathBuf,
    },
    /// Drugs with their classes, ceilings, ratios and limits. Exit 2 when none fits.
    Show {
        /// Catalogue file.
        file: PathBuf,
        /// Only this code.
        #[arg(long, value_name = "CODE")]
        code: Option<String>,
        /// Only what is valid on this day.
        #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
        on: Option<BusinessDate>,
    },
}

/// `catalogue import`.
#[derive(Args, Debug)]
pub struct CatalogueImport {
    /// The list (CSV): codes, names, classes, list types, limits.
    #[arg(long, value_name = "FILE")]
    pub list: PathBuf,
    /// Price ceilings by code and period (CSV).
    #[arg(long, value_name = "FILE")]
    pub ceilings: Option<PathBuf>,
    /// First self-pay ratios by code and period (CSV).
    #[arg(long, value_name = "FILE")]
    pub ratios: Option<PathBuf>,
    /// Name of this version: stands in the catalogue, on each bill and in its hash.
    #[arg(long, value_name = "VERSION")]
    pub version_name: String,
    /// The catalogue; a file that exists is kept.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

fn day(text: &str) -> Result<BusinessDate, String> {
    BusinessDate::parse(text).map_err(|error| error.to_string())
}

fn paper(text: &str) -> Result<Paper, &'static str> {
    text.parse().ok().and_then(Paper::of_millimetres).ok_or("write 58 or 80")
}
