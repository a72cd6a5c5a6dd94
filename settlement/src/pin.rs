//! What a terminal and the centre say to each other about an order to unblock or reset a card's PIN.
//!
//! Source: LD/T 32.5 PIN CHANGE/UNBLOCK under secure messaging: EXTERNAL AUTHENTICATION with PUK, then one command with the MAC of
//! a session key, each after a challenge of its own.
//! Owns: the shape of each body and its path. Never: holds a holder's PIN: what a reset puts on the card is the initial one.

use card_core::Command;
use serde::{Deserialize, Serialize};

use crate::id::{CardChallenge, CardIdentifier, RequestId, TerminalNumber};
use crate::message::{AnswerStatus, Request, Version1, request};

/// What an order does to the PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinAct {
    /// 解锁: all tries again; the PIN stays, and who knows it goes on.
    Unblock,
    /// 重置: the initial PIN, which the holder changes before anything else.
    Reset,
}

impl PinAct {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Unblock, Self::Reset];

    /// Name as stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unblock => "unblock",
            Self::Reset => "reset",
        }
    }

    /// CLA INS P1 P2 of its command.
    #[must_use]
    pub const fn header(self) -> [u8; 4] {
        match self {
            Self::Unblock => [0x84, 0x24, 0x00, 0x00],
            Self::Reset => [0x84, 0x24, 0x00, 0x01],
        }
    }
}

/// Asks for EXTERNAL AUTHENTICATION with PUK.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinProofRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Number of the order.
    pub order: u64,
    /// Card in the reader.
    pub card_identifier: CardIdentifier,
    /// What the card answered GET CHALLENGE.
    pub challenge: CardChallenge,
}

/// EXTERNAL AUTHENTICATION for that challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinProofAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
    /// What the order does.
    pub act: PinAct,
    /// The command.
    pub command: CommandBytes,
}

/// Asks for the command itself. It is given once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinCommandRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Number of the order.
    pub order: u64,
    /// Card in the reader.
    pub card_identifier: CardIdentifier,
    /// What the card answered GET CHALLENGE, after it was authenticated.
    pub challenge: CardChallenge,
}

/// The command with its MAC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinCommandAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
    /// The command.
    pub command: CommandBytes,
}

/// What the card said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinOutcome {
    /// It did so.
    Done,
    /// It refused the command.
    Refused,
}

/// Tells how an order ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinOutcomeRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Number of the order.
    pub order: u64,
    /// How.
    pub outcome: PinOutcome,
}

/// The centre has noted it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinOutcomeAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
}

request!(PinProofRequest, PinProofAnswer, "/terminal/v1/pin-orders/proof", terminal);
request!(PinCommandRequest, PinCommandAnswer, "/terminal/v1/pin-orders/command", terminal);
request!(PinOutcomeRequest, PinOutcomeAnswer, "/terminal/v1/pin-orders/outcome", terminal);

/// A command for a card: header, length and data as hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandBytes(String);

impl CommandBytes {
    /// Of a command with data and without Le.
    #[must_use]
    pub fn of(command: &Command) -> Self {
        Self(hex::encode_upper(command.encode(card_core::apdu::Protocol::T0)))
    }

    /// The command, if it is one with this header: a terminal sends nothing else because its centre says so.
    #[must_use]
    pub fn command(&self, header: [u8; 4]) -> Option<Command> {
        let bytes = hex::decode(&self.0).ok()?;
        let (head, rest) = bytes.split_first_chunk::<4>()?;
        let (length, data) = rest.split_first()?;
        let fits = *head == header && usize::from(*length) == data.len() && !data.is_empty();
        let [cla, ins, p1, p2] = header;
        fits.then(|| Command::new(cla, ins, p1, p2).with_data(data).secret())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_command_with_the_expected_header_is_one() {
        let command = Command::new(0x84, 0x24, 0, 0).with_data([1, 2, 3, 4]);
        let bytes = CommandBytes::of(&command);
        assert_eq!(bytes, CommandBytes("842400000401020304".to_owned()));
        assert_eq!(bytes.command(PinAct::Unblock.header()), Some(command.secret()));
        assert_eq!(bytes.command(PinAct::Reset.header()), None);
        for text in ["", "84240000", "8424000004010203", "84240000040102030405", "8424000000", "84 24", "GG240000"] {
            assert_eq!(CommandBytes(text.to_owned()).command(PinAct::Unblock.header()), None, "{text}");
        }
        let long = "84240000FF".to_owned() + &"00".repeat(300);
        assert_eq!(CommandBytes(long).command(PinAct::Unblock.header()), None);
    }
}
