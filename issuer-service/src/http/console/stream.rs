//! Progress of a batch as a stream of server-sent events: one when something has changed, and one at the end.
//!
//! Source: HTML, server-sent events. Owns: how often it looks, how long it lasts. Never: outlives the session, or the server's stop by more
//! than a look.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Extension, RawPathParams, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use tokio::sync::mpsc;

use super::{guarded, language};
use crate::batch::{self, BatchState};
use crate::console::batches;
use crate::error::Error;
use crate::http::api::rate;
use crate::http::connection::Newcomer;
use crate::http::operators::{self, OperatorDesk, Watching};
use crate::http::problem::set_retry_after;
use crate::http::session::Session;
use crate::http::tls::Peer;
use crate::lang::Lang;
use crate::store::Store;

/// From one look to the next.
const PAUSE: Duration = Duration::from_millis(700);
/// Looks of one stream: the browser asks again, and a server that stops waits no longer.
const LOOKS: usize = 60;

/// Events that wait for the browser.
struct Events(mpsc::Receiver<Bytes>);

impl HttpBody for Events {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// What is looked at each time, with who looks.
struct Watch {
    desk: Arc<OperatorDesk>,
    headers: HeaderMap,
    peer: Option<Peer>,
    number: i64,
    lang: Lang,
}

impl Watch {
    /// The progress, and whether it is the last one.
    fn look(&self) -> Result<(String, bool), Error> {
        self.desk.with_looker(|store| {
            let session = Session::within(store, (self.desk.is_secure(), false), &self.headers, self.peer.as_ref())?;
            let found = operators::at(store, session.operator(), "batch show", |store| {
                store.read(|tx| batch::found(tx, self.number))
            })?;
            let ended = !matches!(BatchState::of_name(&found.state), Some(BatchState::Approved | BatchState::Running));
            Ok((batches::progress(self.lang, &found).0, ended))
        })
    }
}

pub(super) async fn batch(
    State(desk): State<Arc<OperatorDesk>>,
    peer: Option<Extension<Peer>>,
    newcomer: Option<Extension<Newcomer>>,
    path: RawPathParams,
    headers: HeaderMap,
) -> Response {
    let number = path.iter().next().and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let lang = language(&headers);
    let peer = peer.map(|Extension(peer)| peer);
    let watch = Arc::new(Watch { desk, headers, peer, number, lang });
    let Some(place) = place(&watch).await else {
        let mut response = guarded(StatusCode::TOO_MANY_REQUESTS.into_response());
        set_retry_after(&mut response, None);
        return response;
    };
    if let (Some(_), Some(Extension(newcomer))) = (&place, newcomer) {
        newcomer.is_known();
    }
    let (sender, receiver) = mpsc::channel(1);
    // No more to come, and nothing to ask again for: the page says that it is no longer followed.
    let Some(first) = seen(&watch).await else { return guarded(StatusCode::NO_CONTENT.into_response()) };
    tokio::spawn(async move {
        let _place = place;
        let (mut before, mut now) = (String::new(), Some(first));
        for _ in 0..LOOKS {
            let Some((text, ended)) = now else { return };
            if text != before || ended {
                let end = if ended { "event: end\ndata:\n\n" } else { "" };
                // One line of data: a page's markup has no line breaks.
                let event = format!("retry: 1000\nevent: progress\ndata: {}\n\n{end}", text.replace(['\r', '\n'], " "));
                if sender.send(Bytes::from(event)).await.is_err() || ended {
                    return;
                }
                before = text;
            }
            tokio::select! {
                () = sender.closed() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
            now = seen(&watch).await;
        }
    });
    let mut response = guarded(Body::new(Events(receiver)).into_response());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}

/// A place among the streams of whoever watches, which is one more request; nobody's for who is not in: the first look says so.
async fn place(watch: &Arc<Watch>) -> Option<Option<Watching>> {
    let watch = Arc::clone(watch);
    let look = move || {
        let within = |store: &mut Store| {
            Session::within(store, (watch.desk.is_secure(), false), &watch.headers, watch.peer.as_ref())
        };
        let Ok(session) = watch.desk.with_looker(within) else { return Some(None) };
        let name = &session.operator().name;
        watch.desk.rates.take(name, rate::OPERATOR).ok()?;
        watch.desk.stream_of(name).map(Some)
    };
    tokio::task::spawn_blocking(look).await.ok().flatten()
}

async fn seen(watch: &Arc<Watch>) -> Option<(String, bool)> {
    let watch = Arc::clone(watch);
    tokio::task::spawn_blocking(move || watch.look().ok()).await.ok().flatten()
}
