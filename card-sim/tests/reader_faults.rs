//! What a program sees when readers, cards and the daemon fail: every call ends, and each cause has its own error.
//!
//! `PCSCLITE_CSOCK_NAME` must be set before a process first speaks PC/SC, so each test runs its PC/SC half in a child
//! process: the same test, with the variable set.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use card_core::command::{self, Record};
use card_core::limits::CallLimits;
use card_core::transport::pcsc::{Interface, Readers};
use card_core::transport::{ReaderCall, TransportError};
use card_core::{Session, SessionError};
use card_sim::fault::{Fault, FaultPlan, Trigger};
use card_sim::image;
use card_sim::reader::control::{self, Reply, Request};

/// Folder of the test, for its child.
const FOLDER: &str = "CARD_SIM_TEST_FOLDER";
const SSSE: &[u8] = b"sx1.sh.\xC9\xE7\xBB\xE1\xB1\xA3\xD5\xCF";
/// More than any step here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const FIRST: &str = "card-sim-0 00 00";

/// Short for an exchange, so that a test of it is short.
const LIMITS: CallLimits = CallLimits { transmit: Duration::from_millis(700), ..CallLimits::USUAL };

struct Bench {
    state: PathBuf,
    image: PathBuf,
}

impl Bench {
    fn at(folder: &Path) -> Self {
        Self { state: folder.join("state"), image: folder.join("a.card") }
    }

    /// Starts readers with the card in the first; answers the daemon's socket.
    fn start(&self) -> PathBuf {
        let (state, image) = (self.state.display().to_string(), self.image.display().to_string());
        let started = Command::new(env!("CARGO_BIN_EXE_card-sim"))
            .args(["reader", "start", "--state", &state, "--slots", "3", &image])
            .output()
            .expect("the program runs");
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        let line = String::from_utf8(started.stdout).expect("text");
        PathBuf::from(line.strip_prefix("export PCSCLITE_CSOCK_NAME=").expect("one line for eval").trim())
    }

    fn pids(&self) -> (u32, u32) {
        let status = control::status(&self.state).expect("runs");
        (status.server_pid, status.daemon_pid)
    }

    fn stop(&self) {
        let state = self.state.display().to_string();
        let stopped = Command::new(env!("CARGO_BIN_EXE_card-sim")).args(["reader", "stop", "--state", &state]).output();
        assert!(stopped.expect("the program runs").status.success());
    }
}

fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().expect("kill").success());
}

/// Stops a process: `kill` only asks, each thread stops when it is looked at next.
fn stop(pid: u32) {
    signal("-STOP", pid);
    let stands = |task: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with('T'))
    };
    let folder = format!("/proc/{pid}/task");
    while !std::fs::read_dir(&folder).expect("it runs").map_while(Result::ok).all(stands) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Runs `inside` in a child that sees the readers.
fn with_readers(test: &str, inside: impl FnOnce(&Bench)) {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return inside(&Bench::at(Path::new(&folder)));
    }
    let folder = tempfile::tempdir().expect("folder");
    let bench = Bench::at(folder.path());
    let text = card_profiles::builtin_text("ssc-3.0").expect("built in");
    image::create(&bench.image, text, [0x51, 0x33, 0, 0, 0, 9], &FaultPlan::default()).expect("made");
    let child = Command::new(std::env::current_exe().expect("this test"))
        .args([test, "--exact", "--nocapture"])
        .env("PCSCLITE_CSOCK_NAME", bench.start())
        .env(FOLDER, folder.path())
        .output()
        .expect("the test runs again");
    bench.stop();
    let (out, err) = (String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    assert!(child.status.success() && out.contains("1 passed"), "{out}\n{err}");
}

fn open(readers: &Readers) -> Session {
    assert!(readers.wait(FIRST, true, PATIENCE).expect("daemon"), "a card in {FIRST}");
    Session::new(Box::new(readers.connect(FIRST).expect("connects")))
}

fn read_version(session: &mut Session) -> Result<Vec<u8>, SessionError> {
    session.send(&command::select_by_name(SSSE))?;
    Ok(session.send(&command::read_record(5, Record::Tag(3), 6))?.data)
}

fn fails(session: &mut Session) -> TransportError {
    match read_version(session).expect_err("fails") {
        SessionError::Transport(error) => error,
        other => panic!("{other:?}"),
    }
}

/// Tries again until it succeeds.
fn soon<T>(mut attempt: impl FnMut() -> Result<T, TransportError>) -> T {
    let start = Instant::now();
    loop {
        match attempt() {
            Ok(value) => return value,
            Err(error) => assert!(start.elapsed() < PATIENCE, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_hanging_exchange_ends_in_time_and_its_reader_is_sick_until_it_is_back() {
    with_readers("a_hanging_exchange_ends_in_time_and_its_reader_is_sick_until_it_is_back", |bench| {
        let readers = Readers::with_limits(LIMITS).expect("daemon");
        let mut session = open(&readers);
        read_version(&mut session).expect("reads");
        let (server, _) = bench.pids();
        stop(server);
        let start = Instant::now();
        let error = fails(&mut session);
        let took = start.elapsed();
        let connected = readers.connect(FIRST).map(|_| ()).expect_err("hangs");
        let again = fails(&mut session);
        let listed = readers.list();
        signal("-CONT", server);
        assert!(matches!(error, TransportError::Timeout { call: ReaderCall::Transmit, .. }), "{error:?}");
        assert!(took >= LIMITS.transmit && took < LIMITS.transmit * 3, "{took:?}");
        assert!(matches!(connected, TransportError::ReaderSick { .. }), "{connected:?}");
        assert!(matches!(again, TransportError::ReaderSick { .. }), "{again:?}");
        assert_eq!(listed.expect("the daemon answers").len(), 4, "other readers are not held up");
        drop(session);
        let mut session = Session::new(Box::new(soon(|| readers.connect(FIRST))));
        read_version(&mut session).expect("reads again");
    });
}

#[test]
fn a_hanging_daemon_does_not_hang_its_callers() {
    with_readers("a_hanging_daemon_does_not_hang_its_callers", |bench| {
        let limits = CallLimits { daemon: Duration::from_millis(500), power: Duration::from_millis(500), ..LIMITS };
        let readers = Readers::with_limits(limits).expect("daemon");
        let mut session = open(&readers);
        read_version(&mut session).expect("reads");
        let (_, daemon) = bench.pids();
        stop(daemon);
        let listed = readers.list();
        let sent = fails(&mut session);
        drop(session);
        signal("-CONT", daemon);
        assert!(matches!(listed, Err(TransportError::Timeout { call: ReaderCall::List, .. })), "{listed:?}");
        assert!(matches!(sent, TransportError::Timeout { call: ReaderCall::Transmit, .. }), "{sent:?}");
        let mut session = Session::new(Box::new(soon(|| readers.connect(FIRST))));
        read_version(&mut session).expect("reads again");
    });
}

#[test]
fn a_daemon_that_died_and_was_started_again_is_found_again() {
    with_readers("a_daemon_that_died_and_was_started_again_is_found_again", |bench| {
        let readers = Readers::with_limits(LIMITS).expect("daemon");
        let mut session = open(&readers);
        read_version(&mut session).expect("reads");
        let (server, daemon) = bench.pids();
        signal("-KILL", daemon);
        let error = fails(&mut session);
        assert!(matches!(error, TransportError::NoService), "{error:?}");
        drop(session);
        let listed = readers.list();
        assert!(matches!(listed, Err(TransportError::NoService)), "{listed:?}");
        let none = readers.wait_for_any(Interface::ContactFirst, &[], Duration::ZERO);
        assert!(matches!(none, Err(TransportError::NoService)), "{none:?}");
        signal("-KILL", server);
        let waiting = std::thread::spawn({
            let readers = readers.clone();
            move || readers.wait_for_any(Interface::ContactFirst, &[], PATIENCE)
        });
        bench.start();
        let found = waiting.join().expect("no panic").expect("the daemon is back").expect("a card");
        assert_eq!(found.name, FIRST);
        read_version(&mut open(&readers)).expect("reads again, through the same readers");
    });
}

#[test]
fn a_card_put_into_any_reader_is_noticed() {
    with_readers("a_card_put_into_any_reader_is_noticed", |bench| {
        let readers = Readers::with_limits(LIMITS).expect("daemon");
        let short = Duration::from_millis(200);
        assert_eq!(
            control::ask(&bench.state, &Request::Eject { slot: 0 }).expect("pulled"),
            Reply::Done { image: Some(bench.image.clone()) }
        );
        assert!(readers.wait(FIRST, false, PATIENCE).expect("daemon"));
        assert_eq!(readers.wait_for_any(Interface::ContactFirst, &[], short).expect("daemon"), None);
        let waiting = std::thread::spawn({
            let readers = readers.clone();
            move || readers.wait_for_any(Interface::ContactFirst, &[], PATIENCE)
        });
        let insert = Request::Insert { slot: 2, image: bench.image.clone() };
        control::ask(&bench.state, &insert).expect("put in");
        let found = waiting.join().expect("no panic").expect("daemon").expect("a card");
        assert_eq!(found.name, "card-sim-1 00 00");
        assert_eq!(readers.wait_for_any(Interface::Contactless, &[], short).expect("daemon"), None, "no antenna");
    });
}

#[test]
fn a_card_that_another_program_keeps_to_itself_for_a_while_is_in_use_and_no_reader_that_hangs() {
    with_readers("a_card_that_another_program_keeps_to_itself_for_a_while_is_in_use_and_no_reader_that_hangs", |_| {
        let limits = CallLimits { power: Duration::from_millis(700), ..LIMITS };
        let readers = Readers::with_limits(limits).expect("daemon");
        assert!(readers.wait(FIRST, true, PATIENCE).expect("daemon"));
        let name = std::ffi::CString::new(FIRST).expect("a name");
        let context = pcsc::Context::establish(pcsc::Scope::User).expect("daemon");
        let mut shared = context.connect(&name, pcsc::ShareMode::Shared, pcsc::Protocols::ANY).expect("a card");
        let kept = shared.transaction().expect("ours");
        let error = readers.connect(FIRST).map(|_| ()).expect_err("in another's hands");
        assert!(matches!(error, TransportError::InUse { .. }), "{error:?}");
        drop(kept);
        let _ = shared.disconnect(pcsc::Disposition::LeaveCard);
        read_version(&mut Session::new(Box::new(soon(|| readers.connect(FIRST))))).expect("reads");
    });
}

#[test]
fn each_cause_of_a_broken_exchange_has_its_own_error() {
    with_readers("each_cause_of_a_broken_exchange_has_its_own_error", |bench| {
        let readers = Readers::with_limits(LIMITS).expect("daemon");
        let mut session = open(&readers);
        let other = readers.connect(FIRST).map(|_| ()).expect_err("in our hands");
        assert!(matches!(other, TransportError::InUse { .. }), "{other:?}");
        let mute = Fault::Mute { at: Trigger::instruction(0xB2, 1) };
        control::ask(&bench.state, &Request::AddFault { slot: 0, fault: mute }).expect("set");
        let error = fails(&mut session);
        assert!(matches!(error, TransportError::CardMute { .. } | TransportError::Timeout { .. }), "{error:?}");
        drop(session);
        control::ask(&bench.state, &Request::ClearFaults { slot: 0 }).expect("cleared");
        let mut session = Session::new(Box::new(soon(|| readers.connect(FIRST))));
        control::ask(&bench.state, &Request::Eject { slot: 0 }).expect("pulled");
        let error = fails(&mut session);
        assert!(matches!(error, TransportError::CardRemoved { .. }), "{error:?}");
        drop(session);
        let empty = readers.connect(FIRST).map(|_| ()).expect_err("no card");
        assert!(matches!(empty, TransportError::NoCard { .. } | TransportError::CardRemoved { .. }), "{empty:?}");
        let gone = readers.connect("no such reader").map(|_| ()).expect_err("no reader");
        assert!(matches!(gone, TransportError::ReaderGone { .. }), "{gone:?}");
    });
}

#[test]
fn a_card_that_answers_badly_is_told_apart_from_one_that_is_gone() {
    with_readers("a_card_that_answers_badly_is_told_apart_from_one_that_is_gone", |bench| {
        let readers = Readers::with_limits(LIMITS).expect("daemon");
        let mut session = open(&readers);
        read_version(&mut session).expect("reads");
        let at = Trigger::instruction(0xB2, 1);
        let set = |fault| {
            control::ask(&bench.state, &Request::AddFault { slot: 0, fault }).expect("set");
        };
        let limit = u64::try_from(LIMITS.transmit.as_millis()).expect("short");
        set(Fault::Slow { at, ms: limit / 7 });
        assert_eq!(read_version(&mut session).expect("late, and in time").len(), 6);
        set(Fault::Endless { at });
        let error = read_version(&mut session).expect_err("bounded");
        assert!(matches!(error, SessionError::EndlessAnswer(..)), "{error:?}");
        assert_eq!(read_version(&mut session).expect("goes on").len(), 6);
        set(Fault::Truncated { at, keep: 1 });
        let error = read_version(&mut session).expect_err("no status word");
        assert!(matches!(error, SessionError::NoStatusWord(..) | SessionError::Transport(_)), "{error:?}");
        drop(session);
        let mut session = Session::new(Box::new(soon(|| readers.connect(FIRST))));
        read_version(&mut session).expect("reads again");
        set(Fault::Slow { at, ms: 60_000 });
        let error = fails(&mut session);
        assert!(matches!(error, TransportError::Timeout { call: ReaderCall::Transmit, .. }), "{error:?}");
        drop(session);
        // Pulling the slow card ends its answer: nobody waits a minute.
        let start = Instant::now();
        control::ask(&bench.state, &Request::Eject { slot: 0 }).expect("pulled");
        control::ask(&bench.state, &Request::Insert { slot: 0, image: bench.image.clone() }).expect("put in");
        let mut session = Session::new(Box::new(soon(|| readers.connect(FIRST))));
        read_version(&mut session).expect("reads again");
        assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    });
}
