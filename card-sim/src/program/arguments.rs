//! What a person can type.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::fault_arguments::FaultArguments;
use super::text::Lang;

/// Software social security cards and PSAMs, in readers of a private PC/SC daemon. For rehearsal only.
#[derive(Debug, Parser)]
#[command(name = "card-sim", version, propagate_version = true)]
pub(crate) struct Arguments {
    /// Shape of the output.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Language of messages; default: that of the locale.
    #[arg(long, global = true, value_enum)]
    pub(crate) lang: Option<Lang>,
    #[command(subcommand)]
    pub(crate) what: What,
}

/// Shape of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs: one JSON object.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Make a card as a factory delivers it: files present and empty, transport keys, initial PIN.
    New(New),
    /// Look inside a card image: balances, counters, tries, files.
    Show {
        /// Card image.
        image: PathBuf,
    },
    /// Make a card old: its transaction numbers stand near their end. It is in no reader.
    Age {
        /// Card image.
        image: PathBuf,
        /// Transactions of each kind that it still has.
        #[arg(long, value_name = "N")]
        left: u16,
    },
    /// Set what is to go wrong with a card that is in no reader.
    Fault {
        /// Card image.
        image: PathBuf,
        #[command(flatten)]
        faults: FaultArguments,
    },
    /// Readers of a private PC/SC daemon.
    Reader {
        #[command(flatten)]
        state: State,
        #[command(subcommand)]
        reader: Reader,
    },
}

#[derive(Debug, Args)]
pub(crate) struct New {
    /// Built-in profile (ssc-3.0, psam) or profile file.
    #[arg(long)]
    pub(crate) profile: String,
    /// A second environment of a PSAM, by its profile: `--profile psam --beside psam-sx3` answers sx1 and sx3.
    #[arg(long, value_name = "PROFILE")]
    pub(crate) beside: Option<String>,
    /// Image to make.
    #[arg(long, required_unless_present = "out_dir", conflicts_with_all = ["out_dir", "count"])]
    pub(crate) out: Option<PathBuf>,
    /// Folder for several images, named by their serials.
    #[arg(long, requires = "count")]
    pub(crate) out_dir: Option<PathBuf>,
    /// How many images to make in the folder; their serials count up.
    #[arg(long, requires = "out_dir", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) count: Option<u32>,
    /// Keys that the card has from the factory, by name or class and version, in hex (card-sim/README.md describes the
    /// file). For known keys of other programs; the image is marked with their names.
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
    /// Keys of the second environment, as `--keys`.
    #[arg(long, value_name = "FILE", requires = "beside")]
    pub(crate) beside_keys: Option<PathBuf>,
    /// First serial: 12 hex digits, the last six bytes of the ATR.
    #[arg(long, value_parser = serial, conflicts_with = "seed")]
    pub(crate) serial: Option<[u8; 6]>,
    /// Number from which the first serial is made; without it, it is random.
    #[arg(long)]
    pub(crate) seed: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct State {
    /// Folder of this set of readers.
    #[arg(long = "state", value_name = "DIR", global = true)]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Start {
    /// Readers to make, when more than images.
    #[arg(long, default_value_t = 0)]
    pub(crate) slots: usize,
    /// Folder of images that `reader next` feeds from.
    #[arg(long, value_name = "DIR")]
    pub(crate) hopper: Option<PathBuf>,
    /// Do not wait for the disk at every write: safe when the program is killed, not when the machine loses power.
    #[arg(long)]
    pub(crate) no_sync: bool,
    /// Card images, one a reader.
    pub(crate) images: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Reader {
    /// Start a private PC/SC daemon with virtual readers, in pairs, for the images; prints a line for `eval`.
    Start(Start),
    /// End everything that was started.
    Stop,
    /// Put a card into a reader.
    Insert {
        /// Reader, from 0.
        slot: usize,
        /// Card image.
        image: PathBuf,
    },
    /// Pull a card from a reader.
    Eject {
        /// Reader, from 0.
        slot: usize,
    },
    /// Pull a card and put in the next one of the hopper; exit code 2 when there is none.
    Next {
        /// Reader, from 0.
        slot: usize,
    },
    /// Show the readers and what is in them.
    Status,
    /// Set what is to go wrong with the card in a reader.
    Fault {
        /// Reader, from 0.
        slot: usize,
        #[command(flatten)]
        faults: FaultArguments,
    },
    /// The card server itself, in the foreground.
    #[command(hide = true)]
    Serve(Start),
}

fn serial(text: &str) -> Result<[u8; 6], String> {
    let bytes = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| "12 hex digits, for example 513300000001".to_owned())
}
