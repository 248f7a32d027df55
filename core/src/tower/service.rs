//! The service around the application's, and the response to come.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::header_map::add_length;
use super::settings::{Settings, VerdictFuture};
use crate::middleware::OverwroteUpstream;
use crate::middleware::overwrite::OverwriteReport;
use crate::middleware::plan::{
    Answer, LayerOptions, OriginLines, Pending, Plan, Waiting, plan, resume, without_origin,
};
use crate::middleware::policy_source::PolicyRef;
use crate::middleware::templates::{Templates, VaryOnly, merge_vary};

type CorsPlan = Plan<HeaderValue, VerdictFuture>;

/// Calls the handler or answers. Requests and futures are large, and a function would move them.
macro_rules! start {
    ($service:expr, $options:expr, $plan:expr, $request:ident) => {{
        let plan: CorsPlan = $plan;
        let report = report($options, &$request);
        let handler = if let Plan::Forward(_) = plan {
            Some($service.call($request))
        } else {
            None
        };
        ResponseFuture {
            handler,
            next: Next::Planned(plan),
            report,
            body: PhantomData,
        }
    }};
}

#[inline]
fn report<B>(
    options: &LayerOptions<HeaderValue>,
    request: &Request<B>,
) -> OverwriteReport<PathAndQuery> {
    let path = || request.uri().path_and_query().cloned();
    OverwriteReport::new(options.counters.as_ref(), path)
}

/// The service that [`CorsLayer`](super::CorsLayer) makes: it answers preflights and gives every
/// other response its headers.
///
/// The inner service is cloned only when an asynchronous predicate is asked: it then waits for the
/// verdict.
///
/// ```
/// use crossgate::Policy;
/// use crossgate::tower::{Cors, CorsLayer};
/// use tower_layer::Layer;
/// # let application = "any service";
/// let layer = CorsLayer::new(
///     Policy::builder()
///         .allow_origins(["https://app.example.com"])
///         .build()?,
/// );
/// let cors: Cors<_> = layer.layer(application);
/// assert_eq!(*cors.get_ref(), application);
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cors<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> Cors<S> {
    pub(super) fn new(inner: S, settings: Arc<Settings>) -> Self {
        Cors { inner, settings }
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
        let settings = &*self.settings;
        if settings.needs_head() {
            return self.call_with_head(request);
        }
        let policy = settings.source.without_head();
        let (method, headers) = (request.method().as_str(), request.headers());
        let origin = OriginLines::of(headers);
        if let Some(headers) = without_origin(&policy, &settings.options, method, &origin) {
            let report = report(&settings.options, &request);
            return ResponseFuture {
                handler: Some(self.inner.call(request)),
                next: Next::VaryOnly(headers),
                report,
                body: PhantomData,
            };
        }
        let ask = |_| None;
        let plan = plan(&policy, &settings.options, method, headers, &origin, ask);
        start!(self.inner, &settings.options, plan, request)
    }
}

impl<S> Cors<S> {
    /// The policy or the verdict depends on the request's head, or the handler gets an extension.
    #[inline(never)]
    fn call_with_head<ReqBody, ResBody>(
        &mut self,
        request: Request<ReqBody>,
    ) -> ResponseFuture<S, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
        ResBody: Default,
    {
        let settings = &*self.settings;
        let (head, body) = request.into_parts();
        let policy = settings.source.of(&head);
        let plan = {
            let (method, headers) = (head.method.as_str(), &head.headers);
            let origin = OriginLines::of(headers);
            let ask = |origin| settings.ask(origin, &head);
            plan(&policy, &settings.options, method, headers, &origin, ask)
        };
        let request = Request::from_parts(head, body);
        if let Plan::Ask(waiting) = plan {
            // The service that was polled ready is the one that is called.
            let clone = self.inner.clone();
            let asking = Asking {
                service: mem::replace(&mut self.inner, clone),
                settings: self.settings.clone(),
                waiting: Some((policy.into_owned(), *waiting, request)),
            };
            return ResponseFuture {
                handler: None,
                next: Next::Asking(Box::new(asking)),
                report: OverwriteReport::new(None, || None),
                body: PhantomData,
            };
        }
        forward_or_answer(&mut self.inner, &self.settings.options, plan, request)
    }
}

/// Calls the handler, with an extension if it gets one, or answers.
#[inline(never)]
fn forward_or_answer<S, ReqBody, ResBody>(
    service: &mut S,
    options: &LayerOptions<HeaderValue>,
    plan: CorsPlan,
    mut request: Request<ReqBody>,
) -> ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Default,
{
    if let Plan::Forward(Pending {
        info: Some(info), ..
    }) = plan
    {
        request.extensions_mut().insert(info);
    }
    start!(service, options, plan, request)
}

/// The response that the layer gives itself, made where it is returned.
#[inline(never)]
fn answer<ResBody: Default, E>(
    answer: &mut Answer<HeaderValue>,
) -> Poll<Result<Response<ResBody>, E>> {
    let template = Templates::<HeaderMap>::of_policy(&answer.policy).of(answer.set);
    let mut response = Response::new(ResBody::default());
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::FORBIDDEN);
    let headers = response.headers_mut();
    match template.answer() {
        Some(whole) => {
            // Cloning a map is much cheaper than filling one.
            headers.clone_from(whole);
            if let Some(origin) = answer.echoed.origin.take()
                && let Some(place) = headers.get_mut(ACCESS_CONTROL_ALLOW_ORIGIN)
            {
                *place = origin;
            }
        }
        None => {
            template.write(&mut answer.echoed, headers);
            add_length(answer.status, headers);
        }
    }
    if let Some(vary) = &answer.vary {
        merge_vary(&**vary, headers);
    }
    if let Some(info) = answer.info {
        response.extensions_mut().insert(info);
    }
    Poll::Ready(Ok(response))
}

/// A request that waits for the application's verdict.
struct Asking<S, ReqBody> {
    service: S,
    settings: Arc<Settings>,
    /// Taken when the verdict is there.
    waiting: Option<(PolicyRef<'static>, Waiting<VerdictFuture>, Request<ReqBody>)>,
}

impl<S, ReqBody> Asking<S, ReqBody> {
    fn poll<ResBody>(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<ResponseFuture<S, ReqBody, ResBody>>
    where
        S: Service<Request<ReqBody>, Response = Response<ResBody>>,
        ResBody: Default,
    {
        let (_, waiting, _) = self.waiting.as_mut().expect("the verdict is taken once");
        waiting.poll(context).map(|answered| {
            let (policy, waiting, request) = self.waiting.take().expect("it was there just now");
            let (method, headers) = (request.method().as_str(), request.headers());
            let options = &self.settings.options;
            let plan = resume(&policy, options, method, headers, waiting.open, answered);
            forward_or_answer(&mut self.service, options, plan, request)
        })
    }
}

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
        handler: Option<S::Future>,
        next: Next<S, ReqBody>,
        report: OverwriteReport<PathAndQuery>,
        body: PhantomData<fn() -> ResBody>,
    }
}

/// What happens when the handler has answered, or without one.
enum Next<S, ReqBody> {
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
            *this.report = started.report;
        }
        match this.handler.as_pin_mut() {
            Some(handler) => forward(handler, this.next, this.report, context),
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
    report: &OverwriteReport<PathAndQuery>,
    context: &mut Context<'_>,
) -> Poll<Result<Response<B>, E>> {
    let mut polled = handler.poll(context);
    // A 101 and other 1xx are left alone.
    if let Poll::Ready(Ok(response)) = &mut polled
        && !response.status().is_informational()
        && let Some(overwritten) = match next {
            Next::VaryOnly(headers) => headers.apply(response.headers_mut()),
            Next::Planned(Plan::Forward(pending)) => pending.apply(response.headers_mut()),
            _ => None,
        }
    {
        response.extensions_mut().insert(OverwroteUpstream);
        report.report(&overwritten, PathAndQuery::path);
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
