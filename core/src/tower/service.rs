//! The service around the application's.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tower_service::Service;

use super::future::ResponseFuture;
use super::rules::{Host, Rules};
use crate::evaluate::Verdict;
use crate::middleware::decide::{Next, Pending, asked_origin, decide};
use crate::policy::Policy;

/// The service that [`CorsLayer`](super::CorsLayer) makes: it answers preflights and gives every other response its headers.
///
/// The inner service is cloned only when an asynchronous predicate is asked: it then waits for the verdict.
#[derive(Clone, Debug)]
pub struct Cors<S> {
    inner: S,
    rules: Arc<Rules>,
}

impl<S> Cors<S> {
    pub(super) fn new(inner: S, rules: Arc<Rules>) -> Self {
        Cors { inner, rules }
    }

    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Cors<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    ResBody: Default,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody, ResBody>;

    #[inline]
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    #[inline]
    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match self.rules.policy_alone() {
            Some(policy) => ResponseFuture::started(start(&mut self.inner, policy, None, &self.rules, request)),
            None => self.call_with_head(request),
        }
    }
}

impl<S> Cors<S> {
    /// The policy or the verdict depends on the request's head.
    fn call_with_head<ReqBody, ResBody>(&mut self, request: Request<ReqBody>) -> ResponseFuture<S, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
        ResBody: Default,
    {
        let (head, body) = request.into_parts();
        let policy = self.rules.source.of(&head);
        let asked = self.rules.host.as_ref().zip(asked_origin(&policy, head.method.as_str(), &head.headers));
        let verdict = match asked {
            None => None,
            Some((Host::Sync(ask), origin)) => Some(ask(&origin, &head)),
            Some((Host::Async(ask), origin)) => {
                let verdict = ask(origin, &head);
                // The service that was polled ready is the one that is called.
                let clone = self.inner.clone();
                let service = mem::replace(&mut self.inner, clone);
                let request = Some(Request::from_parts(head, body));
                return ResponseFuture::asking(Asking { verdict, service, policy, rules: self.rules.clone(), request });
            }
        };
        ResponseFuture::started(start(&mut self.inner, policy, verdict, &self.rules, Request::from_parts(head, body)))
    }
}

/// A request that was decided about.
pub(super) enum Started<F, B> {
    /// The handler runs.
    Forward(F, Pending<HeaderMap>),
    /// The answer is here.
    Answer(Response<B>),
}

#[inline]
fn start<S, ReqBody, ResBody>(
    service: &mut S,
    policy: Arc<Policy>,
    verdict: Option<Verdict>,
    rules: &Rules,
    mut request: Request<ReqBody>,
) -> Started<S::Future, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Default,
{
    let (next, decided) = decide(policy, verdict, &rules.manner, request.method().as_str(), request.headers());
    match next {
        Next::Forward(pending) => {
            if rules.manner.tells {
                request.extensions_mut().insert(decided);
            }
            Started::Forward(service.call(request), pending)
        }
        Next::Answer(status, mut headers) => {
            let mut response = Response::new(ResBody::default());
            *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
            if status != 204 {
                headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            }
            *response.headers_mut() = headers;
            if rules.manner.tells {
                response.extensions_mut().insert(decided);
            }
            Started::Answer(response)
        }
    }
}

/// A request that waits for the application's verdict.
pub(super) struct Asking<S, ReqBody> {
    verdict: Pin<Box<dyn Future<Output = Verdict> + Send>>,
    service: S,
    policy: Arc<Policy>,
    rules: Arc<Rules>,
    request: Option<Request<ReqBody>>,
}

impl<S, ReqBody> Asking<S, ReqBody> {
    pub(super) fn poll<ResBody>(&mut self, context: &mut Context<'_>) -> Poll<Started<S::Future, ResBody>>
    where
        S: Service<Request<ReqBody>, Response = Response<ResBody>>,
        ResBody: Default,
    {
        self.verdict.as_mut().poll(context).map(|verdict| {
            let request = self.request.take().expect("the verdict is taken once");
            start(&mut self.service, self.policy.clone(), Some(verdict), &self.rules, request)
        })
    }
}
