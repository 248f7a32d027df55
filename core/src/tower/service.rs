//! The service around the application's.

use std::marker::PhantomData;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tower_service::Service;

use super::future::{Next, ResponseFuture};
use super::header_map::add_length;
use super::layer::{Settings, VerdictFuture};
use crate::middleware::header_map::HeaderMap as _;
use crate::middleware::plan::{
    Answer, LayerOptions, OriginLines, Pending, Plan, Waiting, plan, resume, without_origin,
};
use crate::middleware::policy_source::PolicyRef;
use crate::middleware::templates::merge_vary;

pub(super) type CorsPlan = Plan<HeaderValue, VerdictFuture>;

/// Calls the handler or answers. Requests and futures are large, and a function would move them.
macro_rules! start {
    ($service:expr, $options:expr, $plan:expr, $request:ident) => {{
        let plan: CorsPlan = $plan;
        let handler = if let Plan::Forward(_) = plan {
            Some($service.call($request))
        } else {
            None
        };
        ResponseFuture {
            handler,
            next: Next::Planned(plan),
            counters: $options.counters.clone(),
            body: PhantomData,
        }
    }};
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
            return ResponseFuture {
                handler: Some(self.inner.call(request)),
                next: Next::VaryOnly(headers),
                counters: settings.options.counters.clone(),
                body: PhantomData,
            };
        }
        let ask = |_| None;
        let plan = plan(&policy, &settings.options, method, headers, &origin, ask);
        start!(self.inner, settings.options, plan, request)
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
                counters: None,
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
pub(super) fn answer<ResBody: Default, E>(
    answer: &mut Answer<HeaderValue>,
) -> Poll<Result<Response<ResBody>, E>> {
    let template = HeaderMap::templates(&answer.policy).of(answer.set);
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
pub(super) struct Asking<S, ReqBody> {
    service: S,
    settings: Arc<Settings>,
    /// Taken when the verdict is there.
    waiting: Option<(PolicyRef<'static>, Waiting<VerdictFuture>, Request<ReqBody>)>,
}

impl<S, ReqBody> Asking<S, ReqBody> {
    pub(super) fn poll<ResBody>(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<ResponseFuture<S, ReqBody, ResBody>>
    where
        S: Service<Request<ReqBody>, Response = Response<ResBody>>,
        ResBody: Default,
    {
        let (_, waiting, _) = self.waiting.as_mut().expect("the verdict is taken once");
        waiting.verdict.as_mut().poll(context).map(|verdict| {
            let (policy, waiting, request) = self.waiting.take().expect("it was there just now");
            let (method, headers) = (request.method().as_str(), request.headers());
            let options = &self.settings.options;
            let plan = resume(&policy, options, method, headers, waiting.open, verdict);
            forward_or_answer(&mut self.service, options, plan, request)
        })
    }
}
