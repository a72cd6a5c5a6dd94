//! Wrong cards: a software card made of altered rows, or one behind a wire that answers wrongly.
//!
//! A suite sees a card through its answers alone, so a card that answers wrongly is a wrong card.

use card_core::apdu::Protocol;
use card_core::security::KeyName;
use card_core::transport::{Transport, TransportError};
use card_profiles::access::Access;
use card_profiles::profile::{Df, Ef, KeyRow, Profile};
use card_sim::{InProcess, Socket};

/// What is wrong with a card.
#[derive(Clone, Copy)]
pub(crate) enum Wrong {
    /// It was made of other rows.
    Rows(fn(&mut Profile)),
    /// It answers a command otherwise.
    Wire(fn(&mut Link, &[u8]) -> Vec<u8>),
    /// It keeps everything over a reset.
    NoReset,
}

/// The card behind the wire, and what a wrong card remembers.
pub(crate) struct Link {
    card: InProcess,
    pub(crate) last: Vec<u8>,
    pub(crate) kept: Vec<u8>,
    pub(crate) count: u8,
    pub(crate) resets: u32,
}

/// A transport to a wrong card, on T=1: answers come whole.
pub(crate) struct WrongCard {
    link: Link,
    wrong: Wrong,
    atr: Vec<u8>,
}

impl WrongCard {
    pub(crate) fn new(socket: &Socket, wrong: Wrong) -> Self {
        let card = socket.connect_with(Protocol::T1).expect("power");
        let atr = card.atr().to_vec();
        Self { link: Link { card, last: Vec::new(), kept: Vec::new(), count: 0, resets: 0 }, wrong, atr }
    }
}

impl Transport for WrongCard {
    fn transmit(&mut self, command: &[u8], answer: &mut Vec<u8>) -> Result<(), TransportError> {
        let bytes = match self.wrong {
            Wrong::Wire(wire) => wire(&mut self.link, command),
            Wrong::Rows(_) | Wrong::NoReset => self.link.ask(command),
        };
        self.link.last = command.to_vec();
        answer.extend(bytes);
        Ok(())
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.link.resets += 1;
        match self.wrong {
            Wrong::NoReset => Ok(()),
            Wrong::Rows(_) | Wrong::Wire(_) => self.link.card.reset(),
        }
    }

    fn protocol(&self) -> Protocol {
        Protocol::T1
    }

    fn atr(&self) -> &[u8] {
        &self.atr
    }
}

impl Link {
    /// What the card itself answers.
    pub(crate) fn ask(&mut self, command: &[u8]) -> Vec<u8> {
        let mut answer = Vec::new();
        self.card.transmit(command, &mut answer).expect("a software card answers");
        answer
    }

    /// Another answer to a command that starts so, which does not reach the card.
    pub(crate) fn swallow(&mut self, command: &[u8], start: &str, answer: &str) -> Vec<u8> {
        if starts(command, start) { bytes(answer) } else { self.ask(command) }
    }

    /// Another answer where the card answers a command that starts so with this status word.
    pub(crate) fn turn(&mut self, command: &[u8], start: &str, status: &str, answer: &str) -> Vec<u8> {
        let own = self.ask(command);
        if starts(command, start) && own.ends_with(&bytes(status)) { bytes(answer) } else { own }
    }

    /// One bit of the answer's data inverted, counted from its end, where a command that starts so is done.
    pub(crate) fn flip(&mut self, command: &[u8], start: &str, from_end: usize) -> Vec<u8> {
        let mut own = self.ask(command);
        let at = own.len().checked_sub(2 + from_end);
        if let Some(byte) = at.and_then(|at| own.get_mut(at)).filter(|_| starts(command, start)) {
            *byte ^= 1;
        }
        own
    }
}

pub(crate) fn starts(command: &[u8], start: &str) -> bool {
    command.starts_with(&bytes(start))
}

pub(crate) fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).expect("hex")
}

pub(crate) fn done(answer: &[u8]) -> bool {
    answer.ends_with(&[0x90, 0x00])
}

/// The row of a file: `DF01.EF05`.
pub(crate) fn ef<'p>(profile: &'p mut Profile, place: &str) -> &'p mut Ef {
    let (df_id, ef_id) = place.split_once('.').expect("DF.EF");
    df(profile, df_id).ef.iter_mut().find(|ef| ef.id == ef_id).expect("a file")
}

pub(crate) fn df<'p>(profile: &'p mut Profile, id: &str) -> &'p mut Df {
    profile.df.iter_mut().find(|df| df.id == id).expect("a directory")
}

pub(crate) fn key<'p>(profile: &'p mut Profile, name: &str) -> &'p mut KeyRow {
    profile.key.iter_mut().find(|row| row.name == KeyName::new(name)).expect("a key")
}

/// A condition by its words.
pub(crate) fn access(words: &str) -> Access {
    Access::parse(words).expect("a condition")
}
