//! Whether a centre can work today: everything that its work needs is tried, and nothing is changed.
//!
//! Owns: what is looked at, in which order, what each finding means. Never: mends, writes, shows a secret.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::Serialize;

use crate::centre::{CardKeys, Centre};
use crate::clearing::withheld::{self, Withheld};
use crate::clock;
use crate::error::Error;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::output::Show;
use crate::store::{StoreError, Tx};

/// Room below which a disk is nearly full: some days of a city's work (assumed).
const ROOM_MIN: u64 = 1 << 30;

/// Days after which the log should have been signed again.
const SIGNED_DAYS_MAX: u16 = 2;

/// What came of one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// As it should be.
    Good,
    /// Work goes on; somebody should look.
    Warned,
    /// Work cannot go on.
    Failed,
}

/// One look.
#[derive(Clone, Debug, Serialize)]
pub struct Look {
    /// What was looked at.
    pub subject: &'static str,
    /// The same in Chinese.
    #[serde(skip)]
    subject_zh: &'static str,
    /// What came of it.
    pub finding: Finding,
    /// A stable code of what is wrong, empty when nothing is.
    pub code: &'static str,
    /// What was seen, in the language of the run.
    pub detail: String,
}

/// All looks of a run.
#[derive(Clone, Debug, Serialize)]
pub struct SelfTest {
    /// In the order in which they were made.
    pub looks: Vec<Look>,
}

/// A test under way.
pub struct Run {
    lang: Lang,
    looks: Vec<Look>,
}

impl Run {
    /// Nothing looked at yet.
    #[must_use]
    pub const fn new(lang: Lang) -> Self {
        Self { lang, looks: Vec::new() }
    }

    /// Looks at one thing. What could be seen is handed back.
    pub fn look<T>(
        &mut self,
        (subject_zh, subject): (&'static str, &'static str),
        look: impl FnOnce() -> Result<(T, Seen), Error>,
    ) -> Option<T> {
        let (value, finding, code, detail) = match look() {
            Ok((value, Seen { finding, code, zh, en })) => (Some(value), finding, code, self.lang.pick(zh, en)),
            Err(error) => {
                let error = error.explain();
                let (what, next) = (error.what(self.lang), error.next(self.lang));
                (None, Finding::Failed, error.code(), format!("{what}{}{next}", self.lang.pick("；", "; ")))
            }
        };
        self.looks.push(Look { subject, subject_zh, finding, code, detail });
        value
    }

    /// The looks.
    #[must_use]
    pub fn finish(self) -> SelfTest {
        SelfTest { looks: self.looks }
    }
}

/// What was seen.
#[derive(Clone, Debug)]
pub struct Seen {
    finding: Finding,
    code: &'static str,
    zh: String,
    en: String,
}

impl Seen {
    /// As it should be.
    #[must_use]
    pub fn good(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { finding: Finding::Good, code: "", zh: zh.into(), en: en.into() }
    }

    /// Somebody should look.
    #[must_use]
    pub fn warned(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { finding: Finding::Warned, code, zh: zh.into(), en: en.into() }
    }

    /// Work cannot go on.
    #[must_use]
    pub fn failed(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { finding: Finding::Failed, code, zh: zh.into(), en: en.into() }
    }
}

/// The folder: who can read it, how much room there is.
#[must_use]
pub fn folder(folder: &Path) -> Seen {
    let open = fs::metadata(folder).map(|data| data.mode() & 0o077).unwrap_or_default();
    if open != 0 {
        return Seen::warned(
            "FOLDER_OPEN_TO_OTHERS",
            "本机其他用户可以进入数据目录；请 chmod 700",
            "other users of this machine can enter the data folder; chmod 700 it",
        );
    }
    if !Centre::is_writable(folder) {
        return Seen::failed("FOLDER_READ_ONLY", "数据目录不可写", "the data folder cannot be written");
    }
    let room = rustix::fs::statvfs(folder).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize)).unwrap_or_default();
    let mib = room >> 20;
    if room < ROOM_MIN {
        return Seen::warned("DISK_NEARLY_FULL", format!("磁盘只剩 {mib} MiB"), format!("the disk has {mib} MiB left"));
    }
    Seen::good(format!("磁盘剩余 {mib} MiB"), format!("{mib} MiB of room"))
}

/// The database: its pages.
///
/// # Errors
/// [`StoreError`].
pub fn database(tx: &Tx<'_>) -> Result<Seen, StoreError> {
    Ok(match tx.unsound()? {
        None => Seen::good("数据库完好", "the database is sound"),
        Some(complaint) => Seen::failed(
            "DATABASE_DAMAGED",
            format!("数据库损坏：{complaint}；停止工作，从备份恢复"),
            format!("the database is damaged: {complaint}; stop work and restore a backup"),
        ),
    })
}

/// The end of the audit log against its anchor, and when it was signed.
///
/// # Errors
/// [`StoreError`].
pub fn audit(tx: &Tx<'_>) -> Result<Seen, StoreError> {
    tx.log_is_whole()?;
    let records = tx.audit_head()?.map_or(0, |(sequence, _)| sequence);
    let checkpoints = tx.audit_checkpoints()?;
    let signed = checkpoints.last().map_or(0, |checkpoint| checkpoint.sequence);
    let old = checkpoints.last().is_none_or(|last| last.signed_at < clock::days_ago(SIGNED_DAYS_MAX));
    Ok(if records > signed && old {
        let zh = format!("{} 条记录尚未签名；请运行 issuer audit checkpoint", records - signed);
        let en = format!("{} records are not signed yet; run issuer audit checkpoint", records - signed);
        Seen::warned("LOG_UNSIGNED", zh, en)
    } else {
        Seen::good(
            format!("{records} 条记录，与锚一致"),
            format!("{records} records, their end agrees with the anchor"),
        )
    })
}

/// Whether the keys were made that the cards need which are made from now on, and those that the site's other types need.
///
/// # Errors
/// [`StoreError`].
pub fn card_keys(tx: &Tx<'_>, made: &CardKeys, site: &CardKeys) -> Result<Seen, StoreError> {
    let lacking = site.lacking_titles(tx)?;
    if lacking.is_empty() {
        return Ok(Seen::good("齐全", "all on record"));
    }
    let (zh, en) = (lacking.join("、"), lacking.join(", "));
    let zh = format!("缺少 {zh}；由密钥保管人用 issuer ceremony start --missing 补充");
    let en = format!("{en} are lacking; let the custodians add them with issuer ceremony start --missing");
    let is_made = made.lacking(tx)?.is_empty();
    Ok(if is_made {
        Seen::warned("CARD_TYPE_KEYS_MISSING", zh, en)
    } else {
        Seen::failed("CARD_TYPE_KEYS_MISSING", zh, en)
    })
}

/// Whether the blacklist is published; a centre that was brought back waits for a person.
///
/// # Errors
/// [`StoreError`].
pub fn blacklist(tx: &Tx<'_>) -> Result<Seen, StoreError> {
    let again = withheld::again;
    Ok(match withheld::withheld(tx)? {
        None => Seen::good("正常发布", "is published"),
        Some(Withheld { adopted, .. }) => Seen::warned(
            "BLACKLIST_WITHHELD",
            format!(
                "从备份恢复后尚未发布（已补入到名单 {adopted}）；issuer blacklist adopt、issuer blacklist release；{}",
                again(Lang::Zh)
            ),
            format!(
                "not published since the centre was brought back (taken back up to list {adopted}); issuer blacklist adopt, issuer blacklist release; {}",
                again(Lang::En)
            ),
        ),
    })
}

impl SelfTest {
    /// How the run ends.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let failed = self.looks.iter().any(|look| look.finding == Finding::Failed);
        if failed { Exit::Mismatch } else { Exit::Ok }
    }
}

impl Show for SelfTest {
    fn text(&self, lang: Lang) -> String {
        let line = |look: &Look| {
            let finding = match look.finding {
                Finding::Good => lang.pick("正常", "good"),
                Finding::Warned => lang.pick("注意", "look at it"),
                Finding::Failed => lang.pick("失败", "FAILED"),
            };
            let code = if look.code.is_empty() { String::new() } else { format!(" {}", look.code) };
            format!("{finding}{code} {}: {}", lang.pick(look.subject_zh, look.subject), look.detail)
        };
        self.looks.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").finish_non_exhaustive()
    }
}
