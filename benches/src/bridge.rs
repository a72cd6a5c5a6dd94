//! A call through the browser bridge, against a bare WebSocket echo of the same bytes.
//!
//! Source: `reader_cli::bridge`; the call is one that needs no card: what the bridge itself costs.
//! Owns: the bare side: the same library, a message in, a text of the answer's length out. Never: touches a card.

use std::net::{TcpListener, TcpStream};

use card_calls::Settings;
use reader_cli::bridge::Bridge;
use tungstenite::{Message, WebSocket};

use crate::measure::{Aim, Row, alternate, on_one_processor, timed};

/// Calls in a block of the measurement.
const ROUNDS: u32 = 500;

/// Blocks of the measurement.
const BLOCKS: usize = 41;

/// A call that is answered without a reader.
const CALL: &str = r#"{"function":"iReadIdentityCard","iType":3}"#;

/// The row.
///
/// # Panics
/// When this machine has no port to listen on.
#[must_use]
pub fn measure() -> Row {
    on_one_processor(conversation)
}

fn conversation() -> Row {
    let bridge = Bridge { origins: Vec::new(), consent: None, settings: Settings::default() };
    let listening = bridge.listen("127.0.0.1:0").expect("a port");
    let address = listening.address();
    std::thread::spawn(move || listening.serve());
    let mut ours = connect(&address);
    let answer = exchange(&mut ours);
    let mut bare = connect(&echo(answer));
    let (ours, bare) = alternate(
        BLOCKS,
        ROUNDS,
        |rounds| timed(|| (0..rounds).for_each(|_| drop(exchange(&mut ours)))),
        |rounds| timed(|| (0..rounds).for_each(|_| drop(exchange(&mut bare)))),
    );
    let note =
        "one connection, both ends on one processor; bare: the same library sends back a text of the answer's length";
    Row::new("bridge round trip", "us", ours * 1e6, bare * 1e6, Aim::AtMost(1.2), note)
}

fn connect(address: &str) -> WebSocket<TcpStream> {
    let host = address.trim_start_matches("ws://");
    let stream = TcpStream::connect(host).expect("listening");
    stream.set_nodelay(true).expect("a setting");
    tungstenite::client(format!("ws://{host}"), stream).expect("a handshake").0
}

fn exchange(socket: &mut WebSocket<TcpStream>) -> String {
    socket.send(Message::text(CALL)).expect("taken");
    match socket.read().expect("an answer") {
        Message::Text(text) => text.to_string(),
        other => panic!("{other:?} is no text"),
    }
}

fn echo(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("the bench");
        stream.set_nodelay(true).expect("a setting");
        let mut socket = tungstenite::accept(stream).expect("a handshake");
        while let Ok(Message::Text(_)) = socket.read() {
            if socket.send(Message::text(answer.clone())).is_err() {
                break;
            }
        }
    });
    address
}
