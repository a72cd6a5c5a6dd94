//! The conventional bridge: driver functions for web pages of this machine's browser, over a WebSocket.
//!
//! Source: `ws://127.0.0.1:12342`, request `{"function":…}`, answer `{"functionName":…,"success":"1","pOutInfo":…}`; RFC 6455, RFC 6454.
//! Owns: who may connect, the bounds of messages, consent, one card operation at a time. Never: listens beyond this machine; lets one
//! page go on with another's card; logs a call.

use std::collections::VecDeque;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use card_calls::calls::refused;
use card_calls::function::IDENTIFIER;
use card_calls::text::PayInfo;
use card_calls::{Answer, Answers, Callers, Code, Failure, Function, Settings, Turn, Value};
use card_counter::error::TerminalError;
use card_profiles::account::Amounts;
use serde_json::{Map, Value as Json};
use settlement::fen::Fen;
use tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Bytes, Message, WebSocket};

use crate::spoken::{FUNCTION, Spoken};

/// Most bytes of a message.
pub const MESSAGE_BYTES_MAX: usize = 65_536;

/// Bytes that are made ready for each read: a call has a few hundred, and a longer message is read in parts.
const READ_BYTES: usize = 4096;

/// How long a handshake may take, and an answer to be taken.
const WITHIN: Duration = Duration::from_secs(10);

/// What is sent behind an answer that tells of money: a browser answers it by itself once it has all that came before (RFC 6455 5.5.2).
const HEARD: &[u8] = b"heard";

/// Messages that a page may send before it has answered that.
const EARLY_MAX: usize = 16;

/// The bits of a frame's first byte that say what it is, and those of a frame that closes: RFC 6455 5.2.
const OPCODE: u8 = 0x0F;
const CLOSE: u8 = 0x08;

/// `success` of a call that is done.
const DONE: &str = "1";

/// The return value of a function whose value is a number.
const RETURNED: &str = "returned";

/// Functions that say nothing of a person and change nothing: nobody is asked.
const HARMLESS: [&str; 3] = ["iCheckCard", "iGetCardType", "iGetReaderInfo"];

/// What the bridge is told.
#[derive(Clone, Debug)]
pub struct Bridge {
    /// Origins whose pages may call.
    pub origins: Vec<String>,
    /// Program that asks the person at the counter.
    pub consent: Option<PathBuf>,
    /// Settings of every call.
    pub settings: Settings,
}

/// The bridge, listening.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    bridge: Bridge,
}

impl Bridge {
    /// Listens on an address of this machine.
    ///
    /// # Errors
    /// [`TerminalError::Listen`], also for an address that other machines reach.
    pub fn listen(self, address: &str) -> Result<Listening, TerminalError> {
        let fail = |source| TerminalError::Listen { address: address.to_owned(), source };
        let parsed = address.parse::<SocketAddr>().ok().filter(|address| address.ip().is_loopback());
        let parsed = parsed.ok_or_else(|| fail(io::Error::from(io::ErrorKind::AddrNotAvailable)))?;
        Ok(Listening { listener: TcpListener::bind(parsed).map_err(fail)?, bridge: self })
    }
}

impl Listening {
    /// Where pages connect, with the port that the system chose.
    #[must_use]
    pub fn address(&self) -> String {
        self.listener.local_addr().map_or_else(|_| String::new(), |address| format!("ws://{address}"))
    }

    /// Serves until the process ends.
    pub fn serve(self) {
        let (bridge, turn) = (Arc::new(self.bridge), Turn::default());
        let (callers, next) = (Callers::default(), AtomicU64::new(1));
        loop {
            let Ok((stream, _)) = self.listener.accept() else { continue };
            let caller = next.fetch_add(1, Ordering::SeqCst);
            let Ok(other) = stream.try_clone() else { continue };
            if !callers.enter(caller, Box::new(move || drop(other.shutdown(Shutdown::Both)))) {
                continue;
            }
            let (bridge, turn, callers) = (Arc::clone(&bridge), turn.clone(), callers.clone());
            std::thread::spawn(move || {
                // A page that is closed or says rubbish is gone: nothing to undo.
                let _ = bridge.attend(stream, (&turn, &callers), caller);
                turn.leave(caller);
                callers.leave(caller);
            });
        }
    }
}

impl Bridge {
    fn attend(
        &self,
        stream: TcpStream,
        (turn, callers): (&Turn, &Callers),
        caller: u64,
    ) -> Result<(), Box<dyn std::error::Error>> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(WITHIN))?;
        stream.set_write_timeout(Some(WITHIN))?;
        let mut origin = String::new();
        #[expect(clippy::result_large_err, reason = "the library says what a refused handshake is")]
        let check = |request: &Request, response: Response| {
            match request.headers().get("origin").map(|value| value.to_str().unwrap_or("null").to_owned()) {
                // Every browser sends one: this is a program, which could use the reader itself.
                None => Ok(response),
                Some(page) if self.origins.contains(&page) => {
                    origin = page;
                    Ok(response)
                }
                Some(_) => {
                    let mut refusal = ErrorResponse::new(Some("this origin may not use the card reader".to_owned()));
                    *refusal.status_mut() = tungstenite::http::StatusCode::FORBIDDEN;
                    Err(refusal)
                }
            }
        };
        let bounds = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let mut socket =
            tungstenite::accept_hdr_with_config(stream, check, Some(bounds)).map_err(|_| "no handshake")?;
        socket.get_ref().set_read_timeout(None)?;
        let mut early = VecDeque::new();
        loop {
            let message = match early.pop_front() {
                Some(message) => message,
                None => socket.read()?,
            };
            match message {
                Message::Text(text) => {
                    let told = callers.call(caller, || self.answer(&mut socket, &text, turn, caller, &origin))?;
                    if let Some(answer) = told
                        && is_heard(&mut socket, &mut early)?
                    {
                        answer.handed_over();
                    }
                }
                Message::Binary(_) => drop(self.answer(&mut socket, "", turn, caller, &origin)?),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
                Message::Close(_) => return Ok(()),
            }
        }
    }

    /// Answers a call; the answer where it tells of money and the page has not hung up.
    fn answer(
        &self,
        socket: &mut WebSocket<TcpStream>,
        text: &str,
        turn: &Turn,
        caller: u64,
        origin: &str,
    ) -> Result<Option<Answer>, tungstenite::Error> {
        let object: Map<String, Json> = serde_json::from_str(text).unwrap_or_default();
        let name = object.get(FUNCTION).and_then(Json::as_str).unwrap_or_default();
        let name: String = name.chars().take(64).collect();
        let (function, answer) = match Spoken::of(&object) {
            Err(failure) => (None, refused(Some(&self.settings), &failure)),
            Ok(Spoken { function, mut values }) => {
                // What the site switched off needs nobody's word.
                let is_off = function.lacks(&self.settings).is_some();
                let agreed = is_off || self.agreed(function, &mut values, (turn, caller, origin));
                let answer = match agreed {
                    true => turn.call(caller, Ok(self.settings.clone()), function, &values),
                    false => refused_of(function, &self.settings, &Failure::NoConsent),
                };
                (Some(function), answer)
            }
        };
        let said = serde_json::to_string(&Json::Object(spoken_answer(&name, function, &answer))).unwrap_or_default();
        // Whoever is told nothing of money may be gone.
        let tells = answer.told.is_some() && !is_left(socket.get_ref());
        socket.send(Message::text(said))?;
        Ok(Some(answer).filter(|_| tells))
    }

    /// Whether the person at the counter agrees: to this function, for this page, of this amount, with this card. The call then has the
    /// card that was shown, and no other.
    fn agreed(&self, function: &Function, values: &mut [Value], call: (&Turn, u64, &str)) -> bool {
        let (turn, caller, origin) = call;
        let Some(program) = self.consent.as_deref().filter(|_| !HARMLESS.contains(&function.name)) else { return true };
        let place = |name: &str| function.inputs().position(|input| input.name == name);
        let text = |values: &[Value], name: &str| match place(name).and_then(|at| values.get(at)) {
            Some(Value::Text(text)) => text.to_string(),
            _ => String::new(),
        };
        let mut card = text(values, "pCardInfo");
        if let Some(number) = place("iType").and_then(|at| values.get(at)).cloned() {
            let found = turn.call(caller, Ok(self.settings.clone()), &IDENTIFIER, &[number]);
            if let (Code::OK, Some(found), true) = (found.code, found.outputs.first(), card.is_empty()) {
                card.clone_from(found);
                if let Some(given) = place("pCardInfo").and_then(|at| values.get_mut(at)) {
                    *given = Value::Text(format!("{found}|").into());
                }
            }
        }
        let pay = PayInfo::parse(&text(values, "pPayInfo")).ok().map(|pay| pay.amounts);
        // A second step names neither: it goes on with the card that is kept, and pays what was begun with it.
        let kept = turn.kept(caller).filter(|_| place("iType").is_none());
        if let Some((identifier, _)) = kept {
            card = identifier.to_string();
        }
        let begun = kept.and_then(|(_, begun)| begun).filter(|_| place("pPayInfo").is_none());
        let card = card.get(16..24).map_or_else(String::new, |serial| format!("****{serial}"));
        let amounts = pay.or(begun).map_or_else(String::new, amounts);
        let asked = Command::new(program)
            .args([function.name, origin, &amounts, &card])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status();
        asked.is_ok_and(|status| status.success())
    }
}

/// `account=10.00 cash=1.00 pool=0.00 total=11.00`, yuan.
fn amounts(amounts: Amounts) -> String {
    let Amounts { personal_account, self_paid, pooled_fund } = amounts;
    let [account, cash, pool] = [personal_account, self_paid, pooled_fund].map(Fen::from_card);
    let total = Fen::new(account.get() + cash.get() + pool.get());
    format!("account={account} cash={cash} pool={pool} total={total}")
}

/// A refusal of the bridge itself, with the message where the function has it.
fn refused_of(function: &Function, settings: &Settings, failure: &Failure) -> Answer {
    let mut answer = refused(Some(settings), failure);
    let message = answer.outputs.pop().unwrap_or_default();
    answer.outputs.resize(function.message_at(), String::new());
    answer.outputs.push(message);
    answer
}

/// Whether the page has what was sent. A page that was killed in the same instant resets the connection instead of answering; one that
/// answers nothing and is still there is of a program that does not know the frame. What it says meanwhile waits in `early`.
fn is_heard(socket: &mut WebSocket<TcpStream>, early: &mut VecDeque<Message>) -> Result<bool, tungstenite::Error> {
    socket.send(Message::Ping(Bytes::from_static(HEARD)))?;
    socket.get_ref().set_read_timeout(Some(WITHIN))?;
    let heard = loop {
        match socket.read() {
            Ok(Message::Pong(_)) => break true,
            Ok(Message::Close(_)) => break false,
            Ok(Message::Ping(_) | Message::Frame(_)) => {}
            Ok(said) => {
                early.push_back(said);
                if early.len() >= EARLY_MAX {
                    break true;
                }
            }
            Err(tungstenite::Error::Io(error))
                if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
            {
                break true;
            }
            Err(error) => return Err(error),
        }
    };
    socket.get_ref().set_read_timeout(None)?;
    Ok(heard)
}

/// Whether the page is gone or going, so that what is sent is read by nobody: a browser says so with a frame of its own.
fn is_left(stream: &TcpStream) -> bool {
    let mut first = [0];
    let _ = stream.set_nonblocking(true);
    let seen = stream.peek(&mut first);
    let _ = stream.set_nonblocking(false);
    match seen {
        Ok(0) => true,
        Ok(_) => first[0] & OPCODE == CLOSE,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    }
}

/// `{"functionName":…,"success":"1","pOutInfo":…}`; other buffers by their names.
#[must_use]
pub fn spoken_answer(name: &str, function: Option<&Function>, answer: &Answer) -> Map<String, Json> {
    let is_done = answer.code >= Code::OK;
    let success = if is_done { DONE.to_owned() } else { answer.code.0.to_string() };
    let mut object =
        Map::from_iter([("functionName".to_owned(), Json::from(name)), ("success".to_owned(), Json::from(success))]);
    let names: Vec<&str> = function.map_or_else(Vec::new, |function| function.output_names().collect());
    // What is refused is told where every page looks.
    if names.is_empty() || !is_done {
        let at = function.map_or(0, Function::message_at);
        object.insert("pOutInfo".to_owned(), Json::from(answer.outputs.get(at).map_or("", String::as_str)));
    }
    for (at, name) in names.into_iter().enumerate().filter(|_| is_done) {
        object.insert(name.to_owned(), Json::from(answer.outputs.get(at).map_or("", String::as_str)));
    }
    if is_done && function.is_some_and(|function| function.answers == Answers::Number) {
        object.insert(RETURNED.to_owned(), Json::from(answer.code.0));
    }
    object
}
