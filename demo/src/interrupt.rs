//! Ctrl-C and SIGTERM: what the demo started must not outlive it.
//!
//! Owns: one thread that waits for the signal, and the list of what must be ended.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crate::programs::terminate;

static PROCESSES: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Exit code of a program that SIGINT ended, as shells give it.
const INTERRUPTED: i32 = 130;

/// A process to be ended with the demo.
pub fn end_with_us(process: u32) {
    PROCESSES.lock().expect("no holder panics").push(process);
}

/// From now on a signal ends the processes and the readers whose state is in `readers`, then the demo.
pub fn watch(card_sim: PathBuf, readers: PathBuf) {
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let Ok(mut terminated) = signal(SignalKind::terminate()) else { return };
            tokio::select! {
                _ = tokio::signal::ctrl_c() => (),
                _ = terminated.recv() => (),
            }
            for process in PROCESSES.lock().expect("no holder panics").drain(..) {
                terminate(process);
            }
            stop_readers(&card_sim, &readers);
            std::process::exit(INTERRUPTED);
        });
    });
}

/// Stops the readers of a state folder, if any run.
pub fn stop_readers(card_sim: &std::path::Path, readers: &std::path::Path) {
    if readers.exists() {
        let mut stop = Command::new(card_sim);
        stop.args(["reader", "stop", "--state"]).arg(readers);
        // Nothing to stop is what was wanted.
        let _ = stop.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}
