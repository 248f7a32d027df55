//! Policies that are swapped while others read them, and shadow policies.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use crossgate::{
    Decision, Document, LoadError, Policy, ProblemCode, Request, SharedPolicy, UpstreamHeaders,
    Verdict,
};

fn policy(origin: &str) -> Policy {
    Policy::builder().allow_origins([origin]).build().unwrap()
}

fn allows(policy: &Policy, origin: &str) -> bool {
    policy
        .evaluate(&Request::new("GET").header("Origin", origin))
        .allowed()
        == Some(true)
}

/// A million; `CROSSGATE_SWAPS` says otherwise.
fn swaps() -> usize {
    std::env::var("CROSSGATE_SWAPS").map_or(1_000_000, |count| {
        count.parse().expect("CROSSGATE_SWAPS is a number")
    })
}

#[test]
fn a_million_swaps_under_readers() {
    // Two policies in turn, and every fiftieth is a new one, which has to be gone afterwards.
    let standing = [
        Arc::new(policy("https://a.example")),
        Arc::new(policy("https://b.example")),
    ];
    let shared = SharedPolicy::new(standing[0].clone());
    let (done, read, differences) = (
        AtomicBool::new(false),
        AtomicUsize::new(0),
        AtomicUsize::new(0),
    );
    let mut swapped: Vec<Weak<Policy>> = Vec::new();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let (mut count, mut latest) = (0, None);
                while !done.load(Ordering::Relaxed) || count == 0 {
                    let snapshot = shared.load();
                    // One policy or the other, and the same one to the end.
                    assert_ne!(
                        allows(&snapshot, "https://a.example"),
                        allows(&snapshot, "https://b.example")
                    );
                    count += 1;
                    // One is kept for long: it is not dropped under its reader.
                    if count % 1000 == 0 {
                        latest = Some(snapshot);
                    } else if let Some(kept) = &latest {
                        assert_ne!(
                            allows(kept, "https://a.example"),
                            allows(kept, "https://b.example")
                        );
                        differences.fetch_add(
                            usize::from(!Arc::ptr_eq(kept.policy(), snapshot.policy())),
                            Ordering::Relaxed,
                        );
                    }
                }
                read.fetch_add(count, Ordering::Relaxed);
            });
        }
        for count in 0..swaps() {
            let mut next = standing[count % 2].clone();
            if count % 50 == 0 {
                next = Arc::new(Policy::clone(&next));
                swapped.push(Arc::downgrade(&next));
            }
            shared.replace(next);
        }
        shared.replace(standing[1].clone());
        done.store(true, Ordering::Relaxed);
    });
    println!(
        "{} swaps, {} reads, {} after a swap",
        swaps(),
        read.into_inner(),
        differences.into_inner()
    );
    assert!(allows(&shared.load(), "https://b.example"));
    // None of the swapped policies is left, and of the standing ones nothing but what stands here
    // and in the place.
    assert_eq!(
        swapped
            .iter()
            .filter(|policy| policy.strong_count() > 0)
            .count(),
        0
    );
    assert_eq!(standing.each_ref().map(Arc::strong_count), [1, 2]);
}

#[test]
fn writers_do_not_lose_each_other() {
    let shared = SharedPolicy::new(policy("https://a.example"));
    let shadow = Arc::new(policy("https://s.example"));
    std::thread::scope(|scope| {
        scope.spawn(|| (0..2000).for_each(|_| shared.replace(policy("https://b.example"))));
        scope.spawn(|| (0..2000).for_each(|_| shared.set_shadow(Some(shadow.clone()))));
    });
    let snapshot = shared.load();
    assert!(allows(&snapshot, "https://b.example"));
    assert!(
        snapshot
            .shadow()
            .is_some_and(|found| Arc::ptr_eq(found, &shadow))
    );
}

#[test]
fn the_old_policy_goes_with_its_last_snapshot() {
    let first = Arc::new(policy("https://a.example"));
    let alive = Arc::downgrade(&first);
    let shared = SharedPolicy::new(first);
    let snapshots = [shared.load(), shared.load(), shared.load().clone()];
    shared.replace(policy("https://b.example"));
    for (index, snapshot) in snapshots.into_iter().enumerate() {
        assert_eq!(alive.strong_count(), 1, "before snapshot {index} goes");
        assert!(allows(&snapshot, "https://a.example"));
    }
    assert_eq!(alive.strong_count(), 0);
    // Without a snapshot it goes at once, a shadow too.
    let (live, shadow) = (
        Arc::new(policy("https://c.example")),
        Arc::new(policy("https://d.example")),
    );
    let alive = [Arc::downgrade(&live), Arc::downgrade(&shadow)];
    shared.replace(live);
    shared.set_shadow(Some(shadow));
    assert!(alive.iter().all(|policy| policy.strong_count() == 1));
    shared.set_shadow(None);
    assert_eq!(alive[1].strong_count(), 0);
    drop(shared);
    assert_eq!(alive[0].strong_count(), 0);
}

#[test]
fn a_failed_load_keeps_the_old_policy_and_says_why() {
    let file = |name: &str, text: &str| {
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let shared = SharedPolicy::new(policy("https://a.example"));
    let shadow = Arc::new(policy("https://s.example"));
    shared.set_shadow(Some(shadow));
    let before = shared.policy();
    let wrong = r#"{"allow_origins": ["https://b.example/"], "max_age": -1}"#;
    let codes = |error: &crossgate::PolicyError| {
        error
            .problems()
            .iter()
            .map(|problem| problem.code)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        codes(&shared.replace_json(wrong).unwrap_err()),
        [ProblemCode::OriginHasPath, ProblemCode::MaxAgeInvalid]
    );
    assert_eq!(
        codes(&shared.replace_json("{").unwrap_err()),
        [ProblemCode::DocumentInvalid]
    );
    assert_eq!(
        codes(&shared.replace_toml("allow_origins = [").unwrap_err()),
        [ProblemCode::DocumentInvalid]
    );
    assert_eq!(
        codes(&shared.replace_document(&Document::new()).unwrap_err()),
        [ProblemCode::OriginsEmpty]
    );
    assert!(matches!(
        shared.replace_file("/no/such/policy.json"),
        Err(LoadError::Io { .. })
    ));
    let Err(LoadError::Policy(error)) = shared.replace_file(file("shared-wrong.json", wrong))
    else {
        panic!("the file is there and wrong")
    };
    assert_eq!(codes(&error).len(), 2);
    assert!(Arc::ptr_eq(&before, &shared.policy()));

    shared
        .replace_json(r#"{"allow_origins": ["https://b.example"]}"#)
        .unwrap();
    assert!(allows(&shared.load(), "https://b.example"));
    shared
        .replace_toml("allow_origins = ['https://c.example']")
        .unwrap();
    assert!(allows(&shared.load(), "https://c.example"));
    shared
        .replace_file(file(
            "shared-right.toml",
            "allow_origins = ['https://d.example']",
        ))
        .unwrap();
    assert!(allows(&shared.load(), "https://d.example"));
    assert!(shared.load().shadow().is_some(), "the shadow stays");
}

/// Everything that a host can see of a decision, written out.
fn seen(decision: &Decision<'_>) -> String {
    let remove: Vec<_> = decision.remove().iter().map(|name| name.lower()).collect();
    let kept = (decision.keeps_upstream(), decision.keeps_public());
    format!("{decision:?} {remove:?} {kept:?}")
}

#[test]
fn a_shadow_reports_every_difference_and_changes_nothing() {
    let base = || Policy::builder().allow_origins(["https://a.example"]);
    let builders = [
        base(),
        base().allow_credentials(true),
        base().allow_methods(["PUT"]),
        base()
            .allow_methods(["PUT"])
            .allow_headers(["X-A"])
            .max_age(60),
        base()
            .allow_methods(["PUT"])
            .allow_headers(["X-A"])
            .max_age(61),
        base()
            .allow_headers(["*"])
            .allow_methods(["*"])
            .allow_credentials(true),
        base().expose_headers(["X-A"]),
        base().expose_headers(["X-B"]),
        base().upstream(UpstreamHeaders::Keep),
        base().upstream(UpstreamHeaders::KeepPublic),
        base().origin_predicate(true),
        base().preflight_status(200).denied_preflight_status(200),
        base().allow_null_origin(true),
        base()
            .own_origins(["https://own.example"])
            .denied_actual(crossgate::DeniedActual::Reject),
        base().allow_private_network(true),
        Policy::builder().allow_origins(["*"]),
        Policy::builder().allow_origins(["https://*.a.example", "https://b.example"]),
    ];
    let policies: Vec<Arc<Policy>> = builders
        .into_iter()
        .map(|builder| Arc::new(builder.build().unwrap()))
        .collect();
    let mut requests = vec![Request::new("GET"), Request::new("OPTIONS")];
    for origin in [
        "https://a.example",
        "https://b.example",
        "https://x.a.example",
        "null",
        "https://own.example",
        "HTTPS://a.example",
        "",
    ] {
        requests.push(Request::new("GET").header("origin", origin));
        for method in ["GET", "PUT", "put", "PATCH"] {
            let preflight = Request::new("OPTIONS")
                .header("origin", origin)
                .header("access-control-request-method", method);
            for names in ["x-a", "x-a,x-b", "x a"] {
                requests.push(
                    preflight
                        .clone()
                        .header("access-control-request-headers", names),
                );
            }
            requests.push(
                preflight
                    .clone()
                    .header("access-control-request-private-network", "true"),
            );
            requests.push(preflight);
        }
    }
    let (mut same, mut different) = (0, 0);
    let shared = SharedPolicy::new(policies[0].clone());
    for live in &policies {
        shared.replace(live.clone());
        for shadow in &policies {
            shared.set_shadow(Some(shadow.clone()));
            let snapshot = shared.load();
            for (request, verdict) in requests
                .iter()
                .flat_map(|request| [None, Some(Verdict::Allow)].map(|verdict| (request, verdict)))
            {
                let Ok(decision) = live.evaluate_with(request, verdict) else {
                    assert!(snapshot.shadow_difference(request, verdict).is_err());
                    continue;
                };
                let other = shadow
                    .evaluate_with(request, verdict.filter(|_| shadow.has_origin_predicate()))
                    .unwrap();
                let found = snapshot.shadow_difference(request, verdict).unwrap();
                assert_eq!(found, snapshot.compare_shadow(&decision, request, verdict));
                assert_eq!(
                    found.is_some(),
                    seen(&decision) != seen(&other),
                    "{request:?}\nlive {live:?}\nshadow {shadow:?}"
                );
                if let Some(found) = &found {
                    assert_eq!(
                        (&found.live, &found.shadow),
                        (&(&decision).into(), &(&other).into())
                    );
                    different += 1;
                } else {
                    same += 1;
                }
                let served = snapshot.evaluate_with(request, verdict).unwrap();
                assert_eq!(seen(&served), seen(&decision));
            }
        }
    }
    println!("{same} same, {different} different");
    assert!(same > 10_000 && different > 10_000);
    shared.set_shadow(None);
    assert_eq!(
        shared.load().shadow_difference(&requests[2], None),
        Ok(None)
    );
}
