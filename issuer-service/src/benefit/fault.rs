//! What can be wrong with a row about contributions or account years, in words for those who must mend it.
//!
//! Owns: codes, messages, remedies. Never: holds a whole value.

use settlement::date::Month;
use settlement::fen::Fen;

use super::column::Column;
use crate::import::fault;
use crate::lang::Lang;

/// One fault of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line in the file.
    pub row: u64,
    /// The column; none when the whole row is meant.
    pub column: Option<Column>,
    /// What is wrong.
    pub code: Code,
    /// The value, masked.
    pub value: Box<str>,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The row or a cell cannot be read, as in any import.
    Reading(fault::Code),
    /// Nobody is registered under the number.
    PersonUnknown,
    /// No insurance has this code or name.
    InsuranceUnknown,
    /// The insurance has no individual account.
    InsuranceWithoutAccount,
    /// Not a month.
    MonthInvalid,
    /// Behind the day of the data.
    MonthAhead(Month),
    /// Not a year.
    YearInvalid,
    /// Behind the day of the data.
    YearAhead,
    /// Not an amount in yuan with at most two decimals, or below zero.
    AmountInvalid,
    /// Unit's and own part are more than the base.
    PartsAboveBase,
    /// Opening and inflows less spend are not the closing balance; what they come to.
    SumDiffers(Fen),
    /// The year before closes with another balance.
    OpeningDiffers(Fen),
    /// The same month or year stands in this file already, at this line.
    Duplicate(u64),
    /// On record with other amounts.
    Differs,
}

impl Code {
    /// Stable code.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reading(code) => code.name(),
            Self::PersonUnknown => "PERSON_NOT_FOUND",
            Self::InsuranceUnknown => "INSURANCE_UNKNOWN",
            Self::InsuranceWithoutAccount => "INSURANCE_WITHOUT_ACCOUNT",
            Self::MonthInvalid => "MONTH_INVALID",
            Self::MonthAhead(_) => "MONTH_AHEAD",
            Self::YearInvalid => "YEAR_INVALID",
            Self::YearAhead => "YEAR_AHEAD",
            Self::AmountInvalid => "AMOUNT_INVALID",
            Self::PartsAboveBase => "PARTS_ABOVE_BASE",
            Self::SumDiffers(_) => "ACCOUNT_SUM_DIFFERS",
            Self::OpeningDiffers(_) => "ACCOUNT_OPENING_DIFFERS",
            Self::Duplicate(_) => "DUPLICATE_IN_FILE",
            Self::Differs => "BENEFIT_DIFFERS",
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn message(self, lang: Lang) -> String {
        let (zh, en) = match self {
            Self::Reading(code) => return code.message(lang),
            Self::MonthAhead(as_of) => {
                return lang
                    .pick(format!("在数据截止月份 {as_of} 之后"), format!("behind {as_of}, the month of the data"));
            }
            Self::SumDiffers(sum) => {
                return lang.pick(
                    format!("期初加划入、利息减支出为 {sum}，与期末余额不符"),
                    format!("opening, inflow and interest less spend come to {sum}, not to the closing balance"),
                );
            }
            Self::OpeningDiffers(closing) => {
                return lang.pick(
                    format!("上年期末余额为 {closing}，与期初不符"),
                    format!("the year before closes with {closing}"),
                );
            }
            Self::Duplicate(row) => {
                return lang.pick(
                    format!("与第 {row} 行重复（同一人、险种、期间）"),
                    format!("the same person, insurance and period as on line {row}"),
                );
            }
            Self::PersonUnknown => ("未登记此社会保障号码", "nobody is registered under this number"),
            Self::InsuranceUnknown => ("没有这个险种", "no insurance has this code or name"),
            Self::InsuranceWithoutAccount => ("此险种没有个人账户", "this insurance has no individual account"),
            Self::MonthInvalid => ("不是月份", "not a month"),
            Self::YearInvalid => ("不是年度", "not a year"),
            Self::YearAhead => ("在数据截止年度之后", "behind the year of the data"),
            Self::AmountInvalid => {
                ("不是非负的金额（元，至多两位小数）", "not an amount in yuan, zero or more, with at most two decimals")
            }
            Self::PartsAboveBase => {
                ("单位和个人缴费之和大于基数", "the unit's and the own part are more than the base")
            }
            Self::Differs => ("中心已有此期记录，金额不同", "this period is on record with other amounts"),
        };
        lang.pick(zh, en).to_owned()
    }

    /// What to do.
    #[must_use]
    pub const fn remedy(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::Reading(code) => return code.remedy(lang),
            Self::PersonUnknown => ("核对号码，或先导入人员", "check the number, or import the person first"),
            Self::InsuranceUnknown => (
                "填 110 养老、310 医疗、210 失业、410 工伤、510 生育",
                "write 110 pension, 310 medical, 210 unemployment, 410 work injury or 510 maternity",
            ),
            Self::InsuranceWithoutAccount => ("个人账户只有 110 和 310", "only 110 and 310 have accounts"),
            Self::MonthInvalid => ("写作 202601 或 2026-01", "write 202601 or 2026-01"),
            Self::MonthAhead(_) | Self::YearAhead => {
                ("更正期间，或用 --as-of 写明数据截止日", "mend the period, or name the day of the data with --as-of")
            }
            Self::YearInvalid => ("写四位年份", "write four digits"),
            Self::AmountInvalid => ("写作 1234.50，不加逗号和单位", "write 1234.50, without commas and units"),
            Self::PartsAboveBase => ("核对三个金额", "check the three amounts"),
            Self::SumDiffers(_) | Self::OpeningDiffers(_) => {
                ("请送数单位核对账目", "ask who sent the file to check the account")
            }
            Self::Duplicate(_) => ("只留一行", "keep one of them"),
            Self::Differs => ("核对；确是更正的，用 --replace", "check; where it is a correction, use --replace"),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}
