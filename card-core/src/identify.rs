//! Which card is in which reader: a social security card, a PSAM, or something else.
//!
//! Source: published driver sequences: both kinds answer SELECT of SSSE (the 3DES environment of a PSAM has the same name; its
//! SM4 environment has another); only a PSAM has the PSAM application below it.
//! Owns: telling the kinds apart and surveying all readers. Never: chooses between two cards of a kind, reads personal data.

use crate::apdu::Command;
use crate::command;
use crate::security::psam::PsamNames;
use crate::session::{Session, SessionError};
use crate::transport::pcsc::{PcscTransport, Readers};
use crate::transport::{Transport, TransportError};

/// What a card is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Social security card (用户卡).
    User,
    /// PSAM of the social security scheme.
    Psam,
    /// Neither.
    Other,
}

/// A reader that holds a card.
#[derive(Debug)]
pub struct Slot {
    /// Full name of the reader.
    pub reader: String,
    /// What the card in it is, with the open session; or why it could not be asked.
    pub card: Result<(Kind, Session), SessionError>,
}

/// Asks a card what it is; `psams` are the environments that a PSAM may have. Leaves it with some application selected:
/// callers start with a SELECT.
///
/// # Errors
/// [`SessionError`] when the card does not answer.
pub fn identify(session: &mut Session, ssse: &[u8], psams: &[PsamNames]) -> Result<Kind, SessionError> {
    let mut accepts = |name: &[u8]| {
        // Without Le the FCI stays in the card: the status word says enough.
        let select: Command = command::select_by_name(name);
        session.send(&select).map(|response| response.sw.is_ok())
    };
    if accepts(ssse)? {
        return Ok(match psams.first() {
            Some(names) if accepts(&names.application)? => Kind::Psam,
            _ => Kind::User,
        });
    }
    for names in psams.iter().filter(|names| names.environment != ssse) {
        if accepts(&names.environment)? && accepts(&names.application)? {
            return Ok(Kind::Psam);
        }
    }
    Ok(Kind::Other)
}

impl Readers {
    /// Opens the card in each reader that holds one and asks what it is, in the daemon's order.
    ///
    /// # Errors
    /// [`TransportError`] when the daemon fails; what is wrong with one reader is in its [`Slot`].
    pub fn survey(&self, ssse: &[u8], psams: &[PsamNames]) -> Result<Vec<Slot>, TransportError> {
        self.survey_others(ssse, psams, &[])
    }

    /// As [`Readers::survey`], without touching the readers named in `taken`.
    ///
    /// # Errors
    /// As [`Readers::survey`].
    pub fn survey_others(&self, ssse: &[u8], psams: &[PsamNames], taken: &[&str]) -> Result<Vec<Slot>, TransportError> {
        self.survey_through(ssse, psams, taken, &|_, transport| Box::new(transport))
    }

    /// As [`Readers::survey_others`], each card reached through what `wrap` makes of it: a recorder of what is said.
    ///
    /// # Errors
    /// As [`Readers::survey`].
    pub fn survey_through(
        &self,
        ssse: &[u8],
        psams: &[PsamNames],
        taken: &[&str],
        wrap: &dyn Fn(&str, PcscTransport) -> Box<dyn Transport>,
    ) -> Result<Vec<Slot>, TransportError> {
        let open = |reader: &str| -> Result<(Kind, Session), SessionError> {
            let mut session = Session::new(wrap(reader, self.connect(reader)?));
            Ok((identify(&mut session, ssse, psams)?, session))
        };
        let others = self.list()?.into_iter().filter(|reader| !taken.contains(&reader.name.as_str()));
        let holding = others.filter(|reader| reader.atr.is_some());
        Ok(holding.map(|reader| Slot { card: open(&reader.name), reader: reader.name }).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::replay::Replay;

    const SSSE: &str = "7378312E73682EC9E7BBE1B1A3D5CF";
    const SM4_ENVIRONMENT: &str = "7378332E73682EC9E7BBE1B1A3D5CF";

    fn kind(trace: &str) -> Kind {
        let names = [SSSE, SM4_ENVIRONMENT].map(|environment| PsamNames {
            environment: hex::decode(environment).expect("hex"),
            application: hex::decode("D15600000590").expect("hex"),
            terminal_number_sfi: 0x16,
        });
        let mut session = Session::new(Box::new(Replay::parse(trace).expect("trace")));
        identify(&mut session, &hex::decode(SSSE).expect("hex"), &names).expect("answers")
    }

    #[test]
    fn a_user_card_has_ssse_and_no_psam_application() {
        let trace = format!("> 00A404000F{SSSE}\n< 6118\n> 00A4040006D15600000590\n< 6A82");
        assert_eq!(kind(&trace), Kind::User);
    }

    #[test]
    fn a_psam_has_the_psam_application_in_any_of_its_environments() {
        let trace = format!("> 00A404000F{SSSE}\n< 6118\n> 00A4040006D15600000590\n< 610F");
        assert_eq!(kind(&trace), Kind::Psam);
        let trace = format!(
            "> 00A404000F{SSSE}\n< 6A82\n> 00A404000F{SM4_ENVIRONMENT}\n< 9000\n> 00A4040006D15600000590\n< 9000"
        );
        assert_eq!(kind(&trace), Kind::Psam);
    }

    #[test]
    fn a_card_without_ssse_is_neither() {
        let trace = format!("> 00A404000F{SSSE}\n< 6A82\n> 00A404000F{SM4_ENVIRONMENT}\n< 6A82");
        assert_eq!(kind(&trace), Kind::Other);
    }
}
