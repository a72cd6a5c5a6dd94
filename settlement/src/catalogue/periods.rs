//! Periods: a drug's list row, its ceilings and its ratios change on days of their own.
//!
//! Owns: no day twice, no 乙 without ratio, one drug for each stretch of days on which nothing changes. Never: reads text.

use std::collections::{BTreeMap, BTreeSet};

use super::fault::{CatalogueFault, Problem};
use super::sheet::{Dated, Listed, Rows, Sheet};
use super::{Class, Drug};
use crate::date::BusinessDate;
use crate::id::DrugCode;

/// Rows of each code, by their first day.
type ByCode<T> = BTreeMap<DrugCode, Vec<Dated<T>>>;

/// One drug for each code and stretch of days.
pub(super) fn join(rows: Rows, faults: &mut Vec<CatalogueFault>) -> BTreeMap<DrugCode, Vec<Drug>> {
    // What only seems to be missing because its row is faulty is not told.
    let all_rows_good = faults.is_empty();
    let listed = by_code(Sheet::List, rows.listed, faults);
    let ceilings = by_code(Sheet::Ceilings, rows.ceilings, faults);
    let ratios = by_code(Sheet::Ratios, rows.ratios, faults);
    if all_rows_good {
        not_listed(Sheet::Ceilings, &ceilings, &listed, faults);
        not_listed(Sheet::Ratios, &ratios, &listed, faults);
    }
    let mut drugs = BTreeMap::new();
    for (code, rows) in listed {
        let (ceilings, ratios) = (ceilings.get(&code), ratios.get(&code));
        let mut note = |sheet, row, column, problem| faults.push(CatalogueFault::new(sheet, row, column, problem));
        let mut periods = Vec::new();
        for row in rows {
            if ceilings.is_some() && row.is.ceiling.is_some() {
                note(Sheet::List, row.row, "price_ceiling", Problem::StatedTwice);
            }
            if ratios.is_some() && row.is.ratio.is_some() && row.is.class == Class::B {
                note(Sheet::List, row.row, "first_self_pay", Problem::StatedTwice);
            }
            for (from, until) in stretches(&row, ceilings, ratios) {
                let ceiling = ceilings.map_or(row.is.ceiling, |rows| on(rows, from).and_then(|found| found.is));
                let stated = ratios.and_then(|rows| on(rows, from));
                let ratio = row.is.class.ratio(stated.map(|found| found.is).or(row.is.ratio));
                let Some(first_self_pay) = ratio else {
                    match stated {
                        Some(found) => note(Sheet::Ratios, found.row, "first_self_pay", Problem::RatioOfClass),
                        None if !all_rows_good => {}
                        None => note(Sheet::List, row.row, "first_self_pay", Problem::RatioGap(from)),
                    }
                    continue;
                };
                periods.push(Drug {
                    code: code.clone(),
                    name: row.is.name.clone(),
                    class: row.is.class,
                    list_type: row.is.list_type,
                    price_ceiling: ceiling,
                    first_self_pay,
                    valid_from: from,
                    valid_until: until,
                    prescription_only: row.is.prescription_only,
                    quantity_limit: row.is.quantity_limit,
                    supply_days_max: row.is.supply_days_max,
                });
            }
        }
        drugs.insert(code, periods);
    }
    drugs
}

fn by_code<T>(sheet: Sheet, rows: Vec<(DrugCode, Dated<T>)>, faults: &mut Vec<CatalogueFault>) -> ByCode<T> {
    let mut codes = ByCode::<T>::new();
    for (code, row) in rows {
        codes.entry(code).or_default().push(row);
    }
    for rows in codes.values_mut() {
        rows.sort_by_key(|row| row.from);
        for pair in rows.windows(2) {
            if let [earlier, later] = pair
                && earlier.until.is_none_or(|until| until >= later.from)
            {
                faults.push(CatalogueFault::new(sheet, later.row, "valid_from", Problem::Overlap(earlier.row)));
            }
        }
    }
    codes
}

fn not_listed<T>(sheet: Sheet, rows: &ByCode<T>, listed: &ByCode<Listed>, faults: &mut Vec<CatalogueFault>) {
    for row in rows.iter().filter(|(code, _)| !listed.contains_key(*code)).flat_map(|(_, rows)| rows) {
        faults.push(CatalogueFault::new(sheet, row.row, "code", Problem::CodeNotListed));
    }
}

/// What is valid on a day.
fn on<T>(rows: &[Dated<T>], day: BusinessDate) -> Option<&Dated<T>> {
    rows.iter().find(|row| row.from <= day && row.until.is_none_or(|until| day <= until))
}

/// The row's days, cut wherever a ceiling or a ratio begins or ends.
fn stretches<C, R>(
    row: &Dated<Listed>,
    ceilings: Option<&Vec<Dated<C>>>,
    ratios: Option<&Vec<Dated<R>>>,
) -> Vec<(BusinessDate, Option<BusinessDate>)> {
    let mut starts = BTreeSet::from([row.from]);
    let inside = |day: &BusinessDate| *day > row.from && row.until.is_none_or(|until| *day <= until);
    let mut cut = |from: BusinessDate, until: Option<BusinessDate>| {
        starts.extend([Some(from), until.and_then(BusinessDate::next)].into_iter().flatten().filter(inside));
    };
    ceilings.into_iter().flatten().for_each(|other| cut(other.from, other.until));
    ratios.into_iter().flatten().for_each(|other| cut(other.from, other.until));
    let starts: Vec<BusinessDate> = starts.into_iter().collect();
    let ends = starts.iter().skip(1).map(|next| next.previous()).chain([row.until]);
    starts.iter().copied().zip(ends).collect()
}
