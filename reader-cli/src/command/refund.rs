//! `refund …`, `cancel`: money of a purchase goes back to the card that paid.
//!
//! Owns: the order of what happens around a try, the ageing list, and the answers. Never: card commands (`counter::load`).

use card_core::security::psam::Psam;
use card_desk::Desk;
use settlement::code::ErrorCode;
use settlement::fen::Fen;
use settlement::id::LoadId;
use settlement::receipt::{Copy, MaskedName};
use settlement::refund::{Original, Parts, RefundAct};

use super::handout::Handout;
use super::{Setting, pay, settle_first};
use crate::arguments::refund::{CancelArguments, RefundCommand, RefundGive};
use crate::arguments::{Form, PinArguments, ReceiptArguments};
use crate::exit::Exit;
use crate::http::Centre;
use crate::page::{Page, Value};
use crate::receipt::RefundDraft;
use crate::upload;
use card_counter::clock::Now;
use card_counter::error::{RefundFault, TerminalError};
use card_counter::journal::{GivenElsewhere, Journal as _, Plain, Purchased, RefundOrder, RefundState};
use card_counter::language::Words;
use card_counter::refund::{self, Asked};
use card_counter::store::{Dropping, LostElsewhere, Store};
use card_counter::tap::Tapped;
use card_counter::{check, pin, terminal};
use centre_line::load::{self, Loader};

const SECONDS_PER_HOUR: i64 = 3600;

/// `refund …`.
pub(super) fn run(setting: &Setting<'_>, command: &RefundCommand) -> Result<Exit, TerminalError> {
    match command {
        RefundCommand::Give(arguments) => give(setting, arguments),
        RefundCommand::Finish { id, pin, receipt } => {
            let mut begin = |store: &mut Store, _: &mut Tapped<'_>, _: &Centre<'_>| refund::open(store, id);
            bring(setting, (pin, receipt), false, &mut begin)
        }
        RefundCommand::List { all } => list(setting, *all),
        RefundCommand::Drop { id, reason } => drop_lost(setting, id, reason),
        RefundCommand::Withdraw { id, reason } => {
            let mut store = Store::open_if_there(&setting.configuration.data)?.ok_or(TerminalError::NotEnrolled)?;
            store.take_turn()?;
            let order = refund::open(&store, id)?;
            refund::withdraw(&mut store, &order, reason)?;
            let order = store.refund(order.number)?.ok_or(TerminalError::Bug("refunds are kept"))?;
            setting.output.answer(&row(setting.now, &store, &order)?)?;
            Ok(Exit::Ok)
        }
    }
}

fn give(setting: &Setting<'_>, arguments: &RefundGive) -> Result<Exit, TerminalError> {
    let asked = asked(arguments)?;
    let named = named(arguments)?;
    let mut begin = |store: &mut Store, tapped: &mut Tapped<'_>, centre: &Centre<'_>| {
        let purchase = match &named {
            Named::Entry(id) => refund::purchase(store, id)?,
            Named::Receipt(original) => match refund::sold_here(store, tapped, *original)? {
                Some(entry) => entry,
                None => {
                    let told = load::original(store, centre, *original, tapped.identifier)?;
                    let bought = (*original, &told);
                    return refund::agree_elsewhere(store, tapped, bought, asked, &arguments.reason);
                }
            },
        };
        if purchase.draft.card_identifier != tapped.identifier {
            return Err(TerminalError::OtherCard);
        }
        refund::agree(store, &purchase, asked, RefundAct::Refund, &arguments.reason)
    };
    bring(setting, (&arguments.pin, &arguments.receipt), false, &mut begin)
}

/// How the purchase is named.
enum Named<'a> {
    /// By its number in this journal.
    Entry(&'a str),
    /// As its receipt does.
    Receipt(Original),
}

fn named(arguments: &RefundGive) -> Result<Named<'_>, TerminalError> {
    let with_slash = arguments.id.as_ref().filter(|id| id.contains('/'));
    match (&arguments.id, arguments.original.as_ref().or(with_slash)) {
        (_, Some(reference)) => {
            let original = Original::parse(reference).ok_or_else(|| TerminalError::Usage {
                said: Words::new(
                    "原消费应如小票所印:终端编号(12 位十六进制)/交易序号(8 位十六进制),如 513301000001/0000A5C3",
                    "the purchase is named as its receipt prints it: 12 hexadecimal digits of the terminal, a slash, 8 of the sequence, such as 513301000001/0000A5C3",
                ),
            })?;
            Ok(Named::Receipt(original))
        }
        (Some(id), None) => Ok(Named::Entry(id)),
        (None, None) => Err(TerminalError::Bug("one of the two names is needed")),
    }
}

/// `cancel`.
pub(super) fn cancel(setting: &Setting<'_>, arguments: &CancelArguments) -> Result<Exit, TerminalError> {
    let day = setting.rules(Store::open_if_there(&setting.configuration.data)?.as_ref())?.day;
    let mut begin = |store: &mut Store, tapped: &mut Tapped<'_>, _: &Centre<'_>| {
        let named = arguments.id.as_deref().map(|id| refund::purchase(store, id)).transpose()?;
        let latest = refund::latest(tapped, store, day)?;
        if let Some(named) = named.filter(|named| named.number != latest.number) {
            let id = Some(named.number.to_string());
            return Err(RefundFault::NotLatest { id }.into());
        }
        refund::agree(store, &latest, Asked::Rest, RefundAct::Cancel, &arguments.reason)
    };
    // The card tells its next number only after its PIN.
    bring(setting, (&arguments.pin, &arguments.receipt), true, &mut begin)
}

fn asked(arguments: &RefundGive) -> Result<Asked, TerminalError> {
    let yuan = |place: &str, text: &str| {
        Fen::parse_yuan(text)
            .map_err(|error| TerminalError::Configuration { place: place.to_owned(), reason: Words::explained(&error) })
    };
    let part = |place, text: &Option<String>| text.as_deref().map_or(Ok(Fen::ZERO), |text| yuan(place, text));
    let RefundGive { amount, account, cash, pool, .. } = arguments;
    match (amount, account.is_some() || cash.is_some() || pool.is_some()) {
        (Some(amount), _) => Ok(Asked::Total(yuan("--amount", amount)?)),
        (None, true) => Ok(Asked::Parts(Parts {
            personal_account: part("--account", account)?,
            self_paid: part("--cash", cash)?,
            pooled_fund: part("--pool", pool)?,
        })),
        (None, false) => Ok(Asked::Rest),
    }
}

/// One try: what is open is settled, the centre gets what it must know, then the money goes onto the card.
fn bring(
    setting: &Setting<'_>,
    (pin_arguments, receipt): (&PinArguments, &ReceiptArguments),
    pin_needed: bool,
    begin: &mut dyn FnMut(&mut Store, &mut Tapped<'_>, &Centre<'_>) -> Result<RefundOrder, TerminalError>,
) -> Result<Exit, TerminalError> {
    let key = terminal::key(&setting.configuration.data)?;
    let handout = setting.handout(receipt)?;
    let (mut desk, ask) = setting.desk_for_money()?;
    let mut tapped = setting.tapped_asking(&mut desk, ask)?;
    let mut psam = setting.psam(&mut desk, &tapped)?;
    let (mut store, number) = setting.till(&psam)?;
    let centre = Centre::at(setting.centre()?, &key, number);
    let rules = setting.rules(Some(&store))?;
    let open = !store.open_of(&tapped.identifier)?.is_empty();
    let proves = open || pin_needed || pin_arguments.pin.is_some();
    if proves {
        let given = setting.pin(&mut tapped, pin_arguments)?;
        pin::verify(&mut tapped, &given, pin_arguments.last_try)?;
    }
    let notes = settle_first(setting, &mut tapped, Some(&mut store), proves)?;
    check::all_passed(check::card(&tapped, &rules))?;
    if let Some(at) = store.signed_out()? {
        // It would count on a day that was ended.
        return Err(TerminalError::SignedOut { at });
    }
    let order = match begin(&mut store, &mut tapped, &centre) {
        // The try that was just settled was the one that was asked to be finished.
        Err(TerminalError::Refund(RefundFault::Closed { number, state: RefundState::Done }))
            if !notes.notes.is_empty() =>
        {
            let order = store.refund(number)?.ok_or(TerminalError::Bug("refunds are kept"))?;
            let done = order.last.map(|last| store.entry(last)).transpose()?;
            let handed = done.map_or(Ok(false), |entry| {
                let holder = holder(setting, (&mut tapped, &mut psam), &mut desk, &handout);
                setting.hand_out((&entry, Copy::Original), &store, &handout, holder.as_ref())
            });
            setting.output.answer(&row(setting.now, &store, &order)?.joined(notes))?;
            setting.told();
            upload::offer_outcomes(&mut store, &centre)?;
            return handed.map(|_| Exit::Ok);
        }
        begun => begun?,
    };
    let mut loader = Loader::of(&centre, &setting.configuration.data, &Plain)?;
    let operator = &setting.configuration.operator;
    let purchase = match order.original {
        Purchased::Here(number) => Some(store.entry(number)?),
        Purchased::Elsewhere { .. } => None,
    };
    let slip = match purchase.as_ref().and_then(|purchase| RefundDraft::of(purchase, operator)) {
        Some(slip) => slip,
        // Sold by another till, or by a program that calls the driver's functions: no receipt of ours says who sold.
        None => RefundDraft::of_other(pay::institution(&store)?, operator, purchase.as_ref()),
    };
    let slip = Some(slip.to_text()?);
    let done = loader.give_back((&mut tapped, rules.day), &mut store, &order, slip);
    match done {
        Ok((entry, reported)) => {
            let holder = holder(setting, (&mut tapped, &mut psam), &mut desk, &handout);
            let handed = setting.hand_out((&entry, Copy::Original), &store, &handout, holder.as_ref());
            if let Err(error) = &handed
                && !matches!(error, TerminalError::ReceiptUnwritten { .. })
            {
                return handed.map(|_| Exit::Ok);
            }
            let order = store.refund(order.number)?.ok_or(TerminalError::Bug("refunds are kept"))?;
            let page = row(setting.now, &store, &order)?;
            let page = match setting.output.form {
                Form::Json => page.with("try", Words::new("交易", "transaction"), Value::Object(pay::page(&entry))),
                Form::Text | Form::Layout => page,
            };
            setting.output.answer(&page.joined(notes))?;
            setting.told();
            // What went back is answered first; then what is wrong with its paper, or with the line.
            handed.and(reported).map(|()| Exit::Ok)
        }
        Err(error) => {
            after_failure(setting, &mut store, &order, &error)?;
            Err(error)
        }
    }
}

/// The holder, where the PSAM is known to have the card's keys: no try of one is spent on a name.
fn holder(
    setting: &Setting<'_>,
    (tapped, psam): (&mut Tapped<'_>, &mut Psam),
    desk: &mut Desk<'_>,
    handout: &Handout,
) -> Option<MaskedName> {
    let fits = !tapped.holder_needs_key() || matches!(tapped.fits(psam, desk.known()), Ok(Some(true)));
    fits.then(|| setting.holder(tapped, Some(psam), handout)).flatten()
}

/// What becomes of a refund whose try failed: one that can never be given is withdrawn, any other stays open; both are said. What
/// a stopped terminal, a listed card or a newer centre refuses may be given later.
fn after_failure(
    setting: &Setting<'_>,
    store: &mut Store,
    order: &RefundOrder,
    error: &TerminalError,
) -> Result<(), TerminalError> {
    let number = order.number;
    if let TerminalError::CentreRefused { code, .. } = error
        && let ErrorCode::RefundOtherCard
        | ErrorCode::RefundElsewhere
        | ErrorCode::RefundOriginalVoid
        | ErrorCode::RefundTooMuch
        | ErrorCode::CancelTooLate = code
    {
        let order = store.refund(number)?.ok_or(TerminalError::Bug("refunds are kept"))?;
        refund::withdraw(store, &order, code.as_str())?;
        setting.output.remark(
            "REFUND_WITHDRAWN",
            &Words::of(
                format!("退费 {number} 已撤回,不再等待"),
                format!("refund {number} was withdrawn: it waits no longer"),
            ),
        );
        return Ok(());
    }
    setting.output.remark(
        "REFUND_OPEN",
        &Words::of(
            format!("退费 {number} 尚未完成:插入付款的卡,执行 sscard refund finish {number}"),
            format!("refund {number} stays open: insert the card that paid and run sscard refund finish {number}"),
        ),
    );
    Ok(())
}

fn list(setting: &Setting<'_>, all: bool) -> Result<Exit, TerminalError> {
    let store = Store::open_if_there(&setting.configuration.data)?.ok_or(TerminalError::NotEnrolled)?;
    let orders = store.refunds()?;
    let shown = orders.iter().filter(|order| all || order.state == RefundState::Open);
    let rows = shown.map(|order| row(setting.now, &store, order)).collect::<Result<Vec<_>, _>>()?;
    let page = Page::new().with("refunds", Words::new("退费", "refunds"), Value::Table(rows));
    let lost = store.lost_elsewhere()?;
    let rows: Vec<Page> = lost.iter().filter(|one| all || one.dropped_why.is_none()).map(lost_row).collect();
    let page = match rows.is_empty() {
        true => page,
        false => page.with(
            "lost",
            Words::new("中心账上已无的他终端退费", "elsewhere, lost by the centre"),
            Value::Table(rows),
        ),
    };
    let page = match lost.iter().all(|one| one.dropped_why.is_some()) {
        true => page,
        false => page.noted(
            "REFUNDS_LOST",
            Words::new(
                "中心恢复到较早的备份后账上没有这些退费;在此仍按已退计,不会再退。请告知中心;中心再次告知后自动消除;状态为“卡可能已收到”而确知卡未收到的,用 sscard refund drop 编号 --reason 不再计入",
                "a centre that was brought back to an earlier backup does not have these; here they go on counting and nothing of them is given again. Tell the centre: what it tells of again leaves this list. One that the card may have, and is known not to have, counts no more after sscard refund drop ID --reason",
            ),
        ),
    };
    setting.output.answer(&page)?;
    Ok(Exit::Ok)
}

/// A refund at another till that the centre lost.
fn lost_row(lost: &LostElsewhere) -> Page {
    let GivenElsewhere { act, parts, is_credited } = lost.given;
    let standing = match (&lost.dropped_why, is_credited) {
        (Some(_), _) => Value::Choice("DROPPED", Words::new("不再计入", "dropped")),
        (None, true) => Value::Choice("CREDITED", Words::new("卡已收到", "the card has it")),
        (None, false) => Value::Choice("PREPARED", Words::new("卡可能已收到", "the card may have it")),
    };
    Page::new()
        .with("load_id", Words::new("编号", "id"), Value::text(lost.load_id.to_string()))
        .with("act", Words::new("类型", "kind"), act_words(act))
        .with("original", Words::new("原消费", "original"), Value::text(lost.original.reference()))
        .with("state", Words::new("状态", "state"), standing)
        .with("card_identifier", Words::new("卡的识别码", "card"), Value::text(lost.card_identifier.to_string()))
        .with("personal_account_fen", Words::new("退回账户", "to account"), Value::Money(parts.personal_account))
        .with("self_paid_fen", Words::new("退现金", "in cash"), Value::Money(parts.self_paid))
        .with("pooled_fund_fen", Words::new("退统筹", "to pool"), Value::Money(parts.pooled_fund))
        .with("why", Words::new("原因", "why"), Value::maybe(lost.dropped_why.clone()))
        .with("operator", Words::new("操作员", "by"), Value::maybe(lost.dropped_by.clone()))
}

fn act_words(act: RefundAct) -> Value {
    match act {
        RefundAct::Refund => Value::Choice("refund", Words::new("退费", "refund")),
        RefundAct::Cancel => Value::Choice("cancel", Words::new("撤销", "cancel")),
    }
}

/// `refund drop`.
fn drop_lost(setting: &Setting<'_>, id: &str, reason: &str) -> Result<Exit, TerminalError> {
    let mut store = Store::open_if_there(&setting.configuration.data)?.ok_or(TerminalError::NotEnrolled)?;
    store.take_turn()?;
    let unknown = || RefundFault::Unknown { id: id.to_owned() };
    let load_id = LoadId::parse(id).map_err(|_| unknown())?;
    match store.drop_elsewhere(load_id, reason, &setting.configuration.operator)? {
        Dropping::Done => {}
        Dropping::Unknown => return Err(unknown().into()),
        Dropping::Credited => return Err(RefundFault::Credited { id: id.to_owned() }.into()),
    }
    let lost = store.lost_elsewhere()?.into_iter().find(|lost| lost.load_id == load_id);
    setting.output.answer(&lost_row(&lost.ok_or(TerminalError::Bug("what was dropped is kept"))?))?;
    Ok(Exit::Ok)
}

/// A refund: what goes back, how long it waits, what is next.
fn row(now: Now, store: &Store, order: &RefundOrder) -> Result<Page, TerminalError> {
    let state = Value::Choice(
        order.state.as_str(),
        match order.state {
            RefundState::Open => Words::new("未完成", "open"),
            RefundState::Done => Words::new("已完成", "done"),
            RefundState::Withdrawn => Words::new("已撤回", "withdrawn"),
        },
    );
    let last = order.last.map(|number| store.entry(number)).transpose()?;
    let reason = last.as_ref().and_then(|entry| entry.reason.clone());
    let balance = last.as_ref().and_then(|entry| entry.done).map(|done| Fen::from_card(done.balance_after));
    let age_hours =
        Now::of_utc(&order.opened_at).map_or(0, |at| (now.seconds() - at.seconds()).max(0)) / SECONDS_PER_HOUR;
    let is_open = order.state == RefundState::Open;
    let next = match (&last, is_open) {
        (_, false) => Value::Absent,
        (Some(entry), true) if entry.state.blocks_card() => {
            Value::Words(Words::new("结果未知:插卡并给出密码", "outcome unknown: insert the card and give its PIN"))
        }
        (_, true) => Value::Words(Words::new("插卡完成", "insert the card and finish it")),
    };
    let why = match order.state {
        RefundState::Withdrawn => store.withdrawn_why(order.number)?,
        RefundState::Open | RefundState::Done => reason,
    };
    Ok(Page::new()
        .with("refund", Words::new("退费号", "refund"), Value::text(order.number.to_string()))
        .with("act", Words::new("类型", "kind"), act_words(order.act))
        .with("original", Words::new("原日志号", "original"), Value::text(order.original.name()))
        .with("state", Words::new("状态", "state"), state)
        .with("card_identifier", Words::new("卡的识别码", "card"), Value::text(order.card_identifier.to_string()))
        .with("personal_account_fen", Words::new("退回账户", "to account"), Value::Money(order.parts.personal_account))
        .with("self_paid_fen", Words::new("退现金", "in cash"), Value::Money(order.parts.self_paid))
        .with("pooled_fund_fen", Words::new("退统筹", "to pool"), Value::Money(order.parts.pooled_fund))
        .with("balance_fen", Words::new("余额", "balance"), balance.map_or(Value::Absent, Value::Money))
        .with(
            "age_hours",
            Words::new("已等小时", "hours"),
            if is_open { Value::Number(age_hours) } else { Value::Absent },
        )
        .with(
            "reason",
            Words::new("事由", "reason"),
            Value::maybe(Some(order.reason.clone()).filter(|text| !text.is_empty())),
        )
        .with("why", Words::new("未成原因", "why not"), Value::maybe(why))
        .with("next", Words::new("下一步", "next"), next))
}
