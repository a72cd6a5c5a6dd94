//! Who pays what: each line of a bill by catalogue and policy, then the whole bill by account, cash and pool.
//!
//! Source: amounts of the national interface's settlement (medfee_sumamt, fulamt_ownpay_amt, overlmt_selfpay,
//! preselfpay_amt, inscp_scp_amt, fund_pay_sumamt, acct_pay, psn_cash_pay) and the identities between them.
//! Owns: the formulas, the assertion of every identity. Reasons are `reason`, what was bought before is `earlier`.
//! Never: panics on a bill; moves money.
//! Units: fen; each product of a line is rounded once, as the policy says; the bill is the sum of its lines.

mod earlier;
mod reason;

use card_profiles::account::Amounts;
use serde::{Deserialize, Serialize};

use crate::bill::{Bill, BillError, BillItem, Price, SupplyDays};
use crate::canonical::Writer;
use crate::catalogue::{Catalogue, Class, Drug, NotSold};
use crate::date::BusinessDate;
use crate::fen::{Fen, FenError, Rounding};
use crate::id::{BillId, Digest, DrugCode};
use crate::policy::{CeilingOrder, OverQuantity, Part, Policy, PoolRounds, Shortfall};
use crate::quantity::{ONE, Quantity, Ratio};

pub use earlier::{Amount, Bought};
pub use reason::{Reason, page as reasons_page};

/// What a bill is split by.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Drugs.
    pub catalogue: &'a Catalogue,
    /// The city's rules.
    pub policy: &'a Policy,
    /// Day whose catalogue counts.
    pub day: BusinessDate,
    /// What the card bought before, as far as its drugs are limited.
    pub earlier: &'a [Bought],
}

/// A bill, priced and split. Its identities hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Bill.
    pub bill_id: BillId,
    /// Day whose catalogue counts.
    pub business_date: BusinessDate,
    /// Policy that was applied.
    pub policy: String,
    /// Version of the catalogue that was applied; empty for splits made before catalogues had one.
    #[serde(default)]
    pub catalogue: String,
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
    /// Why, where the bill as a whole has a reason.
    #[serde(default, serialize_with = "reason::numbered")]
    pub reasons: Vec<Reason>,
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
    /// Price of one, to the fen.
    pub unit_price_fen: Fen,
    /// Price of one, where it is not whole fen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Price>,
    /// Parts of the line.
    pub parts: Parts,
    /// How long it lasts, where the bill says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supply_days: Option<SupplyDays>,
    /// Why, in order of application.
    #[serde(serialize_with = "reason::numbered")]
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
    /// More of a drug than the catalogue allows, and the policy refuses then.
    #[error("item {item}, code {code}: at most {max} in {days} days, {bought} were bought before")]
    OverQuantity {
        /// Item, from 1.
        item: usize,
        /// Code.
        code: DrugCode,
        /// Most.
        max: Quantity,
        /// Days that count.
        days: u16,
        /// Bought in them, in ten-thousandths.
        bought: Amount,
    },
    /// Supply for longer than the catalogue allows, and the policy refuses then.
    #[error("item {item}, code {code}: supply for at most {max} days, the holder has {on_hand} days left from before")]
    OverSupply {
        /// Item, from 1.
        item: usize,
        /// Code.
        code: DrugCode,
        /// Most.
        max: u16,
        /// Days left from earlier purchases.
        on_hand: i64,
    },
    /// Supply is limited and the bill does not say how long the quantity lasts.
    #[error("item {item}, code {code}: supply of this drug is limited; the bill names no days of supply (days)")]
    SupplyDaysMissing {
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

impl Split {
    /// Prices and splits `bill` for a card that holds `balance`.
    ///
    /// # Errors
    /// [`SplitError`]. An identity that does not hold is returned as [`SplitError::Identity`], and nothing may be debited.
    pub fn of(bill: &Bill, terms: &Terms<'_>, balance: Fen) -> Result<Self, SplitError> {
        let Terms { catalogue, policy, day, earlier } = *terms;
        bill.check()?;
        let mut lines = Vec::with_capacity(bill.items.len());
        let mut bought = earlier::Tally::of(day, earlier);
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
            let over = bought.exceeds(item_number, item, drug)?;
            let beyond = match (over, policy.over_quantity) {
                (Some(over), OverQuantity::Refuse) => return Err(over.refused(item_number, &item.code)),
                (over, OverQuantity::OwnPay) => over.map(|over| over.reason()),
                (None, OverQuantity::Refuse) => None,
            };
            let line = Line::of(item, drug, policy, beyond)?;
            if line.parts.amount_fen == Fen::ZERO {
                return Err(SplitError::Nothing { item: item_number });
            }
            bought.add(&line);
            lines.push(line);
        }
        let parts = Parts::sum(lines.iter().map(|line| &line.parts))?;
        let pooled = pooled(&lines, policy)?;
        let may_pay = parts.may_pay(policy, pooled)?;
        let personal = may_pay.min(balance).max(Fen::ZERO);
        let mut reasons = Vec::new();
        if personal < may_pay {
            if policy.shortfall == Shortfall::Refuse {
                return Err(SplitError::BalanceShort { needed: may_pay, balance });
            }
            reasons.push(Reason::ShortBalance { short_fen: may_pay.minus(personal)? });
        }
        let split = Self {
            bill_id: bill.bill_id.clone(),
            business_date: day,
            policy: policy.name.clone(),
            catalogue: catalogue.version().to_string(),
            parts,
            personal_account_fen: personal,
            self_paid_fen: parts.amount_fen.minus(pooled)?.minus(personal)?,
            pooled_fund_fen: pooled,
            lines,
            reasons,
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
        // A bill of whole fen has the bytes that it had before prices had parts of one.
        let is_exact = self.lines.iter().any(|line| line.unit_price.is_some());
        let writer = Writer::new(if is_exact { "settlement-bill-3" } else { "settlement-bill-2" })
            .text(self.bill_id.as_str())
            .u16(year)
            .byte(month)
            .byte(day)
            .text(&self.policy)
            .text(&self.catalogue)
            .u64(count);
        let writer = self.lines.iter().fold(writer, |writer, line| {
            let writer = writer.text(line.code.as_str()).u64(line.quantity.ten_thousandths()).fen(line.unit_price_fen);
            let writer = match line.unit_price {
                Some(price) => writer.byte(1).fen(Fen::new(price.millionths())),
                None if is_exact => writer.byte(0),
                None => writer,
            };
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
    /// Price of one, as the bill says it.
    #[must_use]
    pub fn price(&self) -> String {
        self.unit_price.map_or_else(|| self.unit_price_fen.to_string(), |price| price.to_string())
    }

    /// Whether nobody but the holder pays for it.
    #[must_use]
    pub fn is_own_pay(&self) -> bool {
        self.parts.own_pay_fen == self.parts.amount_fen
    }

    /// `beyond`: the reason for which the whole line is own-pay, whatever its class.
    fn of(item: &BillItem, drug: &Drug, policy: &Policy, beyond: Option<Reason>) -> Result<Self, FenError> {
        let price = item.unit_price;
        let amount = price.of(item.quantity)?;
        let mut reasons = Vec::new();
        let parts = if drug.class == Class::C || beyond.is_some() {
            reasons.push(beyond.unwrap_or(Reason::ClassC));
            Parts { amount_fen: amount, own_pay_fen: amount, ..Parts::default() }
        } else {
            let ceiling = drug.price_ceiling.filter(|ceiling| price.is_above(*ceiling));
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
            in_list(amount, price, ceiling, item.quantity, drug.first_self_pay, policy)?
        };
        reasons.extend(pool_reason(parts, item, policy));
        let not_by_account = Part::ALL.into_iter().filter(|part| !policy.account_pays.contains(part));
        reasons.extend(
            not_by_account.filter(|part| parts.of(*part) > Fen::ZERO).map(|part| Reason::NotByAccount { part }),
        );
        Ok(Self {
            code: drug.code.clone(),
            name: drug.name.clone(),
            class: drug.class,
            quantity: item.quantity,
            unit_price_fen: price.fen(),
            unit_price: Some(price).filter(|price| !price.is_whole_fen()),
            parts,
            supply_days: item.days,
            reasons,
        })
    }

    fn has_pool_share(&self) -> bool {
        self.reasons.iter().any(|reason| matches!(reason, Reason::PoolShare { .. }))
    }
}

/// What the pool pays of a bill.
fn pooled(lines: &[Line], policy: &Policy) -> Result<Fen, FenError> {
    let share = |amount| times(amount, policy.pool_share, policy.rounding);
    let in_scope = lines.iter().filter(|line| line.has_pool_share()).map(|line| line.parts.in_scope_fen);
    match policy.pool_rounds {
        PoolRounds::Bill => share(Fen::sum(in_scope)?),
        PoolRounds::Line => in_scope.map(share).try_fold(Fen::ZERO, |sum, amount| sum.plus(amount?)),
    }
}

/// The parts of a line of class 甲 or 乙.
fn in_list(
    amount: Fen,
    price: Price,
    ceiling: Option<Fen>,
    quantity: Quantity,
    ratio: Ratio,
    policy: &Policy,
) -> Result<Parts, FenError> {
    let of_quantity = |unit: Fen| unit.scaled_by(quantity.ten_thousandths(), ONE, policy.rounding);
    let (over, first) = match policy.ceiling {
        CeilingOrder::BeforeRatio => {
            let over = ceiling.map_or(Ok(Fen::ZERO), |ceiling| price.above(ceiling, quantity, policy.rounding))?;
            (over, times(amount.minus(over)?, ratio, policy.rounding)?)
        }
        CeilingOrder::AfterRatio => {
            let first = times(amount, ratio, policy.rounding)?;
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
fn pool_reason(parts: Parts, item: &BillItem, policy: &Policy) -> Option<Reason> {
    if policy.pool_share == Ratio::ZERO || parts.in_scope_fen == Fen::ZERO {
        None
    } else if policy.pool_needs_prescription && item.rx.is_none() {
        Some(Reason::PoolNeedsPrescription)
    } else {
        Some(Reason::PoolShare { share: policy.pool_share })
    }
}

fn times(amount: Fen, ratio: Ratio, rounding: Rounding) -> Result<Fen, FenError> {
    amount.scaled_by(ratio.ten_thousandths(), ONE, rounding)
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
        policy.account_pays.iter().try_fold(Fen::ZERO, |sum, part| match part {
            Part::InScope => sum.plus(self.in_scope_fen.minus(pooled)?),
            Part::FirstSelfPay | Part::OverLimit | Part::OwnPay => sum.plus(self.of(*part)),
        })
    }

    /// One of the four parts.
    #[must_use]
    pub const fn of(&self, part: Part) -> Fen {
        match part {
            Part::InScope => self.in_scope_fen,
            Part::FirstSelfPay => self.first_self_pay_fen,
            Part::OverLimit => self.over_limit_fen,
            Part::OwnPay => self.own_pay_fen,
        }
    }

    fn write(&self, writer: Writer) -> Writer {
        self.four().into_iter().fold(writer.fen(self.amount_fen), Writer::fen)
    }
}

#[cfg(test)]
mod tests;
