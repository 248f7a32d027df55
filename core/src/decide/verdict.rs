//! The application's verdict on an origin that nothing else matched.

use std::fmt;

use super::Decision;

/// What the application says of an origin that nothing else matched, for policies with
/// `origin_predicate`.
///
/// ```
/// use crossgate::{Policy, Request, Verdict};
/// let policy = Policy::builder().origin_predicate(true).build()?;
/// let request = Request::new("GET").header("Origin", "https://tenant.example");
/// assert_eq!(policy.evaluate_with(&request, Some(Verdict::Allow))?.allowed(), Some(true));
/// assert_eq!(policy.evaluate_with(&request, None)?.allowed(), Some(false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The origin is allowed.
    Allow,
    /// The origin is not allowed. No verdict at all means the same.
    Deny,
}

/// A verdict was given to a policy without `origin_predicate`: the application asked the wrong
/// policy, or forgot the option.
///
/// ```
/// use crossgate::{Policy, Request, Verdict, VerdictError};
/// let policy = Policy::builder()
///     .allow_origins(["https://a.example"])
///     .build()?; // without origin_predicate
/// let asked = policy.evaluate_with(&Request::new("GET"), Some(Verdict::Allow));
/// assert_eq!(asked.err(), Some(VerdictError));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerdictError;

impl fmt::Display for VerdictError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a verdict was given to a policy that takes none; set origin_predicate")
    }
}

impl std::error::Error for VerdictError {}

/// An evaluation that waits for the application's verdict on the origin. Both possible decisions
/// are made already, so the verdict only chooses between them.
///
/// [`Evaluation`](super::Evaluation) has an example.
#[derive(Clone, Debug)]
pub struct NeedsVerdict<'a> {
    origin: &'a str,
    pub(super) allowed: Decision<'a>,
    pub(super) denied: Decision<'a>,
}

impl<'a> NeedsVerdict<'a> {
    pub(super) fn new(origin: &'a str, allowed: Decision<'a>, denied: Decision<'a>) -> Self {
        NeedsVerdict {
            origin,
            allowed,
            denied,
        }
    }

    /// The origin in question: well-formed, not `null`, and matched by nothing in the policy.
    #[inline]
    pub fn origin(&self) -> &'a str {
        self.origin
    }

    /// The decision with this verdict; `None` denies.
    #[inline]
    pub fn resume(self, verdict: Option<Verdict>) -> Decision<'a> {
        if verdict == Some(Verdict::Allow) {
            self.allowed
        } else {
            self.denied
        }
    }

    /// Both decisions, allowed first, for bindings that hand them over at once.
    #[doc(hidden)]
    pub fn both(&self) -> [&Decision<'a>; 2] {
        [&self.allowed, &self.denied]
    }
}
