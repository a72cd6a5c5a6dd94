//! `card-sim reader …`: the detached card server, and commands to it.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Failure;
use super::arguments::{Reader, Start, State};
use super::output::Output;
use crate::memory::Durability;
use crate::reader::control::{self, Reply, Request};
use crate::reader::{Farm, ReaderError};

/// Between two looks whether the server is ready.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Bytes of the server's report that an error shows.
const REPORT_MAX: usize = 2000;

pub(crate) fn carry_out(state: &State, reader: Reader, output: &Output) -> Result<(), Failure> {
    match reader {
        Reader::Start(start) => {
            let status = launch(state, &start)?;
            output.started(&status);
        }
        Reader::Stop => {
            let folder = folder(state)?;
            let found = control::stop(&folder)?;
            output.stopped(found);
        }
        Reader::Insert { slot, image } => {
            let image = absolute(&image)?;
            report(state, &Request::Insert { slot, image }, output)?;
        }
        Reader::Eject { slot } => report(state, &Request::Eject { slot }, output)?,
        Reader::Next { slot } => match control::ask(&folder(state)?, &Request::Next { slot })? {
            Reply::Done { image: None } => return Err(Failure::HopperEmpty),
            Reply::Done { image } => output.done(image.as_deref()),
            Reply::Status(_) | Reply::Refused { .. } => {}
        },
        Reader::Status => output.status(&control::status(&folder(state)?)?),
        Reader::Fault { slot, faults } => {
            let folder = folder(state)?;
            if faults.clear {
                control::ask(&folder, &Request::ClearFaults { slot })?;
            }
            if let Some(fault) = faults.fault() {
                control::ask(&folder, &Request::AddFault { slot, fault })?;
            }
            output.done(None);
        }
        Reader::Serve(start) => {
            let folder = folder(state)?;
            let durability = if start.no_sync { Durability::Process } else { Durability::Disk };
            let mut farm = Farm::start_with(&folder, start.slots, &start.images, durability)?;
            farm.set_hopper(start.hopper);
            control::serve(farm, &folder)?;
        }
    }
    Ok(())
}

fn report(state: &State, request: &Request, output: &Output) -> Result<(), Failure> {
    if let Reply::Done { image } = control::ask(&folder(state)?, request)? {
        output.done(image.as_deref());
    }
    Ok(())
}

/// Starts the card server as a process of its own and waits until its readers are there.
fn launch(state: &State, start: &Start) -> Result<control::Status, Failure> {
    let folder = folder(state)?;
    match control::status(&folder) {
        Ok(status) if status.daemon_runs => return Err(ReaderError::Running(folder).into()),
        _ => control::stop(&folder)?,
    };
    let file = |path: &Path| {
        let path = path.to_owned();
        move |source| Failure::File { path, source }
    };
    let log_path = folder.join("server.log");
    let log = fs::File::create(&log_path).map_err(file(&log_path))?;
    let program = std::env::current_exe().map_err(file(Path::new("card-sim")))?;
    let mut command = Command::new(&program);
    command.args(["reader", "serve", "--state"]).arg(&folder).arg("--slots").arg(start.slots.to_string());
    if let Some(hopper) = &start.hopper {
        command.arg("--hopper").arg(absolute(hopper)?);
    }
    if start.no_sync {
        command.arg("--no-sync");
    }
    for image in &start.images {
        command.arg(absolute(image)?);
    }
    // Its own process group: an interrupt at the terminal is not meant for it.
    let mut server = command
        .process_group(0)
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(file(&program))?;
    loop {
        if let Ok(status) = control::status(&folder) {
            return Ok(status);
        }
        if let Ok(Some(ended)) = server.try_wait() {
            let bytes = fs::read(&log_path).unwrap_or_default();
            let tail = bytes.get(bytes.len().saturating_sub(REPORT_MAX)..).unwrap_or_default();
            let report = String::from_utf8_lossy(tail).trim().to_owned();
            return Err(Failure::ServerEnded { code: ended.code().unwrap_or_default(), report });
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// The state folder, made if need be: as given, or one of the user's own.
fn folder(state: &State) -> Result<PathBuf, Failure> {
    let folder = state.folder.clone().unwrap_or_else(default_folder);
    let fault = |source| Failure::File { path: folder.clone(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(fault)?;
    // The daemon loads driver copies from here: a folder that someone else made in a shared place will not do.
    if state.folder.is_none() && fs::metadata(&folder).map_err(fault)?.uid() != user() {
        return Err(fault(io::ErrorKind::PermissionDenied.into()));
    }
    fs::canonicalize(&folder).map_err(fault)
}

fn user() -> u32 {
    fs::metadata("/proc/self").map(|meta| meta.uid()).unwrap_or_default()
}

fn default_folder() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(runtime) => PathBuf::from(runtime).join("card-sim"),
        None => std::env::temp_dir().join(format!("card-sim-{}", user())),
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|source| Failure::File { path: path.to_owned(), source })
}
