//! The service around the application's, and the response to come.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;
use actix_web::{Error, HttpMessage, HttpResponse};
use pin_project_lite::pin_project;

use super::rules::{Host, Rules};
use crate::evaluate::Verdict;
use crate::middleware::OverwroteUpstream;
use crate::middleware::decide::{Answer, Manner, Outcome, Pending, add_vary, asked_origin, decide};
use crate::policy::Policy;

/// The service that [`Cors`](super::Cors) makes: it answers preflights and gives every other response its headers.
#[derive(Debug)]
pub struct CorsMiddleware<S> {
    service: Rc<S>,
    rules: Rc<Rules>,
}

impl<S> CorsMiddleware<S> {
    pub(super) fn new(service: Rc<S>, rules: Rc<Rules>) -> Self {
        CorsMiddleware { service, rules }
    }
}

impl<S, B> Service<ServiceRequest> for CorsMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = ResponseFuture<S, B>;

    #[inline]
    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.service.poll_ready(context)
    }

    #[inline]
    fn call(&self, request: ServiceRequest) -> Self::Future {
        let policy = self.rules.source.of(request.head());
        let Some(host) = &self.rules.host else {
            return ResponseFuture { state: start(&*self.service, policy, None, &self.rules.manner, request) };
        };
        let head = request.head();
        let verdict = match asked_origin(&policy, head.method.as_str(), &head.headers) {
            None => None,
            Some(origin) => match host {
                Host::Sync(ask) => Some(ask(&origin, head)),
                Host::Async(ask) => {
                    let verdict = ask(origin, head);
                    let policy = policy.into_owned();
                    let (service, rules, request) = (self.service.clone(), self.rules.clone(), Some(request));
                    return ResponseFuture { state: State::Asking { asking: Box::new(Asking { verdict, service, policy, rules, request }) } };
                }
            },
        };
        ResponseFuture { state: start(&*self.service, policy, verdict, &self.rules.manner, request) }
    }
}

/// Decides, and calls the application or answers. What this makes is large, so it is made where it stays.
#[inline(always)]
fn start<S, B>(service: &S, policy: Cow<'_, Arc<Policy>>, verdict: Option<Verdict>, manner: &Manner<HeaderValue>, request: ServiceRequest) -> State<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    let outcome = decide(&policy, verdict, request.method().as_str(), request.headers());
    if !outcome.forwards(manner) {
        return State::Answer { response: Some(request.into_response(answer(&policy, outcome, manner))) };
    }
    if manner.tells {
        request.extensions_mut().insert(outcome.decided);
    }
    let pending = outcome.pending(policy.into_owned(), manner);
    State::Forward { future: service.call(request), pending: Some(pending) }
}

fn answer<B>(policy: &Policy, outcome: Outcome<HeaderValue>, manner: &Manner<HeaderValue>) -> HttpResponse<EitherBody<B>> {
    let decided = outcome.decided;
    let Answer { status, block, echoed } = outcome.answer(policy);
    // The table of a new response is a used one, with room.
    let mut response = HttpResponse::new(StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN));
    block.actix.write(echoed, response.headers_mut());
    if let Some(vary) = &manner.vary {
        add_vary(vary, response.headers_mut());
    }
    if manner.tells {
        response.extensions_mut().insert(decided);
    }
    response.map_into_right_body()
}

/// A request that waits for the application's verdict.
struct Asking<S> {
    verdict: Pin<Box<dyn Future<Output = Verdict>>>,
    service: Rc<S>,
    policy: Arc<Policy>,
    rules: Rc<Rules>,
    request: Option<ServiceRequest>,
}

pin_project! {
    /// The future of [`CorsMiddleware`].
    pub struct ResponseFuture<S, B>
    where
        S: Service<ServiceRequest>,
    {
        #[pin]
        state: State<S, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B>
    where
        S: Service<ServiceRequest>,
    {
        /// The application works.
        Forward { #[pin] future: S::Future, pending: Option<Pending<HeaderValue>> },
        /// The answer is here.
        Answer { response: Option<ServiceResponse<EitherBody<B>>> },
        /// The application is asked about the origin.
        Asking { asking: Box<Asking<S>> },
    }
}

impl<S, B> Future for ResponseFuture<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<EitherBody<B>>, Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProjection::Forward { future, pending } => {
                    let result = ready!(future.poll(context));
                    let pending = pending.take();
                    return Poll::Ready(match result {
                        Ok(mut response) => {
                            if let Some(pending) = pending {
                                apply(pending, response.response_mut());
                            }
                            Ok(response.map_into_left_body())
                        }
                        Err(mut error) => {
                            if let Some(pending) = pending {
                                error.add_response_mapper(move |mut response| {
                                    apply(pending.clone(), &mut response);
                                    response
                                });
                            }
                            Err(error)
                        }
                    });
                }
                StateProjection::Answer { response } => {
                    return Poll::Ready(Ok(response.take().expect("a future is not polled after it is ready")));
                }
                StateProjection::Asking { asking } => {
                    let verdict = ready!(asking.verdict.as_mut().poll(context));
                    let request = asking.request.take().expect("the verdict is taken once");
                    let started = start(&*asking.service, Cow::Borrowed(&asking.policy), Some(verdict), &asking.rules.manner, request);
                    state.set(started);
                }
            }
        }
    }
}

/// A 101 and other 1xx are left alone.
#[inline]
fn apply<B>(pending: Pending<HeaderValue>, response: &mut HttpResponse<B>) {
    if !response.status().is_informational() && pending.apply(response.headers_mut()) {
        response.extensions_mut().insert(OverwroteUpstream);
    }
}

impl<S: Service<ServiceRequest>, B> fmt::Debug for ResponseFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
