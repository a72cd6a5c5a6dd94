//! Why a line, or a bill, is split as it is: numbered reasons with their texts.
//!
//! Source: the rows of catalogue and policy that each reason names. The list is published in docs/bill-reasons.md.
//! Owns: numbers, which are never given to another reason; sentences in two languages. Never: decides (`split`).
//! Units: fen; ratios and quantities as their own texts.

use serde::{Deserialize, Serialize, Serializer};

use super::Amount;
use crate::code::Language;
use crate::fen::Fen;
use crate::policy::Part;
use crate::quantity::{Quantity, Ratio};

/// Why a line is split as it is. The numbers are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Reason {
    /// 1: class 甲, no first self-pay.
    ClassA,
    /// 2: class 乙, a first self-pay.
    ClassB {
        /// Ratio.
        ratio: Ratio,
    },
    /// 3: class 丙, paid by the holder.
    ClassC,
    /// 4: the price is above the ceiling.
    OverCeiling {
        /// Ceiling of one unit.
        ceiling_fen: Fen,
    },
    /// 5: the pool pays a share, on this line's prescription or without need of one.
    PoolShare {
        /// Share.
        share: Ratio,
    },
    /// 6: the pool would pay, but the line has no prescription.
    PoolNeedsPrescription,
    /// 7: more than the card may buy within some days: the whole line is own-pay.
    OverQuantity {
        /// Most.
        max: Quantity,
        /// Within so many days.
        days: u16,
        /// Bought in them before this line.
        bought: Amount,
    },
    /// 8: supply for longer than allowed: the whole line is own-pay.
    OverSupply {
        /// Most days.
        max: u16,
        /// Days left from before.
        on_hand: i64,
    },
    /// 9: a part of the line that the policy keeps from the account.
    NotByAccount {
        /// Part.
        part: Part,
    },
    /// 10, of a bill: the account holds less than it may pay, the rest is cash.
    ShortBalance {
        /// What it lacks.
        short_fen: Fen,
    },
}

impl Reason {
    /// Stable number.
    #[must_use]
    pub const fn number(&self) -> u8 {
        match self {
            Self::ClassA => 1,
            Self::ClassB { .. } => 2,
            Self::ClassC => 3,
            Self::OverCeiling { .. } => 4,
            Self::PoolShare { .. } => 5,
            Self::PoolNeedsPrescription => 6,
            Self::OverQuantity { .. } => 7,
            Self::OverSupply { .. } => 8,
            Self::NotByAccount { .. } => 9,
            Self::ShortBalance { .. } => 10,
        }
    }

    /// Its name in documents.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ClassA => "class-a",
            Self::ClassB { .. } => "class-b",
            Self::ClassC => "class-c",
            Self::OverCeiling { .. } => "over-ceiling",
            Self::PoolShare { .. } => "pool-share",
            Self::PoolNeedsPrescription => "pool-needs-prescription",
            Self::OverQuantity { .. } => "over-quantity",
            Self::OverSupply { .. } => "over-supply",
            Self::NotByAccount { .. } => "not-by-account",
            Self::ShortBalance { .. } => "short-balance",
        }
    }

    /// The sentence for the person at the counter.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let zh = language == Language::Zh;
        match (self, zh) {
            (Self::ClassA, true) => "甲类,无先行自付".into(),
            (Self::ClassA, false) => "class 甲, no first self-pay".into(),
            (Self::ClassB { ratio }, true) => format!("乙类,先行自付比例 {ratio}"),
            (Self::ClassB { ratio }, false) => format!("class 乙, first self-pay ratio {ratio}"),
            (Self::ClassC, true) => "丙类,全自费".into(),
            (Self::ClassC, false) => "class 丙, own pay".into(),
            (Self::OverCeiling { ceiling_fen }, true) => format!("单价高于限价 {ceiling_fen} 元,超出部分自付"),
            (Self::OverCeiling { ceiling_fen }, false) => {
                format!("the price is above the ceiling of {ceiling_fen} yuan, the excess is paid by the holder")
            }
            (Self::PoolShare { share }, true) => format!("统筹基金支付政策范围内部分的 {share}"),
            (Self::PoolShare { share }, false) => format!("the pooled fund pays {share} of the in-scope part"),
            (Self::PoolNeedsPrescription, true) => "无外配处方,统筹基金不支付".into(),
            (Self::PoolNeedsPrescription, false) => "no circulated prescription, the pooled fund pays nothing".into(),
            (Self::OverQuantity { max, days, bought }, true) => {
                format!("{days} 天内限量 {max},此前已购 {bought},本项全自费")
            }
            (Self::OverQuantity { max, days, bought }, false) => {
                format!("at most {max} in {days} days, {bought} bought before: the whole line is own pay")
            }
            (Self::OverSupply { max, on_hand }, true) => {
                format!("用药天数上限 {max} 天,余药尚可用 {on_hand} 天,本项全自费")
            }
            (Self::OverSupply { max, on_hand }, false) => {
                format!("supply for at most {max} days, {on_hand} days left from before: the whole line is own pay")
            }
            (Self::NotByAccount { part }, true) => format!("个人账户不支付{}部分", part_zh(*part)),
            (Self::NotByAccount { part }, false) => format!("the account does not pay the {} part", part_en(*part)),
            (Self::ShortBalance { short_fen }, true) => format!("账户余额不足,差额 {short_fen} 元付现金"),
            (Self::ShortBalance { short_fen }, false) => format!("the account lacks {short_fen} yuan, paid in cash"),
        }
    }

    /// One of each, with values as an example, what decides it and the names of the values.
    ///
    /// # Panics
    /// Never: the examples are good.
    #[must_use]
    pub fn examples() -> [(Self, &'static str, &'static str); 10] {
        let quantity = |text| Quantity::parse(text).expect("a quantity");
        let ratio = |text| Ratio::parse(text).expect("a ratio");
        [
            (Self::ClassA, "catalogue `class`", "–"),
            (Self::ClassB { ratio: ratio("0.1") }, "catalogue `first_self_pay`", "`ratio`"),
            (Self::ClassC, "catalogue `class`", "–"),
            (
                Self::OverCeiling { ceiling_fen: Fen::new(3_000) },
                "catalogue `price_ceiling`, policy `ceiling`",
                "`ceiling_fen`",
            ),
            (Self::PoolShare { share: ratio("0.5") }, "policy `pool-share`", "`share`"),
            (Self::PoolNeedsPrescription, "policy `pool-needs-prescription`, bill `rx`", "–"),
            (
                Self::OverQuantity { max: quantity("4"), days: 7, bought: Amount::from(30_000) },
                "catalogue `quantity_max`, `quantity_days`, policy `over-quantity`",
                "`max`, `days`, `bought`",
            ),
            (
                Self::OverSupply { max: 30, on_hand: 12 },
                "catalogue `supply_days_max`, bill `days`, policy `over-quantity`",
                "`max`, `on_hand`",
            ),
            (Self::NotByAccount { part: Part::OverLimit }, "policy `account-pays`", "`part`"),
            (
                Self::ShortBalance { short_fen: Fen::new(1_250) },
                "policy `shortfall`, the card's balance",
                "`short_fen`",
            ),
        ]
    }
}

const fn part_zh(part: Part) -> &'static str {
    match part {
        Part::InScope => "政策范围内",
        Part::FirstSelfPay => "先行自付",
        Part::OverLimit => "超限价",
        Part::OwnPay => "全自费",
    }
}

const fn part_en(part: Part) -> &'static str {
    match part {
        Part::InScope => "in-scope",
        Part::FirstSelfPay => "first self-pay",
        Part::OverLimit => "over-limit",
        Part::OwnPay => "own-pay",
    }
}

/// A reason as documents hold it: its number beside its name and values.
#[derive(Serialize)]
struct Numbered<'a> {
    number: u8,
    #[serde(flatten)]
    reason: &'a Reason,
}

pub(super) fn numbered<S: Serializer>(reasons: &[Reason], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(reasons.iter().map(|reason| Numbered { number: reason.number(), reason }))
}

/// The published list, in Markdown.
///
/// # Panics
/// Never: every reason has a JSON form.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(
        "# 费用分割原因 · Reasons of a bill\n\n\
         Generated: `sscard policy reasons > docs/bill-reasons.md`. Numbers are stable and never given to another reason. In \
         JSON a reason\nhas `number`, `reason`, the values named here and, in answers of `sscard`, `text`; amounts are fen. 10 belongs to the bill, the others \
         to a line.\n\n\
         | 编号 no. | reason | 中文 | English | 由何决定 decided by | 值 values |\n|---|---|---|---|---|---|\n",
    );
    for (reason, from, values) in Reason::examples() {
        let json = serde_json::to_value(reason).expect("a reason has a JSON form");
        let name = json.get("reason").and_then(serde_json::Value::as_str).unwrap_or_default();
        page += &format!(
            "| {} | `{name}` | {} | {} | {from} | {values} |\n",
            reason.number(),
            reason.text(Language::Zh),
            reason.text(Language::En),
        );
    }
    page
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (whole, part) = text.split_once('.').unwrap_or((&text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let value = || {
            let places =
                u32::try_from(part.len()).ok().filter(|places| digits(whole) && digits(part) && *places <= 4)?;
            let whole = whole.parse::<u64>().ok()?.checked_mul(crate::quantity::ONE)?;
            whole.checked_add(part.parse::<u64>().ok()? * 10_u64.pow(4 - places))
        };
        value().map(Self::from).ok_or_else(|| serde::de::Error::custom("not a sum of quantities"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_list_is_made_from_the_reasons() {
        assert_eq!(
            include_str!("../../../docs/bill-reasons.md"),
            page(),
            "sscard policy reasons > docs/bill-reasons.md"
        );
    }

    #[test]
    fn every_number_is_there_once_and_every_reason_reads_back_and_speaks_two_languages() {
        let examples = Reason::examples();
        let numbers: Vec<u8> = examples.iter().map(|(reason, _, _)| reason.number()).collect();
        assert_eq!(numbers, (1..=10).collect::<Vec<u8>>());
        for (reason, _, values) in examples {
            let json = serde_json::to_value(Numbered { number: reason.number(), reason: &reason }).expect("writes");
            assert_eq!(json["number"], reason.number());
            let named =
                json.as_object().expect("an object").keys().filter(|key| !["number", "reason"].contains(&key.as_str()));
            assert!(named.map(|key| format!("`{key}`")).all(|key| values.contains(&key)), "{json} {values}");
            assert_eq!(serde_json::from_value::<Reason>(json).expect("reads"), reason);
            assert!(!reason.text(Language::Zh).is_ascii() && !reason.text(Language::En).is_empty());
        }
    }
}
