//! Decisions that outlive their request: for bindings whose languages know no borrowing.

use crate::decision::{Action, Decision, Names, Reason};
use crate::headers::{Source, Value};
use crate::policy::Policy;
use crate::request::Kind;

/// A decision without its borrows. Give it its policy again and it is the same one; nothing is
/// evaluated anew.
///
/// ```
/// use crossgate::{Policy, Request};
/// let policy = Policy::builder().allow_origins(["https://*.a.example"]).build()?;
/// let kept = {
///     let origin = String::from("https://x.a.example");
///     policy.evaluate(&Request::new("GET").header("Origin", &origin)).keep()
/// };
/// let mut response = vec![("vary".to_string(), "Accept".to_string())];
/// assert!(!kept.decision(&policy).apply(&mut response));
/// assert_eq!(response[0], ("access-control-allow-origin".into(), "https://x.a.example".into()));
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct KeptDecision {
    prepared: usize,
    /// Empty if no header names the request's origin.
    origin: Box<str>,
    origin_source: Source,
    method: Option<Box<str>>,
    names: Option<Box<str>>,
    kind: Kind,
    reason: Reason,
    action: Action,
    allowed: Option<bool>,
    status: u16,
}

impl Decision<'_> {
    /// The decision without its borrows. Copies only what the headers take from the request.
    pub fn keep(&self) -> KeptDecision {
        let names_origin = self
            .block
            .lines
            .iter()
            .any(|line| matches!(line.value, Value::Origin));
        KeptDecision {
            prepared: self.prepared(),
            origin: if names_origin {
                self.origin.into()
            } else {
                Box::default()
            },
            origin_source: self.origin_source,
            method: self.method.map(Box::from),
            names: match &self.names {
                Names::None => None,
                Names::Owned(names) => Some(names.clone()),
                Names::Scratch(names) => Some((*names).into()),
            },
            kind: self.kind,
            reason: self.reason,
            action: self.action,
            allowed: self.allowed,
            status: self.status,
        }
    }
}

impl KeptDecision {
    /// The decision, with the policy that made it. With another one its headers mean nothing.
    pub fn decision<'a>(&'a self, policy: &'a Policy) -> Decision<'a> {
        Decision {
            block: policy
                .blocks
                .all()
                .nth(self.prepared)
                .unwrap_or(&policy.blocks.other.bare),
            origin: &self.origin,
            origin_source: self.origin_source,
            method: self.method.as_deref(),
            names: self.names.as_deref().map_or(Names::None, Names::Scratch),
            kind: self.kind,
            reason: self.reason,
            action: self.action,
            allowed: self.allowed,
            status: self.status,
            keeps_upstream: policy.keeps_upstream,
        }
    }

    /// Which of [`Policy::prepared`] the headers are.
    pub fn prepared(&self) -> usize {
        self.prepared
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;

    #[test]
    fn a_kept_decision_is_the_decision() {
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
                    let kept = decision.keep();
                    assert_eq!(
                        format!("{:?}", kept.decision(&policy)),
                        format!("{decision:?}")
                    );
                    assert_eq!(kept.decision(&policy).remove(), decision.remove());
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
        let kept = many.evaluate(&request).keep();
        assert!(kept.decision(&few).headers().count() < 8);
    }
}
