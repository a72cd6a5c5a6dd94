//! The program `sscard-tear`.
//!
//! Owns: what can be typed, the exit codes. Never: prints (`output`).

use std::process::ExitCode;

use card_counter::language::{self, Language};
use clap::{Parser, ValueEnum};

use crate::clerk::{Act, Ours};
use crate::failure::Failure;
use crate::output::Output;
use crate::proof::{Depth, Proof, Totals};

/// A fen was lost or doubled.
const MISMATCH: u8 = 7;
/// The disk, or standard output.
const STORAGE: u8 = 9;
/// What must work before anything is torn did not.
const BUG: u8 = 64;

/// Rehearsal: power is lost and the terminal killed at every place of a payment, and every fen counted. No reader, no card and no
/// centre is needed; nothing outside a folder for temporary files is touched.
#[derive(Debug, Parser)]
#[command(name = "sscard-tear", version)]
pub struct Arguments {
    /// What is torn.
    #[arg(value_enum)]
    pub what: What,
    /// Every point once; without this every pair of points too, which takes minutes.
    #[arg(long)]
    pub points: bool,
    /// Language of texts; default from the locale.
    #[arg(long, value_name = "zh|en", value_parser = language::parse)]
    pub lang: Option<Language>,
    /// Form of the answer: in JSON one object a line, the sums last.
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub format: Form,
}

/// What is torn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// All of them.
    All,
    /// A purchase.
    Purchase,
    /// A purchase that the centre is asked about first; without an answer it is made offline.
    Online,
    /// A purchase with the centre's consent only.
    Consent,
    /// The same, when two people at the centre close the sale before the terminal comes back.
    Closed,
    /// A purchase of which a supervisor says the opposite of what the card did, before the card comes back.
    Judged,
    /// A load.
    Load,
    /// A refund.
    Refund,
    /// A refund at another till than the one that sold.
    Elsewhere,
    /// A change of the PIN.
    Pin,
}

/// Form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl What {
    fn acts(self) -> Vec<Act> {
        match self {
            Self::All => Act::ALL.to_vec(),
            Self::Purchase => vec![Act::Purchase],
            Self::Online => vec![Act::Online],
            Self::Consent => vec![Act::Consent],
            Self::Closed => vec![Act::Closed],
            Self::Judged => vec![Act::Judged],
            Self::Load => vec![Act::Load],
            Self::Refund => vec![Act::Refund],
            Self::Elsewhere => vec![Act::Elsewhere],
            Self::Pin => vec![Act::Pin],
        }
    }
}

/// Does what is asked.
#[must_use]
pub fn run(arguments: &Arguments) -> ExitCode {
    let language = arguments.lang.unwrap_or_else(|| language::of_locale(|name| std::env::var(name).ok()));
    let output = Output::new(arguments.format, language);
    match proved(arguments, &output) {
        Ok(totals) if totals.hold() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(MISMATCH),
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(if failure.is_storage() { STORAGE } else { BUG })
        }
    }
}

fn proved(arguments: &Arguments, output: &Output) -> Result<Totals, Failure> {
    let depth = if arguments.points { Depth::Points } else { Depth::Pairs };
    let mut totals = Totals::default();
    output.head()?;
    for act in arguments.what.acts() {
        totals += Proof::of(act, &Ours, depth)?.run(&mut |row| output.row(row))?;
    }
    output.totals(&totals)?;
    Ok(totals)
}
