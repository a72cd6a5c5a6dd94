//! A reader of the station, and how the next card comes into it.
//!
//! Owns: waiting for cards with a limit, calling the feeder. Never: looks at what a card is.

use std::time::{Duration, Instant};

use card_core::transport::pcsc::Readers;
use card_core::transport::{Transport, TransportError};

use super::hook::{Hook, HookEnd};

/// A place for one card at a time.
pub trait Slot: Send {
    /// Name of the reader.
    fn name(&self) -> &str;

    /// Powers the card in the reader, waiting for one; `None` when none came.
    ///
    /// # Errors
    /// [`TransportError`] when the reader fails.
    fn card(&mut self, wait: Duration) -> Result<Option<Box<dyn Transport>>, TransportError>;

    /// Waits until the reader is empty; `false` when the card stays.
    ///
    /// # Errors
    /// [`TransportError`] when the reader fails.
    fn emptied(&mut self, wait: Duration) -> Result<bool, TransportError>;

    /// Asks for the next card in place of this one; `false` when there is none.
    ///
    /// # Errors
    /// [`TransportError`] when the reader fails.
    fn next(&mut self, wait: Duration) -> Result<bool, TransportError>;

    /// Why the last [`Slot::next`] said no, as a code, when the feeder has not said itself that there are no more cards.
    fn trouble(&self) -> Option<&'static str> {
        None
    }

    /// Whether cards come by themselves, so that an empty reader need not be waited at for long.
    fn feeds(&self) -> bool;
}

/// Pause before looking at a reader again that another program holds or whose card does not answer.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// A reader of the PC/SC daemon.
#[derive(Debug)]
pub struct PcscSlot {
    readers: Readers,
    name: String,
    place: String,
    feeder: Option<Hook>,
    last: HookEnd,
}

impl PcscSlot {
    /// The named reader. `feeder` is a shell command that puts the next card in and ends with 0, or otherwise when the
    /// hopper is empty; in it `{slot}` is the reader's place in the daemon's list, from 0. One that hangs is ended, which is told.
    ///
    /// # Errors
    /// [`TransportError`] when the daemon does not run.
    pub fn new(name: &str, place: usize, feeder: Option<Hook>) -> Result<Self, TransportError> {
        Ok(Self {
            readers: Readers::establish()?,
            name: name.to_owned(),
            place: place.to_string(),
            feeder,
            last: HookEnd::Done,
        })
    }
}

impl Slot for PcscSlot {
    fn name(&self) -> &str {
        &self.name
    }

    fn card(&mut self, wait: Duration) -> Result<Option<Box<dyn Transport>>, TransportError> {
        let start = Instant::now();
        loop {
            let left = wait.saturating_sub(start.elapsed());
            if !self.readers.wait(&self.name, true, left)? {
                return Ok(None);
            }
            match self.readers.connect(&self.name) {
                Ok(transport) => return Ok(Some(Box::new(transport))),
                // Pulled again, mute, or held by another program for the moment.
                Err(error) if error.card_lost() || matches!(error, TransportError::InUse { .. }) => {
                    if left.is_zero() {
                        return Ok(None);
                    }
                    std::thread::sleep(RETRY_PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn emptied(&mut self, wait: Duration) -> Result<bool, TransportError> {
        self.readers.wait(&self.name, false, wait)
    }

    fn next(&mut self, wait: Duration) -> Result<bool, TransportError> {
        let Some(feeder) = &self.feeder else {
            return self.emptied(wait);
        };
        self.last = feeder.run(&self.name, &[("slot", &self.place)], b"");
        Ok(self.last == HookEnd::Done)
    }

    fn trouble(&self) -> Option<&'static str> {
        match self.last {
            HookEnd::TimedOut | HookEnd::NotRun => Some(self.last.code()),
            // That is how a feeder says that the hopper is empty.
            HookEnd::Done | HookEnd::Failed | HookEnd::Undrawn => None,
        }
    }

    fn feeds(&self) -> bool {
        self.feeder.is_some()
    }
}
