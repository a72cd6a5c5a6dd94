//! A pcscd of our own: its socket, its configuration, its driver copies, its end.
//!
//! Source: pcsc-lite takes a listening socket as file descriptor 3 (`LISTEN_FDS`, `LISTEN_PID`); one copy of the vpcd
//! driver serves two slots, and each further pair needs a copy of the library file.
//! Owns: one child process and what it needs in the state folder. Never: needs root; outlives its owner.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::ReaderError;

/// Where distributions put the daemon.
const DAEMONS: [&str; 4] = ["/usr/sbin/pcscd", "/usr/bin/pcscd", "/usr/local/sbin/pcscd", "/sbin/pcscd"];
/// Where distributions put the driver.
const DRIVERS: [&str; 6] = [
    "/usr/lib/pcsc/drivers/serial/libifdvpcd.so",
    "/usr/lib64/pcsc/drivers/serial/libifdvpcd.so",
    "/usr/lib/x86_64-linux-gnu/pcsc/drivers/serial/libifdvpcd.so",
    "/usr/lib/aarch64-linux-gnu/pcsc/drivers/serial/libifdvpcd.so",
    "/usr/local/lib/pcsc/drivers/serial/libifdvpcd.so",
    "/usr/lib/readers/libifdvpcd.so",
];
/// Bytes of a Unix socket's path, the final zero included.
const SOCKET_PATH_MAX: usize = 108;
/// How long the daemon may take to end by itself.
const END_LIMIT: Duration = Duration::from_secs(5);
/// Bytes of the daemon's report that an error shows.
const REPORT_MAX: usize = 600;

/// A running pcscd.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    guard: Option<Child>,
    folder: PathBuf,
    csock: PathBuf,
}

impl Daemon {
    /// Starts it with one driver copy for each port.
    pub(crate) fn start(state: &Path, ports: &[u16]) -> Result<Self, ReaderError> {
        let program = first_file(&DAEMONS).ok_or(ReaderError::NoDaemon)?;
        let driver = first_file(&DRIVERS).ok_or(ReaderError::NoDriver)?;
        let fault = |path: &Path| {
            let path = path.to_owned();
            move |source| ReaderError::State { path, source }
        };
        let folder = state.join("pcscd");
        // What a killed predecessor left behind.
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fault(&folder)(error)),
            _ => {}
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(fault(&folder))?;
        let folder = fs::canonicalize(&folder).map_err(fault(&folder))?;
        let readers = folder.join("reader.conf");
        let mut text = String::new();
        for (index, port) in ports.iter().enumerate() {
            let library = folder.join(format!("driver-{index}.so"));
            fs::copy(&driver, &library).map_err(fault(&library))?;
            text.push_str(&format!(
                "FRIENDLYNAME \"card-sim-{index}\"\nDEVICENAME /dev/null:0x{port:04X}\nLIBPATH {}\nCHANNELID 0x{index:X}\n\n",
                library.display()
            ));
        }
        fs::write(&readers, text).map_err(fault(&readers))?;
        let csock = folder.join("pcscd.comm");
        if csock.as_os_str().len() >= SOCKET_PATH_MAX {
            return Err(ReaderError::PathTooLong(csock));
        }
        let listener = UnixListener::bind(&csock).map_err(fault(&csock))?;
        let log = folder.join("pcscd.log");
        let log = fs::File::create(&log).map_err(fault(&log))?;
        // The socket arrives as standard input; sh moves it to descriptor 3 and becomes the daemon, so that its process
        // id is the one that LISTEN_PID must name.
        let script = "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$; export LISTEN_FDS LISTEN_PID; exec \"$@\"";
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script, "sh"]).arg(&program).args(["--foreground", "--error", "-c"]).arg(&readers);
        if knows_polkit(&program) {
            command.arg("--disable-polkit");
        }
        let child = command
            .env_remove("PCSCLITE_CSOCK_NAME")
            .process_group(0)
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .stdout(log.try_clone().map_err(fault(&folder))?)
            .stderr(log)
            .spawn()
            .map_err(fault(&program))?;
        let guard = guard(child.id());
        Ok(Self { child, guard, folder, csock })
    }

    pub(crate) fn csock(&self) -> &Path {
        &self.csock
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The error for a daemon that does not do its work, with what it wrote last.
    pub(crate) fn failed(&mut self) -> ReaderError {
        let log = fs::read(self.folder.join("pcscd.log")).unwrap_or_default();
        let tail = log.get(log.len().saturating_sub(REPORT_MAX)..).unwrap_or_default();
        ReaderError::DaemonFailed { report: String::from_utf8_lossy(tail).trim().to_owned() }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            drop(guard.kill());
            drop(guard.wait());
        }
        if self.runs() {
            terminate(self.child.id());
            let deadline = Instant::now() + END_LIMIT;
            while self.runs() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
            }
            drop(self.child.kill());
        }
        drop(self.child.wait());
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// A process that ends the daemon when we are gone, however we went: its standard input closes.
fn guard(pid: u32) -> Option<Child> {
    Command::new("/bin/sh")
        .args(["-c", "read -r _; kill -TERM \"$1\" 2>/dev/null", "sh", &pid.to_string()])
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()
}

/// Asks a process to end.
pub(crate) fn terminate(pid: u32) {
    signal(pid, "-TERM");
}

/// Ends a process at once.
pub(crate) fn kill(pid: u32) {
    signal(pid, "-KILL");
}

fn signal(pid: u32, signal: &str) {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "kill \"$1\" \"$2\" 2>/dev/null", "sh", signal, &pid.to_string()]);
    // It is gone already when this fails.
    drop(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status());
}

/// Whether a process runs that was started with `folder` among its arguments, by the same user.
pub(crate) fn is_ours(pid: u32, folder: &Path) -> bool {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let Ok(arguments) = fs::read(process.join("cmdline")) else { return false };
    let owner = |path: &Path| fs::metadata(path).map(|meta| meta.uid()).ok();
    let needle = folder.as_os_str().as_encoded_bytes();
    owner(&process) == owner(Path::new("/proc/self")) && arguments.windows(needle.len()).any(|part| part == needle)
}

/// pcsc-lite built with polkit asks it about every client; a private daemon's clients are its owner's.
fn knows_polkit(program: &Path) -> bool {
    let help = Command::new(program).arg("--help").stdin(Stdio::null()).output();
    help.is_ok_and(|help| [help.stdout, help.stderr].concat().windows(14).any(|part| part == b"disable-polkit"))
}

fn first_file(candidates: &[&str]) -> Option<PathBuf> {
    candidates.iter().map(PathBuf::from).find(|path| path.is_file())
}
