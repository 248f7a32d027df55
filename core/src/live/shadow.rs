//! What a shadow policy, evaluated beside the live one, would have done otherwise.

use super::shared::Snapshot;
use crate::decide::{Action, Decision, Verdict, VerdictError};
use crate::fetch::reason::Reason;
use crate::fetch::request::{Request, RequestKind};
use crate::policy::Policy;

/// A decision by value, to be reported.
///
/// ```
/// use crossgate::{DecisionSummary, Policy, Request};
/// let policy = Policy::builder().allow_origins(["https://a.example"]).build()?;
/// let summary = DecisionSummary::from(&policy.evaluate(&Request::new("GET")));
/// assert_eq!(summary.headers, [("vary", "Origin".to_owned())]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecisionSummary {
    /// What the request is.
    pub kind: RequestKind,
    /// Why.
    pub reason: Reason,
    /// What the server does.
    pub action: Action,
    /// Whether it passed.
    pub allowed: Option<bool>,
    /// The status to answer with.
    pub status: Option<u16>,
    /// Lower-case names and values.
    pub headers: Vec<(&'static str, String)>,
    /// Whether a response that has an `Access-Control-Allow-Origin` of its own is left whole.
    pub keeps_upstream: bool,
    /// Whether a response that is public by its own word stays so.
    pub keeps_public: bool,
}

impl From<&Decision<'_>> for DecisionSummary {
    fn from(decision: &Decision<'_>) -> Self {
        DecisionSummary {
            kind: decision.kind(),
            reason: decision.reason(),
            action: decision.action(),
            allowed: decision.allowed(),
            status: decision.status(),
            headers: decision
                .headers()
                .map(|header| (header.name.lower(), header.value.to_owned()))
                .collect(),
            keeps_upstream: decision.keeps_upstream(),
            keeps_public: decision.keeps_public(),
        }
    }
}

/// What the shadow policy would have done otherwise.
///
/// ```
/// use std::sync::Arc;
/// use crossgate::{Policy, Request, SharedPolicy};
/// let shared = SharedPolicy::new(Policy::builder().allow_origins(["https://a.example"]).build()?);
/// shared.set_shadow(Some(Arc::new(Policy::builder().allow_origins(["*"]).build()?)));
/// let request = Request::new("GET").header("Origin", "https://b.example");
/// let difference = shared.load().shadow_difference(&request, None)?.unwrap();
/// assert_eq!((difference.live.allowed, difference.shadow.allowed), (Some(false), Some(true)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShadowDifference {
    /// The decision that was acted on.
    pub live: DecisionSummary,
    /// The one that was not.
    pub shadow: DecisionSummary,
}

impl Snapshot {
    /// Evaluates the shadow policy, if there is one, and reports a decision that differs from the
    /// one that was taken. Changes nothing; allocates only for what it reports and for lists that
    /// are echoed. The verdict goes to a shadow policy that asks the application, and to no other.
    ///
    /// ```
    /// use crossgate::{Policy, Request, SharedPolicy};
    /// use std::sync::Arc;
    /// let shared = SharedPolicy::new(
    ///     Policy::builder()
    ///         .allow_origins(["https://a.example"])
    ///         .build()?,
    /// );
    /// shared.set_shadow(Some(Arc::new(
    ///     Policy::builder()
    ///         .allow_origins(["https://b.example"])
    ///         .build()?,
    /// )));
    /// let snapshot = shared.load();
    /// let request = Request::new("GET").header("Origin", "https://a.example");
    /// let decision = snapshot.evaluate(&request); // what the server acts on
    /// let difference = snapshot.compare_shadow(&decision, &request, None).unwrap();
    /// assert_eq!(difference.live.reason.as_str(), "allowed");
    /// assert_eq!(difference.shadow.reason.as_str(), "origin_not_listed");
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    pub fn compare_shadow(
        &self,
        live: &Decision<'_>,
        request: &Request<'_>,
        verdict: Option<Verdict>,
    ) -> Option<ShadowDifference> {
        ShadowDifference::find(self.shadow()?, live, request, verdict)
    }

    /// The same for a server that did not keep the live policy's decision.
    ///
    /// # Errors
    /// [`VerdictError`] if there is a verdict and the live policy has no `origin_predicate`.
    pub fn shadow_difference(
        &self,
        request: &Request<'_>,
        verdict: Option<Verdict>,
    ) -> Result<Option<ShadowDifference>, VerdictError> {
        let live = self.evaluate_with(request, verdict)?;
        Ok(self.compare_shadow(&live, request, verdict))
    }
}

impl ShadowDifference {
    /// Evaluates a shadow policy beside the live one's decision.
    pub(crate) fn find(
        shadow: &Policy,
        live: &Decision<'_>,
        request: &Request<'_>,
        verdict: Option<Verdict>,
    ) -> Option<Self> {
        let decision = shadow.decide(request, verdict.filter(|_| shadow.origin_predicate), None);
        (!same(live, &decision)).then(|| ShadowDifference {
            live: live.into(),
            shadow: (&decision).into(),
        })
    }
}

fn same(live: &Decision<'_>, shadow: &Decision<'_>) -> bool {
    let settled = |decision: &Decision<'_>| {
        (
            decision.kind,
            decision.reason,
            decision.action,
            decision.allowed,
            decision.status,
            (decision.keeps_upstream(), decision.keeps_public()),
        )
    };
    settled(live) == settled(shadow)
        && live
            .headers()
            .map(|header| header.name)
            .eq(shadow.headers().map(|header| header.name))
        && live
            .headers()
            .zip(shadow.headers())
            .all(|(live, shadow)| live.value == shadow.value)
}
