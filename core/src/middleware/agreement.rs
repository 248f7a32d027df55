//! The middlewares' tables against [`Decision::apply`](crate::Decision::apply): the same policies,
//! requests and responses, and the same headers afterwards.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::decide::{Manner, Origins, Plan, plan, without_origin};
use super::prebuilt::Table;
use super::source::Held;
use crate::config::{DeniedActual, Upstream};
use crate::policy::Policy;
use crate::request::Request;

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
    let both = builders
        .into_iter()
        .flat_map(|builder| [builder.clone(), builder.upstream(Upstream::Keep)]);
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
    let header = prop_oneof![
        4 => origin.prop_map(|origin| ("origin", origin)),
        2 => prop::sample::select(vec!["PUT", "put", "GET"]).prop_map(|method| ("access-control-request-method", method)),
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
    let line = prop_oneof![
        3 => prop::sample::select(vec!["Origin", "origin", "*", "Accept, Origin", "Accept,accept", "", "é, Origin"]).prop_map(|value| ("vary", value)),
        2 => prop::sample::select(vec!["*", "https://a.example", "null"]).prop_map(|value| ("access-control-allow-origin", value)),
        2 => prop::sample::select(vec!["X-A", "x-b,X-C", "*", "x-é"]).prop_map(|value| ("access-control-expose-headers", value)),
        1 => Just(("access-control-allow-credentials", "true")),
        1 => Just(("access-control-allow-methods", "GET")),
        1 => Just(("access-control-allow-headers", "x-a")),
        1 => prop::sample::select(vec!["5", "60"]).prop_map(|value| ("access-control-max-age", value)),
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
fn through<T: Table>(
    policy: &Arc<Policy>,
    method: &str,
    request: &T,
    response: &mut T,
) -> Option<bool> {
    let (held, manner) = (
        Held::Fixed(policy),
        Manner {
            forwards_preflights: true,
            ..Manner::default()
        },
    );
    if let Some(bare) = without_origin::<T>(&held, &manner, method, &Origins::of(request)) {
        return Some(bare.apply(response));
    }
    match plan(&held, &manner, None, method, request, &Origins::of(request)) {
        Plan::Forward(mut pending) => Some(pending.apply(response)),
        Plan::Answer(_) => None,
    }
}

/// Runs a middleware's table of headers through a decision and compares.
macro_rules! agrees {
    ($name:literal, $($module:ident)::+, $policy:expr, ($method:expr, $asked:expr, $answered:expr), ($expected:expr, $overwrote:expr)) => {{
        use $($module)::+::{HeaderMap, HeaderName, HeaderValue};
        let table = |pairs: &Pairs| -> HeaderMap {
            let mut table = HeaderMap::new();
            for (name, value) in pairs {
                table.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            table
        };
        let mut response = table($answered);
        if let Some(found) = through($policy, $method, &table($asked), &mut response) {
            let lines = response.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
            prop_assert_eq!((&sorted(lines), found), ($expected, $overwrote), $name);
        }
    }};
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(debug_assertions) { 1_000 } else { 20_000 }, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn tables_and_hosts_agree(index in 0..16usize, (method, asked) in request(), answered in response()) {
        let policy = &POLICIES[index];
        let mut expected = answered.clone();
        let evaluated = asked.iter().fold(Request::new(method), |request, (name, value)| request.header(name, value));
        let decision = policy.evaluate(&evaluated);
        let overwrote = decision.apply(&mut expected);
        let expected = sorted(expected.into_iter().map(|(name, value)| (name, value.into_bytes())).collect());
        #[cfg(feature = "tower")]
        agrees!("tower", http, policy, (method, &asked, &answered), (&expected, overwrote));
        #[cfg(feature = "actix")]
        agrees!("actix", actix_web::http::header, policy, (method, &asked, &answered), (&expected, overwrote));
    }
}
