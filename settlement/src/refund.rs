//! Money that goes back: which purchase a refund undoes, how much of it, and what may still be refunded.
//!
//! A refund (退费) gives back a part or all of a purchase, on whatever day; a cancel (撤销) undoes the card's latest purchase whole,
//! on its own business day. To the card both are a load: the centre authorizes it, and the load names its original.
//!
//! Source: municipal interfaces: only with the card that paid, only at the institution that sold, never more than was paid,
//! only the latest settlement is cancelled. How a total is shared between the payers is assumed: as they paid.
//! Owns: the link to the original, the sums. Never: decides whether a card took the money.
//! Units: fen.

use card_profiles::account::Amounts;
use serde::{Deserialize, Serialize};

use crate::date::BusinessDate;
use crate::fen::{Fen, FenError, on_card};
use crate::id::{CardIdentifier, LoadId, RequestId, TerminalNumber};
use crate::message::{AnswerStatus, Request, Version1, request};

/// 原交易: a purchase, by its numbers at the terminal and, where it is told, at the card: a terminal that sold by its own module and by one
/// elsewhere may have given one card the same number twice (ADR 94).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Original {
    /// Terminal that sold.
    pub terminal: TerminalNumber,
    /// Its 终端交易序号, from the PSAM.
    pub terminal_sequence: u32,
    /// 卡脱机交易序号: what the card counted; left out by terminals of before, and where a person does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_sequence: Option<u16>,
}

/// How a purchase is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundAct {
    /// 退费: a part or all of it, also on another day.
    Refund,
    /// 撤销: all of it, while it is the card's latest purchase and its business day is not over.
    Cancel,
}

/// What a load gives back, beside its own amount, which is the personal account's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundOf {
    /// Purchase.
    pub original: Original,
    /// How it is undone.
    pub act: RefundAct,
    /// 个人自付: cash that the counter gives back.
    #[serde(deserialize_with = "on_card")]
    pub self_paid_fen: Fen,
    /// 统筹基金: what the institution no longer gets from the pool.
    #[serde(deserialize_with = "on_card")]
    pub pooled_fund_fen: Fen,
}

/// Asks for a purchase of another till of the same institution: what may go back of it to the card that is in the reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OriginalRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Terminal that asks.
    pub terminal: TerminalNumber,
    /// Purchase, as its receipt names it.
    pub original: Original,
    /// Card in the reader.
    pub card_identifier: CardIdentifier,
}

/// The purchase as it was posted, and what is left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OriginalAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
    /// Paid.
    pub paid: Parts,
    /// Left, after every refund that is on its way or was given.
    pub left: Parts,
}

request!(OriginalRequest, OriginalAnswer, "/terminal/v1/refunds/original", terminal);

/// Asks what other tills gave back of this terminal's purchases. A request of its own: terminals of before never ask, and centres of before
/// answer that they know no such path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElsewhereRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Terminal that asks, and that sold.
    pub terminal: TerminalNumber,
    /// Through which day of the centre it was told; left out for all there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<BusinessDate>,
    /// The last one of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<LoadId>,
}

/// What has no outcome, and what got one on the day named or later: by their ids, in pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElsewhereAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
    /// The day that is open at the centre: of it more may come.
    pub through: BusinessDate,
    /// At most [`crate::limits::ELSEWHERE_PAGE`].
    pub refunds: Vec<Elsewhere>,
    /// Whether another page follows.
    pub more: bool,
}

/// A refund at another till.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elsewhere {
    /// Its one id.
    pub load_id: LoadId,
    /// Purchase.
    pub original: Original,
    /// Card that paid.
    pub card_identifier: CardIdentifier,
    /// How it is undone.
    pub act: RefundAct,
    /// What each payer gets back.
    pub parts: Parts,
    /// How it stands.
    pub standing: Standing,
}

/// How a refund at another till stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The centre allowed it; whether the card has it is not known.
    Prepared,
    /// The card has it.
    Credited,
    /// It does not, or no longer, count.
    NotCredited,
}

request!(ElsewhereRequest, ElsewhereAnswer, "/terminal/v1/refunds/elsewhere", terminal);

/// The three payers of a purchase, or of what is left of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// 个人账户.
    #[serde(rename = "personal_account_fen", deserialize_with = "on_card")]
    pub personal_account: Fen,
    /// 个人自付.
    #[serde(rename = "self_paid_fen", deserialize_with = "on_card")]
    pub self_paid: Fen,
    /// 统筹基金.
    #[serde(rename = "pooled_fund_fen", deserialize_with = "on_card")]
    pub pooled_fund: Fen,
}

/// One of the three payers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Payer {
    /// 个人账户.
    PersonalAccount,
    /// 个人自付.
    SelfPaid,
    /// 统筹基金.
    PooledFund,
}

/// Why so much is not refunded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundError {
    /// Nothing, or less.
    #[error("a refund gives something back")]
    Nothing,
    /// More than is left of this payer's part.
    #[error("{asked} yuan asked, {left} yuan of the {payer} are left to refund")]
    TooMuch {
        /// Whose part.
        payer: Payer,
        /// Asked.
        asked: Fen,
        /// Left.
        left: Fen,
    },
    /// More in total than is left of all parts.
    #[error("{asked} yuan asked, {left} yuan in total are left to refund")]
    TotalTooMuch {
        /// Asked.
        asked: Fen,
        /// Left.
        left: Fen,
    },
    /// Sums beyond 64 bits, or that no card holds.
    #[error(transparent)]
    Sum(#[from] FenError),
}

impl Original {
    /// As a receipt prints it: the terminal's number, a slash, its sequence in eight hexadecimal digits; a slash and the card's in four where
    /// it is known.
    #[must_use]
    pub fn reference(&self) -> String {
        let card = self.card_sequence.map_or_else(String::new, |sequence| format!("/{sequence:04X}"));
        format!("{}/{:08X}{card}", self.terminal, self.terminal_sequence)
    }

    /// Whether both may name one purchase of a card: nothing that both say differs.
    #[must_use]
    pub fn may_be(&self, other: &Self) -> bool {
        let same_on_card = self.card_sequence.zip(other.card_sequence).is_none_or(|(one, other)| one == other);
        (self.terminal, self.terminal_sequence) == (other.terminal, other.terminal_sequence) && same_on_card
    }

    /// From [`Self::reference`], or the same with the sequences of terminal and card as they stand together on the paper
    /// (`…/0000A5C3/0004`); `None` for anything else.
    #[must_use]
    pub fn parse(reference: &str) -> Option<Self> {
        let mut parts = reference.split('/');
        let (terminal, sequence, card) = (parts.next()?, parts.next()?, parts.next());
        let is_hex = |text: &str, digits| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let fits = is_hex(sequence, 8) && card.is_none_or(|card| is_hex(card, 4)) && parts.next().is_none();
        let terminal = TerminalNumber::parse(terminal).ok().filter(|_| fits)?;
        let card_sequence = card.map(|card| u16::from_str_radix(card, 16)).transpose().ok()?;
        Some(Self { terminal, terminal_sequence: u32::from_str_radix(sequence, 16).ok()?, card_sequence })
    }
}

impl RefundAct {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Refund, Self::Cancel];

    /// Its spelling in files and databases.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refund => "refund",
            Self::Cancel => "cancel",
        }
    }

    /// From its spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == text)
    }
}

impl Parts {
    /// Of the three amounts on a card.
    #[must_use]
    pub fn of_card(amounts: Amounts) -> Self {
        Self {
            personal_account: Fen::from_card(amounts.personal_account),
            self_paid: Fen::from_card(amounts.self_paid),
            pooled_fund: Fen::from_card(amounts.pooled_fund),
        }
    }

    /// As a card's amounts.
    ///
    /// # Errors
    /// [`FenError`] for what no card holds.
    pub fn to_card(self) -> Result<Amounts, FenError> {
        Ok(Amounts {
            personal_account: self.personal_account.to_card()?,
            self_paid: self.self_paid.to_card()?,
            pooled_fund: self.pooled_fund.to_card()?,
        })
    }

    /// All three.
    ///
    /// # Errors
    /// [`FenError::Overflow`].
    pub fn total(self) -> Result<Fen, FenError> {
        Fen::sum(self.each().map(|(_, amount)| amount))
    }

    const fn each(self) -> [(Payer, Fen); 3] {
        [
            (Payer::PersonalAccount, self.personal_account),
            (Payer::SelfPaid, self.self_paid),
            (Payer::PooledFund, self.pooled_fund),
        ]
    }

    /// What is left after a refund of `asked`: no part goes below zero, and something is asked.
    ///
    /// # Errors
    /// [`RefundError`].
    pub fn less(self, asked: Self) -> Result<Self, RefundError> {
        for ((payer, left), (_, asked)) in self.each().into_iter().zip(asked.each()) {
            if asked < Fen::ZERO {
                return Err(RefundError::Nothing);
            }
            if asked > left {
                return Err(RefundError::TooMuch { payer, asked, left });
            }
        }
        if asked.total()? == Fen::ZERO {
            return Err(RefundError::Nothing);
        }
        Ok(Self {
            personal_account: self.personal_account.minus(asked.personal_account)?,
            self_paid: self.self_paid.minus(asked.self_paid)?,
            pooled_fund: self.pooled_fund.minus(asked.pooled_fund)?,
        })
    }

    /// Shares a total as the payers paid what is left: to the fen, the odd ones to the largest remainders, no part above
    /// what is left of it; all that is left when the total is.
    ///
    /// # Errors
    /// [`RefundError`].
    pub fn share(self, total: Fen) -> Result<Self, RefundError> {
        let left = self.total()?;
        if total <= Fen::ZERO {
            return Err(RefundError::Nothing);
        }
        if total > left {
            return Err(RefundError::TotalTooMuch { asked: total, left });
        }
        let whole = i128::from(left.get());
        let exact = self.each().map(|(_, part)| i128::from(part.get()) * i128::from(total.get()));
        let mut shares = exact.map(|exact| exact / whole);
        let odd = i128::from(total.get()) - shares.iter().sum::<i128>();
        let mut order = [0_usize, 1, 2];
        let remainders = exact.map(|exact| exact % whole);
        order.sort_by_key(|index| std::cmp::Reverse(remainders.get(*index).copied()));
        // Fewer fen are odd than parts have a remainder, so no part is raised above what is left of it.
        for index in order.into_iter().take(usize::try_from(odd).unwrap_or(0)) {
            if let Some(share) = shares.get_mut(index) {
                *share += 1;
            }
        }
        let [personal_account, self_paid, pooled_fund] =
            shares.map(|share| i64::try_from(share).map(Fen::new).map_err(|_| FenError::Overflow));
        Ok(Self { personal_account: personal_account?, self_paid: self_paid?, pooled_fund: pooled_fund? })
    }
}

/// What is left of a purchase after its refunds.
///
/// # Errors
/// [`RefundError`] when they are more than it, which nobody may have let happen.
pub fn left_of(purchase: Parts, refunds: impl IntoIterator<Item = Parts>) -> Result<Parts, RefundError> {
    refunds.into_iter().try_fold(purchase, Parts::less)
}

impl std::fmt::Display for Payer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::PersonalAccount => "personal account",
            Self::SelfPaid => "cash",
            Self::PooledFund => "pooled fund",
        })
    }
}

impl std::fmt::Display for Original {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reference())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(personal_account: i64, self_paid: i64, pooled_fund: i64) -> Parts {
        Parts {
            personal_account: Fen::new(personal_account),
            self_paid: Fen::new(self_paid),
            pooled_fund: Fen::new(pooled_fund),
        }
    }

    #[test]
    fn a_total_is_shared_as_was_paid_and_the_odd_fen_goes_to_the_largest_remainder() {
        // 100 of 7.00 + 2.00 + 1.00: 70, 20, 10.
        assert_eq!(parts(700, 200, 100).share(Fen::new(100)), Ok(parts(70, 20, 10)));
        // 1 fen of 3 + 3 + 4: 0.3, 0.3, 0.4.
        assert_eq!(parts(3, 3, 4).share(Fen::new(1)), Ok(parts(0, 0, 1)));
        // 2 fen of 1 + 1 + 1: 0.67 each; the account comes first, cash second.
        assert_eq!(parts(1, 1, 1).share(Fen::new(2)), Ok(parts(1, 1, 0)));
        assert_eq!(parts(0, 0, 5).share(Fen::new(3)), Ok(parts(0, 0, 3)));
    }

    #[test]
    fn more_than_was_paid_or_nothing_is_refused_whoever_paid() {
        let paid = parts(700, 200, 100);
        let too_much =
            |payer, asked, left| Err(RefundError::TooMuch { payer, asked: Fen::new(asked), left: Fen::new(left) });
        assert_eq!(paid.less(parts(701, 0, 0)), too_much(Payer::PersonalAccount, 701, 700));
        assert_eq!(paid.less(parts(0, 201, 0)), too_much(Payer::SelfPaid, 201, 200));
        assert_eq!(paid.less(parts(0, 0, 101)), too_much(Payer::PooledFund, 101, 100));
        assert_eq!(paid.less(parts(0, 0, 0)), Err(RefundError::Nothing));
        assert_eq!(paid.less(parts(1, -1, 0)), Err(RefundError::Nothing));
        assert_eq!(paid.share(Fen::ZERO), Err(RefundError::Nothing));
        let all = Fen::new(1_000);
        assert_eq!(paid.share(Fen::new(1_001)), Err(RefundError::TotalTooMuch { asked: Fen::new(1_001), left: all }));
        assert_eq!(left_of(paid, [parts(700, 0, 0), parts(1, 0, 0)]), too_much(Payer::PersonalAccount, 1, 0));
    }

    #[test]
    fn a_reference_is_read_as_the_receipt_prints_it_and_nothing_else_is() {
        let original = Original {
            terminal: TerminalNumber([0x99, 0, 0x11, 0x22, 0x33, 0x44]),
            terminal_sequence: 0xA5C3,
            card_sequence: None,
        };
        assert_eq!(original.reference(), "990011223344/0000A5C3");
        for good in ["990011223344/0000A5C3", "990011223344/0000a5c3"] {
            assert_eq!(Original::parse(good), Some(original), "{good}");
        }
        let on_card = Original { card_sequence: Some(4), ..original };
        assert_eq!(Original::parse("990011223344/0000A5C3/0004"), Some(on_card));
        assert_eq!(on_card.reference(), "990011223344/0000A5C3/0004");
        let other = Original { card_sequence: Some(5), ..original };
        assert!(original.may_be(&on_card) && on_card.may_be(&original) && !on_card.may_be(&other));
        for bad in [
            "",
            "990011223344",
            "990011223344/A5C3",
            "990011223344/+000A5C3",
            "9900112233/0000A5C3",
            "990011223344/0000A5C3/4",
            "990011223344/0000A5C3/0004/0",
            "990011223344/0000A5C3 ",
        ] {
            assert_eq!(Original::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn refunds_of_whatever_totals_never_exceed_what_was_paid_and_the_last_leaves_nothing(
            paid in (0..=u32::MAX, 0..=u32::MAX, 0..=u32::MAX),
            totals in prop::collection::vec(1_i64..=0x1_0000_0000, 0..12),
        ) {
            let paid = parts(paid.0.into(), paid.1.into(), paid.2.into());
            let mut left = paid;
            let mut given = Vec::new();
            for total in totals {
                let before = left.total().expect("small");
                match left.share(Fen::new(total)) {
                    Ok(refund) => {
                        prop_assert_eq!(refund.total(), Ok(Fen::new(total)));
                        left = left.less(refund).expect("a share is never above what is left");
                        given.push(refund);
                    }
                    Err(RefundError::TotalTooMuch { .. }) => prop_assert!(Fen::new(total) > before),
                    Err(other) => prop_assert!(false, "{other}"),
                }
                prop_assert_eq!(left_of(paid, given.clone()), Ok(left));
            }
            if left.total().expect("small") > Fen::ZERO {
                let rest = left.share(left.total().expect("small")).expect("all of it");
                prop_assert_eq!(rest, left);
            }
        }
    }
}
