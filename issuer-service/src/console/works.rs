//! What the centre works with: stock, stations, check values, faces, blacklist, audit log.
//!
//! Owns: these tables. Never: keys; a reason of somebody to whom the audit log is not shown.

use maud::{Markup, html};

use super::today::holds;
use super::{Viewer, cell, code, link, minute, none, table};
use crate::audit::Record;
use crate::clearing::blacklist::BlacklistEntry;
use crate::face::Known;
use crate::peer::{Certificate, CertificateState};
use crate::station::care::{Hold, YieldRow};
use crate::stock::{Overview, StockState};
use crate::vault::CheckValue;

/// Stations, what is on hold, what each reader made.
#[must_use]
pub fn stations(viewer: &Viewer<'_>, certificates: &[Certificate], held: &[Hold], readers: &[YieldRow]) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let heads = [
        (say("制卡站", "Station"), false),
        (say("状态", "State"), false),
        (say("登记人", "Enrolled by"), false),
        (say("签发人", "Certified by"), false),
        (say("证书有效期（UTC）", "Certificate ends (UTC)"), false),
    ];
    let rows: Vec<_> = certificates
        .iter()
        .map(|one| {
            vec![
                cell(&one.name),
                viewer.state(&CertificateState::TABLE, &one.state),
                cell(&one.maker),
                cell(one.checker.as_deref().unwrap_or("")),
                cell(minute(one.valid_until.as_deref().unwrap_or(""))),
            ]
        })
        .collect();
    let yields = [
        (say("读卡器", "Reader"), false),
        (say("制卡站", "Station"), false),
        (say("已制", "Made"), true),
        (say("作废", "Spoilt"), true),
        (say("中途拔卡", "Pulled"), true),
        (say("未印", "Unprinted"), true),
    ];
    let made: Vec<_> = readers
        .iter()
        .map(|row| {
            vec![
                cell(&row.name),
                cell(&row.station),
                cell(row.made),
                cell(row.spoilt),
                cell(row.pulled),
                cell(row.unprinted),
            ]
        })
        .collect();
    html! {
        h2 { (say("远程制卡站", "Remote stations")) }
        @if rows.is_empty() { (none(say("没有远程制卡站。", "There is none."))) } @else { (table(&heads, None, &rows)) }
        h2 { (say("停用", "On hold")) }
        @if held.is_empty() { (none(say("没有停用的读卡器或卡批。", "No reader and no lot is on hold."))) } @else { (holds(viewer, held)) }
        h2 { (say("读卡器产量", "Yield of readers")) }
        @if made.is_empty() { (none(say("还没有制卡。", "No card was made yet."))) } @else { (table(&yields, None, &made)) }
    }
}

/// Where cards are.
#[must_use]
pub fn stock(viewer: &Viewer<'_>, overview: &Overview) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let heads = [
        (say("地点", "Place"), false),
        (say("保管人", "Keeper"), false),
        (say("状态", "State"), false),
        (say("批号", "Lot"), false),
        (say("卡", "Cards"), true),
        (say("自（UTC）", "Since (UTC)"), false),
    ];
    let mut rows = Vec::new();
    for custody in &overview.places {
        for held in &custody.held {
            rows.push(vec![
                cell(format!("{} {}", custody.place.code, custody.place.title)),
                cell(&custody.place.keeper),
                viewer.state(&StockState::TABLE, &held.state),
                cell(&held.lot),
                cell(held.cards),
                cell(minute(&held.since)),
            ]);
        }
    }
    html! {
        @if rows.is_empty() { (none(say("库存为空。", "The stock is empty."))) } @else { (table(&heads, None, &rows)) }
    }
}

/// Cards that may not pay.
#[must_use]
pub fn blacklist(viewer: &Viewer<'_>, entries: &[BlacklistEntry]) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let heads = [
        (say("序号", "No."), true),
        (say("卡识别码", "Card identifier"), false),
        (say("理由", "Reason"), false),
        (say("经办人", "By"), false),
        (say("自（UTC）", "Since (UTC)"), false),
    ];
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| {
            vec![
                cell(entry.sequence),
                code(&entry.card_identifier.to_string()),
                cell(&entry.reason),
                cell(&entry.operator),
                cell(minute(&entry.effective_at)),
            ]
        })
        .collect();
    html! {
        @if rows.is_empty() { (none(say("黑名单为空。", "The blacklist is empty."))) } @else { (table(&heads, None, &rows)) }
    }
}

/// Records of the audit log, the newest first; `older` is where the next page begins.
#[must_use]
pub fn audit(viewer: &Viewer<'_>, records: &[Record], older: Option<i64>) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let heads = [
        (say("序号", "No."), true),
        (say("时间（UTC）", "At (UTC)"), false),
        (say("操作员", "Operator"), false),
        (say("事项", "Act"), false),
        (say("对象", "Object"), false),
        (say("详情", "Detail"), false),
    ];
    let rows: Vec<_> = records
        .iter()
        .map(|record| {
            vec![
                cell(record.sequence),
                cell(minute(&record.recorded_at)),
                cell(&record.actor),
                code(&record.act),
                cell(&record.object),
                cell(&record.detail),
            ]
        })
        .collect();
    html! {
        (table(&heads, None, &rows))
        @if let Some(older) = older { p { (link(&format!("/console/audit?before={older}"), say("更早的记录", "Older records"))) } }
    }
}

/// Check values of the keys, and what they are good for. A check value is public: no key can be found from it.
#[must_use]
pub fn keys(viewer: &Viewer<'_>, values: &[CheckValue]) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let heads = [
        (say("密钥", "Key"), false),
        (say("版本", "Version"), true),
        (say("国家级", "National"), false),
        (say("省级", "Province"), false),
        (say("市级", "City"), false),
    ];
    let level = |value: &Option<String>| code(value.as_deref().unwrap_or("–"));
    let rows: Vec<_> = values
        .iter()
        .map(|value| {
            vec![
                code(&value.name),
                cell(value.version),
                level(&value.national),
                level(&value.province),
                level(&value.city),
            ]
        })
        .collect();
    html! {
        @match viewer.rehearsal {
            Some(true) => p { span.tag.warn { (say("演练密钥", "rehearsal keys")) } " " (say("用它们制的卡只用于演练。", "Cards made with them are for rehearsal only.")) },
            Some(false) => p { span.tag.good { (say("正式密钥", "real keys")) } },
            None => {}
        }
        (none(say("这里只显示校验值，密钥不离开密钥库。", "These are check values; keys never leave the vault.")))
        @if rows.is_empty() { (none(say("没有记录的校验值。", "No check value is on record."))) } @else { (table(&heads, None, &rows)) }
    }
}

/// Both sides of the card as the site's templates draw them, with an invented holder.
#[must_use]
pub fn faces(viewer: &Viewer<'_>, known: &[Known]) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    html! {
        (none(say("持卡人是虚构的。模板放在数据目录的 templates/face。", "The holder is invented. Templates lie in templates/face of the data folder.")))
        @for one in known {
            h2 { @if one.side == "front" { (say("正面", "Front")) } @else { (say("背面", "Back")) } }
            @if one.good {
                img.face src={ "/console/faces/" (one.side) } width="320" height="202" alt=(say("卡面预览", "preview of the card's face"));
            } @else {
                p { span.tag.bad { (say("模板不可用", "the template cannot be used")) } " " span.code { "issuer face template check " (one.side) } }
            }
            p.quiet { @if one.file.is_some() { (say("本地模板", "the site's own")) } @else { (say("自带模板", "built in")) }
                " · SHA-256 " span.code { (one.sha256) } }
        }
    }
}
