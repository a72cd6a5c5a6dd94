//! Files to and from banks and factories: what was sent, what came back.
//!
//! Owns: its forms and table. Never: what a file holds.

use maud::{Markup, html};

use super::form::{Entry, Field, Form, Known, REASON};
use super::{Viewer, cell, code, link, minute, none, table, words};
use crate::exchange::SentFile;
use crate::exchange::state::FileState;
use crate::exchange::template::Template;
use crate::state::State;

/// 导出.
pub const EXPORT: Form = Form {
    path: "/console/exchange",
    command: "exchange export",
    title: ("导出文件", "Send a file"),
    fields: &[
        Field { name: "template", label: ("模板", "Template"), entry: Entry::Pick },
        Field { name: "batch", label: ("批次", "Batch"), entry: Entry::Count },
        Field { name: "partner", label: ("对方代码", "Partner's code"), entry: Entry::Line(32) },
    ],
};

/// 收回盘.
pub const IMPORT: Form = Form {
    path: "/console/exchange/import",
    command: "exchange import",
    title: ("收取回盘文件", "Take in what came back"),
    fields: &[],
};

/// 重发.
pub const RESEND: Form = Form {
    path: "/console/exchange/{name}/resend",
    command: "exchange resend",
    title: ("重发", "Send again"),
    fields: &[],
};

/// 放弃.
pub const ABANDON: Form = Form {
    path: "/console/exchange/{name}/abandon",
    command: "exchange abandon",
    title: ("放弃", "Abandon"),
    fields: &[REASON],
};

/// What was sent, the newest first.
#[must_use]
pub fn page(viewer: &Viewer<'_>, files: &[SentFile], templates: &[Template]) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let heads = [
        (say("任务号", "Task"), false),
        (say("批次", "Batch"), true),
        (say("对方", "Partner"), false),
        (say("文件", "File"), false),
        (say("状态", "State"), false),
        (say("行", "Rows"), true),
        (say("成功", "Accepted"), true),
        (say("失败", "Refused"), true),
        (say("时间（北京时间）", "At (UTC+8)"), false),
        ("", false),
    ];
    let rows: Vec<_> = files
        .iter()
        .rev()
        .map(|file| {
            vec![
                code(&file.task),
                link(&super::batches::address(file.batch), file.batch),
                html! { (file.partner.word(viewer.lang)) " " (file.partner_code) },
                code(&file.name),
                viewer.state(&FileState::TABLE, &file.state),
                cell(file.rows),
                cell(file.accepted),
                cell(file.refused),
                cell(minute(&file.made_at)),
                html! { @if file.state == FileState::Sent.name() {
                    (viewer.form(&RESEND, &file.task, &[])) (viewer.form(&ABANDON, &file.task, &[]))
                } },
            ]
        })
        .collect();
    let templates: Vec<(String, String)> =
        templates.iter().map(|one| (one.name.clone(), words::template(one, viewer.lang))).collect();
    html! {
        (viewer.open_form(&IMPORT, "", &[]))
        (viewer.form(&EXPORT, "", &[("template", Known::Among(&templates))]))
        @if rows.is_empty() { (none(say("还没有发出文件。", "No file was sent yet."))) } @else { (table(&heads, None, &rows)) }
    }
}
