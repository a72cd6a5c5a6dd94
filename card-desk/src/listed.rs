//! What the readers hold, as `readers` lists it.
//!
//! Owns: the list, what could not be asked beside what could; names for errors. Never: chooses.

use card_core::identify::Kind;
use card_core::session::SessionError;
use card_core::transport::pcsc::ReaderInfo;

use crate::{Desk, DeskError};

/// A reader as `readers` lists it.
#[derive(Debug)]
pub struct Listed {
    /// Name and ATR.
    pub info: ReaderInfo,
    /// What the card is; `None` without card, or when it could not be asked.
    pub kind: Option<Kind>,
    /// Why it could not be asked.
    pub error: Option<SessionError>,
}

impl Desk<'_> {
    /// Every reader, and what is in it.
    ///
    /// # Errors
    /// [`DeskError`] when the daemon fails.
    pub fn list(&mut self) -> Result<Vec<Listed>, DeskError> {
        let infos = self.readers.list()?;
        for info in infos.iter().filter(|info| info.atr.is_some()) {
            let _ = self.ask(info);
        }
        let mut slots = std::mem::take(&mut self.asked);
        Ok(infos
            .into_iter()
            .map(|info| {
                let slot = slots.iter().position(|slot| slot.reader == info.name).map(|at| slots.remove(at));
                match slot.map(|slot| slot.card) {
                    Some(Ok(asked)) => Listed { info, kind: Some(asked.kind), error: None },
                    Some(Err(error)) => Listed { info, kind: None, error: Some(error) },
                    None => Listed { info, kind: None, error: None },
                }
            })
            .collect())
    }

    /// Names of all readers, for errors.
    ///
    /// # Errors
    /// [`DeskError`] when the daemon fails.
    pub fn names(&self) -> Result<Vec<String>, DeskError> {
        Ok(self.readers.list()?.into_iter().map(|reader| reader.name).collect())
    }
}
