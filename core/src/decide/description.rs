//! A decision as one line of a log: what was decided, the method or header name at fault, and the
//! origin. What comes from the request is escaped and cut, so that it ends no line and adds no
//! field.

use super::{Action, Decision};
use crate::fetch::reason::{FailedCheck, Reason};
use crate::fetch::request::{Request, RequestKind};
use crate::policy::Policy;
use crate::text::escape::Escaped;

impl Policy {
    /// The method or header name that a preflight was refused for, safe to show: at most
    /// 256 bytes of it and then `...`, and every byte that no such name has is written as `\x0a`.
    /// `None` if something else decided; also if the list of names is too long, which no single
    /// name is at fault for.
    ///
    /// ```
    /// use crossgate::{Policy, Request};
    /// let policy = Policy::builder()
    ///     .allow_origins(["https://a.example"])
    ///     .allow_headers(["X-A"])
    ///     .build()?;
    /// let request = Request::new("OPTIONS")
    ///     .header("Origin", "https://a.example")
    ///     .header("Access-Control-Request-Method", "GET")
    ///     .header("Access-Control-Request-Headers", "baggage,x-a");
    /// let reason = policy.evaluate(&request).reason();
    /// assert_eq!(policy.denied_name(&request, reason).as_deref(), Some("baggage"));
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    pub fn denied_name(&self, request: &Request<'_>, reason: Reason) -> Option<String> {
        match reason.failed_check()? {
            FailedCheck::Origin => None,
            FailedCheck::Method => Some(match request.acrm.single() {
                Some(method) => Escaped(method).to_string(),
                None => format!("{},...", Escaped(request.acrm.first_line()?)),
            }),
            FailedCheck::Headers => {
                let mut shown = None;
                self.names.refused(&request.acrh, reason, |name| {
                    shown = Some(Escaped(name).to_string());
                });
                shown
            }
        }
    }
}

impl Decision<'_> {
    /// The decision in one line for a log, with the method or header name at fault
    /// ([`Policy::denied_name`]) and the origin. The policy and the request are those that it was
    /// made with.
    ///
    /// ```
    /// use crossgate::{Policy, Request};
    /// let policy = Policy::builder().allow_origins(["https://a.example"]).build()?;
    /// let request = Request::new("OPTIONS")
    ///     .header("Origin", "https://a.example")
    ///     .header("Access-Control-Request-Method", "PUT");
    /// assert_eq!(
    ///     policy.evaluate(&request).describe(&policy, &request),
    ///     "kind=preflight reason=method_not_allowed action=answer denied_name=PUT \
    ///      origin=https://a.example"
    /// );
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    pub fn describe(&self, policy: &Policy, request: &Request<'_>) -> String {
        let line = describe(policy, request, self.kind, self.reason, self.action);
        if self.hit_regex_step_limit {
            line + REGEX_STEP_LIMIT
        } else {
            line
        }
    }
}

/// What [`Decision::describe`] adds where a regex ran out of steps
/// ([`Decision::hit_regex_step_limit`]).
pub const REGEX_STEP_LIMIT: &str = " regex_step_limit=true";

/// What a log shows of a request, escaped: the name at fault ([`Policy::denied_name`]) and the
/// first line of `Origin`.
pub fn shown(
    policy: &Policy,
    request: &Request<'_>,
    reason: Reason,
) -> (Option<String>, Option<String>) {
    let origin = request
        .origin
        .first_line()
        .map(|line| Escaped(line).to_string());
    (policy.denied_name(request, reason), origin)
}

/// [`Decision::describe`], for who keeps the parts of a decision.
pub fn describe(
    policy: &Policy,
    request: &Request<'_>,
    kind: RequestKind,
    reason: Reason,
    action: Action,
) -> String {
    let (denied_name, origin) = shown(policy, request, reason);
    let field = |name: &str, value: Option<String>| {
        value.map_or(String::new(), |value| format!(" {name}={value}"))
    };
    format!(
        "kind={kind} reason={reason} action={action}{}{}",
        field("denied_name", denied_name),
        field("origin", origin)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(policy: &Policy, acrm: &[&[u8]], acrh: &[&[u8]]) -> (Reason, Option<String>) {
        let mut request = Request::new("OPTIONS").header("Origin", "https://a.example");
        for line in acrm {
            request.push(b"access-control-request-method", line);
        }
        for line in acrh {
            request.push(b"access-control-request-headers", line);
        }
        let reason = policy.evaluate(&request).reason();
        (reason, policy.denied_name(&request, reason))
    }

    #[test]
    fn the_first_name_that_failed_is_named() {
        let builder = || Policy::builder().allow_origins(["https://a.example"]);
        let listed = builder().allow_headers(["X-A", "X-B"]).build().unwrap();
        let any = builder().allow_headers(["*"]).build().unwrap();
        let echo = builder()
            .allow_headers(["*"])
            .allow_credentials(true)
            .build()
            .unwrap();
        let none = None::<&str>;
        let long = "x".repeat(5000);
        for (policy, acrm, acrh, reason, name) in [
            (&listed, "GET", vec!["x-b,x-a"], "allowed", none),
            (&listed, "PUT", vec!["y"], "method_not_allowed", Some("PUT")),
            (&listed, "", vec![], "method_not_allowed", Some("")),
            (&listed, "get", vec![], "method_case", Some("get")),
            (
                &listed,
                "P\nT a=b",
                vec![],
                "method_not_allowed",
                Some("P\\x0aT\\x20a\\x3db"),
            ),
            (
                &listed,
                "GET",
                vec!["x-a", " , X-B,Y-1, y-2"],
                "header_not_allowed",
                Some("Y-1"),
            ),
            (
                &listed,
                "GET",
                vec!["y", "x a=b"],
                "header_list_malformed",
                Some("x\\x20a\\x3db"),
            ),
            (&listed, "GET", vec![&long], "header_list_too_long", none),
            (
                &any,
                "GET",
                vec!["y,Authorization"],
                "header_not_allowed",
                Some("Authorization"),
            ),
            (
                &echo,
                "GET",
                vec!["y,\0"],
                "header_list_malformed",
                Some("\\x00"),
            ),
        ] {
            let acrh: Vec<&[u8]> = acrh.iter().map(|line| line.as_bytes()).collect();
            let found = refused(policy, &[acrm.as_bytes()], &acrh);
            assert_eq!(
                (found.0.as_str(), found.1.as_deref()),
                (reason, name),
                "{acrm:?} {acrh:?}"
            );
        }
        let repeated = refused(&listed, &[b"GET", b"GET"], &[]);
        assert_eq!(repeated, (Reason::MethodNotAllowed, Some("GET,...".into())));
    }

    /// Whatever a request sends: the description has its fields, once each and in their order.
    #[test]
    fn no_request_adds_a_field() {
        let policy = Policy::builder()
            .allow_origins(["https://a.example"])
            .build()
            .unwrap();
        let bytes: Vec<u8> = (0..=255).collect();
        let forged = b"x reason=allowed origin=https://a.example\n[info] crossgate: ";
        for origin in [&bytes[..], forged, b"https://a.example"] {
            for method in [&bytes[..], forged, b"GET"] {
                for names in [&bytes[..], forged, b"x-a"] {
                    let request = Request::new("OPTIONS")
                        .header("origin", origin)
                        .header("access-control-request-method", method)
                        .header("access-control-request-headers", names);
                    let line = policy.evaluate(&request).describe(&policy, &request);
                    let fields: Vec<_> = line
                        .split(' ')
                        .map(|field| field.split_once('=').unwrap().0)
                        .collect();
                    let with_name = ["kind", "reason", "action", "denied_name", "origin"];
                    let without = ["kind", "reason", "action", "origin"];
                    assert!(fields == with_name || fields == without, "{line}");
                    assert_eq!(line.matches('=').count(), fields.len(), "{line}");
                    assert!(
                        line.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
                        "{line:?}"
                    );
                }
            }
        }
    }
}
