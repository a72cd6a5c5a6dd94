//! `issuer serve`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use settlement::Accounts;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::Common;
use crate::centre::Centre;
use crate::clearing::refusal::ClearingError;
use crate::error::Error;
use crate::exit::Exit;
use crate::http::connection::Limits;
use crate::http::station::{StationDesk, VaultSource};
use crate::http::tls::{self, TlsEdge};
use crate::http::{self, Desk};
use crate::output::Output;
use crate::peer::PeerError;
use crate::vault::authority::Authority;
use crate::vault::{Vault, passphrase};

/// Options of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Address of this machine for terminals over plain HTTP; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7301")]
    listen: SocketAddr,
    /// Write the port to this file once the server answers.
    #[arg(long, value_name = "FILE")]
    port_file: Option<PathBuf>,
    /// Address for remote stations over TLS with certificates of this centre; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    tls: Option<SocketAddr>,
    /// Name or IP address under which stations know this centre; may be given several times.
    #[arg(long = "tls-name", value_name = "NAME", default_values = ["localhost", "127.0.0.1"], requires = "tls")]
    tls_names: Vec<String>,
    /// Write the port for stations to this file once the server answers.
    #[arg(long, value_name = "FILE", requires = "tls")]
    tls_port_file: Option<PathBuf>,
}

pub(super) fn run(common: &Common, options: &Serve, output: &Output) -> Result<Exit, Error> {
    let address = options.listen;
    if !address.ip().is_loopback() {
        return Err(ClearingError::NotLoopback { address }.into());
    }
    let mut centre = common.centre()?;
    let vault = common.vault(&centre, output)?;
    let desk = Desk::new(centre.connect()?, &vault, &centre.config, Accounts::builtin(), output.lang());
    let desk = Arc::new(desk);
    let stations = match options.tls {
        Some(address) => Some((address, stations(common, options, &mut centre, vault, output)?)),
        None => None,
    };
    let failed = |address| move |source| Error::from(ClearingError::Listen { address, source });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(failed(address))?.block_on(async {
        let listener = http::listen(address).await.map_err(failed(address))?;
        let bound = listener.local_addr().map_err(failed(address))?;
        let edge = match &stations {
            Some((address, (config, desk))) => {
                let listener = http::listen(*address).await.map_err(failed(*address))?;
                let bound = listener.local_addr().map_err(failed(*address))?;
                let edge = TlsEdge::new(listener, config.clone(), Limits::default()).map_err(failed(*address))?;
                Some((*address, bound, edge, Arc::clone(desk)))
            }
            None => None,
        };
        let mut terminate = signal(SignalKind::terminate()).map_err(failed(address))?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed(address))?;
        write_port(options.port_file.as_deref(), bound.port())?;
        output.notice(&format!("正在监听 http://{bound}"), &format!("listening on http://{bound}"));
        if let Some((_, bound, ..)) = &edge {
            write_port(options.tls_port_file.as_deref(), bound.port())?;
            output.notice(&format!("正在监听 https://{bound}"), &format!("listening on https://{bound}"));
        }
        let (stopping, stop) = watch::channel(());
        let signalled = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            drop(stopping);
        };
        tokio::spawn(signalled);
        let stopped = |mut stop: watch::Receiver<()>| async move {
            // The sender is dropped when a signal has come.
            while stop.changed().await.is_ok() {}
        };
        let terminals = http::serve(Arc::clone(&desk), listener, Limits::default(), stopped(stop.clone()));
        let remote = async {
            if let Some((_, _, edge, desk)) = edge {
                http::serve_stations(desk, edge, Limits::default(), stopped(stop.clone())).await;
            }
        };
        tokio::join!(terminals, remote);
        Ok::<_, Error>(())
    })?;
    output.notice("已停止", "stopped");
    Ok(Exit::Ok)
}

/// What stations are served with. The desk is kept by the caller: it closes the database, which must not be async code.
fn stations(
    common: &Common,
    options: &Serve,
    centre: &mut Centre,
    vault: Vault,
    output: &Output,
) -> Result<(rustls::ServerConfig, Arc<StationDesk>), Error> {
    let path = centre.authority_path();
    if !path.exists() {
        return Err(PeerError::NoAuthority.into());
    }
    let passphrase = passphrase::to_open(&centre.folder, common.passphrase.as_ref(), output)?;
    let config = tls::config(&Authority::open(&path, &passphrase)?, &options.tls_names)?;
    let source = VaultSource { path: centre.vault_path(), passphrase };
    let data_keys = common.data_keys(centre, output)?;
    let mut store = centre.connect()?;
    store.unlock(data_keys)?;
    let desk = StationDesk::new(store, vault, source, centre.config.clone(), Centre::card_profile());
    Ok((config, Arc::new(desk)))
}

/// Whole or not at all: a reader never sees half a number.
fn write_port(path: Option<&Path>, port: u16) -> Result<(), Error> {
    let Some(path) = path else { return Ok(()) };
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let written = std::fs::write(&new, format!("{port}\n")).and_then(|()| std::fs::rename(new, path));
    written.map_err(|source| ClearingError::File { path: path.to_owned(), source }.into())
}
