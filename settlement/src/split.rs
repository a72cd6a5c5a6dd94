//! Who pays what: each line of a bill by catalogue and policy, then the whole bill by account, cash and pool.
//!
//! Source: amounts of the national interface's settlement (medfee_sumamt, fulamt_ownpay_amt, overlmt_selfpay,
//! preselfpay_amt, inscp_scp_amt, fund_pay_sumamt, acct_pay, psn_cash_pay) and the identities between them.
//! Owns: the formulas, the numbered reasons of each line, the assertion of every identity.
//! Never: panics on a bill; moves money.
//! Units: fen; each line is rounded half up once for each product; the bill is the sum of its lines.

use card_profiles::account::Amounts;
use serde::{Deserialize, Serialize};

use crate::bill::{Bill, BillError, BillItem};
use crate::canonical::Writer;
use crate::catalogue::{Catalogue, Class, Drug, NotSold};
use crate::date::BusinessDate;
use crate::fen::{Fen, FenError};
use crate::id::{BillId, Digest, DrugCode};
use crate::policy::{CeilingOrder, Part, Policy, Shortfall};
use crate::quantity::{ONE, Quantity, Ratio};

/// A bill, priced and split. Its identities hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Bill.
    pub bill_id: BillId,
    /// Day whose catalogue counts.
    pub business_date: BusinessDate,
    /// Policy that was applied.
    pub policy: String,
    /// Lines in the bill's order.
    pub lines: Vec<Line>,
    /// Sums of the parts.
    pub parts: Parts,
    /// 个人账户: from the card.
    pub personal_account_fen: Fen,
    /// 个人自付: in cash.
    pub self_paid_fen: Fen,
    /// 统筹基金: by the pool.
    pub pooled_fund_fen: Fen,
}

/// One line, split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Drug.
    pub code: DrugCode,
    /// Its name.
    pub name: String,
    /// Its class.
    pub class: Class,
    /// How much.
    pub quantity: Quantity,
    /// Price of one.
    pub unit_price_fen: Fen,
    /// Parts of the line.
    pub parts: Parts,
    /// Why, in order of application.
    pub reasons: Vec<Reason>,
}

/// An amount and the four parts that make it up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// Whole.
    pub amount_fen: Fen,
    /// 全自费.
    pub own_pay_fen: Fen,
    /// 超限价.
    pub over_limit_fen: Fen,
    /// 先行自付.
    pub first_self_pay_fen: Fen,
    /// 政策范围内.
    pub in_scope_fen: Fen,
}

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
}

/// Why a bill is not split.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    /// The bill itself.
    #[error(transparent)]
    Bill(#[from] BillError),
    /// A drug that cannot be paid with the card.
    #[error("item {item}, code {code}: {why}")]
    NotSold {
        /// Item, from 1.
        item: usize,
        /// Code.
        code: DrugCode,
        /// Why.
        #[source]
        why: NotSold,
    },
    /// A prescription drug without prescription.
    #[error("item {item}, code {code}: a prescription drug; the bill names no prescription (rx)")]
    PrescriptionMissing {
        /// Item, from 1.
        item: usize,
        /// Code.
        code: DrugCode,
    },
    /// A line that costs less than half a fen.
    #[error("item {item}: the line's amount is 0.00")]
    Nothing {
        /// Item, from 1.
        item: usize,
    },
    /// The account holds less than it would pay, and the policy refuses then.
    #[error("the account holds {balance} yuan, {needed} are needed")]
    BalanceShort {
        /// Needed from the account.
        needed: Fen,
        /// There.
        balance: Fen,
    },
    /// An amount does not fit.
    #[error(transparent)]
    Amount(#[from] FenError),
    /// A fault of this program: amounts that must add up do not.
    #[error("amounts do not add up: {0}")]
    Identity(Identity),
}

/// The identities of a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Identity {
    /// Of a line.
    #[error("line amount = own-pay + over-limit + first self-pay + in-scope")]
    LineParts,
    /// Of the bill.
    #[error("bill amount = own-pay + over-limit + first self-pay + in-scope")]
    BillParts,
    /// Lines and bill.
    #[error("bill = sum of its lines")]
    Lines,
    /// Who pays.
    #[error("bill amount = account + cash + pool")]
    Payers,
    /// The account pays no more than it holds.
    #[error("account ≤ balance")]
    Balance,
    /// The pool pays in-scope parts only.
    #[error("pool ≤ in-scope")]
    Pool,
    /// Nothing is negative.
    #[error("no amount is negative")]
    Sign,
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
        }
    }
}

impl Split {
    /// Prices and splits `bill` for a card that holds `balance`.
    ///
    /// # Errors
    /// [`SplitError`]. An identity that does not hold is returned as [`SplitError::Identity`], and nothing may be debited.
    pub fn of(
        bill: &Bill,
        catalogue: &Catalogue,
        policy: &Policy,
        day: BusinessDate,
        balance: Fen,
    ) -> Result<Self, SplitError> {
        bill.check()?;
        let mut lines = Vec::with_capacity(bill.items.len());
        let mut pool_base = Fen::ZERO;
        for (index, item) in bill.items.iter().enumerate() {
            let item_number = index + 1;
            let drug = catalogue.find(&item.code, day).map_err(|why| SplitError::NotSold {
                item: item_number,
                code: item.code.clone(),
                why,
            })?;
            if drug.prescription_only && item.rx.is_none() {
                return Err(SplitError::PrescriptionMissing { item: item_number, code: item.code.clone() });
            }
            let mut line = Line::of(item, drug, policy)?;
            if line.parts.amount_fen == Fen::ZERO {
                return Err(SplitError::Nothing { item: item_number });
            }
            if let Some(reason) = pool_reason(&line, item, policy) {
                if matches!(reason, Reason::PoolShare { .. }) {
                    pool_base = pool_base.plus(line.parts.in_scope_fen)?;
                }
                line.reasons.push(reason);
            }
            lines.push(line);
        }
        let parts = Parts::sum(lines.iter().map(|line| &line.parts))?;
        let pooled = times(pool_base, policy.pool_share)?;
        let may_pay = parts.may_pay(policy, pooled)?;
        let personal = may_pay.min(balance).max(Fen::ZERO);
        if personal < may_pay && policy.shortfall == Shortfall::Refuse {
            return Err(SplitError::BalanceShort { needed: may_pay, balance });
        }
        let split = Self {
            bill_id: bill.bill_id.clone(),
            business_date: day,
            policy: policy.name.clone(),
            parts,
            personal_account_fen: personal,
            self_paid_fen: parts.amount_fen.minus(pooled)?.minus(personal)?,
            pooled_fund_fen: pooled,
            lines,
        };
        split.check(balance)?;
        Ok(split)
    }

    /// Asserts every identity.
    ///
    /// # Errors
    /// [`SplitError::Identity`] names the first that does not hold; [`SplitError::Amount`] when a sum overflows.
    pub fn check(&self, balance: Fen) -> Result<(), SplitError> {
        let require = |holds: bool, identity| if holds { Ok(()) } else { Err(SplitError::Identity(identity)) };
        for line in &self.lines {
            require(line.parts.add_up()?, Identity::LineParts)?;
            require(line.parts.none_negative(), Identity::Sign)?;
        }
        require(self.parts.add_up()?, Identity::BillParts)?;
        require(Parts::sum(self.lines.iter().map(|line| &line.parts))? == self.parts, Identity::Lines)?;
        let payers = [self.personal_account_fen, self.self_paid_fen, self.pooled_fund_fen];
        require(Fen::sum(payers)? == self.parts.amount_fen, Identity::Payers)?;
        require(payers.iter().all(|part| *part >= Fen::ZERO), Identity::Sign)?;
        require(self.personal_account_fen <= balance.max(Fen::ZERO), Identity::Balance)?;
        require(self.pooled_fund_fen <= self.parts.in_scope_fen, Identity::Pool)?;
        self.amounts()?;
        Ok(())
    }

    /// The three amounts as the card takes them.
    ///
    /// # Errors
    /// [`FenError::NotOnCard`].
    pub fn amounts(&self) -> Result<Amounts, FenError> {
        Ok(Amounts {
            personal_account: self.personal_account_fen.to_card()?,
            self_paid: self.self_paid_fen.to_card()?,
            pooled_fund: self.pooled_fund_fen.to_card()?,
        })
    }

    /// Hash of the priced bill: what was sold, at what price, and who pays.
    #[must_use]
    pub fn hash(&self) -> Digest {
        let (year, month, day) = self.business_date.parts();
        let count = u64::try_from(self.lines.len()).expect("bills are bounded");
        let writer = Writer::new("settlement-bill-1")
            .text(self.bill_id.as_str())
            .u16(year)
            .byte(month)
            .byte(day)
            .text(&self.policy)
            .u64(count);
        let writer = self.lines.iter().fold(writer, |writer, line| {
            let writer = writer.text(line.code.as_str()).u64(line.quantity.ten_thousandths()).fen(line.unit_price_fen);
            line.parts.write(writer)
        });
        self.parts
            .write(writer)
            .fen(self.personal_account_fen)
            .fen(self.self_paid_fen)
            .fen(self.pooled_fund_fen)
            .digest()
    }
}

impl Line {
    fn of(item: &BillItem, drug: &Drug, policy: &Policy) -> Result<Self, FenError> {
        let price = item.unit_price.fen();
        let amount = price.scaled(item.quantity.ten_thousandths(), ONE)?;
        let mut reasons = Vec::new();
        let parts = if drug.class == Class::C {
            reasons.push(Reason::ClassC);
            Parts { amount_fen: amount, own_pay_fen: amount, ..Parts::default() }
        } else {
            let ceiling = drug.price_ceiling.filter(|ceiling| *ceiling < price);
            reasons.push(match drug.class {
                Class::A | Class::C => Reason::ClassA,
                Class::B => Reason::ClassB { ratio: drug.first_self_pay },
            });
            if let Some(ceiling_fen) = ceiling {
                let place = match policy.ceiling {
                    CeilingOrder::BeforeRatio => 0,
                    CeilingOrder::AfterRatio => 1,
                };
                reasons.insert(place, Reason::OverCeiling { ceiling_fen });
            }
            in_list(amount, price, ceiling, item.quantity, drug.first_self_pay, policy.ceiling)?
        };
        Ok(Self {
            code: drug.code.clone(),
            name: drug.name.clone(),
            class: drug.class,
            quantity: item.quantity,
            unit_price_fen: price,
            parts,
            reasons,
        })
    }
}

/// The parts of a line of class 甲 or 乙.
fn in_list(
    amount: Fen,
    price: Fen,
    ceiling: Option<Fen>,
    quantity: Quantity,
    ratio: Ratio,
    order: CeilingOrder,
) -> Result<Parts, FenError> {
    let of_quantity = |unit: Fen| unit.scaled(quantity.ten_thousandths(), ONE);
    let (over, first) = match order {
        CeilingOrder::BeforeRatio => {
            let over = ceiling.map_or(Ok(Fen::ZERO), |ceiling| of_quantity(price.minus(ceiling)?))?;
            (over, times(amount.minus(over)?, ratio)?)
        }
        CeilingOrder::AfterRatio => {
            let first = times(amount, ratio)?;
            let rest = amount.minus(first)?;
            let covered = ceiling.map_or(Ok(rest), of_quantity)?.min(rest);
            (rest.minus(covered)?, first)
        }
    };
    Ok(Parts {
        amount_fen: amount,
        own_pay_fen: Fen::ZERO,
        over_limit_fen: over,
        first_self_pay_fen: first,
        in_scope_fen: amount.minus(over)?.minus(first)?,
    })
}

/// What the pool has to do with a line; `None` when it pays nothing at pharmacies.
fn pool_reason(line: &Line, item: &BillItem, policy: &Policy) -> Option<Reason> {
    if policy.pool_share == Ratio::ZERO || line.parts.in_scope_fen == Fen::ZERO {
        None
    } else if policy.pool_needs_prescription && item.rx.is_none() {
        Some(Reason::PoolNeedsPrescription)
    } else {
        Some(Reason::PoolShare { share: policy.pool_share })
    }
}

fn times(amount: Fen, ratio: Ratio) -> Result<Fen, FenError> {
    amount.scaled(ratio.ten_thousandths(), ONE)
}

impl Parts {
    fn sum<'a>(all: impl Iterator<Item = &'a Self>) -> Result<Self, FenError> {
        all.into_iter().try_fold(Self::default(), |sum, parts| {
            Ok(Self {
                amount_fen: sum.amount_fen.plus(parts.amount_fen)?,
                own_pay_fen: sum.own_pay_fen.plus(parts.own_pay_fen)?,
                over_limit_fen: sum.over_limit_fen.plus(parts.over_limit_fen)?,
                first_self_pay_fen: sum.first_self_pay_fen.plus(parts.first_self_pay_fen)?,
                in_scope_fen: sum.in_scope_fen.plus(parts.in_scope_fen)?,
            })
        })
    }

    const fn four(&self) -> [Fen; 4] {
        [self.own_pay_fen, self.over_limit_fen, self.first_self_pay_fen, self.in_scope_fen]
    }

    fn add_up(&self) -> Result<bool, FenError> {
        Ok(Fen::sum(self.four())? == self.amount_fen)
    }

    fn none_negative(&self) -> bool {
        self.four().iter().all(|part| *part >= Fen::ZERO)
    }

    /// What the account may pay of this bill, once the pool has paid its share of the in-scope part.
    fn may_pay(&self, policy: &Policy, pooled: Fen) -> Result<Fen, FenError> {
        policy.account_pays.iter().try_fold(Fen::ZERO, |sum, part| {
            sum.plus(match part {
                Part::InScope => self.in_scope_fen.minus(pooled)?,
                Part::FirstSelfPay => self.first_self_pay_fen,
                Part::OverLimit => self.over_limit_fen,
                Part::OwnPay => self.own_pay_fen,
            })
        })
    }

    fn write(&self, writer: Writer) -> Writer {
        self.four().into_iter().fold(writer.fen(self.amount_fen), Writer::fen)
    }
}

#[cfg(test)]
mod tests;
