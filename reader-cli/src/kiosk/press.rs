//! Certificates on paper: drawn, and given to the site's printing program, which may hang.
//!
//! Owns: how long that program has; that nothing of it is left. Never: keeps a document, asks the centre.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use settlement::query::{CERTIFICATE_PATH, CertificateAnswer};
use zeroize::Zeroizing;

use crate::paper;

/// How long a printing program has when the site says nothing.
pub const PRINT_WITHIN: Duration = Duration::from_secs(20);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// How certificates are made.
#[derive(Clone, Debug)]
pub struct Press {
    /// Font of the document.
    pub font: Option<PathBuf>,
    /// Address where anybody checks them.
    pub check: Option<String>,
    /// Program that takes a document on its standard input.
    pub printer: Option<PathBuf>,
    /// How long that program may take.
    pub within: Duration,
}

impl Press {
    /// What the QR code of a certificate holds: an address with its code, or the code.
    #[must_use]
    pub fn address(&self, code: &str) -> String {
        self.check
            .as_deref()
            .map_or_else(|| code.to_owned(), |check| format!("{}{CERTIFICATE_PATH}{code}", check.trim_end_matches('/')))
    }

    /// Prints; whether the program took the document in time. It takes a while: not for a thread that others wait for.
    #[must_use]
    pub fn print(&self, answer: &CertificateAnswer) -> bool {
        let Some(printer) = &self.printer else { return false };
        let font = paper::Font::find(self.font.as_deref());
        font.is_ok_and(|font| {
            let document = Zeroizing::new(paper::certificate(answer, &font, self.check.as_deref()));
            given(printer, document, self.within).unwrap_or(false)
        })
    }
}

/// Gives a document to a program; whether it took it. One that is not done in time is ended, with whatever it started.
fn given(program: &Path, document: Zeroizing<Vec<u8>>, within: Duration) -> std::io::Result<bool> {
    let mut command = Command::new(program);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0);
    let mut child = command.spawn()?;
    let mut pipe = child.stdin.take();
    // A program that does not read must not hold us: the pipe breaks when it is ended.
    let writer = std::thread::spawn(move || pipe.as_mut().is_none_or(|pipe| pipe.write_all(&document).is_ok()));
    let until = Instant::now() + within;
    loop {
        // What it started may still read when it has ended itself.
        if let (Some(status), true) = (child.try_wait()?, writer.is_finished()) {
            return Ok(status.success() && writer.join().unwrap_or(false));
        }
        if Instant::now() >= until {
            end(&mut child);
            child.wait()?;
            return Ok(false);
        }
        std::thread::sleep(LOOK);
    }
}

/// Ends a program and what it started. One that has ended already needs no more.
fn end(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_hangs_is_ended_with_what_it_started_and_one_that_fails_took_nothing() {
        let folder = tempfile::tempdir().expect("folder");
        let mark = folder.path().join("started");
        let script = |text: &str| {
            let path = folder.path().join("printer");
            std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("written");
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("may be run");
            path
        };
        let document = || Zeroizing::new(vec![7; 1_000_000]);
        let took = |text: &str, within| given(&script(text), document(), within).expect("it is started");
        assert!(took("exec cat >/dev/null", PRINT_WITHIN));
        assert!(!took("cat >/dev/null; exit 3", PRINT_WITHIN), "it says that it failed");
        let began = Instant::now();
        assert!(!took(&format!("sleep 600 & echo $! >{}; wait", mark.display()), Duration::from_millis(300)));
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
        let sleeper = std::fs::read_to_string(&mark).expect("it had started").trim().to_owned();
        let gone = (0..500).any(|_| {
            std::thread::sleep(LOOK / 2);
            let status = std::fs::read_to_string(format!("/proc/{sleeper}/status")).unwrap_or_default();
            status.is_empty() || status.contains("State:\tZ")
        });
        assert!(gone, "what it started is gone too");
        assert!(given(Path::new("/nowhere/printer"), document(), PRINT_WITHIN).is_err());
    }
}
