//! Connections at the door of stations: certificates that end while one is open, peers that begin and do not go on.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use issuer_service::http::call::{Caller, Carrier};
use issuer_service::http::connection::Limits;
use issuer_service::http::{self, Desk};
use issuer_service::lang::Lang;
use issuer_service::peer;
use issuer_service::station::wire::{ASK_PATH, Ask, Message};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned};
use settlement::Accounts;

use crate::hall::{Hall, Place};
use crate::rig::Rig;

/// A reader that waits longer has been forgotten.
const FORGOTTEN: Duration = Duration::from_secs(60);
/// Limits that a test can wait for.
const SOON: Duration = Duration::from_millis(300);

fn look(id: u8) -> Message {
    let ask = Ask::Look { batch: 1 };
    Message { id: format!("{id:032X}"), operator: "sun".to_owned(), reader: "desk 0".to_owned(), ask }
}

fn request(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// What a station's certificate lets it begin.
pub(crate) fn client(hall: &Hall, place: &Place) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(hall.authority.certificate().clone()).expect("authority");
    let chain = CertificateDer::pem_slice_iter(place.chain.as_bytes()).collect::<Result<Vec<_>, _>>().expect("chain");
    let key = PrivateKeyDer::from_pem_slice(place.key.as_bytes()).expect("key");
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("versions").with_root_certificates(roots);
    Arc::new(builder.with_client_auth_cert(chain, key).expect("certificate"))
}

fn address(hall: &Hall) -> SocketAddr {
    hall.base.strip_prefix("https://").expect("an address").parse().expect("an address")
}

pub(crate) type Open = StreamOwned<ClientConnection, TcpStream>;

/// A connection whose handshake is done, as far as the station can tell.
pub(crate) fn open(hall: &Hall, config: &Arc<ClientConfig>) -> io::Result<Open> {
    over(TcpStream::connect(address(hall))?, config)
}

fn over(mut socket: TcpStream, config: &Arc<ClientConfig>) -> io::Result<Open> {
    let name = "localhost".to_owned().try_into().expect("a name");
    let mut tls = ClientConnection::new(Arc::clone(config), name).expect("client");
    socket.set_read_timeout(Some(FORGOTTEN))?;
    while tls.is_handshaking() {
        tls.complete_io(&mut socket)?;
    }
    Ok(StreamOwned::new(tls, socket))
}

/// What comes until the centre ends the connection.
pub(crate) fn rest(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        // Ended in an orderly way, or not.
        Ok(_) => {}
        Err(error) => assert!(
            !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut),
            "the centre keeps the connection: {error}"
        ),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn a_certificate_that_ends_while_a_connection_is_open_ends_its_service() {
    let mut hall = Hall::new(1);
    let east = hall.place("east");
    let config = client(&hall, &east);
    let mut open = open(&hall, &config).expect("opened");
    open.write_all(request(ASK_PATH, &Caller::text(&look(1))).as_bytes()).expect("sent");
    let mut head = [0; 15];
    open.read_exact(&mut head).expect("an answer");
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    hall.rig.execute("UPDATE certificate SET valid_until = '2020-01-01T00:00:00Z'");
    open.write_all(request(ASK_PATH, &Caller::text(&look(2))).as_bytes()).expect("sent");
    let told = rest(&mut open);
    assert!(told.contains("HTTP/1.1 401") && told.contains("STATION_EXPIRED"), "{told}");
    assert!(told.contains("connection: close"), "{told}");
    let carried = hall.https_in(&east, Lang::Zh).carry(ASK_PATH, &Caller::text(&look(3))).expect("an answer");
    assert_eq!(carried.status, 401);
    assert!(carried.lines.concat().contains("证书已过期"), "{:?}", carried.lines);
}

#[test]
fn a_session_is_not_taken_up_again_without_a_look_at_its_certificate() {
    let mut hall = Hall::new(1);
    let east = hall.place("east");
    let config = client(&hall, &east);
    for id in 1..=3 {
        let mut open = open(&hall, &config).expect("opened");
        open.write_all(request(ASK_PATH, &Caller::text(&look(id))).as_bytes()).expect("sent");
        // Tickets would come with the answer.
        let mut head = [0; 15];
        open.read_exact(&mut head).expect("an answer");
        assert_eq!(open.conn.handshake_kind(), Some(HandshakeKind::Full));
    }
}

#[test]
fn half_messages_of_a_refused_station_keep_nobody_from_work() {
    let limits = Limits { head: SOON, body: SOON, connections: 4, connections_of_one: 2, ..Limits::default() };
    let mut hall = Hall::within(Rig::new(1), limits);
    let (east, west) = (hall.place("east"), hall.place("west"));
    peer::revoke(&mut hall.rig.centre.store, "west", "stolen", Some("sun")).expect("revoked");
    let config = client(&hall, &west);
    let begin = |text: &str| {
        let mut open = open(&hall, &config)?;
        open.write_all(text.as_bytes())?;
        Ok::<_, io::Error>(open)
    };
    let half_head = format!("POST {ASK_PATH} HTTP/1.1\r\nHost: lo");
    let half_body = request(ASK_PATH, &Caller::text(&look(1)));
    let half_body = half_body.split_at(half_body.len() - 9).0;
    let mut held: Vec<_> = (0..12).filter_map(|_| begin(&half_head).ok()).collect();
    let carried = hall.https(&east).carry(ASK_PATH, &Caller::text(&look(1))).expect("served all the same");
    assert_eq!(carried.status, 200);
    for open in &mut held {
        assert_eq!(rest(open), "", "no head, no answer");
    }
    // The room of those that were ended is free when the centre has noticed it, too.
    let told =
        (0..100).find_map(|_| begin(half_body).ok().map(|mut late| rest(&mut late)).filter(|told| !told.is_empty()));
    assert!(told.as_ref().is_some_and(|told| told.contains("STATION_MESSAGE_MALFORMED")), "{told:?}");
}

#[test]
fn peers_that_do_not_finish_a_handshake_take_the_turn_of_nobody_else() {
    let line = Limits { in_line: 3, in_line_of_one: 2, ..Limits::default() };
    let limits = Limits { handshake: FORGOTTEN, handshakes: 4, handshakes_of_one: 2, ..line };
    let mut hall = Hall::within(Rig::new(1), limits);
    let east = hall.place("east");
    let elsewhere = || {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("socket");
        socket.bind(&"127.0.0.2:0".parse::<SocketAddr>().expect("address").into()).expect("of this machine");
        socket.connect(&address(&hall).into()).expect("connected");
        TcpStream::from(socket)
    };
    let mut silent: Vec<TcpStream> = (0..6).map(|_| elsewhere()).collect();
    let carried = hall.https(&east).carry(ASK_PATH, &Caller::text(&look(1))).expect("served all the same");
    assert_eq!(carried.status, 200);
    // Two are under way and two wait in line; those above are closed.
    for socket in silent.iter_mut().skip(4) {
        socket.set_read_timeout(Some(FORGOTTEN)).expect("set");
        assert_eq!(rest(socket), "");
    }
}

#[test]
fn a_handshake_above_the_share_of_its_address_waits_for_its_turn_and_no_longer_than_its_time() {
    let limits = Limits { handshake: FORGOTTEN, handshakes_of_one: 2, in_line_of_one: 8, ..Limits::default() };
    let mut hall = Hall::within(Rig::new(1), limits);
    let east = hall.place("east");
    let config = client(&hall, &east);
    // All of them come at once; each is served, though no more than two are at a time.
    let sockets: Vec<TcpStream> = (0..8).map(|_| TcpStream::connect(address(&hall)).expect("connected")).collect();
    for (id, socket) in (1..).zip(sockets) {
        let mut open = over(socket, &config).expect("its turn came");
        open.write_all(request(ASK_PATH, &Caller::text(&look(id))).as_bytes()).expect("sent");
        let mut head = [0; 15];
        open.read_exact(&mut head).expect("an answer");
        assert_eq!(&head, b"HTTP/1.1 200 OK");
    }
    // Nobody waits for ever: who is in line behind silent ones is closed with them.
    let limits = Limits { handshake: SOON, handshakes_of_one: 1, ..Limits::default() };
    let hall = Hall::within(Rig::new(1), limits);
    let mut silent: Vec<TcpStream> = (0..4).map(|_| TcpStream::connect(address(&hall)).expect("connected")).collect();
    for socket in &mut silent {
        socket.set_read_timeout(Some(FORGOTTEN)).expect("set");
        assert_eq!(rest(socket), "");
    }
}

#[test]
fn a_terminal_that_sends_half_a_message_is_not_waited_for() {
    let hall = Hall::new(1);
    let store = hall.rig.centre.connect().expect("store");
    let desk = Arc::new(Desk::new(store, &hall.rig.vault, &hall.rig.centre.config, Accounts::builtin(), Lang::En));
    let limits = Limits { head: SOON, body: SOON, connections: 2, ..Limits::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
    let address = runtime.block_on(async {
        let listener = http::listen("127.0.0.1:0".parse().expect("address")).await.expect("listener");
        let address = listener.local_addr().expect("address");
        tokio::spawn(http::serve(Arc::clone(&desk), listener, limits, std::future::pending()));
        address
    });
    let begin = |text: &str| {
        let mut socket = TcpStream::connect(address).expect("connected");
        socket.set_read_timeout(Some(FORGOTTEN)).expect("set");
        socket.write_all(text.as_bytes()).expect("sent");
        socket
    };
    let mut halves = [begin("GET /hea"), begin("GET /hea"), begin("")];
    let health = "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    // All turns are taken; it comes to its own when those before it have lost theirs.
    let told = rest(&mut begin(health));
    assert!(told.contains("HTTP/1.1 200 OK"), "{told}");
    halves.iter_mut().for_each(|half| assert_eq!(rest(half), ""));
    let sign_in = "POST /terminal/v1/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{";
    let told = rest(&mut begin(sign_in));
    assert!(told.contains("MESSAGE_MALFORMED"), "{told}");
    runtime.shutdown_background();
}

#[test]
fn what_is_too_long_or_asked_elsewhere_is_refused_by_its_own_code_in_both_languages() {
    let mut hall = Hall::new(1);
    let east = hall.place("east");
    for (path, body, lang, status, code, text) in [
        (ASK_PATH, "x".repeat(20_000), Lang::En, 413, "STATION_MESSAGE_TOO_LARGE", "too large"),
        (ASK_PATH, "x".repeat(20_000), Lang::Zh, 413, "STATION_MESSAGE_TOO_LARGE", "消息过长"),
        ("/station/v2/ask", "{}".to_owned(), Lang::En, 404, "STATION_PATH_UNKNOWN", "no such path"),
        ("/station/v2/ask", "{}".to_owned(), Lang::Zh, 404, "STATION_PATH_UNKNOWN", "没有这个地址"),
    ] {
        let carried = hall.https_in(&east, lang).carry(path, &body).expect("an answer");
        let told = carried.lines.concat();
        assert!(carried.status == status && told.contains(code) && told.contains(text), "{} {told}", carried.status);
    }
}
