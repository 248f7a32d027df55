//! The answer: what the request is, whether it passed and why, and which headers the response gets.

use std::fmt;

use crate::headers::{Block, Header, HeaderName, Source, Value};
use crate::request::Kind;

/// Why a decision is what it is. The names are stable.
///
/// ```
/// use crossgate::{Policy, Reason, Request};
/// let policy = Policy::builder().allow_origins(["https://a.example"]).build()?;
/// let asked = |origin| policy.evaluate(&Request::new("GET").header("Origin", origin)).reason();
/// assert_eq!(asked("https://a.example"), Reason::Allowed);
/// assert_eq!(asked("https://a.example/"), Reason::OriginMalformed);
/// assert_eq!(asked("https://a.example.evil.example").as_str(), "origin_not_listed");
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Origin, method and headers passed.
    Allowed,
    /// The same under `*`: the origin was not looked at.
    AllowedAny,
    /// No `Origin`: not a CORS request.
    NoOrigin,
    /// The server's own origin.
    OwnOrigin,
    /// A well-formed origin that nothing matches.
    OriginNotListed,
    /// `null`.
    OriginNull,
    /// Nothing that a browser serialises.
    OriginMalformed,
    /// Several `Origin` lines, or several values in one.
    OriginMultiple,
    /// The requested method is not allowed.
    MethodNotAllowed,
    /// It would be, in another case.
    MethodCase,
    /// A requested header name is not allowed.
    HeaderNotAllowed,
    /// An element of the list of names is no token.
    HeaderListMalformed,
    /// The list of names exceeds its bounds.
    HeaderListTooLong,
}

impl Reason {
    /// Every reason; the position of each is its index in [`Counters`](crate::Counters).
    pub const ALL: [Reason; 13] = [
        Reason::Allowed,
        Reason::AllowedAny,
        Reason::NoOrigin,
        Reason::OwnOrigin,
        Reason::OriginNotListed,
        Reason::OriginNull,
        Reason::OriginMalformed,
        Reason::OriginMultiple,
        Reason::MethodNotAllowed,
        Reason::MethodCase,
        Reason::HeaderNotAllowed,
        Reason::HeaderListMalformed,
        Reason::HeaderListTooLong,
    ];

    /// The name, like `origin_not_listed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::Allowed => "allowed",
            Reason::AllowedAny => "allowed_any",
            Reason::NoOrigin => "no_origin",
            Reason::OwnOrigin => "own_origin",
            Reason::OriginNotListed => "origin_not_listed",
            Reason::OriginNull => "origin_null",
            Reason::OriginMalformed => "origin_malformed",
            Reason::OriginMultiple => "origin_multiple",
            Reason::MethodNotAllowed => "method_not_allowed",
            Reason::MethodCase => "method_case",
            Reason::HeaderNotAllowed => "header_not_allowed",
            Reason::HeaderListMalformed => "header_list_malformed",
            Reason::HeaderListTooLong => "header_list_too_long",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the host does next.
///
/// ```
/// use crossgate::{Action, Policy, Request};
/// # let policy = Policy::builder().allow_origins(["https://a.example"]).build()?;
/// # let request = Request::new("GET");
/// let decision = policy.evaluate(&request);
/// match decision.action() {
///     Action::Forward => { /* run the handler, then decision.apply(…) on its response */ }
///     Action::Answer | Action::Reject => { /* answer decision.status() with decision.headers() and no body */
///     }
/// }
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Run the handler; apply the headers to its response, whatever its status.
    Forward,
    /// Answer now, with [`Decision::status`] and no body. A preflight never reaches the
    /// application.
    Answer,
    /// Answer 403 now.
    Reject,
}

impl Action {
    /// Every action.
    pub const ALL: [Action; 3] = [Action::Forward, Action::Answer, Action::Reject];

    /// `forward`, `answer`, `reject`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::Forward => "forward",
            Action::Answer => "answer",
            Action::Reject => "reject",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An echoed list of names.
#[derive(Clone, Debug)]
pub(crate) enum Names<'a> {
    None,
    Owned(Box<str>),
    Scratch(&'a str),
}

/// The answer to one request. Borrows from the policy and the request.
///
/// ```
/// use crossgate::{Action, Policy, Request};
/// let policy = Policy::builder().allow_origins(["https://a.example"]).allow_credentials(true).build()?;
/// let request = Request::new("GET").header("origin", b"https://a.example");
/// let decision = policy.evaluate(&request);
/// assert_eq!(decision.action(), Action::Forward);
/// let headers: Vec<_> = decision.headers().map(|h| (h.name.as_str(), h.value)).collect();
/// assert_eq!(headers, [
///     ("Access-Control-Allow-Origin", "https://a.example"),
///     ("Access-Control-Allow-Credentials", "true"),
///     ("Vary", "Origin"),
/// ]);
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone)]
pub struct Decision<'a> {
    pub(crate) block: &'a Block,
    pub(crate) origin: &'a str,
    pub(crate) origin_source: Source,
    pub(crate) method: Option<&'a str>,
    pub(crate) names: Names<'a>,
    pub(crate) kind: Kind,
    pub(crate) reason: Reason,
    pub(crate) action: Action,
    pub(crate) allowed: Option<bool>,
    /// 0: none.
    pub(crate) status: u16,
    pub(crate) keeps_upstream: bool,
}

impl<'a> Decision<'a> {
    /// What the request is.
    #[inline]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Why; the first failing check in the order origin, method, headers.
    #[inline]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// What the host does next.
    #[inline]
    pub fn action(&self) -> Action {
        self.action
    }

    /// Whether a CORS request passed; `None` for a request that is not one, or that is the server's
    /// own.
    #[inline]
    pub fn allowed(&self) -> Option<bool> {
        self.allowed
    }

    /// The status to answer with; `None` with [`Action::Forward`].
    #[inline]
    pub fn status(&self) -> Option<u16> {
        (self.status != 0).then_some(self.status)
    }

    /// The headers that the response gets, in their order.
    #[inline]
    pub fn headers(&self) -> impl Iterator<Item = Header<'_>> {
        self.block.lines.iter().filter_map(|line| {
            let (value, source) = self.value(&line.value)?;
            Some(Header {
                name: line.name,
                value,
                op: line.op,
                source,
            })
        })
    }

    /// The headers that the response loses if the application or an upstream set them.
    pub fn remove(&self) -> &'a [HeaderName] {
        &self.block.remove
    }

    /// Whether a response that already has `Access-Control-Allow-Origin` is left whole (`upstream =
    /// "keep"`).
    pub fn keeps_upstream(&self) -> bool {
        self.keeps_upstream
    }

    #[inline]
    pub(crate) fn value<'d>(&'d self, value: &'d Value) -> Option<(&'d str, Source)> {
        match value {
            Value::Fixed(text) => Some((text.as_str(), Source::Policy)),
            Value::Origin => Some((self.origin, self.origin_source)),
            Value::Method => self.method.map(|method| (method, Source::Request)),
            Value::Names => match &self.names {
                Names::None => None,
                Names::Owned(names) => Some((names, Source::Scratch)),
                Names::Scratch(names) => Some((names, Source::Scratch)),
            },
        }
    }
}

impl fmt::Debug for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision")
            .field("kind", &self.kind)
            .field("reason", &self.reason)
            .field("action", &self.action)
            .field("allowed", &self.allowed)
            .field("status", &self.status())
            .field(
                "headers",
                &self
                    .headers()
                    .map(|h| (h.name.as_str(), h.value))
                    .collect::<Vec<_>>(),
            )
            .finish()
    }
}
