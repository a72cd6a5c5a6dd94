//! The checks of one row that need no other row: cells become a month or a year of somebody, or every fault at once.
//!
//! Owns: which cell is checked how. Never: looks into the database.

use settlement::date::Month;
use settlement::fen::Fen;
use settlement::query::Insurance;

use super::column::{Column, Kind, Layout};
use super::fault::{Code, Fault};
use super::{AccountYear, Contribution, has_account};
use crate::import::fault::{self, masked};
use crate::import::table::Cell;
use crate::person::date;
use crate::person::number::Number;
use crate::person::plain::plain;

/// What a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Contribution(Contribution),
    Account(AccountYear),
}

impl Said {
    pub(super) const fn insurance(&self) -> Insurance {
        match self {
            Self::Contribution(said) => said.insurance,
            Self::Account(said) => said.insurance,
        }
    }
}

/// A good row: whose, and what.
pub(super) struct Checked {
    pub(super) number: Number,
    pub(super) said: Said,
}

/// Cells of one row, with what is wrong with them so far.
struct Cells<'a> {
    layout: &'a Layout,
    cells: &'a [Cell],
    row: u64,
    as_of: Month,
    faults: Vec<Fault>,
}

/// Checks a row.
pub(super) fn row(layout: &Layout, cells: &[Cell], row: u64, as_of: Month) -> Result<Checked, Vec<Fault>> {
    let mut cells = Cells { layout, cells, row, as_of, faults: Vec::new() };
    let number = cells.number();
    let insurance = cells.insurance();
    let said = match layout.kind {
        Kind::Contributions => cells.contribution(insurance).map(Said::Contribution),
        Kind::Accounts => cells.account(insurance).map(Said::Account),
    };
    match (number, said, cells.faults.is_empty()) {
        (Some(number), Some(said), true) => Ok(Checked { number, said }),
        _ => Err(cells.faults),
    }
}

impl Cells<'_> {
    /// Text of a cell; an empty one, and one that cannot be read, is a fault.
    fn text(&mut self, column: Column) -> Option<String> {
        let cell = self.layout.place(column).and_then(|place| self.cells.get(place));
        match cell {
            Some(Ok(text)) => {
                let text = plain(text);
                if text.is_empty() {
                    self.fault(Some(column), Code::Reading(fault::Code::ValueMissing), "");
                    return None;
                }
                Some(text.into_owned())
            }
            Some(Err(code)) => {
                self.fault(Some(column), Code::Reading(*code), "");
                None
            }
            None => {
                self.fault(Some(column), Code::Reading(fault::Code::ValueMissing), "");
                None
            }
        }
    }

    fn fault(&mut self, column: Option<Column>, code: Code, value: &str) {
        self.faults.push(Fault { row: self.row, column, code, value: masked(value) });
    }

    fn number(&mut self) -> Option<Number> {
        let text = self.text(Column::Number)?;
        match Number::parse(&text.to_ascii_uppercase()) {
            Ok(number) => Some(number),
            Err(_) => {
                self.fault(Some(Column::Number), Code::PersonUnknown, &text);
                None
            }
        }
    }

    fn insurance(&mut self) -> Option<Insurance> {
        let text = self.text(Column::Insurance)?;
        let named = |insurance: &Insurance| {
            let (zh, en) = insurance.names();
            zh == text || zh.strip_suffix("保险") == Some(&text) || en.eq_ignore_ascii_case(&text)
        };
        let found = Insurance::of_code(&text).or_else(|| Insurance::ALL.into_iter().find(named));
        if found.is_none() {
            self.fault(Some(Column::Insurance), Code::InsuranceUnknown, &text);
        }
        found
    }

    fn amount(&mut self, column: Column) -> Option<Fen> {
        let text = self.text(column)?;
        let amount = Fen::parse_yuan(&text).ok().filter(|amount| *amount >= Fen::ZERO);
        if amount.is_none() {
            self.fault(Some(column), Code::AmountInvalid, &text);
        }
        amount
    }

    fn month(&mut self) -> Option<Month> {
        let text = self.text(Column::Month)?;
        let Some(month) = month(&text) else {
            self.fault(Some(Column::Month), Code::MonthInvalid, &text);
            return None;
        };
        if month > self.as_of {
            self.fault(Some(Column::Month), Code::MonthAhead(self.as_of), &text);
            return None;
        }
        Some(month)
    }

    fn year(&mut self) -> Option<u16> {
        let text = self.text(Column::Year)?;
        let digits = text.strip_suffix('年').unwrap_or(&text);
        let four = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let year = digits.parse().ok().filter(|year| four && (1900..=9999).contains(year));
        match year {
            None => self.fault(Some(Column::Year), Code::YearInvalid, &text),
            Some(year) if year > self.as_of.parts().0 => {
                self.fault(Some(Column::Year), Code::YearAhead, &text);
                return None;
            }
            Some(_) => {}
        }
        year
    }

    fn contribution(&mut self, insurance: Option<Insurance>) -> Option<Contribution> {
        let month = self.month();
        let (base, unit, own) =
            (self.amount(Column::Base), self.amount(Column::UnitPart), self.amount(Column::OwnPart));
        let (base_fen, unit_fen, own_fen) = (base?, unit?, own?);
        if unit_fen.plus(own_fen).map_or(true, |parts| parts > base_fen) {
            self.fault(None, Code::PartsAboveBase, "");
            return None;
        }
        Some(Contribution { insurance: insurance?, month: month?, base_fen, unit_fen, own_fen })
    }

    fn account(&mut self, insurance: Option<Insurance>) -> Option<AccountYear> {
        let year = self.year();
        if insurance.is_some_and(|insurance| !has_account(insurance)) {
            self.fault(Some(Column::Insurance), Code::InsuranceWithoutAccount, "");
        }
        let [opening, own, unit, interest, spend, closing] =
            [Column::Opening, Column::OwnIn, Column::UnitIn, Column::Interest, Column::Spend, Column::Closing]
                .map(|column| self.amount(column));
        let other = match self.layout.place(Column::OtherIn) {
            Some(_) => self.amount(Column::OtherIn),
            None => Some(Fen::ZERO),
        };
        let account = AccountYear {
            insurance: insurance?,
            year: year?,
            opening_fen: opening?,
            own_fen: own?,
            unit_fen: unit?,
            other_fen: other?,
            interest_fen: interest?,
            spend_fen: spend?,
            closing_fen: closing?,
        };
        match account.sum() {
            Ok(sum) if sum == account.closing_fen => Some(account),
            Ok(sum) => {
                self.fault(Some(Column::Closing), Code::SumDiffers(sum), "");
                None
            }
            Err(_) => {
                self.fault(None, Code::AmountInvalid, "");
                None
            }
        }
    }
}

/// `202601`, `2026-01`, `2026/1`, `2026.1`, `2026年1月`, and the first of a month as a spreadsheet writes it.
fn month(text: &str) -> Option<Month> {
    if text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Month::parse(&format!("{}-{}", text.get(..4)?, text.get(4..)?)).ok();
    }
    let separator = text.chars().find(|character| matches!(character, '-' | '/' | '.' | '年'))?;
    let (year, rest) = text.split_once(separator)?;
    let rest = if separator == '年' { rest.strip_suffix('月')? } else { rest };
    if let Ok(day) = date::read(text) {
        return (day.day() == 1).then(|| Month::new(u16::try_from(day.year()).ok()?, u8::from(day.month())).ok())?;
    }
    let shaped = year.len() == 4 && matches!(rest.len(), 1 | 2);
    if shaped { Month::parse(&format!("{year}-{rest:0>2}")).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AS_OF: &str = "2026-03";

    fn checked(header: &str, line: &str) -> Result<Checked, Vec<Fault>> {
        let layout = Layout::of(&header.split(',').map(str::to_owned).collect::<Vec<_>>()).expect("a header");
        let cells: Vec<Cell> = line.split(',').map(|cell| Ok(cell.to_owned())).collect();
        row(&layout, &cells, 2, Month::parse(AS_OF).expect("a month"))
    }

    const CONTRIBUTIONS: &str = "社会保障号码,险种类型,费款所属期,缴费基数,单位缴费,个人缴费";
    const ACCOUNTS: &str = "社会保障号码,险种,年度,期初余额,个人划入,单位划入,利息,支出,期末余额";
    /// An invented number with a right check character.
    const NUMBER: &str = "513301199001010013";

    fn codes(header: &str, line: &str) -> Vec<&'static str> {
        match checked(header, line) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.iter().map(|fault| fault.code.name()).collect(),
        }
    }

    #[test]
    fn a_month_is_the_same_however_it_is_written_and_what_is_none_is_not_guessed() {
        for text in ["202601", "2026-01", "2026/1", "2026.01", "2026年1月", "2026-01-01"] {
            assert_eq!(month(text).map(|month| month.to_string()).as_deref(), Some("2026-01"), "{text}");
        }
        for text in ["202613", "2026", "26-01", "2026-1-15", "2026-001", "2026年", "1月", "46023", ""] {
            assert_eq!(month(text), None, "{text}");
        }
    }

    #[test]
    fn a_row_is_good_or_tells_every_fault_at_once() {
        let number = NUMBER;
        let good = checked(CONTRIBUTIONS, &format!("{number},310,202603,5000,400,100.5")).expect("good");
        let Said::Contribution(contribution) = good.said else { panic!("a contribution") };
        assert_eq!((contribution.base_fen, contribution.own_fen), (Fen::new(500_000), Fen::new(10_050)));
        assert_eq!(
            codes(CONTRIBUTIONS, &format!("{number},医疗,2026年3月,0,0,0")),
            [""; 0],
            "a month that counts without payment"
        );
        assert_eq!(
            codes(CONTRIBUTIONS, "51330119850101000,390,202604,-1,1000元,1e3"),
            [
                "PERSON_NOT_FOUND",
                "INSURANCE_UNKNOWN",
                "MONTH_AHEAD",
                "AMOUNT_INVALID",
                "AMOUNT_INVALID",
                "AMOUNT_INVALID"
            ]
        );
        assert_eq!(codes(CONTRIBUTIONS, &format!("{number},310,202603,100,60,41")), ["PARTS_ABOVE_BASE"]);
        assert_eq!(codes(CONTRIBUTIONS, &format!("{number},310,,,0,0")), ["VALUE_MISSING", "VALUE_MISSING"]);
    }

    #[test]
    fn an_account_year_adds_up_or_is_refused_with_what_it_comes_to() {
        let number = NUMBER;
        let good = checked(ACCOUNTS, &format!("{number},310,2025,100,1200,50.25,3.5,353.75,1000")).expect("good");
        let Said::Account(account) = good.said else { panic!("an account") };
        assert_eq!(account.sum(), Ok(account.closing_fen));
        let faults =
            checked(ACCOUNTS, &format!("{number},310,2025,100,1200,50,3.5,353.75,1000")).err().expect("refused");
        assert_eq!(faults[0].code, Code::SumDiffers(Fen::new(99_975)));
        assert_eq!(codes(ACCOUNTS, &format!("{number},410,2025,0,0,0,0,0,0")), ["INSURANCE_WITHOUT_ACCOUNT"]);
        assert_eq!(codes(ACCOUNTS, &format!("{number},110,2027,0,0,0,0,0,0")), ["YEAR_AHEAD"]);
    }
}
