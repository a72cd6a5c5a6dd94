//! The bill (结算单) as the pharmacy's till writes it: a small JSON file.
//!
//! Owns: its shape and strict limits. Never: reads a file; knows prices of the catalogue (`split`).
//! Units: unit prices in yuan as text with at most six decimals, `"25.80"`, as the national interface has them (16,6); quantities as whole numbers or text.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::fen::{Fen, FenError, Rounding};
use crate::id::{BillId, DrugCode};
use crate::limits::{BILL_BYTES_MAX, BILL_ITEMS_MAX, PRESCRIPTION_LENGTH_MAX, SUPPLY_DAYS_MAX, UNIT_PRICE_MAX};
use crate::quantity::{ONE, Quantity};

/// What is sold, before anyone knows who pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bill {
    /// The till's number of this bill.
    pub bill_id: BillId,
    /// Lines.
    pub items: Vec<BillItem>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BillItem {
    /// Drug code of the catalogue.
    pub code: DrugCode,
    /// How much.
    pub quantity: Quantity,
    /// Price of one.
    pub unit_price: Price,
    /// 处方号 of the circulated prescription, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rx: Option<String>,
    /// 用药天数 (prd_days): how long the quantity lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<SupplyDays>,
}

/// Days that a quantity of a drug lasts: 1 to 366.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct SupplyDays(u16);

/// A price of one unit in millionths of a yuan, above zero; text in JSON. A part of a pack may cost parts of a fen; a line is whole fen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price(i64);

/// Millionths of a yuan in a fen.
const MILLIONTHS_OF_FEN: i64 = 10_000;
/// Decimals of a price (16,6).
const PRICE_DECIMALS_MAX: usize = 6;

/// Why a bill cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BillError {
    /// Too large to be a bill.
    #[error("the bill has {0} bytes, at most {BILL_BYTES_MAX} are read")]
    TooLarge(usize),
    /// Not JSON of this shape; the source says line and column.
    #[error("the bill is malformed: {0}")]
    Malformed(#[source] serde_json::Error),
    /// No items, or too many.
    #[error("a bill has 1 to {BILL_ITEMS_MAX} items, this one has {0}")]
    ItemCount(usize),
    /// A prescription number that is empty, too long, or has control characters.
    #[error("item {item}: rx needs 1 to {PRESCRIPTION_LENGTH_MAX} printable characters")]
    Prescription {
        /// Item, from 1.
        item: usize,
    },
}

impl Bill {
    /// Reads a bill.
    ///
    /// # Errors
    /// [`BillError`].
    pub fn parse(json: &[u8]) -> Result<Self, BillError> {
        if json.len() > BILL_BYTES_MAX {
            return Err(BillError::TooLarge(json.len()));
        }
        let bill: Self = serde_json::from_slice(json).map_err(BillError::Malformed)?;
        bill.check()?;
        Ok(bill)
    }

    /// The limits that its types do not hold.
    pub(crate) fn check(&self) -> Result<(), BillError> {
        if !(1..=BILL_ITEMS_MAX).contains(&self.items.len()) {
            return Err(BillError::ItemCount(self.items.len()));
        }
        for (index, item) in self.items.iter().enumerate() {
            let bad = |rx: &String| {
                !(1..=PRESCRIPTION_LENGTH_MAX).contains(&rx.chars().count()) || rx.chars().any(char::is_control)
            };
            if item.rx.as_ref().is_some_and(bad) {
                return Err(BillError::Prescription { item: index + 1 });
            }
        }
        Ok(())
    }
}

impl SupplyDays {
    /// So many days.
    #[must_use]
    pub fn new(days: u16) -> Option<Self> {
        (1..=SUPPLY_DAYS_MAX).contains(&days).then_some(Self(days))
    }

    /// The number of days.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for SupplyDays {
    type Error = String;

    fn try_from(days: u16) -> Result<Self, String> {
        Self::new(days).ok_or_else(|| format!("days of supply are 1 to {SUPPLY_DAYS_MAX}"))
    }
}

impl From<SupplyDays> for u16 {
    fn from(days: SupplyDays) -> Self {
        days.get()
    }
}

impl Price {
    /// A price of one unit.
    #[must_use]
    pub fn new(amount: Fen) -> Option<Self> {
        Self::of_millionths(amount.get().checked_mul(MILLIONTHS_OF_FEN)?)
    }

    /// From millionths of a yuan.
    #[must_use]
    pub fn of_millionths(value: i64) -> Option<Self> {
        (1..=UNIT_PRICE_MAX.get() * MILLIONTHS_OF_FEN).contains(&value).then_some(Self(value))
    }

    /// In millionths of a yuan.
    #[must_use]
    pub const fn millionths(self) -> i64 {
        self.0
    }

    /// The nearest amount in fen, half a fen up.
    #[must_use]
    pub const fn fen(self) -> Fen {
        Fen::new((self.0 + MILLIONTHS_OF_FEN / 2) / MILLIONTHS_OF_FEN)
    }

    /// Whether it is whole fen.
    #[must_use]
    pub const fn is_whole_fen(self) -> bool {
        self.0 % MILLIONTHS_OF_FEN == 0
    }

    /// What so much costs, half a fen up.
    ///
    /// # Errors
    /// [`FenError::Overflow`].
    pub fn of(self, quantity: Quantity) -> Result<Fen, FenError> {
        Fen::new(self.0).scaled(quantity.ten_thousandths(), PRICED)
    }

    /// What so much costs above a ceiling of one unit; a price below it is not asked about.
    ///
    /// # Errors
    /// [`FenError::Overflow`].
    pub fn above(self, ceiling: Fen, quantity: Quantity, rounding: Rounding) -> Result<Fen, FenError> {
        let ceiling = ceiling.get().checked_mul(MILLIONTHS_OF_FEN).ok_or(FenError::Overflow)?;
        Fen::new(self.0).minus(Fen::new(ceiling))?.scaled_by(quantity.ten_thousandths(), PRICED, rounding)
    }

    /// Whether it is above a ceiling of one unit.
    #[must_use]
    pub fn is_above(self, ceiling: Fen) -> bool {
        ceiling.get().checked_mul(MILLIONTHS_OF_FEN).is_some_and(|ceiling| ceiling < self.0)
    }
}

/// What a price in millionths times a quantity in ten-thousandths has in a fen.
const PRICED: u64 = ONE * MILLIONTHS_OF_FEN.unsigned_abs();

/// Yuan with two decimals, more where it has more: `12.50`, `0.125`.
impl std::fmt::Display for Price {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000);
        let kept = text.trim_end_matches('0').len().max(text.len() - 4);
        f.pad(text.get(..kept).unwrap_or(&text))
    }
}

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (whole, part) = text.split_once('.').unwrap_or((&text, "0"));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // "-0" is no number below zero, and "-0.50" is one: the sign is of the whole text.
        let (is_negative, whole) = whole.strip_prefix('-').map_or((false, whole), |digits| (true, digits));
        if !is_digits(whole) || !is_digits(part) || part.len() > PRICE_DECIMALS_MAX {
            return Err(de::Error::custom("not a price in yuan: write digits with at most six decimals, as in 12.50"));
        }
        let value = || {
            let whole = whole.parse::<i64>().ok().filter(|_| !is_negative)?.checked_mul(1_000_000)?;
            let places = u32::try_from(PRICE_DECIMALS_MAX - part.len()).ok()?;
            Self::of_millionths(whole.checked_add(part.parse::<i64>().ok()? * 10_i64.pow(places))?)
        };
        value()
            .ok_or_else(|| de::Error::custom(format_args!("a unit price is above 0 and at most {UNIT_PRICE_MAX} yuan")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = r#"{
      "bill_id": "B-20260105-0001",
      "items": [
        {"code": "XA01", "quantity": 2, "unit_price": "12.50", "rx": "CF-1"},
        {"code": "ZY01", "quantity": "1.5", "unit_price": "0.8"}
      ]
    }"#;

    #[test]
    fn a_bill_reads_back() {
        let bill = Bill::parse(GOOD.as_bytes()).expect("good");
        assert_eq!(bill.items[1].unit_price.fen(), Fen::new(80));
        let text = serde_json::to_vec(&bill).expect("writes");
        assert_eq!(Bill::parse(&text).expect("reads"), bill);
    }

    #[test]
    fn what_a_bill_may_not_hold_is_refused_with_its_place() {
        for (from, to, expected) in [
            ("\"12.50\"", "12.50", "invalid type"),
            ("\"12.50\"", "\"12.5000001\"", "at most six decimals"),
            ("\"12.50\"", "\"0.0000001\"", "at most six decimals"),
            ("\"12.50\"", "\"1000000.000001\"", "at most 1000000.00 yuan"),
            ("\"12.50\"", "\".5\"", "not a price"),
            ("\"12.50\"", "\"0.00\"", "above 0"),
            ("\"12.50\"", "\"-1\"", "above 0"),
            ("\"12.50\"", "\"-0.50\"", "above 0"),
            ("\"12.50\"", "\"-0.000001\"", "above 0"),
            ("\"12.50\"", "\"-0\"", "above 0"),
            ("\"12.50\"", "\"99999999\"", "at most 1000000.00 yuan"),
            (": 2,", ": 0,", "not a quantity"),
            (": 2,", ": 2.5,", "decimal as text"),
            (": 2,", ": -2,", "a whole number"),
            ("\"12.50\"", "\"12.50\", \"days\": 0", "days of supply are 1 to 366"),
            ("\"12.50\"", "\"12.50\", \"days\": 367", "days of supply are 1 to 366"),
            ("\"12.50\"", "\"12.50\", \"days\": \"7\"", "invalid type"),
            ("\"rx\"", "\"discount\"", "unknown field `discount`"),
            ("\"rx\": \"CF-1\"", "\"rx\": \"\"", "item 1: rx"),
            ("\"rx\": \"CF-1\"", "\"code\": \"XA02\"", "duplicate field `code`"),
            ("XA01", "XA 01", "drug code needs"),
            ("B-20260105-0001", "", "bill id needs"),
            ("]", "", "line"),
        ] {
            let changed = GOOD.replacen(from, to, 1);
            assert_ne!(changed, GOOD);
            let error = Bill::parse(changed.as_bytes()).expect_err(to).to_string();
            assert!(error.contains(expected), "{to}: {error}");
        }
        assert!(Bill::parse(format!("{GOOD} {{}}").as_bytes()).is_err(), "nothing may follow");
        assert!(matches!(Bill::parse(&vec![b' '; BILL_BYTES_MAX + 1]), Err(BillError::TooLarge(_))));
        let empty = br#"{"bill_id":"B","items":[]}"#;
        assert!(matches!(Bill::parse(empty), Err(BillError::ItemCount(0))));
        let item = r#"{"code":"A","quantity":1,"unit_price":"1"}"#;
        let many = format!(r#"{{"bill_id":"B","items":[{}]}}"#, vec![item; BILL_ITEMS_MAX + 1].join(","));
        assert!(matches!(Bill::parse(many.as_bytes()), Err(BillError::ItemCount(_))));
    }

    #[test]
    fn a_price_has_six_decimals_and_is_written_as_it_was_meant() {
        let price = |text: &str| serde_json::from_value::<Price>(serde_json::json!(text)).expect(text);
        for (text, shown, millionths, fen) in [
            ("0.125", "0.125", 125_000, 13),
            ("12.5", "12.50", 12_500_000, 1_250),
            ("12", "12.00", 12_000_000, 1_200),
            ("0.000001", "0.000001", 1, 0),
            ("1000000.000000", "1000000.00", 1_000_000_000_000, 100_000_000),
        ] {
            let read = price(text);
            assert_eq!((read.to_string().as_str(), read.millionths(), read.fen()), (shown, millionths, Fen::new(fen)));
            assert_eq!(price(shown), read);
        }
        let quantity = |text: &str| Quantity::parse(text).expect(text);
        assert_eq!(price("0.125").of(quantity("24")), Ok(Fen::new(300)), "not 24 times 0.13");
        assert_eq!(price("0.125").of(quantity("1")), Ok(Fen::new(13)));
        assert!(price("0.125").is_above(Fen::new(12)) && !price("0.12").is_above(Fen::new(12)));
        assert_eq!(price("0.125").above(Fen::new(12), quantity("24"), Rounding::HalfUp), Ok(Fen::new(12)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_bill_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Bill::parse(&bytes);
        }

        #[test]
        fn a_cut_bill_is_an_error(cut in 0..GOOD.len()) {
            prop_assert!(Bill::parse(&GOOD.as_bytes()[..cut]).is_err());
        }
    }
}
