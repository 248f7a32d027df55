//! What SECURITY.md promises of a configuration and of the application's verdicts, attacked.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use crossgate::{
    Field, Policy, PolicyBuilder, Reason, Request, SafetyException, SocketAccess, Verdict,
    WebSocketCheck,
};

const EXCEPTIONS: [SafetyException; 3] = [
    SafetyException::InsecureOriginsWithCredentials,
    SafetyException::PublicSuffixSubdomainsWithCredentials,
    SafetyException::AnyHostOfSchemeWithCredentials,
];

fn with_credentials() -> PolicyBuilder {
    Policy::builder().allow_credentials(true)
}

/// Whether it is an error, every code of its problems.
fn codes(builder: &PolicyBuilder) -> (bool, Vec<&'static str>) {
    let codes =
        |problems: &[crossgate::Problem]| problems.iter().map(|p| p.code.as_str()).collect();
    match builder.build() {
        Ok(policy) => (false, codes(policy.warnings())),
        Err(error) => (true, codes(error.problems())),
    }
}

#[track_caller]
fn is_refused(builder: &PolicyBuilder, code: &str) {
    let (refused, codes) = codes(builder);
    assert!(refused && codes.contains(&code), "{builder:?}: {codes:?}");
}

#[test]
fn nothing_opens_everybody_with_credentials() {
    let attempts = [
        (
            Policy::builder().allow_origins(["*"]),
            "any_with_credentials",
        ),
        (
            Policy::builder().allow_null_origin(true),
            "null_with_credentials",
        ),
        (
            Policy::builder().allow_origins(["https://*"]),
            "pattern_too_broad",
        ),
        (
            Policy::builder().allow_origin_regexes([".*"]),
            "pattern_too_broad",
        ),
        (
            Policy::builder().allow_origin_regexes(["https://.*"]),
            "pattern_too_broad",
        ),
        (
            Policy::builder().allow_origin_regexes(["(?i)HTTPS?://[^/]+"]),
            "pattern_too_broad",
        ),
        (
            Policy::builder()
                .allow_origins(["https://a.example"])
                .expose_headers(["*"]),
            "expose_any_with_credentials",
        ),
    ];
    for (builder, code) in attempts {
        let builder = builder.allow_credentials(true);
        is_refused(&builder, code);
        is_refused(&builder.dangerously_allow(EXCEPTIONS), code);
    }
    // Without credentials `*` is told apart: no response to it has ACAC.
    let everybody = Policy::builder().allow_origins(["*"]).build().unwrap();
    for origin in ["https://evil.example", "null"] {
        let request = Request::new("GET").header("Origin", origin);
        let mut response = vec![(
            "access-control-allow-credentials".to_owned(),
            "true".to_owned(),
        )];
        everybody.evaluate(&request).apply(&mut response);
        let expected = ("access-control-allow-origin".to_owned(), "*".to_owned());
        assert_eq!(response, [expected]);
    }
}

#[test]
fn no_wildcard_covers_names_of_strangers() {
    let exception = SafetyException::PublicSuffixSubdomainsWithCredentials;
    for (pattern, stranger) in [
        ("https://*.github.io", "https://evil.github.io"),
        ("https://*.co.uk", "https://evil.co.uk"),
        (
            "https://*.s3.amazonaws.com",
            "https://evil.s3.amazonaws.com",
        ),
        ("https://*.amazonaws.com", "https://evil.s3.amazonaws.com"),
        (
            "https://*.windows.net",
            "https://evil.blob.core.windows.net",
        ),
    ] {
        let builder = with_credentials().allow_origins([pattern]);
        is_refused(&builder, "pattern_public_suffix");
        // The exception leaves a warning, and then it is what it says.
        let builder = builder.dangerously_allow([exception]);
        let (refused, codes) = codes(&builder);
        assert!(
            !refused && codes.contains(&"pattern_public_suffix"),
            "{pattern} {codes:?}"
        );
        let request = Request::new("GET").header("Origin", stranger);
        assert_eq!(
            builder.build().unwrap().evaluate(&request).allowed(),
            Some(true)
        );
        // A socket that reads cookies follows the same rule.
        let public = Policy::builder().allow_origins([pattern]).build().unwrap();
        let origin = Field::one(stranger.as_bytes());
        let checked = public.check_websocket(origin, SocketAccess::Private);
        assert_eq!(checked, WebSocketCheck::Deny, "{pattern}");
    }
    // Below an ICANN suffix anybody can register the name: no exception for `--`.
    for placeholder in [
        "https://{hex}--example.com",
        "https://app-{slug}.vercel.app",
    ] {
        let builder = with_credentials().allow_origins([placeholder]);
        is_refused(&builder, "pattern_tenant_controlled");
    }
    for regex in [
        r"https://.*\.github\.io",
        r"https://[a-z0-9-]+\.vercel\.app",
        r"https://.*example\.com",
        r"https://.*\.s3[.-].*\.amazonaws\.com",
        r"https://[a-z0-9-]+\.execute-api\.[a-z0-9-]+\.amazonaws\.com",
        r"https://[a-d]{6}\.com",
        r"https://example\.com?",
    ] {
        let (refused, codes) = codes(&with_credentials().allow_origin_regexes([regex]));
        assert!(refused, "{regex} {codes:?}");
    }
    // What is one's own passes.
    for pattern in [
        "https://*.example.com",
        "https://*.me.github.io",
        "http://*.localhost",
    ] {
        assert_eq!(
            codes(&with_credentials().allow_origins([pattern])),
            (false, vec![])
        );
    }
}

#[test]
fn no_wildcard_covers_addresses() {
    for regex in [
        r"https://(\d{1,3}\.){3}\d{1,3}(:\d+)?",
        r"https://[0-9.]+",
        r"https://192\.168\.1\.\d+",
        r"https://\[.*\]",
        r"https://\[2001:db8::[0-9a-f]+\]",
    ] {
        let builder = with_credentials().allow_origin_regexes([regex]);
        is_refused(&builder, "regex_matches_addresses");
        let builder = builder.dangerously_allow(EXCEPTIONS);
        is_refused(&builder, "regex_matches_addresses");
    }
    for pattern in ["https://*.1.2.3", "https://*.[::1]", "https://192.168.1.*"] {
        assert!(
            codes(&with_credentials().allow_origins([pattern])).0,
            "{pattern}"
        );
    }
    // Those that are spelled out, and loopback, are fine.
    for regex in [
        r"https://192\.168\.1\.20(:\d+)?",
        r"https://(10\.0\.0\.1|10\.0\.0\.2)",
        r"http://127\.0\.0\.\d+:\d+",
    ] {
        let (refused, codes) = codes(&with_credentials().allow_origin_regexes([regex]));
        assert!(
            !refused && !codes.contains(&"regex_matches_addresses"),
            "{regex} {codes:?}"
        );
    }
}

#[test]
fn a_verdict_is_the_applications() {
    let policy = with_credentials().origin_predicate(true).build().unwrap();
    let decide = |origin: &str, verdict| {
        let request = Request::new("GET").header("Origin", origin);
        let decision = policy.evaluate_with(&request, verdict).unwrap();
        let headers: Vec<_> = decision
            .headers()
            .map(|h| (h.name, h.value.to_owned()))
            .collect();
        (decision.allowed(), decision.reason(), headers.len())
    };
    // It is obeyed: origin, credentials and Vary.
    let allow = Some(Verdict::Allow);
    let allowed = (Some(true), Reason::Allowed, 3);
    assert_eq!(decide("https://anybody.example", allow), allowed);
    // It is not obeyed where no answer could be right.
    let denied = |reason| (Some(false), reason, 1);
    for (origin, reason) in [
        ("http://anybody.example", Reason::OriginNotListed),
        ("null", Reason::OriginNull),
        ("https://Anybody.example", Reason::OriginMalformed),
        ("https://anybody.example/", Reason::OriginMalformed),
        (
            "https://a.example https://b.example",
            Reason::OriginMultiple,
        ),
        ("*", Reason::OriginMalformed),
    ] {
        assert_eq!(decide(origin, allow), denied(reason), "{origin}");
    }
    // No answer denies.
    for verdict in [None, Some(Verdict::Deny)] {
        let found = decide("https://anybody.example", verdict);
        assert_eq!(found, denied(Reason::OriginNotListed));
    }
}
