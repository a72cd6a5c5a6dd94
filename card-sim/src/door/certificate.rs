//! The commands of the certificate application.
//!
//! Source: one or two programs a row (sequences of a tool); the rows of the profile give header bytes.
//! Owns: their P1-P2, lengths, and the tags of their data fields. Never: looks at the state of the card.
//! Units: lengths in bytes; a length above 127 is `82` and two bytes, as the tool writes it.

use card_core::StatusWord;
use card_profiles::account::CommandRow;

use super::{Header, Message};
use crate::model::CertificateModel;

/// A command of the certificate application that has the right shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CertificateRequest<'a> {
    Verify { who: Who, cryptogram: [u8; 16] },
    Generate { public: u16, private: u16 },
    Export { public: u16, private: u16 },
    Fetch { le: usize },
    SetPin { who: Who, digits: &'a [u8] },
    ChangeAdministratorPin(Message<'a>),
    OpenEnvelope { private: u16, cipher: &'a [u8] },
    TakeKey([u8; 16]),
    InstallPublic { file: u16, key: [u8; 64] },
    InstallPrivate { file: u16, key: [u8; 32] },
    LoadMasterKey(Message<'a>),
    Sign { private: u16, digest: [u8; 32] },
}

/// Whose PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    User,
    Administrator,
}

/// Commands that no other part of the card knows by class and instruction.
pub(super) fn rows(application: &CertificateModel) -> impl Iterator<Item = CommandRow> {
    application.rules.commands.rows().into_iter().map(|(_, row)| row)
}

/// The command, when header bytes are those of a row; `None` leaves it to the rest of the card. EXTERNAL AUTHENTICATION has
/// the shape that it has elsewhere.
pub(super) fn request<'a>(
    application: &CertificateModel,
    cla: u8,
    ins: u8,
    header: Header<'a>,
) -> Option<Result<CertificateRequest<'a>, StatusWord>> {
    let rules = &application.rules;
    let commands = &rules.commands;
    let given = [cla, ins, header.p1, header.p2];
    let is = |row: CommandRow| row.header() == given;
    Some(match () {
        () if is(rules.user_pin.verify) => verify(Who::User, header),
        () if is(rules.administrator_pin.verify) => verify(Who::Administrator, header),
        () if is(commands.generate_key_pair) => {
            pair(header).map(|(public, private)| CertificateRequest::Generate { public, private })
        }
        () if is(commands.export_public_key) => {
            pair(header).map(|(public, private)| CertificateRequest::Export { public, private })
        }
        () if is(commands.fetch_public_key) => header.le().map(|le| CertificateRequest::Fetch { le }),
        () if is(commands.set_user_pin) || is(commands.set_administrator_pin) => set_pin(application, given, header),
        () if is(commands.change_administrator_pin) => {
            message(cla, ins, header, 16).map(CertificateRequest::ChangeAdministratorPin)
        }
        () if is(commands.open_envelope) => header.data().and_then(|data| {
            let mut fields = Tagged(data);
            let private = fields.file(0xC2)?;
            // A point, a hash, and at least one byte.
            let cipher = fields.last(0xC1).filter(|cipher| cipher.len() > 96).ok_or(StatusWord::WRONG_DATA)?;
            Ok(CertificateRequest::OpenEnvelope { private, cipher })
        }),
        () if is(commands.decipher_key) => {
            header.data().and_then(|data| Tagged(data).exactly(0xC1).map(CertificateRequest::TakeKey))
        }
        () if is(commands.install_public_key) => header.data().and_then(|data| {
            let mut fields = Tagged(data);
            Ok(CertificateRequest::InstallPublic { file: fields.file(0xC0)?, key: fields.exactly(0xCA)? })
        }),
        () if is(commands.install_private_key) => header.data().and_then(|data| {
            let mut fields = Tagged(data);
            Ok(CertificateRequest::InstallPrivate { file: fields.file(0xC2)?, key: fields.exactly(0xCB)? })
        }),
        () if is(commands.load_master_key) => message(cla, ins, header, 32).map(CertificateRequest::LoadMasterKey),
        () if is(commands.sign) => header.data().and_then(|data| {
            let mut fields = Tagged(data);
            Ok(CertificateRequest::Sign { private: fields.file(0xC2)?, digest: fields.exactly(0xC1)? })
        }),
        () => return None,
    })
}

fn verify(who: Who, header: Header<'_>) -> Result<CertificateRequest<'_>, StatusWord> {
    Ok(CertificateRequest::Verify { who, cryptogram: header.fields(16)?.take() })
}

fn pair(header: Header<'_>) -> Result<(u16, u16), StatusWord> {
    let mut fields = Tagged(header.data()?);
    let public = fields.file(0xC0)?;
    let private = fields.last(0xC2).and_then(|file| file.try_into().ok()).ok_or(StatusWord::WRONG_DATA)?;
    Ok((public, u16::from_be_bytes(private)))
}

/// Whose PIN it is, its row says; where both have the same header, the length of the digits.
fn set_pin<'a>(
    application: &CertificateModel,
    given: [u8; 4],
    header: Header<'a>,
) -> Result<CertificateRequest<'a>, StatusWord> {
    let rules = &application.rules;
    let digits = Tagged(header.data()?).last(0xC1).ok_or(StatusWord::WRONG_DATA)?;
    let whose = [
        (Who::User, rules.commands.set_user_pin, &rules.user_pin),
        (Who::Administrator, rules.commands.set_administrator_pin, &rules.administrator_pin),
    ];
    let fits = whose.into_iter().find(|(_, row, pin)| row.header() == given && pin.fits(digits.len()));
    let (who, ..) = fits.ok_or(StatusWord::WRONG_DATA)?;
    Ok(CertificateRequest::SetPin { who, digits })
}

fn message(cla: u8, ins: u8, header: Header<'_>, length: usize) -> Result<Message<'_>, StatusWord> {
    let message = Message::read(cla, ins, header)?;
    if message.data.len() == length { Ok(message) } else { Err(StatusWord::WRONG_LENGTH) }
}

/// Fields with tag and length, in the order that a command has them.
struct Tagged<'a>(&'a [u8]);

impl<'a> Tagged<'a> {
    fn next(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&found, rest) = self.0.split_first()?;
        let (length, rest) = match rest {
            [0x82, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
            [length @ 0..=0x7F, rest @ ..] => (usize::from(*length), rest),
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        (found == tag).then_some(value)
    }

    /// The last field: nothing follows it.
    fn last(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next(tag).filter(|_| self.0.is_empty())
    }

    /// A last field of a length that the command fixes.
    fn exactly<const N: usize>(&mut self, tag: u8) -> Result<[u8; N], StatusWord> {
        self.last(tag).and_then(|value| value.try_into().ok()).ok_or(StatusWord::WRONG_DATA)
    }

    fn file(&mut self, tag: u8) -> Result<u16, StatusWord> {
        let file = self.next(tag).and_then(|file| file.try_into().ok());
        file.map(u16::from_be_bytes).ok_or(StatusWord::WRONG_DATA)
    }
}
