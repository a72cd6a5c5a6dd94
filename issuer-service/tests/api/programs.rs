//! The query service as programs reach it: a web site, a telephone line, a counter, agents; each by its certificate over TLS.

use issuer_service::operator::Role;
use issuer_service::peer::{self, Kind, Wanted};
use issuer_service::query::Channel;
use issuer_service::vault::authority::{self, Asked, Authority};
use serde_json::{Value, json};
use ureq::Agent;

use crate::machine::{Served, agent, serve};
use crate::office::Office;

const NUMBER: &str = "513301199001010013";
const STRANGER: &str = "513301199001010021";

/// Programs of every channel, and one of none.
struct Hall {
    office: Office,
    port: u16,
    _served: Served,
    web: Agent,
    voice: Agent,
    counter: Agent,
    agents: Agent,
    plain: Agent,
}

/// An answer: status, what is said of it, body.
struct Heard {
    status: u16,
    head: Vec<(String, String)>,
    body: Value,
}

impl Heard {
    fn code(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }

    fn head(&self, name: &str) -> Option<&str> {
        self.head.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

impl Hall {
    fn new() -> Self {
        let mut office = Office::new();
        let store = &mut office.centre.store;
        for (name, roles) in [
            ("head", &[Role::Manage][..]),
            ("zhou", &[Role::Keys]),
            ("tashi", &[Role::Counter]),
            ("li", &[Role::Capture]),
            ("sun", &[Role::Station]),
            // More than it should have: through the web it is worth nothing.
            ("site", &[Role::Query, Role::Counter, Role::Capture, Role::Audit]),
            ("line", &[Role::Query]),
            ("desk", &[Role::Counter]),
            ("agents", &[Role::Query]),
            ("old", &[Role::Counter]),
        ] {
            store.journal(|tx| tx.register(name, roles).map(drop)).expect("registered");
        }
        let authority = Authority::random("513300").expect("authority");
        let passphrase = std::fs::read_to_string(office.data().join("rehearsal.passphrase")).expect("passphrase");
        authority.seal_file(&office.centre.authority_path(), passphrase.trim_end()).expect("sealed");
        let store = &mut office.centre.store;
        let mut program = |name: &str, channel: Option<Channel>| {
            let (key, request) = authority::request(name).expect("request");
            let enrolled = peer::enrol_for(store, (Kind::Client, name), channel, &request, Some("head"));
            assert_eq!(enrolled.expect("enrolled").channel, channel);
            let fingerprint = Asked::read(&request).expect("a request").public_key();
            let wanted = Wanted { kind: Kind::Client, name, key: &fingerprint, days: 30 };
            let (_, chain) = peer::certify(store, &authority, &wanted, Some("zhou")).expect("certified");
            agent(&authority, Some((&chain, &key)))
        };
        let [web, voice, counter, agents] =
            [("site", Channel::Web), ("line", Channel::Voice), ("desk", Channel::Counter), ("agents", Channel::Agent)]
                .map(|(name, channel)| program(name, Some(channel)));
        let plain = program("old", None);
        let (served, port) = serve(&office, &["--tls", "127.0.0.1:0"]);
        let hall = Self { office, port, _served: served, web, voice, counter, agents, plain };
        for (number, name) in [(NUMBER, "扎西"), ("51330119900101003X", "央金")] {
            let body = json!({ "number": number, "name": name });
            let told = hall.send(&hall.counter, "POST", "/people", &[], &body);
            assert_eq!(told.status, 201, "{}", told.body);
        }
        hall.password("830512");
        hall
    }

    /// A request of a program.
    fn send(&self, from: &Agent, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Heard {
        let at = format!("https://127.0.0.1:{}/api/v1{path}", self.port);
        let mut response = if method == "GET" {
            let request = headers.iter().fold(from.get(at), |request, (name, value)| request.header(*name, *value));
            request.call().expect("an answer")
        } else {
            let request = from.post(at).header("content-type", "application/json");
            let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            request.send(body.to_string()).expect("an answer")
        };
        let text = |value: &ureq::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        let head = response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let said = response.body_mut().read_to_string().expect("text");
        assert!(!said.contains(NUMBER), "{said}");
        Heard { status: response.status().as_u16(), head, body: serde_json::from_str(&said).expect("JSON") }
    }

    fn post(&self, from: &Agent, path: &str, body: &Value) -> Heard {
        self.send(from, "POST", path, &[], body)
    }

    /// Asks with number and password.
    fn ask(&self, from: &Agent, number: &str, password: &str) -> Heard {
        self.post(from, "/queries", &json!({ "about": { "number": number }, "password": password, "what": ["person"] }))
    }

    /// The counter gives the first person a query password.
    fn password(&self, digits: &str) {
        let body = json!({ "password": digits });
        let told = self.send(&self.counter, "POST", "/people/1/query-password", &[("on-behalf-of", "tashi")], &body);
        assert_eq!((told.status, &told.body["object"]), (201, &json!("person 1")), "{}", told.body);
    }

    fn records(&self, act: &str) -> Vec<Vec<String>> {
        let sql = format!("SELECT actor, object, detail FROM audit WHERE act = '{act}' ORDER BY sequence");
        self.office.ask(&sql)
    }
}

#[test]
fn a_web_site_sees_of_people_what_they_prove_to_be_theirs_and_of_the_house_nothing() {
    let hall = Hall::new();
    let told = hall.ask(&hall.web, NUMBER, "830512");
    let person =
        json!({ "number": "51**************13", "name": "扎*", "phone": "", "masked": true, "deceased": false });
    assert_eq!(
        (told.status, &told.body),
        (200, &json!({ "channel": "web", "person": person, "cards": [], "progress": { "underWay": false } }))
    );
    assert_eq!(told.head("cache-control"), Some("no-store"));
    // Everything at once, and the account adds up.
    let all = json!({ "about": { "number": NUMBER }, "password": "830512",
        "what": ["cards", "progress", "account", "insurances"], "from": "2026-01-01", "to": "2026-12-31" });
    let told = hall.post(&hall.web, "/queries", &all);
    let account = &told.body["account"];
    assert_eq!(
        (told.status, &account["openingFen"], &account["closingFen"]),
        (200, &json!(0), &json!(0)),
        "{}",
        told.body
    );
    assert_eq!(told.body["insurances"], json!([]), "the centre was given no data");
    let mut backwards = all.clone();
    (backwards["from"], backwards["to"]) = (all["to"].clone(), all["from"].clone());
    assert_eq!(hall.post(&hall.web, "/queries", &backwards).code(), (400, "PARAMETER_UNFIT"));
    let mut twice = all.clone();
    twice["what"] = json!(["cards", "cards"]);
    assert_eq!(hall.post(&hall.web, "/queries", &twice).code(), (400, "PARAMETER_UNFIT"));

    // Nobody learns who is registered, who has a password, or which of the two was wrong.
    let answers = [(NUMBER, "830513"), (STRANGER, "830512"), ("51330119900101003X", "830512")]
        .map(|(number, password)| hall.ask(&hall.web, number, password));
    assert_eq!(answers[0].code(), (401, "QUERY_PASSWORD_WRONG"));
    assert!(answers.iter().all(|answer| (answer.status, &answer.body) == (401, &answers[0].body)));
    let by_card = json!({ "about": { "card": "A99999999" }, "password": "830512", "what": ["cards"] });
    assert_eq!(hall.post(&hall.web, "/queries", &by_card).body, answers[0].body);

    // By row number, without a password, unmasked or for an operator: not there.
    let refused = [
        (json!({ "about": { "person": 1 }, "password": "830512", "what": ["cards"] }), "QUERY_PASSWORD_NEEDED"),
        (json!({ "about": { "number": NUMBER }, "what": ["account"] }), "QUERY_PASSWORD_NEEDED"),
        (
            json!({ "about": { "number": NUMBER }, "password": "830512", "what": ["cards"], "reason": "curious" }),
            "REASON_MISSING",
        ),
    ];
    for (body, code) in &refused {
        assert_eq!(hall.post(&hall.web, "/queries", body).code(), (400, *code), "{body}");
    }
    let named = hall.send(&hall.web, "POST", "/queries", &[("on-behalf-of", "tashi")], &all);
    assert_eq!(named.code(), (400, "PARAMETER_UNFIT"));
    for path in ["/people", "/people/1", "/operators", "/blacklist", "/batches", "/tickets", "/tickets/1", "/audit"] {
        let told = hall.send(&hall.web, "GET", path, &[], &Value::Null);
        let code = if path.starts_with("/tickets") { "QUERY_CHANNEL_UNFIT" } else { "OPERATOR_ROLE_MISSING" };
        assert_eq!(told.code(), (403, code), "{path}");
    }
    let set = hall.post(&hall.web, "/people/1/query-password", &json!({ "password": "602917" }));
    assert_eq!(set.code(), (403, "QUERY_CHANNEL_UNFIT"));

    // Every question is on record: the right, the wrong, the refused.
    let tries: Vec<_> = hall.records("query.password").into_iter().map(|row| row[1..].join(": ")).collect();
    let expected = [
        "person 1: set for tashi",
        "person 1: channel=web, right",
        "person 1: channel=web, right",
        "person 1: channel=web, wrong",
        "people: channel=web, wrong",
        "people: channel=web, wrong",
        "people: channel=web, wrong",
        "people: channel=web, refused: QUERY_CHANNEL_UNFIT",
    ];
    assert_eq!(tries, expected);
    let site = |object: &str, detail: &str| ["site".to_owned(), object.to_owned(), detail.to_owned()].to_vec();
    assert_eq!(hall.records("query.person"), [site("person 1", "channel=web, masked")]);
    assert_eq!(
        hall.records("query.account"),
        [site("person 1", "channel=web, masked"), site("people", "channel=web, refused: QUERY_PASSWORD_NEEDED")]
    );
    let cards: Vec<_> = hall.records("query.card").into_iter().map(|row| row[2].clone()).collect();
    let refused = ["QUERY_PASSWORD_NEEDED", "REASON_MISSING"].map(|code| format!("channel=web, refused: {code}"));
    assert_eq!(cards, [&["channel=web, masked".to_owned()][..], &refused].concat());
    let log = hall.office.ask("SELECT detail FROM audit").concat().concat();
    assert!(!log.contains("8305") && !log.contains("6029"));
}

#[test]
fn wrong_passwords_lock_a_person_and_very_many_lock_the_program_and_no_other() {
    let hall = Hall::new();
    for _ in 0..5 {
        assert_eq!(hall.ask(&hall.voice, NUMBER, "830513").code(), (401, "QUERY_PASSWORD_WRONG"));
    }
    assert_eq!(hall.ask(&hall.web, NUMBER, "830512").code(), (401, "QUERY_PASSWORD_WRONG"), "locked everywhere");
    // The person comes to the counter, and changes what was given there at home.
    hall.password("602917");
    let change = |old: &str, new: &str| {
        let body = json!({ "about": { "number": NUMBER }, "password": old, "new": new });
        hall.post(&hall.web, "/queries/password", &body)
    };
    assert_eq!(change("602917", "123456").code(), (400, "QUERY_PASSWORD_UNFIT"));
    // A wrong one is on record by an act of its own, and uses no key up.
    let keyed = |old: &str| {
        let body = json!({ "about": { "number": NUMBER }, "password": old, "new": "471108" });
        hall.send(&hall.web, "POST", "/queries/password", &[("idempotency-key", "word-0001")], &body)
    };
    let wrong = || hall.records("query.password").iter().filter(|row| row[2] == "channel=web, wrong").count();
    let before = wrong();
    assert_eq!(keyed("830512").code(), (401, "QUERY_PASSWORD_WRONG"));
    assert_eq!(wrong(), before + 1);
    assert!(hall.office.ask("SELECT name FROM request_key WHERE name = 'word-0001'").is_empty());
    let changed = keyed("602917");
    assert_eq!((changed.status, &changed.body), (200, &json!({ "status": "changed" })));
    assert_eq!(hall.ask(&hall.web, NUMBER, "602917").status, 401);
    let spoken = hall.ask(&hall.voice, NUMBER, "471108");
    assert_eq!((spoken.status, &spoken.body["says"]), (200, &json!(["no card", "no new card under way"])));
    let last = hall.records("query.password").into_iter().map(|row| row[2].clone());
    assert!(last.clone().any(|detail| detail == "channel=web, changed by the person"));
    assert!(last.clone().any(|detail| detail == "channel=voice, wrong, locked"));

    // Whoever goes from person to person: the program waits, whatever it asks; the others do not.
    assert_eq!(hall.ask(&hall.web, STRANGER, "471108").status, 401);
    hall.office.ask("UPDATE query_mistakes SET wrong = 360 WHERE actor = 'site'");
    let waits = hall.ask(&hall.web, NUMBER, "471108");
    assert_eq!(waits.code(), (429, "QUERY_CLIENT_LOCKED"));
    let seconds: u64 = waits.head("retry-after").and_then(|text| text.parse().ok()).expect("seconds");
    assert!((1..=3_600).contains(&seconds), "{seconds}");
    assert_eq!(hall.ask(&hall.voice, NUMBER, "471108").status, 200);
    assert!(hall.records("query.password").iter().any(|row| row[2] == "channel=web, wrong"));
    hall.office.ask("UPDATE query_mistakes SET began_at = began_at - 732 WHERE actor = 'site'");
    assert_eq!(hall.ask(&hall.web, NUMBER, "471108").status, 200, "twelve seconds for each");
}

#[test]
fn programs_of_agents_and_counters_name_the_operator_whose_role_counts_and_no_channel_asks_nothing() {
    let hall = Hall::new();
    let question = json!({ "about": { "number": NUMBER }, "what": ["insurances"] });
    let ask = |from: &Agent, behalf: Option<&str>, body: &Value| {
        let named = behalf.map(|name| ("on-behalf-of", name));
        hall.send(from, "POST", "/queries", named.as_slice(), body)
    };
    for behalf in [None, Some("agents")] {
        assert_eq!(ask(&hall.agents, behalf, &question).code(), (400, "QUERY_OPERATOR_NEEDED"), "{behalf:?}");
    }
    assert_eq!(ask(&hall.agents, Some("nobody"), &question).code().1, "OPERATOR_UNKNOWN");
    assert_eq!(ask(&hall.agents, Some("sun"), &question).code(), (403, "OPERATOR_ROLE_MISSING"));
    let told = ask(&hall.agents, Some("tashi"), &question);
    assert_eq!(
        (told.status, &told.body["channel"], &told.body["person"]["personId"]),
        (200, &json!("agent"), &json!(1))
    );
    let lost = json!({ "about": { "number": STRANGER }, "what": ["cards"] });
    assert_eq!(ask(&hall.agents, Some("tashi"), &lost).code(), (404, "PERSON_NOT_FOUND"));
    let open = json!({ "about": { "person": 1 }, "what": ["progress"], "reason": "asked in writing" });
    assert_eq!(
        ask(&hall.counter, Some("tashi"), &open).code(),
        (403, "OPERATOR_ROLE_MISSING"),
        "who captures sees more"
    );
    let words = json!({ "about": { "person": 1 }, "password": "830512", "what": ["cards"] });
    assert_eq!(ask(&hall.counter, Some("tashi"), &words).code(), (400, "PARAMETER_UNFIT"), "nobody tells a clerk");
    assert_eq!(ask(&hall.plain, Some("tashi"), &question).code(), (403, "QUERY_CHANNEL_UNFIT"));
    assert_eq!(hall.send(&hall.agents, "GET", "/people/1", &[("on-behalf-of", "tashi")], &Value::Null).status, 403);
    // A clerk without a role for it is refused before anything is looked at, and that is on record.
    hall.office.ask("UPDATE operator_role SET role = 'station' WHERE operator = 'old'");
    assert_eq!(ask(&hall.plain, None, &question).code(), (403, "OPERATOR_ROLE_MISSING"));
    assert_eq!(hall.records("query.person").len(), 1);
    // A query password is chosen by who stands at the counter.
    let body = json!({ "password": "602917" });
    let set = hall.send(&hall.agents, "POST", "/people/1/query-password", &[("on-behalf-of", "tashi")], &body);
    assert_eq!(set.code(), (403, "QUERY_CHANNEL_UNFIT"));
    let row = |actor: &str, object: &str, detail: &str| [actor, object, detail].map(str::to_owned).to_vec();
    assert_eq!(
        hall.records("query.insurance"),
        [
            row("agents", "people", "channel=agent, refused: QUERY_OPERATOR_NEEDED"),
            row("agents", "people", "channel=agent, refused: QUERY_OPERATOR_NEEDED"),
            row("agents", "people", "channel=agent for nobody, refused: OPERATOR_UNKNOWN"),
            row("agents", "people", "channel=agent for sun, refused: OPERATOR_ROLE_MISSING"),
            row("agents", "person 1", "channel=agent for tashi, masked"),
            row("old", "people", "refused: QUERY_CHANNEL_UNFIT"),
        ]
    );
    assert_eq!(hall.records("query.card"), [row("agents", "people", "channel=agent for tashi, 0 found")]);
}

#[test]
fn what_people_tell_through_a_web_site_is_taken_in_once_answered_and_read_by_them_alone() {
    let hall = Hall::new();
    let said = "窗口排队时间太长\r\n已等两小时";
    let mut body = json!({ "kind": "complaint", "subject": "service", "text": said,
        "about": { "number": NUMBER }, "password": "830513" });
    let tell = |key: &str, body: &Value| hall.send(&hall.web, "POST", "/tickets", &[("idempotency-key", key)], body);
    assert_eq!(tell("complaint-1", &body).code(), (401, "QUERY_PASSWORD_WRONG"));
    body["password"] = json!("830512");
    let told = tell("complaint-1", &body);
    assert_eq!(
        (told.status, &told.body["object"]),
        (201, &json!("ticket 1")),
        "a refusal uses up no key: {}",
        told.body
    );
    assert_eq!(told.body["location"], json!("/api/v1/tickets/1"));
    let again = tell("complaint-1", &body);
    assert_eq!(
        (again.status, &again.body["object"], again.head("idempotency-replayed")),
        (200, &json!("ticket 1"), Some("true"))
    );
    body["subject"] = json!("other");
    assert_eq!(tell("complaint-1", &body).code(), (422, "IDEMPOTENCY_KEY_REUSED"));
    let nobody = json!({ "kind": "suggestion", "subject": "other", "text": "希望周末也能办理" });
    assert_eq!(tell("suggestion-1", &nobody).body["object"], json!("ticket 2"));
    let unknown =
        json!({ "kind": "complaint", "subject": "transaction", "text": "x", "purchase": "990000000001/00000001" });
    assert_eq!(tell("complaint-2", &unknown).code(), (404, "TRANSACTION_UNKNOWN"));
    let named = json!({ "kind": "complaint", "subject": "card", "text": "x", "about": { "person": 1 } });
    assert_eq!(hall.post(&hall.web, "/tickets", &named).code(), (400, "QUERY_PASSWORD_NEEDED"));

    // The office answers; the words are seen on record.
    let by = |method: &str, path: &str, body: &Value| {
        hall.send(&hall.counter, method, path, &[("on-behalf-of", "tashi")], body)
    };
    let listed = by("GET", "/tickets?state=open", &Value::Null);
    let of_agents =
        |behalf: &str| hall.send(&hall.agents, "GET", "/tickets", &[("on-behalf-of", behalf)], &Value::Null);
    assert_eq!((of_agents("tashi").body["tickets"].as_array().map(Vec::len), of_agents("line").status), (Some(2), 403));
    assert_eq!(listed.body["tickets"].as_array().map(Vec::len), Some(2));
    assert_eq!(listed.body["tickets"][0]["personId"], json!(1));
    let seen = by("GET", "/tickets/1", &Value::Null);
    assert_eq!(
        seen.body["entries"][0],
        json!({ "side": "holder", "actor": "site", "at": seen.body["entries"][0]["at"],
        "text": said.replace("\r\n", "\n") })
    );
    assert_eq!(by("POST", "/tickets/1/answer", &json!({ "text": "已增开窗口" })).status, 201);
    assert_eq!(by("POST", "/tickets/1/answer", &json!({ "text": "x" })).code(), (403, "TICKET_STATE"));

    let read = |number: i64, of: &str, password: &str| {
        let body = json!({ "about": { "number": of }, "password": password });
        hall.post(&hall.web, &format!("/tickets/{number}/read"), &body)
    };
    let own = read(1, NUMBER, "830512");
    assert_eq!(
        (own.status, &own.body["entries"][1]["text"], &own.body["ticket"]["state"]),
        (200, &json!("已增开窗口"), &json!("answered"))
    );
    assert!(own.body["entries"][1]["actor"].is_null() && own.body["ticket"]["personId"].is_null(), "{}", own.body);
    assert_eq!(read(2, NUMBER, "830512").code(), (404, "TICKET_NOT_FOUND"), "nobody's");
    assert_eq!(read(1, STRANGER, "830512").code(), (401, "QUERY_PASSWORD_WRONG"));
    let closed = by("POST", "/tickets/1/close", &json!({}));
    assert_eq!((closed.status, &closed.body["object"]), (201, &json!("ticket 1")));
    let row = |actor: &str, object: &str, detail: &str| [actor, object, detail].map(str::to_owned).to_vec();
    assert_eq!(
        hall.records("ticket.show"),
        [
            row("desk", "ticket 1", "1 texts for tashi"),
            row("site", "ticket 1", "channel=web, 2 texts, to the person"),
            row("site", "person 1", "channel=web, 0 found"),
        ]
    );
    assert_eq!(hall.records("ticket.close"), [row("desk", "ticket 1", "closed for tashi")]);
    assert_eq!(
        hall.records("ticket.open")[0],
        row("site", "ticket 1", "channel=web, complaint about service, by person 1")
    );
}
