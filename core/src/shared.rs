//! A policy that is swapped while serving, with a shadow policy beside it.

use std::ops::Deref;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::config::Document;
use crate::decision::{Action, Decision, Reason};
use crate::evaluate::{Verdict, VerdictError};
use crate::policy::Policy;
use crate::problem::PolicyError;
use crate::request::{Kind, Request};

/// A policy that can be replaced while others read it. Readers never wait; the old policy lives until the last of its
/// snapshots is dropped.
///
/// ```
/// use crossgate::{Document, Policy, Request, SharedPolicy};
/// let shared = SharedPolicy::new(Policy::builder().allow_origins(["https://a.example"]).build()?);
/// let snapshot = shared.load();
/// let request = Request::new("GET").header("Origin", b"https://a.example");
/// assert_eq!(snapshot.evaluate(&request).allowed(), Some(true));
/// // A document that is wrong changes nothing.
/// assert!(shared.replace_document(&Document::new()).is_err());
/// assert_eq!(shared.load().evaluate(&request).allowed(), Some(true));
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Debug)]
pub struct SharedPolicy {
    current: ArcSwap<Pair>,
}

#[derive(Clone, Debug)]
struct Pair {
    live: Arc<Policy>,
    shadow: Option<Arc<Policy>>,
}

impl SharedPolicy {
    /// Shares a policy.
    pub fn new(policy: impl Into<Arc<Policy>>) -> Self {
        SharedPolicy { current: ArcSwap::from_pointee(Pair { live: policy.into(), shadow: None }) }
    }

    /// The policies as they are now, for one request.
    pub fn load(&self) -> Snapshot {
        Snapshot { pair: self.current.load_full() }
    }

    /// The live policy as it is now, for one request.
    pub fn policy(&self) -> Arc<Policy> {
        self.current.load().live.clone()
    }

    /// Replaces the live policy.
    pub fn replace(&self, policy: impl Into<Arc<Policy>>) {
        let live = policy.into();
        self.current.rcu(|pair| Pair { live: live.clone(), shadow: pair.shadow.clone() });
    }

    /// Builds the live policy anew.
    ///
    /// # Errors
    /// Every problem of the document; the old policy stays.
    pub fn replace_document(&self, document: &Document) -> Result<(), PolicyError> {
        self.replace(Policy::from_document(document)?);
        Ok(())
    }

    /// Sets or drops the policy that is evaluated beside the live one.
    pub fn set_shadow(&self, shadow: Option<Arc<Policy>>) {
        self.current.rcu(|pair| Pair { live: pair.live.clone(), shadow: shadow.clone() });
    }
}

/// The policies of one moment. Dereferences to the live policy.
///
/// ```
/// use std::sync::Arc;
/// use crossgate::{Policy, Request, SharedPolicy};
/// let shared = SharedPolicy::new(Policy::builder().allow_origins(["https://a.example"]).build()?);
/// shared.set_shadow(Some(Arc::new(Policy::builder().allow_origins(["https://b.example"]).build()?)));
/// let snapshot = shared.load();
/// let request = Request::new("GET").header("Origin", "https://a.example");
/// assert_eq!(snapshot.evaluate(&request).allowed(), Some(true));
/// let difference = snapshot.shadow_difference(&request, None)?.unwrap();
/// assert_eq!(difference.shadow.reason.as_str(), "origin_not_listed");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Snapshot {
    pair: Arc<Pair>,
}

impl Deref for Snapshot {
    type Target = Policy;

    fn deref(&self) -> &Policy {
        &self.pair.live
    }
}

/// A decision by value, to be reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionSummary {
    /// What the request is.
    pub kind: Kind,
    /// Why.
    pub reason: Reason,
    /// What the host does.
    pub action: Action,
    /// Whether it passed.
    pub allowed: Option<bool>,
    /// The status to answer with.
    pub status: Option<u16>,
    /// Lower-case names and values.
    pub headers: Vec<(&'static str, String)>,
}

impl From<&Decision<'_>> for DecisionSummary {
    fn from(decision: &Decision<'_>) -> Self {
        DecisionSummary {
            kind: decision.kind(),
            reason: decision.reason(),
            action: decision.action(),
            allowed: decision.allowed(),
            status: decision.status(),
            headers: decision.headers().map(|header| (header.name.lower(), header.value.to_owned())).collect(),
        }
    }
}

/// What the shadow policy would have done otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShadowDifference {
    /// The decision that was acted on.
    pub live: DecisionSummary,
    /// The one that was not.
    pub shadow: DecisionSummary,
}

impl Snapshot {
    /// Evaluates the shadow policy, if there is one, and reports a decision that differs. Changes nothing. A verdict
    /// goes to each policy that asks the host.
    ///
    /// # Errors
    /// [`VerdictError`] if there is a verdict and the live policy has no `host_origins`.
    pub fn shadow_difference(&self, request: &Request<'_>, verdict: Option<Verdict>) -> Result<Option<ShadowDifference>, VerdictError> {
        let live = DecisionSummary::from(&self.evaluate_with(request, verdict)?);
        let Some(policy) = &self.pair.shadow else { return Ok(None) };
        let verdict = verdict.filter(|_| policy.host_origins);
        let shadow = DecisionSummary::from(&policy.evaluate_with(request, verdict)?);
        Ok((live != shadow).then_some(ShadowDifference { live, shadow }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(origin: &str) -> Policy {
        Policy::builder().allow_origins([origin]).build().unwrap()
    }

    #[test]
    fn a_shadow_reports_and_changes_nothing() {
        let shared = SharedPolicy::new(policy("https://a.example"));
        let request = Request::new("GET").header("Origin", b"https://a.example");
        assert_eq!(shared.load().shadow_difference(&request, None), Ok(None));
        shared.set_shadow(Some(Arc::new(policy("https://b.example"))));
        let difference = shared.load().shadow_difference(&request, None).unwrap().unwrap();
        assert_eq!((difference.live.reason, difference.shadow.reason), (Reason::Allowed, Reason::OriginNotListed));
        assert_eq!(shared.load().evaluate(&request).allowed(), Some(true));
    }

    #[test]
    fn readers_see_one_policy_or_the_other() {
        let shared = SharedPolicy::new(policy("https://a.example"));
        std::thread::scope(|scope| {
            scope.spawn(|| (0..2000).for_each(|n| shared.replace(policy(if n % 2 == 0 { "https://b.example" } else { "https://a.example" }))));
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        let snapshot = shared.load();
                        let allowed = |origin: &'static str| snapshot.evaluate(&Request::new("GET").header("Origin", origin)).allowed();
                        assert_ne!(allowed("https://a.example"), allowed("https://b.example"));
                    }
                });
            }
        });
    }
}
