//! What an open ceremony keeps between its steps: one sealed file, which always goes with what is on record.
//!
//! ```text
//! N.sealed    the state after the last step on record
//! N.next      the state after a step whose record may not have been committed: it takes the place of the other, or goes
//! ```
//! Every step that changes the state adds one receipt to the database, and the state says how many there are with its own. So
//! nothing is kept of a step that could not be recorded, and nothing is lost of one that was, whenever power goes.
//!
//! Owns: writing the state, finding out which of two files is the true one. Never: knows what is in it.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::envelope::{self, Lock, Opener};
use super::secrets::Secrets;
use super::state::CeremonyState;
use super::{Ceremony, CeremonyError, Room};
use crate::audit::Act;
use crate::state::State;
use crate::store::Tx;

/// Head of a state file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AboutState {
    ceremony: i64,
    /// Receipts that are on record with it; absent in files of older programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<usize>,
}

impl Room<'_> {
    /// One step: the state and its record, both or neither.
    pub(super) fn step<T>(
        &mut self,
        number: i64,
        secrets: &Secrets,
        act: impl FnOnce(&Tx<'_>) -> Result<(T, Act), CeremonyError>,
    ) -> Result<T, CeremonyError> {
        let step = self.receipts(number)? + 1;
        let lock = Lock::new(self.passphrase)?;
        let about = AboutState { ceremony: number, step: Some(step) };
        let text = envelope::seal("ceremony", &about, &lock, secrets.text().as_bytes())?;
        envelope::place(&self.path(number, "next"), &text)?;
        let outcome = self.centre.store.act(act);
        // Also after a failure: a server that went away at the commit may have made it.
        let settled = self.settle(number);
        let outcome = outcome?;
        settled.map(|()| outcome)
    }

    /// The open ceremony, and the right to work on it alone.
    pub(super) fn alone(&mut self) -> Result<(Ceremony, crate::centre::Lock), CeremonyError> {
        let ceremony = self.under_way()?;
        let lock = self.centre.lock(&format!("ceremony-{}", ceremony.number))?;
        // Another process may have ended it while this one waited for nothing.
        let ceremony = self.under_way()?;
        self.settle(ceremony.number)?;
        Ok((ceremony, lock))
    }

    /// The open ceremony. Where there is none, a command given again behind its end is told that it ended.
    fn under_way(&mut self) -> Result<Ceremony, CeremonyError> {
        self.centre.store.read(|tx| -> Result<_, CeremonyError> {
            if let Some(open) = tx.open_ceremony()? {
                return Ok(open);
            }
            let last = tx.ceremonies()?.pop().filter(|last| last.state == CeremonyState::Finished.name());
            Err(last.map_or(CeremonyError::NotFound, |last| CeremonyError::Finished { number: last.number }))
        })
    }

    /// The open ceremony with its state.
    pub(super) fn open(&mut self) -> Result<(Ceremony, crate::centre::Lock, Secrets), CeremonyError> {
        let (ceremony, lock) = self.alone()?;
        let path = self.path(ceremony.number, "sealed");
        let (about, body) = envelope::open::<AboutState>(&path, "ceremony", &Opener::Passphrase(self.passphrase))?;
        let receipts = self.receipts(ceremony.number)?;
        let malformed = || CeremonyError::FileMalformed { path: path.clone() };
        // A state of another ceremony, or of an earlier step, would give other keys than those on record.
        if about.ceremony != ceremony.number || about.step.is_some_and(|step| step != receipts) {
            return Err(malformed());
        }
        let secrets = Secrets::parse(&body).ok_or_else(malformed)?;
        Ok((ceremony, lock, secrets))
    }

    /// The state of a ceremony that has ended and whose state is kept.
    pub(super) fn kept(&self, number: i64) -> Result<Secrets, CeremonyError> {
        let path = self.path(number, "sealed");
        let (about, body) = envelope::open::<AboutState>(&path, "ceremony", &Opener::Passphrase(self.passphrase))?;
        let secrets = Secrets::parse(&body).filter(|_| about.ceremony == number);
        secrets.ok_or(CeremonyError::FileMalformed { path })
    }

    /// The open one for who brings something: nothing is taken in once the keys are on their way into the vault.
    pub(super) fn open_to_bring(&mut self) -> Result<(Ceremony, crate::centre::Lock, Secrets), CeremonyError> {
        let (ceremony, lock, secrets) = self.open()?;
        if ceremony.state == CeremonyState::Finishing.name() {
            return Err(CeremonyError::Finishing { number: ceremony.number });
        }
        Ok((ceremony, lock, secrets))
    }

    /// The sealed state of an ended ceremony goes; where it cannot be removed it stays sealed.
    pub(super) fn forget(&self, number: i64) {
        let _ = fs::remove_file(self.path(number, "sealed"));
    }

    pub(super) fn path(&self, number: i64, extension: &str) -> PathBuf {
        self.centre.folder.join("ceremonies").join(format!("{number}.{extension}"))
    }

    fn receipts(&mut self, number: i64) -> Result<usize, CeremonyError> {
        Ok(self.centre.store.read(|tx| tx.ceremony_receipts(number))?.len())
    }

    /// Puts the state of the last step in its place if the step is on record, and away if it is not.
    fn settle(&mut self, number: i64) -> Result<(), CeremonyError> {
        let (next, sealed) = (self.path(number, "next"), self.path(number, "sealed"));
        if !next.exists() {
            return Ok(());
        }
        let step = |path: &PathBuf| envelope::about::<AboutState>(path, "ceremony").ok().and_then(|about| about.step);
        let (of_next, of_sealed) = (step(&next), step(&sealed));
        let on_record = of_next.is_some_and(|step| Some(step) > of_sealed) && of_next <= Some(self.receipts(number)?);
        let failed = |source| CeremonyError::File { path: next.clone(), source };
        if on_record {
            return envelope::rename(&next, &sealed).map_err(failed);
        }
        match fs::remove_file(&next) {
            Err(source) if source.kind() != ErrorKind::NotFound => Err(failed(source)),
            _ => Ok(()),
        }
    }
}
