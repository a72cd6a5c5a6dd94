//! TLS at the centre's edge: both sides show certificates of the centre's own authority.
//!
//! Source: TLS 1.3 (RFC 8446).
//! Owns: accepting, the limits of handshakes, which certificate a connection has. The same room serves every kind of peer.
//! Never: decides what a peer may do: a certificate that verifies here is looked up at every request. Takes a session up again,
//! whose certificate would not be looked at.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::serve::Listener;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::AsyncWrite;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::connection::{Limits, Shares};
use crate::peer::PeerError;
use crate::vault::authority::{self, Authority};

/// Pieces that are read of a peer after its handshake has failed.
const PARTING_READS_MAX: u32 = 16;
/// Pause after the system refused to accept: too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Who is at the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// SHA-256 of its certificate, hex; empty where none is demanded and it showed none.
    pub fingerprint: String,
    address: SocketAddr,
}

/// Connections whose handshake is done.
#[derive(Debug)]
pub struct TlsEdge {
    address: SocketAddr,
    ready: mpsc::Receiver<(TlsStream<TcpStream>, Peer)>,
}

/// What the edge shows and demands: a fresh certificate under these names, a certificate of the authority from the peer.
///
/// # Errors
/// [`PeerError`].
pub fn config(authority: &Authority, names: &[String]) -> Result<ServerConfig, PeerError> {
    config_with(authority, names, true)
}

/// As [`config`], for peers of whom those with a certificate show it: people prove themselves otherwise.
///
/// # Errors
/// [`PeerError`].
pub fn config_for_people(authority: &Authority, names: &[String]) -> Result<ServerConfig, PeerError> {
    config_with(authority, names, false)
}

fn config_with(authority: &Authority, names: &[String], demanded: bool) -> Result<ServerConfig, PeerError> {
    let (chain, key) = authority.server(names).map_err(|_| PeerError::ServerName)?;
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate().clone()).map_err(|_| PeerError::NoAuthority)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let verifier = if demanded { verifier } else { verifier.allow_unauthenticated() }.build();
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13]);
    let mut config = builder
        .map_err(|_| PeerError::NoAuthority)?
        .with_client_cert_verifier(verifier.map_err(|_| PeerError::NoAuthority)?)
        .with_single_cert(chain, key)
        .map_err(|_| PeerError::ServerName)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

impl TlsEdge {
    /// Accepts on a listener; ends when it is dropped.
    ///
    /// # Errors
    /// What the system reports.
    pub fn new(listener: TcpListener, config: ServerConfig, limits: Limits) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let (done, ready) = mpsc::channel(limits.handshakes);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let turns = Arc::new(Semaphore::new(limits.handshakes));
        let (mut lines, waiting, in_line) =
            (Lines::new(limits), Shares::new(), Arc::new(Semaphore::new(limits.in_line)));
        tokio::spawn(async move {
            while !done.is_closed() {
                let Ok(turn) = Arc::clone(&turns).acquire_owned().await else { return };
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = done.closed() => return,
                };
                let Ok((stream, address)) = accepted else {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                };
                let from = block(address.ip());
                let line = lines.of(from);
                let at_once = Arc::clone(&line).try_acquire_owned().ok().map(|share| (turn, share));
                // Who waits for its address holds no turn of the others.
                let place = if at_once.is_none() {
                    let place = waiting.take(from, limits.in_line_of_one);
                    let place = place.zip(Arc::clone(&in_line).try_acquire_owned().ok());
                    let Some(place) = place else { continue };
                    Some(place)
                } else {
                    None
                };
                let (acceptor, done, turns) = (acceptor.clone(), done.clone(), Arc::clone(&turns));
                tokio::spawn(async move {
                    let turn = match at_once {
                        Some(turn) => turn,
                        None => match tokio::time::timeout(limits.handshake, its_turn(line, turns)).await {
                            Ok(Some(turn)) => turn,
                            _ => return,
                        },
                    };
                    drop(place);
                    // A question and its answer are small: they are not held back to be sent together.
                    let _ = stream.set_nodelay(true);
                    let handshake = async {
                        match acceptor.accept(stream).into_fallible().await {
                            Ok(stream) => Some(stream),
                            Err((_, stream)) => {
                                part(stream).await;
                                None
                            }
                        }
                    };
                    if let Ok(Some(stream)) = tokio::time::timeout(limits.handshake, handshake).await {
                        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                        // Where one is demanded the handshake has failed without it.
                        let fingerprint = certificate.map(authority::fingerprint).unwrap_or_default();
                        // The receiver is gone when the server stops.
                        let _ = done.send((stream, Peer { fingerprint, address })).await;
                    }
                    drop(turn);
                });
            }
        });
        Ok(Self { address, ready })
    }
}

impl Listener for TlsEdge {
    type Io = TlsStream<TcpStream>;
    type Addr = Peer;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok(Peer { fingerprint: String::new(), address: self.address })
    }
}

impl Peer {
    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whose connection it is: the certificate's, or the address's.
    #[must_use]
    pub fn holder(&self) -> String {
        if self.fingerprint.is_empty() { block(self.address.ip()).to_string() } else { self.fingerprint.clone() }
    }
}

/// The handshakes of each address: so many at once, the others behind them in the order in which they came.
struct Lines {
    of_one: usize,
    each: HashMap<IpAddr, Weak<Semaphore>>,
}

impl Lines {
    fn new(limits: Limits) -> Self {
        Self { of_one: limits.handshakes_of_one, each: HashMap::new() }
    }

    fn of(&mut self, address: IpAddr) -> Arc<Semaphore> {
        // Of an address whose handshakes are all over nothing is kept: there are no more than handshakes and who waits.
        self.each.retain(|_, line| line.strong_count() > 0);
        if let Some(line) = self.each.get(&address).and_then(Weak::upgrade) {
            return line;
        }
        let line = Arc::new(Semaphore::new(self.of_one));
        self.each.insert(address, Arc::downgrade(&line));
        line
    }
}

/// Waits for a place among the handshakes of its address, then among all.
async fn its_turn(line: Arc<Semaphore>, turns: Arc<Semaphore>) -> Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)> {
    let share = line.acquire_owned().await.ok()?;
    Some((turns.acquire_owned().await.ok()?, share))
}

/// Lets the alert of a failed handshake arrive: a connection that is closed over bytes that nobody has read takes back what was
/// sent, and its peer would take the centre for gone.
async fn part(mut stream: TcpStream) {
    let mut rest = [0; 4_096];
    let _ = std::future::poll_fn(|context| Pin::new(&mut stream).poll_shutdown(context)).await;
    for _ in 0..PARTING_READS_MAX {
        if stream.readable().await.is_err() {
            return;
        }
        match stream.try_read(&mut rest) {
            Ok(0) => return,
            Err(error) if error.kind() != ErrorKind::WouldBlock => return,
            Ok(_) | Err(_) => {}
        }
    }
}

/// Whose address it is: of IPv6 the network, in which everybody has as many as they like.
fn block(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}
