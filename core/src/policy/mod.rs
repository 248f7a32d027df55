//! The compiled policy: immutable, shared between threads, asked about requests.

#[cfg(any(feature = "tower", feature = "actix"))]
pub(crate) mod attachments;
pub(crate) mod digest;
pub(crate) mod header_line;
pub(crate) mod header_names;
pub(crate) mod header_set;
pub(crate) mod http1_text;
pub(crate) mod methods;
pub(crate) mod requested_headers;
pub(crate) mod settings;
pub(crate) mod vary;

use foldhash::fast::RandomState;

use self::digest::PolicyDigest;
use self::header_names::HeaderNameSet;
use self::header_set::HeaderSets;
use self::methods::MethodSet;
use self::requested_headers::NameRule;
use self::settings::{ListSeparator, SafetyException, SingleOrigin, UpstreamHeaders};
use crate::origin::exact::ExactOrigins;
use crate::origin::matcher::Matcher;
use crate::problem::Problem;

/// A compiled policy. Immutable: share it by reference or in an `Arc`, on as many threads as you
/// like.
///
/// ```
/// use crossgate::Policy;
/// let policy = Policy::builder()
///     .allow_origins(["https://app.example.com", "https://*.preview.example.com"])
///     .allow_methods(["PUT", "DELETE"])
///     .allow_headers(["Authorization", "Content-Type"])
///     .allow_credentials(true)
///     .max_age(7200)
///     .build()?;
/// assert!(policy.warnings().is_empty());
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) any_origin: bool,
    pub(crate) constant: bool,
    pub(crate) allow_null_origin: bool,
    pub(crate) origin_predicate: bool,
    pub(crate) matcher: Matcher,
    pub(crate) own_origins: ExactOrigins,
    pub(crate) methods: MethodSet,
    /// `*` with credentials: the requested method is named.
    pub(crate) echoes_method: bool,
    pub(crate) names: NameRule,
    pub(crate) list_separator: ListSeparator,
    pub(crate) allow_private_network: bool,
    pub(crate) preflight_status: u16,
    pub(crate) denied_preflight_status: u16,
    pub(crate) rejects: bool,
    pub(crate) upstream: UpstreamHeaders,
    pub(crate) header_sets: HeaderSets,
    pub(crate) seed: RandomState,
    /// What only the document needs.
    pub(crate) configured: Configured,
    pub(crate) warnings: Vec<Problem>,
    pub(crate) notes: Vec<Problem>,
    pub(crate) omitted_problems: usize,
    pub(crate) digest: PolicyDigest,
    #[cfg(any(feature = "tower", feature = "actix"))]
    pub(crate) attachments: attachments::Attachments,
}

/// The parts of the canonical document that evaluation does not read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Configured {
    /// For each pattern the number of exact origins in front of it.
    pub(crate) pattern_places: Vec<usize>,
    pub(crate) regexes: Vec<String>,
    pub(crate) allow_headers: Vec<String>,
    pub(crate) expose_headers: HeaderNameSet,
    pub(crate) allow_credentials: bool,
    pub(crate) max_age: Option<u32>,
    pub(crate) single_origin: SingleOrigin,
    pub(crate) exceptions: Vec<SafetyException>,
}

impl Policy {
    /// What is worth a look, though the policy is built.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// What is true of the policy and needs nothing done.
    pub fn notes(&self) -> &[Problem] {
        &self.notes
    }

    /// How many warnings and notes were counted and not listed, because there were more than 1,000.
    pub fn omitted_problems(&self) -> usize {
        self.omitted_problems
    }

    /// Whether `allow_credentials` is set.
    pub fn allows_credentials(&self) -> bool {
        self.configured.allow_credentials
    }

    /// The exceptions to safety rules that the policy makes use of (`dangerously_allow`).
    pub(crate) fn safety_exceptions(&self) -> &[SafetyException] {
        &self.configured.exceptions
    }

    /// Whether the application may allow further origins at request time (`origin_predicate`).
    pub fn has_origin_predicate(&self) -> bool {
        self.origin_predicate
    }

    /// Whether an actual request of an origin that is not allowed is answered with 403
    /// (`denied_actual = "reject"`).
    pub fn rejects(&self) -> bool {
        self.rejects
    }

    /// Every list of requested header names that is longer than this many bytes gets one and the
    /// same decision, whatever it holds: a server that copies the list may cut it at one byte more.
    /// `None`: the whole list counts.
    ///
    /// ```
    /// use crossgate::{Policy, Reason, Request};
    /// let policy = Policy::builder()
    ///     .allow_origins(["*"])
    ///     .allow_headers(["X-A"])
    ///     .build()?;
    /// let limit = policy.request_headers_limit().unwrap();
    /// let reason = |list: &str| {
    ///     let request = Request::new("OPTIONS")
    ///         .header("Origin", "https://a.example")
    ///         .header("Access-Control-Request-Method", "GET");
    ///     policy
    ///         .evaluate(&request.header("Access-Control-Request-Headers", list))
    ///         .reason()
    /// };
    /// assert_eq!(reason(&"x-a,".repeat(9999)), reason(&"?".repeat(limit + 1)));
    /// assert_eq!(reason("x-a"), Reason::AllowedAny);
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    pub fn request_headers_limit(&self) -> Option<usize> {
        self.names.read_limit()
    }

    /// Every response is the same, whatever the origin: `*` or `single_origin = "static"`.
    #[inline]
    pub(crate) fn is_constant(&self) -> bool {
        self.constant
    }

    /// What tells policies apart in logs and metrics; the same in every process and language that
    /// has an equal policy.
    pub fn digest(&self) -> PolicyDigest {
        self.digest
    }
}
