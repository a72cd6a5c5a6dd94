//! Answers that go on: server-sent events, one when something has changed.
//!
//! Source: WHATWG HTML, server-sent events. Owns: how often it is looked, how long, the lines of an event. Every look is a request of its
//! own: who has no session or no role any more sees nothing more.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body as Answer, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper::body::{Body, Frame};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use tokio::sync::mpsc;

use super::{Body as _, Call, Endpoint, Head, Nothing, Work, admitted, carry_out};
use crate::error::Error;
use crate::http::operators::OperatorDesk;

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// Looks without a change behind which a line says that the centre is still there.
const QUIET_LOOKS: u32 = 15;
/// Looks of one answer: a page asks again, a program too.
const LOOKS_MAX: u32 = 600;

/// Shows what changes; the second of the pair says that nothing more will.
pub(super) struct Watches<A: 'static>(pub(super) fn(&mut Call<'_>) -> Result<(A, bool), Error>);

impl<A: Serialize + JsonSchema + 'static> Work for Watches<A> {
    fn takes(&self) -> (Option<&'static str>, usize) {
        (None, 0)
    }

    fn acts(&self) -> bool {
        false
    }

    fn goes_on(&self) -> bool {
        true
    }

    fn body(&self, _: &mut SchemaGenerator) -> Option<Schema> {
        None
    }

    fn answer(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<A>()
    }

    fn done(&self, call: &mut Call<'_>) -> Result<Option<String>, Error> {
        Nothing::read(call.body)?;
        let (answer, ended) = (self.0)(call)?;
        let text = serde_json::to_string(&answer).expect("our own types serialize");
        let name = if ended { "end" } else { "progress" };
        Ok(Some(format!("event: {name}\ndata: {text}\n\n")))
    }
}

/// The body of an answer that goes on.
struct Events(mpsc::Receiver<Bytes>);

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// Goes on behind the first look, whose event is the body of `first`.
pub(super) fn events(
    endpoint: &'static Endpoint,
    desk: &Arc<OperatorDesk>,
    head: Arc<Head>,
    first: Response,
) -> Response {
    let ((send, pieces), desk) = (mpsc::channel(4), Arc::clone(desk));
    tokio::spawn(async move {
        let Ok(mut last) = axum::body::to_bytes(first.into_body(), usize::MAX).await else { return };
        if send.send(last.clone()).await.is_err() {
            return;
        }
        let mut quiet = 0;
        for _ in 0..LOOKS_MAX {
            if last.starts_with(b"event: end") {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = send.closed() => return,
            }
            let (desk, head) = (Arc::clone(&desk), Arc::clone(&head));
            let look = move || {
                desk.with_looker(|store| {
                    let session = admitted(endpoint, store, &desk, &head, true)?;
                    carry_out(endpoint, store, &desk, session.as_ref(), &head, &Bytes::new())
                })
            };
            let Ok(Ok(response)) = tokio::task::spawn_blocking(look).await else { return };
            let Ok(event) = axum::body::to_bytes(response.into_body(), usize::MAX).await else { return };
            quiet += 1;
            let piece = if event != last {
                last = event.clone();
                event
            } else if quiet >= QUIET_LOOKS {
                Bytes::from_static(b":\n\n")
            } else {
                continue;
            };
            quiet = 0;
            if send.send(piece).await.is_err() {
                return;
            }
        }
    });
    let mut response = Response::new(Answer::new(Events(pieces)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}
