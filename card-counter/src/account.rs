//! The medical account: balances and the card's own log.
//!
//! Source: LD/T 32.7 account commands as rows of the profile; EF08 (医疗交易明细).
//! Owns: reading them. Never: moves money.

use card_profiles::account::{AccountRules, Amounts, BalanceKind, Balances, TotalsYear};
use card_profiles::profile::Ef;
use settlement::id::TerminalNumber;
use settlement::recovery::LogRecord;

use crate::error::TerminalError;
use crate::read;
use crate::tap::{Approached, Tapped};

/// Selects the account's DF and reads the three balances.
///
/// # Errors
/// [`TerminalError::ApplicationMissing`], that the card refuses, or that its totals are of two years.
pub fn balances(card: &mut Approached<'_>, rules: &AccountRules) -> Result<Balances, TerminalError> {
    let (personal_account, _) = balance(card, rules, BalanceKind::PersonalAccount)?;
    let self_paid = balance(card, rules, BalanceKind::SelfPaidTotal)?;
    let pooled_fund = balance(card, rules, BalanceKind::PooledFundTotal)?;
    let totals = [self_paid, pooled_fund].map(|(total, year)| (total, year.unwrap_or_default()));
    let wrong = TerminalError::CardAnswer { command: "GET BALANCE" };
    let ([self_paid_total, pooled_fund_total], year) = of_one_year(rules, totals).ok_or(wrong)?;
    Ok(Balances { personal_account, self_paid_total, pooled_fund_total, year })
}

/// Both totals and their year as the card writes it: an answer without check value is held to what can be known of it. What is no
/// year says nothing against the amounts, and a total without a year is one that was never begun: nothing beside the other.
fn of_one_year(rules: &AccountRules, totals: [(u32, u16); 2]) -> Option<([u32; 2], u16)> {
    let [(self_paid, first), (pooled_fund, second)] = totals;
    let both = [self_paid, pooled_fund];
    match [first, second].map(|stored| rules.totals_year.read(stored)) {
        [TotalsYear::None, TotalsYear::None] => Some((both, first)),
        [TotalsYear::None, _] => Some(([0, pooled_fund], second)),
        [_, TotalsYear::None] => Some(([self_paid, 0], first)),
        [TotalsYear::Unreadable(stored), _] | [_, TotalsYear::Unreadable(stored)] => Some((both, stored)),
        [TotalsYear::Of(one), TotalsYear::Of(other)] => (one == other).then_some((both, first)),
    }
}

/// Personal account, fen.
///
/// # Errors
/// As [`balances`].
pub fn personal_account(card: &mut Approached<'_>, rules: &AccountRules) -> Result<u32, TerminalError> {
    balance(card, rules, BalanceKind::PersonalAccount).map(|(amount, _)| amount)
}

fn balance(
    card: &mut Approached<'_>,
    rules: &AccountRules,
    kind: BalanceKind,
) -> Result<(u32, Option<u16>), TerminalError> {
    card.select(&rules.df)?;
    let answer = card.session.send(&rules.get_balance(kind))?;
    let data = answer.ok().map_err(|sw| TerminalError::CardRefused { command: "GET BALANCE", sw })?;
    Ok(AccountRules::parse_balance(kind, &data)?)
}

/// The card's log, newest first. The PIN is verified before.
///
/// # Errors
/// [`TerminalError`] when the card refuses, or a record has a wrong form.
pub fn log(tapped: &mut Tapped<'_>, rules: &AccountRules) -> Result<Vec<LogRecord>, TerminalError> {
    let ef = tapped.profile.ef(&rules.df, &rules.log).ok_or(TerminalError::Bug("the profile has the account's log"))?;
    let shown = tapped.reading().clone();
    let read = read::files(tapped, &[(&rules.df, &rules.log)], read::Keys::default());
    // The log is an answer of its own, not one of the files that were asked for.
    tapped.show(shown);
    if let Some(error) = read.lost.or_else(|| read.unread.into_iter().next().map(|file| file.error)) {
        return Err(error);
    }
    let wrong = || TerminalError::CardAnswer { command: "READ RECORD EF08" };
    let is_written = |bytes: &[u8]| bytes.iter().any(|byte| *byte != 0);
    read.records
        .iter()
        .map(|record| record.bytes.as_slice())
        .filter(|bytes| is_written(bytes) || bytes.len() != ef.record_length())
        .map(|bytes| Some(bytes).filter(|bytes| bytes.len() == ef.record_length()).ok_or_else(wrong))
        .map(|bytes| log_record(ef, bytes?).ok_or_else(wrong))
        .collect()
}

/// The fields of a log record by the ids of its elements; `None` when the record is shorter than they are.
fn log_record(ef: &Ef, record: &[u8]) -> Option<LogRecord> {
    let field = |id: &str| {
        let before = ef.elements.iter().take_while(|element| *element.id != *id);
        let start: usize = before.map(|element| usize::from(element.format.length)).sum();
        record.get(start..)
    };
    let amount = |id: &str| field(id)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
    Some(LogRecord {
        sequence: u16::from_be_bytes(*field("sequence")?.first_chunk()?),
        transaction_type: *field("transaction_type")?.first()?,
        terminal: TerminalNumber(*field("terminal")?.first_chunk()?),
        date_time: *field("date_time")?.first_chunk()?,
        amounts: Amounts {
            personal_account: amount("personal_account")?,
            self_paid: amount("self_paid")?,
            pooled_fund: amount("pooled_fund")?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use card_profiles::builtin;

    #[test]
    fn totals_are_of_one_year_or_of_none_that_can_be_read() {
        let rules = builtin("ssc-3.0").and_then(|profile| profile.account).expect("an account");
        let both = Some([20, 30]);
        for (years, totals, year) in [
            ([0x2026, 0x2026], both, 0x2026),
            ([0x2026, 0x2025], None, 0),
            ([0, 0], both, 0),
            ([0xFFFF, 0xFFFF], both, 0xFFFF),
            ([0, 0xFFFF], both, 0),
            ([0x07EA, 0x07EA], both, 0x07EA),
            ([0x2026, 0x07EA], both, 0x07EA),
            // One was never begun.
            ([0x2026, 0], Some([20, 0]), 0x2026),
            ([0x2026, 0xFFFF], Some([20, 0]), 0x2026),
            ([0xFFFF, 0x2026], Some([0, 30]), 0x2026),
            ([0, 0x07EA], Some([0, 30]), 0x07EA),
        ] {
            let [first, second] = years;
            let found = of_one_year(&rules, [(20, first), (30, second)]);
            assert_eq!(found, totals.map(|totals| (totals, year)), "{years:04X?}");
        }
    }
}
