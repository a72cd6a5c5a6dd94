//! The drug catalogue (药品目录): what the insurance knows of each drug on each day.
//!
//! Source: catalogue fields of the national interface (1312 list, 1318 price ceiling, 1319 own-pay ratio); classes 甲 乙 丙.
//! Owns: drugs by code and period, the catalogue's version, its flat text. Never: reads a file; prices a bill (`split`).
//! Units: fen; ratios in ten-thousandths.

pub mod delivery;
mod fault;
mod periods;
mod sheet;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::bill::SupplyDays;
use crate::date::BusinessDate;
use crate::fen::Fen;
use crate::id::{CatalogueVersion, Digest, DrugCode};
use crate::quantity::{Quantity, Ratio};

pub use fault::{CatalogueFault, Problem};
pub use sheet::{COLUMNS, Sheet, Sheets};

/// Drugs by code and period.
#[derive(Clone, Debug)]
pub struct Catalogue {
    version: CatalogueVersion,
    drugs: BTreeMap<DrugCode, Vec<Drug>>,
}

/// One drug in one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drug {
    /// 药品编码.
    pub code: DrugCode,
    /// 名称.
    pub name: String,
    /// 类别.
    pub class: Class,
    /// 目录类别.
    pub list_type: ListType,
    /// 限价 for one unit; `None`: no ceiling.
    pub price_ceiling: Option<Fen>,
    /// 先行自付比例.
    pub first_self_pay: Ratio,
    /// First day.
    pub valid_from: BusinessDate,
    /// Last day; `None`: no end known.
    pub valid_until: Option<BusinessDate>,
    /// 处方药.
    pub prescription_only: bool,
    /// 限量: most that one card may buy within some days.
    pub quantity_limit: Option<QuantityLimit>,
    /// 用药天数上限: most days of supply that a holder may have at once.
    pub supply_days_max: Option<SupplyDays>,
}

/// Most of a drug that one card may buy within some days, over all its purchases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuantityLimit {
    /// Quantity.
    pub max: Quantity,
    /// Days, the day of purchase among them; 1 is that day alone.
    pub days: u16,
}

/// 甲, 乙 or 丙.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Class {
    /// 甲: no first self-pay.
    #[serde(rename = "甲")]
    A,
    /// 乙: a first self-pay, then in scope.
    #[serde(rename = "乙")]
    B,
    /// 丙: paid by the holder.
    #[serde(rename = "丙")]
    C,
}

/// 目录类别 (list_type).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListType {
    /// 101 西药、中成药.
    Medicine,
    /// 102 中药饮片.
    Slices,
    /// 103 自制剂.
    SelfMade,
    /// 104 民族药.
    Ethnic,
    /// 201 服务项目.
    Service,
    /// 301 医用材料.
    Consumable,
}

/// What the first line of a flat catalogue says before its version.
const VERSION_MARK: &str = "# version:";

impl Catalogue {
    /// Reads a flat catalogue: CSV with a header in English or Chinese, and its version above it. Without a version the
    /// first 16 digits of the text's SHA-256 are its version. A byte order mark is passed over.
    ///
    /// # Errors
    /// Every fault of the file, in order of rows.
    pub fn parse(csv: &str) -> Result<Self, Vec<CatalogueFault>> {
        let text = csv.strip_prefix('\u{FEFF}').unwrap_or(csv);
        let version = match text.lines().next().and_then(|line| line.strip_prefix(VERSION_MARK)) {
            Some(word) => CatalogueVersion::parse(word.trim())
                .map_err(|_| vec![CatalogueFault::new(Sheet::List, 1, "version", Problem::Version)])?,
            None => {
                let digest = Digest::of(text.as_bytes()).to_string();
                CatalogueVersion::parse(digest.get(..16).unwrap_or_default()).expect("hex digits are a word")
            }
        };
        Self::of_sheets(version, &Sheets { list: text, ceilings: None, ratios: None })
    }

    /// Joins a list with the ceilings and ratios that are kept apart from it, each with its own periods.
    ///
    /// # Errors
    /// Every fault of every sheet.
    pub fn of_sheets(version: CatalogueVersion, sheets: &Sheets<'_>) -> Result<Self, Vec<CatalogueFault>> {
        let (rows, mut faults) = sheet::read(sheets);
        let drugs = periods::join(rows, &mut faults);
        faults.sort_by_key(|fault| (fault.sheet, fault.row));
        if faults.is_empty() { Ok(Self { version, drugs }) } else { Err(faults) }
    }

    /// The flat text: one row a drug and period; reads back as this catalogue.
    #[must_use]
    pub fn to_csv(&self) -> String {
        sheet::write(&self.version, self.drugs())
    }

    /// Its version.
    #[must_use]
    pub const fn version(&self) -> &CatalogueVersion {
        &self.version
    }

    /// The drug with this code on this day.
    ///
    /// # Errors
    /// [`NotSold`]: no such code, or not on this day.
    pub fn find(&self, code: &DrugCode, day: BusinessDate) -> Result<&Drug, NotSold> {
        let periods = self.drugs.get(code).ok_or(NotSold::NotInCatalogue)?;
        let is_valid = |drug: &&Drug| drug.valid_from <= day && drug.valid_until.is_none_or(|until| day <= until);
        periods.iter().find(is_valid).ok_or(NotSold::NotValidOnDay)
    }

    /// Every drug in every period, by code and day.
    pub fn drugs(&self) -> impl Iterator<Item = &Drug> {
        self.drugs.values().flatten()
    }

    /// Codes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.drugs.len()
    }

    /// No drugs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.drugs.is_empty()
    }
}

/// Why a drug is not paid with the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSold {
    /// No such code.
    #[error("the catalogue has no such code")]
    NotInCatalogue,
    /// The code is not valid on the business date.
    #[error("the catalogue does not list this code on the business date")]
    NotValidOnDay,
}

impl Drug {
    /// Whether earlier purchases of the card matter.
    #[must_use]
    pub const fn is_limited(&self) -> bool {
        self.quantity_limit.is_some() || self.supply_days_max.is_some()
    }
}

impl Class {
    /// Reads 甲, 乙, 丙.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "甲" => Some(Self::A),
            "乙" => Some(Self::B),
            "丙" => Some(Self::C),
            _ => None,
        }
    }

    /// The ratio that counts for this class; `None` when `stated` contradicts it.
    fn ratio(self, stated: Option<Ratio>) -> Option<Ratio> {
        match (self, stated) {
            (Self::A, None | Some(Ratio::ZERO)) => Some(Ratio::ZERO),
            (Self::B, Some(ratio)) if ratio < Ratio::ALL => Some(ratio),
            (Self::C, None | Some(Ratio::ALL)) => Some(Ratio::ALL),
            (Self::A | Self::B | Self::C, _) => None,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "甲",
            Self::B => "乙",
            Self::C => "丙",
        })
    }
}

impl ListType {
    /// Every list type with its code.
    const CODES: [(Self, &'static str); 6] = [
        (Self::Medicine, "101"),
        (Self::Slices, "102"),
        (Self::SelfMade, "103"),
        (Self::Ethnic, "104"),
        (Self::Service, "201"),
        (Self::Consumable, "301"),
    ];

    /// Reads the code.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::CODES.into_iter().find(|(_, code)| *code == text).map(|(list_type, _)| list_type)
    }

    /// The code.
    #[must_use]
    pub fn code(self) -> &'static str {
        Self::CODES.into_iter().find(|(list_type, _)| *list_type == self).map_or("", |(_, code)| code)
    }
}

#[cfg(test)]
pub(crate) mod tests;
