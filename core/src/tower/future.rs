//! The response to come.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::service::{Asking, CorsPlan, answer};
use crate::live::counters::Counters;
use crate::middleware::OverwroteUpstream;
use crate::middleware::plan::Plan;
use crate::middleware::templates::VaryOnly;

pin_project! {
    /// The future of [`Cors`](super::Cors).
    ///
    /// ```
    /// use std::task::{Context, Poll};
    /// use crossgate::tower::{Cors, ResponseFuture};
    /// use http::{Request, Response};
    /// use tower_service::Service;
    ///
    /// /// A service of your own around the layer's names its future, so nothing is boxed.
    /// struct Counted<S>(Cors<S>, u64);
    ///
    /// impl<S, B: Default> Service<Request<B>> for Counted<S>
    /// where
    ///     S: Service<Request<B>, Response = Response<B>> + Clone,
    /// {
    ///     type Response = Response<B>;
    ///     type Error = S::Error;
    ///     type Future = ResponseFuture<S, B, B>;
    ///
    ///     fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
    ///         self.0.poll_ready(context)
    ///     }
    ///
    ///     fn call(&mut self, request: Request<B>) -> Self::Future {
    ///         self.1 += 1;
    ///         self.0.call(request)
    ///     }
    /// }
    /// ```
    pub struct ResponseFuture<S, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>>,
    {
        // Beside the rest and not in it: the handler's future is large, and an enum that has it is
        // made by moving it.
        #[pin]
        pub(super) handler: Option<S::Future>,
        pub(super) next: Next<S, ReqBody>,
        pub(super) counters: Option<Arc<Counters>>,
        pub(super) body: PhantomData<fn() -> ResBody>,
    }
}

/// What happens when the handler has answered, or without one.
pub(super) enum Next<S, ReqBody> {
    /// The handler's response gets `Vary`.
    VaryOnly(VaryOnly),
    /// The handler's response gets its headers, or there is none.
    Planned(CorsPlan),
    /// The application is asked about the origin.
    Asking(Box<Asking<S, ReqBody>>),
}

impl<S, ReqBody, ResBody> Future for ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Default,
{
    type Output = Result<Response<ResBody>, S::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Next::Asking(asking) = this.next {
            // Out of line: it is large, and rare.
            let started = ready!(asking.poll(context));
            this.handler.set(started.handler);
            *this.next = started.next;
            *this.counters = started.counters;
        }
        match this.handler.as_pin_mut() {
            Some(handler) => forward(handler, this.next, this.counters.as_deref(), context),
            None => match this.next {
                Next::Planned(Plan::Answer(given)) => answer(given),
                _ => unreachable!("an answer without a handler is planned"),
            },
        }
    }
}

/// A function of its own, so that the response is made where it is returned.
#[inline]
fn forward<S, ReqBody, B, E>(
    handler: Pin<&mut impl Future<Output = Result<Response<B>, E>>>,
    next: &mut Next<S, ReqBody>,
    counters: Option<&Counters>,
    context: &mut Context<'_>,
) -> Poll<Result<Response<B>, E>> {
    let mut polled = handler.poll(context);
    // A 101 and other 1xx are left alone.
    if let Poll::Ready(Ok(response)) = &mut polled
        && !response.status().is_informational()
        && match next {
            Next::VaryOnly(headers) => headers.apply(response.headers_mut()),
            Next::Planned(Plan::Forward(pending)) => pending.apply(response.headers_mut()),
            _ => false,
        }
    {
        response.extensions_mut().insert(OverwroteUpstream);
        counters.inspect(|counters| counters.add_overwrote_upstream());
    }
    polled
}

impl<S: Service<Request<ReqBody>>, ReqBody, ResBody> fmt::Debug
    for ResponseFuture<S, ReqBody, ResBody>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
