//! The drug catalogue (药品目录): what the insurance knows of each drug, from a CSV file.
//!
//! Source: catalogue fields of the national interface (1312 list, 1318 price ceiling, 1319 own-pay ratio); classes 甲 乙 丙.
//! Owns: columns, checks, all faults of a file at once with row and column. Never: reads a file; prices a bill (`split`).
//! Units: fen; ratios in ten-thousandths; row 1 is the header.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::date::BusinessDate;
use crate::fen::Fen;
use crate::id::DrugCode;
use crate::limits::{CATALOGUE_ROWS_MAX, DRUG_NAME_CHARACTERS_MAX};
use crate::quantity::Ratio;

/// Drugs by code and period.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
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

/// One thing wrong with a catalogue file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {row}, column {column}: {problem}")]
pub struct CatalogueFault {
    /// Row in the file, 1 for the header.
    pub row: usize,
    /// Column as the header names it.
    pub column: &'static str,
    /// What.
    pub problem: Problem,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The header lacks the column.
    #[error("the header has no such column")]
    ColumnMissing,
    /// The header names it twice.
    #[error("the header names the column twice")]
    ColumnRepeated,
    /// The header has a column that no catalogue has.
    #[error("unknown column {0:?}")]
    ColumnUnknown(String),
    /// Not CSV.
    #[error("not a row of the file: {fields} fields, the header has {expected}")]
    FieldCount {
        /// Fields there.
        fields: usize,
        /// Fields of the header.
        expected: usize,
    },
    /// Not CSV at all.
    #[error("not CSV text")]
    NotCsv,
    /// Too many rows.
    #[error("more than {CATALOGUE_ROWS_MAX} rows")]
    TooManyRows,
    /// No drugs.
    #[error("no rows")]
    NoRows,
    /// Code.
    #[error("a drug code has 1 to 32 letters, digits, dots, dashes or underscores")]
    Code,
    /// Name.
    #[error("a name has 1 to {DRUG_NAME_CHARACTERS_MAX} characters and no control characters")]
    Name,
    /// Class.
    #[error("write 甲, 乙 or 丙")]
    Class,
    /// List type.
    #[error("write 101, 102, 103, 104, 201 or 301")]
    ListType,
    /// Ceiling.
    #[error("write yuan above 0 with at most two decimals, or leave it empty")]
    Ceiling,
    /// Ratio.
    #[error("write a number from 0 to 1 with at most four decimals")]
    Ratio,
    /// The ratio contradicts the class.
    #[error("the ratio does not fit the class: 0 for 甲, below 1 for 乙, 1 or empty for 丙")]
    RatioOfClass,
    /// Date.
    #[error("write a real day as YYYY-MM-DD")]
    Date,
    /// The period ends before it begins.
    #[error("the last day is before the first")]
    Period,
    /// Yes or no.
    #[error("write 是 or 否")]
    YesNo,
    /// Two rows of one code at the same time.
    #[error("another row of this code, row {0}, is valid on some of the same days")]
    Overlap(usize),
}

/// Columns: name, Chinese name, whether a header must have it.
const COLUMNS: [(&str, &str); 9] = [
    ("code", "药品编码"),
    ("name", "名称"),
    ("class", "类别"),
    ("list_type", "目录类别"),
    ("price_ceiling", "限价"),
    ("first_self_pay", "先行自付比例"),
    ("valid_from", "生效日期"),
    ("valid_until", "失效日期"),
    ("prescription_only", "处方药"),
];

impl Catalogue {
    /// Reads CSV text with a header in English or Chinese; a byte order mark is passed over.
    ///
    /// # Errors
    /// Every fault of the file, in order of rows.
    pub fn parse(csv: &str) -> Result<Self, Vec<CatalogueFault>> {
        let text = csv.strip_prefix('\u{FEFF}').unwrap_or(csv);
        let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = reader.headers().map_err(|_| vec![fault(1, "code", Problem::NotCsv)])?.clone();
        let places = places(&header)?;
        let (mut drugs, mut faults) = (BTreeMap::<DrugCode, Vec<(usize, Drug)>>::new(), Vec::new());
        let mut rows = 0;
        for (index, record) in reader.records().enumerate() {
            let row = index + 2;
            rows += 1;
            if rows > CATALOGUE_ROWS_MAX {
                faults.push(fault(row, "code", Problem::TooManyRows));
                break;
            }
            let Ok(record) = record else {
                faults.push(fault(row, "code", Problem::NotCsv));
                continue;
            };
            if record.len() != header.len() {
                let problem = Problem::FieldCount { fields: record.len(), expected: header.len() };
                faults.push(fault(row, "code", problem));
                continue;
            }
            let fields = places.map(|place| record.get(place).unwrap_or_default());
            match Drug::parse(fields) {
                Ok(drug) => drugs.entry(drug.code.clone()).or_default().push((row, drug)),
                Err(found) => faults.extend(found.into_iter().map(|(column, problem)| fault(row, column, problem))),
            }
        }
        if rows == 0 {
            faults.push(fault(1, "code", Problem::NoRows));
        }
        let mut catalogue = Self::default();
        for (code, mut periods) in drugs {
            periods.sort_by_key(|(_, drug)| drug.valid_from);
            for pair in periods.windows(2) {
                if let [(earlier_row, earlier), (row, later)] = pair
                    && earlier.valid_until.is_none_or(|until| until >= later.valid_from)
                {
                    faults.push(fault(*row, "valid_from", Problem::Overlap(*earlier_row)));
                }
            }
            catalogue.drugs.insert(code, periods.into_iter().map(|(_, drug)| drug).collect());
        }
        faults.sort_by_key(|fault| fault.row);
        if faults.is_empty() { Ok(catalogue) } else { Err(faults) }
    }

    /// The drug with this code on this day.
    ///
    /// # Errors
    /// [`NotSold`]: no such code, or not on this day.
    pub fn find(&self, code: &DrugCode, day: BusinessDate) -> Result<&Drug, NotSold> {
        let periods = self.drugs.get(code).ok_or(NotSold::NotInCatalogue)?;
        periods
            .iter()
            .find(|drug| drug.valid_from <= day && drug.valid_until.is_none_or(|until| day <= until))
            .ok_or(NotSold::NotValidOnDay)
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
    fn parse(fields: [&str; 9]) -> Result<Self, Vec<(&'static str, Problem)>> {
        let [code, name, class, list_type, ceiling, ratio, from, until, prescription] = fields;
        let mut faults = Vec::new();
        let mut note = |column, problem| faults.push((column, problem));
        let code = DrugCode::parse(code).map_err(|_| note("code", Problem::Code)).ok();
        if !(1..=DRUG_NAME_CHARACTERS_MAX).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            note("name", Problem::Name);
        }
        let class = Class::parse(class).ok_or_else(|| note("class", Problem::Class)).ok();
        let list_type = ListType::parse(list_type).ok_or_else(|| note("list_type", Problem::ListType)).ok();
        let price_ceiling = match (ceiling, Fen::parse_yuan(ceiling)) {
            ("", _) => None,
            (_, Ok(amount)) if amount > Fen::ZERO && amount.to_card().is_ok() => Some(amount),
            _ => {
                note("price_ceiling", Problem::Ceiling);
                None
            }
        };
        let stated = if ratio.is_empty() { Ok(None) } else { Ratio::parse(ratio).map(Some) };
        let first_self_pay = match (class, stated) {
            (_, Err(_)) => {
                note("first_self_pay", Problem::Ratio);
                None
            }
            (Some(class), Ok(stated)) => {
                class.ratio(stated).ok_or_else(|| note("first_self_pay", Problem::RatioOfClass)).ok()
            }
            (None, Ok(_)) => None,
        };
        let valid_from = BusinessDate::parse(from).map_err(|_| note("valid_from", Problem::Date)).ok();
        let valid_until = if until.is_empty() {
            None
        } else {
            BusinessDate::parse(until).map_err(|_| note("valid_until", Problem::Date)).ok()
        };
        if valid_from.zip(valid_until).is_some_and(|(from, until)| until < from) {
            note("valid_until", Problem::Period);
        }
        let prescription_only = match prescription {
            "是" | "yes" => Some(true),
            "否" | "no" => Some(false),
            _ => {
                note("prescription_only", Problem::YesNo);
                None
            }
        };
        let complete = (code, class, list_type, first_self_pay, valid_from, prescription_only);
        match complete {
            (
                Some(code),
                Some(class),
                Some(list_type),
                Some(first_self_pay),
                Some(valid_from),
                Some(prescription_only),
            ) if faults.is_empty() => Ok(Self {
                code,
                name: name.to_owned(),
                class,
                list_type,
                price_ceiling,
                first_self_pay,
                valid_from,
                valid_until,
                prescription_only,
            }),
            _ => Err(faults),
        }
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
    /// Reads the code.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "101" => Some(Self::Medicine),
            "102" => Some(Self::Slices),
            "103" => Some(Self::SelfMade),
            "104" => Some(Self::Ethnic),
            "201" => Some(Self::Service),
            "301" => Some(Self::Consumable),
            _ => None,
        }
    }
}

fn places(header: &csv::StringRecord) -> Result<[usize; 9], Vec<CatalogueFault>> {
    let (mut places, mut faults) = ([None; 9], Vec::new());
    for (index, found) in header.iter().enumerate() {
        match COLUMNS.iter().position(|(english, chinese)| found == *english || found == *chinese) {
            None => faults.push(fault(1, "header", Problem::ColumnUnknown(found.chars().take(40).collect()))),
            Some(column) => {
                if let (Some(place), Some((name, _))) = (places.get_mut(column), COLUMNS.get(column))
                    && place.replace(index).is_some()
                {
                    faults.push(fault(1, name, Problem::ColumnRepeated));
                }
            }
        }
    }
    for (place, (name, _)) in places.iter().zip(COLUMNS) {
        if place.is_none() {
            faults.push(fault(1, name, Problem::ColumnMissing));
        }
    }
    if faults.is_empty() { Ok(places.map(Option::unwrap_or_default)) } else { Err(faults) }
}

const fn fault(row: usize, column: &'static str, problem: Problem) -> CatalogueFault {
    CatalogueFault { row, column, problem }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: &str =
        "code,name,class,list_type,price_ceiling,first_self_pay,valid_from,valid_until,prescription_only\n";

    /// Invented drugs.
    pub(crate) const SMALL: &str = "\
药品编码,名称,类别,目录类别,限价,先行自付比例,生效日期,失效日期,处方药
XA01,阿莫西林胶囊,甲,101,12.50,0,2026-01-01,,是
XB01,复方丹参滴丸,乙,101,30.00,0.10,2026-01-01,2026-06-30,否
XB01,复方丹参滴丸,乙,101,28.00,0.15,2026-07-01,,否
XC01,维生素礼盒,丙,101,,1,2026-01-01,,否
ZY01,当归,乙,102,0.80,0.05,2026-01-01,,否
";

    fn day(text: &str) -> BusinessDate {
        BusinessDate::parse(text).expect("real")
    }

    #[test]
    fn a_code_has_the_price_of_its_day() {
        let catalogue = Catalogue::parse(SMALL).expect("good");
        assert_eq!(catalogue.len(), 4);
        let code = DrugCode::parse("XB01").expect("word");
        let ceiling = |text| catalogue.find(&code, day(text)).map(|drug| drug.price_ceiling);
        assert_eq!(ceiling("2026-06-30"), Ok(Some(Fen::new(3_000))));
        assert_eq!(ceiling("2026-07-01"), Ok(Some(Fen::new(2_800))));
        assert_eq!(ceiling("2025-12-31"), Err(NotSold::NotValidOnDay));
        let unknown = DrugCode::parse("XX").expect("word");
        assert_eq!(catalogue.find(&unknown, day("2026-01-01")), Err(NotSold::NotInCatalogue));
    }

    #[test]
    fn every_fault_of_a_file_comes_at_once_with_row_and_column() {
        let rows = "\
A 1,x,丁,999,-1,2,2026-02-30,x,maybe
A2,阿,甲,101,,0.1,2026-01-01,2025-01-01,是
A3,阿,乙,101,,1,2026-01-01,,是
A4,阿,丙,101,0,0.5,2026-01-01,,是
A5,阿,甲
A6,阿,甲,101,,,2026-01-01,,是
A6,阿,甲,101,,,2026-05-01,,是
";
        let faults = Catalogue::parse(&format!("{HEADER}{rows}")).expect_err("faults");
        let seen: Vec<String> = faults.iter().map(|f| format!("{}:{}", f.row, f.column)).collect();
        assert_eq!(
            seen,
            [
                "2:code",
                "2:class",
                "2:list_type",
                "2:price_ceiling",
                "2:first_self_pay",
                "2:valid_from",
                "2:valid_until",
                "2:prescription_only",
                "3:first_self_pay",
                "3:valid_until",
                "4:first_self_pay",
                "5:price_ceiling",
                "5:first_self_pay",
                "6:code",
                "8:valid_from",
            ]
        );
        let overlap = faults.last().expect("the overlap");
        assert!(overlap.to_string().contains("row 7"), "{overlap}");
    }

    #[test]
    fn periods_may_touch_but_not_share_a_day() {
        let rows = |from| format!("{HEADER}A,x,甲,101,,,2026-01-01,2026-06-30,否\nA,x,甲,101,,,{from},,否\n");
        assert!(Catalogue::parse(&rows("2026-07-01")).is_ok());
        assert!(Catalogue::parse(&rows("2026-06-30")).is_err());
    }

    #[test]
    fn a_header_that_is_not_ours_is_named() {
        let faults = Catalogue::parse("code,code,colour\n").expect_err("header");
        let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(texts.iter().any(|text| text.contains("column code: the header names the column twice")));
        assert!(texts.iter().any(|text| text.contains("unknown column \"colour\"")));
        assert!(texts.iter().any(|text| text.contains("column class: the header has no such column")));
        assert_eq!(Catalogue::parse(HEADER).expect_err("no rows")[0].problem, Problem::NoRows);
        assert!(Catalogue::parse("").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_a_catalogue_or_faults(text in ".{0,300}") {
            let _ = Catalogue::parse(&text);
            if let Err(faults) = Catalogue::parse(&format!("{HEADER}{text}")) {
                prop_assert!(!faults.is_empty());
            }
        }
    }
}
