//! The journey: all steps in their order, from an empty folder to the three-way agreement.
//!
//! Owns: what the steps share; what is started and stopped. Each step is a file below.

mod centre;

use std::path::PathBuf;
use std::time::Instant;

use crate::failure::Failure;
use crate::folder::Folder;
use crate::interrupt;
use crate::output::{Output, Words, words};
use crate::programs::{Call, Programs};
use crate::registry::Registry;
use crate::summary::Summary;

/// What a run may be told.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder to work in.
    pub folder: Option<PathBuf>,
    /// Seed of the registry.
    pub seed: u64,
    /// Leave readers and service running.
    pub keep_running: bool,
}

/// What the steps share.
struct Stage<'a> {
    folder: Folder,
    programs: &'a Programs,
    output: &'a mut Output,
    registry: Registry,
    summary: Summary,
}

/// Name of the folder with the readers' state.
const READERS: &str = "readers";

/// Runs everything.
///
/// # Errors
/// [`Failure`]: what did not come out as it must, and where.
pub fn run(options: &Options, output: &mut Output) -> Result<Summary, Failure> {
    let here = std::env::current_exe()
        .map_err(|source| Failure::Run { command: String::from("demo"), source })?
        .parent()
        .map_or_else(PathBuf::new, PathBuf::from);
    let root = options.folder.clone().unwrap_or_else(|| here.parent().unwrap_or(&here).join("demo"));
    let card_sim = here.join("card-sim");
    interrupt::stop_readers(&card_sim, &root.join(READERS));
    let folder = Folder::fresh(&root)?;
    let programs = Programs::beside_this(here, &folder.path("demo.log"))?;
    interrupt::watch(card_sim.clone(), folder.path(READERS));
    output.line(output.pick(&words(
        "The social security card, from the registry to the ledger: all people, drugs and amounts are invented.",
        "社会保障卡：从登记到入账。人员、药品、金额均为虚构。",
    )));
    let registry = Registry::invent(options.seed);
    let mut stage =
        Stage { folder: folder.clone(), programs: &programs, output, registry, summary: Summary::default() };
    let outcome = stage.run();
    if !options.keep_running || outcome.is_err() {
        interrupt::stop_readers(&card_sim, &folder.path(READERS));
    }
    outcome?;
    Ok(stage.summary)
}

impl<'a> Stage<'a> {
    fn run(&mut self) -> Result<(), Failure> {
        self.make_centre()?;
        self.import_registry()?;
        Ok(())
    }

    /// `issuer` on the demo's centre, answering JSON.
    fn issuer(&self, line: &str) -> Call<'a> {
        self.programs.call("issuer").arg("--data").arg(self.folder.text("centre")).words(line).words("--format json")
    }

    fn done(&self, since: Instant, en: impl Into<String>, zh: impl Into<String>) {
        self.output.done(since, &words(en, zh));
    }

    fn step(&mut self, title: &Words) {
        self.output.step(title);
    }
}
