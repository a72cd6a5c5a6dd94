//! What the centre tells, as people read it: balance, difference, account, insurances, a new card, loss, tickets.
//!
//! Owns: these pages. Never: asks the centre.

use card_counter::language::Words;
use maud::{Markup, html};
use settlement::BusinessDate;
use settlement::fen::Fen;
use settlement::query::{
    AccountView, CardState, LineKind, LossAct, NewCardStage, PendingItem, Standing, TicketKind, TicketSubject,
};

use super::super::machine::{ROWS, TOGETHER};
use super::super::screen::Function;
use super::super::visit::{AtCentre, Certified, NoCertificate, Print};
use super::picture::{Picture, picture};
use super::{Drawer, sum};
use crate::paper;

/// Items of a difference that the first page has room for; the rest stand on a page of their own.
const CHIPS: usize = 2;

impl Drawer<'_> {
    pub(super) fn names(&self, (zh, en): (&'static str, &'static str)) -> &'static str {
        self.say(zh, en)
    }

    /// The balance at the centre, or why there is none.
    pub(super) fn sum_at_centre(&self, centre: &AtCentre) -> Markup {
        let label = self.say("中心余额", "Balance at the centre");
        html! {
            div.sum {
                span { (label) }
                @match centre {
                    AtCentre::There(page) => @match &page.account {
                        Some(account) => (sum(account.total_fen)),
                        None => b { "—" },
                    },
                    AtCentre::Away(_) => { b { "—" } },
                    AtCentre::Unasked | AtCentre::Asking => b { "…" },
                }
            }
        }
    }

    /// What explains the difference, in one line.
    pub(super) fn why(&self, centre: &AtCentre, on_card: Fen) -> Markup {
        match centre {
            AtCentre::Unasked | AtCentre::Asking => {
                html! { p.note { (self.say("正在联系中心…", "Asking the centre…")) } }
            }
            AtCentre::Away(_) => html! { p.warn { (self.unreachable()) " " (self.last_contact()) } },
            AtCentre::There(page) => match &page.account {
                None => {
                    html! { p.note { (self.say("中心没有此卡的账户信息。", "The centre tells no account of this card.")) } }
                }
                Some(account) if account.pending.is_empty() && is_nothing(account.unexplained_fen) => html! {
                    p.note { (self.say("卡内余额与中心一致。", "Card and centre agree.")) }
                },
                Some(account) => html! {
                    button.why data-act=(Function::Difference.word()) {
                        b { (self.say("为什么不同？", "Why the difference?")) " " (signed(difference(account, on_card))) }
                        @for item in account.pending.iter().take(CHIPS) {
                            span { (self.names(item.kind.names())) " " (signed(item.difference_fen)) }
                        }
                        @if account.pending.len() > CHIPS { span { "+" (account.pending.len() - CHIPS) } }
                        i { "›" }
                    }
                },
            },
        }
    }

    fn unreachable(&self) -> &'static str {
        self.say("中心暂时联系不上，以下是卡内信息。", "The centre cannot be reached. This is what the card says.")
    }

    fn last_contact(&self) -> Markup {
        html! {
            @if let Some(at) = self.machine.contact {
                (self.say("上次联系：", "Last contact: ")) (instant(&at.to_string()))
            }
        }
    }

    pub(super) fn away(&self) -> Markup {
        let Some(AtCentre::Away(trouble)) = self.machine.visit().map(|visit| &visit.centre) else {
            return self.working("");
        };
        html! {
            main.centred {
                h1 { (self.say("中心暂时无法回答", "The centre cannot answer now")) }
                p.wrong { (self.text(&trouble.what)) }
                p.lead { (self.last_contact()) }
                p.code { (trouble.code) }
                button.main data-act="again" data-key="Enter" { (self.say("再试一次", "Try again")) }
            }
        }
    }

    pub(super) fn difference(&self) -> Markup {
        let visit = self.machine.visit();
        let Some((account, opened)) = visit.and_then(|visit| visit.account().zip(visit.opened.as_ref())) else {
            return self.working("");
        };
        let on_card = Fen::from_card(opened.balances.personal_account);
        let items = &account.pending;
        html! {
            main {
                @if items.len() > TOGETHER { (self.item_pages(None, items.len())) } @else { h1 { (self.say("卡与中心的差额", "Card and centre")) } }
                table {
                    tbody {
                        tr { th { (self.say("中心余额", "Balance at the centre")) } td {} td.money { (account.total_fen) } }
                        tr { th { (self.say("卡内余额", "Balance on the card")) } td {} td.money { (on_card) } }
                        tr { th { b { (self.say("差额", "Difference")) } } td {} td.money { b { (signed(difference(account, on_card))) } } }
                        @if items.len() > TOGETHER {
                            tr {
                                th { (self.say("其中已知项目", "What is known")) }
                                td { (items.len()) " " (self.say("项，见下一页", "items: next page")) }
                                td.money {
                                    @if let Ok(known) = Fen::sum(items.iter().map(|item| item.difference_fen)) { (signed(known)) }
                                }
                            }
                        } @else {
                            @for item in items { (self.pending(item)) }
                        }
                        @if let Some(rest) = account.unexplained_fen {
                            tr {
                                th { (self.say("尚未查明", "Unexplained")) }
                                td { @if rest != Fen::ZERO { (self.say("请到窗口查询", "Ask at a counter")) } }
                                td class=(if rest == Fen::ZERO { "money good" } else { "money bad" }) { (rest) }
                            }
                        }
                    }
                }
                p.code { (self.say("差额等于其下各项之和。", "The difference is the sum of the items below it.")) }
            }
        }
    }

    /// What explains the difference, in parts.
    pub(super) fn items(&self, part: usize) -> Markup {
        let Some(account) = self.machine.visit().and_then(|visit| visit.account()) else { return self.working("") };
        html! {
            main {
                (self.item_pages(Some(part), account.pending.len()))
                table { tbody { @for item in account.pending.iter().skip(part * ROWS).take(ROWS) { (self.pending(item)) } } }
            }
        }
    }

    /// Title, and the way through the parts; the difference itself comes before the first.
    fn item_pages(&self, part: Option<usize>, items: usize) -> Markup {
        let last = items.saturating_sub(1) / ROWS;
        html! {
            div.row {
                h1 { (self.say("卡与中心的差额", "Card and centre")) }
                div.switches {
                    button data-act="previous" data-key="PageUp" disabled[part.is_none()] { (self.say("上一页", "Before")) }
                    button data-act="next" data-key="PageDown" disabled[part.is_some_and(|part| part >= last)] { (self.say("下一页", "Next")) }
                }
            }
        }
    }

    fn pending(&self, item: &PendingItem) -> Markup {
        html! {
            tr {
                th { (self.names(item.kind.names())) }
                td { @if let Some(date) = item.date { (date) " " } (item.institution.as_deref().unwrap_or_default()) }
                td.money { (signed(item.difference_fen)) }
            }
        }
    }

    pub(super) fn account(&self, part: usize) -> Markup {
        let Some(account) = self.machine.visit().and_then(|visit| visit.account()) else { return self.working("") };
        html! {
            main {
                (self.list_head(part, account.lines.len(), true))
                @if account.lines.is_empty() {
                    p.note { (self.say("中心还没有此账户的流水。", "The centre has no lines of this account yet.")) }
                } @else {
                    table {
                        thead { tr {
                            th { (self.say("日期", "Date")) } th { (self.say("类型", "Kind")) } th { (self.say("机构", "Where")) }
                            th.money { (self.say("金额", "Amount")) } th.money { (self.say("余额", "Balance")) } th.act {}
                        } }
                        tbody {
                            @for (row, line) in account.lines.iter().skip(part * ROWS).take(ROWS).enumerate() {
                                tr {
                                    td { (line.date) }
                                    td {
                                        (self.names(line.kind.names()))
                                        // It leads from no balance to another.
                                        @if line.kind == LineKind::Load { " " (line.amount_fen) }
                                    }
                                    td { (line.institution.as_deref().unwrap_or_default()) }
                                    td.money {
                                        @if line.kind == LineKind::Load { "—" } @else { (signed(line.amount_fen)) }
                                    }
                                    td.money { (line.balance_fen) }
                                    td.act {
                                        @if line.original.is_some() {
                                            button data-act={ "complain-" (row) } { (self.say("投诉", "Report")) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
                p.code { (self.say(
                    "中心记账，最新的在前；圈存只是转到卡上，余额不变。",
                    "As the centre counts, the newest first. A load goes to the card and leaves the balance as it is.",
                )) }
            }
        }
    }

    pub(super) fn insurances(&self) -> Markup {
        let Some(AtCentre::There(page)) = self.machine.visit().map(|visit| &visit.centre) else {
            return self.working("");
        };
        html! {
            main {
                h1 { (self.say("五险参保状态", "The five insurances")) }
                @if let Some(benefits) = &page.benefits {
                    table {
                        thead { tr {
                            th { (self.say("险种", "Insurance")) } th { (self.say("状态", "Standing")) }
                            th { (self.say("起始年月", "Since")) } th.money { (self.say("累计月数", "Months")) }
                            th { (self.say("数据日期", "Data of")) }
                        } }
                        tbody {
                            @for line in &benefits.insurances {
                                tr {
                                    th { (self.names(line.insurance.names())) }
                                    td class=(match line.standing { Standing::Insured => "good", Standing::Suspended => "bad", Standing::NotInsured | Standing::NoData => "" }) {
                                        (self.names(line.standing.names()))
                                    }
                                    td { @if let Some(since) = line.since { (since) } @else { "—" } }
                                    td.money { @if line.as_of.is_some() { (line.months) } @else { "—" } }
                                    td { @if let Some(day) = line.as_of { (day) } @else { "—" } }
                                }
                            }
                        }
                    }
                } @else {
                    p.note { (self.say("中心还没有您的参保数据，请到窗口查询。", "The centre has no such data of yours. Ask at a counter.")) }
                }
            }
        }
    }

    pub(super) fn progress(&self) -> Markup {
        let Some(AtCentre::There(page)) = self.machine.visit().map(|visit| &visit.centre) else {
            return self.working("");
        };
        html! {
            main {
                h1 { (self.say("制卡进度", "My new card")) }
                @if let Some(card) = &page.new_card {
                    ol.steps {
                        @for stage in NewCardStage::ALL {
                            @if stage != NewCardStage::Returned || card.stage == stage {
                                li class=[(stage < card.stage).then_some("done").or((stage == card.stage).then_some("now"))] {
                                    (self.names(stage.names()))
                                }
                            }
                        }
                    }
                    @if let Some(place) = &card.collect_at { p.note { (self.say("领卡地点：", "Collect it at: ")) b { (place) } } }
                    p.code {
                        @if let Some(request) = card.request { (self.say("申请编号 ", "Request ")) (request) " " }
                        @if let Some(day) = card.requested_on { (self.say("申请日期 ", "of ")) (day) }
                    }
                } @else {
                    p.note { (self.say("没有正在制作的新卡。", "No new card is being made for you.")) }
                }
            }
        }
    }

    pub(super) fn loss(&self) -> Markup {
        let Some(AtCentre::There(page)) = self.machine.visit().map(|visit| &visit.centre) else {
            return self.working("");
        };
        let card = &page.card;
        html! {
            main.centred {
                h1 { (self.say("卡片状态：", "The card: ")) (self.state(card.state)) }
                @if let Some(day) = card.release_on { p.lead { (self.say("临时挂失至 ", "The report ends on ")) (day) } }
                @match self.machine.loss() {
                    Some(LossAct::Report) => {
                        p.lead { (self.say(
                            "临时挂失后，中心和联网的终端立即拒收此卡。没有联网的终端收到新名单后才拒收，一般在一天之内，此前仍可能付款。可在自助机、窗口或 12333 解除。",
                            "The centre and connected tills refuse the card at once. A till without a line refuses it with its next list, \
                             within a day as a rule; until then it may still pay there. It is taken back here, at a counter or by 12333.",
                        )) }
                        button.main data-act="agree" data-key="Enter" { (self.say("临时挂失", "Report it lost")) }
                    },
                    Some(LossAct::Release) => {
                        p.lead { (self.say(
                            "解除后，中心和联网的终端立即恢复受理；没有联网的终端收到新名单后恢复。",
                            "The centre and connected tills take the card again at once, a till without a line with its next list.",
                        )) }
                        button.main data-act="agree" data-key="Enter" { (self.say("解除挂失", "Take it back")) }
                    },
                    None => p.lead { (self.say(
                        "此卡目前不能在自助机办理挂失或解除。请先修改初始密码，或到窗口办理。",
                        "This cannot be done here for this card now. Change the initial PIN first, or go to a counter.",
                    )) },
                }
            }
        }
    }

    pub(super) fn certificate(&self) -> Markup {
        html! {
            main.centred {
                h1 { (self.say("社会保险参保证明", "Certificate of participation")) }
                @if let Some(why) = self.machine.no_certificate() {
                    p.lead { (self.text(&no_certificate(why))) }
                } @else {
                    p.lead { (self.say(
                        "证明五险参保情况，带校验码和二维码，任何人都可以核验。每月份数有限。",
                        "It says how you stand in the five insurances, with a code by which anybody checks it. A few a month.",
                    )) }
                    button.main data-act="agree" data-key="Enter" { (self.say("出具证明", "Make it")) }
                }
            }
        }
    }

    pub(super) fn certified(&self, certified: &Certified) -> Markup {
        html! {
            main.centred {
                h1 {
                    @match certified.print {
                        Print::Waits => (self.say("正在打印…", "Printing…")),
                        Print::Done => (self.say("证明已打印，请取走", "Printed. Please take it")),
                        Print::Failed => (self.say("打印机没有响应", "The printer does not answer")),
                        Print::Nowhere => (self.say("证明已出具", "The certificate is made")),
                    }
                }
                (code(&certified.address))
                p.check { (certified.code) }
                p.lead {
                    (self.say("编号 ", "Number ")) (certified.number)
                    @if matches!(certified.print, Print::Failed | Print::Nowhere) {
                        (self.say("。请拍下或记下校验码，可凭码在窗口打印。", ". Note or photograph the code: a counter prints it by that."))
                    }
                    @if certified.print == Print::Failed {
                        (self.say("没有打印的证明报中心后不计入本月份数。", " Once the centre knows, what was not printed does not count for the month."))
                    }
                }
                @if let Some(left) = certified.left {
                    p.code { (self.say("本月还可出具 ", "Left this month: ")) (left) (self.say(" 份", "")) }
                }
            }
        }
    }

    /// A complaint about one purchase, before it is sent.
    pub(super) fn complaint(&self, number: usize) -> Markup {
        let Some(line) = self.machine.line(number) else { return self.working("") };
        html! {
            main.centred {
                h1 { (self.say("投诉这一笔交易？", "Complain about this line?")) }
                p.lead {
                    (line.date) " " (self.names(line.kind.names())) " "
                    (line.institution.as_deref().unwrap_or_default()) " " (signed(line.amount_fen))
                }
                p.lead { (self.say(
                    "登记后给出编号，工作人员会看到这笔交易，并联系您了解详情。",
                    "You get a number. The office sees which purchase it is, and asks you for the details.",
                )) }
                button.main data-act="agree" data-key="Enter" { (self.say("提交投诉", "Send it")) }
            }
        }
    }

    fn state(&self, state: CardState) -> &'static str {
        match state {
            CardState::Sealed => self.say("未启用", "not yet in use"),
            CardState::Normal => self.say("正常", "in order"),
            CardState::FormalLoss => self.say("已正式挂失", "reported lost for good"),
            CardState::Locked => self.say("已锁定", "locked"),
            CardState::TemporaryLoss => self.say("已临时挂失", "reported lost for now"),
            CardState::Cancelled => self.say("已注销", "cancelled"),
        }
    }

    pub(super) fn ticket(&self, kind: TicketKind) -> Markup {
        let complaint = kind == TicketKind::Complaint;
        html! {
            main {
                div.row {
                    h1 { (if complaint { self.say("您要投诉什么？", "What is the complaint about?") } else { self.say("您的建议关于什么？", "What is the suggestion about?") }) }
                    div.switches {
                        button data-act="kind" aria-pressed=(complaint) { (self.names(TicketKind::Complaint.names())) }
                    }
                }
                div.tiles {
                    @for subject in TicketSubject::ALL {
                        button.tile data-act={ "subject-" (subject.name()) } {
                            (picture(Picture::Letter)) div { b { (self.names(subject.names())) } }
                        }
                    }
                }
                p.code { (self.say(
                    "登记后给出编号，工作人员会联系您了解详情。",
                    "You get a number, and somebody of the office asks you for the details.",
                )) }
            }
        }
    }
}

/// Why there is no certificate, and what one does then.
const fn no_certificate(why: NoCertificate) -> Words {
    match why {
        NoCertificate::Away => Words::new(
            "目前联系不上中心，不能出具证明。请稍后再试，或到窗口办理。",
            "The centre is not reached: none can be made now. Try again later, or go to a counter.",
        ),
        NoCertificate::InitialPin => Words::new(
            "密码还是初始密码。请先修改密码，再出具证明。",
            "Your PIN is still the one that came with the card. Change it first.",
        ),
        NoCertificate::Lost => Words::new(
            "此卡已临时挂失。请先回首页，在“临时挂失”中解除，再出具证明。",
            "The card is reported lost for now. Take that back first, under “Report a loss” on the first page.",
        ),
        NoCertificate::Card => Words::new(
            "此卡不在正常状态，不能在自助机出具证明。请持身份证件到窗口办理。",
            "This card is not in normal use: none is made here. Go to a counter with an identity document.",
        ),
        NoCertificate::NoData => Words::new(
            "中心没有收到您的参保数据，不能出具证明。请到窗口查询。",
            "The centre was given no data about your insurances: none can be made. Ask at a counter.",
        ),
        NoCertificate::Limit => Words::new(
            "本月的份数已经用完。请下月再来，或到窗口办理。",
            "None is left this month. Come again next month, or go to a counter.",
        ),
    }
}

/// A QR code, four light modules around it.
fn code(text: &str) -> Markup {
    let modules = paper::modules(text);
    let size = modules.size + 8;
    let mut path = String::new();
    for y in 0..modules.size {
        for x in (0..modules.size).filter(|x| modules.is_dark(*x, y)) {
            path += &format!("M{} {}h1v1h-1z", x + 4, y + 4);
        }
    }
    html! {
        svg.qr viewBox={ "0 0 " (size) " " (size) } shape-rendering="crispEdges" role="img" {
            rect width=(size) height=(size) fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    }
}

fn is_nothing(amount: Option<Fen>) -> bool {
    amount.is_none_or(|amount| amount == Fen::ZERO)
}

/// What the centre has more than the card; a sum that does not fit is shown as nothing, the items beside it are right.
fn difference(account: &AccountView, on_card: Fen) -> Fen {
    account.total_fen.minus(on_card).unwrap_or(Fen::ZERO)
}

/// With its sign, also when it adds.
fn signed(amount: Fen) -> String {
    if amount > Fen::ZERO { format!("+{amount}") } else { amount.to_string() }
}

/// `YYYYMMDDhhmmss` to the minute.
fn instant(digits: &str) -> String {
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
    let day = BusinessDate::parse(&format!("{}-{}-{}", part(0..4), part(4..6), part(6..8)));
    day.map_or_else(|_| digits.to_owned(), |day| format!("{day} {}:{}", part(8..10), part(10..12)))
}
