//! Acceptance checks before a transaction.
//!
//! Source: pre-transaction list of LD-era terminals: is it a social security card, supported issuer, class, version, validity,
//! application, blacklist; otherwise stop.
//! Owns: the order of the checks and what each found. Never: touches the account.

use card_core::security::CityCode;
use settlement::blacklist::{ListFault, Period};
use settlement::fen::Fen;
use settlement::limits::CLOCK_DIFFERENCE_MAX_S;
use settlement::message::TerminalLimits;
use settlement::parameters::ParameterFault;
use settlement::sale::OnlinePolicy;
use settlement::{BusinessDate, DateTime};

use crate::clock::{Now, Running};
use crate::error::{BlacklistError, Limit, TerminalError, Unsettled};
use crate::store::{Blacklist, Store};
use crate::tap::Tapped;

/// What a terminal may do before it was ever told its limits: the built-in caution of an unregistered terminal.
pub const LIMITS_BEFORE_SIGN_IN: TerminalLimits = TerminalLimits {
    purchase_max_fen: Fen::new(50_000),
    card_day_max_fen: Fen::new(100_000),
    card_day_count_max: 50,
    pending_records_max: 200,
    pending_max_fen: Fen::new(2_000_000),
    blacklist_age_max_hours: 24,
    online: OnlinePolicy::OfflineOnly,
};

const SECONDS_PER_HOUR: i64 = 3600;

/// One check and what it found.
#[derive(Debug)]
pub struct Check {
    /// Stable id.
    pub id: &'static str,
    /// `None`: passed.
    pub refused: Option<TerminalError>,
}

/// What the checks compare with.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// City of the terminal, when it is known.
    pub city: Option<CityCode>,
    /// Day on which a transaction would count.
    pub day: BusinessDate,
    /// Limits.
    pub limits: TerminalLimits,
    /// Sequence of the signed parameters that they are of, and until when those may be sold by; `None` before the first sign-in.
    pub parameters: Option<(u64, DateTime)>,
    /// Now, or the mark where the clock is a little behind it.
    pub now: Now,
    /// The latest instant that is known to have been, where the clock is behind it by more than [`CLOCK_DIFFERENCE_MAX_S`].
    pub clock_back: Option<Now>,
    /// What time it is by the centre's last word, where the clock is ahead of it by more than that.
    pub clock_ahead: Option<Now>,
}

impl Rules {
    /// What the centre said at sign-in; the caution of an unregistered terminal, and the clock's day, before.
    ///
    /// # Errors
    /// [`TerminalError::Store`].
    pub fn of(store: Option<&Store>, city: Option<CityCode>, now: Now) -> Result<Self, TerminalError> {
        let signed_in = store.map(Store::sign_in).transpose()?.flatten();
        let day: BusinessDate = signed_in.as_ref().map_or_else(|| now.date(), |signed_in| signed_in.business_date);
        let parameters = signed_in.as_ref().map(|signed_in| (signed_in.parameters.sequence, signed_in.limits_until));
        let limits = signed_in.map_or(LIMITS_BEFORE_SIGN_IN, |signed_in| signed_in.limits);
        let mark = store.map(Store::clock_mark).transpose()?.flatten();
        let clock_back = mark.filter(|mark| now.later(CLOCK_DIFFERENCE_MAX_S).seconds() < mark.seconds());
        let centre = store.map(|store| store.centres_clock(Running::of_system().as_ref())).transpose()?.flatten();
        let clock_ahead = centre.filter(|centre| now.seconds() > centre.later(CLOCK_DIFFERENCE_MAX_S).seconds());
        // Ages and ends count from the later of the two: a clock that is set back makes nothing last longer.
        let now = mark.filter(|mark| mark.seconds() > now.seconds()).unwrap_or(now);
        Ok(Self { city, day, limits, parameters, now, clock_back, clock_ahead })
    }
}

/// Who can work with a card's keys, by the region in its identification code (assumed: the same four digits are one prefecture with
/// one set of keys, the same two one province).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// This terminal, with its PSAM.
    Here,
    /// The province's service, by the two steps of the remote module.
    Province,
    /// The ministry's service, by the two steps of the remote module.
    Ministry,
}

impl Route {
    /// For a card of `city` at a terminal of `ours`.
    #[must_use]
    pub fn of(city: CityCode, ours: CityCode) -> Self {
        let same = |digits: usize| city.as_str().get(..digits) == ours.as_str().get(..digits);
        match (same(4), same(2)) {
            (true, _) => Self::Here,
            (false, true) => Self::Province,
            (false, false) => Self::Ministry,
        }
    }

    /// Its stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::Province => "province",
            Self::Ministry => "ministry",
        }
    }
}

/// All checks on the card alone: city, dates.
#[must_use]
pub fn card(tapped: &Tapped<'_>, rules: &Rules) -> Vec<Check> {
    let city = rules.city.filter(|ours| !tapped.is_of(*ours));
    // A business day may be another than the calendar's: it is as old as the last sign-in.
    let today = rules.now.date();
    vec![
        Check { id: "social_security_card", refused: None },
        // Which classes there are no source says: what stands on the card is shown, and refuses nothing (assumed).
        Check { id: "class", refused: None },
        Check { id: "version", refused: None },
        Check { id: "issuer_city", refused: city.map(|ours| TerminalError::ForeignCity { city: tapped.city, ours }) },
        Check { id: "valid_from", refused: not_yet_valid(tapped.issuer_item("issue_date"), today) },
        Check { id: "valid_until", refused: expired(tapped.issuer_item("valid_until"), today) },
    ]
}

/// Everything that a sale is refused for whatever its amount is, in the order in which it is looked at: the one list of `pay`, of the
/// driver's debit and of `card check`. `asks`: the centre is asked, which looks at the blacklist itself.
///
/// # Errors
/// [`TerminalError::Store`].
pub fn sale(tapped: &Tapped<'_>, rules: &Rules, store: &Store, asks: bool) -> Result<Vec<Check>, TerminalError> {
    let mut checks = card(tapped, rules);
    checks.push(Check { id: "application", refused: tapped.account().err() });
    checks.push(Check { id: "open", refused: open(tapped, store)? });
    let at = store.signed_out()?;
    checks.push(Check { id: "signed_in", refused: at.map(|at| TerminalError::SignedOut { at }) });
    checks.push(Check { id: "clock", refused: clock(rules) });
    if !asks {
        checks.extend(blacklist(tapped, rules, store)?);
    }
    checks.push(Check { id: "parameters", refused: lasting(rules).err().map(TerminalError::from) });
    let limits = match asks {
        true => of_sale(store, tapped, rules, Fen::ZERO),
        false => within_limits(store, tapped, rules, Fen::ZERO),
    };
    checks.push(Check { id: "limits", refused: of_limits(limits)? });
    Ok(checks)
}

/// What the limits refuse; what the checks before them refuse is said there.
fn of_limits(found: Result<(), TerminalError>) -> Result<Option<TerminalError>, TerminalError> {
    match found {
        Ok(()) => Ok(None),
        Err(error @ (TerminalError::LimitExceeded { .. } | TerminalError::OnlineRequired)) => Ok(Some(error)),
        Err(error @ TerminalError::Store(_)) => Err(error),
        Err(_) => Ok(None),
    }
}

/// An earlier transaction of the card whose outcome is not known: no sale goes past it.
fn open(tapped: &Tapped<'_>, store: &Store) -> Result<Option<TerminalError>, TerminalError> {
    let entries = store.entries_of(&tapped.identifier)?;
    let open = entries.iter().find(|entry| entry.state.blocks_card());
    Ok(open.map(|entry| TerminalError::StillOpen { id: entry.number.to_string(), why: Unsettled::PinNeeded }))
}

/// Whether the date of a sale would be wrong: the clock is behind what was, or ahead of what the centre said and the machine ran since.
fn clock(rules: &Rules) -> Option<TerminalError> {
    let back = rules.clock_back.map(|mark| TerminalError::ClockBack { mark: mark.date_time() });
    back.or_else(|| rules.clock_ahead.map(|centre| TerminalError::ClockDiffers { centre: centre.date_time() }))
}

/// The blacklist and its age, and whether the card calls itself what this terminal knew its chip by: a list names cards by their
/// identifier, which whoever has a key of the card can rewrite; the chip's number nobody can.
///
/// # Errors
/// [`TerminalError::Store`].
pub fn blacklist(tapped: &Tapped<'_>, rules: &Rules, store: &Store) -> Result<Vec<Check>, TerminalError> {
    let list = store.blacklist()?;
    let on_it = store.is_blacklisted(&tapped.identifier)?;
    let has_number = tapped.session.atr().is_ok_and(|atr| atr.is_unique());
    let before = match has_number {
        true => store.other_name_of(tapped.card_factor(), &tapped.identifier)?,
        false => None,
    };
    let renamed = before.map(|entry| TerminalError::CardRenamed { entry: entry.to_string() });
    Ok(vec![
        Check { id: "same_card", refused: renamed },
        Check { id: "blacklist_age", refused: stale(list, rules) },
        Check {
            id: "blacklist",
            refused: on_it.then(|| TerminalError::Blacklisted { sequence: list.map_or(0, |list| list.sequence) }),
        },
    ])
}

/// The limits of this terminal for a purchase offline that takes so much from the personal account.
///
/// # Errors
/// [`TerminalError::OnlineRequired`] where the centre has to be asked, and those of [`of_sale`] and [`of_waiting`].
pub fn within_limits(store: &Store, tapped: &Tapped<'_>, rules: &Rules, amount: Fen) -> Result<(), TerminalError> {
    if rules.limits.online == OnlinePolicy::OnlineRequired {
        return Err(TerminalError::OnlineRequired);
    }
    of_sale(store, tapped, rules, amount)?;
    of_waiting(store, rules, amount)
}

/// What holds for every purchase, whether the centre was asked or not: its date is believed, and the limits.
///
/// # Errors
/// [`TerminalError::ClockBack`], [`TerminalError::ClockDiffers`]; [`TerminalError::Parameters`] when they are past their time, [`TerminalError::LimitExceeded`], [`TerminalError::Store`].
pub fn of_sale(store: &Store, tapped: &Tapped<'_>, rules: &Rules, amount: Fen) -> Result<(), TerminalError> {
    let TerminalLimits { purchase_max_fen, card_day_max_fen, card_day_count_max, .. } = rules.limits;
    if let Some(at) = store.signed_out()? {
        return Err(TerminalError::SignedOut { at });
    }
    if let Some(error) = clock(rules) {
        return Err(error);
    }
    lasting(rules)?;
    if amount > purchase_max_fen {
        return reached(Limit::Purchase);
    }
    let (count, spent) = store.spent_by(&tapped.identifier, rules.day)?;
    if more(spent, amount) > card_day_max_fen {
        return reached(Limit::CardDaySum);
    }
    if count >= u64::from(card_day_count_max) {
        return reached(Limit::CardDayCount);
    }
    Ok(())
}

/// The limits of what waits for upload: those of a sale that the centre does not hear of at once.
///
/// # Errors
/// [`TerminalError::LimitExceeded`], [`TerminalError::Store`].
pub fn of_waiting(store: &Store, rules: &Rules, amount: Fen) -> Result<(), TerminalError> {
    let TerminalLimits { pending_records_max, pending_max_fen, .. } = rules.limits;
    let (waiting, sum) = store.pending()?;
    if waiting >= u64::from(pending_records_max) {
        return reached(Limit::PendingRecords);
    }
    if more(sum, amount) > pending_max_fen {
        return reached(Limit::PendingSum);
    }
    Ok(())
}

fn reached(limit: Limit) -> Result<(), TerminalError> {
    Err(TerminalError::LimitExceeded { limit })
}

fn more(sum: Fen, amount: Fen) -> Fen {
    sum.plus(amount).unwrap_or(Fen::new(i64::MAX))
}

/// Limits are sold by until the end that their centre gave them.
fn lasting(rules: &Rules) -> Result<(), ParameterFault> {
    match rules.parameters {
        Some((sequence, until)) if until < rules.now.date_time() => Err(ParameterFault::Expired { sequence, until }),
        Some(_) | None => Ok(()),
    }
}

/// The first refusal.
///
/// # Errors
/// What the first failed check found.
pub fn all_passed(checks: Vec<Check>) -> Result<(), TerminalError> {
    checks.into_iter().find_map(|check| check.refused).map_or(Ok(()), Err)
}

fn stale(list: Option<Blacklist>, rules: &Rules) -> Option<TerminalError> {
    let Some(list) = list else { return Some(TerminalError::BlacklistMissing) };
    let Period { issued_at, valid_until } = list.period;
    if valid_until < rules.now.date_time() {
        return Some(BlacklistError::from(ListFault::Expired { sequence: list.sequence, until: valid_until }).into());
    }
    let signed = Now::of_china(issued_at).map_or(0, Now::seconds);
    let age_hours = (rules.now.seconds() - signed) / SECONDS_PER_HOUR;
    let limit_hours = rules.limits.blacklist_age_max_hours;
    (age_hours > i64::from(limit_hours)).then_some(TerminalError::BlacklistStale { age_hours, limit_hours })
}

/// A date that cannot be read refuses nothing: cards with years as text are in the field.
fn date(text: &str) -> Option<BusinessDate> {
    let part = |range: std::ops::Range<usize>| text.get(range);
    let (year, month, day) = (part(0..4)?, part(4..6)?, part(6..8)?);
    BusinessDate::parse(&format!("{year}-{month}-{day}")).ok()
}

fn not_yet_valid(from: &str, day: BusinessDate) -> Option<TerminalError> {
    date(from).filter(|from| *from > day).map(|from| TerminalError::NotYetValid { from: from.to_string() })
}

fn expired(until: &str, day: BusinessDate) -> Option<TerminalError> {
    date(until).filter(|until| *until < day).map(|until| TerminalError::Expired { until: until.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::journal::{Draft, Journal as _, Subject};
    use settlement::id::{CardFactor, CardIdentifier, LoadId, TerminalNumber};

    #[test]
    fn the_first_and_last_day_of_validity_are_valid() {
        let day = BusinessDate::parse("2026-03-01").expect("day");
        for (text, refused) in
            [("20260301", false), ("20260228", true), ("20260302", false), ("2012", false), ("", false)]
        {
            assert_eq!(expired(text, day).is_some(), refused, "{text}");
        }
        for (text, refused) in [("20260301", false), ("20260228", false), ("20260302", true), ("2030", false)] {
            assert_eq!(not_yet_valid(text, day).is_some(), refused, "{text}");
        }
    }

    #[test]
    fn a_card_goes_by_its_region_to_its_prefecture_its_province_or_the_ministry() {
        let city = |digits: &str| CityCode::parse(digits).expect("six digits");
        for (card, route) in
            [("513300", Route::Here), ("513322", Route::Here), ("510100", Route::Province), ("430200", Route::Ministry)]
        {
            assert_eq!(Route::of(city(card), city("513300")), route, "{card}");
        }
    }

    #[test]
    fn a_clock_behind_the_journal_is_seen_and_makes_nothing_last_longer() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let real = Now::of_system();
        let rules = |store: &Store, now| Rules::of(Some(store), None, now).expect("readable");
        assert!(rules(&store, real.later(-86_400)).clock_back.is_none(), "nothing is known yet");
        store
            .prepare(&Draft {
                terminal: TerminalNumber([0x99; 6]),
                card_identifier: CardIdentifier([7; 16]),
                card_factor: CardFactor([7; 8]),
                business_date: real.date(),
                subject: Subject::Load { load_id: LoadId([7; 16]), amount: 1 },
                paper: String::new(),
            })
            .expect("written");
        for (behind, is_back) in [(0, false), (590, false), (3_600, true), (864_000, true)] {
            let rules = rules(&store, real.later(-behind));
            assert_eq!(rules.clock_back.is_some(), is_back, "{behind}");
            assert!(rules.now.seconds() >= real.seconds(), "{behind}: ages count from the mark");
        }
    }

    #[test]
    fn a_clock_ahead_of_the_centres_word_is_seen_while_the_machine_runs_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let (real, running) = (Now::of_system(), Running::of_system().expect("Linux"));
        let is_ahead = |store: &Store, now| Rules::of(Some(store), None, now).expect("readable").clock_ahead.is_some();
        assert!(!is_ahead(&store, real.later(864_000)), "nothing is known yet");
        store.note_clock(real, &running).expect("written");
        for (ahead, is) in [(0, false), (590, false), (640, true), (864_000, true)] {
            assert_eq!(is_ahead(&store, real.later(ahead)), is, "{ahead}");
        }
        // The machine has run for an hour since the centre's word.
        store.note_clock(real, &Running { seconds: running.seconds - 3_600, ..running.clone() }).expect("written");
        assert!(!is_ahead(&store, real.later(4_100)) && is_ahead(&store, real.later(4_300)));
        store.note_clock(real, &Running { boot: "another".to_owned(), ..running }).expect("written");
        assert!(!is_ahead(&store, real.later(864_000)), "of another start nothing is known");
    }

    #[test]
    fn limits_are_sold_by_to_their_last_second_and_no_longer() {
        let now = Now::at(1_000_000).expect("instant");
        let day = BusinessDate::parse("2026-03-01").expect("day");
        let until = |seconds: i64| Some((3, now.later(seconds).date_time()));
        let rules = |parameters| Rules {
            city: None,
            day,
            limits: LIMITS_BEFORE_SIGN_IN,
            parameters,
            now,
            clock_back: None,
            clock_ahead: None,
        };
        assert_eq!(lasting(&rules(None)), Ok(()), "the built-in caution has no end");
        assert_eq!(lasting(&rules(until(0))), Ok(()));
        let past = lasting(&rules(until(-1))).expect_err("past");
        assert_eq!(TerminalError::from(past).code(), Code::ParametersExpired);
    }

    #[test]
    fn a_blacklist_is_too_old_after_its_hours_and_missing_when_never_fetched() {
        let now = Now::at(1_000_000).expect("instant");
        let rules = Rules {
            city: None,
            day: BusinessDate::parse("2026-03-01").expect("day"),
            limits: LIMITS_BEFORE_SIGN_IN,
            parameters: None,
            now,
            clock_back: None,
            clock_ahead: None,
        };
        let at = |hours: i64| Now::at(1_000_000 + hours * 3600).expect("instant").date_time();
        let list = |hours: i64| {
            let period = Period { issued_at: at(-hours), valid_until: at(30 - hours) };
            Some(Blacklist { sequence: 1, period, cards: 0 })
        };
        assert!(matches!(stale(None, &rules), Some(TerminalError::BlacklistMissing)));
        assert!(stale(list(24), &rules).is_none());
        assert!(matches!(
            stale(list(25), &rules),
            Some(TerminalError::BlacklistStale { age_hours: 25, limit_hours: 24 })
        ));
        let expired = stale(list(31), &rules);
        let is_expired = |error: &TerminalError| error.code() == Code::BlacklistExpired;
        assert!(
            expired.as_ref().is_some_and(is_expired),
            "{expired:?}: its own time counts before the terminal's limit"
        );
    }
}
