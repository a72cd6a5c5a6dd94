//! What a terminal asks the module of its centre (远程认证模块) about a card whose keys its PSAM does not hold.
//!
//! ```text
//! step 1   the card proves its IRK over two challenges, and gives two more for the key of its holder's file
//! step 2   the centre says whether the first proof is the card's, and only then what opens that file
//! ```
//! Source: HSM flow of the driver interface (原始信息, 过程因子, Step1 and Step2); the message is this house's.
//! Owns: the shape of the body and its path. Never: a key; another cryptogram than that of a reading key: whoever could have the
//! card's own proof computed could play the card.

use serde::{Deserialize, Serialize};

use crate::id::{CardChallenge, CardFactor, CardIdentifier, RequestId, TerminalNumber};
use crate::message::{AnswerStatus, Request, Version1, request};

/// Longest name of a card type or key.
pub const NAME_MAX: usize = 32;

/// Two challenges of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenges {
    /// 原始信息.
    pub plain: CardChallenge,
    /// 过程因子.
    pub factor: CardChallenge,
}

/// The key of the holder's file, where the card asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadingKey {
    /// Name, as the card type has it.
    pub name: String,
    /// What the card gave for it.
    pub challenges: Challenges,
}

/// Step 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteProofRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Card in the reader.
    pub card_identifier: CardIdentifier,
    /// Its diversification factor.
    pub card_factor: CardFactor,
    /// Its type, by the name of the built-in profile.
    pub profile: String,
    /// What its own proof is over.
    pub own: Challenges,
    /// INTERNAL AUTHENTICATE.
    pub proof: CardChallenge,
    /// What is to be opened.
    pub asked: Option<ReadingKey>,
}

/// Step 2: the card is genuine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteProofAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
    /// 外部认证结果, where a key was asked for.
    pub result: Option<CardChallenge>,
}

request!(RemoteProofRequest, RemoteProofAnswer, "/terminal/v1/cards/proof", terminal);
