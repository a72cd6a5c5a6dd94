//! What a program, or the person at its screen, does about a refusal: requests of the API, where the same error at the command line names
//! a command.
//!
//! Owns: a sentence for each code whose own remedy is typed at the centre's machine. Never: a code of its own; a command, an option or a
//! file of the centre's machine in a sentence: who sends a request has none of them.

use crate::error::Explain;
use crate::lang::Lang;

/// What is said where the own remedy of an error is not for the API and no sentence stands in its place.
const ELSE: (&str, &str) =
    ("请告知运行中心的人员，并附上代码", "tell the people who run the centre, and name the code");

/// What to do next, of an error that a request came to.
#[must_use]
pub fn next(error: &dyn Explain, lang: Lang) -> &'static str {
    of(error.code(), error.next(lang), lang)
}

/// The sentence of a code, its own remedy where that is not typed at a machine, or whom to tell.
#[must_use]
pub fn of<'t>(code: &str, own: &'t str, lang: Lang) -> &'t str {
    if let Some((_, zh, en)) = SENTENCES.iter().find(|(known, ..)| *known == code) {
        return lang.pick(zh, en);
    }
    if is_typed(own) { lang.pick(ELSE.0, ELSE.1) } else { own }
}

/// Whether a text sends somebody to a command line, or to files beside it.
#[must_use]
pub fn is_typed(text: &str) -> bool {
    ["issuer ", "sscard ", "--", "标准输入", "standard input", "centre.toml", "/dev/", "ISSUER_"]
        .iter()
        .any(|mark| text.contains(mark))
}

const PEOPLE: (&str, &str) =
    ("用 POST /api/v1/people/search 按号码或姓名查找", "find the person with POST /api/v1/people/search");
const CARDS: (&str, &str) = ("用 GET /api/v1/credentials 查看", "see the cards with GET /api/v1/credentials");
const CARD: (&str, &str) =
    ("用 GET /api/v1/credentials/{card} 查看现在的状态", "see its state with GET /api/v1/credentials/{card}");
const REQUESTS: (&str, &str) =
    ("用 GET /api/v1/credential-requests 查看", "see them with GET /api/v1/credential-requests");
const BATCHES: (&str, &str) = ("用 GET /api/v1/batches 查看", "see them with GET /api/v1/batches");
const STOCK: (&str, &str) = ("用 GET /api/v1/stock 查看", "see it with GET /api/v1/stock");
const TICKETS: (&str, &str) = ("用 GET /api/v1/tickets 查看", "see them with GET /api/v1/tickets");
const BLACKLIST: (&str, &str) = ("用 GET /api/v1/blacklist 查看", "see it with GET /api/v1/blacklist");
const PHOTO: (&str, &str) =
    ("先用 POST /api/v1/people/{number}/photo 收照片", "send a photo first: POST /api/v1/people/{number}/photo");
const REASON: (&str, &str) = ("在 reason 字段写明理由", "say why in the field reason");
const ROLE: (&str, &str) = (
    "由有此角色的操作员办理，或请中心管理员给予角色",
    "let an operator with the role do it, or ask the administrator of the centre for it",
);
const OTHER: (&str, &str) = ("由另一操作员办理", "let another operator do it");

/// By code.
const SENTENCES: &[(&str, &str, &str)] = &[
    ("PERSON_NOT_FOUND", PEOPLE.0, PEOPLE.1),
    ("CARD_NOT_FOUND", CARDS.0, CARDS.1),
    ("CARD_NOT_MADE", CARD.0, CARD.1),
    ("CARD_MOVE_UNKNOWN", CARD.0, CARD.1),
    ("CARD_NOT_HANDED_OUT", CARD.0, CARD.1),
    ("LOSS_NOT_OVER", "持卡人找到卡时用 unsuspend 解除", "release it with unsuspend when it is found"),
    ("REASON_MISSING", REASON.0, REASON.1),
    (
        "REASON_UNFIT",
        "在 reason 字段写编号、日期和原因，至多 200 字，不写姓名和号码",
        "write references, dates and why in the field reason: at most 200 characters, no names and no numbers of people",
    ),
    ("OPERATOR_ROLE_MISSING", ROLE.0, ROLE.1),
    ("OPERATOR_NOT_NAMED", "先登录: POST /api/v1/session", "log in first: POST /api/v1/session"),
    ("BATCH_MAKER_IS_CHECKER", OTHER.0, OTHER.1),
    ("SAME_OPERATOR", OTHER.0, OTHER.1),
    ("BATCH_PHOTOS_MISSING", PHOTO.0, PHOTO.1),
    ("PHOTO_NOT_FOUND", PHOTO.0, PHOTO.1),
    ("REQUEST_OPEN", REQUESTS.0, REQUESTS.1),
    ("REQUEST_NOT_FOUND", REQUESTS.0, REQUESTS.1),
    ("REQUEST_STATE", REQUESTS.0, REQUESTS.1),
    ("PERSON_HAS_CARD", "另选一种补换类的申请", "ask for a kind of replacement: the person has a card"),
    ("PERSON_HAS_NO_CARD", "申请首次申领", "ask for the first card: the person has none"),
    ("REQUEST_NOTHING_CHANGED", "先用 POST /api/v1/people 登记变更", "tell the change first: POST /api/v1/people"),
    ("BATCH_NOT_FOUND", BATCHES.0, BATCHES.1),
    ("BATCH_STATE", BATCHES.0, BATCHES.1),
    ("BATCH_EMPTY", REQUESTS.0, REQUESTS.1),
    ("STOCK_UNKNOWN", STOCK.0, STOCK.1),
    ("STOCK_NOT_HELD", STOCK.0, STOCK.1),
    ("STOCK_NO_MOVE", STOCK.0, STOCK.1),
    ("STOCK_PLACE_NOT_FOUND", STOCK.0, STOCK.1),
    ("STOCK_CLOSED", STOCK.0, STOCK.1),
    ("TICKET_NOT_FOUND", TICKETS.0, TICKETS.1),
    ("TICKET_TEXT_UNFIT", "在 text 字段写 1 至 1000 字", "write 1 to 1000 characters into the field text"),
    ("BLACKLIST_UNCHANGED", BLACKLIST.0, BLACKLIST.1),
    ("STATION_NOT_FOUND", "用 GET /api/v1/stations 查看", "see the stations with GET /api/v1/stations"),
    (
        "SOURCE_NOT_FOUND",
        "用登记过的来源；请中心管理员登记新的来源",
        "name a source that is registered; the administrator of the centre adds another",
    ),
    ("STATE_MOVED", "再读一次现在的状态，再决定", "read the present state again, then decide"),
    ("DATABASE_LOCKED", "稍后再发同一请求", "send the same request again later"),
    ("WORK_BUSY", "稍后再发同一请求", "send the same request again later"),
    (
        "LOGIN_REFUSED",
        "再试一次；忘记时请中心管理员重设",
        "try again; if it is forgotten, the administrator of the centre sets another",
    ),
    (
        "LOGIN_PASSWORD_INITIAL",
        "先在中心的机器上换成自己的口令",
        "change it into your own first, at the centre's machine",
    ),
    ("LOGIN_PASSWORD_NOT_SET", "请中心管理员给一个初始口令", "the administrator of the centre gives an initial one"),
    ("LOGIN_TOTP_NOT_SET", "先在中心的机器上登记第二因素", "set one up first, at the centre's machine"),
    ("SESSION_MISSING", "先登录: POST /api/v1/session", "log in first: POST /api/v1/session"),
    ("SESSION_ENDED", "重新登录: POST /api/v1/session", "log in again: POST /api/v1/session"),
    (
        "SESSION_TOKEN_WRONG",
        "把登录应答中的 csrf 放进 X-CSRF-Token 头",
        "put csrf of the login's answer into the header X-CSRF-Token",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Missing;
    use crate::http::api::{ENDPOINTS, description};
    use crate::query::ticket::TicketError;

    #[test]
    fn a_sentence_is_for_a_code_that_there_is_and_names_requests_that_there_are() {
        let paths: Vec<&str> = ENDPOINTS.iter().copied().flatten().map(|endpoint| endpoint.path).collect();
        for (at, (code, zh, en)) in SENTENCES.iter().enumerate() {
            assert!(description::CODES.lines().any(|known| known == *code), "{code} is no code");
            assert!(SENTENCES[..at].iter().all(|(other, ..)| other != code), "{code} twice");
            for text in [zh, en] {
                assert!(!is_typed(text), "{code}: {text}");
                let named = text.split([' ', '；', '，']).filter(|word| word.starts_with("/api/"));
                for path in named {
                    assert!(paths.contains(&path), "{code}: {path}");
                }
            }
        }
        assert!(!is_typed(ELSE.0) && !is_typed(ELSE.1));
    }

    #[test]
    fn what_is_typed_at_a_machine_is_said_of_requests_here() {
        for error in [&Missing::Card as &dyn Explain, &TicketError::TextUnfit, &Missing::StateTable] {
            assert!(is_typed(error.next(Lang::En)), "the command line keeps its own: {}", error.code());
            for lang in [Lang::Zh, Lang::En] {
                assert!(!is_typed(next(error, lang)), "{}: {}", error.code(), next(error, lang));
            }
        }
        assert_eq!(next(&Missing::StateTable, Lang::En), ELSE.1);
    }
}
