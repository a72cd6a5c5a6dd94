//! Loads and refunds whose outcome nobody told (圈存处理): one person says whether the card has the money, another decides.
//!
//! | what people decided | gives way to | by |
//! |---------------------|--------------|----|
//! | not credited | CREDITED | the card's own TAC (`load::prove`) |
//! | credited | NOT_CREDITED | the TAC of another load with the same number, which covers it (`load`); two people |
//!
//! What gave way is posted the other way round, in the window that is open then, as LOAD_YIELDED or REFUND_YIELDED: the day on which it
//! counted as credited keeps its proof.
//!
//! Source: docs/adr/0086; clearing practice of two persons for what is entered by hand.
//! Owns: who decides, about which loads, how it gives way. Never: the card's own proof (`load`).
//! Units: fen.

use serde::{Serialize, Serializer};
use settlement::date::BusinessDate;
use settlement::id::LoadId;

use super::decision::{DecisionMove, DecisionState};
use super::ledger::{Account, Posting, PostingKind};
use super::load::{self, Load, LoadState};
use super::refund;
use super::refusal::ClearingError;
use super::rejection::{self, Rejected};
use super::{succession, take_back};
use crate::audit::Act;
use crate::lang::Lang;
use crate::output::Show;
use crate::state::State;
use crate::store::Tx;

/// What people say of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadAct {
    /// The card has the money.
    Credited,
    /// It does not have it.
    NotCredited,
}

impl LoadAct {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Credited, Self::NotCredited];

    /// Name in the store, in output and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Credited => "credited",
            Self::NotCredited => "not-credited",
        }
    }

    const fn state(self) -> LoadState {
        match self {
            Self::Credited => LoadState::Credited,
            Self::NotCredited => LoadState::NotCredited,
        }
    }

    const fn word(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (_, Lang::En) => self.name(),
            (Self::Credited, Lang::Zh) => "已到卡",
            (Self::NotCredited, Lang::Zh) => "未到卡",
        }
    }
}

impl Serialize for LoadAct {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// What is asked or decided about a load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoadDecision {
    /// Number.
    pub number: i64,
    /// Load.
    pub load_id: LoadId,
    /// What became of it.
    pub act: LoadAct,
    /// What shows it.
    pub reason: String,
    /// State.
    pub state: DecisionState,
    /// Who asked.
    pub maker: String,
    /// UTC instant.
    pub made_at: String,
    /// Who decided.
    pub checker: Option<String>,
    /// Window that it counts in.
    pub decided_on: Option<BusinessDate>,
    /// Window in which it gave way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yielded_on: Option<BusinessDate>,
    /// Why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejection: Option<String>,
}

/// Asks that a load have this outcome.
///
/// # Errors
/// [`ClearingError::LoadUnknown`], [`ClearingError::LoadDecided`], [`ClearingError::LoadAsked`], [`ClearingError::ReasonMissing`].
pub fn propose(
    tx: &Tx<'_>,
    load: LoadId,
    act: LoadAct,
    reason: &str,
    maker: &str,
) -> Result<(LoadDecision, Act), ClearingError> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(ClearingError::ReasonMissing);
    }
    let asked = known(tx, load)?;
    possible(tx, &asked, act)?;
    if let Some(waits) = tx.load_decisions_of(load)?.into_iter().find(|one| one.state == DecisionState::Proposed) {
        return Err(ClearingError::LoadAsked { load, number: waits.number });
    }
    let number = tx.add_load_decision(load, act, reason, maker)?;
    let detail = format!("decision {number}: {} {} yuan: {reason}", act.name(), asked.amount_fen);
    Ok((found(tx, number)?, told(maker, "load.propose", load, detail)))
}

/// Refuses what another person asked for, and keeps why.
///
/// # Errors
/// As [`decide`]; [`ClearingError::ReasonMissing`].
pub fn reject(tx: &Tx<'_>, number: i64, reason: &str, checker: &str) -> Result<(LoadDecision, Act), ClearingError> {
    let (_, act) = decide(tx, number, DecisionMove::Reject, checker)?;
    let act = rejection::keep(tx, (Rejected::Load, number), reason, act)?;
    Ok((found(tx, number)?, act))
}

/// Does what another person asked for, or refuses it.
///
/// # Errors
/// [`ClearingError::LoadDecisionUnknown`], [`ClearingError::SameOperator`], [`ClearingError::LoadDecided`].
pub fn decide(
    tx: &Tx<'_>,
    number: i64,
    step: DecisionMove,
    checker: &str,
) -> Result<(LoadDecision, Act), ClearingError> {
    let LoadDecision { load_id: id, act, state, maker, reason, .. } = found(tx, number)?;
    if maker == checker {
        return Err(ClearingError::SameOperator { operator: checker.to_owned() });
    }
    if state != DecisionState::Proposed {
        return Err(ClearingError::LoadDecided { load: id });
    }
    let window = match step {
        DecisionMove::Reject => None,
        DecisionMove::Approve => Some(tx.current_window()?),
    };
    tx.decide_load((number, step), checker, window)?;
    if step == DecisionMove::Approve {
        let load = known(tx, id)?;
        possible(tx, &load, act)?;
        let evidence = format!("decision {number} of {maker} and {checker}: {reason}");
        match load.state {
            LoadState::Credited => give_way(tx, &load, &evidence)?,
            LoadState::Prepared | LoadState::NotCredited => load::settle(tx, &load, act.state(), None, &evidence)?,
        }
    }
    let done = found(tx, number)?;
    let detail = format!("decision {number}: {} {}", act.name(), done.state.name());
    Ok((done, told(checker, "load.decide", id, detail)))
}

/// Whether people may say this of a load: it has no outcome, or a word of the other kind. The card's own word is final.
fn possible(tx: &Tx<'_>, load: &Load, act: LoadAct) -> Result<(), ClearingError> {
    let may_be = match (load.state, act) {
        (LoadState::Prepared, LoadAct::NotCredited) => true,
        // One number, one load: people take the other one back first.
        (LoadState::Prepared, LoadAct::Credited) => load::rival(tx, load)?.is_none(),
        // What gave way once is called credited by the card alone.
        (LoadState::NotCredited, LoadAct::Credited) => {
            !tx.has_yielded(load.load_id)? && load::rival(tx, load)?.is_none()
        }
        (LoadState::Credited, LoadAct::NotCredited) => by_people(tx, load)?.is_some() && is_last(tx, load)?,
        (LoadState::NotCredited, LoadAct::NotCredited) | (LoadState::Credited, LoadAct::Credited) => false,
    };
    if may_be { Ok(()) } else { Err(ClearingError::LoadDecided { load: load.load_id }) }
}

/// Whether the card has begun no load with a later number: its number would have shown that it took this one.
fn is_last(tx: &Tx<'_>, load: &Load) -> Result<bool, ClearingError> {
    Ok(tx.last_load(load.card_identifier)?.is_some_and(|last| last.card_sequence == load.card_sequence))
}

/// The decision that alone says that a load is on its card, and its window.
///
/// # Errors
/// [`ClearingError::Store`].
pub(super) fn by_people(tx: &Tx<'_>, load: &Load) -> Result<Option<(i64, BusinessDate)>, ClearingError> {
    if load.state != LoadState::Credited || load.tac.is_some() {
        return Ok(None);
    }
    let decisions = tx.load_decisions_of(load.load_id)?;
    let last =
        decisions.into_iter().rev().find(|one| one.act == LoadAct::Credited && one.state == DecisionState::Approved);
    Ok(last.and_then(|one| one.decided_on.map(|on| (one.number, on))))
}

/// A load that people called credited, and no code of the card did, is not: it is posted the other way round.
///
/// # Errors
/// [`ClearingError::LoadDecided`] where more than people's word says that it is.
pub(super) fn give_way(tx: &Tx<'_>, load: &Load, why: &str) -> Result<(), ClearingError> {
    let decided = ClearingError::LoadDecided { load: load.load_id };
    let (decision, credited_on) = by_people(tx, load)?.ok_or(decided)?;
    let window = tx.current_window()?;
    for posting in postings(tx, load)? {
        tx.post_once(&posting, window)?;
    }
    tx.add_yield(load.load_id, decision, (credited_on, window), why)?;
    tx.settle_load((load.load_id, LoadState::Credited), LoadState::NotCredited, None, why, window)?;
    succession::follow(tx, load.card_identifier)
}

fn postings(tx: &Tx<'_>, load: &Load) -> Result<Vec<Posting>, ClearingError> {
    let Some(of) = &load.refund else {
        let reference = format!("yielded:load:{}", load.load_id);
        let (from, to) = (Account::Card(load.card_identifier), tx.pending(load.holder)?);
        return Ok(vec![Posting::transfer(reference, PostingKind::LoadYielded, from, to, load.amount_fen)?]);
    };
    let Some(before) = refund::posting(load, of)? else { return Ok(Vec::new()) };
    let mut postings = vec![take_back::mirror(("yielded:", &before), PostingKind::RefundYielded, |account| account)?];
    // Its purchase was taken back since, and the holder was to owe it: not any more.
    if let Some(owed) = take_back::owed(tx, load, of)?
        && tx.is_posted(owed.reference())?
    {
        postings.push(take_back::mirror(("yielded:", &owed), PostingKind::Correction, |account| account)?);
    }
    Ok(postings)
}

fn known(tx: &Tx<'_>, load: LoadId) -> Result<Load, ClearingError> {
    tx.load(load)?.ok_or(ClearingError::LoadUnknown { load })
}

fn found(tx: &Tx<'_>, number: i64) -> Result<LoadDecision, ClearingError> {
    tx.load_decision(number)?.ok_or(ClearingError::LoadDecisionUnknown { number })
}

fn told(actor: &str, act: &'static str, load: LoadId, detail: String) -> Act {
    Act { actor: actor.to_owned(), act, object: format!("load {load}"), detail }
}

impl Show for LoadDecision {
    fn text(&self, lang: Lang) -> String {
        let Self { number, load_id, reason, maker, .. } = self;
        let (word, act) = (self.state.word(lang), self.act.word(lang));
        let checker = self.checker.as_deref().unwrap_or("–");
        let head = lang.pick(
            format!("处理单 {number}  {word}  圈存 {load_id}  {act}  经办 {maker}  复核 {checker}  {reason}"),
            format!("decision {number}  {word}  load {load_id}  {act}  by {maker}  checked by {checker}  {reason}"),
        );
        if self.state != DecisionState::Proposed {
            return head + &rejection::line(self.rejection.as_deref(), lang);
        }
        let next = lang.pick("等待另一人复核", "waits for another person");
        format!("{head}\n  {next}: issuer load approve {number} --operator NAME")
    }
}
