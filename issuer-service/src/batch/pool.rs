//! The pool of card numbers (卡号池): free, reserved, used, spoilt; a number is given once.
//!
//! Owns: making numbers with their check character, giving them to jobs, keeping single ones out of use.
//! Never: takes a number back.

use serde::Serialize;

use super::prefix::Prefixes;
use super::{BatchError, NumberMove, NumberState};
use crate::audit::Act;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::state::{State, word};
use crate::store::{Store, StoreError, Tx};

/// A card number of the pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Number {
    /// 卡号 with its check character.
    pub number: String,
    /// State.
    pub state: String,
    /// The job that has it.
    pub job: Option<i64>,
}

/// How the pool stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pool {
    /// First letter of the next number.
    pub prefix: char,
    /// All first letters, and one that is proposed.
    pub prefixes: Prefixes,
    /// Numbers in each state.
    pub free: u64,
    /// See [`Pool::free`].
    pub reserved: u64,
    /// See [`Pool::free`].
    pub used: u64,
    /// See [`Pool::free`].
    pub spoilt: u64,
    /// Numbers that can still be made.
    pub not_made: u64,
    /// Those asked for.
    pub numbers: Vec<Number>,
}

/// How the pool stands, and numbers in a state or any, in order of making.
///
/// # Errors
/// [`StoreError`].
pub fn look(store: &mut Store, prefix: char, state: Option<NumberState>, limit: u32) -> Result<Pool, StoreError> {
    store.read(|tx| {
        let count = |state| tx.number_count(state);
        let (prefixes, next) = (Prefixes::of(tx, prefix)?, tx.next_serial()?);
        Ok(Pool {
            prefix: prefixes.current(next),
            free: count(NumberState::Free)?,
            reserved: count(NumberState::Reserved)?,
            used: count(NumberState::Used)?,
            spoilt: count(NumberState::Spoilt)?,
            not_made: prefixes.not_made(next),
            prefixes,
            numbers: tx.numbers(state, limit)?,
        })
    })
}

/// Makes free numbers ahead of need: for a bank or factory that is told the range.
///
/// # Errors
/// [`BatchError`].
pub fn fill(store: &mut Store, count: u32, prefix: char, operator: Option<&str>) -> Result<Vec<String>, BatchError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Capture)?;
        let numbers = (0..count).map(|_| new_number(tx, prefix)).collect::<Result<Vec<_>, _>>()?;
        let (first, last) = (numbers.first().cloned(), numbers.last().cloned());
        let detail = format!("{count} from {} to {}", first.unwrap_or_default(), last.unwrap_or_default());
        Ok((numbers, Act { actor, act: "number.fill", object: "card numbers".to_owned(), detail }))
    })
}

/// Keeps a free number out of use for good.
///
/// # Errors
/// [`BatchError`].
pub fn block(store: &mut Store, number: &str, reason: &str, operator: Option<&str>) -> Result<Number, BatchError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Capture)?;
        let found = |tx: &Tx<'_>| tx.number(number)?.ok_or(BatchError::NumberUnknown);
        let state = found(tx)?.state;
        if state != NumberState::Free.name() {
            return Err(BatchError::NumberTaken { state });
        }
        tx.move_number(number, NumberMove::Block)?;
        let act =
            Act { actor, act: "number.block", object: format!("card number {number}"), detail: reason.to_owned() };
        Ok((found(tx)?, act))
    })
}

/// Gives a job the free number with the lowest serial, or a new one.
pub(super) fn give(tx: &Tx<'_>, job: i64, prefix: char) -> Result<(), BatchError> {
    let number = match tx.free_number()? {
        Some(number) => number,
        None => new_number(tx, prefix)?,
    };
    tx.move_number(&number, NumberMove::Reserve)?;
    tx.give_number(job, &number)?;
    Ok(())
}

fn new_number(tx: &Tx<'_>, prefix: char) -> Result<String, BatchError> {
    let (prefixes, next) = (Prefixes::of(tx, prefix)?, tx.next_serial()?);
    let exhausted = || BatchError::NumbersExhausted { prefix: prefixes.current(next) };
    let (serial, body) = prefixes.number(next).ok_or_else(exhausted)?;
    let number = card_profiles::identity::card_number(&body).ok_or_else(exhausted)?;
    tx.add_number(&number, serial)?;
    Ok(number)
}

impl Show for Number {
    fn text(&self, lang: Lang) -> String {
        let Self { number, state, job } = self;
        let state = word(&NumberState::TABLE, state, lang);
        let job = job.map(|job| lang.pick(format!("  任务 {job}"), format!("  job {job}"))).unwrap_or_default();
        format!("{number}  {state}{job}")
    }
}

impl Show for Pool {
    fn text(&self, lang: Lang) -> String {
        let Self { prefix, prefixes, free, reserved, used, spoilt, not_made, numbers } = self;
        let mut lines: Vec<String> = numbers.iter().map(|number| number.text(lang)).collect();
        let prefix = prefixes.letters.iter().fold(prefix.to_string(), |all, letter| match all.contains(*letter) {
            true => all,
            false => format!("{all} {letter}"),
        });
        lines.push(lang.pick(
            format!("卡号: 空闲 {free}，预留 {reserved}，已用 {used}，作废 {spoilt}，前缀 {prefix} 尚可编 {not_made}"),
            format!(
                "card numbers: {free} free, {reserved} reserved, {used} used, {spoilt} spoilt, {not_made} more with prefix {prefix}"
            ),
        ));
        if prefixes.letters.len() > 1 || prefixes.proposed.is_some() {
            lines.push(prefixes.text(lang));
        }
        lines.join("\n")
    }
}
