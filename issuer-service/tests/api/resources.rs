//! What is asked over HTTP: the same functions as the commands, keys of requests, pages, hostile bodies and paths.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use issuer_service::operator::Role;
use serde_json::{Value, json};

use crate::drawn;
use crate::office::{In, Office};

/// People of invented numbers and names.
const PEOPLE: [(&str, &str); 3] =
    [("513301199001010013", "扎西"), ("513301199001010021", "央金"), ("51330119900101003X", "尼玛")];

fn office() -> (Office, In, In) {
    let mut office = Office::new();
    let li = office.with("li", &[Role::Capture, Role::Counter, Role::Stock]);
    let wang = office.with("wang", &[Role::Approve, Role::Audit, Role::Clearing]);
    for (number, name) in PEOPLE {
        let told = office.post(&li, "/api/v1/people", &json!({ "number": number, "name": name, "region": "513301" }));
        assert_eq!(told.status, 201, "{told:?}");
    }
    (office, li, wang)
}

#[test]
fn a_person_is_registered_asks_for_a_card_and_two_operators_make_and_approve_the_batch() {
    let (office, li, wang) = office();
    let told = office.get(&li, "/api/v1/people/1");
    assert_eq!((&told.body["number"], &told.body["name"]), (&json!("51**************13"), &json!("扎*")), "{told:?}");
    let found = office.post(&li, "/api/v1/people/search", &json!({ "by": "number", "text": PEOPLE[1].0 }));
    assert_eq!(found.body["people"][0]["personId"], 2, "{found:?}");
    let jpeg = drawn::photo(1);
    let headers = [("cookie", li.cookie.as_str()), ("x-csrf-token", &li.csrf), ("content-type", "image/jpeg")];
    let told = office.send("POST", "/api/v1/people/1/photo", &headers, &jpeg);
    assert_eq!((told.status, &told.body["object"]), (201, &json!("person 1")), "{told:?}");
    let told = office.send("POST", "/api/v1/people/1/photo", &headers, &jpeg);
    assert_eq!((told.status, &told.body["status"]), (200, &json!("exists")), "the same photo is no act");
    let asked = json!({ "personId": 1, "kind": "first" });
    let told = office.post(&li, "/api/v1/credential-requests", &asked);
    let location = told.body["location"].as_str().expect("an address").to_owned();
    assert!(told.head.contains(&format!("location: {location}")), "{told:?}");
    assert_eq!(office.get(&wang, &location).body["state"], "open");
    assert_eq!(office.post(&li, "/api/v1/credential-requests", &asked).code(), "REQUEST_OPEN");
    let told = office.post(&li, "/api/v1/batches", &json!({ "of": "people", "people": [1, 2] }));
    assert_eq!((told.status, &told.body["location"]), (201, &json!("/api/v1/batches/1")), "{told:?}");
    assert_eq!(office.post(&li, "/api/v1/batches/1/approve", &Value::Null).code(), "OPERATOR_ROLE_MISSING");
    assert_eq!(office.post(&wang, "/api/v1/batches/1/approve", &Value::Null).status, 201);
    let batch = office.get(&li, "/api/v1/batches/1").body;
    assert_eq!((&batch["state"], &batch["cards"], &batch["waiting"]), (&json!("approved"), &json!(2), &json!(2)));
    let told = office.post(&wang, "/api/v1/batches/1/withdraw", &json!({ "reason": "test" }));
    assert_eq!(told.status, 201, "{told:?}");
    let mut last = 0;
    let mut acts = Vec::new();
    loop {
        let page = office.get(&wang, &format!("/api/v1/audit?after={last}&limit=4")).body;
        let records = page["records"].as_array().expect("records").clone();
        acts.extend(records.iter().map(|record| record["act"].as_str().expect("an act").to_owned()));
        match page["next"].as_i64() {
            Some(next) => last = next,
            None => break,
        }
    }
    for act in ["person.upsert", "photo.take", "request.make", "batch.create", "batch.approve", "batch.withdraw"] {
        assert!(acts.iter().any(|done| done == act), "{act}: {acts:?}");
    }
    assert_eq!(acts.len().to_string(), office.ask("SELECT COUNT(*) FROM audit")[0][0], "pages leave nothing out");
}

#[test]
fn the_same_request_at_two_servers_at_once_is_done_once_and_neither_is_refused() {
    let (office, li, _) = office();
    let ports = [office.port(), office.another_door()];
    for round in 0..6 {
        let key = format!("both-servers-{round}");
        let text = json!({ "of": "people", "people": [1] }).to_string();
        let headers = [
            ("cookie", li.cookie.as_str()),
            ("x-csrf-token", &li.csrf),
            ("content-type", "application/json"),
            ("idempotency-key", &key),
        ];
        let ask = |port| Office::send_to(port, "POST", "/api/v1/batches", &headers, text.as_bytes());
        let [one, other] = std::thread::scope(|scope| {
            ports.map(|port| scope.spawn(move || ask(port))).map(|thread| thread.join().expect("an answer"))
        });
        let mut said = [&one, &other].map(|told| told.body["status"].as_str().unwrap_or(&told.text).to_owned());
        said.sort();
        assert_eq!(said, ["created", "exists"], "round {round}");
        assert_eq!(one.body["object"], other.body["object"]);
        let number = one.body["object"].as_str().and_then(|object| object.split(' ').nth(1)).expect("a batch");
        assert_eq!(office.post(&li, &format!("/api/v1/batches/{number}/cancel"), &Value::Null).status, 201);
    }
}

#[test]
fn a_request_with_a_key_is_done_once_and_another_request_does_not_get_the_key() {
    let (office, li, wang) = office();
    let key = [("idempotency-key", "morning-0001")];
    let body = json!({ "of": "people", "people": [1] });
    let made = office.keyed(&li, "/api/v1/batches", &body, &key);
    assert_eq!((made.status, &made.body["status"]), (201, &json!("created")), "{made:?}");
    let again = office.keyed(&li, "/api/v1/batches", &body, &key);
    assert_eq!((again.status, &again.body["status"]), (200, &json!("exists")));
    assert_eq!((&again.body["object"], &again.body["location"]), (&made.body["object"], &made.body["location"]));
    assert!(again.head.contains("idempotency-replayed: true"), "{again:?}");
    let other = office.keyed(&li, "/api/v1/batches", &json!({ "of": "people", "people": [2] }), &key);
    assert_eq!((other.status, other.code()), (422, "IDEMPOTENCY_KEY_REUSED"));
    let other = office.keyed(&li, "/api/v1/batches/1/cancel", &Value::Null, &key);
    assert_eq!(other.code(), "IDEMPOTENCY_KEY_REUSED", "nor another path");
    assert_eq!(office.ask("SELECT COUNT(*) FROM batch")[0][0], "1");
    // Another operator's key is another key; a refusal uses none up.
    let told = office.keyed(&wang, "/api/v1/batches/1/approve", &Value::Null, &key);
    assert_eq!(told.status, 201, "{told:?}");
    let late = [("idempotency-key", "morning-0002")];
    assert_eq!(office.keyed(&li, "/api/v1/batches", &body, &late).status, 403);
    let told = office.keyed(&li, "/api/v1/batches", &json!({ "of": "people", "people": [3] }), &late);
    assert_eq!(told.status, 201, "{told:?}");
    for unfit in ["short", "with blank in it", &"x".repeat(65)] {
        let told = office.keyed(&li, "/api/v1/batches", &body, &[("idempotency-key", unfit)]);
        assert_eq!(told.code(), "IDEMPOTENCY_KEY_UNFIT", "{unfit}");
    }
}

#[test]
fn a_refused_photo_uses_no_key_up_and_one_that_was_taken_answers_with_what_it_was_done_to() {
    let (office, li, _) = office();
    let send = |key: &str, photo: &[u8]| {
        let headers = [
            ("cookie", li.cookie.as_str()),
            ("x-csrf-token", &li.csrf),
            ("content-type", "image/jpeg"),
            ("idempotency-key", key),
        ];
        office.send("POST", "/api/v1/people/1/photo", &headers, photo)
    };
    let used = || office.ask("SELECT name, object FROM request_key ORDER BY name");
    let refused = send("photo-0001", b"\xFF\xD8 no photo");
    assert_eq!((refused.status, refused.code()), (422, "CONTENT_REFUSED"), "{refused:?}");
    assert!(used().is_empty(), "{:?}", used());
    let photo = crate::drawn::photo(1);
    let taken = send("photo-0001", &photo);
    assert_eq!((taken.status, &taken.body["object"]), (201, &json!("person 1")), "{taken:?}");
    assert_eq!(used(), [["photo-0001", "person 1"]]);
    let again = send("photo-0001", &photo);
    assert_eq!((again.status, &again.body["object"]), (200, &taken.body["object"]), "{again:?}");
    assert!(again.head.contains("idempotency-replayed: true"), "{again:?}");
    let mended = send("photo-0001", b"\xFF\xD8 no photo");
    assert_eq!((mended.status, mended.code()), (422, "IDEMPOTENCY_KEY_REUSED"), "{mended:?}");
}

#[test]
fn what_the_caller_has_is_not_sent_again_until_it_changes() {
    let (office, li, _) = office();
    let path = "/api/v1/people/1";
    let first = office.get(&li, path);
    let tag = |told: &crate::office::Told| {
        let line = told.head.lines().find(|line| line.to_lowercase().starts_with("etag: ")).expect("a tag");
        line["etag: ".len()..].to_owned()
    };
    let known = tag(&first);
    let again = |tag: &str| office.send("GET", path, &[("cookie", &li.cookie), ("if-none-match", tag)], b"");
    for same in [known.clone(), format!("W/{known}"), format!("\"x\", {known}"), "*".to_owned()] {
        let told = again(&same);
        assert_eq!((told.status, told.text.as_str()), (304, ""), "{same}");
        assert_eq!(tag(&told), known);
    }
    assert_eq!(again("\"x\"").status, 200);
    let told =
        office.post(&li, "/api/v1/people", &json!({ "number": PEOPLE[0].0, "name": PEOPLE[0].1, "region": "513322" }));
    assert_eq!(told.status, 201, "{told:?}");
    let changed = again(&known);
    assert_eq!(changed.status, 200, "another region: {changed:?}");
    assert_ne!(tag(&changed), known);
    // Another's page is not shown to who may not see it, whatever tag is sent.
    assert_eq!(office.send("GET", path, &[("if-none-match", &known)], b"").status, 401);
}

#[test]
fn a_list_is_as_long_as_is_asked_for_and_never_none() {
    let (office, li, _) = office();
    assert_eq!(office.get(&li, "/api/v1/people?limit=0").code(), "PARAMETER_UNFIT");
    let people: Vec<i64> = (1..=10_001).collect();
    let told = office.post(&li, "/api/v1/batches", &json!({ "of": "people", "people": people }));
    assert_eq!((told.status, told.code()), (400, "PARAMETER_UNFIT"));
    let told = office.get(&li, "/console/nowhere");
    assert!(told.status == 404 && told.head.contains("text/html"), "{told:?}");
    assert_eq!(office.get(&li, "/api/v1/nowhere").code(), "PATH_UNKNOWN");
    let own = [("cookie", li.cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let form = format!("csrf={}&count=4000000000", li.csrf);
    assert_eq!(office.send("POST", "/console/batches", &own, form.as_bytes()).status, 400);
}

#[test]
fn acts_of_many_at_once_are_each_done_once_or_refused_for_themselves() {
    let (office, li, _) = office();
    let port = office.port();
    let headers = [("cookie", li.cookie.as_str()), ("x-csrf-token", &li.csrf), ("content-type", "application/json")];
    let ask = |person: i64| {
        let body = json!({ "personId": person, "kind": "first" }).to_string();
        Office::send_to(port, "POST", "/api/v1/credential-requests", &headers, body.as_bytes())
    };
    let ask = &ask;
    let told: Vec<(i64, u16)> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..24).map(|at| scope.spawn(move || (at % 6, ask(at % 6).status))).collect();
        asked.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    for person in 0..6 {
        let mut said: Vec<u16> = told.iter().filter(|(of, _)| *of == person).map(|(_, status)| *status).collect();
        said.sort_unstable();
        // Of three people that there are, one request each; of the others none.
        let wanted = if (1..=3).contains(&person) { [201, 403, 403, 403] } else { [404; 4] };
        assert_eq!(said, wanted, "person {person}");
    }
    assert_eq!(office.ask("SELECT COUNT(*) FROM card_request")[0][0], "3");
    assert_eq!(office.ask("SELECT COUNT(*) FROM audit WHERE act = 'request.make'")[0][0], "3");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_issuer"));
    let output = command.arg("--data").arg(office.data()).args(["audit", "verify"]).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn whoever_watches_a_batch_is_told_of_its_changes_and_of_its_end() {
    let (office, li, _) = office();
    assert_eq!(office.post(&li, "/api/v1/batches", &json!({ "of": "people", "people": [1] })).status, 201);
    let mut stream = TcpStream::connect(("127.0.0.1", office.port())).expect("connects");
    let head = format!(
        "GET /api/v1/batches/1/events HTTP/1.1\r\nhost: centre\r\nconnection: close\r\ncookie: {}\r\n\r\n",
        li.cookie
    );
    stream.write_all(head.as_bytes()).expect("asked");
    let mut lines = BufReader::new(stream);
    let mut first = String::new();
    while !first.contains("event: progress") {
        assert!(lines.read_line(&mut first).expect("a line") > 0, "{first}");
    }
    assert!(first.to_lowercase().contains("content-type: text/event-stream"), "{first}");
    assert_eq!(office.post(&li, "/api/v1/batches/1/cancel", &Value::Null).status, 201);
    let mut rest = String::new();
    lines.read_to_string(&mut rest).expect("the rest");
    assert!(rest.contains("event: end") && rest.contains("\"state\":\"cancelled\""), "{rest}");
}

#[test]
fn a_page_ends_where_it_is_told_to_and_names_the_next() {
    let (office, li, _) = office();
    let page = office.get(&li, "/api/v1/people?limit=2").body;
    assert_eq!((page["people"].as_array().expect("people").len(), &page["next"]), (2, &json!(2)));
    let page = office.get(&li, "/api/v1/people?limit=2&after=2&county=513301").body;
    assert_eq!((page["people"].as_array().expect("people").len(), &page["next"]), (1, &Value::Null));
    for query in [
        "limit=-1",
        "limit=1001",
        "limit=x",
        "after=9999999999999999999",
        "limit=1&limit=1",
        "colour=red",
        "county=%GG",
        "county=%00",
        "county=1234567",
    ] {
        let told = office.get(&li, &format!("/api/v1/people?{query}"));
        assert_eq!((told.status, told.code()), (400, "PARAMETER_UNFIT"), "{query}");
    }
    assert_eq!(office.get(&li, "/api/v1/credential-requests?state=half").code(), "PARAMETER_UNFIT");
}

#[test]
fn every_list_has_pages_with_the_same_words() {
    let (mut office, li, _) = office();
    for name in ["an", "bai", "cao"] {
        office.with(name, &[Role::Audit]);
    }
    let cards: Vec<String> = (1..=3).map(|n| format!("513300D156000005{n:016}")).collect();
    office
        .centre
        .store
        .journal(|tx| -> Result<_, issuer_service::store::StoreError> {
            for n in 1..=3_i64 {
                tx.hold(issuer_service::station::care::HoldKind::Reader, "", &format!("reader {n}"), "TEST")?;
            }
            for card in &cards {
                let card = settlement::id::CardIdentifier::parse(card).expect("an identifier");
                tx.add_blacklist_entry(card, issuer_service::clearing::blacklist::BlacklistAct::Add, "test", "li")?;
            }
            Ok(())
        })
        .expect("written");
    for (at, name) in ["east", "west"].iter().enumerate() {
        office.ask(&format!(
            "INSERT INTO certificate (number, role, name, request, public_key, state, maker, changed_at)
             VALUES ({}, 'station', '{name}', 'x', 'key {at}', 'enrolled', 'li', '2026-11-23T00:00:00Z') RETURNING number",
            at + 1
        ));
    }
    // A sack that is done with is listed only for what is missing of it.
    office.ask(
        "INSERT INTO stock_place (code, kind, title, keeper, made_by, made_at, closed_by, closed_at)
         VALUES ('O-1', 'outlet', '', 'li', 'li', '', NULL, NULL), ('P-1', 'sack', '', 'li', 'li', '', 'wang', ''),
             ('P-2', 'sack', '', 'li', 'li', '', 'wang', '');
         INSERT INTO stock (unit, state, place, lot, cards, since) VALUES ('card:A00000001', 'missing', 'P-2', 'L7', 1, ''),
             ('box:B1', 'blank', 'store', 'L7', 9, ''); SELECT 1",
    );
    let stock = office.get(&li, "/api/v1/stock?after=O&limit=2").body;
    let held =
        |place: usize| (stock["places"][place]["code"].clone(), stock["places"][place]["held"][0]["cards"].clone());
    assert_eq!((held(0), held(1)), ((json!("O-1"), Value::Null), (json!("P-2"), json!(1))), "{stock}");
    let rest = office.get(&li, "/api/v1/stock?after=P-2").body;
    assert_eq!((&rest["places"][0]["code"], &rest["places"][0]["held"][0]["cards"]), (&json!("store"), &json!(9)));
    for (path, list, name) in [
        ("people", "people", "personId"),
        ("operators", "operators", "name"),
        ("holds", "holds", "number"),
        ("stations", "stations", "number"),
        ("blacklist", "entries", "sequence"),
        ("stock", "places", "code"),
    ] {
        let whole = office.get(&li, &format!("/api/v1/{path}")).body;
        let of = |page: &Value| -> Vec<Value> {
            page[list]
                .as_array()
                .unwrap_or_else(|| panic!("{path}: {page}"))
                .iter()
                .map(|one| one[name].clone())
                .collect()
        };
        let whole_of = of(&whole);
        assert!(whole["next"].is_null() && !whole_of.is_empty(), "{path}: {whole}");
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let page = office.get(&li, &format!("/api/v1/{path}?limit=1{after}")).body;
            found.extend(of(&page));
            assert!(of(&page).len() <= 1, "{path}: {page}");
            let Some(next) =
                page["next"].as_str().map(str::to_owned).or_else(|| page["next"].as_i64().map(|n| n.to_string()))
            else {
                break;
            };
            after = format!("&after={next}");
        }
        assert_eq!(found, whole_of, "{path}");
    }
}

#[test]
fn people_who_are_found_come_a_page_at_a_time() {
    let (office, li, _) = office();
    for number in ["513301199001010064", "513301199001010072"] {
        let told = office.post(&li, "/api/v1/people", &json!({ "number": number, "name": "卓玛", "region": "513301" }));
        assert_eq!(told.status, 201, "{told:?}");
    }
    let find = |query: &str| {
        let told = office.post(&li, &format!("/api/v1/people/search{query}"), &json!({ "by": "name", "text": "卓玛" }));
        let people = told.body["people"].as_array().unwrap_or_else(|| panic!("{told:?}")).iter();
        (people.map(|one| one["personId"].as_i64().expect("a number")).collect::<Vec<_>>(), told.body["next"].as_i64())
    };
    assert_eq!(find(""), (vec![4, 5], None));
    assert_eq!(find("?limit=1"), (vec![4], Some(4)));
    assert_eq!(find("?limit=1&after=4"), (vec![5], Some(5)));
    assert_eq!(find("?limit=1&after=5"), (vec![], None));
    let numbered = json!({ "by": "number", "text": "513301199001010064" });
    let told = office.post(&li, "/api/v1/people/search?after=4", &numbered);
    assert_eq!(told.body["people"], json!([]), "{told:?}");
    let acts = office.ask("SELECT detail FROM audit WHERE act = 'person.find' ORDER BY sequence");
    assert_eq!(acts[2], ["by name: 1 found behind 4"]);
    // The console keeps whom it found, and shows some of them at a time.
    let ids: Vec<String> = (3..=60).map(|id| id.to_string()).collect();
    let kept =
        office.ask(&format!("UPDATE session SET found = '{}', found_at = 99999999999 RETURNING found", ids.join(" ")));
    assert!(!kept.is_empty());
    let page = |address: &str| office.get(&li, address).text;
    let (first, last) = (page("/console/people/found"), page("/console/people/found?after=52"));
    let shown = |page: &str| [3, 4, 5].map(|id| page.contains(&format!("\"/console/people/{id}\"")));
    assert!(shown(&first) == [true; 3] && first.contains("/console/people/found?after=52"), "{first}");
    assert!(shown(&last) == [false; 3] && !last.contains("found?after="), "{last}");
    assert_eq!(shown(&page("/console/people/found?after=4")), [false, false, true]);
}

#[test]
fn what_is_wrong_with_a_person_is_said_field_by_field_and_nothing_is_taken_in() {
    let (office, li, _) = office();
    let told =
        office.post(&li, "/api/v1/people", &json!({ "number": "513301199001010014", "name": "", "region": "51330" }));
    assert_eq!((told.status, told.code()), (422, "CONTENT_REFUSED"), "{told:?}");
    let faults = told.body["faults"].as_array().expect("faults");
    assert!(
        faults.len() >= 2 && faults.iter().all(|fault| fault["remedy"].as_str().is_some_and(|text| !text.is_empty()))
    );
    assert!(!told.body.to_string().contains("513301199001010014"), "a number is not repeated");
    assert_eq!(office.ask("SELECT COUNT(*) FROM person")[0][0], "3");
    let told = office.post(&li, "/api/v1/people", &json!({ "number": PEOPLE[0].0, "name": "扎西", "colour": "red" }));
    assert_eq!((told.status, told.code()), (400, "BODY_MALFORMED"), "unknown fields are refused");
}

#[test]
fn a_text_as_long_as_its_description_says_is_looked_at_and_a_longer_one_is_refused_for_that() {
    let (mut office, ..) = office();
    let li = office.with("all", &Role::ALL);
    let made: Value = serde_json::from_str(&issuer_service::http::api::description::text()).expect("JSON");
    let bound = |schema: &str, field: &str| {
        let said = &made["components"]["schemas"][schema]["properties"][field];
        let most = said["maxLength"].as_u64().unwrap_or_else(|| panic!("{schema}.{field}: {said}"));
        usize::try_from(most).expect("a number")
    };
    let person = json!({ "number": "513301199001010013", "name": "扎西" });
    let boxed = json!({ "name": "B1", "lot": "L7", "cards": 1 });
    let issued = json!({ "name": "B1", "to": "S1", "cards": 1 });
    let listed = json!({ "cardIdentifier": "513300D1560000050000000000000001", "act": "add", "reason": "x" });
    let rows: Vec<(&str, &str, Value, Vec<&str>)> = vec![
        (
            "/api/v1/people",
            "Statement",
            person,
            vec![
                "source",
                "number",
                "name",
                "sex",
                "ethnicgroup",
                "birthdate",
                "region",
                "address",
                "phone",
                "employer",
            ],
        ),
        ("/api/v1/people/search", "Search", json!({ "by": "name", "text": "x" }), vec!["text"]),
        ("/api/v1/people/999/reveal", "Reason", json!({ "reason": "x" }), vec!["reason"]),
        ("/api/v1/credential-requests/999/cancel", "Reason", json!({ "reason": "x" }), vec!["reason"]),
        ("/api/v1/batches/999/withdraw", "Reason", json!({ "reason": "x" }), vec!["reason"]),
        ("/api/v1/credentials/A1/suspend", "Suspend", json!({ "kind": "formal-loss", "reason": "x" }), vec!["reason"]),
        ("/api/v1/stock/receive", "Received", boxed, vec!["name", "lot"]),
        ("/api/v1/stock/issue", "Issued", issued, vec!["name", "to"]),
        ("/api/v1/blacklist", "Change", listed, vec!["reason"]),
    ];
    for (path, schema, body, fields) in rows {
        for field in fields {
            let most = bound(schema, field);
            for (length, is_too_long) in [(most, false), (most + 1, true)] {
                let mut body = body.clone();
                body[field] = json!("x".repeat(length));
                let told = office.post(&li, path, &body);
                let is_refused = ["PARAMETER_UNFIT", "REASON_UNFIT", "STOCK_NAME_UNFIT"].contains(&told.code());
                assert_eq!(is_refused, is_too_long, "{path} {field} of {length}: {told:?}");
            }
        }
    }
    for (length, code) in [(64, "CARD_NOT_FOUND"), (65, "PARAMETER_UNFIT")] {
        let told = office.get(&li, &format!("/api/v1/credentials/{}", "A".repeat(length)));
        assert_eq!(told.code(), code, "{told:?}");
    }
}

#[test]
fn hostile_bodies_and_paths_are_refused_before_they_cost_anything() {
    let (office, li, _) = office();
    let own = [("cookie", li.cookie.as_str()), ("x-csrf-token", li.csrf.as_str())];
    let with = |kind: &'static str| [&own[..], &[("content-type", kind)]].concat();
    let large = vec![b' '; 300 * 1024];
    let nested = "[".repeat(100_000);
    for (body, code) in [
        (&large[..], "BODY_TOO_LARGE"),
        (nested.as_bytes(), "BODY_MALFORMED"),
        (b"\xFF\xFE", "BODY_MALFORMED"),
        (b"", "BODY_MALFORMED"),
        (b"{\"of\":\"people\",\"people\":[1],\"people\":[2]}", "BODY_MALFORMED"),
        (b"{\"of\":\"people\",\"people\":[1e400]}", "BODY_MALFORMED"),
    ] {
        let told = office.send("POST", "/api/v1/batches", &with("application/json"), body);
        assert_eq!(told.code(), code, "{}", String::from_utf8_lossy(&body[..body.len().min(40)]));
    }
    let told = office.send("POST", "/api/v1/batches", &with("text/plain"), b"{}");
    assert_eq!((told.status, told.code()), (415, "BODY_TYPE"));
    // Nobody who is not in sends a long body to the end, and a picture that is none is told as one.
    let huge = vec![0; 9 * 1024 * 1024];
    assert_eq!(
        office.send("POST", "/api/v1/people/1/photo", &[("content-type", "image/jpeg")], &huge).code(),
        "SESSION_MISSING"
    );
    assert_eq!(office.send("POST", "/api/v1/people/1/photo", &with("image/jpeg"), &huge).code(), "BODY_TOO_LARGE");
    for picture in [&b"PK\x03\x04"[..], b"\xFF\xD8\xFF\xE0", &drawn::photo(1)[..200]] {
        let told = office.send("POST", "/api/v1/people/1/photo", &with("image/jpeg"), picture);
        assert_eq!((told.status, told.code()), (422, "CONTENT_REFUSED"), "{told:?}");
    }
    for path in [
        "/api/v1/../../etc/passwd",
        "/api/v1/people/../session",
        "/api/v1/people/%2e%2e%2f%2e%2e",
        "/api/v1//people",
        "/api/v1/people/",
        "/API/v1/people",
        "/api/v2/people",
        "/",
    ] {
        let told = office.get(&li, path);
        assert!([404, 400].contains(&told.status), "{path}: {told:?}");
    }
    for path in
        ["/api/v1/people/-1", "/api/v1/people/1e3", "/api/v1/people/%31%00", "/api/v1/people/99999999999999999999"]
    {
        assert_eq!(office.get(&li, path).code(), "PARAMETER_UNFIT", "{path}");
    }
    for card in ["%27%3B%20DROP%20TABLE%20card", "%F0%9F%8D%92", "..", "A99999999"] {
        let told = office.get(&li, &format!("/api/v1/credentials/{card}"));
        assert_eq!((told.status, told.code()), (404, "CARD_NOT_FOUND"), "{card}: {told:?}");
    }
    assert_eq!(office.send("PUT", "/api/v1/people", &own, b"").code(), "METHOD_UNKNOWN");
    let zh = office.send("GET", "/api/v1/people/77", &[&own[..], &[("accept-language", "zh-CN")]].concat(), b"");
    assert!(zh.body["detail"].as_str().is_some_and(|text| text.contains('没')), "{zh:?}");
    assert!(zh.head.contains("application/problem+json") && zh.body["type"] == "urn:issuer:problem:PERSON_NOT_FOUND");
}

#[test]
fn what_was_rejected_in_clearing_says_why_in_the_lists_of_api_and_console() {
    let (office, li, _) = office();
    for path in ["records", "sales", "allotments", "loads"] {
        let told = office.get(&li, &format!("/api/v1/clearing/{path}"));
        assert_eq!((told.status, &told.body["proposals"]), (200, &json!([])), "{path}: {told:?}");
        assert_eq!(office.get(&li, &format!("/console/clearing?of={path}")).status, 200, "{path}");
    }
    let insert = "INSERT INTO allotment_request (id, state, maker, made_at, checker, checked_at) VALUES";
    office.ask(&format!(
        "{insert} (1, 'REJECTED', 'ma', '2026-11-23T05:00:00.000Z', 'wang', '2026-11-23T16:05:00.000Z') RETURNING id"
    ));
    office.ask(&format!("{insert} (2, 'REQUESTED', 'ma', '2026-11-23T17:00:00.000Z', NULL, NULL) RETURNING id"));
    office.ask("INSERT INTO rejection VALUES ('allotment', 1, 'twice on <the> list') RETURNING rejected_number");
    let page = office.get(&li, "/api/v1/clearing/allotments?limit=1").body;
    let (one, next) = (&page["proposals"][0], &page["next"]);
    assert_eq!(
        (&one["state"], &one["rejection"], next),
        (&json!("rejected"), &json!("twice on <the> list"), &json!(1))
    );
    let page = office.get(&li, "/api/v1/clearing/allotments?after=1").body;
    let (one, next) = (&page["proposals"][0], &page["next"]);
    assert_eq!((&one["state"], &one["rejection"], next), (&json!("proposed"), &Value::Null, &Value::Null));
    let shown = office.get(&li, "/console/clearing?of=allotments").text;
    assert!(shown.contains("twice on &lt;the&gt; list"), "{shown}");
    assert!(shown.contains("2026-11-24 01:00") && shown.contains("2026-11-23 13:00"), "times of China: {shown}");
    let shown = office.get(&li, "/console/clearing?of=allotments&before=2").text;
    assert!(shown.contains("twice on") && !shown.contains("2026-11-24 01:00"), "{shown}");
    // No card and terminal stand behind these rows.
    let load = "PRAGMA foreign_keys = OFF; INSERT INTO load (load_id, terminal, card, holder, factor, amount_fen, balance_fen, card_sequence,
        random, key_version, body_hash, date_time, mac2, state, prepared_at) VALUES ('0101', '513301000001', 'c', 1, '', 12345, 0, 1, '', 1, '',
        '', '', 'PREPARED', '2026-11-23T05:00:00.000Z');
        INSERT INTO load_decision (number, load_id, act, reason, state, maker, made_at, checker) VALUES
        (1, '0101', 'credited', 'seen', 'rejected', 'ma', '2026-11-23T05:00:00.000Z', 'wang'),
        (2, '0101', 'not-credited', 'its journal', 'proposed', 'ma', '2026-11-23T06:00:00.000Z', NULL);
        INSERT INTO rejection VALUES ('load', 1, 'the card was not there'); SELECT 1";
    office.ask(&load.replace("'0101'", &format!("'{}'", "01".repeat(16))));
    let page = office.get(&li, "/api/v1/clearing/loads?limit=1").body;
    let (one, next) = (&page["proposals"][0], &page["next"]);
    assert_eq!(
        (&one["state"], &one["rejection"], &one["act"], next),
        (&json!("rejected"), &json!("the card was not there"), &json!("credited"), &json!(1))
    );
    let page = office.get(&li, "/api/v1/clearing/loads?after=1").body;
    let one = &page["proposals"][0];
    assert_eq!((&one["about"], &one["totalFen"]), (&json!("01".repeat(16)), &json!(12_345)), "{page}");
    assert_eq!(
        (&one["state"], &one["reason"], &page["next"]),
        (&json!("proposed"), &json!("its journal"), &Value::Null)
    );
    let shown = office.get(&li, "/console/clearing?of=loads").text;
    for text in [&*"01".repeat(16), "123.45", "its journal", "the card was not there"] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
}

#[test]
fn a_name_in_the_script_of_ones_own_people_is_kept_and_masked_like_the_name() {
    let (office, li, _) = office();
    let person =
        |name_script: &str| json!({ "number": "51330119900101003X", "name": "尼玛", "namescript": name_script });
    let wrong = office.post(&li, "/api/v1/people", &person("བཀྲ扎"));
    assert_eq!((wrong.status, &wrong.body["faults"][0]["code"]), (422, &json!("NAME_CHARACTER")), "{wrong:?}");
    let told = office.post(&li, "/api/v1/people", &person("བཀྲ་ཤིས"));
    assert_eq!(told.status, 201, "{told:?}");
    let path = told.body["location"].as_str().expect("an address").to_owned();
    let shown = office.get(&li, &path).body;
    assert_eq!((&shown["nameScript"], &shown["name"]), (&json!("བ******"), &json!("尼*")), "{shown}");
    assert_eq!(shown["noCard"], Value::Null, "no chip has to hold it: {shown}");
    let revealed = office.post(&li, &format!("{path}/reveal"), &json!({ "reason": "compared" })).body;
    assert_eq!(revealed["person"]["name_script"], json!("བཀྲ་ཤིས"), "{revealed}");
    let page = office.get(&li, &path.replace("/api/v1", "/console")).text;
    assert!(page.contains("本民族文字姓名") && page.contains("བ******") && !page.contains("བཀྲ"), "{page}");
    let named = office.post(&li, &format!("{path}/reveal"), &json!({ "reason": "asked by བཀྲ་ཤིས" }));
    assert_eq!(named.code(), "REASON_UNFIT", "no name in the log, in either script: {named:?}");
    // Who has none shows none.
    assert_eq!(office.get(&li, "/api/v1/people/1").body["nameScript"], Value::Null);
}
