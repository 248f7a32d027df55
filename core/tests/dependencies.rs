//! A decision depends on what it says it depends on, and on nothing else: requests that agree in
//! those values get the same decision.

#![allow(
    clippy::unwrap_used,
    reason = "a policy that is not built fails the test"
)]

use std::sync::LazyLock;

use crossgate::{
    Decision, DeniedActual, Dependencies, Policy, Request, RequestKind, SingleOrigin, Verdict,
};
use proptest::prelude::*;
use proptest::sample::select;

static POLICIES: LazyLock<Vec<Policy>> = LazyLock::new(|| {
    let list = || Policy::builder().allow_origins(["https://a.example", "https://*.b.example"]);
    let any = || Policy::builder().allow_origins(["*"]);
    let one = || Policy::builder().allow_origins(["https://a.example"]);
    [
        list(),
        list()
            .allow_credentials(true)
            .allow_methods(["*"])
            .allow_headers(["*"]),
        list()
            .allow_methods(["PUT"])
            .allow_headers(["X-A"])
            .allow_private_network(true),
        list()
            .allow_headers(["*", "Authorization"])
            .allow_null_origin(true),
        list()
            .own_origins(["https://own.example"])
            .denied_actual(DeniedActual::Reject),
        list().origin_predicate(true).allow_methods(["PUT"]),
        any(),
        any()
            .allow_methods(["*"])
            .allow_headers(["*"])
            .expose_headers(["X-A"]),
        any().allow_headers(["*", "Authorization"]),
        one()
            .single_origin(SingleOrigin::Static)
            .allow_methods(["PUT", "DELETE"]),
        one()
            .single_origin(SingleOrigin::Static)
            .allow_credentials(true)
            .allow_methods(["*"])
            .allow_headers(["*"]),
    ]
    .into_iter()
    .map(|builder| builder.build().unwrap())
    .collect()
});

/// The values of a request: method, Origin, ACRM, ACRH, ACRPN, Sec-Fetch-Site, verdict.
type Values = (
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    Option<&'static str>,
    Option<&'static str>,
    Option<&'static str>,
    Option<Verdict>,
);

fn values() -> impl Strategy<Value = Values> {
    let origins = [
        "https://a.example",
        "https://x.b.example",
        "https://own.example",
        "https://evil.example",
        "null",
        "https://a.example, https://a.example",
        "",
    ];
    let some = |texts: Vec<&'static str>| prop::option::of(select(texts));
    (
        select(vec!["GET", "PUT", "OPTIONS", "OPTIONS"]),
        some(origins.to_vec()),
        some(vec!["PUT", "put", "DELETE", "PROPPATCH", "a b", ""]),
        some(vec!["x-a", "X-A", "x-b", "authorization", "x a", ""]),
        some(vec!["true", "false"]),
        some(vec!["same-origin", "cross-site"]),
        select(vec![None, Some(Verdict::Allow), Some(Verdict::Deny)]),
    )
}

fn request(values: &Values) -> Request<'static> {
    let (method, origin, acrm, acrh, acrpn, site, _) = *values;
    let lines = [
        ("origin", origin),
        ("access-control-request-method", acrm),
        ("access-control-request-headers", acrh),
        ("access-control-request-private-network", acrpn),
        ("sec-fetch-site", site),
    ];
    let lines = lines
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    lines.fold(Request::new(method), |request, (name, value)| {
        request.header(name, value)
    })
}

/// The first request's values where the decision depends on them, the second's elsewhere. Whether
/// `Origin` and the requested method are there at all belongs to the kind.
fn mixed(depends_on: Dependencies, first: &Values, second: &Values) -> Values {
    let present = |depends: bool, first: Option<&'static str>, second: Option<&'static str>| {
        if depends {
            first
        } else {
            first.and(second.or(first))
        }
    };
    let of = |depends: bool, first, second| if depends { first } else { second };
    let method = if (first.0 == "OPTIONS") == (second.0 == "OPTIONS") {
        second.0
    } else {
        first.0
    };
    (
        method,
        present(depends_on.origin(), first.1, second.1),
        present(depends_on.acrm(), first.2, second.2),
        of(depends_on.acrh(), first.3, second.3),
        of(depends_on.acrpn(), first.4, second.4),
        of(depends_on.sec_fetch_site(), first.5, second.5),
        if depends_on.verdict() {
            first.6
        } else {
            second.6
        },
    )
}

fn decide<'a>(policy: &'a Policy, request: &Request<'a>, values: &Values) -> Decision<'a> {
    let verdict = values.6.filter(|_| policy.has_origin_predicate());
    policy.evaluate_with(request, verdict).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]
    #[test]
    fn what_a_decision_does_not_depend_on_does_not_change_it(
        index in 0..11usize,
        first in values(),
        second in values(),
    ) {
        let policy = &POLICIES[index];
        let one = request(&first);
        let decision = decide(policy, &one, &first);
        let other = mixed(decision.depends_on(), &first, &second);
        let another = request(&other);
        prop_assert_eq!(one.kind(), another.kind());
        let again = decide(policy, &another, &other);
        let (decision, again) = (format!("{decision:?}"), format!("{again:?}"));
        prop_assert_eq!(decision, again, "{:?} {:?}", first, other);
    }
}

#[test]
fn only_listed_origins_are_listed() {
    let policy = Policy::builder()
        .allow_origins(["https://a.example", "https://*.b.example"])
        .build()
        .unwrap();
    for (origin, listed) in [
        ("https://a.example", true),
        ("https://x.b.example", false),
        ("https://evil.example", false),
    ] {
        let request = Request::new("GET").header("Origin", origin);
        assert_eq!(request.kind(), RequestKind::Actual);
        assert_eq!(
            policy.evaluate(&request).origin_is_listed(),
            listed,
            "{origin}"
        );
    }
    let any = Policy::builder().allow_origins(["*"]).build().unwrap();
    let request = Request::new("GET").header("Origin", "https://a.example");
    assert!(!any.evaluate(&request).origin_is_listed());
}
