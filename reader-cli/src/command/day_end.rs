//! `upload`, `day-end`: what waits goes to the centre, and what the day came to.
//!
//! Owns: their answers. Never: sends (`centre_line::upload`); touches a card.

use std::collections::BTreeMap;

use card_calls::handover::Standing;
use card_calls::{Code, handover};
use settlement::BusinessDate;
use settlement::batch::Totals;
use settlement::fen::Fen;
use settlement::journal::State;
use settlement::message::{LoadOutcomeRequest, Request as _};
use settlement::record::Evidence;
use settlement::sale::SaleOutcomeRequest;

use super::Setting;
use super::office::{Office, number};
use crate::elsewhere::Told;
use crate::exit::Exit;
use crate::http::Centre;
use crate::page::{Page, Value};
use crate::upload::{self, Uploaded};
use card_counter::error::TerminalError;
use card_counter::journal::{Entry, Subject};
use card_counter::language::Words;
use card_counter::store::Store;

/// `upload`.
pub(super) fn upload(setting: &Setting<'_>) -> Result<Exit, TerminalError> {
    let Office { mut store, key, terminal } = setting.office()?;
    let centre = Centre::at(setting.centre()?, &key, terminal);
    store.take_turn()?;
    let uploaded = upload::upload(&mut store, &centre, &key)?;
    setting.output.answer(&uploaded_page(&store, &uploaded)?.joined(untold(&store)?))?;
    Ok(if uploaded.refused.is_empty() { Exit::Ok } else { Exit::Partly })
}

/// `day-end`.
pub(super) fn day_end(setting: &Setting<'_>) -> Result<Exit, TerminalError> {
    let Office { mut store, key, terminal } = setting.office()?;
    let centre = Centre::at(setting.centre()?, &key, terminal);
    store.take_turn()?;
    let sent = upload::upload(&mut store, &centre, &key);
    let entries = store.entries()?;
    let open = entries.iter().filter(|entry| entry.state.blocks_card()).count();
    let day = setting.rules(Some(&store))?.day;
    let before = store.day_ended_before(day)?.unwrap_or(0);
    let refused = store.refused_records()?;
    let done = |entry: &&Entry| entry.state == State::Confirmed;
    let (today, others): (Vec<&Entry>, Vec<&Entry>) =
        entries.iter().filter(done).partition(|entry| entry.draft.business_date == day);
    let (posted, apart) = standing(&today, &refused);
    let totals = totals(&posted)?;
    let mut earlier: BTreeMap<BusinessDate, Vec<&Entry>> = BTreeMap::new();
    for entry in others.into_iter().filter(|entry| entry.record > Some(before)) {
        earlier.entry(entry.draft.business_date).or_default().push(entry);
    }
    let earlier = earlier.into_iter().map(|(day, entries)| {
        let (posted, apart) = standing(&entries, &refused);
        let (sums, apart) = (self::totals(&posted)?, self::totals(&apart)?);
        Ok(Page::new()
            .with("business_date", Words::new("业务日", "business date"), Value::text(day.to_string()))
            .with("purchases", Words::new("消费笔数", "purchases"), Value::Number(i64::from(sums.purchases)))
            .with("personal_account_fen", Words::new("个人账户", "account"), Value::Money(sums.personal_account_fen))
            .with("self_paid_fen", Words::new("现金", "cash"), Value::Money(sums.self_paid_fen))
            .with("loads", Words::new("划入笔数", "loads"), Value::Number(i64::from(sums.loads)))
            .with("refunds", Words::new("退费笔数", "refunds"), Value::Number(i64::from(sums.refunds.count)))
            .with("apart", Words::new("另列消费", "purchases apart"), Value::Number(i64::from(apart.purchases))))
    });
    let earlier = earlier.collect::<Result<Vec<_>, TerminalError>>()?;
    let apart = self::totals(&apart)?;
    let words = store.for_the_centre(day, [LoadOutcomeRequest::PATH, SaleOutcomeRequest::PATH])?;
    let words = words.iter().map(|(entry, code)| {
        Page::new().with("entry", Words::new("日志号", "entry"), Value::text(entry.to_string())).with(
            "code",
            Words::new("代码", "code"),
            Value::text(code),
        )
    });
    let nothing = Uploaded::default();
    let uploaded = sent.as_ref().unwrap_or(&nothing);
    let mut page = uploaded_page(&store, uploaded)?
        .with("business_date", Words::new("业务日", "business date"), Value::text(day.to_string()))
        .with("purchases", Words::new("消费笔数", "purchases"), Value::Number(i64::from(totals.purchases)))
        .with("personal_account_fen", Words::new("个人账户", "account"), Value::Money(totals.personal_account_fen))
        .with("self_paid_fen", Words::new("现金", "cash"), Value::Money(totals.self_paid_fen))
        .with("pooled_fund_fen", Words::new("统筹基金", "pool"), Value::Money(totals.pooled_fund_fen))
        .with("loads", Words::new("划入笔数", "loads"), Value::Number(i64::from(totals.loads)))
        .with("loaded_fen", Words::new("划入金额", "loaded"), Value::Money(totals.loaded_fen))
        .with("refunds", Words::new("退费笔数", "refunds"), Value::Number(i64::from(totals.refunds.count)))
        .with("refunded_fen", Words::new("退回账户", "refunded"), Value::Money(totals.refunds.personal_account_fen))
        .with("refunded_cash_fen", Words::new("退现金", "refunded in cash"), Value::Money(totals.refunds.self_paid_fen))
        .with(
            "refunded_pool_fen",
            Words::new("退统筹", "refunded to pool"),
            Value::Money(totals.refunds.pooled_fund_fen),
        )
        .with(
            "apart_purchases",
            Words::new("另列:判定或未入账的消费笔数", "apart, judged or not posted: purchases"),
            Value::Number(i64::from(apart.purchases)),
        )
        .with(
            "apart_account_fen",
            Words::new("另列个人账户", "apart, account"),
            Value::Money(apart.personal_account_fen),
        )
        .with("apart_cash_fen", Words::new("另列现金", "apart, cash"), Value::Money(apart.self_paid_fen))
        .with("earlier", Words::new("未日终的其他业务日", "days not ended yet"), Value::Table(earlier))
        .with("for_centre", Words::new("由中心核查", "the centre looks into"), Value::Table(words.collect()))
        .with("open", Words::new("未了结", "open"), Value::count(open))
        .joined(untold(&store)?);
    if open > 0 {
        page = page.noted(
            "OPEN_TRANSACTIONS",
            Words::new(
                "有结果未知的交易:持卡人再来时插卡即可查明",
                "some outcomes are unknown: they are settled when the card comes back",
            ),
        );
    }
    setting.output.answer(&page)?;
    // Whatever the centre said to a word, the till was told its totals.
    let uploaded = sent?;
    store.end_day(day, entries.iter().filter_map(|entry| entry.record).max().unwrap_or(0))?;
    Ok(if uploaded.refused.is_empty() { Exit::Ok } else { Exit::Partly })
}

/// What was done, and apart from it what only a person's word says was done, or the centre did not post.
fn standing<'e>(entries: &[&'e Entry], refused: &BTreeMap<u64, String>) -> (Vec<&'e Entry>, Vec<&'e Entry>) {
    let is_apart = |entry: &&&Entry| {
        entry.done.is_some_and(|done| done.evidence == Evidence::Judged)
            || entry.record.is_some_and(|record| refused.contains_key(&record))
    };
    entries.iter().partition(|entry| !is_apart(entry))
}

fn totals(entries: &[&Entry]) -> Result<Totals, TerminalError> {
    let records: Vec<_> = entries.iter().filter_map(|entry| entry.to_record()).collect();
    Totals::of(&records).map_err(|_| TerminalError::Bug("sums of a journal fit 64 bits"))
}

/// What the card showed against a person's word and nobody at its tap was told; what a driver's call sold and its program never heard
/// of, which would sell it twice.
fn untold(store: &Store) -> Result<Page, TerminalError> {
    let untold = store.untold()?;
    let contradicted = untold.iter().filter(|entry| entry.is_contradicted());
    let page =
        contradicted.fold(Page::new(), |page, entry| page.noted("JUDGEMENT_CONTRADICTED", super::contradicted(entry)));
    let (mut rows, mut is_paid, mut went_back) = (Vec::new(), false, false);
    for entry in untold.iter().filter(|entry| entry.state == State::Confirmed) {
        let Some(Standing { code, left }) = handover::standing(store, entry)? else { continue };
        is_paid |= code == Code::EARLIER_PAID;
        went_back |= left.is_some();
        let card = entry.draft.card_identifier.to_string();
        // The digits of its serial, as receipts have them.
        let serial = card.get(16..24).unwrap_or_default();
        let time = entry.sent.map(|sent| sent.date_time.to_string());
        rows.push(
            found_by(entry)
                .with("time", Words::new("时间", "time"), Value::maybe(time))
                .with("card", Words::new("卡", "card"), Value::text(format!("****{serial}")))
                .with("code", Words::new("代码", "code"), Value::Number(i64::from(code.0)))
                .with(
                    "left_fen",
                    Words::new("剩余", "left"),
                    match left {
                        Some(left) => Value::Money(Fen::from_card(left.personal_account)),
                        None => Value::Absent,
                    },
                ),
        );
    }
    if rows.is_empty() {
        return Ok(page);
    }
    let mut page =
        page.with("program_not_told", Words::new("调用程序未得知", "its program was not told"), Value::Table(rows));
    if is_paid {
        page = page.noted(
            "PROGRAM_NOT_TOLD",
            Words::new(
                "驱动函数的消费已付,调用程序未得知:同一张卡下次调用得 -3006 及其输出,或不用卡交接:sscard driver output 日志号;此前不要另行收款",
                "calls of the driver are paid and their program was not told: the next call with that card gets -3006 and the output, or it is handed over without the card: sscard driver output ENTRY; take no other payment before",
            ),
        );
    }
    if went_back {
        page = page.noted(
            "GIVEN_BACK",
            Words::new(
                "列有剩余的消费之后已退费或撤销:调用程序只应录入剩余金额;全部退回的(-3010)不录入,需要时另行收款",
                "of those with something left named, money went back since: their program is to hold what is left alone; what went back whole (-3010) is not entered, and paid for anew where it is due",
            ),
        );
    }
    Ok(page)
}

/// What a till does not know, or has to decide, of refunds at other tills; of an asking that never was, nothing.
pub(super) fn told_elsewhere(store: &Store, told: Option<Told>) -> Result<Page, TerminalError> {
    let mut page = Page::new();
    if told == Some(Told::NotAll) {
        page = page.noted(
            "REFUNDS_NOT_TOLD",
            Words::new(
                "中心没有告知其他终端的退费,下次上传时再问",
                "the centre did not tell what other tills gave back: the next upload asks again",
            ),
        );
    }
    let open = store.lost_elsewhere()?.iter().filter(|lost| lost.dropped_why.is_none()).count();
    if told.is_some() && open > 0 {
        page = page.noted(
            "REFUNDS_LOST",
            Words::of(
                format!("其他终端的 {open} 笔退费,中心曾告知而账上已无,仍按已退计:用 sscard refund list 查看,与中心核对"),
                format!(
                    "{open} refunds at other tills that the centre told of are not in its books any more and go on counting: see sscard refund list, and ask the centre"
                ),
            ),
        );
    }
    Ok(page)
}

/// What an upload did; a record that was not posted with what the counter finds it by.
pub(super) fn uploaded_page(store: &Store, uploaded: &Uploaded) -> Result<Page, TerminalError> {
    let first = uploaded.refused.iter().map(|(record, _)| *record).min();
    let entries = first.map_or(Ok(Vec::new()), |record| store.finished_after(record.saturating_sub(1)))?;
    let refused = uploaded.refused.iter().map(|(record, code)| {
        let row = Page::new().with("record", Words::new("记录号", "record"), number(*record)).with(
            "code",
            Words::new("代码", "code"),
            Value::text(code),
        );
        match entries.iter().find(|entry| entry.record == Some(*record)) {
            Some(entry) => row.joined(found_by(entry)),
            None => row,
        }
    });
    let page = Page::new()
        .with("batches", Words::new("批次", "batches"), Value::Number(i64::from(uploaded.batches)))
        .with("accepted", Words::new("已入账记录", "records posted"), number(uploaded.accepted))
        .with("refused", Words::new("未入账记录", "records not posted"), Value::Table(refused.collect()))
        .with("load_outcomes", Words::new("划入结果", "load outcomes"), Value::Number(i64::from(uploaded.outcomes)))
        .with(
            "contradicted",
            Words::new("已报告与卡不符", "contradicted, told"),
            Value::Number(i64::from(uploaded.contradicted)),
        )
        .with("sales_not_done", Words::new("未成交的询问", "sales not done"), Value::Number(i64::from(uploaded.sales)))
        .joined(told_elsewhere(store, uploaded.elsewhere)?);
    let Some((_, code)) = uploaded.refused.first() else { return Ok(page) };
    Ok(page.noted(
        "CENTRE_NOT_POSTED",
        Words::of(
            format!("{} 条记录中心未入账({code} 等);由中心核查", uploaded.refused.len()),
            format!(
                "the centre did not post {} of them ({code}, as the table says of each); the centre looks into it",
                uploaded.refused.len()
            ),
        ),
    ))
}

/// By what the counter finds an entry: its number, bill and amounts.
pub(super) fn found_by(entry: &Entry) -> Page {
    let amounts = entry.draft.subject.amounts();
    let money = |fen: u32| Value::Money(Fen::from_card(fen));
    let bill = match &entry.draft.subject {
        Subject::Purchase { bill_id, .. } => Value::text(bill_id.as_str()),
        Subject::Load { .. } | Subject::Refund { .. } => Value::Absent,
    };
    Page::new()
        .with("entry", Words::new("日志号", "entry"), Value::text(entry.number.to_string()))
        .with("bill_id", Words::new("单号", "bill"), bill)
        .with("personal_account_fen", Words::new("个人账户", "account"), money(amounts.personal_account))
        .with("self_paid_fen", Words::new("现金", "cash"), money(amounts.self_paid))
        .with("pooled_fund_fen", Words::new("统筹基金", "pool"), money(amounts.pooled_fund))
}
