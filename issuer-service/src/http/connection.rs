//! Connections at the centre's edge: how many there are, how long each part of a message may take, how they end.
//!
//! Source: HTTP/1.1 (RFC 9112).
//! Owns: the limits of a connection once it is accepted, whoever is at its other end. Never: knows what is asked.

mod strangers;

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Extension, FromRequest, Request};
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Sleep;

pub(super) use self::strangers::Newcomer;
use self::strangers::{Place, Strangers};

/// Connections at once that are only told to come back: assumed. More are closed.
const TURNED_AWAY: usize = 32;
/// What they are told.
const FULL: &str = "连接过多，请稍后再试。Too many connections are open: come back in a moment.\n";
/// After how many seconds.
const FULL_SECONDS: u64 = 1;

/// How long open requests may take to end after the signal to stop.
const STOP_TIME_MAX: Duration = Duration::from_secs(10);

/// What one edge lets others take of it. All numbers are assumed: a system gives a process 1,024 files unless told otherwise,
/// and two edges are open beside the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For a handshake.
    pub handshake: Duration,
    /// For the head of a message, and for a connection over which none comes.
    pub head: Duration,
    /// For the body: a full batch over a slow line.
    pub body: Duration,
    /// For a piece of an answer to be taken.
    pub answer: Duration,
    /// Handshakes at once; more wait.
    pub handshakes: usize,
    /// Handshakes at once of one address; more wait in line.
    pub handshakes_of_one: usize,
    /// Connections at once that wait in such lines, no longer than a handshake may take; more are closed.
    pub in_line: usize,
    /// The same, of one address.
    pub in_line_of_one: usize,
    /// Connections at once; more wait.
    pub connections: usize,
    /// Connections at once of one certificate; more are told to come back. A daemon has sixteen readers.
    pub connections_of_one: usize,
    /// Connections at once over which nobody has shown who it is, so that who is in finds the rest free. One more takes the place of
    /// the one that has said nothing for longest; it is told to come back when each of them is being answered.
    pub newcomers: usize,
    /// The same, of one address.
    pub newcomers_of_one: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(5),
            head: Duration::from_secs(20),
            body: Duration::from_secs(30),
            answer: Duration::from_secs(30),
            handshakes: 256,
            handshakes_of_one: 32,
            in_line: 64,
            in_line_of_one: 32,
            connections: 256,
            connections_of_one: 32,
            newcomers: 256,
            newcomers_of_one: 32,
        }
    }
}

impl Limits {
    /// For operators: a browser keeps several connections, and an office has one address.
    #[must_use]
    pub fn of_people() -> Self {
        Self { connections: 384, connections_of_one: 192, newcomers: 192, newcomers_of_one: 64, ..Self::default() }
    }
}

/// Shares that holders have of something scarce.
pub(super) struct Shares<K>(Arc<Mutex<HashMap<K, usize>>>);

/// One share; given back when it is dropped.
pub(super) struct Share<K: Eq + Hash> {
    holder: K,
    of: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Clone + Eq + Hash> Shares<K> {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// One more for a holder, unless it has `most`.
    pub(super) fn take(&self, holder: K, most: usize) -> Option<Share<K>> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(holder.clone()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Share { holder, of: Arc::clone(&self.0) })
    }
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut held = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.holder) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.holder);
            }
        }
    }
}

/// Serves until `stop` completes, then lets open requests end. `holder` names whose connection it is, where that is known;
/// `router` answers over it.
pub(super) async fn serve<L: Listener>(
    mut listener: L,
    limits: Limits,
    holder: impl Fn(&L::Addr) -> Option<String>,
    router: impl Fn(L::Addr) -> Router,
    stop: impl Future<Output = ()>,
) {
    let turns = Arc::new(Semaphore::new(limits.connections));
    let (shares, strangers) = (Shares::new(), Strangers::default());
    let turned_away = Arc::new(Semaphore::new(TURNED_AWAY));
    let (stopping, stopped) = watch::channel(());
    let mut open = JoinSet::new();
    tokio::pin!(stop);
    loop {
        let next = async {
            let turn = Arc::clone(&turns).acquire_owned().await;
            (turn, listener.accept().await)
        };
        let (turn, (io, peer)) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        while open.try_join_next().is_some() {}
        let taken = match holder(&peer) {
            Some(holder) => {
                let share = shares.take(holder.clone(), limits.connections_of_one);
                let place = share.is_some().then(|| strangers.take(&holder, limits)).flatten();
                let Some(taken) = share.zip(place) else {
                    if let Ok(one) = Arc::clone(&turned_away).try_acquire_owned() {
                        open.spawn(async move {
                            turn_away(io, limits).await;
                            drop((turn, one));
                        });
                    }
                    continue;
                };
                Some(taken)
            }
            None => None,
        };
        let (mut router, stopped) = (router(peer), stopped.clone());
        if let Some((_, place)) = &taken {
            router = router.layer(Extension(place.newcomer()));
        }
        open.spawn(async move {
            let place = taken.as_ref().map(|(_, place)| place);
            connection(io, router, limits, (place, stopped)).await;
            drop((turn, taken));
        });
    }
    drop((listener, stopping));
    // What is still open then ends with the set.
    let _ = tokio::time::timeout(STOP_TIME_MAX, async { while open.join_next().await.is_some() {} }).await;
}

async fn connection<S>(
    io: S,
    router: Router,
    limits: Limits,
    (place, mut stopped): (Option<&Place>, watch::Receiver<()>),
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(Taken { io, limit: limits.answer, since: None });
    let router = TowerToHyperService::new(router);
    let answers = service_fn(|request: hyper::Request<Incoming>| {
        let (busy, answer) = (place.map(Place::begins), router.call(request));
        async move {
            let answer = answer.await;
            drop(busy);
            answer
        }
    });
    let served =
        http1::Builder::new().timer(TokioTimer::new()).header_read_timeout(limits.head).serve_connection(io, answers);
    tokio::pin!(served);
    let given_up = async {
        match place {
            Some(place) => place.given_up().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        // Another newcomer has its place.
        () = given_up => return,
        // Whatever ended it, nobody is left to be told.
        _ = served.as_mut() => return,
        // The sender is dropped when the edge stops.
        _ = stopped.changed() => served.as_mut().graceful_shutdown(),
    }
    let _ = served.await;
}

/// Says over a connection for which there is no place that it is worth coming back.
async fn turn_away<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(io: S, limits: Limits) {
    let io = TokioIo::new(Taken { io, limit: limits.handshake, since: None });
    let answer = service_fn(async |_: hyper::Request<Incoming>| {
        let mut answer = Response::new(Body::from(FULL));
        *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        let headers = answer.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(FULL_SECONDS));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        Ok::<_, std::convert::Infallible>(answer)
    });
    let told = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.handshake)
        .keep_alive(false)
        .serve_connection(io, answer);
    // Who says nothing in that time is told nothing.
    let _ = tokio::time::timeout(limits.handshake, told).await;
}

/// Why a body did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoBody {
    /// It is longer than any message.
    TooLarge,
    /// It broke off, or took too long.
    Broken,
}

/// The body of a message.
pub(super) async fn body(request: Request, limits: Limits) -> Result<Bytes, NoBody> {
    match tokio::time::timeout(limits.body, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(NoBody::TooLarge),
        Ok(Err(_)) | Err(_) => Err(NoBody::Broken),
    }
}

/// The body of a message, no longer than one of its kind may be: no more than that is held in memory.
pub(super) async fn body_of(mut request: Request, limits: Limits, bytes_max: usize) -> Result<Bytes, NoBody> {
    let said = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if said.is_some_and(|said: usize| said > bytes_max) {
        return Err(NoBody::TooLarge);
    }
    DefaultBodyLimit::max(bytes_max).apply(&mut request);
    body(request, limits).await
}

/// A connection whose peer takes what is sent to it, or loses it.
struct Taken<S> {
    io: S,
    limit: Duration,
    since: Option<Pin<Box<Sleep>>>,
}

impl<S> Taken<S> {
    fn timed<T>(&mut self, context: &mut Context<'_>, sent: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if sent.is_ready() {
            self.since = None;
            return sent;
        }
        let since = self.since.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.limit)));
        since.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Taken<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Taken<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.io).poll_write(context, bytes);
        self.timed(context, sent)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.io).poll_flush(context);
        self.timed(context, sent)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.io).poll_shutdown(context);
        self.timed(context, sent)
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    async fn asked(stream: &mut TcpStream, path: &str) -> bool {
        let text = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        if stream.write_all(text.as_bytes()).await.is_err() {
            return false;
        }
        // The head alone: no answer here has a body.
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return false,
            }
        }
        head.starts_with(b"HTTP/1.1 200")
    }

    #[test]
    fn who_is_not_known_takes_a_few_connections_and_who_is_known_finds_the_rest() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            let limits = Limits { connections_of_one: 16, newcomers_of_one: 3, newcomers: 3, ..Limits::of_people() };
            let router = Router::new()
                .route("/", get(async || ""))
                .route("/in", get(async |Extension(newcomer): Extension<Newcomer>| newcomer.is_known()));
            let holder = |_: &std::net::SocketAddr| Some("one".to_owned());
            tokio::spawn(serve(listener, limits, holder, move |_| router.clone(), std::future::pending()));
            let mut known = Vec::new();
            for _ in 0..5 {
                let mut stream = TcpStream::connect(address).await.expect("connects");
                assert!(asked(&mut stream, "/in").await, "each shows who it is, and is counted no more");
                known.push(stream);
            }
            let mut strangers = Vec::new();
            for _ in 0..3 {
                let mut stream = TcpStream::connect(address).await.expect("connects");
                assert!(asked(&mut stream, "/").await);
                strangers.push(stream);
            }
            // The fourth takes the place of the one that has said nothing for longest, and no other one's.
            let mut more = TcpStream::connect(address).await.expect("connects");
            assert!(asked(&mut more, "/").await);
            assert!(!asked(&mut strangers[0], "/").await, "the first has gone");
            assert!(asked(&mut strangers[1], "/").await && asked(&mut strangers[2], "/").await);
            // Two of them go on talking: one that never says anything takes the third's place, and loses it to the next one.
            for stream in &mut strangers[1..] {
                assert!(asked(stream, "/").await);
            }
            let mut mute = TcpStream::connect(address).await.expect("connects");
            assert_eq!(more.read(&mut [0; 8]).await.unwrap_or(0), 0, "closed");
            for stream in &mut strangers[1..] {
                assert!(asked(stream, "/").await);
            }
            let mut last = TcpStream::connect(address).await.expect("connects");
            assert!(asked(&mut last, "/").await);
            assert_eq!(mute.read(&mut [0; 8]).await.unwrap_or(0), 0, "closed");
            for stream in &mut known {
                assert!(asked(stream, "/").await, "who is in is answered");
            }
            // One of them shows who it is: it is dismissed no more.
            assert!(asked(&mut strangers[1], "/in").await);
            for _ in 0..6 {
                let mut stream = TcpStream::connect(address).await.expect("connects");
                assert!(asked(&mut stream, "/").await);
            }
            assert!(asked(&mut strangers[1], "/").await);
        });
    }

    #[test]
    fn who_comes_while_all_the_places_are_at_work_is_told_when_to_come_back() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            let limits = Limits { newcomers_of_one: 2, ..Limits::of_people() };
            let (begun, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
            let router = {
                let (begun, go) = (Arc::clone(&begun), Arc::clone(&go));
                Router::new().route("/", get(async || "")).route(
                    "/slow",
                    get(async move || {
                        begun.add_permits(1);
                        go.acquire().await.expect("open").forget();
                    }),
                )
            };
            let holder = |_: &std::net::SocketAddr| Some("one".to_owned());
            tokio::spawn(serve(listener, limits, holder, move |_| router.clone(), std::future::pending()));
            let mut slow = Vec::new();
            for _ in 0..2 {
                let mut stream = TcpStream::connect(address).await.expect("connects");
                stream.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
                slow.push(stream);
            }
            begun.acquire_many(2).await.expect("open").forget();
            let mut told = String::new();
            let mut third = TcpStream::connect(address).await.expect("connects");
            third.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
            third.read_to_string(&mut told).await.expect("an answer");
            assert!(told.starts_with("HTTP/1.1 503 ") && told.contains("\r\nretry-after: 1\r\n"), "{told}");
            go.add_permits(2);
            for stream in &mut slow {
                let mut head = [0; 12];
                stream.read_exact(&mut head).await.expect("an answer");
                assert_eq!(&head, b"HTTP/1.1 200", "nobody who is being answered was sent away");
            }
        });
    }
}
