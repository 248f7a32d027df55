//! Decisions that outlive their request: the handler runs in between, and it owns the request.

use super::{Action, Decision, Dependencies, EchoedNames, NeedsVerdict, Verdict};
use crate::fetch::header::ValueSource;
use crate::fetch::reason::Reason;
use crate::fetch::request::RequestKind;
use crate::policy::Policy;

/// A decision without its borrows. Give it its policy again and it is the same decision; nothing is
/// evaluated anew.
///
/// ```
/// use crossgate::{Policy, Request};
/// let policy = Policy::builder().allow_origins(["https://*.a.example"]).build()?;
/// let owned = {
///     let origin = String::from("https://x.a.example");
///     let request = Request::new("GET").header("Origin", &origin);
///     policy.evaluate(&request).to_owned_decision()
/// };
/// // … the handler runs …
/// let mut response = vec![("vary".to_string(), "Accept".to_string())];
/// assert!(!owned.decision(&policy).apply(&mut response));
/// assert_eq!(response[0], ("access-control-allow-origin".into(), "https://x.a.example".into()));
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct OwnedDecision {
    set: usize,
    /// Empty if no header names the request's origin.
    origin: Box<str>,
    origin_source: ValueSource,
    method: Option<Box<str>>,
    names: Option<Box<str>>,
    kind: RequestKind,
    reason: Reason,
    action: Action,
    allowed: Option<bool>,
    status: u16,
    hit_regex_step_limit: bool,
    depends_on: Dependencies,
}

impl Decision<'_> {
    /// The decision without its borrows. Copies only what the headers take from the request.
    pub fn to_owned_decision(&self) -> OwnedDecision {
        self.to_owned_with(if self.set.names_origin {
            self.origin.into()
        } else {
            Box::default()
        })
    }

    /// The origin of the request, if a header names it.
    #[doc(hidden)]
    pub fn named_origin(&self) -> Option<&str> {
        self.set.names_origin.then_some(self.origin)
    }

    /// As [`Decision::to_owned_decision`], for a caller that keeps the request's own value of
    /// `Origin` ([`Decision::named_origin`]) and gives it to [`OwnedDecision::decision_for`].
    #[doc(hidden)]
    #[inline]
    pub fn to_owned_without_origin(&self) -> OwnedDecision {
        self.to_owned_with(Box::default())
    }

    #[inline]
    fn to_owned_with(&self, origin: Box<str>) -> OwnedDecision {
        OwnedDecision {
            set: self.set.number,
            origin,
            origin_source: self.origin_source,
            method: self.method.map(Box::from),
            names: match &self.names {
                EchoedNames::None => None,
                EchoedNames::Owned(names) => Some(names.clone()),
                EchoedNames::Scratch(names) => Some((*names).into()),
            },
            kind: self.kind,
            reason: self.reason,
            action: self.action,
            allowed: self.allowed,
            status: self.status,
            hit_regex_step_limit: self.hit_regex_step_limit,
            depends_on: self.depends_on,
        }
    }
}

impl OwnedDecision {
    /// The decision, with the policy that made it. With another policy its headers mean nothing;
    /// nothing panics.
    pub fn decision<'a>(&'a self, policy: &'a Policy) -> Decision<'a> {
        self.decision_for(policy, &self.origin)
    }

    /// The decision, with the origin that [`Decision::to_owned_without_origin`] did not copy.
    #[doc(hidden)]
    #[inline]
    pub fn decision_for<'a>(&'a self, policy: &'a Policy, origin: &'a str) -> Decision<'a> {
        let sets = &policy.header_sets;
        Decision {
            set: sets.at(self.set).unwrap_or(&sets.other.vary_only),
            origin,
            origin_source: self.origin_source,
            method: self.method.as_deref(),
            names: self
                .names
                .as_deref()
                .map_or(EchoedNames::None, EchoedNames::Scratch),
            kind: self.kind,
            reason: self.reason,
            action: self.action,
            allowed: self.allowed,
            status: self.status,
            upstream: policy.upstream,
            hit_regex_step_limit: self.hit_regex_step_limit,
            depends_on: self.depends_on,
        }
    }

    /// See [`Decision::allowed`].
    #[doc(hidden)]
    pub fn allowed(&self) -> Option<bool> {
        self.allowed
    }

    /// See [`Decision::reason`].
    #[doc(hidden)]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// See [`Decision::hit_regex_step_limit`].
    #[doc(hidden)]
    pub fn hit_regex_step_limit(&self) -> bool {
        self.hit_regex_step_limit
    }

    /// The number of the decision's [header set](crate::binding).
    #[doc(hidden)]
    pub fn header_set(&self) -> usize {
        self.set
    }
}

/// A [`NeedsVerdict`] without its borrows, for an application that answers later.
///
/// ```
/// use crossgate::{Evaluation, Policy, Request, Verdict};
/// let policy = Policy::builder().origin_predicate(true).build()?;
/// let request = Request::new("GET").header("Origin", "https://tenant.example");
/// let Evaluation::NeedsVerdict(open) = policy.begin(&request) else { panic!() };
/// let open = open.to_owned_needs_verdict();
/// // … the application answers …
/// let decision = open.resume(Some(Verdict::Allow));
/// assert_eq!(decision.decision(&policy).allowed(), Some(true));
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct OwnedNeedsVerdict {
    allowed: OwnedDecision,
    denied: OwnedDecision,
}

impl NeedsVerdict<'_> {
    /// The open evaluation without its borrows.
    pub fn to_owned_needs_verdict(&self) -> OwnedNeedsVerdict {
        OwnedNeedsVerdict {
            allowed: self.allowed.to_owned_decision(),
            denied: self.denied.to_owned_decision(),
        }
    }
}

impl OwnedNeedsVerdict {
    /// The decision with this verdict; `None` denies.
    pub fn resume(self, verdict: Option<Verdict>) -> OwnedDecision {
        if verdict == Some(Verdict::Allow) {
            self.allowed
        } else {
            self.denied
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Request;

    #[test]
    fn an_owned_decision_is_the_decision() {
        let builder = Policy::builder()
            .allow_origins(["https://a.example", "https://b.example:*"])
            .allow_credentials(true);
        let echo = builder
            .clone()
            .allow_methods(["*"])
            .allow_headers(["*"])
            .allow_private_network(true)
            .build()
            .unwrap();
        let any = Policy::builder().allow_origins(["*"]).build().unwrap();
        for policy in [builder.build().unwrap(), echo, any] {
            for origin in [
                "https://a.example",
                "https://b.example:8443",
                "https://evil.example",
                "null",
            ] {
                for method in ["GET", "OPTIONS"] {
                    let request = Request::new(method)
                        .header("origin", origin)
                        .header("access-control-request-method", "PATCH")
                        .header("access-control-request-headers", "X-B, x-a")
                        .header("access-control-request-private-network", "true");
                    let decision = policy.evaluate(&request);
                    let owned = decision.to_owned_decision();
                    let again = owned.decision(&policy);
                    assert_eq!(format!("{again:?}"), format!("{decision:?}"));
                    assert_eq!(again.remove(), decision.remove());
                    assert_eq!(again.depends_on(), decision.depends_on());
                }
            }
        }
    }

    #[test]
    fn another_policy_is_no_panic() {
        let policy = |origins: &str, credentials| {
            let builder = Policy::builder()
                .allow_origins([origins])
                .allow_headers(["*"])
                .allow_methods(["*"]);
            builder.allow_credentials(credentials).build().unwrap()
        };
        let (many, few) = (policy("https://a.example", true), policy("*", false));
        let request = Request::new("OPTIONS")
            .header("origin", "https://a.example")
            .header("access-control-request-method", "PUT");
        let owned = many.evaluate(&request).to_owned_decision();
        assert!(owned.decision(&few).headers().count() < 8);
    }
}
