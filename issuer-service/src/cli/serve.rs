//! `issuer serve`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use settlement::Accounts;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{Common, self_test};
use crate::centre::doors::Doors;
use crate::centre::{Centre, CentreError};
use crate::clearing::refusal::ClearingError;
use crate::error::Error;
use crate::exit::Exit;
use crate::http::connection::Limits;
use crate::http::operators::{self, LOOKERS, OperatorDesk};
use crate::http::station::{StationDesk, VaultSource};
use crate::http::tls::{self, TlsEdge};
use crate::http::{self, Desk};
use crate::output::Output;
use crate::peer::PeerError;
use crate::query::pages;
use crate::store::{Store, StoreError};
use crate::vault::authority::Authority;
use crate::vault::{Vault, passphrase};

/// Options of `serve`: each comes before its row in `[serve]` of `centre.toml`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Address of this machine for terminals on it, over plain HTTP, and for the public checks; port 0 takes a free one. 127.0.0.1:7301
    /// when nothing is said.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Write the port to this file once the server answers.
    #[arg(long, value_name = "FILE")]
    port_file: Option<PathBuf>,
    /// Address for terminals and stations elsewhere over TLS with certificates of this centre; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    tls: Option<SocketAddr>,
    /// Name or IP address under which terminals, stations and operators know this centre; may be given several times. This machine's own
    /// when nothing is said.
    #[arg(long = "tls-name", value_name = "NAME")]
    tls_names: Vec<String>,
    /// Write the port for terminals and stations to this file once the server answers.
    #[arg(long, value_name = "FILE")]
    tls_port_file: Option<PathBuf>,
    /// Address for operators and programs that act for them, over TLS with a certificate of this centre; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    operators: Option<SocketAddr>,
    /// Serve operators without TLS: at an address of this machine only.
    #[arg(long)]
    operators_plain: bool,
    /// Write the port for operators to this file once the server answers.
    #[arg(long, value_name = "FILE")]
    operators_port_file: Option<PathBuf>,
    /// Make the self-test first, and serve nothing when something fails (exit code 7).
    #[arg(long)]
    self_test: bool,
}

/// Between two looks whether a database server answers.
const DATABASE_AGAIN: Duration = Duration::from_secs(5);

impl Serve {
    /// The doors of the site, and before them what was typed.
    fn doors(&self, site: &Doors) -> Doors {
        let Doors { listen, tls, tls_names, operators, operators_plain } = site.clone();
        Doors {
            listen: self.listen.unwrap_or(listen),
            tls: self.tls.or(tls),
            tls_names: if self.tls_names.is_empty() { tls_names } else { self.tls_names.clone() },
            operators: self.operators.or(operators),
            operators_plain: self.operators_plain || operators_plain,
        }
    }
}

pub(super) fn run(common: &Common, options: &Serve, output: &Output) -> Result<Exit, Error> {
    let mut centre = opened(common, output)?;
    if options.self_test {
        let tested = self_test::run(common, output)?;
        if tested != Exit::Ok {
            return Ok(tested);
        }
    }
    let doors = options.doors(&centre.config.serve);
    let address = doors.listen;
    if !address.ip().is_loopback() {
        return Err(ClearingError::NotLoopback { address }.into());
    }
    let plain = doors.operators.filter(|_| doors.operators_plain);
    if let Some(address) = plain.filter(|address| !address.ip().is_loopback()) {
        return Err(ClearingError::NotLoopback { address }.into());
    }
    let vault = common.vault(&centre, output)?;
    let mut store = centre.connect()?;
    // Certificates and tickets are about people; a centre without data keys has nobody yet.
    if centre.data_keys_path().exists() {
        store.unlock(common.data_keys(&mut centre, output)?)?;
    }
    let desk = Desk::new(store, &vault, &centre.config, Accounts::builtin(), output.lang());
    let desk = Arc::new(desk.with_pages(centre.folder.join(pages::FOLDER)));
    let stations = match doors.tls {
        Some(address) => Some((address, stations(common, &doors, &mut centre, vault, output)?)),
        None => None,
    };
    let operators = match doors.operators {
        Some(address) => Some((address, operators(common, &doors, &mut centre, output)?)),
        None => None,
    };
    let log = centre.config.log;
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
        let door = match &operators {
            Some((address, (config, desk))) => {
                let listener = http::listen(*address).await.map_err(failed(*address))?;
                let bound = listener.local_addr().map_err(failed(*address))?;
                let door = match config {
                    Some(config) => {
                        let edge = TlsEdge::new(listener, config.clone(), Limits::of_people());
                        Door::Tls(Box::new(edge.map_err(failed(*address))?))
                    }
                    None => Door::Here(listener),
                };
                Some((bound, door, Arc::clone(desk)))
            }
            None => None,
        };
        output.log(log);
        let mut terminate = signal(SignalKind::terminate()).map_err(failed(address))?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed(address))?;
        write_port(options.port_file.as_deref(), bound.port())?;
        output.notice(&format!("正在监听 http://{bound}"), &format!("listening on http://{bound}"));
        if let Some((_, bound, ..)) = &edge {
            write_port(options.tls_port_file.as_deref(), bound.port())?;
            output.notice(&format!("正在监听 https://{bound}"), &format!("listening on https://{bound}"));
        }
        if let Some((bound, door, _)) = &door {
            write_port(options.operators_port_file.as_deref(), bound.port())?;
            let scheme = if matches!(door, Door::Tls(_)) { "https" } else { "http" };
            output.notice(&format!("操作员: {scheme}://{bound}"), &format!("for operators: {scheme}://{bound}"));
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
        let terminals_desk = Arc::clone(&desk);
        let remote = async {
            if let Some((_, _, edge, desk)) = edge {
                let desks = (desk, Arc::clone(&terminals_desk));
                http::serve_remote(desks, edge, Limits::default(), stopped(stop.clone())).await;
            }
        };
        let people = async {
            let stop = stopped(stop.clone());
            match door {
                Some((_, Door::Tls(edge), desk)) => operators::serve(desk, *edge, Limits::of_people(), stop).await,
                Some((_, Door::Here(listener), desk)) => {
                    operators::serve_here(desk, listener, Limits::of_people(), stop).await;
                }
                None => {}
            }
        };
        tokio::join!(terminals, remote, people);
        Ok::<_, Error>(())
    })?;
    output.notice("已停止", "stopped");
    Ok(Exit::Ok)
}

/// The centre, once its database server answers: after a power cut this machine may be up first.
fn opened(common: &Common, output: &Output) -> Result<Centre, Error> {
    let mut told = false;
    loop {
        match common.centre() {
            Err(Error::Centre(CentreError::Store(StoreError::Gone))) => {
                if !told {
                    output
                        .notice("数据库服务器没有应答，等待中", "the database server does not answer; waiting for it");
                }
                told = true;
                std::thread::sleep(DATABASE_AGAIN);
            }
            opened => return opened,
        }
    }
}

/// What stations are served with. The desk is kept by the caller: it closes the database, which must not be async code.
fn stations(
    common: &Common,
    doors: &Doors,
    centre: &mut Centre,
    vault: Vault,
    output: &Output,
) -> Result<(rustls::ServerConfig, Arc<StationDesk>), Error> {
    let path = centre.authority_path();
    if !path.exists() {
        return Err(PeerError::NoAuthority.into());
    }
    let passphrase = passphrase::to_open(&centre.folder, common.passphrase.as_ref(), output)?;
    let config = tls::config(&Authority::open(&path, &passphrase)?, &doors.tls_names)?;
    let source = VaultSource { path: centre.vault_path(), passphrase };
    let data_keys = common.data_keys(centre, output)?;
    let mut store = centre.connect()?;
    store.unlock(data_keys)?;
    let desk = StationDesk::new(store, vault, source, centre.config.clone(), centre.config.made());
    Ok((config, Arc::new(desk)))
}

/// How operators reach the centre.
enum Door {
    Tls(Box<TlsEdge>),
    Here(TcpListener),
}

/// What operators are served with; no TLS when that is said.
fn operators(
    common: &Common,
    doors: &Doors,
    centre: &mut Centre,
    output: &Output,
) -> Result<(Option<rustls::ServerConfig>, Arc<OperatorDesk>), Error> {
    let config = if doors.operators_plain {
        None
    } else {
        let path = centre.authority_path();
        if !path.exists() {
            return Err(PeerError::NoAuthority.into());
        }
        let passphrase = passphrase::to_open(&centre.folder, common.passphrase.as_ref(), output)?;
        Some(tls::config_for_people(&Authority::open(&path, &passphrase)?, &doors.tls_names)?)
    };
    let data_keys = common.data_keys(centre, output)?;
    let connect = |centre: &Centre| -> Result<Store, Error> {
        let mut store = centre.connect()?;
        store.unlock(Arc::clone(&data_keys))?;
        Ok(store)
    };
    let (store, door) = (connect(centre)?, connect(centre)?);
    let lookers = (0..LOOKERS).map(|_| connect(centre)).collect::<Result<Vec<_>, _>>()?;
    let desk = OperatorDesk::new([store, door], centre.config.clone(), config.is_some()).with_lookers(lookers);
    Ok((config, Arc::new(desk.in_folder(centre))))
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
