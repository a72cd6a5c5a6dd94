//! Requests a second over the operators' API, against a bare handler that runs the same statements on the same file.
//!
//! Source: the statements of a session, an operator, a request and an audit record in `issuer-service/src/store`.
//! Owns: both servers in this process, the clients: some connections that stay open, each with one request under way.
//! *Read*: one request for a card, by number. *Write*: one taken down for a person, with its audit record; the bare handler runs every
//! statement of the centre's act and commits each durably, into an audit table of its own. *Anchored*: the bare handler makes a line of
//! a file durable before its commit, as the centre must for every act (docs/adr/0023). *One after the other*: a single connection, on
//! which no two acts can share a commit (docs/adr/0079): what is left there is ours.
//! Never: counts logging in, people or the making of connections.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path as Part, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use issuer_service::clock;
use issuer_service::http;
use issuer_service::http::connection::Limits;
use issuer_service::http::operators::{self, LOOKERS, OperatorDesk};
use issuer_service::operator::Role;
use issuer_service::operator::login;
use issuer_service::store::{self, StoreError};
use ring::digest::{SHA256, digest};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::centre::Place;
use crate::measure::{Aim, Row, alternate, timed};
use crate::people;

/// Connections at once, each an operator's.
const CLIENTS: usize = 4;
/// Operators, who take turns block by block: one operator may ask so often only.
const OPERATORS: usize = 4 * CLIENTS;
/// Requests of a block, over all connections.
const READS: u32 = 2_000;
const WRITES: u32 = 200;
/// Blocks.
const BLOCKS: usize = 5;
/// The bound.
const AIM: Aim = Aim::AtLeast(0.8);

/// The rows.
///
/// # Panics
/// When a request is refused: then nothing is worth measuring.
#[must_use]
pub fn measure() -> Vec<Row> {
    let bench = Bench::new();
    let read = |port: u16, rounds| {
        bench.block(port, CLIENTS, rounds, |_| ("GET", "/api/v1/credential-requests/1".to_owned(), String::new()))
    };
    let next = AtomicI64::new(2);
    let write_at_once = |port: u16, clients, rounds| {
        bench.block(port, clients, rounds, |_| {
            let person = next.fetch_add(1, Ordering::Relaxed);
            let body = json!({ "personId": person, "kind": "first" });
            ("POST", "/api/v1/credential-requests".to_owned(), body.to_string())
        })
    };
    let write = |port: u16, rounds| write_at_once(port, CLIENTS, rounds);
    let alone = |port: u16, rounds| write_at_once(port, 1, rounds);
    let row = |what: &str, (ours, bare): (f64, f64), aim, note: &str| {
        Row::new(what, "1/s", 1.0 / ours, 1.0 / bare, aim, note)
    };
    let Ports { ours, bare, anchored } = bench.ports;
    vec![
        row(
            "API: requests read",
            alternate(BLOCKS, READS, |rounds| read(ours, rounds), |rounds| read(bare, rounds)),
            AIM,
            "bare: session, operator, roles and row by the same statements, one handler",
        ),
        row(
            "API: requests taken down",
            alternate(BLOCKS, WRITES, |rounds| write(ours, rounds), |rounds| write(bare, rounds)),
            AIM,
            "bare: the same statements, each act in a durable commit; no anchor of the log",
        ),
        row(
            "API: requests taken down, anchored",
            alternate(BLOCKS, WRITES, |rounds| write(ours, rounds), |rounds| write(anchored, rounds)),
            Aim::None,
            "bare: the same, and a line of a file made durable before each commit",
        ),
        row(
            "API: requests taken down one after the other, anchored",
            alternate(BLOCKS, WRITES, |rounds| alone(ours, rounds), |rounds| alone(anchored, rounds)),
            Aim::None,
            "bare: the same; one connection, no commit is shared",
        ),
    ]
}

struct Ports {
    ours: u16,
    bare: u16,
    anchored: u16,
}

struct Bench {
    ports: Ports,
    tokens: Vec<String>,
    /// Whose turn it is.
    turn: AtomicUsize,
    /// Dropped before what it serves: databases are not closed in async code.
    _runtime: Runtime,
    _desk: Arc<OperatorDesk>,
    _bare: [Arc<Bare>; 2],
    _place: Place,
}

impl Bench {
    fn new() -> Self {
        let mut place = Place::new();
        let count = WRITES * (u32::try_from(BLOCKS).expect("few") + 1) * 6 + 2;
        let file = place.path("people.csv");
        std::fs::write(&file, people::csv(0, count)).expect("written");
        place.import(&file, count);
        let store::Place::File(path) = place.centre.place().expect("a file") else { panic!("a file") };
        let tokens = place.sessions(&path);
        issuer_service::request::make(
            &mut place.centre.store,
            1,
            issuer_service::request::Kind::First,
            false,
            Some("clerk-0"),
        )
        .expect("a request to read");
        let connect = || {
            let mut store = place.centre.connect().expect("a connection");
            store.unlock(Arc::clone(&place.data_keys)).expect("the keys of the place");
            store
        };
        let desk = OperatorDesk::new([connect(), connect()], place.centre.config.clone(), false);
        let desk = Arc::new(desk.with_lookers((0..LOOKERS).map(|_| connect()).collect()));
        let bare = [Bare::new(&path, None), Bare::new(&path, Some(place.path("bare.anchor")))].map(Arc::new);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let listen = || {
            let listener = runtime.block_on(http::listen("127.0.0.1:0".parse().expect("an address"))).expect("a port");
            (listener.local_addr().expect("an address").port(), listener)
        };
        let (ours, listener) = listen();
        runtime.spawn(operators::serve_here(Arc::clone(&desk), listener, Limits::of_people(), std::future::pending()));
        let [bare_port, anchored] = [&bare[0], &bare[1]].map(|bare| {
            let (port, listener) = listen();
            runtime.spawn(serve(Arc::clone(bare), listener));
            port
        });
        let ports = Ports { ours, bare: bare_port, anchored };
        Self { ports, tokens, turn: AtomicUsize::new(0), _runtime: runtime, _desk: desk, _bare: bare, _place: place }
    }

    /// Asks so often over all connections at once.
    fn block(
        &self,
        port: u16,
        clients: usize,
        rounds: u32,
        request: impl Fn(u32) -> (&'static str, String, String) + Sync,
    ) -> Duration {
        let first = self.turn.fetch_add(clients, Ordering::Relaxed) % OPERATORS;
        let turns = self.tokens.iter().cycle().skip(first).take(clients);
        let mut connections: Vec<Client> = turns.map(|token| Client::new(port, token)).collect();
        let clients = u32::try_from(clients).expect("few");
        timed(|| {
            std::thread::scope(|scope| {
                for client in &mut connections {
                    let request = &request;
                    scope.spawn(move || {
                        for round in 0..rounds / clients {
                            let (method, path, body) = request(round);
                            client.ask(method, &path, &body);
                        }
                    });
                }
            });
        })
    }
}

impl Place {
    /// A session for each operator; tokens.
    fn sessions(&mut self, path: &Path) -> Vec<String> {
        let names: Vec<String> = (0..OPERATORS).map(|number| format!("clerk-{number}")).collect();
        let add = |tx: &store::Tx<'_>| -> Result<(), StoreError> {
            names.iter().try_for_each(|name| tx.add_operator(name, &[Role::Capture]))
        };
        self.centre.store.journal(add).expect("operators");
        let database = open(path);
        let now = i64::try_from(clock::seconds()).expect("a time");
        let begin = |name: &String| {
            let token = hex::encode(digest(&SHA256, name.as_bytes()));
            let sql = "INSERT INTO session (token, operator, began_at, seen_at) VALUES (?1, ?2, ?3, ?3)";
            database.execute(sql, params![hashed(&token), name, now]).expect("a session");
            token
        };
        names.iter().map(begin).collect()
    }
}

fn hashed(token: &str) -> String {
    hex::encode(digest(&SHA256, token.as_bytes()))
}

fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("the database");
    connection.busy_timeout(Duration::from_secs(5)).expect("a setting");
    connection.pragma_update(None, "synchronous", "FULL").expect("a setting");
    connection.pragma_update(None, "foreign_keys", "ON").expect("a setting");
    connection.pragma_update(None, "secure_delete", "ON").expect("a setting");
    connection.set_prepared_statement_cache_capacity(64);
    connection
}

/// One connection that stays open.
struct Client {
    stream: BufReader<TcpStream>,
    headers: String,
}

impl Client {
    fn new(port: u16, token: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("connects");
        stream.set_nodelay(true).expect("a setting");
        let csrf = login::csrf(token);
        let headers = format!(
            "host: centre\r\ncookie: issuer={token}\r\nx-csrf-token: {csrf}\r\ncontent-type: application/json\r\n"
        );
        Self { stream: BufReader::new(stream), headers }
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) {
        let (headers, length) = (&self.headers, body.len());
        let text = format!("{method} {path} HTTP/1.1\r\n{headers}content-length: {length}\r\n\r\n{body}");
        self.stream.get_mut().write_all(text.as_bytes()).expect("sent");
        let (mut line, mut head, mut length) = (String::new(), String::new(), 0_u64);
        while line != "\r\n" {
            line.clear();
            assert!(self.stream.read_line(&mut line).expect("an answer") > 0, "closed behind {head}");
            head.push_str(&line);
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut body = String::new();
        (&mut self.stream).take(length).read_to_string(&mut body).expect("a body");
        assert!(head.starts_with("HTTP/1.1 20"), "{method} {path}: {head}{body}");
    }
}

/// What a handler needs that does nothing but this.
struct Bare {
    lookers: Vec<Mutex<Connection>>,
    writer: Mutex<Connection>,
    anchor: Option<Mutex<File>>,
    turn: AtomicUsize,
}

/// What is asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    person_id: i64,
    kind: String,
}

impl Bare {
    fn new(path: &Path, anchor: Option<PathBuf>) -> Self {
        let anchor = anchor.map(|path| {
            Mutex::new(OpenOptions::new().create(true).append(true).open(path).expect("a file for the anchor"))
        });
        let writer = open(path);
        let table = "CREATE TABLE IF NOT EXISTS bare_audit (sequence BIGINT PRIMARY KEY, recorded_at TEXT NOT NULL, actor TEXT NOT NULL,
            act TEXT NOT NULL, object TEXT NOT NULL, detail TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL)";
        writer.execute(table, ()).expect("a table");
        let lookers = (0..LOOKERS).map(|_| Mutex::new(open(path))).collect();
        Self { lookers, writer: Mutex::new(writer), anchor, turn: AtomicUsize::new(0) }
    }

    fn looker(&self) -> &Mutex<Connection> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.lookers.get(turn % LOOKERS).expect("one of them")
    }
}

async fn serve(bare: Arc<Bare>, listener: TcpListener) {
    let router = Router::new()
        .route("/api/v1/credential-requests/{number}", get(read))
        .route("/api/v1/credential-requests", post(write))
        .with_state(bare);
    axum::serve(listener, router).await.expect("serves");
}

fn token(headers: &HeaderMap) -> String {
    let cookie = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).expect("a cookie");
    cookie.strip_prefix("issuer=").expect("a session").to_owned()
}

/// Who asks, with the roles.
fn entered(database: &Connection, token: &str) -> (String, Vec<String>) {
    let mut find =
        database.prepare_cached("SELECT operator, began_at, seen_at FROM session WHERE token = ?1").expect("sql");
    let (name, began, seen): (String, i64, i64) =
        find.query_row([hashed(token)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("a session");
    assert!(began > 0 && seen > 0);
    let roles = roles(database, &name);
    (name, roles)
}

/// Roles of an active operator.
fn roles(database: &Connection, name: &str) -> Vec<String> {
    let mut find =
        database.prepare_cached("SELECT name FROM operator WHERE name = ?1 AND state = 'active'").expect("sql");
    assert!(find.exists([name]).expect("an operator"));
    let mut find =
        database.prepare_cached("SELECT role FROM operator_role WHERE operator = ?1 ORDER BY role").expect("sql");
    find.query_map([name], |row| row.get(0)).expect("roles").collect::<Result<_, _>>().expect("roles")
}

/// Facts that an act looks at: how far the clock may stand, the anchor, the floor of its numbers.
fn facts(database: &Connection, names: &[&str]) {
    for name in names {
        let mut find = database.prepare_cached("SELECT value FROM centre WHERE name = ?1").expect("sql");
        let _: Option<String> = find.query_row([name], |row| row.get(0)).optional().expect("a fact");
    }
}

/// A row, of which nothing is made.
fn looked(database: &Connection, sql: &str, of: impl rusqlite::Params) {
    let mut find = database.prepare_cached(sql).expect("sql");
    let mut rows = find.query(of).expect("rows");
    assert!(rows.next().expect("read").is_none_or(|row| row.get_ref(0).is_ok()));
}

const REQUEST: &str = "SELECT r.number, r.person, r.kind, r.instant, r.state,
    (SELECT c.card_number FROM card c WHERE c.chip = r.old_chip), r.job, r.maker, r.made_at FROM card_request r WHERE r.number = ?1";

async fn read(State(bare): State<Arc<Bare>>, Part(number): Part<i64>, headers: HeaderMap) -> Json<Value> {
    let look = move || {
        let database = bare.looker().lock().expect("a connection");
        let tx = database.unchecked_transaction().expect("a snapshot");
        let (name, roles) = entered(&tx, &token(&headers));
        assert!(!name.is_empty() && !roles.is_empty());
        let mut find = tx.prepare_cached(REQUEST).expect("sql");
        let read = find.query_row([number], |row| {
            Ok(json!({
                "number": row.get::<_, i64>(0)?, "person": row.get::<_, i64>(1)?, "kind": row.get::<_, String>(2)?,
                "instant": row.get::<_, i64>(3)? == 1, "state": row.get::<_, String>(4)?, "old_card": row.get::<_, Option<String>>(5)?,
                "job": row.get::<_, Option<i64>>(6)?, "maker": row.get::<_, String>(7)?, "made_at": row.get::<_, String>(8)?,
            }))
        });
        read.expect("a request")
    };
    Json(tokio::task::spawn_blocking(look).await.expect("looked"))
}

async fn write(
    State(bare): State<Arc<Bare>>,
    headers: HeaderMap,
    Json(asked): Json<Asked>,
) -> (StatusCode, Json<Value>) {
    let act = move || {
        // Who sends it is asked before its body is read, and once more where it is carried out.
        entered(&bare.looker().lock().expect("a connection"), &token(&headers));
        let mut database = bare.writer.lock().expect("a connection");
        let (maker, _) = entered(&database, &token(&headers));
        let tx = database.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).expect("alone");
        let last = "SELECT sequence, recorded_at, hash FROM bare_audit ORDER BY sequence DESC LIMIT 1";
        looked(&tx, last, ());
        facts(&tx, &["clock_mark", "clock_ticks"]);
        looked(&tx, last, ());
        assert!(!roles(&tx, &maker).is_empty());
        let person = asked.person_id;
        for check in [
            "SELECT 1 FROM person WHERE id = ?1 AND no_card = ''",
            "SELECT 1 FROM person p WHERE p.id = ?1 AND NOT EXISTS (SELECT 1 FROM person_death d WHERE d.person = p.id)
             AND NOT EXISTS (SELECT 1 FROM card c WHERE c.person = p.id)",
            "SELECT 1 FROM person p WHERE p.id = ?1 AND NOT EXISTS
             (SELECT 1 FROM job j WHERE j.person = p.id AND j.state IN ('requested', 'waiting', 'writing'))",
        ] {
            assert!(tx.prepare_cached(check).expect("sql").exists([person]).expect("a person"));
        }
        facts(&tx, &["floor.card_request"]);
        let next = "SELECT COALESCE(MAX(number), 0) + 1 FROM card_request";
        let number: i64 = tx.prepare_cached(next).expect("sql").query_row((), |row| row.get(0)).expect("a number");
        let add =
            "INSERT INTO card_request (number, person, kind, instant, state, old_chip, maker, made_at, changed_at)
                   VALUES (?1, ?2, ?3, 0, 'open', NULL, ?4, ?5, ?5)";
        let now = clock::now();
        tx.prepare_cached(add).expect("sql").execute(params![number, person, asked.kind, maker, now]).expect("added");
        looked(&tx, REQUEST, [number]);
        looked(&tx, REQUEST, [number]);
        looked(&tx, "SELECT * FROM person WHERE id = ?1", [person]);
        facts(&tx, &["audit_anchor", "clock_mark"]);
        let head = "SELECT sequence, hash FROM bare_audit ORDER BY sequence DESC LIMIT 1";
        let head: Option<(i64, String)> = tx
            .prepare_cached(head)
            .expect("sql")
            .query_row((), |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .expect("a head");
        let (last, previous) = head.unwrap_or_default();
        let object = format!("request {number}");
        let hash = hex::encode_upper(digest(&SHA256, format!("{previous}{last}{now}{maker}{object}").as_bytes()));
        let record = "INSERT INTO bare_audit (sequence, recorded_at, actor, act, object, detail, previous, hash)
                      VALUES (?1, ?2, ?3, 'request.make', ?4, 'first', ?5, ?6)";
        tx.prepare_cached(record)
            .expect("sql")
            .execute(params![last + 1, now, maker, object, previous, hash])
            .expect("recorded");
        assert!(!roles(&tx, &maker).is_empty());
        if let Some(anchor) = &bare.anchor {
            let mut anchor = anchor.lock().expect("the file");
            anchor.write_all(format!("intend {} {hash}\n", last + 1).as_bytes()).expect("written");
            anchor.sync_data().expect("durable");
        }
        tx.commit().expect("durable");
        json!({ "status": "created", "object": object })
    };
    (StatusCode::CREATED, Json(tokio::task::spawn_blocking(act).await.expect("done")))
}
