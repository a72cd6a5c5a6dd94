//! Custody of PSAMs (PSAM 保管): who answers for which, until when; replacing, taking back, losing one.
//!
//! Owns: the table of states, the acts, what they leave to be done. Never: talks to a PSAM (`psam`), judges a transaction.

use serde::Serialize;
use settlement::date::DateTime;
use settlement::id::{InstitutionCode, TerminalNumber};

use super::{Psam, PsamError, PsamKeys, Psams, registered};
use crate::audit::Act;
use crate::audit::text::{self, TextFault};
use crate::clearing::institution::TerminalState;
use crate::clock;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::person::masked_name;
use crate::state::{State, states};
use crate::store::{Store, StoreError, Tx};

states! {
    /// A PSAM.
    "psam" PsamState {
        /// Being written.
        Writing = "writing" "写卡中",
        /// At the centre.
        InCustody = "in_custody" "中心保管",
        /// At an institution: somebody answers for it until a day.
        HandedOut = "handed_out" "已发出",
        /// Gone; its number is blacklisted for good.
        Lost = "lost" "遗失",
        /// Taken back for good.
        Retired = "retired" "停用",
        /// Failed while it was written.
        Spoilt = "spoilt" "已作废",
    }
    /// Moves of a PSAM, each by an operator with role keys.
    PsamMove {
        /// When everything was read back.
        Make: Writing => InCustody,
        /// When it fails.
        Spoil: Writing => Spoilt,
        /// To an institution.
        HandOut: InCustody => HandedOut,
        /// Back from an institution.
        Return: HandedOut => InCustody,
        /// Lost by an institution.
        Lose: HandedOut => Lost,
        /// Lost at the centre.
        LoseHere: InCustody => Lost,
        /// Lost while it was being written: it may have keys.
        LoseBegun: Writing => Lost,
        /// Lost when it was spoilt: it may have keys.
        LoseSpoilt: Spoilt => Lost,
        /// Lost when it was out of use.
        LoseRetired: Retired => Lost,
        /// Out of use.
        Retire: InCustody => Retired,
    }
}

/// What the centre knows of the PSAM with a terminal's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// State.
    pub state: PsamState,
    /// Institution that has it, or for which it was made.
    pub institution: String,
    /// Whether it came back from an institution and was not handed out since.
    pub came_back: bool,
    /// When it was declared lost, else its last move; China time.
    pub since: DateTime,
}

impl Standing {
    /// Whether a terminal of an institution may work with it.
    #[must_use]
    pub fn serves(&self, institution: &str) -> bool {
        let may_work = match self.state {
            PsamState::HandedOut => true,
            // A site that hands nothing out on record has its PSAMs at the centre for ever.
            PsamState::InCustody => !self.came_back,
            PsamState::Writing | PsamState::Lost | PsamState::Retired | PsamState::Spoilt => false,
        };
        may_work && self.institution == institution
    }
}

/// Since when the PSAM of a terminal's number is not in use at an institution, China time; `None` when it is, or when no PSAM of this
/// number was made here: then a vendor's may bear it.
///
/// # Errors
/// [`StoreError`].
pub fn not_in_use_since(
    tx: &Tx<'_>,
    number: TerminalNumber,
    institution: &InstitutionCode,
) -> Result<Option<DateTime>, StoreError> {
    let standing = tx.psam_standing(&number.to_string())?;
    Ok(standing.filter(|standing| !standing.serves(institution.as_str())).map(|standing| standing.since))
}

/// To whom a PSAM goes.
#[derive(Clone, Copy, Debug)]
pub struct HandOut<'a> {
    /// Institution.
    pub institution: &'a str,
    /// Person who answers for it there.
    pub holder: &'a str,
    /// Day on which it is due back, `YYYYMMDD`.
    pub due: &'a str,
}

/// What takes the place of a PSAM, and why.
#[derive(Clone, Copy, Debug)]
pub struct Replacement<'a> {
    /// 终端机编号 of the new one.
    pub with: &'a str,
    /// Who gets it.
    pub to: HandOut<'a>,
    /// Day by which the old one must be back, `YYYYMMDD`.
    pub back_by: &'a str,
    /// Why; no names of people.
    pub reason: &'a str,
}

/// A PSAM that has to come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReturnTask {
    /// 终端机编号.
    pub terminal_number: String,
    /// 终端机编号 of the one in its place.
    pub replaced_by: String,
    /// Institution that has to bring it.
    pub owner: String,
    /// Why it was replaced.
    pub reason: String,
    /// Operator who replaced it.
    pub operator: String,
    /// Day, `YYYYMMDD`.
    pub due: String,
    /// UTC instant.
    pub opened_at: String,
}

/// Open return tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReturnTasks {
    /// Of replaced ones, the oldest first.
    pub tasks: Vec<ReturnTask>,
    /// Handed out until a day that is over, the oldest first.
    pub overdue: Vec<Psam>,
}

impl ReturnTasks {
    /// What has to come back today.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn of(tx: &Tx<'_>) -> Result<Self, StoreError> {
        let tasks = tx.return_tasks()?;
        let mut overdue = tx.psams_due_before(&clock::compact(clock::today()))?;
        // One that was replaced has a task already.
        overdue.retain(|psam| !tasks.iter().any(|task| task.terminal_number == psam.terminal_number));
        Ok(Self { tasks, overdue })
    }
}

/// A transaction that a lost PSAM signed, as the terminal uploaded it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signed {
    /// Record number of the terminal.
    pub record: u64,
    /// China time of the terminal.
    pub date_time: String,
    /// 卡的识别码.
    pub card: String,
    /// Personal account, fen.
    pub personal_fen: i64,
    /// What the centre made of it.
    pub outcome: String,
}

/// What is known when a PSAM is lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// The PSAM.
    pub psam: Psam,
    /// Whether a terminal of this number was stopped.
    pub terminal_stopped: bool,
    /// Every purchase that it signed and the terminal uploaded.
    pub signed: Vec<Signed>,
}

/// PSAMs as they are shown: of the name of who answers for one its first character.
///
/// # Errors
/// [`StoreError`].
pub fn list(tx: &Tx<'_>) -> Result<Psams, StoreError> {
    Ok(Psams { psams: tx.psams()?.into_iter().map(masked).collect() })
}

/// PSAMs with whole names: who asked and why is on record before.
///
/// # Errors
/// [`PsamError`].
pub fn reveal(store: &mut Store, reason: &str, operator: Option<&str>) -> Result<Psams, PsamError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Keys)?;
        said(reason)?;
        let (object, detail) = ("PSAMs".to_owned(), reason.to_owned());
        Ok((Psams { psams: tx.psams()? }, Act { actor, act: "psam.reveal", object, detail }))
    })
}

fn masked(psam: Psam) -> Psam {
    Psam { holder: psam.holder.as_deref().map(masked_name), ..psam }
}

/// Hands a PSAM out.
///
/// # Errors
/// [`PsamError`].
pub fn hand_out(store: &mut Store, number: &str, to: &HandOut<'_>, operator: Option<&str>) -> Result<Psam, PsamError> {
    store.act(|tx| {
        let operator = tx.require(operator, Role::Keys)?;
        give(tx, number, to)?;
        Ok((masked(found(tx, number)?), act(operator, "psam.hand_out", number, given(to))))
    })
}

/// Takes a PSAM back; closes its return task.
///
/// # Errors
/// [`PsamError`].
pub fn take_back(store: &mut Store, number: &str, operator: Option<&str>) -> Result<Psam, PsamError> {
    store.act(|tx| {
        let operator = tx.require(operator, Role::Keys)?;
        let psam = found(tx, number)?;
        tx.move_psam(&psam, PsamMove::Return).map_err(|error| refused(error, &psam))?;
        let closed = tx.close_return(number)?;
        let detail = format!("{}, {closed} return tasks closed", psam.institution);
        Ok((found(tx, number)?, act(operator, "psam.return", number, detail)))
    })
}

/// Puts another PSAM in the place of one that is handed out, and opens the task to bring the old one back.
///
/// # Errors
/// [`PsamError`].
pub fn replace(
    store: &mut Store,
    number: &str,
    replacement: &Replacement<'_>,
    operator: Option<&str>,
) -> Result<ReturnTask, PsamError> {
    let Replacement { with, to, back_by, reason } = *replacement;
    store.act(|tx| {
        let operator = tx.require(operator, Role::Keys)?;
        said(reason)?;
        let old = found(tx, number)?;
        if old.state != PsamState::HandedOut.name() {
            return Err(PsamError::State { terminal_number: number.to_owned(), state: old.state });
        }
        still_ahead(back_by)?;
        names_nobody(reason, [old.holder.as_deref().unwrap_or_default(), to.holder])?;
        give(tx, with, &to)?;
        let task = ReturnTask {
            terminal_number: number.to_owned(),
            replaced_by: with.to_owned(),
            owner: old.institution,
            reason: reason.to_owned(),
            operator: operator.clone(),
            due: back_by.to_owned(),
            opened_at: clock::now(),
        };
        tx.open_return(&task).map_err(|error| match error {
            StoreError::Conflict { .. } => PsamError::ReturnOpen { terminal_number: number.to_owned() },
            error => error.into(),
        })?;
        let detail = format!("by {with}, {}, back by {back_by}: {reason}", given(&to));
        Ok((task, act(operator, "psam.replace", number, detail)))
    })
}

/// Declares a PSAM lost: for good on the blacklist, its terminal stopped, the transactions that it signed listed.
///
/// # Errors
/// [`PsamError`].
pub fn lose(store: &mut Store, number: &str, reason: &str, operator: Option<&str>) -> Result<Loss, PsamError> {
    store.act(|tx| {
        let operator = tx.require(operator, Role::Keys)?;
        said(reason)?;
        let psam = match tx.psam_of_terminal(number)? {
            Some(psam) => psam,
            None => tx.spoilt_psam(number)?.ok_or_else(|| unknown(number))?,
        };
        names_nobody(reason, [psam.holder.as_deref().unwrap_or_default()])?;
        tx.move_psam(&psam, way_to_lost(&psam)).map_err(|error| refused(error, &psam))?;
        tx.close_return(number)?;
        tx.ended_psam(number, reason, &operator)?;
        tx.blacklist_psam(number, reason, &operator)?;
        let terminal = TerminalNumber::parse(number).ok().map(|number| tx.terminal(number)).transpose()?.flatten();
        let active = terminal.filter(|terminal| terminal.state == TerminalState::Active);
        if let Some(terminal) = &active {
            tx.set_terminal_state(terminal.number, TerminalState::Stopped)?;
        }
        let signed = tx.signed_by_psam(number)?;
        let loss = Loss { psam: masked(found(tx, number)?), terminal_stopped: active.is_some(), signed };
        let stopped = if loss.terminal_stopped { ", terminal stopped" } else { "" };
        let detail = format!("{reason}, {} transactions signed{stopped}", loss.signed.len());
        Ok((loss, act(operator, "psam.lost", number, detail)))
    })
}

/// Takes a PSAM out of use.
///
/// # Errors
/// [`PsamError`].
pub fn retire(store: &mut Store, number: &str, reason: &str, operator: Option<&str>) -> Result<Psam, PsamError> {
    store.act(|tx| {
        let operator = tx.require(operator, Role::Keys)?;
        said(reason)?;
        let psam = found(tx, number)?;
        tx.move_psam(&psam, PsamMove::Retire).map_err(|error| refused(error, &psam))?;
        tx.ended_psam(number, reason, &operator)?;
        Ok((found(tx, number)?, act(operator, "psam.retire", number, reason.to_owned())))
    })
}

/// The move by which a PSAM is lost from where it is; one that is lost already is in another state than each of them asks.
fn way_to_lost(psam: &Psam) -> PsamMove {
    let ways = [PsamMove::LoseHere, PsamMove::LoseBegun, PsamMove::LoseSpoilt, PsamMove::LoseRetired];
    ways.into_iter().find(|way| way.ends().0.name() == psam.state).unwrap_or(PsamMove::Lose)
}

fn said(reason: &str) -> Result<(), PsamError> {
    if reason.trim().is_empty() { Err(PsamError::ReasonMissing) } else { Ok(()) }
}

/// A reason stands in the audit log and beside the PSAM: who answers for it does not.
fn names_nobody<'a>(reason: &str, holders: impl IntoIterator<Item = &'a str>) -> Result<(), StoreError> {
    let named = holders.into_iter().any(|holder| text::names(reason, holder));
    if named { Err(StoreError::TextUnfit { why: TextFault::Name }) } else { Ok(()) }
}

fn give(tx: &Tx<'_>, number: &str, to: &HandOut<'_>) -> Result<(), PsamError> {
    let psam = found(tx, number)?;
    let institution = registered(tx, to.institution)?;
    // Whoever made it for its institution said which keys it holds; for another it was not said.
    if psam.institution != to.institution && psam.keys.is_wider_than(PsamKeys::of(institution.kind)) {
        let terminal_number = number.to_owned();
        return Err(PsamError::KeysTooMany {
            terminal_number,
            keys: psam.keys,
            institution: to.institution.to_owned(),
        });
    }
    still_ahead(to.due)?;
    if to.holder.trim().is_empty() || to.holder.chars().any(char::is_control) {
        return Err(PsamError::HolderUnfit);
    }
    tx.seal_custodians()?;
    tx.hand_out_psam(number, to).map_err(|error| refused(error, &psam))
}

/// Nobody brings anything back by a day that is over.
fn still_ahead(day: &str) -> Result<(), PsamError> {
    if day < clock::compact(clock::today()).as_str() { Err(PsamError::DayOver { day: day.to_owned() }) } else { Ok(()) }
}

fn found(tx: &Tx<'_>, number: &str) -> Result<Psam, PsamError> {
    tx.psam_of_terminal(number)?.ok_or_else(|| unknown(number))
}

fn unknown(number: &str) -> PsamError {
    PsamError::NotFound { terminal_number: number.to_owned() }
}

/// A guarded move that found another state.
fn refused(error: StoreError, psam: &Psam) -> PsamError {
    match error {
        StoreError::StateMoved { .. } => {
            PsamError::State { terminal_number: psam.terminal_number.clone(), state: psam.state.clone() }
        }
        error => error.into(),
    }
}

/// Names of people stay out of the audit log.
fn given(to: &HandOut<'_>) -> String {
    format!("to {} until {}", to.institution, to.due)
}

fn act(actor: String, act: &'static str, number: &str, detail: String) -> Act {
    Act { actor, act, object: format!("terminal {number}"), detail }
}

impl Show for ReturnTask {
    fn text(&self, lang: Lang) -> String {
        let Self { terminal_number, replaced_by, owner, reason, operator, due, opened_at } = self;
        let late = if *due < clock::compact(clock::today()) { lang.pick("，已逾期", ", OVERDUE") } else { "" };
        lang.pick(
            format!("{terminal_number} 已由 {replaced_by} 替换，{owner} 须于 {due} 前交回{late}（{operator}，{opened_at}，{reason}）"),
            format!("{terminal_number} replaced by {replaced_by}, {owner} brings it back by {due}{late} ({operator}, {opened_at}: {reason})"),
        )
    }
}

impl Show for ReturnTasks {
    fn text(&self, lang: Lang) -> String {
        if self.tasks.is_empty() && self.overdue.is_empty() {
            return lang.pick("没有待交回的 PSAM", "no PSAM has to come back").to_owned();
        }
        let tasks = self.tasks.iter().map(|task| task.text(lang));
        let overdue = self.overdue.iter().map(|psam| {
            let (number, institution, due) =
                (&psam.terminal_number, &psam.institution, psam.due.as_deref().unwrap_or("-"));
            lang.pick(
                format!("{number} 领用期已过，{institution} 须于 {due} 前交回，已逾期"),
                format!("{number} was handed out to {institution} until {due}, OVERDUE"),
            )
        });
        tasks.chain(overdue).collect::<Vec<_>>().join("\n")
    }
}

impl Show for Loss {
    fn text(&self, lang: Lang) -> String {
        let mut lines = vec![self.psam.text(lang)];
        if self.terminal_stopped {
            lines.push(lang.pick("终端已停用", "its terminal is stopped").to_owned());
        }
        let count = self.signed.len();
        if count == 0 {
            lines.push(lang.pick("未收到它签过的交易", "no transaction that it signed was uploaded").to_owned());
            return lines.join("\n");
        }
        lines.push(lang.pick(format!("它签过 {count} 笔交易:"), format!("it signed {count} transactions:")));
        for Signed { record, date_time, card, personal_fen, outcome } in &self.signed {
            lines.push(format!("{record:>6}  {date_time}  {card}  {personal_fen:>10}  {outcome}"));
        }
        lines.join("\n")
    }
}
