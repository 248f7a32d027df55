//! The response to come.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::service::Asking;
use crate::middleware::OverwroteUpstream;
use crate::middleware::decide::Pending;

pin_project! {
    /// The future of [`Cors`](super::Cors).
    pub struct ResponseFuture<S, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        pub(super) state: State<S, ReqBody, ResBody>,
    }
}

pin_project! {
    #[project = StateProjection]
    pub(super) enum State<S, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>>,
    {
        /// The handler runs.
        Forward { #[pin] future: S::Future, pending: Option<Pending<HeaderValue>> },
        /// The answer is here.
        Answer { response: Option<Response<ResBody>> },
        /// The application is asked about the origin.
        Asking { asking: Box<Asking<S, ReqBody>> },
    }
}

impl<S, ReqBody, ResBody> Future for ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Default,
{
    type Output = Result<Response<ResBody>, S::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        if let StateProjection::Asking { asking } = state.as_mut().project() {
            // Out of line: it is large, and rare.
            let started = ready!(asking.poll(context));
            state.set(started.state);
        }
        match state.project() {
            StateProjection::Forward { future, pending } => {
                let mut polled = future.poll(context);
                // A 101 and other 1xx are left alone.
                if let Poll::Ready(Ok(response)) = &mut polled
                    && !response.status().is_informational()
                    && let Some(pending) = pending.take()
                    && pending.apply(response.headers_mut())
                {
                    response.extensions_mut().insert(OverwroteUpstream);
                }
                polled
            }
            StateProjection::Answer { response } => Poll::Ready(Ok(response.take().expect("a future is not polled after it is ready"))),
            StateProjection::Asking { .. } => unreachable!("the verdict is here"),
        }
    }
}

impl<S: Service<Request<ReqBody>>, ReqBody, ResBody> fmt::Debug for ResponseFuture<S, ReqBody, ResBody> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
