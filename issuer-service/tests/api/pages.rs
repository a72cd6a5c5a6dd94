//! The console's pages over HTTP: who sees what, forms with their token, acts as the commands do them.

use std::collections::BTreeMap;

use std::io::{Read, Write};
use std::net::TcpStream;

use issuer_service::console::remedy;
use issuer_service::http::console::{Kind, ROUTES, Route};
use issuer_service::operator::Role;
use issuer_service::operator::duty::{Duty, duty};

use crate::office::{In, Office, Told};

/// Who may: `*` whoever is in and does more than put questions for people elsewhere, else one of these roles. Written by hand, against the table of duties.
const MAY: &str = "
GET  /console/today *
GET  /console/people capture counter approve
GET  /console/people/found capture counter approve
GET  /console/people/{number} capture counter approve
GET  /console/batches *
GET  /console/batches/{number} *
GET  /console/cards capture counter approve station
GET  /console/cards/{name} capture counter approve station
GET  /console/stock *
GET  /console/stations *
GET  /console/clearing *
GET  /console/requests capture counter approve
GET  /console/keys *
GET  /console/faces *
GET  /console/faces/{name} *
GET  /console/blacklist *
GET  /console/audit audit
GET  /console/figures *
GET  /console/import capture
POST /console/import capture
POST /console/people capture counter approve
GET  /console/identities *
POST /console/people/{number}/renumber capture
POST /console/people/{number}/join capture
POST /console/identities/{number}/approve approve
POST /console/identities/{number}/reject approve
POST /console/people/{number}/photo capture counter
POST /console/people/{number}/photo/show capture
POST /console/people/{number}/photo/remove capture
POST /console/requests/{number}/withdraw capture
POST /console/batches/{number}/withdraw approve
POST /console/people/{number}/reveal capture
POST /console/people/{number}/request capture
POST /console/batches capture
POST /console/batches/{number}/approve approve
POST /console/batches/{number}/cancel capture approve
POST /console/cards/{name}/move counter
POST /console/cards/{name}/hand-out counter
POST /console/cards/{name}/take-in counter
POST /console/cards/{name}/pin counter
POST /console/cards/{name}/face station
GET  /console/pins *
POST /console/pins/{number}/approve approve
POST /console/pins/{number}/withdraw counter
GET  /console/query counter capture query
POST /console/query counter capture
GET  /console/tickets *
POST /console/tickets counter query
POST /console/tickets/{number} counter
POST /console/tickets/{number}/answer counter
POST /console/tickets/{number}/close counter
GET  /console/exchange *
POST /console/exchange capture
POST /console/exchange/import capture
POST /console/exchange/{name}/resend capture
POST /console/exchange/{name}/abandon capture
POST /console/stations station
POST /console/stations/release station
POST /console/stations/{name}/revoke station keys
POST /console/blacklist clearing
POST /console/blacklist/adopt clearing
POST /console/blacklist/release clearing
POST /console/blacklist/{name}/remove clearing
POST /console/audit/verify *
POST /console/stock/place stock
POST /console/stock/receive stock
POST /console/stock/count stock
POST /console/stock/inventory stock
POST /console/stock/issue stock
POST /console/stock/take-back stock
POST /console/stock/damage stock station
POST /console/stock/adopt stock
POST /console/stock/pack stock
POST /console/stock/unpack stock
POST /console/stock/dispatch stock
POST /console/stock/accept stock counter
POST /console/stock/send-back counter
POST /console/stock/lose stock
POST /console/stock/find stock
POST /console/stock/condemn stock
POST /console/stock/destroy stock approve
";

pub(crate) const CSV: &str = "社会保障号码,姓名,性别,民族,出生日期,区划代码,地址,电话,单位\n\
                   513301199001010064,丁一,2,01,19900101,513301,,19900001234,\n\
                   513301199001010013,扎西多吉,1,04,19900101,513301,,19900001235,\n";

pub(crate) fn form(office: &Office, who: &In, path: &str, fields: &str) -> Told {
    let body = format!("csrf={}&{fields}", who.csrf);
    let headers = [("cookie", who.cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    office.send("POST", path, &headers, body.as_bytes())
}

/// What binds the forms of a page to it.
pub(crate) fn once(page: &Told) -> String {
    let rest = page.text.split("name=\"once\" value=\"").nth(1).expect("a form");
    rest.split('"').next().expect("a value").to_owned()
}

pub(crate) fn to(told: &Told) -> &str {
    let line = told.head.lines().find(|line| line.to_lowercase().starts_with("location: "));
    line.map_or("", |line| line["location: ".len()..].trim())
}

fn method(route: &Route) -> &'static str {
    if route.kind == Kind::Looks { "GET" } else { "POST" }
}

#[test]
fn every_page_refuses_whoever_has_not_one_of_its_roles_and_every_form_without_its_token() {
    let mut office = Office::new();
    let clerks: Vec<(&str, In)> =
        Role::ALL.iter().map(|role| (role.name(), office.with(role.name(), &[*role]))).collect();
    let table: BTreeMap<(&str, &str), Vec<&str>> = MAY
        .trim()
        .lines()
        .map(|line| {
            let mut words = line.split_whitespace();
            ((words.next().expect("a method"), words.next().expect("a path")), words.collect())
        })
        .collect();
    let routes: Vec<&Route> = ROUTES.iter().copied().flatten().collect();
    assert_eq!(routes.len(), table.len(), "one row each");
    for route in routes {
        let at = format!("{} {}", method(route), route.path);
        let may = table.get(&(method(route), route.path)).unwrap_or_else(|| panic!("{at}"));
        if let Some(command) = route.command {
            assert_ne!(duty(command), Duty::Needs(&[Role::Manage]), "{command} is no command");
        }
        let path = route.path.replace("{number}", "999999").replace("{name}", "A99999999");
        let told = office.send(method(route), &path, &[("content-type", "application/x-www-form-urlencoded")], b"");
        // To the door, or told to wait once nobody has asked often enough.
        assert!(
            matches!((told.status, to(&told)), (303, "/console/login") | (429, "")),
            "{at} by nobody: {}",
            told.status
        );
        for (role, who) in &clerks {
            let told = if route.kind == Kind::Looks {
                office.get(who, &path)
            } else {
                let wrong = In { csrf: "00".to_owned(), ..who.clone() };
                let told = form(&office, &wrong, &path, "");
                assert!(told.status == 403 && told.text.contains("SESSION_TOKEN_WRONG"), "{at}: {}", told.text);
                form(&office, who, &path, "reason=x&kind=first&count=1&step=cancel&by=name&text=x")
            };
            let open = (may[0] == "*" && *role != "query") || may.contains(role);
            assert_eq!(told.text.contains("OPERATOR_ROLE_MISSING"), !open, "{at} by {role}: {}", told.text);
            assert!(told.status < 500, "{at} by {role}: {told:?}");
            let is_page = told.head.contains("text/html");
            assert!(!is_page || !remedy::is_typed(&told.text), "{at} by {role} names a command: {}", told.text);
            for header in [
                "content-security-policy: default-src 'none'",
                "cache-control: no-store",
                "referrer-policy: no-referrer",
            ] {
                assert!(told.head.to_lowercase().contains(header), "{at}: {}", told.head);
            }
        }
    }
}

#[test]
fn a_clerk_logs_in_finds_somebody_masked_and_unmasks_on_record() {
    let mut office = Office::new();
    let li = office.clerk("li", &[Role::Capture]);
    let file = office.data().join("people.csv");
    std::fs::write(&file, CSV).expect("written");
    let (exit, said) = office.run(&li, Some(&li.password()), &["import", file.to_str().expect("a path")]);
    assert_eq!(exit, Some(0), "{said}");

    let gate = office.send("GET", "/console/login", &[], b"");
    assert!(gate.status == 200 && gate.text.contains("name=\"code\""));
    let asked = office.send("GET", "/console/login", &[("accept-language", "en-GB,en")], b"");
    assert!(asked.text.contains("<html lang=\"en\">") && gate.text.contains("<html lang=\"zh-CN\">"));
    let entering = |password: &str, code: &str| {
        let body = format!("operator=li&password={}&code={code}", password.replace(' ', "+"));
        office.send("POST", "/console/login", &[("content-type", "application/x-www-form-urlencoded")], body.as_bytes())
    };
    let told = entering("wrong", &li.code(0));
    assert!(told.status == 401 && told.text.contains("LOGIN_REFUSED") && !told.text.contains("wrong"), "{}", told.text);
    let told = entering(&li.password(), &li.code(0));
    assert_eq!((told.status, to(&told)), (303, "/console/today"), "{told:?}");
    let line =
        told.head.lines().find(|line| line.to_lowercase().starts_with("set-cookie: issuer=")).expect("a session");
    let cookie = line["set-cookie: ".len()..].split(';').next().expect("a value").to_owned();
    let page = office.send("GET", "/console/people", &[("cookie", &cookie)], b"");
    let csrf =
        page.text.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a token");
    let who = In { cookie, csrf: csrf.to_owned() };

    let sought = form(&office, &who, "/console/people", "by=name&text=%E6%89%8E%E8%A5%BF%E5%A4%9A%E5%90%89");
    assert_eq!((sought.status, to(&sought)), (303, "/console/people/found"));
    // The page that follows can be loaded anew without another search, in this session alone.
    let found = office.get(&who, "/console/people/found");
    assert!(office.get(&who, "/console/people/found").text.contains("/console/people/2"));
    assert_eq!(office.ask("SELECT detail FROM audit WHERE act = 'person.find'"), [["by name: 1 found"]]);
    let other = office.with("wu", &[Role::Capture]);
    assert_eq!(to(&office.get(&other, "/console/people/found")), "/console/people");
    assert!(found.text.contains("扎***") && found.text.contains("/console/people/2"), "{}", found.text);
    assert!(!found.text.contains("513301199001010013") && !found.text.contains("扎西多吉"));
    let masked = office.get(&who, "/console/people/2");
    assert!(masked.status == 200 && !masked.text.contains("扎西多吉") && !masked.text.contains("19900001235"));
    let without = form(&office, &who, "/console/people/2/reveal", "reason=+");
    assert!(without.text.contains("REASON") && !without.text.contains("扎西多吉"), "{}", without.text);
    let asked = form(&office, &who, "/console/people/2/reveal", "reason=asked+at+the+counter");
    assert_eq!((asked.status, to(&asked)), (303, "/console/people/2"));
    assert!(!office.get(&who, "/console/people/1").text.contains("丁一"), "another's page stays masked");
    let whole = office.get(&who, "/console/people/2");
    assert!(!office.get(&who, "/console/people/2").text.contains("扎西多吉"), "loaded anew it is masked again");
    assert!(whole.text.contains("扎西多吉") && whole.text.contains("513301199001010013"), "{}", whole.text);
    let records = office.ask("SELECT object, detail FROM audit WHERE act = 'person.reveal'");
    assert_eq!(records, [["person 2", "asked at the counter"]]);
    // Nothing of it stands in an address.
    let away = office.get(&who, "/console/language/en?to=//example.com/");
    assert_eq!(to(&away), "/console/today");
    let out = form(&office, &who, "/console/logout", "");
    assert_eq!(to(&out), "/console/login");
    assert_eq!(to(&office.get(&who, "/console/today")), "/console/login");
}

#[test]
fn a_batch_is_made_by_one_and_approved_by_another_and_figures_count_it() {
    let mut office = Office::new();
    let li = office.clerk("li", &[Role::Capture, Role::Approve]);
    let file = office.data().join("people.csv");
    let third = "51330119900101003X,尼玛,1,04,19900101,513322,,19900001236,\n";
    std::fs::write(&file, format!("{CSV}{third}")).expect("written");
    assert_eq!(office.run(&li, Some(&li.password()), &["import", file.to_str().expect("a path")]).0, Some(0));
    assert_eq!(office.run(&li, Some(&li.password()), &["number", "fill", "9"]).0, Some(0));
    let (li, wang) = (office.enter(&li), office.with("wang", &[Role::Approve]));
    let fields = format!("county=513301&count=2&once={}", once(&office.get(&li, "/console/batches")));
    let made = form(&office, &li, "/console/batches", &fields);
    assert_eq!((made.status, to(&made)), (303, "/console/batches/1"), "{}", made.text);
    // A second touch of the same button makes no second batch, and the page that follows the first says what was done.
    let twice = form(&office, &li, "/console/batches", &fields);
    assert!(
        twice.status == 200 && twice.text.contains("已经办理") && twice.text.contains("class=\"told\""),
        "{}",
        twice.text
    );
    assert_eq!(office.ask("SELECT COUNT(*) FROM batch"), [["1"]]);
    let note = made.head.lines().find_map(|line| line.split_once("issuer-done=")).expect("a note").1;
    let note = format!("{}; issuer-done={}", li.cookie, note.split(';').next().expect("a value"));
    let told = office.send("GET", "/console/batches/1", &[("cookie", &note)], b"");
    assert!(told.text.contains("已办理：编批") && told.head.contains("issuer-done=; "), "{}", told.head);
    for wrong in ["999", "x", "-1", ""] {
        let told =
            office.send("GET", "/console/today", &[("cookie", &format!("{}; issuer-done={wrong}", li.cookie))], b"");
        assert!(told.status == 200 && !told.text.contains("已办理"), "{wrong}");
    }
    // What cannot be undone is asked twice.
    let asked = form(&office, &li, "/console/batches/1/cancel", "");
    assert!(asked.status == 200 && asked.text.contains("name=\"sure\""), "{}", asked.text);
    assert_eq!(office.ask("SELECT state FROM batch"), [["created"]]);
    assert!(office.get(&wang, "/console/today").text.contains("/console/batches/1"));
    assert!(!office.get(&li, "/console/batches/1").text.contains("/approve"), "what is not allowed is not offered");
    let own = form(&office, &li, "/console/batches/1/approve", "");
    assert!(own.status == 403 && own.text.contains("class=\"problem\""), "{}", own.text);
    assert!(office.get(&wang, "/console/batches/1").text.contains("/console/batches/1/approve"));
    assert_eq!(to(&form(&office, &wang, "/console/batches/1/approve", "")), "/console/batches/1");
    let page = office.get(&wang, "/console/batches/1").text;
    assert!(page.contains("data-live=\"/console/batches/1/live\"") && page.contains("<progress max=\"2\""), "{page}");
    assert_eq!(office.ask("SELECT maker, checker, state FROM batch"), [["li", "wang", "approved"]]);
    let again = form(&office, &wang, "/console/batches/1/approve", "");
    assert!(again.status >= 400 && again.text.contains("class=\"problem\""));
    // A cancelled batch counts nowhere.
    assert_eq!(to(&form(&office, &li, "/console/batches", "county=513322&count=1")), "/console/batches/2");
    assert_eq!(to(&form(&office, &li, "/console/batches/2/cancel", "sure=1")), "/console/batches/2");
    assert_eq!(office.ask("SELECT state FROM batch WHERE number = 2"), [["cancelled"]]);
    let figures = office.get(&wang, "/console/figures").text;
    assert!(figures.contains("0 / 0 / 2") && !figures.contains("513322"), "{figures}");
    // A request that waits, as that of the cancelled batch does, is made a batch of as well.
    let waiting = office.get(&li, "/console/requests").text;
    assert!(waiting.contains("action=\"/console/batches\""), "{waiting}");
    assert_eq!(form(&office, &li, "/console/batches", "whom=nobody&county=&count=9").status, 400);
    assert_eq!(to(&form(&office, &li, "/console/batches", "whom=requests&county=&count=9")), "/console/batches/3");
    let made = "SELECT person, state FROM card_request WHERE number = (SELECT MAX(number) FROM card_request)";
    assert_eq!(office.ask(made), [["3", "batched"]]);
    // Four streams of one operator at once; one that ends makes room.
    let head = format!("GET /console/batches/1/live HTTP/1.1\r\nhost: centre\r\ncookie: {}\r\n\r\n", wang.cookie);
    let mut streams: Vec<TcpStream> = (0..4)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", office.port())).expect("connects");
            stream.write_all(head.as_bytes()).expect("asked");
            let mut status = [0; 12];
            stream.read_exact(&mut status).expect("an answer");
            assert_eq!(&status, b"HTTP/1.1 200");
            stream
        })
        .collect();
    let told = office.get(&wang, "/console/batches/1/live");
    assert!(told.status == 429 && told.head.to_lowercase().contains("retry-after: "), "{}", told.head);
    drop(streams.pop());
    let mut room = TcpStream::connect(("127.0.0.1", office.port())).expect("connects");
    let mut status = [0; 12];
    while &status != b"HTTP/1.1 200" {
        room = TcpStream::connect(("127.0.0.1", office.port())).expect("connects");
        room.write_all(head.as_bytes()).expect("asked");
        room.read_exact(&mut status).expect("an answer");
    }
    drop((room, streams));
    // The stream says what there is now, and ends with the batch.
    office.ask("UPDATE job SET state = 'done' WHERE batch = 1");
    office.ask("UPDATE batch SET state = 'finished' WHERE number = 1");
    let stream = loop {
        let stream = office.get(&wang, "/console/batches/1/live");
        // Those that were closed are still being noticed.
        if stream.status != 429 {
            break stream;
        }
    };
    assert!(stream.head.to_lowercase().contains("content-type: text/event-stream"), "{}", stream.head);
    assert!(
        stream.text.contains("event: progress\ndata: <p>") && stream.text.contains("event: end"),
        "{}",
        stream.text
    );
    assert_eq!(office.get(&wang, "/console/batches/9/live").status, 204);
    let figures = office.get(&wang, "/console/figures").text;
    assert!(figures.contains("康定") && figures.contains("2 / 0 / 2"), "{figures}");
}

/// A form with a file in it, as a browser sends it.
pub(crate) fn with_file(office: &Office, who: &In, path: &str, (field, file): (&str, &[u8]), more: &str) -> Told {
    let part = |name: &str| format!("--b0undary\r\nContent-Disposition: form-data; name=\"{name}\"");
    let mut body = format!("{}\r\n\r\n{}\r\n", part("csrf"), who.csrf).into_bytes();
    body.extend(
        format!("{}; filename=\"513301199001010064.csv\"\r\nContent-Type: text/csv\r\n\r\n", part(field)).bytes(),
    );
    body.extend(file);
    body.extend(b"\r\n");
    for (name, value) in more.split('&').filter_map(|pair| pair.split_once('=')) {
        body.extend(format!("{}\r\n\r\n{value}\r\n", part(name)).bytes());
    }
    body.extend(b"--b0undary--\r\n");
    let kind = [("cookie", who.cookie.as_str()), ("content-type", "multipart/form-data; boundary=b0undary")];
    office.send("POST", path, &kind, &body)
}

#[test]
fn a_file_of_people_comes_in_by_the_page_and_every_fault_is_listed_masked() {
    let mut office = Office::new();
    let li = office.with("li", &[Role::Capture]);
    assert!(office.get(&li, "/console/import").text.contains("value=\"registry\""));
    let faulty = format!("{CSV}513301199001010014,王小二,1,01,19900101,513301,,19900001236,\n");
    let checked =
        with_file(&office, &li, "/console/import", ("file", faulty.as_bytes()), "source=registry&dry_run=yes");
    assert!(checked.status == 200 && checked.text.contains("NUMBER_CHECK"), "{}", checked.text);
    assert_eq!(office.ask("SELECT COUNT(*) FROM person"), [["0"]], "only checked");
    let told = with_file(&office, &li, "/console/import", ("file", faulty.as_bytes()), "source=registry");
    assert!(told.text.contains("NUMBER_CHECK") && told.text.contains("<dd>2</dd>"), "{}", told.text);
    for secret in ["513301199001010014", "王小二", "扎西多吉", "/proc/"] {
        assert!(!told.text.contains(secret), "{secret}: {}", told.text);
    }
    assert_eq!(office.ask("SELECT COUNT(*) FROM person"), [["2"]]);
    let acts = office.ask("SELECT actor FROM audit WHERE act = 'person.import'");
    assert_eq!(acts, [["li"]]);
    // What is no table is said of the file, not of a place in memory; what is no form at all is refused.
    for junk in [b"".as_slice(), b"\x00\x01\x02", b"PK\x03\x04 no archive", b"a,b\n1,2\n"] {
        let told = with_file(&office, &li, "/console/import", ("file", junk), "source=registry");
        assert!(told.text.contains("class=\"problem\"") && !told.text.contains("/proc/"), "{}", told.text);
        assert!(told.status < 500, "{told:?}");
    }
    let unknown = with_file(&office, &li, "/console/import", ("file", CSV.as_bytes()), "source=nobody");
    assert!(unknown.text.contains("SOURCE_NOT_FOUND"), "{}", unknown.text);
    let large = vec![b'1'; 9 * 1024 * 1024];
    let told = with_file(&office, &li, "/console/import", ("file", &large), "source=registry");
    assert!((400..500).contains(&told.status), "{}", told.status);
    let elsewhere = with_file(&office, &li, "/console/batches", ("count", b"1"), "");
    assert!(elsewhere.status >= 400 && elsewhere.text.contains("class=\"problem\""), "a form without files takes none");
    assert_eq!(office.ask("SELECT COUNT(*) FROM batch"), [["0"]]);
}

#[test]
fn a_photo_is_taken_in_shown_on_record_and_refused_with_its_faults() {
    let mut office = Office::new();
    let li = office.with("li", &[Role::Capture]);
    with_file(&office, &li, "/console/import", ("file", CSV.as_bytes()), "source=registry");
    let path = "/console/people/1/photo";
    let refused = with_file(&office, &li, path, ("photo", b"\xFF\xD8 no photo"), "");
    assert!(refused.status == 200 && refused.text.contains("照片未收"), "{}", refused.text);
    let photo = crate::drawn::photo(1);
    let taken = with_file(&office, &li, path, ("photo", &photo), "");
    assert_eq!(to(&taken), "/console/people/1", "{}", taken.text);
    assert!(office.get(&li, "/console/people/1").text.contains("358 × 441"));
    assert!(!office.get(&li, "/console/people/1").text.contains("data:image"));
    let without = form(&office, &li, "/console/people/1/photo/show", "reason=");
    assert!(without.text.contains("REASON") && !without.text.contains("data:image"), "{}", without.text);
    let shown = form(&office, &li, "/console/people/1/photo/show", "reason=compared");
    assert!(shown.text.contains("data:image/jpeg;base64,"), "{}", shown.text);
    assert_eq!(office.ask("SELECT object, detail FROM audit WHERE act = 'photo.reveal'"), [["person 1", "compared"]]);
    assert_eq!(
        to(&form(&office, &li, "/console/people/1/photo/remove", "reason=wrong+person&sure=yes")),
        "/console/people/1"
    );
    assert_eq!(office.ask("SELECT COUNT(*) FROM photo"), [["0"]]);
}

#[test]
fn forms_of_stock_counter_and_audit_do_what_their_commands_do() {
    let mut office = Office::new();
    let li = office.with("li", &[Role::Capture, Role::Counter]);
    let (wu, zhou) = (office.with("wu", &[Role::Stock]), office.with("zhou", &[Role::Stock, Role::Audit]));
    with_file(&office, &li, "/console/import", ("file", CSV.as_bytes()), "source=registry");
    let done = |who: &In, path: &str, fields: &str| {
        let told = form(&office, who, path, fields);
        assert!(told.status < 400 && !told.text.contains("class=\"problem\""), "{path} {fields}: {}", told.text);
        told.text
    };
    // Cards as things.
    done(&wu, "/console/stock/place", "code=north&kind=station&title=%E5%8C%97&keeper=sun");
    done(&wu, "/console/stock/receive", "box=B1&lot=L7&cards=20");
    done(&wu, "/console/stock/count", "box=B1&cards=20&place=store&reason=");
    done(&wu, "/console/stock/issue", "box=B1&place=north&cards=8");
    // One of the eight did not come back.
    done(&wu, "/console/stock/take-back", "box=B1&place=north&cards=7");
    done(&wu, "/console/stock/issue", "box=B1&place=north&cards=6");
    done(&wu, "/console/stock/damage", "box=B1&place=store&cards=1&reason=bent");
    let which =
        form(&office, &wu, "/console/stock/lose", "box=B1&cards=2&numbers=&place=store&state=&reason=counted+twice");
    assert!(which.text.contains("STOCK_STATE_NEEDED"), "blank ones and one that is bent: {}", which.text);
    done(&wu, "/console/stock/lose", "box=B1&cards=2&numbers=&place=store&state=blank&reason=counted+twice");
    done(&wu, "/console/stock/find", "box=B1&cards=1&numbers=&reason=behind+the+box");
    done(&wu, "/console/stock/condemn", "box=B1&cards=1&numbers=&reason=bent");
    let own = form(&office, &wu, "/console/stock/destroy", "sack=D-1");
    assert!(own.text.contains("class=\"problem\""), "who filled it does not destroy it: {}", own.text);
    done(&zhou, "/console/stock/destroy", "sack=D-1");
    let both = form(&office, &wu, "/console/stock/lose", "box=B1&cards=1&numbers=A00000001&place=store&reason=x");
    assert!(both.text.contains("PARAMETER_UNFIT"), "{}", both.text);
    let held = office.get(&wu, "/console/stock").text;
    assert!(held.contains("L7") && held.contains("north 北"), "{held}");
    let states = office.ask("SELECT state, SUM(cards) FROM stock GROUP BY state ORDER BY state");
    assert_eq!(states, [["blank", "11"], ["destroyed", "1"], ["issued", "6"], ["missing", "2"]]);
    // Questions and tickets.
    let answer = done(&li, "/console/query", "by=number&text=513301199001010013&part=person&channel=counter&reason=");
    assert!(answer.contains("扎***") && !answer.contains("513301199001010013"), "{answer}");
    let bare = form(
        &office,
        &li,
        "/console/query",
        "by=number&text=513301199001010013&part=person&channel=counter&reveal=yes&reason=+",
    );
    assert!(bare.text.contains("REASON") && !bare.text.contains("扎西多吉"), "{}", bare.text);
    let whole = done(&li, "/console/query", "by=person&text=2&part=person&channel=agent&reveal=yes&reason=asked");
    assert!(whole.contains("扎西多吉"), "{whole}");
    let asked = office.ask("SELECT detail FROM audit WHERE act = 'query.person' ORDER BY sequence");
    assert_eq!(asked, [["channel=counter, masked"], ["channel=agent, unmasked: asked"]]);
    // The same form once more is the same question once more, also of a number that nobody has.
    let word = once(&office.get(&li, "/console/query"));
    for (text, answer) in [("513301199001010013", "扎***"), ("513301199001010099", "class=\"problem\"")] {
        for _ in 0..2 {
            let fields = format!("by=number&text={text}&part=person&channel=counter&reason=&once={word}");
            let told = form(&office, &li, "/console/query", &fields).text;
            assert!(told.contains(answer) && !told.contains("已经办理"), "{told}");
        }
    }
    done(&li, "/console/tickets", "kind=complaint&subject=card&person=2&text=%E5%8D%A1%E5%9D%8F%E4%BA%86");
    assert!(!office.get(&li, "/console/tickets").text.contains("卡坏了"), "a text is shown on record");
    assert!(done(&li, "/console/tickets/1", "").contains("卡坏了"));
    // A browser ends the lines of a form with CR LF.
    done(&li, "/console/tickets/1/answer", "text=%E8%AF%B7%E6%9D%A5%0D%0A%E6%8D%A2%E5%8D%A1");
    let told = done(&li, "/console/tickets/1", "");
    assert!(told.contains("请来") && told.contains("换卡") && !told.contains('\r'), "{told}");
    // Whom a complaint is about stands with it.
    let about = "kind=complaint&subject=institution&person=2&institution=Y51330100009&text=%E5%8D%A1";
    let unknown = form(&office, &li, "/console/tickets", about);
    assert!(unknown.text.contains("class=\"problem\""), "{}", unknown.text);
    // The address of a form, opened as a page, leads back to the page that has it.
    assert_eq!(to(&office.get(&li, "/console/tickets/1/answer")), "/console/tickets");
    assert_eq!(to(&office.get(&li, "/console/people/2/request")), "/console/people/2");
    done(&li, "/console/tickets/1/close", "text=");
    assert_eq!(office.ask("SELECT state FROM ticket"), [["closed"]]);
    let pin = form(&office, &li, "/console/cards/A00000001/pin", "act=reset&terminal=&reason=forgotten");
    assert!(pin.text.contains("CARD_NOT_FOUND"), "{}", pin.text);
    // The log: what begins so, and whether it holds.
    let found = office.get(&zhou, "/console/audit?actor=li&act=query.").text;
    assert!(
        found.contains("query.person") && !found.contains("ticket.open") && !found.contains("stock.receive"),
        "{found}"
    );
    assert!(office.get(&zhou, "/console/audit?act=%25").text.contains("没有这样的记录"), "letters, no patterns");
    let verdict = done(&zhou, "/console/audit/verify", "");
    assert!(verdict.contains("class=\"said\""), "{verdict}");
}

#[test]
fn a_changed_template_gives_another_preview_and_no_cache_on_the_way_keeps_one() {
    use card_face::Side;

    let mut office = Office::new();
    let li = office.with("li", &[Role::Stock]);
    let seen = |office: &Office, name: u8| {
        let told = office.get(&li, &format!("/console/faces/back?name={name}"));
        let head = told.head.to_lowercase();
        assert!(told.status == 200 && head.contains("content-type: image/png"), "{head}");
        assert!(head.contains("cache-control: no-store") && !head.contains("etag"), "{head}");
        told.text
    };
    let built_in = seen(&office, 1);
    assert!(seen(&office, 1) == built_in && seen(&office, 2) != built_in, "drawn for each name");
    let folder = office.data().join("templates/face");
    std::fs::create_dir_all(&folder).expect("folder");
    let own = |colour: &str| {
        let text = Side::Back.built_in().replace("#c4dbe6", colour);
        std::fs::write(folder.join("back.svg"), text).expect("written");
    };
    own("#e6c4db");
    let changed = seen(&office, 1);
    assert!(changed != built_in);
    own("#dbe6c4");
    assert!(seen(&office, 1) != changed);
    own("#e6c4db");
    assert!(seen(&office, 1) == changed, "what it was before is what is drawn again");
    std::fs::remove_file(folder.join("back.svg")).expect("removed");
    assert!(seen(&office, 1) == built_in);
}

#[test]
fn another_font_gives_another_preview_without_a_new_start() {
    use card_face::Side;

    /// They come with the browser of the tests.
    const FONTS: &str = "/usr/share/fonts/truetype/dejavu";

    let mut office = Office::new();
    let li = office.with("li", &[Role::Stock]);
    let seen = || {
        let told = office.get(&li, "/console/faces/back?name=1");
        assert_eq!(told.status, 200, "{}", told.head);
        told.text
    };
    let (face, own) = (office.data().join("templates/face"), office.data().join("templates/fonts"));
    std::fs::create_dir_all(&face).expect("folder");
    let line = "<text x=\"5\" y=\"40\" font-family=\"DejaVu Serif\" font-size=\"2.3\">12333</text></svg>";
    let text = Side::Back.built_in().replace("</svg>", line);
    assert_ne!(text, Side::Back.built_in());
    std::fs::write(face.join("back.svg"), text).expect("written");
    let without = seen();
    std::fs::create_dir_all(&own).expect("folder");
    let put = |font: &str| {
        std::fs::copy(format!("{FONTS}/{font}"), own.join("own.ttf")).expect("a font");
    };
    put("DejaVuSerif.ttf");
    let plain = seen();
    assert!(plain != without, "a font that came");
    put("DejaVuSerif-Bold.ttf");
    assert!(seen() != plain, "another one of the same name");
    std::fs::remove_file(own.join("own.ttf")).expect("removed");
    assert!(seen() == without);
}

#[test]
fn another_number_and_a_joining_are_asked_for_by_one_and_decided_by_another() {
    let mut office = Office::new();
    let li = office.clerk("li", &[Role::Capture, Role::Approve]);
    let file = office.data().join("people.csv");
    std::fs::write(&file, CSV).expect("written");
    assert_eq!(office.run(&li, Some(&li.password()), &["import", file.to_str().expect("a path")]).0, Some(0));
    let (li, wang) = (office.enter(&li), office.with("wang", &[Role::Approve]));
    let orders = |who: &In| office.get(who, "/console/identities").text;
    assert!(orders(&li).contains("没有身份变更单"));
    let page = office.get(&li, "/console/people/2").text;
    assert!(page.contains("/console/people/2/renumber") && page.contains("/console/people/2/join"), "{page}");
    assert!(!office.get(&wang, "/console/people/2").text.contains("/renumber"), "what is not allowed is not offered");

    // A number that is none comes back beside its form; the right one waits for somebody else, masked.
    let none =
        "number=513301199001010999&because=wrong&certificate_type=&nationality=&sex=&birth_date=&reason=letter+7";
    let told = form(&office, &li, "/console/people/2/renumber", none);
    assert!(told.status == 400 && told.text.contains("PERSON_NUMBER_UNFIT"), "{} {}", told.status, told.text);
    let right = none.replace("513301199001010999", "51330119900101003X");
    // Why is chosen: nothing stands there by itself.
    let select = page.split("name=\"because\"").nth(1).expect("a choice").split("</select>").next().expect("its end");
    assert_eq!(select.split("value=\"").nth(1).and_then(|rest| rest.split('"').next()), Some(""), "{select}");
    let told = form(&office, &li, "/console/people/2/renumber", &right.replace("because=wrong", "because="));
    assert!(told.status == 400 && told.text.contains("because"), "{} {}", told.status, told.text);
    let told = form(&office, &li, "/console/people/2/renumber", &right);
    assert_eq!((told.status, to(&told)), (303, "/console/identities"), "{}", told.text);
    let own = orders(&li);
    assert!(own.contains("51**************3X") && !own.contains("/approve"), "who asked does not decide: {own}");
    assert_eq!(form(&office, &li, "/console/identities/1/approve", "sure=yes").status, 403);
    assert!(
        orders(&wang).contains("/console/identities/1/approve")
            && orders(&wang).contains("/console/identities/1/reject")
    );
    let asked = form(&office, &wang, "/console/identities/1/approve", "");
    assert!(asked.status == 200 && asked.text.contains("name=\"sure\""), "it is asked twice: {}", asked.text);
    let told = form(&office, &wang, "/console/identities/1/approve", "sure=yes");
    assert_eq!((told.status, to(&told)), (303, "/console/identities"), "{}", told.text);
    let states = "SELECT act, state, maker, checker FROM identity_order ORDER BY number";
    assert_eq!(office.ask(states), [["renumber", "approved", "li", "wang"]]);

    // A joining that is refused with a reason, and one that is done.
    let join = |reason: &str| form(&office, &li, "/console/people/1/join", &format!("into=2&reason={reason}"));
    assert_eq!(to(&join("family+book")), "/console/identities");
    assert_eq!(to(&form(&office, &wang, "/console/identities/2/reject", "reason=no+book")), "/console/identities");
    assert!(orders(&li).contains("no book"));
    assert_eq!(to(&join("the+book+came")), "/console/identities");
    assert_eq!(to(&form(&office, &wang, "/console/identities/3/approve", "sure=yes")), "/console/identities");
    let gone = office.get(&li, "/console/people/1").text;
    assert!(gone.contains("已并入") && !gone.contains("/console/people/1/join"), "{gone}");
    let english = In { cookie: format!("{}; lang=en", li.cookie), ..li.clone() };
    // Whoever decides sees what becomes another besides the number.
    let woman =
        "number=513301199102030021&because=wrong&certificate_type=&nationality=&sex=&birth_date=&reason=letter+8";
    assert!(!orders(&wang).contains("另改"));
    assert_eq!(to(&form(&office, &li, "/console/people/2/renumber", woman)), "/console/identities");
    let waits = orders(&wang);
    assert!(
        waits.contains("另改：性别") && waits.contains("另改：出生日期") && !waits.contains("另改：证件"),
        "{waits}"
    );
    let page = office.get(&english, "/console/identities").text;
    assert!(remedy::is_typed("issuer person join 1") && !remedy::is_typed(&page), "{page}");
}
