//! The middleware as it is given to `wrap`.

use std::future::{Future, Ready, ready};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{RequestHead, Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use super::builder::CorsBuilder;
use super::service::CorsMiddleware;
use super::settings::{OriginPredicate, Settings, ask_later};
use crate::decide::VerdictError;
use crate::fetch::request::Request;
use crate::live::counters::Counters;
use crate::live::shadow::ShadowDifference;
use crate::middleware::layer_settings::LayerSettings;
use crate::middleware::observer::Observer;
use crate::middleware::policy_source::{LayerPolicy, PolicySource};
use crate::middleware::predicate::{IntoVerdict, Predicate};
use crate::policy::Policy;

/// Puts a policy around an application, a scope or a resource. Build it once, before the server
/// starts, and clone it for every worker. See [the module](super) for where it belongs.
///
/// ```
/// use actix_web::{App, HttpResponse, web};
/// use crossgate::Policy;
/// use crossgate::actix::Cors;
/// let policy = Policy::builder()
///     .allow_origins(["https://app.example.com"])
///     .allow_methods(["PUT"])
///     .build()?;
/// let cors = Cors::new(policy);
/// // HttpServer::new(move || …)
/// let app = move || {
///     App::new()
///         .wrap(cors.clone())
///         .route("/", web::get().to(HttpResponse::Ok))
/// };
/// # let _ = app();
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "the middleware does nothing until it is given to wrap()"]
pub struct Cors {
    settings: Settings,
}

impl Cors {
    /// One policy for all requests: a [`Policy`], an `Arc` of one, or a
    /// [`SharedPolicy`](crate::SharedPolicy) that is replaced while serving (share one `Arc` of it
    /// between the workers).
    pub fn new(policy: impl Into<LayerPolicy>) -> Self {
        Self::from_source(policy.into().into())
    }

    /// Chooses the policy by the head of the request; see the layer for tower for what the choice
    /// may depend on. A request that gets `None` is treated by a policy that allows nobody.
    pub fn per_request(
        choose: impl Fn(&RequestHead) -> Option<Arc<Policy>> + Send + Sync + 'static,
    ) -> Self {
        Self::from_source(PolicySource::chosen(choose))
    }

    fn from_source(source: PolicySource<RequestHead>) -> Self {
        Cors {
            settings: LayerSettings::new(source),
        }
    }

    /// Starts from options named as actix-cors names them, see [`CorsBuilder`].
    pub fn builder() -> CorsBuilder {
        CorsBuilder::new()
    }

    /// Asks the application about origins that the policy does not know. Only a well-formed origin
    /// that nothing else matched comes here, never `null`; the answer may be a `bool`, an `Option`
    /// or a `Result` ([`IntoVerdict`]).
    ///
    /// # Errors
    /// The policy has no `origin_predicate`, so nobody would ever be asked.
    ///
    /// ```
    /// use crossgate::Policy;
    /// use crossgate::actix::Cors;
    /// let policy = Policy::builder().origin_predicate(true).build()?;
    /// let cors = Cors::new(policy)
    ///     .origin_predicate(|origin, _head| origin == "https://tenant.example")?;
    /// # let _ = cors;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn origin_predicate<V: IntoVerdict>(
        mut self,
        ask: impl Fn(&HeaderValue, &RequestHead) -> V + Send + Sync + 'static,
    ) -> Result<Self, VerdictError> {
        self.settings.set_predicate(Predicate::sync(ask))?;
        Ok(self)
    }

    /// The same for an answer that has to be waited for. Its future is boxed, and the request waits
    /// for it; requests whose origin the policy knows are not held up.
    ///
    /// # Errors
    /// As [`Cors::origin_predicate`].
    pub fn origin_predicate_async<F>(
        mut self,
        ask: impl Fn(HeaderValue, &RequestHead) -> F + Send + Sync + 'static,
    ) -> Result<Self, VerdictError>
    where
        F: Future<Output: IntoVerdict> + 'static,
    {
        self.settings.set_predicate(ask_later(ask))?;
        Ok(self)
    }

    /// How long an asynchronous answer of the application may take; 5 seconds if nothing is said.
    /// Then the origin is denied, the future is dropped, and the question is counted
    /// ([`Counters::predicate_failed`]).
    pub fn verdict_timeout(mut self, time: Duration) -> Self {
        self.settings.options.verdict_timeout = time;
        self
    }

    /// Sets the function of options that are its own permission to ask.
    pub(super) fn with_predicate(mut self, predicate: OriginPredicate) -> Self {
        self.settings.predicate = Some(predicate);
        self
    }

    /// Names of request headers that a response depends on beyond those the policy adds to `Vary`
    /// itself.
    pub fn vary(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.settings.options.vary_by::<HeaderMap>(names);
        self
    }

    /// Is told of every decision that the shadow policy of a [`SharedPolicy`](crate::SharedPolicy)
    /// would have made otherwise ([`SharedPolicy::set_shadow`](crate::SharedPolicy::set_shadow)).
    /// With the feature `tracing` there is a limited event as well, also without this. Without
    /// either, and while there is no shadow, nothing is evaluated.
    ///
    /// It runs in the request's task, before the handler: hand on what takes time. If it panics,
    /// the request goes on all the same. A shadow policy that asks the application gets the verdict
    /// that was asked for the live one; it causes no question of its own, so origins that only the
    /// live policy lists are `origin_not_listed` to it.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use crossgate::actix::Cors;
    /// use crossgate::{Policy, SharedPolicy};
    /// static DIFFERENCES: AtomicU64 = AtomicU64::new(0);
    /// let live = Policy::builder().allow_origins(["https://*.example.com"]).build()?;
    /// let next = Policy::builder().allow_origins(["https://app.example.com"]).build()?;
    /// let shared = Arc::new(SharedPolicy::new(live));
    /// let cors = Cors::new(shared.clone()).on_shadow_difference(|difference, request| {
    ///     DIFFERENCES.fetch_add(1, Ordering::Relaxed);
    ///     let origin = request.origin().single().unwrap_or_default().escape_ascii();
    ///     let (live, shadow) = (difference.live.reason, difference.shadow.reason);
    ///     eprintln!("{origin}: {live} is {shadow} in the new policy");
    /// });
    /// shared.set_shadow(Some(next.into()));
    /// # let _ = cors;
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    pub fn on_shadow_difference(
        mut self,
        observe: impl Fn(&ShadowDifference, &Request<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.settings.set_observer(Observer::new(observe));
        self
    }

    /// Counts every decision by its reason.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use crossgate::actix::Cors;
    /// use crossgate::{Counters, Policy};
    /// let counters = Arc::new(Counters::new());
    /// let policy = Policy::builder().allow_origins(["https://app.example.com"]).build()?;
    /// let cors = Cors::new(policy).counters(counters.clone());
    /// // what /metrics answers:
    /// let denied = "crossgate_decisions_total{reason=\"origin_not_listed\"} 0\n";
    /// assert!(counters.to_prometheus().contains(denied));
    /// # let _ = cors;
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    pub fn counters(mut self, counters: Arc<Counters>) -> Self {
        self.settings.options.counters = Some(counters);
        self
    }

    /// Inserts a [`DecisionInfo`](crate::DecisionInfo) into the extensions of every request that
    /// goes to the handler, and of every response that is made without it. Off unless set: it costs
    /// an allocation a request.
    pub fn insert_extension(mut self, insert: bool) -> Self {
        self.settings.options.insert_extension = insert;
        self
    }

    /// Hands preflights to the application, whose response gets the headers of the answer. Its
    /// status decides: a preflight passes with 200 to 299 only.
    pub fn forward_preflights(mut self, forward: bool) -> Self {
        self.settings.options.forward_preflights = forward;
        self
    }
}

impl From<Policy> for Cors {
    fn from(policy: Policy) -> Self {
        Cors::new(policy)
    }
}

impl<S, B> Transform<S, ServiceRequest> for Cors
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = CorsMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<CorsMiddleware<S>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(CorsMiddleware::new(
            Rc::new(service),
            Rc::new(self.settings.clone()),
        )))
    }
}
