//! What a clerk does about a refusal: pages and forms, where the same error at the command line names a command.
//!
//! Owns: a sentence for each code whose own remedy is typed at a machine. Never: a code of its own; a command, an option or a file in a
//! sentence: who is at a browser has none of them.

use crate::error::Explain;
use crate::lang::Lang;

/// What is said where the own remedy of an error is not for a browser and no sentence stands in its place.
const ELSE: (&str, &str) = ("请中心管理员处理", "tell the administrator of the centre");

/// What to do next, of an error that came up in the console.
#[must_use]
pub fn next(error: &dyn Explain, lang: Lang) -> &'static str {
    if let Some(sentence) = of_code(error.code(), lang) {
        return sentence;
    }
    let own = error.next(lang);
    if is_typed(own) { lang.pick(ELSE.0, ELSE.1) } else { own }
}

/// What is said of a code, where no error has come up.
#[must_use]
pub fn sentence(code: &str, lang: Lang) -> &'static str {
    of_code(code, lang).unwrap_or_else(|| lang.pick(ELSE.0, ELSE.1))
}

fn of_code(code: &str, lang: Lang) -> Option<&'static str> {
    let (_, zh, en) = SENTENCES.iter().find(|(known, ..)| *known == code)?;
    Some(lang.pick(zh, en))
}

/// Whether a text sends somebody to a command line, or to files beside it.
#[must_use]
pub fn is_typed(text: &str) -> bool {
    ["issuer ", "sscard ", "--", "`", "标准输入", "standard input", "openapi", "centre.toml", "/dev/"]
        .iter()
        .any(|mark| text.contains(mark))
}

/// What a command says of its result, without the commands that it names in passing.
#[must_use]
pub fn without_commands(text: &str) -> String {
    let each = text.lines().map(|line| {
        let mut line = line.to_owned();
        for (begin, end) in [("（issuer ", "）"), (" (issuer ", ")"), (", see `issuer ", "`"), ("，见 issuer ", "\n")]
        {
            while let Some(from) = line.find(begin) {
                let after = from + begin.len();
                let to = line[after..].find(end).map_or(line.len(), |at| after + at + end.len());
                line.replace_range(from..to, "");
            }
        }
        line
    });
    each.collect::<Vec<_>>().join("\n")
}

const PEOPLE: (&str, &str) = ("在“人员”页按号码或姓名查找", "find the person on the page People");
const CARDS: (&str, &str) = ("在“卡”页按卡号查找", "find the card by its number on the page Cards");
const STOCK: (&str, &str) =
    ("在“库存”页查看卡在哪里，再核对实物", "see on the page Stock where the cards are, then look for them");
const BATCHES: (&str, &str) = ("在“批次”页查看", "look at it on the page Batches");
const IDENTITIES: (&str, &str) = ("在“身份变更”页查看", "see the orders on the page Identities");
const PINS: (&str, &str) = ("在“口令工单”页查看", "see the orders on the page PIN orders");
const BLACKLIST: (&str, &str) = ("在“黑名单”页查看", "look at the page Blacklist");
const STATIONS: (&str, &str) = ("在“制卡站”页查看", "see the stations on the page Stations");
const EXCHANGE: (&str, &str) = ("在“文件交换”页查看", "look at the page Exchange");
const MENU: (&str, &str) = ("从菜单打开要去的页面", "open the page that you want from the menu");
const MEND: (&str, &str) = ("改正后再办理", "correct it and send the form again");
const REASON: (&str, &str) = ("在“理由”一栏写明", "say why in the field Reason");

/// By code.
const SENTENCES: &[(&str, &str, &str)] = &[
    ("PERSON_NOT_FOUND", PEOPLE.0, PEOPLE.1),
    ("IDENTITY_ORDER_NOT_FOUND", IDENTITIES.0, IDENTITIES.1),
    ("IDENTITY_ORDER_DECIDED", IDENTITIES.0, IDENTITIES.1),
    (
        "IDENTITY_ORDER_WAITS",
        "先由另一人在“身份变更”页复核或退回",
        "let another person decide it on the page Identities first",
    ),
    (
        "PERSON_NUMBER_UNFIT",
        "与证件核对号码、证件类型和国籍",
        "compare number, kind and nationality with the certificate",
    ),
    ("PERSON_NUMBER_SAME", "核对人员和号码", "compare person and number"),
    (
        "PERSON_NUMBER_TAKEN",
        "是同一人时在人员页并档；不是时先更正另一人的号码",
        "if it is one person, join the rows on the person's page; if not, mend the other one's number first",
    ),
    ("PERSON_JOINED", "打开并入后的人员页再办", "open the page of the row in which the person goes on"),
    (
        "PERSON_NOT_JOINED",
        "反过来并（没有卡的并入有卡的）；两边都有时先注销其一的卡、撤回申请；死亡登记须两处一致",
        "join the other way round, the row without card into the one with it; where both have one, cancel one's card and withdraw its request; a death stands with both or with none",
    ),
    ("CARD_NOT_FOUND", CARDS.0, CARDS.1),
    ("CARD_NOT_MADE", CARDS.0, CARDS.1),
    ("CARD_MOVE_UNKNOWN", "打开此卡的页面，只列出可办的事项", "open the card's page: it offers what can be done"),
    ("CARD_MOVE_REMOVED", "本地规定不办此事项；由本地主管决定", "the site does not do this; its management decides"),
    ("CARD_NOT_SEEN", "在有读卡器的柜台放卡启用", "activate it at a counter with a reader, with the card in it"),
    ("CARD_NOT_HANDED_OUT", "先在此卡的页面办理“领卡”", "hand it out first, on the card's page"),
    ("LOSS_NOT_OVER", "持卡人找到卡时在此卡的页面解除挂失", "release it on the card's page when it is found"),
    ("REASON_MISSING", REASON.0, REASON.1),
    (
        "REASON_UNFIT",
        "写一行，至多 200 字，不写姓名和号码",
        "write one line of at most 200 characters, no names and no numbers of people",
    ),
    (
        "HOLDER_DEAD",
        "已登记死亡；登记有误时请中心管理员撤销",
        "a death is on record; if that is wrong, the administrator of the centre withdraws it",
    ),
    (
        "PIN_ORDER_OPEN",
        "执行已开的工单，或在“口令工单”页撤回",
        "carry the order out, or withdraw it on the page PIN orders",
    ),
    ("PIN_ORDER_UNKNOWN", PINS.0, PINS.1),
    ("PIN_ORDER_STATE", PINS.0, PINS.1),
    ("PIN_ORDER_LAPSED", "在卡的页面另开一张", "make another one on the card's page"),
    ("TERMINAL_UNKNOWN", "核对终端编号", "compare the number of the terminal"),
    (
        "PERSON_NAME_UNDECIDED",
        "各来源姓名不一，请中心管理员裁定",
        "sources differ on the name: the administrator of the centre decides",
    ),
    (
        "PERSON_TEXT_NOT_ON_CHIP",
        "与本人商定芯片存得下的用字，由来源或中心管理员更正登记",
        "agree with the person on a form that the chip holds, and have the record mended",
    ),
    (
        "PERSON_SAID_DEAD",
        "核实后请中心管理员登记，或由来源更正",
        "look into it: the administrator records the death, or the source mends it",
    ),
    ("BATCH_PHOTOS_MISSING", "在人员页收照片", "take the photo in on the person's page"),
    ("PHOTO_NOT_FOUND", "先在人员页收照片", "take a photo in first, on the person's page"),
    ("REQUEST_OPEN", "人员页列出其申请；办结或撤回后再申请", "the person's page lists it: finish or withdraw it first"),
    ("PERSON_HAS_CARD", "已有卡的人选择补换类的申请", "choose a kind of replacement: the person has a card"),
    ("PERSON_HAS_NO_CARD", "没有卡的人选择首次申领", "choose the first card: the person has none"),
    ("REQUEST_RENEWAL_EARLY", "到期前再办；卡坏了选择损坏换卡", "come back later; for a damaged card choose that kind"),
    (
        "REQUEST_LOSS_UNREPORTED",
        "先在卡的页面上正式挂失，使其停用，再申请",
        "report the formal loss on the card's page first, which takes it out of use, then ask again",
    ),
    ("REQUEST_NOTHING_CHANGED", "先导入变更后的资料，再申请", "tell the change first, with an import, then ask again"),
    ("REQUEST_NOT_FOUND", "在“申请”页查看", "see them on the page Requests"),
    ("BATCH_NOT_FOUND", BATCHES.0, BATCHES.1),
    ("BATCH_STATE", BATCHES.0, BATCHES.1),
    (
        "BATCH_PEOPLE_KEPT",
        "取消此批次后重新编批，不能制卡的人会略过",
        "cancel the batch and make it again: it passes over who cannot get a card",
    ),
    (
        "BATCH_PARTNER_ASKED",
        "回盘后再办，或在“文件交换”页放弃该文件",
        "do it after the answer, or give the file up on the page Exchange",
    ),
    (
        "CARD_NUMBERS_EXHAUSTED",
        "卡号已用完，请中心管理员申请新的号段",
        "no card numbers are left: the administrator of the centre proposes more",
    ),
    ("STOCK_PLACE_NOT_FOUND", "在“库存”页查看地点，或登记地点", "see the places on the page Stock, or add it there"),
    ("STOCK_PLACE_KIND", "在“库存”页查看地点，或登记地点", "see the places on the page Stock, or add it there"),
    (
        "STOCK_PLACE_KNOWN",
        "确要改名或换保管人时勾选“更改已有的地点”",
        "tick “Change one that is there” for another title or keeper",
    ),
    ("STOCK_NOT_COUNTED", "先办理“清点卡盒”", "count the box first"),
    ("STOCK_UNKNOWN", "核对编号；“库存”页列出现有的卡", "compare the name; the page Stock lists what there is"),
    ("STOCK_NOT_HELD", STOCK.0, STOCK.1),
    ("STOCK_NO_MOVE", STOCK.0, STOCK.1),
    ("STOCK_NOTHING_TO_DO", STOCK.0, STOCK.1),
    ("STOCK_NO_RECEIPT", STOCK.0, STOCK.1),
    ("STOCK_STATE_NEEDED", "在“卡盒中卡的状态”一栏选定", "choose one in the field “State of the box's cards”"),
    ("STOCK_CARD_IN_USE", "先在此卡的页面注销", "cancel it first, on the card's page"),
    ("STOCK_CARD_OUT_OF_USE", CARDS.0, CARDS.1),
    ("STOCK_CLOSED", "在“库存”页查看", "look at the page Stock"),
    ("STOCK_NOTHING_ISSUED", "先办理“领用到制卡站”", "issue a box to the station first"),
    ("STATION_NOT_FOUND", STATIONS.0, STATIONS.1),
    ("STATION_CERTIFICATE_NOT_FOUND", STATIONS.0, STATIONS.1),
    (
        "STATION_REQUEST_MALFORMED",
        "由制卡站的机器重新生成请求，原样贴入",
        "have the station's machine make the request again, and paste it unchanged",
    ),
    (
        "STATION_KEY_KIND",
        "由制卡站的机器重新生成请求，原样贴入",
        "have the station's machine make the request again, and paste it unchanged",
    ),
    ("NOT_HELD", STATIONS.0, STATIONS.1),
    ("TICKET_NOT_FOUND", "“工单”页列出未办结的工单", "the page Tickets lists those that are not closed"),
    (
        "TICKET_TEXT_UNFIT",
        "写 1 至 1000 字；已答复的办结可以不写",
        "write 1 to 1000 characters; closing what was answered needs none",
    ),
    ("SOURCE_NOT_FOUND", "从列出的来源中选一个", "choose one of the sources that are listed"),
    ("TEMPLATE_NOT_FOUND", "从列出的模板中选一个", "choose one of the templates that are listed"),
    ("TEMPLATE_DIRECTION", "从列出的模板中选一个导出模板", "choose a template of files that are sent"),
    ("PARTNER_CODE_INVALID", "改正“对方代码”", "correct the field “Partner's code”"),
    ("EXCHANGE_EMPTY", EXCHANGE.0, EXCHANGE.1),
    ("TASK_NOT_FOUND", EXCHANGE.0, EXCHANGE.1),
    ("EXCHANGE_STATE", EXCHANGE.0, EXCHANGE.1),
    ("FACE_CARD_STATE", "只显示封存或正常的卡的卡面", "only cards that are sealed or in use have a face to show"),
    ("BLACKLIST_UNCHANGED", BLACKLIST.0, BLACKLIST.1),
    (
        "BLACKLIST_BY_STATE",
        "先在此卡的页面解除挂失或解锁，黑名单随之变化",
        "release or unlock the card on its page; the blacklist follows",
    ),
    ("BLACKLIST_GAP", "先补入较早的名单或一份完整名单", "take an earlier list back first, or a whole one"),
    ("BLACKLIST_OLDER", "补入更新的名单；没有时重新发布", "take a newer one back; when there is none, publish again"),
    ("BENEFITS_UNKNOWN", "中心还没有经办机构的数据", "the centre has no data of the agencies yet"),
    ("CERTIFICATE_FORGOTTEN", "另出一份证明", "make another certificate"),
    (
        "ACCOUNT_SUMS_DIFFER",
        "保持现状，请中心管理员对账",
        "keep everything as it is: the administrator of the centre reconciles",
    ),
    (
        "LOGIN_REFUSED",
        "再试一次；忘记时请中心管理员重设",
        "try again; if it is forgotten, the administrator of the centre sets another",
    ),
    (
        "LOGIN_PASSWORD_INITIAL",
        "先请中心管理员协助换成自己的口令",
        "change it into your own first, at the centre's machine",
    ),
    ("LOGIN_PASSWORD_NOT_SET", "请中心管理员给一个初始口令", "the administrator of the centre gives an initial one"),
    ("LOGIN_TOTP_NOT_SET", "先请中心管理员协助登记第二因素", "set one up first, at the centre's machine"),
    ("SESSION_TOKEN_WRONG", "重新打开页面再办", "open the page again, then repeat it"),
    ("STATE_MOVED", "重新打开页面，看现在的状态再办", "open the page again and look at the present state"),
    ("WORK_BUSY", "另一项同样的工作正在进行，稍后再办", "the same work is under way: try again later"),
    ("DATABASE_LOCKED", "稍后再办", "try again later"),
    ("TOO_MANY_REQUESTS", "稍等再办", "wait, then send it again"),
    ("PARAMETER_UNFIT", MEND.0, MEND.1),
    ("BODY_MALFORMED", MEND.0, MEND.1),
    ("BODY_TYPE", MENU.0, MENU.1),
    (
        "BODY_TOO_LARGE",
        "文件至多 8 MiB；更大的请中心管理员导入",
        "a file has at most 8 MiB; larger ones are taken in by the administrator of the centre",
    ),
    ("PATH_UNKNOWN", MENU.0, MENU.1),
    ("METHOD_UNKNOWN", MENU.0, MENU.1),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Missing;
    use crate::http::api::failure::ApiError;
    use crate::query::ticket::TicketError;

    #[test]
    fn a_sentence_is_for_a_code_that_there_is_and_sends_nobody_to_a_command_line() {
        const CODES: &str = include_str!("../http/api/codes.txt");
        for (at, (code, zh, en)) in SENTENCES.iter().enumerate() {
            assert!(CODES.lines().any(|known| known == *code), "{code} is no code");
            assert!(!is_typed(zh) && !is_typed(en), "{code}: {zh} {en}");
            assert!(SENTENCES[..at].iter().all(|(other, ..)| other != code), "{code} twice");
        }
        assert!(!is_typed(ELSE.0) && !is_typed(ELSE.1));
    }

    #[test]
    fn a_result_keeps_its_words_without_the_commands() {
        for (told, here) in [
            (
                "签名到第 5 条，其后 2 条尚未签名 (issuer audit checkpoint)\n第 3 条",
                "签名到第 5 条，其后 2 条尚未签名\n第 3 条",
            ),
            ("存不下的字: 照登，但不能制卡（issuer person list --no-card）", "存不下的字: 照登，但不能制卡"),
            ("NO_CARD: 目前不能制卡，见 issuer person list --no-card", "NO_CARD: 目前不能制卡"),
            ("no card can be made, see `issuer person list --no-card`", "no card can be made"),
            ("the issuer's card (1)", "the issuer's card (1)"),
        ] {
            assert_eq!(without_commands(told), here);
        }
    }

    #[test]
    fn what_is_typed_elsewhere_is_said_of_pages_here() {
        for (error, own) in [
            (&Missing::Card as &dyn Explain, "issuer card list"),
            (&TicketError::TextUnfit, "standard input"),
            (&ApiError::PathUnknown, "openapi.json"),
        ] {
            assert!(error.next(Lang::En).contains(own), "the command line keeps its own");
            for lang in [Lang::Zh, Lang::En] {
                assert!(!is_typed(next(error, lang)), "{}: {}", error.code(), next(error, lang));
            }
        }
        // Of what no sentence is for, the own words where they fit here, else the administrator.
        assert_eq!(next(&Missing::StateTable, Lang::En), ELSE.1);
        let own = ApiError::BrokenOff;
        assert_eq!(next(&own, Lang::Zh), own.next(Lang::Zh));
    }
}
