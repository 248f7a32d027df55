//! What the middleware for tower and actix share: where a policy comes from, the host's verdict,
//! and headers that are made once with the policy.

#[cfg(test)]
mod agreement;
pub(crate) mod decide;
pub(crate) mod names;
pub(crate) mod observer;
pub(crate) mod prebuilt;
pub(crate) mod source;
pub(crate) mod verdict;

use crate::decision::{Decision, Reason};
use crate::request::Kind;

/// What was decided about a request, for handlers: an extension of the request if the layer was
/// told to leave it there (`tell_handlers(true)`), and of every response that the layer gives
/// itself.
///
/// ```
/// use crossgate::{Decided, Kind, Policy, Reason, Request};
///
/// # #[cfg(feature = "tower")]
/// fn may_be_read<B>(request: &http::Request<B>) -> bool {
///     request
///         .extensions()
///         .get::<Decided>()
///         .is_none_or(|decided| decided.allowed != Some(false))
/// }
///
/// let policy = Policy::builder()
///     .allow_origins(["https://app.example.com"])
///     .build()?;
/// let decided = Decided::from(
///     &policy.evaluate(&Request::new("GET").header("Origin", "https://evil.example")),
/// );
/// assert_eq!(
///     (decided.kind, decided.reason, decided.allowed),
///     (Kind::Actual, Reason::OriginNotListed, Some(false))
/// );
/// # #[cfg(feature = "tower")]
/// assert!(!may_be_read(
///     &http::Request::builder().extension(decided).body(())?
/// ));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decided {
    /// What the request is.
    pub kind: Kind,
    /// Why it passed or not.
    pub reason: Reason,
    /// Whether it passed; `None` for a request that is no CORS request, or that is the server's
    /// own.
    pub allowed: Option<bool>,
}

impl From<&Decision<'_>> for Decided {
    fn from(decision: &Decision<'_>) -> Self {
        Decided {
            kind: decision.kind(),
            reason: decision.reason(),
            allowed: decision.allowed(),
        }
    }
}

/// An extension of a response whose own CORS headers the policy replaced or removed
/// (`overwrote_upstream`). It is seen by what stands outside of the middleware, a log for example.
///
/// ```
/// # #[cfg(feature = "tower")] {
/// use crossgate::OverwroteUpstream;
///
/// fn warn<B>(response: &http::Response<B>) -> bool {
///     let two_rules = response.extensions().get::<OverwroteUpstream>().is_some();
///     if two_rules {
///         eprintln!("the application sets CORS headers itself, and the policy replaces them");
///     }
///     two_rules
/// }
///
/// assert!(!warn(&http::Response::new(())));
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverwroteUpstream;
