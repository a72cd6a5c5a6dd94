//! Files that come in: people of a bureau, with what is wrong with each row; photos that were refused.
//!
//! Owns: how a report looks. Never: an unmasked value of a row.

use maud::{Markup, html};

use super::form::{Entry, Field, Form, Known};
use super::people::{self, facts};
use super::{Viewer, cell, code, link, remedy, table};
use crate::import::report::{Counts, Report};
use crate::photo;
use crate::registry::source::Source;

/// Faults on a page.
const FAULTS_MAX: usize = 200;

/// 导入人员.
pub const IMPORT: Form = Form {
    path: "/console/import",
    command: "person import",
    title: ("导入", "Import"),
    fields: &[
        Field {
            name: "file",
            label: ("文件（CSV、XLSX、JSON，至多 8 MiB）", "File (CSV, XLSX, JSON, at most 8 MiB)"),
            entry: Entry::File(".csv,.txt,.xlsx,.json,.jsonl"),
        },
        Field { name: "source", label: ("来源", "Source"), entry: Entry::Pick },
        Field { name: "dry_run", label: ("只检查，不改动", "Check only, change nothing"), entry: Entry::Tick },
    ],
};

/// What an import asks for.
#[must_use]
pub fn page(viewer: &Viewer<'_>, sources: &[Source]) -> Markup {
    let sources: Vec<(String, String)> =
        sources.iter().map(|source| (source.name.clone(), source.name.clone())).collect();
    html! {
        (viewer.open_form(&IMPORT, "", &[("source", Known::Among(&sources))]))
        p.quiet { (viewer.say(
            "表头要有号码和姓名；其余各列有则读取。每一行的每一处错误都会列出；同一文件可再次导入。更大的文件请中心管理员导入。",
            "The header has a number and a name; other columns are read when they are there. Every fault of every row is listed; \
             the same file may be imported again. Larger files are taken in by the administrator of the centre.",
        )) }
    }
}

/// What came of it.
#[must_use]
pub fn report(viewer: &Viewer<'_>, report: &Report) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let Counts { created, changed, unchanged, refused, conflicting } = report.counts();
    let [created, changed, unchanged, refused, conflicting] =
        [created, changed, unchanged, refused, conflicting].map(|count| count.to_string());
    let heads = [
        (say("行", "Row"), true),
        (say("列", "Column"), false),
        (say("值（已脱敏）", "Value (masked)"), false),
        (say("问题", "What is wrong"), false),
        (say("处理办法", "What to do"), false),
    ];
    let rows: Vec<_> = report
        .faults()
        .iter()
        .take(FAULTS_MAX)
        .map(|fault| {
            vec![
                cell(fault.row),
                cell(report.column(fault)),
                code(&fault.value),
                maud::html! { (fault.code.message(viewer.lang)) " " (code(fault.code.name())) },
                cell(fault.code.remedy(viewer.lang)),
            ]
        })
        .collect();
    html! {
        @if report.is_dry_run() { p { span.tag.warn { (say("只检查，未改动", "checked only, nothing was changed")) } } }
        (facts(&[
            (say("新登记", "Registered"), &created), (say("变更", "Changed"), &changed), (say("未变", "Unchanged"), &unchanged),
            (say("来源不一", "Sources differ"), &conflicting), (say("退回的行", "Rows refused"), &refused),
        ]))
        @for note in report.notes() { p.quiet { (remedy::without_commands(&note)) } }
        @if !rows.is_empty() {
            h2 { (say("退回的行", "Rows refused")) }
            (table(&heads, None, &rows))
            @if report.faults().len() > FAULTS_MAX {
                p.quiet { (say("仅列出前 200 处。", "The first 200 are listed.")) }
            }
        }
        p { (link("/console/import", say("再导入一个文件", "Import another file"))) " · " (link("/console/people", say("人员", "People"))) }
    }
}

/// Why a photo was refused.
#[must_use]
pub fn photo_refused(viewer: &Viewer<'_>, person: i64, report: &photo::report::Report) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let heads =
        [(say("代码", "Code"), false), (say("问题", "What is wrong"), false), (say("处理办法", "What to do"), false)];
    let row = |fault: &photo::report::Refused| vec![code(fault.code), cell(&fault.message), cell(fault.remedy)];
    let rows: Vec<_> = report.faults.iter().map(row).collect();
    html! {
        p { span.tag.bad { (say("照片未收", "the photo was refused")) } }
        (table(&heads, None, &rows))
        p { (link(&people::address(person), say("返回", "Back"))) }
    }
}
