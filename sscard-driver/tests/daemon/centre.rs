//! A centre of a few lines: says yes or no to sales, takes batches, notes what it was asked in which order.
//!
//! Owns: one thread that answers one connection after the other. Never: checks signatures (the product's centre does).

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use card_counter::clock::Now;
use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};
use settlement::id::Signature;
use settlement::message::{BatchRequest, Request as _};
use settlement::sale::{Consent, SaleOutcomeRequest, SaleRequest};

/// What the centre was asked, and what it says.
#[derive(Default)]
pub(crate) struct Said {
    /// Paths and bodies, in order.
    pub(crate) asked: Vec<(String, Value)>,
    /// Why it says no to sales.
    pub(crate) declines: Option<&'static str>,
    /// Whether its answers to sales are lost.
    pub(crate) silent: bool,
}

pub(crate) struct Centre {
    pub(crate) address: String,
    pub(crate) said: Arc<Mutex<Said>>,
}

impl Centre {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let said = Arc::new(Mutex::new(Said::default()));
        let shared = Arc::clone(&said);
        // The thread ends with the test's process.
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| serve(stream, &shared)));
        Self { address, said }
    }

    /// Names of what it was asked since the last look: the last part of each path.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked = std::mem::take(&mut self.said.lock().expect("no test panics with it").asked);
        asked.into_iter().map(|(path, _)| path).collect()
    }
}

fn serve(stream: TcpStream, said: &Mutex<Said>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
    let (mut path, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a header");
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().expect("a length");
            }
            _ if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let mut said = said.lock().expect("no test panics with it");
    let records = body.pointer("/batch/records").and_then(Value::as_array).map_or(0, Vec::len);
    let consent = serde_json::from_value::<SaleRequest>(body.clone()).ok().map(|asked| consent(&asked));
    said.asked.push((path.clone(), body));
    let (status, answer) = match (path.as_str(), said.declines) {
        (SaleRequest::PATH, _) if said.silent => return,
        (SaleRequest::PATH, Some(code)) => (422, json!({"code": code, "message": "", "remedy": ""})),
        (SaleRequest::PATH, None) => (200, json!({"version": 1, "status": "created", "consent": consent})),
        (SaleOutcomeRequest::PATH, _) => (200, json!({"version": 1, "status": "created"})),
        (BatchRequest::PATH, _) => (
            200,
            json!({"version": 1, "status": "created", "accepted": records, "refused": [], "next_batch_sequence": 2}),
        ),
        _ => (404, json!({"code": "PATH_UNKNOWN", "message": "", "remedy": ""})),
    };
    let answer = answer.to_string();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
    let _ = (&stream).write_all([head.as_bytes(), answer.as_bytes()].concat().as_slice());
}

/// Its signed word, with the key that the terminal trusts.
fn consent(asked: &SaleRequest) -> Consent {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed");
    let at = Now::of_system().date_time();
    Consent::sign(&asked.sale, at, |bytes| Signature(pair.sign(bytes).as_ref().try_into().expect("64 bytes")))
}
