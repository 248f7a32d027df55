//! The middleware from options as actix-cors names them.

use actix_web::dev::RequestHead;
use actix_web::http::header::HeaderValue;

use super::cors::Cors;
use crate::config::PolicyBuilder;
use crate::decide::Verdict;
use crate::middleware::predicate::Predicate;
use crate::policy::Policy;
use crate::policy::settings::{DeniedActual, SafetyException};
use crate::problem::PolicyError;

/// Builds a [`Cors`] from the options of actix-cors: the same methods, the same defaults, the same
/// statuses. What differs is in `docs/migrating-from-actix-cors.md`; most of all, options that are
/// wrong are an error of [`CorsBuilder::build`], before the server starts.
///
/// ```
/// use crossgate::actix::Cors;
/// let cors = Cors::builder()
///     .allowed_origin("https://app.example.com")
///     .allowed_methods(["GET", "PUT"])
///     .allowed_headers(["Authorization", "Content-Type"])
///     .supports_credentials()
///     .max_age(3600)
///     .build()?;
/// # let _ = cors;
/// let error = Cors::builder().allow_any_origin().supports_credentials().build().unwrap_err();
/// assert_eq!(error.problems()[0].code.as_str(), "any_with_credentials");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct CorsBuilder {
    any_origin: bool,
    origins: Vec<String>,
    predicates: OriginFns,
    any_method: bool,
    methods: Vec<String>,
    any_header: bool,
    headers: Vec<String>,
    any_exposed: bool,
    exposed: Vec<String>,
    credentials: bool,
    max_age: Option<usize>,
    private_network: bool,
    forwards_preflights: bool,
    rejects: bool,
    own_origins: Vec<String>,
    exceptions: Vec<SafetyException>,
}

type OriginFn = Box<dyn Fn(&HeaderValue, &RequestHead) -> bool + Send + Sync>;

#[derive(Default)]
struct OriginFns(Vec<OriginFn>);

impl std::fmt::Debug for OriginFns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} functions", self.0.len())
    }
}

impl CorsBuilder {
    /// Nobody is allowed anything yet.
    pub fn new() -> Self {
        CorsBuilder::default()
    }

    /// The options of actix-cors' `permissive`: every origin, with credentials. They hand each
    /// user's data to every site, so [`CorsBuilder::build`] refuses them and says what to do
    /// instead.
    pub fn permissive() -> Self {
        CorsBuilder::new()
            .allow_any_origin()
            .allow_any_method()
            .allow_any_header()
            .expose_any_header()
            .supports_credentials()
            .max_age(3600)
    }

    /// Everybody: `*`.
    pub fn allow_any_origin(mut self) -> Self {
        self.any_origin = true;
        self
    }

    /// An origin or pattern more; takes [`CorsBuilder::allow_any_origin`] back.
    pub fn allowed_origin(mut self, origin: &str) -> Self {
        self.any_origin = false;
        self.origins.push(origin.to_owned());
        self
    }

    /// A predicate more, for origins that are not listed, see [`Cors::origin_predicate`].
    pub fn allowed_origin_fn(
        mut self,
        allowed: impl Fn(&HeaderValue, &RequestHead) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.predicates.0.push(Box::new(allowed));
        self
    }

    /// Every method.
    pub fn allow_any_method(mut self) -> Self {
        self.any_method = true;
        self
    }

    /// Methods more, beyond GET, HEAD and POST, which always pass.
    pub fn allowed_methods<M: AsRef<str>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.methods
            .extend(methods.into_iter().map(|method| method.as_ref().to_owned()));
        self
    }

    /// Every request header.
    pub fn allow_any_header(mut self) -> Self {
        self.any_header = true;
        self
    }

    /// A request header more; takes [`CorsBuilder::allow_any_header`] back.
    pub fn allowed_header(self, name: impl AsRef<str>) -> Self {
        self.allowed_headers([name])
    }

    /// Request headers more; takes [`CorsBuilder::allow_any_header`] back.
    pub fn allowed_headers<N: AsRef<str>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.any_header = false;
        self.headers
            .extend(names.into_iter().map(|name| name.as_ref().to_owned()));
        self
    }

    /// Script may read every response header. Not with credentials.
    pub fn expose_any_header(mut self) -> Self {
        self.any_exposed = true;
        self
    }

    /// Response headers more that script may read; takes [`CorsBuilder::expose_any_header`] back.
    pub fn expose_headers<N: AsRef<str>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.any_exposed = false;
        self.exposed
            .extend(names.into_iter().map(|name| name.as_ref().to_owned()));
        self
    }

    /// How many seconds browsers may keep a preflight: a day at most.
    pub fn max_age(mut self, seconds: impl Into<Option<usize>>) -> Self {
        self.max_age = seconds.into();
        self
    }

    /// Nothing to choose any more: any origin is answered with `*`.
    pub fn send_wildcard(self) -> Self {
        self
    }

    /// Responses to requests with cookies may be read.
    pub fn supports_credentials(mut self) -> Self {
        self.credentials = true;
        self
    }

    /// Answers the legacy Private Network Access request header.
    pub fn allow_private_network_access(mut self) -> Self {
        self.private_network = true;
        self
    }

    /// PreflightSets go to the application, see [`Cors::forward_preflights`].
    pub fn disable_preflight(mut self) -> Self {
        self.forwards_preflights = true;
        self
    }

    /// Answers a request whose origin is not allowed with 403, before the handler. Needs
    /// [`CorsBuilder::own_origins`].
    pub fn block_on_origin_mismatch(mut self, block: bool) -> Self {
        self.rejects = block;
        self
    }

    /// The server's own public origins: their pages send `Origin`, too.
    pub fn own_origins<S: Into<String>>(mut self, origins: impl IntoIterator<Item = S>) -> Self {
        self.own_origins.extend(origins.into_iter().map(Into::into));
        self
    }

    /// Exceptions to safety rules, each by its name; a warning stays.
    ///
    /// ```
    /// use crossgate::SafetyException::InsecureOriginsWithCredentials;
    /// use crossgate::actix::Cors;
    /// // A telephone in the local network, in development.
    /// let cors = Cors::builder()
    ///     .allowed_origin("http://192.168.1.20:5173")
    ///     .supports_credentials()
    ///     .dangerously_allow([InsecureOriginsWithCredentials])
    ///     .build()?;
    /// # let _ = cors;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn dangerously_allow(
        mut self,
        exceptions: impl IntoIterator<Item = SafetyException>,
    ) -> Self {
        self.exceptions = exceptions.into_iter().collect();
        self
    }

    /// Builds the middleware.
    ///
    /// # Errors
    /// Every problem of the options.
    pub fn build(self) -> Result<Cors, PolicyError> {
        let mut cors =
            Cors::new(self.policy().build()?).forward_preflights(self.forwards_preflights);
        let predicates = self.predicates.0;
        if !predicates.is_empty() {
            cors = cors.with_predicate(Predicate::sync(
                move |origin: &HeaderValue, head: &RequestHead| -> Verdict {
                    if predicates.iter().any(|allows| allows(origin, head)) {
                        Verdict::Allow
                    } else {
                        Verdict::Deny
                    }
                },
            ));
        }
        Ok(cors)
    }

    fn policy(&self) -> PolicyBuilder {
        // With functions "any" is what they say.
        let any_origin = self.any_origin && self.predicates.0.is_empty();
        let any = |any: bool, listed: &[String]| {
            if any {
                vec!["*".to_owned()]
            } else {
                listed.to_vec()
            }
        };
        let mut headers = any(self.any_header, &self.headers);
        if self.any_header && !self.credentials {
            headers.push("Authorization".to_owned());
        }
        let mut policy = Policy::builder()
            .allow_origins(if self.any_origin && !any_origin {
                Vec::new()
            } else {
                any(any_origin, &self.origins)
            })
            .origin_predicate(
                !self.predicates.0.is_empty() || !any_origin && self.origins.is_empty(),
            )
            .allow_methods(any(self.any_method, &self.methods))
            .allow_headers(headers)
            .expose_headers(any(self.any_exposed, &self.exposed))
            .allow_credentials(self.credentials)
            .allow_private_network(self.private_network)
            .dangerously_allow(self.exceptions.iter().copied())
            .own_origins(self.own_origins.iter().cloned())
            .denied_actual(if self.rejects {
                DeniedActual::Reject
            } else {
                DeniedActual::Forward
            })
            .preflight_status(200)
            .denied_preflight_status(400);
        if let Some(seconds) = self.max_age {
            policy = policy.max_age(u32::try_from(seconds).unwrap_or(u32::MAX));
        }
        policy
    }
}
