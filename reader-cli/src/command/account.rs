//! `balance`, `log`, `pin change`: what the holder asks for.
//!
//! Owns: their answers. Never: moves money.

use settlement::fen::Fen;

use super::{Setting, settle_first};
use crate::arguments::{PinArguments, PinChangeArguments};
use crate::exit::Exit;
use crate::page::{Page, Value};
use card_counter::error::TerminalError;
use card_counter::journal::Journal as _;
use card_counter::language::Words;
use card_counter::secret::Pin;
use card_counter::tap::{Approached, Ask, Tapped, approach, tap};
use card_counter::{account, pay, pin};
use card_profiles::account::TotalsYear;

/// `balance`.
pub(super) fn balance(setting: &Setting<'_>, arguments: &PinArguments) -> Result<Exit, TerminalError> {
    let mut desk = setting.desk()?.asking(Ask::Nothing);
    let page = setting.meet(&mut desk, &mut |met| match setting.catalog.common() {
        Some(common) => balance_of_any(setting, approach(met, common, setting.card_memory())?, arguments),
        None => {
            let mut tapped = tap(met, &setting.catalog, setting.card_memory(), Ask::Algorithm)?;
            balance_of_known(setting, &mut tapped, arguments, false)
        }
    })?;
    setting.output.answer(&page)?;
    Ok(Exit::Ok)
}

/// `pin verify`.
pub(super) fn verify_pin(setting: &Setting<'_>, arguments: &PinArguments) -> Result<Exit, TerminalError> {
    let mut desk = setting.desk()?.asking(Ask::Nothing);
    let page = setting.meet(&mut desk, &mut |met| {
        let mut tapped = tap(met, &setting.catalog, setting.card_memory(), Ask::Algorithm)?;
        let given = setting.pin(&mut tapped, arguments)?;
        pin::verify(&mut tapped, &given, arguments.last_try)?;
        let initial = pin::of_transaction(&tapped, &given).is_err();
        Ok(reset_information(&tapped)?
            .with("verified", Words::new("密码正确", "PIN verified"), Value::Flag(true))
            .with("initial", Words::new("初始密码", "initial PIN"), Value::Flag(initial)))
    })?;
    setting.output.answer(&page)?;
    Ok(Exit::Ok)
}

/// Of a card that needs not be known: its balances are asked as those of all cards, and nothing is open for it here.
fn balance_of_any(
    setting: &Setting<'_>,
    mut card: Approached<'_>,
    arguments: &PinArguments,
) -> Result<Page, TerminalError> {
    let (store, unavailable) = setting.memory();
    let is_open = store.map(|store| store.has_open_with(card.card_factor())).transpose()?.unwrap_or_default();
    let mut verified = false;
    if !is_open {
        verified = match setting.verify_given(&mut card, arguments) {
            // It does not know the command, or its memory fails: what it is says why. The PIN is not sent again.
            Err(refused @ TerminalError::CardRefused { .. }) => {
                return card.recognise(&setting.catalog, Ask::Nothing).and(Err(refused));
            }
            given => given?,
        };
        match balance_page(&mut card, verified) {
            Err(
                TerminalError::CardRefused { .. }
                | TerminalError::CardAnswer { .. }
                | TerminalError::ApplicationMissing { .. }
                | TerminalError::CardBlocked { .. },
            ) => {}
            done => return done.map(|page| page.joined(unavailable)),
        }
    }
    // Something is open, or the card is not like all cards: which it is says how to go on, or why not.
    let mut tapped = card.recognise(&setting.catalog, Ask::Algorithm)?;
    balance_of_known(setting, &mut tapped, arguments, verified)
}

/// Of a card that was recognised.
fn balance_of_known(
    setting: &Setting<'_>,
    tapped: &mut Tapped<'_>,
    arguments: &PinArguments,
    verified: bool,
) -> Result<Page, TerminalError> {
    let (mut store, unavailable) = setting.memory();
    let verified = verified || setting.verify_given(tapped, arguments)?;
    let notes = unavailable.joined(settle_first(setting, tapped, store.as_mut(), verified)?);
    Ok(balance_page(tapped, verified)?.joined(notes))
}

fn balance_page(card: &mut Approached<'_>, verified: bool) -> Result<Page, TerminalError> {
    let rules = card.account()?;
    let balances = account::balances(card, rules)?;
    let page = reset_information(card)?
        .with("balance_fen", Words::new("个人账户余额", "personal account"), money(balances.personal_account))
        .with("self_paid_total_fen", Words::new("个人自付累计", "self-paid total"), money(balances.self_paid_total))
        .with("pooled_fund_total_fen", Words::new("统筹累计", "pooled fund total"), money(balances.pooled_fund_total))
        .with("year", Words::new("年度", "year"), year(rules.totals_year.read(balances.year)));
    let page = match rules.totals_year.read(balances.year) {
        TotalsYear::Unreadable(stored) => page.with(
            "year_stored",
            Words::new(
                "卡上的累计年度无法识别，其字节为",
                "year of the totals on the card, of which it is not known what they mean",
            ),
            Value::text(format!("{stored:04X}")),
        ),
        TotalsYear::None | TotalsYear::Of(_) => page,
    };
    if !verified {
        return Ok(page);
    }
    let number = pay::next_number(card, rules)?;
    Ok(page.with("card_sequence", Words::new("下一交易序号", "next number"), Value::Number(i64::from(number))))
}

/// The year of the totals; a card that was never paid with has none.
fn year(year: TotalsYear) -> Value {
    match year {
        TotalsYear::Of(bcd) => Value::text(format!("{bcd:04X}")),
        TotalsYear::None | TotalsYear::Unreadable(_) => Value::Absent,
    }
}

/// What a card says of itself before it is asked anything: which card the answer is about.
fn reset_information(card: &Approached<'_>) -> Result<Page, TerminalError> {
    let label = Words::new("卡复位信息", "reset information");
    Ok(Page::new().with("reset_information", label, Value::text(card.reset_information()?)))
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
            .with("date_time", Words::new("时间", "time"), Value::text(hex::encode_upper(record.date_time)))
            .with("personal_account_fen", Words::new("个人账户", "account"), money(record.amounts.personal_account))
            .with("self_paid_fen", Words::new("个人自付", "cash"), money(record.amounts.self_paid))
            .with("pooled_fund_fen", Words::new("统筹", "pool"), money(record.amounts.pooled_fund))
    });
    let page = Page::new()
        .with("card_identifier", Words::new("卡的识别码", "card"), Value::text(tapped.identifier.to_string()))
        .with("records", Words::new("交易明细", "log"), Value::Table(rows.collect()));
    let page = match records.is_empty() {
        true => page.noted("NO_TRANSACTIONS", Words::new("卡上没有交易明细", "the card has no transactions")),
        false => page,
    };
    let known = [rules.purchase_type, rules.load_type];
    let odd = records.iter().filter(|record| !known.contains(&record.transaction_type) || !is_moment(record.date_time));
    let page = match odd.count() {
        0 => page,
        odd => page.noted("LOG_RECORDS_ODD", odd_records(odd)),
    };
    setting.output.answer(&page.joined(notes))?;
    Ok(Exit::Ok)
}

/// Whether seven bytes are a day and a time of day in BCD.
fn is_moment([a, b, c, d, hour, minute, second]: [u8; 7]) -> bool {
    let below = |byte: u8, limit: u8| byte & 0x0F <= 9 && byte < limit;
    card_profiles::identity::is_date(&hex::encode([a, b, c, d]))
        && below(hour, 0x24)
        && below(minute, 0x60)
        && below(second, 0x60)
}

/// What is said of records that no terminal writes so: they are shown as they are stored.
fn odd_records(count: usize) -> Words {
    Words::of(
        format!("{count} 条明细的类型或时间不是终端写入的样式，按卡上的字节显示（十六进制）"),
        format!("records with a type or a time that no terminal writes, shown as their bytes in hex: {count}"),
    )
}

/// `pin change`.
pub(super) fn change_pin(setting: &Setting<'_>, arguments: &PinChangeArguments) -> Result<Exit, TerminalError> {
    let mut desk = setting.desk()?.asking(Ask::Nothing);
    let page = setting.meet(&mut desk, &mut |met| match setting.catalog.common() {
        Some(common) => change_pin_of_any(setting, approach(met, common, setting.card_memory())?, arguments),
        None => {
            let mut tapped = tap(met, &setting.catalog, setting.card_memory(), Ask::Algorithm)?;
            change_pin_of_known(setting, &mut tapped, arguments)
        }
    })?;
    setting.output.answer(&page)?;
    Ok(Exit::Ok)
}

/// Of a card that needs not be known: its PIN is changed as that of all cards, and nothing is open for it here.
fn change_pin_of_any(
    setting: &Setting<'_>,
    mut card: Approached<'_>,
    arguments: &PinChangeArguments,
) -> Result<Page, TerminalError> {
    let (store, unavailable) = setting.memory();
    if store.map(|store| store.has_open_with(card.card_factor())).transpose()?.unwrap_or_default() {
        let mut tapped = card.recognise(&setting.catalog, Ask::Algorithm)?;
        return change_pin_of_known(setting, &mut tapped, arguments);
    }
    let old = setting.pin(&mut card, &arguments.pin)?;
    let new = Pin::read(arguments.new_pin.as_ref(), setting.prompt("新密码: ", "new PIN: "))?;
    match pin::change(&mut card, &old, &new, arguments.pin.last_try) {
        Ok(()) => Ok(changed(&card)?.joined(unavailable)),
        // It does not know the command, or not now: what it is says why. The PIN is not sent again.
        Err(refused @ TerminalError::CardRefused { .. }) => {
            card.recognise(&setting.catalog, Ask::Nothing).and(Err(refused))
        }
        Err(error) => Err(error),
    }
}

/// Of a card that was recognised.
fn change_pin_of_known(
    setting: &Setting<'_>,
    tapped: &mut Tapped<'_>,
    arguments: &PinChangeArguments,
) -> Result<Page, TerminalError> {
    let old = setting.pin(tapped, &arguments.pin)?;
    let new = Pin::read(arguments.new_pin.as_ref(), setting.prompt("新密码: ", "new PIN: "))?;
    let (mut store, unavailable) = setting.memory();
    let mut notes = unavailable;
    let open = store.as_mut().map(|store| store.open_of(&tapped.identifier)).transpose()?.unwrap_or_default();
    if !open.is_empty() {
        pin::verify(tapped, &old, arguments.pin.last_try)?;
        notes = notes.joined(settle_first(setting, tapped, store.as_mut(), true)?);
    }
    pin::change(tapped, &old, &new, arguments.pin.last_try)?;
    Ok(changed(tapped)?.joined(notes))
}

fn changed(card: &Approached<'_>) -> Result<Page, TerminalError> {
    Ok(reset_information(card)?.with("changed", Words::new("密码已修改", "PIN changed"), Value::Flag(true)))
}

fn money(fen: u32) -> Value {
    Value::Money(Fen::from_card(fen))
}
