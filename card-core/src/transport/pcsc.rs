//! Readers of the system's PC/SC daemon.
//!
//! Source: PC/SC workgroup specification part 5; pcsc-lite.
//! Owns: finding readers by index, name or part of it; connecting; mapping the daemon's errors.
//! Never: chooses between two readers that match.

use std::ffi::CString;
use std::time::Duration;

use pcsc::{Card, Context, Disposition, Error, Protocols, ReaderState, Scope, ShareMode, State};

use super::{Transport, TransportError};
use crate::apdu::Protocol;
use crate::limits::{ANSWER_BYTES_MAX, READERS_MAX};

/// pcsc-lite polls a reader every 400 ms.
const REMOVAL_NOTICE: Duration = Duration::from_millis(600);

/// The readers of the daemon.
pub struct Readers {
    context: Context,
}

/// One reader and whether a card is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderInfo {
    /// Full name, as the daemon gives it.
    pub name: String,
    /// Answer to reset of the card in it, if any.
    pub atr: Option<Vec<u8>>,
}

/// Why no reader could be chosen.
#[derive(Debug, thiserror::Error)]
pub enum ChooseError {
    /// The daemon failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// No reader at all.
    #[error("no reader is attached")]
    NoReader,
    /// None matches.
    #[error("no reader matches {wanted:?}; attached: {}", attached.join(", "))]
    NoMatch {
        /// What was asked for.
        wanted: String,
        /// Names present.
        attached: Vec<String>,
    },
    /// Several match.
    #[error("{wanted:?} matches several readers: {}", matching.join(", "))]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// Names that match.
        matching: Vec<String>,
    },
}

impl Readers {
    /// Connects to the daemon.
    ///
    /// # Errors
    /// [`TransportError::NoService`] when it does not run.
    pub fn establish() -> Result<Self, TransportError> {
        Ok(Self { context: Context::establish(Scope::User).map_err(|error| map("", error))? })
    }

    /// All readers with their cards, in the daemon's order.
    ///
    /// # Errors
    /// [`TransportError`] when the daemon fails.
    pub fn list(&self) -> Result<Vec<ReaderInfo>, TransportError> {
        let names = match self.context.list_readers_owned() {
            Ok(names) => names,
            Err(Error::NoReadersAvailable) => Vec::new(),
            Err(error) => return Err(map("", error)),
        };
        let mut states: Vec<ReaderState> =
            names.into_iter().take(READERS_MAX).map(|name| ReaderState::new(name, State::UNAWARE)).collect();
        if !states.is_empty() {
            match self.context.get_status_change(Duration::ZERO, &mut states) {
                Ok(()) | Err(Error::Timeout) => {}
                Err(error) => return Err(map("", error)),
            }
        }
        Ok(states
            .iter()
            .map(|state| ReaderInfo {
                name: state.name().to_string_lossy().into_owned(),
                atr: state.event_state().contains(State::PRESENT).then(|| state.atr().to_vec()),
            })
            .collect())
    }

    /// Chooses a reader by index in the list, exact name, or part of the name.
    ///
    /// # Errors
    /// [`ChooseError`]; two matches are refused with their names.
    pub fn choose(&self, wanted: &str) -> Result<ReaderInfo, ChooseError> {
        let readers = self.list()?;
        if readers.is_empty() {
            return Err(ChooseError::NoReader);
        }
        if let Some(exact) = readers.iter().find(|reader| reader.name == wanted) {
            return Ok(exact.clone());
        }
        if let Some(indexed) = wanted.parse::<usize>().ok().and_then(|index| readers.get(index)) {
            return Ok(indexed.clone());
        }
        let matching: Vec<&ReaderInfo> = readers.iter().filter(|reader| reader.name.contains(wanted)).collect();
        match matching.as_slice() {
            [one] => Ok((*one).clone()),
            [] => Err(ChooseError::NoMatch {
                wanted: wanted.to_owned(),
                attached: readers.into_iter().map(|reader| reader.name).collect(),
            }),
            several => Err(ChooseError::Ambiguous {
                wanted: wanted.to_owned(),
                matching: several.iter().map(|reader| reader.name.clone()).collect(),
            }),
        }
    }

    /// Powers the card in the named reader, for our use alone.
    ///
    /// # Errors
    /// [`TransportError`], told apart by cause.
    pub fn connect(&self, reader: &str) -> Result<PcscTransport, TransportError> {
        let name = CString::new(reader).map_err(|_| TransportError::ReaderGone { reader: reader.to_owned() })?;
        let card =
            self.context.connect(&name, ShareMode::Exclusive, Protocols::ANY).map_err(|error| map(reader, error))?;
        let mut transport = PcscTransport {
            context: self.context.clone(),
            reader: reader.to_owned(),
            card: Some(card),
            atr: Vec::new(),
            protocol: Protocol::T0,
            buffer: vec![0; ANSWER_BYTES_MAX + 2],
        };
        transport.read_status()?;
        Ok(transport)
    }

    /// Waits until a card is (`present`) or is no longer in the named reader.
    ///
    /// Returns whether that was so within `limit`.
    ///
    /// # Errors
    /// [`TransportError`] when the daemon fails or the reader goes away.
    pub fn wait(&self, reader: &str, present: bool, limit: Duration) -> Result<bool, TransportError> {
        let name = CString::new(reader).map_err(|_| TransportError::ReaderGone { reader: reader.to_owned() })?;
        let mut states = [ReaderState::new(name, State::UNAWARE)];
        let start = std::time::Instant::now();
        loop {
            let left = limit.saturating_sub(start.elapsed());
            match self.context.get_status_change(left, &mut states) {
                Ok(()) => {}
                Err(Error::Timeout) => return Ok(false),
                Err(error) => return Err(map(reader, error)),
            }
            let [state] = &mut states;
            let now = state.event_state();
            if now.intersects(State::UNKNOWN | State::UNAVAILABLE | State::IGNORE) {
                return Err(TransportError::ReaderGone { reader: reader.to_owned() });
            }
            if now.contains(State::PRESENT) == present && !now.contains(State::MUTE) {
                return Ok(true);
            }
            state.sync_current_state();
            if left.is_zero() {
                return Ok(false);
            }
        }
    }
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Readers")
    }
}

/// A card in a PC/SC reader. Dropping it resets the card, so that no PIN stays verified.
pub struct PcscTransport {
    context: Context,
    reader: String,
    card: Option<Card>,
    atr: Vec<u8>,
    protocol: Protocol,
    buffer: Vec<u8>,
}

impl PcscTransport {
    /// The reader's full name.
    #[must_use]
    pub fn reader(&self) -> &str {
        &self.reader
    }

    fn card(&mut self) -> Result<&mut Card, TransportError> {
        self.card.as_mut().ok_or_else(|| TransportError::CardRemoved { reader: self.reader.clone() })
    }

    /// Why an exchange brought no answer. Pulling a card breaks the exchange at once; the daemon reports the removal only
    /// at its next poll of the reader, so that is waited for.
    fn broken_off(&self, error: TransportError) -> TransportError {
        let (TransportError::Protocol { .. } | TransportError::CardMute { .. }) = error else { return error };
        let readers = Readers { context: self.context.clone() };
        match readers.wait(&self.reader, false, REMOVAL_NOTICE) {
            Ok(true) => TransportError::CardRemoved { reader: self.reader.clone() },
            Ok(false) => error,
            Err(gone) => gone,
        }
    }

    fn read_status(&mut self) -> Result<(), TransportError> {
        let reader = self.reader.clone();
        let status = self.card()?.status2_owned().map_err(|error| map(&reader, error))?;
        let protocol = match status.protocol2() {
            Some(pcsc::Protocol::T1) => Protocol::T1,
            _ => Protocol::T0,
        };
        self.atr = status.atr().to_vec();
        self.protocol = protocol;
        Ok(())
    }
}

impl Transport for PcscTransport {
    fn transmit(&mut self, command: &[u8], answer: &mut Vec<u8>) -> Result<(), TransportError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let reader = self.reader.clone();
        let result = self.card().and_then(|card| {
            match card.transmit(command, &mut buffer) {
                // Some drivers report a card that left in the middle as an empty answer.
                Ok(got) if got.len() < 2 => Err(TransportError::CardMute { reader }),
                Ok(got) => {
                    answer.extend_from_slice(got);
                    Ok(())
                }
                Err(error) => Err(map(&reader, error)),
            }
        });
        self.buffer = buffer;
        result.map_err(|error| self.broken_off(error))
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        let reader = self.reader.clone();
        self.card()?
            .reconnect(ShareMode::Exclusive, Protocols::ANY, Disposition::ResetCard)
            .map_err(|error| map(&reader, error))?;
        self.read_status()
    }

    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn protocol(&self) -> Protocol {
        self.protocol
    }
}

impl std::fmt::Debug for PcscTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PcscTransport").field("reader", &self.reader).finish_non_exhaustive()
    }
}

fn map(reader: &str, error: Error) -> TransportError {
    let reader = reader.to_owned();
    match error {
        Error::RemovedCard => TransportError::CardRemoved { reader },
        Error::NoSmartcard => TransportError::NoCard { reader },
        Error::UnresponsiveCard | Error::UnpoweredCard => TransportError::CardMute { reader },
        Error::ResetCard => TransportError::CardReset { reader },
        Error::SharingViolation => TransportError::InUse { reader },
        Error::UnknownReader | Error::ReaderUnavailable => TransportError::ReaderGone { reader },
        Error::NoService | Error::ServiceStopped => TransportError::NoService,
        source => TransportError::Protocol { reader, source },
    }
}
