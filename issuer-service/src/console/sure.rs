//! The second page before what cannot be undone: what it is, and the same form once more.
//!
//! Owns: which forms ask twice. Never: carries anything out.

use maud::{Markup, html};

use super::Viewer;

/// A form that asks twice.
#[derive(Debug)]
pub struct Final {
    path: &'static str,
    /// The field and the value that make it final, where not all of it is.
    when: Option<(&'static str, &'static str)>,
    /// Whether it is final only where another card of the holder ends with it.
    pub ends_another: bool,
    /// What is said of it: Chinese, English.
    pub words: (&'static str, &'static str),
}

const fn each(path: &'static str, zh: &'static str, en: &'static str) -> Final {
    Final { path, when: None, ends_another: false, words: (zh, en) }
}

const fn step(value: &'static str, zh: &'static str, en: &'static str) -> Final {
    Final { path: "/console/cards/{name}/move", when: Some(("step", value)), ends_another: false, words: (zh, en) }
}

const FINAL: &[Final] = &[
    Final {
        ends_another: true,
        ..step(
            "activate",
            "启用后持卡人的旧卡随即注销，不能恢复。",
            "With this the holder's old card is cancelled, and never comes back.",
        )
    },
    step("cancel", "注销后此卡不能恢复。", "A cancelled card never comes back."),
    step("formal-loss", "正式挂失后，通常须补换新卡。", "After a formal loss the holder usually needs another card."),
    each("/console/batches/{number}/cancel", "取消的批次不能恢复。", "A cancelled batch never comes back."),
    each("/console/batches/{number}/withdraw", "批次撤回后不能恢复。", "A withdrawn batch never comes back."),
    each("/console/stations/{name}/revoke", "吊销的证书不能恢复。", "A revoked certificate never comes back."),
    each(
        "/console/identities/{number}/approve",
        "并档不能撤销；号码只能另提一单再更正。",
        "Rows that were joined stay so; a number is mended by another order only.",
    ),
    each("/console/people/{number}/photo/remove", "删除的照片不能恢复。", "A removed photo never comes back."),
];

/// What is said before a form is carried out for good; none for others. `value` is what stands in a field.
#[must_use]
pub fn warning<'v>(path: &str, value: impl Fn(&str) -> &'v str) -> Option<&'static Final> {
    let is_final = |form: &&Final| form.when.is_none_or(|(field, wanted)| value(field) == wanted);
    FINAL.iter().filter(|form| form.path == path).find(is_final)
}

/// The page: the fields of the form as they came, and a button.
#[must_use]
pub fn page(viewer: &Viewer<'_>, (zh, en): (&'static str, &'static str), fields: &[(&str, &str)]) -> Markup {
    html! {
        div.problem role="alert" { p { strong { (viewer.say(zh, en)) } } }
        form.row method="post" action=(viewer.path) {
            (viewer.token())
            input type="hidden" name="sure" value="yes";
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button type="submit" { (viewer.say("确认办理", "Yes, do it")) }
            " " a href=(viewer.place) { (viewer.say("不办理，返回", "No, go back")) }
        }
    }
}
