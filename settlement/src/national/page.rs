//! The tables as a document (`docs/national.md`).
//!
//! Owns: its words. Never: a row of its own.

use super::envelope::{Head, Outcome};
use super::field::{Field, Kind, Mark, Record as _};
use super::message::{CATALOGUES, MESSAGES, MessageRow, NodeRow};
use super::state::MOVES;

/// The document, in Markdown.
#[must_use]
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    page += "\n## Envelope\n\nRequest. `input` follows; fields without value stand there empty.\n\n";
    page += &rows(Head::TABLE.fields);
    page += "\nAnswer. `output` follows. `infcode` 0 is success; everything else is a refusal.\n\n";
    page += &rows(Outcome::TABLE.fields);
    page += "\n## Messages\n\n| infno | 用途 | use | mark |\n|---|---|---|---|\n";
    for row in MESSAGES {
        page += &format!("| {} | {} | {} | {} |\n", row.infno, row.title.0, row.title.1, mark(row.named));
    }
    page += "\nMessages with the same nodes are shown once.\n";
    let mut shown: Vec<&str> = Vec::new();
    for row in MESSAGES {
        page += &message(row, &mut shown);
    }
    page += "\n## Catalogues\n\nBy version: `data.ver` asks, `fileinfo` answers, 9102 fetches the file `plc`. By page: `data` asks, \
             `data[]` and `pages` answer.\nRows are handed on as they come.\n\n| infno | 内容 | holds | form |\n|---|---|---|---|\n";
    for row in CATALOGUES {
        let form = if row.is_paged { "pages (G)" } else { "file (G)" };
        page += &format!("| {} | {} | {} | {form} |\n", row.infno, row.title.0, row.title.1);
    }
    page += "\n## States of a settlement\n\n| from | event | to |\n|---|---|---|\n";
    for row in MOVES {
        page += &format!("| {} | {:?} | {} |\n", row.from, row.event, row.to);
    }
    page
}

const HEAD: &str = "# The national interface

Generated from `settlement/src/national`; `NATIONAL_PAGE=write cargo nextest run -p settlement --test national` writes it anew.

How sure a row is: **H** two working adapters or a primary document, **M** one, **G** general knowledge that the peer must confirm.
The first mark is the name's, the second the type's and width's. Widths count characters unless `width-unit` says otherwise; they
are checked on what we send and not on what we receive. Numbers are written as JSON numbers and read with or without quotes, exactly.
";

fn message(row: &MessageRow, shown: &mut Vec<&'static str>) -> String {
    let mut text = String::new();
    for (side, nodes) in [("input", row.input), ("output", row.output)] {
        for node in nodes.iter().filter(|node| !node.table.fields.is_empty()) {
            if shown.contains(&node.table.title) {
                continue;
            }
            shown.push(node.table.title);
            text += &format!("\n### {} {side} {}\n\n{}", row.infno, heading(node), rows(node.table.fields));
        }
    }
    text
}

fn heading(node: &NodeRow) -> String {
    let list = if node.is_list { "[]" } else { "" };
    format!("`{}{list}` {} ({})", node.name, node.label, mark(node.named))
}

fn rows(fields: &[Field]) -> String {
    let mut text = "| field | 名称 | type | needed | mark |\n|---|---|---|---|---|\n".to_owned();
    for field in fields {
        let needed = if field.needed { "yes" } else { "–" };
        let marks = format!("{}{}", mark(field.named), mark(field.sized));
        text += &format!("| `{}` | {} | {} | {needed} | {marks} |\n", field.name, field.label, kind(field.kind));
    }
    text
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Text(width) => format!("text {width}"),
        Kind::Number(digits, 0) => format!("number {digits}"),
        Kind::Number(digits, places) => format!("number {digits},{places}"),
        Kind::Bytes => "bytes".to_owned(),
        Kind::Day => "yyyy-MM-dd".to_owned(),
        Kind::Moment => "yyyy-MM-dd HH:mm:ss".to_owned(),
    }
}

const fn mark(mark: Mark) -> &'static str {
    match mark {
        Mark::H => "H",
        Mark::M => "M",
        Mark::G => "G",
    }
}
