//! What the middleware for tower and actix share: where a policy comes from, the application's
//! verdict, and header values that are made once per policy.

pub(crate) mod deadline;
pub(crate) mod header_map;
pub(crate) mod layer_settings;
pub(crate) mod observer;
pub(crate) mod overwrite;
pub(crate) mod plan;
pub(crate) mod policy_source;
pub(crate) mod predicate;
pub(crate) mod templates;
#[cfg(test)]
mod tests;

use crate::decide::Decision;
use crate::fetch::reason::Reason;
use crate::fetch::request::RequestKind;

/// What was decided about a request, for handlers: an extension of the request if the layer was
/// told to leave it there (`insert_extension(true)`), and of every response that the layer gives
/// itself.
///
/// ```
/// use crossgate::{DecisionInfo, Policy, Reason, Request, RequestKind};
///
/// # #[cfg(feature = "tower")]
/// fn may_be_read<B>(request: &http::Request<B>) -> bool {
///     request
///         .extensions()
///         .get::<DecisionInfo>()
///         .is_none_or(|info| info.allowed != Some(false))
/// }
///
/// let policy = Policy::builder()
///     .allow_origins(["https://app.example.com"])
///     .build()?;
/// let info = DecisionInfo::from(
///     &policy.evaluate(&Request::new("GET").header("Origin", "https://evil.example")),
/// );
/// assert_eq!(
///     (info.kind, info.reason, info.allowed),
///     (RequestKind::Actual, Reason::OriginNotListed, Some(false))
/// );
/// # #[cfg(feature = "tower")]
/// assert!(!may_be_read(
///     &http::Request::builder().extension(info).body(())?
/// ));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecisionInfo {
    /// What the request is.
    pub kind: RequestKind,
    /// Why it passed or not.
    pub reason: Reason,
    /// Whether it passed; `None` for a request that is no CORS request, or that is the server's
    /// own.
    pub allowed: Option<bool>,
}

impl From<&Decision<'_>> for DecisionInfo {
    fn from(decision: &Decision<'_>) -> Self {
        DecisionInfo {
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
