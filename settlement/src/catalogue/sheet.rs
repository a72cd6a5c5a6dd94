//! The files of a catalogue: the list, and ceilings and ratios where they are kept apart.
//!
//! Source: transactions 1312, 1318 and 1319 of the national interface give them apart, each with periods of its own.
//! Owns: columns, the check of each row, the flat text. Never: compares rows with each other (`periods`).
//! Units: rows count from 1, as an editor shows the file.

use super::fault::{CatalogueFault, Problem};
use super::{Class, Drug, ListType, QuantityLimit};
use crate::bill::SupplyDays;
use crate::date::BusinessDate;
use crate::fen::Fen;
use crate::id::{CatalogueVersion, DrugCode};
use crate::limits::{CATALOGUE_ROWS_MAX, DRUG_NAME_CHARACTERS_MAX, LIMIT_DAYS_MAX};
use crate::quantity::{Quantity, Ratio};

/// Which file of a catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sheet {
    /// 目录.
    List,
    /// 限价.
    Ceilings,
    /// 先行自付比例.
    Ratios,
}

/// The texts of a catalogue's files.
#[derive(Clone, Copy, Debug)]
pub struct Sheets<'a> {
    /// The list; alone it is the whole catalogue.
    pub list: &'a str,
    /// Ceilings by code and period.
    pub ceilings: Option<&'a str>,
    /// First self-pay ratios by code and period.
    pub ratios: Option<&'a str>,
}

/// Columns: name, Chinese name.
pub const COLUMNS: [(&str, &str); 12] = [
    ("code", "药品编码"),
    ("name", "名称"),
    ("class", "类别"),
    ("list_type", "目录类别"),
    ("price_ceiling", "限价"),
    ("first_self_pay", "先行自付比例"),
    ("valid_from", "生效日期"),
    ("valid_until", "失效日期"),
    ("prescription_only", "处方药"),
    ("quantity_max", "限量"),
    ("quantity_days", "限量天数"),
    ("supply_days_max", "用药天数上限"),
];

/// Columns that a list may lack; what a file of its own gives, the list may lack too.
const OPTIONAL: [&str; 3] = ["quantity_max", "quantity_days", "supply_days_max"];

impl Sheet {
    /// Whether the file has, or may have, this column.
    fn has(self, column: &str) -> bool {
        match self {
            Self::List => true,
            Self::Ceilings => matches!(column, "code" | "price_ceiling" | "valid_from" | "valid_until"),
            Self::Ratios => matches!(column, "code" | "first_self_pay" | "valid_from" | "valid_until"),
        }
    }
}

/// Something that is valid in a period, and the row that says so.
#[derive(Clone, Debug)]
pub(super) struct Dated<T> {
    pub(super) row: usize,
    pub(super) from: BusinessDate,
    pub(super) until: Option<BusinessDate>,
    pub(super) is: T,
}

/// A row of the list; ceiling and ratio may stand elsewhere.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) class: Class,
    pub(super) list_type: ListType,
    pub(super) ceiling: Option<Fen>,
    pub(super) ratio: Option<Ratio>,
    pub(super) prescription_only: bool,
    pub(super) quantity_limit: Option<QuantityLimit>,
    pub(super) supply_days_max: Option<SupplyDays>,
}

/// All good rows of all files.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) listed: Vec<(DrugCode, Dated<Listed>)>,
    pub(super) ceilings: Vec<(DrugCode, Dated<Option<Fen>>)>,
    pub(super) ratios: Vec<(DrugCode, Dated<Ratio>)>,
}

pub(super) fn read(sheets: &Sheets<'_>) -> (Rows, Vec<CatalogueFault>) {
    let (mut rows, mut faults) = (Rows::default(), Vec::new());
    let apart = [sheets.ceilings.map(|_| "price_ceiling"), sheets.ratios.map(|_| "first_self_pay")];
    let apart: Vec<&str> = apart.into_iter().flatten().collect();
    let files = [(Sheet::List, Some(sheets.list)), (Sheet::Ceilings, sheets.ceilings), (Sheet::Ratios, sheets.ratios)];
    for (sheet, text) in files {
        let Some(text) = text else { continue };
        let may_lack = if sheet == Sheet::List { apart.as_slice() } else { &[] };
        if let Err(found) = read_sheet((sheet, may_lack), text, &mut rows) {
            faults.extend(found);
        }
    }
    (rows, faults)
}

fn read_sheet((sheet, may_lack): (Sheet, &[&str]), text: &str, rows: &mut Rows) -> Result<(), Vec<CatalogueFault>> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).comment(Some(b'#')).from_reader(text.as_bytes());
    let fault = |row, column, problem| CatalogueFault::new(sheet, row, column, problem);
    let header = reader.headers().map_err(|_| vec![fault(1, "code", Problem::NotCsv)])?.clone();
    let header_row = header.position().map_or(1, |position| line_of(text, position));
    let places = places((sheet, may_lack), header_row, &header)?;
    let mut faults = Vec::new();
    let mut count = 0;
    for record in reader.records() {
        count += 1;
        let Ok(record) = record else {
            faults.push(fault(header_row + count, "code", Problem::NotCsv));
            continue;
        };
        let row = record.position().map_or(header_row + count, |position| line_of(text, position));
        if count > CATALOGUE_ROWS_MAX {
            faults.push(fault(row, "code", Problem::TooManyRows));
            break;
        }
        if record.len() != header.len() {
            let problem = Problem::FieldCount { fields: record.len(), expected: header.len() };
            faults.push(fault(row, "code", problem));
            continue;
        }
        let mut fields = Fields { record: &record, places: &places, faults: Vec::new() };
        fields.take(sheet, row, rows);
        faults.extend(fields.faults.into_iter().map(|(column, problem)| fault(row, column, problem)));
    }
    if count == 0 {
        faults.push(fault(header_row, "code", Problem::NoRows));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// The line on which a row begins: empty lines and remarks before it are no part of it.
fn line_of(text: &str, position: &csv::Position) -> usize {
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let before = text.get(start..).unwrap_or_default().lines();
    let skipped = before.take_while(|line| line.is_empty() || line.starts_with('#')).count();
    usize::try_from(position.line()).unwrap_or(usize::MAX).saturating_add(skipped)
}

/// Where each column of [`COLUMNS`] stands.
type Places = [Option<usize>; COLUMNS.len()];

fn places(
    (sheet, may_lack): (Sheet, &[&str]),
    row: usize,
    header: &csv::StringRecord,
) -> Result<Places, Vec<CatalogueFault>> {
    let (mut places, mut faults): (Places, _) = ([None; COLUMNS.len()], Vec::new());
    let mut note = |column, problem| faults.push(CatalogueFault::new(sheet, row, column, problem));
    for (index, found) in header.iter().enumerate() {
        let known = COLUMNS.iter().position(|(english, chinese)| found == *english || found == *chinese);
        match known.and_then(|column| Some((places.get_mut(column)?, COLUMNS.get(column)?.0))) {
            Some((place, name)) if sheet.has(name) => {
                if place.replace(index).is_some() {
                    note(name, Problem::ColumnRepeated);
                }
            }
            _ => note("header", Problem::ColumnUnknown(found.chars().take(40).collect())),
        }
    }
    for (place, (name, _)) in places.iter().zip(COLUMNS) {
        if place.is_none() && sheet.has(name) && !OPTIONAL.contains(&name) && !may_lack.contains(&name) {
            note(name, Problem::ColumnMissing);
        }
    }
    if faults.is_empty() { Ok(places) } else { Err(faults) }
}

/// The fields of one row, and what is wrong with them.
struct Fields<'r> {
    record: &'r csv::StringRecord,
    places: &'r Places,
    faults: Vec<(&'static str, Problem)>,
}

impl Fields<'_> {
    fn take(&mut self, sheet: Sheet, row: usize, rows: &mut Rows) {
        // Every field is read, so that every fault of the row is told.
        let code = self.needed("code", Problem::Code, |text| DrugCode::parse(text).ok());
        let listed = if sheet == Sheet::List { self.listed() } else { None };
        let ceiling =
            if sheet == Sheet::Ceilings { self.optional("price_ceiling", Problem::Ceiling, ceiling) } else { None };
        let ratio = if sheet == Sheet::Ratios { self.needed("first_self_pay", Problem::Ratio, ratio) } else { None };
        let from = self.needed("valid_from", Problem::Date, |text| BusinessDate::parse(text).ok());
        let until = self.optional("valid_until", Problem::Date, |text| BusinessDate::parse(text).ok());
        if from.zip(until).is_some_and(|(from, until)| until < from) {
            self.note("valid_until", Problem::Period);
        }
        let (Some(code), Some(from), true) = (code, from, self.faults.is_empty()) else { return };
        match sheet {
            Sheet::List => rows.listed.extend(listed.map(|is| (code, Dated { row, from, until, is }))),
            Sheet::Ceilings => rows.ceilings.push((code, Dated { row, from, until, is: ceiling })),
            Sheet::Ratios => rows.ratios.extend(ratio.map(|is| (code, Dated { row, from, until, is }))),
        }
    }

    fn listed(&mut self) -> Option<Listed> {
        let name = self.needed("name", Problem::Name, |text| {
            let good = (1..=DRUG_NAME_CHARACTERS_MAX).contains(&text.chars().count());
            (good && !text.chars().any(char::is_control)).then(|| text.to_owned())
        });
        let class = self.needed("class", Problem::Class, Class::parse);
        let list_type = self.needed("list_type", Problem::ListType, ListType::parse);
        let ceiling = self.optional("price_ceiling", Problem::Ceiling, ceiling);
        let ratio = self.optional("first_self_pay", Problem::Ratio, ratio);
        if let (Some(class), Some(stated)) = (class, ratio)
            && class.ratio(Some(stated)).is_none()
        {
            self.note("first_self_pay", Problem::RatioOfClass);
        }
        let prescription_only = self.needed("prescription_only", Problem::YesNo, |text| match text {
            "是" | "yes" => Some(true),
            "否" | "no" => Some(false),
            _ => None,
        });
        let quantity = self.optional("quantity_max", Problem::Quantity, |text| Quantity::parse(text).ok());
        let days = self.optional("quantity_days", Problem::LimitDays, |text| {
            text.parse().ok().filter(|days| (1..=LIMIT_DAYS_MAX).contains(days))
        });
        if days.is_some() && self.text("quantity_max").is_empty() {
            self.note("quantity_days", Problem::LimitDays);
        }
        let supply_days_max =
            self.optional("supply_days_max", Problem::SupplyDays, |text| text.parse().ok().and_then(SupplyDays::new));
        Some(Listed {
            name: name?,
            class: class?,
            list_type: list_type?,
            ceiling,
            ratio,
            prescription_only: prescription_only?,
            // A quantity without days is that of one day.
            quantity_limit: quantity.map(|max| QuantityLimit { max, days: days.unwrap_or(1) }),
            supply_days_max,
        })
    }

    fn text(&self, column: &str) -> &str {
        let place = COLUMNS.iter().position(|(name, _)| *name == column).and_then(|at| self.places.get(at).copied());
        place.flatten().and_then(|place| self.record.get(place)).unwrap_or_default()
    }

    fn needed<T>(&mut self, column: &'static str, problem: Problem, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let value = read(self.text(column));
        if value.is_none() {
            self.note(column, problem);
        }
        value
    }

    fn optional<T>(&mut self, column: &'static str, problem: Problem, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        if self.text(column).is_empty() { None } else { self.needed(column, problem, read) }
    }

    fn note(&mut self, column: &'static str, problem: Problem) {
        self.faults.push((column, problem));
    }
}

fn ceiling(text: &str) -> Option<Fen> {
    Fen::parse_yuan(text).ok().filter(|amount| *amount > Fen::ZERO && amount.to_card().is_ok())
}

fn ratio(text: &str) -> Option<Ratio> {
    Ratio::parse(text).ok()
}

/// The flat text of a catalogue: version, English header, one row a drug and period.
pub(super) fn write<'a>(version: &CatalogueVersion, drugs: impl Iterator<Item = &'a Drug>) -> String {
    let mut writer = csv::WriterBuilder::new().from_writer(format!("{} {version}\n", super::VERSION_MARK).into_bytes());
    let fails = "a list of bytes takes any row";
    writer.write_record(COLUMNS.map(|(name, _)| name)).expect(fails);
    for drug in drugs {
        let maybe = |text: Option<String>| text.unwrap_or_default();
        let row: [String; COLUMNS.len()] = [
            drug.code.to_string(),
            drug.name.clone(),
            drug.class.to_string(),
            drug.list_type.code().to_owned(),
            maybe(drug.price_ceiling.map(|ceiling| ceiling.to_string())),
            drug.first_self_pay.to_string(),
            drug.valid_from.to_string(),
            maybe(drug.valid_until.map(|day| day.to_string())),
            if drug.prescription_only { "是" } else { "否" }.to_owned(),
            maybe(drug.quantity_limit.map(|limit| limit.max.to_string())),
            maybe(drug.quantity_limit.map(|limit| limit.days.to_string())),
            maybe(drug.supply_days_max.map(|days| days.get().to_string())),
        ];
        writer.write_record(row).expect(fails);
    }
    let bytes = writer.into_inner().expect(fails);
    String::from_utf8(bytes).expect("rows of text are text")
}
