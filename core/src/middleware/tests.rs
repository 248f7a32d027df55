//! The frameworks' maps against [`Decision::apply`](crate::Decision::apply): the same policies,
//! requests and responses, and the same headers afterwards.

use std::future::Future;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::header_map::HeaderMap as Map;
use super::plan::{LayerOptions, OriginLines, Plan, plan, without_origin};
use super::policy_source::PolicyRef;
use crate::fetch::request::Request;
use crate::middleware::predicate::Answered;
use crate::policy::Policy;
use crate::policy::settings::{DeniedActual, UpstreamHeaders};

type Pairs = Vec<(String, String)>;

static POLICIES: LazyLock<Vec<Arc<Policy>>> = LazyLock::new(|| {
    let list = || Policy::builder().allow_origins(["https://a.example", "https://b.example:*"]);
    let builders = [
        list(),
        list()
            .allow_credentials(true)
            .expose_headers(["X-A", "X-B"]),
        list()
            .allow_methods(["PUT"])
            .allow_headers(["X-A"])
            .max_age(60)
            .allow_private_network(true)
            .expose_headers(["*"]),
        list()
            .allow_credentials(true)
            .allow_methods(["*"])
            .allow_headers(["*"])
            .allow_private_network(true),
        list()
            .own_origins(["https://own.example"])
            .denied_actual(DeniedActual::Reject),
        Policy::builder()
            .allow_origins(["*"])
            .expose_headers(["X-A"]),
        Policy::builder()
            .allow_origins(["*"])
            .allow_methods(["*"])
            .allow_headers(["*"]),
        Policy::builder()
            .allow_origins(["https://a.example"])
            .single_origin(crate::SingleOrigin::Static)
            .allow_credentials(true)
            .expose_headers(["X-A"]),
    ];
    let both = builders.into_iter().flat_map(|builder| {
        let kept = [UpstreamHeaders::Keep, UpstreamHeaders::KeepPublic];
        let kept = kept.map(|kept| builder.clone().upstream(kept));
        [builder].into_iter().chain(kept)
    });
    both.map(|builder| Arc::new(builder.build().unwrap()))
        .collect()
});

fn request() -> impl Strategy<Value = (&'static str, Pairs)> {
    let origin = prop::sample::select(vec![
        "https://a.example",
        "https://b.example:8443",
        "https://evil.example",
        "https://own.example",
        "null",
        "",
    ]);
    let names = prop::sample::select(vec!["x-a", "x-a, x-b", "X-Ä", "x-a,,x-a"]);
    let requested = prop::sample::select(vec!["PUT", "put", "GET"]);
    let header = prop_oneof![
        4 => origin.prop_map(|origin| ("origin", origin)),
        2 => requested.prop_map(|method| ("access-control-request-method", method)),
        1 => names.prop_map(|names| ("access-control-request-headers", names)),
        1 => Just(("access-control-request-private-network", "true")),
        1 => Just(("sec-fetch-site", "same-origin")),
    ];
    let headers = prop::collection::vec(
        header.prop_map(|(name, value)| (name.to_owned(), value.to_owned())),
        0..5,
    );
    (prop::sample::select(vec!["GET", "OPTIONS"]), headers)
}

fn response() -> impl Strategy<Value = Pairs> {
    let vary = vec![
        "Origin",
        "origin",
        "*",
        "Accept, Origin",
        "Accept,accept",
        "",
        "é, Origin",
    ];
    let vary = prop::sample::select(vary);
    let origin = prop::sample::select(vec!["*", "https://a.example", "null"]);
    let exposed = prop::sample::select(vec!["X-A", "x-b,X-C", "*", "x-é"]);
    let age = prop::sample::select(vec!["5", "60"]);
    let line = prop_oneof![
        3 => vary.prop_map(|value| ("vary", value)),
        2 => origin.prop_map(|value| ("access-control-allow-origin", value)),
        2 => exposed.prop_map(|value| ("access-control-expose-headers", value)),
        1 => Just(("access-control-allow-credentials", "true")),
        1 => Just(("access-control-allow-methods", "GET")),
        1 => Just(("access-control-allow-headers", "x-a")),
        1 => age.prop_map(|value| ("access-control-max-age", value)),
        1 => Just(("access-control-allow-private-network", "true")),
        2 => prop::sample::select(vec!["a", "é"]).prop_map(|value| ("x-other", value)),
    ];
    prop::collection::vec(
        line.prop_map(|(name, value)| (name.to_owned(), value.to_owned())),
        0..6,
    )
}

/// A table's lines, in the order of their names; the order among those of one name stays.
fn sorted(mut lines: Vec<(String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    lines.sort_by(|(one, _), (other, _)| one.cmp(other));
    lines
}

/// What a middleware makes of a response, and whether it overwrote something; `None` if it answers
/// itself.
fn through<T: Map>(
    policy: &Arc<Policy>,
    method: &str,
    request: &T,
    response: &mut T,
) -> Option<bool> {
    let policy = PolicyRef::Fixed(policy);
    let options = LayerOptions {
        forward_preflights: true,
        ..LayerOptions::default()
    };
    let origin = OriginLines::of(request);
    if let Some(headers) = without_origin(&policy, &options, method, &origin) {
        return Some(headers.apply(response).is_some());
    }
    let ask = |_| None;
    match plan::<T, dyn Future<Output = Answered>>(&policy, &options, method, request, &origin, ask)
    {
        Plan::Forward(mut pending) => Some(pending.apply(response).is_some()),
        Plan::Answer(_) => None,
        Plan::Ask(_) => unreachable!("no policy of this test asks"),
    }
}

/// Runs a framework's map of headers through a decision and compares.
macro_rules! agrees {
    ($name:literal, $($module:ident)::+, $policy:expr, $request:expr, $expected:expr) => {{
        use $($module)::+::{HeaderMap, HeaderName, HeaderValue};
        let (method, asked, answered) = $request;
        let map = |pairs: &Pairs| -> HeaderMap {
            let mut map = HeaderMap::new();
            for (name, value) in pairs {
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                map.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            map
        };
        let mut response = map(answered);
        if let Some(overwrote) = through($policy, method, &map(asked), &mut response) {
            let line = |(name, value): (&HeaderName, &HeaderValue)| {
                (name.as_str().to_owned(), value.as_bytes().to_vec())
            };
            let lines = sorted(response.iter().map(line).collect());
            prop_assert_eq!((&lines, overwrote), $expected, $name);
        }
    }};
}

const CASES: u32 = if cfg!(debug_assertions) {
    1_000
} else {
    20_000
};

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]
    #[test]
    fn maps_and_servers_agree(
        index in 0..16usize,
        (method, asked) in request(),
        answered in response(),
    ) {
        let policy = &POLICIES[index];
        let mut expected = answered.clone();
        let mut request = Request::new(method);
        asked.iter().for_each(|(name, value)| request.push(name.as_bytes(), value.as_bytes()));
        let decision = policy.evaluate(&request);
        let overwrote = decision.apply(&mut expected);
        let lines = expected.into_iter().map(|(name, value)| (name, value.into_bytes()));
        let lines = sorted(lines.collect());
        let request = (method, &asked, &answered);
        #[cfg(feature = "tower")]
        agrees!("tower", http, policy, request, (&lines, overwrote));
        #[cfg(feature = "actix")]
        agrees!("actix", actix_web::http::header, policy, request, (&lines, overwrote));
    }
}
