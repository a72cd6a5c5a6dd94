//! The holder's page of a kiosk, put together.
//!
//! Owns: what is told with a PIN and what without. Never: finds anything itself.

use settlement::code::ErrorCode;
use settlement::date::Month;
use settlement::id::CardIdentifier;
use settlement::message::{AnswerStatus, Version1};
use settlement::query::{
    AccountView, LOG_RECORDS_MAX, OnCard, OverviewAnswer, OverviewRequest, Pin, STATEMENT_LINES_MAX, SelfService,
    difference_of,
};

use super::account::{self, Money};
use super::{Asker, card, certificate, difference, insurance, progress, service};
use crate::audit::Act;
use crate::benefit::rule::BenefitRules;
use crate::card::rule::LifeRules;
use crate::card::state::LifeState;
use crate::clearing::refusal::ClearingError;
use crate::clock;
use crate::store::Tx;

/// The holder's page.
///
/// # Errors
/// [`ClearingError`] with the code for the terminal.
pub fn overview(
    tx: &Tx<'_>,
    (rules, benefit_rules): (&LifeRules, BenefitRules),
    asker: &Asker,
    request: &OverviewRequest,
) -> Result<(OverviewAnswer, Act), ClearingError> {
    if request.on_card.as_ref().is_some_and(|on_card| on_card.log.len() > LOG_RECORDS_MAX) {
        return Err(ClearingError::Refused(ErrorCode::MessageMalformed));
    }
    let (made, state) =
        card::made(tx, request.card_identifier)?.ok_or(ClearingError::Refused(ErrorCode::CardUnknown))?;
    let person = tx.goes_on_in(made.person)?;
    let (account, benefits) = if request.pin.is_known() {
        let account = account_view(tx, person, request.card_identifier, request.on_card.as_ref())?;
        (Some(account), insurance::benefits(tx, person, benefit_rules)?)
    } else {
        (None, None)
    };
    let mut may = service::may(rules, state);
    let month = Month::of(clock::business_today());
    if state == LifeState::Normal
        && !tx.contribution_days_of(person)?.is_empty()
        && certificate::left_this_month(tx, benefit_rules, person, month)? != Some(0)
    {
        may.push(SelfService::Certificate);
    }
    // With the PIN that came with the card nothing is carried out: it is changed first.
    if request.pin == Pin::Initial {
        may.clear();
    }
    let answer = OverviewAnswer {
        version: Version1,
        status: AnswerStatus::Created,
        card: card::view(tx, &made, state).map_err(service::refused)?,
        new_card: progress::of_person(tx, person)?,
        may,
        account,
        benefits,
    };
    let told = if request.pin.is_known() { "card, progress, account, insurances" } else { "card, progress" };
    let act = asker.act("query.holder", person, &format!("card {}: {told}", made.card_number));
    Ok((answer, act))
}

/// All of a holder's money, and how far the card in the reader agrees.
fn account_view(
    tx: &Tx<'_>,
    holder: i64,
    card: CardIdentifier,
    on_card: Option<&OnCard>,
) -> Result<AccountView, ClearingError> {
    let cards = tx.card_identifiers_of(holder)?;
    let money = Money::of(tx, holder, &cards)?;
    let total_fen = money.total()?;
    let pending = match on_card {
        Some(on_card) => difference::explain(tx, card, &money, on_card)?,
        None => Vec::new(),
    };
    let unexplained = on_card.map(|on_card| difference_of(total_fen, on_card.balance_fen, &pending)).transpose()?;
    let sum = |of: &dyn Fn(&account::CardMoney) -> Option<settlement::Fen>| {
        settlement::Fen::sum(money.cards.iter().filter_map(of))
    };
    let mut lines = account::lines(tx, holder, &cards)?;
    lines.reverse();
    lines.truncate(STATEMENT_LINES_MAX);
    Ok(AccountView {
        card_fen: sum(&|one| (one.card == card).then_some(one.on_card))?,
        waiting_fen: money.waiting,
        under_way_fen: sum(&|one| Some(one.under_way))?,
        former_cards_fen: sum(&|one| (one.card != card).then_some(one.on_card))?,
        total_fen,
        pending,
        unexplained_fen: unexplained,
        lines,
    })
}
