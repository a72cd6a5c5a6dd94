//! A line to the server of the tests that breaks where a test says: beside a commit, whose answer nobody gets.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const COMMIT: &[u8] = b"COMMIT\0";
/// Nothing breaks.
const WHOLE: u8 = 0;
/// The next COMMIT does not reach the server.
const BEFORE: u8 = 1;
/// The next COMMIT is carried out, and its answer is lost.
const BEHIND: u8 = 2;
/// The same, and nobody is let in again.
const FOR_GOOD: u8 = 3;
/// Nobody is let in.
const SHUT: u8 = 4;

/// The line.
pub(crate) struct Cut {
    breaks: Arc<AtomicU8>,
    _folder: tempfile::TempDir,
}

impl Cut {
    /// A line to the server of this address, and the address of its near end.
    pub(crate) fn of(url: &str) -> (Self, String) {
        let (before, host) = url.split_once("host=").expect("a folder of sockets");
        let (host, after) = host.split_once('&').unwrap_or((host, ""));
        let folder = tempfile::tempdir().expect("folder");
        let near = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).expect("a socket");
        let (breaks, far) = (Arc::new(AtomicU8::new(WHOLE)), format!("{host}/.s.PGSQL.5432"));
        let url = format!("{before}host={}&{after}", folder.path().display());
        let ours = Arc::clone(&breaks);
        // It ends with the tests' process.
        std::thread::spawn(move || {
            for near in near.incoming().map_while(Result::ok) {
                if ours.load(Ordering::SeqCst) != SHUT {
                    join(near, UnixStream::connect(&far).expect("the server"), &ours);
                }
            }
        });
        (Self { breaks, _folder: folder }, url)
    }

    /// The next COMMIT does not reach the server.
    pub(crate) fn before(&self) {
        self.breaks.store(BEFORE, Ordering::SeqCst);
    }

    /// The next COMMIT is carried out, and its answer is lost.
    pub(crate) fn behind(&self) {
        self.breaks.store(BEHIND, Ordering::SeqCst);
    }

    /// The same, and the server is not to be reached again.
    pub(crate) fn for_good(&self) {
        self.breaks.store(FOR_GOOD, Ordering::SeqCst);
    }

    /// The server is to be reached.
    pub(crate) fn mend(&self) {
        self.breaks.store(WHOLE, Ordering::SeqCst);
    }

    /// Whether it broke as it was to.
    pub(crate) fn is_whole(&self) -> bool {
        self.breaks.load(Ordering::SeqCst) == WHOLE
    }
}

fn join(near: UnixStream, far: UnixStream, breaks: &Arc<AtomicU8>) {
    let lost = Arc::new(AtomicU8::new(WHOLE));
    let (mut asks, mut takes) = (near.try_clone().expect("a socket"), far.try_clone().expect("a socket"));
    let (ours, theirs, dies) = (Arc::clone(breaks), Arc::clone(&lost), [near.try_clone(), far.try_clone()]);
    std::thread::spawn(move || {
        let mut bytes = [0; 1 << 16];
        while let Ok(count @ 1..) = asks.read(&mut bytes) {
            let said = &bytes[..count];
            if said.windows(COMMIT.len()).any(|part| part == COMMIT) {
                match ours.load(Ordering::SeqCst) {
                    BEFORE => {
                        ours.store(WHOLE, Ordering::SeqCst);
                        break;
                    }
                    how @ (BEHIND | FOR_GOOD) => theirs.store(how, Ordering::SeqCst),
                    _ => {}
                }
            }
            if takes.write_all(said).is_err() {
                break;
            }
        }
        end(dies);
    });
    let (mut tells, mut hears, ours) = (far, near, Arc::clone(breaks));
    std::thread::spawn(move || {
        let mut bytes = [0; 1 << 16];
        while let Ok(count @ 1..) = tells.read(&mut bytes) {
            let how = lost.load(Ordering::SeqCst);
            if how != WHOLE {
                // It is done: the server says so.
                ours.store(if how == FOR_GOOD { SHUT } else { WHOLE }, Ordering::SeqCst);
                break;
            }
            if hears.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        end([Ok(tells), Ok(hears)]);
    });
}

fn end(sockets: [std::io::Result<UnixStream>; 2]) {
    for socket in sockets.into_iter().flatten() {
        // The other side may be gone already.
        let _ = socket.shutdown(Shutdown::Both);
    }
}
