//! What is selected on one card, and what each of its exchanges was.
//!
//! Source: LD/T 32.5 and ISO/IEC 7816-4 for what SELECT and SFI do to the context; `61xx` and GET RESPONSE after ISO/IEC 7816-3.
//! Owns: current directory and file, the profile that the card turned out to have, the answer that is still to be fetched.
//! Never: knows other readers (`Decoder`), panics or loops on any bytes.
#![warn(clippy::indexing_slicing)]

use std::collections::VecDeque;
use std::ops::Range;

use card_core::StatusWord;
use card_core::algorithm::Algorithm;
use card_core::fci::{AlgorithmId, Fci};
use card_core::tlv;
use card_core::wire::Wire;

use super::Explained;
use super::fields;
use super::files::{self, Asked, File};
use super::kind::Kind;
use super::part::{Field, Guard, Label, Part, Parts, Side};
use crate::format::FormatKind;
use crate::profile::{CardKind, Ef, Profile};

/// Random numbers that are remembered.
const RANDOMS_MAX: usize = 32;

/// Random numbers that cards gave out: a PSAM that is asked to encipher one of them learns no secret.
#[derive(Clone, Debug, Default)]
pub(super) struct Randoms(VecDeque<[u8; 8]>);

impl Randoms {
    fn given(&mut self, challenge: &[u8]) {
        if let Some(first) = challenge.first_chunk::<8>() {
            if self.0.len() >= RANDOMS_MAX {
                self.0.pop_front();
            }
            self.0.push_back(*first);
        }
    }

    /// The last block of the factors of a derivation, before the zeros that SM4 wants.
    fn derived(&mut self, factors: &[u8]) {
        let blocks = factors.chunks_exact(8).rev().find(|block| block.iter().any(|byte| *byte != 0));
        self.given(blocks.unwrap_or_default());
    }

    /// Whether data are one of them, alone or completed with zeros.
    fn has(&self, data: &[u8]) -> bool {
        data.split_first_chunk::<8>()
            .is_some_and(|(first, rest)| self.0.contains(first) && rest.iter().all(|byte| *byte == 0))
    }
}

/// What is known of one card.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracker {
    profile: usize,
    df: Option<usize>,
    ef: Option<usize>,
    /// An EF is selected that the profile does not have.
    foreign: bool,
    algorithm: Option<AlgorithmId>,
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

/// Where data and Le of a command stand.
struct Shape {
    header: [u8; 4],
    data: Range<usize>,
    whole: bool,
}

impl Shape {
    fn of(command: &[u8]) -> Self {
        let header = command.first_chunk::<4>().copied().unwrap_or_default();
        let length = command.len();
        let (data, whole) = match command {
            [_, _, _, _] | [_, _, _, _, _] => (length..length, true),
            [_, _, _, _, 0, high, low, ..] if length > 7 => {
                let data = usize::from(*high) << 8 | usize::from(*low);
                (7..length.min(7 + data), (7 + data..=9 + data).contains(&length))
            }
            [_, _, _, _, lc, ..] => {
                let end = 5 + usize::from(*lc);
                (5..length.min(end), (end..=end + 1).contains(&length))
            }
            _ => (0..length, false),
        };
        Self { header, data, whole }
    }

    /// Bytes of the command before its data that may be shown: none when they need not be a header at all.
    fn open(&self, command: &[u8], kind: Kind) -> usize {
        let is_header = match kind {
            Kind::Unknown => self.whole && is_class(self.header[0]) && !matches!(self.header[1] >> 4, 0x6 | 0x9),
            _ => command.len() >= 4,
        };
        if is_header { self.data.start.min(command.len()) } else { 0 }
    }
}

/// Classes of deployed commands and of readers' own; other first bytes are as likely those of a PIN.
const fn is_class(cla: u8) -> bool {
    matches!(cla, 0x00 | 0x04 | 0x0C | 0x80 | 0x84 | 0x8C | 0x90 | 0xA0 | 0xB0 | 0xB4 | 0xBF | 0xFF)
}

impl Tracker {
    fn profile<'a>(&self, catalogue: &'a [Profile]) -> &'a Profile {
        catalogue.get(self.profile).or_else(|| catalogue.first()).expect("a decoder has profiles")
    }

    fn file<'a>(&self, catalogue: &'a [Profile], place: Option<(usize, usize)>) -> Option<File<'a>> {
        let profile = self.profile(catalogue);
        let (df, ef) = place?;
        let df = profile.df.get(df)?;
        Some(File { profile, df, ef: df.ef.get(ef)? })
    }

    /// Explains one exchange and follows what it selects.
    pub(super) fn exchange(
        &mut self,
        catalogue: &[Profile],
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
            Kind::InternalAuthenticate => {
                parts.fields(fields::INTERNAL);
                Plan::Fields(fields::CRYPTOGRAM)
            }
            Kind::ExternalAuthenticate => {
                parts.fields(fields::EXTERNAL);
                notes.extend(self.key_note(catalogue, shape.header[3]));
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
            Kind::UpdateCache => Plan::Nothing,
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
            notes.push(Label::of(format!("还剩 {left} 次"), format!("{left} tries left")));
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
        }
    }

    /// The file that a command means: by SFI, which then is current, or the current one.
    fn meant(&mut self, catalogue: &[Profile], sfi: u8, done: bool) -> Option<(usize, usize)> {
        if sfi == 0 {
            return self.df.zip(self.ef).filter(|_| !self.foreign);
        }
        let found = self.find(catalogue, |ef| ef.sfi() == sfi);
        if done {
            (self.ef, self.foreign) = (found, found.is_none());
        }
        self.df.zip(found)
    }

    /// A file of the current directory. The environments of a card and of a PSAM have the same name: where only one of them has
    /// the file, the card is that one.
    fn find(&mut self, catalogue: &[Profile], is_it: impl Fn(&Ef) -> bool) -> Option<usize> {
        let position = |profile: &Profile, df: usize| profile.df.get(df)?.ef.iter().position(&is_it);
        let df = self.df?;
        if let Some(found) = position(self.profile(catalogue), df) {
            return Some(found);
        }
        let name = &self.profile(catalogue).df.get(df)?.df_name;
        let same = |profile: &Profile| profile.df.iter().position(|other| !name.is_empty() && other.df_name == *name);
        let (index, df, ef) = catalogue.iter().enumerate().find_map(|(index, profile)| {
            let df = same(profile)?;
            Some((index, df, position(profile, df)?))
        })?;
        (self.profile, self.df) = (index, Some(df));
        Some(ef)
    }

    fn become_psam(&mut self, catalogue: &[Profile]) {
        if self.profile(catalogue).kind == CardKind::Psam {
            return;
        }
        if let Some(index) = catalogue.iter().position(|profile| profile.kind == CardKind::Psam) {
            self.profile = index;
            self.df = catalogue.get(index).and_then(|psam| psam.df.iter().position(|df| df.id == "DF01"));
            self.ef = None;
        }
    }

    fn select(&mut self, catalogue: &[Profile], [_, _, p1, _]: [u8; 4], data: &[u8]) -> Option<Label> {
        let profile = self.profile(catalogue);
        (self.ef, self.foreign) = (None, false);
        if p1 == 0x04 {
            let find = |profile: &Profile| profile.df.iter().position(|df| !data.is_empty() && df.df_name == data);
            let here = find(profile).map(|df| (self.profile, df));
            let found = here
                .or_else(|| catalogue.iter().enumerate().find_map(|(index, profile)| Some((index, find(profile)?))));
            match found {
                Some((index, df)) => (self.profile, self.df) = (index, Some(df)),
                None => self.df = None,
            }
            return self
                .selected(catalogue)
                .or_else(|| Some(Label::new("此应用不在卡片描述中", "an application of no profile")));
        }
        let fid = match data {
            [high, low] => u16::from_be_bytes([*high, *low]),
            _ => 0x3F00,
        };
        if let Some(df) = profile.df.iter().position(|df| df.fid == fid).filter(|_| p1 != 0x02) {
            self.df = Some(df);
            return self.selected(catalogue);
        }
        if fid == 0x3F00 {
            self.df = None;
            return Some(Label::new("主文件", "the master file"));
        }
        let ef = self.find(catalogue, |ef| ef.fid == fid);
        (self.ef, self.foreign) = (ef, ef.is_none());
        let row = self.file(catalogue, self.df.zip(ef));
        Some(match row {
            Some(file) => Label::of(
                format!("选中 {} {}", file.ef.id, file.ef.name),
                format!("selects {} {}", file.ef.id, file.ef.name),
            ),
            None => Label::of(
                format!("选中 {fid:04X},不在卡片描述中"),
                format!("selects {fid:04X}, which the profile lacks"),
            ),
        })
    }

    fn selected(&self, catalogue: &[Profile]) -> Option<Label> {
        let df = self.df.and_then(|df| self.profile(catalogue).df.get(df))?;
        Some(Label::of(format!("选中 {} {}", df.id, df.name), format!("selects {} {}", df.id, df.name)))
    }

    fn answer(
        &mut self,
        catalogue: &[Profile],
        fixed: bool,
        plan: Plan,
        answer: &[u8],
        body: Range<usize>,
    ) -> Vec<Part> {
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

    /// 规范版本 in SSSE EF05 tells the generation: from now on the card is read by that profile.
    fn recognise(&mut self, catalogue: &[Profile], place: Option<(usize, usize)>, records: &[u8]) {
        let Some(file) = self.file(catalogue, place) else { return };
        if (file.df.id.as_str(), file.ef.id.as_str(), file.profile.kind) != ("SSSE", "EF05", CardKind::User) {
            return;
        }
        let version = tlv::items(records).find_map(|item| item.ok().filter(|item| item.tag == 0x03));
        let name = match (version.and_then(|item| item.value.first().copied()), self.algorithm) {
            (Some(b'1'), _) => "ssc-1.0",
            (Some(b'2'), _) => "ssc-2.0",
            (Some(b'3'), Some(AlgorithmId::SM4)) => "ssc-3.0-sm4",
            (Some(b'3'), _) => "ssc-3.0",
            _ => return,
        };
        if let Some(index) = catalogue.iter().position(|profile| profile.name == name) {
            self.profile = index;
        }
    }

    fn key_note(&self, catalogue: &[Profile], id: u8) -> Option<Label> {
        let profile = self.profile(catalogue);
        let current = self.df.and_then(|df| profile.df.get(df)).map(|df| df.id.as_str());
        let first = profile.df.first().map(|df| df.id.as_str());
        let of = |df: Option<&str>| {
            let mut rows = profile.key.iter().filter(|row| row.id == id && row.class.authenticates_externally());
            rows.find(|row| Some(row.df.as_str()) == df)
        };
        let row = if id & 0x80 == 0 { of(first).or_else(|| of(current)) } else { of(current) }?;
        Some(Label::of(format!("密钥 {} {}", row.name, row.purpose), format!("key {} ({})", row.name, row.purpose)))
    }
}

fn select_label([_, _, p1, _]: [u8; 4]) -> Label {
    if p1 == 0x04 { Label::new("DF 名称", "DF name") } else { Label::new("文件标识符", "file identifier") }
}

fn asked(kind: Kind, [_, _, p1, p2]: [u8; 4]) -> Asked {
    match (kind, p2 & 0x07) {
        (Kind::AppendRecord, _) => Asked::Number(1),
        (_, 4) => Asked::Number(p1),
        (_, 5) => Asked::AllFrom(p1),
        (_, 0) => Asked::Tag(p1),
        _ => Asked::Number(1),
    }
}

/// With secure messaging the last four bytes of the data are a MAC.
fn without_mac([cla, ..]: [u8; 4], data: &Range<usize>) -> (Range<usize>, Range<usize>) {
    let end = if cla & 0x04 == 0 { data.end } else { data.end.saturating_sub(4).max(data.start) };
    (data.start..end, end..data.end)
}

fn mac_part(command: &[u8], range: Range<usize>) -> Vec<Part> {
    let mut parts = Parts::new(Side::Command, command, range);
    parts.fields(if parts.rest().is_empty() { &[] } else { fields::ONLY_MAC });
    parts.finish()
}

fn psam_key_note(catalogue: &[Profile], [_, _, usage, id]: [u8; 4]) -> Option<Label> {
    let place = |row: &&crate::profile::KeyRow| row.psam.is_some_and(|psam| (psam.usage, psam.id) == (usage, id));
    let row = catalogue.iter().find_map(|profile| profile.key.iter().find(place))?;
    Some(Label::of(format!("密钥 {} {}", row.name, row.purpose), format!("key {} ({})", row.name, row.purpose)))
}
