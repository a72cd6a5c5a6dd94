//! The virtual readers of the demo: `card-sim reader …` and where each card is.
//!
//! Owns: starting, feeding, stopping; moving several cards at once, since a reader takes its time to notice one.
//! Never: knows what is on a card.

use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::folder::Folder;
use crate::programs::{Call, Programs, Running};

/// A set of readers of a private PC/SC daemon.
#[derive(Debug)]
pub struct Readers<'a> {
    programs: &'a Programs,
    state: String,
    names: Vec<String>,
}

/// Longest path of a state folder: a socket's name has 107 bytes, and the daemon's stands two levels below.
const STATE_PATH_MAX: usize = 80;

/// Folder with the state of the readers of the demo in `root`: in it, or, where that path is too long for a socket, a short
/// one of its own among the temporary files.
#[must_use]
pub fn state_folder(root: &Path) -> PathBuf {
    let inside = root.join("readers");
    if inside.as_os_str().len() <= STATE_PATH_MAX {
        return inside;
    }
    let mut hasher = std::hash::DefaultHasher::new();
    std::hash::Hash::hash(root, &mut hasher);
    std::env::temp_dir().join(format!("demo-readers-{:016x}", std::hash::Hasher::finish(&hasher)))
}

impl<'a> Readers<'a> {
    /// Starts `slots` empty readers, fed from the images of `hopper`. Every program started later sees them.
    ///
    /// # Errors
    /// [`Failure`] of `card-sim`.
    pub fn start(programs: &'a Programs, folder: &Folder, slots: usize, hopper: &Path) -> Result<Self, Failure> {
        let state = state_folder(&folder.path("")).to_string_lossy().into_owned();
        let start = programs.call("card-sim").words("--format json reader start --state").arg(state.clone());
        let answer = start.arg("--slots").arg(slots.to_string()).arg("--hopper").arg(hopper).ok()?;
        programs.set("PCSCLITE_CSOCK_NAME", &answer.text("/csock")?);
        let mut names = Vec::new();
        for slot in 0..slots {
            names.push(answer.text(&format!("/slots/{slot}/reader"))?);
        }
        Ok(Self { programs, state, names })
    }

    /// Name of a reader, as PC/SC programs see it.
    ///
    /// # Panics
    /// When there is no such reader: the demo knows how many it started.
    #[must_use]
    pub fn name(&self, slot: usize) -> &str {
        &self.names[slot]
    }

    /// The shell line by which a station feeds itself; `{slot}` is filled in by the station.
    #[must_use]
    pub fn feeder(&self) -> String {
        format!("'{}' reader next --state '{}' {{slot}}", self.programs.path("card-sim").display(), self.state)
    }

    /// Puts a card into each reader named; all at once.
    ///
    /// # Errors
    /// [`Failure`] of `card-sim`.
    pub fn insert(&self, cards: &[(usize, PathBuf)]) -> Result<(), Failure> {
        let started: Result<Vec<Running>, Failure> =
            cards.iter().map(|(slot, image)| self.call("insert").arg(slot.to_string()).arg(image).start()).collect();
        all_done(started?)
    }

    /// Pulls the cards of the readers named; all at once.
    ///
    /// # Errors
    /// [`Failure`] of `card-sim`.
    pub fn eject(&self, slots: &[usize]) -> Result<(), Failure> {
        let started: Result<Vec<Running>, Failure> =
            slots.iter().map(|slot| self.call("eject").arg(slot.to_string()).start()).collect();
        all_done(started?)
    }

    /// Sets what is to go wrong with the card in a reader.
    ///
    /// # Errors
    /// [`Failure`] of `card-sim`.
    pub fn fault(&self, slot: usize, fault: &str) -> Result<(), Failure> {
        self.call("fault").arg(slot.to_string()).words(fault).ok().map(drop)
    }

    fn call(&self, verb: &str) -> Call<'a> {
        let call = self.programs.call("card-sim").words("--format json reader");
        call.arg(verb).arg("--state").arg(self.state.clone())
    }
}

fn all_done(running: Vec<Running>) -> Result<(), Failure> {
    for one in running {
        one.wait(crate::programs::PATIENCE)?.with_code(0)?;
    }
    Ok(())
}
