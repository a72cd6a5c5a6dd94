//! Further prefixes of card numbers (卡号前缀): proposed by one operator, approved by another, used when the one before is used up.
//!
//! Source: docs/adr/0039; the standard leaves the first letter to the issuer (assumed: a letter is one centre's).
//! Owns: which letters a centre has, in order, and which serials belong to each.
//! Never: takes a letter back, or changes the one with which a centre was made (`centre::identity`).

use serde::Serialize;

use crate::audit::Act;
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::{OperatorError, Role};
use crate::output::Show;
use crate::store::{Store, StoreError, Tx};

/// Serials of one letter: seven digits before the check character, of which zero is not given out.
const RANGE: i64 = 10_000_000;

/// Fact: the letters behind the first, in order.
const MORE: &str = "card_number_prefixes";
/// Fact: a letter, a space, the operator who proposed it; empty when nothing is proposed.
const PROPOSED: &str = "card_number_prefix_proposed";

/// The letters of a centre.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Prefixes {
    /// In the order in which they are used; the first is that with which the centre was made.
    pub letters: Vec<char>,
    /// One that nobody has approved yet.
    pub proposed: Option<Proposed>,
}

/// A letter that awaits approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proposed {
    /// The letter.
    pub letter: char,
    /// Operator.
    pub by: String,
}

/// Why a letter is not added.
#[derive(Debug, thiserror::Error)]
pub enum PrefixError {
    /// The centre has it already.
    #[error("card numbers begin with {letter} already")]
    Known {
        /// The letter.
        letter: char,
    },
    /// Another one awaits approval.
    #[error("{letter} awaits approval")]
    Pending {
        /// The letter.
        letter: char,
    },
    /// Nobody has proposed it.
    #[error("nobody has proposed {letter}")]
    NotProposed {
        /// The letter.
        letter: char,
    },
    /// Who proposed it wants to approve it.
    #[error("{letter} was proposed by {by}")]
    MakerIsChecker {
        /// The letter.
        letter: char,
        /// Who proposed it.
        by: String,
    },
    /// No reason was given.
    #[error("no reason was given")]
    ReasonMissing,
    /// Who acts.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Proposes another letter.
///
/// # Errors
/// [`PrefixError`].
pub fn propose(
    store: &mut Store,
    first: char,
    letter: char,
    reason: &str,
    operator: Option<&str>,
) -> Result<Prefixes, PrefixError> {
    store.act(|tx| {
        let by = tx.require(operator, Role::Capture)?;
        said(reason)?;
        let before = Prefixes::of(tx, first)?;
        if before.letters.contains(&letter) {
            return Err(PrefixError::Known { letter });
        }
        if let Some(Proposed { letter, .. }) = before.proposed {
            return Err(PrefixError::Pending { letter });
        }
        tx.set_fact(PROPOSED, &format!("{letter} {by}"))?;
        Ok((Prefixes::of(tx, first)?, act(by, "number.prefix-propose", letter, reason.to_owned())))
    })
}

/// Approves a letter that another operator proposed: from now on it follows the ones before.
///
/// # Errors
/// [`PrefixError`].
pub fn approve(store: &mut Store, first: char, letter: char, operator: Option<&str>) -> Result<Prefixes, PrefixError> {
    store.act(|tx| {
        let checker = tx.require(operator, Role::Approve)?;
        let Prefixes { letters, proposed } = Prefixes::of(tx, first)?;
        let proposed = proposed.filter(|of| of.letter == letter).ok_or(PrefixError::NotProposed { letter })?;
        if proposed.by == checker {
            return Err(PrefixError::MakerIsChecker { letter, by: checker });
        }
        let more: String = letters.into_iter().skip(1).chain([letter]).collect();
        tx.set_fact(MORE, &more)?;
        tx.set_fact(PROPOSED, "")?;
        let detail = format!("proposed by {}", proposed.by);
        Ok((Prefixes::of(tx, first)?, act(checker, "number.prefix-approve", letter, detail)))
    })
}

/// Takes a proposal back.
///
/// # Errors
/// [`PrefixError`].
pub fn withdraw(
    store: &mut Store,
    first: char,
    letter: char,
    reason: &str,
    operator: Option<&str>,
) -> Result<Prefixes, PrefixError> {
    store.act(|tx| {
        let by = tx.require_one(operator, &[Role::Capture, Role::Approve])?;
        said(reason)?;
        let proposed = Prefixes::of(tx, first)?.proposed;
        proposed.filter(|of| of.letter == letter).ok_or(PrefixError::NotProposed { letter })?;
        tx.set_fact(PROPOSED, "")?;
        Ok((Prefixes::of(tx, first)?, act(by, "number.prefix-withdraw", letter, reason.to_owned())))
    })
}

fn said(reason: &str) -> Result<(), PrefixError> {
    if reason.trim().is_empty() { Err(PrefixError::ReasonMissing) } else { Ok(()) }
}

fn act(actor: String, act: &'static str, letter: char, detail: String) -> Act {
    Act { actor, act, object: format!("card number prefix {letter}"), detail }
}

impl Prefixes {
    /// The letters of a centre that was made with the first one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn of(tx: &Tx<'_>, first: char) -> Result<Self, StoreError> {
        let more = tx.fact(MORE)?.unwrap_or_default();
        let proposed = tx.fact(PROPOSED)?.unwrap_or_default();
        let proposed = proposed
            .split_once(' ')
            .and_then(|(letter, by)| letter.chars().next().map(|letter| Proposed { letter, by: by.to_owned() }));
        Ok(Self { letters: std::iter::once(first).chain(more.chars()).collect(), proposed })
    }

    /// The serial to give out when `next` is the one after the last, its letter and its seven digits; none when all are used up.
    pub(super) fn number(&self, next: i64) -> Option<(i64, String)> {
        let serial = if next % RANGE == 0 { next + 1 } else { next };
        let letter = self.letters.get(usize::try_from(serial / RANGE).ok()?)?;
        Some((serial, format!("{letter}{:07}", serial % RANGE)))
    }

    /// The letter of the last number that can be made, or of the next one.
    pub(super) fn current(&self, next: i64) -> char {
        let place = usize::try_from(next / RANGE).unwrap_or(usize::MAX);
        self.letters.get(place).or(self.letters.last()).copied().expect("a centre has a first letter")
    }

    /// How many numbers can still be made.
    pub(super) fn not_made(&self, next: i64) -> u64 {
        let (all, last) = (i64::try_from(self.letters.len()).unwrap_or(i64::MAX), next - 1);
        let of_earlier = last / RANGE * (RANGE - 1);
        u64::try_from(all * (RANGE - 1) - of_earlier - last % RANGE).unwrap_or_default()
    }
}

impl Show for Prefixes {
    fn text(&self, lang: Lang) -> String {
        let letters = self.letters.iter().map(char::to_string).collect::<Vec<_>>().join(" ");
        let proposed = self.proposed.as_ref().map(|Proposed { letter, by }| {
            lang.pick(
                format!("；{by} 申请增加 {letter}，待审核"),
                format!("; {letter}, proposed by {by}, awaits approval"),
            )
        });
        let proposed = proposed.unwrap_or_default();
        lang.pick(format!("卡号前缀: {letters}{proposed}"), format!("prefixes of card numbers: {letters}{proposed}"))
    }
}

impl Explain for PrefixError {
    fn code(&self) -> &'static str {
        match self {
            Self::Known { .. } => "CARD_NUMBER_PREFIX_KNOWN",
            Self::Pending { .. } => "CARD_NUMBER_PREFIX_PENDING",
            Self::NotProposed { .. } => "CARD_NUMBER_PREFIX_NOT_PROPOSED",
            Self::MakerIsChecker { .. } => "CARD_NUMBER_PREFIX_MAKER_IS_CHECKER",
            Self::ReasonMissing => "REASON_MISSING",
            Self::Operator(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::Known { letter } => lang.pick(
                format!("{letter} 已是本中心的卡号前缀，未作改动"),
                format!("{letter} is a prefix of this centre's card numbers already; nothing was changed"),
            ),
            Self::Pending { letter } => {
                lang.pick(format!("前缀 {letter} 还在等待审核"), format!("prefix {letter} still awaits approval"))
            }
            Self::NotProposed { letter } => {
                lang.pick(format!("没有人申请增加前缀 {letter}"), format!("nobody has proposed prefix {letter}"))
            }
            Self::MakerIsChecker { letter, by } => lang.pick(
                format!("前缀 {letter} 由 {by} 申请，不能自己审核"),
                format!("prefix {letter} was proposed by {by}, who cannot approve it"),
            ),
            Self::ReasonMissing => lang.pick("没有说明原因", "no reason was given").to_owned(),
            Self::Operator(error) => error.what(lang),
            Self::Store(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::Known { .. } => lang.pick("换一个字母", "choose another letter"),
            Self::Pending { .. } => lang.pick(
                "由另一位操作员用 issuer number prefix approve 审核，或用 withdraw 撤回",
                "let another operator approve it with `issuer number prefix approve`, or withdraw it",
            ),
            Self::NotProposed { .. } => lang.pick(
                "先用 issuer number prefix propose 申请；用 issuer number list 查看",
                "propose it first with `issuer number prefix propose`; see `issuer number list`",
            ),
            Self::MakerIsChecker { .. } => lang.pick("由另一位审核员审核", "let another approver approve it"),
            Self::ReasonMissing => lang.pick("加上 --reason 原因", "add --reason TEXT"),
            Self::Operator(error) => error.next(lang),
            Self::Store(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Known { .. } | Self::Pending { .. } | Self::MakerIsChecker { .. } => Exit::Refused,
            Self::NotProposed { .. } => Exit::NotFound,
            Self::ReasonMissing => Exit::Usage,
            Self::Operator(error) => error.exit(),
            Self::Store(error) => error.exit(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::Operator(error) => error.retryable(),
            Self::Known { .. }
            | Self::Pending { .. }
            | Self::NotProposed { .. }
            | Self::MakerIsChecker { .. }
            | Self::ReasonMissing => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixes(letters: &str) -> Prefixes {
        Prefixes { letters: letters.chars().collect(), proposed: None }
    }

    #[test]
    fn each_letter_has_its_serials_and_no_number_comes_twice() {
        let all = prefixes("ACB");
        let of = |next| all.number(next);
        assert_eq!(of(1), Some((1, "A0000001".to_owned())));
        assert_eq!(of(9_999_999), Some((9_999_999, "A9999999".to_owned())));
        // Zero was never given out.
        assert_eq!(of(10_000_000), Some((10_000_001, "C0000001".to_owned())));
        assert_eq!(of(20_000_000), Some((20_000_001, "B0000001".to_owned())));
        assert_eq!((of(30_000_000), of(40_000_000)), (None, None));
        assert_eq!(prefixes("A").number(10_000_000), None);
    }

    #[test]
    fn what_is_left_counts_down_to_nothing_over_all_letters() {
        let two = prefixes("AB");
        for (next, left, letter) in [
            (1, 19_999_998, 'A'),
            (9_999_999, 10_000_000, 'A'),
            (10_000_000, 9_999_999, 'B'),
            (10_000_002, 9_999_998, 'B'),
            (20_000_000, 0, 'B'),
            (25_000_000, 0, 'B'),
        ] {
            assert_eq!((two.not_made(next), two.current(next)), (left, letter), "{next}");
        }
    }
}
