//! The security module of a remote station: it names keys to the centre and gets cryptograms.
//!
//! Owns: the two operations that personalization needs. Never: sees a key; asks for what is not for the job at hand.

use std::sync::Arc;

use card_core::crypto::Block;
use card_core::security::{KeyRef, MacKey, SecurityError, SecurityModule, WrappedKey};

use super::super::failure::StationError;
use super::super::line_failure::LineError;
use super::super::wire::{Answer, Ask, Message, Operation};
use super::message_id;
use crate::http::call::Caller;

/// A module at the other end of a line, for the card of one job.
pub(super) struct RemoteModule {
    pub(super) caller: Arc<Caller>,
    pub(super) operator: String,
    pub(super) reader: String,
    pub(super) job: i64,
}

impl RemoteModule {
    fn ask(&self, operation: Operation) -> Result<(Vec<u8>, Vec<u8>), SecurityError> {
        let asked = || -> Result<_, StationError> {
            let (id, operator, reader) = (message_id()?, self.operator.clone(), self.reader.clone());
            let message = Message { id, operator, reader, ask: Ask::Cryptogram { job: self.job, operation } };
            match self.caller.ask(&Caller::text(&message))?.answer {
                Answer::Cryptogram { bytes, mac } => {
                    let decoded = hex::decode(bytes).and_then(|bytes| Ok((bytes, hex::decode(mac)?)));
                    decoded.map_err(|_| LineError::Nonsense.into())
                }
                _ => Err(LineError::Nonsense.into()),
            }
        };
        asked().map_err(|error| match error {
            StationError::Line(error) => SecurityError::Gone(Box::new(error)),
            StationError::Security(error) => error,
            _ => SecurityError::Gone(Box::new(LineError::Nonsense)),
        })
    }
}

fn nonsense() -> SecurityError {
    SecurityError::Gone(Box::new(LineError::Nonsense))
}

impl SecurityModule for RemoteModule {
    fn authentication_cryptogram(&mut self, key: &KeyRef, factor: Block, data: Block) -> Result<Block, SecurityError> {
        let (bytes, _) = self.ask(Operation::Authenticate {
            key: key.name.to_string(),
            version: key.version,
            factor: hex::encode_upper(factor),
            data: hex::encode_upper(data),
        })?;
        bytes.try_into().map_err(|_| nonsense())
    }

    fn wrap(
        &mut self,
        key: &KeyRef,
        protecting: &KeyRef,
        command: [u8; 5],
        header: [u8; 3],
        iv: Block,
    ) -> Result<WrappedKey, SecurityError> {
        let (enciphered, mac) = self.ask(Operation::Wrap {
            key: key.name.to_string(),
            version: key.version,
            protecting: protecting.name.to_string(),
            protecting_version: protecting.version,
            command: hex::encode_upper(command),
            header: hex::encode_upper(header),
            iv: hex::encode_upper(iv),
        })?;
        Ok(WrappedKey { enciphered, mac: mac.try_into().map_err(|_| nonsense())? })
    }

    fn mac(&mut self, _: &KeyRef, _: MacKey, _: Block, _: &[u8]) -> Result<[u8; 4], SecurityError> {
        Err(SecurityError::Unsupported { operation: "make a MAC for a station" })
    }

    fn encipher(&mut self, _: &KeyRef, _: Block, _: &[u8]) -> Result<Vec<u8>, SecurityError> {
        Err(SecurityError::Unsupported { operation: "encipher for a station" })
    }

    fn check_value(&mut self, _: &KeyRef) -> Result<[u8; 3], SecurityError> {
        Err(SecurityError::Unsupported { operation: "give a check value to a station" })
    }
}
