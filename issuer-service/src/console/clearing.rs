//! What one person asked for in clearing and another decides: records that were not posted, sales that never ended, money for accounts,
//! loads whose outcome nobody told.
//!
//! Owns: the four lists, what was rejected and why. Never: decides.

use maud::{Markup, html};
use settlement::fen::Fen;

use super::{Viewer, cell, code, link, minute, none, table};
use crate::clearing::decision::DecisionState;
use crate::store::proposal::{Kind, Proposal};

/// What each list is called.
const LISTS: [(Kind, &str, &str); 4] = [
    (Kind::Record, "挂账记录", "Records"),
    (Kind::Sale, "联机消费", "Sales"),
    (Kind::Allotment, "划入单", "Allotments"),
    (Kind::Load, "圈存", "Loads"),
];

/// One of the lists, the newest first; `older` is where the next page begins.
#[must_use]
pub fn page(viewer: &Viewer<'_>, kind: Kind, proposals: &[Proposal], older: Option<i64>) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let heads = [
        (say("编号", "No."), true),
        (say("对象", "About"), false),
        (say("事项", "What"), false),
        (say("状态", "State"), false),
        (say("理由", "Why"), false),
        (say("经办人", "Asked by"), false),
        (say("复核人", "Decided by"), false),
        (say("经办时间（北京时间）", "Asked (UTC+8)"), false),
    ];
    html! {
        p { @for (other, zh, en) in LISTS {
            a href={ "/console/clearing?of=" (other.name()) } aria-current=[(other == kind).then_some("true")] { (say(zh, en)) } " "
        } }
        p.quiet { (say("提出和复核在中心的机器上办理，由两人分别进行。", "Asking and deciding are done at the centre's machine, by two people.")) }
        @if proposals.is_empty() { (none(say("没有记录。", "There is none."))) } @else {
            @let rows: Vec<_> = proposals.iter().map(|one| row(viewer, one)).collect();
            (table(&heads, None, &rows))
        }
        @if let Some(older) = older {
            p { (link(&format!("/console/clearing?of={}&before={older}", kind.name()), say("更早的", "Older ones"))) }
        }
    }
}

fn row(viewer: &Viewer<'_>, one: &Proposal) -> Vec<Markup> {
    let say = |zh, en| viewer.say(zh, en);
    let act = match one.act.as_str() {
        "post" => say("入账", "post"),
        "return" => say("退还持卡人", "return to the holder"),
        "dismiss" => say("销账", "dismiss"),
        "take-back" => say("冲回", "take back"),
        "close" => say("关闭", "close"),
        "credited" => say("已到卡", "credited"),
        "not-credited" => say("未到卡", "not credited"),
        _ => say("划入", "allot"),
    };
    let yuan = one.total_fen.map(|total| {
        let total = Fen::new(total);
        viewer.lang.pick(format!("{total} 元"), format!("{total} yuan"))
    });
    let holders = one.holders.map(|holders| viewer.lang.pick(format!("{holders} 人"), format!("{holders} holders")));
    let amount = [holders, yuan].into_iter().flatten().collect::<Vec<_>>().join(say("，", ", "));
    let about = html! {
        @if let Some(about) = &one.about { (code(about)) " " }
        (cell(amount))
    };
    vec![
        cell(one.number),
        about,
        cell(act),
        viewer.state(&DecisionState::TABLE, &one.state),
        html! {
            @if let Some(reason) = &one.reason { span.long { (reason) } }
            @if let Some(rejection) = &one.rejection { p.long { (say("退回原因：", "Rejected because: ")) (rejection) } }
        },
        cell(&one.maker),
        cell(one.checker.as_deref().unwrap_or("")),
        cell(minute(&one.made_at)),
    ]
}
