//! Who is let in: passwords, codes, waiting, sessions, the token of a session.

use std::time::{Duration, Instant};

use issuer_service::operator::Role;
use issuer_service::operator::login::{self, LoginError};

use crate::office::{Clerk, In, Office, secret_of};

fn wrong(office: &Office, clerk: &Clerk) -> (u16, String) {
    let told = office.log_in(clerk, "not the word at all", &clerk.code(0));
    (told.status, told.code().to_owned())
}

#[test]
fn a_session_begins_with_password_and_code_and_a_code_is_good_once() {
    let mut office = Office::new();
    let li = office.clerk("li", &[Role::Capture]);
    let code = li.code(0);
    let told = office.log_in(&li, &li.password(), &code);
    assert_eq!(told.status, 200, "{told:?}");
    let head = told.head.to_lowercase();
    for part in ["httponly", "samesite=strict", "path=/", "cache-control: no-store", "nosniff"] {
        assert!(head.contains(part), "{head}");
    }
    assert_eq!(told.body["roles"][0], "capture");
    let again = office.log_in(&li, &li.password(), &code);
    assert_eq!((again.status, again.code()), (401, "LOGIN_REFUSED"), "the code is used up");
    let earlier = office.log_in(&li, &li.password(), &li.code(-1));
    assert_eq!(earlier.status, 401, "so is the one before it");
    assert_eq!(office.log_in(&li, &li.password(), &li.code(1)).status, 200);
    let stored = office.ask("SELECT token FROM session ORDER BY token");
    assert_eq!(stored.len(), 2);
    assert!(!stored.iter().any(|row| told.head.contains(&row[0])), "tokens are stored hashed");
    let acts = office.ask("SELECT act, detail FROM audit ORDER BY sequence DESC LIMIT 2");
    assert_eq!(acts[0], ["operator.login", "2 mistakes before"]);
}

#[test]
fn what_was_wrong_is_not_said_and_mistakes_cost_waiting() {
    let mut office = Office::new();
    let li = office.clerk("li", &[Role::Capture]);
    let nobody = Clerk { name: "nobody".to_owned(), secret: li.secret.clone() };
    for attempt in 0..5 {
        let told = match attempt {
            0 => office.log_in(&li, &li.password(), "000000"),
            1 => office.log_in(&li, "", &li.code(0)),
            _ => office.log_in(&li, "not the word at all", &li.code(0)),
        };
        assert_eq!((told.status, told.code()), (401, "LOGIN_REFUSED"), "{told:?}");
        let other = office.log_in(&nobody, &li.password(), &li.code(0));
        assert_eq!((other.status, &other.body), (told.status, &told.body), "as for a name that nobody has");
    }
    assert_eq!(wrong(&office, &nobody), (429, "LOGIN_LOCKED".to_owned()), "which waits as well");
    let told = office.log_in(&li, &li.password(), &li.code(0));
    assert_eq!((told.status, told.code()), (429, "LOGIN_LOCKED"), "even with all of it right");
    assert!(told.head.to_lowercase().contains("retry-after: "), "{told:?}");
    let (exit, said) = office.run(&li, Some(&li.password()), &["number", "fill", "1"]);
    assert_eq!(exit, Some(0), "nobody at the door keeps anybody from the machine: {said}");
    // A minute later one more attempt is looked at; a mistake doubles the waiting.
    office.ask("UPDATE login_failure SET last_at = last_at - 61");
    assert_eq!(wrong(&office, &li).0, 401);
    office.ask("UPDATE login_failure SET last_at = last_at - 61");
    assert_eq!(wrong(&office, &li).0, 429);
    office.ask("UPDATE login_failure SET last_at = last_at - 61");
    assert_eq!(office.log_in(&li, &li.password(), &li.code(0)).status, 200);
    assert_eq!(office.ask("SELECT COUNT(*) FROM login_failure")[0][0], "1", "of nobody");
    let acts = office.ask("SELECT actor FROM audit WHERE act = 'operator.attempts'");
    assert_eq!(acts, [["door"]]);
}

#[test]
fn a_clock_that_stood_ahead_and_was_set_right_keeps_nobody_out() {
    let mut office = Office::new();
    let li = office.clerk("li", &[Role::Capture]);
    let wang = office.clerk("wang", &[Role::Capture]);
    // Made while the clock stood a month ahead: a mistake, six of them, a code that was taken.
    let ahead = |office: &Office| office.ask("UPDATE login_failure SET last_at = last_at + 2592000");
    wrong(&office, &li);
    ahead(&office);
    assert_eq!(office.log_in(&li, &li.password(), &li.code(0)).status, 200, "one mistake costs no waiting");
    for _ in 0..5 {
        wrong(&office, &wang);
    }
    ahead(&office);
    let told = office.log_in(&wang, &wang.password(), &wang.code(0));
    assert_eq!((told.status, told.code()), (429, "LOGIN_LOCKED"), "{told:?}");
    assert!(told.head.to_lowercase().contains("retry-after: 60"), "as long as after a mistake of now: {told:?}");
    office.ask("UPDATE login_failure SET last_at = last_at - 61");
    assert_eq!(office.log_in(&wang, &wang.password(), &wang.code(0)).status, 200, "the waiting ends");
    // Set back by a minute and a half: a used code is a used code.
    office.ask("UPDATE operator_totp SET step = step + 3");
    assert_eq!(office.log_in(&wang, &wang.password(), &wang.code(0)).status, 401, "a code that was taken");
    office.ask("UPDATE operator_totp SET step = step + 86400");
    assert_eq!(office.log_in(&wang, &wang.password(), &wang.code(0)).status, 200, "a code of now");
    assert_eq!(office.log_in(&wang, &wang.password(), &wang.code(0)).status, 401, "once");
}

#[test]
fn what_is_due_every_day_runs_with_operators_who_have_passwords() {
    let mut office = Office::new();
    let clerks = [office.clerk("daily", &[Role::Counter, Role::Capture]), office.clerk("auditor", &[Role::Audit])];
    let secrets = tempfile::tempdir().expect("folder");
    for clerk in &clerks {
        std::fs::write(secrets.path().join(&clerk.name), clerk.password() + "\n").expect("written");
    }
    std::fs::copy(office.data().join("rehearsal.passphrase"), secrets.path().join("passphrase")).expect("copied");
    let mut ran = Vec::new();
    for unit in ["daily", "checkpoint"] {
        let path = format!("{}/../packaging/systemd/issuer-{unit}.service", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("a unit");
        for line in text.lines().filter_map(|line| line.strip_prefix("ExecStart=/usr/bin/issuer ")) {
            let line = line.replace("${CREDENTIALS_DIRECTORY}", secrets.path().to_str().expect("UTF-8"));
            let line = line.replace("${ISSUER_DAILY}", "daily").replace("${ISSUER_AUDITOR}", "auditor");
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_issuer"));
            command.args(line.split(' ')).env("ISSUER_DATA", office.data()).stdin(std::process::Stdio::null());
            let output = command.output().expect("the program starts");
            assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
            ran.push(line);
        }
    }
    assert_eq!(ran.len(), 3, "{ran:?}");
    let acts = office
        .ask("SELECT DISTINCT actor FROM audit WHERE actor IN ('daily', 'auditor') AND act NOT LIKE 'operator.%'");
    assert_eq!(acts.len(), 2, "{acts:?}");
}

#[test]
fn a_stranger_elsewhere_makes_nobody_wait() {
    let mut office = Office::new();
    let li = office.clerk("li", &[Role::Capture]);
    let (password, code) = (li.password(), li.code(0));
    let store = &mut office.centre.store;
    let mut from = |block: &str, password: &str| login::log_in(store, "li", (password, &code), (block, None)).err();
    for _ in 0..5 {
        assert!(matches!(from("198.51.100.0", "rubbish"), Some(LoginError::Refused)));
    }
    assert!(matches!(from("198.51.100.0", "rubbish"), Some(LoginError::Locked { .. })));
    assert!(from("203.0.113.0", &password).is_none(), "who is elsewhere comes in");
    assert!(matches!(from("198.51.100.0", &password), Some(LoginError::Locked { .. })), "the stranger still waits");
}

#[test]
fn other_sites_pages_neither_act_nor_log_in() {
    let mut office = Office::new();
    let li = office.with("li", &[Role::Capture]);
    let kind = ("content-type", "application/json");
    for (name, value) in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")]
    {
        let told = office.send("POST", "/api/v1/session", &[kind, (name, value)], b"{}");
        assert_eq!((told.status, told.code()), (403, "SESSION_TOKEN_WRONG"), "{name}: {value}");
        let form = ("content-type", "application/x-www-form-urlencoded");
        let told = office.send("POST", "/console/login", &[form, (name, value)], b"operator=li");
        assert_eq!(told.status, 403, "{told:?}");
        let headers = [("cookie", li.cookie.as_str()), ("x-csrf-token", &li.csrf), (name, value)];
        assert_eq!(office.send("DELETE", "/api/v1/session", &headers, b"").code(), "SESSION_TOKEN_WRONG");
    }
    let headers = [("cookie", li.cookie.as_str()), ("x-csrf-token", &li.csrf), ("sec-fetch-site", "same-origin")];
    assert_eq!(office.send("DELETE", "/api/v1/session", &headers, b"").status, 200);
}

#[test]
fn who_is_not_in_sends_no_long_body_and_no_form() {
    let mut office = Office::new();
    let long = vec![b'x'; 8 * 1024];
    let told = office.send("POST", "/api/v1/session", &[("content-type", "application/json")], &long);
    assert_eq!((told.status, told.code()), (413, "BODY_TOO_LARGE"));
    let form = ("content-type", "application/x-www-form-urlencoded");
    assert_eq!(office.send("POST", "/console/login", &[form], &long).status, 413);
    // Only the head comes: it is answered before a byte of the form is there.
    let head = [form, ("content-length", "60000")];
    assert_eq!(office.send_head("POST", "/console/batches", &head), 303);
    let li = office.with("li", &[Role::Capture]);
    let told = |fields: &str| {
        let body = format!("csrf={}&{fields}", li.csrf);
        office.send("POST", "/console/batches", &[("cookie", &li.cookie), form], body.as_bytes()).status
    };
    assert_eq!(told("county=%FF51&count=3"), 400, "what cannot be read does not become every county");
    assert_eq!(told(&"x=1&".repeat(64)), 400);
    assert_eq!(office.get(&li, "/console/cards/%00").status, 400);
    let told = office.get(&li, "/api/v1/credentials/%ff");
    assert_eq!((told.status, told.code()), (400, "PARAMETER_UNFIT"));
}

#[test]
fn who_is_not_in_is_answered_so_often_and_no_more_and_a_browser_forgets_pages_at_the_end() {
    let mut office = Office::new();
    let li = office.clerk("li", &[Role::Capture]);
    let who = office.enter(&li);
    let form = [("cookie", who.cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let body = format!("csrf={}", who.csrf);
    let told = office.send("POST", "/console/logout", &form, body.as_bytes());
    assert!(told.status == 303 && told.head.to_lowercase().contains("clear-site-data: \"cache\""), "{}", told.head);
    let made_up = format!("issuer={}", "0".repeat(64));
    let told: Vec<u16> =
        (0..90).map(|_| office.send("GET", "/api/v1/people", &[("cookie", &made_up)], b"").status).collect();
    assert_eq!((told[0], told.last()), (401, Some(&429)), "{told:?}");
    assert!(told.iter().all(|status| [401, 429].contains(status)));
    // Pages as well say when to come back.
    for path in ["/api/v1/people", "/console/people/1"] {
        let told =
            (0..9).map(|_| office.send("GET", path, &[("cookie", &made_up)], b"")).find(|told| told.status == 429);
        let head = told.expect("too often").head.to_lowercase();
        let seconds = head.lines().find_map(|line| line.strip_prefix("retry-after: ")).expect("a time");
        assert!((1..=2).contains(&seconds.trim().parse::<u64>().expect("seconds")), "{head}");
    }
    assert_eq!(office.log_in(&li, &li.password(), &li.code(1)).status, 200, "who has no session keeps nobody from one");
}

#[test]
fn strangers_of_ones_own_address_make_one_wait_for_a_login_and_shut_nobody_out() {
    let mut office = Office::new();
    let li = office.clerk("li", &[Role::Capture]);
    let port = office.port();
    let kind = [("content-type", "application/json")];
    let stranger = move || Office::send_to(port, "POST", "/api/v1/session", &kind, b"{}").status;
    let told: Vec<u16> = (0..64).map(|_| stranger()).collect();
    assert!(told.iter().all(|status| *status == 400), "{told:?}");
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let others: Vec<_> = (0..9).map(|_| scope.spawn(stranger)).collect();
        assert_eq!(office.log_in(&li, &li.password(), &li.code(0)).status, 200, "whoever knows the words comes in");
        assert!(others.into_iter().all(|other| other.join().expect("an answer") == 400));
    });
    assert!(begun.elapsed() > Duration::from_secs(2), "no more often than before: {:?}", begun.elapsed());
}

#[test]
fn a_second_factor_is_replaced_by_who_has_the_present_one() {
    let mut office = Office::new();
    let li = office.clerk("li", &[Role::Capture]);
    let stored = |office: &Office| office.ask("SELECT secret FROM operator_totp");
    let before = stored(&office);
    let password = li.password();
    let totp = |office: &Office, code: &str| {
        let path = office.data().join("code");
        std::fs::write(&path, code).expect("written");
        let source = format!("file:{}", path.display());
        office.run(&li, Some(&password), &["operator", "totp", "--code", &source])
    };
    let wrong = if li.code(0) == "000000" { "111111" } else { "000000" };
    for code in [wrong, "12345"] {
        let (exit, said) = totp(&office, code);
        assert!(exit == Some(6) && said.contains("LOGIN_REFUSED"), "{code:?}: {said}");
    }
    assert_eq!(stored(&office), before);
    let (exit, said) = totp(&office, &li.code(0));
    assert!(exit == Some(0) && said.contains("secret="), "{said}");
    assert_ne!(stored(&office), before);
    let told = office.log_in(&li, &li.password(), &li.code(1));
    assert_eq!((told.status, told.code()), (401, "LOGIN_REFUSED"), "the one before is no factor any more");
}

#[test]
fn a_search_for_people_is_on_record_and_cannot_be_tried_often() {
    let mut office = Office::new();
    let li = office.with("li", &[Role::Counter]);
    let search = serde_json::json!({ "by": "number", "text": "513301199001010013" });
    let told: Vec<u16> = (0..11).map(|_| office.post(&li, "/api/v1/people/search", &search).status).collect();
    assert_eq!((&told[..10], told[10]), (&[200; 10][..], 429));
    let acts = office.ask("SELECT actor, object, detail FROM audit WHERE act = 'person.find'");
    assert_eq!((acts.len(), &acts[0][..]), (10, &["li".to_owned(), "people".into(), "by number: 0 found".into()][..]));
}

#[test]
fn a_session_ends_by_idleness_by_age_by_logging_out_and_with_its_operator() {
    let mut office = Office::new();
    let head = office.clerk("head", &[Role::Manage]);
    let li = office.clerk("li", &[Role::Capture]);
    let who = office.enter(&li);
    let state = |office: &Office| {
        let told = office.get(&who, "/api/v1/session");
        (told.status, told.code().to_owned())
    };
    let set = |office: &Office, by: i64, column: &str| {
        office.ask(&format!("UPDATE session SET {column} = {column} + {by} WHERE operator = 'li'"));
    };
    assert_eq!(state(&office).0, 200);
    for (column, seconds) in [("seen_at", 901), ("began_at", 36_001)] {
        set(&office, -seconds, column);
        assert_eq!(state(&office), (401, "SESSION_ENDED".to_owned()), "{column}");
        set(&office, seconds, column);
        assert_eq!(state(&office).0, 200);
    }
    // A clock that was set back does not lengthen it.
    set(&office, 3_600, "began_at");
    assert_eq!(state(&office).0, 401);
    set(&office, -3_600, "began_at");
    // Seen again: the time of idleness begins anew.
    set(&office, -600, "seen_at");
    assert_eq!(state(&office).0, 200);
    set(&office, -600, "seen_at");
    assert_eq!(state(&office).0, 200);
    office.ask("DELETE FROM operator_role WHERE operator = 'li'");
    assert_eq!(office.get(&who, "/api/v1/session").body["roles"], serde_json::json!([]), "roles of this moment");
    office.ask("UPDATE operator SET state = 'closed' WHERE name = 'li'");
    assert_eq!(state(&office), (401, "SESSION_ENDED".to_owned()));
    office.ask("UPDATE operator SET state = 'active' WHERE name = 'li'");
    let headers = [("cookie", who.cookie.as_str()), ("x-csrf-token", who.csrf.as_str())];
    let told = office.send("DELETE", "/api/v1/session", &headers, b"");
    assert!(told.status == 200 && told.head.to_lowercase().contains("max-age=0"), "{told:?}");
    assert_eq!(state(&office), (401, "SESSION_MISSING".to_owned()));
    let other = office.enter(&head);
    let (exit, said) =
        office.run(&head, Some(&head.password()), &["operator", "reset", "head", "--initial", "env:OWN_WORD"]);
    assert_eq!(exit, Some(0), "{said}");
    assert_eq!(office.get(&other, "/api/v1/session").status, 401, "another password, other sessions");
}

#[test]
fn sessions_end_with_the_password_and_the_factor_that_began_them_and_with_the_browsers_next_login() {
    let mut office = Office::new();
    let mut li = office.clerk("li", &[Role::Capture]);
    let wang = office.with("wang", &[Role::Capture]);
    let state = |office: &Office, who: &In| office.get(who, "/api/v1/session").status;
    let [first, second] = [office.enter(&li), {
        let told = office.log_in(&li, &li.password(), &li.code(1));
        In::of(&told)
    }];
    assert_eq!((state(&office, &first), state(&office, &second)), (200, 200), "two places, two sessions");
    // The same browser logs in again, at the API and at the console: its session before is over, the other place's is not.
    let forget = |office: &Office| office.ask("UPDATE operator_totp SET step = 0");
    forget(&office);
    let body = serde_json::json!({ "operator": "li", "password": li.password(), "code": li.code(0) });
    let headers = [("cookie", first.cookie.as_str()), ("content-type", "application/json")];
    let told = office.send("POST", "/api/v1/session", &headers, body.to_string().as_bytes());
    let third = In::of(&told);
    assert_eq!((state(&office, &first), state(&office, &second), state(&office, &third)), (401, 200, 200));
    forget(&office);
    let form = [("cookie", third.cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let wrong = format!("operator=li&password=wrong&code={}", li.code(0));
    assert_eq!(office.send("POST", "/console/login", &form, wrong.as_bytes()).status, 401);
    assert_eq!(state(&office, &third), 200, "a mistake ends nothing");
    let right = format!("operator=li&password={}&code={}", li.password().replace(' ', "+"), li.code(0));
    assert_eq!(office.send("POST", "/console/login", &form, right.as_bytes()).status, 303);
    assert_eq!((state(&office, &third), state(&office, &second)), (401, 200));
    // Another password, then another factor: every session of that operator.
    let store = &mut office.centre.store;
    let address = login::change_totp(store, ("li", &li.password()), &li.code(1), "issuer-513300").expect("factor");
    assert_eq!(state(&office, &second), 401, "another factor");
    li.secret = secret_of(&address);
    let fourth = office.enter(&li);
    assert_eq!(state(&office, &fourth), 200);
    let store = &mut office.centre.store;
    login::change_password(store, "li", &li.password(), "another invented word of nobody").expect("another");
    assert_eq!(state(&office, &fourth), 401, "another password");
    assert_eq!(state(&office, &wang), 200, "nobody else's");
}

#[test]
fn what_changes_something_carries_the_token_of_its_own_session() {
    let mut office = Office::new();
    let (li, wang) = (office.with("li", &[Role::Capture]), office.with("wang", &[Role::Capture]));
    let twice = format!("{}; {}", li.cookie, wang.cookie);
    for headers in [
        vec![("cookie", li.cookie.as_str())],
        vec![("cookie", &li.cookie), ("x-csrf-token", "")],
        vec![("cookie", &li.cookie), ("x-csrf-token", &wang.csrf)],
        vec![("cookie", &li.cookie), ("x-csrf-token", &li.csrf), ("x-csrf-token", &li.csrf)],
    ] {
        let told = office.send("DELETE", "/api/v1/session", &headers, b"");
        assert_eq!((told.status, told.code()), (403, "SESSION_TOKEN_WRONG"), "{headers:?}");
    }
    for cookie in ["issuer=", "issuer=00", "other=1", twice.as_str(), &li.cookie.replace("issuer", "__Host-issuer")] {
        let told = office.send("GET", "/api/v1/session", &[("cookie", cookie)], b"");
        assert_eq!((told.status, told.code()), (401, "SESSION_MISSING"), "{cookie}");
    }
}

#[test]
fn an_operator_with_a_password_gives_it_to_every_command_and_others_go_on_as_before() {
    let mut office = Office::new();
    let (li, head) = (office.clerk("li", &[Role::Capture]), office.clerk("head", &[Role::Manage]));
    office.centre.store.journal(|tx| tx.register("ma", &[Role::Capture]).map(drop)).expect("registered");
    let fill = ["number", "fill", "1"];
    let ma = Clerk { name: "ma".to_owned(), secret: Vec::new() };
    assert_eq!(office.run(&ma, None, &fill).0, Some(0));
    let refused = |clerk: &Clerk, password: Option<&str>, words: &[&str], code: &str| {
        let (exit, said) = office.run(clerk, password, words);
        assert!(exit != Some(0) && said.contains(&format!("\"{code}\"")), "{words:?}: {said}");
    };
    refused(&li, None, &fill, "LOGIN_PASSWORD_MISSING");
    refused(&li, Some("not the word at all"), &fill, "LOGIN_REFUSED");
    refused(&li, None, &["person", "show", "1", "--reveal", "--reason", "asked"], "LOGIN_PASSWORD_MISSING");
    refused(&head, None, &["operator", "add", "x", "--role", "stock"], "LOGIN_PASSWORD_MISSING");
    assert_eq!(office.run(&li, Some(&li.password()), &fill).0, Some(0));
    assert_eq!(office.run(&li, None, &["number", "list"]).0, Some(0), "looking asks for nothing");
    refused(&ma, None, &["operator", "password", "--new", "env:HOME"], "LOGIN_PASSWORD_NOT_SET");
    // Who manages gives an initial one: it is good for setting one's own, not for acting or coming in.
    let words = ["operator", "reset", "li", "--initial", "env:OWN_WORD"];
    let (exit, said) = office.run(&head, Some(&head.password()), &words);
    assert_eq!(exit, Some(0), "{said}");
    refused(&li, Some(&li.password()), &fill, "LOGIN_REFUSED");
    refused(&li, Some(&head.password()), &fill, "LOGIN_PASSWORD_INITIAL");
    let told = office.log_in(&li, &head.password(), &li.code(0));
    assert_eq!((told.status, told.code()), (403, "LOGIN_PASSWORD_INITIAL"));
    refused(&li, Some(&head.password()), &["operator", "totp"], "LOGIN_PASSWORD_INITIAL");
    refused(&li, Some(&head.password()), &["operator", "password", "--new", "env:OWN_WORD"], "LOGIN_PASSWORD_SAME");
    let everything = office.ask("SELECT hash FROM operator_password");
    assert!(everything.iter().all(|row| row[0].starts_with("argon2id 19456 2 1 ")), "{everything:?}");
}
