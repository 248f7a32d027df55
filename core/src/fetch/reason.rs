//! Why a decision is what it is.

use std::fmt;

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
    /// The number of the reason: its place in [`Reason::ALL`]. It never changes.
    pub const fn number(self) -> usize {
        self as usize
    }

    /// Every reason; the position of each is its index in [`Counters`](crate::Counters).
    pub const ALL: &'static [Reason] = &[
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
