//! A software card as a [`Transport`] of this process, for tests and benches.
//!
//! Owns: a socket that several sessions use one after the other. Never: goes through a reader.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use card_core::transport::{Transport, TransportError};

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
        let mut card = self.card();
        card.power_on().map_err(|silence| lost(&silence))?;
        Ok(InProcess { atr: card.atr().to_vec(), socket: self.clone() })
    }
}

/// A powered card of this process.
#[derive(Debug)]
pub struct InProcess {
    socket: Socket,
    atr: Vec<u8>,
}

impl InProcess {
    /// Powers a card that no one else looks at.
    ///
    /// # Errors
    /// [`TransportError`] when the card does not come up.
    pub fn new(card: Card) -> Result<Self, TransportError> {
        Socket::new(card).connect()
    }
}

impl Transport for InProcess {
    fn transmit(&mut self, command: &[u8], answer: &mut Vec<u8>) -> Result<(), TransportError> {
        self.socket.card().transmit(command, answer).map_err(|silence| lost(&silence))
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        let mut card = self.socket.card();
        if !card.memory().is_powered() {
            return Err(TransportError::CardRemoved { reader: READER.to_owned() });
        }
        card.power_on().map_err(|silence| lost(&silence))
    }

    fn atr(&self) -> &[u8] {
        &self.atr
    }
}

fn lost(silence: &Silence) -> TransportError {
    let reader = READER.to_owned();
    match silence {
        Silence::Unpowered | Silence::PowerLost { .. } => TransportError::CardRemoved { reader },
        Silence::Mute | Silence::Memory(_) => TransportError::CardMute { reader },
    }
}
