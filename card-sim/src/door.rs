//! The card's door: bytes become one typed command, or a status word and nothing else.
//!
//! Source: LD/T 32.5 command list; ISO/IEC 7816-3 10 (T=0 command header); account rows of the profile.
//! Owns: CLA, INS, P1-P2 and length checks, in this order. Never: looks at the state of the card.
//! Units: lengths in bytes.
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod account;
mod certificate;
mod psam;
mod purse;

use card_core::StatusWord;
use card_core::algorithm::Authentication;
use card_core::command::Internal;
use card_core::crypto::Block;
use card_profiles::profile::CardKind;
use card_profiles::purse::Purse;

use crate::card::{Begin, Cipher};
use crate::model::{Blocking, Model};

pub(crate) use certificate::{CertificateRequest, Who};

/// A command that has the right shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request<'a> {
    SelectName(&'a [u8]),
    SelectFile { fid: u16, kind: Wanted },
    ReadRecord { file: FileRef, which: Which, le: usize },
    UpdateRecord { file: FileRef, which: Which, data: &'a [u8] },
    AppendRecord { file: FileRef, data: &'a [u8] },
    ReadBinary { file: FileRef, offset: usize, le: usize },
    UpdateBinary { file: FileRef, offset: usize, data: &'a [u8] },
    GetResponse { le: usize },
    GetChallenge { le: usize },
    InternalAuthenticate { factor_data: [Block; 2], version: Option<u8> },
    ExternalAuthenticate { key: u8, auth_plain: [Block; 2], version: Option<u8> },
    ProveKey { key: u8, auth: Block },
    UseKey { what: Internal, key: u8, data: &'a [u8] },
    Verify(&'a [u8]),
    ChangePin(&'a [u8]),
    UnblockPin { mac: [u8; 4] },
    ReloadPin { enciphered: &'a [u8], mac: [u8; 4] },
    LoadKey { enciphered: &'a [u8], mac: [u8; 4] },
    GetBalance { kind: u8, le: usize },
    InitLoad { key_index: u8, amount: u32, terminal: [u8; 6] },
    CreditLoad { date_time: [u8; 7], mac2: [u8; 4] },
    InitPurchase { key_index: u8, amounts: [u8; 12], terminal: [u8; 6] },
    DebitPurchase { sequence: u32, date_time: [u8; 7], mac1: [u8; 4] },
    Prove { kind: u8, sequence: u16 },
    PsamDerive { usage: u8, id: u8, data: &'a [u8] },
    PsamDeliver { usage: u8, id: u8, data: &'a [u8] },
    PsamCipher { cipher: Cipher, data: &'a [u8] },
    PsamInitPurchase { three_amounts: bool, data: &'a [u8] },
    PsamCreditPurchase { mac2: [u8; 4] },
    PsamCode { le: usize },
    PurseBegin { begin: (Begin, Purse), key_index: u8, amount: u32, terminal: [u8; 6] },
    PurseBeginOverdraw { key_index: u8, terminal: [u8; 6] },
    PurseCredit { date_time: [u8; 7], mac2: [u8; 4] },
    PurseUnload { date_time: [u8; 7], mac2: [u8; 4] },
    PurseOverdraw { limit: [u8; 3], date_time: [u8; 7], mac2: [u8; 4] },
    PurseDebit { sequence: u32, date_time: [u8; 7], mac1: [u8; 4] },
    PurseCache { file: FileRef, which: Which, header: [u8; 5], data: &'a [u8] },
    PurseBalance { purse: Purse, le: usize },
    PurseProve { transaction_type: u8, number: u16 },
    PurseReloadPin { digits: &'a [u8], mac: [u8; 4] },
    PurseUnblockPin(Message<'a>),
    UpdateBinaryUnderMac { file: FileRef, offset: usize, message: Message<'a> },
    UpdateRecordUnderMac { file: FileRef, which: Which, message: Message<'a> },
    BlockApplication { for_good: bool, message: Message<'a> },
    UnblockApplication(Message<'a>),
    BlockCard(Message<'a>),
    Certificate(CertificateRequest<'a>),
}

/// A command whose last four bytes are a MAC over header and data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    /// CLA INS P1 P2 Lc.
    pub(crate) header: [u8; 5],
    pub(crate) data: &'a [u8],
    pub(crate) mac: [u8; 4],
}

impl<'a> Message<'a> {
    fn read(cla: u8, ins: u8, header: Header<'a>) -> Result<Self, StatusWord> {
        let (data, mac) = header.data()?.split_last_chunk::<4>().ok_or(StatusWord::WRONG_LENGTH)?;
        Ok(Self { header: [cla, ins, header.p1, header.p2, header.p3], data, mac: *mac })
    }
}

/// What SELECT by FID may find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Any,
    Df,
    Ef,
}

/// Which file a command means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileRef {
    Current,
    Sfi(u8),
}

/// Which record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Tag(u8),
    Number(u8),
    AllFrom(u8),
    Previous,
}

/// Instructions of the operating system, by class and instruction byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instruction {
    Select,
    ReadRecord,
    UpdateRecord,
    AppendRecord,
    ReadBinary,
    UpdateBinary,
    GetResponse,
    GetChallenge,
    InternalAuthenticate,
    ExternalAuthenticate,
    Verify,
    ChangePin,
    PinUnblock,
    KeyLoad,
    Account,
    Purse,
    UpdateUnderMac,
    Block,
    Psam,
    Certificate,
}

const COMMON: [(u8, u8, Instruction); 11] = [
    (0x00, 0xB2, Instruction::ReadRecord),
    (0x00, 0xB0, Instruction::ReadBinary),
    (0x00, 0xC0, Instruction::GetResponse),
    (0x00, 0xA4, Instruction::Select),
    (0x00, 0x84, Instruction::GetChallenge),
    (0x00, 0x82, Instruction::ExternalAuthenticate),
    (0x00, 0xDC, Instruction::UpdateRecord),
    (0x00, 0xD6, Instruction::UpdateBinary),
    (0x00, 0xE2, Instruction::AppendRecord),
    (0x00, 0x88, Instruction::InternalAuthenticate),
    (0x00, 0x20, Instruction::Verify),
];
const USER: [(u8, u8, Instruction); 2] = [(0x80, 0x5E, Instruction::ChangePin), (0x84, 0x24, Instruction::PinUnblock)];
/// Updates of a card that has files under MAC.
const UNDER_MAC: [(u8, u8, Instruction); 2] =
    [(0x04, 0xD6, Instruction::UpdateUnderMac), (0x04, 0xDC, Instruction::UpdateUnderMac)];
const PSAM: [(u8, u8, Instruction); 5] = [
    (0x80, psam::DELIVER, Instruction::Psam),
    (0xBF, psam::DERIVE, Instruction::Psam),
    (0x80, psam::CIPHER, Instruction::Psam),
    (0x80, psam::INIT_PURCHASE, Instruction::Psam),
    (0x80, psam::CREDIT_PURCHASE, Instruction::Psam),
];
/// A T=0 command: header and, in the card's direction, data.
#[derive(Clone, Copy)]
struct Header<'a> {
    p1: u8,
    p2: u8,
    p3: u8,
    /// `None`: fewer or more bytes than P3 says.
    body: Option<&'a [u8]>,
}

impl<'a> Header<'a> {
    /// The expected length of a command without data; 0 means 256.
    const fn le(self) -> Result<usize, StatusWord> {
        match (self.body, self.p3) {
            (Some([]), 0) => Ok(256),
            (Some([]), le) => Ok(le as usize),
            _ => Err(StatusWord::WRONG_LENGTH),
        }
    }

    /// The data field of a command that needs one.
    const fn data(self) -> Result<&'a [u8], StatusWord> {
        match self.body {
            None | Some([]) => Err(StatusWord::WRONG_LENGTH),
            Some(data) => Ok(data),
        }
    }

    /// The data field, of exactly the length of the fields that the caller takes from it.
    fn fields(self, length: usize) -> Result<Fields<'a>, StatusWord> {
        let data = self.body.filter(|data| data.len() == length);
        data.map(Fields).ok_or(StatusWord::WRONG_LENGTH)
    }

    const fn parameters(self, p1: u8, p2: u8) -> Result<(), StatusWord> {
        if self.p1 == p1 && self.p2 == p2 { Ok(()) } else { Err(StatusWord::WRONG_P1P2) }
    }
}

/// Takes fixed fields from data whose length was checked.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self.0.split_first_chunk().expect("the fields add up to the length checked");
        self.0 = rest;
        *field
    }
}

/// Reads a command as the reader sends it on T=0. An Le after the data is the reader's own and does not reach a T=0 card.
/// `in_certificates`: a directory of the certificate application is current, which has another VERIFY than SSSE.
pub(crate) fn parse<'a>(model: &Model, in_certificates: bool, bytes: &'a [u8]) -> Result<Request<'a>, StatusWord> {
    let Some((&[cla, ins, p1, p2], rest)) = bytes.split_first_chunk::<4>() else {
        return Err(StatusWord::WRONG_LENGTH);
    };
    let instruction = known(model, cla, ins)?;
    let (p3, body) = match rest.split_first() {
        None => (0, Some(rest)),
        Some((p3, [])) => (*p3, Some([].as_slice())),
        Some((p3, rest)) => {
            let data = rest.get(..usize::from(*p3));
            (*p3, data.filter(|data| !data.is_empty() && rest.len() <= data.len() + 1))
        }
    };
    request(model, in_certificates, cla, ins, instruction, Header { p1, p2, p3, body })
}

fn known(model: &Model, cla: u8, ins: u8) -> Result<Instruction, StatusWord> {
    let own: &[(u8, u8, Instruction)] = match model.kind {
        CardKind::User => &USER,
        CardKind::Psam => &PSAM,
    };
    let under_mac: &[(u8, u8, Instruction)] = if model.has_files_under_mac { &UNDER_MAC } else { &[] };
    let blocking = model.blocking.iter().flat_map(Blocking::commands).map(|[c, i, ..]| (c, i, Instruction::Block));
    let table = || COMMON.iter().chain(own).chain(under_mac).copied().chain(blocking.clone());
    if let Some((.., instruction)) = table().find(|(c, i, _)| (*c, *i) == (cla, ins)) {
        return Ok(instruction);
    }
    let [load_cla, load_ins, ..] = model.key_load;
    if (load_cla, load_ins) == (cla, ins) {
        return Ok(Instruction::KeyLoad);
    }
    let account = || account::rows(model).into_iter().flatten();
    if account().any(|row| (row.cla, row.ins) == (cla, ins)) {
        return Ok(Instruction::Account);
    }
    let purse = || model.purse.iter().flat_map(|purse| purse::rows(&purse.rules.commands));
    if purse().any(|row| (row.cla, row.ins) == (cla, ins)) {
        return Ok(Instruction::Purse);
    }
    let certificate = || model.certificate.iter().flat_map(certificate::rows);
    if certificate().any(|row| (row.cla, row.ins) == (cla, ins)) {
        return Ok(Instruction::Certificate);
    }
    let has_code = model.psam.as_ref().is_some_and(|psam| !psam.rules.authentication_code.is_empty());
    if has_code && (cla, ins) == (0x80, psam::CODE) {
        return Ok(Instruction::Psam);
    }
    let classes = table().map(|(c, i, _)| (c, i)).chain([(load_cla, load_ins)]);
    let classes = || classes.clone().chain(account().chain(purse()).chain(certificate()).map(|row| (row.cla, row.ins)));
    if classes().any(|(c, _)| c == cla) && !classes().any(|(_, i)| i == ins) {
        return Err(StatusWord::INS_UNKNOWN);
    }
    Err(StatusWord::CLA_UNKNOWN)
}

fn request<'a>(
    model: &Model,
    in_certificates: bool,
    cla: u8,
    ins: u8,
    instruction: Instruction,
    header: Header<'a>,
) -> Result<Request<'a>, StatusWord> {
    let is_other_verify = instruction == Instruction::Verify && !in_certificates;
    let application = model.certificate.as_ref().filter(|_| !is_other_verify);
    let certificate = application.and_then(|rows| certificate::request(rows, cla, ins, header));
    if let Some(request) = certificate {
        return request.map(Request::Certificate);
    }
    Ok(match instruction {
        Instruction::Select => select(header)?,
        Instruction::ReadRecord => {
            let which = match header.p2 & 0x07 {
                0 => Which::Tag(header.p1),
                4 => Which::Number(header.p1),
                5 => Which::AllFrom(header.p1),
                _ => return Err(StatusWord::WRONG_P1P2),
            };
            Request::ReadRecord { file: record_file(header)?, which, le: header.le()? }
        }
        Instruction::UpdateRecord => {
            let which = match (header.p2 & 0x07, header.p1) {
                (0, tag) => Which::Tag(tag),
                (3, 0) => Which::Previous,
                (4, number) => Which::Number(number),
                _ => return Err(StatusWord::WRONG_P1P2),
            };
            Request::UpdateRecord { file: record_file(header)?, which, data: header.data()? }
        }
        Instruction::AppendRecord => {
            if header.p1 != 0 || header.p2 & 0x07 != 0 {
                return Err(StatusWord::WRONG_P1P2);
            }
            Request::AppendRecord { file: record_file(header)?, data: header.data()? }
        }
        Instruction::ReadBinary => {
            let (file, offset) = binary_file(header)?;
            Request::ReadBinary { file, offset, le: header.le()? }
        }
        Instruction::UpdateBinary => {
            let (file, offset) = binary_file(header)?;
            Request::UpdateBinary { file, offset, data: header.data()? }
        }
        Instruction::GetResponse => {
            header.parameters(0, 0)?;
            Request::GetResponse { le: header.le()? }
        }
        Instruction::GetChallenge => {
            header.parameters(0, 0)?;
            let le = header.le()?;
            if !matches!(le, 4 | 8 | 16) {
                return Err(StatusWord::WRONG_LENGTH);
            }
            Request::GetChallenge { le }
        }
        Instruction::InternalAuthenticate if model.rules.authentication == Authentication::Whole => {
            let what = Internal::ALL.into_iter().find(|what| what.p1() == header.p1).ok_or(StatusWord::WRONG_P1P2)?;
            let data = header.data()?;
            if what != Internal::Mac && !data.len().is_multiple_of(model.rules.algorithm.block()) {
                return Err(StatusWord::WRONG_LENGTH);
            }
            Request::UseKey { what, key: header.p2, data }
        }
        Instruction::ExternalAuthenticate if model.rules.authentication == Authentication::Whole => {
            header.parameters(0, header.p2)?;
            Request::ProveKey { key: header.p2, auth: header.fields(8)?.take() }
        }
        Instruction::InternalAuthenticate => {
            header.parameters(0, 0)?;
            let (factor_data, version) = authentication(model, header)?;
            Request::InternalAuthenticate { factor_data, version }
        }
        Instruction::ExternalAuthenticate => {
            header.parameters(0, header.p2)?;
            let (auth_plain, version) = authentication(model, header)?;
            Request::ExternalAuthenticate { key: header.p2, auth_plain, version }
        }
        Instruction::Verify => {
            header.parameters(0, pin_id(model))?;
            let pin = header.data()?;
            pin_length(model, pin.len(), 0)?;
            Request::Verify(pin)
        }
        Instruction::ChangePin => {
            if let Some(purse) = model.purse.as_ref().filter(|purse| header.p1 == purse.rules.commands.reload_pin.p1) {
                return purse::request(purse, cla, ins, header);
            }
            header.parameters(1, pin_id(model))?;
            let data = header.data()?;
            pin_length(model, data.len(), 1)?;
            Request::ChangePin(data)
        }
        Instruction::PinUnblock => match (&model.purse, header.p1, header.p2) {
            (Some(purse), ..) => purse::unblock_pin(purse, model.rules.algorithm.block(), header)?,
            (None, 0, 0) => Request::UnblockPin { mac: header.fields(4)?.take() },
            (None, 0, 1) => {
                let (enciphered, mac) = header.data()?.split_last_chunk::<4>().ok_or(StatusWord::WRONG_LENGTH)?;
                if enciphered.len() != model.rules.algorithm.block() {
                    return Err(StatusWord::WRONG_LENGTH);
                }
                Request::ReloadPin { enciphered, mac: *mac }
            }
            _ => return Err(StatusWord::WRONG_P1P2),
        },
        Instruction::KeyLoad => {
            let [.., p1, p2] = model.key_load;
            header.parameters(p1, p2)?;
            // LD, three label bytes and a key of 8 or 16 bytes, padded; then the MAC.
            let (enciphered, mac) = header.data()?.split_last_chunk::<4>().ok_or(StatusWord::WRONG_LENGTH)?;
            let whole = |key: usize| (1 + 3 + key).next_multiple_of(model.rules.algorithm.block());
            if ![whole(8), whole(16)].contains(&enciphered.len()) {
                return Err(StatusWord::WRONG_LENGTH);
            }
            Request::LoadKey { enciphered, mac: *mac }
        }
        Instruction::Account => account::request(model, cla, ins, header)?,
        Instruction::Psam => psam::request(ins, header)?,
        Instruction::Purse => purse::request(model.purse.as_ref().ok_or(StatusWord::INS_UNKNOWN)?, cla, ins, header)?,
        // Its rows were all looked at.
        Instruction::Certificate => return Err(StatusWord::WRONG_P1P2),
        Instruction::UpdateUnderMac => under_mac(cla, ins, header)?,
        Instruction::Block => block(model, cla, ins, header)?,
    })
}

/// Id of the PIN: that of a purse, else 0.
fn pin_id(model: &Model) -> u8 {
    model.purse.as_ref().map_or(0, |purse| purse.rules.pin_id)
}

fn under_mac<'a>(cla: u8, ins: u8, header: Header<'a>) -> Result<Request<'a>, StatusWord> {
    let message = || {
        let message = Message::read(cla, ins, header)?;
        if message.data.is_empty() { Err(StatusWord::WRONG_LENGTH) } else { Ok(message) }
    };
    if ins == 0xD6 {
        let (file, offset) = binary_file(header)?;
        return Ok(Request::UpdateBinaryUnderMac { file, offset, message: message()? });
    }
    let which = match (header.p2 & 0x07, header.p1) {
        (0, tag) => Which::Tag(tag),
        (4, number) => Which::Number(number),
        _ => return Err(StatusWord::WRONG_P1P2),
    };
    Ok(Request::UpdateRecordUnderMac { file: record_file(header)?, which, message: message()? })
}

fn block<'a>(model: &Model, cla: u8, ins: u8, header: Header<'a>) -> Result<Request<'a>, StatusWord> {
    let rows = model.blocking.as_ref().ok_or(StatusWord::INS_UNKNOWN)?;
    let command = [cla, ins, header.p1, header.p2];
    if !rows.commands().contains(&command) {
        return Err(StatusWord::WRONG_P1P2);
    }
    let message = Message::read(cla, ins, header)?;
    if !message.data.is_empty() {
        return Err(StatusWord::WRONG_LENGTH);
    }
    Ok(match command {
        command if command == rows.application => Request::BlockApplication { for_good: false, message },
        command if command == rows.application_for_good => Request::BlockApplication { for_good: true, message },
        command if command == rows.application_again => Request::UnblockApplication(message),
        _ => Request::BlockCard(message),
    })
}

/// Two blocks of 8 bytes, and a key version where the card's rules know one.
fn authentication(model: &Model, header: Header<'_>) -> Result<([Block; 2], Option<u8>), StatusWord> {
    let with_version = model.rules.key_version_byte.is_some() && header.p3 == 17;
    let mut fields = header.fields(if with_version { 17 } else { 16 })?;
    let blocks = [fields.take(), fields.take()];
    let version = with_version.then(|| {
        let [version] = fields.take();
        version
    });
    Ok((blocks, version))
}

fn select(header: Header<'_>) -> Result<Request<'_>, StatusWord> {
    let kind = match (header.p1, header.p2) {
        (0x04, 0x00) => {
            let name = header.data()?;
            return if name.len() <= 16 { Ok(Request::SelectName(name)) } else { Err(StatusWord::WRONG_LENGTH) };
        }
        (0x00, 0x00) => Wanted::Any,
        (0x01, 0x00) => Wanted::Df,
        (0x02, 0x00) => Wanted::Ef,
        _ => return Err(StatusWord::WRONG_P1P2),
    };
    Ok(Request::SelectFile { fid: u16::from_be_bytes(header.fields(2)?.take()), kind })
}

/// SFI in the high five bits of P2; 0 is the current file; 31 is not a file (ISO/IEC 7816-4 7.3.2).
const fn record_file(header: Header<'_>) -> Result<FileRef, StatusWord> {
    match header.p2 >> 3 {
        0 => Ok(FileRef::Current),
        31 => Err(StatusWord::WRONG_P1P2),
        sfi => Ok(FileRef::Sfi(sfi)),
    }
}

/// `80+SFI offset`, or an offset of 15 bits in the current file.
const fn binary_file(header: Header<'_>) -> Result<(FileRef, usize), StatusWord> {
    match header.p1 {
        0x81..=0x9E => Ok((FileRef::Sfi(header.p1 & 0x1F), header.p2 as usize)),
        0x80.. => Err(StatusWord::WRONG_P1P2),
        high => Ok((FileRef::Current, (high as usize) << 8 | header.p2 as usize)),
    }
}

/// Whether `length` bytes can be one PIN, or two with a separator.
fn pin_length(model: &Model, length: usize, separators: usize) -> Result<(), StatusWord> {
    let pin = model.pin.as_ref().ok_or(StatusWord::KEY_NOT_FOUND)?;
    let pins = 1 + separators;
    let range = pin.bytes_min * pins + separators..=pin.bytes_max * pins + separators;
    if range.contains(&length) { Ok(()) } else { Err(StatusWord::WRONG_LENGTH) }
}
