//! What a city decides about contributions: `[benefits]` of `centre.toml`.
//!
//! ```toml
//! [benefits]
//! base_month = 1      # month in which a year of contribution bases begins: 1 (January) or 7 (July)
//! arrears_months = 3  # months without a contribution after which somebody counts as suspended
//! certificates_a_month = 3  # certificates of participation for one person in a month; 0 is no limit
//! certificates_counted = "kiosk"  # which of them count: "kiosk", those of kiosks alone, or "all", those of counters too
//! ```
//!
//! Source: cities change the base in January or in July; deployed kiosks print three certificates a month. The months of arrears are
//! assumed: contributions of a month are booked some weeks later. That what a clerk prints takes nothing of what a kiosk may is assumed,
//! too: the limit is for machines that nobody watches.
//! Owns: the options, which base year a month belongs to. Never: a base.

use serde::{Deserialize, Deserializer, Serialize, de};
use settlement::date::Month;

/// The options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BenefitRules {
    /// Month in which a year of contribution bases begins.
    #[serde(deserialize_with = "base_month")]
    pub base_month: u8,
    /// Months without a contribution after which somebody counts as suspended.
    #[serde(deserialize_with = "arrears")]
    pub arrears_months: u8,
    /// Certificates of participation for one person in a month; 0 is no limit.
    pub certificates_a_month: u8,
    /// Which of them count towards that.
    pub certificates_counted: Counted,
}

/// Which certificates count towards the limit of a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counted {
    /// Those that were asked for at kiosks.
    #[default]
    Kiosk,
    /// Those of counters too.
    All,
}

impl Default for BenefitRules {
    fn default() -> Self {
        Self { base_month: 1, arrears_months: 3, certificates_a_month: 3, certificates_counted: Counted::Kiosk }
    }
}

impl BenefitRules {
    /// First month of the base year that a month belongs to.
    ///
    /// # Panics
    /// Never: a month of a calendar year, or of the one before it, exists.
    #[must_use]
    pub fn base_year_of(self, month: Month) -> Month {
        let (year, number) = month.parts();
        let year = if number < self.base_month { year.saturating_sub(1).max(1900) } else { year };
        Month::new(year, self.base_month).expect("a month of a year")
    }
}

fn base_month<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    match u8::deserialize(deserializer)? {
        month @ (1 | 7) => Ok(month),
        _ => Err(de::Error::custom("a year of contribution bases begins in January (1) or July (7)")),
    }
}

fn arrears<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    match u8::deserialize(deserializer)? {
        months @ 1..=24 => Ok(months),
        _ => Err(de::Error::custom("somebody counts as suspended after 1 to 24 months without a contribution")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        Month::parse(text).expect("a month")
    }

    #[test]
    fn a_base_year_begins_in_january_or_in_july() {
        let rules = |text: &str| toml::from_str::<BenefitRules>(text).expect("rules");
        for (base_month, of, begins) in [
            (1, "2026-01", "2026-01"),
            (1, "2026-12", "2026-01"),
            (7, "2026-06", "2025-07"),
            (7, "2026-07", "2026-07"),
            (7, "2027-01", "2026-07"),
        ] {
            let rules = rules(&format!("base_month = {base_month}"));
            assert_eq!(rules.base_year_of(month(of)), month(begins), "{base_month} {of}");
        }
        assert_eq!(rules("certificates_counted = \"all\"").certificates_counted, Counted::All);
        assert_eq!(BenefitRules::default().certificates_counted, Counted::Kiosk);
        assert!(toml::from_str::<BenefitRules>("certificates_counted = \"counter\"").is_err());
        for wrong in ["base_month = 0", "base_month = 4", "arrears_months = 0", "arrears_months = 25", "base = 1"] {
            assert!(toml::from_str::<BenefitRules>(wrong).is_err(), "{wrong}");
        }
    }
}
