//! Everybody at once: operators at their door, kiosks at theirs and a station with 16 readers, on one centre for minutes.
//!
//! A client is a person: it asks, reads, and asks again. How long each answer took is kept, and what the server needed of memory.
//!
//! Owns: the clients, what they ask, the figures. Never: counts an answer as good that is not one of success.
//! Units: microseconds of answers, KiB of memory.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use issuer_service::centre::Centre;
use issuer_service::operator::Role;
use issuer_service::operator::login::{self, totp};
use issuer_service::vault::data_keys::DataKeys;
use serde::Serialize;
use serde_json::{Value, json};
use settlement::signing::{SIGNATURE_HEADER, TERMINAL_HEADER, TerminalKey};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::load;

/// From an answer to the next question of an operator, and of a kiosk's holder: faster than people are (assumed).
const OPERATOR_PAUSE: Duration = Duration::from_millis(500);
const KIOSK_PAUSE: Duration = Duration::from_millis(250);
/// How long an answer may take before it counts as none.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How long server and first cards may take to be there.
const BEGIN_LIMIT: Duration = Duration::from_secs(60);
/// Memory that the server may need at most: three quarters of `MemoryMax` of its unit.
const MOST_KIB: u64 = 768 * 1_024;
/// Invented people that operators register stand behind those of the batch.
const NEWCOMERS: u64 = 2_000_000;
const NEWCOMERS_EACH: u64 = 10_000;
/// What everybody's password begins with; invented.
const PASSWORD: &str = "a long invented word";

/// Who comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Crowd {
    /// Operators' clients.
    pub operators: usize,
    /// Kiosks.
    pub kiosks: usize,
    /// Seconds.
    pub seconds: u64,
}

/// Answers to one kind of client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Answers {
    /// How many.
    pub count: u64,
    /// How many were none, or none of success.
    pub errors: u64,
    /// The first of those.
    pub first_errors: Vec<String>,
    /// Half of the answers took no longer.
    pub p50_us: u64,
    /// Ninety-nine of a hundred took no longer.
    pub p99_us: u64,
    /// The longest.
    pub most_us: u64,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Who came.
    pub crowd: Crowd,
    /// To operators.
    pub operators: Answers,
    /// To kiosks.
    pub kiosks: Answers,
    /// Memory of the server before anybody asked, and its high-water mark.
    pub first_kib: u64,
    /// At most.
    pub most_kib: u64,
    /// The station beside them.
    pub station: load::Figures,
}

impl Figures {
    /// Whether everybody was answered every time, cards were made meanwhile, and memory stayed within bounds.
    #[must_use]
    pub fn holds(&self) -> bool {
        let answered = |answers: &Answers| answers.errors == 0 && answers.count > 0;
        answered(&self.operators) && answered(&self.kiosks) && self.station.holds() && self.most_kib < MOST_KIB
    }
}

/// Lets everybody come at once to a new centre in a new folder.
///
/// # Errors
/// [`Failure`].
pub fn run(folder: &Path, crowd: Crowd, told: impl FnMut(u64, u64)) -> Result<Figures, Failure> {
    let (station, visit) =
        load::run_beside(folder, crowd.seconds, told, |issuer, folder| visit(issuer, folder, crowd))?;
    let Visit { operators, kiosks, first_kib, most_kib } = visit;
    Ok(Figures { crowd, operators, kiosks, first_kib, most_kib, station })
}

struct Visit {
    operators: Answers,
    kiosks: Answers,
    first_kib: u64,
    most_kib: u64,
}

/// The server, ended with the run.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already needs no more.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn visit(issuer: &Path, folder: &Path, crowd: Crowd) -> Result<Visit, Failure> {
    let keys: Vec<TerminalKey> = (0..crowd.kiosks).map(key).collect();
    enrol(issuer, folder, &keys)?;
    let secrets = operators(&folder.join("centre"), crowd.operators)?;
    let (server, terminals_port, operators_port) = serve(issuer, folder)?;
    let cards = cards(issuer, folder, crowd.kiosks)?;
    let first_kib = memory_kib(server.0.id(), "VmRSS:").unwrap_or_default();
    // From here on: how long the centre takes to be made is nobody's visit.
    let until = Instant::now() + Duration::from_secs(crowd.seconds);
    let (operators, kiosks) = std::thread::scope(|scope| {
        let clerks: Vec<_> = secrets
            .iter()
            .enumerate()
            .map(|(number, secret)| scope.spawn(move || clerk(operators_port, number, secret, until)))
            .collect();
        let kiosks: Vec<_> = keys
            .iter()
            .zip(&cards)
            .enumerate()
            .map(|(number, (key, card))| scope.spawn(move || kiosk(terminals_port, number, key, card, until)))
            .collect();
        let joined = |threads: Vec<std::thread::ScopedJoinHandle<'_, Log>>| {
            summed(threads.into_iter().map(|thread| thread.join().unwrap_or_default()))
        };
        (joined(clerks), joined(kiosks))
    });
    let most_kib = memory_kib(server.0.id(), "VmHWM:").unwrap_or_default();
    Ok(Visit { operators, kiosks, first_kib, most_kib })
}

fn terminal(number: usize) -> String {
    format!("5133010001{number:02}")
}

fn key(number: usize) -> TerminalKey {
    TerminalKey::from_seed(&Zeroizing::new([u8::try_from(number % 200).unwrap_or_default() + 1; 32]))
}

fn enrol(issuer: &Path, folder: &Path, keys: &[TerminalKey]) -> Result<(), Failure> {
    let run = |words: &[&str]| load::call(issuer, folder, words).map(drop);
    run(&["operator", "add", "ma", "--role", "clearing"])?;
    let hall = ["institution", "add", "H001", "--name", "样例大厅", "--region", "513301", "--type", "hospital"];
    run(&[&["--operator", "ma"], &hall[..]].concat())?;
    for (number, key) in keys.iter().enumerate() {
        let (number, key) = (terminal(number), key.public_key().to_string());
        let add = ["terminal", "add", &number, "--institution", "H001", "--kiosk", "--public-key", &key];
        run(&[&["--operator", "ma"], &add[..]].concat())?;
    }
    Ok(())
}

/// So many operators with passwords; the secrets of their second factors.
fn operators(folder: &Path, count: usize) -> Result<Vec<Vec<u8>>, Failure> {
    let unlived = || Failure::Unlived { what: "operators" };
    let mut centre = Centre::open(folder)?;
    let path = folder.join("rehearsal.passphrase");
    let passphrase = std::fs::read_to_string(&path).map_err(Failure::system(&path))?;
    let keys = DataKeys::open(&centre.data_keys_path(), passphrase.trim_end()).map_err(|_| unlived())?;
    centre.store.unlock(Arc::new(keys))?;
    let store = &mut centre.store;
    (0..count)
        .map(|number| {
            let (name, own) = (name(number), password(number));
            store.journal(|tx| tx.register(&name, &[Role::Capture, Role::Counter]).map(drop)).map_err(|_| unlived())?;
            login::reset(store, None, "local:soak", &name, PASSWORD).map_err(|_| unlived())?;
            login::change_password(store, &name, PASSWORD, &own).map_err(|_| unlived())?;
            let address = login::change_totp(store, (&name, &own), "", "issuer-513300").map_err(|_| unlived())?;
            let secret = address.split_once("secret=").and_then(|(_, rest)| rest.split('&').next());
            Ok(base32(secret.ok_or_else(unlived)?))
        })
        .collect()
}

fn name(number: usize) -> String {
    format!("clerk{number}")
}

fn password(number: usize) -> String {
    format!("{PASSWORD} and the number {number}")
}

/// RFC 4648 without padding.
fn base32(text: &str) -> Vec<u8> {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for digit in text.bytes().filter_map(|byte| b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|&one| one == byte))
    {
        held = (held << 5) | u32::try_from(digit).unwrap_or_default();
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xFF).unwrap_or_default());
        }
    }
    bytes
}

fn serve(issuer: &Path, folder: &Path) -> Result<(Server, u16, u16), Failure> {
    let [terminals, operators] = ["terminals-port", "operators-port"].map(|name| folder.join(name));
    let mut command = Command::new(issuer);
    command.args(["--lang", "en", "--data"]).arg(folder.join("centre")).args(["serve", "--listen", "127.0.0.1:0"]);
    command.arg("--port-file").arg(&terminals).args(["--operators", "127.0.0.1:0", "--operators-plain"]);
    command.arg("--operators-port-file").arg(&operators).stdin(Stdio::null()).stdout(Stdio::null());
    let log = std::fs::File::create(folder.join("serve.log")).map_err(Failure::system(folder))?;
    let server = Server(command.stderr(log).spawn().map_err(Failure::system(issuer))?);
    let port = |path: &Path| std::fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok());
    let begun = Instant::now();
    while begun.elapsed() < BEGIN_LIMIT {
        if let (Some(terminals), Some(operators)) = (port(&terminals), port(&operators)) {
            return Ok((server, terminals, operators));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err(Failure::Unlived { what: "server" })
}

/// Identifiers of the first cards that the station makes.
fn cards(issuer: &Path, folder: &Path, count: usize) -> Result<Vec<String>, Failure> {
    let begun = Instant::now();
    while begun.elapsed() < BEGIN_LIMIT {
        let said = load::call(issuer, folder, &["card", "list", "--batch", "1"])?;
        let listed: Value = serde_json::from_str(&said).unwrap_or_default();
        let made = listed["cards"].as_array().into_iter().flatten().filter(|card| card["state"] == "sealed");
        let cards: Vec<String> =
            made.filter_map(|card| card["card_identifier"].as_str().map(str::to_owned)).take(count).collect();
        if cards.len() == count {
            return Ok(cards);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Err(Failure::Unlived { what: "cards" })
}

/// What one client lived.
#[derive(Default)]
struct Log {
    took_us: Vec<u64>,
    errors: Vec<String>,
}

impl Log {
    fn ask(
        &mut self,
        what: &str,
        ask: impl FnOnce() -> std::io::Result<(u16, String, String)>,
    ) -> Option<(String, String)> {
        let begun = Instant::now();
        let answer = ask();
        self.took_us.push(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
        match answer {
            Ok((200..=299, head, body)) => Some((head, body)),
            Ok((status, _, body)) => {
                self.errors.push(format!("{what}: {status} {}", body.chars().take(160).collect::<String>()));
                None
            }
            Err(error) => {
                self.errors.push(format!("{what}: {error}"));
                None
            }
        }
    }
}

/// An operator in a browser and a program of theirs: looks, figures, and every eighth time somebody new is registered.
fn clerk(port: u16, number: usize, secret: &[u8], until: Instant) -> Log {
    let mut log = Log::default();
    let code = totp::code(secret, issuer_service::clock::seconds());
    let body = json!({ "operator": name(number), "password": password(number), "code": code }).to_string();
    let json = ("content-type", "application/json");
    let entered = log.ask("log in", || send(port, "POST", "/api/v1/session", &[json], &body));
    let Some((head, body)) = entered else { return log };
    let session: Value = serde_json::from_str(&body).unwrap_or_default();
    let cookie = head.lines().find_map(|line| line.split_once("et-cookie: ")?.1.split(';').next()).unwrap_or_default();
    let csrf = session["csrf"].as_str().unwrap_or_default();
    let looks = [
        "/console/today",
        "/api/v1/people?limit=20",
        "/console/batches/1",
        "/api/v1/batches/1",
        "/console/figures",
        "/console/people/1",
        "/console/stations",
    ];
    for turn in 0_u64.. {
        if Instant::now() >= until {
            break;
        }
        let own = [("cookie", cookie), ("x-csrf-token", csrf), json];
        match looks.get(usize::try_from(turn % 8).unwrap_or_default()) {
            Some(path) => {
                log.ask(path, || send(port, "GET", path, &own[..1], ""));
            }
            None => {
                let order = NEWCOMERS + u64::try_from(number).unwrap_or_default() * NEWCOMERS_EACH + turn;
                let row = load::row(order);
                let citizen = row.split(',').next().unwrap_or_default();
                let body = json!({ "number": citizen, "name": "扎西·多吉", "region": "513301" }).to_string();
                let key = format!("clerk-{number}-turn-{turn}");
                let own = [&own[..], &[("idempotency-key", key.as_str())]].concat();
                log.ask("register", || send(port, "POST", "/api/v1/people", &own, &body));
            }
        }
        std::thread::sleep(OPERATOR_PAUSE);
    }
    log
}

/// A kiosk: the holder's page, and every eighth time a suggestion.
fn kiosk(port: u16, number: usize, key: &TerminalKey, card: &str, until: Instant) -> Log {
    let mut log = Log::default();
    let terminal = terminal(number);
    for turn in 0_u64.. {
        if Instant::now() >= until {
            break;
        }
        let request = format!("{:032X}", (u128::try_from(number).unwrap_or_default() + 1) << 64 | u128::from(turn));
        let mut message = json!({ "version": 1, "request_id": request, "terminal": terminal, "card_identifier": card });
        let path = if turn % 8 == 7 {
            message["kind"] = json!("suggestion");
            message["subject"] = json!("service");
            "/terminal/v1/holder/ticket"
        } else {
            message["pin"] = json!("verified");
            message["on_card"] = json!({ "balance_fen": 0, "log": [] });
            "/terminal/v1/holder"
        };
        let body = message.to_string();
        let signature = key.sign_request("POST", path, body.as_bytes()).to_string();
        let headers =
            [("content-type", "application/json"), (TERMINAL_HEADER, &*terminal), (SIGNATURE_HEADER, &*signature)];
        log.ask(path, || send(port, "POST", path, &headers, &body));
        std::thread::sleep(KIOSK_PAUSE);
    }
    log
}

/// One HTTP/1.1 request on a connection of its own: status, head, body.
fn send(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> std::io::Result<(u16, String, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    let length = body.len();
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\ncontent-length: {length}\r\n"
    );
    headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    stream.write_all(format!("{head}\r\n{body}").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer);
    let broken = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(broken)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
    Ok((status, head.to_owned(), body.to_owned()))
}

fn summed(logs: impl Iterator<Item = Log>) -> Answers {
    let (mut took, mut errors) = (Vec::new(), Vec::new());
    for log in logs {
        took.extend(log.took_us);
        errors.extend(log.errors);
    }
    took.sort_unstable();
    let at = |hundredths: usize| took.get((took.len() * hundredths / 100).min(took.len().saturating_sub(1)));
    let [p50_us, p99_us, most_us] = [50, 99, 100].map(|hundredths| at(hundredths).copied().unwrap_or_default());
    let (count, failed) = (took.len() as u64, errors.len() as u64);
    errors.truncate(5);
    Answers { count, errors: failed, first_errors: errors, p50_us, p99_us, most_us }
}

/// A line of the memory of a process.
fn memory_kib(process: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_of_all_clients_and_one_error_is_seen() {
        let log = |took: &[u64], errors: usize| Log { took_us: took.to_vec(), errors: vec!["x".to_owned(); errors] };
        let hundred: Vec<u64> = (1..=100).collect();
        let answers = summed([log(&hundred[..50], 0), log(&hundred[50..], 1)].into_iter());
        assert_eq!(
            (answers.count, answers.errors, answers.p50_us, answers.p99_us, answers.most_us),
            (100, 1, 51, 100, 100)
        );
        assert_eq!(base32("GEZDGNBVGY3TQOJQ"), b"1234567890");
    }
}
