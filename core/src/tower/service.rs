//! The service around the application's.

use std::borrow::Cow;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_LENGTH};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tower_service::Service;

use super::future::{ResponseFuture, State};
use super::rules::{Asked, Rules};
use crate::evaluate::Verdict;
use crate::middleware::decide::{Answer, Manner, Outcome, add_vary, decide};
use crate::middleware::prebuilt::Prebuilt;
use crate::policy::Policy;

/// Calls the handler or answers. Requests and futures are large, and a function would move them.
macro_rules! start {
    ($service:expr, $policy:ident, $outcome:ident, $manner:expr, $request:ident) => {
        if $outcome.forwards($manner) {
            let pending = Some($outcome.pending($policy.into_owned(), $manner));
            ResponseFuture { state: State::Forward { pending, future: $service.call($request) } }
        } else {
            ResponseFuture { state: State::Answer { response: Some(answer(&$policy, $outcome, $manner)) } }
        }
    };
}

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
        let rules = &*self.rules;
        match rules.policy_alone() {
            Some(policy) if !rules.manner.tells => {
                let outcome = decide(&policy, None, request.method().as_str(), request.headers());
                start!(self.inner, policy, outcome, &rules.manner, request)
            }
            _ => self.call_with_head(request),
        }
    }
}

impl<S> Cors<S> {
    /// The policy or the verdict depends on the request's head, or the handler is told.
    #[inline(never)]
    fn call_with_head<ReqBody, ResBody>(&mut self, request: Request<ReqBody>) -> ResponseFuture<S, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
        ResBody: Default,
    {
        let (head, body) = request.into_parts();
        let policy = self.rules.source.of(&head);
        let asked = self.rules.ask(&policy, &head);
        let request = Request::from_parts(head, body);
        let verdict = match asked {
            None => None,
            Some(Asked::Now(verdict)) => Some(verdict),
            Some(Asked::Later(verdict)) => {
                // The service that was polled ready is the one that is called.
                let clone = self.inner.clone();
                let service = mem::replace(&mut self.inner, clone);
                let asking = Asking { verdict, service, policy: policy.into_owned(), rules: self.rules.clone(), request: Some(request) };
                return ResponseFuture { state: State::Asking { asking: Box::new(asking) } };
            }
        };
        decided(&mut self.inner, policy, verdict, &self.rules.manner, request)
    }
}

/// Decides with a verdict.
#[inline(never)]
fn decided<S, ReqBody, ResBody>(
    service: &mut S,
    policy: Cow<'_, Arc<Policy>>,
    verdict: Option<Verdict>,
    manner: &Manner<HeaderValue>,
    mut request: Request<ReqBody>,
) -> ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Default,
{
    let outcome = decide(&policy, verdict, request.method().as_str(), request.headers());
    if manner.tells {
        request.extensions_mut().insert(outcome.decided);
    }
    start!(service, policy, outcome, manner, request)
}

#[inline(never)]
fn answer<ResBody: Default>(policy: &Policy, outcome: Outcome<HeaderValue>, manner: &Manner<HeaderValue>) -> Response<ResBody> {
    let decided = outcome.decided;
    let Answer { status, block, echoed } = outcome.answer(policy);
    let mut response = Response::new(ResBody::default());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
    let headers = response.headers_mut();
    if let Some(prepared) = &block.answer {
        // Cloning a table is much cheaper than filling one.
        headers.clone_from(prepared);
        if let (Some(origin), Some(place)) = (echoed.origin, headers.get_mut(ACCESS_CONTROL_ALLOW_ORIGIN)) {
            *place = origin;
        }
    } else {
        block.tower.write(echoed, headers);
        add_length(status, headers);
    }
    if let Some(vary) = &manner.vary {
        add_vary(vary, headers);
    }
    if manner.tells {
        response.extensions_mut().insert(decided);
    }
    response
}

/// The headers of a preflight's answer but for the request's origin, if they echo nothing else.
pub(crate) fn prepared_answer(prebuilt: &Prebuilt<HeaderValue>, status: u16) -> Option<HeaderMap> {
    let mut headers = prebuilt.constant(&HeaderValue::from_static(""), HeaderMap::new())?;
    add_length(status, &mut headers);
    Some(headers)
}

/// A 204 has no length (RFC 9110, 8.6).
fn add_length(status: u16, headers: &mut HeaderMap) {
    if status != 204 {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
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
    pub(super) fn poll<ResBody>(&mut self, context: &mut Context<'_>) -> Poll<ResponseFuture<S, ReqBody, ResBody>>
    where
        S: Service<Request<ReqBody>, Response = Response<ResBody>>,
        ResBody: Default,
    {
        self.verdict.as_mut().poll(context).map(|verdict| {
            let request = self.request.take().expect("the verdict is taken once");
            decided(&mut self.service, Cow::Borrowed(&self.policy), Some(verdict), &self.rules.manner, request)
        })
    }
}
