//! The page of logging in, and that of a refusal without a frame.
//!
//! Owns: the form of the door. Never: says which of name, password and code was wrong.

use maud::{Markup, html};

use super::{Note, document, languages};
use crate::lang::Lang;

/// The page; `name` is what was typed before.
#[must_use]
pub fn page(lang: Lang, note: Option<&Note>, name: &str) -> Markup {
    let title = lang.pick("登录发卡中心", "Log in to the centre");
    let body = html! {
        main.alone id="main" {
            h1 { (title) }
            @if let Some(note) = note { (note.shown(lang)) }
            form method="post" action="/console/login" {
                label.field { (lang.pick("操作员", "Operator"))
                    input name="operator" value=(name) required maxlength="32" autocomplete="username" autofocus;
                }
                label.field { (lang.pick("口令", "Password"))
                    input name="password" type="password" required maxlength="256" autocomplete="current-password";
                }
                label.field { (lang.pick("动态验证码（6 位）", "Code of the second factor (6 digits)"))
                    input name="code" required inputmode="numeric" pattern="[0-9]{6}" maxlength="6" autocomplete="one-time-code";
                }
                button type="submit" { (lang.pick("登录", "Log in")) }
            }
            p { (languages(lang, "/console/login")) }
        }
    };
    document(lang, title, &body)
}

/// A page that says why nothing was done, and where to go on; who is not in comes to the door from there.
#[must_use]
pub fn refusal(lang: Lang, note: &Note, home: &str) -> Markup {
    let title = lang.pick("未办理", "Nothing was done");
    let body = html! {
        main.alone id="main" {
            h1 { (title) }
            (note.shown(lang))
            p { a href=(home) { (lang.pick("回到今日工作", "To today's work")) } }
        }
    };
    document(lang, title, &body)
}
