//! `pay --trial`: what a bill would come to.
//!
//! Owns: the answer; a settled bill is shown by the same page, so that both can be laid side by side.
//! Never: writes a journal, moves money, spends a try.

use settlement::fen::Fen;
use settlement::policy::{Part, Word as _};
use settlement::split::{Line, Parts, Reason, Split};

use super::{Setting, pay};
use crate::arguments::PayArguments;
use crate::exit::Exit;
use crate::page::{Page, Value};
use crate::papers::Papers;
use card_counter::account;
use card_counter::error::TerminalError;
use card_counter::language::{Language, Words};
use card_counter::store::Store;

/// `pay --trial`.
pub(super) fn run(setting: &Setting<'_>, papers: &Papers, arguments: &PayArguments) -> Result<Exit, TerminalError> {
    let store = Store::open_if_there(&setting.configuration.data)?;
    let day = setting.rules(store.as_ref())?.day;
    let split = if arguments.card {
        let mut desk = setting.desk()?;
        let mut tapped = setting.tapped(&mut desk)?;
        let account = tapped.account()?;
        let balance = Fen::from_card(account::personal_account(&mut tapped, account)?);
        let card = store.as_ref().map(|store| (store, &tapped.identifier));
        pay::split(papers, day, balance, card)?
    } else {
        let balance = match &arguments.balance {
            Some(text) => Fen::parse_yuan(text).map_err(|error| TerminalError::Configuration {
                place: "--balance".to_owned(),
                reason: Words::explained(&error),
            })?,
            None => Fen::from_card(u32::MAX),
        };
        pay::split(papers, day, balance, None)?
    };
    let page = Page::new().with("trial", Words::new("试算", "trial"), Value::Flag(true)).joined(page(&split));
    setting.output.answer(&page)?;
    Ok(Exit::Ok)
}

/// A split, line by line.
pub(super) fn page(split: &Split) -> Page {
    let lines = split.lines.iter().enumerate().map(|(index, line)| row(index + 1, line)).collect();
    parts(
        Page::new()
            .with("bill_id", Words::new("单号", "bill"), Value::text(split.bill_id.as_str()))
            .with("business_date", Words::new("业务日", "day"), Value::text(split.business_date.to_string()))
            .with("policy", Words::new("政策", "policy"), Value::text(&split.policy))
            .with("catalogue", Words::new("目录版本", "catalogue"), Value::text(&split.catalogue))
            .with("lines", Words::new("明细", "lines"), Value::Table(lines))
            .with("total_fen", Words::new("合计", "total"), Value::Money(split.parts.amount_fen)),
        &split.parts,
    )
    .with("personal_account_fen", Words::new("个人账户", "account"), Value::Money(split.personal_account_fen))
    .with("self_paid_fen", Words::new("现金", "cash"), Value::Money(split.self_paid_fen))
    .with("pooled_fund_fen", Words::new("统筹基金", "pool"), Value::Money(split.pooled_fund_fen))
    .with("reasons", Words::new("原因", "reasons"), reasons(&split.reasons))
    .with("bill_hash", Words::new("单据摘要", "hash"), Value::text(split.hash().to_string()))
}

fn row(number: usize, line: &Line) -> Page {
    parts(
        Page::new()
            .with("item", Words::new("项", "item"), Value::count(number))
            .with("code", Words::new("编码", "code"), Value::text(line.code.as_str()))
            .with("name", Words::new("名称", "name"), Value::text(&line.name))
            .with("class", Words::new("类别", "class"), Value::text(line.class.to_string()))
            .with("quantity", Words::new("数量", "quantity"), Value::text(line.quantity.to_string()))
            .with("unit_price", Words::new("单价", "price"), Value::text(line.price()))
            .with("unit_price_fen", Words::new("单价到分", "price to the fen"), Value::Money(line.unit_price_fen))
            .with("amount_fen", Words::new("金额", "amount"), Value::Money(line.parts.amount_fen)),
        &line.parts,
    )
    .with("reasons", Words::new("原因", "reasons"), reasons(&line.reasons))
}

fn parts(page: Page, parts: &Parts) -> Page {
    page.with("own_pay_fen", Words::new("全自费", "own pay"), Value::Money(parts.own_pay_fen))
        .with("over_limit_fen", Words::new("超限价", "over limit"), Value::Money(parts.over_limit_fen))
        .with("first_self_pay_fen", Words::new("先行自付", "first self-pay"), Value::Money(parts.first_self_pay_fen))
        .with("in_scope_fen", Words::new("政策范围内", "in scope"), Value::Money(parts.in_scope_fen))
}

/// As documents hold them, and in text: numbers with their sentences.
fn reasons(reasons: &[Reason]) -> Value {
    let told = |language| {
        let texts: Vec<String> =
            reasons.iter().map(|reason| format!("{} {}", reason.number(), reason.text(language))).collect();
        texts.join("; ")
    };
    Value::Told(reasons.iter().map(reason).collect(), Words::of(told(Language::Zh), told(Language::En)))
}

/// One of them: its number, name and values (docs/bill-reasons.md), and the sentence.
fn reason(reason: &Reason) -> Page {
    let label = || Words::new("值", "value");
    let page = Page::new().with("number", Words::new("编号", "no."), Value::Number(reason.number().into())).with(
        "reason",
        Words::new("原因", "reason"),
        Value::text(reason.name()),
    );
    let text = |id: &'static str, value: String| (id, Value::Text(value));
    let values = match reason {
        Reason::ClassA | Reason::ClassC | Reason::PoolNeedsPrescription => vec![],
        Reason::ClassB { ratio } => vec![text("ratio", ratio.to_string())],
        Reason::OverCeiling { ceiling_fen } => vec![("ceiling_fen", Value::Money(*ceiling_fen))],
        Reason::PoolShare { share } => vec![text("share", share.to_string())],
        Reason::OverQuantity { max, days, bought } => vec![
            text("max", max.to_string()),
            ("days", Value::Number(i64::from(*days))),
            text("bought", bought.to_string()),
        ],
        Reason::OverSupply { max, on_hand } => {
            vec![("max", Value::Number(i64::from(*max))), ("on_hand", Value::Number(*on_hand))]
        }
        Reason::NotByAccount { part } => vec![text(
            "part",
            Part::WORDS.iter().find(|(_, one)| one == part).map_or_else(String::new, |(word, _)| (*word).to_owned()),
        )],
        Reason::ShortBalance { short_fen } => vec![("short_fen", Value::Money(*short_fen))],
    };
    let page = values.into_iter().fold(page, |page, (id, value)| page.with(id, label(), value));
    let words = Words::of(reason.text(Language::Zh), reason.text(Language::En));
    page.with("text", Words::new("说明", "text"), Value::Words(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer of a command, and the form of the split that is stored and hashed.
    #[test]
    fn a_reason_has_the_number_name_and_values_of_the_published_list() {
        for (example, _, _) in Reason::examples() {
            let page = reason(&example);
            let ids: Vec<&str> = page.items.iter().map(|item| item.id.as_str()).collect();
            let stored = serde_json::to_value(example).expect("writes");
            let mut keys: Vec<&str> = stored.as_object().expect("an object").keys().map(String::as_str).collect();
            keys.extend(["number", "text"]);
            keys.sort_unstable();
            let mut sorted = ids.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, keys);
            assert_eq!(page.value("reason"), Some(&Value::text(stored["reason"].as_str().expect("a name"))));
            for key in keys.iter().filter(|key| !["number", "text", "reason"].contains(key)) {
                let shown = match page.value(key) {
                    Some(Value::Text(text)) => serde_json::json!(text),
                    Some(Value::Money(fen)) => serde_json::json!(fen),
                    Some(Value::Number(number)) => serde_json::json!(number),
                    other => panic!("{key}: {other:?}"),
                };
                assert_eq!(shown, stored[*key], "{key}");
            }
        }
    }
}
