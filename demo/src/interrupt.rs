//! What the demo started must not outlive it: on Ctrl-C and SIGTERM, and, after kill -9, at the next start.
//!
//! Owns: the thread that waits for the signal; the list of long-running processes, in memory and in the demo's folder.
//! Never: ends a process that does not name the demo's folder on its command line: its number may belong to another by now.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::programs::terminate;
use crate::readers::state_folder;

static BEGUN: AtomicBool = AtomicBool::new(false);
static PROCESSES: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Exit code of a program that SIGINT ended, as shells give it.
const INTERRUPTED: i32 = 130;
/// How long a process may take to end politely.
const END_LIMIT: Duration = Duration::from_secs(3);
/// File of process numbers in the demo's folder.
const LIST: &str = "processes";

/// A process to be ended with the demo of `root`.
pub fn end_with_us(root: &Path, process: u32) {
    PROCESSES.lock().expect("no holder panics").push(process);
    let list = fs::OpenOptions::new().create(true).append(true).open(root.join(LIST));
    // Without the list only a killed demo leaves something behind.
    let _ = list.and_then(|mut list| writeln!(list, "{process}"));
}

/// Ends what an earlier demo left running in `root`.
pub fn end_leftovers(card_sim: &Path, root: &Path) {
    let list = fs::read_to_string(root.join(LIST)).unwrap_or_default();
    end(list.lines().filter_map(|line| line.parse().ok()).collect(), root);
    stop_readers(card_sim, root);
}

/// From now on a signal ends the processes and readers of `root`, then the demo.
pub fn watch(card_sim: PathBuf, root: PathBuf) {
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let Ok(mut terminated) = signal(SignalKind::terminate()) else { return };
            tokio::select! {
                _ = tokio::signal::ctrl_c() => (),
                _ = terminated.recv() => (),
            }
            BEGUN.store(true, Ordering::Release);
            end(std::mem::take(&mut *PROCESSES.lock().expect("no holder panics")), &root);
            stop_readers(&card_sim, &root);
            std::process::exit(INTERRUPTED);
        });
    });
}

/// Once a signal has come, the steps have nothing more to say: what they see is only what is being ended.
pub fn give_way() {
    while BEGUN.load(Ordering::Acquire) {
        std::thread::park();
    }
}

/// Stops the readers of `root`, if any run.
pub fn stop_readers(card_sim: &Path, root: &Path) {
    let state = state_folder(root);
    if state.exists() {
        let mut stop = Command::new(card_sim);
        stop.args(["reader", "stop", "--state"]).arg(state);
        // Nothing to stop is what was wanted.
        let _ = stop.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

fn end(mut processes: Vec<u32>, root: &Path) {
    processes.retain(|process| works_for(*process, root));
    processes.iter().for_each(|process| terminate(*process));
    if gone(&processes, root) {
        return;
    }
    for process in processes.iter().filter(|process| works_for(**process, root)) {
        let _ = Command::new("kill").arg("-KILL").arg(process.to_string()).status();
    }
    gone(&processes, root);
}

/// Whether they ended in time.
fn gone(processes: &[u32], root: &Path) -> bool {
    let deadline = Instant::now() + END_LIMIT;
    while processes.iter().any(|process| works_for(*process, root)) {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

/// Whether a process runs and names `root` on its command line; one that has ended names nothing.
fn works_for(process: u32, root: &Path) -> bool {
    let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).contains(&*root.to_string_lossy())
}
