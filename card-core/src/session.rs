//! Carries commands to a card and brings whole answers back.
//!
//! Source: ISO/IEC 7816-3 10.3 and 12.2 (T=0 GET RESPONSE, Le correction).
//! Owns: GET RESPONSE after `61xx`, repetition after `6Cxx`, both bounded; that no answer is longer than its Le; the count of bytes
//! on the wire.
//! Never: retries a command whose answer was lost (the card may have done it), knows what a command means.

use crate::apdu::{Command, Protocol, Response};
use crate::atr::{Atr, AtrError};
use crate::command;
use crate::crypto::Block;
use crate::limits::{GET_RESPONSE_MAX, LE_CORRECTIONS_MAX, SHORT_ANSWER_MAX};
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
    /// The answer is longer than what was asked for.
    #[error("card answered {0} bytes to {1:?}, more than its Le")]
    TooLong(usize, CommandHeader),
    /// The answer is done, and not as long as the command's must be.
    #[error("card answered {0} bytes to {1:?}, which is not the form of that answer")]
    WrongForm(usize, CommandHeader),
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

impl SessionError {
    /// An answer whose length is not that of its command.
    #[must_use]
    pub fn wrong_form(data: &[u8], command: &Command) -> Self {
        Self::WrongForm(data.len(), CommandHeader(command.header()))
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
        let mut most = self.most(command);
        while response.sw.sw1() == 0x6C && command.data().is_empty() && corrections < LE_CORRECTIONS_MAX {
            let corrected = command.clone().with_le(u16::from(response.sw.sw2()));
            response = self.exchange(&corrected)?;
            most = self.most(&corrected);
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
            if data.len() > most {
                break;
            }
        }
        let header = CommandHeader(command.header());
        match response.sw.sw1() {
            0x61 => Err(SessionError::EndlessAnswer(data.len(), header)),
            _ if data.len() > most => Err(SessionError::TooLong(data.len(), header)),
            _ => Ok(Response { data, sw: response.sw }),
        }
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
    /// As [`Session::send`], a challenge of another length included; a refusal is [`ChallengeError::Refused`].
    pub fn challenge(&mut self) -> Result<[u8; 8], ChallengeError> {
        let command = command::get_challenge(8);
        let data = self.send(&command)?.ok().map_err(ChallengeError::Refused)?;
        data.as_slice().try_into().map_err(|_| SessionError::wrong_form(&data, &command).into())
    }

    fn exchange(&mut self, command: &Command) -> Result<Response, SessionError> {
        let bytes = command.encode(self.protocol());
        self.answer.clear();
        self.transport.transmit(&bytes, &mut self.answer)?;
        self.wire.add(&bytes, &self.answer);
        let header = CommandHeader(command.header());
        let response = Response::parse(&self.answer).ok_or(SessionError::NoStatusWord(self.answer.len(), header))?;
        if response.data.len() > self.most(command) {
            return Err(SessionError::TooLong(response.data.len(), header));
        }
        Ok(response)
    }

    /// Bytes that may answer a command. An Le that does not travel, behind data on T=0, binds no card.
    fn most(&self, command: &Command) -> usize {
        let travels = command.data().is_empty() || self.protocol() == Protocol::T1;
        command.le().filter(|_| travels).map_or(SHORT_ANSWER_MAX, usize::from)
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
    /// The card refused.
    #[error("card gave no challenge: {0}")]
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

    #[test]
    fn an_answer_longer_than_its_le_is_no_answer() {
        let long = "5A".repeat(257);
        for (script, command) in [
            ("> 00B0960001\n< 5A5A9000".to_owned(), command::read_binary_sfi(0x16, 0, 1)),
            (format!("> 00B0960000\n< {long}9000"), command::read_binary_sfi(0x16, 0, 0)),
            ("> 00B0960001\n< 6C02\n> 00B0960002\n< 5A5A5A9000".to_owned(), command::read_binary_sfi(0x16, 0, 1)),
            ("> 00B0960001\n< 6102\n> 00C0000002\n< 5A5A9000".to_owned(), command::read_binary_sfi(0x16, 0, 1)),
        ] {
            let error = session(&script).send(&command).expect_err("too long");
            assert!(matches!(error, SessionError::TooLong(..)), "{script}: {error:?}");
        }
        let whole = "5A".repeat(256);
        let script = format!("> 00B0960000\n< {whole}9000");
        assert_eq!(session(&script).send(&command::read_binary_sfi(0x16, 0, 0)).expect("fits").data.len(), 256);
    }

    #[test]
    fn a_short_challenge_is_a_wrong_form_and_no_refusal() {
        let error = session("> 0084000008\n< 0102030405069000").challenge().expect_err("six bytes");
        assert!(matches!(error, ChallengeError::Session(SessionError::WrongForm(6, _))), "{error:?}");
        let error = session("> 0084000008\n< 6D00").challenge().expect_err("refused");
        assert!(matches!(error, ChallengeError::Refused(StatusWord(0x6D00))), "{error:?}");
    }

    struct Endless(u16);

    impl Transport for Endless {
        fn transmit(&mut self, _command: &[u8], answer: &mut Vec<u8>) -> Result<(), TransportError> {
            answer.push(0xAA);
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
        assert!(matches!(error, SessionError::EndlessAnswer(9, _)), "{error:?}");
        assert_eq!(session.wire().exchanges, 9);
        let error = session.send(&command::get_challenge(0)).expect_err("bounded");
        assert!(matches!(error, SessionError::EndlessAnswer(..)));
        assert!(session.wire().exchanges <= 9 + 1 + GET_RESPONSE_MAX as u64);
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
