//! Programs that cannot load the library call the same functions through the server, each with its own card.
//!
//! Source: messages of README.md; codes of the published table.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use card_counter::clock::Now;
use settlement::journal::State;

use crate::counter::Counter;
use crate::money::Shop;

/// The server, ended with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

impl Server {
    pub(crate) fn start(counter: &Counter, address: &str, variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sscard-driver-server"))
            .arg(address)
            .env("SSCARD_WRITES", "true")
            .env("PCSCLITE_CSOCK_NAME", counter.farm.csock())
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("where it listens");
        Self { child, address: line.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Compiles a caller with the client's sources; for 32 bits where the compiler has their libraries.
pub(crate) fn compiled(counter: &Counter, source: &str, name: &str) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = counter.folder.path().join(name);
    let build = |width: &str| {
        Command::new("cc")
            .args([
                width,
                "-std=c89",
                "-pedantic",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-D_POSIX_C_SOURCE=200112L",
                "-pthread",
            ])
            .arg("-I")
            .arg(folder.join("include"))
            .arg("-I")
            .arg(folder.join("client"))
            .args([folder.join("client/sscardclient.c"), folder.join("client/functions.c"), source.into()])
            .arg("-o")
            .arg(&program)
            .output()
            .expect("a C compiler")
    };
    if !build("-m32").status.success() {
        let built = build("-m64");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    }
    program
}

fn run(counter: &Counter, program: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Vec<(i64, String)> {
    counter.run(Command::new(program).args(arguments), variables)
}

fn source(name: &str) -> String {
    format!("{}/tests/callers/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_32_bit_hospital_pays_through_the_server_as_it_does_with_the_library() {
    let shop = Shop::open(true);
    let set = [("SSCARD_DATA", shop.data.as_str()), ("SSCARD_PIN_ENTRY", shop.entry.as_str())];
    let socket = format!("unix:{}", shop.counter.folder.path().join("driver.sock").display());
    let server = Server::start(&shop.counter, &socket, &set);
    assert_eq!(server.address, socket);
    let program = compiled(&shop.counter, &source("hospital.c"), "hospital32");
    let pay = &format!("0.1|0.2|{}|", Now::of_system().date_time());
    let answers = run(&shop.counter, &program, &[pay.as_str()], &[("SSCARD_SERVER", &server.address)]);
    let codes: Vec<i64> = answers.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [0; 7], "{answers:?}");
    // The library in the same process answers the same purchase from the same journal.
    let again = shop.counter.compiled("hospital", &[pay.as_str()], &set);
    assert_eq!(again.get(5), answers.get(5));
    drop(server);
    let gone = run(&shop.counter, &program, &[pay.as_str()], &[("SSCARD_SERVER", &socket)]);
    assert_eq!(gone.first().map(|(code, _)| *code), Some(-12));
    // A socket that a killed server left behind is taken over.
    let second = Server::start(&shop.counter, &socket, &set);
    let back = run(&shop.counter, &program, &[pay.as_str()], &[("SSCARD_SERVER", &second.address)]);
    assert_eq!(back.first().map(|(code, _)| *code), Some(0));
}

#[test]
fn the_socket_is_its_owners_from_its_first_moment_whatever_the_umask() {
    use std::os::unix::fs::MetadataExt as _;
    let counter = Counter::open(1);
    let path = counter.folder.path().join("driver.sock");
    let program = env!("CARGO_BIN_EXE_sscard-driver-server");
    let mut server = Command::new("sh")
        .args(["-c", "umask 000; exec \"$@\"", "sh", program, &format!("unix:{}", path.display())])
        .env("PCSCLITE_CSOCK_NAME", counter.farm.csock())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("piped")).read_line(&mut line).expect("where it listens");
    let made = std::fs::symlink_metadata(&path).expect("a socket");
    let _ = server.kill();
    let _ = server.wait();
    assert_eq!(made.mode() & 0o777, 0o700, "{:o}", made.mode());
    // The inode was not touched since it was made.
    assert_eq!((made.ctime(), made.ctime_nsec()), (made.mtime(), made.mtime_nsec()));
}

#[test]
fn a_port_wants_a_token_and_one_caller_never_goes_on_with_anothers_card() {
    let shop = Shop::open(false);
    let token = shop.counter.folder.path().join("token");
    std::fs::write(&token, "0123456789abcdef0123\n").expect("written");
    let token = token.display().to_string();
    let server = Server::start(&shop.counter, "127.0.0.1:0", &[("SSCARD_SERVER_TOKEN_FILE", &token)]);
    let mut first = Line::open(&server.address);
    let mut second = Line::open(&server.address);
    let call = |line: &mut Line, fields: &[&str]| line.call("0123456789abcdef0123", fields);
    assert_eq!(call(&mut first, &["iPKBVerifyPIN", "i3", "s864213"]), Some(0));
    let read = ["iReadCard", "i3", "i1", "-", "sDF01EF05|20|$"];
    assert_eq!(call(&mut first, &read), Some(0), "its own PIN");
    assert_eq!(call(&mut second, &read), Some(-13), "the other has no PIN, and nowhere to type one");
    assert_eq!(call(&mut first, &read), Some(-13), "and the first one's card was let go");
    assert_eq!(call(&mut second, &["iReadCardBas", "i9"]), Some(-14));
    assert_eq!(call(&mut second, &["iNoSuch", "i3"]), Some(-13));
    assert_eq!(call(&mut second, &["iReadCardBas"]), Some(-23), "another number of arguments");
    assert_eq!(call(&mut second, &["iReadCardBas", "s3"]), Some(-14));
    for wrong in ["", "0123456789abcdef0124", "0123456789abcdef01234"] {
        assert_eq!(Line::open(&server.address).call(wrong, &["iCheckCard", "i3"]), None, "{wrong:?} is no token");
    }
    for rubbish in [&b"\xff\xff\xff\xff"[..], b"\0\0\0\x05abcde", b"GET / HTTP/1.1\r\n\r\n", b""] {
        let mut line = Line::open(&server.address);
        line.0.write_all(rubbish).expect("taken");
        // It may be reset before the whole of it was read.
        let _ = line.0.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        // A connection that is reset is no answer either.
        let _ = line.0.read_to_end(&mut answer);
        assert!(answer.is_empty(), "{rubbish:?}");
    }
    assert_eq!(call(&mut second, &["iCheckCard", "i3"]), Some(0), "the server goes on");
}

/// A server whose caller knows the token, in a shop; `variables` are the server's alone.
fn till(shop: &Shop, variables: &[(&str, &str)]) -> Server {
    let token = shop.counter.folder.path().join("token");
    std::fs::write(&token, format!("{TOKEN}\n")).expect("written");
    let token = token.display().to_string();
    let set = [
        ("SSCARD_SERVER_TOKEN_FILE", token.as_str()),
        ("SSCARD_DATA", shop.data.as_str()),
        ("SSCARD_PIN_ENTRY", shop.entry.as_str()),
    ];
    Server::start(&shop.counter, "127.0.0.1:0", &[&set, variables].concat())
}

const TOKEN: &str = "0123456789abcdef0123";

/// A purchase of a caller that takes the time of its call: no two calls have the same.
fn purchase(seconds: i64) -> [String; 4] {
    let time = Now::of_system().later(seconds - 500).date_time();
    ["iDoDebit".to_owned(), "i3".to_owned(), "-".to_owned(), format!("s0.1|0.2|{time}|")]
}

fn pays(line: &mut Line, seconds: i64) -> Option<i64> {
    let fields = purchase(seconds);
    let code = line.call(TOKEN, &fields.each_ref().map(String::as_str));
    // With the next answer the call before is over, its mark and all.
    let _ = line.call(TOKEN, &["iCheckCard", "i3"]);
    code
}

/// As `soak` kills programs: behind a flush of the journal.
fn fault(folder: &Path) -> String {
    let (source, library) = (folder.join("fault.c"), folder.join("fault.so"));
    std::fs::write(&source, include_str!("../../../soak/src/fault.c")).expect("written");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    assert!(built.expect("a C compiler").success());
    library.display().to_string()
}

#[test]
fn a_server_killed_behind_any_flush_of_a_purchase_never_sells_the_retry_unsaid() {
    let shop = Shop::open(true);
    let library = fault(shop.counter.folder.path());
    let (mut told, mut seconds) = (0, 0);
    let mut next = || {
        seconds += 10;
        seconds
    };
    let mut answered_late = 0;
    for at in 1.. {
        let number = at.to_string();
        let faulty = [
            ("LD_PRELOAD", library.as_str()),
            ("SOAK_FOLDER", shop.data.as_str()),
            ("SOAK_FILES", "-wal"),
            ("SOAK_ACT", "flushed"),
            ("SOAK_AT", number.as_str()),
        ];
        let mut server = till(&shop, &faulty);
        let mut line = Line::open(&server.address);
        let first = pays(&mut line, next());
        let next_call = line.call(TOKEN, &["iCheckCard", "i3"]);
        drop(line);
        let was_killed = next_call.is_none();
        if was_killed {
            assert!(!server.child.wait().expect("ended").success());
        }
        drop(server);
        let server = till(&shop, &[]);
        let mut line = Line::open(&server.address);
        let before = shop.states().iter().filter(|state| **state == State::Confirmed).count();
        let retry = pays(&mut line, next());
        let after = shop.states().iter().filter(|state| **state == State::Confirmed).count();
        match (first, retry) {
            (None, Some(-3006)) => {
                answered_late += 1;
                // The answer tells of one purchase, which no answer told of before; told once.
                told += 1;
                assert_eq!((before.max(told), after), (told, told), "flush {at}");
                assert_eq!(pays(&mut line, next()), Some(0), "flush {at}");
                told += 1;
            }
            // Nothing was paid when it was killed.
            (None, Some(0)) => told += 1,
            // It was killed between its answer and the mark: that purchase is said twice.
            (Some(0), Some(-3006)) if was_killed => {
                assert_eq!(before, after);
                told += 1;
            }
            (Some(0), Some(0)) => told += 2,
            other => panic!("flush {at}: {other:?}"),
        }
        let paid = shop.states().iter().filter(|state| **state == State::Confirmed).count();
        assert_eq!(paid, told, "flush {at}: every purchase was told of");
        if !was_killed {
            assert!(answered_late >= 2, "killed behind SENT and behind CONFIRMED at least: {answered_late}");
            return;
        }
    }
}

#[test]
fn a_caller_that_hung_up_over_its_call_is_told_by_the_retry() {
    let shop = Shop::open(true);
    let typing = shop.counter.folder.path().join("typing");
    let entry = shop.counter.pin_entry(&format!(">{}; sleep 1; echo 864213", typing.display()));
    let server = till(&shop, &[("SSCARD_PIN_ENTRY", &entry)]);
    let mut gone = Line::open(&server.address);
    let fields = purchase(10);
    gone.say(TOKEN, &fields.each_ref().map(String::as_str)).expect("sent");
    // While the PIN is typed: the program ends, the page is loaded anew.
    while !typing.exists() {
        std::thread::yield_now();
    }
    drop(gone);
    let mut line = Line::open(&server.address);
    let first = pays(&mut line, 20);
    assert_eq!((first, shop.states()), (Some(-3006), vec![State::Confirmed]), "nothing was sold to the retry");
    assert_eq!((pays(&mut line, 30), shop.states()), (Some(0), vec![State::Confirmed; 2]), "told once");
}

#[test]
fn a_caller_with_a_smaller_buffer_than_the_servers_is_refused_before_the_card_pays() {
    let shop = Shop::open(true);
    let server = till(&shop, &[]);
    let mut line = Line::open(&server.address);
    let fields = purchase(10);
    let with = |room: &'static str| [fields[0].as_str(), &fields[1], &fields[2], &fields[3], room];
    assert_eq!(line.call(TOKEN, &with("r60")), Some(-42));
    assert_eq!(shop.states(), [], "nothing was begun");
    for wrong in ["r0", "r4097", "r", "rx", "x60"] {
        let code = line.call(TOKEN, &[fields[0].as_str(), &fields[1], &fields[2], &fields[3], wrong]);
        assert!(matches!(code, Some(-14 | -23)), "{wrong}: {code:?}");
    }
    // The client of a 32-bit host says it for its program.
    let program = compiled(&shop.counter, "tests/callers/pays.c", "pays");
    let token = shop.counter.folder.path().join("token").display().to_string();
    let set = [("SSCARD_SERVER", server.address.as_str()), ("SSCARD_SERVER_TOKEN_FILE", token.as_str())];
    let pay = format!("0.1|0.2|{}|", Now::of_system().date_time());
    let small = run(&shop.counter, &program, &[&pay], &[&set[..], &[("SSCARD_OUT_BYTES", "60")]].concat());
    assert_eq!((small.first().map(|(code, _)| *code), shop.states()), (Some(-42), vec![]));
    assert_eq!(line.call(TOKEN, &with("r1024")), Some(0));
    assert_eq!(shop.states(), [State::Confirmed]);
}

#[test]
fn it_does_not_listen_without_a_token_on_a_port_or_beyond_this_machine() {
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sscard-driver-server"));
        command.args(arguments).env_remove("SSCARD_SERVER_TOKEN_FILE").env("SSCARD_LANG", "en").output().expect("runs")
    };
    for (arguments, code, word) in [
        (&["127.0.0.1:0"][..], 1, "token"),
        (&["0.0.0.0:0"], 1, "other machines"),
        (&[], 1, "usage"),
        (&["unix:/nowhere/at/all.sock"], 9, "cannot listen"),
    ] {
        let ran = run(arguments);
        assert_eq!(ran.status.code(), Some(code), "{arguments:?}");
        assert!(String::from_utf8_lossy(&ran.stderr).contains(word), "{arguments:?}: {ran:?}");
    }
}

/// A caller that speaks the messages itself.
struct Line(TcpStream);

impl Line {
    fn open(address: &str) -> Self {
        Self(TcpStream::connect(address).expect("listening"))
    }

    /// The code of a call; `None` when the server hangs up.
    fn call(&mut self, token: &str, fields: &[&str]) -> Option<i64> {
        self.say(token, fields)?;
        self.hear()
    }

    fn say(&mut self, token: &str, fields: &[&str]) -> Option<()> {
        let mut body = Vec::new();
        for field in [token].iter().chain(fields) {
            body.extend(field.as_bytes());
            body.push(0);
        }
        let length = u32::try_from(body.len()).expect("short").to_be_bytes();
        self.0.write_all(&[&length[..], &body].concat()).ok()
    }

    fn hear(&mut self) -> Option<i64> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).ok()?;
        let mut answer = vec![0; usize::try_from(u32::from_be_bytes(length)).expect("short")];
        self.0.read_exact(&mut answer).ok()?;
        let code = answer.split(|byte| *byte == 0).next()?;
        std::str::from_utf8(code).ok()?.parse().ok()
    }
}
