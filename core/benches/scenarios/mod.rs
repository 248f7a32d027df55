//! The scenarios W0 to W6 of the contract's section 9.

use crossgate::{Policy, Request};

/// A policy and what it is asked.
pub(crate) struct Scenario {
    /// `W0`…
    pub(crate) name: &'static str,
    policy: Policy,
    method: &'static str,
    headers: Vec<(&'static str, String)>,
}

impl Scenario {
    /// The policy.
    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The request.
    pub(crate) fn request(&self) -> Request<'_> {
        self.headers
            .iter()
            .fold(Request::new(self.method), |request, (name, value)| {
                request.header(name, value)
            })
    }
}

/// An origin of the list of `count`.
pub(crate) fn listed(index: usize) -> String {
    format!("https://tenant-{index:07}.example.com")
}

fn many(count: usize) -> Policy {
    build(Policy::builder().allow_origins((0..count).map(listed)))
}

fn build(builder: crossgate::PolicyBuilder) -> Policy {
    builder.build().expect("a scenario's policy is valid")
}

fn three() -> Policy {
    build(
        Policy::builder()
            .allow_origins([
                "https://one.example.com",
                "https://two.example.com",
                "https://three.example.com",
            ])
            .allow_methods(["PUT", "DELETE"])
            .allow_headers(["Authorization", "Content-Type"])
            .expose_headers(["X-Total-Count", "X-Request-Id"])
            .allow_credentials(true)
            .max_age(7200),
    )
}

/// All scenarios; `sizes` are those of W4.
pub(crate) fn all(sizes: &[(&'static str, usize)]) -> Vec<Scenario> {
    let second = ("Origin", "https://two.example.com".to_owned());
    let preflight = |names: String| {
        vec![
            second.clone(),
            ("Access-Control-Request-Method", "PUT".to_owned()),
            ("Access-Control-Request-Headers", names),
        ]
    };
    let names = (0..2000)
        .map(|n| format!("x{n:03}"))
        .collect::<Vec<_>>()
        .join(",");
    let scenario = |name, policy, method, headers| Scenario {
        name,
        policy,
        method,
        headers,
    };
    let mut scenarios = vec![
        scenario("W0 no Origin", three(), "GET", vec![]),
        scenario("W1 allowed", three(), "GET", vec![second.clone()]),
        scenario(
            "W2 preflight",
            three(),
            "OPTIONS",
            preflight("authorization,content-type".to_owned()),
        ),
        scenario(
            "W3 denied",
            three(),
            "GET",
            vec![("Origin", "https://evil.example.org".to_owned())],
        ),
        scenario(
            "W5 wildcard",
            build(Policy::builder().allow_origins(["https://*.example.com"])),
            "GET",
            vec![("Origin", "https://app.example.com".to_owned())],
        ),
        scenario(
            "W5 regex",
            build(Policy::builder().allow_origin_regexes([r"https://[a-z]+\.example\.com"])),
            "GET",
            vec![("Origin", "https://app.example.com".to_owned())],
        ),
        scenario("W6 2,000 names", three(), "OPTIONS", preflight(names)),
        scenario(
            "W6 10,000 commas",
            three(),
            "OPTIONS",
            preflight(",".repeat(10_000)),
        ),
    ];
    for (name, count) in sizes {
        scenarios.push(scenario(
            name,
            many(*count),
            "GET",
            vec![("Origin", listed(count / 2))],
        ));
    }
    scenarios
}
