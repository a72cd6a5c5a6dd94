//! A centre with its operators' door on a free port of this machine, and operators who come in.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use issuer_service::centre::Centre;
use issuer_service::http;
use issuer_service::http::connection::Limits;
use issuer_service::http::operators::{self, OperatorDesk};
use issuer_service::operator::Role;
use issuer_service::operator::login::{self, totp};
use issuer_service::vault::data_keys::DataKeys;
use serde_json::Value;

use crate::ask::ask;
use crate::base32::base32;
use crate::fresh::fresh;

/// What everybody's password begins with; invented.
const PASSWORD: &str = "a long invented word";

pub(crate) struct Office {
    folder: tempfile::TempDir,
    pub(crate) centre: Centre,
    keys: Arc<DataKeys>,
    port: u16,
    runtime: tokio::runtime::Runtime,
}

/// An operator with a second factor.
pub(crate) struct Clerk {
    pub(crate) name: String,
    pub(crate) secret: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
    pub(crate) text: String,
}

/// Somebody who is in: the cookie and the token of a session.
#[derive(Clone, Debug)]
pub(crate) struct In {
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

impl Told {
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl In {
    /// Whom a login let in.
    pub(crate) fn of(told: &Told) -> Self {
        assert_eq!(told.status, 200, "{told:?}");
        let line = told.head.lines().find(|line| line.to_lowercase().starts_with("set-cookie: ")).expect("a cookie");
        let cookie = line["set-cookie: ".len()..].split(';').next().expect("a value").to_owned();
        Self { cookie, csrf: told.body["csrf"].as_str().expect("a token").to_owned() }
    }
}

/// The secret of a second factor, out of its address.
pub(crate) fn secret_of(address: &str) -> Vec<u8> {
    let (_, rest) = address.split_once("secret=").expect("a secret");
    base32(rest.split('&').next().expect("the secret"))
}

impl Clerk {
    /// A code that was not taken yet, `steps` from now.
    pub(crate) fn code(&self, steps: i64) -> String {
        totp::code(&self.secret, issuer_service::clock::seconds().saturating_add_signed(steps * 30))
    }

    pub(crate) fn password(&self) -> String {
        format!("{PASSWORD} of {}", self.name.chars().rev().collect::<String>())
    }
}

impl Office {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let data = folder.path().join("centre");
        let mut command = Command::new(env!("CARGO_BIN_EXE_issuer"));
        command.args(["--data"]).arg(&data).arg("init").stdin(Stdio::null());
        if let Some(url) = fresh() {
            command.args(["--database", &url]);
        }
        assert!(command.output().expect("the program starts").status.success());
        let mut centre = Centre::open(&data).expect("a centre");
        let passphrase = std::fs::read_to_string(data.join("rehearsal.passphrase")).expect("passphrase");
        let path = centre.data_keys_path();
        if !path.exists() {
            DataKeys::random().expect("keys").seal_file(&path, passphrase.trim_end()).expect("sealed");
        }
        let keys = Arc::new(DataKeys::open(&path, passphrase.trim_end()).expect("keys"));
        centre.store.unlock(keys.clone()).expect("unlocked");
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
        let mut office = Self { folder, centre, keys, port: 0, runtime };
        office.port = office.another_door();
        office
    }

    /// The port of one more server of the same centre.
    pub(crate) fn another_door(&self) -> u16 {
        let connect = || {
            let mut store = self.centre.connect().expect("store");
            store.unlock(self.keys.clone()).expect("unlocked");
            store
        };
        let desk = OperatorDesk::new([connect(), connect()], self.centre.config.clone(), false);
        let lookers = (0..operators::LOOKERS).map(|_| connect()).collect();
        let desk = Arc::new(desk.with_lookers(lookers).in_folder(&self.centre));
        self.runtime.block_on(async {
            let listener = http::listen("127.0.0.1:0".parse().expect("address")).await.expect("listener");
            let port = listener.local_addr().expect("address").port();
            tokio::spawn(operators::serve_here(desk, listener, Limits::of_people(), std::future::pending()));
            port
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("centre")
    }

    pub(crate) fn ask(&self, sql: &str) -> Vec<Vec<String>> {
        ask(&self.data(), sql).expect("asked")
    }

    /// An operator with these roles, a password and a second factor.
    pub(crate) fn clerk(&mut self, name: &str, roles: &[Role]) -> Clerk {
        let mut clerk = Clerk { name: name.to_owned(), secret: Vec::new() };
        let store = &mut self.centre.store;
        let register = |tx: &issuer_service::store::Tx<'_>| tx.register(name, roles).map(drop);
        store.journal(register).expect("registered");
        let by = store.read(|tx| tx.holders(Role::Manage)).expect("managers").first().cloned();
        login::reset(store, by.as_deref(), "local:test", name, PASSWORD).expect("initial");
        login::change_password(store, name, PASSWORD, &clerk.password()).expect("own");
        let address = login::change_totp(store, (name, &clerk.password()), "", "issuer-513300").expect("factor");
        clerk.secret = secret_of(&address);
        clerk
    }

    pub(crate) fn log_in(&self, clerk: &Clerk, password: &str, code: &str) -> Told {
        let body = serde_json::json!({ "operator": clerk.name, "password": password, "code": code });
        self.send("POST", "/api/v1/session", &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    pub(crate) fn enter(&self, clerk: &Clerk) -> In {
        let told = self.log_in(clerk, &clerk.password(), &clerk.code(0));
        In::of(&told)
    }

    /// A clerk of one role who is in.
    pub(crate) fn with(&mut self, name: &str, roles: &[Role]) -> In {
        let clerk = self.clerk(name, roles);
        self.enter(&clerk)
    }

    pub(crate) fn get(&self, who: &In, path: &str) -> Told {
        self.send("GET", path, &[("cookie", &who.cookie)], b"")
    }

    pub(crate) fn post(&self, who: &In, path: &str, body: &Value) -> Told {
        self.keyed(who, path, body, &[])
    }

    pub(crate) fn keyed(&self, who: &In, path: &str, body: &Value, more: &[(&str, &str)]) -> Told {
        let own = [("cookie", who.cookie.as_str()), ("x-csrf-token", &who.csrf), ("content-type", "application/json")];
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.send("POST", path, &[&own[..], more].concat(), text.as_bytes())
    }

    /// One HTTP/1.1 request on its own connection.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Told {
        Self::send_to(self.port, method, path, headers, body)
    }

    /// The same to another server.
    pub(crate) fn send_to(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Told {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connects");
        let length = body.len();
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nhost: centre\r\nconnection: close\r\ncontent-length: {length}\r\n");
        headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        stream.write_all(format!("{head}\r\n").as_bytes()).expect("head");
        // A body that is not wanted may be refused before it has all come.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {method} {path}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Told {
            status,
            head: head.to_owned(),
            body: serde_json::from_str(body).unwrap_or(Value::Null),
            text: body.to_owned(),
        }
    }

    /// The status of the answer to a head whose body does not come.
    pub(crate) fn send_head(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("connects");
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: centre\r\nconnection: close\r\n");
        headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        stream.write_all(format!("{head}\r\n").as_bytes()).expect("head");
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).expect("a status");
        String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
    }

    /// The program at this centre, by an operator with a password.
    pub(crate) fn run(&self, clerk: &Clerk, password: Option<&str>, words: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_issuer"));
        command.args(["--lang", "en", "--format", "json", "--data"]).arg(self.data());
        command.args(["--operator", &clerk.name]).args(words).stdin(Stdio::null());
        if let Some(password) = password {
            command.args(["--password", "env:OWN_WORD"]).env("OWN_WORD", password);
        }
        let output = command.output().expect("the program starts");
        let told = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&told).into_owned())
    }
}
