//! SELECT (选择文件).
//!
//! Source: ISO/IEC 7816-4 7.1.1; published driver sequences.
//! Owns: current DF and EF, and which rights survive a change of DF. Never: reads a file.

use card_core::StatusWord;

use super::{Answer, Card, Stop};
use crate::door::{FileRef, Wanted};
use crate::model::{EfModel, Model};

/// File identifier of the MF.
pub(super) const MF: u16 = 0x3F00;

impl Card {
    /// SELECT by DF name: any DF of the card.
    pub(super) fn select_name(&mut self, model: &Model, name: &[u8], out: &mut Vec<u8>) -> Result<Answer, Stop> {
        let df = model.dfs.iter().position(|df| !df.name.is_empty() && df.name == name);
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
        let reachable = if self.state.df.is_some() { model.dfs.len() } else { 1 };
        let df = model.dfs.iter().take(reachable).position(|df| df.fid == fid && kind != Wanted::Ef);
        self.enter(model, df.ok_or(StatusWord::FILE_NOT_FOUND)?, out)
    }

    fn enter(&mut self, model: &Model, df: usize, out: &mut Vec<u8>) -> Result<Answer, Stop> {
        self.state.df = Some(df);
        self.state.ef = None;
        self.state.rights &= model.lasting_rights;
        self.state.transaction = None;
        self.state.derived = None;
        out.extend_from_slice(&model.dfs[df].fci);
        Ok(Answer::Later)
    }

    /// The file that a command means, with its place in the current DF.
    pub(super) fn find<'m>(&self, model: &'m Model, file: FileRef) -> Result<(usize, &'m EfModel), Stop> {
        let df = self.state.df.ok_or(StatusWord::NO_CURRENT_FILE)?;
        let efs = &model.dfs[df].efs;
        let index = match file {
            FileRef::Current => self.state.ef.ok_or(StatusWord::NO_CURRENT_FILE)?,
            FileRef::Sfi(sfi) => efs.iter().position(|ef| ef.sfi == sfi).ok_or(StatusWord::FILE_NOT_FOUND)?,
        };
        Ok((index, &efs[index]))
    }
}
