//! The journey: all steps in their order, from an empty folder to the three-way agreement.
//!
//! Owns: what the steps share; what is started and stopped. Each step is a file below.

mod cards;
mod centre;
mod clearing;
mod counter;
mod farewell;

use std::path::{Path, PathBuf};
use std::time::Instant;

use cards::IssuedCard;

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
}

/// What the steps share.
struct Stage<'a> {
    folder: Folder,
    programs: &'a Programs,
    output: &'a mut Output,
    registry: Registry,
    summary: Summary,
    business_date: String,
}

/// Where the readers stand.
const STATION_SLOTS: [usize; 2] = [0, 1];
const PSAM_SLOT: usize = 2;
/// Once the stations are done, their readers serve the counter too.
const COUNTER_SLOTS: [usize; 3] = [3, 0, 1];

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
    let root = std::path::absolute(&root).map_err(|source| Failure::File { path: root, source })?;
    interrupt::end_leftovers(&card_sim, &root);
    let folder = Folder::fresh(&root)?;
    let programs = Programs::beside_this(here, &folder.path("demo.log"))?;
    interrupt::watch(card_sim.clone(), root.clone());
    output.line(output.pick(&words(
        "The social security card, from the registry to the ledger: all people, drugs and amounts are invented.",
        "社会保障卡：从登记到入账。人员、药品、金额均为虚构。",
    )));
    let registry = Registry::invent(options.seed);
    let mut stage = Stage {
        folder: folder.clone(),
        programs: &programs,
        output,
        registry,
        summary: Summary::default(),
        business_date: String::new(),
    };
    let card = {
        let _stop = StopReaders { card_sim: &card_sim, root: &root };
        let outcome = stage.run();
        interrupt::give_way();
        outcome?
    };
    stage.farewell(&card)?;
    Ok(stage.summary)
}

/// Stops the readers however the steps end.
struct StopReaders<'a> {
    card_sim: &'a Path,
    root: &'a Path,
}

impl Drop for StopReaders<'_> {
    fn drop(&mut self) {
        interrupt::stop_readers(self.card_sim, self.root);
    }
}

impl<'a> Stage<'a> {
    /// All steps but the last; answers a card that was paid with.
    fn run(&mut self) -> Result<IssuedCard, Failure> {
        self.make_centre()?;
        self.import_registry()?;
        let readers = self.make_blanks()?;
        let cards = self.make_cards(&readers)?;
        self.hand_out(&cards)?;
        self.make_psam(&readers)?;
        let service = self.open_pharmacy(&readers, &cards)?;
        let mut takings = self.trade(&readers, &cards)?;
        self.clear(&readers, &takings)?;
        service.stop()?.with_code(0)?;
        Ok(takings.loaded.swap_remove(0))
    }

    /// `issuer` on the demo's centre, answering JSON.
    fn issuer(&self, line: &str) -> Call<'a> {
        self.programs.call("issuer").arg("--data").arg(self.folder.text("centre")).words("--format json").words(line)
    }

    /// The same with the key vault opened.
    fn issuer_with_vault(&self, line: &str) -> Call<'a> {
        let passphrase = format!("file:{}", self.folder.text("secrets/vault.passphrase"));
        self.issuer("--passphrase").arg(passphrase).words(line)
    }

    fn done(&self, since: Instant, en: impl Into<String>, zh: impl Into<String>) {
        self.output.done(since, &words(en, zh));
    }

    fn step(&mut self, title: &Words) {
        self.output.step(title);
    }
}
