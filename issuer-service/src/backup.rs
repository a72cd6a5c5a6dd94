//! Backups (备份): a whole centre in one sealed file, taken while it works, and brought back into an empty place.
//!
//! Source: docs/adr/0027. Owns: what belongs to a centre, what a backup says of itself.
//! Never: opens what is sealed in the centre; overwrites anything.

pub mod archive;
pub mod create;
pub mod failure;
pub mod restore;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::lang::Lang;
use crate::output::Show;
use crate::store::copy::Table;

/// Least length of the passphrase of a backup that holds keys of real cards.
pub const PASSPHRASE_CHARACTERS_MIN: usize = 12;
/// Fact: how often the centre was brought back from a backup.
pub const EPOCH: &str = "epoch";

/// What the database was when the backup was taken: one snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// An instant in UTC.
    pub taken_at: String,
    /// City of the centre.
    pub city: String,
    /// How often it was brought back before.
    pub epoch: u64,
    /// Numbers of its schemas.
    pub schemas: Vec<i64>,
    /// Last record of its audit log.
    pub audit_head: i64,
    /// Its tables.
    pub tables: Vec<Table>,
}

/// A file or a table of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Path in the centre's folder, or name of the table.
    pub name: String,
    /// Bytes of a file, rows of a table.
    pub count: u64,
    /// SHA-256 of its bytes in the backup, hex.
    pub sha256: String,
}

/// What a whole backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contents {
    /// When it was taken: an instant in UTC.
    pub taken_at: String,
    /// City of the centre.
    pub city: String,
    /// How often the centre had been brought back before.
    pub epoch: u64,
    /// Last record of the audit log.
    pub audit_head: i64,
    /// Files of the folder.
    pub files: Vec<Entry>,
    /// Tables of the database.
    pub tables: Vec<Entry>,
    /// What of the folder could not be taken; told by who takes a backup only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

/// What of the folder a backup does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its path in the centre's folder; that of the folder around it when its name may not be repeated.
    pub path: String,
    /// Why.
    pub why: Hindrance,
}

/// Why a backup does not hold something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hindrance {
    /// It is a link, a pipe, a socket.
    NotPlain,
    /// Its name is no UTF-8.
    NameUnfit,
    /// The system does not let us read it.
    Unreadable,
    /// It lies too many folders deep.
    TooDeep,
}

impl Hindrance {
    const fn text(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::NotPlain, Lang::Zh) => "不是普通文件（链接、管道等）",
            (Self::NotPlain, Lang::En) => "no plain file but a link or a pipe",
            (Self::NameUnfit, Lang::Zh) => "其中一个文件的名字不是 UTF-8",
            (Self::NameUnfit, Lang::En) => "a file in it has a name that is no UTF-8",
            (Self::Unreadable, Lang::Zh) => "系统不允许读取",
            (Self::Unreadable, Lang::En) => "the system does not let us read it",
            (Self::TooDeep, Lang::Zh) => "目录层次太深",
            (Self::TooDeep, Lang::En) => "too many folders deep",
        }
    }
}

impl Show for Contents {
    fn text(&self, lang: Lang) -> String {
        let Self { taken_at, city, audit_head, files, tables, .. } = self;
        let rows: u64 = tables.iter().map(|table| table.count).sum();
        let (files, tables) = (files.len(), tables.len());
        let left_out = self.left_out.iter().map(|LeftOut { path, why }| {
            let why = why.text(lang);
            lang.pick(format!("\n未备份 {path}: {why}"), format!("\nleft out {path}: {why}"))
        });
        let left_out: String = left_out.collect();
        lang.pick(
            format!("备份完好: 中心 {city}，{taken_at}，{files} 个文件，{tables} 张表 {rows} 行，审计日志到第 {audit_head} 条{left_out}"),
            format!(
                "the backup is whole: centre {city} at {taken_at}, {files} files, {rows} rows in {tables} tables, \
                 audit log up to record {audit_head}{left_out}"
            ),
        )
    }
}

/// Whether a file of the folder stands in the backup in another form, or belongs to the running machine only.
fn stays_out(name: &Path) -> bool {
    let text = name.to_string_lossy();
    let database = ["centre.db", "centre.db-wal", "centre.db-shm", "centre.db-journal"];
    database.contains(&text.as_ref())
        || text == crate::audit::anchor::Anchor::NAME
        || text == restore::MARK
        || text.starts_with("locks/")
        || text.ends_with(".part")
}
