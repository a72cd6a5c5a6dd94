//! What a site decides about the life of its cards: `[life]` of `centre.toml`.
//!
//! ```toml
//! [life]
//! temporary_loss_days = 7             # 5, 7, 10, 15 are in use
//! temporary_loss_unit = "days"        # or "working-days"
//! holidays = ["20261001"]             # weekdays on which nobody works
//! workdays = ["20261010"]             # days of a weekend that are worked
//! formal_loss_revocable = false       # until a successor is begun
//! removed = ["lock", "cancel:sealed"] # a step, or a step from one state
//! self_service = ["report-temporary", "release"]  # what holders do with card and PIN, without a clerk
//! balance_move_days = 30              # see `clearing::succession`
//! pin_order_minutes = 30              # see `pin`
//! pin_order_checked = true
//! activate_with_card = false          # a card is activated in a reader, not by its number
//! ```
//!
//! Source: city notices (7 days in three cities, 5, 10 and 15 working days in others; revocable in some).
//! Owns: the options, their defaults (assumed), counting of days. Never: adds a move.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::{Date, Weekday};

use super::state::{LifeState, Move, Step};
use crate::clock;

/// The options.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LifeRules {
    /// How long a temporary loss lasts.
    #[serde(deserialize_with = "days")]
    pub temporary_loss_days: u16,
    /// In which days it counts.
    pub temporary_loss_unit: DayUnit,
    /// Weekdays on which nobody works.
    #[serde(deserialize_with = "dates", serialize_with = "compact")]
    pub holidays: Vec<Date>,
    /// Days of a weekend that are worked (调休).
    #[serde(deserialize_with = "dates", serialize_with = "compact")]
    pub workdays: Vec<Date>,
    /// Whether a formal loss can be revoked while no successor is begun.
    pub formal_loss_revocable: bool,
    /// Moves that this site takes away.
    pub removed: Vec<Removed>,
    /// Moves that holders make with their card and PIN, without a clerk (assumed: deployed kiosks have both).
    pub self_service: Vec<SelfServed>,
    /// Days from a card's cancellation until its money goes to its holder.
    pub balance_move_days: u16,
    /// Minutes from the making of an order for a PIN until its command is given.
    pub pin_order_minutes: u16,
    /// Whether another operator approves such an order.
    pub pin_order_checked: bool,
    /// Whether a card is activated when it is in a reader; otherwise its number is enough.
    pub activate_with_card: bool,
}

/// Days of the calendar or of the office.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DayUnit {
    /// Days of the calendar.
    Days,
    /// Monday to Friday, but for holidays, and the weekend days that are worked.
    WorkingDays,
}

/// A step that is taken away, from one state or from all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    step: Step,
    from: Option<LifeState>,
}

/// A move that a holder may be let to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelfServed {
    /// 临时挂失.
    ReportTemporary,
    /// 解除临时挂失.
    Release,
}

impl SelfServed {
    const fn step(self) -> Step {
        match self {
            Self::ReportTemporary => Step::ReportTemporary,
            Self::Release => Step::Release,
        }
    }
}

impl Default for LifeRules {
    fn default() -> Self {
        Self {
            temporary_loss_days: 7,
            temporary_loss_unit: DayUnit::Days,
            holidays: Vec::new(),
            workdays: Vec::new(),
            formal_loss_revocable: false,
            removed: Vec::new(),
            self_service: vec![SelfServed::ReportTemporary, SelfServed::Release],
            balance_move_days: 30,
            pin_order_minutes: 30,
            pin_order_checked: true,
            activate_with_card: false,
        }
    }
}

impl LifeRules {
    /// Longest period of a temporary loss.
    const DAYS_MAX: u16 = 366;

    /// Whether the site allows a move of the table.
    #[must_use]
    pub fn allows(&self, row: &Move) -> bool {
        let removed = |removed: &Removed| removed.step == row.step && removed.from.is_none_or(|from| from == row.from);
        !self.removed.iter().any(removed) && (row.step != Step::Revoke || self.formal_loss_revocable)
    }

    /// Whether holders make this move without a clerk, where the site allows it at all.
    #[must_use]
    pub fn lets_holders(&self, step: Step) -> bool {
        self.self_service.iter().any(|served| served.step() == step)
    }

    /// The day on which a temporary loss reported on a day ends by itself.
    #[must_use]
    pub fn release_on(&self, reported: Date) -> Date {
        let mut day = reported;
        let mut left = self.temporary_loss_days;
        while left > 0 {
            let Some(next) = day.next_day() else { return Date::MAX };
            day = next;
            if self.counts(day) {
                left -= 1;
            }
        }
        day
    }

    fn counts(&self, day: Date) -> bool {
        match self.temporary_loss_unit {
            DayUnit::Days => true,
            DayUnit::WorkingDays => {
                let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
                self.workdays.contains(&day) || !weekend && !self.holidays.contains(&day)
            }
        }
    }
}

fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let days = u16::deserialize(deserializer)?;
    let fits = (1..=LifeRules::DAYS_MAX).contains(&days);
    if fits { Ok(days) } else { Err(serde::de::Error::custom("a temporary loss lasts 1 to 366 days")) }
}

fn dates<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Date>, D::Error> {
    let read = |text: &String| {
        clock::parse_compact(text).ok_or_else(|| serde::de::Error::custom("a day that exists, as \"YYYYMMDD\""))
    };
    Vec::<String>::deserialize(deserializer)?.iter().map(read).collect()
}

fn compact<S: Serializer>(dates: &[Date], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(dates.iter().map(|date| clock::compact(*date)))
}

impl Serialize for Removed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let state = self.from.map(|state| format!(":{}", state.name())).unwrap_or_default();
        serializer.collect_str(&format_args!("{}{state}", self.step.name()))
    }
}

impl<'de> Deserialize<'de> for Removed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (step, from) = text.split_once(':').map_or((text.as_str(), None), |(step, from)| (step, Some(from)));
        let known = Step::ALL.into_iter().find(|known| known.name() == step);
        let from = from.map(|name| LifeState::of_name(name).ok_or(name)).transpose();
        match (known, from) {
            (Some(step), Ok(from)) if from.is_none_or(|from| super::state::find(step, from).is_some()) => {
                Ok(Self { step, from })
            }
            _ => Err(serde::de::Error::custom("no move of `issuer card states`: write STEP or STEP:STATE")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> LifeRules {
        toml::from_str(text).expect("rules")
    }

    fn released(rules: &LifeRules, reported: &str) -> String {
        clock::compact(rules.release_on(clock::parse_compact(reported).expect("a day")))
    }

    #[test]
    fn calendar_days_count_through_months_and_leap_days() {
        assert_eq!(released(&LifeRules::default(), "20260101"), "20260108");
        assert_eq!(released(&rules("temporary_loss_days = 5"), "20240226"), "20240302");
    }

    /// Friday 2 October 2026; 1 to 7 October off, Saturday 10 October worked: 8, 9, 10, 12, 13.
    #[test]
    fn working_days_skip_weekends_and_holidays_and_count_worked_weekends() {
        let text = "temporary_loss_days = 5\ntemporary_loss_unit = \"working-days\"\nworkdays = [\"20261010\"]\n\
                    holidays = [\"20261001\", \"20261002\", \"20261005\", \"20261006\", \"20261007\"]";
        assert_eq!(released(&rules(text), "20261002"), "20261013");
        let plain = "temporary_loss_days = 5\ntemporary_loss_unit = \"working-days\"";
        assert_eq!(released(&rules(plain), "20261002"), "20261009");
    }

    #[test]
    fn holders_report_and_release_a_temporary_loss_unless_the_site_says_otherwise() {
        let lets =
            |rules: &LifeRules| Step::ALL.into_iter().filter(|step| rules.lets_holders(*step)).collect::<Vec<_>>();
        assert_eq!(lets(&LifeRules::default()), [Step::ReportTemporary, Step::Release]);
        assert_eq!(lets(&rules("self_service = [\"report-temporary\"]")), [Step::ReportTemporary]);
        assert_eq!(lets(&rules("self_service = []")), []);
        for wrong in ["self_service = [\"report-formal\"]", "self_service = [\"lock\"]", "self_service = true"] {
            assert!(toml::from_str::<LifeRules>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_site_takes_moves_away_and_cannot_name_one_that_is_not_in_the_table() {
        let site = rules("removed = [\"lock\", \"cancel:sealed\"]");
        let allowed = |step, from| site.allows(super::super::state::find(step, from).expect("a move"));
        assert!(!allowed(Step::Lock, LifeState::Normal));
        assert!(!allowed(Step::Cancel, LifeState::Sealed) && allowed(Step::Cancel, LifeState::Normal));
        assert!(!allowed(Step::Revoke, LifeState::FormalLoss), "irrevocable unless the site says otherwise");
        for wrong in ["removed = [\"resurrect\"]", "removed = [\"lock:sealed\"]", "removed = [\"lock:\"]", "added = []"]
        {
            assert!(toml::from_str::<LifeRules>(wrong).is_err(), "{wrong}");
        }
        for wrong in ["temporary_loss_days = 0", "temporary_loss_days = 367", "holidays = [\"20260229\"]"] {
            assert!(toml::from_str::<LifeRules>(wrong).is_err(), "{wrong}");
        }
    }
}
