//! Which card is in which reader: a social security card, a PSAM, or something else.
//!
//! Source: published driver sequences: both kinds answer SELECT of SSSE (the 3DES environment of a PSAM has the same name; its
//! SM4 environment has another); only a PSAM has a terminal number and the PSAM application below it.
//! The issuer's file of a user card begins with its identifier (LD/T 32 EF05), which every command that recognises the card reads.
//! Owns: telling the kinds apart in the fewest bytes on a user card; asking the card in a reader.
//! Never: chooses between two cards of a kind, reads personal data, names the PSAM's application to a card without terminal number.

use crate::apdu::{Command, Response};
use crate::command;
use crate::security::psam::PsamNames;
use crate::session::{Session, SessionError};
use crate::transport::Transport;
use crate::transport::pcsc::{PcscTransport, Readers};

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

/// A card that was asked what it is.
#[derive(Debug)]
pub struct Asked {
    /// What it is.
    pub kind: Kind,
    /// Conversation with it.
    pub session: Session,
    /// Answer to SELECT of SSSE, where that is still selected: a user card is not asked again.
    pub ssse: Option<Response>,
    /// [`Question::issuer`] and the user card's answer: it need not be asked again.
    pub issuer: Option<Heard>,
}

/// A command, and what a card answered.
pub type Heard = (Command, Response);

/// A reader that holds a card.
#[derive(Debug)]
pub struct Slot {
    /// Full name of the reader.
    pub reader: String,
    /// What the card in it is, with the open session; or why it could not be asked.
    pub card: Result<Asked, SessionError>,
}

/// What cards are asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Name of SSSE.
    pub ssse: &'a [u8],
    /// Environments that a PSAM may have.
    pub psams: &'a [PsamNames],
    /// Bytes from which on the FCI of SSSE is wanted; `None`: never.
    pub fci: Option<usize>,
    /// The command that reads the issuer's file (EF05), where a user card is to hear it anyhow; `None`: it is not wanted.
    pub issuer: Option<&'a Command>,
}

impl Question<'_> {
    /// Asks a card what it is. A user card hears SELECT of SSSE, which its next command needs anyhow; then the read of its
    /// issuer's file, where that is wanted too and says enough; else one READ BINARY that it refuses (7 bytes). SSSE stays
    /// selected on it; on others some application is.
    ///
    /// # Errors
    /// [`SessionError`] when the card does not answer.
    pub fn ask(&self, mut session: Session) -> Result<Asked, SessionError> {
        let mut issuer = None;
        let (kind, ssse) = self.kind(&mut session, &mut issuer)?;
        let is_user = kind == Kind::User;
        Ok(Asked { kind, session, ssse: ssse.filter(|_| is_user), issuer: issuer.filter(|_| is_user) })
    }

    fn kind(
        &self,
        session: &mut Session,
        issuer: &mut Option<Heard>,
    ) -> Result<(Kind, Option<Response>), SessionError> {
        // Without Le the FCI stays in the card: the status word says enough.
        let accepts = |session: &mut Session, name: &[u8]| {
            let select: Command = command::select_by_name(name);
            session.send(&select).map(|response| response.sw.is_ok())
        };
        let select = command::select_by_name(self.ssse);
        let ssse = match self.fci {
            Some(least) => session.send_and_fetch(&select, least)?,
            None => session.send(&select)?,
        };
        if ssse.sw.is_ok() {
            if let Some(command) = self.issuer {
                let (_, answer) = issuer.insert((command.clone(), session.send(command)?));
                if answer.data.starts_with(&IDENTIFIER) {
                    return Ok((Kind::User, Some(ssse)));
                }
            }
            for names in self.psams.iter().filter(|names| names.environment == self.ssse) {
                let number = session.send(&command::read_binary_sfi(names.terminal_number_sfi, 0, TERMINAL_NUMBER))?;
                if number.sw.is_ok() && accepts(session, &names.application)? {
                    return Ok((Kind::Psam, None));
                }
            }
            return Ok((Kind::User, Some(ssse)));
        }
        for names in self.psams.iter().filter(|names| names.environment != self.ssse) {
            if accepts(session, &names.environment)? && accepts(session, &names.application)? {
                return Ok((Kind::Psam, None));
            }
        }
        Ok((Kind::Other, None))
    }
}

/// Tag and length of 卡的识别码, with which EF05 begins.
const IDENTIFIER: [u8; 2] = [0x01, 16];

/// Bytes of a terminal number.
const TERMINAL_NUMBER: u16 = 6;

impl Readers {
    /// Opens the card in one reader and asks what it is, reached through what `wrap` makes of it: a recorder of what is said.
    #[must_use]
    pub fn ask_one(
        &self,
        question: Question<'_>,
        reader: &str,
        wrap: &dyn Fn(&str, PcscTransport) -> Box<dyn Transport>,
    ) -> Slot {
        let connected = self.connect(reader).map_err(SessionError::from);
        let card = connected.and_then(|transport| question.ask(Session::new(wrap(reader, transport))));
        Slot { reader: reader.to_owned(), card }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::replay::Replay;

    const SSSE: &str = "7378312E73682EC9E7BBE1B1A3D5CF";
    const SM4_ENVIRONMENT: &str = "7378332E73682EC9E7BBE1B1A3D5CF";

    const EF05: &str = "00B2012D12";

    fn asked(trace: &str, fci: Option<usize>) -> Asked {
        asked_wanting(trace, fci, None)
    }

    fn asked_wanting(trace: &str, fci: Option<usize>, issuer: Option<&Command>) -> Asked {
        let names = [SSSE, SM4_ENVIRONMENT].map(|environment| PsamNames {
            environment: hex::decode(environment).expect("hex"),
            application: hex::decode("D15600000590").expect("hex"),
            terminal_number_sfi: 0x16,
        });
        let session = Session::new(Box::new(Replay::parse(trace).expect("trace")));
        let ssse = hex::decode(SSSE).expect("hex");
        Question { ssse: &ssse, psams: &names, fci, issuer }.ask(session).expect("answers")
    }

    fn kind(trace: &str) -> Kind {
        asked(trace, None).kind
    }

    #[test]
    fn a_user_card_has_ssse_and_no_terminal_number_and_never_hears_of_the_psam() {
        let trace = format!("> 00A404000F{SSSE}\n< 6118\n> 00B0960006\n< 6A82");
        let card = asked(&trace, None);
        assert_eq!((card.kind, card.session.wire().bytes), (Kind::User, 23 + 7));
        assert!(card.ssse.is_some_and(|answer| answer.data.is_empty()), "its FCI was not wanted");
    }

    #[test]
    fn a_card_whose_identifier_is_wanted_shows_what_it_is_by_that_and_hears_no_other_question() {
        let command = command::read_record(5, command::Record::AllFrom(1), 18);
        let record = format!("0110{}", "51".repeat(16));
        let trace = format!("> 00A404000F{SSSE}\n< 6118\n> {EF05}\n< {record}9000");
        let card = asked_wanting(&trace, None, Some(&command));
        assert_eq!((card.kind, card.session.wire().bytes), (Kind::User, 23 + 26));
        let (heard, answer) = card.issuer.expect("handed on");
        assert!(heard == command && hex::encode_upper(answer.data) == record);
    }

    #[test]
    fn a_psam_refuses_the_issuers_file_and_a_user_card_may_hand_on_its_refusal() {
        let command = command::read_record(5, command::Record::AllFrom(1), 18);
        for answer in ["6A82", "01029000", "9000"] {
            let read = format!("> 00A404000F{SSSE}\n< 6118\n> {EF05}\n< {answer}\n> 00B0960006\n");
            let psam = format!("{read}< 0102030405069000\n> 00A4040006D15600000590\n< 610F");
            let psam = asked_wanting(&psam, None, Some(&command));
            assert_eq!((psam.kind, psam.issuer.is_none(), psam.ssse.is_none()), (Kind::Psam, true, true), "{answer}");
            let user = asked_wanting(&format!("{read}< 6A82"), None, Some(&command));
            assert_eq!((user.kind, user.issuer.is_some()), (Kind::User, true), "{answer}");
        }
    }

    #[test]
    fn a_file_in_the_place_of_the_terminal_number_makes_no_psam() {
        let number = format!("> 00A404000F{SSSE}\n< 6118\n> 00B0960006\n< 0102030405069000");
        assert_eq!(kind(&format!("{number}\n> 00A4040006D15600000590\n< 6A82")), Kind::User);
        assert_eq!(kind(&format!("{number}\n> 00A4040006D15600000590\n< 610F")), Kind::Psam);
    }

    #[test]
    fn the_fci_is_handed_on_where_it_is_long_enough_to_be_wanted() {
        let fci = format!("6F16840F{SSSE}A50388011E");
        let long = format!("> 00A404000F{SSSE}\n< 6118\n> 00C0000018\n< {fci}9000\n> 00B0960006\n< 6A82");
        assert_eq!(hex::encode_upper(asked(&long, Some(24)).ssse.expect("selected").data), fci);
        let short = format!("> 00A404000F{SSSE}\n< 6118\n> 00B0960006\n< 6A82");
        assert!(asked(&short, Some(25)).ssse.expect("selected").data.is_empty());
    }

    #[test]
    fn a_psam_of_another_environment_has_its_application_below_it() {
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
