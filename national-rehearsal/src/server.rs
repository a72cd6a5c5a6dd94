//! The rehearsal over HTTP: one address, one message a request, faults where the plan has them.
//!
//! Source: HTTP/1.1 (RFC 9112). Owns: listening, bounds on a request, doing a fault. Never: what a message means (`centre`).

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use settlement::DateTime;
use settlement::national::Infno;
use time::{OffsetDateTime, UtcOffset};

use crate::centre::{Centre, Handled, Refusal, Reply, time as said_time};
use crate::fault::{Fault, FaultPlan};

/// Bytes of a request: an input of 40000 characters, or a file of a day as a list of byte values.
const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// For the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(20);

/// One message as it is told: no data of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// When.
    pub at: String,
    /// Number; 0 when it could not be read.
    pub infno: u16,
    /// Its id, as far as it could be read.
    pub msgid: String,
    /// Why it was refused.
    pub refused: Option<&'static str>,
    /// The fault it met.
    pub fault: Option<Fault>,
}

struct Shared {
    centre: Mutex<Centre>,
    plan: Mutex<FaultPlan>,
    earlier: Mutex<std::collections::BTreeMap<u16, Reply>>,
    settled: Mutex<Option<Reply>>,
    told: Box<dyn Fn(Told) + Send + Sync>,
}

/// A running rehearsal.
pub struct Running {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("no answer")]
struct NoAnswer;

impl Running {
    /// Listens and answers, in a thread of its own, until the process ends.
    ///
    /// # Errors
    /// What the system says of the address.
    pub fn start(
        address: SocketAddr,
        centre: Centre,
        plan: FaultPlan,
        told: impl Fn(Told) + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            centre: Mutex::new(centre),
            plan: Mutex::new(plan),
            earlier: Mutex::default(),
            settled: Mutex::default(),
            told: Box::new(told),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let ours = Arc::clone(&shared);
        std::thread::spawn(move || runtime.block_on(listen(listener, ours)));
        Ok(Self { address, shared })
    }

    /// Where it listens: `http://HOST:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The centre, while nobody else asks it.
    pub fn centre(&self) -> MutexGuard<'_, Centre> {
        locked(&self.shared.centre)
    }

    /// Other faults from now on.
    pub fn set_faults(&self, plan: FaultPlan) {
        *locked(&self.shared.plan) = plan;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    loop {
        // A connection that cannot be accepted is the peer's; the next one may be.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(move |request| respond(Arc::clone(&shared), request));
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
            // How a connection ends is told by its messages.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

type Answer = hyper::Response<Full<Bytes>>;

async fn respond(shared: Arc<Shared>, request: hyper::Request<Incoming>) -> Result<Answer, NoAnswer> {
    if request.method() != Method::POST {
        return Ok(plain(StatusCode::METHOD_NOT_ALLOWED));
    }
    let Ok(body) = Limited::new(request.into_body(), REQUEST_BYTES_MAX).collect().await else {
        return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE));
    };
    let bytes = body.to_bytes();
    let now = now();
    let infno = settlement::national::Request::read(&bytes, settlement::national::Reading::Lenient)
        .ok()
        .and_then(|request| request.head.infno.as_str().parse().ok())
        .unwrap_or(0);
    let fault = locked(&shared.plan).next(infno);
    let handled = carry_out(&shared, &bytes, now, infno, fault);
    let (msgid, refused) =
        handled.as_ref().map_or((String::new(), None), |handled| (handled.msgid.clone(), handled.refused));
    (shared.told)(Told { at: said_time(now), infno, msgid, refused, fault });
    if let Some(Fault::Delay(milliseconds)) = fault {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
    match (handled, fault) {
        (None, _) | (_, Some(Fault::Lose)) => Err(NoAnswer),
        (Some(handled), fault) => Ok(sent(handled.reply, fault == Some(Fault::Garble))),
    }
}

/// Does what the fault says on this side of the wire; `None` when nothing came.
fn carry_out(shared: &Shared, bytes: &[u8], now: DateTime, infno: u16, fault: Option<Fault>) -> Option<Handled> {
    let mut centre = locked(&shared.centre);
    let mut handled = match fault {
        Some(Fault::Drop) => return None,
        Some(Fault::Forget) => centre.clone().answer(bytes, now),
        Some(Fault::Refuse) => {
            let refusal = Refusal::new("REHEARSED", "演练：拒绝");
            centre.clone().refused((infno, String::new()), now, &refusal)
        }
        Some(Fault::Busy) => {
            let done = centre.answer(bytes, now);
            centre.refused((infno, done.msgid), now, &Refusal::new("BUSY", "系统繁忙"))
        }
        Some(Fault::Duplicate) => {
            centre.answer(bytes, now);
            centre.answer(bytes, now)
        }
        _ => centre.answer(bytes, now),
    };
    if fault == Some(Fault::Misbook) {
        centre.misbook();
    }
    let earlier = locked(&shared.earlier).insert(infno, handled.reply.clone());
    let settled = [Infno::SETTLE.0, Infno::CANCEL.0].contains(&infno);
    let before = if settled { locked(&shared.settled).replace(handled.reply.clone()) } else { None };
    match (fault, earlier) {
        (Some(Fault::Stale), Some(reply)) => handled.reply = reply,
        (Some(Fault::Crossed), _) => handled.reply = crossed(handled.reply, before),
        (Some(Fault::Amounts), _) => handled.reply = uneven(handled.reply),
        _ => {}
    }
    Some(handled)
}

/// An answer with another one's body under its own outer fields.
fn crossed(reply: Reply, before: Option<Reply>) -> Reply {
    const BODY: &str = "\"output\":";
    match (reply, before) {
        (Reply::Envelope(text), Some(Reply::Envelope(earlier))) => {
            let (outer, body) = (text.split_once(BODY), earlier.split_once(BODY));
            let mixed = outer.zip(body).map(|((outer, _), (_, body))| format!("{outer}{BODY}{body}"));
            Reply::Envelope(mixed.unwrap_or(text))
        }
        (reply, _) => reply,
    }
}

/// An answer whose cash is another amount.
fn uneven(reply: Reply) -> Reply {
    match reply {
        Reply::Envelope(text) => Reply::Envelope(text.replacen("\"psn_cash_pay\":", "\"psn_cash_pay\":1", 1)),
        file @ Reply::File(_) => file,
    }
}

fn sent(reply: Reply, is_cut: bool) -> Answer {
    let (kind, mut bytes) = match reply {
        Reply::Envelope(text) => ("application/json", text.into_bytes()),
        Reply::File(bytes) => ("application/octet-stream", bytes),
    };
    if is_cut {
        bytes.truncate(bytes.len() / 2);
    }
    let mut answer = hyper::Response::new(Full::new(Bytes::from(bytes)));
    answer.headers_mut().insert(hyper::header::CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    answer
}

fn plain(status: StatusCode) -> Answer {
    let mut answer = hyper::Response::new(Full::new(Bytes::new()));
    *answer.status_mut() = status;
    answer
}

/// China's time, as the interface has it.
fn now() -> DateTime {
    let eight = UtcOffset::from_hms(8, 0, 0).unwrap_or(UtcOffset::UTC);
    let at = OffsetDateTime::now_utc().to_offset(eight);
    let text = format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    );
    DateTime::parse(&text).expect("a clock of this century gives a real instant")
}
