//! The edge: signatures, hostile bodies, repeated requests, a busy database.

use serde_json::Value;
use settlement::signing::TerminalKey;

use crate::centre::{BATCHES, BLACKLIST, Centre, LOADS, OUTCOME, QUOTE, SIGN_IN, loaded, request, signed_in};

#[test]
fn the_same_request_answers_the_same_and_another_body_is_refused() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let mut terminal = centre.terminal(1);
    centre.allot(1, "500");
    let mut card = centre.card(1);
    let body = card.init_load(&terminal, 1, 50_000);
    let text = terminal.numbered(body.clone());
    let (status, created) = terminal.send(LOADS, &text);
    assert_eq!((status, created["status"].as_str()), (200, Some("created")), "{created}");
    let (status, exists) = terminal.send(LOADS, &text);
    assert_eq!((status, exists["status"].as_str()), (200, Some("exists")));
    assert_eq!((&exists["mac2"], &exists["date_time"]), (&created["mac2"], &created["date_time"]));
    let (status, exists) = terminal.ask(LOADS, body.clone());
    assert_eq!((status, exists["status"].as_str()), (200, Some("exists")), "another request id, the same load");
    assert_eq!(exists["mac2"], created["mac2"]);
    let other = text.replace("\"amount_fen\":50000", "\"amount_fen\":40000");
    let (status, answer) = terminal.send(LOADS, &other);
    assert_eq!((status, answer["code"].as_str()), (409, Some("REQUEST_ID_REUSED")));
    let mut other = body;
    other["amount_fen"] = 40_000.into();
    let (status, answer) = terminal.ask(LOADS, other);
    assert_eq!((status, answer["code"].as_str()), (409, Some("REQUEST_ID_REUSED")), "the load id is bound as well");
    assert_eq!(centre.balance("transit:"), 50_000, "prepared once");
}

#[test]
fn only_registered_terminals_with_their_own_signature_are_heard() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let (mut ours, other) = (centre.terminal(1), centre.terminal(2));
    let body = ours.numbered(signed_in(&ours));
    let port = centre.port();
    let signature = |key: &TerminalKey, path| key.sign_request("POST", path, body.as_bytes()).to_string();
    let number = ours.number.to_string();
    let good = signature(&ours.key, SIGN_IN);
    let cases = [
        (vec![], "TERMINAL_UNKNOWN"),
        (vec![("x-terminal", "990000000009".to_owned()), ("x-signature", good.clone())], "TERMINAL_UNKNOWN"),
        (vec![("x-terminal", "'; DROP TABLE".to_owned()), ("x-signature", good.clone())], "TERMINAL_UNKNOWN"),
        (vec![("x-terminal", number.clone())], "SIGNATURE_WRONG"),
        (vec![("x-terminal", number.clone()), ("x-signature", "00".to_owned())], "SIGNATURE_WRONG"),
        (vec![("x-terminal", number.clone()), ("x-signature", signature(&other.key, SIGN_IN))], "SIGNATURE_WRONG"),
        (vec![("x-terminal", number.clone()), ("x-signature", signature(&ours.key, QUOTE))], "SIGNATURE_WRONG"),
        (
            vec![("x-terminal", other.number.to_string()), ("x-signature", signature(&other.key, SIGN_IN))],
            "SIGNATURE_WRONG",
        ),
        (
            vec![("x-terminal", number.clone()), ("x-terminal", number.clone()), ("x-signature", good.clone())],
            "TERMINAL_UNKNOWN",
        ),
    ];
    for (headers, code) in cases {
        let (status, text) = request(port, "POST", SIGN_IN, &headers, body.as_bytes());
        let answer: Value = serde_json::from_slice(&text).expect("JSON");
        assert_eq!((status, answer["code"].as_str()), (401, Some(code)), "{headers:?}");
    }
    assert_eq!(ours.send(SIGN_IN, &body).0, 200);
    centre.ok("ma", &["terminal", "stop", &number]);
    let (status, answer) = ours.send(SIGN_IN, &body);
    assert_eq!((status, answer["code"].as_str()), (403, Some("TERMINAL_STOPPED")));
}

#[test]
fn hostile_bodies_are_refused_and_the_server_goes_on() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let mut terminal = centre.terminal(1);
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let sign_in = terminal.numbered(signed_in(&terminal));
    let bodies = [
        "",
        "null",
        "[]",
        "{",
        "{}",
        nested.as_str(),
        "{\"version\":2}",
        &sign_in.replace("\"version\":1", "\"version\":1e400"),
        &sign_in.replace("\"version\"", "\"version\":1,\"version\""),
        &sign_in.replace('}', ",\"extra\":1}"),
    ];
    let pins = ["/terminal/v1/pin-orders/proof", "/terminal/v1/pin-orders/command", "/terminal/v1/pin-orders/outcome"];
    for path in [SIGN_IN, BLACKLIST, QUOTE, LOADS, OUTCOME, BATCHES].into_iter().chain(pins) {
        for body in bodies {
            let (status, answer) = terminal.send(path, body);
            let shown: String = body.chars().take(60).collect();
            assert_eq!((status, answer["code"].as_str()), (400, Some("MESSAGE_MALFORMED")), "{path} {shown}");
        }
        let bytes = [0xFF, 0xFE, 0x00];
        let signature = terminal.key.sign_request("POST", path, &bytes).to_string();
        let headers = [("x-terminal", terminal.number.to_string()), ("x-signature", signature)];
        assert_eq!(request(centre.port(), "POST", path, &headers, &bytes).0, 400, "not UTF-8");
    }
    let large = vec![b' '; settlement::limits::MESSAGE_BYTES_MAX + 1];
    assert_eq!(request(centre.port(), "POST", BATCHES, &[], &large).0, 413);
    for (method, path) in [("GET", SIGN_IN), ("POST", "/terminal/v1/nothing"), ("DELETE", "/"), ("POST", "/health")] {
        assert_eq!(request(centre.port(), method, path, &[], b"").0, 404, "{method} {path}");
    }
    let (status, text) = request(centre.port(), "GET", "/health", &[], b"");
    assert_eq!((status, serde_json::from_slice::<Value>(&text).expect("JSON")["status"].as_str()), (200, Some("ok")));
    // Figures and messages are for this machine, under whatever name it is asked for by others; a receipt is for everybody.
    let under = |host: &str, path| request(centre.port(), "GET", path, &[("host", host.to_owned())], b"").0;
    for host in ["127.0.0.1:7301", "LOCALHOST", "[::1]:7301"] {
        assert_eq!((under(host, "/health"), under(host, "/metrics")), (200, 200), "{host}");
    }
    for host in ["rebound.example", "192.0.2.7", "127.0.0.1.rebound.example:7301", "localhost@rebound.example", ""] {
        assert_eq!((under(host, "/health"), under(host, "/metrics"), under(host, "/ready")), (200, 404, 200), "{host}");
    }
    assert_eq!((under("city.example", "/public/pages"), under("127.0.0.1", "/public/pages")), (200, 200));
    assert_eq!(centre.balance(""), 0);
}

#[test]
fn a_server_that_others_could_reach_is_refused_while_there_is_no_tls() {
    let centre = Centre::with_cards(0);
    assert_eq!(centre.run("ma", &["serve", "--listen", "0.0.0.0:0"]).status.code(), Some(1));
}

/// What the server's lines say is behind a refusal.
fn cause_of(centre: &Centre, code: &str) -> String {
    for lines in 1.. {
        let written = centre.written(lines);
        let lines = written.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        if let Some(line) = lines.rev().find(|line| line["code"] == code) {
            return line["cause"].as_str().expect("a cause").to_owned();
        }
    }
    unreachable!("lines end")
}

#[test]
fn a_database_that_another_process_holds_is_told_and_the_terminal_may_try_again() {
    let (centre, mut terminal, mut card) = loaded();
    let record = card.purchase(&mut terminal, centre.today(), [100, 0, 0]);
    let body = terminal.seal(vec![record]);
    let held = crate::hold::hold(&centre.data());
    let (status, answer) = terminal.send(BATCHES, &body);
    assert_eq!((status, answer["code"].as_str()), (503, Some("STORE_UNAVAILABLE")));
    assert_eq!(cause_of(&centre, "STORE_UNAVAILABLE"), "DATABASE_LOCKED");
    held.free();
    let (status, answer) = terminal.send(BATCHES, &body);
    assert_eq!((status, answer["status"].as_str()), (200, Some("created")));
}

#[test]
fn what_is_broken_at_the_centre_is_told_from_what_passes_and_the_log_says_what_it_is() {
    let (centre, mut terminal, mut card) = loaded();
    let record = card.purchase(&mut terminal, centre.today(), [100, 0, 0]);
    let body = terminal.seal(vec![record]);
    centre.ask("ALTER TABLE terminal_request RENAME TO elsewhere").expect("broken");
    let (status, answer) = terminal.send(BATCHES, &body);
    assert_eq!((status, answer["code"].as_str()), (500, Some("CENTRE_DEFECT")), "{answer}");
    assert!(!answer.to_string().contains("terminal_request"), "the terminal is told no more: {answer}");
    let cause = cause_of(&centre, "CENTRE_DEFECT");
    let names_it = cause.contains("terminal_request") || cause.ends_with("sqlstate 42P01");
    assert!(cause.starts_with("DATABASE_FAILED ") && names_it, "{cause}");
    centre.ask("ALTER TABLE elsewhere RENAME TO terminal_request").expect("mended");
    let (status, answer) = terminal.send(BATCHES, &body);
    assert_eq!((status, answer["status"].as_str()), (200, Some("created")), "kept and sent again: {answer}");
}

#[test]
fn every_request_is_a_line_that_names_nobody() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let terminal = centre.terminal(1);
    let get = |path: &str, headers: &[(&str, &str)]| {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let asked = agent.get(format!("http://127.0.0.1:{}{path}", centre.port()));
        let answer = headers.iter().fold(asked, |asked, (name, value)| asked.header(*name, *value)).call();
        let answer = answer.expect("an answer");
        answer.headers()["x-request-id"].to_str().expect("text").to_owned()
    };
    assert_eq!(get("/receipt/PLANTEDCODE?planted=query", &[("x-request-id", "desk-3.17")]), "desk-3.17");
    let ours = get("/planted/path", &[("x-request-id", "two words"), ("x-terminal", "planted")]);
    get("/health", &[]);
    terminal.send(SIGN_IN, "{\"planted\":1}");
    let written = centre.written(3);
    let lines: Vec<Value> = written.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let said = |line: &Value| {
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        assert_eq!(text("edge"), "terminals");
        assert!(line["micros"].as_u64().is_some_and(|micros| micros > 0) && text("timestamp").ends_with('Z'), "{line}");
        (text("request"), text("method"), text("route"), line["status"].as_u64(), text("code"))
    };
    let expected = |request: &str, method: &str, route: &str, status, code: &str| {
        (request.to_owned(), method.to_owned(), route.to_owned(), Some(status), code.to_owned())
    };
    assert_eq!(said(&lines[0]), expected("desk-3.17", "GET", "/receipt/{code}", 404, ""));
    assert_eq!(said(&lines[1]), expected(&ours, "GET", "none", 404, "PATH_UNKNOWN"));
    assert_eq!(said(&lines[2]).2, SIGN_IN, "nothing of monitoring");
    assert_eq!((&*said(&lines[2]).1, said(&lines[2]).3, &*said(&lines[2]).4), ("POST", Some(400), "MESSAGE_MALFORMED"));
    assert!(!written.concat().to_lowercase().contains("planted"), "{written:?}");
    assert!(!written.concat().contains(&terminal.number.to_string()), "{written:?}");
}

#[test]
fn a_server_whose_lines_cannot_be_written_answers_and_says_so() {
    let mut centre = Centre::with_cards(1);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full disk");
    centre.serve_unheard(full.into());
    let mut terminal = centre.terminal(1);
    let get = |path: &str| {
        let (status, body) = request(centre.port(), "GET", path, &[], b"");
        (status, String::from_utf8(body).expect("text"))
    };
    assert_eq!(get("/receipt/a").0, 404);
    let text = terminal.numbered(signed_in(&terminal));
    assert_eq!(terminal.send(SIGN_IN, &text).0, 200, "the act and its answer");
    // They are written, and lost, beside the answers.
    let ready = loop {
        let ready: Value = serde_json::from_str(&get("/ready").1).expect("JSON");
        if ready["log_lines_lost"].as_u64() >= Some(2) {
            break ready;
        }
    };
    assert_eq!((ready["status"].as_str(), ready["log_lines_lost"].as_u64()), (Some("ready"), Some(2)), "{ready}");
    let metrics = get("/metrics").1;
    assert!(metrics.contains("issuer_log_lines_lost 2\n"), "{metrics}");
}

#[test]
fn a_server_whose_lines_nobody_reads_answers_all_the_same() {
    let mut centre = Centre::with_cards(0);
    // A pipe holds some 400 lines; its reader hangs.
    let (_reader, writer) = std::io::pipe().expect("a pipe");
    centre.serve_unheard(writer.into());
    for _ in 0..600 {
        assert_eq!(request(centre.port(), "GET", "/receipt/a", &[], b"").0, 404);
    }
    assert_eq!(request(centre.port(), "GET", "/health", &[], b"").0, 200);
}

#[test]
fn who_leaves_before_the_answer_leaves_a_line() {
    use std::io::{Read, Write};

    let mut centre = Centre::with_cards(0);
    centre.serve();
    let mut line = std::net::TcpStream::connect(("127.0.0.1", centre.port())).expect("a connection");
    let head = "513301198501010011-WANG /receipt/PLANTED HTTP/1.1\r\nhost: x\r\n\r\n";
    line.write_all(head.as_bytes()).expect("sent");
    centre.written(1);
    // An act that is begun and waits for the database, while its peer goes away.
    let mut terminal = centre.terminal(1);
    let body = terminal.numbered(signed_in(&terminal));
    let signature = terminal.key.sign_request("POST", SIGN_IN, body.as_bytes());
    let held = crate::hold::hold(&centre.data());
    let head = format!(
        "POST {SIGN_IN} HTTP/1.1\r\nhost: localhost\r\nx-request-id: desk-9\r\nx-terminal: {}\r\nx-signature: {signature}\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        terminal.number,
        body.len()
    );
    let mut late = std::net::TcpStream::connect(("127.0.0.1", centre.port())).expect("a connection");
    late.write_all(head.as_bytes()).expect("sent");
    let mut begun = [0; 12];
    late.read_exact(&mut begun).expect("an answer to the head");
    assert_eq!(&begun, b"HTTP/1.1 100");
    late.write_all(body.as_bytes()).expect("sent");
    drop(late);
    let written = centre.written(2);
    let lines: Vec<Value> = written.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let left = lines.iter().find(|line| line["request"] == "desk-9").expect("a line");
    let method = |line: &Value| line["method"].as_str().expect("a word").to_owned();
    assert!(lines.iter().any(|line| method(line) == "OTHER"), "{lines:?}");
    assert_eq!((&left["route"], &left["code"]), (&SIGN_IN.into(), &"PEER_LEFT".into()), "{left}");
    assert_eq!(left["status"], Value::Null, "nothing was answered");
    held.free();
    assert!(!written.concat().contains("WANG") && !written.concat().contains("PLANTED"), "{written:?}");
}
