//! The answer: what the request is, whether it passed and why, and which headers the response gets.

use std::fmt;

use super::Dependencies;
use crate::fetch::header::{Header, HeaderName, ValueSource};
use crate::fetch::reason::Reason;
use crate::fetch::request::RequestKind;
use crate::policy::header_line::LineValue;
use crate::policy::header_set::HeaderSet;
use crate::policy::settings::UpstreamHeaders;

/// What the server does next.
///
/// ```
/// use crossgate::{Action, Policy, Request};
/// # let policy = Policy::builder().allow_origins(["https://a.example"]).build()?;
/// # let request = Request::new("GET");
/// let decision = policy.evaluate(&request);
/// if decision.action() == Action::Forward {
///     // Run the handler, then decision.apply(…) on its response.
/// } else {
///     // No body: decision.status() and decision.headers() are the whole answer.
/// }
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
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
    pub const ALL: &'static [Action] = &[Action::Forward, Action::Answer, Action::Reject];

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
pub(crate) enum EchoedNames<'a> {
    None,
    Owned(Box<str>),
    Scratch(&'a str),
}

/// The answer to one request. Borrows from the policy and the request.
///
/// ```
/// use crossgate::{Action, Policy, Request};
/// let policy = Policy::builder()
///     .allow_origins(["https://a.example"])
///     .allow_credentials(true)
///     .build()?;
/// let request = Request::new("GET").header("origin", b"https://a.example");
/// let decision = policy.evaluate(&request);
/// assert_eq!(decision.action(), Action::Forward);
/// let headers: Vec<_> = decision
///     .headers()
///     .map(|h| (h.name.as_str(), h.value))
///     .collect();
/// assert_eq!(
///     headers,
///     [
///         ("Access-Control-Allow-Origin", "https://a.example"),
///         ("Access-Control-Allow-Credentials", "true"),
///         ("Vary", "Origin"),
///     ]
/// );
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone)]
pub struct Decision<'a> {
    pub(crate) set: &'a HeaderSet,
    pub(crate) origin: &'a str,
    pub(crate) origin_source: ValueSource,
    pub(crate) method: Option<&'a str>,
    pub(crate) names: EchoedNames<'a>,
    pub(crate) kind: RequestKind,
    pub(crate) reason: Reason,
    pub(crate) action: Action,
    pub(crate) allowed: Option<bool>,
    /// 0: none.
    pub(crate) status: u16,
    pub(crate) upstream: UpstreamHeaders,
    pub(crate) hit_regex_step_limit: bool,
    pub(crate) depends_on: Dependencies,
}

impl<'a> Decision<'a> {
    /// What the request is.
    #[inline]
    pub fn kind(&self) -> RequestKind {
        self.kind
    }

    /// Why; the first failing check in the order origin, method, headers.
    #[inline]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// What the server does next.
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
        self.set.lines.iter().filter_map(|line| {
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
        &self.set.remove
    }

    /// Whether a response that already has `Access-Control-Allow-Origin` is left whole (`upstream =
    /// "keep"`).
    #[inline]
    pub fn keeps_upstream(&self) -> bool {
        self.upstream == UpstreamHeaders::Keep
    }

    /// Whether a response whose only `Access-Control-Allow-Origin` is `*`, without
    /// `Access-Control-Allow-Credentials`, keeps it and `Access-Control-Expose-Headers`
    /// (`upstream = "keep_public"`, and this decision sets none).
    #[inline]
    pub fn keeps_public(&self) -> bool {
        self.upstream == UpstreamHeaders::KeepPublic
            && self.remove().contains(&HeaderName::AllowOrigin)
    }

    /// Whether a regex with look-around or back references did not come to an end within its steps,
    /// so that it let nobody in. (No other regex has a limit: they need none.)
    #[inline]
    pub fn hit_regex_step_limit(&self) -> bool {
        self.hit_regex_step_limit
    }

    /// Which values of the request the decision depends on: what a cache of decisions is keyed by.
    #[inline]
    pub fn depends_on(&self) -> Dependencies {
        self.depends_on
    }

    /// Whether the request's origin, white space around it aside, is one of the policy's exact
    /// origins. A cache that remembers only such decisions, by the text without white space, cannot
    /// be filled by strangers.
    #[inline]
    pub fn origin_is_listed(&self) -> bool {
        self.origin_source == ValueSource::Policy
            && !self.origin.is_empty()
            && self.reason != Reason::AllowedAny
    }

    #[inline]
    pub(crate) fn value<'d>(&'d self, value: &'d LineValue) -> Option<(&'d str, ValueSource)> {
        match value {
            LineValue::Fixed(text) => Some((text.as_str(), ValueSource::Policy)),
            LineValue::Origin => Some((self.origin, self.origin_source)),
            LineValue::Method => self.method.map(|method| (method, ValueSource::Request)),
            LineValue::Names => match &self.names {
                EchoedNames::None => None,
                EchoedNames::Owned(names) => Some((names, ValueSource::Scratch)),
                EchoedNames::Scratch(names) => Some((names, ValueSource::Scratch)),
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
