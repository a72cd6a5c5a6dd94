//! The one page of the kiosk's browser, and the line on which it is told what to show.
//!
//! Source: HTTP/1.1 (RFC 9110, 9112), WebSocket (RFC 6455), Origin (RFC 6454), Content Security Policy.
//! Owns: who may come in: this machine, the page that was served last, one at a time; the bounds of what is heard.
//! Never: knows what is shown; serves a second resource; lets a browser keep anything.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use card_counter::error::TerminalError;
use card_counter::terminal::random;
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Message, WebSocket};

/// Most bytes of a request's head.
const HEAD_BYTES_MAX: usize = 8 * 1024;
/// Most headers of a request.
const HEADERS_MAX: usize = 64;
/// Most bytes that a page says at once: the number of a screen and an act.
const SAID_BYTES_MAX: usize = 64;
/// How long a head may take, and a page to take what it is told.
const WITHIN: Duration = Duration::from_secs(5);
/// Most connections at once.
const CALLERS_MAX: usize = 8;

const HTML: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What comes in at the door. The number tells pages apart.
#[derive(Debug)]
pub enum Heard {
    /// A page is there and can be told.
    Came(u64, Box<Mouth>),
    /// What it says: the number of a screen and an act.
    Said(u64, String),
    /// It is gone.
    Went(u64),
}

/// The way to a page.
#[derive(Debug)]
pub struct Mouth(WebSocket<TcpStream>);

impl Mouth {
    /// Tells the page; whether it could be told.
    pub fn tell(&mut self, text: String) -> bool {
        let is_told = self.0.send(Message::text(text)).is_ok();
        if !is_told {
            // Whoever does not listen is not kept as the page: its browser sees the line end, and comes anew.
            let _ = self.0.get_ref().shutdown(Shutdown::Both);
        }
        is_told
    }
}

/// The door, listening.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    host: String,
}

/// Who is in: the token of the page that was served last, and the number of the page that is connected.
#[derive(Debug, Default)]
struct Inside {
    token: String,
    page: Option<u64>,
    pages: u64,
}

impl Door {
    /// Listens on an address of this machine.
    ///
    /// # Errors
    /// [`TerminalError::Listen`], also for an address that other machines reach.
    pub fn open(address: &str) -> Result<Self, TerminalError> {
        let fail = |source| TerminalError::Listen { address: address.to_owned(), source };
        let parsed = address.parse::<SocketAddr>().ok().filter(|address| address.ip().is_loopback());
        let parsed = parsed.ok_or_else(|| fail(io::Error::from(io::ErrorKind::AddrNotAvailable)))?;
        let listener = TcpListener::bind(parsed).map_err(fail)?;
        let host = listener.local_addr().map_err(fail)?.to_string();
        Ok(Self { listener, host })
    }

    /// What the browser opens.
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://{}/", self.host)
    }

    /// Lets pages in until the process ends.
    pub fn serve(self, heard: &Sender<Heard>) {
        let (inside, callers) = (Arc::new(Mutex::new(Inside::default())), Arc::new(AtomicUsize::new(0)));
        loop {
            let Ok((stream, _)) = self.listener.accept() else { continue };
            if callers.fetch_add(1, Ordering::SeqCst) >= CALLERS_MAX {
                callers.fetch_sub(1, Ordering::SeqCst);
                continue;
            }
            let (inside, callers) = (Arc::clone(&inside), Arc::clone(&callers));
            let (heard, host) = (heard.clone(), self.host.clone());
            std::thread::spawn(move || {
                // A browser that breaks off harms only itself.
                let _ = attend(stream, &host, &inside, &heard);
                callers.fetch_sub(1, Ordering::SeqCst);
            });
        }
    }
}

/// One connection: the page, or its line.
fn attend(mut stream: TcpStream, host: &str, inside: &Mutex<Inside>, heard: &Sender<Heard>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(WITHIN))?;
    stream.set_write_timeout(Some(WITHIN))?;
    let head = head(&mut stream)?;
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    if !request.parse(&head).is_ok_and(|parsed| parsed.is_complete()) {
        return refuse(&mut stream, "400 Bad Request");
    }
    let header = |name: &str| {
        let found = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.and_then(|header| std::str::from_utf8(header.value).ok())
    };
    // A page of another site that resolved its name to this machine.
    if header("host") != Some(host) {
        return refuse(&mut stream, "421 Misdirected Request");
    }
    let inside_now = || inside.lock().unwrap_or_else(PoisonError::into_inner);
    match (request.method, request.path.map(|path| path.split_once('?').unwrap_or((path, "")))) {
        (Some("GET"), Some(("/", _))) => {
            let token = word()?;
            inside_now().token.clone_from(&token);
            page(&mut stream, host, &token)
        }
        (Some("GET"), Some(("/screen", token))) => {
            let origin = format!("http://{host}");
            if header("origin") != Some(&origin) || token.is_empty() || token != inside_now().token {
                return refuse(&mut stream, "403 Forbidden");
            }
            let upgrade = header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
            let (Some(key), true) = (header("sec-websocket-key"), upgrade) else {
                return refuse(&mut stream, "426 Upgrade Required");
            };
            let accept = derive_accept_key(key.as_bytes());
            let number = {
                let mut inside = inside_now();
                if inside.page.is_some() {
                    drop(inside);
                    return refuse(&mut stream, "409 Conflict");
                }
                inside.pages += 1;
                inside.page = Some(inside.pages);
                inside.pages
            };
            let done = line(stream, &accept, number, heard);
            inside_now().page = None;
            // The kiosk that is gone needs not know.
            let _ = heard.send(Heard::Went(number));
            done
        }
        (Some("GET"), _) => refuse(&mut stream, "404 Not Found"),
        _ => refuse(&mut stream, "405 Method Not Allowed"),
    }
}

/// The head of a request, to its empty line.
fn head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let count = stream.read(&mut part)?;
        head.extend_from_slice(part.get(..count).unwrap_or_default());
        if count == 0 || head.len() > HEAD_BYTES_MAX {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
    }
    Ok(head)
}

fn word() -> io::Result<String> {
    random::<16>().map(hex::encode).map_err(|_| io::Error::from(io::ErrorKind::Other))
}

/// The page: whole in one answer, nothing of it kept, nothing else loaded, framed or run.
fn page(stream: &mut TcpStream, host: &str, token: &str) -> io::Result<()> {
    let nonce = word()?;
    let body = HTML.replace("%STYLE%", STYLE).replace("%SCRIPT%", SCRIPT).replace("%NONCE%", &nonce);
    let body = body.replace("%TOKEN%", token);
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src data:; \
         connect-src http://{host}/ ws://{host}/screen; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Content-Security-Policy: {policy}\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n\
         X-Frame-Options: DENY\r\nCross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Resource-Policy: same-origin\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

fn refuse(stream: &mut TcpStream, status: &str) -> io::Result<()> {
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())
}

/// The line of a page, until it ends.
fn line(mut stream: TcpStream, accept: &str, number: u64, heard: &Sender<Heard>) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.set_read_timeout(None)?;
    let bounds = WebSocketConfig::default().max_message_size(Some(SAID_BYTES_MAX)).max_frame_size(Some(SAID_BYTES_MAX));
    // What is heard and what is told go by themselves: two ends of one connection.
    let mouth = WebSocket::from_raw_socket(stream.try_clone()?, Role::Server, None);
    let tell = |said| heard.send(said).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe));
    tell(Heard::Came(number, Box::new(Mouth(mouth))))?;
    let mut ears = WebSocket::from_raw_socket(stream, Role::Server, Some(bounds));
    loop {
        match ears.read() {
            Ok(Message::Text(text)) => tell(Heard::Said(number, text.as_str().to_owned()))?,
            Ok(Message::Ping(_) | Message::Pong(_)) => {}
            // Nothing else is said by the page that was served.
            Ok(Message::Binary(_) | Message::Frame(_) | Message::Close(_)) | Err(_) => return Ok(()),
        }
    }
}
