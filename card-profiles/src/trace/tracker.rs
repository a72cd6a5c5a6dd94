//! What is selected on one card, and what each of its exchanges was.
//!
//! Source: LD/T 32.5 and ISO/IEC 7816-4 for what SELECT and SFI do to the context; `61xx` and GET RESPONSE after ISO/IEC 7816-3.
//! Owns: current directory and file, the profile that the card turned out to have, the answer that is still to be fetched.
//! Never: knows other readers (`Decoder`), panics or loops on any bytes.
#![warn(clippy::indexing_slicing)]

mod randoms;
mod selection;
mod shape;

use std::ops::Range;

use card_core::StatusWord;
use card_core::algorithm::{Algorithm, Authentication};
use card_core::fci::{AlgorithmId, Fci};
use card_core::security::CityCode;
use card_core::wire::Wire;

pub(super) use self::randoms::Randoms;
use self::shape::{Shape, asked, mac_part, without_mac};
use super::fields;
use super::files::{self, Asked, File};
use super::kind::Kind;
use super::part::{Field, Guard, Label, Part, Parts, Side};
use super::shelf::Shelf;
use super::{Explained, Voice};
use crate::format::FormatKind;
use crate::profile::{KeyRow, Profile};

/// What is known of one card.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracker {
    profile: usize,
    df: Option<usize>,
    ef: Option<usize>,
    /// An EF is selected that the profile does not have.
    foreign: bool,
    /// The certificate application, or the directory above it, is current: the profile with its rows. Its files are no files of a DF.
    certificates: Option<usize>,
    algorithm: Option<AlgorithmId>,
    /// First character of 规范版本, and the city: as far as the card said them.
    version: Option<u8>,
    city: Option<CityCode>,
    pending: Plan,
    /// A header whose data are still to come: at T=0 a log may have them as a line of their own.
    split: Option<(Kind, usize)>,
}

/// What the answer of a command holds; kept for GET RESPONSE.
#[derive(Clone, Copy, Debug, Default)]
enum Plan {
    #[default]
    Nothing,
    Fci,
    Records(Option<(usize, usize)>, Asked),
    Binary(Option<(usize, usize)>, usize),
    Fields(&'static [Field]),
    Blocks,
    /// A challenge, which a PSAM may be asked to encipher.
    Challenge,
    /// Never shown: it is not known what was asked for.
    Hidden,
}

impl Tracker {
    /// The profile that the card turned out to have.
    pub(super) fn profile<'a>(&self, catalogue: &'a [Profile]) -> &'a Profile {
        catalogue.get(self.profile).or_else(|| catalogue.first()).expect("a decoder has profiles")
    }

    fn file<'a>(&self, catalogue: &'a [Profile], place: Option<(usize, usize)>) -> Option<File<'a>> {
        let profile = self.profile(catalogue);
        let (df, ef) = place?;
        let df = profile.df.get(df)?;
        Some(File { profile, df, ef: df.ef.get(ef)? })
    }

    /// Whether a command of this length is the data of the header before.
    pub(super) fn awaits(&self, length: usize) -> bool {
        self.split.is_some_and(|(_, wanted)| wanted == length)
    }

    /// Explains one exchange and follows what it selects.
    pub(super) fn exchange(
        &mut self,
        catalogue: &Shelf,
        fixed: bool,
        random: &mut Randoms,
        command: &[u8],
        answer: Option<&[u8]>,
    ) -> Explained {
        if let Some((kind, length)) = self.split.take()
            && length == command.len()
        {
            return self.continued(catalogue, kind, command, answer);
        }
        let shape = Shape::of(command);
        let kind =
            if command.len() < 4 { Kind::Unknown } else { Kind::of(shape.header, self.profile(catalogue), catalogue) };
        let open = shape.open(command, kind);
        if !shape.whole {
            return self.malformed(catalogue, kind, open, command, answer);
        }
        if let [_, _, _, _, length] = *command
            && length > 0
            && kind.brings_data()
        {
            let length = usize::from(length);
            // The data in the place of an answer, as a list of bare lines may have them.
            if answer.is_some_and(|answer| length > 2 && answer.len() == length) {
                return self.continued(catalogue, kind, command, answer);
            }
            self.split = answer.is_none_or(|answer| answer.len() < 2).then_some((kind, length));
        }
        let status = answer.and_then(|answer| answer.last_chunk::<2>()).map(|sw| StatusWord(u16::from_be_bytes(*sw)));
        // A log of commands alone is read as if the card had done them.
        let done = status.is_none_or(|sw| sw.is_ok() || sw.sw1() == 0x62 || sw.sw1() == 0x63);
        let body = answer.map_or(0..0, |answer| 0..answer.len().saturating_sub(2));
        if kind.is_of_psam() {
            self.become_psam(catalogue);
        }
        let mut notes = Vec::new();
        let mut about = None;
        let data = command.get(shape.data.clone()).unwrap_or_default();
        let mut parts = Parts::new(Side::Command, command, shape.data.clone());
        let mut written = Vec::new();
        let plan = match kind {
            Kind::GetResponse => std::mem::take(&mut self.pending),
            Kind::Select => {
                parts.take(data.len(), select_label(shape.header), FormatKind::B, Guard::Open);
                if done {
                    notes.extend(self.select(catalogue, shape.header, data));
                }
                Plan::Fci
            }
            Kind::ReadRecord | Kind::UpdateRecord | Kind::AppendRecord => {
                let asked = asked(kind, shape.header);
                let sfi = if kind == Kind::AppendRecord { 0 } else { shape.header[3] >> 3 };
                about = self.meant(catalogue, sfi, done);
                if kind == Kind::ReadRecord {
                    Plan::Records(about, asked)
                } else {
                    let (data, mac) = without_mac(shape.header, &shape.data);
                    written = files::records(Side::Command, command, data, self.file(catalogue, about), asked);
                    written.extend(mac_part(command, mac));
                    Plan::Nothing
                }
            }
            Kind::ReadBinary | Kind::UpdateBinary => {
                let [_, _, p1, p2] = shape.header;
                let (sfi, offset) = if p1 & 0x80 == 0 {
                    (0, usize::from(p1) << 8 | usize::from(p2))
                } else {
                    (p1 & 0x1F, usize::from(p2))
                };
                about = self.meant(catalogue, sfi, done);
                if kind == Kind::ReadBinary {
                    Plan::Binary(about, offset)
                } else {
                    let (data, mac) = without_mac(shape.header, &shape.data);
                    written = files::binary(Side::Command, command, data, self.file(catalogue, about), offset);
                    written.extend(mac_part(command, mac));
                    Plan::Nothing
                }
            }
            Kind::GetChallenge => Plan::Challenge,
            Kind::InternalAuthenticate if self.profile(catalogue).rules().authentication == Authentication::Whole => {
                parts.fields(fields::INTERNAL_WHOLE);
                notes.extend(self.internal_note(catalogue, fixed, shape.header));
                Plan::Fields(fields::INTERNAL_RESULT)
            }
            Kind::InternalAuthenticate => {
                parts.fields(fields::INTERNAL);
                Plan::Fields(fields::CRYPTOGRAM)
            }
            Kind::ExternalAuthenticate => {
                parts.fields(fields::EXTERNAL);
                notes.extend(self.key_note(catalogue, fixed, shape.header[3]));
                Plan::Nothing
            }
            Kind::Verify if data.len() >= 8 => {
                parts.fields(fields::PIN_CRYPTOGRAM);
                Plan::Nothing
            }
            Kind::Verify => {
                parts.fields(&[fields::PIN]);
                Plan::Nothing
            }
            Kind::ChangePin => {
                fields::change_pin(&mut parts, data);
                Plan::Nothing
            }
            Kind::ReloadPinPlain => {
                parts.take(
                    data.len().saturating_sub(4),
                    Label::new("新口令", "new PIN"),
                    FormatKind::Cn,
                    Guard::Secret,
                );
                parts.fields(fields::ONLY_MAC);
                Plan::Nothing
            }
            Kind::PinMaintenance => {
                let label = Label::new("口令密文", "enciphered PIN");
                parts.take(data.len().saturating_sub(4), label, FormatKind::B, Guard::Secret);
                parts.fields(fields::ONLY_MAC);
                Plan::Nothing
            }
            Kind::KeyLoad => {
                parts.fields(fields::WRAPPED_KEY);
                Plan::Nothing
            }
            Kind::Blocking(..) => {
                parts.fields(fields::ONLY_MAC);
                Plan::Nothing
            }
            Kind::PsamDerive | Kind::PsamDeliver => {
                fields::factors(&mut parts, kind == Kind::PsamDerive);
                random.derived(data);
                notes.extend(psam_key_note(catalogue, shape.header));
                Plan::Nothing
            }
            Kind::PsamCipher => {
                let is_wide = self.profile(catalogue).algorithm == Algorithm::Sm4;
                fields::psam_cipher(&mut parts, shape.header[2], is_wide, |data| random.has(data));
                Plan::Blocks
            }
            Kind::PsamPurchase | Kind::PsamPurchasePboc => {
                let before =
                    if kind == Kind::PsamPurchase { fields::PSAM_PURCHASE } else { fields::PSAM_PURCHASE_PBOC };
                parts.fields(before);
                fields::factors(&mut parts, false);
                Plan::Fields(fields::PSAM_START)
            }
            Kind::PsamCredit => {
                parts.fields(fields::PSAM_CREDIT);
                Plan::Nothing
            }
            Kind::Certificate(..) => {
                parts.fields(&[fields::KEY_MATERIAL]);
                Plan::Nothing
            }
            Kind::Money(_, _, sent, answered) => {
                parts.fields(sent);
                Plan::Fields(answered)
            }
            // Nothing reaches the file, nor is it selected, before the DEBIT that follows.
            Kind::UpdateCache => {
                about = self.meant(catalogue, shape.header[3] >> 3, false);
                written = files::records(
                    Side::Command,
                    command,
                    shape.data,
                    self.file(catalogue, about),
                    asked(kind, shape.header),
                );
                Plan::Nothing
            }
            Kind::Unknown => Plan::Hidden,
        };
        let mut parts = if written.is_empty() { parts.finish() } else { written };
        if open == 0 {
            parts = Parts::new(Side::Command, command, 0..command.len()).hide();
        }
        if let (Plan::Challenge, Some(answer)) = (plan, answer) {
            random.given(answer.get(body.clone()).unwrap_or_default());
        }
        if let Some(answer) = answer {
            let body = if answer.len() < 2 { 0..answer.len() } else { body };
            parts.extend(self.answer(catalogue, fixed, plan, answer, body));
        }
        self.pending = match status {
            Some(sw) if sw.sw1() == 0x61 && kind != Kind::GetResponse => plan,
            _ => Plan::Nothing,
        };
        if about.is_none()
            && let Plan::Records(place, _) | Plan::Binary(place, _) = plan
        {
            about = place;
        }
        if shape.header[0] & 0x04 != 0 && matches!(kind, Kind::UpdateRecord | Kind::UpdateBinary | Kind::AppendRecord) {
            notes.push(Label::new("安全报文", "secure messaging"));
        }
        self.explained(catalogue, kind, open, about, parts, notes, status, command, answer.unwrap_or_default())
    }

    /// Bytes that are no command by their length: nothing of them but a header that is known, nothing of what came back.
    fn malformed(
        &mut self,
        catalogue: &[Profile],
        kind: Kind,
        open: usize,
        command: &[u8],
        answer: Option<&[u8]>,
    ) -> Explained {
        self.pending = Plan::Nothing;
        let mut parts = Parts::new(Side::Command, command, open..command.len()).hide();
        let answer = answer.unwrap_or_default();
        let end = if answer.len() < 2 { answer.len() } else { answer.len() - 2 };
        parts.extend(Parts::new(Side::Answer, answer, 0..end).hide());
        let status = answer.last_chunk::<2>().map(|sw| StatusWord(u16::from_be_bytes(*sw)));
        let notes = vec![Label::new("长度不符的命令", "a command of impossible length")];
        self.explained(catalogue, kind, open, None, parts, notes, status, command, answer)
    }

    /// The data of a command whose header stood before, in a line of its own: as a command, or as the answer to it.
    fn continued(&mut self, catalogue: &[Profile], kind: Kind, command: &[u8], answer: Option<&[u8]>) -> Explained {
        self.pending = Plan::Nothing;
        let answer = answer.unwrap_or_default();
        let is_answer =
            matches!(*command, [_, _, _, _, length] if answer.len() == usize::from(length)) && answer.len() > 2;
        let open = if is_answer { command.len() } else { 0 };
        let mut parts = Parts::new(Side::Command, command, open..command.len()).hide();
        let end = if is_answer || answer.len() < 2 { answer.len() } else { answer.len() - 2 };
        parts.extend(Parts::new(Side::Answer, answer, 0..end).hide());
        let status = answer.last_chunk::<2>().filter(|_| !is_answer).map(|sw| StatusWord(u16::from_be_bytes(*sw)));
        let notes = vec![Label::new("命令头之后的数据", "the data after the header of the command")];
        self.explained(catalogue, kind, open, None, parts, notes, status, command, answer)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one sentence, put together once")]
    fn explained(
        &self,
        catalogue: &[Profile],
        kind: Kind,
        open: usize,
        about: Option<(usize, usize)>,
        parts: Vec<Part>,
        mut notes: Vec<Label>,
        status: Option<StatusWord>,
        command: &[u8],
        answer: &[u8],
    ) -> Explained {
        let profile = self.profile(catalogue);
        if let Some(left) = status.and_then(StatusWord::tries) {
            notes.push(Label::of(
                format!("还剩 {left} 次"),
                format!("{left} {} left", if left == 1 { "try" } else { "tries" }),
            ));
        }
        let mut wire = Wire::default();
        wire.add(command, answer);
        Explained {
            name: kind.label(),
            known: kind != Kind::Unknown,
            profile: profile.name.clone(),
            directory: self.df.and_then(|df| profile.df.get(df)).map(|df| (df.id.clone(), df.name.clone())),
            file: self.file(catalogue, about).map(|file| (file.ef.id.clone(), file.ef.name.clone())),
            open,
            parts,
            notes,
            status,
            wire,
            voice: Voice::Card,
        }
    }

    fn answer(&mut self, catalogue: &Shelf, fixed: bool, plan: Plan, answer: &[u8], body: Range<usize>) -> Vec<Part> {
        let data = answer.get(body.clone()).unwrap_or_default();
        match plan {
            Plan::Fci => {
                if let Ok(fci) = Fci::parse(data) {
                    self.algorithm = fci.algorithm.or(self.algorithm);
                }
                files::fci(Side::Answer, answer, body)
            }
            Plan::Records(place, asked) => {
                if !fixed {
                    self.recognise(catalogue, place, data);
                }
                files::records(Side::Answer, answer, body, self.file(catalogue, place), asked)
            }
            Plan::Binary(place, offset) => {
                files::binary(Side::Answer, answer, body, self.file(catalogue, place), offset)
            }
            Plan::Fields(fields) => {
                let mut parts = Parts::new(Side::Answer, answer, body);
                parts.fields(fields);
                parts.finish()
            }
            Plan::Blocks | Plan::Challenge => {
                let mut parts = Parts::new(Side::Answer, answer, body);
                fields::blocks(&mut parts);
                parts.finish()
            }
            Plan::Hidden => Parts::new(Side::Answer, answer, body).hide(),
            Plan::Nothing => Parts::new(Side::Answer, answer, body).finish(),
        }
    }

    /// The keys that an EXTERNAL AUTHENTICATION may mean; a global one is that of the first directory.
    fn key_note(&self, catalogue: &[Profile], fixed: bool, id: u8) -> Option<Label> {
        let profile = self.profile(catalogue);
        let first = profile.df.first().filter(|_| id & 0x80 == 0).map(|df| df.id.as_str());
        self.note(catalogue, fixed, first, |row| row.id == id && profile.proves(row))
    }

    fn internal_note(&self, catalogue: &[Profile], fixed: bool, [_, _, p1, id]: [u8; 4]) -> Option<Label> {
        self.note(catalogue, fixed, None, |row| {
            row.class.serves_internally().is_some_and(|what| what.p1() == p1) && row.id == id
        })
    }

    /// The key of the `first` directory, else of the current one. Where a log does not say which is selected, and a profile was
    /// given, every key that may be meant.
    fn note(
        &self,
        catalogue: &[Profile],
        fixed: bool,
        first: Option<&str>,
        fits: impl Fn(&KeyRow) -> bool,
    ) -> Option<Label> {
        let profile = self.profile(catalogue);
        let rows: Vec<&KeyRow> = profile.key.iter().filter(|row| fits(row)).collect();
        let of = |df: &str| rows.iter().find(|row| row.df == df).map(|row| key_label(row));
        let current = self.df.and_then(|df| profile.df.get(df)).map(|df| df.id.as_str());
        match (first.and_then(of), current) {
            (Some(found), _) => Some(found),
            (None, Some(current)) => of(current),
            (None, None) if fixed => keys_label(&rows),
            (None, None) => None,
        }
    }
}

/// One of these keys; `None` for none.
fn keys_label(rows: &[&KeyRow]) -> Option<Label> {
    match rows {
        [] => None,
        [row] => Some(key_label(row)),
        several => {
            let names = |or: &str| {
                let of = |row: &&KeyRow| format!("{} ({})", row.name, row.df);
                several.iter().map(of).collect::<Vec<_>>().join(or)
            };
            Some(Label::of(format!("密钥 {}", names(" 或 ")), format!("key {}", names(" or "))))
        }
    }
}

fn key_label(row: &KeyRow) -> Label {
    Label::of(format!("密钥 {} {}", row.name, row.purpose), format!("key {} ({})", row.name, row.purpose))
}

fn select_label([_, _, p1, _]: [u8; 4]) -> Label {
    if p1 == 0x04 { Label::new("DF 名称", "DF name") } else { Label::new("文件标识符", "file identifier") }
}

fn psam_key_note(catalogue: &[Profile], [_, _, usage, id]: [u8; 4]) -> Option<Label> {
    let place = |row: &&KeyRow| row.psam.is_some_and(|psam| (psam.usage, psam.id) == (usage, id));
    catalogue.iter().find_map(|profile| profile.key.iter().find(place)).map(key_label)
}
