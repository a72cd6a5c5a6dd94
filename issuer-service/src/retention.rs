//! How long what is about people is kept (保存期限), and its removal when the time is over.
//!
//! Source: Cybersecurity Law art. 21 (logs: six months at least), Personal Information Protection Law art. 19 (no longer than
//! needed); docs/adr/0034. The periods of a site are its own (assumed: archive rules differ); only files of partners, which others hold too,
//! have one where nothing is said.
//! Owns: the kinds, which of them may be set, the rule that nobody runs what they set. Never: removes money, cards, keys or audit
//! records.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::ValueEnum;
use serde::Serialize;

use crate::audit::Act;
use crate::clock;
use crate::error::{Error, Explain};
use crate::exchange::failure::ExchangeError;
use crate::exchange::folder::{FileFault, Folder, Place};
use crate::exchange::inbox::Source;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::store::{Store, StoreError, Tx};

/// Fewest days that a site may set.
pub const DAYS_MIN: u16 = 183;
/// Days that exchanged files are kept where a site has said nothing (assumed: the longest warranty of a card is three years).
pub const EXCHANGE_DAYS: u16 = 1_096;

/// Characters of a number by which somebody is looked for in files.
const NAMED_BY_MIN: usize = 7;
/// The same, of a number that has no letter.
const DIGITS_MIN: usize = 12;

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// 照片: photos of people without a card, after their last card ended.
    Photos,
    /// 代领人: who fetched a card for its holder.
    Agents,
    /// 交换文件: files to and from banks, factories and the holder registry, after they were answered, given up or refused.
    Exchange,
    /// 已故人员: everything known of the dead, when no card and no money of theirs is left.
    People,
    /// 卡: cards, numbers and their moves.
    Cards,
    /// 资金: ledger, records of terminals, clearing.
    Money,
    /// 审计: the audit log.
    Audit,
    /// 密钥: which keys there were, and ceremonies.
    Keys,
}

impl Kind {
    /// All, in the order of showing.
    pub const ALL: [Self; 8] =
        [Self::Photos, Self::Agents, Self::Exchange, Self::People, Self::Cards, Self::Money, Self::Audit, Self::Keys];

    /// Name in the database and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Photos => "photos",
            Self::Agents => "agents",
            Self::Exchange => "exchange",
            Self::People => "people",
            Self::Cards => "cards",
            Self::Money => "money",
            Self::Audit => "audit",
            Self::Keys => "keys",
        }
    }

    /// Days that it is kept where a site has said nothing; none is for good.
    #[must_use]
    pub const fn default_days(self) -> Option<u16> {
        match self {
            Self::Exchange => Some(EXCHANGE_DAYS),
            Self::Photos | Self::Agents | Self::People | Self::Cards | Self::Money | Self::Audit | Self::Keys => None,
        }
    }

    /// Why it is kept for good; `None` when a site may set a period.
    #[must_use]
    pub const fn kept_because(self, lang: Lang) -> Option<&'static str> {
        let (zh, en) = match self {
            Self::Photos | Self::Agents | Self::Exchange | Self::People => return None,
            Self::Cards => ("卡号和芯片不得再次使用", "numbers and chips are never used again"),
            Self::Money => ("基金的账目", "the accounts of the funds"),
            Self::Audit => ("每条记录都以前一条为据", "each record proves the one before it"),
            Self::Keys => ("已发的卡还在用这些密钥", "cards in people's hands were made with them"),
        };
        Some(match lang {
            Lang::Zh => zh,
            Lang::En => en,
        })
    }
}

/// What a site has set for a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Days; none is for good.
    pub days: Option<u16>,
    /// Why so many.
    pub reason: String,
    /// Operator.
    pub set_by: String,
    /// Instant in UTC.
    pub set_at: String,
}

/// One kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Kind.
    pub kind: Kind,
    /// Its setting.
    pub setting: Option<Setting>,
    /// Days that it is kept, set or by default; for good without.
    pub days: Option<u16>,
    /// How many are past their time.
    pub due: u64,
}

/// All kinds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lines {
    /// In order.
    pub kinds: Vec<Line>,
}

/// What a run removed, or would.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// Nothing was removed: the counts say what would be.
    pub dry_run: bool,
    /// Kind and how many.
    pub kinds: Vec<(Kind, u64)>,
    /// Files of partners that went because an erased person stood in them.
    #[serde(skip_serializing_if = "is_none")]
    pub files_of_people: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_none(count: &u64) -> bool {
    *count == 0
}

/// Why nothing was set or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RetentionError {
    /// What must stay.
    #[error("{} is kept for good", kind.name())]
    Fixed {
        /// Which.
        kind: Kind,
    },
    /// Fewer days than any site may set.
    #[error("{days} days are too few")]
    TooShort {
        /// Days asked for.
        days: u16,
    },
    /// No reason was given.
    #[error("the reason is missing")]
    ReasonMissing,
    /// The operator set the period.
    #[error("{} was set by the same operator", kind.name())]
    OwnSetting {
        /// Of which kind.
        kind: Kind,
    },
}

/// What is kept how long, and how much is past its time.
///
/// # Errors
/// [`StoreError`].
pub fn show(tx: &Tx<'_>, folder: &Path) -> Result<Lines, Error> {
    let line = |kind| -> Result<Line, Error> {
        let setting = tx.retention(kind)?;
        let days = days(kind, setting.as_ref());
        let due = days.map_or(Ok(0), |days| due(tx, folder, kind, days))?;
        Ok(Line { kind, setting, days, due })
    };
    Ok(Lines { kinds: Kind::ALL.into_iter().map(line).collect::<Result<_, _>>()? })
}

fn days(kind: Kind, setting: Option<&Setting>) -> Option<u16> {
    setting.map_or_else(|| kind.default_days(), |setting| setting.days)
}

/// How many of a kind are past their time.
fn due(tx: &Tx<'_>, folder: &Path, kind: Kind, days: u16) -> Result<u64, Error> {
    let rows = tx.past_retention(kind, &clock::days_ago(days))?;
    let files = if kind == Kind::Exchange { unnamed_files(tx, folder, days)?.len() } else { 0 };
    Ok(rows.saturating_add(u64::try_from(files).unwrap_or(u64::MAX)))
}

/// Files of partners that no row names and that are past their time: refused ones with their reports, and answers that came again;
/// everything that the holder registry answered.
fn unnamed_files(tx: &Tx<'_>, folder: &Path, days: u16) -> Result<Vec<PathBuf>, Error> {
    let before = SystemTime::now().checked_sub(Duration::from_secs(u64::from(days) * 86_400));
    let Some(before) = before else { return Ok(Vec::new()) };
    let named = tx.exchange_answer_names()?;
    let mut old = Vec::new();
    for source in [Source::Partners, Source::Registry] {
        let files = Folder::named(folder, source.folder()).map_err(ExchangeError::from)?;
        old.extend(files.older(Place::Bad, before).map_err(ExchangeError::from)?);
        for path in files.older(Place::Archive, before).map_err(ExchangeError::from)? {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            if source == Source::Registry || !name.is_some_and(|name| named.contains(&name)) {
                old.push(path);
            }
        }
    }
    Ok(old)
}

/// Sets how long a kind is kept; without `days` for good.
///
/// # Errors
/// [`RetentionError`], or [`Error`].
pub fn set(
    store: &mut Store,
    folder: &Path,
    kind: Kind,
    days: Option<u16>,
    reason: &str,
    operator: Option<&str>,
) -> Result<Lines, Error> {
    if kind.kept_because(Lang::En).is_some() {
        return Err(RetentionError::Fixed { kind }.into());
    }
    if let Some(days) = days.filter(|days| *days < DAYS_MIN) {
        return Err(RetentionError::TooShort { days }.into());
    }
    if reason.trim().is_empty() {
        return Err(RetentionError::ReasonMissing.into());
    }
    store.act(|tx| {
        let actor = tx.require(operator, Role::Approve)?;
        let (reason, set_at) = (reason.trim().to_owned(), clock::now());
        tx.set_retention(kind, &Setting { days, reason: reason.clone(), set_by: actor.clone(), set_at })?;
        let period = days.map_or_else(|| "for good".to_owned(), |days| format!("{days} days"));
        let act = Act {
            actor,
            act: "retention.set",
            object: format!("retention {}", kind.name()),
            detail: format!("{period}: {reason}"),
        };
        Ok((show(tx, folder)?, act))
    })
}

/// Removes what is past its time, a hundred at a time, each hundred with its audit record; or counts it.
///
/// # Errors
/// [`RetentionError::OwnSetting`] before anything is removed; [`Error`]. Given again, it goes on.
pub fn run(store: &mut Store, folder: &Path, operator: Option<&str>, dry_run: bool) -> Result<Removed, Error> {
    let (actor, due) = store.read(|tx| -> Result<_, Error> {
        let actor = tx.require(operator, Role::Capture).or_else(|_| tx.require(operator, Role::Counter))?;
        if !dry_run {
            // Before the first file: they go ahead of the record.
            tx.clock_holds()?;
        }
        let mut due = Vec::new();
        for kind in Kind::ALL {
            let setting = tx.retention(kind)?;
            let Some(days) = days(kind, setting.as_ref()) else { continue };
            let setting_is_none = setting.is_none();
            if setting.is_some_and(|setting| setting.set_by == actor) {
                return Err(RetentionError::OwnSetting { kind }.into());
            }
            let count = self::due(tx, folder, kind, days)?;
            // A period that nobody set is named when something goes.
            if setting_is_none && count == 0 {
                continue;
            }
            due.push((kind, days, count));
        }
        Ok((actor, due))
    })?;
    if dry_run {
        let kinds = due.into_iter().map(|(kind, _, count)| (kind, count)).collect();
        return Ok(Removed { dry_run, kinds, files_of_people: 0 });
    }
    let mut removed = Removed { dry_run, kinds: Vec::new(), files_of_people: 0 };
    for (kind, days, count) in due {
        let (mut done, files) =
            if count == 0 { (0, 0) } else { remove(store, folder, &actor, kind, &clock::days_ago(days))? };
        removed.files_of_people += files;
        if count > 0 && kind == Kind::Exchange {
            done += remove_unnamed(store, folder, &actor, days)?;
        }
        removed.kinds.push((kind, done));
    }
    Ok(removed)
}

/// Removes the files of partners that no row names. The record is there first: nothing says afterwards that there were any.
fn remove_unnamed(store: &mut Store, folder: &Path, actor: &str, days: u16) -> Result<u64, Error> {
    let old = store.read(|tx| unnamed_files(tx, folder, days))?;
    let count = u64::try_from(old.len()).unwrap_or(u64::MAX);
    if old.is_empty() {
        return Ok(0);
    }
    store.act(|_| -> Result<_, Error> {
        let detail = format!("{count} refused or repeated files removed, from before {}", clock::days_ago(days));
        let (object, actor) = (format!("retention {}", Kind::Exchange.name()), actor.to_owned());
        Ok(((), Act { actor, act: "retention.run", object, detail }))
    })?;
    for path in old {
        Folder::remove_file(&path).map_err(ExchangeError::from)?;
    }
    Ok(count)
}

/// How many were removed, and how many files of partners in which they stood.
fn remove(store: &mut Store, folder: &Path, actor: &str, kind: Kind, before: &str) -> Result<(u64, u64), Error> {
    let (mut done, mut files, mut after) = (0, 0, 0);
    loop {
        let some = store.read(|tx| tx.some_past_retention(kind, before, after))?;
        let Some(last) = some.last() else { return Ok((done, files)) };
        after = *last;
        // Files first: when they are gone and their row is not, the next run finds the row again.
        if kind == Kind::Exchange {
            remove_files(store, folder, &some)?;
        }
        // Found by what is erased with them.
        let of_people = if kind == Kind::People { remove_files_of_people(store, folder, &some)? } else { 0 };
        files += of_people;
        done += store.act(|tx| -> Result<_, Error> {
            // Again, now that nobody else writes: what came to be needed meanwhile stays.
            let first = some.first().map_or(0, |first| first - 1);
            let still = tx.some_past_retention(kind, before, first)?;
            let mut count = 0_u64;
            for key in some.iter().filter(|key| still.contains(key)) {
                remove_one(tx, kind, *key)?;
                count += 1;
            }
            let (object, actor) = (format!("retention {}", kind.name()), actor.to_owned());
            let detail = match kind {
                Kind::People => {
                    let people: Vec<String> =
                        some.iter().filter(|key| still.contains(key)).map(i64::to_string).collect();
                    let files = if of_people == 0 {
                        String::new()
                    } else {
                        format!(", and {of_people} files of partners in which they stood")
                    };
                    format!("erased person {}{files}", people.join(", "))
                }
                _ => format!("{count} removed, from before {before}"),
            };
            Ok((count, Act { actor, act: "retention.run", object, detail }))
        })?;
    }
}

fn remove_one(tx: &Tx<'_>, kind: Kind, key: i64) -> Result<(), StoreError> {
    match kind {
        Kind::Photos => tx.remove_photo(key).map(drop),
        Kind::Agents => tx.forget_agent(key),
        Kind::Exchange => tx.forget_exchange(key),
        Kind::People => tx.erase_person(key),
        Kind::Cards | Kind::Money | Kind::Audit | Kind::Keys => Ok(()),
    }
}

/// Removes the plain files that were answered, refused or given up and in which one of these people stands, by number.
fn remove_files_of_people(store: &mut Store, folder: &Path, people: &[i64]) -> Result<u64, Error> {
    let mut numbers = Vec::new();
    for person in people {
        numbers.extend(store.read(|tx| tx.named_in_files(*person))?);
    }
    // A few digits stand anywhere.
    let telling = |number: &String| {
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        number.len() >= if digits { DIGITS_MIN } else { NAMED_BY_MIN }
    };
    numbers.retain(telling);
    let mut removed = 0;
    for source in [Source::Partners, Source::Registry] {
        let files = Folder::named(folder, source.folder()).map_err(ExchangeError::from)?;
        for place in [Place::Archive, Place::Bad, Place::Request] {
            for path in files.all(place).map_err(ExchangeError::from)? {
                if place == Place::Request && !store.read(|tx| tx.exchange_is_given_up(&path))? {
                    continue;
                }
                if holds_one(&path, &numbers).map_err(ExchangeError::from)? {
                    Folder::remove_file(&path).map_err(ExchangeError::from)?;
                    removed += 1;
                }
            }
        }
    }
    Ok(removed)
}

/// Whether one of these texts stands in a file, in capitals or small letters. A file that nobody may read is left.
fn holds_one(path: &Path, texts: &[String]) -> Result<bool, FileFault> {
    use std::io::Read;
    let mut bytes = Vec::new();
    match Folder::open(path).and_then(|mut file| file.read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return Ok(false),
        Err(source) => return Err(FileFault { path: path.to_owned(), source }),
    }
    let stands = |text: &String| bytes.windows(text.len()).any(|part| part.eq_ignore_ascii_case(text.as_bytes()));
    Ok(texts.iter().any(stands))
}

fn remove_files(store: &mut Store, folder: &Path, numbers: &[i64]) -> Result<(), Error> {
    let files = Folder::of(folder).map_err(ExchangeError::from)?;
    for number in numbers {
        let names = store.read(|tx| tx.exchange_names(*number))?;
        let sent = [(Place::Request, Some(names.sent)), (Place::Archive, names.answer)];
        for (place, name) in sent.into_iter().filter_map(|(place, name)| Some((place, name?))) {
            files.remove(place, &name).map_err(ExchangeError::from)?;
        }
    }
    Ok(())
}

impl Explain for RetentionError {
    fn code(&self) -> &'static str {
        match self {
            Self::Fixed { .. } => "RETENTION_FIXED",
            Self::TooShort { .. } => "RETENTION_TOO_SHORT",
            Self::ReasonMissing => "RETENTION_REASON_MISSING",
            Self::OwnSetting { .. } => "RETENTION_OWN_SETTING",
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::Fixed { kind } => {
                let (name, why) = (kind.name(), kind.kept_because(lang).unwrap_or_default());
                lang.pick(format!("{name} 永久保存: {why}"), format!("{name} is kept for good: {why}"))
            }
            Self::TooShort { days } => lang.pick(
                format!("{days} 天太短，至少 {DAYS_MIN} 天"),
                format!("{days} days are too few, at least {DAYS_MIN} are needed"),
            ),
            Self::ReasonMissing => lang.pick("没有说明理由", "the reason is missing").to_owned(),
            Self::OwnSetting { kind } => {
                let name = kind.name();
                lang.pick(
                    format!("{name} 的期限是同一操作员设定的，未删除任何内容"),
                    format!("the period of {name} was set by the same operator; nothing was removed"),
                )
            }
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::Fixed { .. } => {
                lang.pick("用 issuer retention show 查看可设的种类", "see what may be set with `issuer retention show`")
            }
            Self::TooShort { .. } => lang.pick("给更多天数", "give more days"),
            Self::ReasonMissing => lang.pick("用 --reason 说明依据", "say on what grounds with --reason"),
            Self::OwnSetting { .. } => lang.pick("由另一操作员执行", "let another operator run it"),
        }
    }

    fn exit(&self) -> Exit {
        Exit::Refused
    }
}

impl Show for Lines {
    fn text(&self, lang: Lang) -> String {
        let line = |line: &Line| {
            let name = line.kind.name();
            let due = line.due;
            match (&line.setting, line.kind.kept_because(lang)) {
                (_, Some(why)) => lang.pick(format!("{name:<9} 永久: {why}"), format!("{name:<9} for good: {why}")),
                (None, None) => match line.days {
                    None => {
                        lang.pick(format!("{name:<9} 永久（未设定）"), format!("{name:<9} for good (nothing is set)"))
                    }
                    Some(days) => lang.pick(
                        format!("{name:<9} {days} 天，到期 {due} 条（默认，未设定）"),
                        format!("{name:<9} {days} days, {due} past it (by default, nothing is set)"),
                    ),
                },
                (Some(Setting { days: None, reason, set_by, .. }), None) => lang.pick(
                    format!("{name:<9} 永久  {set_by}: {reason}"),
                    format!("{name:<9} for good  {set_by}: {reason}"),
                ),
                (Some(Setting { days: Some(days), reason, set_by, .. }), None) => lang.pick(
                    format!("{name:<9} {days} 天，到期 {due} 条  {set_by}: {reason}"),
                    format!("{name:<9} {days} days, {due} past it  {set_by}: {reason}"),
                ),
            }
        };
        self.kinds.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl Show for Removed {
    fn text(&self, lang: Lang) -> String {
        let kinds = |kinds: &[(Kind, u64)]| {
            kinds.iter().map(|(kind, count)| format!("{} {count}", kind.name())).collect::<Vec<_>>().join(", ")
        };
        let list = if self.kinds.is_empty() {
            lang.pick("没有设定期限", "nothing is set").to_owned()
        } else {
            kinds(&self.kinds)
        };
        let files = match self.files_of_people {
            0 => String::new(),
            files => lang.pick(
                format!("\n另删除载有这些人的往来文件 {files} 个"),
                format!("\nand {files} files of partners in which these people stood"),
            ),
        };
        match self.dry_run {
            true => lang.pick(format!("将删除: {list}"), format!("would be removed: {list}")),
            false => lang.pick(format!("已删除: {list}"), format!("removed: {list}")) + &files,
        }
    }
}
