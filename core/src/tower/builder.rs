//! A layer from options as tower-http names them.

use std::future::Future;
use std::time::Duration;

use http::Method;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;

use super::layer::CorsLayer;
use super::rules::Host;
use crate::config::{ListSeparator, PolicyBuilder, SingleOrigin};
use crate::middleware::verdict::IntoVerdict;
use crate::policy::Policy;
use crate::problem::PolicyError;

/// Builds a [`CorsLayer`] from the options of tower-http's layer of that name: the same methods, the same defaults, the
/// same statuses and list separator. What differs is in `docs/migrating-from-tower-http.md`; most of all, options that
/// are wrong are an error of [`CorsBuilder::build`], where tower-http panics or answers what no browser accepts.
///
/// ```
/// use crossgate::tower::{Any, CorsLayer};
/// use http::Method;
/// let layer = CorsLayer::builder()
///     .allow_origin(["https://app.example.com".parse()?, "https://admin.example.com".parse()?])
///     .allow_methods([Method::GET, Method::PUT])
///     .allow_headers(Any)
///     .build()?;
/// # let _ = layer;
/// let error = CorsLayer::builder().allow_origin(Any).allow_credentials(true).build().unwrap_err();
/// assert_eq!(error.problems()[0].code.as_str(), "any_with_credentials");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct CorsBuilder {
    origin: AllowOrigin,
    methods: AllowMethods,
    headers: AllowHeaders,
    expose: ExposeHeaders,
    credentials: bool,
    max_age: Option<Duration>,
    private_network: bool,
    vary: Vec<HeaderName>,
}

impl CorsBuilder {
    /// Nobody is allowed anything yet.
    pub fn new() -> Self {
        CorsBuilder::default()
    }

    /// Any origin, any method, any header, everything exposed, no credentials.
    pub fn permissive() -> Self {
        CorsBuilder::new().allow_origin(Any).allow_methods(Any).allow_headers(Any).expose_headers(Any)
    }

    /// The options of tower-http's `very_permissive`: every origin with credentials. They hand each user's data to every
    /// site, so [`CorsBuilder::build`] refuses them and says what to do instead.
    pub fn very_permissive() -> Self {
        let builder = CorsBuilder::new().allow_credentials(true).allow_origin(AllowOrigin::mirror_request());
        builder.allow_methods(AllowMethods::mirror_request()).allow_headers(AllowHeaders::mirror_request())
    }

    /// Whose scripts may read responses.
    pub fn allow_origin(mut self, origin: impl Into<AllowOrigin>) -> Self {
        self.origin = origin.into();
        self
    }

    /// Methods beyond GET, HEAD and POST.
    pub fn allow_methods(mut self, methods: impl Into<AllowMethods>) -> Self {
        self.methods = methods.into();
        self
    }

    /// Names of request headers.
    pub fn allow_headers(mut self, headers: impl Into<AllowHeaders>) -> Self {
        self.headers = headers.into();
        self
    }

    /// Names of response headers that script may read.
    pub fn expose_headers(mut self, headers: impl Into<ExposeHeaders>) -> Self {
        self.expose = headers.into();
        self
    }

    /// Whether responses to requests with cookies may be read.
    pub fn allow_credentials(mut self, allow: bool) -> Self {
        self.credentials = allow;
        self
    }

    /// How long browsers may keep a preflight: a day at most.
    pub fn max_age(mut self, age: impl Into<Option<Duration>>) -> Self {
        self.max_age = age.into();
        self
    }

    /// Answers the legacy Private Network Access request header.
    pub fn allow_private_network(mut self, allow: bool) -> Self {
        self.private_network = allow;
        self
    }

    /// Names for `Vary` beyond those that the policy needs, which are always there.
    pub fn vary(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.vary = names.into_iter().collect();
        self
    }

    /// Builds the layer.
    ///
    /// # Errors
    /// Every problem of the options.
    pub fn build(self) -> Result<CorsLayer, PolicyError> {
        let mut layer = CorsLayer::new(self.policy().build()?).vary(self.vary);
        if let OriginRule::Asked(host) = self.origin.0 {
            layer.set_host(host);
        }
        Ok(layer)
    }

    fn policy(&self) -> PolicyBuilder {
        let mut policy = Policy::builder()
            .allow_methods(self.methods.0.iter().cloned())
            .expose_headers(self.expose.0.iter().cloned())
            .allow_credentials(self.credentials)
            .allow_private_network(self.private_network)
            .preflight_status(200)
            .denied_preflight_status(200)
            .list_separator(ListSeparator::Comma);
        policy = match &self.origin.0 {
            OriginRule::List(origins) if origins.is_empty() => policy.host_origins(true),
            OriginRule::List(origins) => policy.allow_origins(origins.iter().map(text)),
            OriginRule::Exact(origin) if origin != "*" => policy.allow_origins([text(origin)]).single_origin(SingleOrigin::Static),
            OriginRule::Exact(_) => policy.allow_origins(["*"]),
            OriginRule::Asked(_) => policy.host_origins(true),
        };
        policy = match &self.headers.0 {
            HeaderRule::List(names) => policy.allow_headers(names.iter().map(HeaderName::as_str)),
            HeaderRule::Any => policy.allow_headers(["*"]),
            // Without credentials a literal `*` is what every name comes to, but for one.
            HeaderRule::Mirror if self.credentials => policy.allow_headers(["*"]),
            HeaderRule::Mirror => policy.allow_headers(["*", "authorization"]),
        };
        match self.max_age {
            Some(age) => policy.max_age(u32::try_from(age.as_secs()).unwrap_or(u32::MAX)),
            None => policy,
        }
    }
}

fn text(origin: &HeaderValue) -> String {
    String::from_utf8_lossy(origin.as_bytes()).into_owned()
}

/// Everything of a kind, in the place of a list.
#[derive(Clone, Copy, Debug)]
pub struct Any;

/// Whose scripts may read responses.
#[derive(Clone, Debug)]
pub struct AllowOrigin(OriginRule);

#[derive(Clone, Debug)]
enum OriginRule {
    List(Vec<HeaderValue>),
    Exact(HeaderValue),
    Asked(Host),
}

impl Default for AllowOrigin {
    fn default() -> Self {
        AllowOrigin(OriginRule::List(Vec::new()))
    }
}

impl AllowOrigin {
    /// Everybody: `*`.
    pub fn any() -> Self {
        AllowOrigin(OriginRule::Exact(HeaderValue::from_static("*")))
    }

    /// One origin, which every response names, whoever asks.
    pub fn exact(origin: HeaderValue) -> Self {
        AllowOrigin(OriginRule::Exact(origin))
    }

    /// Origins and patterns; each response names the one that asked.
    pub fn list(origins: impl IntoIterator<Item = HeaderValue>) -> Self {
        AllowOrigin(OriginRule::List(origins.into_iter().collect()))
    }

    /// Those that the application allows, see [`CorsLayer::ask`].
    pub fn predicate<V: IntoVerdict>(ask: impl Fn(&HeaderValue, &Parts) -> V + Send + Sync + 'static) -> Self {
        AllowOrigin(OriginRule::Asked(Host::now(ask)))
    }

    /// Those that the application allows after a while, see [`CorsLayer::ask_async`].
    pub fn async_predicate<F>(ask: impl Fn(HeaderValue, &Parts) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output: IntoVerdict> + Send + 'static,
    {
        AllowOrigin(OriginRule::Asked(Host::later(ask)))
    }

    /// Everybody, as [`AllowOrigin::any`]: to name each origin back says no more than `*`. With credentials it hands
    /// each user's data to every site and is refused.
    pub fn mirror_request() -> Self {
        AllowOrigin::any()
    }
}

impl From<Any> for AllowOrigin {
    fn from(_: Any) -> Self {
        AllowOrigin::any()
    }
}

impl From<HeaderValue> for AllowOrigin {
    fn from(origin: HeaderValue) -> Self {
        AllowOrigin::exact(origin)
    }
}

impl<const N: usize> From<[HeaderValue; N]> for AllowOrigin {
    fn from(origins: [HeaderValue; N]) -> Self {
        AllowOrigin::list(origins)
    }
}

impl From<Vec<HeaderValue>> for AllowOrigin {
    fn from(origins: Vec<HeaderValue>) -> Self {
        AllowOrigin::list(origins)
    }
}

/// Methods beyond GET, HEAD and POST.
#[derive(Clone, Debug, Default)]
pub struct AllowMethods(Vec<String>);

impl AllowMethods {
    /// Every method.
    pub fn any() -> Self {
        AllowMethods(vec!["*".to_owned()])
    }

    /// One method.
    pub fn exact(method: Method) -> Self {
        AllowMethods::list([method])
    }

    /// Methods, in the order of the answer.
    pub fn list(methods: impl IntoIterator<Item = Method>) -> Self {
        AllowMethods(methods.into_iter().map(|method| method.as_str().to_owned()).collect())
    }

    /// Every method, as [`AllowMethods::any`]; with credentials the answer names the requested one.
    pub fn mirror_request() -> Self {
        AllowMethods::any()
    }
}

impl From<Any> for AllowMethods {
    fn from(_: Any) -> Self {
        AllowMethods::any()
    }
}

impl From<Method> for AllowMethods {
    fn from(method: Method) -> Self {
        AllowMethods::exact(method)
    }
}

impl<const N: usize> From<[Method; N]> for AllowMethods {
    fn from(methods: [Method; N]) -> Self {
        AllowMethods::list(methods)
    }
}

impl From<Vec<Method>> for AllowMethods {
    fn from(methods: Vec<Method>) -> Self {
        AllowMethods::list(methods)
    }
}

/// Names of request headers.
#[derive(Clone, Debug, Default)]
pub struct AllowHeaders(HeaderRule);

#[derive(Clone, Debug)]
enum HeaderRule {
    List(Vec<HeaderName>),
    Any,
    Mirror,
}

impl Default for HeaderRule {
    fn default() -> Self {
        HeaderRule::List(Vec::new())
    }
}

impl AllowHeaders {
    /// Every name but `Authorization`, which no browser takes `*` for.
    pub fn any() -> Self {
        AllowHeaders(HeaderRule::Any)
    }

    /// Names, in the order of the answer.
    pub fn list(names: impl IntoIterator<Item = HeaderName>) -> Self {
        AllowHeaders(HeaderRule::List(names.into_iter().collect()))
    }

    /// Every name, `Authorization` included. With credentials the answer names what was asked for.
    pub fn mirror_request() -> Self {
        AllowHeaders(HeaderRule::Mirror)
    }
}

impl From<Any> for AllowHeaders {
    fn from(_: Any) -> Self {
        AllowHeaders::any()
    }
}

impl<const N: usize> From<[HeaderName; N]> for AllowHeaders {
    fn from(names: [HeaderName; N]) -> Self {
        AllowHeaders::list(names)
    }
}

impl From<Vec<HeaderName>> for AllowHeaders {
    fn from(names: Vec<HeaderName>) -> Self {
        AllowHeaders::list(names)
    }
}

/// Names of response headers that script may read.
#[derive(Clone, Debug, Default)]
pub struct ExposeHeaders(Vec<String>);

impl ExposeHeaders {
    /// Every name. Not with credentials.
    pub fn any() -> Self {
        ExposeHeaders(vec!["*".to_owned()])
    }

    /// Names, in the order of the answer.
    pub fn list(names: impl IntoIterator<Item = HeaderName>) -> Self {
        ExposeHeaders(names.into_iter().map(|name| name.as_str().to_owned()).collect())
    }
}

impl From<Any> for ExposeHeaders {
    fn from(_: Any) -> Self {
        ExposeHeaders::any()
    }
}

impl<const N: usize> From<[HeaderName; N]> for ExposeHeaders {
    fn from(names: [HeaderName; N]) -> Self {
        ExposeHeaders::list(names)
    }
}

impl From<Vec<HeaderName>> for ExposeHeaders {
    fn from(names: Vec<HeaderName>) -> Self {
        ExposeHeaders::list(names)
    }
}
