//! The card server of `card-sim reader start`: a farm that other processes command over a Unix socket.
//!
//! Owns: one JSON line a request, one a reply; the state file by which leftovers of a killed server are found.
//! Never: listens on a network; trusts a process id without looking at what runs under it.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::daemon::{is_ours, kill, terminate};
use super::{Farm, ReaderError, SlotStatus};
use crate::fault::{Fault, FaultPlan};

/// How long a leftover may take to end by itself.
const END_LIMIT: Duration = Duration::from_secs(5);
/// How long a request may take: inserting waits for the daemon's poll.
const REPLY_LIMIT: Duration = Duration::from_secs(30);

/// A request to the card server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// What is where.
    Status,
    /// Put a card in.
    Insert {
        /// Slot.
        slot: usize,
        /// Image; absolute.
        image: PathBuf,
    },
    /// Pull the card.
    Eject {
        /// Slot.
        slot: usize,
    },
    /// Pull the card and put in the next one of the hopper.
    Next {
        /// Slot.
        slot: usize,
    },
    /// Add a fault.
    AddFault {
        /// Slot.
        slot: usize,
        /// What is to happen.
        fault: Fault,
    },
    /// Forget all faults.
    ClearFaults {
        /// Slot.
        slot: usize,
    },
    /// End.
    Stop,
}

/// A reply of the card server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub enum Reply {
    /// Done; the image concerned, where there is one.
    Done {
        /// Image put in, or pulled.
        image: Option<PathBuf>,
    },
    /// State of everything.
    Status(Status),
    /// Refused.
    Refused {
        /// Stable code.
        code: String,
        /// What happened.
        message: String,
    },
}

/// State of a card server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Path for `PCSCLITE_CSOCK_NAME`.
    pub csock: PathBuf,
    /// Process id of the card server.
    pub server_pid: u32,
    /// Process id of the PC/SC daemon.
    pub daemon_pid: u32,
    /// Whether the daemon still runs.
    pub daemon_runs: bool,
    /// All slots.
    pub slots: Vec<SlotStatus>,
}

/// Process ids, for those who come after a killed server.
#[derive(Serialize, Deserialize)]
struct Record {
    server_pid: u32,
    daemon_pid: u32,
}

fn control_socket(state: &Path) -> PathBuf {
    state.join("control.sock")
}

fn record_file(state: &Path) -> PathBuf {
    state.join("processes.json")
}

/// Serves requests until one says stop, then ends the farm. Each client has a thread: one that waits for a reader to notice
/// its card does not hold up the others.
///
/// # Errors
/// [`ReaderError`] when the socket or the state file cannot be made.
pub fn serve(farm: Farm, state: &Path) -> Result<(), ReaderError> {
    let fault = |path: PathBuf| move |source| ReaderError::State { path, source };
    let record = Record { server_pid: std::process::id(), daemon_pid: farm.daemon_pid() };
    let file = record_file(state);
    fs::write(&file, serde_json::to_vec(&record).expect("plain data")).map_err(fault(file.clone()))?;
    let socket = control_socket(state);
    drop(fs::remove_file(&socket));
    let listener = UnixListener::bind(&socket).map_err(fault(socket.clone()))?;
    let stopped = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for stream in listener.incoming() {
            if stopped.load(Ordering::Acquire) {
                break;
            }
            let Ok(stream) = stream else { continue };
            let (farm, stopped, socket) = (&farm, &stopped, &socket);
            scope.spawn(move || {
                // A client that breaks off harms only itself.
                if let Ok(true) = converse(farm, &stream) {
                    stopped.store(true, Ordering::Release);
                    // Wakes the listener; when it fails the listener is gone already.
                    drop(UnixStream::connect(socket));
                }
            });
        }
    });
    drop(farm);
    drop(fs::remove_file(&socket));
    drop(fs::remove_file(&file));
    Ok(())
}

/// Answers one client; whether it said stop.
fn converse(farm: &Farm, stream: &UnixStream) -> io::Result<bool> {
    stream.set_read_timeout(Some(REPLY_LIMIT))?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    let Ok(request) = serde_json::from_str::<Request>(&line) else {
        let (code, message) = ("REQUEST_MALFORMED".to_owned(), "the request is not known".to_owned());
        return answer(stream, &Reply::Refused { code, message }).map(|()| false);
    };
    let stop = request == Request::Stop;
    let reply = carry_out(farm, request)
        .unwrap_or_else(|error| Reply::Refused { code: error.code().to_owned(), message: error.to_string() });
    answer(stream, &reply).map(|()| stop)
}

fn answer(mut stream: &UnixStream, reply: &Reply) -> io::Result<()> {
    let mut line = serde_json::to_vec(reply).expect("plain data");
    line.push(b'\n');
    stream.write_all(&line)
}

fn carry_out(farm: &Farm, request: Request) -> Result<Reply, ReaderError> {
    Ok(match request {
        Request::Status => Reply::Status(Status {
            csock: farm.csock().to_owned(),
            server_pid: std::process::id(),
            daemon_pid: farm.daemon_pid(),
            daemon_runs: farm.daemon_runs(),
            slots: farm.status(),
        }),
        Request::Insert { slot, image } => {
            farm.insert(slot, &image)?;
            Reply::Done { image: Some(image) }
        }
        Request::Eject { slot } => Reply::Done { image: farm.eject(slot)? },
        Request::Next { slot } => Reply::Done { image: farm.next(slot)? },
        Request::AddFault { slot, fault } => {
            let mut plan = farm.faults(slot)?;
            plan.add(fault);
            farm.set_faults(slot, plan)?;
            Reply::Done { image: None }
        }
        Request::ClearFaults { slot } => {
            farm.set_faults(slot, FaultPlan::default())?;
            Reply::Done { image: None }
        }
        Request::Stop => Reply::Done { image: None },
    })
}

/// Asks the card server of a state folder.
///
/// # Errors
/// [`ReaderError::NotRunning`]; [`ReaderError::Server`] with the server's own refusal.
pub fn ask(state: &Path, request: &Request) -> Result<Reply, ReaderError> {
    let mut stream =
        UnixStream::connect(control_socket(state)).map_err(|_| ReaderError::NotRunning(state.to_owned()))?;
    let mut line = serde_json::to_vec(request).expect("plain data");
    line.push(b'\n');
    let mut reply = String::new();
    stream
        .set_read_timeout(Some(REPLY_LIMIT))
        .and_then(|()| stream.write_all(&line))
        .and_then(|()| BufReader::new(&stream).read_line(&mut reply))
        .map_err(ReaderError::Network)?;
    match serde_json::from_str(&reply) {
        Ok(Reply::Refused { code, message }) => Err(ReaderError::Server { code, message }),
        Ok(reply) => Ok(reply),
        Err(error) => Err(ReaderError::Network(error.into())),
    }
}

/// The status of the card server of a state folder.
///
/// # Errors
/// As [`ask`].
pub fn status(state: &Path) -> Result<Status, ReaderError> {
    match ask(state, &Request::Status)? {
        Reply::Status(status) => Ok(status),
        Reply::Done { .. } | Reply::Refused { .. } => {
            Err(ReaderError::Network(io::Error::from(io::ErrorKind::InvalidData)))
        }
    }
}

/// Ends everything that was started in a state folder, also what a killed server left behind. Whether there was any.
///
/// # Errors
/// [`ReaderError::State`] when leftovers cannot be removed.
pub fn stop(state: &Path) -> Result<bool, ReaderError> {
    let processes: Option<Record> =
        fs::read(record_file(state)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let asked = ask(state, &Request::Stop).is_ok();
    let mut found = asked;
    if let Some(Record { server_pid, daemon_pid }) = processes {
        for (pid, told) in [(server_pid, asked), (daemon_pid, asked)] {
            found |= end(pid, state, told);
        }
    }
    for leftover in [control_socket(state), record_file(state)] {
        match fs::remove_file(&leftover) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(ReaderError::State { path: leftover, source });
            }
            _ => {}
        }
    }
    match fs::remove_dir_all(state.join("pcscd")) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(ReaderError::State { path: state.join("pcscd"), source })
        }
        _ => Ok(found),
    }
}

/// Waits for a process to end, and makes it end. Whether there was one of ours.
fn end(pid: u32, state: &Path, told: bool) -> bool {
    if !is_ours(pid, state) {
        return false;
    }
    if !told {
        terminate(pid);
    }
    if !gone_within(END_LIMIT, pid, state) {
        kill(pid);
        // Until it is gone it may take away what its successor makes.
        gone_within(END_LIMIT, pid, state);
    }
    true
}

fn gone_within(limit: Duration, pid: u32, state: &Path) -> bool {
    let deadline = Instant::now() + limit;
    while is_ours(pid, state) {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}
