//! What a card bought before, where the catalogue limits a drug over several purchases.
//!
//! Source: supervision rules of the insurances (over-quantity, stockpiling) name both measures; the catalogue has the numbers.
//! Owns: the two measures: quantity within some days, days of supply on hand. Never: knows where purchases are kept.
//! Units: quantities in ten-thousandths; days of the business calendar, the day of purchase among them.

use std::fmt;

use super::{Line, Reason, SplitError};
use crate::bill::BillItem;
use crate::catalogue::Drug;
use crate::date::BusinessDate;
use crate::id::DrugCode;
use crate::quantity::{ONE, Quantity};

/// One line that the card bought before and that was not wholly own-pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bought {
    /// Business day.
    pub day: BusinessDate,
    /// Drug.
    pub code: DrugCode,
    /// How much.
    pub quantity: Quantity,
    /// How many days it lasts; 0 when the bill did not say.
    pub supply_days: u16,
}

/// A sum of quantities, in ten-thousandths; 0 and sums beyond one quantity's range too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount(u64);

/// A limit that a line goes beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Quantity { max: Quantity, days: u16, bought: Amount },
    Supply { max: u16, on_hand: i64 },
}

/// Earlier purchases, and the lines of this bill so far.
#[derive(Debug)]
pub(super) struct Tally<'a> {
    day: BusinessDate,
    earlier: &'a [Bought],
    now: Vec<Bought>,
}

impl Bought {
    /// The lines of a settled bill that count from now on.
    #[must_use]
    pub fn of_line(day: BusinessDate, line: &Line) -> Option<Self> {
        let supply_days = line.supply_days.map_or(0, |days| days.get());
        let bought = || Self { day, code: line.code.clone(), quantity: line.quantity, supply_days };
        (!line.is_own_pay()).then(bought)
    }
}

impl<'a> Tally<'a> {
    pub(super) const fn of(day: BusinessDate, earlier: &'a [Bought]) -> Self {
        Self { day, earlier, now: Vec::new() }
    }

    pub(super) fn add(&mut self, line: &Line) {
        self.now.extend(Bought::of_line(self.day, line));
    }

    /// The limit that this item goes beyond, if any.
    pub(super) fn exceeds(&self, item_number: usize, item: &BillItem, drug: &Drug) -> Result<Option<Over>, SplitError> {
        if let Some(limit) = drug.quantity_limit {
            let bought = self.within(&drug.code, limit.days);
            if bought.0.saturating_add(item.quantity.ten_thousandths()) > limit.max.ten_thousandths() {
                return Ok(Some(Over::Quantity { max: limit.max, days: limit.days, bought }));
            }
        }
        let Some(max) = drug.supply_days_max else { return Ok(None) };
        let Some(days) = item.days else {
            return Err(SplitError::SupplyDaysMissing { item: item_number, code: drug.code.clone() });
        };
        let on_hand = self.on_hand(&drug.code);
        let over = on_hand + i64::from(days.get()) > i64::from(max.get());
        Ok(over.then_some(Over::Supply { max: max.get(), on_hand }))
    }

    fn of_code(&self, code: &DrugCode) -> impl Iterator<Item = &Bought> {
        self.earlier.iter().chain(&self.now).filter(move |bought| bought.code == *code)
    }

    /// Bought in the last `days` days, this day among them.
    fn within(&self, code: &DrugCode, days: u16) -> Amount {
        let counts = |bought: &&Bought| (0..i64::from(days)).contains(&self.day.days_since(bought.day));
        let quantities = self.of_code(code).filter(counts).map(|bought| bought.quantity.ten_thousandths());
        Amount(quantities.fold(0, u64::saturating_add))
    }

    /// Days of supply that are left at the beginning of this day: each purchase lasts from its day, or from where the one
    /// before it ends.
    fn on_hand(&self, code: &DrugCode) -> i64 {
        let mut bought: Vec<(i64, u16)> =
            self.of_code(code).map(|bought| (-self.day.days_since(bought.day), bought.supply_days)).collect();
        bought.sort_unstable();
        let lasts_until = bought
            .into_iter()
            .filter(|(day, _)| *day <= 0)
            .fold(i64::MIN, |until, (day, supply)| until.max(day) + i64::from(supply));
        lasts_until.max(0)
    }
}

impl Over {
    pub(super) const fn reason(self) -> Reason {
        match self {
            Self::Quantity { max, days, bought } => Reason::OverQuantity { max, days, bought },
            Self::Supply { max, on_hand } => Reason::OverSupply { max, on_hand },
        }
    }

    pub(super) fn refused(self, item: usize, code: &DrugCode) -> SplitError {
        let code = code.clone();
        match self {
            Self::Quantity { max, days, bought } => SplitError::OverQuantity { item, code, max, days, bought },
            Self::Supply { max, on_hand } => SplitError::OverSupply { item, code, max, on_hand },
        }
    }
}

impl Amount {
    /// In ten-thousandths.
    #[must_use]
    pub const fn ten_thousandths(self) -> u64 {
        self.0
    }
}

impl From<u64> for Amount {
    fn from(ten_thousandths: u64) -> Self {
        Self(ten_thousandths)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:04}", self.0 / ONE, self.0 % ONE);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}
