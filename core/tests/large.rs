//! Large and hostile documents, regexes and responses take linear time to judge, whatever they are
//! full of.
#![cfg(unix)]

mod cpu_time;

use std::time::Duration;

use crossgate::{Policy, merge_vary};

fn list(count: usize, entry: impl Fn(usize) -> String) -> String {
    (0..count)
        .map(|n| format!("{:?}", entry(n)))
        .collect::<Vec<_>>()
        .join(",")
}

/// Ten times as much takes about ten times as long; something quadratic would take a hundred times.
fn grows_linearly(name: &str, few: Duration, many: Duration) {
    assert!(
        many < 40 * few.max(Duration::from_millis(1)),
        "{name}: {few:?}, then {many:?} for ten times as many"
    );
}

fn is_linear(name: &str, text: impl Fn(usize) -> String) {
    let build = |count: usize| {
        let text = text(count);
        cpu_time::least(|| {
            drop(if text.starts_with('{') {
                Policy::from_json(&text)
            } else {
                Policy::from_toml(&text)
            })
        })
    };
    grows_linearly(name, build(2_000), build(20_000));
}

#[test]
fn many_options_of_every_kind() {
    is_linear("unknown options", |count| {
        format!(
            "{{{}}}",
            (0..count)
                .map(|n| format!("\"k{n}\":1"))
                .collect::<Vec<_>>()
                .join(",")
        )
    });
    is_linear("double options", |count| {
        format!("{{{}}}", vec!["\"max_age\":1"; count].join(","))
    });
    is_linear("double options in TOML", |count| {
        "max_age = 1\n".repeat(count)
    });
    is_linear("origins", |count| {
        format!(
            "{{\"allow_origins\":[{}]}}",
            list(count, |n| format!("https://a{n}.example"))
        )
    });
    is_linear("faulty origins", |count| {
        format!(
            "{{\"allow_origins\":[{}]}}",
            list(count, |n| format!("https://a{n}.example/"))
        )
    });
    is_linear("patterns", |count| {
        format!(
            "{{\"allow_origins\":[{}]}}",
            list(count, |n| format!("https://*.a{n}.example"))
        )
    });
    is_linear("redundant origins", |count| {
        let both = |n| {
            if n % 2 == 0 {
                format!("https://*.a{n}.example")
            } else {
                format!("https://x.a{}.example", n - 1)
            }
        };
        format!("{{\"allow_origins\":[{}]}}", list(count, both))
    });
    for option in ["allow_methods", "allow_headers", "expose_headers"] {
        is_linear(option, |count| {
            format!(
                "{{\"allow_origins\":[\"https://a.example\"],\"{option}\":[{}]}}",
                list(count, |n| format!("X{n}"))
            )
        });
    }
}

#[test]
fn one_long_entry() {
    type Fill = fn(usize) -> String;
    let fills: [(&str, Fill); 9] = [
        ("quotes", |n| "'".repeat(n)),
        ("brackets and quotes", |n| "[\"".repeat(n / 2)),
        ("commas", |n| "https://a.example,".repeat(n / 18)),
        ("dots", |n| format!("https://{}", "a.".repeat(n / 2))),
        ("stars", |n| format!("https://{}", "*a".repeat(n / 2))),
        ("placeholders", |n| {
            format!("https://{}", "{digits}".repeat(n / 8))
        }),
        ("schemes", |n| {
            format!("{}https://a.example", "blob:".repeat(n / 5))
        }),
        ("colons", |n| format!("https://[{}]", ":".repeat(n))),
        ("braces", |n| format!("{{{}", ",".repeat(n))),
    ];
    for (name, fill) in fills {
        is_linear(name, |count| {
            format!("{{\"allow_origins\":[{:?}]}}", fill(count * 10))
        });
    }
}

#[test]
fn a_long_vary_of_a_response() {
    let merge = |names: usize| {
        let list: String = (0..names).map(|n| format!("x-{n},")).collect();
        cpu_time::least(|| assert!(merge_vary([list.as_str()], "Origin").ends_with(", Origin")))
    };
    grows_linearly("names", merge(5_000), merge(50_000));
}

/// The slowest of these takes seconds without optimisation; what is exponential would never end.
#[cfg(feature = "regex")]
#[test]
fn no_regex_is_slow_to_judge() {
    for pattern in [
        "(.*){1000}",
        "(a|b|c|d){0,60}\\.com",
        "((a|b)*c?){200}",
        "(x+x+)+y",
        "https://([a-d]|e|f|g|h|i|j|k){63}\\.com",
        ".{5000}",
        r"https://(a\.|b\.)*example\.com",
        r"https://(1\.)*1",
    ] {
        let before = cpu_time::spent();
        let _ = Policy::builder().allow_origin_regexes([pattern]).build();
        let took = cpu_time::spent() - before;
        println!("{pattern}: {took:?}");
        assert!(took < Duration::from_secs(120), "{pattern} took {took:?}");
    }
}
