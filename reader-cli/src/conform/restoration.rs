//! Bringing back what an earlier run began on a card and did not end.
//!
//! Owns: looking first, then the way back, then looking again: money before records. Never: writes over what somebody wrote since.

use card_core::session::SessionError;
use card_profiles::conform::{Case, Difference, Memory, Money, Text};

use super::unfinished::Before;
use super::{Runner, Stop, module_refused, not_noted, unrestored};

impl Runner<'_> {
    /// Brings back what an earlier run began with this case and did not end; what could not be.
    ///
    /// # Errors
    /// [`SessionError`] when card or reader do not answer any more.
    pub fn bring_back(&mut self, case: &Case, before: &Before) -> Result<Option<Difference>, SessionError> {
        match self.way_back(case, before) {
            Ok(()) => Ok(None),
            Err(Stop::Different(difference)) => Ok(Some(difference)),
            Err(Stop::Module(error)) => Ok(Some(unrestored(case, module_refused(&error)))),
            Err(Stop::Absent(what)) => Ok(Some(unrestored(case, what))),
            Err(Stop::Unnoted(error)) => Ok(Some(unrestored(case, not_noted(&error)))),
            Err(Stop::Lost(error)) => Err(error),
        }
    }

    fn way_back(&mut self, case: &Case, before: &Before) -> Result<(), Stop> {
        let money = case.money.as_ref().zip(before.balance);
        match (&money, case.returns_money()) {
            (Some((money, balance)), _) => self.money_back(case, money, *balance)?,
            (None, true) => {
                return Err(Stop::Absent(Text::new(
                    "原来的余额只有中断的那次检测知道",
                    "only the run that ended knew the balance before",
                )));
            }
            (None, false) => {}
        }
        if !case.overwrites() {
            // Money is all that its way back brings.
            return if money.is_some() {
                Ok(())
            } else {
                self.carry_out(case, &case.restore, &mut Memory::default()).map(drop)
            };
        }
        match &before.record {
            Some(Some(record)) => self.record_back(case, record)?,
            // It ended before it wrote.
            Some(None) => return Ok(()),
            None => {
                return Err(Stop::Absent(Text::new(
                    "原来的数据只有中断的那次检测知道",
                    "only the run that ended knew the data before",
                )));
            }
        }
        match money {
            Some((money, balance)) => self.money_back(case, money, balance),
            None => Ok(()),
        }
    }

    /// The record as it was, read back.
    fn record_back(&mut self, case: &Case, record: &[u8]) -> Result<(), Stop> {
        let now = self.record(case)?;
        let is_same = now == record;
        if !is_same && !case.writes(record, &now) {
            return Err(Stop::Absent(Text::new(
                "记录既不是原来的，也不是检测写入的：卡此后被写过，未再改动",
                "the record is neither the one before nor the suite's: the card was written since, and was left as it is",
            )));
        }
        if is_same && !case.spends_before() {
            return Ok(());
        }
        let mut memory = Memory::default();
        memory.kept = record.to_vec();
        self.carry_out(case, case.record_back(), &mut memory)?;
        match self.record(case)? == record {
            true => Ok(()),
            false => {
                Err(Stop::Absent(Text::new("写回后读出的记录不同", "the record reads otherwise than it was written")))
            }
        }
    }

    fn record(&mut self, case: &Case) -> Result<Vec<u8>, Stop> {
        let mut memory = Memory::default();
        self.carry_out(case, &case.look().unwrap_or_default(), &mut memory)?;
        Ok(memory.kept)
    }

    fn money_back(&mut self, case: &Case, money: &Money, before: u32) -> Result<(), Stop> {
        let untold = || Stop::Absent(Text::new("卡未给出余额", "the card does not tell its balance"));
        let now = self.balance(case, money)?.ok_or_else(untold)?;
        let Some(way_back) = money.way_back(before, now) else {
            return Err(Stop::Absent(Text::new(
                "余额或透支限额与中断前相差不止 1 分:卡此后用过,未再改动",
                "balance or limit differs by more than a case moves: the card was used since, and was left as it is",
            )));
        };
        self.carry_out(case, way_back, &mut Memory::default())?;
        if self.balance(case, money)? == Some(before) {
            return Ok(());
        }
        Err(Stop::Absent(Text::new("余额不同", "another balance")))
    }
}
