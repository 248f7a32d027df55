//! What the options of tower-http take: its types of these names, with its constructors and
//! conversions.

use std::future::Future;
use std::time::Duration;

use http::Method;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;

use super::settings::{OriginPredicate, ask_later};
use crate::middleware::predicate::{IntoVerdict, Predicate};

/// Everything of a kind, in the place of a list.
///
/// ```
/// use crossgate::tower::{Any, CorsLayer};
/// let layer = CorsLayer::builder()
///     .allow_origin(Any)
///     .allow_methods(Any)
///     .allow_headers(Any)
///     .expose_headers(Any)
///     .build()?;
/// # let _ = layer;
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Any;

/// Whose scripts may read responses.
///
/// ```
/// use crossgate::tower::{AllowOrigin, CorsLayer};
/// let tenants = AllowOrigin::predicate(|origin, _head| origin == "https://tenant.example");
/// let layer = CorsLayer::builder().allow_origin(tenants).build()?;
/// # let _ = layer;
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct AllowOrigin(pub(super) OriginRule);

#[derive(Clone, Debug)]
pub(super) enum OriginRule {
    List(Vec<HeaderValue>),
    Exact(HeaderValue),
    Predicate(OriginPredicate),
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

    /// Those that the application allows, see
    /// [`CorsLayer::origin_predicate`](super::CorsLayer::origin_predicate).
    pub fn predicate<V: IntoVerdict>(
        ask: impl Fn(&HeaderValue, &Parts) -> V + Send + Sync + 'static,
    ) -> Self {
        AllowOrigin(OriginRule::Predicate(Predicate::sync(ask)))
    }

    /// Those that the application allows after a while, see
    /// [`CorsLayer::origin_predicate_async`](super::CorsLayer::origin_predicate_async).
    pub fn async_predicate<F>(
        ask: impl Fn(HeaderValue, &Parts) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output: IntoVerdict> + Send + 'static,
    {
        AllowOrigin(OriginRule::Predicate(ask_later(ask)))
    }

    /// Everybody, as [`AllowOrigin::any`]: to name each origin back says no more than `*`. With
    /// credentials it hands each user's data to every site and is refused.
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
///
/// ```
/// use crossgate::tower::{AllowMethods, Any, CorsLayer};
/// use http::Method;
/// let layer = CorsLayer::builder()
///     .allow_origin(Any)
///     .allow_methods(AllowMethods::list([Method::PUT, Method::DELETE]))
///     .build()?;
/// # let _ = layer;
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct AllowMethods(pub(super) Vec<String>);

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
        AllowMethods(
            methods
                .into_iter()
                .map(|method| method.as_str().to_owned())
                .collect(),
        )
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
///
/// ```
/// use crossgate::tower::{AllowHeaders, Any, CorsLayer};
/// use http::header::CONTENT_TYPE;
/// let builder = CorsLayer::builder().allow_origin(Any);
/// let layer = builder.allow_headers(AllowHeaders::list([CONTENT_TYPE])).build()?;
/// # let _ = layer;
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct AllowHeaders(pub(super) HeaderRule);

#[derive(Clone, Debug)]
pub(super) enum HeaderRule {
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
///
/// ```
/// use crossgate::tower::{Any, CorsLayer, ExposeHeaders};
/// use http::header::ETAG;
/// let builder = CorsLayer::builder().allow_origin(Any);
/// let layer = builder.expose_headers(ExposeHeaders::list([ETAG])).build()?;
/// # let _ = layer;
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ExposeHeaders(pub(super) Vec<String>);

impl ExposeHeaders {
    /// Every name. Not with credentials.
    pub fn any() -> Self {
        ExposeHeaders(vec!["*".to_owned()])
    }

    /// Names, in the order of the answer.
    pub fn list(names: impl IntoIterator<Item = HeaderName>) -> Self {
        ExposeHeaders(
            names
                .into_iter()
                .map(|name| name.as_str().to_owned())
                .collect(),
        )
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

/// Whether responses to requests with cookies may be read.
///
/// ```
/// use crossgate::tower::{AllowCredentials, CorsLayer};
/// let builder = CorsLayer::builder().allow_origin(["https://app.example.com".parse()?]);
/// let layer = builder.allow_credentials(AllowCredentials::yes()).build()?; // or true
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowCredentials(pub(super) bool);

impl AllowCredentials {
    /// They may.
    pub fn yes() -> Self {
        AllowCredentials(true)
    }
}

impl From<bool> for AllowCredentials {
    fn from(allow: bool) -> Self {
        AllowCredentials(allow)
    }
}

/// Whether the legacy Private Network Access request header is answered.
///
/// ```
/// use crossgate::tower::{AllowPrivateNetwork, CorsLayer};
/// let builder = CorsLayer::builder().allow_origin(["https://app.example.com".parse()?]);
/// let layer = builder.allow_private_network(AllowPrivateNetwork::yes()).build()?; // or true
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowPrivateNetwork(pub(super) bool);

impl AllowPrivateNetwork {
    /// It is.
    pub fn yes() -> Self {
        AllowPrivateNetwork(true)
    }
}

impl From<bool> for AllowPrivateNetwork {
    fn from(allow: bool) -> Self {
        AllowPrivateNetwork(allow)
    }
}

/// How long browsers may keep a preflight, in whole seconds; a day at most.
///
/// ```
/// use std::time::Duration;
/// use crossgate::tower::{CorsLayer, MaxAge};
/// let builder = CorsLayer::builder().allow_origin(["https://app.example.com".parse()?]);
/// let age = MaxAge::exact(Duration::from_secs(600)); // or the Duration itself
/// let layer = builder.max_age(age).build()?;
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct MaxAge(pub(super) Option<Duration>);

impl MaxAge {
    /// That long.
    pub fn exact(age: Duration) -> Self {
        MaxAge(Some(age))
    }
}

impl From<Duration> for MaxAge {
    fn from(age: Duration) -> Self {
        MaxAge::exact(age)
    }
}

/// `None` sends no header: browsers then keep a preflight for five seconds.
impl From<Option<Duration>> for MaxAge {
    fn from(age: Option<Duration>) -> Self {
        MaxAge(age)
    }
}

/// Names for `Vary` beyond those that the policy needs, which are always there.
///
/// ```
/// use crossgate::tower::{CorsLayer, Vary};
/// use http::header::ACCEPT_LANGUAGE;
/// let builder = CorsLayer::builder().allow_origin(["https://app.example.com".parse()?]);
/// let layer = builder.vary(Vary::list([ACCEPT_LANGUAGE])).build()?; // or the array, or a Vec
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Vary(pub(super) Vec<HeaderName>);

impl Vary {
    /// Names, in the order of the response.
    pub fn list(names: impl IntoIterator<Item = HeaderName>) -> Self {
        Vary(names.into_iter().collect())
    }
}

impl<const N: usize> From<[HeaderName; N]> for Vary {
    fn from(names: [HeaderName; N]) -> Self {
        Vary::list(names)
    }
}

impl From<Vec<HeaderName>> for Vary {
    fn from(names: Vec<HeaderName>) -> Self {
        Vary(names)
    }
}
