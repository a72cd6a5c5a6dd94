//! The card in a reader, and which card of the records it is.
//!
//! Source: ATR historical bytes; SSSE EF05 (free to read on every card).
//! Owns: what a card says of itself, held against its record. Never: proves that the card is genuine; reads about people.

use card_core::Session;
use card_core::session::SessionError;
use card_core::tries::{Guard, TriesBook};
use card_profiles::approach::Means;
use card_profiles::read::{ISSUER, Reader};
use card_profiles::{CardValues, Profile};

use super::{Card, Chip};
use crate::exit::Exit;
use crate::lang::Lang;
use crate::station::failure::transport_code;

/// What is wrong with a card in the reader.
#[derive(Debug, thiserror::Error)]
pub enum Stranger {
    /// Its ATR names no chip.
    #[error("it is no social security card")]
    NoChip,
    /// No card of this centre has its chip.
    #[error("no card of this centre has its chip")]
    NotOurs,
    /// What it holds is not what was recorded of its chip.
    #[error("it holds another {0} than recorded")]
    Differs(&'static str),
    /// It stopped answering, or talks nonsense.
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// The chip of the card in the reader.
///
/// # Errors
/// [`Stranger::NoChip`].
pub fn chip(session: &Session) -> Result<Chip, Stranger> {
    session.atr().ok().and_then(|atr| Chip::of(atr.historical())).ok_or(Stranger::NoChip)
}

/// Holds number and identifier of the card in the reader against its record; its environment is selected afterwards.
///
/// # Errors
/// [`Stranger`].
pub fn compare(session: &mut Session, profile: &Profile, card: &Card) -> Result<(), Stranger> {
    if chip(session)? != card.chip {
        return Err(Stranger::Differs("chip"));
    }
    let mut reader = Reader::new(profile, &ISSUER, Means::default());
    let mut book = TriesBook::default();
    session.play(&mut reader, None, &mut Guard { book: &mut book, consent: false })?;
    let values: CardValues = reader.finish().reading.values;
    let is = |place: &str, recorded: &str| values.text(place).is_some_and(|text| text.eq_ignore_ascii_case(recorded));
    if !is("SSSE.EF05.card_identifier", &card.card_identifier.to_string()) {
        return Err(Stranger::Differs("identifier"));
    }
    if !is("SSSE.EF05.card_number", &card.card_number) {
        return Err(Stranger::Differs("number"));
    }
    Ok(())
}

/// Stable code.
pub(crate) const fn code(error: &Stranger) -> &'static str {
    match error {
        Stranger::NoChip | Stranger::NotOurs => "CARD_UNKNOWN",
        Stranger::Differs(_) => "CARD_DIFFERS",
        Stranger::Session(SessionError::Transport(error)) => transport_code(error),
        Stranger::Session(_) => "CARD_NONSENSE",
    }
}

/// In words.
pub(crate) fn what(error: &Stranger, lang: Lang) -> String {
    match error {
        Stranger::NoChip | Stranger::NotOurs => {
            lang.pick("读写器中的卡不是本中心制成的卡", "the card in the reader was not made by this centre").to_owned()
        }
        Stranger::Differs(what) => lang.pick(
            format!("读写器中的卡与记录不符（{what}）"),
            format!("the card in the reader is not the recorded one: another {what}"),
        ),
        Stranger::Session(error) => {
            lang.pick(format!("卡片没有正常应答: {error}"), format!("the card did not answer properly: {error}"))
        }
    }
}

/// Exit code.
pub(crate) const fn exit(error: &Stranger) -> Exit {
    match error {
        Stranger::Session(SessionError::Transport(error)) if !error.card_lost() => Exit::Reader,
        _ => Exit::Card,
    }
}
