//! Allotments (账户划入): money leaves the personal-account fund for holders, asked by one person and approved by another.
//!
//! Owns: the request, its two steps, the postings. Never: writes a card (a load does, later).
//! Units: fen.

use std::collections::BTreeSet;

use serde::Serialize;
use settlement::fen::Fen;
use settlement::id::CardIdentifier;

use super::ledger::{Account, Posting, PostingKind};
use super::refusal::ClearingError;
use super::rejection::{self, Rejected};
use crate::audit::Act;
use crate::lang::Lang;
use crate::output::Show;
use crate::store::Tx;

/// Where a request stands.
///
/// | state     | next               | who                                     |
/// |-----------|--------------------|-----------------------------------------|
/// | REQUESTED | APPROVED, REJECTED | role `approve`, not the one who asked   |
/// | APPROVED  | –                  | –                                       |
/// | REJECTED  | –                  | –                                       |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum AllotmentState {
    /// Asked for; no money has moved.
    Requested,
    /// Posted.
    Approved,
    /// Refused; nothing was posted.
    Rejected,
}

impl AllotmentState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Requested, Self::Approved, Self::Rejected];

    /// Name in the store and in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "REQUESTED",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
        }
    }

    /// The word for it; in English its name.
    const fn word(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (_, Lang::En) => self.name(),
            (Self::Requested, Lang::Zh) => "待复核",
            (Self::Approved, Lang::Zh) => "已复核入账",
            (Self::Rejected, Lang::Zh) => "已退回",
        }
    }
}

/// One holder's share of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AllotmentLine {
    /// Holder, by the row number of the registry.
    pub holder: i64,
    /// The holder's card when it was asked.
    pub card_identifier: CardIdentifier,
    /// Amount.
    pub amount_fen: Fen,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AllotmentRequest {
    /// Number.
    pub request: i64,
    /// State.
    pub state: AllotmentState,
    /// Who asked.
    pub maker: String,
    /// UTC instant.
    pub made_at: String,
    /// Who decided.
    pub checker: Option<String>,
    /// Why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejection: Option<String>,
    /// What of it covers debts of its holders: as they stand while it waits, or stood when it was approved just now.
    #[serde(skip_serializing_if = "is_zero")]
    pub covers_fen: Fen,
    /// Shares.
    pub lines: Vec<AllotmentLine>,
}

const fn is_zero(amount: &Fen) -> bool {
    amount.get() == 0
}

/// What of each share covers what its holder owes.
fn covers(tx: &Tx<'_>, lines: &[AllotmentLine]) -> Result<Fen, ClearingError> {
    let mut covers = Fen::ZERO;
    for line in lines {
        let owed = Fen::ZERO.minus(tx.balance(&tx.pending(line.holder)?)?)?;
        covers = covers.plus(owed.clamp(Fen::ZERO, line.amount_fen))?;
    }
    Ok(covers)
}

/// No person has two shares: two holders may have been found to be one since it was asked.
fn each_once(tx: &Tx<'_>, lines: &[AllotmentLine]) -> Result<(), ClearingError> {
    let mut seen = BTreeSet::new();
    for line in lines {
        if !seen.insert(tx.goes_on_in(line.holder)?) {
            return Err(ClearingError::HolderTwice { card: line.card_identifier });
        }
    }
    Ok(())
}

/// Asks for `amount` for the holder of each card.
///
/// # Errors
/// [`ClearingError`] when a card has no active holder, a holder appears twice or the amount is not positive.
pub fn request(
    tx: &Tx<'_>,
    cards: &[CardIdentifier],
    amount: Fen,
    maker: &str,
) -> Result<(AllotmentRequest, Act), ClearingError> {
    if amount <= Fen::ZERO || amount.to_card().is_err() {
        return Err(ClearingError::AmountInvalid { amount });
    }
    if cards.is_empty() {
        return Err(ClearingError::NothingToAllot);
    }
    let mut lines: Vec<AllotmentLine> = Vec::with_capacity(cards.len());
    for card in cards {
        let facts = tx.card_facts(*card)?.ok_or(ClearingError::CardUnknown { card: *card })?;
        if !facts.active {
            return Err(ClearingError::CardNotActive { card: *card });
        }
        if lines.iter().any(|line| line.holder == facts.holder) {
            return Err(ClearingError::HolderTwice { card: *card });
        }
        lines.push(AllotmentLine { holder: facts.holder, card_identifier: *card, amount_fen: amount });
    }
    let total = Fen::sum(lines.iter().map(|line| line.amount_fen))?;
    let request = tx.add_allotment(maker, &lines)?;
    let act = Act {
        actor: maker.to_owned(),
        act: "account.allot",
        object: format!("allotment {request}"),
        detail: format!("holders {} total {total}", lines.len()),
    };
    let allotment = tx.allotment(request)?.ok_or(ClearingError::AllotmentUnknown { request })?;
    Ok((AllotmentRequest { covers_fen: covers(tx, &lines)?, ..allotment }, act))
}

/// Rejects a request, and keeps why.
///
/// # Errors
/// As [`decide`]; [`ClearingError::ReasonMissing`].
pub fn reject(
    tx: &Tx<'_>,
    request: i64,
    reason: &str,
    checker: &str,
) -> Result<(AllotmentRequest, Act), ClearingError> {
    let (_, act) = decide(tx, request, AllotmentState::Rejected, checker)?;
    let act = rejection::keep(tx, (Rejected::Allotment, request), reason, Act { act: "account.reject", ..act })?;
    let allotment = tx.allotment(request)?.ok_or(ClearingError::AllotmentUnknown { request })?;
    Ok((allotment, act))
}

/// Approves a request and posts it, or rejects it.
///
/// # Errors
/// [`ClearingError::SameOperator`] when the one who asked decides; [`ClearingError::HolderTwice`] when two holders have become one since.
pub fn decide(
    tx: &Tx<'_>,
    request: i64,
    state: AllotmentState,
    checker: &str,
) -> Result<(AllotmentRequest, Act), ClearingError> {
    let allotment = tx.allotment(request)?.ok_or(ClearingError::AllotmentUnknown { request })?;
    if allotment.maker == checker {
        return Err(ClearingError::SameOperator { operator: checker.to_owned() });
    }
    tx.decide_allotment(request, state, checker)?;
    let mut covers_fen = Fen::ZERO;
    if state == AllotmentState::Approved {
        each_once(tx, &allotment.lines)?;
        covers_fen = covers(tx, &allotment.lines)?;
        let window = tx.current_window()?;
        for (number, line) in (1_usize..).zip(&allotment.lines) {
            let posting = Posting::transfer(
                format!("allotment:{request}:{number}"),
                PostingKind::Allotment,
                Account::PersonalAccountFund,
                tx.pending(line.holder)?,
                line.amount_fen,
            )?;
            tx.post_once(&posting, window)?;
        }
    }
    let act = Act {
        actor: checker.to_owned(),
        act: "account.decide",
        object: format!("allotment {request}"),
        detail: state.name().to_owned(),
    };
    let allotment = tx.allotment(request)?.ok_or(ClearingError::AllotmentUnknown { request })?;
    Ok((AllotmentRequest { covers_fen, ..allotment }, act))
}

impl Show for AllotmentRequest {
    fn text(&self, lang: Lang) -> String {
        let (request, state, holders) = (self.request, self.state.word(lang), self.lines.len());
        let total = Fen::sum(self.lines.iter().map(|line| line.amount_fen)).unwrap_or_default();
        let (maker, checker) = (&self.maker, self.checker.as_deref().unwrap_or("–"));
        let head = lang.pick(
            format!("划入单 {request}  {state}  {holders} 人  合计 {total} 元  经办 {maker}  复核 {checker}"),
            format!(
                "allotment {request}  {state}  {holders} holders  total {total} yuan  by {maker}  checked by {checker}"
            ),
        );
        let head = match self.covers_fen {
            Fen::ZERO => head,
            covers => lang.pick(
                format!("{head}\n  其中 {covers} 元先抵扣欠款"),
                format!("{head}\n  {covers} yuan of it cover debts"),
            ),
        };
        if self.state == AllotmentState::Requested {
            let next = lang.pick("等待另一人复核", "waits for another person");
            format!("{head}\n  {next}: issuer account approve {request} --operator NAME")
        } else {
            head + &rejection::line(self.rejection.as_deref(), lang)
        }
    }
}

/// All requests.
#[derive(Clone, Debug, Serialize)]
pub struct Allotments {
    /// Oldest first.
    pub allotments: Vec<AllotmentRequest>,
}

impl Show for Allotments {
    fn text(&self, lang: Lang) -> String {
        self.allotments.iter().map(|allotment| allotment.text(lang)).collect::<Vec<_>>().join("\n")
    }
}
