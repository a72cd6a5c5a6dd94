//! The commands, and what they do.
//!
//! Owns: the order of a soak: place, faults, run, table. Never: judges by itself whether a table holds.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use settlement::fen::Fen;
use tear::clerk::Ours;
use tear::town::Town;

use crate::day::{self, Order};
use crate::failure::Failure;
use crate::fault::Faults;
use crate::kills::{Soak, Unit};
use crate::place::Place;
use crate::{life, load, output, people};

/// Exit code of a soak that found something: what was verified does not agree.
const MISMATCH: u8 = 7;

/// Lives between two words about how far it is.
const TELL_EVERY: u64 = 50;

/// Rough and long runs of the issuance centre.
#[derive(Debug, Parser)]
#[command(name = "soak", version)]
pub enum Arguments {
    /// A batch whose station is killed at every durable write of its journal.
    Batch {
        /// Cards.
        #[arg(long, default_value_t = 2_000)]
        cards: u32,
        /// A new folder for it.
        #[arg(long)]
        place: PathBuf,
        /// Every write and flush of every file of the centre, instead of every commit.
        #[arg(long)]
        every_write: bool,
    },
    /// 16 virtual readers at once.
    Readers {
        /// How long.
        #[arg(long, default_value_t = 600)]
        seconds: u64,
        /// A new folder for it.
        #[arg(long)]
        place: PathBuf,
    },
    /// Operators, kiosks and 16 virtual readers at once on one centre.
    People {
        /// How long.
        #[arg(long, default_value_t = 600)]
        seconds: u64,
        /// Operators' clients.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u8).range(1..=60))]
        operators: u8,
        /// Kiosks.
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=50))]
        kiosks: u8,
        /// A new folder for it.
        #[arg(long)]
        place: PathBuf,
    },
    /// Days of many terminals: letters lost, clocks that jump, kills, pulled cards; in the evening card, terminal and centre must
    /// agree. A seed makes the same day again.
    Day {
        /// Seed of the first day.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Days, each with the next seed.
        #[arg(long, default_value_t = 1)]
        days: u64,
        /// Terminals.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=99))]
        terminals: u8,
        /// Cards.
        #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u8).range(1..=99))]
        cards: u8,
        /// Sales of each terminal.
        #[arg(long, default_value_t = 500)]
        sales: u32,
        /// Of a thousand commands, commits and letters, so many are struck.
        #[arg(long, default_value_t = 8)]
        per_mille: u64,
    },
    /// Read a made card.
    #[command(hide = true)]
    Read {
        /// Where.
        #[arg(long)]
        reader: String,
        /// How often.
        #[arg(long)]
        times: u64,
    },
    /// One life of the station of a place.
    #[command(hide = true)]
    Station {
        /// The place.
        #[arg(long)]
        place: PathBuf,
        /// Journal entries that are known.
        #[arg(long, default_value_t = 0)]
        known: u64,
    },
}

/// Does what is asked.
///
/// # Errors
/// [`Failure`].
pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    match arguments {
        Arguments::Batch { cards, place, every_write } => {
            batch(&place, cards, if every_write { Unit::Writes } else { Unit::Commits(0) })
        }
        Arguments::Readers { seconds, place } => readers(&place, seconds),
        Arguments::People { seconds, operators, kiosks, place } => {
            let crowd = people::Crowd { operators: operators.into(), kiosks: kiosks.into(), seconds };
            let told = |at: u64, kib: u64| output::progress(&format!("{at} of {seconds} s, station {kib} KiB"));
            let figures = people::run(&place, crowd, told)?;
            output::progress("");
            output::people(&figures);
            Ok(if figures.holds() { ExitCode::SUCCESS } else { ExitCode::from(MISMATCH) })
        }
        Arguments::Day { seed, days, terminals, cards, sales, per_mille } => {
            let town = Town::found(cards, terminals, Fen::from_card(day::OPENING))?;
            let orders = (seed..seed.saturating_add(days)).map(|seed| Order { seed, sales, per_mille });
            let lived = orders.map(|order| one_day(&town, &order)).collect::<Result<Vec<bool>, _>>()?;
            Ok(if lived.into_iter().all(|held| held) { ExitCode::SUCCESS } else { ExitCode::from(MISMATCH) })
        }
        Arguments::Read { reader, times } => {
            output::line(&load::read(&reader, times)?);
            Ok(ExitCode::SUCCESS)
        }
        Arguments::Station { place, known } => {
            output::line(&life::live(&Place::at(&place), known, output::line)?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// A batch, killed until it is finished; prints its table.
///
/// # Errors
/// [`Failure`].
fn batch(folder: &Path, cards: u32, unit: Unit) -> Result<ExitCode, Failure> {
    std::fs::create_dir_all(folder).map_err(Failure::system(folder))?;
    // The fault names files by the paths that the system gives them.
    let folder = folder.canonicalize().map_err(Failure::system(folder))?;
    let place = Place::at(&folder);
    place.make(cards, 1)?;
    let faults = Faults::build(&folder)?;
    let program = std::env::current_exe().map_err(Failure::system("this program"))?;
    let soak = Soak { program: &program, faults: &faults, place: &place, people: cards };
    let table = soak.run(unit, |lives, entries| {
        if lives % TELL_EVERY == 0 {
            output::progress(&format!("{lives} lives, {entries} journal entries"));
        }
    })?;
    output::progress("");
    output::table(&table);
    Ok(if table.holds() { ExitCode::SUCCESS } else { ExitCode::from(MISMATCH) })
}

/// One day in a town like this one; prints its seed before and what came of it after.
fn one_day(town: &Town, order: &Order) -> Result<bool, Failure> {
    output::seed(order.seed);
    let report = day::live(&town.twin()?, order, &Ours, |sales| {
        if sales % TELL_EVERY == 0 {
            output::progress(&format!("{sales} sales"));
        }
    })?;
    output::progress("");
    output::day(&report);
    Ok(report.holds())
}

/// 16 readers for so many seconds; prints what came of it.
///
/// # Errors
/// [`Failure`].
fn readers(folder: &Path, seconds: u64) -> Result<ExitCode, Failure> {
    let figures = load::run(folder, seconds, |at, kib| output::progress(&format!("{at} of {seconds} s, {kib} KiB")))?;
    output::progress("");
    output::figures(&figures);
    Ok(if figures.holds() { ExitCode::SUCCESS } else { ExitCode::from(MISMATCH) })
}
