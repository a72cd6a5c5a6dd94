//! Carries commands to a card and brings whole answers back.
//!
//! Source: ISO/IEC 7816-3 10.3 and 12.2 (T=0 GET RESPONSE, Le correction).
//! Owns: GET RESPONSE after `61xx`, repetition after `6Cxx`, both bounded; the count of bytes on the wire.
//! Never: retries a command whose answer was lost (the card may have done it), knows what a command means.

use crate::apdu::{Command, Protocol, Response};
use crate::atr::{Atr, AtrError};
use crate::command;
use crate::crypto::Block;
use crate::limits::{ANSWER_BYTES_MAX, GET_RESPONSE_MAX, LE_CORRECTIONS_MAX};
use crate::status::StatusWord;
use crate::transport::{Transport, TransportError};
use crate::wire::Wire;

/// A conversation with one card, owned by one caller.
pub struct Session {
    transport: Box<dyn Transport>,
    wire: Wire,
    answer: Vec<u8>,
    known_as: Option<Block>,
}

/// Why a command brought no usable answer. After any of these the card's state is unknown.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The reader or the card did not answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The answer has no status word.
    #[error("card answered {0} bytes to {1:?}, a status word needs 2")]
    NoStatusWord(usize, CommandHeader),
    /// The card announces more data without end.
    #[error("card keeps announcing data after {0} bytes in answer to {1:?}")]
    EndlessAnswer(usize, CommandHeader),
    /// The card's ATR cannot be used.
    #[error(transparent)]
    Atr(#[from] AtrError),
}

/// CLA INS P1 P2 of the command concerned; never its data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CommandHeader(pub [u8; 4]);

impl std::fmt::Debug for CommandHeader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode_upper(self.0))
    }
}

impl Session {
    /// Starts a conversation.
    #[must_use]
    pub fn new(transport: Box<dyn Transport>) -> Self {
        Self { transport, wire: Wire::default(), answer: Vec::with_capacity(258), known_as: None }
    }

    /// The card's answer to reset.
    ///
    /// # Errors
    /// [`SessionError::Atr`] when it is malformed.
    pub fn atr(&self) -> Result<Atr, SessionError> {
        Ok(Atr::parse(self.transport.atr())?)
    }

    /// Under which name the card stands in the book of tries: its factor, unless it was given another. `None` when its ATR has
    /// no factor.
    #[must_use]
    pub fn card(&self) -> Option<Block> {
        self.known_as.or_else(|| self.atr().ok()?.card_factor().ok())
    }

    /// Names the card otherwise, because cards like it share their ATR.
    pub const fn know_as(&mut self, card: Block) {
        self.known_as = Some(card);
    }

    /// Bytes and exchanges since the start.
    #[must_use]
    pub const fn wire(&self) -> Wire {
        self.wire
    }

    /// Resets the card: selection, PIN and authentications are gone.
    ///
    /// # Errors
    /// [`SessionError::Transport`] when the card does not come back.
    pub fn reset(&mut self) -> Result<(), SessionError> {
        Ok(self.transport.reset()?)
    }

    /// Sends a command and collects its whole answer.
    ///
    /// An answer of `61xx` is fetched when the command expects data; otherwise it stays in the card and counts as done.
    /// `6Cxx` repeats a command without data with the length that the card names; one with data is never sent twice.
    ///
    /// # Errors
    /// [`SessionError`]; the card may or may not have carried out the command. A refusal by the card is an `Ok` answer
    /// with its status word.
    pub fn send(&mut self, command: &Command) -> Result<Response, SessionError> {
        let mut response = self.exchange(command)?;
        let mut corrections = 0;
        while response.sw.sw1() == 0x6C && command.data().is_empty() && corrections < LE_CORRECTIONS_MAX {
            response = self.exchange(&command.clone().with_le(u16::from(response.sw.sw2())))?;
            corrections += 1;
        }
        let mut data = std::mem::take(&mut response.data);
        for _ in 0..GET_RESPONSE_MAX {
            if response.sw.sw1() != 0x61 || command.le().is_none() {
                return Ok(Response { data, sw: response.sw });
            }
            response = self.exchange(&command::get_response(u16::from(response.sw.sw2())))?;
            if response.sw.sw1() == 0x6C {
                response = self.exchange(&command::get_response(u16::from(response.sw.sw2())))?;
            }
            data.append(&mut response.data);
            if data.len() > ANSWER_BYTES_MAX {
                break;
            }
        }
        if response.sw.sw1() != 0x61 {
            return Ok(Response { data, sw: response.sw });
        }
        Err(SessionError::EndlessAnswer(data.len(), CommandHeader(command.header())))
    }

    /// Sends a command and collects its answer if the card announces `least` bytes or more; on T=1 it comes unasked.
    ///
    /// # Errors
    /// As [`Session::send`]. An announced answer that the card then keeps is an answer without data.
    pub(crate) fn send_and_fetch(&mut self, command: &Command, least: usize) -> Result<Response, SessionError> {
        if self.protocol() == Protocol::T1 {
            return self.send(&command.clone().with_le(0));
        }
        let response = self.send(command)?;
        let announced = match response.sw.sw2() {
            0 => 256,
            length => usize::from(length),
        };
        if response.sw.sw1() != 0x61 || announced < least {
            return Ok(response);
        }
        let fetched = self.send(&command::get_response(u16::from(response.sw.sw2())))?;
        Ok(if fetched.sw.is_ok() { fetched } else { response })
    }

    /// GET CHALLENGE of 8 bytes.
    ///
    /// # Errors
    /// As [`Session::send`]; a refusal or a short challenge is [`ChallengeError::Refused`].
    pub fn challenge(&mut self) -> Result<[u8; 8], ChallengeError> {
        let response = self.send(&command::get_challenge(8))?;
        response.data.as_slice().try_into().map_err(|_| ChallengeError::Refused(response.sw))
    }

    fn exchange(&mut self, command: &Command) -> Result<Response, SessionError> {
        let bytes = command.encode(self.protocol());
        self.answer.clear();
        self.transport.transmit(&bytes, &mut self.answer)?;
        self.wire.add(&bytes, &self.answer);
        Response::parse(&self.answer)
            .ok_or_else(|| SessionError::NoStatusWord(self.answer.len(), CommandHeader(command.header())))
    }

    /// The protocol that reader and card agreed on.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.transport.protocol()
    }
}

/// Why no challenge was had.
#[derive(Debug, thiserror::Error)]
pub enum ChallengeError {
    /// The card did not answer.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The card refused, or gave fewer than 8 bytes.
    #[error("card gave no challenge of 8 bytes: {0}")]
    Refused(StatusWord),
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("wire", &self.wire).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::replay::Replay;

    fn session(script: &str) -> Session {
        Session::new(Box::new(Replay::parse(script).expect("script")))
    }

    #[test]
    fn select_with_fci_fetches_61xx_as_in_the_log() {
        let mut session = session(
            "> 00A404000F7378312E73682EC9E7BBE1B1A3D5CF\n< 6118\n> 00C0000018\n< 6F16840F7378312E73682EC9E7BBE1B1A3D5CFA50388011E9000",
        );
        let name = hex::decode("7378312E73682EC9E7BBE1B1A3D5CF").expect("hex");
        let response = session.send(&command::select_by_name(&name).with_le(0)).expect("answer");
        assert_eq!((response.data.len(), response.sw), (24, StatusWord::OK));
        assert_eq!(session.wire().exchanges, 2);
    }

    #[test]
    fn wrong_le_is_corrected_once() {
        let mut session = session("> 00B2010400\n< 6C03\n> 00B2010403\n< 0A01319000");
        let response = session.send(&command::read_record(0, command::Record::Number(1), 0)).expect("answer");
        assert_eq!(response.data, [0x0A, 0x01, 0x31]);
    }

    struct Endless(u16);

    impl Transport for Endless {
        fn transmit(&mut self, _command: &[u8], answer: &mut Vec<u8>) -> Result<(), TransportError> {
            answer.extend([0xAA; 255]);
            answer.extend(self.0.to_be_bytes());
            Ok(())
        }

        fn reset(&mut self) -> Result<(), TransportError> {
            Ok(())
        }

        fn atr(&self) -> &[u8] {
            &[]
        }
    }

    #[test]
    fn an_endless_61xx_ends() {
        let mut session = Session::new(Box::new(Endless(0x61FF)));
        let error = session.send(&command::get_challenge(8)).expect_err("bounded");
        assert!(matches!(error, SessionError::EndlessAnswer(..)));
    }

    #[test]
    fn a_command_with_data_is_never_sent_twice() {
        let mut session = session("> 0088000010 01020304050607080102030405060708\n< 6C08");
        let response =
            session.send(&command::internal_authenticate([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8]));
        assert_eq!(response.expect("answer").sw, StatusWord(0x6C08));
        assert_eq!(session.wire().exchanges, 1);
    }

    #[test]
    fn an_endless_6cxx_is_handed_to_the_caller() {
        let mut session = Session::new(Box::new(Endless(0x6C08)));
        assert_eq!(session.send(&command::get_challenge(8)).expect("answer").sw, StatusWord(0x6C08));
        assert_eq!(session.wire().exchanges, 2);
    }
}
