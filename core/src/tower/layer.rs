//! The layer.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use tower_layer::Layer;

use super::builder::CorsBuilder;
use super::service::Cors;
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

/// Puts a policy around every service it is given. See [the module](super) for where it belongs.
///
/// ```
/// use crossgate::Policy;
/// use crossgate::tower::CorsLayer;
/// let policy = Policy::builder()
///     .allow_origins(["https://app.example.com"])
///     .allow_methods(["PUT"])
///     .build()?;
/// let layer = CorsLayer::new(policy);
/// # let _ = layer;
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is put around a service"]
pub struct CorsLayer {
    settings: Settings,
}

impl CorsLayer {
    /// A layer with one policy for all requests: a [`Policy`], an `Arc` of one, or a
    /// [`SharedPolicy`](crate::SharedPolicy) that is replaced while serving.
    pub fn new(policy: impl Into<LayerPolicy>) -> Self {
        Self::from_source(policy.into().into())
    }

    /// A layer that chooses the policy by the head of the request: a table of tenants, for example.
    /// A request that gets `None` is treated by a policy that allows nobody.
    ///
    /// The choice must not depend on what a preflight does not have: a preflight carries neither
    /// cookies nor `Authorization`, its method is OPTIONS, and its path is that of the request to
    /// come. What the choice depends on beyond the URL belongs in `Vary`, see [`CorsLayer::vary`].
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use std::sync::Arc;
    /// use crossgate::Policy;
    /// use crossgate::tower::CorsLayer;
    /// let public = Arc::new(Policy::builder().allow_origins(["*"]).build()?);
    /// let own = Arc::new(Policy::builder().allow_origins(["https://app.example.com"]).build()?);
    /// let layer = CorsLayer::per_request(move |head: &http::request::Parts| {
    ///     Some(if head.uri.path().starts_with("/public/") { public.clone() } else { own.clone() })
    /// });
    /// # let _ = layer;
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    pub fn per_request(
        choose: impl Fn(&Parts) -> Option<Arc<Policy>> + Send + Sync + 'static,
    ) -> Self {
        Self::from_source(PolicySource::chosen(choose))
    }

    fn from_source(source: PolicySource<Parts>) -> Self {
        CorsLayer {
            settings: LayerSettings::new(source),
        }
    }

    /// Starts a layer from options named as tower-http names them, see [`CorsBuilder`].
    pub fn builder() -> CorsBuilder {
        CorsBuilder::new()
    }

    /// Any origin, any method, any header, everything exposed, no credentials: for a resource that
    /// is public.
    pub fn permissive() -> Self {
        CorsBuilder::permissive()
            .build()
            .expect("the permissive policy is valid")
    }

    /// Asks the application about origins that the policy does not know. Only a well-formed origin
    /// that nothing else matched comes here, never `null`; the answer may be a `bool`, an `Option`
    /// or a `Result` ([`IntoVerdict`]). A predicate that panics panics in the server's task, and
    /// one that takes its time holds up this request: timeouts are its own matter.
    ///
    /// # Errors
    /// The policy has no `origin_predicate`, so nobody would ever be asked.
    ///
    /// ```
    /// use crossgate::Policy;
    /// use crossgate::tower::CorsLayer;
    /// let policy = Policy::builder().origin_predicate(true).build()?;
    /// let layer = CorsLayer::new(policy)
    ///     .origin_predicate(|origin, _head| origin == "https://tenant.example")?;
    /// # let _ = layer;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn origin_predicate<V: IntoVerdict>(
        mut self,
        ask: impl Fn(&HeaderValue, &Parts) -> V + Send + Sync + 'static,
    ) -> Result<Self, VerdictError> {
        self.settings.set_predicate(Predicate::sync(ask))?;
        Ok(self)
    }

    /// The same for an answer that has to be waited for. Its future is boxed, and the request waits
    /// for it; requests whose origin the policy knows are not held up.
    ///
    /// # Errors
    /// As [`CorsLayer::origin_predicate`].
    ///
    /// ```
    /// use crossgate::Policy;
    /// use crossgate::tower::CorsLayer;
    /// # async fn is_tenant(_: &str) -> Result<bool, std::io::Error> { Ok(true) }
    /// let policy = Policy::builder()
    ///     .allow_origins(["https://app.example.com"])
    ///     .origin_predicate(true)
    ///     .build()?;
    /// let layer = CorsLayer::new(policy).origin_predicate_async(|origin, _head| async move {
    ///     is_tenant(origin.to_str().unwrap_or_default()).await // an error denies
    /// })?;
    /// # let _ = layer;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn origin_predicate_async<F>(
        mut self,
        ask: impl Fn(HeaderValue, &Parts) -> F + Send + Sync + 'static,
    ) -> Result<Self, VerdictError>
    where
        F: Future<Output: IntoVerdict> + Send + 'static,
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
    /// use crossgate::tower::CorsLayer;
    /// use crossgate::{Policy, SharedPolicy};
    /// static DIFFERENCES: AtomicU64 = AtomicU64::new(0);
    /// let live = Policy::builder().allow_origins(["https://*.example.com"]).build()?;
    /// let next = Policy::builder().allow_origins(["https://app.example.com"]).build()?;
    /// let shared = Arc::new(SharedPolicy::new(live));
    /// let layer = CorsLayer::new(shared.clone()).on_shadow_difference(|difference, request| {
    ///     DIFFERENCES.fetch_add(1, Ordering::Relaxed);
    ///     let origin = request.origin().single().unwrap_or_default().escape_ascii();
    ///     let (live, shadow) = (difference.live.reason, difference.shadow.reason);
    ///     eprintln!("{origin}: {live} is {shadow} in the new policy");
    /// });
    /// shared.set_shadow(Some(next.into()));
    /// # let _ = layer;
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
    /// use crossgate::tower::CorsLayer;
    /// use crossgate::{Counters, Policy};
    /// let counters = Arc::new(Counters::new());
    /// let policy = Policy::builder().allow_origins(["https://app.example.com"]).build()?;
    /// let layer = CorsLayer::new(policy).counters(counters.clone());
    /// // what /metrics answers:
    /// let denied = "crossgate_decisions_total{reason=\"origin_not_listed\"} 0\n";
    /// assert!(counters.to_prometheus().contains(denied));
    /// # let _ = layer;
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
}

impl From<Policy> for CorsLayer {
    fn from(policy: Policy) -> Self {
        CorsLayer::new(policy)
    }
}

impl<S> Layer<S> for CorsLayer {
    type Service = Cors<S>;

    fn layer(&self, inner: S) -> Cors<S> {
        Cors::new(inner, Arc::new(self.settings.clone()))
    }
}
