//! What the middleware knows.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::RequestHead;
use actix_web::http::header::HeaderValue;

use crate::evaluate::Verdict;
use crate::middleware::decide::Manner;
use crate::middleware::source::Source;
use crate::middleware::verdict::IntoVerdict;

/// Asks and answers at once.
pub(super) type AskNow = dyn Fn(&HeaderValue, &RequestHead) -> Verdict + Send + Sync;

/// Asks and answers later, on the same worker.
pub(super) type AskLater =
    dyn Fn(HeaderValue, &RequestHead) -> Pin<Box<dyn Future<Output = Verdict>>> + Send + Sync;

/// The application as it is asked about an origin.
#[derive(Clone)]
pub(super) enum Host {
    Sync(Arc<AskNow>),
    Async(Arc<AskLater>),
}

impl Host {
    pub(super) fn now<V: IntoVerdict>(
        ask: impl Fn(&HeaderValue, &RequestHead) -> V + Send + Sync + 'static,
    ) -> Self {
        Host::Sync(Arc::new(move |origin, head| {
            ask(origin, head).into_verdict()
        }))
    }

    pub(super) fn later<F>(
        ask: impl Fn(HeaderValue, &RequestHead) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output: IntoVerdict> + 'static,
    {
        Host::Async(Arc::new(move |origin, head| {
            let answer = ask(origin, head);
            Box::pin(async move { answer.await.into_verdict() })
        }))
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Host::Sync(_) => "Sync",
            Host::Async(_) => "Async",
        })
    }
}

#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) source: Source<RequestHead>,
    pub(super) host: Option<Host>,
    pub(super) manner: Manner<HeaderValue>,
}
