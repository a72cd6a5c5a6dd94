//! A software card as a [`Transport`] of this process, for tests and benches.
//!
//! Owns: a socket that several sessions use one after the other. Never: goes through a reader; waits: the delay of a slow card
//! is counted and compared with the limit, not spent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use card_core::apdu::Protocol;
use card_core::limits::CallLimits;
use card_core::transport::{ReaderCall, Transport, TransportError};

use crate::card::{Card, Silence};

/// Name that errors show.
const READER: &str = "card-sim (in process)";

/// A card in a socket: connect as often as you like, look at the card in between.
#[derive(Clone, Debug)]
pub struct Socket(Arc<Mutex<Card>>);

impl Socket {
    /// Puts a card in.
    #[must_use]
    pub fn new(card: Card) -> Self {
        Self(Arc::new(Mutex::new(card)))
    }

    /// Another card with the same memory ([`Card::twin`]), in a socket of its own.
    #[must_use]
    pub fn twin(&self) -> Self {
        Self::new(self.card().twin())
    }

    /// The card, for faults, counters and a look inside. Do not hold it across an exchange.
    ///
    /// # Panics
    /// Never: a poisoned lock still guards a sound card.
    pub fn card(&self) -> MutexGuard<'_, Card> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Powers the card, as a reader does at connect.
    ///
    /// # Errors
    /// [`TransportError`] when the card does not come up.
    pub fn connect(&self) -> Result<InProcess, TransportError> {
        let offered = self.card().protocol();
        self.connect_with(offered)
    }

    /// As [`Socket::connect`], with the protocol that reader and card agreed on.
    ///
    /// # Errors
    /// [`TransportError`] when the card does not come up.
    pub fn connect_with(&self, protocol: Protocol) -> Result<InProcess, TransportError> {
        let mut card = self.card();
        card.speak(protocol);
        card.power_on().map_err(|silence| lost(&silence))?;
        Ok(InProcess {
            atr: card.atr().to_vec(),
            socket: self.clone(),
            protocol,
            limits: CallLimits::USUAL,
            sick: false,
        })
    }
}

/// A powered card of this process.
#[derive(Debug)]
pub struct InProcess {
    socket: Socket,
    atr: Vec<u8>,
    protocol: Protocol,
    limits: CallLimits,
    /// A call did not come back in time.
    sick: bool,
}

impl InProcess {
    /// Powers a card that no one else looks at.
    ///
    /// # Errors
    /// [`TransportError`] when the card does not come up.
    pub fn new(card: Card) -> Result<Self, TransportError> {
        Socket::new(card).connect()
    }

    /// With other time limits than the usual ones.
    #[must_use]
    pub const fn with_limits(mut self, limits: CallLimits) -> Self {
        self.limits = limits;
        self
    }
}

impl Transport for InProcess {
    fn transmit(&mut self, command: &[u8], answer: &mut Vec<u8>) -> Result<(), TransportError> {
        if self.sick {
            return Err(TransportError::ReaderSick { reader: READER.to_owned() });
        }
        let mut card = self.socket.card();
        card.transmit(command, answer).map_err(|silence| lost(&silence))?;
        let (call, limit) = (ReaderCall::Transmit, self.limits.transmit);
        self.sick = card.answered_after() > limit;
        if self.sick { Err(TransportError::Timeout { reader: READER.to_owned(), call, limit }) } else { Ok(()) }
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        if self.sick {
            return Err(TransportError::ReaderSick { reader: READER.to_owned() });
        }
        let mut card = self.socket.card();
        if !card.memory().is_powered() {
            return Err(TransportError::CardRemoved { reader: READER.to_owned() });
        }
        card.power_on().map_err(|silence| lost(&silence))
    }

    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn protocol(&self) -> Protocol {
        self.protocol
    }
}

fn lost(silence: &Silence) -> TransportError {
    let reader = READER.to_owned();
    match silence {
        Silence::Unpowered | Silence::PowerLost { .. } => TransportError::CardRemoved { reader },
        Silence::Mute | Silence::Memory(_) => TransportError::CardMute { reader },
    }
}
