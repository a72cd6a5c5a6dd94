//! The door over TLS, as the program opens it: people without a certificate, programs with one.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use issuer_service::operator::Role;
use issuer_service::peer::{self, Kind, Wanted};
use issuer_service::vault::authority::{self, Asked, Authority};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use crate::office::Office;

/// `issuer serve`; ended with the test.
pub(crate) struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        // Already gone where it could not begin.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn serve(office: &Office, more: &[&str]) -> (Served, u16) {
    let file = office.data().join("door");
    let mut child = Command::new(env!("CARGO_BIN_EXE_issuer"))
        .args(["--lang", "en", "--data"])
        .arg(office.data())
        .args(["serve", "--listen", "127.0.0.1:0", "--operators", "127.0.0.1:0", "--operators-port-file"])
        .arg(&file)
        .args(more)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let told = lines.find_map(|line| line.ok().filter(|line| line.contains("for operators: ")));
    let served = Served(child);
    let scheme = if more.contains(&"--operators-plain") { "http" } else { "https" };
    assert!(told.is_some_and(|line| line.contains(&format!("{scheme}://127.0.0.1:"))));
    let port = std::fs::read_to_string(file).expect("port file").trim().parse().expect("a port");
    // Nobody reads what it says from here on, and it goes on.
    std::thread::spawn(move || lines.for_each(drop));
    (served, port)
}

pub(crate) fn agent(authority: &Authority, own: Option<(&str, &str)>) -> Agent {
    let roots = Certificate::from_der(authority.certificate()).to_owned();
    let own = own.map(|(chain, key)| {
        let certificate = Certificate::from_pem(chain.as_bytes()).expect("a certificate").to_owned();
        ClientCert::new_with_certs(&[certificate], PrivateKey::from_pem(key.as_bytes()).expect("a key"))
    });
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&[roots]))
        .client_cert(own)
        .build();
    let config = Agent::config_builder().tls_config(tls).https_only(true).proxy(None).http_status_as_error(false);
    config.build().into()
}

fn told(sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> (u16, String, Value) {
    let mut response = sent.expect("an answer");
    let strict = response.headers().get("strict-transport-security").map(ureq::http::HeaderValue::as_bytes);
    assert_eq!(strict, Some(&b"max-age=31536000"[..]), "every answer over TLS");
    let cookie =
        response.headers().get("set-cookie").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let text = response.body_mut().read_to_string().expect("text");
    (response.status().as_u16(), cookie, serde_json::from_str(&text).expect("JSON"))
}

#[test]
fn a_program_with_a_certificate_does_what_its_operator_may_until_it_is_revoked() {
    let mut office = Office::new();
    let li = office.clerk("li", &[Role::Audit]);
    let store = &mut office.centre.store;
    for (name, role) in [("head", Role::Manage), ("zhou", Role::Keys), ("hr", Role::Capture), ("sun", Role::Station)] {
        store.journal(|tx| tx.register(name, &[role]).map(drop)).expect("registered");
    }
    let authority = Authority::random("513300").expect("authority");
    let passphrase = std::fs::read_to_string(office.data().join("rehearsal.passphrase")).expect("passphrase");
    authority.seal_file(&office.centre.authority_path(), passphrase.trim_end()).expect("sealed");
    let store = &mut office.centre.store;
    let mut made = |kind: Kind, name: &str, maker: &str| {
        let (key, request) = authority::request(name).expect("request");
        peer::enrol_as(store, (kind, name), &request, Some(maker)).expect("enrolled");
        let fingerprint = Asked::read(&request).expect("a request").public_key();
        let wanted = Wanted { kind, name, key: &fingerprint, days: 30 };
        let (_, chain) = peer::certify(store, &authority, &wanted, Some("zhou")).expect("certified");
        (chain, key.to_string())
    };
    let (hr, station) = (made(Kind::Client, "hr", "head"), made(Kind::Station, "hr", "sun"));
    let (_, request) = authority::request("x").expect("request");
    let unknown = peer::enrol_as(store, (Kind::Client, "nobody"), &request, Some("head"));
    assert!(unknown.is_err(), "a program asks for an operator that there is");
    assert!(peer::enrol_as(store, (Kind::Client, "hr"), &request, Some("sun")).is_err(), "who manages enrols");
    // Beside the stations' door.
    let (served, port) = serve(&office, &["--tls", "127.0.0.1:0"]);
    let at = |path: &str| format!("https://127.0.0.1:{port}/api/v1{path}");
    let (program, other, person) = (
        agent(&authority, Some((&hr.0, &hr.1))),
        agent(&authority, Some((&station.0, &station.1))),
        agent(&authority, None),
    );
    let (status, _, who) = told(program.get(at("/session")).call());
    assert_eq!((status, &who["operator"], &who["csrf"]), (200, &json!("hr"), &Value::Null));
    let body = json!({ "number": "513301199001010013", "name": "扎西" }).to_string();
    let sent = program.post(at("/people")).header("content-type", "application/json").send(&body);
    assert_eq!(told(sent).0, 201, "no page can use its certificate: it needs no token");
    assert_eq!(told(program.get(at("/audit")).call()).2["code"], "OPERATOR_ROLE_MISSING");
    assert_eq!(told(other.get(at("/session")).call()).2["code"], "SESSION_MISSING", "a station is no program");
    assert_eq!(told(person.get(at("/session")).call()).2["code"], "SESSION_MISSING");
    // A person comes in without one, over TLS, and gets a cookie that no plain connection carries.
    let login = json!({ "operator": "li", "password": li.password(), "code": li.code(0) }).to_string();
    let sent = person.post(at("/session")).header("content-type", "application/json").send(&login);
    let (status, cookie, _) = told(sent);
    assert!(status == 200 && cookie.starts_with("__Host-issuer=") && cookie.contains("; Secure"), "{status} {cookie}");
    let cookie = cookie.split(';').next().expect("a value").to_owned();
    assert_eq!(told(person.get(at("/audit?limit=1")).header("cookie", &cookie).call()).0, 200);
    peer::revoke_as(&mut office.centre.store, (Kind::Client, "hr"), "stolen", Some("head")).expect("revoked");
    let (status, _, problem) = told(program.get(at("/session")).call());
    assert_eq!((status, &problem["code"]), (401, &json!("SESSION_MISSING")), "also over a connection that is open");
    assert_eq!(told(person.get(at("/session")).header("cookie", &cookie).call()).0, 200);
    drop(served);
    let acts = office.ask("SELECT actor FROM audit WHERE act = 'person.upsert'");
    assert_eq!(acts, [["hr"]]);
}

#[test]
fn public_texts_are_read_over_the_terminals_tls_by_who_has_a_certificate() {
    let mut office = Office::new();
    let store = &mut office.centre.store;
    for (name, role) in [("head", Role::Manage), ("zhou", Role::Keys), ("sun", Role::Station)] {
        store.journal(|tx| tx.register(name, &[role]).map(drop)).expect("registered");
    }
    let authority = Authority::random("513300").expect("authority");
    let passphrase = std::fs::read_to_string(office.data().join("rehearsal.passphrase")).expect("passphrase");
    authority.seal_file(&office.centre.authority_path(), passphrase.trim_end()).expect("sealed");
    let (key, request) = authority::request("S1").expect("request");
    let store = &mut office.centre.store;
    peer::enrol_as(store, (Kind::Station, "S1"), &request, Some("sun")).expect("enrolled");
    let fingerprint = Asked::read(&request).expect("a request").public_key();
    let wanted = Wanted { kind: Kind::Station, name: "S1", key: &fingerprint, days: 30 };
    let (_, chain) = peer::certify(store, &authority, &wanted, Some("zhou")).expect("certified");
    let guides = office.data().join("public/guides");
    std::fs::create_dir_all(&guides).expect("folder");
    std::fs::write(guides.join("lost.zh.txt"), "怎样挂失\n到自助终端。").expect("page");
    std::fs::write(guides.join("lost.en.txt"), "How to report a loss\nAt a kiosk.").expect("page");
    let file = office.data().join("tls-port");
    let path = file.to_str().expect("UTF-8");
    let (_served, _) = serve(&office, &["--tls", "127.0.0.1:0", "--tls-port-file", path]);
    let port: u16 = std::fs::read_to_string(&file).expect("port file").trim().parse().expect("a port");
    let ask = |agent: &Agent, lang: &str| {
        let asked = agent.get(format!("https://127.0.0.1:{port}/public/pages")).header("accept-language", lang);
        asked.call().map(|mut answer| (answer.status().as_u16(), answer.body_mut().read_to_string().expect("text")))
    };
    let known = agent(&authority, Some((&chain, &key)));
    for (lang, title) in [("zh", "怎样挂失"), ("en", "How to report a loss")] {
        let (status, pages) = ask(&known, lang).expect("an answer");
        assert!(status == 200 && pages.contains(title), "{lang}: {status} {pages}");
        let pages: Value = serde_json::from_str(&pages).expect("JSON");
        assert!(!pages["pages"].as_array().expect("pages").is_empty(), "{pages}");
    }
    assert!(ask(&agent(&authority, None), "zh").is_err(), "without a certificate nobody is let in");
}

#[test]
fn without_tls_operators_are_served_at_this_machine_alone_and_without_an_authority_not_over_tls() {
    let office = Office::new();
    let issuer = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_issuer"));
        command.args(["--lang", "en", "--data"]).arg(office.data()).arg("serve").args(words).stdin(Stdio::null());
        let output = command.output().expect("the program starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (exit, said) = issuer(&["--listen", "127.0.0.1:0", "--operators", "0.0.0.0:0", "--operators-plain"]);
    assert_eq!(exit, Some(1), "{said}");
    let (exit, said) = issuer(&["--listen", "127.0.0.1:0", "--operators", "127.0.0.1:0"]);
    assert!(exit == Some(2) && said.contains("AUTHORITY_MISSING"), "{said}");
    let (_served, _) = serve(&office, &["--operators-plain"]);
}
