//! 参保缴费和个人账户: what the agencies of the five insurances say of people, as the centre was given it.
//!
//! Source: contributions are kept by month, insurance and base, with the unit's and the own part; account years as an account statement
//! has them (opening, inflow by source, interest, spend, closing).
//! Owns: contributions and account years, how somebody stands by them, the base in force in a month. Never: computes a contribution, an
//! interest or a benefit: what is not said is not known.
//! Units: fen, months.

mod check;
pub mod column;
pub mod fault;
pub mod intake;
pub mod report;
pub mod rule;
pub mod standing;

use serde::Serialize;
use settlement::date::Month;
use settlement::fen::{Fen, FenError};
use settlement::query::Insurance;

/// A month for which somebody paid, or which counts without payment (all parts zero).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Contribution {
    /// Which insurance.
    pub insurance: Insurance,
    /// 费款所属期.
    pub month: Month,
    /// 缴费基数.
    pub base_fen: Fen,
    /// 单位缴费.
    pub unit_fen: Fen,
    /// 个人缴费.
    pub own_fen: Fen,
}

/// A year of an individual account (个人账户).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AccountYear {
    /// Pension or medical: the two that have individual accounts.
    pub insurance: Insurance,
    /// 年度.
    pub year: u16,
    /// 期初余额.
    pub opening_fen: Fen,
    /// 个人缴费划入.
    pub own_fen: Fen,
    /// 单位或统筹划入.
    pub unit_fen: Fen,
    /// 其他划入: transfers, subsidies.
    pub other_fen: Fen,
    /// 利息.
    pub interest_fen: Fen,
    /// 支出.
    pub spend_fen: Fen,
    /// 期末余额.
    pub closing_fen: Fen,
}

impl AccountYear {
    /// What it should close with: opening, all that came in, less what was spent.
    ///
    /// # Errors
    /// [`FenError::Overflow`].
    pub fn sum(&self) -> Result<Fen, FenError> {
        let came_in = [self.opening_fen, self.own_fen, self.unit_fen, self.other_fen, self.interest_fen];
        Fen::sum(came_in)?.minus(self.spend_fen)
    }
}

/// Insurances that have individual accounts.
#[must_use]
pub const fn has_account(insurance: Insurance) -> bool {
    match insurance {
        Insurance::Pension | Insurance::Medical => true,
        Insurance::Unemployment | Insurance::Injury | Insurance::Maternity => false,
    }
}
