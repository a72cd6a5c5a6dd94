//! The audit log as a file (审计日志导出): JSON Lines that the separate verifier reads.
//!
//! ```text
//! {"kind":"key","public_key":"…"}
//! {"kind":"record","sequence":1,"recorded_at":"…","actor":"…","act":"…","object":"…","detail":"…","previous":"…","hash":"…"}
//! {"kind":"checkpoint","sequence":1,"hash":"…","signed_at":"…","signature":"…"}
//! ```
//! Source: docs/audit.md. Owns: the lines and their order. Never: decides whether the log holds.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Checkpoint, Record};
use crate::centre::CentreError;
use crate::error::Error;
use crate::lang::Lang;
use crate::output::{Show, json_line};
use crate::store::Store;

/// A line of the file.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line<'a> {
    /// Ed25519 public key of the centre, hex.
    Key { public_key: &'a str },
    /// A record.
    Record(&'a Record),
    /// A checkpoint.
    Checkpoint(&'a Checkpoint),
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// The file.
    pub file: PathBuf,
    /// Records in it.
    pub records: u64,
    /// Checkpoints in it.
    pub checkpoints: u64,
    /// Public key of the centre, hex: to be kept on paper.
    pub public_key: String,
}

/// Writes the whole log of one snapshot.
///
/// # Errors
/// [`Error`]; a file that exists is not touched.
pub fn write(store: &mut Store, file: &Path) -> Result<Exported, Error> {
    let failed = |source| CentreError::File { path: file.to_owned(), source };
    let opened = OpenOptions::new().create_new(true).write(true).mode(0o600).open(file).map_err(failed)?;
    let mut lines = BufWriter::new(opened);
    let exported = store.read(|tx| -> Result<_, Error> {
        let public_key = tx.fact("public_key")?.unwrap_or_default();
        line(&mut lines, &Line::Key { public_key: &public_key }).map_err(failed)?;
        let (mut records, mut outcome) = (0, Ok(()));
        tx.audit_records(|record| {
            records += 1;
            outcome = line(&mut lines, &Line::Record(record));
            outcome.is_ok()
        })?;
        outcome.map_err(failed)?;
        let checkpoints = tx.audit_checkpoints()?;
        for checkpoint in &checkpoints {
            line(&mut lines, &Line::Checkpoint(checkpoint)).map_err(failed)?;
        }
        Ok(Exported { file: file.to_owned(), records, checkpoints: checkpoints.len() as u64, public_key })
    })?;
    lines.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| file.sync_all()).map_err(failed)?;
    Ok(exported)
}

fn line(lines: &mut impl Write, line: &Line<'_>) -> io::Result<()> {
    writeln!(lines, "{}", json_line(line))
}

impl Show for Exported {
    fn text(&self, lang: Lang) -> String {
        let (file, records, checkpoints) = (self.file.display(), self.records, self.checkpoints);
        lang.pick(
            format!("{file}: {records} 条记录, {checkpoints} 个签名检查点\n公钥 {}（抄录留存）", self.public_key),
            format!(
                "{file}: {records} records, {checkpoints} signed checkpoints\npublic key {} (keep it on paper)",
                self.public_key
            ),
        )
    }
}
