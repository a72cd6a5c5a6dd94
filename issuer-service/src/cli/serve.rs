//! `issuer serve`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use settlement::Accounts;
use tokio::signal::unix::{SignalKind, signal};

use super::Common;
use crate::clearing::refusal::ClearingError;
use crate::error::Error;
use crate::exit::Exit;
use crate::http::{self, Desk};
use crate::output::Output;

/// Options of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Address of this machine; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7301")]
    listen: SocketAddr,
    /// Write the port to this file once the server answers.
    #[arg(long, value_name = "FILE")]
    port_file: Option<PathBuf>,
}

pub(super) fn run(common: &Common, options: &Serve, output: &Output) -> Result<Exit, Error> {
    let address = options.listen;
    if !address.ip().is_loopback() {
        return Err(ClearingError::NotLoopback { address }.into());
    }
    let centre = common.centre()?;
    let vault = common.vault(&centre, output)?;
    let desk = Arc::new(Desk::new(centre.connect()?, vault.keys(), Accounts::builtin(), output.lang()));
    let failed = |source| Error::from(ClearingError::Listen { address, source });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        let listener = http::listen(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        if let Some(path) = &options.port_file {
            write_port(path, bound.port()).map_err(|source| ClearingError::File { path: path.clone(), source })?;
        }
        output.notice(&format!("正在监听 http://{bound}"), &format!("listening on http://{bound}"));
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        http::serve(Arc::clone(&desk), listener, stop).await.map_err(failed)
    })?;
    output.notice("已停止", "stopped");
    Ok(Exit::Ok)
}

/// Whole or not at all: a reader never sees half a number.
fn write_port(path: &Path, port: u16) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    std::fs::write(&new, format!("{port}\n"))?;
    std::fs::rename(new, path)
}
