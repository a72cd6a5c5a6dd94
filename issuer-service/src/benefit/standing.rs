//! How somebody stands in an insurance, and which base was in force, told from the months that are on record.
//!
//! Owns: both rules. Never: reads a clock: the data have a day of their own.

use settlement::date::{BusinessDate, Month};
use settlement::fen::Fen;
use settlement::query::{CertifiedInsurance, Insurance, InsuranceLine, Standing};

use super::Contribution;
use super::rule::BenefitRules;

/// How somebody stands by these months, in any order, as the data of a day say.
///
/// Insured since the first month of the last run without a gap longer than the site's; suspended since the month behind the last one.
#[must_use]
pub fn of(
    insurance: Insurance,
    contributions: &[Contribution],
    day: Option<BusinessDate>,
    rules: BenefitRules,
) -> InsuranceLine {
    let months = months(insurance, contributions);
    let count = u32::try_from(months.len()).unwrap_or(u32::MAX);
    let line = |standing, since| InsuranceLine { insurance, standing, since, months: count, as_of: day };
    let Some(as_of) = day.map(Month::of) else { return line(Standing::NoData, None) };
    let Some(last) = months.last().copied() else { return line(Standing::NotInsured, None) };
    let gap = i32::from(rules.arrears_months);
    if as_of.since(last) > gap {
        return line(Standing::Suspended, next(last));
    }
    let mut since = last;
    for month in months.iter().rev().skip(1) {
        if since.since(*month) > gap + 1 {
            break;
        }
        since = *month;
    }
    line(Standing::Insured, Some(since))
}

/// Days of the data, for each insurance that has any.
pub type Days = [(Insurance, BusinessDate)];

fn day(days: &Days, insurance: Insurance) -> Option<BusinessDate> {
    days.iter().find(|(known, _)| *known == insurance).map(|(_, day)| *day)
}

/// All five, as a page shows them.
#[must_use]
pub fn all(contributions: &[Contribution], days: &Days, rules: BenefitRules) -> Vec<InsuranceLine> {
    Insurance::ALL.into_iter().map(|insurance| of(insurance, contributions, day(days, insurance), rules)).collect()
}

/// Those with data, as a certificate has them.
#[must_use]
pub fn certified(contributions: &[Contribution], days: &Days, rules: BenefitRules) -> Vec<CertifiedInsurance> {
    let certify = |insurance| {
        let as_of = day(days, insurance)?;
        let InsuranceLine { standing, months: count, .. } = of(insurance, contributions, Some(as_of), rules);
        let months = months(insurance, contributions);
        let (first, last) = (months.first().copied(), months.last().copied());
        Some(CertifiedInsurance { insurance, standing, first, last, months: count, as_of })
    };
    Insurance::ALL.into_iter().filter_map(certify).collect()
}

/// The base in force in a month: that of the month itself, or the latest before it in the same base year, with its month.
#[must_use]
pub fn base_in_force(
    insurance: Insurance,
    contributions: &[Contribution],
    month: Month,
    rules: BenefitRules,
) -> Option<(Month, Fen)> {
    let year = rules.base_year_of(month);
    let of_year = |one: &&Contribution| one.insurance == insurance && one.month >= year && one.month <= month;
    contributions.iter().filter(of_year).max_by_key(|one| one.month).map(|one| (one.month, one.base_fen))
}

/// Months of an insurance, in order, each once.
fn months(insurance: Insurance, contributions: &[Contribution]) -> Vec<Month> {
    let mut months: Vec<Month> =
        contributions.iter().filter(|one| one.insurance == insurance).map(|one| one.month).collect();
    months.sort_unstable();
    months.dedup();
    months
}

fn next(month: Month) -> Option<Month> {
    let (year, number) = month.parts();
    Month::new(year + u16::from(number == 12), number % 12 + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        Month::parse(text).expect("a month")
    }

    fn day(month: &str) -> Option<BusinessDate> {
        BusinessDate::parse(&format!("{month}-28")).ok()
    }

    fn paid(months: &[&str]) -> Vec<Contribution> {
        let one = |text: &&str| Contribution {
            insurance: Insurance::Medical,
            month: month(text),
            base_fen: Fen::new(500_000),
            unit_fen: Fen::new(40_000),
            own_fen: Fen::new(10_000),
        };
        months.iter().map(one).collect()
    }

    #[test]
    fn somebody_is_insured_suspended_or_not_insured() {
        let rules = BenefitRules::default();
        let told = |months: &[&str], as_of: &str| {
            let line = of(Insurance::Medical, &paid(months), day(as_of), rules);
            (line.standing, line.since.map(|month| month.to_string()).unwrap_or_default(), line.months)
        };
        use Standing::{Insured, NotInsured, Suspended};
        assert_eq!(told(&[], "2026-03"), (NotInsured, String::new(), 0));
        assert_eq!(told(&["2026-03", "2026-01", "2026-02"], "2026-03"), (Insured, "2026-01".to_owned(), 3));
        assert_eq!(
            told(&["2025-12"], "2026-03"),
            (Insured, "2025-12".to_owned(), 1),
            "three months late are no suspension"
        );
        assert_eq!(told(&["2025-12"], "2026-04"), (Suspended, "2026-01".to_owned(), 1));
        assert_eq!(
            told(&["2024-01", "2025-10", "2025-12"], "2026-01"),
            (Insured, "2025-10".to_owned(), 3),
            "a gap ends a run"
        );
        assert_eq!(
            told(&["2025-06", "2025-10"], "2026-01"),
            (Insured, "2025-06".to_owned(), 2),
            "three missing months do not"
        );
        let other = of(Insurance::Pension, &paid(&["2026-03"]), day("2026-03"), rules);
        assert_eq!(other.standing, NotInsured, "each insurance by itself");
        let untold = of(Insurance::Pension, &[], None, rules);
        assert_eq!((untold.standing, untold.as_of), (Standing::NoData, None), "nobody said so");
    }

    #[test]
    fn a_base_is_found_by_person_insurance_and_month_in_its_base_year() {
        let base = |month: &str, base: i64| Contribution { base_fen: Fen::new(base), ..paid(&[month])[0] };
        let known = [base("2025-07", 1), base("2026-03", 2), base("2026-07", 3)];
        let found = |base_month: u8, of: &str| {
            let rules = BenefitRules { base_month, ..BenefitRules::default() };
            base_in_force(Insurance::Medical, &known, month(of), rules)
                .map(|(month, base)| (month.to_string(), base.get()))
        };
        let some = |month: &str, base: i64| Some((month.to_owned(), base));
        assert_eq!(found(7, "2026-02"), some("2025-07", 1), "a year that began in July goes on in January");
        assert_eq!(found(1, "2026-02"), None, "a year that begins in January knows no base of the year before");
        assert_eq!((found(7, "2026-06"), found(1, "2026-06")), (some("2026-03", 2), some("2026-03", 2)));
        assert_eq!((found(7, "2026-12"), found(1, "2026-12")), (some("2026-07", 3), some("2026-07", 3)));
        assert_eq!(found(1, "2025-06"), None);
        assert_eq!(base_in_force(Insurance::Pension, &known, month("2026-07"), BenefitRules::default()), None);
    }
}
