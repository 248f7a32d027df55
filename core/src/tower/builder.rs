//! A layer from options as tower-http names them.

use http::header::{HeaderName, HeaderValue};

use super::layer::CorsLayer;
use super::options::{
    AllowCredentials, AllowHeaders, AllowMethods, AllowOrigin, AllowPrivateNetwork, Any,
    ExposeHeaders, HeaderRule, MaxAge, OriginRule, Vary,
};
use crate::config::PolicyBuilder;
use crate::policy::Policy;
use crate::policy::settings::{ListSeparator, SafetyException, SingleOrigin};
use crate::problem::PolicyError;

/// Builds a [`CorsLayer`] from the options of tower-http's layer of that name: the same methods,
/// the same defaults, the same statuses and list separator. What differs is in
/// `docs/migrating-from-tower-http.md`; most of all, options that are wrong are an error of
/// [`CorsBuilder::build`], where tower-http panics or answers what no browser accepts.
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
    credentials: AllowCredentials,
    max_age: MaxAge,
    private_network: AllowPrivateNetwork,
    vary: Vary,
    exceptions: Vec<SafetyException>,
}

impl CorsBuilder {
    /// Nobody is allowed anything yet.
    pub fn new() -> Self {
        CorsBuilder::default()
    }

    /// Any origin, any method, any header, everything exposed, no credentials.
    pub fn permissive() -> Self {
        CorsBuilder::new()
            .allow_origin(Any)
            .allow_methods(Any)
            .allow_headers(Any)
            .expose_headers(Any)
    }

    /// The options of tower-http's `very_permissive`: every origin with credentials. They hand each
    /// user's data to every site, so [`CorsBuilder::build`] refuses them and says what to do
    /// instead.
    pub fn very_permissive() -> Self {
        let builder = CorsBuilder::new()
            .allow_credentials(true)
            .allow_origin(AllowOrigin::mirror_request());
        builder
            .allow_methods(AllowMethods::mirror_request())
            .allow_headers(AllowHeaders::mirror_request())
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
    pub fn allow_credentials(mut self, allow: impl Into<AllowCredentials>) -> Self {
        self.credentials = allow.into();
        self
    }

    /// How long browsers may keep a preflight: a day at most.
    pub fn max_age(mut self, age: impl Into<MaxAge>) -> Self {
        self.max_age = age.into();
        self
    }

    /// Answers the legacy Private Network Access request header.
    pub fn allow_private_network(mut self, allow: impl Into<AllowPrivateNetwork>) -> Self {
        self.private_network = allow.into();
        self
    }

    /// Names for `Vary` beyond those that the policy needs, which are always there.
    pub fn vary(mut self, names: impl Into<Vary>) -> Self {
        self.vary = names.into();
        self
    }

    /// Exceptions to safety rules, each by its name; a warning stays.
    ///
    /// ```
    /// use crossgate::SafetyException::InsecureOriginsWithCredentials;
    /// use crossgate::tower::CorsLayer;
    /// // A telephone in the local network, in development.
    /// let layer = CorsLayer::builder()
    ///     .allow_origin(["http://192.168.1.20:5173".parse()?])
    ///     .allow_credentials(true)
    ///     .dangerously_allow([InsecureOriginsWithCredentials])
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn dangerously_allow(
        mut self,
        exceptions: impl IntoIterator<Item = SafetyException>,
    ) -> Self {
        self.exceptions = exceptions.into_iter().collect();
        self
    }

    /// Builds the layer.
    ///
    /// # Errors
    /// Every problem of the options.
    pub fn build(self) -> Result<CorsLayer, PolicyError> {
        let mut layer = CorsLayer::new(self.policy().build()?).vary(self.vary.0);
        if let OriginRule::Predicate(predicate) = self.origin.0 {
            layer = layer.with_predicate(predicate);
        }
        Ok(layer)
    }

    fn policy(&self) -> PolicyBuilder {
        let mut policy = Policy::builder()
            .allow_methods(self.methods.0.iter().cloned())
            .expose_headers(self.expose.0.iter().cloned())
            .allow_credentials(self.credentials.0)
            .allow_private_network(self.private_network.0)
            .dangerously_allow(self.exceptions.iter().copied())
            .preflight_status(200)
            .denied_preflight_status(200)
            .list_separator(ListSeparator::Comma);
        policy = match &self.origin.0 {
            OriginRule::List(origins) if origins.is_empty() => policy.origin_predicate(true),
            OriginRule::List(origins) => policy.allow_origins(origins.iter().map(text)),
            OriginRule::Exact(origin) if origin != "*" => policy
                .allow_origins([text(origin)])
                .single_origin(SingleOrigin::Static),
            OriginRule::Exact(_) => policy.allow_origins(["*"]),
            OriginRule::Predicate(_) => policy.origin_predicate(true),
        };
        policy = match &self.headers.0 {
            HeaderRule::List(names) => policy.allow_headers(names.iter().map(HeaderName::as_str)),
            HeaderRule::Any => policy.allow_headers(["*"]),
            // Without credentials a literal `*` is what every name comes to, but for one.
            HeaderRule::Mirror if self.credentials.0 => policy.allow_headers(["*"]),
            HeaderRule::Mirror => policy.allow_headers(["*", "authorization"]),
        };
        match self.max_age.0 {
            Some(age) => policy.max_age(u32::try_from(age.as_secs()).unwrap_or(u32::MAX)),
            None => policy,
        }
    }
}

fn text(origin: &HeaderValue) -> String {
    String::from_utf8_lossy(origin.as_bytes()).into_owned()
}
