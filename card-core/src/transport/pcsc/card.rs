//! A card in a reader of the daemon, in our hands alone.
//!
//! Owns: connecting, one exchange, warm reset, disconnecting; telling a pulled card from a mute one.
//! Never: lets a call run without limit.

use std::ffi::CString;

use pcsc::{Card, Context, Disposition, Error, Protocols, Scope, ShareMode};

use super::worker::{self, TimedOut, Worker};
use super::{Readers, connection_closed, map};
use crate::apdu::Protocol;
use crate::limits::{ANSWER_BYTES_MAX, CallLimits, REMOVAL_NOTICE};
use crate::transport::{ReaderCall, Transport, TransportError};

/// What the worker of a card owns. The context is the card's own: pcsc-lite locks a context for as long as a transmit
/// takes, and a mute card must not stop the listing of readers.
struct Owned {
    card: Card,
    buffer: Vec<u8>,
}

/// A card in a PC/SC reader. Dropping it resets the card, so that no PIN stays verified, and waits until the card is free.
pub struct PcscTransport {
    readers: Readers,
    reader: String,
    limits: CallLimits,
    worker: Option<Worker<Owned>>,
    atr: Vec<u8>,
    protocol: Protocol,
}

impl PcscTransport {
    pub(super) fn connect(readers: &Readers, reader: &str) -> Result<Self, TransportError> {
        if worker::is_sick(reader) {
            return Err(TransportError::ReaderSick { reader: reader.to_owned() });
        }
        let limits = readers.limits();
        let name = CString::new(reader).map_err(|_| TransportError::ReaderGone { reader: reader.to_owned() })?;
        let make = move || {
            let context = Context::establish(Scope::User)?;
            let card = context.connect(&name, ShareMode::Exclusive, Protocols::ANY)?;
            Ok::<_, Error>(Owned { card, buffer: vec![0; ANSWER_BYTES_MAX + 2] })
        };
        let worker = Worker::start(reader, limits.power, make)
            .map_err(|TimedOut| kept_waiting(readers, reader))?
            .map_err(|error| map(reader, error))?;
        let mut transport = Self {
            readers: readers.clone(),
            reader: reader.to_owned(),
            limits,
            worker: Some(worker),
            atr: Vec::new(),
            protocol: Protocol::T0,
        };
        transport.read_status()?;
        Ok(transport)
    }

    /// The reader's full name.
    #[must_use]
    pub fn reader(&self) -> &str {
        &self.reader
    }

    fn call<T: Send + 'static>(
        &mut self,
        call: ReaderCall,
        work: impl FnOnce(&mut Owned) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, TransportError> {
        let reader = &self.reader;
        let sick = || TransportError::ReaderSick { reader: reader.clone() };
        let worker = self.worker.as_ref().ok_or_else(sick)?;
        match worker.call(self.limits.of(call), work) {
            // This connection was served before, so that its end is the daemon's.
            Ok(Err(error)) if connection_closed(error) => Err(TransportError::NoService),
            Ok(outcome) => outcome.map_err(|error| map(reader, error)),
            Err(TimedOut) => {
                self.worker = None;
                Err(timeout(&self.reader, call, self.limits))
            }
        }
    }

    /// Why an exchange brought no answer. Pulling a card breaks the exchange at once; the daemon reports the removal only
    /// at its next poll of the reader, so that is waited for.
    fn broken_off(&self, error: TransportError) -> TransportError {
        let (TransportError::Protocol { .. } | TransportError::CardMute { .. }) = error else { return error };
        match self.readers.wait(&self.reader, false, REMOVAL_NOTICE) {
            Ok(true) => TransportError::CardRemoved { reader: self.reader.clone() },
            Ok(false) => error,
            Err(gone) => gone,
        }
    }

    fn read_status(&mut self) -> Result<(), TransportError> {
        let (atr, protocol) = self.call(ReaderCall::Status, |owned| {
            let status = owned.card.status2_owned()?;
            Ok((status.atr().to_vec(), status.protocol2()))
        })?;
        self.atr = atr;
        self.protocol = match protocol {
            Some(pcsc::Protocol::T1) => Protocol::T1,
            _ => Protocol::T0,
        };
        Ok(())
    }
}

impl Transport for PcscTransport {
    fn transmit(&mut self, command: &[u8], answer: &mut Vec<u8>) -> Result<(), TransportError> {
        let command = zeroize::Zeroizing::new(command.to_vec());
        let result = self.call(ReaderCall::Transmit, move |owned| {
            owned.card.transmit(&command, &mut owned.buffer).map(<[u8]>::to_vec)
        });
        match result {
            // Some drivers report a card that left in the middle as an empty answer.
            Ok(got) if got.len() < 2 => Err(self.broken_off(TransportError::CardMute { reader: self.reader.clone() })),
            Ok(got) => {
                answer.extend_from_slice(&got);
                Ok(())
            }
            Err(error) => Err(self.broken_off(error)),
        }
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.call(ReaderCall::Reset, |owned| {
            owned.card.reconnect(ShareMode::Exclusive, Protocols::ANY, Disposition::ResetCard)
        })?;
        self.read_status()
    }

    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn protocol(&self) -> Protocol {
        self.protocol
    }
}

/// Why powering up did not end: another program's transaction makes the daemon wait with it, as a reader that hangs does.
fn kept_waiting(readers: &Readers, reader: &str) -> TransportError {
    match readers.is_in_use(reader) {
        Ok(true) => TransportError::InUse { reader: reader.to_owned() },
        Ok(false) | Err(_) => timeout(reader, ReaderCall::Connect, readers.limits()),
    }
}

fn timeout(reader: &str, call: ReaderCall, limits: CallLimits) -> TransportError {
    TransportError::Timeout { reader: reader.to_owned(), call, limit: limits.of(call) }
}

impl std::fmt::Debug for PcscTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PcscTransport").field("reader", &self.reader).finish_non_exhaustive()
    }
}
