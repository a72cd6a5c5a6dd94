//! Pages of the console: what an operator sees in a browser, made of data, without scripts but for live progress.
//!
//! Source: HTML 5, WCAG 2.2 (AA). Owns: the frame of every page, its words in both languages, tables, forms, charts.
//! Never: reads a database, knows HTTP, unmasks anybody: what it is given to show is what is shown.

pub mod batches;
pub mod cards;
pub mod chart;
pub mod clearing;
pub mod counter;
pub mod exchange;
pub mod figures;
pub mod files;
pub mod form;
pub mod gate;
pub mod identities;
pub mod people;
pub mod remedy;
pub mod stock;
pub mod sure;
pub mod today;
pub mod words;
pub mod works;

use maud::{DOCTYPE, Markup, html};

use crate::clock;
use crate::error::Explain;
use crate::lang::Lang;
use crate::operator::Operator;
use crate::output::Show;
use crate::state::{Table, word};

/// The one style sheet.
pub const STYLE: &str = include_str!("console/style.css");
/// The one script.
pub const SCRIPT: &str = include_str!("console/live.js");

/// Who looks.
#[derive(Clone, Copy, Debug)]
pub struct Viewer<'a> {
    /// Who.
    pub operator: &'a Operator,
    /// What each of the forms carries.
    pub csrf: &'a str,
    /// What each of the forms of this page carries besides: sent twice, it is carried out once.
    pub once: &'a str,
    /// Language.
    pub lang: Lang,
    /// Whether the keys of this centre are for rehearsal; none when its vault does not say.
    pub rehearsal: Option<bool>,
    /// City of the centre.
    pub city: &'a str,
    /// The address, without its query.
    pub path: &'a str,
    /// The page at it, or the nearest above it: for the way back and the change of language.
    pub place: &'a str,
    /// The form that came and was refused; none on every other page.
    pub refused: Option<&'a form::Refused<'a>>,
}

/// What stands above a page.
#[derive(Clone, Debug)]
pub enum Note {
    /// Something was done.
    Done(String),
    /// Something was refused, or failed.
    Problem {
        /// Stable code.
        code: &'static str,
        /// What happened.
        what: String,
        /// What to do next.
        next: &'static str,
    },
}

impl Note {
    /// A failure in words; what to do about it is said of pages and forms ([`remedy`]).
    #[must_use]
    pub fn of(error: &dyn Explain, lang: Lang) -> Self {
        Self::Problem { code: error.code(), what: error.what(lang), next: remedy::next(error, lang) }
    }

    /// The same, with other words for something that it names.
    #[must_use]
    pub fn without(self, named: &str, words: &str) -> Self {
        match self {
            Self::Problem { code, what, next } => Self::Problem { code, what: what.replace(named, words), next },
            done @ Self::Done(_) => done,
        }
    }

    pub(crate) fn shown(&self, lang: Lang) -> Markup {
        match self {
            Self::Done(text) => html! { div.told role="status" { p { (text) } } },
            Self::Problem { code, what, next } => html! {
                div.problem role="alert" {
                    p { strong { (what) } " " span.code { (code) } }
                    p { (lang.pick("下一步: ", "Next: ")) (next) }
                }
            },
        }
    }
}

/// Rooms of the console: address, words, the command that one must be let carry out to look in; in the order of the menu.
pub const ROOMS: [(&str, &str, &str, Option<&str>); 19] = [
    ("today", "今日工作", "Today", Some("batch list")),
    ("people", "人员", "People", Some("person find")),
    ("identities", "身份变更", "Identities", Some("person orders")),
    ("import", "导入", "Import", Some("person import")),
    ("query", "查询", "Questions", Some("query person")),
    ("tickets", "工单", "Tickets", Some("ticket list")),
    ("requests", "申请", "Requests", Some("request list")),
    ("batches", "批次", "Batches", Some("batch list")),
    ("cards", "卡", "Cards", Some("card show")),
    ("pins", "口令工单", "PIN orders", Some("pin list")),
    ("stock", "库存", "Stock", Some("stock show")),
    ("exchange", "文件交换", "Exchange", Some("exchange list")),
    ("clearing", "清算复核", "Clearing", Some("row list")),
    ("stations", "制卡站", "Stations", Some("station list")),
    ("keys", "密钥", "Keys", Some("key check")),
    ("faces", "卡面", "Card faces", Some("face template list")),
    ("blacklist", "黑名单", "Blacklist", Some("blacklist list")),
    ("audit", "审计", "Audit", Some("audit export")),
    ("figures", "统计", "Figures", Some("station yield")),
];

impl Viewer<'_> {
    /// The text of the viewer's language.
    #[must_use]
    pub fn say(&self, zh: &'static str, en: &'static str) -> &'static str {
        self.lang.pick(zh, en)
    }

    /// What binds a form to the session.
    #[must_use]
    pub fn token(&self) -> Markup {
        html! {
            input type="hidden" name="csrf" value=(self.csrf);
            input type="hidden" name="once" value=(self.once);
        }
    }

    /// A whole page in the frame.
    #[must_use]
    pub fn page(&self, title: &str, note: Option<&Note>, content: &Markup) -> Markup {
        let room = self.path.split('/').nth(2).unwrap_or_default();
        let frame = html! {
            a.skip href="#main" { (self.say("跳到正文", "Skip to the page")) }
            header {
                strong { (self.say("社会保障卡发卡中心", "Social security card centre")) " " (self.city) }
                @match self.rehearsal {
                    Some(true) => span.tag.warn { (self.say("演练密钥", "rehearsal keys")) },
                    Some(false) => span.tag.good { (self.say("正式密钥", "real keys")) },
                    None => {}
                }
                span.room {}
                span { (self.operator.name) }
                (languages(self.lang, self.place))
                form method="post" action="/console/logout" {
                    (self.token())
                    button type="submit" { (self.say("退出", "Log out")) }
                }
            }
            div.frame {
                nav aria-label=(self.say("菜单", "Menu")) {
                    ul {
                        @for (name, zh, en, _) in ROOMS.into_iter().filter(|(.., asks)| asks.is_none_or(|command| self.may(command))) {
                            li { a href={ "/console/" (name) } aria-current=[(name == room).then_some("page")] { (self.say(zh, en)) } }
                        }
                    }
                }
                main id="main" {
                    h1 { (title) }
                    @if let Some(note) = note { (note.shown(self.lang)) }
                    (content)
                }
            }
        };
        document(self.lang, title, &frame)
    }

    /// The word for a state, coloured by what it means.
    #[must_use]
    pub fn state(&self, table: &Table, name: &str) -> Markup {
        let kind = match name {
            "done" | "normal" | "finished" | "fulfilled" | "active" | "approved" => "tag good",
            "spoilt" | "formal_loss" | "cancelled" | "refused" | "rejected" | "revoked" | "lost" => "tag bad",
            "proposed" | "temporary_loss" | "locked" | "writing" | "running" => "tag warn",
            _ => "tag",
        };
        html! { span class=(kind) { (word(table, name, self.lang).replace('_', " ")) } }
    }
}

/// The links that change the language, kept on the page.
pub(crate) fn languages(lang: Lang, path: &str) -> Markup {
    let (other, name) = lang.pick(("en", "English"), ("zh", "中文"));
    html! { a href={ "/console/language/" (other) "?to=" (path) } lang=(other) { (name) } }
}

/// A document around a page.
pub(crate) fn document(lang: Lang, title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(lang.pick("zh-CN", "en")) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href="/console/style.css";
                link rel="icon" href="data:,";
                script src="/console/live.js" defer {}
            }
            body { (body) }
        }
    }
}

/// A table that may be wider than a narrow window.
pub(crate) fn table(heads: &[(&str, bool)], caption: Option<&str>, rows: &[Vec<Markup>]) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(caption.map_or_else(|| heads.iter().map(|(head, _)| *head).filter(|head| !head.is_empty()).collect::<Vec<_>>().join(" "), str::to_owned)) {
            table {
                @if let Some(caption) = caption { caption { (caption) } }
                thead { tr { @for (head, count) in heads { th scope="col" class=[count.then_some("count")] { (head) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (cell, (_, count)) in row.iter().zip(heads) {
                                td class=[count.then_some("count")] { (cell) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A text as a cell.
pub(crate) fn cell(text: impl maud::Render) -> Markup {
    html! { (text) }
}

/// A code or number as a cell.
pub(crate) fn code(text: &str) -> Markup {
    html! { span.code { (text) } }
}

/// An instant, to the minute, by the clocks of China: those who look have them on their walls. Whatever is no instant stands as it is.
pub(crate) fn minute(instant: &str) -> String {
    // Ends of certificates have no milliseconds.
    let whole = if instant.contains('.') { instant.to_owned() } else { instant.replace('Z', ".000Z") };
    let Some(time) = clock::china_date_time(&whole).map(|time| time.to_string()) else { return instant.to_owned() };
    let part = |from: usize, to: usize| time.get(from..to).unwrap_or_default();
    format!("{}-{}-{} {}:{}", part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 12))
}

/// A link.
pub(crate) fn link(to: &str, text: impl maud::Render) -> Markup {
    html! { a href=(to) { (text) } }
}

/// What a command says of its result, and the way back.
pub(crate) fn said(
    viewer: &Viewer<'_>,
    result: &impl Show,
    (to, zh, en): (&str, &'static str, &'static str),
) -> Markup {
    html! {
        pre.said { (remedy::without_commands(&result.text(viewer.lang))) }
        p { (link(to, viewer.say(zh, en))) }
    }
}

/// Nothing, said.
pub(crate) fn none(text: &str) -> Markup {
    html! { p.quiet { (text) } }
}

#[cfg(test)]
mod tests;
