//! The service around the application's.

use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_LENGTH};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tower_service::Service;

use super::future::{Next, ResponseFuture};
use super::rules::{Asked, Rules};
use crate::evaluate::Verdict;
use crate::middleware::decide::{Answer, Manner, Origins, Pending, Plan, plan, without_origin};
use crate::middleware::prebuilt::{Prebuilt, merge_vary};
use crate::middleware::source::Held;

/// Calls the handler or answers. Requests and futures are large, and a function would move them.
macro_rules! start {
    ($service:expr, $plan:expr, $request:ident) => {{
        let plan = $plan;
        let handler = if let Plan::Forward(_) = plan {
            Some($service.call($request))
        } else {
            None
        };
        ResponseFuture {
            handler,
            next: Next::Planned(plan),
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
        if rules.needs_head() {
            return self.call_with_head(request);
        }
        let policy = rules.source.without_head();
        let (method, headers) = (request.method().as_str(), request.headers());
        let origins = Origins::of(headers);
        if let Some(bare) = without_origin::<HeaderMap>(&policy, &rules.manner, method, &origins) {
            return ResponseFuture {
                handler: Some(self.inner.call(request)),
                next: Next::Bare(bare),
                body: PhantomData,
            };
        }
        start!(
            self.inner,
            plan(&policy, &rules.manner, None, method, headers, &origins),
            request
        )
    }
}

impl<S> Cors<S> {
    /// The policy or the verdict depends on the request's head, or the handler is told.
    #[inline(never)]
    fn call_with_head<ReqBody, ResBody>(
        &mut self,
        request: Request<ReqBody>,
    ) -> ResponseFuture<S, ReqBody, ResBody>
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
                let waiting = Some((policy.keep(), request));
                let asking = Asking {
                    verdict,
                    service,
                    rules: self.rules.clone(),
                    waiting,
                };
                return ResponseFuture {
                    handler: None,
                    next: Next::Asking(Box::new(asking)),
                    body: PhantomData,
                };
            }
        };
        decided(
            &mut self.inner,
            &policy,
            verdict,
            &self.rules.manner,
            request,
        )
    }
}

/// Decides with a verdict.
#[inline(never)]
fn decided<S, ReqBody, ResBody>(
    service: &mut S,
    policy: &Held<'_>,
    verdict: Option<Verdict>,
    manner: &Manner<HeaderValue>,
    mut request: Request<ReqBody>,
) -> ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Default,
{
    let plan = plan(
        policy,
        manner,
        verdict,
        request.method().as_str(),
        request.headers(),
        &Origins::of(request.headers()),
    );
    if let Plan::Forward(Pending {
        told: Some(decided),
        ..
    }) = plan
    {
        request.extensions_mut().insert(decided);
    }
    start!(service, plan, request)
}

/// The response that the layer gives itself, made where it is returned.
#[inline(never)]
pub(super) fn answer<ResBody: Default, E>(
    answer: &mut Answer<HeaderValue>,
) -> Poll<Result<Response<ResBody>, E>> {
    let block = answer.policy.blocks.at(answer.block);
    let mut response = Response::new(ResBody::default());
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::FORBIDDEN);
    let headers = response.headers_mut();
    if let Some(prepared) = &block.answer {
        // Cloning a table is much cheaper than filling one.
        headers.clone_from(prepared);
        if let (Some(origin), Some(place)) = (
            answer.echoed.origin.take(),
            headers.get_mut(ACCESS_CONTROL_ALLOW_ORIGIN),
        ) {
            *place = origin;
        }
    } else {
        block.tower.write(&mut answer.echoed, headers);
        add_length(answer.status, headers);
    }
    if let Some(vary) = &answer.vary {
        merge_vary(&**vary, headers);
    }
    if let Some(decided) = answer.told {
        response.extensions_mut().insert(decided);
    }
    Poll::Ready(Ok(response))
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
    rules: Arc<Rules>,
    waiting: Option<(Held<'static>, Request<ReqBody>)>,
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
        self.verdict.as_mut().poll(context).map(|verdict| {
            let (policy, request) = self.waiting.take().expect("the verdict is taken once");
            decided(
                &mut self.service,
                &policy,
                Some(verdict),
                &self.rules.manner,
                request,
            )
        })
    }
}
