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
use actix_web::http::uri::PathAndQuery;
use actix_web::{Error, HttpMessage, HttpResponse};
use pin_project_lite::pin_project;

use super::settings::{Settings, VerdictFuture};
use crate::middleware::OverwroteUpstream;
use crate::middleware::overwrite::{OverwriteReport, Overwritten};
use crate::middleware::plan::{
    Answer, LayerOptions, OriginLines, Pending, Plan, Waiting, plan, resume, without_origin,
};
use crate::middleware::policy_source::PolicyRef;
use crate::middleware::templates::{Templates, VaryOnly, merge_vary};

type CorsPlan = Plan<HeaderValue, VerdictFuture>;

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
    settings: Rc<Settings>,
}

impl<S> CorsMiddleware<S> {
    pub(super) fn new(service: Rc<S>, settings: Rc<Settings>) -> Self {
        CorsMiddleware { service, settings }
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
        let settings = &*self.settings;
        let head = request.head();
        let policy = settings.source.of(head);
        let (method, headers) = (head.method.as_str(), &head.headers);
        let origin = OriginLines::of(headers);
        if let Some(headers) = without_origin(&policy, &settings.options, method, &origin) {
            let report = report(&settings.options, &request);
            return ResponseFuture {
                state: State::Forward {
                    future: self.service.call(request),
                    headers: Headers::VaryOnly(headers),
                    report,
                },
            };
        }
        let ask = |origin| settings.ask(origin, head);
        let plan = plan(&policy, &settings.options, method, headers, &origin, ask);
        if let Plan::Ask(waiting) = plan {
            let asking = Asking {
                service: self.service.clone(),
                settings: self.settings.clone(),
                waiting: Some((policy.into_owned(), *waiting, request)),
            };
            return ResponseFuture {
                state: State::Asking {
                    asking: Box::new(asking),
                },
            };
        }
        ResponseFuture {
            state: start(&*self.service, &settings.options, plan, request),
        }
    }
}

/// Calls the application or answers. What this makes is large, so it is made where it stays.
#[inline(always)]
fn start<S, B>(
    service: &S,
    options: &LayerOptions<HeaderValue>,
    plan: CorsPlan,
    request: ServiceRequest,
) -> State<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    match plan {
        Plan::Answer(given) => State::Answer {
            response: Some(request.into_response(answer(given))),
        },
        Plan::Forward(pending) => {
            if let Some(info) = pending.info {
                request.extensions_mut().insert(info);
            }
            let report = report(options, &request);
            State::Forward {
                future: service.call(request),
                headers: Headers::Pending(pending),
                report,
            }
        }
        Plan::Ask(_) => unreachable!("a question is asked before"),
    }
}

fn answer<B>(mut answer: Answer<HeaderValue>) -> HttpResponse<EitherBody<B>> {
    let mut response =
        HttpResponse::new(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::FORBIDDEN));
    let template = Templates::<HeaderMap>::of_policy(&answer.policy).of(answer.set);
    template.write(&mut answer.echoed, response.headers_mut());
    if let Some(vary) = &answer.vary {
        merge_vary(&**vary, response.headers_mut());
    }
    if let Some(info) = answer.info {
        response.extensions_mut().insert(info);
    }
    response.map_into_right_body()
}

/// What the application's response gets.
#[derive(Clone)]
enum Headers {
    VaryOnly(VaryOnly),
    Pending(Pending<HeaderValue>),
}

impl Headers {
    #[inline]
    fn apply(&mut self, response: &mut HeaderMap) -> Option<Overwritten<HeaderValue>> {
        match self {
            Headers::VaryOnly(headers) => headers.apply(response),
            Headers::Pending(pending) => pending.apply(response),
        }
    }
}

/// A request that waits for the application's verdict.
struct Asking<S> {
    service: Rc<S>,
    settings: Rc<Settings>,
    /// Taken when the verdict is there.
    waiting: Option<(PolicyRef<'static>, Waiting<VerdictFuture>, ServiceRequest)>,
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
        Forward {
            #[pin]
            future: S::Future,
            headers: Headers,
            report: OverwriteReport<PathAndQuery>,
        },
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
                StateProjection::Forward {
                    future,
                    headers,
                    report,
                } => {
                    return Poll::Ready(match ready!(future.poll(context)) {
                        Ok(mut response) => {
                            apply(headers, report, response.response_mut());
                            Ok(response.map_into_left_body())
                        }
                        Err(mut error) => {
                            let (headers, report) = (headers.clone(), report.clone());
                            error.add_response_mapper(move |mut response| {
                                apply(&mut headers.clone(), &report, &mut response);
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
                    let (_, waiting, _) =
                        asking.waiting.as_mut().expect("the verdict is taken once");
                    let answered = ready!(waiting.poll(context));
                    let (policy, waiting, request) =
                        asking.waiting.take().expect("it was there just now");
                    let options = &asking.settings.options;
                    let (method, headers) = (request.method().as_str(), request.headers());
                    let plan = resume(&policy, options, method, headers, waiting.open, answered);
                    let started = start(&*asking.service, options, plan, request);
                    state.set(started);
                }
            }
        }
    }
}

/// A 101 and other 1xx are left alone.
#[inline]
fn apply<B>(
    headers: &mut Headers,
    report: &OverwriteReport<PathAndQuery>,
    response: &mut HttpResponse<B>,
) {
    if !response.status().is_informational()
        && let Some(overwritten) = headers.apply(response.headers_mut())
    {
        response.extensions_mut().insert(OverwroteUpstream);
        report.report(&overwritten, PathAndQuery::path);
    }
}

#[inline]
fn report(
    options: &LayerOptions<HeaderValue>,
    request: &ServiceRequest,
) -> OverwriteReport<PathAndQuery> {
    let path = || request.uri().path_and_query().cloned();
    OverwriteReport::new(options.counters.as_ref(), path)
}

impl<S: Service<ServiceRequest>, B> fmt::Debug for ResponseFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
