//! No origin of more than 330 bytes has a meaning, and no more of a request's `Origin` is looked at:
//! for listed origins, patterns, regexes and the application's verdict alike. White space around it
//! is no part of it, and does not count.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use crossgate::{Policy, PolicyBuilder, Reason, Request, SocketAccess, Verdict, WebSocketCheck};

/// The longest origin, and where white space around it ends to be passed over.
const MOST: usize = 330;

const SCHEME: &str = "moz-extension://";

fn of_length(length: usize) -> String {
    format!("{SCHEME}{}", "a".repeat(length - SCHEME.len()))
}

fn reason(policy: &Policy, origin: &str) -> Reason {
    policy
        .evaluate(&Request::new("GET").header("Origin", origin))
        .reason()
}

/// Policies that let an origin of any length in, as far as they go.
fn policies() -> Vec<(&'static str, PolicyBuilder)> {
    let builder = Policy::builder;
    let others = (0..9).map(|n| format!("https://a{n}.example"));
    let lengths = [MOST - 1, MOST].map(of_length);
    vec![
        ("few listed", builder().allow_origins(lengths.clone())),
        (
            "many listed",
            builder().allow_origins(lengths.into_iter().chain(others)),
        ),
        ("pattern", builder().allow_origins([format!("{SCHEME}*")])),
        (
            "regex",
            builder().allow_origin_regexes([format!("{SCHEME}.*")]),
        ),
        (
            "regex that backtracks",
            builder().allow_origin_regexes([format!("{SCHEME}(?!b).*")]),
        ),
    ]
}

#[test]
fn longer_origins_match_nothing() {
    for (name, builder) in policies() {
        let policy = builder.build().unwrap();
        for (length, expected) in [
            (MOST - 1, Reason::Allowed),
            (MOST, Reason::Allowed),
            (MOST + 1, Reason::OriginMalformed),
            (10 * MOST, Reason::OriginMalformed),
        ] {
            assert_eq!(
                reason(&policy, &of_length(length)),
                expected,
                "{name}: {length}"
            );
        }
    }
    let policy = Policy::builder().origin_predicate(true).build().unwrap();
    let needs_verdict = |length| {
        let origin = of_length(length);
        let request = Request::new("GET").header("Origin", &origin);
        let verdict = policy.evaluate_with(&request, Some(Verdict::Allow));
        (
            policy.needs_verdict(&request).is_some(),
            verdict.unwrap().allowed(),
        )
    };
    assert_eq!(needs_verdict(MOST), (true, Some(true)));
    assert_eq!(needs_verdict(MOST + 1), (false, Some(false)));
}

/// An entry that no origin can be is refused, so that none is listed in vain.
#[test]
fn longer_origins_are_no_entries() {
    let label = "a".repeat(63);
    let name = |length: usize| format!("{label}.{label}.{label}.{}", "a".repeat(length - 192));
    for (longest, longer) in [
        (of_length(MOST), of_length(MOST + 1)),
        (
            format!("{}:*", of_length(MOST)),
            format!("{}:*", of_length(MOST + 1)),
        ),
        (
            format!("{}://*", "a".repeat(MOST - 4)),
            format!("{}://*", "a".repeat(MOST - 3)),
        ),
        (
            format!("https://{}", name(253)),
            format!("https://{}", name(254)),
        ),
        (
            format!("https://*.{}", name(251)),
            format!("https://*.{}", name(252)),
        ),
        (
            format!("https://{{digits}}.{}", name(251)),
            format!("https://{{digits}}.{}", name(252)),
        ),
    ] {
        let build = |entry: &String| Policy::builder().allow_origins([entry]).build();
        assert!(build(&longest).is_ok(), "{longest}");
        let error = build(&longer).expect_err(&longer);
        assert_eq!(
            error.problems()[0].code.as_str(),
            "origin_invalid_host",
            "{longer}"
        );
    }
}

#[test]
fn white_space_does_not_count() {
    for (name, builder) in policies() {
        let policy = builder.build().unwrap();
        for (white_space, expected) in [
            (1, Reason::Allowed),
            (MOST, Reason::Allowed),
            // More is no longer looked at, and a value does not begin with it.
            (MOST + 1, Reason::OriginMultiple),
            (100 * MOST, Reason::OriginMultiple),
        ] {
            for byte in [" ", "\t"] {
                let around = byte.repeat(white_space);
                let origin = of_length(MOST);
                for text in [
                    format!("{around}{origin}"),
                    format!("{around}{origin}{around}"),
                ] {
                    assert_eq!(reason(&policy, &text), expected, "{name}: {white_space}");
                }
                // Behind a value that has every byte that is looked at, it makes it too long.
                let behind = reason(&policy, &format!("{origin}{around}"));
                let expected = match expected {
                    Reason::Allowed => Reason::Allowed,
                    _ => Reason::OriginMalformed,
                };
                assert_eq!(behind, expected, "{name}: {white_space} behind");
            }
        }
    }
    let policy = Policy::builder().allow_null_origin(true).build().unwrap();
    assert_eq!(
        reason(&policy, &format!("{}null", " ".repeat(MOST))),
        Reason::Allowed
    );
    let socket = |around: usize| {
        let policy = Policy::builder()
            .allow_origins(["https://a.example"])
            .build()
            .unwrap();
        let text = format!("{}https://a.example", " ".repeat(around));
        policy.check_websocket(
            crossgate::Field::one(text.as_bytes()),
            SocketAccess::Private,
        )
    };
    assert_eq!(socket(MOST), WebSocketCheck::Allow);
    assert_eq!(socket(MOST + 1), WebSocketCheck::Deny);
}
