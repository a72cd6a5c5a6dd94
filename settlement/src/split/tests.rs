//! Splits worked out by hand, and random bills against a second spelling of the rules.

use super::*;
use crate::catalogue::tests::SMALL;
use proptest::prelude::*;

fn day() -> BusinessDate {
    BusinessDate::parse("2026-01-05").expect("real")
}

fn split(items: &str, policy: &Policy, balance: i64) -> Result<Split, SplitError> {
    let bill = Bill::parse(format!(r#"{{"bill_id":"B-1","items":[{items}]}}"#).as_bytes()).expect("a bill");
    Split::of(&bill, &Catalogue::parse(SMALL).expect("good"), policy, day(), Fen::new(balance))
}

fn fen(parts: Parts) -> [i64; 5] {
    [parts.amount_fen, parts.own_pay_fen, parts.over_limit_fen, parts.first_self_pay_fen, parts.in_scope_fen]
        .map(Fen::get)
}

const THREE: &str = r#"
    {"code":"XA01","quantity":2,"unit_price":"13.00","rx":"CF-1"},
    {"code":"XB01","quantity":1,"unit_price":"33.33"},
    {"code":"XC01","quantity":1,"unit_price":"99.00"}"#;

#[test]
fn a_bill_of_three_classes_is_split_as_by_hand() {
    let split = split(THREE, &Policy::default(), 5_000).expect("splits");
    // 甲: 2 × 13.00, ceiling 12.50: 1.00 over. 乙: 33.33, ceiling 30.00: 3.33 over, 10 % of 30.00 first. 丙: all own.
    assert_eq!(fen(split.lines[0].parts), [2_600, 0, 100, 0, 2_500]);
    assert_eq!(fen(split.lines[1].parts), [3_333, 0, 333, 300, 2_700]);
    assert_eq!(fen(split.lines[2].parts), [9_900, 9_900, 0, 0, 0]);
    assert_eq!(fen(split.parts), [15_833, 9_900, 433, 300, 5_200]);
    // The account may pay 52.00 + 3.00, it holds 50.00.
    assert_eq!(split.personal_account_fen, Fen::new(5_000));
    assert_eq!(split.self_paid_fen, Fen::new(10_833));
    assert_eq!(split.pooled_fund_fen, Fen::ZERO);
    let numbers: Vec<Vec<u8>> =
        split.lines.iter().map(|line| line.reasons.iter().map(Reason::number).collect()).collect();
    assert_eq!(numbers, [vec![4, 1], vec![4, 2], vec![3]]);
}

#[test]
fn the_order_of_ceiling_and_ratio_is_the_policy_s() {
    let policy = Policy { ceiling: CeilingOrder::AfterRatio, ..Policy::default() };
    let split = split(THREE, &policy, 100_000).expect("splits");
    // 乙: 10 % of 33.33 first = 3.33; the remaining 30.00 is just within the ceiling.
    assert_eq!(fen(split.lines[1].parts), [3_333, 0, 0, 333, 3_000]);
    assert_eq!(fen(split.lines[0].parts), [2_600, 0, 100, 0, 2_500]);
    assert_eq!(split.lines[1].reasons.iter().map(Reason::number).collect::<Vec<_>>(), [2, 4]);
}

#[test]
fn the_account_pays_the_parts_that_the_policy_names() {
    for (parts, expected) in [
        (vec![], 0),
        (vec![Part::InScope], 5_200),
        (vec![Part::InScope, Part::FirstSelfPay, Part::OverLimit], 5_933),
        (vec![Part::InScope, Part::FirstSelfPay, Part::OverLimit, Part::OwnPay], 15_833),
    ] {
        let policy = Policy { account_pays: parts.into_iter().collect(), ..Policy::default() };
        let split = split(THREE, &policy, 100_000).expect("splits");
        assert_eq!(split.personal_account_fen, Fen::new(expected));
        assert_eq!(split.self_paid_fen, Fen::new(15_833 - expected));
    }
}

#[test]
fn the_pool_pays_its_share_of_prescribed_lines_only() {
    let half = Ratio::parse("0.5").expect("a ratio");
    let policy = Policy { pool_share: half, ..Policy::default() };
    let prescribed = split(THREE, &policy, 100_000).expect("splits");
    assert_eq!(prescribed.pooled_fund_fen, Fen::new(1_250));
    assert_eq!(prescribed.personal_account_fen, Fen::new(5_200 + 300 - 1_250));
    assert_eq!(prescribed.lines[0].reasons.last(), Some(&Reason::PoolShare { share: half }));
    assert_eq!(prescribed.lines[1].reasons.last(), Some(&Reason::PoolNeedsPrescription));
    let policy = Policy { pool_needs_prescription: false, ..policy };
    assert_eq!(split(THREE, &policy, 100_000).expect("splits").pooled_fund_fen, Fen::new(2_600));
}

#[test]
fn a_short_balance_is_refused_when_the_policy_says_so() {
    let policy = Policy { shortfall: Shortfall::Refuse, ..Policy::default() };
    let error = split(THREE, &policy, 5_499).expect_err("short");
    assert_eq!(error.to_string(), "the account holds 54.99 yuan, 55.00 are needed");
    assert!(split(THREE, &policy, 5_500).is_ok());
}

#[test]
fn a_balance_below_zero_pays_nothing() {
    let split = split(THREE, &Policy::default(), -1).expect("splits");
    assert_eq!((split.personal_account_fen, split.self_paid_fen), (Fen::ZERO, Fen::new(15_833)));
}

#[test]
fn what_cannot_be_sold_is_named_with_its_item() {
    for (items, expected) in [
        (r#"{"code":"NO1","quantity":1,"unit_price":"1"}"#, "item 1, code NO1: the catalogue has no such code"),
        (r#"{"code":"XA01","quantity":1,"unit_price":"1"}"#, "item 1, code XA01: a prescription drug"),
        (r#"{"code":"ZY01","quantity":"0.0001","unit_price":"1"}"#, "item 1: the line's amount is 0.00"),
    ] {
        let error = split(items, &Policy::default(), 0).expect_err(items).to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let dear = [r#"{"code":"XC01","quantity":9999,"unit_price":"1000000"}"#; 5].join(",");
    assert!(matches!(split(&dear, &Policy::default(), 0), Err(SplitError::Amount(FenError::NotOnCard(_)))));
}

#[test]
fn a_split_that_was_tampered_with_is_noticed() {
    let good = split(THREE, &Policy::default(), 5_000).expect("splits");
    let one = Fen::new(1);
    type Change = fn(&mut Split);
    let changes: [(Identity, Change); 6] = [
        (Identity::LineParts, |s| s.lines[0].parts.in_scope_fen = Fen::new(1)),
        (Identity::BillParts, |s| s.parts.own_pay_fen = Fen::new(1)),
        (Identity::Lines, |s| drop(s.lines.pop())),
        (Identity::Payers, |s| s.self_paid_fen = Fen::new(1)),
        (Identity::Sign, |s| {
            s.self_paid_fen = Fen::new(-1);
            s.pooled_fund_fen = Fen::new(15_833 - 5_000 + 1);
        }),
        (Identity::Pool, |s| {
            s.self_paid_fen = Fen::ZERO;
            s.pooled_fund_fen = Fen::new(15_833 - 5_000);
        }),
    ];
    for (identity, change) in changes {
        let mut changed = good.clone();
        change(&mut changed);
        assert!(
            matches!(changed.check(Fen::new(5_000)), Err(SplitError::Identity(found)) if found == identity),
            "{identity}"
        );
    }
    let short = good.check(Fen::new(5_000).minus(one).expect("small"));
    assert!(matches!(short, Err(SplitError::Identity(Identity::Balance))));
}

#[test]
fn the_hash_covers_prices_and_payers() {
    let base = split(THREE, &Policy::default(), 5_000).expect("splits");
    let others = [
        split(THREE, &Policy::default(), 4_999).expect("splits"),
        split(&THREE.replace("33.33", "33.34"), &Policy::default(), 5_000).expect("splits"),
        Split { policy: "other".into(), ..base.clone() },
        Split { bill_id: BillId::parse("B-2").expect("word"), ..base.clone() },
    ];
    for other in others {
        assert_ne!(other.hash(), base.hash());
    }
    assert_eq!(split(THREE, &Policy::default(), 5_000).expect("splits").hash(), base.hash());
}

/// A random line: class, ceiling and ratio of the drug, price, quantity in ten-thousandths, prescription.
#[derive(Clone, Debug)]
struct Sold {
    class: Class,
    ceiling: Option<i64>,
    ratio: i64,
    price: i64,
    quantity: i64,
    rx: bool,
}

fn sold() -> impl Strategy<Value = Sold> {
    let class = prop::sample::select(vec![Class::A, Class::B, Class::C]);
    (class, prop::option::of(1_i64..20_000), 0_i64..10_000, 1_i64..30_000, 1_i64..500_000, any::<bool>()).prop_map(
        |(class, ceiling, ratio, price, quantity, rx)| {
            let ratio = match class {
                Class::A => 0,
                Class::B => ratio,
                Class::C => 10_000,
            };
            Sold { class, ceiling, ratio, price, quantity, rx }
        },
    )
}

/// `a × b / c` with halves up, written apart from the code under test.
fn half_up(a: i64, b: i64, c: i64) -> i64 {
    let product = i128::from(a) * i128::from(b);
    let c = i128::from(c);
    let (quotient, rest) = (product / c, product % c);
    i64::try_from(quotient + i128::from(rest * 2 >= c)).expect("small")
}

/// Own-pay, over-limit, first self-pay, in-scope of one line, from the rules as text.
fn by_the_rules(line: &Sold, order: CeilingOrder) -> [i64; 4] {
    let amount = half_up(line.price, line.quantity, 10_000);
    if line.class == Class::C {
        return [amount, 0, 0, 0];
    }
    let ceiling = line.ceiling.unwrap_or(i64::MAX);
    match order {
        CeilingOrder::BeforeRatio => {
            let over = if line.price > ceiling { half_up(line.price - ceiling, line.quantity, 10_000) } else { 0 };
            let first = half_up(amount - over, line.ratio, 10_000);
            [0, over, first, amount - over - first]
        }
        CeilingOrder::AfterRatio => {
            let first = half_up(amount, line.ratio, 10_000);
            let rest = amount - first;
            let limit = if line.price > ceiling { half_up(ceiling, line.quantity, 10_000) } else { i64::MAX };
            let in_scope = rest.min(limit);
            [0, rest - in_scope, first, in_scope]
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_bills_agree_with_the_rules_spelt_a_second_time(
        sold in prop::collection::vec(sold(), 1..12),
        after in any::<bool>(),
        which in prop::collection::btree_set(prop::sample::select(vec![Part::InScope, Part::FirstSelfPay, Part::OverLimit, Part::OwnPay]), 0..4),
        share in 0_i64..=10_000,
        needs_rx in any::<bool>(),
        balance in 0_i64..4_000_000,
    ) {
        let order = if after { CeilingOrder::AfterRatio } else { CeilingOrder::BeforeRatio };
        let ratio = |value: i64| format!("{}.{:04}", value / 10_000, value % 10_000);
        let policy = Policy {
            ceiling: order,
            account_pays: which.clone(),
            pool_share: Ratio::parse(&ratio(share)).expect("a ratio"),
            pool_needs_prescription: needs_rx,
            ..Policy::default()
        };
        let mut csv = String::from("code,name,class,list_type,price_ceiling,first_self_pay,valid_from,valid_until,prescription_only\n");
        let mut items = Vec::new();
        for (index, line) in sold.iter().enumerate() {
            let ceiling = line.ceiling.map_or(String::new(), |ceiling| Fen::new(ceiling).to_string());
            csv += &format!("D{index},x,{},101,{ceiling},{},2026-01-01,,否\n", line.class, ratio(line.ratio));
            let rx = if line.rx { r#","rx":"CF""# } else { "" };
            items.push(format!(
                r#"{{"code":"D{index}","quantity":"{}","unit_price":"{}"{rx}}}"#, ratio(line.quantity), Fen::new(line.price)
            ));
        }
        let bill = Bill::parse(format!(r#"{{"bill_id":"B","items":[{}]}}"#, items.join(",")).as_bytes()).expect("a bill");
        let catalogue = Catalogue::parse(&csv).expect("a catalogue");
        let result = Split::of(&bill, &catalogue, &policy, day(), Fen::new(balance));
        if sold.iter().any(|line| half_up(line.price, line.quantity, 10_000) == 0) {
            let nothing = matches!(result, Err(SplitError::Nothing { .. }));
            prop_assert!(nothing, "a line of nothing is refused");
            return Ok(());
        }
        let split = result.expect("splits");

        let mut sums = [0_i64; 4];
        let mut pool_base = 0;
        for (line, found) in sold.iter().zip(&split.lines) {
            let expected = by_the_rules(line, order);
            let found = fen(found.parts);
            prop_assert_eq!(&found[1..], &expected[..]);
            prop_assert_eq!(found[0], expected.iter().sum::<i64>());
            sums.iter_mut().zip(expected).for_each(|(sum, part)| *sum += part);
            if line.rx || !needs_rx {
                pool_base += expected[3];
            }
        }
        let pooled = half_up(pool_base, share, 10_000);
        let allowed = |part, amount| if which.contains(&part) { amount } else { 0 };
        let eligible = allowed(Part::OwnPay, sums[0])
            + allowed(Part::OverLimit, sums[1])
            + allowed(Part::FirstSelfPay, sums[2])
            + allowed(Part::InScope, sums[3] - pooled);
        let account = if eligible < balance { eligible } else { balance };
        prop_assert_eq!(split.pooled_fund_fen.get(), pooled);
        prop_assert_eq!(split.personal_account_fen.get(), account);
        prop_assert_eq!(split.self_paid_fen.get(), sums.iter().sum::<i64>() - pooled - account);
    }
}
