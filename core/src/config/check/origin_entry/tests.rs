//! Entries, and what is said of them.

use super::*;
use crate::problem::Problems;

fn codes(text: &str) -> (Option<String>, Vec<&'static str>) {
    let mut problems = Problems::default();
    let entry = read(text, "allow_origins[0]", false, &mut problems).map(|entry| entry.to_string());
    (
        entry,
        problems
            .into_vec()
            .iter()
            .map(|p| p.code.as_str())
            .collect(),
    )
}

fn hint(text: &str) -> Option<String> {
    let mut problems = Problems::default();
    read(text, "", false, &mut problems);
    problems.into_vec().into_iter().next().and_then(|p| p.hint)
}

#[test]
fn canonicalises_with_a_warning() {
    for (text, canonical, warnings) in [
        (
            "https://Example.COM",
            "https://example.com",
            vec!["origin_not_canonical"],
        ),
        (
            "HTTPS://example.com:443",
            "https://example.com",
            vec!["origin_not_canonical", "origin_default_port"],
        ),
        (
            "HTTP://EXAMPLE.com",
            "http://example.com",
            vec!["origin_not_canonical"],
        ),
        (
            "http://example.com:80",
            "http://example.com",
            vec!["origin_default_port"],
        ),
        (
            "https://example.com.",
            "https://example.com.",
            vec!["origin_trailing_dot"],
        ),
        (
            "https://*.Example.com:*",
            "https://*.example.com:*",
            vec!["origin_not_canonical"],
        ),
        ("capacitor://LocalHost", "capacitor://LocalHost", vec![]),
        ("moz-extension://*", "moz-extension://*", vec![]),
        (
            "https://deploy-preview-{digits}--app.netlify.app",
            "https://deploy-preview-{digits}--app.netlify.app",
            vec![],
        ),
        (
            "https://{slug}.Example.com:8443",
            "https://{slug}.example.com:8443",
            vec!["origin_not_canonical"],
        ),
        ("http://[::ffff:7f00:1]", "http://[::ffff:7f00:1]", vec![]),
    ] {
        assert_eq!(
            codes(text),
            (Some(canonical.to_owned()), warnings),
            "{text}"
        );
    }
}

#[test]
#[cfg(feature = "idna")]
fn u_labels_become_a_labels() {
    assert_eq!(
        codes("https://münchen.example"),
        (
            Some("https://xn--mnchen-3ya.example".into()),
            vec!["origin_not_ascii"]
        )
    );
    assert_eq!(codes("https://xn--a.example").1, ["origin_bad_idna"]);
}

#[test]
fn refuses_with_the_corrected_text() {
    for (text, code, fixed) in [
        (
            " https://a.example",
            "origin_whitespace",
            Some("https://a.example"),
        ),
        (
            "\"https://a.example\"",
            "origin_quoted",
            Some("https://a.example"),
        ),
        (
            "[\"https://a.example\"]",
            "origin_quoted",
            Some("https://a.example"),
        ),
        (
            "https://a.example, https://B.example",
            "origin_is_list",
            Some("\"https://a.example\", \"https://b.example\""),
        ),
        (
            "a.example",
            "origin_missing_scheme",
            Some("https://a.example"),
        ),
        (
            "//a.example",
            "origin_missing_scheme",
            Some("https://a.example"),
        ),
        (
            "localhost:3000",
            "origin_missing_scheme",
            Some("http://localhost:3000"),
        ),
        (
            "10.0.0.1:3000",
            "origin_missing_scheme",
            Some("http://10.0.0.1:3000"),
        ),
        (
            "[::1]:3000",
            "origin_missing_scheme",
            Some("http://[::1]:3000"),
        ),
        ("[::1]", "origin_missing_scheme", Some("http://[::1]")),
        (
            "https:a.example",
            "origin_missing_scheme",
            Some("https://a.example"),
        ),
        (
            "https://a.example/",
            "origin_has_path",
            Some("https://a.example"),
        ),
        (
            "https://u:p@a.example",
            "origin_has_userinfo",
            Some("https://a.example"),
        ),
        (
            "http://127.1:8080",
            "origin_ip_not_canonical",
            Some("http://127.0.0.1:8080"),
        ),
        (
            "http://[0:0:0:0:0:0:0:1]:80",
            "origin_default_port",
            Some("http://[::1]"),
        ),
        (
            "wss://a.example",
            "origin_scheme_never_sent",
            Some("https://a.example"),
        ),
        (
            "https://a.example:0080",
            "origin_bad_port",
            Some("https://a.example:80"),
        ),
        (
            "https://a.example:",
            "origin_bad_port",
            Some("https://a.example"),
        ),
        (
            "blob:https://a.example/x",
            "origin_invalid",
            Some("https://a.example"),
        ),
        (
            "*.a.example",
            "pattern_unsupported",
            Some("https://*.a.example"),
        ),
        ("http://::1", "origin_invalid_host", Some("http://[::1]")),
        ("null", "origin_null", Some("allow_null_origin")),
    ] {
        let (_, found) = codes(text);
        assert!(found.first() == Some(&code), "{text}: {found:?}");
        assert_eq!(hint(text).as_deref(), fixed, "{text}");
    }
}

#[test]
fn every_problem_of_an_entry_is_reported() {
    assert_eq!(
        codes(" https://a.example/x?y#z").1,
        [
            "origin_whitespace",
            "origin_has_path",
            "origin_has_query",
            "origin_has_fragment"
        ]
    );
    assert_eq!(
        codes("https://u@a.example:0/").1,
        ["origin_has_path", "origin_has_userinfo", "origin_bad_port"]
    );
}

#[test]
fn broad_patterns() {
    for text in [
        "h*",
        "http*",
        "https://*",
        "*://*",
        "https://*:*",
        "**",
        "https://*.*",
        "http*://*",
    ] {
        let found = codes(text).1;
        assert!(
            found.contains(&"pattern_too_broad") && found.contains(&"pattern_unsupported"),
            "{text}: {found:?}"
        );
    }
    for text in [
        "https://**.example.com",
        "https://*.127.0.0.1",
        "https://a.*.example.com",
        "https://{digits}-{hex}.example.com",
        "https://*.{hex}.example.com",
        "https://{any}.example.com",
        "http://10.0.0.{digits}",
        "app://*.x",
        "https://a.example:80{digits}",
        "http://[*]",
    ] {
        assert_eq!(codes(text).1, ["pattern_unsupported"], "{text}");
    }
    assert_eq!(
        codes("https://*example.com").1,
        ["pattern_tenant_controlled", "pattern_unsupported"]
    );
    assert_eq!(codes("https://x*.example.com").1, ["pattern_unsupported"]);
}
