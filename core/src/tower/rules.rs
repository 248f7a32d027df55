//! What a layer knows.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderValue};
use http::request::Parts;

use crate::evaluate::Verdict;
use crate::middleware::decide::{Manner, Origins, asked_origin};
use crate::middleware::source::Source;
use crate::middleware::verdict::IntoVerdict;
use crate::policy::Policy;

/// The application as it is asked about an origin.
#[derive(Clone)]
pub(super) enum Host {
    Sync(Arc<AskNow>),
    Async(Arc<AskLater>),
}

impl Host {
    pub(super) fn now<V: IntoVerdict>(
        ask: impl Fn(&HeaderValue, &Parts) -> V + Send + Sync + 'static,
    ) -> Self {
        Host::Sync(Arc::new(move |origin, head| {
            ask(origin, head).into_verdict()
        }))
    }

    pub(super) fn later<F>(ask: impl Fn(HeaderValue, &Parts) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output: IntoVerdict> + Send + 'static,
    {
        Host::Async(Arc::new(move |origin, head| {
            let answer = ask(origin, head);
            Box::pin(async move { answer.await.into_verdict() })
        }))
    }
}

/// Asks and answers at once.
pub(super) type AskNow = dyn Fn(&HeaderValue, &Parts) -> Verdict + Send + Sync;

/// Asks and answers later.
pub(super) type AskLater =
    dyn Fn(HeaderValue, &Parts) -> Pin<Box<dyn Future<Output = Verdict> + Send>> + Send + Sync;

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
    pub(super) source: Source<Parts>,
    pub(super) host: Option<Host>,
    pub(super) manner: Manner<HeaderValue>,
}

impl Rules {
    /// Whether the policy or the verdict depends on the request's head, or the handler is told.
    #[inline]
    pub(super) fn needs_head(&self) -> bool {
        self.host.is_some() || self.manner.tells || self.source.needs_head()
    }

    /// Asks the application about the origin, if there is anything to ask.
    pub(super) fn ask(&self, policy: &Policy, head: &Parts) -> Option<Asked> {
        let host = self.host.as_ref()?;
        let origin = asked_origin::<HeaderMap>(
            policy,
            true,
            head.method.as_str(),
            &Origins::of(&head.headers),
        )?;
        Some(match host {
            Host::Sync(ask) => Asked::Now(ask(&origin, head)),
            Host::Async(ask) => Asked::Later(ask(origin, head)),
        })
    }
}

/// What the application says.
pub(super) enum Asked {
    Now(Verdict),
    Later(Pin<Box<dyn Future<Output = Verdict> + Send>>),
}
