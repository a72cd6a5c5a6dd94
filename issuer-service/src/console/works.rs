//! What the centre works with: stations, check values, faces, blacklist, audit log.
//!
//! Owns: these tables. Never: keys; a reason of somebody to whom the audit log is not shown.

use card_face::NAMES;
use maud::{Markup, html};

use super::form::{Entry, Field, Form, Known, REASON};
use super::today::{batches, holds};
use super::{Viewer, cell, code, link, minute, none, table};
use crate::audit::{Record, Sought};
use crate::batch::Batch;
use crate::ceremony::{Ceremony, CeremonyState, SUPPLEMENT};
use crate::clearing::blacklist::BlacklistEntry;
use crate::clearing::withheld::{AGAIN, Withheld};
use crate::face;
use crate::peer::{Certificate, CertificateState};
use crate::state::State;
use crate::station::care::{Hold, YieldRow};
use crate::vault::CheckValue;

/// 恢复使用.
pub const RELEASE: Form = Form {
    path: "/console/stations/release",
    command: "station release",
    title: ("恢复使用", "Give back to work"),
    fields: &[
        Field { name: "kind", label: ("种类", "Kind"), entry: Entry::Fixed },
        Field { name: "name", label: ("名称", "Name"), entry: Entry::Fixed },
        Field { name: "station", label: ("制卡站", "Station"), entry: Entry::Fixed },
        REASON,
    ],
};

/// 登记.
pub const ENROL: Form = Form {
    path: "/console/stations",
    command: "station enrol",
    title: ("登记制卡站", "Enrol a station"),
    fields: &[
        Field { name: "name", label: ("名称", "Name"), entry: Entry::Line(32) },
        Field {
            name: "request",
            label: ("证书请求（PEM 文本）", "Certificate request (text in PEM)"),
            entry: Entry::Lines(8000),
        },
    ],
};

/// 吊销.
pub const REVOKE: Form = Form {
    path: "/console/stations/{name}/revoke",
    command: "station revoke",
    title: ("吊销证书", "Revoke"),
    fields: &[REASON],
};

/// 列入.
pub const LIST: Form = Form {
    path: "/console/blacklist",
    command: "blacklist add",
    title: ("列入黑名单", "Put a card on the list"),
    fields: &[
        Field {
            name: "card", label: ("卡识别码（32 位）", "Card identifier (32 digits)"), entry: Entry::Line(32)
        },
        REASON,
    ],
};

/// 移出.
pub const UNLIST: Form = Form {
    path: "/console/blacklist/{name}/remove",
    command: "blacklist remove",
    title: ("移出", "Take off"),
    fields: &[REASON],
};

/// 补入.
pub const ADOPT: Form = Form {
    path: "/console/blacklist/adopt",
    command: "blacklist adopt",
    title: ("补入终端持有的名单", "Take back a list that a terminal holds"),
    fields: &[Field {
        name: "list",
        label: ("名单文件（由终端导出）", "The list's file, exported by the terminal"),
        entry: Entry::File(""),
    }],
};

/// 重新发布.
pub const PUBLISH: Form = Form {
    path: "/console/blacklist/release",
    command: "blacklist release",
    title: ("重新发布黑名单", "Publish the blacklist again"),
    fields: &[Field {
        name: "reason",
        label: ("补入了哪些名单，或为何一份不缺", "Which lists were taken back, or why none is missing"),
        entry: Entry::Line(200),
    }],
};

/// 核验.
pub const VERIFY: Form = Form {
    path: "/console/audit/verify",
    command: "audit verify",
    title: ("核验全部日志", "Verify the whole log"),
    fields: &[],
};

/// Stations, what is on hold, what each reader made.
#[must_use]
pub fn stations(
    viewer: &Viewer<'_>,
    certificates: &[Certificate],
    held: &[Hold],
    (readers, lots): (&[YieldRow], &[YieldRow]),
    making: &[Batch],
) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let heads = [
        (say("制卡站", "Station"), false),
        (say("状态", "State"), false),
        (say("登记人", "Enrolled by"), false),
        (say("签发人", "Certified by"), false),
        (say("证书有效期（北京时间）", "Certificate ends (UTC+8)"), false),
        ("", false),
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
                html! { @if one.state != CertificateState::Revoked.name() { (viewer.form(&REVOKE, &one.name, &[])) } },
            ]
        })
        .collect();
    let known: Vec<_> = held
        .iter()
        .map(|hold| {
            let known = [
                ("kind", Known::Value(hold.kind.name())),
                ("name", Known::Value(&hold.name)),
                ("station", Known::Value(&hold.station)),
            ];
            html! { p.code { (hold.name) " " (hold.station) } (viewer.open_form(&RELEASE, "", &known)) }
        })
        .collect();
    html! {
        h2 { (say("正在制作的批次", "Batches at work")) }
        @if making.is_empty() { (none(say("没有批次在制作。", "No batch is being made."))) } @else { (batches(viewer, making)) }
        p.quiet { (say("制卡站在读卡器旁启动和停止。", "Stations are started and stopped beside their readers.")) }
        h2 { (say("远程制卡站", "Remote stations")) }
        @if rows.is_empty() { (none(say("没有远程制卡站。", "There is none."))) } @else { (table(&heads, None, &rows)) }
        (viewer.form(&ENROL, "", &[]))
        h2 { (say("停用", "On hold")) }
        @if held.is_empty() { (none(say("没有停用的读卡器或卡批。", "No reader and no lot is on hold."))) } @else {
            (holds(viewer, held))
            @if viewer.may(RELEASE.command) { @for form in &known { (form) } }
        }
        h2 { (say("读卡器产量", "Yield of readers")) }
        @if readers.is_empty() { (none(say("还没有制卡。", "No card was made yet."))) } @else { (yields(viewer, say("读卡器", "Reader"), readers)) }
        @if !lots.is_empty() { h2 { (say("卡批产量", "Yield of lots")) } (yields(viewer, say("批号", "Lot"), lots)) }
    }
}

fn yields(viewer: &Viewer<'_>, what: &'static str, rows: &[YieldRow]) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let heads = [
        (what, false),
        (say("制卡站", "Station"), false),
        (say("已制", "Made"), true),
        (say("作废", "Spoilt"), true),
        (say("中途拔卡", "Pulled"), true),
        (say("未印", "Unprinted"), true),
        (say("最近（北京时间）", "Last (UTC+8)"), false),
    ];
    let row = |row: &YieldRow| {
        vec![
            cell(&row.name),
            cell(&row.station),
            cell(row.made),
            cell(row.spoilt),
            cell(row.pulled),
            cell(row.unprinted),
            cell(minute(&row.last)),
        ]
    };
    table(&heads, None, &rows.iter().map(row).collect::<Vec<_>>())
}

/// What is said while a centre that was brought back publishes no list, and what ends that.
fn unpublished(viewer: &Viewer<'_>, Withheld { adopted, .. }: Withheld) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    // Commands stand in brackets behind the words.
    let words =
        |(zh, en): &(&'static str, &'static str)| say(zh, en).split(['（', '(']).next().unwrap_or_default().trim_end();
    html! {
        div.problem role="alert" {
            p { strong { (say("本中心从备份恢复，黑名单尚未发布。", "This centre was brought back from a backup: its blacklist is not published.")) } }
            p { (say("先补入终端持有的、比备份新的名单，再重新发布。", "Take back what terminals hold and is newer than the backup, then publish again.")) " "
                @if adopted > 0 { (say("已补入到名单", "Taken back up to list")) " " (adopted) (say("。", ".")) } }
            p { (say("备份之后办理的下列事项须重新办理：", "What was done since the backup must be done again:")) }
            ul { @for each in &AGAIN { li { (words(each)) } } }
        }
        (viewer.form(&ADOPT, "", &[]))
        (viewer.form(&PUBLISH, "", &[]))
    }
}

/// Cards that may not pay, the newest first; `older` is where the next page begins.
#[must_use]
pub fn blacklist(
    viewer: &Viewer<'_>,
    entries: &[BlacklistEntry],
    older: Option<u64>,
    withheld: Option<Withheld>,
) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let heads = [
        (say("序号", "No."), true),
        (say("卡识别码", "Card identifier"), false),
        (say("理由", "Reason"), false),
        (say("经办人", "By"), false),
        (say("自（北京时间）", "Since (UTC+8)"), false),
        ("", false),
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
                viewer.form(&UNLIST, &entry.card_identifier.to_string(), &[]),
            ]
        })
        .collect();
    html! {
        @if let Some(withheld) = withheld { (unpublished(viewer, withheld)) }
        (viewer.form(&LIST, "", &[]))
        @if rows.is_empty() { (none(say("黑名单为空。", "The blacklist is empty."))) } @else { (table(&heads, None, &rows)) }
        @if let Some(older) = older {
            p { (link(&format!("/console/blacklist?before={older}"), say("更早列入的卡", "Cards listed before"))) }
        }
    }
}

/// Records of the audit log, the newest first; `older` is where the next page begins.
#[must_use]
pub fn audit(viewer: &Viewer<'_>, sought: &Sought, records: &[Record], older: Option<i64>) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let heads = [
        (say("序号", "No."), true),
        (say("时间（北京时间）", "At (UTC+8)"), false),
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
                html! { span.long { (record.detail) } },
            ]
        })
        .collect();
    let Sought { actor, act, object } = sought;
    let fields = [
        ("actor", say("操作员", "Operator"), actor),
        ("act", say("事项（如 card.）", "Act (such as card.)"), act),
        ("object", say("对象（如 card A）", "Object (such as card A)"), object),
    ];
    let page = |before: i64| {
        let plain = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        format!("/console/audit?actor={}&act={}&object={}&before={before}", plain(actor), plain(act), plain(object))
    };
    html! {
        form.row method="get" action="/console/audit" {
            @for (name, words, value) in fields {
                label { (words) input name=(name) value=(value) maxlength="64" autocomplete="off"; }
            }
            button type="submit" { (say("查找（以此开头）", "Find (what begins so)")) }
        }
        (viewer.open_form(&VERIFY, "", &[]))
        @if rows.is_empty() { (none(say("没有这样的记录。", "There is no such record."))) } @else { (table(&heads, None, &rows)) }
        @if let Some(older) = older { p { (link(&page(older), say("更早的记录", "Older records"))) } }
    }
}

/// Check values of the keys, and what they are good for. A check value is public: no key can be found from it.
#[must_use]
pub fn keys(viewer: &Viewer<'_>, values: &[CheckValue], ceremonies: &[Ceremony]) -> Markup {
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
        h2 { (say("密钥仪式", "Ceremonies")) }
        @if ceremonies.is_empty() { (none(say("还没有密钥仪式。", "There was none."))) } @else { (held(viewer, ceremonies)) }
        p.quiet { (say("开始、录入分量、导入、完成和取消需要保管人到场，在中心的机器上办理。", "Starting, contributing, importing, finishing and cancelling need the custodians; they are done at the centre's machine.")) }
        h2 { (say("校验值", "Check values")) }
        (none(say("这里只显示校验值，密钥不离开密钥库。", "These are check values; keys never leave the vault.")))
        @if rows.is_empty() { (none(say("没有记录的校验值。", "No check value is on record."))) } @else { (table(&heads, None, &rows)) }
    }
}

fn held(viewer: &Viewer<'_>, ceremonies: &[Ceremony]) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let heads = [
        (say("仪式", "Ceremony"), true),
        (say("密钥", "Keys"), false),
        (say("目的", "Purpose"), false),
        (say("版本", "Version"), true),
        (say("状态", "State"), false),
        (say("已录入的保管人", "Custodians who contributed"), false),
        (say("校验值", "Check value"), false),
        (say("开始（北京时间）", "Started (UTC+8)"), false),
    ];
    let row = |one: &Ceremony| {
        let done = one.custodians.iter().filter(|custodian| custodian.contributed_at.is_some()).count();
        vec![
            cell(one.number),
            html! { @if one.kind == "rehearsal" { span.tag.warn { (say("演练", "rehearsal")) } } @else { span.tag.good { (say("正式", "real")) } } },
            html! { (match one.purpose.as_str() { "restore" => say("恢复", "restoration"), SUPPLEMENT => say("补充", "missing keys"), _ => say("生成", "new keys") }) },
            cell(one.key_set),
            viewer.state(&CeremonyState::TABLE, &one.state),
            cell(format!("{done} / {} ({})", one.custodians.len(), one.threshold)),
            code(one.check_value.as_deref().unwrap_or("–")),
            cell(minute(&one.started_at)),
        ]
    };
    table(&heads, None, &ceremonies.iter().map(row).collect::<Vec<_>>())
}

/// Both sides of the card as the site's templates draw them, with an invented holder.
#[must_use]
pub fn faces(viewer: &Viewer<'_>, known: &[face::Known], name: usize) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    html! {
        (none(say("持卡人是虚构的。模板放在数据目录的 templates/face。", "The holder is invented. Templates lie in templates/face of the data folder.")))
        p { (say("姓名", "Name")) ": "
            @for (number, sample) in NAMES.iter().enumerate() {
                a href={ "/console/faces?name=" (number) } aria-current=[(number == name).then_some("true")] { (sample) } " "
            }
        }
        @for one in known {
            h2 { @if one.side == "front" { (say("正面", "Front")) } @else { (say("背面", "Back")) } }
            @if one.good {
                img.face src={ "/console/faces/" (one.side) "?name=" (name) } width="320" height="202" alt=(say("卡面预览", "preview of the card's face"));
            } @else {
                p { span.tag.bad { (say("模板不可用，请中心管理员检查", "the template cannot be used: tell the administrator of the centre")) } }
            }
            p.quiet { @if one.file.is_some() { (say("本地模板", "the site's own")) } @else { (say("自带模板", "built in")) }
                " · SHA-256 " span.code { (one.sha256) } }
        }
    }
}
