//! A card comes in at a kiosk, its PIN is entered, its balance stands on the screen: what the kiosk needs for that.
//!
//! Source: `sscard kiosk` itself, in a child of this program, on a private daemon; touches and screens over the page's own line.
//! Owns: the page's side without a browser: from the daemon's notice of the card to the PIN pad, from the last digit to the balance.
//! The bare side does the same with the card in one process: tap, PIN, balances. Never: counts the person, or the daemon's look.
//! Units: milliseconds a visit.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use card_core::Session;
use card_counter::secret::Pin;
use card_counter::tap::{Ask, tap};
use card_counter::{account, pin};
use card_profiles::Catalog;
use card_profiles::memory::CardMemory;
use card_sim::Socket;
use card_sim::fault::FaultPlan;
use card_sim::memory::Durability;
use card_sim::reader::Farm;
use clap::Parser as _;
use reader_cli::arguments::Arguments;
use reader_cli::output::Output;
use tungstenite::handshake::client::generate_key;
use tungstenite::{Message, WebSocket};

use crate::measure::{Aim, Row, alternate};
use crate::sample::Sample;

/// Argument that makes this program the child.
pub const CHILD: &str = "kiosk-child";

/// Visits in a block of the measurement.
const ROUNDS: u32 = 1;
/// Blocks.
const BLOCKS: usize = 9;
/// The bound, milliseconds.
const AIM: Aim = Aim::OursAtMost(150.0);
/// The initial PIN of the software card.
const PIN: &str = "123456";

/// The row.
///
/// # Panics
/// When no private daemon can be had, or the kiosk does not show what it shows.
#[must_use]
pub fn measure() -> Row {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let image = folder.path().join("person.card");
    let mut sample = Sample::new();
    let text = card_profiles::builtin_text("ssc-3.0").expect("built in");
    card_sim::image::create(&image, text, [0x51, 0x33, 0, 0, 0, 1], &FaultPlan::default()).expect("an image");
    sample.personalize_in(&Socket::new(card_sim::image::open(&image, Durability::Process).expect("opens")));
    let bare = Socket::new(sample.blank(2));
    sample.personalize_in(&bare);
    let farm = Farm::start(&folder.path().join("daemon"), 1).expect("a private PC/SC daemon");
    let mut page = Page::open(farm.csock(), &folder.path().join("data"));
    let mut visit = || {
        farm.insert(0, &image).expect("the reader sees the card");
        let start = Instant::now();
        page.until("data-screen=\"pin\"");
        let until_pin = start.elapsed();
        for digit in PIN.chars() {
            page.touch(&format!("digit-{digit}"));
        }
        let entered = Instant::now();
        page.touch("enter");
        page.until("data-screen=\"home\"");
        let until_balance = entered.elapsed();
        farm.eject(0).expect("a slot");
        page.until("data-screen=\"welcome\"");
        until_pin + until_balance
    };
    let (ours, bare) = alternate(
        BLOCKS,
        ROUNDS,
        |rounds| (0..rounds).map(|_| visit()).sum(),
        |rounds| (0..rounds).map(|_| in_process(&bare)).sum(),
    );
    let note =
        "daemon's notice of the card to the PIN pad, last digit to the balance; bare: the card's part in one process";
    Row::new("kiosk: card in to balance", "ms", ours * 1e3, bare * 1e3, AIM, note)
}

/// Serves a kiosk in this process, which the caller started for it.
///
/// # Panics
/// When it cannot listen.
pub fn serve_here(data: &str) {
    let arguments = ["sscard", "--format", "json", "--data", data, "kiosk", "--listen", "127.0.0.1:0"];
    let arguments = Arguments::try_parse_from(arguments).expect("arguments of the kiosk");
    let output = Output { form: arguments.format, language: card_counter::language::Language::Zh };
    reader_cli::command::run(&arguments, &output).expect("the kiosk serves until it is ended");
}

/// The same with the card, without daemon, kiosk and page.
fn in_process(card: &Socket) -> Duration {
    let catalog = Catalog::builtin();
    let start = Instant::now();
    let session = Session::new(Box::new(card.connect().expect("comes up")));
    let mut tapped = tap(session, &catalog, CardMemory::default(), Ask::Nothing).expect("our card");
    pin::tries_left(&mut tapped).expect("the card answers");
    pin::verify(&mut tapped, &Pin::parse(PIN).expect("digits"), false).expect("the PIN is right");
    let rules = tapped.account().expect("an account");
    account::balances(&mut tapped, rules).expect("balances");
    start.elapsed()
}

/// A page without a browser.
struct Page {
    child: Child,
    line: WebSocket<TcpStream>,
    /// Number of the screen that stands.
    screen: String,
}

impl Page {
    fn open(csock: &std::path::Path, data: &std::path::Path) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut child = Command::new(program)
            .arg(CHILD)
            .arg(data)
            .env("PCSCLITE_CSOCK_NAME", csock)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let mut said = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut said).expect("where it listens");
        let said: serde_json::Value = serde_json::from_str(&said).expect("an answer");
        let address = said["address"].as_str().expect("an address").to_owned();
        let host = address.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let mut stream = TcpStream::connect(&host).expect("it listens");
        write!(stream, "GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").expect("asked");
        let mut html = String::new();
        stream.read_to_string(&mut html).expect("the page");
        let token = html.split("PAGE = \"").nth(1).and_then(|rest| rest.split('"').next()).expect("a token");
        let request = tungstenite::http::Request::builder()
            .uri(format!("ws://{host}/screen?{token}"))
            .header("Host", &host)
            .header("Origin", format!("http://{host}"))
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", generate_key());
        let stream = TcpStream::connect(&host).expect("it listens");
        stream.set_nodelay(true).expect("a setting");
        let (line, _) = tungstenite::client(request.body(()).expect("a request"), stream).expect("the page is let in");
        let mut page = Self { child, line, screen: String::new() };
        page.until("data-screen=\"welcome\"");
        page
    }

    fn touch(&mut self, act: &str) {
        self.line.send(Message::text(format!("{} {act}", self.screen))).expect("heard");
    }

    /// Reads until a screen has this in it.
    fn until(&mut self, part: &str) {
        loop {
            let Message::Text(text) = self.line.read().expect("the kiosk speaks") else { continue };
            let Some((number, html)) = text.strip_prefix("S ").and_then(|rest| rest.split_once('\n')) else { continue };
            number.clone_into(&mut self.screen);
            if html.contains(part) {
                return;
            }
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
