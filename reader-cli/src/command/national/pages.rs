//! Answers of `national …`.
//!
//! Owns: items, labels, what to do about a difference. Never: a name or number that is not masked.

use card_counter::error::TerminalError;
use card_counter::language::Words;
use card_counter::store::StoredSale;
use settlement::bill::Bill;
use settlement::fen::Fen;
use settlement::national::amounts;
use settlement::national::message::{BenefitAnswer, LineInfo, SettlementInfo};
use settlement::national::state::State;
use settlement::national::statement::{Class, Finding, Sums};
use settlement::national::{Amount, Text};
use settlement::split::Split;

use super::beside;
use crate::national::{Compared, Finished, Known, National, Outcome};
use crate::page::{Page, Value};

fn money(id: &str, zh: &'static str, en: &'static str, amount: Fen) -> Page {
    Page::new().with(id, Words::new(zh, en), Value::Money(amount))
}

fn maybe(amount: Option<Fen>) -> Value {
    amount.map_or(Value::Absent, Value::Money)
}

fn state(state: State) -> Value {
    let words = match state {
        State::Sent => Words::new("已发送", "sent"),
        State::Settled => Words::new("已结算", "settled"),
        State::Refused => Words::new("被拒绝", "refused"),
        State::Uncertain => Words::new("结果未知", "uncertain"),
        State::Reversed => Words::new("已冲正", "reversed"),
        State::Cancelling => Words::new("撤销已发送", "cancelling"),
        State::CancelUncertain => Words::new("撤销结果未知", "cancellation uncertain"),
        State::Cancelled => Words::new("已撤销", "cancelled"),
    };
    Value::Choice(state.as_str(), words)
}

/// Where the settlement of a bill stands.
pub(super) fn standing(bill: &str, now: State) -> Page {
    Page::new().with("bill_id", Words::new("单号", "bill"), Value::text(bill)).with(
        "state",
        Words::new("状态", "state"),
        state(now),
    )
}

/// What was undone before anything else; what was not, as a note.
pub(super) fn finished(finished: &[Finished], is_asked: bool) -> Page {
    let row = |finished: &Finished| {
        let now = match &finished.now {
            Ok(now) => state(*now),
            Err(error) => Value::Words(beside(error)),
        };
        Page::new()
            .with("bill_id", Words::new("单号", "bill"), Value::text(&*finished.bill))
            .with("message", Words::new("交易", "message"), Value::text(finished.infno.to_string()))
            .with("state", Words::new("状态", "state"), now)
    };
    let mut page = Page::new();
    if is_asked || !finished.is_empty() {
        let rows = finished.iter().map(row).collect();
        page =
            page.with("finished", Words::new("已处理的无应答交易", "messages without answer, now"), Value::Table(rows));
    }
    match finished.iter().any(|finished| finished.now.is_err()) {
        false => page,
        true => page.noted(
            "NATIONAL_OPEN",
            Words::new(
                "中心没有冲正其中的交易:与中心核对后用 sscard national judge 记下结论",
                "the centre did not undo one of them: ask there, and note the answer with sscard national judge",
            ),
        ),
    }
}

/// Settlements.
pub(super) fn list(sales: &[StoredSale]) -> Page {
    let row = |sale: &StoredSale| {
        let (setl_id, _) = sale.ids.clone().unzip();
        standing(&sale.bill_id, sale.state)
            .with("day", Words::new("日期", "day"), Value::text(sale.day.to_string()))
            .with("total_fen", Words::new("合计", "total"), Value::Money(sale.total))
            .with("account_fen", Words::new("个人账户", "account"), maybe(sale.paid.map(|paid| paid[1])))
            .with("setl_id", Words::new("结算ID", "settlement"), Value::maybe(setl_id))
            .with("refund_id", Words::new("退费结算ID", "refund"), Value::maybe(sale.refund.clone().map(|(id, _)| id)))
            .with("msgid", Words::new("报文ID", "message"), Value::text(&*sale.settle_msgid))
            .with(
                "judged",
                Words::new("人工判定", "judged by a person"),
                Value::maybe(sale.judged().map(str::to_owned)),
            )
    };
    let open = sales.iter().filter(|sale| sale.state.undoes().is_some()).count();
    let page = Page::new()
        .with("settlements", Words::new("结算", "settlements"), Value::Table(sales.iter().map(row).collect()))
        .with("open", Words::new("结果未知", "open"), Value::count(open));
    match open {
        0 => page,
        _ => page.noted(
            "NATIONAL_OPEN",
            Words::new("执行 sscard national finish 自动冲正", "run sscard national finish: it is undone by itself"),
        ),
    }
}

/// A person, masked.
pub(super) fn person(known: &Known) -> Page {
    let (name, number) = known.masked();
    let rows = known.insured.iter().map(|row| {
        Page::new()
            .with("insutype", Words::new("险种", "insurance"), Value::text(&*row.insutype))
            .with("psn_type", Words::new("人员类别", "kind"), Value::maybe(row.psn_type.clone()))
            .with("status", Words::new("参保状态", "status"), Value::maybe(row.status.clone()))
            .with("region", Words::new("参保地", "insured at"), Value::maybe(row.region.clone()))
            .with("balance_fen", Words::new("余额", "balance"), maybe(row.balance))
    });
    Page::new()
        .with("name", Words::new("姓名", "name"), Value::text(name))
        .with("psn_no", Words::new("人员编号", "number"), Value::text(number))
        .with("insured", Words::new("参保", "insured"), Value::Table(rows.collect()))
}

/// What may be paid.
pub(super) fn benefit(answer: &BenefitAnswer, known: &Known) -> Page {
    let rows = answer.trtinfo.iter().map(|row| {
        let flag = row.trt_enjymnt_flag.as_ref().map(Text::as_str);
        let result = row.trt_chk_rslt.as_ref().map(|text| National::shown(text.as_str(), known));
        Page::new()
            .with("check", Words::new("检查类型", "check"), Value::maybe(row.trt_chk_type.as_ref().map(Text::as_str)))
            .with(
                "enjoys",
                Words::new("可享受", "may be paid"),
                flag.map_or(Value::Absent, |flag| Value::Flag(flag == "1")),
            )
            .with("result", Words::new("结果", "result"), Value::maybe(result))
    });
    Page::new().with("checks", Words::new("待遇检查", "checks"), Value::Table(rows.collect()))
}

/// The settlement's own names.
pub(super) fn settled(sale: &StoredSale) -> Page {
    let (setl_id, mdtrt_id) = sale.ids.clone().unzip();
    Page::new()
        .with("state", Words::new("状态", "state"), state(sale.state))
        .with("setl_id", Words::new("结算ID", "settlement"), Value::maybe(setl_id))
        .with("mdtrt_id", Words::new("就诊ID", "visit"), Value::maybe(mdtrt_id))
        .with("msgid", Words::new("报文ID", "message"), Value::text(&*sale.settle_msgid))
}

/// A cancelled settlement.
pub(super) fn cancelled(sale: &StoredSale) -> Page {
    let refund = sale.refund.clone().map(|(id, _)| id);
    let cash = sale.paid.map_or(Fen::ZERO, |paid| paid[2]);
    standing(&sale.bill_id, sale.state)
        .with("refund_id", Words::new("退费结算ID", "refund"), Value::maybe(refund))
        .joined(money("cash_back_fen", "应退现金", "cash to give back", cash))
}

/// Amounts of the centre, lines, and where our own split differs.
pub(super) fn outcome(bill: &Bill, outcome: &Outcome, ours: Option<Result<Split, TerminalError>>) -> Page {
    let page = Page::new()
        .with("bill_id", Words::new("单号", "bill"), Value::text(bill.bill_id.as_str()))
        .joined(amounts_of(&outcome.info))
        .with("lines", Words::new("明细", "lines"), Value::Table(outcome.lines.iter().map(line).collect()));
    let compared = "compared";
    let label = Words::new("与本地计算比较", "compared with our own split");
    match ours {
        None => page.with(compared, label, Value::Flag(false)).noted(
            "NATIONAL_NOT_COMPARED",
            Words::new("没有药品目录,未与本地计算比较", "no drug catalogue: not compared with our own split"),
        ),
        Some(Err(error)) => {
            let words = beside(&error);
            let words = Words::of(format!("本地计算不出:{}", words.zh), format!("our own split refuses: {}", words.en));
            page.with(compared, label, Value::Flag(false)).noted("NATIONAL_NOT_COMPARED", words)
        }
        Some(Ok(split)) => {
            let differences = amounts::differences(&split, &outcome.info);
            let row = |difference: &amounts::Difference| {
                let (zh, en) = difference.label;
                Page::new()
                    .with("field", Words::new("字段", "field"), Value::text(difference.field))
                    .with("label", Words::new("名称", "amount"), Value::Words(Words::new(zh, en)))
                    .with("ours_fen", Words::new("本地", "ours"), Value::Money(difference.ours))
                    .with("centre_fen", Words::new("中心", "centre"), Value::Money(difference.centre))
            };
            let rows = differences.iter().map(row).collect();
            let page = page.with(compared, label, Value::Flag(true)).with(
                "differences",
                Words::new("差异", "differences"),
                Value::Table(rows),
            );
            match differences.is_empty() {
                true => page,
                false => {
                    page.noted("NATIONAL_SPLIT_DIFFERS", Words::new("以中心的金额为准", "the centre's amounts count"))
                }
            }
        }
    }
}

fn amounts_of(info: &SettlementInfo) -> Page {
    let fen = |amount: Amount| Value::Money(amount.fen());
    Page::new()
        .with("total_fen", Words::new("合计", "total"), fen(info.medfee_sumamt))
        .with("own_pay_fen", Words::new("全自费", "own pay"), fen(info.fulamt_ownpay_amt))
        .with("over_limit_fen", Words::new("超限价", "over limit"), fen(info.overlmt_selfpay))
        .with("first_self_pay_fen", Words::new("先行自付", "first self-pay"), fen(info.preselfpay_amt))
        .with("in_scope_fen", Words::new("政策范围内", "in scope"), fen(info.inscp_scp_amt))
        .with("funds_fen", Words::new("基金", "funds"), fen(info.fund_pay_sumamt))
        .with("account_fen", Words::new("个人账户", "account"), fen(info.acct_pay))
        .with("cash_fen", Words::new("现金", "cash"), fen(info.psn_cash_pay))
        .with("balance_fen", Words::new("余额", "balance after"), maybe(info.balc.map(Amount::fen)))
}

fn line(line: &LineInfo) -> Page {
    let fen = |amount: Option<Amount>| maybe(amount.map(Amount::fen));
    Page::new()
        .with("item", Words::new("项", "item"), Value::text(line.feedetl_sn.as_str()))
        .with("amount_fen", Words::new("金额", "amount"), fen(line.det_item_fee_sumamt))
        .with("ratio", Words::new("自付比例", "ratio"), Value::maybe(line.selfpay_prop.map(|ratio| ratio.to_string())))
        .with("own_pay_fen", Words::new("全自费", "own pay"), fen(line.fulamt_ownpay_amt))
        .with("over_limit_fen", Words::new("超限价", "over limit"), fen(line.overlmt_amt))
        .with("first_self_pay_fen", Words::new("先行自付", "first self-pay"), fen(line.preselfpay_amt))
        .with("in_scope_fen", Words::new("政策范围内", "in scope"), fen(line.inscp_scp_amt))
}

/// Lines of a settlement.
pub(super) fn lines(lines: &[LineInfo]) -> Page {
    Page::new().with("lines", Words::new("明细", "lines"), Value::Table(lines.iter().map(line).collect()))
}

/// A settlement as the centre has it; whether its sums are ours.
pub(super) fn looked_up(sale: &StoredSale, info: &SettlementInfo) -> (Page, bool) {
    let theirs =
        Sums { total: info.medfee_sumamt.fen(), funds: info.fund_pay_sumamt.fen(), account: info.acct_pay.fen() };
    let even = theirs == sale.sums();
    let page = standing(&sale.bill_id, sale.state).joined(amounts_of(info)).with(
        "even",
        Words::new("与日志一致", "as in the journal"),
        Value::Flag(even),
    );
    (page, even)
}

/// Days compared: totals, and what differs with what to do.
pub(super) fn compared(days: &[Compared], even: bool) -> Page {
    let total = |day: &Compared| {
        let of_day = day.day.to_string();
        day.totals
            .iter()
            .map(move |(group, sums, count, even)| {
                Page::new()
                    .with("day", Words::new("日期", "day"), Value::text(&*of_day))
                    .with("insutype", Words::new("险种", "insurance"), Value::text(&*group.insutype))
                    .with("clr_type", Words::new("清算类别", "clearing"), Value::text(&*group.clr_type))
                    .with("setl_optins", Words::new("经办机构", "office"), Value::text(&*group.office))
                    .with("count", Words::new("笔数", "count"), Value::count(*count))
                    .with("total_fen", Words::new("合计", "total"), Value::Money(sums.total))
                    .with("funds_fen", Words::new("基金", "funds"), Value::Money(sums.funds))
                    .with("account_fen", Words::new("个人账户", "account"), Value::Money(sums.account))
                    .with("even", Words::new("一致", "even"), Value::Flag(*even))
            })
            .collect::<Vec<_>>()
    };
    let totals = days.iter().flat_map(total).collect();
    let findings: Vec<Page> = days.iter().flat_map(|day| day.findings.iter().map(finding)).collect();
    let page = Page::new()
        .with("totals", Words::new("总账", "totals"), Value::Table(totals))
        .with("even", Words::new("一致", "even"), Value::Flag(even))
        .with("differences", Words::new("差异", "differences"), Value::Table(findings));
    match even {
        true => page,
        false => page.noted(
            "NATIONAL_UNEVEN",
            Words::new("逐笔处理后再次执行 day-end", "settle each of them, then run day-end again"),
        ),
    }
}

fn finding(finding: &Finding) -> Page {
    let sums = |sums: Option<Sums>| sums.map(|sums| sums.total);
    Page::new()
        .with("class", Words::new("类别", "class"), Value::Choice(finding.class.as_str(), class(finding.class)))
        .with("setl_id", Words::new("结算ID", "settlement"), Value::text(&*finding.setl_id))
        .with("msgid", Words::new("报文ID", "message"), Value::text(&*finding.msgid))
        .with("ours_fen", Words::new("本地", "ours"), maybe(sums(finding.ours)))
        .with("centre_fen", Words::new("中心", "centre"), maybe(sums(finding.centre)))
        .with("proposal", Words::new("处理", "what to do"), Value::Words(proposal(finding)))
}

fn class(class: Class) -> Words {
    match class {
        Class::OnlyOurs => Words::new("只有本地有", "only ours"),
        Class::OnlyCentre => Words::new("只有中心有", "only the centre's"),
        Class::AmountDiffers => Words::new("金额不同", "amount differs"),
        Class::StatusDiffers => Words::new("状态不同", "status differs"),
    }
}

/// What a person does about a difference; nothing is done by itself.
fn proposal(finding: &Finding) -> Words {
    match (finding.class, finding.is_refund, finding.ours.is_some()) {
        (Class::OnlyOurs, _, _) => Words::new(
            "用 national show 再查;中心确无此结算时,把它当作没有结算:药费按现金收取,或重新结算",
            "look again with national show; if the centre has none, nothing was settled: take the money in cash, or settle anew",
        ),
        (Class::OnlyCentre, true, _) => {
            Words::new("请中心说明这笔退费属于哪笔结算", "ask the centre which settlement this refund belongs to")
        }
        (Class::OnlyCentre, false, _) => Words::new(
            "按报文ID查收据:没有卖出的,请中心用该报文冲正 (2601) 或撤销 (2103)",
            "look for its message among the receipts; if nothing was sold, have it reversed (2601) or cancelled (2103)",
        ),
        (Class::AmountDiffers, _, _) => Words::new(
            "以中心金额为准;与收据不符时撤销 (2103) 后重新结算",
            "the centre's amount counts; if the receipt says otherwise, cancel (2103) and settle anew",
        ),
        // A refund that only we have: at the centre the sale still stands.
        (Class::StatusDiffers, _, true) if finding.centre.is_none() => Words::new(
            "本地已撤销而中心仍为已结算:请中心撤销,或再次收款",
            "we have it cancelled, at the centre it stands: have it cancelled there, or take the money again",
        ),
        (Class::StatusDiffers, _, _) => Words::new(
            "中心已撤销而本地仍为已结算:退货则退款,否则重新结算",
            "the centre has it cancelled, we have not: give the money back if the goods came back, else settle anew",
        ),
    }
}
