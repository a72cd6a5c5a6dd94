//! Jobs set aside (搁置): no card can be made for their people any more, and the others of the batch go on.
//!
//! What was true when a batch was approved need not be when a station comes to a job: sources differ on the name by now, a
//! decision gave it a character that no chip holds, the person has died. Such a job ends before a blank card is bound to it. Its
//! number may stand in files and is never used; its request is open again, so that `batch create --remake` asks anew once the
//! cause is mended.
//!
//! Source: docs/adr/0043.
//! Owns: the reasons, setting aside one by one, at the beginning and the end of a run, and by hand. Never: touches a job that a
//! station has begun, or about which a partner is asked.

use serde::Serialize;

use super::{BatchError, BatchMove, BatchState, JobMove, JobState, NumberMove, found};
use crate::audit::Act;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::person::no_card::NoCard;
use crate::request::RequestMove;
use crate::state::State;
use crate::store::{Store, StoreError, Tx};

/// Why a job is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// [`NoCard::Conflict`].
    Conflict,
    /// [`NoCard::Text`].
    Text,
    /// [`NoCard::SaidDead`].
    SaidDead,
    /// The person has died.
    Dead,
    /// A text or the photo does not fit the card.
    Content,
    /// The row of the person is empty.
    Missing,
    /// An operator said so.
    Asked,
}

impl Why {
    /// All.
    pub const ALL: [Self; 7] =
        [Self::Conflict, Self::Text, Self::SaidDead, Self::Dead, Self::Content, Self::Missing, Self::Asked];

    /// As noted in the journal.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conflict => NoCard::Conflict.name(),
            Self::Text => NoCard::Text.name(),
            Self::SaidDead => NoCard::SaidDead.name(),
            Self::Dead => "dead",
            Self::Content => "content",
            Self::Missing => "missing",
            Self::Asked => "asked",
        }
    }

    /// For people.
    #[must_use]
    pub const fn text(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::Conflict => return NoCard::Conflict.text(lang),
            Self::Text => return NoCard::Text.text(lang),
            Self::SaidDead => return NoCard::SaidDead.text(lang),
            Self::Dead => ("已登记死亡", "recorded as dead"),
            Self::Content => ("姓名、文字或照片写不进卡", "a text or the photo does not fit the card"),
            Self::Missing => ("没有人员资料", "nothing is known of the person"),
            Self::Asked => ("由操作员搁置，理由见审计日志", "by an operator; the reason is in the audit log"),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn next(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::Conflict => return NoCard::Conflict.next(lang),
            Self::Text => return NoCard::Text.next(lang),
            Self::SaidDead => return NoCard::SaidDead.next(lang),
            Self::Dead => (
                "无需再制；登记有误时用 issuer person death --withdraw 撤销",
                "nothing is to be made; a wrong record is withdrawn with `issuer person death --withdraw`",
            ),
            Self::Content | Self::Missing => (
                "用 issuer person show 核对，用 issuer person upsert 改正",
                "look at the person with `issuer person show`, mend it with `issuer person upsert`",
            ),
            Self::Asked => ("按该理由处理", "act on that reason"),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

impl From<NoCard> for Why {
    fn from(why: NoCard) -> Self {
        match why {
            NoCard::Conflict => Self::Conflict,
            NoCard::Text => Self::Text,
            NoCard::SaidDead => Self::SaidDead,
            // Asked for when a batch is made; a job that has begun is not ended for it.
            NoCard::Photo => Self::Asked,
        }
    }
}

/// A job that was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct SetAside {
    /// Job.
    pub job: i64,
    /// Row number of its person.
    pub person: i64,
    /// Why.
    pub why: Why,
}

impl<'de> serde::Deserialize<'de> for Why {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::ALL
            .into_iter()
            .find(|why| why.name() == name)
            .ok_or_else(|| serde::de::Error::custom("an unknown reason"))
    }
}

/// Why no card can be made for a person now, as far as the registry's rows tell.
///
/// # Errors
/// [`StoreError`].
pub(crate) fn why(tx: &Tx<'_>, person: i64) -> Result<Option<Why>, StoreError> {
    if tx.death(person)?.is_some() {
        return Ok(Some(Why::Dead));
    }
    Ok(tx.why_no_card(person)?.map(Why::from))
}

/// Sets a waiting job aside: with its number, its request open again, its reason in the journal, and an audit record.
///
/// # Errors
/// [`StoreError::StateMoved`] when the job does not wait.
pub(crate) fn set_aside(tx: &Tx<'_>, job: i64, why: Why, actor: &str) -> Result<SetAside, StoreError> {
    let (set, detail) = put(tx, job, why)?;
    tx.append_audit(&Act { actor: actor.to_owned(), act: "job.set-aside", object: format!("job {job}"), detail })?;
    Ok(set)
}

fn put(tx: &Tx<'_>, job: i64, why: Why) -> Result<(SetAside, String), StoreError> {
    let person = tx.job_person(job)?;
    tx.move_job(job, JobMove::SetAside)?;
    tx.move_number_of(job, NumberMove::Spoil)?;
    tx.disown(job)?;
    if let Some(request) = tx.request_of_job(job)? {
        tx.move_request(request.number, RequestMove::Return)?;
        if why == Why::Dead {
            tx.set_request_job(request.number, None)?;
            tx.move_request(request.number, RequestMove::Withdraw)?;
        }
    }
    tx.note(job, ("", "-"), EVENT, why.name())?;
    Ok((SetAside { job, person, why }, format!("{}, person {person}", why.name())))
}

/// Name of the note in the journal.
pub(crate) const EVENT: &str = "set-aside";

/// Sets aside every job of a batch for whose person no card can be made any more and about which no partner is being asked.
///
/// # Errors
/// [`StoreError`].
pub(crate) fn sweep(tx: &Tx<'_>, batch: i64, actor: &str) -> Result<(), StoreError> {
    for (job, person) in tx.jobs_kept(batch)? {
        if let Some(why) = why(tx, person)? {
            set_aside(tx, job, why, actor)?;
        }
    }
    Ok(())
}

/// Sets a waiting job of an approved batch aside, for a reason of the operator's.
///
/// # Errors
/// [`BatchError`].
pub fn by_hand(
    store: &mut Store,
    number: i64,
    job: i64,
    reason: &str,
    operator: Option<&str>,
) -> Result<super::Batch, BatchError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Approve)?;
        let batch = found(tx, number)?;
        if batch.state != BatchState::Approved.name() && batch.state != BatchState::Running.name() {
            return Err(BatchError::WrongState { number, state: batch.state });
        }
        if !tx.jobs(number, JobState::Waiting)?.contains(&job) {
            return Err(BatchError::JobNotWaiting { number, job });
        }
        if let Some(task) = tx.task_that_asks(job)? {
            return Err(BatchError::PartnerAsked { number, task });
        }
        let (_, detail) = put(tx, job, Why::Asked)?;
        close(tx, number)?;
        let detail = format!("{detail}: {}", reason.trim());
        Ok((found(tx, number)?, Act { actor, act: "job.set-aside", object: format!("job {job}"), detail }))
    })
}

/// Finishes a batch without open jobs.
///
/// # Errors
/// [`BatchError`].
pub(crate) fn close(tx: &Tx<'_>, number: i64) -> Result<(), BatchError> {
    let batch = found(tx, number)?;
    if batch.waiting + batch.writing > 0 {
        return Ok(());
    }
    if batch.state == BatchState::Approved.name() {
        tx.move_batch(number, BatchMove::Start)?;
    }
    Ok(tx.move_batch(number, BatchMove::Finish)?)
}

impl Show for SetAside {
    fn text(&self, lang: Lang) -> String {
        let Self { job, person, why } = self;
        let (what, next) = (why.text(lang), why.next(lang));
        lang.pick(
            format!("任务 {job} 已搁置，人员 {person}: {what}；{next}"),
            format!("job {job} set aside, person {person}: {what}; {next}"),
        )
    }
}

/// What brings people back whose jobs were set aside.
pub(crate) fn remake(set_aside: &[SetAside], batch: i64, lang: Lang) -> Option<String> {
    set_aside.iter().any(|one| one.why != Why::Dead).then(|| {
        lang.pick(
            format!("处理后用 issuer batch create --remake {batch} 重新编批；仍不能制卡的人会被略过"),
            format!("then make them again with `issuer batch create --remake {batch}`, which passes over who still cannot get a card"),
        )
    })
}
