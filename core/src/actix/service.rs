//! The service around the application's, and the response to come.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderValue};
use actix_web::{Error, HttpMessage, HttpResponse};
use pin_project_lite::pin_project;

use super::rules::{Host, Rules};
use crate::evaluate::Verdict;
use crate::middleware::OverwroteUpstream;
use crate::middleware::decide::{
    Answer, Origins, Pending, Plan, asked_origin, plan, without_origin,
};
use crate::middleware::prebuilt::{Bare, merge_vary};
use crate::middleware::source::Held;

/// The service that [`Cors`](super::Cors) makes: it answers preflights and gives every other
/// response its headers.
///
/// ```
/// use actix_web::{App, HttpResponse, test, web};
/// use crossgate::Policy;
/// use crossgate::actix::Cors;
/// # actix_web::rt::System::new().block_on(async {
/// let cors = Cors::new(
///     Policy::builder()
///         .allow_origins(["https://app.example.com"])
///         .build()?,
/// );
/// let app = test::init_service(
///     App::new()
///         .route("/", web::get().to(HttpResponse::Ok))
///         .wrap(cors),
/// )
/// .await;
/// let request = test::TestRequest::get()
///     .insert_header(("origin", "https://app.example.com"))
///     .to_request();
/// let response = test::call_service(&app, request).await;
/// assert_eq!(
///     response
///         .headers()
///         .get("access-control-allow-origin")
///         .unwrap(),
///     "https://app.example.com"
/// );
/// # Ok::<(), crossgate::PolicyError>(())
/// # }).unwrap();
/// ```
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
        let rules = &*self.rules;
        let head = request.head();
        let policy = rules.source.of(head);
        let origins = Origins::of(&head.headers);
        if let Some(bare) =
            without_origin::<HeaderMap>(&policy, &rules.manner, head.method.as_str(), &origins)
        {
            return ResponseFuture {
                state: State::Forward {
                    future: self.service.call(request),
                    headers: Headers::Bare(bare),
                },
            };
        }
        let verdict = match (
            &rules.host,
            asked_origin::<HeaderMap>(
                &policy,
                rules.host.is_some(),
                head.method.as_str(),
                &origins,
            ),
        ) {
            (Some(Host::Sync(ask)), Some(origin)) => Some(ask(&origin, head)),
            (Some(Host::Async(ask)), Some(origin)) => {
                let verdict = ask(origin, head);
                let waiting = Some((policy.keep(), request));
                let (service, rules) = (self.service.clone(), self.rules.clone());
                return ResponseFuture {
                    state: State::Asking {
                        asking: Box::new(Asking {
                            verdict,
                            service,
                            rules,
                            waiting,
                        }),
                    },
                };
            }
            _ => None,
        };
        let plan = plan(
            &policy,
            &rules.manner,
            verdict,
            head.method.as_str(),
            &head.headers,
            &origins,
        );
        ResponseFuture {
            state: start(&*self.service, plan, request),
        }
    }
}

/// Calls the application or answers. What this makes is large, so it is made where it stays.
#[inline(always)]
fn start<S, B>(service: &S, plan: Plan<HeaderValue>, request: ServiceRequest) -> State<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    match plan {
        Plan::Answer(given) => State::Answer {
            response: Some(request.into_response(answer(given))),
        },
        Plan::Forward(pending) => {
            if let Some(decided) = pending.told {
                request.extensions_mut().insert(decided);
            }
            State::Forward {
                future: service.call(request),
                headers: Headers::Pending(pending),
            }
        }
    }
}

fn answer<B>(mut answer: Answer<HeaderValue>) -> HttpResponse<EitherBody<B>> {
    // The table of a new response is a used one, with room.
    let mut response =
        HttpResponse::new(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::FORBIDDEN));
    answer
        .policy
        .blocks
        .at(answer.block)
        .actix
        .write(&mut answer.echoed, response.headers_mut());
    if let Some(vary) = &answer.vary {
        merge_vary(&**vary, response.headers_mut());
    }
    if let Some(decided) = answer.told {
        response.extensions_mut().insert(decided);
    }
    response.map_into_right_body()
}

/// What the application's response gets.
#[derive(Clone)]
enum Headers {
    Bare(Bare),
    Pending(Pending<HeaderValue>),
}

impl Headers {
    #[inline]
    fn apply(&mut self, response: &mut HeaderMap) -> bool {
        match self {
            Headers::Bare(bare) => bare.apply(response),
            Headers::Pending(pending) => pending.apply(response),
        }
    }
}

/// A request that waits for the application's verdict.
struct Asking<S> {
    verdict: Pin<Box<dyn Future<Output = Verdict>>>,
    service: Rc<S>,
    rules: Rc<Rules>,
    waiting: Option<(Held<'static>, ServiceRequest)>,
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
        Forward { #[pin] future: S::Future, headers: Headers },
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
                StateProjection::Forward { future, headers } => {
                    return Poll::Ready(match ready!(future.poll(context)) {
                        Ok(mut response) => {
                            apply(headers, response.response_mut());
                            Ok(response.map_into_left_body())
                        }
                        Err(mut error) => {
                            let headers = headers.clone();
                            error.add_response_mapper(move |mut response| {
                                apply(&mut headers.clone(), &mut response);
                                response
                            });
                            Err(error)
                        }
                    });
                }
                StateProjection::Answer { response } => {
                    return Poll::Ready(Ok(response
                        .take()
                        .expect("a future is not polled after it is ready")));
                }
                StateProjection::Asking { asking } => {
                    let verdict = ready!(asking.verdict.as_mut().poll(context));
                    let (policy, request) =
                        asking.waiting.take().expect("the verdict is taken once");
                    let headers = request.headers();
                    let plan = plan(
                        &policy,
                        &asking.rules.manner,
                        Some(verdict),
                        request.method().as_str(),
                        headers,
                        &Origins::of(headers),
                    );
                    let started = start(&*asking.service, plan, request);
                    state.set(started);
                }
            }
        }
    }
}

/// A 101 and other 1xx are left alone.
#[inline]
fn apply<B>(headers: &mut Headers, response: &mut HttpResponse<B>) {
    if !response.status().is_informational() && headers.apply(response.headers_mut()) {
        response.extensions_mut().insert(OverwroteUpstream);
    }
}

impl<S: Service<ServiceRequest>, B> fmt::Debug for ResponseFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
