//! SELECT (选择文件).
//!
//! Source: ISO/IEC 7816-4 7.1.1; published driver sequences.
//! Owns: current DF and EF, and which rights survive a change of DF. Never: reads a file.

use std::sync::Arc;

use card_core::StatusWord;
use card_profiles::purse::BlockedSelect;

use super::certificate::CertificateState;
use super::{Answer, Block, Card, State, Stop};
use crate::door::{FileRef, Wanted};
use crate::model::{DfModel, EfModel, MF, MfModel, Model, NO_FID};

impl Card {
    /// Before SELECT by name: the environment that has the name, where the current one has it not. What a reset would forget
    /// of the one that is left is forgotten.
    pub(super) fn change_environment(&mut self, current: Arc<Model>, name: &[u8]) -> Arc<Model> {
        let Some(other) = self.environments.named(&current, name).map(Arc::clone) else { return current };
        self.state = State::default();
        self.model = Arc::clone(&other);
        other
    }

    /// SELECT by DF name: any DF of the card that has one; a name that is sent has at least one byte (`door`).
    pub(super) fn select_name(&mut self, model: &Model, name: &[u8], out: &mut Vec<u8>) -> Result<Answer, Stop> {
        if let Some(MfModel::Own { name: own, fci }) = &model.mf
            && own == name
        {
            return Ok(self.enter_mf(model, fci, out));
        }
        let df = model.dfs.iter().position(|df| df.name == name);
        self.enter(model, df.ok_or(StatusWord::FILE_NOT_FOUND)?, out)
    }

    /// SELECT by FID: EFs of the current DF; the first DF from anywhere, the others from inside it.
    pub(super) fn select_file(
        &mut self,
        model: &Model,
        fid: u16,
        kind: Wanted,
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        if kind != Wanted::Df
            && let Some(df) = self.state.df
            && let Some(ef) = model.dfs[df].efs.iter().position(|ef| ef.fid == fid)
        {
            self.state.ef = Some(ef);
            return Ok(Answer::Done);
        }
        match &model.mf {
            Some(MfModel::Own { fci, .. }) if fid == MF && kind != Wanted::Ef => {
                return Ok(self.enter_mf(model, fci, out));
            }
            Some(MfModel::Environment) if fid == MF && kind != Wanted::Ef => return self.enter(model, 0, out),
            Some(_) | None => {}
        }
        // The certificate application lies beside SSSE: each knows its own directories.
        let side = self.state.df.map(|df| model.dfs[df].certificates);
        let reachable = |(index, df): (usize, &DfModel)| index == 0 || side == Some(df.certificates);
        let mut dfs = model.dfs.iter().enumerate().filter(|place| reachable(*place));
        let df = dfs.find(|(_, df)| df.fid == fid && fid != NO_FID && kind != Wanted::Ef).map(|(index, _)| index);
        self.enter(model, df.ok_or(StatusWord::FILE_NOT_FOUND)?, out)
    }

    /// Another DF is current, or the MF, which is none of ours: what that ends is ended here, for both alike.
    fn change_df(&mut self, model: &Model, df: Option<usize>) {
        self.state.df = df;
        self.state.ef = None;
        self.state.rights &= model.lasting_rights;
        self.state.transaction = None;
        self.state.derived = None;
        self.state.certificate = CertificateState::default();
    }

    /// An MF without files: no DF of ours is current.
    fn enter_mf(&mut self, model: &Model, fci: &[u8], out: &mut Vec<u8>) -> Answer {
        self.change_df(model, None);
        out.extend_from_slice(fci);
        Answer::Later
    }

    fn enter(&mut self, model: &Model, df: usize, out: &mut Vec<u8>) -> Result<Answer, Stop> {
        self.change_df(model, Some(df));
        out.extend(self.fci(model, df));
        let blocked = self.block_of(model, df) != Block::Open;
        match model.purse.as_ref().map_or(BlockedSelect::Fci, |purse| purse.rules.blocked_select) {
            BlockedSelect::Refused if blocked => Err(StatusWord::NOT_SUPPORTED.into()),
            BlockedSelect::Fci if blocked => {
                self.state.pending.extend_from_slice(out);
                Err(StatusWord::SELECTED_INVALID.into())
            }
            BlockedSelect::Fci | BlockedSelect::Refused => Ok(Answer::Later),
        }
    }

    /// The FCI of a purse carries its public data, as they are now: `6F{84 name, A5{9F0C data}}`.
    fn fci(&self, model: &Model, df: usize) -> Vec<u8> {
        let row = &model.dfs[df];
        let Some(purse) = model.purse.as_ref().filter(|purse| purse.df == df) else { return row.fci.clone() };
        let (address, length) = purse.public_data;
        let data = self.memory.read(address, length);
        let tlv = |tag: &[u8], value: &[u8]| {
            let length = u8::try_from(value.len()).ok().filter(|length| *length < 0x80)?;
            Some([tag, &[length], value].concat())
        };
        let whole = || {
            let issuer = tlv(&[0xA5], &tlv(&[0x9F, 0x0C], data)?)?;
            tlv(&[0x6F], &[tlv(&[0x84], &row.name)?, issuer].concat())
        };
        // Public data too long for one byte of length: the name alone.
        whole().unwrap_or_else(|| row.fci.clone())
    }

    /// The file that a command means, with its place in the current DF.
    pub(super) fn find<'m>(&self, model: &'m Model, file: FileRef) -> Result<(usize, &'m EfModel), Stop> {
        // The MF of its own has no file.
        let without = match file {
            FileRef::Sfi(_) if model.mf.is_some() => StatusWord::FILE_NOT_FOUND,
            FileRef::Sfi(_) | FileRef::Current => StatusWord::NO_CURRENT_FILE,
        };
        let df = self.state.df.ok_or(without)?;
        let efs = &model.dfs[df].efs;
        let index = match file {
            FileRef::Current => self.state.ef.ok_or(StatusWord::NO_CURRENT_FILE)?,
            FileRef::Sfi(sfi) => efs.iter().position(|ef| ef.sfi == sfi).ok_or(StatusWord::FILE_NOT_FOUND)?,
        };
        Ok((index, &efs[index]))
    }
}
