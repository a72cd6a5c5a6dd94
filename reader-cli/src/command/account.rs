//! `balance`, `log`, `pin change`: what the holder asks for.
//!
//! Owns: their answers. Never: moves money.

use card_profiles::account::Amounts;
use settlement::fen::Fen;

use super::{Setting, settle_first};
use crate::arguments::{PinArguments, PinChangeArguments};
use crate::counter::{account, pay, pin};
use crate::error::TerminalError;
use crate::exit::Exit;
use crate::journal::Journal as _;
use crate::language::Words;
use crate::page::{Page, Value};
use crate::secret::Pin;

/// `balance`.
pub(super) fn balance(setting: &Setting<'_>, arguments: &PinArguments) -> Result<Exit, TerminalError> {
    let mut desk = setting.desk()?;
    let mut tapped = setting.tapped(&mut desk)?;
    let (mut store, unavailable) = setting.memory();
    let verified = setting.verify_given(&mut tapped, arguments)?;
    let notes = unavailable.joined(settle_first(setting, &mut tapped, store.as_mut(), verified)?);
    let rules = tapped.account()?;
    let balances = account::balances(&mut tapped, rules)?;
    let mut page = Page::new()
        .with("card_identifier", Words::new("卡的识别码", "card"), Value::text(tapped.identifier.to_string()))
        .with("balance_fen", Words::new("个人账户余额", "personal account"), money(balances.personal_account))
        .with("self_paid_total_fen", Words::new("个人自付累计", "paid in cash"), money(balances.self_paid_total))
        .with("pooled_fund_total_fen", Words::new("统筹累计", "paid by the pool"), money(balances.pooled_fund_total))
        .with("year", Words::new("年度", "year"), Value::text(format!("{:04X}", balances.year)));
    if verified {
        // A purchase of nothing tells the next number and changes nothing.
        let start = pay::initialize(&mut tapped, rules, Amounts::default(), [0; 6])?;
        page = page.with(
            "card_sequence",
            Words::new("下一交易序号", "next number"),
            Value::Number(i64::from(start.card_sequence)),
        );
    }
    setting.output.answer(&page.joined(notes))?;
    Ok(Exit::Ok)
}

/// `log`.
pub(super) fn log(setting: &Setting<'_>, arguments: &PinArguments) -> Result<Exit, TerminalError> {
    let mut desk = setting.desk()?;
    let mut tapped = setting.tapped(&mut desk)?;
    let (mut store, unavailable) = setting.memory();
    let given = setting.pin(&mut tapped, arguments)?;
    pin::verify(&mut tapped, &given, arguments.last_try)?;
    let notes = unavailable.joined(settle_first(setting, &mut tapped, store.as_mut(), true)?);
    let rules = tapped.account()?;
    let records = account::log(&mut tapped, rules)?;
    let rows = records.iter().map(|record| {
        let kind = match record.transaction_type {
            byte if byte == rules.purchase_type => Value::Choice("purchase", Words::new("消费", "purchase")),
            byte if byte == rules.load_type => Value::Choice("load", Words::new("划入", "load")),
            byte => Value::text(format!("{byte:02X}")),
        };
        Page::new()
            .with("sequence", Words::new("序号", "number"), Value::Number(i64::from(record.sequence)))
            .with("kind", Words::new("类型", "kind"), kind)
            .with("terminal", Words::new("终端", "terminal"), Value::text(record.terminal.to_string()))
            .with("date_time", Words::new("时间", "time"), Value::text(hex::encode(record.date_time)))
            .with("personal_account_fen", Words::new("个人账户", "account"), money(record.amounts.personal_account))
            .with("self_paid_fen", Words::new("个人自付", "cash"), money(record.amounts.self_paid))
            .with("pooled_fund_fen", Words::new("统筹", "pool"), money(record.amounts.pooled_fund))
    });
    let page = Page::new()
        .with("card_identifier", Words::new("卡的识别码", "card"), Value::text(tapped.identifier.to_string()))
        .with("records", Words::new("交易明细", "log"), Value::Table(rows.collect()));
    setting.output.answer(&page.joined(notes))?;
    Ok(Exit::Ok)
}

/// `pin change`.
pub(super) fn change_pin(setting: &Setting<'_>, arguments: &PinChangeArguments) -> Result<Exit, TerminalError> {
    let mut desk = setting.desk()?;
    let mut tapped = setting.tapped(&mut desk)?;
    let old = setting.pin(&mut tapped, &arguments.pin)?;
    let new = Pin::read(arguments.new_pin.as_ref(), setting.prompt("新密码: ", "new PIN: "))?;
    let (mut store, unavailable) = setting.memory();
    let mut notes = unavailable;
    let open = store.as_mut().map(|store| store.open_of(&tapped.identifier)).transpose()?.unwrap_or_default();
    if !open.is_empty() {
        pin::verify(&mut tapped, &old, arguments.pin.last_try)?;
        notes = notes.joined(settle_first(setting, &mut tapped, store.as_mut(), true)?);
    }
    pin::change(&mut tapped, &old, &new, arguments.pin.last_try)?;
    let page = Page::new()
        .with("card_identifier", Words::new("卡的识别码", "card"), Value::text(tapped.identifier.to_string()))
        .with("changed", Words::new("密码已修改", "PIN changed"), Value::Flag(true));
    setting.output.answer(&page.joined(notes))?;
    Ok(Exit::Ok)
}

fn money(fen: u32) -> Value {
    Value::Money(Fen::from_card(fen))
}
