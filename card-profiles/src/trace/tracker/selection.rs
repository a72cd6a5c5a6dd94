//! What SELECT and SFI do to the context, and which profile the card turns out to have.
//!
//! Source: LD/T 32.5 and ISO/IEC 7816-4. Owns: current directory and file. Never: explains a byte.
#![warn(clippy::indexing_slicing)]

use card_core::tlv;

use super::Tracker;
use crate::identity::CardIdentifier;
use crate::profile::{CardKind, Ef, Profile};
use crate::trace::kind::Kind;
use crate::trace::part::Label;
use crate::trace::shelf::Shelf;

/// The certificate application, by name or below its directory.
const CERTIFICATES: Label = Label::new("选中 证书应用", "selects the certificate application");

impl Tracker {
    /// The file that a command means: by SFI, which then is current, or the current one.
    pub(super) fn meant(&mut self, catalogue: &Shelf, sfi: u8, done: bool) -> Option<(usize, usize)> {
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
    pub(super) fn find(&mut self, catalogue: &Shelf, is_it: impl Fn(&Ef) -> bool) -> Option<usize> {
        let position = |profile: &Profile, df: usize| profile.df.get(df)?.ef.iter().position(&is_it);
        let df = self.df?;
        if let Some(found) = position(self.profile(catalogue), df) {
            return Some(found);
        }
        let name = &self.profile(catalogue).df.get(df)?.df_name;
        let same = |profile: &Profile| profile.df.iter().position(|other| !name.is_empty() && other.df_name == *name);
        let (index, df, ef) = catalogue.of_all_regions().iter().enumerate().find_map(|(index, profile)| {
            let df = same(profile)?;
            Some((index, df, position(profile, df)?))
        })?;
        (self.profile, self.df) = (index, Some(df));
        Some(ef)
    }

    /// Whether a SELECT of this identifier finds something.
    pub(in crate::trace) fn has_fid(&self, catalogue: &[Profile], [_, _, p1, _]: [u8; 4], fid: u16) -> bool {
        let profile = self.profile(catalogue);
        let here = self.df.and_then(|df| profile.df.get(df));
        p1 != 0x02 && profile.df.iter().any(|df| df.fid == fid)
            || here.is_some_and(|df| df.ef.iter().any(|ef| ef.fid == fid))
    }

    /// Whether the directory of this identifier is the current one.
    pub(in crate::trace) fn is_in(&self, catalogue: &[Profile], fid: &[u8]) -> bool {
        let here = self.df.and_then(|df| self.profile(catalogue).df.get(df));
        here.is_some_and(|df| df.fid.to_be_bytes() == fid)
    }

    /// Whether the file that a command on files means is there: by SFI, else the current one.
    pub(in crate::trace) fn has_file(&self, catalogue: &[Profile], [_, _, p1, p2]: [u8; 4], kind: Kind) -> bool {
        let sfi = match kind {
            Kind::ReadBinary | Kind::UpdateBinary if p1 & 0x80 != 0 => p1 & 0x1F,
            Kind::ReadRecord | Kind::UpdateRecord => p2 >> 3,
            _ => 0,
        };
        let here = self.df.and_then(|df| self.profile(catalogue).df.get(df));
        if sfi == 0 { self.ef.is_some() } else { here.is_some_and(|df| df.ef.iter().any(|ef| ef.sfi() == sfi)) }
    }

    pub(super) fn become_psam(&mut self, catalogue: &[Profile]) {
        if self.profile(catalogue).kind == CardKind::Psam {
            return;
        }
        if let Some(index) = catalogue.iter().position(|profile| profile.kind == CardKind::Psam) {
            self.profile = index;
            self.df = catalogue.get(index).and_then(|psam| psam.df.iter().position(|df| df.id == "DF01"));
            self.ef = None;
        }
    }

    pub(super) fn select(&mut self, catalogue: &Shelf, [_, _, p1, _]: [u8; 4], data: &[u8]) -> Option<Label> {
        let profile = self.profile(catalogue);
        (self.ef, self.foreign) = (None, false);
        let in_certificates = self.certificates.take().filter(|_| p1 != 0x04);
        if p1 == 0x04 {
            let find = |profile: &Profile| profile.df.iter().position(|df| !data.is_empty() && df.df_name == data);
            let here = find(profile).map(|df| (self.profile, df));
            let found = here
                .or_else(|| catalogue.iter().enumerate().find_map(|(index, profile)| Some((index, find(profile)?))));
            match found {
                Some((index, df)) => (self.profile, self.df) = (index, Some(df)),
                None => self.df = None,
            }
            let is_it = |profile: &Profile| {
                let rules = profile.certificate.as_ref();
                rules.is_some_and(|rules| rules.df_name == data || rules.application_name == data)
            };
            if found.is_none()
                && let Some(index) = catalogue.iter().position(is_it)
            {
                self.certificates = Some(index);
                return Some(CERTIFICATES);
            }
            return self
                .selected(catalogue)
                .or_else(|| Some(Label::new("此应用不在卡片描述中", "an application of no profile")));
        }
        let fid = match data {
            [high, low] => u16::from_be_bytes([*high, *low]),
            _ => 0x3F00,
        };
        let rules = in_certificates.and_then(|index| catalogue.get(index)?.certificate.as_ref());
        if let Some(rules) = rules.filter(|_| fid != 0x3F00) {
            let file = rules.file.iter().find(|file| file.fid == fid);
            if file.is_some() || rules.application_fid == fid {
                (self.certificates, self.foreign) = (in_certificates, file.is_some());
                return Some(file.map_or(CERTIFICATES, |file| {
                    Label::of(format!("选中 {} {}", file.id, file.name), format!("selects {} {}", file.id, file.name))
                }));
            }
        }
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

    pub(super) fn selected(&self, catalogue: &[Profile]) -> Option<Label> {
        let df = self.df.and_then(|df| self.profile(catalogue).df.get(df))?;
        Some(Label::of(format!("选中 {} {}", df.id, df.name), format!("selects {} {}", df.id, df.name)))
    }

    /// 规范版本 in SSSE EF05 tells the generation, the card identifier the city: from now on the card is read by that profile.
    pub(super) fn recognise(&mut self, catalogue: &Shelf, place: Option<(usize, usize)>, records: &[u8]) {
        let Some(file) = self.file(catalogue, place) else { return };
        if (file.df.id.as_str(), file.ef.id.as_str(), file.profile.kind) != ("SSSE", "EF05", CardKind::User) {
            return;
        }
        // One answer may hold one record, or all of them.
        let item = |tag| tlv::items(records).find_map(|item| item.ok().filter(|item| item.tag == tag));
        let identifier = item(0x01).and_then(|item| item.value.try_into().ok()).map(CardIdentifier::from_bytes);
        self.city = identifier.and_then(|identifier| identifier.city()).or(self.city);
        self.version = item(0x03).and_then(|item| item.value.first().copied()).or(self.version);
        let known = self.version.and_then(|version| catalogue.of_card(version, self.algorithm, self.city));
        self.profile = known.unwrap_or(self.profile);
    }
}
