//! The holder registry of province and ministry (持卡库): what it is told of each card, and what it answers.
//!
//! Every issue, move, replacement, hand-made entry of the blacklist and change of data makes an entry, in the transaction of what
//! happened. Of one card one entry is under way at a time, in order: what comes later waits until the earlier one is accepted or
//! given up. Entries hold no personal data; those are taken when a file is made.
//!
//! Source: 持卡库 as described for pilots; there is no published exchange layout (assumed: `file`).
//! Owns: entries, their states, the view of what is pending. Never: lays out a file (`file`), moves files (`send`).

pub mod failure;
pub mod file;
pub mod send;

use serde::Serialize;

use self::failure::SyncError;
use crate::audit::Act;
use crate::card::Card;
use crate::card::life::fit;
use crate::clearing::blacklist;
use crate::clock;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::person;
use crate::state::{State, states, word};
use crate::store::{Store, StoreError, Tx};

states! {
    /// Something that the holder registry is told of a card.
    "registry_sync" SyncState {
        /// In no file yet.
        Pending = "pending" "待报送",
        /// In a file that is not answered.
        Sent = "sent" "已报送",
        /// The registry has it.
        Accepted = "accepted" "已受理",
        /// The registry refused it; later ones of the card wait.
        Refused = "refused" "被退回",
        /// Given up by an operator.
        Dropped = "dropped" "已放弃",
    }
    /// Moves of an entry.
    SyncMove {
        /// With a file.
        Send: Pending => Sent,
        /// With the registry's answer.
        Accept: Sent => Accepted,
        /// With the registry's answer.
        Refuse: Sent => Refused,
        /// By an operator, once the cause is mended.
        Retry: Refused => Pending,
        /// By an operator, with a reason.
        Drop: Refused => Dropped,
    }
}

states! {
    /// A file to the holder registry.
    "sync_file" SyncFileState {
        /// Recorded; perhaps not yet in the folder.
        Prepared = "prepared" "待发出",
        /// In the folder.
        Sent = "sent" "已发出",
        /// The answer is taken in.
        Answered = "answered" "已回盘",
    }
    /// Moves of such a file.
    SyncFileMove {
        /// When it stands in the folder, whole.
        Send: Prepared => Sent,
        /// With the registry's answer.
        Answer: Sent => Answered,
    }
}

/// What happened to a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// 制卡: it is made.
    Issue,
    /// AAZ502 has changed.
    State,
    /// 补换: it came in the place of another.
    Replacement,
    /// It was put on the blacklist, or taken off, by hand.
    Blacklist,
    /// 信息变更: what is known of its holder has changed.
    Data,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Issue, Self::State, Self::Replacement, Self::Blacklist, Self::Data];

    /// Name in the database and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::State => "state",
            Self::Replacement => "replacement",
            Self::Blacklist => "blacklist",
            Self::Data => "data",
        }
    }

    const fn text(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Issue, Lang::Zh) => "制卡",
            (Self::State, Lang::Zh) => "状态变更",
            (Self::Replacement, Lang::Zh) => "补换",
            (Self::Blacklist, Lang::Zh) => "黑名单",
            (Self::Data, Lang::Zh) => "信息变更",
            (_, Lang::En) => self.name(),
        }
    }
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Place among all.
    pub sequence: i64,
    /// Job of the card.
    #[serde(skip)]
    pub job: i64,
    /// 卡号.
    pub card_number: String,
    /// What happened.
    pub event: Event,
    /// State of the card then.
    pub card_state: String,
    /// Whether it stood on the blacklist then.
    pub listed: bool,
    /// 卡号 of the card in whose place it came.
    pub old_card: Option<String>,
    /// UTC instant.
    pub at: String,
    /// State of the entry.
    pub state: String,
    /// 任务号 of the file that told it last.
    pub task: Option<String>,
    /// The registry's result; empty before there is one.
    pub result: String,
    /// The registry's words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub words: String,
}

/// Several entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entries {
    /// In order.
    pub entries: Vec<Entry>,
}

/// A file to the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SyncFile {
    /// Number.
    pub number: i64,
    /// 任务号.
    pub task: String,
    /// Name.
    pub name: String,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
    /// Rows.
    pub rows: u64,
    /// State.
    pub state: String,
    /// Operator.
    pub made_by: String,
    /// UTC instant.
    pub made_at: String,
}

/// How things stand with the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Entries by state.
    pub entries: Vec<Count>,
    /// The oldest entry that the registry has not accepted: an UTC instant.
    pub waiting_since: Option<String>,
    /// Whole hours since then.
    pub hours: Option<i64>,
    /// Files that are not answered, the oldest first.
    pub files: Vec<SyncFile>,
}

/// Entries in a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// State.
    pub state: &'static str,
    /// How many.
    pub entries: u64,
}

/// What `sync load` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Loaded {
    /// Cards of which the registry had not been told anything.
    pub cards: u64,
}

/// Takes down what happened to a card; `old` is the card in whose place it came. The registry is told of its issue before anything
/// else: a card from before there was this queue is taken down with the first thing that happens to it.
///
/// # Errors
/// [`StoreError`].
pub(crate) fn note(tx: &Tx<'_>, card: &Card, event: Event, old: Option<&str>) -> Result<(), StoreError> {
    let listed = blacklist::is_listed(tx, &card.card_identifier)?;
    if event != Event::Issue && !tx.has_sync_entry(card.job)? {
        tx.add_sync_entry(card.job, Event::Issue, (&card.state, listed), None)?;
    }
    tx.add_sync_entry(card.job, event, (&card.state, listed), old)
}

/// Takes the issue of every card down of which nothing was: cards from before there was this queue.
///
/// # Errors
/// [`SyncError`].
pub fn load(store: &mut Store, operator: Option<&str>) -> Result<Loaded, SyncError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Capture)?;
        let mut cards = 0;
        for card in tx.cards_without_sync()? {
            note(tx, &card, Event::Issue, None)?;
            cards += 1;
        }
        let act =
            Act { actor, act: "sync.load", object: "holder registry".to_owned(), detail: format!("{cards} cards") };
        Ok((Loaded { cards }, act))
    })
}

/// A refused entry is told again, or given up.
///
/// # Errors
/// [`SyncError`].
pub fn decide(
    store: &mut Store,
    sequence: i64,
    by: SyncMove,
    reason: &str,
    operator: Option<&str>,
) -> Result<Entry, SyncError> {
    let act = if by == SyncMove::Drop { "sync.drop" } else { "sync.retry" };
    store.act(|tx| {
        let actor = tx.require(operator, Role::Capture)?;
        let reason = fit(reason, by == SyncMove::Drop)?;
        let entry = tx.sync_entry(sequence)?.ok_or(SyncError::EntryUnknown { sequence })?;
        if entry.state != SyncState::Refused.name() {
            return Err(SyncError::EntryState { sequence, state: entry.state });
        }
        tx.move_sync_entry(sequence, by)?;
        let detail = format!("entry {sequence}, result {}: {reason}", entry.result);
        let object = format!("card {}", entry.card_number);
        Ok((tx.sync_entry(sequence)?.ok_or(SyncError::EntryUnknown { sequence })?, Act { actor, act, object, detail }))
    })
}

/// Which entries are listed: in a state, of a card, at most so many.
pub type Wanted<'a> = (Option<&'a str>, Option<&'a str>, u32);

/// Entries, in order. The registry's words may name somebody: they are masked.
///
/// # Errors
/// [`StoreError`].
pub fn list(tx: &Tx<'_>, (state, card, limit): Wanted<'_>) -> Result<Entries, StoreError> {
    let mut entries = tx.sync_entries(state, card, limit)?;
    for entry in &mut entries {
        entry.words = person::mask(&entry.words, 0, 0);
    }
    Ok(Entries { entries })
}

/// Entries with the registry's words in full: who asked and why is on record before.
///
/// # Errors
/// [`SyncError`].
pub fn reveal(
    store: &mut Store,
    (state, card, limit): Wanted<'_>,
    reason: &str,
    operator: Option<&str>,
) -> Result<Entries, SyncError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Capture)?;
        let reason = fit(reason, true)?;
        let entries = tx.sync_entries(state, card, limit)?;
        let object = card.map_or_else(|| "holder registry".to_owned(), |card| format!("card {card}"));
        let detail = format!("{} entries: {reason}", entries.len());
        Ok((Entries { entries }, Act { actor, act: "sync.reveal", object, detail }))
    })
}

/// How things stand.
///
/// # Errors
/// [`StoreError`].
pub fn status(tx: &Tx<'_>) -> Result<Status, StoreError> {
    let counts = tx.sync_counts()?;
    let entries = SyncState::TABLE.states.iter().map(|row| Count {
        state: row.name,
        entries: counts.iter().find(|(state, _)| state == row.name).map_or(0, |(_, count)| *count),
    });
    let waiting_since = tx.sync_waiting_since()?;
    let hours = waiting_since.as_deref().and_then(clock::hours_since);
    Ok(Status { entries: entries.collect(), waiting_since, hours, files: tx.sync_files(true)? })
}

impl Show for Entry {
    fn text(&self, lang: Lang) -> String {
        let Self { sequence, card_number, event, card_state, at, task, result, words, .. } = self;
        let (event, state) = (event.text(lang), word(&SyncState::TABLE, &self.state, lang));
        let card_state = word(&crate::card::state::TABLE, card_state, lang);
        let old = self.old_card.as_ref().map(|old| lang.pick(format!("，替换 {old}"), format!(", in place of {old}")));
        let task = task.as_ref().map(|task| lang.pick(format!("，任务 {task}"), format!(", task {task}")));
        let said = match (result.as_str(), words.as_str()) {
            ("", _) => String::new(),
            (result, "") => lang.pick(format!("，结果 {result}"), format!(", result {result}")),
            (result, words) => lang.pick(format!("，结果 {result}: {words}"), format!(", result {result}: {words}")),
        };
        let (old, task) = (old.unwrap_or_default(), task.unwrap_or_default());
        lang.pick(
            format!("{sequence}: 卡 {card_number}，{event}（{card_state}）{old}，{state}{task}{said}  {at}"),
            format!("{sequence}: card {card_number}, {event} ({card_state}){old}, {state}{task}{said}  {at}"),
        )
    }
}

impl Show for Entries {
    fn text(&self, lang: Lang) -> String {
        let mut lines: Vec<String> = self.entries.iter().map(|entry| entry.text(lang)).collect();
        let count = self.entries.len();
        lines.push(lang.pick(format!("共 {count} 条"), format!("{count} entries")));
        lines.join("\n")
    }
}

impl Show for SyncFile {
    fn text(&self, lang: Lang) -> String {
        let Self { task, name, rows, made_by, made_at, .. } = self;
        let state = word(&SyncFileState::TABLE, &self.state, lang);
        let hours = clock::hours_since(made_at).unwrap_or_default();
        lang.pick(
            format!("{task}: {rows} 条，{state}，{hours} 小时前  {name}（{made_by}，{made_at}）"),
            format!("{task}: {rows} entries, {state}, {hours} hours ago  {name} ({made_by}, {made_at})"),
        )
    }
}

impl Show for Status {
    fn text(&self, lang: Lang) -> String {
        let count = |Count { state, entries }: &Count| format!("{} {entries}", word(&SyncState::TABLE, state, lang));
        let mut lines = vec![self.entries.iter().map(count).collect::<Vec<_>>().join(lang.pick("，", ", "))];
        if let (Some(since), Some(hours)) = (&self.waiting_since, self.hours) {
            lines.push(lang.pick(
                format!("最早未受理的一条已等待 {hours} 小时（{since}）"),
                format!("the oldest that is not accepted has waited for {hours} hours ({since})"),
            ));
        }
        lines.extend(self.files.iter().map(|file| format!("  {}", file.text(lang))));
        lines.join("\n")
    }
}

impl Show for Loaded {
    fn text(&self, lang: Lang) -> String {
        let cards = self.cards;
        lang.pick(format!("补入 {cards} 张卡"), format!("{cards} cards taken down"))
    }
}
