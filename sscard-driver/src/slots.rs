//! Which reader holds the user card, and which the PSAM.
//!
//! Source: `iType`: 1 contact, 2 contactless, 3 automatic with contact first, 4 automatic with contactless first.
//! Owns: the choice, by settings or by asking each card. Never: takes one of two cards by chance.

use card_core::fci;
use card_core::identify::{Kind, Question, Slot};
use card_core::security::psam::PsamNames;
use card_core::session::SessionError;
use card_core::transport::pcsc::{Interface, ReaderInfo, Readers};
use card_core::{Response, Session};

use crate::failure::Failure;
use crate::settings::Settings;

/// The sessions of one call.
#[derive(Debug)]
pub struct Slots {
    /// Reader that holds the user card.
    pub reader: String,
    /// The user card.
    pub card: Session,
    /// Its answer to SELECT of SSSE, with an FCI that is long enough to name an algorithm, where it was asked what it is.
    pub ssse: Option<Response>,
    /// The card in the PSAM's reader, not yet opened as PSAM; or why there is none.
    pub psam: Option<Result<Session, SessionError>>,
}

impl Slots {
    /// Finds the cards. A reader that is named is taken as it is; the others are asked what they hold.
    ///
    /// # Errors
    /// [`Failure`] when there is no user card or more than one, or a named reader is not there.
    pub fn find(
        readers: &Readers,
        interface: Interface,
        settings: &Settings,
        ssse: &[u8],
        psams: &[PsamNames],
    ) -> Result<Self, Failure> {
        let named = |wanted: &Option<String>| wanted.as_deref().map(|wanted| readers.choose(wanted)).transpose();
        let (card, psam) = (named(&settings.reader)?, named(&settings.psam)?);
        let taken: Vec<&str> = card.iter().chain(&psam).map(|reader| reader.name.as_str()).collect();
        let question = Question { ssse, psams, fci: Some(ssse.len() + fci::WITH_ALGORITHM), issuer: None };
        let mut others = if taken.len() == 2 { Vec::new() } else { readers.survey_others(question, &taken)? };
        let open = |reader: &ReaderInfo| -> Result<Session, SessionError> {
            Ok(Session::new(Box::new(readers.connect(&reader.name)?)))
        };
        let psam = match &psam {
            Some(reader) => Some(open(reader)),
            None => others
                .iter()
                .position(|slot| matches!(&slot.card, Ok(asked) if asked.kind == Kind::Psam))
                .map(|index| others.remove(index).card.map(|asked| asked.session)),
        };
        let (reader, card, ssse) = match &card {
            Some(reader) => (reader.name.clone(), open(reader)?, None),
            None => only_user_card(others, interface, readers)?,
        };
        Ok(Self { reader, card, ssse, psam })
    }
}

/// The one user card in the readers of the first turn that has any.
fn only_user_card(
    slots: Vec<Slot>,
    interface: Interface,
    readers: &Readers,
) -> Result<(String, Session, Option<Response>), Failure> {
    let (mut found, mut others, mut failed) = (Vec::new(), Vec::new(), None);
    for Slot { reader, card } in slots {
        let atr = card.as_ref().ok().and_then(|asked| asked.session.atr().ok()).map(|atr| atr.bytes().to_vec());
        let info = ReaderInfo { name: reader, atr };
        let Some(turn) = interface.turn(&info) else { continue };
        let reader = info.name;
        match card.map(|asked| (asked.kind, asked.session, asked.ssse)) {
            Ok((Kind::User, session, ssse)) => found.push((turn, reader, session, ssse)),
            Ok((Kind::Other, ..)) => others.push(reader),
            Ok((Kind::Psam, ..)) => {}
            Err(error) => failed = Some(error),
        }
    }
    let first = found.iter().map(|(turn, ..)| *turn).min();
    found.retain(|(turn, ..)| Some(*turn) == first);
    if found.len() > 1 {
        return Err(Failure::SeveralCards { readers: found.into_iter().map(|(_, reader, ..)| reader).collect() });
    }
    match (found.pop(), failed) {
        (Some((_, reader, session, ssse)), _) => Ok((reader, session, ssse)),
        (None, Some(error)) => Err(error.into()),
        (None, None) if others.is_empty() => {
            Err(Failure::NoCard { readers: readers.list()?.into_iter().map(|reader| reader.name).collect() })
        }
        (None, None) => Err(Failure::NotSocialSecurity { readers: others }),
    }
}
