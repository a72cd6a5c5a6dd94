//! The card's door: bytes become one typed command, or a status word and nothing else.
//!
//! Source: LD/T 32.5 command list; ISO/IEC 7816-3 10 (T=0 command header); account rows of the profile.
//! Owns: CLA, INS, P1-P2 and length checks, in this order. Never: looks at the state of the card.
//! Units: lengths in bytes.
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

use card_core::StatusWord;
use card_profiles::account::CommandRow;
use card_profiles::profile::CardKind;

use crate::model::Model;

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
    InternalAuthenticate { factor: [u8; 8], data: [u8; 8] },
    ExternalAuthenticate { key: u8, auth: [u8; 8], plain: [u8; 8] },
    Verify(&'a [u8]),
    ChangePin(&'a [u8]),
    UnblockPin { mac: [u8; 4] },
    ReloadPin { enciphered: [u8; 8], mac: [u8; 4] },
    LoadKey { enciphered: &'a [u8], mac: [u8; 4] },
    GetBalance { kind: u8, le: usize },
    InitLoad { key_index: u8, amount: u32, terminal: [u8; 6] },
    CreditLoad { date_time: [u8; 7], mac2: [u8; 4] },
    InitPurchase { key_index: u8, amounts: [u8; 12], terminal: [u8; 6] },
    DebitPurchase { sequence: u32, date_time: [u8; 7], mac1: [u8; 4] },
    Prove { kind: u8, sequence: u16 },
    PsamDerive { usage: u8, id: u8, data: &'a [u8] },
    PsamEncipher(&'a [u8]),
    PsamMac(&'a [u8]),
    PsamInitPurchase(&'a [u8]),
    PsamCreditPurchase { mac2: [u8; 4] },
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
    PsamDerive,
    PsamCipher,
    PsamInitPurchase,
    PsamCreditPurchase,
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
const PSAM: [(u8, u8, Instruction); 4] = [
    (0xBF, 0xDE, Instruction::PsamDerive),
    (0x80, 0xFA, Instruction::PsamCipher),
    (0x80, 0x70, Instruction::PsamInitPurchase),
    (0x80, 0x72, Instruction::PsamCreditPurchase),
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
pub(crate) fn parse<'a>(model: &Model, bytes: &'a [u8]) -> Result<Request<'a>, StatusWord> {
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
    request(model, cla, ins, instruction, Header { p1, p2, p3, body })
}

fn known(model: &Model, cla: u8, ins: u8) -> Result<Instruction, StatusWord> {
    let own: &[(u8, u8, Instruction)] = match model.kind {
        CardKind::User => &USER,
        CardKind::Psam => &PSAM,
    };
    let table = || COMMON.iter().chain(own).copied();
    if let Some((.., instruction)) = table().find(|(c, i, _)| (*c, *i) == (cla, ins)) {
        return Ok(instruction);
    }
    let [load_cla, load_ins, ..] = model.key_load;
    if (load_cla, load_ins) == (cla, ins) {
        return Ok(Instruction::KeyLoad);
    }
    let account = || account_rows(model).into_iter().flatten();
    if account().any(|row| (row.cla, row.ins) == (cla, ins)) {
        return Ok(Instruction::Account);
    }
    let classes = table().map(|(c, i, _)| (c, i)).chain([(load_cla, load_ins)]);
    let classes = || classes.clone().chain(account().map(|row| (row.cla, row.ins)));
    if classes().any(|(c, _)| c == cla) && !classes().any(|(_, i)| i == ins) {
        return Err(StatusWord::INS_UNKNOWN);
    }
    Err(StatusWord::CLA_UNKNOWN)
}

fn account_rows(model: &Model) -> [Option<CommandRow>; 6] {
    model.account.as_ref().map_or([None; 6], |account| {
        let rules = &account.rules;
        [
            Some(rules.get_balance),
            Some(rules.init_load),
            Some(rules.credit_load),
            Some(rules.init_purchase),
            Some(rules.debit_purchase),
            rules.prove,
        ]
    })
}

fn request<'a>(
    model: &Model,
    cla: u8,
    ins: u8,
    instruction: Instruction,
    header: Header<'a>,
) -> Result<Request<'a>, StatusWord> {
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
        Instruction::InternalAuthenticate => {
            header.parameters(0, 0)?;
            let mut fields = header.fields(16)?;
            Request::InternalAuthenticate { factor: fields.take(), data: fields.take() }
        }
        Instruction::ExternalAuthenticate => {
            header.parameters(0, header.p2)?;
            let mut fields = header.fields(16)?;
            Request::ExternalAuthenticate { key: header.p2, auth: fields.take(), plain: fields.take() }
        }
        Instruction::Verify => {
            header.parameters(0, 0)?;
            let pin = header.data()?;
            pin_length(model, pin.len(), 0)?;
            Request::Verify(pin)
        }
        Instruction::ChangePin => {
            header.parameters(1, 0)?;
            let data = header.data()?;
            pin_length(model, data.len(), 1)?;
            Request::ChangePin(data)
        }
        Instruction::PinUnblock => match (header.p1, header.p2) {
            (0, 0) => Request::UnblockPin { mac: header.fields(4)?.take() },
            (0, 1) => {
                let mut fields = header.fields(12)?;
                Request::ReloadPin { enciphered: fields.take(), mac: fields.take() }
            }
            _ => return Err(StatusWord::WRONG_P1P2),
        },
        Instruction::KeyLoad => {
            let [.., p1, p2] = model.key_load;
            header.parameters(p1, p2)?;
            // LD, three label bytes and a key of 8 or 16 bytes, padded: 16 or 24 bytes; then the MAC.
            let (enciphered, mac) = header.data()?.split_last_chunk::<4>().ok_or(StatusWord::WRONG_LENGTH)?;
            if !matches!(enciphered.len(), 16 | 24) {
                return Err(StatusWord::WRONG_LENGTH);
            }
            Request::LoadKey { enciphered, mac: *mac }
        }
        Instruction::Account => account(model, cla, ins, header)?,
        Instruction::PsamDerive => {
            let data = header.data()?;
            if data.len() % 8 != 0 {
                return Err(StatusWord::WRONG_LENGTH);
            }
            Request::PsamDerive { usage: header.p1, id: header.p2, data }
        }
        Instruction::PsamCipher => {
            let cipher = match (header.p1, header.p2) {
                (0, 0) => Request::PsamEncipher,
                (5, 0) => Request::PsamMac,
                _ => return Err(StatusWord::WRONG_P1P2),
            };
            let data = header.data()?;
            if data.len() % 8 != 0 || (header.p1 == 5 && data.len() < 16) {
                return Err(StatusWord::WRONG_LENGTH);
            }
            cipher(data)
        }
        Instruction::PsamInitPurchase => {
            header.parameters(1, 0)?;
            let data = header.data()?;
            if !matches!(data.len(), 0x1C | 0x24 | 0x2C | 0x34) {
                return Err(StatusWord::WRONG_LENGTH);
            }
            Request::PsamInitPurchase(data)
        }
        Instruction::PsamCreditPurchase => {
            header.parameters(0, 0)?;
            Request::PsamCreditPurchase { mac2: header.fields(4)?.take() }
        }
    })
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

fn account<'a>(model: &Model, cla: u8, ins: u8, header: Header<'a>) -> Result<Request<'a>, StatusWord> {
    let rules = &model.account.as_ref().ok_or(StatusWord::INS_UNKNOWN)?.rules;
    let is = |row: CommandRow| row.header() == [cla, ins, header.p1, header.p2];
    let open = |row: CommandRow| (row.cla, row.ins, row.p1) == (cla, ins, header.p1);
    if is(rules.init_load) {
        let mut fields = header.fields(11)?;
        let [key_index] = fields.take();
        return Ok(Request::InitLoad { key_index, amount: u32::from_be_bytes(fields.take()), terminal: fields.take() });
    }
    if is(rules.credit_load) {
        let mut fields = header.fields(11)?;
        return Ok(Request::CreditLoad { date_time: fields.take(), mac2: fields.take() });
    }
    if is(rules.init_purchase) {
        let mut fields = header.fields(19)?;
        let [key_index] = fields.take();
        return Ok(Request::InitPurchase { key_index, amounts: fields.take(), terminal: fields.take() });
    }
    if is(rules.debit_purchase) {
        let mut fields = header.fields(15)?;
        let sequence = u32::from_be_bytes(fields.take());
        return Ok(Request::DebitPurchase { sequence, date_time: fields.take(), mac1: fields.take() });
    }
    // P2 is the balance or the transaction type asked for, so only P1 belongs to the row.
    if open(rules.get_balance) && matches!(header.p2, 1..=3) {
        return Ok(Request::GetBalance { kind: header.p2, le: header.le()? });
    }
    if rules.prove.is_some_and(open) && [rules.purchase_type, rules.load_type].contains(&header.p2) {
        return Ok(Request::Prove { kind: header.p2, sequence: u16::from_be_bytes(header.fields(2)?.take()) });
    }
    Err(StatusWord::WRONG_P1P2)
}
