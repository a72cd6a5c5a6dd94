//! `issuer card …`.

use std::time::Duration;

use card_core::Session;
use clap::Subcommand;

use super::Common;
use super::batch::slots;
use crate::card::Cards;
use crate::card::failure::LifeError;
use crate::card::life::{self, CardFiles, History, Order, Refused};
use crate::card::state::{LifeState, Step, Table};
use crate::card::update::failure::UpdateError;
use crate::centre::Centre;
use crate::error::{Error, Explain, Missing};
use crate::exit::Exit;
use crate::output::Output;
use crate::station::failure::StationError;

/// What to do with cards.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List cards.
    List {
        /// Of this batch only.
        #[arg(long, value_name = "NUMBER")]
        batch: Option<i64>,
        /// Of the person of this row only (`person find`), newest last.
        #[arg(long, value_name = "ROW", conflicts_with = "batch")]
        person: Option<i64>,
    },
    /// Show a card: its state, the blacklist, what it replaces.
    Show {
        /// 卡号.
        card_number: String,
    },
    /// 启用: hand cards out; the card of the same person that was lost goes out of use.
    Activate {
        /// 卡号.
        #[arg(required_unless_present_any = ["batch", "reader"], conflicts_with = "batch")]
        card_numbers: Vec<String>,
        /// Every sealed card of this batch.
        #[arg(long, value_name = "NUMBER", conflicts_with = "reader")]
        batch: Option<i64>,
        /// Read the card in this reader first: it must be the recorded one, and the one named.
        #[arg(long, value_name = "READER", conflicts_with = "no_reader")]
        reader: Option<String>,
        /// Seconds to wait for a card in the reader.
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        wait: u64,
        /// By number alone, with a reason, where the site reads cards (`activate_with_card`).
        #[arg(long, requires = "reason")]
        no_reader: bool,
        /// Why, if there is something to say; no names of people.
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// 挂失: a card is lost.
    #[command(group = clap::ArgGroup::new("kind").required(true).args(["temporary", "formal"]))]
    ReportLoss {
        /// 卡号.
        card_number: String,
        /// 临时挂失: for the period of the site, then it works again by itself (`card due`).
        #[arg(long)]
        temporary: bool,
        /// 正式挂失: until a new card is activated.
        #[arg(long)]
        formal: bool,
        /// Why; no names of people.
        #[arg(long)]
        reason: String,
    },
    /// 解挂: a lost card was found.
    Release {
        /// 卡号.
        card_number: String,
        /// Why; no names of people.
        #[arg(long)]
        reason: String,
    },
    /// 锁定: a card may not work for now.
    Lock {
        /// 卡号.
        card_number: String,
        /// Why; no names of people.
        #[arg(long)]
        reason: String,
    },
    /// 解锁: a locked card may work again.
    Unlock {
        /// 卡号.
        card_number: String,
        /// Why; no names of people.
        #[arg(long)]
        reason: String,
    },
    /// 注销: a card goes out of use for ever.
    Cancel {
        /// 卡号.
        card_number: String,
        /// Why; no names of people.
        #[arg(long)]
        reason: String,
    },
    /// Do what is due: release temporary losses whose period has passed. For a daily timer.
    Due,
    /// Show every move of a card.
    History {
        /// 卡号.
        card_number: String,
    },
    /// Show the states of a card and the moves between them, as this site allows them.
    States,
    /// 更新: changed data of people go onto cards already made.
    #[command(subcommand)]
    Update(super::update::Verb),
}

impl Verb {
    /// The reason that somebody gives.
    fn reason(&self) -> Option<&str> {
        match self {
            Self::Activate { reason, .. }
            | Self::ReportLoss { reason, .. }
            | Self::Release { reason, .. }
            | Self::Lock { reason, .. }
            | Self::Unlock { reason, .. }
            | Self::Cancel { reason, .. } => Some(reason),
            Self::List { .. }
            | Self::Show { .. }
            | Self::Due
            | Self::History { .. }
            | Self::States
            | Self::Update(_) => None,
        }
    }
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    if let (Verb::States, None) = (&verb, &common.data) {
        output.show(&Table::of(|_| true));
        return Ok(Exit::Ok);
    }
    if let Verb::Update(verb) = verb {
        return super::update::run(common, verb, output);
    }
    let mut centre = common.centre_told(verb.reason(), output)?;
    match verb {
        Verb::List { batch, person } => {
            let cards = centre.store.read(|tx| -> Result<_, Error> {
                match person {
                    Some(id) if !tx.person_exists(id)? => Err(Missing::Person { id }.into()),
                    Some(id) => Ok(tx.cards_of_person(id)?),
                    None => Ok(tx.cards(batch)?),
                }
            })?;
            output.show(&Cards { cards });
        }
        Verb::Show { card_number } => output.show(&centre.store.read(|tx| life::file(tx, &card_number))?),
        Verb::Activate { card_numbers, reader: Some(reader), wait, reason, .. } => {
            return activate_read(common, &mut centre, (reader, wait), &card_numbers, &reason, output);
        }
        Verb::Activate { card_numbers, batch, reason, no_reader, .. } => {
            if centre.config.life.activate_with_card && !no_reader {
                return Err(LifeError::CardNotSeen.into());
            }
            let numbers = match batch {
                Some(batch) => sealed(&mut centre, batch)?,
                None => card_numbers,
            };
            return activate(common, &mut centre, &numbers, &reason, output);
        }
        Verb::ReportLoss { card_number, formal, reason, .. } => {
            let step = if formal { Step::ReportFormal } else { Step::ReportTemporary };
            output.show(&moved(common, &mut centre, &card_number, step, &reason)?);
        }
        Verb::Release { card_number, reason } => {
            let card = centre.store.read(|tx| tx.card_by_number(&card_number))?.ok_or(Missing::Card)?;
            let formal = card.state == LifeState::FormalLoss.name();
            let step = if formal { Step::Revoke } else { Step::Release };
            output.show(&moved(common, &mut centre, &card_number, step, &reason)?);
        }
        Verb::Lock { card_number, reason } => {
            output.show(&moved(common, &mut centre, &card_number, Step::Lock, &reason)?);
        }
        Verb::Unlock { card_number, reason } => {
            output.show(&moved(common, &mut centre, &card_number, Step::Unlock, &reason)?);
        }
        Verb::Cancel { card_number, reason } => {
            output.show(&moved(common, &mut centre, &card_number, Step::Cancel, &reason)?);
        }
        Verb::Due => {
            output.show(&life::release_due(&mut centre.store, &centre.config.life, common.operator.as_deref())?);
        }
        Verb::History { card_number } => {
            let history = centre.store.read(|tx| -> Result<_, Error> {
                let card = tx.card_by_number(&card_number)?.ok_or(Missing::Card)?;
                Ok(History { card_number: card.card_number, moves: tx.card_moves(card.job)? })
            })?;
            output.show(&history);
        }
        Verb::States | Verb::Update(_) => output.show(&Table::of(|row| centre.config.life.allows(row))),
    }
    Ok(Exit::Ok)
}

fn moved(
    common: &Common,
    centre: &mut Centre,
    number: &str,
    step: Step,
    reason: &str,
) -> Result<life::CardFile, LifeError> {
    let order = Order { step, reason, operator: common.operator.as_deref() };
    life::carry_out(&mut centre.store, &centre.config.life, number, &order)
}

/// Activates the cards that are put into a reader, one after the other: those named, or the one that is there.
fn activate_read(
    common: &Common,
    centre: &mut Centre,
    (reader, wait): (String, u64),
    numbers: &[String],
    reason: &str,
    output: &Output,
) -> Result<Exit, Error> {
    let wait = Duration::from_secs(wait);
    let mut slot = slots(&[reader], None)?.remove(0);
    let named: Vec<Option<&str>> =
        if numbers.is_empty() { vec![None] } else { numbers.iter().map(|number| Some(number.as_str())).collect() };
    for (place, number) in named.iter().enumerate() {
        let transport = slot.card(wait).map_err(StationError::from)?.ok_or(UpdateError::NoCard)?;
        let mut session = Session::new(transport);
        let (store, rules) = (&mut centre.store, &centre.config.life);
        output.show(&life::activate_seen(store, rules, (&mut session, *number), reason, common.operator.as_deref())?);
        drop(session);
        if place + 1 < named.len() && !slot.emptied(wait).map_err(StationError::from)? {
            return Err(UpdateError::NoCard.into());
        }
    }
    Ok(Exit::Ok)
}

/// Activates each card in an act of its own. A number that is no card stops all of them before the first; a card that may not be
/// activated is told beside those that were.
fn activate(
    common: &Common,
    centre: &mut Centre,
    numbers: &[String],
    reason: &str,
    output: &Output,
) -> Result<Exit, Error> {
    centre.store.read(|tx| -> Result<_, Error> {
        for (number, place) in numbers.iter().zip(1..) {
            if tx.card_by_number(number)?.is_none() {
                return Err(if numbers.len() == 1 { Missing::Card } else { Missing::CardAt { place } }.into());
            }
        }
        Ok(())
    })?;
    let (mut cards, mut refused, mut first) = (Vec::with_capacity(numbers.len()), Vec::new(), None);
    for (place, number) in numbers.iter().enumerate() {
        if numbers[..place].contains(number) {
            continue;
        }
        match moved(common, centre, number, Step::Activate, reason) {
            Ok(card) => cards.push(card),
            // Who may not do it, or cannot store it, may not and cannot for the others.
            Err(error @ (LifeError::Operator(_) | LifeError::Store(_))) => {
                if !cards.is_empty() {
                    output.show(&CardFiles { cards, refused });
                }
                return Err(error.into());
            }
            Err(error) => {
                let (code, what, next) = (error.code(), error.what(output.lang()), error.next(output.lang()));
                refused.push(Refused { card_number: number.clone(), code, what, next });
                first.get_or_insert(error);
            }
        }
    }
    match first {
        Some(error) if cards.is_empty() && refused.len() == 1 => Err(error.into()),
        first => {
            output.show(&CardFiles { cards, refused });
            Ok(if first.is_none() { Exit::Ok } else { Exit::Partly })
        }
    }
}

/// Sealed cards of a batch; there is none once all are handed out.
fn sealed(centre: &mut Centre, batch: i64) -> Result<Vec<String>, Error> {
    centre.store.read(|tx| -> Result<_, Error> {
        crate::batch::found(tx, batch)?;
        let cards = tx.cards(Some(batch))?.into_iter();
        Ok(cards.filter(|card| card.state == LifeState::Sealed.name()).map(|card| card.card_number).collect())
    })
}
