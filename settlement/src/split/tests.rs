//! Splits worked out by hand. Random bills against a second spelling of the rules: `tests/bills.rs`.

use super::*;
use crate::catalogue::tests::SMALL;
use crate::code::Language;

fn day() -> BusinessDate {
    BusinessDate::parse("2026-01-05").expect("real")
}

fn split(items: &str, policy: &Policy, balance: i64) -> Result<Split, SplitError> {
    let bill = Bill::parse(format!(r#"{{"bill_id":"B-1","items":[{items}]}}"#).as_bytes()).expect("a bill");
    let catalogue = Catalogue::parse(SMALL).expect("good");
    let terms = Terms { catalogue: &catalogue, policy, day: day(), earlier: &[] };
    Split::of(&bill, &terms, Fen::new(balance))
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
    assert_eq!(numbers, [vec![4, 1, 9], vec![4, 2, 9], vec![3, 9]]);
    // The account may pay 55.00.
    assert_eq!(split.reasons, [Reason::ShortBalance { short_fen: Fen::new(500) }]);
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
    assert!(prescribed.lines[0].reasons.contains(&Reason::PoolShare { share: half }));
    assert!(prescribed.lines[1].reasons.contains(&Reason::PoolNeedsPrescription));
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
        Split { catalogue: "other".into(), ..base.clone() },
        Split { bill_id: BillId::parse("B-2").expect("word"), ..base.clone() },
    ];
    for other in others {
        assert_ne!(other.hash(), base.hash());
    }
    assert_eq!(split(THREE, &Policy::default(), 5_000).expect("splits").hash(), base.hash());
}

/// The bytes, spelt by another program: each text behind its length in 4 bytes, amounts and millionths of a yuan in 8.
#[test]
fn the_hash_of_a_bill_is_that_of_its_bytes_with_and_without_prices_of_parts_of_a_fen() {
    let parts = |amount: i64, own: i64, scope: i64| {
        serde_json::json!({ "amount_fen": amount, "own_pay_fen": own, "over_limit_fen": 0, "first_self_pay_fen": 0,
            "in_scope_fen": scope })
    };
    let mut bill = serde_json::json!({
        "bill_id": "B-1", "business_date": "2026-01-05", "policy": "p", "catalogue": "2026-01",
        "lines": [
            { "code": "XA01", "name": "A", "class": "甲", "quantity": "3", "unit_price_fen": 33, "unit_price": "0.3333",
              "parts": parts(100, 0, 100), "reasons": [] },
            { "code": "XC01", "name": "C", "class": "丙", "quantity": "1.5", "unit_price_fen": 200,
              "parts": parts(300, 300, 0), "reasons": [] },
        ],
        "parts": parts(400, 300, 100),
        "personal_account_fen": 100, "self_paid_fen": 250, "pooled_fund_fen": 50,
    });
    let hash = |bill: &serde_json::Value| {
        let split: Split = serde_json::from_value(bill.clone()).expect("a split");
        split.hash().to_string()
    };
    assert_eq!(hash(&bill), "5B3F0D37F88CC289539132B5CFA328E3B341A95F5730158FCC3ACA2742E08901", "settlement-bill-3");
    bill["lines"][0].as_object_mut().expect("a line").remove("unit_price");
    assert_eq!(hash(&bill), "35B8724D1665D873A64E7FCBF2792CDD2B0DBE953BC0DE37BEF510F86A324BB6", "settlement-bill-2");
}

fn limited(limits: &str, items: &str, over: OverQuantity, earlier: &[Bought]) -> Result<Split, SplitError> {
    let text = format!(
        "code,name,class,list_type,price_ceiling,first_self_pay,valid_from,valid_until,prescription_only,quantity_max,\
         quantity_days,supply_days_max\nL1,x,甲,101,,,2026-01-01,,否,{limits}\n"
    );
    let (catalogue, policy) =
        (Catalogue::parse(&text).expect("good"), Policy { over_quantity: over, ..Policy::default() });
    let bill = Bill::parse(format!(r#"{{"bill_id":"B-1","items":[{items}]}}"#).as_bytes()).expect("a bill");
    Split::of(&bill, &Terms { catalogue: &catalogue, policy: &policy, day: day(), earlier }, Fen::new(100_000))
}

fn bought(day: &str, quantity: &str, supply_days: u16) -> Bought {
    let (day, code) = (BusinessDate::parse(day).expect("real"), DrugCode::parse("L1").expect("word"));
    Bought { day, code, quantity: Quantity::parse(quantity).expect("a quantity"), supply_days }
}

#[test]
fn a_quantity_is_limited_over_the_days_that_the_catalogue_names() {
    let one = r#"{"code":"L1","quantity":1,"unit_price":"10.00"}"#;
    let try_with = |earlier: &[Bought]| limited("4,7,", one, OverQuantity::Refuse, earlier);
    // The day of sale is 2026-01-05; seven days reach back to 2025-12-30.
    assert!(try_with(&[bought("2025-12-29", "100", 0), bought("2025-12-30", "3", 0)]).is_ok());
    let error = try_with(&[bought("2025-12-30", "2.5", 0), bought("2026-01-04", "1", 0)]).expect_err("too much");
    assert_eq!(error.to_string(), "item 1, code L1: at most 4 in 7 days, 3.5 were bought before");
    // Lines of the same bill count, lines of tomorrow do not.
    assert!(limited("2,,", &[one; 2].join(","), OverQuantity::Refuse, &[bought("2026-01-06", "9", 0)]).is_ok());
    let third = limited("2,,", &[one; 3].join(","), OverQuantity::Refuse, &[]).expect_err("the third");
    assert!(third.to_string().starts_with("item 3, code L1: at most 2 in 1 days, 2 were"), "{third}");
}

#[test]
fn supply_lasts_from_where_the_one_before_ends() {
    let month = r#"{"code":"L1","quantity":1,"unit_price":"10.00","days":30}"#;
    let try_with = |earlier: &[Bought]| limited(",,40", month, OverQuantity::Refuse, earlier);
    // Bought on 12-07 for 30 days and on 12-20 for 10 more: lasts until 2026-01-15, so 11 days are on hand; 10 would do.
    let error = try_with(&[bought("2025-12-07", "1", 30), bought("2025-12-20", "1", 10)]).expect_err("too long");
    assert_eq!(
        error.to_string(),
        "item 1, code L1: supply for at most 40 days, the holder has 11 days left from before"
    );
    assert!(try_with(&[bought("2025-12-06", "1", 30), bought("2025-12-20", "1", 10)]).is_ok());
    let unsaid = limited(",,40", r#"{"code":"L1","quantity":1,"unit_price":"1"}"#, OverQuantity::Refuse, &[]);
    assert!(unsaid.expect_err("unsaid").to_string().contains("names no days of supply"));
}

#[test]
fn a_policy_may_turn_what_goes_beyond_into_own_pay_and_it_then_counts_for_nothing_later() {
    let items = r#"{"code":"L1","quantity":3,"unit_price":"10.00"},{"code":"L1","quantity":2,"unit_price":"10.00"}"#;
    let split = limited("4,7,", items, OverQuantity::OwnPay, &[bought("2026-01-05", "2", 0)]).expect("splits");
    assert_eq!(fen(split.lines[0].parts), [3_000, 3_000, 0, 0, 0]);
    assert_eq!(fen(split.lines[1].parts), [2_000, 0, 0, 0, 2_000], "the first line counts for nothing");
    assert_eq!(
        split.lines[0].reasons[0].text(Language::En),
        "at most 4 in 7 days, 2 bought before: the whole line is own pay"
    );
    let later: Vec<Option<Bought>> = split.lines.iter().map(|line| Bought::of_line(day(), line)).collect();
    assert_eq!(later, [None, Some(bought("2026-01-05", "2", 0))]);
}

#[test]
fn the_pool_s_share_is_rounded_where_the_policy_says() {
    let items = [r#"{"code":"L1","quantity":1,"unit_price":"0.05"}"#; 3].join(",");
    let pooled = |pool_rounds, rounding| {
        let policy = Policy {
            pool_share: Ratio::parse("0.5").expect("a ratio"),
            pool_needs_prescription: false,
            pool_rounds,
            rounding,
            ..Policy::default()
        };
        let catalogue = Catalogue::parse(&SMALL.replace("ZY01", "L1")).expect("good");
        let bill = Bill::parse(format!(r#"{{"bill_id":"B","items":[{items}]}}"#).as_bytes()).expect("a bill");
        let terms = Terms { catalogue: &catalogue, policy: &policy, day: day(), earlier: &[] };
        Split::of(&bill, &terms, Fen::ZERO).expect("splits").pooled_fund_fen.get()
    };
    // 0.05 less 5 % first self-pay, 0.0025, which every rounding takes as nothing: 3 × 0.05 in scope.
    assert_eq!(pooled(PoolRounds::Bill, Rounding::HalfUp), 8, "7.5");
    assert_eq!(pooled(PoolRounds::Line, Rounding::HalfUp), 9, "3 × 2.5");
    assert_eq!(pooled(PoolRounds::Line, Rounding::HalfEven), 6);
    assert_eq!(pooled(PoolRounds::Bill, Rounding::Down), 7);
}

#[test]
fn a_split_reads_back_and_names_its_catalogue_and_numbers() {
    let base = split(THREE, &Policy::default(), 5_000).expect("splits");
    let json = serde_json::to_value(&base).expect("writes");
    assert_eq!(json["lines"][1]["reasons"][1], serde_json::json!({"number": 2, "reason": "class-b", "ratio": "0.1"}));
    assert_eq!(json["catalogue"].as_str().map(str::len), Some(16), "no version: digits of its hash");
    assert_eq!(serde_json::from_value::<Split>(json).expect("reads"), base);
}
