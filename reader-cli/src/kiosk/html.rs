//! How a screen looks: HTML for the one page of the kiosk.
//!
//! Owns: what stands where, in two languages; escaping (`maud`). Never: decides what follows; names a style or a script, which the
//! page's policy would refuse.

mod centre;
mod picture;

use card_core::tries::TriesLeft;
use card_counter::error::TerminalError;
use card_counter::language::{Language, Words};
use maud::{Markup, PreEscaped, html};
use settlement::fen::Fen;
use settlement::recovery::LogRecord;

use self::picture::{Picture, emblem, picture, slot};
use super::guide::{self, Section};
use super::machine::{Machine, ROWS};
use super::screen::{Choosing, Digits, Function, Place, Screen};
use super::visit::{Item, Log};

/// What every screen is drawn with.
struct Drawer<'a> {
    machine: &'a Machine,
    place: &'a str,
    greeting: &'a str,
}

/// The screen as HTML. `place` is where the kiosk stands, `greeting` a label in a third language.
#[must_use]
pub(super) fn screen(machine: &Machine, place: &str, greeting: &str) -> String {
    Drawer { machine, place, greeting }.whole().into_string()
}

impl Drawer<'_> {
    fn say(&self, zh: &'static str, en: &'static str) -> &'static str {
        match self.machine.language {
            Language::Zh => zh,
            Language::En => en,
        }
    }

    fn text<'w>(&self, words: &'w Words) -> &'w str {
        words.text(self.machine.language)
    }

    fn whole(&self) -> Markup {
        let machine = self.machine;
        let screen = machine.screen();
        let place = screen.place();
        let alarm = matches!(screen, Screen::TakeCard { alarm: true });
        let language = self.say("zh-CN", "en");
        let class = [
            ("room", true),
            (place.word(), true),
            ("large", machine.large),
            ("contrast", machine.contrast),
            ("alarm", alarm),
        ];
        let class: Vec<&str> = class.into_iter().filter_map(|(name, on)| on.then_some(name)).collect();
        html! {
            div class=(class.join(" ")) lang=(language) data-screen=(place.word()) data-number=(machine.number()) {
                (self.head())
                (self.body())
                (self.foot(place))
            }
        }
    }

    fn head(&self) -> Markup {
        let machine = self.machine;
        html! {
            header {
                div.brand {
                    (emblem())
                    div {
                        b { (self.say("社会保障卡自助服务", "Social Security Card")) }
                        span { (if self.place.is_empty() { self.say("自助终端", "Self-service") } else { self.place }) }
                    }
                }
                div.switches {
                    button data-act="language" { (self.say("English", "中文")) }
                    button data-act="large" aria-pressed=(machine.large) { (self.say("大字", "Large text")) }
                    button data-act="contrast" aria-pressed=(machine.contrast) { (self.say("高对比", "Contrast")) }
                }
            }
        }
    }

    fn foot(&self, place: Place) -> Markup {
        let back = matches!(
            place,
            Place::Guide
                | Place::Titles
                | Place::Transactions
                | Place::Difference
                | Place::Insurances
                | Place::Progress
                | Place::Certificate
                | Place::Loss
                | Place::Ticket
                | Place::Away
                | Place::Holder
                | Place::NewPin
                | Place::Notice
        );
        let leave = !matches!(place, Place::Welcome | Place::Closed | Place::Guide | Place::Titles | Place::TakeCard);
        html! {
            footer class=[self.machine.is_late().then_some("late")] {
                @if back {
                    button data-act="back" data-key="Escape" { "‹ " (self.say("返回", "Back")) }
                } @else { i {} }
                p {
                    @if let (Some(left), false) = (self.machine.left(), place == Place::TakeCard) {
                        (self.say("无操作时，", "Ends in ")) b data-left { (left) }
                        (self.say(" 秒后退出", " s without a touch"))
                    } @else if place == Place::Welcome {
                        (self.say("服务热线 12333", "Hotline 12333"))
                    }
                }
                @if leave {
                    button.bad data-act="leave" data-key=[(!back).then_some("Escape")] { (self.say("退卡", "Take card")) }
                } @else { i {} }
            }
        }
    }

    fn body(&self) -> Markup {
        match self.machine.screen() {
            Screen::Welcome => self.welcome(),
            Screen::Closed(error) => self.told(&Words::new("暂停服务", "Out of service"), error),
            Screen::Guide(number) => self.guide(*number),
            Screen::Titles { section, part } => self.titles(*section, *part),
            Screen::Text { section, number, part } => self.public_text(*section, *number, *part),
            Screen::Reading => self.working(self.say("正在读卡，请勿取出…", "Reading the card. Leave it in, please.")),
            Screen::Working(words, _) => self.working(self.text(words)),
            Screen::Pin { digits, wrong } => self.pin(digits, wrong.as_ref()),
            Screen::LastTry { .. } => self.last_try(),
            Screen::Home => self.home(),
            Screen::Transactions { part, at_centre: false } => self.transactions(*part),
            Screen::Transactions { part, at_centre: true } => self.account(*part),
            Screen::Told(Function::Insurances) => self.insurances(),
            Screen::Told(Function::Progress) => self.progress(),
            Screen::Told(Function::Certificate) => self.certificate(),
            Screen::Certified(certified) => self.certified(certified),
            Screen::Told(Function::Loss) => self.loss(),
            Screen::Told(_) => self.difference(),
            Screen::Items { part } => self.items(*part),
            Screen::Ticket(kind) => self.ticket(*kind),
            Screen::Complaint(line) => self.complaint(*line),
            Screen::Away(_) => self.away(),
            Screen::Holder { shown } => self.holder(*shown),
            Screen::NewPin { choosing, digits, wrong } => self.new_pin(choosing, digits, wrong.as_ref()),
            Screen::Notice(words) => html! {
                main.centred { h1 { (self.text(words)) } (self.go_on()) }
            },
            Screen::Refused(error) => self.told(&Words::new("未能办理", "This could not be done"), error),
            Screen::Fault(error) => self.told(&Words::new("请取出卡片", "Please take out the card"), error),
            Screen::TakeCard { alarm } => self.take_card(*alarm),
        }
    }

    fn welcome(&self) -> Markup {
        html! {
            main.centred {
                div.stretch {}
                (slot())
                h1 { (self.say("请插入社会保障卡", "Insert your social security card")) }
                @if !self.greeting.is_empty() { p.greeting lang="bo" { (self.greeting) } }
                p.lead { (self.say("芯片朝前，插到底。Please insert your card.", "Chip first, all the way in. 请插入社会保障卡。")) }
                div.stretch {}
                div.doors {
                    @for (number, guide) in self.machine.guides.iter().enumerate() {
                        button.tile data-act={ "guide-" (number) } {
                            (picture(Picture::Page))
                            div { b { (self.text(&guide.title)) } }
                        }
                    }
                    @for section in Section::ALL {
                        @if !self.machine.texts.of_section(section).is_empty() {
                            button.tile data-act={ "titles-" (section.name()) } {
                                (picture(Picture::Page))
                                div { b { (self.names(section.title())) } }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Titles of public texts, one a row.
    fn titles(&self, section: Section, part: usize) -> Markup {
        let texts = self.machine.texts.of_section(section);
        html! {
            main {
                div.row {
                    h1 { (self.names(section.title())) }
                    (self.turns(part, texts.len().div_ceil(ROWS)))
                }
                div.titles {
                    @for (row, text) in texts.iter().skip(part * ROWS).take(ROWS).enumerate() {
                        button data-act={ "text-" (row) } { (self.text(&text.title)) }
                    }
                }
            }
        }
    }

    fn public_text(&self, section: Section, number: usize, part: usize) -> Markup {
        let Some(text) = self.machine.texts.of_section(section).get(number) else { return self.working("") };
        let parts = guide::parts(text, self.machine.language, self.machine.large);
        // In another language or size it may be shorter.
        let part = part.min(parts.len().saturating_sub(1));
        html! {
            main {
                div.row {
                    h2 { (self.text(&text.title)) }
                    (self.turns(part, parts.len()))
                }
                @for paragraph in parts.get(part).into_iter().flatten() { p.text { (paragraph) } }
            }
        }
    }

    /// Buttons to the part before and after.
    fn turns(&self, part: usize, parts: usize) -> Markup {
        html! {
            @if parts > 1 {
                div.switches {
                    button data-act="previous" data-key="PageUp" disabled[part == 0] { (self.say("上一页", "Before")) }
                    button data-act="next" data-key="PageDown" disabled[part + 1 >= parts] { (self.say("下一页", "Next")) }
                }
            }
        }
    }

    fn guide(&self, number: usize) -> Markup {
        html! {
            main {
                @if let Some(guide) = self.machine.guides.get(number) {
                    h1 { (self.text(&guide.title)) }
                    @for paragraph in &guide.text { p.lead { (self.text(paragraph)) } }
                }
            }
        }
    }

    fn working(&self, words: &str) -> Markup {
        html! { main.centred { (picture(Picture::Turn)) h1 { (words) } } }
    }

    fn pin(&self, digits: &Digits, wrong: Option<&Words>) -> Markup {
        let tries = self.machine.visit().and_then(|visit| visit.facts.as_ref()).map(|facts| facts.tries);
        let ask = html! {
            h1 { (self.say("请输入密码", "Enter your PIN")) }
            (dots(digits))
            @if let Some(wrong) = wrong { p.wrong { (self.text(wrong)) } }
            @match tries {
                Some(TriesLeft::Known(0)) => p.warn {
                    (self.say(
                        "上次在此使用时密码已锁定；如已在窗口重置，请输入新密码。",
                        "The PIN was blocked when the card was last here. If a counter has set a new one, type that.",
                    ))
                },
                Some(TriesLeft::Known(1)) => p.warn {
                    (self.say("密码只剩最后 1 次机会，再错将被锁定。", "Only one try of the PIN is left. If it is wrong, the PIN is blocked."))
                },
                Some(TriesLeft::Known(left)) if wrong.is_none() => p.note {
                    (self.say("密码还可试 ", "The PIN has ")) b { (left) } (self.say(" 次。", " tries left."))
                },
                _ if wrong.is_some() => {},
                _ => p.note { (self.say("多次输错会锁定密码。", "Wrong PINs in a row block it.")) },
            }
            p.lead { (self.say(
                "新卡请用领卡时告知的初始密码，输入后请先修改。请注意遮挡。",
                "A new card has the initial PIN told with it; change it first. Cover the pad with your hand.",
            )) }
        };
        self.entry(&ask)
    }

    fn entry(&self, ask: &Markup) -> Markup {
        html! {
            main {
                div.entry {
                    div.ask { (ask) }
                    div.pad {
                        @for digit in [1, 2, 3, 4, 5, 6, 7, 8, 9] { (key(digit)) }
                        button.word data-act="clear" data-key="Delete" { (self.say("清除", "Clear")) }
                        (key(0))
                        button.word data-act="rub" data-key="Backspace" { (self.say("退格", "Erase")) }
                        button.main data-act="enter" data-key="Enter" { (self.say("确定", "OK")) }
                    }
                }
            }
        }
    }

    fn last_try(&self) -> Markup {
        html! {
            main.centred {
                h1 { (self.say("这是最后一次机会", "This is the last try")) }
                p.lead { (self.say(
                    "如果密码不对，密码将被锁定，需持身份证到服务窗口重置。拿不准请退卡。",
                    "If this PIN is wrong it will be blocked, and a service counter must reset it. If you are not sure, take the card.",
                )) }
                button.main data-act="agree" data-key="Enter" { (self.say("我确定，继续", "I am sure, go on")) }
            }
        }
    }

    fn home(&self) -> Markup {
        let visit = self.machine.visit();
        let Some((visit, opened)) = visit.and_then(|visit| Some((visit, visit.opened.as_ref()?))) else {
            return self.working("");
        };
        let balances = opened.balances;
        let on_card = Fen::from_card(balances.personal_account);
        let card = self.say("卡内余额", "Balance on the card");
        html! {
            main {
                @if opened.is_initial {
                    p.warn { (self.say(
                        "您还在用初始密码，不能付款。请先修改密码。",
                        "You still use the initial PIN, which cannot pay. Change the PIN first.",
                    )) }
                }
                @if self.machine.has_centre {
                    div.sums {
                        div.sum.first { span { (card) } (sum(on_card)) }
                        (self.sum_at_centre(&visit.centre))
                    }
                    (self.why(&visit.centre, on_card))
                } @else {
                    div.sums {
                        div.sum.first { span { (card) } (sum(on_card)) }
                        div.sum { span { (self.say("本年个人自付累计", "Paid in cash this year")) } (sum(Fen::from_card(balances.self_paid_total))) }
                        div.sum { span { (self.say("本年统筹支付累计", "Paid by the pool this year")) } (sum(Fen::from_card(balances.pooled_fund_total))) }
                    }
                }
                div.tiles {
                    @for (function, shown, name, more) in self.tiles() {
                        button.tile data-act=(function.word()) {
                            (picture(shown)) div { b { (name) } span { (more) } }
                        }
                    }
                }
            }
        }
    }

    /// What may be opened, in the order in which people ask for it.
    fn tiles(&self) -> Vec<(Function, Picture, &'static str, &'static str)> {
        let centre = [
            (
                Function::Insurances,
                Picture::Umbrella,
                self.say("五险参保", "Insurances"),
                self.say("五险参保状态", "all five"),
            ),
            (
                Function::Certificate,
                Picture::Page,
                self.say("参保证明", "Certificate"),
                self.say("带校验码的证明", "with a check code"),
            ),
            (
                Function::Progress,
                Picture::Card,
                self.say("制卡进度", "My new card"),
                self.say("新卡办到哪一步", "how far it is"),
            ),
            (
                Function::Loss,
                Picture::Lock,
                self.say("临时挂失", "Report a loss"),
                self.say("挂失与解除", "and take it back"),
            ),
            (
                Function::Ticket,
                Picture::Letter,
                self.say("投诉建议", "Tell us"),
                self.say("登记编号，有据可查", "complaint or suggestion"),
            ),
        ];
        let card = [
            (
                Function::Transactions,
                Picture::List,
                self.say("交易明细", "Transactions"),
                self.say("最近的交易", "the latest ones"),
            ),
            (
                Function::Holder,
                Picture::Person,
                self.say("我的信息", "My data"),
                self.say("卡内登记的信息", "as the card has them"),
            ),
            (
                Function::NewPin,
                Picture::Key,
                self.say("修改密码", "Change PIN"),
                self.say("4 至 12 位数字", "4 to 12 digits"),
            ),
        ];
        let mut tiles = card.to_vec();
        if self.machine.has_centre {
            tiles.extend(centre);
        }
        tiles
    }

    fn transactions(&self, part: usize) -> Markup {
        let Some(log) = self.machine.visit().and_then(|visit| visit.log.as_ref()) else { return self.working("") };
        html! {
            main {
                (self.list_head(part, log.records.len(), false))
                @if log.records.is_empty() {
                    p.note { (self.say("卡内还没有交易记录。", "The card has no transactions yet.")) }
                } @else {
                    table {
                        thead { tr {
                            th { (self.say("时间", "Time")) } th { (self.say("类型", "Kind")) }
                            th.money { (self.say("个人账户", "Account")) } th.money { (self.say("现金", "Cash")) }
                            th.money { (self.say("统筹", "Pool")) }
                        } }
                        tbody {
                            @for record in log.records.iter().skip(part * ROWS).take(ROWS) { (self.record(log, record)) }
                        }
                    }
                }
                p.code { (self.say("卡内记录，最新的在前。", "From the card itself, the newest first.")) }
            }
        }
    }

    /// Title, the two sources, and the parts of a list.
    fn list_head(&self, part: usize, rows: usize, at_centre: bool) -> Markup {
        let last = rows.saturating_sub(1) / ROWS;
        html! {
            div.row {
                @if self.machine.has_centre {
                    div.switches {
                        button data-act="open-transactions" aria-pressed=(!at_centre) { (self.say("卡内记录", "On the card")) }
                        button data-act="open-account" aria-pressed=(at_centre) { (self.say("中心流水", "At the centre")) }
                    }
                } @else {
                    h1 { (self.say("交易明细", "Transactions")) }
                }
                @if last > 0 {
                    div.switches {
                        button data-act="previous" data-key="PageUp" disabled[part == 0] { (self.say("上一页", "Newer")) }
                        button data-act="next" data-key="PageDown" disabled[part >= last] { (self.say("下一页", "Older")) }
                    }
                }
            }
        }
    }

    fn record(&self, log: &Log, record: &LogRecord) -> Markup {
        let money = |fen: u32| Fen::from_card(fen).to_string();
        let (kind, sign) = match record.transaction_type {
            byte if byte == log.purchase => (self.say("消费", "purchase").to_owned(), "−"),
            byte if byte == log.load => (self.say("圈存", "load").to_owned(), "+"),
            byte => (format!("{byte:02X}"), ""),
        };
        let amounts = record.amounts;
        html! {
            tr {
                td { (instant(&record.date_time)) } td { (kind) }
                td.money { (sign) (money(amounts.personal_account)) } td.money { (money(amounts.self_paid)) }
                td.money { (money(amounts.pooled_fund)) }
            }
        }
    }

    fn holder(&self, shown: bool) -> Markup {
        let Some(items) = self.machine.visit().and_then(|visit| visit.holder.as_ref()) else { return self.working("") };
        let value = |item: &Item| day(if shown { &item.value } else { &item.masked });
        html! {
            main {
                div.row {
                    h1 { (self.say("我的信息", "My data")) }
                    button data-act="reveal" aria-pressed=(shown) {
                        (if shown { self.say("隐藏", "Hide") } else { self.say("显示全部", "Show all") })
                    }
                }
                dl {
                    @for item in items {
                        div class=[item.is_long.then_some("wide")] {
                            dt { (self.text(&item.label)) }
                            dd { @if value(item).is_empty() { "—" } @else { (value(item)) } }
                        }
                    }
                }
                p.code { (self.say("有误请到服务窗口更正。", "If something is wrong, have it corrected at a service counter.")) }
            }
        }
    }

    fn new_pin(&self, choosing: &Choosing, digits: &Digits, wrong: Option<&Words>) -> Markup {
        let (step, title) = match choosing {
            Choosing::Present => (1, self.say("请输入现在的密码", "Enter the PIN that you have")),
            Choosing::New { .. } => (2, self.say("请输入新密码", "Enter a new PIN")),
            Choosing::Again { .. } => (3, self.say("请再次输入新密码", "Enter the new PIN again")),
        };
        let ask = html! {
            p.code { (self.say("修改密码", "Change PIN")) " · " (step) " / 3" }
            h1 { (title) }
            (dots(digits))
            @if let Some(wrong) = wrong { p.wrong { (self.text(wrong)) } }
            @if step > 1 {
                p.lead { (self.say(
                    "新密码为 4 至 12 位数字，请勿用生日或连续数字。",
                    "4 to 12 digits. Not your birthday, nor digits in a row.",
                )) }
            }
        };
        self.entry(&ask)
    }

    fn told(&self, title: &Words, error: &TerminalError) -> Markup {
        let (what, next) = (error.what(), for_the_public(error.next()));
        html! {
            main.centred {
                h1 { (self.text(title)) }
                p.wrong { (self.text(&what)) }
                p.lead { (self.text(&next)) }
                p.code { (error.code().as_str()) }
                @if matches!(self.machine.screen(), Screen::Refused(_)) { (self.go_on()) }
            }
        }
    }

    fn go_on(&self) -> Markup {
        html! { button.main data-act="back" data-key="Enter" { (self.say("继续", "Go on")) } }
    }

    fn take_card(&self, alarm: bool) -> Markup {
        html! {
            main.centred {
                (slot())
                h1 { (self.say("请取出您的卡片", "Please take your card")) }
                p.lead {
                    (if alarm {
                        self.say("卡片还在机器里！请立即取走。", "Your card is still in the machine. Take it now.")
                    } else {
                        self.say("感谢使用。", "Thank you.")
                    })
                }
            }
        }
    }
}

/// What a citizen can do: a remedy that names a command is for whoever runs the machine.
fn for_the_public(next: Words) -> Words {
    let is_command = |text: &str| ["sscard", "issuer", "--", "SSCARD_"].iter().any(|word| text.contains(word));
    if is_command(&next.zh) || is_command(&next.en) {
        Words::new(
            "请持卡和有效证件到服务窗口办理",
            "Please take the card and an identity document to a service counter",
        )
    } else {
        next
    }
}

fn key(digit: u8) -> Markup {
    html! { button data-act={ "digit-" (digit) } data-key=(digit) { (digit) } }
}

/// How many digits were entered, never which.
fn dots(digits: &Digits) -> Markup {
    html! { div.dots data-digits=(digits.count()) { @for _ in 0..digits.count() { i {} } @if digits.count() == 0 { span { "····" } } } }
}

fn sum(amount: Fen) -> Markup {
    html! { b { small { "¥" } (amount) } }
}

/// `YYYYMMDD` with strokes; anything else as it is.
fn day(digits: &str) -> String {
    let is_day = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    match (digits.get(..4), digits.get(4..6), digits.get(6..)) {
        (Some(year), Some(month), Some(day)) if is_day => format!("{year}-{month}-{day}"),
        _ => digits.to_owned(),
    }
}

/// BCD `YYYYMMDDhhmmss` to the minute.
fn instant(bcd: &[u8; 7]) -> String {
    let digits = hex::encode(bcd);
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
    format!("{} {}:{}", day(part(0..8)), part(8..10), part(10..12))
}

const fn drawn(svg: &'static str) -> PreEscaped<&'static str> {
    PreEscaped(svg)
}
