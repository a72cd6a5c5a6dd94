//! Millions of random bills against the rules spelt a second time.
//!
//! Source: the README of this crate and docs/policy.md. Owns: the second spelling. An amount is not computed as the code
//! under test computes it: exact fractions are formed, and the one whole number is sought that each rounding's definition
//! allows. What is left of a drug is counted day by day.
//! Never: uses the arithmetic of `settlement`.

use std::collections::BTreeSet;

use settlement::bill::{Bill, BillItem, Price, SupplyDays};
use settlement::catalogue::{Catalogue, Class, Drug};
use settlement::fen::Rounding;
use settlement::id::{BillId, DrugCode};
use settlement::policy::{CeilingOrder, OverQuantity, Part, Policy, PoolRounds, Shortfall};
use settlement::quantity::{Quantity, Ratio};
use settlement::split::{Bought, Line, Split, SplitError, Terms};
use settlement::{BusinessDate, Fen};

/// Bills of each of the four tests.
const BILLS: u32 = 500_000;

/// Drugs of the catalogue that bills are drawn from.
const DRUGS: u64 = 600;

#[test]
fn half_a_million_bills_are_split_as_the_rules_say_with_seed_1() {
    run(1);
}

#[test]
fn half_a_million_bills_are_split_as_the_rules_say_with_seed_2() {
    run(2);
}

#[test]
fn half_a_million_bills_are_split_as_the_rules_say_with_seed_3() {
    run(3);
}

#[test]
fn half_a_million_bills_are_split_as_the_rules_say_with_seed_4() {
    run(4);
}

/// Numbers that look random (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn odds(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }

    fn small(&mut self, bound: u64) -> i64 {
        i64::try_from(self.below(bound)).expect("small")
    }
}

fn run(seed: u64) {
    let mut dice = Dice(seed);
    let catalogue = catalogue(&mut dice);
    let drugs: Vec<&Drug> = catalogue.drugs().collect();
    let day = BusinessDate::new(2026, 3, 1).expect("real");
    let bill_id = BillId::parse("B").expect("a word");
    let (mut split, mut refused) = ([0_u32; 12], 0_u32);
    for number in 0..BILLS {
        let policy = policy(&mut dice);
        let items = 1 + dice.below(5);
        let bill = Bill { bill_id: bill_id.clone(), items: (0..items).map(|_| item(&mut dice, &drugs)).collect() };
        let earlier: Vec<Bought> = bill.items.iter().flat_map(|item| earlier(&mut dice, &item.code)).collect();
        let balance = [dice.small(2_000_000), dice.small(5_000), 0, -1][usize::try_from(dice.below(4)).expect("small")];
        let terms = Terms { catalogue: &catalogue, policy: &policy, day, earlier: &earlier };
        let found = Split::of(&bill, &terms, Fen::new(balance));
        let model = Model { catalogue: &catalogue, policy: &policy, day, earlier: &earlier };
        let expected = model.split(&bill, balance);
        let told = || format!("seed {seed}, bill {number}: {bill:?} {policy:?} {balance} {earlier:?}");
        match (found, expected) {
            (Ok(found), Ok(expected)) => {
                assert_eq!(amounts(&found), expected.amounts, "{}", told());
                let reasons: Vec<Vec<u8>> = found.lines.iter().map(numbers).collect();
                assert_eq!(reasons, expected.reasons, "{}", told());
                reasons.iter().flatten().for_each(|reason| split[usize::from(*reason)] += 1);
                found.reasons.iter().for_each(|reason| split[usize::from(reason.number())] += 1);
                if number % 256 == 0 {
                    let text = serde_json::to_string(&found).expect("writes");
                    let again: Split = serde_json::from_str(&text).expect("reads");
                    assert!(again == found && again.hash() == found.hash(), "{}", told());
                    assert_eq!(serde_json::to_string(&again).expect("writes"), text, "byte for byte: {}", told());
                }
            }
            (Err(found), Err(expected)) => {
                refused += 1;
                assert_eq!(refusal(&found), expected, "{}", told());
            }
            (found, expected) => panic!("{found:?} and not {expected:?}: {}", told()),
        }
    }
    // Dice that never throw a case would prove nothing about it.
    assert!(split[1..=10].iter().all(|count| *count > 1_000), "reasons by number: {split:?}");
    assert!(refused > BILLS / 100 && refused < BILLS / 2, "{refused} bills were refused");
}

fn catalogue(dice: &mut Dice) -> Catalogue {
    let mut csv = String::from(
        "code,name,class,list_type,price_ceiling,first_self_pay,valid_from,valid_until,prescription_only,quantity_max,\
         quantity_days,supply_days_max\n",
    );
    for number in 0..DRUGS {
        let (class, ratio) = match dice.below(5) {
            0 | 1 => ("甲", "0".to_owned()),
            2 | 3 => ("乙", decimal(dice.below(10_000))),
            _ => ("丙", "1".to_owned()),
        };
        let ceiling = if dice.odds(2) { Fen::new(1 + dice.small(20_000)).to_string() } else { String::new() };
        let limit =
            if dice.odds(5) { format!("{},{}", 1 + dice.below(30), 1 + dice.below(40)) } else { ",".to_owned() };
        let supply = if dice.odds(6) { (1 + dice.below(90)).to_string() } else { String::new() };
        let rx = if dice.odds(12) { "是" } else { "否" };
        csv += &format!("D{number},x,{class},101,{ceiling},{ratio},2026-01-01,,{rx},{limit},{supply}\n");
    }
    Catalogue::parse(&csv).expect("a catalogue")
}

fn decimal(ten_thousandths: u64) -> String {
    format!("{}.{:04}", ten_thousandths / 10_000, ten_thousandths % 10_000)
}

fn policy(dice: &mut Dice) -> Policy {
    let parts = dice.below(16);
    let one = |bit: u64, part| (parts >> bit & 1 == 1).then_some(part);
    Policy {
        name: "p".to_owned(),
        ceiling: if dice.odds(2) { CeilingOrder::BeforeRatio } else { CeilingOrder::AfterRatio },
        account_pays: [
            one(0, Part::InScope),
            one(1, Part::FirstSelfPay),
            one(2, Part::OverLimit),
            one(3, Part::OwnPay),
        ]
        .into_iter()
        .flatten()
        .collect::<BTreeSet<_>>(),
        shortfall: if dice.odds(8) { Shortfall::Refuse } else { Shortfall::Cash },
        pool_share: Ratio::of_ten_thousandths(
            [0, 5_000, 10_000, dice.below(10_001)][usize::try_from(dice.below(4)).expect("small")],
        )
        .expect("a ratio"),
        pool_needs_prescription: dice.odds(2),
        rounding: [Rounding::HalfUp, Rounding::HalfEven, Rounding::Down]
            [usize::try_from(dice.below(3)).expect("small")],
        pool_rounds: if dice.odds(2) { PoolRounds::Bill } else { PoolRounds::Line },
        over_quantity: if dice.odds(2) { OverQuantity::Refuse } else { OverQuantity::OwnPay },
        assumed: Vec::new(),
    }
}

fn item(dice: &mut Dice, drugs: &[&Drug]) -> BillItem {
    let drug = drugs[usize::try_from(dice.below(DRUGS)).expect("small")];
    // Prices near the ceiling and quantities that leave a half are where roundings differ.
    let near = drug.price_ceiling.map_or(100, Fen::get);
    let price = if dice.odds(3) { (near + dice.small(7) - 3).max(1) } else { 1 + dice.small(30_000) };
    let quantity = match dice.below(4) {
        0 | 1 => (1 + dice.below(12)) * 10_000,
        2 => (1 + dice.below(40)) * 5_000,
        _ => 1 + dice.below(200_000),
    };
    BillItem {
        code: drug.code.clone(),
        quantity: Quantity::of_ten_thousandths(quantity).expect("a quantity"),
        unit_price: price_of(dice, price),
        rx: dice.odds(2).then(|| "CF".to_owned()),
        days: (!dice.odds(20))
            .then(|| SupplyDays::new(1 + u16::try_from(dice.below(45)).expect("small")).expect("days")),
    }
}

/// Whole fen, or less by parts of one: as a bill writes it, with six decimals of a yuan.
fn price_of(dice: &mut Dice, fen: i64) -> Price {
    if dice.odds(2) {
        return Price::new(Fen::new(fen)).expect("a price");
    }
    let [parts, fen] = [dice.below(10_000), u64::try_from(fen).expect("above 0")];
    let millionths = fen * 10_000 - parts;
    let text = format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
    serde_json::from_value(serde_json::Value::String(text)).expect("a price")
}

/// A price as its text says it, in millionths of a yuan.
fn millionths(price: Price) -> i64 {
    let text = price.to_string();
    let (whole, part) = text.split_once('.').expect("with decimals");
    format!("{whole}{part:0<6}").parse().expect("digits")
}

fn earlier(dice: &mut Dice, code: &DrugCode) -> Vec<Bought> {
    if !dice.odds(3) {
        return Vec::new();
    }
    (0..1 + dice.below(2))
        .map(|_| Bought {
            // 2026-02 has 28 days; January before it.
            day: BusinessDate::new(
                2026,
                1 + u8::try_from(dice.below(2)).expect("small"),
                1 + u8::try_from(dice.below(28)).expect("small"),
            )
            .expect("real"),
            code: code.clone(),
            quantity: Quantity::of_ten_thousandths(1 + dice.below(150_000)).expect("a quantity"),
            supply_days: u16::try_from(dice.below(40)).expect("small"),
        })
        .collect()
}

fn amounts(split: &Split) -> Vec<i64> {
    let parts = |parts: &settlement::split::Parts| {
        [parts.amount_fen, parts.own_pay_fen, parts.over_limit_fen, parts.first_self_pay_fen, parts.in_scope_fen]
    };
    let payers = [split.personal_account_fen, split.self_paid_fen, split.pooled_fund_fen];
    let lines = split.lines.iter().flat_map(|line| parts(&line.parts));
    lines.chain(parts(&split.parts)).chain(payers).map(Fen::get).collect()
}

fn numbers(line: &Line) -> Vec<u8> {
    line.reasons.iter().map(settlement::split::Reason::number).collect()
}

fn refusal(error: &SplitError) -> Refused {
    match error {
        SplitError::PrescriptionMissing { item, .. } => Refused::Prescription(*item),
        SplitError::OverQuantity { item, .. } => Refused::Quantity(*item),
        SplitError::OverSupply { item, .. } => Refused::Supply(*item),
        SplitError::SupplyDaysMissing { item, .. } => Refused::SupplyUnsaid(*item),
        SplitError::Nothing { item } => Refused::Nothing(*item),
        SplitError::BalanceShort { needed, .. } => Refused::Short(needed.get()),
        other => panic!("no random bill is refused so: {other}"),
    }
}

#[derive(Debug, PartialEq)]
enum Refused {
    Prescription(usize),
    Quantity(usize),
    Supply(usize),
    SupplyUnsaid(usize),
    Nothing(usize),
    Short(i64),
}

/// A fraction of fen, exactly.
#[derive(Clone, Copy)]
struct Exact {
    over: i128,
    under: i128,
}

impl Exact {
    fn product(fen: i64, ten_thousandths: u64) -> Self {
        Self { over: i128::from(fen) * i128::from(ten_thousandths), under: 10_000 }
    }

    /// Of a price in millionths of a yuan.
    fn priced(millionths: i64, ten_thousandths: u64) -> Self {
        Self { under: 100_000_000, ..Self::product(millionths, ten_thousandths) }
    }

    /// Whether `whole` is what the rounding's definition makes of this fraction.
    fn comes_to(self, whole: i128, rounding: Rounding) -> bool {
        let Self { over, under } = self;
        // whole - exact, in halves of fen: compared without dividing.
        let off = 2 * (whole * under - over);
        match rounding {
            Rounding::Down => whole * under <= over && over < (whole + 1) * under,
            Rounding::HalfUp => -under < off && off <= under,
            Rounding::HalfEven => off.abs() < under || off.abs() == under && whole % 2 == 0,
        }
    }

    /// The one whole number that the definition allows.
    fn whole(self, rounding: Rounding) -> i64 {
        let near = self.over.div_euclid(self.under);
        let allowed: Vec<i128> = (near - 1..=near + 2).filter(|whole| self.comes_to(*whole, rounding)).collect();
        assert_eq!(allowed.len(), 1, "a rounding allows one number");
        i64::try_from(allowed[0]).expect("small")
    }
}

struct Model<'a> {
    catalogue: &'a Catalogue,
    policy: &'a Policy,
    day: BusinessDate,
    earlier: &'a [Bought],
}

#[derive(Debug)]
struct Expected {
    amounts: Vec<i64>,
    reasons: Vec<Vec<u8>>,
}

impl Model<'_> {
    fn split(&self, bill: &Bill, balance: i64) -> Result<Expected, Refused> {
        let (mut amounts, mut reasons, mut sums) = (Vec::new(), Vec::new(), [0_i64; 5]);
        let (mut base, mut by_line) = (0, 0);
        let mut so_far: Vec<Bought> = self.earlier.to_vec();
        for (index, item) in bill.items.iter().enumerate() {
            let number = index + 1;
            let drug = self.catalogue.find(&item.code, self.day).expect("drawn from it");
            if drug.prescription_only && item.rx.is_none() {
                return Err(Refused::Prescription(number));
            }
            let beyond = self.beyond(number, item, drug, &so_far)?;
            let quantity = item.quantity.ten_thousandths();
            let amount = Exact::priced(millionths(item.unit_price), quantity).whole(Rounding::HalfUp);
            if amount == 0 {
                return Err(Refused::Nothing(number));
            }
            let mut line = match beyond {
                Some(reason) => (vec![reason], [amount, amount, 0, 0, 0]),
                None => self.line(item, drug, amount),
            };
            if self.policy.pool_share != Ratio::ZERO && line.1[4] > 0 {
                let prescribed = item.rx.is_some() || !self.policy.pool_needs_prescription;
                line.0.push(if prescribed { 5 } else { 6 });
                if prescribed {
                    base += line.1[4];
                    by_line +=
                        Exact::product(line.1[4], self.policy.pool_share.ten_thousandths()).whole(self.policy.rounding);
                }
            }
            for (part, place) in [(Part::OwnPay, 1), (Part::OverLimit, 2), (Part::FirstSelfPay, 3), (Part::InScope, 4)]
            {
                if line.1[place] > 0 && !self.policy.account_pays.contains(&part) {
                    line.0.push(9);
                }
            }
            if line.1[1] == 0 {
                let supply_days = item.days.map_or(0, |days| days.get());
                so_far.push(Bought { day: self.day, code: item.code.clone(), quantity: item.quantity, supply_days });
            }
            sums.iter_mut().zip(line.1).for_each(|(sum, part)| *sum += part);
            amounts.extend(line.1);
            reasons.push(line.0);
        }
        let pooled = match self.policy.pool_rounds {
            PoolRounds::Bill => {
                Exact::product(base, self.policy.pool_share.ten_thousandths()).whole(self.policy.rounding)
            }
            PoolRounds::Line => by_line,
        };
        let allowed = |part, amount: i64| if self.policy.account_pays.contains(&part) { amount } else { 0 };
        let may = allowed(Part::OwnPay, sums[1])
            + allowed(Part::OverLimit, sums[2])
            + allowed(Part::FirstSelfPay, sums[3])
            + allowed(Part::InScope, sums[4] - pooled);
        let account = if balance < 0 {
            0
        } else if balance < may {
            balance
        } else {
            may
        };
        if account < may && self.policy.shortfall == Shortfall::Refuse {
            return Err(Refused::Short(may));
        }
        amounts.extend(sums);
        amounts.extend([account, sums[0] - pooled - account, pooled]);
        Ok(Expected { amounts, reasons })
    }

    /// Amount, own pay, over limit, first self-pay, in scope of a line, and the reasons of its class and price.
    fn line(&self, item: &BillItem, drug: &Drug, amount: i64) -> (Vec<u8>, [i64; 5]) {
        let (price, quantity) = (millionths(item.unit_price), item.quantity.ten_thousandths());
        let rounding = self.policy.rounding;
        let class = match drug.class {
            Class::C => return (vec![3], [amount, amount, 0, 0, 0]),
            Class::A => 1,
            Class::B => 2,
        };
        let ceiling = drug.price_ceiling.map(Fen::get).filter(|ceiling| price > *ceiling * 10_000);
        let ratio = drug.first_self_pay.ten_thousandths();
        match self.policy.ceiling {
            CeilingOrder::BeforeRatio => {
                let over =
                    ceiling.map_or(0, |ceiling| Exact::priced(price - ceiling * 10_000, quantity).whole(rounding));
                let first = Exact::product(amount - over, ratio).whole(rounding);
                let reasons = if ceiling.is_some() { vec![4, class] } else { vec![class] };
                (reasons, [amount, 0, over, first, amount - over - first])
            }
            CeilingOrder::AfterRatio => {
                let first = Exact::product(amount, ratio).whole(rounding);
                let covered = ceiling.map_or(i64::MAX, |ceiling| Exact::product(ceiling, quantity).whole(rounding));
                let in_scope = if amount - first < covered { amount - first } else { covered };
                let reasons = if ceiling.is_some() { vec![class, 4] } else { vec![class] };
                (reasons, [amount, 0, amount - first - in_scope, first, in_scope])
            }
        }
    }

    /// 7 or 8 when the line goes beyond a limit and the policy makes it own-pay.
    fn beyond(&self, number: usize, item: &BillItem, drug: &Drug, so_far: &[Bought]) -> Result<Option<u8>, Refused> {
        let same = || so_far.iter().filter(|bought| bought.code == item.code);
        let refuse = self.policy.over_quantity == OverQuantity::Refuse;
        if let Some(limit) = drug.quantity_limit {
            let mut total = item.quantity.ten_thousandths();
            let mut day = self.day;
            for _ in 0..limit.days {
                total += same()
                    .filter(|bought| bought.day == day)
                    .map(|bought| bought.quantity.ten_thousandths())
                    .sum::<u64>();
                day = day.previous().expect("after 1900");
            }
            if total > limit.max.ten_thousandths() {
                return if refuse { Err(Refused::Quantity(number)) } else { Ok(Some(7)) };
            }
        }
        let Some(most) = drug.supply_days_max else { return Ok(None) };
        let Some(days) = item.days else { return Err(Refused::SupplyUnsaid(number)) };
        // A cupboard: every day one day's supply is taken out, if there is any; purchases are put in.
        let (mut cupboard, mut day) = (0_u64, BusinessDate::new(2025, 12, 31).expect("real"));
        while day < self.day {
            cupboard +=
                same().filter(|bought| bought.day == day).map(|bought| u64::from(bought.supply_days)).sum::<u64>();
            cupboard = cupboard.saturating_sub(1);
            day = day.next().expect("before 9999");
        }
        cupboard += same().filter(|bought| bought.day == day).map(|bought| u64::from(bought.supply_days)).sum::<u64>();
        if cupboard + u64::from(days.get()) > u64::from(most.get()) {
            return if refuse { Err(Refused::Supply(number)) } else { Ok(Some(8)) };
        }
        Ok(None)
    }
}
